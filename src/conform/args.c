/* SPDX-License-Identifier: MIT */
#include "conform/args.h"

#include <nsq/version.h>

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "conform/session_file.h"

#define ALL_LEVELS ((1U << LEVEL_COUNT) - 1)
#define JOBS_MAX 64
#define SCALE_MAX 10000

static const char help[] =
    "nsq-conform [OPTION]... [FILE|DIR]...\n"
    "Replays session files against an NSQ server and tells, rule by rule, what it does.\n"
    "\n"
    "What is tested (default: the engine of nsqref in this process, on virtual time):\n"
    "  --target ADDRESS      a server at HOST:PORT or at the path of a unix socket\n"
    "  --spawn 'CMD {flags}' start the server, one for each set of flags that cases ask for, and\n"
    "                        stop it; {port} becomes a free port and {dir} a new folder. Without\n"
    "                        {port} its address is read from its line 'TCP: listening on ADDRESS'\n"
    "  --flags-given 'FLAGS' the server at --target was started with these flags\n"
    "  --cuts                in this process also byte by byte, and cut before every byte and "
    "pair\n"
    "  --name NAME           of the target, in reports\n"
    "  --names PREFIX        of topics and channels (default: unique)\n"
    "\n"
    "Which cases (default: all below tests/conformance):\n"
    "  --cases DIR           the folder with the cases and their ledger\n"
    "  --only GLOB           ids that match; may be repeated\n"
    "  --level LEVEL,...     MUST, SHOULD, QUIRK, DEPARTURE (default: all in this process, else "
    "all\n"
    "                        but DEPARTURE, which is where nsqref differs from nsqd)\n"
    "  --req ID              cases that show this requirement; may be repeated\n"
    "  --rerun-failed        those that did not pass by the last JSON report: --json, or\n"
    "                        build/.nsq-conform-last.json\n"
    "  --list[=json]         show them and stop\n"
    "  --dry-run             read and choose, connect to nothing\n"
    "\n"
    "How:\n"
    "  -j N                  cases at a time (default: 8 with a server, else 1; --cuts: by cores)\n"
    "  --time-scale PERCENT  stretches what a server may take (default: 100)\n"
    "  --known FILE          lines 'ID-GLOB  REASON': these fail, and must (default: in this\n"
    "                        process known/nsqref.txt, below the folder with the cases)\n"
    "  --allow-unsupported   what the target lacks is no failure\n"
    "  --strict              another error text than nsqd's is one\n"
    "\n"
    "Reports ('-': standard output):\n"
    "  --tap FILE  --junit FILE  --json FILE  --html FILE\n"
    "  --html FILE --merge REPORT.json...   one page for several targets\n"
    "\n"
    "Else:\n"
    "  --fmt[=print] FILE... check (print) the canonical form\n"
    "  --check-ledger        check the requirements and the cases against each other;\n"
    "                        --departures FILE has the table of departures (default:\n"
    "                        tests/conformance/DEPARTURES.md)\n"
    "  --serve FILE --listen ADDRESS   play the server's side of a session file, once\n"
    "  --help  --version\n"
    "\n"
    "Exit code: 0 conforms, 1 does not, 2 usage or a bad file, 3 the target cannot be reached,\n"
    "4 nothing ran, 5 stopped by a signal.\n";

enum option_id {
    OPT_TARGET = 256,
    OPT_SPAWN,
    OPT_FLAGS_GIVEN,
    OPT_CUTS,
    OPT_NAME,
    OPT_NAMES,
    OPT_CASES,
    OPT_ONLY,
    OPT_LEVEL,
    OPT_REQ,
    OPT_RERUN,
    OPT_LIST,
    OPT_DRY_RUN,
    OPT_TIME_SCALE,
    OPT_KNOWN,
    OPT_ALLOW,
    OPT_STRICT,
    OPT_TAP,
    OPT_JUNIT,
    OPT_JSON,
    OPT_HTML,
    OPT_MERGE,
    OPT_FMT,
    OPT_LEDGER,
    OPT_DEPARTURES,
    OPT_SERVE,
    OPT_LISTEN,
    OPT_HELP,
    OPT_VERSION,
};

static const struct option options[] = {
    {"target", required_argument, NULL, OPT_TARGET},
    {"spawn", required_argument, NULL, OPT_SPAWN},
    {"flags-given", required_argument, NULL, OPT_FLAGS_GIVEN},
    {"cuts", no_argument, NULL, OPT_CUTS},
    {"name", required_argument, NULL, OPT_NAME},
    {"names", required_argument, NULL, OPT_NAMES},
    {"cases", required_argument, NULL, OPT_CASES},
    {"only", required_argument, NULL, OPT_ONLY},
    {"level", required_argument, NULL, OPT_LEVEL},
    {"req", required_argument, NULL, OPT_REQ},
    {"rerun-failed", no_argument, NULL, OPT_RERUN},
    {"list", optional_argument, NULL, OPT_LIST},
    {"dry-run", no_argument, NULL, OPT_DRY_RUN},
    {"time-scale", required_argument, NULL, OPT_TIME_SCALE},
    {"known", required_argument, NULL, OPT_KNOWN},
    {"allow-unsupported", no_argument, NULL, OPT_ALLOW},
    {"strict", no_argument, NULL, OPT_STRICT},
    {"tap", required_argument, NULL, OPT_TAP},
    {"junit", required_argument, NULL, OPT_JUNIT},
    {"json", required_argument, NULL, OPT_JSON},
    {"html", required_argument, NULL, OPT_HTML},
    {"merge", no_argument, NULL, OPT_MERGE},
    {"fmt", optional_argument, NULL, OPT_FMT},
    {"check-ledger", no_argument, NULL, OPT_LEDGER},
    {"departures", required_argument, NULL, OPT_DEPARTURES},
    {"serve", required_argument, NULL, OPT_SERVE},
    {"listen", required_argument, NULL, OPT_LISTEN},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

struct parsing {
    struct args *args;
    FILE *out;
    FILE *err;
};

static bool wrong(struct parsing *p, const char *what, const char *value)
{
    fprintf(p->err, "nsq-conform: %s: '%s'\n", what, value);
    return false;
}

static bool add(struct parsing *p, struct args_list *list, const char *value)
{
    if (list->n == ARGS_LIST_MAX) {
        return wrong(p, "repeated too often", value);
    }
    list->values[list->n++] = value;
    return true;
}

static bool number(struct parsing *p, const char *text, long most, long *value)
{
    char *end;
    *value = strtol(text, &end, 10);
    return (*text != '\0' && *end == '\0' && *value >= 1 && *value <= most) ||
           wrong(p, "a number out of range", text);
}

static bool add_level(struct args *args, const char *word, size_t n)
{
    for (unsigned level = 0; level < LEVEL_COUNT; level++) {
        if (span_equal(transcript_level_name((enum transcript_level)level), span_make(word, n))) {
            args->levels |= 1U << level;
            return true;
        }
    }
    return false;
}

/* "MUST,SHOULD" */
static bool take_levels(struct parsing *p, const char *text)
{
    const char *word = text;
    for (;;) {
        size_t n = strcspn(word, ",");
        if (!add_level(p->args, word, n)) {
            return wrong(p, "levels are MUST, SHOULD, QUIRK and DEPARTURE", text);
        }
        if (word[n] == '\0') {
            return true;
        }
        word += n + 1;
    }
}

static bool take_mode(struct parsing *p, enum args_mode mode, const char *value, const char *word,
                      enum args_mode with_word)
{
    if (p->args->mode != MODE_RUN) {
        return wrong(p, "two things to do at once", value == NULL ? "" : value);
    }
    if (value != NULL && (word == NULL || strcmp(value, word) != 0)) {
        return wrong(p, "an unknown form", value);
    }
    p->args->mode = value == NULL ? mode : with_word;
    return true;
}

/* Options that are a string and nothing else. */
static const char **string_of(struct args *a, int option)
{
    switch (option) {
    case OPT_TARGET:
        return &a->target;
    case OPT_SPAWN:
        return &a->spawn;
    case OPT_FLAGS_GIVEN:
        return &a->flags_given;
    case OPT_NAME:
        return &a->name;
    case OPT_NAMES:
        return &a->names;
    case OPT_CASES:
        return &a->cases;
    case OPT_KNOWN:
        return &a->known;
    case OPT_TAP:
        return &a->tap;
    case OPT_JUNIT:
        return &a->junit;
    case OPT_JSON:
        return &a->json;
    case OPT_HTML:
        return &a->html;
    case OPT_DEPARTURES:
        return &a->departures;
    case OPT_LISTEN:
        return &a->listen;
    default:
        return NULL;
    }
}

static bool *switch_of(struct args *a, int option)
{
    switch (option) {
    case OPT_CUTS:
        return &a->cuts;
    case OPT_RERUN:
        return &a->rerun_failed;
    case OPT_ALLOW:
        return &a->allow_unsupported;
    case OPT_STRICT:
        return &a->strict;
    default:
        return NULL;
    }
}

static bool say(struct parsing *p, const char *text)
{
    fputs(text, p->out);
    p->args->mode = MODE_DONE;
    return true;
}

static bool take_other(struct parsing *p, int option, const char *value)
{
    long n = 0;
    switch (option) {
    case 'j':
        if (!number(p, value, JOBS_MAX, &n)) {
            return false;
        }
        p->args->jobs = (size_t)n;
        return true;
    case OPT_TIME_SCALE:
        if (!number(p, value, SCALE_MAX, &n)) {
            return false;
        }
        p->args->time_scale = n;
        return true;
    case OPT_ONLY:
        return add(p, &p->args->only, value);
    case OPT_REQ:
        return add(p, &p->args->reqs, value);
    case OPT_LEVEL:
        return take_levels(p, value);
    case OPT_LIST:
        return take_mode(p, MODE_LIST, value, "json", MODE_LIST_JSON);
    case OPT_FMT:
        return take_mode(p, MODE_FMT, value, "print", MODE_FMT_PRINT);
    case OPT_DRY_RUN:
        return take_mode(p, MODE_DRY_RUN, NULL, NULL, MODE_RUN);
    case OPT_MERGE:
        return take_mode(p, MODE_MERGE, NULL, NULL, MODE_RUN);
    case OPT_LEDGER:
        return take_mode(p, MODE_CHECK_LEDGER, NULL, NULL, MODE_RUN);
    case OPT_SERVE:
        p->args->serve = value;
        return take_mode(p, MODE_SERVE, NULL, NULL, MODE_RUN);
    case OPT_HELP:
        return say(p, help);
    case OPT_VERSION:
        return say(p, "nsq-conform " NSQREF_VERSION " (cases of nsqd " NSQ_COMPATIBILITY ")\n");
    default:
        fputs("nsq-conform: 'nsq-conform --help' tells the options, --list the cases\n", p->err);
        return false;
    }
}

static bool take_option(struct parsing *p, int option, const char *value)
{
    const char **string = string_of(p->args, option);
    bool *set = switch_of(p->args, option);
    if (string != NULL) {
        *string = value;
        return true;
    }
    if (set != NULL) {
        *set = true;
        return true;
    }
    return take_other(p, option, value);
}

/* What cannot stand together. */
static bool agrees(struct parsing *p)
{
    const struct args *a = p->args;
    if (a->target != NULL && a->spawn != NULL) {
        return wrong(p, "either --target or --spawn", a->target);
    }
    if (a->cuts && (a->target != NULL || a->spawn != NULL)) {
        return wrong(p, "--cuts is for runs in this process", "--cuts");
    }
    if (a->flags_given != NULL && a->target == NULL) {
        return wrong(p, "is for a --target", "--flags-given");
    }
    if ((a->mode == MODE_SERVE) != (a->listen != NULL)) {
        return wrong(p, "belong together", "--serve, --listen");
    }
    if (a->mode == MODE_MERGE && (a->html == NULL || a->file_count == 0)) {
        return wrong(p, "needs --html and reports", "--merge");
    }
    return true;
}

/* The departures are nsqref's own: nsqd itself fails them, and any other server may. */
static unsigned default_levels(const struct args *args)
{
    bool another = args->target != NULL || args->spawn != NULL;
    return another ? ALL_LEVELS & ~(1U << LEVEL_DEPARTURE) : ALL_LEVELS;
}

enum conform_exit args_parse(struct args *args, int argc, char **argv, FILE *out, FILE *err)
{
    struct parsing p = {.args = args, .out = out, .err = err};
    int option;
    *args = (struct args){
        .cases = NULL, .time_scale = 100, .departures = "tests/conformance/DEPARTURES.md"};
    optind = 0; /* getopt starts anew: tests parse more than once */
    while ((option = getopt_long(argc, argv, "j:", options, NULL)) != -1) {
        if (!take_option(&p, option, optarg)) {
            return EXIT_USAGE;
        }
        if (args->mode == MODE_DONE) {
            return EXIT_CONFORMS;
        }
    }
    args->files = argv + optind;
    args->file_count = (size_t)(argc - optind);
    if (args->levels == 0) {
        args->levels = default_levels(args);
    }
    return agrees(&p) ? EXIT_CONFORMS : EXIT_USAGE;
}
