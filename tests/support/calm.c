/* SPDX-License-Identifier: MIT */
/*
 * Two clients that must get their replies and messages within one round, whatever other clients
 * do.
 */
#include "support/calm.h"

#include <stdio.h>

#include "base/time.h"

static void skip_heartbeats(struct client *c)
{
    static const char heartbeat[] = "\0\0\0\x0f\0\0\0\0_heartbeat_";
    struct span wanted = span_make(heartbeat, sizeof heartbeat - 1);
    while (span_equal(span_first(buf_span(&c->in), wanted.n), wanted)) {
        buf_drop(&c->in, wanted.n);
    }
}

void calm_begin(struct calm *calm, struct world *w)
{
    *calm = (struct calm){.world = w};
    calm->consumer = world_connect(w);
    SEND(calm->consumer, "SUB calm calm\nRDY 10\n");
    client_expect_ok(calm->consumer);
    calm->producer = world_connect(w);
    calm_check(
        calm); /* from here on, all memory that the session keeps for its topic is allocated */
}

void calm_check(struct calm *calm)
{
    struct message_id id;
    char command[32];
    char body[16];
    snprintf(body, sizeof body, "%08u", calm->number++);
    memcpy(command, "PUB calm\n\0\0\0\x8", 13);
    memcpy(command + 13, body, 8);
    skip_heartbeats(calm->producer);
    skip_heartbeats(calm->consumer);
    client_post(calm->producer, span_make(command, 21));
    world_round(calm->world);
    client_expect_ok(calm->producer);
    world_check_message(__FILE__, __LINE__, calm->consumer, 1, span_make(body, 8), &id);
    client_fin(calm->consumer, &id);
}

void calm_pass(struct calm *calm, int seconds)
{
    for (int i = 0; i < seconds; i++) {
        world_advance(calm->world, TIME_SECOND);
        calm_check(calm);
    }
}

void calm_end(struct calm *calm)
{
    client_forget(calm->producer);
    client_forget(calm->consumer);
}
