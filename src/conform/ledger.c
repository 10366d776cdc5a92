/* SPDX-License-Identifier: MIT */
/* Reads the requirements, and checks that they and the cases fit together. Must not know: how cases
 * are played. */
#include "conform/ledger.h"

#include "base/alloc.h"
#include "base/text.h"
#include "conform/changes.h"
#include "conform/files.h"
#include "conform/lines.h"

#define FILE_MAX ((size_t)1 << 20)

/* --- reading ---------------------------------------------------------------------------------- */

struct requirement *ledger_find(const struct ledger *ledger, struct span id)
{
    for (size_t i = 0; i < ledger->n; i++) {
        if (span_equal(ledger->list[i].id, id)) {
            return &ledger->list[i];
        }
    }
    return NULL;
}

static bool complain(const char *path, unsigned line, size_t column, const char *expected,
                     FILE *err)
{
    fprintf(err, "%s:%u:%zu: expected %s\n", path, line, column + 1, expected);
    return false;
}

static bool take_requirement(struct ledger *ledger, struct span line, size_t file, unsigned number,
                             FILE *err)
{
    const char *path = ledger->files->paths[file];
    struct requirement r = {.file = file, .line = number};
    struct span rest = line;
    if (line.n == 0 || line.p[0] == '#') {
        return true;
    }
    bool ok = lines_take_field(&rest, &r.id) && lines_take_field(&rest, &r.source);
    if (!ok || rest.n == 0) {
        return complain(path, number, line.n - rest.n, "ID, tab, source, tab, sentence", err);
    }
    if (ledger_find(ledger, r.id) != NULL) {
        return complain(path, number, 0, "an id that no other requirement has", err);
    }
    r.sentence = rest;
    ledger->list = alloc_resize(ledger->list, (ledger->n + 1) * sizeof r);
    ledger->list[ledger->n++] = r;
    return true;
}

static bool load_file(struct ledger *ledger, size_t i, FILE *err)
{
    bool ok = files_read(ledger->files->paths[i], FILE_MAX, &ledger->bytes[i], err);
    struct span rest = buf_span(&ledger->bytes[i]);
    for (unsigned number = 1; rest.n > 0; number++) {
        ok = take_requirement(ledger, lines_take(&rest), i, number, err) && ok;
    }
    return ok;
}

static void path_of(char path[FILES_PATH_MAX], const char *folder, const char *name)
{
    snprintf(path, FILES_PATH_MAX, "%s/%s", folder, name);
}

bool ledger_load(struct ledger *ledger, const char *cases, FILE *err)
{
    char folder[FILES_PATH_MAX];
    path_of(folder, cases, "ledger");
    *ledger = (struct ledger){.files = alloc_zeroed(sizeof *ledger->files)};
    if (!files_is_folder(folder)) {
        return true;
    }
    bool ok = files_add(ledger->files, folder, ".txt", err);
    ledger->bytes = alloc_zeroed((ledger->files->n + 1) * sizeof *ledger->bytes);
    for (size_t i = 0; i < ledger->files->n; i++) {
        ok = load_file(ledger, i, err) && ok;
    }
    return ok;
}

void ledger_free(struct ledger *ledger)
{
    for (size_t i = 0; ledger->bytes != NULL && i < ledger->files->n; i++) {
        buf_free(&ledger->bytes[i]);
    }
    if (ledger->files != NULL) {
        files_free(ledger->files);
    }
    alloc_free(ledger->files);
    alloc_free(ledger->bytes);
    alloc_free(ledger->list);
    *ledger = (struct ledger){0};
}

void ledger_rules(const struct ledger *ledger, const struct transcript *file, struct buf *out)
{
    for (const struct word *w = file->reqs; w != NULL; w = w->next) {
        const struct requirement *r = ledger_find(ledger, w->text);
        buf_append(out, w->text);
        if (r != NULL) {
            text_append(out, ": ");
            buf_append(out, r->sentence);
        }
        text_append(out, "\n");
    }
}

/* --- checking --------------------------------------------------------------------------------- */

struct checker {
    struct ledger *ledger;
    struct buf retired; /* lines */
    struct buf departures;
    const char *cases;
    size_t wrong;
    FILE *err;
};

static void complain_about(struct checker *c, const char *path, const char *what, struct span which)
{
    fprintf(c->err, "%s: %s: %.*s\n", path, what, (int)which.n,
            which.n == 0 ? "" : (const char *)which.p);
    c->wrong++;
}

static bool has_line(const struct buf *lines, struct span wanted)
{
    struct span rest = buf_span(lines);
    while (rest.n > 0) {
        struct span line = lines_take(&rest);
        if (line.n >= wanted.n && span_equal(span_first(line, wanted.n), wanted) &&
            (line.n == wanted.n || line.p[wanted.n] == ' ')) {
            return true;
        }
    }
    return false;
}

static void check_reqs(struct checker *c, const struct suite_case *k)
{
    for (const struct word *w = k->file.reqs; w != NULL; w = w->next) {
        struct requirement *r = ledger_find(c->ledger, w->text);
        if (r == NULL) {
            complain_about(c, k->path, "expected requirements of the ledger, which has no",
                           w->text);
        } else {
            r->shown = true;
        }
    }
}

/* The id is the path below the folder of cases, without ".session". */
static void check_path(struct checker *c, const struct suite_case *k)
{
    static const char ending[] = ".session";
    size_t folder = strlen(c->cases);
    size_t n = strlen(k->path);
    bool below = n > folder + sizeof ending && strncmp(k->path, c->cases, folder) == 0;
    struct span name = span_make(k->path, n);
    if (below) {
        name = span_skip(name, folder);
        name = name.p[0] == '/' ? span_skip(name, 1) : name;
        name = span_first(name, name.n - (sizeof ending - 1));
    }
    if (!span_equal(name, k->file.id)) {
        complain_about(c, k->path,
                       "the id must equal the path below the folder of cases, but the id is",
                       k->file.id);
    }
}

static void check_departure(struct checker *c, const struct suite_case *k)
{
    static const char word[] = "departure ";
    size_t n = sizeof word - 1;
    struct span source = k->file.source;
    bool departs =
        source.n > n && span_equal(span_first(source, n), span_make(word, sizeof word - 1));
    if (departs != (k->file.level == LEVEL_DEPARTURE)) {
        complain_about(
            c, k->path,
            "expected both or none of level DEPARTURE and source 'departure N'; the source is",
            source);
        return;
    }
    if (departs) {
        struct buf row = {0};
        text_append(&row, "| ");
        buf_append(&row, span_skip(source, n));
        text_append(&row, " |");
        if (!has_line(&c->departures, buf_span(&row))) {
            complain_about(c, k->path, "the table of departures has no row for", source);
        }
        buf_free(&row);
    }
}

/* A level is honest only if it says what breaks. */
static void check_effect(struct checker *c, const struct suite_case *k)
{
    if (k->file.level == LEVEL_MUST && k->file.effect.n == 0) {
        complain_about(c, k->path,
                       "expected a line 'effect: ...' that says what breaks, as the level is",
                       transcript_level_name(k->file.level));
    }
}

static void read_if_there(const char *path, struct buf *out)
{
    FILE *f = fopen(path, "rb");
    if (f != NULL) {
        fclose(f);
        files_read(path, FILE_MAX, out, stderr);
    }
}

size_t ledger_check(struct ledger *ledger, const struct suite *suite, const char *cases,
                    const char *departures, size_t *checked, FILE *err)
{
    struct checker c = {.ledger = ledger, .cases = cases, .err = err};
    char path[FILES_PATH_MAX];
    path_of(path, cases, "retired.txt");
    read_if_there(path, &c.retired);
    if (departures == NULL) {
        path_of(path, cases, "DEPARTURES.md");
        departures = path;
    }
    read_if_there(departures, &c.departures);
    for (size_t i = 0; i < suite->n; i++) {
        const struct suite_case *k = &suite->cases[i];
        check_reqs(&c, k);
        check_path(&c, k);
        check_departure(&c, k);
        check_effect(&c, k);
        if (has_line(&c.retired, k->file.id)) {
            complain_about(&c, k->path,
                           "retired.txt lists the id as retired, so a case may not use it",
                           k->file.id);
        }
    }
    for (size_t i = 0; i < ledger->n; i++) {
        if (!ledger->list[i].shown) {
            complain_about(&c, ledger->files->paths[ledger->list[i].file],
                           "no case shows the requirement", ledger->list[i].id);
        }
    }
    c.wrong += changes_check(suite, cases, err);
    buf_free(&c.retired);
    buf_free(&c.departures);
    *checked = suite->n + ledger->n;
    return c.wrong;
}
