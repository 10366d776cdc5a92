/* SPDX-License-Identifier: MIT */
/*
 * Writes the page /debug of nsqlookupd: each key with its producers. First come the channels, then
 * all producers, then the topics. Must not know: HTTP.
 */
#include "lookup/lookup_page.h"

#include "base/time.h"

/* Go's time.Time{}.UnixNano(), which upstream shows without a tombstone. */
#define NO_TIME INT64_C(-6795364578871345152)

/* Writes one producer. Without a tombstone, `tombstoned_at` is TIME_NEVER. */
static void write_producer(struct lookup_page *page, const struct registry_producer *producer,
                           int64_t tombstoned_at)
{
    struct json_writer *w = &page->writer;
    const struct registry_peer *peer = &producer->peer;
    bool tombstoned = tombstoned_at != TIME_NEVER;
    json_open_object(w);
    json_member_string(w, "broadcast_address", peer->broadcast_address);
    json_member_string(w, "hostname", peer->hostname);
    json_member_integer(w, "http_port", peer->http_port);
    json_member_string(w, "id", peer->remote_address);
    json_member_integer(w, "last_update", producer->last_update + page->wall_offset);
    json_member_integer(w, "tcp_port", peer->tcp_port);
    json_member_bool(w, "tombstoned", tombstoned);
    json_member_integer(w, "tombstoned_at",
                        tombstoned ? tombstoned_at + page->wall_offset : NO_TIME);
    json_member_string(w, "version", peer->version);
    json_close_object(w);
}

/* Writes "category:key:subkey" and begins its list, unless the list has begun. A key without
 * producers is not shown. */
static void open_list(struct lookup_page *page, struct span category, struct span key,
                      struct span subkey)
{
    struct buf text = {0};
    if (page->list_open) {
        return;
    }
    buf_append(&text, category);
    buf_append(&text, key);
    buf_append(&text, subkey);
    json_write_key(&page->writer, buf_span(&text));
    json_open_array(&page->writer);
    buf_free(&text);
    page->list_open = true;
}

static void close_list(struct lookup_page *page)
{
    if (page->list_open) {
        json_close_array(&page->writer);
        page->list_open = false;
    }
}

static const struct registry_entry *next_entry(struct lookup_page *page,
                                               const struct registry_key *key)
{
    return key == NULL ? NULL : registry_next_entry(key, &page->producer);
}

/* --- the steps -------------------------------------------------------------------------------- */

/* Writes the producer of an entry of the current topic or channel, unless it has left. The places
 * of topics end with ':', as the keys do. The place of the channel is empty for a topic. */
static void write_entry(struct lookup_page *page, const struct registry_entry *entry,
                        struct span category, int64_t tombstoned_at)
{
    const struct registry_producer *producer = registry_producer_of(entry);
    if (!registry_has_left(producer)) {
        open_list(page, category, span_make(page->topic.bytes, page->topic.n),
                  span_make(page->channel.bytes, page->channel.n));
        write_producer(page, producer, tombstoned_at);
    }
}

static void topic_step(struct lookup_page *page, int64_t now)
{
    const struct registry_topic *topic = lookup_page_topic(page);
    const struct registry_entry *entry = next_entry(page, topic == NULL ? NULL : &topic->key);
    (void)now;
    if (entry != NULL) {
        const struct registry_topic_entry *of_topic =
            container_of(entry, const struct registry_topic_entry, entry);
        write_entry(page, entry, SPAN("topic:"), of_topic->tombstoned_at);
        return;
    }
    close_list(page);
    if (!lookup_page_next_topic(page)) {
        json_close_object(&page->writer);
        page->step = NULL;
    }
}

static void client_step(struct lookup_page *page, int64_t now)
{
    const struct registry_producer *producer =
        registry_next_producer(page->registry, &page->producer);
    (void)now;
    if (producer != NULL) {
        open_list(page, SPAN("client:"), SPAN(":"), SPAN(""));
        write_producer(page, producer, TIME_NEVER);
        return;
    }
    close_list(page);
    page->topic.n = 0;
    page->channel.n = 0;
    page->producer.n = 0;
    page->step = topic_step;
}

static void channel_step(struct lookup_page *page, int64_t now)
{
    const struct registry_entry *entry = next_entry(page, lookup_page_channel(page));
    (void)now;
    if (entry != NULL) {
        write_entry(page, entry, SPAN("channel:"), TIME_NEVER);
        return;
    }
    close_list(page);
    if (!lookup_page_next_channel(page) && !lookup_page_next_topic(page)) {
        page->producer.n = 0;
        page->step = client_step;
    }
}

void lookup_page_debug(struct lookup_page *page, int64_t now)
{
    (void)now;
    json_open_object(&page->writer);
    page->step = channel_step;
}
