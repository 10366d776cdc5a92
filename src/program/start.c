/* SPDX-License-Identifier: MIT */
/*
 * Reads a command line and writes the texts with which a program ends. Must not print or exit.
 */
#include "program/start.h"

#include <nsq/version.h>

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

static void write_version(const char *program, struct start_text *text)
{
    /* NSQ_COMPATIBILITY is the version of upstream's program. It is printed at the place where
     * upstream's program prints its version, for programs that compare it. */
    snprintf(text->out, sizeof text->out, "%s v%s (built w/c11-nsqref-%s)\n", program,
             NSQ_COMPATIBILITY, NSQREF_VERSION);
}

/* Writes the error line, if there is one, and the usage text. */
static void write_usage(const struct goflag_table *table, char to[START_TEXT_MAX],
                        const char *error)
{
    struct line line;
    line_start(&line, to, START_TEXT_MAX);
    if (error[0] != '\0') {
        line_add(&line, "%s\n", error);
    }
    goflag_usage(table, &line);
    assert(!line.cut);
}

static void clear(struct start_text *text)
{
    text->code = 0;
    text->out[0] = text->err[0] = text->fatal[0] = '\0';
}

enum start_result start_parse(const struct start_flags *flags, int argc, char *const *argv,
                              struct start_text *text)
{
    char buf[START_LINE_MAX];
    struct line error;
    line_start(&error, buf, sizeof buf);
    clear(text);
    switch (goflag_parse(flags->table, argc, argv, flags->into, flags->given, &error)) {
    case GOFLAG_HELP:
        write_usage(flags->table, text->out, "");
        return START_EXIT;
    case GOFLAG_BAD:
        write_usage(flags->table, text->err, error.p);
        text->code = 2;
        return START_EXIT;
    case GOFLAG_FATAL:
        return start_fail(text, "%s", error.p);
    case GOFLAG_DONE:
        break;
    }
    if (*flags->version) {
        write_version(flags->table->program, text);
        return START_EXIT;
    }
    return START_RUN;
}

enum start_result start_fail(struct start_text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int wanted = vsnprintf(text->fatal, sizeof text->fatal, format, args);
    va_end(args);
    if (wanted >= (int)sizeof text->fatal) {
        memcpy(text->fatal + sizeof text->fatal - 4, "...", 4);
    }
    text->code = 1;
    return START_FATAL;
}

bool start_log_level(int64_t *field, const char *value, struct line *why)
{
    enum log_level level;
    if (log_level_named(span_make(value, strlen(value)), &level)) {
        *field = (int64_t)level;
        return true;
    }
    line_add(why, "invalid log level '%s' (debug, info, warn, error, fatal)", value);
    return false;
}
