/* SPDX-License-Identifier: MIT */
/* Tests of codec/deflate.h. */
#include "codec/deflate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/codecs.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

#define LEVEL 6
#define FLUSH_END "\0\0\xff\xff"
/* The output of Go's compress/flate, which nsqd and go-nsq use, for three Writes, each with a
 * Flush: a frame "OK", 25 times "nsq ", "  V2"; at levels 1 and 6. */
#define GOLDEN_1                                                                                   \
    "\0\x0a\0\xf5\xff\0\0\0\x06\0\0\0\0OK\0" FLUSH_END                                             \
    "\x04\xc0\x01\x09\0\0\0\x83\xb0\x2a\x4f\x28\x88\xfd\xe1\x23\x47\x8e\x1c\x39\x72\xe4\xc8\x91"   \
    "\x23\x47\x8e\x1c\x39\x72\xe4\xc8\x91\x23\x47\x8e\x1c\x39\x72\xe4\xc8\x91\x23\x77\0" FLUSH_END \
    "\0\x04\0\xfb\xff  V2\0" FLUSH_END
#define GOLDEN_6                                                                                   \
    "\x62\x60\x60\x60\x63\x60\x60\x60\xf0\xf7\x06\0" FLUSH_END                                     \
    "\xca\x2b\x2e\x54\xa0\x35\x06\0" FLUSH_END "\x52\x50\x08\x33\x02\0" FLUSH_END
/* An empty final block, which Close adds. */
#define GOLDEN_CLOSE "\x01\0\0\xff\xff"
#define NSQ_5 "nsq nsq nsq nsq nsq "
#define NSQ_25 NSQ_5 NSQ_5 NSQ_5 NSQ_5 NSQ_5
#define FRAME "\0\0\0\x06\0\0\0\0OK"
#define PLAIN FRAME NSQ_25 "  V2"

static struct codec make(void)
{
    return deflate_codec(LEVEL);
}

/* --- encoding --------------------------------------------------------------------------------- */

static bool ends_with(struct span s, struct span end)
{
    return s.n >= end.n && s.p != NULL && span_equal(span_skip(s, s.n - end.n), end);
}

static void each_flush_ends_at_a_byte(void **state)
{
    (void)state;
    for (int level = 1; level <= 9; level++) {
        struct codec codec = deflate_codec(level), peer = make();
        struct buf down = {0}, up = {0};
        for (size_t n = 1; n < 100; n++) {
            codec.calls->encode(codec.self, span_first(SPAN(PLAIN), n), &down);
            codec.calls->flush(codec.self, &down);
            struct span wire = buf_span(&down);
            assert_true(wire.n > 4 && ends_with(wire, SPAN(FLUSH_END)));
            /* The peer can decode all of it. */
            struct buf none = {0};
            assert_int_equal(peer.calls->decode(peer.self, wire, 1000, &up, &none), wire.n);
            assert_true(span_equal(buf_span(&up), span_first(SPAN(PLAIN), n)));
            buf_drop(&up, up.n);
            buf_drop(&down, down.n);
        }
        buf_free(&up);
        buf_free(&down);
        codec.calls->free(codec.self);
        peer.calls->free(peer.self);
    }
}

static void flush_of_nothing_is_nothing(void **state)
{
    (void)state;
    struct codec codec = make();
    struct buf down = {0};
    codec.calls->flush(codec.self, &down);
    codecs_encode(codec, SPAN(""), &down);
    assert_int_equal(down.n, 0);
    codecs_encode(codec, SPAN("a"), &down);
    size_t n = down.n;
    codec.calls->flush(codec.self, &down);
    codecs_encode(codec, SPAN(""), &down);
    codec.calls->finish(codec.self, &down);
    assert_int_equal(down.n, n);
    codec.calls->free(codec.self);
    buf_free(&down);
}

/* `level` is used: a higher level makes repeated data smaller. */
static void levels(void **state)
{
    (void)state;
    size_t sizes[10] = {0};
    struct buf in = {0};
    codecs_make_data(&in, DATA_WORDS, 100000);
    for (int level = 1; level <= 9; level++) {
        struct codec codec = deflate_codec(level);
        struct buf down = {0};
        codecs_encode(codec, buf_span(&in), &down);
        sizes[level] = down.n;
        codec.calls->free(codec.self);
        buf_free(&down);
    }
    assert_true(sizes[9] <= sizes[6] && sizes[6] < sizes[1] && sizes[1] < in.n / 2);
    buf_free(&in);
}

/* The codec remembers data over a flush: to send it again costs little. */
static void remembers(void **state)
{
    (void)state;
    struct codec codec = make();
    struct buf in = {0}, down = {0};
    codecs_make_data(&in, DATA_NOISE, 1000);
    codecs_encode(codec, buf_span(&in), &down);
    size_t first = down.n;
    codecs_encode(codec, buf_span(&in), &down);
    assert_true(first > 1000 && down.n - first < 50);
    codec.calls->free(codec.self);
    buf_free(&in);
    buf_free(&down);
}

/* --- there and back --------------------------------------------------------------------------- */

static void round_trip(int level, enum codecs_data kind, size_t n, size_t times)
{
    codecs_check_round_trip(deflate_codec(level), make(), kind, n, times);
}

static void round_trips(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 5, 57, 58, 64, 65, 16384, 16385, 65537};
    for (int level = 1; level <= 9; level++) {
        for (size_t i = 0; i < COUNT(sizes) * DATA_KINDS; i++) {
            round_trip(level, (enum codecs_data)(i % DATA_KINDS), sizes[i / DATA_KINDS], 2);
        }
    }
    round_trip(LEVEL, DATA_NOISE, ((size_t)1 << 20) + 1, 1); /* more than zlib gets in one call */
    round_trip(LEVEL, DATA_WORDS, 3, 1000);
}

static void reads_what_go_writes(void **state)
{
    (void)state;
    static const struct span golden[] = {SPAN_LITERAL(GOLDEN_1), SPAN_LITERAL(GOLDEN_6)};
    for (size_t i = 0; i < COUNT(golden); i++) {
        struct codecs_run run;
        codecs_check_cuts(make, golden[i], &run);
        assert_int_equal(run.state, CODEC_OPEN);
        assert_true(span_equal(buf_span(&run.up), SPAN(PLAIN)));
        codecs_run_free(&run);
    }
}

/* What has arrived is decoded, and nothing else. */
static void cut_off_at_each_byte(void **state)
{
    (void)state;
    size_t longest = 0;
    for (size_t n = 0; n < sizeof GOLDEN_6 - 1; n++) {
        struct codecs_run run;
        codecs_check_bytes(make, span_first(SPAN(GOLDEN_6), n), &run);
        assert_int_equal(run.state, CODEC_OPEN);
        assert_true(span_equal(buf_span(&run.up), span_first(SPAN(PLAIN), run.up.n)));
        assert_true(run.up.n >= longest);
        longest = run.up.n;
        codecs_run_free(&run);
    }
    assert_int_equal(longest, sizeof PLAIN - 1);
}

/* The peer's bytes are decoded as soon as they arrive, also without a flush. */
static void waits_for_nothing(void **state)
{
    (void)state;
    struct codecs_run run;
    codecs_check_cuts(make, SPAN("\0\x0a\0\xf5\xffPUB a\n"), &run);
    assert_true(span_equal(buf_span(&run.up), SPAN("PUB a\n")));
    codecs_run_free(&run);
}

/* --- the end ---------------------------------------------------------------------------------- */

static void final_block_closes(void **state)
{
    (void)state;
    static const struct span streams[] = {
#define CLOSED GOLDEN_6 GOLDEN_CLOSE
        SPAN_LITERAL(CLOSED),
#define CLOSED_AND_MORE CLOSED "\0\x04\0\xfb\xffmore"
        SPAN_LITERAL(CLOSED_AND_MORE),
    };
    for (size_t i = 0; i < COUNT(streams); i++) {
        struct codecs_run run;
        codecs_check_cuts(make, streams[i], &run);
        assert_int_equal(run.state, CODEC_CLOSED);
        assert_int_equal(run.taken, sizeof CLOSED - 1);
        assert_true(span_equal(buf_span(&run.up), SPAN(PLAIN)));
        codecs_run_free(&run);
    }
    struct codecs_run run;
    codecs_check_cuts(make, SPAN("\x03\0"), &run); /* a complete stream without data */
    assert_int_equal(run.state, CODEC_CLOSED);
    assert_int_equal(run.up.n, 0);
    codecs_run_free(&run);
}

/* This side can still send after the peer has ended its stream. */
static void closed_can_still_say(void **state)
{
    (void)state;
    struct codec codec = make();
    struct buf up = {0}, down = {0};
    assert_int_equal(codec.calls->decode(codec.self, SPAN("\x03\0"), 10, &up, &down), 2);
    codecs_encode(codec, SPAN(PLAIN), &down);
    assert_true(down.n > 4);
    codec.calls->free(codec.self);
    buf_free(&up);
    buf_free(&down);
}

/* --- what is no good -------------------------------------------------------------------------- */

/* Each input fails at its last byte, not before. */
static void bad_streams(void **state)
{
    (void)state;
#define BAD(literal, why)                                                                          \
    {                                                                                              \
        SPAN_LITERAL(literal), "deflate: " why                                                     \
    }
    static const struct {
        struct span bytes;
        const char *why;
    } bad[] = {
        BAD("\x06", "invalid block type"),
        BAD("\x07", "invalid block type"),
        BAD(GOLDEN_6 "\xff", "invalid block type"),
        BAD("\0\x04\0\0\0", "invalid stored block lengths"),
        BAD("\x78\x9c\x63\x60\x60",
            "invalid stored block lengths"), /* the header of zlib's format */
        BAD("\x1f", "invalid block type"),   /* the first byte of gzip's header */
        BAD("\xfc\0\0", "too many length or distance symbols"),
        BAD("\x04\0\xfe\xff", "invalid code lengths set"),
        BAD("\x04\0\x02\x24",
            "invalid bit length repeat"), /* repeats a length before the first one */
        BAD("\x02\x02", "invalid distance too far back"), /* the byte before the first one */
        BAD("\x02\x7e", "invalid distance code"),         /* 30, which is reserved */
        BAD("\x1a\x03", "invalid literal/length code"),   /* 286 */
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct codecs_run run;
        codecs_decode_whole(make(), span_first(bad[i].bytes, bad[i].bytes.n - 1), &run);
        assert_int_equal(run.state, CODEC_OPEN);
        codecs_run_free(&run);
        codecs_check_cuts(make, bad[i].bytes, &run);
        assert_int_equal(run.state, CODEC_FAILED);
        assert_string_equal(run.why, bad[i].why);
        codecs_run_free(&run);
    }
}

/* The data before the bad byte is decoded. */
static void fails_late(void **state)
{
    (void)state;
    struct codecs_run run;
    codecs_check_cuts(make, SPAN(GOLDEN_1 "\x06" GOLDEN_1), &run);
    assert_int_equal(run.state, CODEC_FAILED);
    assert_true(span_equal(buf_span(&run.up), SPAN(PLAIN)));
    codecs_run_free(&run);
}

/* Deflate has no checksum, so a changed byte may give other output. It must be the same for every
 * cut, and not be larger than such an input allows. */
static void spoilt_at_each_byte(void **state)
{
    (void)state;
    static const struct span golden[] = {SPAN_LITERAL(GOLDEN_1), SPAN_LITERAL(GOLDEN_6)};
    static const uint8_t masks[] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff};
    unsigned seen[CODEC_FAILED + 1] = {0};
    for (size_t g = 0; g < COUNT(golden); g++) {
        for (size_t i = 0; i < golden[g].n * COUNT(masks); i++) {
            uint8_t bytes[sizeof GOLDEN_1];
            memcpy(bytes, golden[g].p, golden[g].n);
            bytes[i / COUNT(masks)] ^= masks[i % COUNT(masks)];
            struct codecs_run run;
            codecs_check_bytes(make, span_make(bytes, golden[g].n), &run);
            assert_true(run.up.n <= 1032 * golden[g].n); /* 2 bits give at most 258 bytes */
            assert_int_not_equal(run.state, CODEC_HANDSHAKING);
            seen[run.state]++;
            codecs_run_free(&run);
        }
    }
    assert_true(seen[CODEC_OPEN] > 0 && seen[CODEC_CLOSED] > 0 && seen[CODEC_FAILED] > 0);
}

static void may_end_unused(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct codec codec = make();
        struct buf up = {0}, down = {0};
        if (i & 1) {
            codecs_encode(codec, SPAN("a"), &down);
        }
        if (i & 2) {
            codec.calls->decode(codec.self, SPAN("\x62"), 10, &up, &down);
        }
        codec.calls->free(codec.self);
        buf_free(&up);
        buf_free(&down);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_flush_ends_at_a_byte),
        cmocka_unit_test(flush_of_nothing_is_nothing),
        cmocka_unit_test(levels),
        cmocka_unit_test(remembers),
        cmocka_unit_test(round_trips),
        cmocka_unit_test(reads_what_go_writes),
        cmocka_unit_test(cut_off_at_each_byte),
        cmocka_unit_test(waits_for_nothing),
        cmocka_unit_test(final_block_closes),
        cmocka_unit_test(closed_can_still_say),
        cmocka_unit_test(bad_streams),
        cmocka_unit_test(fails_late),
        cmocka_unit_test(spoilt_at_each_byte),
        cmocka_unit_test(may_end_unused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
