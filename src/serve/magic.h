/* SPDX-License-Identifier: MIT */
/*
 * Owns: a protocol that only reads the first four bytes of a connection, which are its magic. Then
 * it gives the connection to the protocol that has this magic. The TCP listeners of nsqd and
 * nsqlookupd use this protocol. HTTP listeners do not use it. Must not know: which protocols there
 * are.
 */
#ifndef SERVE_MAGIC_H
#define SERVE_MAGIC_H

#include "base/log.h"
#include "serve/conn.h"

#define MAGIC_SIZE 4 /* bytes */

/* One protocol that a client may choose. */
struct magic_row {
    struct span magic; /* MAGIC_SIZE bytes */
    const struct protocol *protocol;
    void *service; /* passed to the protocol */
};

/* The service of a listener whose protocol is magic_protocol. Everything is borrowed. */
struct magic_table {
    const struct magic_row *rows;
    size_t row_count;
    /* ns; a connection that has not sent its magic within this time is closed. Without this limit,
     * peers that send nothing could occupy all connections. 0: there is no limit. */
    int64_t timeout;
    struct span refusal; /* the bytes that are sent when no row has the client's magic */
    struct log *log;
    /* Forms of log lines (base/log.h). The first '%' is replaced by the peer's address, the second
     * one by the magic. NULL: the line is not written. */
    const char *chosen_form; /* INFO: a magic has arrived; it may be an unknown one */
    const char *bad_form;    /* ERROR: no row has this magic */
    const char *eof_form;    /* ERROR: the input has ended before the magic */
    const char *cut_form;    /* ERROR: the input has ended inside the magic */
    const char *late_form;   /* ERROR: the magic was not complete within the timeout */
};

extern const struct protocol magic_protocol;

#endif
