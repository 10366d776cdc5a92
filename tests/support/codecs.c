/* SPDX-License-Identifier: MIT */
/*
 * Drives a codec with input cut in many ways and checks its contract at each call. Must not know:
 * any particular codec.
 */
#include "support/codecs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/exact.h"
#include "support/segments.h"

static bool is_over(struct codec codec)
{
    return codec.calls->state(codec.self) > CODEC_OPEN;
}

/* One call of decode, with the checks that hold for every call. Returns the bytes taken. */
static size_t decode_once(struct codec codec, struct span in, size_t room, struct buf *up)
{
    struct buf down = {0};
    size_t had = up->n;
    bool over = is_over(codec);
    bool pending = codec.calls->has_pending(codec.self);
    size_t taken = codec.calls->decode(codec.self, in, room, up, &down);
    assert_true(taken <= in.n);
    assert_true(up->n - had <= room);
    assert_int_equal(down.n, 0);
    assert_true(!over || (taken == 0 && up->n == had));
    /* A caller that repeats the call while there is something to do must come to an end. */
    assert_true(taken > 0 || up->n > had || is_over(codec) || in.n == 0 || pending);
    assert_true(taken > 0 || up->n > had || is_over(codec) ||
                !codec.calls->has_pending(codec.self));
    buf_free(&down);
    return taken;
}

void codecs_decode(struct codec codec, struct span in, struct codecs_cut cut,
                   struct codecs_run *run)
{
    struct exact wall;
    exact_open(&wall, in.n + 1);
    *run = (struct codecs_run){0};
    size_t there = 0;
    for (size_t next = cut.first; !is_over(codec) && there < in.n; next = cut.piece) {
        there = next < in.n - there ? there + next : in.n;
        do {
            struct span piece = span_first(span_skip(in, run->taken), there - run->taken);
            run->taken += decode_once(codec, exact_at_end(&wall, piece), cut.room, &run->up);
        } while (!is_over(codec) && (run->taken < there || codec.calls->has_pending(codec.self)));
    }
    run->state = codec.calls->state(codec.self);
    struct span why = codec.calls->why(codec.self);
    assert_int_equal(why.n > 0, run->state == CODEC_FAILED);
    snprintf(run->why, sizeof run->why, "%.*s", (int)why.n, why.n == 0 ? "" : (const char *)why.p);
    if (is_over(codec)) {
        decode_once(codec, in, cut.room, &run->up);
    }
    codec.calls->free(codec.self);
    exact_close(&wall);
}

void codecs_decode_whole(struct codec codec, struct span in, struct codecs_run *run)
{
    codecs_decode(codec, in, (struct codecs_cut){SIZE_MAX, SIZE_MAX, (size_t)1 << 30}, run);
}

static void check_cut(struct codec (*make)(void), struct span in, struct codecs_cut cut,
                      const struct codecs_run *expected)
{
    struct codecs_run run;
    codecs_decode(make(), in, cut, &run);
    assert_true(span_equal(buf_span(&run.up), buf_span(&expected->up)));
    assert_int_equal(run.state, expected->state);
    assert_string_equal(run.why, expected->why);
    assert_true(run.state == CODEC_FAILED || run.taken == expected->taken);
    codecs_run_free(&run);
}

static const size_t rooms[] = {1, 7, 16384};
#define ROOMS (sizeof rooms / sizeof rooms[0])

void codecs_check_bytes(struct codec (*make)(void), struct span in, struct codecs_run *run)
{
    codecs_decode_whole(make(), in, run);
    for (size_t i = 0; i < ROOMS; i++) {
        check_cut(make, in, (struct codecs_cut){1, 1, rooms[i]}, run);
    }
}

void codecs_check_cuts(struct codec (*make)(void), struct span in, struct codecs_run *run)
{
    codecs_check_bytes(make, in, run);
    for (size_t i = 0; i < ROOMS * in.n; i++) {
        check_cut(make, in, (struct codecs_cut){i / ROOMS + 1, in.n, rooms[i % ROOMS]}, run);
    }
}

void codecs_run_free(struct codecs_run *run)
{
    buf_free(&run->up);
}

void codecs_encode(struct codec codec, struct span in, struct buf *down)
{
    codec.calls->encode(codec.self, in, down);
    codec.calls->flush(codec.self, down);
}

void codecs_make_data(struct buf *b, enum codecs_data kind, size_t n)
{
    uint64_t random = n + 1;
    for (size_t i = 0; i < n; i++) {
        uint64_t next = segments_random(&random);
        uint8_t byte = kind == DATA_ZEROS   ? 0
                       : kind == DATA_NOISE ? (uint8_t)(next >> 24)
                       : next % 8 == 0      ? ' '
                                            : (uint8_t)('a' + i % 5);
        buf_append(b, span_make(&byte, 1));
    }
}

void codecs_check_round_trip(struct codec from, struct codec to, enum codecs_data kind, size_t n,
                             size_t times)
{
    struct buf in = {0}, said = {0}, down = {0};
    struct codecs_run run;
    codecs_make_data(&in, kind, n);
    for (size_t i = 0; i < times; i++) {
        codecs_encode(from, buf_span(&in), &down);
        buf_append(&said, buf_span(&in));
    }
    from.calls->free(from.self);
    codecs_decode(to, buf_span(&down), (struct codecs_cut){1, 5000, 16384}, &run);
    assert_int_equal(run.state, CODEC_OPEN);
    assert_int_equal(run.taken, down.n);
    assert_true(span_equal(buf_span(&run.up), buf_span(&said)));
    codecs_run_free(&run);
    buf_free(&in);
    buf_free(&said);
    buf_free(&down);
}
