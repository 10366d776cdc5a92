/* SPDX-License-Identifier: MIT */
/*
 * Implements nsq/lookup.h: the parser of commands, the encoders, and replies. Must not know what is
 * registered, nor what a body means. Allocates nothing.
 */
#include <nsq/lookup.h>

#include <nsq/command.h>
#include <nsq/name.h>

#include "proto/text.h"

static const struct span names[] = {
    [NSQ_LOOKUP_UNKNOWN] = {NULL, 0},
    [NSQ_LOOKUP_PING] = SPAN_LITERAL("PING"),
    [NSQ_LOOKUP_IDENTIFY] = SPAN_LITERAL("IDENTIFY"),
    [NSQ_LOOKUP_REGISTER] = SPAN_LITERAL("REGISTER"),
    [NSQ_LOOKUP_UNREGISTER] = SPAN_LITERAL("UNREGISTER"),
};

_Static_assert(sizeof names / sizeof names[0] == NSQ_LOOKUP_ID_COUNT, "one name for each command");

struct span nsq_lookup_name(enum nsq_lookup_id id)
{
    return names[id];
}

static enum nsq_lookup_id find(struct span name)
{
    for (int id = NSQ_LOOKUP_UNKNOWN + 1; id < NSQ_LOOKUP_ID_COUNT; id++) {
        if (span_equal(name, names[id])) {
            return (enum nsq_lookup_id)id;
        }
    }
    return NSQ_LOOKUP_UNKNOWN;
}

/* --- parsing of commands ---------------------------------------------------------------------- */

static struct span trim(struct span line)
{
    size_t n;
    while ((n = nsq_space_size(line, false)) > 0) {
        line = span_skip(line, n);
    }
    while ((n = nsq_space_size(line, true)) > 0) {
        line.n -= n;
    }
    return line;
}

void nsq_lookup_split(struct span line, struct nsq_lookup_command *command)
{
    struct nsq_command words;
    nsq_command_split(trim(line), &words);
    command->id = find(words.name);
    command->name = words.name;
    command->topic = words.param[0];
    command->channel = words.param[1];
    command->params = words.params;
    command->line = words.line;
}

static enum nsq_parse bad(struct nsq_lookup_item *item, enum nsq_lookup_why why, int64_t value,
                          int64_t limit)
{
    item->error.why = why;
    item->error.value = value;
    item->error.limit = limit;
    return NSQ_BAD;
}

static enum nsq_parse parse_line(struct nsq_lookup_place *place, size_t max_line, struct span in,
                                 struct nsq_lookup_item *item)
{
    struct span window = span_first(in, max_line);
    struct span fresh = span_skip(window, span_first(window, place->scanned).n);
    const uint8_t *end = fresh.n == 0 ? NULL : memchr(fresh.p, '\n', fresh.n);
    if (end == NULL && in.n >= max_line) {
        return bad(item, NSQ_LOOKUP_LINE_TOO_LONG, 0, (int64_t)max_line);
    }
    if (end == NULL) {
        place->scanned = in.n;
        return NSQ_MORE;
    }
    item->consumed = (size_t)(end - in.p) + 1;
    nsq_lookup_split(span_first(in, item->consumed), &item->command);
    place->scanned = 0;
    if (item->command.id == NSQ_LOOKUP_IDENTIFY) {
        place->stage = NSQ_LOOKUP_STAGE_BODY;
    }
    return NSQ_OK;
}

static enum nsq_parse parse_body(struct nsq_lookup_place *place, int64_t max_body, struct span in,
                                 struct nsq_lookup_item *item)
{
    if (in.n < NSQ_SIZE_SIZE) {
        return NSQ_MORE;
    }
    int64_t size = (int32_t)be32_load(in.p);
    if (size < 0) {
        return bad(item, NSQ_LOOKUP_BAD_SIZE, size, max_body);
    }
    if (size > max_body) {
        return bad(item, NSQ_LOOKUP_BODY_TOO_BIG, size, max_body);
    }
    struct span rest = span_skip(in, NSQ_SIZE_SIZE);
    if (rest.n < (size_t)size) {
        return NSQ_MORE;
    }
    item->body = span_first(rest, (size_t)size);
    item->consumed = NSQ_SIZE_SIZE + (size_t)size;
    place->stage = NSQ_LOOKUP_STAGE_LINE;
    return NSQ_OK;
}

enum nsq_parse nsq_lookup_parse(struct nsq_lookup_place *place,
                                const struct nsq_lookup_limits *limits, struct span in,
                                struct nsq_lookup_item *item)
{
    *item = (struct nsq_lookup_item){.stage = place->stage};
    if (place->stage == NSQ_LOOKUP_STAGE_LINE) {
        return parse_line(place, limits->max_line, in, item);
    }
    return parse_body(place, limits->max_body, in, item);
}

struct nsq_lookup_error nsq_lookup_check(const struct nsq_lookup_command *command)
{
    struct nsq_lookup_error error = {.id = command->id};
    if (command->id == NSQ_LOOKUP_UNKNOWN) {
        error.why = NSQ_LOOKUP_BAD_COMMAND;
        error.text = command->name;
    } else if (command->id == NSQ_LOOKUP_PING || command->id == NSQ_LOOKUP_IDENTIFY) {
        error.why = NSQ_LOOKUP_NO_ERROR; /* their parameters are ignored */
    } else if (command->params == 0) {
        error.why = NSQ_LOOKUP_NO_TOPIC;
    } else if (!nsq_name_valid(command->topic)) {
        error.why = NSQ_LOOKUP_BAD_TOPIC;
        error.text = command->topic;
    } else if (command->channel.n > 0 && !nsq_name_valid(command->channel)) {
        error.why = NSQ_LOOKUP_BAD_CHANNEL;
        error.text = command->channel;
    }
    return error;
}

struct nsq_lookup_error nsq_lookup_cut_off(const struct nsq_lookup_place *place, struct span in)
{
    struct nsq_lookup_error error = {.why = NSQ_LOOKUP_NO_ERROR};
    if (place->stage == NSQ_LOOKUP_STAGE_BODY) {
        error.why = in.n < NSQ_SIZE_SIZE ? NSQ_LOOKUP_SIZE_CUT_OFF : NSQ_LOOKUP_BODY_CUT_OFF;
    }
    return error;
}

/* --- encoders and replies --------------------------------------------------------------------- */

size_t nsq_lookup_line_encode(enum nsq_lookup_id id, struct span topic, struct span channel,
                              uint8_t *out, size_t room)
{
    const struct span words[] = {names[id], topic, channel};
    size_t with_topic = channel.n == 0 ? 2 : 3;
    return nsq_line_encode(words, topic.n == 0 ? 1 : with_topic, out, room);
}

size_t nsq_lookup_identify_encode(struct span body, uint8_t *out, size_t room)
{
    const struct span *name = &names[NSQ_LOOKUP_IDENTIFY];
    size_t line = nsq_line_encode(name, 1, NULL, 0), rest = nsq_body_encode(body, NULL, 0);
    if (rest > 0 && line + rest <= room) {
        nsq_line_encode(name, 1, out, line);
        nsq_body_encode(body, out + line, rest);
    }
    return rest == 0 ? 0 : line + rest;
}

size_t nsq_lookup_reply_encode(struct span data, uint8_t *out, size_t room)
{
    return nsq_body_encode(data, out, room);
}

enum nsq_parse nsq_lookup_reply_parse(struct span in, size_t max_data, struct span *data,
                                      size_t *consumed)
{
    if (in.n < NSQ_SIZE_SIZE) {
        return NSQ_MORE;
    }
    uint32_t size = be32_load(in.p);
    if (size > INT32_MAX || size > max_data) {
        return NSQ_BAD;
    }
    if (in.n - NSQ_SIZE_SIZE < size) {
        return NSQ_MORE;
    }
    *data = span_make(in.p + NSQ_SIZE_SIZE, size);
    *consumed = NSQ_SIZE_SIZE + (size_t)size;
    return NSQ_OK;
}
