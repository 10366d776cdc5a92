/* SPDX-License-Identifier: MIT */
/*
 * Owns: the reading of the JSON document in an auth server's answer, in slices. A document of one
 * megabyte takes about 10 ms. So a call reads only one slice, and uses effort (base/effort.h) for
 * it. Must not know: what the document means.
 */
#ifndef AUTH_AUTH_DOCUMENT_H
#define AUTH_AUTH_DOCUMENT_H

#include "base/effort.h"
#include "json/json.h"

/* The bytes of a slice. It has up to 12 bytes more if an escape would be cut at its end. */
#define AUTH_SLICE 8192

struct auth_document {
    struct json_reader *json;
    size_t at; /* bytes that are read */
};

/* Begins a document. The arguments are those of json_reader_new. The caller frees the document with
 * auth_document_free. */
void auth_document_begin(struct auth_document *document, const yajl_callbacks *callbacks,
                         void *context, size_t text_most);

/* Reads the next slice of the body. Every call must get the same body. Returns true when everything
 * is read. */
bool auth_document_read(struct auth_document *document, struct span body, struct effort *effort);

/* May be called once, when everything is read. Returns what json_reader_end returns: false if the
 * document is not valid JSON or if a callback has returned 0. */
bool auth_document_end(struct auth_document *document);

/* Returns how many bytes of memory the reading uses; 0 after auth_document_free. */
size_t auth_document_memory(const struct auth_document *document);

/* Frees the document. A second call for the same document does nothing. */
void auth_document_free(struct auth_document *document);

#endif
