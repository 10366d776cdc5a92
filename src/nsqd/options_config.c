/* SPDX-License-Identifier: MIT */
/*
 * Reads a configuration file from its bytes. Must not open the file, and must not know the values
 * that a flag takes.
 */
#include "nsqd/options_config.h"

#include "nsqd/goconfig.h"

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

static enum options_result fail(const struct options *o, const char *why, struct options_text *text)
{
    return options_fail(text, "failed to load config file %s - %s", o->config, why);
}

/* The document is not valid. */
static enum options_result fail_at(const struct options *o, const struct toml_error *error,
                                   struct options_text *text)
{
    char buf[OPTIONS_LINE_MAX];
    struct line why;
    line_start(&why, buf, sizeof buf);
    if (error->line > 0) {
        line_add(&why, "line %u, column %u: ", error->line, error->column);
    }
    line_add(&why, "%s", error->why);
    return fail(o, why.p, text);
}

enum options_result options_config_read(struct options *o, struct span bytes,
                                        struct toml_document **file, struct options_text *text)
{
    char buf[OPTIONS_LINE_MAX];
    struct line why;
    struct toml_error error;
    *file = NULL;
    if (bytes.n >= OPTIONS_CONFIG_MAX) {
        return fail(o, "expected less than 1 MiB", text);
    }
    bytes = skip_mark(bytes);
    *file = toml_read((const char *)bytes.p, bytes.n, &error);
    if (*file == NULL) {
        return fail_at(o, &error, text);
    }
    line_start(&why, buf, sizeof buf);
    return goconfig_apply(&options_table, *file, o, o->given, &why) ? OPTIONS_RUN
                                                                    : fail(o, why.p, text);
}

enum options_result options_config_unreadable(const struct options *o, const char *why,
                                              struct options_text *text)
{
    return fail(o, why, text);
}
