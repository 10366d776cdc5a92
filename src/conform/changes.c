/* SPDX-License-Identifier: MIT */
/* Reads the list of changes and compares what it says with the cases. Must not know: what is in a
 * case. */
#include "conform/changes.h"

#include "base/alloc.h"
#include "conform/files.h"
#include "conform/lines.h"

#define FILE_MAX ((size_t)4 << 20)
#define VERSION_DIGITS 6 /* the most digits of a version */

struct change {
    unsigned version;
    struct span id;
    struct span level; /* or RETIRED */
    unsigned line;
};

struct changes {
    struct buf bytes;
    struct change *list;
    size_t n;
    char path[FILES_PATH_MAX];
    size_t wrong;
    FILE *err;
};

static const struct span retired = SPAN_LITERAL("retired");

/* --- reading ---------------------------------------------------------------------------------- */

static void complain(struct changes *c, unsigned line, const char *expected, struct span what)
{
    fprintf(c->err, "%s:%u: expected %s%.*s\n", c->path, line, expected, (int)what.n,
            what.n == 0 ? "" : (const char *)what.p);
    c->wrong++;
}

/* Returns 0 if the field is not a version. */
static unsigned version_of(struct span field)
{
    unsigned version = 0;
    for (size_t i = 0; i < field.n; i++) {
        if (field.n > VERSION_DIGITS || field.p[i] < '0' || field.p[i] > '9') {
            return 0;
        }
        version = 10 * version + (unsigned)(field.p[i] - '0');
    }
    return version;
}

static bool is_level(struct span word)
{
    bool known = span_equal(word, retired);
    for (unsigned level = 0; level < LEVEL_COUNT && !known; level++) {
        known = span_equal(word, transcript_level_name((enum transcript_level)level));
    }
    return known;
}

static void take_change(struct changes *c, struct span line, unsigned number)
{
    struct change change = {.line = number};
    struct span version;
    if (line.n == 0 || line.p[0] == '#') {
        return;
    }
    bool ok = lines_take_field(&line, &version) && lines_take_field(&line, &change.id);
    change.version = ok ? version_of(version) : 0;
    change.level = line;
    if (change.version == 0 || !is_level(line)) {
        complain(c, number, "VERSION, tab, ID, tab, and a level or 'retired'", span_make(NULL, 0));
        return;
    }
    c->list[c->n++] = change;
}

/* Returns false if there is no such file. */
static bool load(struct changes *c, const char *cases)
{
    size_t lines = 1;
    bool found = snprintf(c->path, sizeof c->path, "%s/" CHANGES_FILE, cases) < FILES_PATH_MAX &&
                 files_exists(c->path) && files_read(c->path, FILE_MAX, &c->bytes, c->err);
    struct span rest = buf_span(&c->bytes);
    for (size_t i = 0; i < rest.n; i++) {
        lines += rest.p[i] == '\n';
    }
    c->list = alloc_zeroed(lines * sizeof *c->list);
    for (unsigned number = 1; rest.n > 0; number++) {
        take_change(c, lines_take(&rest), number);
    }
    return found;
}

static void free_changes(struct changes *c)
{
    buf_free(&c->bytes);
    alloc_free(c->list);
}

/* --- checking --------------------------------------------------------------------------------- */

/* Returns the last line about a case among the first n lines, or NULL. */
static const struct change *last_about(const struct changes *c, struct span id, size_t n)
{
    while (n > 0) {
        if (span_equal(c->list[--n].id, id)) {
            return &c->list[n];
        }
    }
    return NULL;
}

static void check_order(struct changes *c, size_t i)
{
    const struct change *change = &c->list[i];
    const struct change *before = last_about(c, change->id, i);
    struct span level = before == NULL ? retired : before->level;
    if (i > 0 && change->version < c->list[i - 1].version) {
        complain(c, change->line, "a version that is not smaller than that of the line before it",
                 span_make(NULL, 0));
    }
    if (span_equal(level, change->level)) {
        complain(c, change->line, "a change, but the case has this state already: ", change->id);
    }
}

static const struct suite_case *find_case(const struct suite *suite, struct span id)
{
    for (size_t i = 0; i < suite->n; i++) {
        if (span_equal(suite->cases[i].file.id, id)) {
            return &suite->cases[i];
        }
    }
    return NULL;
}

/* Prints the line that is missing at the end of the list. */
static void missing(struct changes *c, struct span id, struct span level)
{
    fprintf(c->err, "%s: expected the line '%u\t%.*s\t%.*s' (ci/suite-changes adds it)\n", c->path,
            SUITE_VERSION, (int)id.n, (const char *)id.p, (int)level.n, (const char *)level.p);
    c->wrong++;
}

static void check_cases(struct changes *c, const struct suite *suite)
{
    for (size_t i = 0; i < suite->n; i++) {
        const struct transcript *file = &suite->cases[i].file;
        const struct change *last = last_about(c, file->id, c->n);
        struct span level = transcript_level_name(file->level);
        if (last == NULL || !span_equal(last->level, level)) {
            missing(c, file->id, level);
        }
    }
    for (size_t i = 0; i < c->n; i++) {
        const struct change *change = &c->list[i];
        bool last = last_about(c, change->id, c->n) == change;
        if (last && !span_equal(change->level, retired) && find_case(suite, change->id) == NULL) {
            missing(c, change->id, retired);
        }
    }
}

/* An id that is retired must not be used again, which ledger_check checks in retired.txt. */
static void check_retired(struct changes *c, const char *cases)
{
    char path[FILES_PATH_MAX];
    struct buf text = {0};
    snprintf(path, sizeof path, "%s/retired.txt", cases);
    if (files_exists(path)) {
        files_read(path, FILE_MAX, &text, c->err);
    }
    for (size_t i = 0; i < c->n; i++) {
        struct span rest = buf_span(&text);
        bool named = !span_equal(c->list[i].level, retired);
        while (rest.n > 0 && !named) {
            struct span line = lines_take(&rest);
            size_t n = c->list[i].id.n;
            named =
                line.n > n && line.p[n] == ' ' && span_equal(span_first(line, n), c->list[i].id);
        }
        if (!named) {
            complain(c, c->list[i].line,
                     "a line in retired.txt that says why it is retired: ", c->list[i].id);
        }
    }
    buf_free(&text);
}

size_t changes_check(const struct suite *suite, const char *cases, FILE *err)
{
    struct changes c = {.err = err};
    if (load(&c, cases)) {
        for (size_t i = 0; i < c.n; i++) {
            check_order(&c, i);
        }
        check_cases(&c, suite);
        check_retired(&c, cases);
        if (c.wrong == 0 && c.n > 0 && c.list[c.n - 1].version != SUITE_VERSION) {
            complain(&c, c.list[c.n - 1].line, "the version of this program: ",
                     span_make(suite_version(), strlen(suite_version())));
        }
    }
    free_changes(&c);
    return c.wrong;
}
