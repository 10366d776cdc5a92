/* SPDX-License-Identifier: MIT */
/* Reads session files, chooses among the cases, and lists them. Must not know: how a case is
 * played. */
#include "conform/suite.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"
#include "base/time.h"
#include "conform/files.h"
#include "conform/json_pieces.h"
#include "conform/session_file_check.h"

#define ID_MAX 256

/* --- the folder of the cases ------------------------------------------------------------------ */

/* Writes the path of a folder below the first n bytes of `program`. Returns false if there is none.
 */
static bool folder_below(const char *program, size_t n, const char *name, char path[SUITE_PATH_MAX])
{
    int size = snprintf(path, SUITE_PATH_MAX, "%.*s/%s", (int)n, program, name);
    return size < SUITE_PATH_MAX && files_is_folder(path);
}

const char *suite_folder_beside(const char *program, char path[SUITE_PATH_MAX])
{
    size_t n = strlen(program);
    for (int i = 0; i < 2; i++) { /* without "/NAME", then without "/bin" or "/build" */
        while (n > 0 && program[n - 1] != '/') {
            n--;
        }
        n -= n > 0;
    }
    bool found = folder_below(program, n, "share/nsqref/conformance", path) ||
                 (!files_is_folder(SUITE_CASES) && folder_below(program, n, SUITE_CASES, path));
    return found ? path : SUITE_CASES;
}

const char *suite_folder(char path[SUITE_PATH_MAX])
{
    char program[SUITE_PATH_MAX] = "";
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    return n > 0 ? suite_folder_beside(program, path) : SUITE_CASES;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Reads and checks one file, so that a bad file is found before any case is played. */
static bool load_one(struct suite_case *c, const char *path, FILE *err)
{
    struct buf bytes = {0};
    struct transcript_error error;
    bool ok = files_read(path, TRANSCRIPT_SIZE_MAX + 1, &bytes, err);
    if (ok) {
        ok = transcript_parse(&c->file, buf_span(&bytes), &error);
        if (ok && !transcript_check(&c->file, &error)) {
            transcript_free(&c->file);
            ok = false;
        }
        if (!ok) {
            fprintf(err, "%s:%u:%u: expected %s\n", path, error.line, error.column, error.expected);
        }
    }
    buf_free(&bytes);
    if (ok) {
        c->path = alloc_zeroed(strlen(path) + 1);
        memcpy(c->path, path, strlen(path));
        c->chosen = true;
    }
    return ok;
}

static int by_id(const void *a, const void *b)
{
    struct span x = ((const struct suite_case *)a)->file.id;
    struct span y = ((const struct suite_case *)b)->file.id;
    int order = memcmp(x.p, y.p, x.n < y.n ? x.n : y.n);
    return order != 0 ? order : (x.n > y.n) - (x.n < y.n);
}

static bool ids_differ(const struct suite *suite, FILE *err)
{
    bool ok = true;
    for (size_t i = 1; i < suite->n; i++) {
        const struct suite_case *c = &suite->cases[i];
        if (by_id(c - 1, c) == 0) {
            fprintf(err, "%s:1:5: expected an id other than that of %s\n", c->path, (c - 1)->path);
            ok = false;
        }
    }
    return ok;
}

bool suite_load(struct suite *suite, const char *const *paths, size_t n, FILE *err)
{
    struct files files = {0};
    bool ok = true;
    *suite = (struct suite){0};
    for (size_t i = 0; i < n; i++) {
        ok = files_add(&files, paths[i], ".session", err) && ok;
    }
    suite->cases = alloc_zeroed((files.n + 1) * sizeof *suite->cases);
    for (size_t i = 0; i < files.n; i++) {
        bool good = load_one(&suite->cases[suite->n], files.paths[i], err);
        suite->n += good;
        ok = good && ok;
    }
    files_free(&files);
    qsort(suite->cases, suite->n, sizeof *suite->cases, by_id);
    suite->chosen = suite->n;
    return ids_differ(suite, err) && ok;
}

void suite_free(struct suite *suite)
{
    for (size_t i = 0; i < suite->n; i++) {
        transcript_free(&suite->cases[i].file);
        alloc_free(suite->cases[i].path);
    }
    alloc_free(suite->cases);
    *suite = (struct suite){0};
}

/* --- choosing --------------------------------------------------------------------------------- */

bool suite_glob(const char *glob, struct span id)
{
    char text[ID_MAX];
    if (id.n >= sizeof text) {
        return false;
    }
    memcpy(text, id.p, id.n);
    text[id.n] = '\0';
    return fnmatch(glob, text, 0) == 0;
}

static bool matches_only(const struct transcript *file, const struct args_list *globs)
{
    bool any = globs->n == 0;
    for (size_t i = 0; i < globs->n && !any; i++) {
        any = suite_glob(globs->values[i], file->id);
    }
    return any;
}

static bool matches_req(const struct transcript *file, const struct args_list *reqs)
{
    bool any = reqs->n == 0;
    for (size_t i = 0; i < reqs->n && !any; i++) {
        struct span wanted = span_make(reqs->values[i], strlen(reqs->values[i]));
        for (const struct word *w = file->reqs; w != NULL && !any; w = w->next) {
            any = span_equal(w->text, wanted);
        }
    }
    return any;
}

static void keep(struct suite *suite, struct suite_case *c, bool chosen)
{
    suite->chosen -= c->chosen && !chosen;
    c->chosen = c->chosen && chosen;
}

void suite_choose(struct suite *suite, const struct args *args)
{
    for (size_t i = 0; i < suite->n; i++) {
        const struct transcript *file = &suite->cases[i].file;
        keep(suite, &suite->cases[i],
             file->server == args->server && (args->levels >> file->level & 1) != 0 &&
                 matches_only(file, &args->only) && matches_req(file, &args->reqs));
    }
}

void suite_choose_ids(struct suite *suite, const struct span *ids, size_t n)
{
    for (size_t i = 0; i < suite->n; i++) {
        bool any = false;
        for (size_t k = 0; k < n && !any; k++) {
            any = span_equal(suite->cases[i].file.id, ids[k]);
        }
        keep(suite, &suite->cases[i], any);
    }
}

/* --- telling ---------------------------------------------------------------------------------- */

const char *suite_version(void)
{
    static const char text[] = {'0' + SUITE_VERSION / 10, '0' + SUITE_VERSION % 10, '\0'};
    return text + (SUITE_VERSION < 10);
}

struct span suite_words(const struct word *words)
{
    const struct word *last = words;
    if (words == NULL) {
        return span_make(NULL, 0);
    }
    while (last->next != NULL) {
        last = last->next;
    }
    return span_make(words->text.p, (size_t)(last->text.p - words->text.p) + last->text.n);
}

/* Never more than a day, so that no sum overflows. */
static int64_t duration_of(const struct step *step)
{
    static const int64_t day = 24 * 3600 * TIME_SECOND;
    int64_t ns = 0;
    for (const struct step *s = step; s != NULL; s = s->next) {
        int64_t inside = duration_of(s->inside);
        ns += s->after;
        ns += s->kind == STEP_NO_MESSAGE ? s->within : 0;
        ns += s->kind == STEP_REPEAT ? s->count * inside : inside;
        ns = time_earlier(ns, day);
    }
    return ns;
}

int64_t suite_duration(const struct transcript *file)
{
    return duration_of(file->steps) / TIME_MS;
}

void suite_list(const struct suite *suite, struct buf *out)
{
    for (size_t i = 0; i < suite->n; i++) {
        const struct transcript *file = &suite->cases[i].file;
        if (suite->cases[i].chosen) {
            buf_append(out, file->id);
            text_append(out, "\t");
            buf_append(out, transcript_level_name(file->level));
            text_append(out, "\t");
            buf_append(out, file->title);
            text_append(out, "\n");
        }
    }
}

/* Returns how many chosen cases need the flags of case i. Returns 0 if an earlier case needs them.
 */
static size_t count_flags(const struct suite *suite, size_t i)
{
    size_t n = 0;
    for (size_t k = 0; k < suite->n; k++) {
        bool same = suite->cases[k].chosen &&
                    span_equal(suite->cases[k].file.flags, suite->cases[i].file.flags);
        if (same && k < i) {
            return 0;
        }
        n += same;
    }
    return n;
}

void suite_list_flags(const struct suite *suite, struct buf *out)
{
    for (size_t i = 0; i < suite->n; i++) {
        size_t n = suite->cases[i].chosen ? count_flags(suite, i) : 0;
        if (n > 0) {
            text_append_decimal(out, (int64_t)n);
            text_append(out, "\t");
            buf_append(out, suite->cases[i].file.flags);
            text_append(out, "\n");
        }
    }
}

static void list_one(struct json_writer *json, const struct suite_case *c)
{
    json_open_object(json);
    json_member_string(json, "id", c->file.id);
    json_member_string(json, "title", c->file.title);
    json_member_string(json, "level", transcript_level_name(c->file.level));
    json_member_words(json, "req", suite_words(c->file.reqs));
    json_member_words(json, "needs", suite_words(c->file.needs));
    json_member_string(json, "flags", c->file.flags);
    json_member_string(json, "effect", c->file.effect);
    json_member_string(json, "source", c->file.source);
    json_member_string(json, "file", span_make(c->path, strlen(c->path)));
    json_close_object(json);
}

void suite_list_json(const struct suite *suite, struct buf *out)
{
    struct json_writer json = json_writer(out, JSON_INDENTED);
    json_open_array(&json);
    for (size_t i = 0; i < suite->n; i++) {
        if (suite->cases[i].chosen) {
            list_one(&json, &suite->cases[i]);
        }
    }
    json_close_array(&json);
}
