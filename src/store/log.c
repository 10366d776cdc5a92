/* SPDX-License-Identifier: MIT */
/*
 * Takes publishes and other records, and keeps them in the frame that is written next. Must not
 * know how frames are written (log_write.c) and read back (log_recover.c).
 */
#include "store/log.h"

#include "store/log_parts.h"

struct store_log *store_log_new(const struct store_options *options)
{
    assert(options->read_size >= SEGMENT_HEAD_SIZE);
    assert(options->segment_size >= STORE_SEGMENT_LEAST);
    struct store_log *log = alloc_zeroed(sizeof *log);
    log->options = *options;
    /* More would not fit into the segment that is being made while they wait. */
    uint64_t room = options->segment_size - SEGMENT_HEAD_SIZE - FRAME_ALIGN;
    if (room < options->most_pending) {
        log->options.most_pending = (size_t)room;
    }
    log->phase = PHASE_LIST;
    log->next_number = 1;
    log->next_frame = 1;
    log->durable_frame = 1;
    log->fin_due = TIME_NEVER;
    log->sync_due = TIME_NEVER;
    log->retry_at = TIME_PAST;
    return log;
}

void store_log_free(struct store_log *log)
{
    struct table_entry *entry;
    while ((entry = split_table_first(&log->topics)) != NULL) {
        log_remove_topic(log, container_of(entry, struct log_topic, entry)->number);
    }
    split_table_free(&log->topics);
    log_recover_free(&log->recovery);
    log_batch_free(&log->pending);
    log_batch_free(&log->out);
    log_batch_free(&log->again);
    buf_free(&log->events);
    alloc_free(log->head_bytes);
    alloc_free(log);
}

struct span log_file_name(char file[DISK_NAME_MAX], uint64_t number)
{
    static const char digits[] = "0123456789abcdef";
    for (unsigned i = 0; i < 16; i++) {
        file[i] = digits[number >> (60 - 4 * i) & 15];
    }
    memcpy(file + 16, ".log", 4);
    return span_make(file, 20);
}

/* --- topics ----------------------------------------------------------------------------------- */

static unsigned topic_hash(const struct store_log *log, uint32_t number)
{
    return (unsigned)hash_number(&log->options.seed, number);
}

struct log_topic *log_find_topic(struct store_log *log, uint32_t number)
{
    struct table_entry *entry =
        split_table_find(&log->topics, span_make(&number, sizeof number), topic_hash(log, number));
    return entry == NULL ? NULL : container_of(entry, struct log_topic, entry);
}

void log_add_topic(struct store_log *log, uint32_t number)
{
    if (log_find_topic(log, number) != NULL) {
        return;
    }
    struct log_topic *topic = alloc_zeroed(sizeof *topic);
    topic->number = number;
    split_table_add(&log->topics, &topic->entry, span_make(&topic->number, sizeof topic->number),
                    topic_hash(log, number));
}

void log_remove_topic(struct store_log *log, uint32_t number)
{
    struct log_topic *topic = log_find_topic(log, number);
    if (topic != NULL) {
        split_table_remove(&log->topics, &topic->entry);
        alloc_free(topic);
    }
}

void log_note_numbers(struct store_log *log, const struct record *record)
{
    log->last_topic = record->topic > log->last_topic ? record->topic : log->last_topic;
    log->last_channel = record->channel > log->last_channel ? record->channel : log->last_channel;
}

/* --- frames ----------------------------------------------------------------------------------- */

void log_batch_free(struct log_batch *batch)
{
    buf_free(&batch->bytes);
    buf_free(&batch->waiters);
    *batch = (struct log_batch){0};
}

void log_batch_add(struct log_batch *batch, const struct record *record)
{
    if (batch->bytes.n == 0) {
        memset(buf_room(&batch->bytes, FRAME_HEAD_SIZE), 0, FRAME_HEAD_SIZE);
        buf_grew(&batch->bytes, FRAME_HEAD_SIZE);
    }
    size_t n = record_write_head(record, buf_room(&batch->bytes, RECORD_HEAD_MAX));
    buf_grew(&batch->bytes, n);
    if (record->tail.p != NULL) {
        buf_append(&batch->bytes, record->tail);
    }
    batch->records++;
    batch->fin = 0;
}

static void add_waiter(struct log_batch *batch, const struct log_waiter *waiter)
{
    buf_append(&batch->waiters, span_make(waiter, sizeof *waiter));
}

/* --- what the caller does --------------------------------------------------------------------- */

bool store_log_publish(struct store_log *log, uint32_t topic, const struct record_message *messages,
                       uint32_t count, uint64_t ticket)
{
    struct log_batch *batch = &log->pending;
    struct log_topic *to = log_find_topic(log, topic);
    size_t size = RECORD_HEAD_MAX;
    for (uint32_t i = 0; i < count; i++) {
        size += RECORD_MESSAGE_HEAD + messages[i].body.n;
    }
    if (log->phase != PHASE_RUNNING || log->health != DISK_DONE || to == NULL || count == 0 ||
        size > FRAME_PAYLOAD_MAX / 2 ||
        (batch->bytes.n > 0 && batch->bytes.n + size > log->options.most_pending)) {
        return false;
    }
    /* The tail is written below, so it has a size but no bytes yet. */
    struct record record = {.type = RECORD_PUB,
                            .topic = topic,
                            .seq = to->last + 1,
                            .count = count,
                            .tail = span_make(NULL, size - RECORD_HEAD_MAX)};
    log_batch_add(batch, &record);
    for (uint32_t i = 0; i < count; i++) {
        record_write_message(&messages[i], buf_room(&batch->bytes, RECORD_MESSAGE_HEAD));
        buf_grew(&batch->bytes, RECORD_MESSAGE_HEAD);
        if (messages[i].body.n > 0) {
            buf_append(&batch->bytes, messages[i].body);
        }
    }
    to->last += count;
    batch->messages += count;
    batch->urgent = true;
    add_waiter(batch, &(struct log_waiter){ticket, topic, record.seq, to->last});
    return true;
}

#define FIN_HEAD 16 /* bytes of a record FIN without its rows */

/* Adds a seq to the record FIN that is the last one of the batch. */
static void extend_fin(struct log_batch *batch, uint64_t seq)
{
    uint8_t row[RECORD_SEQ_SIZE];
    be64_store(row, seq);
    buf_append(&batch->bytes, span_make(row, sizeof row));
    size_t rows = batch->bytes.n - batch->fin - FIN_HEAD;
    struct record record = {.type = RECORD_FIN,
                            .channel = batch->fin_channel,
                            .count = (uint32_t)(rows / RECORD_SEQ_SIZE),
                            .tail = span_make(NULL, rows)};
    uint8_t head[RECORD_HEAD_MAX];
    size_t n = record_write_head(&record, head);
    assert(n == FIN_HEAD);
    memcpy(batch->bytes.p + batch->bytes.head + batch->fin, head, n);
}

bool store_log_finish(struct store_log *log, uint32_t channel, uint64_t seq, int64_t now)
{
    struct log_batch *batch = &log->pending;
    bool full = log->health != DISK_DONE && batch->bytes.n > log->options.most_pending;
    if (log->phase != PHASE_RUNNING || full) {
        return false;
    }
    if (batch->fin != 0 && batch->fin_channel == channel) {
        extend_fin(batch, seq);
    } else {
        uint8_t row[RECORD_SEQ_SIZE];
        be64_store(row, seq);
        struct record record = {
            .type = RECORD_FIN, .channel = channel, .count = 1, .tail = span_make(row, sizeof row)};
        size_t at = batch->bytes.n == 0 ? FRAME_HEAD_SIZE : batch->bytes.n;
        log_batch_add(batch, &record);
        batch->fin = at;
        batch->fin_channel = channel;
    }
    log->fin_due = time_earlier(log->fin_due, time_after(now, STORE_FIN_DELAY));
    return true;
}

bool store_log_note(struct store_log *log, struct record *record, uint64_t ticket)
{
    assert(log->phase == PHASE_RUNNING);
    if ((record->type == RECORD_TOPIC_NEW && log->last_topic >= RECORD_NUMBER_MAX) ||
        (record->type == RECORD_CHANNEL_NEW && log->last_channel >= RECORD_NUMBER_MAX)) {
        return false;
    }
    if (record->type == RECORD_TOPIC_NEW) {
        record->topic = ++log->last_topic;
        log_add_topic(log, record->topic);
    } else if (record->type == RECORD_CHANNEL_NEW) {
        record->channel = ++log->last_channel;
    } else if (record->type == RECORD_TOPIC_DELETED) {
        log_remove_topic(log, record->topic);
    }
    assert(record->topic <= RECORD_NUMBER_MAX && record->channel <= RECORD_NUMBER_MAX);
    log_batch_add(&log->pending, record);
    log->pending.urgent = true;
    log->pending.clean = log->pending.clean || record->type == RECORD_CLEAN;
    if (ticket != 0) {
        add_waiter(&log->pending, &(struct log_waiter){.ticket = ticket});
    }
    return true;
}

/* --- requests and events ---------------------------------------------------------------------- */

const struct disk_op *store_log_next_op(struct store_log *log, int64_t now, int64_t wall)
{
    if (log->step != STEP_NONE) {
        return NULL;
    }
    bool asked = log->phase == PHASE_RUNNING ? log_write_op(log, now, wall) : log_recover_op(log);
    return asked ? &log->op : NULL;
}

void store_log_answer(struct store_log *log, const struct disk_result *result, int64_t now)
{
    assert(log->step != STEP_NONE);
    if (log->phase == PHASE_RUNNING) {
        log_write_answer(log, result->reason, now);
    } else {
        log_recover_answer(log, result);
    }
}

void log_add_event(struct store_log *log, const struct store_event *event)
{
    buf_append(&log->events, span_make(event, sizeof *event));
}

bool store_log_next_event(struct store_log *log, struct store_event *event)
{
    if (log->events.n == 0) {
        return log_recover_step(log, event);
    }
    memcpy(event, buf_span(&log->events).p, sizeof *event);
    buf_drop(&log->events, sizeof *event);
    return true;
}

bool store_log_is_idle(const struct store_log *log)
{
    return log->phase == PHASE_RUNNING && log->step == STEP_NONE && log->pending.bytes.n == 0 &&
           log->again.bytes.n == 0;
}

int64_t store_log_next_due(const struct store_log *log)
{
    if (log->phase != PHASE_RUNNING) {
        return log->phase == PHASE_FAILED || log->step != STEP_NONE ? TIME_NEVER : TIME_PAST;
    }
    if (log->step != STEP_NONE) {
        return TIME_NEVER;
    }
    if (log->todo != STEP_NONE) {
        return TIME_PAST;
    }
    if (log->health != DISK_DONE) {
        return log->retry_at;
    }
    return log_has_frame(log, TIME_PAST) ? TIME_PAST : time_earlier(log->fin_due, log->sync_due);
}
