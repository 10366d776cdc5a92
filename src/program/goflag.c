/* SPDX-License-Identifier: MIT */
/*
 * Go's flag syntax. The checks in read_one have the same order as in Go, because the order decides
 * which of several errors is reported. Must not know which flags there are.
 */
#include "program/goflag.h"

#include "program/gonum.h"

#include <assert.h>
#include <string.h>

/* The word that the usage text prints for a value of each kind. It is "" for booleans, as in Go. */
static const char *const kind_names[] = {
    [GOFLAG_BOOL] = "",         [GOFLAG_INT] = "int",       [GOFLAG_DURATION] = "duration",
    [GOFLAG_STRING] = "string", [GOFLAG_STRINGS] = "value", [GOFLAG_FLOATS] = "value",
    [GOFLAG_WORD] = "value",    [GOFLAG_BOOL_WORD] = "",
};
_Static_assert(sizeof kind_names / sizeof kind_names[0] == GOFLAG_KINDS, "a name for each kind");

/* Go's error texts for a bad number. */
static const char *const number_errors[] = {
    [GONUM_OK] = "",
    [GONUM_SYNTAX] = "parse error",
    [GONUM_RANGE] = "value out of range",
};

static void *field(const struct goflag *f, void *into)
{
    return (char *)into + f->offset;
}

/* Setters. They return false on failure and append the reason to `why`. */

static bool set_bool(bool *field, const char *value, struct line *why)
{
    if (gonum_bool(value, field)) {
        return true;
    }
    line_add(why, "parse error");
    return false;
}

static bool set_int(int64_t *field, const char *value, struct line *why)
{
    enum gonum r = gonum_int(value, field);
    line_add(why, "%s", number_errors[r]);
    return r == GONUM_OK;
}

static bool set_duration(int64_t *field, const char *value, struct line *why)
{
    if (gonum_duration(value, field)) {
        return true;
    }
    line_add(why, "parse error");
    return false;
}

static bool has_room(size_t n, struct line *why)
{
    if (n < GOFLAG_LIST_MAX) {
        return true;
    }
    line_add(why, "more than %d values", GOFLAG_LIST_MAX);
    return false;
}

static bool set_strings(struct goflag_strings *list, const char *value, struct line *why)
{
    if (!has_room(list->n, why)) {
        return false;
    }
    list->v[list->n++] = value;
    return true;
}

/* Keeps the list in descending order. */
static void insert_float(struct goflag_floats *list, double v)
{
    size_t i = list->n++;
    for (; i > 0 && list->v[i - 1] < v; i--) {
        list->v[i] = list->v[i - 1];
    }
    list->v[i] = v;
}

/* This is the only setter that can return GOFLAG_FATAL. Then `why` is the whole error line. */
static enum goflag_result set_floats(struct goflag_floats *list, const char *value,
                                     struct line *why)
{
    for (;;) {
        double v;
        size_t n = strcspn(value, ",");
        if (gonum_float(value, n, &v) != GONUM_OK) {
            line_add(why, "Could not parse: %.*s", (int)n, value);
            return GOFLAG_FATAL;
        }
        if (!has_room(list->n, why)) {
            return GOFLAG_BAD;
        }
        insert_float(list, v);
        if (value[n] == '\0') {
            return GOFLAG_DONE;
        }
        value += n + 1;
    }
}

static enum goflag_result set(const struct goflag *f, void *at, const char *value, struct line *why)
{
    bool ok = true;
    switch (f->kind) {
    case GOFLAG_BOOL:
        ok = set_bool(at, value, why);
        break;
    case GOFLAG_INT:
        ok = set_int(at, value, why);
        break;
    case GOFLAG_DURATION:
        ok = set_duration(at, value, why);
        break;
    case GOFLAG_STRING:
        *(const char **)at = value;
        break;
    case GOFLAG_STRINGS:
        ok = set_strings(at, value, why);
        break;
    case GOFLAG_FLOATS:
        return set_floats(at, value, why);
    case GOFLAG_WORD:
    case GOFLAG_BOOL_WORD:
        ok = f->word(at, value, why);
        break;
    case GOFLAG_KINDS:
        assert(false);
    }
    return ok ? GOFLAG_DONE : GOFLAG_BAD;
}

void goflag_defaults(const struct goflag_table *table, void *into)
{
    for (size_t i = 0; i < table->n; i++) {
        const struct goflag *f = &table->rows[i];
        char buf[64];
        struct line why;
        line_start(&why, buf, sizeof buf);
        if (f->kind == GOFLAG_STRINGS) {
            *(struct goflag_strings *)field(f, into) = (struct goflag_strings){.n = 0};
        } else if (f->kind == GOFLAG_FLOATS) {
            *(struct goflag_floats *)field(f, into) = (struct goflag_floats){.n = 0};
        } else if (f->initial != NULL) {
            enum goflag_result r = set(f, field(f, into), f->initial, &why);
            assert(r == GOFLAG_DONE);
            (void)r;
        }
    }
}

size_t goflag_find(const struct goflag_table *table, const char *name, size_t n)
{
    size_t i = 0;
    while (i < table->n &&
           (strlen(table->rows[i].name) != n || memcmp(table->rows[i].name, name, n) != 0)) {
        i++;
    }
    return i;
}

static bool takes_argument(const struct goflag *f)
{
    return f->kind != GOFLAG_BOOL && f->kind != GOFLAG_BOOL_WORD;
}

/* Sets one flag. The error text is Go's. */
static enum goflag_result apply(const struct goflag *f, void *into, const char *value,
                                struct line *error)
{
    char buf[512];
    struct line why;
    line_start(&why, buf, sizeof buf);
    enum goflag_result r = set(f, field(f, into), value, &why);
    if (r == GOFLAG_FATAL) {
        line_add(error, "%s", why.p);
    } else if (r == GOFLAG_BAD) {
        line_add(error, takes_argument(f) ? "invalid value " : "invalid boolean value ");
        line_add_quoted(error, value);
        line_add(error, " for %s-%s: %s", takes_argument(f) ? "flag " : "", f->name, why.p);
    }
    return r;
}

/* The arguments that were not read yet. */
struct args {
    int n;
    char *const *v;
};

/* Handles a name that is not in the table. -h and -help request the usage text, unless the table
 * has these names. */
static enum goflag_result unknown(const char *name, size_t n, struct line *error)
{
    if ((n == 1 && name[0] == 'h') || (n == 4 && memcmp(name, "help", 4) == 0)) {
        return GOFLAG_HELP;
    }
    line_add(error, "flag provided but not defined: -%.*s", (int)n, name);
    return GOFLAG_BAD;
}

/* Reads the flag at args->v[0], which begins with a dash and is longer than one character. */
static enum goflag_result read_one(const struct goflag_table *table, struct args *args, void *into,
                                   bool *given, struct line *error)
{
    const char *arg = args->v[0];
    const char *name = arg + (arg[1] == '-' ? 2 : 1);
    size_t n = strcspn(name, "=");
    if (n == 0 || name[0] == '-') {
        line_add(error, "bad flag syntax: %s", arg);
        return GOFLAG_BAD;
    }
    args->n--;
    args->v++;
    size_t row = goflag_find(table, name, n);
    if (row == table->n) {
        return unknown(name, n, error);
    }
    const struct goflag *f = &table->rows[row];
    const char *value = name[n] == '=' ? name + n + 1 : NULL;
    if (value == NULL && !takes_argument(f)) {
        value = "true";
    } else if (value == NULL && args->n > 0) {
        value = args->v[0];
        args->n--;
        args->v++;
    } else if (value == NULL) {
        line_add(error, "flag needs an argument: -%s", f->name);
        return GOFLAG_BAD;
    }
    enum goflag_result r = apply(f, into, value, error);
    given[row] = given[row] || r == GOFLAG_DONE;
    return r;
}

enum goflag_result goflag_parse(const struct goflag_table *table, int argc, char *const *argv,
                                void *into, bool *given, struct line *error)
{
    struct args args = {.n = argc - 1, .v = argv + 1};
    enum goflag_result r = GOFLAG_DONE;
    while (r == GOFLAG_DONE && args.n > 0) {
        const char *arg = args.v[0];
        if (arg[0] != '-' || arg[1] == '\0' || strcmp(arg, "--") == 0) {
            break;
        }
        r = read_one(table, &args, into, given, error);
    }
    return r;
}

/* Returns the row whose name follows `last` in alphabetical order. A search through all rows is
 * fast enough, because there are few rows and the usage text is printed once. */
static const struct goflag *next_by_name(const struct goflag_table *table, const char *last)
{
    const struct goflag *best = NULL;
    for (size_t i = 0; i < table->n; i++) {
        const struct goflag *f = &table->rows[i];
        if (strcmp(f->name, last) > 0 && (best == NULL || strcmp(f->name, best->name) < 0)) {
            best = f;
        }
    }
    return best;
}

/* Go does not print a default that is the zero value of its kind. */
static bool is_zero(const char *initial)
{
    return initial == NULL || initial[0] == '\0' || strcmp(initial, "false") == 0 ||
           strcmp(initial, "0") == 0;
}

void goflag_usage(const struct goflag_table *table, struct line *out)
{
    line_add(out, "Usage of %s:\n", table->program);
    const struct goflag *f = next_by_name(table, "");
    for (; f != NULL; f = next_by_name(table, f->name)) {
        const char *kind = kind_names[f->kind];
        line_add(out, "  -%s%s%s\n    \t%s", f->name, kind[0] != '\0' ? " " : "", kind, f->help);
        if (!is_zero(f->initial)) {
            const char *quote = f->kind == GOFLAG_STRING ? "\"" : "";
            line_add(out, " (default %s%s%s)", quote, f->initial, quote);
        }
        line_add(out, "\n");
    }
}

/* Returns true when the field has the row's initial value. */
static bool is_initial(const struct goflag *f, const void *from)
{
    const char *at = (const char *)from + f->offset;
    const char *s;
    int64_t now, then;
    bool flag;
    char buf[64];
    struct line why;
    line_start(&why, buf, sizeof buf);
    switch (f->kind) {
    case GOFLAG_STRINGS:
    case GOFLAG_FLOATS:
        return *(const size_t *)(const void *)at == 0; /* both structs begin with their length */
    case GOFLAG_STRING:
        s = *(const char *const *)(const void *)at;
        return s[0] == '\0' || (f->initial != NULL && strcmp(s, f->initial) == 0);
    case GOFLAG_BOOL:
        return f->initial != NULL && gonum_bool(f->initial, &flag) &&
               flag == *(const bool *)(const void *)at;
    default:
        now = *(const int64_t *)(const void *)at;
        return f->initial != NULL && set(f, &then, f->initial, &why) == GOFLAG_DONE && now == then;
    }
}

bool goflag_next_warning(const struct goflag_table *table, const void *from, const bool *given,
                         size_t *at, struct line *out)
{
    while (*at < table->n) {
        size_t row = (*at)++;
        const struct goflag *f = &table->rows[row];
        if (given[row] && f->warning != NULL && !is_initial(f, from)) {
            line_add(out, "--%s %s", f->name, f->warning);
            return true;
        }
    }
    return false;
}
