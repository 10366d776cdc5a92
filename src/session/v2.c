/* SPDX-License-Identifier: MIT */
/*
 * The V2 service: the functions that src/serve calls, and the commands that wait for an
 * authorization. Must not know the parts of a session (session.c).
 */
#include "session/v2.h"

#include "session/commands.h"
#include "session/session.h"

const struct protocol v2_protocol = {
    .open = session_on_open,
    .recv = session_on_recv,
    .eof = session_on_eof,
    .due = session_on_due,
    .upgraded = session_on_upgraded,
    .release = session_on_release,
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
             struct broker *broker, struct tickets *tickets, struct auth *auth, struct log *log)
{
    *v2 = (struct v2){.config = *config,
                      .serve = serve,
                      .broker = broker,
                      .tickets = tickets,
                      .auth = auth,
                      .log = log};
    list_init(&v2->authorizing);
    list_init(&v2->checking);
    list_init(&v2->finishing);
}

static void free_held(struct list *held)
{
    while (!list_empty(held)) {
        session_free(container_of(held->next, struct session, waiting));
    }
}

void v2_free(struct v2 *v2)
{
    free_held(&v2->authorizing);
    free_held(&v2->checking);
}

/* --- held commands ---------------------------------------------------------------------------- */

static void resume(struct session *s, int64_t now)
{
    list_remove(&s->waiting);
    effort_use(&s->v2->broker->core.effort, EFFORT_AUTHORIZED);
    session_resume_command(s, command_authorized(s, now), now);
}

void v2_authorize(struct v2 *v2, int64_t now)
{
    const struct effort *effort = &v2->broker->core.effort;
    struct auth_query *query;
    while (effort_is_left(effort) && (query = auth_next_done(v2->auth, now)) != NULL) {
        resume(auth_owner(query), now);
    }
}

void v2_check(struct v2 *v2, int64_t now)
{
    while (effort_is_left(&v2->broker->core.effort) && !list_empty(&v2->checking)) {
        resume(container_of(v2->checking.next, struct session, waiting), now);
    }
}

/* --- other work that is left ------------------------------------------------------------------ */

void v2_close_orphans(struct v2 *v2, int64_t now)
{
    const struct consumer *orphan;
    for (int i = 0; i < V2_ORPHANS_A_CALL && (orphan = broker_next_orphan(v2->broker)) != NULL;
         i++) {
        struct session *s = orphan->owner;
        list_remove(&s->waiting); /* a held command is not executed */
        session_forget_auth(s);
        session_end(s, true, now);
    }
}

void v2_finish_inputs(struct v2 *v2, int64_t now)
{
    while (!list_empty(&v2->finishing) && effort_is_left(&v2->broker->core.effort)) {
        session_finish_input(container_of(v2->finishing.next, struct session, finishing), now);
    }
}
