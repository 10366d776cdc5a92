/* SPDX-License-Identifier: MIT */
/*
 * Owns: huge pages for a heap that has become large. Of a queue of a million messages each page is
 * new to the kernel, and to get it 4 KiB at a time is half of what MPUB costs.
 * Small heaps stay as they are: a server of idle connections is to take what it needs, not 2 MiB.
 */
#ifndef SHELL_HUGE_PAGES_H
#define SHELL_HUGE_PAGES_H

#include <stddef.h>

#define HUGE_PAGES_LEAST ((size_t)32 << 20) /* bytes of heap before huge pages are asked for */
#define HUGE_PAGES_AHEAD ((size_t)32 << 20) /* by how much such a heap grows at a time */

struct huge_pages {
    char *start; /* of the heap */
    char *told;  /* up to here the kernel was told; NULL: nothing yet */
};

/* To be called at the start. */
void huge_pages_init(struct huge_pages *pages, char *heap_end);

/* To be called often, it costs nothing: tells the kernel about what the heap has grown by. */
void huge_pages_look(struct huge_pages *pages, char *heap_end);

/* Where the heap of this process ends now. */
char *huge_pages_heap_end(void);

#endif
