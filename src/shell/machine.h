/* SPDX-License-Identifier: MIT */
/*
 * Owns: what the machine says about itself, and its files.
 */
#ifndef SHELL_MACHINE_H
#define SHELL_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define MACHINE_HOST_MAX 256   /* of the host's name, NUL included */
#define MACHINE_WHY_MAX 512    /* of a reason, NUL included; longer ones are cut */
#define MACHINE_REASON_MAX 128 /* of an errno in words, NUL included */

/* An errno in Go's words, which are the C library's in lower case. */
void machine_reason(int error, char reason[MACHINE_REASON_MAX]);

/* Opens /dev/null in place of each standard descriptor that is closed: the next descriptor that is
 * opened, a client's perhaps, must not be where log lines go. To be called first. */
void machine_fill_standard(void);

/* The host's name; "localhost" when it has none. */
void machine_host(char name[MACHINE_HOST_MAX]);

/* Bytes of memory. */
size_t machine_memory(void);

/* Raises the number of descriptors of this process as far as it may be, and returns it. */
size_t machine_descriptors(void);

/* Fills p with n <= 256 unpredictable bytes. False: there is no source of them. */
bool machine_random(void *p, size_t n);

/* Appends a file's bytes, up to `most` of them. False with a reason in Go's words, such as
 * "open PATH: no such file or directory". `out` may be NULL: is the file readable? */
bool machine_read_file(const char *path, size_t most, struct buf *out, char why[MACHINE_WHY_MAX]);

/* Locks a folder against other processes that do the same, until this one ends. False with a reason
 * in nsqd's words. */
bool machine_lock_folder(const char *path, char why[MACHINE_WHY_MAX]);

#endif
