/* SPDX-License-Identifier: MIT */
/* Tests of shell/allocator.h: which memory the heap keeps, and how it grows. */
#include "shell/allocator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "support/pages.h"
#include "support/stride.h"

/* --- pages of new memory ---------------------------------------------------------------------- */

#define MIB ((size_t)1 << 20)

/* The heap ends at the start of a page, and allocator_follow was called once. */
static struct heap_growth followed(void)
{
    struct heap_growth growth = {0};
    uint8_t *end = pages_grow_heap(0);
    pages_grow_heap((intptr_t)((PAGE - (uintptr_t)end % PAGE) % PAGE));
    growth.input = SIZE_MAX / 2;
    allocator_follow(&growth);
    assert_ptr_equal(growth.end, pages_grow_heap(0));
    assert_int_equal(growth.input, SIZE_MAX / 2);
    growth.input = 0;
    return growth;
}

static void memory_for_input_is_there_at_once(void **state)
{
    (void)state;
    for (size_t n = PAGE; n <= MIB; n *= 4) {
        struct heap_growth growth = followed();
        uint8_t *p = pages_grow_heap((intptr_t)n);
        growth.input = n / 2;
        allocator_follow(&growth);
        assert_int_equal(pages_there(p, n / PAGE), pages_at_once(n / PAGE));
        assert_int_equal(growth.input, 0);
        assert_ptr_equal(growth.end, p + n);
    }
}

/* Thousands of idle connections need memory too, but bring little input. */
static void memory_for_anything_else_comes_page_by_page(void **state)
{
    (void)state;
    struct heap_growth growth = followed();
    uint8_t *p = pages_grow_heap((intptr_t)MIB);
    growth.input = MIB / 2 - 1;
    allocator_follow(&growth);
    assert_int_equal(pages_there(p, MIB / PAGE), 0);
    assert_int_equal(growth.input, 0);
    growth.input = MIB; /* it came later */
    allocator_follow(&growth);
    assert_int_equal(pages_there(p, MIB / PAGE), 0);
    assert_int_equal(growth.input, MIB);
}

/* Much more input than new memory was used and dropped again: a flood of small commands, for
 * example. It is not the reason for the memory. */
static void input_that_does_not_stay_is_no_reason(void **state)
{
    (void)state;
    struct heap_growth growth = followed();
    uint8_t *p = pages_grow_heap((intptr_t)MIB);
    growth.input = 2 * MIB + 1;
    allocator_follow(&growth);
    assert_int_equal(pages_there(p, MIB / PAGE), 0);
    assert_int_equal(growth.input, 0);
    p = pages_grow_heap((intptr_t)MIB);
    growth.input = 2 * MIB;
    allocator_follow(&growth);
    assert_int_equal(pages_there(p, MIB / PAGE), pages_at_once(MIB / PAGE));
}

/* A call takes a bounded time. The start of the new memory is in use already. */
static void only_the_end_of_much_memory_is_there_at_once(void **state)
{
    (void)state;
    size_t n = ALLOCATOR_GROWTH + MIB;
    struct heap_growth growth = followed();
    uint8_t *p = pages_grow_heap((intptr_t)n);
    growth.input = n;
    allocator_follow(&growth);
    assert_int_equal(pages_there(p, MIB / PAGE), 0);
    assert_int_equal(pages_there(p + MIB, ALLOCATOR_GROWTH / PAGE),
                     pages_at_once(ALLOCATOR_GROWTH / PAGE));
}

/* Part of a page may be in use already. */
static void the_heap_may_end_within_a_page(void **state)
{
    (void)state;
    struct heap_growth growth = followed();
    uint8_t *p = pages_grow_heap(100);
    allocator_follow(&growth);
    pages_grow_heap((intptr_t)(4 * PAGE));
    growth.input = 4 * PAGE;
    allocator_follow(&growth);
    assert_int_equal(pages_there(p + PAGE, 3), pages_at_once(3));
}

static void memory_that_was_returned_is_new_again(void **state)
{
    (void)state;
    struct heap_growth growth = followed();
    uint8_t *p = pages_grow_heap((intptr_t)(4 * PAGE));
    growth.input = 4 * PAGE;
    allocator_follow(&growth);
    pages_grow_heap(-(intptr_t)(4 * PAGE));
    growth.input = PAGE;
    allocator_follow(&growth);
    assert_ptr_equal(growth.end, p);
    assert_int_equal(growth.input, PAGE);
    assert_ptr_equal(pages_grow_heap((intptr_t)(2 * PAGE)), p);
    allocator_follow(&growth);
    assert_int_equal(pages_there(p, 2), pages_at_once(2));
}

/* --- glibc ------------------------------------------------------------------------------------ */

/* Other allocators have no such figures: those of a sanitizer, and of other C libraries. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FOREIGN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define FOREIGN 1
#endif

#ifdef FOREIGN

static void other_allocators_are_left_alone(void **state)
{
    (void)state;
    allocator_tune();
    alloc_free(alloc_zeroed(1000000));
}

#else

#include <malloc.h>

#define BODY 2000000 /* bytes; a large message */

static size_t heap_size(void)
{
    return mallinfo2().arena;
}

static size_t separate_mappings(void)
{
    return mallinfo2().hblks;
}

static void large_messages_are_in_the_heap(void **state)
{
    (void)state;
    size_t before = separate_mappings();
    void *body = alloc_zeroed(BODY);
    assert_int_equal(separate_mappings(), before);
    alloc_free(body);
}

/* When message after message is stored and finished, the kernel is asked for memory once. */
static void memory_of_a_message_is_used_again(void **state)
{
    (void)state;
    alloc_free(alloc_zeroed(BODY));
    size_t before = heap_size();
    for (int i = 0; i < 10; i++) {
        void *body = alloc_zeroed(BODY);
        assert_int_equal(heap_size(), before);
        alloc_free(body);
        assert_int_equal(heap_size(), before);
    }
}

static void much_free_memory_is_returned(void **state)
{
    void *bodies[20];
    (void)state;
    for (size_t i = 0; i < 20; i++) {
        bodies[i] = alloc_zeroed(BODY);
    }
    size_t full = heap_size();
    for (size_t i = 0; i < 20; i++) {
        alloc_free(bodies[i]);
    }
    assert_true(heap_size() <= full - 15 * (size_t)BODY);
}

/* While many small messages are stored, the heap grows in few large steps. */
static void the_heap_grows_in_large_steps(void **state)
{
    enum { MESSAGES = 40000, SIZE = 200 };
    static void *messages[MESSAGES];
    unsigned steps = 0;
    (void)state;
    for (size_t i = 0; i < MESSAGES; i++) {
        size_t before = heap_size();
        messages[i] = alloc_zeroed(SIZE);
        steps += heap_size() != before;
    }
    assert_in_range(steps, under_valgrind() ? 0 : 1, 8); /* 8 MB; valgrind has its own malloc */
    for (size_t i = 0; i < MESSAGES; i++) {
        alloc_free(messages[i]);
    }
}

/* Otherwise a call that merges them takes as long as there are freed messages. */
static void freed_messages_are_merged_at_once(void **state)
{
    enum { MESSAGES = 10000, SIZE = 100 };
    static void *messages[MESSAGES];
    (void)state;
    for (size_t i = 0; i < MESSAGES; i++) {
        messages[i] = alloc_zeroed(SIZE);
    }
    for (size_t i = 0; i < MESSAGES; i++) {
        alloc_free(messages[i]);
    }
    assert_int_equal(mallinfo2().smblks, 0);
}

#endif

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_for_input_is_there_at_once),
        cmocka_unit_test(memory_for_anything_else_comes_page_by_page),
        cmocka_unit_test(input_that_does_not_stay_is_no_reason),
        cmocka_unit_test(only_the_end_of_much_memory_is_there_at_once),
        cmocka_unit_test(the_heap_may_end_within_a_page),
        cmocka_unit_test(memory_that_was_returned_is_new_again),
#ifdef FOREIGN
        cmocka_unit_test(other_allocators_are_left_alone),
#else
        cmocka_unit_test(large_messages_are_in_the_heap),
        cmocka_unit_test(memory_of_a_message_is_used_again),
        cmocka_unit_test(much_free_memory_is_returned),
        cmocka_unit_test(the_heap_grows_in_large_steps),
        cmocka_unit_test(freed_messages_are_merged_at_once),
#endif
    };
    prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0); /* the tests count small pages */
    allocator_tune();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
