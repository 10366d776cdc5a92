/* SPDX-License-Identifier: MIT */
/*
 * Tests of nsq/diskqueue.h: records, when a file is full, meta files and names of files. The texts
 * of meta files are also what Go's fmt.Fscanf was asked about. tests/support/diskqueue has files
 * that nsqd 1.3.0 wrote.
 */
#include <nsq/diskqueue.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/exact.h"

#define ROOM 512
#define ID "0123456789abcdef"
#define TIME "\x18\xec\xa1\x7c\x85\x50\x4a\x07" /* 1795987939127626247 */
#define TIMESTAMP INT64_C(0x18eca17c85504a07)

static const struct span nothing = {NULL, 0};
static struct exact wall;

static int open_wall(void **state)
{
    (void)state;
    exact_open(&wall, 4096);
    return 0;
}

static int close_wall(void **state)
{
    (void)state;
    exact_close(&wall);
    return 0;
}

static void expect_span(struct span s, const char *text)
{
    assert_int_equal(s.n, strlen(text));
    assert_true(span_equal(s, span_make(text, s.n)));
}

/* What an encoder returned and wrote for a room of `n` bytes: all of `expected`, or nothing. */
static void expect_written(size_t size, const uint8_t *out, size_t n, struct span expected)
{
    assert_int_equal(size, expected.n);
    if (size <= n) {
        assert_memory_equal(out, expected.p, size);
    }
    for (size_t i = size <= n ? size : 0; i < n; i++) {
        assert_int_equal(out[i], EXACT_CANARY);
    }
}

/* --- records ---------------------------------------------------------------------------------- */

static enum nsq_parse parse(struct span in, size_t max_body, struct nsq_diskqueue_record *record)
{
    memset(record, 0xee, sizeof *record); /* each field must be set */
    return nsq_diskqueue_record_parse(exact_at_end(&wall, in), max_body, record);
}

/* Parses a record of which the last byte is needed. No shorter input may give a result. */
static enum nsq_parse parse_cut(struct span in, size_t max_body,
                                struct nsq_diskqueue_record *record)
{
    for (size_t n = 0; n < in.n; n++) {
        assert_int_equal(parse(span_first(in, n), max_body, record), NSQ_MORE);
        assert_int_equal(record->size, n < 4 ? 0 : (int32_t)be32_load(in.p));
        assert_int_equal(record->consumed, 0);
        assert_int_equal(record->why, NSQ_DISKQUEUE_NO_ERROR);
        assert_int_equal(record->message.body.n, 0);
        assert_null(record->message.id);
    }
    return parse(in, max_body, record);
}

static void a_record_has_a_header_and_a_body(void **state)
{
    (void)state;
    const struct span in = SPAN("\0\0\0\x1d" TIME "\1\2" ID "one");
    struct nsq_diskqueue_record record;
    assert_int_equal(parse_cut(in, 3, &record), NSQ_OK);
    assert_int_equal(record.size, 29);
    assert_int_equal(record.consumed, 33);
    assert_int_equal(record.why, NSQ_DISKQUEUE_NO_ERROR);
    assert_int_equal(record.message.timestamp, TIMESTAMP);
    assert_int_equal(record.message.attempts, 0x102);
    assert_memory_equal(record.message.id, ID, 16);
    expect_span(record.message.body, "one");
}

static void what_follows_a_record_is_not_part_of_it(void **state)
{
    (void)state;
    const struct span in = SPAN("\0\0\0\x1b" TIME "\0\0" ID "a\xff\xff");
    struct nsq_diskqueue_record record;
    assert_int_equal(parse(in, NSQ_DISKQUEUE_BODY_MAX, &record), NSQ_OK);
    assert_int_equal(record.consumed, in.n - 2);
    expect_span(record.message.body, "a");
}

static void a_body_may_be_empty(void **state)
{
    (void)state;
    struct nsq_diskqueue_record record;
    assert_int_equal(parse_cut(SPAN("\0\0\0\x1a" TIME "\0\0" ID), 0, &record), NSQ_OK);
    assert_int_equal(record.consumed, NSQ_DISKQUEUE_HEADER_SIZE);
    assert_int_equal(record.message.body.n, 0);
}

static void expect_bad_size(struct span size, size_t max_body, enum nsq_diskqueue_why why)
{
    struct nsq_diskqueue_record record;
    assert_int_equal(parse_cut(size, max_body, &record), NSQ_BAD);
    assert_int_equal(record.why, why);
    assert_int_equal(record.size, (int32_t)be32_load(size.p));
    assert_int_equal(record.consumed, 0);
    assert_null(record.message.id);
}

static void a_size_has_bounds(void **state)
{
    (void)state;
    struct nsq_diskqueue_record record;
    expect_bad_size(SPAN("\0\0\0\x19"), 9, NSQ_DISKQUEUE_TOO_SMALL);
    expect_bad_size(SPAN("\0\0\0\0"), 9, NSQ_DISKQUEUE_TOO_SMALL);
    expect_bad_size(SPAN("\xff\xff\xff\xff"), 9, NSQ_DISKQUEUE_TOO_SMALL);
    expect_bad_size(SPAN("\x80\0\0\0"), SIZE_MAX, NSQ_DISKQUEUE_TOO_SMALL);
    expect_bad_size(SPAN("\0\0\0\x1b"), 0, NSQ_DISKQUEUE_TOO_BIG);
    expect_bad_size(SPAN("\0\0\0\x24"), 9, NSQ_DISKQUEUE_TOO_BIG);
    expect_bad_size(SPAN("\x7f\xff\xff\xff"), NSQ_DISKQUEUE_BODY_MAX - 1, NSQ_DISKQUEUE_TOO_BIG);
    assert_int_equal(parse(SPAN("\0\0\0\x23"), 9, &record), NSQ_MORE);
    assert_int_equal(parse(SPAN("\x7f\xff\xff\xff"), NSQ_DISKQUEUE_BODY_MAX, &record), NSQ_MORE);
    assert_int_equal(record.size, INT32_MAX);
}

/* The reader can skip such a record, so everything about it is known. */
static void an_id_is_hexadecimal(void **state)
{
    (void)state;
    uint8_t bytes[] = "\0\0\0\x1c" TIME "\0\3" ID "no";
    const struct span in = span_make(bytes, sizeof bytes - 1);
    struct nsq_diskqueue_record record;
    for (size_t i = 0; i < 16; i++) {
        uint8_t *byte = &bytes[14 + i], kept = *byte;
        for (unsigned c = 0; c < 256; c++) {
            bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
            *byte = (uint8_t)c;
            assert_int_equal(parse(in, 2, &record), hex ? NSQ_OK : NSQ_BAD);
            assert_int_equal(record.why, hex ? NSQ_DISKQUEUE_NO_ERROR : NSQ_DISKQUEUE_BAD_ID);
            assert_int_equal(record.consumed, in.n);
            assert_int_equal(record.message.attempts, 3);
            assert_memory_equal(record.message.id, bytes + 14, 16);
            expect_span(record.message.body, "no");
        }
        *byte = kept;
    }
    bytes[14] = 'A';
    assert_int_equal(parse_cut(in, 2, &record), NSQ_BAD);
}

static void expect_encoded(const struct nsq_message *message, struct span expected)
{
    assert_int_equal(nsq_diskqueue_record_encode(message, NULL, 0), expected.n);
    for (size_t room = 0; room < expected.n + 2; room++) {
        uint8_t *out = exact_room(&wall, room);
        expect_written(nsq_diskqueue_record_encode(message, out, room), out, room, expected);
    }
}

static void records_are_encoded(void **state)
{
    (void)state;
    struct nsq_message message = {TIMESTAMP, 0xfffe, (const uint8_t *)ID, SPAN("t\0\n")};
    expect_encoded(&message, SPAN("\0\0\0\x1d" TIME "\xff\xfe" ID "t\0\n"));
    message.body = nothing;
    message.timestamp = -2;
    expect_encoded(&message, SPAN("\0\0\0\x1a\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xfe" ID));
    message.body.n = NSQ_DISKQUEUE_BODY_MAX; /* not read */
    assert_int_equal(nsq_diskqueue_record_encode(&message, NULL, 0), (size_t)INT32_MAX + 4);
    message.body.n = NSQ_DISKQUEUE_BODY_MAX + 1;
    assert_int_equal(nsq_diskqueue_record_encode(&message, NULL, 0), 0);
    message.body.n = SIZE_MAX;
    assert_int_equal(nsq_diskqueue_record_encode(&message, NULL, 0), 0);
}

static void a_full_file_is_followed_by_the_next(void **state)
{
    (void)state;
    const struct {
        int64_t write_pos;
        size_t record_size;
        int64_t max_bytes;
        bool rolls;
    } rows[] = {
        {66, 34, 100, false},
        {66, 35, 100, true},
        {0, 35, 34, false}, /* an empty file takes any record */
        {1, 35, 35, true},
        {1, 35, 36, false},
        {35, 35, 34, true},
        {0, 35, 0, false},
        {1, 35, 0, true},
        {1, 35, INT64_MIN, true},
        {1, (size_t)INT32_MAX + 4, (int64_t)INT32_MAX + 5, false},
        {2, (size_t)INT32_MAX + 4, (int64_t)INT32_MAX + 5, true},
        {INT64_MAX, 30, INT64_MAX, true},
        {INT64_MAX - 30, 30, INT64_MAX, false},
        {INT64_MAX - 29, 30, INT64_MAX, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(
            nsq_diskqueue_rolls(rows[i].write_pos, rows[i].record_size, rows[i].max_bytes),
            rows[i].rolls);
    }
}

/* --- meta files ------------------------------------------------------------------------------- */

struct meta_row {
    struct span text;
    struct nsq_diskqueue_meta meta;
};

#define META(text, ...)                                                                            \
    {                                                                                              \
        SPAN_LITERAL(text),                                                                        \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

static const struct meta_row metas[] = {
    META("5\n1,2\n3,4\n", 5, 1, 2, 3, 4),
    META("0\n0,0\n0,0\n", 0, 0, 0, 0, 0),
    META("5\n1,2\n3,4", 5, 1, 2, 3, 4),
    META("5\n1,2\n3,4\nrest\0", 5, 1, 2, 3, 4),
    META("5\n1,2\n3,4 \t ", 5, 1, 2, 3, 4),
    META("5\r\n1,2\r\n3,4\r\n", 5, 1, 2, 3, 4),
    META("5\n1,2\n3,4\r\r\n", 5, 1, 2, 3, 4),
    META(" 5 \n 1, 2 \n\t3,4", 5, 1, 2, 3, 4),
    META("5\n\r1,2\n3,4", 5, 1, 2, 3, 4),
    META("+5\n-1,+2\n-0,4", 5, -1, 2, 0, 4),
    META("007\n1,2\n3,4", 7, 1, 2, 3, 4),
    META("00000000000000000000000000000000000000000005\n1,2\n3,4", 5, 1, 2, 3, 4),
    META("9223372036854775807\n-9223372036854775808,2\n3,4", INT64_MAX, INT64_MIN, 2, 3, 4),
    META("5\xc2\xa0\n\xe2\x80\x83"
         "1,2\n3,4\xe3\x80\x80",
         5, 1, 2, 3, 4),
};

static void metas_are_parsed_as_go_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof metas / sizeof metas[0]; i++) {
        struct nsq_diskqueue_meta meta;
        struct nsq_diskqueue_meta_error error;
        memset(&error, 0xee, sizeof error);
        struct span text = exact_at_end(&wall, metas[i].text);
        assert_int_equal(nsq_diskqueue_meta_parse(text, &meta, &error), NSQ_OK);
        assert_int_equal(meta.depth, metas[i].meta.depth);
        assert_int_equal(meta.read_file, metas[i].meta.read_file);
        assert_int_equal(meta.read_pos, metas[i].meta.read_pos);
        assert_int_equal(meta.write_file, metas[i].meta.write_file);
        assert_int_equal(meta.write_pos, metas[i].meta.write_pos);
        assert_int_equal(error.why, NSQ_DISKQUEUE_NO_ERROR);
        assert_int_equal(error.field, 0);
        assert_int_equal(error.offset, 0);
    }
}

struct wrong_row {
    struct span text;
    enum nsq_diskqueue_why why;
    enum nsq_diskqueue_field field;
    size_t offset;
};

#define WRONG(text, why, field, offset)                                                            \
    {                                                                                              \
        SPAN_LITERAL(text), NSQ_DISKQUEUE_##why, NSQ_DISKQUEUE_##field, offset                     \
    }

static const struct wrong_row wrongs[] = {
    WRONG("", CUT_OFF, DEPTH, 0),
    WRONG(" ", CUT_OFF, DEPTH, 1),
    WRONG("-", CUT_OFF, DEPTH, 1),
    WRONG("5", CUT_OFF, READ_FILE, 1),
    WRONG("5\n", CUT_OFF, READ_FILE, 2),
    WRONG("5\n1", CUT_OFF, READ_FILE, 3),
    WRONG("5\n1,", CUT_OFF, READ_POS, 4),
    WRONG("5\n1,2", CUT_OFF, WRITE_FILE, 5),
    WRONG("5\n1,2\n3", CUT_OFF, WRITE_FILE, 7),
    WRONG("5\n1,2\n3,", CUT_OFF, WRITE_POS, 8),
    WRONG("5\n1,2\n3,-", CUT_OFF, WRITE_POS, 9),
    WRONG("5\n1,2\n3,4x", NO_NEWLINE, WRITE_POS, 9),
    WRONG("5\n1,2\n3,4 \t x", NO_NEWLINE, WRITE_POS, 12),
    WRONG("5\n1,2\n3,4\0", NO_NEWLINE, WRITE_POS, 9),
    WRONG("5\n1,2\n3,4\xe2\x80\x8b", NO_NEWLINE, WRITE_POS, 9),
    WRONG("5\n1,2\n3,4\xc2", NO_NEWLINE, WRITE_POS, 9),
    WRONG("5 1,2\n3,4", NO_NEWLINE, DEPTH, 2),
    WRONG("5\r1,2\n3,4", NO_NEWLINE, DEPTH, 2),
    WRONG("1_0\n1,2\n3,4", NO_NEWLINE, DEPTH, 1),
    WRONG("0x5\n1,2\n3,4", NO_NEWLINE, DEPTH, 1),
    WRONG("\n5\n1,2\n3,4", NO_NUMBER, DEPTH, 0),
    WRONG("5\n\n1,2\n3,4", NO_NUMBER, READ_FILE, 2),
    WRONG("5\n\r\n1,2\n3,4", NO_NUMBER, READ_FILE, 3),
    WRONG("5\n1,\n2\n3,4", NO_NUMBER, READ_POS, 4),
    WRONG("- 5\n1,2\n3,4", NO_NUMBER, DEPTH, 1),
    WRONG("--5\n1,2\n3,4", NO_NUMBER, DEPTH, 1),
    WRONG("+:5\n1,2\n3,4", NO_NUMBER, DEPTH, 1),
    WRONG("5\n1,2\n/3,4", NO_NUMBER, WRITE_FILE, 6),
    WRONG("\xef\xbb\xbf"
          "5\n1,2\n3,4",
          NO_NUMBER, DEPTH, 0),
    WRONG("5\n1 ,2\n3,4", NO_COMMA, READ_FILE, 3),
    WRONG("5\n1;2\n3,4", NO_COMMA, READ_FILE, 3),
    WRONG("5\n1,2\n3\n4", NO_COMMA, WRITE_FILE, 7),
    WRONG("9223372036854775808\n1,2\n3,4", OUT_OF_RANGE, DEPTH, 0),
    WRONG("5\n1,2\n3, -9223372036854775809", OUT_OF_RANGE, WRITE_POS, 9),
    WRONG("5\n1,18446744073709551617\n3,4", OUT_OF_RANGE, READ_POS, 4),
    WRONG("5\n99999999999999999999999999999999999999999", OUT_OF_RANGE, READ_FILE, 2),
};

static void wrong_metas_have_a_reason_and_a_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrongs / sizeof wrongs[0]; i++) {
        const struct wrong_row *row = &wrongs[i];
        struct nsq_diskqueue_meta meta = {9, 9, 9, 9, 9};
        struct nsq_diskqueue_meta_error error;
        struct span text = exact_at_end(&wall, row->text);
        enum nsq_parse outcome = nsq_diskqueue_meta_parse(text, &meta, &error);
        if (outcome != NSQ_BAD || error.why != row->why || error.field != row->field ||
            error.offset != row->offset) {
            fail_msg("row %zu: outcome %d, why %d, field %d, offset %zu", i, (int)outcome,
                     (int)error.why, (int)error.field, error.offset);
        }
        assert_true(meta.depth == 9 && meta.read_file == 9 && meta.read_pos == 9 &&
                    meta.write_file == 9 && meta.write_pos == 9);
    }
}

static void expect_meta_encoded(const struct nsq_diskqueue_meta *meta, struct span expected)
{
    assert_int_equal(nsq_diskqueue_meta_encode(meta, NULL, 0), expected.n);
    for (size_t room = 0; room < expected.n + 2; room++) {
        uint8_t *out = exact_room(&wall, room);
        expect_written(nsq_diskqueue_meta_encode(meta, out, room), out, room, expected);
    }
}

static void metas_are_encoded(void **state)
{
    (void)state;
    const struct nsq_diskqueue_meta small = {4, 0, 0, 1, 92};
    const struct nsq_diskqueue_meta least = {INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN};
    expect_meta_encoded(&small, SPAN("4\n0,0\n1,92\n"));
    assert_int_equal(nsq_diskqueue_meta_encode(&least, NULL, 0), NSQ_DISKQUEUE_META_MAX);
    expect_meta_encoded(&least, SPAN("-9223372036854775808\n"
                                     "-9223372036854775808,-9223372036854775808\n"
                                     "-9223372036854775808,-9223372036854775808\n"));
}

/* --- names ------------------------------------------------------------------------------------ */

#define LONG "abcdefghijklmnopqrstuvwxyz.ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789" /* 64 bytes */

struct name_row {
    const char *name;
    enum nsq_diskqueue_kind kind;
    const char *topic;
    const char *channel;
    int64_t number;
};

static const struct name_row names[] = {
    {"t.diskqueue.meta.dat", NSQ_DISKQUEUE_META, "t", "", 0},
    {"t.diskqueue.000000.dat", NSQ_DISKQUEUE_DATA, "t", "", 0},
    {"t.diskqueue.000123.dat.bad", NSQ_DISKQUEUE_BAD, "t", "", 123},
    {"t:c.diskqueue.meta.dat", NSQ_DISKQUEUE_META, "t", "c", 0},
    {"t:c.diskqueue.999999.dat", NSQ_DISKQUEUE_DATA, "t", "c", 999999},
    {"t:c.diskqueue.1000000.dat", NSQ_DISKQUEUE_DATA, "t", "c", 1000000},
    {"t:c.diskqueue.1000000.dat.bad", NSQ_DISKQUEUE_BAD, "t", "c", 1000000},
    {"t#ephemeral:c.diskqueue.000001.dat", NSQ_DISKQUEUE_DATA, "t#ephemeral", "c", 1},
    {"a.diskqueue.meta.dat.diskqueue.meta.dat", NSQ_DISKQUEUE_META, "a.diskqueue.meta.dat", "", 0},
    {"a.diskqueue.000001.dat.bad.diskqueue.000002.dat", NSQ_DISKQUEUE_DATA,
     "a.diskqueue.000001.dat.bad", "", 2},
    {".diskqueue.diskqueue.000002.dat", NSQ_DISKQUEUE_DATA, ".diskqueue", "", 2},
    {"0.diskqueue.9223372036854775807.dat", NSQ_DISKQUEUE_DATA, "0", "", INT64_MAX},
    {LONG ":" LONG ".diskqueue.9223372036854775807.dat.bad", NSQ_DISKQUEUE_BAD, LONG, LONG,
     INT64_MAX},
};

static struct span text_of(const char *text)
{
    return span_make(text, strlen(text));
}

static void names_are_parsed_and_encoded(void **state)
{
    (void)state;
    assert_int_equal(strlen(names[sizeof names / sizeof names[0] - 1].name),
                     NSQ_DISKQUEUE_NAME_MAX);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct name_row *row = &names[i];
        struct span name = text_of(row->name);
        struct nsq_diskqueue_file file;
        memset(&file, 0xee, sizeof file);
        assert_true(nsq_diskqueue_name_parse(exact_at_start(&wall, name), &file));
        assert_int_equal(file.kind, row->kind);
        assert_int_equal(file.number, row->number);
        expect_span(file.topic, row->topic);
        expect_span(file.channel, row->channel);
        file.topic = text_of(row->topic);
        file.channel = row->channel[0] == '\0' ? nothing : text_of(row->channel);
        file.number = row->kind == NSQ_DISKQUEUE_META ? -1 : file.number;
        assert_int_equal(nsq_diskqueue_name_encode(&file, NULL, 0), name.n);
        for (size_t room = 0; room < name.n + 2; room++) {
            uint8_t *out = exact_room(&wall, room);
            expect_written(nsq_diskqueue_name_encode(&file, out, room), out, room, name);
        }
    }
}

static const char *const foreign_names[] = {
    "",
    "t",
    "nsqd.dat",
    "t.dat",
    ".diskqueue.meta.dat",
    "diskqueue.meta.dat",
    "meta.dat",
    ".dat",
    ".dat.bad",
    "000000.dat",
    ".diskqueue.000000.dat",
    "t.diskqueue.dat",
    "t.diskqueue..dat",
    "t.diskqueue.00000.dat",
    "t.diskqueue.0000000.dat",
    "t.diskqueue.0123456.dat",
    "t.diskqueue.-00001.dat",
    "t.diskqueue.+00001.dat",
    "t.diskqueue.00000a.dat",
    "t.diskqueue.a00000.dat",
    "t.diskqueue.00000:.dat",
    "t.diskqueue.00000/.dat",
    "t.diskqueue.9223372036854775808.dat",
    "t.diskqueue.18446744073709551616.dat",
    "t.diskqueue.18446744073709551617000000.dat",
    "t.diskqueue.000000.da",
    "t.diskqueue.000000.dat.",
    "t.diskqueue.000000.dat.ba",
    "t.diskqueue.000000.bad",
    "t.diskqueue.000000.dat.bad.bad",
    "t.diskqueue.meta.dat.bad",
    "t.diskqueue.meta.dat.123.tmp",
    "t.diskqueue.meta",
    "t.disqueue.000000.dat",
    "tdiskqueue.000000.dat",
    "T.DISKQUEUE.000000.DAT",
    ":c.diskqueue.000000.dat",
    "t:.diskqueue.000000.dat",
    "t:c:d.diskqueue.000000.dat",
    "t;c.diskqueue.000000.dat",
    "t!.diskqueue.000000.dat",
    "t:c!.diskqueue.000000.dat",
    "../t.diskqueue.000000.dat",
    "t:../c.diskqueue.meta.dat",
    "t#ephemeral.diskqueue.000000.dat",
    "t#ephemeral.diskqueue.meta.dat",
    "t:c#ephemeral.diskqueue.000000.dat",
    "t#ephemeral:c#ephemeral.diskqueue.000000.dat.bad",
};

static void other_names_are_foreign(void **state)
{
    (void)state;
    struct nsq_diskqueue_file file = {NSQ_DISKQUEUE_BAD, {NULL, 7}, {NULL, 7}, 7};
    for (size_t i = 0; i < sizeof foreign_names / sizeof foreign_names[0]; i++) {
        struct span name = exact_at_start(&wall, text_of(foreign_names[i]));
        if (nsq_diskqueue_name_parse(name, &file)) {
            fail_msg("%s", foreign_names[i]);
        }
    }
    assert_false(nsq_diskqueue_name_parse(SPAN("t\0.diskqueue.000000.dat"), &file));
    assert_false(nsq_diskqueue_name_parse(nothing, &file));
    assert_false(nsq_diskqueue_name_parse(SPAN("x" LONG ".diskqueue.000000.dat"), &file));
    assert_false(nsq_diskqueue_name_parse(SPAN("t:x" LONG ".diskqueue.000000.dat"), &file));
    assert_true(file.kind == NSQ_DISKQUEUE_BAD && file.topic.n == 7 && file.channel.n == 7 &&
                file.number == 7);
}

static void names_that_nsqd_does_not_make_are_not_encoded(void **state)
{
    (void)state;
    const struct nsq_diskqueue_file rows[] = {
        {NSQ_DISKQUEUE_DATA, SPAN("t"), nothing, -1},
        {NSQ_DISKQUEUE_BAD, SPAN("t"), nothing, INT64_MIN},
        {NSQ_DISKQUEUE_META, nothing, nothing, 0},
        {NSQ_DISKQUEUE_META, nothing, SPAN("c"), 0},
        {NSQ_DISKQUEUE_META, SPAN("../t"), nothing, 0},
        {NSQ_DISKQUEUE_META, SPAN("t"), SPAN("c/d"), 0},
        {NSQ_DISKQUEUE_META, SPAN("t#ephemeral"), nothing, 0},
        {NSQ_DISKQUEUE_META, SPAN("t"), SPAN("c#ephemeral"), 0},
        {NSQ_DISKQUEUE_META, SPAN("x" LONG), nothing, 0},
        {NSQ_DISKQUEUE_META, SPAN("t"), SPAN("x" LONG), 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t *out = exact_room(&wall, ROOM);
        assert_int_equal(nsq_diskqueue_name_encode(&rows[i], out, ROOM), 0);
        assert_int_equal(out[0], EXACT_CANARY);
    }
}

static void each_reason_has_a_text(void **state)
{
    (void)state;
    expect_span(nsq_diskqueue_why_text(NSQ_DISKQUEUE_NO_ERROR), "");
    expect_span(nsq_diskqueue_why_text(NSQ_DISKQUEUE_TOO_SMALL), "size too small");
    expect_span(nsq_diskqueue_why_text(NSQ_DISKQUEUE_TOO_BIG), "size too big");
    expect_span(nsq_diskqueue_why_text(NSQ_DISKQUEUE_BAD_ID), "bad id");
    expect_span(nsq_diskqueue_why_text(NSQ_DISKQUEUE_CUT_OFF), "cut off");
    expect_span(nsq_diskqueue_why_text(NSQ_DISKQUEUE_NO_NUMBER), "no number");
    expect_span(nsq_diskqueue_why_text(NSQ_DISKQUEUE_OUT_OF_RANGE), "number out of range");
    expect_span(nsq_diskqueue_why_text(NSQ_DISKQUEUE_NO_COMMA), "no comma");
    expect_span(nsq_diskqueue_why_text(NSQ_DISKQUEUE_NO_NEWLINE), "no newline");
}

/* --- files of nsqd -----------------------------------------------------------------------------
 */

#define FOLDER "tests/support/diskqueue/" /* its README.md says how nsqd wrote them */

static struct span load(const char *path, uint8_t bytes[ROOM])
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t n = fread(bytes, 1, ROOM, file);
    assert_true(n < ROOM);
    assert_int_equal(fclose(file), 0);
    return span_make(bytes, n);
}

struct data_row {
    const char *path;
    const char *ids;    /* of its records */
    const char *bodies; /* the same */
    uint16_t attempts;  /* of the first record; the others have 0 */
};

static const struct data_row data_rows[] = {
    {FOLDER "first-0.dat", "18ad653125e6900018ad653126269000", "onetwo", 0},
    {FOLDER "first-1.dat", "18ad65312626900118ad653126a69000",
     "three\n#\xff"
     "four four four four four",
     0},
    {FOLDER "second-0.dat", "18ad653126e6900018ad653128a69001", "helloin flight", 0},
    {FOLDER "second-1.dat", "18ad653126e6900018ad653128a69000", "hellolater", 1},
    {FOLDER "third-0.dat", "18ad65322ea6900018ad65349aa69000", "syncednot synced", 0},
};

/* Checks the next record, and that it encodes to the same bytes. Returns its size. */
static size_t expect_record(struct span in, struct nsq_message *message)
{
    uint8_t again[ROOM];
    struct nsq_diskqueue_record record;
    size_t n = 4 + be32_load(in.p);
    assert_int_equal(parse_cut(span_first(in, n), ROOM, &record), NSQ_OK);
    assert_int_equal(nsq_diskqueue_record_parse(in, ROOM, &record), NSQ_OK);
    assert_int_equal(record.consumed, n);
    assert_int_equal(nsq_diskqueue_record_encode(&record.message, again, ROOM), n);
    assert_memory_equal(again, in.p, n);
    *message = record.message;
    return n;
}

static void data_files_of_nsqd_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof data_rows / sizeof data_rows[0]; i++) {
        const struct data_row *row = &data_rows[i];
        uint8_t bytes[ROOM];
        struct span rest = load(row->path, bytes);
        const char *ids = row->ids, *body = row->bodies;
        while (rest.n > 0) {
            struct nsq_message message;
            rest = span_skip(rest, expect_record(rest, &message));
            assert_memory_equal(message.id, ids, NSQ_MESSAGE_ID_SIZE);
            assert_int_equal(message.attempts, ids == row->ids ? row->attempts : 0);
            for (size_t k = 0; k < message.body.n; k++, body++) {
                assert_int_equal(message.body.p[k], *body == '#' ? 0 : (uint8_t)*body);
            }
            ids += NSQ_MESSAGE_ID_SIZE;
        }
        assert_true(*ids == '\0' && *body == '\0');
    }
}

static void meta_files_of_nsqd_are_read(void **state)
{
    (void)state;
    const struct {
        const char *path;
        struct nsq_diskqueue_meta meta;
    } rows[] = {
        {FOLDER "first-meta.dat", {4, 0, 0, 1, 92}},
        {FOLDER "second-meta.dat", {3, 0, 35, 1, 70}},
        {FOLDER "third-meta.dat", {1, 0, 0, 0, 36}},
        {FOLDER "fourth-meta.dat", {-2, 0, 62, 1, 0}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t bytes[ROOM];
        struct span text = load(rows[i].path, bytes);
        struct nsq_diskqueue_meta meta;
        struct nsq_diskqueue_meta_error error;
        assert_int_equal(nsq_diskqueue_meta_parse(text, &meta, &error), NSQ_OK);
        assert_memory_equal(&meta, &rows[i].meta, sizeof meta);
        expect_meta_encoded(&meta, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_has_a_header_and_a_body),
        cmocka_unit_test(what_follows_a_record_is_not_part_of_it),
        cmocka_unit_test(a_body_may_be_empty),
        cmocka_unit_test(a_size_has_bounds),
        cmocka_unit_test(an_id_is_hexadecimal),
        cmocka_unit_test(records_are_encoded),
        cmocka_unit_test(a_full_file_is_followed_by_the_next),
        cmocka_unit_test(metas_are_parsed_as_go_does),
        cmocka_unit_test(wrong_metas_have_a_reason_and_a_place),
        cmocka_unit_test(metas_are_encoded),
        cmocka_unit_test(names_are_parsed_and_encoded),
        cmocka_unit_test(other_names_are_foreign),
        cmocka_unit_test(names_that_nsqd_does_not_make_are_not_encoded),
        cmocka_unit_test(each_reason_has_a_text),
        cmocka_unit_test(data_files_of_nsqd_are_read),
        cmocka_unit_test(meta_files_of_nsqd_are_read),
    };
    return cmocka_run_group_tests(tests, open_wall, close_wall);
}
