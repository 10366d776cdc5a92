/* SPDX-License-Identifier: MIT */
/*
 * Invariant: a document that is read gives the same list each time, also with white space around
 * it. All names in the list are valid, and the list begins with a topic. What the writer writes is
 * read again as the same list without what is ephemeral, and is then written as the same bytes. A
 * document is refused as too deep if and only if it is nested deeper than the limit. After an error
 * the list is empty, and the place of the error is one that can exist. A document that this target
 * builds from items gives these items, without those whose names are not valid; it is refused if
 * one of its lists is there twice.
 *
 * Input: what to do (a byte). Below 128, the rest is a document; from 96 to 127 it is also nested
 * around the limit. From 128 on, items follow, a byte each, with these bits: 0: a channel of the
 * topic before it, 1: paused, 2 to 4: which name, 5: members that are not known, 6: the other
 * members behind the list, 7: a second list.
 */
#include "engine/metadata.h"

#include "base/text.h"
#include "fuzz.h"
#include "json_depth.h"
#include "json/json.h"

const struct fuzz_shape fuzz_shape = {.header = 1, .body = FUZZ_BYTES};

#define MAKE_FROM 128
#define NEST_FROM 96
#define NEST_NEAR 3 /* a nested document is at most so much less deep than the limit */

static void put(struct buf *out, const char *text)
{
    buf_append(out, text_span(text));
}

/* --- lists ------------------------------------------------------------------------------------ */

static bool same_list(const struct metadata *a, const struct metadata *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++) {
        const struct metadata_item *x = &a->items[i];
        const struct metadata_item *y = &b->items[i];
        same = x->is_channel == y->is_channel && x->paused == y->paused &&
               span_equal(metadata_name(x), metadata_name(y));
    }
    return same;
}

static void say_list(const struct metadata *m)
{
    for (size_t i = 0; fuzz_talks && i < m->count; i++) {
        const struct metadata_item *item = &m->items[i];
        fuzz_say_bytes(item->paused ? "paused" : "", metadata_name(item));
    }
}

/* The list without what is ephemeral, and without the channels of an ephemeral topic. */
static struct metadata lasting(const struct metadata *m)
{
    struct metadata list = {.items = NULL};
    bool topic_lasts = false;
    for (size_t i = 0; i < m->count; i++) {
        struct span name = metadata_name(&m->items[i]);
        bool lasts = memchr(name.p, '#', name.n) == NULL;
        if (!m->items[i].is_channel) {
            topic_lasts = lasts;
        }
        if (lasts && topic_lasts) {
            metadata_add(&list, m->items[i].is_channel, name, m->items[i].paused);
        }
    }
    return list;
}

static void check_names(const struct metadata *m)
{
    FUZZ_CHECK(m->count <= m->cap);
    FUZZ_CHECK(m->count == 0 || !m->items[0].is_channel);
    for (size_t i = 0; i < m->count; i++) {
        FUZZ_CHECK(nsq_name_valid(metadata_name(&m->items[i])));
    }
}

/* Writes the list, reads that, and writes it again. */
static void check_writer(const struct metadata *m)
{
    struct buf first = {0};
    struct buf second = {0};
    struct metadata again = {.items = NULL};
    struct metadata_error error;
    struct metadata expected = lasting(m);
    put(&first, "before");
    metadata_write(m, SPAN("1.3.0"), &first);
    FUZZ_CHECK(span_equal(span_first(buf_span(&first), 6), SPAN("before")));
    buf_drop(&first, 6);
    FUZZ_CHECK(metadata_read(buf_span(&first), &again, &error));
    FUZZ_CHECK(again.skipped == 0 && same_list(&again, &expected));
    metadata_write(&again, SPAN("1.3.0"), &second);
    FUZZ_CHECK(span_equal(buf_span(&first), buf_span(&second)));
    fuzz_say_bytes("written", buf_span(&second));
    buf_free(&first);
    buf_free(&second);
    metadata_free(&again);
    metadata_free(&expected);
}

/* --- documents -------------------------------------------------------------------------------- */

static void check_error(struct span document, const struct metadata *m,
                        const struct metadata_error *error)
{
    int64_t most = (int64_t)document.n;
    FUZZ_CHECK(m->items == NULL && m->count == 0 && m->cap == 0 && m->skipped == 0);
    FUZZ_CHECK(error->why > METADATA_GOOD && error->why <= METADATA_REPEATED);
    FUZZ_CHECK(error->topic >= -1 && error->topic < most + 1);
    FUZZ_CHECK(error->channel >= -1 && error->channel < most + 1);
    FUZZ_CHECK(error->channel == -1 || error->topic >= 0);
    FUZZ_CHECK(error->why != METADATA_TOO_DEEP || json_depth(document) > JSON_DEPTH_MAX);
    FUZZ_CHECK(error->why != METADATA_REPEATED || strcmp(error->member, "topics") == 0 ||
               strcmp(error->member, "channels") == 0);
}

/* Reads the document and checks what does not depend on it. */
static bool read_document(struct span document, struct metadata *m, struct metadata_error *error)
{
    bool valid = metadata_read(document, m, error);
    if (!valid) {
        check_error(document, m, error);
        fuzz_say("refused: why %d, member '%s', topic %d, channel %d", (int)error->why,
                 error->member, (int)error->topic, (int)error->channel);
    } else {
        FUZZ_CHECK(error->why == METADATA_GOOD && json_depth(document) <= JSON_DEPTH_MAX);
        FUZZ_CHECK(m->count + m->skipped <= document.n);
        check_names(m);
        say_list(m);
    }
    fuzz_met(0, error->why, error->channel >= 0 ? 2 : error->topic >= 0);
    return valid;
}

static void try_document(struct span document)
{
    struct metadata m = {.items = NULL};
    struct metadata again = {.items = NULL};
    struct metadata_error error;
    struct metadata_error error_again;
    struct buf wide = {0};
    put(&wide, " \t\r\n");
    buf_append(&wide, document);
    put(&wide, "\n");
    bool valid = read_document(document, &m, &error);
    FUZZ_CHECK(read_document(buf_span(&wide), &again, &error_again) == valid);
    FUZZ_CHECK(same_list(&m, &again) && m.skipped == again.skipped);
    FUZZ_CHECK(error.why == error_again.why);
    if (valid) {
        check_writer(&m);
    }
    buf_free(&wide);
    metadata_free(&m);
    metadata_free(&again);
}

static void repeat(struct buf *out, char c, size_t n)
{
    memset(buf_room(out, n), c, n);
    buf_grew(out, n);
}

/* The document as the value of a member that is not known, within many arrays. */
static void try_nested(struct span document, size_t near)
{
    struct buf deep = {0};
    size_t depth = json_depth(document);
    size_t arrays = JSON_DEPTH_MAX - 1 - NEST_NEAR + near;
    arrays = arrays > depth ? arrays - depth : 1;
    put(&deep, "{\"x\":");
    repeat(&deep, '[', arrays);
    buf_append(&deep, document);
    repeat(&deep, ']', arrays);
    put(&deep, "}");
    try_document(buf_span(&deep));
    buf_free(&deep);
}

/* --- documents made from items ---------------------------------------------------------------- */

enum { CHANNEL = 1, PAUSED = 2, NAME_SHIFT = 2, NOISE = 32, LATE = 64, TWICE = 128 };

static const struct {
    const char *text, *json;
    bool valid;
} names[8] = {
    {"a", "\"a\"", true},
    {"b-_.9", "\"\\u0062-_.9\"", true},
    {"c#ephemeral", "\"c#ephemeral\"", true},
    {"", "\"d!\"", false},
    {"", "null", false},
    {"", "\"\"", false},
    {"e", "null,\"NAME\":\"e\"", true},
    {"", "\"abcdefghijklmnopqrstuvwxyz.ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789-\"", false},
};

struct making {
    struct buf document;
    struct metadata expected;
    bool twice;       /* a list is there twice */
    bool topic_valid; /* the name of the last topic */
};

static void expect(struct making *making, unsigned choice)
{
    bool is_channel = (choice & CHANNEL) != 0;
    unsigned name = choice >> NAME_SHIFT & 7;
    if (!is_channel) {
        making->topic_valid = names[name].valid;
    }
    if (is_channel && !making->topic_valid) {
        return;
    }
    if (names[name].valid) {
        metadata_add(&making->expected, is_channel, text_span(names[name].text),
                     (choice & PAUSED) != 0);
    } else {
        making->expected.skipped++;
    }
}

static void write_members(struct buf *out, unsigned choice)
{
    put(out, "\"name\":");
    put(out, names[choice >> NAME_SHIFT & 7].json);
    put(out, (choice & PAUSED) != 0 ? ",\"Paused\":true" : ",\"paused\":false");
    put(out, ",\"paused\":null");
}

static void write_noise(struct buf *out, unsigned choice)
{
    if ((choice & NOISE) != 0) {
        put(out, "\"version\":-1e999,\"x\":{\"name\":\"n\",\"paused\":true,\"topics\":[],"
                 "\"channels\":[{\"name\":\"n\"}]},");
    }
}

static void make_channel(struct making *making, unsigned choice)
{
    struct buf *out = &making->document;
    put(out, "{");
    write_noise(out, choice);
    write_members(out, choice);
    put(out, "}");
    expect(making, choice);
}

/* A topic with the channels that follow it in the input. */
static void make_topic(struct making *making, unsigned choice, struct span *in)
{
    struct buf *out = &making->document;
    expect(making, choice);
    put(out, "{");
    write_noise(out, choice);
    if ((choice & LATE) == 0) {
        write_members(out, choice);
        put(out, ",");
    }
    put(out, "\"channels\":[");
    for (bool first = true; in->n > 0 && (in->p[0] & CHANNEL) != 0; first = false) {
        put(out, first ? "" : ",");
        make_channel(making, fuzz_byte(in));
    }
    put(out, "]");
    if ((choice & TWICE) != 0) {
        put(out, ",\"channels\":null");
        making->twice = true;
    }
    if ((choice & LATE) != 0) {
        put(out, ",");
        write_members(out, choice);
    }
    put(out, "}");
}

static void check_made(const struct making *making)
{
    struct metadata m = {.items = NULL};
    struct metadata_error error;
    bool valid = read_document(buf_span(&making->document), &m, &error);
    FUZZ_CHECK(valid == !making->twice);
    FUZZ_CHECK(error.why == (making->twice ? METADATA_REPEATED : METADATA_GOOD));
    FUZZ_CHECK(making->twice ||
               (same_list(&m, &making->expected) && m.skipped == making->expected.skipped));
    metadata_free(&m);
}

static void try_made(struct span in, bool twice)
{
    struct making making = {.twice = twice};
    put(&making.document, "{\"topics\":[");
    for (bool first = true; in.n > 0; first = false) {
        put(&making.document, first ? "" : ",");
        make_topic(&making, fuzz_byte(&in) & ~(unsigned)CHANNEL, &in);
    }
    put(&making.document, twice ? "],\"TOPICS\":null}" : "],\"version\":\"\"}");
    fuzz_say_bytes("made", buf_span(&making.document));
    check_made(&making);
    try_document(buf_span(&making.document));
    buf_free(&making.document);
    metadata_free(&making.expected);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_make(data, size);
    unsigned what = fuzz_byte(&in);
    if (what >= MAKE_FROM) {
        try_made(in, what % 2 != 0);
    } else if (what >= NEST_FROM) {
        try_nested(in, what % 8);
    } else {
        try_document(in);
    }
    return 0;
}
