/* SPDX-License-Identifier: MIT */
/*
 * Moves messages inside a channel, and decides which consumer gets the next message. Must not know:
 * connections, and the other channels of the topic.
 */
#include "broker/channel.h"

#include <assert.h>

#include "broker/guid.h"

#define CAPACITY_MAX INT32_MAX /* of one consumer; the bound prevents an overflow of the sum */

/* --- who can deliver to whom ------------------------------------------------------------------ */

/* Adds the channel to core->active or removes it. Must be called after every change of the queue,
 * the ready list or `paused`. */
static void update_channel(struct channel *channel)
{
    bool active = !channel->paused && channel->queue.n > 0 && !list_empty(&channel->ready);
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
        message_drop(message, &channel->core->budget);
        return;
    }
    queue_push(&channel->queue, message);
    update_channel(channel);
}

/* --- in flight -------------------------------------------------------------------------------- */

/* The hash uses the secret seed because a peer decides which ids stay in flight. Without the seed,
 * it could choose ids with equal hashes, which would make the table slow. */
static unsigned id_hash(const struct channel *channel, uint64_t id)
{
    return (unsigned)hash_number(&channel->core->config.seed, id);
}

static struct in_flight *find_in_flight(const struct channel *channel, uint64_t id)
{
    unsigned hash = id_hash(channel, id); /* not inside the macro, which would compute it twice */
    struct in_flight *found = NULL;
    HASH_FIND_BYHASHVALUE(hh, channel->in_flight, &id, sizeof id, hash, found);
    return found;
}

static void add_in_flight(struct channel *channel, struct consumer *consumer,
                          struct message *message, int64_t now)
{
    struct in_flight *f = alloc_zeroed(sizeof *f);
    f->channel = channel;
    f->consumer = consumer;
    f->message = message;
    f->delivered_at = now;
    f->timer.kind = TIMER_IN_FLIGHT;
    list_push(&consumer->in_flight, &f->link);
    consumer->in_flight_count++;
    unsigned hash = id_hash(channel, message->body->id);
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, channel->in_flight, &message->body->id, sizeof(uint64_t), hash,
                                f);
    heap_insert(&channel->core->timers, &f->timer.node, time_after(now, consumer->msg_timeout));
    budget_charge(&channel->core->budget, IN_FLIGHT_COST);
}

/* Removes and frees the entry of a message in flight, and returns the message. */
static struct message *take_in_flight(struct in_flight *f)
{
    struct channel *channel = f->channel;
    struct consumer *consumer = f->consumer;
    struct message *message = f->message;
    HASH_DELETE(hh, channel->in_flight, f);
    heap_remove(&channel->core->timers, &f->timer.node);
    list_remove(&f->link);
    alloc_free(f);
    budget_release(&channel->core->budget, IN_FLIGHT_COST);
    if (consumer != NULL) {
        consumer->in_flight_count--;
        update_consumer(consumer);
    }
    return message;
}

size_t channel_in_flight_count(const struct channel *channel)
{
    return HASH_COUNT(channel->in_flight);
}

void in_flight_expire(struct in_flight *f)
{
    struct channel *channel = f->channel;
    channel->timeout_count++;
    enqueue(channel, take_in_flight(f));
}

/* --- deferred --------------------------------------------------------------------------------- */

static void add_deferred(struct channel *channel, struct message *message, int64_t due)
{
    struct deferred *d = alloc_zeroed(sizeof *d);
    d->channel = channel;
    d->message = message;
    d->timer.kind = TIMER_DEFERRED;
    list_push(&channel->deferred, &d->link);
    channel->deferred_count++;
    heap_insert(&channel->core->timers, &d->timer.node, due);
    budget_charge(&channel->core->budget, DEFERRED_COST);
}

static struct message *take_deferred(struct deferred *d)
{
    struct channel *channel = d->channel;
    struct message *message = d->message;
    heap_remove(&channel->core->timers, &d->timer.node);
    list_remove(&d->link);
    channel->deferred_count--;
    alloc_free(d);
    budget_release(&channel->core->budget, DEFERRED_COST);
    return message;
}

void deferred_expire(struct deferred *d)
{
    struct channel *channel = d->channel;
    enqueue(channel, take_deferred(d));
}

/* --- the channel ------------------------------------------------------------------------------ */

struct channel *channel_new(struct broker_core *core, struct topic *topic, struct span name)
{
    struct channel *channel = alloc_zeroed(sizeof *channel);
    channel->core = core;
    channel->topic = topic;
    channel->name = name_make(name);
    channel->ephemeral = nsq_name_ephemeral(name);
    list_init(&channel->deferred);
    list_init(&channel->consumers);
    list_init(&channel->ready);
    list_init(&channel->active_link);
    budget_charge(&core->budget, CHANNEL_COST);
    return channel;
}

void channel_empty(struct channel *channel)
{
    struct budget *budget = &channel->core->budget;
    queue_clear(&channel->queue, budget);
    struct in_flight *f;
    struct in_flight *next;
    HASH_ITER(hh, channel->in_flight, f, next)
    {
        message_drop(take_in_flight(f), budget);
    }
    while (!list_empty(&channel->deferred)) {
        struct deferred *d = container_of(channel->deferred.next, struct deferred, link);
        message_drop(take_deferred(d), budget);
    }
    update_channel(channel);
}

void channel_free(struct channel *channel)
{
    assert(channel->consumer_count == 0 && list_empty(&channel->active_link));
    channel_empty(channel);
    budget_release(&channel->core->budget, CHANNEL_COST);
    alloc_free(channel);
}

void channel_put(struct channel *channel, struct message *message)
{
    channel->message_count++;
    enqueue(channel, message);
}

void channel_defer(struct channel *channel, struct message *message, int64_t delay, int64_t now)
{
    channel->message_count++;
    add_deferred(channel, message, time_after(now, delay));
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
    list_init(&consumer->ready_link);
    list_init(&consumer->in_flight);
    list_push(&channel->consumers, &consumer->link);
    channel->consumer_count++;
    update_consumer(consumer);
    return CHANNEL_OK;
}

void channel_leave(struct consumer *consumer)
{
    struct channel *channel = consumer->channel;
    while (!list_empty(&consumer->in_flight)) {
        struct in_flight *f = container_of(consumer->in_flight.next, struct in_flight, link);
        list_remove(&f->link);
        f->consumer = NULL;
    }
    consumer->in_flight_count = 0;
    channel->capacity -= consumer->capacity;
    consumer->capacity = 0;
    list_remove(&consumer->link);
    list_remove(&consumer->ready_link);
    channel->consumer_count--;
    consumer->channel = NULL;
    update_channel(channel);
}

void channel_orphan_consumers(struct channel *channel)
{
    while (!list_empty(&channel->consumers)) {
        struct consumer *consumer = container_of(channel->consumers.next, struct consumer, link);
        assert(consumer->channel == channel); /* the static analyzer needs this too */
        channel_leave(consumer);
        consumer->orphan = true;
        list_push(&channel->core->orphans, &consumer->link);
    }
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
    if (consumer->channel != NULL && guid_parse(id, &number)) {
        *found = find_in_flight(consumer->channel, number);
    }
    if (*found == NULL) {
        return CHANNEL_NOT_IN_FLIGHT;
    }
    return (*found)->consumer == consumer ? CHANNEL_OK : CHANNEL_NOT_OWNER;
}

enum channel_result consumer_finish(struct consumer *consumer, struct span id)
{
    struct in_flight *f;
    enum channel_result result = find_owned(consumer, id, &f);
    if (result == CHANNEL_OK) {
        consumer->finish_count++;
        message_drop(take_in_flight(f), &consumer->channel->core->budget);
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
    struct message *message = take_in_flight(f);
    if (delay == 0) {
        enqueue(channel, message);
    } else {
        add_deferred(channel, message, time_after(now, delay));
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
        message_drop(message, &core->budget);
        update_channel(channel);
        return false;
    }
    message->attempts++;
    consumer->message_count++;
    add_in_flight(channel, consumer, message, now);
    update_consumer(consumer);
    *delivery = (struct delivery){consumer, message->body, message->attempts};
    return true;
}
