/* SPDX-License-Identifier: MIT */
/*
 * The table of the commands and the states in which they are allowed. Passes the line and the body
 * of a command to the command's handlers. Must not know the actions of the commands: the handlers
 * are in the files that handlers.h names.
 */
#include "session/commands.h"

#include "base/text.h"
#include "session/handlers.h"

/* --- the table -------------------------------------------------------------------------------- */

#define IN(state) (1U << (state))
#define ANY (IN(SESSION_INIT) | IN(SESSION_SUBSCRIBED) | IN(SESSION_CLOSING))
#define CONSUMING (IN(SESSION_SUBSCRIBED) | IN(SESSION_CLOSING))

/* One row for each command. nsq_command_row has more facts about a command: its name, the number of
 * parameters that it needs and the kind of its body. */
struct row {
    unsigned states;       /* bits IN(state); in any other state the reply is E_INVALID */
    enum nsq_error failed; /* the code of "<COMMAND> failed ..." */
    line_handler *line;    /* NULL: every line is valid */
    body_handler *body;    /* NULL: the command has no body */
};

static const struct row rows[] = {
    [NSQ_UNKNOWN] = {ANY, NSQ_E_INVALID, line_unknown, NULL},
    [NSQ_IDENTIFY] = {IN(SESSION_INIT), NSQ_E_IDENTIFY_FAILED, NULL, body_identify},
    [NSQ_AUTH] = {IN(SESSION_INIT), NSQ_E_AUTH_ERROR, line_auth, body_auth},
    [NSQ_SUB] = {IN(SESSION_INIT), NSQ_E_SUB_FAILED, line_sub, NULL},
    [NSQ_PUB] = {ANY, NSQ_E_PUB_FAILED, line_pub, body_publish},
    [NSQ_MPUB] = {ANY, NSQ_E_MPUB_FAILED, line_mpub, body_publish},
    [NSQ_DPUB] = {ANY, NSQ_E_DPUB_FAILED, line_dpub, body_publish},
    [NSQ_RDY] = {CONSUMING, NSQ_E_INVALID, line_rdy, NULL},
    [NSQ_FIN] = {CONSUMING, NSQ_E_FIN_FAILED, line_fin, NULL},
    [NSQ_REQ] = {CONSUMING, NSQ_E_REQ_FAILED, line_req, NULL},
    [NSQ_TOUCH] = {CONSUMING, NSQ_E_TOUCH_FAILED, line_touch, NULL},
    [NSQ_CLS] = {IN(SESSION_SUBSCRIBED), NSQ_E_INVALID, line_cls, NULL},
    [NSQ_NOP] = {ANY, NSQ_E_INVALID, NULL, NULL},
};

_Static_assert(sizeof rows / sizeof rows[0] == NSQ_COMMAND_COUNT, "one row for each command");

enum nsq_error command_failed_code(enum nsq_command_id id)
{
    return rows[id].failed;
}

/* --- what several commands need --------------------------------------------------------------- */

bool has_params(const struct nsq_command *c)
{
    return c->params >= nsq_command_row(c->id)->least_params;
}

enum budget_use memory_use(const struct session *s)
{
    enum nsq_body_kind body = nsq_command_row(s->place.id)->body;
    return body == NSQ_BODY_MESSAGE || body == NSQ_BODY_MESSAGES ? BUDGET_QUEUE : BUDGET_CLIENT;
}

struct topic *command_topic(struct session *s)
{
    return broker_topic(s->v2->broker, name_span(&s->publish.topic), memory_use(s));
}

/* --- lines ------------------------------------------------------------------------------------ */

struct reply line_unknown(struct session *s, const struct nsq_command *c, int64_t now)
{
    (void)s;
    (void)now;
    struct reply reply = reply_error(NSQ_E_INVALID);
    text_append(reply.text, "invalid command ");
    buf_append(reply.text, c->name);
    return reply;
}

static struct reply not_in_this_state(const struct nsq_command *c, bool in_clear)
{
    struct reply reply = reply_error(NSQ_E_INVALID);
    text_append(reply.text, "cannot ");
    buf_append(reply.text, c->name);
    text_append(reply.text, " in current state");
    buf_append(reply.text, in_clear ? SPAN(" (TLS required)") : SPAN(""));
    return reply;
}

struct reply command_line(struct session *s, const struct nsq_command *c, int64_t now)
{
    const struct row *row = &rows[c->id];
    /* The parameters of AUTH are not logged: a client may have written its secret there by
     * mistake. */
    log_say(s->v2->log, LOG_DEBUG, "PROTOCOL(V2): [%] [%]", conn_peer(s->conn),
            c->id == NSQ_AUTH ? c->name : c->line);
    bool in_clear =
        s->v2->config.tls_required && s->tls != SESSION_TLS_ENABLED && c->id != NSQ_IDENTIFY;
    if (in_clear || (row->states & IN(s->state)) == 0) {
        return not_in_this_state(c, in_clear);
    }
    return row->line == NULL ? reply_of(REPLY_NONE) : row->line(s, c, now);
}

/* --- bodies ----------------------------------------------------------------------------------- */

/* Called when a body has arrived completely. Adds the body to the messages of a publish, or keeps
 * it as the data of IDENTIFY or AUTH. */
static void keep_body(struct session *s, int64_t now)
{
    struct body *body = draft_finish(&s->draft);
    if (nsq_command_row(s->place.id)->body == NSQ_BODY_DATA) {
        s->data = body;
        return;
    }
    broker_add_message(s->v2->broker, &s->publish, body, now + s->v2->wall_offset);
}

struct reply command_stage(struct session *s, const struct nsq_item *item, int64_t now)
{
    switch (item->stage) {
    case NSQ_STAGE_SIZE:
    case NSQ_STAGE_MESSAGE_SIZE:
        draft_begin(&s->draft, (uint32_t)item->value);
        return reply_of(REPLY_NONE);
    case NSQ_STAGE_BODY:
    case NSQ_STAGE_MESSAGE_BODY:
        break;
    default:
        return reply_of(REPLY_NONE);
    }
    if (!draft_add(&s->draft, &s->v2->broker->core.budget, memory_use(s), item->part)) {
        return error_no_room(s);
    }
    if (s->place.id == NSQ_IDENTIFY) {
        part_identify(s, item->part);
    }
    if (item->whole) {
        keep_body(s, now);
    }
    return item->last ? rows[s->place.id].body(s, now) : reply_of(REPLY_NONE);
}

void command_drop(struct session *s)
{
    struct budget *budget = &s->v2->broker->core.budget;
    draft_drop(&s->draft, budget);
    drop_reader(s);
    broker_discard(s->v2->broker, &s->publish.messages);
    s->publish.bytes = 0;
    if (s->data != NULL) {
        body_drop(s->data, budget);
        s->data = NULL;
    }
}
