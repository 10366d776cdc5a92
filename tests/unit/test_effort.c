/* SPDX-License-Identifier: MIT */
/*
 * Checks that no call of the engine does more than its allowance of effort (base/effort.h), and
 * that clients notice nothing of it. test_moves checks the same for the broker alone.
 */
#include "support/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/effort.h"
#include "base/text.h"
#include "codec/snappy.h"
#include "http/http_reader.h"
#include "session/session.h"
#include "support/codecs.h"

static struct world *world_with(size_t units)
{
    struct engine_config config = world_config();
    config.broker.effort_a_call = units;
    config.v2.max_rdy_count = 100000;
    config.log_level = LOG_FATAL;
    return world_new(&config);
}

static struct topic *topic_t(const struct world *w)
{
    return broker_find_topic(&w->engine->broker, SPAN("t"));
}

static struct span repeat(struct buf *b, struct span bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_append(b, bytes);
    }
    return buf_span(b);
}

/* --- the counter ------------------------------------------------------------------------------ */

static void effort_is_counted(void **state)
{
    (void)state;
    struct effort e = {0};
    assert_false(effort_is_left(&e));
    effort_allow(&e, 5);
    effort_use(&e, 4);
    assert_true(effort_is_left(&e));
    effort_use(&e, 4); /* the last operation may need more than is left */
    assert_false(effort_is_left(&e));
    effort_use(&e, 1);
    assert_false(effort_is_left(&e));
}

static void a_crowd_shares_the_effort(void **state)
{
    (void)state;
    static const struct {
        size_t crowd, left;
    } cases[] = {{0, 1000}, {1, 1000}, {4, 1000}, {7, 1000}, {8, 501}, {128, 32}, {8000, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct effort e = {.crowd = cases[i].crowd};
        effort_allow_input(&e, 1000);
        assert_int_equal(e.left, cases[i].left);
        effort_allow(&e, 1000); /* work that is not for one connection */
        assert_int_equal(e.left, 1000);
    }
}

/* --- input ------------------------------------------------------------------------------------ */

#define PUB SPAN("PUB t\n\0\0\0\1x")

static void one_call_handles_a_part_of_the_input(void **state)
{
    (void)state;
    struct world *w = world_with(20);
    struct client *c = world_connect(w);
    struct buf b = {0};
    struct span in = repeat(&b, PUB, 100);
    size_t consumed = w->handler.recv(w->handler.self, c->conn, in, w->now);
    assert_int_equal(topic_t(w)->message_count, consumed / PUB.n);
    assert_in_range(consumed, 1, 5 * PUB.n);
    size_t calls = 1;
    for (; consumed < in.n; calls++) {
        assert_true(w->handler.want(w->handler.self, c->conn) & WANT_READ);
        struct span rest = span_skip(in, consumed);
        consumed += w->handler.recv(w->handler.self, c->conn, rest, w->now);
    }
    assert_in_range(calls, 100 * (EFFORT_COMMAND + EFFORT_COMMAND) / 20, 100);
    assert_int_equal(topic_t(w)->message_count, 100);
    world_settle(w);
    buf_free(&b);
    world_free(w);
}

/* Returns how many calls of recv consume all bytes. */
static size_t calls_for(const struct world *w, const struct client *c, struct span in)
{
    size_t calls = 0;
    for (; in.n > 0; calls++) {
        assert_true(w->handler.want(w->handler.self, c->conn) & WANT_READ);
        in = span_skip(in, w->handler.recv(w->handler.self, c->conn, in, w->now));
    }
    return calls;
}

/* A request costs more than a command of V2, because it has a head and so has its answer. */
static void one_call_handles_a_part_of_the_requests(void **state)
{
    (void)state;
    static const char request[] = "GET /ping HTTP/1.1\r\nHost: h\r\n\r\n";
    struct world *w = world_with(100);
    const struct client *c = world_open_http(w);
    struct buf b = {0};
    struct span in = repeat(&b, SPAN(request), 1000);
    size_t each = EFFORT_REQUEST + sizeof request / EFFORT_HEAD_BYTES;
    assert_in_range(calls_for(w, c, in), 1000 * each / 110, 1000);
    buf_free(&b);
    world_free(w);
}

/* 128 connections have input: each may do a part of what it may do alone, on both listeners. */
static void one_of_many_connections_does_less_in_a_call(void **state)
{
    (void)state;
    enum { UNITS = 20000, MANY = 128 };
    struct world *w = world_with(UNITS);
    const struct client *c = world_connect(w);
    const struct client *h = world_open_http(w);
    struct buf pubs = {0};
    struct buf requests = {0};
    struct span of_c = repeat(&pubs, PUB, 1000);
    struct span of_h = repeat(&requests, SPAN("GET /ping HTTP/1.1\r\nHost: h\r\n\r\n"), 300);
    w->handler.crowd(w->handler.self, MANY);
    size_t crowded = w->handler.recv(w->handler.self, c->conn, of_c, w->now);
    assert_in_range(crowded / PUB.n, 1, UNITS / (MANY / EFFORT_CROWD) / EFFORT_COMMAND);
    size_t calls = calls_for(w, h, of_h);
    assert_in_range(calls, 300 * EFFORT_REQUEST / (UNITS / (MANY / EFFORT_CROWD)), 300);
    w->handler.crowd(w->handler.self, 1);
    assert_int_equal(calls_for(w, c, span_skip(of_c, crowded)), 1);
    assert_int_equal(calls_for(w, h, of_h), 1);
    world_settle(w);
    buf_free(&pubs);
    buf_free(&requests);
    world_free(w);
}

static void less_is_read_from_one_of_many_connections(void **state)
{
    (void)state;
    struct world *w = world_with(100);
    const struct client *c = world_connect(w);
    w->handler.crowd(w->handler.self, SERVE_CROWD);
    assert_int_equal(w->handler.read_most(w->handler.self, c->conn), SIZE_MAX);
    w->handler.crowd(w->handler.self, SERVE_CROWD + 1);
    assert_int_equal(w->handler.read_most(w->handler.self, c->conn), CONN_READ_IN_CROWD);
    world_free(w);
}

/* Messages that wait for a consumer are delivered before input is parsed, and behind it. Both are
 * less in a crowd. */
static void one_of_many_connections_delivers_less_in_a_call(void **state)
{
    (void)state;
    enum { UNITS = 1100, MANY = 64, MESSAGES = 600 };
    struct world *w = world_with(UNITS);
    struct client *p = world_connect(w);
    struct client *c = world_connect(w);
    struct tcp_handler *h = &w->handler;
    struct buf b = {0};
    SEND(c, "SUB t c\n");
    client_send(p, repeat(&b, PUB, MESSAGES));
    h->crowd(h->self, MANY);
    (void)h->recv(h->self, c->conn, SPAN("RDY 1000\n"), w->now);
    const struct consumer *consumer = &client_session(c)->consumer;
    size_t before = consumer->message_count;
    (void)h->recv(h->self, p->conn, SPAN("NOP\n"), w->now);
    size_t units = (UNITS / BROKER_SHARES + UNITS) / (MANY / EFFORT_CROWD);
    assert_in_range(consumer->message_count, before + 1, before + 2 + units / EFFORT_DELIVERY);
    world_settle(w);
    assert_int_equal(consumer->message_count, MESSAGES);
    buf_free(&b);
    world_free(w);
}

/* Each 16 bytes of a head cost a unit: a call handles 20 requests of 2,000 bytes, not 120. */
static void one_call_parses_a_part_of_the_heads(void **state)
{
    (void)state;
    enum { REQUESTS = 20, HEADER = 2000 };
    struct buf request = {0};
    text_append(&request, "GET /ping HTTP/1.1\r\nHost: h\r\nX-Long: ");
    (void)repeat(&request, SPAN("x"), HEADER);
    text_append(&request, "\r\n\r\n");
    size_t each = EFFORT_PART + request.n / EFFORT_HEAD_BYTES + EFFORT_REQUEST;
    struct world *w = world_with(REQUESTS * each);
    const struct client *c = world_open_http(w);
    struct buf b = {0};
    struct span in = repeat(&b, buf_span(&request), 10 * REQUESTS);
    size_t consumed = w->handler.recv(w->handler.self, c->conn, in, w->now);
    assert_in_range(consumed / request.n, REQUESTS - 2, REQUESTS + 1);
    buf_free(&b);
    buf_free(&request);
    world_free(w);
}

/* Empty lines are no messages, and cost nevertheless. */
static void one_call_handles_a_part_of_a_request(void **state)
{
    (void)state;
    struct world *w = world_with(100);
    struct client *c = world_open_http(w);
    struct buf b = {0};
    text_append(&b, "POST /mpub?topic=t HTTP/1.1\r\nHost: h\r\nContent-Length: 65536\r\n\r\n");
    client_send(c, buf_span(&b));
    buf_free(&b);
    struct span in = repeat(&b, SPAN("\n"), 65536);
    assert_in_range(calls_for(w, c, in), 65536 / HTTP_PIECE_MAX, 65536);
    buf_free(&b);
    world_free(w);
}

/* To parse JSON costs more than to copy it. */
static void one_call_parses_a_part_of_the_lists(void **state)
{
    (void)state;
    enum { UNITS = 500, LISTS = 50, SIZE = 800 };
    struct world *w = world_with(UNITS);
    const struct client *c = world_open_http(w);
    struct buf list = {0};
    struct buf b = {0};
    (void)repeat(&list, SPAN(" "), SIZE - 2);
    text_append(&list, "[]");
    for (int i = 0; i < LISTS; i++) {
        text_append(&b, "PUT /config/nsqlookupd_tcp_addresses HTTP/1.1\r\nHost: h\r\n"
                        "Content-Length: 800\r\n\r\n");
        buf_append(&b, buf_span(&list));
    }
    size_t least = LISTS * (SIZE / EFFORT_JSON_BYTES) / UNITS;
    assert_in_range(calls_for(w, c, buf_span(&b)), least, LISTS);
    buf_free(&list);
    buf_free(&b);
    world_free(w);
}

/* Messages of a publish times channels. */
static void one_call_moves_a_part_of_a_publish(void **state)
{
    (void)state;
    enum { CHANNELS = 50, UNITS = 100 };
    struct world *w = world_with(UNITS);
    for (int i = 0; i < CHANNELS; i++) {
        struct client *c = world_connect(w);
        client_sendf(c, "SUB t c%d\n", i);
    }
    struct client *p = world_connect(w);
    struct buf b = {0};
    struct span in = repeat(&b, PUB, 20);
    const struct topic *topic = topic_t(w);
    for (size_t moves = 0; in.n > 0;) {
        in = span_skip(in, w->handler.recv(w->handler.self, p->conn, in, w->now));
        size_t after = topic->admitted * CHANNELS - topic->moves_left;
        assert_in_range(after - moves, 1, UNITS);
        /* The next command is parsed only after the moves of the one before. */
        assert_in_range(topic->moving.n, 0, 1);
        moves = after;
    }
    world_settle(w);
    assert_int_equal(topic->moves_left, 0);
    client_expect_ok(p);
    buf_free(&b);
    world_free(w);
}

static void one_call_handles_a_part_of_decoded_input(void **state)
{
    (void)state;
    struct world *w = world_with(20);
    struct client *c = world_connect(w);
    client_identify(c, "{\"feature_negotiation\":true,\"snappy\":true}");
    struct nsq_frame frame;
    struct nsq_message message;
    assert_true(client_next(c, &frame, &message));
    client_put_on(c, snappy_codec());
    client_expect_ok(c);
    struct buf b = {0};
    struct span plain = repeat(&b, PUB, 100);
    struct buf in = {0};
    struct codec encoder = snappy_codec();
    codecs_encode(encoder, plain, &in);
    encoder.calls->free(encoder.self);
    (void)w->handler.recv(w->handler.self, c->conn, buf_span(&in), w->now);
    assert_in_range(topic_t(w)->message_count, 1, 5);
    assert_true(w->handler.next_deadline(w->handler.self) <= w->now);
    world_settle(w);
    assert_int_equal(topic_t(w)->message_count, 100);
    buf_free(&in);
    buf_free(&b);
    world_free(w);
}

/* --- the body of IDENTIFY --------------------------------------------------------------------- */

#define BODY_SIZE ((size_t)5 * 1024 * 1024)
#define IDENTIFY_HEAD ((size_t)13) /* bytes of the line and of the size */

/* Makes an IDENTIFY whose body has `size` bytes: front, the text `fill` again and again, blanks,
 * back. */
static struct span identify_of(struct buf *b, size_t size, const char *front, const char *fill,
                               const char *back)
{
    uint8_t number[4];
    be32_store(number, (uint32_t)size);
    buf_append(b, SPAN("IDENTIFY\n"));
    buf_append(b, span_make(number, sizeof number));
    size_t end = b->n + size - strlen(back);
    buf_append(b, span_make(front, strlen(front)));
    while (b->n + strlen(fill) <= end) {
        buf_append(b, span_make(fill, strlen(fill)));
    }
    while (b->n < end) {
        buf_append(b, SPAN(" "));
    }
    buf_append(b, span_make(back, strlen(back)));
    return buf_span(b);
}

/* Another client gets its answer after each of the calls. */
static void one_call_parses_a_slice_of_an_identify(void **state)
{
    (void)state;
    struct world *w = world_with(20);
    struct client *c = world_connect(w);
    struct client *other = world_connect(w);
    struct buf b = {0};
    struct span in = identify_of(&b, BODY_SIZE, "{\"x\":[1", ",1", "]}");
    size_t calls = 0;
    for (size_t n; in.n > 0; in = span_skip(in, n), calls++) {
        n = w->handler.recv(w->handler.self, c->conn, in, w->now);
        assert_in_range(n, 1, IDENTIFY_HEAD + IDENTIFY_SLICE);
        if (calls % 64 == 0) {
            client_send(other, PUB);
            client_expect_ok(other);
        }
    }
    assert_true(calls >= BODY_SIZE / IDENTIFY_SLICE);
    world_settle(w);
    client_expect_ok(c);
    buf_free(&b);
    world_free(w);
}

/* With the allowance of the server, a call parses 64 KiB. */
static void one_call_parses_no_more_than_its_allowance(void **state)
{
    (void)state;
    struct world *w = world_with(8000);
    struct client *c = world_connect(w);
    struct buf b = {0};
    struct span in = identify_of(&b, BODY_SIZE, "{\"x\":[1", ",1", "]}");
    for (size_t n; in.n > 0; in = span_skip(in, n)) {
        n = w->handler.recv(w->handler.self, c->conn, in, w->now);
        assert_in_range(n, 1, IDENTIFY_HEAD + 8000 * EFFORT_JSON_BYTES + IDENTIFY_SLICE);
    }
    world_settle(w);
    client_expect_ok(c);
    buf_free(&b);
    world_free(w);
}

/* An error is answered after the last byte of the body, in whichever slice it stands, and what
 * follows the body waits. */
static void the_answer_does_not_depend_on_the_slices(void **state)
{
    static const char *const fills[] = {",1", ",{\"a\":[]}", ",\"\\u00e9\"", ",1e5", "11", ", "};
    enum { SLICES = 3, SIZE = SLICES * IDENTIFY_SLICE + 100 };
    (void)state;
    for (size_t i = 0; i < sizeof fills / sizeof fills[0]; i++) {
        for (int bad = -1; bad <= SLICES; bad++) {
            struct world *w = world_with(8000);
            struct client *c = world_connect(w);
            struct buf b = {0};
            (void)identify_of(&b, SIZE, "{\"x\":[1", fills[i], "]}");
            size_t head = b.n - SIZE;
            if (bad >= 0) {
                b.p[head + 50 + (size_t)bad * IDENTIFY_SLICE] =
                    1; /* a control character is wrong everywhere */
            }
            bool good = bad < 0 && i != 5;
            client_send(c, span_first(buf_span(&b), b.n - 1));
            client_expect(c, "");
            client_send(c, SPAN("}NOPE\n"));
            client_expect(c, good ? "R OK; E E_INVALID invalid command NOPE; SHUT"
                                  : "E E_BAD_BODY IDENTIFY failed to decode JSON body; SHUT");
            buf_free(&b);
            world_free(w);
        }
    }
}

/* All memory is given back, and what the reader holds is in the memory budget. */
static void a_client_leaves_within_an_identify(void **state)
{
    (void)state;
    struct world *w = world_with(20);
    struct client *c = world_connect(w);
    struct buf b = {0};
    const struct budget *budget = &w->engine->broker.core.budget;
    size_t before = budget->held;
    struct span in = identify_of(&b, BODY_SIZE, "{\"x\":[1", ",1", "]}");
    for (int i = 0; i < 10; i++) {
        in = span_skip(in, w->handler.recv(w->handler.self, c->conn, in, w->now));
    }
    const struct session *s = client_session(c);
    assert_true(s->reader != NULL && s->reader_cost == identify_reader_memory(s->reader));
    assert_true(budget->held >= before + s->reader_cost);
    client_drop(c);
    assert_int_equal(budget->held, before);
    buf_free(&b);
    world_free(w);
}

/* --- what a client sees ----------------------------------------------------------------------- */

/* A client that is subscribed gets each message before the answer to its next command. */
static void a_command_waits_for_the_work_of_the_one_before(void **state)
{
    (void)state;
    for (size_t units = 1; units < 40; units++) {
        struct world *w = world_with(units);
        struct client *other = world_connect(w);
        SEND(other, "SUB t d\n");
        struct client *c = world_connect(w);
        SEND(c, "SUB t c\nRDY 10\nMPUB t\n\0\0\0\x13\0\0\0\3\0\0\0\1a\0\0\0\1b\0\0\0\1c"
                "PUB t\n\0\0\0\1dRDY x\n");
        client_expect(c, "R OK; R OK; M 1 a; M 1 b; M 1 c; R OK; M 1 d; "
                         "E E_INVALID RDY could not parse count x; SHUT");
        world_free(w);
    }
}

/* SUB gets the messages that the topic has kept before the answer to the next command. */
static void a_command_waits_for_the_kept_messages(void **state)
{
    (void)state;
    for (size_t units = 1; units < 40; units++) {
        struct world *w = world_with(units);
        struct client *p = world_connect(w);
        SEND(p, "PUB t#ephemeral\n\0\0\0\1aPUB t#ephemeral\n\0\0\0\1bPUB t#ephemeral\n\0\0\0\1c");
        struct client *c = world_connect(w);
        SEND(c, "SUB t#ephemeral c#ephemeral\nRDY 10\nCLS\n");
        client_expect(c, "R OK; M 1 a; M 1 b; M 1 c; R CLOSE_WAIT");
        world_free(w);
    }
}

static void the_end_of_input_waits_for_the_work(void **state)
{
    (void)state;
    for (size_t units = 1; units < 40; units++) {
        struct world *w = world_with(units);
        struct client *p = world_connect(w);
        SEND(p, "PUB t\n\0\0\0\1aPUB t\n\0\0\0\1bPUB t\n\0\0\0\1c");
        struct client *c = world_connect(w);
        client_post(c, SPAN("SUB t c\nRDY 10\n"));
        client_eof(c);
        client_expect(c, "R OK; M 1 a; M 1 b; M 1 c; CLOSED");
        world_free(w);
    }
}

/* A connection that breaks while its end waits for its work. */
static void a_connection_breaks_while_it_finishes(void **state)
{
    (void)state;
    struct world *w = world_with(1);
    struct client *p = world_connect(w);
    SEND(p, "PUB t\n\0\0\0\1aPUB t\n\0\0\0\1bPUB t\n\0\0\0\1c");
    struct client *c = world_connect(w);
    SEND(c, "SUB t c\n");
    struct span rdy = SPAN("RDY 10\n");
    while (rdy.n > 0) {
        rdy = span_skip(rdy, w->handler.recv(w->handler.self, c->conn, rdy, w->now));
    }
    w->handler.eof(w->handler.self, c->conn, w->now);
    assert_false(list_empty(&w->engine->v2.finishing));
    client_drop(c);
    assert_true(list_empty(&w->engine->v2.finishing));
    world_free(w);
}

/* --- steps ------------------------------------------------------------------------------------ */

static void one_step_handles_a_part_of_the_timers(void **state)
{
    (void)state;
    enum { UNITS = BROKER_SHARES * EFFORT_TIMER * 3 };
    struct world *w = world_with(UNITS);
    struct client *c = world_connect(w);
    SEND(c, "SUB t c\n");
    struct buf b = {0};
    client_send(c, repeat(&b, SPAN("DPUB t 1000\n\0\0\0\1x"), 50));
    const struct channel *channel = topic_first_channel(topic_t(w));
    w->now += TIME_SECOND;
    w->handler.step(w->handler.self, w->now, w->now);
    assert_int_equal(channel->queue.n, 3);
    world_settle(w);
    assert_int_equal(channel->queue.n, 50);
    buf_free(&b);
    world_free(w);
}

static void one_step_closes_a_part_of_the_orphans(void **state)
{
    (void)state;
    enum { N = 3 * V2_ORPHANS_A_CALL };
    struct world *w = world_with(8000);
    struct client *clients[N];
    for (int i = 0; i < N; i++) {
        clients[i] = world_connect(w);
        SEND(clients[i], "SUB t c\n");
    }
    broker_begin_call(&w->engine->broker);
    (void)broker_delete_channel(&w->engine->broker, SPAN("t"), SPAN("c"));
    w->handler.step(w->handler.self, w->now, w->now);
    size_t ended = 0;
    for (int i = 0; i < N; i++) {
        ended += client_session(clients[i])->ended;
    }
    assert_int_equal(ended, V2_ORPHANS_A_CALL);
    assert_true(w->handler.next_deadline(w->handler.self) <= w->now);
    world_settle(w);
    for (int i = 0; i < N; i++) {
        client_expect(clients[i], "R OK; SHUT");
    }
    world_free(w);
}

/* Whatever is left over, each kind of work goes on in every step. It does its own part, and at most
 * the part of one other kind that has nothing to do. */
static void no_kind_of_work_keeps_another_from_going_on(void **state)
{
    (void)state;
    struct world *w = world_with(1);
    struct broker *broker = &w->engine->broker;
    struct client *c = world_connect(w);
    struct client *d = world_connect(w);
    SEND(c, "SUB t c\n");
    SEND(d, "SUB t d\n");
    (void)client_heard(c);
    broker_begin_call(broker);
    struct publish p = {.topic = name_make(SPAN("t"))};
    for (int i = 0; i < 30; i++) {
        struct draft draft;
        draft_begin(&draft, 1);
        assert_true(draft_add(&draft, &broker->core.budget, BUDGET_QUEUE, SPAN("x")));
        broker_add_message(broker, &p, draft_finish(&draft), 0);
    }
    struct publish dropped = p;
    p = (struct publish){.topic = dropped.topic};
    for (int i = 0; i < 30; i++) {
        struct draft draft;
        draft_begin(&draft, 1);
        assert_true(draft_add(&draft, &broker->core.budget, BUDGET_QUEUE, SPAN("x")));
        broker_add_message(broker, &p, draft_finish(&draft), 0);
    }
    (void)broker_publish(broker, &p, w->now, NULL);
    broker_discard(broker, &dropped.messages);
    consumer_set_ready(&client_session(c)->consumer, 100);
    const struct topic *topic = topic_t(w);
    for (int i = 0; i < 10; i++) {
        size_t moves = topic->moves_left;
        size_t garbage = broker->core.garbage.n;
        w->handler.step(w->handler.self, w->now, w->now);
        assert_in_range(moves - topic->moves_left, 1, 2);
        assert_in_range(garbage - broker->core.garbage.n, 1, 2);
    }
    assert_in_range(client_session(c)->consumer.in_flight_count, 5, 10);
    world_settle(w);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(effort_is_counted),
        cmocka_unit_test(a_crowd_shares_the_effort),
        cmocka_unit_test(one_of_many_connections_does_less_in_a_call),
        cmocka_unit_test(one_of_many_connections_delivers_less_in_a_call),
        cmocka_unit_test(less_is_read_from_one_of_many_connections),
        cmocka_unit_test(one_call_handles_a_part_of_the_input),
        cmocka_unit_test(one_call_handles_a_part_of_the_requests),
        cmocka_unit_test(one_call_parses_a_part_of_the_heads),
        cmocka_unit_test(one_call_handles_a_part_of_a_request),
        cmocka_unit_test(one_call_parses_a_part_of_the_lists),
        cmocka_unit_test(one_call_moves_a_part_of_a_publish),
        cmocka_unit_test(one_call_handles_a_part_of_decoded_input),
        cmocka_unit_test(one_call_parses_a_slice_of_an_identify),
        cmocka_unit_test(one_call_parses_no_more_than_its_allowance),
        cmocka_unit_test(the_answer_does_not_depend_on_the_slices),
        cmocka_unit_test(a_client_leaves_within_an_identify),
        cmocka_unit_test(a_command_waits_for_the_work_of_the_one_before),
        cmocka_unit_test(a_command_waits_for_the_kept_messages),
        cmocka_unit_test(the_end_of_input_waits_for_the_work),
        cmocka_unit_test(a_connection_breaks_while_it_finishes),
        cmocka_unit_test(one_step_handles_a_part_of_the_timers),
        cmocka_unit_test(one_step_closes_a_part_of_the_orphans),
        cmocka_unit_test(no_kind_of_work_keeps_another_from_going_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
