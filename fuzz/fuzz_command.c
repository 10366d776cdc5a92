/* SPDX-License-Identifier: MIT */
/*
 * Invariant: the parser of client bytes finds the same items, each after the same byte, however the
 * bytes are cut: all at once, one by one, and in pieces that the input chooses. The spans that it
 * returns lie within the bytes that it was given, and it never consumes more than those. An item
 * encodes to the bytes that it was parsed from. The magic is found as soon as it is complete.
 *
 * Input: line limit, message limit, body limit, two lengths of pieces (a byte each), then client
 * bytes, with or without the magic.
 */
#include <nsq/command.h>
#include <nsq/magic.h>

#include "fuzz.h"

const struct fuzz_shape fuzz_shape = {.header = 5, .body = FUZZ_CLIENT};

#define ENCODED_MAX 1024
#define MESSAGES_MAX 16 /* messages of an MPUB that is encoded again */

struct run {
    struct nsq_limits limits;
    struct nsq_place place;
    size_t offset;  /* of the first byte that was not consumed */
    bool bad;       /* nothing may be parsed any more */
    bool part_open; /* the last event is a part of a body, and more of it follows */
    uint64_t said;  /* a hash of all events */
};

/* A step of FNV-1a. Numbers are added whole, and bodies byte by byte, so that cuts make no
 * difference. */
static void say(struct run *run, uint64_t number)
{
    run->said = (run->said ^ number) * 1099511628211u;
}

static void say_bytes(struct run *run, struct span bytes)
{
    for (size_t i = 0; i < bytes.n; i++) {
        say(run, bytes.p[i]);
    }
}

static bool lies_in(struct span part, struct span in)
{
    return part.n == 0 || (part.p >= in.p && part.p + part.n <= in.p + in.n);
}

/* How many bytes decide an item: all its bytes, or those that show that it is bad. */
static size_t needed(const struct run *run, const struct nsq_item *item, bool bad)
{
    if (!bad) {
        return item->consumed;
    }
    return item->stage == NSQ_STAGE_LINE ? run->limits.max_line : NSQ_SIZE_SIZE;
}

static void talk(const struct run *run, const struct nsq_item *item)
{
    static const char *const stages[] = {"line",  "size",         "body",
                                         "count", "message size", "message body"};
    if (!fuzz_talks) {
        return;
    }
    fuzz_say("%zu: %s%s %d%s", run->offset, run->bad ? "bad " : "", stages[item->stage],
             (int)item->value, item->last ? ", the command's last" : "");
    if (!run->bad && item->stage == NSQ_STAGE_LINE) {
        fuzz_say_bytes("   ", item->command.line);
    } else if (!run->bad && item->part.n > 0) {
        fuzz_say_bytes("   ", item->part);
    }
}

static void line_event(struct run *run, const struct nsq_command *command, struct span in)
{
    FUZZ_CHECK(lies_in(command->line, in) && lies_in(command->name, in));
    FUZZ_CHECK(command->id < NSQ_COMMAND_COUNT && command->name.n <= command->line.n);
    say(run, command->id);
    say(run, command->params);
    say_bytes(run, command->line);
    for (size_t i = 0; i < NSQ_PARAMS_MAX; i++) {
        FUZZ_CHECK(lies_in(command->param[i], in));
        FUZZ_CHECK(i < command->params || command->param[i].n == 0);
        say(run, command->param[i].n);
    }
}

/* --- encoding what was parsed ----------------------------------------------------------------- */

static uint8_t encoded[ENCODED_MAX];

static void encode_line(const struct nsq_command *command)
{
    struct span words[1 + NSQ_PARAMS_MAX] = {command->name};
    size_t count = command->line.n == 0 ? 0 : 1 + command->params;
    if (count <= 1 + NSQ_PARAMS_MAX) {
        memcpy(words + 1, command->param, sizeof command->param);
        size_t size = nsq_line_encode(words, count, encoded, command->line.n);
        FUZZ_CHECK(size == command->line.n + 1);
        FUZZ_CHECK(nsq_line_encode(words, count, encoded, size) == size);
        FUZZ_CHECK(memcmp(encoded, command->line.p, size - 1) == 0 && encoded[size - 1] == '\n');
    }
}

/* Encodes a body that arrived in one piece. Its size stands in front of it. */
static void encode_body(struct span body)
{
    size_t size = nsq_body_encode(body, encoded, body.n);
    FUZZ_CHECK(size == NSQ_SIZE_SIZE + body.n);
    if (size <= sizeof encoded) {
        FUZZ_CHECK(nsq_body_encode(body, encoded, size) == size);
        FUZZ_CHECK(memcmp(encoded, body.p - NSQ_SIZE_SIZE, size) == 0);
    }
}

/* Encodes one message of an MPUB. After the last one, encodes all of them together. */
static void encode_message(const struct nsq_item *item)
{
    static struct span bodies[MESSAGES_MAX];
    if (item->index < MESSAGES_MAX) {
        bodies[item->index] = item->part;
    }
    if (item->last && item->index < MESSAGES_MAX) {
        size_t count = item->index + 1;
        size_t size = nsq_messages_encode(bodies, count, NULL, 0);
        const uint8_t *first = bodies[0].p - NSQ_SIZE_SIZE;
        size_t fields = NSQ_SIZE_SIZE + NSQ_MPUB_OVERHEAD;
        FUZZ_CHECK(size == fields + (size_t)(item->part.p + item->part.n - first));
        if (size <= sizeof encoded) {
            FUZZ_CHECK(nsq_messages_encode(bodies, count, encoded, size) == size);
            FUZZ_CHECK(be32_load(encoded) == size - NSQ_SIZE_SIZE);
            FUZZ_CHECK(be32_load(encoded + NSQ_SIZE_SIZE) == count);
            FUZZ_CHECK(memcmp(encoded + fields, first, size - fields) == 0);
        }
    }
}

static void encode(const struct nsq_item *item)
{
    if (item->stage == NSQ_STAGE_LINE) {
        encode_line(&item->command);
    } else if (item->stage == NSQ_STAGE_BODY && item->whole) {
        encode_body(item->part);
    } else if (item->stage == NSQ_STAGE_MESSAGE_BODY && item->whole) {
        encode_message(item);
    }
}

/* Sizes that no parser returns and that do not fit the wire's size field. An encoder must refuse
 * them and read nothing. */
static void encode_too_much(const uint8_t *data)
{
    const struct span over = span_make(data, (size_t)INT32_MAX + 1),
                      all = span_make(data, SIZE_MAX);
    const struct span halves[] = {span_make(data, 1u << 30), span_make(data, 1u << 30)};
    FUZZ_CHECK(nsq_line_encode(&all, 1, NULL, 0) == 0);
    FUZZ_CHECK(nsq_body_encode(over, NULL, 0) == 0);
    FUZZ_CHECK(nsq_messages_encode(&over, 1, NULL, 0) == 0);
    FUZZ_CHECK(nsq_messages_encode(halves, 2, NULL, 0) == 0);
    FUZZ_CHECK(nsq_body_encode(span_make(NULL, 0), encoded, NSQ_SIZE_SIZE) == NSQ_SIZE_SIZE);
    FUZZ_CHECK(be32_load(encoded) == 0);
}

/* --- parsing ---------------------------------------------------------------------------------- */

/* Notes one item, and the byte after which it was due. All parts of a body are one event, because
 * they depend on how the input is cut. */
static void event(struct run *run, const struct nsq_item *item, bool bad, struct span in)
{
    bool is_part = !bad && (item->stage == NSQ_STAGE_BODY || item->stage == NSQ_STAGE_MESSAGE_BODY);
    if (!run->part_open) {
        say(run, item->stage);
        say(run, item->index);
    }
    if (is_part) {
        FUZZ_CHECK(item->part.n > 0 && item->part.n == item->consumed && lies_in(item->part, in));
        say_bytes(run, item->part);
    } else if (bad) {
        say(run, item->bad);
        say(run, (uint64_t)(int64_t)item->value);
        say(run, (uint64_t)item->limit);
    } else if (item->stage == NSQ_STAGE_LINE) {
        line_event(run, &item->command, in);
    } else {
        say(run, (uint64_t)(int64_t)item->value);
    }
    run->part_open = is_part && !item->whole;
    if (!run->part_open) {
        say(run, item->last);
        say(run, run->offset + needed(run, item, bad));
    }
}

/* Parses the bytes up to `end`. The bytes from `fed` on are new; an item that needs none of them
 * should have been found before. With `whole`, the items are also encoded again. */
static void feed(struct run *run, const uint8_t *data, size_t fed, size_t end, bool whole)
{
    struct nsq_item item;
    enum nsq_parse outcome = NSQ_OK;
    while (outcome == NSQ_OK && !run->bad) {
        struct span in = span_make(data + run->offset, end - run->offset);
        outcome = nsq_command_parse(&run->place, &run->limits, in, &item);
        if (outcome != NSQ_MORE) {
            run->bad = outcome == NSQ_BAD;
            talk(run, &item);
            event(run, &item, run->bad, in);
            size_t due = run->offset + needed(run, &item, run->bad);
            FUZZ_CHECK(due > fed && due <= end);
            if (whole && !run->bad) {
                encode(&item);
            }
            run->offset += run->bad ? 0 : item.consumed;
        }
    }
}

/* Parses all bytes, in pieces whose lengths alternate between `one` and `other`. */
static struct run run_cut(const struct nsq_limits *limits, struct span bytes, size_t one,
                          size_t other)
{
    struct run run = {.limits = *limits, .said = 14695981039346656037u};
    for (size_t end = 0, next; end < bytes.n; end = next) {
        next = bytes.n - end > one ? end + one : bytes.n;
        feed(&run, bytes.p, end, next, next == bytes.n && end == 0);
        size_t turn = one;
        one = other;
        other = turn;
    }
    return run;
}

/* The bytes after the magic, if there is one. */
static struct span behind_magic(struct span in)
{
    static const struct span magics[] = {
        [NSQ_PROTOCOL_V1] = SPAN_LITERAL(NSQ_MAGIC_V1),
        [NSQ_PROTOCOL_V2] = SPAN_LITERAL(NSQ_MAGIC_V2),
    };
    enum nsq_protocol protocol = NSQ_PROTOCOL_V1;
    enum nsq_parse outcome = nsq_magic_parse(in, &protocol);
    FUZZ_CHECK((outcome == NSQ_MORE) == (in.n < NSQ_MAGIC_SIZE));
    if (outcome != NSQ_OK) {
        return in;
    }
    fuzz_say("0: magic, protocol %d", (int)protocol);
    FUZZ_CHECK(span_equal(span_first(in, NSQ_MAGIC_SIZE), magics[protocol]));
    return span_skip(in, NSQ_MAGIC_SIZE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_make(data, size);
    struct nsq_limits limits;
    limits.max_line = 1 + (size_t)fuzz_byte(&in);
    limits.max_msg_size = fuzz_byte(&in);
    limits.max_body_size = fuzz_byte(&in);
    size_t one = 1 + (size_t)fuzz_below(&in, 64);
    size_t other = 1 + (size_t)fuzz_below(&in, 64);
    in = behind_magic(in);
    if (limits.max_body_size == 0) {
        encode_too_much(data);
    }

    struct run whole = run_cut(&limits, in, in.n + 1, 1);
    bool talked = fuzz_talks;
    fuzz_talks = false;
    struct run bytewise = run_cut(&limits, in, 1, 1);
    struct run cut = run_cut(&limits, in, one, other);
    fuzz_talks = talked;

    FUZZ_CHECK(whole.said == bytewise.said && whole.said == cut.said);
    FUZZ_CHECK(whole.offset == bytewise.offset && whole.offset == cut.offset);
    FUZZ_CHECK(whole.bad == bytewise.bad && whole.bad == cut.bad);
    FUZZ_CHECK(whole.bad || (whole.place.stage == bytewise.place.stage &&
                             whole.place.left == bytewise.place.left &&
                             whole.place.index == bytewise.place.index));
    return 0;
}
