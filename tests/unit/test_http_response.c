/* SPDX-License-Identifier: MIT */
/* Tests of http/http_response.h, each with its input cut in many ways. */
#include "http/http_response.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <zlib.h>

#include "base/text.h"

#define MOST 1000

/* Appends what a response amounts to: "STATUS BODY", or why it is bad. "eof " stands in front when
 * it ended with the connection. */
static void read_cut(struct span in, size_t piece, struct buf *said)
{
    struct http_response response;
    enum http_response_state state = HTTP_RESPONSE_MORE;
    http_response_init(&response, MOST);
    for (size_t at = 0; at < in.n && state == HTTP_RESPONSE_MORE; at += piece) {
        state = http_response_parse(&response, span_first(span_skip(in, at), piece));
    }
    if (state == HTTP_RESPONSE_MORE) {
        text_append(said, "eof ");
        state = http_response_eof(&response);
    }
    if (state == HTTP_RESPONSE_WHOLE) {
        text_append_decimal(said, http_response_status(&response));
        text_append(said, " ");
        buf_append(said, buf_span(&response.body));
    } else {
        assert_int_equal(state, HTTP_RESPONSE_BAD);
        buf_append(said, response.bad);
    }
    http_response_free(&response);
}

/* The result must not depend on how the input is cut. */
static void expect(struct span in, struct span expected)
{
    for (size_t piece = 1; piece <= in.n + 1; piece = piece < 40 ? piece + 1 : piece * 2) {
        struct buf said = {0};
        read_cut(in, piece, &said);
        if (!span_equal(buf_span(&said), expected)) {
            fail_msg("in pieces of %zu: %.*s: %.*s", piece, (int)in.n, (const char *)in.p,
                     (int)said.n, (const char *)buf_span(&said).p);
        }
        buf_free(&said);
    }
}

#define EXPECT(in, expected) expect(SPAN(in), SPAN(expected))

static void bodies_end_in_three_ways(void **state)
{
    (void)state;
    EXPECT("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcmore", "200 abc");
    EXPECT("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "200 ");
    EXPECT(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2;x=y\r\nbc\r\n0\r\n\r\n",
        "200 abc");
    EXPECT("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: y\r\n\r\n",
           "200 a");
    EXPECT("HTTP/1.0 200 OK\r\n\r\nabc", "eof 200 abc");
    EXPECT("HTTP/1.1 204 No\r\n\r\nabc", "204 ");
    EXPECT("HTTP/1.1 100 Go on\r\n\r\nHTTP/1.1 404 No\r\nContent-Length: 1\r\n\r\nx", "404 x");
}

static void what_is_cut_is_bad(void **state)
{
    (void)state;
    EXPECT("", "eof EOF");
    EXPECT("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc", "eof unexpected EOF");
    EXPECT("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n", "eof unexpected EOF");
    EXPECT("HTTP/1.1 200 OK\r\nX", "eof unexpected EOF");
    EXPECT("HTTP/1.1 100 Go on\r\n\r\n", "eof unexpected EOF");
}

static void what_is_no_http_is_bad(void **state)
{
    (void)state;
    EXPECT("HTTQ/1.1 200 OK\r\n\r\n", "malformed HTTP response");
    EXPECT("\0\1\2", "malformed HTTP response");
    EXPECT("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "malformed HTTP response");
    EXPECT("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", "malformed HTTP response");
}

/* Heads, bodies and chunk extensions that never end. */
static void every_length_has_a_bound(void **state)
{
    (void)state;
    struct buf b = {0};
    text_append(&b, "HTTP/1.1 200 OK\r\n");
    while (b.n < HTTP_RESPONSE_HEAD_MAX) {
        text_append(&b, "X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n");
    }
    text_append(&b, "\r\n");
    struct buf said = {0};
    read_cut(buf_span(&b), 1000, &said);
    assert_true(span_equal(buf_span(&said), SPAN("answer too long")));
    buf_free(&b);
    buf_free(&said);

    text_append(&b, "HTTP/1.1 200 OK\r\n\r\n");
    memset(buf_room(&b, MOST + 1), 'x', MOST + 1);
    buf_grew(&b, MOST + 1);
    expect(buf_span(&b), SPAN("body too large"));
    buf_free(&b);

    text_append(&b, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;");
    while (b.n < HTTP_RESPONSE_HEAD_MAX + HTTP_RESPONSE_OVERHEAD * MOST + 1) {
        text_append(&b, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    }
    read_cut(buf_span(&b), 1000, &said);
    assert_true(span_equal(buf_span(&said), SPAN("answer too long")));
    buf_free(&b);
    buf_free(&said);
}

/* A head and a body that reach their bounds, and a byte more. */
static void the_exact_length_is_enough(void **state)
{
    (void)state;
    static const char chunked[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;";
    static const char chunk_end[] = "\r\na\r\n0\r\n\r\n";
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: ";
    const size_t bound = HTTP_RESPONSE_HEAD_MAX + HTTP_RESPONSE_OVERHEAD * MOST;
    for (size_t more = 0; more <= 1; more++) {
        struct buf b = {0};
        text_append(&b, chunked);
        while (b.n < bound + more - (sizeof chunk_end - 1)) {
            text_append(&b, "x");
        }
        text_append(&b, chunk_end);
        expect(buf_span(&b), more == 0 ? SPAN("200 a") : SPAN("answer too long"));
        buf_free(&b);
        text_append(&b, head);
        while (b.n < HTTP_RESPONSE_HEAD_MAX + more - 4) {
            text_append(&b, "x");
        }
        text_append(&b, "\r\n\r\n");
        expect(buf_span(&b), more == 0 ? SPAN("200 ") : SPAN("answer too long"));
        buf_free(&b);
    }
}

/* --- gzip ------------------------------------------------------------------------------------- */

static void pack(struct buf *out, const void *p, size_t n)
{
    z_stream z = {0};
    deflateInit2(&z, 9, Z_DEFLATED, 31, 9, Z_DEFAULT_STRATEGY);
    uint8_t *in = buf_room(out, 2 * n + 100);
    z.next_out = in;
    z.avail_out = (uInt)(2 * n + 100);
    memcpy(&z.next_in, &p, sizeof p);
    z.avail_in = (uInt)n;
    deflate(&z, Z_FINISH);
    buf_grew(out, 2 * n + 100 - z.avail_out);
    deflateEnd(&z);
}

static void answer_with(struct buf *out, struct span body)
{
    text_append(out, "HTTP/1.1 200 OK\r\nContent-Encoding: GZip\r\nContent-Length: ");
    text_append_unsigned(out, body.n);
    text_append(out, "\r\n\r\n");
    buf_append(out, body);
}

static void packed_bodies_are_unpacked(void **state)
{
    (void)state;
    struct buf body = {0};
    struct buf answer = {0};
    pack(&body, "abc", 3);
    pack(&body, "def", 3);
    answer_with(&answer, buf_span(&body));
    expect(buf_span(&answer), SPAN("200 abcdef"));
    buf_free(&answer);
    answer_with(&answer, span_first(buf_span(&body), body.n - 1));
    expect(buf_span(&answer), SPAN("unexpected EOF"));
    buf_free(&answer);
    answer_with(&answer, SPAN("plain"));
    expect(buf_span(&answer), SPAN("gzip: invalid data"));
    buf_free(&answer);
    answer_with(&answer, SPAN(""));
    expect(buf_span(&answer), SPAN("200 "));
    buf_free(&answer);
    buf_free(&body);
}

/* A body that unpacks to a thousand times its size. */
static void a_bomb_is_refused(void **state)
{
    (void)state;
    static const uint8_t zeros[500000];
    struct buf body = {0};
    struct buf answer = {0};
    pack(&body, zeros, sizeof zeros);
    assert_true(body.n < MOST);
    answer_with(&answer, buf_span(&body));
    expect(buf_span(&answer), SPAN("body too large"));
    buf_free(&answer);
    buf_free(&body);
}

static void the_first_location_is_kept(void **state)
{
    (void)state;
    struct http_response response;
    http_response_init(&response, MOST);
    http_response_parse(&response, SPAN("HTTP/1.1 302 Go\r\nlocATION:  /x \r\nLocation: /y\r\n"
                                        "Content-Length: 0\r\n\r\n"));
    assert_true(response.whole);
    assert_true(span_equal(span_first(buf_span(&response.location), 2), SPAN("/x")));
    http_response_free(&response);
}

/* A Location that is too long counts as an empty one, however it is cut. A second one does not
 * replace it. */
static void a_location_too_long_is_dropped(void **state)
{
    (void)state;
    for (size_t over = 0; over <= 1; over++) {
        struct buf answer = {0};
        text_append(&answer, "HTTP/1.1 302 Go\r\nLocation: ");
        memset(buf_room(&answer, HTTP_RESPONSE_VALUE_MAX + over), 'x',
               HTTP_RESPONSE_VALUE_MAX + over);
        buf_grew(&answer, HTTP_RESPONSE_VALUE_MAX + over);
        text_append(&answer, "\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n");
        for (size_t piece = 1; piece <= answer.n; piece = piece < 40 ? piece + 1 : piece * 2) {
            struct http_response response;
            http_response_init(&response, MOST);
            for (size_t at = 0; at < answer.n; at += piece) {
                http_response_parse(&response, span_first(span_skip(buf_span(&answer), at), piece));
            }
            assert_true(response.whole);
            assert_int_equal(response.location.n, over == 0 ? HTTP_RESPONSE_VALUE_MAX : 0);
            http_response_free(&response);
        }
        buf_free(&answer);
    }
}

/* When a header occurs several times, the first one counts, as in Go. */
static void the_first_encoding_counts(void **state)
{
    (void)state;
    EXPECT("HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\nContent-Encoding: gzip\r\n"
           "Content-Length: 5\r\n\r\nplain",
           "200 plain");
    EXPECT("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Encoding: identity\r\n"
           "Content-Length: 5\r\n\r\nplain",
           "gzip: invalid data");
    EXPECT("HTTP/1.1 200 OK\r\nContent-Encoding: gzop\r\nContent-Length: 5\r\n\r\nplain",
           "200 plain");
    EXPECT("HTTP/1.1 103 Hints\r\nContent-Encoding: identity\r\n\r\n"
           "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain",
           "gzip: invalid data");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_end_in_three_ways),
        cmocka_unit_test(what_is_cut_is_bad),
        cmocka_unit_test(what_is_no_http_is_bad),
        cmocka_unit_test(every_length_has_a_bound),
        cmocka_unit_test(the_exact_length_is_enough),
        cmocka_unit_test(packed_bodies_are_unpacked),
        cmocka_unit_test(a_bomb_is_refused),
        cmocka_unit_test(the_first_location_is_kept),
        cmocka_unit_test(a_location_too_long_is_dropped),
        cmocka_unit_test(the_first_encoding_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
