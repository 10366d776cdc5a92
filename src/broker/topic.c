/* SPDX-License-Identifier: MIT */
/*
 * Moves messages from a topic to its channels, and counts the memory that the moves will need. Must
 * not know: who publishes, who consumes, and what a channel does with a message.
 */
#include "broker/topic.h"

struct topic *topic_new(struct broker_core *core, struct span name)
{
    struct topic *topic = alloc_zeroed(sizeof *topic);
    topic->core = core;
    topic->name = name_make(name);
    topic->serial = ++core->last_serial;
    topic->ephemeral = nsq_name_ephemeral(name);
    list_init(&topic->channels);
    list_init(&topic->moving_link);
    list_init(&topic->ending_link);
    list_init(&topic->starting_link);
    topic->starting = core->start_topics_later;
    if (topic->starting) {
        list_push(&core->starting_topics, &topic->starting_link);
    }
    budget_charge_name(&core->budget, TOPIC_COST);
    return topic;
}

void topic_free(struct topic *topic)
{
    assert(topic->table.count == 0 && topic->moving.n == 0);
    topic_empty(topic);
    list_remove(&topic->ending_link);
    list_remove(&topic->starting_link);
    budget_release(&topic->core->budget, split_table_cost(&topic->table));
    budget_release_name(&topic->core->budget, TOPIC_COST);
    split_table_free(&topic->table);
    alloc_free(topic);
}

/* --- what is left to move --------------------------------------------------------------------- */

/* Returns how many messages have left `moving`. Messages leave in the order in which they were
 * admitted, so this is also the number of the last one that has left. */
static uint64_t moved(const struct topic *topic)
{
    return topic->admitted - topic->moving.n;
}

/* Returns true when a channel gets the first message of `moving`, or has got it. */
static bool gets_first(const struct topic *topic, const struct channel *channel)
{
    return channel != NULL && channel->first <= moved(topic);
}

/* Returns true when a channel has got the first message of `moving`. */
static bool has_got_first(const struct topic *topic, const struct channel *channel)
{
    return topic->next != NULL && channel->serial < topic->next->serial;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

size_t topic_moves_to(const struct topic *topic, const struct channel *channel)
{
    uint64_t got = moved(topic) + (has_got_first(topic, channel) ? 1 : 0);
    return (size_t)(topic->admitted - later(got, channel->first));
}

size_t topic_delayed_moves_to(const struct topic *topic, const struct channel *channel)
{
    bool got_delayed = has_got_first(topic, channel) && topic->moving.first->body->deferred != 0;
    uint64_t got = topic->admitted_delayed - topic->moving_delayed + (got_delayed ? 1 : 0);
    return (size_t)(topic->admitted_delayed - later(got, channel->first_delayed));
}

/* Returns how many bytes the moves of messages to all channels need, if no channel has got them.
 * For each message, the last move uses the message that is a part of the body, and each other move
 * needs a new message. A topic without channels counts as if it had one, so that its first channel
 * always has room for the messages. */
static size_t cost_of_moves(size_t channels, size_t count, size_t delayed)
{
    size_t moves = channels > 0 ? channels : 1;
    return count * (moves - 1) * MESSAGE_COST + delayed * moves * DEFERRED_COST;
}

/* Returns what the messages that the topic keeps will need when they go to this many channels. */
static size_t cost_of_kept(const struct topic *topic, size_t channels)
{
    return cost_of_moves(channels, topic->queue.n, topic->queue_delayed);
}

/* Must be called after every change of `queue`, of `moving`, of the moves that are left or of the
 * channels. Computes how many bytes must be reserved. */
static void settle(struct topic *topic)
{
    size_t messages = 0; /* that at least one channel gets */
    const struct channel *oldest = topic_first_channel(topic);
    if (oldest != NULL) {
        messages = (size_t)(topic->admitted - later(moved(topic), oldest->first));
    }
    size_t reserved = (topic->moves_left - messages) * MESSAGE_COST +
                      topic->delayed_moves_left * DEFERRED_COST +
                      cost_of_kept(topic, topic->table.count);
    budget_charge(&topic->core->budget, reserved);
    budget_release(&topic->core->budget, topic->reserved);
    topic->reserved = reserved;
    topic->core->held += topic->moves_left;
    topic->core->held -= topic->moves_held;
    topic->moves_held = topic->moves_left;
    if (topic->moving.n == 0) {
        list_remove(&topic->moving_link);
    } else if (list_empty(&topic->moving_link)) {
        list_push(&topic->core->moving, &topic->moving_link);
    }
}

/* --- moves ------------------------------------------------------------------------------------ */

/* Returns whether new messages stay in the topic. */
static bool keeps_messages(const struct topic *topic)
{
    return topic->table.count == 0 || topic->paused || topic->starting;
}

/* topic_move must be called afterwards. */
static void admit(struct topic *topic, struct queue *messages, size_t delayed)
{
    struct channel *only = topic_first_channel(topic);
    if (topic->table.count == 1 && topic->moving.n == 0 && delayed == 0 && !only->ephemeral) {
        topic->admitted += messages->n; /* as can_move_all, without the way through `moving` */
        channel_put_all(only, messages);
        effort_use(&topic->core->effort, EFFORT_MOVE);
        return;
    }
    size_t channels = topic->table.count;
    topic->admitted += messages->n;
    topic->admitted_delayed += delayed;
    topic->moves_left += channels * messages->n;
    topic->delayed_moves_left += channels * delayed;
    topic->moving_delayed += delayed;
    queue_splice(&topic->moving, messages);
}

/* Admits the messages that the topic has kept, when it does not have to keep them any more. */
static void admit_kept(struct topic *topic)
{
    if (topic->queue.n > 0 && !keeps_messages(topic)) {
        topic->core->held -= topic->queue.n;
        admit(topic, &topic->queue, topic->queue_delayed);
        topic->queue_delayed = 0;
    }
}

static struct message *pop_moving(struct topic *topic)
{
    struct message *message = queue_pop(&topic->moving);
    topic->moving_delayed -= message->body->deferred != 0;
    topic->next = NULL;
    return message;
}

/* Moves the first message to one channel. When the channels that should have got it were deleted,
 * frees it. */
static void move_one(struct topic *topic, int64_t now)
{
    struct channel *channel = topic->next != NULL ? topic->next : topic_first_channel(topic);
    if (!gets_first(topic, channel)) {
        message_drop(pop_moving(topic), &topic->core->budget);
        return;
    }
    struct body *body = topic->moving.first->body;
    int64_t delay = body->deferred;
    struct channel *next = topic_next_channel(channel);
    struct message *message;
    if (gets_first(topic, next)) {
        message = message_share(body, &topic->core->budget);
        topic->next = next;
    } else {
        message = pop_moving(topic);
    }
    topic->moves_left--;
    if (delay != 0) {
        topic->delayed_moves_left--;
        channel_defer(channel, message, delay, now);
    } else {
        channel_put(channel, message);
    }
}

/* Returns whether `moving` can be put into the queue of the only channel as a whole. */
static bool can_move_all(const struct topic *topic)
{
    const struct channel *only = topic_first_channel(topic);
    return topic->table.count == 1 && gets_first(topic, only) && !only->ephemeral &&
           topic->moving_delayed == 0;
}

void topic_move(struct topic *topic, size_t most, int64_t now)
{
    struct effort *effort = &topic->core->effort;
    size_t kept = cost_of_kept(topic, topic->table.count);
    if (topic->moving.n == 0 && topic->reserved == kept && list_empty(&topic->moving_link)) {
        return; /* this is so after most publishes */
    }
    for (; topic->moving.n > 0 && most > 0 && effort_is_left(effort); most--) {
        if (can_move_all(topic)) {
            topic->moves_left = 0;
            topic->next = NULL;
            channel_put_all(topic_first_channel(topic), &topic->moving);
        } else {
            move_one(topic, now);
        }
        effort_use(effort, EFFORT_MOVE);
    }
    settle(topic);
}

/* --- channels --------------------------------------------------------------------------------- */

static unsigned name_hash(const struct topic *topic, struct span name)
{
    return (unsigned)hash_bytes(&topic->core->config.seed, name);
}

struct channel *topic_find_channel(const struct topic *topic, struct span name)
{
    struct table_entry *entry = split_table_find(&topic->table, name, name_hash(topic, name));
    return entry == NULL ? NULL : container_of(entry, struct channel, entry);
}

static void add_channel(struct topic *topic, struct channel *channel)
{
    struct budget *budget = &topic->core->budget;
    struct span name = name_span(&channel->name);
    unsigned hash = name_hash(topic, name);
    size_t before = split_table_cost(&topic->table);
    split_table_add(&topic->table, &channel->entry, name, hash);
    sorted_add(&topic->channels_in_order, &channel->in_order, name, hash);
    budget_charge(budget, split_table_cost(&topic->table) - before);
    list_push(&topic->channels, &channel->link);
}

/* The channel will get the messages that the topic keeps. As all messages, they may not use the
 * reserve. */
static bool has_room_for_channel(const struct topic *topic)
{
    const struct budget *budget = &topic->core->budget;
    size_t cost = channel_cost(topic->core);
    size_t channels = topic->table.count;
    size_t more = cost_of_kept(topic, channels + 1) - cost_of_kept(topic, channels);
    return budget_has_room_for_name(budget, BUDGET_CLIENT, cost) &&
           (more == 0 || budget_has_room(budget, BUDGET_QUEUE, cost + more));
}

struct channel *topic_channel(struct topic *topic, struct span name, int64_t now)
{
    struct channel *channel = topic_find_channel(topic, name);
    if (channel != NULL) {
        return channel;
    }
    if (!has_room_for_channel(topic)) {
        return NULL;
    }
    channel = channel_new(topic->core, topic, name, now);
    channel->first = topic->admitted;
    channel->first_delayed = topic->admitted_delayed;
    add_channel(topic, channel);
    changes_note(&topic->core->changes, name_span(&topic->name), name, false);
    log_say(topic->core->log, LOG_INFO, "TOPIC(%): new channel(%)", name_span(&topic->name),
            name_span(&channel->name));
    admit_kept(topic);
    topic_move(topic, SIZE_MAX, now);
    return channel;
}

/* The channel is about to be removed. If it is the one that gets the first message next, then the
 * channel after it is the next one. When there is none, all channels have got the message. */
static void skip_channel(struct topic *topic, const struct channel *channel)
{
    if (topic->next != channel) {
        return;
    }
    struct channel *next = topic_next_channel(channel);
    topic->next = gets_first(topic, next) ? next : NULL;
    if (topic->next == NULL) {
        queue_push(&topic->core->garbage, pop_moving(topic));
    }
}

void topic_remove_channel(struct topic *topic, struct channel *channel)
{
    topic->moves_left -= topic_moves_to(topic, channel);
    topic->delayed_moves_left -= topic_delayed_moves_to(topic, channel);
    skip_channel(topic, channel);
    split_table_remove(&topic->table, &channel->entry);
    sorted_remove(&topic->channels_in_order, &channel->in_order);
    list_remove(&channel->link);
    channel_end(channel);
    if (topic->table.count == 0) {
        queue_splice(&topic->core->garbage, &topic->moving);
        topic->moving_delayed = 0;
    }
    settle(topic);
}

void topic_end(struct topic *topic)
{
    topic->ended = true;
    list_remove(&topic->starting_link);
    topic_empty(topic);
    queue_splice(&topic->core->garbage, &topic->moving);
    topic->next = NULL;
    topic->moves_left = topic->delayed_moves_left = topic->moving_delayed = 0;
    settle(topic); /* takes the topic out of core->moving */
    list_push(&topic->core->ending_topics, &topic->ending_link);
}

/* --- publishing ------------------------------------------------------------------------------- */

size_t topic_publish_cost(const struct topic *topic, size_t count, int64_t delay)
{
    return cost_of_moves(topic->table.count, count, delay != 0 ? count : 0);
}

/* Returns how many messages fit into the queue. While a topic is starting, it keeps all messages,
 * because its channels may not be known yet. */
static size_t queue_size(const struct topic *topic)
{
    return topic->ephemeral && !topic->starting ? (size_t)topic->core->config.mem_queue_size
                                                : SIZE_MAX;
}

static void drop(struct topic *topic, struct queue *messages)
{
    topic->drop_count += messages->n;
    topic->core->counts.dropped += messages->n;
    queue_splice(&topic->core->garbage, messages);
}

/* Keeps messages. An ephemeral topic drops those for which its queue has no room. topic_move must
 * be called afterwards. */
static void keep(struct topic *topic, struct queue *messages, int64_t delay)
{
    size_t before = topic->queue.n;
    size_t size = queue_size(topic);
    size_t room = size > before ? size - before : 0;
    if (room >= messages->n) {
        queue_splice(&topic->queue, messages);
    }
    for (; room > 0 && messages->n > 0; room--) {
        queue_push(&topic->queue, queue_pop(messages));
    }
    topic->core->held += topic->queue.n - before;
    topic->queue_delayed += delay != 0 ? topic->queue.n - before : 0;
    drop(topic, messages);
}

/* Drops the newest messages of an ephemeral topic, if it keeps more than its queue has room for.
 * The time depends on the size of the queue, not on the number of messages that are dropped. */
static void drop_surplus(struct topic *topic)
{
    size_t size = queue_size(topic);
    if (topic->queue.n <= size) {
        return;
    }
    struct queue all = topic->queue;
    topic->queue = (struct queue){0};
    topic->queue_delayed = 0;
    while (topic->queue.n < size) {
        struct message *message = queue_pop(&all);
        topic->queue_delayed += message->body->deferred != 0;
        queue_push(&topic->queue, message);
    }
    effort_use(&topic->core->effort, size * EFFORT_MOVE);
    topic->core->held -= all.n;
    drop(topic, &all);
}

void topic_publish(struct topic *topic, struct queue *messages, uint64_t bytes, int64_t delay)
{
    topic->message_count += messages->n;
    topic->message_bytes += bytes;
    topic->core->counts.published += messages->n;
    topic->core->counts.published_bytes += bytes;
    if (keeps_messages(topic)) {
        keep(topic, messages, delay);
    } else {
        admit(topic, messages, delay != 0 ? messages->n : 0);
    }
}

void topic_empty(struct topic *topic)
{
    topic->core->held -= topic->queue.n;
    queue_splice(&topic->core->garbage, &topic->queue);
    topic->queue_delayed = 0;
    settle(topic);
}

void topic_pause(struct topic *topic, bool paused, int64_t now)
{
    topic->paused = paused;
    admit_kept(topic);
    topic_move(topic, SIZE_MAX, now);
}

void topic_start(struct topic *topic, int64_t now)
{
    topic->starting = false;
    list_remove(&topic->starting_link);
    if (keeps_messages(topic)) {
        drop_surplus(topic);
    }
    admit_kept(topic);
    topic_move(topic, SIZE_MAX, now);
}
