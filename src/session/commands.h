/* SPDX-License-Identifier: MIT */
/*
 * Owns: the actions of each command, and the table that says in which states of a session each
 * command is allowed. The table is at the top of commands.c. handlers.h names the file of each
 * command. "The current command" is the command whose line or body was read last. A command is held
 * while its authorization is not decided.
 */
#ifndef SESSION_COMMANDS_H
#define SESSION_COMMANDS_H

#include <nsq/command.h>

#include "session/reply.h"
#include "session/session.h"

/* Handles a command line that was read. Returns the reply. */
struct reply command_line(struct session *session, const struct nsq_command *command, int64_t now);

/* Handles a part of the current command that follows its line: a size, a count, or a piece of a
 * body. Returns the reply. */
struct reply command_stage(struct session *session, const struct nsq_item *item, int64_t now);

/* Returns the error for an invalid part of the current command. Must not be called for a line that
 * is too long, because no reply is sent to that line. */
struct reply command_bad(const struct session *session, const struct nsq_item *item);

/* Returns the error for input that has ended after the line of the current command and before the
 * end of the body of that command. */
struct reply command_cut_off(const struct session *session);

/* Returns the code of the error "<COMMAND> failed ...". */
enum nsq_error command_failed_code(enum nsq_command_id id);

/* Continues the current command, which was held. If it has a query, the auth servers have answered
 * the query. Returns the reply. */
struct reply command_authorized(struct session *session, int64_t now);

/* Returns true when the current command must be executed although its client has closed the
 * connection. This is the case when the command is a PUB, MPUB or DPUB whose messages have arrived
 * completely. */
bool command_outlives_client(const struct session *session);

/* Returns the error of a PUB, MPUB or DPUB when the disk did not store its messages, or when their
 * topic was deleted. `why` is the reason. The text of the error contains the reason. */
struct reply command_not_published(enum nsq_command_id id, struct span why);

/* Frees the data of the current command: its messages and its body. */
void command_drop(struct session *session);

#endif
