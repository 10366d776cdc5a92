/* SPDX-License-Identifier: MIT */
/*
 * Owns: a broker on virtual time, and the verbs in which its tests are written. Names are C
 * strings, messages are told apart by their ids. bw_check holds the whole of a broker against
 * itself; a test that changes one calls it afterwards.
 */
#ifndef TESTS_SUPPORT_BROKER_WORLD_H
#define TESTS_SUPPORT_BROKER_WORLD_H

#include "broker/broker.h"

#define BW_WALL INT64_C(1700000000000000000) /* wall clock - now, ns */
#define BW_TIMEOUT TIME_MINUTE               /* of consumers */

struct broker_world {
    struct log log;
    struct broker broker;
    int64_t now; /* ns; starts at one second */
};

/* Room for everything, 10,000 messages a queue, 15 minutes max_msg_timeout, any number of
 * consumers.
 */
struct broker_config bw_defaults(void);

void bw_open(struct broker_world *w, const struct broker_config *config);

/* The configuration of a world in which nothing has happened yet; tests may change it. */
struct broker_config *bw_config(struct broker_world *w);

/* Ends the broker; fails when its memory budget does not come to 0. */
void bw_close(struct broker_world *w);

/* The bytes of a string. */
struct span bw_span(const char *s);

/* Makes what is missing. */
struct topic *bw_topic(struct broker_world *w, const char *topic);
struct channel *bw_channel(struct broker_world *w, const char *topic, const char *channel);

/* NULL when there is none. */
struct topic *bw_find_topic(const struct broker_world *w, const char *topic);

/* Adds a message to a publish. Its wall time is w->now + BW_WALL. */
void bw_add(struct broker_world *w, struct publish *publish, struct span body);

/* A body that no publish has. */
struct body *bw_body(struct broker_world *w, struct span bytes);

/* Begins a call in which the broker may use this number of units. bw_open begins one in which it
 * may use as many as it wants. */
void bw_allow(struct broker_world *w, size_t units);

/* Publishes one message at a given time since 1970, in ns. Returns its body, which is gone when a
 * full queue dropped it. */
const struct body *bw_publish_body(struct broker_world *w, const char *topic, struct span body,
                                   int64_t delay, int64_t wall);

/* Publishes to a topic, and says the message's id. */
uint64_t bw_publish(struct broker_world *w, const char *topic);
uint64_t bw_publish_later(struct broker_world *w, const char *topic, int64_t delay);

/* Subscribes a consumer that is all zeros, with RDY and BW_TIMEOUT. */
void bw_join(struct broker_world *w, struct consumer *c, const char *topic, const char *channel,
             int64_t ready);
void bw_leave(struct broker_world *w, struct consumer *c);

/* The id of the next message that goes to c, and to nobody else. */
uint64_t bw_receive(struct broker_world *w, struct consumer *c);

/* Fails when there is a message for somebody. */
void bw_expect_silence(struct broker_world *w);

/* FIN, REQ and TOUCH by number. */
enum channel_result bw_finish(struct broker_world *w, struct consumer *c, uint64_t id);
enum channel_result bw_requeue(struct broker_world *w, struct consumer *c, uint64_t id,
                               int64_t delay);
enum channel_result bw_touch(struct broker_world *w, struct consumer *c, uint64_t id,
                             int64_t timeout);

/* Moves time on by d ns and does all that is due. Returns how many messages that were. */
size_t bw_pass(struct broker_world *w, int64_t d);

/* How many messages of channel "c" of topic "t" are in each place. */
void bw_expect_places(struct broker_world *w, size_t queued, size_t in_flight, size_t deferred);

/* The oldest log event is this one, with the arguments as one string, each behind a '|'. */
void bw_expect_log(struct broker_world *w, enum log_level level, const char *form,
                   const char *args);
void bw_expect_no_log(struct broker_world *w);
void bw_drop_log(struct broker_world *w);

/* Fails when something in the broker does not agree: counts and containers, which consumers are
 * ready and which channels active, timers and their heap, references and bodies, the memory budget
 * and what it counts.
 */
void bw_check(const struct broker_world *w);

/* A cmocka test whose *state is an open world with the defaults. */
int bw_setup(void **state);
int bw_teardown(void **state);
#define BW_TEST(name) cmocka_unit_test_setup_teardown(name, bw_setup, bw_teardown)

#endif
