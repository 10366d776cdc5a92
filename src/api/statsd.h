/* SPDX-License-Identifier: MIT */
/*
 * Owns: nsqd's reports to a statsd server: when a report begins, how its figures are collected, and
 * when each datagram is sent. Must not know: sockets, clocks, name look-ups.
 *
 * The life of a report, as in nsqd:
 *
 *     WAITING      Each interval, counted from the first step, a report begins.
 *     OPENING      The shell opens a UDP socket to the server (ASK_UDP_OPEN). If this fails, or
 *                  takes longer than a second, the report is left out. If it takes too long, the
 *                  shell must also stop opening the socket (ASK_UDP_CLOSE). The next report then
 *                  tells how much the counts have grown since the last report that was made.
 *     COLLECTING   The figures of all topics and channels are copied, in several steps. A topic or
 *                  channel that is made or deleted meanwhile may be missing.
 *     SENDING      The datagrams are sent (ASK_UDP_SEND). They are spread evenly over the interval
 *                  minus one second.
 *
 * When the program ends in the state COLLECTING or SENDING, the rest of the report is sent without
 * pauses. In the other states nothing is sent.
 *
 * In the prefix, "%s" is replaced by the broadcast address and the port. Every other "%" is sent
 * as it is (departure 70).
 *
 * Memory: one row for each topic and channel of the last report (api/statsd_rows.h), counted by the
 * memory budget; and one datagram.
 */
#ifndef API_STATSD_H
#define API_STATSD_H

#include "api/stats_walk.h"
#include "api/statsd_packets.h"
#include "serve/handler.h"

#define STATSD_PACKET_DEFAULT 4096 /* bytes: nsqd's packet size when the flag is 0 or less */
/* Bytes: the largest datagram of UDP over IPv4. A larger packet size counts as this one, because
 * larger datagrams would be lost. */
#define STATSD_PACKET_MAX 65507
/* One step requests the sending of at most this many datagrams and about this many bytes. So this
 * server does not send a whole report at once when it is late. */
#define STATSD_DATAGRAMS_A_STEP 16
#define STATSD_BYTES_A_STEP 65536
#define STATSD_OPEN_TIMEOUT TIME_SECOND

/* Set in the ticket of every ASK_UDP_OPEN, and in no other ticket of the program. */
#define STATSD_TICKET ((uint64_t)1 << 63)

/* The spans are borrowed. */
struct statsd_config {
    struct span address; /* "host:port"; empty: no reports are made */
    int64_t interval;    /* ns, > 1 s */
    struct span prefix;  /* --statsd-prefix; each "%s" in it stands for the next two fields */
    struct span host;
    int64_t port;           /* of HTTP */
    int64_t packet_size;    /* bytes; see the constants */
    bool memory;            /* reports tell the figures of the memory */
    bool exclude_ephemeral; /* reports leave out ephemeral topics and channels */
};

enum statsd_state {
    STATSD_OFF, /* no reports are made, or the program has ended */
    STATSD_NEW, /* before the first step */
    STATSD_WAITING,
    STATSD_OPENING,
    STATSD_COLLECTING,
    STATSD_SENDING,
};

/* The next part of the collection. */
enum statsd_part {
    STATSD_PART_TOPIC,   /* the next topic, or the end of the topics */
    STATSD_PART_SUM,     /* the latencies of one more channel of the topic */
    STATSD_PART_CHANNEL, /* the next channel, or the end of the topic */
    STATSD_PART_MEMORY,
    STATSD_PART_REST, /* rows of topics and channels that do not exist any more */
};

struct statsd {
    struct statsd_config config;
    struct broker *broker;
    struct log *log;
    struct buf prefix; /* of every name */
    enum statsd_state state;
    int64_t due; /* when the next report begins */

    uint64_t ticket; /* OPENING: of the last ASK_UDP_OPEN */
    bool asked;      /* OPENING: next_ask has returned it */
    int64_t give_up; /* OPENING: the time at which the socket is too late */
    bool given_up;   /* the socket was too late, and next_ask has not yet told the shell */

    struct stats_walk walk; /* COLLECTING */
    enum statsd_part part;
    struct statsd_figures found; /* the figures of the next row; valid while has_found is true */
    bool has_found;              /* `found` is set, and is not in `rows` yet */
    struct statsd_rows rows;
    struct statsd_packets packets;

    int64_t began; /* SENDING: the time of the first datagram */
    int64_t gap;   /* ns between two datagrams */
    size_t sent;
    size_t allowed; /* the number of datagrams that may be sent now */
    bool stopping;
};

/* Must not be moved afterwards. The configuration is copied, the other arguments are borrowed. */
void statsd_init(struct statsd *statsd, const struct statsd_config *config, struct broker *broker,
                 struct log *log);
void statsd_free(struct statsd *statsd);

/* Must be called in each step, with effort (broker_begin_share). */
void statsd_step(struct statsd *statsd, int64_t now);

/* Returns the time at which the next step is due. */
int64_t statsd_next_deadline(const struct statsd *statsd);

/* Returns the next request to the shell. */
struct ask statsd_next_ask(struct statsd *statsd);

/* Tells the result of an ASK_UDP_OPEN: `why` is empty when the socket is open. */
void statsd_answer(struct statsd *statsd, uint64_t ticket, struct span why);

/* Tells that the program ends. statsd_stopped becomes true when everything was sent. Until then,
 * steps are needed. */
void statsd_stop(struct statsd *statsd);
static inline bool statsd_stopped(const struct statsd *statsd)
{
    return statsd->state == STATSD_OFF;
}

#endif
