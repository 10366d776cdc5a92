/* SPDX-License-Identifier: MIT */
/*
 * The table of routes, and their handlers. Must not know how long answers are written
 * (lookup_page.c), connections, clocks.
 */
#include "lookup/lookup_api.h"

#include "base/alloc.h"
#include "http/http_target.h"
#include "lookup/lookup_page.h"

/* --- answers ---------------------------------------------------------------------------------- */

static void answer_empty(struct http_call *call, int64_t now)
{
    http_call_answer(
        call, &(struct http_answer){.status = 200, .headers = SPAN(LOOKUP_API_HEADERS)}, now);
}

static void ping(void *service, struct http_call *call, int64_t now)
{
    (void)service;
    http_call_answer(call, &(struct http_answer){.status = 200, .sniffs = true, .body = SPAN("OK")},
                     now);
}

static void info(void *service, struct http_call *call, int64_t now)
{
    const struct lookup_api *api = service;
    struct buf body = {0};
    struct json_writer w = json_writer(&body, JSON_GO);
    json_open_object(&w);
    json_member_string(&w, "version", api->version);
    json_close_object(&w);
    const struct http_answer answer = {
        .status = 200, .headers = SPAN(LOOKUP_API_HEADERS_JSON), .body = buf_span(&body)};
    http_call_answer(call, &answer, now);
    buf_free(&body);
}

/* --- pages ------------------------------------------------------------------------------------ */

#define PAGE_COST (sizeof(struct lookup_page) + ALLOC_OVERHEAD)

static bool more(void *self, struct buf *out, size_t enough, int64_t now)
{
    return lookup_page_write(self, out, enough, now);
}

static bool has_failed(const void *self)
{
    return ((const struct lookup_page *)self)->failed;
}

static void end(void *self)
{
    struct lookup_page *page = self;
    struct budget *budget = page->registry->budget;
    lookup_page_end(page);
    budget_release(budget, PAGE_COST);
    alloc_free(page);
}

static void answer_page(struct lookup_api *api, struct http_call *call, enum lookup_page_kind kind,
                        struct span topic, struct span node, int64_t now)
{
    struct lookup_page *page = alloc_zeroed(sizeof *page);
    const struct http_answer answer = {.status = 200,
                                       .headers = kind == LOOKUP_PAGE_TOMBSTONE
                                                      ? SPAN(LOOKUP_API_HEADERS)
                                                      : SPAN(LOOKUP_API_HEADERS_JSON)};
    budget_charge(api->registry->budget, PAGE_COST);
    lookup_page_begin(page, kind, api->registry, api->wall_offset, topic, node);
    http_call_stream(
        call, &answer,
        (struct http_stream){.more = more, .failed = has_failed, .end = end, .self = page}, now);
}

/* Upstream ignores the query and the body of these three requests. */
static void answer_whole(void *service, struct http_call *call, enum lookup_page_kind kind,
                         int64_t now)
{
    answer_page(service, call, kind, SPAN(""), SPAN(""), now);
}

static void topics(void *service, struct http_call *call, bool broken, int64_t now)
{
    (void)broken;
    answer_whole(service, call, LOOKUP_PAGE_TOPICS, now);
}

static void nodes(void *service, struct http_call *call, bool broken, int64_t now)
{
    (void)broken;
    answer_whole(service, call, LOOKUP_PAGE_NODES, now);
}

static void debug(void *service, struct http_call *call, bool broken, int64_t now)
{
    (void)broken;
    answer_whole(service, call, LOOKUP_PAGE_DEBUG, now);
}

/* --- parameters ------------------------------------------------------------------------------- */

/* What a request names. */
struct names {
    struct buf topic;
    struct buf other; /* the channel, or the node of a tombstone */
};

typedef struct span read_names(struct span query, struct names *names);
typedef void use_names(struct lookup_api *api, struct http_call *call, struct span topic,
                       struct span other, int64_t now);

/* Reads the names and answers with an error, or uses them. */
static void with_names(struct lookup_api *api, struct http_call *call, bool broken,
                       read_names *read, use_names *use, int64_t now)
{
    struct names names = {0};
    struct span error = broken || !http_query_valid(call->query) ? SPAN("INVALID_REQUEST")
                                                                 : read(call->query, &names);
    if (error.n > 0) {
        http_call_message(call, 400, error, now);
    } else {
        use(api, call, buf_span(&names.topic), buf_span(&names.other), now);
    }
    buf_free(&names.topic);
    buf_free(&names.other);
}

/* Each function reads what a route needs, and returns the error, or an empty span. */

static struct span read_topic(struct span query, struct names *names)
{
    return http_query_find(query, SPAN("topic"), &names->topic) ? SPAN("")
                                                                : SPAN("MISSING_ARG_TOPIC");
}

static struct span read_valid_topic(struct span query, struct names *names)
{
    struct span error = read_topic(query, names);
    return error.n > 0 || nsq_name_valid(buf_span(&names->topic)) ? error
                                                                  : SPAN("INVALID_ARG_TOPIC");
}

static struct span read_channel(struct span query, struct names *names)
{
    struct span error = read_valid_topic(query, names);
    if (error.n > 0) {
        return error;
    }
    if (!http_query_find(query, SPAN("channel"), &names->other)) {
        return SPAN("MISSING_ARG_CHANNEL");
    }
    return nsq_name_valid(buf_span(&names->other)) ? SPAN("") : SPAN("INVALID_ARG_CHANNEL");
}

static struct span read_node(struct span query, struct names *names)
{
    struct span error = read_topic(query, names);
    if (error.n > 0) {
        return error;
    }
    return http_query_find(query, SPAN("node"), &names->other) ? SPAN("")
                                                               : SPAN("MISSING_ARG_NODE");
}

/* --- reading ---------------------------------------------------------------------------------- */

static void use_channels(struct lookup_api *api, struct http_call *call, struct span topic,
                         struct span other, int64_t now)
{
    (void)other;
    answer_page(api, call, LOOKUP_PAGE_CHANNELS, topic, SPAN(""), now);
}

/* Returns whether a topic is registered; for "*", whether any topic is. */
static bool has_topic(const struct registry *registry, struct span name)
{
    const struct registry_topic *topic = registry_find_topic(registry, name);
    return span_equal(name, SPAN("*")) ? registry->registered > 0
                                       : topic != NULL && topic->registered;
}

static void use_lookup(struct lookup_api *api, struct http_call *call, struct span topic,
                       struct span other, int64_t now)
{
    (void)other;
    if (has_topic(api->registry, topic)) {
        answer_page(api, call, LOOKUP_PAGE_LOOKUP, topic, SPAN(""), now);
    } else {
        http_call_message(call, 404, SPAN("TOPIC_NOT_FOUND"), now);
    }
}

static void channels(void *service, struct http_call *call, bool broken, int64_t now)
{
    with_names(service, call, broken, read_topic, use_channels, now);
}

static void lookup(void *service, struct http_call *call, bool broken, int64_t now)
{
    with_names(service, call, broken, read_topic, use_lookup, now);
}

/* --- changing --------------------------------------------------------------------------------- */

static void use_create(struct lookup_api *api, struct http_call *call, struct span topic,
                       struct span other, int64_t now)
{
    if (registry_create(api->registry, topic, other)) {
        answer_empty(call, now);
    } else {
        http_call_message(call, 503, SPAN("NO_MEMORY"), now);
    }
}

/* What is deleted is also freed here, as far as there is effort, so that the log lines of a small
 * topic come before the line of this request. */
static void use_delete_topic(struct lookup_api *api, struct http_call *call, struct span topic,
                             struct span other, int64_t now)
{
    (void)other;
    if (registry_delete_topic(api->registry, topic)) {
        registry_collect(api->registry);
    }
    answer_empty(call, now);
}

static void use_delete_channel(struct lookup_api *api, struct http_call *call, struct span topic,
                               struct span other, int64_t now)
{
    if (registry_delete_channel(api->registry, topic, other)) {
        answer_empty(call, now);
    } else {
        http_call_message(call, 404, SPAN("CHANNEL_NOT_FOUND"), now);
    }
}

static void use_tombstone(struct lookup_api *api, struct http_call *call, struct span topic,
                          struct span other, int64_t now)
{
    log_say(api->registry->log, LOG_INFO, "DB: setting tombstone for producer@% of topic(%)", other,
            topic);
    answer_page(api, call, LOOKUP_PAGE_TOMBSTONE, topic, other, now);
}

static void create_topic(void *service, struct http_call *call, bool broken, int64_t now)
{
    with_names(service, call, broken, read_valid_topic, use_create, now);
}

static void delete_topic(void *service, struct http_call *call, bool broken, int64_t now)
{
    with_names(service, call, broken, read_topic, use_delete_topic, now);
}

static void create_channel(void *service, struct http_call *call, bool broken, int64_t now)
{
    with_names(service, call, broken, read_channel, use_create, now);
}

static void delete_channel(void *service, struct http_call *call, bool broken, int64_t now)
{
    with_names(service, call, broken, read_channel, use_delete_channel, now);
}

static void tombstone(void *service, struct http_call *call, bool broken, int64_t now)
{
    with_names(service, call, broken, read_node, use_tombstone, now);
}

/* --- the table -------------------------------------------------------------------------------- */

/* A route that answers when the head is there, and one that answers when the body is there. */
#define AT_HEAD(method_, path_, begin_)                                                            \
    {                                                                                              \
        .method = SPAN_LITERAL(method_), .path = SPAN_LITERAL(path_), .logged = true,              \
        .begin = (begin_)                                                                          \
    }
#define AT_END(method_, path_, end_)                                                               \
    {                                                                                              \
        .method = SPAN_LITERAL(method_), .path = SPAN_LITERAL(path_), .logged = true,              \
        .body = HTTP_BODY_SKIPPED, .end = (end_)                                                   \
    }

static const struct http_route routes[] = {
    AT_HEAD("GET", "/ping", ping),
    AT_HEAD("GET", "/info", info),
    AT_END("GET", "/debug", debug),
    AT_END("GET", "/lookup", lookup),
    AT_END("GET", "/topics", topics),
    AT_END("GET", "/channels", channels),
    AT_END("GET", "/nodes", nodes),
    AT_END("POST", "/topic/create", create_topic),
    AT_END("POST", "/topic/delete", delete_topic),
    AT_END("POST", "/channel/create", create_channel),
    AT_END("POST", "/channel/delete", delete_channel),
    AT_END("POST", "/topic/tombstone", tombstone),
};

struct http_routes lookup_api_routes(void)
{
    return (struct http_routes){routes, sizeof routes / sizeof routes[0]};
}
