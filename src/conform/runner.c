/* SPDX-License-Identifier: MIT */
/* Distributes cases to servers and worker processes, and collects the results in a report. Must not
 * know: how a case is played (run_case.h), and the forms of a report. */
#include "conform/runner.h"

#include <nsq/version.h>

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"
#include "base/time.h"
#include "conform/busy.h"
#include "conform/command_line.h"
#include "conform/deaths.h"
#include "conform/preflight.h"
#include "conform/progress.h"
#include "conform/repeat.h"
#include "conform/run_case.h"
#include "conform/servers.h"
#include "conform/target_needs.h"
#include "conform/target_version.h"
#include "conform/transport_tcp.h"
#include "conform/workers.h"
#include "shell/clock.h"
#include "shell/machine.h"

#define TCP_JOBS 8
#define CASE_WORK_MS 50 /* a guess of how long a case takes, apart from its waits */

struct runner {
    const struct args *args;
    const struct suite_case **cases; /* only the chosen ones */
    size_t n;
    struct servers *servers; /* NULL: without --spawn */
    struct deaths deaths;
    int64_t begun;                  /* the clock's time when the run began */
    char run[48];                   /* prefix of all names of this run */
    struct target_answers *answers; /* each worker keeps its own */
    unsigned *again_left;           /* as busy_again needs it; each worker keeps its own */
    const struct ledger *ledger;
    const struct known *known;
    const int *end_fd;
    struct report *report;
    bool *has_result;     /* for each case */
    bool ignores_unknown; /* the server does not answer unknown commands: preflight.h */
    bool grounded;        /* the preflight found a reason to play no case; the report has it */
    struct progress progress;
};

/* --- one case, maybe in another process ------------------------------------------------------- */

static bool span_is(struct span s, const char *text)
{
    return text != NULL && span_equal(s, text_span(text));
}

/* Finds the server for a case. Returns false if there is none. Then the result says why. */
static bool find_target(const struct runner *r, size_t i, struct case_setting *setting,
                        struct case_result *result)
{
    const struct transcript *file = &r->cases[i]->file;
    setting->target = r->args->target;
    setting->http_target = r->args->http_target;
    setting->https_target = r->args->https_target;
    if (r->servers != NULL) {
        const struct spawn *s = &r->servers->list[r->servers->of[i]];
        setting->target = s->address;
        setting->http_target = s->http_address;
        setting->https_target = s->https_address;
        if (s->state != SPAWN_READY) {
            bool refused = s->state == SPAWN_REFUSED && file->flags.n > 0;
            result->verdict = refused ? VERDICT_UNSUPPORTED : VERDICT_UNREACHABLE;
            buf_append(&result->why, refused ? SPAN("the server does not start with these flags: ")
                                             : SPAN("the server does not start: "));
            buf_append(&result->why, buf_span(&s->why));
        }
        return s->state == SPAWN_READY;
    }
    if (setting->target != NULL && file->flags.n > 0 &&
        !span_is(file->flags, r->args->flags_given)) {
        result->verdict = VERDICT_UNSUPPORTED;
        text_append(&result->why, REPORT_LACKS_FLAGS);
        buf_append(&result->why, file->flags);
        buf_append(&result->why, file->server == SERVER_NSQD
                                     ? SPAN("; --spawn does that\n")
                                     : SPAN("; --spawn-lookup does that\n"));
        return false;
    }
    return true;
}

static void play_on(const struct runner *r, const struct case_setting *setting,
                    const struct transcript *file, struct case_result *result)
{
    if (!target_meets_needs(setting, file, r->answers, &result->why)) {
        result->verdict = VERDICT_UNSUPPORTED;
        return;
    }
    busy_run_case(setting, file, r->again_left, result);
    bool passed = result->verdict == VERDICT_PASS || result->verdict == VERDICT_NON_STRICT;
    if (r->args->cuts && setting->target == NULL && passed &&
        !run_case_cuts(setting, file, result)) {
        result->verdict = VERDICT_FAIL;
    }
}

static enum presence play(const struct runner *r, size_t i, struct case_result *result)
{
    const struct transcript *file = &r->cases[i]->file;
    char names[VALUES_NAMES_MAX];
    struct case_setting setting = {.names = values_names(r->run, file->id, names),
                                   .time_scale = r->args->time_scale,
                                   .suite = r->args->cases,
                                   .create_topics = &r->args->create_topics,
                                   .spawn = r->args->spawn,
                                   .splits = r->args->splits,
                                   .ignores_unknown = r->ignores_unknown};
    if (!find_target(r, i, &setting, result)) {
        return PRESENCE_UNKNOWN;
    }
    if (setting.target != NULL && !tcp_transport_reachable(setting.target)) {
        result->verdict = VERDICT_UNREACHABLE;
        text_append(&result->why, "no server accepts connections at ");
        buf_append(&result->why, span_make(setting.target, strlen(setting.target)));
        return PRESENCE_GONE_BEFORE;
    }
    play_on(r, &setting, file, result);
    if (setting.target == NULL) {
        return PRESENCE_UNKNOWN;
    }
    return tcp_transport_reachable(setting.target) ? PRESENCE_THERE : PRESENCE_GONE_AFTER;
}

/* --- results between processes ---------------------------------------------------------------- */

static void put_number(uint32_t n, struct buf *out)
{
    uint8_t bytes[4];
    be32_store(bytes, n);
    buf_append(out, span_make(bytes, sizeof bytes));
}

static void put_text(const struct buf *text, struct buf *out)
{
    put_number((uint32_t)text->n, out);
    buf_append(out, buf_span(text));
}

static uint32_t get_number(struct span *in)
{
    uint32_t n = be32_load(in->p);
    *in = span_skip(*in, 4);
    return n;
}

static void get_text(struct span *in, struct buf *out)
{
    uint32_t n = get_number(in);
    buf_append(out, span_first(*in, n));
    *in = span_skip(*in, n);
}

static void work(void *context, size_t i, struct buf *out)
{
    const struct runner *r = context;
    struct case_result result = {.verdict = VERDICT_PASS};
    int64_t begun = clock_now();
    enum presence presence = play(r, i, &result);
    put_number((uint32_t)presence, out);
    put_number((uint32_t)((clock_now() - r->begun) / TIME_MS), out);
    put_number((uint32_t)result.verdict, out);
    put_number(result.failed_line, out);
    put_number((uint32_t)((clock_now() - begun) / TIME_MS), out);
    put_text(&result.exchange, out);
    put_text(&result.why, out);
    put_text(&result.unmatched, out);
    case_result_free(&result);
}

static bool is_good(enum verdict verdict)
{
    return verdict == VERDICT_PASS || verdict == VERDICT_NON_STRICT || verdict == VERDICT_XFAIL;
}

/* An estimate of how long the case takes, in ms: what it waits, and some work. */
static int64_t weight_of(const struct runner *r, size_t i)
{
    return suite_duration(&r->cases[i]->file) + CASE_WORK_MS;
}

/* Tells a person about a failure as soon as it is known. */
static void show_case(struct runner *r, const struct report_case *c)
{
    struct buf text = {0};
    struct report_case shown = *c;
    shown.verdict = known_apply(r->known, c->id, c->verdict, &shown.reason);
    if (!is_good(shown.verdict) && shown.verdict != VERDICT_UNSUPPORTED) {
        report_heading(&shown, &text);
        progress_failed(&r->progress, c->id, buf_span(&text));
    }
    buf_free(&text);
}

static void tick(void *context)
{
    struct runner *r = context;
    progress_tick(&r->progress, clock_now());
}

/* Makes sure that the last line ends with a newline. */
static void end_line(struct buf *text)
{
    if (text->n > 0 && text->p[text->head + text->n - 1] != '\n') {
        text_append(text, "\n");
    }
}

static void take(void *context, size_t i, struct span in)
{
    struct runner *r = context;
    struct report_case *c = &r->report->cases[i];
    struct buf unmatched = {0};
    enum presence presence = (enum presence)get_number(&in);
    int64_t ended = get_number(&in) * TIME_MS;
    deaths_note(&r->deaths, i, presence, ended);
    buf_free(&c->why);
    buf_free(&c->exchange); /* the case may have been played before */
    buf_free(&c->unmatched);
    c->verdict = (enum verdict)get_number(&in);
    c->line = get_number(&in);
    int64_t ms = get_number(&in);
    c->ms = r->args->reproducible ? -1 : ms;
    get_text(&in, &c->exchange);
    get_text(&in, &c->why);
    get_text(&in, &unmatched);
    report_hex(buf_span(&unmatched), &c->unmatched);
    buf_free(&unmatched);
    end_line(&c->why);
    bool first = !r->has_result[i];
    r->has_result[i] = true;
    if (presence == PRESENCE_UNKNOWN || presence == PRESENCE_THERE) {
        show_case(r, c);
    }
    if (first) {
        progress_done(&r->progress, weight_of(r, i), clock_now());
    }
}

/* --- jobs ------------------------------------------------------------------------------------- */

struct job {
    int64_t duration;
    size_t i;
};

/* The cases that wait longest start first, and short cases fill the time beside them. */
static int by_duration(const void *a, const void *b)
{
    const struct job *x = a;
    const struct job *y = b;
    int longer_first = (y->duration > x->duration) - (y->duration < x->duration);
    return longer_first != 0 ? longer_first : (x->i > y->i) - (x->i < y->i);
}

static size_t parallel(const struct args *args)
{
    if (args->jobs > 0) {
        return args->jobs;
    }
    if (args->target != NULL || args->spawn != NULL) {
        return TCP_JOBS;
    }
    long cores = args->cuts ? sysconf(_SC_NPROCESSORS_ONLN) : 1;
    return cores < 1 ? 1 : (size_t)cores;
}

/* Plays these cases. */
static void run_cases(void *context, const size_t *cases, size_t n)
{
    struct runner *r = context;
    const struct workers w = {.context = r,
                              .work = work,
                              .take = take,
                              .tick = tick,
                              .parallel = parallel(r->args),
                              .end_fd = r->end_fd};
    struct job *order = alloc_zeroed((n + 1) * sizeof *order);
    size_t *jobs = alloc_zeroed((n + 1) * sizeof *jobs);
    for (size_t k = 0; k < n; k++) {
        order[k] =
            (struct job){.duration = suite_duration(&r->cases[cases[k]]->file), .i = cases[k]};
    }
    qsort(order, n, sizeof *order, by_duration);
    for (size_t k = 0; k < n; k++) {
        jobs[k] = order[k].i;
    }
    workers_run(&w, jobs, n); /* cases without a result have their verdict already */
    alloc_free(jobs);
    alloc_free(order);
}

/* Plays the cases whose servers run now. */
static void run_batch(struct runner *r)
{
    size_t *cases = alloc_zeroed((r->n + 1) * sizeof *cases);
    size_t n = 0;
    for (size_t i = 0; i < r->n; i++) {
        if (r->servers == NULL || r->servers->of[i] != SERVERS_MAX) {
            cases[n++] = i;
        }
    }
    deaths_begin(&r->deaths);
    run_cases(r, cases, n);
    if (!workers_stopped(r->end_fd)) { /* the signal that stops the run may end the servers too */
        deaths_settle(&r->deaths);
    }
    alloc_free(cases);
}

/* --- servers ---------------------------------------------------------------------------------- */

/* Takes the result of a preflight. Returns true if no case can be played. */
static bool is_grounded(struct runner *r, struct preflight *preflight)
{
    r->grounded = !preflight->passed;
    r->ignores_unknown = preflight->ignores_unknown;
    if (r->grounded) {
        preflight_report(preflight, r->report);
    }
    preflight_free(preflight);
    return r->grounded;
}

/* Asks the server whether it does what all cases need. Returns true if it does not, and then no
 * case is played. */
static bool preflight_grounds(struct runner *r, const char *address, bool whole)
{
    char names[VALUES_NAMES_MAX];
    const struct case_setting setting = {.target = address,
                                         .names = values_names(r->run, SPAN("preflight"), names),
                                         .time_scale = r->args->time_scale,
                                         .suite = r->args->cases,
                                         .create_topics = &r->args->create_topics};
    struct preflight preflight;
    preflight_run(&setting, r->args->server, whole, &preflight);
    if (preflight.passed && r->report->target_version.n == 0) {
        target_version(address, r->args->server, &r->report->target_version);
    }
    return is_grounded(r, &preflight);
}

/* The server without flags is asked. Cases that need flags may also need, for example, TLS before
 * they can do anything. */
static bool servers_ground(struct runner *r)
{
    size_t k = 0;
    while (k < r->servers->count && r->servers->flags[k].n > 0) {
        k++;
    }
    if (k == r->servers->count || r->args->no_preflight) {
        return false;
    }
    if (r->servers->list[k].state != SPAWN_READY) {
        struct preflight preflight;
        preflight_no_server(buf_span(&r->servers->list[k].why), &preflight);
        return is_grounded(r, &preflight);
    }
    return preflight_grounds(r, r->servers->list[k].address, true);
}

static void run_spawned(struct runner *r)
{
    struct servers *servers = alloc_zeroed(sizeof *servers);
    servers_init(servers, r->args->spawn, r->args->cases, r->end_fd, r->cases, r->n);
    r->servers = r->deaths.servers = servers;
    for (bool first = true; !r->grounded && !workers_stopped(r->end_fd) && servers_next(servers);
         first = false) {
        if (!workers_stopped(r->end_fd) && !(first && servers_ground(r))) {
            run_batch(r);
        }
        servers_stop(servers);
    }
    r->servers = r->deaths.servers = NULL;
    servers_free(servers);
    alloc_free(servers);
}

/* --- the run ---------------------------------------------------------------------------------- */

/* The name of the target in reports; that of a spawned server is its program. */
static struct span target_name(const struct args *args)
{
    const char *name = args->name != NULL                  ? args->name
                       : args->target != NULL              ? args->target
                       : args->spawn != NULL               ? args->spawn
                       : args->server == SERVER_NSQLOOKUPD ? "nsqref lookup service"
                                                           : "nsqref engine";
    bool command = args->name == NULL && args->spawn != NULL;
    return span_make(name, command ? strcspn(name, " ") : strlen(name));
}

static void begin_case(struct runner *r, size_t i, const struct suite_case *c)
{
    struct report_case *out = &r->report->cases[i];
    r->cases[i] = c;
    *out = (struct report_case){
        .id = c->file.id,
        .title = c->file.title,
        .level = transcript_level_name(c->file.level),
        .reqs = suite_words(c->file.reqs),
        .needs = suite_words(c->file.needs),
        .flags = c->file.flags,
        .effect = c->file.effect,
        .source = c->file.source,
        .path = span_make(c->path, strlen(c->path)),
        .verdict = VERDICT_UNREACHABLE,
        .ms = -1,
    };
    ledger_rules(r->ledger, &c->file, &out->rules);
}

/* Notes what a reader of the report needs to know about the run, apart from its cases. */
static void describe_run(struct runner *r)
{
    struct report *report = r->report;
    buf_append(&report->suite, span_make(suite_version(), strlen(suite_version())));
    command_line_again(r->args, &report->again);
    if (r->args->target == NULL && r->args->spawn == NULL) {
        text_append(&report->target_version, NSQ_COMPATIBILITY);
    }
    if (!r->args->reproducible) {
        char date[sizeof "2026-01-31T23:59:59Z"];
        time_t now = (time_t)((clock_now() + clock_wall_offset()) / TIME_SECOND);
        struct tm utc;
        size_t n = gmtime_r(&now, &utc) == NULL
                       ? 0
                       : strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &utc);
        buf_append(&report->date, span_make(date, n));
        command_line_whole(r->args, &report->command);
    }
}

static void begin_progress(struct runner *r)
{
    unsigned times = r->args->repeat == 0 ? 1 : r->args->repeat;
    int64_t weight = 0;
    for (size_t i = 0; i < r->n; i++) {
        weight += weight_of(r, i);
    }
    progress_begin(&r->progress, stderr, isatty(STDERR_FILENO) != 0, r->n * times,
                   parallel(r->args), weight * times, r->begun);
}

static bool choose_names(struct runner *r, unsigned repetition, FILE *err)
{
    uint32_t random = 0;
    const char *given = r->args->names;
    if (r->args->target == NULL) { /* the server is new, so the same names can be used again */
        snprintf(r->run, sizeof r->run, "%s", given == NULL ? "c" : given);
        return true;
    }
    if (given != NULL) {
        int n = repetition == 0 ? 0 : snprintf(r->run, sizeof r->run, "r%u", repetition + 1);
        snprintf(r->run + n, sizeof r->run - (size_t)n, "%s", given);
        return true;
    }
    if (!machine_random(&random, sizeof random)) {
        fputs("nsq-conform: cannot read random bytes for unique names; --names sets the prefix\n",
              err);
        return false;
    }
    snprintf(r->run, sizeof r->run, "c%08x", random);
    return true;
}

static enum conform_exit run_all(struct runner *r, unsigned repetition, FILE *err)
{
    bool whole = !r->args->no_preflight && r->args->flags_given == NULL;
    if (!choose_names(r, repetition, err)) {
        return EXIT_UNREACHABLE;
    }
    if (r->args->target != NULL && preflight_grounds(r, r->args->target, whole)) {
        return EXIT_CONFORMS;
    }
    if (r->args->spawn != NULL) {
        run_spawned(r);
    } else {
        run_batch(r);
    }
    return EXIT_CONFORMS;
}

static void forget_results(struct runner *r)
{
    memset(r->has_result, 0, r->n * sizeof *r->has_result);
    for (size_t i = 0; i < r->n; i++) {
        text_append(&r->report->cases[i].why,
                    "the process that ran this case ended without a result\n");
    }
}

/* Plays the suite as often as --repeat says. */
static enum conform_exit run_repeatedly(struct runner *r, FILE *err)
{
    enum conform_exit code = EXIT_CONFORMS;
    struct repeat repeat;
    bool stopped = false;
    repeat_init(&repeat, r->n);
    for (unsigned k = 0; (k == 0 || k < r->args->repeat) && code == EXIT_CONFORMS && !stopped;
         k++) {
        forget_results(r);
        deaths_init(&r->deaths, r->report, err);
        r->deaths.context = r;
        r->deaths.play = run_cases;
        code = run_all(r, k, err);
        deaths_free(&r->deaths);
        stopped = workers_stopped(r->end_fd);
        if (r->grounded) {
            repeat_free(&repeat);
            return code;
        }
        repeat_add(&repeat, r->report, stopped ? r->has_result : NULL);
    }
    repeat_finish(&repeat, r->report, r->has_result);
    repeat_free(&repeat);
    return code;
}

/* Removes the cases that have no result because the run was stopped. */
static enum conform_exit stop_short(struct runner *r, FILE *err)
{
    struct report *report = r->report;
    size_t kept = 0;
    for (size_t i = 0; i < r->n; i++) {
        if (r->has_result[i]) {
            report->cases[kept++] = report->cases[i];
        } else {
            buf_free(&report->cases[i].rules);
            buf_free(&report->cases[i].why);
        }
    }
    report->n = kept;
    fprintf(err, "nsq-conform: stopped, with the results of %zu of %zu cases\n", kept, r->n);
    return EXIT_STOPPED;
}

enum conform_exit runner_run(const struct args *args, const struct suite *suite,
                             const struct ledger *ledger, const struct known *known,
                             const int *end_fd, struct report *report, FILE *err)
{
    struct runner r = {.args = args,
                       .ledger = ledger,
                       .known = known,
                       .end_fd = end_fd,
                       .report = report,
                       .n = suite->chosen};
    report_init(report, target_name(args), r.n);
    report->server = args->server;
    r.cases = alloc_zeroed((r.n + 1) * sizeof(struct suite_case *));
    r.again_left = &(unsigned){BUSY_CASES_MAX};
    r.answers = alloc_zeroed(sizeof *r.answers);
    r.has_result = alloc_zeroed((r.n + 1) * sizeof *r.has_result);
    size_t i = 0;
    for (size_t k = 0; k < suite->n; k++) {
        if (suite->cases[k].chosen) {
            begin_case(&r, i++, &suite->cases[k]);
        }
    }
    r.begun = clock_now();
    describe_run(&r);
    begin_progress(&r);
    enum conform_exit code = run_repeatedly(&r, err);
    progress_end(&r.progress);
    report->ms = args->reproducible ? -1 : (clock_now() - r.begun) / TIME_MS;
    if (code == EXIT_CONFORMS && !r.grounded && workers_stopped(end_fd)) {
        code = stop_short(&r, err);
    }
    for (i = 0; i < report->n; i++) {
        struct report_case *c = &report->cases[i];
        c->verdict = known_apply(known, c->id, c->verdict, &c->reason);
    }
    alloc_free(r.has_result);
    alloc_free(r.answers);
    alloc_free(r.cases);
    return code;
}
