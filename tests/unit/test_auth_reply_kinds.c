/* SPDX-License-Identifier: MIT */
/*
 * Tests of auth/auth_reply.h over lists: each kind of JSON value behind each key and in each list;
 * null behind a value; the exact cost of each part of a grant. The expected results are those of
 * Go's encoding/json with nsqd's struct.
 */
#include "support/auth_whole.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/text.h"

#define MOST ((size_t)1 << 20)

/* --- kinds of values -------------------------------------------------------------------------- */

static const char *const kinds[] = {
    "null",
    "true",
    "false",
    "1",
    "-1",
    "1.5",
    "1e2",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "\"x\"",
    "\"\"",
    "\"2021-01-31T00:00:00Z\"",
    "\"subscribe\"",
    "{}",
    "{\"ttl\":\"x\"}",
    "[]",
    "[null]",
    "[\"publish\"]",
    "[\"x\"]",
    "[1]",
    "[true]",
    "[{}]",
    "[[]]",
    "[{\"ttl\":[{}]}]",
};

#define KINDS (sizeof kinds / sizeof kinds[0])

static void append(struct buf *out, const char *text, size_t n)
{
    buf_append(out, span_make(text, n));
}

/* Returns the document with each '@' replaced by the value. The caller frees it. */
static struct buf document_with(const char *document, const char *value)
{
    struct buf out = {0};
    for (const char *p = document; *p != '\0'; p++) {
        if (*p == '@') {
            append(&out, value, strlen(value));
        } else {
            append(&out, p, 1);
        }
    }
    return out;
}

/* '+': accepted; '-': not the JSON that is wanted; 'x': refused for another reason. */
static char result_of(struct span body)
{
    struct buf why = {0};
    struct auth_state *s = whole_reply(body, MOST, &why);
    char result = s != NULL ? '+' : span_equal(buf_span(&why), SPAN("invalid JSON")) ? '-' : 'x';
    assert_int_equal(s == NULL, why.n > 0);
    auth_state_free(s);
    buf_free(&why);
    return result;
}

#define RULE(member) "{\"ttl\":1,\"authorizations\":[{" member "}]}"

static void every_kind_of_value_in_every_place(void **state)
{
    (void)state;
    static const struct {
        const char *document;
        const char *results; /* one for each of `kinds` */
    } places[] = {
        {"@", "x-------------x----------"},
        {"{\"ttl\":1,\"ttl\":@}", "+--+x--+-x---------------"},
        {"{\"ttl\":1,\"authorizations\":@}", "+---------------++----+-+"},
        {"{\"ttl\":1,\"identity\":@}", "+---------++++-----------"},
        {"{\"ttl\":1,\"identity_url\":@}", "+---------++++-----------"},
        {"{\"ttl\":1,\"expires\":@}", "+-----------+------------"},
        {"{\"ttl\":1,\"other\":@}", "+++++++++++++++++++++++++"},
        {"{\"ttl\":1,\"authorizations\":[@]}", "+-------------++---------"},
        {RULE("\"topic\":@"), "+---------++++-----------"},
        {RULE("\"channels\":@"), "+---------------++++-----"},
        {RULE("\"permissions\":@"), "+---------------+x+x-----"},
        {RULE("\"other\":@"), "+++++++++++++++++++++++++"},
        {RULE("\"channels\":[@]"), "+---------++++-----------"},
        {RULE("\"permissions\":[@]"), "x---------xxx+-----------"},
        {"{\"ttl\":1,\"other\":{\"ttl\":@}}", "+++++++++++++++++++++++++"},
        {"{\"ttl\":1,\"other\":[@]}", "+++++++++++++++++++++++++"},
        /* keys of another place have no meaning */
        {RULE("\"ttl\":@"), "+++++++++++++++++++++++++"},
        {RULE("\"identity\":@,\"identity_url\":@,\"expires\":@,\"authorizations\":@"),
         "+++++++++++++++++++++++++"},
        {"{\"ttl\":1,\"topic\":@,\"channels\":@,\"permissions\":@}", "+++++++++++++++++++++++++"},
    };
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        assert_int_equal(strlen(places[i].results), KINDS);
        for (size_t k = 0; k < KINDS; k++) {
            struct buf body = document_with(places[i].document, kinds[k]);
            char result = result_of(buf_span(&body));
            if (result != places[i].results[k]) {
                fail_msg("%s in %s: %c", kinds[k], places[i].document, result);
            }
            buf_free(&body);
        }
    }
}

static void every_kind_of_value_in_a_403(void **state)
{
    (void)state;
    static const char refused[] = "refused";
    static const struct {
        const char *document;
        const char *port;           /* for the kinds that have none of their own */
        const char *other;          /* for null and {} alone, else for all; NULL: refused */
        bool takes_numbers, object; /* object: the whole document */
    } places[] = {
        {"@", "0", NULL, false, true},
        {"{\"https_port\":@}", "0", NULL, true, false},
        {"{\"other\":@}", "0", "0", false, false},
        {"{\"https_port\":7,\"https_port\":@}", "7", NULL, true, false},
        {"{\"https_port\":7,\"other\":{\"https_port\":@}}", "7", "7", false, false},
        {"{\"https_port\":7,\"other\":[@]}", "7", "7", false, false},
    };
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        for (size_t k = 0; k < KINDS; k++) {
            const char *kind = kinds[k];
            bool integer = k == 3 || k == 4 || k == 7 || k == 9;
            bool null = k == 0 || (places[i].object && kind[0] == '{');
            const char *wanted = null                                 ? places[i].port
                                 : integer && places[i].takes_numbers ? kind
                                 : places[i].other != NULL            ? places[i].other
                                                                      : refused;
            struct buf body = document_with(places[i].document, kind);
            int64_t port = 0;
            bool good = whole_forbidden(buf_span(&body), &port);
            if (good != (wanted != refused) || (good && port != strtoll(wanted, NULL, 10))) {
                fail_msg("%s in %s: %d %lld", kind, places[i].document, good, (long long)port);
            }
            buf_free(&body);
        }
    }
}

/* --- null behind a value ---------------------------------------------------------------------- */

static struct auth_state *granted_by(struct span body)
{
    struct buf why = {0};
    struct auth_state *s = whole_reply(body, MOST, &why);
    assert_non_null(s);
    assert_int_equal(why.n, 0);
    return s;
}

static struct auth_state *granted(const char *body)
{
    return granted_by(span_make(body, strlen(body)));
}

#define BOTH "\"permissions\":[\"publish\",\"subscribe\"]"

/* null changes no text and no number, and makes a list empty. */
static void null_behind_a_value(void **state)
{
    (void)state;
    struct auth_state *s =
        granted("{\"ttl\":5,\"ttl\":null,\"identity\":\"i\",\"identity\":null,\"identity_url\":"
                "\"u\",\"identity_url\":null,\"expires\":null,\"authorizations\":[{\"topic\":\"t\","
                "\"topic\":null,\"channels\":[\"c\"]," BOTH "}]}");
    assert_int_equal(s->ttl, 5);
    assert_true(span_equal(buf_span(&s->identity), SPAN("i")));
    assert_true(span_equal(buf_span(&s->identity_url), SPAN("u")));
    assert_true(whole_check(s, SPAN("t"), SPAN("c")));
    assert_false(whole_check(s, SPAN("x"), SPAN("c")));
    auth_state_free(s);

    s = granted("{\"ttl\":1,\"authorizations\":[{}],\"authorizations\":null}");
    assert_int_equal(s->rule_count, 0);
    auth_state_free(s);
    s = granted("{\"ttl\":1,\"authorizations\":[{}],\"authorizations\":[]}");
    assert_int_equal(s->rule_count, 0);
    auth_state_free(s);
    s = granted(RULE("\"topic\":\"t\",\"channels\":[\"c\"],\"channels\":null," BOTH));
    assert_int_equal(s->rules[0].channel_count, 0);
    assert_false(whole_check(s, SPAN("t"), SPAN("c")));
    auth_state_free(s);
    s = granted(RULE("\"topic\":\"t\",\"channels\":[\"c\"]," BOTH ",\"permissions\":null"));
    assert_false(s->rules[0].publish || s->rules[0].subscribe);
    auth_state_free(s);
    s = granted(RULE("\"topic\":\"t\",\"channels\":[\"c\"]," BOTH ",\"permissions\":[]"));
    assert_false(s->rules[0].publish || s->rules[0].subscribe);
    auth_state_free(s);
}

/* A value of an unknown key ends where it ends, at any depth; the keys behind it have a meaning. */
static void unknown_values_end(void **state)
{
    (void)state;
    static const char *const values[] = {"{}",
                                         "[]",
                                         "[[],{}]",
                                         "{\"ttl\":[{\"ttl\":9}]}",
                                         "{\"ttl\":{\"ttl\":9},\"ttl\":9}",
                                         "[{\"ttl\":9},9,\"9\",true,null]"};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct buf body =
            document_with("{\"other\":@,\"ttl\":3,\"authorizations\":[{\"other\":@,\"topic\":\"t\","
                          "\"channels\":[\"c\"],\"other\":@," BOTH
                          ",\"other\":@}],\"other\":@,\"identity\":\"i\"}",
                          values[i]);
        struct auth_state *s = granted_by(buf_span(&body));
        assert_int_equal(s->ttl, 3);
        assert_true(span_equal(buf_span(&s->identity), SPAN("i")));
        assert_true(whole_check(s, SPAN("t"), SPAN("c")));
        assert_false(whole_check(s, SPAN("x"), SPAN("c")));
        auth_state_free(s);
        buf_free(&body);
    }
}

/* --- the exact cost --------------------------------------------------------------------------- */

static size_t pattern_cost(const char *text)
{
    struct span why;
    struct auth_pattern *p = whole_pattern(span_make(text, strlen(text)), &why);
    assert_non_null(p);
    size_t size = auth_pattern_size(p);
    auth_pattern_free(p);
    return size;
}

/* A limit that is a byte less than the need refuses, and the need itself is enough. */
static void every_part_has_its_exact_cost(void **state)
{
    (void)state;
    const size_t least = sizeof(struct auth_state) + 2 * ALLOC_OVERHEAD;
    const size_t rule = 2 * sizeof(struct auth_rule) + ALLOC_OVERHEAD;
    const size_t empty = pattern_cost("");
    const size_t channel = 2 * sizeof(void *) + pattern_cost("chan");
    const struct {
        const char *body;
        size_t cost;
    } cases[] = {
        {"{\"ttl\":1}", least},
        {"{\"ttl\":1,\"authorizations\":[],\"expires\":null,\"x\":\"yyyyyyyy\"}", least},
        {"{\"ttl\":1,\"identity\":\"abcde\"}", least + 15 + ALLOC_OVERHEAD},
        {"{\"ttl\":1,\"identity_url\":\"abc\"}", least + 9 + ALLOC_OVERHEAD},
        {"{\"ttl\":1,\"identity\":\"\xff\xfe\"}", least + 6 + ALLOC_OVERHEAD},
        {"{\"ttl\":1,\"identity\":\"a\",\"identity\":\"b\"}", least + 6 + 2 * ALLOC_OVERHEAD},
        {"{\"ttl\":1,\"authorizations\":[{}]}", least + rule + empty},
        {"{\"ttl\":1,\"authorizations\":[null]}", least + rule + empty},
        {RULE("\"topic\":\"a{2}\""), least + rule + pattern_cost("a{2}")},
        {RULE("\"channels\":[null]"), least + rule + empty + 2 * sizeof(void *) + empty},
        {RULE("\"channels\":[\"chan\"]"), least + rule + empty + channel},
        {RULE("\"channels\":[\"chan\",\"chan\",\"chan\"]"), least + rule + empty + 3 * channel},
        {RULE("\"permissions\":[\"publish\",\"subscribe\"]"), least + rule + empty},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct span body = span_make(cases[i].body, strlen(cases[i].body));
        struct buf why = {0};
        assert_null(whole_reply(body, cases[i].cost - 1, &why));
        assert_true(span_equal(buf_span(&why), SPAN("too many authorizations")));
        buf_free(&why);
        struct auth_state *s = whole_reply(body, cases[i].cost, &why);
        assert_non_null(s);
        assert_int_equal(s->cost, cases[i].cost);
        assert_true(s->identity.cap + s->identity_url.cap <= s->cost - least);
        assert_int_equal(why.n, 0);
        auth_state_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_value_in_every_place),
        cmocka_unit_test(every_kind_of_value_in_a_403),
        cmocka_unit_test(null_behind_a_value),
        cmocka_unit_test(unknown_values_end),
        cmocka_unit_test(every_part_has_its_exact_cost),
    };
    return cmocka_run_group_tests_name("auth_reply_kinds", tests, NULL, NULL);
}
