/* SPDX-License-Identifier: MIT */
/*
 * Owns: a process with two ordinary clients of a server under load. One publishes a message to a
 * topic of its own, the other consumes it; then the next message is published. The process measures
 * how long each message takes. The load is in another process, so its work does not count. Must not
 * know: what the load is.
 */
#ifndef TESTS_SOAK_BYSTANDER_H
#define TESTS_SOAK_BYSTANDER_H

#include <stdint.h>
#include <sys/types.h>

struct bystander_figures;

struct bystander {
    pid_t pid;
    struct bystander_figures *shared;
};

struct bystander_times {
    uint64_t messages;
    int64_t p50, p99, longest; /* ns */
};

/* Starts the process, and waits until its first messages have arrived. Its clients send AUTH with
 * the secret first; NULL: they do not. Ends this process if that fails. */
void bystander_start(struct bystander *b, const char *address, const char *secret);

/* Ends the process after its last message has arrived. Returns NULL, or what was wrong. */
const char *bystander_end(struct bystander *b, struct bystander_times *times);

#endif
