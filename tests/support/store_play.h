/* SPDX-License-Identifier: MIT */
/*
 * Owns: a log (store/log.h) with a simulated disk and a virtual clock, as verbs for tests; and what
 * the log has told: what was read back, answers, damage.
 * Must not know: what a test expects.
 *
 * The body and the timestamp of a message follow from its id, so that a message that comes back can
 * be checked without the one that was published.
 */
#ifndef TESTS_SUPPORT_STORE_PLAY_H
#define TESTS_SUPPORT_STORE_PLAY_H

#include "base/buf.h"
#include "store/log.h"
#include "support/sim_disk.h"

/* A message that was read back. */
struct play_message {
    uint32_t topic;
    uint64_t seq;
    uint64_t id;
    bool same; /* body, timestamp and delay are those of this id */
};

struct play_fin {
    uint32_t channel;
    uint64_t seq;
};

struct store_play {
    struct sim_disk *disk;
    struct store_log *log;
    struct store_options options;
    int64_t now;
    const struct disk_op *op; /* the request that was begun; NULL: none */
    size_t ops;               /* requests that were begun since the log was opened */
    /* what was read back */
    struct buf messages; /* of struct play_message */
    struct buf fins;     /* of struct play_fin */
    struct buf others;   /* all other records, as on the wire, without their tails */
    struct buf names;    /* of topics, one after the other */
    struct buf damage;   /* of struct store_damage */
    uint64_t digest;     /* of all events before STARTED, in order */
    bool started;
    enum disk_reason start_reason;
    /* answers */
    struct buf settled; /* of struct store_event */
    enum disk_reason health;
};

/* Options with small segments. */
struct store_options play_options(enum store_mode mode);

/* A play with an empty disk, or with that disk, which it takes. */
void play_open(struct store_play *play, const struct store_options *options, struct sim_disk *disk);
/* Frees the log and the disk. */
void play_close(struct store_play *play);
/* Ends the log without a word, and opens another one on the same disk. */
void play_reopen(struct store_play *play);

/* Begins the next request, or returns false when there is none. */
bool play_begin(struct store_play *play);
/* Ends it, and takes all events. Returns the reason of its result. */
enum disk_reason play_end(struct store_play *play);
/* Begins and ends requests until there is none. Fails the test if that does not end. */
void play_run(struct store_play *play);
/* The same after this time has passed. */
void play_wait(struct store_play *play, int64_t ns);

/* Publishes `count` messages with the ids `id`, id + 1 and so on. The ticket is `id`. */
bool play_publish(struct store_play *play, uint32_t topic, uint64_t id, uint32_t count);

/* The number of messages and so on in a buffer of structs. */
#define PLAY_COUNT(buffer, type) ((buffer).n / sizeof(type))
/* The structs themselves; borrowed until the next event. */
#define PLAY_ITEMS(buffer, type) ((const type *)(const void *)buf_span(&(buffer)).p)

/* The answer to a ticket, or NULL. Borrowed until the next event. */
const struct store_event *play_answer(const struct store_play *play, uint64_t ticket);

/* The message that was read back with this id, or NULL. */
const struct play_message *play_find(const struct store_play *play, uint64_t id);

/* --- checks ----------------------------------------------------------------------------------- */

/* Opens a log on an empty disk, and notes topic 1 (with ticket 1000000) and channel 1. */
void play_open_with_topic(struct store_play *play, const struct store_options *options);

/* How many messages were read back, and how many damages were reported. */
size_t play_messages(const struct store_play *play);
size_t play_damages(const struct store_play *play);
struct store_damage play_first_damage(const struct store_play *play);

/* Fail the test if the ticket has no answer with this reason; if the message was not read back with
 * this seq in topic 1. */
void play_check_settled(const struct store_play *play, uint64_t ticket, enum disk_reason reason);
void play_check_there(const struct store_play *play, uint64_t id, uint64_t seq);

#endif
