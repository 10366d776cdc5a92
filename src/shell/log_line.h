/* SPDX-License-Identifier: MIT */
/*
 * Owns: the form of log lines, which is nsqd's, and the writing of them.
 *
 *     [nsqd] 2026/11/22 15:07:16.430117 INFO: TCP: listening on [::]:4150
 *
 * Arguments may contain a peer's bytes. Every byte of them that is not printable ASCII is written
 * as \xNN, and a backslash as two, so that a peer cannot forge a line.
 *
 * Writing never waits: the server must not stop because nobody reads its log. Lines that cannot be
 * written yet are kept, up to a limit. Further lines are dropped and counted.
 */
#ifndef SHELL_LOG_LINE_H
#define SHELL_LOG_LINE_H

#include "base/buf.h"
#include "base/log.h"

#define LOG_WAITING_BYTES ((size_t)1 << 20) /* of lines that are not written yet */
#define LOG_PATIENCE_MS 200 /* how long the end of the program waits for the log's reader */

struct log_writer {
    int fd;             /* where lines are written; borrowed */
    const char *prefix; /* written unchanged in front of each line; borrowed */
    enum log_level least;
    struct buf waiting; /* lines not yet written */
    uint64_t dropped;   /* lines that did not fit and have not been reported yet */
};

/* Appends one line, with '%' in `form` replaced by the arguments. wall_ns is ns since 1970; the
 * line shows local time. */
void log_line_append(struct buf *out, const char *prefix, int64_t wall_ns, enum log_level level,
                     const char *form, const struct span *args, size_t count);

/* Adds a line with the current time, if its level is at least w->least and there is room. */
void log_writer_add(struct log_writer *w, enum log_level level, const char *form,
                    const struct span *args, size_t count);

/* Writes the lines that were added, as many as the descriptor accepts now; the rest waits for the
 * next call. When writing fails for good, the lines are dropped: there is no place to report it. */
void log_writer_flush(struct log_writer *w);

/* Whether lines wait. Then the caller calls log_writer_flush again a little later. */
bool log_writer_waits(const struct log_writer *w);

/* Ends the writer, after at most LOG_PATIENCE_MS in which it tries to write what waits. */
void log_writer_free(struct log_writer *w);

/* The bytes of a string, as an argument. */
struct span log_text(const char *s);

#define log_write(w, level, form, ...)                                                             \
    do {                                                                                           \
        const struct span log_args[] = {__VA_ARGS__};                                              \
        log_writer_add((w), (level), (form), log_args, sizeof log_args / sizeof log_args[0]);      \
    } while (0)

#endif
