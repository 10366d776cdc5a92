/* SPDX-License-Identifier: MIT */
/* Tests of store/format.h. The golden bytes were computed by another program. */
#include "store/format.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "support/exact.h"

#define SALT 0x1112131415161718u
#define VERSION_2_CHECKSUM "\x7d\x8c\xf2\x96"

/* --- the head of a segment -------------------------------------------------------------------- */

static const struct segment_head golden_head = {
    .number = 0x0102030405060708,
    .salt = SALT,
    .previous = 0x2122232425262728,
    .previous_end = 0x3132333435363738,
    .wall = -2,
};

static const char golden_head_bytes[] = "NSQLOG\r\n"
                                        "\0\0\0\1"                         /* version */
                                        "\x30\xeb\x46\x61"                 /* checksum */
                                        "\x01\x02\x03\x04\x05\x06\x07\x08" /* number */
                                        "\x11\x12\x13\x14\x15\x16\x17\x18" /* salt */
                                        "\x21\x22\x23\x24\x25\x26\x27\x28" /* previous */
                                        "\x31\x32\x33\x34\x35\x36\x37\x38" /* previous end */
                                        "\xff\xff\xff\xff\xff\xff\xff\xfe" /* wall */
                                        "\0\0\0\0\0\0\0\0";

static void check_golden(const struct segment_head *head)
{
    assert_true(head->number == golden_head.number);
    assert_true(head->salt == golden_head.salt);
    assert_true(head->previous == golden_head.previous);
    assert_true(head->previous_end == golden_head.previous_end);
    assert_true(head->wall == golden_head.wall);
}

static void a_segment_head_is_these_bytes_twice(void **state)
{
    uint8_t *out = exact_room(*state, SEGMENT_HEAD_SIZE);
    uint8_t expected[SEGMENT_HEAD_SIZE] = {0};
    assert_int_equal(sizeof golden_head_bytes - 1, SEGMENT_HEAD_USED);
    memcpy(expected, golden_head_bytes, SEGMENT_HEAD_USED);
    memcpy(expected + 2048, golden_head_bytes, SEGMENT_HEAD_USED);
    segment_head_write(&golden_head, out);
    assert_memory_equal(out, expected, sizeof expected);

    struct segment_head head;
    bool damaged = true;
    assert_int_equal(segment_head_parse(span_make(expected, sizeof expected), &head, &damaged),
                     PARSED_VALID);
    assert_false(damaged);
    check_golden(&head);
}

static void a_segment_head_that_is_cut_needs_more(void **state)
{
    uint8_t bytes[SEGMENT_HEAD_SIZE];
    segment_head_write(&golden_head, bytes);
    for (size_t n = 0; n < SEGMENT_HEAD_COPY + SEGMENT_HEAD_USED; n++) {
        struct segment_head head;
        bool damaged;
        struct span in = exact_at_end(*state, span_make(bytes, n));
        assert_int_equal(segment_head_parse(in, &head, &damaged), PARSED_CUT);
    }
}

/* One flipped bit in one copy is reported, and the other copy counts. The same bit in both copies
 * makes the head wrong. */
static void a_flipped_bit_of_a_segment_head_is_seen(void **state)
{
    (void)state;
    uint8_t bytes[SEGMENT_HEAD_SIZE];
    segment_head_write(&golden_head, bytes);
    struct span in = span_make(bytes, sizeof bytes);
    struct segment_head head;
    for (size_t bit = 0; bit < 8 * (size_t)SEGMENT_HEAD_USED; bit++) {
        uint8_t mask = (uint8_t)(1 << bit % 8);
        for (size_t copy = 0; copy <= SEGMENT_HEAD_COPY; copy += SEGMENT_HEAD_COPY) {
            bool damaged = false;
            bytes[copy + bit / 8] ^= mask;
            assert_int_equal(segment_head_parse(in, &head, &damaged), PARSED_VALID);
            bytes[copy + bit / 8] ^= mask;
            assert_true(damaged);
            check_golden(&head);
        }
        bool damaged = false;
        bytes[bit / 8] ^= mask;
        bytes[SEGMENT_HEAD_COPY + bit / 8] ^= mask;
        assert_int_equal(segment_head_parse(in, &head, &damaged),
                         bit / 8 < 8 ? WRONG_MAGIC : WRONG_CHECKSUM);
        bytes[bit / 8] ^= mask;
        bytes[SEGMENT_HEAD_COPY + bit / 8] ^= mask;
    }
}

/* A head of version 2 with a valid checksum, which the other program has computed. */
static void another_version_is_said(void **state)
{
    (void)state;
    uint8_t bytes[SEGMENT_HEAD_SIZE];
    segment_head_write(&golden_head, bytes);
    memcpy(bytes + 8, "\0\0\0\2", 4);
    memcpy(bytes + 12, VERSION_2_CHECKSUM, 4);
    struct segment_head head;
    bool damaged;
    assert_int_equal(segment_head_parse(span_make(bytes, sizeof bytes), &head, &damaged),
                     WRONG_VERSION);
}

/* --- frames ----------------------------------------------------------------------------------- */

#define TOO_LONG                                                                                   \
    "\x40\x00\x00\x01\x5f\x6e\xd8\x52\x00\x00\x00\x00\x00\x00\x00\x01"                             \
    "\x00\x00\x00\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00\x00\x01"
#define LONGEST                                                                                    \
    "\x40\x00\x00\x00\x71\x5a\x13\xcf\x00\x00\x00\x00\x00\x00\x00\x01"                             \
    "\x00\x00\x00\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00\x00\x01"
#define PAYLOAD "payload of 20 bytes."
#define GOLDEN_SIZE 56

static const struct frame_head golden_frame = {
    .length = 20, .number = 0x4142434445464748, .durable = 0x5152535455565758, .records = 2};

static const char golden_bytes[] = "\0\0\0\x14"                       /* length */
                                   "\x58\x85\xdd\x18"                 /* checksum of the head */
                                   "\x41\x42\x43\x44\x45\x46\x47\x48" /* number */
                                   "\x51\x52\x53\x54\x55\x56\x57\x58" /* durable */
                                   "\x66\x41\x02\xf8"                 /* checksum of the payload */
                                   "\0\0\0\2"                         /* records */
    PAYLOAD "\0\0\0\0";

static const struct span golden = {(const uint8_t *)golden_bytes, GOLDEN_SIZE};

static void a_frame_is_these_bytes(void **state)
{
    uint8_t *out = exact_room(*state, frame_size(20));
    assert_int_equal(frame_size(20), GOLDEN_SIZE);
    memset(out, 0, GOLDEN_SIZE);
    memcpy(out + FRAME_HEAD_SIZE, PAYLOAD, 20);
    frame_seal(out, SALT, &golden_frame);
    assert_memory_equal(out, golden_bytes, GOLDEN_SIZE);

    struct frame_head head;
    struct span payload;
    assert_int_equal(frame_parse(exact_at_end(*state, golden), SALT, &head, &payload),
                     PARSED_VALID);
    assert_int_equal(head.length, 20);
    assert_true(head.number == golden_frame.number && head.durable == golden_frame.durable);
    assert_int_equal(head.records, 2);
    assert_true(span_equal(payload, SPAN(PAYLOAD)));
}

static void a_frame_may_be_empty(void **state)
{
    uint8_t *out = exact_room(*state, FRAME_HEAD_SIZE);
    frame_seal(out, 5, &(struct frame_head){.number = 1, .durable = 4096});
    assert_memory_equal(out,
                        "\0\0\0\0\xee\x0b\x30\x21"
                        "\0\0\0\0\0\0\0\x01"
                        "\0\0\0\0\0\0\x10\0"
                        "\x9a\xea\x0d\x92\0\0\0\0",
                        FRAME_HEAD_SIZE);
    struct frame_head head;
    struct span payload;
    assert_int_equal(frame_parse(span_make(out, FRAME_HEAD_SIZE), 5, &head, &payload),
                     PARSED_VALID);
    assert_int_equal(payload.n, 0);
}

static void frames_have_whole_words(void **state)
{
    (void)state;
    static const size_t sizes[][2] = {{0, 32}, {1, 40}, {7, 40}, {8, 40}, {9, 48}, {4096, 4128}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        assert_int_equal(frame_size(sizes[i][0]), sizes[i][1]);
    }
}

static void a_frame_that_is_cut_needs_more(void **state)
{
    for (size_t n = 0; n < GOLDEN_SIZE; n++) {
        struct frame_head head = {.length = 99};
        struct span payload;
        struct span in = exact_at_end(*state, span_first(golden, n));
        assert_int_equal(frame_parse(in, SALT, &head, &payload), PARSED_CUT);
        assert_int_equal(head.length, n < FRAME_HEAD_SIZE ? 99 : 20);
    }
}

static void a_flipped_bit_of_a_frame_is_seen(void **state)
{
    (void)state;
    for (size_t bit = 0; bit < 8 * (size_t)GOLDEN_SIZE; bit++) {
        uint8_t bytes[GOLDEN_SIZE];
        memcpy(bytes, golden_bytes, GOLDEN_SIZE);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        struct frame_head head;
        struct span payload;
        enum parsed parsed = frame_parse(span_make(bytes, GOLDEN_SIZE), SALT, &head, &payload);
        assert_int_equal(parsed, bit / 8 < FRAME_HEAD_SIZE ? WRONG_CHECKSUM : WRONG_PAYLOAD);
    }
}

/* A wrong payload leaves the head, so that the reader can go on behind the frame. */
static void a_wrong_payload_keeps_the_head(void **state)
{
    (void)state;
    uint8_t bytes[GOLDEN_SIZE];
    memcpy(bytes, golden_bytes, GOLDEN_SIZE);
    bytes[40]++;
    struct frame_head head = {0};
    struct span payload;
    assert_int_equal(frame_parse(span_make(bytes, GOLDEN_SIZE), SALT, &head, &payload),
                     WRONG_PAYLOAD);
    assert_int_equal(head.length, 20);
    assert_true(head.number == golden_frame.number);
}

/* Another salt makes every frame wrong: that of an earlier use, that in a message. An equal frame
 * with another number has another checksum of the payload. */
static void a_frame_belongs_to_its_segment(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 64; bit++) {
        struct frame_head head;
        struct span payload;
        uint64_t salt = SALT ^ (uint64_t)1 << bit;
        assert_int_equal(frame_parse(golden, salt, &head, &payload), WRONG_CHECKSUM);
    }
    uint8_t one[FRAME_HEAD_SIZE];
    uint8_t two[FRAME_HEAD_SIZE];
    frame_seal(one, SALT, &(struct frame_head){.number = 1});
    frame_seal(two, SALT, &(struct frame_head){.number = 2});
    assert_true(be32_load(one + 24) != be32_load(two + 24));
}

static void zeros_are_no_frame(void **state)
{
    (void)state;
    uint8_t bytes[FRAME_HEAD_SIZE] = {0};
    struct frame_head head;
    for (uint64_t salt = 0; salt < 1000; salt++) {
        assert_int_equal(frame_head_parse(span_make(bytes, sizeof bytes), salt, &head),
                         WRONG_ZEROS);
    }
    bytes[31] = 1;
    assert_int_equal(frame_head_parse(span_make(bytes, sizeof bytes), 1, &head), WRONG_CHECKSUM);
}

/* A valid head with a payload of 2^30 + 1 bytes, made by the other program. */
static void a_payload_has_a_bound(void **state)
{
    (void)state;
    struct frame_head head;
    assert_int_equal(frame_head_parse(SPAN(TOO_LONG), SALT, &head), WRONG_LENGTH);
    assert_int_equal(frame_head_parse(SPAN(LONGEST), SALT, &head), PARSED_VALID);
    assert_int_equal(head.length, FRAME_PAYLOAD_MAX);
}

static void each_result_has_a_text(void **state)
{
    (void)state;
    for (int i = 0; i < PARSED_COUNT; i++) {
        assert_true(parsed_text((enum parsed)i).n > 0);
    }
    assert_true(span_equal(parsed_text(WRONG_CHECKSUM), SPAN("wrong checksum")));
}

int main(void)
{
    struct exact wall;
    exact_open(&wall, 2 * (size_t)SEGMENT_HEAD_SIZE);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(a_segment_head_is_these_bytes_twice, &wall),
        cmocka_unit_test_prestate(a_segment_head_that_is_cut_needs_more, &wall),
        cmocka_unit_test(a_flipped_bit_of_a_segment_head_is_seen),
        cmocka_unit_test(another_version_is_said),
        cmocka_unit_test_prestate(a_frame_is_these_bytes, &wall),
        cmocka_unit_test_prestate(a_frame_may_be_empty, &wall),
        cmocka_unit_test(frames_have_whole_words),
        cmocka_unit_test_prestate(a_frame_that_is_cut_needs_more, &wall),
        cmocka_unit_test(a_flipped_bit_of_a_frame_is_seen),
        cmocka_unit_test(a_wrong_payload_keeps_the_head),
        cmocka_unit_test(a_frame_belongs_to_its_segment),
        cmocka_unit_test(zeros_are_no_frame),
        cmocka_unit_test(a_payload_has_a_bound),
        cmocka_unit_test(each_result_has_a_text),
    };
    int failed = cmocka_run_group_tests_name("store_format", tests, NULL, NULL);
    exact_close(&wall);
    return failed;
}
