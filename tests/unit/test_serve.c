/* SPDX-License-Identifier: MIT */
/*
 * Tests of serve/serve.h and serve/conn.h, with a protocol that does nothing by itself: it keeps
 * what it receives, and the tests act for it.
 */
#include "serve/serve.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/time.h"
#include "serve/magic.h"

#define HIGH_WATER 100
#define MOST 20 /* connections */

/* --- the protocol ----------------------------------------------------------------------------- */

/* The protocol's state for one connection. */
struct keeper {
    struct service *service;
    struct conn *conn;
    char protocol;
    struct buf got;
    int eofs, dues, drains;
};

/* The service of a listener. */
struct service {
    struct keeper *last; /* the latest that was opened */
    int opened, closed;
};

static void *keep_open(void *service, struct conn *conn, int64_t now, char protocol)
{
    struct keeper *k = alloc_zeroed(sizeof *k);
    (void)now;
    k->service = service;
    k->service->last = k;
    k->service->opened++;
    k->conn = conn;
    k->protocol = protocol;
    return k;
}

static void *a_open(void *service, struct conn *conn, int64_t now)
{
    return keep_open(service, conn, now, 'A');
}

static void *b_open(void *service, struct conn *conn, int64_t now)
{
    return keep_open(service, conn, now, 'B');
}

/* Consumes input byte by byte, as long as the connection may read. */
static size_t keep_recv(void *service, void *session, struct span in, int64_t now)
{
    struct keeper *k = session;
    (void)service;
    (void)now;
    size_t n = 0;
    while (n < in.n && conn_may_read(k->conn)) {
        uint8_t c = in.p[n++];
        buf_append(&k->got, span_make(&c, 1));
        if (c == 'h') {
            conn_pause_input(k->conn, true);
        } else if (c == 'f') {
            conn_finish(k->conn, true, now);
        } else if (c == 'e') {
            conn_send(k->conn, SPAN("echo"), now);
        }
    }
    return n;
}

static void keep_eof(void *service, void *session, int64_t now)
{
    (void)service;
    (void)now;
    ((struct keeper *)session)->eofs++;
}

static void keep_due(void *service, void *session, int64_t now)
{
    struct keeper *k = session;
    (void)service;
    k->dues++;
    conn_set_due(k->conn, k->dues < 3 ? now + TIME_SECOND : TIME_NEVER);
}

static void keep_drained(void *service, void *session, int64_t now)
{
    (void)now;
    (void)service;
    ((struct keeper *)session)->drains++;
}

static void keep_closed(void *service, void *session, int64_t now)
{
    (void)now;
    struct keeper *k = session;
    ((struct service *)service)->closed++;
    buf_free(&k->got);
    alloc_free(k);
}

#define PROTOCOL(open_)                                                                            \
    {                                                                                              \
        .open = (open_), .recv = keep_recv, .eof = keep_eof, .due = keep_due,                      \
        .drained = keep_drained, .closed = keep_closed                                             \
    }

static const struct protocol protocols[] = {PROTOCOL(a_open), PROTOCOL(b_open)};

static const struct conn_log_forms forms = {.opened = "opened %",
                                            .refused = "refused %",
                                            .lost = "lost %",
                                            .timed_out = "timed out %",
                                            .undecodable = "undecodable % %"};

/* --- the set-up: two listeners ---------------------------------------------------------------- */

struct stage {
    struct log log;
    struct service service[2];
    struct magic_row rows[2][2];
    struct magic_table tables[2];
    struct listener listeners[2];
    struct serve serve;
};

static int set_up(void **state)
{
    struct stage *s = alloc_zeroed(sizeof *s);
    const struct serve_config config = {.max_connections = MOST, .high_water = HIGH_WATER};
    log_init(&s->log, LOG_DEBUG);
    s->rows[0][0] = (struct magic_row){SPAN("AAAA"), &protocols[0], &s->service[0]};
    s->rows[0][1] = (struct magic_row){SPAN("BBBB"), &protocols[1], &s->service[0]};
    s->rows[1][0] = (struct magic_row){SPAN("BBBB"), &protocols[1], &s->service[1]};
    for (size_t i = 0; i < 2; i++) {
        s->tables[i] = (struct magic_table){.rows = s->rows[i],
                                            .row_count = 2 - i,
                                            .refusal = i == 0 ? SPAN("bad zero") : SPAN("bad one"),
                                            .log = &s->log,
                                            .chosen_form = "chosen % %",
                                            .bad_form = "bad % %",
                                            .eof_form = "eof %"};
        s->listeners[i] = (struct listener){&magic_protocol, &s->tables[i], forms};
    }
    serve_init(&s->serve, &config, s->listeners, 2, &s->log, NULL);
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct stage *s = *state;
    serve_free(&s->serve);
    assert_int_equal(s->service[0].opened, s->service[0].closed);
    assert_int_equal(s->service[1].opened, s->service[1].closed);
    log_free(&s->log);
    alloc_free(s);
    return 0;
}

static uint64_t open_at(struct stage *s, int64_t now)
{
    uint64_t id = serve_open(&s->serve, 0, SPAN("peer"), now);
    assert_int_not_equal(id, 0);
    return id;
}

/* An open connection that speaks A. */
static struct keeper *connect_at(struct stage *s, int64_t now)
{
    uint64_t id = open_at(s, now);
    assert_int_equal(serve_recv(&s->serve, id, SPAN("AAAA"), now), 4);
    return s->service[0].last;
}

/* The unsent output, which must be one span. */
static struct span out_of(struct stage *s, uint64_t id)
{
    struct span span = {NULL, 0};
    serve_out(&s->serve, id, &span, 1, 0);
    return span;
}

static void expect_out(struct stage *s, uint64_t id, struct span expected)
{
    struct span out = out_of(s, id);
    assert_int_equal(out.n, expected.n);
    assert_true(span_equal(out, expected));
}

static void expect_got(const struct keeper *k, struct span expected)
{
    assert_true(span_equal(buf_span(&k->got), expected));
}

/* Sends everything. */
static void flush(struct stage *s, uint64_t id)
{
    serve_sent(&s->serve, id, out_of(s, id).n, 0);
}

/* Output of n bytes. */
static void say_at(struct keeper *k, size_t n, int64_t now)
{
    uint8_t zeros[CONN_LINGER_BYTES] = {0};
    conn_send(k->conn, span_make(zeros, n), now);
}

static void say(struct keeper *k, size_t n)
{
    say_at(k, n, 0);
}

static void forget_changes(struct stage *s)
{
    while (serve_next_changed(&s->serve) != 0) {
    }
}

/* Checks that this connection has changed, and no other. */
static void expect_changed(struct stage *s, uint64_t id)
{
    assert_int_equal(serve_next_changed(&s->serve), id);
    assert_int_equal(serve_next_changed(&s->serve), 0);
}

static bool next_log_is(struct stage *s, enum log_level level, const char *form)
{
    struct log_event *event = log_next(&s->log);
    bool same = event != NULL && event->level == level && strcmp(event->form, form) == 0;
    log_event_free(event);
    return same;
}

/* --- the magic -------------------------------------------------------------------------------- */

/* The deadline ends with the magic. A protocol that sets none of its own is not called at it. */
static void the_deadline_of_the_magic_ends_with_it(void **state)
{
    struct stage *s = *state;
    s->tables[0].timeout = TIME_SECOND;
    open_at(s, 0);
    assert_int_equal(serve_next_deadline(&s->serve), TIME_SECOND);
    struct keeper *k = connect_at(s, 0);
    serve_step(&s->serve, TIME_SECOND, TIME_SECOND);
    assert_int_equal(k->dues, 0);
    assert_int_equal(serve_next_deadline(&s->serve), TIME_NEVER);
}

static void the_magic_chooses_the_protocol(void **state)
{
    struct stage *s = *state;
    uint64_t a = open_at(s, 0);
    uint64_t b = open_at(s, 0);
    assert_int_equal(serve_want(&s->serve, a), WANT_READ);
    assert_int_equal(serve_recv(&s->serve, a, SPAN("A"), 0), 1);
    assert_int_equal(serve_recv(&s->serve, b, SPAN("BBBBxyz"), 0), 7);
    assert_int_equal(s->service[0].last->protocol, 'B');
    expect_got(s->service[0].last, SPAN("xyz"));
    assert_int_equal(serve_recv(&s->serve, a, SPAN("AA"), 0), 2);
    assert_int_equal(s->service[0].opened, 1);
    assert_int_equal(serve_recv(&s->serve, a, SPAN("Ax"), 0), 2);
    assert_int_equal(s->service[0].last->protocol, 'A');
    expect_got(s->service[0].last, SPAN("x"));
    assert_true(next_log_is(s, LOG_INFO, "opened %"));
    assert_true(next_log_is(s, LOG_INFO, "opened %"));
    assert_true(next_log_is(s, LOG_INFO, "chosen % %"));
}

static void each_listener_has_its_own_protocols(void **state)
{
    struct stage *s = *state;
    uint64_t b = serve_open(&s->serve, 1, SPAN("peer"), 0);
    assert_int_equal(serve_recv(&s->serve, b, SPAN("BBBB"), 0), 4);
    assert_int_equal(s->service[1].opened, 1);
    assert_ptr_equal(s->service[1].last->service, &s->service[1]);
    uint64_t a = serve_open(&s->serve, 1, SPAN("peer"), 0);
    assert_int_equal(serve_recv(&s->serve, a, SPAN("AAAA"), 0), 4);
    expect_out(s, a, SPAN("bad one"));
}

/* A listener may also have one protocol alone, which then reads the first byte. */
static void a_listener_may_have_one_protocol(void **state)
{
    struct stage *s = *state;
    s->listeners[0] = (struct listener){&protocols[1], &s->service[0], {0}};
    uint64_t id = open_at(s, 0);
    assert_int_equal(s->service[0].last->protocol, 'B');
    assert_int_equal(serve_recv(&s->serve, id, SPAN("AAAA"), 0), 4);
    expect_got(s->service[0].last, SPAN("AAAA"));
    assert_null(log_next(&s->log));
}

static void a_bad_magic_is_answered_and_ends_the_connection(void **state)
{
    struct stage *s = *state;
    uint64_t id = open_at(s, 0);
    assert_int_equal(serve_recv(&s->serve, id, SPAN("AAA"), 0), 3);
    expect_out(s, id, SPAN(""));
    assert_int_equal(serve_recv(&s->serve, id, SPAN("axyz"), 0), 1);
    expect_out(s, id, SPAN("bad zero"));
    assert_int_equal(serve_want(&s->serve, id), WANT_WRITE);
    assert_int_equal(serve_recv(&s->serve, id, SPAN("xyz"), 0), 0);
    flush(s, id);
    assert_int_equal(serve_want(&s->serve, id), WANT_SHUT_WR | WANT_READ);
    assert_int_equal(serve_recv(&s->serve, id, SPAN("xyz"), 0), 3);
    assert_int_equal(s->service[0].opened, 0);
    assert_true(next_log_is(s, LOG_INFO, "opened %"));
    assert_true(next_log_is(s, LOG_INFO, "chosen % %"));
    assert_true(next_log_is(s, LOG_ERROR, "bad % %"));
}

static void the_end_inside_the_magic_closes(void **state)
{
    struct stage *s = *state;
    uint64_t none = open_at(s, 0);
    uint64_t some = open_at(s, 0);
    serve_recv(&s->serve, some, SPAN("AAA"), 0);
    forget_changes(s);
    serve_eof(&s->serve, none, 0);
    expect_changed(s, none);
    assert_int_equal(serve_want(&s->serve, none), WANT_CLOSE);
    serve_eof(&s->serve, some, 0);
    assert_int_equal(serve_want(&s->serve, some), WANT_CLOSE);
    expect_out(s, some, SPAN(""));
}

static void a_connection_without_a_magic_may_wait_for_ever(void **state)
{
    struct stage *s = *state;
    open_at(s, 0);
    assert_int_equal(serve_next_deadline(&s->serve), TIME_NEVER);
}

static void a_peer_is_known_by_its_first_64_bytes(void **state)
{
    struct stage *s = *state;
    uint8_t peer[CONN_PEER_MAX + 1];
    memset(peer, 'p', sizeof peer);
    for (size_t n = CONN_PEER_MAX - 1; n <= CONN_PEER_MAX + 1; n++) {
        uint64_t id = serve_open(&s->serve, 0, span_make(peer, n), 0);
        serve_recv(&s->serve, id, SPAN("AAAA"), 0);
        struct span known = conn_peer(s->service[0].last->conn);
        assert_int_equal(known.n, n < CONN_PEER_MAX ? n : CONN_PEER_MAX);
        assert_memory_equal(known.p, peer, known.n);
    }
    uint64_t id = serve_open(&s->serve, 0, span_make(NULL, 0), 0);
    serve_recv(&s->serve, id, SPAN("AAAA"), 0);
    assert_int_equal(conn_peer(s->service[0].last->conn).n, 0);
}

/* --- slots ------------------------------------------------------------------------------------ */

static void slots_are_used_again_with_another_generation(void **state)
{
    struct stage *s = *state;
    uint64_t a = open_at(s, 0);
    uint64_t b = open_at(s, 0);
    assert_int_equal((uint32_t)a, 0);
    assert_int_equal((uint32_t)b, 1);
    serve_closed(&s->serve, a, CLOSED_AS_WANTED, 0);
    uint64_t c = open_at(s, 0);
    assert_int_equal((uint32_t)c, 0);
    assert_int_not_equal(a, c);
    serve_closed(&s->serve, c, CLOSED_AS_WANTED, 0);
    s->serve.slots[0].generation =
        UINT32_MAX; /* the next generation would be 0, which would make the number 0 */
    uint64_t d = open_at(s, 0);
    assert_int_equal(d, (uint64_t)1 << 32);
}

static void slots_grow_and_keep_their_connections(void **state)
{
    struct stage *s = *state;
    uint64_t id[MOST];
    for (size_t i = 0; i < MOST; i++) {
        id[i] = open_at(s, 0);
        assert_int_equal((uint32_t)id[i], i);
    }
    for (size_t i = 0; i < MOST; i += 2) {
        serve_closed(&s->serve, id[i], CLOSED_AS_WANTED, 0);
    }
    bool used[2 * MOST] = {false};
    for (size_t i = 0; i < MOST; i++) {
        id[i] = i % 2 == 0 ? open_at(s, 0) : id[i];
        assert_in_range((uint32_t)id[i], 0, 2 * MOST - 1);
        assert_false(used[(uint32_t)id[i]]);
        used[(uint32_t)id[i]] = true;
        assert_int_equal(serve_want(&s->serve, id[i]), WANT_READ);
    }
}

static void there_are_so_many_connections(void **state)
{
    struct stage *s = *state;
    uint64_t first = open_at(s, 0);
    for (size_t i = 1; i < MOST; i++) {
        open_at(s, 0);
    }
    log_free(&s->log);
    assert_int_equal(serve_open(&s->serve, 0, SPAN("peer"), 0), 0);
    assert_true(next_log_is(s, LOG_WARNING, "refused %"));
    serve_closed(&s->serve, first, CLOSED_AS_WANTED, 0);
    open_at(s, 0);
    assert_int_equal(serve_open(&s->serve, 0, SPAN("peer"), 0), 0);
}

static void a_lost_connection_is_logged(void **state)
{
    struct stage *s = *state;
    uint64_t a = open_at(s, 0);
    uint64_t b = open_at(s, 0);
    serve_closed(&s->serve, a, CLOSED_BY_ERROR, 0);
    serve_closed(&s->serve, b, CLOSED_AS_WANTED, 0);
    assert_true(next_log_is(s, LOG_INFO, "opened %"));
    assert_true(next_log_is(s, LOG_INFO, "opened %"));
    assert_true(next_log_is(s, LOG_ERROR, "lost %"));
    assert_null(log_next(&s->log));
}

/* --- changes ---------------------------------------------------------------------------------- */

static void each_changed_connection_is_named_once(void **state)
{
    struct stage *s = *state;
    struct keeper *a = connect_at(s, 0);
    struct keeper *b = connect_at(s, 0);
    forget_changes(s);
    say(b, 1);
    say(a, 1);
    say(b, 1);
    assert_int_equal(serve_next_changed(&s->serve), b->conn->id);
    assert_int_equal(serve_next_changed(&s->serve), a->conn->id);
    assert_int_equal(serve_next_changed(&s->serve), 0);
    say(a, 1);
    serve_closed(&s->serve, a->conn->id, CLOSED_BY_ERROR, 0);
    assert_int_equal(serve_next_changed(&s->serve), 0);
}

static void input_alone_changes_nothing(void **state)
{
    struct stage *s = *state;
    struct keeper *k = connect_at(s, 0);
    forget_changes(s);
    assert_int_equal(serve_recv(&s->serve, k->conn->id, SPAN("abc"), 0), 3);
    assert_int_equal(serve_next_changed(&s->serve), 0);
}

/* Its output was reported before, but now it does not want input any more. */
static void finishing_is_a_change(void **state)
{
    struct stage *s = *state;
    struct keeper *k = connect_at(s, 0);
    say(k, 1);
    forget_changes(s);
    conn_finish(k->conn, true, 0);
    expect_changed(s, k->conn->id);
}

static void a_new_connection_has_changed(void **state)
{
    struct stage *s = *state;
    uint64_t id = open_at(s, 0);
    expect_changed(s, id);
}

/* --- input ------------------------------------------------------------------------------------ */

static void a_held_connection_is_not_read(void **state)
{
    struct stage *s = *state;
    struct keeper *k = connect_at(s, 0);
    uint64_t id = k->conn->id;
    forget_changes(s);
    assert_int_equal(serve_recv(&s->serve, id, SPAN("ahb"), 0), 2);
    expect_changed(s, id);
    assert_int_equal(serve_want(&s->serve, id), 0);
    assert_int_equal(serve_recv(&s->serve, id, SPAN("b"), 0), 0);
    conn_pause_input(k->conn, false);
    expect_changed(s, id);
    assert_int_equal(serve_want(&s->serve, id), WANT_READ);
    assert_int_equal(serve_recv(&s->serve, id, SPAN("b"), 0), 1);
    expect_got(k, SPAN("ahb"));
}

/* Unconsumed input must be offered again, so the connection counts as changed. */
static void left_over_input_is_a_change(void **state)
{
    struct stage *s = *state;
    struct keeper *k = connect_at(s, 0);
    conn_pause_input(k->conn, true);
    forget_changes(s);
    assert_int_equal(serve_recv(&s->serve, k->conn->id, SPAN("x"), 0), 0);
    expect_changed(s, k->conn->id);
}

static void full_output_stops_input(void **state)
{
    struct stage *s = *state;
    struct keeper *k = connect_at(s, 0);
    uint64_t id = k->conn->id;
    say(k, HIGH_WATER - 1);
    assert_false(conn_is_full(k->conn));
    say(k, 1);
    assert_false(conn_is_full(k->conn));
    assert_int_equal(conn_unsent(k->conn), HIGH_WATER);
    assert_int_equal(serve_want(&s->serve, id), WANT_READ | WANT_WRITE);
    assert_int_equal(serve_recv(&s->serve, id, SPAN("aeb"), 0), 2);
    assert_true(conn_is_full(k->conn));
    assert_int_equal(serve_want(&s->serve, id), WANT_WRITE);
    forget_changes(s);
    serve_sent(&s->serve, id, 3, 0);
    assert_true(conn_is_full(k->conn));
    assert_int_equal(k->drains, 0);
    serve_sent(&s->serve, id, 1, 0);
    assert_int_equal(k->drains, 1);
    expect_changed(s, id);
    assert_int_equal(serve_want(&s->serve, id), WANT_READ | WANT_WRITE);
    serve_sent(&s->serve, id, 1, 0);
    assert_int_equal(k->drains, 1);
    assert_int_equal(serve_recv(&s->serve, id, SPAN("b"), 0), 1);
    expect_got(k, SPAN("aeb"));
}

static void the_end_of_input_is_told_and_reading_stops(void **state)
{
    struct stage *s = *state;
    struct keeper *k = connect_at(s, 0);
    forget_changes(s);
    serve_eof(&s->serve, k->conn->id, 0);
    assert_int_equal(k->eofs, 1);
    expect_changed(s, k->conn->id);
    assert_int_equal(serve_want(&s->serve, k->conn->id), 0);
}

/* --- the end ---------------------------------------------------------------------------------- */

static void flush_then_close(void **state)
{
    struct stage *s = *state;
    struct keeper *k = connect_at(s, 0);
    uint64_t id = k->conn->id;
    say(k, 3);
    conn_finish(k->conn, false, 0);
    assert_int_equal(serve_want(&s->serve, id), WANT_WRITE);
    say(k, 5); /* too late */
    assert_int_equal(out_of(s, id).n, 3);
    serve_sent(&s->serve, id, 2, 0);
    assert_int_equal(serve_want(&s->serve, id), WANT_WRITE);
    forget_changes(s);
    serve_sent(&s->serve, id, 1, 0);
    expect_changed(s, id);
    assert_int_equal(serve_want(&s->serve, id), WANT_CLOSE);
    assert_int_equal(s->service[0].closed, 0);
    serve_closed(&s->serve, id, CLOSED_AS_WANTED, 0);
    assert_int_equal(s->service[0].closed, 1);
}

static void with_nothing_to_flush_it_closes_at_once(void **state)
{
    struct stage *s = *state;
    struct keeper *k = connect_at(s, 0);
    forget_changes(s);
    conn_finish(k->conn, false, 0);
    expect_changed(s, k->conn->id);
    assert_int_equal(serve_want(&s->serve, k->conn->id), WANT_CLOSE);
}

/* An open connection that lingers since `now`. */
static struct keeper *linger_at(struct stage *s, int64_t now)
{
    struct keeper *k = connect_at(s, now);
    say_at(k, 3, now);
    assert_int_equal(serve_recv(&s->serve, k->conn->id, SPAN("fx"), now), 1);
    assert_int_equal(serve_want(&s->serve, k->conn->id), WANT_WRITE);
    forget_changes(s);
    serve_sent(&s->serve, k->conn->id, 3, now);
    expect_changed(s, k->conn->id);
    assert_int_equal(serve_want(&s->serve, k->conn->id), WANT_SHUT_WR | WANT_READ);
    return k;
}

static void lingering_ends_with_the_peers_input(void **state)
{
    struct stage *s = *state;
    struct keeper *k = linger_at(s, 0);
    assert_int_equal(serve_recv(&s->serve, k->conn->id, SPAN("xyz"), 0), 3);
    expect_got(k, SPAN("f"));
    assert_int_equal(serve_next_changed(&s->serve), 0);
    serve_eof(&s->serve, k->conn->id, 0);
    expect_changed(s, k->conn->id);
    assert_int_equal(serve_want(&s->serve, k->conn->id), WANT_CLOSE);
    assert_int_equal(k->eofs, 0);
}

static void lingering_ends_after_a_second(void **state)
{
    struct stage *s = *state;
    struct keeper *k = linger_at(s, 7 * TIME_SECOND);
    assert_int_equal(serve_next_deadline(&s->serve), 8 * TIME_SECOND);
    serve_step(&s->serve, 8 * TIME_SECOND - 1, 8 * TIME_SECOND - 1);
    assert_int_equal(serve_want(&s->serve, k->conn->id), WANT_SHUT_WR | WANT_READ);
    serve_step(&s->serve, 8 * TIME_SECOND, 8 * TIME_SECOND);
    expect_changed(s, k->conn->id);
    assert_int_equal(serve_want(&s->serve, k->conn->id), WANT_CLOSE);
    assert_int_equal(serve_next_deadline(&s->serve), TIME_NEVER);
}

/* A time that was set before must not cut it short. */
static void lingering_lasts_a_second(void **state)
{
    struct stage *s = *state;
    struct keeper *k = connect_at(s, 0);
    conn_set_due(k->conn, TIME_SECOND / 2);
    conn_finish(k->conn, true, 0);
    serve_step(&s->serve, TIME_SECOND / 2, TIME_SECOND / 2);
    assert_int_equal(serve_want(&s->serve, k->conn->id), WANT_SHUT_WR | WANT_READ);
    assert_int_equal(serve_next_deadline(&s->serve), TIME_SECOND);
    serve_step(&s->serve, TIME_SECOND, TIME_SECOND);
    assert_int_equal(serve_want(&s->serve, k->conn->id), WANT_CLOSE);
}

static void lingering_ends_after_64_kib(void **state)
{
    struct stage *s = *state;
    struct keeper *k = linger_at(s, 0);
    uint8_t zeros[CONN_LINGER_BYTES] = {0};
    struct span most = span_make(zeros, sizeof zeros - 1);
    assert_int_equal(serve_recv(&s->serve, k->conn->id, most, 0), most.n);
    assert_int_equal(serve_recv(&s->serve, k->conn->id, span_first(most, 1), 0), 1);
    assert_int_equal(serve_want(&s->serve, k->conn->id), WANT_SHUT_WR | WANT_READ);
    forget_changes(s);
    assert_int_equal(serve_recv(&s->serve, k->conn->id, span_first(most, 1), 0), 1);
    expect_changed(s, k->conn->id);
    assert_int_equal(serve_want(&s->serve, k->conn->id), WANT_CLOSE);
}

static void after_the_end_of_input_there_is_nothing_to_linger_for(void **state)
{
    struct stage *s = *state;
    struct keeper *k = connect_at(s, 0);
    say(k, 3);
    serve_eof(&s->serve, k->conn->id, 0);
    conn_finish(k->conn, true, 0);
    assert_int_equal(serve_want(&s->serve, k->conn->id), WANT_WRITE);
    flush(s, k->conn->id);
    assert_int_equal(serve_want(&s->serve, k->conn->id), WANT_CLOSE);
}

static void the_end_of_input_may_come_while_the_last_output_leaves(void **state)
{
    struct stage *s = *state;
    struct keeper *k = connect_at(s, 0);
    say(k, 3);
    conn_finish(k->conn, true, 0);
    serve_eof(&s->serve, k->conn->id, 0);
    assert_int_equal(k->eofs, 0);
    assert_int_equal(serve_want(&s->serve, k->conn->id), WANT_WRITE);
    flush(s, k->conn->id);
    assert_int_equal(serve_want(&s->serve, k->conn->id), WANT_CLOSE);
}

static void finishing_twice_is_finishing_once(void **state)
{
    struct stage *s = *state;
    struct keeper *k = connect_at(s, 0);
    conn_finish(k->conn, true, 0);
    conn_finish(k->conn, false, 0);
    assert_int_equal(serve_want(&s->serve, k->conn->id), WANT_SHUT_WR | WANT_READ);
}

/* --- write timeouts --------------------------------------------------------------------------- */

static void expect_closed_at(struct stage *s, uint64_t id, int64_t at)
{
    assert_int_equal(serve_next_deadline(&s->serve), at);
    serve_step(&s->serve, at - 1, at - 1);
    assert_int_not_equal(serve_want(&s->serve, id), WANT_CLOSE);
    forget_changes(s);
    serve_step(&s->serve, at, at);
    expect_changed(s, id);
    assert_int_equal(serve_want(&s->serve, id), WANT_CLOSE);
    assert_int_equal(serve_next_deadline(&s->serve), TIME_NEVER);
}

static void output_that_is_not_taken_in_time_closes(void **state)
{
    struct stage *s = *state;
    struct keeper *k = connect_at(s, 0);
    uint64_t id = k->conn->id;
    conn_set_write_timeout(k->conn, 5 * TIME_SECOND, 0);
    assert_int_equal(serve_next_deadline(&s->serve), TIME_NEVER);
    serve_step(&s->serve, TIME_SECOND, TIME_SECOND);
    say_at(k, 10, TIME_SECOND);
    serve_step(&s->serve, 2 * TIME_SECOND, 2 * TIME_SECOND);
    say_at(k, 10, 2 * TIME_SECOND);
    serve_sent(&s->serve, id, 9, 2 * TIME_SECOND);
    expect_closed_at(s, id, 6 * TIME_SECOND);
    assert_int_equal(s->service[0].closed, 1); /* the protocol has ended its session */
    serve_closed(&s->serve, id, CLOSED_AS_WANTED, 6 * TIME_SECOND);
    assert_int_equal(s->service[0].closed, 1);
}

static void each_stretch_of_output_has_its_own_time(void **state)
{
    struct stage *s = *state;
    struct keeper *k = connect_at(s, 0);
    uint64_t id = k->conn->id;
    conn_set_write_timeout(k->conn, 5 * TIME_SECOND, 0);
    say(k, 10);
    say(k, 10);
    serve_step(&s->serve, 4 * TIME_SECOND, 4 * TIME_SECOND);
    serve_sent(&s->serve, id, 10, 4 * TIME_SECOND);
    serve_step(&s->serve, 8 * TIME_SECOND, 8 * TIME_SECOND);
    serve_sent(&s->serve, id, 10, 8 * TIME_SECOND);
    serve_step(&s->serve, 60 * TIME_SECOND, 60 * TIME_SECOND);
    assert_int_equal(serve_want(&s->serve, id), WANT_READ);
    assert_int_equal(serve_next_deadline(&s->serve), TIME_NEVER);
    say_at(k, 1, 60 * TIME_SECOND);
    expect_closed_at(s, id, 65 * TIME_SECOND);
}

/* A slow reader is not a reader that has stopped: only the first 16 KiB must be sent in time. */
static void a_slow_reader_is_waited_for(void **state)
{
    struct stage *s = *state;
    struct keeper *k = connect_at(s, 0);
    uint64_t id = k->conn->id;
    conn_set_write_timeout(k->conn, 5 * TIME_SECOND, 0);
    say(k, 1);
    say(k, 3 * CONN_WRITE_CHUNK - 1);
    serve_sent(&s->serve, id, 1, 0);
    serve_step(&s->serve, 4 * TIME_SECOND, 4 * TIME_SECOND);
    serve_sent(&s->serve, id, CONN_WRITE_CHUNK, 4 * TIME_SECOND);
    serve_step(&s->serve, 8 * TIME_SECOND, 8 * TIME_SECOND);
    assert_int_equal(serve_want(&s->serve, id), WANT_WRITE);
    serve_sent(&s->serve, id, CONN_WRITE_CHUNK - 1, 8 * TIME_SECOND);
    expect_closed_at(s, id, 9 * TIME_SECOND);
}

static void without_a_write_timeout_output_may_wait(void **state)
{
    struct stage *s = *state;
    struct keeper *k = connect_at(s, 0);
    say(k, 10);
    assert_int_equal(serve_next_deadline(&s->serve), TIME_NEVER);
    serve_step(&s->serve, 1000 * TIME_SECOND, 1000 * TIME_SECOND);
    conn_finish(k->conn, false, 1000 * TIME_SECOND);
    expect_closed_at(s, k->conn->id, 1000 * TIME_SECOND + CONN_FLUSH_NS);
}

static void the_last_output_has_a_write_timeout_of_its_own(void **state)
{
    struct stage *s = *state;
    struct keeper *k = connect_at(s, 0);
    conn_set_write_timeout(k->conn, 5 * TIME_SECOND, 0);
    say(k, 10);
    serve_step(&s->serve, 4 * TIME_SECOND, 4 * TIME_SECOND);
    conn_finish(k->conn, true, 4 * TIME_SECOND);
    serve_step(&s->serve, 5 * TIME_SECOND, 5 * TIME_SECOND);
    assert_int_equal(serve_want(&s->serve, k->conn->id), WANT_WRITE);
    expect_closed_at(s, k->conn->id, 9 * TIME_SECOND);
}

static void a_new_write_timeout_is_in_force_at_once(void **state)
{
    struct stage *s = *state;
    struct keeper *off = connect_at(s, 0);
    conn_set_write_timeout(off->conn, 5 * TIME_SECOND, 0);
    say(off, 10);
    conn_set_write_timeout(off->conn, 0, 0);
    serve_step(&s->serve, 10 * TIME_SECOND, 10 * TIME_SECOND);
    assert_int_equal(serve_want(&s->serve, off->conn->id), WANT_WRITE | WANT_READ);
    struct keeper *on = connect_at(s, 10 * TIME_SECOND);
    say_at(on, 10, 10 * TIME_SECOND);
    conn_set_write_timeout(on->conn, 5 * TIME_SECOND, 10 * TIME_SECOND);
    expect_closed_at(s, on->conn->id, 15 * TIME_SECOND);
}

/* --- the protocol's own time ------------------------------------------------------------------ */

static void what_is_due_is_told_at_its_time(void **state)
{
    struct stage *s = *state;
    struct keeper *k = connect_at(s, 0);
    conn_set_due(k->conn, 10);
    assert_int_equal(serve_next_deadline(&s->serve), 10);
    serve_step(&s->serve, 9, 9);
    assert_int_equal(k->dues, 0);
    serve_step(&s->serve, 10, 10);
    assert_int_equal(k->dues, 1);
    assert_int_equal(serve_next_deadline(&s->serve), 10 + TIME_SECOND);
    serve_step(&s->serve, 10 * TIME_SECOND,
               10 * TIME_SECOND); /* late: it is called once, and again if it asks for that */
    assert_int_equal(k->dues, 2);
    serve_step(&s->serve, 12 * TIME_SECOND, 11 * TIME_SECOND - 1); /* it was not judged yet */
    assert_int_equal(k->dues, 2);
    serve_step(&s->serve, 12 * TIME_SECOND, 11 * TIME_SECOND);
    assert_int_equal(k->dues, 3);
    assert_int_equal(serve_next_deadline(&s->serve), TIME_NEVER);
}

static void a_time_may_move(void **state)
{
    struct stage *s = *state;
    struct keeper *k = connect_at(s, 0);
    conn_set_due(k->conn, 10);
    conn_set_due(k->conn, 20); /* its timer stays where it is .. */
    assert_int_equal(serve_next_deadline(&s->serve), 10);
    /* .. and looks again then, also when only 10 was judged */
    serve_step(&s->serve, 25, 10);
    assert_int_equal(k->dues, 0);
    assert_int_equal(serve_next_deadline(&s->serve), 20);
    conn_set_due(k->conn, 15);
    assert_int_equal(serve_next_deadline(&s->serve), 15);
    serve_step(&s->serve, 15, 15);
    assert_int_equal(k->dues, 1);
}

static void nothing_is_due_after_the_end(void **state)
{
    struct stage *s = *state;
    struct keeper *k = connect_at(s, 0);
    conn_set_due(k->conn, 10);
    say(k, 1);
    conn_finish(k->conn, true, 0);
    serve_step(&s->serve, 10, 10);
    assert_int_equal(k->dues, 0);
    flush(s, k->conn->id);
    serve_step(&s->serve, 20, 20);
    assert_int_equal(k->dues, 0);
}

static void a_step_handles_so_many_connections(void **state)
{
    (void)state;
    struct log log;
    struct service service = {0};
    const struct listener listener = {.protocol = &protocols[0], .service = &service};
    const struct serve_config config = {.max_connections = 1000, .high_water = HIGH_WATER};
    struct serve serve;
    log_init(&log, LOG_ERROR);
    serve_init(&serve, &config, &listener, 1, &log, NULL);
    for (int i = 0; i < SERVE_TIMERS_A_STEP + 3; i++) {
        serve_open(&serve, 0, SPAN("peer"), 0);
        conn_set_due(service.last->conn, 10);
    }
    while (serve_next_changed(&serve) != 0) {
    }
    serve_step(&serve, 10, 10);
    assert_int_equal(serve.timers.n, SERVE_TIMERS_A_STEP + 3);
    assert_int_equal(serve_next_deadline(&serve), 10); /* there is more to do now */
    serve_step(&serve, 10, 10);
    assert_int_equal(serve_next_deadline(&serve), 10 + TIME_SECOND);
    serve_free(&serve);
    assert_int_equal(service.closed, SERVE_TIMERS_A_STEP + 3);
    log_free(&log);
}

/* --- stop ------------------------------------------------------------------------------------- */

static void a_stop_closes_everything_and_opens_nothing(void **state)
{
    struct stage *s = *state;
    uint64_t magic = open_at(s, 0);
    struct keeper *k = connect_at(s, 0);
    uint64_t busy = k->conn->id;
    say(k, 10);
    uint64_t lingers = linger_at(s, 0)->conn->id;
    assert_false(serve_stopped(&s->serve));
    forget_changes(s);
    serve_stop(&s->serve, 5);
    assert_int_equal(serve_next_changed(&s->serve), magic);
    assert_int_equal(serve_next_changed(&s->serve), busy);
    assert_int_equal(serve_next_changed(&s->serve), lingers);
    assert_int_equal(serve_want(&s->serve, magic), WANT_CLOSE);
    assert_int_equal(serve_want(&s->serve, busy), WANT_CLOSE);
    assert_int_equal(serve_want(&s->serve, lingers), WANT_CLOSE);
    assert_int_equal(s->service[0].closed, 2);
    assert_int_equal(serve_open(&s->serve, 0, SPAN("peer"), 5), 0);
    assert_int_equal(serve_recv(&s->serve, busy, SPAN("x"), 5), 0);
    serve_sent(&s->serve, busy, 10, 0); /* the socket takes it in passing */
    serve_eof(&s->serve, busy, 5);
    assert_int_equal(serve_want(&s->serve, busy), WANT_CLOSE);
    serve_closed(&s->serve, magic, CLOSED_AS_WANTED, 5);
    serve_closed(&s->serve, busy, CLOSED_AS_WANTED, 5);
    assert_false(serve_stopped(&s->serve));
    serve_closed(&s->serve, lingers, CLOSED_AS_WANTED, 5);
    assert_true(serve_stopped(&s->serve));
}

static void what_was_given_up_is_not_given_up_again(void **state)
{
    struct stage *s = *state;
    struct keeper *k = connect_at(s, 0);
    conn_set_write_timeout(k->conn, 5 * TIME_SECOND, 0);
    say(k, 10);
    serve_stop(&s->serve, 1);
    log_free(&s->log);
    forget_changes(s);
    serve_step(&s->serve, 100 * TIME_SECOND, 100 * TIME_SECOND);
    assert_int_equal(serve_next_changed(&s->serve), 0);
    assert_null(log_next(&s->log));
}

static void count_stop(void *self, int64_t now)
{
    (void)now;
    ++*(int *)self;
}

/* So that the stop of ten thousand connections does not take one long turn. What still waits to be
 * closed is not read any more. */
static void a_stop_closes_many_in_slices(void **state)
{
    (void)state;
    enum { COUNT = 2 * SERVE_STOPS_A_STEP + 1 };
    struct service service = {0};
    struct log log;
    struct serve serve;
    struct listener listener = {&protocols[0], &service, {0}};
    const struct serve_config config = {.max_connections = COUNT, .high_water = HIGH_WATER};
    int stops = 0;
    const struct serve_hooks hooks = {.self = &stops, .stop = count_stop};
    uint64_t last = 0;
    log_init(&log, LOG_DEBUG);
    serve_init(&serve, &config, &listener, 1, &log, &hooks);
    for (int i = 0; i < COUNT; i++) {
        last = serve_open(&serve, 0, SPAN("peer"), 0);
    }
    serve_stop(&serve, 0);
    for (int slices = 1; slices < 3; slices++) {
        assert_int_equal(service.closed, slices * SERVE_STOPS_A_STEP);
        assert_true(serve_next_deadline(&serve) == TIME_PAST);
        assert_int_equal(serve_want(&serve, last), WANT_READ);
        assert_int_equal(serve_recv(&serve, last, SPAN("e"), 0), 0);
        assert_int_equal(stops, 0);
        serve_step(&serve, 0, 0);
    }
    assert_int_equal(service.closed, COUNT);
    assert_int_equal(serve_want(&serve, last), WANT_CLOSE);
    assert_int_equal(stops, 1);
    serve_step(&serve, 0, 0);
    assert_int_equal(stops, 1);
    assert_true(serve_next_deadline(&serve) == TIME_NEVER);
    serve_free(&serve);
    log_free(&log);
}

static void without_connections_a_stop_is_immediate(void **state)
{
    struct stage *s = *state;
    assert_false(serve_stopped(&s->serve));
    serve_stop(&s->serve, 0);
    assert_true(serve_stopped(&s->serve));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_deadline_of_the_magic_ends_with_it),
        TEST(the_magic_chooses_the_protocol),
        TEST(each_listener_has_its_own_protocols),
        TEST(a_listener_may_have_one_protocol),
        TEST(a_bad_magic_is_answered_and_ends_the_connection),
        TEST(the_end_inside_the_magic_closes),
        TEST(a_connection_without_a_magic_may_wait_for_ever),
        TEST(a_peer_is_known_by_its_first_64_bytes),
        TEST(slots_are_used_again_with_another_generation),
        TEST(slots_grow_and_keep_their_connections),
        TEST(there_are_so_many_connections),
        TEST(a_lost_connection_is_logged),
        TEST(each_changed_connection_is_named_once),
        TEST(input_alone_changes_nothing),
        TEST(finishing_is_a_change),
        TEST(a_new_connection_has_changed),
        TEST(a_held_connection_is_not_read),
        TEST(left_over_input_is_a_change),
        TEST(full_output_stops_input),
        TEST(the_end_of_input_is_told_and_reading_stops),
        TEST(flush_then_close),
        TEST(with_nothing_to_flush_it_closes_at_once),
        TEST(lingering_ends_with_the_peers_input),
        TEST(lingering_ends_after_a_second),
        TEST(lingering_lasts_a_second),
        TEST(lingering_ends_after_64_kib),
        TEST(after_the_end_of_input_there_is_nothing_to_linger_for),
        TEST(the_end_of_input_may_come_while_the_last_output_leaves),
        TEST(finishing_twice_is_finishing_once),
        TEST(output_that_is_not_taken_in_time_closes),
        TEST(each_stretch_of_output_has_its_own_time),
        TEST(a_slow_reader_is_waited_for),
        TEST(without_a_write_timeout_output_may_wait),
        TEST(the_last_output_has_a_write_timeout_of_its_own),
        TEST(a_new_write_timeout_is_in_force_at_once),
        TEST(what_is_due_is_told_at_its_time),
        TEST(a_time_may_move),
        TEST(nothing_is_due_after_the_end),
        cmocka_unit_test(a_step_handles_so_many_connections),
        TEST(a_stop_closes_everything_and_opens_nothing),
        TEST(what_was_given_up_is_not_given_up_again),
        TEST(a_stop_closes_many_in_slices),
        TEST(without_connections_a_stop_is_immediate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
