/* SPDX-License-Identifier: MIT */
/*
 * Splits a head into lines, looks for the two headers that frame a body, and decodes the body. Must
 * not know src/http.
 */
#include "http_framing.h"

#include <ctype.h>
#include <strings.h>

#define SKIPPED 4
#define DIGITS_MAX 16

/* What the headers say about the body. */
struct frame {
    bool has_length;
    bool chunked;
    bool unclear; /* two readers may understand the head differently */
    uint64_t length;
};

/* Returns the line at offset `at`, and moves behind its CR LF. A CR or LF that stands alone is a
 * part of no line. Returns false if the line is not complete or has one. */
static bool next_line(struct span in, size_t *at, struct span *line)
{
    for (size_t i = *at; i < in.n; i++) {
        if (in.p[i] == '\n') {
            return false;
        }
        if (in.p[i] == '\r') {
            if (i + 1 == in.n || in.p[i + 1] != '\n') {
                return false;
            }
            *line = span_make(in.p + *at, i - *at);
            *at = i + 2;
            return true;
        }
    }
    return false;
}

static bool is_word(struct span s, const char *word)
{
    return s.n == strlen(word) && strncasecmp((const char *)s.p, word, s.n) == 0;
}

static struct span trimmed(struct span s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) {
        s = span_skip(s, 1);
    }
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t')) {
        s.n--;
    }
    return s;
}

static void take_length(struct frame *f, struct span value)
{
    uint64_t length = 0;
    f->unclear = f->unclear || value.n == 0;
    for (size_t i = 0; i < value.n; i++) {
        f->unclear = f->unclear || !isdigit(value.p[i]) || length > INT64_MAX / 10;
        length = length * 10 + (uint64_t)(value.p[i] - '0');
    }
    f->unclear = f->unclear || length > INT64_MAX || (f->has_length && length != f->length);
    f->has_length = true;
    f->length = length;
}

static void take_header(struct frame *f, struct span line)
{
    size_t n = 0;
    while (n < line.n && line.p[n] != ':') {
        f->unclear = f->unclear || isspace(line.p[n]) || line.p[n] < ' ';
        n++;
    }
    struct span value = trimmed(span_skip(line, n < line.n ? n + 1 : n));
    f->unclear = f->unclear || n == 0 || n == line.n;
    if (is_word(span_first(line, n), "content-length")) {
        take_length(f, value);
    } else if (is_word(span_first(line, n), "transfer-encoding")) {
        f->unclear = f->unclear || f->chunked || !is_word(value, "chunked");
        f->chunked = true;
    }
}

/* Splits "METHOD TARGET HTTP/1.x". */
static bool request_line(struct http_framing *framing, struct span line, bool *is_old)
{
    const uint8_t *first = line.n == 0 ? NULL : memchr(line.p, ' ', line.n);
    if (first == NULL || line.n < 10 || memcmp(line.p + line.n - 9, " HTTP/1.", 8) != 0) {
        return false;
    }
    framing->method = span_make(line.p, (size_t)(first - line.p));
    const uint8_t *last = line.p + line.n - 9;
    if (first >= last) {
        return false;
    }
    framing->target = span_make(first + 1, (size_t)(last - first) - 1);
    *is_old = line.p[line.n - 1] == '0';
    return framing->target.n > 0 && memchr(framing->target.p, ' ', framing->target.n) == NULL;
}

/* Reads the number of a chunk's size. */
static bool chunk_size(struct span line, uint64_t *size)
{
    size_t n = 0;
    *size = 0;
    for (; n < line.n && isxdigit(line.p[n]); n++) {
        const int digit = isdigit(line.p[n]) ? line.p[n] - '0' : tolower(line.p[n]) - 'a' + 10;
        *size = *size << 4 | (unsigned)digit;
    }
    return n > 0 && n <= DIGITS_MAX && (n == line.n || line.p[n] == ';');
}

/* Reads a chunked body at offset `at`. Stops where it is not complete, or bad. */
static void read_chunks(struct http_framing *framing, struct span in, size_t at)
{
    struct span line;
    uint64_t size;
    while (next_line(in, &at, &line) && chunk_size(line, &size)) {
        if (size == 0) {
            while (next_line(in, &at, &line)) {
                if (line.n == 0) {
                    framing->whole = true;
                    framing->end = at;
                    return;
                }
            }
            return;
        }
        struct span data = span_skip(in, at);
        data = span_first(data, size < data.n ? (size_t)size : data.n);
        buf_append(&framing->body, data);
        at += data.n;
        if (data.n < size || !next_line(in, &at, &line) || line.n > 0) {
            return;
        }
    }
}

static void read_body(struct http_framing *framing, const struct frame *f, struct span in,
                      size_t at)
{
    if (f->chunked) {
        read_chunks(framing, in, at);
        return;
    }
    size_t there = in.n - at;
    size_t n = f->length < there ? (size_t)f->length : there;
    buf_append(&framing->body, span_make(in.p + at, n));
    framing->whole = n == f->length;
    framing->end = at + n;
}

bool http_framing_read(struct http_framing *framing, struct span in, size_t at, bool after_post)
{
    struct frame f = {.length = 0};
    struct span line;
    bool is_old;
    *framing = (struct http_framing){.end = 0};
    for (int i = 0; after_post && i < SKIPPED && at < in.n; i++) {
        at += in.p[at] == '\r' || in.p[at] == '\n';
    }
    if (!next_line(in, &at, &line) || !request_line(framing, line, &is_old)) {
        return false;
    }
    do {
        if (!next_line(in, &at, &line)) {
            return false;
        }
        if (line.n > 0) {
            take_header(&f, line);
        }
    } while (line.n > 0);
    if (f.unclear || (f.chunked && (f.has_length || is_old))) {
        return false;
    }
    read_body(framing, &f, in, at);
    return true;
}

void http_framing_free(struct http_framing *framing)
{
    buf_free(&framing->body);
}
