/* SPDX-License-Identifier: MIT */
/* Compares the top-level members of two JSON objects, read by yajl. Must not know: frames and
 * steps. */
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
    if (YAJL_IS_NULL(wanted)) {
        return true;
    }
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

static bool has_members(yajl_val wanted, yajl_val got)
{
    for (size_t i = 0; i < YAJL_GET_OBJECT(wanted)->len; i++) {
        yajl_val member = member_of(got, YAJL_GET_OBJECT(wanted)->keys[i]);
        if (member == NULL || !scalar_equal(YAJL_GET_OBJECT(wanted)->values[i], member)) {
            return false;
        }
    }
    return true;
}

bool json_subset(struct span wanted, struct span got)
{
    yajl_val w = json_tree(wanted);
    yajl_val g = json_tree(got);
    bool subset = YAJL_IS_OBJECT(w) && YAJL_IS_OBJECT(g) && has_members(w, g);
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
    }
}

static void show_difference(const char *key, yajl_val wanted, yajl_val got, struct buf *out)
{
    buf_append(out, span_make(key, strlen(key)));
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

void json_differences(struct span wanted, struct span got, struct buf *out)
{
    yajl_val w = json_tree(wanted);
    yajl_val g = json_tree(got);
    if (!YAJL_IS_OBJECT(g)) {
        text_append(out, "this is not a JSON object\n");
    }
    for (size_t i = 0; YAJL_IS_OBJECT(w) && YAJL_IS_OBJECT(g) && i < YAJL_GET_OBJECT(w)->len; i++) {
        const char *key = YAJL_GET_OBJECT(w)->keys[i];
        yajl_val value = YAJL_GET_OBJECT(w)->values[i];
        yajl_val member = member_of(g, key);
        if (member == NULL || !scalar_equal(value, member)) {
            show_difference(key, value, member, out);
        }
    }
    yajl_tree_free(w);
    yajl_tree_free(g);
}
