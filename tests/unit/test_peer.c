/* SPDX-License-Identifier: MIT */
/*
 * Tests of peer/peer.h: nsqd's conversation with one scripted nsqlookupd, in a whole engine on
 * virtual time. tests/interop/lookup.py compares what upstream's nsqd 1.3.0 sends.
 */
#include "peer/peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "support/world.h"

#define BODY                                                                                       \
    "{\"broadcast_address\":\"b\",\"hostname\":\"h\",\"http_port\":4151,\"tcp_port\":4150,"        \
    "\"version\":\"1.3.0\"}"
#define HELLO "  V1IDENTIFY\n\0\0\0\x5b" BODY
#define INFO "{\"broadcast_address\":\"\",\"http_port\":4161,\"tcp_port\":4160,\"version\":\"1\"}"

static enum world_cut cut; /* each test runs with each of them */

static const char *const addresses[] = {"l:4160"};

static struct world *begin_with(int64_t max_reply)
{
    struct engine_config config = world_config();
    config.peers.max_reply = max_reply;
    config.peers.addresses = addresses;
    config.peers.address_count = 1;
    config.peers.identity = (struct peer_identity){.broadcast_address = SPAN("b"),
                                                   .hostname = SPAN("h"),
                                                   .version = SPAN("1.3.0"),
                                                   .tcp_port = 4150,
                                                   .http_port = 4151};
    config.log_level = LOG_DEBUG;
    struct world *w = world_new(&config);
    w->cut = cut;
    world_settle(w);
    return w;
}

static struct world *begin(void)
{
    return begin_with(world_config().peers.max_reply);
}

static void make(struct world *w, const char *name, const char *channel)
{
    struct topic *t = broker_topic(&w->engine->broker, text_span(name), BUDGET_CLIENT);
    if (channel[0] != '\0') {
        topic_channel(t, text_span(channel), w->now);
    }
    world_settle(w);
}

static void drop(struct world *w, const char *name)
{
    broker_delete_topic(&w->engine->broker, text_span(name));
    world_settle(w);
}

static void reply(struct client *l, const char *data)
{
    uint8_t size[4];
    struct buf b = {0};
    be32_store(size, (uint32_t)strlen(data));
    buf_append(&b, span_make(size, sizeof size));
    buf_append(&b, text_span(data));
    client_send(l, buf_span(&b));
    buf_free(&b);
}

/* All that the nsqlookupd has received and not expected yet is this. */
#define EXPECT(l, literal) expect_bytes((l), SPAN(literal))
static void expect_bytes(struct client *l, struct span bytes)
{
    size_t n = l->in.n;
    const char *received = client_bytes(l);
    if (n != bytes.n || memcmp(received, bytes.p, n) != 0) {
        print_error("received: %.*s\n", (int)n, received);
        fail();
    }
}

/* An nsqlookupd that is connected and has answered the IDENTIFY. */
static struct client *identified(struct world *w)
{
    assert_string_equal(world_dialled_to(w), "l:4160");
    struct client *l = world_accept(w);
    EXPECT(l, HELLO);
    reply(l, INFO);
    return l;
}

static struct peer *peer_of(const struct world *w)
{
    return w->engine->peers.all[0];
}

/* --- tests ------------------------------------------------------------------------------------ */

static void it_identifies_and_registers_everything(void **state)
{
    (void)state;
    struct world *w = begin();
    make(w, "t", "c");
    make(w, "e", "");
    make(w, "t", "d#ephemeral");
    struct client *l = identified(w);
    world_expect_log(w, "INFO LOOKUPD(l:4160): peer info {TCPPort:4160 HTTPPort:4161 Version:1 "
                        "BroadcastAddress:}");
    world_expect_log(w, "ERROR LOOKUPD(l:4160): no broadcast address");
    EXPECT(l, "REGISTER e\n");
    world_expect_log(w, "INFO LOOKUPD(l:4160): REGISTER e");
    reply(l, "OK");
    EXPECT(l, "REGISTER t c\n");
    reply(l, "OK");
    EXPECT(l, "REGISTER t d#ephemeral\n");
    reply(l, "OK");
    EXPECT(l, "REGISTER t\n"); /* the change that came first, again */
    world_expect_log(w, "INFO LOOKUPD(l:4160): topic REGISTER t");
    reply(l, "OK");
    EXPECT(l, "");
    client_expect_nothing(l);
    world_free(w);
}

static void changes_are_told_at_once(void **state)
{
    (void)state;
    struct world *w = begin();
    struct client *l = identified(w);
    EXPECT(l, "");
    struct client *c = world_connect(w);
    SEND(c, "SUB t c\n");
    EXPECT(l, "REGISTER t\n");
    client_expect_ok(c); /* a client does not wait for it */
    reply(l, "OK");
    EXPECT(l, "REGISTER t c\n");
    world_expect_log(w, "INFO LOOKUPD(l:4160): channel REGISTER t c");
    reply(l, "OK");
    drop(w, "t");
    EXPECT(l, "UNREGISTER t\n");
    reply(l, "OK");
    EXPECT(l, "UNREGISTER t c\n");
    reply(l, "OK");
    EXPECT(l, "");
    world_free(w);
}

static void a_ping_is_sent_each_15_seconds(void **state)
{
    (void)state;
    struct world *w = begin();
    struct client *l = identified(w);
    world_advance(w, 14999 * TIME_MS);
    EXPECT(l, "");
    world_advance(w, TIME_MS);
    EXPECT(l, "PING\n");
    world_expect_log(w, "DEBUG LOOKUPD(l:4160): sending heartbeat");
    reply(l, "OK");
    world_jump(w, 50 * TIME_SECOND); /* the server was behind: at 65 s, three PINGs are due */
    EXPECT(l, "PING\n");
    reply(l, "OK");
    world_advance(w, 9 * TIME_SECOND);
    EXPECT(l, "");
    world_advance(w, TIME_SECOND);
    EXPECT(l, "PING\n");
    reply(l, "OK");
    world_free(w);
}

static void replies_to_commands_do_not_matter(void **state)
{
    (void)state;
    static const char *const replies[] = {"OK", "", "E_INVALID", "\x01\x02", "{}"};
    struct world *w = begin();
    struct client *l = identified(w);
    for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
        make(w, "t", "");
        EXPECT(l, "REGISTER t\n");
        reply(l, replies[i]);
        drop(w, "t");
        EXPECT(l, "UNREGISTER t\n");
        reply(l, replies[i]);
    }
    client_expect_nothing(l);
    world_free(w);
}

/* As in nsqd: what comes too early is the reply to the next command. */
static void early_replies_are_kept(void **state)
{
    (void)state;
    struct world *w = begin();
    struct client *l = identified(w);
    SEND(l, "\0\0\0\2OK\0\0\0\1x\0\0\0");
    make(w, "a", "");
    make(w, "b", "");
    EXPECT(l, "REGISTER a\nREGISTER b\n");
    make(w, "c", "");
    EXPECT(l, "REGISTER c\n");
    make(w, "d", "");
    EXPECT(l, "");
    SEND(l, "\0");
    EXPECT(l, "REGISTER d\n");
    world_free(w);
}

static void check_closed(struct world *w, struct client *l, const char *line)
{
    client_bytes(l);
    client_expect_closed(l);
    world_expect_log(w, line);
    assert_int_equal(peer_of(w)->state, PEER_OFF);
    assert_int_equal(world_dialled(w), 0);
}

static void bad_replies_to_identify_close(void **state)
{
    (void)state;
    static const struct {
        const char *reply;
        const char *line;
    } rows[] = {
        {"E_INVALID", "INFO LOOKUPD(l:4160): lookupd returned E_INVALID"},
        {"OK", "ERROR LOOKUPD(l:4160): parsing response - OK"},
        {"", "ERROR LOOKUPD(l:4160): parsing response - "},
        {"E_INVALID x", "ERROR LOOKUPD(l:4160): parsing response - E_INVALID x"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world *w = begin();
        struct client *l = world_accept(w);
        EXPECT(l, HELLO);
        reply(l, rows[i].reply);
        check_closed(w, l, rows[i].line);
        world_advance(w, 15 * TIME_SECOND); /* the next PING connects again */
        l = identified(w);
        EXPECT(l, "PING\n");
        world_free(w);
    }
}

/* Upstream's nsqd ends when the size is negative. */
static void bad_sizes_close(void **state)
{
    (void)state;
    struct world *w = begin();
    struct client *l = world_accept(w);
    SEND(l, "\xff\xff\xff\xff");
    check_closed(w, l,
                 "ERROR LOOKUPD(l:4160): IDENTIFY - response body size (-1) is negative or greater "
                 "than limit (4096)");
    world_free(w);

    w = begin();
    l = world_accept(w);
    SEND(l, "\0\0\x10\1");
    check_closed(w, l,
                 "ERROR LOOKUPD(l:4160): IDENTIFY - response body size (4097) is negative or "
                 "greater than limit (4096)");
    world_free(w);

    w = begin();
    l = identified(w);
    make(w, "t", "");
    SEND(l, "\0\x50\0\1");
    check_closed(w, l,
                 "ERROR LOOKUPD(l:4160): REGISTER t - response body size (5242881) is negative or "
                 "greater than limit (5242880)");
    world_free(w);
}

/* --max-body-size may be negative. Then no reply fits, as in upstream's nsqd. */
static void a_negative_limit_refuses_every_reply(void **state)
{
    (void)state;
    static const struct {
        struct span reply;
        const char *line;
    } rows[] = {
        {SPAN_LITERAL("\0\0\0\2{}"), "response body size (2)"},
        {SPAN_LITERAL("\0\0\0\0"), "response body size (0)"},
        {SPAN_LITERAL("\x7f\xff\xff\xff"), "response body size (2147483647)"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world *w = begin_with(-1);
        struct client *l = world_accept(w);
        char line[128];
        snprintf(line, sizeof line,
                 "ERROR LOOKUPD(l:4160): IDENTIFY - %s is negative or greater than limit (-1)",
                 rows[i].line);
        client_send(l, rows[i].reply);
        check_closed(w, l, line);
        world_free(w);
    }
}

static void the_largest_replies_are_accepted(void **state)
{
    (void)state;
    struct world *w = begin();
    struct client *l = world_accept(w);
    char spaces[4096];
    memset(spaces, ' ', sizeof spaces);
    memcpy(spaces, INFO, sizeof INFO - 1);
    client_bytes(l);
    SEND(l, "\0\0\x10\0");
    client_send(l, span_make(spaces, sizeof spaces));
    make(w, "t", "");
    EXPECT(l, "REGISTER t\n");
    SEND(l, "\0\x50\0\0");
    for (int i = 0; i < 5 * 256 && cut == CUT_WHOLE; i++) {
        client_send(l, span_make(spaces, sizeof spaces));
        assert_int_equal(peer_of(w)->reply.data.n, 0); /* nothing of it is kept */
    }
    if (cut == CUT_WHOLE) {
        make(w, "u", "");
        EXPECT(l, "REGISTER u\n");
    }
    world_free(w);
}

static void each_piece_of_a_reply_has_its_second(void **state)
{
    (void)state;
    struct world *w = begin();
    struct client *l = world_accept(w);
    EXPECT(l, HELLO);
    SEND(l, "\0\0");
    world_advance(w, 999 * TIME_MS);
    SEND(l, "\0\2{");
    world_advance(w, 999 * TIME_MS);
    SEND(l, "}");
    make(w, "t", "");
    EXPECT(l, "REGISTER t\n");
    SEND(l, "\0\0\0");
    world_advance(w, 999 * TIME_MS);
    client_expect_nothing(l);
    world_advance(w, TIME_MS);
    check_closed(w, l, "ERROR LOOKUPD(l:4160): REGISTER t - i/o timeout");
    world_free(w);

    w = begin();
    l = world_accept(w);
    EXPECT(l, HELLO);
    world_advance(w, TIME_SECOND);
    check_closed(w, l, "ERROR LOOKUPD(l:4160): IDENTIFY - i/o timeout");
    world_free(w);
}

static void a_connection_has_its_second(void **state)
{
    (void)state;
    struct world *w = begin();
    assert_int_equal(world_dialled(w), 1);
    world_advance(w, 999 * TIME_MS);
    assert_int_equal(peer_of(w)->state, PEER_CONNECTING);
    world_advance(w, TIME_MS);
    assert_int_equal(peer_of(w)->state, PEER_OFF);
    world_free(w);
}

/* What was not told is dropped; the next change or PING connects, and registers everything. */
static void a_refused_connection_is_tried_again_at_the_next_command(void **state)
{
    (void)state;
    struct world *w = begin();
    world_refuse(w, "refused");
    world_expect_log(w, "INFO LOOKUP connecting to l:4160");
    world_expect_no_log(w, "ERROR LOOKUPD(l:4160): PING - refused");
    make(w, "a", "");
    world_refuse(w, "refused");
    world_expect_log(w, "ERROR LOOKUPD(l:4160): REGISTER a - refused");
    world_advance(w, 14 * TIME_SECOND);
    assert_int_equal(world_dialled(w), 0);
    world_advance(w, TIME_SECOND);
    world_refuse(w, "refused");
    world_expect_log(w, "ERROR LOOKUPD(l:4160): PING - refused");
    drop(w, "none");
    make(w, "b", "c");
    struct client *l = identified(w);
    EXPECT(l, "REGISTER a\n");
    reply(l, "OK");
    EXPECT(l, "REGISTER b c\n");
    reply(l, "OK");
    EXPECT(l, "REGISTER b\n");
    reply(l, "OK");
    EXPECT(l, "");
    world_free(w);
}

static void an_ended_connection_is_made_again_at_the_next_command(void **state)
{
    (void)state;
    for (int how = 0; how < 2; how++) {
        struct world *w = begin();
        struct client *l = identified(w);
        make(w, "a", "");
        EXPECT(l, "REGISTER a\n");
        reply(l, "OK");
        if (how == 0) {
            client_eof(l);
            client_expect_closed(l);
            world_expect_log(w, "INFO LOOKUPD(l:4160): connection ended - EOF");
        } else {
            client_drop(l);
            world_expect_log(w, "INFO LOOKUPD(l:4160): connection ended - connection lost");
        }
        assert_int_equal(world_dialled(w), 0);
        world_advance(w, 15 * TIME_SECOND);
        l = identified(w);
        EXPECT(l, "REGISTER a\n");
        reply(l, "OK");
        EXPECT(l, "PING\n");
        reply(l, "OK");
        client_eof(l);
        make(w, "b", "");
        l = identified(w);
        EXPECT(l, "REGISTER a\n");
        client_eof(l); /* within a reply */
        world_expect_log(w, "ERROR LOOKUPD(l:4160): REGISTER a - EOF");
        assert_int_equal(world_dialled(w), 0);
        world_free(w);
    }
}

/* More changes than the broker remembers, and a deletion among them: only a new connection can tell
 * it. */
static void missed_deletions_need_a_new_connection(void **state)
{
    (void)state;
    struct world *w = begin();
    struct client *l = identified(w);
    make(w, "a", "");
    EXPECT(l, "REGISTER a\n");
    broker_delete_topic(&w->engine->broker, SPAN("a"));
    for (int i = 0; i < CHANGES_MAX; i++) {
        changes_note(&w->engine->broker.core.changes, SPAN("a"), SPAN("c"), false);
    }
    world_settle(w);
    for (int i = 0; i < CHANGES_MAX; i++) {
        reply(l, "OK");
        EXPECT(l, "UNREGISTER a c\n");
    }
    reply(l, "OK");
    EXPECT(l, "");
    client_expect_nothing(l);
    world_advance(w, 15 * TIME_SECOND);
    client_expect_closed(l);
    l = identified(w);
    EXPECT(l, "PING\n");
    reply(l, "OK");
    world_advance(w, 15 * TIME_SECOND);
    EXPECT(l, "PING\n");
    world_free(w);
}

static void a_slow_nsqlookupd_is_cut_off(void **state)
{
    (void)state;
    struct world *w = begin();
    struct client *l = world_accept(w);
    client_stall(l, true);
    world_advance(w, TIME_SECOND);
    assert_int_equal(peer_of(w)->state, PEER_OFF);
    world_free(w);
}

static void there_may_be_no_room_for_the_connection(void **state)
{
    (void)state;
    struct engine_config config = world_config();
    config.peers.addresses = addresses;
    config.peers.address_count = 1;
    config.serve.max_connections = 1;
    struct world *w = world_new(&config);
    struct client *c = world_connect(w);
    world_settle(w);
    world_advance(w, 15 * TIME_SECOND);
    world_expect_log(w, "ERROR LOOKUPD(l:4160): PING - too many connections");
    client_drop(c);
    world_advance(w, 15 * TIME_SECOND);
    assert_int_equal(world_dialled(w), 1);
    world_free(w);
}

static void the_end_says_nothing_to_the_nsqlookupd(void **state)
{
    (void)state;
    struct world *w = begin();
    struct client *l = identified(w);
    make(w, "t", "c");
    EXPECT(l, "REGISTER t\n");
    reply(l, "OK");
    EXPECT(l, "REGISTER t c\n");
    reply(l, "OK");
    world_stop(w);
    client_expect_closed(l);
    world_expect_log(w, "INFO LOOKUP: closing");
    world_expect_no_log(w, "INFO LOOKUPD(l:4160): connection ended - connection lost");
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_identifies_and_registers_everything),
        cmocka_unit_test(changes_are_told_at_once),
        cmocka_unit_test(a_ping_is_sent_each_15_seconds),
        cmocka_unit_test(replies_to_commands_do_not_matter),
        cmocka_unit_test(early_replies_are_kept),
        cmocka_unit_test(bad_replies_to_identify_close),
        cmocka_unit_test(bad_sizes_close),
        cmocka_unit_test(a_negative_limit_refuses_every_reply),
        cmocka_unit_test(the_largest_replies_are_accepted),
        cmocka_unit_test(each_piece_of_a_reply_has_its_second),
        cmocka_unit_test(a_connection_has_its_second),
        cmocka_unit_test(a_refused_connection_is_tried_again_at_the_next_command),
        cmocka_unit_test(an_ended_connection_is_made_again_at_the_next_command),
        cmocka_unit_test(missed_deletions_need_a_new_connection),
        cmocka_unit_test(a_slow_nsqlookupd_is_cut_off),
        cmocka_unit_test(there_may_be_no_room_for_the_connection),
        cmocka_unit_test(the_end_says_nothing_to_the_nsqlookupd),
    };
    int failed = 0;
    for (cut = CUT_WHOLE; cut <= CUT_RANDOM; cut++) {
        failed += cmocka_run_group_tests(tests, NULL, NULL);
    }
    return failed;
}
