/* SPDX-License-Identifier: MIT */
/*
 * Owns: what the preloaded library turns.c writes, and the program that starts the server reads. It
 * is in a file that both map. Its descriptor is in the environment as TURNS_COUNTS.
 *
 * A turn is the work of the server's first thread from the end of one wait, in poll() or
 * epoll_wait(), to the beginning of the next. It is measured in the thread's processor time, so
 * other processes do not count. Must not know: the server.
 */
#ifndef TESTS_SOAK_TURNS_TURNS_H
#define TESTS_SOAK_TURNS_TURNS_H

#include <stdatomic.h>
#include <stdint.h>

#define TURNS_LIMIT_NS 10000000 /* of processor time; a longer turn is counted as too long */
#define TURNS_STACKS 8          /* of the first turns that were too long */
#define TURNS_FRAMES 24         /* of one stack */

struct turns {
    _Atomic int forget; /* 1: the library begins all figures again, and sets this to 0 */
    _Atomic uint64_t count;
    _Atomic uint64_t too_long;
    _Atomic int64_t longest_ns;   /* without the longest handshake step of the same turn */
    _Atomic int64_t handshake_ns; /* the longest step of a handshake */
    _Atomic uint64_t handshakes;  /* steps */

    /* Where the server's program is in its memory, and where the thread was when a turn passed the
     * limit: addresses, ended by 0. */
    uintptr_t program;
    _Atomic unsigned stacks;
    uintptr_t stack[TURNS_STACKS][TURNS_FRAMES + 1];
};

#endif
