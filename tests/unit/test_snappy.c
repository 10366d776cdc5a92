/* SPDX-License-Identifier: MIT */
/* Tests of codec/snappy.h. */
#include "codec/snappy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/crc32c.h"
#include "support/codecs.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

#define IDENTIFIER "\xff\x06\0\0sNaPpY"
/* The output of snappy.NewWriter of golang/snappy 0.0.4, which nsqd and go-nsq use, for three
 * Writes: a frame "OK", 25 times "nsq " (this one becomes smaller), "  V2". */
#define GOLDEN_OK IDENTIFIER "\x01\x0e\0\0\x26\x98\x2b\xcf\0\0\0\x06\0\0\0\0OK"
#define GOLDEN_NSQ "\0\x10\0\0\x6a\x20\xe9\xcd\x64\x0cnsq \xfe\x04\0\x7e\x04\0"
#define GOLDEN_V2 "\x01\x08\0\0\x5f\xf8\xd4\x99  V2"
#define GOLDEN GOLDEN_OK GOLDEN_NSQ GOLDEN_V2
#define NSQ_5 "nsq nsq nsq nsq nsq "
#define NSQ_25 NSQ_5 NSQ_5 NSQ_5 NSQ_5 NSQ_5
#define FRAME "\0\0\0\x06\0\0\0\0OK"
static const struct span golden_parts[] = {SPAN_LITERAL(FRAME), SPAN_LITERAL(NSQ_25),
                                           SPAN_LITERAL("  V2")};

#define EMPTY_PLAIN "\x01\x04\0\0\xd8\xea\x82\xa2" /* no data, with its checksum */

/* --- encoding --------------------------------------------------------------------------------- */

static void writes_what_go_writes(void **state)
{
    (void)state;
    struct codec codec = snappy_codec();
    struct buf down = {0};
    codecs_encode(codec, SPAN(""), &down);
    assert_int_equal(down.n, 0);
    codecs_encode(codec, golden_parts[0], &down);
    assert_true(span_equal(buf_span(&down), SPAN(GOLDEN_OK)));
    codecs_encode(codec, golden_parts[1], &down);
    assert_true(span_equal(buf_span(&down), SPAN(GOLDEN_OK GOLDEN_NSQ)));
    codecs_encode(codec, golden_parts[2], &down);
    assert_true(span_equal(buf_span(&down), SPAN(GOLDEN)));
    codec.calls->finish(codec.self, &down);
    assert_true(span_equal(buf_span(&down), SPAN(GOLDEN)));
    codec.calls->free(codec.self);
    buf_free(&down);
}

static bool begins_with(struct span s, struct span part)
{
    return s.n >= part.n && s.p != NULL && span_equal(span_first(s, part.n), part);
}

/* A block is sent compressed if that saves more than an eighth of it. The blocks here are bytes
 * without a pattern, followed by more and more of one letter. */
static void compresses_what_shrinks(void **state)
{
    (void)state;
    struct buf in = {0};
    codecs_make_data(&in, DATA_NOISE, 80);
    bool was_compressed = false;
    for (size_t n = 0; n < 50; n++) {
        struct codec codec = snappy_codec();
        struct buf down = {0};
        codecs_encode(codec, buf_span(&in), &down);
        struct span chunk = span_skip(buf_span(&down), sizeof IDENTIFIER - 1);
        bool compressed = chunk.p != NULL && chunk.p[0] == 0;
        size_t data = chunk.n - 8;
        assert_true(compressed ? data < in.n - in.n / 8 : data == in.n);
        assert_true(compressed >= was_compressed);
        was_compressed = compressed;
        codec.calls->free(codec.self);
        buf_free(&down);
        buf_append(&in, SPAN("z"));
    }
    assert_true(was_compressed);
    buf_free(&in);
}

static void blocks_have_65536_bytes_at_most(void **state)
{
    (void)state;
    static const size_t sizes[] = {65535, 65536, 65537, 131072, 131073};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct codec codec = snappy_codec();
        struct buf in = {0}, down = {0};
        codecs_make_data(&in, DATA_NOISE, sizes[i]);
        codecs_encode(codec, buf_span(&in), &down);
        struct span rest = span_skip(buf_span(&down), sizeof IDENTIFIER - 1);
        size_t left = in.n;
        while (left > 0) {
            size_t n = left < 65536 ? left : 65536;
            const uint8_t header[4] = {1, (uint8_t)(n + 4), (uint8_t)((n + 4) >> 8),
                                       (uint8_t)((n + 4) >> 16)};
            assert_true(begins_with(rest, span_make(header, 4)));
            rest = span_skip(rest, 8 + n);
            left -= n;
        }
        assert_int_equal(rest.n, 0);
        codec.calls->free(codec.self);
        buf_free(&in);
        buf_free(&down);
    }
}

/* --- there and back --------------------------------------------------------------------------- */

static void round_trips(void **state)
{
    (void)state;
    static const size_t sizes[] = {1,  2,  15,   16,    17,    18,    63,
                                   64, 65, 1000, 65535, 65536, 65537, 200000};
    for (size_t i = 0; i < COUNT(sizes) * DATA_KINDS; i++) {
        codecs_check_round_trip(snappy_codec(), snappy_codec(), (enum codecs_data)(i % DATA_KINDS),
                                sizes[i / DATA_KINDS], 2);
    }
}

static void cuts_do_not_matter(void **state)
{
    (void)state;
    static const struct span streams[] = {
        SPAN_LITERAL(GOLDEN),
#define SKIPPED                                                                                    \
    IDENTIFIER "\xfe\x03\0\0abc\x80\0\0\0" IDENTIFIER GOLDEN_V2 "\x90\x01\0\0z" GOLDEN_NSQ
        SPAN_LITERAL(SKIPPED),
#define FAILING GOLDEN "\x01\x08\0\0\x5f\xf8\xd4\x98  V2" GOLDEN
        SPAN_LITERAL(FAILING),
    };
    struct codecs_run run;
    codecs_check_cuts(snappy_codec, streams[0], &run);
    assert_true(span_equal(buf_span(&run.up), SPAN(FRAME NSQ_25 "  V2")));
    codecs_run_free(&run);
    codecs_check_cuts(snappy_codec, streams[1], &run);
    assert_true(span_equal(buf_span(&run.up), SPAN("  V2" NSQ_25)));
    assert_int_equal(run.state, CODEC_OPEN);
    codecs_run_free(&run);
    codecs_check_cuts(snappy_codec, streams[2], &run);
    assert_true(span_equal(buf_span(&run.up), SPAN(FRAME NSQ_25 "  V2")));
    assert_string_equal(run.why, "snappy: corrupt input: a checksum");
    codecs_run_free(&run);
}

/* A block that has not arrived completely gives no output. */
static void cut_off_at_each_byte(void **state)
{
    (void)state;
    static const size_t ends[] = {sizeof GOLDEN_OK - 1, sizeof GOLDEN_OK GOLDEN_NSQ - 1,
                                  sizeof GOLDEN - 1};
    for (size_t n = 0; n < sizeof GOLDEN - 1; n++) {
        size_t expected =
            (n >= ends[0] ? 10u : 0) + (n >= ends[1] ? 100u : 0) + (n >= ends[2] ? 4u : 0);
        struct codecs_run run;
        codecs_decode_whole(snappy_codec(), span_first(SPAN(GOLDEN), n), &run);
        assert_int_equal(run.state, CODEC_OPEN);
        assert_true(span_equal(buf_span(&run.up), span_first(SPAN(FRAME NSQ_25 "  V2"), expected)));
        codecs_run_free(&run);
    }
}

/* --- what is no good -------------------------------------------------------------------------- */

static struct span without(struct span s, struct span part)
{
    return begins_with(s, part) ? span_skip(s, part.n) : s;
}

/* When any byte is changed to any other, the output consists of blocks that were sent. Some may be
 * missing, because the type of a chunk may have become one that is skipped. */
static void spoilt_at_each_byte(void **state)
{
    (void)state;
    static const uint8_t masks[] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff, 0x55};
    unsigned failed = 0;
    for (size_t i = 0; i < (sizeof GOLDEN - 1) * COUNT(masks); i++) {
        uint8_t bytes[sizeof GOLDEN - 1];
        memcpy(bytes, GOLDEN, sizeof bytes);
        bytes[i / COUNT(masks)] ^= masks[i % COUNT(masks)];
        struct codecs_run run;
        codecs_check_bytes(snappy_codec, span_make(bytes, sizeof bytes), &run);
        struct span rest = buf_span(&run.up);
        for (size_t k = 0; k < COUNT(golden_parts); k++) {
            rest = without(rest, golden_parts[k]);
        }
        assert_int_equal(rest.n, 0);
        assert_true(run.state == CODEC_FAILED || run.state == CODEC_OPEN);
        failed += run.state == CODEC_FAILED;
        codecs_run_free(&run);
    }
    assert_true(failed > (sizeof GOLDEN - 1) * COUNT(masks) * 3 / 4);
}

/* Each input fails at its last byte, not before. */
static void bad_streams(void **state)
{
    (void)state;
#define BAD(literal, why)                                                                          \
    {                                                                                              \
        SPAN_LITERAL(literal), "snappy: " why                                                      \
    }
    static const struct {
        struct span bytes;
        const char *why;
    } bad[] = {
        BAD("  V2", "corrupt input: no stream identifier"),
        BAD("\x01\x08\0\0", "corrupt input: no stream identifier"),
        BAD("\xfe\x01\0\0", "corrupt input: no stream identifier"),
        BAD("\x02\0\0\0", "corrupt input: no stream identifier"),
        BAD("\xff\x05\0\0", "corrupt input: the length of a chunk"),
        BAD("\xff\x07\0\0", "corrupt input: the length of a chunk"),
        BAD("\xff\x06\x01\0", "corrupt input: the length of a chunk"),
        BAD("\xff\xcf\x2a\x01", "unsupported input: a chunk is too long"),
        BAD("\xff\x06\0\0sNaPpy", "corrupt input: the stream identifier"),
        BAD(IDENTIFIER "\xff\x06\0\0SNAPPY", "corrupt input: the stream identifier"),
        BAD(IDENTIFIER "\x02\0\0\0", "unsupported input: a reserved chunk"),
        BAD(IDENTIFIER "\x7f\x01\0\0", "unsupported input: a reserved chunk"),
        BAD(IDENTIFIER "\0\x03\0\0", "corrupt input: the length of a chunk"),
        BAD(IDENTIFIER "\x01\x03\0\0", "corrupt input: the length of a chunk"),
        BAD(IDENTIFIER "\x01\0\0\0", "corrupt input: the length of a chunk"),
        BAD(IDENTIFIER "\x01\x05\0\x01", "corrupt input: the length of a chunk"),   /* 65537 + 4 */
        BAD(IDENTIFIER "\0\xcf\x2a\x01", "unsupported input: a chunk is too long"), /* 76495 */
        BAD(IDENTIFIER "\0\xff\xff\xff", "unsupported input: a chunk is too long"),
        BAD(IDENTIFIER "\x80\xcf\x2a\x01", "unsupported input: a chunk is too long"),
        BAD(IDENTIFIER "\xfe\xff\xff\xff", "unsupported input: a chunk is too long"),
        BAD(IDENTIFIER "\x01\x08\0\0\x5f\xf8\xd4\x98  V2", "corrupt input: a checksum"),
        BAD(IDENTIFIER "\x01\x08\0\0\x5f\xf8\xd4\x99  V3", "corrupt input: a checksum"),
        BAD(IDENTIFIER "\x01\x04\0\0\0\0\0\0", "corrupt input: a checksum"),
        BAD(IDENTIFIER "\0\x10\0\0\x6b\x20\xe9\xcd\x64\x0cnsq \xfe\x04\0\x7e\x04\0",
            "corrupt input: a checksum"),
        BAD(IDENTIFIER "\0\x04\0\0\xd8\xea\x82\xa2", "corrupt input: the length of a block"),
        /* 65537 bytes, 4 GiB, and a number without an end */
        BAD(IDENTIFIER "\0\x07\0\0\0\0\0\0\x81\x80\x04", "corrupt input: the length of a block"),
        BAD(IDENTIFIER "\0\x09\0\0\0\0\0\0\xff\xff\xff\xff\x0f",
            "corrupt input: the length of a block"),
        BAD(IDENTIFIER "\0\x05\0\0\0\0\0\0\x80", "corrupt input: the length of a block"),
        /* less than announced, more than announced, a copy from before the beginning */
        BAD(IDENTIFIER "\0\x07\0\0\0\0\0\0\x05\0a", "corrupt input: a block"),
        BAD(IDENTIFIER "\0\x08\0\0\0\0\0\0\x01\x04"
                       "ab",
            "corrupt input: a block"),
        BAD(IDENTIFIER "\0\x09\0\0\0\0\0\0\x05\0a\x01\x02", "corrupt input: a block"),
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct codecs_run run;
        codecs_decode(snappy_codec(), span_first(bad[i].bytes, bad[i].bytes.n - 1),
                      (struct codecs_cut){1, 1, 100}, &run);
        assert_int_equal(run.state, CODEC_OPEN);
        codecs_run_free(&run);
        codecs_check_cuts(snappy_codec, bad[i].bytes, &run);
        assert_int_equal(run.state, CODEC_FAILED);
        assert_string_equal(run.why, bad[i].why);
        assert_int_equal(run.up.n, 0);
        codecs_run_free(&run);
    }
}

/* --- what is unusual -------------------------------------------------------------------------- */

static void append_chunk(struct buf *b, uint8_t type, size_t n)
{
    const uint8_t header[4] = {type, (uint8_t)n, (uint8_t)(n >> 8), (uint8_t)(n >> 16)};
    buf_append(b, span_make(header, sizeof header));
    codecs_make_data(b, DATA_NOISE, n);
}

static void chunks_that_are_skipped(void **state)
{
    (void)state;
    static const uint8_t types[] = {0x80, 0xc0, 0xfd, 0xfe};
    static const size_t sizes[] = {0, 1, 4, 6, 65540, 65541, SNAPPY_CHUNK_MAX};
    for (size_t i = 0; i < COUNT(types) * COUNT(sizes); i++) {
        struct buf in = {0};
        struct codecs_run run;
        buf_append(&in, SPAN(IDENTIFIER));
        append_chunk(&in, types[i % COUNT(types)], sizes[i / COUNT(types)]);
        buf_append(&in, SPAN(GOLDEN_V2));
        codecs_decode(snappy_codec(), buf_span(&in), (struct codecs_cut){11, 999, 100}, &run);
        assert_int_equal(run.state, CODEC_OPEN);
        assert_true(span_equal(buf_span(&run.up), SPAN("  V2")));
        codecs_run_free(&run);
        buf_free(&in);
    }
}

static void empty_chunks_are_nothing(void **state)
{
    (void)state;
    struct codecs_run run;
    codecs_check_cuts(snappy_codec,
                      SPAN(IDENTIFIER EMPTY_PLAIN "\0\x05\0\0\xd8\xea\x82\xa2\0" GOLDEN_V2), &run);
    assert_int_equal(run.state, CODEC_OPEN);
    assert_true(span_equal(buf_span(&run.up), SPAN("  V2")));
    codecs_run_free(&run);
}

/* The largest chunk that is allowed. Its block consists of the smallest possible literals. */
static void block_that_grew(void **state)
{
    (void)state;
    struct buf in = {0}, block = {0}, data = {0};
    codecs_make_data(&data, DATA_WORDS, 1000);
    buf_append(&block, SPAN("\xe8\x07")); /* 1000 */
    for (size_t i = 0; i < data.n; i++) {
        buf_append(&block, SPAN("\0"));
        buf_append(&block, span_first(span_skip(buf_span(&data), i), 1));
    }
    uint32_t crc = crc32c(buf_span(&data));
    crc = (crc >> 15 | crc << 17) + 0xa282ead8;
    const uint8_t head[8] = {0,
                             (uint8_t)(block.n + 4),
                             (uint8_t)((block.n + 4) >> 8),
                             0,
                             (uint8_t)crc,
                             (uint8_t)(crc >> 8),
                             (uint8_t)(crc >> 16),
                             (uint8_t)(crc >> 24)};
    buf_append(&in, SPAN(IDENTIFIER));
    buf_append(&in, span_make(head, sizeof head));
    buf_append(&in, buf_span(&block));
    struct codecs_run run;
    codecs_decode_whole(snappy_codec(), buf_span(&in), &run);
    assert_true(span_equal(buf_span(&run.up), buf_span(&data)));
    codecs_run_free(&run);
    buf_free(&in);
    buf_free(&block);
    buf_free(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_what_go_writes),
        cmocka_unit_test(compresses_what_shrinks),
        cmocka_unit_test(blocks_have_65536_bytes_at_most),
        cmocka_unit_test(round_trips),
        cmocka_unit_test(cuts_do_not_matter),
        cmocka_unit_test(cut_off_at_each_byte),
        cmocka_unit_test(spoilt_at_each_byte),
        cmocka_unit_test(bad_streams),
        cmocka_unit_test(chunks_that_are_skipped),
        cmocka_unit_test(empty_chunks_are_nothing),
        cmocka_unit_test(block_that_grew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
