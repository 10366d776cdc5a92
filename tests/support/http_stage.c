/* SPDX-License-Identifier: MIT */
/*
 * Does to serve what the shell does, with the round of serve/drive.h, and takes up the fetches in
 * the step hook, as an engine does.
 */
#include "support/http_stage.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/text.h"
#include "base/time.h"
#include "serve/drive.h"

#define START (1000 * TIME_SECOND)

/* --- the set-up ------------------------------------------------------------------------------- */

/* The owner's part, in every step: the outcome of each fetch that is done is added to s->outcome.
 */
static void take_done(void *self, int64_t now, int64_t judged)
{
    (void)judged;
    struct http_stage *s = self;
    struct http_fetch *fetch;
    (void)now;
    while ((fetch = http_client_next_done(&s->client)) != NULL) {
        struct span failure = http_fetch_failure(fetch);
        assert_ptr_equal(http_fetch_owner(fetch), s);
        if (failure.n > 0) {
            text_append(&s->outcome, "- ");
            buf_append(&s->outcome, failure);
        } else {
            text_append_decimal(&s->outcome, http_fetch_status(fetch));
            text_append(&s->outcome, " ");
            buf_append(&s->outcome, http_fetch_body(fetch));
        }
        text_append(&s->outcome, "; ");
        http_fetch_drop(fetch);
    }
}

static int64_t next_deadline(void *self)
{
    return http_client_next_done(&((struct http_stage *)self)->client) == NULL ? TIME_NEVER
                                                                               : TIME_PAST;
}

struct http_client_config http_stage_config(void)
{
    return (struct http_client_config){.connect_timeout = 2 * TIME_SECOND,
                                       .request_timeout = 5 * TIME_SECOND,
                                       .body_max = HTTP_STAGE_BODY_MAX,
                                       .accept = SPAN("text/x")};
}

struct http_stage *http_stage_begin(const struct http_client_config *config)
{
    struct http_stage *s = alloc_zeroed(sizeof *s);
    const struct http_client_config usual = http_stage_config();
    const struct serve_config serve = {.max_connections = HTTP_STAGE_CONNECTIONS_MAX,
                                       .high_water = 100000};
    const struct serve_hooks hooks = {.self = s, .step = take_done, .next_deadline = next_deadline};
    log_init(&s->log, LOG_DEBUG);
    s->budget = budget_of_cap(1000000);
    s->now = START;
    serve_init(&s->serve, &serve, NULL, 0, &s->log, &hooks);
    s->handler = serve_handler(&s->serve);
    http_client_init(&s->client, config == NULL ? &usual : config, &s->serve, &s->budget);
    return s;
}

void http_stage_end(struct http_stage *s)
{
    serve_free(&s->serve);
    assert_int_equal(s->budget.used, 0);
    log_free(&s->log);
    for (size_t i = 0; i < s->wanted_count; i++) {
        buf_free(&s->wanted[i].address);
    }
    buf_free(&s->heard);
    buf_free(&s->outcome);
    stack_free(s->stack);
    alloc_free(s);
}

/* --- the shell's part ------------------------------------------------------------------------- */

static void recv_from_server(struct http_stage *s, struct span in)
{
    while (in.n > 0 && s->conn != 0 && (serve_want(&s->serve, s->conn) & WANT_READ) != 0) {
        in = span_skip(in, serve_recv(&s->serve, s->conn, in, s->now));
    }
}

/* What the client has sent reaches the server, through its codecs. */
static void hear(struct http_stage *s)
{
    struct span out = {NULL, 0};
    if (serve_out(&s->serve, s->conn, &out, 1, s->now) == 0) {
        return;
    }
    if (s->stack == NULL) {
        buf_append(&s->heard, out);
        serve_sent(&s->serve, s->conn, out.n, s->now);
        return;
    }
    struct buf answer = {0};
    size_t n = out.n;
    while (out.n > 0 || stack_has_pending(s->stack)) {
        out = span_skip(out, stack_decode(s->stack, out, &answer));
    }
    serve_sent(&s->serve, s->conn, n, s->now);
    buf_append(&s->heard, buf_span(&s->stack->decoded));
    buf_free(&s->stack->decoded);
    recv_from_server(s, buf_span(&answer));
    buf_free(&answer);
}

static void forget_wanted(struct http_stage *s, size_t i)
{
    buf_free(&s->wanted[i].address);
    s->wanted_count--;
    memmove(&s->wanted[i], &s->wanted[i + 1], (s->wanted_count - i) * sizeof s->wanted[0]);
}

static void close_conn(struct http_stage *s, uint64_t conn)
{
    for (size_t i = s->wanted_count; i-- > 0;) {
        if (s->wanted[i].conn == conn) {
            forget_wanted(s, i);
        }
    }
    s->conn = s->conn == conn ? 0 : s->conn;
    serve_closed(&s->serve, conn, CLOSED_AS_WANTED, s->now);
}

static void do_ask(struct http_stage *s, const struct ask *ask)
{
    if (ask->kind == ASK_CONNECT) {
        assert_true(s->wanted_count < HTTP_STAGE_CONNECTIONS_MAX);
        struct http_stage_wanted *w = &s->wanted[s->wanted_count++];
        *w = (struct http_stage_wanted){.conn = ask->ticket};
        buf_append(&w->address, ask->address);
    }
}

/* Rounds until nothing is left to do. */
void http_stage_settle(struct http_stage *s)
{
    struct drive drive = {.rounds_max = 100};
    while (drive_next(&drive, &s->handler, s->now) != DRIVE_OVER) {
        if (drive.turn == DRIVE_ASK) {
            do_ask(s, &drive.ask);
        } else if (drive.turn == DRIVE_CHANGED) {
            if ((serve_want(&s->serve, drive.conn) & WANT_CLOSE) != 0) {
                close_conn(s, drive.conn);
            } else if (drive.conn == s->conn) {
                hear(s);
                drive.more_input = true; /* a server's handshake may have answered */
            }
        }
    }
    assert_false(drive_has_work_left(&drive, &s->handler, s->now));
}

void http_stage_advance(struct http_stage *s, int64_t ns)
{
    s->now += ns;
    http_stage_settle(s);
}

/* --- for tests -------------------------------------------------------------------------------- */

struct http_fetch *http_stage_fetch(struct http_stage *s, const char *text)
{
    struct http_url url = {0};
    struct span why = {NULL, 0};
    assert_true(http_url_parse(&url, span_make(text, strlen(text)), &why));
    struct http_fetch *f = http_fetch_begin(&s->client, &url, s, s->now);
    assert_int_equal(url.path.n, 0);
    http_stage_settle(s);
    return f;
}

void http_stage_expect_dialled(const struct http_stage *s, struct span address)
{
    assert_int_not_equal(s->wanted_count, 0);
    assert_true(span_equal(buf_span(&s->wanted[0].address), address));
}

/* `why` is empty when the connection is made. */
static void connected(struct http_stage *s, struct span why)
{
    assert_int_not_equal(s->wanted_count, 0);
    uint64_t conn = s->wanted[0].conn;
    forget_wanted(s, 0);
    s->conn = why.n > 0 ? 0 : conn;
    serve_connected(&s->serve, conn, why, s->now);
    http_stage_settle(s);
}

void http_stage_accept(struct http_stage *s)
{
    buf_free(&s->heard);
    connected(s, span_make(NULL, 0));
}

void http_stage_refuse(struct http_stage *s, struct span why)
{
    connected(s, why);
}

void http_stage_send(struct http_stage *s, struct span bytes)
{
    struct buf down = {0};
    if (s->stack == NULL) {
        buf_append(&down, bytes);
    } else {
        buf_append(&s->stack->plain, bytes);
        stack_encode(s->stack, &down);
    }
    recv_from_server(s, buf_span(&down));
    buf_free(&down);
    http_stage_settle(s);
}

void http_stage_eof(struct http_stage *s)
{
    if (s->conn != 0) {
        serve_eof(&s->serve, s->conn, s->now);
        http_stage_settle(s);
    }
}

void http_stage_lose(struct http_stage *s)
{
    serve_closed(&s->serve, s->conn, CLOSED_BY_ERROR, s->now);
    s->conn = 0;
    http_stage_settle(s);
}

void http_stage_expect_heard(const struct http_stage *s, struct span expected)
{
    assert_true(span_equal(buf_span(&s->heard), expected));
}

void http_stage_expect_outcome(struct http_stage *s, struct span expected)
{
    if (!span_equal(buf_span(&s->outcome), expected)) {
        fail_msg("%.*s", (int)s->outcome.n, (const char *)buf_span(&s->outcome).p);
    }
    buf_free(&s->outcome);
}
