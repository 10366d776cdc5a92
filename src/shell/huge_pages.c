/* SPDX-License-Identifier: MIT */
#define _DEFAULT_SOURCE /* madvise, sbrk */ /* NOLINT(bugprone-reserved-identifier) */

#include "shell/huge_pages.h"

#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#define TRIM_AT (48 << 20) /* bytes free at the end before they are given back */
#define MMAP_AT (32 << 20) /* malloc's own limit: what is larger is a mapping of its own */

char *huge_pages_heap_end(void)
{
    return sbrk(0);
}

void huge_pages_init(struct huge_pages *pages, char *heap_end)
{
    *pages = (struct huge_pages){.start = heap_end};
}

/* The heap is to grow in large steps, so that there is something to tell before it is used. To set
 * one of the three takes malloc the right to choose the others. */
static void begin(struct huge_pages *pages, char *heap_end)
{
    pages->told = heap_end;
    mallopt(M_TOP_PAD, (int)HUGE_PAGES_AHEAD);
    mallopt(M_TRIM_THRESHOLD, TRIM_AT);
    mallopt(M_MMAP_THRESHOLD, MMAP_AT);
}

void huge_pages_look(struct huge_pages *pages, char *heap_end)
{
    if (pages->told == NULL && (size_t)(heap_end - pages->start) >= HUGE_PAGES_LEAST) {
        begin(pages, heap_end);
    }
    if (pages->told == NULL || heap_end == pages->told) {
        return;
    }
    if (heap_end > pages->told) {
        uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
        char *from = pages->told - (uintptr_t)pages->told % page;
        madvise(from, (size_t)(heap_end - from), MADV_HUGEPAGE); /* it is only advice */
    }
    pages->told = heap_end; /* what was given back is new when it comes again */
}
