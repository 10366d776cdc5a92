/* SPDX-License-Identifier: MIT */
/*
 * Owns: the texts of errors that several commands have, as nsqd words them. They are on the wire:
 * clients match them. An error that one command alone has stands with that command.
 */
#ifndef SESSION_ERRORS_H
#define SESSION_ERRORS_H

#include "session/session.h"

/* "<COMMAND> <text>". The command is the session's current one, here and below. */
struct reply error_with(const struct session *s, enum nsq_error code, struct span text);

/* "<COMMAND> failed <reason>", in the command's own code. */
struct reply error_failed(const struct session *s, struct span reason);

/* The memory budget has no room for the command. nsqd has no such bound. */
struct reply error_no_room(const struct session *s);

/* "<COMMAND> <what><name> is not valid" */
struct reply error_bad_name(const struct session *s, enum nsq_error code, struct span what,
                            struct span name);

/* "<COMMAND> could not parse <what><bytes>" */
struct reply error_bad_decimal(const struct session *s, struct span what, struct span digits);

#endif
