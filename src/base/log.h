/* SPDX-License-Identifier: MIT */
/*
 * Owns: log events between the core, which adds them, and the shell, which takes them and writes
 * the lines. The number and the size of waiting events are bounded.
 * Must not know: how a line looks and where it goes.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <nsq/span.h>

#include "base/list.h"

#define LOG_ARGS_MAX 4       /* arguments of an event */
#define LOG_ARG_MAX 512      /* bytes kept of an argument. Stops peers that choose long ones. */
#define LOG_WAITING_MAX 4096 /* events that wait for the shell. More are dropped and counted. */

enum log_level { LOG_DEBUG = 1, LOG_INFO, LOG_WARNING, LOG_ERROR, LOG_FATAL };

/* Something that happened. `form` is a static string that ends with a NUL; each '%' in it stands
 * for the next argument. `form` is also how code and tests recognise the kind of event. Arguments
 * are raw bytes, often chosen by a peer. The code that writes the line must escape them. */
struct log_event {
    struct list link;
    enum log_level level;
    const char *form;
    struct span args[LOG_ARGS_MAX];
    uint8_t bytes[]; /* the arguments; `args` point here */
};

struct log {
    enum log_level least; /* events below this level are ignored */
    struct list waiting;  /* of struct log_event, the oldest first */
    size_t count;         /* events in `waiting` */
    uint64_t dropped;     /* events that were dropped because LOG_WAITING_MAX were waiting */
};

/* A log must stay where it is between log_init and log_free, which frees the waiting events. */
void log_init(struct log *l, enum log_level least);
void log_free(struct log *l);

/* Whether events of this level are kept. */
static inline bool log_wants(const struct log *l, enum log_level level)
{
    return level >= l->least;
}

/* Adds an event with copies of its `count` arguments, at most LOG_ARGS_MAX. Of each argument the
 * first LOG_ARG_MAX bytes are kept. */
void log_add(struct log *l, enum log_level level, const char *form, const struct span *args,
             size_t count);

/* Removes the oldest event and returns it, or NULL if none waits. The caller owns it and calls
 * log_event_free. */
struct log_event *log_next(struct log *l);
void log_event_free(struct log_event *event);

/* Adds an event with one or more spans as arguments. They are evaluated only if the level is
 * kept. */
#define log_say(l, level, form, ...)                                                               \
    do {                                                                                           \
        if (log_wants((l), (level))) {                                                             \
            const struct span log_args[] = {__VA_ARGS__};                                          \
            log_add((l), (level), (form), log_args, sizeof log_args / sizeof log_args[0]);         \
        }                                                                                          \
    } while (0)

#endif
