/* SPDX-License-Identifier: MIT */
/*
 * Owns: log events on their way out of the core, and their bound. The core never writes a line: it
 * says what happened, and the shell renders it.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <nsq/span.h>

#include "base/list.h"

#define LOG_ARGS_MAX 4
#define LOG_ARG_MAX 512      /* bytes kept of one argument; a peer chooses many of them */
#define LOG_WAITING_MAX 4096 /* events waiting for the shell; more are counted and dropped */

enum log_level { LOG_DEBUG = 1, LOG_INFO, LOG_WARNING, LOG_ERROR, LOG_FATAL };

/* What happened. `form` is a static string that is the type of the event; each '%' in it stands for
 * the next argument. Arguments are raw bytes, often a peer's: whoever renders them escapes them. */
struct log_event {
    struct list link;
    enum log_level level;
    const char *form;
    struct span args[LOG_ARGS_MAX];
    uint8_t bytes[]; /* what args point into */
};

struct log {
    enum log_level least; /* events below this level are not made */
    struct list waiting;
    size_t count;
    uint64_t dropped;
};

void log_init(struct log *l, enum log_level least);
void log_free(struct log *l);

static inline bool log_wants(const struct log *l, enum log_level level)
{
    return level >= l->least;
}

/* Adds an event with copies of up to LOG_ARGS_MAX arguments, each cut to LOG_ARG_MAX bytes. */
void log_add(struct log *l, enum log_level level, const char *form, const struct span *args,
             size_t count);

/* Takes the oldest event out, or NULL. The caller owns it and ends it with log_event_free. */
struct log_event *log_next(struct log *l);
void log_event_free(struct log_event *event);

/* The usual calls. */
#define log_say(l, level, form, ...)                                                               \
    do {                                                                                           \
        if (log_wants((l), (level))) {                                                             \
            const struct span log_args[] = {__VA_ARGS__};                                          \
            log_add((l), (level), (form), log_args, sizeof log_args / sizeof log_args[0]);         \
        }                                                                                          \
    } while (0)

#endif
