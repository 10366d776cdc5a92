/* SPDX-License-Identifier: MIT */
/*
 * Owns: the syntax of Go's flag package over a table of flags, one row each, that says where in a
 * struct the value goes. Reads -x v, --x v, -x=v, --x=v; a boolean takes a value only behind '=';
 * "--", "-" and the first argument that is no flag end the flags; -h and -help ask for the usage.
 * Error texts are Go's, because programs look for them.
 *
 * Must not know which program's flags these are. No I/O, no exit(), nothing kept: strings are
 * borrowed from argv.
 */
#ifndef NSQD_GOFLAG_H
#define NSQD_GOFLAG_H

#include "nsqd/line.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A flag that may be repeated takes so many values; one more is an error. */
#define GOFLAG_LIST_MAX 64

struct goflag_strings {
    size_t n;
    const char *v[GOFLAG_LIST_MAX]; /* borrowed from argv */
};

/* In descending order. */
struct goflag_floats {
    size_t n;
    double v[GOFLAG_LIST_MAX];
};

/* The type of the field at a row's offset, and how it is read. */
enum goflag_kind {
    GOFLAG_BOOL,      /* bool */
    GOFLAG_INT,       /* int64_t */
    GOFLAG_DURATION,  /* int64_t, nanoseconds */
    GOFLAG_STRING,    /* const char *, never NULL */
    GOFLAG_STRINGS,   /* struct goflag_strings: each use adds one */
    GOFLAG_FLOATS,    /* struct goflag_floats: each use adds a comma-separated list */
    GOFLAG_WORD,      /* int64_t, read by the row's own function */
    GOFLAG_BOOL_WORD, /* the same, but takes a value only behind '=', and is "true" without */
    GOFLAG_KINDS
};

struct goflag {
    const char *name; /* without dashes */
    enum goflag_kind kind;
    size_t offset;
    /* The default as it would be written on the command line; NULL: the program sets the field
     * after goflag_defaults. Lists start empty. */
    const char *initial;
    /* What to say, behind the flag's name, when it is given and not its default; NULL: nothing. */
    const char *warning;
    /* For the two WORD kinds. Returns false with Go's error text added to why. */
    bool (*word)(int64_t *field, const char *value, struct line *why);
    const char *help;
};

struct goflag_table {
    const char *program;
    const struct goflag *rows;
    size_t n;
};

enum goflag_result {
    GOFLAG_DONE,
    GOFLAG_HELP, /* -h: usage on stderr, exit 0 */
    GOFLAG_BAD,  /* the error line, then the usage, on stderr, exit 2 */
    GOFLAG_FATAL /* the error line logged, exit 1: a float that is none ends nsqd by log.Fatal */
};

/* Sets every field that has an initial value, and empties the lists. */
void goflag_defaults(const struct goflag_table *table, void *into);

/*
 * Reads argv[1] and on into the fields; given[row] becomes true for each flag seen. Stops at the
 * first error, with its text in error (without a newline).
 */
enum goflag_result goflag_parse(const struct goflag_table *table, int argc, char *const *argv,
                                void *into, bool *given, struct line *error);

/* Adds "Usage of PROGRAM:" and every flag with its help, by name. */
void goflag_usage(const struct goflag_table *table, struct line *out);

/*
 * Adds the next warning of the flags that were given, as "--name warning"; *at is 0 at first and
 * moves on. False when there are no more. An empty string warns never: it means "off".
 */
bool goflag_next_warning(const struct goflag_table *table, const void *from, const bool *given,
                         size_t *at, struct line *out);

/* The row of a name given with its length; table->n when there is none. */
size_t goflag_find(const struct goflag_table *table, const char *name, size_t n);

#endif
