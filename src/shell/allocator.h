/* SPDX-License-Identifier: MIT */
/*
 * Owns: the settings of the C library's allocator for a process that stores messages, and the pages
 * of its heap. Must not know: what the memory is used for.
 */
#ifndef SHELL_ALLOCATOR_H
#define SHELL_ALLOCATOR_H

#include <stddef.h>
#include <stdint.h>

/* Bytes. When the heap must grow, it grows by this number of bytes more than is needed. */
#define ALLOCATOR_GROWTH ((size_t)1 << 20)

/* Applies the settings. Must be called once, before the first message is stored. Does nothing where
 * the C library is not glibc. */
void allocator_tune(void);

/* What allocator_follow knows of the heap. A struct of zeros: it was not called yet. */
struct heap_growth {
    uint8_t *end; /* the end of the heap at the last call; NULL: there was no call */
    size_t input; /* bytes of input since the heap has grown. The caller adds those that arrive */
};

/* To be called often. If the heap has grown since the last call, and if input was the reason, gets
 * the pages at the end of the new memory from the kernel at once: ALLOCATOR_GROWTH bytes at most,
 * which takes less than a millisecond. Otherwise the kernel interrupts the process when each page
 * is first used. Most of the work for large messages is to get pages. To get them one by one takes
 * about 1.5 times as long.
 *
 * Input was the reason when its size is at least half and at most twice that of the new memory. So
 * this function gets no pages for idle connections, which use only a part of their memory, and none
 * after much input that did not stay in memory. */
void allocator_follow(struct heap_growth *growth);

#endif
