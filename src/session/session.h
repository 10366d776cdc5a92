/* SPDX-License-Identifier: MIT */
/*
 * Owns: one client's conversation: its state, its settings, the current command. session.c has its
 * input, its deadlines and its end; session_output.c what it is sent; session_codecs.c its codecs;
 * session_auth.c what it was granted. What commands do stands in commands.h.
 */
#ifndef SESSION_SESSION_H
#define SESSION_SESSION_H

#include <nsq/command.h>
#include <nsq/frame.h>

#include "auth/auth.h"
#include "session/identify.h"
#include "session/owed.h"
#include "session/v2.h"

/* /stats shows these numbers; nsqd has other states with the numbers 1 and 2. */
enum session_state {
    SESSION_INIT = 0,
    SESSION_SUBSCRIBED = 3,
    SESSION_CLOSING = 4, /* after CLS */
};

/* How many messages the client has published to a topic. Kept because /stats shows it. */
struct pub_count {
    UT_hash_handle hh; /* in session->pub_counts */
    struct name topic;
    uint64_t count;
};

/* Where TLS stands. There is no way back. */
enum session_tls {
    SESSION_TLS_NONE = 0,
    SESSION_TLS_WANTED,      /* an IDENTIFY has negotiated it; the handshake follows the reply */
    SESSION_TLS_HANDSHAKING, /* until V2_HANDSHAKE_NS have passed: serve has the deadline */
    SESSION_TLS_ENABLED,
};

/* The compression that an IDENTIFY has negotiated. */
struct upgrade {
    bool snappy;
    bool deflate;
    int deflate_level; /* reported to the client also without deflate */
};

/* What an IDENTIFY said about the client. Kept because /stats shows it. The texts follow the struct
 * in the same allocation, which is no longer than needed: thousands of idle clients have one each.
 */
struct identity {
    struct span client_id;
    struct span hostname;
    struct span user_agent;
};

struct session {
    struct v2 *v2;
    struct conn *conn; /* NULL: gone, while a publish was held */
    enum session_state state;
    bool ended;        /* nothing more is parsed */
    bool linger;       /* with `ended`: how, once the owed replies have been sent */
    bool eof;          /* the client sends no more; acted on when no command is held */
    bool identified;   /* an IDENTIFY was accepted: a later one does not move the heartbeats */
    int64_t connected; /* wall clock, ns since 1970; kept because /stats shows it */
    struct identity *identity; /* NULL before IDENTIFY */

    /* Set by IDENTIFY; ns. */
    int64_t heartbeat_interval; /* 0 = off */
    int64_t msg_timeout;        /* for TOUCH; a delivery takes consumer.msg_timeout */
    int64_t output_buffer_timeout;
    int64_t output_buffer_size; /* bytes */
    int32_t sample_rate;

    enum session_tls tls;
    struct upgrade upgrade; /* by the last IDENTIFY */
    bool compressed;        /* snappy or deflate is enabled, and stays enabled */
    size_t codec_cost;      /* bytes that were charged for both */

    int64_t heartbeat_every; /* ns; set by the first IDENTIFY only, as nsqd does; 0 = off */
    int64_t next_heartbeat;  /* ns; TIME_NEVER = never */
    int64_t read_deadline;   /* ns; for the next command with its body; TIME_NEVER = none */

    struct consumer consumer;

    /* Input. */
    struct nsq_place place;
    struct buf partial;  /* the line or size that has arrived in part */
    size_t partial_cost; /* bytes that were charged for it */

    /* The secret of AUTH, and what was granted for it; NULL before AUTH. Asked for again when it
     * has expired. */
    struct body *secret;
    struct auth_state *granted;
    int64_t expires;          /* ns; the last moment at which `granted` holds */
    struct auth_query *query; /* not NULL: the current command is held until it is answered */
    struct list waiting;      /* in v2->authorizing */

    struct owed_queue owed; /* replies that wait for the disk, and those behind them */
    bool sub_owed;          /* the OK of SUB is one of them: no message may overtake it */

    /* The current command, between its line and its end. */
    struct publish publish; /* what has arrived of it so far; its topic is SUB's too */
    struct name channel;    /* SUB */
    struct draft draft;     /* the body that is arriving */
    struct body *data;      /* IDENTIFY's or AUTH's body */

    struct pub_count *pub_counts; /* table by topic */
    struct pub_count *last_count; /* the one that grew last: most clients publish to one topic */
};

/* Whether the current command waits for an authorization. Nothing is parsed until then. */
static inline bool session_is_held(const struct session *session)
{
    return session->query != NULL;
}

static inline struct budget *session_budget(const struct session *session)
{
    return &session->v2->broker->core.budget;
}

/* --- session.c -------------------------------------------------------------------------------- */

/* What struct protocol calls (serve/serve.h); `service` is the struct v2. */
void *session_on_open(void *service, struct conn *conn, int64_t now);
size_t session_on_recv(void *service, void *session, struct span in, int64_t now);
void session_on_eof(void *service, void *session, int64_t now);
void session_on_due(void *service, void *session, int64_t now);
void session_on_drained(void *service, void *session, int64_t now);
void session_on_closed(void *service, void *session, int64_t now);

/* The current command is held: session->query is open. */
void session_wait(struct session *session);

/* Pauses the connection's input, or resumes it, as the state of the session wants it. */
void session_pause_or_resume(struct session *session);

/* Goes on with the current command, which was held. */
void session_resume_command(struct session *session, struct reply reply, int64_t now);

/* A line is awaited from now on: starts the read deadline. */
void session_await_line(struct session *session, int64_t now);

/* The first IDENTIFY's settings, and before it the defaults, become those of deliveries and
 * heartbeats, and heartbeats start over. nsqd's message pump takes one IDENTIFY only: a later one
 * sets session->msg_timeout, which TOUCH uses, but not consumer.msg_timeout, which deliveries use.
 */
void session_take_settings(struct session *session, int64_t now);

/* Counts messages that were published to session->publish.topic. */
void session_count_published(struct session *session, uint64_t count);

/* Ends the conversation: nothing more is parsed or delivered. The connection ends when the owed
 * replies have been sent. With linger: input may be left unread. */
void session_end(struct session *session, bool linger, int64_t now);

void session_free(struct session *session);

/* --- session_output.c ------------------------------------------------------------------------- */

/* Sends a frame. */
void session_send(struct session *session, enum nsq_frame_type type, struct span data, int64_t now);
void session_send_ok(struct session *session, int64_t now);

/* Blocks or unblocks the delivery of messages to the client: it is blocked while its output is full
 * and while the OK of its SUB is owed. Does nothing before SUB. */
void session_update_blocked(struct session *session);

/* Sends a reply, which it takes, or queues it behind those that are owed. False when that ended the
 * session. */
bool session_send_reply(struct session *session, struct reply reply, int64_t now);

/* The same; costs no call when there is no reply, as after most steps. */
static inline bool session_reply(struct session *session, struct reply reply, int64_t now)
{
    return reply.kind == REPLY_NONE || session_send_reply(session, reply, now);
}

/* --- session_codecs.c ------------------------------------------------------------------------- */

/* Enables what session->upgrade says. */
void session_enable_codecs(struct session *session, int64_t now);

/* The handshake of TLS has ended; struct protocol calls it. */
void session_on_upgraded(void *service, void *session, struct span why, int64_t now);

/* --- session_auth.c --------------------------------------------------------------------------- */

/* Asks the auth servers about the client, with its secret. session->query is open until they have
 * answered. */
void session_ask_auth(struct session *session, int64_t now);

/* Takes what they have granted, in place of what was granted before; `expires` is set. False, with
 * the reason in the log, when no server has given a good answer. */
bool session_take_auth(struct session *session, int64_t now);

/* Drops the query that is open, if one is: the command that is held is given up. */
void session_drop_query(struct session *session);

/* Drops the secret, an open query and what was granted. */
void session_forget_auth(struct session *session);

#endif
