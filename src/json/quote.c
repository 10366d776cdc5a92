/* SPDX-License-Identifier: MIT */
/*
 * Quotes bytes as Go's %q does. The library utf8proc knows which characters are printable. Must not
 * know: where the bytes are from.
 */
#include "json/quote.h"

#include <utf8proc.h>

/* Returns whether Go prints a character unchanged. This is true for letters, marks, numbers,
 * punctuation and symbols. U+0020 is the only space for which it is true. */
static bool is_printable(utf8proc_int32_t c)
{
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
        return c == ' ';
    default:
        return true;
    }
}

/* Appends a backslash, a letter, and the value in `digits` hexadecimal digits. */
static void append_hex(struct buf *b, char letter, uint32_t value, unsigned digits)
{
    uint8_t *p = buf_room(b, 2 + (size_t)digits);
    p[0] = '\\';
    p[1] = (uint8_t)letter;
    for (unsigned i = 0; i < digits; i++) {
        p[2 + i] = (uint8_t) "0123456789abcdef"[value >> (4 * (digits - 1 - i)) & 15];
    }
    buf_grew(b, 2 + (size_t)digits);
}

/* Returns the letter after the backslash in the short form of a character, for example n for a
 * newline. Returns 0 when the character has no short form. */
static char short_form(utf8proc_int32_t c)
{
    static const char from[] = "\"\\\a\b\f\n\r\t\v";
    static const char to[] = "\"\\abfnrtv";
    const char *at = c > 0 && c < 128 ? memchr(from, c, sizeof from - 1) : NULL;
    return at == NULL ? 0 : to[at - from];
}

static void append_character(struct buf *b, utf8proc_int32_t c, struct span bytes)
{
    char letter = short_form(c);
    if (letter != 0) {
        buf_append(b, SPAN("\\"));
        buf_append(b, span_make(&letter, 1));
    } else if (is_printable(c)) {
        buf_append(b, bytes);
    } else if (c < ' ' || c == 0x7f) {
        append_hex(b, 'x', (uint32_t)c, 2);
    } else if (c < 0x10000) {
        append_hex(b, 'u', (uint32_t)c, 4);
    } else {
        append_hex(b, 'U', (uint32_t)c, 8);
    }
}

void quote_append(struct buf *b, struct span s)
{
    buf_append(b, SPAN("\""));
    while (s.n > 0) {
        utf8proc_int32_t c;
        utf8proc_ssize_t n = utf8proc_iterate(s.p, (utf8proc_ssize_t)s.n, &c);
        if (n <= 0) {
            append_hex(b, 'x', s.p[0], 2);
            n = 1;
        } else {
            append_character(b, c, span_first(s, (size_t)n));
        }
        s = span_skip(s, (size_t)n);
    }
    buf_append(b, SPAN("\""));
}
