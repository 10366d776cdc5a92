/* SPDX-License-Identifier: MIT */
/*
 * Owns: what the files of the commands tell each other: one handler a command, which the table in
 * commands.c names, and what several of them need. Nobody else includes this.
 *
 * commands_publish.c has PUB, MPUB and DPUB; commands_consume.c SUB, RDY, FIN, REQ, TOUCH and CLS;
 * commands_setup.c IDENTIFY, AUTH and what AUTH allows; errors.c the texts of errors.
 */
#ifndef SESSION_HANDLERS_H
#define SESSION_HANDLERS_H

#include "session/commands.h"
#include "session/errors.h"

/* Checks the line of a command; carries out the whole command when it has no body. */
typedef struct reply line_handler(struct session *s, const struct nsq_command *c, int64_t now);

/* Carries out a command whose body has arrived whole. */
typedef struct reply body_handler(struct session *s, int64_t now);

line_handler line_unknown, line_auth, line_sub, line_pub, line_mpub, line_dpub, line_rdy, line_fin,
    line_req, line_touch, line_cls;
body_handler body_identify, body_auth, body_publish;

/* Whether the line has as many parameters as its command needs. */
bool has_params(const struct nsq_command *c);

/* Milliseconds as nsqd turns them into ns: 64 bits that wrap, then a sign. */
static inline int64_t wrapped_ns(uint64_t ms)
{
    return (int64_t)(ms * TIME_MS);
}

/* What the current command needs memory for. */
enum budget_use memory_use(const struct session *s);

/* The topic of the current command, made when it is missing; NULL when there is no memory for it.
 */
struct topic *command_topic(struct session *s);

/* Whether the client may do the current command: REPLY_NONE, or an error; REPLY_HELD when what
 * was granted has expired, and is asked for anew. */
struct reply check_auth(struct session *s, int64_t now);

/* The rest of a command that was authorized only now. */
struct reply resume_sub(struct session *s, int64_t now);
struct reply resume_mpub(struct session *s);
struct reply resume_publish(struct session *s, int64_t now);

#endif
