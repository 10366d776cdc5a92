/* SPDX-License-Identifier: MIT */
/*
 * Tests of session/settings.h: what an IDENTIFY may set, at each bound, and the answer. All of it
 * was seen on nsqd 1.3.0.
 */
#include "session/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/text.h"
#include "support/cuts.h"

#define INVALID(what) "E E_BAD_BODY IDENTIFY " what " is invalid; SHUT"

/* Members of the document besides "feature_negotiation":true, and the answer: an error, or the
 * members of the reply that differ from the usual reply. */
struct row {
    const char *members;
    const char *answer;
};

/* --- nsqd's defaults -------------------------------------------------------------------------- */

static const struct row defaults[] = {
    {"\"heartbeat_interval\":-2", INVALID("heartbeat interval (-2)")},
    {"\"heartbeat_interval\":-1", ""},
    {"\"heartbeat_interval\":0", ""},
    {"\"heartbeat_interval\":1", INVALID("heartbeat interval (1)")},
    {"\"heartbeat_interval\":999", INVALID("heartbeat interval (999)")},
    {"\"heartbeat_interval\":1000", ""},
    {"\"heartbeat_interval\":1001", ""},
    {"\"heartbeat_interval\":59999", ""},
    {"\"heartbeat_interval\":60000", ""},
    {"\"heartbeat_interval\":60001", INVALID("heartbeat interval (60001)")},
    {"\"output_buffer_timeout\":-2", INVALID("output buffer timeout (-2)")},
    {"\"output_buffer_timeout\":-1", "output_buffer_timeout=0"},
    {"\"output_buffer_timeout\":0", ""},
    {"\"output_buffer_timeout\":1", INVALID("output buffer timeout (1)")},
    {"\"output_buffer_timeout\":24", INVALID("output buffer timeout (24)")},
    {"\"output_buffer_timeout\":25", "output_buffer_timeout=25"},
    {"\"output_buffer_timeout\":26", "output_buffer_timeout=26"},
    {"\"output_buffer_timeout\":29999", "output_buffer_timeout=29999"},
    {"\"output_buffer_timeout\":30000", "output_buffer_timeout=30000"},
    {"\"output_buffer_timeout\":30001", INVALID("output buffer timeout (30001)")},
    {"\"output_buffer_size\":-2", INVALID("output buffer size (-2)")},
    {"\"output_buffer_size\":-1", "output_buffer_size=1 output_buffer_timeout=0"},
    {"\"output_buffer_size\":0", ""},
    {"\"output_buffer_size\":1", INVALID("output buffer size (1)")},
    {"\"output_buffer_size\":63", INVALID("output buffer size (63)")},
    {"\"output_buffer_size\":64", "output_buffer_size=64"},
    {"\"output_buffer_size\":65", "output_buffer_size=65"},
    {"\"output_buffer_size\":65535", "output_buffer_size=65535"},
    {"\"output_buffer_size\":65536", "output_buffer_size=65536"},
    {"\"output_buffer_size\":65537", INVALID("output buffer size (65537)")},
    {"\"sample_rate\":-1", INVALID("sample rate (-1)")},
    {"\"sample_rate\":0", ""},
    {"\"sample_rate\":1", "sample_rate=1"},
    {"\"sample_rate\":98", "sample_rate=98"},
    {"\"sample_rate\":99", "sample_rate=99"},
    {"\"sample_rate\":100", INVALID("sample rate (100)")},
    {"\"msg_timeout\":-1", INVALID("msg timeout (-1)")},
    {"\"msg_timeout\":0", ""},
    {"\"msg_timeout\":1", INVALID("msg timeout (1)")},
    {"\"msg_timeout\":999", INVALID("msg timeout (999)")},
    {"\"msg_timeout\":1000", "msg_timeout=1000"},
    {"\"msg_timeout\":1001", "msg_timeout=1001"},
    {"\"msg_timeout\":899999", "msg_timeout=899999"},
    {"\"msg_timeout\":900000", "msg_timeout=900000"},
    {"\"msg_timeout\":900001", INVALID("msg timeout (900001)")},
    {"\"deflate_level\":-1", ""},
    {"\"deflate_level\":0", ""},
    {"\"deflate_level\":1", ""},
    {"\"deflate_level\":6", ""},
    {"\"deflate_level\":7", ""},
    {"\"deflate_level\":100", ""},
    {"\"msg_timeout\":1,\"sample_rate\":100,\"output_buffer_size\":1,\"output_buffer_timeout\":1,"
     "\"heartbeat_interval\":1",
     INVALID("heartbeat interval (1)")},
    {"\"output_buffer_size\":1,\"output_buffer_timeout\":1", INVALID("output buffer timeout (1)")},
    {"\"sample_rate\":100,\"output_buffer_size\":1", INVALID("output buffer size (1)")},
    {"\"msg_timeout\":1,\"sample_rate\":100", INVALID("sample rate (100)")},
    {"\"output_buffer_size\":-1,\"output_buffer_timeout\":1000",
     "output_buffer_size=1 output_buffer_timeout=0"},
    {"\"output_buffer_size\":-1,\"output_buffer_timeout\":1", INVALID("output buffer timeout (1)")},
};

/* --- limits set by flags ---------------------------------------------------------------------- */

static const struct row smalls[] = {
    {"\"heartbeat_interval\":4999", ""},
    {"\"heartbeat_interval\":5000", ""},
    {"\"heartbeat_interval\":5001", INVALID("heartbeat interval (5001)")},
    {"\"output_buffer_timeout\":99", INVALID("output buffer timeout (99)")},
    {"\"output_buffer_timeout\":100", "output_buffer_timeout=100"},
    {"\"output_buffer_timeout\":101", "output_buffer_timeout=101"},
    {"\"output_buffer_timeout\":1999", "output_buffer_timeout=1999"},
    {"\"output_buffer_timeout\":2000", "output_buffer_timeout=2000"},
    {"\"output_buffer_timeout\":2001", INVALID("output buffer timeout (2001)")},
    {"\"output_buffer_size\":1023", "output_buffer_size=1023"},
    {"\"output_buffer_size\":1024", "output_buffer_size=1024"},
    {"\"output_buffer_size\":1025", INVALID("output buffer size (1025)")},
    {"\"msg_timeout\":3999", "msg_timeout=3999"},
    {"\"msg_timeout\":4000", "msg_timeout=4000"},
    {"\"msg_timeout\":4001", INVALID("msg timeout (4001)")},
    {"\"deflate_level\":3", ""},
    {"\"deflate_level\":4", ""},
    {"", ""},
    {"\"snappy\":true,\"deflate\":true", ""},
};

static void small(struct engine_config *config)
{
    struct v2_config *v2 = &config->v2;
    v2->max_rdy_count = 10;
    v2->msg_timeout = 2 * TIME_SECOND;
    v2->max_msg_timeout = 4 * TIME_SECOND;
    v2->max_heartbeat_interval = 5 * TIME_SECOND;
    v2->max_output_buffer_size = 1024;
    v2->output_buffer_timeout = 200 * TIME_MS;
    v2->min_output_buffer_timeout = 100 * TIME_MS;
    v2->max_output_buffer_timeout = 2 * TIME_SECOND;
    v2->max_deflate_level = 3;
    v2->deflate = false;
    v2->snappy = false;
}

/* --- replies ---------------------------------------------------------------------------------- */

/* The members of a reply in their order, with their usual values. */
static const struct member {
    const char *name;
    const char *usual;
    const char *small;
} members[] = {
    {"max_rdy_count", "2500", "10"},
    {"version", "\"1.3.0\"", "\"1.3.0\""},
    {"max_msg_timeout", "900000", "4000"},
    {"msg_timeout", "60000", "2000"},
    {"tls_v1", "false", "false"},
    {"deflate", "false", "false"},
    {"deflate_level", "6", "3"},
    {"max_deflate_level", "6", "3"},
    {"snappy", "false", "false"},
    {"sample_rate", "0", "0"},
    {"auth_required", "false", "false"},
    {"output_buffer_size", "16384", "16384"},
    {"output_buffer_timeout", "250", "200"},
};

static void append(struct buf *b, const char *text)
{
    buf_append(b, span_make(text, strlen(text)));
}

/* Appends the value of `name` in "name=value name=value", or `usual` if it is not there. */
static void append_value(struct buf *b, const char *different, const char *name, const char *usual)
{
    size_t n = strlen(name);
    for (const char *p = different; *p != '\0'; p += strcspn(p, " "), p += *p == ' ' ? 1 : 0) {
        if (strncmp(p, name, n) == 0 && p[n] == '=') {
            buf_append(b, span_make(p + n + 1, strcspn(p + n + 1, " ")));
            return;
        }
    }
    append(b, usual);
}

/* Appends a reply in the form of client_heard, and a NUL. */
static void append_reply(struct buf *b, const char *different, bool is_small)
{
    append(b, "R {");
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        const struct member *m = &members[i];
        append(b, i == 0 ? "\"" : ",\"");
        append(b, m->name);
        append(b, "\":");
        append_value(b, different, m->name, is_small ? m->small : m->usual);
    }
    buf_append(b, span_make("}", 2));
}

static void identify(struct client *c, const char *more)
{
    char json[512];
    const char *comma = more[0] == '\0' ? "" : ",";
    snprintf(json, sizeof json, "{\"feature_negotiation\":true%s%s}", comma, more);
    client_identify(c, json);
}

static void check_answer(struct client *c, const struct row *row, bool is_small)
{
    struct buf expected = {0};
    identify(c, row->members);
    if (strncmp(row->answer, "E ", 2) == 0) {
        buf_append(&expected, span_make(row->answer, strlen(row->answer) + 1));
    } else {
        append_reply(&expected, row->answer, is_small);
    }
    const char *heard = client_heard(c);
    if (strcmp(heard, (const char *)expected.p) != 0) {
        world_fail(__FILE__, __LINE__, "{%s}\n  expected: %s\n  received: %s", row->members,
                   (const char *)expected.p, heard);
    }
    buf_free(&expected);
}

static void check_rows(const struct row *rows, size_t count, bool is_small)
{
    struct engine_config config = world_config();
    if (is_small) {
        small(&config);
    }
    struct world *w = world_new(&config);
    for (size_t i = 0; i < count; i++) {
        check_answer(world_connect(w), &rows[i], is_small);
    }
    world_free(w);
}

static void settings_have_nsqds_bounds(void **state)
{
    (void)state;
    check_rows(defaults, sizeof defaults / sizeof defaults[0], false);
}

static void flags_set_the_bounds(void **state)
{
    (void)state;
    check_rows(smalls, sizeof smalls / sizeof smalls[0], true);
}

static void the_default_reply_is_nsqds(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = world_connect(w);
    identify(c, "");
    client_expect(c, "R {\"max_rdy_count\":2500,\"version\":\"1.3.0\",\"max_msg_timeout\":900000,"
                     "\"msg_timeout\":60000,\"tls_v1\":false,\"deflate\":false,\"deflate_level\":6,"
                     "\"max_deflate_level\":6,\"snappy\":false,\"sample_rate\":0,"
                     "\"auth_required\":false,\"output_buffer_size\":16384,"
                     "\"output_buffer_timeout\":250}");
    world_free(w);
}

/* --- more than one IDENTIFY ------------------------------------------------------------------- */

#define ROWS_MAX 3

static const struct row again[][ROWS_MAX] = {
    {{"\"msg_timeout\":2000,\"sample_rate\":7,\"output_buffer_size\":100",
      "msg_timeout=2000 sample_rate=7 output_buffer_size=100"},
     {"", "msg_timeout=2000 output_buffer_size=100"}}, /* everything except the rate is kept */
    {{"\"msg_timeout\":2000,\"output_buffer_size\":100", "msg_timeout=2000 output_buffer_size=100"},
     {"\"msg_timeout\":3000,\"output_buffer_size\":200",
      "msg_timeout=3000 output_buffer_size=200"}},
    {{"\"output_buffer_timeout\":-1", "output_buffer_timeout=0"},
     {"\"output_buffer_timeout\":0", "output_buffer_timeout=0"}},
    {{"\"output_buffer_size\":-1", "output_buffer_size=1 output_buffer_timeout=0"},
     {"\"output_buffer_size\":64", "output_buffer_size=64 output_buffer_timeout=0"}},
    {{"", ""}, {"\"sample_rate\":100", INVALID("sample rate (100)")}},
};

static void settings_are_kept_until_they_are_replaced(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    for (size_t i = 0; i < sizeof again / sizeof again[0]; i++) {
        struct client *c = world_connect(w);
        for (size_t j = 0; j < ROWS_MAX && again[i][j].members != NULL; j++) {
            check_answer(c, &again[i][j], false);
        }
    }
    world_free(w);
}

static const struct cuts_case conversations[] = {
    CUTS_CASE("twice", "IDENTIFY\n\0\0\0\2{}|IDENTIFY\n\0\0\0\2{}|", "R OK; R OK"),
    CUTS_CASE("then no JSON", "IDENTIFY\n\0\0\0\2{}|IDENTIFY\n\0\0\0\1x|",
              "R OK; E E_BAD_BODY IDENTIFY failed to decode JSON body; SHUT"),
    CUTS_CASE("then commands", "IDENTIFY\n\0\0\0\2{}|PUB t\n\0\0\0\1x|SUB t c\n|",
              "R OK; R OK; R OK"),
    CUTS_CASE("after a command", "PUB t\n\0\0\0\1x|IDENTIFY\n\0\0\0\2{}|", "R OK; R OK"),
    CUTS_CASE("null", "IDENTIFY\n\0\0\0\4null|", "R OK"),
    CUTS_CASE(
        "only one codec can be had",
        "IDENTIFY\n\0\0\0\x39{\"feature_negotiation\":true,\"snappy\":true,\"deflate\":true}|",
        "E E_IDENTIFY_FAILED cannot enable both deflate and snappy compression; SHUT"),
    CUTS_CASE("without negotiation nobody asks for one",
              "IDENTIFY\n\0\0\0\x1e{\"snappy\":true,\"deflate\":true}|", "R OK"),
    CUTS_CASE("invalid without negotiation", "IDENTIFY\n\0\0\0\x13{\"sample_rate\":100}|",
              INVALID("sample rate (100)")),
};

static void identify_in_a_conversation(void **state)
{
    (void)state;
    cuts_check_cases(conversations, sizeof conversations / sizeof conversations[0]);
}

/* What the server does not offer is answered with false, and the connection goes on in clear text.
 * test_upgrade.c tests what it offers. */
static void upgrades_that_cannot_be_had(void **state)
{
    (void)state;
    const struct row asks[] = {
        {"\"tls_v1\":true", ""}, /* there is no certificate */
        {"\"snappy\":true,\"deflate\":true,\"deflate_level\":3",
         "E E_IDENTIFY_FAILED cannot enable both deflate and snappy compression; SHUT"}};
    check_rows(asks, 2, false);
}

/* The reply has the default level, or the highest allowed level if that is lower. */
static void the_deflate_level_is_bounded(void **state)
{
    (void)state;
    for (int64_t most = 5; most <= 7; most++) {
        struct engine_config config = world_config();
        config.v2.max_deflate_level = most;
        struct world *w = world_new(&config);
        char different[64];
        snprintf(different, sizeof different, "deflate_level=%d max_deflate_level=%d",
                 most < 6 ? (int)most : 6, (int)most);
        const struct row row = {"", different};
        check_answer(world_connect(w), &row, false);
        world_free(w);
    }
}

/* --- what is kept ----------------------------------------------------------------------------- */

static void expect_identity(const struct client *c, const char *client_id, const char *hostname,
                            const char *user_agent)
{
    const struct identity *i = client_session(c)->identity;
    assert_true(span_equal(i->client_id, span_make(client_id, strlen(client_id))));
    assert_true(span_equal(i->hostname, span_make(hostname, strlen(hostname))));
    assert_true(span_equal(i->user_agent, span_make(user_agent, strlen(user_agent))));
}

static void the_identity_is_the_latest(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = world_connect(w);
    assert_null(client_session(c)->identity);
    client_identify(c, "{\"client_id\":\"a\",\"hostname\":\"b\",\"user_agent\":\"c\"}");
    expect_identity(c, "a", "b", "c");
    client_identify(c, "{\"hostname\":\"d\"}"); /* members that are not given are empty */
    expect_identity(c, "", "d", "");
    world_free(w);
}

/* Thousands of idle clients have an identity each. */
static void an_identity_costs_what_its_texts_are_long(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "pc-7", "a-longer-name.example.com", "x"};
    struct world *w = world_new(NULL);
    struct client *c = world_connect(w);
    const size_t *used = &w->engine->broker.core.budget.used;
    size_t before = *used;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char json[64];
        snprintf(json, sizeof json, "{\"hostname\":\"%s\"}", texts[i]);
        client_identify(c, json);
        expect_identity(c, "", texts[i], "");
        assert_int_equal(*used - before,
                         sizeof(struct identity) + strlen(texts[i]) + ALLOC_OVERHEAD);
    }
    assert_in_range(sizeof(struct identity), 0, 64);
    world_free(w);
}

static void settings_are_kept_in_their_units(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = world_connect(w);
    client_identify(c, "{\"heartbeat_interval\":2000,\"output_buffer_size\":100,"
                       "\"output_buffer_timeout\":30,\"sample_rate\":9,\"msg_timeout\":3000}");
    const struct session *s = client_session(c);
    assert_int_equal(s->heartbeat_interval, 2 * TIME_SECOND);
    assert_int_equal(s->output_buffer_size, 100);
    assert_int_equal(s->output_buffer_timeout, 30 * TIME_MS);
    assert_int_equal(s->sample_rate, 9);
    assert_int_equal(s->msg_timeout, 3 * TIME_SECOND);
    assert_int_equal(s->consumer.sample_rate, 9);
    assert_int_equal(s->consumer.msg_timeout, 3 * TIME_SECOND);
    assert_int_equal(s->conn->write_timeout, 2 * TIME_SECOND);
    client_identify(c, "{\"sample_rate\":8,\"msg_timeout\":4000}");
    assert_int_equal(s->sample_rate, 8);
    assert_int_equal(s->msg_timeout, 4 * TIME_SECOND);
    assert_int_equal(s->consumer.sample_rate,
                     9); /* deliveries keep the settings of the first IDENTIFY */
    assert_int_equal(s->consumer.msg_timeout, 3 * TIME_SECOND);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_have_nsqds_bounds),
        cmocka_unit_test(flags_set_the_bounds),
        cmocka_unit_test(the_default_reply_is_nsqds),
        cmocka_unit_test(settings_are_kept_until_they_are_replaced),
        cmocka_unit_test(identify_in_a_conversation),
        cmocka_unit_test(upgrades_that_cannot_be_had),
        cmocka_unit_test(the_deflate_level_is_bounded),
        cmocka_unit_test(the_identity_is_the_latest),
        cmocka_unit_test(an_identity_costs_what_its_texts_are_long),
        cmocka_unit_test(settings_are_kept_in_their_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
