/* SPDX-License-Identifier: MIT */
/*
 * Owns: nsqd's V2 protocol as a service: one session for each connection, and the pump that takes
 * messages out of the broker and sends them. Must not know: sockets, clocks, the disk.
 *
 * Layers: conn (serve) -> session (here) -> commands (session/commands.h) -> broker.
 */
#ifndef SESSION_V2_H
#define SESSION_V2_H

#include <nsq/command.h>

#include "auth/auth.h"
#include "broker/broker.h"
#include "codec/codec.h"
#include "serve/serve.h"
#include "serve/ticket.h"

/* ns that TLS's handshake with a client may take, as in nsqd. */
#define V2_HANDSHAKE_NS 5000000000

/* Times are ns. Each comment has nsqd's default and the flag that sets the value. The defaults are
 * set by engine_defaults. */
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
    /* 4096, no flag: a session that owes so many replies is not read from. Stops a client that
     * sends commands faster than the disk answers from making us keep replies without end. */
    size_t max_owed_replies;
};

/* The service. Everything it points to is borrowed. */
struct v2 {
    struct v2_config config;
    struct serve *serve;
    struct broker *broker;
    struct tickets *tickets; /* the engine's */
    struct auth *auth;
    struct log *log;
    int64_t wall_offset;     /* wall clock = now + this */
    struct list authorizing; /* of struct session: held, the auth servers were asked */
};

/* The protocol's row for a listener whose service is a struct v2. */
extern const struct protocol v2_protocol;

/* The frame that is the answer to an unknown magic, as it stands on the wire. */
struct span v2_bad_magic(void);

void v2_init(struct v2 *v2, const struct v2_config *config, struct serve *serve,
             struct broker *broker, struct tickets *tickets, struct auth *auth, struct log *log);

/* Ends the sessions that have outlived their connections. To be called after serve_free. */
void v2_free(struct v2 *v2);

/* Sends every message that a consumer is ready for. To be called after everything that may have
 * made a consumer ready or brought a message: a command, a timer, output that was sent, a publish
 * that is safe. RDY counts and high-water marks bound how much that is. */
void v2_pump(struct v2 *v2, int64_t now);

/* Resumes the next command that was held and whose authorization has been answered. False: there is
 * none. */
bool v2_authorized(struct v2 *v2, int64_t now);

/* Closes the connections of consumers whose channels were deleted. As in nsqd, no frame tells them
 * why. */
void v2_close_orphans(struct v2 *v2, int64_t now);

#endif
