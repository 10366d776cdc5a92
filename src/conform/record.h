/* SPDX-License-Identifier: MIT */
/*
 * Owns: turning the bytes that a proxy passed on, and their times, into a session file. Must not
 * know: sockets, codecs and the clock.
 *
 * Values that differ from run to run become names: topics, channels, message ids. Heartbeats and
 * the NOPs that answer them are left out. Hosts and process ids in an IDENTIFY are replaced. Of the
 * answer to an IDENTIFY only those members are kept on which a client can depend. The order is
 * partial: replies in order, messages at any time. A silence of the clients becomes a wait.
 *
 * A proxy cannot tell at once whether a client has closed or has only ended its output. It has
 * ended its output ("> end") when the server sent more than heartbeats afterwards and the client
 * did not turn out to be gone. Otherwise it has closed ("> close").
 */
#ifndef CONFORM_RECORD_H
#define CONFORM_RECORD_H

#include <nsq/command.h>

#include "base/buf.h"
#include "conform/session_file.h"

#define RECORD_CONNS_MAX 32
#define RECORD_NAMES_MAX 256   /* topics, channels and message ids together */
#define RECORD_KEY_MAX 256     /* bytes of a name's key */
#define RECORD_ROUND 100000000 /* ns: waits are rounded to multiples of this */

struct record_name {
    uint8_t key[RECORD_KEY_MAX]; /* the name or id on the wire */
    size_t key_size;
    char kind;       /* 't' topic, 'c' channel, 'm' message id */
    unsigned number; /* of its kind, from 1 */
};

struct record_conn {
    bool magic_seen;
    bool heartbeat;         /* the next NOP answers a heartbeat */
    bool client_ended;      /* the client ended its output; whether it still reads is known later */
    bool reads_on;          /* the client has read after its end */
    bool ended;             /* nothing more is recorded */
    struct buf late;        /* what the server has sent since client_ended */
    struct buf from_client; /* the beginning of a command */
    struct buf from_server; /* the beginning of a frame */
    uint8_t topic[64];      /* the topic of its SUB: message ids are unique only within a topic */
    size_t topic_size;
};

struct record {
    struct record_conn conns[RECORD_CONNS_MAX];
    size_t conn_count;
    struct record_name names[RECORD_NAMES_MAX];
    size_t name_count;
    int64_t pause; /* ns: the shortest silence of the clients that becomes a wait; 0: no waits */
    int64_t last;  /* ns: the time of the last recorded event */
    bool needs[UPGRADE_KINDS]; /* codecs that were enabled */
    struct buf steps;
    struct buf literal; /* text of the current step that will be one string */
    bool spaced;        /* the next item needs a space in front */
    const char *broken; /* what could not be recorded; NULL: all was recorded */
};

/* All zeros is an empty recording without waits. Connections are numbered from 0 in the order in
 * which they are opened. `now` is in ns and never goes back. */
void record_open(struct record *r, int64_t now);
void record_from_client(struct record *r, size_t conn, struct span bytes, int64_t now);
void record_from_server(struct record *r, size_t conn, struct span bytes, int64_t now);
/* Both sides enable this codec. The bytes of later calls are decoded. */
void record_upgrade(struct record *r, size_t conn, const struct step *upgrade);
/* The client has ended its output. */
void record_client_end(struct record *r, size_t conn, int64_t now);
/* The client has closed: what the server has sent since the client's end was not read. */
void record_client_gone(struct record *r, size_t conn, int64_t now);
void record_server_end(struct record *r, size_t conn, int64_t now);

struct record_header {
    struct span id;
    struct span title;
    struct span flags; /* the server's flags; may be empty. {auth} in them adds "auth" to "needs" */
};

/* Appends the file: its header and the steps. False, and r->broken says why, when something could
 * not be recorded. */
bool record_print(struct record *r, const struct record_header *header, struct buf *out);
void record_free(struct record *r);

#endif
