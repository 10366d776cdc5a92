/* SPDX-License-Identifier: MIT */
/* Plays one case with the transport that its setting asks for, and with its input cut in all ways.
 * Must not know: verdicts of other cases, and reports. */
#include "conform/run_case.h"

#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"
#include "base/time.h"
#include "conform/create_topics.h"
#include "conform/spawn.h"
#include "conform/suite.h"
#include "conform/transport_engine.h"
#include "conform/transport_tcp.h"

#define REPLY_TIMEOUT_VIRTUAL (10 * TIME_SECOND)
/* nsqd may look at a new channel's timers only after 5 s. */
#define REPLY_TIMEOUT_TCP (8 * TIME_SECOND)
#define SLACK_TCP (5 * TIME_MS)
#define LAG_TCP (500 * TIME_MS)

/* --- one run ---------------------------------------------------------------------------------- */

static void take_result(struct player *player, struct case_result *result)
{
    *result = (struct case_result){
        .verdict = player->verdict,
        .failed_line = player->failed_line,
        .exchange = player->exchange,
        .why = player->why,
        .unmatched = player->unmatched,
    };
    player->exchange = player->why = player->unmatched = (struct buf){0};
}

/* The engine after a restart with other flags. */
struct restarted {
    enum server_kind server;
    const char *suite;
    struct case_engine engine;
};

static bool make_config(void *maker, struct span flags, struct local_config *config,
                        struct buf *why)
{
    struct restarted *r = maker;
    struct case_engine engine;
    if (!case_engine_open(&engine, r->server, flags, r->suite, why)) {
        return false;
    }
    case_engine_close(&r->engine);
    r->engine = engine;
    *config = engine.config;
    return true;
}

/* Plays on virtual time. With a trace, the result has no exchange: then one play of thousands is
 * compared with another one. `trace` receives one trace point after each piece of input. */
static void run_engine(const struct case_setting *setting, const struct transcript *file,
                       const struct local_config *config, const struct cut_plan *plan,
                       struct case_result *result, struct buf *trace)
{
    struct player *player = alloc_zeroed(sizeof *player);
    struct engine_transport *t = alloc_zeroed(sizeof *t);
    struct restarted restarted = {.server = config->kind, .suite = setting->suite};
    engine_transport_init(t, player, config, plan);
    t->make_config = make_config;
    t->maker = &restarted;
    const struct player_config how = {.transport = engine_transport_calls(t),
                                      .names = setting->names,
                                      .listeners = {ENGINE_TRANSPORT_LOOKUPD,
                                                    ENGINE_TRANSPORT_LOOKUPD2,
                                                    ENGINE_TRANSPORT_LOOKUPD_HTTP},
                                      .reply_timeout = REPLY_TIMEOUT_VIRTUAL,
                                      .slack = 0,
                                      .time_scale = 100,
                                      .no_exchange = trace != NULL};
    player_init(player, &how, file);
    player_run(player);
    take_result(player, result);
    if (trace != NULL) {
        *trace = t->trace;
        t->trace = (struct buf){0};
    }
    player_free(player);
    engine_transport_free(t);
    case_engine_close(&restarted.engine);
    alloc_free(t);
    alloc_free(player);
}

/* The scripted nsqlookupds of a case, and the HTTP side of the first. */
struct lookupds {
    int listeners[TRANSCRIPT_LISTENERS]; /* -1: there are none */
    char addresses[TRANSCRIPT_LISTENERS][SOCKET_ADDRESS_MAX];
};

static bool lookupds_open(struct lookupds *lookupds, struct buf *why)
{
    char reason[SOCKET_WHY_MAX];
    bool ok = true;
    for (size_t i = 0; i < TRANSCRIPT_LISTENERS; i++) {
        lookupds->listeners[i] = socket_listen("127.0.0.1:0", reason);
        ok = ok && lookupds->listeners[i] >= 0;
        socket_local_address(lookupds->listeners[i], lookupds->addresses[i]);
    }
    if (!ok) {
        text_append(why, "no port for a scripted nsqlookupd: ");
        buf_append(why, text_span(reason));
    }
    return ok;
}

static void lookupds_close(struct lookupds *lookupds)
{
    for (size_t i = 0; i < TRANSCRIPT_LISTENERS; i++) {
        if (lookupds->listeners[i] >= 0) {
            close(lookupds->listeners[i]);
        }
    }
}

static const char *address_of(const struct lookupds *lookupds, size_t i)
{
    return lookupds == NULL ? NULL : lookupds->addresses[i];
}

/* Plays on a target, or on a server of its own, which may have scripted nsqlookupds. */
static void run_tcp(const struct case_setting *setting, const struct transcript *file,
                    struct spawn *own, const struct lookupds *lookupds, struct case_result *result)
{
    const char *address = own == NULL ? setting->target : own->address;
    if (setting->create_topics != NULL &&
        !create_topics(setting->create_topics, address, setting->names, file, &result->why)) {
        result->verdict = VERDICT_FAIL;
        return;
    }
    struct player *player = alloc_zeroed(sizeof *player);
    struct tcp_transport t;
    if (own == NULL) {
        tcp_transport_init(&t, player, setting->target);
        t.addresses[CONNECT_HTTP] = setting->http_target;
        t.addresses[CONNECT_HTTPS] = setting->https_target;
    } else {
        tcp_transport_init_own(&t, player, own);
    }
    for (size_t i = 0; i < TRANSCRIPT_LISTENERS && lookupds != NULL; i++) {
        t.listeners[i] = lookupds->listeners[i];
    }
    const struct player_config how = {
        .transport = tcp_transport_calls(&t),
        .names = setting->names,
        .reply_timeout = REPLY_TIMEOUT_TCP,
        .slack = SLACK_TCP,
        .lag = LAG_TCP,
        .time_scale = setting->time_scale,
        .splits = setting->splits,
        .late_replies = true,
        .listeners = {address_of(lookupds, 0), address_of(lookupds, 1), address_of(lookupds, 2)},
        .ignores_unknown = setting->ignores_unknown};
    player_init(player, &how, file);
    player_run(player);
    take_result(player, result);
    player_free(player);
    tcp_transport_free(&t);
    alloc_free(player);
}

/* Whether a case has a server of its own, because other cases are played at the same time. */
static bool needs_own(const struct transcript *file)
{
    return transcript_has(file, STEP_RESTART) || transcript_scripts_lookupd(file) ||
           transcript_needs(file, SPAN("fresh"));
}

static struct span why_not(const struct transcript *file)
{
    return transcript_has(file, STEP_RESTART)
               ? SPAN("the server must be restarted; --spawn does that\n")
           : transcript_scripts_lookupd(file)
               ? SPAN("the server must be told the address of a scripted nsqlookupd; --spawn does "
                      "that\n")
               : SPAN("the server must be new; --spawn-lookup does that\n");
}

/* Plays on a server that is started for this case alone. */
static void start_and_run(const struct case_setting *setting, const struct transcript *file,
                          const struct lookupds *lookupds, struct case_result *result)
{
    struct spawn own;
    const char *suite = setting->suite == NULL ? SUITE_CASES : setting->suite;
    const char *const addresses[] = {lookupds->addresses[0], lookupds->addresses[1]};
    spawn_start_scripted(&own, setting->spawn, file->flags, suite, addresses);
    spawn_wait(&own, 1, NULL);
    if (own.state == SPAWN_READY) {
        run_tcp(setting, file, &own, lookupds, result);
    } else {
        result->verdict = VERDICT_UNREACHABLE;
        text_append(&result->why, "the server does not start: ");
        buf_append(&result->why, buf_span(&own.why));
    }
    spawn_stop(&own, 1);
}

static void run_own(const struct case_setting *setting, const struct transcript *file,
                    struct case_result *result)
{
    struct lookupds lookupds = {
        .listeners = {-1, -1, -1},
        .addresses = {SPAWN_NO_LOOKUPD, SPAWN_NO_LOOKUPD, SPAWN_NO_LOOKUPD}};
    if (setting->spawn == NULL) {
        result->verdict = VERDICT_UNSUPPORTED;
        buf_append(&result->why, why_not(file));
    } else if (transcript_scripts_lookupd(file) && !lookupds_open(&lookupds, &result->why)) {
        result->verdict = VERDICT_UNREACHABLE;
    } else {
        start_and_run(setting, file, &lookupds, result);
    }
    lookupds_close(&lookupds);
}

void run_case(const struct case_setting *setting, const struct transcript *file,
              struct case_result *result)
{
    struct case_engine engine;
    const struct cut_plan whole = {0};
    *result = (struct case_result){0};
    if (setting->target != NULL && needs_own(file)) {
        run_own(setting, file, result);
    } else if (setting->target != NULL) {
        run_tcp(setting, file, NULL, NULL, result);
    } else if (case_engine_open(&engine, file->server, file->flags, setting->suite, &result->why)) {
        run_engine(setting, file, &engine.config, &whole, result, NULL);
        case_engine_close(&engine);
    } else {
        result->verdict = VERDICT_UNREACHABLE;
    }
}

void case_result_free(struct case_result *result)
{
    buf_free(&result->exchange);
    buf_free(&result->why);
    buf_free(&result->unmatched);
}

/* --- cuts ------------------------------------------------------------------------------------- */

struct cutter {
    const struct case_setting *setting;
    const struct transcript *file;
    struct case_engine engine;
    struct buf bytewise; /* of struct trace_point, one after each byte of input */
    size_t size;         /* bytes of input of the whole case */
    size_t near;         /* how far from an end cuts are tried, if not everywhere */
    bool only_verdicts;  /* the output depends on how the input is cut: see reads_metrics */
    struct case_result *result;
};

static struct trace_point point_at(const struct buf *trace, size_t i)
{
    struct trace_point point = {0};
    struct span at = span_skip(buf_span(trace), i * sizeof point);
    if (at.p != NULL) {
        memcpy(&point, at.p, sizeof point);
    }
    return point;
}

static void explain_difference(struct cutter *c, const struct cut_plan *plan, size_t offset)
{
    struct buf *why = &c->result->why;
    buf_drop(why, why->n);
    if (plan->least_effort) {
        text_append(why, "with an allowance of one unit a call, ");
    }
    text_append(why, "with cuts before bytes ");
    text_append_decimal(why, (int64_t)plan->cuts[0]);
    text_append(why, " and ");
    text_append_decimal(why, (int64_t)plan->cuts[1]);
    text_append(why, " (0: no cut), in pieces of at most ");
    text_append_decimal(why, (int64_t)plan->every);
    text_append(why, " bytes (0: of any size) the output after byte ");
    text_append_decimal(why, (int64_t)offset);
    text_append(why, " differs from the output when the input comes byte by byte");
}

/* After each piece, the output must be the same as in the play byte by byte. */
static bool same_as_bytewise(struct cutter *c, const struct cut_plan *plan, const struct buf *trace)
{
    for (size_t i = 0; i < trace->n / sizeof(struct trace_point); i++) {
        struct trace_point got = point_at(trace, i);
        struct trace_point wanted = {0};
        if (got.offset >= 1 && got.offset <= c->size) {
            wanted = point_at(&c->bytewise, got.offset - 1);
        }
        if (got.output != wanted.output || got.hash != wanted.hash) {
            explain_difference(c, plan, got.offset);
            return false;
        }
    }
    return true;
}

static bool try_plan(struct cutter *c, const struct cut_plan *plan)
{
    struct case_result result;
    struct buf trace;
    struct cut_plan compared = *plan;
    compared.compared = true;
    run_engine(c->setting, c->file, &c->engine.config, &compared, &result, &trace);
    bool same =
        result.verdict == c->result->verdict &&
        (c->size > CUTS_BYTEWISE_MAX || c->only_verdicts || same_as_bytewise(c, plan, &trace));
    if (result.verdict != c->result->verdict) {
        explain_difference(c, plan, c->size);
    }
    buf_free(&trace);
    case_result_free(&result);
    return same;
}

static bool try_cuts(struct cutter *c, size_t first, size_t second)
{
    return try_plan(c, &(struct cut_plan){.cuts = {first, second}});
}

/* The output must not depend on how much the engine does in one call. */
static bool try_least_effort(struct cutter *c)
{
    return try_plan(c, &(struct cut_plan){.least_effort = true}) &&
           try_plan(c, &(struct cut_plan){.least_effort = true, .every_byte = true});
}

static bool near_an_end(const struct cutter *c, size_t offset)
{
    return (c->size <= CUTS_SINGLE_MAX && c->near == CUTS_PAIRS_MAX) || offset < c->near ||
           offset + c->near > c->size;
}

/* For a long case: pieces of a few sizes. None divides the size of a usual buffer. */
static bool try_coarse(struct cutter *c)
{
    static const size_t sizes[] = {4093, 65521, 1000003};
    bool same = try_plan(c, &(struct cut_plan){.least_effort = true});
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0] && same; i++) {
        same = try_plan(c, &(struct cut_plan){.every = sizes[i]});
    }
    return same;
}

/* Pairs are tried for short cases without codecs and HTTP only: there are many pairs, codecs are
 * slow to set up, and the heads of HTTP are long. */
static bool tries_pairs(const struct cutter *c)
{
    return c->size <= CUTS_PAIRS_MAX && !transcript_upgrades(c->file) &&
           !transcript_speaks_http(c->file);
}

static bool try_all_cuts(struct cutter *c)
{
    bool same = try_cuts(c, 0, 0);
    for (size_t i = 1; i < c->size && same; i++) {
        same = !near_an_end(c, i) || try_cuts(c, i, 0);
    }
    for (size_t i = 1; i < c->size && same && tries_pairs(c); i++) {
        for (size_t k = i + 1; k < c->size && same; k++) {
            same = try_cuts(c, i, k);
        }
    }
    return same;
}

/* Plays byte by byte, and then in all the other ways. */
static bool try_everything(struct cutter *c)
{
    const struct cut_plan every_byte = {.compared = true, .every_byte = true};
    struct case_result bytewise;
    run_engine(c->setting, c->file, &c->engine.config, &every_byte, &bytewise, &c->bytewise);
    bool same = bytewise.verdict == c->result->verdict && try_least_effort(c) && try_all_cuts(c);
    if (bytewise.verdict != c->result->verdict) {
        buf_drop(&c->result->why, c->result->why.n);
        text_append(&c->result->why, "when the input comes byte by byte: ");
        buf_append(&c->result->why, buf_span(&bytewise.why));
    }
    case_result_free(&bytewise);
    buf_free(&c->bytewise);
    return same;
}

/* Whether a step reads /metrics. That page tells how much memory unfinished input and unsent output
 * take, which depends on how the input was cut. */
static bool reads_metrics(const struct step *step)
{
    struct span path = SPAN("/metrics");
    return step->kind == STEP_REQUEST && step->items->kind == ITEM_BYTES &&
           span_equal(span_first(step->items->bytes, path.n), path);
}

/* Finds out how long the case is. */
static void measure(struct cutter *c)
{
    const struct cut_plan whole = {.every_byte = false};
    struct case_result result;
    struct unrolled steps;
    struct buf trace;
    size_t n = 0;
    run_engine(c->setting, c->file, &c->engine.config, &whole, &result, &trace);
    size_t points = trace.n / sizeof(struct trace_point);
    c->size = points == 0 ? 0 : point_at(&trace, points - 1).offset;
    transcript_unroll(c->file, &steps);
    for (const struct step *step = steps.steps; step != NULL; step = step->next) {
        n++;
        c->only_verdicts = c->only_verdicts || reads_metrics(step);
    }
    c->near = n > CUTS_STEPS_MAX ? CUTS_NEAR : CUTS_PAIRS_MAX;
    unrolled_free(&steps);
    buf_free(&trace);
    case_result_free(&result);
}

bool run_case_cuts(const struct case_setting *setting, const struct transcript *file,
                   struct case_result *result)
{
    struct cutter c = {.setting = setting, .file = file, .result = result};
    if (!case_engine_open(&c.engine, file->server, file->flags, setting->suite, &result->why)) {
        return false;
    }
    measure(&c);
    bool same = c.size > CUTS_BYTEWISE_MAX ? try_coarse(&c) : try_everything(&c);
    case_engine_close(&c.engine);
    return same;
}
