/* SPDX-License-Identifier: MIT */
/* Tests of nsq/frame.h: frames and messages, as servers write and clients read them. */
#include <nsq/frame.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/exact.h"

#define ROOM 256 /* bytes that may be written; more than any frame below needs */

static const struct span nothing = {NULL, 0};

/* --- reading frames --------------------------------------------------------------------------- */

#define ANY NSQ_FRAME_DATA_MAX

/* One row in each line, with the fields of the frame in columns. */
/* clang-format off */
static const struct {
    const char *rule;
    size_t max_data;
    struct span in;
    enum nsq_parse outcome;
    size_t decided; /* with fewer bytes than this: NSQ_MORE; from here on: `outcome` */
    enum nsq_frame_type type;
    size_t data; /* bytes */
} frames[] = {
#define ROW(rule, max, in, ...) {rule, max, SPAN_LITERAL(in), __VA_ARGS__}
    /*                        size               type               data */
    ROW("a response", ANY, "\x00\x00\x00\x06" "\x00\x00\x00\x00" "OK", NSQ_OK, 10, 0, 2),
    ROW("an error", ANY, "\x00\x00\x00\x05" "\x00\x00\x00\x01" "E", NSQ_OK, 9, 1, 1),
    ROW("a message", ANY, "\x00\x00\x00\x05" "\x00\x00\x00\x02" "m", NSQ_OK, 9, 2, 1),
    ROW("a type one too high", ANY, "\x00\x00\x00\x05" "\x00\x00\x00\x03" "m", NSQ_BAD, 8, 0, 0),
    ROW("a negative type", ANY, "\x00\x00\x00\x04" "\xff\xff\xff\xff", NSQ_BAD, 8, 0, 0),
    ROW("a type in its first byte", ANY, "\x00\x00\x00\x04" "\x01\x00\x00\x00", NSQ_BAD, 8, 0, 0),

    ROW("size -2^31", ANY, "\x80\x00\x00\x00" "\x00\x00\x00\x00", NSQ_BAD, 4, 0, 0),
    ROW("size -1", ANY, "\xff\xff\xff\xff" "\x00\x00\x00\x00", NSQ_BAD, 4, 0, 0),
    ROW("size 0", ANY, "\x00\x00\x00\x00" "\x00\x00\x00\x00", NSQ_BAD, 4, 0, 0),
    ROW("size 3", ANY, "\x00\x00\x00\x03" "\x00\x00\x00\x00", NSQ_BAD, 4, 0, 0),
    ROW("size 4", ANY, "\x00\x00\x00\x04" "\x00\x00\x00\x00", NSQ_OK, 8, 0, 0),
    ROW("size 5", ANY, "\x00\x00\x00\x05" "\x00\x00\x00\x00" "a", NSQ_OK, 9, 0, 1),
    ROW("size 2^31-2", ANY, "\x7f\xff\xff\xfe" "\x00\x00\x00\x00" "a", NSQ_MORE, 0, 0, 0),
    ROW("size 2^31-1", ANY, "\x7f\xff\xff\xff" "\x00\x00\x00\x00" "a", NSQ_MORE, 0, 0, 0),
    ROW("a size in its second byte", ANY, "\x00\x01\x00\x00" "\x00\x00\x00\x00", NSQ_MORE, 0, 0, 0),

    ROW("max_data 3, size 6", 3, "\x00\x00\x00\x06" "\x00\x00\x00\x00" "ab", NSQ_OK, 10, 0, 2),
    ROW("max_data 3, size 7", 3, "\x00\x00\x00\x07" "\x00\x00\x00\x00" "abc", NSQ_OK, 11, 0, 3),
    ROW("max_data 3, size 8", 3, "\x00\x00\x00\x08" "\x00\x00\x00\x00" "abcd", NSQ_BAD, 4, 0, 0),
    ROW("max_data 0, size 3", 0, "\x00\x00\x00\x03" "\x00\x00\x00\x00", NSQ_BAD, 4, 0, 0),
    ROW("max_data 0, size 4", 0, "\x00\x00\x00\x04" "\x00\x00\x00\x00", NSQ_OK, 8, 0, 0),
    ROW("max_data 0, size 5", 0, "\x00\x00\x00\x05" "\x00\x00\x00\x00" "a", NSQ_BAD, 4, 0, 0),
    ROW("max_data of all, size 3", SIZE_MAX, "\x00\x00\x00\x03" "\x00\x00\x00\x00",
        NSQ_BAD, 4, 0, 0),
    ROW("max_data of all, size 4", SIZE_MAX, "\x00\x00\x00\x04" "\x00\x00\x00\x00",
        NSQ_OK, 8, 0, 0),
    ROW("max_data of all, size 2^31-1", SIZE_MAX, "\x7f\xff\xff\xff", NSQ_MORE, 0, 0, 0),
    ROW("max_data of all, size -2^31", SIZE_MAX, "\x80\x00\x00\x00", NSQ_BAD, 4, 0, 0),
    ROW("max_data 2^31-6, size 2^31-2", ANY - 1, "\x7f\xff\xff\xfe", NSQ_MORE, 0, 0, 0),
    ROW("max_data 2^31-6, size 2^31-1", ANY - 1, "\x7f\xff\xff\xff", NSQ_BAD, 4, 0, 0),
    ROW("the size is judged before the type", 3, "\x00\x00\x00\x08" "\x00\x00\x00\x09",
        NSQ_BAD, 4, 0, 0),

    ROW("a second frame behind it", ANY, "\x00\x00\x00\x05" "\x00\x00\x00\x00" "a"
                                         "\x00\x00\x00\x05" "\x00\x00\x00\x01" "b",
        NSQ_OK, 9, 0, 1),
    ROW("rubbish behind it", ANY, "\x00\x00\x00\x04" "\x00\x00\x00\x00" "\xff\xff\xff\xff",
        NSQ_OK, 8, 0, 0),
#undef ROW
};
/* clang-format on */

/* Parses every prefix of each row, also the empty one. */
static void frames_are_said_at_the_byte_that_decides(void **state)
{
    const struct exact *wall = *state;
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
        for (size_t n = 0; n <= frames[i].in.n; n++) {
            struct span in = exact_at_end(wall, span_first(frames[i].in, n));
            struct nsq_frame frame = {.type = (enum nsq_frame_type)9};
            size_t consumed = 99;
            enum nsq_parse expected = n < frames[i].decided ? NSQ_MORE : frames[i].outcome;
            enum nsq_parse outcome = nsq_frame_parse(in, frames[i].max_data, &frame, &consumed);
            if (outcome != expected) {
                fail_msg("%s, %zu bytes: outcome %d", frames[i].rule, n, (int)outcome);
            }
            if (outcome == NSQ_OK) {
                assert_int_equal(frame.type, frames[i].type);
                assert_ptr_equal(frame.data.p, in.p + NSQ_FRAME_HEADER_SIZE);
                assert_int_equal(frame.data.n, frames[i].data);
                assert_int_equal(consumed, NSQ_FRAME_HEADER_SIZE + frames[i].data);
            } else {
                assert_int_equal(frame.type, 9);
                assert_int_equal(consumed, 99);
            }
        }
    }
}

static void no_bytes_may_be_nowhere(void **state)
{
    (void)state;
    struct nsq_frame frame;
    size_t consumed;
    assert_int_equal(nsq_frame_parse(nothing, ANY, &frame, &consumed), NSQ_MORE);
    struct nsq_message message;
    assert_int_equal(nsq_message_parse(nothing, &message), NSQ_BAD);
}

static void heartbeats_are_responses_with_that_text(void **state)
{
    (void)state;
    const struct {
        enum nsq_frame_type type;
        struct span data;
        bool heartbeat;
    } rows[] = {
        {NSQ_FRAME_RESPONSE, SPAN("_heartbeat_"), true},
        {NSQ_FRAME_ERROR, SPAN("_heartbeat_"), false},
        {NSQ_FRAME_MESSAGE, SPAN("_heartbeat_"), false},
        {NSQ_FRAME_RESPONSE, SPAN("_heartbeat"), false},
        {NSQ_FRAME_RESPONSE, SPAN("_heartbeat_ "), false},
        {NSQ_FRAME_RESPONSE, SPAN("_HEARTBEAT_"), false},
        {NSQ_FRAME_RESPONSE, SPAN("OK"), false},
        {NSQ_FRAME_RESPONSE, SPAN(""), false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct nsq_frame frame = {rows[i].type, rows[i].data};
        if (nsq_frame_is_heartbeat(&frame) != rows[i].heartbeat) {
            fail_msg("row %zu", i);
        }
    }
}

/* --- reading messages ------------------------------------------------------------------------- */

/* All bytes of the header are different, so that a field in the wrong place is found. */
/* clang-format off */
static const uint8_t message_bytes[] =
    "\x18\x27\x36\x45\x54\x63\x72\x81" /* timestamp */
    "\xa1\xb2"                         /* attempts */
    "0a1b2c3d4e5f6789"                 /* id */
    "body";
/* clang-format on */

static void a_message_is_header_and_body(void **state)
{
    const struct exact *wall = *state;
    for (size_t n = NSQ_MESSAGE_HEADER_SIZE; n <= sizeof message_bytes - 1; n++) {
        struct span data = exact_at_end(wall, span_make(message_bytes, n));
        struct nsq_message message;
        assert_int_equal(nsq_message_parse(data, &message), NSQ_OK);
        assert_true(message.timestamp == 0x1827364554637281);
        assert_int_equal(message.attempts, 0xa1b2);
        assert_ptr_equal(message.id, data.p + 10);
        assert_memory_equal(message.id, "0a1b2c3d4e5f6789", NSQ_MESSAGE_ID_SIZE);
        assert_ptr_equal(message.body.p, data.p + NSQ_MESSAGE_HEADER_SIZE);
        assert_int_equal(message.body.n, n - NSQ_MESSAGE_HEADER_SIZE);
    }
}

static void a_message_shorter_than_its_header_is_bad(void **state)
{
    const struct exact *wall = *state;
    for (size_t n = 0; n < NSQ_MESSAGE_HEADER_SIZE; n++) {
        struct span data = exact_at_end(wall, span_make(message_bytes, n));
        struct nsq_message message = {.attempts = 9};
        assert_int_equal(nsq_message_parse(data, &message), NSQ_BAD);
        assert_int_equal(message.attempts, 9);
        assert_null(message.id);
    }
}

static void message_headers_come_back_as_they_were(void **state)
{
    const struct exact *wall = *state;
    const struct {
        int64_t timestamp;
        uint16_t attempts;
    } rows[] = {
        {0, 0},
        {1, 1},
        {INT64_MAX, UINT16_MAX},
        {INT64_MIN, 0x8000},
        {-1, 0x7fff},
        {1700000000123456789, 256},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct nsq_message sent = {.timestamp = rows[i].timestamp,
                                         .attempts = rows[i].attempts,
                                         .id = (const uint8_t *)"fedcba9876543210",
                                         .body = SPAN("not written")};
        uint8_t *out = exact_room(wall, NSQ_MESSAGE_HEADER_SIZE);
        nsq_message_header(out, &sent);
        assert_int_equal(out[-1], EXACT_CANARY);
        struct nsq_message got;
        assert_int_equal(nsq_message_parse(span_make(out, NSQ_MESSAGE_HEADER_SIZE), &got), NSQ_OK);
        assert_true(got.timestamp == sent.timestamp);
        assert_int_equal(got.attempts, sent.attempts);
        assert_memory_equal(got.id, sent.id, NSQ_MESSAGE_ID_SIZE);
        assert_int_equal(got.body.n, 0);
    }
}

static void a_message_header_is_these_bytes(void **state)
{
    const struct exact *wall = *state;
    const struct nsq_message message = {.timestamp = 0x1827364554637281,
                                        .attempts = 0xa1b2,
                                        .id = (const uint8_t *)"0a1b2c3d4e5f6789"};
    uint8_t *out = exact_room(wall, NSQ_MESSAGE_HEADER_SIZE);
    nsq_message_header(out, &message);
    assert_memory_equal(out, message_bytes, NSQ_MESSAGE_HEADER_SIZE);
}

/* --- writing frames --------------------------------------------------------------------------- */

/* One row in each line, with the fields of the frame in columns. */
/* clang-format off */
static const struct {
    enum nsq_frame_type type;
    struct span data;
    struct span bytes;
} encoded[] = {
    {NSQ_FRAME_RESPONSE, SPAN_LITERAL("OK"), SPAN_LITERAL("\x00\x00\x00\x06" "\x00\x00\x00\x00" "OK")},
    {NSQ_FRAME_ERROR, SPAN_LITERAL("E_X"), SPAN_LITERAL("\x00\x00\x00\x07" "\x00\x00\x00\x01" "E_X")},
    {NSQ_FRAME_MESSAGE, SPAN_LITERAL("\0"), SPAN_LITERAL("\x00\x00\x00\x05" "\x00\x00\x00\x02" "\0")},
    {NSQ_FRAME_RESPONSE, {NULL, 0}, SPAN_LITERAL("\x00\x00\x00\x04" "\x00\x00\x00\x00")},
};
/* clang-format on */

#define ENCODED (sizeof encoded / sizeof encoded[0])

static void frames_are_written_when_there_is_room(void **state)
{
    const struct exact *wall = *state;
    for (size_t i = 0; i < ENCODED; i++) {
        size_t size = encoded[i].bytes.n;
        for (size_t room = size; room <= size + 1; room++) {
            uint8_t *out = exact_room(wall, room);
            assert_int_equal(nsq_frame_encode(encoded[i].type, encoded[i].data, out, room), size);
            assert_memory_equal(out, encoded[i].bytes.p, size);
            assert_int_equal(out[-1], EXACT_CANARY);
            assert_true(room == size || out[size] == EXACT_CANARY);
        }
    }
}

static void frames_are_measured_when_there_is_none(void **state)
{
    const struct exact *wall = *state;
    for (size_t i = 0; i < ENCODED; i++) {
        size_t size = encoded[i].bytes.n;
        assert_int_equal(nsq_frame_encode(encoded[i].type, encoded[i].data, NULL, 0), size);
        uint8_t *out = exact_room(wall, size - 1);
        assert_int_equal(nsq_frame_encode(encoded[i].type, encoded[i].data, out, size - 1), size);
        for (size_t k = 0; k < size - 1; k++) {
            assert_int_equal(out[k], EXACT_CANARY);
        }
    }
}

/* Such data is never read: it is only measured or refused. */
static void frames_end_where_their_size_field_does(void **state)
{
    const struct exact *wall = *state;
    const struct {
        size_t data, size;
    } rows[] = {
        {NSQ_FRAME_DATA_MAX - 1, (size_t)INT32_MAX + 3},
        {NSQ_FRAME_DATA_MAX, (size_t)INT32_MAX + 4},
        {NSQ_FRAME_DATA_MAX + 1, 0},
        {SIZE_MAX - NSQ_FRAME_HEADER_SIZE, 0},
        {SIZE_MAX, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct span data = span_make(wall->end, rows[i].data);
        assert_int_equal(nsq_frame_encode(NSQ_FRAME_MESSAGE, data, NULL, 0), rows[i].size);
    }
    struct span data = span_make(wall->end, NSQ_FRAME_DATA_MAX + 1);
    uint8_t *out = exact_room(wall, ROOM);
    assert_int_equal(nsq_frame_encode(NSQ_FRAME_MESSAGE, data, out, SIZE_MAX), 0);
    assert_int_equal(out[0], EXACT_CANARY);
}

static void a_frame_header_is_eight_bytes(void **state)
{
    const struct exact *wall = *state;
    const struct {
        enum nsq_frame_type type;
        size_t data;
        const char *bytes;
    } rows[] = {
        /* clang-format off */
        {NSQ_FRAME_RESPONSE, 0, "\x00\x00\x00\x04" "\x00\x00\x00\x00"},
        {NSQ_FRAME_ERROR, 1, "\x00\x00\x00\x05" "\x00\x00\x00\x01"},
        {NSQ_FRAME_MESSAGE, 0x01020304, "\x01\x02\x03\x08" "\x00\x00\x00\x02"},
        {NSQ_FRAME_MESSAGE, NSQ_FRAME_DATA_MAX, "\x7f\xff\xff\xff" "\x00\x00\x00\x02"},
        /* clang-format on */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t *out = exact_room(wall, NSQ_FRAME_HEADER_SIZE);
        nsq_frame_header(out, rows[i].type, rows[i].data);
        assert_memory_equal(out, rows[i].bytes, NSQ_FRAME_HEADER_SIZE);
        assert_int_equal(out[-1], EXACT_CANARY);
    }
}

static void frames_come_back_as_they_were(void **state)
{
    const struct exact *wall = *state;
    uint8_t bytes[ROOM];
    for (size_t i = 0; i < ROOM; i++) {
        bytes[i] = (uint8_t)i;
    }
    for (int type = NSQ_FRAME_RESPONSE; type <= NSQ_FRAME_MESSAGE; type++) {
        for (size_t n = 0; n <= ROOM - NSQ_FRAME_HEADER_SIZE; n++) {
            size_t size = NSQ_FRAME_HEADER_SIZE + n;
            uint8_t *out = exact_room(wall, size);
            size_t written =
                nsq_frame_encode((enum nsq_frame_type)type, span_make(bytes, n), out, size);
            assert_int_equal(written, size);
            struct nsq_frame frame;
            size_t consumed;
            assert_int_equal(nsq_frame_parse(span_make(out, size), n, &frame, &consumed), NSQ_OK);
            assert_int_equal(consumed, size);
            assert_int_equal(frame.type, type);
            assert_true(span_equal(frame.data, span_make(bytes, n)));
        }
    }
}

/* A server writes the frame's header, the message's header and the body one after the other; a
 * client reads them as one frame. */
static void a_message_frame_in_three_pieces_is_one_frame(void **state)
{
    const struct exact *wall = *state;
    const struct nsq_message sent = {.timestamp = 1700000000123456789,
                                     .attempts = 3,
                                     .id = (const uint8_t *)"0123456789abcdef",
                                     .body = SPAN("hello")};
    size_t data_size = NSQ_MESSAGE_HEADER_SIZE + sent.body.n;
    uint8_t *out = exact_room(wall, NSQ_FRAME_HEADER_SIZE + data_size);
    nsq_frame_header(out, NSQ_FRAME_MESSAGE, data_size);
    nsq_message_header(out + NSQ_FRAME_HEADER_SIZE, &sent);
    memcpy(out + NSQ_FRAME_HEADER_SIZE + NSQ_MESSAGE_HEADER_SIZE, sent.body.p, sent.body.n);

    struct nsq_frame frame;
    size_t consumed;
    struct span in = span_make(out, NSQ_FRAME_HEADER_SIZE + data_size);
    assert_int_equal(nsq_frame_parse(in, ANY, &frame, &consumed), NSQ_OK);
    assert_int_equal(consumed, in.n);
    assert_int_equal(frame.type, NSQ_FRAME_MESSAGE);
    struct nsq_message got;
    assert_int_equal(nsq_message_parse(frame.data, &got), NSQ_OK);
    assert_true(got.timestamp == sent.timestamp);
    assert_int_equal(got.attempts, 3);
    assert_memory_equal(got.id, sent.id, NSQ_MESSAGE_ID_SIZE);
    assert_true(span_equal(got.body, sent.body));
}

int main(void)
{
    struct exact wall;
    exact_open(&wall, ROOM);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(frames_are_said_at_the_byte_that_decides, &wall),
        cmocka_unit_test(no_bytes_may_be_nowhere),
        cmocka_unit_test(heartbeats_are_responses_with_that_text),
        cmocka_unit_test_prestate(a_message_is_header_and_body, &wall),
        cmocka_unit_test_prestate(a_message_shorter_than_its_header_is_bad, &wall),
        cmocka_unit_test_prestate(message_headers_come_back_as_they_were, &wall),
        cmocka_unit_test_prestate(a_message_header_is_these_bytes, &wall),
        cmocka_unit_test_prestate(frames_are_written_when_there_is_room, &wall),
        cmocka_unit_test_prestate(frames_are_measured_when_there_is_none, &wall),
        cmocka_unit_test_prestate(frames_end_where_their_size_field_does, &wall),
        cmocka_unit_test_prestate(a_frame_header_is_eight_bytes, &wall),
        cmocka_unit_test_prestate(frames_come_back_as_they_were, &wall),
        cmocka_unit_test_prestate(a_message_frame_in_three_pieces_is_one_frame, &wall),
    };
    int failed = cmocka_run_group_tests_name("frame", tests, NULL, NULL);
    exact_close(&wall);
    return failed;
}
