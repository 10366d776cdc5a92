/* SPDX-License-Identifier: MIT */
/*
 * Maps memory between two pages that may not be accessed.
 */
#include "support/exact.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static void need(bool ok, const char *what)
{
    if (!ok) {
        perror(what);
        abort();
    }
}

void exact_open(struct exact *exact, size_t room)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t usable = (room + page - 1) / page * page;
    int zero = open("/dev/zero", O_RDWR);
    need(zero >= 0, "open /dev/zero");
    void *map = mmap(NULL, usable + 2 * page, PROT_NONE, MAP_PRIVATE, zero, 0);
    need(map != MAP_FAILED, "mmap");
    close(zero);
    exact->page = page;
    exact->start = (uint8_t *)map + page;
    exact->end = exact->start + usable;
    need(mprotect(exact->start, usable, PROT_READ | PROT_WRITE) == 0, "mprotect");
}

void exact_close(struct exact *exact)
{
    size_t size = (size_t)(exact->end - exact->start) + 2 * exact->page;
    need(munmap(exact->start - exact->page, size) == 0, "munmap");
    *exact = (struct exact){0};
}

/* The last n usable bytes. */
static uint8_t *tail(const struct exact *exact, size_t n)
{
    need(n <= (size_t)(exact->end - exact->start), "room between the walls");
    return exact->end - n;
}

static struct span put(uint8_t *where, struct span bytes)
{
    if (bytes.n > 0) {
        memcpy(where, bytes.p, bytes.n);
    }
    return span_make(where, bytes.n);
}

struct span exact_at_end(const struct exact *exact, struct span bytes)
{
    return put(tail(exact, bytes.n), bytes);
}

struct span exact_at_start(const struct exact *exact, struct span bytes)
{
    (void)tail(exact, bytes.n);
    return put(exact->start, bytes);
}

uint8_t *exact_room(const struct exact *exact, size_t n)
{
    uint8_t *room = tail(exact, n);
    memset(exact->start, EXACT_CANARY, (size_t)(exact->end - exact->start));
    return room;
}
