/* SPDX-License-Identifier: MIT */
/*
 * Walks all containers of an engine after each call, compares each message with where it was
 * before, and checks that each move has a reason and that the memory budget is exact. It only
 * reads; it calls nothing in the engine.
 */
#include "memory_model.h"

#include "fuzz.h"
#include "memory_model_parts.h"
#include "session/session.h"

#define HOLDERS_MAX 16 /* they all divide BODY_PARTS */
#define LEAST_TIMEOUT (100 * TIME_MS)

/* --- rows ------------------------------------------------------------------------------------- */

static size_t place_of(unsigned channel, uint64_t id)
{
    return (size_t)(id * MODEL_CHANNELS + channel) % (2 * (size_t)MODEL_ROWS);
}

static struct row *find_row(struct memory_model *model, unsigned channel, uint64_t id)
{
    for (size_t i = place_of(channel, id); model->index[i] != 0; i = (i + 1) % (2 * MODEL_ROWS)) {
        struct row *row = &model->rows[model->index[i] - 1];
        if (row->id == id && row->channel == channel) {
            return row;
        }
    }
    return NULL;
}

static struct row *make_row(struct memory_model *model, unsigned channel, uint64_t id)
{
    if (model->row_count == MODEL_ROWS) {
        model->full = true;
        return NULL;
    }
    size_t i = place_of(channel, id);
    while (model->index[i] != 0) {
        i = (i + 1) % (2 * MODEL_ROWS);
    }
    struct row *row = &model->rows[model->row_count++];
    model->index[i] = (uint16_t)model->row_count;
    *row = (struct row){.id = id, .channel = channel, .owner = MODEL_NOBODY};
    return row;
}

/* --- moves ------------------------------------------------------------------------------------ */

/* A delivered message belongs to its new owner, from now on and for the owner's msg_timeout. */
static void check_flight(const struct memory_model *model, const struct call *call,
                         const struct row *now, unsigned got)
{
    FUZZ_CHECK(now->delivered_at == call->now);
    FUZZ_CHECK(now->owner == got || (now->owner == MODEL_NOBODY && !is_subscribed(model, got)));
    if (now->owner != MODEL_NOBODY && !by_owner(model, call, now, SAID_TOUCH)) {
        int64_t timeout = model_session(model, got)->consumer.msg_timeout;
        FUZZ_CHECK(timeout >= LEAST_TIMEOUT && now->due == time_after(call->now, timeout));
    }
}

/* A message that was in flight, still is, and was not delivered again. */
static void check_same_flight(const struct memory_model *model, const struct call *call,
                              const struct row *before, const struct row *now)
{
    int64_t most = model->engine->broker.core.config.max_msg_timeout;
    FUZZ_CHECK(now->delivered_at == before->delivered_at);
    FUZZ_CHECK(now->owner == before->owner ||
               (now->owner == MODEL_NOBODY && !is_subscribed(model, before->owner)));
    if (now->due != before->due) {
        FUZZ_CHECK(by_owner(model, call, before, SAID_TOUCH));
        FUZZ_CHECK(now->due <= time_after(before->delivered_at, most));
    }
}

/* Checks the move of a message from the last look to this one. */
static void check_move(const struct memory_model *model, const struct call *call,
                       const struct row *before, const struct row *now, const struct body *body)
{
    unsigned got = MODEL_NOBODY;
    size_t n = deliveries(model, before, &got);
    bool requeued = by_owner(model, call, before, SAID_REQ);
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
            check_flight(model, call, now, got);
        } else {
            check_same_flight(model, call, before, now);
        }
    } else if (now->place == ROW_DEFERRED && before->place != ROW_DEFERRED && requeued) {
        FUZZ_CHECK(now->due == requeued_until(model, call));
    } else if (now->place == ROW_QUEUED && n > 0) {
        FUZZ_CHECK(requeued);
    }
}

/* The first message of a body lies inside the body's allocation. */
static size_t cost_beside_body(const struct message *message)
{
    return message == &message->body->first ? 0 : MESSAGE_COST;
}

/* Handles a message that was found in a container. */
static void see(struct memory_model *model, const struct call *call, struct row now,
                const struct message *message, struct sums *sums)
{
    now.id = message->body->id;
    now.attempts = message->attempts;
    now.look = model->look;
    sums->others += cost_beside_body(message);
    struct row *row = find_row(model, now.channel, now.id);
    row = row == NULL ? make_row(model, now.channel, now.id) : row;
    if (row == NULL) {
        return;
    }
    FUZZ_CHECK(row->look != model->look); /* no other container has it */
    check_move(model, call, row, &now, message->body);
    if (now.place != ROW_QUEUED) {
        FUZZ_CHECK(call->kind != CALL_STEP || now.due > call->now); /* due work was done */
        model->next_due = time_earlier(model->next_due, now.due);
    }
    *row = now;
    model->channels[now.channel].rows++;
}

void share_body(struct memory_model *model, const struct body *body, struct sums *sums)
{
    FUZZ_CHECK(body->refs > 0);
    if (body->refs > HOLDERS_MAX) {
        model->full = true;
        return;
    }
    sums->shares += (uint64_t)body_cost(body->size) * (BODY_PARTS / body->refs);
}

/* --- one channel ------------------------------------------------------------------------------ */

static int64_t due_of(const struct memory_model *model, const struct timer *timer)
{
    const struct heap *timers = &model->engine->broker.core.timers;
    FUZZ_CHECK(timer->node.place > 0 && timer->node.place <= timers->n);
    const struct heap_entry *entry = heap_at(timers, timer->node.place - 1);
    FUZZ_CHECK(entry->node == &timer->node);
    return entry->key;
}

static void walk_queue(struct memory_model *model, const struct call *call, unsigned number,
                       const struct queue *queue, struct sums *sums)
{
    size_t n = 0;
    for (const struct message *m = queue->first; m != NULL; m = m->next, n++) {
        see(model, call,
            (struct row){.place = ROW_QUEUED, .channel = number, .owner = MODEL_NOBODY}, m, sums);
        share_body(model, m->body, sums);
    }
    FUZZ_CHECK(n == queue->n);
}

static void walk_in_flight(struct memory_model *model, const struct call *call, unsigned number,
                           const struct channel *real, struct sums *sums)
{
    size_t n = 0;
    for (const struct in_flight *f = timed_first(real->timed); f != NULL; f = timed_next(f), n++) {
        struct row row = {.place = ROW_IN_FLIGHT,
                          .channel = number,
                          .owner = MODEL_NOBODY,
                          .due = due_of(model, &f->timer),
                          .delivered_at = f->delivered_at};
        const struct consumer *consumer = f->subscription->consumer;
        FUZZ_CHECK(f->timed == real->timed);
        if (consumer != NULL) {
            FUZZ_CHECK(consumer->channel == real);
            row.owner = number_of(model, consumer);
            model->conns[row.owner].in_flight++;
        }
        see(model, call, row, f->message, sums);
        share_body(model, f->message->body, sums);
    }
    FUZZ_CHECK(n == real->timed->in_flight.count);
    sums->others += n * IN_FLIGHT_COST;
    sums->timers += n;
}

static void walk_deferred(struct memory_model *model, const struct call *call, unsigned number,
                          const struct channel *real, struct sums *sums)
{
    size_t n = 0;
    const struct list *all = &real->timed->deferred;
    for (const struct list *p = all->next; p != all; p = p->next, n++) {
        const struct deferred *d = container_of(p, struct deferred, link);
        struct row row = {.place = ROW_DEFERRED,
                          .channel = number,
                          .owner = MODEL_NOBODY,
                          .due = due_of(model, &d->timer)};
        FUZZ_CHECK(d->timed == real->timed);
        see(model, call, row, d->message, sums);
        share_body(model, d->message->body, sums);
    }
    FUZZ_CHECK(n == real->timed->deferred_count);
    sums->others += n * DEFERRED_COST;
    sums->timers += n;
}

/* A consumer may get RDY messages less those in flight, and none while its output is full. */
static void check_consumer(const struct memory_model *model, const struct consumer *c)
{
    int64_t room = c->ready_count - c->in_flight_count;
    const struct conn *conn = conn_of(model, number_of(model, c));
    FUZZ_CHECK(c->in_flight_count >= 0 && c->ready_count >= 0);
    FUZZ_CHECK(c->ready_count <= model->engine->v2.config.max_rdy_count);
    FUZZ_CHECK(c->capacity == (c->blocked || room < 0 ? 0 : room));
    FUZZ_CHECK(list_empty(&c->ready_link) == (c->capacity == 0));
    FUZZ_CHECK(!c->blocked || conn_is_full(conn) || ((struct session *)c->owner)->sub_owed);
}

static void walk_consumers(struct memory_model *model, unsigned number, const struct channel *real)
{
    size_t n = 0;
    int64_t capacity = 0;
    for (const struct list *p = real->consumers.next; p != &real->consumers; p = p->next, n++) {
        const struct consumer *consumer = container_of(p, struct consumer, link);
        FUZZ_CHECK(consumer->channel == real);
        check_consumer(model, consumer);
        capacity += consumer->capacity;
        model->channels[number].sampled =
            model->channels[number].sampled || consumer->sample_rate > 0;
    }
    int64_t most = real->core->config.max_consumers;
    FUZZ_CHECK(n == real->consumer_count && (most == 0 || (int64_t)n <= most));
    FUZZ_CHECK(capacity == real->capacity);
    FUZZ_CHECK(list_empty(&real->ready) == (capacity == 0));
    bool can_deliver = !real->paused && real->queue.n > 0 && capacity > 0;
    FUZZ_CHECK(list_empty(&real->active_link) == !can_deliver);
    /* An ephemeral channel that HTTP creates waits for its first consumer. */
    struct model_channel *c = &model->channels[number];
    c->consumed = c->consumed || n > 0;
    FUZZ_CHECK(n > 0 || !real->ephemeral || !c->consumed);
}

/* A message that was in the channel is not there any more. */
static void check_vanished(const struct memory_model *model, const struct call *call,
                           struct row *row)
{
    const struct model_channel *c = &model->channels[row->channel];
    row->finished = by_owner(model, call, row, SAID_FIN);
    bool back = by_time(call, row) || by_owner(model, call, row, SAID_REQ);
    bool dropped = back && c->real != NULL && c->real->drop_count > c->drop_count;
    bool sampled = c->sampled && (back || row->place == ROW_QUEUED);
    FUZZ_CHECK(row->finished || c->real == NULL || dropped || sampled || c->emptied);
    row->place = ROW_GONE;
}

/* Messages leave a channel only by FIN, by sampling, because it is ephemeral and full, and when it
 * is emptied. */
static void check_balance(struct memory_model *model, struct model_channel *c, uint64_t finished)
{
    const struct channel *real = c->real;
    FUZZ_CHECK(real->message_count >= c->rows + c->gone);
    FUZZ_CHECK(c->ephemeral || real->drop_count == 0);
    uint64_t gone = real->message_count - c->rows;
    uint64_t known = finished + real->drop_count - c->drop_count;
    FUZZ_CHECK(model->full || gone - c->gone == known ||
               ((c->sampled || c->emptied) && gone - c->gone > known));
    FUZZ_CHECK(!c->emptied || c->rows == 0);
    c->emptied = false;
    c->gone = gone;
    c->drop_count = real->drop_count;
    c->message_count = real->message_count;
}

static unsigned find_channel(struct memory_model *model, const struct channel *real)
{
    for (unsigned i = 0; i < model->channel_count; i++) {
        if (model->channels[i].real == real) {
            return i;
        }
    }
    if (model->channel_count == MODEL_CHANNELS) {
        model->full = true;
        return MODEL_CHANNELS;
    }
    model->channels[model->channel_count] =
        (struct model_channel){.real = real, .ephemeral = real->ephemeral};
    return (unsigned)model->channel_count++;
}

static void walk_channel(struct memory_model *model, const struct call *call,
                         const struct channel *real, struct sums *sums, uint64_t distributed)
{
    bool is_new = true;
    size_t known = model->channel_count;
    unsigned number = find_channel(model, real);
    if (number == MODEL_CHANNELS) {
        return;
    }
    is_new = number == known;
    struct model_channel *c = &model->channels[number];
    c->look = model->look;
    c->rows = 0;
    sums->asked += CHANNEL_COST;
    walk_consumers(model, number, real);
    walk_queue(model, call, number, &real->queue, sums);
    walk_in_flight(model, call, number, real, sums);
    walk_deferred(model, call, number, real, sums);
    uint64_t got = real->message_count - c->message_count;
    FUZZ_CHECK(is_new ? got <= distributed
                      : got == distributed); /* each channel gets each message */
}

/* --- topics ----------------------------------------------------------------------------------- */

static struct model_topic *find_topic(struct memory_model *model, const struct topic *real)
{
    for (size_t i = 0; i < model->topic_count; i++) {
        if (model->topics[i].real == real) {
            return &model->topics[i];
        }
    }
    if (model->topic_count == MODEL_TOPICS) {
        model->full = true;
        return NULL;
    }
    model->topics[model->topic_count] =
        (struct model_topic){.real = real, .ephemeral = real->ephemeral};
    return &model->topics[model->topic_count++];
}

/* The ids need not rise: a message gets its id when it has arrived, and an MPUB is published when
 * all its messages have arrived. */
static void walk_backlog(struct memory_model *model, const struct topic *real, struct sums *sums)
{
    size_t n = 0;
    size_t delayed = 0;
    size_t channels = real->table.count == 0 ? 1 : real->table.count;
    for (const struct message *m = real->queue.first; m != NULL; m = m->next, n++) {
        delayed += m->body->deferred != 0;
        FUZZ_CHECK(m->attempts == 0 && m->body->refs == 1);
        sums->others += cost_beside_body(m);
        share_body(model, m->body, sums);
    }
    FUZZ_CHECK(n == real->queue.n);
    FUZZ_CHECK(n == 0 || real->paused || real->table.count == 0);
    /* What the messages will need when they go to the channels is reserved. */
    sums->others += n * (channels - 1) * MESSAGE_COST + delayed * channels * DEFERRED_COST;
}

static void walk_topic(struct memory_model *model, const struct call *call,
                       const struct topic *real, struct sums *sums)
{
    struct model_topic *t = find_topic(model, real);
    if (t == NULL) {
        return;
    }
    t->look = model->look;
    sums->asked += TOPIC_COST;
    walk_backlog(model, real, sums);
    FUZZ_CHECK(t->ephemeral || real->drop_count == 0);
    uint64_t given = real->message_count - real->drop_count - t->emptied - real->queue.n;
    FUZZ_CHECK(given >= t->distributed && given <= real->message_count);
    for (const struct channel *c = topic_first_channel(real); c != NULL;
         c = topic_next_channel(c)) {
        FUZZ_CHECK(c->topic == real);
        walk_channel(model, call, c, sums, given - t->distributed);
    }
    t->distributed = given;
}

/* --- the look --------------------------------------------------------------------------------- */

void model_begin(struct memory_model *model, const struct engine *engine)
{
    model->engine = engine;
    model->look = 0;
    model->full = false;
    model->conn_count = 0;
    model->used = model->timers = 0;
    model->next_due = TIME_NEVER;
    model->inserted = 0;
    model->row_count = model->channel_count = model->topic_count = model->delivery_count = 0;
    memset(model->index, 0, sizeof model->index);
    memset(model->conns, 0, sizeof model->conns);
}

void model_open(struct memory_model *model, unsigned conn, uint64_t id)
{
    model->conn_count = conn < model->conn_count ? model->conn_count : conn + 1;
    model->conns[conn] = (struct model_conn){.id = id, .channel = MODEL_CHANNELS};
}

void model_closed(struct memory_model *model, unsigned conn)
{
    model->conns[conn].id = 0;
}

void model_delivered(struct memory_model *model, unsigned conn, uint64_t id, uint16_t attempts)
{
    if (model->full) {
        return;
    }
    unsigned channel = model->conns[conn].channel;
    FUZZ_CHECK(channel < MODEL_CHANNELS); /* it has subscribed */
    if (model->delivery_count == MODEL_DELIVERIES) {
        model->full = true;
        return;
    }
    model->deliveries[model->delivery_count++] = (struct model_delivery){conn, channel, id};
    struct row new_row = {.id = id, .channel = channel};
    const struct row *row = find_row(model, channel, id);
    row = row == NULL ? &new_row : row;
    unsigned got;
    FUZZ_CHECK(row->place != ROW_GONE);
    FUZZ_CHECK(attempts == (uint16_t)(row->attempts + deliveries(model, row, &got)));
}

void model_change(struct memory_model *model, const struct model_change *change)
{
    const struct topic *topic = broker_find_topic(&model->engine->broker, change->topic);
    if (topic == NULL || model->full) {
        return;
    }
    if (change->whole_topic) {
        struct model_topic *t = find_topic(model, topic);
        if (t == NULL) {
            return;
        }
        t->deleted = change->deleted;
        t->emptied += change->deleted ? 0 : topic->queue.n;
    }
    for (const struct channel *c = topic_first_channel(topic); c != NULL;
         c = topic_next_channel(c)) {
        bool changes = change->whole_topic ? change->deleted
                                           : span_equal(name_span(&c->name), change->channel);
        unsigned number = changes ? find_channel(model, c) : MODEL_CHANNELS;
        if (number < MODEL_CHANNELS) {
            model->channels[number].deleted = change->deleted;
            model->channels[number].emptied = !change->deleted;
        }
    }
}

static void forget_channels(struct memory_model *model)
{
    for (size_t i = 0; i < model->channel_count; i++) {
        struct model_channel *c = &model->channels[i];
        if (c->real != NULL && c->look != model->look) {
            FUZZ_CHECK(c->ephemeral || c->deleted);
            c->real = NULL;
        }
    }
    for (size_t i = 0; i < model->topic_count; i++) {
        struct model_topic *t = &model->topics[i];
        if (t->real != NULL && t->look != model->look) {
            FUZZ_CHECK(t->ephemeral || t->deleted);
            t->real = NULL;
        }
    }
}

/* Counts what each connection has finished since the last look, by channel. */
static void note_sessions(struct memory_model *model, uint64_t finished[MODEL_CHANNELS])
{
    for (unsigned i = 0; i < model->conn_count; i++) {
        const struct session *s = model_session(model, i);
        struct model_conn *c = &model->conns[i];
        if (s == NULL) {
            continue;
        }
        if (s->consumer.channel != NULL) {
            c->channel = find_channel(model, s->consumer.channel);
        }
        if (c->channel < MODEL_CHANNELS) {
            finished[c->channel] += s->consumer.finish_count - c->finish_count;
            c->finish_count = s->consumer.finish_count;
        }
    }
}

/* Most steps have nothing to do: no message was sent, no timer added or removed, no memory charged
 * or released. */
static bool nothing_done(struct memory_model *model, const struct call *call)
{
    const struct broker_core *core = &model->engine->broker.core;
    bool same = model->delivery_count == 0 && model->used == core->budget.used &&
                model->inserted == core->timers.inserted && model->timers == core->timers.n;
    model->used = core->budget.used;
    model->inserted = core->timers.inserted;
    model->timers = core->timers.n;
    return same && call->kind == CALL_STEP && model->next_due > call->now;
}

void model_look(struct memory_model *model, const struct call *call)
{
    if (model->full) {
        return;
    }
    struct sums sums = {0};
    uint64_t finished[MODEL_CHANNELS] = {0};
    /* After a step no channel has both a message and a ready consumer. */
    FUZZ_CHECK(call->kind != CALL_STEP || list_empty(&model->engine->broker.core.active));
    if (nothing_done(model, call)) {
        return;
    }
    model->look++;
    model->next_due = TIME_NEVER;
    find_said(model, call->line);
    for (unsigned i = 0; i < model->conn_count; i++) {
        model->conns[i].in_flight = 0;
    }
    const struct broker *broker = &model->engine->broker;
    for (const struct topic *t = broker_first_topic(broker); t != NULL;
         t = broker_topic_after(broker, t)) {
        walk_topic(model, call, t, &sums);
    }
    if (model->full) {
        return;
    }
    forget_channels(model);
    for (size_t i = 0; i < model->row_count; i++) {
        struct row *row = &model->rows[i];
        if (row->place != ROW_GONE && row->look != model->look) {
            check_vanished(model, call, row);
        }
    }
    note_sessions(model, finished);
    for (size_t i = 0; i < model->channel_count; i++) {
        if (model->channels[i].real != NULL) {
            check_balance(model, &model->channels[i], finished[i]);
        }
    }
    walk_sessions(model, call, &sums);
    walk_waiting(model, &sums);
    walk_web(model, &sums);
    check_budget(model, &sums);
    model->delivery_count = 0;
}

/* --- choosing a message ----------------------------------------------------------------------- */

/* Whether `whose` of ops.h means this message. */
static bool is_whose(const struct row *row, unsigned number, unsigned whose)
{
    bool in_flight = row->place == ROW_IN_FLIGHT;
    return whose == 3   ? row->place == ROW_GONE && row->finished
           : whose == 2 ? in_flight && row->owner != number
                        : in_flight && row->owner == number;
}

uint64_t model_choose(const struct memory_model *model, unsigned number, unsigned whose, unsigned k)
{
    size_t n = 0;
    for (size_t i = 0; i < model->row_count; i++) {
        n += is_whose(&model->rows[i], number, whose);
    }
    size_t left = n == 0 ? 0 : k % n;
    for (size_t i = 0; i < model->row_count && n > 0; i++) {
        if (is_whose(&model->rows[i], number, whose) && left-- == 0) {
            return model->rows[i].id;
        }
    }
    return k;
}
