/* SPDX-License-Identifier: MIT */
/*
 * Owns: nsqlookupd's V1 protocol: the conversation with each nsqd, as a protocol of src/serve. The
 * parser is in nsq/lookup.h, and what is registered is in lookup/registry.h. Must not know:
 * sockets, clocks, HTTP.
 *
 * Every error ends the conversation. The server sends nothing by itself. A client must complete its
 * first IDENTIFY in time. Later it must complete in time each command that it has begun to send. It
 * must also read its replies in time. An nsqd that sends nothing becomes inactive
 * (registry_is_active), but stays connected.
 */
#ifndef LOOKUP_V1_H
#define LOOKUP_V1_H

#include <nsq/lookup.h>

#include "lookup/registry.h"
#include "serve/conn.h"

struct v1_config {
    struct nsq_lookup_limits limits; /* NSQ_LOOKUP_LINE_MAX, NSQ_LOOKUP_BODY_MAX */
    /* What the reply to IDENTIFY tells. Borrowed. */
    struct span version;
    struct span hostname;
    struct span broadcast_address;
    int64_t tcp_port;
    int64_t http_port;
    int64_t timeout;      /* ns; within it, the first IDENTIFY must be complete, each command must
                           * arrive, and each chunk of output (serve/conn.h) must be taken */
    size_t effort_a_call; /* units (base/effort.h) for each call of recv */
};

/* All pointers are borrowed. */
struct v1 {
    struct v1_config config;
    struct registry *registry;
    struct budget *budget;
    struct effort *effort;
    struct log *log;
    struct list held; /* of struct v1_session: their UNREGISTER needs more calls */
};

/* The functions that src/serve calls. The service is a struct v1. */
extern const struct protocol v1_protocol;

/* Returns the bytes of the reply to a client with an unknown magic. */
struct span v1_bad_magic(void);

/* Initialises the service. The configuration is copied; the other arguments are borrowed. */
void v1_init(struct v1 *v1, const struct v1_config *config, struct registry *registry,
             struct budget *budget, struct effort *effort, struct log *log);

/* Continues commands that were not finished in one call, while effort is left. Must be called in
 * each step. While v1_has_work is true, the next step is due at once. */
void v1_step(struct v1 *v1, int64_t now);
static inline bool v1_has_work(const struct v1 *v1)
{
    return !list_empty(&v1->held);
}

#endif
