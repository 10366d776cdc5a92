/* SPDX-License-Identifier: MIT */
#include "auth/auth_request.h"

#include "base/text.h"

/* --- characters ------------------------------------------------------------------------------- */

static bool is_alnum(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Whether c is one of a list; c is not NUL. */
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

/* Escapes all but the unreserved characters and those of `keep`. */
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

/* False: a '%' without two hexadecimal digits. */
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

static void append_parameter(struct buf *out, struct span name, struct span value)
{
    buf_append(out, name);
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] == ' ') {
            text_append(out, "+");
        } else {
            escape(out, span_make(value.p + i, 1), "");
        }
    }
}

void auth_query_append(struct buf *out, struct span common_name, struct span remote_ip,
                       struct span secret, bool tls)
{
    append_parameter(out, SPAN("common_name="), common_name);
    append_parameter(out, SPAN("&remote_ip="), remote_ip);
    append_parameter(out, SPAN("&secret="), secret);
    append_parameter(out, SPAN("&tls="), tls ? SPAN("true") : SPAN("false"));
}

/* --- URLs ------------------------------------------------------------------------------------- */

/* The bytes before the first c, which is dropped; `*rest` what stands behind it. False: there is
 * none, and `*rest` is empty. */
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

static bool same_word(struct span a, struct span small)
{
    for (size_t i = 0; i < a.n && a.n == small.n; i++) {
        uint8_t c = a.p[i] >= 'A' && a.p[i] <= 'Z' ? (uint8_t)(a.p[i] - 'A' + 'a') : a.p[i];
        if (c != small.p[i]) {
            return false;
        }
    }
    return a.n == small.n;
}

static bool parse_user(struct auth_target *t, struct span user)
{
    for (size_t i = 0; i < user.n; i++) {
        if (!is_alnum(user.p[i]) && !is_one_of(user.p[i], "-._:~!$&'()*+,;=%@")) {
            return false;
        }
    }
    struct span name;
    struct span password;
    cut(user, ':', &name, &password);
    buf_drop(&t->user, t->user.n);
    t->has_user = true;
    bool good = unescape(&t->user, name);
    text_append(&t->user, ":");
    return good && unescape(&t->user, password);
}

/* "host", "host:port", "[::1]:port". */
static bool parse_host(struct auth_target *t, struct span host)
{
    size_t brackets = 0;
    if (host.n > 0 && host.p[0] == '[') {
        const uint8_t *end = memchr(host.p, ']', host.n);
        if (end == NULL) {
            return false;
        }
        brackets = (size_t)(end - host.p) + 1;
    }
    size_t name = brackets > 0 ? brackets : host.n;
    for (size_t i = 0; i < host.n && brackets == 0; i++) {
        name = host.p[i] == ':' ? i : name;
    }
    struct span port = span_skip(host, name);
    for (size_t i = 0; i < host.n; i++) {
        bool fits = i == name      ? host.p[i] == ':'
                    : i > name     ? host.p[i] >= '0' && host.p[i] <= '9'
                    : brackets > 0 ? is_alnum(host.p[i]) || is_one_of(host.p[i], ":.[]")
                                   : is_unreserved(host.p[i]);
        if (!fits) {
            return false;
        }
    }
    bool has_port = port.n > 1;
    struct span bare = brackets > 0 ? span_make(host.p + 1, brackets - 2) : span_first(host, name);
    buf_drop(&t->host, t->host.n);
    buf_drop(&t->name, t->name.n);
    buf_drop(&t->address, t->address.n);
    buf_append(&t->name, bare);
    buf_append(&t->host, span_first(host, has_port ? host.n : name));
    buf_append(&t->address, buf_span(&t->host));
    if (!has_port) {
        buf_append(&t->address, t->https ? SPAN(":443") : SPAN(":80"));
    }
    return bare.n > 0;
}

/* Kept as it is when nothing in it needs to be escaped, else escaped anew. */
static bool parse_path(struct auth_target *t, struct span path)
{
    struct buf plain = {0};
    bool valid = true;
    bool good = unescape(&plain, path);
    buf_drop(&t->path, t->path.n);
    for (size_t i = 0; i < path.n; i++) {
        valid = valid && (is_unreserved(path.p[i]) || is_one_of(path.p[i], "!$&'()*+,;=:@[]%/"));
    }
    if (valid) {
        buf_append(&t->path, path);
    } else {
        escape(&t->path, buf_span(&plain), "$&+,/:;=@");
    }
    if (path.n == 0) {
        text_append(&t->path, "/");
    }
    buf_free(&plain);
    return good;
}

/* A path and its query, in place of those that are there. */
static bool parse_rest(struct auth_target *t, struct span rest)
{
    struct span path;
    struct span query;
    t->has_query = cut(rest, '?', &path, &query);
    buf_drop(&t->query, t->query.n);
    buf_append(&t->query, query);
    return parse_path(t, path);
}

static bool parse(struct auth_target *t, struct span url, struct span *why)
{
    struct span scheme;
    struct span rest;
    struct span fragment;
    if (has_controls(url)) {
        *why = SPAN("invalid control character in URL");
        return false;
    }
    cut(url, '#', &url, &fragment); /* nobody is sent a fragment */
    cut(url, ':', &scheme, &rest);
    t->https = same_word(scheme, SPAN("https"));
    if (!t->https && !same_word(scheme, SPAN("http"))) {
        *why = SPAN("unsupported protocol scheme");
        return false;
    }
    if (rest.n < 2 || rest.p[0] != '/' || rest.p[1] != '/') {
        *why = SPAN("no Host in request URL");
        return false;
    }
    rest = span_skip(rest, 2);
    size_t n = 0;
    size_t at = SIZE_MAX;
    while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?') {
        at = rest.p[n] == '@' ? n : at;
        n++;
    }
    struct span host = span_first(rest, n);
    buf_drop(&t->user, t->user.n);
    t->has_user = false;
    if (at != SIZE_MAX && !parse_user(t, span_first(host, at))) {
        *why = SPAN("invalid userinfo");
        return false;
    }
    if (!parse_host(t, at == SIZE_MAX ? host : span_skip(host, at + 1))) {
        *why = SPAN("no Host in request URL, or none that is valid");
        return false;
    }
    if (!parse_rest(t, span_skip(rest, n))) {
        *why = SPAN("invalid URL escape");
        return false;
    }
    return true;
}

static bool contains(struct span s, struct span part)
{
    for (size_t i = 0; i + part.n <= s.n; i++) {
        if (memcmp(s.p + i, part.p, part.n) == 0) {
            return true;
        }
    }
    return false;
}

bool auth_target_of(struct auth_target *target, struct span server, struct span query,
                    struct span *why)
{
    struct buf url = {0};
    bool whole = contains(server, SPAN("://"));
    *target = (struct auth_target){0};
    if (server.n > AUTH_URL_MAX) {
        *why = SPAN("URL too long");
        return false;
    }
    buf_append(&url, whole ? SPAN("") : SPAN("http://"));
    buf_append(&url, server);
    buf_append(&url, whole ? SPAN("?") : SPAN("/auth?"));
    buf_append(&url, query);
    bool good = parse(target, buf_span(&url), why);
    buf_free(&url);
    return good;
}

void auth_target_free(struct auth_target *target)
{
    buf_free(&target->host);
    buf_free(&target->name);
    buf_free(&target->address);
    buf_free(&target->user);
    buf_free(&target->path);
    buf_free(&target->query);
}

bool auth_target_move(struct auth_target *target, struct span location, struct span *why)
{
    struct span fragment;
    if (location.n > AUTH_URL_MAX || has_controls(location)) {
        *why = SPAN("invalid redirect");
        return false;
    }
    if (contains(location, SPAN("://"))) {
        return parse(target, location, why);
    }
    cut(location, '#', &location, &fragment);
    bool rooted =
        location.n > 0 && location.p[0] == '/' && !(location.n > 1 && location.p[1] == '/');
    if (!rooted || !parse_rest(target, location)) {
        *why = SPAN("unsupported redirect");
        return false;
    }
    return true;
}

bool auth_target_secure(struct auth_target *target, int64_t port, struct span *why)
{
    struct buf host = {0};
    const struct buf *old = &target->host;
    struct span name = buf_span(&target->name);
    bool bracketed = old->n > 0 && buf_span(old).p[0] == '[';
    bool has_port = old->n > name.n + (bracketed ? 2U : 0U);
    if (!has_port || port < 0 || port > UINT16_MAX) { /* as nsqd needs one in the first URL too */
        *why = SPAN("no port to ask again by https");
        return false;
    }
    buf_append(&host, bracketed ? SPAN("[") : SPAN(""));
    buf_append(&host, name);
    buf_append(&host, bracketed ? SPAN("]:") : SPAN(":"));
    text_append_decimal(&host, port);
    target->https = true;
    bool good = parse_host(target, buf_span(&host));
    buf_free(&host);
    return good;
}

/* --- the request ------------------------------------------------------------------------------ */

static void append_base64(struct buf *out, struct span s)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (; s.n > 0; s = span_skip(s, s.n < 3 ? s.n : 3)) {
        uint32_t bits = (uint32_t)s.p[0] << 16;
        bits |= s.n > 1 ? (uint32_t)s.p[1] << 8 : 0;
        bits |= s.n > 2 ? (uint32_t)s.p[2] : 0;
        const char text[] = {digits[bits >> 18], digits[bits >> 12 & 63],
                             s.n > 1 ? digits[bits >> 6 & 63] : '=',
                             s.n > 2 ? digits[bits & 63] : '='};
        buf_append(out, span_make(text, sizeof text));
    }
}

void auth_target_request(const struct auth_target *target, struct buf *out)
{
    text_append(out, "GET ");
    buf_append(out, buf_span(&target->path));
    if (target->has_query && target->query.n > 0) {
        text_append(out, "?");
        buf_append(out, buf_span(&target->query));
    }
    text_append(out, " HTTP/1.1\r\nHost: ");
    buf_append(out, buf_span(&target->host));
    text_append(out, "\r\nUser-Agent: Go-http-client/1.1\r\n"
                     "Accept: application/vnd.nsq; version=1.0\r\n");
    if (target->has_user) {
        text_append(out, "Authorization: Basic ");
        append_base64(out, buf_span(&target->user));
        text_append(out, "\r\n");
    }
    text_append(out, "Accept-Encoding: gzip\r\n\r\n");
}

void auth_target_show(const struct auth_target *target, struct buf *out)
{
    buf_append(out, target->https ? SPAN("https://") : SPAN("http://"));
    buf_append(out, buf_span(&target->host));
    buf_append(out, buf_span(&target->path));
}
