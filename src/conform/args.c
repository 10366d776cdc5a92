/* SPDX-License-Identifier: MIT */
/* Parses the command line of nsq-conform and checks that its options fit together. Must not know:
 * what a mode does; it opens no file. */
#include "conform/args.h"

#include <nsq/version.h>

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "conform/player.h"
#include "conform/suite.h"

#define ALL_LEVELS ((1U << LEVEL_COUNT) - 1)
#define JOBS_MAX 64
#define SPLITS_DEFAULT 3
#define SCALE_MAX 10000
#define SUITE_VERSION_MAX 999999
#define REPEAT_MAX 1000

static const char help[] =
    "nsq-conform [OPTION]... [FILE|DIR]...\n"
    "Plays session files against an NSQ server and reports, rule by rule, how it behaves.\n"
    "\n"
    "Which server is tested (default: nsqref's engine in this process, on virtual time):\n"
    "  --target ADDRESS      a running server: HOST:PORT or the path of a unix socket\n"
    "  --http-target ADDRESS, --https-target ADDRESS\n"
    "                        its addresses for HTTP and HTTPS; without them, the cases of HTTP\n"
    "                        are unsupported\n"
    "  --spawn 'CMD {flags}' start and stop the server, once for each set of flags that cases\n"
    "                        need. {flags} becomes the flags, {port} a free port, {http-port}\n"
    "                        and {https-port} others, {dir} a new folder. Without {port} the\n"
    "                        address is read from the line 'TCP: listening on ADDRESS' that the\n"
    "                        server prints, and so are the others ('HTTP: ..', 'HTTPS: ..')\n"
    "  --lookup              test an nsqlookupd, and not an nsqd: nsqref's in this process, or "
    "the\n"
    "                        one of --lookup-target ADDRESS (and --lookup-http-target ADDRESS) or\n"
    "                        --spawn-lookup 'CMD {flags}', which include --lookup\n"
    "  --flags-given 'FLAGS' the server at --target was started with these flags\n"
    "  --cuts                in this process: also cut the input before every byte and every\n"
    "                        pair of bytes; with a server: --splits 16\n"
    "  --splits N            with a server: cut what a step sends at N places (default: 3)\n"
    "  --create-topics 'CMD {topic}'\n"
    "                        for a server that does not make topics by itself: run this before a\n"
    "                        case, for each of its topics. With {channel} in it: for each channel\n"
    "                        and its topic. {address} and {port} become the server's; may be\n"
    "                        repeated\n"
    "  --name NAME           the name of the server in reports\n"
    "  --names PREFIX        the prefix of all topic and channel names (default: unique)\n"
    "\n"
    "Which cases are played (default: all of the suite):\n"
    "  --cases DIR           the folder with the cases and the ledger of requirements (default:\n"
    "                        the installed suite; without one, tests/conformance here or\n"
    "                        beside the program's folder)\n"
    "  --only GLOB           only cases whose id matches; may be repeated\n"
    "  --level LEVEL,...     MUST, SHOULD, QUIRK, DEPARTURE (default in this process: all; for\n"
    "                        another server: all but DEPARTURE, where nsqref differs from nsqd\n"
    "                        on purpose)\n"
    "  --req ID              only cases that show this requirement; may be repeated\n"
    "  --rerun-failed        only cases that did not pass in the last JSON report, which is the\n"
    "                        file of --json, or nsq-conform/last.json below $XDG_STATE_HOME\n"
    "                        (without it, ~/.local/state)\n"
    "  --list[=json]         list the chosen cases and stop\n"
    "  --suite-version N     refuse to run if the cases are another version of the suite. "
    "CHANGES.tsv\n"
    "                        in the folder of the cases lists what each version has changed\n"
    "  --list-flags          list the sets of flags that the chosen cases need, and how many "
    "cases\n"
    "                        need each\n"
    "  --dry-run             read the files and choose cases, but connect to nothing\n";

/* A string of C11 may have 4095 bytes. */
static const char more_help[] =
    "\n"
    "How cases are judged:\n"
    "  -j N                  play N cases at a time (default: 8 with a server, 1 in this\n"
    "                        process; with --cuts: the number of cores)\n"
    "  --no-preflight        play the cases even if the server does not take the magic, does not\n"
    "                        answer a PUB or does not deliver a message\n"
    "  --repeat N            play all N times; a case whose verdict changes is flaky\n"
    "  --time-scale PERCENT  multiplies all times that a server may take (default: 100)\n"
    "  --known FILE          the known failures, lines 'ID-GLOB  REASON': these cases must fail\n"
    "                        (default in this process: known/nsqref.txt in the folder of the\n"
    "                        cases)\n"
    "  --allow-unsupported   a feature that the server lacks is not a failure\n"
    "  --strict              an error text that differs from nsqd's is a failure\n"
    "\n"
    "Reports ('-' is standard output; then the text goes to standard error):\n"
    "  --tap FILE  --junit FILE  --json FILE  --html FILE\n"
    "  --reproducible        no date, durations and command line in reports: equal runs write\n"
    "                        equal files\n"
    "  --html FILE --merge REPORT.json...   one page about several servers\n"
    "\n"
    "Other things to do:\n"
    "  --fmt[=print] FILE... check that files are in canonical form (or print that form)\n"
    "  --check-ledger        check the requirements and the cases against each other;\n"
    "                        --departures FILE has the table of departures (default:\n"
    "                        DEPARTURES.md in the folder of the cases)\n"
    "  --serve FILE --listen ADDRESS   play the server's side of a session file once\n"
    "  --survive PATH        send each file of a fuzz corpus to the server, cut in several ways,\n"
    "                        and find out after each whether the server still answers a PUB\n"
    "  --help  --version\n"
    "\n"
    "Exit code: 0 the server conforms, 1 it does not, 2 wrong options or a bad file, 3 the server\n"
    "cannot be reached, 4 no case was played, 5 stopped by a signal.\n";

enum option_id {
    OPT_TARGET = 256,
    OPT_HTTP_TARGET,
    OPT_HTTPS_TARGET,
    OPT_SPAWN,
    OPT_LOOKUP,
    OPT_LOOKUP_TARGET,
    OPT_LOOKUP_HTTP_TARGET,
    OPT_SPAWN_LOOKUP,
    OPT_FLAGS_GIVEN,
    OPT_CUTS,
    OPT_NAME,
    OPT_NAMES,
    OPT_CREATE_TOPICS,
    OPT_CASES,
    OPT_ONLY,
    OPT_LEVEL,
    OPT_REQ,
    OPT_RERUN,
    OPT_LIST,
    OPT_LIST_FLAGS,
    OPT_SUITE_VERSION,
    OPT_DRY_RUN,
    OPT_NO_PREFLIGHT,
    OPT_REPEAT,
    OPT_SPLITS,
    OPT_TIME_SCALE,
    OPT_KNOWN,
    OPT_ALLOW,
    OPT_STRICT,
    OPT_TAP,
    OPT_JUNIT,
    OPT_JSON,
    OPT_HTML,
    OPT_REPRODUCIBLE,
    OPT_MERGE,
    OPT_FMT,
    OPT_LEDGER,
    OPT_DEPARTURES,
    OPT_SERVE,
    OPT_SURVIVE,
    OPT_LISTEN,
    OPT_HELP,
    OPT_VERSION,
};

static const struct option options[] = {
    {"target", required_argument, NULL, OPT_TARGET},
    {"http-target", required_argument, NULL, OPT_HTTP_TARGET},
    {"https-target", required_argument, NULL, OPT_HTTPS_TARGET},
    {"spawn", required_argument, NULL, OPT_SPAWN},
    {"lookup", no_argument, NULL, OPT_LOOKUP},
    {"lookup-target", required_argument, NULL, OPT_LOOKUP_TARGET},
    {"lookup-http-target", required_argument, NULL, OPT_LOOKUP_HTTP_TARGET},
    {"spawn-lookup", required_argument, NULL, OPT_SPAWN_LOOKUP},
    {"flags-given", required_argument, NULL, OPT_FLAGS_GIVEN},
    {"cuts", no_argument, NULL, OPT_CUTS},
    {"name", required_argument, NULL, OPT_NAME},
    {"create-topics", required_argument, NULL, OPT_CREATE_TOPICS},
    {"names", required_argument, NULL, OPT_NAMES},
    {"cases", required_argument, NULL, OPT_CASES},
    {"only", required_argument, NULL, OPT_ONLY},
    {"level", required_argument, NULL, OPT_LEVEL},
    {"req", required_argument, NULL, OPT_REQ},
    {"rerun-failed", no_argument, NULL, OPT_RERUN},
    {"list-flags", no_argument, NULL, OPT_LIST_FLAGS},
    {"list", optional_argument, NULL, OPT_LIST},
    {"suite-version", required_argument, NULL, OPT_SUITE_VERSION},
    {"dry-run", no_argument, NULL, OPT_DRY_RUN},
    {"no-preflight", no_argument, NULL, OPT_NO_PREFLIGHT},
    {"repeat", required_argument, NULL, OPT_REPEAT},
    {"splits", required_argument, NULL, OPT_SPLITS},
    {"time-scale", required_argument, NULL, OPT_TIME_SCALE},
    {"known", required_argument, NULL, OPT_KNOWN},
    {"allow-unsupported", no_argument, NULL, OPT_ALLOW},
    {"strict", no_argument, NULL, OPT_STRICT},
    {"tap", required_argument, NULL, OPT_TAP},
    {"junit", required_argument, NULL, OPT_JUNIT},
    {"json", required_argument, NULL, OPT_JSON},
    {"html", required_argument, NULL, OPT_HTML},
    {"reproducible", no_argument, NULL, OPT_REPRODUCIBLE},
    {"merge", no_argument, NULL, OPT_MERGE},
    {"fmt", optional_argument, NULL, OPT_FMT},
    {"check-ledger", no_argument, NULL, OPT_LEDGER},
    {"departures", required_argument, NULL, OPT_DEPARTURES},
    {"serve", required_argument, NULL, OPT_SERVE},
    {"survive", required_argument, NULL, OPT_SURVIVE},
    {"listen", required_argument, NULL, OPT_LISTEN},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

struct parsing {
    struct args *args;
    FILE *out;
    FILE *err;
    bool nsqd; /* an option says that an nsqd is tested */
};

static bool wrong(struct parsing *p, const char *what, const char *value)
{
    fprintf(p->err, "nsq-conform: %s '%s'\n", what, value);
    return false;
}

static bool conflict(struct parsing *p, const char *rule)
{
    fprintf(p->err, "nsq-conform: %s\n", rule);
    return false;
}

static bool add(struct parsing *p, struct args_list *list, const char *value)
{
    if (list->n == ARGS_LIST_MAX) {
        return wrong(p, "this option may be repeated 64 times at most; one too many is", value);
    }
    list->values[list->n++] = value;
    return true;
}

static bool number(struct parsing *p, const char *option, const char *text, long most, long *value)
{
    char *end;
    *value = strtol(text, &end, 10);
    if (*text != '\0' && *end == '\0' && *value >= 1 && *value <= most) {
        return true;
    }
    fprintf(p->err, "nsq-conform: %s: expected a number from 1 to %ld, not '%s'\n", option, most,
            text);
    return false;
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

/* Levels with commas between them: "MUST,SHOULD". */
static bool take_levels(struct parsing *p, const char *text)
{
    const char *word = text;
    for (;;) {
        size_t n = strcspn(word, ",");
        if (!add_level(p->args, word, n)) {
            return wrong(p, "--level: expected a list of MUST, SHOULD, QUIRK and DEPARTURE, not",
                         text);
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
        return conflict(p, "--list, --dry-run, --merge, --fmt, --check-ledger, --serve and "
                           "--survive exclude each other");
    }
    if (value != NULL && (word == NULL || strcmp(value, word) != 0)) {
        return wrong(p, "--list takes only the value json, and --fmt only print, not", value);
    }
    p->args->mode = value == NULL ? mode : with_word;
    return true;
}

/* Options whose value is stored as it is. */
static const char **string_of(struct args *a, int option)
{
    switch (option) {
    case OPT_TARGET:
    case OPT_LOOKUP_TARGET:
        return &a->target;
    case OPT_HTTP_TARGET:
    case OPT_LOOKUP_HTTP_TARGET:
        return &a->http_target;
    case OPT_HTTPS_TARGET:
        return &a->https_target;
    case OPT_SPAWN:
    case OPT_SPAWN_LOOKUP:
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
    case OPT_REPRODUCIBLE:
        return &a->reproducible;
    case OPT_NO_PREFLIGHT:
        return &a->no_preflight;
    default:
        return NULL;
    }
}

static bool print_answer(struct parsing *p, const char *text)
{
    fputs(text, p->out);
    p->args->mode = MODE_DONE;
    return true;
}

/* Options whose value is a number. */
static bool take_number(struct parsing *p, int option, const char *value)
{
    long n = 0;
    switch (option) {
    case 'j':
        if (!number(p, "-j", value, JOBS_MAX, &n)) {
            return false;
        }
        p->args->jobs = (size_t)n;
        return true;
    case OPT_REPEAT:
        if (!number(p, "--repeat", value, REPEAT_MAX, &n)) {
            return false;
        }
        p->args->repeat = (unsigned)n;
        return true;
    case OPT_SPLITS:
        if (strcmp(value, "0") != 0 && !number(p, "--splits", value, PLAYER_SPLITS_MAX, &n)) {
            return false;
        }
        p->args->splits = (size_t)n;
        return true;
    case OPT_TIME_SCALE:
        if (!number(p, "--time-scale", value, SCALE_MAX, &n)) {
            return false;
        }
        p->args->time_scale = n;
        return true;
    default: /* OPT_SUITE_VERSION */
        if (!number(p, "--suite-version", value, SUITE_VERSION_MAX, &n)) {
            return false;
        }
        p->args->suite_version = (unsigned)n;
        return true;
    }
}

static bool take_other(struct parsing *p, int option, const char *value)
{
    switch (option) {
    case 'j':
    case OPT_REPEAT:
    case OPT_SPLITS:
    case OPT_TIME_SCALE:
    case OPT_SUITE_VERSION:
        return take_number(p, option, value);
    case OPT_ONLY:
        return add(p, &p->args->only, value);
    case OPT_CREATE_TOPICS:
        return add(p, &p->args->create_topics, value);
    case OPT_REQ:
        return add(p, &p->args->reqs, value);
    case OPT_LEVEL:
        return take_levels(p, value);
    case OPT_LIST:
        return take_mode(p, MODE_LIST, value, "json", MODE_LIST_JSON);
    case OPT_FMT:
        return take_mode(p, MODE_FMT, value, "print", MODE_FMT_PRINT);
    case OPT_LIST_FLAGS:
        return take_mode(p, MODE_LIST_FLAGS, NULL, NULL, MODE_RUN);
    case OPT_DRY_RUN:
        return take_mode(p, MODE_DRY_RUN, NULL, NULL, MODE_RUN);
    case OPT_MERGE:
        return take_mode(p, MODE_MERGE, NULL, NULL, MODE_RUN);
    case OPT_LEDGER:
        return take_mode(p, MODE_CHECK_LEDGER, NULL, NULL, MODE_RUN);
    case OPT_SERVE:
        p->args->serve = value;
        return take_mode(p, MODE_SERVE, NULL, NULL, MODE_RUN);
    case OPT_SURVIVE:
        p->args->survive = value;
        return take_mode(p, MODE_SURVIVE, NULL, NULL, MODE_RUN);
    case OPT_HELP:
        fputs(help, p->out);
        return print_answer(p, more_help);
    case OPT_VERSION:
        fprintf(p->out,
                "nsq-conform " NSQREF_VERSION
                ", version %s of the suite (cases of nsqd " NSQ_COMPATIBILITY ")\n",
                suite_version());
        return print_answer(p, "");
    default:
        fputs("nsq-conform: 'nsq-conform --help' lists the options, --list the cases\n", p->err);
        return false;
    }
}

/* Options that say which program is tested. */
static bool is_about_nsqd(int option)
{
    return option == OPT_TARGET || option == OPT_HTTP_TARGET || option == OPT_HTTPS_TARGET ||
           option == OPT_SPAWN || option == OPT_CREATE_TOPICS;
}

static bool is_about_nsqlookupd(int option)
{
    return option == OPT_LOOKUP || option == OPT_LOOKUP_TARGET ||
           option == OPT_LOOKUP_HTTP_TARGET || option == OPT_SPAWN_LOOKUP;
}

static bool take_option(struct parsing *p, int option, const char *value)
{
    const char **string = string_of(p->args, option);
    bool *set = switch_of(p->args, option);
    p->nsqd = p->nsqd || is_about_nsqd(option);
    if (is_about_nsqlookupd(option)) {
        p->args->server = SERVER_NSQLOOKUPD;
    }
    if (option == OPT_LOOKUP) {
        return true;
    }
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

/* Whether a command that plays one case again needs the option. The others choose cases or write
 * reports. */
static bool is_kept(int option)
{
    switch (option) {
    case OPT_ONLY:
    case OPT_REQ:
    case OPT_RERUN:
    case OPT_TAP:
    case OPT_JUNIT:
    case OPT_JSON:
    case OPT_HTML:
    case OPT_REPRODUCIBLE:
        return false;
    default:
        return true;
    }
}

/* Notes an option for the texts of command_line.h. */
static bool note_given(struct parsing *p, int option, const char *value)
{
    struct args *a = p->args;
    struct args_given given = {.name = "j", .value = value, .kept = is_kept(option)};
    for (const struct option *o = options; o->name != NULL; o++) {
        if (o->val == option) {
            given.name = o->name;
            given.optional = o->has_arg == optional_argument;
        }
    }
    if (a->given_count == ARGS_GIVEN_MAX) {
        return wrong(p, "256 options may be given at most; one too many is", given.name);
    }
    a->given[a->given_count++] = given;
    return true;
}

/* Options that exclude or need each other. */
static bool agrees(struct parsing *p)
{
    const struct args *a = p->args;
    if (p->nsqd && a->server == SERVER_NSQLOOKUPD) {
        return conflict(p, "an nsqd and an nsqlookupd are tested in two runs: the options with "
                           "\"lookup\" exclude --target, --http-target, --https-target, --spawn "
                           "and --create-topics");
    }
    if (a->target != NULL && a->spawn != NULL) {
        return conflict(p, a->server == SERVER_NSQD
                               ? "expected --target or --spawn, not both"
                               : "expected --lookup-target or --spawn-lookup, not both");
    }
    if (a->server == SERVER_NSQLOOKUPD && a->http_target != NULL && a->target == NULL) {
        return conflict(p, "--lookup-http-target works only with --lookup-target");
    }
    if ((a->http_target != NULL || a->https_target != NULL) && a->target == NULL) {
        return conflict(p, "--http-target and --https-target work only with --target");
    }
    if (a->flags_given != NULL && a->target == NULL) {
        return conflict(p, "--flags-given works only with --target");
    }
    if ((a->mode == MODE_SERVE) != (a->listen != NULL)) {
        return conflict(p, "--serve and --listen need each other");
    }
    if (a->mode == MODE_SURVIVE &&
        (a->server != SERVER_NSQD || (a->target == NULL && a->spawn == NULL))) {
        return conflict(p, "--survive needs --target or --spawn");
    }
    if (a->mode == MODE_MERGE && (a->html == NULL || a->file_count == 0)) {
        return conflict(p, "--merge needs --html and at least one report file");
    }
    return true;
}

/* nsqd itself fails the cases of level DEPARTURE, and other servers may also fail them. */
static unsigned default_levels(const struct args *args)
{
    bool another = args->target != NULL || args->spawn != NULL;
    return another ? ALL_LEVELS & ~(1U << LEVEL_DEPARTURE) : ALL_LEVELS;
}

enum conform_exit args_parse(struct args *args, int argc, char **argv, FILE *out, FILE *err)
{
    struct parsing p = {.args = args, .out = out, .err = err};
    int option;
    *args =
        (struct args){.program = argv[0], .repeat = 1, .time_scale = 100, .splits = SPLITS_DEFAULT};
    optind = 0; /* getopt starts again: tests parse more than once */
    while ((option = getopt_long(argc, argv, "j:", options, NULL)) != -1) {
        if (!take_option(&p, option, optarg) || !note_given(&p, option, optarg)) {
            return EXIT_USAGE;
        }
        if (args->mode == MODE_DONE) {
            return EXIT_CONFORMS;
        }
    }
    args->files = argv + optind;
    args->file_count = (size_t)(argc - optind);
    if (args->cuts) {
        args->splits = PLAYER_SPLITS_MAX;
    }
    if (args->levels == 0) {
        args->levels = default_levels(args);
    }
    return agrees(&p) ? EXIT_CONFORMS : EXIT_USAGE;
}
