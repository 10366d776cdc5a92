/* SPDX-License-Identifier: MIT */
/*
 * Implements nsq/command.h: the table of commands, the parser, the encoders. Must not know whether
 * a command is allowed, nor what its parameters and its body mean. Allocates nothing.
 */
#include <nsq/command.h>

static const struct nsq_command_row rows[] = {
    [NSQ_UNKNOWN] = {{NULL, 0}, 0, NSQ_BODY_NONE},
    [NSQ_IDENTIFY] = {SPAN_LITERAL("IDENTIFY"), 0, NSQ_BODY_DATA},
    [NSQ_AUTH] = {SPAN_LITERAL("AUTH"), 0, NSQ_BODY_DATA},
    [NSQ_SUB] = {SPAN_LITERAL("SUB"), 2, NSQ_BODY_NONE},
    [NSQ_PUB] = {SPAN_LITERAL("PUB"), 1, NSQ_BODY_MESSAGE},
    [NSQ_MPUB] = {SPAN_LITERAL("MPUB"), 1, NSQ_BODY_MESSAGES},
    [NSQ_DPUB] = {SPAN_LITERAL("DPUB"), 2, NSQ_BODY_MESSAGE},
    [NSQ_RDY] = {SPAN_LITERAL("RDY"), 0, NSQ_BODY_NONE},
    [NSQ_FIN] = {SPAN_LITERAL("FIN"), 1, NSQ_BODY_NONE},
    [NSQ_REQ] = {SPAN_LITERAL("REQ"), 2, NSQ_BODY_NONE},
    [NSQ_TOUCH] = {SPAN_LITERAL("TOUCH"), 1, NSQ_BODY_NONE},
    [NSQ_CLS] = {SPAN_LITERAL("CLS"), 0, NSQ_BODY_NONE},
    [NSQ_NOP] = {SPAN_LITERAL("NOP"), 0, NSQ_BODY_NONE},
};

_Static_assert(sizeof rows / sizeof rows[0] == NSQ_COMMAND_COUNT, "one row for each command");

const struct nsq_command_row *nsq_command_row(enum nsq_command_id id)
{
    return &rows[id];
}

enum nsq_command_id nsq_command_find(struct span name)
{
    for (int id = NSQ_UNKNOWN + 1; id < NSQ_COMMAND_COUNT; id++) {
        struct span word = rows[id].name;
        /* Most names differ in the first letter. For them memcmp is not called. */
        if (name.n == word.n && name.p[0] == word.p[0] && memcmp(name.p, word.p, word.n) == 0) {
            return (enum nsq_command_id)id;
        }
    }
    return NSQ_UNKNOWN;
}

/* An item in which all fields are zero. Assigning this constant is faster than assigning a compound
 * literal. For the literal, gcc writes a string instruction, which needs half the time of the
 * parser. */
static const struct nsq_item nothing;

/* Moves the bytes before the first space from `*rest` to `*word`, and removes the space. Returns
 * false if there is no space. In this case the word is all of `*rest` and is the last word. */
static bool next_word(struct span *rest, struct span *word)
{
    const uint8_t *space = rest->n == 0 ? NULL : memchr(rest->p, ' ', rest->n);
    if (space == NULL) {
        *word = *rest;
        return false;
    }
    *word = span_first(*rest, (size_t)(space - rest->p));
    *rest = span_skip(*rest, word->n + 1);
    return true;
}

void nsq_command_split(struct span line, struct nsq_command *command)
{
    *command = nothing.command;
    command->line = line;
    struct span rest = line;
    bool more = next_word(&rest, &command->name);
    while (more) {
        struct span word;
        more = next_word(&rest, &word);
        if (command->params < NSQ_PARAMS_MAX) {
            command->param[command->params] = word;
        }
        command->params++;
    }
    command->id = nsq_command_find(command->name);
}

/* Returns the stage that follows the line of the command. */
static enum nsq_stage stage_after_line(enum nsq_command_id id)
{
    return rows[id].body == NSQ_BODY_NONE ? NSQ_STAGE_LINE : NSQ_STAGE_SIZE;
}

static enum nsq_parse bad(struct nsq_item *item, enum nsq_bad why, int64_t limit)
{
    item->bad = why;
    item->limit = limit;
    return NSQ_BAD;
}

static enum nsq_parse parse_line(struct nsq_place *place, const struct nsq_limits *limits,
                                 struct span in, struct nsq_item *item)
{
    struct span window = span_first(in, limits->max_line);
    struct span fresh = span_skip(window, span_first(window, place->scanned).n);
    const uint8_t *end = fresh.n == 0 ? NULL : memchr(fresh.p, '\n', fresh.n);
    if (end == NULL && in.n >= limits->max_line) {
        return bad(item, NSQ_BAD_LINE_TOO_LONG, (int64_t)limits->max_line);
    }
    if (end == NULL) {
        place->scanned = in.n;
        return NSQ_MORE;
    }
    size_t n = (size_t)(end - in.p);
    item->consumed = n + 1;
    if (n > 0 && in.p[n - 1] == '\r') {
        n--;
    }
    nsq_command_split(span_first(in, n), &item->command);
    place->scanned = 0;
    place->id = item->command.id;
    place->stage = stage_after_line(place->id);
    item->last = place->stage == NSQ_STAGE_LINE;
    return NSQ_OK;
}

/* Reads a size or a count. */
static enum nsq_parse parse_number(struct span in, struct nsq_item *item)
{
    if (in.n < NSQ_SIZE_SIZE) {
        return NSQ_MORE;
    }
    item->value = (int32_t)be32_load(in.p);
    item->consumed = NSQ_SIZE_SIZE;
    return NSQ_OK;
}

static enum nsq_parse parse_size(struct nsq_place *place, int64_t limit, enum nsq_stage next,
                                 struct span in, struct nsq_item *item)
{
    enum nsq_parse got = parse_number(in, item);
    if (got != NSQ_OK) {
        return got;
    }
    if (item->value <= 0) {
        return bad(item, NSQ_BAD_SIZE_NOT_POSITIVE, limit);
    }
    if (item->value > limit) {
        return bad(item, NSQ_BAD_SIZE_TOO_BIG, limit);
    }
    place->left = (uint32_t)item->value;
    place->stage = next;
    return NSQ_OK;
}

static enum nsq_parse parse_body_size(struct nsq_place *place, const struct nsq_limits *limits,
                                      struct span in, struct nsq_item *item)
{
    switch (rows[place->id].body) {
    case NSQ_BODY_MESSAGE:
        return parse_size(place, limits->max_msg_size, NSQ_STAGE_BODY, in, item);
    case NSQ_BODY_MESSAGES:
        return parse_size(place, limits->max_body_size, NSQ_STAGE_COUNT, in, item);
    default:
        return parse_size(place, limits->max_body_size, NSQ_STAGE_BODY, in, item);
    }
}

/* Reads the count of an MPUB. The body size is already checked and is not used any more. From now
 * on only the count decides how many messages follow. */
static enum nsq_parse parse_count(struct nsq_place *place, const struct nsq_limits *limits,
                                  struct span in, struct nsq_item *item)
{
    enum nsq_parse got = parse_number(in, item);
    if (got != NSQ_OK) {
        return got;
    }
    int64_t most = (limits->max_body_size - NSQ_MPUB_OVERHEAD) / NSQ_MPUB_SMALLEST;
    if (item->value <= 0 || item->value > most) {
        return bad(item, NSQ_BAD_COUNT, most);
    }
    place->count = (uint32_t)item->value;
    place->index = 0;
    place->stage = NSQ_STAGE_MESSAGE_SIZE;
    return NSQ_OK;
}

/* Returns the next part of a body in `*item`. When the body is complete, the next stage begins. */
static enum nsq_parse parse_part(struct nsq_place *place, struct span in, struct nsq_item *item)
{
    if (in.n == 0) {
        return NSQ_MORE;
    }
    item->part = span_first(in, place->left);
    item->consumed = item->part.n;
    place->left -= (uint32_t)item->part.n;
    item->whole = place->left == 0;
    if (!item->whole) {
        return NSQ_OK;
    }
    place->index++;
    item->last = place->stage == NSQ_STAGE_BODY || place->index == place->count;
    place->stage = item->last ? NSQ_STAGE_LINE : NSQ_STAGE_MESSAGE_SIZE;
    return NSQ_OK;
}

enum nsq_parse nsq_command_parse(struct nsq_place *place, const struct nsq_limits *limits,
                                 struct span in, struct nsq_item *item)
{
    *item = nothing;
    item->stage = place->stage;
    item->index = place->index;
    switch (place->stage) {
    case NSQ_STAGE_LINE:
        return parse_line(place, limits, in, item);
    case NSQ_STAGE_SIZE:
        return parse_body_size(place, limits, in, item);
    case NSQ_STAGE_COUNT:
        return parse_count(place, limits, in, item);
    case NSQ_STAGE_MESSAGE_SIZE:
        return parse_size(place, limits->max_msg_size, NSQ_STAGE_MESSAGE_BODY, in, item);
    default:
        return parse_part(place, in, item);
    }
}

size_t nsq_line_encode(const struct span *words, size_t count, uint8_t *out, size_t room)
{
    size_t size = count == 0 ? 1 : count; /* the spaces between the words, and '\n' */
    for (size_t i = 0; i < count; i++) {
        if (words[i].n > SIZE_MAX - size) {
            return 0;
        }
        size += words[i].n;
    }
    if (size > room) {
        return size;
    }
    uint8_t *p = out;
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            *p++ = ' ';
        }
        if (words[i].n > 0) {
            memcpy(p, words[i].p, words[i].n);
            p += words[i].n;
        }
    }
    *p = '\n';
    return size;
}

size_t nsq_body_encode(struct span body, uint8_t *out, size_t room)
{
    if (body.n > INT32_MAX) {
        return 0;
    }
    size_t size = NSQ_SIZE_SIZE + body.n;
    if (size <= room) {
        be32_store(out, (uint32_t)body.n);
        if (body.n > 0) {
            memcpy(out + NSQ_SIZE_SIZE, body.p, body.n);
        }
    }
    return size;
}

size_t nsq_messages_encode(const struct span *bodies, size_t count, uint8_t *out, size_t room)
{
    size_t body_size = NSQ_MPUB_OVERHEAD;
    for (size_t i = 0; i < count; i++) {
        if (bodies[i].n > INT32_MAX - NSQ_SIZE_SIZE ||
            body_size > INT32_MAX - NSQ_SIZE_SIZE - bodies[i].n) {
            return 0;
        }
        body_size += NSQ_SIZE_SIZE + bodies[i].n;
    }
    size_t size = NSQ_SIZE_SIZE + body_size;
    if (size > room) {
        return size;
    }
    be32_store(out, (uint32_t)body_size);
    be32_store(out + NSQ_SIZE_SIZE, (uint32_t)count);
    uint8_t *p = out + NSQ_SIZE_SIZE + NSQ_MPUB_OVERHEAD;
    for (size_t i = 0; i < count; i++) {
        p += nsq_body_encode(bodies[i], p, NSQ_SIZE_SIZE + bodies[i].n);
    }
    return size;
}
