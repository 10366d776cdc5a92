/* SPDX-License-Identifier: MIT */
/* Tests of base/heap.h, alone and against a sorted array. */
#include "base/heap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define NODES 600

static const int64_t NONE = -77;

/* Checks that every node stores its place and that no entry is smaller than its parent. */
static void check(const struct heap *h)
{
    assert_true(h->n <= h->room);
    for (size_t i = 0; i < h->n; i++) {
        const struct heap_entry *e = heap_at(h, i);
        const struct heap_entry *parent = heap_at(h, i == 0 ? 0 : heap_parent(i));
        assert_int_equal(e->node->place, i + 1);
        assert_true(parent->key < e->key || (parent->key == e->key && parent->order <= e->order));
    }
}

static void all_zeros_is_empty(void **state)
{
    (void)state;
    struct heap h = {0};
    struct heap_node node = {0};
    assert_null(heap_first(&h));
    assert_true(heap_first_key(&h, NONE) == NONE);
    assert_false(heap_holds(&node));
    heap_remove(&h, &node); /* it is in no heap */
    assert_int_equal(h.n, 0);
    heap_free(&h);
}

static void the_smallest_key_is_first(void **state)
{
    (void)state;
    static const int64_t keys[] = {5, INT64_MAX, -3, 0, INT64_MIN, 4, 5};
    static const size_t order[] = {4, 2, 3, 5, 0, 6, 1};
    enum { N = sizeof keys / sizeof keys[0] };
    struct heap h = {0};
    struct heap_node nodes[N] = {{0}};
    for (size_t i = 0; i < N; i++) {
        heap_insert(&h, &nodes[i], keys[i]);
        assert_true(heap_holds(&nodes[i]));
        check(&h);
    }
    for (size_t i = 0; i < N; i++) {
        assert_ptr_equal(heap_first(&h), &nodes[order[i]]);
        assert_true(heap_first_key(&h, NONE) == keys[order[i]]);
        heap_remove(&h, &nodes[order[i]]);
        assert_false(heap_holds(&nodes[order[i]]));
        check(&h);
    }
    assert_null(heap_first(&h));
    heap_free(&h);
}

static void equal_keys_come_out_as_they_went_in(void **state)
{
    (void)state;
    struct heap h = {0};
    struct heap_node nodes[NODES] = {{0}};
    for (size_t i = 0; i < NODES; i++) {
        heap_insert(&h, &nodes[i], 7);
    }
    heap_remove(&h, &nodes[10]);
    heap_insert(&h, &nodes[10], 7); /* it comes after the equal keys again */
    for (size_t i = 0; i < NODES; i++) {
        size_t expected = i < 10 ? i : i + 1 < NODES ? i + 1 : 10;
        assert_ptr_equal(heap_first(&h), &nodes[expected]);
        heap_remove(&h, &nodes[expected]);
    }
    heap_free(&h);
}

static void each_place_can_be_removed(void **state)
{
    (void)state;
    enum { N = 15 };
    for (size_t removed = 0; removed < N; removed++) {
        struct heap h = {0};
        struct heap_node nodes[N] = {{0}};
        for (size_t i = 0; i < N; i++) {
            heap_insert(&h, &nodes[i], (int64_t)(i * 7 % N));
        }
        heap_remove(&h, &nodes[removed]);
        assert_int_equal(h.n, N - 1);
        check(&h);
        heap_remove(&h, &nodes[removed]); /* the second time does nothing */
        assert_int_equal(h.n, N - 1);
        heap_free(&h);
    }
}

/* The entry that fills a gap may have to move up, because it comes from another branch. */
static void what_fills_a_gap_may_go_up(void **state)
{
    (void)state;
    static const int64_t keys[] = {0, 10, 1, 2, 3, 11, 12, 13, 14, 4};
    enum { N = sizeof keys / sizeof keys[0] };
    struct heap h = {0};
    struct heap_node nodes[N] = {{0}};
    for (size_t i = 0; i < N; i++) {
        heap_insert(&h, &nodes[i], keys[i]);
    }
    heap_remove(&h, &nodes[5]); /* 11, whose parent is 10; 4 fills the gap */
    check(&h);
    assert_int_equal(nodes[9].place, 2);
    heap_free(&h);
}

/* Returns how many parts n entries need. */
static size_t needed(size_t n)
{
    return n == 0 ? 0 : (n + HEAP_WIDTH - 2) / HEAP_PART + 1;
}

/* One insertion adds at most one part, and one removal frees at most one. One empty part is kept.
 */
static void a_heap_grows_and_shrinks_by_parts(void **state)
{
    (void)state;
    enum { MANY = 20 * HEAP_PART };
    struct heap h = {0};
    static struct heap_node nodes[MANY];
    for (size_t i = 0; i < MANY; i++) {
        heap_insert(&h, &nodes[i], (int64_t)(i * 7919 % MANY));
        assert_int_equal(h.part_count, needed(h.n));
    }
    check(&h);
    for (size_t i = 0; i < MANY; i++) {
        size_t before = h.part_count;
        assert_true(heap_first_key(&h, NONE) == (int64_t)i);
        heap_remove(&h, heap_first(&h));
        assert_true(h.part_count == before || h.part_count + 1 == before);
        assert_in_range(h.part_count, needed(h.n), needed(h.n) + 2);
    }
    heap_free(&h);
    assert_null(h.parts);
    assert_int_equal(h.part_count, 0);
}

/* --- against a sorted array ------------------------------------------------------------------- */

struct sorted {
    size_t n;
    struct {
        int64_t key;
        struct heap_node *node;
    } rows[NODES];
};

/* Inserts an entry after all that are not larger. */
static void sorted_insert(struct sorted *s, struct heap_node *node, int64_t key)
{
    size_t i = s->n++;
    for (; i > 0 && s->rows[i - 1].key > key; i--) {
        s->rows[i] = s->rows[i - 1];
    }
    s->rows[i].key = key;
    s->rows[i].node = node;
}

static void sorted_remove(struct sorted *s, const struct heap_node *node)
{
    size_t i = 0;
    while (s->rows[i].node != node) {
        i++;
    }
    for (s->n--; i < s->n; i++) {
        s->rows[i] = s->rows[i + 1];
    }
}

static void random_use_is_a_sorted_array(void **state)
{
    (void)state;
    enum { STEPS = 20000 };
    const unsigned seed = 20240229;
    print_message("seed %u\n", seed);
    unsigned random = seed;
    struct heap h = {0};
    static struct heap_node nodes[NODES];
    static struct sorted sorted;
    for (int step = 0; step < STEPS; step++) {
        random = random * 1103515245U + 12345U;
        struct heap_node *node = &nodes[(random >> 8) % NODES];
        int64_t key = (int64_t)(random >> 20) % 50; /* few keys, so that many are equal */
        bool fewer = step / 2000 % 2 == 1;          /* the heap grows and shrinks in turn */
        if (random >> 30 == 3 && sorted.n > 0) {
            node = heap_first(&h);
        }
        if (heap_holds(node)) {
            heap_remove(&h, node);
            sorted_remove(&sorted, node);
        } else if (!fewer) {
            heap_insert(&h, node, key);
            sorted_insert(&sorted, node, key);
        }
        assert_int_equal(h.n, sorted.n);
        assert_ptr_equal(heap_first(&h), sorted.n == 0 ? NULL : sorted.rows[0].node);
        assert_true(heap_first_key(&h, NONE) == (sorted.n == 0 ? NONE : sorted.rows[0].key));
        check(&h);
    }
    for (size_t i = 0; i < sorted.n; i++) {
        assert_ptr_equal(heap_first(&h), sorted.rows[i].node);
        heap_remove(&h, heap_first(&h));
    }
    assert_int_equal(h.n, 0);
    heap_free(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_zeros_is_empty),
        cmocka_unit_test(the_smallest_key_is_first),
        cmocka_unit_test(equal_keys_come_out_as_they_went_in),
        cmocka_unit_test(each_place_can_be_removed),
        cmocka_unit_test(what_fills_a_gap_may_go_up),
        cmocka_unit_test(a_heap_grows_and_shrinks_by_parts),
        cmocka_unit_test(random_use_is_a_sorted_array),
    };
    return cmocka_run_group_tests_name("heap", tests, NULL, NULL);
}
