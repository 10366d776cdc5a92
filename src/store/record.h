/* SPDX-License-Identifier: MIT */
/*
 * Owns: the records, which are the payload of the frames of the log on disk. There are a parser and
 * a writer. Neither allocates anything.
 * Must not know: frames and files (store/format.h), and which record is written when (store/log.h).
 *
 * A record:
 *     | type, u16 | kind, u16 | length of the rest, u32 | fields | tail ...
 * The kind is 0, except in record 12. All integers are big-endian. The number behind the name of a
 * field is its size in bytes. Topics have numbers from 1 to RECORD_NUMBER_MAX, and so have
 * channels. No two topics ever have the same number, even if one of them was deleted. The same is
 * true for channels. Messages of a topic have a seq: 1, 2, 3 and so on. `due` is ns since 1970; 0:
 * at once. `flowed` is the last seq that the topic has given to its channels. `cursor` is the next
 * seq that a channel takes. A channel has two lists of the messages before its cursor: "finished"
 * has ranges of seqs that are finished, and "exceptions" has messages that are not finished.
 *
 *  1 PUB              | topic 4 | first seq 8 | count 4 | count messages
 *  2 FIN              | channel 4 | count 4 | count seqs of 8
 *  3 REQ              | channel 4 | seq 8 | attempts 2 | due 8 |
 *  4 TOPIC NEW        | topic 4 | name
 *  5 TOPIC DELETED    | topic 4 |
 *  6 CHANNEL NEW      | channel 4 | topic 4 | seq of its first message 8 | name
 *  7 CHANNEL DELETED  | channel 4 |
 *  8 EMPTIED          | topic 4 | channel 4 (0: the topic) | up to seq 8 |
 *  9 PAUSED           | topic 4 | channel 4 (0: the topic) | flag 2 (1: paused) | flowed 8 |
 * 10 KEEP             | topic 4 | seq 8 | count 4 | a message, then count rows:
 *                       | channel 4 | attempts 2 | due 8 |
 * 11 CHECKPOINT BEGIN | id clock 8 | last topic 4 | last channel 4 | count of parts 4 |
 * 12 CHECKPOINT PART, of the kind
 *     1 topic         | topic 4 | last seq 8 | flowed 8 | flag 2 (1: paused) | name
 *     2 channel       | channel 4 | topic 4 | cursor 8 | flag 2 (1: paused) | name
 *     3 finished      | channel 4 | count 4 | rows | first seq 8 | last seq 8 |
 *     4 exceptions    | channel 4 | count 4 | rows | seq 8 | attempts 2 | due 8 |
 *     5 segment       | segment 8 | count 4 | rows | topic 4 | first 8 | last 8 | messages 8 |
 * 13 CHECKPOINT END   | count of parts 4 |
 * 14 FOOTER           | count 4 | rows | topic 4 | messages 4 | offset 8 | first seq 8 |
 * 15 CLEAN            | id clock 8 |
 *
 * A message:
 *     | size of the body 4 | id 8 | timestamp 8 | delay 8, ns | body
 */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include "store/format.h"

enum record_type {
    RECORD_PUB = 1,
    RECORD_FIN,
    RECORD_REQ,
    RECORD_TOPIC_NEW,
    RECORD_TOPIC_DELETED,
    RECORD_CHANNEL_NEW,
    RECORD_CHANNEL_DELETED,
    RECORD_EMPTIED,
    RECORD_PAUSED,
    RECORD_KEEP,
    RECORD_CHECKPOINT_BEGIN,
    RECORD_CHECKPOINT_PART,
    RECORD_CHECKPOINT_END,
    RECORD_FOOTER,
    RECORD_CLEAN,
    RECORD_TYPES,
};

enum record_part {
    PART_TOPIC = 1,
    PART_CHANNEL,
    PART_FINISHED,
    PART_EXCEPTIONS,
    PART_SEGMENT,
    RECORD_PARTS,
};

/* A record. Only the fields of its type and kind are used; the parser sets all others to 0. */
struct record {
    enum record_type type;
    uint16_t kind; /* enum record_part; 0 in all other records */
    uint16_t attempts;
    uint16_t flag; /* 0 or 1 */
    uint32_t topic;
    uint32_t channel;
    uint32_t count;   /* of messages, rows or parts */
    uint64_t seq;     /* "seq", "first seq", "last seq", "up to seq" or "cursor" above */
    uint64_t flowed;  /* a seq: see above */
    uint64_t segment; /* number of a segment */
    uint64_t clock;   /* the id clock */
    int64_t due;      /* ns since 1970 */
    struct span tail; /* a name, messages or rows, as on the wire; borrowed */
};

#define RECORD_HEAD_MAX 32     /* bytes of a record without its tail */
#define RECORD_MESSAGE_HEAD 28 /* bytes of a message without its body */
#define RECORD_NAME_MAX 64     /* bytes; names of topics and channels are not longer */
/* The highest number of a topic or channel. Each new topic or channel gets a number that is higher
 * than all numbers in the log. If the parser accepted the highest uint32_t, there might be no
 * higher number. */
#define RECORD_NUMBER_MAX ((uint32_t)INT32_MAX)
#define RECORD_SEQ_SIZE 8 /* bytes of a row of FIN */

/* A message, as it is in a record. */
struct record_message {
    uint64_t id;
    int64_t timestamp;
    int64_t delay;    /* ns */
    struct span body; /* borrowed */
};

/*
 * Parses the record at the start of `in`.
 *
 * PARSED_VALID: `*record` is set. Its tail points into `in`, and has been checked: it has as many
 *     messages or rows as `count` says. The record has `*consumed` bytes.
 * PARSED_CUT: the record is not complete. Nothing is set.
 * WRONG_TYPE, WRONG_LENGTH, WRONG_FIELD: nothing is set.
 */
enum parsed record_parse(struct span in, struct record *record, size_t *consumed);

/* Writes the record without its tail and returns how many bytes this needs. The caller must write
 * the tail (record->tail.n bytes) directly behind it. The function does not read the tail. The
 * fields must be valid.
 */
size_t record_write_head(const struct record *record, uint8_t out[RECORD_HEAD_MAX]);

/* Writes a message without its body, which follows directly. */
void record_write_message(const struct record_message *message, uint8_t out[RECORD_MESSAGE_HEAD]);

/*
 * Takes the first message from `*tail`, the tail of a record PUB or KEEP.
 *
 * PARSED_VALID: `*message` is set, and `*tail` is what follows. The body points into `*tail`.
 * PARSED_CUT: the message is not complete. Nothing is changed.
 */
enum parsed record_next_message(struct span *tail, struct record_message *message);

#endif
