/* SPDX-License-Identifier: MIT */
/* Tests of lookup/v1.h: conversations with nsqlookupd, on virtual time. The replies and log lines
 * are those of upstream's nsqlookupd 1.3.0 unless a comment says otherwise. */
#include "lookup/v1.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/text.h"
#include "base/time.h"
#include "support/lookup_stage.h"

#define SEND(s, c, literal) lookup_stage_send((s), (c), SPAN(literal))

static const struct registry *registry_of(const struct lookup_stage *s)
{
    return &s->service->registry;
}

/* How many producers there are. */
static size_t producers(const struct lookup_stage *s)
{
    struct registry_place place = {.n = 0};
    size_t n = 0;
    while (registry_next_producer(registry_of(s), &place) != NULL) {
        n++;
    }
    return n;
}

static const struct registry_producer *first_producer(const struct lookup_stage *s)
{
    struct registry_place place = {.n = 0};
    return registry_next_producer(registry_of(s), &place);
}

/* --- conversations ---------------------------------------------------------------------------- */

struct conversation {
    struct span in;
    const char *out; /* replies, then "<" if the server ends the conversation */
    bool eof;        /* the client sends nothing more after `in` */
};

#define IDENTIFY_SIZE "\0\0\0\x42"
#define IDENTIFY_BODY                                                                              \
    "{\"broadcast_address\":\"h\",\"http_port\":2,\"tcp_port\":1,\"version\":\"3\"}"
#define REPLY                                                                                      \
    "{\"broadcast_address\":\"lookup.example\",\"hostname\":\"machine\",\"http_port\":4161,"       \
    "\"tcp_port\":4160,\"version\":\"1.3.0\"}; "
#define IDENTIFY "IDENTIFY\n" IDENTIFY_SIZE IDENTIFY_BODY
#define ID "  V1" IDENTIFY
#define BODY(size, json) "  V1IDENTIFY\n\0\0\0" size json
#define CASE(in_, out_)                                                                            \
    {                                                                                              \
        .in = SPAN_LITERAL(in_), .out = (out_)                                                     \
    }
#define CUT_OFF(in_, out_)                                                                         \
    {                                                                                              \
        .in = SPAN_LITERAL(in_), .out = (out_), .eof = true                                        \
    }

static const struct conversation conversations[] = {
    /* the magic */
    CASE("  V2", "E_BAD_PROTOCOL; <"),
    CASE("GET ", "E_BAD_PROTOCOL; <"),
    CUT_OFF("  V", "<"),
    /* PING needs no IDENTIFY */
    CASE("  V1PING\n", "OK; "),
    CASE("  V1PING x y\nPING\n", "OK; OK; "),
    CASE("  V1 \t PING \t\r\n", "OK; "),
    CASE("  V1\xc2\xa0PING\xe3\x80\x80\n", "OK; "),
    CUT_OFF("  V1PING\nPIN", "OK; <"),
    CUT_OFF("  V1PING\n", "OK; <"),
    /* other commands */
    CASE("  V1\n", "E_INVALID invalid command ; <"),
    CASE("  V1ping\n", "E_INVALID invalid command ping; <"),
    CASE("  V1NOP x\nPING\n", "E_INVALID invalid command NOP; <"),
    CASE("  V1REGISTER t c\n", "E_INVALID client must IDENTIFY; <"),
    CASE("  V1UNREGISTER\n", "E_INVALID client must IDENTIFY; <"),
    /* IDENTIFY */
    CASE(ID, REPLY),
    CASE(ID "PING\n", REPLY "OK; "),
    CASE(ID "IDENTIFY\n", REPLY "E_INVALID cannot IDENTIFY again; <"),
    CASE(BODY("\2", "{}"), "E_BAD_BODY IDENTIFY missing fields; <"),
    CASE(BODY("\x2a", "{\"http_port\":2,\"tcp_port\":1,\"version\":\"3\"}"),
         "E_BAD_BODY IDENTIFY missing fields; <"),
    CASE(BODY("\x41",
              "{\"broadcast_address\":\"\",\"http_port\":2,\"tcp_port\":1,\"version\":\"3\"}"),
         "E_BAD_BODY IDENTIFY missing fields; <"),
    CASE(BODY("\x42",
              "{\"broadcast_address\":\"h\",\"http_port\":0,\"tcp_port\":1,\"version\":\"3\"}"),
         "E_BAD_BODY IDENTIFY missing fields; <"),
    CASE(BODY("\x35", "{\"broadcast_address\":\"h\",\"http_port\":2,\"version\":\"3\"}"),
         "E_BAD_BODY IDENTIFY missing fields; <"),
    CASE(BODY("\x42",
              "{\"broadcast_address\":\"h\",\"http_port\":2,\"tcp_port\":0,\"version\":\"3\"}"),
         "E_BAD_BODY IDENTIFY missing fields; <"),
    CASE(BODY("\x41",
              "{\"broadcast_address\":\"h\",\"http_port\":2,\"tcp_port\":1,\"version\":\"\"}"),
         "E_BAD_BODY IDENTIFY missing fields; <"),
    CASE(BODY("\4", "null"), "E_BAD_BODY IDENTIFY missing fields; <"),
    CASE(BODY("\0", "PING\n"), "E_BAD_BODY IDENTIFY failed to decode JSON body; <"),
    CASE(BODY("\2", "{]"), "E_BAD_BODY IDENTIFY failed to decode JSON body; <"),
    CASE(BODY("\2", "[]"), "E_BAD_BODY IDENTIFY failed to decode JSON body; <"),
    CASE(BODY("\1", "1"), "E_BAD_BODY IDENTIFY failed to decode JSON body; <"),
    CASE(BODY("\x0d", "{\"VERSION\":1}"), "E_BAD_BODY IDENTIFY failed to decode JSON body; <"),
    CASE(BODY("\x16", "{\"remote_address\":1.5}"),
         "E_BAD_BODY IDENTIFY failed to decode JSON body; <"),
    CUT_OFF("  V1IDENTIFY\n", "E_BAD_BODY IDENTIFY failed to read body size; <"),
    CUT_OFF("  V1IDENTIFY\n\0\0\0", "E_BAD_BODY IDENTIFY failed to read body size; <"),
    CUT_OFF("  V1IDENTIFY\n\0\0\0\5", "E_BAD_BODY IDENTIFY failed to read body; <"),
    CUT_OFF("  V1IDENTIFY\n\0\0\0\5{\"", "E_BAD_BODY IDENTIFY failed to read body; <"),
    /* REGISTER and UNREGISTER */
    CASE(ID "REGISTER t c\nREGISTER t\nUNREGISTER t c\nUNREGISTER t\nUNREGISTER u\n",
         REPLY "OK; OK; OK; OK; OK; "),
    CASE(ID "REGISTER t c d\nREGISTER t  c\n", REPLY "OK; OK; "),
    CASE(ID "REGISTER\n", REPLY "E_INVALID REGISTER insufficient number of params; <"),
    CASE(ID "UNREGISTER\n", REPLY "E_INVALID UNREGISTER insufficient number of params; <"),
    CASE(ID "REGISTER  t\n", REPLY "E_BAD_TOPIC REGISTER topic name '' is not valid; <"),
    CASE(ID "REGISTER t! c\n", REPLY "E_BAD_TOPIC REGISTER topic name 't!' is not valid; <"),
    CASE(ID "UNREGISTER t *\n", REPLY "E_BAD_CHANNEL UNREGISTER channel name '*' is not valid; <"),
    CASE(ID "REGISTER * c\n", REPLY "E_BAD_TOPIC REGISTER topic name '*' is not valid; <"),
};

/* Each conversation with its input whole, byte by byte, and with little effort. */
static void replies_do_not_depend_on_how_input_is_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof conversations / sizeof conversations[0]; i++) {
        for (size_t cut = 0; cut < 4; cut++) {
            struct lookup_config config = lookup_stage_config();
            config.v1.effort_a_call = cut % 2 == 0 ? 8000 : 1;
            struct lookup_stage *s = lookup_stage_begin(&config);
            size_t c = lookup_stage_open(s, LOOKUP_TCP);
            s->cut = cut == 0 ? 0 : cut;
            lookup_stage_send(s, c, conversations[i].in);
            if (conversations[i].eof) {
                lookup_stage_eof(s, c);
            }
            lookup_stage_expect(s, c, conversations[i].out);
            lookup_stage_end(s);
        }
    }
}

/* --- IDENTIFY --------------------------------------------------------------------------------- */

static void a_producer_is_what_it_tells(void **state)
{
    (void)state;
    struct lookup_stage *s = lookup_stage_begin(NULL);
    size_t c = lookup_stage_open(s, LOOKUP_TCP);
    SEND(s, c,
         BODY("\x7b", "{\"Broadcast_Address\":\"h\",\"hostname\":\"\\u00fc\",\"tcp_port\":-1,"
                      "\"http_port\":70000,\"version\":\"x\",\"remote_address\":\"y\",\"z\":[{}]}"
                      "          "));
    const struct registry_peer *peer = &first_producer(s)->peer;
    assert_true(span_equal(peer->remote_address, SPAN("10.0.0.1:0")));
    assert_true(span_equal(peer->broadcast_address, SPAN("h")));
    assert_true(span_equal(peer->hostname, SPAN("\xc3\xbc")));
    assert_true(span_equal(peer->version, SPAN("x")));
    assert_int_equal(peer->tcp_port, -1);
    assert_int_equal(peer->http_port, 70000);
    lookup_stage_end(s);
}

/* --- what is registered ----------------------------------------------------------------------- */

static bool has(const struct lookup_stage *s, struct span topic)
{
    return registry_find_topic(registry_of(s), topic) != NULL;
}

static void a_ping_keeps_a_producer_active(void **state)
{
    (void)state;
    struct lookup_stage *s = lookup_stage_begin(NULL);
    size_t a = lookup_stage_join(s, "a");
    lookup_stage_advance(s, 301 * TIME_SECOND);
    assert_false(registry_is_active(registry_of(s), first_producer(s), s->now));
    SEND(s, a, "REGISTER t\n");
    assert_false(registry_is_active(registry_of(s), first_producer(s), s->now));
    SEND(s, a, "PING\n");
    assert_true(registry_is_active(registry_of(s), first_producer(s), s->now));
    lookup_stage_expect(s, a, "OK; OK; ");
    lookup_stage_end(s);
}

static void a_connection_that_ends_takes_its_producer(void **state)
{
    (void)state;
    struct lookup_stage *s = lookup_stage_begin(NULL);
    size_t a = lookup_stage_join(s, "a");
    size_t b = lookup_stage_join(s, "b");
    size_t c = lookup_stage_join(s, "c");
    SEND(s, a, "REGISTER t c\n");
    assert_int_equal(producers(s), 3);
    lookup_stage_eof(s, a);
    assert_int_equal(producers(s), 2);
    lookup_stage_lose(s, b);
    assert_int_equal(producers(s), 1);
    SEND(s, c, "NONSENSE\n");
    assert_int_equal(producers(s), 0);
    assert_true(has(s, SPAN("t")));
    assert_false(registry_can_collect(registry_of(s)));
    lookup_stage_end(s);
}

static void what_is_logged(void **state)
{
    (void)state;
    struct lookup_stage *s = lookup_stage_begin(NULL);
    size_t a = lookup_stage_join(s, "a");
    lookup_stage_advance(s, 1500 * TIME_MS);
    SEND(s, a, "PING\n");
    lookup_stage_advance(s, 163900);
    SEND(s, a, "PING\nREGISTER t c\n");
    lookup_stage_eof(s, a);
    lookup_stage_expect_log(
        s, "INFO: TCP: new client(10.0.0.1:0)\n"
           "INFO: CLIENT(10.0.0.1:0): desired protocol magic '  V1'\n"
           "INFO: CLIENT(10.0.0.1:0): IDENTIFY Address:a TCP:4150 HTTP:4151 Version:1.3.0\n"
           "INFO: DB: client(10.0.0.1:0) REGISTER category:client key: subkey:\n"
           "INFO: CLIENT(10.0.0.1:0): pinged (last ping 1.5s)\n"
           "INFO: CLIENT(10.0.0.1:0): pinged (last ping 163.9\xc2\xb5s)\n"
           "INFO: DB: client(10.0.0.1:0) REGISTER category:channel key:t subkey:c\n"
           "INFO: DB: client(10.0.0.1:0) REGISTER category:topic key:t subkey:\n"
           "INFO: PROTOCOL(V1): [10.0.0.1:0] exiting ioloop\n"
           "INFO: DB: client(10.0.0.1:0) UNREGISTER category:client key: subkey:\n"
           "ERROR: client(10.0.0.1:0) - EOF\n"
           "INFO: DB: client(10.0.0.1:0) UNREGISTER category:channel key:t subkey:c\n"
           "INFO: DB: client(10.0.0.1:0) UNREGISTER category:topic key:t subkey:\n");
    size_t b = lookup_stage_open(s, LOOKUP_TCP);
    SEND(s, b, "  V1X\n");
    lookup_stage_expect_log(s, "INFO: TCP: new client(10.0.0.1:1)\n"
                               "INFO: CLIENT(10.0.0.1:1): desired protocol magic '  V1'\n"
                               "ERROR: [10.0.0.1:1] - E_INVALID invalid command X\n"
                               "INFO: PROTOCOL(V1): [10.0.0.1:1] exiting ioloop\n"
                               "ERROR: client(10.0.0.1:1) - E_INVALID invalid command X\n");
    lookup_stage_end(s);
}

static void the_log_tells_where_input_was_cut(void **state)
{
    (void)state;
    static const struct {
        struct span in;
        const char *line;
    } cuts[] = {
        {SPAN_LITERAL("IDENTIFY\n"), "failed to read body size - EOF\n"},
        {SPAN_LITERAL("IDENTIFY\n\0\0\0"), "failed to read body size - unexpected EOF\n"},
        {SPAN_LITERAL("IDENTIFY\n\0\0\0\5"), "failed to read body - EOF\n"},
        {SPAN_LITERAL("IDENTIFY\n\0\0\0\5{"), "failed to read body - unexpected EOF\n"},
    };
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        struct lookup_stage *s = lookup_stage_begin(NULL);
        size_t a = lookup_stage_open(s, LOOKUP_TCP);
        SEND(s, a, "  V1");
        lookup_stage_send(s, a, cuts[i].in);
        lookup_stage_forget_log(s);
        lookup_stage_eof(s, a);
        assert_non_null(strstr(lookup_stage_log(s), cuts[i].line));
        lookup_stage_end(s);
    }
}

/* --- limits, which upstream does not have ----------------------------------------------------- */

static void a_line_and_a_body_have_limits(void **state)
{
    (void)state;
    struct lookup_config config = lookup_stage_config();
    config.v1.limits.max_line = 10;
    config.v1.limits.max_body = 100;
    struct lookup_stage *s = lookup_stage_begin(&config);
    size_t a = lookup_stage_open(s, LOOKUP_TCP);
    SEND(s, a, "  V1PING 6789\nPING 67890");
    lookup_stage_expect(s, a, "OK; E_INVALID line has more than 10 bytes; <");
    size_t b = lookup_stage_open(s, LOOKUP_TCP);
    SEND(s, b, "  V1IDENTIFY\n\xff\xff\xff\xff");
    lookup_stage_expect(s, b, "E_BAD_BODY IDENTIFY invalid body size -1; <");
    size_t c = lookup_stage_open(s, LOOKUP_TCP);
    SEND(s, c, "  V1IDENTIFY\n\x7f\xff\xff\xff");
    lookup_stage_expect(s, c, "E_BAD_BODY IDENTIFY body too big 2147483647 > 100; <");
    lookup_stage_end(s);
}

static void a_connection_has_so_many_registrations(void **state)
{
    (void)state;
    struct lookup_config config = lookup_stage_config();
    config.registry.max_registrations = 3;
    struct lookup_stage *s = lookup_stage_begin(&config);
    size_t a = lookup_stage_join(s, "a");
    size_t b = lookup_stage_join(s, "b");
    SEND(s, a, "REGISTER t c\nREGISTER u\nREGISTER t c\nREGISTER u c\nPING\n");
    lookup_stage_expect(s, a,
                        "OK; OK; OK; E_INVALID REGISTER more than 3 "
                        "registrations on one connection; <");
    SEND(s, b, "REGISTER t c\n");
    lookup_stage_expect(s, b, "OK; ");
    lookup_stage_end(s);
}

static void a_full_budget_refuses(void **state)
{
    (void)state;
    struct lookup_config config = lookup_stage_config();
    config.memory = 4000;
    struct lookup_stage *s = lookup_stage_begin(&config);
    size_t a = lookup_stage_join(s, "a");
    char line[32];
    for (int i = 0; i < 100 && !s->clients[a].shut; i++) {
        snprintf(line, sizeof line, "REGISTER t%d\n", i);
        buf_free(&s->clients[a].in);
        lookup_stage_send(s, a, text_span(line));
    }
    lookup_stage_expect(s, a, "E_INVALID no memory; <");
    do {
        (void)lookup_stage_open(s, LOOKUP_TCP);
        lookup_stage_send(s, s->count - 1, SPAN(ID));
    } while (s->count < LOOKUP_STAGE_CLIENTS && !s->clients[s->count - 1].shut);
    lookup_stage_expect(s, s->count - 1, "E_INVALID no memory; <");
    lookup_stage_end(s);
}

/* Long commands that have arrived in part are given up while connections hold too much. */
static void parts_of_commands_are_held_within_a_share(void **state)
{
    (void)state;
    struct lookup_config config = lookup_stage_config();
    config.memory = 16000;
    struct lookup_stage *s = lookup_stage_begin(&config);
    static uint8_t part[5000];
    memset(part, 'x', sizeof part);
    size_t a = lookup_stage_open(s, LOOKUP_TCP);
    size_t b = lookup_stage_open(s, LOOKUP_TCP);
    SEND(s, a, "  V1");
    lookup_stage_send(s, a, span_make(part, 2000));
    lookup_stage_expect(s, a, "");
    SEND(s, b, "  V1");
    lookup_stage_send(s, b, span_make(part, 5000));
    lookup_stage_expect(s, b, "E_INVALID no memory; <");
    SEND(s, a, "\n");
    assert_true(s->clients[a].shut);
    lookup_stage_end(s);
}

/* --- deadlines, which upstream does not have -------------------------------------------------- */

static void expect_end_after(struct lookup_stage *s, size_t client, int64_t ns)
{
    lookup_stage_advance(s, ns - 1);
    assert_false(s->clients[client].shut);
    lookup_stage_forget_log(s);
    lookup_stage_advance(s, 1);
    assert_true(s->clients[client].shut);
}

/* Other commands do not change the deadline, and parts of IDENTIFY do not. */
static void the_first_identify_must_arrive_in_time(void **state)
{
    (void)state;
    static const struct span inputs[] = {
        SPAN_LITERAL(""),
        SPAN_LITERAL("PING\n"),
        SPAN_LITERAL("PIN"),
        SPAN_LITERAL("PING\nPIN"),
        SPAN_LITERAL("IDENTIFY\n"),
        SPAN_LITERAL("IDENTIFY\n\0\0"),
        SPAN_LITERAL("IDENTIFY\n\0\0\0\x42{"),
    };
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
        for (size_t cut = 0; cut < 2; cut++) {
            struct lookup_stage *s = lookup_stage_begin(NULL);
            s->cut = cut;
            size_t a = lookup_stage_open(s, LOOKUP_TCP);
            SEND(s, a, "  V1");
            lookup_stage_advance(s, 50 * TIME_SECOND);
            lookup_stage_send(s, a, inputs[i]);
            expect_end_after(s, a, 10 * TIME_SECOND);
            lookup_stage_expect_log(s, "INFO: PROTOCOL(V1): [10.0.0.1:0] exiting ioloop\n"
                                       "ERROR: client(10.0.0.1:0) - i/o timeout\n");
            lookup_stage_end(s);
        }
    }
}

/* Each command has its own deadline, from its first part on. A silent producer has none. */
static void a_command_must_arrive_whole_in_time(void **state)
{
    (void)state;
    struct lookup_stage *s = lookup_stage_begin(NULL);
    size_t a = lookup_stage_open(s, LOOKUP_TCP);
    SEND(s, a, "  V1");
    lookup_stage_advance(s, 59 * TIME_SECOND);
    lookup_stage_send(s, a, SPAN(IDENTIFY "P"));
    lookup_stage_advance(s, 59 * TIME_SECOND);
    SEND(s, a, "ING\nREGIST");
    lookup_stage_advance(s, 59 * TIME_SECOND);
    SEND(s, a, "ER t\n");
    lookup_stage_advance(s, 1000 * TIME_MINUTE);
    lookup_stage_expect(s, a, REPLY "OK; OK; ");
    SEND(s, a, "PIN");
    lookup_stage_advance(s, 30 * TIME_SECOND);
    SEND(s, a, "G");
    expect_end_after(s, a, 30 * TIME_SECOND);
    assert_int_equal(producers(s), 0);
    lookup_stage_end(s);
}

static void replies_must_be_taken_in_time(void **state)
{
    (void)state;
    struct lookup_stage *s = lookup_stage_begin(NULL);
    size_t a = lookup_stage_join(s, "a");
    lookup_stage_stall(s, a, true);
    SEND(s, a, "PING\n");
    expect_end_after(s, a, TIME_MINUTE);
    assert_non_null(strstr(lookup_stage_log(s), "client(10.0.0.1:0) - output not taken in time"));
    assert_int_equal(producers(s), 0);
    lookup_stage_end(s);
}

/* --- slices ----------------------------------------------------------------------------------- */

#define MANY 300

/* 128 connections have input: each may do a part of what it may do alone. */
static void one_of_many_connections_does_less_in_a_call(void **state)
{
    (void)state;
    struct lookup_config config = lookup_stage_config();
    config.v1.effort_a_call = 20000;
    struct lookup_stage *s = lookup_stage_begin(&config);
    size_t a = lookup_stage_join(s, "a");
    struct buf lines = {0};
    for (int i = 0; i < 1000; i++) {
        text_append(&lines, "PING\n");
    }
    struct tcp_handler *h = &s->handler;
    h->crowd(h->self, 128);
    size_t consumed = h->recv(h->self, s->clients[a].conn, buf_span(&lines), s->now);
    assert_in_range(consumed, 5, (1 + 20000 / (128 / EFFORT_CROWD) / EFFORT_COMMAND) * 5);
    h->crowd(h->self, 1);
    struct span rest = span_skip(buf_span(&lines), consumed);
    assert_int_equal(h->recv(h->self, s->clients[a].conn, rest, s->now), rest.n);
    buf_free(&lines);
    lookup_stage_end(s);
}

/* The commands behind a long UNREGISTER wait for it, and other clients do not. */
static void a_long_unregister_is_done_in_slices(void **state)
{
    (void)state;
    struct lookup_config config = lookup_stage_config();
    config.v1.effort_a_call = 100;
    struct lookup_stage *s = lookup_stage_begin(&config);
    size_t a = lookup_stage_join(s, "a");
    lookup_stage_fill(s, a, MANY);
    SEND(s, a, "UNREGISTER t\nREGISTER u\nX\n");
    assert_true(s->rounds > MANY / 20);
    lookup_stage_expect(s, a, "OK; OK; E_INVALID invalid command X; <");
    size_t b = lookup_stage_join(s, "b");
    lookup_stage_fill(s, b, MANY);
    s->clients[b].ended = true; /* the end of the input waits too */
    SEND(s, b, "UNREGISTER t\n");
    lookup_stage_expect(s, b, "OK; <");
    size_t c = lookup_stage_join(s, "c");
    lookup_stage_fill(s, c, MANY);
    buf_append(&s->clients[c].rest, SPAN("UNREGISTER t\n"));
    struct span line = buf_span(&s->clients[c].rest);
    (void)s->handler.recv(s->handler.self, s->clients[c].conn, line, s->now);
    assert_true(v1_has_work(&s->service->v1));
    buf_free(&s->clients[c].rest);
    lookup_stage_lose(s, c); /* while its UNREGISTER is not finished */
    assert_int_equal(producers(s), 0);
    lookup_stage_end(s);
}

/* One call does not handle all that has arrived: commands cost effort, and so does a long JSON. */
static void one_call_handles_a_part_of_the_input(void **state)
{
    (void)state;
    struct lookup_config config = lookup_stage_config();
    config.v1.effort_a_call = 100;
    struct lookup_stage *s = lookup_stage_begin(&config);
    const struct tcp_handler *h = &s->handler;
    struct buf in = {0};
    size_t a = lookup_stage_open(s, LOOKUP_TCP);
    SEND(s, a, "  V1");
    for (int i = 0; i < 1000; i++) {
        text_append(&in, "PING\n");
    }
    size_t consumed = h->recv(h->self, s->clients[a].conn, buf_span(&in), s->now);
    assert_in_range(consumed, 1, 5 * 100 / EFFORT_COMMAND);
    buf_free(&in);

    struct span end = SPAN("{\"broadcast_address\":\"h\",\"http_port\":2,\"tcp_port\":1,"
                           "\"version\":\"3\"}PING\n");
    size_t b = lookup_stage_open(s, LOOKUP_TCP);
    SEND(s, b, "  V1");
    text_append(&in, "IDENTIFY\n");
    buf_append(&in, SPAN("\0\0\x10\0"));
    while (in.n + end.n < 9 + 4 + 4096 + 5) {
        text_append(&in, " ");
    }
    buf_append(&in, end);
    consumed = h->recv(h->self, s->clients[b].conn, buf_span(&in), s->now);
    assert_int_equal(consumed, in.n - 5); /* all but the PING */
    buf_free(&in);
    lookup_stage_end(s);
}

static void a_client_that_does_not_read_is_not_read(void **state)
{
    (void)state;
    struct lookup_config config = lookup_stage_config();
    config.serve.high_water = 100;
    struct lookup_stage *s = lookup_stage_begin(&config);
    size_t a = lookup_stage_open(s, LOOKUP_TCP);
    SEND(s, a, "  V1");
    lookup_stage_stall(s, a, true);
    for (int i = 0; i < 100; i++) {
        SEND(s, a, "PING\n");
    }
    assert_true(s->clients[a].rest.n > 300);
    lookup_stage_stall(s, a, false);
    assert_int_equal(s->clients[a].rest.n, 0);
    assert_int_equal(s->clients[a].in.n, 600);
    lookup_stage_end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_do_not_depend_on_how_input_is_cut),
        cmocka_unit_test(a_producer_is_what_it_tells),
        cmocka_unit_test(a_ping_keeps_a_producer_active),
        cmocka_unit_test(a_connection_that_ends_takes_its_producer),
        cmocka_unit_test(what_is_logged),
        cmocka_unit_test(the_log_tells_where_input_was_cut),
        cmocka_unit_test(a_line_and_a_body_have_limits),
        cmocka_unit_test(a_connection_has_so_many_registrations),
        cmocka_unit_test(a_full_budget_refuses),
        cmocka_unit_test(parts_of_commands_are_held_within_a_share),
        cmocka_unit_test(the_first_identify_must_arrive_in_time),
        cmocka_unit_test(a_command_must_arrive_whole_in_time),
        cmocka_unit_test(replies_must_be_taken_in_time),
        cmocka_unit_test(one_of_many_connections_does_less_in_a_call),
        cmocka_unit_test(a_long_unregister_is_done_in_slices),
        cmocka_unit_test(one_call_handles_a_part_of_the_input),
        cmocka_unit_test(a_client_that_does_not_read_is_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
