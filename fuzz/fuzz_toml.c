/* SPDX-License-Identifier: MIT */
/*
 * Invariant: a configuration file gives the same options each time. A file that is refused has one
 * printable line as the reason. A file that is accepted leaves every flag alone that it does not
 * name and every flag of the command line; each value is one that the rest of the program can use;
 * an unknown key in front changes nothing. A document that is made from choices is accepted if and
 * only if each of its values is one that a flag of that kind takes, and gives these values.
 *
 * Input: a byte, then what follows. Below 128, a file follows, and the byte chooses a flag of the
 * command line. From 128 on, documents follow: the number of settings (1 to 3), and for each a
 * flag, a form and a number (a byte each).
 */
#include "fuzz.h"
#include "nsqd/options_check.h"
#include "program/config_file.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/log.h"

const struct fuzz_shape fuzz_shape = {.header = 1, .body = FUZZ_BYTES};

#define MAKE_FROM 128
#define SETTINGS_MAX 3
#define MS ((int64_t)1000000)

struct reading {
    struct options o;
    struct start_text text;
    struct toml_document *file;
    bool ok;
};

/* Returns the options of a command line with at most one flag. */
static void parse(struct reading *r, const char *flag)
{
    static const struct options_host host = {.name = "host", .node_id = 617};
    char *argv[] = {"nsqd", "-config=f.cfg", (char *)(uintptr_t)flag};
    FUZZ_CHECK(options_parse(&r->o, flag == NULL ? 2 : 3, argv, &host, &r->text) == START_RUN);
}

static void read_file(struct reading *r, struct span bytes, const char *flag)
{
    static const char start[] = "failed to load config file f.cfg - ";
    parse(r, flag);
    const struct start_flags flags = options_flags(&r->o);
    r->ok = config_file_read(&flags, "f.cfg", bytes, &r->file, &r->text) == START_RUN;
    const char *line = r->text.fatal;
    FUZZ_CHECK(r->ok == (line[0] == '\0'));
    FUZZ_CHECK(r->ok || strncmp(line, start, sizeof start - 1) == 0);
    FUZZ_CHECK(r->ok || strlen(line) > sizeof start - 1);
    for (; *line != '\0'; line++) {
        FUZZ_CHECK((unsigned char)*line >= ' ' && *line != 0x7F);
    }
}

/* --- the fields of options -------------------------------------------------------------------- */

static const void *field(const struct reading *r, const struct goflag *f)
{
    return (const char *)&r->o + f->offset;
}

static bool same_strings(const struct goflag_strings *a, const struct goflag_strings *b)
{
    bool same = a->n == b->n;
    for (size_t i = 0; same && i < a->n; i++) {
        same = strcmp(a->v[i], b->v[i]) == 0;
    }
    return same;
}

static bool same_field(const struct goflag *f, const struct reading *a, const struct reading *b)
{
    const void *x = field(a, f);
    const void *y = field(b, f);
    const struct goflag_floats *u = x;
    switch (f->kind) {
    case GOFLAG_BOOL:
        return *(const uint8_t *)x == *(const uint8_t *)y;
    case GOFLAG_STRING:
        return strcmp(*(const char *const *)x, *(const char *const *)y) == 0;
    case GOFLAG_STRINGS:
        return same_strings(x, y);
    case GOFLAG_FLOATS: /* bit by bit, because NaN differs from itself */
        return u->n == ((const struct goflag_floats *)y)->n &&
               memcmp(u->v, ((const struct goflag_floats *)y)->v, u->n * sizeof u->v[0]) == 0;
    default:
        return *(const int64_t *)x == *(const int64_t *)y;
    }
}

static void compare(const struct reading *a, const struct reading *b)
{
    FUZZ_CHECK(a->ok == b->ok);
    for (size_t i = 0; i < options_table.n; i++) {
        FUZZ_CHECK(!a->ok || same_field(&options_table.rows[i], a, b));
    }
}

static bool make_context(void *context, const struct options *o, struct line *why)
{
    (void)context;
    (void)o;
    line_add(why, "%s", "");
    return true;
}

/* Checks the values against what the program relies on. */
static void look_at(const struct reading *r, const struct reading *without)
{
    static struct start_text text;
    const struct options_tls tls = {.serve = make_context, .request = make_context};
    for (size_t i = 0; i < options_table.n; i++) {
        const struct goflag *f = &options_table.rows[i];
        FUZZ_CHECK((r->o.given[i] && !without->o.given[i]) || same_field(f, r, without));
        FUZZ_CHECK(f->kind != GOFLAG_BOOL || *(const uint8_t *)field(r, f) <= 1);
        FUZZ_CHECK(f->kind != GOFLAG_STRINGS ||
                   ((const struct goflag_strings *)field(r, f))->n <= GOFLAG_LIST_MAX);
        FUZZ_CHECK(f->kind != GOFLAG_FLOATS ||
                   ((const struct goflag_floats *)field(r, f))->n <= GOFLAG_LIST_MAX);
    }
    FUZZ_CHECK(r->o.log_level >= LOG_DEBUG && r->o.log_level <= LOG_FATAL);
    FUZZ_CHECK(r->o.tls_required >= 0 && r->o.tls_required <= OPTIONS_TLS_REQUIRED);
    FUZZ_CHECK(r->o.tls_min_version >= 0x0301 && r->o.tls_min_version <= 0x0304);
    FUZZ_CHECK(r->o.waiter == OPTIONS_WAITER_POLL || r->o.waiter == OPTIONS_WAITER_EPOLL);
    options_check(&r->o, &tls, &text);
    char line[START_LINE_MAX];
    for (size_t at = 0; options_warning(&r->o, &at, line);) {
        FUZZ_CHECK(line[0] == '-');
    }
}

/* --- files ------------------------------------------------------------------------------------ */

/* One of each kind. None of them has the value of a default. */
static const char *const flags[] = {
    NULL,           "-snappy=false",           "-max-rdy-count=9",        "-msg-timeout=9s",
    "-log-prefix=", "-auth-http-address=x",    "-tls-required=tcp-https", "-log-level=fatal",
    "-node-id=9",   "-tls-min-version=tls1.3",
};

static struct reading first, again, without;

static void try_file(struct span in, const char *flag)
{
    parse(&without, flag);
    read_file(&first, in, flag);
    read_file(&again, in, flag);
    compare(&first, &again);
    FUZZ_CHECK(strcmp(first.text.fatal, again.text.fatal) == 0);
    toml_free(again.file);
    if (fuzz_talks) {
        fuzz_say("%s %s", first.ok ? "accepted" : "refused", first.text.fatal);
    }
    if (first.ok) {
        look_at(&first, &without);
    }
    if (first.ok && (in.n == 0 || in.p[0] < 0x80)) { /* no byte order mark */
        struct buf longer = {0};
        buf_append(&longer, SPAN("zz.unknown.to.all = 1\n"));
        buf_append(&longer, in);
        read_file(&again, buf_span(&longer), flag);
        FUZZ_CHECK(again.ok || strstr(again.text.fatal, "Error while parsing") != NULL);
        if (again.ok) {
            compare(&first, &again);
        }
        toml_free(again.file);
        buf_free(&longer);
    }
    fuzz_met(GOFLAG_KINDS - 1, 15, first.ok ? 1 : first.file != NULL ? 2 : 0);
    toml_free(first.file);
}

/* --- documents made from choices -------------------------------------------------------------- */

enum form {
    TRUE,
    FALSE,
    INTEGER,
    FLOAT,
    DIGITS,       /* a string with a number */
    MILLISECONDS, /* a string such as "5ms" */
    TEXT,         /* one of texts[] */
    STRINGS,      /* an array of up to three strings */
    FLOATS,       /* an array of up to three floats */
    MIXED,        /* an array with a string, a float and an integer */
    TABLE,
    DATE,
    NUL, /* a string that contains a NUL */
    FORMS
};

static const char *const texts[] = {"info", "tls1.2", "tcp-https", "epoll", "x,y", ""};

static const int64_t numbers[] = {
    0,
    1,
    2,
    5,
    -1,
    INT64_MAX,
    INT64_MIN,
    INT64_MAX / MS,
    INT64_MAX / MS + 1,
    INT64_MIN / MS,
    INT64_MIN / MS - 1,
};

struct setting {
    size_t row;
    enum form form;
    int64_t number;
    const char *text;
    size_t items;
};

static void write_value(struct buf *out, const struct setting *s)
{
    static const char *const lists[][4] = {{"[]", "['a']", "['a', \"b,c\"]", "['a', '', 'c',]"},
                                           {"[]", "[0.5]", "[0.5, 1.0]", "[1e0, 0.5, 0.25]"}};
    static const char *const others[] = {
        [TRUE] = "true", [FALSE] = "false",     [MIXED] = "['a', 0.5, 1]",
        [TABLE] = "{}",  [DATE] = "1979-05-27", [NUL] = "\"1\\u0000\"",
    };
    char line[64];
    switch (s->form) {
    case INTEGER:
        snprintf(line, sizeof line, "%" PRId64, s->number);
        break;
    case FLOAT:
        snprintf(line, sizeof line, "%" PRId64 ".0", s->number % 10);
        break;
    case DIGITS:
        snprintf(line, sizeof line, "\"%" PRId64 "\"", s->number);
        break;
    case MILLISECONDS:
        snprintf(line, sizeof line, "'%" PRId64 "ms'", s->number);
        break;
    case TEXT:
        snprintf(line, sizeof line, "'%s'", s->text);
        break;
    case STRINGS:
    case FLOATS:
        snprintf(line, sizeof line, "%s", lists[s->form == FLOATS][s->items]);
        break;
    default:
        snprintf(line, sizeof line, "%s", others[s->form]);
    }
    buf_append(out, span_make(line, strlen(line)));
}

/* Writes "KEY = VALUE\n". Returns false when the flag has no key. */
static bool write_setting(struct buf *out, const struct setting *s)
{
    char key[64];
    snprintf(key, sizeof key, "%s", options_table.rows[s->row].name);
    for (char *p = key; *p != '\0'; p++) {
        *p = *p == '-' ? '_' : *p;
    }
    for (size_t i = 0; i < options_table.key_count; i++) {
        const struct goflag_key *k = &options_table.keys[i];
        if (strcmp(k->name, options_table.rows[s->row].name) == 0) {
            if (k->key == NULL) {
                return false;
            }
            snprintf(key, sizeof key, "%s", k->key);
        }
    }
    buf_append(out, span_make(key, strlen(key)));
    buf_append(out, SPAN(" = "));
    write_value(out, s);
    buf_append(out, SPAN("\n"));
    return true;
}

static bool is_text(const struct setting *s, const char *text)
{
    return s->form == TEXT && strcmp(s->text, text) == 0;
}

/* Whether the flag takes the value; then *v is the number in its field, or how many values. */
static bool model(const struct setting *s, int64_t *v)
{
    const struct goflag *f = &options_table.rows[s->row];
    bool number = s->form == INTEGER || s->form == DIGITS;
    bool array = s->form == STRINGS || s->form == FLOATS;
    bool is_string = s->form == DIGITS || s->form == MILLISECONDS || s->form == TEXT;
    bool fits = s->number >= INT64_MIN / MS && s->number <= INT64_MAX / MS;
    *v = s->number;
    switch (f->kind) {
    case GOFLAG_BOOL:
        *v = s->form == TRUE || (s->form == DIGITS && s->number == 1);
        return s->form <= FALSE || (s->form == DIGITS && (s->number == 0 || s->number == 1));
    case GOFLAG_INT:
        return number;
    case GOFLAG_DURATION:
        *v = fits ? s->number * MS : 0;
        return fits && (s->form == INTEGER || s->form == MILLISECONDS ||
                        (s->form == DIGITS && s->number == 0));
    case GOFLAG_STRING:
        return is_string;
    case GOFLAG_STRINGS:
        *v = array ? (int64_t)s->items : is_text(s, "x,y") ? 2 : 1;
        return s->form == STRINGS || is_string || (s->form == FLOATS && s->items == 0);
    case GOFLAG_FLOATS:
        *v = s->form == DIGITS ? 1 : (int64_t)s->items;
        return s->form == DIGITS || s->form == FLOATS || (s->form == STRINGS && s->items == 0);
    case GOFLAG_BOOL_WORD:
        *v = is_text(s, "tcp-https")                         ? OPTIONS_TLS_REQUIRED_EXCEPT_HTTP
             : s->form == TRUE || (number && s->number == 1) ? OPTIONS_TLS_REQUIRED
                                                             : OPTIONS_TLS_NOT_REQUIRED;
        return s->form <= FALSE || is_text(s, "tcp-https") ||
               (number && (s->number == 0 || s->number == 1));
    default:
        *v = f->offset == offsetof(struct options, log_level) ? LOG_INFO
             : f->offset == offsetof(struct options, waiter)  ? OPTIONS_WAITER_EPOLL
             : is_text(s, "tls1.2")                           ? 0x0303
                                                              : 0x0301;
        return f->offset == offsetof(struct options, log_level) ? is_text(s, "info")
               : f->offset == offsetof(struct options, waiter)
                   ? is_text(s, "epoll")
                   : is_text(s, "tls1.2") || is_text(s, "");
    }
}

static void check_value(const struct reading *r, const struct setting *s, int64_t v)
{
    const struct goflag *f = &options_table.rows[s->row];
    const void *at = field(r, f);
    FUZZ_CHECK(r->o.given[s->row]);
    switch (f->kind) {
    case GOFLAG_BOOL:
        FUZZ_CHECK(*(const bool *)at == (v == 1));
        break;
    case GOFLAG_STRING:
        FUZZ_CHECK(s->form != TEXT || strcmp(*(const char *const *)at, s->text) == 0);
        break;
    case GOFLAG_STRINGS:
    case GOFLAG_FLOATS:
        FUZZ_CHECK(*(const size_t *)at == (size_t)v);
        break;
    default:
        FUZZ_CHECK(*(const int64_t *)at == v);
    }
}

static struct setting take_setting(struct span *in)
{
    struct setting s = {.row = fuzz_below(in, OPTIONS_FLAG_COUNT),
                        .form = (enum form)fuzz_below(in, FORMS)};
    unsigned n = fuzz_byte(in);
    s.number = numbers[n % (sizeof numbers / sizeof numbers[0])];
    s.text = texts[n % (sizeof texts / sizeof texts[0])];
    s.items = n % 4;
    return s;
}

static void try_made(struct span *in)
{
    struct setting settings[SETTINGS_MAX];
    int64_t values[SETTINGS_MAX];
    struct buf out = {0};
    size_t n = 0;
    bool good = true;
    for (unsigned k = 1 + fuzz_below(in, SETTINGS_MAX); k > 0; k--) {
        struct setting s = take_setting(in);
        bool used = false;
        for (size_t i = 0; i < n; i++) {
            used = used || settings[i].row == s.row;
        }
        if (!used && write_setting(&out, &s)) {
            bool takes = model(&s, &values[n]);
            fuzz_met((unsigned)options_table.rows[s.row].kind, (unsigned)s.form, takes ? 1 : 0);
            good = good && takes;
            settings[n++] = s;
        }
    }
    parse(&without, NULL);
    read_file(&first, buf_span(&out), NULL);
    if (fuzz_talks) {
        fuzz_say_bytes(first.ok ? "accepted " : "refused ", buf_span(&out));
    }
    FUZZ_CHECK(first.ok == good);
    for (size_t i = 0; good && i < n; i++) {
        check_value(&first, &settings[i], values[i]);
    }
    if (good) {
        look_at(&first, &without);
    }
    toml_free(first.file);
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_make(data, size);
    unsigned choice = fuzz_byte(&in);
    if (choice < MAKE_FROM) {
        try_file(in, flags[choice % (sizeof flags / sizeof flags[0])]);
    }
    while (choice >= MAKE_FROM && in.n > 0) {
        try_made(&in);
    }
    return 0;
}
