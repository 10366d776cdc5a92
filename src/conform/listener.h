/* SPDX-License-Identifier: MIT */
/*
 * Owns: the question which process listens at a TCP port. On Linux, the files below /proc give the
 * answer, if this process may read what they say about the other process. Must not know: why anyone
 * asks.
 */
#ifndef CONFORM_LISTENER_H
#define CONFORM_LISTENER_H

#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#define LISTENER_SOCKETS_MAX 16 /* the most sockets of one port that are looked at */

enum listener {
    LISTENER_UNKNOWN, /* /proc does not show it */
    LISTENER_OURS,    /* the process, a descendant of it, or another member of its process group */
    LISTENER_OTHER,   /* another process */
};

/* Finds out whether the process listens at this port. For LISTENER_OTHER, *other becomes the id of
 * the process that does. */
enum listener listener_of(unsigned port, pid_t process, pid_t *other);

/* Reads a file like /proc/net/tcp: adds the inode numbers of the sockets that listen at this port
 * to the `n` numbers that are there. Returns the new count. */
size_t listener_inodes(FILE *table, unsigned port, unsigned long inodes[LISTENER_SOCKETS_MAX],
                       size_t n);

#endif
