/* SPDX-License-Identifier: MIT */
/* A recursive descent parser for session files, as in tests/conformance/GRAMMAR.md; one function
 * for each of its rules. Must not know: whether the steps can be played (session_file_check.h). */
#include "conform/session_file.h"

#include "base/alloc.h"
#include "base/time.h"
#include "codec/tls.h"

/* --- memory ----------------------------------------------------------------------------------- */

/* All nodes of a file are in one chain, and are freed together. */
struct block {
    struct block *next;
    max_align_t bytes[];
};

static void *node(struct transcript *file, size_t n)
{
    struct block *block = alloc_zeroed(sizeof *block + n);
    block->next = file->memory;
    file->memory = block;
    return block->bytes;
}

void transcript_free(struct transcript *file)
{
    struct block *block = file->memory;
    while (block != NULL) {
        struct block *next = block->next;
        alloc_free(block);
        block = next;
    }
    buf_free(&file->bytes);
    *file = (struct transcript){0};
}

/* --- the reader ------------------------------------------------------------------------------- */

struct reader {
    struct transcript *file;
    struct transcript_error *error;
    struct span rest; /* of the file, after the current line */
    struct span line; /* the rest of the current line */
    size_t line_size; /* bytes of the whole line */
    unsigned number;  /* of the current line, from 1 */
    unsigned depth;   /* how many size{ } are open */
};

/* Reports what was expected at this place. Only the first report counts. Always returns false. */
static bool expected(struct reader *r, const char *what)
{
    if (r->error->expected == NULL) {
        r->error->line = r->number == 0 ? 1 : r->number;
        r->error->column = (unsigned)(r->line_size - r->line.n) + 1;
        r->error->expected = what;
    }
    return false;
}

/* Goes to the next line. Returns false at the end of the file. */
static bool next_line(struct reader *r)
{
    if (r->rest.n == 0) {
        return false;
    }
    const uint8_t *end = memchr(r->rest.p, '\n', r->rest.n);
    size_t n = end == NULL ? r->rest.n : (size_t)(end - r->rest.p);
    r->line = span_first(r->rest, n);
    r->line_size = n;
    r->number++;
    r->rest = span_skip(r->rest, end == NULL ? n : n + 1);
    return true;
}

static bool at(const struct reader *r, struct span word)
{
    return r->line.n >= word.n && span_equal(span_first(r->line, word.n), word);
}

/* Takes these bytes if the line goes on with them. */
static bool take(struct reader *r, struct span word)
{
    if (!at(r, word)) {
        return false;
    }
    r->line = span_skip(r->line, word.n);
    return true;
}

#define TAKE(r, literal) take((r), SPAN(literal))

static bool is_word_byte(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* One or more letters, digits and underscores. */
static bool take_word(struct reader *r, struct span *word, const char *what)
{
    size_t n = 0;
    while (n < r->line.n && is_word_byte(r->line.p[n])) {
        n++;
    }
    *word = span_first(r->line, n);
    r->line = span_skip(r->line, n);
    return n > 0 || expected(r, what);
}

/* A decimal number in canonical form: no leading zeros, and no "-0". */
static bool take_number(struct reader *r, int64_t *value)
{
    struct span before = r->line;
    bool negative = TAKE(r, "-");
    bool zero = r->line.n > 0 && r->line.p[0] == '0';
    uint64_t n = 0;
    size_t digits = 0;
    while (r->line.n > 0 && r->line.p[0] >= '0' && r->line.p[0] <= '9' && digits < 18) {
        n = n * 10 + (uint64_t)(r->line.p[0] - '0');
        r->line = span_skip(r->line, 1);
        digits++;
    }
    *value = negative ? -(int64_t)n : (int64_t)n;
    if (digits == 0 || (zero && (negative || digits > 1))) {
        r->line = before;
        return expected(r, "a decimal number");
    }
    return true;
}

/* A duration, for example "1500ms". There is no other unit. */
static bool take_duration(struct reader *r, int64_t *ns)
{
    int64_t ms;
    if (!take_number(r, &ms)) {
        return false;
    }
    if (ms <= 0 || ms > INT64_MAX / TIME_MS || !TAKE(r, "ms")) {
        return expected(r, "a duration such as 1500ms");
    }
    *ns = ms * TIME_MS;
    return true;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that an escape stands for; the backslash was taken. Each byte has one canonical
 * spelling, and other spellings are refused. */
static bool take_escape(struct reader *r, uint8_t *byte)
{
    static const char from[] = "nr\\\"";
    static const char to[] = "\n\r\\\"";
    const char *plain = r->line.n == 0 ? NULL : memchr(from, r->line.p[0], sizeof from - 1);
    if (plain != NULL) {
        *byte = (uint8_t)to[plain - from];
        r->line = span_skip(r->line, 1);
        return true;
    }
    if (r->line.n < 3 || r->line.p[0] != 'x' || hex_digit(r->line.p[1]) < 0 ||
        hex_digit(r->line.p[2]) < 0) {
        return expected(r, "\\n, \\r, \\\\, \\\" or \\xNN with two lower-case digits");
    }
    *byte = (uint8_t)(hex_digit(r->line.p[1]) << 4 | hex_digit(r->line.p[2]));
    if ((*byte >= ' ' && *byte < 0x7f) || *byte == '\n' || *byte == '\r') {
        return expected(r, "a byte that has no shorter spelling than \\xNN");
    }
    r->line = span_skip(r->line, 3);
    return true;
}

/* A string in double quotes. */
static bool take_string(struct reader *r, struct span *bytes)
{
    if (!TAKE(r, "\"")) {
        return expected(r, "a string in double quotes");
    }
    uint8_t *out = node(r->file, r->line.n + 1);
    size_t n = 0;
    while (!TAKE(r, "\"")) {
        if (r->line.n == 0) {
            return expected(r, "the closing quote");
        }
        if (TAKE(r, "\\")) {
            if (!take_escape(r, &out[n++])) {
                return false;
            }
        } else if (r->line.p[0] < ' ' || r->line.p[0] > '~') {
            return expected(r, "printable ASCII, or an escape");
        } else {
            out[n++] = r->line.p[0];
            r->line = span_skip(r->line, 1);
        }
    }
    *bytes = span_make(out, n);
    return true;
}

/* --- items ------------------------------------------------------------------------------------ */

static bool take_items(struct reader *r, struct item **items);

struct number_word {
    struct span word;
    enum item_kind kind;
    int64_t least;
    int64_t most;
};

static const struct number_word number_words[] = {
    {SPAN_LITERAL("u8("), ITEM_U8, 0, UINT8_MAX},
    {SPAN_LITERAL("u16("), ITEM_U16, 0, UINT16_MAX},
    {SPAN_LITERAL("i32("), ITEM_I32, INT32_MIN, INT32_MAX},
    {SPAN_LITERAL("i64("), ITEM_I64, -999999999999999999, 999999999999999999},
};

#define NUMBER_WORDS (sizeof number_words / sizeof number_words[0])

static bool take_number_item(struct reader *r, const struct number_word *w, struct item *item)
{
    item->kind = w->kind;
    if (!take_number(r, &item->number)) {
        return false;
    }
    if (item->number < w->least || item->number > w->most) {
        return expected(r, "a number that fits the size of the item");
    }
    return TAKE(r, ")") || expected(r, ")");
}

static bool take_fill(struct reader *r, struct item *item)
{
    item->kind = ITEM_FILL;
    if (!take_number(r, &item->number)) {
        return false;
    }
    if (item->number < 0 || item->number > TRANSCRIPT_VALUE_MAX) {
        return expected(r, "at most 8388608 bytes");
    }
    if (!TAKE(r, " ")) {
        return expected(r, "a space and a string");
    }
    if (!take_string(r, &item->bytes)) {
        return false;
    }
    if (item->bytes.n == 0) {
        return expected(r, "a string that is not empty");
    }
    return TAKE(r, ")") || expected(r, ")");
}

static bool take_size(struct reader *r, struct item *item)
{
    item->kind = ITEM_SIZE;
    if (++r->depth > TRANSCRIPT_DEPTH_MAX) {
        return expected(r, "at most 8 size{ } inside each other");
    }
    if (!take_items(r, &item->inside)) {
        return false;
    }
    r->depth--;
    return TAKE(r, "}") || expected(r, "}");
}

static bool take_item(struct reader *r, struct item *item)
{
    if (at(r, SPAN("\""))) {
        item->kind = ITEM_BYTES;
        return take_string(r, &item->bytes);
    }
    if (TAKE(r, "$")) {
        item->kind = ITEM_VAR;
        return take_word(r, &item->bytes, "the name of a value");
    }
    for (size_t i = 0; i < NUMBER_WORDS; i++) {
        if (take(r, number_words[i].word)) {
            return take_number_item(r, &number_words[i], item);
        }
    }
    if (TAKE(r, "fill(")) {
        return take_fill(r, item);
    }
    if (TAKE(r, "size{")) {
        return take_size(r, item);
    }
    return expected(r, "a string, $name, u8( u16( i32( i64( fill( or size{");
}

/* One or more items with single spaces between them. */
static bool take_items(struct reader *r, struct item **items)
{
    struct item **last = items;
    do {
        *last = node(r->file, sizeof **last);
        if (!take_item(r, *last)) {
            return false;
        }
        last = &(*last)->next;
    } while (!at(r, SPAN(" after ")) && !at(r, SPAN(" within ")) && TAKE(r, " "));
    return true;
}

/* --- steps ------------------------------------------------------------------------------------ */

static bool take_message(struct reader *r, struct step *step)
{
    step->kind = STEP_MESSAGE;
    if (!TAKE(r, "$") || !take_word(r, &step->var, "a name for the message id")) {
        return expected(r, "$ and a name for the message id");
    }
    if (!TAKE(r, " attempts ")) {
        return expected(r, "attempts");
    }
    step->attempts = -1;
    if (!TAKE(r, "*") && (!take_number(r, &step->attempts) || step->attempts < 0)) {
        return expected(r, "a number of attempts, or *");
    }
    if (TAKE(r, " at $") && !take_word(r, &step->at, "a name for the timestamp")) {
        return false;
    }
    return TAKE(r, " body ") ? take_items(r, &step->items) : expected(r, "body");
}

static bool take_error(struct reader *r, struct step *step)
{
    struct span word;
    struct span rest;
    step->kind = STEP_ERROR;
    if (!take_word(r, &word, "an error code")) {
        return false;
    }
    step->code = nsq_error_split(word, &rest);
    if (step->code == NSQ_E_NONE) {
        return expected(r, "an error code of the protocol");
    }
    return !TAKE(r, " ") || take_items(r, &step->items);
}

static bool take_response(struct reader *r, struct step *step)
{
    if (at(r, SPAN("{"))) {
        step->kind = STEP_JSON;
        step->text = r->line;
        r->line = span_skip(r->line, r->line.n);
        return true;
    }
    step->kind = STEP_RESPONSE;
    return take_items(r, &step->items);
}

/* What the server does; " < " was taken. */
static bool take_server(struct reader *r, struct step *step)
{
    if (TAKE(r, "response ")) {
        return take_response(r, step);
    }
    if (TAKE(r, "error ")) {
        return take_error(r, step);
    }
    if (TAKE(r, "message ")) {
        return take_message(r, step);
    }
    if (TAKE(r, "heartbeat")) {
        step->kind = STEP_HEARTBEAT;
        return true;
    }
    if (TAKE(r, "nothing")) {
        step->kind = STEP_NOTHING;
        return true;
    }
    if (TAKE(r, "no message")) {
        step->kind = STEP_NO_MESSAGE;
        return at(r, SPAN(" within ")) || expected(r, "within and a duration such as 1500ms");
    }
    if (TAKE(r, "end")) {
        step->kind = STEP_SERVER_END;
        step->end = TAKE(r, " fin") ? END_FIN : TAKE(r, " rst") ? END_RST : END_NONE;
        return true;
    }
    return expected(r, "response, error, message, heartbeat, nothing, no message or end");
}

/* What the client does; " > " was taken. */
static bool take_client(struct reader *r, struct step *step)
{
    step->raw = TAKE(r, "raw ");
    if (TAKE(r, "end")) {
        step->kind = STEP_CLIENT_END;
    } else if (!step->raw && TAKE(r, "close")) {
        step->kind = STEP_CLIENT_CLOSE;
    } else if (!step->raw && TAKE(r, "reset")) {
        step->kind = STEP_CLIENT_RESET;
    } else {
        step->kind = STEP_SEND;
        return take_items(r, &step->items);
    }
    return true;
}

/* The codec that is enabled; " upgrade " was taken. */
static bool take_upgrade(struct reader *r, struct step *step)
{
    step->kind = STEP_UPGRADE;
    if (TAKE(r, "tls")) {
        step->upgrade = UPGRADE_TLS;
        int64_t minor = 0;
        if (!TAKE(r, " 1.")) {
            return true;
        }
        if (!take_number(r, &minor) || minor < 0 || minor > 3) {
            return expected(r, "a TLS version from 1.0 to 1.3");
        }
        step->upgrade_number = TLS_1_0 + minor;
        return true;
    }
    if (TAKE(r, "snappy")) {
        step->upgrade = UPGRADE_SNAPPY;
        return true;
    }
    if (!TAKE(r, "deflate ")) {
        return expected(r, "tls, snappy, or deflate and a level");
    }
    step->upgrade = UPGRADE_DEFLATE;
    if (!take_number(r, &step->upgrade_number) || step->upgrade_number < 1 ||
        step->upgrade_number > 9) {
        return expected(r, "a deflate level from 1 to 9");
    }
    return true;
}

static bool take_actor_step(struct reader *r, struct step *step)
{
    if (!take_word(r, &step->actor, "the name of a connection, wait or any")) {
        return false;
    }
    if (TAKE(r, " connect")) {
        step->kind = STEP_CONNECT;
        return true;
    }
    if (TAKE(r, " upgrade ")) {
        return take_upgrade(r, step);
    }
    if (TAKE(r, " > ")) {
        return take_client(r, step);
    }
    if (!TAKE(r, " < ")) {
        return expected(r, "connect, upgrade, > or <");
    }
    if (!take_server(r, step)) {
        return false;
    }
    if (TAKE(r, " after ") && !take_duration(r, &step->after)) {
        return false;
    }
    return !TAKE(r, " within ") || take_duration(r, &step->within);
}

static bool take_steps(struct reader *r, struct step **steps, bool inside_any);

static bool take_step(struct reader *r, struct step *step)
{
    if (TAKE(r, "wait ")) {
        step->kind = STEP_WAIT;
        return take_duration(r, &step->after);
    }
    if (TAKE(r, "any {")) {
        step->kind = STEP_ANY;
        if (r->line.n > 0) {
            return expected(r, "the end of the line");
        }
        return take_steps(r, &step->inside, true);
    }
    return take_actor_step(r, step);
}

static bool may_stand_in_any(enum step_kind kind)
{
    return kind == STEP_COMMENT || (kind >= STEP_RESPONSE && kind <= STEP_HEARTBEAT) ||
           kind == STEP_SERVER_END;
}

/* Reads steps up to the end of the file, or up to the "}" that closes an "any". */
static bool take_steps(struct reader *r, struct step **steps, bool inside_any)
{
    struct step **last = steps;
    while (next_line(r)) {
        if (inside_any && r->line.n == 1 && TAKE(r, "}")) {
            return *steps != NULL || expected(r, "a step before }");
        }
        if (inside_any && r->line.n > 0 && (!TAKE(r, "    ") || r->line.n == 0)) {
            return expected(r, "four spaces and a step, or }");
        }
        struct step *step = node(r->file, sizeof *step);
        step->line = r->number;
        if (r->line.n == 0 || at(r, SPAN("#"))) {
            step->text = r->line;
            r->line = span_skip(r->line, r->line.n);
        } else if (!take_step(r, step)) {
            return false;
        }
        if (r->line.n > 0) {
            return expected(r, "the end of the line");
        }
        if (inside_any && !may_stand_in_any(step->kind)) {
            return expected(r, "a step of the server: in any { } nothing else may stand");
        }
        *last = step;
        last = &step->next;
    }
    return !inside_any || expected(r, "}");
}

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
            return expected(r, "words with single spaces between them");
        }
        *last = node(r->file, sizeof **last);
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
        return expected(r, "lower-case letters, digits, - . and one /");
    }
    return transcript_id_is_valid(r->file->id) || expected(r, "an id of the form area/slug");
}

bool transcript_upgrades(const struct transcript *file)
{
    const struct step *step = file->steps;
    while (step != NULL && step->kind != STEP_UPGRADE) {
        step = step->next;
    }
    return step != NULL;
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
    return expected(r, "MUST, SHOULD, QUIRK or DEPARTURE");
}

/* The rest of the line, which must not be empty. */
static bool take_text(struct reader *r, struct span *text)
{
    *text = r->line;
    r->line = span_skip(r->line, r->line.n);
    return text->n > 0 || expected(r, "some text");
}

enum header_key {
    KEY_ID,
    KEY_TITLE,
    KEY_REQ,
    KEY_LEVEL,
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
        return take_text(r, &r->file->title);
    case KEY_REQ:
        return take_words(r, &r->file->reqs);
    case KEY_LEVEL:
        return take_level(r);
    case KEY_NEEDS:
        return take_words(r, &r->file->needs);
    case KEY_FLAGS:
        return take_text(r, &r->file->flags);
    case KEY_ORDER:
        r->file->partial_order = TAKE(r, "partial");
        return (r->file->partial_order && r->line.n == 0) || expected(r, "partial");
    case KEY_EFFECT:
        return take_text(r, &r->file->effect);
    default:
        return take_text(r, &r->file->source);
    }
}

static bool take_header(struct reader *r)
{
    bool fresh = false; /* the current line was not used yet */
    for (int key = 0; key < KEYS; key++) {
        if (!fresh && !next_line(r)) {
            return expected(r, "a header");
        }
        fresh = !take(r, header[key].word);
        if (fresh && header[key].needed) {
            return expected(r, header[key].expected);
        }
        if (!fresh && !take_value(r, (enum header_key)key)) {
            return false;
        }
    }
    if (!next_line(r) || r->line.n > 0) {
        return expected(r, "an empty line behind the header");
    }
    return true;
}

/* Whether all lines are printable ASCII; the reader is at the end of the file then. */
static bool all_printable(struct reader *r)
{
    while (next_line(r)) {
        for (; r->line.n > 0; r->line = span_skip(r->line, 1)) {
            if (r->line.p[0] < ' ' || r->line.p[0] > '~') {
                return expected(r, "printable ASCII");
            }
        }
    }
    return true;
}

bool transcript_parse(struct transcript *file, struct span bytes, struct transcript_error *error)
{
    *file = (struct transcript){0};
    *error = (struct transcript_error){0};
    buf_append(&file->bytes, bytes);
    struct reader r = {.file = file, .error = error, .rest = buf_span(&file->bytes)};
    struct reader scan = r;
    bool ok = bytes.n <= TRANSCRIPT_SIZE_MAX || expected(&r, "at most 1 MiB");
    ok = ok && all_printable(&scan);
    ok = ok && take_header(&r) && take_steps(&r, &file->steps, false);
    if (ok && bytes.p[bytes.n - 1] != '\n') {
        ok = expected(&r, "a newline at the end of the file");
    }
    if (!ok) {
        transcript_free(file);
    }
    return ok;
}
