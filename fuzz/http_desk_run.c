/* SPDX-License-Identifier: MIT */
/*
 * The routes of a small server, its clock and its client. Must not know what the requests mean.
 */
#include "http_desk_run.h"

#include "base/alloc.h"
#include "base/text.h"
#include "fuzz.h"
#include "http/http_session.h"
#include "http_answers.h"
#include "serve/drive.h"

#define INPUT_MAX 1024
#define START (1000 * TIME_SECOND)
#define WALL INT64_C(1767225600000000000) /* ns since 1970; it stands still */
#define PIECE 7
#define LONGEST 1000
#define ROUNDS_MAX 100000
#define EFFORT 8000
/* What a connection may hold beside its head: buffers that have grown, a path, an answer. */
#define HELD_BESIDE 16384

struct desk {
    struct log log;
    struct budget budget;
    struct effort effort;
    struct serve serve;
    struct tcp_handler handler;
    struct http_server server;
    struct listener listener;
    int64_t now;
    uint64_t conn; /* 0: it is closed */
    bool shut;     /* the server sends nothing more */
    bool notes;
    struct buf rest;        /* input that the server has not taken yet */
    struct http_call *held; /* of /h; NULL: none */
    unsigned streams, states;
    struct http_answers answers;
    uint64_t hash; /* of all output */
    size_t output; /* its bytes */
    const bool *heads;
};

struct desk_choice desk_choice;

/* What the server had sent after each byte of the bytewise run. */
static struct {
    size_t output;
    uint64_t hash;
    bool shut;
} trace[INPUT_MAX + 1];

void desk_choose(struct span *in)
{
    struct desk_choice *c = &desk_choice;
    *c = (struct desk_choice){.flags = fuzz_byte(in), .limits = HTTP_LIMITS_USUAL};
    size_t head = fuzz_byte(in);
    size_t chunks = fuzz_byte(in);
    size_t bodies = fuzz_byte(in);
    c->high_water = fuzz_byte(in);
    c->time = fuzz_byte(in);
    c->one = fuzz_byte(in);
    c->other = fuzz_byte(in);
    c->high_water = c->high_water == 0 ? 100000 : c->high_water;
    if (head != 0) {
        c->limits.head = 16 + 2 * head;
    }
    if (chunks != 0) {
        c->limits.chunk_line = 2 + (chunks & 15);
        c->limits.trailer = 2 + (chunks & 15);
        c->limits.chunk_excess = chunks >> 4;
    }
    if (bodies != 0) {
        c->limits.discard = bodies & 15;
        c->limits.whole = bodies >> 2;
    }
}

/* --- the handlers ----------------------------------------------------------------------------- */

static void answer_text(struct http_call *call, int status, struct span text, int64_t now)
{
    http_call_answer(call, &(struct http_answer){.status = status, .sniffs = true, .body = text},
                     now);
}

static void ping(void *service, struct http_call *call, int64_t now)
{
    (void)service;
    answer_text(call, 200, SPAN("OK"), now);
}

/* The parameter is not escaped any more, and must not be a part of a header. */
static void param(void *service, struct http_call *call, int64_t now)
{
    (void)service;
    FUZZ_CHECK(call->param.n > 0 && memchr(call->param.p, '/', call->param.n) == NULL);
    answer_text(call, 200, call->param, now);
}

static void echo_begin(void *service, struct http_call *call, int64_t now)
{
    (void)now;
    FUZZ_CHECK(call->state == NULL);
    call->state = alloc_zeroed(sizeof(struct buf));
    ((struct desk *)service)->states++;
}

static void echo_piece(void *service, struct http_call *call, struct span bytes, int64_t now)
{
    (void)service;
    FUZZ_CHECK(bytes.n > 0 && bytes.n <= HTTP_PIECE_MAX);
    struct buf *all = call->state;
    for (size_t i = 0; i < bytes.n; i++) {
        if (bytes.p[i] == '!') { /* byte by byte, because the answer must not depend on cuts */
            call->unused = bytes.n - i - 1;
            http_call_message(call, 413, SPAN("TOO_LOUD"), now);
            return;
        }
        buf_append(all, span_make(&bytes.p[i], 1));
    }
    FUZZ_CHECK(!call->has_length || all->n <= call->length);
}

static void echo_end(void *service, struct http_call *call, bool broken, int64_t now)
{
    const struct buf *all = call->state;
    (void)service;
    if (broken) {
        http_call_message(call, 500, SPAN("BROKEN"), now);
        return;
    }
    FUZZ_CHECK(!call->has_length || all->n == call->length);
    answer_text(call, 200, buf_span(all), now);
}

static void echo_drop(void *service, struct http_call *call)
{
    ((struct desk *)service)->states--;
    buf_free(call->state);
    alloc_free(call->state);
}

static void skip_end(void *service, struct http_call *call, bool broken, int64_t now)
{
    (void)service;
    answer_text(call, broken ? 400 : 200, SPAN(""), now);
}

static void hold_begin(void *service, struct http_call *call, int64_t now)
{
    struct desk *d = service;
    (void)now;
    FUZZ_CHECK(d->held == NULL);
    call->state = call;
    d->held = call;
}

static void hold_piece(void *service, struct http_call *call, struct span bytes, int64_t now)
{
    (void)service;
    (void)now;
    call->unused = bytes.n - 1;
    http_call_hold(call);
}

static void hold_end(void *service, struct http_call *call, bool broken, int64_t now)
{
    (void)service;
    (void)broken;
    (void)now;
    http_call_hold(call);
}

static void hold_drop(void *service, struct http_call *call)
{
    (void)call;
    ((struct desk *)service)->held = NULL;
}

/* --- streams ---------------------------------------------------------------------------------- */

struct stream {
    struct desk *desk;
    size_t left;
};

static bool more(void *self, struct buf *out, size_t enough, int64_t now)
{
    struct stream *s = self;
    (void)enough;
    (void)now;
    size_t n = s->left < PIECE ? s->left : PIECE;
    buf_append(out, span_first(SPAN("stream!"), n));
    s->left -= n;
    return s->left == 0;
}

static void end_stream(void *self)
{
    ((struct stream *)self)->desk->streams--;
    alloc_free(self);
}

static void stream(void *service, struct http_call *call, bool broken, int64_t now)
{
    struct stream *s = alloc_zeroed(sizeof *s);
    (void)broken;
    s->desk = service;
    s->desk->streams++;
    for (size_t i = 0; i < call->query.n; i++) {
        s->left = (s->left * 10 + (call->query.p[i] & 15)) % LONGEST;
    }
    const struct http_answer answer = {.status = 200, .headers = SPAN("Content-Type: text/x\r\n")};
    http_call_stream(call, &answer,
                     (struct http_stream){.more = more, .end = end_stream, .self = s}, now);
}

static const struct http_route routes[] = {
    {.method = SPAN_LITERAL("GET"), .path = SPAN_LITERAL("/p"), .logged = true, .begin = ping},
    {.method = SPAN_LITERAL("GET"),
     .path = SPAN_LITERAL("/h"),
     .begin = hold_begin,
     .drop = hold_drop},
    {.method = SPAN_LITERAL("POST"),
     .path = SPAN_LITERAL("/e"),
     .body = HTTP_BODY_PIECES,
     .begin = echo_begin,
     .piece = echo_piece,
     .end = echo_end,
     .drop = echo_drop},
    {.method = SPAN_LITERAL("POST"),
     .path = SPAN_LITERAL("/h"),
     .body = HTTP_BODY_PIECES,
     .begin = hold_begin,
     .piece = hold_piece,
     .end = hold_end,
     .drop = hold_drop},
    {.method = SPAN_LITERAL("POST"),
     .path = SPAN_LITERAL("/s"),
     .body = HTTP_BODY_SKIPPED,
     .end = skip_end},
    {.method = SPAN_LITERAL("GET"),
     .path = SPAN_LITERAL("/b"),
     .body = HTTP_BODY_SKIPPED,
     .end = stream},
    {.method = SPAN_LITERAL("GET"), .path = SPAN_LITERAL("/c/"), .has_param = true, .begin = param},
    {.method = SPAN_LITERAL("PUT"), .path = SPAN_LITERAL("/c/"), .has_param = true, .begin = param},
};

/* --- the server ------------------------------------------------------------------------------- */

/* A call that waits is answered in the step. It may wait for a body that is still arriving. */
static void on_step(void *self, int64_t now, int64_t judged)
{
    struct desk *d = self;
    (void)judged;
    if (d->held != NULL && ((struct http_session *)d->held)->phase == HTTP_IS_HELD) {
        answer_text(d->held, 200, SPAN("at last"), now);
    }
    http_server_step(&d->server, now);
}

static int64_t on_next_deadline(void *self)
{
    const struct desk *d = self;
    bool waits = d->held != NULL && ((struct http_session *)d->held)->phase == HTTP_IS_HELD;
    return waits || http_server_has_work(&d->server) ? TIME_PAST : TIME_NEVER;
}

static void begin(struct desk *d, size_t effort, const bool *heads)
{
    static const struct http_answer refusal = {.status = 403, .body = SPAN_LITERAL("TLS")};
    const struct serve_config serve = {
        .max_connections = 1, .high_water = desk_choice.high_water, .budget = &d->budget};
    const struct serve_hooks hooks = {
        .self = d, .step = on_step, .next_deadline = on_next_deadline};
    const struct http_server_config config = {
        .limits = &desk_choice.limits,
        .routes = {routes, sizeof routes / sizeof routes[0]},
        .service = d,
        .message_headers = SPAN("Content-Type: json\r\n"),
        .refusal = desk_choice.flags & DESK_REFUSES ? &refusal : NULL,
        .effort = &d->effort,
        .effort_a_call = effort,
        .budget = &d->budget,
        .log = &d->log,
        .log_form = "% % % (%)",
    };
    *d = (struct desk){.now = START, .heads = heads};
    log_init(&d->log, LOG_INFO);
    d->budget = budget_of_cap(100000000);
    http_server_init(&d->server, &config);
    d->listener = (struct listener){.protocol = &http_protocol, .service = &d->server};
    serve_init(&d->serve, &serve, &d->listener, 1, &d->log, &hooks);
    d->handler = serve_handler(&d->serve);
    d->server.wall_offset = WALL - d->now;
    d->conn = d->handler.open(d->handler.self, 0, SPAN("peer:1"), d->now);
    FUZZ_CHECK(d->conn != 0);
}

static void end(struct desk *d)
{
    if (d->conn != 0) {
        d->handler.closed(d->handler.self, d->conn, CLOSED_BY_ERROR, d->now);
    }
    serve_free(&d->serve);
    FUZZ_CHECK(d->budget.used == 0 && d->budget.held == 0);
    FUZZ_CHECK(d->streams == 0 && d->states == 0 && d->held == NULL);
    log_free(&d->log);
    buf_free(&d->rest);
}

/* --- the client ------------------------------------------------------------------------------- */

static bool wants_read(const struct desk *d)
{
    return d->conn != 0 && (d->handler.want(d->handler.self, d->conn) & WANT_READ) != 0;
}

static void hear(struct desk *d, struct span in)
{
    FUZZ_CHECK(!d->shut);
    for (size_t i = 0; i < in.n; i++) {
        d->hash = (d->hash ^ in.p[i]) * 1099511628211u; /* FNV-1a */
    }
    d->output += in.n;
    if (d->notes) {
        fuzz_say_bytes("   <", in);
    }
    while (in.n > 0) {
        d->answers.head_only = d->heads[d->answers.count];
        in = span_skip(in, http_answers_take(&d->answers, in));
    }
}

static void take_output(struct desk *d)
{
    struct span span;
    while (d->handler.out(d->handler.self, d->conn, &span, 1, d->now) > 0) {
        size_t n = span.n;
        hear(d, span);
        d->handler.sent(d->handler.self, d->conn, n, d->now);
    }
    unsigned want = d->handler.want(d->handler.self, d->conn);
    d->shut = d->shut || (want & (WANT_SHUT_WR | WANT_CLOSE)) != 0;
    if ((want & WANT_CLOSE) != 0) {
        d->handler.closed(d->handler.self, d->conn, CLOSED_AS_WANTED, d->now);
        d->conn = 0;
    }
}

static void check_memory(const struct desk *d)
{
    size_t head = desk_choice.limits.head < INPUT_MAX ? desk_choice.limits.head : INPUT_MAX;
    FUZZ_CHECK(d->budget.held <= 2 * head + HELD_BESIDE + 2 * d->rest.n);
}

static void settle(struct desk *d)
{
    struct drive drive = {.rounds_max = ROUNDS_MAX};
    enum drive_turn turn;
    while ((turn = drive_next(&drive, &d->handler, d->now)) != DRIVE_OVER) {
        if (turn == DRIVE_INPUT && d->rest.n > 0 && wants_read(d)) {
            size_t used = d->handler.recv(d->handler.self, d->conn, buf_span(&d->rest), d->now);
            FUZZ_CHECK(used <= d->rest.n);
            buf_drop(&d->rest, used);
            drive.more_input = d->rest.n > 0 && wants_read(d);
        } else if (turn == DRIVE_CHANGED && drive.conn == d->conn) {
            take_output(d);
            drive.more_input = d->rest.n > 0 && wants_read(d);
        }
    }
    FUZZ_CHECK(!drive_has_work_left(&drive, &d->handler, d->now));
    FUZZ_CHECK(d->rest.n == 0 || d->conn == 0); /* no call is held here, so all input is read */
    check_memory(d);
}

static void pass(struct desk *d, int64_t ns)
{
    int64_t until = d->now + ns;
    int64_t next;
    while ((next = d->handler.next_deadline(d->handler.self)) <= until) {
        FUZZ_CHECK(next > d->now); /* what was due has been done */
        d->now = next;
        d->server.wall_offset = WALL - d->now;
        settle(d);
    }
    d->now = until;
    d->server.wall_offset = WALL - d->now;
    settle(d);
}

static void give(struct desk *d, struct span in)
{
    if (d->conn != 0) {
        buf_append(&d->rest, in);
        settle(d);
    }
}

/* --- the run ---------------------------------------------------------------------------------- */

static bool time_passes(size_t n)
{
    unsigned p = desk_choice.time & 15;
    return p != 0 && n > 0 && (n & (((size_t)1 << p) - 1)) == 0;
}

static void let_time_pass(struct desk *d)
{
    pass(d, TIME_SECOND << (desk_choice.time >> 4));
}

/* What follows the last byte. Returns a hash of all output. */
static uint64_t finish(struct desk *d, unsigned most)
{
    if ((desk_choice.flags & DESK_LOST) && d->conn != 0) {
        d->handler.closed(d->handler.self, d->conn, CLOSED_BY_ERROR, d->now);
        d->conn = 0;
        settle(d);
    } else if ((desk_choice.flags & DESK_EOF) && d->conn != 0 && d->rest.n == 0) {
        d->handler.eof(d->handler.self, d->conn, d->now);
        settle(d);
    }
    FUZZ_CHECK(http_answers_rest(&d->answers) || (desk_choice.flags & DESK_LOST));
    FUZZ_CHECK(d->answers.count <= most);
    uint64_t hash = d->hash;
    end(d);
    return hash;
}

static uint64_t run_bytewise(struct span in, const bool *heads, unsigned most)
{
    static struct desk d;
    begin(&d, EFFORT, heads);
    d.notes = fuzz_talks;
    for (size_t i = 0; i <= in.n; i++) {
        if (i > 0) {
            give(&d, span_make(in.p + i - 1, 1));
        }
        trace[i].output = d.output;
        trace[i].hash = d.hash;
        trace[i].shut = d.shut;
        if (time_passes(i)) {
            let_time_pass(&d);
        }
    }
    return finish(&d, most);
}

/* Runs the input in pieces of these sizes in turn, and with little effort a call. */
static uint64_t run_cut(struct span in, const bool *heads, unsigned most, size_t one, size_t other)
{
    static struct desk d;
    begin(&d, 1, heads);
    for (size_t at = 0; at < in.n;) {
        size_t n = 1;
        while (n < one && at + n < in.n && !time_passes(at + n)) {
            n++;
        }
        give(&d, span_make(in.p + at, n));
        at += n;
        FUZZ_CHECK(trace[at].output == d.output && trace[at].hash == d.hash);
        FUZZ_CHECK(trace[at].shut == d.shut);
        if (time_passes(at)) {
            let_time_pass(&d);
        }
        size_t swap = one;
        one = other;
        other = swap;
    }
    return finish(&d, most);
}

void desk_run(struct span in, const bool *heads, unsigned most)
{
    uint64_t hash = run_bytewise(in, heads, most);
    FUZZ_CHECK(run_cut(in, heads, most, in.n, in.n) == hash);
    FUZZ_CHECK(run_cut(in, heads, most, 1 + desk_choice.one, 1 + desk_choice.other) == hash);
}
