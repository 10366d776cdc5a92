/* SPDX-License-Identifier: MIT */
/*
 * Owns: the command line of nsq-conform. Must not know: how the program does what the options say.
 */
#ifndef CONFORM_ARGS_H
#define CONFORM_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "conform/session_file.h"

#define ARGS_LIST_MAX 64   /* the largest number of values of one option */
#define ARGS_GIVEN_MAX 256 /* the largest number of options of a command line */

/* Exit codes. */
enum conform_exit {
    EXIT_CONFORMS = 0,
    EXIT_DOES_NOT = 1,
    EXIT_USAGE = 2, /* wrong usage, or a bad file */
    EXIT_UNREACHABLE = 3,
    EXIT_NOTHING_RAN = 4,
    EXIT_STOPPED = 5, /* SIGINT or SIGTERM stopped the run: the report is incomplete */
};

enum args_mode {
    MODE_RUN,
    MODE_LIST,
    MODE_LIST_JSON,
    MODE_LIST_FLAGS,
    MODE_DRY_RUN,
    MODE_FMT,       /* checks that files are in canonical form */
    MODE_FMT_PRINT, /* prints files in canonical form */
    MODE_MERGE,     /* joins the reports of several targets into one page */
    MODE_SERVE,
    MODE_SURVIVE,
    MODE_CHECK_LEDGER,
    MODE_DONE, /* --help or --version: the text was printed already */
};

struct args_list {
    const char *values[ARGS_LIST_MAX];
    size_t n;
};

/* One option as it was given. */
struct args_given {
    const char *name;  /* without "--"; one letter for a short option */
    const char *value; /* NULL: none */
    bool optional;     /* the value of this option can be left out; so a value must be written
                          "--name=value" */
    bool kept;         /* a command that plays one case again needs this option */
};

struct args {
    const char *program; /* argv[0] */
    struct args_given given[ARGS_GIVEN_MAX];
    size_t given_count;
    enum args_mode mode;
    const char *cases; /* folder of the cases, the ledger and the retired ids; without --cases,
                          args_parse sets it to NULL, and main() finds the folder (suite_folder) */
    char **files;      /* the operands; borrowed from argv */
    size_t file_count;
    enum server_kind server;  /* the program that is tested. The cases about it are chosen; target,
                                 http_target and spawn are for it */
    const char *target;       /* address of a running server; NULL: no such server */
    const char *http_target;  /* the server's address for HTTP; NULL: none */
    const char *https_target; /* for HTTPS */
    const char *spawn;        /* the command that starts a server; NULL: no server is started */
    const char *flags_given;
    const char *name;  /* the target's name in reports; NULL: made from the other options */
    const char *names; /* prefix of topic and channel names; NULL: the program chooses one */
    bool cuts;
    size_t splits;      /* over TCP: at how many places the bytes of a step are cut */
    size_t jobs;        /* 0: the program chooses */
    unsigned repeat;    /* how often the suite is played */
    int64_t time_scale; /* percent */
    struct args_list only;
    struct args_list reqs;
    struct args_list create_topics; /* commands that make topics or channels */
    unsigned levels; /* a set of bits, one bit for each value of enum transcript_level */
    bool rerun_failed;
    unsigned suite_version; /* the cases must have this version; 0: any version */
    bool no_preflight; /* cases are played even if the server does not do what all cases need */
    bool allow_unsupported;
    bool strict;
    const char *known;
    const char *tap;
    const char *junit;
    const char *json;
    const char *html;
    bool reproducible; /* reports have no dates, no durations and no command line */
    const char *serve; /* the session file that is played as a server */
    const char *listen;
    const char *survive;    /* the folder with the inputs of a fuzz corpus, or one of its files */
    const char *departures; /* the file with the table of departures; NULL: in the folder of the
                               cases */
};

/* Reads the command line into *args. Returns EXIT_CONFORMS if the program must now do the work
 * of args->mode. Otherwise prints the reason and returns the exit code of the program. */
enum conform_exit args_parse(struct args *args, int argc, char **argv, FILE *out, FILE *err);

#endif
