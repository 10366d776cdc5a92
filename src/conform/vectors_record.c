/* SPDX-License-Identifier: MIT */
/*
 * Plays a case with a transport that passes each call on to an engine and adds events. Must not
 * know how the events are written.
 */
#include "conform/vectors_record.h"

#include <assert.h>

#include <nsq/frame.h>

#include "base/time.h"
#include "conform/http_parse.h"
#include "conform/player_frames.h"

#define REPLY_TIMEOUT (10 * TIME_SECOND)

/* --- the list --------------------------------------------------------------------------------- */

static void add(struct vector_record *r, enum vector_kind kind, size_t conn, struct span bytes)
{
    struct vector_event event = {
        .kind = kind,
        .conn = conn,
        .after = r->sent,
        .ms = (r->calls.now(r->calls.self) - r->start) / TIME_MS,
        .offset = r->bytes.n,
        .size = bytes.n,
    };
    buf_append(&r->events, span_make(&event, sizeof event));
    buf_append(&r->bytes, bytes);
}

size_t vector_record_count(const struct vector_record *r)
{
    return r->events.n / sizeof(struct vector_event);
}

struct vector_event vector_record_event(const struct vector_record *r, size_t i)
{
    struct vector_event event;
    struct span events = buf_span(&r->events);
    assert(events.p != NULL && (i + 1) * sizeof event <= events.n);
    memcpy(&event, events.p + i * sizeof event, sizeof event);
    return event;
}

struct span vector_record_bytes(const struct vector_record *r, const struct vector_event *event)
{
    return span_first(span_skip(buf_span(&r->bytes), event->offset), event->size);
}

/* --- what a call changes ---------------------------------------------------------------------- */

static void before(struct vector_record *r)
{
    for (size_t i = 0; i < r->player.conn_count; i++) {
        r->seen[i] = r->player.conns[i].in.n;
    }
}

static void add_frames(struct vector_record *r, size_t i)
{
    struct nsq_frame frame;
    size_t size;
    struct buf *part = &r->part[i];
    while (player_parse_frame(&r->player.conns[i], buf_span(part), &frame, &size) == NSQ_OK) {
        add(r, VECTOR_FRAME, i, span_first(buf_span(part), size));
        buf_drop(part, size);
    }
}

static void add_responses(struct vector_record *r, size_t i)
{
    const struct http_parse_end framing = {.ended = r->player.conns[i].ended != END_NONE};
    struct buf *part = &r->part[i];
    bool whole = true;
    while (part->n > 0 && whole) {
        struct http_parsed response;
        whole = http_parse(buf_span(part), framing, &response) == NSQ_OK;
        if (whole) {
            add(r, VECTOR_HTTP, i, span_first(buf_span(part), response.size));
            buf_drop(part, response.size);
        }
        buf_free(&response.body);
    }
}

static void after(struct vector_record *r)
{
    for (size_t i = 0; i < r->player.conn_count; i++) {
        const struct player_conn *c = &r->player.conns[i];
        buf_append(&r->part[i], span_skip(buf_span(&c->in), r->seen[i]));
        if (c->http) {
            add_responses(r, i);
        } else {
            add_frames(r, i);
        }
        if (c->ended != END_NONE && c->open && !r->closed[i]) {
            r->closed[i] = true;
            add(r, VECTOR_CLOSED, i, span_make(NULL, 0));
        }
    }
}

/* --- struct transport ------------------------------------------------------------------------- */

static int64_t on_now(void *self)
{
    struct vector_record *r = self;
    return r->calls.now(r->calls.self);
}

static bool on_connect(void *self, size_t i, enum connect_kind kind)
{
    struct vector_record *r = self;
    add(r, kind == CONNECT_NSQ ? VECTOR_CONNECT : VECTOR_CONNECT_HTTP, i, span_make(NULL, 0));
    before(r);
    bool connected = r->calls.connect(r->calls.self, i, kind);
    after(r);
    return connected;
}

static void on_send(void *self, size_t i, struct span bytes)
{
    struct vector_record *r = self;
    add(r, VECTOR_SEND, i, bytes);
    for (size_t k = 0; k < bytes.n; k++) {
        before(r);
        r->calls.send(r->calls.self, i, span_first(span_skip(bytes, k), 1));
        r->sent++;
        after(r);
    }
}

static void on_call(struct vector_record *r, size_t i, enum vector_kind kind,
                    void (*call)(void *self, size_t i))
{
    add(r, kind, i, span_make(NULL, 0));
    before(r);
    call(r->calls.self, i);
    after(r);
}

static void on_end(void *self, size_t i)
{
    struct vector_record *r = self;
    on_call(r, i, VECTOR_END, r->calls.end);
}

static void on_close(void *self, size_t i)
{
    struct vector_record *r = self;
    on_call(r, i, VECTOR_CLOSE, r->calls.close);
}

static void on_reset(void *self, size_t i)
{
    struct vector_record *r = self;
    on_call(r, i, VECTOR_RESET, r->calls.reset);
}

/* No event: these cases are no vectors (vectors.c). */
static void on_read(void *self, size_t i, bool on)
{
    struct vector_record *r = self;
    before(r);
    r->calls.read(r->calls.self, i, on);
    after(r);
}

static void on_wait(void *self, int64_t deadline)
{
    struct vector_record *r = self;
    before(r);
    r->calls.wait(r->calls.self, deadline);
    after(r);
}

/* --- a play ----------------------------------------------------------------------------------- */

void vector_record_play(struct vector_record *r, const struct local_config *config,
                        const struct transcript *file, struct span names)
{
    const struct cut_plan whole = {0};
    *r = (struct vector_record){0};
    engine_transport_init(&r->engine, &r->player, config, &whole);
    r->calls = engine_transport_calls(&r->engine);
    r->start = r->calls.now(r->calls.self);
    const struct player_config how = {
        .transport = {.self = r,
                      .now = on_now,
                      .connect = on_connect,
                      .send = on_send,
                      .end = on_end,
                      .close = on_close,
                      .reset = on_reset,
                      .read = on_read,
                      .wait = on_wait},
        .names = names,
        .reply_timeout = REPLY_TIMEOUT,
        .time_scale = 100,
    };
    player_init(&r->player, &how, file);
    player_run(&r->player);
}

void vector_record_free(struct vector_record *r)
{
    player_free(&r->player);
    engine_transport_free(&r->engine);
    for (size_t i = 0; i < PLAYER_CONNS_MAX; i++) {
        buf_free(&r->part[i]);
    }
    buf_free(&r->events);
    buf_free(&r->bytes);
}
