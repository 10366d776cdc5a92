/* SPDX-License-Identifier: MIT */
/*
 * Tests of what IDENTIFY negotiates, as clients see it: snappy and deflate. test_tls_session.c
 * tests TLS. All replies were seen on nsqd 1.3.0, except those of numbered departures.
 */
#include "session/v2.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec/deflate.h"
#include "codec/snappy.h"
#include "support/world.h"

#define ANSWER(deflate, level, most, snappy)                                                       \
    "{\"max_rdy_count\":2500,\"version\":\"1.3.0\",\"max_msg_timeout\":900000,\"msg_timeout\":"    \
    "60000,\"tls_v1\":false,\"deflate\":" deflate ",\"deflate_level\":" level                      \
    ",\"max_deflate_level\":" most ",\"snappy\":" snappy ",\"sample_rate\":0,"                     \
    "\"auth_required\":false,\"output_buffer_size\":16384,\"output_buffer_timeout\":250}"

#define SNAPPY_ANSWER ANSWER("false", "6", "6", "true")
#define DEFLATE_ANSWER ANSWER("true", "6", "6", "false")
#define ASKED(rest) "{\"feature_negotiation\":true," rest "}"
#define IDENTIFY_SNAPPY "IDENTIFY\n\0\0\0\x2a" ASKED("\"snappy\":true")

/* Makes a client that speaks snappy or deflate. */
static struct client *compressed(struct world *w, bool snappy)
{
    struct client *c = world_connect(w);
    client_identify(c, snappy ? ASKED("\"snappy\":true") : ASKED("\"deflate\":true"));
    if (snappy) {
        client_expect_response(c, SNAPPY_ANSWER);
    } else {
        client_expect_response(c, DEFLATE_ANSWER);
    }
    client_put_on(c, snappy ? snappy_codec() : deflate_codec(6));
    client_expect_ok(c);
    return c;
}

static void converse(enum world_cut cut, bool snappy)
{
    struct world *w = world_new(NULL);
    w->cut = cut;
    struct client *c = compressed(w, snappy);
    client_send_filled(c, "PUB t", 'x', 70000);
    client_expect_ok(c);
    SEND(c, "SUB t c\nRDY 1\n");
    client_expect_ok(c);
    assert_int_equal(client_events(c), 1);
    assert_int_equal(c->in.n, NSQ_FRAME_HEADER_SIZE + NSQ_MESSAGE_HEADER_SIZE + 70000);
    client_heard(c);
    SEND(c, "FIN 0000000000000000\nNOP\n");
    client_expect_error(c, "E_FIN_FAILED FIN 0000000000000000 failed ID not in flight");
    world_advance(w, 30 * TIME_SECOND);
    client_expect_heartbeat(c);
    SEND(c, "oops\n");
    client_expect(c, "E E_INVALID invalid command oops; SHUT");
    world_free(w);
}

static void a_compressed_client_receives_what_one_in_clear_text_does(void **state)
{
    (void)state;
    for (enum world_cut cut = CUT_WHOLE; cut <= CUT_RANDOM; cut++) {
        converse(cut, true);
        converse(cut, false);
    }
}

static void level_row(const char *json, int64_t most, const char *expected)
{
    struct engine_config config = world_config();
    config.v2.max_deflate_level = most;
    struct world *w = world_new(&config);
    struct client *c = world_connect(w);
    client_identify(c, json);
    client_expect_frame(c, NSQ_FRAME_RESPONSE, span_make(expected, strlen(expected)));
    if (strstr(expected, "\"deflate\":true") != NULL) {
        client_put_on(c, deflate_codec(9));
        client_expect_ok(c);
    }
    world_free(w);
}

static void a_deflate_level_is_asked_for_and_bounded(void **state)
{
    (void)state;
    level_row(ASKED("\"deflate\":true,\"deflate_level\":1"), 6, ANSWER("true", "1", "6", "false"));
    level_row(ASKED("\"deflate\":true,\"deflate_level\":0"), 6, ANSWER("true", "6", "6", "false"));
    level_row(ASKED("\"deflate\":true,\"deflate_level\":-4"), 6, ANSWER("true", "6", "6", "false"));
    level_row(ASKED("\"deflate\":true,\"deflate_level\":7"), 6, ANSWER("true", "6", "6", "false"));
    level_row(ASKED("\"deflate\":true,\"deflate_level\":9"), 9, ANSWER("true", "9", "9", "false"));
    level_row(ASKED("\"deflate\":true"), 3, ANSWER("true", "3", "3", "false"));
    level_row(ASKED("\"deflate_level\":3"), 6, ANSWER("false", "6", "6", "false"));
    level_row(ASKED("\"deflate\":true,\"deflate_level\":9223372036854775807"), 6,
              ANSWER("true", "6", "6", "false"));
}

static void what_is_not_offered_is_not_negotiated(void **state)
{
    (void)state;
    struct engine_config config = world_config();
    config.v2.snappy = config.v2.deflate = false;
    struct world *w = world_new(&config);
    struct client *c = world_connect(w);
    client_identify(c, ASKED("\"snappy\":true,\"deflate\":true,\"tls_v1\":true"));
    client_expect_response(c, ANSWER("false", "6", "6", "false"));
    SEND(c, "PUB t\n\0\0\0\1x");
    client_expect_ok(c);
    world_free(w);
}

static void when_a_client_asks_for_both_it_gets_the_one_that_is_offered(void **state)
{
    (void)state;
    for (int snappy = 0; snappy < 2; snappy++) {
        struct engine_config config = world_config();
        config.v2.snappy = snappy != 0;
        config.v2.deflate = snappy == 0;
        struct world *w = world_new(&config);
        struct client *c = world_connect(w);
        client_identify(c, ASKED("\"snappy\":true,\"deflate\":true"));
        if (snappy) {
            client_expect_response(c, SNAPPY_ANSWER);
        } else {
            client_expect_response(c, DEFLATE_ANSWER);
        }
        client_put_on(c, snappy ? snappy_codec() : deflate_codec(6));
        client_expect_ok(c);
        world_free(w);
    }
}

static void without_feature_negotiation_nothing_is_put_on(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = world_connect(w);
    client_identify(c, "{\"snappy\":true}");
    client_expect_ok(c);
    SEND(c, "PUB t\n\0\0\0\1x");
    client_expect_ok(c);
    world_free(w);
}

static void both_compressions_cannot_be_had(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = world_connect(w);
    client_identify(c, ASKED("\"snappy\":true,\"deflate\":true"));
    client_expect(c, "E E_IDENTIFY_FAILED cannot enable both deflate and snappy compression; SHUT");
    world_free(w);
}

/* After a second IDENTIFY with output_buffer_size, nsqd writes in clear text; nsqref does not. */
static void a_second_identify_never_falls_back_to_clear_text(void **state)
{
    (void)state;
    for (int snappy = 0; snappy < 2; snappy++) {
        struct world *w = world_new(NULL);
        struct client *c = compressed(w, snappy != 0);
        client_identify(c, "{\"output_buffer_size\":4096}");
        client_expect_ok(c);
        client_identify(c, ASKED("\"output_buffer_timeout\":-1"));
        assert_int_equal(client_events(c), 1);
        client_heard(c);
        client_identify(c, ASKED("\"deflate\":true"));
        client_expect(c, "E E_IDENTIFY_FAILED IDENTIFY failed what was negotiated before cannot be "
                         "negotiated again; SHUT");
        world_free(w);
    }
}

static void input_sent_behind_identify_goes_through_the_codec(void **state)
{
    (void)state;
    struct stack client = {0};
    struct buf bytes = {0};
    stack_push(&client, snappy_codec());
    buf_append(&client.plain, SPAN("PUB t\n\0\0\0\1xNOP\nSUB t c\n"));
    buf_append(&bytes, SPAN(IDENTIFY_SNAPPY));
    stack_encode(&client, &bytes);
    stack_clear(&client);
    for (enum world_cut cut = CUT_WHOLE; cut <= CUT_RANDOM; cut++) {
        struct world *w = world_new(NULL);
        w->cut = cut;
        struct client *c = world_connect(w);
        client_send(c, buf_span(&bytes));
        client_expect_response(c, SNAPPY_ANSWER);
        client_put_on(c, snappy_codec());
        client_expect(c, "R OK; R OK; R OK");
        world_free(w);
    }
    buf_free(&bytes);
}

/* Output that is above the high-water mark in clear text may be far below it when encoded. */
static void output_that_shrinks_on_its_way_still_drains(void **state)
{
    (void)state;
    struct engine_config config = world_config();
    config.serve.high_water = 300;
    for (int snappy = 0; snappy < 2; snappy++) {
        struct world *w = world_new(&config);
        struct client *c = compressed(w, snappy);
        struct client *other = world_connect(w);
        SEND(c, "SUB t c\nRDY 3\n");
        client_expect_ok(c);
        for (size_t i = 0; i < 3; i++) {
            client_send_filled(other, "PUB t", 'x', 1000);
            client_expect_ok(other);
        }
        assert_int_equal(client_events(c), 3);
        world_free(w);
    }
}

static void clear_commands_behind_identify_end_the_connection(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = world_connect(w);
    struct client *other = compressed(w, true);
    SEND(c, IDENTIFY_SNAPPY "PUB t\n\0\0\0\1x");
    client_expect_response(c, SNAPPY_ANSWER);
    client_put_on(c, snappy_codec());
    client_expect(c, "R OK; SHUT");
    SEND(other, "PUB t\n\0\0\0\1x");
    client_expect_ok(other);
    world_free(w);
}

/* As in clear text, a read error inside a line has no answer, and one inside a body is answered
 * with an error.
 */
static void a_stream_that_breaks_in_a_body_is_answered(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = compressed(w, true);
    SEND(c, "PUB t\n\0\0\0\5abc");
    struct stack *stack = c->stack;
    c->stack = NULL; /* the next bytes are sent unencoded */
    c->stalled = true;
    SEND(c, "\x02\0\0\0");
    c->stack = stack;
    client_stall(c, false);
    client_expect(c, "E E_BAD_MESSAGE PUB failed to read message body; SHUT");
    world_free(w);
}

/* What a client sends after its IDENTIFY, encoded. */
static struct buf encoded_session(bool snappy)
{
    struct stack client = {0};
    struct buf bytes = {0};
    stack_push(&client, snappy ? snappy_codec() : deflate_codec(6));
    const struct span said[] = {SPAN("SUB t c\nRDY 2\n"), SPAN("PUB t\n\0\0\0\5hello"),
                                SPAN("MPUB t\n\0\0\0\x0e\0\0\0\2\0\0\0\1a\0\0\0\1b"),
                                SPAN("NOP\nCLS\n")};
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
        buf_append(&client.plain, said[i]);
        stack_encode(&client, &bytes);
    }
    stack_clear(&client);
    return bytes;
}

/* Sends bytes after an IDENTIFY, then the end of input. The connection ends, and another one is not
 * affected. */
static void hear_broken(bool snappy, struct span bytes)
{
    struct world *w = world_new(NULL);
    struct client *other = world_connect(w);
    struct client *c = world_connect(w);
    client_identify(c, snappy ? ASKED("\"snappy\":true") : ASKED("\"deflate\":true"));
    client_send(c, bytes);
    client_eof(c);
    world_advance(w, 2 * TIME_SECOND);
    assert_true(c->closed);
    SEND(other, "PUB t\n\0\0\0\1x");
    client_expect_ok(other);
    world_free(w);
}

static void a_stream_may_be_cut_or_damaged_at_any_byte(void **state)
{
    (void)state;
    static const uint8_t flips[] = {0x01, 0x80, 0xff};
    for (int snappy = 0; snappy < 2; snappy++) {
        struct buf bytes = encoded_session(snappy != 0);
        for (size_t i = 0; i < bytes.n; i++) {
            hear_broken(snappy != 0, span_first(buf_span(&bytes), i));
            for (size_t f = 0; f < sizeof flips; f++) {
                bytes.p[bytes.head + i] ^= flips[f];
                hear_broken(snappy != 0, buf_span(&bytes));
                bytes.p[bytes.head + i] ^= flips[f];
            }
        }
        hear_broken(snappy != 0, buf_span(&bytes));
        buf_free(&bytes);
    }
}

static void codecs_are_charged_and_refused_when_there_is_no_room(void **state)
{
    (void)state;
    struct engine_config config = world_config();
    config.broker.mem_queue_bytes =
        2 * DEFLATE_COST * 8 / 9; /* with the reserve, room for almost two */
    struct world *w = world_new(&config);
    size_t before = world_used(w);
    struct client *c = compressed(w, false);
    assert_true(world_used(w) >= before + DEFLATE_COST);
    struct client *d = world_connect(w);
    client_identify(d, ASKED("\"deflate\":true"));
    client_expect(d, "E E_IDENTIFY_FAILED IDENTIFY failed queued bytes would exceed the limit of "
                     "655359; SHUT");
    client_drop(d);
    client_drop(c);
    assert_int_equal(world_used(w), before);
    world_free(w);
}

static void when_tls_is_required_only_identify_is_allowed_in_clear_text(void **state)
{
    (void)state;
    static const char *const lines[] = {"NOP", "SUB t c", "PUB t", "CLS", "AUTH", "oops", "FIN x"};
    struct engine_config config = world_config();
    config.v2.tls_required = true;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char expected[128];
        struct world *w = world_new(&config);
        struct client *c = world_connect(w);
        client_identify(c, "{}");
        client_expect_ok(c);
        client_sendf(c, "%s\n", lines[i]);
        snprintf(expected, sizeof expected,
                 "E E_INVALID cannot %.*s in current state (TLS required); SHUT",
                 (int)strcspn(lines[i], " "), lines[i]);
        client_expect(c, expected);
        world_free(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_compressed_client_receives_what_one_in_clear_text_does),
        cmocka_unit_test(a_deflate_level_is_asked_for_and_bounded),
        cmocka_unit_test(what_is_not_offered_is_not_negotiated),
        cmocka_unit_test(when_a_client_asks_for_both_it_gets_the_one_that_is_offered),
        cmocka_unit_test(without_feature_negotiation_nothing_is_put_on),
        cmocka_unit_test(both_compressions_cannot_be_had),
        cmocka_unit_test(a_second_identify_never_falls_back_to_clear_text),
        cmocka_unit_test(input_sent_behind_identify_goes_through_the_codec),
        cmocka_unit_test(output_that_shrinks_on_its_way_still_drains),
        cmocka_unit_test(clear_commands_behind_identify_end_the_connection),
        cmocka_unit_test(a_stream_that_breaks_in_a_body_is_answered),
        cmocka_unit_test(a_stream_may_be_cut_or_damaged_at_any_byte),
        cmocka_unit_test(codecs_are_charged_and_refused_when_there_is_no_room),
        cmocka_unit_test(when_tls_is_required_only_identify_is_allowed_in_clear_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
