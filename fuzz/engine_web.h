/* SPDX-License-Identifier: MIT */
/*
 * Owns: what the run of an engine must know about a client of the HTTP API: its answers, and which
 * change of the topology its request asks for. Must not know: operations, the driver.
 */
#ifndef FUZZ_ENGINE_WEB_H
#define FUZZ_ENGINE_WEB_H

#include "http_answers.h"
#include "memory_model.h"

struct web_peer {
    struct http_answers answers;
    unsigned asked;  /* requests that were sent */
    bool raw;        /* it has sent other bytes as well, so `asked` is not known */
    bool is_missing; /* `missing` is the last byte of a request, which was not sent yet */
    uint8_t missing;
};

/* What a request may change in the next call. */
struct web_plan {
    bool any;
    struct model_change change;
    struct buf topic, channel;
    uint64_t topic_serial, channel_serial;         /* 0: there is none */
    struct model_channel channels[MODEL_CHANNELS]; /* the model's, before the change was noted */
    struct model_topic topics[MODEL_TOPICS];
};

/* Tells the model which change the request of a connection asks for, as far as it has arrived. To
 * be called before the call that may complete the request. */
void web_plan(struct web_plan *plan, struct memory_model *model, unsigned conn);

/* To be called after it. If the change was not made, the model forgets it. Returns whether a topic
 * or channel was deleted. */
bool web_settle(struct web_plan *plan, struct memory_model *model);

/* Whether the method of the current request of a connection is HEAD. */
bool web_is_head(const struct memory_model *model, unsigned conn);

/* Whether the server has ended the connection, for example because the client was too slow. */
bool web_is_over(const struct memory_model *model, unsigned conn);

/* Whether the connection waits for a request, and has no part of one. */
bool web_is_idle(const struct memory_model *model, unsigned conn);

#endif
