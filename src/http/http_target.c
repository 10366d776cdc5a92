/* SPDX-License-Identifier: MIT */
/*
 * Splits, decodes and writes URLs of requests. Must not know routes, requests, connections.
 */
#include "http/http_target.h"

#include "base/text.h"

/* --- escapes ---------------------------------------------------------------------------------- */

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool escapes_valid(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '%') {
            continue;
        }
        if (s.n - i < 3 || hex_value(s.p[i + 1]) < 0 || hex_value(s.p[i + 2]) < 0) {
            return false;
        }
        i += 2;
    }
    return true;
}

/* Appends a text whose escapes are valid. In a query, '+' is a space. */
static void decode(struct buf *out, struct span s, bool in_query)
{
    if (s.n == 0) {
        return;
    }
    uint8_t *room = buf_room(out, s.n);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        if (c == '%') {
            c = (uint8_t)(hex_value(s.p[i + 1]) * 16 + hex_value(s.p[i + 2]));
            i += 2;
        } else if (c == '+' && in_query) {
            c = ' ';
        }
        room[n++] = c;
    }
    buf_grew(out, n);
}

/* Returns whether a byte of a path is written as it is, as by Go's URL.EscapedPath. */
static bool is_plain(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != 0 && strchr("-_.~$&+,/:;=@", c) != NULL);
}

static void encode(struct buf *out, struct span path)
{
    for (size_t i = 0; i < path.n; i++) {
        uint8_t c = path.p[i];
        const char *digits = "0123456789ABCDEF";
        const char escaped[3] = {'%', digits[c >> 4], digits[c & 15]};
        buf_append(out, is_plain(c) ? span_make(&c, 1) : span_make(escaped, sizeof escaped));
    }
}

/* --- the parts of a target -------------------------------------------------------------------- */

static bool is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Returns the "http://host" that a target begins with, or an empty span. */
static struct span find_origin(struct span text)
{
    size_t n = 0;
    while (n < text.n && is_letter(text.p[n])) {
        n++;
    }
    if (n == 0 || text.n - n < 3 || memcmp(text.p + n, "://", 3) != 0) {
        return span_make(NULL, 0);
    }
    n += 3;
    while (n < text.n && text.p[n] != '/' && text.p[n] != '?') {
        n++;
    }
    return span_first(text, n);
}

bool http_target_parse(struct http_target *target, struct span text, bool connect)
{
    *target = (struct http_target){0};
    if (connect && text.p[0] != '/') {
        return true;
    }
    if (span_equal(text, SPAN("*"))) {
        buf_append(&target->path, text);
        return true;
    }
    target->origin = find_origin(text);
    struct span path = span_skip(text, target->origin.n);
    const uint8_t *mark = path.n == 0 ? NULL : memchr(path.p, '?', path.n);
    if (mark != NULL) {
        target->has_query = true;
        target->query = span_skip(path, (size_t)(mark - path.p) + 1);
        path.n = (size_t)(mark - path.p);
    }
    if ((target->origin.n == 0 && (path.n == 0 || path.p[0] != '/')) || !escapes_valid(path)) {
        return false;
    }
    decode(&target->path, path, false);
    return true;
}

void http_target_free(struct http_target *target)
{
    buf_free(&target->path);
}

/* --- the query -------------------------------------------------------------------------------- */

/* Cuts the first parameter off a query, as "name=value", which may be empty. */
static struct span next_param(struct span *query)
{
    const uint8_t *end = memchr(query->p, '&', query->n);
    size_t n = end == NULL ? query->n : (size_t)(end - query->p);
    struct span param = span_first(*query, n);
    *query = span_skip(*query, end == NULL ? n : n + 1);
    return param;
}

bool http_query_valid(struct span query)
{
    struct span rest = query;
    while (rest.n > 0) {
        struct span param = next_param(&rest);
        if ((param.n > 0 && memchr(param.p, ';', param.n) != NULL) || !escapes_valid(param)) {
            return false;
        }
    }
    return true;
}

/* Returns whether a name in a query, which may have escapes, is this name. */
static bool name_is(struct span escaped, struct span name)
{
    struct buf decoded = {0};
    if (escaped.n < name.n || escaped.n > 3 * name.n) {
        return false;
    }
    decode(&decoded, escaped, true);
    bool same = span_equal(buf_span(&decoded), name);
    buf_free(&decoded);
    return same;
}

bool http_query_find(struct span query, struct span name, struct buf *value)
{
    while (query.n > 0) {
        struct span param = next_param(&query);
        const uint8_t *sign = param.n == 0 ? NULL : memchr(param.p, '=', param.n);
        size_t n = sign == NULL ? param.n : (size_t)(sign - param.p);
        if (param.n > 0 && name_is(span_first(param, n), name)) {
            decode(value, span_skip(param, sign == NULL ? n : n + 1), true);
            return true;
        }
    }
    return false;
}

/* --- paths ------------------------------------------------------------------------------------ */

/* Removes the last element of the path at out->p + from. */
static void drop_element(struct buf *out, size_t from)
{
    while (out->n > from && buf_span(out).p[out->n - 1] != '/') {
        out->n--;
    }
    if (out->n > from) {
        out->n--;
    }
}

void http_path_clean(struct buf *out, struct span path)
{
    size_t from = out->n;
    bool trailing = path.n > 1 && path.p[path.n - 1] == '/';
    while (path.n > 0) {
        const uint8_t *slash = memchr(path.p, '/', path.n);
        size_t n = slash == NULL ? path.n : (size_t)(slash - path.p);
        struct span element = span_first(path, n);
        path = span_skip(path, slash == NULL ? n : n + 1);
        if (span_equal(element, SPAN("."))) {
            trailing = trailing || path.n == 0;
        } else if (span_equal(element, SPAN(".."))) {
            drop_element(out, from);
        } else if (n > 0) {
            text_append(out, "/");
            buf_append(out, element);
        }
    }
    if (trailing || out->n == from) {
        text_append(out, "/");
    }
}

void http_target_location(struct buf *out, const struct http_target *target, struct span path)
{
    struct buf escaped = {0};
    encode(&escaped, path);
    if (target->origin.n > 0) {
        buf_append(out, target->origin);
        buf_append(out, buf_span(&escaped));
    } else {
        http_path_clean(out, buf_span(&escaped));
    }
    buf_free(&escaped);
    if (target->has_query) {
        text_append(out, "?");
        buf_append(out, target->query);
    }
}
