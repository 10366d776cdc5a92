/* SPDX-License-Identifier: MIT */
/*
 * Invariant: the parser of disk queues finds the same records, each after the same byte, however
 * the bytes are cut: all at once, one by one, and in pieces that the input chooses. The spans of a
 * record lie within the bytes that the parser was given. Records, meta files and names of files
 * encode to something that parses to the same; a record and a name encode to the bytes that they
 * were parsed from. A second implementation, which is written in another way, reads each meta file
 * the same, and finds the same mistake at the same place. An encoder without enough room writes
 * nothing.
 *
 * Input: limit of a body (255: none), two lengths of pieces (a byte each), then bytes. They are
 * read as a data file, as a meta file and as a name; then as the numbers and names to encode.
 */
#include <nsq/diskqueue.h>
#include <nsq/name.h>
#include <stdlib.h>

#include "fuzz.h"
#include "space.h"

const struct fuzz_shape fuzz_shape = {.header = 3, .body = FUZZ_BYTES};

#define SIZE_SIZE 4 /* bytes after which a bad size is known */

static bool lies_in(struct span part, struct span in)
{
    return part.n == 0 || (part.p >= in.p && part.p + part.n <= in.p + in.n);
}

/* --- encoders --------------------------------------------------------------------------------- */

/* What is encoded: a record, or else a meta file, or else a name. */
struct encoded {
    const struct nsq_message *message;
    const struct nsq_diskqueue_meta *meta;
    const struct nsq_diskqueue_file *file;
};

static size_t encode(const struct encoded *e, uint8_t *out, size_t room)
{
    return e->message != NULL ? nsq_diskqueue_record_encode(e->message, out, room)
           : e->meta != NULL  ? nsq_diskqueue_meta_encode(e->meta, out, room)
                              : nsq_diskqueue_name_encode(e->file, out, room);
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

/* --- records ---------------------------------------------------------------------------------- */

struct run {
    size_t max_body;
    size_t offset; /* of the first byte that was not consumed */
    bool bad;      /* nothing may be parsed any more */
    uint64_t said; /* a hash of all events */
};

/* A step of FNV-1a. */
static void say(struct run *run, uint64_t number)
{
    run->said = (run->said ^ number) * 1099511628211u;
}

/* A second implementation: whether the 16 bytes are what nsqd writes for a number of 64 bits. */
static bool is_id(const uint8_t *id)
{
    static const char digits[] = "0123456789abcdef";
    size_t known = 0;
    for (size_t i = 0; i < NSQ_MESSAGE_ID_SIZE; i++) {
        known += id[i] != '\0' && strchr(digits, id[i]) != NULL;
    }
    return known == NSQ_MESSAGE_ID_SIZE;
}

/* A whole record, whose id is good or bad. */
static void check_record(struct run *run, const struct nsq_diskqueue_record *record, struct span in)
{
    const struct nsq_message *message = &record->message;
    struct span bytes = span_first(in, record->consumed);
    FUZZ_CHECK(record->consumed == SIZE_SIZE + (size_t)record->size && bytes.n == record->consumed);
    FUZZ_CHECK(message->id == bytes.p + SIZE_SIZE + 10);
    FUZZ_CHECK(is_id(message->id) == (record->why == NSQ_DISKQUEUE_NO_ERROR));
    FUZZ_CHECK(lies_in(message->body, bytes) && message->body.n <= run->max_body);
    FUZZ_CHECK(message->body.n + NSQ_DISKQUEUE_HEADER_SIZE == bytes.n);
    fuzz_say_bytes("   body", message->body);
    encodes_to(&(struct encoded){.message = message}, bytes);
}

/* A record that cannot be read: its size is wrong. */
static void check_size(const struct run *run, const struct nsq_diskqueue_record *record)
{
    bool small = record->size < NSQ_MESSAGE_HEADER_SIZE;
    FUZZ_CHECK(record->consumed == 0 && record->message.id == NULL);
    FUZZ_CHECK(record->why == (small ? NSQ_DISKQUEUE_TOO_SMALL : NSQ_DISKQUEUE_TOO_BIG));
    FUZZ_CHECK(small || (uint64_t)record->size > NSQ_MESSAGE_HEADER_SIZE + (uint64_t)run->max_body);
}

/* Checks that the parser is right to wait for more than `in`. */
static void check_more(const struct run *run, const struct nsq_diskqueue_record *record,
                       struct span in)
{
    FUZZ_CHECK(record->consumed == 0 && record->why == NSQ_DISKQUEUE_NO_ERROR);
    FUZZ_CHECK(in.n >= SIZE_SIZE || record->size == 0);
    FUZZ_CHECK(in.n < SIZE_SIZE ||
               (record->size >= NSQ_MESSAGE_HEADER_SIZE &&
                (uint64_t)record->size - NSQ_MESSAGE_HEADER_SIZE <= run->max_body &&
                in.n - SIZE_SIZE < (size_t)record->size));
}

/* Parses the bytes up to `end`. The bytes from `fed` on are new; a record that needs none of them
 * should have been found before. */
static void feed(struct run *run, const uint8_t *data, size_t fed, size_t end)
{
    while (!run->bad) {
        struct span in = span_make(data + run->offset, end - run->offset);
        struct nsq_diskqueue_record record;
        enum nsq_parse outcome = nsq_diskqueue_record_parse(in, run->max_body, &record);
        FUZZ_CHECK(in.n < SIZE_SIZE || record.size == (int32_t)be32_load(in.p));
        FUZZ_CHECK((outcome == NSQ_BAD) == (record.why != NSQ_DISKQUEUE_NO_ERROR));
        if (outcome == NSQ_MORE) {
            check_more(run, &record, in);
            return;
        }
        run->bad = outcome == NSQ_BAD && record.why != NSQ_DISKQUEUE_BAD_ID;
        size_t due = run->offset + (run->bad ? SIZE_SIZE : record.consumed);
        fuzz_say("%zu: %s", due, outcome == NSQ_OK ? "record" : "bad");
        FUZZ_CHECK(due > fed && due <= end);
        if (run->bad) {
            check_size(run, &record);
        } else {
            check_record(run, &record, in);
        }
        say(run, due);
        say(run, record.why);
        run->offset += record.consumed;
    }
}

/* Parses all bytes, in pieces whose lengths alternate between `one` and `other`. */
static struct run run_cut(size_t max_body, struct span bytes, size_t one, size_t other)
{
    struct run run = {.max_body = max_body, .said = 14695981039346656037u};
    for (size_t end = 0, next; end < bytes.n; end = next) {
        next = bytes.n - end > one ? end + one : bytes.n;
        feed(&run, bytes.p, end, next);
        size_t turn = one;
        one = other;
        other = turn;
    }
    return run;
}

/* Sizes that do not fit into the size field. The encoder must refuse them and read nothing. */
static void encode_too_much(const uint8_t *data)
{
    struct nsq_message message = {.id = data, .body = span_make(data, NSQ_DISKQUEUE_BODY_MAX)};
    FUZZ_CHECK(nsq_diskqueue_record_encode(&message, NULL, 0) == (size_t)INT32_MAX + SIZE_SIZE);
    message.body.n++;
    FUZZ_CHECK(nsq_diskqueue_record_encode(&message, NULL, 0) == 0);
    message.body.n = SIZE_MAX;
    FUZZ_CHECK(nsq_diskqueue_record_encode(&message, NULL, 0) == 0);
}

/* --- meta files ------------------------------------------------------------------------------- */

/* A second implementation of Go's Fscanf: it first finds the next character that is no white space,
 * and it collects a number in a string for strtoll. */
struct scan {
    struct span text;
    size_t at;
};

/* The byte at the current place; -1 at the end of the text. */
static int peek(const struct scan *scan)
{
    return scan->at < scan->text.n ? scan->text.p[scan->at] : -1;
}

static void pass_blanks(struct scan *scan)
{
    size_t size = 0;
    while (peek(scan) >= 0 && peek(scan) != '\n' &&
           fuzz_is_space(span_skip(scan->text, scan->at), &size)) {
        scan->at += size;
    }
}

static enum nsq_diskqueue_why scan_number(struct scan *scan, int64_t *number)
{
    char word[32] = "";
    size_t start = scan->at, n = 0;
    if (peek(scan) == '-' || peek(scan) == '+') {
        word[n++] = (char)scan->text.p[scan->at++];
    }
    bool digits = false, leading = true;
    for (; peek(scan) >= '0' && peek(scan) <= '9'; scan->at++) {
        digits = true;
        leading = leading && peek(scan) == '0';
        if (!leading && n + 1 < sizeof word) {
            word[n++] = (char)peek(scan);
        }
    }
    if (!digits) {
        return peek(scan) < 0 ? NSQ_DISKQUEUE_CUT_OFF : NSQ_DISKQUEUE_NO_NUMBER;
    }
    word[leading ? n++ : n] = leading ? '0' : '\0';
    long long value = strtoll(word, NULL, 10);
    /* strtoll returns its bounds for what lies beyond them. */
    if ((value == INT64_MAX && strcmp(word + (word[0] == '+'), "9223372036854775807") != 0) ||
        (value == INT64_MIN && strcmp(word, "-9223372036854775808") != 0)) {
        scan->at = start;
        return NSQ_DISKQUEUE_OUT_OF_RANGE;
    }
    *number = value;
    return NSQ_DISKQUEUE_NO_ERROR;
}

static struct nsq_diskqueue_meta_error scan_meta(struct span text, int64_t numbers[])
{
    struct scan scan = {.text = text};
    struct nsq_diskqueue_meta_error error = {.why = NSQ_DISKQUEUE_NO_ERROR};
    for (int i = 0; i < NSQ_DISKQUEUE_FIELD_COUNT && error.why == NSQ_DISKQUEUE_NO_ERROR; i++) {
        bool comma = i == NSQ_DISKQUEUE_READ_FILE || i == NSQ_DISKQUEUE_WRITE_FILE;
        pass_blanks(&scan);
        error.field = (enum nsq_diskqueue_field)i;
        error.why = scan_number(&scan, &numbers[i]);
        if (error.why != NSQ_DISKQUEUE_NO_ERROR) {
            break;
        }
        if (!comma) {
            pass_blanks(&scan);
        }
        if (peek(&scan) == (comma ? ',' : '\n')) {
            scan.at++;
        } else if (peek(&scan) >= 0) {
            error.why = comma ? NSQ_DISKQUEUE_NO_COMMA : NSQ_DISKQUEUE_NO_NEWLINE;
        } else if (comma) {
            error.why = NSQ_DISKQUEUE_CUT_OFF;
        }
    }
    error.offset = scan.at;
    return error;
}

static bool same_meta(const struct nsq_diskqueue_meta *a, const struct nsq_diskqueue_meta *b)
{
    return a->depth == b->depth && a->read_file == b->read_file && a->read_pos == b->read_pos &&
           a->write_file == b->write_file && a->write_pos == b->write_pos;
}

static void check_meta_encoder(const struct nsq_diskqueue_meta *meta)
{
    struct nsq_diskqueue_meta again;
    struct nsq_diskqueue_meta_error error;
    struct span text = encode_exactly(&(struct encoded){.meta = meta});
    FUZZ_CHECK(text.n <= NSQ_DISKQUEUE_META_MAX);
    FUZZ_CHECK(nsq_diskqueue_meta_parse(text, &again, &error) == NSQ_OK);
    FUZZ_CHECK(same_meta(&again, meta));
    free((void *)text.p);
}

static void check_meta(struct span text)
{
    const struct nsq_diskqueue_meta before = {7, 7, 7, 7, 7};
    struct nsq_diskqueue_meta meta = before;
    struct nsq_diskqueue_meta_error error;
    int64_t numbers[NSQ_DISKQUEUE_FIELD_COUNT] = {0};
    struct nsq_diskqueue_meta_error expected = scan_meta(text, numbers);
    enum nsq_parse outcome = nsq_diskqueue_meta_parse(text, &meta, &error);
    FUZZ_CHECK(error.why == expected.why);
    if (outcome == NSQ_OK) {
        const struct nsq_diskqueue_meta read = {numbers[0], numbers[1], numbers[2], numbers[3],
                                                numbers[4]};
        FUZZ_CHECK(error.why == NSQ_DISKQUEUE_NO_ERROR && error.field == 0 && error.offset == 0);
        FUZZ_CHECK(same_meta(&meta, &read));
        check_meta_encoder(&meta);
        fuzz_say("meta file");
    } else {
        FUZZ_CHECK(outcome == NSQ_BAD && error.why != NSQ_DISKQUEUE_NO_ERROR);
        FUZZ_CHECK(error.field == expected.field && error.offset == expected.offset);
        FUZZ_CHECK(same_meta(&meta, &before));
        FUZZ_CHECK(nsq_diskqueue_why_text(error.why).n > 0);
        fuzz_say_bytes("no meta file", nsq_diskqueue_why_text(error.why));
    }
}

/* --- names ------------------------------------------------------------------------------------ */

static bool may_be_named(struct span name, bool own)
{
    return nsq_name_valid(name) && !(own && nsq_name_ephemeral(name));
}

/* A second implementation of what may be encoded. */
static bool may_exist(const struct nsq_diskqueue_file *file)
{
    bool has_channel = file->channel.n > 0;
    return may_be_named(file->topic, !has_channel) &&
           (!has_channel || may_be_named(file->channel, true)) &&
           (file->kind == NSQ_DISKQUEUE_META || file->number >= 0);
}

static void check_file(const struct nsq_diskqueue_file *file)
{
    struct nsq_diskqueue_file again;
    if (!may_exist(file)) {
        FUZZ_CHECK(nsq_diskqueue_name_encode(file, NULL, 0) == 0);
        return;
    }
    struct span name = encode_exactly(&(struct encoded){.file = file});
    fuzz_say_bytes("name", name);
    FUZZ_CHECK(name.n <= NSQ_DISKQUEUE_NAME_MAX && memchr(name.p, '/', name.n) == NULL);
    FUZZ_CHECK(nsq_diskqueue_name_parse(name, &again) && again.kind == file->kind);
    FUZZ_CHECK(span_equal(again.topic, file->topic) && span_equal(again.channel, file->channel));
    FUZZ_CHECK(again.number == (file->kind == NSQ_DISKQUEUE_META ? 0 : file->number));
    free((void *)name.p);
}

static void check_name(struct span name)
{
    struct nsq_diskqueue_file file = {.number = -7};
    if (!nsq_diskqueue_name_parse(name, &file)) {
        FUZZ_CHECK(file.number == -7 && file.topic.n == 0);
        return;
    }
    FUZZ_CHECK(lies_in(file.topic, name) && lies_in(file.channel, name) && may_exist(&file));
    encodes_to(&(struct encoded){.file = &file}, name);
    check_file(&file);
}

/* --- numbers and names to encode -------------------------------------------------------------- */

static int64_t take_number(struct span *in)
{
    uint8_t bytes[8] = {0};
    struct span taken = fuzz_take(in, sizeof bytes);
    if (taken.n > 0) {
        memcpy(bytes, taken.p, taken.n);
    }
    return (int64_t)be64_load(bytes);
}

/* The second implementation adds in 64 bits without a sign, where nothing overflows. */
static void check_rolls(int64_t write_pos, uint32_t record_size, int64_t max_bytes)
{
    bool rolls =
        write_pos > 0 && (max_bytes < 0 || (uint64_t)write_pos + record_size > (uint64_t)max_bytes);
    FUZZ_CHECK(nsq_diskqueue_rolls(write_pos, record_size, max_bytes) == rolls);
}

static void check_choices(struct span in)
{
    struct nsq_diskqueue_meta meta;
    struct span names = in;
    meta.depth = take_number(&in);
    meta.read_file = take_number(&in);
    meta.read_pos = take_number(&in);
    meta.write_file = take_number(&in);
    meta.write_pos = take_number(&in);
    check_meta_encoder(&meta);
    check_rolls(meta.depth, (uint32_t)meta.read_file, meta.read_pos);
    check_rolls(meta.depth, (uint32_t)meta.read_file,
                (int64_t)((uint64_t)meta.depth + (uint32_t)meta.read_file));
    struct nsq_diskqueue_file file;
    file.kind = (enum nsq_diskqueue_kind)fuzz_below(&names, NSQ_DISKQUEUE_BAD + 1);
    file.number = take_number(&names);
    file.topic = fuzz_take(&names, fuzz_byte(&names));
    file.channel = names;
    check_file(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_make(data, size);
    size_t max_body = fuzz_byte(&in);
    max_body = max_body == UINT8_MAX ? NSQ_DISKQUEUE_BODY_MAX : max_body;
    size_t one = 1 + (size_t)fuzz_below(&in, 64);
    size_t other = 1 + (size_t)fuzz_below(&in, 64);

    struct run whole = run_cut(max_body, in, in.n + 1, 1);
    bool talked = fuzz_talks;
    fuzz_talks = false;
    struct run bytewise = run_cut(max_body, in, 1, 1);
    struct run cut = run_cut(max_body, in, one, other);
    fuzz_talks = talked;

    FUZZ_CHECK(whole.said == bytewise.said && whole.said == cut.said);
    FUZZ_CHECK(whole.offset == bytewise.offset && whole.offset == cut.offset);
    FUZZ_CHECK(whole.bad == bytewise.bad && whole.bad == cut.bad);
    encode_too_much(data);
    check_meta(in);
    check_name(in);
    check_choices(in);
    return 0;
}
