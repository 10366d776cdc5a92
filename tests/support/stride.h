/* SPDX-License-Identifier: MIT */
/*
 * Owns: how far apart the places of a stream are that a test tries, where trying all of them would
 * take minutes.
 */
#ifndef TESTS_SUPPORT_STRIDE_H
#define TESTS_SUPPORT_STRIDE_H

#include <stdbool.h>
#include <stddef.h>

bool under_valgrind(void);

/* 1; under valgrind `valgrind`; in a build with sanitizers STRIDE_SANITIZERS. */
size_t stride(size_t valgrind);

#define STRIDE_SANITIZERS 7

#endif
