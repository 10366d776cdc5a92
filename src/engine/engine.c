/* SPDX-License-Identifier: MIT */
#include "engine/engine.h"

#include <assert.h>

#include "base/alloc.h"
#include "base/text.h"

struct engine_config engine_defaults(void)
{
    return (struct engine_config){
        .serve = {.max_connections = 10000, .high_water = 1 << 20},
        .broker = {.mem_queue_size = 10000,
                   .mem_queue_bytes = (size_t)1 << 30,
                   .max_msg_timeout = 15 * TIME_MINUTE},
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
               .deflate = true,
               .snappy = true},
        .auth = {.connect_timeout = 2 * TIME_SECOND,
                 .request_timeout = 5 * TIME_SECOND,
                 .max_body = (size_t)1 << 20,
                 .max_state = (size_t)1 << 20},
        .log_level = LOG_INFO,
    };
}

struct engine *engine_new(const struct engine_config *config)
{
    struct engine *engine = alloc_zeroed(sizeof *engine);
    struct serve_config serve = config->serve;
    serve.buffered_most = config->broker.mem_queue_bytes / ENGINE_BUFFERED_PART;
    log_init(&engine->log, config->log_level);
    broker_init(&engine->broker, &config->broker, &engine->log);
    auth_init(&engine->auth, &config->auth, &engine->serve, &engine->broker.core.budget,
              &config->broker.seed);
    v2_init(&engine->v2, &config->v2, &engine->serve, &engine->broker, &engine->auth, &engine->log);
    engine->listeners[ENGINE_TCP] = (struct listener){.service = &engine->v2,
                                                      .protocols = &v2_protocol,
                                                      .protocol_count = 1,
                                                      .bad_magic = v2_bad_magic()};
    serve_init(&engine->serve, &serve, engine->listeners, ENGINE_LISTENERS, &engine->log);
    return engine;
}

void engine_free(struct engine *engine)
{
    serve_free(&engine->serve);
    v2_free(&engine->v2);
    broker_free(&engine->broker);
    assert(engine->broker.core.budget.used == 0); /* all that was charged was given back */
    log_free(&engine->log);
    alloc_free(engine->shown);
    alloc_free(engine);
}

/* --- the contract of serve/handler.h ---------------------------------------------------------- */

static uint64_t on_open(void *self, unsigned listener, struct span peer, int64_t now)
{
    return serve_open(&((struct engine *)self)->serve, listener, peer, now);
}

static void on_connected(void *self, uint64_t conn, struct span why, int64_t now)
{
    serve_connected(&((struct engine *)self)->serve, conn, why, now);
}

static size_t on_recv(void *self, uint64_t conn, struct span in, int64_t now)
{
    return serve_recv(&((struct engine *)self)->serve, conn, in, now);
}

static void on_eof(void *self, uint64_t conn, int64_t now)
{
    serve_eof(&((struct engine *)self)->serve, conn, now);
}

static void on_closed(void *self, uint64_t conn, enum closed_reason reason, int64_t now)
{
    serve_closed(&((struct engine *)self)->serve, conn, reason, now);
}

static struct span on_out(void *self, uint64_t conn)
{
    return serve_out(&((struct engine *)self)->serve, conn);
}

static void on_sent(void *self, uint64_t conn, size_t n)
{
    serve_sent(&((struct engine *)self)->serve, conn, n);
}

static unsigned on_want(void *self, uint64_t conn)
{
    return serve_want(&((struct engine *)self)->serve, conn);
}

static void on_step(void *self, int64_t now)
{
    struct engine *engine = self;
    serve_step(&engine->serve, now);
    for (int i = 0; i < ENGINE_AUTHS_A_STEP && v2_authorized(&engine->v2, now); i++) {
    }
    v2_pump(&engine->v2, now);
    for (int i = 0; i < ENGINE_TIMERS_A_STEP && broker_expire(&engine->broker, now); i++) {
        v2_pump(&engine->v2, now);
    }
}

static int64_t on_next_deadline(void *self)
{
    const struct engine *engine = self;
    if (broker_can_deliver(&engine->broker) || auth_has_done(&engine->auth)) {
        return engine->serve.now;
    }
    int64_t connections = serve_next_deadline(&engine->serve);
    int64_t messages = broker_next_deadline(&engine->broker);
    return time_earlier(connections, messages);
}

static uint64_t on_next_changed(void *self)
{
    return serve_next_changed(&((struct engine *)self)->serve);
}

/* Says how many events were dropped, once there is room to say it. */
static void report_dropped(struct log *log)
{
    char count[TEXT_DECIMAL_MAX];
    if (log->dropped > 0) {
        struct span text = text_decimal(count, (int64_t)log->dropped);
        log->dropped = 0;
        log_say(log, LOG_WARNING, "% log lines were dropped", text);
    }
}

static struct ask on_next_ask(void *self)
{
    struct engine *engine = self;
    log_event_free(engine->shown);
    engine->shown = log_next(&engine->log);
    if (engine->shown != NULL) {
        report_dropped(&engine->log);
        return (struct ask){.kind = ASK_LOG, .event = engine->shown};
    }
    struct span address;
    uint64_t conn = serve_next_connect(&engine->serve, &address);
    if (conn != 0) {
        return (struct ask){.kind = ASK_CONNECT, .ticket = conn, .address = address};
    }
    uint64_t ticket = v2_next_ticket(&engine->v2);
    return (struct ask){.kind = ticket == 0 ? ASK_NONE : ASK_APPEND, .ticket = ticket};
}

static void on_answer(void *self, uint64_t ticket, enum ask_result result, int64_t now)
{
    struct engine *engine = self;
    serve_tell_time(&engine->serve, now);
    v2_answer(&engine->v2, ticket, result, now);
}

static void on_wall(void *self, int64_t offset)
{
    ((struct engine *)self)->v2.wall_offset = offset;
}

static void on_stop(void *self, int64_t now)
{
    struct engine *engine = self;
    serve_stop(&engine->serve, now);
    broker_log_lost(&engine->broker);
}

static bool on_stopped(void *self)
{
    return serve_stopped(&((struct engine *)self)->serve);
}

struct tcp_handler engine_handler(struct engine *engine)
{
    return (struct tcp_handler){
        .self = engine,
        .open = on_open,
        .connected = on_connected,
        .recv = on_recv,
        .eof = on_eof,
        .closed = on_closed,
        .out = on_out,
        .sent = on_sent,
        .want = on_want,
        .step = on_step,
        .next_deadline = on_next_deadline,
        .next_changed = on_next_changed,
        .next_ask = on_next_ask,
        .answer = on_answer,
        .wall = on_wall,
        .stop = on_stop,
        .stopped = on_stopped,
    };
}
