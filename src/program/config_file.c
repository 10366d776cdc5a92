/* SPDX-License-Identifier: MIT */
/*
 * Reads a configuration file from its bytes. Must not open the file, and must not know the values
 * that a flag takes.
 */
#include "program/config_file.h"

#include "program/goconfig.h"

#include <assert.h>
#include <string.h>

/* Skips the byte order marks that the parser of upstream's nsqd skips. */
static struct span skip_mark(struct span s)
{
    static const char *const marks[] = {"\xEF\xBB\xBF", "\xFF\xFE", "\xFE\xFF"};
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        size_t n = strlen(marks[i]);
        if (s.n >= n && memcmp(s.p, marks[i], n) == 0) {
            return span_skip(s, n);
        }
    }
    return s;
}

static enum start_result fail(const char *path, const char *why, struct start_text *text)
{
    return start_fail(text, "failed to load config file %s - %s", path, why);
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static bool is_of_key(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

/* Returns line number `line`, counted from 1, and all that follows it. */
static struct span from_line(struct span bytes, unsigned line)
{
    for (; line > 1 && bytes.n > 0; line--) {
        const uint8_t *end = memchr(bytes.p, '\n', bytes.n);
        bytes = span_skip(bytes, end == NULL ? bytes.n : (size_t)(end - bytes.p) + 1);
    }
    return bytes;
}

/* Returns the key at the start of a line, or nothing. The key of a line is one word with a '='
 * behind it. A line in the middle of a value has none. */
static struct span key_of(struct span line)
{
    while (line.n > 0 && is_blank(line.p[0])) {
        line = span_skip(line, 1);
    }
    size_t n = 0;
    while (n < line.n && n < GOCONFIG_KEY_MAX && is_of_key(line.p[n])) {
        n++;
    }
    struct span rest = span_skip(line, n);
    while (rest.n > 0 && is_blank(rest.p[0])) {
        rest = span_skip(rest, 1);
    }
    return span_first(line, rest.n > 0 && rest.p[0] == '=' ? n : 0);
}

/* The document is not valid. */
static enum start_result fail_at(const char *path, struct span bytes,
                                 const struct toml_error *error, struct start_text *text)
{
    char buf[START_LINE_MAX];
    struct line why;
    line_start(&why, buf, sizeof buf);
    if (error->line > 0) {
        struct span key = key_of(from_line(bytes, error->line));
        line_add(&why, "line %u, column %u: ", error->line, error->column);
        line_add(&why, "%.*s%s", (int)key.n, (const char *)key.p, key.n > 0 ? ": " : "");
    }
    line_add(&why, "%s", error->why);
    return fail(path, why.p, text);
}

/* Applies the document, and notes the place of each value that is used. */
static bool apply(const struct start_flags *flags, struct toml_document *file, struct line *why)
{
    const struct goflag_table *table = flags->table;
    bool earlier[CONFIG_FILE_FLAGS_MAX];
    assert(table->n <= CONFIG_FILE_FLAGS_MAX);
    memcpy(earlier, flags->given, table->n * sizeof earlier[0]);
    bool ok = goconfig_apply(table, file, flags->into, flags->given, why);
    for (size_t row = 0; row < table->n && ok; row++) {
        char key[GOCONFIG_KEY_MAX];
        struct toml_value value;
        if (flags->given[row] && !earlier[row] && goconfig_key(table, &table->rows[row], key) &&
            toml_find(file, key, &value)) {
            flags->place[row] = (struct start_place){value.line, value.column};
        }
    }
    return ok;
}

enum start_result config_file_read(const struct start_flags *flags, const char *path,
                                   struct span bytes, struct toml_document **file,
                                   struct start_text *text)
{
    char buf[START_LINE_MAX];
    struct line why;
    struct toml_error error;
    *file = NULL;
    if (bytes.n >= CONFIG_FILE_MAX) {
        return fail(path, "expected less than 1 MiB", text);
    }
    bytes = skip_mark(bytes);
    *file = toml_read((const char *)bytes.p, bytes.n, &error);
    if (*file == NULL) {
        return fail_at(path, bytes, &error, text);
    }
    line_start(&why, buf, sizeof buf);
    return apply(flags, *file, &why) ? START_RUN : fail(path, why.p, text);
}

enum start_result config_file_unreadable(const char *path, const char *why, struct start_text *text)
{
    return fail(path, why, text);
}

void config_file_add_place(const struct goflag_table *table, const struct start_place *place,
                           const char *path, struct span flag, struct start_text *text)
{
    char key[GOCONFIG_KEY_MAX];
    size_t row = goflag_find(table, (const char *)flag.p, flag.n);
    if (row < table->n && place[row].line > 0 && goconfig_key(table, &table->rows[row], key)) {
        char why[START_LINE_MAX];
        memcpy(why, text->fatal, sizeof why);
        start_fail(text, "%s (%s: line %u, column %u: %s)", why, path, place[row].line,
                   place[row].column, key);
    }
}
