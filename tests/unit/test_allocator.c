/* SPDX-License-Identifier: MIT */
/* Tests of shell/allocator.h: which memory the heap keeps, and how it grows. */
#include "shell/allocator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "support/stride.h"

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
    allocator_tune();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
