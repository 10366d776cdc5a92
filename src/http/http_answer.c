/* SPDX-License-Identifier: MIT */
/*
 * Writes answers. Must not know routes, connections.
 */
#include "http/http_answer.h"

#include "base/text.h"
#include "base/time.h"

#define DAY_SECONDS 86400

/* --- the date --------------------------------------------------------------------------------- */

static void append_two(struct buf *out, int64_t v)
{
    const char digits[2] = {(char)('0' + v / 10 % 10), (char)('0' + v % 10)};
    buf_append(out, span_make(digits, sizeof digits));
}

struct date {
    int64_t year;
    int month; /* 0 .. 11 */
    int64_t day;
};

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Returns the date of a day that is counted from 1 January 1970. */
static struct date date_of(int64_t day)
{
    static const uint8_t lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    struct date d = {.year = 1970};
    while (day >= 365 + is_leap(d.year)) {
        day -= 365 + is_leap(d.year);
        d.year++;
    }
    while (day >= lengths[d.month] + (d.month == 1 && is_leap(d.year))) {
        day -= lengths[d.month] + (d.month == 1 && is_leap(d.year));
        d.month++;
    }
    d.day = day + 1;
    return d;
}

/* As "Sun, 29 Nov 2026 05:01:32 GMT". A time before 1970 is shown as 1970. The date is computed
 * once a request; the loop of date_of has one turn for each year since 1970. */
static void append_date(struct buf *out, int64_t wall)
{
    static const char days[] = "ThuFriSatSunMonTueWed"; /* 1 January 1970 was a Thursday */
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int64_t seconds = wall < 0 ? 0 : wall / TIME_SECOND;
    struct date d = date_of(seconds / DAY_SECONDS);
    int64_t rest = seconds % DAY_SECONDS;
    buf_append(out, span_make(&days[seconds / DAY_SECONDS % 7 * 3], 3));
    text_append(out, ", ");
    append_two(out, d.day);
    text_append(out, " ");
    buf_append(out, span_make(&months[d.month * 3], 3));
    text_append(out, " ");
    text_append_decimal(out, d.year);
    text_append(out, " ");
    append_two(out, rest / 3600);
    text_append(out, ":");
    append_two(out, rest / 60 % 60);
    text_append(out, ":");
    append_two(out, rest % 60);
    text_append(out, " GMT");
}

/* --- the head --------------------------------------------------------------------------------- */

struct span http_status_words(int status)
{
    static const struct {
        int status;
        struct span words;
    } rows[] = {
        {200, SPAN_LITERAL("OK")},
        {301, SPAN_LITERAL("Moved Permanently")},
        {307, SPAN_LITERAL("Temporary Redirect")},
        {400, SPAN_LITERAL("Bad Request")},
        {403, SPAN_LITERAL("Forbidden")},
        {404, SPAN_LITERAL("Not Found")},
        {405, SPAN_LITERAL("Method Not Allowed")},
        {413, SPAN_LITERAL("Request Entity Too Large")},
        {417, SPAN_LITERAL("Expectation Failed")},
        {500, SPAN_LITERAL("Internal Server Error")},
        {503, SPAN_LITERAL("Service Unavailable")},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].status == status) {
            return rows[i].words;
        }
    }
    return SPAN("");
}

static void append_connection(struct buf *out, const struct http_reply_to *to)
{
    if (to->keeps_alive && to->framing == HTTP_WITH_LENGTH && !to->closes) {
        text_append(out, "Connection: keep-alive\r\n");
    } else if (to->closes && to->minor > 0) {
        text_append(out, "Connection: close\r\n");
    }
    if (to->framing == HTTP_CHUNKED) {
        text_append(out, "Transfer-Encoding: chunked\r\n");
    }
}

void http_answer_append(struct buf *out, const struct http_answer *a,
                        const struct http_reply_to *to)
{
    buf_append(out, to->minor > 0 ? SPAN("HTTP/1.1 ") : SPAN("HTTP/1.0 "));
    text_append_decimal(out, a->status);
    text_append(out, " ");
    buf_append(out, http_status_words(a->status));
    text_append(out, "\r\n");
    buf_append(out, a->headers);
    text_append(out, "Date: ");
    append_date(out, to->wall);
    text_append(out, "\r\n");
    /* Go does not know the length of an empty body when the method is HEAD. */
    bool knows_length = !to->head_only || a->body.n > 0;
    if (to->framing == HTTP_WITH_LENGTH && !a->has_length && knows_length) {
        text_append(out, "Content-Length: ");
        text_append_unsigned(out, a->body.n);
        text_append(out, "\r\n");
    }
    if (a->sniffs && (a->body.n > 0 || to->framing != HTTP_WITH_LENGTH)) {
        text_append(out, "Content-Type: text/plain; charset=utf-8\r\n");
    }
    append_connection(out, to);
    text_append(out, "\r\n");
    if (to->framing == HTTP_WITH_LENGTH && !to->head_only) {
        buf_append(out, a->body);
    }
}

/* --- bodies ----------------------------------------------------------------------------------- */

void http_answer_append_chunk(struct buf *out, struct span piece)
{
    int shift = 60;
    while (shift > 0 && piece.n >> shift == 0) {
        shift -= 4;
    }
    for (; shift >= 0; shift -= 4) {
        buf_append(out, span_make(&"0123456789abcdef"[piece.n >> shift & 15], 1));
    }
    text_append(out, "\r\n");
    buf_append(out, piece);
    text_append(out, "\r\n");
}

void http_answer_append_html(struct buf *out, struct span text)
{
    for (size_t i = 0; i < text.n; i++) {
        switch (text.p[i]) {
        case '&':
            text_append(out, "&amp;");
            break;
        case '<':
            text_append(out, "&lt;");
            break;
        case '>':
            text_append(out, "&gt;");
            break;
        case '"':
            text_append(out, "&#34;");
            break;
        case '\'':
            text_append(out, "&#39;");
            break;
        default:
            buf_append(out, span_skip(span_first(text, i + 1), i));
        }
    }
}
