/* SPDX-License-Identifier: MIT */
/*
 * Implements json/json.h. Uses yajl and corrects the points in which yajl differs from Go's
 * encoding/json. Must not know what a document means.
 */
#include "json/json.h"

#include "base/alloc.h"
#include "json/utf8.h"

/* --- the parser, with this project's allocator ------------------------------------------------ */

static void *take(void *ctx, size_t n)
{
    (void)ctx;
    return alloc_zeroed(n);
}

static void *resize(void *ctx, void *p, size_t n)
{
    (void)ctx;
    return alloc_resize(p, n == 0 ? 1 : n);
}

static void give(void *ctx, void *p)
{
    (void)ctx;
    alloc_free(p);
}

/* Returns whether s is only white space. Nothing else may follow the document. yajl does not check
 * this reliably: if an incomplete token follows, yajl expects more input and reports no error. */
static bool is_blank(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != ' ' && s.p[i] != '\t' && s.p[i] != '\n' && s.p[i] != '\r') {
            return false;
        }
    }
    return true;
}

/* Returns whether s contains a vertical tab or a form feed. yajl treats both as white space, but
 * JSON allows them neither between tokens nor in strings. */
static bool has_foreign_blank(struct span s)
{
    return memchr(s.p, '\v', s.n) != NULL || memchr(s.p, '\f', s.n) != NULL;
}

bool json_read(struct span document, const yajl_callbacks *callbacks, void *context)
{
    if (document.n == 0 || has_foreign_blank(document)) {
        return false;
    }
    yajl_alloc_funcs memory = {.malloc = take, .realloc = resize, .free = give};
    yajl_handle parser = yajl_alloc(callbacks, &memory, context);
    /* Go accepts invalid UTF-8 and replaces it. */
    yajl_config(parser, yajl_dont_validate_strings, 1);
    yajl_config(parser, yajl_allow_trailing_garbage, 1);
    bool ok = yajl_parse(parser, document.p, document.n) == yajl_status_ok;
    size_t used = yajl_get_bytes_consumed(parser);
    ok = ok && yajl_complete_parse(parser) == yajl_status_ok;
    yajl_free(parser);
    return ok && is_blank(span_skip(document, used));
}

/* --- keys and numbers ------------------------------------------------------------------------- */

/* Removes the first character of a key and returns it in lower case. */
static uint8_t folded(struct span *key)
{
    uint8_t c = key->p[0];
    if (key->n >= 2 && memcmp(key->p, "\xc5\xbf", 2) == 0) { /* U+017F, long s */
        *key = span_skip(*key, 2);
        return 's';
    }
    *key = span_skip(*key, 1);
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

bool json_key_matches(struct span key, struct span name)
{
    for (size_t i = 0; i < name.n; i++) {
        if (key.n == 0 || folded(&key) != name.p[i]) {
            return false;
        }
    }
    return key.n == 0;
}

bool json_integer(struct span s, int64_t least, int64_t most_positive, int64_t *value)
{
    bool negative = s.n > 0 && s.p[0] == '-';
    uint64_t most = negative ? 0 - (uint64_t)least : (uint64_t)most_positive;
    uint64_t n = 0;
    for (s = span_skip(s, negative ? 1 : 0); s.n > 0; s = span_skip(s, 1)) {
        if (s.p[0] < '0' || s.p[0] > '9') {
            return false;
        }
        uint64_t digit = (uint64_t)(s.p[0] - '0');
        if (digit > most || n > (most - digit) / 10) {
            return false;
        }
        n = n * 10 + digit;
    }
    *value = (int64_t)(negative ? 0 - n : n);
    return true;
}

/* --- strings ---------------------------------------------------------------------------------- */

static int hex(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Returns the value of the escape "\uXXXX" at p, or -1 if no such escape begins there. */
static int escaped_unit(const uint8_t *p, size_t n)
{
    int value = 0;
    if (n < 6 || p[0] != '\\' || p[1] != 'u') {
        return -1;
    }
    for (int i = 2; i < 6; i++) {
        if (hex(p[i]) < 0) {
            return -1;
        }
        value = value * 16 + hex(p[i]);
    }
    return value;
}

void json_mend_surrogates(uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n;) {
        int unit = escaped_unit(p + i, n - i);
        if (unit < 0) {
            i += p[i] == '\\' ? 2 : 1;
            continue;
        }
        int next = n - i > 6 ? escaped_unit(p + i + 6, n - i - 6) : -1;
        if (unit >= 0xD800 && unit < 0xDC00 && next >= 0xDC00 && next < 0xE000) {
            i += 12;
            continue;
        }
        if (unit >= 0xD800 && unit < 0xE000) {
            memcpy(p + i + 2, "fffd", 4);
        }
        i += 6;
    }
}

void json_append_valid(struct buf *out, struct span text)
{
    struct span bytes;
    while (text.n > 0) {
        bool valid = utf8_next(&text, &bytes);
        buf_append(out, valid ? bytes : SPAN("\xef\xbf\xbd"));
    }
}
