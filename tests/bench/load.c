/* SPDX-License-Identifier: MIT */
/*
 * The load client of `make bench`: one process and one thread, with any number of publishers,
 * consumers and idle connections to one server. It prints one line of JSON: how many messages
 * passed, how long that took, how much CPU time the kernel accounted to the server's process
 * meanwhile, and how that process's memory grew.
 *
 *     load --port=N --pid=N [--publishers=N --batch=N --size=N --count=N --window=N]
 *          [--rate=N --lone=1] [--channels=N --rdy=N --prefill=1]
 *          [--idle=N --pace=N --heartbeat=MS --hold=MS]
 *          [--tls=1 --snappy=1 --buffer_size=N --buffer_timeout=MS]
 *
 * --rate and --pace are per second. --lone: messages are so rare that none waits for another; each
 * one's time counts from when it is sent, not from when it was due.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/time.h"
#include "bench/peer.h"
#include "bench/process.h"
#include "codec/snappy.h"
#include "codec/tls.h"
#include "shell/clock.h"

#define LIMIT_NS TIME_MINUTE /* a phase that takes longer counts as failed */
#define TICK_NS 100000       /* with --rate: the time between two looks at what is due */

enum role { IDLE, PUBLISHER, CONSUMER };

struct client {
    struct peer peer;
    enum role role;
    size_t upgrades; /* how many of load.upgrades are enabled */
    bool joined;
    unsigned unanswered; /* commands that wait for a response */
};

#define UPGRADES_MAX 2

static struct {
    int64_t port, pid, publishers, batch, size, count, window, rate, lone;
    int64_t channels, rdy, prefill, idle, pace, heartbeat, hold;
    int64_t tls, snappy, buffer_size, buffer_timeout;
} option = {.batch = 1, .size = 200, .window = 1, .rdy = 1};

static struct {
    struct peers peers;
    char address[32];
    struct client *clients;
    size_t client_count;
    int64_t joined; /* of them */
    struct codec (*upgrades[UPGRADES_MAX])(
        void); /* what IDENTIFY asks for, in the order in which it is enabled */
    size_t upgrade_count;
    struct tls *tls;
    struct buf identify; /* JSON */
    struct buf command;  /* one PUB or MPUB */
    size_t stamp_at;     /* offset of the time in the body */
    int64_t to_publish;  /* messages not yet sent */
    int64_t published;   /* messages sent and answered */
    int64_t delivered;
    int64_t answers; /* responses to commands that do not publish */
    int64_t heartbeats;
    int64_t *latencies; /* ns, of each delivered message; with --rate only */
    int64_t rate_start;
    int64_t rate_sent;
    unsigned printed; /* how many numbers the line of JSON has so far */
} load;

/* --- publishing ------------------------------------------------------------------------------- */

static void number(struct buf *b, uint32_t v)
{
    be32_store(buf_room(b, 4), v);
    buf_grew(b, 4);
}

/* Half of a body is the same in all messages, half is random. Snappy compresses this about as well
 * as JSON. */
static void make_body(struct buf *b, uint32_t size)
{
    static uint32_t random = 1;
    for (uint32_t i = 0; i < size; i += 4) {
        uint8_t four[] = "same";
        if (i / 16 % 2 == 1) {
            random = random * 1664525 + 1013904223; /* the generator of "Numerical Recipes" */
            be32_store(four, random);
        }
        buf_append(b, span_make(four, size - i < 4 ? size - i : 4));
    }
}

static void make_command(void)
{
    struct buf *b = &load.command;
    uint32_t size = (uint32_t)option.size;
    uint32_t batch = (uint32_t)option.batch;
    if (batch == 1) {
        buf_append(b, SPAN("PUB bench\n"));
    } else {
        buf_append(b, SPAN("MPUB bench\n"));
        number(b, 4 + batch * (4 + size));
        number(b, batch);
    }
    load.stamp_at = b->n + 4;
    for (uint32_t i = 0; i < batch; i++) {
        number(b, size);
        make_body(b, size);
    }
}

static void publish_one(struct client *c)
{
    buf_append(&c->peer.out, buf_span(&load.command));
    c->unanswered++;
    load.to_publish -= option.batch;
}

/* Closed loop: keeps as many commands unanswered as --window says. */
static void publish_more(struct client *c)
{
    while (c->unanswered < option.window && load.to_publish > 0) {
        publish_one(c);
    }
}

static void start_publishing(struct client *c)
{
    publish_more(c);
    peer_transmit(&c->peer);
}

/* Open loop: every message that is due carries the time at which it was due. So if the server
 * stalls, the messages that wait behind count as delayed too. With --lone no message waits behind
 * another, and a late wake-up of this process is not the server's fault: such a message carries the
 * time at which it is sent. */
static void publish_due(struct client *c)
{
    int64_t due = (clock_now() - load.rate_start) * option.rate / TIME_SECOND;
    for (; load.rate_sent < due && load.to_publish > 0; load.rate_sent++) {
        int64_t at = load.rate_start + (load.rate_sent + 1) * TIME_SECOND / option.rate;
        at = option.lone ? clock_now() : at;
        memcpy(load.command.p + load.command.head + load.stamp_at, &at, sizeof at);
        publish_one(c);
    }
    peer_transmit(&c->peer);
}

/* --- what the server says --------------------------------------------------------------------- */

static void on_message(struct client *c, struct span data)
{
    uint8_t fin[] = "FIN 0123456789abcdef\n";
    struct nsq_message message;
    int64_t at;
    if (nsq_message_parse(data, &message) != NSQ_OK || message.body.n < sizeof at) {
        process_die("the server sent a message that nobody published");
    }
    memcpy(fin + 4, message.id, NSQ_MESSAGE_ID_SIZE);
    buf_append(&c->peer.out, span_make(fin, sizeof fin - 1));
    if (load.latencies != NULL && load.delivered < option.count) {
        memcpy(&at, message.body.p, sizeof at);
        load.latencies[load.delivered] = clock_now() - at;
    }
    load.delivered++;
}

/* IDENTIFY is answered before a codec is enabled, and each enabled codec then answers OK. */
static void on_hello(struct client *c)
{
    if (c->upgrades < load.upgrade_count) {
        peer_enable_codec(&c->peer, load.upgrades[c->upgrades++]());
    } else {
        c->joined = true;
        load.joined++;
    }
}

static void on_response(struct client *c, const struct nsq_frame *frame)
{
    if (nsq_frame_is_heartbeat(frame)) {
        load.heartbeats++;
        peer_say(&c->peer, "NOP\n");
    } else if (!c->joined) {
        on_hello(c);
    } else if (c->role == PUBLISHER && c->unanswered > 0) {
        c->unanswered--;
        load.published += option.batch;
    } else {
        load.answers++;
    }
}

static void on_frame(struct peer *p, const struct nsq_frame *frame)
{
    if (frame->type == NSQ_FRAME_MESSAGE) {
        on_message(p->user, frame->data);
    } else if (frame->type == NSQ_FRAME_RESPONSE) {
        on_response(p->user, frame);
    } else {
        process_die("the server says %.*s", (int)frame->data.n, (const char *)frame->data.p);
    }
}

static void on_pause(struct peer *p)
{
    struct client *c = p->user;
    if (c->role == PUBLISHER && option.rate == 0) {
        publish_more(c);
    }
}

static void on_closed(struct peer *p, const char *why)
{
    (void)p;
    process_die("%s", why);
}

/* --- connections ------------------------------------------------------------------------------ */

static struct codec make_tls(void)
{
    return tls_connect(load.tls, NULL);
}

/* A value of 0 leaves the server's default. */
static void make_hello(void)
{
    char json[256];
    int n = snprintf(json, sizeof json,
                     "{\"feature_negotiation\":true,\"heartbeat_interval\":%lld,"
                     "\"output_buffer_size\":%lld,\"output_buffer_timeout\":%lld,"
                     "\"tls_v1\":%s,\"snappy\":%s}",
                     (long long)option.heartbeat, (long long)option.buffer_size,
                     (long long)option.buffer_timeout, option.tls ? "true" : "false",
                     option.snappy ? "true" : "false");
    buf_append(&load.identify, span_make(json, (size_t)n));
    if (option.tls) {
        const struct tls_client_settings any_server = {.min_version = TLS_1_2};
        struct buf why = {0};
        load.upgrades[load.upgrade_count++] = make_tls;
        load.tls = tls_client_new(&any_server, &why);
        if (load.tls == NULL) {
            process_die("%.*s", (int)why.n, (const char *)buf_span(&why).p);
        }
    }
    if (option.snappy) {
        load.upgrades[load.upgrade_count++] = snappy_codec;
    }
}

static struct client *join(enum role role)
{
    struct client *c = &load.clients[load.client_count++];
    c->role = role;
    if (!peer_open(&load.peers, &c->peer, load.address, c)) {
        process_die("connect to %s: %s", load.address, strerror(errno));
    }
    peer_say_body(&c->peer, "IDENTIFY\n", buf_span(&load.identify));
    peer_transmit(&c->peer);
    return c;
}

/* --- the loop --------------------------------------------------------------------------------- */

/* Runs until *counter has reached `wanted`. */
static void run_until(const int64_t *counter, int64_t wanted)
{
    int64_t end = clock_now() + LIMIT_NS;
    while (*counter < wanted) {
        peers_turn(&load.peers, 100);
        if (clock_now() > end) {
            process_die("stuck at %lld of %lld", (long long)*counter, (long long)wanted);
        }
    }
}

static void run_to(int64_t end)
{
    for (int64_t left = end - clock_now(); left > 0; left = end - clock_now()) {
        peers_turn(&load.peers, left > 100 * TIME_MS ? 100 : (int)((left + TIME_MS - 1) / TIME_MS));
    }
}

static void run_for(int64_t ns)
{
    run_to(clock_now() + ns);
}

static void wait_for_all(void)
{
    run_until(&load.joined, (int64_t)load.client_count);
}

static void each(enum role role, void (*act)(struct client *))
{
    for (size_t i = 0; i < load.client_count; i++) {
        if (load.clients[i].role == role) {
            act(&load.clients[i]);
        }
    }
}

static void set_ready(struct client *c)
{
    char text[32];
    snprintf(text, sizeof text, "RDY %lld\n", (long long)option.rdy);
    peer_say(&c->peer, text);
    peer_transmit(&c->peer);
}

/* The server answers this after it has handled every FIN before it. */
static void finish(struct client *c)
{
    peer_say(&c->peer, "CLS\n");
    peer_transmit(&c->peer);
}

/* A timer that wakes the loop when a message is due; at high rates, when several are. */
static int rate_timer(void)
{
    int64_t ns = TIME_SECOND / option.rate > TICK_NS ? TIME_SECOND / option.rate : TICK_NS;
    const struct timespec interval = {.tv_sec = ns / TIME_SECOND, .tv_nsec = ns % TIME_SECOND};
    const struct itimerspec every = {.it_interval = interval, .it_value = interval};
    struct epoll_event e = {.events = EPOLLIN, .data = {.ptr = NULL}};
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    if (timer < 0 || timerfd_settime(timer, 0, &every, NULL) != 0 ||
        epoll_ctl(load.peers.epoll, EPOLL_CTL_ADD, timer, &e) != 0) {
        process_die("timerfd: %s", strerror(errno));
    }
    return timer;
}

static void run_at_rate(void)
{
    int64_t end = clock_now() + LIMIT_NS;
    load.rate_start = clock_now();
    int timer = rate_timer();
    while (load.delivered < option.count && clock_now() < end) {
        uint64_t times;
        peers_turn(&load.peers, 100);
        if (read(timer, &times, sizeof times) < 0 &&
            errno != EAGAIN) { /* a timer that is not read wakes the loop no more */
            process_die("timerfd: %s", strerror(errno));
        }
        each(PUBLISHER, publish_due);
    }
    close(timer);
}

/* --- what was measured ------------------------------------------------------------------------ */

static int smaller(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t latency_at(int64_t of_1000)
{
    int64_t i = load.delivered * of_1000 / 1000;
    return load.latencies[i < load.delivered ? i : load.delivered - 1];
}

/* A measurement is the difference between two samples. */
struct sample {
    int64_t ns;
    int64_t cpu;
    int64_t client_cpu;
    int64_t wakeups;
    int64_t heartbeats;
};

static struct sample take_sample(void)
{
    return (struct sample){.ns = clock_now(),
                           .cpu = process_cpu((pid_t)option.pid),
                           .client_cpu = process_cpu(getpid()),
                           .wakeups = process_wakeups((pid_t)option.pid),
                           .heartbeats = load.heartbeats};
}

static int64_t resident(void)
{
    return process_memory((pid_t)option.pid, "VmRSS");
}

static void join_idle(void)
{
    int64_t start = clock_now();
    for (int64_t i = 0; i < option.idle; i++) {
        join(IDLE);
        if (option.pace > 0) {
            run_to(start + i * TIME_SECOND / option.pace);
        } else if (i % 100 == 0) {
            peers_turn(&load.peers, 0); /* lets the server accept: a listener's backlog is short */
        }
    }
    wait_for_all();
    run_for(option.idle > 0 ? 500 * TIME_MS : 0);
}

static void join_consumers(void)
{
    for (int64_t i = 0; i < option.channels; i++) {
        char sub[64];
        struct client *c = join(CONSUMER);
        int64_t before = load.answers;
        wait_for_all();
        snprintf(sub, sizeof sub, "SUB bench channel%lld\n", (long long)i);
        peer_say(&c->peer, sub);
        peer_transmit(&c->peer);
        run_until(&load.answers, before + 1);
    }
}

static void join_publishers(void)
{
    for (int64_t i = 0; i < option.publishers; i++) {
        join(PUBLISHER);
    }
    wait_for_all();
    load.to_publish = option.count;
    if (option.prefill) {
        each(PUBLISHER, start_publishing);
        run_until(&load.published, option.count);
        run_for(300 *
                TIME_MS); /* gives nsqd time to move messages from the topic to its channels */
    } else {
        run_for(20 * TIME_MS);
    }
}

/* The phase that is measured. */
static void pass_messages(int64_t deliveries)
{
    int64_t answers = load.answers;
    if (option.rdy > 0) {
        each(CONSUMER, set_ready);
    }
    if (option.rate > 0) {
        run_at_rate();
    } else if (!option.prefill) {
        each(PUBLISHER, start_publishing);
        run_until(&load.published, option.count);
    }
    if (option.rdy > 0) {
        run_until(&load.delivered, deliveries);
        each(CONSUMER, finish);
        run_until(&load.answers, answers + option.channels);
    }
    run_for(option.hold * TIME_MS);
}

static void print_number(const char *name, int64_t value)
{
    printf("%c\"%s\":%lld", load.printed++ == 0 ? '{' : ',', name, (long long)value);
}

static void measure(void)
{
    int64_t deliveries = option.count * option.channels;
    print_number("messages", option.rdy > 0 && deliveries > 0 ? deliveries : option.count);
    print_number("rss_start", resident());
    join_idle();
    print_number("rss_idle", resident());
    join_consumers();
    join_publishers();
    print_number("rss_filled", resident());
    struct sample before = take_sample();
    pass_messages(deliveries);
    struct sample after = take_sample();
    print_number("rss_peak", process_memory((pid_t)option.pid, "VmHWM"));
    print_number("ns", after.ns - before.ns);
    print_number("cpu_ns", after.cpu - before.cpu);
    print_number("client_cpu_ns", after.client_cpu - before.client_cpu);
    print_number("wakeups", after.wakeups - before.wakeups);
    print_number("heartbeats", after.heartbeats - before.heartbeats);
    if (load.latencies != NULL) {
        qsort(load.latencies, (size_t)load.delivered, sizeof(int64_t), smaller);
        print_number("p50", latency_at(500));
        print_number("p99", latency_at(990));
        print_number("p999", latency_at(999));
    }
    printf("}\n");
}

/* --- the command line ------------------------------------------------------------------------- */

static bool take_option(const char *arg)
{
    static const struct {
        const char *name;
        int64_t *value;
    } numbers[] = {{"port", &option.port},
                   {"pid", &option.pid},
                   {"publishers", &option.publishers},
                   {"batch", &option.batch},
                   {"size", &option.size},
                   {"count", &option.count},
                   {"window", &option.window},
                   {"rate", &option.rate},
                   {"lone", &option.lone},
                   {"channels", &option.channels},
                   {"rdy", &option.rdy},
                   {"prefill", &option.prefill},
                   {"idle", &option.idle},
                   {"pace", &option.pace},
                   {"heartbeat", &option.heartbeat},
                   {"hold", &option.hold},
                   {"tls", &option.tls},
                   {"snappy", &option.snappy},
                   {"buffer_size", &option.buffer_size},
                   {"buffer_timeout", &option.buffer_timeout}};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        size_t n = strlen(numbers[i].name);
        if (strncmp(arg, "--", 2) == 0 && strncmp(arg + 2, numbers[i].name, n) == 0 &&
            arg[2 + n] == '=') {
            *numbers[i].value = strtoll(arg + 3 + n, NULL, 10);
            return true;
        }
    }
    return false;
}

static void prepare(void)
{
    int64_t clients = option.publishers + option.channels + option.idle;
    load.peers = (struct peers){.on_frame = on_frame, .on_pause = on_pause, .on_closed = on_closed};
    if (!peers_init(&load.peers)) {
        process_die("epoll: %s", strerror(errno));
    }
    snprintf(load.address, sizeof load.address, "127.0.0.1:%lld", (long long)option.port);
    load.clients = alloc_zeroed((size_t)(clients + 1) * sizeof *load.clients);
    if (option.rate > 0) {
        load.latencies = alloc_zeroed((size_t)option.count * sizeof *load.latencies);
    }
    make_command();
    make_hello();
}

int main(int argc, char **argv)
{
    int at = 1;
    while (at < argc && take_option(argv[at])) {
        at++;
    }
    if (at < argc || option.port == 0 || option.pid == 0 || option.size < 8 || option.batch < 1) {
        process_die("see the head of tests/bench/load.c");
    }
    prepare();
    measure();
    return 0;
}
