/* SPDX-License-Identifier: MIT */
/*
 * Owns: the look-up of names, which may take long and always blocks. A thread does it, with a queue
 * of jobs and a queue of answers. When a job is cancelled while the thread hangs in it, another
 * thread continues. These are the only threads besides the event loop's; they use only the queues.
 */
#ifndef SHELL_RESOLVER_H
#define SHELL_RESOLVER_H

#include <stdint.h>

#include "shell/socket.h"

/* Look-ups that are not answered yet. Stops clients from piling up work by making the server ask
 * slow name servers. */
#define RESOLVER_JOBS_MAX 256

struct resolver;

/* NULL: no file descriptor or no thread could be had. */
struct resolver *resolver_new(void);

/* Never waits: a look-up in progress ends by itself later. NULL is allowed. */
void resolver_free(struct resolver *resolver);

/* A descriptor that is readable while there are answers, until resolver_next has returned false. */
int resolver_fd(const struct resolver *resolver);

/* Looks up "host:port"; the answer carries the ticket. False: there are RESOLVER_JOBS_MAX look-ups
 * already, or the address is too long. */
bool resolver_ask(struct resolver *resolver, uint64_t ticket, const char *address);

/* Cancels the look-up of a ticket; no answer will come for it. */
void resolver_cancel(struct resolver *resolver, uint64_t ticket);

struct resolver_answer {
    uint64_t ticket;
    struct socket_addresses addresses; /* empty: `why` is the reason */
    char why[SOCKET_WHY_MAX];
};

/* Takes the next answer. False: there is none. */
bool resolver_next(struct resolver *resolver, struct resolver_answer *answer);

#endif
