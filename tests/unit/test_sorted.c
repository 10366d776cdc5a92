/* SPDX-License-Identifier: MIT */
/* Tests of base/sorted.h against a plain array. */
#include "base/sorted.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"

#define COUNT 3000

struct element {
    struct sorted_entry entry;
    uint8_t bytes[4];
    size_t n;
    bool in;
};

static const struct hash_seed seed = {{1, 2}};

static struct span name_of(const struct element *e)
{
    return span_make(e->bytes, e->n);
}

static void add(struct sorted *set, struct element *e)
{
    struct span name = name_of(e);
    sorted_add(set, &e->entry, name, (unsigned)hash_bytes(&seed, name));
    e->in = true;
}

/* Element i has a name of one to four bytes; the names of all elements differ. */
static struct element *elements_new(void)
{
    struct element *all = calloc(COUNT, sizeof *all);
    assert_non_null(all);
    for (size_t i = 0; i < COUNT; i++) {
        size_t number = i * 2654435761U % 100003 + 1;
        for (; number > 0; number /= 18) {
            all[i].bytes[all[i].n++] = (uint8_t)(number % 18 == 0 ? 255 : number % 18);
        }
    }
    return all;
}

static int compare(const void *a, const void *b)
{
    const struct element *const *x = a;
    const struct element *const *y = b;
    size_t n = (*x)->n < (*y)->n ? (*x)->n : (*y)->n;
    int order = memcmp((*x)->bytes, (*y)->bytes, n);
    return order != 0 ? order : (int)(*x)->n - (int)(*y)->n;
}

/* A walk finds exactly the elements that are in, in order. Checks the depth too. */
static void check(const struct sorted *set, struct element *all)
{
    struct element *in[COUNT];
    size_t n = 0;
    for (size_t i = 0; i < COUNT; i++) {
        if (all[i].in) {
            in[n++] = &all[i];
        }
    }
    qsort(in, n, sizeof(void *), compare);
    struct span place = {0};
    for (size_t i = 0; i < n; i++) {
        struct sorted_entry *found = sorted_after(set, place);
        assert_ptr_equal(found, &in[i]->entry);
        place = sorted_name(found);
    }
    assert_null(sorted_after(set, place));
    for (size_t i = 0; i < COUNT; i++) {
        struct sorted_entry *found = sorted_find(set, name_of(&all[i]));
        assert_ptr_equal(found, all[i].in ? &all[i].entry : NULL);
    }
}

static size_t depth(const struct sorted_entry *at)
{
    if (at == NULL) {
        return 0;
    }
    assert_true(at->left == NULL || at->left->rank <= at->rank);
    assert_true(at->right == NULL || at->right->rank <= at->rank);
    size_t left = depth(at->left);
    size_t right = depth(at->right);
    return 1 + (left > right ? left : right);
}

static void an_empty_set_has_no_first_entry(void **state)
{
    (void)state;
    struct sorted set = {0};
    assert_null(sorted_after(&set, SPAN("")));
    assert_null(sorted_after(&set, SPAN("a")));
    assert_null(sorted_find(&set, SPAN("a")));
}

static void elements_come_and_go(void **state)
{
    (void)state;
    struct sorted set = {0};
    struct element *all = elements_new();
    uint64_t random = 7;
    for (size_t i = 0; i < COUNT; i++) {
        add(&set, &all[i]);
    }
    check(&set, all);
    assert_true(depth(set.root) < 60); /* 12 is the least */
    for (size_t round = 0; round < 20; round++) {
        for (size_t i = 0; i < COUNT; i++) {
            random = random * 6364136223846793005U + 1442695040888963407U;
            if ((random >> 40) % 3 == 0 && all[i].in) {
                sorted_remove(&set, &all[i].entry);
                all[i].in = false;
            } else if ((random >> 40) % 3 == 1 && !all[i].in) {
                add(&set, &all[i]);
            }
        }
        check(&set, all);
        assert_true(depth(set.root) < 60);
    }
    for (size_t i = 0; i < COUNT; i++) {
        if (all[i].in) {
            sorted_remove(&set, &all[i].entry);
        }
    }
    assert_null(set.root);
    free(all);
}

/* The place of a walk need not be the name of an element, and a prefix comes first. */
static void a_place_needs_no_element(void **state)
{
    (void)state;
    struct sorted set = {0};
    struct element ab = {.bytes = "ab", .n = 2};
    struct element abc = {.bytes = "abc", .n = 3};
    add(&set, &abc);
    add(&set, &ab);
    assert_ptr_equal(sorted_after(&set, SPAN("")), &ab.entry);
    assert_ptr_equal(sorted_after(&set, SPAN("aa")), &ab.entry);
    assert_ptr_equal(sorted_after(&set, SPAN("ab")), &abc.entry);
    assert_ptr_equal(sorted_after(&set, SPAN("abb")), &abc.entry);
    assert_null(sorted_after(&set, SPAN("abc")));
    assert_null(sorted_after(&set, SPAN("\xff")));
    assert_ptr_equal(sorted_find(&set, SPAN("abc")), &abc.entry);
    assert_null(sorted_find(&set, SPAN("a")));
    assert_null(sorted_find(&set, SPAN("abb")));
    sorted_remove(&set, &ab.entry);
    assert_ptr_equal(sorted_after(&set, SPAN("ab")), &abc.entry);
}

/* Names of 8 bytes are compared in another way. The order is the same. */
static void names_of_eight_bytes(void **state)
{
    (void)state;
    static const char *const names[] = {"\1\1\1\1\1\1\1\2", "\1\1\1\1\1\1\2\1", "\1\1\1\1\1\1\2",
                                        "\2\1\1\1\1\1\1\1", "\x80\1\1\1\1\1\1\1"};
    static const size_t order[] = {0, 2, 1, 3, 4}; /* a prefix comes first */
    struct sorted set = {0};
    struct sorted_entry entries[5];
    struct span place = {0};
    for (size_t i = 0; i < 5; i++) {
        struct span name = span_make(names[i], strlen(names[i]));
        sorted_add(&set, &entries[i], name, (unsigned)hash_bytes(&seed, name));
    }
    for (size_t i = 0; i < 5; i++) {
        struct sorted_entry *next = sorted_after(&set, place);
        assert_ptr_equal(next, &entries[order[i]]);
        place = sorted_name(next);
        assert_ptr_equal(sorted_find(&set, place), next);
    }
    assert_null(sorted_after(&set, place));
    assert_null(sorted_find(&set, SPAN("\1\1\1\1\1\1\1\1")));
}

/* Names in order, which would make a plain search tree as deep as it has entries. */
static void names_in_order_make_no_deep_tree(void **state)
{
    (void)state;
    struct sorted set = {0};
    struct element *all = elements_new();
    for (size_t i = 0; i < COUNT; i++) {
        all[i].n = 4;
        be32_store(all[i].bytes, (uint32_t)i);
        add(&set, &all[i]);
    }
    assert_true(depth(set.root) < 60);
    free(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_set_has_no_first_entry),  cmocka_unit_test(elements_come_and_go),
        cmocka_unit_test(a_place_needs_no_element),         cmocka_unit_test(names_of_eight_bytes),
        cmocka_unit_test(names_in_order_make_no_deep_tree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
