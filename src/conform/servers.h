/* SPDX-License-Identifier: MIT */
/*
 * Owns: the servers that --spawn starts for a run. This file decides on which server each case is
 * played, and which servers run at the same time. The servers that run at the same time are called
 * a batch. Must not know: how a case is played, and what its verdict is.
 */
#ifndef CONFORM_SERVERS_H
#define CONFORM_SERVERS_H

#include "conform/spawn.h"
#include "conform/suite.h"

#define SERVERS_MAX 32 /* the largest number of servers in a batch */

/* The largest number of cases of one server. Each case makes its own topics and channels, and
 * leaves some of them on the server. nsqd looks at the timers of 20 channels at a time, every 100
 * ms. With many more channels, deferred messages and timeouts become so late that cases fail. */
#define SERVER_CASES_MAX 32

struct servers {
    const char *command; /* this field and the next four are borrowed */
    const char *suite;
    const int *end_fd;
    const struct suite_case *const *cases;
    size_t n;
    struct spawn list[SERVERS_MAX]; /* the servers of this batch */
    struct span flags[SERVERS_MAX];
    size_t part[SERVERS_MAX]; /* for each server: its number among the servers with the same flags,
                                 from 0 */
    size_t count;
    size_t *of;      /* for each case: the number of its server; SERVERS_MAX: in another batch */
    size_t *part_of; /* for each case: `part` of the server that plays it */
    bool *left;      /* for each case: the case is in a later batch */
};

/* `command` starts a server, see spawn.h. When *end_fd is readable, the functions below return
 * without waiting for servers. All arguments are borrowed until servers_free. */
void servers_init(struct servers *servers, const char *command, const char *suite,
                  const int *end_fd, const struct suite_case *const *cases, size_t n);
void servers_free(struct servers *servers);

/* Starts the servers of the next batch and waits for them. Returns false if no case is left. */
bool servers_next(struct servers *servers);

/* Stops the servers of this batch. */
void servers_stop(struct servers *servers);

/* Stops a server, deletes its data, and starts it again. Returns true if the server is ready. */
bool servers_restart(struct servers *servers, size_t s);

#endif
