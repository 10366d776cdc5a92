/* SPDX-License-Identifier: MIT */
/*
 * Owns: a TOML document that toml++ has read, with functions that C can call. toml++ is a C++
 * library. Must not know: what the keys mean, or where the bytes come from.
 *
 * Without the limits below, a document could use up the stack, because toml++ frees nested tables
 * by recursion.
 */
#ifndef PROGRAM_TOML_H
#define PROGRAM_TOML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The largest nesting depth of arrays and inline tables. */
#define TOML_NESTED_MAX 256
/* The largest number of dots in a document, wherever they are. Each dot of a key opens one more
 * table. */
#define TOML_DOTS_MAX 4096

struct toml_document;

enum toml_kind {
    TOML_STRING,
    TOML_INTEGER,
    TOML_FLOAT,
    TOML_BOOLEAN,
    TOML_TIME, /* a date, a time, or both */
    TOML_ARRAY,
    TOML_TABLE
};

struct toml_value {
    enum toml_kind kind;
    /* Where the value begins. Both count from 1; a column is a character. For a table, they are the
     * position of its first key or of its header. */
    unsigned line, column;
    /* TOML_STRING: n bytes of UTF-8 and a NUL. There may be NULs among the n bytes. The bytes
     * belong to the document. The caller may change them. */
    char *text;
    size_t n; /* TOML_STRING: number of bytes; TOML_ARRAY: number of items */
    union {
        int64_t integer; /* TOML_INTEGER */
        double real;     /* TOML_FLOAT */
        bool boolean;    /* TOML_BOOLEAN */
        void *array;     /* TOML_ARRAY: for toml_item; belongs to the document */
    } is;
};

/* The largest number of bytes of the reason of an error, with its NUL. A longer reason is cut. */
#define TOML_WHY_MAX 256

struct toml_error {
    unsigned line, column;  /* as in struct toml_value; 0: the position is not known */
    char why[TOML_WHY_MAX]; /* one line of valid UTF-8 */
};

/* Reads a document of n bytes, which are borrowed for the call. Returns NULL when the document is
 * not valid TOML 1.0, or exceeds one of the limits above. Then *error says why. The caller frees
 * the result with toml_free. */
struct toml_document *toml_read(const char *p, size_t n, struct toml_error *error);
void toml_free(struct toml_document *document); /* NULL is allowed */

/* Finds the value of a key of the document itself, not of a table in it. Returns false when there
 * is no such key. */
bool toml_find(struct toml_document *document, const char *key, struct toml_value *value);

/* Returns the item i < array->n of an array. */
struct toml_value toml_item(const struct toml_value *array, size_t i);

#ifdef __cplusplus
}
#endif

#endif
