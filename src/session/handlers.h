/* SPDX-License-Identifier: MIT */
/*
 * Owns: the functions that the files of the commands share: the handlers that the table in
 * commands.c names, and the functions that several handlers need. Only the files below and
 * commands.c may include this header.
 *
 * commands_publish.c has PUB, MPUB and DPUB. commands_consume.c has SUB, RDY, FIN, REQ, TOUCH and
 * CLS. commands_setup.c has IDENTIFY and AUTH, and checks what AUTH allows. errors.c has the texts
 * of errors.
 */
#ifndef SESSION_HANDLERS_H
#define SESSION_HANDLERS_H

#include "session/commands.h"
#include "session/errors.h"

/* Checks the line of a command. When the command has no body, executes it too. */
typedef struct reply line_handler(struct session *s, const struct nsq_command *c, int64_t now);

/* Executes a command whose body has arrived completely. */
typedef struct reply body_handler(struct session *s, int64_t now);

line_handler line_unknown, line_auth, line_sub, line_pub, line_mpub, line_dpub, line_rdy, line_fin,
    line_req, line_touch, line_cls;
body_handler body_identify, body_auth, body_publish;

/* Returns whether a command has at least as many parameters as it needs. */
bool has_params(const struct nsq_command *c);

/* Converts ms to ns as nsqd does: the unsigned product wraps at 64 bits, and is then read as a
 * signed number. */
static inline int64_t wrapped_ns(uint64_t ms)
{
    return (int64_t)(ms * TIME_MS);
}

/* Returns the budget use of the current command: BUDGET_QUEUE when it publishes, else
 * BUDGET_CLIENT. */
enum budget_use memory_use(const struct session *s);

/* Returns the topic of the current command. Creates the topic when it does not exist. Returns NULL
 * when the memory budget has no room for it. */
struct topic *command_topic(struct session *s);

/* Checks whether the client is allowed to execute the current command. Returns REPLY_NONE when it
 * is allowed, and an error when it is not. Returns REPLY_HELD when the client's authorization has
 * expired: the auth servers have then been asked again. */
struct reply check_auth(struct session *s, int64_t now);

/* Executes SUB, after the client was authorized. */
struct reply resume_sub(struct session *s, int64_t now);

/* Creates the topic of an MPUB, after the client was authorized. */
struct reply resume_mpub(struct session *s);

/* Publishes the messages of a PUB, MPUB or DPUB, after the client was authorized. */
struct reply resume_publish(struct session *s, int64_t now);

#endif
