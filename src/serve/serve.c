/* SPDX-License-Identifier: MIT */
/*
 * The tcp_handler. It finds the connection that a call is about, and does the work that concerns
 * all connections: slots, turns, requests to the shell (struct ask), and the stop. Must not know
 * what happens within a connection (conn.c).
 */
#include "serve/serve.h"

#include <assert.h>

#include "base/alloc.h"
#include "base/text.h"
#include "base/time.h"
#include "serve/conn_parts.h"

#define SLOTS_LEAST 16

/* --- slots ------------------------------------------------------------------------------------ */

static struct conn *find(const struct serve *serve, uint64_t id)
{
    size_t slot = (uint32_t)id;
    bool known = slot < serve->slot_count && serve->slots[slot].conn != NULL &&
                 serve->slots[slot].generation == id >> 32;
    assert(known);
    return known ? serve->slots[slot].conn : NULL;
}

static void grow_slots(struct serve *serve)
{
    size_t count = serve->slot_count == 0 ? SLOTS_LEAST : serve->slot_count * 2;
    serve->slots = alloc_resize(serve->slots, count * sizeof *serve->slots);
    for (size_t i = serve->slot_count; i < count; i++) {
        serve->slots[i] = (struct serve_slot){.next_free = (uint32_t)i + 1};
    }
    serve->slot_count = count;
}

void serve_add_conn(struct serve *serve, struct conn *conn)
{
    if (serve->first_free == serve->slot_count) {
        grow_slots(serve);
    }
    uint32_t i = serve->first_free;
    struct serve_slot *slot = &serve->slots[i];
    serve->first_free = slot->next_free;
    slot->conn = conn;
    slot->generation = slot->generation == UINT32_MAX ? 1 : slot->generation + 1; /* never 0 */
    conn->id = (uint64_t)slot->generation << 32 | i;
    serve->conn_count++;
}

void serve_remove_conn(struct serve *serve, struct conn *conn)
{
    uint32_t i = (uint32_t)conn->id;
    serve->slots[i].conn = NULL;
    serve->slots[i].next_free = serve->first_free;
    serve->first_free = i;
    serve->conn_count--;
}

bool serve_has_room(const struct serve *serve)
{
    return !serve->stopping && serve->conn_count < serve->config.max_connections;
}

/* --- beginning and end ------------------------------------------------------------------------ */

void serve_init(struct serve *serve, const struct serve_config *config,
                const struct listener *listeners, size_t listener_count, struct log *log,
                const struct serve_hooks *hooks)
{
    *serve = (struct serve){
        .config = *config, .listeners = listeners, .listener_count = listener_count, .log = log};
    if (hooks != NULL) {
        serve->hooks = *hooks;
    }
    if (serve->config.budget == NULL) {
        serve->no_limit = budget_of_cap(SIZE_MAX);
        serve->config.budget = &serve->no_limit;
    }
    list_init(&serve->changed);
    list_init(&serve->backlog);
    list_init(&serve->handshakes);
    list_init(&serve->to_connect);
}

void serve_free(struct serve *serve)
{
    serve->stopping = true; /* from now on no connection may begin */
    for (size_t i = 0; i < serve->slot_count; i++) {
        if (serve->slots[i].conn != NULL) {
            conn_free(serve->slots[i].conn, TIME_NEVER);
        }
    }
    heap_free(&serve->timers);
    alloc_free(serve->slots);
    log_event_free(serve->shown);
    *serve = (struct serve){0};
}

uint64_t serve_open(void *self, unsigned listener, struct span peer, int64_t now)
{
    struct serve *serve = self;
    assert(listener < serve->listener_count);
    const struct listener *l = &serve->listeners[listener];
    if (!serve_has_room(serve)) {
        if (l->forms.refused != NULL) {
            log_say(serve->log, LOG_WARNING, l->forms.refused, peer);
        }
        return 0;
    }
    struct conn *conn = conn_new(serve, peer);
    conn->forms = &l->forms;
    conn_log(conn, LOG_INFO, conn->forms->opened, span_make(NULL, 0));
    conn->state = CONN_OPEN;
    conn_note_change(conn);
    conn_switch_protocol(conn, l->protocol, l->service, now);
    return conn->id;
}

void serve_connected(void *self, uint64_t id, struct span why, int64_t now)
{
    struct conn *conn = find(self, id);
    if (why.n == 0) {
        if (conn->state == CONN_CONNECTING) {
            conn->state = CONN_OPEN;
            conn_note_change(conn);
            conn->protocol->connected(conn->service, conn->session, why, now);
            conn_arm(conn);
        }
        return;
    }
    void *session = conn->session;
    conn->session = NULL;
    if (session != NULL) {
        conn->protocol->connected(conn->service, session, why, now);
    }
    conn_free(conn, now);
}

void serve_closed(void *self, uint64_t id, enum closed_reason reason, int64_t now)
{
    struct conn *conn = find(self, id);
    if (reason == CLOSED_BY_ERROR) {
        conn_log(conn, LOG_ERROR, conn->forms->lost, span_make(NULL, 0));
    }
    conn_free(conn, now);
}

/* Closes some connections. When all are closed, tells the program. */
static void stop_some(struct serve *serve, int64_t now)
{
    for (int left = SERVE_STOPS_A_STEP; serve->stop_next < serve->slot_count && left > 0;
         serve->stop_next++) {
        if (serve->slots[serve->stop_next].conn != NULL) {
            conn_drop(serve->slots[serve->stop_next].conn, now);
            left--;
        }
    }
    if (serve->stop_next == serve->slot_count) {
        serve->stop_told = true;
        if (serve->hooks.stop != NULL) {
            serve->hooks.stop(serve->hooks.self, now);
        }
    }
}

static bool has_to_stop(const struct serve *serve)
{
    return serve->stopping && !serve->stop_told;
}

void serve_stop(void *self, int64_t now)
{
    struct serve *serve = self;
    serve->stopping = true;
    stop_some(serve, now);
}

bool serve_stopped(void *self)
{
    const struct serve *serve = self;
    const struct serve_hooks *hooks = &serve->hooks;
    return serve->stop_told && serve->conn_count == 0 &&
           (hooks->stopped == NULL || hooks->stopped(hooks->self));
}

/* --- input and output ------------------------------------------------------------------------- */

size_t serve_recv(void *self, uint64_t id, struct span in, int64_t now)
{
    const struct serve *serve = self;
    return serve->stopping ? 0 : conn_recv(find(self, id), in, now);
}

size_t serve_last(void *self, uint64_t id, struct span in, int64_t now)
{
    return conn_last(find(self, id), in, now);
}

void serve_eof(void *self, uint64_t id, int64_t now)
{
    conn_eof(find(self, id), now);
}

size_t serve_out(void *self, uint64_t id, struct span *spans, size_t most, int64_t now)
{
    struct conn *conn = find(self, id);
    if (conn_gathers(conn)) {
        return 0;
    }
    if (conn->stack.count > 0 && conn->state != CONN_HANDSHAKING) {
        conn_encode(conn, now);
    }
    return output_fill(&conn->out, spans, most);
}

void serve_sent(void *self, uint64_t id, size_t n, int64_t now)
{
    conn_sent(find(self, id), n, now);
}

/* A handshake whose input waits for its turn reads no more. */
static bool wants_read(const struct conn *conn)
{
    bool reads = conn->state == CONN_HANDSHAKING ? list_empty(&conn->backlog) : conn_may_read(conn);
    return conn->input == CONN_INPUT_OPEN && !conn_holds_input(conn) && reads;
}

unsigned serve_want(void *self, uint64_t id)
{
    const struct conn *conn = find(self, id);
    switch (conn->state) {
    case CONN_CONNECTING:
        return 0;
    case CONN_DONE:
        return WANT_CLOSE;
    case CONN_LINGERING:
        return WANT_SHUT_WR | WANT_READ;
    default:
        return (conn_unsent(conn) > 0 && !conn_gathers(conn) ? WANT_WRITE : 0U) |
               (wants_read(conn) ? WANT_READ : 0U);
    }
}

size_t serve_read_most(void *self, uint64_t id)
{
    const struct serve *serve = self;
    (void)id;
    if (budget_share_is_passed(serve->config.budget)) {
        return CONN_READ_LITTLE;
    }
    return serve->crowd > SERVE_CROWD ? CONN_READ_IN_CROWD : SIZE_MAX;
}

uint64_t serve_next_changed(void *self)
{
    struct serve *serve = self;
    if (list_empty(&serve->changed)) {
        return 0;
    }
    struct conn *conn = container_of(serve->changed.next, struct conn, changed);
    list_remove(&conn->changed);
    return conn->id;
}

/* --- time ------------------------------------------------------------------------------------- */

/* Continues to decode. The first connections of the backlog have their turn. */
static void resume_backlog(struct serve *serve, int64_t now)
{
    uint64_t enough = serve->decoded + SERVE_DECODED_A_STEP;
    for (int i = 0; i < SERVE_BACKLOG_A_STEP && serve->decoded < enough; i++) {
        if (list_empty(&serve->backlog)) {
            return;
        }
        struct conn *conn = container_of(serve->backlog.next, struct conn, backlog);
        list_remove(&conn->backlog);
        conn_resume_input(conn, now);
    }
}

/* Lets the handshake that has waited longest have its turn, unless one had its turn recently, or
 * has it and was not offered its input yet. */
static void let_one_handshake(struct serve *serve, int64_t now)
{
    serve->handshake_rest -= serve->handshake_rest > 0;
    if (serve->handshake_rest == 0 && serve->handshake_turn == NULL &&
        !list_empty(&serve->handshakes)) {
        struct conn *conn = container_of(serve->handshakes.next, struct conn, backlog);
        list_remove(&conn->backlog);
        conn_take_handshake_turn(conn, now);
    }
}

/* Deadlines are handled as if the time were `judged`. Otherwise the protocol could treat another
 * deadline of the same connection as passed, although input that was in time was not read yet. */
void serve_step(void *self, int64_t now, int64_t judged)
{
    struct serve *serve = self;
    const struct heap *timers = &serve->timers;
    for (int i = 0; i < SERVE_TIMERS_A_STEP && heap_first_key(timers, TIME_NEVER) <= judged; i++) {
        struct conn *conn = container_of(heap_first(&serve->timers), struct conn, timer);
        heap_remove(&serve->timers, &conn->timer);
        conn_handle_deadlines(conn, judged);
    }
    if (has_to_stop(serve)) {
        stop_some(serve, now);
    } else {
        resume_backlog(serve, now);
    }
    let_one_handshake(serve, now);
    if (serve->hooks.step != NULL) {
        serve->hooks.step(serve->hooks.self, now, judged);
    }
}

int64_t serve_next_deadline(void *self)
{
    const struct serve *serve = self;
    bool handshake_waits = serve->handshake_turn == NULL && !list_empty(&serve->handshakes);
    int64_t due = list_empty(&serve->backlog) && !handshake_waits && !has_to_stop(serve)
                      ? heap_first_key(&serve->timers, TIME_NEVER)
                      : TIME_PAST;
    return serve->hooks.next_deadline == NULL
               ? due
               : time_earlier(due, serve->hooks.next_deadline(serve->hooks.self));
}

/* Only programs need the wall clock. */
void serve_wall(void *self, int64_t offset)
{
    struct serve *serve = self;
    if (serve->hooks.wall != NULL) {
        serve->hooks.wall(serve->hooks.self, offset);
    }
}

void serve_resident(void *self, size_t bytes)
{
    const struct serve *serve = self;
    budget_note_resident(serve->config.budget, bytes, serve->conn_count);
}

/* --- asks ------------------------------------------------------------------------------------- */

/* Reports how many events were dropped, when there is room for the report. */
static void report_dropped(struct log *log)
{
    char count[TEXT_DECIMAL_MAX];
    if (log->dropped > 0) {
        struct span text = text_decimal(count, (int64_t)log->dropped);
        log->dropped = 0;
        log_say(log, LOG_WARNING, "% log lines were dropped", text);
    }
}

static struct ask next_log_ask(struct serve *serve)
{
    if (serve->log->level_is_new) { /* first, because the level is valid for the next event */
        serve->log->level_is_new = false;
        return (struct ask){.kind = ASK_LOG_LEVEL, .level = serve->log->least};
    }
    log_event_free(serve->shown);
    serve->shown = log_next(serve->log);
    if (serve->shown == NULL) {
        return (struct ask){.kind = ASK_NONE};
    }
    report_dropped(serve->log);
    return (struct ask){.kind = ASK_LOG, .event = serve->shown};
}

static struct ask next_connect_ask(struct serve *serve)
{
    if (list_empty(&serve->to_connect)) {
        return (struct ask){.kind = ASK_NONE};
    }
    struct conn *conn = container_of(serve->to_connect.next, struct conn, connect);
    list_remove(&conn->connect);
    return (struct ask){
        .kind = ASK_CONNECT, .ticket = conn->id, .address = buf_span(&conn->address)};
}

struct ask serve_next_ask(void *self)
{
    struct serve *serve = self;
    struct ask ask = next_log_ask(serve);
    if (ask.kind == ASK_NONE) {
        ask = next_connect_ask(serve);
    }
    if (ask.kind == ASK_NONE && serve->hooks.next_ask != NULL) {
        ask = serve->hooks.next_ask(serve->hooks.self);
    }
    return ask;
}

void serve_answer(void *self, uint64_t ticket, const struct answer *answer, int64_t now)
{
    struct serve *serve = self;
    if (serve->hooks.answer != NULL) {
        serve->hooks.answer(serve->hooks.self, ticket, answer, now);
    }
}

void serve_crowd(void *self, size_t connections)
{
    struct serve *serve = self;
    serve->crowd = connections;
    if (serve->hooks.crowd != NULL) {
        serve->hooks.crowd(serve->hooks.self, connections);
    }
}

struct tcp_handler serve_handler(struct serve *serve)
{
    return (struct tcp_handler){
        .self = serve,
        .open = serve_open,
        .connected = serve_connected,
        .crowd = serve_crowd,
        .recv = serve_recv,
        .last = serve_last,
        .eof = serve_eof,
        .closed = serve_closed,
        .out = serve_out,
        .sent = serve_sent,
        .want = serve_want,
        .read_most = serve_read_most,
        .step = serve_step,
        .next_deadline = serve_next_deadline,
        .next_changed = serve_next_changed,
        .next_ask = serve_next_ask,
        .answer = serve_answer,
        .wall = serve_wall,
        .resident = serve_resident,
        .stop = serve_stop,
        .stopped = serve_stopped,
    };
}
