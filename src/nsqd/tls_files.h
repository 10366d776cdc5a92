/* SPDX-License-Identifier: MIT */
/*
 * Owns: the files that the flags for TLS name, and the TLS contexts that are made from these files.
 * Only tls_files.c reads these files. (program/process.c reads the file of --config.)
 */
#ifndef NSQD_TLS_FILES_H
#define NSQD_TLS_FILES_H

#include "codec/tls.h"
#include "nsqd/options.h"

/* At most this many bytes of a file are read. The rest of a longer file is not read, so the file is
 * refused like a damaged file. A file with all the authorities of a system has about a quarter of
 * this size. */
#define TLS_FILES_MAX ((size_t)1 << 20)

struct tls_files {
    struct tls *server; /* for clients; NULL: this server does not offer TLS */
    struct tls *client; /* for this server's own requests; NULL: no request needs TLS */
};

/* The function `serve` of struct options_tls. `context` is a struct tls_files whose `server` is
 * NULL. */
bool tls_files_serve(void *context, const struct options *o, struct line *why);

/* The function `request` of struct options_tls. `context` is a struct tls_files whose `client` is
 * NULL. */
bool tls_files_request(void *context, const struct options *o, struct line *why);

/* Releases both contexts. If a connection still uses a context, the context is freed after that
 * connection. */
void tls_files_free(struct tls_files *files);

#endif
