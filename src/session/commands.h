/* SPDX-License-Identifier: MIT */
/*
 * Owns: what each command does, and in which states it may: the command x state table of V2, and
 * every error text.
 */
#ifndef SESSION_COMMANDS_H
#define SESSION_COMMANDS_H

#include <nsq/command.h>

#include "session/session.h"

/* What a step of a command came to. Texts are in v2->text. */
enum reply_kind {
    REPLY_NONE = 0, /* nothing to say (yet) */
    REPLY_OK,
    REPLY_TEXT,    /* a response */
    REPLY_UPGRADE, /* a response, behind which what session->upgrade says is put on */
    REPLY_ERROR,   /* an error; `code` in front of the text */
    REPLY_PENDING, /* said later, when a ticket is answered */
};

struct reply {
    enum reply_kind kind;
    enum nsq_error code;
};

/* A command line was read. */
struct reply command_line(struct session *session, const struct nsq_command *command, int64_t now);

/* The next stage of the command in hand was read: a size, a count, a piece of a body. */
struct reply command_stage(struct session *session, const struct nsq_item *item, int64_t now);

/* A stage was bad. Not for lines that are too long, which have no answer. */
struct reply command_bad(struct session *session, const struct nsq_item *item);

/* The input ended inside the command in hand, behind its line. */
struct reply command_cut_off(struct session *session);

/* A command goes on that has waited for the auth servers. */
struct reply command_authorized(struct session *session, int64_t now);

/* Whether the command in hand is to be carried out although its client has left: it was whole, and
 * what it does is not for the client alone. */
bool command_outlives_client(const struct session *session);

/* A pending command goes on. */
struct reply command_complete(struct session *session, enum ask_result result, int64_t now);

/* Gives up what the command in hand has gathered. */
void command_drop(struct session *session);

#endif
