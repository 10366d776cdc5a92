/* SPDX-License-Identifier: MIT */
/*
 * Owns: running one case: in this process, whole or cut everywhere, or over TCP.
 */
#ifndef CONFORM_RUN_CASE_H
#define CONFORM_RUN_CASE_H

#include "conform/player.h"
#include "engine/engine.h"

struct case_setting {
    const char *target; /* "host:port" or a path; NULL: an engine in this process */
    struct span names;  /* in front of the names of topics and channels */
    int64_t time_scale; /* percent */
};

struct case_result {
    enum verdict verdict;
    unsigned failed_line;  /* 0: none */
    struct buf transcript; /* lines */
    struct buf why;        /* of any verdict but pass */
    struct buf came;       /* of a failure: bytes that nothing has matched */
};

/* Runs a case once. The caller ends the result with case_result_free. */
void run_case(const struct case_setting *setting, const struct session_file *file,
              struct case_result *result);
void case_result_free(struct case_result *result);

/* Runs a case in this process byte by byte, then with its input cut before each byte, and before
 * each two bytes as far as CUTS_PAIRS_MAX allows, and compares what had come after each piece.
 * False, with the difference in result->why, at the first that differs. */
bool run_case_cuts(const struct case_setting *setting, const struct session_file *file,
                   struct case_result *result);

#define CUTS_PAIRS_MAX 512 /* bytes of input up to which all pairs of cuts are tried */
#define CUTS_SINGLE_MAX                                                                            \
    4096 /* and all single ones; beyond, those near the beginning and the end                      \
          */

/* The engine's configuration for a case with these flags; false, with why, when nsqd would refuse.
 */
bool case_engine_config(struct span flags, struct engine_config *config, struct buf *why);

#endif
