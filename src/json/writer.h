/* SPDX-License-Identifier: MIT */
/*
 * Owns: writing a JSON document: commas, colons, white space, and how strings are escaped. It
 * appends to a buffer of the caller and allocates nothing else.
 * Must not know: what any document means.
 *
 * The writer is a small value without pointers into the output. A long document can be written in
 * slices: keep the value between two calls; meanwhile the buffer may be sent and emptied, and
 * `out` may be set to another buffer.
 *
 * A document is one value. The caller writes values in their order; inside an object it writes a
 * key before each value. Everything else (two keys in sequence, an end that does not match, a
 * second document) is a mistake of the caller, which an assertion reports.
 */
#ifndef JSON_WRITER_H
#define JSON_WRITER_H

#include "base/buf.h"

#define JSON_WRITER_DEPTH_MAX 64 /* open objects and arrays at one time */

/* Strings are the same in all styles but for the characters <, > and &. */
enum json_style {
    JSON_GO,       /* as Go's json.Marshal: no white space; <, > and & are escaped */
    JSON_COMPACT,  /* no white space */
    JSON_INDENTED, /* for people: one member a line, two spaces a level, a newline at the end */
};

struct json_writer {
    struct buf *out;  /* where the next call appends; borrowed */
    uint64_t objects; /* one bit for each open container, the outermost lowest; 1: an object */
    unsigned depth;   /* open containers */
    enum json_style style;
    bool empty;     /* nothing has been written into the innermost container */
    bool after_key; /* the next thing is the value of a key */
};

/* A writer at the start of a document. `out` is borrowed; what it holds already stays. */
struct json_writer json_writer(struct buf *out, enum json_style style);

/* How many objects and arrays are open. */
static inline unsigned json_writer_depth(const struct json_writer *w)
{
    return w->depth;
}

/* Whether the document is complete. */
static inline bool json_writer_done(const struct json_writer *w)
{
    return w->depth == 0 && !w->empty;
}

/* A container is a value. At most JSON_WRITER_DEPTH_MAX can be open. */
void json_open_object(struct json_writer *w);
void json_close_object(struct json_writer *w);
void json_open_array(struct json_writer *w);
void json_close_array(struct json_writer *w);

/* The key of the next value; only in an object. It is escaped as a string is. */
void json_write_key(struct json_writer *w, struct span key);

/* Values. A byte of a string that is not valid UTF-8 becomes \ufffd, as in Go. */
void json_write_string(struct json_writer *w, struct span text);
void json_write_integer(struct json_writer *w, int64_t number);
void json_write_unsigned(struct json_writer *w, uint64_t number);
void json_write_bool(struct json_writer *w, bool value);
void json_write_null(struct json_writer *w);

/* A value that is JSON already, such as a number with a fraction. It is appended as it is. */
void json_write_raw(struct json_writer *w, struct span json);

/* A key and its value, or a key and the container that opens. `key` ends with a NUL. */
void json_member_string(struct json_writer *w, const char *key, struct span text);
void json_member_integer(struct json_writer *w, const char *key, int64_t number);
void json_member_bool(struct json_writer *w, const char *key, bool value);
void json_member_object(struct json_writer *w, const char *key);
void json_member_array(struct json_writer *w, const char *key);

#endif
