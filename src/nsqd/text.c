/* SPDX-License-Identifier: MIT */
/*
 * Text in a fixed buffer, and Go's quoting. The Go rules were checked against nsqd 1.3.0's own
 * error lines (see tests/interop/flags.sh).
 */
#include "text.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

void text_start(struct text *t, char *buf, size_t cap)
{
    assert(cap >= 1);
    *t = (struct text){.p = buf, .cap = cap};
    buf[0] = '\0';
}

void text_add(struct text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    size_t room = t->cap - t->n;
    int wanted = vsnprintf(t->p + t->n, room, format, args);
    va_end(args);
    assert(wanted >= 0);
    if ((size_t)wanted >= room) {
        t->cut = true;
        t->n = t->cap - 1;
        if (t->n >= 3) {
            memcpy(t->p + t->n - 3, "...", 3);
        }
    } else {
        t->n += (size_t)wanted;
    }
}

/* Bytes of the UTF-8 character at s, 0 when there is none. s ends with a NUL, so no byte behind a
 * bad one is looked at. */
static size_t utf8_decode(const unsigned char *s, uint32_t *point)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = s[0] < 0x80 ? 1 : (s[0] & 0xE0) == 0xC0 ? 2 : (s[0] & 0xF0) == 0xE0 ? 3 : 4;
    if (n == 1) {
        *point = s[0];
        return 1;
    }
    if (n == 4 && (s[0] & 0xF8) != 0xF0) {
        return 0;
    }
    uint32_t c = s[0] & (0xFFu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xC0) != 0x80) {
            return 0;
        }
        c = c << 6 | (s[i] & 0x3F);
    }
    bool surrogate = c >= 0xD800 && c <= 0xDFFF;
    if (c < least[n] || c > 0x10FFFF || surrogate) {
        return 0;
    }
    *point = c;
    return n;
}

/* Spaces other than U+0020, controls, format characters and private use. */
static bool shows(uint32_t c)
{
    static const struct {
        uint32_t from, to;
    } hidden[] = {
        {0x0000, 0x001F}, {0x007F, 0x00A0},   {0x00AD, 0x00AD},    {0x061C, 0x061C},
        {0x1680, 0x1680}, {0x180E, 0x180E},   {0x2000, 0x200F},    {0x2028, 0x202F},
        {0x205F, 0x206F}, {0x3000, 0x3000},   {0xE000, 0xF8FF},    {0xFEFF, 0xFEFF},
        {0xFFF9, 0xFFFB}, {0xE0001, 0xE007F}, {0xF0000, 0x10FFFF},
    };
    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++) {
        if (c >= hidden[i].from && c <= hidden[i].to) {
            return false;
        }
    }
    return true;
}

static void add_point(struct text *t, const unsigned char *s, size_t n, uint32_t c)
{
    static const char named[] = "\a\b\f\n\r\t\v\\\"";
    static const char letter[] = "abfnrtv\\\"";
    const char *at = n == 1 ? memchr(named, (int)c, sizeof named - 1) : NULL;
    if (at != NULL) {
        text_add(t, "\\%c", letter[at - named]);
    } else if (shows(c)) {
        text_add(t, "%.*s", (int)n, (const char *)s);
    } else if (c < 0x80) {
        text_add(t, "\\x%02x", (unsigned)c);
    } else if (c < 0x10000) {
        text_add(t, "\\u%04x", (unsigned)c);
    } else {
        text_add(t, "\\U%08x", (unsigned)c);
    }
}

void text_add_quoted(struct text *t, const char *s)
{
    const unsigned char *p = (const unsigned char *)s;
    text_add(t, "\"");
    while (*p != '\0') {
        uint32_t c;
        size_t n = utf8_decode(p, &c);
        if (n == 0) {
            text_add(t, "\\x%02x", (unsigned)*p);
            n = 1;
        } else {
            add_point(t, p, n, c);
        }
        p += n;
    }
    text_add(t, "\"");
}
