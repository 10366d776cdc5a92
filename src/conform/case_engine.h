/* SPDX-License-Identifier: MIT */
/*
 * Owns: the configuration of a server in this process, made from a case's flags, and the data that
 * it borrows. Must not know: how a case is played.
 */
#ifndef CONFORM_CASE_ENGINE_H
#define CONFORM_CASE_ENGINE_H

#include "conform/local_server.h"
#include "nsqd/option_texts.h"
#include "nsqd/tls_files.h"

struct case_engine {
    struct local_config config;
    char *words; /* the command line: words that end with NUL, then an empty one */
    /* The rest is about nsqd only. */
    struct tls_files tls;
    struct options *options;
    struct option_texts *texts; /* the values of the options, as the HTTP API shows them */
};

/* Makes the configuration for a case about this program with these flags. `suite` is the folder
 * that replaces {suite} in flags; NULL: SUITE_CASES. Returns false if the program would refuse the
 * flags. Then `why` is the reason, and the caller need not call case_engine_close. */
bool case_engine_open(struct case_engine *engine, enum server_kind server, struct span flags,
                      const char *suite, struct buf *why);
void case_engine_close(struct case_engine *engine);

#endif
