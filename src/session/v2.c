/* SPDX-License-Identifier: MIT */
#include "session/v2.h"

#include <assert.h>

#include <nsq/frame.h>
#include <nsq/magic.h>

#include "base/text.h"
#include "codec/deflate.h"
#include "codec/snappy.h"
#include "session/commands.h"
#include "session/session.h"
#include "session/settings.h"

#define DEFAULT_BUFFER_SIZE 16384
/* The least time between two deliveries of a message: nsqd looks for timeouts every 100 ms, and
 * --msg-timeout may be 0 or less. */
#define LEAST_DELIVERY_NS (100 * TIME_MS)
/* Heartbeats go at multiples of this, so up to as much late: many clients' then leave together. The
 * server wakes up 20 times a second for ten thousand that came one after the other, instead of for
 * each. Intervals below a second, of which it would be too large a part, are exact. */
#define HEARTBEAT_GRID (50 * TIME_MS)
#define HEARTBEAT_EXACT TIME_SECOND
#define SESSION_COST (sizeof(struct session) + sizeof(struct conn) + 2 * ALLOC_OVERHEAD)
#define PUB_COUNT_COST (sizeof(struct pub_count) + ALLOC_OVERHEAD)

static struct budget *budget_of(const struct session *s)
{
    return &s->v2->broker->core.budget;
}

/* --- what the client is sent ------------------------------------------------------------------ */

static void send_frame(struct session *s, enum nsq_frame_type type, struct span head,
                       struct span data)
{
    uint8_t header[NSQ_FRAME_HEADER_SIZE];
    nsq_frame_header(header, type, head.n + data.n);
    conn_send(s->conn, span_make(header, sizeof header));
    conn_send(s->conn, head);
    conn_send(s->conn, data);
}

static void send_message(struct session *s, const struct delivery *d)
{
    uint8_t id[NSQ_MESSAGE_ID_SIZE];
    uint8_t head[NSQ_MESSAGE_HEADER_SIZE];
    guid_print(d->body->id, id);
    struct nsq_message message = {
        .timestamp = d->body->timestamp, .attempts = d->attempts, .id = id};
    nsq_message_header(head, &message);
    send_frame(s, NSQ_FRAME_MESSAGE, span_make(head, sizeof head), body_span(d->body));
}

/* An error frame's data: the code, a space, the text. */
static void send_error(struct session *s, enum nsq_error code)
{
    struct buf data = {0};
    buf_append(&data, nsq_error_name(code));
    buf_append(&data, SPAN(" "));
    buf_append(&data, buf_span(&s->v2->text));
    log_say(s->v2->log, LOG_ERROR, "[%] - %", conn_peer(s->conn), buf_span(&data));
    send_frame(s, NSQ_FRAME_ERROR, span_make(NULL, 0), buf_span(&data));
    buf_free(&data);
}

void v2_pump(struct v2 *v2, int64_t now)
{
    struct delivery d;
    while (broker_deliver(v2->broker, now, &d)) {
        struct session *s = d.consumer->owner;
        send_message(s, &d);
        if (conn_is_full(s->conn)) {
            consumer_set_blocked(&s->consumer, true);
        }
    }
}

/* --- what is in hand -------------------------------------------------------------------------- */

/* Charges for it as it is now: to be called when it has changed. A line has at most 16 KiB, but
 * thousands of connections may each have begun one. */
static void charge_hand(struct session *s)
{
    size_t cost = s->hand.cap == 0 ? 0 : s->hand.cap + ALLOC_OVERHEAD;
    budget_release(budget_of(s), s->hand_cost);
    budget_charge(budget_of(s), cost);
    s->hand_cost = cost;
}

static void drop_hand(struct session *s)
{
    buf_free(&s->hand);
    charge_hand(s);
}

/* --- the end of a session --------------------------------------------------------------------- */

/* Nothing more is parsed or delivered. */
static void leave(struct session *s)
{
    if (!s->ended) {
        s->ended = true;
        log_say(s->v2->log, LOG_INFO, "PROTOCOL(V2): [%] exiting ioloop", conn_peer(s->conn));
        broker_unsubscribe(s->v2->broker, &s->consumer);
    }
}

/* The session ends by itself. With linger: input may be left unread. */
static void end(struct session *s, bool linger)
{
    leave(s);
    command_drop(s);
    drop_hand(s);
    conn_finish(s->conn, linger);
}

static void forget_grants(struct session *s)
{
    if (s->granted != NULL) {
        budget_release(budget_of(s), s->granted->cost);
        auth_state_free(s->granted);
        s->granted = NULL;
    }
}

static void forget_auth(struct session *s)
{
    if (s->query != NULL) {
        auth_drop(s->query);
        s->query = NULL;
    }
    forget_grants(s);
    if (s->secret != NULL) {
        body_drop(s->secret, budget_of(s));
        s->secret = NULL;
    }
}

static void free_session(struct session *s)
{
    struct pub_count *p;
    struct pub_count *next;
    HASH_ITER(hh, s->pub_counts, p, next)
    {
        HASH_DELETE(hh, s->pub_counts, p);
        alloc_free(p);
        budget_release(budget_of(s), PUB_COUNT_COST);
    }
    settings_forget_identity(s);
    command_drop(s);
    drop_hand(s);
    list_remove(&s->waiting);
    forget_auth(s);
    budget_release(budget_of(s), SESSION_COST + s->codec_cost);
    alloc_free(s);
}

/* --- deadlines -------------------------------------------------------------------------------- */

/* When the next heartbeat leaves; next_heartbeat itself does not drift. */
static int64_t heartbeat_due(const struct session *s)
{
    int64_t past = s->next_heartbeat % HEARTBEAT_GRID;
    return past == 0 || s->heartbeat_every < HEARTBEAT_EXACT
               ? s->next_heartbeat
               : time_after(s->next_heartbeat, HEARTBEAT_GRID - past);
}

static void set_due(struct session *s)
{
    conn_set_due(s->conn, time_earlier(heartbeat_due(s), s->read_deadline));
}

/* nsqd sets the deadline when it begins to wait for a line, and does not renew it in a body. */
static void await_line(struct session *s, int64_t now)
{
    int64_t half = time_after(now, s->heartbeat_interval);
    s->read_deadline =
        s->heartbeat_interval > 0 ? time_after(half, s->heartbeat_interval) : TIME_NEVER;
    set_due(s);
}

void session_take_settings(struct session *s, int64_t now)
{
    s->consumer.msg_timeout =
        s->msg_timeout < LEAST_DELIVERY_NS ? LEAST_DELIVERY_NS : s->msg_timeout;
    s->consumer.sample_rate = s->sample_rate;
    s->heartbeat_every = s->heartbeat_interval;
    s->next_heartbeat = s->heartbeat_every > 0 ? time_after(now, s->heartbeat_every) : TIME_NEVER;
}

/* --- upgrades --------------------------------------------------------------------------------- */

static void send_ok(struct session *s)
{
    send_frame(s, NSQ_FRAME_RESPONSE, SPAN("OK"), span_make(NULL, 0));
}

static void put_on(struct session *s, struct codec codec, size_t cost)
{
    s->codec_cost += cost;
    budget_charge(budget_of(s), cost);
    conn_push(s->conn, codec, V2_HANDSHAKE_NS);
}

/* Snappy or deflate, upon TLS if that is on; each has an OK of its own. */
static void compress(struct session *s)
{
    const struct upgrade *u = &s->upgrade;
    if (u->snappy) {
        put_on(s, snappy_codec(), SNAPPY_COST);
    } else if (u->deflate) {
        put_on(s, deflate_codec(u->deflate_level), DEFLATE_COST);
    } else {
        return;
    }
    s->compressed = true;
    send_ok(s);
}

static void begin_upgrade(struct session *s)
{
    const struct codec_maker *tls = &s->v2->config.tls;
    if (s->upgrade.tls) {
        put_on(s, tls->make(tls->self), tls->cost);
    } else {
        compress(s);
    }
}

/* --- replies ---------------------------------------------------------------------------------- */

/* Of the auth servers, when the session has asked them; else of the shell. */
static void wait_for_answer(struct session *s)
{
    if (s->query == NULL) {
        s->ticket = ++s->v2->last_ticket;
    }
    list_push(s->query == NULL ? &s->v2->to_ask : &s->v2->authorizing, &s->waiting);
    if (s->conn != NULL) {
        conn_hold(s->conn, true);
    }
}

/* False when that ended the session. */
static bool say_something(struct session *s, struct reply reply)
{
    bool fatal = false;
    switch (reply.kind) {
    case REPLY_NONE:
        break;
    case REPLY_OK:
        send_ok(s);
        break;
    case REPLY_TEXT:
        send_frame(s, NSQ_FRAME_RESPONSE, buf_span(&s->v2->text), span_make(NULL, 0));
        break;
    case REPLY_UPGRADE:
        send_frame(s, NSQ_FRAME_RESPONSE, buf_span(&s->v2->text), span_make(NULL, 0));
        begin_upgrade(s);
        break;
    case REPLY_ERROR:
        send_error(s, reply.code);
        fatal = nsq_error_is_fatal(reply.code);
        break;
    case REPLY_PENDING:
        wait_for_answer(s);
        break;
    }
    buf_drop(&s->v2->text, s->v2->text.n);
    if (fatal) {
        end(s, true);
    }
    return !fatal;
}

/* Says what a step came to: mostly nothing, without a text. False when that ended the session. */
static bool say(struct session *s, struct reply reply)
{
    return reply.kind == REPLY_NONE || say_something(s, reply);
}

/* A command has ended: what it made possible is delivered before the next one is looked at. */
static void command_ended(struct session *s, int64_t now)
{
    v2_pump(s->v2, now);
    await_line(s, now);
}

/* TLS's handshake has ended. What went wrong is said in clear. */
static void on_upgraded(void *service, void *session, struct span why, int64_t now)
{
    struct session *s = session;
    (void)service;
    if (why.n > 0) {
        text_append(&s->v2->text, "IDENTIFY failed ");
        buf_append(&s->v2->text, why);
        say(s, (struct reply){REPLY_ERROR, NSQ_E_IDENTIFY_FAILED});
        return;
    }
    s->tls = true;
    send_ok(s);
    compress(s);
    await_line(s, now);
}

/* --- authorization ---------------------------------------------------------------------------- */

/* The address of a client that came by IP, without its port; others have none. */
static struct span remote_ip(const struct session *s)
{
    struct span peer = conn_peer(s->conn);
    size_t colon = 0;
    for (size_t i = 0; i < peer.n; i++) {
        colon = peer.p[i] == ':' ? i : colon;
    }
    struct span host = span_first(peer, colon);
    if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']') {
        host = span_make(host.p + 1, host.n - 2);
    }
    bool numeric = true;
    for (size_t i = 0; i < host.n; i++) {
        numeric = numeric && memchr("0123456789abcdef.:", host.p[i], 18) != NULL;
    }
    return numeric ? host : span_make(NULL, 0);
}

void session_ask_auth(struct session *s, int64_t now)
{
    const struct auth_client client = {.remote_ip = remote_ip(s),
                                       .common_name = conn_peer_name(s->conn),
                                       .secret = body_span(s->secret),
                                       .tls = s->tls};
    s->query = auth_ask(s->v2->auth, &client, s, now);
}

bool session_take_auth(struct session *s, int64_t now)
{
    struct buf why = {0};
    struct auth_state *state = auth_take(s->query, &why);
    s->query = NULL;
    if (state != NULL && !budget_has_room(budget_of(s), BUDGET_CLIENT, state->cost)) {
        text_append(&why, "no room for what was granted");
        auth_state_free(state);
        state = NULL;
    }
    if (state == NULL) {
        log_say(s->v2->log, LOG_WARNING, "PROTOCOL(V2): [%] AUTH failed %",
                s->conn == NULL ? SPAN("gone") : conn_peer(s->conn), buf_span(&why));
    } else {
        forget_grants(s);
        s->granted = state;
        budget_charge(budget_of(s), state->cost);
        /* As nsqd: 64 bits that wrap, so that what wraps has expired at once. */
        int64_t ttl = (int64_t)((uint64_t)state->ttl * (uint64_t)TIME_SECOND);
        s->expires = time_after(now, ttl);
    }
    buf_free(&why);
    return state != NULL;
}

/* --- input ------------------------------------------------------------------------------------ */

static void on_item(struct session *s, const struct nsq_item *item, int64_t now)
{
    struct reply reply = item->stage == NSQ_STAGE_LINE ? command_line(s, &item->command, now)
                                                       : command_stage(s, item, now);
    if (say(s, reply) && item->last && !session_is_pending(s)) {
        command_ended(s, now);
    }
}

static void on_bad(struct session *s, const struct nsq_item *item)
{
    if (item->bad == NSQ_BAD_LINE_TOO_LONG) {
        log_say(s->v2->log, LOG_ERROR, "client(%) - failed to read command - line too long",
                conn_peer(s->conn));
        end(s, true);
    } else {
        say(s, command_bad(s, item));
    }
}

/* Parses one item at the start of `in`. Returns the bytes it took; 0: more are needed. */
static size_t take_item(struct session *s, struct span in, int64_t now)
{
    struct nsq_item item;
    switch (nsq_command_parse(&s->place, &s->v2->config.limits, in, &item)) {
    case NSQ_OK:
        on_item(s, &item, now);
        return item.consumed;
    case NSQ_BAD:
        on_bad(s, &item);
        return in.n;
    default:
        return 0;
    }
}

/* How much of `in` belongs behind what is in hand: to the end of the line, or of the number. */
static size_t missing(const struct session *s, struct span in)
{
    if (s->place.stage != NSQ_STAGE_LINE) {
        return span_first(in, NSQ_SIZE_SIZE - s->hand.n).n;
    }
    struct span window = span_first(in, s->v2->config.limits.max_line - s->hand.n);
    const uint8_t *newline = memchr(window.p, '\n', window.n);
    return newline == NULL ? window.n : (size_t)(newline - window.p) + 1;
}

/* Lines and numbers must be in one piece: a piece that came alone is kept in hand. */
static size_t take_pieces(struct session *s, struct span in, int64_t now)
{
    size_t n = missing(s, in);
    buf_append(&s->hand, span_first(in, n));
    struct buf hand = s->hand; /* the item points into it while the session may end */
    s->hand = (struct buf){0};
    charge_hand(s); /* before it is carried out, or cuts would decide what there is room for */
    if (take_item(s, buf_span(&hand), now) == 0) {
        s->hand = hand;
        charge_hand(s);
    } else {
        buf_free(&hand);
    }
    return n;
}

static size_t on_recv(void *service, void *session, struct span in, int64_t now)
{
    struct session *s = session;
    (void)service;
    size_t consumed = 0;
    v2_pump(s->v2, now); /* what may leave since output was sent is older than this input */
    while (consumed < in.n && conn_may_read(s->conn)) {
        struct span rest = span_skip(in, consumed);
        size_t n = s->hand.n == 0 ? take_item(s, rest, now) : take_pieces(s, rest, now);
        if (n == 0) {
            buf_append(&s->hand, rest);
            charge_hand(s);
            n = rest.n;
        }
        consumed += n;
    }
    return consumed;
}

/* Between commands an end is clean; inside a line it is too, and the line is dropped. */
static void end_of_input(struct session *s)
{
    if (s->place.stage == NSQ_STAGE_LINE) {
        end(s, false);
    } else {
        say(s, command_cut_off(s));
    }
}

static void on_eof(void *service, void *session, int64_t now)
{
    struct session *s = session;
    (void)service;
    (void)now;
    s->eof = true;
    if (!session_is_pending(s)) {
        end_of_input(s);
    }
}

/* --- time ------------------------------------------------------------------------------------- */

static void read_timed_out(struct session *s, int64_t now)
{
    if (!conn_may_read(s->conn)) {
        await_line(s, now); /* it is us who do not read */
    } else if (s->place.stage == NSQ_STAGE_LINE) {
        log_say(s->v2->log, LOG_ERROR, "client(%) - failed to read command - i/o timeout",
                conn_peer(s->conn));
        end(s, true);
    } else {
        say(s, command_cut_off(s));
    }
}

/* None goes into full output: it would pile up where nothing ends the connection, and a client that
 * has so much to read needs no sign of life. Ticks that were missed are not made up for. */
static void heartbeat(struct session *s, int64_t now)
{
    if (!conn_is_full(s->conn)) {
        send_frame(s, NSQ_FRAME_RESPONSE, SPAN("_heartbeat_"), span_make(NULL, 0));
    }
    int64_t missed = (now - s->next_heartbeat) / s->heartbeat_every;
    s->next_heartbeat = time_after(s->next_heartbeat, (missed + 1) * s->heartbeat_every);
}

static void on_due(void *service, void *session, int64_t now)
{
    struct session *s = session;
    (void)service;
    if (now >= s->read_deadline) {
        read_timed_out(s, now);
        return;
    }
    if (now >= heartbeat_due(s)) {
        heartbeat(s, now);
    }
    set_due(s);
}

/* --- the connection --------------------------------------------------------------------------- */

static void *on_open(void *service, struct conn *conn, int64_t now)
{
    struct v2 *v2 = service;
    struct session *s = alloc_zeroed(sizeof *s);
    s->v2 = v2;
    s->conn = conn;
    s->state = SESSION_INIT;
    s->connected = now + v2->wall_offset;
    s->heartbeat_interval = v2->config.heartbeat_interval;
    s->msg_timeout = v2->config.msg_timeout;
    s->output_buffer_timeout = v2->config.output_buffer_timeout;
    s->output_buffer_size = DEFAULT_BUFFER_SIZE;
    s->consumer.owner = s;
    list_init(&s->waiting);
    budget_charge(budget_of(s), SESSION_COST);
    conn_set_write_timeout(conn, s->heartbeat_interval);
    session_take_settings(s, now);
    await_line(s, now);
    return s;
}

static void on_drained(void *service, void *session)
{
    struct session *s = session;
    (void)service;
    /* While the output was full it was us who did not read: that time does not count. */
    s->read_deadline = time_after(s->read_deadline, s->v2->serve->now - s->conn->full_since);
    set_due(s);
    if (s->consumer.channel != NULL) {
        consumer_set_blocked(&s->consumer, false);
    }
}

/* A command that is pending was whole when the client left, so it is still carried out. */
static void on_closed(void *service, void *session)
{
    struct session *s = session;
    (void)service;
    leave(s);
    s->conn = NULL;
    if (!session_is_pending(s) || !command_outlives_client(s)) {
        free_session(s);
    }
}

const struct protocol v2_protocol = {
    .magic = SPAN_LITERAL(NSQ_MAGIC_V2),
    .open = on_open,
    .recv = on_recv,
    .eof = on_eof,
    .due = on_due,
    .upgraded = on_upgraded,
    .drained = on_drained,
    .closed = on_closed,
};

struct span v2_bad_magic(void)
{
    return SPAN("\0\0\0\x12\0\0\0\x01"
                "E_BAD_PROTOCOL");
}

/* --- the service ------------------------------------------------------------------------------ */

void v2_init(struct v2 *v2, const struct v2_config *config, struct serve *serve,
             struct broker *broker, struct auth *auth, struct log *log)
{
    *v2 =
        (struct v2){.config = *config, .serve = serve, .broker = broker, .auth = auth, .log = log};
    list_init(&v2->to_ask);
    list_init(&v2->asked);
    list_init(&v2->authorizing);
}

static void free_orphans(struct list *waiting)
{
    while (!list_empty(waiting)) {
        free_session(container_of(waiting->next, struct session, waiting));
    }
}

void v2_free(struct v2 *v2)
{
    free_orphans(&v2->to_ask);
    free_orphans(&v2->asked);
    free_orphans(&v2->authorizing);
    buf_free(&v2->text);
}

uint64_t v2_next_ticket(struct v2 *v2)
{
    if (list_empty(&v2->to_ask)) {
        return 0;
    }
    struct session *s = container_of(v2->to_ask.next, struct session, waiting);
    list_remove(&s->waiting);
    list_push(&v2->asked, &s->waiting);
    return s->ticket;
}

/* Answers mostly come in the order of the asks, so the search is short. */
static struct session *find_asked(const struct v2 *v2, uint64_t ticket)
{
    for (struct list *l = v2->asked.next; l != &v2->asked; l = l->next) {
        struct session *s = container_of(l, struct session, waiting);
        if (s->ticket == ticket) {
            return s;
        }
    }
    return NULL;
}

/* A pending command has come to this; it may be pending again. */
static void go_on(struct session *s, struct reply reply, int64_t now)
{
    struct v2 *v2 = s->v2;
    if (s->conn == NULL && reply.kind == REPLY_PENDING) {
        wait_for_answer(s);
        return;
    }
    if (s->conn == NULL) {
        buf_drop(&v2->text, v2->text.n);
        free_session(s);
        v2_pump(v2, now);
        return;
    }
    conn_hold(s->conn, false);
    if (say(s, reply) && !session_is_pending(s) && s->place.stage == NSQ_STAGE_LINE) {
        command_ended(s, now);
    }
    if (s->eof && !s->ended && !session_is_pending(s)) {
        end_of_input(s);
    }
}

void v2_answer(struct v2 *v2, uint64_t ticket, enum ask_result result, int64_t now)
{
    struct session *s = find_asked(v2, ticket);
    if (s == NULL) {
        return;
    }
    list_remove(&s->waiting);
    s->ticket = 0;
    go_on(s, command_complete(s, result, now), now);
}

bool v2_authorized(struct v2 *v2, int64_t now)
{
    struct auth_query *query = auth_next_done(v2->auth, now);
    if (query == NULL) {
        return false;
    }
    struct session *s = auth_owner(query);
    list_remove(&s->waiting);
    go_on(s, command_authorized(s, now), now);
    return true;
}

void session_count_published(struct session *s, uint64_t count)
{
    struct span name = name_span(&s->topic);
    unsigned hash = (unsigned)hash_bytes(&s->v2->broker->core.config.seed, name);
    struct pub_count *p = NULL;
    HASH_FIND_BYHASHVALUE(hh, s->pub_counts, name.p, name.n, hash, p);
    if (p == NULL) {
        p = alloc_zeroed(sizeof *p);
        p->topic = s->topic;
        HASH_ADD_KEYPTR_BYHASHVALUE(hh, s->pub_counts, p->topic.bytes, p->topic.n, hash, p);
        budget_charge(budget_of(s), PUB_COUNT_COST);
    }
    p->count += count;
}
