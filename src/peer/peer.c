/* SPDX-License-Identifier: MIT */
/*
 * A peer is a protocol on a connection that this side opens. The log lines are those of nsqd. Must
 * not know what is told next.
 */
#include "peer/peer.h"

#include <nsq/magic.h>

#include "base/alloc.h"
#include "base/text.h"

static const struct protocol peer_protocol;

/* --- log lines -------------------------------------------------------------------------------- */

static struct span address_of(const struct peer *peer)
{
    return buf_span(&peer->address);
}

/* Appends the line of a command without its end. */
static void show_command(const struct peer_command *command, struct buf *out)
{
    struct span channel = name_span(&command->channel);
    buf_append(out, nsq_lookup_name(command->id));
    if (command->topic.n > 0) {
        text_append(out, " ");
        buf_append(out, name_span(&command->topic));
    }
    if (channel.n > 0) {
        text_append(out, " ");
        buf_append(out, channel);
    }
}

static void log_command(const struct peer *peer, const struct peer_command *command)
{
    struct log *log = peer->context->log;
    struct buf text = {0};
    show_command(command, &text);
    if (command->id == NSQ_LOOKUP_PING) {
        log_say(log, LOG_DEBUG, "LOOKUPD(%): sending heartbeat", address_of(peer));
    } else if (command->is_change) {
        log_say(log, LOG_INFO, "LOOKUPD(%): % %", address_of(peer),
                command->channel.n > 0 ? SPAN("channel") : SPAN("topic"), buf_span(&text));
    } else {
        log_say(log, LOG_INFO, "LOOKUPD(%): %", address_of(peer), buf_span(&text));
    }
    buf_free(&text);
}

static void log_failure(const struct peer *peer, const struct peer_command *command,
                        struct span why)
{
    struct buf text = {0};
    show_command(command, &text);
    log_say(peer->context->log, LOG_ERROR, "LOOKUPD(%): % - %", address_of(peer), buf_span(&text),
            why);
    buf_free(&text);
}

/* --- how a conversation ends ------------------------------------------------------------------ */

static void begin_reply(struct peer *peer)
{
    buf_free(&peer->reply.data);
    peer->reply = (struct peer_reply){.size_read = 0};
}

static void turn_off(struct peer *peer)
{
    if (peer->conn != NULL) {
        conn_leave(peer->conn);
        peer->conn = NULL;
    }
    peer->state = PEER_OFF;
    begin_reply(peer);
}

/* Ends the connection. What was to be told is dropped. */
static void give_up(struct peer *peer)
{
    turn_off(peer);
    peer_course_skip(&peer->course, peer->context->broker);
}

/* The connection cannot be made, or the current command has failed. */
static void fail(struct peer *peer, struct span why)
{
    static const struct peer_command identify = {.id = NSQ_LOOKUP_IDENTIFY};
    struct peer_command first;
    switch (peer->state) {
    case PEER_CONNECTING: /* nsqd does not log that the first connection has failed */
        if (peer_course_has_more(&peer->course, peer->context->broker)) {
            peer_course_first(&peer->course, peer->context->broker, &first);
            log_failure(peer, &first, why);
        }
        break;
    case PEER_IDENTIFYING:
        log_failure(peer, &identify, why);
        break;
    default:
        log_failure(peer, &peer->command, why);
    }
    give_up(peer);
}

/* The connection has ended. */
static void end(struct peer *peer, struct span why)
{
    if (peer->context->serve->stopping) {
        turn_off(peer);
    } else if (peer->state != PEER_IDLE) {
        fail(peer, why);
    } else {
        log_say(peer->context->log, LOG_INFO, "LOOKUPD(%): connection ended - %", address_of(peer),
                why);
        turn_off(peer);
    }
}

/* --- sending ---------------------------------------------------------------------------------- */

static void connect_to(struct peer *peer, int64_t now)
{
    peer->is_new = false;
    log_say(peer->context->log, LOG_INFO, "LOOKUP connecting to %", address_of(peer));
    peer->state = PEER_CONNECTING;
    peer->conn = conn_connect(peer->context->serve, address_of(peer), &peer_protocol, NULL, peer);
    if (peer->conn == NULL) {
        fail(peer, SPAN("too many connections"));
    } else {
        conn_set_due(peer->conn, time_after(now, PEER_TIMEOUT));
    }
}

/* Sends what is answered by one reply. */
static void send_bytes(struct peer *peer, struct span bytes, int64_t now)
{
    conn_pause_input(peer->conn, false);
    conn_send(peer->conn, bytes, now);
    conn_set_due(peer->conn, time_after(now, PEER_TIMEOUT));
    begin_reply(peer);
}

static void send_identify(struct peer *peer, int64_t now)
{
    struct buf body = {0};
    struct buf out = {0};
    peer_identity_append(&peer->context->identity, &body);
    size_t n = nsq_lookup_identify_encode(buf_span(&body), NULL, 0);
    text_append(&out, NSQ_MAGIC_V1);
    nsq_lookup_identify_encode(buf_span(&body), buf_room(&out, n), n);
    buf_grew(&out, n);
    peer->state = PEER_IDENTIFYING;
    send_bytes(peer, buf_span(&out), now);
    buf_free(&out);
    buf_free(&body);
}

static void send_command(struct peer *peer, int64_t now)
{
    const struct peer_command *command = &peer->command;
    uint8_t line[sizeof "UNREGISTER" + 2 * (NSQ_NAME_MAX + 1) + 1];
    size_t n = nsq_lookup_line_encode(command->id, name_span(&command->topic),
                                      name_span(&command->channel), line, sizeof line);
    log_command(peer, command);
    peer->state = PEER_WAITING;
    send_bytes(peer, span_make(line, n), now);
}

/* Sends the next command. When deletions were missed, a new connection takes the place of the
 * PING. */
static void send_next(struct peer *peer, int64_t now)
{
    bool missed = peer->course.missed;
    if (!peer_course_next(&peer->course, peer->context->broker, &peer->command)) {
        return;
    }
    if (peer->command.id == NSQ_LOOKUP_PING && missed) {
        turn_off(peer);
        peer_ping(peer);
        connect_to(peer, now);
        return;
    }
    send_command(peer, now);
}

bool peer_has_work(const struct peer *peer)
{
    bool has_more = peer_course_has_more(&peer->course, peer->context->broker);
    return (peer->state == PEER_OFF && (peer->is_new || has_more)) ||
           (peer->state == PEER_IDLE && has_more);
}

void peer_go_on(struct peer *peer, int64_t now)
{
    if (!peer_has_work(peer)) {
        return;
    }
    if (peer->state == PEER_OFF) {
        connect_to(peer, now);
    } else {
        send_next(peer, now);
    }
}

/* --- replies ---------------------------------------------------------------------------------- */

/* Returns false, and gives up, when the reply to IDENTIFY is none of an nsqlookupd. */
static bool read_info(struct peer *peer)
{
    struct log *log = peer->context->log;
    struct span reply = buf_span(&peer->reply.data);
    struct buf text = {0};
    if (span_equal(reply, SPAN("E_INVALID"))) {
        log_say(log, LOG_INFO, "LOOKUPD(%): lookupd returned %", address_of(peer), reply);
        return false;
    }
    if (!peer_info_read(&peer->info, reply)) {
        log_say(log, LOG_ERROR, "LOOKUPD(%): parsing response - %", address_of(peer), reply);
        return false;
    }
    peer_info_show(&peer->info, &text);
    log_say(log, LOG_INFO, "LOOKUPD(%): peer info %", address_of(peer), buf_span(&text));
    buf_free(&text);
    if (peer->info.broadcast_address.n == 0) {
        log_say(log, LOG_ERROR, "LOOKUPD(%): no broadcast address", address_of(peer));
    }
    return true;
}

static void replied(struct peer *peer, int64_t now)
{
    if (peer->state == PEER_IDENTIFYING) {
        if (!read_info(peer)) {
            give_up(peer);
            return;
        }
        peer_course_begin(&peer->course, peer->context->broker);
    }
    begin_reply(peer);
    peer->state = PEER_IDLE;
    conn_set_due(peer->conn, TIME_NEVER);
    peer_go_on(peer, now);
}

/* Returns false, and gives up, when the size of the reply is negative or too large. */
static bool check_size(struct peer *peer)
{
    int64_t size = (int32_t)be32_load(peer->reply.size);
    int64_t most = peer->context->max_reply;
    if (peer->state == PEER_IDENTIFYING && most > PEER_INFO_MAX) {
        most = PEER_INFO_MAX;
    }
    if (size >= 0 && size <= most) {
        peer->reply.left = (size_t)size;
        return true;
    }
    struct buf why = {0};
    text_append(&why, "response body size (");
    text_append_decimal(&why, size);
    text_append(&why, ") is negative or greater than limit (");
    text_append_decimal(&why, most);
    text_append(&why, ")");
    fail(peer, buf_span(&why));
    buf_free(&why);
    return false;
}

/* Takes bytes of the current reply. Returns how many. */
static size_t take(struct peer *peer, struct span in, int64_t now)
{
    struct peer_reply *reply = &peer->reply;
    size_t taken = 0;
    bool knew_size = reply->size_read == sizeof reply->size;
    while (reply->size_read < sizeof reply->size && taken < in.n) {
        reply->size[reply->size_read++] = in.p[taken++];
    }
    if (reply->size_read < sizeof reply->size || (!knew_size && !check_size(peer))) {
        return taken;
    }
    struct span data = span_first(span_skip(in, taken), reply->left);
    if (peer->state == PEER_IDENTIFYING) {
        buf_append(&reply->data, data);
    }
    reply->left -= data.n;
    if (reply->left == 0) {
        replied(peer, now);
    }
    return taken + data.n;
}

/* --- what serve calls ------------------------------------------------------------------------- */

static void on_connected(void *service, void *session, struct span why, int64_t now)
{
    struct peer *peer = session;
    (void)service;
    if (why.n > 0) {
        peer->conn = NULL;
        fail(peer, why);
        return;
    }
    conn_set_write_timeout(peer->conn, PEER_TIMEOUT, now);
    send_identify(peer, now);
}

/* Bytes that nobody has asked for wait, as in nsqd. They are the reply to the next command. */
static size_t on_recv(void *service, void *session, struct span in, int64_t now)
{
    struct peer *peer = session;
    (void)service;
    if (peer->state == PEER_IDLE) {
        conn_pause_input(peer->conn, true);
        return 0;
    }
    conn_set_due(peer->conn, time_after(now, PEER_TIMEOUT));
    return take(peer, in, now);
}

static void on_eof(void *service, void *session, int64_t now)
{
    (void)service;
    (void)now;
    end(session, SPAN("EOF"));
}

static void on_due(void *service, void *session, int64_t now)
{
    (void)service;
    (void)now;
    fail(session, SPAN("i/o timeout"));
}

static void on_closed(void *service, void *session, int64_t now)
{
    struct peer *peer = session;
    (void)service;
    (void)now;
    peer->conn = NULL;
    end(peer, SPAN("connection lost"));
}

static const struct protocol peer_protocol = {
    .connected = on_connected,
    .recv = on_recv,
    .eof = on_eof,
    .due = on_due,
    .closed = on_closed,
};

/* --- for the owner ---------------------------------------------------------------------------- */

struct peer *peer_new(const struct peer_context *context, struct span address)
{
    struct peer *peer = alloc_zeroed(sizeof *peer);
    peer->context = context;
    peer->is_new = true;
    peer_course_skip(&peer->course, context->broker);
    buf_append(&peer->address, address);
    /* the reply as it arrives, and what was read from it and from an earlier one */
    peer->cost = sizeof *peer + 2 * PEER_INFO_MAX + PEER_INFO_COST(PEER_INFO_MAX) + address.n;
    budget_charge(&context->broker->core.budget, peer->cost);
    return peer;
}

void peer_free(struct peer *peer)
{
    turn_off(peer);
    budget_release(&peer->context->broker->core.budget, peer->cost);
    peer_info_free(&peer->info);
    buf_free(&peer->address);
    alloc_free(peer);
}
