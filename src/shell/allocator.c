/* SPDX-License-Identifier: MIT */
/*
 * Implements shell/allocator.h with glibc's mallopt. Must not know what the memory is used for.
 *
 * The numbers were measured with bodies of 100 KiB to 1 MB (tests/bench/README.md). A page that the
 * kernel gives for the first time costs much more than a page that the heap already has.
 */
#include "shell/allocator.h"

#include <stdlib.h> /* glibc defines its name in each header */

#ifdef __GLIBC__

#include <malloc.h>

/* Each value is in bytes. */
/* Larger allocations get a mapping of their own. Messages are smaller. The arrays of timers may be
 * larger; a mapping grows without a copy, which would take more than 10 ms for 32 MiB. */
#define HEAP_MOST (4 * 1024 * 1024)
#define KEPT_AT_TOP (4 * 1024 * 1024) /* so much free memory at the end of the heap is kept */
#define GROWTH (1024 * 1024)          /* the heap grows by this much more than is needed now */

void allocator_tune(void)
{
    mallopt(M_MMAP_THRESHOLD, HEAP_MOST);
    mallopt(M_TRIM_THRESHOLD, KEPT_AT_TOP);
    mallopt(M_TOP_PAD, GROWTH);
    /* No fast bins: they keep freed blocks of up to 128 bytes apart, and some later call merges all
     * of them at once. That took more than 10 ms after millions of messages were freed. */
    mallopt(M_MXFAST, 0);
}

#else

void allocator_tune(void)
{
}

#endif
