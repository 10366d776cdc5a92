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

/* An nsqlookupd as one that is asked. After its removal it lives until its requests are dropped. */
struct source {
    struct list link;        /* in channels->sources */
    const struct peer *peer; /* NULL: it was removed */
    struct list waiting;     /* of struct request, the oldest first: they are not sent yet */
    struct list open;        /* of struct request: they are sent, and not answered yet */
    size_t open_count;       /* length of `open` */
};

struct question;

/* One question to one source. A question has at most one request to each source. */
struct request {
    struct list link; /* in a list of the source; in none: it is done */
    struct question *question;
    struct source *source;
    struct http_fetch *fetch; /* NULL: it is not sent */
};

struct question {
    struct list link; /* in channels->asking */
    struct name topic;
    uint64_t serial; /* of the topic, which may be deleted meanwhile */
    int64_t due;     /* the time at which the topic must start */
    size_t left;     /* requests that are not done */
    size_t cost;     /* bytes that are charged for the question */
    size_t count;
    struct request requests[]; /* one for each source that can be asked */
};

/* --- the end of a question -------------------------------------------------------------------- */

/* Returns the topic, or NULL when it was deleted. */
static struct topic *topic_of(const struct peer_channels *c, const struct question *q)
{
    struct topic *topic = broker_find_topic(c->broker, name_span(&q->topic));
    return topic != NULL && topic->serial == q->serial ? topic : NULL;
}

static void drop_request(struct request *request)
{
    if (list_empty(&request->link)) {
        return;
    }
    list_remove(&request->link);
    request->question->left--;
    if (request->fetch != NULL) {
        http_fetch_drop(request->fetch);
        request->source->open_count--;
    }
}

static void drop_question(struct peer_channels *c, struct question *q)
{
    for (size_t i = 0; i < q->count; i++) {
        drop_request(&q->requests[i]);
    }
    list_remove(&q->link);
    c->cost -= q->cost;
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

/* The request was answered, or cannot be. */
static void end_request(struct peer_channels *c, struct request *request, int64_t now)
{
    struct question *q = request->question;
    drop_request(request);
    if (q->left == 0) {
        end_question(c, q, now);
    }
}

/* --- new questions ---------------------------------------------------------------------------- */

static bool can_be_asked(const struct source *source)
{
    return source->peer != NULL && source->peer->info.broadcast_address.n > 0;
}

static size_t cost_of(size_t requests)
{
    return sizeof(struct question) + requests * sizeof(struct request) + ALLOC_OVERHEAD;
}

/* Returns whether a question to all sources fits into the memory for questions. */
static bool has_room(const struct peer_channels *c)
{
    size_t most = c->broker->core.budget.cap / PEER_QUESTIONS_PART;
    return c->cost == 0 || c->cost + cost_of(c->source_count) <= most;
}

static struct question *question_new(struct peer_channels *c, const struct topic *topic,
                                     size_t count)
{
    struct question *q = alloc_zeroed(sizeof *q + count * sizeof q->requests[0]);
    *q = (struct question){.topic = topic->name,
                           .serial = topic->serial,
                           .due = topic->starts_by,
                           .cost = cost_of(count)};
    c->cost += q->cost;
    budget_charge(&c->broker->core.budget, q->cost);
    list_init(&q->link);
    list_push(&c->asking, &q->link);
    return q;
}

/* Begins the question about a topic. When nobody can be asked, the topic starts. */
static void begin_question(struct peer_channels *c, struct topic *topic, int64_t now)
{
    size_t able = 0;
    for (struct list *l = c->sources.next; l != &c->sources; l = l->next) {
        able += can_be_asked(container_of(l, struct source, link)) ? 1 : 0;
    }
    if (able == 0) {
        if (c->source_count > 0) {
            log_say(c->log, LOG_ERROR,
                    "no available nsqlookupd to query for channels to pre-create for topic %",
                    name_span(&topic->name));
        }
        topic_start(topic, now);
        return;
    }
    list_remove(&topic->starting_link);
    struct question *q = question_new(c, topic, able);
    for (struct list *l = c->sources.next; l != &c->sources; l = l->next) {
        struct source *source = container_of(l, struct source, link);
        if (can_be_asked(source)) {
            struct request *request = &q->requests[q->count++];
            *request = (struct request){.question = q, .source = source};
            list_init(&request->link);
            list_push(&source->waiting, &request->link);
            q->left++;
        }
    }
}

/* --- requests --------------------------------------------------------------------------------- */

/* Appends "http://host:port/channels?topic=name". A host with a colon gets brackets, as in Go. */
static void append_url(struct buf *out, const struct peer_info *info, struct span topic)
{
    struct span host = buf_span(&info->broadcast_address);
    bool brackets = memchr(host.p, ':', host.n) != NULL;
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

/* Sends a request to a URL. */
static void send_to(struct peer_channels *c, struct request *request, struct span text, int64_t now)
{
    struct source *source = request->source;
    struct http_url url = {0};
    struct span why = {NULL, 0};
    log_say(c->log, LOG_INFO, "CI: querying nsqlookupd %", text);
    if (http_url_parse(&url, text, &why)) {
        request->fetch = http_fetch_begin(&c->http, &url, request, now);
        list_remove(&request->link);
        list_push(&source->open, &request->link);
        source->open_count++;
    } else {
        say_failed(c, request->question, why);
        end_request(c, request, now);
    }
    http_url_free(&url);
}

/* Sends a request that waits, if it is still of use. */
static void ask(struct peer_channels *c, struct request *request, int64_t now)
{
    struct question *q = request->question;
    struct buf text = {0};
    if (topic_of(c, q) == NULL) {
        drop_question(c, q);
    } else if (!can_be_asked(request->source)) {
        say_failed(c, q, SPAN("no broadcast address"));
        end_request(c, request, now);
    } else {
        append_url(&text, &request->source->peer->info, name_span(&q->topic));
        send_to(c, request, buf_span(&text), now);
    }
    buf_free(&text);
}

/* --- sources ---------------------------------------------------------------------------------- */

static struct request *first_of(const struct list *requests)
{
    return list_empty(requests) ? NULL : container_of(requests->next, struct request, link);
}

/* Returns whether the source has something to do. */
static bool has_work(const struct peer_channels *c, const struct source *source)
{
    if (source->peer == NULL) {
        return true;
    }
    size_t share = PEER_REQUESTS_MAX / c->source_count; /* > 0, see peer_channels_add */
    return !list_empty(&source->waiting) && source->open_count < share;
}

static void free_source(struct source *source)
{
    assert(list_empty(&source->waiting) && list_empty(&source->open));
    list_remove(&source->link);
    alloc_free(source);
}

/* Sends requests while there is room. When the source was removed, drops its requests instead. */
static void go_on(struct peer_channels *c, struct source *source, int64_t now)
{
    struct effort *effort = &c->broker->core.effort;
    while (effort_is_left(effort) && has_work(c, source)) {
        struct request *waits = first_of(&source->waiting);
        struct request *request = waits != NULL ? waits : first_of(&source->open);
        if (request == NULL) {
            free_source(source);
            return;
        }
        if (source->peer == NULL) {
            end_request(c, request, now);
        } else {
            ask(c, request, now);
        }
        effort_use(effort, EFFORT_REQUEST);
    }
}

/* Drops the questions about topics that were deleted, as far as requests are sent. Their requests
 * would take the place of others. (The requests that wait are dropped when their turn comes.) */
static void drop_useless(struct peer_channels *c, struct source *source)
{
    struct list *next;
    for (struct list *l = source->open.next; l != &source->open; l = next) {
        struct question *q = container_of(l, struct request, link)->question;
        next = l->next; /* of another question, because this one has no other request here */
        if (topic_of(c, q) == NULL) {
            drop_question(c, q);
        }
    }
}

/* --- answers ---------------------------------------------------------------------------------- */

/* Makes a channel, or returns NULL if there is no room. */
static struct channel *channel_for(const struct peer_channels *c, struct topic *topic,
                                   struct span name, int64_t now)
{
    const struct budget *budget = &c->broker->core.budget;
    bool are_many = budget->names >= budget->names_most / PEER_NAMES_PART;
    return are_many ? topic_find_channel(topic, name) : topic_channel(topic, name, now);
}

static void make_channels(struct peer_channels *c, struct topic *topic, struct span names,
                          int64_t now)
{
    while (names.n > 0) {
        struct span name = peer_answer_next(&names);
        effort_use(&c->broker->core.effort, EFFORT_END);
        if (channel_for(c, topic, name, now) == NULL) {
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
    read_answer(c, request->question, fetch, now);
    end_request(c, request, now);
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
    int64_t until = time_after(now, timeout > 0 ? timeout : PEER_STARTING_MAX);
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
        if (topic_of(c, q) != NULL) {
            say_failed(c, q, SPAN("timeout"));
        }
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

/* Lets all sources go on. */
static void go_on_all(struct peer_channels *c, int64_t now)
{
    uint64_t last = c->broker->core.changes.last;
    struct list *next;
    for (struct list *l = c->sources.next; l != &c->sources; l = next) {
        struct source *source = container_of(l, struct source, link);
        next = l->next;
        if (c->seen != last) {
            drop_useless(c, source);
        }
        go_on(c, source, now);
    }
    c->seen = last;
}

void peer_channels_step(struct peer_channels *c, int64_t now)
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
        begin_question(c, topic, now);
        effort_use(effort, EFFORT_REQUEST);
    }
    go_on_all(c, now);
}

/* Returns whether a source has something to do, or may have useless requests. */
static bool sources_have_work(const struct peer_channels *c)
{
    bool work = c->seen != c->broker->core.changes.last && !list_empty(&c->asking);
    for (const struct list *l = c->sources.next; l != &c->sources && !work; l = l->next) {
        work = has_work(c, container_of(l, struct source, link));
    }
    return work;
}

int64_t peer_channels_next_deadline(const struct peer_channels *c)
{
    const struct topic *topic = oldest_starting(c);
    const struct question *q = oldest_question(c);
    const struct list *starting = &c->broker->core.starting_topics;
    if (http_client_next_done(&c->http) != NULL || sources_have_work(c) ||
        (topic != NULL && has_room(c)) ||
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
    list_init(&c->sources);
}

void peer_channels_add(struct peer_channels *c, const struct peer *peer)
{
    struct source *source = alloc_zeroed(sizeof *source);
    source->peer = peer;
    list_init(&source->link);
    list_init(&source->waiting);
    list_init(&source->open);
    list_push(&c->sources, &source->link);
    c->source_count++;
}

void peer_channels_remove(struct peer_channels *c, const struct peer *peer)
{
    for (struct list *l = c->sources.next; l != &c->sources; l = l->next) {
        struct source *source = container_of(l, struct source, link);
        if (source->peer == peer) {
            source->peer = NULL;
            c->source_count--;
            return;
        }
    }
}

void peer_channels_free(struct peer_channels *c)
{
    struct question *q;
    while ((q = oldest_question(c)) != NULL) {
        drop_question(c, q);
    }
    while (!list_empty(&c->sources)) {
        free_source(container_of(c->sources.next, struct source, link));
    }
    assert(c->cost == 0);
}
