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
#include <nsq/span.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"

#define NS_A_SECOND 1000000000
#define NS_A_MS 1000000
#define LIMIT_NS (60 * (int64_t)NS_A_SECOND) /* a phase that takes longer has failed */
#define TICK_NS 100000                       /* with --rate, what is due is sent so often */
#define READ_SIZE (256 * 1024)
#define EVENTS 512
#define HEADER 8          /* of a frame: size, type */
#define MESSAGE_HEADER 26 /* of a message: timestamp, attempts, id */
#define FRAME_RESPONSE 0
#define FRAME_MESSAGE 2

enum role { IDLE, PUBLISHER, CONSUMER };

struct peer {
    enum role role;
    int fd;
    unsigned unanswered; /* commands that wait for a response */
    bool closing;        /* CLS is answered when every FIN before it was handled */
    bool want_write;
    struct buf in;
    struct buf out;
};

static struct {
    int64_t port, pid, publishers, batch, size, count, window, rate;
    int64_t channels, rdy, prefill, idle, heartbeat, hold;
    const char *start;
} option = {.batch = 1, .size = 200, .window = 1, .rdy = 1};

static struct {
    int epoll;
    struct peer *peers;
    size_t peer_count;
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

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int64_t read_clock(clockid_t id)
{
    struct timespec t;
    if (clock_gettime(id, &t) != 0) {
        die("clock_gettime");
    }
    return (int64_t)t.tv_sec * NS_A_SECOND + t.tv_nsec;
}

static int64_t now(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

/* --- the server's process --------------------------------------------------------------------- */

/* All of its threads, in ns; the kernel's accounting of a process is a clock of its own. */
static int64_t server_cpu(void)
{
    clockid_t id;
    if (clock_getcpuclockid((pid_t)option.pid, &id) != 0) {
        die("clock_getcpuclockid");
    }
    return read_clock(id);
}

/* A line of /proc/PID/status in KiB: VmRSS, VmHWM. */
static int64_t server_memory(const char *name)
{
    char path[64];
    char line[256];
    long long kib = -1;
    snprintf(path, sizeof path, "/proc/%lld/status", (long long)option.pid);
    FILE *f = fopen(path, "r");
    if (f == NULL) {
        die(path);
    }
    while (fgets(line, sizeof line, f) != NULL) {
        size_t n = strlen(name);
        if (strncmp(line, name, n) == 0 && line[n] == ':') {
            kib = strtoll(line + n + 1, NULL, 10);
        }
    }
    fclose(f);
    return kib;
}

/* --- bytes ------------------------------------------------------------------------------------ */

static void watch(struct peer *p, bool want_write)
{
    struct epoll_event e = {.events = EPOLLIN | (want_write ? (uint32_t)EPOLLOUT : 0U),
                            .data = {.ptr = p}};
    if (p->want_write != want_write) {
        p->want_write = want_write;
        epoll_ctl(load.epoll, EPOLL_CTL_MOD, p->fd, &e);
    }
}

/* Sends what fits. */
static void transmit(struct peer *p)
{
    while (p->out.n > 0) {
        struct span out = buf_span(&p->out);
        ssize_t n = send(p->fd, out.p, out.n, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) {
            break;
        }
        if (n < 0) {
            die("send");
        }
        buf_drop(&p->out, (size_t)n);
    }
    watch(p, p->out.n > 0);
}

static void say(struct peer *p, const char *text)
{
    buf_append(&p->out, span_make(text, strlen(text)));
}

/* --- publishing ------------------------------------------------------------------------------- */

static void number(struct buf *b, uint32_t v)
{
    uint8_t bytes[4];
    be32_store(bytes, v);
    buf_append(b, span_make(bytes, sizeof bytes));
}

static void make_command(void)
{
    uint8_t *body = calloc(1, (size_t)option.size);
    struct buf *b = &load.command;
    uint32_t size = (uint32_t)option.size;
    uint32_t batch = (uint32_t)option.batch;
    if (body == NULL) {
        die("calloc");
    }
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
    free(body);
}

static void publish_one(struct peer *p)
{
    buf_append(&p->out, buf_span(&load.command));
    p->unanswered++;
    load.to_publish -= option.batch;
}

/* Closed loop: as many commands are under way as the window says. */
static void publish_more(struct peer *p)
{
    while (p->unanswered < option.window && load.to_publish > 0) {
        publish_one(p);
    }
    transmit(p);
}

/* Open loop: what is due by now leaves with the time at which it was due, so that a server that
 * stands still delays the messages behind it too. */
static void publish_due(struct peer *p)
{
    int64_t due = (now() - load.rate_start) * option.rate / NS_A_SECOND;
    for (; load.rate_sent < due && load.to_publish > 0; load.rate_sent++) {
        int64_t at = load.rate_start + (load.rate_sent + 1) * NS_A_SECOND / option.rate;
        memcpy(load.command.p + load.command.head + load.stamp_at, &at, sizeof at);
        publish_one(p);
    }
    transmit(p);
}

/* --- what the server says --------------------------------------------------------------------- */

static void on_message(struct peer *p, struct span data)
{
    uint8_t fin[] = "FIN 0123456789abcdef\n";
    memcpy(fin + 4, data.p + 10, 16);
    buf_append(&p->out, span_make(fin, sizeof fin - 1));
    if (load.latencies != NULL) {
        int64_t at;
        memcpy(&at, data.p + MESSAGE_HEADER, sizeof at);
        load.latencies[load.delivered] = now() - at;
    }
    load.delivered++;
}

static void on_response(struct peer *p, struct span data)
{
    if (span_equal(data, SPAN("_heartbeat_"))) {
        load.heartbeats++;
        say(p, "NOP\n");
    } else if (p->role == PUBLISHER && p->unanswered > 0) {
        p->unanswered--;
        load.published += option.batch;
    } else {
        load.answers++;
    }
}

static void on_frame(struct peer *p, uint32_t type, struct span data)
{
    if (type == FRAME_MESSAGE) {
        on_message(p, data);
    } else if (type == FRAME_RESPONSE) {
        on_response(p, data);
    } else {
        fprintf(stderr, "load: the server says %.*s\n", (int)data.n, (const char *)data.p);
        exit(1);
    }
}

/* Whole frames are taken where they were read; only a piece of one is kept. */
static size_t take_frames(struct peer *p, struct span in)
{
    size_t start = in.n;
    while (in.n >= HEADER && in.n >= 4 + (size_t)be32_load(in.p)) {
        size_t n = 4 + (size_t)be32_load(in.p);
        on_frame(p, be32_load(in.p + 4), span_skip(span_first(in, n), HEADER));
        in = span_skip(in, n);
    }
    return start - in.n;
}

static void receive(struct peer *p)
{
    static uint8_t bytes[READ_SIZE];
    ssize_t n = recv(p->fd, bytes, sizeof bytes, 0);
    if (n < 0 && errno == EAGAIN) {
        return;
    }
    if (n <= 0) {
        die("the server ended a connection");
    }
    struct span in = span_make(bytes, (size_t)n);
    if (p->in.n > 0) {
        buf_append(&p->in, in);
        buf_drop(&p->in, take_frames(p, buf_span(&p->in)));
    } else {
        buf_append(&p->in, span_skip(in, take_frames(p, in)));
    }
}

/* --- connections ------------------------------------------------------------------------------ */

static int try_to_connect(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)option.port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof to) != 0) {
        close(fd);
        return -1;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

static struct peer *join(enum role role)
{
    struct peer *p = &load.peers[load.peer_count++];
    *p = (struct peer){.role = role, .fd = try_to_connect()};
    struct epoll_event e = {.events = EPOLLIN, .data = {.ptr = p}};
    if (p->fd < 0 || fcntl(p->fd, F_SETFL, O_NONBLOCK) != 0 ||
        epoll_ctl(load.epoll, EPOLL_CTL_ADD, p->fd, &e) != 0) {
        die("connect");
    }
    say(p, "  V2");
    if (option.heartbeat > 0) {
        char json[64];
        int n = snprintf(json, sizeof json, "{\"heartbeat_interval\":%lld}",
                         (long long)option.heartbeat);
        say(p, "IDENTIFY\n");
        number(&p->out, (uint32_t)n);
        say(p, json);
    }
    return p;
}

/* --- the loop --------------------------------------------------------------------------------- */

/* One round: what has come is handled, and what may follow is sent. */
static void turn(int timeout_ms)
{
    struct epoll_event events[EVENTS];
    int n = epoll_wait(load.epoll, events, EVENTS, timeout_ms);
    for (int i = 0; i < n; i++) {
        struct peer *p = events[i].data.ptr;
        if (p == NULL) { /* the timer of --rate */
            continue;
        }
        if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
            receive(p);
        }
        if (p->role == PUBLISHER && option.rate == 0) {
            publish_more(p);
        } else if (p->out.n > 0) {
            transmit(p);
        }
    }
}

/* Until *counter has come to `wanted`. */
static void run_until(const int64_t *counter, int64_t wanted)
{
    int64_t end = now() + LIMIT_NS;
    while (*counter < wanted) {
        turn(100);
        if (now() > end) {
            fprintf(stderr, "load: stuck at %lld of %lld\n", (long long)*counter,
                    (long long)wanted);
            exit(1);
        }
    }
}

static void run_for(int64_t ns)
{
    int64_t end = now() + ns;
    while (now() < end) {
        turn(10);
    }
}

static void each(enum role role, void (*act)(struct peer *))
{
    for (size_t i = 0; i < load.peer_count; i++) {
        if (load.peers[i].role == role) {
            act(&load.peers[i]);
        }
    }
}

static void set_ready(struct peer *p)
{
    char text[32];
    snprintf(text, sizeof text, "RDY %lld\n", (long long)option.rdy);
    say(p, text);
    transmit(p);
}

/* Its answer comes when every FIN before it was handled. */
static void finish(struct peer *p)
{
    say(p, "CLS\n");
    transmit(p);
}

static void run_at_rate(void)
{
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    const struct itimerspec every = {.it_interval.tv_nsec = TICK_NS, .it_value.tv_nsec = TICK_NS};
    struct epoll_event e = {.events = EPOLLIN | EPOLLET, .data = {.ptr = NULL}};
    int64_t end = now() + LIMIT_NS;
    if (timer < 0 || timerfd_settime(timer, 0, &every, NULL) != 0 ||
        epoll_ctl(load.epoll, EPOLL_CTL_ADD, timer, &e) != 0) {
        die("timerfd");
    }
    load.rate_start = now();
    while (load.delivered < option.count && now() < end) {
        turn(1);
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

static int64_t own_cpu(void)
{
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

static void measure(void)
{
    int64_t rss_start = server_memory("VmRSS");
    for (int64_t i = 0; i < option.idle; i++) {
        transmit(join(IDLE));
        if (i % 100 == 0) {
            turn(0); /* the backlog of a listener is short */
        }
    }
    if (option.idle > 0) {
        run_for(500 * (int64_t)NS_A_MS);
    }
    int64_t rss_idle = server_memory("VmRSS");
    for (int64_t i = 0; i < option.channels; i++) {
        char sub[64];
        struct peer *p = join(CONSUMER);
        int64_t before = load.answers;
        snprintf(sub, sizeof sub, "SUB bench channel%lld\n", (long long)i);
        say(p, sub);
        transmit(p);
        run_until(&load.answers, before + 1 + (option.heartbeat > 0));
    }
    for (int64_t i = 0; i < option.publishers; i++) {
        transmit(join(PUBLISHER));
    }
    load.to_publish = option.count;
    if (option.prefill) {
        each(PUBLISHER, publish_more);
        run_until(&load.published, option.count);
        run_for(300 * (int64_t)NS_A_MS); /* nsqd's topic hands over to its channels by and by */
    } else {
        run_for(20 * (int64_t)NS_A_MS);
    }
    int64_t rss_filled = server_memory("VmRSS");

    int64_t deliveries = option.count * option.channels;
    int64_t cpu = server_cpu();
    int64_t own = own_cpu();
    int64_t start = now();
    int64_t answers = load.answers;
    int64_t heartbeats = load.heartbeats;
    if (option.rdy > 0) {
        each(CONSUMER, set_ready);
    }
    if (option.rate > 0) {
        run_at_rate();
    } else if (!option.prefill) {
        each(PUBLISHER, publish_more);
        run_until(&load.published, option.count);
    }
    if (option.rdy > 0) {
        run_until(&load.delivered, deliveries);
        each(CONSUMER, finish);
        run_until(&load.answers, answers + option.channels);
    }
    if (option.hold > 0) {
        run_for(option.hold * NS_A_MS);
    }
    int64_t took = now() - start;
    cpu = server_cpu() - cpu;
    own = own_cpu() - own;
    printf("{\"messages\":%lld,\"ns\":%lld,\"cpu_ns\":%lld,\"client_cpu_ns\":%lld,"
           "\"heartbeats\":%lld,\"rss_start\":%lld,\"rss_idle\":%lld,\"rss_filled\":%lld,"
           "\"rss_peak\":%lld",
           (long long)(option.rdy > 0 && deliveries > 0 ? deliveries : option.count),
           (long long)took, (long long)cpu, (long long)own,
           (long long)(load.heartbeats - heartbeats), (long long)rss_start, (long long)rss_idle,
           (long long)rss_filled, (long long)server_memory("VmHWM"));
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
    int64_t start = now();
    char answer[64];
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY);
        dup2(null, STDERR_FILENO);
        execv(option.start, argv);
        _exit(127);
    }
    int fd = -1;
    while (fd < 0 && now() < start + LIMIT_NS && waitpid(pid, NULL, WNOHANG) == 0) {
        fd = try_to_connect();
        if (fd < 0) {
            const struct timespec nap = {.tv_nsec = 20000};
            nanosleep(&nap, NULL);
        }
    }
    static const char hello[] = "  V2IDENTIFY\n\0\0\0\2{}";
    if (fd < 0 || send(fd, hello, sizeof hello - 1, 0) != (ssize_t)sizeof hello - 1 ||
        recv(fd, answer, sizeof answer, 0) <= 0) {
        die(option.start);
    }
    printf("{\"ns\":%lld}\n", (long long)(now() - start));
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

int main(int argc, char **argv)
{
    int at = 1;
    while (at < argc && take_option(argv[at])) {
        at++;
    }
    if (option.start != NULL) {
        argv[at - 1] = argv[0]; /* the rest is the server's command line */
        measure_start(argv + at - 1);
        return 0;
    }
    if (at < argc || option.port == 0 || option.pid == 0 || option.size < 8 || option.batch < 1) {
        fprintf(stderr, "load: see the head of tests/bench/load.c\n");
        return 2;
    }
    load.epoll = epoll_create1(0);
    load.peers =
        calloc((size_t)(option.publishers + option.channels + option.idle + 1), sizeof *load.peers);
    if (option.rate > 0) {
        load.latencies = calloc((size_t)option.count, sizeof *load.latencies);
    }
    make_command();
    measure();
    return 0;
}
