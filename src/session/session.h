/* SPDX-License-Identifier: MIT */
/*
 * Owns: the session, which is the conversation with one client: its state, its settings and the
 * current command. session.c handles the input, the deadlines and the end of a session.
 * session_output.c sends replies and messages. session_codecs.c enables codecs. session_auth.c
 * handles authorizations. commands.h declares the actions of the commands.
 *
 * A command is held when it waits for an answer of the auth servers, or when the check of what they
 * have allowed needs more than one call. A reply is owed when it cannot be sent yet, because it or
 * an earlier reply waits for the disk (session/owed.h).
 */
#ifndef SESSION_SESSION_H
#define SESSION_SESSION_H

#include <nsq/command.h>
#include <nsq/frame.h>

#include "auth/auth.h"
#include "session/identify.h"
#include "session/owed.h"
#include "session/v2.h"

/* nsqd's /stats shows the numbers of the states. nsqd uses 1 and 2 for states that do not exist
 * here. */
enum session_state {
    SESSION_INIT = 0,
    SESSION_SUBSCRIBED = 3,
    SESSION_CLOSING = 4, /* after CLS */
};

/* How many messages the client has published to one topic. nsqd's /stats shows this number for each
 * topic. */
struct pub_count {
    UT_hash_handle hh; /* in session->pub_counts */
    struct name topic;
    uint64_t count;
};

/* The state of TLS. The state only changes to a later value in this list. */
enum session_tls {
    SESSION_TLS_NONE = 0,
    SESSION_TLS_WANTED,      /* negotiated by an IDENTIFY; the handshake begins after its reply */
    SESSION_TLS_HANDSHAKING, /* for at most V2_HANDSHAKE_NS; src/serve checks this deadline */
    SESSION_TLS_ENABLED,
};

/* The compression that an IDENTIFY has negotiated. */
struct upgrade {
    bool snappy;
    bool deflate;
    int deflate_level; /* the reply to IDENTIFY contains it even when deflate is off */
};

/* The client's own names from an IDENTIFY. nsqd's /stats shows them. The texts are stored after the
 * struct in the same allocation. The allocation has exactly the needed size, because there may be
 * thousands of idle clients. */
struct identity {
    struct span client_id;
    struct span hostname;
    struct span user_agent;
};

struct session {
    struct v2 *v2;
    struct conn *conn; /* NULL: the connection was closed while a PUB, MPUB or DPUB was held */
    enum session_state state;
    bool ended;        /* true: nothing more is parsed */
    bool linger;       /* argument for conn_finish, which is called after the last owed reply */
    bool eof;          /* the client sends nothing more; this is handled when no command is held */
    bool identified;   /* an IDENTIFY was accepted; a later one does not change the heartbeats */
    int64_t connected; /* wall clock, ns since 1970; nsqd's /stats shows it */
    struct identity *identity; /* NULL before IDENTIFY */

    /* Set by IDENTIFY. */
    int64_t heartbeat_interval; /* ns; for the read deadline; 0: no deadline */
    int64_t msg_timeout;        /* ns; for TOUCH. A delivery uses consumer.msg_timeout */
    /* A message may wait for the next one (departure 2 in tests/conformance/DEPARTURES.md), but not
     * longer than output_buffer_timeout, and not when output_buffer_size bytes wait. */
    int64_t output_buffer_timeout; /* ns; 0: no message waits */
    int64_t output_buffer_size;    /* bytes */
    int32_t sample_rate;           /* percent; 0: all messages */

    enum session_tls tls;
    struct upgrade upgrade; /* set by the last IDENTIFY */
    bool compressed;        /* snappy or deflate is enabled; it is never disabled */
    bool compressed_snappy; /* the compression that is enabled is snappy */
    size_t codec_cost;      /* bytes that TLS and compression have added to the memory budget */

    int64_t heartbeat_every; /* ns; 0: off. Only the first IDENTIFY sets it, as in nsqd */
    int64_t next_heartbeat;  /* ns; TIME_NEVER: no heartbeats */
    int64_t read_deadline;   /* ns; for the next command with its body; TIME_NEVER: none */

    struct consumer consumer;

    /* Input. */
    struct nsq_place place; /* parser state */
    struct buf partial;     /* a line or size that has arrived in part */
    size_t partial_cost;    /* this session's part of budget->held, bytes: memory of `partial` */

    /* Authorization. */
    struct body *secret;        /* the body of AUTH; NULL before AUTH */
    struct auth_state *granted; /* what the auth servers have allowed; NULL before their answer */
    int64_t expires;            /* ns; the last time at which `granted` is valid */
    struct auth_query *query;   /* the query of the held command; NULL: none */
    bool checking;              /* the check of the held command is not finished; its place is in
                                   `granted` */
    struct list waiting;        /* in v2->authorizing or v2->checking, while a command is held */
    struct list finishing;      /* in v2->finishing; see session_finish_input */

    struct owed_queue owed;
    bool sub_owed; /* the OK of SUB is owed; no message may be sent before this OK */

    /* The current command, from its line until it has been executed. */
    struct publish publish;         /* its topic is also the topic of a SUB */
    struct name channel;            /* SUB */
    struct draft draft;             /* the body that has not arrived completely */
    struct body *data;              /* IDENTIFY's or AUTH's body */
    struct identify_reader *reader; /* of the body of IDENTIFY; NULL: no byte of it has arrived */
    size_t reader_cost; /* this session's part of budget->held, bytes: memory of `reader` */

    struct pub_count *pub_counts; /* table by topic */
    uint64_t published;           /* messages to all topics */
    struct pub_count *last_count; /* the entry used last; most clients publish to one topic */
};

/* Returns true when the current command is held: it waits for the auth servers, or the check of
 * what they have allowed is not finished. Then nothing is parsed. */
static inline bool session_is_held(const struct session *session)
{
    return session->query != NULL || session->checking;
}

/* Returns the memory budget of the broker. */
static inline struct budget *session_budget(const struct session *session)
{
    return &session->v2->broker->core.budget;
}

/* --- session.c -------------------------------------------------------------------------------- */

/* The functions of v2_protocol; struct protocol describes when they are called. `service` is the
 * struct v2, and `session` is the struct session. */
void *session_on_open(void *service, struct conn *conn, int64_t now);
size_t session_on_recv(void *service, void *session, struct span in, int64_t now);
void session_on_eof(void *service, void *session, int64_t now);
void session_on_due(void *service, void *session, int64_t now);
void session_on_release(void *service, void *body);
void session_on_drained(void *service, void *session, int64_t now);
void session_on_closed(void *service, void *session, int64_t now);

/* Called when the current command is held. session->query or session->checking must be set. */
void session_wait(struct session *session);

/* Pauses the input of the connection when the state of the session requires a pause. If not,
 * resumes the input. */
void session_pause_or_resume(struct session *session);

/* Continues the current command, which was held. `reply` is its reply. If the kind of the reply is
 * REPLY_HELD, the command is held again. */
void session_resume_command(struct session *session, struct reply reply, int64_t now);

/* Called when the client sends nothing more and no command is held. If the work of the session's
 * own commands is done, ends the session. If not, adds the session to v2->finishing, and
 * v2_finish_inputs calls this function again. */
void session_finish_input(struct session *session, int64_t now);

/* Starts the read deadline for the next command line. */
void session_await_line(struct session *session, int64_t now);

/* Applies the session's settings to deliveries and heartbeats, and restarts the heartbeats. Must be
 * called only when the session opens and for the first IDENTIFY, because nsqd's message pump uses
 * only the first IDENTIFY. A later IDENTIFY sets session->msg_timeout, which TOUCH uses. A later
 * IDENTIFY does not set consumer.msg_timeout, which deliveries use. */
void session_take_settings(struct session *session, int64_t now);

/* Adds `count` to the number of messages that were published to session->publish.topic. Counts only
 * the first 4096 topics of a session. */
void session_count_published(struct session *session, uint64_t count);

/* Ends the session: nothing more is parsed or delivered. The connection is closed after the owed
 * replies were sent. `linger` is passed to conn_finish. `linger` must be true when unread input of
 * the client may be left. */
void session_end(struct session *session, bool linger, int64_t now);

/* Frees the session and everything that it owns. */
void session_free(struct session *session);

/* --- session_output.c ------------------------------------------------------------------------- */

/* Sends a frame of this type with this data. */
void session_send(struct session *session, enum nsq_frame_type type, struct span data, int64_t now);

/* Sends the response OK. */
void session_send_ok(struct session *session, int64_t now);

/* Blocks the delivery of messages to the client while the output is full, and while the OK of SUB
 * is owed. Otherwise unblocks the delivery. Does nothing before SUB. */
void session_update_blocked(struct session *session);

/* Returns true when the session's own commands have caused work that is not done yet. The function
 * is inline because it is called before every command. */
static inline bool session_has_own_work(const struct session *session)
{
    return session->publish.place.serial != 0 || consumer_can_receive(&session->consumer);
}

/* Does the work that the session's own commands have caused, while the current call has effort
 * left: moves the messages of its last publish to their channels, and delivers messages of the
 * session's channel until this session cannot receive another message. Returns true when all this
 * work is done. */
bool session_do_own_work(struct session *session, int64_t now);

/* Sends a reply, or adds it to the owed replies. The function owns the reply afterwards. Returns
 * false when the reply was a fatal error, which has ended the session. */
bool session_send_reply(struct session *session, struct reply reply, int64_t now);

/* Returns true at once for REPLY_NONE. Calls session_send_reply for any other reply. The function
 * is inline because the reply is REPLY_NONE after most parts of a command. */
static inline bool session_reply(struct session *session, struct reply reply, int64_t now)
{
    return reply.kind == REPLY_NONE || session_send_reply(session, reply, now);
}

/* --- session_codecs.c ------------------------------------------------------------------------- */

/* Starts TLS when an IDENTIFY has negotiated TLS. If not, enables the compression of
 * session->upgrade. */
void session_enable_codecs(struct session *session, int64_t now);

/* Called when the TLS handshake is over; v2_protocol contains this function. `why` is empty when
 * the handshake was successful. Otherwise `why` is the reason of the failure. */
void session_on_upgraded(void *service, void *session, struct span why, int64_t now);

/* --- session_auth.c --------------------------------------------------------------------------- */

/* Sends the client's secret to the auth servers and asks them what the client is allowed to do.
 * session->query is set until they have answered. */
void session_ask_auth(struct session *session, int64_t now);

/* Called when the auth servers have answered. Sets session->granted and session->expires from the
 * answer. Logs the reason and returns false when no server has given a valid answer. */
bool session_take_auth(struct session *session, int64_t now);

/* Drops session->query and the check, if there is one. The held command is then not executed. */
void session_drop_query(struct session *session);

/* Frees the secret, session->query and session->granted. */
void session_forget_auth(struct session *session);

#endif
