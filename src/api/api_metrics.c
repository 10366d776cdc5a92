/* SPDX-License-Identifier: MIT */
/*
 * GET /metrics: writes the page for Prometheus piece by piece while the client takes it. Parameters
 * of the request have no effect. Must not know what a page contains (metrics.c), connections,
 * clocks.
 */
#include "api/api.h"

#include "base/alloc.h"

/* A page that is being written. */
struct metrics_page {
    struct budget *budget;
    struct metrics metrics;
};

#define PAGE_COST (sizeof(struct metrics_page) + ALLOC_OVERHEAD)

static bool more(void *self, struct buf *out, size_t enough, int64_t now)
{
    struct metrics_page *page = self;
    return metrics_write(&page->metrics, out, enough, now);
}

static void end(void *self)
{
    struct metrics_page *page = self;
    metrics_end(&page->metrics);
    budget_release(page->budget, PAGE_COST);
    alloc_free(page);
}

void api_metrics_end(void *service, struct http_call *call, bool broken, int64_t now)
{
    const struct api *api = service;
    const struct http_answer answer = {.status = 200,
                                       .headers = SPAN("Content-Type: " PROM_TEXT_TYPE "\r\n")};
    if (broken) {
        http_call_message(call, 400, SPAN("INVALID_REQUEST"), now);
        return;
    }
    struct stats_server server = api_stats_server(api, now);
    struct metrics_page *page = alloc_zeroed(sizeof *page);
    page->budget = &api->broker->core.budget;
    budget_charge(page->budget, PAGE_COST);
    metrics_begin(&page->metrics, &server, &api->config.metrics);
    http_call_stream(call, &answer, (struct http_stream){.more = more, .end = end, .self = page},
                     now);
}
