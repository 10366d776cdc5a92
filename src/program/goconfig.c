/* SPDX-License-Identifier: MIT */
/*
 * Sets flags from a TOML document. The conversions are those of go-options, without those that
 * would set something else than the file says (departure 42). Must not know toml++.
 */
#include "program/goconfig.h"

#include "program/gonum.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NS_PER_MS 1000000

/* One flag that is being set. */
struct setting {
    const struct goflag *flag;
    const char *key;
    void *at; /* the field */
    struct toml_value value;
    /* For the error: what was expected (NULL: what the flag's kind expects), and what was found. */
    const char *expected;
    struct toml_value found;
};

/* What a flag of each kind expects. NULL: the words at the end of its help. */
static const char *const expectations[] = {
    [GOFLAG_BOOL] = "true or false",
    [GOFLAG_INT] = "an integer",
    [GOFLAG_DURATION] = "a duration such as \"1m30s\", or an integer of milliseconds",
    [GOFLAG_STRING] = "a string",
    [GOFLAG_STRINGS] = "a list of strings",
    [GOFLAG_FLOATS] = "a list of floats such as [0.99, 0.95]",
    [GOFLAG_WORD] = NULL,
    [GOFLAG_BOOL_WORD] = NULL,
};
_Static_assert(sizeof expectations / sizeof expectations[0] == GOFLAG_KINDS, "one for each kind");

/* --- errors ----------------------------------------------------------------------------------- */

static bool has_nul(const struct toml_value *v)
{
    return memchr(v->text, '\0', v->n) != NULL;
}

static void add_found(struct line *out, const struct toml_value *v)
{
    switch (v->kind) {
    case TOML_STRING:
        if (has_nul(v)) {
            line_add(out, "a string with a NUL");
        } else {
            line_add_quoted(out, v->text);
        }
        break;
    case TOML_INTEGER:
        line_add(out, "%" PRId64, v->is.integer);
        break;
    case TOML_FLOAT:
        line_add(out, "the float %s", gonum_format(v->is.real).s);
        break;
    case TOML_BOOLEAN:
        line_add(out, "%s", v->is.boolean ? "true" : "false");
        break;
    case TOML_TIME:
        line_add(out, "a date or a time");
        break;
    case TOML_ARRAY:
        line_add(out, "an array");
        break;
    case TOML_TABLE:
        line_add(out, "a table");
        break;
    }
}

static void add_error(struct line *out, const struct setting *s)
{
    const char *expected = s->expected != NULL ? s->expected : expectations[s->flag->kind];
    if (expected == NULL) {
        const char *words = strstr(s->flag->help, ": ");
        assert(words != NULL);
        expected = words + 2;
    }
    line_add(out, "line %u, column %u: %s: expected %s, found ", s->found.line, s->found.column,
             s->key, expected);
    add_found(out, &s->found);
}

/* --- setters, one for each kind: they return false for a value that the kind does not take ---- */

/* Returns the text of a string without a NUL, else NULL. */
static char *text_of(const struct toml_value *v)
{
    return v->kind == TOML_STRING && !has_nul(v) ? v->text : NULL;
}

/* go-options takes an integer too, and 0 for true. */
static bool set_bool(struct setting *s)
{
    const char *text = text_of(&s->value);
    if (s->value.kind == TOML_BOOLEAN) {
        *(bool *)s->at = s->value.is.boolean;
        return true;
    }
    return text != NULL && gonum_bool(text, s->at);
}

static bool set_int(struct setting *s)
{
    const char *text = text_of(&s->value);
    if (s->value.kind == TOML_INTEGER) {
        *(int64_t *)s->at = s->value.is.integer;
        return true;
    }
    return text != NULL && gonum_decimal(text, s->at) == GONUM_OK;
}

/* When an integer has too many milliseconds, go-options takes what is left of the nanoseconds. */
static bool set_duration(struct setting *s)
{
    const char *text = text_of(&s->value);
    if (s->value.kind == TOML_INTEGER && s->value.is.integer >= INT64_MIN / NS_PER_MS &&
        s->value.is.integer <= INT64_MAX / NS_PER_MS) {
        *(int64_t *)s->at = s->value.is.integer * NS_PER_MS;
        return true;
    }
    return text != NULL && gonum_duration(text, s->at);
}

/* go-options takes any value, and makes words such as "%!s(int64=5)" of it. */
static bool set_string(struct setting *s)
{
    const char *text = text_of(&s->value);
    if (text != NULL) {
        *(const char **)s->at = text;
    }
    return text != NULL;
}

static bool has_room(struct setting *s, size_t n)
{
    if (n == GOFLAG_LIST_MAX) {
        s->expected = "at most 64 values";
    }
    return n < GOFLAG_LIST_MAX;
}
_Static_assert(GOFLAG_LIST_MAX == 64, "the text above names the number");

static bool split_strings(struct setting *s, char *text)
{
    struct goflag_strings *list = s->at;
    for (bool more = true; more;) {
        size_t n = strcspn(text, ",");
        if (!has_room(s, list->n)) {
            return false;
        }
        more = text[n] != '\0';
        text[n] = '\0';
        list->v[list->n++] = text;
        text += n + 1;
    }
    return true;
}

/* go-options takes any other value for an empty list, and panics when an item is no string. */
static bool set_strings(struct setting *s)
{
    struct goflag_strings *list = s->at;
    char *text = text_of(&s->value);
    if (text != NULL) {
        return split_strings(s, text);
    }
    for (size_t i = 0; s->value.kind == TOML_ARRAY && i < s->value.n; i++) {
        struct toml_value item = toml_item(&s->value, i);
        const char *string = text_of(&item);
        if (string == NULL || !has_room(s, list->n)) {
            s->found = item;
            return false;
        }
        list->v[list->n++] = string;
    }
    return s->value.kind == TOML_ARRAY;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool split_floats(struct setting *s, const char *text)
{
    struct goflag_floats *list = s->at;
    for (;;) {
        size_t n = strcspn(text, ",");
        const char *next = text + n;
        for (; n > 0 && is_blank(text[0]); n--) {
            text++;
        }
        for (; n > 0 && is_blank(text[n - 1]); n--) {
        }
        double v;
        if (gonum_float(text, n, &v) != GONUM_OK || !has_room(s, list->n)) {
            return false;
        }
        list->v[list->n++] = v;
        if (*next == '\0') {
            return true;
        }
        text = next + 1;
    }
}

/* go-options treats other values as in set_strings. */
static bool set_floats(struct setting *s)
{
    struct goflag_floats *list = s->at;
    const char *text = text_of(&s->value);
    if (text != NULL) {
        return split_floats(s, text);
    }
    for (size_t i = 0; s->value.kind == TOML_ARRAY && i < s->value.n; i++) {
        struct toml_value item = toml_item(&s->value, i);
        if (item.kind != TOML_FLOAT || !has_room(s, list->n)) {
            s->found = item;
            return false;
        }
        list->v[list->n++] = item.is.real;
    }
    return s->value.kind == TOML_ARRAY;
}

static bool set_word(struct setting *s)
{
    char number[32];
    char buf[256];
    struct line why; /* its text has no use: the error names all words */
    line_start(&why, buf, sizeof buf);
    const char *text = text_of(&s->value);
    if (s->flag->kind == GOFLAG_BOOL_WORD && s->value.kind == TOML_BOOLEAN) {
        text = s->value.is.boolean ? "true" : "false";
    } else if (s->flag->kind == GOFLAG_BOOL_WORD && s->value.kind == TOML_INTEGER) {
        snprintf(number, sizeof number, "%" PRId64, s->value.is.integer);
        text = number;
    }
    return text != NULL && s->flag->word(s->at, text, &why);
}

static bool (*const setters[])(struct setting *s) = {
    [GOFLAG_BOOL] = set_bool,     [GOFLAG_INT] = set_int,         [GOFLAG_DURATION] = set_duration,
    [GOFLAG_STRING] = set_string, [GOFLAG_STRINGS] = set_strings, [GOFLAG_FLOATS] = set_floats,
    [GOFLAG_WORD] = set_word,     [GOFLAG_BOOL_WORD] = set_word,
};
_Static_assert(sizeof setters / sizeof setters[0] == GOFLAG_KINDS, "one for each kind");

/* --- all flags -------------------------------------------------------------------------------- */

static bool is_word(const struct goflag *f)
{
    return f->kind == GOFLAG_WORD || f->kind == GOFLAG_BOOL_WORD;
}

bool goconfig_key(const struct goflag_table *table, const struct goflag *f,
                  char key[GOCONFIG_KEY_MAX])
{
    for (size_t i = 0; i < table->key_count; i++) {
        const struct goflag_key *k = &table->keys[i];
        if (strcmp(k->name, f->name) == 0) {
            snprintf(key, GOCONFIG_KEY_MAX, "%s", k->key != NULL ? k->key : "");
            return k->key != NULL;
        }
    }
    size_t n = strlen(f->name);
    assert(n < GOCONFIG_KEY_MAX);
    for (size_t i = 0; i <= n; i++) {
        key[i] = f->name[i];
        if (key[i] == '-') {
            key[i] = '_';
        }
    }
    return true;
}

static bool apply_row(const struct goflag_table *table, size_t row, struct toml_document *document,
                      void *into, bool *given, struct line *error)
{
    const struct goflag *f = &table->rows[row];
    char key[GOCONFIG_KEY_MAX];
    int64_t unused = 0;
    struct setting s = {
        .flag = f, .key = key, .at = given[row] ? (void *)&unused : (char *)into + f->offset};
    if ((given[row] && !is_word(f)) || !goconfig_key(table, f, key) ||
        !toml_find(document, key, &s.value)) {
        return true;
    }
    s.found = s.value;
    if (!setters[f->kind](&s)) {
        add_error(error, &s);
        return false;
    }
    given[row] = true;
    return true;
}

bool goconfig_apply(const struct goflag_table *table, struct toml_document *document, void *into,
                    bool *given, struct line *error)
{
    for (int words = 1; words >= 0; words--) {
        for (size_t row = 0; row < table->n; row++) {
            if (is_word(&table->rows[row]) == (words == 1) &&
                !apply_row(table, row, document, into, given, error)) {
                return false;
            }
        }
    }
    return true;
}
