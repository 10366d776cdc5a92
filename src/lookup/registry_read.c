/* SPDX-License-Identifier: MIT */
/* Finds and walks over what is in the registry. Must not know: how the registry changes. */
#include "lookup/registry.h"

#include <assert.h>

#include "base/time.h"

/* --- walks ------------------------------------------------------------------------------------ */

static struct sorted_entry *next(const struct sorted *set, struct registry_place *place)
{
    struct sorted_entry *entry = sorted_after(set, span_make(place->bytes, place->n));
    if (entry != NULL) {
        struct span name = sorted_name(entry);
        assert(name.n > 0 && name.n <= sizeof place->bytes);
        memcpy(place->bytes, name.p, name.n);
        place->n = name.n;
    }
    return entry;
}

struct registry_topic *registry_next_topic(const struct registry *r, struct registry_place *place)
{
    struct sorted_entry *entry = next(&r->topics, place);
    return entry == NULL ? NULL : container_of(entry, struct registry_topic, key.by_name);
}

struct registry_key *registry_next_channel(const struct registry_topic *topic,
                                           struct registry_place *place)
{
    struct sorted_entry *entry = next(&topic->channels, place);
    return entry == NULL ? NULL : container_of(entry, struct registry_key, by_name);
}

struct registry_producer *registry_next_producer(const struct registry *r,
                                                 struct registry_place *place)
{
    struct sorted_entry *entry = next(&r->producers, place);
    return entry == NULL ? NULL : container_of(entry, struct registry_producer, by_number);
}

struct registry_entry *registry_next_entry(const struct registry_key *key,
                                           struct registry_place *place)
{
    struct sorted_entry *entry = next(&key->entries, place);
    return entry == NULL ? NULL : container_of(entry, struct registry_entry, by_producer);
}

struct registry_topic_entry *registry_next_topic_of(const struct registry_producer *producer,
                                                    struct registry_place *place)
{
    struct sorted_entry *entry = next(&producer->topics, place);
    return entry == NULL ? NULL : container_of(entry, struct registry_topic_entry, by_topic);
}

/* --- single elements -------------------------------------------------------------------------- */

struct registry_topic *registry_find_topic(const struct registry *r, struct span name)
{
    uint8_t bytes[NSQ_NAME_MAX + 1];
    if (name.n == 0 || name.n > NSQ_NAME_MAX) {
        return NULL;
    }
    memcpy(bytes, name.p, name.n);
    bytes[name.n] = ':';
    struct sorted_entry *entry = sorted_find(&r->topics, span_make(bytes, name.n + 1));
    return entry == NULL ? NULL : container_of(entry, struct registry_topic, key.by_name);
}

struct registry_key *registry_find_channel(const struct registry_topic *topic, struct span name)
{
    struct sorted_entry *entry = topic == NULL ? NULL : sorted_find(&topic->channels, name);
    return entry == NULL ? NULL : container_of(entry, struct registry_key, by_name);
}

struct span registry_topic_name(const struct registry_topic *topic)
{
    struct span with_end = sorted_name(&topic->key.by_name);
    return span_first(with_end, with_end.n - 1);
}

struct registry_producer *registry_producer_of(const struct registry_entry *entry)
{
    uint8_t *number = (uint8_t *)(uintptr_t)entry->by_producer.name; /* without its `const` */
    return container_of(number, struct registry_producer, number);
}

bool registry_is_active(const struct registry *r, const struct registry_producer *producer,
                        int64_t now)
{
    return !registry_has_left(producer) &&
           now - producer->last_update <= r->config.inactive_timeout;
}

bool registry_is_tombstoned(const struct registry *r, const struct registry_topic_entry *entry,
                            int64_t now)
{
    return entry->tombstoned_at != TIME_NEVER &&
           now - entry->tombstoned_at < r->config.tombstone_lifetime;
}
