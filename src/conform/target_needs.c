/* SPDX-License-Identifier: MIT */
/* Asks with small cases of its own: the answer to IDENTIFY shows each codec, and an answer to a
 * command shows whether the server knows the command. Must not know: how a case is played. */
#include "conform/target_needs.h"

#include "base/text.h"

struct need {
    struct span word;
    struct span steps; /* of a case that passes when the target has the feature */
};

#define IDENTIFY(asked)                                                                            \
    "c connect\nc > \"  V2IDENTIFY\\n\" size{\"{\\\"feature_negotiation\\\":true" asked "}\"}\n"

/* Features that the header of a case names. */
static const struct need features[] = {
    {SPAN_LITERAL("tls"),
     SPAN_LITERAL(IDENTIFY(",\\\"tls_v1\\\":true") "c < response {\"tls_v1\":true}\n")},
    {SPAN_LITERAL("snappy"),
     SPAN_LITERAL(IDENTIFY(",\\\"snappy\\\":true") "c < response {\"snappy\":true}\n")},
    {SPAN_LITERAL("deflate"),
     SPAN_LITERAL(IDENTIFY(",\\\"deflate\\\":true") "c < response {\"deflate\":true}\n")},
    {SPAN_LITERAL("auth"), SPAN_LITERAL(IDENTIFY("") "c < response {\"auth_required\":true}\n")},
    {SPAN_LITERAL("http"), SPAN_LITERAL("h connect http\n")},
};

/* The commands that a server may do without. Their topics are not those of the case that follows,
 * which has the same names. */
static const struct need commands[] = {
    {SPAN_LITERAL("MPUB"),
     SPAN_LITERAL("c connect\nc > \"  V2MPUB \" $topicneeds \"\\n\" size{i32(1) size{\"x\"}}\n"
                  "c < response \"OK\"\n")},
    {SPAN_LITERAL("DPUB"),
     SPAN_LITERAL("c connect\nc > \"  V2DPUB \" $topicneeds \" 0\\n\" size{\"x\"}\n"
                  "c < response \"OK\"\n")},
    {SPAN_LITERAL("TOUCH"),
     SPAN_LITERAL("c connect\nc > \"  V2PUB \" $topicneeds \"\\n\" size{\"x\"}\n"
                  "c < response \"OK\"\n"
                  "c > \"SUB \" $topicneeds \" \" $channel \"\\n\" \"RDY 1\\n\"\n"
                  "c < response \"OK\"\nc < message $m attempts * body \"x\"\n"
                  "c > \"TOUCH \" $m \"\\n\" \"FIN \" $m \"\\n\"\nc < nothing\n")},
    {SPAN_LITERAL("AUTH"), SPAN_LITERAL("c connect\nc > \"  V2AUTH\\n\" size{\"nsq-conform\"}\n"
                                        "c < error E_AUTH_DISABLED\n")},
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* --- asking ----------------------------------------------------------------------------------- */

static void write_case(const struct need *need, const struct transcript *of, struct buf *out)
{
    text_append(out, "id: needs/needs\ntitle: needs\nreq: NEEDS\nlevel: MUST\n");
    buf_append(out, of->server == SERVER_NSQLOOKUPD ? SPAN("server: nsqlookupd\n") : SPAN(""));
    text_append(out, "needs: http\n");
    if (of->flags.n > 0) {
        text_append(out, "flags: ");
        buf_append(out, of->flags);
        text_append(out, "\n");
    }
    text_append(out, "source: spec\n\n");
    buf_append(out, need->steps);
}

/* Plays the case of this feature, on a server for the case `of`. The caller frees the result. */
static void ask(const struct case_setting *setting, const struct need *need,
                const struct transcript *of, struct case_result *result)
{
    struct buf text = {0};
    struct transcript file;
    struct transcript_error error;
    *result = (struct case_result){.verdict = VERDICT_FAIL};
    write_case(need, of, &text);
    if (transcript_parse(&file, buf_span(&text), &error)) {
        run_case(setting, &file, result);
        transcript_free(&file);
    }
    buf_free(&text);
}

static bool has_feature(const struct case_setting *setting, const struct need *need,
                        const struct transcript *of)
{
    struct case_result result;
    ask(setting, need, of, &result);
    case_result_free(&result);
    /* without a connection nothing is known: the case itself shows what is wrong */
    return result.verdict == VERDICT_PASS || result.verdict == VERDICT_UNREACHABLE;
}

/* A server may have no HTTP address, or it was not told to this program. */
static bool has_http(const struct case_setting *setting, const struct need *need,
                     const struct transcript *of)
{
    struct case_result result;
    ask(setting, need, of, &result);
    case_result_free(&result);
    return result.verdict == VERDICT_PASS;
}

/* Whether the server said that it does not know the command: with E_INVALID as nsqd does, or with a
 * code of its own. A server that gives another wrong answer, or none, knows the command: its cases
 * are played, and fail. */
static bool knows_command(const struct case_setting *setting, const struct need *need,
                          const struct transcript *of)
{
    struct case_result result;
    struct nsq_frame frame;
    struct span text;
    size_t size;
    ask(setting, need, of, &result);
    bool knows = true;
    if (result.verdict == VERDICT_FAIL &&
        nsq_frame_parse(buf_span(&result.unmatched), NSQ_FRAME_DATA_MAX, &frame, &size) == NSQ_OK &&
        frame.type == NSQ_FRAME_ERROR) {
        enum nsq_error code = nsq_error_split(frame.data, &text);
        knows = code != NSQ_E_INVALID && code != NSQ_E_NONE;
    }
    case_result_free(&result);
    return knows;
}

/* --- which commands a case sends -------------------------------------------------------------- */

/* Whether a line of these bytes begins with the command. */
static bool begins_a_line(struct span bytes, struct span command)
{
    struct span magic = SPAN("  V2");
    bool start = true;
    bytes = span_equal(span_first(bytes, magic.n), magic) ? span_skip(bytes, magic.n) : bytes;
    for (; bytes.n >= command.n; bytes = span_skip(bytes, 1)) {
        if (start && span_equal(span_first(bytes, command.n), command)) {
            uint8_t next = bytes.n > command.n ? bytes.p[command.n] : '\n';
            return next == ' ' || next == '\r' || next == '\n';
        }
        start = bytes.p[0] == '\n';
    }
    return false;
}

/* Bodies are not searched: they are inside of size{}. */
static bool sends(const struct step *steps, struct span command)
{
    bool found = false;
    for (const struct step *s = steps; s != NULL && !found; s = s->next) {
        for (const struct item *i = s->kind == STEP_SEND && !s->raw ? s->items : NULL;
             i != NULL && !found; i = i->next) {
            found = i->kind == ITEM_BYTES && begins_a_line(i->bytes, command);
        }
        found = found || sends(s->inside, command);
    }
    return found;
}

/* --- the answers ------------------------------------------------------------------------------ */

typedef bool has_function(const struct case_setting *, const struct need *,
                          const struct transcript *);

/* Returns the answer that is kept, or asks and keeps it. */
static bool has(struct target_answers *answers, const struct case_setting *setting,
                has_function *function, const struct need *need, const struct transcript *of)
{
    for (size_t i = 0; answers != NULL && i < answers->n; i++) {
        const struct target_answer *a = &answers->list[i];
        if (span_equal(a->word, need->word) && span_equal(a->flags, of->flags)) {
            return a->has;
        }
    }
    bool answer = function(setting, need, of);
    if (answers != NULL && answers->n < COUNT(answers->list)) {
        answers->list[answers->n++] =
            (struct target_answer){.word = need->word, .flags = of->flags, .has = answer};
    }
    return answer;
}

static bool lacks(struct span word, struct buf *why)
{
    text_append(why, "the target has no ");
    buf_append(why, word);
    text_append(why, "\n");
    return false;
}

/* Whether the user could have told the address of a server's HTTP and did not. */
static bool is_untold(const struct case_setting *setting)
{
    return setting->target != NULL && setting->spawn == NULL && setting->http_target == NULL;
}

static struct span untold(const struct transcript *file)
{
    return file->server == SERVER_NSQD ? SPAN("address for http; --http-target tells it")
                                       : SPAN("address for http; --lookup-http-target tells it");
}

bool target_meets_needs(const struct case_setting *setting, const struct transcript *file,
                        struct target_answers *answers, struct buf *why)
{
    for (const struct word *w = file->needs; w != NULL; w = w->next) {
        if (span_equal(w->text, SPAN("fresh"))) {
            continue; /* run_case.c starts a new server */
        }
        size_t i = 0;
        while (i < COUNT(features) && !span_equal(features[i].word, w->text)) {
            i++;
        }
        bool http = span_equal(w->text, SPAN("http"));
        if (i == COUNT(features) ||
            !has(answers, setting, http ? has_http : has_feature, &features[i], file)) {
            return lacks(http && is_untold(setting) ? untold(file) : w->text, why);
        }
    }
    /* the engine in this process knows all commands */
    for (size_t i = 0; setting->target != NULL && i < COUNT(commands); i++) {
        if (file->server == SERVER_NSQD && sends(file->steps, commands[i].word) &&
            !has(answers, setting, knows_command, &commands[i], file)) {
            return lacks(commands[i].word, why);
        }
    }
    return true;
}
