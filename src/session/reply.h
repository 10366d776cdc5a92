/* SPDX-License-Identifier: MIT */
/*
 * Owns: the reply of a command. The struct has two machine words, and only the text of a reply is
 * allocated. So a reply without a text, for example the OK of a PUB, allocates nothing.
 * Must not know: sessions, connections, the meaning of the texts.
 *
 * A PUB, MPUB or DPUB may have to wait for the disk. Then its reply has the kind REPLY_POSTED. The
 * number `ticket` identifies the request to the disk. Such a reply is owed (session/owed.h). A
 * command is held while its authorization is not decided.
 */
#ifndef SESSION_REPLY_H
#define SESSION_REPLY_H

#include <nsq/command.h>
#include <nsq/error.h>

#include "base/buf.h"

enum reply_kind {
    REPLY_NONE = 0, /* nothing is sent: the command has no reply, or has not arrived completely */
    REPLY_OK,
    REPLY_RESPONSE, /* a response with a text */
    REPLY_CODECS,   /* a response with a text; the negotiated codecs are enabled after it is sent */
    REPLY_ERROR,    /* an error with a text; its code says whether it is fatal */
    REPLY_POSTED,   /* not known until `ticket` is answered; parsing continues */
    REPLY_HELD,     /* not known until a later call, for example until session->query is answered;
                     * parsing stops */
};

struct reply {
    enum reply_kind kind;
    enum nsq_error code; /* REPLY_ERROR */
    union {
        struct buf *text; /* owned; NULL: no text. The text of an error begins with its code */
        uint64_t ticket;  /* REPLY_POSTED */
    };
};

/* Returns a reply without a text. */
static inline struct reply reply_of(enum reply_kind kind)
{
    return (struct reply){.kind = kind, .code = NSQ_E_NONE, .text = NULL};
}

/* Returns whether the reply is an error that closes the connection. */
static inline bool reply_is_fatal(const struct reply *reply)
{
    return reply->kind == REPLY_ERROR && nsq_error_is_fatal(reply->code);
}

/* Returns the reply of a PUB, MPUB or DPUB that waits for the answer to this ticket. */
static inline struct reply reply_posted(uint64_t ticket)
{
    return (struct reply){.kind = REPLY_POSTED, .code = NSQ_E_NONE, .ticket = ticket};
}

/* Returns a response with an empty text. The caller appends the text. */
struct reply reply_response(void);

/* Returns an error whose text is its code and a space. The caller appends the rest. */
struct reply reply_error(enum nsq_error code);

/* Returns an error whose text is its code, a space, the command's name and a space. The caller
 * appends the rest. */
struct reply reply_command_error(enum nsq_command_id command, enum nsq_error code);

/* Frees the text of a reply. */
void reply_free(struct reply *reply);

#endif
