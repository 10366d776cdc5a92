/* SPDX-License-Identifier: MIT */
#include "support/broker_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "broker/walk.h"

struct span bw_span(const char *s)
{
    return span_make(s, strlen(s));
}

struct broker_config bw_defaults(void)
{
    return (struct broker_config){
        .node_id = 1,
        .mem_queue_size = 10000,
        .mem_queue_bytes = (size_t)1 << 30,
        .max_msg_timeout = 15 * TIME_MINUTE,
        .max_consumers = 0,
        .effort_a_call = SIZE_MAX,
        .seed = {{0x1111, 0x2222}},
    };
}

void bw_open(struct broker_world *w, const struct broker_config *config)
{
    *w = (struct broker_world){.now = TIME_SECOND};
    log_init(&w->log, LOG_DEBUG);
    broker_init(&w->broker, config, &w->log);
}

void bw_close(struct broker_world *w)
{
    for (const struct topic *t = broker_first_topic(&w->broker); t != NULL;
         t = broker_topic_after(&w->broker, t)) {
        for (const struct channel *c = topic_first_channel(t); c != NULL;
             c = topic_next_channel(c)) {
            assert_int_equal(c->consumer_count, 0); /* a test that failed leaves some */
        }
    }
    broker_free(&w->broker);
    assert_int_equal(w->broker.core.budget.used, 0);
    assert_true(list_empty(&w->broker.core.active));
    log_free(&w->log);
}

struct broker_config *bw_config(struct broker_world *w)
{
    return &w->broker.core.config;
}

int bw_setup(void **state)
{
    struct broker_world *w = alloc_zeroed(sizeof *w);
    struct broker_config config = bw_defaults();
    bw_open(w, &config);
    *state = w;
    return 0;
}

int bw_teardown(void **state)
{
    struct broker_world *w = *state;
    bw_close(w);
    alloc_free(w);
    return 0;
}

/* --- verbs ------------------------------------------------------------------------------------ */

struct topic *bw_topic(struct broker_world *w, const char *topic)
{
    struct topic *t = broker_topic(&w->broker, bw_span(topic), BUDGET_CLIENT);
    assert_non_null(t);
    return t;
}

struct topic *bw_find_topic(const struct broker_world *w, const char *topic)
{
    return broker_find_topic(&w->broker, bw_span(topic));
}

struct channel *bw_channel(struct broker_world *w, const char *topic, const char *channel)
{
    struct channel *c = topic_channel(bw_topic(w, topic), bw_span(channel), w->now);
    assert_non_null(c);
    return c;
}

struct body *bw_body(struct broker_world *w, struct span bytes)
{
    struct draft draft;
    draft_begin(&draft, (uint32_t)bytes.n);
    assert_true(draft_add(&draft, &w->broker.core.budget, BUDGET_QUEUE, bytes));
    return draft_finish(&draft);
}

void bw_add(struct broker_world *w, struct publish *publish, struct span body)
{
    broker_add_message(&w->broker, publish, bw_body(w, body), w->now + BW_WALL);
}

void bw_allow(struct broker_world *w, size_t units)
{
    effort_allow(&w->broker.core.effort, units);
}

const struct body *bw_publish_body(struct broker_world *w, const char *topic, struct span body,
                                   int64_t delay, int64_t wall)
{
    struct publish publish = {.topic = name_make(bw_span(topic)), .delay = delay};
    struct body *published = bw_body(w, body);
    broker_add_message(&w->broker, &publish, published, wall);
    assert_int_equal(broker_publish(&w->broker, &publish, w->now, NULL), PUBLISH_DONE);
    return published;
}

/* A full ephemeral topic frees the message, so its id is read from the clock that made it. */
uint64_t bw_publish_later(struct broker_world *w, const char *topic, int64_t delay)
{
    (void)bw_publish_body(w, topic, SPAN("body"), delay, w->now + BW_WALL);
    struct guid_clock before = w->broker.core.ids;
    before.sequence--;
    return guid_next(&before, w->broker.core.config.node_id, 0);
}

uint64_t bw_publish(struct broker_world *w, const char *topic)
{
    return bw_publish_later(w, topic, 0);
}

void bw_join(struct broker_world *w, struct consumer *c, const char *topic, const char *channel,
             int64_t ready)
{
    *c = (struct consumer){.owner = c, .msg_timeout = BW_TIMEOUT};
    assert_int_equal(channel_join(bw_channel(w, topic, channel), c), CHANNEL_OK);
    consumer_set_ready(c, ready);
}

void bw_leave(struct broker_world *w, struct consumer *c)
{
    broker_unsubscribe(&w->broker, c);
    assert_null(c->channel);
}

uint64_t bw_receive(struct broker_world *w, struct consumer *c)
{
    struct delivery d;
    if (!broker_deliver(&w->broker, w->now, &d)) {
        fail_msg("there is nothing to receive");
    }
    assert_ptr_equal(d.consumer, c);
    bw_check(w);
    return d.body->id;
}

void bw_expect_silence(struct broker_world *w)
{
    struct delivery d;
    assert_false(broker_deliver(&w->broker, w->now, &d));
    assert_false(broker_can_deliver(&w->broker));
    bw_check(w);
}

enum channel_result bw_finish(struct broker_world *w, struct consumer *c, uint64_t id)
{
    uint8_t digits[NSQ_MESSAGE_ID_SIZE];
    guid_print(id, digits);
    enum channel_result result =
        consumer_finish(c, span_make(digits, sizeof digits), w->now, w->now + BW_WALL);
    bw_check(w);
    return result;
}

enum channel_result bw_requeue(struct broker_world *w, struct consumer *c, uint64_t id,
                               int64_t delay)
{
    uint8_t digits[NSQ_MESSAGE_ID_SIZE];
    guid_print(id, digits);
    enum channel_result result =
        consumer_requeue(c, span_make(digits, sizeof digits), delay, w->now);
    bw_check(w);
    return result;
}

enum channel_result bw_touch(struct broker_world *w, struct consumer *c, uint64_t id,
                             int64_t timeout)
{
    uint8_t digits[NSQ_MESSAGE_ID_SIZE];
    guid_print(id, digits);
    enum channel_result result =
        consumer_touch(c, span_make(digits, sizeof digits), timeout, w->now);
    bw_check(w);
    return result;
}

size_t bw_pass(struct broker_world *w, int64_t d)
{
    size_t n = 0;
    w->now += d;
    while (broker_expire(&w->broker, w->now)) {
        n++;
        bw_check(w);
    }
    return n;
}

void bw_expect_places(struct broker_world *w, size_t queued, size_t in_flight, size_t deferred)
{
    const struct channel *channel = bw_channel(w, "t", "c");
    assert_int_equal(channel->queue.n, queued);
    assert_int_equal(channel_in_flight_count(channel), in_flight);
    assert_int_equal(channel->timed->deferred_count, deferred);
    bw_check(w);
}

/* --- the log ---------------------------------------------------------------------------------- */

void bw_expect_log(struct broker_world *w, enum log_level level, const char *form, const char *args)
{
    struct log_event *event = log_next(&w->log);
    assert_non_null(event);
    struct buf got = {0};
    for (size_t i = 0; i < LOG_ARGS_MAX && event->args[i].p != NULL; i++) {
        buf_append(&got, SPAN("|"));
        buf_append(&got, event->args[i]);
    }
    buf_append(&got, SPAN("\0"));
    assert_string_equal(event->form, form);
    assert_string_equal((const char *)buf_span(&got).p, args);
    assert_int_equal(event->level, level);
    buf_free(&got);
    log_event_free(event);
}

void bw_expect_no_log(struct broker_world *w)
{
    assert_null(log_next(&w->log));
}

void bw_drop_log(struct broker_world *w)
{
    struct log_event *event;
    while ((event = log_next(&w->log)) != NULL) {
        log_event_free(event);
    }
}

/* --- the check -------------------------------------------------------------------------------- */

/* What was found on the way through a broker. */
struct findings {
    size_t cost;                /* of everything but bodies */
    size_t names;               /* of topics and channels; a part of `cost` */
    size_t timers;              /* what waits for one */
    size_t active;              /* channels that can deliver */
    const struct body **bodies; /* one a message */
    size_t messages;
    size_t room; /* in bodies */
    size_t held; /* messages in topics and channels */
};

static void found_message(struct findings *f, const struct message *m)
{
    if (f->messages == f->room) {
        f->room = f->room * 2 + 64;
        f->bodies = alloc_resize(f->bodies, f->room * sizeof(struct body *));
    }
    f->bodies[f->messages++] = m->body;
    f->cost += m == &m->body->first ? 0 : MESSAGE_COST;
}

static void found_queue(struct findings *f, const struct queue *q)
{
    size_t n = 0;
    const struct message *last = NULL;
    for (const struct message *m = q->first; m != NULL; m = m->next) {
        found_message(f, m);
        last = m;
        n++;
    }
    assert_ptr_equal(q->last, last);
    assert_int_equal(q->n, n);
}

static void check_timer(const struct broker_world *w, const struct timer *timer,
                        enum timer_kind kind)
{
    const struct heap *timers = &w->broker.core.timers;
    assert_int_equal(timer->kind, kind);
    assert_in_range(timer->node.place, 1, timers->n);
    assert_ptr_equal(heap_at(timers, timer->node.place - 1)->node, &timer->node);
}

/* The messages of a channel, or messages that a channel has dropped (NULL). */
static void found_timed(struct findings *f, const struct broker_world *w, const struct timed *timed,
                        const struct channel *channel)
{
    size_t n = 0;
    assert_ptr_equal(timed->channel, channel);
    assert_ptr_equal(timed->core, &w->broker.core);
    f->names += TIMED_COST;
    f->cost += TIMED_COST + split_table_cost(&timed->in_flight);
    for (const struct in_flight *i = timed_first(timed); i != NULL; i = timed_next(i)) {
        const struct consumer *consumer = i->subscription->consumer;
        assert_ptr_equal(i->timed, timed);
        /* The consumers of a deleted channel leave it in slices. */
        bool leaves = channel == NULL && consumer != NULL && consumer->channel->topic == NULL;
        assert_true(consumer == NULL || consumer->channel == channel || leaves);
        assert_true(consumer == NULL || consumer->subscription == i->subscription);
        assert_true(i->delivered_at <= w->now);
        assert_ptr_equal(timed_find(timed, i->message->body->id), i);
        check_timer(w, &i->timer, TIMER_IN_FLIGHT);
        found_message(f, i->message);
        n++;
    }
    assert_int_equal(timed->in_flight.count, n);
    f->cost += n * IN_FLIGHT_COST;
    f->timers += n;
    n = 0;
    for (struct list *l = timed->deferred.next; l != &timed->deferred; l = l->next) {
        const struct deferred *d = container_of(l, struct deferred, link);
        assert_ptr_equal(d->timed, timed);
        check_timer(w, &d->timer, TIMER_DEFERRED);
        found_message(f, d->message);
        n++;
    }
    assert_int_equal(timed->deferred_count, n);
    f->cost += n * DEFERRED_COST;
    f->timers += n;
}

static size_t list_count(const struct list *head)
{
    size_t n = 0;
    for (const struct list *l = head->next; l != head; l = l->next) {
        assert_ptr_equal(l->next->prev, l);
        n++;
    }
    return n;
}

/* Returns how many consumers are ready. */
static size_t check_consumers(const struct channel *channel)
{
    size_t ready = 0;
    int64_t capacity = 0;
    for (struct list *l = channel->consumers.next; l != &channel->consumers; l = l->next) {
        const struct consumer *c = container_of(l, struct consumer, link);
        int64_t free = c->ready_count - c->in_flight_count;
        bool is_ready = !c->blocked && free > 0;
        assert_ptr_equal(c->channel, channel);
        assert_ptr_equal(c->subscription->consumer, c);
        assert_int_equal(c->in_flight_count, c->subscription->refs - 1);
        assert_true(list_empty(&c->ready_link) == !is_ready);
        ready += is_ready;
        capacity += !is_ready ? 0 : free < INT32_MAX ? free : INT32_MAX;
    }
    assert_int_equal(channel->consumer_count, list_count(&channel->consumers));
    assert_int_equal(list_count(&channel->ready), ready);
    assert_true(channel->capacity == capacity);
    return ready;
}

static void found_channel(struct findings *f, const struct broker_world *w,
                          const struct topic *topic, const struct channel *channel)
{
    assert_ptr_equal(channel->topic, topic);
    assert_ptr_equal(channel->core, &w->broker.core);
    f->cost += latency_cost(channel->latency);
    f->cost += CHANNEL_COST - TIMED_COST;
    f->names += CHANNEL_COST - TIMED_COST;
    found_queue(f, &channel->queue);
    found_timed(f, w, channel->timed, channel);
    bool active = check_consumers(channel) > 0 && !channel->paused && channel->queue.n > 0;
    /* A channel of a deleted topic stays in the list until its turn. */
    assert_true(list_empty(&channel->active_link) == !active || topic->ended);
    f->active += !list_empty(&channel->active_link);
}

static void check_heap(const struct heap *h)
{
    for (size_t i = 1; i < h->n; i++) {
        const struct heap_entry *e = heap_at(h, i);
        const struct heap_entry *parent = heap_at(h, heap_parent(i));
        assert_int_equal(e->node->place, i + 1);
        assert_true(parent->key < e->key || (parent->key == e->key && parent->order < e->order));
    }
}

static int by_address(const void *a, const void *b)
{
    const struct body *const *left = a;
    const struct body *const *right = b;
    return (*left > *right) - (*left < *right);
}

/* Each body has as many references as messages that share it. Returns what all bodies cost. */
static size_t check_bodies(const struct findings *f)
{
    size_t cost = 0;
    if (f->messages > 0) {
        qsort(f->bodies, f->messages, sizeof(struct body *), by_address);
    }
    for (size_t i = 0; i < f->messages;) {
        size_t same = 1;
        while (i + same < f->messages && f->bodies[i + same] == f->bodies[i]) {
            same++;
        }
        assert_int_equal(f->bodies[i]->refs, same);
        cost += body_cost(f->bodies[i]->size);
        i += same;
    }
    return cost;
}

/* What waits for the disk is charged ahead for what publishing it will take. */
static void found_waiting(struct findings *f, const struct broker_world *w)
{
    size_t asked = list_count(&w->broker.to_ask);
    size_t n = 0;
    for (const struct waiting_publish *i = w->broker.waiting; i != NULL; i = i->hh.next) {
        found_queue(f, &i->publish.messages);
        assert_true(i->publish.messages.n > 0);
        assert_in_range(i->ticket, 1, w->broker.last_ticket);
        f->cost += i->cost;
        n++;
    }
    assert_in_range(asked, 0, n);
}

static void check_orphans(const struct broker_core *core)
{
    for (struct list *l = core->orphans.next; l != &core->orphans; l = l->next) {
        const struct consumer *c = container_of(l, struct consumer, link);
        assert_true(c->orphan && c->channel == NULL && c->in_flight_count == 0);
    }
}

/* A deleted channel has only consumers. */
static void found_ending_channel(struct findings *f, const struct channel *channel)
{
    assert_true(channel_is_ending(channel) && channel->timed == NULL && channel->queue.n == 0);
    assert_true(list_empty(&channel->active_link));
    assert_int_equal(channel->consumer_count, list_count(&channel->consumers));
    for (struct list *l = channel->consumers.next; l != &channel->consumers; l = l->next) {
        const struct consumer *c = container_of(l, struct consumer, link);
        assert_ptr_equal(c->channel, channel);
        assert_false(c->orphan || consumer_can_receive(c));
    }
    f->cost += CHANNEL_COST - TIMED_COST;
    f->names += CHANNEL_COST - TIMED_COST;
}

static size_t count_delayed(const struct queue *q)
{
    size_t n = 0;
    for (const struct message *m = q->first; m != NULL; m = m->next) {
        n += m->body->deferred != 0;
    }
    return n;
}

/* What a topic keeps is charged as if it went to the channels now, and as if there were one when
 * there is none. */
static size_t kept_cost(const struct topic *t)
{
    size_t channels = t->table.count == 0 ? 1 : t->table.count;
    size_t timers = channels * count_delayed(&t->queue);
    return (channels - 1) * t->queue.n * MESSAGE_COST + timers * DEFERRED_COST;
}

/* The moves that are left, one by one: message number i of all that were admitted goes to the
 * channels that had been made before. */
static void check_moves(const struct topic *t)
{
    size_t moves = 0;
    size_t delayed = 0;
    size_t cost = 0;
    uint64_t number = t->admitted - t->moving.n;
    for (const struct message *m = t->moving.first; m != NULL; m = m->next, number++) {
        size_t channels = 0;
        for (const struct channel *c = topic_first_channel(t); c != NULL;
             c = topic_next_channel(c)) {
            bool has_it = m == t->moving.first && t->next != NULL && c->serial < t->next->serial;
            channels += c->first <= number && !has_it;
        }
        size_t timers = m->body->deferred != 0 ? channels : 0;
        moves += channels;
        delayed += timers;
        cost += (channels > 0 ? channels - 1 : 0) * MESSAGE_COST + timers * DEFERRED_COST;
    }
    cost += kept_cost(t);
    assert_int_equal(t->moves_left, moves);
    assert_int_equal(t->delayed_moves_left, delayed);
    assert_int_equal(t->reserved, cost);
    assert_int_equal(t->moving_delayed, count_delayed(&t->moving));
    assert_int_equal(t->queue_delayed, count_delayed(&t->queue));
    assert_true(list_empty(&t->moving_link) == (t->moving.n == 0));
    assert_true(t->next == NULL || t->moving.n > 0);
}

static void found_topic(struct findings *f, const struct broker_world *w, const struct topic *t)
{
    assert_ptr_equal(t->core, &w->broker.core);
    f->names += TOPIC_COST;
    f->cost += TOPIC_COST + t->reserved + split_table_cost(&t->table);
    found_queue(f, &t->queue);
    found_queue(f, &t->moving);
    check_moves(t);
    assert_true(t->queue.n == 0 || t->table.count == 0 || t->paused || t->starting);
    f->held += t->queue.n + t->moves_left;
    uint64_t serial = 0;
    for (const struct channel *c = topic_first_channel(t); c != NULL; c = topic_next_channel(c)) {
        assert_true(c->serial > serial); /* the table is in the order of the serials */
        serial = c->serial;
        f->held += c->queue.n + channel_in_flight_count(c) + c->timed->deferred_count;
        found_channel(f, w, t, c);
    }
}

/* A walk in order finds as many consumers and channels as there are. */
static void check_walk_of(const struct topic *t)
{
    size_t channels = 0;
    struct span place = {0};
    for (const struct channel *c; (c = walk_channel_after(t, place)) != NULL; channels++) {
        size_t consumers = 0;
        uint64_t joined = 0;
        for (const struct consumer *m; (m = walk_consumer_after(c, joined)) != NULL; consumers++) {
            joined = be64_load(m->place);
        }
        assert_int_equal(consumers, c->consumer_count);
        place = name_span(&c->name);
    }
    assert_int_equal(channels, t->table.count);
}

void bw_check(const struct broker_world *w)
{
    const struct broker_core *core = &w->broker.core;
    struct findings f = {.cost = split_table_cost(&w->broker.topics)};
    size_t moving = 0;
    for (const struct topic *t = broker_first_topic(&w->broker); t != NULL;
         t = broker_topic_after(&w->broker, t)) {
        assert_false(t->ended);
        check_walk_of(t);
        found_topic(&f, w, t);
        moving += t->moving.n > 0;
    }
    assert_int_equal(list_count(&core->moving), moving);
    size_t topics = 0;
    struct span place = {0};
    for (const struct topic *t; (t = walk_topic_after(&w->broker, place)) != NULL; topics++) {
        place = name_span(&t->name);
    }
    assert_int_equal(topics, w->broker.topics.count);
    for (struct list *l = core->ending_topics.next; l != &core->ending_topics; l = l->next) {
        const struct topic *t = container_of(l, struct topic, ending_link);
        assert_true(t->ended && t->queue.n == 0 && t->moving.n == 0);
        found_topic(&f, w, t);
    }
    for (struct list *l = core->ending.next; l != &core->ending; l = l->next) {
        found_timed(&f, w, container_of(l, struct timed, link), NULL);
    }
    for (struct list *l = core->ending_channels.next; l != &core->ending_channels; l = l->next) {
        found_ending_channel(&f, container_of(l, struct channel, link));
    }
    found_queue(&f, &core->garbage);
    found_waiting(&f, w);
    check_orphans(core);
    assert_int_equal(list_count(&core->active), f.active);
    assert_int_equal(core->timers.n, f.timers);
    check_heap(&core->timers);
    assert_int_equal(core->held, f.held);
    assert_int_equal(core->budget.names, f.names);
    assert_int_equal(core->budget.used, f.cost + check_bodies(&f));
    alloc_free(f.bodies);
}
