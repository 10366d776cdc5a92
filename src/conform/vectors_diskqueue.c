/* SPDX-License-Identifier: MIT */
/*
 * Runs the parsers of nsq/diskqueue.h over a table of files and writes the results. Must not know
 * the session files.
 */
#include "conform/vectors_diskqueue.h"

#include <nsq/diskqueue.h>

#include "base/text.h"

/* The numbers of these files have 64 bits. Some readers of JSON cannot read such a number, so it is
 * written as a string. */
static void write_number(struct json_writer *json, const char *key, int64_t number)
{
    char digits[TEXT_DECIMAL_MAX];
    json_member_string(json, key, text_decimal(digits, number));
}

static void write_why(struct json_writer *json, enum nsq_diskqueue_why why)
{
    if (why != NSQ_DISKQUEUE_NO_ERROR) {
        json_member_string(json, "bad", nsq_diskqueue_why_text(why));
    }
}

/* --- data files ------------------------------------------------------------------------------- */

struct data_case {
    const char *id;
    size_t max_body;
    struct span bytes;
};

#define HEAD "\x18\xec\xa2\x1c\x6e\xbc\x49\xf1" /* a timestamp */
#define ID "18ad653126e69000"
#define RECORD(size, id, body) "\0\0\0" size HEAD "\0\2" id body

static const struct data_case data_cases[] = {
    /* nsqd 1.3.0 wrote the first three. */
    {"two-records", 1048576,
     SPAN_LITERAL("\0\0\0\x1d\x18\xec\xa2\x1c\x6e\x7c\x3a\xb7\0\0"
                  "18ad653125e69000one"
                  "\0\0\0\x1d\x18\xec\xa2\x1c\x6e\x88\x56\x75\0\0"
                  "18ad653126269000two")},
    {"any-bytes", 1048576,
     SPAN_LITERAL("\0\0\0\x22\x18\xec\xa2\x1c\x6e\x8f\x4f\x26\0\0"
                  "18ad653126269001three\n\0\xff")},
    {"attempts", 1048576,
     SPAN_LITERAL("\0\0\0\x1f\x18\xec\xa2\x1c\x6e\xbc\x49\xf1\0\1"
                  "18ad653126e69000hello")},
    {"empty-file", 1048576, SPAN_LITERAL("")},
    {"empty-body", 1048576, SPAN_LITERAL(RECORD("\x1a", ID, ""))},
    {"body-of-the-limit", 4, SPAN_LITERAL(RECORD("\x1e", ID, "1234"))},
    {"body-above-the-limit", 4,
     SPAN_LITERAL(RECORD("\x1b", ID, "1") RECORD("\x1f", ID, "12345") RECORD("\x1b", ID, "1"))},
    {"size-without-header", 1048576,
     SPAN_LITERAL(RECORD("\x1b", ID, "1") RECORD("\x19", ID, "") RECORD("\x1b", ID, "1"))},
    {"size-zero", 1048576, SPAN_LITERAL("\0\0\0\0")},
    {"size-negative", 1048576, SPAN_LITERAL("\xff\xff\xff\xff")},
    {"size-least", 1048576, SPAN_LITERAL("\x80\0\0\0")},
    {"size-largest", 1048576, SPAN_LITERAL("\x7f\xff\xff\xff")},
    {"attempts-most-timestamp-negative", 1048576,
     SPAN_LITERAL("\0\0\0\x1b\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff" ID "x")},
    {"id-in-capitals", 1048576,
     SPAN_LITERAL(RECORD("\x1b", "18AD653126E69000", "1") RECORD("\x1b", ID, "2"))},
    {"id-with-a-blank", 1048576,
     SPAN_LITERAL(RECORD("\x1b", "18ad653126e6900 ", "1") RECORD("\x1b", ID, "2"))},
    {"cut-off-in-size", 1048576, SPAN_LITERAL(RECORD("\x1b", ID, "1") "\0\0\0")},
    {"cut-off-after-size", 1048576, SPAN_LITERAL(RECORD("\x1b", ID, "1") "\0\0\0\x1b")},
    {"cut-off-in-id", 1048576, SPAN_LITERAL(RECORD("\x1b", "18ad653", ""))},
    {"cut-off-before-the-last-byte", 1048576, SPAN_LITERAL(RECORD("\x1d", ID, "12"))},
};

static void write_record(struct json_writer *json, size_t end,
                         const struct nsq_diskqueue_record *record)
{
    json_open_object(json);
    json_member_integer(json, "after", (int64_t)end);
    write_why(json, record->why);
    json_member_integer(json, "size", record->size);
    if (record->consumed > 0) {
        const struct nsq_message *message = &record->message;
        write_number(json, "timestamp", message->timestamp);
        json_member_integer(json, "attempts", message->attempts);
        vectors_bytes(json, "message_id", span_make(message->id, NSQ_MESSAGE_ID_SIZE));
        vectors_bytes(json, "body", message->body);
    }
    json_close_object(json);
}

/* Gives the parser the file byte by byte, as long as records can be found. Returns how many bytes
 * the found ones have. */
static size_t write_records(struct json_writer *json, const struct data_case *data)
{
    size_t start = 0;
    struct nsq_diskqueue_record record = {.why = NSQ_DISKQUEUE_NO_ERROR};
    bool readable = true;
    for (size_t end = 1; end <= data->bytes.n && readable; end++) {
        struct span in = span_first(span_skip(data->bytes, start), end - start);
        enum nsq_parse outcome = nsq_diskqueue_record_parse(in, data->max_body, &record);
        if (outcome != NSQ_MORE) {
            write_record(json, end, &record);
            start += record.consumed;
            readable = record.consumed > 0;
        }
    }
    return start;
}

static void write_data(struct json_writer *json, const struct data_case *data)
{
    json_open_object(json);
    vectors_word(json, "id", data->id);
    json_member_integer(json, "max_body", (int64_t)data->max_body);
    vectors_bytes(json, "bytes", data->bytes);
    json_member_array(json, "records");
    size_t read = write_records(json, data);
    json_close_array(json);
    json_member_integer(json, "left", (int64_t)(data->bytes.n - read));
    json_close_object(json);
}

/* --- meta files ------------------------------------------------------------------------------- */

static const struct span meta_cases[] = {
    SPAN_LITERAL("4\n0,0\n1,92\n"), /* nsqd 1.3.0 wrote the first four */
    SPAN_LITERAL("3\n0,35\n1,70\n"),
    SPAN_LITERAL("0\n0,0\n0,0\n"),
    SPAN_LITERAL("-2\n0,62\n1,0\n"),
    SPAN_LITERAL("5\n1,2\n3,4"),
    SPAN_LITERAL("5\n1,2\n3,4\nrest"),
    SPAN_LITERAL("5\r\n1,2\r\n3,4\r\n"),
    SPAN_LITERAL(" 5 \n 1, 2 \n\t3,4 \t "),
    SPAN_LITERAL("+5\n-1,+2\n-0,007\n"),
    SPAN_LITERAL("9223372036854775807\n-9223372036854775808,2\n3,4\n"),
    SPAN_LITERAL("5\xc2\xa0\n1,\xe2\x80\x83"
                 "2\n3,4\xe3\x80\x80\n"),
    SPAN_LITERAL(""),
    SPAN_LITERAL("5"),
    SPAN_LITERAL("5\n1"),
    SPAN_LITERAL("5\n1,"),
    SPAN_LITERAL("5\n1,2\n3,"),
    SPAN_LITERAL("5\n1,2\n3,-"),
    SPAN_LITERAL("\n5\n1,2\n3,4\n"),
    SPAN_LITERAL("5\n\n1,2\n3,4\n"),
    SPAN_LITERAL("5\n1,\n2\n3,4\n"),
    SPAN_LITERAL("- 5\n1,2\n3,4\n"),
    SPAN_LITERAL("\xef\xbb\xbf"
                 "5\n1,2\n3,4\n"),
    SPAN_LITERAL("5 1,2\n3,4\n"),
    SPAN_LITERAL("0x5\n1,2\n3,4\n"),
    SPAN_LITERAL("1_0\n1,2\n3,4\n"),
    SPAN_LITERAL("5\n1,2\n3,4x\n"),
    SPAN_LITERAL("5\n1,2\n3,4\xe2\x80\x8b\n"),
    SPAN_LITERAL("5\n1 ,2\n3,4\n"),
    SPAN_LITERAL("5\n1;2\n3,4\n"),
    SPAN_LITERAL("9223372036854775808\n1,2\n3,4\n"),
    SPAN_LITERAL("5\n1,2\n3, -9223372036854775809\n"),
};

static const char *const fields[] = {
    [NSQ_DISKQUEUE_DEPTH] = "depth",         [NSQ_DISKQUEUE_READ_FILE] = "read_file",
    [NSQ_DISKQUEUE_READ_POS] = "read_pos",   [NSQ_DISKQUEUE_WRITE_FILE] = "write_file",
    [NSQ_DISKQUEUE_WRITE_POS] = "write_pos",
};

static void write_meta(struct json_writer *json, struct span text)
{
    struct nsq_diskqueue_meta meta;
    struct nsq_diskqueue_meta_error error;
    json_open_object(json);
    vectors_bytes(json, "bytes", text);
    if (nsq_diskqueue_meta_parse(text, &meta, &error) == NSQ_OK) {
        write_number(json, "depth", meta.depth);
        write_number(json, "read_file", meta.read_file);
        write_number(json, "read_pos", meta.read_pos);
        write_number(json, "write_file", meta.write_file);
        write_number(json, "write_pos", meta.write_pos);
    } else {
        write_why(json, error.why);
        vectors_word(json, "field", fields[error.field]);
        json_member_integer(json, "offset", (int64_t)error.offset);
    }
    json_close_object(json);
}

/* --- names ------------------------------------------------------------------------------------ */

static const char *const name_cases[] = {
    "first.diskqueue.000000.dat", /* nsqd 1.3.0 gives files the first nine names */
    "first.diskqueue.meta.dat",
    "first.diskqueue.000000.dat.bad",
    "second:ch.a.diskqueue.000001.dat",
    "second:ch.a.diskqueue.meta.dat",
    "second:ch.a.diskqueue.000001.dat.bad",
    "t#ephemeral:c.diskqueue.000000.dat",
    "t.diskqueue.1000000.dat",
    "a.diskqueue.meta.dat.diskqueue.000000.dat",
    "t.diskqueue.9223372036854775807.dat",
    "t.diskqueue.9223372036854775808.dat",
    "t.diskqueue.00000.dat",
    "t.diskqueue.0000000.dat",
    "t.diskqueue.-00001.dat",
    "t.diskqueue.00000a.dat",
    "t.diskqueue.dat",
    "t.diskqueue.meta.dat.bad",
    "t.diskqueue.meta.dat.123.tmp",
    "t.diskqueue.000000.dat.bad.bad",
    ".diskqueue.000000.dat",
    ":c.diskqueue.000000.dat",
    "t:.diskqueue.000000.dat",
    "t:c:d.diskqueue.000000.dat",
    "t;c.diskqueue.000000.dat",
    "../t.diskqueue.000000.dat",
    "t#ephemeral.diskqueue.000000.dat",
    "t:c#ephemeral.diskqueue.000000.dat",
    "nsqd.dat",
};

static const char *const kinds[] = {
    [NSQ_DISKQUEUE_META] = "meta",
    [NSQ_DISKQUEUE_DATA] = "data",
    [NSQ_DISKQUEUE_BAD] = "bad",
};

static void write_name(struct json_writer *json, const char *name)
{
    struct nsq_diskqueue_file file = {.number = 0};
    bool known = nsq_diskqueue_name_parse(text_span(name), &file);
    json_open_object(json);
    vectors_word(json, "name", name);
    vectors_word(json, "kind", known ? kinds[file.kind] : "none");
    if (known) {
        json_member_string(json, "topic", file.topic);
        json_member_string(json, "channel", file.channel);
    }
    if (known && file.kind != NSQ_DISKQUEUE_META) {
        write_number(json, "number", file.number);
    }
    json_close_object(json);
}

void vectors_diskqueue(struct json_writer *json)
{
    json_member_array(json, "diskqueue_data");
    for (size_t i = 0; i < sizeof data_cases / sizeof data_cases[0]; i++) {
        write_data(json, &data_cases[i]);
    }
    json_close_array(json);
    json_member_array(json, "diskqueue_meta");
    for (size_t i = 0; i < sizeof meta_cases / sizeof meta_cases[0]; i++) {
        write_meta(json, meta_cases[i]);
    }
    json_close_array(json);
    json_member_array(json, "diskqueue_names");
    for (size_t i = 0; i < sizeof name_cases / sizeof name_cases[0]; i++) {
        write_name(json, name_cases[i]);
    }
    json_close_array(json);
}
