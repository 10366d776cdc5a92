/* SPDX-License-Identifier: MIT */
/*
 * Reads the request of a connection before it is complete, and compares the broker before and after
 * the call that may complete it. Must not know operations, the driver.
 */
#include "engine_web.h"

#include <nsq/name.h>

#include "fuzz.h"
#include "http/http_session.h"
#include "http/http_target.h"
#include "memory_model_parts.h"

static const struct http_session *session_of(const struct memory_model *model, unsigned conn)
{
    const struct conn *c = conn_of(model, conn);
    return c == NULL || c->protocol != &http_protocol ? NULL : c->session;
}

bool web_is_head(const struct memory_model *model, unsigned conn)
{
    const struct http_session *s = session_of(model, conn);
    return s != NULL && s->reader.head.has_line &&
           span_equal(http_reader_method(&s->reader), SPAN("HEAD"));
}

bool web_is_over(const struct memory_model *model, unsigned conn)
{
    const struct http_session *s = session_of(model, conn);
    return s == NULL || s->phase == HTTP_IS_OVER || s->conn->state != CONN_OPEN;
}

bool web_is_idle(const struct memory_model *model, unsigned conn)
{
    const struct http_session *s = session_of(model, conn);
    return s != NULL && s->phase == HTTP_IN_HEAD && !http_reader_has_begun(&s->reader);
}

/* --- changes ---------------------------------------------------------------------------------- */

/* Reads what the path says. Returns false if it is no change that drops messages. */
static bool read_path(struct span path, struct model_change *change)
{
    static const struct {
        struct span path;
        bool whole_topic, deleted;
    } rows[] = {
        {SPAN_LITERAL("/topic/delete"), true, true},
        {SPAN_LITERAL("/topic/empty"), true, false},
        {SPAN_LITERAL("/channel/delete"), false, true},
        {SPAN_LITERAL("/channel/empty"), false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (span_equal(path, rows[i].path)) {
            change->whole_topic = rows[i].whole_topic;
            change->deleted = rows[i].deleted;
            return true;
        }
    }
    return false;
}

static void read_query(struct web_plan *plan, struct span query)
{
    bool valid = http_query_valid(query) && http_query_find(query, SPAN("topic"), &plan->topic) &&
                 nsq_name_valid(buf_span(&plan->topic));
    if (valid && !plan->change.whole_topic) {
        valid = http_query_find(query, SPAN("channel"), &plan->channel) &&
                nsq_name_valid(buf_span(&plan->channel));
    }
    plan->any = valid;
    plan->change.topic = buf_span(&plan->topic);
    plan->change.channel = buf_span(&plan->channel);
}

static void read_request(struct web_plan *plan, const struct http_session *s)
{
    struct http_target target = {.has_query = false};
    if (s->reader.head.has_line && span_equal(http_reader_method(&s->reader), SPAN("POST")) &&
        http_target_parse(&target, http_reader_target(&s->reader), false) &&
        read_path(buf_span(&target.path), &plan->change)) {
        read_query(plan, target.query);
    }
    http_target_free(&target);
}

static const struct topic *topic_of(const struct web_plan *plan, const struct memory_model *model)
{
    return broker_find_topic(&model->engine->broker, plan->change.topic);
}

static const struct channel *channel_of(const struct web_plan *plan, const struct topic *topic)
{
    return topic == NULL || plan->change.whole_topic
               ? NULL
               : topic_find_channel(topic, plan->change.channel);
}

void web_plan(struct web_plan *plan, struct memory_model *model, unsigned conn)
{
    const struct http_session *s = session_of(model, conn);
    plan->any = false;
    plan->topic = plan->channel = (struct buf){0};
    if (s == NULL || model->full) {
        return;
    }
    read_request(plan, s);
    if (!plan->any) {
        return;
    }
    const struct topic *topic = topic_of(plan, model);
    const struct channel *channel = channel_of(plan, topic);
    plan->topic_serial = topic == NULL ? 0 : topic->serial;
    plan->channel_serial = channel == NULL ? 0 : channel->serial;
    memcpy(plan->channels, model->channels, sizeof plan->channels);
    memcpy(plan->topics, model->topics, sizeof plan->topics);
    model_change(model, &plan->change);
}

static bool is_empty(const struct channel *c)
{
    return c->queue.n == 0 && c->timed->in_flight.count == 0 && c->timed->deferred_count == 0;
}

/* Whether the change was made. When there was nothing to drop, it does not matter. */
static bool was_made(const struct web_plan *plan, const struct memory_model *model)
{
    const struct topic *topic = topic_of(plan, model);
    const struct channel *channel = channel_of(plan, topic);
    bool same_topic = topic != NULL && topic->serial == plan->topic_serial;
    bool same_channel = same_topic && channel != NULL && channel->serial == plan->channel_serial;
    if (plan->topic_serial == 0 || (!plan->change.whole_topic && plan->channel_serial == 0)) {
        return false;
    }
    if (plan->change.deleted) {
        return plan->change.whole_topic ? !same_topic : !same_channel;
    }
    return plan->change.whole_topic ? same_topic && topic->queue.n == 0
                                    : same_channel && is_empty(channel);
}

bool web_settle(struct web_plan *plan, struct memory_model *model)
{
    bool made = plan->any && was_made(plan, model);
    if (plan->any && !made) {
        memcpy(model->channels, plan->channels, sizeof plan->channels);
        memcpy(model->topics, plan->topics, sizeof plan->topics);
    }
    buf_free(&plan->topic);
    buf_free(&plan->channel);
    return made && plan->change.deleted;
}

/* --- the budget ------------------------------------------------------------------------------- */

/* What http_server.c charges for a connection. */
#define SESSION_COST (sizeof(struct http_session) + sizeof(struct conn) + 2 * ALLOC_OVERHEAD)
/* The most that an open request may have charged: a page of /stats, or a publish, whose messages
 * have at most REST_MAX bytes together. */
#define CALL_MOST 65536

/* Adds the costs of the nsqlookupds that PUT /config has named. */
static void add_peers(const struct engine *engine, struct sums *sums)
{
    for (size_t i = 0; i < engine->peers.count; i++) {
        sums->others += engine->peers.all[i]->cost;
    }
    if (engine->broker.core.changes.ring != NULL) {
        sums->others += CHANGES_MAX * sizeof(struct change) + ALLOC_OVERHEAD;
    }
}

void walk_web(struct memory_model *model, struct sums *sums)
{
    size_t waiting = HASH_COUNT(model->engine->tickets.table);
    size_t open = 0;
    for (unsigned i = 0; i < model->conn_count; i++) {
        const struct http_session *s = session_of(model, i);
        if (s != NULL) {
            sums->others += SESSION_COST;
            open += s->call.state != NULL || s->phase == HTTP_IN_STREAM;
            FUZZ_CHECK(s->phase != HTTP_IN_HEAD || s->call.state == NULL);
            FUZZ_CHECK((s->phase == HTTP_IN_STREAM) == (s->stream.end != NULL));
        }
    }
    sums->others += model->engine->web.api.lookupds.cost;
    add_peers(model->engine, sums);
    sums->most_more = open * CALL_MOST;
    FUZZ_CHECK(waiting >= model->owed_tickets && waiting - model->owed_tickets <= open);
}
