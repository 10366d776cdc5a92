/* SPDX-License-Identifier: MIT */
/*
 * Owns: facts about the machine (name, memory, limits, random bytes), and its files.
 */
#ifndef SHELL_MACHINE_H
#define SHELL_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define MACHINE_HOST_MAX 256   /* of the host's name, NUL included */
#define MACHINE_WHY_MAX 512    /* of a reason, NUL included; longer ones are cut */
#define MACHINE_REASON_MAX 128 /* of the text for an errno, NUL included */

/* The text that Go prints for an errno: the C library's, with a small first letter. */
void machine_reason(int error, char reason[MACHINE_REASON_MAX]);

/* Opens /dev/null in place of each standard descriptor that is closed. Otherwise the next
 * descriptor that the process opens, perhaps a client's, would receive the log lines. Call it
 * first. */
void machine_fill_standard(void);

/* The host's name; "localhost" when it has none. */
void machine_host(char name[MACHINE_HOST_MAX]);

/* Bytes of physical memory. */
size_t machine_memory(void);

/* Raises the process's limit of file descriptors as far as allowed, and returns the new limit. */
size_t machine_descriptors(void);

/* Fills p with n <= 256 unpredictable bytes. False: the machine has no source of them. */
bool machine_random(void *p, size_t n);

/* Appends at most `most` bytes of a file to `out`. `out` may be NULL, to find out whether the file
 * is readable. False with a reason in Go's words, such as "open PATH: no such file or directory".
 */
bool machine_read_file(const char *path, size_t most, struct buf *out, char why[MACHINE_WHY_MAX]);

/* Locks a folder until this process ends: another process that calls this for the same folder
 * fails. False with a reason in nsqd's words. */
bool machine_lock_folder(const char *path, char why[MACHINE_WHY_MAX]);

#endif
