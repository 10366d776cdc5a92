/* SPDX-License-Identifier: MIT */
/*
 * Owns: what a step of a command replies, as a value with its text. Must not know: sessions,
 * connections, what the texts say.
 *
 * A reply is two machine words, and one without a text needs no memory: FIN and the OK of PUB cost
 * nothing here.
 */
#ifndef SESSION_REPLY_H
#define SESSION_REPLY_H

#include <nsq/command.h>
#include <nsq/error.h>

#include "base/buf.h"

enum reply_kind {
    REPLY_NONE = 0, /* nothing is sent: the command has no reply, or is not at its end yet */
    REPLY_OK,
    REPLY_RESPONSE, /* a response with a text */
    REPLY_CODECS,   /* the same; behind it the codecs of session->upgrade are enabled */
    REPLY_ERROR,    /* an error with a text; its code tells whether it is fatal */
    REPLY_POSTED,   /* known when `ticket` is answered; the session parses on */
    REPLY_HELD, /* known when session->query is answered; the session parses nothing until then */
};

struct reply {
    enum reply_kind kind;
    enum nsq_error code; /* REPLY_ERROR */
    union {
        struct buf *text; /* the frame's data; an error's begins with the code. Owned; or NULL */
        uint64_t ticket;  /* REPLY_POSTED */
    };
};

static inline struct reply reply_of(enum reply_kind kind)
{
    return (struct reply){.kind = kind, .code = NSQ_E_NONE, .text = NULL};
}

static inline bool reply_is_fatal(const struct reply *reply)
{
    return reply->kind == REPLY_ERROR && nsq_error_is_fatal(reply->code);
}

/* The reply of a publish that waits for the answer to this ticket. */
static inline struct reply reply_posted(uint64_t ticket)
{
    return (struct reply){.kind = REPLY_POSTED, .code = NSQ_E_NONE, .ticket = ticket};
}

/* A response whose text is still to be appended. */
struct reply reply_response(void);

/* An error whose text is so far its code and a space. */
struct reply reply_error(enum nsq_error code);

/* An error whose text is so far its code, the command's name, and a space behind each. */
struct reply reply_command_error(enum nsq_command_id command, enum nsq_error code);

/* Ends a reply. */
void reply_free(struct reply *reply);

#endif
