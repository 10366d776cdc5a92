/* SPDX-License-Identifier: MIT */
/*
 * Owns: the settings of the C library's allocator for a process that stores messages. Must not
 * know: what the memory is used for.
 */
#ifndef SHELL_ALLOCATOR_H
#define SHELL_ALLOCATOR_H

/* Applies the settings. Must be called once, before the first message is stored. Does nothing where
 * the C library is not glibc. */
void allocator_tune(void);

#endif
