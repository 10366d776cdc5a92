/* SPDX-License-Identifier: MIT */
/* Tests of store/record.h. */
#include "store/record.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "support/exact.h"

#define ROOM 512

/* Two messages: one with a body of two bytes, one without a body. */
#define TWO_MESSAGES                                                                               \
    "\0\0\0\2"                                                                                     \
    "\1\2\3\4\5\6\7\x08"                                                                           \
    "\0\0\0\0\0\0\0\x09"                                                                           \
    "\0\0\0\0\0\0\0\x0a"                                                                           \
    "hi"                                                                                           \
    "\0\0\0\0"                                                                                     \
    "\0\0\0\0\0\0\0\x0b"                                                                           \
    "\xff\xff\xff\xff\xff\xff\xff\xff"                                                             \
    "\0\0\0\0\0\0\0\0"
#define ONE_MESSAGE                                                                                \
    "\0\0\0\1"                                                                                     \
    "\0\0\0\0\0\0\0\1"                                                                             \
    "\0\0\0\0\0\0\0\2"                                                                             \
    "\0\0\0\0\0\0\0\3"                                                                             \
    "m"

/* Each type and kind: its fields, and its bytes. */
/* clang-format off */
static const struct {
    struct record record;
    struct span bytes;
} golden[] = {
#define ROW(bytes, ...) {{__VA_ARGS__}, SPAN_LITERAL(bytes)}
#define TAIL(literal) .tail = SPAN_LITERAL(literal)
    ROW("\0\1" "\0\0" "\0\0\0\x4a" "\1\2\3\4" "\x11\x12\x13\x14\x15\x16\x17\x18" "\0\0\0\2" TWO_MESSAGES,
        .type = RECORD_PUB, .topic = 0x01020304, .seq = 0x1112131415161718, .count = 2, TAIL(TWO_MESSAGES)),
    ROW("\0\1" "\0\0" "\0\0\0\x10" "\0\0\0\1" "\0\0\0\0\0\0\0\1" "\0\0\0\0",
        .type = RECORD_PUB, .topic = 1, .seq = 1),
    ROW("\0\2" "\0\0" "\0\0\0\x18" "\0\0\0\7" "\0\0\0\2" "\0\0\0\0\0\0\0\5" "\0\0\0\0\0\0\0\6",
        .type = RECORD_FIN, .channel = 7, .count = 2, TAIL("\0\0\0\0\0\0\0\5" "\0\0\0\0\0\0\0\6")),
    ROW("\0\3" "\0\0" "\0\0\0\x16" "\0\0\0\7" "\0\0\0\0\0\0\0\5" "\x01\x02" "\0\0\0\0\0\0\0\x09",
        .type = RECORD_REQ, .channel = 7, .seq = 5, .attempts = 0x0102, .due = 9),
    ROW("\0\4" "\0\0" "\0\0\0\x07" "\0\0\0\x08" "abc",
        .type = RECORD_TOPIC_NEW, .topic = 8, TAIL("abc")),
    ROW("\0\5" "\0\0" "\0\0\0\x04" "\0\0\0\x08",
        .type = RECORD_TOPIC_DELETED, .topic = 8),
    ROW("\0\6" "\0\0" "\0\0\0\x12" "\0\0\0\7" "\0\0\0\x08" "\0\0\0\0\0\0\0\x63" "ch",
        .type = RECORD_CHANNEL_NEW, .channel = 7, .topic = 8, .seq = 0x63, TAIL("ch")),
    ROW("\0\7" "\0\0" "\0\0\0\x04" "\0\0\0\7",
        .type = RECORD_CHANNEL_DELETED, .channel = 7),
    ROW("\0\x08" "\0\0" "\0\0\0\x10" "\0\0\0\x08" "\0\0\0\7" "\0\0\0\0\0\0\0\x05",
        .type = RECORD_EMPTIED, .topic = 8, .channel = 7, .seq = 5),
    ROW("\0\x09" "\0\0" "\0\0\0\x12" "\0\0\0\x08" "\0\0\0\7" "\0\1" "\0\0\0\0\0\0\0\x05",
        .type = RECORD_PAUSED, .topic = 8, .channel = 7, .flag = 1, .flowed = 5),
    ROW("\0\x0a" "\0\0" "\0\0\0\x3b" "\0\0\0\x08" "\0\0\0\0\0\0\0\x05" "\0\0\0\1" ONE_MESSAGE
        "\0\0\0\7" "\0\3" "\0\0\0\0\0\0\0\4",
        .type = RECORD_KEEP, .topic = 8, .seq = 5, .count = 1,
        TAIL(ONE_MESSAGE "\0\0\0\7" "\0\3" "\0\0\0\0\0\0\0\4")),
    ROW("\0\x0b" "\0\0" "\0\0\0\x14" "\0\0\0\0\0\0\0\1" "\0\0\0\2" "\0\0\0\3" "\0\0\0\4",
        .type = RECORD_CHECKPOINT_BEGIN, .clock = 1, .topic = 2, .channel = 3, .count = 4),
    ROW("\0\x0c" "\0\1" "\0\0\0\x17" "\0\0\0\x08" "\0\0\0\0\0\0\0\5" "\0\0\0\0\0\0\0\4" "\0\1" "t",
        .type = RECORD_CHECKPOINT_PART, .kind = PART_TOPIC, .topic = 8, .seq = 5, .flowed = 4,
        .flag = 1, TAIL("t")),
    ROW("\0\x0c" "\0\2" "\0\0\0\x13" "\0\0\0\7" "\0\0\0\x08" "\0\0\0\0\0\0\0\5" "\0\0" "c",
        .type = RECORD_CHECKPOINT_PART, .kind = PART_CHANNEL, .channel = 7, .topic = 8, .seq = 5,
        TAIL("c")),
    ROW("\0\x0c" "\0\3" "\0\0\0\x18" "\0\0\0\7" "\0\0\0\1" "\0\0\0\0\0\0\0\1" "\0\0\0\0\0\0\0\2",
        .type = RECORD_CHECKPOINT_PART, .kind = PART_FINISHED, .channel = 7, .count = 1,
        TAIL("\0\0\0\0\0\0\0\1" "\0\0\0\0\0\0\0\2")),
    ROW("\0\x0c" "\0\4" "\0\0\0\x1a" "\0\0\0\7" "\0\0\0\1" "\0\0\0\0\0\0\0\1" "\0\2" "\0\0\0\0\0\0\0\3",
        .type = RECORD_CHECKPOINT_PART, .kind = PART_EXCEPTIONS, .channel = 7, .count = 1,
        TAIL("\0\0\0\0\0\0\0\1" "\0\2" "\0\0\0\0\0\0\0\3")),
    ROW("\0\x0c" "\0\5" "\0\0\0\x0c" "\0\0\0\0\0\0\0\x09" "\0\0\0\0",
        .type = RECORD_CHECKPOINT_PART, .kind = PART_SEGMENT, .segment = 9),
    ROW("\0\x0d" "\0\0" "\0\0\0\x04" "\0\0\0\4",
        .type = RECORD_CHECKPOINT_END, .count = 4),
    ROW("\0\x0e" "\0\0" "\0\0\0\x1c" "\0\0\0\1" "\0\0\0\x08" "\0\0\0\2" "\0\0\0\0\0\0\x10\0" "\0\0\0\0\0\0\0\5",
        .type = RECORD_FOOTER, .count = 1, TAIL("\0\0\0\x08" "\0\0\0\2" "\0\0\0\0\0\0\x10\0" "\0\0\0\0\0\0\0\5")),
    ROW("\0\x0f" "\0\0" "\0\0\0\x08" "\0\0\0\0\0\0\0\1",
        .type = RECORD_CLEAN, .clock = 1),
#undef ROW
};
/* clang-format on */
#define GOLDEN_COUNT (sizeof golden / sizeof *golden)

static void check_equal(const struct record *a, const struct record *b)
{
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->attempts, b->attempts);
    assert_int_equal(a->flag, b->flag);
    assert_int_equal(a->topic, b->topic);
    assert_int_equal(a->channel, b->channel);
    assert_int_equal(a->count, b->count);
    assert_true(a->seq == b->seq && a->flowed == b->flowed && a->segment == b->segment);
    assert_true(a->clock == b->clock && a->due == b->due);
    assert_true(span_equal(a->tail, b->tail));
}

static void every_record_is_among_them(void **state)
{
    (void)state;
    unsigned types = 0;
    unsigned kinds = 0;
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        types |= 1U << golden[i].record.type;
        kinds |= 1U << golden[i].record.kind;
    }
    assert_int_equal(types, (1U << RECORD_TYPES) - 2);
    assert_int_equal(kinds, (1U << RECORD_PARTS) - 1);
}

static void records_are_these_bytes(void **state)
{
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        const struct record *expected = &golden[i].record;
        struct span bytes = golden[i].bytes;
        uint8_t out[RECORD_HEAD_MAX];
        size_t head = record_write_head(expected, out);
        assert_int_equal(head + expected->tail.n, bytes.n);
        assert_memory_equal(out, bytes.p, head);

        struct record record = {0};
        size_t consumed = 0;
        struct span in = exact_at_end(*state, bytes);
        assert_int_equal(record_parse(in, &record, &consumed), PARSED_VALID);
        assert_int_equal(consumed, bytes.n);
        check_equal(&record, expected);
        assert_true(record.tail.n == 0 || record.tail.p + record.tail.n == in.p + in.n);
    }
}

/* A record ends where its length says, whatever follows. */
static void what_follows_does_not_matter(void **state)
{
    (void)state;
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        uint8_t bytes[ROOM];
        memset(bytes, 0xff, sizeof bytes);
        memcpy(bytes, golden[i].bytes.p, golden[i].bytes.n);
        struct record record;
        size_t consumed;
        assert_int_equal(record_parse(span_make(bytes, sizeof bytes), &record, &consumed),
                         PARSED_VALID);
        assert_int_equal(consumed, golden[i].bytes.n);
        check_equal(&record, &golden[i].record);
    }
}

static void records_that_are_cut_need_more(void **state)
{
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        for (size_t n = 0; n < golden[i].bytes.n; n++) {
            struct record record;
            size_t consumed;
            struct span in = exact_at_end(*state, span_first(golden[i].bytes, n));
            assert_int_equal(record_parse(in, &record, &consumed), PARSED_CUT);
        }
    }
}

/* Whatever bit is flipped: the parser stays within the bytes, and what it accepts is written as
 * the same bytes again. */
static void flipped_bits_are_refused_or_mean_something_else(void **state)
{
    unsigned refused = 0;
    unsigned other = 0;
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        for (size_t bit = 0; bit < 8 * golden[i].bytes.n; bit++) {
            uint8_t bytes[ROOM];
            memcpy(bytes, golden[i].bytes.p, golden[i].bytes.n);
            bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
            struct span in = exact_at_end(*state, span_make(bytes, golden[i].bytes.n));
            struct record record;
            size_t consumed = 0;
            if (record_parse(in, &record, &consumed) != PARSED_VALID) {
                refused++;
                continue;
            }
            uint8_t out[RECORD_HEAD_MAX];
            size_t head = record_write_head(&record, out);
            assert_int_equal(head + record.tail.n, consumed);
            assert_memory_equal(out, in.p, head);
            assert_true(record.tail.p == in.p + head);
            other++;
        }
    }
    assert_true(refused > 0 && other > 0);
}

/* clang-format off */
static const struct {
    const char *rule;
    struct span bytes;
    enum parsed parsed;
} wrong[] = {
#define ROW(rule, bytes, parsed) {rule, SPAN_LITERAL(bytes), parsed}
    ROW("no type", "\0\0" "\0\0" "\0\0\0\0", WRONG_TYPE),
    ROW("type 16", "\0\x10" "\0\0" "\0\0\0\0", WRONG_TYPE),
    ROW("a large type", "\xff\xff" "\0\0" "\0\0\0\0", WRONG_TYPE),
    ROW("a kind that it must not have", "\0\1" "\0\1" "\0\0\0\x10", WRONG_TYPE),
    ROW("a part without a kind", "\0\x0c" "\0\0" "\0\0\0\x10", WRONG_TYPE),
    ROW("a part of kind 6", "\0\x0c" "\0\6" "\0\0\0\x10", WRONG_TYPE),
    ROW("shorter than its fields", "\0\5" "\0\0" "\0\0\0\3" "\0\0\0", WRONG_LENGTH),
    ROW("longer than its fields", "\0\5" "\0\0" "\0\0\0\5" "\0\0\0\1\0", WRONG_LENGTH),
    ROW("longer than a payload", "\0\1" "\0\0" "\x40\0\0\1", WRONG_LENGTH),
    ROW("a row less", "\0\2" "\0\0" "\0\0\0\x08" "\0\0\0\7" "\0\0\0\1", WRONG_LENGTH),
    ROW("a row more", "\0\2" "\0\0" "\0\0\0\x10" "\0\0\0\7" "\0\0\0\0" "\0\0\0\0\0\0\0\1", WRONG_LENGTH),
    ROW("rows whose size has 33 bits", "\0\2" "\0\0" "\0\0\0\x08" "\0\0\0\7" "\x20\0\0\0", WRONG_LENGTH),
    ROW("a message less", "\0\1" "\0\0" "\0\0\0\x10" "\0\0\0\1" "\0\0\0\0\0\0\0\1" "\0\0\0\1", WRONG_LENGTH),
    ROW("a message more", "\0\1" "\0\0" "\0\0\0\x2d" "\0\0\0\1" "\0\0\0\0\0\0\0\1" "\0\0\0\0" ONE_MESSAGE,
        WRONG_LENGTH),
    ROW("a byte behind the messages", "\0\1" "\0\0" "\0\0\0\x2e" "\0\0\0\1" "\0\0\0\0\0\0\0\1" "\0\0\0\1"
        ONE_MESSAGE "x", WRONG_LENGTH),
    ROW("a body beyond the record", "\0\1" "\0\0" "\0\0\0\x2c" "\0\0\0\1" "\0\0\0\0\0\0\0\1" "\0\0\0\1"
        "\0\0\0\1" "\0\0\0\0\0\0\0\1" "\0\0\0\0\0\0\0\2" "\0\0\0\0\0\0\0\3", WRONG_LENGTH),
    ROW("a kept message that is missing", "\0\x0a" "\0\0" "\0\0\0\x10" "\0\0\0\x08" "\0\0\0\0\0\0\0\5" "\0\0\0\0",
        WRONG_LENGTH),
    ROW("no name", "\0\4" "\0\0" "\0\0\0\x04" "\0\0\0\1", WRONG_FIELD),
    ROW("a name of 65 bytes", "\0\4" "\0\0" "\0\0\0\x45" "\0\0\0\1"
        "0123456789012345678901234567890123456789012345678901234567890123X", WRONG_FIELD),
    ROW("a name of 64 bytes", "\0\4" "\0\0" "\0\0\0\x44" "\0\0\0\1"
        "0123456789012345678901234567890123456789012345678901234567890123", PARSED_VALID),
    ROW("the highest topic", "\0\5" "\0\0" "\0\0\0\4" "\x7f\xff\xff\xff", PARSED_VALID),
    ROW("a topic above it", "\0\5" "\0\0" "\0\0\0\4" "\x80\0\0\0", WRONG_FIELD),
    ROW("a channel above it", "\0\7" "\0\0" "\0\0\0\4" "\x80\0\0\0", WRONG_FIELD),
    ROW("a seq that is too high for a message", "\0\1" "\0\0" "\0\0\0\x2d" "\0\0\0\1"
        "\xff\xff\xff\xff\xff\xff\xff\xff" "\0\0\0\1" ONE_MESSAGE, WRONG_FIELD),
    ROW("a flag of 2", "\0\x09" "\0\0" "\0\0\0\x12" "\0\0\0\x08" "\0\0\0\7" "\0\2" "\0\0\0\0\0\0\0\x05", WRONG_FIELD),
#undef ROW
};
/* clang-format on */

static void wrong_records_are_refused_for_their_reason(void **state)
{
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct record record;
        size_t consumed;
        struct span in = exact_at_end(*state, wrong[i].bytes);
        enum parsed parsed = record_parse(in, &record, &consumed);
        if (parsed != wrong[i].parsed) {
            fail_msg("%s: %d", wrong[i].rule, (int)parsed);
        }
    }
}

static void messages_are_taken_one_by_one(void **state)
{
    (void)state;
    struct span tail = SPAN(TWO_MESSAGES);
    struct record_message message;
    assert_int_equal(record_next_message(&tail, &message), PARSED_VALID);
    assert_true(message.id == 0x0102030405060708 && message.timestamp == 9 && message.delay == 10);
    assert_true(span_equal(message.body, SPAN("hi")));
    uint8_t out[RECORD_MESSAGE_HEAD];
    record_write_message(&message, out);
    assert_memory_equal(out, TWO_MESSAGES, sizeof out);

    assert_int_equal(record_next_message(&tail, &message), PARSED_VALID);
    assert_true(message.id == 11 && message.timestamp == -1 && message.delay == 0);
    assert_int_equal(message.body.n, 0);
    assert_int_equal(tail.n, 0);
    assert_int_equal(record_next_message(&tail, &message), PARSED_CUT);
}

int main(void)
{
    struct exact wall;
    exact_open(&wall, ROOM);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_record_is_among_them),
        cmocka_unit_test_prestate(records_are_these_bytes, &wall),
        cmocka_unit_test(what_follows_does_not_matter),
        cmocka_unit_test_prestate(records_that_are_cut_need_more, &wall),
        cmocka_unit_test_prestate(flipped_bits_are_refused_or_mean_something_else, &wall),
        cmocka_unit_test_prestate(wrong_records_are_refused_for_their_reason, &wall),
        cmocka_unit_test(messages_are_taken_one_by_one),
    };
    int failed = cmocka_run_group_tests_name("store_record", tests, NULL, NULL);
    exact_close(&wall);
    return failed;
}
