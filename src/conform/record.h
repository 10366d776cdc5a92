/* SPDX-License-Identifier: MIT */
/*
 * Owns: making a session file from the bytes that a proxy has forwarded, and from their times. Must
 * not know: sockets, codecs and the clock.
 *
 * The names of topics and channels, and the message ids, differ between runs. So the file has
 * variables in place of these names and ids. Heartbeats, and the NOPs that answer them, are left
 * out. Host names and process ids in an IDENTIFY are replaced. In the answer to an IDENTIFY, a
 * member keeps its value only if the client has requested this member (record_json.h). The order is
 * partial: replies stay in order, and messages may come at any time. When the clients send nothing
 * for some time, the file has a step that waits.
 *
 * A connection that begins with the magic of V1 is one between an nsqd and an nsqlookupd. Then the
 * file is about nsqlookupd, and all connections must speak V1.
 *
 * When a client closes its output, a proxy cannot know at once whether the client still reads. The
 * file has a step "> end" (the client still reads) if both of these are true:
 *   - After the client had closed its output, the server sent something other than heartbeats.
 *   - record_client_gone was not called for the connection.
 * Otherwise the file has a step "> close".
 */
#ifndef CONFORM_RECORD_H
#define CONFORM_RECORD_H

#include <nsq/command.h>

#include "base/buf.h"
#include "conform/session_file.h"

#define RECORD_CONNS_MAX TRANSCRIPT_CONNS_MAX

/* The largest size of the steps, in bytes. A file with a header and steps of this size is small
 * enough for the parser. Further events are not recorded. */
#define RECORD_STEPS_MAX ((size_t)TRANSCRIPT_SIZE_MAX - 16384)
#define RECORD_NAMES_MAX 256   /* the largest number of topics, channels and message ids together */
#define RECORD_KEY_MAX 256     /* bytes of the longest record_name.key */
#define RECORD_ROUND 100000000 /* ns: waits are rounded to multiples of this */

struct record_name {
    uint8_t
        key[RECORD_KEY_MAX]; /* the name on the wire; for a message id: its topic, then the id */
    size_t key_size;
    char kind;       /* 't' topic, 'c' channel, 'm' message id */
    unsigned number; /* number of the name among the names of its kind, from 1 */
};

struct record_conn {
    bool magic_seen;
    bool v1;           /* the client speaks V1, with an nsqlookupd */
    bool heartbeat;    /* the next NOP answers a heartbeat */
    bool client_ended; /* the client closed its output; later events show whether it still reads */
    bool reads_on;     /* the client has read bytes after it closed its output */
    bool ended;        /* no more is recorded for this connection */
    struct buf late;   /* the bytes that the server has sent since client_ended became true */
    struct buf from_client; /* the beginning of a command */
    struct buf from_server; /* the beginning of a frame */
    uint8_t
        topic[64]; /* the topic of the connection's SUB; message ids are unique only in a topic */
    size_t topic_size;
    struct buf asked; /* the body of an IDENTIFY whose answer in JSON has not arrived yet */
};

struct record {
    struct record_conn conns[RECORD_CONNS_MAX];
    size_t conn_count;
    struct record_name names[RECORD_NAMES_MAX];
    size_t name_count;
    int64_t pause; /* ns: the shortest silence of the clients that becomes a wait; 0: no waits */
    int64_t last;  /* ns: the time of the last recorded event */
    bool needs[UPGRADE_KINDS]; /* the codecs that were enabled */
    bool lookup;               /* a client speaks V1: the file is about nsqlookupd */
    struct buf steps;
    struct buf literal; /* text of the current step; it will be written as one string */
    bool spaced;        /* the next item needs a space before it */
    const char *broken; /* why something could not be recorded; NULL: everything was recorded */
};

/* A struct of zeros is an empty recording without waits. Connections are numbered from 0 in the
 * order in which they are opened. `now` is in ns and never decreases. */
void record_open(struct record *r, int64_t now);
void record_from_client(struct record *r, size_t conn, struct span bytes, int64_t now);
void record_from_server(struct record *r, size_t conn, struct span bytes, int64_t now);
/* Records that both sides enable this codec. The bytes in later calls are decoded bytes. */
void record_upgrade(struct record *r, size_t conn, const struct step *upgrade);
/* Records that the client has closed its output. */
void record_client_end(struct record *r, size_t conn, int64_t now);
/* Records that the client is gone. So the client has not read the bytes that the server has sent
 * since the call of record_client_end. */
void record_client_gone(struct record *r, size_t conn, int64_t now);
void record_server_end(struct record *r, size_t conn, int64_t now);
/* Records that the server is restarted. This closes all connections. */
void record_restart(struct record *r, int64_t now);

struct record_header {
    struct span id;
    struct span title;
    struct span level; /* of the case: "SHOULD" */
    struct span flags; /* the server's flags; may be empty. If the flags contain {auth}, the file
                          needs "auth" */
};

/* Appends the file: its header and its steps. Returns false if something could not be recorded.
 * Then r->broken is the reason. */
bool record_print(struct record *r, const struct record_header *header, struct buf *out);
void record_free(struct record *r);

#endif
