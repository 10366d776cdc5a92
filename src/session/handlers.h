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

/* Checks the line of a command. When the command has no body, also executes the command. */
typedef struct reply line_handler(struct session *s, const struct nsq_command *c, int64_t now);

/* Executes a command whose body has arrived completely. */
typedef struct reply body_handler(struct session *s, int64_t now);

line_handler line_unknown, line_auth, line_sub, line_pub, line_mpub, line_dpub, line_rdy, line_fin,
    line_req, line_touch, line_cls;
body_handler body_identify, body_auth, body_publish;

/* Reads the next bytes of the body of an IDENTIFY. */
void part_identify(struct session *s, struct span part);

/* Frees s->reader. */
void drop_reader(struct session *s);

/* Returns true when a command has all the parameters that it needs. More parameters are allowed. */
bool has_params(const struct nsq_command *c);

/* Converts ms to ns as nsqd does: the product is unsigned and wraps at 64 bits. The product is then
 * read as a signed number. */
static inline int64_t wrapped_ns(uint64_t ms)
{
    return (int64_t)(ms * TIME_MS);
}

/* Returns which part of the memory budget the current command uses: BUDGET_QUEUE for a PUB, MPUB or
 * DPUB, otherwise BUDGET_CLIENT. */
enum budget_use memory_use(const struct session *s);

/* Returns the topic of the current command. Creates the topic when it does not exist. Returns NULL
 * when the memory budget has no room for the topic. */
struct topic *command_topic(struct session *s);

/* Checks whether the client is allowed to execute the current command. Returns REPLY_NONE when the
 * client is allowed to do this, and an error when it is not allowed. Returns REPLY_HELD in two
 * cases: the client's authorization has expired, so that the auth servers are asked again; or the
 * check needs more than one call. */
struct reply check_auth(struct session *s, int64_t now);

/* Executes SUB, after the client was authorized. */
struct reply resume_sub(struct session *s, int64_t now);

/* Creates the topic of an MPUB, after the client was authorized. */
struct reply resume_mpub(struct session *s);

/* Publishes the messages of a PUB, MPUB or DPUB, after the client was authorized. */
struct reply resume_publish(struct session *s, int64_t now);

#endif
