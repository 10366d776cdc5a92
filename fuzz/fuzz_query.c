/* SPDX-License-Identifier: MIT */
/*
 * Invariant: the target of a request is split as a second implementation splits it; so are its
 * query and the parameters in it. A parameter that is written with escapes is found again. A clean
 * path is the one that a second implementation makes, and cleaning it again changes nothing. The
 * Location of a redirect leads to the path that was meant, and has no control byte. After few
 * redirects a path of nsqd's API has a route or none.
 *
 * Input: a byte with choices, then a target. For a parameter that is written: the first byte of
 * the target is the size of the name, and the rest is the name and the value.
 */
#include "fuzz.h"
#include "http/http_target.h"

#include "api/api.h"
#include "base/text.h"

const struct fuzz_shape fuzz_shape = {.header = 1, .body = FUZZ_BYTES};

/* Choices. */
#define CONNECT 1    /* the method is CONNECT */
#define ESCAPES 2    /* a parameter that is written has an escape for every byte */
#define LOWER 4      /* escapes have small letters */
#define PUBLISHES 32 /* the method is POST, else GET */

#define TEXT_MAX 1024
#define REDIRECTS_MAX 3

/* --- a second implementation ------------------------------------------------------------------ */

/* Decodes a text byte by byte. Returns false at a bad escape. */
static bool decoded(struct span in, bool plus, struct buf *out)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    while (in.n > 0) {
        uint8_t byte = fuzz_byte(&in);
        if (byte == '%') {
            struct span two = fuzz_take(&in, 2);
            unsigned value = 0;
            for (size_t i = 0; i < two.n; i++) {
                const char *at = memchr(digits, two.p[i], sizeof digits - 1);
                if (at == NULL) {
                    return false;
                }
                unsigned digit = (unsigned)(at - digits);
                value = value << 4 | (digit < 16 ? digit : digit - 6);
            }
            if (two.n < 2) {
                return false;
            }
            byte = (uint8_t)value;
        }
        byte = plus && byte == '+' && in.p[-1] == '+' ? ' ' : byte;
        buf_append(out, span_make(&byte, 1));
    }
    return true;
}

/* Returns how many bytes come before the first byte of a set; all of them if there is none. */
static size_t up_to(struct span s, const char *set)
{
    size_t n = 0;
    while (n < s.n && (s.p[n] == '\0' || strchr(set, s.p[n]) == NULL)) {
        n++;
    }
    return n;
}

/* Returns how many bytes the scheme and the host at the start of a target have. */
static size_t origin_size(struct span text)
{
    size_t scheme = 0;
    while (scheme < text.n && ((text.p[scheme] | 0x20) >= 'a' && (text.p[scheme] | 0x20) <= 'z')) {
        scheme++;
    }
    struct span rest = span_skip(text, scheme);
    bool absolute = scheme > 0 && span_equal(span_first(rest, 3), SPAN("://"));
    return absolute ? scheme + 3 + up_to(span_skip(rest, 3), "/?") : 0;
}

/* A clean path: its elements are kept in a stack. */
static void cleaned(struct span path, struct buf *out)
{
    struct span stack[TEXT_MAX];
    size_t n = 0;
    struct span last = {NULL, 0};
    for (struct span rest = path; rest.n > 0;) {
        size_t size = up_to(rest, "/");
        last = span_first(rest, size);
        rest = span_skip(rest, size + 1 < rest.n ? size + 1 : rest.n);
        if (span_equal(last, SPAN(".."))) {
            n -= n > 0;
        } else if (size > 0 && !span_equal(last, SPAN("."))) {
            stack[n++] = last;
        }
    }
    for (size_t i = 0; i < n; i++) {
        buf_append(out, SPAN("/"));
        buf_append(out, stack[i]);
    }
    bool slash = path.n > 1 && path.p[path.n - 1] == '/';
    slash = slash || (path.n > 0 && span_equal(last, SPAN(".")));
    if (n == 0 || slash) {
        buf_append(out, SPAN("/"));
    }
}

static bool has_control(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] <= ' ' || s.p[i] >= 0x7f) {
            return true;
        }
    }
    return false;
}

/* --- paths ------------------------------------------------------------------------------------ */

static void check_clean(struct span path)
{
    struct buf once = {0};
    struct buf twice = {0};
    struct buf second = {0};
    http_path_clean(&once, path);
    http_path_clean(&twice, buf_span(&once));
    cleaned(path, &second);
    fuzz_say_bytes("clean", buf_span(&once));
    FUZZ_CHECK(once.n > 0 && buf_span(&once).p[0] == '/' && once.n <= path.n + 2);
    FUZZ_CHECK(span_equal(buf_span(&once), buf_span(&second)));
    FUZZ_CHECK(span_equal(buf_span(&once), buf_span(&twice)));
    buf_free(&once);
    buf_free(&twice);
    buf_free(&second);
}

/* The Location, as a target, has the path that was meant and the query of the request. */
static void check_location(const struct http_target *target, struct span path)
{
    struct buf location = {0};
    struct buf clean = {0};
    struct http_target there;
    http_target_location(&location, target, path);
    http_path_clean(&clean, path);
    struct span meant = target->origin.n > 0 ? path : buf_span(&clean);
    fuzz_say_bytes("location", buf_span(&location));
    bool absolute = target->origin.n == 0 || (path.n > 0 && path.p[0] == '/');
    if (absolute) {
        FUZZ_CHECK(http_target_parse(&there, buf_span(&location), false));
        FUZZ_CHECK(span_equal(buf_span(&there.path), meant));
        FUZZ_CHECK(span_equal(there.query, target->query));
        FUZZ_CHECK(there.has_query == target->has_query);
        FUZZ_CHECK(span_equal(there.origin, target->origin));
        http_target_free(&there);
    }
    struct span written = span_skip(buf_span(&location), target->origin.n);
    FUZZ_CHECK(!has_control(span_first(written, up_to(written, "?"))));
    buf_free(&location);
    buf_free(&clean);
}

/* Follows the redirects of the API. Each of them leads to a path that was not redirected before. */
static void check_routes(const struct http_target *target, struct span method)
{
    const struct http_routes routes = api_routes();
    struct buf path = {0};
    enum http_match match = HTTP_MATCH_REDIRECT;
    buf_append(&path, buf_span(&target->path));
    for (int i = 0; match == HTTP_MATCH_REDIRECT; i++) {
        struct http_found found;
        FUZZ_CHECK(i <= REDIRECTS_MAX);
        match = http_routes_find(&routes, method, buf_span(&path), &found);
        FUZZ_CHECK((match == HTTP_MATCH_FOUND) == (found.route != NULL));
        FUZZ_CHECK(match != HTTP_MATCH_NOT_ALLOWED || found.text.n > 0);
        if (match == HTTP_MATCH_REDIRECT) {
            FUZZ_CHECK(!span_equal(buf_span(&found.text), buf_span(&path)));
            FUZZ_CHECK(found.text.n > 0 && buf_span(&found.text).p[0] == '/');
            check_location(target, buf_span(&found.text));
            buf_free(&path);
            buf_append(&path, buf_span(&found.text));
        }
        buf_free(&found.text);
    }
    fuzz_say("match %d", (int)match);
    fuzz_met(0, method.n == 4, (unsigned)match % FUZZ_OUTCOMES);
    buf_free(&path);
}

/* --- queries ---------------------------------------------------------------------------------- */

/* Looks for the name of each parameter, and compares with the first one that has the name. */
static void check_names(struct span query)
{
    for (struct span rest = query; rest.n > 0;) {
        struct span param = span_first(rest, up_to(rest, "&"));
        rest = span_skip(rest, param.n < rest.n ? param.n + 1 : rest.n);
        struct buf name = {0};
        struct buf found = {0};
        struct buf expected = {0};
        bool given = false;
        (void)decoded(span_first(param, up_to(param, "=")), true, &name);
        for (struct span all = query; all.n > 0 && !given;) {
            struct span one = span_first(all, up_to(all, "&"));
            struct buf other = {0};
            size_t size = up_to(one, "=");
            all = span_skip(all, one.n < all.n ? one.n + 1 : all.n);
            (void)decoded(span_first(one, size), true, &other);
            given = one.n > 0 && span_equal(buf_span(&other), buf_span(&name));
            if (given) {
                (void)decoded(span_skip(one, size < one.n ? size + 1 : size), true, &expected);
            }
            buf_free(&other);
        }
        FUZZ_CHECK(http_query_find(query, buf_span(&name), &found) == given);
        FUZZ_CHECK(span_equal(buf_span(&found), buf_span(&expected)));
        FUZZ_CHECK(given || param.n == 0);
        buf_free(&name);
        buf_free(&found);
        buf_free(&expected);
    }
}

static bool seems_valid(struct span query)
{
    struct buf ignored = {0};
    bool valid = up_to(query, ";") == query.n;
    for (struct span rest = query; rest.n > 0 && valid;) {
        size_t size = up_to(rest, "&");
        valid = decoded(span_first(rest, size), true, &ignored);
        rest = span_skip(rest, size < rest.n ? size + 1 : size);
    }
    buf_free(&ignored);
    return valid;
}

static void check_query(struct span query)
{
    bool valid = seems_valid(query);
    FUZZ_CHECK(http_query_valid(query) == valid);
    fuzz_say("query %s", valid ? "valid" : "bad");
    if (valid) {
        check_names(query);
    }
}

/* --- a parameter that is written -------------------------------------------------------------- */

static bool is_safe(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static void write_escaped(struct buf *out, struct span s, unsigned choices)
{
    const char *digits = choices & LOWER ? "0123456789abcdef" : "0123456789ABCDEF";
    for (size_t i = 0; i < s.n; i++) {
        const char escape[3] = {'%', digits[s.p[i] >> 4], digits[s.p[i] & 15]};
        if (!(choices & ESCAPES) && s.p[i] == ' ') {
            text_append(out, "+");
        } else if (!(choices & ESCAPES) && is_safe(s.p[i])) {
            buf_append(out, span_make(&s.p[i], 1));
        } else {
            buf_append(out, span_make(escape, sizeof escape));
        }
    }
}

static void check_written(struct span in, unsigned choices)
{
    size_t size = fuzz_byte(&in);
    struct span name = fuzz_take(&in, size);
    struct buf query = {0};
    struct buf found = {0};
    if (name.n == 0 || span_equal(name, SPAN("x"))) {
        return; /* an empty name is found in "&=" too, and x is the parameter in front */
    }
    text_append(&query, "x=1&&");
    write_escaped(&query, name, choices);
    text_append(&query, "=");
    write_escaped(&query, in, choices);
    text_append(&query, "&");
    write_escaped(&query, name, choices);
    text_append(&query, "=2");
    FUZZ_CHECK(http_query_valid(buf_span(&query)));
    FUZZ_CHECK(http_query_find(buf_span(&query), name, &found));
    FUZZ_CHECK(span_equal(buf_span(&found), in));
    buf_free(&query);
    buf_free(&found);
}

/* --- targets ---------------------------------------------------------------------------------- */

/* A target, split by the second implementation. */
static bool split(struct http_target *target, struct span text, bool connect)
{
    *target = (struct http_target){0};
    if (connect && text.p[0] != '/') {
        return true;
    }
    if (span_equal(text, SPAN("*"))) {
        buf_append(&target->path, text);
        return true;
    }
    size_t size = origin_size(text);
    struct span path = span_skip(text, size);
    target->origin = span_first(text, size);
    size = up_to(path, "?");
    target->has_query = size < path.n;
    target->query = span_skip(path, target->has_query ? size + 1 : size);
    path = span_first(path, size);
    return (target->origin.n > 0 || (path.n > 0 && path.p[0] == '/')) &&
           decoded(path, false, &target->path);
}

static void check_target(struct span text, unsigned choices)
{
    struct http_target target;
    struct http_target second;
    bool ok = http_target_parse(&target, text, choices & CONNECT);
    FUZZ_CHECK(split(&second, text, choices & CONNECT) == ok);
    fuzz_say_bytes(ok ? "path" : "refused", buf_span(&target.path));
    if (ok) {
        FUZZ_CHECK(span_equal(target.origin, second.origin));
        FUZZ_CHECK(target.has_query == second.has_query);
        FUZZ_CHECK(span_equal(target.query, second.query));
        FUZZ_CHECK(span_equal(buf_span(&target.path), buf_span(&second.path)));
        check_query(target.query);
        check_clean(buf_span(&target.path));
        check_location(&target, buf_span(&target.path));
        check_routes(&target, choices & PUBLISHES ? SPAN("POST") : SPAN("GET"));
    }
    http_target_free(&target);
    http_target_free(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_make(data, size);
    unsigned choices = fuzz_byte(&in);
    in = span_first(in, TEXT_MAX);
    if (in.n == 0) {
        return 0;
    }
    check_target(in, choices);
    check_query(in);
    check_clean(in);
    check_written(in, choices);
    return 0;
}
