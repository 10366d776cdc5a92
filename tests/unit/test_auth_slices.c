/* SPDX-License-Identifier: MIT */
/*
 * Checks that one call of the engine does a bounded part of the work that an auth server's answer
 * causes: to read it, to compile its patterns, and to match names against them; and that clients
 * notice nothing of it. The work is not measured by the engine's own count of effort, but by the
 * calls of the JSON reader and of RE2's functions: the Makefile has the linker put the functions of
 * this file in front of them.
 *
 * tests/soak/gates.c checks the same on real sockets, in processor time.
 */
#include "auth/auth_re2.h"
#include "support/auth_whole.h"
#include "support/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/text.h"
#include "session/session.h"

#define BODY_MOST ((size_t)1 << 20)
#define ALL "\"permissions\":[\"publish\",\"subscribe\"]"
#define RULE(topic) "{\"topic\":\"" topic "\",\"channels\":[\".*\"]," ALL "}"
#define GRANT_OF(rules) "{\"ttl\":60,\"authorizations\":[" rules "]}"

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker needs these names. */
void __real_json_reader_add(struct json_reader *reader, struct span piece);
struct auth_re2 *__real_auth_re2_new(const char *p, size_t n, size_t memory, const char **why,
                                     bool *too_large);
bool __real_auth_re2_matches(const struct auth_re2 *re, const char *p, size_t n);
void __wrap_json_reader_add(struct json_reader *reader, struct span piece);
struct auth_re2 *__wrap_auth_re2_new(const char *p, size_t n, size_t memory, const char **why,
                                     bool *too_large);
bool __wrap_auth_re2_matches(const struct auth_re2 *re, const char *p, size_t n);
/* NOLINTEND(bugprone-reserved-identifier) */

struct work {
    size_t json; /* bytes */
    size_t attempts;
    size_t matches;
};

static struct {
    struct tcp_handler handler; /* the engine's */
    struct work now;            /* of the current call */
    struct work most;           /* of any call */
    struct work all;
    size_t calls;
} seen;

/* NOLINTBEGIN(bugprone-reserved-identifier) */
void __wrap_json_reader_add(struct json_reader *reader, struct span piece)
{
    seen.now.json += piece.n;
    __real_json_reader_add(reader, piece);
}

struct auth_re2 *__wrap_auth_re2_new(const char *p, size_t n, size_t memory, const char **why,
                                     bool *too_large)
{
    seen.now.attempts++;
    return __real_auth_re2_new(p, n, memory, why, too_large);
}

bool __wrap_auth_re2_matches(const struct auth_re2 *re, const char *p, size_t n)
{
    seen.now.matches++;
    return __real_auth_re2_matches(re, p, n);
}
/* NOLINTEND(bugprone-reserved-identifier) */

/* --- the engine, with counts ------------------------------------------------------------------ */

static void note(size_t now, size_t *most, size_t *all)
{
    *most = now > *most ? now : *most;
    *all += now;
}

static void end_call(void)
{
    note(seen.now.json, &seen.most.json, &seen.all.json);
    note(seen.now.attempts, &seen.most.attempts, &seen.all.attempts);
    note(seen.now.matches, &seen.most.matches, &seen.all.matches);
    seen.now = (struct work){0};
    seen.calls++;
}

static size_t on_recv(void *self, uint64_t conn, struct span in, int64_t now)
{
    size_t n = seen.handler.recv(self, conn, in, now);
    end_call();
    return n;
}

static void on_step(void *self, int64_t now, int64_t judged)
{
    seen.handler.step(self, now, judged);
    end_call();
}

static void forget_counts(void)
{
    seen.most = (struct work){0};
    seen.all = (struct work){0};
    seen.calls = 0;
}

static struct world *counted_world(size_t units)
{
    static const char *const servers[] = {"a:1"};
    struct engine_config config = world_config();
    config.auth.servers = servers;
    config.auth.server_count = 1;
    config.broker.effort_a_call = units;
    struct world *w = world_new(&config);
    seen.handler = w->handler;
    w->handler.recv = on_recv;
    w->handler.step = on_step;
    return w;
}

/* --- verbs ------------------------------------------------------------------------------------ */

static struct client *with_auth(struct world *w)
{
    struct client *c = world_connect(w);
    SEND(c, "AUTH\n\0\0\0\6s3cret");
    client_expect_nothing(c);
    return c;
}

static void append_answer(struct buf *out, const char *status, struct span body)
{
    char head[128];
    int n =
        snprintf(head, sizeof head, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n", status, body.n);
    buf_append(out, span_make(head, (size_t)n));
    buf_append(out, body);
}

/* Answers a query, without the rounds that follow. */
static void post_answer(struct client *server, const char *status, struct span body)
{
    struct buf out = {0};
    append_answer(&out, status, body);
    client_post(server, buf_span(&out));
    buf_free(&out);
}

static void answer(struct world *w, const char *status, struct span body)
{
    post_answer(world_accept(w), status, body);
    world_settle(w);
}

static struct client *authorized(struct world *w, struct span body)
{
    struct client *c = with_auth(w);
    answer(w, "200 OK", body);
    assert_memory_equal(client_heard(c), "R {\"identity\"", 13);
    return c;
}

static void append_text(struct buf *b, const char *text)
{
    buf_append(b, span_make(text, strlen(text)));
}

/* A grant of n rules for other topics, and one for the topics that begin with t. */
static struct span many_rules(struct buf *b, unsigned n)
{
    append_text(b, "{\"ttl\":60,\"authorizations\":[");
    for (unsigned i = 0; i < n; i++) {
        append_text(b, RULE("^x") ",");
    }
    append_text(b, RULE("^t") "]}");
    return buf_span(b);
}

/* A document of n bytes in which almost each byte is a token, between two texts. */
static struct span tokens(struct buf *b, const char *front, size_t n, const char *end)
{
    append_text(b, front);
    append_text(b, "[1");
    while (b->n + strlen(end) + 3 <= n) {
        append_text(b, ",1");
    }
    append_text(b, "]");
    append_text(b, end);
    return buf_span(b);
}

/* --- reading ---------------------------------------------------------------------------------- */

static void one_call_reads_a_slice(void **state)
{
    (void)state;
    struct world *w = counted_world(1);
    struct buf body = {0};
    struct span in =
        tokens(&body, "{\"ttl\":60,\"authorizations\":[" RULE("^t") "],\"x\":", BODY_MOST, "}");
    struct client *c = with_auth(w);
    forget_counts();
    answer(w, "200 OK", in);
    client_expect(c, "R {\"identity\":\"\",\"identity_url\":\"\",\"permission_count\":1}");
    assert_in_range(seen.most.json, 1, AUTH_SLICE + 12);
    assert_int_equal(seen.all.json, in.n);
    assert_int_equal(seen.most.attempts, 1);
    buf_free(&body);
    world_free(w);
}

static void one_call_reads_a_slice_of_a_403(void **state)
{
    (void)state;
    struct world *w = counted_world(1);
    struct buf body = {0};
    struct span in = tokens(&body, "{\"https_port\":\"x\",\"x\":", BODY_MOST, "}");
    struct client *c = with_auth(w);
    forget_counts();
    answer(w, "403 Forbidden", in);
    client_expect(c, "E E_AUTH_FAILED AUTH failed; SHUT");
    assert_in_range(seen.most.json, 1, AUTH_SLICE + 12);
    assert_int_equal(seen.all.json, in.n);
    buf_free(&body);
    world_free(w);
}

/* With the usual allowance: to read JSON and to compile cost more than to copy. */
static void reading_costs_effort(void **state)
{
    (void)state;
    struct engine_config usual = world_config();
    struct world *w = counted_world(usual.broker.effort_a_call);
    struct buf body = {0};
    struct span in = tokens(&body, "{\"ttl\":60,\"x\":", BODY_MOST, "}");
    struct client *c = with_auth(w);
    forget_counts();
    answer(w, "200 OK", in);
    assert_non_null(strstr(client_heard(c), "no authorizations found"));
    assert_in_range(seen.most.json, AUTH_SLICE, 2 * (AUTH_SLICE + 12));
    buf_free(&body);
    /* Each of these patterns takes a fifth of a millisecond. */
    append_text(&body, "{\"ttl\":60,\"authorizations\":[");
    for (unsigned i = 0; i < 50; i++) {
        append_text(&body, RULE("(\\\\pL\\\\PL){0}") ",");
    }
    append_text(&body, RULE("^t") "]}");
    c = with_auth(w);
    forget_counts();
    answer(w, "200 OK", buf_span(&body));
    assert_non_null(strstr(client_heard(c), "\"permission_count\":51"));
    assert_in_range(seen.most.attempts, 1, 5);
    assert_int_equal(seen.all.attempts, 2 * 51);
    buf_free(&body);
    world_free(w);
}

/* A client's long answer does not let another client wait. */
static void others_have_their_turn(void **state)
{
    (void)state;
    struct world *w = counted_world(1);
    struct buf body = {0};
    struct span in = tokens(&body, "{\"ttl\":60,\"x\":", BODY_MOST, "}");
    struct client *first = with_auth(w);
    struct client *second = with_auth(w);
    struct client *servers[] = {world_accept(w), world_accept(w)};
    post_answer(servers[0], "200 OK", in);
    post_answer(servers[1], "200 OK", SPAN(GRANT_OF(RULE("^t"))));
    forget_counts();
    for (unsigned i = 0; i < 20 && client_events(second) == 0; i++) {
        world_round(w);
    }
    assert_memory_equal(client_heard(second), "R {\"identity\"", 13);
    client_expect_nothing(first);
    world_settle(w);
    assert_non_null(strstr(client_heard(first), "no authorizations found"));
    buf_free(&body);
    world_free(w);
}

/* Pairs of escapes, half pairs and other characters, at each place around the end of a slice. */
static void slices_do_not_matter(void **state)
{
    (void)state;
    static const char *const texts[] = {"\\ud83d\\ude00", "\\ud83d\\ud83d\\ude00", "\\\\ud800",
                                        "\\ud800x",       "\\\"\\u0041\\ude00",    "\303\251\360"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct buf why = {0};
        struct buf expected = {0};
        for (size_t before = 0; before < 48; before++) {
            struct buf body = {0};
            append_text(&body, "{\"ttl\":1,");
            size_t spaces = before == 0 ? 0 : AUTH_SLICE - 52 + before;
            memset(buf_room(&body, spaces + 1), ' ', spaces);
            buf_grew(&body, spaces);
            append_text(&body, "\"identity\":\"");
            append_text(&body, texts[i]);
            append_text(&body, "\"}");
            struct auth_state *s = whole_reply(buf_span(&body), BODY_MOST, &why);
            assert_non_null(s);
            if (before == 0) {
                buf_append(&expected, buf_span(&s->identity));
            }
            assert_true(span_equal(buf_span(&s->identity), buf_span(&expected)));
            auth_state_free(s);
            buf_free(&body);
        }
        buf_free(&expected);
    }
}

static void an_identity_has_a_bound(void **state)
{
    (void)state;
    static const char *const keys[] = {"identity", "identity_url"};
    for (size_t i = 0; i < 4; i++) {
        struct buf body = {0};
        struct buf why = {0};
        size_t n = AUTH_IDENTITY_MAX + i % 2;
        append_text(&body, "{\"ttl\":1,\"");
        append_text(&body, keys[i / 2]);
        append_text(&body, "\":\"");
        memset(buf_room(&body, n), 'i', n);
        buf_grew(&body, n);
        append_text(&body, "\"}");
        struct auth_state *s = whole_reply(buf_span(&body), BODY_MOST, &why);
        assert_int_equal(s != NULL, i % 2 == 0);
        if (s == NULL) {
            assert_true(span_equal(buf_span(&why), SPAN("identity too long")));
        } else {
            assert_int_equal(s->identity.n + s->identity_url.n, n);
        }
        auth_state_free(s);
        buf_free(&why);
        buf_free(&body);
    }
}

/* --- memory while an answer is read ----------------------------------------------------------- */

static void what_is_read_is_charged(void **state)
{
    (void)state;
    struct world *w = counted_world(1);
    const struct budget *budget = &w->engine->broker.core.budget;
    struct buf body = {0};
    struct span in = many_rules(&body, 100);
    size_t before = world_used(w);
    struct client *c = with_auth(w);
    size_t asking = world_used(w);
    post_answer(world_accept(w), "200 OK", in);
    for (unsigned i = 0; i < 50; i++) {
        world_round(w);
    }
    client_expect_nothing(c);
    assert_true(world_used(w) > asking + in.n + (size_t)100 * 4096);
    assert_true(budget->held > 0);
    client_drop(c);
    assert_int_equal(world_used(w), before);
    assert_int_equal(budget->held, 0);
    buf_free(&body);
    world_free(w);
}

/* An attempt to compile a pattern may use much more memory than the pattern needs. */
static void what_attempts_keep_is_held(void **state)
{
    (void)state;
    struct world *w = counted_world(1);
    const struct budget *budget = &w->engine->broker.core.budget;
    struct client *c = with_auth(w);
    size_t most = 0;
    post_answer(world_accept(w), "200 OK", SPAN(GRANT_OF(RULE("x(a?){500}"))));
    for (unsigned i = 0; i < 50; i++) {
        world_round(w);
        most = budget->held > most ? budget->held : most;
    }
    assert_in_range(most, (size_t)127 * 1024, (size_t)132 * 1024);
    assert_int_equal(budget->held, 0);
    assert_memory_equal(client_heard(c), "R {\"identity\"", 13);
    world_free(w);
}

static void what_reads_a_403_is_held(void **state)
{
    (void)state;
    struct world *w = counted_world(1);
    const struct budget *budget = &w->engine->broker.core.budget;
    struct buf body = {0};
    struct span in = tokens(&body, "{\"x\":", (size_t)10 * AUTH_SLICE, "}");
    struct auth_forbidden f;
    struct effort effort = {.left = 0};
    auth_forbidden_begin(&f);
    auth_forbidden_read(&f, in, &effort);
    size_t expected = sizeof f + ALLOC_OVERHEAD + auth_document_memory(&f.document);
    auth_forbidden_free(&f);
    with_auth(w);
    post_answer(world_accept(w), "403 Forbidden", in);
    for (unsigned i = 0; i < 50 && budget->held == 0; i++) {
        world_round(w);
    }
    assert_int_equal(budget->held, expected);
    buf_free(&body);
    world_free(w);
}

/* A rule has no pattern before its object ends. */
static void a_document_that_ends_in_a_rule_is_refused(void **state)
{
    (void)state;
    struct world *w = counted_world(1);
    struct client *c = with_auth(w);
    answer(w, "200 OK", SPAN("{\"ttl\":60,\"authorizations\":[{\"topic\":\"t\""));
    client_expect(c, "E E_AUTH_FAILED AUTH failed; SHUT");
    world_free(w);
}

/* --- checks ----------------------------------------------------------------------------------- */

static void one_call_matches_a_part_of_the_patterns(void **state)
{
    (void)state;
    struct world *w = counted_world(1);
    struct buf body = {0};
    struct client *c = authorized(w, many_rules(&body, 100));
    forget_counts();
    SEND(c, "PUB t\n\0\0\0\1mSUB t c\nNOP\nRDY 1\n");
    client_expect(c, "R OK; R OK; M 1 m");
    assert_int_equal(seen.all.matches, (size_t)2 * 102);
    assert_in_range(seen.most.matches, 1, 2);
    SEND(c, "PUB x1\n\0\0\0\1mPUB y\n\0\0\0\1mNOP\n");
    client_expect(c, "R OK; E E_UNAUTHORIZED AUTH failed for PUB on \"y\" \"\"; SHUT");
    buf_free(&body);
    world_free(w);
}

/* With the usual allowance: large patterns cost more than small ones. */
static void matches_cost_effort(void **state)
{
    (void)state;
    struct engine_config usual = world_config();
    struct world *w = counted_world(usual.broker.effort_a_call);
    struct buf body = {0};
    append_text(&body, "{\"ttl\":60,\"authorizations\":[");
    for (unsigned i = 0; i < 10; i++) {
        append_text(&body, RULE("x(a?){1000}") ",");
    }
    append_text(&body, RULE("^t") "]}");
    struct client *c = authorized(w, buf_span(&body));
    forget_counts();
    SEND(c, "PUB t\n\0\0\0\1m");
    client_expect_ok(c);
    assert_int_equal(seen.all.matches, 12);
    assert_in_range(seen.most.matches, 1, 2);
    buf_free(&body);
    world_free(w);
}

/* A second message to the same topic needs no match. */
static void the_last_topic_is_known(void **state)
{
    (void)state;
    struct world *w = counted_world(1);
    struct client *c = authorized(w, SPAN(GRANT_OF(RULE("^t"))));
    SEND(c, "PUB t\n\0\0\0\1m");
    forget_counts();
    SEND(c, "PUB t\n\0\0\0\1mMPUB t\n\0\0\0\x9\0\0\0\1\0\0\0\1m");
    assert_int_equal(seen.all.matches, 0);
    SEND(c, "PUB tt\n\0\0\0\1mPUB t\n\0\0\0\1m");
    assert_int_equal(seen.all.matches, 4);
    client_expect(c, "R OK; R OK; R OK; R OK; R OK");
    SEND(c, "SUB t c\n");
    assert_int_equal(seen.all.matches, 6);
    SEND(c, "PUB x\n\0\0\0\1m");
    client_expect(c, "R OK; E E_UNAUTHORIZED AUTH failed for PUB on \"x\" \"\"; SHUT");
    world_free(w);
}

/* --- a check that is not finished when something else happens --------------------------------- */

/* A client whose PUB to t is checked, and the check is not finished. */
static struct client *checking(struct world *w, struct span command)
{
    struct buf body = {0};
    struct client *c = authorized(w, many_rules(&body, 100));
    client_post(c, command);
    for (unsigned i = 0; i < 5; i++) {
        world_round(w);
    }
    assert_true(client_session(c)->checking);
    buf_free(&body);
    return c;
}

static void a_whole_message_outlives_its_client(void **state)
{
    (void)state;
    struct world *w = counted_world(1);
    client_drop(checking(w, SPAN("PUB t\n\0\0\0\1m")));
    assert_int_equal(broker_find_topic(&w->engine->broker, SPAN("t"))->message_count, 1);
    client_drop(checking(w, SPAN("SUB u c\n")));
    assert_null(broker_find_topic(&w->engine->broker, SPAN("u")));
    world_free(w);
}

static void a_message_that_is_checked_at_the_end_is_freed(void **state)
{
    (void)state;
    struct world *w = counted_world(1);
    checking(w, SPAN("PUB t\n\0\0\0\1m"));
    world_free_at_once(w);
}

static void end_of_input_waits(void **state)
{
    (void)state;
    struct world *w = counted_world(1);
    struct client *c = checking(w, SPAN("PUB t\n\0\0\0\1mPUB t\n\0\0\0\1n"));
    client_eof(c);
    client_expect(c, "R OK; R OK; CLOSED");
    world_free(w);
}

/* Answers are handled and messages are sent while the check goes on. */
static void others_go_on_beside_a_check(void **state)
{
    (void)state;
    struct world *w = counted_world(1);
    struct client *other = authorized(w, SPAN(GRANT_OF(RULE("^t"))));
    struct client *c = checking(w, SPAN("PUB t\n\0\0\0\1m"));
    client_post(other, SPAN("PUB t\n\0\0\0\1m"));
    for (unsigned i = 0; i < 10 && client_events(other) == 0; i++) {
        world_round(w);
    }
    client_expect_ok(other);
    client_expect_nothing(c);
    world_settle(w);
    client_expect_ok(c);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_call_reads_a_slice),
        cmocka_unit_test(one_call_reads_a_slice_of_a_403),
        cmocka_unit_test(reading_costs_effort),
        cmocka_unit_test(others_have_their_turn),
        cmocka_unit_test(slices_do_not_matter),
        cmocka_unit_test(an_identity_has_a_bound),
        cmocka_unit_test(what_is_read_is_charged),
        cmocka_unit_test(what_attempts_keep_is_held),
        cmocka_unit_test(what_reads_a_403_is_held),
        cmocka_unit_test(a_document_that_ends_in_a_rule_is_refused),
        cmocka_unit_test(one_call_matches_a_part_of_the_patterns),
        cmocka_unit_test(matches_cost_effort),
        cmocka_unit_test(the_last_topic_is_known),
        cmocka_unit_test(a_whole_message_outlives_its_client),
        cmocka_unit_test(a_message_that_is_checked_at_the_end_is_freed),
        cmocka_unit_test(end_of_input_waits),
        cmocka_unit_test(others_go_on_beside_a_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
