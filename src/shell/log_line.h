/* SPDX-License-Identifier: MIT */
/*
 * Owns: log lines: their form, which is nsqd's, and where they go.
 *
 *     [nsqd] 2026/11/22 15:07:16.430117 INFO: TCP: listening on [::]:4150
 *
 * Arguments may be a peer's bytes: everything in them that is not printable ASCII is written as
 * \xNN, and a backslash as two, so that nobody can forge a line.
 *
 * Writing never waits: whoever serves must not stand still because nobody reads the log. Lines wait
 * in place of that, up to a bound; more are counted and dropped.
 */
#ifndef SHELL_LOG_LINE_H
#define SHELL_LOG_LINE_H

#include "base/buf.h"
#include "base/log.h"

#define LOG_WAITING_BYTES ((size_t)1 << 20) /* of lines that wait */
#define LOG_PATIENCE_MS 200                 /* how long the end waits for a log to take them */

struct log_writer {
    int fd;             /* where lines go; borrowed */
    const char *prefix; /* in front of each line, as it is; borrowed */
    enum log_level least;
    struct buf waiting; /* lines not yet written */
    uint64_t dropped;   /* lines that did not fit, and were not yet spoken of */
};

/* Appends one line, with '%' in `form` replaced by the arguments. wall_ns is ns since 1970; the
 * line shows local time. */
void log_line_append(struct buf *out, const char *prefix, int64_t wall_ns, enum log_level level,
                     const char *form, const struct span *args, size_t count);

/* Adds a line, if its level is wanted and there is room, with the present time. */
void log_writer_add(struct log_writer *w, enum log_level level, const char *form,
                    const struct span *args, size_t count);

/* Writes what was added, as far as it is taken; the rest waits for the next call. What cannot be
 * written at all is dropped: there is nowhere to say so. */
void log_writer_flush(struct log_writer *w);

/* Whether lines wait, so that flush is to be called again, a little later. */
bool log_writer_waits(const struct log_writer *w);

/* Ends the writer; gives its lines LOG_PATIENCE_MS. */
void log_writer_free(struct log_writer *w);

/* The bytes of a string, as an argument. */
struct span log_text(const char *s);

#define log_write(w, level, form, ...)                                                             \
    do {                                                                                           \
        const struct span log_args[] = {__VA_ARGS__};                                              \
        log_writer_add((w), (level), (form), log_args, sizeof log_args / sizeof log_args[0]);      \
    } while (0)

#endif
