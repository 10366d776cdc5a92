/* SPDX-License-Identifier: MIT */
#include "conform/run_case.h"

#include "base/alloc.h"
#include "base/text.h"
#include "base/time.h"
#include "conform/transport_engine.h"
#include "conform/transport_tcp.h"
#include "nsqd/configure.h"
#include "nsqd/options_check.h"

#define PATIENCE_VIRTUAL (10 * TIME_SECOND)
/* nsqd looks at a new channel's timers after 5 s at the latest. */
#define PATIENCE_TCP (8 * TIME_SECOND)
#define SLACK_TCP (5 * TIME_MS)
#define FLAGS_MAX 32

/* --- flags ------------------------------------------------------------------------------------ */

static bool no_files(void *context, const struct options *o, struct line *why)
{
    (void)context;
    (void)o;
    line_add(why, "a case has no files");
    return false;
}

static bool no_requests(void *context, const struct options *o, struct line *why)
{
    return o->tls_root_ca_file[0] == '\0' || no_files(context, o, why);
}

bool case_engine_config(struct span flags, struct engine_config *config, struct buf *why)
{
    static const struct options_host host = {.name = "conform", .node_id = 0};
    static const struct configure_machine machine = {
        .memory = (size_t)4 << 30, .descriptors = 4096, .seed = {.k = {1, 2}}};
    const struct options_tls tls = {.serve = no_files, .request = no_requests};
    struct options *o = alloc_zeroed(sizeof *o);
    struct options_text *text = alloc_zeroed(sizeof *text);
    char *copy = alloc_zeroed(flags.n + 1);
    char *argv[FLAGS_MAX] = {copy};
    int argc = 1;
    if (flags.n > 0) {
        memcpy(copy, flags.p, flags.n);
    }
    for (char *word = copy; *word != '\0' && argc < FLAGS_MAX; argc++) {
        argv[argc] = word;
        word += strcspn(word, " ");
        if (*word == ' ') {
            *word++ = '\0';
        }
    }
    bool ok = options_parse(o, argc, argv, &host, text) == OPTIONS_RUN &&
              options_check(o, &tls, text) == OPTIONS_RUN;
    if (ok) {
        *config = configure(o, &machine);
        config->log_level = LOG_FATAL;
    } else {
        buf_append(why, span_make(text->err, strlen(text->err)));
        buf_append(why, span_make(text->fatal, strlen(text->fatal)));
    }
    alloc_free(copy);
    alloc_free(text);
    alloc_free(o);
    return ok;
}

/* --- one run ---------------------------------------------------------------------------------- */

static void take_result(struct player *player, struct case_result *result)
{
    *result = (struct case_result){
        .verdict = player->verdict,
        .failed_line = player->failed_line,
        .transcript = player->transcript,
        .why = player->why,
        .came = player->came,
    };
    player->transcript = player->why = player->came = (struct buf){0};
}

/* Runs on virtual time; `trace` receives what had come after each piece. */
static void run_engine(const struct case_setting *setting, const struct session_file *file,
                       const struct engine_config *config, const struct cut_plan *plan,
                       struct case_result *result, struct buf *trace)
{
    struct player *player = alloc_zeroed(sizeof *player);
    struct engine_transport *t = alloc_zeroed(sizeof *t);
    engine_transport_init(t, player, config, plan);
    const struct player_config how = {.transport = engine_transport_calls(t),
                                      .names = setting->names,
                                      .patience = PATIENCE_VIRTUAL,
                                      .slack = 0,
                                      .time_scale = 100};
    player_init(player, &how, file);
    player_run(player);
    take_result(player, result);
    if (trace != NULL) {
        *trace = t->trace;
        t->trace = (struct buf){0};
    }
    player_free(player);
    engine_transport_free(t);
    alloc_free(t);
    alloc_free(player);
}

static void run_tcp(const struct case_setting *setting, const struct session_file *file,
                    struct case_result *result)
{
    struct player *player = alloc_zeroed(sizeof *player);
    struct tcp_transport t;
    tcp_transport_init(&t, player, setting->target);
    const struct player_config how = {.transport = tcp_transport_calls(&t),
                                      .names = setting->names,
                                      .patience = PATIENCE_TCP,
                                      .slack = SLACK_TCP,
                                      .time_scale = setting->time_scale,
                                      .late_replies = true};
    player_init(player, &how, file);
    player_run(player);
    take_result(player, result);
    player_free(player);
    tcp_transport_free(&t);
    alloc_free(player);
}

void run_case(const struct case_setting *setting, const struct session_file *file,
              struct case_result *result)
{
    struct engine_config config;
    const struct cut_plan whole = {0};
    *result = (struct case_result){0};
    if (setting->target != NULL) {
        run_tcp(setting, file, result);
    } else if (case_engine_config(file->flags, &config, &result->why)) {
        run_engine(setting, file, &config, &whole, result, NULL);
    } else {
        result->verdict = VERDICT_UNREACHABLE;
    }
}

void case_result_free(struct case_result *result)
{
    buf_free(&result->transcript);
    buf_free(&result->why);
    buf_free(&result->came);
}

/* --- cuts ------------------------------------------------------------------------------------- */

struct cutter {
    const struct case_setting *setting;
    const struct session_file *file;
    struct engine_config config;
    struct buf bytewise; /* of struct trace_point, one for each byte */
    size_t size;         /* bytes of input */
    struct case_result *result;
};

static struct trace_point point_at(const struct buf *trace, size_t i)
{
    struct trace_point point;
    memcpy(&point, buf_span(trace).p + i * sizeof point, sizeof point);
    return point;
}

static void say_difference(struct cutter *c, const struct cut_plan *plan, size_t offset)
{
    struct buf *why = &c->result->why;
    buf_drop(why, why->n);
    text_append(why, "cut before bytes ");
    text_append_decimal(why, (int64_t)plan->cuts[0]);
    text_append(why, " and ");
    text_append_decimal(why, (int64_t)plan->cuts[1]);
    text_append(why, " (0: none), what had come after byte ");
    text_append_decimal(why, (int64_t)offset);
    text_append(why, " differs from byte by byte");
}

/* Each piece must have brought what the same bytes brought one by one. */
static bool same_as_bytewise(struct cutter *c, const struct cut_plan *plan, const struct buf *trace)
{
    for (size_t i = 0; i < trace->n / sizeof(struct trace_point); i++) {
        struct trace_point got = point_at(trace, i);
        struct trace_point wanted = {0};
        if (got.offset >= 1 && got.offset <= c->size) {
            wanted = point_at(&c->bytewise, got.offset - 1);
        }
        if (got.output != wanted.output || got.hash != wanted.hash) {
            say_difference(c, plan, got.offset);
            return false;
        }
    }
    return true;
}

static bool try_cuts(struct cutter *c, size_t first, size_t second)
{
    const struct cut_plan plan = {.cuts = {first, second}};
    struct case_result result;
    struct buf trace;
    run_engine(c->setting, c->file, &c->config, &plan, &result, &trace);
    bool same = result.verdict == c->result->verdict && same_as_bytewise(c, &plan, &trace);
    if (result.verdict != c->result->verdict) {
        say_difference(c, &plan, c->size);
    }
    buf_free(&trace);
    case_result_free(&result);
    return same;
}

static bool near_an_end(const struct cutter *c, size_t offset)
{
    return c->size <= CUTS_SINGLE_MAX || offset < CUTS_PAIRS_MAX ||
           offset + CUTS_PAIRS_MAX > c->size;
}

static bool try_all_cuts(struct cutter *c)
{
    bool same = try_cuts(c, 0, 0);
    for (size_t i = 1; i < c->size && same; i++) {
        same = !near_an_end(c, i) || try_cuts(c, i, 0);
    }
    for (size_t i = 1; i < c->size && same && c->size <= CUTS_PAIRS_MAX; i++) {
        for (size_t k = i + 1; k < c->size && same; k++) {
            same = try_cuts(c, i, k);
        }
    }
    return same;
}

bool run_case_cuts(const struct case_setting *setting, const struct session_file *file,
                   struct case_result *result)
{
    struct cutter c = {.setting = setting, .file = file, .result = result};
    const struct cut_plan every_byte = {.every_byte = true};
    struct case_result bytewise;
    if (!case_engine_config(file->flags, &c.config, &result->why)) {
        return false;
    }
    run_engine(setting, file, &c.config, &every_byte, &bytewise, &c.bytewise);
    c.size = c.bytewise.n / sizeof(struct trace_point);
    bool same = bytewise.verdict == result->verdict && try_all_cuts(&c);
    if (bytewise.verdict != result->verdict) {
        buf_drop(&result->why, result->why.n);
        text_append(&result->why, "byte by byte: ");
        buf_append(&result->why, buf_span(&bytewise.why));
    }
    case_result_free(&bytewise);
    buf_free(&c.bytewise);
    return same;
}
