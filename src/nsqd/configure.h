/* SPDX-License-Identifier: MIT */
/*
 * Owns: how the command line, and what the machine adds to it, become an engine's configuration.
 * Pure: nsqd asks the machine, and nsq-conform makes it up, so that its engine takes nsqd's flags.
 */
#ifndef NSQD_CONFIGURE_H
#define NSQD_CONFIGURE_H

#include "engine/engine.h"
#include "nsqd/options.h"

struct configure_machine {
    size_t memory;         /* bytes */
    size_t descriptors;    /* that the process may have open */
    struct hash_seed seed; /* unpredictable */
};

/* The options must have passed options_check. TLS, if it is offered, is not in the result: its
 * certificates are in files (nsqd/tls_files.h). */
struct engine_config configure(const struct options *o, const struct configure_machine *machine);

#endif
