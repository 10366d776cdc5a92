/* SPDX-License-Identifier: MIT */
/*
 * Owns: the names of the faults that the preloaded library injects, and how many it has injected so
 * far. Must not know: the program that it is loaded into.
 */
#ifndef TESTS_SOAK_FAULTS_INJECT_H
#define TESTS_SOAK_FAULTS_INJECT_H

#include <stdatomic.h>
#include <stdint.h>

enum fault {
    FAULT_EINTR,       /* recv, send, sendmsg, accept, poll, epoll_wait */
    FAULT_EAGAIN,      /* recv, send, sendmsg */
    FAULT_SHORT_READ,  /* recv returns less than there is */
    FAULT_SHORT_WRITE, /* send and sendmsg take less than the socket has room for */
    FAULT_ACCEPT,      /* accept fails with one of the errors that it may return for a while */
    FAULT_POLL,        /* poll fails with ENOMEM */
    FAULT_EPOLL_ADD,   /* epoll_ctl does not add a connection: ENOSPC or ENOMEM */
    FAULT_KINDS
};

#define FAULT_ALL 100000 /* the rate at which every call fails */

/* The environment of the program:
 *     FAULTS_SEED=N           the seed of the generator
 *     FAULTS_RATES=N,N,..     how many of FAULT_ALL calls fail, in the order of enum fault
 *     FAULTS_COUNTS=FD        an inherited descriptor of a file that holds a struct fault_counts;
 *                             without it nothing is counted
 */
struct fault_counts {
    _Atomic uint64_t of[FAULT_KINDS];
};

#endif
