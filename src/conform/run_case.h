/* SPDX-License-Identifier: MIT */
/*
 * Owns: playing one case. A case is played in this process or over TCP. In this process, its input
 * may be cut at many places. Must not know: which cases there are, and reports.
 */
#ifndef CONFORM_RUN_CASE_H
#define CONFORM_RUN_CASE_H

#include "conform/args.h"
#include "conform/case_engine.h"
#include "conform/player.h"

struct case_setting {
    const char *target;      /* "host:port" or the path of a unix socket; NULL: in this process */
    const char *http_target; /* the server's address for HTTP, and for HTTPS; NULL or empty: none */
    const char *https_target;
    const char *spawn; /* the command that starts a server, for cases that restart it; NULL: none */
    struct span names; /* prefix of the names of topics and channels */
    int64_t time_scale; /* percent */
    size_t splits;      /* with a target: at how many places the bytes of a step are cut */
    const char *suite;  /* the folder that replaces {suite} in flags; NULL: SUITE_CASES */
    const struct args_list *create_topics; /* commands for create_topics.h; NULL: none */
    bool ignores_unknown; /* the target does not answer unknown commands: see player.h */
};

struct case_result {
    enum verdict verdict;
    unsigned failed_line; /* 0: no step has failed */
    struct buf exchange;  /* one line for each thing sent or received */
    struct buf why;       /* why the verdict is not PASS */
    struct buf unmatched; /* for a failure: received bytes that no step has matched */
};

/* Plays a case once. The caller frees the result with case_result_free. */
void run_case(const struct case_setting *setting, const struct transcript *file,
              struct case_result *result);
void case_result_free(struct case_result *result);

/* Plays a case in this process byte by byte. Then plays it once for each byte, with the input cut
 * before this byte. Then plays it once for each pair of bytes, with the input cut before each of
 * the two bytes. The bytes of a pair need not be neighbours. CUTS_PAIRS_MAX and CUTS_SINGLE_MAX
 * limit the number of plays. After each piece of input, the output must be the same as in the play
 * byte by byte. If a case reads /metrics, only the verdict must be the same. Returns false if the
 * output differs. Then result->why says where. */
bool run_case_cuts(const struct case_setting *setting, const struct transcript *file,
                   struct case_result *result);

/* If a case has at most this number of bytes of input, no codecs and no HTTP, all pairs of cuts are
 * tried. */
#define CUTS_PAIRS_MAX 512

/* If a case has at most this number of bytes of input, all single cuts are tried. In a longer case,
 * only the cuts that are less than CUTS_PAIRS_MAX bytes away from the beginning or the end are
 * tried. */
#define CUTS_SINGLE_MAX 4096

/* A case with more bytes of input is not played byte by byte. It is played in pieces of a few
 * sizes, and only its verdict must stay the same. */
#define CUTS_BYTEWISE_MAX ((size_t)2 << 20)

/* In a case with more steps than this (each repetition counts), not all cuts are tried. Only cuts
 * less than CUTS_NEAR bytes away from the beginning or the end are tried. */
#define CUTS_STEPS_MAX 500
#define CUTS_NEAR 16

#endif
