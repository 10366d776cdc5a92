/* SPDX-License-Identifier: MIT */
/*
 * Owns: facts about the machine (name, memory, limits, random bytes), and access to its files.
 */
#ifndef SHELL_MACHINE_H
#define SHELL_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define MACHINE_HOST_MAX 256   /* bytes of the host's name, NUL included */
#define MACHINE_WHY_MAX 512    /* bytes of a reason, NUL included; longer reasons are cut */
#define MACHINE_REASON_MAX 128 /* bytes of the text for an errno, NUL included */

/* Writes the text that Go prints for an errno. This is the C library's text with a lower-case first
 * letter. */
void machine_reason(int error, char reason[MACHINE_REASON_MAX]);

/* Opens /dev/null in place of each standard descriptor (0, 1, 2) that is closed. Without this, the
 * next descriptor that the process opens would get the number 0, 1 or 2. If this descriptor is the
 * socket of a client, the client could receive the log lines. Must be called before any other
 * descriptor is opened. */
void machine_fill_standard(void);

/* Writes the host's name, or "localhost" when the host has no name. */
void machine_host(char name[MACHINE_HOST_MAX]);

/* Returns the bytes of physical memory. */
size_t machine_memory(void);

/* Returns how many bytes of physical memory this process has now. Returns 0 when the system does
 * not report it. */
size_t machine_resident(void);

/* Raises the process's limit of file descriptors as far as the system allows. Returns the new
 * limit. */
size_t machine_descriptors(void);

/* Fills p with n <= 256 unpredictable bytes. Returns false when the machine has no source of random
 * bytes. */
bool machine_random(void *p, size_t n);

/* Appends at most `most` bytes of a file to `out`. When `out` is NULL, the function only finds out
 * whether the file is readable. Returns false when it is not readable. Then `why` is the reason in
 * Go's words, for example "open PATH: no such file or directory". */
bool machine_read_file(const char *path, size_t most, struct buf *out, char why[MACHINE_WHY_MAX]);

/* Locks a folder until this process ends. While this process runs, any other process that calls
 * this function for the same folder gets false. Returns false on failure. Then `why` is the reason
 * in the words of upstream's nsqd. */
bool machine_lock_folder(const char *path, char why[MACHINE_WHY_MAX]);

#endif
