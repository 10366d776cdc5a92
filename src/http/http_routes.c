/* SPDX-License-Identifier: MIT */
/*
 * Finds routes. The tables have about twenty rows, so the search looks at each row. Must not know
 * what a route does, connections.
 */
#include "http/http_routes.h"

#include "base/text.h"
#include "http/http_target.h"

#define METHODS_MAX 8 /* different methods in a table */

static bool has_slash(struct span s)
{
    return s.n > 0 && memchr(s.p, '/', s.n) != NULL;
}

/* Returns whether a route has this path. `folds`: upper and lower case are equal. */
static bool matches(const struct http_route *route, struct span path, bool folds)
{
    struct span fixed = route->has_param ? span_first(path, route->path.n) : path;
    bool same = folds ? text_equal_any_case(fixed, route->path) : span_equal(fixed, route->path);
    if (!same || !route->has_param) {
        return same;
    }
    struct span param = span_skip(path, route->path.n);
    return param.n > 0 && !has_slash(param);
}

static const struct http_route *find(const struct http_routes *routes, struct span method,
                                     struct span path, bool folds)
{
    for (size_t i = 0; i < routes->count; i++) {
        const struct http_route *row = &routes->rows[i];
        if (span_equal(row->method, method) && matches(row, path, folds)) {
            return row;
        }
    }
    return NULL;
}

/* --- redirects -------------------------------------------------------------------------------- */

static struct span without_slash(struct span path)
{
    return path.n > 1 && path.p[path.n - 1] == '/' ? span_first(path, path.n - 1) : path;
}

/* httprouter redirects a path with an empty parameter and a slash too: "/config//". */
static bool is_empty_param(const struct http_routes *routes, struct span method, struct span path)
{
    for (size_t i = 0; i < routes->count; i++) {
        const struct http_route *row = &routes->rows[i];
        if (row->has_param && span_equal(row->method, method) && span_equal(row->path, path)) {
            return true;
        }
    }
    return false;
}

/* Looks for the route of a path with a slash too many. */
static bool drop_slash(const struct http_routes *routes, struct span method, struct span path,
                       struct http_found *found)
{
    struct span shorter = without_slash(path);
    bool exists = shorter.n < path.n && (find(routes, method, shorter, false) != NULL ||
                                         is_empty_param(routes, method, shorter));
    if (exists) {
        buf_append(&found->text, shorter);
    }
    return exists;
}

/* Looks for the route of a path that must be cleaned, or whose case is wrong. A parameter keeps its
 * case. */
static bool fix(const struct http_routes *routes, struct span method, struct span path,
                struct http_found *found)
{
    struct buf clean = {0};
    http_path_clean(&clean, path);
    struct span fixed = without_slash(buf_span(&clean));
    const struct http_route *row = find(routes, method, fixed, true);
    if (row != NULL) {
        buf_append(&found->text, row->path);
        buf_append(&found->text, span_skip(fixed, row->path.n));
    }
    buf_free(&clean);
    return row != NULL;
}

/* --- other methods ---------------------------------------------------------------------------- */

struct methods {
    struct span names[METHODS_MAX]; /* sorted */
    size_t n;
};

static bool sorts_before(struct span a, struct span b)
{
    int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);
    return order < 0 || (order == 0 && a.n < b.n);
}

static void add_method(struct methods *m, struct span name)
{
    size_t at = 0;
    while (at < m->n && sorts_before(m->names[at], name)) {
        at++;
    }
    if (m->n == METHODS_MAX || (at < m->n && span_equal(m->names[at], name))) {
        return;
    }
    memmove(&m->names[at + 1], &m->names[at], (m->n - at) * sizeof m->names[0]);
    m->names[at] = name;
    m->n++;
}

/* Appends the methods of a path, as "GET, OPTIONS". Appends nothing if there are none. The path
 * "*" has all methods of the table. */
static void append_allowed(const struct http_routes *routes, struct span path, struct buf *out)
{
    struct methods m = {.n = 0};
    bool all = span_equal(path, SPAN("*"));
    for (size_t i = 0; i < routes->count; i++) {
        if (all || matches(&routes->rows[i], path, false)) {
            add_method(&m, routes->rows[i].method);
        }
    }
    if (m.n > 0) {
        add_method(&m, SPAN("OPTIONS"));
    }
    for (size_t i = 0; i < m.n; i++) {
        buf_append(out, i == 0 ? SPAN("") : SPAN(", "));
        buf_append(out, m.names[i]);
    }
}

/* --- the search ------------------------------------------------------------------------------- */

enum http_match http_routes_find(const struct http_routes *routes, struct span method,
                                 struct span path, struct http_found *found)
{
    *found = (struct http_found){.route = find(routes, method, path, false)};
    if (found->route != NULL) {
        found->param =
            found->route->has_param ? span_skip(path, found->route->path.n) : span_make(NULL, 0);
        return HTTP_MATCH_FOUND;
    }
    if (path.n > 0 && !span_equal(path, SPAN("/")) &&
        (drop_slash(routes, method, path, found) || fix(routes, method, path, found))) {
        return HTTP_MATCH_REDIRECT;
    }
    append_allowed(routes, path, &found->text);
    if (found->text.n == 0) {
        return HTTP_MATCH_NONE;
    }
    return span_equal(method, SPAN("OPTIONS")) ? HTTP_MATCH_OPTIONS : HTTP_MATCH_NOT_ALLOWED;
}
