/* SPDX-License-Identifier: MIT */
/*
 * Owns: how many places of a stream a test leaves out between two that it tries, where trying all
 * of them would take minutes.
 */
#ifndef TESTS_SUPPORT_STRIDE_H
#define TESTS_SUPPORT_STRIDE_H

#include <stdbool.h>
#include <stddef.h>

bool under_valgrind(void);

/* 1, but `valgrind` under valgrind and STRIDE_SANITIZERS in a sanitizers' build. */
size_t stride(size_t valgrind);

#define STRIDE_SANITIZERS 7

#endif
