/* SPDX-License-Identifier: MIT */
/* The header of a session file: one function for each of its lines. Must not know: steps. */
#include "conform/session_file.h"

#include "conform/session_file_reader.h"

/* --- the header ------------------------------------------------------------------------------- */

static const struct span level_names[] = {
    [LEVEL_MUST] = SPAN_LITERAL("MUST"),
    [LEVEL_SHOULD] = SPAN_LITERAL("SHOULD"),
    [LEVEL_QUIRK] = SPAN_LITERAL("QUIRK"),
    [LEVEL_DEPARTURE] = SPAN_LITERAL("DEPARTURE"),
};

struct span transcript_level_name(enum transcript_level level)
{
    return level_names[level];
}

static bool take_words(struct reader *r, struct word **words)
{
    struct word **last = words;
    do {
        const uint8_t *space = memchr(r->line.p, ' ', r->line.n);
        size_t n = space == NULL ? r->line.n : (size_t)(space - r->line.p);
        if (n == 0) {
            return reader_expected(r, "words with single spaces between them");
        }
        *last = reader_node(r->file, sizeof **last);
        (*last)->text = span_first(r->line, n);
        r->line = span_skip(r->line, n);
        last = &(*last)->next;
    } while (TAKE(r, " "));
    return true;
}

static bool is_id_byte(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

bool transcript_id_is_valid(struct span id)
{
    size_t slashes = 0;
    for (size_t i = 0; i < id.n; i++) {
        slashes += id.p[i] == '/';
        if (id.p[i] != '/' && !is_id_byte(id.p[i])) {
            return false;
        }
    }
    return slashes == 1 && id.p[0] != '/' && id.p[id.n - 1] != '/';
}

static bool take_id(struct reader *r)
{
    r->file->id = r->line;
    while (r->line.n > 0 && (r->line.p[0] == '/' || is_id_byte(r->line.p[0]))) {
        r->line = span_skip(r->line, 1);
    }
    if (r->line.n > 0) {
        return reader_expected(r, "lower-case letters, digits, - . and one /");
    }
    return transcript_id_is_valid(r->file->id) || reader_expected(r, "an id of the form area/slug");
}

static bool take_level(struct reader *r)
{
    for (int level = 0; level < LEVEL_COUNT; level++) {
        if (span_equal(r->line, level_names[level])) {
            r->file->level = (enum transcript_level)level;
            r->line = span_skip(r->line, r->line.n);
            return true;
        }
    }
    return reader_expected(r, "MUST, SHOULD, QUIRK or DEPARTURE");
}

enum header_key {
    KEY_ID,
    KEY_TITLE,
    KEY_REQ,
    KEY_LEVEL,
    KEY_SERVER,
    KEY_NEEDS,
    KEY_FLAGS,
    KEY_ORDER,
    KEY_EFFECT,
    KEY_SOURCE,
    KEYS
};

struct header_row {
    struct span word;
    bool needed;
    const char *expected;
};

/* The canonical order. */
static const struct header_row header[] = {
    [KEY_ID] = {SPAN_LITERAL("id: "), true, "id: area/slug"},
    [KEY_TITLE] = {SPAN_LITERAL("title: "), true, "title: the rule in one line"},
    [KEY_REQ] = {SPAN_LITERAL("req: "), true, "req: ids of requirements"},
    [KEY_LEVEL] = {SPAN_LITERAL("level: "), true, "level: MUST, SHOULD, QUIRK or DEPARTURE"},
    [KEY_SERVER] = {SPAN_LITERAL("server: "), false, NULL},
    [KEY_NEEDS] = {SPAN_LITERAL("needs: "), false, NULL},
    [KEY_FLAGS] = {SPAN_LITERAL("flags: "), false, NULL},
    [KEY_ORDER] = {SPAN_LITERAL("order: "), false, NULL},
    [KEY_EFFECT] = {SPAN_LITERAL("effect: "), false, NULL},
    [KEY_SOURCE] = {SPAN_LITERAL("source: "), true, "source: spec, nsqd 1.3.0 or departure N"},
};

static bool take_value(struct reader *r, enum header_key key)
{
    switch (key) {
    case KEY_ID:
        return take_id(r);
    case KEY_TITLE:
        return reader_take_text(r, &r->file->title);
    case KEY_REQ:
        return take_words(r, &r->file->reqs);
    case KEY_LEVEL:
        return take_level(r);
    case KEY_SERVER:
        r->file->server = SERVER_NSQLOOKUPD;
        return (TAKE(r, "nsqlookupd") && r->line.n == 0) || reader_expected(r, "nsqlookupd");
    case KEY_NEEDS:
        return take_words(r, &r->file->needs);
    case KEY_FLAGS:
        return reader_take_text(r, &r->file->flags);
    case KEY_ORDER:
        r->file->partial_order = TAKE(r, "partial");
        return (r->file->partial_order && r->line.n == 0) || reader_expected(r, "partial");
    case KEY_EFFECT:
        return reader_take_text(r, &r->file->effect);
    default:
        return reader_take_text(r, &r->file->source);
    }
}

bool transcript_needs(const struct transcript *file, struct span word)
{
    const struct word *w = file->needs;
    while (w != NULL && !span_equal(w->text, word)) {
        w = w->next;
    }
    return w != NULL;
}

bool reader_take_header(struct reader *r)
{
    bool fresh = false; /* the current line was not used yet */
    for (int key = 0; key < KEYS; key++) {
        if (!fresh && !reader_next_line(r)) {
            return reader_expected(r, "a header");
        }
        fresh = !reader_take(r, header[key].word);
        if (fresh && header[key].needed) {
            return reader_expected(r, header[key].expected);
        }
        if (!fresh && !take_value(r, (enum header_key)key)) {
            return false;
        }
    }
    if (!reader_next_line(r) || r->line.n > 0) {
        return reader_expected(r, "an empty line behind the header");
    }
    return true;
}
