/* SPDX-License-Identifier: MIT */
/*
 * Owns: playing one case: in this process, whole or with its input cut everywhere, or over TCP.
 * Must not know: which cases there are, and reports.
 */
#ifndef CONFORM_RUN_CASE_H
#define CONFORM_RUN_CASE_H

#include "conform/player.h"
#include "engine/engine.h"
#include "nsqd/tls_files.h"

struct case_setting {
    const char *target; /* "host:port" or a path; NULL: an engine in this process */
    struct span names;  /* prefix of the names of topics and channels */
    int64_t time_scale; /* percent */
    const char *suite;  /* the folder that {suite} in flags stands for; NULL: SUITE_CASES */
};

struct case_result {
    enum verdict verdict;
    unsigned failed_line; /* 0: none */
    struct buf exchange;  /* what was sent and received, one line each */
    struct buf why;       /* for any verdict but pass */
    struct buf unmatched; /* for a failure: received bytes that no step has matched */
};

/* Runs a case once. Free the result with case_result_free. */
void run_case(const struct case_setting *setting, const struct transcript *file,
              struct case_result *result);
void case_result_free(struct case_result *result);

/* Plays a case in this process byte by byte. Then plays it with its input cut before each byte, and
 * before each pair of bytes, within the limits below. After each piece of input the output must be
 * the same as in the play byte by byte. False: it differs somewhere, and result->why says where. */
bool run_case_cuts(const struct case_setting *setting, const struct transcript *file,
                   struct case_result *result);

/* Bytes of input up to which all pairs of cuts are tried, in cases without codecs. */
#define CUTS_PAIRS_MAX 512

/* Bytes of input up to which all single cuts are tried. In a longer case only those within
 * CUTS_PAIRS_MAX of the beginning or the end are. */
#define CUTS_SINGLE_MAX 4096

/* The configuration of an engine in this process, made from a case's flags, and what it borrows. */
struct case_engine {
    struct engine_config config;
    struct tls_files tls;
    struct options *options;
    char *words; /* the command line */
};

/* Makes the configuration for a case with these flags; `suite` as in struct case_setting. False,
 * with why, when nsqd would refuse the flags: then nothing needs closing. */
bool case_engine_open(struct case_engine *engine, struct span flags, const char *suite,
                      struct buf *why);
void case_engine_close(struct case_engine *engine);

#endif
