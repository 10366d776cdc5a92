/* SPDX-License-Identifier: MIT */
/*
 * Owns: running one case: in this process, whole or cut everywhere, or over TCP.
 */
#ifndef CONFORM_RUN_CASE_H
#define CONFORM_RUN_CASE_H

#include "conform/player.h"
#include "engine/engine.h"
#include "nsqd/tls_files.h"

struct case_setting {
    const char *target; /* "host:port" or a path; NULL: an engine in this process */
    struct span names;  /* in front of the names of topics and channels */
    int64_t time_scale; /* percent */
    const char *suite;  /* the folder that {suite} in flags stands for; NULL: SUITE_CASES */
};

struct case_result {
    enum verdict verdict;
    unsigned failed_line; /* 0: none */
    struct buf exchange;  /* lines */
    struct buf why;       /* of any verdict but pass */
    struct buf came;      /* of a failure: bytes that nothing has matched */
};

/* Runs a case once. The caller ends the result with case_result_free. */
void run_case(const struct case_setting *setting, const struct transcript *file,
              struct case_result *result);
void case_result_free(struct case_result *result);

/* Runs a case in this process byte by byte, then with its input cut before each byte, and before
 * each two bytes as far as CUTS_PAIRS_MAX allows, and compares what had come after each piece.
 * False, with the difference in result->why, at the first that differs. */
bool run_case_cuts(const struct case_setting *setting, const struct transcript *file,
                   struct case_result *result);

#define CUTS_PAIRS_MAX                                                                             \
    512 /* bytes of input up to which all pairs of cuts are tried, where nothing                   \
           is put on */
#define CUTS_SINGLE_MAX                                                                            \
    4096 /* and all single ones; beyond, those near the beginning and the end                      \
          */

/* What an engine in this process is made of for a case, and what that borrows. */
struct case_engine {
    struct engine_config config;
    struct tls_files tls;
    struct options *options;
    char *words; /* the command line */
};

/* For a case with these flags; `suite` as in struct case_setting. False, with why, when nsqd would
 * refuse them: then nothing needs closing. */
bool case_engine_open(struct case_engine *engine, struct span flags, const char *suite,
                      struct buf *why);
void case_engine_close(struct case_engine *engine);

#endif
