/* SPDX-License-Identifier: MIT */
/* Compares two JSON objects, read by yajl, along the members of the wanted one. Must not know:
 * frames and steps. */
#include "conform/json_subset.h"

#include <yajl/yajl_tree.h>

#include "base/alloc.h"
#include "base/text.h"
#include "json/writer.h"

#define VALUE_MAX 100 /* bytes of a string that a line shows */

/* yajl's tree parser needs a string that ends with a NUL. */
yajl_val json_tree(struct span s)
{
    char *copy = alloc_zeroed(s.n + 1);
    if (s.n > 0) {
        memcpy(copy, s.p, s.n);
    }
    yajl_val tree = yajl_tree_parse(copy, NULL, 0);
    alloc_free(copy);
    return tree;
}

static bool scalar_equal(yajl_val wanted, yajl_val got)
{
    if (wanted->type != got->type) {
        return false;
    }
    if (YAJL_IS_NUMBER(wanted)) {
        return strcmp(YAJL_GET_NUMBER(wanted), YAJL_GET_NUMBER(got)) == 0;
    }
    if (YAJL_IS_STRING(wanted)) {
        return strcmp(wanted->u.string, got->u.string) == 0;
    }
    return YAJL_IS_TRUE(wanted) || YAJL_IS_FALSE(wanted);
}

static yajl_val member_of(yajl_val object, const char *key)
{
    const char *path[] = {key, NULL};
    return yajl_tree_get(object, path, yajl_t_any);
}

static bool value_matches(yajl_val wanted, yajl_val got);

static bool has_members(yajl_val wanted, yajl_val got)
{
    bool match = YAJL_IS_OBJECT(got);
    for (size_t i = 0; i < YAJL_GET_OBJECT(wanted)->len && match; i++) {
        yajl_val member = member_of(got, YAJL_GET_OBJECT(wanted)->keys[i]);
        match = member != NULL && value_matches(YAJL_GET_OBJECT(wanted)->values[i], member);
    }
    return match;
}

static bool has_values(yajl_val wanted, yajl_val got)
{
    bool match = YAJL_IS_ARRAY(got) && YAJL_GET_ARRAY(wanted)->len == YAJL_GET_ARRAY(got)->len;
    for (size_t i = 0; match && i < YAJL_GET_ARRAY(wanted)->len; i++) {
        match = value_matches(YAJL_GET_ARRAY(wanted)->values[i], YAJL_GET_ARRAY(got)->values[i]);
    }
    return match;
}

/* Recurses as deep as the wanted value, which a case has. */
static bool value_matches(yajl_val wanted, yajl_val got)
{
    return YAJL_IS_NULL(wanted)     ? true
           : YAJL_IS_OBJECT(wanted) ? has_members(wanted, got)
           : YAJL_IS_ARRAY(wanted)  ? has_values(wanted, got)
                                    : scalar_equal(wanted, got);
}

bool json_subset(struct span wanted, struct span got)
{
    yajl_val w = json_tree(wanted);
    yajl_val g = json_tree(got);
    bool subset = YAJL_IS_OBJECT(w) && has_members(w, g);
    yajl_tree_free(w);
    yajl_tree_free(g);
    return subset;
}

static void show_value(yajl_val v, struct buf *out)
{
    if (YAJL_IS_STRING(v)) {
        struct json_writer json = json_writer(out, JSON_COMPACT);
        json_write_string(&json,
                          span_first(span_make(v->u.string, strlen(v->u.string)), VALUE_MAX));
    } else if (YAJL_IS_NUMBER(v)) {
        const char *digits = YAJL_GET_NUMBER(v);
        buf_append(out, span_first(span_make(digits, strlen(digits)), VALUE_MAX));
    } else {
        buf_append(out, YAJL_IS_TRUE(v)     ? SPAN("true")
                        : YAJL_IS_FALSE(v)  ? SPAN("false")
                        : YAJL_IS_NULL(v)   ? SPAN("null")
                        : YAJL_IS_OBJECT(v) ? SPAN("an object")
                                            : SPAN("an array"));
        if (YAJL_IS_ARRAY(v)) {
            text_append(out, " of ");
            text_append_decimal(out, (int64_t)YAJL_GET_ARRAY(v)->len);
        }
    }
}

static void show_difference(const struct buf *path, yajl_val wanted, yajl_val got, struct buf *out)
{
    buf_append(out, buf_span(path));
    text_append(out, ": expected ");
    if (YAJL_IS_NULL(wanted)) {
        text_append(out, "any value");
    } else {
        show_value(wanted, out);
    }
    if (got == NULL) {
        text_append(out, ", but this member is missing\n");
        return;
    }
    text_append(out, ", came ");
    show_value(got, out);
    text_append(out, "\n");
}

static void show_differences(struct buf *path, yajl_val wanted, yajl_val got, struct buf *out);

static void show_members(struct buf *path, yajl_val wanted, yajl_val got, struct buf *out)
{
    size_t n = path->n;
    for (size_t i = 0; i < YAJL_GET_OBJECT(wanted)->len; i++) {
        const char *key = YAJL_GET_OBJECT(wanted)->keys[i];
        buf_append(path, n == 0 ? SPAN("") : SPAN("."));
        buf_append(path, text_span(key));
        show_differences(path, YAJL_GET_OBJECT(wanted)->values[i], member_of(got, key), out);
        path->n = n; /* the end is cut off */
    }
}

static void show_values(struct buf *path, yajl_val wanted, yajl_val got, struct buf *out)
{
    size_t n = path->n;
    for (size_t i = 0; i < YAJL_GET_ARRAY(wanted)->len; i++) {
        text_append(path, "[");
        text_append_decimal(path, (int64_t)i);
        text_append(path, "]");
        show_differences(path, YAJL_GET_ARRAY(wanted)->values[i], YAJL_GET_ARRAY(got)->values[i],
                         out);
        path->n = n; /* the end is cut off */
    }
}

/* `got` is NULL when the member is missing. */
static void show_differences(struct buf *path, yajl_val wanted, yajl_val got, struct buf *out)
{
    if (got != NULL && value_matches(wanted, got)) {
        return;
    }
    if (YAJL_IS_OBJECT(wanted) && YAJL_IS_OBJECT(got)) {
        show_members(path, wanted, got, out);
    } else if (YAJL_IS_ARRAY(wanted) && YAJL_IS_ARRAY(got) &&
               YAJL_GET_ARRAY(wanted)->len == YAJL_GET_ARRAY(got)->len) {
        show_values(path, wanted, got, out);
    } else {
        show_difference(path, wanted, got, out);
    }
}

void json_differences(struct span wanted, struct span got, struct buf *out)
{
    yajl_val w = json_tree(wanted);
    yajl_val g = json_tree(got);
    struct buf path = {0};
    if (!YAJL_IS_OBJECT(g)) {
        text_append(out, "this is not a JSON object\n");
    } else if (YAJL_IS_OBJECT(w)) {
        show_members(&path, w, g, out);
    }
    buf_free(&path);
    yajl_tree_free(w);
    yajl_tree_free(g);
}
