/* SPDX-License-Identifier: MIT */
/*
 * Owns: the data that all topics and channels of one broker share. These are the configuration, the
 * memory budget, the effort of the current call (base/effort.h), the id clock (broker/guid.h) and
 * the timers of the messages. There are also lists: the channels that can deliver a message now,
 * the orphans (broker/topology.h), the topics that are starting, and the work for the next calls.
 *
 * Must not know, like every file in src/broker: connections, frames, clocks. Times are arguments,
 * in ns of a monotonic clock. An argument named `wall` is a time of the wall clock.
 */
#ifndef BROKER_CORE_H
#define BROKER_CORE_H

#include "base/budget.h"
#include "base/effort.h"
#include "base/hash.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/log.h"
#include "base/time.h"
#include "broker/changes.h"
#include "broker/guid.h"
#include "broker/latency.h"
#include "broker/message.h"

struct broker_config {
    unsigned node_id;       /* a part of every message id; 0 .. 1023 */
    int64_t mem_queue_size; /* the largest number of messages in the queue of an ephemeral
                               topic or channel; further messages are dropped */
    size_t mem_queue_bytes; /* cap of the memory budget (base/budget.h); a publisher that needs more
                               is refused */
    int64_t max_msg_timeout; /* ns; a TOUCH can move the deadline of a message at most this far
                                after its delivery */
    int64_t max_consumers;   /* of one channel; 0: no bound */
    bool wait_publishes;     /* publishes, and the changes of broker_note_change, wait for
                                broker_publish_settle */
    size_t effort_a_call; /* units (base/effort.h), > 0: what one call from outside may do. Without
                             this bound, one MPUB to many channels would block all other clients */
    struct latency_config latency; /* end-to-end processing latencies */
    struct hash_seed seed;         /* for hash tables and sampling; must be secret */
};

/* What has happened to the messages of all topics and channels since the start. The counters of a
 * topic or channel are gone when it is deleted, so their sum may decrease. These numbers never
 * decrease. */
struct broker_counts {
    uint64_t published; /* messages; each counts once, also when several channels get it */
    uint64_t published_bytes;
    /* These are sums over all channels. A message that is delivered twice in a channel counts
     * twice. */
    uint64_t delivered;
    uint64_t finished;
    uint64_t requeued;
    uint64_t timed_out;
    uint64_t dropped; /* because the queue of an ephemeral topic or channel was full */
};

struct broker_core {
    struct broker_config config;
    struct budget budget;
    struct effort effort;           /* the units that the current call may still use */
    struct latency_setting latency; /* made from config.latency */
    size_t effort_a_share;          /* units, > 0: config.effort_a_call divided by BROKER_SHARES */
    struct heap timers;  /* of struct timer: timeouts of messages in flight, and ends of delays */
    struct list active;  /* of struct channel: the channels that can deliver a message now */
    size_t in_turn;      /* how many messages the first active channel has delivered in its turn */
    struct list moving;  /* of struct topic: the topics with messages that are on the way to
                          * channels */
    struct list orphans; /* of struct consumer: all orphans */
    size_t held; /* number of messages in all topics and channels, plus the number of moves that
                    must still be made (broker/topic.h) */
    struct queue garbage; /* dropped messages; each call of broker_collect frees a part of them */
    struct list ending;   /* of struct timed: their messages were dropped and must be freed */
    struct list
        ending_channels;       /* of struct channel: they were deleted, and still have consumers */
    struct list ending_topics; /* of struct topic: they were deleted, and still have channels */
    bool start_topics_later; /* true: each topic that is made begins as `starting` (broker/topic.h)
                              * and is put into starting_topics */
    struct list starting_topics; /* of struct topic; the newest is at the end */
    struct broker_counts counts;
    struct changes changes; /* of topics and channels */
    struct guid_clock ids;  /* the id clock */
    struct log *log;        /* borrowed */
    uint64_t random;        /* state of the sampling generator */
    uint64_t last_serial;   /* of the newest topic or channel */
};

/* A timer is a field of a struct in_flight or of a struct deferred. The kind says which of the
 * two. */
enum timer_kind { TIMER_IN_FLIGHT, TIMER_DEFERRED };

struct timer {
    struct heap_node node;
    enum timer_kind kind;
};

#endif
