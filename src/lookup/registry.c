/* SPDX-License-Identifier: MIT */
/*
 * Changes the registry. registry_read.c reads it. Must not know: connections, commands, HTTP,
 * clocks.
 */
#include "lookup/registry.h"

#include <assert.h>

#include "base/alloc.h"
#include "base/time.h"

#define PRODUCER_COST (sizeof(struct registry_producer) + ALLOC_OVERHEAD)
#define TOPIC_ENTRY_COST (sizeof(struct registry_topic_entry) + ALLOC_OVERHEAD)
#define CHANNEL_ENTRY_COST (sizeof(struct registry_channel_entry) + ALLOC_OVERHEAD)

static size_t topic_cost(struct span name)
{
    return sizeof(struct registry_topic) + name.n + 1 + ALLOC_OVERHEAD;
}

static size_t channel_cost(struct span name)
{
    return sizeof(struct registry_key) + name.n + ALLOC_OVERHEAD;
}

void registry_init(struct registry *r, const struct registry_config *config, struct budget *budget,
                   struct effort *effort, struct log *log)
{
    *r = (struct registry){.config = *config, .budget = budget, .effort = effort, .log = log};
    list_init(&r->left);
    list_init(&r->removed_topics);
    list_init(&r->removed_channels);
}

/* Gives the next number, and returns its rank. */
static unsigned give_number(struct registry *r, uint8_t number[REGISTRY_NUMBER_SIZE])
{
    r->numbers++;
    be64_store(number, r->numbers);
    return (unsigned)hash_number(&r->config.seed, r->numbers);
}

static struct span number_span(const uint8_t number[REGISTRY_NUMBER_SIZE])
{
    return span_make(number, REGISTRY_NUMBER_SIZE);
}

static unsigned rank_of_name(const struct registry *r, struct span name)
{
    return (unsigned)hash_bytes(&r->config.seed, name);
}

/* --- topics and channels ---------------------------------------------------------------------- */

static struct registry_topic *add_topic(struct registry *r, struct span name)
{
    struct registry_topic *topic = alloc_zeroed(sizeof *topic + name.n + 1);
    uint8_t *bytes = (uint8_t *)(topic + 1);
    struct span with_end = span_make(bytes, name.n + 1);
    memcpy(bytes, name.p, name.n);
    bytes[name.n] = ':'; /* see registry_next_topic */
    list_init(&topic->key.removed);
    topic->rank = give_number(r, topic->number);
    sorted_add(&r->topics, &topic->key.by_name, with_end, rank_of_name(r, with_end));
    budget_charge_name(r->budget, topic_cost(name));
    return topic;
}

static struct registry_key *add_channel(struct registry *r, struct registry_topic *topic,
                                        struct span name)
{
    struct registry_key *channel = alloc_zeroed(sizeof *channel + name.n);
    uint8_t *bytes = (uint8_t *)(channel + 1);
    memcpy(bytes, name.p, name.n);
    list_init(&channel->removed);
    sorted_add(&topic->channels, &channel->by_name, span_make(bytes, name.n),
               rank_of_name(r, name));
    budget_charge_name(r->budget, channel_cost(name));
    return channel;
}

static void free_topic(struct registry *r, struct registry_topic *topic)
{
    assert(topic->key.entries.root == NULL && topic->channels.root == NULL);
    budget_release_name(r->budget, topic_cost(registry_topic_name(topic)));
    alloc_free(topic);
}

static void free_channel(struct registry *r, struct registry_key *channel)
{
    assert(channel->entries.root == NULL);
    budget_release_name(r->budget, channel_cost(registry_channel_name(channel)));
    alloc_free(channel);
}

static void set_registered(struct registry *r, struct registry_topic *topic, bool registered)
{
    if (topic->registered != registered) {
        topic->registered = registered;
        r->registered = registered ? r->registered + 1 : r->registered - 1;
    }
}

/* Frees a topic that is not registered and has lost its last channel. */
static void drop_unused(struct registry *r, struct registry_topic *topic)
{
    if (!topic->registered && topic->channels.root == NULL) {
        sorted_remove(&r->topics, &topic->key.by_name);
        free_topic(r, topic);
    }
}

/* --- entries ---------------------------------------------------------------------------------- */

static struct registry_entry *find_entry(const struct registry_key *key,
                                         const struct registry_producer *producer)
{
    struct sorted_entry *found =
        key == NULL ? NULL : sorted_find(&key->entries, number_span(producer->number));
    return found == NULL ? NULL : container_of(found, struct registry_entry, by_producer);
}

static struct registry_topic_entry *find_topic_entry(const struct registry_topic *topic,
                                                     const struct registry_producer *producer)
{
    struct registry_entry *found = topic == NULL ? NULL : find_entry(&topic->key, producer);
    return found == NULL ? NULL : registry_topic_entry(found);
}

static void add_entry(struct registry *r, struct registry_entry *entry, struct registry_key *key,
                      struct registry_producer *producer, size_t cost)
{
    entry->key = key;
    sorted_add(&key->entries, &entry->by_producer, number_span(producer->number),
               producer->by_number.rank);
    producer->count++;
    budget_charge(r->budget, cost);
}

static struct registry_topic_entry *add_topic_entry(struct registry *r,
                                                    struct registry_topic *topic,
                                                    struct registry_producer *producer)
{
    struct registry_topic_entry *entry = alloc_zeroed(sizeof *entry);
    add_entry(r, &entry->entry, &topic->key, producer, TOPIC_ENTRY_COST);
    sorted_add(&producer->topics, &entry->by_topic, number_span(topic->number), topic->rank);
    list_init(&entry->channels);
    entry->tombstoned_at = TIME_NEVER;
    set_registered(r, topic, true);
    return entry;
}

static void add_channel_entry(struct registry *r, struct registry_key *channel,
                              struct registry_topic_entry *of_topic,
                              struct registry_producer *producer)
{
    struct registry_channel_entry *entry = alloc_zeroed(sizeof *entry);
    add_entry(r, &entry->entry, channel, producer, CHANNEL_ENTRY_COST);
    list_init(&entry->link);
    list_push(&of_topic->channels, &entry->link);
}

static void remove_entry(struct registry *r, struct registry_entry *entry, size_t cost)
{
    registry_producer_of(entry)->count--;
    sorted_remove(&entry->key->entries, &entry->by_producer);
    budget_release(r->budget, cost);
    effort_use(r->effort, EFFORT_REGISTRATION);
}

static void drop_channel_entry(struct registry *r, struct registry_channel_entry *entry)
{
    remove_entry(r, &entry->entry, CHANNEL_ENTRY_COST);
    list_remove(&entry->link);
    alloc_free(entry);
}

static void drop_topic_entry(struct registry *r, struct registry_topic_entry *entry)
{
    assert(list_empty(&entry->channels));
    sorted_remove(&registry_producer_of(&entry->entry)->topics, &entry->by_topic);
    remove_entry(r, &entry->entry, TOPIC_ENTRY_COST);
    alloc_free(entry);
}

static struct registry_channel_entry *first_channel(const struct registry_topic_entry *entry)
{
    return container_of(entry->channels.next, struct registry_channel_entry, link);
}

/* --- log lines, as in nsqlookupd -------------------------------------------------------------- */

static void log_registered(struct registry *r, const struct registry_producer *producer,
                           struct span category, struct span topic, struct span channel)
{
    log_say(r->log, LOG_INFO, "DB: client(%) REGISTER category:% key:% subkey:%",
            producer->peer.remote_address, category, topic, channel);
}

static void log_unregistered(struct registry *r, const struct registry_producer *producer,
                             struct span category, struct span topic, struct span channel)
{
    log_say(r->log, LOG_INFO, "DB: client(%) UNREGISTER category:% key:% subkey:%",
            producer->peer.remote_address, category, topic, channel);
}

/* --- a producer comes and goes ---------------------------------------------------------------- */

static size_t peer_size(const struct registry_peer *peer)
{
    return peer->remote_address.n + peer->hostname.n + peer->broadcast_address.n + peer->version.n;
}

static struct span keep(uint8_t **at, struct span bytes)
{
    struct span kept = span_make(*at, bytes.n);
    if (bytes.n > 0) {
        memcpy(*at, bytes.p, bytes.n);
    }
    *at += bytes.n;
    return kept;
}

struct registry_producer *registry_join(struct registry *r, const struct registry_peer *peer,
                                        int64_t now)
{
    size_t cost = PRODUCER_COST + peer_size(peer);
    if (!budget_has_room(r->budget, BUDGET_CLIENT, cost)) {
        return NULL;
    }
    struct registry_producer *producer = alloc_zeroed(sizeof *producer + peer_size(peer));
    uint8_t *at = (uint8_t *)(producer + 1);
    budget_charge(r->budget, cost);
    producer->last_update = now;
    producer->peer = *peer;
    producer->peer.remote_address = keep(&at, peer->remote_address);
    producer->peer.hostname = keep(&at, peer->hostname);
    producer->peer.broadcast_address = keep(&at, peer->broadcast_address);
    producer->peer.version = keep(&at, peer->version);
    list_init(&producer->left);
    unsigned rank = give_number(r, producer->number);
    sorted_add(&r->producers, &producer->by_number, number_span(producer->number), rank);
    log_registered(r, producer, SPAN("client"), SPAN(""), SPAN(""));
    return producer;
}

void registry_leave(struct registry *r, struct registry_producer *producer)
{
    log_unregistered(r, producer, SPAN("client"), SPAN(""), SPAN(""));
    sorted_remove(&r->producers, &producer->by_number);
    list_push(&r->left, &producer->left);
}

static void free_producer(struct registry *r, struct registry_producer *producer)
{
    assert(producer->count == 0);
    list_remove(&producer->left);
    budget_release(r->budget, PRODUCER_COST + peer_size(&producer->peer));
    alloc_free(producer);
}

/* --- REGISTER --------------------------------------------------------------------------------- */

/* What a REGISTER finds: what is not there is NULL. */
struct found {
    struct registry_topic *topic;
    struct registry_topic_entry *in_topic;
    struct registry_key *channel;
    struct registry_entry *in_channel;
};

static struct found find(const struct registry *r, const struct registry_producer *producer,
                         struct span topic, struct span channel)
{
    struct found f = {.topic = registry_find_topic(r, topic)};
    f.in_topic = find_topic_entry(f.topic, producer);
    f.channel = channel.n == 0 ? NULL : registry_find_channel(f.topic, channel);
    f.in_channel = find_entry(f.channel, producer);
    return f;
}

/* Registrations may not use the reserve of the budget. So an nsqd can still connect and unregister
 * when the memory is full. */
static bool has_room(const struct registry *r, size_t names, size_t entries)
{
    return budget_has_room_for_name(r->budget, BUDGET_QUEUE, names) &&
           budget_has_room(r->budget, BUDGET_QUEUE, names + entries);
}

static bool has_room_to_register(const struct registry *r, const struct found *f, struct span topic,
                                 struct span channel)
{
    size_t names = (f->topic == NULL ? topic_cost(topic) : 0) +
                   (channel.n > 0 && f->channel == NULL ? channel_cost(channel) : 0);
    return has_room(r, names, TOPIC_ENTRY_COST + CHANNEL_ENTRY_COST);
}

/* Adds what was not found. */
static void add_found(struct registry *r, struct registry_producer *producer, struct found *f,
                      struct span topic, struct span channel)
{
    bool in_topic = f->in_topic != NULL;
    f->topic = f->topic != NULL ? f->topic : add_topic(r, topic);
    f->in_topic = in_topic ? f->in_topic : add_topic_entry(r, f->topic, producer);
    if (channel.n > 0 && f->in_channel == NULL) {
        f->channel = f->channel != NULL ? f->channel : add_channel(r, f->topic, channel);
        add_channel_entry(r, f->channel, f->in_topic, producer);
        log_registered(r, producer, SPAN("channel"), topic, channel);
    }
    if (!in_topic) {
        log_registered(r, producer, SPAN("topic"), topic, SPAN(""));
    }
}

enum registry_result registry_register(struct registry *r, struct registry_producer *producer,
                                       struct span topic, struct span channel)
{
    struct found f = find(r, producer, topic, channel);
    size_t more = (size_t)(f.in_topic == NULL) + (size_t)(channel.n > 0 && f.in_channel == NULL);
    effort_use(r->effort, EFFORT_REGISTRATION);
    if (more == 0) {
        return REGISTRY_DONE;
    }
    if (producer->count + more > r->config.max_registrations) {
        return REGISTRY_TOO_MANY;
    }
    if (!has_room_to_register(r, &f, topic, channel)) {
        return REGISTRY_NO_MEMORY;
    }
    add_found(r, producer, &f, topic, channel);
    return REGISTRY_DONE;
}

/* --- UNREGISTER ------------------------------------------------------------------------------- */

/* Drops the entries of one producer in the channels of one topic. Returns false when no effort was
 * left before the end. `told`: upstream writes a line for each, because nsqd unregisters the
 * channels first. */
static bool drop_channels(struct registry *r, struct registry_topic_entry *entry, bool told)
{
    while (!list_empty(&entry->channels)) {
        struct registry_channel_entry *first = first_channel(entry);
        if (!effort_is_left(r->effort)) {
            return false;
        }
        if (told && !registry_is_removed(first->entry.key)) {
            log_say(r->log, LOG_WARNING,
                    "client(%) unexpected UNREGISTER category:channel key:% subkey:%",
                    registry_producer_of(&entry->entry)->peer.remote_address,
                    registry_topic_name(registry_topic_of(entry)),
                    registry_channel_name(first->entry.key));
        }
        drop_channel_entry(r, first);
    }
    return true;
}

/* Drops the first entries of a topic or channel, until one is found whose producer has not left.
 * So the set is empty afterwards if no producer is left. Returns false when no effort was left. */
static bool drop_left(struct registry *r, struct registry_key *key, bool is_topic)
{
    for (;;) {
        struct registry_entry *first = registry_next_entry(key, &(struct registry_place){.n = 0});
        if (first == NULL || !registry_has_left(registry_producer_of(first))) {
            return true;
        }
        if (!effort_is_left(r->effort)) {
            return false;
        }
        if (!is_topic) {
            drop_channel_entry(r, container_of(first, struct registry_channel_entry, entry));
        } else if (drop_channels(r, registry_topic_entry(first), false)) {
            drop_topic_entry(r, registry_topic_entry(first));
        }
    }
}

static bool unregister_channel(struct registry *r, const struct registry_producer *producer,
                               struct registry_topic *topic, struct span name)
{
    struct registry_key *channel = registry_find_channel(topic, name);
    struct registry_entry *entry = find_entry(channel, producer);
    if (entry != NULL) {
        drop_channel_entry(r, container_of(entry, struct registry_channel_entry, entry));
        log_unregistered(r, producer, SPAN("channel"), registry_topic_name(topic), name);
    }
    if (channel == NULL || !nsq_name_ephemeral(name)) {
        return true;
    }
    if (!drop_left(r, channel, false)) {
        return false;
    }
    if (channel->entries.root == NULL) {
        sorted_remove(&topic->channels, &channel->by_name);
        free_channel(r, channel);
        drop_unused(r, topic);
    }
    return true;
}

static bool unregister_topic(struct registry *r, const struct registry_producer *producer,
                             struct registry_topic *topic)
{
    struct registry_topic_entry *entry = find_topic_entry(topic, producer);
    if (entry != NULL) {
        if (!drop_channels(r, entry, true)) {
            return false;
        }
        drop_topic_entry(r, entry);
        log_unregistered(r, producer, SPAN("topic"), registry_topic_name(topic), SPAN(""));
    }
    if (!nsq_name_ephemeral(registry_topic_name(topic))) {
        return true;
    }
    if (!drop_left(r, &topic->key, true)) {
        return false;
    }
    if (topic->key.entries.root == NULL) {
        set_registered(r, topic, false);
        drop_unused(r, topic);
    }
    return true;
}

bool registry_unregister(struct registry *r, struct registry_producer *producer, struct span topic,
                         struct span channel)
{
    struct registry_topic *found = registry_find_topic(r, topic);
    bool done = found == NULL || (channel.n > 0 ? unregister_channel(r, producer, found, channel)
                                                : unregister_topic(r, producer, found));
    effort_use(r->effort, EFFORT_REGISTRATION); /* at the end, so that each call does something */
    return done;
}

/* --- creating and deleting -------------------------------------------------------------------- */

bool registry_create(struct registry *r, struct span topic, struct span channel)
{
    struct registry_topic *found = registry_find_topic(r, topic);
    bool adds_channel = channel.n > 0 && registry_find_channel(found, channel) == NULL;
    size_t cost =
        (found == NULL ? topic_cost(topic) : 0) + (adds_channel ? channel_cost(channel) : 0);
    if (cost > 0 && !has_room(r, cost, 0)) {
        return false;
    }
    if (channel.n > 0) {
        log_say(r->log, LOG_INFO, "DB: adding channel(%) in topic(%)", channel, topic);
    }
    log_say(r->log, LOG_INFO, "DB: adding topic(%)", topic);
    found = found != NULL ? found : add_topic(r, topic);
    set_registered(r, found, true);
    if (adds_channel) {
        add_channel(r, found, channel);
    }
    return true;
}

bool registry_delete_topic(struct registry *r, struct span topic)
{
    struct registry_topic *found = registry_find_topic(r, topic);
    if (found == NULL) {
        return false;
    }
    r->registered -= found->registered ? 1 : 0;
    sorted_remove(&r->topics, &found->key.by_name);
    list_push(&r->removed_topics, &found->key.removed);
    return true;
}

bool registry_delete_channel(struct registry *r, struct span topic, struct span channel)
{
    struct registry_topic *of = registry_find_topic(r, topic);
    struct registry_key *found = registry_find_channel(of, channel);
    if (found == NULL) {
        return false;
    }
    log_say(r->log, LOG_INFO, "DB: removing channel(%) from topic(%)", channel, topic);
    sorted_remove(&of->channels, &found->by_name);
    list_push(&r->removed_channels, &found->removed);
    drop_unused(r, of);
    return true;
}

/* --- freeing in slices ------------------------------------------------------------------------ */

static struct registry_entry *any_entry(const struct registry_key *key)
{
    return container_of(key->entries.root, struct registry_entry, by_producer);
}

/* Each function below frees one entry, or what has lost its last entry. */

static void collect_channel(struct registry *r, struct registry_key *channel)
{
    if (channel->entries.root != NULL) {
        drop_channel_entry(r,
                           container_of(any_entry(channel), struct registry_channel_entry, entry));
        return;
    }
    list_remove(&channel->removed);
    free_channel(r, channel);
}

/* Its channels are freed first, because an entry in a topic stays until the entries in its channels
 * are gone. Deleted channels of the topic are freed earlier (registry_collect). */
static void collect_topic(struct registry *r, struct registry_topic *topic)
{
    if (topic->channels.root != NULL) {
        struct registry_key *channel =
            container_of(topic->channels.root, struct registry_key, by_name);
        log_say(r->log, LOG_INFO, "DB: removing channel(%) from topic(%)",
                registry_channel_name(channel), registry_topic_name(topic));
        sorted_remove(&topic->channels, &channel->by_name);
        list_push(&r->removed_channels, &channel->removed);
    } else if (topic->key.entries.root != NULL) {
        drop_topic_entry(r, registry_topic_entry(any_entry(&topic->key)));
    } else {
        if (topic->registered) {
            log_say(r->log, LOG_INFO, "DB: removing topic(%)", registry_topic_name(topic));
        }
        list_remove(&topic->key.removed);
        free_topic(r, topic);
    }
}

/* What was deleted is freed earlier (registry_collect), so all these topics and channels exist. */
static void collect_producer(struct registry *r, struct registry_producer *producer)
{
    if (producer->topics.root == NULL) {
        free_producer(r, producer);
        return;
    }
    struct registry_topic_entry *entry =
        container_of(producer->topics.root, struct registry_topic_entry, by_topic);
    struct span topic = registry_topic_name(registry_topic_of(entry));
    if (!list_empty(&entry->channels)) {
        struct registry_channel_entry *first = first_channel(entry);
        log_unregistered(r, producer, SPAN("channel"), topic,
                         registry_channel_name(first->entry.key));
        drop_channel_entry(r, first);
        return;
    }
    log_unregistered(r, producer, SPAN("topic"), topic, SPAN(""));
    drop_topic_entry(r, entry);
}

void registry_collect(struct registry *r)
{
    while (registry_can_collect(r) && effort_is_left(r->effort)) {
        effort_use(r->effort, EFFORT_REGISTRATION);
        if (!list_empty(&r->removed_channels)) {
            collect_channel(r,
                            container_of(r->removed_channels.next, struct registry_key, removed));
        } else if (!list_empty(&r->removed_topics)) {
            struct registry_key *key =
                container_of(r->removed_topics.next, struct registry_key, removed);
            collect_topic(r, container_of(key, struct registry_topic, key));
        } else {
            collect_producer(r, container_of(r->left.next, struct registry_producer, left));
        }
    }
}

void registry_free(struct registry *r)
{
    struct registry_place place = {.n = 0};
    struct registry_producer *producer;
    while ((producer = registry_next_producer(r, &place)) != NULL) {
        registry_leave(r, producer);
    }
    place.n = 0;
    struct registry_topic *topic;
    while ((topic = registry_next_topic(r, &place)) != NULL) {
        (void)registry_delete_topic(r, registry_topic_name(topic));
    }
    while (registry_can_collect(r)) {
        effort_allow(r->effort, 1000);
        registry_collect(r);
    }
}
