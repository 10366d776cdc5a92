/* SPDX-License-Identifier: MIT */
/*
 * Owns: a queue of log events. Code below the shell adds events. The shell removes them and writes
 * one line for each. The number and the size of the events in the queue are bounded.
 * Must not know: the format of a line, and where the line is written.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <nsq/span.h>

#include "base/list.h"

#define LOG_ARGS_MAX 4       /* the largest number of arguments of an event */
#define LOG_ARG_MAX 512      /* bytes; the rest of a longer argument is not written */
#define LOG_WAITING_MAX 4096 /* events in the queue; further events are dropped and counted */

enum log_level { LOG_DEBUG = 1, LOG_INFO, LOG_WARNING, LOG_ERROR, LOG_FATAL };

/* One event. `form` is a static string that ends with NUL. Each '%' in `form` is replaced by the
 * next argument when the line is written. Code and tests recognise the kind of an event by its
 * `form`. The arguments are raw bytes, often chosen by a peer. The code that writes the line must
 * escape them. */
struct log_event {
    struct list link;
    enum log_level level;
    const char *form;
    struct span args[LOG_ARGS_MAX];
    uint8_t bytes[]; /* the bytes of all arguments; each span in `args` points here */
};

struct log {
    enum log_level least; /* events below this level are ignored */
    bool level_is_new;    /* the level was changed, and the shell was not told yet */
    struct list waiting;  /* the queue of struct log_event; the oldest event is first */
    size_t count;         /* number of events in `waiting` */
    uint64_t dropped;     /* number of events that were dropped because the queue was full */
};

/* Prepares a log. The log must keep its address until log_free. */
void log_init(struct log *l, enum log_level least);

/* Changes the level. Events that are already in the queue stay there. */
static inline void log_set_level(struct log *l, enum log_level least)
{
    l->least = least;
    l->level_is_new = true;
}

/* Finds the level with this name: debug, info, warn, error or fatal, in upper or lower case.
 * Returns false when there is none. */
bool log_level_named(struct span name, enum log_level *level);

/* Frees the events in the queue. */
void log_free(struct log *l);

/* Returns whether the log keeps events of this level. */
static inline bool log_wants(const struct log *l, enum log_level level)
{
    return level >= l->least;
}

/* Adds an event with copies of its `count` arguments. `count` is at most LOG_ARGS_MAX. The event
 * keeps the first LOG_ARG_MAX bytes of each argument. */
void log_add(struct log *l, enum log_level level, const char *form, const struct span *args,
             size_t count);

/* Removes the oldest event from the queue and returns it. Returns NULL if the queue is empty. The
 * caller owns the event and must call log_event_free. */
struct log_event *log_next(struct log *l);

/* Frees an event that log_next has returned. */
void log_event_free(struct log_event *event);

/* Adds an event with one or more spans as arguments. The macro evaluates the arguments only if the
 * log keeps events of this level. */
#define log_say(l, level, form, ...)                                                               \
    do {                                                                                           \
        if (log_wants((l), (level))) {                                                             \
            const struct span log_args[] = {__VA_ARGS__};                                          \
            log_add((l), (level), (form), log_args, sizeof log_args / sizeof log_args[0]);         \
        }                                                                                          \
    } while (0)

#endif
