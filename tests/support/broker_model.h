/* SPDX-License-Identifier: MIT */
/*
 * Owns: a second, slow and simple model of what a broker should hold, and a driver that does
 * random things to both and holds one against the other after each of them.
 *
 * The model has one row for every message of every channel, with the place where it is; so each
 * message is in exactly one place by construction, and the broker must agree with all rows: which
 * ids wait in which order, which consumer has what in flight until when, which is next, and every
 * count.
 */
#ifndef TESTS_SUPPORT_BROKER_MODEL_H
#define TESTS_SUPPORT_BROKER_MODEL_H

#include "support/broker_world.h"

#define BM_TOPICS 3
#define BM_CHANNELS 9 /* three of each topic */
#define BM_CONSUMERS 8
#define BM_ROWS 4096 /* more than ever are there */

enum bm_place { BM_QUEUED, BM_IN_FLIGHT, BM_DEFERRED, BM_GONE };

struct bm_row {
    int channel;
    uint64_t id;
    enum bm_place place;
    uint64_t order; /* of the last move into a queue or a wait: what moved earlier comes first */
    int consumer;   /* in flight: whose; -1: nobody's any more */
    int64_t due;    /* in flight, deferred: when that ends */
    int64_t delivered;
    uint16_t attempts;
};

struct bm_waiting { /* in a topic */
    uint64_t id;
    int64_t delay;
};

struct bm_topic {
    bool exists, paused;
    size_t waiting_count;
    struct bm_waiting waiting[BM_ROWS];
    uint64_t message_count, drop_count;
};

struct bm_channel {
    bool exists, paused;
    uint64_t made; /* order in which a topic's channels were made */
    uint64_t message_count, requeue_count, timeout_count, drop_count;
};

struct bm_consumer {
    int channel; /* -1: none */
    int64_t ready, in_flight;
    bool blocked, is_ready;
    uint64_t turn; /* the ready consumer with the lowest turn is next */
    uint64_t message_count, finish_count, requeue_count;
};

struct broker_model {
    struct broker_world w;
    uint64_t random;
    uint64_t order;
    uint64_t gone; /* an id that is in flight nowhere, or 0 */
    size_t row_count;
    struct bm_row rows[BM_ROWS];
    struct bm_topic topics[BM_TOPICS];
    struct bm_channel channels[BM_CHANNELS];
    struct bm_consumer consumers[BM_CONSUMERS];
    struct consumer real[BM_CONSUMERS];
    uint64_t delivered, sampled_out, timed_out, dropped, orphaned; /* so far */
};

/* Large: not for the stack. Queues of ephemeral channels hold 5 messages, channels 3 consumers. */
void bm_open(struct broker_model *m, uint64_t seed);

/* Does one random thing and compares everything. */
void bm_step(struct broker_model *m);

/* Everybody leaves, and all ends. */
void bm_close(struct broker_model *m);

#endif
