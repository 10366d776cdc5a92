/* SPDX-License-Identifier: MIT */
/*
 * Writes the long answers of nsqlookupd, except /debug, and sets tombstones. Each function of type
 * `step` writes one item, and chooses the next step. Must not know: HTTP.
 */
#include "lookup/lookup_page.h"

#include <assert.h>

#include "base/text.h"
#include "base/time.h"

/* Bytes of page->names that are copied in one step. While all connections hold more than their
 * share of the memory budget, a page that needs more fails. Otherwise many clients that do not read
 * could each keep megabytes of names. */
#define NAMES_PIECE 4096

static const struct registry_place at_start;

/* --- where the page is ------------------------------------------------------------------------ */

static struct span place_span(const struct registry_place *place)
{
    return span_make(place->bytes, place->n);
}

/* The place of a topic is its name with ':' (registry_next_topic). */
static void go_to_topic(struct lookup_page *page, struct span name)
{
    page->topic.n = 0;
    if (name.n > 0 && name.n <= NSQ_NAME_MAX) {
        memcpy(page->topic.bytes, name.p, name.n);
        page->topic.bytes[name.n] = ':';
        page->topic.n = name.n + 1;
    }
}

struct registry_topic *lookup_page_topic(const struct lookup_page *page)
{
    struct span place = place_span(&page->topic);
    return place.n == 0 ? NULL
                        : registry_find_topic(page->registry, span_first(place, place.n - 1));
}

struct registry_key *lookup_page_channel(const struct lookup_page *page)
{
    return registry_find_channel(lookup_page_topic(page), place_span(&page->channel));
}

bool lookup_page_next_topic(struct lookup_page *page)
{
    page->channel = at_start;
    page->producer = at_start;
    return registry_next_topic(page->registry, &page->topic) != NULL;
}

bool lookup_page_next_channel(struct lookup_page *page)
{
    const struct registry_topic *topic = lookup_page_topic(page);
    page->producer = at_start;
    return topic != NULL && registry_next_channel(topic, &page->channel) != NULL;
}

/* --- lists of names --------------------------------------------------------------------------- */

static void end_page(struct lookup_page *page, int64_t now)
{
    (void)now;
    json_close_array(&page->writer);
    json_close_object(&page->writer);
    page->step = NULL;
}

static void topic_step(struct lookup_page *page, int64_t now)
{
    const struct registry_topic *topic = registry_next_topic(page->registry, &page->topic);
    if (topic == NULL) {
        end_page(page, now);
    } else if (topic->registered) {
        json_write_string(&page->writer, registry_topic_name(topic));
    }
}

/* Writes the next channel. Returns false at the end. */
static bool write_channel(struct lookup_page *page)
{
    if (lookup_page_next_channel(page)) {
        json_write_string(&page->writer, place_span(&page->channel));
        return true;
    }
    return page->all && lookup_page_next_topic(page);
}

static void channel_step(struct lookup_page *page, int64_t now)
{
    if (!write_channel(page)) {
        end_page(page, now);
    }
}

/* --- /lookup ---------------------------------------------------------------------------------- */

static void write_peer(struct json_writer *w, const struct registry_peer *peer)
{
    json_member_string(w, "remote_address", peer->remote_address);
    json_member_string(w, "hostname", peer->hostname);
    json_member_string(w, "broadcast_address", peer->broadcast_address);
    json_member_integer(w, "tcp_port", peer->tcp_port);
    json_member_integer(w, "http_port", peer->http_port);
    json_member_string(w, "version", peer->version);
}

/* Returns the current producer, or NULL if it has left. */
static const struct registry_producer *current_producer(const struct lookup_page *page)
{
    struct sorted_entry *found =
        sorted_find(&page->registry->producers, place_span(&page->producer));
    return found == NULL ? NULL : container_of(found, struct registry_producer, by_number);
}

/* Looks for the first topic of each producer, one topic in each step, because very many topics may
 * be deleted and not freed yet. */
static bool next_of_all(struct lookup_page *page, struct registry_topic_entry **entry)
{
    if (!page->in_producer) {
        page->topic_of = at_start;
        page->in_producer = true;
        return registry_next_producer(page->registry, &page->producer) != NULL;
    }
    const struct registry_producer *producer = current_producer(page);
    struct registry_topic_entry *next =
        producer == NULL ? NULL : registry_next_topic_of(producer, &page->topic_of);
    page->in_producer = next != NULL && registry_is_removed(next->entry.key);
    *entry = page->in_producer ? NULL : next;
    return true;
}

/* Moves to the next producer of the topic, or of all topics. Returns false at the end. *entry is
 * NULL if this step has found nothing. */
static bool next_producer(struct lookup_page *page, struct registry_topic_entry **entry)
{
    *entry = NULL;
    if (page->all) {
        return next_of_all(page, entry);
    }
    const struct registry_topic *topic = lookup_page_topic(page);
    struct registry_entry *next =
        topic == NULL ? NULL : registry_next_entry(&topic->key, &page->producer);
    *entry = next == NULL ? NULL : registry_topic_entry(next);
    return next != NULL;
}

static void lookup_producer_step(struct lookup_page *page, int64_t now)
{
    struct registry_topic_entry *entry;
    if (!next_producer(page, &entry)) {
        end_page(page, now);
        return;
    }
    const struct registry_producer *producer =
        entry == NULL ? NULL : registry_producer_of(&entry->entry);
    if (producer != NULL && registry_is_active(page->registry, producer, now) &&
        !registry_is_tombstoned(page->registry, entry, now)) {
        json_open_object(&page->writer);
        write_peer(&page->writer, &producer->peer);
        json_close_object(&page->writer);
    }
}

static void lookup_channel_step(struct lookup_page *page, int64_t now)
{
    (void)now;
    if (!write_channel(page)) {
        json_close_array(&page->writer);
        json_member_array(&page->writer, "producers");
        page->producer = at_start;
        page->step = lookup_producer_step;
    }
}

/* --- /nodes ----------------------------------------------------------------------------------- */

static void node_step(struct lookup_page *page, int64_t now);

static void charge_names(struct lookup_page *page)
{
    budget_hold(page->registry->budget, page->names_cost, page->names.cap);
    page->names_cost = page->names.cap;
}

/* Writes the next part of the names of the topics, which are a JSON array. */
static void node_names_step(struct lookup_page *page, int64_t now)
{
    struct span piece = span_first(buf_span(&page->names), NAMES_PIECE);
    (void)now;
    buf_append(page->writer.out, piece);
    buf_drop(&page->names, piece.n);
    if (page->names.n == 0) {
        buf_free(&page->names);
        json_close_object(&page->writer);
        page->step = node_step;
    }
    charge_names(page);
}

static void end_tombstones(struct lookup_page *page)
{
    if (page->names.n == 0) {
        text_append(&page->names, "[");
    }
    text_append(&page->names, "]");
    json_close_array(&page->writer);
    json_write_key(&page->writer, SPAN("topics"));
    json_write_raw(&page->writer, SPAN("")); /* node_names_step appends the value */
    page->step = node_names_step;
}

/* Writes whether there is a tombstone in the next topic of the current producer, and keeps the name
 * of this topic. */
static void node_topic_step(struct lookup_page *page, int64_t now)
{
    const struct registry_producer *producer = current_producer(page);
    const struct registry_topic_entry *entry =
        producer == NULL ? NULL : registry_next_topic_of(producer, &page->topic_of);
    if (entry == NULL) {
        end_tombstones(page);
    } else if (!registry_is_removed(entry->entry.key)) {
        struct json_writer name = json_writer(&page->names, JSON_GO);
        buf_append(&page->names, page->names.n == 0 ? SPAN("[") : SPAN(","));
        json_write_string(&name, registry_topic_name(registry_topic_of(entry)));
        json_write_bool(&page->writer, registry_is_tombstoned(page->registry, entry, now));
    }
    charge_names(page);
    if (page->names.n > NAMES_PIECE && budget_share_is_passed(page->registry->budget)) {
        page->failed = true;
        page->step = NULL;
    }
}

static void node_step(struct lookup_page *page, int64_t now)
{
    const struct registry_producer *producer =
        registry_next_producer(page->registry, &page->producer);
    if (producer == NULL) {
        end_page(page, now);
    } else if (registry_is_active(page->registry, producer, now)) {
        json_open_object(&page->writer);
        write_peer(&page->writer, &producer->peer);
        json_member_array(&page->writer, "tombstones");
        page->topic_of = at_start;
        page->step = node_topic_step;
    }
}

/* --- tombstones ------------------------------------------------------------------------------- */

/* Returns whether the text is "ADDRESS:PORT" of the producer. */
static bool is_node(struct span text, const struct registry_peer *peer)
{
    char digits[TEXT_DECIMAL_MAX];
    struct span port = text_decimal(digits, peer->http_port);
    size_t n = peer->broadcast_address.n;
    return text.n == n + 1 + port.n && span_equal(span_first(text, n), peer->broadcast_address) &&
           span_equal(span_first(span_skip(text, n), 1), SPAN(":")) &&
           span_equal(span_skip(text, n + 1), port);
}

static void tombstone_step(struct lookup_page *page, int64_t now)
{
    struct registry_topic_entry *entry;
    if (!next_producer(page, &entry)) {
        page->step = NULL;
    } else if (entry != NULL &&
               is_node(buf_span(&page->node), &registry_producer_of(&entry->entry)->peer)) {
        entry->tombstoned_at = now;
    }
}

/* --- the page --------------------------------------------------------------------------------- */

static const struct {
    const char *list; /* the list that the page begins with. NULL: `step` begins the page */
    void (*step)(struct lookup_page *page, int64_t now);
} kinds[] = {
    [LOOKUP_PAGE_TOPICS] = {"topics", topic_step},
    [LOOKUP_PAGE_CHANNELS] = {"channels", channel_step},
    [LOOKUP_PAGE_LOOKUP] = {"channels", lookup_channel_step},
    [LOOKUP_PAGE_NODES] = {"producers", node_step},
    [LOOKUP_PAGE_DEBUG] = {NULL, lookup_page_debug},
    [LOOKUP_PAGE_TOMBSTONE] = {NULL, tombstone_step},
};

static void begin_list(struct lookup_page *page, int64_t now)
{
    (void)now;
    json_open_object(&page->writer);
    json_member_array(&page->writer, kinds[page->kind].list);
    page->step = kinds[page->kind].step;
}

void lookup_page_begin(struct lookup_page *page, enum lookup_page_kind kind,
                       struct registry *registry, int64_t wall_offset, struct span topic,
                       struct span node)
{
    *page = (struct lookup_page){.registry = registry,
                                 .kind = kind,
                                 .wall_offset = wall_offset,
                                 .step = kinds[kind].list != NULL ? begin_list : kinds[kind].step,
                                 .all = span_equal(topic, SPAN("*")),
                                 .writer = json_writer(NULL, JSON_GO)};
    go_to_topic(page, page->all ? SPAN("") : topic);
    buf_append(&page->node, node);
}

bool lookup_page_write(struct lookup_page *page, struct buf *out, size_t enough, int64_t now)
{
    size_t end = out->n + enough;
    page->writer.out = out;
    do {
        size_t before = out->n;
        page->step(page, now);
        effort_use(page->registry->effort, EFFORT_ITEM + (out->n - before) / EFFORT_BYTES);
    } while (page->step != NULL && out->n < end && effort_is_left(page->registry->effort));
    return page->step == NULL;
}

void lookup_page_end(struct lookup_page *page)
{
    buf_free(&page->names);
    charge_names(page);
    buf_free(&page->node);
}
