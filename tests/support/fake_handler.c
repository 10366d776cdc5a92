/* SPDX-License-Identifier: MIT */
#include "support/fake_handler.h"

#include <assert.h>

#include "base/alloc.h"
#include "base/time.h"

struct fake_conn *fake_conn(struct fake_handler *fake, uint64_t id)
{
    size_t slot = (uint32_t)id;
    assert(slot < FAKE_CONNS_MAX && id != 0 && fake->conns[slot].id == id);
    return &fake->conns[slot];
}

struct fake_conn *fake_last(struct fake_handler *fake)
{
    return fake_conn(fake, fake->last_opened);
}

void fake_want(struct fake_conn *conn, unsigned want)
{
    conn->want = want;
    conn->changed = true;
}

void fake_send(struct fake_conn *conn, struct span bytes)
{
    buf_append(&conn->out, bytes);
    conn->changed = true;
}

static void take_time(const struct fake_handler *fake)
{
    if (fake->clock != NULL) {
        *fake->clock += fake->takes;
    }
}

/* --- the contract ----------------------------------------------------------------------------- */

static uint64_t on_open(void *self, unsigned listener, struct span peer, int64_t now)
{
    struct fake_handler *fake = self;
    (void)now;
    size_t slot = 0;
    while (slot < FAKE_CONNS_MAX && fake->conns[slot].id != 0) {
        slot++;
    }
    if (fake->refuse || fake->stopping || slot == FAKE_CONNS_MAX) {
        fake->refusals++;
        return 0;
    }
    struct fake_conn *conn = &fake->conns[slot];
    *conn = (struct fake_conn){.id = (uint64_t)++fake->generation << 32 | slot,
                               .listener = listener,
                               .appetite = SIZE_MAX,
                               .bite = SIZE_MAX,
                               .want = WANT_READ,
                               .echo = fake->echo,
                               .changed = true};
    peer = span_first(peer, sizeof conn->peer - 1);
    memcpy(conn->peer, peer.p, peer.n);
    fake->opens++;
    fake->open_count++;
    fake->last_opened = conn->id;
    return conn->id;
}

static size_t on_recv(void *self, uint64_t id, struct span in, int64_t now)
{
    struct fake_handler *fake = self;
    struct fake_conn *conn = fake_conn(fake, id);
    (void)now;
    assert(in.n > 0 && conn->eofs == 0);
    take_time(fake);
    conn->recvs++;
    conn->offered = in.n;
    struct span eaten = span_first(span_first(in, conn->appetite), conn->bite);
    conn->appetite -= conn->appetite == SIZE_MAX ? 0 : eaten.n;
    buf_append(&conn->in, eaten);
    if (conn->echo) {
        buf_append(&conn->out, eaten);
    }
    if (conn->appetite == 0) {
        conn->want &= ~(unsigned)WANT_READ;
    }
    conn->changed = conn->changed || !fake->quiet;
    return eaten.n;
}

static size_t on_last(void *self, uint64_t id, struct span in, int64_t now)
{
    struct fake_conn *conn = fake_conn(self, id);
    (void)now;
    assert(in.n > 0 && in.n <= HANDLER_LAST_MAX && conn->eofs == 0 && !(conn->want & WANT_READ));
    conn->lasts++;
    conn->last_size = in.n;
    return span_first(in, conn->for_codec).n;
}

static void on_eof(void *self, uint64_t id, int64_t now)
{
    struct fake_handler *fake = self;
    struct fake_conn *conn = fake_conn(fake, id);
    (void)now;
    conn->eofs++;
    conn->in_at_eof = conn->in.n;
    conn->changed = conn->changed || !fake->quiet;
}

static void free_conn(struct fake_handler *fake, struct fake_conn *conn)
{
    buf_free(&conn->in);
    buf_free(&conn->out);
    conn->id = 0;
    conn->changed = false;
    fake->open_count--;
}

static void on_closed(void *self, uint64_t id, enum closed_reason reason, int64_t now)
{
    struct fake_handler *fake = self;
    (void)now;
    fake->closed_as_wanted += reason == CLOSED_AS_WANTED;
    fake->closed_by_error += reason == CLOSED_BY_ERROR;
    fake->last_closed = id;
    free_conn(fake, fake_conn(fake, id));
}

static size_t on_out(void *self, uint64_t id, struct span *spans, size_t most, int64_t now)
{
    const struct fake_conn *conn = fake_conn(self, id);
    struct span rest = buf_span(&conn->out);
    size_t count = 0;
    (void)now;
    take_time(self);
    while (rest.n > 0 && count < most) {
        spans[count] = conn->span_size == 0 ? rest : span_first(rest, conn->span_size);
        rest = span_skip(rest, spans[count++].n);
    }
    return count;
}

static void on_sent(void *self, uint64_t id, size_t n, int64_t now)
{
    struct fake_conn *conn = fake_conn(self, id);
    (void)now;
    assert(n > 0);
    conn->sents++;
    buf_drop(&conn->out, n);
}

static unsigned on_want(void *self, uint64_t id)
{
    const struct fake_conn *conn = fake_conn(self, id);
    return conn->want | (conn->out.n > 0 ? (unsigned)WANT_WRITE : 0U);
}

static void on_step(void *self, int64_t now, int64_t judged)
{
    struct fake_handler *fake = self;
    assert(judged <= now);
    fake->steps++;
    fake->judged = judged;
    if (judged >= fake->deadline) {
        fake->deadline = TIME_NEVER;
    }
}

static int64_t on_next_deadline(void *self)
{
    return ((struct fake_handler *)self)->deadline;
}

static uint64_t on_next_changed(void *self)
{
    struct fake_handler *fake = self;
    for (size_t i = 0; i < FAKE_CONNS_MAX; i++) {
        if (fake->conns[i].changed) {
            fake->conns[i].changed = false;
            return fake->conns[i].id;
        }
    }
    return 0;
}

static void drop_event(struct fake_ask *ask)
{
    if (ask->event != NULL) {
        log_event_free(ask->event);
        ask->event = NULL;
    }
}

/* asks[0] is the one that is out; the next is asks[1]. */
static struct ask on_next_ask(void *self)
{
    struct fake_handler *fake = self;
    drop_event(&fake->asks[0]);
    fake->asks[0] = (struct fake_ask){0};
    if (fake->ask_count == 0) {
        return (struct ask){0};
    }
    memmove(fake->asks, fake->asks + 1, fake->ask_count * sizeof fake->asks[0]);
    fake->asks[fake->ask_count--] = (struct fake_ask){0};
    const struct fake_ask *a = &fake->asks[0];
    struct ask ask = {.kind = a->kind, .ticket = a->ticket};
    if (a->kind == ASK_LOG) {
        ask.event = a->event;
    } else if (a->kind == ASK_UDP_OPEN) {
        ask.address = a->bytes;
    } else {
        ask.bytes = a->bytes;
    }
    return ask;
}

static void note_udp_answer(struct fake_handler *fake, uint64_t ticket, struct span why)
{
    why = span_first(why, sizeof fake->udp_why - 1);
    memset(fake->udp_why, 0, sizeof fake->udp_why);
    memcpy(fake->udp_why, why.p, why.n);
    fake->udp_ticket = ticket;
    fake->udp_answers++;
}

static void on_answer(void *self, uint64_t ticket, const struct answer *answer, int64_t now)
{
    struct fake_handler *fake = self;
    (void)now;
    if (fake->asks[0].kind != ASK_APPEND) {
        note_udp_answer(fake, ticket, answer->why);
        return;
    }
    assert(ticket == fake->asks[0].ticket && answer->why.n == 0);
    fake->answers++;
    if (fake->append_conn != 0) {
        fake_send(fake_conn(fake, fake->append_conn), fake->append_out);
    }
}

static void on_wall(void *self, int64_t offset)
{
    struct fake_handler *fake = self;
    fake->wall_first = fake->wall_first || (fake->steps == 0 && fake->opens == 0);
    fake->walls++;
    fake->wall_offset = offset;
}

static void on_resident(void *self, size_t bytes)
{
    struct fake_handler *fake = self;
    fake->residents++;
    fake->resident = bytes;
}

static void on_crowd(void *self, size_t connections)
{
    struct fake_handler *fake = self;
    fake->crowd = connections;
}

static void on_stop(void *self, int64_t now)
{
    struct fake_handler *fake = self;
    (void)now;
    fake->stops++;
    fake->stopping = true;
    for (size_t i = 0; i < FAKE_CONNS_MAX; i++) {
        if (fake->conns[i].id != 0 && !fake->slow_stop) {
            fake_want(&fake->conns[i], WANT_CLOSE);
        }
    }
}

static bool on_stopped(void *self)
{
    const struct fake_handler *fake = self;
    return fake->stopping && fake->open_count == 0;
}

struct tcp_handler fake_handler(struct fake_handler *fake)
{
    return (struct tcp_handler){
        .self = fake,
        .open = on_open,
        .crowd = on_crowd,
        .recv = on_recv,
        .last = on_last,
        .eof = on_eof,
        .closed = on_closed,
        .out = on_out,
        .sent = on_sent,
        .want = on_want,
        .step = on_step,
        .next_deadline = on_next_deadline,
        .next_changed = on_next_changed,
        .next_ask = on_next_ask,
        .answer = on_answer,
        .wall = on_wall,
        .resident = on_resident,
        .stop = on_stop,
        .stopped = on_stopped,
    };
}

/* --- its own life ----------------------------------------------------------------------------- */

void fake_handler_init(struct fake_handler *fake)
{
    *fake = (struct fake_handler){.deadline = TIME_NEVER};
}

void fake_handler_free(struct fake_handler *fake)
{
    for (size_t i = 0; i < FAKE_CONNS_MAX; i++) {
        if (fake->conns[i].id != 0) {
            free_conn(fake, &fake->conns[i]);
        }
    }
    for (size_t i = 0; i < sizeof fake->asks / sizeof fake->asks[0]; i++) {
        drop_event(&fake->asks[i]);
    }
}

static struct fake_ask *add_ask(struct fake_handler *fake)
{
    assert(fake->ask_count + 1 < sizeof fake->asks / sizeof fake->asks[0]);
    return &fake->asks[++fake->ask_count];
}

void fake_ask_log(struct fake_handler *fake, enum log_level level, const char *form,
                  struct span argument)
{
    struct log_event *event = alloc_zeroed(sizeof *event + argument.n);
    event->level = level;
    event->form = form;
    if (argument.n > 0) {
        memcpy(event->bytes, argument.p, argument.n);
    }
    event->args[0] = span_make(event->bytes, argument.n);
    *add_ask(fake) = (struct fake_ask){.kind = ASK_LOG, .event = event};
}

void fake_ask_append(struct fake_handler *fake, uint64_t ticket)
{
    *add_ask(fake) = (struct fake_ask){.kind = ASK_APPEND, .ticket = ticket};
}

void fake_ask_udp_open(struct fake_handler *fake, uint64_t ticket, const char *address)
{
    *add_ask(fake) = (struct fake_ask){
        .kind = ASK_UDP_OPEN, .ticket = ticket, .bytes = span_make(address, strlen(address))};
}

void fake_ask_udp_send(struct fake_handler *fake, struct span bytes)
{
    *add_ask(fake) = (struct fake_ask){.kind = ASK_UDP_SEND, .bytes = bytes};
}

void fake_ask_udp_close(struct fake_handler *fake)
{
    *add_ask(fake) = (struct fake_ask){.kind = ASK_UDP_CLOSE};
}
