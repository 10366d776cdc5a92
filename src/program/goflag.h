/* SPDX-License-Identifier: MIT */
/*
 * Owns: the syntax of Go's flag package. A table has one row for each flag. The row says where in
 * a struct the value is stored. Accepted forms are -x v, --x v, -x=v and --x=v. A boolean
 * flag has a value only after '='. The flags end at "--", at "-", or at the first argument that is
 * not a flag. -h and -help request the usage text. Error texts are Go's, because programs search
 * for them.
 *
 * Must not know: which program has these flags. The functions do no I/O, never call exit() and keep
 * no state. Strings are borrowed from argv.
 */
#ifndef PROGRAM_GOFLAG_H
#define PROGRAM_GOFLAG_H

#include "program/line.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The largest number of values of a flag that may be repeated. One more value is an error. */
#define GOFLAG_LIST_MAX 64

struct goflag_strings {
    size_t n;
    const char *v[GOFLAG_LIST_MAX]; /* borrowed from argv or from a configuration file */
};

/* The values of the command line are sorted here, the largest first, as in nsqd. The values of a
 * configuration file are not sorted. */
struct goflag_floats {
    size_t n;
    double v[GOFLAG_LIST_MAX];
};

/* The type of the field at a row's offset. It also decides how the text of the value is read. */
enum goflag_kind {
    GOFLAG_BOOL,      /* bool */
    GOFLAG_INT,       /* int64_t */
    GOFLAG_DURATION,  /* int64_t, nanoseconds */
    GOFLAG_STRING,    /* const char *, never NULL */
    GOFLAG_STRINGS,   /* struct goflag_strings: each use of the flag adds one string */
    GOFLAG_FLOATS,    /* struct goflag_floats: each use of the flag adds a comma-separated list */
    GOFLAG_WORD,      /* int64_t, read by the row's own function */
    GOFLAG_BOOL_WORD, /* like GOFLAG_WORD, but the value follows '='; without '=' it is "true" */
    GOFLAG_KINDS
};

struct goflag {
    const char *name; /* without dashes */
    enum goflag_kind kind;
    size_t offset;
    /* The default value, as a text of the command line. NULL: the program sets the field after
     * goflag_defaults. Lists are empty at the start. */
    const char *initial;
    /* This warning is printed after the flag's name, when the flag is given and does not have its
     * default value. NULL: there is no warning. */
    const char *warning;
    /* Only for the kinds GOFLAG_WORD and GOFLAG_BOOL_WORD: reads the value into `*field`. Returns
     * false on failure and appends Go's error text to `why`. */
    bool (*word)(int64_t *field, const char *value, struct line *why);
    /* For the kinds GOFLAG_WORD and GOFLAG_BOOL_WORD, the help ends with ": " and a list of the
     * values that the flag accepts. */
    const char *help;
};

/* Usually the key of a flag in a configuration file is the flag's name with each '-' replaced by
 * '_'. This struct is for a flag with a different key, or with no key. */
struct goflag_key {
    const char *name; /* of the flag */
    const char *key;  /* NULL: the flag has no key */
};

struct goflag_table {
    const char *program;
    const struct goflag *rows;
    size_t n;
    const struct goflag_key *keys; /* key_count of them; for program/goconfig.h */
    size_t key_count;
};

enum goflag_result {
    GOFLAG_DONE,
    GOFLAG_HELP, /* -h: print the usage to stderr, exit with 0 */
    GOFLAG_BAD,  /* print the error line and the usage to stderr, exit with 2 */
    GOFLAG_FATAL /* log the error line, exit with 1, as log.Fatal in upstream's nsqd does */
};

/* Sets every field that has an initial value, and empties the lists. */
void goflag_defaults(const struct goflag_table *table, void *into);

/*
 * Reads the arguments from argv[1] on into the fields. Sets given[row] to true for each flag that
 * was set. Stops at the first error and writes its text (without a newline) to `error`.
 */
enum goflag_result goflag_parse(const struct goflag_table *table, int argc, char *const *argv,
                                void *into, bool *given, struct line *error);

/* Appends "Usage of PROGRAM:" and every flag with its help, in alphabetical order. */
void goflag_usage(const struct goflag_table *table, struct line *out);

/*
 * Appends the next warning of the flags that were given, as "--name warning". *at must be 0 for the
 * first call; each call increases it. Returns false when there are no more warnings. A flag that is
 * set to "" has no warning, because "" means "off".
 */
bool goflag_next_warning(const struct goflag_table *table, const void *from, const bool *given,
                         size_t *at, struct line *out);

/* Returns the row of the flag with this name of n bytes, or table->n when no flag has this name. */
size_t goflag_find(const struct goflag_table *table, const char *name, size_t n);

#endif
