/* SPDX-License-Identifier: MIT */
/*
 * Owns: the protocol that only reads the first four bytes of a connection, its magic, and gives the
 * connection to the protocol that they name. nsqd's and nsqlookupd's TCP listeners begin with it;
 * HTTP's do not. Must not know: which protocols there are.
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
    void *service; /* handed to the protocol */
};

/* The service of a listener whose protocol is magic_protocol. Everything is borrowed. */
struct magic_table {
    const struct magic_row *rows;
    size_t row_count;
    struct span refusal; /* the answer to any other magic, as it stands on the wire */
    struct log *log;
    /* Forms of log lines, '%' is the peer's address, a second one the magic; NULL: no line. */
    const char *chosen_form; /* INFO: a magic has arrived */
    const char *bad_form;    /* ERROR: it names no protocol */
    const char *eof_form;    /* ERROR: the input has ended before there was one */
};

extern const struct protocol magic_protocol;

#endif
