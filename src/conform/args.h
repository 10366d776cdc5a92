/* SPDX-License-Identifier: MIT */
/*
 * Owns: the command line of nsq-conform. Must not know: what a mode does.
 */
#ifndef CONFORM_ARGS_H
#define CONFORM_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define ARGS_LIST_MAX 64 /* values of one option that may be repeated */

/* Exit codes. */
enum conform_exit {
    EXIT_CONFORMS = 0,
    EXIT_DOES_NOT = 1,
    EXIT_USAGE = 2, /* or a bad file */
    EXIT_UNREACHABLE = 3,
    EXIT_NOTHING_RAN = 4,
    EXIT_STOPPED = 5, /* by SIGINT or SIGTERM: the report is incomplete */
};

enum args_mode {
    MODE_RUN,
    MODE_LIST,
    MODE_LIST_JSON,
    MODE_DRY_RUN,
    MODE_FMT,       /* checks that files are in canonical form */
    MODE_FMT_PRINT, /* prints that form */
    MODE_MERGE,     /* joins the reports of several targets into one page */
    MODE_SERVE,
    MODE_CHECK_LEDGER,
    MODE_DONE, /* --help, --version: the answer was printed already */
};

struct args_list {
    const char *values[ARGS_LIST_MAX];
    size_t n;
};

struct args {
    enum args_mode mode;
    const char *cases; /* the folder of the cases, the ledger and the retired ids */
    char **files;      /* operands; borrowed from argv */
    size_t file_count;
    const char *target; /* NULL: in this process, or spawned */
    const char *spawn;  /* a command; NULL: none */
    const char *flags_given;
    const char *name;  /* of the target, in reports; NULL: made from the other options */
    const char *names; /* prefix of topic and channel names; NULL: chosen */
    bool cuts;
    size_t jobs;        /* 0: chosen */
    int64_t time_scale; /* percent */
    struct args_list only;
    struct args_list reqs;
    unsigned levels; /* bit by enum transcript_level */
    bool rerun_failed;
    bool allow_unsupported;
    bool strict;
    const char *known;
    const char *tap;
    const char *junit;
    const char *json;
    const char *html;
    const char *serve; /* a session file */
    const char *listen;
    const char *departures; /* the file with the table of departures */
};

/* Fills *args. EXIT_CONFORMS: go on with args->mode. Otherwise the exit code; the reason was
 * printed. */
enum conform_exit args_parse(struct args *args, int argc, char **argv, FILE *out, FILE *err);

#endif
