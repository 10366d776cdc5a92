/* SPDX-License-Identifier: MIT */
/*
 * Implements nsq/diskqueue.h: records, when a file is full, and the names of files. Must not know
 * how files are read and written. Allocates nothing.
 */
#include <nsq/diskqueue.h>

#include <nsq/command.h>
#include <nsq/name.h>

#include "proto/text.h"

static const struct span texts[] = {
    [NSQ_DISKQUEUE_NO_ERROR] = {NULL, 0},
    [NSQ_DISKQUEUE_TOO_SMALL] = SPAN_LITERAL("size too small"),
    [NSQ_DISKQUEUE_TOO_BIG] = SPAN_LITERAL("size too big"),
    [NSQ_DISKQUEUE_BAD_ID] = SPAN_LITERAL("bad id"),
    [NSQ_DISKQUEUE_CUT_OFF] = SPAN_LITERAL("cut off"),
    [NSQ_DISKQUEUE_NO_NUMBER] = SPAN_LITERAL("no number"),
    [NSQ_DISKQUEUE_OUT_OF_RANGE] = SPAN_LITERAL("number out of range"),
    [NSQ_DISKQUEUE_NO_COMMA] = SPAN_LITERAL("no comma"),
    [NSQ_DISKQUEUE_NO_NEWLINE] = SPAN_LITERAL("no newline"),
};

_Static_assert(sizeof texts / sizeof texts[0] == NSQ_DISKQUEUE_WHY_COUNT, "one text for each");

struct span nsq_diskqueue_why_text(enum nsq_diskqueue_why why)
{
    return texts[why];
}

/* --- records ---------------------------------------------------------------------------------- */

_Static_assert(NSQ_DISKQUEUE_HEADER_SIZE == NSQ_SIZE_SIZE + NSQ_MESSAGE_HEADER_SIZE, "format");

static enum nsq_parse bad(struct nsq_diskqueue_record *record, enum nsq_diskqueue_why why)
{
    record->why = why;
    return NSQ_BAD;
}

static bool is_hex(const uint8_t id[NSQ_MESSAGE_ID_SIZE])
{
    bool hex = true;
    for (size_t i = 0; i < NSQ_MESSAGE_ID_SIZE && hex; i++) {
        hex = (id[i] >= '0' && id[i] <= '9') || (id[i] >= 'a' && id[i] <= 'f');
    }
    return hex;
}

enum nsq_parse nsq_diskqueue_record_parse(struct span in, size_t max_body,
                                          struct nsq_diskqueue_record *record)
{
    *record = (struct nsq_diskqueue_record){.why = NSQ_DISKQUEUE_NO_ERROR};
    if (in.n < NSQ_SIZE_SIZE) {
        return NSQ_MORE;
    }
    record->size = (int32_t)be32_load(in.p);
    if (record->size < NSQ_MESSAGE_HEADER_SIZE) {
        return bad(record, NSQ_DISKQUEUE_TOO_SMALL);
    }
    size_t size = (size_t)record->size;
    if (size - NSQ_MESSAGE_HEADER_SIZE > max_body) {
        return bad(record, NSQ_DISKQUEUE_TOO_BIG);
    }
    if (in.n - NSQ_SIZE_SIZE < size) {
        return NSQ_MORE;
    }
    record->consumed = NSQ_SIZE_SIZE + size;
    nsq_message_parse(span_make(in.p + NSQ_SIZE_SIZE, size), &record->message);
    return is_hex(record->message.id) ? NSQ_OK : bad(record, NSQ_DISKQUEUE_BAD_ID);
}

size_t nsq_diskqueue_record_encode(const struct nsq_message *message, uint8_t *out, size_t room)
{
    struct span body = message->body;
    if (body.n > NSQ_DISKQUEUE_BODY_MAX) {
        return 0;
    }
    size_t size = NSQ_DISKQUEUE_HEADER_SIZE + body.n;
    if (size <= room) {
        be32_store(out, (uint32_t)(size - NSQ_SIZE_SIZE));
        nsq_message_header(out + NSQ_SIZE_SIZE, message);
        if (body.n > 0) {
            memcpy(out + NSQ_DISKQUEUE_HEADER_SIZE, body.p, body.n);
        }
    }
    return size;
}

bool nsq_diskqueue_rolls(int64_t write_pos, size_t record_size, int64_t max_bytes)
{
    int64_t size = (int64_t)record_size;
    return write_pos > 0 && (max_bytes < size || write_pos > max_bytes - size);
}

/* --- names of files --------------------------------------------------------------------------- */

#define DIGITS_LEAST 6 /* of the number of a file */

static const struct span infix = SPAN_LITERAL(".diskqueue.");

/* The ends of the names. Before the end of a data file and of a bad one, there is a number. */
static const struct span ends[] = {
    [NSQ_DISKQUEUE_META] = SPAN_LITERAL("meta.dat"),
    [NSQ_DISKQUEUE_DATA] = SPAN_LITERAL(".dat"),
    [NSQ_DISKQUEUE_BAD] = SPAN_LITERAL(".dat.bad"),
};

/* Removes `end` from the end of the text. Returns false if it is not there. */
static bool take_end(struct span *text, struct span end)
{
    if (text->n < end.n || !span_equal(span_skip(*text, text->n - end.n), end)) {
        return false;
    }
    text->n -= end.n;
    return true;
}

/* Removes all bytes after the last '.' of the text. */
static struct span take_last_part(struct span *text)
{
    size_t n = text->n;
    while (n > 0 && text->p[n - 1] != '.') {
        n--;
    }
    struct span part = span_skip(*text, n);
    text->n = n;
    return part;
}

/* Reads a number as Go's "%06d" prints it. Such a number has at most 19 digits, so its value is
 * below 2^64. */
static bool read_number(struct span digits, int64_t *number)
{
    uint64_t value;
    if (digits.n < DIGITS_LEAST || digits.n >= NSQ_DECIMAL_MAX ||
        (digits.n > DIGITS_LEAST && digits.p[0] == '0') || !nsq_decimal_parse(digits, &value) ||
        value > INT64_MAX) {
        return false;
    }
    *number = (int64_t)value;
    return true;
}

/* Whether a queue of these names has files. */
static bool has_files(struct span topic, struct span channel)
{
    return nsq_name_valid(topic) && (channel.n == 0 || nsq_name_valid(channel)) &&
           !nsq_name_ephemeral(channel.n == 0 ? topic : channel);
}

/* Splits TOPIC or TOPIC:CHANNEL. */
static bool split(struct span queue, struct nsq_diskqueue_file *file)
{
    const uint8_t *colon = queue.n == 0 ? NULL : memchr(queue.p, ':', queue.n);
    size_t topic = colon == NULL ? queue.n : (size_t)(colon - queue.p);
    file->topic = span_first(queue, topic);
    file->channel = span_skip(queue, colon == NULL ? topic : topic + 1);
    return (colon == NULL || file->channel.n > 0) && has_files(file->topic, file->channel);
}

bool nsq_diskqueue_name_parse(struct span name, struct nsq_diskqueue_file *file)
{
    struct nsq_diskqueue_file found = {.kind = NSQ_DISKQUEUE_META};
    while (!take_end(&name, ends[found.kind])) {
        if (found.kind == NSQ_DISKQUEUE_BAD) {
            return false;
        }
        found.kind = (enum nsq_diskqueue_kind)(found.kind + 1);
    }
    if ((found.kind != NSQ_DISKQUEUE_META && !read_number(take_last_part(&name), &found.number)) ||
        !take_end(&name, infix) || !split(name, &found)) {
        return false;
    }
    *file = found;
    return true;
}

/* Writes the number with at least 6 digits at the end of `digits`, and returns it. */
static struct span write_number(int64_t number, uint8_t digits[NSQ_DECIMAL_MAX])
{
    struct span text = nsq_decimal_write(number, digits);
    while (text.n < DIGITS_LEAST) {
        size_t at = NSQ_DECIMAL_MAX - text.n - 1;
        digits[at] = '0';
        text = span_make(digits + at, text.n + 1);
    }
    return text;
}

size_t nsq_diskqueue_name_encode(const struct nsq_diskqueue_file *file, uint8_t *out, size_t room)
{
    uint8_t digits[NSQ_DECIMAL_MAX];
    bool numbered = file->kind != NSQ_DISKQUEUE_META;
    if (!has_files(file->topic, file->channel) || (numbered && file->number < 0)) {
        return 0;
    }
    const struct span none = {NULL, 0};
    const struct span parts[] = {file->topic,
                                 file->channel.n == 0 ? none : SPAN(":"),
                                 file->channel,
                                 infix,
                                 numbered ? write_number(file->number, digits) : none,
                                 ends[file->kind]};
    uint8_t name[NSQ_DISKQUEUE_NAME_MAX];
    size_t size = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i].n > 0) {
            memcpy(name + size, parts[i].p, parts[i].n);
            size += parts[i].n;
        }
    }
    if (size <= room) {
        memcpy(out, name, size);
    }
    return size;
}
