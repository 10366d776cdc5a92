/* SPDX-License-Identifier: MIT */
/*
 * Invariant: the parser of server bytes finds the same frames, each after the same byte, however
 * the bytes are cut, and its spans lie within the bytes that it was given. Frames, messages and
 * errors that it finds encode to the same bytes. An encoded frame parses back to itself. An encoder
 * without enough room writes nothing.
 *
 * Input: limit of a frame's data (255: none), type of the frame to encode, two lengths of pieces (a
 * byte each), then server bytes, which are also the data of the frame to encode.
 */
#include <nsq/frame.h>
#include <stdlib.h>

#include "fuzz.h"

const struct fuzz_shape fuzz_shape = {.header = 4, .body = FUZZ_BYTES};

#define SIZE_SIZE 4 /* bytes after which a bad size is known */

struct run {
    size_t max_data;
    size_t offset; /* of the first byte that was not consumed */
    bool bad;
    size_t frames;
    uint64_t said; /* a hash of all events */
};

static void say(struct run *run, uint64_t number)
{
    run->said = (run->said ^ number) * 1099511628211u;
}

static bool lies_in(struct span part, struct span in)
{
    return part.n == 0 || (part.p >= in.p && part.p + part.n <= in.p + in.n);
}

/* --- what is decoded is encoded to the same --------------------------------------------------- */

/* A second implementation, which does not use the library's own comparison. */
static bool looks_like_heartbeat(const struct nsq_frame *frame)
{
    static const char text[] = "_heartbeat_";
    bool same = frame->type == NSQ_FRAME_RESPONSE && frame->data.n == sizeof text - 1;
    for (size_t i = 0; same && i < frame->data.n; i++) {
        same = frame->data.p[i] == (uint8_t)text[i];
    }
    return same;
}

static void check_message(struct span data)
{
    struct nsq_message message = {.attempts = 7};
    if (nsq_message_parse(data, &message) != NSQ_OK) {
        FUZZ_CHECK(data.n < NSQ_MESSAGE_HEADER_SIZE && message.attempts == 7);
        return;
    }
    uint8_t header[NSQ_MESSAGE_HEADER_SIZE];
    nsq_message_header(header, &message);
    FUZZ_CHECK(data.n >= sizeof header && memcmp(header, data.p, sizeof header) == 0);
    FUZZ_CHECK(message.id == data.p + 10 && lies_in(message.body, data));
    FUZZ_CHECK(span_equal(message.body, span_skip(data, sizeof header)));
}

static void check_error(struct span data)
{
    struct span text;
    enum nsq_error code = nsq_error_split(data, &text);
    FUZZ_CHECK(code < NSQ_ERROR_COUNT && lies_in(text, data));
    struct span name = nsq_error_name(code);
    if (code == NSQ_E_NONE) {
        FUZZ_CHECK(name.n == 0 && span_equal(text, data));
        FUZZ_CHECK(nsq_error_name(NSQ_ERROR_COUNT).n == 0 && !nsq_error_is_fatal(code));
        for (int c = NSQ_E_NONE + 1; c < NSQ_ERROR_COUNT; c++) {
            name = nsq_error_name((enum nsq_error)c);
            FUZZ_CHECK(!span_equal(name, span_first(data, name.n)) ||
                       (data.n > name.n && data.p[name.n] != ' '));
        }
        return;
    }
    size_t blank = data.n > name.n ? 1 : 0;
    FUZZ_CHECK(name.n > 0 && span_equal(name, span_first(data, name.n)));
    FUZZ_CHECK(blank == 0 || data.p[name.n] == ' ');
    FUZZ_CHECK(span_equal(text, span_skip(data, name.n + blank)));
}

static void check_frame(const struct nsq_frame *frame, struct span bytes)
{
    uint8_t header[NSQ_FRAME_HEADER_SIZE];
    nsq_frame_header(header, frame->type, frame->data.n);
    FUZZ_CHECK(bytes.n == sizeof header + frame->data.n);
    FUZZ_CHECK(memcmp(header, bytes.p, sizeof header) == 0);
    FUZZ_CHECK(span_equal(frame->data, span_skip(bytes, sizeof header)));
    FUZZ_CHECK(nsq_frame_is_heartbeat(frame) == looks_like_heartbeat(frame));
    check_message(frame->data);
    check_error(frame->data);
}

/* --- cuts ------------------------------------------------------------------------------------- */

/* Parses the bytes up to `end`. The bytes from `fed` on are new; a frame that needs none of them
 * should have been found before. */
static void feed(struct run *run, const uint8_t *data, size_t fed, size_t end)
{
    enum nsq_parse outcome = NSQ_OK;
    while (outcome == NSQ_OK && !run->bad) {
        struct span in = span_make(data + run->offset, end - run->offset);
        struct nsq_frame frame = {.data = {.n = SIZE_MAX}};
        size_t needs = SIZE_MAX;
        outcome = nsq_frame_parse(in, run->max_data, &frame, &needs);
        if (outcome != NSQ_OK) {
            FUZZ_CHECK(frame.data.n == SIZE_MAX && needs == SIZE_MAX);
        }
        if (outcome == NSQ_MORE) {
            break;
        }
        if (outcome == NSQ_OK) {
            FUZZ_CHECK(needs <= in.n && lies_in(frame.data, in));
            FUZZ_CHECK(frame.data.n <= run->max_data);
            check_frame(&frame, span_first(in, needs));
            fuzz_say("%zu: frame of type %d", run->offset, (int)frame.type);
            fuzz_say_bytes("   ", frame.data);
            say(run, frame.type);
            run->frames++;
        } else {
            int64_t size = (int32_t)be32_load(in.p);
            bool size_bad = size < SIZE_SIZE || (uint64_t)size > run->max_data + SIZE_SIZE;
            needs = size_bad ? SIZE_SIZE : NSQ_FRAME_HEADER_SIZE;
            fuzz_say("%zu: bad %s", run->offset, size_bad ? "size" : "type");
            run->bad = true;
        }
        size_t due = run->offset + needs;
        FUZZ_CHECK(due > fed && due <= end);
        say(run, due);
        run->offset += run->bad ? 0 : needs;
    }
}

/* Parses all bytes, in pieces whose lengths alternate between `one` and `other`. */
static struct run run_cut(size_t max_data, struct span bytes, size_t one, size_t other)
{
    struct run run = {.max_data = max_data, .said = 14695981039346656037u};
    for (size_t end = 0, next; end < bytes.n; end = next) {
        next = bytes.n - end > one ? end + one : bytes.n;
        feed(&run, bytes.p, end, next);
        size_t turn = one;
        one = other;
        other = turn;
    }
    return run;
}

/* --- what is encoded is decoded to the same --------------------------------------------------- */

static void check_encoder(enum nsq_frame_type type, struct span data)
{
    struct span too_much = span_make(data.p, (size_t)NSQ_FRAME_DATA_MAX + 1); /* not read */
    FUZZ_CHECK(nsq_frame_encode(type, too_much, NULL, 0) == 0);
    size_t size = nsq_frame_encode(type, data, NULL, 0);
    FUZZ_CHECK(size == NSQ_FRAME_HEADER_SIZE + data.n);
    uint8_t *out = malloc(size);
    FUZZ_CHECK(out != NULL);
    memset(out, 0xee, size);
    FUZZ_CHECK(nsq_frame_encode(type, data, out, size - 1) == size);
    for (size_t i = 0; i < size; i++) {
        FUZZ_CHECK(out[i] == 0xee);
    }
    FUZZ_CHECK(nsq_frame_encode(type, data, out, size) == size);
    struct nsq_frame frame;
    size_t consumed;
    FUZZ_CHECK(nsq_frame_parse(span_make(out, size), data.n, &frame, &consumed) == NSQ_OK);
    FUZZ_CHECK(consumed == size && frame.type == type && span_equal(frame.data, data));
    if (data.n > 0) {
        FUZZ_CHECK(nsq_frame_parse(span_make(out, size), data.n - 1, &frame, &consumed) == NSQ_BAD);
    }
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_make(data, size);
    size_t max_data = fuzz_byte(&in);
    max_data = max_data == UINT8_MAX ? NSQ_FRAME_DATA_MAX : max_data;
    enum nsq_frame_type type = (enum nsq_frame_type)fuzz_below(&in, NSQ_FRAME_MESSAGE + 1);
    size_t one = 1 + (size_t)fuzz_below(&in, 64);
    size_t other = 1 + (size_t)fuzz_below(&in, 64);

    struct run whole = run_cut(max_data, in, in.n + 1, 1);
    bool talked = fuzz_talks;
    fuzz_talks = false;
    struct run bytewise = run_cut(max_data, in, 1, 1);
    struct run cut = run_cut(max_data, in, one, other);
    fuzz_talks = talked;

    FUZZ_CHECK(whole.said == bytewise.said && whole.said == cut.said);
    FUZZ_CHECK(whole.offset == bytewise.offset && whole.offset == cut.offset);
    FUZZ_CHECK(whole.bad == bytewise.bad && whole.bad == cut.bad);
    FUZZ_CHECK(whole.frames == bytewise.frames && whole.frames == cut.frames);
    check_message(in);
    check_error(in);
    check_encoder(type, in);
    return 0;
}
