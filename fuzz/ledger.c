/* SPDX-License-Identifier: MIT */
#include "ledger.h"

#include "fuzz.h"
#include "session/session.h"

/* What v2.c charges for a session and for a topic that it published to. */
#define SESSION_COST (sizeof(struct session) + sizeof(struct conn) + 2 * ALLOC_OVERHEAD)
#define PUB_COUNT_COST (sizeof(struct pub_count) + ALLOC_OVERHEAD)
#define IDENTITY_COST (sizeof(struct identity) + ALLOC_OVERHEAD) /* and its texts */

/* A body's cost is shared out among its holders in so many parts, which 1 to 16 divide: so the sum
 * over all holders is right only if the count of references is. */
#define PARTS 720720
#define HOLDERS_MAX 16

#define LEAST_TIMEOUT (100 * TIME_MS)

/* What one look adds up. */
struct sums {
    size_t drafts; /* messages in part, for which there had to be room below the cap */
    size_t asked; /* for which the reserve will do: topics, channels, bodies that are no messages */
    size_t others;   /* the rest of the account */
    uint64_t shares; /* of messages' bodies, in parts */
    size_t timers;
};

/* --- rows ------------------------------------------------------------------------------------- */

static size_t place_of(unsigned channel, uint64_t id)
{
    return (size_t)(id * LEDGER_CHANNELS + channel) % (2 * (size_t)LEDGER_ROWS);
}

static struct row *find_row(struct ledger *l, unsigned channel, uint64_t id)
{
    for (size_t i = place_of(channel, id); l->index[i] != 0; i = (i + 1) % (2 * LEDGER_ROWS)) {
        struct row *row = &l->rows[l->index[i] - 1];
        if (row->id == id && row->channel == channel) {
            return row;
        }
    }
    return NULL;
}

static struct row *make_row(struct ledger *l, unsigned channel, uint64_t id)
{
    if (l->row_count == LEDGER_ROWS) {
        l->full = true;
        return NULL;
    }
    size_t i = place_of(channel, id);
    while (l->index[i] != 0) {
        i = (i + 1) % (2 * LEDGER_ROWS);
    }
    struct row *row = &l->rows[l->row_count++];
    l->index[i] = (uint16_t)l->row_count;
    *row = (struct row){.id = id, .channel = channel, .owner = LEDGER_NOBODY};
    return row;
}

/* --- who did what ----------------------------------------------------------------------------- */

static const struct conn *conn_of(const struct ledger *l, unsigned conn)
{
    uint64_t id = l->conns[conn].id;
    return id == 0 ? NULL : l->engine->serve.slots[(uint32_t)id].conn;
}

const struct session *ledger_session(const struct ledger *l, unsigned conn)
{
    const struct conn *c = conn_of(l, conn);
    return c == NULL ? NULL : c->session;
}

static unsigned number_of(const struct ledger *l, const struct consumer *consumer)
{
    const struct session *s = container_of(consumer, struct session, consumer);
    unsigned i = 0;
    while (i < l->conn_count && l->conns[i].id != s->conn->id) {
        i++;
    }
    FUZZ_CHECK(i < l->conn_count);
    return i;
}

static bool is_subscribed(const struct ledger *l, unsigned conn)
{
    const struct session *s = conn == LEDGER_NOBODY ? NULL : ledger_session(l, conn);
    return s != NULL && s->consumer.channel != NULL;
}

/* An id is hexadecimal digits, and lower case. */
static bool read_id(struct span text, uint64_t *id)
{
    *id = 0;
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];
        unsigned digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
        if (digit == 16) {
            return false;
        }
        *id = *id << 4 | digit;
    }
    return true;
}

/* Reads "NAME <id>" at the start of what is left of a line. */
static bool read_said(struct span line, struct ledger_said *said)
{
    static const struct {
        const char *name;
        size_t n;
    } names[] = {[SAID_FIN] = {"FIN ", 4}, [SAID_REQ] = {"REQ ", 4}, [SAID_TOUCH] = {"TOUCH ", 6}};
    for (size_t i = SAID_FIN; i <= SAID_TOUCH; i++) {
        size_t n = names[i].n;
        if (line.n > n + NSQ_MESSAGE_ID_SIZE && line.p[0] == (uint8_t)names[i].name[0] &&
            memcmp(line.p, names[i].name, n) == 0) {
            said->what = (enum said_what)i;
            said->rest = span_skip(line, n + NSQ_MESSAGE_ID_SIZE);
            return read_id(span_make(line.p + n, NSQ_MESSAGE_ID_SIZE), &said->id);
        }
    }
    return false;
}

#define ANY_COUNT UINT64_MAX

/* Reads "RDY <count>\n"; ANY_COUNT for a count that is written in another way, or not at all. */
static bool read_rdy(struct span line, struct ledger_said *said)
{
    size_t i = 4;
    if (line.n < 4 || memcmp(line.p, "RDY", 3) != 0) {
        return false;
    }
    *said = (struct ledger_said){.what = SAID_RDY};
    for (; i < line.n && line.p[i] >= '0' && line.p[i] <= '9' && i < 10; i++) {
        said->id = 10 * said->id + (line.p[i] - '0');
    }
    if (line.p[3] != ' ' || i == 4 || i >= line.n || line.p[i] != '\n') {
        said->id = ANY_COUNT;
    }
    return true;
}

/* A body may stand before the line, so it is looked for from the end. */
static void find_said(struct ledger *l, struct span line)
{
    l->said = l->said_rdy = (struct ledger_said){.what = SAID_NOTHING};
    for (size_t i = line.n; i-- > 0;) {
        struct ledger_said said;
        if (l->said.what == SAID_NOTHING && read_said(span_skip(line, i), &said)) {
            l->said = said;
        } else if (read_rdy(span_skip(line, i), &said)) {
            l->said_rdy = said;
        }
    }
}

static size_t deliveries(const struct ledger *l, const struct row *row, unsigned *last)
{
    size_t n = 0;
    for (size_t i = 0; i < l->delivery_count; i++) {
        const struct ledger_delivery *d = &l->deliveries[i];
        if (d->id == row->id && d->channel == row->channel) {
            n++;
            *last = d->conn;
        }
    }
    return n;
}

/* Whether the call completed a command that only the owner of the message may give, and it did. */
static bool by_owner(const struct ledger *l, const struct call *call, const struct row *row,
                     enum said_what what)
{
    unsigned got = LEDGER_NOBODY;
    if (l->said.what != what || l->said.id != row->id) {
        return false;
    }
    bool owned = row->place == ROW_IN_FLIGHT && row->owner == call->actor;
    return owned || (deliveries(l, row, &got) > 0 && got == call->actor);
}

static bool by_time(const struct call *call, const struct row *row)
{
    bool waits = row->place == ROW_IN_FLIGHT || row->place == ROW_DEFERRED;
    return waits && call->kind == CALL_STEP && row->due <= call->now;
}

/* When the REQ of this call says that its message ends its deferral. */
static int64_t requeued_until(const struct ledger *l, const struct call *call)
{
    int64_t most = l->engine->v2.config.max_req_timeout / TIME_MS;
    int64_t ms = 0;
    struct span rest = l->said.rest;
    for (size_t i = 1; i < rest.n && rest.p[i] >= '0' && rest.p[i] <= '9' && ms <= most; i++) {
        ms = 10 * ms + (rest.p[i] - '0');
    }
    return call->now + (ms < most ? ms : most) * TIME_MS;
}

/* --- moves ------------------------------------------------------------------------------------ */

/* A message that was delivered is its new owner's, from now on, for his time. */
static void check_flight(const struct ledger *l, const struct call *call, const struct row *now,
                         unsigned got)
{
    FUZZ_CHECK(now->delivered_at == call->now);
    FUZZ_CHECK(now->owner == got || (now->owner == LEDGER_NOBODY && !is_subscribed(l, got)));
    if (now->owner != LEDGER_NOBODY && !by_owner(l, call, now, SAID_TOUCH)) {
        int64_t timeout = ledger_session(l, got)->consumer.msg_timeout;
        FUZZ_CHECK(timeout >= LEAST_TIMEOUT && now->due == time_after(call->now, timeout));
    }
}

/* It was in flight and still is, and was not delivered again. */
static void check_same_flight(const struct ledger *l, const struct call *call,
                              const struct row *before, const struct row *now)
{
    int64_t most = l->engine->broker.common.config.max_msg_timeout;
    FUZZ_CHECK(now->delivered_at == before->delivered_at);
    FUZZ_CHECK(now->owner == before->owner ||
               (now->owner == LEDGER_NOBODY && !is_subscribed(l, before->owner)));
    if (now->due != before->due) {
        FUZZ_CHECK(by_owner(l, call, before, SAID_TOUCH));
        FUZZ_CHECK(now->due <= time_after(before->delivered_at, most));
    }
}

/* Every move of a message, from the last look to this one. */
static void check_move(const struct ledger *l, const struct call *call, const struct row *before,
                       const struct row *now, const struct body *body)
{
    unsigned got = LEDGER_NOBODY;
    size_t n = deliveries(l, before, &got);
    bool requeued = by_owner(l, call, before, SAID_REQ);
    FUZZ_CHECK(before->place != ROW_GONE);
    FUZZ_CHECK(now->attempts == (uint16_t)(before->attempts + n));
    switch (before->place) {
    case ROW_NEW:
        FUZZ_CHECK(now->place == ROW_DEFERRED || body->deferred == 0);
        FUZZ_CHECK(requeued || now->place != ROW_DEFERRED ||
                   (body->deferred > 0 && now->due == time_after(call->now, body->deferred)));
        break;
    case ROW_QUEUED:
        FUZZ_CHECK(n > 0 || now->place == ROW_QUEUED);
        break;
    case ROW_IN_FLIGHT:
        FUZZ_CHECK(requeued || by_time(call, before) || (n == 0 && now->place == ROW_IN_FLIGHT));
        break;
    case ROW_DEFERRED:
        FUZZ_CHECK(by_time(call, before) ||
                   (n == 0 && now->place == ROW_DEFERRED && now->due == before->due));
        break;
    case ROW_GONE:
        break;
    }
    if (now->place == ROW_IN_FLIGHT) {
        if (n > 0) {
            check_flight(l, call, now, got);
        } else {
            check_same_flight(l, call, before, now);
        }
    } else if (now->place == ROW_DEFERRED && before->place != ROW_DEFERRED && requeued) {
        FUZZ_CHECK(now->due == requeued_until(l, call));
    } else if (now->place == ROW_QUEUED && n > 0) {
        FUZZ_CHECK(requeued);
    }
}

/* The first message of a body lies in it. */
static size_t cost_beside_body(const struct message *message)
{
    return message == &message->body->first ? 0 : MESSAGE_COST;
}

/* A message was found in a container. */
static void see(struct ledger *l, const struct call *call, struct row now,
                const struct message *message, struct sums *sums)
{
    now.id = message->body->id;
    now.attempts = message->attempts;
    now.look = l->look;
    sums->others += cost_beside_body(message);
    struct row *row = find_row(l, now.channel, now.id);
    row = row == NULL ? make_row(l, now.channel, now.id) : row;
    if (row == NULL) {
        return;
    }
    FUZZ_CHECK(row->look != l->look); /* in one place only */
    check_move(l, call, row, &now, message->body);
    if (now.place != ROW_QUEUED) {
        FUZZ_CHECK(call->kind != CALL_STEP || now.due > call->now); /* what was due was done */
        l->next_due = time_earlier(l->next_due, now.due);
    }
    *row = now;
    l->channels[now.channel].rows++;
}

static void share_body(struct ledger *l, const struct body *body, struct sums *sums)
{
    FUZZ_CHECK(body->refs > 0);
    if (body->refs > HOLDERS_MAX) {
        l->full = true;
        return;
    }
    sums->shares += (uint64_t)body_cost(body->size) * (PARTS / body->refs);
}

/* --- one channel ------------------------------------------------------------------------------ */

static int64_t due_of(const struct ledger *l, const struct timer *timer)
{
    const struct heap *timers = &l->engine->broker.common.timers;
    FUZZ_CHECK(timer->node.place > 0 && timer->node.place <= timers->n);
    const struct heap_entry *entry = &timers->entries[timer->node.place - 1];
    FUZZ_CHECK(entry->node == &timer->node);
    return entry->key;
}

static void walk_queue(struct ledger *l, const struct call *call, unsigned number,
                       const struct queue *queue, struct sums *sums)
{
    size_t n = 0;
    for (const struct message *m = queue->first; m != NULL; m = m->next, n++) {
        see(l, call, (struct row){.place = ROW_QUEUED, .channel = number, .owner = LEDGER_NOBODY},
            m, sums);
        share_body(l, m->body, sums);
    }
    FUZZ_CHECK(n == queue->n);
}

static void walk_in_flight(struct ledger *l, const struct call *call, unsigned number,
                           const struct channel *real, struct sums *sums)
{
    size_t n = 0;
    for (const struct in_flight *f = real->in_flight; f != NULL; f = f->hh.next, n++) {
        struct row row = {.place = ROW_IN_FLIGHT,
                          .channel = number,
                          .owner = LEDGER_NOBODY,
                          .due = due_of(l, &f->timer),
                          .delivered_at = f->delivered_at};
        FUZZ_CHECK(f->channel == real);
        if (f->consumer != NULL) {
            FUZZ_CHECK(f->consumer->channel == real);
            row.owner = number_of(l, f->consumer);
            l->conns[row.owner].in_flight++;
        }
        see(l, call, row, f->message, sums);
        share_body(l, f->message->body, sums);
    }
    FUZZ_CHECK(n == HASH_COUNT(real->in_flight));
    sums->others += n * IN_FLIGHT_COST;
    sums->timers += n;
}

static void walk_deferred(struct ledger *l, const struct call *call, unsigned number,
                          const struct channel *real, struct sums *sums)
{
    size_t n = 0;
    for (const struct list *p = real->deferred.next; p != &real->deferred; p = p->next, n++) {
        const struct deferred *d = container_of(p, struct deferred, link);
        struct row row = {.place = ROW_DEFERRED,
                          .channel = number,
                          .owner = LEDGER_NOBODY,
                          .due = due_of(l, &d->timer)};
        FUZZ_CHECK(d->channel == real);
        see(l, call, row, d->message, sums);
        share_body(l, d->message->body, sums);
    }
    FUZZ_CHECK(n == real->deferred_count);
    sums->others += n * DEFERRED_COST;
    sums->timers += n;
}

/* A consumer is ready for what RDY allows beyond what it has, unless its output is full. */
static void check_consumer(const struct ledger *l, const struct consumer *c)
{
    int64_t room = c->ready_count - c->in_flight_count;
    const struct conn *conn = conn_of(l, number_of(l, c));
    FUZZ_CHECK(c->in_flight_count >= 0 && c->ready_count >= 0);
    FUZZ_CHECK(c->ready_count <= l->engine->v2.config.max_rdy_count);
    FUZZ_CHECK(c->slots == (c->held || room < 0 ? 0 : room));
    FUZZ_CHECK(list_empty(&c->ready_link) == (c->slots == 0));
    FUZZ_CHECK(!c->held || conn_is_full(conn));
}

static void walk_consumers(struct ledger *l, unsigned number, const struct channel *real)
{
    size_t n = 0;
    int64_t slots = 0;
    for (const struct list *p = real->consumers.next; p != &real->consumers; p = p->next, n++) {
        const struct consumer *c = container_of(p, struct consumer, link);
        FUZZ_CHECK(c->channel == real);
        check_consumer(l, c);
        slots += c->slots;
        l->channels[number].sampled = l->channels[number].sampled || c->sample_rate > 0;
    }
    int64_t most = real->common->config.max_consumers;
    FUZZ_CHECK(n == real->consumer_count && (most == 0 || (int64_t)n <= most));
    FUZZ_CHECK(slots == real->slots);
    FUZZ_CHECK(list_empty(&real->ready) == (slots == 0));
    bool can_deliver = !real->paused && real->queue.n > 0 && slots > 0;
    FUZZ_CHECK(list_empty(&real->active_link) == !can_deliver);
    FUZZ_CHECK(n > 0 || !real->ephemeral);
}

/* A message that was there is there no more. */
static void check_vanished(const struct ledger *l, const struct call *call, struct row *row)
{
    const struct ledger_channel *c = &l->channels[row->channel];
    row->finished = by_owner(l, call, row, SAID_FIN);
    bool back = by_time(call, row) || by_owner(l, call, row, SAID_REQ);
    bool dropped = back && c->real != NULL && c->real->drop_count > c->drop_count;
    bool sampled = c->sampled && (back || row->place == ROW_QUEUED);
    FUZZ_CHECK(row->finished || c->real == NULL || dropped || sampled);
    row->place = ROW_GONE;
}

/* A channel loses messages only to FIN, to sampling, and when it is ephemeral and full. */
static void check_balance(struct ledger *l, struct ledger_channel *c, uint64_t finished)
{
    const struct channel *real = c->real;
    FUZZ_CHECK(real->message_count >= c->rows + c->gone);
    FUZZ_CHECK(c->ephemeral || real->drop_count == 0);
    uint64_t gone = real->message_count - c->rows;
    uint64_t known = finished + real->drop_count - c->drop_count;
    FUZZ_CHECK(l->full || gone - c->gone == known || (c->sampled && gone - c->gone > known));
    c->gone = gone;
    c->drop_count = real->drop_count;
    c->message_count = real->message_count;
}

static unsigned find_channel(struct ledger *l, const struct channel *real)
{
    for (unsigned i = 0; i < l->channel_count; i++) {
        if (l->channels[i].real == real) {
            return i;
        }
    }
    if (l->channel_count == LEDGER_CHANNELS) {
        l->full = true;
        return LEDGER_CHANNELS;
    }
    l->channels[l->channel_count] =
        (struct ledger_channel){.real = real, .ephemeral = real->ephemeral};
    return (unsigned)l->channel_count++;
}

static void walk_channel(struct ledger *l, const struct call *call, const struct channel *real,
                         struct sums *sums, uint64_t distributed)
{
    bool is_new = true;
    size_t known = l->channel_count;
    unsigned number = find_channel(l, real);
    if (number == LEDGER_CHANNELS) {
        return;
    }
    is_new = number == known;
    struct ledger_channel *c = &l->channels[number];
    c->look = l->look;
    c->rows = 0;
    sums->asked += CHANNEL_COST;
    walk_consumers(l, number, real);
    walk_queue(l, call, number, &real->queue, sums);
    walk_in_flight(l, call, number, real, sums);
    walk_deferred(l, call, number, real, sums);
    uint64_t got = real->message_count - c->message_count;
    FUZZ_CHECK(is_new ? got <= distributed : got == distributed); /* each channel gets each */
}

/* --- topics ----------------------------------------------------------------------------------- */

static struct ledger_topic *find_topic(struct ledger *l, const struct topic *real)
{
    for (size_t i = 0; i < l->topic_count; i++) {
        if (l->topics[i].real == real) {
            return &l->topics[i];
        }
    }
    if (l->topic_count == LEDGER_TOPICS) {
        l->full = true;
        return NULL;
    }
    l->topics[l->topic_count] = (struct ledger_topic){.real = real, .ephemeral = real->ephemeral};
    return &l->topics[l->topic_count++];
}

static void walk_backlog(struct ledger *l, const struct topic *real, struct sums *sums)
{
    size_t n = 0;
    int64_t last = 0;
    for (const struct message *m = real->queue.first; m != NULL; m = m->next, n++) {
        FUZZ_CHECK(n == 0 || (int64_t)m->body->id > last); /* in the order of publishing */
        FUZZ_CHECK(m->attempts == 0 && m->body->refs == 1);
        last = (int64_t)m->body->id;
        sums->others += cost_beside_body(m);
        share_body(l, m->body, sums);
    }
    FUZZ_CHECK(n == real->queue.n);
    FUZZ_CHECK(n == 0 || real->paused || real->channels == NULL);
}

static void walk_topic(struct ledger *l, const struct call *call, const struct topic *real,
                       struct sums *sums)
{
    struct ledger_topic *t = find_topic(l, real);
    if (t == NULL) {
        return;
    }
    t->look = l->look;
    sums->asked += TOPIC_COST;
    walk_backlog(l, real, sums);
    FUZZ_CHECK(t->ephemeral || real->drop_count == 0);
    uint64_t given = real->message_count - real->drop_count - real->queue.n;
    FUZZ_CHECK(given >= t->distributed && given <= real->message_count);
    for (const struct channel *c = real->channels; c != NULL; c = c->hh.next) {
        FUZZ_CHECK(c->topic == real);
        walk_channel(l, call, c, sums, given - t->distributed);
    }
    t->distributed = given;
}

/* --- sessions --------------------------------------------------------------------------------- */

static void add_session(struct ledger *l, const struct session *s, struct sums *sums)
{
    const struct identity *i = s->identity;
    sums->others += SESSION_COST;
    sums->others +=
        i == NULL ? 0 : IDENTITY_COST + i->client_id.n + i->hostname.n + i->user_agent.n;
    sums->others += s->hand.cap == 0 ? 0 : s->hand.cap + ALLOC_OVERHEAD;
    sums->others += HASH_COUNT(s->pub_counts) * PUB_COUNT_COST;
    size_t draft = s->draft.body == NULL ? 0 : body_cost(s->draft.cap);
    bool message = nsq_command_row(s->place.id)->body != NSQ_BODY_DATA;
    sums->drafts += message ? draft : 0;
    sums->asked += message ? 0 : draft;
    sums->asked += s->data == NULL ? 0 : body_cost(s->data->size);
    size_t n = 0;
    for (const struct message *m = s->batch.first; m != NULL; m = m->next, n++) {
        FUZZ_CHECK(m->body->refs == 1 && m->attempts == 0);
        share_body(l, m->body, sums);
    }
    FUZZ_CHECK(n == s->batch.n);
}

/* Those that outlived their connections. */
static void add_orphans(struct ledger *l, const struct list *waiting, struct sums *sums)
{
    for (const struct list *p = waiting->next; p != waiting; p = p->next) {
        const struct session *s = container_of(p, struct session, waiting);
        FUZZ_CHECK(s->ticket != 0);
        if (s->conn == NULL) {
            add_session(l, s, sums);
        }
    }
}

static void check_session(const struct ledger *l, unsigned conn, const struct session *s)
{
    const struct conn *c = conn_of(l, conn);
    bool subscribed = s->consumer.channel != NULL;
    FUZZ_CHECK(s->conn == c);
    FUZZ_CHECK(subscribed == (s->state != SESSION_INIT && !s->ended));
    FUZZ_CHECK((c->state == CONN_OPEN) == !s->ended);
    FUZZ_CHECK((s->ticket != 0) == !list_empty(&s->waiting));
    FUZZ_CHECK(s->ended || (s->ticket != 0) == c->held);
    FUZZ_CHECK(s->ended || !s->eof || s->ticket != 0); /* who has ended is let go */
    FUZZ_CHECK(s->consumer.in_flight_count == (int64_t)l->conns[conn].in_flight);
    FUZZ_CHECK(s->state != SESSION_CLOSING || s->consumer.ready_count == 0);
}

/* RDY bounds what a client has in flight at each delivery; it may lower it afterwards. */
static void check_ready(struct ledger *l, const struct call *call, unsigned conn,
                        const struct session *s)
{
    struct ledger_conn *c = &l->conns[conn];
    int64_t ready = s->consumer.ready_count;
    if (s->state == SESSION_SUBSCRIBED && !s->ended) {
        /* Or "RDY" was the name of a topic. */
        bool said = call->actor == conn && l->said_rdy.what == SAID_RDY;
        FUZZ_CHECK(ready == c->ready_count ||
                   (said && (l->said_rdy.id == ANY_COUNT || ready == (int64_t)l->said_rdy.id)));
    }
    int64_t most = ready > c->ready_count ? ready : c->ready_count;
    for (size_t i = 0; i < l->delivery_count; i++) {
        FUZZ_CHECK(l->deliveries[i].conn != conn || s->consumer.in_flight_count <= most);
    }
    c->ready_count = ready;
}

static void walk_sessions(struct ledger *l, const struct call *call, struct sums *sums)
{
    for (unsigned i = 0; i < l->conn_count; i++) {
        const struct session *s = ledger_session(l, i);
        if (s != NULL) {
            add_session(l, s, sums);
            check_session(l, i, s);
            check_ready(l, call, i, s);
        }
    }
    add_orphans(l, &l->engine->v2.to_ask, sums);
    add_orphans(l, &l->engine->v2.asked, sums);
}

/*
 * The account is what all that is there costs, to the byte. Messages are within the cap, and with
 * what clients asked for beside them within the cap and the reserve (topics count there: who made
 * one is not told). What comes on top is bounded by that: each message in a channel costs at most a
 * struct message and one struct in_flight or deferred more than its body, and each connection its
 * session and a count for each topic that it published to.
 */
static void check_account(const struct ledger *l, const struct sums *sums)
{
    const struct budget *budget = &l->engine->broker.common.budget;
    const struct heap *timers = &l->engine->broker.common.timers;
    FUZZ_CHECK(sums->shares % PARTS == 0);
    size_t messages = sums->drafts + (size_t)(sums->shares / PARTS);
    FUZZ_CHECK(budget->used == messages + sums->asked + sums->others);
    FUZZ_CHECK(messages <= budget_bound(budget, BUDGET_QUEUE));
    FUZZ_CHECK(messages + sums->asked <= budget_bound(budget, BUDGET_CLIENT));
    FUZZ_CHECK(timers->n == sums->timers);
    for (size_t i = 1; i < timers->n; i++) {
        FUZZ_CHECK(timers->entries[heap_parent(i)].key <= timers->entries[i].key);
    }
}

/* --- the look --------------------------------------------------------------------------------- */

void ledger_begin(struct ledger *l, const struct engine *engine)
{
    l->engine = engine;
    l->look = 0;
    l->full = false;
    l->conn_count = 0;
    l->used = l->timers = 0;
    l->next_due = TIME_NEVER;
    l->inserted = 0;
    l->row_count = l->channel_count = l->topic_count = l->delivery_count = 0;
    memset(l->index, 0, sizeof l->index);
    memset(l->conns, 0, sizeof l->conns);
}

void ledger_open(struct ledger *l, unsigned conn, uint64_t id)
{
    l->conn_count = conn < l->conn_count ? l->conn_count : conn + 1;
    l->conns[conn] = (struct ledger_conn){.id = id, .channel = LEDGER_CHANNELS};
}

void ledger_closed(struct ledger *l, unsigned conn)
{
    l->conns[conn].id = 0;
}

void ledger_delivered(struct ledger *l, unsigned conn, uint64_t id, uint16_t attempts)
{
    unsigned channel = l->conns[conn].channel;
    FUZZ_CHECK(channel < LEDGER_CHANNELS); /* it has subscribed before */
    if (l->delivery_count == LEDGER_DELIVERIES) {
        l->full = true;
        return;
    }
    l->deliveries[l->delivery_count++] = (struct ledger_delivery){conn, channel, id};
    struct row new_row = {.id = id, .channel = channel};
    const struct row *row = find_row(l, channel, id);
    row = row == NULL ? &new_row : row;
    unsigned got;
    FUZZ_CHECK(row->place != ROW_GONE);
    FUZZ_CHECK(attempts == (uint16_t)(row->attempts + deliveries(l, row, &got)));
}

static void forget_channels(struct ledger *l)
{
    for (size_t i = 0; i < l->channel_count; i++) {
        struct ledger_channel *c = &l->channels[i];
        if (c->real != NULL && c->look != l->look) {
            FUZZ_CHECK(c->ephemeral);
            c->real = NULL;
        }
    }
    for (size_t i = 0; i < l->topic_count; i++) {
        struct ledger_topic *t = &l->topics[i];
        if (t->real != NULL && t->look != l->look) {
            FUZZ_CHECK(t->ephemeral);
            t->real = NULL;
        }
    }
}

/* What a connection has finished since the last look; and to which channel it belongs. */
static void note_sessions(struct ledger *l, uint64_t finished[LEDGER_CHANNELS])
{
    for (unsigned i = 0; i < l->conn_count; i++) {
        const struct session *s = ledger_session(l, i);
        struct ledger_conn *c = &l->conns[i];
        if (s == NULL) {
            continue;
        }
        if (s->consumer.channel != NULL) {
            c->channel = find_channel(l, s->consumer.channel);
        }
        if (c->channel < LEDGER_CHANNELS) {
            finished[c->channel] += s->consumer.finish_count - c->finish_count;
            c->finish_count = s->consumer.finish_count;
        }
    }
}

/* Most steps find nothing to do: then no message was sent, no timer came or went, and no memory. */
static bool nothing_done(struct ledger *l, const struct call *call)
{
    const struct common *common = &l->engine->broker.common;
    bool same = l->delivery_count == 0 && l->used == common->budget.used &&
                l->inserted == common->timers.inserted && l->timers == common->timers.n;
    l->used = common->budget.used;
    l->inserted = common->timers.inserted;
    l->timers = common->timers.n;
    return same && call->kind == CALL_STEP && l->next_due > call->now;
}

void ledger_look(struct ledger *l, const struct call *call)
{
    struct sums sums = {0};
    uint64_t finished[LEDGER_CHANNELS] = {0};
    /* Nobody waits without need. */
    FUZZ_CHECK(call->kind != CALL_STEP || list_empty(&l->engine->broker.common.active));
    if (l->full || nothing_done(l, call)) {
        return;
    }
    l->look++;
    l->next_due = TIME_NEVER;
    find_said(l, call->line);
    for (unsigned i = 0; i < l->conn_count; i++) {
        l->conns[i].in_flight = 0;
    }
    for (const struct topic *t = l->engine->broker.topics; t != NULL; t = t->hh.next) {
        walk_topic(l, call, t, &sums);
    }
    if (l->full) {
        return;
    }
    forget_channels(l);
    for (size_t i = 0; i < l->row_count; i++) {
        struct row *row = &l->rows[i];
        if (row->place != ROW_GONE && row->look != l->look) {
            check_vanished(l, call, row);
        }
    }
    note_sessions(l, finished);
    for (size_t i = 0; i < l->channel_count; i++) {
        if (l->channels[i].real != NULL) {
            check_balance(l, &l->channels[i], finished[i]);
        }
    }
    walk_sessions(l, call, &sums);
    check_account(l, &sums);
    l->delivery_count = 0;
}
