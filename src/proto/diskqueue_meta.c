/* SPDX-License-Identifier: MIT */
/*
 * Implements the meta file of nsq/diskqueue.h. Must not know what its numbers mean. Allocates
 * nothing.
 */
#include <nsq/diskqueue.h>

#include "proto/text.h"

/* The byte after each number. */
static const uint8_t separators[NSQ_DISKQUEUE_FIELD_COUNT] = {'\n', ',', '\n', ',', '\n'};

/* Skips white space, but no newline. */
static struct span skip_blanks(struct span text)
{
    size_t n;
    while (text.n > 0 && text.p[0] != '\n' && (n = nsq_space_size(text, false)) > 0) {
        text = span_skip(text, n);
    }
    return text;
}

static bool begins_with_digit(struct span text)
{
    return text.n > 0 && text.p[0] >= '0' && text.p[0] <= '9';
}

/* Skips the digits and adds them to `*number`. Returns false if the number does not fit into an
 * int64. */
static bool read_digits(struct span *text, bool negative, int64_t *number)
{
    const uint64_t most = (uint64_t)INT64_MAX + negative;
    uint64_t value = 0;
    bool fits = true;
    for (; begins_with_digit(*text); *text = span_skip(*text, 1)) {
        uint64_t digit = (uint64_t)(text->p[0] - '0');
        fits = fits && value <= (most - digit) / 10;
        value = 10 * value + digit;
    }
    *number = (int64_t)(negative ? 0 - value : value);
    return fits;
}

static enum nsq_diskqueue_why read_number(struct span *text, int64_t *number)
{
    struct span rest = *text;
    bool sign = rest.n > 0 && (rest.p[0] == '-' || rest.p[0] == '+');
    bool negative = sign && rest.p[0] == '-';
    rest = span_skip(rest, sign);
    if (!begins_with_digit(rest)) {
        *text = rest;
        return rest.n == 0 ? NSQ_DISKQUEUE_CUT_OFF : NSQ_DISKQUEUE_NO_NUMBER;
    }
    if (!read_digits(&rest, negative, number)) {
        return NSQ_DISKQUEUE_OUT_OF_RANGE;
    }
    *text = rest;
    return NSQ_DISKQUEUE_NO_ERROR;
}

/* Reads what stands behind a number. The end of the text is as good as a newline. */
static enum nsq_diskqueue_why read_separator(struct span *text, uint8_t separator)
{
    if (separator == '\n') {
        *text = skip_blanks(*text);
    }
    if (text->n == 0) {
        return separator == '\n' ? NSQ_DISKQUEUE_NO_ERROR : NSQ_DISKQUEUE_CUT_OFF;
    }
    if (text->p[0] != separator) {
        return separator == '\n' ? NSQ_DISKQUEUE_NO_NEWLINE : NSQ_DISKQUEUE_NO_COMMA;
    }
    *text = span_skip(*text, 1);
    return NSQ_DISKQUEUE_NO_ERROR;
}

enum nsq_parse nsq_diskqueue_meta_parse(struct span text, struct nsq_diskqueue_meta *meta,
                                        struct nsq_diskqueue_meta_error *error)
{
    int64_t numbers[NSQ_DISKQUEUE_FIELD_COUNT];
    struct span rest = text;
    *error = (struct nsq_diskqueue_meta_error){.why = NSQ_DISKQUEUE_NO_ERROR};
    for (int i = 0; i < NSQ_DISKQUEUE_FIELD_COUNT; i++) {
        rest = skip_blanks(rest);
        error->field = (enum nsq_diskqueue_field)i;
        error->why = read_number(&rest, &numbers[i]);
        if (error->why == NSQ_DISKQUEUE_NO_ERROR) {
            error->why = read_separator(&rest, separators[i]);
        }
        if (error->why != NSQ_DISKQUEUE_NO_ERROR) {
            error->offset = text.n - rest.n;
            return NSQ_BAD;
        }
    }
    *error = (struct nsq_diskqueue_meta_error){.why = NSQ_DISKQUEUE_NO_ERROR};
    *meta = (struct nsq_diskqueue_meta){numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]};
    return NSQ_OK;
}

size_t nsq_diskqueue_meta_encode(const struct nsq_diskqueue_meta *meta, uint8_t *out, size_t room)
{
    const int64_t numbers[NSQ_DISKQUEUE_FIELD_COUNT] = {
        meta->depth, meta->read_file, meta->read_pos, meta->write_file, meta->write_pos};
    uint8_t text[NSQ_DISKQUEUE_META_MAX];
    size_t size = 0;
    for (size_t i = 0; i < NSQ_DISKQUEUE_FIELD_COUNT; i++) {
        uint8_t digits[NSQ_DECIMAL_MAX];
        struct span number = nsq_decimal_write(numbers[i], digits);
        memcpy(text + size, number.p, number.n);
        size += number.n;
        text[size++] = separators[i];
    }
    if (size <= room) {
        memcpy(out, text, size);
    }
    return size;
}
