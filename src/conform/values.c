/* SPDX-License-Identifier: MIT */
/* Values by name, and rendering items to bytes. Must not know: steps. */
#include "conform/values.h"

#include <stdio.h>

#include "base/hash.h"
#include "base/text.h"

#define FNV_BASIS 0x811c9dc5U
#define FNV_PRIME 0x01000193U

/* --- values ----------------------------------------------------------------------------------- */

/* Names come from the file, so no peer chooses them. */
static unsigned hash_of(struct span name)
{
    static const struct hash_seed seed = {{0, 0}};
    return (unsigned)hash_bytes(&seed, name);
}

struct value *values_find(struct values *v, struct span name)
{
    struct value *value;
    HASH_FIND_BYHASHVALUE(hh, v->table, name.p, name.n, hash_of(name), value);
    return value;
}

struct value *values_add(struct values *v, struct span name)
{
    if (v->n == VALUES_MAX) {
        return NULL;
    }
    struct value *value = alloc_zeroed(sizeof *value);
    value->name = name;
    v->n++;
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, v->table, value->name.p, value->name.n, hash_of(name), value);
    return value;
}

static bool begins_with(struct span s, struct span head)
{
    return s.n >= head.n && span_equal(span_first(s, head.n), head);
}

/* Whether the name is that of a topic or channel. */
static bool is_name(struct span name)
{
    return begins_with(name, SPAN("topic")) || begins_with(name, SPAN("channel"));
}

bool values_made(struct span name)
{
    return is_name(name) || span_equal(name, SPAN(VALUES_LOOKUPD)) ||
           span_equal(name, SPAN(VALUES_LOOKUPD2)) ||
           span_equal(name, SPAN(VALUES_LOOKUPD_HTTP_PORT));
}

void values_set(struct values *v, struct span name, struct span bytes)
{
    struct value *value = values_add(v, name);
    if (value != NULL) {
        buf_append(&value->bytes, bytes);
    }
}

struct value *values_get(struct values *v, struct span name)
{
    struct value *value = values_find(v, name);
    if (value == NULL && is_name(name) && (value = values_add(v, name)) != NULL) {
        buf_append(&value->bytes, v->names);
        buf_append(&value->bytes, SPAN("."));
        buf_append(&value->bytes, name);
    }
    return value;
}

static bool render_size(struct values *v, const struct item *item, struct buf *out)
{
    struct buf inside = {0};
    uint8_t size[4];
    bool ok = values_render(v, item->inside, &inside);
    be32_store(size, (uint32_t)inside.n);
    buf_append(out, span_make(size, sizeof size));
    buf_append(out, buf_span(&inside));
    buf_free(&inside);
    return ok;
}

/* Copies what is there already, twice as much each time: bodies of 1 MB are usual. */
static void render_fill(const struct item *item, struct buf *out)
{
    size_t n = (size_t)item->number;
    if (n == 0) {
        return;
    }
    uint8_t *p = buf_room(out, n);
    size_t done = span_first(item->bytes, n).n;
    memcpy(p, item->bytes.p, done);
    while (done < n) {
        size_t part = done < n - done ? done : n - done;
        memcpy(p + done, p, part);
        done += part;
    }
    buf_grew(out, n);
}

static void render_number(const struct item *item, struct buf *out)
{
    uint8_t bytes[8];
    size_t n = item->kind == ITEM_U8    ? 1
               : item->kind == ITEM_U16 ? 2
               : item->kind == ITEM_I32 ? 4
                                        : 8;
    be64_store(bytes, (uint64_t)item->number);
    buf_append(out, span_make(bytes + sizeof bytes - n, n));
}

static bool render_item(struct values *v, const struct item *item, struct buf *out)
{
    const struct value *value;
    switch (item->kind) {
    case ITEM_BYTES:
        buf_append(out, item->bytes);
        return true;
    case ITEM_VAR:
        value = values_get(v, item->bytes);
        if (value != NULL) {
            buf_append(out, buf_span(&value->bytes));
        }
        return value != NULL;
    case ITEM_SIZE:
        return render_size(v, item, out);
    case ITEM_FILL:
        render_fill(item, out);
        return true;
    default:
        render_number(item, out);
        return true;
    }
}

bool values_render(struct values *v, const struct item *items, struct buf *out)
{
    for (const struct item *item = items; item != NULL; item = item->next) {
        if (!render_item(v, item, out)) {
            return false;
        }
    }
    return true;
}

/* Takes bytes off the front of `rest` if it begins with them. */
static bool take_bytes(struct span *rest, struct span bytes)
{
    bool equal = span_equal(span_first(*rest, bytes.n), bytes);
    *rest = span_skip(*rest, equal ? bytes.n : 0);
    return equal;
}

/* Takes the bytes of one item. Makes no copy, because a set of messages is compared often. */
static bool take_item(struct values *v, const struct item *item, struct span *rest)
{
    struct buf bytes = {0};
    const struct value *value;
    switch (item->kind) {
    case ITEM_BYTES:
        return take_bytes(rest, item->bytes);
    case ITEM_VAR:
        value = values_get(v, item->bytes);
        return value != NULL && take_bytes(rest, buf_span(&value->bytes));
    default: {
        bool equal = render_item(v, item, &bytes) && take_bytes(rest, buf_span(&bytes));
        buf_free(&bytes);
        return equal;
    }
    }
}

/* Takes the bytes of the items up to the next *. Returns false if the bytes are others. Sets *next
 * to the item where it has stopped: the *, or NULL at the end of the list. */
static bool take_items(struct values *v, const struct item *items, struct span *rest,
                       const struct item **next)
{
    const struct item *item = items;
    bool equal = true;
    for (; item != NULL && item->kind != ITEM_ANY && equal; item = item->next) {
        equal = take_item(v, item, rest);
    }
    *next = item;
    return equal;
}

/* Skips bytes until the items behind a * match. What follows the next * can then only have more
 * bytes to choose from, so the first match is as good as any other. The items behind the last *
 * must match at the end. */
static bool find_items(struct values *v, const struct item *items, struct span *rest,
                       const struct item **next)
{
    for (;; *rest = span_skip(*rest, 1)) {
        struct span at = *rest;
        if (take_items(v, items, &at, next) && (*next != NULL || at.n == 0)) {
            *rest = at;
            return true;
        }
        if (rest->n == 0) {
            return false;
        }
    }
}

bool values_equal(struct values *v, const struct item *items, struct span bytes)
{
    const struct item *next;
    bool equal = take_items(v, items, &bytes, &next);
    while (equal && next != NULL) {
        if (next->next == NULL) {
            return true;
        }
        equal = find_items(v, next->next, &bytes, &next);
    }
    return equal && bytes.n == 0;
}

void values_scratch(const struct values *v, struct buf *out)
{
    buf_append(out, v->names);
    text_append(out, ".scratch");
}

struct span values_names(const char *prefix, struct span id, char out[VALUES_NAMES_MAX])
{
    uint32_t hash = FNV_BASIS;
    for (size_t i = 0; i < id.n; i++) {
        hash = (hash ^ id.p[i]) * FNV_PRIME;
    }
    int n = snprintf(out, VALUES_NAMES_MAX, "%.30s-%08x", prefix, hash);
    return span_make(out, (size_t)n);
}

void values_free(struct values *v)
{
    struct value *value;
    struct value *next;
    HASH_ITER(hh, v->table, value, next)
    {
        HASH_DEL(v->table, value);
        buf_free(&value->bytes);
        alloc_free(value);
    }
    *v = (struct values){0};
}
