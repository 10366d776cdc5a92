/* SPDX-License-Identifier: MIT */
/*
 * Owns: the one allocator of the program. No other file calls malloc, realloc or free. When there
 * is no memory, the program ends here with one line on stderr. So no other code handles a failed
 * allocation. This is safe because every size that a peer chooses is limited before memory is taken
 * for it (base/budget.h).
 * Must not know: those limits.
 */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include <stddef.h>

/* Bytes that an allocation costs beyond its size: malloc's header and rounding, on average. The
 * memory budget counts them. */
#define ALLOC_OVERHEAD 16

/* Returns n bytes of zeros, never NULL. The caller owns them. n may be 0. */
void *alloc_zeroed(size_t n);

/* Changes the size of p to n bytes, n > 0, and returns where they are now, never NULL. p must not
 * be used afterwards. p may be NULL. New bytes are not set to zero. */
void *alloc_resize(void *p, size_t n);

/* Frees p, which may be NULL. */
void alloc_free(void *p);

#endif
