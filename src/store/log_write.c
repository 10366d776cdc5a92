/* SPDX-License-Identifier: MIT */
/*
 * Writes frames: one APPEND at a time into the open segment, and a new segment when the frame does
 * not fit or the segment has failed. Must not know what is in the records.
 */
#include "store/log.h"

#include "store/log_parts.h"

bool log_has_frame(const struct store_log *log, int64_t now)
{
    const struct log_batch *batch = &log->pending;
    return batch->bytes.n > 0 &&
           (batch->urgent || batch->bytes.n >= STORE_FIN_BYTES || now >= log->fin_due);
}

/* Returns the size of the frame that this batch becomes; 0: it is empty. */
static size_t batch_frame_size(const struct log_batch *batch)
{
    size_t length = batch->length > 0 ? batch->length : batch->bytes.n - FRAME_HEAD_SIZE;
    return batch->bytes.n == 0 ? 0 : frame_size(length);
}

/* Makes the batch a complete frame, and returns it. */
static struct span seal(const struct store_log *log, struct log_batch *batch)
{
    static const uint8_t zeros[FRAME_ALIGN] = {0};
    size_t size = batch_frame_size(batch);
    if (batch->length == 0) {
        batch->length = batch->bytes.n - FRAME_HEAD_SIZE;
    }
    if (size > batch->bytes.n) {
        buf_append(&batch->bytes, span_make(zeros, size - batch->bytes.n));
    }
    struct frame_head head = {.length = (uint32_t)batch->length,
                              .number = log->next_frame,
                              .durable = log->durable,
                              .records = batch->records};
    frame_seal(batch->bytes.p + batch->bytes.head, log->head.salt, &head);
    return buf_span(&batch->bytes);
}

/* --- requests --------------------------------------------------------------------------------- */

static bool ask(struct store_log *log, enum log_step step, struct disk_op op)
{
    log->step = step;
    log->op = op;
    return true;
}

static bool must_sync(const struct store_log *log, int64_t now)
{
    uint64_t messages = log->again.messages + log->out.messages;
    return log->options.mode == STORE_FSYNC || log->out.clean || now >= log->sync_due ||
           (log->options.sync_every > 0 && messages >= log->options.sync_every) ||
           log->again.bytes.n >= log->options.most_pending;
}

static bool ask_append(struct store_log *log, int64_t now)
{
    log->out = log->pending;
    log->pending = (struct log_batch){0};
    log->fin_due = TIME_NEVER;
    return ask(log, STEP_APPEND,
               (struct disk_op){.kind = DISK_APPEND,
                                .file = log_file_name(log->file, log->head.number),
                                .offset = log->end,
                                .bytes = seal(log, &log->out),
                                .sync = must_sync(log, now)});
}

static bool ask_sync(struct store_log *log)
{
    return ask(log, STEP_SYNC,
               (struct disk_op){.kind = DISK_APPEND,
                                .file = log_file_name(log->file, log->head.number),
                                .offset = log->end,
                                .sync = true});
}

/* Fills the head of the segment that is made. */
static struct span make_head(struct store_log *log, int64_t wall)
{
    log->head = (struct segment_head){.number = log->next_number,
                                      .salt = hash_number(&log->options.seed, log->next_number),
                                      .previous = log->previous,
                                      .previous_end = log->previous_end,
                                      .wall = wall};
    log->next_number++;
    log->end = SEGMENT_HEAD_SIZE;
    log->durable = SEGMENT_HEAD_SIZE;
    if (log->head_bytes == NULL) {
        log->head_bytes = alloc_zeroed(SEGMENT_HEAD_SIZE);
    }
    segment_head_write(&log->head, log->head_bytes);
    return span_make(log->head_bytes, SEGMENT_HEAD_SIZE);
}

/* Asks for the next step of a new segment. The name of a segment comes last, so a file that has
 * such a name is complete. */
static bool ask_todo(struct store_log *log, int64_t wall)
{
    struct disk_op op = {.file = SPAN(LOG_SPARE), .sync = true};
    switch (log->todo) {
    case STEP_SWEEP:
        op.kind = DISK_DELETE;
        break;
    case STEP_CREATE:
        op.kind = DISK_CREATE;
        log->size =
            SEGMENT_HEAD_SIZE + batch_frame_size(&log->again) + batch_frame_size(&log->pending);
        log->size = log->size > log->options.segment_size ? log->size : log->options.segment_size;
        op.size = log->size;
        break;
    case STEP_WRITE_HEAD:
        op.kind = DISK_APPEND;
        op.bytes = make_head(log, wall);
        break;
    case STEP_AGAIN:
        op.kind = DISK_APPEND;
        op.offset = log->end;
        op.bytes = seal(log, &log->again);
        break;
    default:
        assert(log->todo == STEP_RENAME);
        op.kind = DISK_RENAME;
        op.to = log_file_name(log->file, log->head.number);
        break;
    }
    return ask(log, log->todo, op);
}

static void close_segment(struct store_log *log, uint64_t end)
{
    log->previous = log->head.number;
    log->previous_end = end;
    log->open = false;
}

bool log_write_op(struct store_log *log, int64_t now, int64_t wall)
{
    if (log->open && log_has_frame(log, now)) {
        if (log->end + batch_frame_size(&log->pending) <= log->size) {
            return ask_append(log, now);
        }
        if (log->durable < log->end) {
            return ask_sync(log); /* a segment is safe before the next one is begun */
        }
        close_segment(log, log->end);
    }
    if (log->open) {
        return now >= log->sync_due && ask_sync(log);
    }
    bool needed = log_has_frame(log, now) || log->health != DISK_DONE;
    if (log->todo == STEP_NONE && needed && now >= log->retry_at) {
        log->todo = log->has_spare ? STEP_SWEEP : STEP_CREATE;
    }
    return log->todo != STEP_NONE && ask_todo(log, wall);
}

/* --- results ---------------------------------------------------------------------------------- */

static void set_health(struct store_log *log, enum disk_reason reason)
{
    if (log->health != reason) {
        log->health = reason;
        log_add_event(log, &(struct store_event){.kind = STORE_HEALTH, .reason = reason});
    }
}

/* Answers all who wait for the batch. The seqs of publishes that have failed are used again. */
static void settle(struct store_log *log, const struct log_batch *batch, enum disk_reason reason)
{
    struct span waiters = buf_span(&batch->waiters);
    for (; waiters.n > 0; waiters = span_skip(waiters, sizeof(struct log_waiter))) {
        struct log_waiter waiter;
        memcpy(&waiter, waiters.p, sizeof waiter);
        struct log_topic *topic = log_find_topic(log, waiter.topic);
        if (topic != NULL && reason == DISK_DONE) {
            topic->safe = waiter.last;
        } else if (topic != NULL) {
            topic->last = topic->safe;
        }
        log_add_event(log, &(struct store_event){.kind = STORE_SETTLED,
                                                 .reason = reason,
                                                 .ticket = waiter.ticket,
                                                 .first = waiter.first});
    }
}

/* Returns the records of a batch. */
static struct span records_of(const struct log_batch *batch)
{
    struct span bytes = buf_span(&batch->bytes);
    size_t length = batch->length > 0 ? batch->length : bytes.n - FRAME_HEAD_SIZE;
    return bytes.n == 0 ? bytes : span_first(span_skip(bytes, FRAME_HEAD_SIZE), length);
}

/* Adds all records of a batch, except publishes, to another one. */
static void keep_others(const struct log_batch *batch, struct log_batch *to)
{
    struct span rest = records_of(batch);
    struct record record;
    size_t n;
    while (record_parse(rest, &record, &n) == PARSED_VALID) {
        if (record.type != RECORD_PUB) {
            log_batch_add(to, &record);
            to->urgent = true;
        }
        rest = span_skip(rest, n);
    }
    assert(rest.n == 0);
}

/* A request has failed: so have all publishes that wait for it, and those that wait behind it. */
static void fail(struct store_log *log, enum disk_reason reason)
{
    struct log_batch others = {0};
    keep_others(&log->out, &others);
    keep_others(&log->pending, &others);
    others.clean = log->out.clean || log->pending.clean;
    settle(log, &log->out, reason);
    settle(log, &log->pending, reason);
    log_batch_free(&log->out);
    log_batch_free(&log->pending);
    log->pending = others;
    log->fin_due = TIME_NEVER;
    log->sync_due = TIME_NEVER;
    set_health(log, reason);
}

/* All frames that were written are safe. */
static void note_durable(struct store_log *log)
{
    log->durable = log->end;
    log->durable_frame = log->next_frame;
    log->sync_due = TIME_NEVER;
    log_batch_free(&log->again);
}

/* Keeps the records of a frame that is written, but not synced. */
static void keep_again(struct store_log *log, int64_t now)
{
    struct log_batch *again = &log->again;
    if (again->bytes.n == 0) {
        memset(buf_room(&again->bytes, FRAME_HEAD_SIZE), 0, FRAME_HEAD_SIZE);
        buf_grew(&again->bytes, FRAME_HEAD_SIZE);
    }
    buf_append(&again->bytes, records_of(&log->out));
    again->records += log->out.records;
    again->messages += log->out.messages;
    log->sync_due = time_earlier(log->sync_due, time_after(now, log->options.sync_timeout));
}

static void end_append(struct store_log *log, int64_t now)
{
    log->end += batch_frame_size(&log->out);
    log->next_frame++;
    if (log->op.sync) {
        note_durable(log);
    } else {
        keep_again(log, now);
    }
    settle(log, &log->out, DISK_DONE);
    log_batch_free(&log->out);
}

/* The open segment has failed. What is behind its last safe byte does not count any more. */
static void abandon(struct store_log *log, enum disk_reason reason)
{
    close_segment(log, log->durable);
    log->next_frame = log->durable_frame;
    log->retry_at = TIME_PAST;
    fail(log, reason);
}

/* A step of a new segment was done. */
static void end_todo(struct store_log *log, enum log_step step)
{
    static const enum log_step next[] = {
        [STEP_SWEEP] = STEP_CREATE,      [STEP_CREATE] = STEP_WRITE_HEAD,
        [STEP_WRITE_HEAD] = STEP_RENAME, [STEP_AGAIN] = STEP_RENAME,
        [STEP_RENAME] = STEP_NONE,
    };
    log->todo = next[step];
    log->has_spare = step != STEP_SWEEP && step != STEP_RENAME;
    if (step == STEP_WRITE_HEAD && log->again.bytes.n > 0) {
        log->todo = STEP_AGAIN;
    }
    if (step != STEP_RENAME) {
        return;
    }
    log->open = true;
    if (log->again.bytes.n > 0) {
        log->end += batch_frame_size(&log->again);
        log->next_frame++;
    }
    note_durable(log);
    alloc_free(log->head_bytes);
    log->head_bytes = NULL;
    log->retry_at = TIME_PAST;
    set_health(log, DISK_DONE);
}

void log_write_answer(struct store_log *log, enum disk_reason reason, int64_t now)
{
    enum log_step step = log->step;
    log->step = STEP_NONE;
    if (reason == DISK_DONE) {
        if (step == STEP_APPEND) {
            end_append(log, now);
        } else if (step == STEP_SYNC) {
            note_durable(log);
        } else {
            end_todo(log, step);
        }
    } else if (step == STEP_APPEND || step == STEP_SYNC) {
        abandon(log, reason);
    } else if (step == STEP_SWEEP) {
        end_todo(log, step); /* perhaps there was no such file; else CREATE fails */
    } else {
        log->todo = STEP_NONE;
        log->has_spare = true;
        log->retry_at = time_after(now, log->options.sync_timeout);
        fail(log, reason);
    }
}
