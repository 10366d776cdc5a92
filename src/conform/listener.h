/* SPDX-License-Identifier: MIT */
/*
 * Owns: finding out which process listens at a TCP port. On Linux, the files below /proc contain
 * the answer. This program must have permission to read the files of that process. Must not know:
 * what the answer is for.
 */
#ifndef CONFORM_LISTENER_H
#define CONFORM_LISTENER_H

#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#define LISTENER_SOCKETS_MAX 16 /* at most this many sockets of one port are checked */

enum listener {
    LISTENER_UNKNOWN, /* the files below /proc do not contain the answer, or cannot be read */
    LISTENER_OURS,  /* the given process, a descendant of it, or another member of its process group
                     */
    LISTENER_OTHER, /* another process */
};

/* Finds out whether the process listens at this port. For LISTENER_OTHER, *other becomes the id of
 * the process that listens. */
enum listener listener_of(unsigned port, pid_t process, pid_t *other);

/* Reads a file like /proc/net/tcp: adds the inode numbers of the sockets that listen at this port
 * to the `n` numbers that are there. Returns the new count. */
size_t listener_inodes(FILE *table, unsigned port, unsigned long inodes[LISTENER_SOCKETS_MAX],
                       size_t n);

#endif
