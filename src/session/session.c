/* SPDX-License-Identifier: MIT */
/*
 * Opens and ends a session, and handles its input and its deadlines. Must not know the actions of
 * the commands (commands.c), nor how replies and messages are sent (session_output.c).
 */
#include "session/session.h"

#include <assert.h>

#include "base/text.h"
#include "session/commands.h"
#include "session/settings.h"

#define DEFAULT_BUFFER_SIZE 16384 /* bytes; nsqd reports this value as output_buffer_size */
/* ns; the minimum time between two deliveries of a message. It is needed because --msg-timeout may
 * be 0 or less. nsqd checks for timeouts only every 100 ms. */
#define LEAST_DELIVERY_NS (100 * TIME_MS)
/* ns. Heartbeats are sent at multiples of HEARTBEAT_GRID, so a heartbeat is late by at most this
 * time. The heartbeats of many clients are then sent together. With ten thousand clients the server
 * wakes up 20 times a second, and not once for each heartbeat. Intervals shorter than
 * HEARTBEAT_EXACT are kept exactly, because the delay would be a large part of such an interval. */
#define HEARTBEAT_GRID (50 * TIME_MS)
#define HEARTBEAT_EXACT TIME_SECOND
#define SESSION_COST                                                                               \
    (sizeof(struct session) + sizeof(struct conn) + 2 * ALLOC_OVERHEAD + SUBSCRIPTION_COST)
/* Bytes. While connections hold more than their share of memory, a longer line must arrive in one
 * piece. No line that is longer than this is useful: names have at most 64 bytes. */
#define PARTIAL_LITTLE 2048
/* How many topics a session counts its messages for. Without this bound, the end of a client that
 * has published to many topics would take long, because the counts are freed one by one. */
#define PUB_COUNTS_MAX 4096
#define PUB_COUNT_COST (sizeof(struct pub_count) + ALLOC_OVERHEAD)

/* --- a line or size that has arrived in part ------------------------------------------------- */

/* Notes in the memory budget how much memory s->partial holds. To be called after every change of
 * s->partial. A line has at most 16 KiB, but thousands of clients may each have sent a part of a
 * line. */
static void charge_partial(struct session *s)
{
    size_t cost = s->partial.cap == 0 ? 0 : s->partial.cap + ALLOC_OVERHEAD;
    budget_hold(session_budget(s), s->partial_cost, cost);
    s->partial_cost = cost;
}

static void drop_partial(struct session *s)
{
    buf_free(&s->partial);
    charge_partial(s);
}

/* --- deadlines -------------------------------------------------------------------------------- */

/* Returns when the next heartbeat is sent. This time may be later than next_heartbeat, which always
 * grows by exact intervals. */
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

/* A client has two heartbeat intervals to send a command with its body. As in nsqd, this time
 * begins when the server starts to wait for the line. The body gets no additional time. */
void session_await_line(struct session *s, int64_t now)
{
    int64_t one_interval = time_after(now, s->heartbeat_interval);
    s->read_deadline =
        s->heartbeat_interval > 0 ? time_after(one_interval, s->heartbeat_interval) : TIME_NEVER;
    set_due(s);
}

/* Called when the session is opened, and for the first IDENTIFY only. So a delivery uses the
 * msg_timeout of the first IDENTIFY. TOUCH uses s->msg_timeout, which every IDENTIFY sets. */
void session_take_settings(struct session *s, int64_t now)
{
    s->consumer.msg_timeout =
        s->msg_timeout < LEAST_DELIVERY_NS ? LEAST_DELIVERY_NS : s->msg_timeout;
    s->consumer.sample_rate = s->sample_rate;
    s->heartbeat_every = s->heartbeat_interval;
    s->next_heartbeat = s->heartbeat_every > 0 ? time_after(now, s->heartbeat_every) : TIME_NEVER;
}

/* --- the end of a session --------------------------------------------------------------------- */

/* Stops parsing and unsubscribes the client, so that nothing more is delivered. */
static void leave(struct session *s)
{
    if (!s->ended) {
        s->ended = true;
        list_remove(&s->finishing);
        log_say(s->v2->log, LOG_INFO, "PROTOCOL(V2): [%] exiting ioloop", conn_peer(s->conn));
        broker_unsubscribe(s->v2->broker, &s->consumer);
    }
}

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

/* Called when a command has ended. Messages that can be delivered because of this command are
 * delivered before the next command is parsed. */
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
        session_pause_or_resume(s); /* the current command may be an IDENTIFY */
    }
}

static void on_long_line(struct session *s, int64_t now)
{
    log_say(s->v2->log, LOG_ERROR, "client(%) - failed to read command - line too long",
            conn_peer(s->conn));
    session_end(s, true, now);
}

static void on_bad(struct session *s, const struct nsq_item *item, int64_t now)
{
    if (item->bad == NSQ_BAD_LINE_TOO_LONG) {
        on_long_line(s, now);
    } else {
        session_reply(s, command_bad(s, item), now);
    }
}

/* Returns the effort that an item needs, in units. part_identify adds what JSON needs. */
static size_t effort_of(const struct nsq_item *item)
{
    bool executes = item->stage == NSQ_STAGE_LINE || item->last;
    return (executes ? EFFORT_COMMAND : EFFORT_PART) + item->consumed / EFFORT_BYTES;
}

/* Returns how much of `in` may be handled at a time. The body of an IDENTIFY is JSON, which is
 * parsed as it arrives. */
static struct span first_slice(const struct session *s, struct span in)
{
    bool json = s->place.stage == NSQ_STAGE_BODY && s->place.id == NSQ_IDENTIFY;
    return json ? span_first(in, IDENTIFY_SLICE) : in;
}

/* Parses one item at the start of `in` and handles it. Returns how many bytes the item has, or 0
 * when `in` has only a part of an item. */
static size_t take_item(struct session *s, struct span in, int64_t now)
{
    struct nsq_item item;
    in = first_slice(s, in);
    switch (nsq_command_parse(&s->place, &s->v2->config.limits, in, &item)) {
    case NSQ_OK:
        effort_use(&s->v2->broker->core.effort, effort_of(&item));
        on_item(s, &item, now);
        return item.consumed;
    case NSQ_BAD:
        on_bad(s, &item, now);
        return in.n;
    default:
        return 0;
    }
}

/* Returns how many bytes of `in` belong to the line or number that s->partial has a part of. */
static size_t missing(const struct session *s, struct span in)
{
    if (s->place.stage != NSQ_STAGE_LINE) {
        return span_first(in, NSQ_SIZE_SIZE - s->partial.n).n;
    }
    struct span window = span_first(in, s->v2->config.limits.max_line - s->partial.n);
    const uint8_t *newline = memchr(window.p, '\n', window.n);
    return newline == NULL ? window.n : (size_t)(newline - window.p) + 1;
}

/* Adds input to s->partial, and parses s->partial when it has a complete line or number. The parser
 * needs each line and each number in one piece. Returns how many bytes of `in` were used. */
static size_t take_pieces(struct session *s, struct span in, int64_t now)
{
    size_t n = missing(s, in);
    buf_append(&s->partial, span_first(in, n));
    /* The item points into this copy, which must exist until take_item returns. The session may end
     * before. */
    struct buf partial = s->partial;
    s->partial = (struct buf){0};
    charge_partial(s); /* early: a check for room must not depend on how input was cut */
    if (take_item(s, buf_span(&partial), now) == 0) {
        s->partial = partial;
        charge_partial(s);
    } else {
        buf_free(&partial);
    }
    return n;
}

/* Takes one item or a part of one from the start of `in`, which is not empty. Returns how many
 * bytes were used. */
static size_t take_some(struct session *s, struct span in, int64_t now)
{
    size_t n = s->partial.n == 0 ? take_item(s, in, now) : take_pieces(s, in, now);
    if (n == 0) {
        buf_append(&s->partial, in);
        charge_partial(s);
        n = in.n;
    }
    if (s->partial.n > PARTIAL_LITTLE && budget_share_is_passed(session_budget(s))) {
        on_long_line(s, now);
    }
    return n;
}

/* A command is parsed only after the work of the session's earlier commands is done. So the bytes
 * that a client receives do not depend on the allowance of a call. When the allowance is used up,
 * the rest of the input is offered again. */
size_t session_on_recv(void *service, void *session, struct span in, int64_t now)
{
    struct session *s = session;
    struct v2 *v2 = service;
    struct broker_core *core = &v2->broker->core;
    size_t consumed = 0;
    /* Messages that waited for output are sent before input is parsed. They get their own share of
     * effort, so that other clients' messages never use up the effort of this client. */
    effort_allow_input(&core->effort, core->effort_a_share);
    v2_pump(v2, now);
    effort_allow_input(&core->effort, core->config.effort_a_call);
    while (consumed < in.n && conn_may_read(s->conn) &&
           (!session_has_own_work(s) || session_do_own_work(s, now)) &&
           effort_is_left(&core->effort)) {
        consumed += take_some(s, span_skip(in, consumed), now);
    }
    return consumed;
}

/* Called when the client has closed its side. This is an error inside a body only. A line that has
 * arrived in part is dropped without an error. */
static void end_of_input(struct session *s, int64_t now)
{
    if (s->place.stage == NSQ_STAGE_LINE) {
        session_end(s, false, now);
    } else {
        session_reply(s, command_cut_off(s), now);
    }
}

void session_finish_input(struct session *s, int64_t now)
{
    list_remove(&s->finishing);
    if (s->ended) {
        return;
    }
    if (session_do_own_work(s, now)) {
        end_of_input(s, now);
    } else {
        list_push(&s->v2->finishing, &s->finishing);
    }
}

void session_on_eof(void *service, void *session, int64_t now)
{
    struct session *s = session;
    (void)service;
    s->eof = true;
    if (!session_is_held(s)) {
        broker_begin_call(s->v2->broker);
        session_finish_input(s, now);
    }
}

/* --- time ------------------------------------------------------------------------------------- */

static void read_timed_out(struct session *s, int64_t now)
{
    if (!conn_may_read(s->conn) || s->owed.first != NULL) {
        session_await_line(s, now); /* the client is not late: it waits for the server */
    } else if (s->place.stage == NSQ_STAGE_LINE) {
        log_say(s->v2->log, LOG_ERROR, "client(%) - failed to read command - i/o timeout",
                conn_peer(s->conn));
        session_end(s, true, now);
    } else {
        session_reply(s, command_cut_off(s), now);
    }
}

/* Sends a heartbeat, unless the output is full. A client that does not read would otherwise collect
 * more and more heartbeats, and a client that has output to read needs no heartbeat. Heartbeats
 * that were not sent in time are not sent later. */
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
    list_init(&s->finishing);
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
    /* While the output was full, the server did not read. So the client gets this time in
     * addition. */
    s->read_deadline = time_after(s->read_deadline, now - s->conn->full_since);
    set_due(s);
    session_update_blocked(s);
}

/* Messages that wait for the disk are still published after the client has left; their replies are
 * dropped. A publish that is held is still published too if the auth servers allow it. */
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
    list_push(s->query != NULL ? &s->v2->authorizing : &s->v2->checking, &s->waiting);
    if (s->conn != NULL) {
        session_pause_or_resume(s);
    }
}

/* Returns whether the input must be paused. The body of an IDENTIFY is not read while replies are
 * owed. IDENTIFY may enable a codec, and the owed replies must be sent without this codec. */
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
    if (reply.kind == REPLY_HELD) {
        session_wait(s);
        return;
    }
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
    if (s->eof) {
        session_finish_input(s, now);
    }
}

void session_count_published(struct session *s, uint64_t count)
{
    struct span name = name_span(&s->publish.topic);
    s->published += count;
    if (s->last_count != NULL && span_equal(name, name_span(&s->last_count->topic))) {
        s->last_count->count += count;
        return;
    }
    unsigned hash = (unsigned)hash_bytes(&s->v2->broker->core.config.seed, name);
    struct pub_count *p = NULL;
    HASH_FIND_BYHASHVALUE(hh, s->pub_counts, name.p, name.n, hash, p);
    if (p == NULL && HASH_COUNT(s->pub_counts) >= PUB_COUNTS_MAX) {
        return;
    }
    if (p == NULL) {
        p = alloc_zeroed(sizeof *p);
        p->topic = s->publish.topic;
        HASH_ADD_KEYPTR_BYHASHVALUE(hh, s->pub_counts, p->topic.bytes, p->topic.n, hash, p);
        budget_charge(session_budget(s), PUB_COUNT_COST);
    }
    p->count += count;
    s->last_count = p;
}
