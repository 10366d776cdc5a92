/* SPDX-License-Identifier: MIT */
/*
 * Owns: the log on disk. It turns publishes, finished messages and changes of topics and channels
 * into records, and makes the requests that store these records (store/disk_op.h). It does no I/O
 * itself. After a start it reads everything back.
 * Must not know: the broker, and who carries the requests out.
 *
 *     store_log_publish, _finish, _note ---> pending frame --APPEND--> segment     SETTLED
 *                                                 ^                       |           ^
 *                                                 +--- one APPEND at a time ----------+
 *
 * The caller's loop: take a request (store_log_next_op), carry it out, pass the result on
 * (store_log_answer), then take all events (store_log_next_event). There is one request at a time.
 * While an APPEND runs, the next frame collects records. So one sync serves many publishers, and no
 * timer is needed.
 *
 * What STORE_SETTLED means:
 *     STORE_FSYNC: the messages survive a loss of power.
 *     STORE_WRITE: the messages survive the end of this process. When the next sync is done, they
 *         survive a loss of power too. This sync comes after `sync_every` messages, after
 *         `sync_timeout`, or when the records that are not synced have `most_pending` bytes.
 *
 * The folder has files of two kinds: a segment is <number in 16 hex digits>.log, and spare-0.log is
 * a segment that is not complete yet. It becomes a segment when its bytes are safe. The log does
 * not change any other file. The first segment is made when there is something to write.
 *
 * After a failed APPEND, the segment ends at its last safe byte. The log never writes to this
 * segment again. The head of the next segment says where this one ends. All publishes that wait
 * fail: those in the frame of the APPEND, and those in the next frame. Other records are written
 * again, to the next segment. In the mode STORE_WRITE, the next segment begins with all records
 * that were settled, but not synced.
 */
#ifndef STORE_LOG_H
#define STORE_LOG_H

#include "base/hash.h"
#include "base/time.h"
#include "store/disk_op.h"
#include "store/record.h"

enum store_mode { STORE_FSYNC, STORE_WRITE };

struct store_options {
    enum store_mode mode;
    uint64_t segment_size; /* bytes, at least STORE_SEGMENT_LEAST. For a frame that is larger, the
                            * log makes a larger segment */
    size_t most_pending;   /* bytes: the bound for records that wait for the disk. A publish that
                            * would exceed it is refused, so publishers cannot fill the memory while
                            * the disk is slow. A publish that is larger than the bound is accepted
                            * when no other record waits. store_log_new lowers a bound that is
                            * larger than the room in a segment */
    size_t read_size;      /* bytes of one READ, at least SEGMENT_HEAD_SIZE */
    uint64_t sync_every;   /* STORE_WRITE: messages between two syncs; 0: any number */
    int64_t sync_timeout;  /* ns: STORE_WRITE: the longest time until a sync. All modes: the time
                            * until a failed request is tried again */
    struct hash_seed seed; /* secret, and new at each start. The salts of segments depend on it */
};

#define STORE_SEGMENT_LEAST (SEGMENT_HEAD_SIZE + 1024) /* bytes */
/* Notes of finished messages are written together with the next record of another type. If there is
 * none, they are written after STORE_FIN_DELAY (ns), or when STORE_FIN_BYTES bytes of records
 * wait. */
#define STORE_FIN_DELAY (100 * TIME_MS)
#define STORE_FIN_BYTES 65536

enum store_event_kind {
    STORE_RECORD = 1, /* a record that was read back; only before STORE_STARTED */
    STORE_DAMAGE,     /* something could not be read; only before STORE_STARTED */
    STORE_STARTED, /* `reason` is DISK_DONE: everything was read back and is safe, so the log can be
                      used. Any other reason: the log cannot be used */
    STORE_SETTLED, /* the answer to a ticket */
    STORE_HEALTH,  /* `reason` is DISK_DONE: the disk works again. Any other reason: publishes are
                      refused */
};

enum store_damage_kind {
    DAMAGE_TAIL,    /* a frame at the end was not complete. Normal after a crash */
    DAMAGE_ROT,     /* bytes that were safe are wrong. What is behind them was read */
    DAMAGE_HEAD,    /* one of the two heads of a segment is wrong; nothing is lost */
    DAMAGE_SEGMENT, /* a segment is missing, or both of its heads are wrong: all of it is lost */
    DAMAGE_HOLE,    /* frames are missing, and no other damage explains it */
    DAMAGE_RECORD,  /* a valid frame with a record that is wrong; the rest of the frame is lost */
};

/* The bytes `from` to `to` - 1 of a segment. */
struct store_damage {
    enum store_damage_kind kind;
    enum parsed why;
    uint64_t segment;
    uint64_t from;
    uint64_t to;
};

struct store_event {
    enum store_event_kind kind;
    enum disk_reason reason;    /* STARTED, SETTLED, HEALTH */
    uint64_t ticket;            /* SETTLED */
    uint64_t first;             /* SETTLED: seq of the first message of a publish */
    struct record record;       /* RECORD; borrowed until the next call of store_log_next_event */
    struct store_damage damage; /* DAMAGE */
};

struct store_log;

/* Returns a new log, which first reads the disk. The caller owns it. */
struct store_log *store_log_new(const struct store_options *options);
void store_log_free(struct store_log *log);

/* Returns the next request, or NULL when there is none now. It is borrowed until its result was
 * passed to store_log_answer, and there is no other request until then. `wall`: ns since 1970. */
const struct disk_op *store_log_next_op(struct store_log *log, int64_t now, int64_t wall);

/* Passes on the result of the request. */
void store_log_answer(struct store_log *log, const struct disk_result *result, int64_t now);

/* Takes the next event. Returns false when there is none now. Take all events before the next
 * request, because until STORE_STARTED this function parses what the requests have read. One call
 * does a bounded amount of work. It stops at the next record, or when it has gone through all bytes
 * in memory. These are at most the bytes of one READ and of one frame. */
bool store_log_next_event(struct store_log *log, struct store_event *event);

/* Returns the time at which store_log_next_op has something to do, if nothing else happens before
 * that time. */
int64_t store_log_next_due(const struct store_log *log);

/*
 * Publishes messages: all or none of them are there after a crash. Copies the bodies. Returns true
 * when the messages wait for the disk; STORE_SETTLED with this ticket follows. Returns false when
 * they are refused: the log has not started, the disk does not work, too many bytes wait, or the
 * topic does not exist.
 */
bool store_log_publish(struct store_log *log, uint32_t topic, const struct record_message *messages,
                       uint32_t count, uint64_t ticket);

/* Notes that a channel has finished a message. No answer follows. If the note is lost in a crash,
 * the message is delivered once more. Returns false when the note is dropped: the log has not
 * started, or the disk does not work and too many bytes wait. */
bool store_log_finish(struct store_log *log, uint32_t channel, uint64_t seq, int64_t now);

/*
 * Notes a record of another type: REQ, a change of topics and channels, or CLEAN. A new topic or
 * channel gets its number here: record->topic or record->channel is set. If the ticket is not 0,
 * STORE_SETTLED follows. If the reason of this event is not DISK_DONE, the record is not safe yet,
 * and the log tries again. May only be called after STORE_STARTED.
 * Returns false, and does nothing, when all RECORD_NUMBER_MAX numbers of topics or channels were
 * used.
 */
bool store_log_note(struct store_log *log, struct record *record, uint64_t ticket);

/* Returns whether everything is safe on the disk, and no request is running. */
bool store_log_is_idle(const struct store_log *log);

#endif
