/* SPDX-License-Identifier: MIT */
/*
 * Connects the parts of the server: sets the protocol of each listener, adds the work of the broker
 * to each step, and has nsqd's default settings. Must not know how the parts work.
 */
#include "engine/engine.h"

#include <assert.h>

#include <nsq/magic.h>
#include <nsq/version.h>

#include "base/alloc.h"
#include "base/time.h"

struct engine_config engine_defaults(void)
{
    return (struct engine_config){
        .serve = {.max_connections = 10000, .high_water = 1 << 20},
        .broker = {.mem_queue_size = 10000,
                   .mem_queue_bytes = (size_t)1 << 30,
                   .max_msg_timeout = 15 * TIME_MINUTE,
                   .latency = {.window = 10 * TIME_MINUTE},
                   .effort_a_call = 8000},
        .v2 = {.limits = {.max_line = NSQ_LINE_MAX,
                          .max_msg_size = 1024 * 1024,
                          .max_body_size = 5 * 1024 * 1024},
               .max_rdy_count = 2500,
               .msg_timeout = TIME_MINUTE,
               .max_msg_timeout = 15 * TIME_MINUTE,
               .max_req_timeout = 60 * TIME_MINUTE,
               .heartbeat_interval = 30 * TIME_SECOND,
               .max_heartbeat_interval = TIME_MINUTE,
               .output_buffer_timeout = 250 * TIME_MS,
               .min_output_buffer_timeout = 25 * TIME_MS,
               .max_output_buffer_timeout = 30 * TIME_SECOND,
               .max_output_buffer_size = 64 * 1024,
               .max_deflate_level = 6,
               .max_owed_replies = 4096,
               .deflate = true,
               .snappy = true},
        .auth = {.connect_timeout = 2 * TIME_SECOND,
                 .request_timeout = 5 * TIME_SECOND,
                 .max_body = (size_t)1 << 20,
                 .max_state = (size_t)2 << 20},
        .statsd = {.interval = TIME_MINUTE,
                   .prefix = SPAN("nsq.%s"),
                   .packet_size = 508,
                   .memory = true},
        .peers = {.max_reply = 5 * 1024 * 1024,
                  .channels = {.connect_timeout = 2 * TIME_SECOND,
                               .request_timeout = 5 * TIME_SECOND}},
        .magic_timeout = TIME_MINUTE,
        .log_level = LOG_INFO,
    };
}

/* --- what the engine adds to serve ------------------------------------------------------------ */

/* Handles timers of messages. */
static void expire(struct engine *engine, int64_t now, int64_t judged)
{
    broker_begin_share(&engine->broker);
    for (int i = 0; i < ENGINE_TIMERS_A_STEP && broker_expire(&engine->broker, judged); i++) {
        v2_pump(&engine->v2, now);
    }
}

/* Goes on with work that earlier calls of the broker and of V2 have left. */
static void go_on(struct engine *engine, int64_t now)
{
    struct broker *broker = &engine->broker;
    broker_begin_share(broker);
    v2_close_orphans(&engine->v2, now);
    broker_add_share(broker);
    broker_move(broker, now);
    broker_add_share(broker);
    v2_finish_inputs(&engine->v2, now);
    broker_add_share(broker);
    broker_collect(broker);
}

static bool can_go_on(const struct engine *engine)
{
    const struct broker *broker = &engine->broker;
    return broker_can_move(broker) || broker_can_collect(broker) || broker_has_orphans(broker) ||
           !list_empty(&engine->v2.finishing);
}

/* Returns true when there is work besides deliveries and timers. Most steps have no such work. */
static bool has_other_work(const struct engine *engine)
{
    return can_go_on(engine) || auth_has_done(&engine->auth) || !list_empty(&engine->v2.checking) ||
           api_service_has_work(&engine->web) || engine->web.api.lookupds.is_new;
}

/* PUT /config may have changed the list of nsqlookupds. */
static void take_lookupds(struct engine *engine, int64_t now)
{
    struct span addresses[API_LOOKUPDS_MAX];
    size_t count;
    if (api_take_lookupds(&engine->web.api, addresses, &count)) {
        peers_set(&engine->peers, addresses, count, now);
    }
}

/* Each kind of work has its own share of the effort: the answers of auth servers, the checks of
 * what they allow, the HTTP API, and the kinds of go_on. */
static void do_other_work(struct engine *engine, int64_t now)
{
    broker_begin_share(&engine->broker);
    v2_authorize(&engine->v2, now);
    broker_begin_share(&engine->broker);
    v2_check(&engine->v2, now);
    broker_begin_share(&engine->broker);
    api_service_step(&engine->web, now);
    take_lookupds(engine, now);
    if (can_go_on(engine)) {
        go_on(engine, now);
    }
}

/* The nsqlookupds, the reports to statsd, the deliveries and the timers have their own shares of
 * the effort too. */
static void on_step(void *self, int64_t now, int64_t judged)
{
    struct engine *engine = self;
    if (has_other_work(engine)) {
        do_other_work(engine, now);
    }
    if (peers_next_deadline(&engine->peers) <= now) {
        broker_begin_share(&engine->broker);
        peers_step(&engine->peers, now);
    }
    if (statsd_next_deadline(&engine->statsd) <= now) {
        broker_begin_share(&engine->broker);
        statsd_step(&engine->statsd, now);
    }
    broker_begin_share(&engine->broker);
    v2_pump(&engine->v2, now);
    if (broker_next_deadline(&engine->broker) <= judged) {
        expire(engine, now, judged);
    }
}

static int64_t on_next_deadline(void *self)
{
    const struct engine *engine = self;
    const struct broker *broker = &engine->broker;
    if (broker_can_deliver(broker) || has_other_work(engine)) {
        return TIME_PAST;
    }
    return time_earlier(
        broker_next_deadline(broker),
        time_earlier(statsd_next_deadline(&engine->statsd), peers_next_deadline(&engine->peers)));
}

_Static_assert(API_LOOKUPDS_MAX <= PEERS_MAX, "the list of PUT /config must fit");

static struct ask on_next_ask(void *self)
{
    struct engine *engine = self;
    uint64_t ticket = broker_next_ticket(&engine->broker);
    return ticket == 0 ? statsd_next_ask(&engine->statsd)
                       : (struct ask){.kind = ASK_APPEND, .ticket = ticket};
}

static void on_crowd(void *self, size_t connections)
{
    struct engine *engine = self;
    engine->broker.core.effort.crowd = connections;
}

static void on_answer(void *self, uint64_t ticket, const struct answer *answer, int64_t now)
{
    struct engine *engine = self;
    bool safe = answer->why.n == 0;
    if (ticket & STATSD_TICKET) {
        statsd_answer(&engine->statsd, ticket, answer->why);
        return;
    }
    broker_begin_call(&engine->broker);
    bool settled = broker_publish_settle(&engine->broker, ticket, safe, now);
    /* Messages that are safe and not published have lost their topic; nsqd's reason is
     * "exiting". */
    struct span why = settled ? span_make(NULL, 0) : safe ? SPAN("exiting") : answer->why;
    tickets_answer(&engine->tickets, ticket, why, now);
    v2_pump(&engine->v2, now); /* after the reply, because the reply must be sent first */
}

static void on_wall(void *self, int64_t offset)
{
    struct engine *engine = self;
    engine->v2.wall_offset = offset;
    api_service_wall(&engine->web, offset);
}

static void on_stop(void *self, int64_t now)
{
    struct engine *engine = self;
    (void)now;
    broker_log_lost(&engine->broker);
    statsd_stop(&engine->statsd);
    peers_stop(&engine->peers);
}

static bool on_stopped(void *self)
{
    return statsd_stopped(&((const struct engine *)self)->statsd);
}

/* --- the engine ------------------------------------------------------------------------------- */

/* Sets up the listener of nsqd's TCP port. The magic chooses the protocol; V2 is the only one. The
 * log lines are the same as in nsqd. */
static void add_tcp_listener(struct engine *engine, const struct engine_config *config)
{
    engine->protocols[0] = (struct magic_row){SPAN(NSQ_MAGIC_V2), &v2_protocol, &engine->v2};
    engine->magic = (struct magic_table){
        .rows = engine->protocols,
        .row_count = sizeof engine->protocols / sizeof engine->protocols[0],
        .timeout = config->magic_timeout,
        .refusal = v2_bad_magic(),
        .log = &engine->log,
        .chosen_form = "CLIENT(%): desired protocol magic '%'",
        .bad_form = "client(%) bad protocol magic '%'",
        .eof_form = "client(%) failed to read protocol version - EOF",
        .cut_form = "client(%) failed to read protocol version - unexpected EOF",
        .late_form = "client(%) failed to read protocol version - i/o timeout",
    };
    engine->listeners[ENGINE_TCP] = (struct listener){
        .protocol = &magic_protocol,
        .service = &engine->magic,
        .forms = {.opened = "TCP: new client(%)",
                  .refused = "TCP: refusing client(%), too many connections",
                  .lost = "client(%) - connection lost",
                  .timed_out = "client(%) - output not taken in time, closing",
                  .undecodable = "client(%) - failed to decode - %"},
    };
}

/* Sets up the listeners of nsqd's HTTP API, in clear text and with TLS. */
static void add_http_listeners(struct engine *engine, const struct engine_config *config)
{
    const struct v2_config *v2 = &config->v2;
    const struct engine_about *about = &config->about;
    const struct api_service_config web = {
        .api = {.max_msg_size = v2->limits.max_msg_size,
                .max_body_size = v2->limits.max_body_size,
                .max_req_timeout = v2->max_req_timeout,
                .version = SPAN(NSQ_COMPATIBILITY),
                .broadcast_address = about->broadcast_address,
                .hostname = about->hostname,
                .tcp_port = about->tcp_port,
                .http_port = about->http_port,
                .start_time = about->start_time,
                .max_heartbeat_interval = v2->max_heartbeat_interval,
                .max_output_buffer_size = v2->max_output_buffer_size,
                .max_output_buffer_timeout = v2->max_output_buffer_timeout,
                .max_deflate_level = v2->max_deflate_level,
                .started = about->started,
                .zone = about->zone,
                .quantiles = about->quantiles,
                .metrics = config->metrics,
                .settings = about->settings,
                .setting_count = about->setting_count},
        .needs_tls = config->http_needs_tls,
        .max_connections = config->serve.max_connections,
        .https_port = about->https_port,
        .tls = config->https_tls.make != NULL ? config->https_tls : v2->tls,
    };
    api_service_init(&engine->web, &web, &engine->broker, &engine->serve, &engine->tickets,
                     &engine->log);
    engine->listeners[ENGINE_HTTP] = api_service_http(&engine->web);
    engine->listeners[ENGINE_HTTPS] = api_service_https(&engine->web);
}

struct engine *engine_new(const struct engine_config *config)
{
    struct engine *engine = alloc_zeroed(sizeof *engine);
    struct serve_config serve = config->serve;
    serve.budget = &engine->broker.core.budget;
    log_init(&engine->log, config->log_level);
    broker_init(&engine->broker, &config->broker, &engine->log);
    auth_init(&engine->auth, &config->auth, &engine->serve, &engine->broker.core.budget,
              &engine->broker.core.effort, &config->broker.seed);
    v2_init(&engine->v2, &config->v2, &engine->serve, &engine->broker, &engine->tickets,
            &engine->auth, &engine->log);
    add_tcp_listener(engine, config);
    add_http_listeners(engine, config);
    statsd_init(&engine->statsd, &config->statsd, &engine->broker, &engine->log);
    peers_init(&engine->peers, &config->peers, &engine->serve, &engine->broker, &engine->log);
    const struct serve_hooks hooks = {.self = engine,
                                      .step = on_step,
                                      .next_deadline = on_next_deadline,
                                      .next_ask = on_next_ask,
                                      .answer = on_answer,
                                      .crowd = on_crowd,
                                      .wall = on_wall,
                                      .stop = on_stop,
                                      .stopped = on_stopped};
    serve_init(&engine->serve, &serve, engine->listeners, ENGINE_LISTENERS, &engine->log, &hooks);
    return engine;
}

void engine_free(struct engine *engine)
{
    serve_free(&engine->serve);
    api_service_free(&engine->web);
    v2_free(&engine->v2);
    assert(engine->tickets.table == NULL); /* nothing waits any more */
    statsd_free(&engine->statsd);
    peers_free(&engine->peers);
    broker_free(&engine->broker);
    assert(engine->broker.core.budget.used == 0); /* everything that was charged was released */
    assert(engine->broker.core.budget.held == 0);
    log_free(&engine->log);
    alloc_free(engine);
}

struct tcp_handler engine_handler(struct engine *engine)
{
    return serve_handler(&engine->serve);
}
