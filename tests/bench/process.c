/* SPDX-License-Identifier: MIT */
/*
 * Reads what the kernel reports about a process from /proc. Linux only.
 */
#include "bench/process.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/time.h"

#define PATH_SIZE 320 /* "/proc/PID/task/NAME/status": a name has at most 255 bytes */

void process_die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

int64_t process_cpu(pid_t pid)
{
    clockid_t id;
    struct timespec t;
    if (clock_getcpuclockid(pid, &id) != 0 || clock_gettime(id, &t) != 0) {
        process_die("there is no process %ld", (long)pid);
    }
    return (int64_t)t.tv_sec * TIME_SECOND + t.tv_nsec;
}

/* The number in a line "NAME: NUMBER ..." of a file. 0: there is no such line or file. */
static int64_t number_in(const char *path, const char *name)
{
    char line[256];
    int64_t found = 0;
    size_t n = strlen(name);
    FILE *f = fopen(path, "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        if (strncmp(line, name, n) == 0 && line[n] == ':') {
            found = strtoll(line + n + 1, NULL, 10);
        }
    }
    if (f != NULL) {
        fclose(f);
    }
    return found;
}

int64_t process_memory(pid_t pid, const char *name)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
    int64_t kib = number_in(path, name);
    if (kib == 0) {
        process_die("%s cannot be read", path);
    }
    return kib;
}

/* Sums `count` over the entries of a folder of /proc/PID. */
static int64_t sum_entries(pid_t pid, const char *folder, int64_t (*count)(const char *path))
{
    char path[PATH_SIZE];
    int64_t sum = 0;
    int n = snprintf(path, sizeof path, "/proc/%ld/%s/", (long)pid, folder);
    DIR *entries = opendir(path);
    if (entries == NULL) {
        process_die("%s cannot be read", path);
    }
    for (struct dirent *e = readdir(entries); e != NULL; e = readdir(entries)) {
        if (e->d_name[0] != '.') {
            snprintf(path + n, sizeof path - (size_t)n, "%s", e->d_name);
            sum += count(path);
        }
    }
    closedir(entries);
    return sum;
}

static int64_t one(const char *path)
{
    (void)path;
    return 1;
}

int64_t process_descriptors(pid_t pid)
{
    return sum_entries(pid, "fd", one);
}

/* Wake-ups of one thread; 0 if it has just ended. */
static int64_t thread_wakeups(const char *path)
{
    char status[PATH_SIZE + 8];
    snprintf(status, sizeof status, "%s/status", path);
    return number_in(status, "voluntary_ctxt_switches");
}

int64_t process_wakeups(pid_t pid)
{
    return sum_entries(pid, "task", thread_wakeups);
}
