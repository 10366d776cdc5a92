/* SPDX-License-Identifier: MIT */
/*
 * Asks about topics that are starting, makes their channels, and starts them. src/http sends the
 * requests. The log lines are those of nsqd.
 */
#include "peer/peer_channels.h"

#include <assert.h>

#include "base/alloc.h"
#include "base/text.h"
#include "peer/peer_answer.h"

#define WHY "failed to query nsqlookupd for channels to pre-create for topic % - %"

struct question;

struct request {
    struct question *question;
    struct http_fetch *fetch; /* NULL: it was answered */
};

struct question {
    struct list link; /* in channels->asking */
    struct name topic;
    uint64_t serial; /* of the topic, which may be deleted meanwhile */
    int64_t due;     /* the time at which the topic must start */
    size_t open;     /* requests that are not answered */
    size_t cost;     /* bytes that are charged for the question */
    size_t count;
    struct request requests[]; /* one for each peer that can be asked */
};

/* --- the end of a question -------------------------------------------------------------------- */

/* Returns the topic, or NULL when it was deleted. */
static struct topic *topic_of(const struct peer_channels *c, const struct question *q)
{
    struct topic *topic = broker_find_topic(c->broker, name_span(&q->topic));
    return topic != NULL && topic->serial == q->serial ? topic : NULL;
}

static void drop_request(struct peer_channels *c, struct request *request)
{
    if (request->fetch != NULL) {
        http_fetch_drop(request->fetch);
        request->fetch = NULL;
        request->question->open--;
        c->requests--;
    }
}

static void drop_question(struct peer_channels *c, struct question *q)
{
    for (size_t i = 0; i < q->count; i++) {
        drop_request(c, &q->requests[i]);
    }
    list_remove(&q->link);
    budget_release(&c->broker->core.budget, q->cost);
    alloc_free(q);
}

static void end_question(struct peer_channels *c, struct question *q, int64_t now)
{
    struct topic *topic = topic_of(c, q);
    if (topic != NULL) {
        topic_start(topic, now);
    }
    drop_question(c, q);
}

/* --- asking ----------------------------------------------------------------------------------- */

/* Appends "http://host:port/channels?topic=name". An IPv6 address gets brackets, as in Go. */
static void append_url(struct buf *out, const struct peer_info *info, struct span topic)
{
    struct span host = buf_span(&info->broadcast_address);
    bool brackets = memchr(host.p, ':', host.n) != NULL || memchr(host.p, '%', host.n) != NULL;
    struct buf query = {0};
    http_query_append(&query, SPAN("topic"), topic);
    buf_append(out, brackets ? SPAN("http://[") : SPAN("http://"));
    buf_append(out, host);
    buf_append(out, brackets ? SPAN("]:") : SPAN(":"));
    text_append_decimal(out, info->http_port);
    text_append(out, "/channels?");
    buf_append(out, buf_span(&query));
    buf_free(&query);
}

static void say_failed(const struct peer_channels *c, const struct question *q, struct span why)
{
    log_say(c->log, LOG_WARNING, WHY, name_span(&q->topic), why);
}

static void ask(struct peer_channels *c, struct question *q, const struct peer *peer, int64_t now)
{
    struct request *request = &q->requests[q->count];
    struct buf text = {0};
    struct http_url url = {0};
    struct span why = {NULL, 0};
    append_url(&text, &peer->info, name_span(&q->topic));
    log_say(c->log, LOG_INFO, "CI: querying nsqlookupd %", buf_span(&text));
    if (http_url_parse(&url, buf_span(&text), &why)) {
        *request = (struct request){.question = q};
        request->fetch = http_fetch_begin(&c->http, &url, request, now);
        q->count++;
        q->open++;
        c->requests++;
    } else {
        say_failed(c, q, why);
    }
    http_url_free(&url);
    buf_free(&text);
}

static bool can_be_asked(const struct peer *peer)
{
    return peer->info.broadcast_address.n > 0;
}

/* Begins the question about a topic. When nobody can be asked, the topic starts. */
static void begin_question(struct peer_channels *c, struct topic *topic, struct peer *const *peers,
                           size_t count, int64_t now)
{
    struct budget *budget = &c->broker->core.budget;
    struct question *q = alloc_zeroed(sizeof *q + count * sizeof q->requests[0]);
    list_remove(&topic->starting_link);
    *q = (struct question){.topic = topic->name,
                           .serial = topic->serial,
                           .due = topic->starts_by,
                           .cost = sizeof *q + count * sizeof q->requests[0] + ALLOC_OVERHEAD};
    budget_charge(budget, q->cost);
    list_init(&q->link);
    list_push(&c->asking, &q->link);
    size_t able = 0;
    for (size_t i = 0; i < count; i++) {
        if (can_be_asked(peers[i])) {
            ask(c, q, peers[i], now);
            able++;
        }
    }
    if (able == 0 && count > 0) {
        log_say(c->log, LOG_ERROR,
                "no available nsqlookupd to query for channels to pre-create for topic %",
                name_span(&topic->name));
    }
    if (q->open == 0) {
        end_question(c, q, now);
    }
}

/* --- answers ---------------------------------------------------------------------------------- */

static void make_channels(struct peer_channels *c, struct topic *topic, struct span names,
                          int64_t now)
{
    while (names.n > 0) {
        struct span name = peer_answer_next(&names);
        effort_use(&c->broker->core.effort, EFFORT_END);
        if (topic_channel(topic, name, now) == NULL) {
            log_say(c->log, LOG_WARNING, WHY, name_span(&topic->name), SPAN("no room"));
            return;
        }
    }
}

/* Makes the channels that an answer names. */
static void read_answer(struct peer_channels *c, const struct question *q,
                        const struct http_fetch *fetch, int64_t now)
{
    struct span failure = http_fetch_failure(fetch);
    struct span body = http_fetch_body(fetch);
    struct topic *topic = topic_of(c, q);
    struct buf names = {0};
    if (failure.n > 0) {
        say_failed(c, q, failure);
    } else if (http_fetch_status(fetch) != 200) {
        say_failed(c, q, SPAN("got another response than 200"));
    } else if (!peer_answer_read(body, PEER_CHANNELS_MAX, &names)) {
        say_failed(c, q, SPAN("bad JSON"));
    } else if (topic != NULL) {
        make_channels(c, topic, buf_span(&names), now);
    }
    effort_use(&c->broker->core.effort, EFFORT_REQUEST + body.n / EFFORT_JSON_BYTES);
    buf_free(&names);
}

static void take_answer(struct peer_channels *c, const struct http_fetch *fetch, int64_t now)
{
    struct request *request = http_fetch_owner(fetch);
    struct question *q = request->question;
    read_answer(c, q, fetch, now);
    drop_request(c, request);
    if (q->open == 0) {
        end_question(c, q, now);
    }
}

/* --- time ------------------------------------------------------------------------------------- */

static struct topic *oldest_starting(const struct peer_channels *c)
{
    const struct list *starting = &c->broker->core.starting_topics;
    return list_empty(starting) ? NULL : container_of(starting->next, struct topic, starting_link);
}

static struct question *oldest_question(const struct peer_channels *c)
{
    return list_empty(&c->asking) ? NULL : container_of(c->asking.next, struct question, link);
}

/* Notes when the topics that are new since the last step must start at the latest. */
static void note_new(struct peer_channels *c, int64_t now)
{
    int64_t timeout = c->config.request_timeout;
    int64_t until = timeout > 0 ? time_after(now, timeout) : TIME_NEVER;
    const struct list *starting = &c->broker->core.starting_topics;
    for (struct list *l = starting->prev; l != starting; l = l->prev) {
        struct topic *topic = container_of(l, struct topic, starting_link);
        if (topic->starts_by != 0) {
            return;
        }
        topic->starts_by = until;
    }
}

static void give_up_late(struct peer_channels *c, int64_t now)
{
    struct effort *effort = &c->broker->core.effort;
    struct question *q;
    struct topic *topic;
    while (effort_is_left(effort) && (q = oldest_question(c)) != NULL && q->due <= now) {
        say_failed(c, q, SPAN("timeout"));
        end_question(c, q, now);
        effort_use(effort, EFFORT_END);
    }
    while (effort_is_left(effort) && (topic = oldest_starting(c)) != NULL &&
           topic->starts_by <= now) {
        log_say(c->log, LOG_WARNING, WHY, name_span(&topic->name), SPAN("timeout"));
        topic_start(topic, now);
        effort_use(effort, EFFORT_END);
    }
}

static bool has_room(const struct peer_channels *c)
{
    return c->requests < PEER_REQUESTS_MAX;
}

void peer_channels_step(struct peer_channels *c, struct peer *const *peers, size_t count,
                        int64_t now)
{
    struct effort *effort = &c->broker->core.effort;
    const struct http_fetch *fetch;
    struct topic *topic;
    note_new(c, now);
    while (effort_is_left(effort) && (fetch = http_client_next_done(&c->http)) != NULL) {
        take_answer(c, fetch, now);
    }
    give_up_late(c, now);
    while (effort_is_left(effort) && has_room(c) && (topic = oldest_starting(c)) != NULL) {
        begin_question(c, topic, peers, count, now);
        effort_use(effort, EFFORT_REQUEST);
    }
}

int64_t peer_channels_next_deadline(const struct peer_channels *c)
{
    const struct topic *topic = oldest_starting(c);
    const struct question *q = oldest_question(c);
    const struct list *starting = &c->broker->core.starting_topics;
    if (http_client_next_done(&c->http) != NULL || (topic != NULL && has_room(c)) ||
        (topic != NULL &&
         container_of(starting->prev, struct topic, starting_link)->starts_by == 0)) {
        return TIME_PAST;
    }
    return time_earlier(q != NULL ? q->due : TIME_NEVER,
                        topic != NULL ? topic->starts_by : TIME_NEVER);
}

/* --- for the owner ---------------------------------------------------------------------------- */

void peer_channels_init(struct peer_channels *c, const struct peer_channels_config *config,
                        struct serve *serve, struct broker *broker, struct log *log)
{
    const struct http_client_config http = {.connect_timeout = config->connect_timeout,
                                            .request_timeout = config->request_timeout,
                                            .body_max = PEER_ANSWER_MAX,
                                            .accept = SPAN("application/vnd.nsq; version=1.0"),
                                            .tls = config->tls};
    *c = (struct peer_channels){.config = *config, .broker = broker, .log = log};
    http_client_init(&c->http, &http, serve, &broker->core.budget);
    list_init(&c->asking);
}

void peer_channels_free(struct peer_channels *c)
{
    struct question *q;
    while ((q = oldest_question(c)) != NULL) {
        drop_question(c, q);
    }
    assert(c->requests == 0);
}
