/* SPDX-License-Identifier: MIT */
/*
 * Owns: one client's conversation: its state, its settings, the command in hand.
 */
#ifndef SESSION_SESSION_H
#define SESSION_SESSION_H

#include <nsq/command.h>

#include "auth/auth.h"
#include "session/identify.h"
#include "session/v2.h"

/* The numbers are what /stats shows; nsqd has 1 and 2 for something else. */
enum session_state {
    SESSION_INIT = 0,
    SESSION_SUBSCRIBED = 3,
    SESSION_CLOSING = 4, /* after CLS */
};

/* How many messages the client has published to a topic, for /stats. */
struct pub_count {
    UT_hash_handle hh; /* in session->pub_counts */
    struct name topic;
    uint64_t count;
};

/* What an IDENTIFY has negotiated. */
struct upgrade {
    bool tls;
    bool snappy;
    bool deflate;
    int deflate_level; /* what is said of it even without deflate */
};

/* What an IDENTIFY said about the client, for /stats. The texts lie behind it, in one allocation
 * that is no longer than they are: thousands of idle clients have one each. */
struct identity {
    struct span client_id;
    struct span hostname;
    struct span user_agent;
};

struct session {
    struct v2 *v2;
    struct conn *conn; /* NULL: gone, while a command was pending */
    enum session_state state;
    bool ended;        /* nothing more is parsed */
    bool eof;          /* the client sends no more; acted on when nothing is pending */
    bool identified;   /* an IDENTIFY was accepted: a later one does not move the heartbeats */
    int64_t connected; /* wall clock, ns since 1970 */
    struct identity *identity; /* NULL before IDENTIFY */

    /* Set by IDENTIFY; ns. */
    int64_t heartbeat_interval; /* 0 = off */
    int64_t msg_timeout;        /* for TOUCH; deliveries use the consumer's */
    int64_t output_buffer_timeout;
    int64_t output_buffer_size; /* bytes */
    int32_t sample_rate;

    struct upgrade upgrade; /* by the last IDENTIFY */
    bool tls;               /* what is on, and stays on */
    bool compressed;
    size_t codec_cost; /* what was charged for it */

    int64_t heartbeat_every; /* set by the first IDENTIFY only, as nsqd does; 0 = off */
    int64_t next_heartbeat;  /* INT64_MAX = never */
    int64_t read_deadline;   /* of the command that is awaited, with its body; INT64_MAX = none */

    struct consumer consumer;

    /* Input. */
    struct nsq_place place;
    struct buf hand;  /* the line or size that has arrived in part */
    size_t hand_cost; /* what was charged for it */

    /* What AUTH has said, and what was granted; NULL before it. Renewed when it has expired. */
    struct body *secret;
    struct auth_state *granted;
    int64_t expires;          /* the last moment at which it holds */
    struct auth_query *query; /* not NULL: the command is pending on it */

    /* The command in hand, between its line and its end. */
    struct name topic;
    struct name channel; /* SUB */
    int64_t delay;       /* DPUB: ns */
    struct draft draft;  /* the body that is arriving */
    struct queue batch;  /* what will be published: PUB's message, or MPUB's so far */
    struct body *data;   /* IDENTIFY's or AUTH's body */
    uint64_t ticket;     /* not 0: the command is pending */
    struct list waiting; /* in v2->to_ask, v2->asked or v2->authorizing */

    struct pub_count *pub_counts; /* table by topic */
};

/* Whether the command in hand waits for an answer. */
static inline bool session_is_pending(const struct session *session)
{
    return session->ticket != 0 || session->query != NULL;
}

/* Asks the auth servers about the client, with its secret. Said later. */
void session_ask_auth(struct session *session, int64_t now);

/* Takes up what they have granted, in place of what was before; `expires` is set. False, and the
 * log says why, when none has answered well. */
bool session_take_auth(struct session *session, int64_t now);

/* Counts messages that were published to session->topic, for /stats. */
void session_count_published(struct session *session, uint64_t count);

/* Deliveries and heartbeats take on the settings as they are now, and heartbeats start over. To be
 * called when the conversation begins and at its first IDENTIFY: nsqd's message pump takes one. */
void session_take_settings(struct session *session, int64_t now);

#endif
