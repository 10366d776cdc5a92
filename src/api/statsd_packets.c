/* SPDX-License-Identifier: MIT */
/* Writes the lines of a report and divides them into datagrams. */
#include "api/statsd_packets.h"

#include <assert.h>

#include "base/text.h"

/* --- the prefix ------------------------------------------------------------------------------- */

/* A host with a colon is an address of IPv6, which is written in brackets before a port. */
static void append_host_key(struct buf *out, struct span host, int64_t port)
{
    bool is_v6 = host.n > 0 && memchr(host.p, ':', host.n) != NULL;
    if (is_v6) {
        text_append(out, "[");
    }
    for (size_t i = 0; i < host.n; i++) {
        bool is_kept = host.p[i] != '.' && host.p[i] != ':';
        buf_append(out, is_kept ? span_make(host.p + i, 1) : SPAN("_"));
    }
    buf_append(out, is_v6 ? SPAN("]_") : SPAN("_"));
    text_append_decimal(out, port);
}

void statsd_prefix(struct buf *out, struct span form, struct span host, int64_t port)
{
    for (size_t i = 0; i < form.n; i++) {
        if (form.p[i] == '%' && i + 1 < form.n && form.p[i + 1] == 's') {
            append_host_key(out, host, port);
            i++;
        } else {
            buf_append(out, span_make(form.p + i, 1));
        }
    }
    struct span prefix = buf_span(out);
    if (prefix.n > 0 && prefix.p[prefix.n - 1] != '.') {
        text_append(out, ".");
    }
}

/* --- lines ------------------------------------------------------------------------------------ */

/* Returns the percentile in whole percent, as %.0f prints it: a half goes to the even number. */
static int64_t percent(double percentile)
{
    double exact = percentile * 100.0;
    int64_t whole = (int64_t)exact;
    double rest = exact - (double)whole;
    return whole + (rest > 0.5 || (rest == 0.5 && whole % 2 == 1) ? 1 : 0);
}

/* Appends the part of a name that all lines of a row have in common. */
static void append_row(struct buf *out, const struct statsd_packets *packets,
                       const struct statsd_row *row)
{
    buf_append(out, packets->prefix);
    if (row->kind == STATSD_MEMORY) {
        text_append(out, "mem.");
        return;
    }
    text_append(out, "topic.");
    buf_append(out, name_span(&packets->topic->name));
    if (row->kind == STATSD_CHANNEL) {
        text_append(out, ".channel.");
        buf_append(out, name_span(&row->name));
    }
    text_append(out, ".");
}

/* Sets packets->line to line number i of the row. Returns false if there is no such line. */
static bool write_line(struct statsd_packets *packets, const struct statsd_row *row, size_t i)
{
    size_t n;
    const struct statsd_line *lines = statsd_lines(row->kind, &n);
    struct buf *out = &packets->line;
    if (i >= n + row->percentile_count) {
        return false;
    }
    buf_drop(out, out->n);
    append_row(out, packets, row);
    if (i < n) {
        buf_append(out, text_span(lines[i].name));
    } else {
        text_append(out, "e2e_processing_latency_");
        text_append_decimal(out, percent(packets->percentiles[i - n]));
    }
    text_append(out, ":");
    text_append_decimal(out, i < n ? row->values[i] : row->percentiles[i - n]);
    buf_append(out, i < n && lines[i].is_count ? SPAN("|c\n") : SPAN("|g\n"));
    return true;
}

/* --- datagrams -------------------------------------------------------------------------------- */

/* Returns whether a line of n bytes begins a new datagram when the last one has `before` bytes. */
static bool begins_datagram(const struct statsd_packets *packets, size_t before, size_t n)
{
    return before > 0 && before + n > packets->size;
}

void statsd_packets_begin(struct statsd_packets *packets)
{
    packets->count = 0;
    packets->last_size = 0;
}

size_t statsd_packets_count(struct statsd_packets *packets, const struct statsd_row *row)
{
    size_t bytes = 0;
    packets->topic = row->kind == STATSD_TOPIC ? row : packets->topic;
    for (size_t i = 0; write_line(packets, row, i); i++) {
        size_t n = packets->line.n;
        if (packets->count == 0 || begins_datagram(packets, packets->last_size, n)) {
            packets->count++;
            packets->last_size = 0;
        }
        packets->last_size += n;
        bytes += n;
    }
    return bytes;
}

void statsd_packets_rewind(struct statsd_packets *packets, const struct statsd_rows *rows)
{
    packets->end = &rows->rows;
    packets->next = rows->rows.next;
    packets->next_line = 0;
}

/* Sets packets->line to the next line. Returns false when there is no more line. */
static bool find_line(struct statsd_packets *packets)
{
    while (packets->next != packets->end) {
        const struct statsd_row *row = container_of(packets->next, struct statsd_row, link);
        packets->topic = row->kind == STATSD_TOPIC ? row : packets->topic;
        if (write_line(packets, row, packets->next_line)) {
            return true;
        }
        packets->next = packets->next->next;
        packets->next_line = 0;
    }
    return false;
}

struct span statsd_packets_next(struct statsd_packets *packets)
{
    struct buf *out = &packets->datagram;
    buf_drop(out, out->n);
    while (find_line(packets) && !begins_datagram(packets, out->n, packets->line.n)) {
        buf_append(out, buf_span(&packets->line));
        packets->next_line++;
    }
    assert(out->n > 0);
    return buf_span(out);
}

void statsd_packets_free(struct statsd_packets *packets)
{
    buf_free(&packets->line);
    buf_free(&packets->datagram);
}
