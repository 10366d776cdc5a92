/* SPDX-License-Identifier: MIT */
/*
 * Parses URLs by Go's rules. So each URL gives the same request as in nsqd, or is refused as in
 * nsqd. Must not know: requests, connections.
 */
#include "http/http_url.h"

#include "base/text.h"

/* --- characters ------------------------------------------------------------------------------- */

static bool is_alnum(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* NUL is in no list. */
static bool is_one_of(uint8_t c, const char *list)
{
    return c != 0 && strchr(list, c) != NULL;
}

static bool is_unreserved(uint8_t c)
{
    return is_alnum(c) || is_one_of(c, "-_.~");
}

static void append_byte(struct buf *b, uint8_t c)
{
    buf_append(b, span_make(&c, 1));
}

static void append_percent(struct buf *b, uint8_t c)
{
    static const char digits[] = "0123456789ABCDEF";
    const char text[] = {'%', digits[c >> 4], digits[c & 15]};
    buf_append(b, span_make(text, sizeof text));
}

/* Escapes all bytes except the unreserved characters and those in `keep`. */
static void escape(struct buf *b, struct span s, const char *keep)
{
    for (size_t i = 0; i < s.n; i++) {
        if (is_unreserved(s.p[i]) || is_one_of(s.p[i], keep)) {
            append_byte(b, s.p[i]);
        } else {
            append_percent(b, s.p[i]);
        }
    }
}

static int hex(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Returns false if a '%' is not followed by two hexadecimal digits. */
static bool unescape(struct buf *b, struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '%') {
            append_byte(b, s.p[i]);
            continue;
        }
        int high = i + 2 < s.n ? hex(s.p[i + 1]) : -1;
        int low = i + 2 < s.n ? hex(s.p[i + 2]) : -1;
        if (high < 0 || low < 0) {
            return false;
        }
        append_byte(b, (uint8_t)(high * 16 + low));
        i += 2;
    }
    return true;
}

/* --- parameters ------------------------------------------------------------------------------- */

void http_query_append(struct buf *out, struct span name, struct span value)
{
    buf_append(out, out->n > 0 ? SPAN("&") : SPAN(""));
    buf_append(out, name);
    text_append(out, "=");
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] == ' ') {
            text_append(out, "+");
        } else {
            escape(out, span_make(value.p + i, 1), "");
        }
    }
}

/* --- parts of a URL --------------------------------------------------------------------------- */

/* Splits at the first c, which belongs to neither part. Returns false if there is no c; then *rest
 * is empty. */
static bool cut(struct span s, char c, struct span *before, struct span *rest)
{
    const uint8_t *p = s.n == 0 ? NULL : memchr(s.p, c, s.n);
    *before = p == NULL ? s : span_make(s.p, (size_t)(p - s.p));
    *rest = p == NULL ? span_make(NULL, 0) : span_skip(s, before->n + 1);
    return p != NULL;
}

static bool has_controls(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < ' ' || s.p[i] == 0x7f) {
            return true;
        }
    }
    return false;
}

static void replace(struct buf *b, struct span with)
{
    buf_drop(b, b->n);
    buf_append(b, with);
}

static bool parse_user(struct http_url *u, struct span user)
{
    for (size_t i = 0; i < user.n; i++) {
        if (!is_alnum(user.p[i]) && !is_one_of(user.p[i], "-._:~!$&'()*+,;=%@")) {
            return false;
        }
    }
    struct span name;
    struct span password;
    cut(user, ':', &name, &password);
    u->has_user = true;
    bool good = unescape(&u->user, name);
    text_append(&u->user, ":");
    return good && unescape(&u->user, password);
}

/* Finds the size of the host, with its brackets, in "host", "host:port" or "[::1]:port". Returns
 * false if the closing bracket is missing. */
static bool host_size(struct span host, size_t *size)
{
    bool bracketed = host.n > 0 && host.p[0] == '[';
    if (bracketed) {
        const uint8_t *end = memchr(host.p, ']', host.n);
        *size = end == NULL ? 0 : (size_t)(end - host.p) + 1;
        return end != NULL;
    }
    *size = host.n;
    for (size_t i = 0; i < host.n; i++) {
        *size = host.p[i] == ':' ? i : *size;
    }
    return true;
}

/* `size` as host_size tells it. */
static bool host_is_valid(struct span host, size_t size)
{
    bool bracketed = host.n > 0 && host.p[0] == '[';
    for (size_t i = 0; i < host.n; i++) {
        uint8_t c = host.p[i];
        bool fits = i == size   ? c == ':'
                    : i > size  ? c >= '0' && c <= '9'
                    : bracketed ? is_alnum(c) || is_one_of(c, ":.[]")
                                : is_unreserved(c);
        if (!fits) {
            return false;
        }
    }
    return true;
}

static bool parse_host(struct http_url *u, struct span host)
{
    size_t size;
    if (!host_size(host, &size) || !host_is_valid(host, size)) {
        return false;
    }
    bool has_port = host.n > size + 1; /* "host:" names none */
    bool bracketed = size > 0 && host.p[0] == '[';
    struct span bare = bracketed ? span_make(host.p + 1, size - 2) : span_first(host, size);
    replace(&u->name, bare);
    replace(&u->host, span_first(host, has_port ? host.n : size));
    replace(&u->address, buf_span(&u->host));
    if (!has_port) {
        buf_append(&u->address, u->https ? SPAN(":443") : SPAN(":80"));
    }
    return bare.n > 0;
}

/* The user, if there is one, and the host. */
static bool parse_authority(struct http_url *u, struct span authority, struct span *why)
{
    size_t at = SIZE_MAX; /* of the last '@' */
    for (size_t i = 0; i < authority.n; i++) {
        at = authority.p[i] == '@' ? i : at;
    }
    buf_drop(&u->user, u->user.n);
    u->has_user = false;
    if (at != SIZE_MAX && !parse_user(u, span_first(authority, at))) {
        *why = SPAN("invalid userinfo");
        return false;
    }
    if (!parse_host(u, at == SIZE_MAX ? authority : span_skip(authority, at + 1))) {
        *why = SPAN("no Host in request URL, or none that is valid");
        return false;
    }
    return true;
}

/* A path in which nothing needs to be escaped stays as it is. Any other is unescaped and escaped
 * again. */
static bool parse_path(struct http_url *u, struct span path)
{
    struct buf plain = {0};
    bool valid = true;
    bool good = unescape(&plain, path);
    buf_drop(&u->path, u->path.n);
    for (size_t i = 0; i < path.n; i++) {
        valid = valid && (is_unreserved(path.p[i]) || is_one_of(path.p[i], "!$&'()*+,;=:@[]%/"));
    }
    if (valid) {
        buf_append(&u->path, path);
    } else {
        escape(&u->path, buf_span(&plain), "$&+,/:;=@");
    }
    if (path.n == 0) {
        text_append(&u->path, "/");
    }
    buf_free(&plain);
    return good;
}

static bool parse_path_and_query(struct http_url *u, struct span text)
{
    struct span path;
    struct span query;
    cut(text, '?', &path, &query);
    replace(&u->query, query);
    return parse_path(u, path);
}

/* --- URLs ------------------------------------------------------------------------------------- */

bool http_url_parse(struct http_url *url, struct span text, struct span *why)
{
    struct span scheme;
    struct span rest;
    struct span fragment;
    if (has_controls(text)) {
        *why = SPAN("invalid control character in URL");
        return false;
    }
    cut(text, '#', &text, &fragment); /* servers are not sent fragments */
    cut(text, ':', &scheme, &rest);
    url->https = text_equal_any_case(scheme, SPAN("https"));
    if (!url->https && !text_equal_any_case(scheme, SPAN("http"))) {
        *why = SPAN("unsupported protocol scheme");
        return false;
    }
    if (rest.n < 2 || rest.p[0] != '/' || rest.p[1] != '/') {
        *why = SPAN("no Host in request URL");
        return false;
    }
    rest = span_skip(rest, 2);
    size_t n = 0;
    while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?') {
        n++;
    }
    if (!parse_authority(url, span_first(rest, n), why)) {
        return false;
    }
    if (!parse_path_and_query(url, span_skip(rest, n))) {
        *why = SPAN("invalid URL escape");
        return false;
    }
    return true;
}

void http_url_free(struct http_url *url)
{
    buf_free(&url->host);
    buf_free(&url->name);
    buf_free(&url->address);
    buf_free(&url->user);
    buf_free(&url->path);
    buf_free(&url->query);
}

bool http_url_has_scheme(struct span text)
{
    for (size_t i = 0; i + 3 <= text.n; i++) {
        if (memcmp(text.p + i, "://", 3) == 0) {
            return true;
        }
    }
    return false;
}

bool http_url_follow(struct http_url *url, struct span location, struct span *why)
{
    struct span fragment;
    if (location.n > HTTP_URL_MAX || has_controls(location)) {
        *why = SPAN("invalid redirect");
        return false;
    }
    if (http_url_has_scheme(location)) {
        return http_url_parse(url, location, why);
    }
    cut(location, '#', &location, &fragment);
    bool rooted =
        location.n > 0 && location.p[0] == '/' && !(location.n > 1 && location.p[1] == '/');
    if (!rooted || !parse_path_and_query(url, location)) {
        *why = SPAN("unsupported redirect");
        return false;
    }
    return true;
}

bool http_url_secure(struct http_url *url, int64_t port, struct span *why)
{
    struct buf host = {0};
    const struct buf *old = &url->host;
    struct span name = buf_span(&url->name);
    bool bracketed = old->n > 0 && buf_span(old).p[0] == '[';
    bool has_port = old->n > name.n + (bracketed ? 2U : 0U);
    if (!has_port || port < 0 || port > UINT16_MAX) { /* nsqd too fails when the URL has none */
        *why = SPAN("no port to ask again by https");
        return false;
    }
    buf_append(&host, bracketed ? SPAN("[") : SPAN(""));
    buf_append(&host, name);
    buf_append(&host, bracketed ? SPAN("]:") : SPAN(":"));
    text_append_decimal(&host, port);
    url->https = true;
    bool good = parse_host(url, buf_span(&host));
    buf_free(&host);
    return good;
}

void http_url_show(const struct http_url *url, struct buf *out)
{
    buf_append(out, url->https ? SPAN("https://") : SPAN("http://"));
    buf_append(out, buf_span(&url->host));
    buf_append(out, buf_span(&url->path));
}
