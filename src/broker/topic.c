/* SPDX-License-Identifier: MIT */
/*
 * Sets the ids of messages, and moves messages from a topic to its channels. Must not know: who
 * publishes, who consumes, and what a channel does with a message.
 */
#include "broker/topic.h"

struct topic *topic_new(struct broker_core *core, struct span name)
{
    struct topic *topic = alloc_zeroed(sizeof *topic);
    topic->core = core;
    topic->name = name_make(name);
    topic->serial = ++core->last_serial;
    topic->ephemeral = nsq_name_ephemeral(name);
    budget_charge(&core->budget, TOPIC_COST);
    return topic;
}

void topic_free(struct topic *topic)
{
    struct channel *channel;
    struct channel *next;
    HASH_ITER(hh, topic->channels, channel, next)
    {
        HASH_DELETE(hh, topic->channels, channel);
        channel_free(channel);
    }
    queue_clear(&topic->queue, &topic->core->budget);
    budget_release(&topic->core->budget, TOPIC_COST);
    alloc_free(topic);
}

/* Gives every channel a message with the body of `message`. The last channel gets `message` itself,
 * each other channel gets a new message that shares the body. */
static void distribute(struct topic *topic, struct message *message, int64_t now)
{
    struct body *body = message->body;
    int64_t delay = body->deferred;
    for (struct channel *channel = topic->channels; channel != NULL; channel = channel->hh.next) {
        struct channel *later = channel->hh.next;
        struct message *share = message;
        if (later != NULL) {
            share = message_share(body, &topic->core->budget);
        }
        if (delay != 0) {
            channel_defer(channel, share, delay, now);
        } else {
            channel_put(channel, share);
        }
    }
}

/* Returns whether new messages stay in the topic. */
static bool keeps_messages(const struct topic *topic)
{
    return topic->channels == NULL || topic->paused;
}

/* Moves all messages of the topic to the channels, unless the topic keeps messages. nsqd's function
 * messagePump of a topic does the same. */
static void move_to_channels(struct topic *topic, int64_t now)
{
    while (!keeps_messages(topic) && topic->queue.n > 0) {
        distribute(topic, queue_pop(&topic->queue), now);
    }
}

struct channel *topic_find_channel(const struct topic *topic, struct span name)
{
    unsigned hash = (unsigned)hash_bytes(&topic->core->config.seed, name);
    struct channel *channel = NULL;
    HASH_FIND_BYHASHVALUE(hh, topic->channels, name.p, name.n, hash, channel);
    return channel;
}

struct channel *topic_channel(struct topic *topic, struct span name, int64_t now)
{
    struct channel *channel = topic_find_channel(topic, name);
    if (channel != NULL) {
        return channel;
    }
    if (!budget_has_room(&topic->core->budget, BUDGET_CLIENT, CHANNEL_COST)) {
        return NULL;
    }
    channel = channel_new(topic->core, topic, name);
    unsigned hash = (unsigned)hash_bytes(&topic->core->config.seed, name);
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, topic->channels, channel->name.bytes, channel->name.n, hash,
                                channel);
    log_say(topic->core->log, LOG_INFO, "TOPIC(%): new channel(%)", name_span(&topic->name),
            name_span(&channel->name));
    move_to_channels(topic, now);
    return channel;
}

void topic_remove_channel(struct topic *topic, struct channel *channel)
{
    HASH_DELETE(hh, topic->channels, channel);
    channel_free(channel);
}

size_t topic_publish_cost(const struct topic *topic, size_t count, int64_t delay)
{
    size_t channels = topic->paused ? 0 : HASH_COUNT(topic->channels);
    if (channels == 0) {
        return 0;
    }
    return count * ((channels - 1) * MESSAGE_COST + (delay == 0 ? 0 : channels * DEFERRED_COST));
}

void topic_stamp(struct topic *topic, struct body *body, int64_t delay, int64_t wall)
{
    body->id = guid_next(&topic->ids, topic->core->config.node_id, wall);
    body->timestamp = wall;
    body->deferred = delay;
}

void topic_publish(struct topic *topic, struct message *message, int64_t now)
{
    topic->message_count++;
    topic->message_bytes += message->body->size;
    if (!keeps_messages(topic)) {
        distribute(topic, message, now); /* the queue is empty, so the order is kept */
        return;
    }
    if (topic->ephemeral && (int64_t)topic->queue.n >= topic->core->config.mem_queue_size) {
        topic->drop_count++;
        message_drop(message, &topic->core->budget);
        return;
    }
    queue_push(&topic->queue, message);
}

void topic_pause(struct topic *topic, bool paused, int64_t now)
{
    topic->paused = paused;
    move_to_channels(topic, now);
}
