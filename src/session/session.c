/* SPDX-License-Identifier: MIT */
/*
 * One client's conversation: its input, its deadlines, its beginning and its end. Must not know
 * what commands do (commands.c), nor how replies and messages are sent (session_output.c).
 */
#include "session/session.h"

#include <assert.h>

#include "base/text.h"
#include "session/commands.h"
#include "session/settings.h"

#define DEFAULT_BUFFER_SIZE 16384 /* bytes; what nsqd reports as output_buffer_size */
/* The least time between two deliveries of a message: nsqd looks for timeouts every 100 ms only,
 * and
 * --msg-timeout may be 0 or less. */
#define LEAST_DELIVERY_NS (100 * TIME_MS)
/* Heartbeats are sent at multiples of this, in ns, so each is late by up to this much. Many
 * clients' heartbeats then leave together: for ten thousand clients that connected one after the
 * other the server wakes up 20 times a second instead of once for each. Intervals shorter than
 * HEARTBEAT_EXACT are kept exactly, because the grid would be a large part of them. */
#define HEARTBEAT_GRID (50 * TIME_MS)
#define HEARTBEAT_EXACT TIME_SECOND
#define SESSION_COST (sizeof(struct session) + sizeof(struct conn) + 2 * ALLOC_OVERHEAD)
#define PUB_COUNT_COST (sizeof(struct pub_count) + ALLOC_OVERHEAD)

/* --- a line or size that has arrived in part ------------------------------------------------- */

/* Charges the memory budget for it; to be called whenever it has changed. A line has at most 16
 * KiB, but thousands of connections may each have begun one. */
static void charge_partial(struct session *s)
{
    size_t cost = s->partial.cap == 0 ? 0 : s->partial.cap + ALLOC_OVERHEAD;
    budget_release(session_budget(s), s->partial_cost);
    budget_charge(session_budget(s), cost);
    s->partial_cost = cost;
}

static void drop_partial(struct session *s)
{
    buf_free(&s->partial);
    charge_partial(s);
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

/* A client has two heartbeat intervals for a command. As in nsqd they begin when a line is awaited,
 * and are not renewed in a body. */
void session_await_line(struct session *s, int64_t now)
{
    int64_t one_interval = time_after(now, s->heartbeat_interval);
    s->read_deadline =
        s->heartbeat_interval > 0 ? time_after(one_interval, s->heartbeat_interval) : TIME_NEVER;
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

/* With linger: input may be left unread. */
void session_end(struct session *s, bool linger, int64_t now)
{
    leave(s);
    session_drop_query(s);
    command_drop(s);
    drop_partial(s);
    if (s->owed.first == NULL) {
        conn_finish(s->conn, linger, now);
        return;
    }
    s->linger = linger;
    s->read_deadline = TIME_NEVER;
    s->next_heartbeat = TIME_NEVER;
    set_due(s);
    session_pause_or_resume(s);
}

void session_free(struct session *s)
{
    struct pub_count *p;
    struct pub_count *next;
    HASH_ITER(hh, s->pub_counts, p, next)
    {
        HASH_DELETE(hh, s->pub_counts, p);
        alloc_free(p);
        budget_release(session_budget(s), PUB_COUNT_COST);
    }
    settings_forget_identity(s);
    command_drop(s);
    drop_partial(s);
    session_forget_auth(s);
    budget_release(session_budget(s), SESSION_COST + s->codec_cost);
    alloc_free(s);
}

/* --- input ------------------------------------------------------------------------------------ */

/* A command has ended. What can be delivered because of it is delivered before the next one is
 * parsed. */
static void command_ended(struct session *s, int64_t now)
{
    v2_pump(s->v2, now);
    session_await_line(s, now);
}

static void on_item(struct session *s, const struct nsq_item *item, int64_t now)
{
    struct reply reply = item->stage == NSQ_STAGE_LINE ? command_line(s, &item->command, now)
                                                       : command_stage(s, item, now);
    if (session_reply(s, reply, now) && item->last && !session_is_held(s)) {
        command_ended(s, now);
    }
    if (s->owed.first != NULL) {
        session_pause_or_resume(s); /* this may be an IDENTIFY */
    }
}

static void on_bad(struct session *s, const struct nsq_item *item, int64_t now)
{
    if (item->bad == NSQ_BAD_LINE_TOO_LONG) {
        log_say(s->v2->log, LOG_ERROR, "client(%) - failed to read command - line too long",
                conn_peer(s->conn));
        session_end(s, true, now);
    } else {
        session_reply(s, command_bad(s, item), now);
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
        on_bad(s, &item, now);
        return in.n;
    default:
        return 0;
    }
}

/* How much of `in` belongs to what has arrived in part: up to the end of the line or number. */
static size_t missing(const struct session *s, struct span in)
{
    if (s->place.stage != NSQ_STAGE_LINE) {
        return span_first(in, NSQ_SIZE_SIZE - s->partial.n).n;
    }
    struct span window = span_first(in, s->v2->config.limits.max_line - s->partial.n);
    const uint8_t *newline = memchr(window.p, '\n', window.n);
    return newline == NULL ? window.n : (size_t)(newline - window.p) + 1;
}

/* The parser takes lines and numbers in one piece, so what arrives in part is kept. */
static size_t take_pieces(struct session *s, struct span in, int64_t now)
{
    size_t n = missing(s, in);
    buf_append(&s->partial, span_first(in, n));
    struct buf partial = s->partial; /* the item points into it while the session may end */
    s->partial = (struct buf){0};
    charge_partial(s); /* before it is carried out, or cuts would decide what there is room for */
    if (take_item(s, buf_span(&partial), now) == 0) {
        s->partial = partial;
        charge_partial(s);
    } else {
        buf_free(&partial);
    }
    return n;
}

size_t session_on_recv(void *service, void *session, struct span in, int64_t now)
{
    struct session *s = session;
    (void)service;
    size_t consumed = 0;
    v2_pump(s->v2, now); /* output was sent: the messages that it held up come before this input */
    while (consumed < in.n && conn_may_read(s->conn)) {
        struct span rest = span_skip(in, consumed);
        size_t n = s->partial.n == 0 ? take_item(s, rest, now) : take_pieces(s, rest, now);
        if (n == 0) {
            buf_append(&s->partial, rest);
            charge_partial(s);
            n = rest.n;
        }
        consumed += n;
    }
    return consumed;
}

/* An end between commands is no error, nor is one inside a line, which is then dropped. An end
 * inside a body is an error. */
static void end_of_input(struct session *s, int64_t now)
{
    if (s->place.stage == NSQ_STAGE_LINE) {
        session_end(s, false, now);
    } else {
        session_reply(s, command_cut_off(s), now);
    }
}

void session_on_eof(void *service, void *session, int64_t now)
{
    struct session *s = session;
    (void)service;
    s->eof = true;
    if (!session_is_held(s) && !s->ended) {
        end_of_input(s, now);
    }
}

/* --- time ------------------------------------------------------------------------------------- */

static void read_timed_out(struct session *s, int64_t now)
{
    if (!conn_may_read(s->conn) || s->owed.first != NULL) {
        session_await_line(s, now); /* the client is not late: it waits for us */
    } else if (s->place.stage == NSQ_STAGE_LINE) {
        log_say(s->v2->log, LOG_ERROR, "client(%) - failed to read command - i/o timeout",
                conn_peer(s->conn));
        session_end(s, true, now);
    } else {
        session_reply(s, command_cut_off(s), now);
    }
}

/* No heartbeat is added to full output: heartbeats would pile up as long as nothing ends the
 * connection, and a client with so much to read needs no sign of life. Heartbeats that were missed
 * are not sent later. */
static void heartbeat(struct session *s, int64_t now)
{
    if (!conn_is_full(s->conn)) {
        session_send(s, NSQ_FRAME_RESPONSE, SPAN("_heartbeat_"), now);
    }
    int64_t missed = (now - s->next_heartbeat) / s->heartbeat_every;
    s->next_heartbeat = time_after(s->next_heartbeat, (missed + 1) * s->heartbeat_every);
}

void session_on_due(void *service, void *session, int64_t now)
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

void *session_on_open(void *service, struct conn *conn, int64_t now)
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
    budget_charge(session_budget(s), SESSION_COST);
    conn_set_write_timeout(conn, s->heartbeat_interval, now);
    session_take_settings(s, now);
    session_await_line(s, now);
    return s;
}

void session_on_drained(void *service, void *session, int64_t now)
{
    struct session *s = session;
    (void)service;
    /* While the output was full we did not read, so that time does not count for the client. */
    s->read_deadline = time_after(s->read_deadline, now - s->conn->full_since);
    set_due(s);
    session_update_blocked(s);
}

/* What was posted was whole when the client left, so it is still published; nobody is told. A
 * publish that still waits for an authorization was whole too. */
void session_on_closed(void *service, void *session, int64_t now)
{
    struct session *s = session;
    (void)service;
    (void)now;
    leave(s);
    owed_clear(&s->owed, s->v2->tickets, session_budget(s));
    s->conn = NULL;
    if (!session_is_held(s) || !command_outlives_client(s)) {
        session_free(s);
    }
}

/* --- commands that wait ----------------------------------------------------------------------- */

void session_wait(struct session *s)
{
    list_push(&s->v2->authorizing, &s->waiting);
    session_pause_or_resume(s);
}

/* IDENTIFY holds the input while replies are owed before it: it may enable a codec, whose bytes
 * must not begin before those replies have left. */
static bool wants_no_input(const struct session *s)
{
    bool in_identify = s->place.id == NSQ_IDENTIFY && s->place.stage != NSQ_STAGE_LINE;
    return s->ended || session_is_held(s) || s->owed.n >= s->v2->config.max_owed_replies ||
           (in_identify && s->owed.first != NULL);
}

void session_pause_or_resume(struct session *s)
{
    bool pause = wants_no_input(s);
    if (pause != s->conn->input_paused) {
        conn_pause_input(s->conn, pause);
    }
}

void session_resume_command(struct session *s, struct reply reply, int64_t now)
{
    struct v2 *v2 = s->v2;
    if (s->conn == NULL) {
        reply_free(&reply);
        session_free(s);
        v2_pump(v2, now);
        return;
    }
    session_pause_or_resume(s);
    if (session_reply(s, reply, now) && s->place.stage == NSQ_STAGE_LINE) {
        command_ended(s, now);
    }
    if (s->eof && !s->ended) {
        end_of_input(s, now);
    }
}

void session_count_published(struct session *s, uint64_t count)
{
    struct span name = name_span(&s->publish.topic);
    if (s->last_count != NULL && span_equal(name, name_span(&s->last_count->topic))) {
        s->last_count->count += count;
        return;
    }
    unsigned hash = (unsigned)hash_bytes(&s->v2->broker->core.config.seed, name);
    struct pub_count *p = NULL;
    HASH_FIND_BYHASHVALUE(hh, s->pub_counts, name.p, name.n, hash, p);
    if (p == NULL) {
        p = alloc_zeroed(sizeof *p);
        p->topic = s->publish.topic;
        HASH_ADD_KEYPTR_BYHASHVALUE(hh, s->pub_counts, p->topic.bytes, p->topic.n, hash, p);
        budget_charge(session_budget(s), PUB_COUNT_COST);
    }
    p->count += count;
    s->last_count = p;
}
