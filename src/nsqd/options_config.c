/* SPDX-License-Identifier: MIT */
/*
 * Searches a configuration file for settings that restrict access. It knows only enough TOML to
 * find the key of a line. It refuses the file when it is in doubt. Must not open the file.
 */
#include "nsqd/options_config.h"

#include <string.h>

static const struct restriction {
    const char *key;
    const char *flag;
    const char *open; /* the value that does not restrict access */
} restrictions[] = {
    {"tls_required", "tls-required", "false"},
    {"tls_client_auth_policy", "tls-client-auth-policy", "\"\""},
    {"auth_http_addresses", "auth-http-address", "[]"},
    {"tcp_address", "tcp-address", "\"0.0.0.0:4150\""},
};

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static struct span skip_blanks(struct span s)
{
    while (s.n > 0 && is_blank(s.p[0])) {
        s = span_skip(s, 1);
    }
    return s;
}

static bool is_bare(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

/* Returns the number of bytes before the first c, or of all bytes when there is no c. */
static size_t until(struct span s, uint8_t c)
{
    const uint8_t *at = s.n > 0 ? memchr(s.p, c, s.n) : NULL;
    return at != NULL ? (size_t)(at - s.p) : s.n;
}

/* Finds the key at the start of a line, and the rest of the line after the key. Returns false when
 * the line has no key. */
static bool take_key(struct span line, struct span *key, struct span *rest)
{
    line = skip_blanks(line);
    while (line.n > 0 && line.p[0] == '[') {
        line = skip_blanks(span_skip(line, 1));
    }
    size_t n = 0;
    size_t quote = line.n > 0 && (line.p[0] == '"' || line.p[0] == '\'');
    if (quote > 0) {
        uint8_t mark = line.p[0];
        line = span_skip(line, 1);
        n = until(line, mark);
        quote = n < line.n; /* the closing quote */
    } else {
        while (n < line.n && is_bare(line.p[n])) {
            n++;
        }
    }
    *key = span_first(line, n);
    *rest = skip_blanks(span_skip(line, n + quote));
    return rest->n > 0 && memchr("=.]", rest->p[0], 3) != NULL;
}

/* Returns true when only "= open" and perhaps a comment follow the key. `rest` is the line after
 * the key. */
static bool is_open(struct span rest, const char *open)
{
    size_t n = strlen(open);
    struct span value = skip_blanks(span_skip(rest, 1));
    if (rest.p[0] != '=' || value.n < n || memcmp(value.p, open, n) != 0) {
        return false;
    }
    value = skip_blanks(span_skip(value, n));
    return value.n == 0 || value.p[0] == '#' || value.p[0] == '\r';
}

static enum options_result check_line(const struct options *o, struct span line,
                                      struct options_text *text)
{
    struct span key, rest;
    if (!take_key(line, &key, &rest)) {
        return OPTIONS_RUN;
    }
    if (until(key, '\\') < key.n) {
        return options_fail(text,
                            "failed to load config file %s - a key with a backslash may restrict "
                            "access, and config files are not read yet",
                            o->config);
    }
    for (size_t i = 0; i < sizeof restrictions / sizeof restrictions[0]; i++) {
        const struct restriction *r = &restrictions[i];
        if (span_equal(key, span_make(r->key, strlen(r->key))) && !options_given(o, r->flag) &&
            !is_open(rest, r->open)) {
            return options_fail(text,
                                "failed to load config file %s - %s restricts access, and config "
                                "files are not read yet",
                                o->config, r->key);
        }
    }
    return OPTIONS_RUN;
}

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

enum options_result options_config_check(const struct options *o, struct span bytes,
                                         struct options_text *text)
{
    enum options_result r = OPTIONS_RUN;
    if (bytes.n >= OPTIONS_CONFIG_MAX) {
        return options_fail(text,
                            "failed to load config file %s - it is too large to tell whether "
                            "it restricts access, and config files are not read yet",
                            o->config);
    }
    bytes = skip_mark(bytes);
    while (bytes.n > 0 && r == OPTIONS_RUN) {
        size_t n = until(bytes, '\n');
        r = check_line(o, span_first(bytes, n), text);
        bytes = span_skip(bytes, n < bytes.n ? n + 1 : n);
    }
    return r;
}

enum options_result options_config_unreadable(const struct options *o, const char *why,
                                              struct options_text *text)
{
    return options_fail(text, "failed to load config file %s - %s", o->config, why);
}
