/* SPDX-License-Identifier: MIT */
/*
 * Owns: writing JSON, by yajl's generator, into a buffer.
 */
#ifndef CONFORM_JSON_OUT_H
#define CONFORM_JSON_OUT_H

#include "base/buf.h"

struct json_out {
    struct yajl_gen_t *gen;
};

/* A document, with two spaces of indentation. It ends with json_end, which adds a newline. */
void json_begin(struct json_out *json, struct buf *out);
void json_end(struct json_out *json);

void json_open(struct json_out *json);
void json_open_member(struct json_out *json, const char *key);
void json_close(struct json_out *json);

/* `key` is NULL where there is none: in a list, or for the document itself. */
void json_open_list(struct json_out *json, const char *key);
void json_close_list(struct json_out *json);

void json_text(struct json_out *json, const char *key, struct span text);
void json_number(struct json_out *json, const char *key, int64_t number);

/* A list of the pieces of a text between single spaces, or of its lines. */
void json_words(struct json_out *json, const char *key, struct span text);
void json_lines(struct json_out *json, const char *key, struct span text);

#endif
