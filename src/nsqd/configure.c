/* SPDX-License-Identifier: MIT */
/*
 * Copies the options into the engine's configuration, field by field. Must not ask the machine:
 * facts about the machine are an argument.
 */
#include "nsqd/configure.h"

#include <nsq/version.h>

#include "base/text.h"
#include "program/process.h"

static void configure_v2(const struct options *o, struct v2_config *v)
{
    v->limits.max_msg_size = o->max_msg_size;
    v->limits.max_body_size = o->max_body_size;
    v->max_rdy_count = o->max_rdy_count;
    v->msg_timeout = o->msg_timeout;
    v->max_msg_timeout = o->max_msg_timeout;
    v->max_req_timeout = o->max_req_timeout;
    v->max_heartbeat_interval = o->max_heartbeat_interval;
    v->output_buffer_timeout = o->output_buffer_timeout;
    v->min_output_buffer_timeout = o->min_output_buffer_timeout;
    v->max_output_buffer_timeout = o->max_output_buffer_timeout;
    v->max_output_buffer_size = o->max_output_buffer_size;
    v->max_deflate_level = o->max_deflate_level;
    v->deflate = o->deflate;
    v->snappy = o->snappy;
    v->tls_required = options_require_tls(o);
}

static void configure_auth(const struct options *o, struct auth_config *a)
{
    a->servers = o->auth_http_address.v;
    a->server_count = o->auth_http_address.n;
    a->connect_timeout = o->http_client_connect_timeout;
    a->request_timeout = o->http_client_request_timeout;
}

static void configure_peers(const struct options *o, const struct configure_machine *machine,
                            struct peers_config *p)
{
    *p = (struct peers_config){
        .addresses = o->lookupd_tcp_address.v,
        .address_count = o->lookupd_tcp_address.n,
        .identity = {.broadcast_address = text_span(o->broadcast_address),
                     .hostname = machine->host,
                     .version = SPAN(NSQ_COMPATIBILITY),
                     .tcp_port = options_port_or(o->broadcast_tcp_port, machine->ports[ENGINE_TCP]),
                     .http_port =
                         options_port_or(o->broadcast_http_port, machine->ports[ENGINE_HTTP])},
        .max_reply = o->max_body_size,
        .channels = {.connect_timeout = o->http_client_connect_timeout,
                     .request_timeout = o->http_client_request_timeout}};
}

/* Returns true when HTTP clients must use TLS: with --tls-required=true, and with
 * --tls-client-auth-policy, unless --tls-required=tcp-https. */
static bool http_needs_tls(const struct options *o)
{
    return options_require_tls(o) && o->tls_required != OPTIONS_TLS_REQUIRED_EXCEPT_HTTP;
}

static void configure_about(const struct options *o, const struct configure_machine *machine,
                            struct engine_about *about)
{
    *about = (struct engine_about){.broadcast_address = text_span(o->broadcast_address),
                                   .hostname = machine->host,
                                   .tcp_port = machine->ports[ENGINE_TCP],
                                   .http_port = machine->ports[ENGINE_HTTP],
                                   .https_port = machine->ports[ENGINE_HTTPS],
                                   .start_time = machine->start_time,
                                   .started = machine->started,
                                   .zone = machine->zone};
}

/* The prefix names the host as nsqd registers it with nsqlookupd. */
static void configure_statsd(const struct options *o, const struct configure_machine *machine,
                             struct statsd_config *s)
{
    int64_t port = options_port_or(o->broadcast_http_port, machine->ports[ENGINE_HTTP]);
    *s = (struct statsd_config){.address = text_span(o->statsd_address),
                                .interval = o->statsd_interval,
                                .prefix = text_span(o->statsd_prefix),
                                .host = text_span(o->broadcast_address),
                                .port = port,
                                .packet_size = o->statsd_udp_packet_size,
                                .memory = o->statsd_mem_stats,
                                .exclude_ephemeral = o->statsd_exclude_ephemeral};
}

struct engine_config configure(const struct options *o, const struct configure_machine *machine)
{
    struct engine_config config = engine_defaults();
    config.log_level = (enum log_level)o->log_level;
    config.magic_timeout = o->magic_timeout;
    config.serve.high_water = (size_t)o->output_high_water;
    config.serve.gather_timeout = o->output_gather_timeout;
    config.serve.max_connections =
        process_max_connections(o->max_connections, machine->descriptors);
    struct broker_config *b = &config.broker;
    b->node_id = (unsigned)o->node_id;
    b->mem_queue_size = o->mem_queue_size;
    b->mem_queue_bytes = o->mem_queue_bytes > 0 ? (size_t)o->mem_queue_bytes : machine->memory / 4;
    b->max_msg_timeout = o->max_msg_timeout;
    b->max_consumers = o->max_channel_consumers;
    b->latency = (struct latency_config){o->e2e_processing_latency_percentile.v,
                                         o->e2e_processing_latency_percentile.n,
                                         o->e2e_processing_latency_window_time};
    b->seed = machine->seed;
    configure_v2(o, &config.v2);
    configure_auth(o, &config.auth);
    configure_about(o, machine, &config.about);
    configure_statsd(o, machine, &config.statsd);
    configure_peers(o, machine, &config.peers);
    config.http_needs_tls = http_needs_tls(o);
    config.metrics =
        (struct metrics_options){.channels = o->metrics_channels, .clients = o->metrics_clients};
    return config;
}
