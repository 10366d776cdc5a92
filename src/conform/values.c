/* SPDX-License-Identifier: MIT */
/* Values by name, and rendering items to bytes. Must not know: steps. */
#include "conform/values.h"

#include <stdio.h>

#include "base/text.h"

#define FNV_BASIS 0x811c9dc5U
#define FNV_PRIME 0x01000193U

/* --- values ----------------------------------------------------------------------------------- */

struct value *values_find(struct values *v, struct span name)
{
    for (size_t i = 0; i < v->n; i++) {
        if (span_equal(v->list[i].name, name)) {
            return &v->list[i];
        }
    }
    return NULL;
}

struct value *values_add(struct values *v, struct span name)
{
    if (v->n == VALUES_MAX) {
        return NULL;
    }
    struct value *value = &v->list[v->n++];
    *value = (struct value){.name = name};
    return value;
}

static bool begins_with(struct span s, struct span head)
{
    return s.n >= head.n && span_equal(span_first(s, head.n), head);
}

bool values_made(struct span name)
{
    return begins_with(name, SPAN("topic")) || begins_with(name, SPAN("channel"));
}

struct value *values_get(struct values *v, struct span name)
{
    struct value *value = values_find(v, name);
    if (value == NULL && values_made(name) && (value = values_add(v, name)) != NULL) {
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

static void render_fill(const struct item *item, struct buf *out)
{
    size_t left = (size_t)item->number;
    while (left > 0) {
        struct span part = span_first(item->bytes, left);
        buf_append(out, part);
        left -= part.n;
    }
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

bool values_equal(struct values *v, const struct item *items, struct span bytes)
{
    struct buf wanted = {0};
    bool equal = values_render(v, items, &wanted) && span_equal(buf_span(&wanted), bytes);
    buf_free(&wanted);
    return equal;
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
    for (size_t i = 0; i < v->n; i++) {
        buf_free(&v->list[i].bytes);
    }
    *v = (struct values){0};
}
