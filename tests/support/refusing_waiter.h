/* SPDX-License-Identifier: MIT */
/*
 * Owns: the function `add` of a waiter (shell/waiter.h) that can watch no more descriptors.
 */
#ifndef TESTS_SUPPORT_REFUSING_WAITER_H
#define TESTS_SUPPORT_REFUSING_WAITER_H

#include <stdbool.h>
#include <stdint.h>

static inline bool refusing_add(void *self, int fd, uint64_t token, unsigned bits)
{
    (void)self;
    (void)fd;
    (void)token;
    (void)bits;
    return false;
}

#endif
