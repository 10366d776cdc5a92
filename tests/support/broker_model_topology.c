/* SPDX-License-Identifier: MIT */
/* Deletes, empties and pauses topics and channels of a broker and its model. */
#include "support/broker_model_parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct span topic_name(int topic)
{
    return bw_span(bm_topic_names[topic]);
}

static struct span channel_name(int channel)
{
    return bw_span(bm_channel_names[channel % BM_SHARE]);
}

/* What an operation on a channel or on its topic must come to. */
static enum topology_result expected_of(const struct broker_model *m, int channel)
{
    return !m->topics[channel / BM_SHARE].exists ? TOPOLOGY_NO_TOPIC
           : !m->channels[channel].exists        ? TOPOLOGY_NO_CHANNEL
                                                 : TOPOLOGY_OK;
}

static void pause_channel(struct broker_model *m)
{
    int channel = (int)bm_draw(m, BM_CHANNELS);
    bool paused = bm_draw(m, 3) == 0;
    enum topology_result expected = expected_of(m, channel);
    assert_int_equal(broker_pause_channel(&m->w.broker, topic_name(channel / BM_SHARE),
                                          channel_name(channel), paused),
                     expected);
    m->channels[channel].paused = expected == TOPOLOGY_OK && paused;
}

static void pause_topic(struct broker_model *m)
{
    int topic = (int)bm_draw(m, BM_TOPICS);
    bool paused = bm_draw(m, 3) == 0;
    bool exists = m->topics[topic].exists;
    assert_int_equal(broker_pause_topic(&m->w.broker, topic_name(topic), paused, m->w.now),
                     exists ? TOPOLOGY_OK : TOPOLOGY_NO_TOPIC);
    m->topics[topic].paused = exists && paused;
    bm_move_to_channels(m, topic);
}

static void empty_channel(struct broker_model *m)
{
    int channel = (int)bm_draw(m, BM_CHANNELS);
    enum topology_result expected = expected_of(m, channel);
    if (expected == TOPOLOGY_OK) {
        /* The order in which consumers become ready is the broker's choice. */
        const struct list *consumers = &bm_real_channel(m, channel)->consumers;
        for (const struct list *l = consumers->next; l != consumers; l = l->next) {
            bm_end_flights(m, (int)(container_of(l, struct consumer, link) - m->real));
        }
        for (size_t i = 0; i < m->row_count; i++) {
            if (m->rows[i].channel == channel) {
                m->rows[i].place = BM_GONE;
            }
        }
    }
    assert_int_equal(
        broker_empty_channel(&m->w.broker, topic_name(channel / BM_SHARE), channel_name(channel)),
        expected);
}

static void empty_topic(struct broker_model *m)
{
    int topic = (int)bm_draw(m, BM_TOPICS);
    assert_int_equal(broker_empty_topic(&m->w.broker, topic_name(topic)),
                     m->topics[topic].exists ? TOPOLOGY_OK : TOPOLOGY_NO_TOPIC);
    m->topics[topic].waiting_count = 0;
}

/* The consumers of what was deleted, and nobody else. */
static void take_orphans(struct broker_model *m, bool was_there[BM_CONSUMERS])
{
    const struct consumer *orphan;
    while ((orphan = broker_next_orphan(&m->w.broker)) != NULL) {
        assert_true(was_there[orphan - m->real]);
        was_there[orphan - m->real] = false;
        m->orphaned++;
    }
    for (int i = 0; i < BM_CONSUMERS; i++) {
        assert_false(was_there[i]);
    }
}

static void delete_channel(struct broker_model *m)
{
    int channel = (int)bm_draw(m, BM_CHANNELS);
    bool there[BM_CONSUMERS];
    enum topology_result expected = expected_of(m, channel);
    for (int i = 0; i < BM_CONSUMERS; i++) {
        there[i] = m->consumers[i].channel == channel;
    }
    assert_int_equal(
        broker_delete_channel(&m->w.broker, topic_name(channel / BM_SHARE), channel_name(channel)),
        expected);
    if (expected == TOPOLOGY_OK) {
        bm_forget_channel(m, channel);
    }
    take_orphans(m, there);
}

static void delete_topic(struct broker_model *m)
{
    int topic = (int)bm_draw(m, BM_TOPICS);
    bool there[BM_CONSUMERS];
    for (int i = 0; i < BM_CONSUMERS; i++) {
        there[i] = m->consumers[i].channel >= 0 && m->consumers[i].channel / BM_SHARE == topic;
    }
    assert_int_equal(broker_delete_topic(&m->w.broker, topic_name(topic)),
                     m->topics[topic].exists ? TOPOLOGY_OK : TOPOLOGY_NO_TOPIC);
    for (int i = topic * BM_SHARE; i < topic * BM_SHARE + BM_SHARE; i++) {
        bm_forget_channel(m, i);
    }
    m->topics[topic] = (struct bm_topic){.exists = false};
    take_orphans(m, there);
}

void bm_pause(struct broker_model *m)
{
    pause_channel(m);
    pause_topic(m);
}

/* Rarely: what is deleted or emptied all the time is never full. */
void bm_change_topology(struct broker_model *m)
{
    unsigned kind = bm_draw(m, 20);
    if (kind < 3) {
        delete_channel(m);
    } else if (kind < 4) {
        delete_topic(m);
    } else if (kind < 7) {
        empty_channel(m);
    } else if (kind < 9) {
        empty_topic(m);
    }
}
