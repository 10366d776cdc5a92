/* SPDX-License-Identifier: MIT */
/*
 * The toy in place of TLS: a handshake of a few bytes, and a stream with an escape byte, as
 * toy_tls.h describes it.
 */
#include "toy_tls.h"

#include "base/alloc.h"

#define SERVER_HELLO 0x02
#define SERVER_DONE 0xfe
#define ALERT 0x15
#define ESCAPE 0xff
#define END 0x00
#define KEY 0x2a /* the cipher: every byte is XORed with this */

struct toy {
    bool server;
    bool escaped; /* an escape byte has arrived, and the byte after it has not */
    enum codec_state state;
    size_t handshake_bytes; /* of the client's handshake so far */
    uint8_t length;
    char why[32]; /* owned by the codec, as with OpenSSL */
    size_t why_size;
};

static void fail(struct toy *t, struct span why, struct buf *down)
{
    if (t->server) {
        buf_append(down, t->state == CODEC_OPEN ? SPAN("\xff\x15") : SPAN("\x15"));
    }
    t->state = CODEC_FAILED;
    t->why_size = span_first(why, sizeof t->why).n;
    memcpy(t->why, why.p, t->why_size);
}

/* --- the handshake ---------------------------------------------------------------------------- */

static void end_handshake(struct toy *t, struct buf *down)
{
    if (t->length % 4 == 1) {
        fail(t, SPAN("toy: bad handshake"), down);
    } else if (t->length % 4 == 2) {
        t->state = CODEC_CLOSED;
    } else {
        t->state = CODEC_OPEN;
        buf_append(down, SPAN("\xfe"));
    }
}

static void handshake_as_server(struct toy *t, uint8_t byte, struct buf *down)
{
    t->handshake_bytes++;
    if (t->handshake_bytes == 1 && byte != TOY_HELLO) {
        fail(t, SPAN("toy: no handshake"), down);
        return;
    }
    if (t->handshake_bytes == 2) {
        t->length = byte;
        buf_append(down, SPAN("\x02"));
    }
    if (t->handshake_bytes >= 2 && t->handshake_bytes == 2 + (size_t)t->length) {
        end_handshake(t, down);
    }
}

/* Handles a byte of the handshake as the client. Returns whether the byte was taken. */
static bool handshake_as_client(struct toy *t, uint8_t byte, struct buf *down)
{
    if (byte == SERVER_DONE) {
        t->state = CODEC_OPEN;
    } else if (byte != SERVER_HELLO) {
        fail(t, SPAN("toy: the server does not want"), down);
    }
    return byte == SERVER_DONE || byte == SERVER_HELLO || byte == ALERT;
}

static size_t handshake(struct toy *t, struct span in, struct buf *down)
{
    size_t taken = 0;
    while (taken < in.n && t->state == CODEC_HANDSHAKING) {
        if (t->server) {
            handshake_as_server(t, in.p[taken++], down);
        } else {
            taken += handshake_as_client(t, in.p[taken], down) ? 1 : 0;
        }
    }
    return taken;
}

/* --- bytes ------------------------------------------------------------------------------------ */

static void escaped_byte(struct toy *t, uint8_t byte, struct buf *up, struct buf *down)
{
    t->escaped = false;
    if (byte == ESCAPE) {
        uint8_t plain = ESCAPE ^ KEY;
        buf_append(up, span_make(&plain, 1));
    } else if (byte == END) {
        t->state = CODEC_CLOSED;
    } else {
        fail(t, SPAN("toy: bad record"), down);
    }
}

/* As with TLS records: bytes before the one that breaks the stream are decoded first. */
static size_t toy_decode(void *self, struct span in, size_t room, struct buf *up, struct buf *down)
{
    struct toy *t = self;
    size_t taken = 0;
    if (t->state == CODEC_HANDSHAKING) {
        return handshake(t, in, down);
    }
    in = span_first(in, room);
    if (t->state == CODEC_OPEN && t->escaped && in.n > 0) {
        escaped_byte(t, in.p[taken++], up, down);
    }
    while (t->state == CODEC_OPEN && !t->escaped && taken < in.n) {
        uint8_t plain = in.p[taken++] ^ KEY;
        t->escaped = plain == (ESCAPE ^ KEY);
        if (!t->escaped) {
            buf_append(up, span_make(&plain, 1));
        }
    }
    return taken;
}

/* After a failure nothing is sent. */
static void toy_encode(void *self, struct span in, struct buf *down)
{
    const struct toy *t = self;
    for (size_t i = 0; i < in.n && t->state != CODEC_FAILED; i++) {
        uint8_t byte = in.p[i] ^ KEY;
        buf_append(down, span_make(&byte, 1));
        if (byte == ESCAPE) {
            buf_append(down, span_make(&byte, 1));
        }
    }
}

static void toy_flush(void *self, struct buf *down)
{
    (void)self;
    (void)down;
}

static void toy_finish(void *self, struct buf *down)
{
    const struct toy *t = self;
    if (t->state == CODEC_OPEN) {
        buf_append(down, SPAN("\xff\0"));
    }
}

/* --- the rest --------------------------------------------------------------------------------- */

static bool toy_has_pending(const void *self)
{
    (void)self;
    return false;
}

static enum codec_state toy_state(const void *self)
{
    return ((const struct toy *)self)->state;
}

static struct span toy_why(const void *self)
{
    const struct toy *t = self;
    return span_make(t->why, t->why_size);
}

static struct span toy_name(const void *self)
{
    return ((const struct toy *)self)->length % 4 == 3 ? SPAN("toy") : span_make(NULL, 0);
}

static const struct codec_calls calls = {
    .decode = toy_decode,
    .encode = toy_encode,
    .flush = toy_flush,
    .finish = toy_finish,
    .has_pending = toy_has_pending,
    .state = toy_state,
    .why = toy_why,
    .peer_name = toy_name,
    .free = alloc_free,
};

static struct codec make(bool server, enum codec_state state)
{
    struct toy *t = alloc_zeroed(sizeof *t);
    t->server = server;
    t->state = state;
    return (struct codec){&calls, t};
}

static struct codec make_server(void *self)
{
    (void)self;
    return make(true, CODEC_HANDSHAKING);
}

struct codec_maker toy_tls_server(void)
{
    return (struct codec_maker){.make = make_server, .cost = TOY_COST};
}

struct codec toy_tls_client(void)
{
    return make(false, CODEC_HANDSHAKING);
}

struct codec toy_tls_speaker(void)
{
    return make(false, CODEC_OPEN);
}
