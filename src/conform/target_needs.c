/* SPDX-License-Identifier: MIT */
/* Asks with a small case of its own: the answer to IDENTIFY shows each feature. Must not know: how
 * a case is played. */
#include "conform/target_needs.h"

#include "base/text.h"

struct need {
    struct span word;
    struct span asked;  /* members of IDENTIFY's body, with a backslash before each quote */
    struct span answer; /* a member of its answer */
};

static const struct need needs[] = {
    {SPAN_LITERAL("tls"), SPAN_LITERAL(",\\\"tls_v1\\\":true"), SPAN_LITERAL("\"tls_v1\":true")},
    {SPAN_LITERAL("snappy"), SPAN_LITERAL(",\\\"snappy\\\":true"), SPAN_LITERAL("\"snappy\":true")},
    {SPAN_LITERAL("deflate"), SPAN_LITERAL(",\\\"deflate\\\":true"),
     SPAN_LITERAL("\"deflate\":true")},
    {SPAN_LITERAL("auth"), SPAN_LITERAL(""), SPAN_LITERAL("\"auth_required\":true")},
};

/* Writes a case that passes when the target has the feature. */
static void write_case(const struct need *need, struct span flags, struct buf *out)
{
    text_append(out, "id: needs/");
    buf_append(out, need->word);
    text_append(out, "\ntitle: needs\nreq: NEEDS\nlevel: MUST\n");
    if (flags.n > 0) {
        text_append(out, "flags: ");
        buf_append(out, flags);
        text_append(out, "\n");
    }
    text_append(out, "source: spec\n\nc connect\n"
                     "c > \"  V2IDENTIFY\\n\" size{\"{\\\"feature_negotiation\\\":true");
    buf_append(out, need->asked);
    text_append(out, "}\"}\nc < response {");
    buf_append(out, need->answer);
    text_append(out, "}\n");
}

static bool has(const struct case_setting *setting, const struct need *need, struct span flags)
{
    struct buf text = {0};
    struct transcript file;
    struct transcript_error error;
    struct case_result result = {.verdict = VERDICT_FAIL};
    write_case(need, flags, &text);
    if (transcript_parse(&file, buf_span(&text), &error)) {
        run_case(setting, &file, &result);
        transcript_free(&file);
    }
    buf_free(&text);
    case_result_free(&result);
    return result.verdict == VERDICT_PASS;
}

static bool has_word(const struct case_setting *setting, struct span word, struct span flags)
{
    for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++) {
        if (span_equal(needs[i].word, word)) {
            return has(setting, &needs[i], flags);
        }
    }
    return false; /* no case can use HTTP yet */
}

bool target_meets_needs(const struct case_setting *setting, const struct transcript *file,
                        struct buf *why)
{
    for (const struct word *w = file->needs; w != NULL; w = w->next) {
        if (!has_word(setting, w->text, file->flags)) {
            text_append(why, "the target has no ");
            buf_append(why, w->text);
            text_append(why, "\n");
            return false;
        }
    }
    return true;
}
