/* SPDX-License-Identifier: MIT */
/*
 * The load client of `make bench`: one process, one thread, any number of publishers, consumers and
 * idle connections against one server. It says, as one line of JSON, how many messages passed, how
 * long that took, what CPU time the kernel accounted to the server's process meanwhile, and how its
 * memory grew.
 *
 *     load --port=N --pid=N [--publishers=N --batch=N --size=N --count=N --window=N --rate=N]
 *          [--channels=N --rdy=N --prefill=1] [--idle=N --heartbeat=MS --hold=MS]
 *     load --start=PROGRAM --port=N FLAGS...      how long a start takes, to the first answer
 *
 * What IDENTIFY negotiates on top of the socket (TLS, snappy) will go between transmit, receive and
 * their callers.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/time.h"
#include "bench/peer.h"
#include "bench/process.h"
#include "shell/clock.h"

#define LIMIT_NS TIME_MINUTE /* a phase that takes longer has failed */
#define TICK_NS 100000       /* with --rate, what is due is sent so often */

enum role { IDLE, PUBLISHER, CONSUMER };

struct client {
    struct peer peer;
    enum role role;
    unsigned unanswered; /* commands that wait for a response */
};

static struct {
    int64_t port, pid, publishers, batch, size, count, window, rate;
    int64_t channels, rdy, prefill, idle, heartbeat, hold;
    const char *start;
} option = {.batch = 1, .size = 200, .window = 1, .rdy = 1};

static struct {
    struct peers peers;
    char address[32];
    struct client *clients;
    size_t client_count;
    struct buf command; /* one PUB or MPUB */
    size_t stamp_at;    /* of the body in it, where the time goes */
    int64_t to_publish; /* messages not yet sent */
    int64_t published;  /* and answered */
    int64_t delivered;
    int64_t answers; /* responses to anything but publishing */
    int64_t heartbeats;
    int64_t *latencies; /* ns, of each delivered message when there is a rate */
    int64_t rate_start;
    int64_t rate_sent;
} load;

/* --- publishing ------------------------------------------------------------------------------- */

static void number(struct buf *b, uint32_t v)
{
    be32_store(buf_room(b, 4), v);
    buf_grew(b, 4);
}

static void make_command(void)
{
    uint8_t *body = alloc_zeroed((size_t)option.size);
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
        buf_append(b, span_make(body, size));
    }
    alloc_free(body);
}

static void publish_one(struct client *c)
{
    buf_append(&c->peer.out, buf_span(&load.command));
    c->unanswered++;
    load.to_publish -= option.batch;
}

/* Closed loop: as many commands are under way as the window says. */
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

/* Open loop: what is due by now leaves with the time at which it was due, so that a server that
 * stands still delays the messages behind it too. */
static void publish_due(struct client *c)
{
    int64_t due = (clock_now() - load.rate_start) * option.rate / TIME_SECOND;
    for (; load.rate_sent < due && load.to_publish > 0; load.rate_sent++) {
        int64_t at = load.rate_start + (load.rate_sent + 1) * TIME_SECOND / option.rate;
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

static void on_response(struct client *c, const struct nsq_frame *frame)
{
    if (nsq_frame_is_heartbeat(frame)) {
        load.heartbeats++;
        peer_say(&c->peer, "NOP\n");
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

static void say_hello(struct peer *p)
{
    char json[64];
    int n =
        snprintf(json, sizeof json, "{\"heartbeat_interval\":%lld}", (long long)option.heartbeat);
    if (option.heartbeat > 0) {
        peer_say_body(p, "IDENTIFY\n", span_make(json, (size_t)n));
    }
}

static struct client *join(enum role role)
{
    struct client *c = &load.clients[load.client_count++];
    c->role = role;
    if (!peer_open(&load.peers, &c->peer, load.address, c)) {
        process_die("connect to %s: %s", load.address, strerror(errno));
    }
    say_hello(&c->peer);
    peer_transmit(&c->peer);
    return c;
}

/* --- the loop --------------------------------------------------------------------------------- */

/* Until *counter has come to `wanted`. */
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

static void run_for(int64_t ns)
{
    int64_t end = clock_now() + ns;
    while (clock_now() < end) {
        peers_turn(&load.peers, 10);
    }
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

/* Its answer comes when every FIN before it was handled. */
static void finish(struct client *c)
{
    peer_say(&c->peer, "CLS\n");
    peer_transmit(&c->peer);
}

static void run_at_rate(void)
{
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    const struct itimerspec every = {.it_interval.tv_nsec = TICK_NS, .it_value.tv_nsec = TICK_NS};
    struct epoll_event e = {.events = EPOLLIN | EPOLLET, .data = {.ptr = NULL}};
    int64_t end = clock_now() + LIMIT_NS;
    if (timer < 0 || timerfd_settime(timer, 0, &every, NULL) != 0 ||
        epoll_ctl(load.peers.epoll, EPOLL_CTL_ADD, timer, &e) != 0) {
        process_die("timerfd: %s", strerror(errno));
    }
    load.rate_start = clock_now();
    while (load.delivered < option.count && clock_now() < end) {
        peers_turn(&load.peers, 1);
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

static long long latency_at(int64_t of_1000)
{
    int64_t i = load.delivered * of_1000 / 1000;
    return (long long)load.latencies[i < load.delivered ? i : load.delivered - 1];
}

static void measure(void)
{
    pid_t server = (pid_t)option.pid;
    int64_t rss_start = process_memory(server, "VmRSS");
    for (int64_t i = 0; i < option.idle; i++) {
        join(IDLE);
        if (i % 100 == 0) {
            peers_turn(&load.peers, 0); /* the backlog of a listener is short */
        }
    }
    if (option.idle > 0) {
        run_for(500 * TIME_MS);
    }
    int64_t rss_idle = process_memory(server, "VmRSS");
    for (int64_t i = 0; i < option.channels; i++) {
        char sub[64];
        struct client *c = join(CONSUMER);
        int64_t before = load.answers;
        snprintf(sub, sizeof sub, "SUB bench channel%lld\n", (long long)i);
        peer_say(&c->peer, sub);
        peer_transmit(&c->peer);
        run_until(&load.answers, before + 1 + (option.heartbeat > 0));
    }
    for (int64_t i = 0; i < option.publishers; i++) {
        join(PUBLISHER);
    }
    load.to_publish = option.count;
    if (option.prefill) {
        each(PUBLISHER, start_publishing);
        run_until(&load.published, option.count);
        run_for(300 * TIME_MS); /* nsqd's topic hands over to its channels by and by */
    } else {
        run_for(20 * TIME_MS);
    }
    int64_t rss_filled = process_memory(server, "VmRSS");

    int64_t deliveries = option.count * option.channels;
    int64_t cpu = process_cpu(server);
    int64_t own = process_cpu(getpid());
    int64_t start = clock_now();
    int64_t answers = load.answers;
    int64_t heartbeats = load.heartbeats;
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
    if (option.hold > 0) {
        run_for(option.hold * TIME_MS);
    }
    int64_t took = clock_now() - start;
    cpu = process_cpu(server) - cpu;
    own = process_cpu(getpid()) - own;
    printf("{\"messages\":%lld,\"ns\":%lld,\"cpu_ns\":%lld,\"client_cpu_ns\":%lld,"
           "\"heartbeats\":%lld,\"rss_start\":%lld,\"rss_idle\":%lld,\"rss_filled\":%lld,"
           "\"rss_peak\":%lld",
           (long long)(option.rdy > 0 && deliveries > 0 ? deliveries : option.count),
           (long long)took, (long long)cpu, (long long)own,
           (long long)(load.heartbeats - heartbeats), (long long)rss_start, (long long)rss_idle,
           (long long)rss_filled, (long long)process_memory(server, "VmHWM"));
    if (load.latencies != NULL) {
        qsort(load.latencies, (size_t)load.delivered, sizeof(int64_t), smaller);
        printf(",\"p50\":%lld,\"p99\":%lld,\"p999\":%lld", latency_at(500), latency_at(990),
               latency_at(999));
    }
    printf("}\n");
}

/* --- how long a start takes ------------------------------------------------------------------- */

/* To the first answer, not to the first connect: the kernel connects before a server accepts. */
static void measure_start(char **argv)
{
    int64_t start = clock_now();
    int64_t end = start + LIMIT_NS;
    struct peer *p = &load.clients->peer;
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY);
        dup2(null, STDERR_FILENO);
        execv(option.start, argv);
        _exit(127);
    }
    while (!peer_open(&load.peers, p, load.address, load.clients)) {
        const struct timespec nap = {.tv_nsec = 20000};
        nanosleep(&nap, NULL);
        if (clock_now() > end || waitpid(pid, NULL, WNOHANG) != 0) {
            process_die("%s does not listen", option.start);
        }
    }
    peer_say_body(p, "IDENTIFY\n", SPAN("{}"));
    peer_transmit(p);
    run_until(&load.answers, 1);
    printf("{\"ns\":%lld}\n", (long long)(clock_now() - start));
    kill(pid, SIGTERM);
    waitpid(pid, NULL, 0);
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
                   {"channels", &option.channels},
                   {"rdy", &option.rdy},
                   {"prefill", &option.prefill},
                   {"idle", &option.idle},
                   {"heartbeat", &option.heartbeat},
                   {"hold", &option.hold}};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        size_t n = strlen(numbers[i].name);
        if (strncmp(arg, "--", 2) == 0 && strncmp(arg + 2, numbers[i].name, n) == 0 &&
            arg[2 + n] == '=') {
            *numbers[i].value = strtoll(arg + 3 + n, NULL, 10);
            return true;
        }
    }
    if (strncmp(arg, "--start=", 8) == 0) {
        option.start = arg + 8;
        return true;
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
}

int main(int argc, char **argv)
{
    int at = 1;
    while (at < argc && take_option(argv[at])) {
        at++;
    }
    bool starts = option.start != NULL;
    if (option.port == 0 || option.size < 8 || option.batch < 1 ||
        (!starts && (at < argc || option.pid == 0))) {
        process_die("see the head of tests/bench/load.c");
    }
    prepare();
    if (starts) {
        argv[at - 1] = argv[0]; /* the rest is the server's command line */
        measure_start(argv + at - 1);
    } else {
        measure();
    }
    return 0;
}
