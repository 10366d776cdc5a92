/* SPDX-License-Identifier: MIT */
/*
 * Owns: what follows from the command line of a server: the server runs, or the program prints a
 * text and ends. Every function here is pure: it does no I/O and never calls exit(). The program
 * prints and exits (program/process.h). The order of calls is:
 *
 *     start_parse -> (read --config, config_file_read) -> checks of the program -> run
 *
 * Must not know: which flags there are.
 */
#ifndef PROGRAM_START_H
#define PROGRAM_START_H

#include "program/goflag.h"

enum start_result {
    START_RUN,  /* continue */
    START_EXIT, /* write `out` to stdout and `err` to stderr, exit with `code` */
    /* Log `fatal` as one line of level FATAL with the prefix "[PROGRAM] ", exit with `code`. */
    START_FATAL
};

/* Enough bytes for an error line and the whole usage text. */
#define START_TEXT_MAX 16384
/* Bytes of the longest line. A longer line is cut and ends with "...". */
#define START_LINE_MAX 1024

/* Texts for the user. Each text ends with a NUL. A text is "" when there is nothing to print. */
struct start_text {
    int code;
    char out[START_TEXT_MAX];
    char err[START_TEXT_MAX];
    char fatal[START_LINE_MAX];
};

/* Both count from 1; a column is a character. */
struct start_place {
    unsigned line, column;
};

/* The flags of a program, and the struct with their values. Everything is borrowed. */
struct start_flags {
    const struct goflag_table *table;
    void *into; /* the fields */
    /* One for each flag: true when it was on the command line or in the file. */
    bool *given;
    /* One for each flag: where its value is in the file. Zeros: the value is not from the file. */
    struct start_place *place;
    const bool *version; /* the field of --version */
};

/*
 * Reads the arguments from argv[1] on. The fields must have their defaults (goflag_defaults).
 * *text need not be initialised. argv is borrowed. Returns START_EXIT for --version, for -h, and
 * for an error of Go's flag package (code 2). Returns START_FATAL for an item of a list of floats
 * that is not a number (code 1). Otherwise returns START_RUN.
 */
enum start_result start_parse(const struct start_flags *flags, int argc, char *const *argv,
                              struct start_text *text);

/* Sets text->code to 1 and text->fatal to the formatted text. Returns START_FATAL. */
__attribute__((format(printf, 2, 3))) enum start_result start_fail(struct start_text *text,
                                                                   const char *format, ...);

/* Reads the value of --log-level, as `word` of struct goflag does. The field is an enum log_level
 * (base/log.h). */
bool start_log_level(int64_t *field, const char *value, struct line *why);

#endif
