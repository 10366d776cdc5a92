/* SPDX-License-Identifier: MIT */
/*
 * Owns: what each command does, and in which states it may: the command x state table of V2, which
 * commands.c opens with. handlers.h says in which file each command stands.
 */
#ifndef SESSION_COMMANDS_H
#define SESSION_COMMANDS_H

#include <nsq/command.h>

#include "session/reply.h"
#include "session/session.h"

/* A command line was read. */
struct reply command_line(struct session *session, const struct nsq_command *command, int64_t now);

/* The next stage of the current command was read: a size, a count, a piece of a body. */
struct reply command_stage(struct session *session, const struct nsq_item *item, int64_t now);

/* A stage was bad. Not for lines that are too long, which have no reply. */
struct reply command_bad(const struct session *session, const struct nsq_item *item);

/* The input ended inside the current command, after its line. */
struct reply command_cut_off(const struct session *session);

/* The code of the error "<COMMAND> failed ...". */
enum nsq_error command_failed_code(enum nsq_command_id id);

/* The auth servers have answered the query that the current command waited for. */
struct reply command_authorized(struct session *session, int64_t now);

/* Whether the current command is to be carried out although its client has left: its messages have
 * arrived whole, and they are not for the client alone. */
bool command_outlives_client(const struct session *session);

/* The error of a publishing command whose messages are not published after all; `why` as the disk
 * says it. */
struct reply command_not_published(enum nsq_command_id id, struct span why);

/* Gives up what the current command has gathered. */
void command_drop(struct session *session);

#endif
