/* SPDX-License-Identifier: MIT */
#include "support/broker_model_parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define MEM_QUEUE_SIZE 5
#define MAX_CONSUMERS 3
#define MAX_MSG_TIMEOUT 300

const char *const bm_topic_names[BM_TOPICS] = {"a", "b", "e#ephemeral"};
const char *const bm_channel_names[BM_SHARE] = {"x", "y", "z#ephemeral"};

unsigned bm_draw(struct broker_model *m, unsigned below)
{
    m->random = m->random * 6364136223846793005U + 1442695040888963407U;
    return (unsigned)(m->random >> 33) % below;
}

static bool is_ephemeral(const char *name)
{
    return strchr(name, '#') != NULL;
}

struct topic *bm_real_topic(const struct broker_model *m, int topic)
{
    return bw_find_topic(&m->w, bm_topic_names[topic]);
}

struct channel *bm_real_channel(const struct broker_model *m, int channel)
{
    const struct topic *topic = bm_real_topic(m, channel / BM_SHARE);
    const char *name = bm_channel_names[channel % BM_SHARE];
    return topic == NULL ? NULL : topic_find_channel(topic, span_make(name, strlen(name)));
}

/* --- the model's moves ------------------------------------------------------------------------ */

size_t bm_count_rows(const struct broker_model *m, int channel, enum bm_place place)
{
    size_t n = 0;
    for (size_t i = 0; i < m->row_count; i++) {
        n += m->rows[i].channel == channel && m->rows[i].place == place;
    }
    return n;
}

/* The row of a channel in a place that moved there first, or NULL. */
static struct bm_row *first_row(struct broker_model *m, int channel, enum bm_place place)
{
    struct bm_row *first = NULL;
    for (size_t i = 0; i < m->row_count; i++) {
        struct bm_row *r = &m->rows[i];
        if (r->channel == channel && r->place == place &&
            (first == NULL || r->order < first->order)) {
            first = r;
        }
    }
    return first;
}

struct bm_row *bm_find_row(struct broker_model *m, int channel, uint64_t id)
{
    for (size_t i = 0; i < m->row_count; i++) {
        if (m->rows[i].channel == channel && m->rows[i].id == id) {
            return &m->rows[i];
        }
    }
    return NULL;
}

void bm_sweep(struct broker_model *m)
{
    size_t kept = 0;
    for (size_t i = 0; i < m->row_count; i++) {
        if (m->rows[i].place != BM_GONE) {
            m->rows[kept++] = m->rows[i];
        } else {
            m->gone = m->rows[i].id;
        }
    }
    m->row_count = kept;
}

/* To be called after every change of what makes a consumer ready. */
static void update(struct broker_model *m, int consumer)
{
    struct bm_consumer *c = &m->consumers[consumer];
    bool ready = c->channel >= 0 && !c->blocked && c->in_flight < c->ready;
    if (ready && !c->is_ready) {
        c->turn = ++m->order;
    }
    c->is_ready = ready;
}

static int64_t capacity_of(const struct broker_model *m, int channel)
{
    int64_t capacity = 0;
    for (int i = 0; i < BM_CONSUMERS; i++) {
        const struct bm_consumer *c = &m->consumers[i];
        capacity += c->channel == channel && c->is_ready ? c->ready - c->in_flight : 0;
    }
    return m->channels[channel].paused ? 0 : capacity;
}

/* Into the queue, or away when an ephemeral channel is full. */
static void enqueue(struct broker_model *m, struct bm_row *r)
{
    int64_t depth = (int64_t)bm_count_rows(m, r->channel, BM_QUEUED);
    if (is_ephemeral(bm_channel_names[r->channel % BM_SHARE]) && depth >= MEM_QUEUE_SIZE &&
        depth >= MEM_QUEUE_SIZE + capacity_of(m, r->channel)) {
        r->place = BM_GONE;
        m->channels[r->channel].drop_count++;
        m->dropped++;
        return;
    }
    r->place = BM_QUEUED;
    r->order = ++m->order;
}

static void defer(struct broker_model *m, struct bm_row *r, int64_t delay)
{
    r->place = BM_DEFERRED;
    r->order = ++m->order;
    r->due = m->w.now + delay;
}

void bm_end_flight(struct broker_model *m, struct bm_row *r)
{
    r->place = BM_GONE; /* until it is put somewhere else */
    if (r->consumer >= 0) {
        m->consumers[r->consumer].in_flight--;
        update(m, r->consumer);
    }
}

void bm_end_flights(struct broker_model *m, int consumer)
{
    m->consumers[consumer].in_flight = 0;
    update(m, consumer);
}

/* The channels of a topic in the order in which they were made. */
static int next_channel(const struct broker_model *m, int topic, uint64_t after)
{
    int next = -1;
    for (int i = topic * BM_SHARE; i < topic * BM_SHARE + BM_SHARE; i++) {
        const struct bm_channel *c = &m->channels[i];
        if (c->exists && c->made > after && (next < 0 || c->made < m->channels[next].made)) {
            next = i;
        }
    }
    return next;
}

void bm_move_to_channels(struct broker_model *m, int topic)
{
    struct bm_topic *t = &m->topics[topic];
    if (t->paused || next_channel(m, topic, 0) < 0) {
        return;
    }
    for (size_t i = 0; i < t->waiting_count; i++) {
        for (int c = next_channel(m, topic, 0); c >= 0;
             c = next_channel(m, topic, m->channels[c].made)) {
            assert_true(m->row_count < BM_ROWS);
            struct bm_row *r = &m->rows[m->row_count++];
            *r = (struct bm_row){
                .channel = c, .id = t->waiting[i].id, .place = BM_GONE, .consumer = -1};
            m->channels[c].message_count++;
            if (t->waiting[i].delay == 0) {
                enqueue(m, r);
            } else {
                defer(m, r, t->waiting[i].delay);
            }
        }
    }
    t->waiting_count = 0;
}

static void make_topic(struct broker_model *m, int topic)
{
    (void)bw_topic(&m->w, bm_topic_names[topic]);
    m->topics[topic].exists = true;
}

/* A channel is deleted, and with its last channel an ephemeral topic. */
void bm_forget_channel(struct broker_model *m, int channel)
{
    int topic = channel / BM_SHARE;
    for (size_t i = 0; i < m->row_count; i++) {
        if (m->rows[i].channel == channel) {
            m->rows[i].place = BM_GONE;
        }
    }
    for (int i = 0; i < BM_CONSUMERS; i++) {
        if (m->consumers[i].channel == channel) {
            m->consumers[i] = (struct bm_consumer){.channel = -1};
        }
    }
    m->channels[channel] = (struct bm_channel){.exists = false};
    if (is_ephemeral(bm_topic_names[topic]) && next_channel(m, topic, 0) < 0) {
        m->topics[topic] = (struct bm_topic){.exists = false};
    }
}

/* --- the steps: what each does to both -------------------------------------------------------- */

static void publish(struct broker_model *m)
{
    int topic = (int)bm_draw(m, BM_TOPICS);
    int64_t delay = bm_draw(m, 4) == 0 ? 1 + (int64_t)bm_draw(m, 100) : 0;
    make_topic(m, topic);
    struct bm_topic *t = &m->topics[topic];
    uint64_t id = bw_publish_later(&m->w, bm_topic_names[topic], delay);
    bool stays = t->paused || next_channel(m, topic, 0) < 0;
    t->message_count++;
    if (stays && is_ephemeral(bm_topic_names[topic]) && t->waiting_count >= MEM_QUEUE_SIZE) {
        t->drop_count++;
        return;
    }
    t->waiting[t->waiting_count++] = (struct bm_waiting){id, delay};
    bm_move_to_channels(m, topic);
}

static void make_channel(struct broker_model *m, int channel)
{
    make_topic(m, channel / BM_SHARE);
    (void)bw_channel(&m->w, bm_topic_names[channel / BM_SHARE],
                     bm_channel_names[channel % BM_SHARE]);
    if (!m->channels[channel].exists) {
        m->channels[channel] = (struct bm_channel){.exists = true, .made = ++m->order};
        bm_move_to_channels(m, channel / BM_SHARE);
    }
}

static void join(struct broker_model *m)
{
    int who = (int)bm_draw(m, BM_CONSUMERS);
    int channel = (int)bm_draw(m, BM_CHANNELS);
    struct bm_consumer *c = &m->consumers[who];
    if (c->channel >= 0) {
        return;
    }
    size_t there = 0;
    for (int i = 0; i < BM_CONSUMERS; i++) {
        there += m->consumers[i].channel == channel;
    }
    make_channel(m, channel);
    m->real[who] = (struct consumer){.owner = &m->real[who],
                                     .msg_timeout = 50 + (int64_t)bm_draw(m, 100),
                                     .sample_rate = bm_draw(m, 4) == 0 ? 50 : 0};
    bool full = there == MAX_CONSUMERS;
    assert_int_equal(channel_join(bm_real_channel(m, channel), &m->real[who]),
                     full ? CHANNEL_FULL : CHANNEL_OK);
    if (!full) {
        *c = (struct bm_consumer){.channel = channel, .ready = bm_draw(m, 5)};
        consumer_set_ready(&m->real[who], c->ready);
        update(m, who);
    }
}

static void leave(struct broker_model *m, int who)
{
    struct bm_consumer *c = &m->consumers[who];
    int channel = c->channel;
    bw_leave(&m->w, &m->real[who]); /* does nothing when it is not subscribed */
    if (channel < 0) {
        return;
    }
    bool last = true;
    for (int i = 0; i < BM_CONSUMERS; i++) {
        last = last && (i == who || m->consumers[i].channel != channel);
    }
    for (size_t i = 0; i < m->row_count; i++) {
        if (m->rows[i].place == BM_IN_FLIGHT && m->rows[i].consumer == who) {
            m->rows[i].consumer = -1;
        }
    }
    *c = (struct bm_consumer){.channel = -1};
    if (last && is_ephemeral(bm_channel_names[channel % BM_SHARE])) {
        bm_forget_channel(m, channel);
    }
}

static void set_ready(struct broker_model *m)
{
    int who = (int)bm_draw(m, BM_CONSUMERS);
    struct bm_consumer *c = &m->consumers[who];
    if (c->channel < 0) {
        return;
    }
    c->ready = bm_draw(m, 5);
    consumer_set_ready(&m->real[who], c->ready);
    update(m, who);
}

static void hold(struct broker_model *m)
{
    int who = (int)bm_draw(m, BM_CONSUMERS);
    struct bm_consumer *c = &m->consumers[who];
    if (c->channel < 0) {
        return;
    }
    c->blocked = bm_draw(m, 3) == 0;
    consumer_set_blocked(&m->real[who], c->blocked);
    update(m, who);
}

/* Which of a channel's ready consumers has waited longest; -1: none is ready. */
static int whose_turn(const struct broker_model *m, int channel)
{
    int next = -1;
    for (int i = 0; i < BM_CONSUMERS; i++) {
        const struct bm_consumer *c = &m->consumers[i];
        if (c->channel == channel && c->is_ready &&
            (next < 0 || c->turn < m->consumers[next].turn)) {
            next = i;
        }
    }
    return next;
}

static int number_of(const struct broker_model *m, const struct channel *channel)
{
    for (int i = 0; i < BM_CHANNELS; i++) {
        if (bm_real_channel(m, i) == channel) {
            return i;
        }
    }
    return -1;
}

static void deliver(struct broker_model *m)
{
    struct list *active = &m->w.broker.core.active;
    if (list_empty(active)) {
        return;
    }
    struct channel *real = container_of(active->next, struct channel, active_link);
    int channel = number_of(m, real);
    int who = whose_turn(m, channel);
    struct bm_row *r = first_row(m, channel, BM_QUEUED);
    assert_non_null(r);
    assert_true(who >= 0 && !m->channels[channel].paused);
    struct bm_consumer *c = &m->consumers[who];
    struct delivery d;
    c->turn = ++m->order;
    if (!channel_deliver(real, m->w.now, &d)) {
        assert_int_equal(m->real[who].sample_rate, 50);
        r->place = BM_GONE;
        m->sampled_out++;
        return;
    }
    m->delivered++;
    assert_ptr_equal(d.consumer, &m->real[who]);
    assert_true(d.body->id == r->id);
    assert_true(span_equal(body_span(d.body), SPAN("body")));
    assert_int_equal(d.attempts, ++r->attempts);
    assert_true(c->in_flight < c->ready);
    r->place = BM_IN_FLIGHT;
    r->order = ++m->order;
    r->consumer = who;
    r->delivered = m->w.now;
    r->due = m->w.now + m->real[who].msg_timeout;
    c->in_flight++;
    c->message_count++;
    update(m, who);
}

/* A random row, most often one that is in flight; NULL when there is none. */
static const struct bm_row *any_row(struct broker_model *m)
{
    bool in_flight = bm_draw(m, 8) > 0;
    size_t from = m->row_count == 0 ? 0 : bm_draw(m, (unsigned)m->row_count);
    for (size_t i = 0; i < m->row_count; i++) {
        const struct bm_row *r = &m->rows[(from + i) % m->row_count];
        if (!in_flight || r->place == BM_IN_FLIGHT) {
            return r;
        }
    }
    return NULL;
}

/* FIN, REQ and TOUCH: mostly by the owner of what is in flight. */
static void answer(struct broker_model *m)
{
    const struct bm_row *row = any_row(m);
    bool owned = row != NULL && row->place == BM_IN_FLIGHT && row->consumer >= 0;
    int who = owned && bm_draw(m, 8) > 0 ? row->consumer : (int)bm_draw(m, BM_CONSUMERS);
    uint64_t id = row == NULL ? m->gone : row->id;
    struct bm_consumer *c = &m->consumers[who];
    if (c->channel < 0) {
        return;
    }
    struct bm_row *r = bm_find_row(m, c->channel, id);
    enum channel_result expected = r == NULL || r->place != BM_IN_FLIGHT ? CHANNEL_NOT_IN_FLIGHT
                                   : r->consumer != who                  ? CHANNEL_NOT_OWNER
                                                                         : CHANNEL_OK;
    struct channel *real = m->real[who].channel;
    int64_t delay = bm_draw(m, 2) == 0 ? 0 : 1 + (int64_t)bm_draw(m, 50);
    int64_t timeout = 1 + (int64_t)bm_draw(m, 2 * MAX_MSG_TIMEOUT);
    struct consumer *consumer = &m->real[who];
    switch (bm_draw(m, 4)) {
    case 0:
    case 1:
        assert_int_equal(bw_finish(&m->w, consumer, id), expected);
        if (expected == CHANNEL_OK) {
            c->finish_count++;
            bm_end_flight(m, r);
        }
        break;
    case 2:
        assert_int_equal(bw_requeue(&m->w, consumer, id, delay), expected);
        if (expected == CHANNEL_OK) {
            c->requeue_count++;
            m->channels[number_of(m, real)].requeue_count++;
            bm_end_flight(m, r);
            if (delay == 0) {
                enqueue(m, r);
            } else {
                defer(m, r, delay);
            }
        }
        break;
    default:
        assert_int_equal(bw_touch(&m->w, consumer, id, timeout), expected);
        if (expected == CHANNEL_OK) {
            int64_t latest = r->delivered + MAX_MSG_TIMEOUT;
            r->due = m->w.now + timeout < latest ? m->w.now + timeout : latest;
            r->order = ++m->order;
        }
        break;
    }
}

/* The row that is due first; of those due at the same time, the one that has waited longer. */
static struct bm_row *first_due(struct broker_model *m)
{
    struct bm_row *first = NULL;
    for (size_t i = 0; i < m->row_count; i++) {
        struct bm_row *r = &m->rows[i];
        bool waits = r->place == BM_IN_FLIGHT || r->place == BM_DEFERRED;
        if (waits && (first == NULL || r->due < first->due ||
                      (r->due == first->due && r->order < first->order))) {
            first = r;
        }
    }
    return first;
}

static void pass(struct broker_model *m)
{
    m->w.now += bm_draw(m, 3) == 0 ? bm_draw(m, 60) : bm_draw(m, 4);
    for (;;) {
        struct bm_row *r = first_due(m);
        assert_true(broker_next_deadline(&m->w.broker) == (r == NULL ? TIME_NEVER : r->due));
        bool due = r != NULL && r->due <= m->w.now;
        assert_true(broker_expire(&m->w.broker, m->w.now) == due);
        if (!due) {
            return;
        }
        if (r->place == BM_IN_FLIGHT) {
            m->channels[r->channel].timeout_count++;
            m->timed_out++;
            bm_end_flight(m, r);
        }
        enqueue(m, r);
        bm_compare(m);
    }
}

/* --- the driver ------------------------------------------------------------------------------- */

void bm_open(struct broker_model *m, uint64_t seed)
{
    struct broker_config config = bw_defaults();
    config.mem_queue_size = MEM_QUEUE_SIZE;
    config.max_consumers = MAX_CONSUMERS;
    config.max_msg_timeout = MAX_MSG_TIMEOUT;
    config.seed.k[0] = seed;
    memset(m, 0, sizeof *m);
    bw_open(&m->w, &config);
    m->random = seed;
    for (int i = 0; i < BM_CONSUMERS; i++) {
        m->consumers[i].channel = -1;
    }
}

void bm_step(struct broker_model *m)
{
    unsigned kind = bm_draw(m, 100);
    if (kind < 15) {
        publish(m);
    } else if (kind < 46) {
        deliver(m);
    } else if (kind < 72) {
        answer(m);
    } else if (kind < 80) {
        pass(m);
    } else if (kind < 86) {
        join(m);
    } else if (kind < 94) {
        set_ready(m);
    } else if (kind < 96) {
        hold(m);
    } else if (kind < 97) {
        leave(m, (int)bm_draw(m, BM_CONSUMERS));
    } else if (kind < 98) {
        bm_pause(m);
    } else {
        bm_change_topology(m);
    }
    bm_compare(m);
}

void bm_close(struct broker_model *m)
{
    for (int i = 0; i < BM_CONSUMERS; i++) {
        leave(m, i);
        bm_compare(m);
    }
    bw_close(&m->w);
}
