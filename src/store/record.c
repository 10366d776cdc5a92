/* SPDX-License-Identifier: MIT */
/*
 * Reads and writes records. Each layout is one row of a table, which the parser and the writer use
 * both. Must not know what is done with a record.
 */
#include "store/record.h"

#include <assert.h>

#define HEAD_SIZE 8 /* type, kind, length */
#define FIELDS_MAX 4

/* The fields of struct record that can be on the wire. */
enum field { NO_FIELD, TOPIC, CHANNEL, COUNT, SEQ, FLOWED, SEGMENT, CLOCK, DUE, ATTEMPTS, FLAG };

static const struct {
    uint8_t size;
    uint8_t offset; /* in struct record */
} fields[] = {
#define FIELD(member)                                                                              \
    {                                                                                              \
        sizeof(((struct record *)0)->member), offsetof(struct record, member)                      \
    }
    [TOPIC] = FIELD(topic), [CHANNEL] = FIELD(channel), [COUNT] = FIELD(count),
    [SEQ] = FIELD(seq),     [FLOWED] = FIELD(flowed),   [SEGMENT] = FIELD(segment),
    [CLOCK] = FIELD(clock), [DUE] = FIELD(due),         [ATTEMPTS] = FIELD(attempts),
    [FLAG] = FIELD(flag),
};

enum tail { NO_TAIL, NAME, ROWS, MESSAGES, KEPT };

struct layout {
    uint8_t fields[FIELDS_MAX + 1]; /* enum field; ends with NO_FIELD */
    uint8_t tail;                   /* enum tail */
    uint8_t row;                    /* bytes of a row; 0: there are no rows */
};

static const struct layout layouts[RECORD_TYPES] = {
    [RECORD_PUB] = {{TOPIC, SEQ, COUNT}, MESSAGES, 0},
    [RECORD_FIN] = {{CHANNEL, COUNT}, ROWS, RECORD_SEQ_SIZE},
    [RECORD_REQ] = {{CHANNEL, SEQ, ATTEMPTS, DUE}, NO_TAIL, 0},
    [RECORD_TOPIC_NEW] = {{TOPIC}, NAME, 0},
    [RECORD_TOPIC_DELETED] = {{TOPIC}, NO_TAIL, 0},
    [RECORD_CHANNEL_NEW] = {{CHANNEL, TOPIC, SEQ}, NAME, 0},
    [RECORD_CHANNEL_DELETED] = {{CHANNEL}, NO_TAIL, 0},
    [RECORD_EMPTIED] = {{TOPIC, CHANNEL, SEQ}, NO_TAIL, 0},
    [RECORD_PAUSED] = {{TOPIC, CHANNEL, FLAG, FLOWED}, NO_TAIL, 0},
    [RECORD_KEEP] = {{TOPIC, SEQ, COUNT}, KEPT, 14},
    [RECORD_CHECKPOINT_BEGIN] = {{CLOCK, TOPIC, CHANNEL, COUNT}, NO_TAIL, 0},
    [RECORD_CHECKPOINT_END] = {{COUNT}, NO_TAIL, 0},
    [RECORD_FOOTER] = {{COUNT}, ROWS, 24},
    [RECORD_CLEAN] = {{CLOCK}, NO_TAIL, 0},
};

static const struct layout parts[RECORD_PARTS] = {
    [PART_TOPIC] = {{TOPIC, SEQ, FLOWED, FLAG}, NAME, 0},
    [PART_CHANNEL] = {{CHANNEL, TOPIC, SEQ, FLAG}, NAME, 0},
    [PART_FINISHED] = {{CHANNEL, COUNT}, ROWS, 16},
    [PART_EXCEPTIONS] = {{CHANNEL, COUNT}, ROWS, 18},
    [PART_SEGMENT] = {{SEGMENT, COUNT}, ROWS, 28},
};

/* Returns the layout of this type and kind, or NULL when there is no such record. */
static const struct layout *layout_of(uint16_t type, uint16_t kind)
{
    if (type == RECORD_CHECKPOINT_PART) {
        return kind > 0 && kind < RECORD_PARTS ? &parts[kind] : NULL;
    }
    return type > 0 && type < RECORD_TYPES && kind == 0 ? &layouts[type] : NULL;
}

static size_t fields_size(const struct layout *layout)
{
    size_t n = 0;
    for (const uint8_t *f = layout->fields; *f != NO_FIELD; f++) {
        n += fields[*f].size;
    }
    return n;
}

/* --- reading ---------------------------------------------------------------------------------- */

static void load_field(struct record *record, unsigned field, const uint8_t *p)
{
    void *to = (char *)record + fields[field].offset;
    if (fields[field].size == sizeof(uint16_t)) {
        *(uint16_t *)to = be16_load(p);
    } else if (fields[field].size == sizeof(uint32_t)) {
        *(uint32_t *)to = be32_load(p);
    } else {
        *(uint64_t *)to = be64_load(p);
    }
}

enum parsed record_next_message(struct span *tail, struct record_message *message)
{
    if (tail->n < RECORD_MESSAGE_HEAD) {
        return PARSED_CUT;
    }
    uint32_t size = be32_load(tail->p);
    struct span rest = span_skip(*tail, RECORD_MESSAGE_HEAD);
    if (rest.n < size) {
        return PARSED_CUT;
    }
    *message = (struct record_message){
        .id = be64_load(tail->p + 4),
        .timestamp = (int64_t)be64_load(tail->p + 12),
        .delay = (int64_t)be64_load(tail->p + 20),
        .body = span_first(rest, size),
    };
    *tail = span_skip(rest, size);
    return PARSED_VALID;
}

/* Takes n messages from the tail. Returns false when there are fewer. The tail gets shorter by at
 * least RECORD_MESSAGE_HEAD bytes for each message, so a large n costs no time. */
static bool skip_messages(struct span *tail, uint32_t n)
{
    struct record_message message;
    while (n > 0 && record_next_message(tail, &message) == PARSED_VALID) {
        n--;
    }
    return n == 0;
}

/* Checks that the tail has the contents that the layout says. */
static enum parsed check_tail(const struct layout *layout, const struct record *record)
{
    struct span tail = record->tail;
    if (layout->tail == NAME) {
        return tail.n > 0 && tail.n <= RECORD_NAME_MAX ? PARSED_VALID : WRONG_FIELD;
    }
    uint32_t messages = layout->tail == MESSAGES ? record->count : layout->tail == KEPT ? 1 : 0;
    if (!skip_messages(&tail, messages)) {
        return WRONG_LENGTH;
    }
    uint64_t rows = layout->row == 0 ? 0 : record->count;
    return tail.n == rows * layout->row ? PARSED_VALID : WRONG_LENGTH;
}

enum parsed record_parse(struct span in, struct record *record, size_t *consumed)
{
    if (in.n < HEAD_SIZE) {
        return PARSED_CUT;
    }
    uint16_t type = be16_load(in.p);
    uint16_t kind = be16_load(in.p + 2);
    uint32_t length = be32_load(in.p + 4);
    const struct layout *layout = layout_of(type, kind);
    if (layout == NULL) {
        return WRONG_TYPE;
    }
    size_t fixed = fields_size(layout);
    if (length < fixed || length > FRAME_PAYLOAD_MAX) {
        return WRONG_LENGTH;
    }
    struct span rest = span_skip(in, HEAD_SIZE);
    if (rest.n < length) {
        return PARSED_CUT;
    }
    struct record found = {.type = (enum record_type)type, .kind = kind};
    const uint8_t *p = rest.p;
    for (const uint8_t *f = layout->fields; *f != NO_FIELD; f++) {
        load_field(&found, *f, p);
        p += fields[*f].size;
    }
    found.tail = span_make(p, length - fixed);
    if (found.flag > 1 || found.topic > RECORD_NUMBER_MAX || found.channel > RECORD_NUMBER_MAX ||
        found.seq > UINT64_MAX - found.count) {
        return WRONG_FIELD;
    }
    enum parsed parsed = check_tail(layout, &found);
    if (parsed == PARSED_VALID) {
        *record = found;
        *consumed = HEAD_SIZE + (size_t)length;
    }
    return parsed;
}

/* --- writing ---------------------------------------------------------------------------------- */

static void store_field(const struct record *record, unsigned field, uint8_t *p)
{
    const void *from = (const char *)record + fields[field].offset;
    if (fields[field].size == sizeof(uint16_t)) {
        be16_store(p, *(const uint16_t *)from);
    } else if (fields[field].size == sizeof(uint32_t)) {
        be32_store(p, *(const uint32_t *)from);
    } else {
        be64_store(p, *(const uint64_t *)from);
    }
}

size_t record_write_head(const struct record *record, uint8_t out[RECORD_HEAD_MAX])
{
    const struct layout *layout = layout_of((uint16_t)record->type, record->kind);
    assert(layout != NULL && record->tail.n <= FRAME_PAYLOAD_MAX - RECORD_HEAD_MAX);
    size_t fixed = fields_size(layout);
    assert(HEAD_SIZE + fixed <= RECORD_HEAD_MAX);
    be16_store(out, (uint16_t)record->type);
    be16_store(out + 2, record->kind);
    be32_store(out + 4, (uint32_t)(fixed + record->tail.n));
    uint8_t *p = out + HEAD_SIZE;
    for (const uint8_t *f = layout->fields; *f != NO_FIELD; f++) {
        store_field(record, *f, p);
        p += fields[*f].size;
    }
    return HEAD_SIZE + fixed;
}

void record_write_message(const struct record_message *message, uint8_t out[RECORD_MESSAGE_HEAD])
{
    assert(message->body.n <= FRAME_PAYLOAD_MAX);
    be32_store(out, (uint32_t)message->body.n);
    be64_store(out + 4, message->id);
    be64_store(out + 12, (uint64_t)message->timestamp);
    be64_store(out + 20, (uint64_t)message->delay);
}
