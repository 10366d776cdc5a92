/* SPDX-License-Identifier: MIT */
/*
 * Owns: the only allocator of the program. No other file of the servers calls malloc, realloc or
 * free. If the system has no more memory, the allocator writes one line to stderr and aborts the
 * program. So no other code has to handle a failed allocation. A peer cannot cause this abort by
 * choosing a large size: the program checks such a size against a limit before it allocates memory
 * (base/budget.h). Must not know: the limits on sizes.
 */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include <stddef.h>

/* Bytes that an allocation needs in addition to its size: malloc's header and rounding, on average.
 * The memory budget counts these bytes. */
#define ALLOC_OVERHEAD 16

/* Allocates n bytes and sets them to zero. n may be 0. Never returns NULL. The caller owns the
 * memory. */
void *alloc_zeroed(size_t n);

/* Changes the size of the allocation p to n bytes, n > 0, and returns its new address, never NULL.
 * The caller must not use the old address afterwards. If p is NULL, the function makes a new
 * allocation. Additional bytes are not set to zero. */
void *alloc_resize(void *p, size_t n);

/* Frees the allocation p. p may be NULL. */
void alloc_free(void *p);

#endif
