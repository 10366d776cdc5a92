/* SPDX-License-Identifier: MIT */
/*
 * Owns: the look-up of names, which may take long and cannot be done without waiting: a thread does
 * it, with a queue in and a queue out, and another takes over when what it hangs in is cancelled.
 * The only threads besides the loop's; they touch nothing but the queues.
 */
#ifndef SHELL_RESOLVER_H
#define SHELL_RESOLVER_H

#include <stdint.h>

#include "shell/socket.h"

/* Look-ups that are not answered yet. Stops clients who have the server ask slow name servers from
 * piling up work. */
#define RESOLVER_JOBS_MAX 256

struct resolver;

/* NULL: the machine has no descriptor or no thread left. */
struct resolver *resolver_new(void);

/* Never waits: a look-up that is going on is left to end by itself. NULL is allowed. */
void resolver_free(struct resolver *resolver);

/* Readable while there are answers, and until resolver_next has said that there are none. */
int resolver_fd(const struct resolver *resolver);

/* Looks up "host:port" for a ticket. False: there are too many look-ups, or it is no such address.
 */
bool resolver_ask(struct resolver *resolver, uint64_t ticket, const char *address);

/* Forgets a ticket; no answer will come for it. */
void resolver_cancel(struct resolver *resolver, uint64_t ticket);

struct resolver_answer {
    uint64_t ticket;
    struct socket_addresses addresses; /* none: `why` tells */
    char why[SOCKET_WHY_MAX];
};

/* Takes the next answer. False: there is none. */
bool resolver_next(struct resolver *resolver, struct resolver_answer *answer);

#endif
