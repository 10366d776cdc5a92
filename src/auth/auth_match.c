/* SPDX-License-Identifier: MIT */
/*
 * A pattern by RE2, with the syntax that Go takes: what differs is checked here before RE2 sees the
 * pattern. Estimates what RE2 allocates. It must not know JSON nor what a match allows.
 */
#include "auth/auth_match.h"

#include "auth/auth_re2.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/text.h"

/* Bytes for what RE2 compiles and remembers of one pattern. Each pattern gets the least power of
 * two of these that is enough, so that a small one costs little. */
#define MEMORY_MIN 1024
#define MEMORY_MAX (512 * 1024)

/* What RE2 uses in addition, as measured: for any pattern; for each byte of its parsed text; for
 * each class of Unicode, which is kept as a list of ranges. The unit test compares the result with
 * the count of malloc. */
#define BASE_COST (3 * 1024)
#define BYTE_COST 128
#define CLASS_COST (6 * 1024)

/* Classes of Unicode in one pattern. Parsing this many takes 7 ms. */
#define CLASSES_MAX 80

struct auth_pattern {
    struct auth_re2 *re;
    size_t size;
};

/* --- what Go and RE2 take differently --------------------------------------------------------- */

/* The pattern is read only as far as needed to know where classes and quotations begin and end. */
struct check {
    struct span in;      /* what is left */
    struct buf out;      /* the pattern for RE2 */
    size_t depth;        /* of open groups */
    size_t classes;      /* of Unicode: \p and \P */
    struct span refusal; /* static; empty: none so far */
};

static bool at(const struct check *c, const char *text)
{
    size_t n = strlen(text);
    return c->in.n >= n && memcmp(c->in.p, text, n) == 0;
}

static void copy(struct check *c, size_t n)
{
    buf_append(&c->out, span_first(c->in, n));
    c->in = span_skip(c->in, n < c->in.n ? n : c->in.n);
}

/* Returns the number of bytes from here up to and including these two characters, or 0 if they do
 * not follow. */
static size_t length_through(const struct check *c, const char end[2])
{
    for (size_t i = 2; i + 2 <= c->in.n; i++) {
        if (memcmp(c->in.p + i, end, 2) == 0) {
            return i + 2;
        }
    }
    return 0;
}

/* RE2 accepts \C (any byte), and Go does not. */
static void check_escape(struct check *c, bool in_class)
{
    size_t quoted = at(c, "\\Q") && !in_class ? length_through(c, "\\E") : 2;
    c->refusal = at(c, "\\C") ? SPAN("invalid escape sequence") : c->refusal;
    c->classes += at(c, "\\p") || at(c, "\\P") ? 1 : 0;
    copy(c, quoted == 0 ? c->in.n : quoted);
}

/* "]" may come first and is then a character. "[:alpha:]" is a name; "[:" without ":]" is not. */
static void check_class(struct check *c)
{
    copy(c, at(c, "[^") ? 2 : 1);
    for (bool first = true; c->in.n > 0 && (first || !at(c, "]")); first = false) {
        size_t named = at(c, "[:") ? length_through(c, ":]") : 0;
        if (at(c, "\\")) {
            check_escape(c, true);
        } else {
            copy(c, named > 0 ? named : 1);
        }
    }
    copy(c, 1);
}

/* A named group is "(?P<name>", and since Go 1.22 also "(?<name>", which RE2 takes only since 2023.
 * In the name RE2 takes letters that are not ASCII. */
static void check_group(struct check *c)
{
    size_t named = at(c, "(?<") ? 3 : at(c, "(?P<") ? 4 : 0;
    if (++c->depth > AUTH_PATTERN_DEPTH_MAX) {
        c->refusal = SPAN("expression nests too deeply");
    }
    text_append(&c->out, "(");
    c->in = span_skip(c->in, named == 0 ? 1 : named);
    if (named > 0) {
        text_append(&c->out, "?P<");
    }
    for (; named > 0 && c->in.n > 0 && !at(c, ">"); copy(c, 1)) {
        c->refusal = c->in.p[0] >= 0x80 ? SPAN("invalid named capture") : c->refusal;
    }
}

static void check_all(struct check *c)
{
    while (c->in.n > 0 && c->refusal.n == 0) {
        if (at(c, "\\")) {
            check_escape(c, false);
        } else if (at(c, "[")) {
            check_class(c);
        } else if (at(c, "(")) {
            check_group(c);
        } else {
            c->depth -= at(c, ")") && c->depth > 0 ? 1 : 0;
            copy(c, 1);
        }
    }
    if (c->refusal.n == 0 && c->classes > CLASSES_MAX) {
        c->refusal = SPAN("expression too large");
    }
}

/* --- patterns --------------------------------------------------------------------------------- */

/* Compiles with the least memory limit that is enough. This limit becomes part of p->size. */
static void compile(struct auth_pattern *p, struct span source, struct span *why)
{
    const char *text = source.n == 0 ? "" : (const char *)source.p;
    bool too_large = true;
    for (size_t memory = MEMORY_MIN; p->re == NULL && too_large && memory <= MEMORY_MAX;
         memory *= 2) {
        const char *reason = "";
        if (memory < 4 * source.n) {
            continue; /* hardly ever enough */
        }
        p->re = auth_re2_new(text, source.n, memory, &reason, &too_large);
        p->size = sizeof *p + ALLOC_OVERHEAD + memory + BASE_COST + BYTE_COST * source.n;
        *why = span_make(reason, strlen(reason));
    }
}

struct auth_pattern *auth_pattern_new(struct span source, struct span *why)
{
    if (source.n > AUTH_PATTERN_MAX) {
        *why = SPAN("expression too large");
        return NULL;
    }
    struct check check = {.in = source};
    struct auth_pattern *p = alloc_zeroed(sizeof *p);
    check_all(&check);
    *why = check.refusal;
    if (check.refusal.n == 0) {
        compile(p, buf_span(&check.out), why);
        p->size += CLASS_COST * check.classes;
    }
    buf_free(&check.out);
    if (p->re == NULL) {
        alloc_free(p);
        return NULL;
    }
    return p;
}

void auth_pattern_free(struct auth_pattern *pattern)
{
    auth_re2_free(pattern->re);
    alloc_free(pattern);
}

size_t auth_pattern_size(const struct auth_pattern *pattern)
{
    return pattern->size;
}

bool auth_pattern_matches(const struct auth_pattern *pattern, struct span name)
{
    const char *text = name.n == 0 ? "" : (const char *)name.p;
    return name.n <= AUTH_NAME_MAX && auth_re2_matches(pattern->re, text, name.n);
}
