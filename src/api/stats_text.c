/* SPDX-License-Identifier: MIT */
/*
 * Writes the page as text, in nsqd's columns. Must not know: what is written when (stats.c).
 */
#include "api/stats.h"

#include <nsq/version.h>

#include "base/go_text.h"
#include "base/text.h"

/* Appends a label and then a number that is padded to `width`. */
static void column(struct buf *out, const char *label, uint64_t number, size_t width)
{
    buf_append(out, text_span(label));
    go_text_padded_number(out, (int64_t)number, width);
}

/* Appends "[NAME    ]", padded within the brackets. */
static void name_column(struct buf *out, const struct name *name, size_t width)
{
    text_append(out, "[");
    go_text_padded(out, name_span(name), width);
    text_append(out, "]");
}

static void append_latency(struct buf *out, const struct stats_latency *latency)
{
    text_append(out, " e2e%: ");
    for (size_t i = 0; i < latency->n; i++) {
        if (i > 0) {
            text_append(out, ", ");
        }
        go_text_latency(out, latency->values[i]);
    }
    text_append(out, "\n");
}

static void memory_line(struct buf *out, const char *name, uint64_t number)
{
    text_append(out, "   ");
    go_text_padded(out, text_span(name), 25);
    text_append(out, "\t");
    text_append_unsigned(out, number);
    text_append(out, "\n");
}

static void append_memory(struct buf *out, const struct stats_memory *m)
{
    text_append(out, "\nMemory:\n");
    memory_line(out, "heap_objects", m->heap_objects);
    memory_line(out, "heap_idle_bytes", m->heap_idle_bytes);
    memory_line(out, "heap_in_use_bytes", m->heap_in_use_bytes);
    memory_line(out, "heap_released_bytes", m->heap_released_bytes);
    memory_line(out, "gc_pause_usec_100", m->gc_pause_usec_100);
    memory_line(out, "gc_pause_usec_99", m->gc_pause_usec_99);
    memory_line(out, "gc_pause_usec_95", m->gc_pause_usec_95);
    memory_line(out, "next_gc_bytes", m->next_gc_bytes);
    memory_line(out, "gc_total_runs", m->gc_total_runs);
}

static void head(struct stats *stats, struct buf *out)
{
    text_append(out, "nsqd v" NSQ_COMPATIBILITY " (built w/c11-nsqref-" NSQREF_VERSION ")\n");
    text_append(out, "start_time ");
    go_text_rfc3339(out, stats->server.start_time / TIME_SECOND, stats->server.zone);
    text_append(out, "\nuptime ");
    go_text_duration(out, stats->server.uptime);
    text_append(out, "\n\nHealth: ");
    buf_append(out, stats->server.health);
    text_append(out, "\n");
    if (stats->memory) {
        append_memory(out, &stats->server.memory);
    }
}

static void begin_topic(struct stats *stats, struct buf *out)
{
    const struct stats_topic *t = &stats->topic;
    if (!stats->listed) {
        text_append(out, "\nTopics:");
    }
    buf_append(out, t->paused ? SPAN("\n*P ") : SPAN("\n   "));
    name_column(out, &t->name, 15);
    column(out, " depth: ", t->depth, 5);
    column(out, " be-depth: ", 0, 5);
    column(out, " msgs: ", t->message_count, 8);
    append_latency(out, &t->latency);
}

static void begin_channel(struct stats *stats, struct buf *out)
{
    const struct stats_channel *c = &stats->channel;
    buf_append(out, c->paused ? SPAN("   *P ") : SPAN("      "));
    name_column(out, &c->name, 25);
    column(out, " depth: ", c->depth, 5);
    column(out, " be-depth: ", 0, 5);
    column(out, " inflt: ", c->in_flight_count, 4);
    column(out, " def: ", c->deferred_count, 4);
    column(out, " re-q: ", c->requeue_count, 5);
    column(out, " timeout: ", c->timeout_count, 5);
    column(out, " msgs: ", c->message_count, 8);
    append_latency(out, &c->latency);
}

/* Appends "[V2 HOST:PORT AGENT   ] ". */
static void append_id(struct buf *out, const struct stats_client *c)
{
    struct buf id = {0};
    buf_append(&id, c->hostname);
    text_append(&id, ":");
    buf_append(&id, c->port);
    text_append(&id, " ");
    buf_append(&id, c->user_agent);
    text_append(out, "[V2 ");
    go_text_padded(out, buf_span(&id), 21);
    text_append(out, "]");
    buf_free(&id);
}

static void append_published(struct buf *out, const struct stats_client *c)
{
    column(out, " msgs: ", c->pub_count, 8);
    text_append(out, " topics: ");
    buf_append(out, c->pub_topic);
    text_append(out, "=");
    text_append_unsigned(out, c->pub_count);
}

static void append_consumed(struct buf *out, const struct stats_client *c)
{
    text_append(out, " state: ");
    text_append_decimal(out, c->state);
    column(out, " inflt: ", (uint64_t)c->in_flight_count, 4);
    column(out, " rdy: ", (uint64_t)c->ready_count, 4);
    column(out, " fin: ", c->finish_count, 8);
    column(out, " re-q: ", c->requeue_count, 8);
    column(out, " msgs: ", c->message_count, 8);
}

/* A client that has published is shown as a producer also when it consumes. */
static void client(struct stats *stats, struct buf *out, const struct stats_client *c, int64_t wall)
{
    if (stats->step == STATS_PRODUCER) {
        buf_append(out, stats->listed ? SPAN("   ") : SPAN("\nProducers:\n   "));
    } else {
        text_append(out, "        ");
    }
    append_id(out, c);
    if (c->pub_topic.n > 0) {
        append_published(out, c);
    } else {
        append_consumed(out, c);
    }
    /* nsqd knows the whole second in which the client came. */
    int64_t connected = wall - c->connected * TIME_SECOND;
    text_append(out, " connected: ");
    go_text_duration(out, connected - connected % TIME_SECOND);
    text_append(out, "\n");
}

static void end_topics(struct stats *stats, struct buf *out)
{
    if (!stats->listed) {
        text_append(out, "\nTopics: None\n");
    }
}

static void end_producers(struct stats *stats, struct buf *out)
{
    if (!stats->listed) {
        text_append(out, "\nProducers: None\n");
    }
}

static void nothing(struct stats *stats, struct buf *out)
{
    (void)stats;
    (void)out;
}

const struct stats_form stats_text = {
    .head = head,
    .begin_topic = begin_topic,
    .end_topic = nothing,
    .begin_channel = begin_channel,
    .end_channel = nothing,
    .client = client,
    .end_topics = end_topics,
    .end_producers = end_producers,
};
