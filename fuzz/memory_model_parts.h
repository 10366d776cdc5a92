/* SPDX-License-Identifier: MIT */
/*
 * Owns: what the files of the memory model share: memory_model.c walks topics and channels,
 * memory_model_reasons.c decides whether a move has a reason, memory_model_sessions.c checks
 * sessions and the memory budget.
 */
#ifndef FUZZ_MEMORY_MODEL_PARTS_H
#define FUZZ_MEMORY_MODEL_PARTS_H

#include "memory_model.h"

/* A body's cost is divided into this many parts among its holders. All numbers from 1 to 16 divide
 * it. So the sum over all holders is right only if the count of references is right. */
#define BODY_PARTS 720720

#define ANY_COUNT UINT64_MAX /* of RDY, when its count is missing or written in another way */

/* The costs that one look adds up; bytes unless something else is said. */
struct sums {
    size_t drafts;   /* messages that have arrived in part; they had to fit below the cap */
    size_t asked;    /* what may use the reserve: topics, channels, bodies that are not messages */
    size_t others;   /* all else that is charged */
    uint64_t shares; /* of the bodies of messages, in parts */
    size_t timers;
    size_t most_more; /* what requests of the HTTP API may have charged */
};

/* The connection with this number; NULL: it is closed. */
const struct conn *conn_of(const struct memory_model *model, unsigned conn);

/* The number of the connection that owns a consumer. */
unsigned number_of(const struct memory_model *model, const struct consumer *consumer);

/* Whether a connection is subscribed; MODEL_NOBODY is not. */
bool is_subscribed(const struct memory_model *model, unsigned conn);

/* Notes in model->said and model->said_rdy what the line of a call says. */
void find_said(struct memory_model *model, struct span line);

/* How often a message was delivered since the last look. *last: the last receiver. */
size_t deliveries(const struct memory_model *model, const struct row *row, unsigned *last);

/* Whether the call completed this command, which only the owner of a message may send, and the
 * owner sent it. */
bool by_owner(const struct memory_model *model, const struct call *call, const struct row *row,
              enum said_what what);

/* Whether a timeout or the end of a deferral explains the move. */
bool by_time(const struct call *call, const struct row *row);

/* The time at which, by the REQ of this call, its message's deferral ends. */
int64_t requeued_until(const struct memory_model *model, const struct call *call);

/* Checks every session and adds its costs to `sums`. */
void walk_sessions(struct memory_model *model, const struct call *call, struct sums *sums);

/* Checks the publishes that wait for the disk, also those whose clients have left, and adds their
 * costs and those of the garbage. */
void walk_waiting(struct memory_model *model, struct sums *sums);

/* Adds the costs of the clients of the HTTP API. (engine_web.c) */
void walk_web(struct memory_model *model, struct sums *sums);

/*
 * The memory budget equals the cost of everything that exists, to the byte. Messages are within the
 * cap. Messages together with what clients asked for are within the cap and the reserve. (Topics
 * count as asked for: it is not recorded which command created them.) The rest is bounded by these:
 * a message in a channel costs at most one struct message and one struct in_flight or deferred
 * beside its body, and a connection costs its session and a count for each topic that it published
 * to. What a request of the HTTP API holds is not visible here; it has a bound.
 */
void check_budget(const struct memory_model *model, const struct sums *sums);

/* Adds one holder's part of a body's cost to `sums`. */
void share_body(struct memory_model *model, const struct body *body, struct sums *sums);

#endif
