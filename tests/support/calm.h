/* SPDX-License-Identifier: MIT */
/*
 * Owns: two clients that must not notice what other clients do: a publisher and a consumer with a
 * topic of their own. Virtual time does not depend on the machine, so "on time" is strict: the
 * publisher's message arrives in the same round as everything that others have posted, and after
 * that one round the publisher has its OK and the consumer has the message.
 */
#ifndef TESTS_SUPPORT_CALM_H
#define TESTS_SUPPORT_CALM_H

#include "support/world.h"

struct calm {
    struct world *world;
    struct client *producer;
    struct client *consumer;
    unsigned number; /* the number of the next message */
};

/* Connects both clients. From here on the topic and its channel exist. */
void calm_begin(struct calm *calm, struct world *world);

/* Checks that one message passes in one round; then finishes all work that is due now. */
void calm_check(struct calm *calm);

/* Lets time pass, with calm_check at the end of each second. */
void calm_pass(struct calm *calm, int seconds);

/* Closes both clients; the topic remains. */
void calm_end(struct calm *calm);

#endif
