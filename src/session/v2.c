/* SPDX-License-Identifier: MIT */
/*
 * V2 as a service: its row in a listener's table, its beginning and end, and the tickets of
 * commands that wait for the shell. Must not know what a conversation is made of (session.c).
 */
#include "session/v2.h"

#include <nsq/magic.h>

#include "session/commands.h"
#include "session/session.h"

const struct protocol v2_protocol = {
    .magic = SPAN_LITERAL(NSQ_MAGIC_V2),
    .open = session_on_open,
    .recv = session_on_recv,
    .eof = session_on_eof,
    .due = session_on_due,
    .upgraded = session_on_upgraded,
    .drained = session_on_drained,
    .closed = session_on_closed,
};

struct span v2_bad_magic(void)
{
    return SPAN("\0\0\0\x12\0\0\0\x01"
                "E_BAD_PROTOCOL");
}

/* --- the service ------------------------------------------------------------------------------ */

void v2_init(struct v2 *v2, const struct v2_config *config, struct serve *serve,
             struct broker *broker, struct auth *auth, struct log *log)
{
    *v2 =
        (struct v2){.config = *config, .serve = serve, .broker = broker, .auth = auth, .log = log};
    list_init(&v2->to_ask);
    list_init(&v2->asked);
    list_init(&v2->authorizing);
}

static void free_orphans(struct list *waiting)
{
    while (!list_empty(waiting)) {
        session_free(container_of(waiting->next, struct session, waiting));
    }
}

void v2_free(struct v2 *v2)
{
    free_orphans(&v2->to_ask);
    free_orphans(&v2->asked);
    free_orphans(&v2->authorizing);
}

uint64_t v2_next_ticket(struct v2 *v2)
{
    if (list_empty(&v2->to_ask)) {
        return 0;
    }
    struct session *s = container_of(v2->to_ask.next, struct session, waiting);
    list_remove(&s->waiting);
    list_push(&v2->asked, &s->waiting);
    return s->ticket;
}

/* Answers mostly come in the order of the asks, so the search is short. */
static struct session *find_asked(const struct v2 *v2, uint64_t ticket)
{
    for (struct list *l = v2->asked.next; l != &v2->asked; l = l->next) {
        struct session *s = container_of(l, struct session, waiting);
        if (s->ticket == ticket) {
            return s;
        }
    }
    return NULL;
}

void v2_answer(struct v2 *v2, uint64_t ticket, const struct answer *answer, int64_t now)
{
    struct session *s = find_asked(v2, ticket);
    if (s == NULL) {
        return;
    }
    list_remove(&s->waiting);
    s->ticket = 0;
    session_resume_command(s, command_complete(s, answer, now), now);
}

bool v2_authorized(struct v2 *v2, int64_t now)
{
    struct auth_query *query = auth_next_done(v2->auth, now);
    if (query == NULL) {
        return false;
    }
    struct session *s = auth_owner(query);
    list_remove(&s->waiting);
    session_resume_command(s, command_authorized(s, now), now);
    return true;
}
