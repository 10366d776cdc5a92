/* SPDX-License-Identifier: MIT */
/* The words of a line, and the memory of what is read. Must not know: steps. */
#include "conform/session_file_reader.h"

#include "base/alloc.h"
#include "base/time.h"

/* --- memory ----------------------------------------------------------------------------------- */

/* All nodes of a file are in one chain, and are freed together. */
struct block {
    struct block *next;
    max_align_t bytes[];
};

void *reader_node(struct transcript *file, size_t n)
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

/* Reports what was expected at this place. Only the first report counts. Always returns false. */
bool reader_expected(struct reader *r, const char *what)
{
    if (r->error->expected == NULL) {
        r->error->line = r->number == 0 ? 1 : r->number;
        r->error->column = (unsigned)(r->line_size - r->line.n) + 1;
        r->error->expected = what;
    }
    return false;
}

/* Goes to the next line. Returns false at the end of the file. */
bool reader_next_line(struct reader *r)
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

bool reader_at(const struct reader *r, struct span word)
{
    return r->line.n >= word.n && span_equal(span_first(r->line, word.n), word);
}

/* Takes these bytes if the line goes on with them. */
bool reader_take(struct reader *r, struct span word)
{
    if (!reader_at(r, word)) {
        return false;
    }
    r->line = span_skip(r->line, word.n);
    return true;
}

static bool is_word_byte(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* One or more letters, digits and underscores. */
bool reader_take_word(struct reader *r, struct span *word, const char *what)
{
    size_t n = 0;
    while (n < r->line.n && is_word_byte(r->line.p[n])) {
        n++;
    }
    *word = span_first(r->line, n);
    r->line = span_skip(r->line, n);
    return n > 0 || reader_expected(r, what);
}

bool reader_take_text(struct reader *r, struct span *text)
{
    *text = r->line;
    r->line = span_skip(r->line, r->line.n);
    return text->n > 0 || reader_expected(r, "some text");
}

/* A decimal number in canonical form: no leading zeros, and no "-0". */
bool reader_take_number(struct reader *r, int64_t *value)
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
        return reader_expected(r, "a decimal number");
    }
    return true;
}

/* A duration, for example "1500ms". There is no other unit. */
bool reader_take_duration(struct reader *r, int64_t *ns)
{
    int64_t ms;
    if (!reader_take_number(r, &ms)) {
        return false;
    }
    if (ms <= 0 || ms > TRANSCRIPT_DURATION_MAX / TIME_MS || !TAKE(r, "ms")) {
        return reader_expected(r, "a duration such as 1500ms, and at most an hour");
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
        return reader_expected(r, "\\n, \\r, \\\\, \\\" or \\xNN with two lower-case digits");
    }
    *byte = (uint8_t)(hex_digit(r->line.p[1]) << 4 | hex_digit(r->line.p[2]));
    if ((*byte >= ' ' && *byte < 0x7f) || *byte == '\n' || *byte == '\r') {
        return reader_expected(r, "a byte that has no shorter spelling than \\xNN");
    }
    r->line = span_skip(r->line, 3);
    return true;
}

/* A string in double quotes. */
bool reader_take_string(struct reader *r, struct span *bytes)
{
    if (!TAKE(r, "\"")) {
        return reader_expected(r, "a string in double quotes");
    }
    uint8_t *out = reader_node(r->file, r->line.n + 1);
    size_t n = 0;
    while (!TAKE(r, "\"")) {
        if (r->line.n == 0) {
            return reader_expected(r, "the closing quote");
        }
        if (TAKE(r, "\\")) {
            if (!take_escape(r, &out[n++])) {
                return false;
            }
        } else if (r->line.p[0] < ' ' || r->line.p[0] > '~') {
            return reader_expected(r, "printable ASCII, or an escape");
        } else {
            out[n++] = r->line.p[0];
            r->line = span_skip(r->line, 1);
        }
    }
    *bytes = span_make(out, n);
    return true;
}
