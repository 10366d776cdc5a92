/* SPDX-License-Identifier: MIT */
/*
 * Formats log lines and writes them without waiting. Must not know what the lines are about.
 */
#include "shell/log_line.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "base/time.h"
#include "shell/clock.h"

static const char *const level_names[] = {
    [LOG_DEBUG] = "DEBUG", [LOG_INFO] = "INFO",   [LOG_WARNING] = "WARNING",
    [LOG_ERROR] = "ERROR", [LOG_FATAL] = "FATAL",
};

struct span log_text(const char *s)
{
    return span_make(s, strlen(s));
}

static void append_time(struct buf *out, int64_t wall_ns)
{
    char text[64];
    time_t seconds = (time_t)(wall_ns / 1000000000);
    struct tm tm = {0};
    localtime_r(&seconds, &tm);
    size_t n = strftime(text, sizeof text, "%Y/%m/%d %H:%M:%S", &tm);
    buf_append(out, span_make(text, n));
    int m = snprintf(text, sizeof text, ".%06d ", (int)(wall_ns % 1000000000 / 1000));
    buf_append(out, span_make(text, (size_t)m));
}

static void append_escaped(struct buf *out, struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        if (c == '\\') {
            buf_append(out, SPAN("\\\\"));
        } else if (c >= ' ' && c < 0x7f) {
            buf_append(out, span_make(&c, 1));
        } else {
            char hex[5];
            snprintf(hex, sizeof hex, "\\x%02x", c);
            buf_append(out, span_make(hex, 4));
        }
    }
}

void log_line_append(struct buf *out, const char *prefix, int64_t wall_ns, enum log_level level,
                     const char *form, const struct span *args, size_t count)
{
    buf_append(out, log_text(prefix));
    append_time(out, wall_ns);
    buf_append(out, log_text(level_names[level]));
    buf_append(out, SPAN(": "));
    size_t used = 0;
    for (const char *p = form; *p != '\0'; p++) {
        if (*p == '%' && used < count) {
            append_escaped(out, args[used++]);
        } else {
            buf_append(out, span_make(p, 1));
        }
    }
    buf_append(out, SPAN("\n"));
}

void log_writer_add(struct log_writer *w, enum log_level level, const char *form,
                    const struct span *args, size_t count)
{
    if (level < w->least) {
        return;
    }
    if (w->waiting.n > LOG_WAITING_BYTES) {
        w->dropped++;
        return;
    }
    log_line_append(&w->waiting, w->prefix, clock_now() + clock_wall_offset(), level, form, args,
                    count);
}

/* Returns the first bytes that a ready pipe accepts without blocking: at most PIPE_BUF bytes. They
 * are whole lines, unless the first line alone is longer. */
static struct span piece(struct span lines)
{
    struct span s = span_first(lines, PIPE_BUF);
    size_t n = s.n;
    while (n > 0 && s.p[n - 1] != '\n') {
        n--;
    }
    return n > 0 ? span_first(s, n) : s;
}

/* Writes until all lines are written, or until the descriptor is not ready within the timeout. */
static void write_lines(struct log_writer *w, int timeout_ms)
{
    struct pollfd p = {.fd = w->fd, .events = POLLOUT};
    while (w->waiting.n > 0 && poll(&p, 1, timeout_ms) > 0) {
        struct span s = piece(buf_span(&w->waiting));
        ssize_t n = write(w->fd, s.p, s.n);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        buf_drop(&w->waiting, n > 0 ? (size_t)n : w->waiting.n);
    }
}

void log_writer_flush(struct log_writer *w)
{
    write_lines(w, 0);
    if (w->dropped > 0 && w->waiting.n == 0) {
        char count[TEXT_DECIMAL_MAX];
        struct span text = text_decimal(count, (int64_t)w->dropped);
        w->dropped = 0;
        log_write(w, LOG_WARNING, "% log lines were dropped because nobody read them", text);
        write_lines(w, 0);
    }
}

bool log_writer_waits(const struct log_writer *w)
{
    return w->waiting.n > 0;
}

void log_writer_free(struct log_writer *w)
{
    int64_t end = clock_now() + LOG_PATIENCE_MS * TIME_MS;
    log_writer_flush(w);
    while (w->waiting.n > 0 && clock_now() < end) {
        write_lines(w, LOG_PATIENCE_MS / 10);
    }
    log_writer_flush(w);
    buf_free(&w->waiting);
}
