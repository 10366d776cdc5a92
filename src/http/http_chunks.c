/* SPDX-License-Identifier: MIT */
/*
 * Checks the framing of a chunked body, byte by byte except in the data. Must not know what the
 * body means, connections.
 */
#include "http/http_chunks.h"

#define DIGITS_MAX 16

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Bytes of an extension or a trailer. */
static bool is_text(uint8_t c)
{
    return (c >= ' ' && c != 0x7f) || c == '\t';
}

static enum http_chunks_state after_size(const struct http_chunks *c, uint8_t byte)
{
    if (c->digits == 0) {
        return HTTP_CHUNKS_BAD;
    }
    switch (byte) {
    case '\r':
        return HTTP_CHUNKS_SIZE_LF;
    case ';':
        return HTTP_CHUNKS_EXTENSION;
    default:
        return HTTP_CHUNKS_BAD;
    }
}

static enum http_chunks_state in_size(struct http_chunks *c, uint8_t byte)
{
    int digit = hex_digit(byte);
    if (digit < 0) {
        return after_size(c, byte);
    }
    if (c->digits == DIGITS_MAX) {
        return HTTP_CHUNKS_BAD;
    }
    c->digits++;
    c->left = c->left << 4 | (unsigned)digit;
    return HTTP_CHUNKS_SIZE;
}

static enum http_chunks_state in_extension(uint8_t byte)
{
    if (byte == '\r') {
        return HTTP_CHUNKS_SIZE_LF;
    }
    return is_text(byte) ? HTTP_CHUNKS_EXTENSION : HTTP_CHUNKS_BAD;
}

/* The line with the size of a chunk is complete. */
static enum http_chunks_state end_size(struct http_chunks *c, const struct http_limits *limits)
{
    uint64_t paid = c->left > INT32_MAX ? INT32_MAX : c->left;
    c->excess += (int64_t)c->line - 16 - 2 * (int64_t)paid;
    c->excess = c->excess < 0 ? 0 : c->excess;
    if (c->excess > (int64_t)limits->chunk_excess) {
        return HTTP_CHUNKS_BAD;
    }
    c->line = 0;
    c->digits = 0;
    return c->left > 0 ? HTTP_CHUNKS_DATA : HTTP_CHUNKS_TRAILER;
}

static enum http_chunks_state expect(uint8_t byte, uint8_t wanted, enum http_chunks_state then)
{
    return byte == wanted ? then : HTTP_CHUNKS_BAD;
}

static enum http_chunks_state in_trailer(struct http_chunks *c, const struct http_limits *limits,
                                         uint8_t byte)
{
    if (c->line > limits->trailer || (!is_text(byte) && byte != '\r')) {
        return HTTP_CHUNKS_BAD;
    }
    bool begins = c->state == HTTP_CHUNKS_TRAILER;
    if (byte == '\r') {
        return begins ? HTTP_CHUNKS_LAST_LF : HTTP_CHUNKS_TRAILER_LF;
    }
    bool is_bad = begins && (byte == ' ' || byte == '\t' || byte == ':');
    return is_bad ? HTTP_CHUNKS_BAD : HTTP_CHUNKS_TRAILER_LINE;
}

static enum http_chunks_state next_state(struct http_chunks *c, const struct http_limits *limits,
                                         uint8_t byte)
{
    switch (c->state) {
    case HTTP_CHUNKS_SIZE:
        return in_size(c, byte);
    case HTTP_CHUNKS_EXTENSION:
        return in_extension(byte);
    case HTTP_CHUNKS_SIZE_LF:
        return byte == '\n' ? end_size(c, limits) : HTTP_CHUNKS_BAD;
    case HTTP_CHUNKS_DATA_CR:
        return expect(byte, '\r', HTTP_CHUNKS_DATA_LF);
    case HTTP_CHUNKS_DATA_LF:
        return expect(byte, '\n', HTTP_CHUNKS_SIZE);
    case HTTP_CHUNKS_TRAILER:
    case HTTP_CHUNKS_TRAILER_LINE:
        return in_trailer(c, limits, byte);
    case HTTP_CHUNKS_TRAILER_LF:
        return expect(byte, '\n', HTTP_CHUNKS_TRAILER);
    case HTTP_CHUNKS_LAST_LF:
        return expect(byte, '\n', HTTP_CHUNKS_WHOLE);
    default:
        return c->state;
    }
}

/* Counts the bytes of lines. The two bytes that end a chunk's data belong to no line. */
static void count(struct http_chunks *c, const struct http_limits *limits)
{
    if (c->state != HTTP_CHUNKS_DATA_CR && c->state != HTTP_CHUNKS_DATA_LF) {
        c->line++;
    }
    if (c->state <= HTTP_CHUNKS_SIZE_LF && c->line > limits->chunk_line) {
        c->state = HTTP_CHUNKS_BAD;
    }
}

static size_t take_data(struct http_chunks *c, struct span in)
{
    size_t n = c->left < in.n ? (size_t)c->left : in.n;
    c->left -= n;
    if (c->left == 0) {
        c->state = HTTP_CHUNKS_DATA_CR;
    }
    return n;
}

size_t http_chunks_take(struct http_chunks *c, const struct http_limits *limits, struct span in)
{
    size_t at = 0;
    if (c->state == HTTP_CHUNKS_DATA) {
        return take_data(c, in);
    }
    while (at < in.n && c->state != HTTP_CHUNKS_DATA && c->state < HTTP_CHUNKS_WHOLE) {
        count(c, limits);
        c->state = next_state(c, limits, in.p[at]);
        at += c->state != HTTP_CHUNKS_BAD;
    }
    return at;
}
