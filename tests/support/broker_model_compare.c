/* SPDX-License-Identifier: MIT */
/* Holds a broker against its model, after every step. Must not change either. */
#include "support/broker_model_parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void compare_queue(struct broker_model *m, int channel, const struct queue *queue)
{
    assert_int_equal(queue->n, bm_count_rows(m, channel, BM_QUEUED));
    uint64_t last = 0;
    for (const struct message *message = queue->first; message != NULL; message = message->next) {
        const struct bm_row *r = bm_find_row(m, channel, message->body->id);
        assert_non_null(r);
        assert_int_equal(r->place, BM_QUEUED);
        assert_true(r->order > last);
        assert_int_equal(message->attempts, r->attempts);
        last = r->order;
    }
}

static void compare_timer(const struct broker_model *m, const struct timer *timer, int64_t due)
{
    const struct heap *timers = &m->w.broker.core.timers;
    assert_true(heap_at(timers, timer->node.place - 1)->key == due);
}

static void compare_waits(struct broker_model *m, int channel, const struct channel *real)
{
    assert_int_equal(channel_in_flight_count(real), bm_count_rows(m, channel, BM_IN_FLIGHT));
    for (const struct in_flight *f = timed_first(real->timed); f != NULL; f = timed_next(f)) {
        const struct bm_row *r = bm_find_row(m, channel, f->message->body->id);
        assert_non_null(r);
        assert_int_equal(r->place, BM_IN_FLIGHT);
        assert_ptr_equal(f->subscription->consumer, r->consumer < 0 ? NULL : &m->real[r->consumer]);
        assert_true(f->delivered_at == r->delivered);
        assert_int_equal(f->message->attempts, r->attempts);
        compare_timer(m, &f->timer, r->due);
    }
    assert_int_equal(real->timed->deferred_count, bm_count_rows(m, channel, BM_DEFERRED));
    for (struct list *l = real->timed->deferred.next; l != &real->timed->deferred; l = l->next) {
        const struct deferred *d = container_of(l, struct deferred, link);
        const struct bm_row *r = bm_find_row(m, channel, d->message->body->id);
        assert_non_null(r);
        assert_int_equal(r->place, BM_DEFERRED);
        compare_timer(m, &d->timer, r->due);
    }
}

static void compare_channel(struct broker_model *m, int channel)
{
    const struct channel *real = bm_real_channel(m, channel);
    const struct bm_channel *c = &m->channels[channel];
    assert_true((real != NULL) == c->exists);
    if (real == NULL) {
        return;
    }
    assert_true(real->paused == c->paused);
    assert_int_equal(real->message_count, c->message_count);
    assert_int_equal(real->requeue_count, c->requeue_count);
    assert_int_equal(real->timeout_count, c->timeout_count);
    assert_int_equal(real->drop_count, c->drop_count);
    compare_queue(m, channel, &real->queue);
    compare_waits(m, channel, real);
    uint64_t last = 0;
    for (struct list *l = real->ready.next; l != &real->ready; l = l->next) {
        const struct consumer *consumer = container_of(l, struct consumer, ready_link);
        uint64_t turn = m->consumers[consumer - m->real].turn;
        assert_true(turn > last);
        last = turn;
    }
}

static void compare_topic(const struct broker_model *m, int topic)
{
    const struct topic *real = bm_real_topic(m, topic);
    const struct bm_topic *t = &m->topics[topic];
    assert_true((real != NULL) == t->exists);
    if (real == NULL) {
        return;
    }
    assert_true(real->paused == t->paused);
    assert_int_equal(real->message_count, t->message_count);
    assert_int_equal(real->message_bytes, 4 * t->message_count);
    assert_int_equal(real->drop_count, t->drop_count);
    assert_int_equal(real->queue.n, t->waiting_count);
    size_t i = 0;
    for (const struct message *message = real->queue.first; message != NULL;
         message = message->next, i++) {
        assert_true(message->body->id == t->waiting[i].id);
        assert_true(message->body->deferred == t->waiting[i].delay);
    }
}

void bm_compare(struct broker_model *m)
{
    bm_sweep(m);
    for (int i = 0; i < BM_TOPICS; i++) {
        compare_topic(m, i);
    }
    for (int i = 0; i < BM_CHANNELS; i++) {
        compare_channel(m, i);
    }
    for (int i = 0; i < BM_CONSUMERS; i++) {
        const struct bm_consumer *c = &m->consumers[i];
        const struct consumer *real = &m->real[i];
        assert_ptr_equal(real->channel, c->channel < 0 ? NULL : bm_real_channel(m, c->channel));
        if (c->channel >= 0) {
            assert_true(real->ready_count == c->ready);
            assert_true(real->in_flight_count == c->in_flight);
            assert_int_equal(real->message_count, c->message_count);
            assert_int_equal(real->finish_count, c->finish_count);
            assert_int_equal(real->requeue_count, c->requeue_count);
        }
    }
    bw_check(&m->w);
    bw_drop_log(&m->w);
}
