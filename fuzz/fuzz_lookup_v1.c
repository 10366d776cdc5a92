/* SPDX-License-Identifier: MIT */
/*
 * Invariant: the parsers of protocol V1 find the same commands and the same replies, each after the
 * same byte, however the bytes are cut: all at once, one by one, and in pieces that the input
 * chooses. A second implementation, which is written in another way, reads each line the same. The
 * spans of an item lie within the bytes that the parser was given. A command and a reply encode to
 * the bytes that they were parsed from. An encoder without enough room writes nothing. The text of
 * each error begins with a code.
 *
 * Input: line limit, body limit, two lengths of pieces (a byte each), then what a client sends
 * after the magic. The same bytes are also read as what a server replies.
 */
#include <nsq/lookup.h>
#include <nsq/name.h>
#include <stdlib.h>

#include "fuzz.h"
#include "space.h"

const struct fuzz_shape fuzz_shape = {.header = 4, .body = FUZZ_CLIENT};

#define SIZE_SIZE 4 /* bytes after which a bad size is known */

struct run {
    struct nsq_lookup_limits limits;
    struct nsq_lookup_place place;
    size_t offset; /* of the first byte that was not consumed */
    bool bad;      /* nothing may be parsed any more */
    bool whole;    /* all bytes in one piece: what depends on an item alone is checked here only */
    enum nsq_lookup_stage due; /* the stage of the next item */
    uint64_t said;             /* a hash of all events */
};

/* A step of FNV-1a. */
static void say(struct run *run, uint64_t number)
{
    run->said = (run->said ^ number) * 1099511628211u;
}

static void say_bytes(struct run *run, struct span bytes)
{
    for (size_t i = 0; i < bytes.n; i++) {
        say(run, bytes.p[i]);
    }
    say(run, bytes.n);
}

static bool lies_in(struct span part, struct span in)
{
    return part.n == 0 || (part.p >= in.p && part.p + part.n <= in.p + in.n);
}

/* --- encoders --------------------------------------------------------------------------------- */

/* What is encoded: an error, or else the line of a command, or else a body or a reply. */
struct encoded {
    const struct nsq_lookup_error *error;
    const struct nsq_lookup_command *command;
    struct span bytes;
    bool reply;
};

static size_t encode(const struct encoded *e, uint8_t *out, size_t room)
{
    if (e->error != NULL) {
        return nsq_lookup_error_encode(e->error, out, room);
    }
    if (e->command != NULL) {
        const struct nsq_lookup_command *c = e->command;
        return nsq_lookup_line_encode(c->id, c->topic, c->channel, out, room);
    }
    return e->reply ? nsq_lookup_reply_encode(e->bytes, out, room)
                    : nsq_lookup_identify_encode(e->bytes, out, room);
}

/* Encodes it into memory of exactly its size, and checks that nothing is written when one byte is
 * missing. The caller frees the bytes. */
static struct span encode_exactly(const struct encoded *e)
{
    size_t size = encode(e, NULL, 0);
    FUZZ_CHECK(size > 0);
    uint8_t *out = malloc(size);
    FUZZ_CHECK(out != NULL);
    memset(out, 0xee, size);
    FUZZ_CHECK(encode(e, out, size - 1) == size);
    for (size_t i = 0; i < size; i++) {
        FUZZ_CHECK(out[i] == 0xee);
    }
    FUZZ_CHECK(encode(e, out, size) == size);
    return span_make(out, size);
}

static void encodes_to(const struct encoded *e, struct span expected)
{
    struct span bytes = encode_exactly(e);
    FUZZ_CHECK(span_equal(bytes, expected));
    free((void *)bytes.p);
}

/* Whether `part` stands in `text`, at its end or before a "'". */
static bool has(struct span text, struct span part)
{
    for (size_t i = 0; i + part.n <= text.n; i++) {
        struct span rest = span_skip(text, i);
        if (span_equal(span_first(rest, part.n), part) &&
            (rest.n == part.n || rest.p[part.n] == '\'')) {
            return true;
        }
    }
    return false;
}

static void check_error(const struct nsq_lookup_error *error)
{
    if (error->why == NSQ_LOOKUP_NO_ERROR) {
        FUZZ_CHECK(nsq_lookup_error_encode(error, NULL, 0) == 0);
        return;
    }
    struct span text = encode_exactly(&(struct encoded){.error = error}), rest;
    FUZZ_CHECK(nsq_error_split(text, &rest) != NSQ_E_NONE && rest.n > 0);
    FUZZ_CHECK(has(text, error->text));
    fuzz_say_bytes("   error", text);
    free((void *)text.p);
}

/* Sizes that no parser returns and that do not fit into the wire's size field. An encoder must
 * refuse them and read nothing. */
static void encode_too_much(const uint8_t *data)
{
    const struct span over = span_make(data, (size_t)INT32_MAX + 1),
                      all = span_make(data, SIZE_MAX), nothing = span_make(NULL, 0);
    const struct nsq_lookup_error error = {.why = NSQ_LOOKUP_BAD_TOPIC, .text = over};
    FUZZ_CHECK(nsq_lookup_reply_encode(over, NULL, 0) == 0);
    FUZZ_CHECK(nsq_lookup_identify_encode(over, NULL, 0) == 0);
    FUZZ_CHECK(nsq_lookup_line_encode(NSQ_LOOKUP_REGISTER, all, nothing, NULL, 0) == 0);
    FUZZ_CHECK(nsq_lookup_error_encode(&error, NULL, 0) == 0);
}

/* --- a second implementation ------------------------------------------------------------------ */

static struct span trimmed(struct span line)
{
    size_t size;
    while (line.n > 0 && fuzz_is_space(line, &size)) {
        line = span_skip(line, size);
    }
    for (size_t n = 1; n <= 3 && n <= line.n; n++) {
        if (fuzz_is_space(span_skip(line, line.n - n), &size) && size == n) {
            line.n -= n;
            n = 0;
        }
    }
    return line;
}

/* Returns word `number` of a line, from 0. It is empty if there is none. */
static struct span word(struct span line, size_t number)
{
    size_t begin = 0, i = 0;
    for (; i < line.n && (line.p[i] != ' ' || number > 0); i++) {
        if (line.p[i] == ' ') {
            number--;
            begin = i + 1;
        }
    }
    return number == 0 ? span_first(span_skip(line, begin), i - begin) : span_make(NULL, 0);
}

static enum nsq_lookup_id id_of(struct span name)
{
    return span_equal(name, SPAN("PING"))         ? NSQ_LOOKUP_PING
           : span_equal(name, SPAN("IDENTIFY"))   ? NSQ_LOOKUP_IDENTIFY
           : span_equal(name, SPAN("REGISTER"))   ? NSQ_LOOKUP_REGISTER
           : span_equal(name, SPAN("UNREGISTER")) ? NSQ_LOOKUP_UNREGISTER
                                                  : NSQ_LOOKUP_UNKNOWN;
}

static enum nsq_lookup_why why_of(const struct nsq_lookup_command *command)
{
    switch (command->id) {
    case NSQ_LOOKUP_UNKNOWN:
        return NSQ_LOOKUP_BAD_COMMAND;
    case NSQ_LOOKUP_REGISTER:
    case NSQ_LOOKUP_UNREGISTER:
        break;
    default:
        return NSQ_LOOKUP_NO_ERROR;
    }
    bool topic = nsq_name_valid(command->topic);
    bool channel = command->channel.n == 0 || nsq_name_valid(command->channel);
    return command->params == 0 ? NSQ_LOOKUP_NO_TOPIC
           : !topic             ? NSQ_LOOKUP_BAD_TOPIC
           : !channel           ? NSQ_LOOKUP_BAD_CHANNEL
                                : NSQ_LOOKUP_NO_ERROR;
}

static void check_command(const struct nsq_lookup_command *command, struct span bytes)
{
    struct span line = trimmed(bytes);
    FUZZ_CHECK(span_equal(command->line, line) && lies_in(command->line, bytes));
    FUZZ_CHECK(span_equal(command->name, word(line, 0)) && lies_in(command->name, bytes));
    FUZZ_CHECK(span_equal(command->topic, word(line, 1)) && lies_in(command->topic, bytes));
    FUZZ_CHECK(span_equal(command->channel, word(line, 2)) && lies_in(command->channel, bytes));
    FUZZ_CHECK(command->id == id_of(word(line, 0)));
    size_t blanks = 0;
    for (size_t i = 0; i < line.n; i++) {
        blanks += line.p[i] == ' ';
    }
    FUZZ_CHECK(command->params == blanks);
    struct nsq_lookup_error error = nsq_lookup_check(command);
    FUZZ_CHECK(error.why == why_of(command) && error.id == command->id);
    FUZZ_CHECK(lies_in(error.text, bytes));
    check_error(&error);
    size_t said = (command->topic.n > 0) + (size_t)(command->channel.n > 0);
    if (command->id != NSQ_LOOKUP_UNKNOWN && said == blanks && line.n + 1 <= bytes.n &&
        line.p + line.n + 1 == bytes.p + bytes.n) {
        encodes_to(&(struct encoded){.command = command}, span_make(line.p, line.n + 1));
    }
}

/* The body stands behind its size. */
static void check_body(struct span body, struct span bytes)
{
    FUZZ_CHECK(lies_in(body, bytes) && bytes.n == SIZE_SIZE + body.n);
    FUZZ_CHECK(be32_load(bytes.p) == body.n);
    struct span encoded = encode_exactly(&(struct encoded){.bytes = body});
    FUZZ_CHECK(span_equal(span_first(encoded, 9), SPAN("IDENTIFY\n")));
    FUZZ_CHECK(span_equal(span_skip(encoded, 9), bytes));
    free((void *)encoded.p);
}

/* --- parsing ---------------------------------------------------------------------------------- */

/* How many bytes decide an item: all its bytes, or those that show that it is bad. */
static size_t needed(const struct run *run, const struct nsq_lookup_item *item)
{
    if (!run->bad) {
        return item->consumed;
    }
    return item->stage == NSQ_LOOKUP_STAGE_LINE ? run->limits.max_line : SIZE_SIZE;
}

static void bad_event(struct run *run, const struct nsq_lookup_item *item, struct span in)
{
    const struct nsq_lookup_error *error = &item->error;
    int64_t size = item->stage == NSQ_LOOKUP_STAGE_LINE ? 0 : (int32_t)be32_load(in.p);
    enum nsq_lookup_why why = item->stage == NSQ_LOOKUP_STAGE_LINE ? NSQ_LOOKUP_LINE_TOO_LONG
                              : size < 0                           ? NSQ_LOOKUP_BAD_SIZE
                                                                   : NSQ_LOOKUP_BODY_TOO_BIG;
    FUZZ_CHECK(error->why == why && error->value == size && error->text.n == 0);
    FUZZ_CHECK(why != NSQ_LOOKUP_BODY_TOO_BIG || size > run->limits.max_body);
    check_error(error);
    say(run, why);
    say(run, (uint64_t)error->limit);
}

static void event(struct run *run, const struct nsq_lookup_item *item, struct span in)
{
    struct span bytes = span_first(in, item->consumed);
    FUZZ_CHECK(item->stage == run->due);
    run->due = !run->bad && item->command.id == NSQ_LOOKUP_IDENTIFY ? NSQ_LOOKUP_STAGE_BODY
                                                                    : NSQ_LOOKUP_STAGE_LINE;
    say(run, item->stage);
    if (run->bad) {
        bad_event(run, item, in);
    } else if (item->stage == NSQ_LOOKUP_STAGE_LINE) {
        FUZZ_CHECK(item->consumed <= run->limits.max_line);
        say(run, item->command.id);
        say_bytes(run, item->command.line);
        fuzz_say_bytes("   line", item->command.line);
        if (run->whole) {
            check_command(&item->command, bytes);
        }
    } else {
        FUZZ_CHECK((int64_t)item->body.n <= run->limits.max_body);
        say_bytes(run, item->body);
        fuzz_say_bytes("   body", item->body);
        if (run->whole) {
            check_body(item->body, bytes);
        }
    }
}

/* Whether `in` is the beginning of an allowed size and its bytes, and no more. */
static bool lacks_bytes(struct span in, uint64_t most)
{
    int64_t size = in.n < SIZE_SIZE ? 0 : (int32_t)be32_load(in.p);
    return in.n < SIZE_SIZE ||
           (size >= 0 && (uint64_t)size <= most && in.n - SIZE_SIZE < (uint64_t)size);
}

/* Checks that the parser is right to wait for more than `in`. */
static void check_more(const struct run *run, struct span in)
{
    if (run->due == NSQ_LOOKUP_STAGE_BODY) {
        FUZZ_CHECK(lacks_bytes(in, (uint64_t)run->limits.max_body));
        return;
    }
    FUZZ_CHECK(in.n < run->limits.max_line);
    for (size_t i = 0; i < in.n; i++) {
        FUZZ_CHECK(in.p[i] != '\n');
    }
}

/* Parses the bytes up to `end`. The bytes from `fed` on are new; an item that needs none of them
 * should have been found before. */
static void feed(struct run *run, const uint8_t *data, size_t fed, size_t end)
{
    enum nsq_parse outcome = NSQ_OK;
    while (outcome == NSQ_OK && !run->bad) {
        struct span in = span_make(data + run->offset, end - run->offset);
        struct nsq_lookup_item item;
        outcome = nsq_lookup_parse(&run->place, &run->limits, in, &item);
        if (outcome == NSQ_MORE) {
            check_more(run, in);
        } else {
            run->bad = outcome == NSQ_BAD;
            size_t due = run->offset + needed(run, &item);
            fuzz_say("%zu: %s", due, run->bad ? "bad" : "item");
            FUZZ_CHECK(due > fed && due <= end);
            event(run, &item, in);
            say(run, due);
            run->offset += run->bad ? 0 : item.consumed;
        }
    }
}

/* Parses all bytes, in pieces whose lengths alternate between `one` and `other`. */
static struct run run_cut(const struct nsq_lookup_limits *limits, struct span bytes, size_t one,
                          size_t other)
{
    struct run run = {.limits = *limits, .said = 14695981039346656037u};
    run.whole = one > bytes.n;
    for (size_t end = 0, next; end < bytes.n; end = next) {
        next = bytes.n - end > one ? end + one : bytes.n;
        feed(&run, bytes.p, end, next);
        size_t turn = one;
        one = other;
        other = turn;
    }
    if (!run.bad) {
        struct span rest = span_skip(bytes, run.offset);
        struct nsq_lookup_error error = nsq_lookup_cut_off(&run.place, rest);
        FUZZ_CHECK((error.why == NSQ_LOOKUP_NO_ERROR) ==
                   (run.place.stage == NSQ_LOOKUP_STAGE_LINE));
        FUZZ_CHECK(error.why != NSQ_LOOKUP_SIZE_CUT_OFF || rest.n < SIZE_SIZE);
        FUZZ_CHECK(error.why != NSQ_LOOKUP_BODY_CUT_OFF || rest.n >= SIZE_SIZE);
        check_error(&error);
    }
    return run;
}

/* --- replies ---------------------------------------------------------------------------------- */

/* Parses every beginning of a reply: only the byte that decides it may change the outcome. */
static void check_replies(size_t max_data, struct span in)
{
    bool ok = true;
    while (ok) {
        struct span data = {NULL, SIZE_MAX};
        size_t consumed = SIZE_MAX;
        enum nsq_parse outcome = nsq_lookup_reply_parse(in, max_data, &data, &consumed);
        ok = outcome == NSQ_OK;
        FUZZ_CHECK(ok || (data.n == SIZE_MAX && consumed == SIZE_MAX));
        size_t decided = ok ? consumed : outcome == NSQ_BAD ? SIZE_SIZE : in.n + 1;
        for (size_t n = 0; n < decided && n <= in.n; n++) {
            struct span ignored;
            size_t none;
            FUZZ_CHECK(nsq_lookup_reply_parse(span_first(in, n), max_data, &ignored, &none) ==
                       NSQ_MORE);
        }
        if (outcome == NSQ_BAD) {
            int32_t size = (int32_t)be32_load(in.p);
            FUZZ_CHECK(size < 0 || (size_t)size > max_data);
        } else if (outcome == NSQ_MORE) {
            FUZZ_CHECK(lacks_bytes(in, max_data));
        } else {
            FUZZ_CHECK(consumed <= in.n && data.n <= max_data && lies_in(data, in));
            encodes_to(&(struct encoded){.bytes = data, .reply = true}, span_first(in, consumed));
            fuzz_say_bytes("reply", data);
            in = span_skip(in, consumed);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_make(data, size);
    struct nsq_lookup_limits limits;
    limits.max_line = 1 + (size_t)fuzz_byte(&in);
    limits.max_body = fuzz_byte(&in);
    size_t one = 1 + (size_t)fuzz_below(&in, 64);
    size_t other = 1 + (size_t)fuzz_below(&in, 64);
    if (limits.max_body == 0) {
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
    FUZZ_CHECK(whole.place.stage == bytewise.place.stage && whole.place.stage == cut.place.stage);
    check_replies(limits.max_body == UINT8_MAX ? SIZE_MAX : (size_t)limits.max_body, in);
    return 0;
}
