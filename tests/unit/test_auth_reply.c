/* SPDX-License-Identifier: MIT */
/* Tests of auth/auth_reply.h. */
#include "support/auth_whole.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/text.h"

#define MOST ((size_t)1 << 20)
#define LISTS "\"channels\":[\"c\"],\"permissions\":[\"publish\",\"subscribe\"]"
#define RULE(topic) "{\"topic\":\"" topic "\"," LISTS "}"

static struct auth_state *parse(struct span body, size_t most, struct buf *why)
{
    return whole_reply(body, most, why);
}

/* `why` NULL: the body is accepted. */
static void expect(struct span body, const char *why)
{
    struct buf said = {0};
    struct auth_state *state = parse(body, MOST, &said);
    text_append(&said, "\0");
    if ((state == NULL) != (why != NULL)) {
        fail_msg("%.*s: %s", (int)body.n, (const char *)body.p, (const char *)buf_span(&said).p);
    }
    assert_string_equal((const char *)buf_span(&said).p, why == NULL ? "" : why);
    buf_free(&said);
    auth_state_free(state);
}

#define ACCEPTED(body) expect(SPAN(body), NULL)
#define REFUSED(body, why) expect(SPAN(body), why)

static void an_answer_says_what_is_granted(void **state)
{
    (void)state;
    struct buf why = {0};
    struct auth_state *s = parse(SPAN("{\"ttl\":7,\"identity\":\"i\",\"identity_url\":\"u\","
                                      "\"authorizations\":[" RULE("^a$") "," RULE("b") "]}"),
                                 MOST, &why);
    assert_non_null(s);
    assert_int_equal(s->ttl, 7);
    assert_int_equal(s->rule_count, 2);
    assert_true(span_equal(buf_span(&s->identity), SPAN("i")));
    assert_true(span_equal(buf_span(&s->identity_url), SPAN("u")));
    assert_true(whole_check(s, SPAN("a"), SPAN("c")));
    assert_true(whole_check(s, SPAN("xbx"), SPAN("xcx")));
    assert_false(whole_check(s, SPAN("aa"), SPAN("c")));
    assert_false(whole_check(s, SPAN("a"), SPAN("d")));
    assert_false(whole_check(s, SPAN("a"), SPAN(""))); /* publishing: "c" does not match "" */
    auth_state_free(s);
}

static void each_permission_covers_one_thing(void **state)
{
    (void)state;
    static const struct {
        const char *list;
        bool publish, subscribe;
    } cases[] = {{"[]", false, false},
                 {"[\"publish\"]", true, false},
                 {"[\"subscribe\"]", false, true},
                 {"[\"subscribe\",\"publish\",\"publish\"]", true, true},
                 {"null", false, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf body = {0};
        struct buf why = {0};
        text_append(&body, "{\"ttl\":1,\"authorizations\":[{\"topic\":\"t\",\"channels\":[\".*\"],"
                           "\"permissions\":");
        buf_append(&body, span_make(cases[i].list, strlen(cases[i].list)));
        text_append(&body, "}]}");
        struct auth_state *s = parse(buf_span(&body), MOST, &why);
        assert_int_equal(whole_check(s, SPAN("t"), SPAN("")), cases[i].publish);
        assert_int_equal(whole_check(s, SPAN("t"), SPAN("c")), cases[i].subscribe);
        auth_state_free(s);
        buf_free(&body);
    }
}

/* tests/interop/auth.py has seen these from nsqd 1.3.0, and has more of them. */
static void documents_are_read_as_go_reads_them(void **state)
{
    (void)state;
    ACCEPTED("{\"ttl\":1}");
    ACCEPTED(" {\"TTL\":1,\"ttl\":2}\n");
    ACCEPTED("{\"ttl\":0,\"Ttl\":9223372036854775807}");
    ACCEPTED("{\"ttl\":1,\"x\":[{\"ttl\":\"x\"},[[]],1.5,true,null],\"y\":{}}");
    ACCEPTED("{\"ttl\":1,\"authorizations\":null,\"identity\":null,\"expires\":null}");
    ACCEPTED("{\"ttl\":1,\"authorizations\":[null,{}]}");
    ACCEPTED("{\"ttl\":1,\"authorizations\":[{\"x\":[1,{}],\"topic\":null,\"channels\":[null]}]}");
    ACCEPTED("{\"ttl\":1,\"expires\":\"2020-02-29T23:59:59.25+01:30\"}");
    REFUSED("", "invalid JSON");
    REFUSED("null", "invalid TTL 0 (must be >0)");
    REFUSED("[]", "invalid JSON");
    REFUSED("1", "invalid JSON");
    REFUSED("{\"ttl\":1}x", "invalid JSON");
    REFUSED("{\"ttl\":1", "invalid JSON");
    REFUSED("{\"ttl\":0}", "invalid TTL 0 (must be >0)");
    REFUSED("{\"ttl\":-5}", "invalid TTL -5 (must be >0)");
    REFUSED("{\"ttl\":1.0}", "invalid JSON");
    REFUSED("{\"ttl\":\"1\"}", "invalid JSON");
    REFUSED("{\"ttl\":true}", "invalid JSON");
    REFUSED("{\"ttl\":[]}", "invalid JSON");
    REFUSED("{\"ttl\":9223372036854775808}", "invalid JSON");
    REFUSED("{\"ttl\":1,\"identity\":{}}", "invalid JSON");
    REFUSED("{\"ttl\":1,\"identity\":1}", "invalid JSON");
    REFUSED("{\"ttl\":1,\"authorizations\":{}}", "invalid JSON");
    REFUSED("{\"ttl\":1,\"authorizations\":[1]}", "invalid JSON");
    REFUSED("{\"ttl\":1,\"authorizations\":[[]]}", "invalid JSON");
    REFUSED("{\"ttl\":1,\"authorizations\":[\"\"]}", "invalid JSON");
    REFUSED("{\"ttl\":1,\"authorizations\":[{\"topic\":1}]}", "invalid JSON");
    REFUSED("{\"ttl\":1,\"authorizations\":[{\"channels\":\"c\"}]}", "invalid JSON");
    REFUSED("{\"ttl\":1,\"authorizations\":[{\"channels\":[{}]}]}", "invalid JSON");
    REFUSED("{\"ttl\":1,\"authorizations\":[{\"channels\":[1]}]}", "invalid JSON");
    REFUSED("{\"ttl\":1,\"authorizations\":[{\"permissions\":[false]}]}", "invalid JSON");
    REFUSED("{\"ttl\":1,\"expires\":1}", "invalid JSON");
    REFUSED("{\"ttl\":1,\"expires\":\"2021-02-29T00:00:00Z\"}", "invalid JSON");
    REFUSED("{\"ttl\":1,\"expires\":\"2021-02-28T24:00:00Z\"}", "invalid JSON");
    REFUSED("{\"ttl\":1,\"expires\":\"2021-02-28T00:00:00.Z\"}", "invalid JSON");
    REFUSED("{\"ttl\":1,\"expires\":\"2021-02-28T00:00:00\"}", "invalid JSON");
    REFUSED("{\"ttl\":1,\"expires\":\"2021-02-28T00:00:00+25:00\"}", "invalid JSON");
}

static void unknown_permissions_and_bad_patterns_are_refused(void **state)
{
    (void)state;
    REFUSED("{\"ttl\":1,\"authorizations\":[{\"permissions\":[\"Publish\"]}]}",
            "unknown permission");
    REFUSED("{\"ttl\":1,\"authorizations\":[{\"permissions\":[null]}]}", "unknown permission");
    REFUSED("{\"ttl\":1,\"authorizations\":[{\"topic\":\"(\"}]}",
            "unable to compile topic: missing closing )");
    REFUSED("{\"ttl\":1,\"authorizations\":[{\"channels\":[\"a\",\"(?=a)\"]}]}",
            "unable to compile channel: invalid or unsupported Perl syntax");
}

#define WIDE "\"(?:a?){400}[YZ]\","

/* Each pattern is asked, also behind many that lead to hundreds of states at a time. */
static void every_pattern_is_asked(void **state)
{
    (void)state;
    struct buf why = {0};
    struct auth_state *s = parse(
        SPAN("{\"ttl\":1,\"authorizations\":[{\"topic\":\".\",\"permissions\":[\"subscribe\"],"
             "\"channels\":[" WIDE WIDE WIDE WIDE WIDE WIDE WIDE WIDE "\"(?:a?){400}$\",\"c\"]}]}"),
        MOST, &why);
    assert_non_null(s);
    assert_true(whole_check(s, SPAN("t"), SPAN("aaa")));
    assert_true(whole_check(s, SPAN("t"), SPAN("c")));
    auth_state_free(s);
}

/* When a key occurs several times, the last one counts. */
static void later_keys_replace_earlier(void **state)
{
    (void)state;
    struct buf why = {0};
    struct auth_state *s = parse(
        SPAN("{\"ttl\":1,\"authorizations\":[" RULE(
            "x") "],\"Authorizations\":[{\"topic\":\"("
                 "\",\"topic\":\"t\",\"channels\":[\"x\"],\"permissions\":[\"publish\"]," LISTS
                 "}],\"identity\":\"a\",\"identity\":\"b\"}"),
        MOST, &why);
    assert_non_null(s);
    assert_int_equal(s->rule_count, 1);
    assert_true(whole_check(s, SPAN("t"), SPAN("c")));
    assert_false(whole_check(s, SPAN("t"), SPAN("x")));
    assert_true(span_equal(buf_span(&s->identity), SPAN("b")));
    auth_state_free(s);
}

static void texts_become_valid_utf8(void **state)
{
    (void)state;
    struct buf why = {0};
    struct auth_state *s =
        parse(SPAN("{\"ttl\":1,\"identity\":\"a\xff\\ud800b\\ud83d\\ude00\"}"), MOST, &why);
    assert_non_null(s);
    assert_true(span_equal(buf_span(&s->identity), SPAN("a\xef\xbf\xbd\xef\xbf\xbd"
                                                        "b\xf0\x9f\x98\x80")));
    auth_state_free(s);
}

/* Rules, channels and texts all count against one bound. */
static void the_cost_of_a_grant_has_a_bound(void **state)
{
    (void)state;
    static const char *const parts[] = {"{},", "{\"channels\":[\"a\",\"b\",\"c\",\"d\",\"e\"]},",
                                        "{\"topic\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"},"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct buf body = {0};
        struct buf why = {0};
        text_append(&body, "{\"ttl\":1,\"authorizations\":[");
        for (int n = 0; n < 1000; n++) {
            buf_append(&body, span_make(parts[i], strlen(parts[i])));
        }
        text_append(&body, "{}]}");
        struct auth_state *s = parse(buf_span(&body), (size_t)64 << 20, &why);
        assert_non_null(s);
        size_t cost = s->cost;
        auth_state_free(s);
        assert_null(parse(buf_span(&body), cost - 1, &why));
        assert_true(span_equal(buf_span(&why), SPAN("too many authorizations")));
        buf_free(&why);
        s = parse(buf_span(&body), cost, &why);
        assert_non_null(s);
        auth_state_free(s);
        buf_free(&body);
    }
    struct buf why = {0};
    assert_null(parse(SPAN("{\"ttl\":1,\"identity\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}"),
                      sizeof(struct auth_state) + 100, &why));
    buf_free(&why);
}

static void a_403_names_a_port(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        int64_t port; /* -1: refused */
    } cases[] = {{"{\"https_port\":443}", 443},
                 {"{\"HTTPS_PORT\":1,\"x\":{\"https_port\":2}}", 1},
                 {"{}", 0},
                 {"null", 0},
                 {"{\"https_port\":\"1\"}", -1},
                 {"{\"https_port\":1.5}", -1},
                 {"{\"https_port\":[1]}", -1},
                 {"[]", -1},
                 {"{\"https_port\":true}", -1},
                 {"{\"a\":true,\"b\":\"x\",\"c\":1}", 0},
                 {"1", -1},
                 {"{", -1},
                 {"", -1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t port = 0;
        bool ok = whole_forbidden(span_make(cases[i].body, strlen(cases[i].body)), &port);
        if (ok != (cases[i].port >= 0) || (ok && port != cases[i].port)) {
            fail_msg("%s: %d", cases[i].body, (int)port);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_says_what_is_granted),
        cmocka_unit_test(each_permission_covers_one_thing),
        cmocka_unit_test(documents_are_read_as_go_reads_them),
        cmocka_unit_test(unknown_permissions_and_bad_patterns_are_refused),
        cmocka_unit_test(every_pattern_is_asked),
        cmocka_unit_test(later_keys_replace_earlier),
        cmocka_unit_test(texts_become_valid_utf8),
        cmocka_unit_test(the_cost_of_a_grant_has_a_bound),
        cmocka_unit_test(a_403_names_a_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
