/* SPDX-License-Identifier: MIT */
/*
 * Owns: the clients of the mixed load: what they say, what they make of what they hear, how they
 * die. They enter into the tally what becomes of every message. Must not know: when they publish
 * and die, and what the run is judged by.
 */
#ifndef TESTS_SOAK_MIXED_CLIENTS_H
#define TESTS_SOAK_MIXED_CLIENTS_H

#include <nsq/frame.h>

#include "bench/peer.h"
#include "soak/probe.h"
#include "soak/server.h"
#include "soak/tally.h"

#define PUBLISHERS 16
#define CONSUMERS 32
#define CLIENTS (PUBLISHERS + CONSUMERS) /* consumers first */
#define WINDOW 8                         /* unanswered commands of a publisher */
#define ACTIONS 1024                     /* of a consumer, of which nothing is known yet */
#define HELD 512                         /* messages that a consumer answers later */
#define BATCH 20                         /* most messages of an MPUB */
#define MSG_TIMEOUT 1000                 /* ms, as the server is told */
#define DELAY 500                        /* ms, the longest of DPUB and REQ */
#define ID_SIZE NSQ_MESSAGE_ID_SIZE

enum role { PUBLISHER, CONSUMER };

/* Of a consumer: SUB is not answered; it is; CLS was said; it was answered. */
enum stage { JOINING, JOINED, ENDING, ENDED };

struct command {
    uint32_t first;
    uint32_t count;
};

struct action {
    struct tally_delivery delivery;
    char id[ID_SIZE];
    char verb; /* 'F', 'R' or 'T' */
    bool failed;
};

struct held {
    struct tally_delivery delivery;
    char id[ID_SIZE];
    bool touch; /* first, and finish later */
    uint32_t due;
};

struct mixed_client {
    struct peer peer;
    enum role role;
    unsigned channel;
    unsigned ready;  /* RDY */
    uint32_t serial; /* of the connection */
    enum stage stage;
    bool asked;             /* a mark or CLS is not answered */
    unsigned covered;       /* actions before it */
    unsigned command_count; /* unanswered, in order */
    unsigned action_count;  /* in order */
    unsigned held_count;    /* in no order */
    struct command commands[WINDOW];
    struct action actions[ACTIONS];
    struct held held[HELD];
};

struct mixed {
    struct peers peers;
    struct server server;
    struct probe probe;
    struct tally tally;
    struct mixed_client clients[CLIENTS];
    uint64_t random;
    int64_t start;
    uint32_t heard;       /* ms, when the last message came */
    bool draining;        /* consumers do nothing but finish */
    uint32_t connections; /* so far */
    int64_t kills;
    int64_t refused; /* FIN, REQ and TOUCH that came too late */
    int64_t next_kill;
    int64_t paced; /* messages that were due so far */
};

extern struct mixed mix; /* the one that runs */

/* A number below n. */
uint32_t mixed_below(uint32_t n);

/* ms since a second before the start, so that a little less is no less than 0; a run is shorter
 * than 49 days. */
uint32_t mixed_now(void);

/* Whether something has failed so far. */
bool mixed_failed(void);

/* Fills in mix.peers; false when the system has no epoll. */
bool mixed_init(void);

/* The i-th client takes its place anew. */
void mixed_begin(unsigned i);

/* Ends a connection; what was on the way is in doubt. */
void mixed_end(struct mixed_client *c);

/* One command of a publisher, with a message or more. */
void mixed_publish(struct mixed_client *c);

/* What is due of a consumer. */
void mixed_consume(struct mixed_client *c);

/* The i-th client dies in one way or another, or leaves as it should. */
void mixed_kill(unsigned i);

#endif
