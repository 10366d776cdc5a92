/* SPDX-License-Identifier: MIT */
/*
 * Owns: the one allocator. Nobody else calls malloc, realloc or free.
 * Out of memory ends the program here, with one line on stderr: every size that a peer controls was
 * capped long before, so there is nothing left to save and no half-handled failure anywhere else.
 */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include <stddef.h>

/* What one allocation costs beyond its size, in bytes, for accounts of memory: malloc's own header
 * and rounding, on average. */
#define ALLOC_OVERHEAD 16

/* Returns n bytes of zeros; the caller owns them. n may be 0. Never NULL. */
void *alloc_zeroed(size_t n);

/* Grows or shrinks p (NULL is allowed) to n bytes, n > 0; takes p and returns the new place. */
void *alloc_resize(void *p, size_t n);

/* Takes p; NULL is allowed. */
void alloc_free(void *p);

#endif
