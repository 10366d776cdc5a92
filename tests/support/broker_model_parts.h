/* SPDX-License-Identifier: MIT */
/*
 * Owns: what the files of the model of a broker share: broker_model.c changes both sides,
 * broker_model_topology.c deletes, empties and pauses, broker_model_compare.c holds one side
 * against the other.
 */
#ifndef TESTS_SUPPORT_BROKER_MODEL_PARTS_H
#define TESTS_SUPPORT_BROKER_MODEL_PARTS_H

#include "support/broker_model.h"

#define BM_SHARE 3 /* channels of a topic */

extern const char *const bm_topic_names[BM_TOPICS];
extern const char *const bm_channel_names[BM_SHARE];

/* A random number below a bound. */
unsigned bm_draw(struct broker_model *m, unsigned below);

/* Moves of the model alone: a message is not in flight any more; a
 * consumer has nothing in flight any more; a channel is deleted; a topic
 * gives its messages to its channels. */
void bm_end_flight(struct broker_model *m, struct bm_row *r);
void bm_end_flights(struct broker_model *m, int consumer);
void bm_forget_channel(struct broker_model *m, int channel);
void bm_move_to_channels(struct broker_model *m, int topic);

/* Steps on both sides: pause or resume something; delete or empty something. */
void bm_pause(struct broker_model *m);
void bm_change_topology(struct broker_model *m);

/* The broker's topic and channel with the model's number; NULL: there is none. */
struct topic *bm_real_topic(const struct broker_model *m, int topic);
struct channel *bm_real_channel(const struct broker_model *m, int channel);

/* How many rows of a channel are in a place; the row of an id, or NULL; drops the rows that are
 * gone. */
size_t bm_count_rows(const struct broker_model *m, int channel, enum bm_place place);
struct bm_row *bm_find_row(struct broker_model *m, int channel, uint64_t id);
void bm_sweep(struct broker_model *m);

/* Fails when the broker and the model differ in anything. */
void bm_compare(struct broker_model *m);

#endif
