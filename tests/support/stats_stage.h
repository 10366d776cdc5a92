/* SPDX-License-Identifier: MIT */
/*
 * Owns: a world whose statistics are read, and the state of it that was played on upstream's nsqd
 * too.
 */
#ifndef TESTS_SUPPORT_STATS_STAGE_H
#define TESTS_SUPPORT_STATS_STAGE_H

#include "api/stats.h"
#include "support/world.h"

#define STAGE_START INT64_C(1795929504) /* wall clock of its start, seconds since 1970 */

struct stats_stage {
    struct world *world;
    struct stats_server server;
    struct buf page; /* what stage_page returns */
};

/* Opens a world; NULL: world_config(). */
void stage_open(struct stats_stage *s, const struct engine_config *config);
void stage_close(struct stats_stage *s);

/* The time since 1970, ns. */
int64_t stage_wall(const struct stats_stage *s);

struct broker *stage_broker(const struct stats_stage *s);

/* Makes what is missing. */
struct topic *stage_topic(struct stats_stage *s, const char *topic);
struct channel *stage_channel(struct stats_stage *s, const char *topic, const char *channel);

/* Three topics: "alpha" with a channel "one" (two consumers; messages queued, in flight, deferred,
 * requeued, timed out, finished) and a paused channel "two"; "beta", paused, without channels;
 * "gamma", empty. Two producers. 5.4 seconds pass. */
void stage_play(struct stats_stage *s);

/* Writes a whole page in slices of at least `most` bytes, and with `units` of effort each. Returns
 * it as a string that lives until the next call. */
const char *stage_page(struct stats_stage *s, const struct stats_filter *filter, size_t most,
                       size_t units);

/* The page is this text, in which ' stands for ", however it is cut into slices. */
void stage_expect(struct stats_stage *s, const struct stats_filter *filter, const char *expected);

#endif
