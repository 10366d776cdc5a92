/* SPDX-License-Identifier: MIT */
/*
 * Tests of the turns of handshakes (serve/serve.h): many connections begin a handshake at once, and
 * others are served between any two parts of handshakes. A toy codec counts these parts.
 */
#include "serve/serve.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/time.h"
#include "serve/drive.h"

#define HANDSHAKE_NS (5 * TIME_SECOND)

enum { CROWD = 500 };

/* --- a toy codec: changes no bytes; a handshake is "h", then "f" -------------------------------
 */

struct toy {
    enum codec_state state;
    char next; /* the byte that the handshake waits for */
};

static size_t parts; /* of handshakes, of all connections */
static size_t alive; /* codecs */

static size_t toy_decode(void *self, struct span in, size_t room, struct buf *up, struct buf *down)
{
    struct toy *t = self;
    (void)down;
    if (t->state == CODEC_OPEN) {
        struct span some = span_first(in, room);
        buf_append(up, some);
        return some.n;
    }
    if (in.n == 0) {
        return 0; /* the handshake begins */
    }
    parts++;
    if (in.p[0] != (uint8_t)t->next) {
        t->state = CODEC_FAILED;
    } else if (t->next == 'h') {
        t->next = 'f';
    } else {
        t->state = CODEC_OPEN;
    }
    return 1;
}

static void toy_encode(void *self, struct span in, struct buf *down)
{
    (void)self;
    buf_append(down, in);
}

static void toy_flush(void *self, struct buf *down)
{
    (void)self;
    (void)down;
}

static bool toy_has_pending(const void *self)
{
    (void)self;
    return false;
}

static enum codec_state toy_state(const void *self)
{
    return ((const struct toy *)self)->state;
}

static struct span toy_why(const void *self)
{
    (void)self;
    return SPAN("toy");
}

static void toy_free(void *self)
{
    alive--;
    alloc_free(self);
}

static const struct codec_calls toy_calls = {
    .decode = toy_decode,
    .encode = toy_encode,
    .flush = toy_flush,
    .finish = toy_flush,
    .has_pending = toy_has_pending,
    .state = toy_state,
    .why = toy_why,
    .free = toy_free,
};

static struct codec toy(enum codec_state state)
{
    struct toy *t = alloc_zeroed(sizeof *t);
    *t = (struct toy){.state = state, .next = 'h'};
    alive++;
    return (struct codec){&toy_calls, t};
}

/* --- the protocol: c puts a codec on, t one with a handshake; all other bytes are counted -------
 */

struct keeper {
    struct conn *conn;
    size_t got;
    size_t upgrades;
    bool failed;
    bool ended;
};

static struct keeper *last;

static void *keep_open(void *service, struct conn *conn, int64_t now)
{
    (void)service;
    (void)now;
    last = alloc_zeroed(sizeof *last);
    last->conn = conn;
    return last;
}

static size_t keep_recv(void *service, void *session, struct span in, int64_t now)
{
    struct keeper *k = session;
    size_t n = 0;
    (void)service;
    while (n < in.n && conn_may_read(k->conn)) {
        uint8_t c = in.p[n++];
        if (c == 'c' || c == 't') {
            conn_add_codec(k->conn, toy(c == 'c' ? CODEC_OPEN : CODEC_HANDSHAKING), HANDSHAKE_NS,
                           now);
        } else {
            k->got++;
        }
    }
    return n;
}

static void keep_eof(void *service, void *session, int64_t now)
{
    struct keeper *k = session;
    (void)service;
    k->ended = true;
    conn_finish(k->conn, false, now);
}

static void keep_upgraded(void *service, void *session, struct span why, int64_t now)
{
    struct keeper *k = session;
    (void)service;
    (void)now;
    k->upgrades++;
    k->failed = why.n > 0;
}

static void keep_drained(void *service, void *session, int64_t now)
{
    (void)service;
    (void)session;
    (void)now;
}

static void keep_closed(void *service, void *session, int64_t now)
{
    (void)service;
    (void)now;
    alloc_free(session);
}

static const struct protocol protocol = {
    .open = keep_open,
    .recv = keep_recv,
    .eof = keep_eof,
    .upgraded = keep_upgraded,
    .drained = keep_drained,
    .closed = keep_closed,
};

/* --- the driver ------------------------------------------------------------------------------- */

struct peer {
    uint64_t id; /* 0: gone */
    struct keeper *keeper;
    struct span rest; /* what the shell has read, or will read when READ is wanted */
};

struct stage {
    struct log log;
    struct listener listener;
    struct serve serve;
    struct tcp_handler handler;
    struct peer peers[CROWD + 1];
    size_t count;
    int64_t now;
};

static int set_up(void **state)
{
    struct stage *s = alloc_zeroed(sizeof *s);
    const struct serve_config config = {.max_connections = CROWD + 1, .high_water = 100};
    log_init(&s->log, LOG_DEBUG);
    s->listener = (struct listener){.protocol = &protocol};
    serve_init(&s->serve, &config, &s->listener, 1, &s->log, NULL);
    s->handler = serve_handler(&s->serve);
    parts = alive = 0;
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct stage *s = *state;
    serve_free(&s->serve);
    assert_int_equal(alive, 0);
    log_free(&s->log);
    alloc_free(s);
    return 0;
}

static struct peer *join(struct stage *s, const char *sends)
{
    struct peer *p = &s->peers[s->count++];
    p->id = serve_open(&s->serve, 0, SPAN("peer"), s->now);
    p->keeper = last;
    p->rest = span_make(sends, strlen(sends));
    return p;
}

/* Offers the rest to everybody who wants READ, as the shell does. */
static void offer(struct stage *s)
{
    for (size_t i = 0; i < s->count; i++) {
        struct peer *p = &s->peers[i];
        if (p->id != 0 && p->rest.n > 0 && (serve_want(&s->serve, p->id) & WANT_READ)) {
            p->rest = span_skip(p->rest, serve_recv(&s->serve, p->id, p->rest, s->now));
        }
    }
}

/* One round of serve/drive.h. Returns true when work is left. */
static bool do_round(struct stage *s)
{
    struct drive drive = {.rounds_max = 1};
    bool changed = false;
    while (drive_next(&drive, &s->handler, s->now) != DRIVE_OVER) {
        if (drive.turn == DRIVE_INPUT) {
            offer(s);
        }
        changed = changed || drive.turn == DRIVE_CHANGED;
    }
    return changed || drive_has_work_left(&drive, &s->handler, s->now);
}

/* --- the tests -------------------------------------------------------------------------------- */

/* 500 clients begin a handshake at once, one in three of them with a codec that holds their input.
 * In each round a bystander is served, and at most one part of a handshake is done. No round is
 * without one, so the handshakes end after as many rounds as they have parts. */
static void one_part_of_a_handshake_is_done_in_a_turn(void **state)
{
    struct stage *s = *state;
    struct peer *bystander = join(s, "");
    for (size_t i = 0; i < CROWD; i++) {
        join(s, i % 3 == 0 ? "cthf" : "thf");
    }
    size_t rounds = 0;
    for (bool more = true; more;) {
        size_t before = parts;
        bystander->rest = SPAN("x");
        more = do_round(s);
        assert_in_range(++rounds, 1, 10 * CROWD);
        assert_int_equal(bystander->keeper->got, rounds);
        assert_in_range(parts - before, 0, 2); /* the two parts of one client, if both are there */
    }
    assert_int_equal(parts, 2 * CROWD);
    assert_in_range(rounds, CROWD, 2 * CROWD + 10);
    for (size_t i = 1; i <= CROWD; i++) {
        assert_int_equal(s->peers[i].keeper->upgrades, 1);
        assert_false(s->peers[i].keeper->failed);
    }
}

/* Those who come first have their turn first, and nobody who comes later overtakes. */
static void handshakes_have_their_turn_in_order(void **state)
{
    struct stage *s = *state;
    for (size_t i = 0; i < 20; i++) {
        join(s, "t");
    }
    do_round(s);
    for (size_t i = 0; i < 20; i++) {
        s->peers[i].rest = SPAN("h");
    }
    for (size_t i = 0; i < 19; i++) {
        do_round(s);
        s->peers[0].rest = SPAN("f"); /* the first one goes on as soon as it may */
    }
    for (int i = 0; do_round(s); i++) {
        assert_in_range(i, 0, 10 * CROWD);
    }
    assert_int_equal(parts, 21);
    assert_int_equal(s->peers[0].keeper->upgrades, 1);
}

/* The shell may hand over the input of only a few connections in a round, when a handshake takes
 * long. Its next round does no other handshake, so the shell comes to the rest of the input. */
static void a_handshake_is_followed_by_a_round_without_one(void **state)
{
    struct stage *s = *state;
    for (size_t i = 0; i < 20; i++) {
        join(s, "t");
    }
    do_round(s);
    do_round(s);
    for (size_t i = 0; i < 20; i++) {
        size_t before = parts;
        s->peers[i].rest = SPAN("h");
        do_round(s);
        assert_in_range(parts - before, 0, i % 2 == 0 ? 1 : 0);
    }
    for (int i = 0; do_round(s); i++) {
        assert_in_range(i, 0, 10 * CROWD);
    }
    assert_int_equal(parts, 20);
}

/* A lone handshake does not wait for a step. */
static void a_lone_handshake_goes_on_at_once(void **state)
{
    struct stage *s = *state;
    struct peer *p = join(s, "thf");
    offer(s);
    assert_int_equal(p->keeper->upgrades, 1);
    assert_int_equal(p->rest.n, 0);
    assert_int_equal(serve_next_deadline(&s->serve), HANDSHAKE_NS); /* a timer that comes early */
}

/* A client that waits for its turn, or has it, may leave, or its handshake may time out. The others
 * go on. */
static void a_turn_ends_with_its_connection(void **state)
{
    struct stage *s = *state;
    for (size_t i = 0; i < 6; i++) {
        join(s, "th");
    }
    offer(s);
    assert_int_equal(parts, 1);
    serve_step(&s->serve, 0, 0);
    serve_step(&s->serve, 0, 0); /* now the second one has its turn */
    assert_true(s->serve.handshake_turn == s->peers[1].keeper->conn);
    serve_closed(&s->serve, s->peers[1].id, CLOSED_BY_ERROR, 0);
    serve_closed(&s->serve, s->peers[2].id, CLOSED_BY_ERROR, 0);
    s->peers[1].id = s->peers[2].id = 0;
    for (int i = 0; do_round(s); i++) {
        assert_in_range(i, 0, 10 * CROWD);
    }
    assert_int_equal(parts, 4);
    do_round(s);
    do_round(s); /* now the last turn was long enough ago */
    s->peers[3].rest = s->peers[4].rest = s->peers[5].rest = SPAN("f");
    offer(s);
    serve_step(&s->serve, 0, 0);
    serve_step(&s->serve, 0, 0);
    assert_true(s->serve.handshake_turn == s->peers[4].keeper->conn);
    s->now = HANDSHAKE_NS;
    serve_step(&s->serve, s->now, s->now); /* all that are not done time out */
    assert_int_equal(parts, 5);
    assert_true(s->serve.handshake_turn == NULL);
    assert_true(list_empty(&s->serve.handshakes));
    assert_true(s->peers[4].keeper->failed && s->peers[5].keeper->failed);
    assert_false(s->peers[3].keeper->failed);
}

/* The input in front of the end of a peer counts, also if it waits for its turn in a codec. */
static void the_end_of_a_peer_waits_for_its_turn(void **state)
{
    struct stage *s = *state;
    join(s, "th");
    struct peer *p = join(s, "cthf");
    offer(s);
    assert_int_equal(p->rest.n, 0);
    serve_eof(&s->serve, p->id, 0);
    assert_int_equal(p->keeper->upgrades, 0);
    for (int i = 0; do_round(s); i++) {
        assert_in_range(i, 0, 10 * CROWD);
    }
    assert_int_equal(p->keeper->upgrades, 1);
    assert_false(p->keeper->failed);
    assert_true(p->keeper->ended);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_part_of_a_handshake_is_done_in_a_turn),
        TEST(handshakes_have_their_turn_in_order),
        TEST(a_handshake_is_followed_by_a_round_without_one),
        TEST(a_lone_handshake_goes_on_at_once),
        TEST(a_turn_ends_with_its_connection),
        TEST(the_end_of_a_peer_waits_for_its_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
