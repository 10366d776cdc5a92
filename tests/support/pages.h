/* SPDX-License-Identifier: MIT */
/*
 * Owns: which pages of its memory the kernel has given to this process. A page has 4096 bytes.
 */
#ifndef TESTS_SUPPORT_PAGES_H
#define TESTS_SUPPORT_PAGES_H

#include <stddef.h>
#include <stdint.h>

#define PAGE ((size_t)4096)

/* Moves the end of the heap by n bytes. Returns where the heap ended before. */
uint8_t *pages_grow_heap(intptr_t n);

/* Returns how many of the pages that begin at p (the start of a page) the process has. */
size_t pages_there(uint8_t *p, size_t pages);

/* Returns how many of so many pages the kernel gives when it is asked for all of them at once: all,
 * but none before Linux 5.14. */
size_t pages_at_once(size_t pages);

#endif
