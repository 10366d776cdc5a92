/* SPDX-License-Identifier: MIT */
/*
 * Gets from the operating system the facts that the program needs once, and reads and locks files.
 * Must not know options, NSQ or connections.
 */
#include "shell/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#define DESCRIPTORS_MAX ((size_t)1 << 20) /* used when the limit is "unlimited" */
#define READ_SIZE 16384

void machine_reason(int error, char reason[MACHINE_REASON_MAX])
{
    snprintf(reason, MACHINE_REASON_MAX, "%s", strerror(error));
    if (reason[0] >= 'A' && reason[0] <= 'Z') {
        reason[0] = (char)(reason[0] - 'A' + 'a');
    }
}

void machine_fill_standard(void)
{
    int fd;
    do {
        fd = open("/dev/null", O_RDWR); /* gets the lowest free number */
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0) {
        close(fd);
    }
}

void machine_host(char name[MACHINE_HOST_MAX])
{
    if (gethostname(name, MACHINE_HOST_MAX) != 0 || name[0] == '\0') {
        snprintf(name, MACHINE_HOST_MAX, "localhost");
    }
    name[MACHINE_HOST_MAX - 1] = '\0'; /* a name that was cut may have no NUL */
}

size_t machine_memory(void)
{
    long pages = sysconf(_SC_PHYS_PAGES);
    long page = sysconf(_SC_PAGESIZE);
    return pages > 0 && page > 0 ? (size_t)pages * (size_t)page : (size_t)1 << 30;
}

/* The second number in this file is the resident memory in pages. */
size_t machine_resident(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    unsigned long pages = 0;
    if (file == NULL) {
        return 0;
    }
    int read = fscanf(file, "%*u %lu", &pages);
    fclose(file);
    long page = sysconf(_SC_PAGESIZE);
    return read == 1 && page > 0 ? (size_t)pages * (size_t)page : 0;
}

size_t machine_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return 1024;
    }
    struct rlimit wanted = {.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &wanted) == 0) {
        limit = wanted;
    }
    return limit.rlim_cur < DESCRIPTORS_MAX ? (size_t)limit.rlim_cur : DESCRIPTORS_MAX;
}

bool machine_random(void *p, size_t n)
{
    int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    ssize_t got = read(fd, p, n);
    close(fd);
    return got == (ssize_t)n;
}

/* Writes "<verb> <path>: <reason>" to `why` and returns false. */
static bool failed(char why[MACHINE_WHY_MAX], const char *verb, const char *path, int error)
{
    char reason[MACHINE_REASON_MAX];
    machine_reason(error, reason);
    snprintf(why, MACHINE_WHY_MAX, "%s %s: %s", verb, path, reason);
    return false;
}

bool machine_read_file(const char *path, size_t most, struct buf *out, char why[MACHINE_WHY_MAX])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return failed(why, "open", path, errno);
    }
    uint8_t bytes[READ_SIZE];
    size_t total = 0;
    ssize_t n;
    while (total < most && (n = read(fd, bytes, sizeof bytes)) != 0) {
        if (n < 0) {
            int error = errno;
            close(fd);
            return failed(why, "read", path, error);
        }
        struct span part = span_first(span_make(bytes, (size_t)n), most - total);
        if (out != NULL) {
            buf_append(out, part);
        }
        total += part.n;
    }
    close(fd);
    return true;
}

bool machine_lock_folder(const char *path, char why[MACHINE_WHY_MAX])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return failed(why, "open", path, errno);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        char reason[MACHINE_WHY_MAX];
        failed(reason, "cannot flock directory", path, errno);
        char *colon = strrchr(reason, ':'); /* nsqd writes " - " here */
        if (colon != NULL) {
            *colon = '\0';
            snprintf(why, MACHINE_WHY_MAX,
                     "%.300s -%.100s (possibly in use by another instance of nsqd)", reason,
                     colon + 1);
        }
        close(fd);
        return false;
    }
    return true; /* the lock lasts as long as the descriptor is open */
}
