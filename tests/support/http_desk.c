/* SPDX-License-Identifier: MIT */
/*
 * The routes of a small HTTP server, and its clients.
 */
#include "support/http_desk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/text.h"
#include "http/http_reader.h"
#include "serve/drive.h"

#define START (1000 * TIME_SECOND)
#define WALL INT64_C(1767225600000000000) /* 1 January 2026 */
#define PIECE 7000
#define USUAL_EFFORT 8000

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

static void param(void *service, struct http_call *call, int64_t now)
{
    (void)service;
    answer_text(call, 200, call->param, now);
}

static void echo_begin(void *service, struct http_call *call, int64_t now)
{
    (void)now;
    call->state = alloc_zeroed(sizeof(struct buf));
    ((struct http_desk *)service)->states++;
}

static void echo_piece(void *service, struct http_call *call, struct span bytes, int64_t now)
{
    (void)service;
    assert_true(bytes.n > 0 && bytes.n <= HTTP_PIECE_MAX);
    const uint8_t *loud = memchr(bytes.p, '!', bytes.n);
    if (loud != NULL) {
        call->unused = bytes.n - (size_t)(loud - bytes.p) - 1;
        http_call_message(call, 413, SPAN("TOO_LOUD"), now);
        return;
    }
    buf_append(call->state, bytes);
}

static void echo_end(void *service, struct http_call *call, bool broken, int64_t now)
{
    (void)service;
    if (broken) {
        http_call_message(call, 500, SPAN("BROKEN"), now);
        return;
    }
    answer_text(call, 200, buf_span(call->state), now);
}

static void echo_drop(void *service, struct http_call *call)
{
    ((struct http_desk *)service)->states--;
    buf_free(call->state);
    alloc_free(call->state);
}

static void skip_end(void *service, struct http_call *call, bool broken, int64_t now)
{
    (void)service;
    answer_text(call, broken ? 400 : 200, SPAN(""), now);
}

static void later(void *service, struct http_call *call, int64_t now)
{
    (void)now;
    call->state = call;
    ((struct http_desk *)service)->held = call;
}

static void later_piece(void *service, struct http_call *call, struct span bytes, int64_t now)
{
    (void)bytes;
    (void)service;
    (void)now;
    http_call_hold(call);
}

static void later_drop(void *service, struct http_call *call)
{
    (void)call;
    ((struct http_desk *)service)->held = NULL;
}

/* --- streams ---------------------------------------------------------------------------------- */

struct stream {
    struct http_desk *desk;
    size_t left;
};

static bool more(void *self, struct buf *out, size_t enough, int64_t now)
{
    struct stream *s = self;
    (void)now;
    size_t piece = enough < PIECE ? enough : PIECE;
    size_t n = s->left < piece ? s->left : piece;
    for (size_t i = 0; i < n; i++) {
        text_append(out, "x");
    }
    s->left -= n;
    return s->left == 0 || s->desk->streams_fail;
}

static bool has_failed(const void *self)
{
    return ((const struct stream *)self)->desk->streams_fail;
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
        s->left = s->left * 10 + (size_t)(call->query.p[i] - '0');
    }
    http_call_stream(
        call, &(struct http_answer){.status = 200, .headers = SPAN("Content-Type: text/x\r\n")},
        (struct http_stream){.more = more, .failed = has_failed, .end = end_stream, .self = s},
        now);
}

static const struct http_route routes[] = {
    {.method = SPAN_LITERAL("GET"), .path = SPAN_LITERAL("/ping"), .logged = true, .begin = ping},
    {.method = SPAN_LITERAL("POST"),
     .path = SPAN_LITERAL("/echo"),
     .body = HTTP_BODY_PIECES,
     .begin = echo_begin,
     .piece = echo_piece,
     .end = echo_end,
     .drop = echo_drop},
    {.method = SPAN_LITERAL("POST"),
     .path = SPAN_LITERAL("/skip"),
     .body = HTTP_BODY_SKIPPED,
     .end = skip_end},
    {.method = SPAN_LITERAL("GET"),
     .path = SPAN_LITERAL("/param/"),
     .has_param = true,
     .begin = param},
    {.method = SPAN_LITERAL("PUT"),
     .path = SPAN_LITERAL("/param/"),
     .has_param = true,
     .begin = param},
    {.method = SPAN_LITERAL("GET"),
     .path = SPAN_LITERAL("/later"),
     .begin = later,
     .drop = later_drop},
    {.method = SPAN_LITERAL("POST"),
     .path = SPAN_LITERAL("/later"),
     .body = HTTP_BODY_PIECES,
     .begin = later,
     .piece = later_piece,
     .drop = later_drop},
    {.method = SPAN_LITERAL("GET"),
     .path = SPAN_LITERAL("/stream"),
     .body = HTTP_BODY_SKIPPED,
     .end = stream},
};

/* --- the desk --------------------------------------------------------------------------------- */

static void on_step(void *self, int64_t now, int64_t judged)
{
    struct http_desk *d = self;
    (void)judged;
    http_server_step(&d->server, now);
    http_server_step(&d->other, now);
}

static int64_t on_next_deadline(void *self)
{
    const struct http_desk *d = self;
    bool works = http_server_has_work(&d->server) || http_server_has_work(&d->other);
    return works ? TIME_PAST : TIME_NEVER;
}

struct http_desk *http_desk_begin(size_t effort)
{
    struct http_desk *d = alloc_zeroed(sizeof *d);
    const struct serve_config serve = {
        .max_connections = 4, .high_water = HTTP_DESK_HIGH_WATER, .budget = &d->budget};
    const struct serve_hooks hooks = {
        .self = d, .step = on_step, .next_deadline = on_next_deadline};
    const struct http_server_config config = {
        .routes = {routes, sizeof routes / sizeof routes[0]},
        .service = d,
        .message_headers = SPAN("Content-Type: json\r\nX-Kind: m\r\n"),
        .effort = &d->effort,
        .effort_a_call = effort == 0 ? USUAL_EFFORT : effort,
        .budget = &d->budget,
        .slots = &d->slots,
        .log = &d->log,
        .log_form = "% % % (%)",
    };
    log_init(&d->log, LOG_INFO);
    d->budget = budget_of_cap(100000000);
    d->now = START;
    http_slots_init(&d->slots, SIZE_MAX);
    http_server_init(&d->server, &config);
    http_server_init(&d->other, &config);
    d->server.wall_offset = d->other.wall_offset = WALL - START;
    d->listeners[0] = (struct listener){.protocol = &http_protocol, .service = &d->server};
    d->listeners[1] = (struct listener){.protocol = &http_protocol, .service = &d->other};
    serve_init(&d->serve, &serve, d->listeners, 2, &d->log, &hooks);
    d->handler = serve_handler(&d->serve);
    http_desk_open(d);
    return d;
}

void http_desk_end(struct http_desk *d)
{
    serve_free(&d->serve);
    assert_int_equal(d->budget.used, 0);
    assert_int_equal(d->budget.held, 0);
    assert_int_equal(d->streams, 0);
    assert_int_equal(d->states, 0);
    assert_null(d->held);
    log_free(&d->log);
    buf_free(&d->rest);
    buf_free(&d->heard);
    buf_free(&d->logged);
    alloc_free(d);
}

static void open_at(struct http_desk *d, unsigned listener)
{
    d->shut = false;
    d->conn = d->handler.open(d->handler.self, listener, SPAN("peer:1"), d->now);
    assert_true(d->conn != 0);
}

void http_desk_open(struct http_desk *d)
{
    open_at(d, 0);
}

void http_desk_open_other(struct http_desk *d)
{
    open_at(d, 1);
}

static void offer(struct http_desk *d)
{
    size_t n = d->cut == 0 || d->cut > d->rest.n ? d->rest.n : d->cut;
    struct span in = span_first(buf_span(&d->rest), n);
    while (in.n > 0 && d->conn != 0 &&
           (d->handler.want(d->handler.self, d->conn) & WANT_READ) != 0) {
        size_t used = d->handler.recv(d->handler.self, d->conn, in, d->now);
        in = span_skip(in, used);
        buf_drop(&d->rest, used);
    }
}

static void take_output(struct http_desk *d)
{
    struct span span;
    while (!d->stalled && d->handler.out(d->handler.self, d->conn, &span, 1, d->now) > 0) {
        buf_append(&d->heard, span);
        d->handler.sent(d->handler.self, d->conn, span.n, d->now);
    }
    unsigned want = d->handler.want(d->handler.self, d->conn);
    d->shut = d->shut || (want & (WANT_SHUT_WR | WANT_CLOSE)) != 0;
    if ((want & WANT_CLOSE) != 0) {
        d->handler.closed(d->handler.self, d->conn, CLOSED_AS_WANTED, d->now);
        d->conn = 0;
    }
}

static void note_log(struct http_desk *d, const struct log_event *event)
{
    for (int i = 0; i < 4 && strcmp(event->form, "% % % (%)") == 0; i++) {
        buf_append(&d->logged, event->args[i]);
        buf_append(&d->logged, i < 3 ? SPAN(" ") : SPAN("; "));
    }
}

void http_desk_settle(struct http_desk *d)
{
    struct drive drive = {.rounds_max = 100000};
    enum drive_turn turn;
    while ((turn = drive_next(&drive, &d->handler, d->now)) != DRIVE_OVER) {
        if (turn == DRIVE_ASK) {
            note_log(d, drive.ask.event);
        }
        if (turn == DRIVE_INPUT && d->conn != 0) {
            offer(d);
            drive.more_input = d->rest.n > 0 && d->conn != 0 &&
                               (d->handler.want(d->handler.self, d->conn) & WANT_READ) != 0;
        } else if (turn == DRIVE_CHANGED && drive.conn == d->conn) {
            take_output(d);
        }
    }
}

void http_desk_wake(struct http_desk *d)
{
    d->stalled = false;
    take_output(d);
    http_desk_send(d, SPAN(""));
}

void http_desk_send(struct http_desk *d, struct span bytes)
{
    buf_append(&d->rest, bytes);
    do {
        http_desk_settle(d);
    } while (d->rest.n > 0 && d->conn != 0 &&
             (d->handler.want(d->handler.self, d->conn) & WANT_READ) != 0);
}

void http_desk_eof(struct http_desk *d)
{
    if (d->conn != 0) {
        d->handler.eof(d->handler.self, d->conn, d->now);
        http_desk_settle(d);
    }
}

void http_desk_advance(struct http_desk *d, int64_t ns)
{
    int64_t until = d->now + ns;
    int64_t next;
    while ((next = d->handler.next_deadline(d->handler.self)) <= until) {
        d->now = next > d->now ? next : d->now;
        http_desk_settle(d);
    }
    d->now = until;
    http_desk_settle(d);
}

void http_desk_lose(struct http_desk *d)
{
    d->handler.closed(d->handler.self, d->conn, CLOSED_BY_ERROR, d->now);
    d->conn = 0;
    http_desk_settle(d);
}

void http_desk_answer(struct http_desk *d, struct span text)
{
    struct http_call *call = d->held;
    assert_non_null(call);
    answer_text(call, 200, text, d->now);
    http_desk_send(d, SPAN(""));
}

void http_desk_expect(struct http_desk *d, struct span expected)
{
    if (d->shut) {
        text_append(&d->heard, "<");
    }
    if (!span_equal(buf_span(&d->heard), expected)) {
        print_message("heard: %.*s\nexpected: %.*s\n", (int)d->heard.n,
                      (const char *)buf_span(&d->heard).p, (int)expected.n,
                      (const char *)expected.p);
        fail();
    }
    buf_drop(&d->heard, d->heard.n);
}

/* --- cases ------------------------------------------------------------------------------------ */

static void play(const struct http_desk_case *c, size_t first, size_t cut, size_t effort)
{
    struct http_desk *d = http_desk_begin(effort);
    d->cut = cut;
    http_desk_send(d, span_first(c->in, first));
    http_desk_send(d, span_skip(c->in, first));
    if (c->eof) {
        http_desk_eof(d);
    }
    if (c->out.n > 0 || d->heard.n > 0) {
        http_desk_expect(d, c->out);
    }
    http_desk_end(d);
}

void http_desk_check(const struct http_desk_case *c)
{
    print_message("    %s\n", c->rule);
    play(c, 0, 0, 0);
    play(c, 0, 1, 0);
    play(c, 0, 0, 1);
    for (size_t i = 1; i < c->in.n && i < 1000; i++) {
        play(c, i, 0, 0);
    }
}
