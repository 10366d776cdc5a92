/* SPDX-License-Identifier: MIT */
/*
 * Checks sessions, owed replies and waiting publishes, and that the memory budget is the sum of all
 * costs.
 */
#include "memory_model_parts.h"

#include "engine_statsd.h"
#include "fuzz.h"
#include "session/session.h"

/* What v2.c charges for a session, and for each topic that the session published to. */
#define SESSION_COST                                                                               \
    (sizeof(struct session) + sizeof(struct conn) + 2 * ALLOC_OVERHEAD + SUBSCRIPTION_COST)
#define PUB_COUNT_COST (sizeof(struct pub_count) + ALLOC_OVERHEAD)
#define IDENTITY_COST (sizeof(struct identity) + ALLOC_OVERHEAD) /* and the size of its texts */

static void add_session(struct memory_model *model, const struct session *s, struct sums *sums)
{
    const struct identity *i = s->identity;
    sums->others += SESSION_COST;
    sums->others +=
        i == NULL ? 0 : IDENTITY_COST + i->client_id.n + i->hostname.n + i->user_agent.n;
    sums->others += HASH_COUNT(s->pub_counts) * PUB_COUNT_COST;
    size_t draft = s->draft.body == NULL ? 0 : body_cost(s->draft.cap);
    bool message = nsq_command_row(s->place.id)->body != NSQ_BODY_DATA;
    sums->drafts += message ? draft : 0;
    sums->asked += message ? 0 : draft;
    sums->asked += s->data == NULL ? 0 : body_cost(s->data->size);
    size_t n = 0;
    for (const struct message *m = s->publish.messages.first; m != NULL; m = m->next, n++) {
        FUZZ_CHECK(m->body->refs == 1 && m->attempts == 0);
        share_body(model, m->body, sums);
    }
    FUZZ_CHECK(n == s->publish.messages.n);
}

/* Checks the owed replies: the first one is not known yet, because otherwise it would be sent. */
static void add_owed(struct memory_model *model, const struct session *s, struct sums *sums)
{
    size_t n = 0;
    for (const struct owed *o = s->owed.first; o != NULL; o = o->next, n++) {
        bool known = o->ticket.number == 0;
        FUZZ_CHECK(known ? n > 0 && o->reply.kind != REPLY_NONE : o->reply.kind == REPLY_NONE);
        FUZZ_CHECK(o->next != NULL || s->owed.last == o);
        sums->others += owed_cost(o);
        model->owed_tickets += known ? 0 : 1;
    }
    FUZZ_CHECK(n == s->owed.n && n <= s->v2->config.max_owed_replies);
}

/* Messages that nobody can get any more; the next step frees them. */
static void add_garbage(struct memory_model *model, struct sums *sums)
{
    const struct queue *garbage = &model->engine->broker.core.garbage;
    for (const struct message *m = garbage->first; m != NULL; m = m->next) {
        sums->others += m == &m->body->first ? 0 : MESSAGE_COST;
        share_body(model, m->body, sums);
    }
}

void walk_waiting(struct memory_model *model, struct sums *sums)
{
    const struct engine *engine = model->engine;
    add_garbage(model, sums);
    for (const struct waiting_publish *w = engine->broker.waiting; w != NULL; w = w->hh.next) {
        sums->others += w->cost;
        for (const struct message *m = w->publish.messages.first; m != NULL; m = m->next) {
            FUZZ_CHECK(m->body->refs == 1 && m->attempts == 0);
            share_body(model, m->body, sums);
        }
    }
    sums->others += engine_statsd_cost(&engine->statsd);
    FUZZ_CHECK(HASH_COUNT(engine->tickets.table) <= HASH_COUNT(engine->broker.waiting));
}

static void check_session(const struct memory_model *model, unsigned conn, const struct session *s)
{
    const struct conn *c = conn_of(model, conn);
    bool subscribed = s->consumer.channel != NULL;
    FUZZ_CHECK(s->conn == c);
    FUZZ_CHECK(subscribed == (s->state != SESSION_INIT && !s->ended));
    FUZZ_CHECK((c->state == CONN_OPEN) == (!s->ended || s->owed.n > 0));
    FUZZ_CHECK(s->query == NULL && list_empty(&s->waiting)); /* nobody authorizes here */
    bool in_identify = s->place.id == NSQ_IDENTIFY && s->place.stage != NSQ_STAGE_LINE;
    bool pauses =
        s->ended || s->owed.n == s->v2->config.max_owed_replies || (in_identify && s->owed.n > 0);
    FUZZ_CHECK(c->state != CONN_OPEN || c->input_paused == pauses);
    FUZZ_CHECK(s->ended || !s->eof); /* a client that has ended its side is let go */
    FUZZ_CHECK(s->consumer.in_flight_count == (int64_t)model->conns[conn].in_flight);
    FUZZ_CHECK(s->state != SESSION_CLOSING || s->consumer.ready_count == 0);
}

/* At each delivery, a client has at most RDY messages in flight. It may lower RDY afterwards. */
static void check_ready(struct memory_model *model, const struct call *call, unsigned conn,
                        const struct session *s)
{
    struct model_conn *c = &model->conns[conn];
    int64_t ready = s->consumer.ready_count;
    if (s->state == SESSION_SUBSCRIBED && !s->ended) {
        /* "RDY" in the line may also be the name of a topic. */
        bool said = call->actor == conn && model->said_rdy.what == SAID_RDY;
        FUZZ_CHECK(ready == c->ready_count || (said && (model->said_rdy.id == ANY_COUNT ||
                                                        ready == (int64_t)model->said_rdy.id)));
    }
    int64_t most = ready > c->ready_count ? ready : c->ready_count;
    for (size_t i = 0; i < model->delivery_count; i++) {
        FUZZ_CHECK(model->deliveries[i].conn != conn || s->consumer.in_flight_count <= most);
    }
    c->ready_count = ready;
}

void walk_sessions(struct memory_model *model, const struct call *call, struct sums *sums)
{
    model->owed_tickets = 0;
    for (unsigned i = 0; i < model->conn_count; i++) {
        const struct session *s = model_session(model, i);
        if (s != NULL) {
            add_session(model, s, sums);
            add_owed(model, s, sums);
            check_session(model, i, s);
            check_ready(model, call, i, s);
        }
    }
}

void check_budget(const struct memory_model *model, const struct sums *sums)
{
    const struct budget *budget = &model->engine->broker.core.budget;
    const struct heap *timers = &model->engine->broker.core.timers;
    FUZZ_CHECK(sums->shares % BODY_PARTS == 0);
    size_t messages = sums->drafts + (size_t)(sums->shares / BODY_PARTS);
    size_t known = messages + sums->asked + sums->others;
    FUZZ_CHECK(budget->used >= known && budget->used - known <= sums->most_more);
    FUZZ_CHECK(messages <= budget_bound(budget, BUDGET_QUEUE));
    FUZZ_CHECK(messages + sums->asked <= budget_bound(budget, BUDGET_CLIENT));
    FUZZ_CHECK(timers->n == sums->timers);
    for (size_t i = 1; i < timers->n; i++) {
        FUZZ_CHECK(heap_at(timers, heap_parent(i))->key <= heap_at(timers, i)->key);
    }
}
