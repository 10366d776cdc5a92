/* SPDX-License-Identifier: MIT */
/*
 * Implements shell/allocator.h with glibc's mallopt, and with Linux's madvise. Must not know what
 * the memory is used for.
 *
 * The numbers were measured with bodies of 100 KiB to 1 MB (tests/bench/README.md). A page that the
 * kernel gives for the first time costs much more than a page that the heap already has.
 */
#define _DEFAULT_SOURCE /* sbrk, madvise */ /* NOLINT(bugprone-reserved-identifier) */

#include "shell/allocator.h"

#include <stdlib.h> /* glibc defines its name in each header */
#include <sys/mman.h>
#include <unistd.h>

#ifdef __GLIBC__

#include <malloc.h>

/* Each value is in bytes. */
/* Larger allocations get a mapping of their own. Messages are smaller, unless --max-msg-size says
 * otherwise. */
#define HEAP_MOST (4 * 1024 * 1024)
#define KEPT_AT_TOP (4 * 1024 * 1024) /* so much free memory at the end of the heap is kept */

void allocator_tune(void)
{
    mallopt(M_MMAP_THRESHOLD, HEAP_MOST);
    mallopt(M_TRIM_THRESHOLD, KEPT_AT_TOP);
    mallopt(M_TOP_PAD, (int)ALLOCATOR_GROWTH);
    /* No fast bins: they keep freed blocks of up to 128 bytes apart, and some later call merges all
     * of them at once. That took more than 10 ms after millions of messages were freed. */
    mallopt(M_MXFAST, 0);
}

#else

void allocator_tune(void)
{
}

#endif

/* Gets the pages between two addresses. Nothing is lost when the kernel cannot do this (it is older
 * than Linux 5.14): then each page comes when it is used first. */
static void get_pages(uint8_t *begin, uint8_t *end)
{
#ifdef MADV_POPULATE_WRITE
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t before = (page - (uintptr_t)begin % page) % page; /* the first page may be in use */
    if (before < (size_t)(end - begin)) {
        (void)madvise(begin + before, (size_t)(end - begin) - before, MADV_POPULATE_WRITE);
    }
#else
    (void)begin;
    (void)end;
#endif
}

/* What was needed is at the start of the new memory, and is in use already. */
void allocator_follow(struct heap_growth *growth)
{
    uint8_t *end = sbrk(0);
    uint8_t *before = growth->end;
    growth->end = end;
    if (before == NULL || end <= before) {
        return;
    }
    size_t n = (size_t)(end - before);
    if (growth->input >= n / 2 && growth->input <= 2 * n) {
        get_pages(n > ALLOCATOR_GROWTH ? end - ALLOCATOR_GROWTH : before, end);
    }
    growth->input = 0;
}
