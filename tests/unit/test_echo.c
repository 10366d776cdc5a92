/* SPDX-License-Identifier: MIT */
/*
 * A whole TCP service upon src/serve, in 50 lines: it sends back what it receives, and says
 * goodbye when nothing came for a second. It proves that any service reuses serve, its listeners,
 * its hooks and the round: nothing here knows NSQ.
 */
#include "serve/serve.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/time.h"
#include "serve/drive.h"

/* --- the service ------------------------------------------------------------------------------ */

struct echo {
    struct serve serve;
    struct log log;
    struct listener listener;
    int steps; /* of its own hook */
};

static void *echo_open(void *service, struct conn *conn, int64_t now)
{
    (void)service;
    conn_set_due(conn, now + TIME_SECOND);
    return conn; /* it needs no state of its own */
}

static size_t echo_recv(void *service, void *session, struct span in, int64_t now)
{
    (void)service;
    conn_send(session, in, now);
    conn_set_due(session, now + TIME_SECOND);
    return in.n;
}

static void echo_eof(void *service, void *session, int64_t now)
{
    (void)service;
    conn_finish(session, false, now);
}

static void echo_due(void *service, void *session, int64_t now)
{
    (void)service;
    conn_send(session, SPAN("goodbye\n"), now);
    conn_finish(session, false, now);
}

static void echo_drained(void *service, void *session, int64_t now)
{
    (void)service;
    (void)session;
    (void)now;
}

static const struct protocol echo_protocol = {.open = echo_open,
                                              .recv = echo_recv,
                                              .eof = echo_eof,
                                              .due = echo_due,
                                              .drained = echo_drained,
                                              .closed = echo_drained};

static void echo_step(void *self, int64_t now, int64_t judged)
{
    (void)judged;
    (void)now;
    ((struct echo *)self)->steps++;
}

static void echo_begin(struct echo *echo)
{
    static const struct serve_config config = {.max_connections = 2, .high_water = 1000};
    const struct serve_hooks hooks = {.self = echo, .step = echo_step};
    *echo = (struct echo){.listener = {.service = echo, .protocol = &echo_protocol}};
    log_init(&echo->log, LOG_INFO);
    serve_init(&echo->serve, &config, &echo->listener, 1, &echo->log, &hooks);
}

/* --- one client, driven as the shell drives many ---------------------------------------------- */

struct client {
    uint64_t id;
    struct span to_send;
    struct buf got;
    bool closed;
};

static void take_output(struct client *c, const struct tcp_handler *h, int64_t now)
{
    struct span span;
    while (h->out(h->self, c->id, &span, 1, now) > 0) {
        buf_append(&c->got, span);
        h->sent(h->self, c->id, span.n, now);
    }
    if (h->want(h->self, c->id) & WANT_CLOSE) {
        h->closed(h->self, c->id, CLOSED_AS_WANTED, now);
        c->closed = true;
    }
}

static void drive_client(struct client *c, const struct tcp_handler *h, int64_t now)
{
    struct drive drive = {.rounds_max = 10};
    while (drive_next(&drive, h, now) != DRIVE_OVER) {
        if (drive.turn == DRIVE_INPUT && c->to_send.n > 0) {
            c->to_send = span_skip(c->to_send, h->recv(h->self, c->id, c->to_send, now));
        } else if (drive.turn == DRIVE_CHANGED) {
            take_output(c, h, now);
        }
    }
    assert_false(drive_has_work_left(&drive, h, now));
}

static void any_service_reuses_the_server(void **state)
{
    (void)state;
    struct echo echo;
    struct client c = {.to_send = SPAN("hello\n")};
    echo_begin(&echo);
    struct tcp_handler h = serve_handler(&echo.serve);
    c.id = h.open(h.self, 0, SPAN("peer"), 0);
    drive_client(&c, &h, 0);
    assert_true(span_equal(buf_span(&c.got), SPAN("hello\n")));
    assert_int_equal(echo.steps, 1);
    assert_int_equal(h.next_deadline(h.self), TIME_SECOND);
    drive_client(&c, &h, TIME_SECOND);
    assert_true(span_equal(buf_span(&c.got), SPAN("hello\ngoodbye\n")));
    assert_true(c.closed);
    h.stop(h.self, TIME_SECOND);
    assert_true(h.stopped(h.self));
    serve_free(&echo.serve);
    log_free(&echo.log);
    buf_free(&c.got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(any_service_reuses_the_server)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
