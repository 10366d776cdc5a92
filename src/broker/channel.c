/* SPDX-License-Identifier: MIT */
/*
 * Moves messages inside a channel, and decides which consumer gets the next message. Must not know:
 * connections, and the other channels of the topic. Of its topic it uses only whether the topic was
 * deleted.
 */
#include "broker/channel.h"

#include <assert.h>

#include "broker/guid.h"
#include "broker/topic.h"

#define CAPACITY_MAX INT32_MAX /* of one consumer; the bound prevents an overflow of the sum */

/* --- who can deliver to whom ------------------------------------------------------------------ */

/* Adds the channel to core->active or removes it. Must be called after every change of the queue,
 * the ready list or `paused`. */
static void update_channel(struct channel *channel)
{
    bool active = !channel->paused && channel->queue.n > 0 && !list_empty(&channel->ready) &&
                  !channel_is_ending(channel);
    if (active && list_empty(&channel->active_link)) {
        list_push(&channel->core->active, &channel->active_link);
    } else if (!active) {
        list_remove(&channel->active_link);
    }
}

/* Returns how many messages a consumer can get now. */
static int64_t capacity_of(const struct consumer *consumer)
{
    int64_t capacity = consumer->ready_count - consumer->in_flight_count;
    if (consumer->blocked || capacity < 0) {
        return 0;
    }
    return capacity < CAPACITY_MAX ? capacity : CAPACITY_MAX;
}

/* Computes the consumer's capacity, and adds the consumer to the ready list or removes it. Must be
 * called after every change of RDY, of the in-flight count or of `blocked`. */
static void update_consumer(struct consumer *consumer)
{
    struct channel *channel = consumer->channel;
    int64_t capacity = capacity_of(consumer);
    channel->capacity += capacity - consumer->capacity;
    consumer->capacity = capacity;
    if (capacity > 0 && list_empty(&consumer->ready_link)) {
        list_push(&channel->ready, &consumer->ready_link);
    } else if (capacity == 0) {
        list_remove(&consumer->ready_link);
    }
    update_channel(channel);
}

/* Returns whether the queue of an ephemeral channel is full. Messages that the ready consumers will
 * get in the same step are not counted, because nsqd's consumers would have received them
 * already. */
static bool is_full(const struct channel *channel)
{
    int64_t depth = (int64_t)channel->queue.n;
    int64_t size = channel->core->config.mem_queue_size;
    return channel->ephemeral && depth >= size &&
           (channel->paused || depth - size >= channel->capacity);
}

/* Puts a message into the queue, or drops it when the queue is full. No other function adds to the
 * queue. */
static void enqueue(struct channel *channel, struct message *message)
{
    if (is_full(channel)) {
        channel->drop_count++;
        channel->core->counts.dropped++;
        channel->core->held--;
        message_drop(message, &channel->core->budget);
        return;
    }
    queue_push(&channel->queue, message);
    update_channel(channel);
}

/* --- timers ----------------------------------------------------------------------------------- */

size_t channel_in_flight_count(const struct channel *channel)
{
    return channel->timed->in_flight.count;
}

size_t channel_held(const struct channel *channel)
{
    return channel->queue.n + channel->timed->deferred_count + channel_in_flight_count(channel);
}

/* Removes and frees the entry of a message in flight, and returns the message. */
static struct message *take_in_flight(struct in_flight *f)
{
    struct consumer *consumer = f->subscription->consumer;
    struct message *message = timed_take_in_flight(f);
    if (consumer != NULL) {
        consumer->in_flight_count--;
        update_consumer(consumer);
    }
    return message;
}

void in_flight_expire(struct in_flight *f)
{
    struct channel *channel = f->timed->channel;
    struct broker_core *core = f->timed->core;
    if (channel == NULL) {
        message_drop(timed_take_in_flight(f), &core->budget);
        return;
    }
    channel->timeout_count++;
    core->counts.timed_out++;
    enqueue(channel, take_in_flight(f));
}

void deferred_expire(struct deferred *d)
{
    struct channel *channel = d->timed->channel;
    struct broker_core *core = d->timed->core;
    struct message *message = timed_take_deferred(d);
    if (channel == NULL) {
        message_drop(message, &core->budget);
        return;
    }
    enqueue(channel, message);
}

/* --- the channel ------------------------------------------------------------------------------ */

struct channel *channel_new(struct broker_core *core, struct topic *topic, struct span name,
                            int64_t now)
{
    struct channel *channel = alloc_zeroed(sizeof *channel);
    channel->core = core;
    channel->topic = topic;
    channel->ending = &topic->ended;
    channel->name = name_make(name);
    channel->ephemeral = nsq_name_ephemeral(name);
    channel->serial = ++core->last_serial;
    channel->timed = timed_new(core, channel);
    list_init(&channel->consumers);
    list_init(&channel->ready);
    list_init(&channel->active_link);
    if (core->config.latency.percentile_count > 0) {
        channel->latency = latency_new(&core->latency, now);
    }
    budget_charge_name(&core->budget, CHANNEL_COST - TIMED_COST);
    return channel;
}

/* Sets the in-flight count of a consumer to 0, because the channel has dropped its messages. */
static void renew_subscription(struct consumer *consumer)
{
    subscription_end(consumer->subscription);
    consumer->subscription = subscription_new(consumer);
    consumer->in_flight_count = 0;
    update_consumer(consumer);
}

/* Drops the queue. To be called before the messages with a timer are dropped. */
static void drop_queue(struct channel *channel)
{
    struct broker_core *core = channel->core;
    core->held -= channel_held(channel);
    queue_splice(&core->garbage, &channel->queue);
}

void channel_empty(struct channel *channel)
{
    struct broker_core *core = channel->core;
    struct timed *dropped = channel->timed;
    drop_queue(channel);
    channel->timed = timed_new(core, channel);
    timed_end(dropped);
    for (struct list *l = channel->consumers.next; l != &channel->consumers; l = l->next) {
        renew_subscription(container_of(l, struct consumer, link));
    }
    update_channel(channel);
}

void channel_end(struct channel *channel)
{
    static const bool deleted = true;
    drop_queue(channel);
    timed_end(channel->timed);
    channel->timed = NULL;
    latency_free(channel->latency);
    channel->latency = NULL;
    channel->topic = NULL;
    channel->ending = &deleted;
    list_remove(&channel->active_link);
    list_push(&channel->core->ending_channels, &channel->link);
}

static void channel_free(struct channel *channel)
{
    list_remove(&channel->link);
    budget_release_name(&channel->core->budget, CHANNEL_COST - TIMED_COST);
    alloc_free(channel);
}

void channel_collect(struct channel *channel)
{
    if (list_empty(&channel->consumers)) {
        channel_free(channel);
        return;
    }
    struct consumer *consumer = container_of(channel->consumers.next, struct consumer, link);
    assert(consumer->channel == channel); /* the static analyzer needs this too */
    channel_leave(consumer);
    consumer->orphan = true;
    list_push(&channel->core->orphans, &consumer->link);
}

void channel_put(struct channel *channel, struct message *message)
{
    channel->message_count++;
    channel->core->held++;
    enqueue(channel, message);
}

void channel_put_all(struct channel *channel, struct queue *messages)
{
    assert(!channel->ephemeral); /* the queue of an ephemeral channel may be full */
    channel->message_count += messages->n;
    channel->core->held += messages->n;
    queue_splice(&channel->queue, messages);
    update_channel(channel);
}

void channel_defer(struct channel *channel, struct message *message, int64_t delay, int64_t now)
{
    channel->message_count++;
    channel->core->held++;
    timed_add_deferred(channel->timed, message, time_after(now, delay));
}

void channel_pause(struct channel *channel, bool paused)
{
    channel->paused = paused;
    update_channel(channel);
}

enum channel_result channel_join(struct channel *channel, struct consumer *consumer)
{
    int64_t most = channel->core->config.max_consumers;
    if (most != 0 && (int64_t)channel->consumer_count >= most) {
        return CHANNEL_FULL;
    }
    assert(consumer->channel == NULL && !consumer->orphan);
    consumer->channel = channel;
    consumer->subscription = subscription_new(consumer);
    list_init(&consumer->ready_link);
    list_push(&channel->consumers, &consumer->link);
    be64_store(consumer->place, ++channel->joined);
    sorted_add(&channel->consumers_in_order, &consumer->in_order,
               span_make(consumer->place, sizeof consumer->place),
               (unsigned)hash_number(&channel->core->config.seed, channel->joined));
    channel->consumer_count++;
    update_consumer(consumer);
    return CHANNEL_OK;
}

void channel_leave(struct consumer *consumer)
{
    struct channel *channel = consumer->channel;
    subscription_end(consumer->subscription);
    consumer->subscription = NULL;
    consumer->in_flight_count = 0;
    channel->capacity -= consumer->capacity;
    consumer->capacity = 0;
    list_remove(&consumer->link);
    sorted_remove(&channel->consumers_in_order, &consumer->in_order);
    list_remove(&consumer->ready_link);
    channel->consumer_count--;
    consumer->channel = NULL;
    update_channel(channel);
}

/* --- the consumer ----------------------------------------------------------------------------- */

void consumer_set_ready(struct consumer *consumer, int64_t count)
{
    consumer->ready_count = count;
    if (consumer->channel != NULL) {
        update_consumer(consumer);
    }
}

void consumer_set_blocked(struct consumer *consumer, bool blocked)
{
    consumer->blocked = blocked;
    if (consumer->channel != NULL) {
        update_consumer(consumer);
    }
}

/* Finds the message that FIN, REQ or TOUCH names, and checks that it is in flight for this
 * consumer. */
static enum channel_result find_owned(const struct consumer *consumer, struct span id,
                                      struct in_flight **found)
{
    uint64_t number;
    *found = NULL;
    if (consumer->channel != NULL && !channel_is_ending(consumer->channel) &&
        guid_parse(id, &number)) {
        *found = timed_find(consumer->channel->timed, number);
    }
    if (*found == NULL) {
        return CHANNEL_NOT_IN_FLIGHT;
    }
    return (*found)->subscription == consumer->subscription ? CHANNEL_OK : CHANNEL_NOT_OWNER;
}

enum channel_result consumer_finish(struct consumer *consumer, struct span id, int64_t now,
                                    int64_t wall)
{
    struct in_flight *f;
    enum channel_result result = find_owned(consumer, id, &f);
    if (result == CHANNEL_OK) {
        struct channel *channel = consumer->channel;
        struct message *message = take_in_flight(f);
        if (channel->latency != NULL) {
            latency_note(channel->latency, wall - message->body->timestamp, now);
        }
        consumer->finish_count++;
        channel->core->counts.finished++;
        channel->core->held--;
        message_drop(message, &channel->core->budget);
    }
    return result;
}

enum channel_result consumer_requeue(struct consumer *consumer, struct span id, int64_t delay,
                                     int64_t now)
{
    struct in_flight *f;
    enum channel_result result = find_owned(consumer, id, &f);
    if (result != CHANNEL_OK) {
        return result;
    }
    struct channel *channel = consumer->channel;
    consumer->requeue_count++;
    channel->requeue_count++;
    channel->core->counts.requeued++;
    struct message *message = take_in_flight(f);
    if (delay == 0) {
        enqueue(channel, message);
    } else {
        timed_add_deferred(channel->timed, message, time_after(now, delay));
    }
    return CHANNEL_OK;
}

enum channel_result consumer_touch(struct consumer *consumer, struct span id, int64_t timeout,
                                   int64_t now)
{
    struct in_flight *f;
    enum channel_result result = find_owned(consumer, id, &f);
    if (result == CHANNEL_OK) {
        struct broker_core *core = consumer->channel->core;
        int64_t latest = time_after(f->delivered_at, core->config.max_msg_timeout);
        int64_t wanted = time_after(now, timeout);
        heap_remove(&core->timers, &f->timer.node);
        heap_insert(&core->timers, &f->timer.node, time_earlier(wanted, latest));
    }
    return result;
}

/* --- delivery --------------------------------------------------------------------------------- */

/* The generator xorshift64*. It is fast, and it returns the same numbers for the same seed. No
 * secret depends on it. */
static uint32_t next_random(struct broker_core *core)
{
    uint64_t x = core->random;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    core->random = x;
    return (uint32_t)((x * 0x2545f4914f6cdd1dU) >> 32);
}

bool channel_deliver(struct channel *channel, int64_t now, struct delivery *delivery)
{
    struct broker_core *core = channel->core;
    struct consumer *consumer = container_of(channel->ready.next, struct consumer, ready_link);
    struct message *message = queue_pop(&channel->queue);
    assert(message != NULL);
    /* The consumer goes to the end of the ready list also when sampling drops the message. */
    list_remove(&consumer->ready_link);
    list_push(&channel->ready, &consumer->ready_link);
    /* The documentation says n percent, and so do we; nsqd delivers n + 1 of a hundred. */
    if (consumer->sample_rate > 0 && next_random(core) % 100 >= (uint32_t)consumer->sample_rate) {
        core->held--;
        message_drop(message, &core->budget);
        update_channel(channel);
        return false;
    }
    message->attempts++;
    consumer->message_count++;
    core->counts.delivered++;
    consumer->in_flight_count++;
    timed_add_in_flight(channel->timed, consumer->subscription, message, now,
                        time_after(now, consumer->msg_timeout));
    update_consumer(consumer);
    *delivery = (struct delivery){consumer, message->body, message->attempts};
    return true;
}
