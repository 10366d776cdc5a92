/* SPDX-License-Identifier: MIT */
/*
 * Owns: what nsqlookupd knows: topics, their channels, and the producers that are registered for
 * them. A producer is one nsqd. A topic or channel without a producer stays. There is one
 * exception: an ephemeral topic or channel is removed when its last producer unregisters itself
 * (registry_unregister). When its last producer leaves (registry_leave), it stays. Must not know:
 * connections, commands, HTTP, clocks.
 *
 *     registry --> topics, by name --> channels, by name
 *        |           |                   |
 *        |           +-> entries         +-> entries, by the number of the producer
 *        |                 |                   |
 *        +--> producers    |                   |
 *               |          |                   |
 *               +-> its entries in topics --> its entries in the channels of the topic
 *
 * An entry says that one producer is registered for one topic or channel. A producer that
 * has an entry in a channel always has an entry in the topic of this channel too. Every set is in a
 * fixed order (see the functions registry_next_...); in upstream's nsqlookupd all orders are
 * random.
 *
 * A producer that leaves and a topic that is deleted may have very many entries. They disappear at
 * once for everyone who reads the registry. Their memory is freed in slices (registry_collect).
 */
#ifndef LOOKUP_REGISTRY_H
#define LOOKUP_REGISTRY_H

#include <nsq/name.h>

#include "base/budget.h"
#include "base/effort.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/log.h"
#include "base/sorted.h"

#define REGISTRY_NUMBER_SIZE 8 /* bytes of a number, big-endian, so that it can be sorted */

struct registry_config {
    int64_t inactive_timeout;   /* ns; 300 s: --inactive-producer-timeout */
    int64_t tombstone_lifetime; /* ns; 45 s: --tombstone-lifetime */
    /* 100,000. Without this limit, one connection could use up the memory with its
     * registrations. */
    size_t max_registrations;
    struct hash_seed seed;
};

/* What a producer tells about itself. */
struct registry_peer {
    struct span remote_address; /* "host:port" of its connection */
    struct span hostname;
    struct span broadcast_address;
    struct span version;
    int64_t tcp_port;
    int64_t http_port;
};

struct registry_producer {
    struct sorted_entry by_number; /* in registry->producers, until it has left */
    struct sorted topics;          /* of struct registry_topic_entry, by the number of the topic */
    struct list left;              /* in registry->left, after it has left */
    size_t count;                  /* its entries */
    int64_t last_update;           /* time of IDENTIFY or of the last PING */
    struct registry_peer peer;     /* the bytes are behind the struct, in the same allocation */
    uint8_t number[REGISTRY_NUMBER_SIZE];
};

/* The part that is common to topics and channels. The bytes of its name are behind the struct, in
 * the same allocation. */
struct registry_key {
    struct sorted_entry by_name; /* in registry->topics, or in the channels of its topic */
    struct sorted entries;       /* of struct registry_entry, by the number of the producer */
    struct list removed; /* in registry->removed_topics or removed_channels, after it was deleted */
};

struct registry_topic {
    struct registry_key key;
    struct sorted channels; /* of struct registry_key */
    /* false: the topic was removed, and is kept only because it still has channels. This happens
     * when the last producer of an ephemeral topic unregisters itself. */
    bool registered;
    unsigned rank; /* the rank (base/sorted.h) that belongs to `number` */
    uint8_t number[REGISTRY_NUMBER_SIZE];
};

/* There are very many entries, so they are small. */
struct registry_entry {
    struct sorted_entry by_producer; /* in key->entries; its name is the number of the producer */
    struct registry_key *key;
};

struct registry_channel_entry {
    struct registry_entry entry;
    struct list link; /* in registry_topic_entry.channels */
};

struct registry_topic_entry {
    struct registry_entry entry;
    struct sorted_entry by_topic; /* in producer->topics */
    struct list channels;  /* of struct registry_channel_entry: this producer in these channels */
    int64_t tombstoned_at; /* TIME_NEVER: it has no tombstone */
};

struct registry {
    struct registry_config config;
    struct budget *budget;
    struct effort *effort;
    struct log *log;
    struct sorted topics;         /* of struct registry_topic */
    size_t registered;            /* topics that are registered */
    struct sorted producers;      /* of struct registry_producer, by number */
    struct list left;             /* of struct registry_producer: their entries are freed next */
    struct list removed_topics;   /* of struct registry_key: the same */
    struct list removed_channels; /* the same */
    uint64_t numbers; /* the last number that was given to a producer or topic; 0: none */
};

enum registry_result {
    REGISTRY_DONE,
    REGISTRY_TOO_MANY, /* max_registrations of this producer */
    REGISTRY_NO_MEMORY /* the memory budget has no room */
};

/* Initialises a registry. The configuration is copied, the other arguments are borrowed. Functions
 * that do much work count it in `effort`, and stop when no effort is left. */
void registry_init(struct registry *r, const struct registry_config *config, struct budget *budget,
                   struct effort *effort, struct log *log);

/* Frees everything, also the producers that have not left. */
void registry_free(struct registry *r);

/* Frees memory of producers that have left and of deleted topics and channels, while effort is
 * left. */
void registry_collect(struct registry *r);
static inline bool registry_can_collect(const struct registry *r)
{
    return !list_empty(&r->left) || !list_empty(&r->removed_topics) ||
           !list_empty(&r->removed_channels);
}

/* --- producers -------------------------------------------------------------------------------- */

/* Adds a producer. `peer` is copied. Returns NULL if there is no memory. The producer is valid
 * until registry_leave. */
struct registry_producer *registry_join(struct registry *r, const struct registry_peer *peer,
                                        int64_t now);

/* Removes a producer from everything. */
void registry_leave(struct registry *r, struct registry_producer *producer);

/* Notes that the producer is alive. */
static inline void registry_ping(struct registry_producer *producer, int64_t now)
{
    producer->last_update = now;
}

/* Registers a producer for a topic, and for a channel of it unless `channel` is empty. The names
 * must be valid (nsq/name.h). Changes nothing unless it returns REGISTRY_DONE. */
enum registry_result registry_register(struct registry *r, struct registry_producer *producer,
                                       struct span topic, struct span channel);

/* Does the opposite of registry_register. If `channel` is empty, the producer is removed from the
 * topic and all channels of it. A call does a bounded amount of work. If it returns false, the work
 * is not finished, and the caller must call the function again with the same arguments. */
bool registry_unregister(struct registry *r, struct registry_producer *producer, struct span topic,
                         struct span channel);

/* --- topics and channels without producers ---------------------------------------------------- */

/* Adds a topic, and a channel of it unless `channel` is empty. The names must be valid. Returns
 * false if there is no memory. */
bool registry_create(struct registry *r, struct span topic, struct span channel);

/* Deletes a topic with its channels, or one channel. `topic` and `channel` may be any bytes.
 * Returns false if there is none. */
bool registry_delete_topic(struct registry *r, struct span topic);
bool registry_delete_channel(struct registry *r, struct span topic, struct span channel);

/* --- reading ---------------------------------------------------------------------------------- */

/* The place of a walk over one set. A struct of zeros is the place before the first element. The
 * walk may be continued after any change of the registry: it then visits the elements behind the
 * place. So a walk can be done in slices. */
struct registry_place {
    size_t n;
    uint8_t bytes[NSQ_NAME_MAX + 1];
};

/* Returns the topic with this name, or NULL. `name` may be any bytes. The result may be a topic
 * that is not registered (`registered` is false). */
struct registry_topic *registry_find_topic(const struct registry *r, struct span name);

/* Returns the channel with this name, or NULL. `topic` may be NULL. `name` may be any bytes. */
struct registry_key *registry_find_channel(const struct registry_topic *topic, struct span name);

/* Each of these functions moves the place to the next element of a set and returns this element, or
 * NULL at the end of the set.
 *
 * Topics are sorted by the bytes of "NAME:", so "a-b" comes before "a". This is the order of the
 * keys "topic:NAME:" in upstream's /debug. Topics that are not registered are included. */
struct registry_topic *registry_next_topic(const struct registry *r, struct registry_place *place);

/* The channels of a topic, by name. */
struct registry_key *registry_next_channel(const struct registry_topic *topic,
                                           struct registry_place *place);

/* The producers that have not left, in the order in which they joined. */
struct registry_producer *registry_next_producer(const struct registry *r,
                                                 struct registry_place *place);

/* The entries of a topic or channel, in the order in which their producers joined. The producers
 * may have left. */
struct registry_entry *registry_next_entry(const struct registry_key *key,
                                           struct registry_place *place);

/* The topics of a producer, in the order in which the topics were created. The topics may be
 * deleted. */
struct registry_topic_entry *registry_next_topic_of(const struct registry_producer *producer,
                                                    struct registry_place *place);

/* Returns the name of a channel, or of a topic (both borrowed). */
static inline struct span registry_channel_name(const struct registry_key *channel)
{
    return sorted_name(&channel->by_name);
}
struct span registry_topic_name(const struct registry_topic *topic);

/* Returns the producer or the topic of an entry. */
struct registry_producer *registry_producer_of(const struct registry_entry *entry);
static inline struct registry_topic *registry_topic_of(const struct registry_topic_entry *entry)
{
    return container_of(entry->entry.key, struct registry_topic, key);
}
static inline struct registry_topic_entry *registry_topic_entry(struct registry_entry *entry)
{
    return container_of(entry, struct registry_topic_entry, entry);
}

/* Returns whether a topic or channel was deleted, or a producer has left. Then it is not shown. */
static inline bool registry_is_removed(const struct registry_key *key)
{
    return !list_empty(&key->removed);
}
static inline bool registry_has_left(const struct registry_producer *producer)
{
    return !list_empty(&producer->left);
}

/* Returns whether the producer has not left, and its IDENTIFY or last PING is at most
 * inactive_timeout old. */
bool registry_is_active(const struct registry *r, const struct registry_producer *producer,
                        int64_t now);

/* Returns whether the entry has a tombstone that has not expired. A tombstone hides the producer
 * from clients that look up the topic of the entry. */
bool registry_is_tombstoned(const struct registry *r, const struct registry_topic_entry *entry,
                            int64_t now);

#endif
