/* SPDX-License-Identifier: MIT */
/*
 * Checks a codec: decodes bytes cut in several ways and compares the results, and decodes what the
 * same codec encodes. Must not know: which codec it is.
 */
#include "codecs.h"

#include "fuzz.h"

#define LEVELS 9
#define TIMES 64 /* repetitions: together more than a block of snappy, though inputs are short */
#define MUCH                                                                                       \
    ((size_t)1 << 14) /* bytes after decoding; more is slow byte by byte and with little room */
#define LONG 1024     /* bytes on the wire; for the same reason */

struct run {
    struct codec codec;
    size_t room;
    struct buf up;
    size_t taken;
};

static enum codec_state state_of(const struct run *run)
{
    return run->codec.calls->state(run->codec.self);
}

static bool has_pending(const struct run *run)
{
    return run->codec.calls->has_pending(run->codec.self);
}

/* One call of decode. Each call makes progress, stays within its room, and sends nothing back. */
static size_t decode_once(struct run *run, struct span in)
{
    struct buf down = {0};
    size_t had = run->up.n;
    bool pending = has_pending(run);
    bool over = state_of(run) != CODEC_OPEN;
    size_t taken = run->codec.calls->decode(run->codec.self, in, run->room, &run->up, &down);
    size_t got = run->up.n - had;
    FUZZ_CHECK(taken <= in.n && got <= run->room && down.n == 0);
    FUZZ_CHECK(!over || (taken == 0 && got == 0));
    bool ended = state_of(run) != CODEC_OPEN;
    FUZZ_CHECK(taken > 0 || in.n == 0 || pending || ended);
    FUZZ_CHECK(taken > 0 || got > 0 || ended || !has_pending(run));
    FUZZ_CHECK(state_of(run) != CODEC_HANDSHAKING);
    if (fuzz_talks) {
        fuzz_say("%zu offered, %zu taken, state %d", in.n, taken, (int)state_of(run));
        fuzz_say_bytes("   ", span_skip(buf_span(&run->up), had));
    }
    return taken;
}

/* Calls decode until it can do no more with these bytes. */
static void decode(struct run *run, struct span in)
{
    size_t taken = 0;
    while (state_of(run) == CODEC_OPEN && (taken < in.n || has_pending(run))) {
        taken += decode_once(run, span_skip(in, taken));
    }
    run->taken += taken;
}

/* Decodes all bytes, in pieces whose lengths alternate between `one` and `other`. */
static struct run run_cut(struct codec codec, struct span in, size_t one, size_t other, size_t room)
{
    struct run run = {.codec = codec, .room = room};
    while (in.n > 0) {
        struct span piece = span_first(in, one);
        decode(&run, piece);
        in = span_skip(in, piece.n);
        size_t turn = one;
        one = other;
        other = turn;
    }
    decode_once(&run, in);
    return run;
}

static void end(struct run *run)
{
    run->codec.calls->free(run->codec.self);
    buf_free(&run->up);
}

static void check_same(const struct run *a, const struct run *b)
{
    FUZZ_CHECK(span_equal(buf_span(&a->up), buf_span(&b->up)));
    FUZZ_CHECK(state_of(a) == state_of(b));
    FUZZ_CHECK(state_of(a) == CODEC_FAILED || a->taken == b->taken);
    struct span why = a->codec.calls->why(a->codec.self);
    FUZZ_CHECK(span_equal(why, b->codec.calls->why(b->codec.self)));
    FUZZ_CHECK((state_of(a) == CODEC_FAILED) == (why.n > 0));
}

/* A peer's bytes decode to the same bytes, however they are cut, and to at most target->most for
 * each byte. */
static void decode_all_ways(const struct fuzz_codec *target, struct span in, size_t one,
                            size_t other, size_t room)
{
    struct run whole = run_cut(target->make(1), in, in.n + 1, 1, (size_t)1 << 30);
    FUZZ_CHECK(whole.up.n <= in.n * target->most);
    bool much = in.n > LONG || whole.up.n > MUCH;
    size_t scale = much ? 64 : 1;
    bool talked = fuzz_talks;
    fuzz_talks = false;
    struct run cut = run_cut(target->make(1), in, one * scale, other * scale, room * scale);
    check_same(&whole, &cut);
    end(&cut);
    if (!much) {
        struct run bytes = run_cut(target->make(1), in, 1, 1, room);
        check_same(&whole, &bytes);
        end(&bytes);
    }
    fuzz_talks = talked;
    end(&whole);
}

/* Encodes `in`, appending to `wire`. After each flush the peer can decode all of it. */
static void say(const struct fuzz_codec *target, unsigned level, struct span in, size_t one,
                size_t other, size_t room, struct buf *wire)
{
    struct codec codec = target->make(level);
    struct run peer = {.codec = target->make(1), .room = room};
    for (size_t said = 0; said < in.n;) {
        struct span piece = span_first(span_skip(in, said), one);
        size_t sent = wire->n;
        codec.calls->encode(codec.self, piece, wire);
        codec.calls->flush(codec.self, wire);
        size_t all = wire->n;
        codec.calls->flush(codec.self, wire);
        codec.calls->encode(codec.self, span_make(NULL, 0), wire);
        FUZZ_CHECK(all > sent && wire->n == all);
        said += piece.n;
        decode(&peer, span_skip(buf_span(wire), sent));
        FUZZ_CHECK(state_of(&peer) == CODEC_OPEN && peer.taken == wire->n);
        FUZZ_CHECK(peer.up.n == said);
        FUZZ_CHECK(span_equal(span_skip(buf_span(&peer.up), said - piece.n), piece));
        size_t turn = one;
        one = other;
        other = turn;
    }
    codec.calls->finish(codec.self, wire);
    codec.calls->free(codec.self);
    end(&peer);
}

static void change(struct buf *wire, uint8_t high, uint8_t low, uint8_t mask)
{
    if (wire->n > 0) {
        size_t at = ((size_t)high << 8 | low) % wire->n;
        wire->p[wire->head + at] ^= mask;
    }
}

int fuzz_codec(const struct fuzz_codec *target, struct span in)
{
    unsigned what = fuzz_below(&in, 3);
    unsigned level = 1 + fuzz_below(&in, LEVELS);
    size_t room = 1 + (size_t)fuzz_byte(&in);
    size_t one = 1 + (size_t)fuzz_byte(&in);
    size_t other = 1 + (size_t)fuzz_byte(&in);
    if (what == 0) {
        decode_all_ways(target, in, one, other, room);
        return 0;
    }
    unsigned times = fuzz_byte(&in);
    times = times % 4 == 3 ? 1 + times % TIMES : 1; /* rarely many, because that is slow */
    uint8_t high = what == 2 ? fuzz_byte(&in) : 0;
    uint8_t low = what == 2 ? fuzz_byte(&in) : 0;
    uint8_t mask = what == 2 ? fuzz_byte(&in) : 0;
    struct buf plain = {0}, wire = {0};
    for (unsigned i = 0; i < times; i++) {
        buf_append(&plain, in);
    }
    /* Long inputs are cut into few long pieces. */
    size_t scale = 1 + plain.n / 256;
    say(target, level, buf_span(&plain), one * scale, other * scale, room * scale, &wire);
    change(&wire, high, low, mask);
    decode_all_ways(target, buf_span(&wire), one, other, room);
    buf_free(&plain);
    buf_free(&wire);
    return 0;
}
