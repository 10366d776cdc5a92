/* SPDX-License-Identifier: MIT */
/*
 * Owns: nsqd.dat, the file in which upstream's nsqd 1.3.0 keeps its topics and channels, and which
 * of them are paused. There are a reader and a writer of this JSON, and the list of topics and
 * channels that they use. No part of the server uses them yet.
 * Must not know: files, and what topics and channels the server has.
 *
 *     {"topics":[{"name":"t","paused":false,"channels":[{"name":"c","paused":true}]}],
 *      "version":"1.3.0"}
 *
 * Upstream writes this without white space and in the order of a hash table. A list without items
 * is null.
 */
#ifndef ENGINE_METADATA_H
#define ENGINE_METADATA_H

#include <nsq/name.h>

#include "base/buf.h"

/* A topic or a channel. A channel belongs to the last topic before it. */
struct metadata_item {
    bool is_channel;
    bool paused;
    uint8_t name_n;
    uint8_t name[NSQ_NAME_MAX];
};

/* A struct of zeros is an empty list. */
struct metadata {
    struct metadata_item *items; /* owned */
    size_t count;
    size_t cap;
    size_t skipped; /* by metadata_read: topics and channels whose names are not valid */
};

void metadata_free(struct metadata *m);

/* Appends a topic or a channel. The name has at most NSQ_NAME_MAX bytes; they are copied. */
void metadata_add(struct metadata *m, bool is_channel, struct span name, bool paused);

/* Returns the name, which is borrowed. */
static inline struct span metadata_name(const struct metadata_item *item)
{
    return span_make(item->name, item->name_n);
}

enum metadata_why {
    METADATA_GOOD = 0,
    METADATA_NO_JSON,    /* the document is empty, or is not valid JSON */
    METADATA_WRONG_TYPE, /* a value has a wrong type */
    METADATA_TOO_DEEP,   /* more than JSON_DEPTH_MAX nested objects and arrays */
    METADATA_REPEATED,   /* a second list of topics, or of the channels of a topic */
};

/* Where the reader found the error: at the value of a member, or at an element of a list. With
 * METADATA_NO_JSON this is the last place before the error. */
struct metadata_error {
    enum metadata_why why;
    const char *member; /* its name; "" at an element. Static */
    int64_t topic;      /* which topic of the list, from 0; -1 outside of topics */
    int64_t channel;    /* which channel of this topic, from 0; -1 outside of channels */
};

/*
 * Reads a document into an empty list. The rules are those of Go's encoding/json: upper and lower
 * case of a key are the same, unknown keys are ignored, null changes nothing. A topic without a
 * valid name (nsq/name.h) is left out with its channels. A channel without a valid name is left out
 * too. `skipped` counts these topics and channels, but not the channels of a topic that is left
 * out. The same topic may be there several times.
 * Returns false and sets *error if upstream's nsqd refuses to start with the document, or if a list
 * is repeated, which upstream reads in an odd way. Frees the list in this case.
 * Source: nsqd 1.3.0, nsqd/nsqd.go, LoadMetadata.
 */
bool metadata_read(struct span document, struct metadata *m, struct metadata_error *error);

/*
 * Appends the document to `out`, byte for byte as upstream writes it for these items in this order.
 * Ephemeral topics and channels, and channels of ephemeral topics, are left out. `version` is the
 * version of nsqd.
 * Source: nsqd 1.3.0, nsqd/nsqd.go, GetMetadata and PersistMetadata.
 */
void metadata_write(const struct metadata *m, struct span version, struct buf *out);

#endif
