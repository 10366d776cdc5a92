/* SPDX-License-Identifier: MIT */
/* Compares the top-level members of two JSON objects, read by yajl. Must not know: frames and
 * steps. */
#include "conform/json_subset.h"

#include <yajl/yajl_tree.h>

#include "base/alloc.h"

/* yajl's tree parser needs a string that ends with a NUL. */
static yajl_val parse(struct span s)
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

static bool has_members(yajl_val wanted, yajl_val got)
{
    for (size_t i = 0; i < YAJL_GET_OBJECT(wanted)->len; i++) {
        const char *path[] = {YAJL_GET_OBJECT(wanted)->keys[i], NULL};
        yajl_val member = yajl_tree_get(got, path, yajl_t_any);
        if (member == NULL || !scalar_equal(YAJL_GET_OBJECT(wanted)->values[i], member)) {
            return false;
        }
    }
    return true;
}

bool json_subset(struct span wanted, struct span got)
{
    yajl_val w = parse(wanted);
    yajl_val g = parse(got);
    bool subset = YAJL_IS_OBJECT(w) && YAJL_IS_OBJECT(g) && has_members(w, g);
    yajl_tree_free(w);
    yajl_tree_free(g);
    return subset;
}
