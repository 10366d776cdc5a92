/* SPDX-License-Identifier: MIT */
/*
 * The conversation with one nsqd: its input, its commands, and its end. Must not know how the input
 * is parsed, and what is registered.
 */
#include "lookup/v1.h"

#include "base/alloc.h"
#include "base/go_text.h"
#include "base/text.h"
#include "base/time.h"
#include "lookup/producer_json.h"
#include "json/writer.h"

#define SIZE_SIZE 4 /* bytes of the size of a body */
/* Bytes of a command that has arrived in part. While all connections hold more than their share of
 * the memory budget, a longer part ends the connection. */
#define PARTIAL_LITTLE 256
#define MICROSECONDS "\xc2\xb5s" /* as Go writes this unit */
#define SESSION_COST (sizeof(struct v1_session) + ALLOC_OVERHEAD)

struct v1_session {
    struct v1 *v1;
    struct conn *conn;
    bool ended;                         /* nothing more is parsed */
    bool eof;                           /* the client sends nothing more */
    struct registry_producer *producer; /* NULL before IDENTIFY, and after the end */
    struct nsq_lookup_place place;
    struct buf partial;  /* a command that has arrived in part */
    size_t partial_cost; /* this session's part of budget->held, bytes */
    bool waits;          /* the connection has a deadline for input; see set_deadline */
    struct list held;    /* in v1->held, while an UNREGISTER is not finished */
    uint8_t topic_size;  /* the parameters of this UNREGISTER */
    uint8_t channel_size;
    uint8_t topic[NSQ_NAME_MAX];
    uint8_t channel[NSQ_NAME_MAX];
};

static bool is_held(const struct v1_session *s)
{
    return !list_empty(&s->held);
}

static void charge_partial(struct v1_session *s)
{
    size_t cost = s->partial.cap;
    budget_hold(s->v1->budget, s->partial_cost, cost);
    s->partial_cost = cost;
}

/* Sets a deadline for the first IDENTIFY, and for each command that has arrived in part. Further
 * parts do not change it. */
static void set_deadline(struct v1_session *s, int64_t now)
{
    bool waits = s->producer == NULL || s->partial.n > 0;
    if (!s->ended && waits != s->waits) {
        s->waits = waits;
        conn_set_due(s->conn, waits ? time_after(now, s->v1->config.timeout) : TIME_NEVER);
    }
}

/* --- the end ---------------------------------------------------------------------------------- */

static void leave(struct v1_session *s)
{
    if (!s->ended) {
        s->ended = true;
        log_say(s->v1->log, LOG_INFO, "PROTOCOL(V1): [%] exiting ioloop", conn_peer(s->conn));
        list_remove(&s->held);
        if (s->producer != NULL) {
            registry_leave(s->v1->registry, s->producer);
            s->producer = NULL;
        }
    }
}

/* Ends the conversation. `why` is for the log. */
static void end(struct v1_session *s, struct span why, bool linger, int64_t now)
{
    leave(s);
    log_say(s->v1->log, LOG_ERROR, "client(%) - %", conn_peer(s->conn), why);
    conn_finish(s->conn, linger, now);
}

/* --- replies ---------------------------------------------------------------------------------- */

static void reply(struct v1_session *s, struct span data, int64_t now)
{
    uint8_t size[SIZE_SIZE];
    be32_store(size, (uint32_t)data.n);
    conn_send(s->conn, span_make(size, sizeof size), now);
    conn_send(s->conn, data, now);
}

static void reply_ok(struct v1_session *s, int64_t now)
{
    conn_send(s->conn, SPAN("\0\0\0\2OK"), now);
}

/* Replies with an error and ends the conversation. `cause` is for the log: " - " and the reason, or
 * nothing. If the input has not ended, there may be more of it. */
static void fail(struct v1_session *s, struct span text, struct span cause, int64_t now)
{
    log_say(s->v1->log, LOG_ERROR, "[%] - %%", conn_peer(s->conn), text, cause);
    reply(s, text, now);
    end(s, text, !s->eof, now);
}

static void fail_with(struct v1_session *s, const struct nsq_lookup_error *error, struct span cause,
                      int64_t now)
{
    struct buf text = {0};
    size_t n = nsq_lookup_error_encode(error, NULL, 0);
    (void)nsq_lookup_error_encode(error, buf_room(&text, n), n);
    buf_grew(&text, n);
    fail(s, buf_span(&text), cause, now);
    buf_free(&text);
}

static void fail_because(struct v1_session *s, enum nsq_lookup_why why, int64_t now)
{
    fail_with(s, &(struct nsq_lookup_error){.why = why}, SPAN(""), now);
}

/* Upstream has no limit of memory, so it has no text for this. */
static void fail_without_memory(struct v1_session *s, int64_t now)
{
    fail(s, SPAN("E_INVALID no memory"), SPAN(""), now);
}

/* --- IDENTIFY --------------------------------------------------------------------------------- */

static void reply_identified(struct v1_session *s, int64_t now)
{
    const struct v1_config *c = &s->v1->config;
    struct buf json = {0};
    struct json_writer w = json_writer(&json, JSON_GO);
    json_open_object(&w);
    json_member_string(&w, "broadcast_address", c->broadcast_address);
    json_member_string(&w, "hostname", c->hostname);
    json_member_integer(&w, "http_port", c->http_port);
    json_member_integer(&w, "tcp_port", c->tcp_port);
    json_member_string(&w, "version", c->version);
    json_close_object(&w);
    reply(s, buf_span(&json), now);
    buf_free(&json);
}

static void log_identified(const struct v1_session *s, const struct registry_peer *peer)
{
    struct buf ports = {0};
    if (log_wants(s->v1->log, LOG_INFO)) {
        text_append(&ports, "TCP:");
        text_append_decimal(&ports, peer->tcp_port);
        text_append(&ports, " HTTP:");
        text_append_decimal(&ports, peer->http_port);
    }
    log_say(s->v1->log, LOG_INFO, "CLIENT(%): IDENTIFY Address:% % Version:%", peer->remote_address,
            peer->broadcast_address, buf_span(&ports), peer->version);
    buf_free(&ports);
}

/* Upstream requires all fields except the hostname. */
static bool has_all(const struct producer_json *p)
{
    return p->broadcast_address.n > 0 && p->version.n > 0 && p->tcp_port != 0 && p->http_port != 0;
}

static void join(struct v1_session *s, const struct producer_json *p, int64_t now)
{
    const struct registry_peer peer = {.remote_address = conn_peer(s->conn),
                                       .hostname = buf_span(&p->hostname),
                                       .broadcast_address = buf_span(&p->broadcast_address),
                                       .version = buf_span(&p->version),
                                       .tcp_port = p->tcp_port,
                                       .http_port = p->http_port};
    log_identified(s, &peer);
    s->producer = registry_join(s->v1->registry, &peer, now);
    if (s->producer == NULL) {
        fail_without_memory(s, now);
    } else {
        reply_identified(s, now);
    }
}

static void identify(struct v1_session *s, struct span body, int64_t now)
{
    struct producer_json p = {.tcp_port = 0};
    effort_use(s->v1->effort, body.n / EFFORT_JSON_BYTES);
    if (!producer_json_read(&p, body)) {
        fail_because(s, NSQ_LOOKUP_BAD_JSON, now);
    } else if (!has_all(&p)) {
        fail_because(s, NSQ_LOOKUP_MISSING_FIELDS, now);
    } else {
        join(s, &p, now);
    }
    producer_json_free(&p);
}

/* --- REGISTER and UNREGISTER ------------------------------------------------------------------ */

static void do_register(struct v1_session *s, const struct nsq_lookup_command *command, int64_t now)
{
    struct registry *registry = s->v1->registry;
    switch (registry_register(registry, s->producer, command->topic, command->channel)) {
    case REGISTRY_DONE:
        reply_ok(s, now);
        break;
    case REGISTRY_TOO_MANY:
        fail_with(s,
                  &(struct nsq_lookup_error){.why = NSQ_LOOKUP_TOO_MANY,
                                             .id = command->id,
                                             .limit = (int64_t)registry->config.max_registrations},
                  SPAN(""), now);
        break;
    default:
        fail_without_memory(s, now);
    }
}

/* Goes on with the UNREGISTER whose parameters are in the session. */
static void go_on_unregister(struct v1_session *s, int64_t now)
{
    list_remove(&s->held);
    if (registry_unregister(s->v1->registry, s->producer, span_make(s->topic, s->topic_size),
                            span_make(s->channel, s->channel_size))) {
        conn_pause_input(s->conn, false);
        reply_ok(s, now);
        return;
    }
    conn_pause_input(s->conn, true);
    list_push(&s->v1->held, &s->held);
}

static void unregister(struct v1_session *s, const struct nsq_lookup_command *command, int64_t now)
{
    s->topic_size = (uint8_t)command->topic.n;
    memcpy(s->topic, command->topic.p, command->topic.n);
    s->channel_size = (uint8_t)command->channel.n;
    if (command->channel.n > 0) {
        memcpy(s->channel, command->channel.p, command->channel.n);
    }
    go_on_unregister(s, now);
}

static void registration(struct v1_session *s, const struct nsq_lookup_command *command,
                         int64_t now)
{
    struct nsq_lookup_error error = nsq_lookup_check(command);
    if (s->producer == NULL) {
        fail_because(s, NSQ_LOOKUP_NOT_IDENTIFIED, now);
    } else if (error.why != NSQ_LOOKUP_NO_ERROR) {
        fail_with(s, &error, SPAN(""), now);
    } else if (command->id == NSQ_LOOKUP_REGISTER) {
        do_register(s, command, now);
    } else {
        unregister(s, command, now);
    }
}

/* --- the other commands ----------------------------------------------------------------------- */

/* Arguments of log lines are escaped. So the unit for microseconds, which is not ASCII, is a part
 * of the form. */
static void log_ping(const struct v1_session *s, int64_t now)
{
    struct buf ago = {0};
    if (log_wants(s->v1->log, LOG_INFO)) {
        go_text_duration(&ago, now - s->producer->last_update);
    }
    struct span text = buf_span(&ago);
    size_t unit = sizeof MICROSECONDS - 1;
    const char *form = "CLIENT(%): pinged (last ping %)";
    if (text.n > unit && span_equal(span_skip(text, text.n - unit), SPAN(MICROSECONDS))) {
        text = span_first(text, text.n - unit);
        form = "CLIENT(%): pinged (last ping %" MICROSECONDS ")";
    }
    log_say(s->v1->log, LOG_INFO, form, conn_peer(s->conn), text);
    buf_free(&ago);
}

static void ping(struct v1_session *s, int64_t now)
{
    if (s->producer != NULL) {
        log_ping(s, now);
        registry_ping(s->producer, now);
    }
    reply_ok(s, now);
}

static void on_line(struct v1_session *s, const struct nsq_lookup_command *command, int64_t now)
{
    struct nsq_lookup_error error;
    switch (command->id) {
    case NSQ_LOOKUP_PING:
        ping(s, now);
        break;
    case NSQ_LOOKUP_IDENTIFY:
        if (s->producer != NULL) {
            fail_because(s, NSQ_LOOKUP_IDENTIFIED_TWICE, now);
        }
        break;
    case NSQ_LOOKUP_REGISTER:
    case NSQ_LOOKUP_UNREGISTER:
        registration(s, command, now);
        break;
    default:
        error = nsq_lookup_check(command);
        fail_with(s, &error, SPAN(""), now);
    }
}

/* --- input ------------------------------------------------------------------------------------ */

/* Parses one item at the start of `in` and executes it. Returns how many bytes the item has, or 0
 * when `in` has only a part of an item. */
static size_t take_item(struct v1_session *s, struct span in, int64_t now)
{
    struct nsq_lookup_item item;
    switch (nsq_lookup_parse(&s->place, &s->v1->config.limits, in, &item)) {
    case NSQ_OK:
        effort_use(s->v1->effort, EFFORT_COMMAND + item.consumed / EFFORT_BYTES);
        if (item.stage == NSQ_LOOKUP_STAGE_LINE) {
            on_line(s, &item.command, now);
        } else {
            identify(s, item.body, now);
        }
        return item.consumed;
    case NSQ_BAD:
        fail_with(s, &item.error, SPAN(""), now);
        return in.n;
    default:
        return 0;
    }
}

/* Returns how many bytes of `in` belong to the line, size or body that s->partial has a part of. */
static size_t missing(const struct v1_session *s, struct span in)
{
    struct span partial = buf_span(&s->partial);
    if (s->place.stage == NSQ_LOOKUP_STAGE_LINE) {
        struct span window = span_first(in, s->v1->config.limits.max_line - partial.n);
        const uint8_t *newline = memchr(window.p, '\n', window.n);
        return newline == NULL ? window.n : (size_t)(newline - window.p) + 1;
    }
    size_t whole = partial.n < SIZE_SIZE ? SIZE_SIZE : SIZE_SIZE + (size_t)be32_load(partial.p);
    return span_first(in, whole - partial.n).n;
}

/* Adds input to s->partial, and parses it. Returns how many bytes of `in` were used. */
static size_t take_pieces(struct v1_session *s, struct span in, int64_t now)
{
    size_t n = missing(s, in);
    buf_append(&s->partial, span_first(in, n));
    /* The item points into this copy, which must exist until take_item returns. The session may end
     * before. */
    struct buf partial = s->partial;
    s->partial = (struct buf){0};
    if (take_item(s, buf_span(&partial), now) == 0) {
        s->partial = partial;
    } else {
        buf_free(&partial);
    }
    charge_partial(s);
    return n;
}

/* Takes one item or a part of one from the start of `in`, which is not empty. Returns how many
 * bytes were used. */
static size_t take_some(struct v1_session *s, struct span in, int64_t now)
{
    size_t n = s->partial.n == 0 ? take_item(s, in, now) : take_pieces(s, in, now);
    if (n == 0) {
        buf_append(&s->partial, in);
        charge_partial(s);
        n = in.n;
    }
    set_deadline(s, now);
    if (!s->ended && s->partial.n > PARTIAL_LITTLE && budget_share_is_passed(s->v1->budget)) {
        fail_without_memory(s, now);
    }
    return n;
}

static size_t on_recv(void *service, void *session, struct span in, int64_t now)
{
    struct v1 *v1 = service;
    struct v1_session *s = session;
    size_t consumed = 0;
    effort_allow_input(v1->effort, v1->config.effort_a_call);
    while (consumed < in.n && conn_may_read(s->conn) && effort_is_left(v1->effort)) {
        consumed += take_some(s, span_skip(in, consumed), now);
    }
    return consumed;
}

/* As Go's reader: "EOF" where a size or body would begin, "unexpected EOF" inside. */
static struct span cause_of_cut(const struct v1_session *s)
{
    return s->partial.n == 0 || s->partial.n == SIZE_SIZE ? SPAN(" - EOF")
                                                          : SPAN(" - unexpected EOF");
}

static void end_of_input(struct v1_session *s, int64_t now)
{
    struct nsq_lookup_error error = nsq_lookup_cut_off(&s->place, buf_span(&s->partial));
    if (error.why == NSQ_LOOKUP_NO_ERROR) {
        end(s, SPAN("EOF"), false, now);
    } else {
        fail_with(s, &error, cause_of_cut(s), now);
    }
}

static void on_eof(void *service, void *session, int64_t now)
{
    struct v1_session *s = session;
    (void)service;
    s->eof = true;
    if (!is_held(s)) {
        end_of_input(s, now);
    }
}

/* Input may still be on its way, so the connection lingers. */
static void on_due(void *service, void *session, int64_t now)
{
    (void)service;
    end(session, SPAN("i/o timeout"), true, now);
}

void v1_step(struct v1 *v1, int64_t now)
{
    while (!list_empty(&v1->held) && effort_is_left(v1->effort)) {
        struct v1_session *s = container_of(v1->held.next, struct v1_session, held);
        go_on_unregister(s, now);
        if (s->eof && !is_held(s)) {
            end_of_input(s, now);
        }
    }
}

/* --- the service ------------------------------------------------------------------------------ */

static void *on_open(void *service, struct conn *conn, int64_t now)
{
    struct v1 *v1 = service;
    struct v1_session *s = alloc_zeroed(sizeof *s);
    budget_charge(v1->budget, SESSION_COST);
    s->v1 = v1;
    s->conn = conn;
    list_init(&s->held);
    conn_set_write_timeout(conn, v1->config.timeout, now);
    set_deadline(s, now);
    return s;
}

static void on_closed(void *service, void *session, int64_t now)
{
    struct v1 *v1 = service;
    struct v1_session *s = session;
    (void)now;
    leave(s);
    buf_free(&s->partial);
    charge_partial(s);
    budget_release(v1->budget, SESSION_COST);
    alloc_free(s);
}

const struct protocol v1_protocol = {
    .open = on_open,
    .recv = on_recv,
    .eof = on_eof,
    .due = on_due,
    .closed = on_closed,
};

struct span v1_bad_magic(void)
{
    return SPAN("\0\0\0\x0e"
                "E_BAD_PROTOCOL");
}

void v1_init(struct v1 *v1, const struct v1_config *config, struct registry *registry,
             struct budget *budget, struct effort *effort, struct log *log)
{
    *v1 = (struct v1){
        .config = *config, .registry = registry, .budget = budget, .effort = effort, .log = log};
    list_init(&v1->held);
}
