/* SPDX-License-Identifier: MIT */
/* Tests of http/http_client.h without TLS, on virtual time, with servers that the tests play. */
#include "http/http_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/time.h"
#include "support/http_stage.h"

/* --- answers ---------------------------------------------------------------------------------- */

static void a_url_is_fetched(void **state)
{
    (void)state;
    struct http_stage *s = http_stage_begin(NULL);
    http_stage_fetch(s, "http://h:1/x?topic=t");
    http_stage_expect_dialled(s, SPAN("h:1"));
    http_stage_accept(s);
    http_stage_expect_heard(s, SPAN(HTTP_STAGE_REQUEST("/x?topic=t", "h:1")));
    EXPECT_NOTHING(s);
    SEND(s, HTTP_STAGE_OK_ABC);
    EXPECT_OUTCOME(s, "200 abc; ");
    assert_int_equal(s->conn, 0);
    http_stage_end(s);
}

/* So is a redirect without a Location. */
static void every_status_is_an_answer(void **state)
{
    (void)state;
    static const struct {
        const char *sent;
        const char *outcome;
    } cases[] = {
        {"HTTP/1.1 404 No\r\nContent-Length: 1\r\n\r\nx", "404 x; "},
        {"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", "500 ; "},
        {"HTTP/1.1 302 Go\r\nContent-Length: 1\r\n\r\nx", "302 x; "},
        {"HTTP/1.1 304 Go\r\nLocation: /x\r\n\r\n", "304 ; "},
        {"garbage\r\n\r\n", "- malformed HTTP response; "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct http_stage *s = http_stage_begin(NULL);
        http_stage_fetch(s, "http://h");
        http_stage_accept(s);
        http_stage_send(s, span_make(cases[i].sent, strlen(cases[i].sent)));
        http_stage_expect_outcome(s, span_make(cases[i].outcome, strlen(cases[i].outcome)));
        assert_int_equal(s->conn, 0);
        http_stage_end(s);
    }
}

/* The outcome of an answer that arrives in pieces of these sizes, and then ends. */
static void answer_in_pieces(struct span answer, size_t first, size_t piece, struct span expected)
{
    struct http_stage *s = http_stage_begin(NULL);
    http_stage_fetch(s, "http://h/");
    http_stage_accept(s);
    for (size_t n = first; answer.n > 0 && s->conn != 0; n = piece) {
        struct span part = span_first(answer, n);
        http_stage_send(s, part);
        answer = span_skip(answer, part.n);
    }
    http_stage_eof(s);
    http_stage_expect_outcome(s, expected);
    http_stage_end(s);
}

static void answers_may_be_cut_anywhere(void **state)
{
    (void)state;
    static const struct {
        struct span answer;
        struct span outcome;
    } cases[] = {
#define CASE(answer, outcome)                                                                      \
    {                                                                                              \
        {(const uint8_t *)(answer), sizeof(answer) - 1},                                           \
        {                                                                                          \
            (const uint8_t *)(outcome), sizeof(outcome) - 1                                        \
        }                                                                                          \
    }
        CASE(HTTP_STAGE_OK_ABC, "200 abc; "),
        CASE(HTTP_STAGE_OK_ABC "more", "200 abc; "),
        CASE("HTTP/1.0 200 OK\r\n\r\nabc", "200 abc; "),
        CASE("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n",
             "200 abc; "),
        CASE("HTTP/1.1 100 Go on\r\n\r\n" HTTP_STAGE_OK_ABC, "200 abc; "),
        CASE("HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\n{}", "403 {}; "),
        CASE("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc", "- unexpected EOF; "),
        CASE("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "- malformed HTTP response; "),
        CASE("HTTP/1.1 302 Go\r\nLocation: ftp://h\r\nContent-Length: 0\r\n\r\n",
             "- unsupported protocol scheme; "),
        CASE("", "- EOF; "),
#undef CASE
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t first = 0; first <= cases[i].answer.n; first++) {
            answer_in_pieces(cases[i].answer, first, SIZE_MAX, cases[i].outcome);
        }
        answer_in_pieces(cases[i].answer, 1, 1, cases[i].outcome);
    }
}

/* An answer that ends early, at any byte, is a failure. */
static void an_answer_that_stops_is_a_failure(void **state)
{
    (void)state;
    struct span answer = SPAN(HTTP_STAGE_OK_ABC);
    for (size_t n = 1; n < answer.n; n++) {
        answer_in_pieces(span_first(answer, n), n, 1, SPAN("- unexpected EOF; "));
        struct http_stage *s = http_stage_begin(NULL);
        http_stage_fetch(s, "http://h/");
        http_stage_accept(s);
        http_stage_send(s, span_first(answer, n));
        EXPECT_NOTHING(s);
        http_stage_lose(s);
        EXPECT_OUTCOME(s, "- connection lost; ");
        http_stage_end(s);
    }
}

static void a_body_has_a_bound(void **state)
{
    (void)state;
    char body[HTTP_STAGE_BODY_MAX + 1];
    memset(body, 'x', sizeof body);
    struct http_stage *s = http_stage_begin(NULL);
    http_stage_fetch(s, "http://h");
    http_stage_accept(s);
    SEND(s, "HTTP/1.1 200 OK\r\n\r\n");
    http_stage_send(s, span_make(body, HTTP_STAGE_BODY_MAX));
    EXPECT_NOTHING(s);
    SEND(s, "x");
    EXPECT_OUTCOME(s, "- body too large; ");
    assert_int_equal(s->conn, 0);
    http_stage_end(s);
}

/* --- redirects -------------------------------------------------------------------------------- */

static void redirects_are_followed(void **state)
{
    (void)state;
    struct http_stage *s = http_stage_begin(NULL);
    http_stage_fetch(s, "http://h:1/");
    http_stage_accept(s);
    SEND(s, "HTTP/1.1 302 Go\r\nLocation: /else?x=1\r\nContent-Length: 2\r\n\r\nno");
    EXPECT_NOTHING(s);
    http_stage_expect_dialled(s, SPAN("h:1"));
    http_stage_accept(s);
    http_stage_expect_heard(s, SPAN(HTTP_STAGE_REQUEST("/else?x=1", "h:1")));
    SEND(s, "HTTP/1.1 307 Go\r\nLocation: http://c/x\r\nContent-Length: 0\r\n\r\n");
    http_stage_expect_dialled(s, SPAN("c:80"));
    http_stage_accept(s);
    http_stage_expect_heard(s, SPAN(HTTP_STAGE_REQUEST("/x", "c")));
    SEND(s, HTTP_STAGE_OK_ABC);
    EXPECT_OUTCOME(s, "200 abc; ");
    http_stage_end(s);
}

static void redirects_have_an_end(void **state)
{
    (void)state;
    struct http_stage *s = http_stage_begin(NULL);
    http_stage_fetch(s, "http://h");
    for (int i = 0; i < HTTP_REDIRECTS_MAX; i++) {
        EXPECT_NOTHING(s);
        http_stage_accept(s);
        SEND(s, "HTTP/1.1 301 Go\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n");
    }
    EXPECT_OUTCOME(s, "- stopped after 10 redirects; ");
    assert_int_equal(s->wanted_count, 0);
    http_stage_end(s);
}

/* --- time ------------------------------------------------------------------------------------- */

static void connecting_has_a_deadline(void **state)
{
    (void)state;
    struct http_stage *s = http_stage_begin(NULL);
    http_stage_fetch(s, "http://h");
    http_stage_advance(s, 2 * TIME_SECOND - 1);
    EXPECT_NOTHING(s);
    http_stage_advance(s, 1);
    EXPECT_OUTCOME(s, "- i/o timeout; ");
    http_stage_end(s);
}

/* Each connection may take the connect timeout; the whole fetch may take the request timeout. */
static void a_fetch_has_a_deadline(void **state)
{
    (void)state;
    struct http_stage *s = http_stage_begin(NULL);
    http_stage_fetch(s, "http://h");
    for (int i = 0; i < 2; i++) {
        http_stage_advance(s, 2 * TIME_SECOND - 1);
        http_stage_accept(s);
        SEND(s, "HTTP/1.1 302 Go\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n");
    }
    http_stage_accept(s);
    SEND(s, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    http_stage_advance(s, TIME_SECOND + 1);
    EXPECT_NOTHING(s);
    http_stage_advance(s, 1);
    EXPECT_OUTCOME(s, "- Client.Timeout exceeded; ");
    assert_int_equal(s->conn, 0);
    http_stage_end(s);
}

static void zero_means_no_timeout(void **state)
{
    (void)state;
    struct http_client_config c = http_stage_config();
    c.connect_timeout = c.request_timeout = 0;
    struct http_stage *s = http_stage_begin(&c);
    http_stage_fetch(s, "http://h");
    http_stage_advance(s, 1000 * TIME_SECOND);
    EXPECT_NOTHING(s);
    http_stage_accept(s);
    http_stage_advance(s, 1000 * TIME_SECOND);
    SEND(s, HTTP_STAGE_OK_ABC);
    EXPECT_OUTCOME(s, "200 abc; ");
    http_stage_end(s);

    c.connect_timeout = -1; /* has always passed */
    s = http_stage_begin(&c);
    http_stage_fetch(s, "http://h");
    EXPECT_OUTCOME(s, "- i/o timeout; ");
    http_stage_end(s);
}

/* --- failures of the connection --------------------------------------------------------------- */

static void a_refused_connection_is_a_failure(void **state)
{
    (void)state;
    struct http_stage *s = http_stage_begin(NULL);
    http_stage_fetch(s, "http://h");
    http_stage_refuse(s, SPAN("connection refused"));
    EXPECT_OUTCOME(s, "- connection refused; ");
    http_stage_end(s);
}

static void connections_have_a_bound(void **state)
{
    (void)state;
    struct http_stage *s = http_stage_begin(NULL);
    struct http_fetch *open[HTTP_STAGE_CONNECTIONS_MAX];
    for (int i = 0; i < HTTP_STAGE_CONNECTIONS_MAX; i++) {
        open[i] = http_stage_fetch(s, "http://h");
        EXPECT_NOTHING(s);
    }
    http_stage_fetch(s, "http://h");
    EXPECT_OUTCOME(s, "- too many connections; ");
    for (int i = 0; i < HTTP_STAGE_CONNECTIONS_MAX; i++) {
        http_fetch_drop(open[i]);
    }
    http_stage_end(s);
}

static void serve_may_stop(void **state)
{
    (void)state;
    struct http_stage *s = http_stage_begin(NULL);
    http_stage_fetch(s, "http://h");
    http_stage_accept(s);
    serve_stop(&s->serve, s->now);
    http_stage_settle(s);
    EXPECT_OUTCOME(s, "- connection lost; ");
    http_stage_fetch(s, "http://h");
    EXPECT_OUTCOME(s, "- too many connections; ");
    http_stage_end(s);
}

/* --- owners ----------------------------------------------------------------------------------- */

/* While connecting, before the answer, in the middle of it. */
static void a_fetch_may_be_dropped(void **state)
{
    (void)state;
    for (int stage = 0; stage < 3; stage++) {
        struct http_stage *s = http_stage_begin(NULL);
        struct http_fetch *f = http_stage_fetch(s, "http://h");
        if (stage > 0) {
            http_stage_accept(s);
        }
        if (stage > 1) {
            SEND(s, "HTTP/1.1 200 OK\r\n\r\nabc");
        }
        http_fetch_drop(f);
        http_stage_settle(s);
        assert_int_equal(s->budget.used, 0);
        assert_int_equal(s->conn, 0);
        EXPECT_NOTHING(s);
        http_stage_end(s);
    }
}

static void a_fetch_may_outlive_serve(void **state)
{
    (void)state;
    struct http_stage *s = http_stage_begin(NULL);
    struct http_fetch *f = http_stage_fetch(s, "http://h");
    http_stage_accept(s);
    serve_free(&s->serve);
    assert_ptr_equal(http_client_next_done(&s->client), f);
    http_fetch_drop(f);
    http_stage_end(s);
}

static void fetches_are_done_in_the_order_of_their_ends(void **state)
{
    (void)state;
    struct http_stage *s = http_stage_begin(NULL);
    struct http_fetch *first = http_stage_fetch(s, "http://h");
    struct http_fetch *second = http_stage_fetch(s, "http://i");
    http_stage_accept(s);
    uint64_t one = s->conn;
    http_stage_accept(s);
    struct span answer = SPAN(HTTP_STAGE_OK_ABC);
    serve_recv(&s->serve, s->conn, answer, s->now);
    serve_recv(&s->serve, one, answer, s->now);
    assert_ptr_equal(http_client_next_done(&s->client), second);
    http_fetch_drop(second);
    assert_ptr_equal(http_client_next_done(&s->client), first);
    http_stage_settle(s);
    EXPECT_OUTCOME(s, "200 abc; ");
    http_stage_end(s);
}

/* --- memory ----------------------------------------------------------------------------------- */

/* The body counts as it grows; when there is no room for it, the fetch fails. */
static void what_is_held_is_charged(void **state)
{
    (void)state;
    struct http_stage *s = http_stage_begin(NULL);
    http_stage_fetch(s, "http://h");
    size_t before = s->budget.used;
    assert_true(before > sizeof(struct conn));
    http_stage_accept(s);
    SEND(s, "HTTP/1.1 200 OK\r\n\r\nabc");
    assert_int_equal(s->budget.used, before + 3);
    s->budget = (struct budget){.used = s->budget.used, .cap = 1, .reserve = before + 3};
    SEND(s, "d");
    EXPECT_NOTHING(s);
    assert_int_equal(s->budget.used, before + 4);
    SEND(s, "e");
    EXPECT_OUTCOME(s, "- no room for the answer; ");
    http_stage_fetch(s, "http://a-longer-name");
    EXPECT_OUTCOME(s, "- no room for the request; ");
    http_stage_end(s);
}

/* --- members of lists ------------------------------------------------------------------------- */

/* Each status from 300 to 309, with a Location. */
static void every_code_that_redirects(void **state)
{
    (void)state;
    for (int status = 300; status <= 309; status++) {
        bool follows =
            status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
        char text[128];
        struct http_stage *s = http_stage_begin(NULL);
        http_stage_fetch(s, "http://h:1/");
        http_stage_accept(s);
        int n = snprintf(text, sizeof text,
                         "HTTP/1.1 %d Go\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", status);
        http_stage_send(s, span_make(text, (size_t)n));
        if (follows) {
            http_stage_accept(s);
            http_stage_expect_heard(s, SPAN(HTTP_STAGE_REQUEST("/x", "h:1")));
            SEND(s, HTTP_STAGE_OK_ABC);
        }
        n = snprintf(text, sizeof text, follows ? "200 abc; " : "%d ; ", status);
        http_stage_expect_outcome(s, span_make(text, (size_t)n));
        http_stage_end(s);
    }
}

/* Timeouts in ns; the fetch fails after `at` ns, while it connects or when it is connected.
 * TIME_NEVER: it does not fail. */
static void every_kind_of_timeout(void **state)
{
    (void)state;
    const int64_t s1 = TIME_SECOND;
    const struct {
        int64_t connect, request;
        int64_t connecting, connected;
    } cases[] = {
        {2 * s1, 5 * s1, 2 * s1, 5 * s1},
        {5 * s1, 2 * s1, 2 * s1, 2 * s1},
        {0, 5 * s1, 5 * s1, 5 * s1},
        {2 * s1, 0, 2 * s1, TIME_NEVER},
        {2 * s1, -1, 2 * s1, TIME_NEVER},
        {0, 0, TIME_NEVER, TIME_NEVER},
        {0, -1, TIME_NEVER, TIME_NEVER},
        {-1, 5 * s1, 0, 0},
        {-1, 0, 0, 0},
        {-1, -1, 0, 0},
        {1, 1, 1, 1},
        {-2 * s1, 5 * s1, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int connected = 0; connected < 2; connected++) {
            int64_t at = connected ? cases[i].connected : cases[i].connecting;
            struct http_client_config c = http_stage_config();
            c.connect_timeout = cases[i].connect;
            c.request_timeout = cases[i].request;
            struct http_stage *s = http_stage_begin(&c);
            http_stage_fetch(s, "http://h");
            if (connected && at != 0) {
                http_stage_accept(s);
            }
            if (at != 0) {
                http_stage_advance(s, at == TIME_NEVER ? 100000 * s1 : at - 1);
                EXPECT_NOTHING(s);
            }
            if (at == TIME_NEVER) {
                if (!connected) {
                    http_stage_accept(s);
                }
                SEND(s, HTTP_STAGE_OK_ABC);
                EXPECT_OUTCOME(s, "200 abc; ");
            } else {
                http_stage_advance(s, at == 0 ? 0 : 1);
                http_stage_expect_outcome(s, connected && at != 0
                                                 ? SPAN("- Client.Timeout exceeded; ")
                                                 : SPAN("- i/o timeout; "));
            }
            http_stage_end(s);
        }
    }
}

/* --- exact amounts ---------------------------------------------------------------------------- */

static size_t held_by(const char *url)
{
    struct http_stage *s = http_stage_begin(NULL);
    struct http_fetch *f = http_stage_fetch(s, url);
    size_t held = s->budget.used;
    http_fetch_drop(f);
    http_stage_end(s);
    return held;
}

/* The request repeats the URL, so a byte of a part of it counts twice for each place that keeps it.
 */
static void every_part_of_a_url_is_charged(void **state)
{
    (void)state;
    size_t least = held_by("http://h/");
    assert_int_equal(held_by("http://hh/"), least + 6); /* host, name and address */
    assert_int_equal(held_by("http://h/p"), least + 2);
    assert_int_equal(held_by("http://h/?q"), least + 2);
    assert_int_equal(held_by("http://u@h/"), least + 4);  /* "u:" */
    assert_int_equal(held_by("http://h:80/"), least + 6); /* host; the address has it anyway */
}

/* With a byte less than the need the fetch fails; with the need it goes on. */
static void the_exact_room_is_enough(void **state)
{
    (void)state;
    size_t need = held_by("http://h/");
    size_t further = held_by("http://h/a-longer-path");
    for (size_t less = 0; less <= 1; less++) {
        struct http_stage *s = http_stage_begin(NULL);
        s->budget = (struct budget){.cap = 1, .reserve = need - 1 - less};
        http_stage_fetch(s, "http://h/");
        if (less == 0) {
            assert_int_equal(s->budget.used, need);
            http_stage_accept(s);
            SEND(s, HTTP_STAGE_OK_ABC);
            EXPECT_OUTCOME(s, "- no room for the answer; ");
        } else {
            EXPECT_OUTCOME(s, "- no room for the request; ");
        }
        http_stage_end(s);

        s = http_stage_begin(NULL);
        s->budget = (struct budget){.cap = 1, .reserve = further - 1 - less};
        http_stage_fetch(s, "http://h/");
        http_stage_accept(s);
        SEND(s, "HTTP/1.1 302 Go\r\nLocation: /a-longer-path\r\nContent-Length: 0\r\n\r\n");
        if (less == 0) {
            assert_int_equal(s->budget.used, further);
            http_stage_accept(s);
            SEND(s, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
            EXPECT_OUTCOME(s, "200 ; ");
        } else {
            EXPECT_OUTCOME(s, "- no room for the request; ");
        }
        http_stage_end(s);
    }
}

/* A redirect to a shorter URL gives memory back. */
static void less_memory_is_given_back(void **state)
{
    (void)state;
    struct http_stage *s = http_stage_begin(NULL);
    http_stage_fetch(s, "http://h/a-longer-path");
    http_stage_accept(s);
    SEND(s, "HTTP/1.1 302 Go\r\nLocation: /\r\nContent-Length: 3\r\n\r\nabc");
    assert_int_equal(s->budget.used, held_by("http://h/"));
    http_stage_accept(s);
    SEND(s, HTTP_STAGE_OK_ABC);
    EXPECT_OUTCOME(s, "200 abc; ");
    http_stage_end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_url_is_fetched),
        cmocka_unit_test(every_status_is_an_answer),
        cmocka_unit_test(answers_may_be_cut_anywhere),
        cmocka_unit_test(an_answer_that_stops_is_a_failure),
        cmocka_unit_test(a_body_has_a_bound),
        cmocka_unit_test(redirects_are_followed),
        cmocka_unit_test(redirects_have_an_end),
        cmocka_unit_test(connecting_has_a_deadline),
        cmocka_unit_test(a_fetch_has_a_deadline),
        cmocka_unit_test(zero_means_no_timeout),
        cmocka_unit_test(a_refused_connection_is_a_failure),
        cmocka_unit_test(connections_have_a_bound),
        cmocka_unit_test(serve_may_stop),
        cmocka_unit_test(a_fetch_may_be_dropped),
        cmocka_unit_test(a_fetch_may_outlive_serve),
        cmocka_unit_test(fetches_are_done_in_the_order_of_their_ends),
        cmocka_unit_test(what_is_held_is_charged),
        cmocka_unit_test(every_code_that_redirects),
        cmocka_unit_test(every_kind_of_timeout),
        cmocka_unit_test(every_part_of_a_url_is_charged),
        cmocka_unit_test(the_exact_room_is_enough),
        cmocka_unit_test(less_memory_is_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
