/* SPDX-License-Identifier: MIT */
/*
 * Owns: the clients of the mixed load: what they send, how they handle what they receive, and how
 * they die. They note in the tally what becomes of every message. Must not know: when they publish
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
#define ACTIONS 1024     /* commands of a consumer of which the result is not known yet */
#define HELD 512         /* messages that a consumer answers later */
#define BATCH 20         /* most messages of an MPUB */
#define MSG_TIMEOUT 1000 /* ms, the server's --msg-timeout */
#define DELAY 500        /* ms, the longest of DPUB and REQ */
#define ID_SIZE NSQ_MESSAGE_ID_SIZE

enum role { PUBLISHER, CONSUMER };

/* With TLS: IDENTIFY is not answered; the handshake is not over. Of a consumer: SUB is not
 * answered; SUB is answered; CLS was sent; CLS was answered. */
enum stage { GREETING, SECURING, JOINING, JOINED, ENDING, ENDED };

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
    bool touch; /* send TOUCH first and FIN later */
    uint32_t due;
};

struct mixed_client {
    struct peer peer;
    enum role role;
    unsigned channel;
    unsigned ready;  /* RDY */
    uint32_t serial; /* of the connection */
    enum stage stage;
    bool served;            /* the server has sent something */
    bool asked;             /* a marker or CLS is not answered */
    unsigned covered;       /* how many actions were sent before it */
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
    struct tls *tls; /* half of the connections use it; NULL: none does */
    bool may_refuse; /* the server may end connections that it has not served yet */
    struct tally tally;
    struct mixed_client clients[CLIENTS];
    uint64_t random;
    int64_t start;
    uint32_t heard;       /* ms, when the last message arrived */
    bool draining;        /* consumers only send FIN */
    uint32_t connections; /* so far */
    int64_t kills;
    int64_t ended;   /* connections that the server ended */
    int64_t refused; /* FIN, REQ and TOUCH that failed because they came too late */
    int64_t next_kill;
    int64_t paced; /* messages that were due so far */
};

extern struct mixed mix; /* the only instance */

/* A number below n. */
uint32_t mixed_below(uint32_t n);

/* ms since one second before the start, so that slightly earlier times are not negative. A run is
 * shorter than 49 days. */
uint32_t mixed_now(void);

/* Whether something has failed so far. */
bool mixed_failed(void);

/* Fills in mix.peers; false when the system has no epoll. */
bool mixed_init(void);

/* Connects client number i anew. */
void mixed_begin(unsigned i);

/* Closes a connection. The commands that were on their way are in doubt. */
void mixed_end(struct mixed_client *c);

/* Sends one command of a publisher, with one or more messages. */
void mixed_publish(struct mixed_client *c);

/* Sends what a consumer has to send by now. */
void mixed_consume(struct mixed_client *c);

/* Client number i dies in one of several ways, or leaves with CLS. */
void mixed_kill(unsigned i);

#endif
