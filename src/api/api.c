/* SPDX-License-Identifier: MIT */
/*
 * The table of routes, and the handlers that answer at once. Must not know how messages are
 * published (api_publish.c), connections, clocks.
 */
#include "api/api.h"

#include <nsq/name.h>

#include "base/alloc.h"
#include "http/http_target.h"
#include "json/writer.h"

/* --- answers ---------------------------------------------------------------------------------- */

void api_answer_ok(struct http_call *call, struct span text, int64_t now)
{
    const struct http_answer answer = {
        .status = 200, .headers = SPAN(API_HEADERS), .sniffs = true, .body = text};
    http_call_answer(call, &answer, now);
}

static void ping(void *service, struct http_call *call, int64_t now)
{
    (void)service;
    http_call_answer(call, &(struct http_answer){.status = 200, .sniffs = true, .body = SPAN("OK")},
                     now);
}

static void info(void *service, struct http_call *call, int64_t now)
{
    const struct api *api = service;
    const struct api_config *c = &api->config;
    struct buf body = {0};
    struct json_writer w = json_writer(&body, JSON_GO);
    json_open_object(&w);
    json_member_string(&w, "version", c->version);
    json_member_string(&w, "broadcast_address", c->broadcast_address);
    json_member_string(&w, "hostname", c->hostname);
    json_member_integer(&w, "http_port", c->http_port);
    json_member_integer(&w, "tcp_port", c->tcp_port);
    json_member_integer(&w, "start_time", c->start_time);
    json_member_integer(&w, "max_heartbeat_interval", c->max_heartbeat_interval);
    json_member_integer(&w, "max_output_buffer_size", c->max_output_buffer_size);
    json_member_integer(&w, "max_output_buffer_timeout", c->max_output_buffer_timeout);
    json_member_integer(&w, "max_deflate_level", c->max_deflate_level);
    json_close_object(&w);
    const struct http_answer answer = {
        .status = 200, .headers = SPAN(API_HEADERS_JSON), .body = buf_span(&body)};
    http_call_answer(call, &answer, now);
    buf_free(&body);
}

/* --- topics and channels ---------------------------------------------------------------------- */

bool api_check_query(struct api *api, struct http_call *call, int64_t now)
{
    if (http_query_valid(call->query)) {
        return true;
    }
    log_say(api->log, LOG_ERROR, "failed to parse request params - invalid query", SPAN(""));
    http_call_message(call, 400, SPAN("INVALID_REQUEST"), now);
    return false;
}

struct topic *api_make_topic(struct api *api, struct http_call *call, enum budget_use use,
                             int64_t now)
{
    struct buf name = {0};
    struct topic *topic = NULL;
    if (!api_check_query(api, call, now)) {
        return NULL;
    }
    if (!http_query_find(call->query, SPAN("topic"), &name)) {
        http_call_message(call, 400, SPAN("MISSING_ARG_TOPIC"), now);
    } else if (!nsq_name_valid(buf_span(&name))) {
        http_call_message(call, 400, SPAN("INVALID_TOPIC"), now);
    } else {
        topic = broker_topic(api->broker, buf_span(&name), use);
        if (topic == NULL) {
            http_call_message(call, 503, SPAN("NO_MEMORY"), now);
        }
    }
    buf_free(&name);
    return topic;
}

/* A change of topics and channels that waits for the disk. */
struct api_change {
    struct http_call *call;
    struct ticket ticket;
};

#define CHANGE_COST (sizeof(struct api_change) + ALLOC_OVERHEAD)

static void change_answered(struct ticket *ticket, struct span why, int64_t now)
{
    struct api_change *change = container_of(ticket, struct api_change, ticket);
    if (why.n > 0) {
        http_call_message(change->call, 500, SPAN("INTERNAL_ERROR"), now);
    } else {
        api_answer_ok(change->call, SPAN(""), now);
    }
}

static void drop_change(void *service, struct http_call *call)
{
    struct api *api = service;
    struct api_change *change = call->state;
    tickets_forget(api->tickets, &change->ticket);
    budget_release(&api->broker->core.budget, CHANGE_COST);
    alloc_free(change);
}

/* The change is made. Answers when the disk has stored it. */
static void answer_change(struct api *api, struct http_call *call, int64_t now)
{
    uint64_t ticket = broker_note_change(api->broker);
    if (ticket == 0) {
        api_answer_ok(call, SPAN(""), now);
        return;
    }
    struct api_change *change = alloc_zeroed(sizeof *change);
    budget_charge(&api->broker->core.budget, CHANGE_COST);
    change->call = call;
    call->state = change;
    http_call_hold(call);
    tickets_wait(api->tickets, &change->ticket, ticket, change_answered);
}

static void create_topic(void *service, struct http_call *call, int64_t now)
{
    if (api_make_topic(service, call, BUDGET_CLIENT, now) != NULL) {
        answer_change(service, call, now);
    }
}

/* The names in a query. */
struct names {
    struct buf topic;
    struct buf channel;
};

static void free_names(struct names *names)
{
    buf_free(&names->topic);
    buf_free(&names->channel);
}

/* Reads the topic. Returns the error, or an empty span. `validates`: nsqd checks the name. */
static struct span find_topic_name(struct span query, struct names *names, bool validates)
{
    if (!http_query_find(query, SPAN("topic"), &names->topic)) {
        return SPAN("MISSING_ARG_TOPIC");
    }
    return validates && !nsq_name_valid(buf_span(&names->topic)) ? SPAN("INVALID_TOPIC") : SPAN("");
}

static struct span find_names(struct span query, struct names *names)
{
    if (!http_query_find(query, SPAN("topic"), &names->topic)) {
        return SPAN("MISSING_ARG_TOPIC");
    }
    if (!nsq_name_valid(buf_span(&names->topic))) {
        return SPAN("INVALID_ARG_TOPIC");
    }
    if (!http_query_find(query, SPAN("channel"), &names->channel)) {
        return SPAN("MISSING_ARG_CHANNEL");
    }
    return nsq_name_valid(buf_span(&names->channel)) ? SPAN("") : SPAN("INVALID_ARG_CHANNEL");
}

static void answer_result(struct api *api, struct http_call *call, enum topology_result result,
                          int64_t now)
{
    switch (result) {
    case TOPOLOGY_NO_TOPIC:
        http_call_message(call, 404, SPAN("TOPIC_NOT_FOUND"), now);
        break;
    case TOPOLOGY_NO_CHANNEL:
        http_call_message(call, 404, SPAN("CHANNEL_NOT_FOUND"), now);
        break;
    default:
        answer_change(api, call, now);
    }
}

enum operation { OP_DELETE, OP_EMPTY, OP_PAUSE, OP_UNPAUSE };

static enum topology_result change_topic(struct broker *broker, enum operation op, struct span name,
                                         int64_t now)
{
    if (!nsq_name_valid(name)) {
        return TOPOLOGY_NO_TOPIC;
    }
    switch (op) {
    case OP_DELETE:
        return broker_delete_topic(broker, name);
    case OP_EMPTY:
        return broker_empty_topic(broker, name);
    default:
        return broker_pause_topic(broker, name, op == OP_PAUSE, now);
    }
}

static enum topology_result change_channel(struct broker *broker, enum operation op,
                                           const struct names *names)
{
    struct span topic = buf_span(&names->topic);
    struct span channel = buf_span(&names->channel);
    switch (op) {
    case OP_DELETE:
        return broker_delete_channel(broker, topic, channel);
    case OP_EMPTY:
        return broker_empty_channel(broker, topic, channel);
    default:
        return broker_pause_channel(broker, topic, channel, op == OP_PAUSE);
    }
}

/* Only /topic/empty checks the name of the topic. */
static void on_topic(struct api *api, struct http_call *call, enum operation op, bool broken,
                     int64_t now)
{
    struct names names = {0};
    if (broken) {
        http_call_message(call, 400, SPAN("INVALID_REQUEST"), now);
    } else if (api_check_query(api, call, now)) {
        struct span error = find_topic_name(call->query, &names, op == OP_EMPTY);
        if (error.n > 0) {
            http_call_message(call, 400, error, now);
        } else {
            answer_result(api, call, change_topic(api->broker, op, buf_span(&names.topic), now),
                          now);
        }
    }
    free_names(&names);
}

static void on_channel(struct api *api, struct http_call *call, enum operation op, bool broken,
                       int64_t now)
{
    struct names names = {0};
    if (broken) {
        http_call_message(call, 400, SPAN("INVALID_REQUEST"), now);
    } else if (api_check_query(api, call, now)) {
        struct span error = find_names(call->query, &names);
        if (error.n > 0) {
            http_call_message(call, 400, error, now);
        } else {
            answer_result(api, call, change_channel(api->broker, op, &names), now);
        }
    }
    free_names(&names);
}

static void make_channel(struct api *api, struct http_call *call, const struct names *names,
                         int64_t now)
{
    struct topic *topic = broker_find_topic(api->broker, buf_span(&names->topic));
    if (topic == NULL) {
        answer_result(api, call, TOPOLOGY_NO_TOPIC, now);
    } else if (topic_channel(topic, buf_span(&names->channel), now) == NULL) {
        http_call_message(call, 503, SPAN("NO_MEMORY"), now);
    } else {
        answer_change(api, call, now);
    }
}

static void create_channel(void *service, struct http_call *call, bool broken, int64_t now)
{
    struct names names = {0};
    if (broken) {
        http_call_message(call, 400, SPAN("INVALID_REQUEST"), now);
    } else if (api_check_query(service, call, now)) {
        struct span error = find_names(call->query, &names);
        if (error.n > 0) {
            http_call_message(call, 400, error, now);
        } else {
            make_channel(service, call, &names, now);
        }
    }
    free_names(&names);
}

/* --- the table -------------------------------------------------------------------------------- */

#define CHANGE(name, target, op)                                                                   \
    static void name(void *service, struct http_call *call, bool broken, int64_t now)              \
    {                                                                                              \
        target(service, call, op, broken, now);                                                    \
    }
CHANGE(delete_topic, on_topic, OP_DELETE)
CHANGE(empty_topic, on_topic, OP_EMPTY)
CHANGE(pause_topic, on_topic, OP_PAUSE)
CHANGE(unpause_topic, on_topic, OP_UNPAUSE)
CHANGE(delete_channel, on_channel, OP_DELETE)
CHANGE(empty_channel, on_channel, OP_EMPTY)
CHANGE(pause_channel, on_channel, OP_PAUSE)
CHANGE(unpause_channel, on_channel, OP_UNPAUSE)

/* A route that answers when the head is there, and one that answers when the body is there. */
#define AT_HEAD(method_, path_, begin_)                                                            \
    {                                                                                              \
        .method = SPAN_LITERAL(method_), .path = SPAN_LITERAL(path_), .logged = true,              \
        .begin = (begin_), .drop = drop_change                                                     \
    }
#define AT_END(method_, path_, end_)                                                               \
    {                                                                                              \
        .method = SPAN_LITERAL(method_), .path = SPAN_LITERAL(path_), .logged = true,              \
        .body = HTTP_BODY_SKIPPED, .end = (end_), .drop = drop_change                              \
    }
/* nsqd does not log publishes. */
#define PUBLISH(path_, begin_)                                                                     \
    {                                                                                              \
        .method = SPAN_LITERAL("POST"), .path = SPAN_LITERAL(path_), .body = HTTP_BODY_PIECES,     \
        .begin = (begin_), .piece = api_publish_piece, .end = api_publish_end,                     \
        .drop = api_publish_drop                                                                   \
    }

static const struct http_route routes[] = {
    AT_HEAD("GET", "/ping", ping),
    AT_HEAD("GET", "/info", info),
    PUBLISH("/pub", api_pub_begin),
    PUBLISH("/mpub", api_mpub_begin),
    AT_END("GET", "/stats", api_stats_end),
    AT_END("GET", "/metrics", api_metrics_end), /* nsqd does not have it */
    AT_HEAD("POST", "/topic/create", create_topic),
    AT_END("POST", "/topic/delete", delete_topic),
    AT_END("POST", "/topic/empty", empty_topic),
    AT_END("POST", "/topic/pause", pause_topic),
    AT_END("POST", "/topic/unpause", unpause_topic),
    AT_END("POST", "/channel/create", create_channel),
    AT_END("POST", "/channel/delete", delete_channel),
    AT_END("POST", "/channel/empty", empty_channel),
    AT_END("POST", "/channel/pause", pause_channel),
    AT_END("POST", "/channel/unpause", unpause_channel),
    {.method = SPAN_LITERAL("GET"),
     .path = SPAN_LITERAL("/config/"),
     .has_param = true,
     .logged = true,
     .begin = api_config_get},
    {.method = SPAN_LITERAL("PUT"),
     .path = SPAN_LITERAL("/config/"),
     .has_param = true,
     .logged = true,
     .body = HTTP_BODY_PIECES,
     .begin = api_config_begin,
     .piece = api_config_piece,
     .end = api_config_end,
     .drop = api_config_drop},
};

struct http_routes api_routes(void)
{
    return (struct http_routes){routes, sizeof routes / sizeof routes[0]};
}

void api_init(struct api *api, const struct api_config *config, struct broker *broker,
              const struct serve *serve, struct tickets *tickets, struct log *log)
{
    *api = (struct api){
        .config = *config, .broker = broker, .serve = serve, .tickets = tickets, .log = log};
    list_init(&api->moving);
}

void api_free(struct api *api)
{
    api_config_free(api);
}
