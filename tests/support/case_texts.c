/* SPDX-License-Identifier: MIT */
#include "support/case_texts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"

static const struct case_setting setting = {.names = SPAN_LITERAL("n"), .time_scale = 100};

enum verdict case_run(const char *text, struct case_result *result, bool cuts)
{
    struct transcript file;
    struct transcript_error error;
    if (!transcript_parse(&file, span_make(text, strlen(text)), &error)) {
        fail_msg("%u:%u: expected %s", error.line, error.column, error.expected);
    }
    run_case(&setting, &file, result);
    if (cuts && !run_case_cuts(&setting, &file, result)) {
        fail_msg("cuts: %.*s", (int)result->why.n, (const char *)buf_span(&result->why).p);
    }
    transcript_free(&file);
    return result->verdict;
}

void case_passes(const char *text, bool cuts)
{
    struct case_result result;
    if (case_run(text, &result, cuts) != VERDICT_PASS) {
        fail_msg("line %u: %.*s", result.failed_line, (int)result.why.n,
                 (const char *)buf_span(&result.why).p);
    }
    case_result_free(&result);
}

void case_fails(const char *text, unsigned line, const char *why)
{
    struct case_result result;
    assert_int_equal(case_run(text, &result, false), VERDICT_FAIL);
    case_contains(&result.why, why);
    assert_int_equal(result.failed_line, line);
    case_result_free(&result);
}

void case_contains(const struct buf *bytes, const char *part)
{
    char *copy = alloc_zeroed(bytes->n + 1);
    memcpy(copy, bytes->n == 0 ? "" : (const char *)buf_span(bytes).p, bytes->n);
    if (strstr(copy, part) == NULL) {
        fail_msg("'%s' is not in:\n%s", part, copy);
    }
    alloc_free(copy);
}
