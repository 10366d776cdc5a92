/* SPDX-License-Identifier: MIT */
/*
 * Checks the lines of a request's head, and keeps what they say. Must not know routes, what a
 * request asks for, connections.
 */
#include "http/http_head.h"

#include "base/text.h"

#define VERSION_SIZE 8 /* bytes of "HTTP/1.1" */

/* --- kinds of bytes --------------------------------------------------------------------------- */

static bool is_alnum(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_one_of(uint8_t c, const char *set)
{
    return c != 0 && strchr(set, c) != NULL;
}

/* A byte of a method, or of the name of a header. */
static bool is_token(uint8_t c)
{
    return is_alnum(c) || is_one_of(c, "!#$%&'*+-.^_`|~");
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static bool is_control(uint8_t c)
{
    return c < ' ' || c == 0x7f;
}

static bool all_tokens(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!is_token(s.p[i])) {
            return false;
        }
    }
    return s.n > 0;
}

/* --- the request line ------------------------------------------------------------------------- */

/* Cuts `*rest` at the first space. Returns the part before it; the rest follows the space. When
 * there is no space, *found is set to false. */
static struct span cut(struct span *rest, bool *found)
{
    const uint8_t *space = rest->n == 0 ? NULL : memchr(rest->p, ' ', rest->n);
    if (space == NULL) {
        *found = false;
        return *rest;
    }
    struct span first = span_first(*rest, (size_t)(space - rest->p));
    *rest = span_skip(*rest, first.n + 1);
    return first;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool take_version(struct http_head *head, struct span version)
{
    if (version.n != VERSION_SIZE || !span_equal(span_first(version, 5), SPAN("HTTP/")) ||
        !is_digit(version.p[5]) || version.p[6] != '.' || !is_digit(version.p[7])) {
        return false;
    }
    head->major = (uint8_t)(version.p[5] - '0');
    head->minor = (uint8_t)(version.p[7] - '0');
    return true;
}

static bool has_control(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (is_control(s.p[i])) {
            return true;
        }
    }
    return false;
}

static enum http_refusal request_line(struct http_head *head, struct span line)
{
    bool found = true;
    struct span rest = line;
    struct span method = cut(&rest, &found);
    struct span target = found ? cut(&rest, &found) : rest;
    if (!found || !all_tokens(method) || !take_version(head, rest) || target.n == 0 ||
        has_control(target)) {
        return HTTP_BAD_REQUEST;
    }
    head->has_line = true;
    head->method_size = method.n;
    head->target_size = target.n;
    return HTTP_ACCEPTED;
}

/* --- headers ---------------------------------------------------------------------------------- */

static struct span trim(struct span s)
{
    while (s.n > 0 && is_blank(s.p[0])) {
        s = span_skip(s, 1);
    }
    while (s.n > 0 && is_blank(s.p[s.n - 1])) {
        s.n--;
    }
    return s;
}

/* Returns whether a list with commas contains a word. Upper and lower case are equal. */
static bool has_word(struct span list, struct span word)
{
    while (list.n > 0) {
        const uint8_t *comma = memchr(list.p, ',', list.n);
        size_t n = comma == NULL ? list.n : (size_t)(comma - list.p);
        if (text_equal_any_case(trim(span_first(list, n)), word)) {
            return true;
        }
        list = span_skip(list, comma == NULL ? n : n + 1);
    }
    return false;
}

/* Reads digits. Returns false if there are none, or if the number is above 2^63 - 1. */
static bool parse_length(struct span digits, uint64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < digits.n; i++) {
        unsigned digit = (unsigned)digits.p[i] - '0';
        if (digit > 9 || *value > ((uint64_t)INT64_MAX - digit) / 10) {
            return false;
        }
        *value = *value * 10 + digit;
    }
    return digits.n > 0;
}

static void take_length(struct http_head *head, struct span value)
{
    uint64_t length;
    if (!parse_length(value, &length) || (head->has_length && length != head->length)) {
        head->bad_length = true;
    }
    head->has_length = true;
    head->length = length;
}

static void take_host(struct http_head *head, struct span value)
{
    head->hosts++;
    for (size_t i = 0; i < value.n; i++) {
        if (!is_alnum(value.p[i]) && !is_one_of(value.p[i], "!$%&'()*+,-.:;=[]_~")) {
            head->bad_host = true;
        }
    }
}

static bool ends_word(struct span s, size_t at)
{
    return at >= s.n || is_blank(s.p[at]) || s.p[at] == ',';
}

/* Returns whether a text contains a word between blanks and commas. Upper and lower case are equal.
 * For some headers Go looks for a word in this way. */
static bool contains_word(struct span text, struct span word)
{
    for (size_t i = 0; i + word.n <= text.n; i++) {
        bool begins = i == 0 || ends_word(text, i - 1);
        if (begins && ends_word(text, i + word.n) &&
            text_equal_any_case(span_first(span_skip(text, i), word.n), word)) {
            return true;
        }
    }
    return false;
}

/* As in Go, only the first Connection header can ask to keep a connection of HTTP/1.0. */
static void take_connection(struct http_head *head, struct span value)
{
    bool is_first = !head->has_connection;
    head->has_connection = true;
    head->wants_close = head->wants_close || has_word(value, SPAN("close")) ||
                        (is_first && contains_word(value, SPAN("close")));
    head->wants_keep = head->wants_keep || (is_first && contains_word(value, SPAN("keep-alive")));
}

static void take_header(struct http_head *head, struct span name, struct span value)
{
    if (text_equal_any_case(name, SPAN("host"))) {
        take_host(head, value);
    } else if (text_equal_any_case(name, SPAN("content-length"))) {
        take_length(head, value);
    } else if (text_equal_any_case(name, SPAN("transfer-encoding"))) {
        head->encodings++;
        head->chunked = text_equal_any_case(value, SPAN("chunked"));
        head->bad_encoding = head->bad_encoding || !head->chunked || head->encodings > 1;
    } else if (text_equal_any_case(name, SPAN("connection"))) {
        take_connection(head, value);
    } else if (text_equal_any_case(name, SPAN("expect")) && !head->has_expect) {
        head->has_expect = value.n > 0;
        head->expects = contains_word(value, SPAN("100-continue"));
    }
}

/* A name with a space is refused only when nothing else is wrong, as in Go. It is no header that
 * counts. */
static enum http_refusal check_name(struct http_head *head, struct span name)
{
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == ' ') {
            head->bad_name = true;
        } else if (!is_token(name.p[i])) {
            return HTTP_BAD_REQUEST;
        }
    }
    return name.n > 0 ? HTTP_ACCEPTED : HTTP_BAD_REQUEST;
}

/* A line that begins with a blank continues the header before it. Go accepts such lines, llhttp
 * and RFC 9112 do not. */
static enum http_refusal header_line(struct http_head *head, struct span line)
{
    const uint8_t *colon = memchr(line.p, ':', line.n);
    if (colon == NULL || is_blank(line.p[0])) {
        return HTTP_BAD_REQUEST;
    }
    struct span name = span_first(line, (size_t)(colon - line.p));
    struct span value = span_skip(line, name.n + 1);
    if (check_name(head, name) != HTTP_ACCEPTED) {
        return HTTP_BAD_REQUEST;
    }
    for (size_t i = 0; i < value.n; i++) {
        if (is_control(value.p[i]) && value.p[i] != '\t') {
            return HTTP_BAD_REQUEST;
        }
    }
    take_header(head, name, trim(value));
    return HTTP_ACCEPTED;
}

/* --- the head --------------------------------------------------------------------------------- */

enum http_refusal http_head_line(struct http_head *head, struct span line)
{
    return head->has_line ? header_line(head, line) : request_line(head, line);
}

/* Returns whether the head frames its body in a way that another reader may understand
 * differently. Go accepts the first two: it prefers the encoding to the length, and ignores an
 * encoding of HTTP/1.0. */
static bool is_ambiguous(const struct http_head *head)
{
    return (head->has_length && head->encodings > 0) ||
           (head->encodings > 0 && head->major == 1 && head->minor == 0) || head->bad_length;
}

enum http_refusal http_head_end(const struct http_head *head)
{
    if (head->hosts > 1) {
        return HTTP_BAD_REQUEST;
    }
    if (head->bad_encoding && (head->major > 1 || (head->major == 1 && head->minor > 0))) {
        return HTTP_BAD_ENCODING;
    }
    if (is_ambiguous(head)) {
        return HTTP_BAD_REQUEST;
    }
    if (head->major != 1) {
        return HTTP_BAD_VERSION;
    }
    if (head->hosts == 0 && head->minor > 0) {
        return HTTP_NO_HOST;
    }
    if (head->bad_host) {
        return HTTP_BAD_HOST;
    }
    return head->bad_name ? HTTP_BAD_NAME : HTTP_ACCEPTED;
}

/* --- refusals --------------------------------------------------------------------------------- */

#define HEADERS "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
#define REFUSAL(text) SPAN_LITERAL("HTTP/1.1 " text HEADERS text)

struct span http_refusal_text(enum http_refusal refusal)
{
    static const struct span texts[HTTP_REFUSALS] = {
        [HTTP_BAD_REQUEST] = REFUSAL("400 Bad Request"),
        [HTTP_NO_HOST] = REFUSAL("400 Bad Request: missing required Host header"),
        [HTTP_BAD_HOST] = REFUSAL("400 Bad Request: malformed Host header"),
        [HTTP_BAD_NAME] = REFUSAL("400 Bad Request: invalid header name"),
        [HTTP_TOO_LARGE] = REFUSAL("431 Request Header Fields Too Large"),
        [HTTP_BAD_ENCODING] =
            SPAN_LITERAL("HTTP/1.1 501 Not Implemented" HEADERS "Unsupported transfer encoding"),
        [HTTP_BAD_VERSION] =
            REFUSAL("505 HTTP Version Not Supported: unsupported protocol version"),
    };
    return texts[refusal];
}
