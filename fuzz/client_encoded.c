/* SPDX-License-Identifier: MIT */
/*
 * Encodes what the client sends, with the codecs that the server's answers announce, and gives it
 * to the server. Can also send bytes that break a codec's stream.
 */
#include "client_parts.h"

#include "base/alloc.h"
#include "toy_tls.h"

#define PIECE_MAX 64  /* bytes that are encoded at a time */
#define LATE_PIECES 8 /* pieces between which time passes */

struct client_wire client_wire;

/* The codecs with which the client encodes; NULL: none yet. */
static struct stack *speaker;
static bool greeted;    /* the client has begun TLS's handshake */
static unsigned pieces; /* pieces that were encoded */
static bool raw; /* nothing is encoded for the uppermost codec, so its stream may be broken */

static void wire_add(struct span bytes)
{
    client_wire.full = client_wire.full || bytes.n > WIRE_MAX - client_wire.n;
    if (!client_wire.full && bytes.n > 0) {
        memcpy(client_wire.bytes + client_wire.n, bytes.p, bytes.n);
        client_wire.n += bytes.n;
    }
}

static void say(struct span plain)
{
    if (speaker == NULL) {
        wire_add(plain);
        return;
    }
    struct buf encoded = {0};
    buf_append(&speaker->plain, plain);
    stack_encode(speaker, &encoded);
    wire_add(buf_span(&encoded));
    buf_free(&encoded);
}

/* Gives the server all bytes on the wire, one by one. */
static void give_wire(struct run *run)
{
    run->input.n = client_wire.n;
    while (run->given < client_wire.n && run->conn != 0) {
        client_give(run, 1);
        client_keep_trace(run);
    }
}

static void speak_through(struct codec codec)
{
    if (speaker == NULL) {
        speaker = alloc_zeroed(sizeof *speaker);
    }
    stack_push(speaker, codec);
}

/* Enables the client's encoders after the server's output has announced codecs. */
static void follow(struct run *run)
{
    const struct hearer *hearer = &run->hearer;
    bool encodes_tls = !(client_choice.time & RAW) || hearer->announced != HEARER_NONE;
    if (hearer->handshaking && !greeted && encodes_tls) {
        static const uint8_t hellos[] = {TOY_HELLO, 4, 'h', 'e', 'l', 'l', 'o', '!'};
        uint8_t hello[sizeof hellos];
        unsigned how = client_choice.time >> HOW & 3;
        memcpy(hello, hellos, sizeof hello);
        hello[1] = (uint8_t)(how == 0 ? 4 : how == 3 ? 3 : 4 + how);
        greeted = true;
        wire_add(span_make(hello, how == 3 ? 4 : 2 + (size_t)hello[1]));
        give_wire(run);
    }
    if (hearer->stack == NULL || hearer->handshaking) {
        return;
    }
    size_t on = speaker == NULL ? 0 : speaker->count;
    if (hearer->tls && greeted && on == 0) {
        speak_through(toy_tls_speaker());
        on++;
    }
    if (!(client_choice.time & RAW) && on < hearer->stack->count) {
        speak_through(hearer_codec(hearer->announced));
    }
}

/* Whether the piece that was just encoded must get a wrong checksum. */
static bool is_damaged(const struct run *run)
{
    unsigned which = client_choice.time & (TLS | RAW | AUTH) ? 0 : client_choice.time >> HOW & 3;
    return ++pieces == which && run->hearer.announced == HEARER_SNAPPY && run->conn != 0 &&
           client_session(run) != NULL && !client_wire.full;
}

/* Breaks the checksum of a chunk. The server must ignore the whole chunk and end the connection. */
static void give_damaged(struct run *run, size_t begun)
{
    size_t chunk = begun + (pieces == 1 ? 10 : 0); /* after the stream identifier */
    unsigned replies = run->replies;
    client_wire.bytes[chunk + 4] ^= 1;
    give_wire(run);
    FUZZ_CHECK(client_session(run) == NULL && run->replies - replies <= 1);
    FUZZ_CHECK(run->replies == replies || run->last_reply == NSQ_FRAME_ERROR);
    client_wire.full = true; /* nothing more is sent */
}

/* Encodes and gives the next bytes of the input, up to one that completes an item, or PIECE_MAX. */
static void give_meant(struct run *run, struct reader *reader, struct span input, size_t *meant)
{
    raw = raw ||
          ((client_choice.time & RAW) && (run->hearer.stack != NULL || run->hearer.handshaking));
    size_t most = speaker == NULL || raw ? 1 : PIECE_MAX;
    size_t from = *meant;
    struct before before = client_look_before(run, reader);
    enum due due;
    do {
        due = raw ? DUE_NOTHING : client_next_due(reader, input, *meant + 1);
        ++*meant;
    } while (due == DUE_NOTHING && *meant < input.n && *meant - from < most);
    size_t begun = client_wire.n;
    say(span_make(input.p + from, *meant - from));
    if (speaker != NULL && is_damaged(run)) {
        give_damaged(run, begun);
        return;
    }
    give_wire(run);
    if (!raw && !client_wire.full) {
        client_look_after(run, reader, &before, due);
    }
    follow(run);
    if (!run->hearer.handshaking && !run->ended && run->conn != 0) {
        FUZZ_CHECK(run->hearer.oks == 0);
    }
}

void client_run_encoded(struct span input)
{
    client_wire.n = 0;
    client_wire.full = greeted = raw = false;
    pieces = 0;
    memset(client_wire.late, 0, sizeof client_wire.late);
    struct run run = client_start(span_make(client_wire.bytes, 0));
    struct reader reader = {.limits = run.engine->v2.config.limits,
                            .magic = client_choice.flags & WITHOUT_MAGIC ? 0 : MAGIC_SIZE};
    bool stalls = false;
    size_t meant = 0;
    for (size_t i = 1; meant < input.n && run.conn != 0 && !client_wire.full && !stalls; i++) {
        client_wire.late[client_wire.n] = (client_choice.time & LATE) && i % LATE_PIECES == 0;
        if (client_wire.late[client_wire.n]) {
            client_pass(&run, client_time_step());
        }
        if (run.conn != 0) {
            give_meant(&run, &reader, input, &meant);
        }
        stalls = greeted && run.hearer.handshaking;
    }
    client_wire.end = client_wire.n;
    if (speaker != NULL && (client_choice.flags & ENDS) && run.conn != 0) {
        struct buf last = {0};
        stack_finish(speaker, &last);
        wire_add(buf_span(&last));
        buf_free(&last);
        give_wire(&run);
    }
    stack_free(speaker);
    speaker = NULL;
    client_keep_rest(&run);
    client_finish(&run);
}
