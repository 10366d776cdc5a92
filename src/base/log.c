/* SPDX-License-Identifier: MIT */
/*
 * Implements base/log.h: keeps copies of the events until the shell removes them. Must not know the
 * format of a log line.
 */
#include "base/log.h"

#include <assert.h>

#include "base/alloc.h"
#include "base/text.h"

void log_init(struct log *l, enum log_level least)
{
    *l = (struct log){.least = least};
    list_init(&l->waiting);
}

bool log_level_named(struct span name, enum log_level *level)
{
    static const char *const words[] = {[LOG_DEBUG] = "debug",
                                        [LOG_INFO] = "info",
                                        [LOG_WARNING] = "warn",
                                        [LOG_ERROR] = "error",
                                        [LOG_FATAL] = "fatal"};
    for (int i = LOG_DEBUG; i <= LOG_FATAL; i++) {
        if (text_equal_any_case(name, text_span(words[i]))) {
            *level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

void log_free(struct log *l)
{
    struct log_event *event;
    while ((event = log_next(l)) != NULL) {
        log_event_free(event);
    }
}

void log_add(struct log *l, enum log_level level, const char *form, const struct span *args,
             size_t count)
{
    assert(count <= LOG_ARGS_MAX);
    if (!log_wants(l, level)) {
        return;
    }
    if (l->count == LOG_WAITING_MAX) {
        l->dropped++;
        return;
    }
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size += span_first(args[i], LOG_ARG_MAX).n;
    }
    struct log_event *event = alloc_zeroed(sizeof *event + size);
    event->level = level;
    event->form = form;
    uint8_t *p = event->bytes;
    for (size_t i = 0; i < count; i++) {
        struct span kept = span_first(args[i], LOG_ARG_MAX);
        if (kept.n > 0) {
            memcpy(p, kept.p, kept.n);
        }
        event->args[i] = span_make(p, kept.n);
        p += kept.n;
    }
    list_push(&l->waiting, &event->link);
    l->count++;
}

struct log_event *log_next(struct log *l)
{
    if (list_empty(&l->waiting)) {
        return NULL;
    }
    struct log_event *event = container_of(l->waiting.next, struct log_event, link);
    list_remove(&event->link);
    l->count--;
    return event;
}

void log_event_free(struct log_event *event)
{
    alloc_free(event);
}
