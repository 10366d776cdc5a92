/* SPDX-License-Identifier: MIT */
/*
 * Owns: the text of a report to statsd, and how its lines are divided into datagrams: a datagram
 * has as many whole lines as fit into the packet size. A line that is longer than the packet size
 * is a datagram of its own. A line is "PREFIX.topic.T.channel.C.NAME:VALUE|c\n" ("|g" for a gauge).
 * Must not know: where the figures come from, when datagrams are sent.
 *
 * The rows of a report are first counted, one after the other, while they are collected. So the
 * number of datagrams is known before the first one is sent. Then the datagrams are made one at a
 * time, and no other text is kept.
 */
#ifndef API_STATSD_PACKETS_H
#define API_STATSD_PACKETS_H

#include "api/statsd_rows.h"

struct statsd_packets {
    struct span prefix;        /* of every name; borrowed */
    const double *percentiles; /* of the configuration; borrowed */
    size_t size;               /* bytes: the packet size */

    size_t count;     /* datagrams that were counted */
    size_t last_size; /* bytes of the last one of them */

    const struct list *end;         /* the head of the rows */
    const struct list *next;        /* the row of the next line; `end`: there is no more row */
    size_t next_line;               /* the number of the next line in this row */
    const struct statsd_row *topic; /* the topic of the channels that come next */
    struct buf line;
    struct buf datagram;
};

/* Begins to count a report. */
void statsd_packets_begin(struct statsd_packets *packets);

/* Counts all lines of a row. The row of a topic comes before the rows of its channels. Returns the
 * number of bytes. */
size_t statsd_packets_count(struct statsd_packets *packets, const struct statsd_row *row);

/* Begins to make the datagrams of these rows, which were counted. They must not change until the
 * last datagram was made. */
void statsd_packets_rewind(struct statsd_packets *packets, const struct statsd_rows *rows);

/* Returns the next datagram, borrowed until the next call. Called packets->count times. */
struct span statsd_packets_next(struct statsd_packets *packets);

/* Returns whether no line is left over. */
static inline bool statsd_packets_done(const struct statsd_packets *packets)
{
    return packets->next == packets->end;
}

void statsd_packets_free(struct statsd_packets *packets);

/* Appends the prefix of all names as nsqd makes it: each "%s" in `form` is replaced by host:port,
 * with "_" in place of "." and ":". If the result does not end with ".", a "." is added. If `form`
 * is empty, the prefix is empty too. */
void statsd_prefix(struct buf *out, struct span form, struct span host, int64_t port);

#endif
