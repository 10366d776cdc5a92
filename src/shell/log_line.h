/* SPDX-License-Identifier: MIT */
/*
 * Owns: the form of log lines, which is the same as in upstream's nsqd, and the writing of log
 * lines.
 *
 *     [nsqd] 2026/11/22 15:07:16.430117 INFO: TCP: listening on [::]:4150
 *
 * Arguments may contain bytes that a peer has sent. Each byte of an argument that is not printable
 * ASCII is written as \xNN, and a backslash is written twice. So a peer cannot forge a log line.
 *
 * Writing never waits, because the server must not stop when no program reads its log. Lines that
 * cannot be written yet are kept, up to a limit. Further lines are dropped and counted.
 */
#ifndef SHELL_LOG_LINE_H
#define SHELL_LOG_LINE_H

#include "base/buf.h"
#include "base/log.h"

/* While the waiting lines have more bytes than this, new lines are dropped. */
#define LOG_WAITING_BYTES ((size_t)1 << 20)
#define LOG_PATIENCE_MS 200 /* ms; how long log_writer_free tries to write the last lines */

struct log_writer {
    int fd;               /* where lines are written; borrowed */
    const char *prefix;   /* written unchanged in front of each line; borrowed */
    enum log_level least; /* the lowest level that is written */
    struct buf waiting;   /* lines that are not written yet */
    uint64_t dropped;     /* number of lines that were dropped and not reported yet */
};

/* Appends one line. Each '%' in `form` is replaced by the next argument. wall_ns is ns since 1970.
 * The line shows local time. */
void log_line_append(struct buf *out, const char *prefix, int64_t wall_ns, enum log_level level,
                     const char *form, const struct span *args, size_t count);

/* Adds a line with the current time. Does nothing when its level is below w->least. When there is
 * no room, the line is dropped and counted. */
void log_writer_add(struct log_writer *w, enum log_level level, const char *form,
                    const struct span *args, size_t count);

/* Writes as many of the added lines as the descriptor accepts now. The other lines wait for the
 * next call. After a permanent error, the lines are dropped. The error itself is not reported,
 * because the log is the only place for a report. */
void log_writer_flush(struct log_writer *w);

/* Returns true while lines wait. Then the caller must call log_writer_flush again a little later.
 */
bool log_writer_waits(const struct log_writer *w);

/* Frees the writer. Before that, it tries for at most LOG_PATIENCE_MS to write the waiting lines.
 */
void log_writer_free(struct log_writer *w);

/* Returns the bytes of a string (borrowed), for use as an argument. */
struct span log_text(const char *s);

/* Calls log_writer_add; the arguments after `form` are spans. */
#define log_write(w, level, form, ...)                                                             \
    do {                                                                                           \
        const struct span log_args[] = {__VA_ARGS__};                                              \
        log_writer_add((w), (level), (form), log_args, sizeof log_args / sizeof log_args[0]);      \
    } while (0)

#endif
