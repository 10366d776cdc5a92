/* SPDX-License-Identifier: MIT */
/*
 * Implements json/json.h. Uses yajl and corrects the points in which yajl differs from Go's
 * encoding/json. Must not know what a document means.
 */
#include "json/json.h"

#include "base/alloc.h"
#include "base/text.h"
#include "json/utf8.h"

/* Of a run of digits, yajl need not see more than this. A valid number with more digits in a row is
 * no int64, and what is invalid stays invalid. */
#define DIGITS_MOST 64

/* --- what yajl need not see ------------------------------------------------------------------- */

/* When yajl gets a string or number in pieces, it reads it again from its beginning with each
 * piece. With 5 MiB this takes seconds, and much memory. So the rest of a long one is left out. */

enum verdict { KEEP, DROP, BAD };

/* The place in the text, as far as it is needed to find strings and digits. */
struct shortener {
    enum { OUTSIDE, IN_STRING, IN_ESCAPE, IN_HEX } place;
    unsigned hex_left;  /* IN_HEX: how many digits of a \u escape are missing */
    size_t run;         /* characters of the string so far, or digits in a row so far. An escape is
                         * one character, and each character becomes at least one byte */
    size_t string_most; /* characters of a string after which the rest is left out */
};

static int hex(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static enum verdict judge_outside(struct shortener *s, uint8_t c)
{
    bool digit = c >= '0' && c <= '9';
    s->run = digit ? s->run + 1 : 0;
    s->place = c == '"' ? IN_STRING : OUTSIDE;
    return s->run > DIGITS_MOST ? DROP : KEEP;
}

/* An escape is kept or dropped as a whole. yajl does not see those that are dropped, so they are
 * checked here. */
static enum verdict judge_escape(struct shortener *s, uint8_t c)
{
    enum verdict verdict = s->run < s->string_most ? KEEP : DROP;
    bool last = s->place == IN_ESCAPE ? c != 'u' : s->hex_left == 1;
    bool good = s->place == IN_ESCAPE ? c != 0 && strchr("\"\\/bfnrtu", c) != NULL : hex(c) >= 0;
    s->hex_left = s->place == IN_ESCAPE ? 4 : s->hex_left - 1;
    s->place = last ? IN_STRING : IN_HEX;
    s->run += last ? 1 : 0;
    return good ? verdict : BAD;
}

static enum verdict judge_string(struct shortener *s, uint8_t c)
{
    if (c == '"') {
        s->place = OUTSIDE;
        s->run = 0;
        return KEEP;
    }
    enum verdict verdict = s->run < s->string_most ? KEEP : DROP;
    if (c == '\\') {
        s->place = IN_ESCAPE;
        return verdict;
    }
    s->run++;
    return c < ' ' ? KEEP : verdict; /* yajl refuses a control character */
}

/* Judges the next byte of the text. yajl treats a vertical tab and a form feed as white space, but
 * JSON allows them neither between tokens nor in strings. */
static enum verdict judge(struct shortener *s, uint8_t c)
{
    if (c == '\v' || c == '\f') {
        return BAD;
    }
    return s->place == OUTSIDE     ? judge_outside(s, c)
           : s->place == IN_STRING ? judge_string(s, c)
                                   : judge_escape(s, c);
}

/* --- the reader, with this project's allocator ------------------------------------------------ */

struct json_reader {
    yajl_handle parser;
    struct shortener shortener;
    size_t memory; /* bytes that yajl has allocated */
    bool over;     /* the document has ended; only white space may follow */
    bool bad;
};

/* In front of each block of yajl's memory is its size. The struct keeps the block aligned. */
struct block {
    _Alignas(max_align_t) size_t size;
};

static void count(struct json_reader *r, const struct block *b)
{
    r->memory += b->size + sizeof *b + ALLOC_OVERHEAD;
}

static void uncount(struct json_reader *r, const struct block *b)
{
    r->memory -= b->size + sizeof *b + ALLOC_OVERHEAD;
}

static void *take(void *ctx, size_t n)
{
    struct block *b = alloc_zeroed(sizeof *b + n);
    b->size = n;
    count(ctx, b);
    return b + 1;
}

static void give(void *ctx, void *p)
{
    if (p != NULL) {
        struct block *b = (struct block *)p - 1;
        uncount(ctx, b);
        alloc_free(b);
    }
}

static void *resize(void *ctx, void *p, size_t n)
{
    if (p == NULL) {
        return take(ctx, n);
    }
    struct block *b = (struct block *)p - 1;
    uncount(ctx, b);
    b = alloc_resize(b, sizeof *b + n);
    b->size = n;
    count(ctx, b);
    return b + 1;
}

struct json_reader *json_reader_new(const yajl_callbacks *callbacks, void *context,
                                    size_t text_most)
{
    struct json_reader *r = alloc_zeroed(sizeof *r);
    yajl_alloc_funcs memory = {.malloc = take, .realloc = resize, .free = give, .ctx = r};
    /* One more: two escapes may be one character. */
    r->shortener.string_most = text_most < SIZE_MAX ? text_most + 1 : SIZE_MAX;
    r->parser = yajl_alloc(callbacks, &memory, context);
    /* Go accepts invalid UTF-8 and replaces it. */
    yajl_config(r->parser, yajl_dont_validate_strings, 1);
    yajl_config(r->parser, yajl_allow_trailing_garbage, 1);
    return r;
}

/* Returns whether s is only white space. Nothing else may follow the document. yajl does not check
 * this reliably: if an incomplete token follows, yajl expects more input and reports no error. */
static bool is_blank(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != ' ' && s.p[i] != '\t' && s.p[i] != '\n' && s.p[i] != '\r') {
            return false;
        }
    }
    return true;
}

static void parse(struct json_reader *r, struct span text)
{
    if (!r->over && text.n > 0) {
        r->bad = yajl_parse(r->parser, text.p, text.n) != yajl_status_ok;
        size_t used = yajl_get_bytes_consumed(r->parser);
        r->over = used < text.n;
        text = span_skip(text, used);
        r->bad = r->bad || !is_blank(text);
    } else {
        r->bad = !is_blank(text);
    }
}

void json_reader_add(struct json_reader *r, struct span piece)
{
    size_t kept = 0; /* bytes at the start of `piece` that yajl must see and has not seen */
    while (!r->bad && kept < piece.n) {
        enum verdict verdict = judge(&r->shortener, piece.p[kept]);
        if (verdict == KEEP) {
            kept++;
            continue;
        }
        parse(r, span_first(piece, kept));
        r->bad = r->bad || verdict == BAD;
        piece = span_skip(piece, kept + 1);
        kept = 0;
    }
    if (!r->bad) {
        parse(r, piece);
    }
}

bool json_reader_end(struct json_reader *r)
{
    r->bad = r->bad || yajl_complete_parse(r->parser) != yajl_status_ok;
    return !r->bad;
}

size_t json_reader_memory(const struct json_reader *r)
{
    return sizeof *r + ALLOC_OVERHEAD + r->memory;
}

void json_reader_free(struct json_reader *r)
{
    if (r != NULL) {
        yajl_free(r->parser);
        alloc_free(r);
    }
}

bool json_read(struct span document, const yajl_callbacks *callbacks, void *context)
{
    struct json_reader *r = json_reader_new(callbacks, context, SIZE_MAX);
    json_reader_add(r, document);
    bool good = json_reader_end(r);
    json_reader_free(r);
    return good;
}

/* --- keys and numbers ------------------------------------------------------------------------- */

/* Removes the first character of a key and returns it in lower case. */
static uint8_t folded(struct span *key)
{
    uint8_t c = key->p[0];
    if (key->n >= 2 && memcmp(key->p, "\xc5\xbf", 2) == 0) { /* U+017F, long s */
        *key = span_skip(*key, 2);
        return 's';
    }
    *key = span_skip(*key, 1);
    return text_lower(c);
}

bool json_key_matches(struct span key, struct span name)
{
    for (size_t i = 0; i < name.n; i++) {
        if (key.n == 0 || folded(&key) != name.p[i]) {
            return false;
        }
    }
    return key.n == 0;
}

bool json_integer(struct span s, int64_t least, int64_t most_positive, int64_t *value)
{
    bool negative = s.n > 0 && s.p[0] == '-';
    uint64_t most = negative ? 0 - (uint64_t)least : (uint64_t)most_positive;
    uint64_t n = 0;
    for (s = span_skip(s, negative ? 1 : 0); s.n > 0; s = span_skip(s, 1)) {
        if (s.p[0] < '0' || s.p[0] > '9') {
            return false;
        }
        uint64_t digit = (uint64_t)(s.p[0] - '0');
        if (digit > most || n > (most - digit) / 10) {
            return false;
        }
        n = n * 10 + digit;
    }
    *value = (int64_t)(negative ? 0 - n : n);
    return true;
}

/* --- strings ---------------------------------------------------------------------------------- */

/* Returns the value of the escape "\uXXXX" at p, or -1 if no such escape begins there. */
static int escaped_unit(const uint8_t *p, size_t n)
{
    int value = 0;
    if (n < 6 || p[0] != '\\' || p[1] != 'u') {
        return -1;
    }
    for (int i = 2; i < 6; i++) {
        if (hex(p[i]) < 0) {
            return -1;
        }
        value = value * 16 + hex(p[i]);
    }
    return value;
}

/* Returns how many bytes the character or escape at p has. Two escapes that are a pair count as
 * one. Overwrites an escape that is one half of a pair without the other. */
static size_t mend_one(uint8_t *p, size_t n)
{
    int unit = escaped_unit(p, n);
    if (unit < 0) {
        return p[0] == '\\' && n > 1 ? 2 : 1;
    }
    int next = n > 6 ? escaped_unit(p + 6, n - 6) : -1;
    if (unit >= 0xD800 && unit < 0xDC00 && next >= 0xDC00 && next < 0xE000) {
        return 12;
    }
    if (unit >= 0xD800 && unit < 0xE000) {
        memcpy(p + 2, "fffd", 4);
    }
    return 6;
}

size_t json_mend_surrogates(uint8_t *p, size_t n, size_t most)
{
    size_t i = 0;
    while (i < n && i < most) {
        i += mend_one(p + i, n - i);
    }
    return i;
}

void json_append_valid(struct buf *out, struct span text)
{
    struct span bytes;
    while (text.n > 0) {
        bool valid = utf8_next(&text, &bytes);
        buf_append(out, valid ? bytes : SPAN("\xef\xbf\xbd"));
    }
}
