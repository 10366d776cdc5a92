/* SPDX-License-Identifier: MIT */
/*
 * Tests of the codecs of a connection (serve/conn.h, conn_add_codec), with toys for codecs and a
 * protocol that obeys single letters.
 */
#include "serve/serve.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/time.h"

#define HIGH_WATER 100
#define HANDSHAKE_NS (5 * TIME_SECOND)

/* --- a toy codec -------------------------------------------------------------------------------
 * On the wire each byte has its bit 7 flipped, and a digit stands for so many letters 'z' (what
 * unpacks to more than it is). 0x84 closes, 0xff fails. With a handshake, '!' must come first, is
 * answered with '?', and anything else fails. */

struct toy {
    enum codec_state state;
    int pending; /* letters 'z' that are not decoded yet */
    int *alive;
};

static size_t toy_decode(void *self, struct span in, size_t room, struct buf *up, struct buf *down)
{
    struct toy *t = self;
    size_t taken = 0;
    size_t had = up->n;
    while (t->state <= CODEC_OPEN && up->n - had < room && (t->pending > 0 || taken < in.n)) {
        uint8_t c = 'z';
        if (t->pending > 0) {
            t->pending--;
        } else if (t->state == CODEC_HANDSHAKING) {
            t->state = in.p[taken++] == '!' ? CODEC_OPEN : CODEC_FAILED;
            buf_append(down, t->state == CODEC_OPEN ? SPAN("?") : SPAN("alert"));
            continue;
        } else {
            c = in.p[taken++] ^ 0x80;
        }
        if (c >= '1' && c <= '9') {
            t->pending = (c - '0') * STACK_ROOM;
        } else if (c == 0x04 || c == 0x7f) {
            t->state = c == 0x04 ? CODEC_CLOSED : CODEC_FAILED;
        } else {
            buf_append(up, span_make(&c, 1));
        }
    }
    return taken;
}

static void toy_encode(void *self, struct span in, struct buf *down)
{
    assert_int_equal(((struct toy *)self)->state == CODEC_HANDSHAKING, false);
    for (size_t i = 0; i < in.n; i++) {
        uint8_t c = in.p[i] ^ 0x80;
        buf_append(down, span_make(&c, 1));
    }
}

static void toy_flush(void *self, struct buf *down)
{
    (void)self;
    (void)down;
}

static void toy_finish(void *self, struct buf *down)
{
    (void)self;
    buf_append(down, SPAN("."));
}

static bool toy_has_pending(const void *self)
{
    return ((const struct toy *)self)->pending > 0;
}

static enum codec_state toy_state(const void *self)
{
    return ((const struct toy *)self)->state;
}

static struct span toy_why(const void *self)
{
    (void)self;
    return SPAN("toy: broken");
}

static void toy_free(void *self)
{
    --*((struct toy *)self)->alive;
    alloc_free(self);
}

static const struct codec_calls toy_calls = {
    .decode = toy_decode,
    .encode = toy_encode,
    .flush = toy_flush,
    .finish = toy_finish,
    .has_pending = toy_has_pending,
    .state = toy_state,
    .why = toy_why,
    .free = toy_free,
};

/* --- the protocol -------------------------------------------------------------------------------
 * c: puts a codec on. t: one with a handshake. h: holds. f: finishes. e: echoes. All other bytes,
 * and these too, are kept. */

struct keeper {
    struct service *service;
    struct conn *conn;
    struct buf got;
};

struct service {
    struct keeper *last;
    int eofs, dues, upgrades, closed;
    int alive;    /* how many codecs exist */
    bool another; /* after a handshake, another codec is added */
    struct buf why;
};

static struct codec toy(struct service *service, bool handshake)
{
    struct toy *t = alloc_zeroed(sizeof *t);
    t->state = handshake ? CODEC_HANDSHAKING : CODEC_OPEN;
    t->alive = &service->alive;
    ++*t->alive;
    return (struct codec){&toy_calls, t};
}

static void *keep_open(void *service, struct conn *conn, int64_t now)
{
    struct keeper *k = alloc_zeroed(sizeof *k);
    (void)now;
    k->service = service;
    k->service->last = k;
    k->conn = conn;
    return k;
}

static void act(struct keeper *k, uint8_t c, int64_t now)
{
    switch (c) {
    case 'c':
    case 't':
        conn_send(k->conn, SPAN("plain"), now);
        conn_add_codec(k->conn, toy(k->service, c == 't'), HANDSHAKE_NS, now);
        break;
    case 'h':
        conn_pause_input(k->conn, true);
        break;
    case 'f':
        conn_send(k->conn, SPAN("bye"), now);
        conn_finish(k->conn, true, now);
        break;
    case 'e':
        conn_send(k->conn, SPAN("echo"), now);
        break;
    default:
        break;
    }
}

static size_t keep_recv(void *service, void *session, struct span in, int64_t now)
{
    struct keeper *k = session;
    (void)service;
    size_t n = 0;
    while (n < in.n && conn_may_read(k->conn)) {
        uint8_t c = in.p[n++];
        buf_append(&k->got, span_make(&c, 1));
        act(k, c, now);
    }
    return n;
}

static void keep_eof(void *service, void *session, int64_t now)
{
    struct keeper *k = session;
    (void)now;
    ((struct service *)service)->eofs++;
    conn_send(k->conn, SPAN("end"), now);
    conn_finish(k->conn, false, now);
}

static void keep_due(void *service, void *session, int64_t now)
{
    (void)session;
    (void)now;
    ((struct service *)service)->dues++;
}

static void keep_upgraded(void *service, void *session, struct span why, int64_t now)
{
    struct keeper *k = session;
    struct service *s = service;
    (void)now;
    s->upgrades++;
    buf_append(&s->why, why);
    conn_send(k->conn, why.n == 0 ? SPAN("OK") : why, now);
    if (why.n > 0) {
        conn_finish(k->conn, true, now);
    } else if (s->another) {
        conn_add_codec(k->conn, toy(s, false), HANDSHAKE_NS, now);
        conn_send(k->conn, SPAN("OK"), now);
    }
}

static void keep_drained(void *service, void *session, int64_t now)
{
    (void)now;
    (void)service;
    (void)session;
}

static void keep_closed(void *service, void *session, int64_t now)
{
    (void)now;
    struct keeper *k = session;
    ((struct service *)service)->closed++;
    buf_free(&k->got);
    alloc_free(k);
}

static const struct protocol protocol = {
    .open = keep_open,
    .recv = keep_recv,
    .eof = keep_eof,
    .due = keep_due,
    .upgraded = keep_upgraded,
    .drained = keep_drained,
    .closed = keep_closed,
};

/* --- the set-up: one connection --------------------------------------------------------------- */

struct stage {
    struct log log;
    struct service service;
    struct listener listener;
    struct serve serve;
    uint64_t id;
    int64_t now;
};

static int set_up(void **state)
{
    struct stage *s = alloc_zeroed(sizeof *s);
    const struct serve_config config = {.max_connections = 20, .high_water = HIGH_WATER};
    log_init(&s->log, LOG_DEBUG);
    s->listener = (struct listener){
        .protocol = &protocol, .service = &s->service, .forms = {.undecodable = "undecodable % %"}};
    serve_init(&s->serve, &config, &s->listener, 1, &s->log, NULL);
    s->id = serve_open(&s->serve, 0, SPAN("peer"), s->now);
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct stage *s = *state;
    serve_free(&s->serve);
    assert_int_equal(s->service.alive, 0);
    buf_free(&s->service.why);
    log_free(&s->log);
    alloc_free(s);
    return 0;
}

static struct keeper *keeper(const struct stage *s)
{
    return s->service.last;
}

/* Sends what the toy would encode, and checks that all of it is taken. */
static void send_toy(struct stage *s, const char *text)
{
    uint8_t bytes[64];
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++) {
        bytes[i] = (uint8_t)text[i] ^ 0x80;
    }
    assert_int_equal(serve_recv(&s->serve, s->id, span_make(bytes, n), s->now), n);
}

static void send_clear(struct stage *s, const char *text)
{
    size_t n = strlen(text);
    assert_int_equal(serve_recv(&s->serve, s->id, span_make(text, n), s->now), n);
}

/* The unsent output, which must be one span. */
static struct span out_of(struct stage *s, uint64_t id)
{
    struct span span = {NULL, 0};
    serve_out(&s->serve, id, &span, 1, 0);
    return span;
}

/* Takes all output, which must be `text`: in clear up to the first '|', encoded once up to the
 * next, and so on. */
static void expect_out(struct stage *s, const char *text)
{
    struct span out = out_of(s, s->id);
    uint8_t flip = 0;
    size_t n = 0;
    for (; *text != '\0'; text++) {
        if (*text == '|') {
            flip ^= 0x80;
        } else {
            assert_true(n < out.n);
            assert_int_equal(out.p[n++], (uint8_t)*text ^ flip);
        }
    }
    assert_int_equal(n, out.n);
    serve_sent(&s->serve, s->id, out.n, 0);
}

static void expect_got(const struct stage *s, const char *text)
{
    struct span got = buf_span(&keeper(s)->got);
    assert_int_equal(got.n, strlen(text));
    if (got.n > 0) {
        assert_memory_equal(got.p, text, got.n);
    }
}

static unsigned want(const struct stage *s)
{
    return serve_want((struct serve *)&s->serve, s->id);
}

/* --- tests ------------------------------------------------------------------------------------ */

static void bytes_behind_the_switch_go_through_the_codec(void **state)
{
    struct stage *s = *state;
    send_clear(s, "ac\xe2\xe5"); /* "ac" in clear, then "be" encoded, in one piece */
    expect_got(s, "acbe");
    expect_out(s, "plain|echo");
    send_toy(s, "xe");
    expect_got(s, "acbexe");
    expect_out(s, "|echo");
    assert_int_equal(want(s), WANT_READ);
}

static void two_codecs_are_one_upon_the_other(void **state)
{
    struct stage *s = *state;
    send_clear(s, "c");
    send_toy(s, "c");
    expect_out(s, "plain|plain");
    send_clear(s, "xe"); /* encoded twice is clear again */
    expect_got(s, "ccxe");
    expect_out(s, "echo");
}

static void what_is_behind_a_switch_within_decoded_input_is_decoded_again(void **state)
{
    struct stage *s = *state;
    send_clear(s, "c");
    uint8_t twice[] = {'c' ^ 0x80, 'y', 'e'}; /* "c", then what the second decodes from the first */
    assert_int_equal(serve_recv(&s->serve, s->id, span_make(twice, 3), 0), 3);
    expect_got(s, "ccye");
    expect_out(s, "plain|plain|echo"); /* encoded twice */
}

static void the_protocol_rests_during_a_handshake(void **state)
{
    struct stage *s = *state;
    conn_set_due(keeper(s)->conn, 1 * TIME_SECOND);
    send_clear(s, "t");
    expect_out(s, "plain");
    assert_int_equal(want(s), WANT_READ);
    assert_int_equal(serve_next_deadline(&s->serve), 1 * TIME_SECOND); /* may be too early */
    serve_step(&s->serve, 2 * TIME_SECOND, 2 * TIME_SECOND);
    assert_int_equal(s->service.dues, 0);
    assert_int_equal(serve_next_deadline(&s->serve), HANDSHAKE_NS);
    s->now = 3 * TIME_SECOND;
    send_clear(s, "!\xe5"); /* and "e" behind it */
    assert_int_equal(s->service.upgrades, 1);
    expect_got(s, "te");
    expect_out(s, "?|OKecho");
    serve_step(&s->serve, s->now, s->now);
    assert_int_equal(s->service.dues, 1);
}

static void a_codec_may_be_put_on_when_a_handshake_ends(void **state)
{
    struct stage *s = *state;
    s->service.another = true;
    send_clear(s, "t!xe");
    expect_got(s, "txe");
    struct span out = out_of(s, s->id);
    assert_int_equal(out.n, 5 + 1 + 2 + 2 + 4); /* plain ? OK-once OK-twice echo-twice */
    assert_memory_equal(out.p, "plain?", 6);
    assert_memory_equal(out.p + 8, "OKecho", 6);
    assert_int_equal(s->service.alive, 2);
}

static void a_failed_handshake_is_said_in_clear(void **state)
{
    struct stage *s = *state;
    send_clear(s, "tX");
    assert_int_equal(s->service.upgrades, 1);
    assert_int_equal(s->service.alive, 0);
    expect_out(s, "plainalerttoy: broken");
    assert_int_equal(want(s), WANT_SHUT_WR | WANT_READ);
}

static void a_handshake_that_is_not_ended_fails_in_time(void **state)
{
    struct stage *s = *state;
    s->now = 1;
    send_clear(s, "t");
    expect_out(s, "plain");
    serve_step(&s->serve, HANDSHAKE_NS, HANDSHAKE_NS);
    assert_int_equal(s->service.upgrades, 0);
    serve_step(&s->serve, 1 + HANDSHAKE_NS, 1 + HANDSHAKE_NS);
    assert_int_equal(s->service.upgrades, 1);
    expect_out(s, "i/o timeout");
}

static void a_handshake_of_a_connection_that_was_given_up_has_no_end(void **state)
{
    struct stage *s = *state;
    send_clear(s, "t");
    serve_stop(&s->serve, HANDSHAKE_NS);
    serve_step(&s->serve, HANDSHAKE_NS, HANDSHAKE_NS);
    assert_int_equal(s->service.upgrades, 0);
    assert_int_equal(s->service.closed, 1);
    assert_int_equal(want(s), WANT_CLOSE);
}

static void the_end_of_input_in_a_handshake_fails_it(void **state)
{
    struct stage *s = *state;
    send_clear(s, "t");
    expect_out(s, "plain");
    serve_eof(&s->serve, s->id, 0);
    assert_int_equal(s->service.upgrades, 1);
    assert_int_equal(s->service.eofs, 0);
    expect_out(s, "EOF");
    assert_int_equal(want(s), WANT_CLOSE);
}

static void held_input_waits_decoded_and_goes_on_by_itself(void **state)
{
    struct stage *s = *state;
    send_clear(s, "c");
    send_toy(s, "xhyz");
    expect_got(s, "cxh");
    assert_int_equal(want(s), WANT_WRITE);
    serve_sent(&s->serve, s->id, out_of(s, s->id).n, 0);
    assert_true(serve_next_deadline(&s->serve) > 0); /* nothing can be done */
    serve_eof(&s->serve, s->id, 0);
    assert_int_equal(s->service.eofs, 0); /* it is reported after the input */
    conn_pause_input(keeper(s)->conn, false);
    assert_int_equal(serve_next_deadline(&s->serve), TIME_PAST);
    serve_step(&s->serve, 0, 0);
    expect_got(s, "cxhyz");
    assert_int_equal(s->service.eofs, 1);
    expect_out(s, "|end|."); /* the codec's own end is not encoded by the codec itself */
}

static void what_unpacks_to_much_is_unpacked_in_bounded_steps(void **state)
{
    struct stage *s = *state;
    send_clear(s, "c");
    uint8_t bytes[] = {'9' ^ 0x80, '9' ^ 0x80, '9' ^ 0x80}; /* 27 times the room */
    size_t taken = serve_recv(&s->serve, s->id, span_make(bytes, 3), 0);
    assert_int_equal(taken, 1);
    int steps = 0;
    for (; serve_next_deadline(&s->serve) <= 0 && steps < 100; steps++) {
        assert_int_equal(want(s) & WANT_READ, 0);
        size_t before = keeper(s)->got.n;
        serve_step(&s->serve, 0, 0);
        assert_true(keeper(s)->got.n - before <= CONN_INPUT_A_TURN + STACK_ROOM);
        if (want(s) & WANT_READ) {
            taken += serve_recv(&s->serve, s->id, span_make(bytes + taken, 3 - taken), 0);
        }
    }
    assert_int_equal(keeper(s)->got.n, 1 + 27 * STACK_ROOM);
    assert_int_equal(taken, 3);
    assert_int_equal(want(s) & WANT_READ, WANT_READ);
    assert_true(steps >= 1);
}

/* All connections together hold much that is to be decoded. */
static void one_step_decodes_little_for_all_together(void **state)
{
    struct stage *s = *state;
    const uint8_t nine[] = {'9' ^ 0x80}; /* 9 times the room */
    for (int i = 0; i < 19; i++) {
        s->id = serve_open(&s->serve, 0, SPAN("peer"), s->now);
        send_clear(s, "c");
        serve_recv(&s->serve, s->id, span_make(nine, 1), 0);
    }
    int steps = 0;
    for (; !list_empty(&s->serve.backlog) && steps < 100; steps++) {
        uint64_t before = s->serve.decoded;
        serve_step(&s->serve, 0, 0);
        assert_in_range(s->serve.decoded - before, 1,
                        SERVE_DECODED_A_STEP + CONN_INPUT_A_TURN + STACK_ROOM);
    }
    assert_int_equal(s->serve.decoded, 19 * 9 * STACK_ROOM);
    assert_in_range(steps, 5, 99);
}

static void full_output_stops_decoding(void **state)
{
    struct stage *s = *state;
    send_clear(s, "c");
    char many[61];
    memset(many, 'e', 60);
    many[60] = '\0';
    send_toy(s, many);
    size_t got = keeper(s)->got.n;
    assert_true(got < 60 && conn_is_full(keeper(s)->conn));
    assert_int_equal(want(s), WANT_WRITE);
    struct span out = out_of(s, s->id);
    serve_sent(&s->serve, s->id, out.n, 0);
    assert_int_equal(serve_next_deadline(&s->serve), TIME_PAST);
    for (int i = 0; i < 10 && keeper(s)->got.n < 61; i++) {
        serve_step(&s->serve, 0, 0);
        serve_sent(&s->serve, s->id, out_of(s, s->id).n, 0);
    }
    assert_int_equal(keeper(s)->got.n, 61);
}

/* More output waits than is encoded at a time. */
static void the_codecs_end_after_all_output(void **state)
{
    struct stage *s = *state;
    send_clear(s, "c");
    struct buf many = {0};
    memset(buf_room(&many, 200000), 'x', 200000);
    buf_grew(&many, 200000);
    conn_send(keeper(s)->conn, buf_span(&many), 0);
    conn_finish(keeper(s)->conn, false, 0);
    size_t got = 0;
    uint8_t last = 0;
    for (struct span out = out_of(s, s->id); out.n > 0; out = out_of(s, s->id)) {
        assert_int_equal(want(s), WANT_WRITE);
        assert_in_range(out.n, 1, 65536);
        last = out.p[out.n - 1];
        got += out.n;
        serve_sent(&s->serve, s->id, out.n, 0);
    }
    assert_int_equal(got, 5 + 200000 + 1); /* plain, what was sent, the end of the codec */
    assert_int_equal(last, '.');
    assert_int_equal(want(s), WANT_CLOSE);
    buf_free(&many);
}

static void a_codec_that_closes_ends_the_input(void **state)
{
    struct stage *s = *state;
    send_clear(s, "c");
    send_toy(s, "x\x04y");
    expect_got(s, "cx");
    assert_int_equal(s->service.eofs, 1);
    expect_out(s, "plain|end|.");
    assert_int_equal(want(s), WANT_SHUT_WR | WANT_READ); /* more may be on its way */
    serve_eof(&s->serve, s->id, 0);
    assert_int_equal(want(s), WANT_CLOSE);
}

static void the_end_that_a_codec_tells_waits_for_output_to_be_taken(void **state)
{
    struct stage *s = *state;
    send_clear(s, "c");
    char many[64];
    memset(many, 'e', 24); /* with "plain" just above the high-water mark */
    memcpy(many + 24, "\x04", 2);
    uint8_t bytes[25];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)many[i] ^ 0x80;
    }
    serve_recv(&s->serve, s->id, span_make(bytes, sizeof bytes), 0);
    assert_int_equal(s->service.eofs, 0);
    assert_int_equal(want(s), WANT_WRITE);
    for (int i = 0; i < 10 && s->service.eofs == 0; i++) {
        serve_sent(&s->serve, s->id, out_of(s, s->id).n, 0);
        assert_int_equal(serve_next_deadline(&s->serve), TIME_PAST);
        serve_step(&s->serve, 0, 0);
    }
    assert_int_equal(keeper(s)->got.n, 1 + 24);
    assert_int_equal(s->service.eofs, 1);
}

static void a_codec_that_fails_ends_the_input_and_says_why(void **state)
{
    struct stage *s = *state;
    send_clear(s, "c");
    send_toy(s, "x\x7fy");
    expect_got(s, "cx");
    assert_int_equal(s->service.eofs, 1);
    struct log_event *event;
    bool said = false;
    while ((event = log_next(&s->log)) != NULL) {
        said = said || strcmp(event->form, "undecodable % %") == 0;
        log_event_free(event);
    }
    assert_true(said);
}

static void output_of_a_finished_connection_is_encoded_and_closed(void **state)
{
    struct stage *s = *state;
    send_clear(s, "c");
    send_toy(s, "ef");
    conn_send(keeper(s)->conn, SPAN("late"), 0);
    struct span out = out_of(s, s->id);
    assert_int_equal(out.n, 5 + 4 + 3 + 1);
    serve_sent(&s->serve, s->id, 6, 0);
    assert_int_equal(want(s), WANT_WRITE);
    serve_sent(&s->serve, s->id, out.n - 6, 0);
    assert_int_equal(want(s), WANT_SHUT_WR | WANT_READ);
}

/* As when a session resumes a command that has waited: no recv runs then. */
static void a_codec_that_is_added_outside_of_recv_gets_the_next_input(void **state)
{
    struct stage *s = *state;
    send_clear(s, "xh");
    conn_add_codec(keeper(s)->conn, toy(&s->service, false), HANDSHAKE_NS, 0);
    conn_pause_input(keeper(s)->conn, false);
    assert_true(conn_may_read(keeper(s)->conn));
    assert_int_equal(want(s), WANT_READ);
    send_toy(s, "yz");
    expect_got(s, "xhyz");
}

/* Also through a codec: nothing is left that could be decoded. */
static void the_end_of_a_held_peer_is_told(void **state)
{
    struct stage *s = *state;
    send_clear(s, "c");
    send_toy(s, "h");
    assert_false(conn_may_read(keeper(s)->conn));
    serve_eof(&s->serve, s->id, 0);
    assert_int_equal(s->service.eofs, 1);
}

static size_t offer_last(struct stage *s, const char *text)
{
    uint8_t bytes[64];
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++) {
        bytes[i] = (uint8_t)text[i] ^ 0x80;
    }
    return serve_handler(&s->serve).last(&s->serve, s->id, span_make(bytes, n), s->now);
}

/* The last bytes of a held peer may only say that its stream has ended, or nothing at all. */
static void the_end_of_a_held_peer_may_be_behind_bytes_for_the_codec(void **state)
{
    struct stage *s = *state;
    send_clear(s, "c");
    send_toy(s, "h");
    assert_int_equal(offer_last(s, "\x04zz"),
                     3);                  /* what follows the end of the stream is dropped */
    assert_int_equal(s->service.eofs, 0); /* the peer may still be there */
    serve_eof(&s->serve, s->id, 0);
    assert_int_equal(s->service.eofs, 1);
    expect_got(s, "ch");
}

/* What they decode to is input: the protocol reads it when it reads again, and then hears of the
 * end. */
static void input_in_front_of_the_end_of_a_held_peer_counts(void **state)
{
    struct stage *s = *state;
    send_clear(s, "c");
    send_toy(s, "h");
    assert_int_equal(offer_last(s, "xy\x04"), 3);
    serve_eof(&s->serve, s->id, 0);
    serve_step(&s->serve, 0, 0);
    assert_int_equal(s->service.eofs, 0);
    expect_got(s, "ch");
    conn_pause_input(keeper(s)->conn, false);
    serve_step(&s->serve, 0, 0);
    expect_got(s, "chxy");
    assert_int_equal(s->service.eofs, 1);
}

/* The codec decodes a part: the rest of the bytes is offered when the protocol reads again. */
static void the_last_bytes_decode_to_a_bounded_amount(void **state)
{
    struct stage *s = *state;
    send_clear(s, "c");
    send_toy(s, "h");
    assert_int_equal(offer_last(s, "9x"), 1);
    assert_int_equal(keeper(s)->conn->stack.decoded.n, STACK_ROOM);
    assert_int_equal(keeper(s)->conn->unconsumed, 1);
    assert_int_equal(offer_last(s, "x"), 0); /* decoded input waits already */
}

/* Without a codec, all input is for the protocol. A codec that has failed tells why only once. */
static void the_last_bytes_without_a_codec_are_input(void **state)
{
    struct stage *s = *state;
    send_clear(s, "h");
    assert_int_equal(serve_handler(&s->serve).last(&s->serve, s->id, SPAN("x"), s->now), 0);
    assert_int_equal(keeper(s)->conn->unconsumed, 1);
}

static void the_last_bytes_may_be_damaged(void **state)
{
    struct stage *s = *state;
    send_clear(s, "c");
    send_toy(s, "h");
    conn_send(keeper(s)->conn, SPAN("sent before"), 0);
    assert_int_equal(offer_last(s, "\x7f"), 1);
    serve_eof(&s->serve, s->id, 0);
    assert_int_equal(s->service.eofs, 1);
    expect_out(s, "plain|sent beforeend|.");
}

static void a_codec_for_a_finished_connection_is_freed(void **state)
{
    struct stage *s = *state;
    send_clear(s, "f");
    conn_add_codec(keeper(s)->conn, toy(&s->service, false), HANDSHAKE_NS, 0);
    assert_int_equal(s->service.alive, 0);
}

static void a_connection_that_is_lost_takes_its_codecs_along(void **state)
{
    struct stage *s = *state;
    send_clear(s, "c");
    send_toy(s, "hxt");
    serve_closed(&s->serve, s->id, CLOSED_BY_ERROR, 0);
    assert_int_equal(s->service.alive, 0);
    assert_int_equal(serve_next_deadline(&s->serve), TIME_NEVER);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bytes_behind_the_switch_go_through_the_codec),
        TEST(two_codecs_are_one_upon_the_other),
        TEST(what_is_behind_a_switch_within_decoded_input_is_decoded_again),
        TEST(the_protocol_rests_during_a_handshake),
        TEST(a_codec_may_be_put_on_when_a_handshake_ends),
        TEST(a_failed_handshake_is_said_in_clear),
        TEST(a_handshake_that_is_not_ended_fails_in_time),
        TEST(a_handshake_of_a_connection_that_was_given_up_has_no_end),
        TEST(the_end_of_input_in_a_handshake_fails_it),
        TEST(held_input_waits_decoded_and_goes_on_by_itself),
        TEST(what_unpacks_to_much_is_unpacked_in_bounded_steps),
        TEST(one_step_decodes_little_for_all_together),
        TEST(full_output_stops_decoding),
        TEST(the_codecs_end_after_all_output),
        TEST(a_codec_that_closes_ends_the_input),
        TEST(the_end_that_a_codec_tells_waits_for_output_to_be_taken),
        TEST(a_codec_that_fails_ends_the_input_and_says_why),
        TEST(output_of_a_finished_connection_is_encoded_and_closed),
        TEST(a_codec_that_is_added_outside_of_recv_gets_the_next_input),
        TEST(the_end_of_a_held_peer_is_told),
        TEST(the_end_of_a_held_peer_may_be_behind_bytes_for_the_codec),
        TEST(input_in_front_of_the_end_of_a_held_peer_counts),
        TEST(the_last_bytes_decode_to_a_bounded_amount),
        TEST(the_last_bytes_without_a_codec_are_input),
        TEST(the_last_bytes_may_be_damaged),
        TEST(a_codec_for_a_finished_connection_is_freed),
        TEST(a_connection_that_is_lost_takes_its_codecs_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
