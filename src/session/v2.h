/* SPDX-License-Identifier: MIT */
/*
 * Owns: nsqd's V2 protocol: one session for each connection, and the delivery pump, which sends the
 * broker's messages to consumers. Must not know: sockets, clocks, the disk.
 *
 * Each layer calls the next one: conn (src/serve) -> session (src/session) -> commands
 * (session/commands.h) -> broker (src/broker).
 */
#ifndef SESSION_V2_H
#define SESSION_V2_H

#include <nsq/command.h>

#include "auth/auth.h"
#include "broker/broker.h"
#include "codec/codec.h"
#include "serve/serve.h"
#include "serve/ticket.h"

/* ns; time limit for the TLS handshake with a client, as in nsqd. */
#define V2_HANDSHAKE_NS 5000000000

#define V2_ORPHANS_A_CALL 64

/* Times are in ns. The comments name nsqd's default value, and then the flag that changes the
 * value. src/nsqd/options.c sets the default value of each flag. engine_defaults sets the values
 * that have no flag, and all values in tests. */
struct v2_config {
    struct nsq_limits limits;          /* --max-msg-size, --max-body-size */
    int64_t max_rdy_count;             /* 2500: --max-rdy-count */
    int64_t msg_timeout;               /* 60 s: --msg-timeout */
    int64_t max_msg_timeout;           /* 15 min: --max-msg-timeout */
    int64_t max_req_timeout;           /* 1 h: --max-req-timeout */
    int64_t heartbeat_interval;        /* 30 s; no flag */
    int64_t max_heartbeat_interval;    /* 60 s: --max-heartbeat-interval */
    int64_t output_buffer_timeout;     /* 250 ms: --output-buffer-timeout */
    int64_t min_output_buffer_timeout; /* 25 ms: --min-output-buffer-timeout */
    int64_t max_output_buffer_timeout; /* 30 s: --max-output-buffer-timeout */
    int64_t max_output_buffer_size;    /* 65536: --max-output-buffer-size */
    int64_t max_deflate_level;         /* 6: --max-deflate-level */
    bool deflate;                      /* true: --deflate */
    bool snappy;                       /* true: --snappy */
    bool tls_required;                 /* false: --tls-required */
    struct codec_maker tls;            /* none: --tls-cert, --tls-key */
    /* 4096; no flag. A reply is owed when it cannot be sent yet (session/owed.h). When a session
     * has this number of owed replies, its input is paused. Without this bound, a client that sends
     * commands faster than the disk answers could use up the memory. */
    size_t max_owed_replies;
};

/* The V2 service. All pointers are borrowed. */
struct v2 {
    struct v2_config config;
    struct serve *serve;
    struct broker *broker;
    struct tickets *tickets; /* the table of the engine */
    struct auth *auth;
    struct log *log;
    int64_t wall_offset;     /* ns; `now` + wall_offset is the wall clock, ns since 1970 */
    struct list authorizing; /* the sessions with a held command that waits for `auth` */
    struct list checking;  /* the sessions with a held command whose check of the permissions is not
                              finished */
    struct list finishing; /* the sessions whose clients send nothing more, but whose own work is
                              not done yet (session_finish_input) */
};

/* The functions that src/serve calls. The service is a struct v2. */
extern const struct protocol v2_protocol;

/* Returns the bytes of the error frame that is sent to a client with an unknown magic. */
struct span v2_bad_magic(void);

/* Initialises the service. The configuration is copied. All other arguments are borrowed. */
void v2_init(struct v2 *v2, const struct v2_config *config, struct serve *serve,
             struct broker *broker, struct tickets *tickets, struct auth *auth, struct log *log);

/* Frees the sessions whose connection is closed and whose PUB, MPUB or DPUB is still held. Must be
 * called after serve_free. */
void v2_free(struct v2 *v2);

/* Sends messages to consumers until there is no message for any ready consumer, or until the
 * current call has no effort left. Must be called after every event that may add a message or make
 * a consumer ready. These events are: a command, a timer of a message, output that was sent, the
 * disk's answer for a PUB, MPUB or DPUB. RDY counts and high-water marks limit how many messages
 * are sent. */
void v2_deliver(struct v2 *v2, int64_t now);
static inline void v2_pump(struct v2 *v2, int64_t now)
{
    if (broker_can_deliver(v2->broker)) {
        v2_deliver(v2, now);
    }
}

/* Reads the answers of auth servers, and continues the held commands that waited for them, while
 * the current call has effort left. */
void v2_authorize(struct v2 *v2, int64_t now);

/* Continues the held commands in v2->checking, while the current call has effort left. */
void v2_check(struct v2 *v2, int64_t now);

/* Closes the connections of some orphans, at most V2_ORPHANS_A_CALL. An orphan is a consumer whose
 * channel was deleted (broker/topology.h). As in nsqd, the client gets no frame with the reason. */
void v2_close_orphans(struct v2 *v2, int64_t now);

/* Continues the work of the sessions in v2->finishing, while the current call has effort left. */
void v2_finish_inputs(struct v2 *v2, int64_t now);

#endif
