/* SPDX-License-Identifier: MIT */
/*
 * Manages the table of topics, handles the timers of messages, and logs how many messages are lost
 * when the server stops. Must not know: connections, commands, clocks.
 */
#include "broker/broker.h"

#include "base/text.h"

void broker_init(struct broker *broker, const struct broker_config *config, struct log *log)
{
    *broker = (struct broker){.core = {.config = *config, .log = log}};
    broker->core.budget = budget_of_cap(config->mem_queue_bytes);
    /* Peers see which messages sampling has dropped. So the first state of its generator must not
     * be the secret seed itself. It must not be 0 either, because the generator would stay at 0. */
    broker->core.random = hash_bytes(&config->seed, SPAN("sampling")) | 1;
    list_init(&broker->core.active);
    list_init(&broker->core.orphans);
    list_init(&broker->to_ask);
}

void broker_free(struct broker *broker)
{
    struct topic *topic;
    struct topic *next;
    broker_drop_waiting(broker);
    HASH_ITER(hh, broker->topics, topic, next)
    {
        HASH_DELETE(hh, broker->topics, topic);
        topic_free(topic);
    }
    heap_free(&broker->core.timers);
}

struct topic *broker_find_topic(const struct broker *broker, struct span name)
{
    unsigned hash = (unsigned)hash_bytes(&broker->core.config.seed, name);
    struct topic *topic = NULL;
    HASH_FIND_BYHASHVALUE(hh, broker->topics, name.p, name.n, hash, topic);
    return topic;
}

struct topic *broker_topic(struct broker *broker, struct span name, enum budget_use use)
{
    struct topic *topic = broker_find_topic(broker, name);
    if (topic != NULL || !budget_has_room(&broker->core.budget, use, TOPIC_COST)) {
        return topic;
    }
    topic = topic_new(&broker->core, name);
    unsigned hash = (unsigned)hash_bytes(&broker->core.config.seed, name);
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, broker->topics, topic->name.bytes, topic->name.n, hash, topic);
    log_say(broker->core.log, LOG_INFO, "TOPIC(%): created", name_span(&topic->name));
    return topic;
}

bool broker_deliver(struct broker *broker, int64_t now, struct delivery *delivery)
{
    struct list *active = &broker->core.active;
    while (!list_empty(active)) {
        if (channel_deliver(container_of(active->next, struct channel, active_link), now,
                            delivery)) {
            return true;
        }
    }
    return false;
}

bool broker_can_deliver(const struct broker *broker)
{
    return !list_empty(&broker->core.active);
}

int64_t broker_next_deadline(const struct broker *broker)
{
    return heap_first_key(&broker->core.timers, TIME_NEVER);
}

bool broker_expire(struct broker *broker, int64_t now)
{
    if (broker_next_deadline(broker) > now) {
        return false;
    }
    struct heap_node *node = heap_first(&broker->core.timers);
    if (node == NULL) {
        return false;
    }
    struct timer *timer = container_of(node, struct timer, node);
    if (timer->kind == TIMER_IN_FLIGHT) {
        in_flight_expire(container_of(timer, struct in_flight, timer));
    } else {
        deferred_expire(container_of(timer, struct deferred, timer));
    }
    return true;
}

/* Returns how many messages a channel has. */
static size_t held(const struct channel *channel)
{
    return channel->queue.n + channel->deferred_count + channel_in_flight_count(channel);
}

static void log_lost_channel(const struct broker_core *core, const struct channel *channel)
{
    char queued[TEXT_DECIMAL_MAX];
    char in_flight[TEXT_DECIMAL_MAX];
    char deferred[TEXT_DECIMAL_MAX];
    if (held(channel) > 0) {
        log_say(core->log, LOG_WARNING,
                "CHANNEL(%): losing % memory % in-flight % deferred messages, there is no disk yet",
                name_span(&channel->name), text_decimal(queued, (int64_t)channel->queue.n),
                text_decimal(in_flight, (int64_t)channel_in_flight_count(channel)),
                text_decimal(deferred, (int64_t)channel->deferred_count));
    }
}

static void log_lost_topic(const struct broker_core *core, const struct topic *topic)
{
    char queued[TEXT_DECIMAL_MAX];
    log_say(core->log, LOG_INFO, "TOPIC(%): closing", name_span(&topic->name));
    for (struct channel *channel = topic->channels; channel != NULL; channel = channel->hh.next) {
        log_say(core->log, LOG_INFO, "CHANNEL(%): closing", name_span(&channel->name));
        log_lost_channel(core, channel);
    }
    if (topic->queue.n > 0) {
        log_say(core->log, LOG_WARNING, "TOPIC(%): losing % memory messages, there is no disk yet",
                name_span(&topic->name), text_decimal(queued, (int64_t)topic->queue.n));
    }
}

/* Logs the sum for all topics. This line is the first one, because the log may have no room for the
 * lines of all topics. */
static void log_lost_sum(const struct broker *broker)
{
    char sum[TEXT_DECIMAL_MAX];
    size_t lost = 0;
    for (const struct topic *topic = broker->topics; topic != NULL; topic = topic->hh.next) {
        lost += topic->queue.n;
        for (struct channel *c = topic->channels; c != NULL; c = c->hh.next) {
            lost += held(c);
        }
    }
    if (lost > 0) {
        log_say(broker->core.log, LOG_WARNING, "NSQ: % messages are lost, there is no disk yet",
                text_decimal(sum, (int64_t)lost));
    }
}

void broker_log_lost(const struct broker *broker)
{
    log_lost_sum(broker);
    for (const struct topic *topic = broker->topics; topic != NULL; topic = topic->hh.next) {
        log_lost_topic(&broker->core, topic);
    }
}
