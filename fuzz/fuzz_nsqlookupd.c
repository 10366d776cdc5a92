/* SPDX-License-Identifier: MIT */
/*
 * Invariant: what an nsqlookupd sends to its clients, over V1 and over HTTP, does not depend on how
 * their input is cut, and not on how much work it does in one call. Two of them get the same input:
 * one of them whole; the other one byte by byte, and it may do little in a call. A client of V1
 * gets whole replies, and nothing else. When all clients have left, no producer is left. At the
 * end, all memory was given back.
 *
 * Input: two bytes, which are the effort of a call of the second one, and how many registrations a
 * connection may have. Then operations. The low 3 bits of an operation say which one, the next 3
 * are a client, and the other 2 are its number n:
 *
 *     0  the client connects: n 0 and 1 over V1, 0 with its magic; 2 and 3 over HTTP
 *     1  it sends bytes: the next byte says how many, at most 31, and then they follow
 *     2  it sends a line of V1: PING, REGISTER, UNREGISTER or IDENTIFY; the next byte chooses names
 *     3  it sends a request of HTTP: the next two bytes choose the route and names
 *     4  its input ends
 *     5  its connection breaks
 *     6  n seconds pass; the client is a number that is added to n in steps of 50
 */
#include "fuzz.h"

#include <stdio.h>

#include <nsq/lookup.h>
#include <nsq/magic.h>

#include "base/text.h"
#include "base/time.h"
#include "lookup/lookup_service.h"
#include "serve/drive.h"

#define CLIENTS 8
#define START (1000 * TIME_SECOND)
#define WALL_START (INT64_C(1767225600) * TIME_SECOND)
#define REPLY_MAX 65536

const struct fuzz_shape fuzz_shape = {.header = 2, .body = FUZZ_BYTES};

struct client {
    uint64_t conn; /* 0: none */
    bool v1;
    bool ended;     /* it sends nothing more */
    struct buf in;  /* sent, and not consumed yet */
    struct buf out; /* received since the last comparison */
};

/* One nsqlookupd. */
struct side {
    struct lookup_service *service;
    struct tcp_handler h;
    bool cut; /* input is offered byte by byte */
    struct client clients[CLIENTS];
};

static struct side sides[2];
static int64_t now;

/* --- the shell's part ------------------------------------------------------------------------- */

static void forget(struct client *c)
{
    c->conn = 0;
    buf_free(&c->in);
}

static void lose(struct side *s, struct client *c, enum closed_reason reason)
{
    uint64_t conn = c->conn;
    if (conn != 0) {
        forget(c);
        s->h.closed(s->h.self, conn, reason, now);
    }
}

static void take_output(struct side *s, uint64_t conn)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        struct client *c = &s->clients[i];
        struct span bytes;
        if (c->conn != conn) {
            continue;
        }
        while (s->h.out(s->h.self, conn, &bytes, 1, now) > 0) {
            buf_append(&c->out, bytes);
            s->h.sent(s->h.self, conn, bytes.n, now);
        }
        if (s->h.want(s->h.self, conn) & WANT_CLOSE) {
            lose(s, c, CLOSED_AS_WANTED);
        }
        return;
    }
}

/* Offers input, or its end. Returns whether there may be more to offer. */
static bool offer(struct side *s, struct client *c)
{
    bool reads = c->conn != 0 && (s->h.want(s->h.self, c->conn) & WANT_READ) != 0;
    if (!reads || (c->in.n == 0 && !c->ended)) {
        return false;
    }
    if (c->in.n == 0) {
        c->ended = false;
        s->h.eof(s->h.self, c->conn, now);
        return true;
    }
    struct span in = span_first(buf_span(&c->in), s->cut ? 1 : SIZE_MAX);
    size_t n = s->h.recv(s->h.self, c->conn, in, now);
    FUZZ_CHECK(n <= in.n);
    buf_drop(&c->in, n);
    return true;
}

static void settle(struct side *s)
{
    struct drive drive = {.rounds_max = 100000};
    while (drive_next(&drive, &s->h, now) != DRIVE_OVER) {
        if (drive.turn == DRIVE_CHANGED) {
            take_output(s, drive.conn);
        }
        for (size_t i = 0; i < CLIENTS && drive.turn == DRIVE_INPUT; i++) {
            drive.more_input = offer(s, &s->clients[i]) || drive.more_input;
        }
    }
    FUZZ_CHECK(!drive_has_work_left(&drive, &s->h, now));
}

/* --- checks ----------------------------------------------------------------------------------- */

static void check_replies(struct span in)
{
    struct span data;
    size_t size;
    while (in.n > 0) {
        FUZZ_CHECK(nsq_lookup_reply_parse(in, REPLY_MAX, &data, &size) == NSQ_OK);
        in = span_skip(in, size);
    }
}

/* Compares what the clients have received, and forgets it. */
static void compare(void)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        struct client *a = &sides[0].clients[i];
        struct client *b = &sides[1].clients[i];
        if (a->out.n > 0) {
            fuzz_say_bytes("received", buf_span(&a->out));
        }
        if (!span_equal(buf_span(&a->out), buf_span(&b->out))) {
            fuzz_say_bytes("received when cut", buf_span(&b->out));
        }
        FUZZ_CHECK(span_equal(buf_span(&a->out), buf_span(&b->out)));
        FUZZ_CHECK((a->conn == 0) == (b->conn == 0));
        if (a->v1) {
            check_replies(buf_span(&a->out));
        }
        buf_drop(&a->out, a->out.n);
        buf_drop(&b->out, b->out.n);
    }
}

static void settle_all(void)
{
    settle(&sides[0]);
    settle(&sides[1]);
    compare();
}

/* --- operations ------------------------------------------------------------------------------- */

static void send_to_all(size_t client, struct span bytes)
{
    fuzz_say_bytes("sends", bytes);
    for (size_t i = 0; i < 2; i++) {
        struct client *c = &sides[i].clients[client];
        if (c->conn != 0 && !c->ended) {
            buf_append(&c->in, bytes);
        }
    }
}

static void open_client(size_t client, unsigned n)
{
    char peer[32];
    snprintf(peer, sizeof peer, "10.0.0.1:%zu", client);
    for (size_t i = 0; i < 2; i++) {
        struct side *s = &sides[i];
        struct client *c = &s->clients[client];
        if (c->conn == 0) {
            c->ended = false;
            c->v1 = n < 2;
            c->conn = s->h.open(s->h.self, c->v1 ? LOOKUP_TCP : LOOKUP_HTTP, text_span(peer), now);
        }
    }
    if (n == 0) {
        send_to_all(client, SPAN(NSQ_MAGIC_V1));
    }
}

static void send_identify(size_t client, unsigned choice)
{
    char body[200];
    uint8_t command[256];
    int n = snprintf(body, sizeof body,
                     "{\"broadcast_address\":\"%c\",\"hostname\":\"m\",\"http_port\":%u,"
                     "\"tcp_port\":4150,\"version\":\"1\"}",
                     'h' + (int)(choice % 2), 4151 + choice / 2 % 2);
    size_t size = nsq_lookup_identify_encode(span_make(body, (size_t)n), command, sizeof command);
    send_to_all(client, span_make(command, size));
}

static void send_line(size_t client, unsigned n, unsigned choice)
{
    static const struct span topics[] = {SPAN_LITERAL("a"), SPAN_LITERAL("b"),
                                         SPAN_LITERAL("c#ephemeral"), SPAN_LITERAL("a!")};
    static const struct span channels[] = {SPAN_LITERAL(""), SPAN_LITERAL("x"),
                                           SPAN_LITERAL("y#ephemeral"), SPAN_LITERAL("*")};
    static const enum nsq_lookup_id ids[] = {NSQ_LOOKUP_PING, NSQ_LOOKUP_REGISTER,
                                             NSQ_LOOKUP_UNREGISTER};
    uint8_t line[100];
    if (n == 3) {
        send_identify(client, choice);
        return;
    }
    struct span topic = n == 0 ? SPAN("") : topics[choice % 4];
    struct span channel = n == 0 ? SPAN("") : channels[choice / 4 % 4];
    send_to_all(client,
                span_make(line, nsq_lookup_line_encode(ids[n], topic, channel, line, sizeof line)));
}

static void send_request(size_t client, unsigned route, unsigned choice)
{
    static const char *const routes[] = {
        "GET /ping",
        "GET /info",
        "GET /topics",
        "GET /channels",
        "GET /lookup",
        "GET /nodes",
        "GET /debug",
        "POST /topic/create",
        "POST /topic/delete",
        "POST /channel/create",
        "POST /channel/delete",
        "POST /topic/tombstone",
        "GET /topic/tombstone",
        "GET /x",
        "HEAD /nodes",
        "PUT /lookup",
    };
    static const char *const topics[] = {"?topic=a", "?topic=b",  "?topic=c%23ephemeral",
                                         "?topic=*", "?topic=a!", "",
                                         "?%zz",     "?topic="};
    static const char *const others[] = {
        "", "&channel=x&node=h:4151", "&channel=y%23ephemeral&node=i:4152", "&channel=*&node=h:41"};
    char text[200];
    int n = snprintf(text, sizeof text, "%s%s%s HTTP/1.1\r\nHost: h\r\n\r\n",
                     routes[route % (sizeof routes / sizeof routes[0])], topics[choice % 8],
                     others[choice / 8 % 4]);
    send_to_all(client, span_make(text, (size_t)n));
}

/* Lets time pass, and wakes both at each of their deadlines. */
static void pass(int64_t ns)
{
    int64_t end = now + ns;
    while (now < end) {
        int64_t a = sides[0].h.next_deadline(sides[0].h.self);
        int64_t b = sides[1].h.next_deadline(sides[1].h.self);
        int64_t due = time_earlier(a, b);
        now = due <= now ? now + 1 : time_earlier(due, end);
        settle_all();
    }
}

static void operate(unsigned op, size_t client, unsigned n, struct span *in)
{
    switch (op) {
    case 0:
        open_client(client, n);
        break;
    case 1:
        send_to_all(client, fuzz_take(in, fuzz_below(in, 32)));
        break;
    case 2:
        send_line(client, n, fuzz_byte(in));
        break;
    case 3: {
        unsigned route = fuzz_byte(in);
        send_request(client, route, fuzz_byte(in));
        break;
    }
    case 4:
        sides[0].clients[client].ended = sides[1].clients[client].ended = true;
        break;
    case 5:
        lose(&sides[0], &sides[0].clients[client], CLOSED_BY_ERROR);
        lose(&sides[1], &sides[1].clients[client], CLOSED_BY_ERROR);
        break;
    case 6:
        pass((int64_t)(n + 50 * client) * TIME_SECOND);
        break;
    default:
        break;
    }
}

/* --- the run ---------------------------------------------------------------------------------- */

static void begin(struct side *s, size_t effort, size_t registrations)
{
    struct lookup_config config = lookup_defaults();
    config.serve.max_connections = CLIENTS;
    config.registry.seed = (struct hash_seed){{1, 2}};
    config.registry.max_registrations = registrations;
    config.v1.hostname = SPAN("m");
    config.v1.broadcast_address = SPAN("l");
    config.v1.tcp_port = 4160;
    config.v1.http_port = 4161;
    config.v1.effort_a_call = effort;
    config.memory = 1 << 24;
    config.log_level = s == &sides[0] ? LOG_DEBUG : LOG_FATAL;
    *s = (struct side){.service = lookup_new(&config), .cut = s == &sides[1]};
    s->h = lookup_handler(s->service);
    s->h.wall(s->h.self, WALL_START - START);
}

static void end(struct side *s)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        lose(s, &s->clients[i], CLOSED_BY_ERROR);
    }
    settle(s);
    FUZZ_CHECK(registry_next_producer(&s->service->registry, &(struct registry_place){.n = 0}) ==
               NULL);
    FUZZ_CHECK(!registry_can_collect(&s->service->registry));
    for (size_t i = 0; i < CLIENTS; i++) {
        buf_free(&s->clients[i].in);
        buf_free(&s->clients[i].out);
    }
    lookup_free(s->service);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_make(data, size);
    size_t effort = 1 + (size_t)fuzz_byte(&in);
    size_t registrations = fuzz_byte(&in);
    now = START;
    begin(&sides[0], lookup_defaults().v1.effort_a_call, registrations);
    begin(&sides[1], effort, registrations);
    settle_all();
    while (in.n > 0) {
        unsigned op = fuzz_byte(&in);
        fuzz_say("operation %u of client %u, %u", op & 7U, op >> 3 & 7U, op >> 6);
        operate(op & 7U, op >> 3 & 7U, op >> 6, &in);
        settle_all();
    }
    end(&sides[0]);
    end(&sides[1]);
    return 0;
}
