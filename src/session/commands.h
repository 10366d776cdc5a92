/* SPDX-License-Identifier: MIT */
/*
 * Owns: the actions of each command, and the table that says in which states of a session each
 * command is allowed. The table is at the top of commands.c. handlers.h says which file has which
 * command.
 * "The current command" is the command whose line or body was read last.
 */
#ifndef SESSION_COMMANDS_H
#define SESSION_COMMANDS_H

#include <nsq/command.h>

#include "session/reply.h"
#include "session/session.h"

/* Called when a command line was read. Returns the reply. */
struct reply command_line(struct session *session, const struct nsq_command *command, int64_t now);

/* Called when the next part of the current command was read: a size, a count, or a piece of a body.
 * Returns the reply. */
struct reply command_stage(struct session *session, const struct nsq_item *item, int64_t now);

/* Returns the error when a part of the current command was invalid. Must not be called for a line
 * that is too long: it has no reply. */
struct reply command_bad(const struct session *session, const struct nsq_item *item);

/* Returns the error when the input ended after the line of the current command and before the end
 * of its body. */
struct reply command_cut_off(const struct session *session);

/* Returns the code of the error "<COMMAND> failed ...". */
enum nsq_error command_failed_code(enum nsq_command_id id);

/* Called when the auth servers have answered the query that the current command waited for. Returns
 * the reply. */
struct reply command_authorized(struct session *session, int64_t now);

/* Returns whether the current command must be executed although its client has left. This is the
 * case when the command publishes and its messages have arrived completely. */
bool command_outlives_client(const struct session *session);

/* Returns the error of a command that publishes when the disk did not store its messages, or when
 * their topic was deleted. `why` is the reason; the error's text contains it. */
struct reply command_not_published(enum nsq_command_id id, struct span why);

/* Frees the data of the current command: its messages and its body. */
void command_drop(struct session *session);

#endif
