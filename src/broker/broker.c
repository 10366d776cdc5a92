/* SPDX-License-Identifier: MIT */
/*
 * Manages the table of topics, handles the timers of messages, and logs how many messages are lost
 * when the server stops. Must not know: connections, commands, clocks.
 */
#include "broker/broker.h"

#include <assert.h>

#include "base/text.h"

void broker_init(struct broker *broker, const struct broker_config *config, struct log *log)
{
    *broker = (struct broker){.core = {.config = *config, .log = log}};
    broker->core.budget = budget_of_cap(config->mem_queue_bytes);
    /* Peers see which messages sampling has dropped. So the first state of its generator must not
     * be the secret seed itself. It must not be 0 either, because the generator would stay at 0. */
    broker->core.random = hash_bytes(&config->seed, SPAN("sampling")) | 1;
    broker->core.latency =
        latency_setting(&broker->core.config.latency, &broker->core.budget, &broker->core.effort);
    list_init(&broker->core.active);
    list_init(&broker->core.moving);
    list_init(&broker->core.orphans);
    list_init(&broker->core.ending);
    list_init(&broker->core.ending_channels);
    list_init(&broker->core.ending_topics);
    list_init(&broker->core.starting_topics);
    list_init(&broker->to_ask);
    assert(config->effort_a_call > 0);
    size_t share = config->effort_a_call / BROKER_SHARES;
    broker->core.effort_a_share = share > 0 ? share : 1;
    broker_begin_call(broker);
}

static struct topic *topic_of(struct table_entry *entry)
{
    return entry == NULL ? NULL : container_of(entry, struct topic, entry);
}

struct topic *broker_first_topic(const struct broker *broker)
{
    return topic_of(split_table_first(&broker->topics));
}

struct topic *broker_topic_after(const struct broker *broker, const struct topic *topic)
{
    return topic_of(split_table_next(&broker->topics, &topic->entry));
}

void broker_remove_topic(struct broker *broker, struct topic *topic)
{
    split_table_remove(&broker->topics, &topic->entry);
    sorted_remove(&broker->topics_in_order, &topic->in_order);
}

void broker_free(struct broker *broker)
{
    struct topic *topic;
    broker_drop_waiting(broker);
    while ((topic = broker_first_topic(broker)) != NULL) {
        broker_remove_topic(broker, topic);
        while (topic->table.count > 0) {
            topic_remove_channel(topic, topic_first_channel(topic));
        }
        topic_free(topic);
    }
    budget_release(&broker->core.budget, split_table_cost(&broker->topics));
    split_table_free(&broker->topics);
    changes_free(&broker->core.changes, &broker->core.budget);
    effort_allow(&broker->core.effort, SIZE_MAX);
    broker_collect(broker);
    assert(broker->core.held == 0); /* what came in has left */
    heap_free(&broker->core.timers);
}

static unsigned name_hash(const struct broker *broker, struct span name)
{
    return (unsigned)hash_bytes(&broker->core.config.seed, name);
}

struct topic *broker_find_topic(const struct broker *broker, struct span name)
{
    return topic_of(split_table_find(&broker->topics, name, name_hash(broker, name)));
}

static void add_topic(struct broker *broker, struct topic *topic)
{
    struct span name = name_span(&topic->name);
    unsigned hash = name_hash(broker, name);
    size_t before = split_table_cost(&broker->topics);
    split_table_add(&broker->topics, &topic->entry, name, hash);
    sorted_add(&broker->topics_in_order, &topic->in_order, name, hash);
    budget_charge(&broker->core.budget, split_table_cost(&broker->topics) - before);
}

struct topic *broker_topic(struct broker *broker, struct span name, enum budget_use use)
{
    struct topic *topic = broker_find_topic(broker, name);
    if (topic != NULL || !budget_has_room_for_name(&broker->core.budget, use, TOPIC_COST)) {
        return topic;
    }
    topic = topic_new(&broker->core, name);
    add_topic(broker, topic);
    changes_note(&broker->core.changes, name, span_make(NULL, 0), false);
    log_say(broker->core.log, LOG_INFO, "TOPIC(%): created", name_span(&topic->name));
    return topic;
}

/* Delivers one message of a channel, unless sampling drops it. */
static bool deliver_of(struct broker *broker, struct channel *channel, int64_t now,
                       struct delivery *delivery)
{
    bool delivered = channel_deliver(channel, now, delivery);
    effort_use(&broker->core.effort, EFFORT_DELIVERY);
    return delivered;
}

/* Returns the channel whose turn it is. There must be an active channel. */
static struct channel *channel_in_turn(struct broker_core *core)
{
    struct list *first = core->active.next;
    if (core->in_turn >= BROKER_DELIVERIES_A_TURN) {
        core->in_turn = 0;
        list_remove(first);
        list_push(&core->active, first);
    }
    core->in_turn++;
    return container_of(core->active.next, struct channel, active_link);
}

bool broker_deliver(struct broker *broker, int64_t now, struct delivery *delivery)
{
    struct broker_core *core = &broker->core;
    while (!list_empty(&core->active) && effort_is_left(&core->effort)) {
        struct channel *channel = channel_in_turn(core);
        if (channel_is_ending(channel)) {
            list_remove(&channel->active_link);
            effort_use(&core->effort, EFFORT_DELIVERY);
        } else if (deliver_of(broker, channel, now, delivery)) {
            return true;
        }
    }
    return false;
}

bool broker_deliver_to(struct broker *broker, struct consumer *consumer, int64_t now,
                       struct delivery *delivery)
{
    while (consumer_can_receive(consumer) && effort_is_left(&broker->core.effort)) {
        if (deliver_of(broker, consumer->channel, now, delivery)) {
            return true;
        }
    }
    return false;
}

int64_t broker_next_deadline(const struct broker *broker)
{
    return heap_first_key(&broker->core.timers, TIME_NEVER);
}

bool broker_expire(struct broker *broker, int64_t now)
{
    struct heap_node *node = heap_first(&broker->core.timers);
    if (node == NULL || broker_next_deadline(broker) > now ||
        !effort_is_left(&broker->core.effort)) {
        return false;
    }
    effort_use(&broker->core.effort, EFFORT_TIMER);
    struct timer *timer = container_of(node, struct timer, node);
    if (timer->kind == TIMER_IN_FLIGHT) {
        in_flight_expire(container_of(timer, struct in_flight, timer));
    } else {
        deferred_expire(container_of(timer, struct deferred, timer));
    }
    return true;
}

/* --- work in slices --------------------------------------------------------------------------- */

void broker_move(struct broker *broker, int64_t now)
{
    struct list *moving = &broker->core.moving;
    while (!list_empty(moving) && effort_is_left(&broker->core.effort)) {
        struct topic *topic = container_of(moving->next, struct topic, moving_link);
        list_remove(&topic->moving_link); /* topic_move adds the topic at the end */
        topic_move(topic, BROKER_MOVES_A_TURN, now);
    }
}

void broker_discard(struct broker *broker, struct queue *messages)
{
    queue_splice(&broker->core.garbage, messages);
    broker_collect(broker);
}

/* Frees the messages of the queue of garbage. */
static void collect_garbage(struct broker_core *core)
{
    while (core->garbage.n > 0 && effort_is_left(&core->effort)) {
        message_drop(queue_pop(&core->garbage), &core->budget);
        effort_use(&core->effort, EFFORT_FREE);
    }
}

/* Frees the messages that channels have dropped and that have a timer. */
static void collect_timed(struct broker_core *core)
{
    while (!list_empty(&core->ending) && effort_is_left(&core->effort)) {
        timed_collect(container_of(core->ending.next, struct timed, link));
        effort_use(&core->effort, EFFORT_FREE_TIMED);
    }
}

/* Takes the consumers out of deleted channels, and frees the channels. */
static void collect_channels(struct broker_core *core)
{
    while (!list_empty(&core->ending_channels) && effort_is_left(&core->effort)) {
        channel_collect(container_of(core->ending_channels.next, struct channel, link));
        effort_use(&core->effort, EFFORT_ORPHAN);
    }
}

/* Deletes the channels of deleted topics, and the topics. */
static void collect_topics(struct broker_core *core)
{
    while (!list_empty(&core->ending_topics) && effort_is_left(&core->effort)) {
        struct topic *topic = container_of(core->ending_topics.next, struct topic, ending_link);
        if (topic->table.count > 0) {
            topology_end_channel(topic_first_channel(topic));
        } else {
            topic_free(topic);
        }
        effort_use(&core->effort, EFFORT_END);
        collect_channels(core);
    }
}

void broker_collect(struct broker *broker)
{
    collect_channels(&broker->core);
    collect_topics(&broker->core); /* before the others, because it makes garbage */
    collect_timed(&broker->core);
    collect_garbage(&broker->core);
}

/* --- the end ---------------------------------------------------------------------------------- */

/* Returns how many messages are in the queue of a channel, or on their way to it. */
static size_t queued(const struct channel *channel)
{
    return channel->queue.n + topic_moves_to(channel->topic, channel);
}

static void log_lost_channel(const struct broker_core *core, const struct channel *channel)
{
    char in_queue[TEXT_DECIMAL_MAX];
    char in_flight[TEXT_DECIMAL_MAX];
    char deferred[TEXT_DECIMAL_MAX];
    if (queued(channel) + channel_held(channel) > 0) {
        log_say(core->log, LOG_WARNING,
                "CHANNEL(%): losing % memory % in-flight % deferred messages, there is no disk yet",
                name_span(&channel->name), text_decimal(in_queue, (int64_t)queued(channel)),
                text_decimal(in_flight, (int64_t)channel_in_flight_count(channel)),
                text_decimal(deferred, (int64_t)channel->timed->deferred_count));
    }
}

/* Logs a topic and its channels, at most `rows` of them. Returns how many rows are left. */
static size_t log_lost_topic(const struct broker_core *core, const struct topic *topic, size_t rows)
{
    char kept[TEXT_DECIMAL_MAX];
    log_say(core->log, LOG_INFO, "TOPIC(%): closing", name_span(&topic->name));
    rows--;
    const struct channel *channel = topic_first_channel(topic);
    for (; channel != NULL && rows > 0; channel = topic_next_channel(channel), rows--) {
        log_say(core->log, LOG_INFO, "CHANNEL(%): closing", name_span(&channel->name));
        log_lost_channel(core, channel);
    }
    if (topic->queue.n > 0) {
        log_say(core->log, LOG_WARNING, "TOPIC(%): losing % memory messages, there is no disk yet",
                name_span(&topic->name), text_decimal(kept, (int64_t)topic->queue.n));
    }
    return rows;
}

/* The sum for all topics is the first line. A walk over all topics would take too long. */
void broker_log_lost(const struct broker *broker)
{
    const struct broker_core *core = &broker->core;
    char number[TEXT_DECIMAL_MAX];
    size_t rows = BROKER_LOST_ROWS;
    if (core->held > 0) {
        log_say(core->log, LOG_WARNING, "NSQ: % messages are lost, there is no disk yet",
                text_decimal(number, (int64_t)core->held));
    }
    const struct topic *topic = broker_first_topic(broker);
    for (; topic != NULL && rows > 0; topic = broker_topic_after(broker, topic)) {
        rows = log_lost_topic(core, topic, rows);
    }
    if (rows == 0) {
        log_say(core->log, LOG_INFO, "NSQ: not every topic and channel has its line (% topics)",
                text_decimal(number, (int64_t)broker->topics.count));
    }
}
