/* SPDX-License-Identifier: MIT */
/*
 * Owns: the syntax of Go's flag package, for a table with one row for each flag; the row says where
 * in a struct the value is stored. Reads -x v, --x v, -x=v, --x=v. A boolean takes a value only
 * after
 * '='. "--", "-" and the first argument that is not a flag end the flags. -h and -help ask for the
 * usage. Error texts are Go's, because programs look for them.
 *
 * Must not know which program's flags these are. No I/O, no exit(), no state: strings are borrowed
 * from argv.
 */
#ifndef NSQD_GOFLAG_H
#define NSQD_GOFLAG_H

#include "nsqd/line.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most values of a flag that may be repeated; one more is an error. */
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

/* The type of the field at a row's offset, and how its text is read. */
enum goflag_kind {
    GOFLAG_BOOL,      /* bool */
    GOFLAG_INT,       /* int64_t */
    GOFLAG_DURATION,  /* int64_t, nanoseconds */
    GOFLAG_STRING,    /* const char *, never NULL */
    GOFLAG_STRINGS,   /* struct goflag_strings: each use adds one */
    GOFLAG_FLOATS,    /* struct goflag_floats: each use adds a comma-separated list */
    GOFLAG_WORD,      /* int64_t, read by the row's own function */
    GOFLAG_BOOL_WORD, /* the same, but the value must follow '='; without it, it is "true" */
    GOFLAG_KINDS
};

struct goflag {
    const char *name; /* without dashes */
    enum goflag_kind kind;
    size_t offset;
    /* The default as text of the command line; NULL: the program sets the field after
     * goflag_defaults. Lists start empty. */
    const char *initial;
    /* The warning, to be printed after the flag's name, when the flag is given and does not have
     * its default; NULL: none. */
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
    GOFLAG_FATAL /* the error line logged, exit 1: nsqd calls log.Fatal for a bad float */
};

/* Sets every field that has an initial value, and empties the lists. */
void goflag_defaults(const struct goflag_table *table, void *into);

/*
 * Reads argv from argv[1] on into the fields; given[row] becomes true for each flag that was set.
 * Stops at the first error, whose text is in `error` (without a newline).
 */
enum goflag_result goflag_parse(const struct goflag_table *table, int argc, char *const *argv,
                                void *into, bool *given, struct line *error);

/* Adds "Usage of PROGRAM:" and every flag with its help, in alphabetical order. */
void goflag_usage(const struct goflag_table *table, struct line *out);

/*
 * Adds the next warning of the flags that were given, as "--name warning". *at is 0 for the first
 * call and is moved on. False: there are no more. A flag set to "" never warns: it means "off".
 */
bool goflag_next_warning(const struct goflag_table *table, const void *from, const bool *given,
                         size_t *at, struct line *out);

/* The row of the flag with this name of n bytes; table->n when there is none. */
size_t goflag_find(const struct goflag_table *table, const char *name, size_t n);

#endif
