/* SPDX-License-Identifier: MIT */
/*
 * Owns: the settings of the C library's allocator for a process that stores messages, and the pages
 * of its heap. Must not know: what the memory is used for.
 */
#ifndef SHELL_ALLOCATOR_H
#define SHELL_ALLOCATOR_H

#include <stddef.h>
#include <stdint.h>

/* Bytes. When the heap must grow, this number of bytes is added to the bytes that are needed. */
#define ALLOCATOR_GROWTH ((size_t)1 << 20)

/* Applies the settings. Must be called once, before the first message is stored. Does nothing where
 * the C library is not glibc. */
void allocator_tune(void);

/* What allocator_follow knows about the heap. A struct of zeros means that allocator_follow was not
 * called yet. */
struct heap_growth {
    uint8_t *end; /* the end of the heap at the last call; NULL: there was no call */
    size_t input; /* bytes of input that have arrived since the heap last grew. The caller adds to
                   * this number */
};

/* Must be called often. When the heap has grown since the last call because of input, asks the
 * kernel for the unused pages at the end of the new memory, all in one call. The heap always grows
 * by what is needed plus ALLOCATOR_GROWTH bytes. So at most ALLOCATOR_GROWTH bytes are not in
 * use yet, and the kernel gives them in less than a millisecond. Without this request, the kernel
 * would interrupt the process at the first use of each page. Then getting the pages would take
 * about 1.5 times as long. This matters with large messages: getting pages is then more than half
 * of the server's work. If the heap has not grown because of input, does nothing.
 *
 * How the function decides: let n be the size of the new memory in bytes.
 *   growth->input < n / 2      Something else has made the heap grow, for example idle connections.
 *                              Does nothing: not all of the pages would be used.
 *   growth->input > 2 * n      Most of the input fitted into memory that the process already had.
 *                              Does nothing.
 *   between these limits       The heap has grown because of input. Asks for the pages. */
void allocator_follow(struct heap_growth *growth);

#endif
