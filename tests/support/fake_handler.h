/* SPDX-License-Identifier: MIT */
/*
 * Owns: a tcp_handler that does what a test tells it to and remembers what the shell did: which
 * calls came, in which order, with what. Everything in it is for the test to read and to set.
 * Must not know: sockets.
 */
#ifndef TESTS_SUPPORT_FAKE_HANDLER_H
#define TESTS_SUPPORT_FAKE_HANDLER_H

#include "base/buf.h"
#include "serve/handler.h"

#define FAKE_CONNS_MAX 512

struct fake_conn {
    uint64_t id; /* 0: free */
    unsigned listener;
    char peer[160];

    size_t appetite;  /* bytes that recv will still consume, then READ is wanted no more; SIZE_MAX
                       * after open */
    size_t bite;      /* most bytes that one call consumes; SIZE_MAX after open */
    unsigned want;    /* bits of enum want; WRITE is added while there is output. READ after open */
    bool echo;        /* what is consumed is sent back */
    bool changed;     /* to be reported by next_changed */
    size_t span_size; /* out gives pieces of so many bytes; 0: one piece. 0 after open */
    struct buf out;   /* to be sent */
    struct buf in;    /* all that was consumed */
    size_t recvs;     /* calls of recv .. */
    size_t offered;   /* .. and the bytes of the last one */
    size_t for_codec; /* most bytes that a call of last consumes; 0 after open */
    size_t lasts;     /* calls of last that had bytes .. */
    size_t last_size; /* .. and the bytes of the last one */
    size_t eofs;      /* calls of eof .. */
    size_t in_at_eof; /* .. and what had been consumed by then */
    size_t sents;     /* calls of sent */
};

/* An ask waiting to be handed out. */
struct fake_ask {
    enum ask_kind kind;
    uint64_t ticket;
    struct log_event *event; /* owned */
    struct span bytes;       /* of ASK_UDP_OPEN and ASK_UDP_SEND; borrowed */
};

struct fake_handler {
    struct fake_conn conns[FAKE_CONNS_MAX];
    uint32_t generation;
    size_t open_count; /* connections that are open now */

    bool refuse;      /* open refuses */
    bool quiet;       /* recv and eof report no change; whoever sets want does not either */
    bool echo;        /* new connections echo */
    int64_t deadline; /* next_deadline; INT64_MAX: never */
    int64_t judged;   /* of the last step */
    int64_t *clock;   /* recv and out let time pass here: so many ns each; NULL: they take none */
    int64_t takes;
    struct fake_ask asks[8];
    size_t ask_count;
    struct span append_out; /* what an answer adds to the output of append_conn */
    uint64_t append_conn;

    uint64_t udp_ticket; /* of the last answer to an ASK_UDP_OPEN .. */
    char udp_why[160];   /* .. and why it failed; "": it did not */
    size_t udp_answers;

    size_t opens, refusals, steps, walls, residents, stops, answers;
    size_t crowd;    /* connections, as told last */
    size_t resident; /* bytes, as told last */
    size_t closed_as_wanted, closed_by_error;
    uint64_t last_opened, last_closed;
    int64_t wall_offset;
    bool wall_first; /* the first call of all was wall */
    bool slow_stop;  /* stop leaves the connections open */
    bool stopping;
};

void fake_handler_init(struct fake_handler *fake);
void fake_handler_free(struct fake_handler *fake);

/* What the shell sees; borrowed as long as the fake lives. */
struct tcp_handler fake_handler(struct fake_handler *fake);

/* A connection by its number, which must be open. */
struct fake_conn *fake_conn(struct fake_handler *fake, uint64_t id);

/* The connection that was opened last. */
struct fake_conn *fake_last(struct fake_handler *fake);

/* Changes what a connection wants, or adds to its output, and reports it. */
void fake_want(struct fake_conn *conn, unsigned want);
void fake_send(struct fake_conn *conn, struct span bytes);

/* Asks the shell for something at its next round. */
void fake_ask_log(struct fake_handler *fake, enum log_level level, const char *form,
                  struct span argument);
void fake_ask_append(struct fake_handler *fake, uint64_t ticket);
void fake_ask_udp_open(struct fake_handler *fake, uint64_t ticket, const char *address);
void fake_ask_udp_send(struct fake_handler *fake, struct span bytes);
void fake_ask_udp_close(struct fake_handler *fake);

#endif
