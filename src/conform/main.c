/* SPDX-License-Identifier: MIT */
/*
 * nsq-conform: plays session files against an NSQ server and reports, rule by rule, how it behaves.
 * Each mode of the command line has a function here. Must not know: how cases are played
 * (runner.h).
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "conform/changes.h"
#include "conform/files.h"
#include "conform/last_report.h"
#include "conform/play_server.h"
#include "conform/preflight.h"
#include "conform/runner.h"
#include "conform/survive.h"
#include "shell/signals.h"
#include "shell/standard_output.h"

#define KNOWN_HERE "known/nsqref.txt" /* in the folder of the cases */
#define REPORT_MAX ((size_t)64 << 20)

/* --- files given on the command line ---------------------------------------------------------- */

static bool load_suite(const struct args *args, struct suite *suite)
{
    if (args->file_count == 0) {
        return suite_load(suite, &args->cases, 1, stderr);
    }
    return suite_load(suite, (const char *const *)args->files, args->file_count, stderr);
}

static enum conform_exit read_report(struct report *report, const char *path)
{
    struct buf json = {0};
    struct buf why = {0};
    bool ok = files_read(path, REPORT_MAX, &json, stderr);
    if (ok && !report_read(report, buf_span(&json), &why)) {
        fprintf(stderr, "%s: %.*s\n", path, (int)why.n, (const char *)buf_span(&why).p);
        ok = false;
    }
    buf_free(&json);
    buf_free(&why);
    return ok ? EXIT_CONFORMS : EXIT_USAGE;
}

static enum conform_exit fmt(const struct args *args)
{
    struct suite suite;
    bool ok = load_suite(args, &suite);
    for (size_t i = 0; i < suite.n; i++) {
        struct buf text = {0};
        transcript_print(&suite.cases[i].file, &text);
        if (args->mode == MODE_FMT_PRINT) {
            fwrite(buf_span(&text).p, 1, text.n, stdout);
        }
        if (!span_equal(buf_span(&text), buf_span(&suite.cases[i].file.bytes))) {
            fprintf(stderr, "%s:1:1: expected the canonical form, which --fmt=print prints\n",
                    suite.cases[i].path);
            ok = false;
        }
        buf_free(&text);
    }
    if (ok && args->mode == MODE_FMT) {
        printf("%zu files in canonical form\n", suite.n);
    }
    suite_free(&suite);
    return ok ? EXIT_CONFORMS : EXIT_USAGE;
}

static enum conform_exit merge(const struct args *args)
{
    struct report *reports = alloc_zeroed(args->file_count * sizeof *reports);
    enum conform_exit code = EXIT_CONFORMS;
    size_t n = 0;
    while (n < args->file_count && code == EXIT_CONFORMS) {
        code = read_report(&reports[n], args->files[n]);
        n += code == EXIT_CONFORMS;
    }
    if (code == EXIT_CONFORMS) {
        const struct report_rules rules = {.strict = args->strict,
                                           .allow_unsupported = args->allow_unsupported};
        struct buf page = {0};
        report_html(reports, n, &rules, &page);
        code = files_write(args->html, buf_span(&page), stderr) ? EXIT_CONFORMS : EXIT_USAGE;
        buf_free(&page);
    }
    for (size_t i = 0; i < n; i++) {
        report_free(&reports[i]);
    }
    alloc_free(reports);
    return code;
}

/* --- cases ------------------------------------------------------------------------------------ */

static enum conform_exit check_ledger(const struct args *args, const struct suite *suite,
                                      struct ledger *ledger)
{
    size_t checked;
    size_t wrong = ledger_check(ledger, suite, args->cases, args->departures, &checked, stderr);
    printf("%zu cases, %zu requirements, %zu errors\n", suite->n, ledger->n, wrong);
    return wrong == 0 ? EXIT_CONFORMS : EXIT_DOES_NOT;
}

static enum conform_exit choose_failed(const struct args *args, struct suite *suite)
{
    struct report last;
    char path[FILES_PATH_MAX];
    const char *json = args->json == NULL ? last_report_path(path) : args->json;
    if (json == NULL || (args->json == NULL && !files_exists(json))) {
        fprintf(stderr,
                "nsq-conform: there is no last report%s%s; a run writes it there, or to the file "
                "of --json\n",
                json == NULL ? "" : " at ", json == NULL ? "" : json);
        return EXIT_USAGE;
    }
    enum conform_exit code = read_report(&last, json);
    if (code != EXIT_CONFORMS) {
        return code;
    }
    if (last.n == 1 && preflight_is_finding(&last.cases[0])) {
        report_free(&last); /* no case was played, so all failed */
        return EXIT_CONFORMS;
    }
    struct span *ids = alloc_zeroed((last.n + 1) * sizeof *ids);
    size_t n = 0;
    for (size_t i = 0; i < last.n; i++) {
        if (last.cases[i].verdict != VERDICT_PASS) {
            ids[n++] = last.cases[i].id;
        }
    }
    suite_choose_ids(suite, ids, n);
    alloc_free(ids);
    report_free(&last);
    return EXIT_CONFORMS;
}

typedef void report_writer(const struct report *, const struct report_rules *, struct buf *);

static void write_json(const struct report *r, const struct report_rules *rules, struct buf *out)
{
    (void)rules;
    report_json(r, out);
}

static void write_html(const struct report *r, const struct report_rules *rules, struct buf *out)
{
    report_html(r, 1, rules, out);
}

static bool write_report(const char *path, report_writer *writer, const struct report *report,
                         const struct report_rules *rules)
{
    struct buf text = {0};
    if (path == NULL) {
        return true;
    }
    writer(report, rules, &text);
    bool ok = files_write(path, buf_span(&text), stderr);
    buf_free(&text);
    return ok;
}

/* A path that cannot be written is noticed before the first case. */
static bool can_write_reports(const struct args *args)
{
    const char *paths[] = {args->tap, args->junit, args->json, args->html};
    bool ok = true;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        ok = (paths[i] == NULL || files_can_write(paths[i], stderr)) && ok;
    }
    return ok;
}

static bool is_output(const char *path)
{
    return path != NULL && strcmp(path, "-") == 0;
}

/* Writes the text for a terminal: to standard error if another report goes to standard output,
 * which a program may read. */
static bool write_text(const struct args *args, const struct report *report,
                       const struct report_rules *rules)
{
    struct buf text = {0};
    if (!is_output(args->tap) && !is_output(args->junit) && !is_output(args->json) &&
        !is_output(args->html)) {
        return write_report("-", report_text, report, rules);
    }
    report_text(report, rules, &text);
    fwrite(buf_span(&text).p, 1, text.n, stderr);
    buf_free(&text);
    return true;
}

static bool write_reports(const struct args *args, const struct report *report,
                          const struct report_rules *rules)
{
    bool ok = write_report(args->tap, report_tap, report, rules);
    ok = write_report(args->junit, report_junit, report, rules) && ok;
    ok = write_report(args->json, write_json, report, rules) && ok;
    ok = write_report(args->html, write_html, report, rules) && ok;
    if (args->json == NULL) {
        struct buf json = {0};
        report_json(report, &json);
        last_report_write(buf_span(&json));
        buf_free(&json);
    }
    return write_text(args, report, rules) && ok;
}

/* A server that does not conform is more important to know than one that cannot be reached. */
static enum conform_exit judge(const struct report *report, const struct report_rules *rules)
{
    enum conform_exit code = EXIT_CONFORMS;
    for (size_t i = 0; i < report->n && code != EXIT_DOES_NOT; i++) {
        const struct report_case *c = &report->cases[i];
        if (c->verdict == VERDICT_UNREACHABLE) {
            code = EXIT_UNREACHABLE;
        } else if (!report_good(rules, c)) {
            code = EXIT_DOES_NOT;
        }
    }
    return code;
}

static enum conform_exit run(const struct args *args, const struct suite *suite,
                             const struct ledger *ledger, const struct known *known)
{
    const struct report_rules rules = {.strict = args->strict,
                                       .allow_unsupported = args->allow_unsupported};
    struct report report;
    if (!can_write_reports(args)) {
        return EXIT_USAGE;
    }
    int end_fd = signals_open();
    enum conform_exit code = runner_run(args, suite, ledger, known, &end_fd, &report, stderr);
    if (code == EXIT_CONFORMS || code == EXIT_STOPPED) {
        code = code == EXIT_STOPPED ? code : judge(&report, &rules);
        code = write_reports(args, &report, &rules) ? code : EXIT_USAGE;
    }
    report_free(&report);
    return code;
}

/* Loads the known failures. Without --known, a run in this process uses the file of the suite. */
static bool load_known(const struct args *args, struct known *known, char path[FILES_PATH_MAX])
{
    bool here = args->target == NULL && args->spawn == NULL;
    int n = args->known != NULL ? snprintf(path, FILES_PATH_MAX, "%s", args->known)
                                : snprintf(path, FILES_PATH_MAX, "%s/" KNOWN_HERE, args->cases);
    bool there = args->known != NULL || (here && n < FILES_PATH_MAX && access(path, R_OK) == 0);
    return !there || known_load(known, path, stderr);
}

static enum conform_exit run_known(const struct args *args, const struct suite *suite,
                                   const struct ledger *ledger)
{
    struct known known = {.n = 0};
    char path[FILES_PATH_MAX];
    if (!load_known(args, &known, path)) {
        return EXIT_USAGE;
    }
    for (size_t i = 0; i < suite->n; i++) {
        known_see(&known, suite->cases[i].file.id);
    }
    bool whole =
        args->file_count == 0; /* otherwise a line may be about a case that was not given */
    enum conform_exit code = EXIT_USAGE;
    if (!whole || known_all_used(&known, path, stderr)) {
        code = run(args, suite, ledger, &known);
    }
    known_free(&known);
    return code;
}

/* Lists or plays the chosen cases. */
static enum conform_exit use_suite(const struct args *args, const struct suite *suite,
                                   const struct ledger *ledger)
{
    struct buf text = {0};
    if (suite->chosen == 0) {
        fputs(
            "nsq-conform: no case matches the options; --list lists the cases, and --lookup --list "
            "those of nsqlookupd\n",
            stderr);
        return EXIT_NOTHING_RAN;
    }
    switch (args->mode) {
    case MODE_LIST:
        suite_list(suite, &text);
        break;
    case MODE_LIST_JSON:
        suite_list_json(suite, &text);
        break;
    case MODE_LIST_FLAGS:
        suite_list_flags(suite, &text);
        break;
    case MODE_DRY_RUN:
        printf("%zu of %zu cases would run\n", suite->chosen, suite->n);
        return EXIT_CONFORMS;
    default:
        return run_known(args, suite, ledger);
    }
    bool ok = files_write("-", buf_span(&text), stderr);
    buf_free(&text);
    return ok ? EXIT_CONFORMS : EXIT_USAGE;
}

static bool has_version(const struct args *args)
{
    bool ok = args->suite_version == 0 || args->suite_version == SUITE_VERSION;
    if (!ok) {
        fprintf(stderr,
                "nsq-conform: the suite has version %u, not %u; %s/" CHANGES_FILE
                " lists what has changed\n",
                SUITE_VERSION, args->suite_version, args->cases);
    }
    return ok;
}

/* If no option says which program is tested, the cases do: those of nsqlookupd are tested when
 * there are no others. */
static enum server_kind program_of(const struct args *args, const struct suite *suite)
{
    size_t others = 0;
    for (size_t i = 0; i < suite->n; i++) {
        others += suite->cases[i].file.server != SERVER_NSQLOOKUPD;
    }
    bool open = args->target == NULL && args->spawn == NULL && suite->n > 0;
    return open && others == 0 ? SERVER_NSQLOOKUPD : args->server;
}

static enum conform_exit with_suite(struct args *args)
{
    struct suite suite;
    struct ledger ledger;
    enum conform_exit code = EXIT_CONFORMS;
    bool ok = load_suite(args, &suite);
    ok = ledger_load(&ledger, args->cases, stderr) && ok;
    if (!ok || !has_version(args)) {
        code = EXIT_USAGE;
    } else if (args->mode == MODE_CHECK_LEDGER) {
        code = check_ledger(args, &suite, &ledger);
    } else {
        args->server = program_of(args, &suite);
        suite_choose(&suite, args);
        code = args->rerun_failed ? choose_failed(args, &suite) : code;
        code = code == EXIT_CONFORMS ? use_suite(args, &suite, &ledger) : code;
    }
    ledger_free(&ledger);
    suite_free(&suite);
    return code;
}

static enum conform_exit play_corpus(const struct args *args)
{
    int end_fd = signals_open();
    return survive(args, &end_fd, stdout, stderr);
}

static enum conform_exit do_mode(struct args *args)
{
    switch (args->mode) {
    case MODE_DONE:
        return EXIT_CONFORMS;
    case MODE_FMT:
    case MODE_FMT_PRINT:
        return fmt(args);
    case MODE_MERGE:
        return merge(args);
    case MODE_SERVE:
        return serve_file(args, stderr);
    case MODE_SURVIVE:
        return play_corpus(args);
    default:
        return with_suite(args);
    }
}

int main(int argc, char **argv)
{
    struct args args;
    char cases[SUITE_PATH_MAX];
    enum conform_exit code = args_parse(&args, argc, argv, stdout, stderr);
    args.cases = args.cases == NULL ? suite_folder(cases) : args.cases;
    code = code == EXIT_CONFORMS ? do_mode(&args) : code;
    return standard_output_end("nsq-conform") ? (int)code : EXIT_USAGE;
}
