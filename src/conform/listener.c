/* SPDX-License-Identifier: MIT */
/* /proc/net/tcp has the inode number of each socket that listens, and /proc/PID/fd shows which
 * process has a socket with this number. Must not know: which server is tested. */
#include "conform/listener.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 512
#define PATH_BYTES 320
#define STATE_LISTEN 0x0a
#define PARENTS_MAX 64 /* the most generations between a process and its ancestor */

size_t listener_inodes(FILE *table, unsigned port, unsigned long inodes[LISTENER_SOCKETS_MAX],
                       size_t n)
{
    char line[LINE_MAX_BYTES];
    while (n < LISTENER_SOCKETS_MAX && fgets(line, sizeof line, table) != NULL) {
        unsigned local;
        unsigned state;
        unsigned long inode;
        /* slot, address:port, address:port, state, queues, timer, retransmissions, user, time-out,
         * inode */
        int fields =
            sscanf(line, "%*u: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*s %*s %lu",
                   &local, &state, &inode);
        if (fields == 3 && local == port && state == STATE_LISTEN) {
            inodes[n++] = inode;
        }
    }
    return n;
}

static size_t all_inodes(unsigned port, unsigned long inodes[LISTENER_SOCKETS_MAX])
{
    static const char *const tables[] = {"/proc/net/tcp", "/proc/net/tcp6"};
    size_t n = 0;
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        FILE *table = fopen(tables[i], "r");
        if (table != NULL) {
            n = listener_inodes(table, port, inodes, n);
            fclose(table);
        }
    }
    return n;
}

/* A process's file descriptor is a link to "socket:[INODE]". */
static bool is_socket(const char *path, const unsigned long *inodes, size_t n)
{
    char to[64];
    unsigned long inode;
    ssize_t size = readlink(path, to, sizeof to - 1);
    to[size < 0 ? 0 : size] = '\0';
    bool found = false;
    for (size_t i = 0; sscanf(to, "socket:[%lu]", &inode) == 1 && i < n && !found; i++) {
        found = inode == inodes[i];
    }
    return found;
}

static bool has_socket(pid_t process, const unsigned long *inodes, size_t n)
{
    char path[PATH_BYTES];
    bool found = false;
    snprintf(path, sizeof path, "/proc/%ld/fd", (long)process);
    DIR *folder = opendir(path);
    const struct dirent *entry;
    while (folder != NULL && !found && (entry = readdir(folder)) != NULL) {
        snprintf(path, sizeof path, "/proc/%ld/fd/%s", (long)process, entry->d_name);
        found = is_socket(path, inodes, n);
    }
    if (folder != NULL) {
        closedir(folder);
    }
    return found;
}

/* Reads the parent and the process group of a process. */
static bool read_stat(pid_t process, pid_t *parent, pid_t *group)
{
    char text[LINE_MAX_BYTES];
    long numbers[2];
    snprintf(text, sizeof text, "/proc/%ld/stat", (long)process);
    FILE *file = fopen(text, "r");
    size_t n = file == NULL ? 0 : fread(text, 1, sizeof text - 1, file);
    text[n] = '\0';
    if (file != NULL) {
        fclose(file);
    }
    const char *name_end = strrchr(text, ')'); /* the program's name may contain anything */
    bool ok = name_end != NULL && sscanf(name_end, ") %*c %ld %ld", &numbers[0], &numbers[1]) == 2;
    *parent = ok ? (pid_t)numbers[0] : 0;
    *group = ok ? (pid_t)numbers[1] : 0;
    return ok;
}

static bool belongs_to(pid_t process, pid_t ancestor)
{
    pid_t parent = process;
    pid_t group = 0;
    for (int i = 0; i < PARENTS_MAX && process > 1; i++) {
        if (process == ancestor || (read_stat(process, &parent, &group) && group == ancestor)) {
            return true;
        }
        process = parent;
    }
    return false;
}

enum listener listener_of(unsigned port, pid_t process, pid_t *other)
{
    unsigned long inodes[LISTENER_SOCKETS_MAX];
    enum listener result = LISTENER_UNKNOWN;
    size_t n = all_inodes(port, inodes);
    if (n > 0 && has_socket(process, inodes, n)) {
        return LISTENER_OURS; /* the usual case, without a look at all processes */
    }
    DIR *folder = n == 0 ? NULL : opendir("/proc");
    const struct dirent *entry;
    while (folder != NULL && result != LISTENER_OURS && (entry = readdir(folder)) != NULL) {
        pid_t id = (pid_t)strtol(entry->d_name, NULL, 10);
        if (id > 0 && has_socket(id, inodes, n)) {
            result = belongs_to(id, process) ? LISTENER_OURS : LISTENER_OTHER;
            *other = id;
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
    return result;
}
