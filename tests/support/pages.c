/* SPDX-License-Identifier: MIT */
/* Implements support/pages.h with mincore. */
#define _DEFAULT_SOURCE /* sbrk, mincore */ /* NOLINT(bugprone-reserved-identifier) */

#include "support/pages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

uint8_t *pages_grow_heap(intptr_t n)
{
    uint8_t *before = sbrk(n);
    assert_true((intptr_t)before != -1);
    return before;
}

size_t pages_there(uint8_t *p, size_t pages)
{
    static unsigned char there[1024];
    size_t count = 0;
    assert_in_range(pages, 1, sizeof there);
    assert_int_equal(mincore(p, pages * PAGE, there), 0);
    for (size_t i = 0; i < pages; i++) {
        count += there[i] & 1U;
    }
    return count;
}

size_t pages_at_once(size_t pages)
{
    void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(page, MAP_FAILED);
    bool can = madvise(page, PAGE, MADV_POPULATE_WRITE) == 0;
    assert_int_equal(munmap(page, PAGE), 0);
    return can ? pages : 0;
}
