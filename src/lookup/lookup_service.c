/* SPDX-License-Identifier: MIT */
/*
 * Connects the parts of nsqlookupd: sets the protocol of each listener, adds the work that is left
 * to each step, and has the default settings. Must not know how the parts work.
 */
#include "lookup/lookup_service.h"

#include <assert.h>

#include <nsq/magic.h>
#include <nsq/version.h>

#include "base/alloc.h"
#include "base/time.h"

struct lookup_config lookup_defaults(void)
{
    return (struct lookup_config){
        .serve = {.max_connections = 10000, .high_water = 1 << 20},
        .registry = {.inactive_timeout = 300 * TIME_SECOND,
                     .tombstone_lifetime = 45 * TIME_SECOND,
                     .max_registrations = 100000},
        .v1 = {.limits = {.max_line = NSQ_LOOKUP_LINE_MAX, .max_body = NSQ_LOOKUP_BODY_MAX},
               .version = SPAN(NSQ_COMPATIBILITY),
               .effort_a_call = 8000},
        .memory = (size_t)1 << 30,
        .magic_timeout = TIME_MINUTE,
        .log_level = LOG_INFO,
    };
}

/* --- what the service adds to serve ----------------------------------------------------------- */

/* Begins a share of the effort. Each kind of work has its own share. */
static void begin_share(struct lookup_service *s)
{
    effort_allow(&s->effort, s->effort_a_call);
}

static void on_step(void *self, int64_t now, int64_t judged)
{
    struct lookup_service *s = self;
    (void)judged;
    begin_share(s);
    v1_step(&s->v1, now);
    begin_share(s);
    http_server_step(&s->http, now);
    begin_share(s);
    registry_collect(&s->registry);
}

static int64_t on_next_deadline(void *self)
{
    const struct lookup_service *s = self;
    return v1_has_work(&s->v1) || http_server_has_work(&s->http) ||
                   registry_can_collect(&s->registry)
               ? TIME_PAST
               : TIME_NEVER;
}

static void on_crowd(void *self, size_t connections)
{
    struct lookup_service *s = self;
    s->effort.crowd = connections;
}

static void on_wall(void *self, int64_t offset)
{
    struct lookup_service *s = self;
    s->api.wall_offset = offset;
    s->http.wall_offset = offset;
}

/* --- the service ------------------------------------------------------------------------------ */

/* Sets up the TCP port. The magic chooses the protocol; V1 is the only one. The log lines are those
 * of nsqlookupd. */
static void add_tcp_listener(struct lookup_service *s, const struct lookup_config *config)
{
    s->protocols[0] = (struct magic_row){SPAN(NSQ_MAGIC_V1), &v1_protocol, &s->v1};
    s->magic = (struct magic_table){
        .rows = s->protocols,
        .row_count = sizeof s->protocols / sizeof s->protocols[0],
        .timeout = config->magic_timeout,
        .refusal = v1_bad_magic(),
        .log = &s->log,
        .chosen_form = "CLIENT(%): desired protocol magic '%'",
        .bad_form = "client(%) bad protocol magic '%'",
        .eof_form = "failed to read protocol version - EOF",
        .cut_form = "failed to read protocol version - unexpected EOF",
        .late_form = "failed to read protocol version - i/o timeout",
    };
    s->listeners[LOOKUP_TCP] = (struct listener){
        .protocol = &magic_protocol,
        .service = &s->magic,
        .forms = {.opened = "TCP: new client(%)",
                  .refused = "TCP: refusing client(%), too many connections",
                  .lost = "client(%) - connection lost",
                  .timed_out = "client(%) - output not taken in time, closing"},
    };
}

static void add_http_listener(struct lookup_service *s, const struct lookup_config *config)
{
    const struct http_server_config http = {
        .routes = lookup_api_routes(),
        .service = &s->api,
        .message_headers = SPAN(LOOKUP_API_HEADERS_JSON),
        .effort = &s->effort,
        .effort_a_call = s->effort_a_call,
        .budget = &s->budget,
        .slots = &s->slots,
        .log = &s->log,
        .log_form = "% % % (%)",
    };
    s->api = (struct lookup_api){.registry = &s->registry, .version = config->v1.version};
    http_slots_init(&s->slots, config->serve.max_connections);
    http_server_init(&s->http, &http);
    s->listeners[LOOKUP_HTTP] =
        (struct listener){.protocol = &http_protocol,
                          .service = &s->http,
                          .forms = {.refused = "HTTP: refusing client(%), too many connections"}};
}

struct lookup_service *lookup_new(const struct lookup_config *config)
{
    struct lookup_service *s = alloc_zeroed(sizeof *s);
    struct serve_config serve = config->serve;
    struct v1_config v1 = config->v1;
    v1.timeout = config->magic_timeout;
    s->budget = budget_of_cap(config->memory);
    s->effort_a_call = config->v1.effort_a_call;
    serve.budget = &s->budget;
    log_init(&s->log, config->log_level);
    registry_init(&s->registry, &config->registry, &s->budget, &s->effort, &s->log);
    v1_init(&s->v1, &v1, &s->registry, &s->budget, &s->effort, &s->log);
    add_tcp_listener(s, config);
    add_http_listener(s, config);
    const struct serve_hooks hooks = {.self = s,
                                      .step = on_step,
                                      .next_deadline = on_next_deadline,
                                      .crowd = on_crowd,
                                      .wall = on_wall};
    serve_init(&s->serve, &serve, s->listeners, LOOKUP_LISTENERS, &s->log, &hooks);
    return s;
}

void lookup_free(struct lookup_service *s)
{
    serve_free(&s->serve);
    registry_free(&s->registry);
    assert(s->budget.used == 0 && s->budget.held == 0); /* all that was charged was released */
    log_free(&s->log);
    alloc_free(s);
}

struct tcp_handler lookup_handler(struct lookup_service *s)
{
    return serve_handler(&s->serve);
}
