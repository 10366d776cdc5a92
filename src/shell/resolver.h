/* SPDX-License-Identifier: MIT */
/*
 * Owns: the look-up of host names. A look-up always blocks and may take a long time. So threads do
 * the look-ups, each thread one at a time. A name that takes long blocks one thread only, and the
 * look-ups of other names continue. The resolver has a queue of jobs and a queue of answers. Apart
 * from these threads, the program has only the thread of the event loop. The threads share nothing
 * except the queues. Answers may come in another order than the questions.
 */
#ifndef SHELL_RESOLVER_H
#define SHELL_RESOLVER_H

#include <stdint.h>

#include "shell/socket.h"

/* The largest number of look-ups that may wait for an answer at the same time. Each AUTH of a
 * client may need the address of an auth server. Without this limit, the queue could become very
 * long when the name servers are slow. */
#define RESOLVER_JOBS_MAX 256

/* When at least this many look-ups wait, a new look-up is refused if another look-up of the same
 * host name already waits. So a name that no server answers leaves places for other names. */
#define RESOLVER_JOBS_OF_NAME_MAX 192

/* The most threads. Each is blocked for as long as the C library tries, about half a minute.
 * Without the limit, names that no server answers could fill the machine with threads. */
#define RESOLVER_THREADS_MAX 32

struct resolver;

/* Returns a new resolver. Returns NULL when the system has no file descriptor or no thread left. */
struct resolver *resolver_new(void);

/* Frees the resolver without waiting. A thread that is still blocked in a look-up stops when
 * the look-up has returned. Does nothing when `resolver` is NULL. */
void resolver_free(struct resolver *resolver);

/* Returns a descriptor that becomes readable when there is an answer. The descriptor stays readable
 * until resolver_next has returned false. */
int resolver_fd(const struct resolver *resolver);

/* Starts to look up "host:port". The answer will contain `ticket`. Returns false when too many
 * look-ups wait (RESOLVER_JOBS_MAX, RESOLVER_JOBS_OF_NAME_MAX), or when the address is too long. */
bool resolver_ask(struct resolver *resolver, uint64_t ticket, const char *address);

/* Cancels the look-up with this ticket. This look-up then has no answer. */
void resolver_cancel(struct resolver *resolver, uint64_t ticket);

struct resolver_answer {
    uint64_t ticket;
    struct socket_addresses addresses; /* empty: nothing was found, and `why` is the reason */
    char why[SOCKET_WHY_MAX];
};

/* Moves the next answer to `*answer`. Returns false when there is no answer. */
bool resolver_next(struct resolver *resolver, struct resolver_answer *answer);

#endif
