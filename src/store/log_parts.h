/* SPDX-License-Identifier: MIT */
/*
 * Owns: the inside of the log, which log.c, log_write.c and log_recover.c share.
 * Must not know: what log.h must not know.
 */
#ifndef STORE_LOG_PARTS_H
#define STORE_LOG_PARTS_H

#include "base/buf.h"
#include "base/list.h"
#include "base/split_table.h"
#include "store/log.h"

#define LOG_SPARE "spare-0.log"

/* What the running request is for. */
enum log_step {
    STEP_NONE, /* no request is running */
    /* recovery */
    STEP_LIST,
    STEP_HEAD, /* reads the head of a segment */
    STEP_READ, /* reads the frames of a segment */
    STEP_SYNC_READ,
    /* a new segment, in this order */
    STEP_SWEEP, /* deletes an old spare file */
    STEP_CREATE,
    STEP_WRITE_HEAD,
    STEP_AGAIN, /* writes records again that were only in the failed segment: they were settled, but
                 * not synced */
    STEP_RENAME,
    /* the open segment */
    STEP_APPEND,
    STEP_SYNC,
};

/* Who waits for a frame. */
struct log_waiter {
    uint64_t ticket;
    uint32_t topic; /* 0: no publish */
    uint64_t first; /* seqs */
    uint64_t last;
};

/* A frame that collects records, until it is written. A struct of zeros has no records. */
struct log_batch {
    struct buf bytes; /* room for the head, then the records; empty if there are no records */
    size_t length;    /* bytes of the payload; set when the padding is added, 0 before that */
    uint32_t records;
    uint64_t messages;
    struct buf waiters; /* of struct log_waiter */
    size_t fin;         /* offset of the last record, if it is a FIN; 0: it is not */
    uint32_t fin_channel;
    bool urgent; /* has a record that does not wait for others */
    bool clean;  /* has a record CLEAN: it must be synced */
};

struct log_topic {
    struct table_entry entry;
    uint32_t number; /* the key */
    uint64_t last;   /* the seq of the newest message that was published */
    uint64_t safe;   /* the seq of the newest message that is settled */
};

/* A segment that is found at the start. */
struct log_segment {
    uint64_t number;
    uint64_t size; /* of its file */
    struct segment_head head;
    uint64_t end;  /* where its frames end, as the next segment says; 0: not known */
    bool readable; /* its head is valid */
    bool used;     /* not replaced by a segment that was begun later */
    bool gap;      /* the segment before it is missing */
};

enum log_phase {
    PHASE_LIST,
    PHASE_HEADS,
    PHASE_FRAMES,
    PHASE_SYNC,
    PHASE_RUNNING,
    PHASE_FAILED, /* the log could not be read */
};

struct log_recovery {
    struct log_segment *segments; /* by number */
    size_t count;
    size_t at;         /* the segment that is read */
    struct buf window; /* bytes of it, from `offset` on */
    uint64_t offset;
    struct span records; /* in the window: the records of the current frame that are left */
    size_t frame;        /* bytes of the current frame; 0: there is none */
    uint64_t durable;    /* up to this byte the segment was safe, as its frames say */
    bool probing;        /* looks for frames behind `bad`, to learn what was safe */
    bool other_bytes;    /* some byte at or after `bad` is not zero */
    bool searching;      /* looks for the next valid frame behind `bad` */
    uint64_t bad;        /* byte */
    enum parsed why;
    bool hole_known; /* frames are missing here, and this was reported already */
};

struct store_log {
    struct store_options options;
    enum log_phase phase;
    enum log_step step;
    struct disk_op op;
    char file[DISK_NAME_MAX]; /* the name of the open segment, or of the one that is read */
    struct buf events;        /* of struct store_event */
    struct split_table topics;
    uint32_t last_topic; /* the highest number of a topic or channel that was ever used */
    uint32_t last_channel;
    struct log_recovery recovery;

    /* segments */
    uint64_t next_number;  /* of the next segment */
    uint64_t previous;     /* number of the last segment that was ended */
    uint64_t previous_end; /* where it ends */
    bool open;             /* there is a segment to write to */
    bool has_spare;        /* there may be a spare file */
    struct segment_head head;
    uint64_t size;    /* of the open segment */
    uint64_t end;     /* of its frames */
    uint64_t durable; /* up to here it is safe */
    uint64_t next_frame;
    uint64_t durable_frame; /* 1 + the number of the last frame that is safe */
    enum log_step todo;     /* while a segment is made: the next step */
    uint8_t *head_bytes;    /* the first bytes of this segment (SEGMENT_HEAD_SIZE), or NULL */

    /* frames */
    struct log_batch pending;
    struct log_batch out;   /* the frame that is being written */
    struct log_batch again; /* what was settled, but not synced; no waiters */
    int64_t fin_due;
    int64_t sync_due;
    int64_t retry_at;
    enum disk_reason health;
};

/* --- log.c ------------------------------------------------------------------------------------ */

void log_add_event(struct store_log *log, const struct store_event *event);
struct log_topic *log_find_topic(struct store_log *log, uint32_t number);
void log_add_topic(struct store_log *log, uint32_t number);
void log_remove_topic(struct store_log *log, uint32_t number);
/* Remembers the numbers of a record, so that they are not used again. */
void log_note_numbers(struct store_log *log, const struct record *record);
/* Writes the name of a segment into `file` and returns it. */
struct span log_file_name(char file[DISK_NAME_MAX], uint64_t number);
void log_batch_free(struct log_batch *batch);
/* Appends a record to a batch. */
void log_batch_add(struct log_batch *batch, const struct record *record);

/* --- log_recover.c ---------------------------------------------------------------------------- */

bool log_recover_op(struct store_log *log);
void log_recover_answer(struct store_log *log, const struct disk_result *result);
/* Goes on reading. Returns true when an event was found. */
bool log_recover_step(struct store_log *log, struct store_event *event);
void log_recover_free(struct log_recovery *recovery);

/* --- log_write.c ------------------------------------------------------------------------------ */

/* Returns whether a frame must be written now. */
bool log_has_frame(const struct store_log *log, int64_t now);
bool log_write_op(struct store_log *log, int64_t now, int64_t wall);
void log_write_answer(struct store_log *log, enum disk_reason reason, int64_t now);

#endif
