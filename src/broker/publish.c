/* SPDX-License-Identifier: MIT */
/*
 * Publishes messages at once, or keeps them until the disk has answered. Must not know: who
 * publishes, which command the messages arrived with, and what the disk is.
 */
#include "broker/publish.h"

#include "broker/broker.h"

#define WAITING_COST (sizeof(struct waiting_publish) + ALLOC_OVERHEAD)

/* Gives the messages to the topic, which moves them as far as the effort of this call allows. */
static void publish_now(struct topic *topic, struct publish *publish, int64_t now)
{
    topic_publish(topic, &publish->messages, publish->bytes, publish->delay);
    publish->bytes = 0;
    topic_move(topic, SIZE_MAX, now);
    publish->place = broker_place(topic);
}

/* --- waiting ---------------------------------------------------------------------------------- */

static unsigned ticket_hash(const struct broker *broker, uint64_t ticket)
{
    return (unsigned)hash_number(&broker->core.config.seed, ticket);
}

static struct waiting_publish *find_waiting(const struct broker *broker, uint64_t ticket)
{
    unsigned hash = ticket_hash(broker, ticket);
    struct waiting_publish *waiting = NULL;
    HASH_FIND_BYHASHVALUE(hh, broker->waiting, &ticket, sizeof ticket, hash, waiting);
    return waiting;
}

/* Adds an entry, with the next ticket, that waits for the disk. `cost` is charged with it. */
static struct waiting_publish *add_waiting(struct broker *broker, size_t cost)
{
    struct waiting_publish *waiting = alloc_zeroed(sizeof *waiting);
    waiting->ticket = ++broker->last_ticket;
    waiting->cost = WAITING_COST + cost;
    budget_charge(&broker->core.budget, waiting->cost);
    list_push(&broker->to_ask, &waiting->link);
    unsigned hash = ticket_hash(broker, waiting->ticket);
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, broker->waiting, &waiting->ticket, sizeof waiting->ticket, hash,
                                waiting);
    return waiting;
}

/* Keeps the messages of a publish until the disk has answered, and returns the ticket of the
 * publish. `cost` is the result of topic_publish_cost. */
static uint64_t wait_for_disk(struct broker *broker, struct publish *publish, struct topic *topic,
                              size_t cost)
{
    struct waiting_publish *waiting = add_waiting(broker, cost);
    waiting->publish = *publish;
    waiting->topic_serial = topic->serial;
    publish->messages = (struct queue){0};
    publish->bytes = 0;
    return waiting->ticket;
}

/* Removes and frees a waiting publish. Returns the publish. The caller owns its messages
 * afterwards. */
static struct publish end_waiting(struct broker *broker, struct waiting_publish *waiting)
{
    struct publish publish = waiting->publish;
    HASH_DELETE(hh, broker->waiting, waiting);
    list_remove(&waiting->link);
    budget_release(&broker->core.budget, waiting->cost);
    alloc_free(waiting);
    return publish;
}

uint64_t broker_next_ticket(struct broker *broker)
{
    if (list_empty(&broker->to_ask)) {
        return 0;
    }
    struct waiting_publish *waiting =
        container_of(broker->to_ask.next, struct waiting_publish, link);
    list_remove(&waiting->link);
    return waiting->ticket;
}

bool broker_publish_settle(struct broker *broker, uint64_t ticket, bool safe, int64_t now)
{
    struct waiting_publish *waiting = find_waiting(broker, ticket);
    if (waiting == NULL) {
        return false;
    }
    if (waiting->is_change) {
        end_waiting(broker, waiting);
        return safe;
    }
    struct topic *topic = broker_find_topic(broker, name_span(&waiting->publish.topic));
    bool publishes = safe && topic != NULL && topic->serial == waiting->topic_serial;
    struct publish publish = end_waiting(broker, waiting);
    if (publishes) {
        publish_now(topic, &publish, now);
    }
    broker_discard(broker, &publish.messages);
    return publishes;
}

void broker_drop_waiting(struct broker *broker)
{
    while (broker->waiting != NULL) {
        struct publish publish = end_waiting(broker, broker->waiting);
        broker_discard(broker, &publish.messages);
    }
}

uint64_t broker_note_change(struct broker *broker)
{
    if (!broker->core.config.wait_publishes) {
        return 0;
    }
    struct waiting_publish *waiting = add_waiting(broker, 0);
    waiting->is_change = true;
    return waiting->ticket;
}

/* --- publishing ------------------------------------------------------------------------------- */

void broker_add_message(struct broker *broker, struct publish *publish, struct body *body,
                        int64_t wall)
{
    body->id = guid_next(&broker->core.ids, broker->core.config.node_id, wall);
    body->timestamp = wall;
    body->deferred = publish->delay;
    publish->bytes += body->size;
    queue_push(&publish->messages, message_first(body));
}

enum publish_outcome broker_publish(struct broker *broker, struct publish *publish, int64_t now,
                                    uint64_t *ticket)
{
    struct topic *topic = broker_topic(broker, name_span(&publish->topic), BUDGET_QUEUE);
    if (topic == NULL) {
        return PUBLISH_REFUSED;
    }
    bool waits = broker->core.config.wait_publishes && publish->messages.n > 0;
    size_t cost = topic_publish_cost(topic, publish->messages.n, publish->delay);
    size_t needed = cost + (waits ? WAITING_COST : 0);
    if (needed > 0 && !budget_has_room(&broker->core.budget, BUDGET_QUEUE, needed)) {
        return PUBLISH_REFUSED;
    }
    if (waits) {
        *ticket = wait_for_disk(broker, publish, topic, cost);
        return PUBLISH_WAITS;
    }
    publish_now(topic, publish, now);
    return PUBLISH_DONE;
}

/* --- moves that are left ---------------------------------------------------------------------- */

struct publish_place broker_place(const struct topic *topic)
{
    return (struct publish_place){.serial = topic->moving.n == 0 ? 0 : topic->serial,
                                  .last = topic->admitted};
}

/* Returns whether all messages before the place were moved. */
static bool is_moved(const struct topic *topic, const struct publish_place *place)
{
    return topic == NULL || topic->serial != place->serial ||
           topic->admitted - topic->moving.n >= place->last;
}

bool broker_moved(struct broker *broker, struct publish *publish, int64_t now)
{
    struct publish_place *place = &publish->place;
    if (place->serial == 0) {
        return true;
    }
    struct topic *topic = broker_find_topic(broker, name_span(&publish->topic));
    if (!is_moved(topic, place)) {
        topic_move(topic, SIZE_MAX, now);
    }
    if (is_moved(topic, place)) {
        *place = (struct publish_place){0};
    }
    return place->serial == 0;
}
