/* SPDX-License-Identifier: MIT */
/*
 * Owns: how a run of the mixed load is chosen. Must not know: what a client sends.
 */
#ifndef TESTS_SOAK_MIXED_H
#define TESTS_SOAK_MIXED_H

#include <stdbool.h>
#include <stdint.h>

/* The server's --msg-timeout is MSG_TIMEOUT of mixed_clients.h. */
struct mixed_plan {
    const char *name;
    const char *const *flags; /* of the server, ended by NULL */
    unsigned life_ms;         /* ms between two kills of a client, on average */
    bool tls;                 /* half of the connections use TLS */
    bool disturbed; /* faults are injected into the server: it may end connections that it has not
                       served yet, and neither its latency nor its memory is judged */
};

/* Loads the server for `ns` and prints one line. Returns whether everything was correct. */
bool mixed_run(const struct mixed_plan *plan, const char *program, int64_t ns, uint64_t seed);

/* How many connections the server ended in the last run. */
int64_t mixed_ended(void);

#endif
