/* SPDX-License-Identifier: MIT */
/*
 * Implements base/alloc.h with the C library's allocator. Must not know what the memory is for.
 */
#include "base/alloc.h"

#include <stdlib.h>
#include <unistd.h>

static _Noreturn void out_of_memory(void)
{
    static const char line[] = "nsqref: out of memory\n";
    ssize_t written = write(STDERR_FILENO, line, sizeof line - 1);
    (void)written; /* a failure cannot be reported anywhere */
    abort();
}

void *alloc_zeroed(size_t n)
{
    void *p = calloc(1, n == 0 ? 1 : n);
    if (p == NULL) {
        out_of_memory();
    }
    return p;
}

void *alloc_resize(void *p, size_t n)
{
    void *q = realloc(p, n);
    if (q == NULL) {
        out_of_memory();
    }
    return q;
}

void alloc_free(void *p)
{
    free(p);
}
