/* SPDX-License-Identifier: MIT */
/* Reads the file of known failures and changes verdicts by it. Must not know: how cases are played.
 */
#include "conform/known.h"

#include "base/alloc.h"
#include "conform/files.h"
#include "conform/suite.h"

#define FILE_MAX ((size_t)1 << 20)

static bool complain(const char *path, unsigned line, size_t column, const char *expected,
                     FILE *err)
{
    fprintf(err, "%s:%u:%zu: expected %s\n", path, line, column + 1, expected);
    return false;
}

static struct known_line *add(struct known *known)
{
    known->lines = alloc_resize(known->lines, (known->n + 1) * sizeof *known->lines);
    known->lines[known->n] = (struct known_line){.used = false};
    return &known->lines[known->n++];
}

static bool take_line(struct known *known, struct span line, unsigned number, const char *path,
                      FILE *err)
{
    const uint8_t *space = line.n == 0 ? NULL : memchr(line.p, ' ', line.n);
    if (line.n == 0 || line.p[0] == '#') {
        return true;
    }
    size_t glob = space == NULL ? line.n : (size_t)(space - line.p);
    size_t reason = glob;
    while (reason < line.n && line.p[reason] == ' ') {
        reason++;
    }
    if (glob == 0 || glob >= KNOWN_GLOB_MAX) {
        return complain(path, number, 0, "a pattern of case ids, shorter than 128 bytes", err);
    }
    if (reason == line.n) {
        return complain(path, number, reason, "a space and the reason of the failure", err);
    }
    struct known_line *k = add(known);
    memcpy(k->glob, line.p, glob);
    k->reason = span_skip(line, reason);
    k->line = number;
    return true;
}

bool known_load(struct known *known, const char *path, FILE *err)
{
    *known = (struct known){0};
    bool ok = files_read(path, FILE_MAX, &known->bytes, err);
    struct span rest = buf_span(&known->bytes);
    for (unsigned number = 1; ok && rest.n > 0; number++) {
        const uint8_t *end = memchr(rest.p, '\n', rest.n);
        size_t n = end == NULL ? rest.n : (size_t)(end - rest.p);
        ok = take_line(known, span_first(rest, n), number, path, err);
        rest = span_skip(rest, end == NULL ? n : n + 1);
    }
    if (!ok) {
        known_free(known);
    }
    return ok;
}

void known_free(struct known *known)
{
    alloc_free(known->lines);
    buf_free(&known->bytes);
    *known = (struct known){0};
}

void known_see(struct known *known, struct span id)
{
    for (size_t i = 0; i < known->n; i++) {
        known->lines[i].used = known->lines[i].used || suite_glob(known->lines[i].glob, id);
    }
}

bool known_all_used(const struct known *known, const char *path, FILE *err)
{
    bool ok = true;
    for (size_t i = 0; i < known->n; i++) {
        if (!known->lines[i].used) {
            ok = complain(path, known->lines[i].line, 0, "a pattern that matches the id of a case",
                          err);
        }
    }
    return ok;
}

/* Whether the case fails only sometimes, so that a pass is no surprise. */
static bool is_sometimes(struct span reason)
{
    struct span word = SPAN("sometimes: ");
    return span_equal(span_first(reason, word.n), word);
}

enum verdict known_apply(const struct known *known, struct span id, enum verdict verdict,
                         struct span *reason)
{
    for (size_t i = 0; i < known->n; i++) {
        if (suite_glob(known->lines[i].glob, id)) {
            *reason = known->lines[i].reason;
            switch (verdict) {
            case VERDICT_PASS:
                return is_sometimes(known->lines[i].reason) ? VERDICT_PASS : VERDICT_XPASS;
            case VERDICT_UNREACHABLE:
            case VERDICT_FLAKY:
                return verdict;
            default:
                return VERDICT_XFAIL;
            }
        }
    }
    return verdict;
}
