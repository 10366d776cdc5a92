/* SPDX-License-Identifier: MIT */
/*
 * Owns: the files that the flags for TLS name, and what becomes of them. The only part of the
 * command line that reads files besides main.c.
 */
#ifndef NSQD_TLS_FILES_H
#define NSQD_TLS_FILES_H

#include "codec/tls.h"
#include "nsqd/options.h"

/* A file of this many bytes or more is cut there, and fails as a damaged one: the authorities of a
 * whole system are a quarter of it. */
#define TLS_FILES_MAX ((size_t)1 << 20)

struct tls_files {
    struct tls *server; /* for clients; NULL: TLS is not offered */
    struct tls *client; /* for nsqd's own requests; NULL: there are none that need it */
};

/* The calls of struct options_tls; the context is a struct tls_files of NULLs. */
bool tls_files_serve(void *context, const struct options *o, struct line *why);
bool tls_files_request(void *context, const struct options *o, struct line *why);

/* Gives both up; what still uses them keeps them. */
void tls_files_free(struct tls_files *files);

#endif
