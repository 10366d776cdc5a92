/* SPDX-License-Identifier: MIT */
/*
 * Writes the page as JSON, with nsqd's names in nsqd's order. Must not know: what is written when
 * (stats.c).
 */
#include "api/stats.h"

#include <nsq/version.h>

#include "base/go_text.h"
#include "base/text.h"

/* A text that nsqd leaves out when it is empty. */
static void member_unless_empty(struct json_writer *w, const char *key, struct span text)
{
    if (text.n > 0) {
        json_member_string(w, key, text);
    }
}

static void write_latency(const struct stats *stats, struct json_writer *w,
                          const struct stats_latency *latency)
{
    struct buf value = {0};
    json_member_object(w, "e2e_processing_latency");
    json_member_unsigned(w, "count", latency->count);
    if (latency->n == 0) {
        json_member_null(w, "percentiles");
        json_close_object(w);
        return;
    }
    json_member_array(w, "percentiles");
    for (size_t i = 0; i < latency->n; i++) {
        json_open_object(w);
        json_write_key(w, SPAN("quantile"));
        json_write_raw(w, stats->server.quantiles[i]);
        json_write_key(w, SPAN("value"));
        go_text_whole(&value, latency->values[i]);
        json_write_raw(w, buf_span(&value));
        json_close_object(w);
        buf_drop(&value, value.n);
    }
    buf_free(&value);
    json_close_array(w);
    json_close_object(w);
}

static void head(struct stats *stats, struct buf *out)
{
    struct json_writer *w = &stats->writer;
    (void)out;
    json_open_object(w);
    json_member_string(w, "version", SPAN(NSQ_COMPATIBILITY));
    json_member_string(w, "health", stats->server.health);
    json_member_integer(w, "start_time", stats->server.start_time / TIME_SECOND);
    if (stats->unknown_topic) {
        json_member_null(w, "topics");
    } else {
        json_member_array(w, "topics");
    }
}

static void begin_topic(struct stats *stats, struct buf *out)
{
    struct json_writer *w = &stats->writer;
    (void)out;
    json_open_object(w);
    json_member_string(w, "topic_name", name_span(&stats->topic.name));
    json_member_array(w, "channels");
}

static void end_topic(struct stats *stats, struct buf *out)
{
    const struct stats_topic *t = &stats->topic;
    struct json_writer *w = &stats->writer;
    (void)out;
    json_close_array(w);
    json_member_unsigned(w, "depth", t->depth);
    json_member_unsigned(w, "backend_depth", 0);
    json_member_unsigned(w, "message_count", t->message_count);
    json_member_unsigned(w, "message_bytes", t->message_bytes);
    json_member_bool(w, "paused", t->paused);
    write_latency(stats, w, &t->latency);
    json_close_object(w);
}

static void begin_channel(struct stats *stats, struct buf *out)
{
    const struct stats_channel *c = &stats->channel;
    struct json_writer *w = &stats->writer;
    (void)out;
    json_open_object(w);
    json_member_string(w, "channel_name", name_span(&c->name));
    json_member_unsigned(w, "depth", c->depth);
    json_member_unsigned(w, "backend_depth", 0);
    json_member_unsigned(w, "in_flight_count", c->in_flight_count);
    json_member_unsigned(w, "deferred_count", c->deferred_count);
    json_member_unsigned(w, "message_count", c->message_count);
    json_member_unsigned(w, "requeue_count", c->requeue_count);
    json_member_unsigned(w, "timeout_count", c->timeout_count);
    json_member_unsigned(w, "client_count", c->client_count);
    if (stats->clients) {
        json_member_array(w, "clients");
    } else {
        json_member_null(w, "clients");
    }
}

static void end_channel(struct stats *stats, struct buf *out)
{
    struct json_writer *w = &stats->writer;
    (void)out;
    if (stats->clients) {
        json_close_array(w);
    }
    json_member_bool(w, "paused", stats->channel.paused);
    write_latency(stats, w, &stats->channel.latency);
    json_close_object(w);
}

/* --- clients ---------------------------------------------------------------------------------- */

static void write_tls(struct json_writer *w, const struct stats_client *c)
{
    struct buf text = {0};
    json_member_bool(w, "tls", c->tls);
    stats_append_cipher(&text, c->tls_parameters.cipher);
    json_member_string(w, "tls_cipher_suite", buf_span(&text));
    buf_drop(&text, text.n);
    stats_append_tls_version(&text, c->tls_parameters.version);
    json_member_string(w, "tls_version", buf_span(&text));
    buf_free(&text);
    json_member_string(w, "tls_negotiated_protocol", SPAN(""));
    json_member_bool(w, "tls_negotiated_protocol_is_mutual", c->tls); /* Go says so for any TLS */
}

static void write_identities(struct json_writer *w, const struct stats_client *c)
{
    if (c->authed) {
        json_member_bool(w, "authed", true);
    }
    member_unless_empty(w, "auth_identity", c->auth_identity);
    member_unless_empty(w, "auth_identity_url", c->auth_identity_url);
    if (c->pub_topic.n > 0) {
        json_member_array(w, "pub_counts");
        json_open_object(w);
        json_member_string(w, "topic", c->pub_topic);
        json_member_unsigned(w, "count", c->pub_count);
        json_close_object(w);
        json_close_array(w);
    }
}

static void client(struct stats *stats, struct buf *out, const struct stats_client *c, int64_t wall)
{
    struct json_writer *w = &stats->writer;
    (void)out;
    (void)wall;
    if (stats->step == STATS_PRODUCER && !stats->listed) {
        json_open_array(w);
    }
    json_open_object(w);
    json_member_string(w, "client_id", c->client_id);
    json_member_string(w, "hostname", c->hostname);
    json_member_string(w, "version", SPAN("V2"));
    json_member_string(w, "remote_address", c->remote_address);
    json_member_integer(w, "state", c->state);
    json_member_integer(w, "ready_count", c->ready_count);
    json_member_integer(w, "in_flight_count", c->in_flight_count);
    json_member_unsigned(w, "message_count", c->message_count);
    json_member_unsigned(w, "finish_count", c->finish_count);
    json_member_unsigned(w, "requeue_count", c->requeue_count);
    json_member_integer(w, "connect_ts", c->connected);
    json_member_integer(w, "sample_rate", c->sample_rate);
    json_member_bool(w, "deflate", c->deflate);
    json_member_bool(w, "snappy", c->snappy);
    json_member_string(w, "user_agent", c->user_agent);
    write_identities(w, c);
    write_tls(w, c);
    json_close_object(w);
}

/* --- behind the topics ------------------------------------------------------------------------ */

static void end_topics(struct stats *stats, struct buf *out)
{
    const struct stats_memory *m = &stats->server.memory;
    struct json_writer *w = &stats->writer;
    (void)out;
    if (!stats->unknown_topic) {
        json_close_array(w);
    }
    if (stats->memory) {
        json_member_object(w, "memory");
        json_member_unsigned(w, "heap_objects", m->heap_objects);
        json_member_unsigned(w, "heap_idle_bytes", m->heap_idle_bytes);
        json_member_unsigned(w, "heap_in_use_bytes", m->heap_in_use_bytes);
        json_member_unsigned(w, "heap_released_bytes", m->heap_released_bytes);
        json_member_unsigned(w, "gc_pause_usec_100", m->gc_pause_usec_100);
        json_member_unsigned(w, "gc_pause_usec_99", m->gc_pause_usec_99);
        json_member_unsigned(w, "gc_pause_usec_95", m->gc_pause_usec_95);
        json_member_unsigned(w, "next_gc_bytes", m->next_gc_bytes);
        json_member_unsigned(w, "gc_total_runs", m->gc_total_runs);
        json_close_object(w);
    }
    json_write_key(w, SPAN("producers")); /* the list begins with the first producer */
}

static void end_producers(struct stats *stats, struct buf *out)
{
    struct json_writer *w = &stats->writer;
    (void)out;
    if (stats->listed) {
        json_close_array(w);
    } else {
        json_write_null(w);
    }
    json_close_object(w);
}

const struct stats_form stats_json = {
    .head = head,
    .begin_topic = begin_topic,
    .end_topic = end_topic,
    .begin_channel = begin_channel,
    .end_channel = end_channel,
    .client = client,
    .end_topics = end_topics,
    .end_producers = end_producers,
};
