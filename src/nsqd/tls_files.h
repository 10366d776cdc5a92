/* SPDX-License-Identifier: MIT */
/*
 * Owns: the files that the flags for TLS name, and the TLS contexts made of them. Besides main.c
 * this is the only part of the command line that reads files.
 */
#ifndef NSQD_TLS_FILES_H
#define NSQD_TLS_FILES_H

#include "codec/tls.h"
#include "nsqd/options.h"

/* A longer file is cut after this many bytes, and then fails as a damaged one does. All authorities
 * of a whole system take a quarter of it. */
#define TLS_FILES_MAX ((size_t)1 << 20)

struct tls_files {
    struct tls *server; /* for clients; NULL: TLS is not offered */
    struct tls *client; /* for nsqd's own requests; NULL: none needs TLS */
};

/* The functions of struct options_tls. `context` is a struct tls_files that holds two NULLs. */
bool tls_files_serve(void *context, const struct options *o, struct line *why);
bool tls_files_request(void *context, const struct options *o, struct line *why);

/* Releases both contexts; connections that still use them keep them alive. */
void tls_files_free(struct tls_files *files);

#endif
