/* SPDX-License-Identifier: MIT */
#include "support/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/text.h"
#include "serve/drive.h"
#include "support/segments.h"

#define START (1000 * TIME_SECOND)
#define WALL_START (INT64_C(1767225600) * TIME_SECOND)
#define IDLE_OFFERS_MAX                                                                            \
    50000                 /* offers of input of which nothing is consumed, before other work ends */
#define ROUNDS_MAX 100000 /* at one point in time: more of them is a spin */
#define RANDOM_CHUNK_BITS 7
#define SPANS_AT_ONCE 256

#define BROKEN(...) world_fail(__FILE__, __LINE__, __VA_ARGS__)

/* --- what the engine wants -------------------------------------------------------------------- */

static unsigned want(const struct client *c)
{
    const struct tcp_handler *h = &c->world->handler;
    return h->want(h->self, c->conn);
}

/* What waits to be sent, in pieces. */
static size_t out(const struct client *c, struct span spans[SPANS_AT_ONCE])
{
    const struct tcp_handler *h = &c->world->handler;
    return h->out(h->self, c->conn, spans, SPANS_AT_ONCE, c->world->now);
}

static size_t unsent(const struct client *c)
{
    struct span spans[SPANS_AT_ONCE];
    size_t count = out(c, spans);
    return span_total(spans, count);
}

static bool reads(const struct client *c)
{
    return c->conn != 0 && (c->want & WANT_READ) != 0;
}

static bool has_rest(const struct client *c)
{
    return c->rest.n > 0 || (c->ended && !c->eof_told);
}

/* --- bytes to the client ---------------------------------------------------------------------- */

/* Notes what was received and when, in a form that two runs can be compared by. */
static void note(struct client *c, struct span bytes)
{
    if (c->transcript_at != c->world->now) {
        c->transcript_at = c->world->now;
        text_append(&c->transcript, "\n@");
        text_append_decimal(&c->transcript, c->world->now - START);
        text_append(&c->transcript, " ");
    }
    buf_append(&c->transcript, bytes);
}

/* What the server sent, through the client's codecs. What these answer is sent next. */
static void receive(struct client *c, struct span part)
{
    if (c->stack == NULL) {
        note(c, part);
        buf_append(&c->in, part);
        return;
    }
    while (part.n > 0 || stack_has_pending(c->stack)) {
        struct span why = {NULL, 0};
        part = span_skip(part, stack_decode(c->stack, part, &c->rest));
        if (stack_state(c->stack, &why) == CODEC_FAILED) {
            BROKEN("the client cannot decode: %.*s", (int)why.n, (const char *)why.p);
        }
    }
    if (c->stack->decoded.n > 0) {
        note(c, buf_span(&c->stack->decoded));
        buf_append(&c->in, buf_span(&c->stack->decoded));
        buf_free(&c->stack->decoded);
    }
}

/* Takes up to `n` bytes of output: at most c->at_most at a time, and what lies in one piece. */
static size_t take(struct client *c, size_t n)
{
    const struct tcp_handler *h = &c->world->handler;
    struct span spans[SPANS_AT_ONCE];
    size_t taken = 0;
    while (taken < n && out(c, spans) > 0) {
        struct span part = span_first(spans[0], n - taken);
        part = c->at_most > 0 ? span_first(part, c->at_most) : part;
        receive(c, part);
        taken += part.n;
        h->sent(h->self, c->conn, part.n, c->world->now);
    }
    return taken;
}

/* --- the shell's part ------------------------------------------------------------------------- */

static void forget(struct client *c)
{
    c->world->by_slot[(uint32_t)c->conn] = NULL;
    c->conn = 0;
    c->want = 0;
    buf_free(&c->rest);
    c->kept = 0;
}

static void gone(struct client *c, enum closed_reason reason)
{
    const struct tcp_handler *h = &c->world->handler;
    uint64_t conn = c->conn;
    forget(c);
    h->closed(h->self, conn, reason, c->world->now);
}

/* Does what a connection wants that has changed. */
static void settle_client(struct client *c)
{
    if (c->dialled) {
        c->want = want(c);
        c->unsent = unsent(c);
        if (c->want & WANT_CLOSE) {
            c->dialled = false;
            c->closed = true;
            gone(c, CLOSED_AS_WANTED);
        }
        return;
    }
    take(c, c->stalled ? 0 : SIZE_MAX);
    c->unsent = unsent(c); /* before want, as in the shell: it encodes output */
    c->want = want(c);
    if (c->want & WANT_CLOSE) {
        note(c, SPAN("\nCLOSED"));
        c->closed = true;
        gone(c, CLOSED_AS_WANTED);
        return;
    }
    if (((c->want & WANT_WRITE) != 0) != (c->unsent > 0)) {
        BROKEN("WANT_WRITE is %s with %zu bytes to send", c->unsent > 0 ? "off" : "on", c->unsent);
    }
    if ((c->want & WANT_SHUT_WR) && !c->shut) {
        note(c, SPAN("\nSHUT"));
        c->shut = true;
    }
}

/* Offers what was sent before; then says that the input has ended, if it has. */
static void offer(struct client *c)
{
    const struct tcp_handler *h = &c->world->handler;
    if (c->rest.n > 0) {
        if (c->kept == 0) {
            c->kept = span_first(buf_span(&c->rest), h->read_most(h->self, c->conn)).n;
        }
        struct span in = span_first(buf_span(&c->rest), c->kept);
        size_t n = h->recv(h->self, c->conn, in, c->world->now);
        if (n > in.n) {
            BROKEN("recv consumed %zu of %zu bytes", n, in.n);
        }
        buf_drop(&c->rest, n);
        c->kept -= n;
        c->idle_offers = n == 0 && (want(c) & WANT_READ) ? c->idle_offers + 1 : 0;
        if (c->idle_offers > IDLE_OFFERS_MAX) {
            BROKEN("recv took none of %zu bytes and still wants to read", c->rest.n);
        }
    }
    if (c->rest.n == 0 && c->ended && !c->eof_told) {
        c->eof_told = true;
        h->eof(h->self, c->conn, c->world->now);
    }
}

/* The client sends nothing more and is not read. Its last bytes may be for a codec only. */
static void offer_end(struct client *c)
{
    const struct tcp_handler *h = &c->world->handler;
    if (c->rest.n > 0 && c->rest.n <= HANDLER_LAST_MAX && !c->last_offered) {
        c->last_offered = true;
        buf_drop(&c->rest, h->last(h->self, c->conn, buf_span(&c->rest), c->world->now));
        c->kept = c->rest.n;
    }
    if (c->rest.n == 0) {
        c->eof_told = true;
        h->eof(h->self, c->conn, c->world->now);
    }
}

/* True when somebody wants more than was taken. */
static bool offer_rests(struct world *w)
{
    bool more = false;
    struct list *next;
    for (struct list *l = w->clients.next; l != &w->clients; l = next) {
        next = l->next;
        struct client *c = container_of(l, struct client, link);
        if (reads(c) && has_rest(c)) {
            offer(c);
            more = more || has_rest(c);
        } else if (c->conn != 0 && !c->dialled && c->ended && !c->eof_told) {
            offer_end(c);
        }
    }
    return more;
}

/* Every change must have been said: the shell looks at nobody else. */
static void check_unnamed(struct world *w)
{
    for (struct list *l = w->clients.next; l != &w->clients; l = l->next) {
        struct client *c = container_of(l, struct client, link);
        if (c->conn != 0 && (want(c) != c->want || unsent(c) != c->unsent)) {
            BROKEN("connection %u changed unsaid: want %u -> %u, %zu -> %zu bytes to send",
                   (unsigned)c->conn, c->want, want(c), c->unsent, unsent(c));
        }
    }
}

/* True when the client has input for the next round. */
static bool settle_changed(struct world *w, uint64_t conn)
{
    struct client *c = (uint32_t)conn < w->slots ? w->by_slot[(uint32_t)conn] : NULL;
    if (c == NULL || c->conn != conn) {
        BROKEN("an unknown connection has changed");
    }
    settle_client(c);
    return reads(c) && has_rest(c);
}

static void collect_log(struct world *w, const struct log_event *event)
{
    static const char *const levels[] = {"?", "DEBUG", "INFO", "WARNING", "ERROR", "FATAL"};
    const char *level = levels[event->level];
    buf_append(&w->log, span_make(level, strlen(level)));
    text_append(&w->log, " ");
    const struct span *arg = event->args;
    for (const char *p = event->form; *p != '\0'; p++) {
        buf_append(&w->log, *p == '%' ? *arg++ : span_make(p, 1));
    }
    text_append(&w->log, "\n");
}

static void add_slot(struct world *w, struct client *c);

static struct client *new_client(struct world *w, uint64_t conn)
{
    struct client *c = alloc_zeroed(sizeof *c);
    c->world = w;
    c->transcript_at = -1;
    c->conn = conn;
    list_init(&c->link);
    list_push(&w->clients, &c->link);
    add_slot(w, c);
    return c;
}

static void dial(struct world *w, const struct ask *ask)
{
    struct client *c = new_client(w, ask->ticket);
    c->dialled = true;
    buf_append(&c->address, ask->address);
    text_append(&c->address, "\0");
    settle_client(c);
}

static void answer(struct world *w, uint64_t ticket, bool well)
{
    const struct answer answer = {.why = well ? SPAN("") : SPAN("the disk is broken")};
    w->handler.answer(w->handler.self, ticket, &answer, w->now);
}

void world_udp_answer(struct world *w, bool well)
{
    uint64_t ticket = w->udp_ticket;
    if (ticket == 0) {
        BROKEN("no UDP socket waits to be opened");
    }
    w->udp_ticket = 0;
    answer(w, ticket, well);
    world_settle(w);
}

/* Notes the time at which the UDP socket was used. */
static void note_udp(struct world *w)
{
    text_append(&w->udp, "@");
    text_append_decimal(&w->udp, (w->now - START) / TIME_MS);
}

static void open_udp(struct world *w, const struct ask *ask)
{
    note_udp(w);
    text_append(&w->udp, " OPEN ");
    buf_append(&w->udp, ask->address);
    text_append(&w->udp, "\n");
    if (w->udp_answers == ANSWER_WHEN_TOLD) {
        w->udp_ticket = ask->ticket;
    } else {
        answer(w, ask->ticket, w->udp_answers == ANSWER_AT_ONCE);
    }
}

/* An opening that was not answered will never be. */
static void close_udp(struct world *w)
{
    note_udp(w);
    text_append(&w->udp, " CLOSE\n");
    w->udp_ticket = 0;
}

static void send_udp(struct world *w, struct span bytes)
{
    if (bytes.n == 0) {
        BROKEN("an empty datagram");
    }
    note_udp(w);
    text_append(&w->udp, "\n");
    buf_append(&w->udp, bytes);
}

const char *world_udp(struct world *w)
{
    buf_free(&w->heard);
    buf_append(&w->heard, buf_span(&w->udp));
    buf_append(&w->heard, span_make("", 1));
    buf_free(&w->udp);
    return (const char *)buf_span(&w->heard).p;
}

static void do_ask(struct world *w, const struct ask *ask)
{
    if (ask->kind == ASK_LOG) {
        collect_log(w, ask->event);
    } else if (ask->kind == ASK_CONNECT) {
        dial(w, ask);
    } else if (ask->kind == ASK_UDP_OPEN) {
        open_udp(w, ask);
    } else if (ask->kind == ASK_UDP_SEND) {
        send_udp(w, ask->bytes);
    } else if (ask->kind == ASK_UDP_CLOSE) {
        close_udp(w);
    } else if (w->answers == ANSWER_WHEN_TOLD) {
        buf_append(&w->asked, span_make(&ask->ticket, sizeof ask->ticket));
    } else {
        answer(w, ask->ticket, w->answers == ANSWER_AT_ONCE);
    }
}

/* The round of serve/drive.h, up to so many times. True when there is more to do. */
static bool do_rounds(struct world *w, unsigned rounds_max)
{
    struct drive drive = {.rounds_max = rounds_max};
    enum drive_turn before = DRIVE_OVER;
    while (drive_next(&drive, &w->handler, w->now) != DRIVE_OVER) {
        if (before == DRIVE_CHANGED && drive.turn != DRIVE_CHANGED) {
            check_unnamed(w);
        }
        before = drive.turn;
        switch (drive.turn) {
        case DRIVE_INPUT:
            drive.more_input = offer_rests(w);
            break;
        case DRIVE_CHANGED:
            drive.more_input = settle_changed(w, drive.conn) || drive.more_input;
            break;
        case DRIVE_ASK:
            do_ask(w, &drive.ask);
            break;
        case DRIVE_OVER:
            break;
        }
    }
    check_unnamed(w);
    return drive_has_work_left(&drive, &w->handler, w->now);
}

void world_round(struct world *w)
{
    do_rounds(w, 1);
}

void world_settle(struct world *w)
{
    if (do_rounds(w, ROUNDS_MAX)) {
        BROKEN("the engine spins: after %d rounds its deadline is still now", ROUNDS_MAX);
    }
}

/* --- the world -------------------------------------------------------------------------------- */

struct engine_config world_config(void)
{
    struct engine_config config = engine_defaults();
    config.broker.node_id = 7;
    config.broker.seed = (struct hash_seed){{1, 2}};
    return config;
}

/* LeakSanitizer asks. A test that fails leaves its worlds behind, and their leaks must not bury why
 * it failed. */
static size_t alive;
int __lsan_is_turned_off(void); /* NOLINT(bugprone-reserved-identifier) */
int __lsan_is_turned_off(void)  /* NOLINT(bugprone-reserved-identifier) */
{
    return alive > 0;
}

struct world *world_new(const struct engine_config *config)
{
    struct engine_config defaults = world_config();
    struct world *w = alloc_zeroed(sizeof *w);
    w->engine = engine_new(config == NULL ? &defaults : config);
    w->handler = engine_handler(w->engine);
    w->now = START;
    w->random = 1;
    list_init(&w->clients);
    w->handler.wall(w->handler.self, WALL_START - START);
    alive++;
    return w;
}

static void free_client(struct client *c)
{
    list_remove(&c->link);
    stack_free(c->stack);
    buf_free(&c->rest);
    buf_free(&c->in);
    buf_free(&c->transcript);
    buf_free(&c->heard);
    buf_free(&c->address);
    alloc_free(c);
}

static void free_world(struct world *w)
{
    engine_free(w->engine);
    buf_free(&w->asked);
    buf_free(&w->log);
    buf_free(&w->udp);
    buf_free(&w->heard);
    alloc_free(w->by_slot);
    alloc_free(w);
    alive--;
}

void world_free(struct world *w)
{
    while (!list_empty(&w->clients)) {
        struct client *c = container_of(w->clients.next, struct client, link);
        if (c->conn != 0) {
            gone(c, CLOSED_BY_ERROR);
        }
        free_client(c);
    }
    world_round(w);
    free_world(w);
}

void world_free_at_once(struct world *w)
{
    while (!list_empty(&w->clients)) {
        free_client(container_of(w->clients.next, struct client, link));
    }
    free_world(w);
}

void world_advance(struct world *w, int64_t ns)
{
    int64_t end = w->now + ns;
    for (;;) {
        int64_t due = w->handler.next_deadline(w->handler.self);
        w->now = due > end ? end : due > w->now ? due : w->now;
        world_settle(w);
        if (w->now == end) {
            return;
        }
    }
}

void world_jump(struct world *w, int64_t ns)
{
    w->now += ns;
    world_settle(w);
}

void world_answer_at(struct world *w, size_t at, bool well)
{
    uint64_t tickets[WORLD_ASKED_MAX];
    size_t n = world_asked(w);
    if (at >= n || n > WORLD_ASKED_MAX) {
        BROKEN("%zu asks wait, none is number %zu", n, at);
    }
    memcpy(tickets, buf_span(&w->asked).p, n * sizeof tickets[0]);
    buf_free(&w->asked);
    for (size_t i = 0; i < n; i++) {
        if (i != at) {
            buf_append(&w->asked, span_make(&tickets[i], sizeof tickets[i]));
        }
    }
    answer(w, tickets[at], well);
    world_settle(w);
}

void world_answer(struct world *w, bool well)
{
    world_answer_at(w, 0, well);
}

size_t world_asked(const struct world *w)
{
    return w->asked.n / sizeof(uint64_t);
}

void world_make_topics(struct world *w, unsigned count, const char *channels)
{
    for (unsigned i = 0; i < count; i++) {
        char name[16];
        snprintf(name, sizeof name, "t%05u", i);
        struct topic *topic = broker_topic(&w->engine->broker, text_span(name), BUDGET_CLIENT);
        for (const char *c = channels; *c != '\0'; c++) {
            (void)topic_channel(topic, span_make(c, 1), w->now);
        }
    }
    world_settle(w);
}

void world_stop(struct world *w)
{
    w->handler.stop(w->handler.self, w->now);
    world_settle(w);
}

size_t world_used(const struct world *w)
{
    return w->engine->broker.core.budget.used;
}

size_t world_logged(const struct world *w, const char *line)
{
    size_t count = 0;
    struct span wanted = span_make(line, strlen(line));
    for (struct span rest = buf_span(&w->log); rest.n > 0;) {
        const uint8_t *end = memchr(rest.p, '\n', rest.n);
        size_t n = (size_t)(end - rest.p);
        count += span_equal(span_first(rest, n), wanted) ? 1 : 0;
        rest = span_skip(rest, n + 1);
    }
    return count;
}

/* --- connections that the engine makes -------------------------------------------------------- */

static struct client *oldest_dialled(const struct world *w)
{
    for (const struct list *l = w->clients.next; l != &w->clients; l = l->next) {
        struct client *c = container_of(l, struct client, link);
        if (c->dialled) {
            return c;
        }
    }
    return NULL;
}

size_t world_dialled(const struct world *w)
{
    size_t count = 0;
    for (const struct list *l = w->clients.next; l != &w->clients; l = l->next) {
        count += container_of(l, struct client, link)->dialled ? 1 : 0;
    }
    return count;
}

const char *world_dialled_to(const struct world *w)
{
    const struct client *c = oldest_dialled(w);
    return c == NULL ? "" : (const char *)buf_span(&c->address).p;
}

struct client *world_accept(struct world *w)
{
    struct client *c = oldest_dialled(w);
    if (c == NULL) {
        BROKEN("the engine connects to nobody");
    }
    c->dialled = false;
    w->handler.connected(w->handler.self, c->conn, span_make(NULL, 0), w->now);
    world_settle(w);
    return c;
}

void world_refuse(struct world *w, const char *why)
{
    struct client *c = oldest_dialled(w);
    if (c == NULL) {
        BROKEN("the engine connects to nobody");
    }
    uint64_t conn = c->conn;
    c->dialled = false;
    c->closed = true;
    forget(c);
    w->handler.connected(w->handler.self, conn, span_make(why, strlen(why)), w->now);
    world_settle(w);
}

const char *client_bytes(struct client *c)
{
    buf_free(&c->heard);
    buf_append(&c->heard, buf_span(&c->in));
    text_append(&c->heard, "\0");
    buf_drop(&c->in, c->in.n);
    return (const char *)buf_span(&c->heard).p;
}

/* --- a client connects and sends -------------------------------------------------------------- */

static void add_slot(struct world *w, struct client *c)
{
    size_t slot = (uint32_t)c->conn;
    if (slot >= w->slots) {
        size_t slots = 2 * slot + 16;
        w->by_slot = alloc_resize(w->by_slot, slots * sizeof(struct client *));
        memset(w->by_slot + w->slots, 0, (slots - w->slots) * sizeof(struct client *));
        w->slots = slots;
    }
    if (w->by_slot[slot] != NULL) {
        BROKEN("slot %zu was given away twice", slot);
    }
    w->by_slot[slot] = c;
}

static uint64_t open_conn(struct world *w)
{
    char peer[32];
    int n = snprintf(peer, sizeof peer, "10.0.0.%zu:4000", ++w->connected);
    return w->handler.open(w->handler.self, ENGINE_TCP, span_make(peer, (size_t)n), w->now);
}

struct client *world_arrive(struct world *w)
{
    uint64_t conn = open_conn(w);
    if (conn == 0) {
        BROKEN("the connection was refused");
    }
    return new_client(w, conn);
}

struct client *world_open(struct world *w)
{
    struct client *c = world_arrive(w);
    world_settle(w);
    return c;
}

struct client *world_connect(struct world *w)
{
    struct client *c = world_open(w);
    SEND(c, "  V2");
    return c;
}

struct client *world_open_http(struct world *w)
{
    uint64_t conn = w->handler.open(w->handler.self, ENGINE_HTTP, SPAN("web:1"), w->now);
    if (conn == 0) {
        BROKEN("the connection was refused");
    }
    struct client *c = new_client(w, conn);
    w->connected++;
    world_settle(w);
    return c;
}

struct client *world_connect_from(struct world *w, const char *peer)
{
    struct span from = span_make(peer, strlen(peer));
    uint64_t conn = w->handler.open(w->handler.self, ENGINE_TCP, from, w->now);
    if (conn == 0) {
        BROKEN("the connection was refused");
    }
    struct client *c = new_client(w, conn);
    w->connected++;
    world_settle(w);
    SEND(c, "  V2");
    return c;
}

void world_connect_refused(struct world *w)
{
    if (open_conn(w) != 0) {
        BROKEN("the connection was not refused");
    }
    world_settle(w);
}

/* The next piece of what a client sends. */
static size_t piece(struct world *w, size_t n)
{
    size_t most = n;
    if (w->cut == CUT_BYTES) {
        most = 1;
    } else if (w->cut == CUT_RANDOM) {
        unsigned bits = (unsigned)(segments_random(&w->random) % RANDOM_CHUNK_BITS);
        most = 1 + (size_t)(segments_random(&w->random) % ((uint64_t)1 << bits));
    }
    return most < n ? most : n;
}

static void send_raw(struct client *c, struct span bytes)
{
    while (bytes.n > 0 && c->conn != 0) {
        struct span part = span_first(bytes, piece(c->world, bytes.n));
        buf_append(&c->rest, part);
        world_settle(c->world);
        bytes = span_skip(bytes, part.n);
    }
}

void client_post(struct client *c, struct span bytes)
{
    if (c->conn != 0) {
        buf_append(&c->rest, bytes);
    }
}

void client_send(struct client *c, struct span bytes)
{
    if (c->stack == NULL) {
        send_raw(c, bytes);
        return;
    }
    struct buf raw = {0};
    buf_append(&c->stack->plain, bytes);
    stack_encode(c->stack, &raw);
    send_raw(c, buf_span(&raw));
    buf_free(&raw);
}

void client_put_on(struct client *c, struct codec codec)
{
    if (c->stack == NULL) {
        c->stack = alloc_zeroed(sizeof *c->stack);
        c->stack->decoded = c->in;
    } else {
        buf_append(&c->stack->decoded, buf_span(&c->in));
        buf_free(&c->in);
    }
    c->in = (struct buf){0};
    stack_push(c->stack, codec);
    struct buf hello = {0};
    stack_decode(c->stack, span_make(NULL, 0), &hello);
    receive(c, span_make(NULL, 0));
    send_raw(c, buf_span(&hello));
    buf_free(&hello);
    world_settle(c->world);
}

void client_sendf(struct client *c, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof text) {
        BROKEN("client_sendf: too long");
    }
    client_send(c, span_make(text, (size_t)n));
}

void client_send_body(struct client *c, const char *line, struct span body)
{
    struct buf bytes = {0};
    buf_append(&bytes, span_make(line, strlen(line)));
    text_append(&bytes, "\n");
    be32_store(buf_room(&bytes, 4), (uint32_t)body.n);
    buf_grew(&bytes, 4);
    buf_append(&bytes, body);
    client_send(c, buf_span(&bytes));
    buf_free(&bytes);
}

void client_send_filled(struct client *c, const char *line, char fill, size_t size)
{
    struct buf body = {0};
    memset(buf_room(&body, size), fill, size);
    buf_grew(&body, size);
    client_send_body(c, line, buf_span(&body));
    buf_free(&body);
}

void client_fin(struct client *c, const struct message_id *id)
{
    client_sendf(c, "FIN %s\n", id->text);
}

void client_req(struct client *c, const struct message_id *id, unsigned ms)
{
    client_sendf(c, "REQ %s %u\n", id->text, ms);
}

void client_touch(struct client *c, const struct message_id *id)
{
    client_sendf(c, "TOUCH %s\n", id->text);
}

void client_identify(struct client *c, const char *json)
{
    client_send_body(c, "IDENTIFY", span_make(json, strlen(json)));
}

void client_eof(struct client *c)
{
    c->ended = true;
    world_settle(c->world);
}

void client_end_stream(struct client *c)
{
    struct buf last = {0};
    stack_finish(c->stack, &last);
    client_post(c, buf_span(&last));
    buf_free(&last);
    client_eof(c);
}

void client_drop(struct client *c)
{
    gone(c, CLOSED_BY_ERROR);
    world_settle(c->world);
}

void client_forget(struct client *c)
{
    if (c->conn != 0) {
        gone(c, CLOSED_BY_ERROR);
    }
    free_client(c);
}

void client_stall(struct client *c, bool stalled)
{
    c->stalled = stalled;
    if (!stalled && c->conn != 0) {
        settle_client(c);
    }
    world_settle(c->world);
}

size_t client_take(struct client *c, size_t n)
{
    if (c->conn == 0) {
        BROKEN("the connection is closed");
    }
    size_t taken = take(c, n);
    settle_client(c);
    world_settle(c->world);
    return taken;
}

struct conn *client_conn(const struct client *c)
{
    return c->world->engine->serve.slots[(uint32_t)c->conn].conn;
}

struct session *client_session(const struct client *c)
{
    return client_conn(c)->session;
}
