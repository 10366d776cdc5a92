/* SPDX-License-Identifier: MIT */
/*
 * Owns: the answers of nsqlookupd's HTTP API that may be long: /topics, /channels, /lookup, /nodes
 * and /debug. A page is written in slices, while the client takes it. The kind
 * LOOKUP_PAGE_TOMBSTONE is not a page: it only sets tombstones, and writes no bytes. It also works
 * in slices, because with the topic "*" a node gets a tombstone in each of its topics. Must not
 * know: HTTP, sockets, clocks.
 *
 * The registry may change between two slices. What exists from the first to the last slice is shown
 * exactly once, and nothing is shown twice. What is made or removed in between may be missing or
 * shown. A page that does not fail is always well formed. In /nodes, the lists `topics` and
 * `tombstones` of a node always have the same length.
 *
 * All lists are in the orders of lookup/registry.h; in upstream they are in random order. The keys
 * of /debug are sorted, as in upstream.
 *
 * The topic "*" stands for all topics. In a page for "*", each producer is shown at most once. It
 * is hidden if it has a tombstone in its first topic. (Upstream uses a random topic of the
 * producer, not the first one.)
 */
#ifndef LOOKUP_LOOKUP_PAGE_H
#define LOOKUP_LOOKUP_PAGE_H

#include "lookup/registry.h"
#include "json/writer.h"

enum lookup_page_kind {
    LOOKUP_PAGE_TOPICS,
    LOOKUP_PAGE_CHANNELS,
    LOOKUP_PAGE_LOOKUP,
    LOOKUP_PAGE_NODES,
    LOOKUP_PAGE_DEBUG,
    LOOKUP_PAGE_TOMBSTONE,
};

struct lookup_page {
    struct registry *registry;
    enum lookup_page_kind kind;
    int64_t wall_offset; /* ns; time + wall_offset is the wall clock */
    /* Writes the next part; NULL: the page is complete. */
    void (*step)(struct lookup_page *page, int64_t now);
    struct json_writer writer;
    bool all;         /* all topics */
    bool failed;      /* /nodes: there was no memory to go on; the page stays incomplete */
    bool list_open;   /* /debug: the list of the current key has begun */
    bool in_producer; /* all topics: looking for the first topic of the current producer */
    /* Where to continue. Each slice looks up the current topic and channel by name. */
    struct registry_place topic;
    struct registry_place channel;
    struct registry_place producer;
    struct registry_place topic_of; /* of the topics of the current producer */
    struct buf names;               /* /nodes: the topics of the current producer, as JSON */
    size_t names_cost;              /* bytes: this page's part of budget->held */
    struct buf node;                /* of a tombstone: "address:port" */
};

/* Begins a page. `topic` (copied) is used by LOOKUP_PAGE_CHANNELS, _LOOKUP and _TOMBSTONE, and may
 * be any bytes. `node` (copied) is used by _TOMBSTONE. The caller ends the page with
 * lookup_page_end. */
void lookup_page_begin(struct lookup_page *page, enum lookup_page_kind kind,
                       struct registry *registry, int64_t wall_offset, struct span topic,
                       struct span node);

/* Appends the next part of the page to `out`. Stops after an item when at least `enough` bytes were
 * appended, or when no effort is left. Returns true when the page is complete, or has failed. */
bool lookup_page_write(struct lookup_page *page, struct buf *out, size_t enough, int64_t now);

/* Frees the memory of the page, which need not be complete. */
void lookup_page_end(struct lookup_page *page);

/* --- for lookup_page_debug.c ------------------------------------------------------------------ */

/* Returns the current topic or channel, or NULL if there is none or it was deleted. */
struct registry_topic *lookup_page_topic(const struct lookup_page *page);
struct registry_key *lookup_page_channel(const struct lookup_page *page);

/* Moves to the first or next topic or channel. Returns false at the end. */
bool lookup_page_next_topic(struct lookup_page *page);
bool lookup_page_next_channel(struct lookup_page *page);

/* Begins /debug. */
void lookup_page_debug(struct lookup_page *page, int64_t now);

#endif
