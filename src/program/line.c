/* SPDX-License-Identifier: MIT */
/*
 * Appends text to a buffer of fixed size. Must not know what the text is about.
 */
#include "program/line.h"

#include "json/quote.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void line_start(struct line *l, char *buf, size_t cap)
{
    assert(cap >= 1);
    *l = (struct line){.p = buf, .cap = cap};
    buf[0] = '\0';
}

void line_add(struct line *l, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    size_t room = l->cap - l->n;
    int wanted = vsnprintf(l->p + l->n, room, format, args);
    va_end(args);
    assert(wanted >= 0);
    if ((size_t)wanted < room) {
        l->n += (size_t)wanted;
        return;
    }
    l->cut = true;
    l->n = l->cap - 1;
    if (l->n >= 3) {
        memcpy(l->p + l->n - 3, "...", 3);
    }
}

void line_add_quoted(struct line *l, const char *s)
{
    struct buf quoted = {0};
    quote_append(&quoted, span_make(s, strlen(s)));
    struct span q = buf_span(&quoted);
    line_add(l, "%.*s", (int)q.n, (const char *)q.p);
    buf_free(&quoted);
}
