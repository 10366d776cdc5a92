/* SPDX-License-Identifier: MIT */
/* Tests of shell/huge_pages.h: what the kernel is told of a heap that grows, by its own account. A
 * mapping stands for the heap. */
#define _DEFAULT_SOURCE /* madvise */ /* NOLINT(bugprone-reserved-identifier) */

#include "shell/huge_pages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#define MIB ((size_t)1 << 20)
#define ROOM (128 * MIB)

static char *map_room(void)
{
    char *room = mmap(NULL, ROOM, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_ptr_not_equal(room, MAP_FAILED);
    return room;
}

/* Whether /proc/self/smaps says of the mapping at `at` that huge pages are wanted. */
static bool is_told(const char *at)
{
    char line[512];
    bool inside = false;
    bool told = false;
    FILE *f = fopen("/proc/self/smaps", "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL) {
        unsigned long long from;
        unsigned long long to;
        if (sscanf(line, "%llx-%llx ", &from, &to) == 2) {
            inside = (uintptr_t)at >= from && (uintptr_t)at < to;
        } else if (inside && strncmp(line, "VmFlags:", 8) == 0) {
            told = strstr(line, " hg") != NULL;
        }
    }
    fclose(f);
    return told;
}

/* A kernel without huge pages refuses, and nothing is to be seen then. */
static bool kernel_has_them(void)
{
    char *room = map_room();
    bool has = madvise(room, ROOM, MADV_HUGEPAGE) == 0;
    munmap(room, ROOM);
    return has;
}

static void a_small_heap_is_left_alone(void **state)
{
    (void)state;
    char *heap = map_room();
    struct huge_pages pages;
    huge_pages_init(&pages, heap + MIB);
    for (size_t end = MIB; end < HUGE_PAGES_LEAST + MIB; end += MIB / 4) {
        huge_pages_look(&pages, heap + end);
    }
    assert_false(is_told(heap + MIB));
    assert_null(pages.told);
    munmap(heap, ROOM);
}

static void a_large_heap_gets_them_as_it_grows(void **state)
{
    (void)state;
    bool has = kernel_has_them();
    char *heap = map_room();
    struct huge_pages pages;
    huge_pages_init(&pages, heap);
    huge_pages_look(&pages, heap + 40 * MIB);
    assert_false(is_told(heap + 39 * MIB)); /* in use already */
    huge_pages_look(&pages, heap + 56 * MIB);
    assert_true(is_told(heap + 40 * MIB) == has);
    assert_true(is_told(heap + 56 * MIB - 1) == has);
    assert_false(is_told(heap + 56 * MIB)); /* not ours */
    huge_pages_look(&pages, heap + 56 * MIB);
    huge_pages_look(&pages, heap + 100 * MIB);
    assert_true(is_told(heap + 99 * MIB) == has);
    munmap(heap, ROOM);
}

static void what_comes_again_is_told_again(void **state)
{
    (void)state;
    char *heap = map_room();
    struct huge_pages pages;
    huge_pages_init(&pages, heap);
    huge_pages_look(&pages, heap + 40 * MIB);
    huge_pages_look(&pages, heap + 60 * MIB);
    huge_pages_look(&pages, heap + 44 * MIB); /* given back, and so forgotten by the kernel */
    madvise(heap, ROOM, MADV_NOHUGEPAGE);
    huge_pages_look(&pages, heap + 60 * MIB);
    assert_true(is_told(heap + 45 * MIB) == kernel_has_them());
    assert_false(is_told(heap + 43 * MIB));
    munmap(heap, ROOM);
}

static void the_end_of_the_heap_moves(void **state)
{
    (void)state;
    assert_non_null(huge_pages_heap_end());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_heap_is_left_alone),
        cmocka_unit_test(a_large_heap_gets_them_as_it_grows),
        cmocka_unit_test(what_comes_again_is_told_again),
        cmocka_unit_test(the_end_of_the_heap_moves),
    };
    return cmocka_run_group_tests_name("huge_pages", tests, NULL, NULL);
}
