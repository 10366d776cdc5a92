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

static bool value_matches(yajl_val wanted, yajl_val got, enum json_arrays arrays);

static bool has_members(yajl_val wanted, yajl_val got, enum json_arrays arrays)
{
    bool match = YAJL_IS_OBJECT(got);
    for (size_t i = 0; i < YAJL_GET_OBJECT(wanted)->len && match; i++) {
        yajl_val member = member_of(got, YAJL_GET_OBJECT(wanted)->keys[i]);
        match = member != NULL && value_matches(YAJL_GET_OBJECT(wanted)->values[i], member, arrays);
    }
    return match;
}

/* The values that the wanted ones before have taken. */
struct taken {
    bool is[JSON_SET_MAX];
};

/* Takes a value of the array that is equal to the wanted one. Returns false if there is none. */
static bool take_value(yajl_val wanted, yajl_val got, struct taken *taken)
{
    size_t n = got->u.array.len;
    size_t i = 0;
    while (i < n &&
           (taken->is[i] || !value_matches(wanted, got->u.array.values[i], JSON_ARRAYS_ARE_SETS))) {
        i++;
    }
    if (i < n) {
        taken->is[i] = true;
    }
    return i < n;
}

static bool same_length(yajl_val wanted, yajl_val got)
{
    return YAJL_IS_ARRAY(got) && wanted->u.array.len == got->u.array.len;
}

static bool has_values(yajl_val wanted, yajl_val got, enum json_arrays arrays)
{
    bool sets = arrays == JSON_ARRAYS_ARE_SETS;
    bool match = same_length(wanted, got) && (!sets || got->u.array.len <= JSON_SET_MAX);
    struct taken taken = {{false}};
    for (size_t i = 0; match && i < wanted->u.array.len; i++) {
        yajl_val value = wanted->u.array.values[i];
        match = sets ? take_value(value, got, &taken)
                     : value_matches(value, got->u.array.values[i], arrays);
    }
    return match;
}

/* Recurses as deep as the wanted value, which a case has. */
static bool value_matches(yajl_val wanted, yajl_val got, enum json_arrays arrays)
{
    return YAJL_IS_NULL(wanted)     ? true
           : YAJL_IS_OBJECT(wanted) ? has_members(wanted, got, arrays)
           : YAJL_IS_ARRAY(wanted)  ? has_values(wanted, got, arrays)
                                    : scalar_equal(wanted, got);
}

bool json_subset(struct span wanted, struct span got, enum json_arrays arrays)
{
    yajl_val w = json_tree(wanted);
    yajl_val g = json_tree(got);
    bool subset = YAJL_IS_OBJECT(w) && has_members(w, g, arrays);
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

/* Where the lines go, and how arrays are compared. */
struct differences {
    struct buf path; /* of the value that is compared now */
    enum json_arrays arrays;
    struct buf *out;
};

static void show_differences(struct differences *d, yajl_val wanted, yajl_val got);

static void show_members(struct differences *d, yajl_val wanted, yajl_val got)
{
    size_t n = d->path.n;
    for (size_t i = 0; i < YAJL_GET_OBJECT(wanted)->len; i++) {
        const char *key = YAJL_GET_OBJECT(wanted)->keys[i];
        buf_append(&d->path, n == 0 ? SPAN("") : SPAN("."));
        buf_append(&d->path, text_span(key));
        show_differences(d, YAJL_GET_OBJECT(wanted)->values[i], member_of(got, key));
        d->path.n = n; /* the end is cut off */
    }
}

/* A set of one value is compared as if it had an order: this shows more. */
static void show_values(struct differences *d, yajl_val wanted, yajl_val got)
{
    size_t n = d->path.n;
    bool sets = d->arrays == JSON_ARRAYS_ARE_SETS && wanted->u.array.len > 1;
    struct taken taken = {{false}};
    for (size_t i = 0; i < wanted->u.array.len; i++) {
        yajl_val value = wanted->u.array.values[i];
        text_append(&d->path, "[");
        text_append_decimal(&d->path, (int64_t)i);
        text_append(&d->path, "]");
        if (!sets) {
            show_differences(d, value, got->u.array.values[i]);
        } else if (!take_value(value, got, &taken)) {
            show_difference(&d->path, value, NULL, d->out);
        }
        d->path.n = n; /* the end is cut off */
    }
}

/* `got` is NULL when the member is missing. */
static void show_differences(struct differences *d, yajl_val wanted, yajl_val got)
{
    if (got != NULL && value_matches(wanted, got, d->arrays)) {
        return;
    }
    if (YAJL_IS_OBJECT(wanted) && YAJL_IS_OBJECT(got)) {
        show_members(d, wanted, got);
    } else if (YAJL_IS_ARRAY(wanted) && got != NULL && same_length(wanted, got) &&
               got->u.array.len <= JSON_SET_MAX) {
        show_values(d, wanted, got);
    } else {
        show_difference(&d->path, wanted, got, d->out);
    }
}

void json_differences(struct span wanted, struct span got, enum json_arrays arrays, struct buf *out)
{
    yajl_val w = json_tree(wanted);
    yajl_val g = json_tree(got);
    struct differences d = {.arrays = arrays, .out = out};
    if (!YAJL_IS_OBJECT(g)) {
        text_append(out, "this is not a JSON object\n");
    } else if (YAJL_IS_OBJECT(w)) {
        show_members(&d, w, g);
    }
    buf_free(&d.path);
    yajl_tree_free(w);
    yajl_tree_free(g);
}
