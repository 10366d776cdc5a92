/* SPDX-License-Identifier: MIT */
/*
 * Owns: the texts of errors that several commands send. Except for error_no_room, the texts are the
 * same as in nsqd, because clients compare them. The text of an error that only one command sends
 * is in that command's file.
 */
#ifndef SESSION_ERRORS_H
#define SESSION_ERRORS_H

#include "session/session.h"

/* Returns the error "<COMMAND> <text>". In this file, <COMMAND> is the name of the session's
 * current command. */
struct reply error_with(const struct session *s, enum nsq_error code, struct span text);

/* Returns the error "<COMMAND> failed <reason>" with the code of command_failed_code. */
struct reply error_failed(const struct session *s, struct span reason);

/* Returns the error for a command when the memory budget has no room for it. nsqd has no memory
 * budget, so nsqd never sends this error. */
struct reply error_no_room(const struct session *s);

/* Returns the error "<COMMAND> <what><name> is not valid", with the name in quotes. */
struct reply error_bad_name(const struct session *s, enum nsq_error code, struct span what,
                            struct span name);

/* Returns the error "<COMMAND> could not parse <what><digits>". */
struct reply error_bad_decimal(const struct session *s, struct span what, struct span digits);

#endif
