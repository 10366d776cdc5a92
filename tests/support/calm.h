/* SPDX-License-Identifier: MIT */
/*
 * Owns: two clients that must not notice what all others do, a publisher and a consumer with a
 * topic of their own. Virtual time has no slow machine, so "on time" is strict: what the publisher
 * sends arrives in a round together with everything that others have posted, and when that one
 * round is over it has its OK and the consumer has the message.
 */
#ifndef TESTS_SUPPORT_CALM_H
#define TESTS_SUPPORT_CALM_H

#include "support/world.h"

struct calm {
    struct world *world;
    struct client *producer;
    struct client *consumer;
    unsigned number; /* of the next message */
};

/* They connect. The topic and its channel are there from here on. */
void calm_begin(struct calm *calm, struct world *world);

/* One message goes through, in one round; then all that is left to do now is done. */
void calm_check(struct calm *calm);

/* Time passes; a message goes through at the end of each second. */
void calm_pass(struct calm *calm, int seconds);

/* They leave; the topic stays. */
void calm_end(struct calm *calm);

#endif
