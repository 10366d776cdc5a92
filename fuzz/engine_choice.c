/* SPDX-License-Identifier: MIT */
/*
 * Turns the header of an input of engine_run.h into an engine's configuration.
 */
#include "engine_choice.h"

#include "engine_statsd.h"
#include "fuzz.h"
#include "ops.h"

#define MEMORY_UNIT 72
#define OWED_MAX 8 /* replies that a session may owe */

struct engine_choice engine_choice_read(struct span *in)
{
    struct engine_choice choice;
    uint8_t *const fields[] = {&choice.flags,         &choice.open,       &choice.max_msg_size,
                               &choice.max_rdy_count, &choice.high_water, &choice.memory,
                               &choice.queue_size,    &choice.msg_timeout};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        *fields[i] = fuzz_byte(in);
    }
    return choice;
}

static size_t or_all(uint8_t bound, size_t all)
{
    return bound == 0 ? all : bound;
}

struct engine_config engine_choice_config(const struct engine_choice *choice)
{
    struct engine_config config = engine_defaults();
    struct v2_config *v2 = &config.v2;
    v2->limits.max_line = LINE_MOST;
    v2->limits.max_msg_size = (int64_t)or_all(choice->max_msg_size, 1024 * 1024);
    v2->max_rdy_count = (int64_t)or_all(choice->max_rdy_count, 2500);
    config.broker.wait_publishes = choice->flags & PENDING;
    v2->max_owed_replies = OWED_MAX;
    v2->deflate = v2->snappy =
        false; /* fuzz_upgrade.c tests codecs; this target parses all output */
    if (choice->msg_timeout != 0) {
        v2->msg_timeout = ops_time(choice->msg_timeout);
        v2->max_msg_timeout = config.broker.max_msg_timeout = 2 * v2->msg_timeout;
    }
    config.serve.high_water = or_all(choice->high_water, config.serve.high_water);
    config.broker.mem_queue_size = (int64_t)or_all(choice->queue_size, 10000);
    config.broker.mem_queue_bytes =
        choice->memory == 0 ? config.broker.mem_queue_bytes : (size_t)choice->memory * MEMORY_UNIT;
    config.broker.max_consumers = choice->flags & ALONE ? 1 : 0;
    config.broker.effort_a_call = SIZE_MAX; /* the memory model knows no work that is left over */
    if (choice->flags & REPORTED) {
        config.statsd = engine_statsd_config();
    }
    config.log_level = choice->flags & LOGGED ? LOG_DEBUG : LOG_FATAL;
    return config;
}
