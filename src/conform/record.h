/* SPDX-License-Identifier: MIT */
/*
 * Owns: turning what went through a proxy into a session file. Pure: it is told what passed, and
 * when.
 *
 * What differs from run to run becomes a value: topic and channel names, message ids. Heartbeats
 * and the NOPs that answer them are left out, hosts and process ids in an IDENTIFY are replaced,
 * and of the answer to an IDENTIFY only what the client can lean on is kept. The order is partial:
 * replies in order, messages when they come; a pause of the clients becomes a wait.
 *
 * A client that closes and one that ends its side only look alike. It has ended its side ("> end")
 * when the server said something afterwards, heartbeats apart, and the client did not turn out to
 * be gone; else it has closed ("> close").
 */
#ifndef CONFORM_RECORD_H
#define CONFORM_RECORD_H

#include <nsq/command.h>

#include "base/buf.h"
#include "conform/session_file.h"

#define RECORD_CONNS_MAX 32
#define RECORD_NAMES_MAX 256   /* topics, channels and message ids together */
#define RECORD_KEY_MAX 256     /* bytes of a name's key */
#define RECORD_ROUND 100000000 /* ns: waits are rounded to multiples of it */

struct record_name {
    uint8_t key[RECORD_KEY_MAX]; /* what was seen */
    size_t key_size;
    char kind;       /* 't', 'c', 'm' */
    unsigned number; /* of its kind, from 1 */
};

struct record_conn {
    bool magic_seen;
    bool heartbeat;         /* the next NOP answers one */
    bool client_ended;      /* it says no more; whether it reads on shows later */
    bool reads_on;          /* it did */
    bool ended;             /* nothing more of it is recorded */
    struct buf late;        /* what the server said since client_ended */
    struct buf from_client; /* not yet a whole command */
    struct buf from_server; /* not yet a whole frame */
    uint8_t topic[64];      /* that it is subscribed to: message ids are unique in a topic only */
    size_t topic_size;
};

struct record {
    struct record_conn conns[RECORD_CONNS_MAX];
    size_t conn_count;
    struct record_name names[RECORD_NAMES_MAX];
    size_t name_count;
    int64_t pause; /* ns of silence before a client's command that are worth a wait; 0: no waits */
    int64_t last;  /* ns, of the last event that is recorded */
    bool needs[UPGRADE_KINDS]; /* what was put on */
    struct buf steps;
    struct buf literal; /* text of the present step that becomes one string */
    bool spaced;        /* the next item needs a space in front */
    const char *broken; /* what could not be recorded; NULL: nothing */
};

/* All zeros is an empty recording without waits. Connections are numbered from 0 in the order of
 * their opening; times are ns that never go back. */
void record_open(struct record *r, int64_t now);
void record_from_client(struct record *r, size_t conn, struct span bytes, int64_t now);
void record_from_server(struct record *r, size_t conn, struct span bytes, int64_t now);
/* Both put this on; what they say from there on is told decoded. */
void record_upgrade(struct record *r, size_t conn, const struct step *upgrade);
/* The client says no more. */
void record_client_end(struct record *r, size_t conn, int64_t now);
/* Nor does it read: what the server has said since its end was lost. */
void record_client_gone(struct record *r, size_t conn, int64_t now);
void record_server_end(struct record *r, size_t conn, int64_t now);

struct record_header {
    struct span id;
    struct span title;
    struct span flags; /* of the server; empty: none. {auth} in it makes the file need auth */
};

/* Appends the file: its header and the steps. False, with r->broken, when
 * something could not be recorded. */
bool record_print(struct record *r, const struct record_header *header, struct buf *out);
void record_free(struct record *r);

#endif
