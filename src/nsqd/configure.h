/* SPDX-License-Identifier: MIT */
/*
 * Owns: the translation of the command line, and of facts about the machine, into the configuration
 * of an engine. A pure function: nsqd passes the real facts, nsq-conform passes invented ones, so
 * that its engine takes nsqd's flags.
 */
#ifndef NSQD_CONFIGURE_H
#define NSQD_CONFIGURE_H

#include "engine/engine.h"
#include "nsqd/options.h"

struct configure_machine {
    size_t memory;         /* bytes of physical memory */
    size_t descriptors;    /* file descriptors that the process may have open */
    struct hash_seed seed; /* unpredictable */
};

/* The options must have passed options_check. The result has no TLS, because its certificates are
 * in files (nsqd/tls_files.h). */
struct engine_config configure(const struct options *o, const struct configure_machine *machine);

#endif
