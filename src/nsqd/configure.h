/* SPDX-License-Identifier: MIT */
/*
 * Owns: the translation of the command line, and of facts about the machine, into the configuration
 * of an engine. `configure` is a pure function. The server passes the real facts. The program
 * nsq-conform passes invented facts, so that its engine can be configured with nsqd's flags.
 */
#ifndef NSQD_CONFIGURE_H
#define NSQD_CONFIGURE_H

#include "engine/engine.h"
#include "nsqd/options.h"

struct configure_machine {
    size_t memory;         /* bytes that the process may use (shell/memory_limit.h) */
    size_t descriptors;    /* file descriptors that the process may have open */
    struct hash_seed seed; /* must be unpredictable */
    struct span host;      /* its name; borrowed as long as the engine is used */
    int64_t start_time;    /* seconds since 1970 */
    int64_t started;       /* ns; the monotonic clock at the start */
    int32_t zone;          /* of the local time: seconds east of UTC */
    /* The port of each listener; -1: a unix socket; 0: it is not used. */
    int64_t ports[ENGINE_LISTENERS];
};

/* Returns the configuration of an engine. The options must have passed options_check. The result
 * has no TLS contexts, because certificates are in files (nsqd/tls_files.h). */
struct engine_config configure(const struct options *o, const struct configure_machine *machine);

#endif
