/* SPDX-License-Identifier: MIT */
/* Leads a report from its beginning to its last datagram. */
#include "api/statsd.h"

#include <assert.h>

#include "base/text.h"

static size_t packet_size(int64_t size)
{
    if (size <= 0) {
        return STATSD_PACKET_DEFAULT;
    }
    return size < STATSD_PACKET_MAX ? (size_t)size : STATSD_PACKET_MAX;
}

void statsd_init(struct statsd *s, const struct statsd_config *config, struct broker *broker,
                 struct log *log)
{
    const struct latency_config *latency = &broker->core.config.latency;
    *s = (struct statsd){.config = *config,
                         .broker = broker,
                         .log = log,
                         .state = config->address.n > 0 ? STATSD_NEW : STATSD_OFF};
    statsd_prefix(&s->prefix, config->prefix, config->host, config->port);
    statsd_rows_init(&s->rows, &broker->core.budget, latency->percentile_count);
    s->packets = (struct statsd_packets){.prefix = buf_span(&s->prefix),
                                         .percentiles = latency->percentiles,
                                         .size = packet_size(config->packet_size)};
}

void statsd_free(struct statsd *s)
{
    stats_walk_end(&s->walk);
    statsd_rows_free(&s->rows);
    statsd_packets_free(&s->packets);
    buf_free(&s->prefix);
}

/* --- the end of a report ---------------------------------------------------------------------- */

static void turn_off(struct statsd *s)
{
    s->state = STATSD_OFF;
    log_say(s->log, LOG_INFO, "STATSD: closing", SPAN(""));
}

/* Waits for the next report. */
static void end_report(struct statsd *s)
{
    s->state = STATSD_WAITING;
    if (s->stopping) {
        turn_off(s);
    }
}

/* An opening that the shell was asked for and has not answered is given up. The shell must hear of
 * this, because its look-up of the name may go on for long. */
static void give_up(struct statsd *s)
{
    if (s->state == STATSD_OPENING && s->asked) {
        s->given_up = true;
    }
}

void statsd_stop(struct statsd *s)
{
    s->stopping = true;
    if (s->state == STATSD_NEW || s->state == STATSD_WAITING || s->state == STATSD_OPENING) {
        give_up(s);
        turn_off(s);
    }
}

/* --- the socket ------------------------------------------------------------------------------- */

/* The beginnings of reports are whole intervals apart. When the server was behind, some are left
 * out. */
static void begin_report(struct statsd *s, int64_t now)
{
    int64_t interval = s->config.interval;
    s->due = time_after(now, interval - (now - s->due) % interval);
    s->state = STATSD_OPENING;
    s->ticket = (s->ticket + 1) | STATSD_TICKET;
    s->asked = false;
    s->give_up = time_after(now, STATSD_OPEN_TIMEOUT);
}

static void fail_to_open(struct statsd *s)
{
    log_say(s->log, LOG_ERROR, "failed to create UDP socket to statsd(%)", s->config.address);
    end_report(s);
}

void statsd_answer(struct statsd *s, uint64_t ticket, struct span why)
{
    if (s->state != STATSD_OPENING || ticket != s->ticket) {
        return; /* too late */
    }
    if (why.n > 0) {
        fail_to_open(s);
        return;
    }
    log_say(s->log, LOG_INFO, "STATSD: pushing stats to %", s->config.address);
    s->walk = stats_walk_start(s->broker, NULL, SPAN(""), SPAN(""));
    s->part = STATSD_PART_TOPIC;
    s->has_found = false;
    s->state = STATSD_COLLECTING;
    statsd_rows_begin(&s->rows);
    statsd_packets_begin(&s->packets);
}

/* --- collecting ------------------------------------------------------------------------------- */

static void find_topic(struct statsd *s, int64_t now)
{
    const struct topic *topic = stats_walk_next_topic(&s->walk);
    if (topic == NULL) {
        s->part = STATSD_PART_MEMORY;
        return;
    }
    if (topic->ephemeral && s->config.exclude_ephemeral) {
        return;
    }
    const struct stats_topic t = stats_of_topic(topic);
    s->found = (struct statsd_figures){
        .kind = STATSD_TOPIC,
        .name = t.name,
        .values = {t.message_count, t.message_bytes, t.depth, 0 /* nothing is on a disk yet */}};
    bool sums = stats_walk_begin_sum(&s->walk, now);
    s->has_found = !sums;
    s->part = sums ? STATSD_PART_SUM : STATSD_PART_CHANNEL;
}

static void find_channel(struct statsd *s, int64_t now)
{
    const struct channel *channel = stats_walk_next_channel(&s->walk);
    if (channel == NULL) {
        s->part = STATSD_PART_TOPIC;
        return;
    }
    if (channel->ephemeral && s->config.exclude_ephemeral) {
        return;
    }
    const struct stats_channel c = stats_of_channel(channel);
    s->found = (struct statsd_figures){.kind = STATSD_CHANNEL,
                                       .name = c.name,
                                       .values = {c.message_count, c.depth, 0, c.in_flight_count,
                                                  c.deferred_count, c.requeue_count,
                                                  c.timeout_count, c.client_count}};
    stats_read_latency(channel->latency, &s->found.latency, now);
    s->has_found = true;
}

static void find_memory(struct statsd *s)
{
    const struct stats_memory m = stats_of_memory(&s->broker->core.budget);
    s->found = (struct statsd_figures){
        .kind = STATSD_MEMORY,
        .values = {m.heap_objects, m.heap_idle_bytes, m.heap_in_use_bytes, m.heap_released_bytes,
                   m.gc_pause_usec_100, m.gc_pause_usec_99, m.gc_pause_usec_95, m.next_gc_bytes,
                   m.gc_total_runs}};
    s->has_found = s->config.memory;
    s->part = STATSD_PART_REST;
}

static void begin_to_send(struct statsd *s, int64_t now)
{
    size_t count = s->packets.count;
    if (count == 0) {
        end_report(s);
        return;
    }
    s->state = STATSD_SENDING;
    s->began = now;
    s->gap = (s->config.interval - TIME_SECOND) / (int64_t)count;
    s->sent = 0;
    s->allowed = 0;
    statsd_packets_rewind(&s->packets, &s->rows);
}

/* Finds the next figures, or goes on to the next part. */
static void find(struct statsd *s, int64_t now)
{
    switch (s->part) {
    case STATSD_PART_TOPIC:
        find_topic(s, now);
        break;
    case STATSD_PART_SUM:
        if (stats_walk_add(&s->walk, &s->found.latency, now)) {
            s->has_found = true;
            s->part = STATSD_PART_CHANNEL;
        }
        break;
    case STATSD_PART_CHANNEL:
        find_channel(s, now);
        break;
    case STATSD_PART_MEMORY:
        find_memory(s);
        break;
    case STATSD_PART_REST:
        if (!statsd_rows_drop(&s->rows)) {
            begin_to_send(s, now);
        }
        break;
    }
}

/* Does one step at least. Each step finds, writes or drops at most one row. */
static void collect(struct statsd *s, int64_t now)
{
    do {
        size_t bytes = 0;
        if (s->has_found) {
            const struct statsd_row *row = statsd_rows_visit(&s->rows, &s->found);
            s->has_found = row == NULL;
            bytes = row == NULL ? 0 : statsd_packets_count(&s->packets, row);
        } else {
            find(s, now);
        }
        stats_walk_count(&s->walk, false, bytes);
    } while (s->state == STATSD_COLLECTING && effort_is_left(&s->broker->core.effort));
}

/* --- sending ---------------------------------------------------------------------------------- */

static int64_t next_datagram_at(const struct statsd *s)
{
    return s->stopping ? TIME_PAST : time_after(s->began, (int64_t)s->sent * s->gap);
}

/* Counts the datagrams that are due. */
static void allow(struct statsd *s, int64_t now)
{
    size_t most = STATSD_BYTES_A_STEP / s->packets.size;
    most = most > STATSD_DATAGRAMS_A_STEP ? STATSD_DATAGRAMS_A_STEP : most;
    size_t due = s->packets.count;
    if (!s->stopping && s->gap > 0 && (now - s->began) / s->gap < (int64_t)due) {
        due = (size_t)((now - s->began) / s->gap) + 1;
    }
    due = due > s->packets.count ? s->packets.count : due;
    s->allowed = due - s->sent < most ? due - s->sent : most;
}

static struct span next_datagram(struct statsd *s)
{
    struct span bytes = statsd_packets_next(&s->packets);
    s->allowed--;
    s->sent++;
    if (s->sent == s->packets.count) {
        assert(statsd_packets_done(&s->packets));
        end_report(s);
    }
    return bytes;
}

/* --- what the program calls ------------------------------------------------------------------- */

void statsd_step(struct statsd *s, int64_t now)
{
    switch (s->state) {
    case STATSD_OFF:
        break;
    case STATSD_NEW:
        s->due = time_after(now, s->config.interval);
        s->state = STATSD_WAITING;
        break;
    case STATSD_WAITING:
        if (now >= s->due) {
            begin_report(s, now);
        }
        break;
    case STATSD_OPENING:
        if (now >= s->give_up) {
            give_up(s);
            fail_to_open(s);
        }
        break;
    case STATSD_COLLECTING:
        collect(s, now);
        break;
    case STATSD_SENDING:
        allow(s, now);
        break;
    }
}

int64_t statsd_next_deadline(const struct statsd *s)
{
    switch (s->state) {
    case STATSD_WAITING:
        return s->due;
    case STATSD_OPENING:
        return s->give_up;
    case STATSD_NEW:
    case STATSD_COLLECTING:
        return TIME_PAST;
    case STATSD_SENDING:
        return next_datagram_at(s);
    case STATSD_OFF:
        break;
    }
    return TIME_NEVER;
}

struct ask statsd_next_ask(struct statsd *s)
{
    if (s->given_up) {
        s->given_up = false;
        return (struct ask){.kind = ASK_UDP_CLOSE};
    }
    if (s->state == STATSD_OPENING && !s->asked) {
        s->asked = true;
        return (struct ask){
            .kind = ASK_UDP_OPEN, .ticket = s->ticket, .address = s->config.address};
    }
    if (s->state == STATSD_SENDING && s->allowed > 0) {
        return (struct ask){.kind = ASK_UDP_SEND, .bytes = next_datagram(s)};
    }
    return (struct ask){.kind = ASK_NONE};
}
