/* SPDX-License-Identifier: MIT */
/*
 * Implements the codec for deflate (codec/codec.h) with zlib. Must not know the connection, and
 * must not know when to flush.
 */
#include "codec/deflate.h"

#include <assert.h>

#define ZLIB_CONST /* declares next_in as a pointer to const */
#include <zlib.h>

#include "base/alloc.h"

#define WINDOW_BITS (-15) /* a window of 32 KiB, which every inflater supports; negative: raw */
#define MEMORY_LEVEL 8    /* zlib's default */
/* zlib writes its compressed output in pieces. A piece has as many bytes as the input, within the
 * two bounds below. It must have more than six bytes. Otherwise zlib may repeat the end of a
 * flush. */
#define PIECE_LEAST 64
#define PIECE_MOST 16384
#define INPUT_MOST ((size_t)1 << 20) /* bytes in one call: zlib uses 32-bit numbers */

#define WHY "deflate: "
#define WHY_MAX 64

/* The state of each direction needs much memory. So it is made when the direction is used for the
 * first time. Many clients only publish or only consume. */
struct deflate {
    enum codec_state state;
    int level;
    bool inflates, deflates; /* whether `in` and `out` have been made */
    bool filled;             /* the last decode used all its room: there may be more output */
    bool kept;               /* bytes were encoded since the last flush */
    z_stream in, out;
    uint8_t why[WHY_MAX];
    size_t why_size;
};

/* zlib allocates its memory with this function and frees it with the next one. The memory is a few
 * arrays, and zlib chooses their sizes. */
static void *take_memory(void *opaque, unsigned items, unsigned size)
{
    (void)opaque;
    return alloc_zeroed((size_t)items * size);
}

static void give_memory(void *opaque, void *p)
{
    (void)opaque;
    alloc_free(p);
}

/* --- decoding --------------------------------------------------------------------------------- */

static void start_inflating(struct deflate *d)
{
    d->inflates = true;
    d->in.zalloc = take_memory;
    d->in.zfree = give_memory;
    int result = inflateInit2(&d->in, WINDOW_BITS);
    assert(result == Z_OK);
    (void)result;
}

/* Sets the state to CODEC_FAILED, and `why` to the name of the codec and zlib's message. */
static void fail(struct deflate *d)
{
    const char *text = d->in.msg == NULL ? "bad data" : d->in.msg;
    struct span what = span_first(span_make(text, strlen(text)), WHY_MAX - (sizeof WHY - 1));
    memcpy(d->why, WHY, sizeof WHY - 1);
    memcpy(d->why + sizeof WHY - 1, what.p, what.n);
    d->why_size = sizeof WHY - 1 + what.n;
    d->state = CODEC_FAILED;
}

static size_t deflate_decode(void *self, struct span in, size_t room, struct buf *up,
                             struct buf *down)
{
    struct deflate *d = self;
    (void)down;
    if (d->state != CODEC_OPEN || (in.n == 0 && !d->filled)) {
        return 0;
    }
    if (!d->inflates) {
        start_inflating(d);
    }
    size_t piece = room < PIECE_MOST ? room : PIECE_MOST;
    in = span_first(in, INPUT_MOST);
    d->in.next_in = in.p;
    d->in.avail_in = (unsigned)in.n;
    d->in.next_out = buf_room(up, piece);
    d->in.avail_out = (unsigned)piece;
    int result = inflate(&d->in, Z_SYNC_FLUSH);
    buf_grew(up, piece - d->in.avail_out);
    d->filled = result == Z_OK && d->in.avail_out == 0;
    if (result == Z_STREAM_END) {
        d->state = CODEC_CLOSED;
    } else if (result != Z_OK &&
               result != Z_BUF_ERROR) { /* Z_BUF_ERROR: there was no more output */
        fail(d);
    }
    return in.n - d->in.avail_in;
}

static bool deflate_has_pending(const void *self)
{
    return ((const struct deflate *)self)->filled;
}

/* --- encoding --------------------------------------------------------------------------------- */

static void start_deflating(struct deflate *d)
{
    d->deflates = true;
    d->out.zalloc = take_memory;
    d->out.zfree = give_memory;
    int result =
        deflateInit2(&d->out, d->level, Z_DEFLATED, WINDOW_BITS, MEMORY_LEVEL, Z_DEFAULT_STRATEGY);
    assert(result == Z_OK);
    (void)result;
}

/* Calls zlib until it does not fill the output space. Then zlib has used all input. If `flush` is
 * Z_SYNC_FLUSH, it has also written all output. */
static void compress_piece(struct deflate *d, struct span in, int flush, struct buf *down)
{
    size_t piece = in.n < PIECE_LEAST ? PIECE_LEAST : in.n;
    piece = piece > PIECE_MOST ? PIECE_MOST : piece;
    d->out.next_in = in.p;
    d->out.avail_in = (unsigned)in.n;
    do {
        d->out.next_out = buf_room(down, piece);
        d->out.avail_out = (unsigned)piece;
        deflate(&d->out, flush);
        buf_grew(down, piece - d->out.avail_out);
    } while (d->out.avail_out == 0);
}

static void deflate_encode(void *self, struct span in, struct buf *down)
{
    struct deflate *d = self;
    if (in.n > 0 && !d->deflates) {
        start_deflating(d);
    }
    d->kept = d->kept || in.n > 0;
    while (in.n > 0) {
        struct span part = span_first(in, INPUT_MOST);
        compress_piece(d, part, Z_NO_FLUSH, down);
        in = span_skip(in, part.n);
    }
}

static void deflate_flush(void *self, struct buf *down)
{
    struct deflate *d = self;
    if (d->kept) {
        compress_piece(d, span_make(NULL, 0), Z_SYNC_FLUSH, down);
        d->kept = false;
    }
}

/* As in nsqd, the stream has no final block. Clients do not expect a final block. */
static void deflate_finish(void *self, struct buf *down)
{
    (void)self;
    (void)down;
}

/* --- the other calls of the contract ---------------------------------------------------------- */

static enum codec_state deflate_state(const void *self)
{
    return ((const struct deflate *)self)->state;
}

static struct span deflate_why(const void *self)
{
    const struct deflate *d = self;
    return span_make(d->why, d->why_size);
}

static void deflate_end(void *self)
{
    struct deflate *d = self;
    if (d->inflates) {
        inflateEnd(&d->in);
    }
    if (d->deflates) {
        deflateEnd(&d->out);
    }
    alloc_free(d);
}

static const struct codec_calls deflate_calls = {
    .decode = deflate_decode,
    .encode = deflate_encode,
    .flush = deflate_flush,
    .finish = deflate_finish,
    .has_pending = deflate_has_pending,
    .state = deflate_state,
    .why = deflate_why,
    .free = deflate_end,
};

struct codec deflate_codec(int level)
{
    assert(level >= 1 && level <= 9);
    struct deflate *d = alloc_zeroed(sizeof *d);
    d->state = CODEC_OPEN;
    d->level = level;
    return (struct codec){&deflate_calls, d};
}
