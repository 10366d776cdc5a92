/* SPDX-License-Identifier: MIT */
/*
 * Owns: what all topics and channels of one broker share: its configuration, its memory budget, the
 * timers of its messages, and the list of channels that have something to deliver.
 * Nothing in src/broker knows a connection, a frame or a clock. Times are arguments, in ns of a
 * monotonic clock unless a name says wall.
 */
#ifndef BROKER_CORE_H
#define BROKER_CORE_H

#include <nsq/name.h>
#include <nsq/span.h>

#include "base/budget.h"
#include "base/hash.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/log.h"
#include "base/time.h"

struct broker_config {
    unsigned node_id;       /* in every message id; 0 .. 1023 */
    int64_t mem_queue_size; /* messages a full ephemeral topic or channel keeps; more are dropped */
    size_t mem_queue_bytes; /* cap of the memory budget (base/budget.h): publishers are refused
                               there */
    int64_t max_msg_timeout; /* ns; TOUCH extends to at most this after the delivery */
    int64_t max_consumers;   /* of a channel; 0 = no bound */
    bool wait_publishes;     /* broker_publish keeps messages until broker_publish_settle */
    struct hash_seed seed;   /* of name tables and of sampling; secret, from outside */
};

struct broker_core {
    struct broker_config config;
    struct budget budget;
    struct heap timers;   /* of struct timer: in-flight deadlines and ends of deferral */
    struct list active;   /* of struct channel: those that can deliver now */
    struct list orphans;  /* of struct consumer: their channels were deleted */
    struct log *log;      /* borrowed */
    uint64_t random;      /* state of the sampling generator */
    uint64_t last_serial; /* of the topic that was made last */
};

/* What happens when a timer is due depends on what it belongs to. */
enum timer_kind { TIMER_IN_FLIGHT, TIMER_DEFERRED };

struct timer {
    struct heap_node node;
    enum timer_kind kind;
};

/* The name of a topic or channel. It is valid, so it is never longer than this. */
struct name {
    uint8_t n;
    uint8_t bytes[NSQ_NAME_MAX];
};

static inline struct name name_make(struct span s)
{
    struct name name = {.n = (uint8_t)s.n};
    memcpy(name.bytes, s.p, s.n);
    return name;
}

/* The bytes of a name; borrowed from it. */
static inline struct span name_span(const struct name *name)
{
    return span_make(name->bytes, name->n);
}

/* Bytes charged for a topic or channel beside its own struct: its hash table with 32 empty buckets.
 */
#define TABLE_COST 640

#endif
