/* SPDX-License-Identifier: MIT */
/*
 * Tests of http_answer: dates, headers, chunks. test_http_server.c has whole answers.
 */
#include "http/http_answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/text.h"
#include "base/time.h"

static void expect_date(int64_t seconds, const char *date)
{
    struct buf out = {0};
    struct buf expected = {0};
    const struct http_answer answer = {.status = 200};
    const struct http_reply_to to = {
        .minor = 1, .wall = seconds * TIME_SECOND, .framing = HTTP_UNTIL_CLOSE};
    http_answer_append(&out, &answer, &to);
    text_append(&expected, "HTTP/1.1 200 OK\r\nDate: ");
    buf_append(&expected, text_span(date));
    text_append(&expected, "\r\n\r\n");
    assert_true(span_equal(buf_span(&out), buf_span(&expected)));
    buf_free(&out);
    buf_free(&expected);
}

static void dates_are_written(void **state)
{
    (void)state;
    expect_date(0, "Thu, 01 Jan 1970 00:00:00 GMT");
    expect_date(-5, "Thu, 01 Jan 1970 00:00:00 GMT");
    expect_date(951827696, "Tue, 29 Feb 2000 12:34:56 GMT");
    expect_date(1795928492, "Sun, 29 Nov 2026 05:01:32 GMT");
    expect_date(4107542399, "Sun, 28 Feb 2100 23:59:59 GMT");
    expect_date(4107542400, "Mon, 01 Mar 2100 00:00:00 GMT");
    expect_date(1735689599, "Tue, 31 Dec 2024 23:59:59 GMT");
}

static void expect_chunk(size_t n, const char *size)
{
    static const uint8_t zeros[5000];
    struct buf out = {0};
    http_answer_append_chunk(&out, span_make(zeros, n));
    assert_int_equal(out.n, strlen(size) + n + 2);
    assert_memory_equal(buf_span(&out).p, size, strlen(size));
    buf_free(&out);
}

static void chunks_have_their_size(void **state)
{
    (void)state;
    expect_chunk(1, "1\r\n");
    expect_chunk(15, "f\r\n");
    expect_chunk(16, "10\r\n");
    expect_chunk(4096, "1000\r\n");
}

static void html_is_escaped(void **state)
{
    (void)state;
    struct buf out = {0};
    http_answer_append_html(&out, SPAN("a&<>\"'b"));
    assert_true(span_equal(buf_span(&out), SPAN("a&amp;&lt;&gt;&#34;&#39;b")));
    buf_free(&out);
    assert_int_equal(http_status_words(999).n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_are_written),
        cmocka_unit_test(chunks_have_their_size),
        cmocka_unit_test(html_is_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
