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
 * two of these that is enough, so that a small one costs little. With the most, a match or a
 * compilation takes about 5 ms. */
#define MEMORY_MIN 1024
#define MEMORY_MAX (128 * 1024)

/* What RE2 uses in addition, as measured: for any pattern; for each byte of its parsed text; for
 * each class of Unicode, which is kept as a list of ranges. The unit test compares the result with
 * the count of malloc. */
#define BASE_COST (3 * 1024)
#define BYTE_COST 128
#define CLASS_COST (6 * 1024)

/* Classes of Unicode in one pattern. Parsing this many takes 2 ms. */
#define CLASSES_MAX 20

/* Repetitions in one pattern: of all counts "{n,m}" the sum of the larger numbers, and 1 for each
 * "?". RE2 makes a{0,9}a{0,9} into a{0,18}, and the time to compile that grows with the square of
 * the number. Compiling this many takes 2 ms. */
#define REPEATS_MAX 1024
#define COUNT_MAX 1000 /* RE2 refuses a pattern with a larger count */

/* Effort, as measured in the worst cases: of an attempt to compile, for each byte of the text, for
 * each class of Unicode, for each repetition, and for the memory limit; of a match, for the memory
 * limit. */
#define EFFORT_OF_BYTE 6
#define EFFORT_OF_CLASS 1000
#define EFFORT_OF_REPEAT 20
#define BYTES_COMPILED_A_UNIT 8
#define BYTES_MATCHED_A_UNIT 3

/* A pattern that is not compiled yet. Each attempt has another memory limit, a power of two. The
 * least limit that is enough is between `low` and `high`. */
struct job {
    struct buf text; /* the pattern as given, cut behind AUTH_PATTERN_MAX; then as RE2 needs it */
    size_t classes;  /* of Unicode: \p and \P */
    size_t repeats;
    size_t low, high;    /* bytes; low is 0 before the first attempt */
    struct span refusal; /* static; empty: not refused */
};

struct auth_pattern {
    struct auth_re2 *re; /* NULL: no attempt was successful yet */
    struct job *job;     /* NULL: it is compiled */
    size_t memory;       /* the limit of `re`, bytes */
    size_t size;
};

/* --- what Go and RE2 take differently --------------------------------------------------------- */

/* The pattern is read only as far as needed to know where classes and quotations begin and end. */
struct check {
    struct span in; /* what is left */
    struct buf out; /* the pattern for RE2 */
    size_t depth;   /* of open groups */
    size_t classes; /* of Unicode: \p and \P */
    size_t repeats;
    bool no_name;        /* no ":]" follows */
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

/* "[:alpha:]" is a name; "[:" without ":]" behind it is not. It is given to RE2 as "\[:", because
 * RE2 would look for ":]" to the end of the pattern each time. */
static void check_name(struct check *c)
{
    size_t n = c->no_name ? 0 : length_through(c, ":]");
    if (n > 0) {
        copy(c, n);
        return;
    }
    c->no_name = true;
    text_append(&c->out, "\\[");
    c->in = span_skip(c->in, 1);
}

/* "]" may come first and is then a character. */
static void check_class(struct check *c)
{
    copy(c, at(c, "[^") ? 2 : 1);
    for (bool first = true; c->in.n > 0 && (first || !at(c, "]")); first = false) {
        if (at(c, "\\")) {
            check_escape(c, true);
        } else if (at(c, "[:")) {
            check_name(c);
        } else {
            copy(c, 1);
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

/* Reads digits at *at. Of a number above COUNT_MAX not all digits may be used. */
static size_t number_at(const struct check *c, size_t *at)
{
    size_t value = 0;
    for (; *at < c->in.n && c->in.p[*at] >= '0' && c->in.p[*at] <= '9'; ++*at) {
        value = value > COUNT_MAX ? value : 10 * value + (size_t)(c->in.p[*at] - '0');
    }
    return value;
}

/* A "{" that does not begin a count is a character. It is counted all the same. */
static void check_count(struct check *c)
{
    size_t at = 1;
    size_t least = number_at(c, &at);
    size_t most = 0;
    if (at < c->in.n && c->in.p[at] == ',') {
        at++;
        most = number_at(c, &at);
    }
    most = least > most ? least : most;
    c->repeats += most > COUNT_MAX ? 0 : most;
    copy(c, 1);
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
        } else if (at(c, "{")) {
            check_count(c);
        } else {
            c->repeats += at(c, "?") ? 1 : 0;
            c->depth -= at(c, ")") && c->depth > 0 ? 1 : 0;
            copy(c, 1);
        }
    }
    if (c->refusal.n == 0 && (c->classes > CLASSES_MAX || c->repeats > REPEATS_MAX)) {
        c->refusal = SPAN("expression too large");
    }
}

/* --- compiling -------------------------------------------------------------------------------- */

static size_t size_of(const struct auth_pattern *p, size_t memory)
{
    return sizeof *p + ALLOC_OVERHEAD + memory + BASE_COST + BYTE_COST * p->job->text.n +
           CLASS_COST * p->job->classes;
}

struct auth_pattern *auth_pattern_new(struct span source)
{
    struct auth_pattern *p = alloc_zeroed(sizeof *p);
    p->job = alloc_zeroed(sizeof *p->job);
    buf_append(&p->job->text, span_first(source, AUTH_PATTERN_MAX + 1));
    p->size = size_of(p, MEMORY_MIN);
    return p;
}

/* Prepares the text for RE2, and finds what can be refused without RE2. */
static void prepare(struct job *job)
{
    struct check check = {.in = buf_span(&job->text)};
    if (job->text.n > AUTH_PATTERN_MAX) {
        job->refusal = SPAN("expression too large");
        return;
    }
    check_all(&check);
    job->refusal = check.refusal;
    job->classes = check.classes;
    job->repeats = check.repeats;
    buf_free(&job->text);
    job->text = check.out;
    job->high = MEMORY_MAX;
    for (job->low = MEMORY_MIN; job->low < 4 * job->text.n; job->low *= 2) {
        /* less is hardly ever enough */
    }
}

/* Returns the memory limit of the next attempt. Most patterns need the least. If that is not
 * enough, the most is tried, so that a pattern that needs more is refused at once. */
static size_t next_limit(const struct auth_pattern *p, bool first)
{
    const struct job *job = p->job;
    if (first || p->re == NULL) {
        return first ? job->low : MEMORY_MAX;
    }
    size_t middle = job->low;
    for (size_t n = job->low; 4 * n < job->high; n *= 4) {
        middle *= 2;
    }
    return middle;
}

static void attempt(struct auth_pattern *p, size_t limit)
{
    struct job *job = p->job;
    const char *reason = "";
    bool too_large = false;
    const char *text = job->text.n == 0 ? "" : (const char *)job->text.p;
    struct auth_re2 *re = auth_re2_new(text, job->text.n, limit, &reason, &too_large);
    if (re != NULL) {
        auth_re2_free(p->re);
        p->re = re;
        p->memory = limit;
        job->high = limit;
    } else if (!too_large || limit == MEMORY_MAX) {
        job->refusal = span_make(reason, strlen(reason));
    } else {
        job->low = 2 * limit;
    }
}

static size_t effort_of_attempt(const struct job *job, size_t limit)
{
    return EFFORT_OF_BYTE * job->text.n + EFFORT_OF_CLASS * job->classes +
           EFFORT_OF_REPEAT * job->repeats + limit / BYTES_COMPILED_A_UNIT;
}

static void drop_job(struct auth_pattern *p)
{
    if (p->job != NULL) {
        buf_free(&p->job->text);
        alloc_free(p->job);
        p->job = NULL;
    }
}

enum auth_compiled auth_pattern_compile(struct auth_pattern *p, struct effort *effort,
                                        struct span *why)
{
    bool first = p->job->low == 0;
    if (first) {
        prepare(p->job);
    }
    if (p->job->refusal.n == 0) {
        size_t limit = next_limit(p, first);
        effort_use(effort, effort_of_attempt(p->job, limit));
        attempt(p, limit);
    }
    if (p->job->refusal.n > 0) {
        *why = p->job->refusal;
        return AUTH_REFUSED;
    }
    if (p->re == NULL || p->job->low < p->job->high) {
        return AUTH_COMPILING;
    }
    p->size = size_of(p, p->memory);
    drop_job(p);
    return AUTH_COMPILED;
}

/* --- patterns --------------------------------------------------------------------------------- */

void auth_pattern_free(struct auth_pattern *pattern)
{
    if (pattern != NULL) {
        drop_job(pattern);
        auth_re2_free(pattern->re);
        alloc_free(pattern);
    }
}

size_t auth_pattern_size(const struct auth_pattern *pattern)
{
    return pattern->size;
}

size_t auth_pattern_held(const struct auth_pattern *pattern)
{
    const struct job *job = pattern->job;
    if (job == NULL || pattern->re == NULL) {
        return 0; /* the text and its job are smaller than what `size` expects of RE2 */
    }
    size_t uses =
        size_of(pattern, pattern->memory) + sizeof *job + job->text.cap + 2 * ALLOC_OVERHEAD;
    return uses - pattern->size;
}

bool auth_pattern_matches(const struct auth_pattern *pattern, struct span name,
                          struct effort *effort)
{
    const char *text = name.n == 0 ? "" : (const char *)name.p;
    effort_use(effort, pattern->memory / BYTES_MATCHED_A_UNIT);
    return name.n <= AUTH_NAME_MAX && auth_re2_matches(pattern->re, text, name.n);
}
