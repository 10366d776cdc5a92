/* SPDX-License-Identifier: MIT */
/*
 * Makes servers load a library, and shares a file with it. Must not know: the library.
 */
#include "soak/preload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/process.h"

#define PATH_MOST 4096
#define NAME_MOST 64

static void set_library(const char *library)
{
    char path[PATH_MOST + NAME_MOST];
    ssize_t n = readlink("/proc/self/exe", path, PATH_MOST);
    while (n > 0 && path[n - 1] != '/') {
        n--;
    }
    snprintf(path + (n > 0 ? n : 0), NAME_MOST, "%s", library);
    if (access(path, R_OK) != 0) {
        process_die("%s: %s", path, strerror(errno));
    }
    setenv("LD_PRELOAD", path, 1);
}

void preload_begin(struct preload *p, const char *library, const char *variable, size_t n)
{
    char name[] = "/tmp/soak-shared-XXXXXX";
    char number[16];
    p->n = n;
    p->fd = mkstemp(name);
    p->shared = MAP_FAILED;
    if (p->fd >= 0 && unlink(name) == 0 && ftruncate(p->fd, (off_t)n) == 0) {
        p->shared = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, p->fd, 0);
    }
    if (p->shared == MAP_FAILED) {
        process_die("%s: %s", name, strerror(errno));
    }
    snprintf(number, sizeof number, "%d", p->fd);
    setenv(variable, number, 1);
    set_library(library);
}

void preload_stop(void)
{
    unsetenv("LD_PRELOAD");
}

void preload_end(struct preload *p)
{
    munmap(p->shared, p->n);
    close(p->fd);
    *p = (struct preload){.fd = -1};
}
