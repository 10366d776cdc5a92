/* SPDX-License-Identifier: MIT */
/*
 * Owns: the writer of JSON documents. It writes commas, colons and white space, and escapes
 * strings. It appends to a buffer of the caller and allocates nothing else.
 * Must not know: what a document means.
 *
 * The writer is a small struct and has no pointers to bytes of the output. So a long document can
 * be written in several parts. Between two parts the caller keeps the struct. It may send and empty
 * the buffer, or set `out` to another buffer.
 *
 * A document is one value. The caller writes the values in their order. Inside an object it writes
 * a key before each value. Other sequences are mistakes of the caller, and an assertion reports
 * them. Examples of such mistakes are two keys in a row, json_close_array inside an object, and a
 * second document.
 */
#ifndef JSON_WRITER_H
#define JSON_WRITER_H

#include "base/buf.h"

#define JSON_WRITER_DEPTH_MAX 64 /* largest number of objects and arrays that can be open */

/* The layout of the document. The style also decides whether <, > and & are escaped in strings. */
enum json_style {
    JSON_GO,       /* like Go's json.Marshal: no white space; <, > and & are escaped */
    JSON_COMPACT,  /* no white space; <, > and & are not escaped */
    JSON_INDENTED, /* for people: a line for each member, indented by two spaces for each level, and
                    * a newline at the end; <, > and & are not escaped */
};

struct json_writer {
    struct buf *out;  /* the next call appends to this buffer; borrowed */
    uint64_t objects; /* one bit for each open container (object or array): 1 for an object, 0 for
                         an array. Bit 0 is for the outermost container. */
    unsigned depth;   /* number of open containers */
    enum json_style style;
    bool empty; /* nothing is written yet in the innermost open container, or in the document when
                 * no container is open */
    bool after_key; /* a key has been written, but not its value */
};

/* Returns a writer at the start of a document. `out` is borrowed. Bytes that are already in `out`
 * stay there. */
struct json_writer json_writer(struct buf *out, enum json_style style);

/* Returns the number of open objects and arrays. */
static inline unsigned json_writer_depth(const struct json_writer *w)
{
    return w->depth;
}

/* Returns whether the document is complete. */
static inline bool json_writer_done(const struct json_writer *w)
{
    return w->depth == 0 && !w->empty;
}

/* Writes "{". An object or array is a value. At most JSON_WRITER_DEPTH_MAX objects and arrays can
 * be open at the same time. */
void json_open_object(struct json_writer *w);

/* Writes "}". The innermost open container must be an object. */
void json_close_object(struct json_writer *w);

/* Writes "[". The limit is the same as for json_open_object. */
void json_open_array(struct json_writer *w);

/* Writes "]". The innermost open container must be an array. */
void json_close_array(struct json_writer *w);

/* Writes a key, and escapes it like a string. The innermost open container must be an object. The
 * next call must write the value of the key. */
void json_write_key(struct json_writer *w, struct span key);

/* Writes a string. A byte that is not part of valid UTF-8 is written as \ufffd, as in Go. */
void json_write_string(struct json_writer *w, struct span text);

/* Writes an integer that may be negative. */
void json_write_integer(struct json_writer *w, int64_t number);

/* Writes an integer that is never negative. */
void json_write_unsigned(struct json_writer *w, uint64_t number);

/* Writes true or false. */
void json_write_bool(struct json_writer *w, bool value);

/* Writes null. */
void json_write_null(struct json_writer *w);

/* Writes a value that is already JSON, for example a number with a fraction. The bytes are appended
 * without a change. */
void json_write_raw(struct json_writer *w, struct span json);

/* Each function below writes a key, and then a value or its beginning. `key` ends with NUL. It must
 * consist of bytes that need no escape, because it is written as it is. */

/* Writes a key and a string. */
void json_member_string(struct json_writer *w, const char *key, struct span text);

/* Writes a key and an integer. */
void json_member_integer(struct json_writer *w, const char *key, int64_t number);

/* Writes a key and an integer that is never negative. */
void json_member_unsigned(struct json_writer *w, const char *key, uint64_t number);

/* Writes a key and null. */
void json_member_null(struct json_writer *w, const char *key);

/* Writes a key and true or false. */
void json_member_bool(struct json_writer *w, const char *key, bool value);

/* Writes a key and opens an object. */
void json_member_object(struct json_writer *w, const char *key);

/* Writes a key and opens an array. */
void json_member_array(struct json_writer *w, const char *key);

#endif
