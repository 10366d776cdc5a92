/* SPDX-License-Identifier: MIT */
/* Each question is a small case. Must not know: how a case is played. */
#include "conform/preflight.h"

#include "base/text.h"

#define CASE(slug, title, steps)                                                                   \
    {                                                                                              \
        SPAN_LITERAL("preflight/" slug), SPAN_LITERAL(title),                                      \
            SPAN_LITERAL("id: preflight/" slug "\ntitle: " title                                   \
                         "\nreq: PREFLIGHT\nlevel: MUST\nsource: spec\n\n" steps)                  \
    }

struct question {
    struct span id;
    struct span title;
    struct span text;
};

#define LOOKUP_CASE(slug, title, steps)                                                            \
    {                                                                                              \
        SPAN_LITERAL("preflight/" slug), SPAN_LITERAL(title),                                      \
            SPAN_LITERAL(                                                                          \
                "id: preflight/" slug "\ntitle: " title                                            \
                "\nreq: PREFLIGHT\nlevel: MUST\nserver: nsqlookupd\nsource: spec\n\n" steps)       \
    }

static const struct question of_nsqd[] = {
    CASE("connects", "the server accepts connections", "c connect\n"),
    CASE("magic", "the server keeps a connection open that begins with the magic",
         "c connect\nc > \"  V2\"\nc < no message within 200ms\n"),
    CASE("pub", "the server answers a PUB",
         "c connect\nc > \"  V2PUB \" $topic \"\\n\" size{\"x\"}\nc < response \"OK\"\n"),
    CASE("delivers", "the server delivers a message",
         "c connect\nc > \"  V2SUB \" $topic2 \" \" $channel \"\\n\"\nc < response \"OK\"\n"
         "c > \"RDY 1\\n\"\np connect\np > \"  V2PUB \" $topic2 \"\\n\" size{\"x\"}\n"
         "p < response \"OK\"\nc < message $m attempts 1 body \"x\"\nc > \"FIN \" $m \"\\n\"\n"),
};

static const struct question of_nsqlookupd[] = {
    LOOKUP_CASE("connects", "the server accepts connections", "c connect\n"),
    LOOKUP_CASE("magic", "the server keeps a connection open that begins with the magic",
                "c connect\nc > \"  V1\"\nc < no message within 200ms\n"),
    LOOKUP_CASE("ping", "the server answers a PING",
                "c connect\nc > \"  V1PING\\n\"\nc < response \"OK\"\n"),
};

/* Passes when the server does not answer an unknown command. */
static const struct question unknown_to_nsqd =
    CASE("unknown", "the server does not answer an unknown command",
         "c connect\nc > \"  V2" PLAYER_LAST_WORD "\\n\"\nc < no message within 1000ms\n");
static const struct question unknown_to_nsqlookupd =
    LOOKUP_CASE("unknown", "the server does not answer an unknown command",
                "c connect\nc > \"  V1" PLAYER_LAST_WORD "\\n\"\nc < no message within 1000ms\n");

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static bool answer(const struct case_setting *setting, const struct question *q,
                   struct case_result *result)
{
    struct transcript file;
    struct transcript_error error;
    *result = (struct case_result){.verdict = VERDICT_UNREACHABLE};
    if (!transcript_parse(&file, q->text, &error)) {
        text_append(&result->why, "a case of the preflight is bad: ");
        buf_append(&result->why, span_make(error.expected, strlen(error.expected)));
        return false;
    }
    run_case(setting, &file, result);
    transcript_free(&file);
    return result->verdict == VERDICT_PASS;
}

void preflight_run(const struct case_setting *setting, enum server_kind server, bool whole,
                   struct preflight *preflight)
{
    bool nsqd = server == SERVER_NSQD;
    const struct question *questions = nsqd ? of_nsqd : of_nsqlookupd;
    const struct question *unknown = nsqd ? &unknown_to_nsqd : &unknown_to_nsqlookupd;
    struct case_setting s = *setting;
    s.ignores_unknown = true; /* not known yet: no question may depend on it */
    *preflight = (struct preflight){.passed = true};
    size_t n = !whole ? 1 : nsqd ? COUNT(of_nsqd) : COUNT(of_nsqlookupd);
    for (size_t i = 0; i < n; i++) {
        preflight->id = questions[i].id;
        preflight->title = questions[i].title;
        preflight->passed = answer(&s, &questions[i], &preflight->result);
        if (!preflight->passed) {
            return;
        }
        case_result_free(&preflight->result);
    }
    preflight->ignores_unknown = whole && answer(&s, unknown, &preflight->result);
    case_result_free(&preflight->result);
    preflight->result = (struct case_result){0};
}

void preflight_free(struct preflight *preflight)
{
    case_result_free(&preflight->result);
    *preflight = (struct preflight){0};
}

void preflight_no_server(struct span why, struct preflight *preflight)
{
    *preflight = (struct preflight){.id = SPAN("preflight/starts"),
                                    .title = SPAN("the server starts"),
                                    .result = {.verdict = VERDICT_UNREACHABLE}};
    text_append(&preflight->result.why, "the server does not start: ");
    buf_append(&preflight->result.why, why);
}

void preflight_report(const struct preflight *preflight, struct report *report)
{
    const struct case_result *result = &preflight->result;
    size_t n = report->n;
    report_drop_cases(report);
    report->n = 1;
    report->cases[0] = (struct report_case){.id = preflight->id,
                                            .title = preflight->title,
                                            .level = transcript_level_name(LEVEL_MUST),
                                            .verdict = result->verdict,
                                            .ms = -1};
    struct report_case *c = &report->cases[0];
    text_append(&c->rules, "Nearly all cases need this, so none of the ");
    text_append_decimal(&c->rules, (int64_t)n);
    text_append(&c->rules, " chosen cases was played. --no-preflight plays them.\n");
    buf_append(&c->exchange, buf_span(&result->exchange));
    buf_append(&c->why, buf_span(&result->why));
    if (c->why.n > 0 && buf_span(&c->why).p[c->why.n - 1] != '\n') {
        text_append(&c->why, "\n");
    }
    report_hex(buf_span(&result->unmatched), &c->unmatched);
}

bool preflight_is_finding(const struct report_case *c)
{
    return span_equal(report_area(c->id), SPAN("preflight"));
}
