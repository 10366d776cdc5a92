/* SPDX-License-Identifier: MIT */
/*
 * GET /stats: reads the parameters of the request, and writes the page piece by piece while the
 * client takes it. Must not know what a page contains (stats.c), connections, clocks.
 */
#include "api/api.h"

#include "base/alloc.h"
#include "http/http_target.h"

/* A page that is being written. */
struct stats_page {
    struct api *api;
    struct stats stats;
};

#define PAGE_COST (sizeof(struct stats_page) + ALLOC_OVERHEAD)

/* --- the parameters --------------------------------------------------------------------------- */

/* Returns a parameter that is true or false. As in nsqd, only the values "false" and "0" mean
 * false. No value, and any other value, means true. */
static bool find_bool(struct span query, struct span name)
{
    struct buf value = {0};
    http_query_find(query, name, &value);
    struct span word = buf_span(&value);
    bool is_false = span_equal(word, SPAN("false")) || span_equal(word, SPAN("0"));
    buf_free(&value);
    return !is_false;
}

static bool wants_json(struct span query)
{
    struct buf value = {0};
    http_query_find(query, SPAN("format"), &value);
    bool json = span_equal(buf_span(&value), SPAN("json"));
    buf_free(&value);
    return json;
}

/* --- the page --------------------------------------------------------------------------------- */

static bool more(void *self, struct buf *out, size_t enough, int64_t now)
{
    struct stats_page *page = self;
    return stats_write(&page->stats, out, enough, now, now + page->api->wall_offset);
}

static void end(void *self)
{
    struct stats_page *page = self;
    stats_end(&page->stats);
    budget_release(&page->api->broker->core.budget, PAGE_COST);
    alloc_free(page);
}

struct stats_server api_stats_server(const struct api *api, int64_t now)
{
    return (struct stats_server){
        .broker = api->broker,
        .serve = api->serve,
        .health = SPAN("OK"),
        .start_time = api->config.start_time * TIME_SECOND,
        .zone = api->config.zone,
        .uptime = now - api->config.started,
        .memory = stats_of_memory(&api->broker->core.budget),
        .quantiles = api->config.quantiles,
    };
}

static void begin_page(struct api *api, struct http_call *call, int64_t now)
{
    struct stats_page *page = alloc_zeroed(sizeof *page);
    struct stats_server server = api_stats_server(api, now);
    struct buf topic = {0};
    struct buf channel = {0};
    http_query_find(call->query, SPAN("topic"), &topic);
    http_query_find(call->query, SPAN("channel"), &channel);
    const struct stats_filter filter = {.json = wants_json(call->query),
                                        .topic = buf_span(&topic),
                                        .channel = buf_span(&channel),
                                        .clients = find_bool(call->query, SPAN("include_clients")),
                                        .memory = find_bool(call->query, SPAN("include_mem"))};
    const struct http_answer answer = {.status = 200,
                                       .headers =
                                           filter.json ? SPAN(API_HEADERS_JSON) : SPAN(API_HEADERS),
                                       .sniffs = !filter.json};
    page->api = api;
    budget_charge(&api->broker->core.budget, PAGE_COST);
    stats_begin(&page->stats, &server, &filter);
    http_call_stream(call, &answer, (struct http_stream){.more = more, .end = end, .self = page},
                     now);
    buf_free(&topic);
    buf_free(&channel);
}

void api_stats_end(void *service, struct http_call *call, bool broken, int64_t now)
{
    if (broken) {
        http_call_message(call, 400, SPAN("INVALID_REQUEST"), now);
    } else if (api_check_query(service, call, now)) {
        begin_page(service, call, now);
    }
}
