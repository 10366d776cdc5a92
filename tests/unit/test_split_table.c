/* SPDX-License-Identifier: MIT */
/* Checks that a table finds and visits its entries before and after it is split. */
#include "base/split_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/hash.h"
#include "base/list.h"

struct element {
    uint64_t key;
    struct table_entry entry;
    bool seen;
};

static unsigned hash_of(uint64_t key)
{
    const struct hash_seed seed = {{1, 2}};
    return (unsigned)hash_number(&seed, key);
}

static struct element *find(const struct split_table *t, uint64_t key)
{
    struct table_entry *e = split_table_find(t, span_make(&key, sizeof key), hash_of(key));
    return e == NULL ? NULL : container_of(e, struct element, entry);
}

static void check(const struct split_table *t, struct element *elements, size_t from, size_t to)
{
    size_t n = 0;
    for (size_t i = from; i < to; i++) {
        assert_ptr_equal(find(t, elements[i].key), &elements[i]);
        elements[i].seen = false;
    }
    for (struct table_entry *e = split_table_first(t); e != NULL; e = split_table_next(t, e)) {
        struct element *element = container_of(e, struct element, entry);
        assert_in_range(element - elements, from, to - 1);
        assert_false(element->seen);
        element->seen = true;
        n++;
    }
    assert_int_equal(n, to - from);
    assert_int_equal(t->count, n);
}

static void entries_are_found(void **state)
{
    (void)state;
    enum { N = SPLIT_TABLE_ONE + 2000 };
    struct element *elements = alloc_zeroed(N * sizeof *elements);
    struct split_table t = {0};
    assert_null(split_table_first(&t));
    assert_null(find(&t, 0));
    assert_int_equal(split_table_cost(&t), 0);
    for (size_t i = 0; i < N; i++) {
        elements[i].key = i;
        split_table_add(&t, &elements[i].entry, span_make(&elements[i].key, sizeof(uint64_t)),
                        hash_of(i));
        assert_true((t.parts == NULL) == (i < SPLIT_TABLE_ONE));
        if (i == 0 || i == 100 || i + 1 == SPLIT_TABLE_ONE || i == SPLIT_TABLE_ONE) {
            check(&t, elements, 0, i + 1);
        }
    }
    check(&t, elements, 0, N);
    assert_int_equal(split_table_cost(&t), SPLIT_TABLE_COST);
    assert_null(find(&t, N));
    for (size_t i = 0; i < N; i++) {
        split_table_remove(&t, &elements[i].entry);
        assert_null(find(&t, i));
        if (i == 1000 || i + 2 == N) {
            check(&t, elements, i + 1, N);
        }
    }
    assert_null(split_table_first(&t));
    split_table_free(&t);
    assert_int_equal(split_table_cost(&t), 0);
    alloc_free(elements);
}

/* No part is large, so no growth moves many entries. */
static void parts_have_about_the_same_size(void **state)
{
    (void)state;
    enum { N = 100 * SPLIT_TABLE_PARTS };
    struct element *elements = alloc_zeroed(N * sizeof *elements);
    struct split_table t = {0};
    for (size_t i = 0; i < N; i++) {
        elements[i].key = i << 22; /* like message ids */
        split_table_add(&t, &elements[i].entry, span_make(&elements[i].key, sizeof(uint64_t)),
                        hash_of(elements[i].key));
    }
    for (unsigned i = 0; i < SPLIT_TABLE_PARTS; i++) {
        assert_in_range(HASH_COUNT(t.parts[i]), 50, 200);
    }
    for (size_t i = 0; i < N; i++) {
        split_table_remove(&t, &elements[i].entry);
    }
    split_table_free(&t);
    alloc_free(elements);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_found),
        cmocka_unit_test(parts_have_about_the_same_size),
    };
    return cmocka_run_group_tests_name("split_table", tests, NULL, NULL);
}
