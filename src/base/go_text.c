/* SPDX-License-Identifier: MIT */
/* Writes numbers, times and columns as Go does. Must not know: what the numbers mean. */
#include "base/go_text.h"

#include <stdbool.h>

#include "base/text.h"

#define SECOND UINT64_C(1000000000)
#define DAY 86400
#define FRACTION_BITS 52 /* of the significand of a double */

/* --- columns ---------------------------------------------------------------------------------- */

static void append_repeated(struct buf *out, char c, size_t n)
{
    for (; n > 0; n--) {
        buf_append(out, span_make(&c, 1));
    }
}

/* Returns how many characters of UTF-8 a text has. */
static size_t count_characters(struct span text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        n += (text.p[i] & 0xc0) != 0x80;
    }
    return n;
}

void go_text_padded(struct buf *out, struct span text, size_t width)
{
    size_t n = count_characters(text);
    buf_append(out, text);
    append_repeated(out, ' ', n < width ? width - n : 0);
}

void go_text_padded_number(struct buf *out, int64_t number, size_t width)
{
    char digits[TEXT_DECIMAL_MAX];
    go_text_padded(out, text_decimal(digits, number), width);
}

/* --- times ------------------------------------------------------------------------------------ */

/* Appends a number with leading zeros. */
static void append_digits(struct buf *out, uint64_t number, size_t width)
{
    char digits[TEXT_DECIMAL_MAX];
    struct span text = text_decimal(digits, (int64_t)number);
    append_repeated(out, '0', text.n < width ? width - text.n : 0);
    buf_append(out, text);
}

/* Appends number / 10^digits, without zeros at the end of the fraction. */
static void append_fraction(struct buf *out, uint64_t number, size_t digits)
{
    uint64_t scale = 1;
    for (size_t i = 0; i < digits; i++) {
        scale *= 10;
    }
    text_append_unsigned(out, number / scale);
    uint64_t rest = number % scale;
    if (rest == 0) {
        return;
    }
    for (; rest % 10 == 0; rest /= 10) {
        digits--;
    }
    text_append(out, ".");
    append_digits(out, rest, digits);
}

static void append_below_second(struct buf *out, uint64_t ns)
{
    if (ns < 1000) {
        text_append_unsigned(out, ns);
        text_append(out, "ns");
    } else if (ns < 1000000) {
        append_fraction(out, ns, 3);
        text_append(out, "\xc2\xb5s"); /* the sign for micro */
    } else {
        append_fraction(out, ns, 6);
        text_append(out, "ms");
    }
}

void go_text_duration(struct buf *out, int64_t ns)
{
    uint64_t left = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
    if (ns < 0) {
        text_append(out, "-");
    }
    if (left > 0 && left < SECOND) {
        append_below_second(out, left);
        return;
    }
    uint64_t minutes = left / (60 * SECOND);
    if (minutes >= 60) {
        text_append_unsigned(out, minutes / 60);
        text_append(out, "h");
    }
    if (minutes > 0) {
        text_append_unsigned(out, minutes % 60);
        text_append(out, "m");
    }
    append_fraction(out, left % (60 * SECOND), 9);
    text_append(out, "s");
}

/* Appends the date of a day. Day 0 is 1 March of the year 0, so that a leap day is the last day of
 * a year of this calendar. */
static void append_date(struct buf *out, int64_t day)
{
    int64_t era = day / 146097; /* days of 400 years */
    int64_t of_era = day % 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153; /* 0 is March */
    int64_t of_month = of_year - (153 * month + 2) / 5 + 1;
    append_digits(out, (uint64_t)(era * 400 + year + (month >= 10 ? 1 : 0)), 4);
    text_append(out, "-");
    append_digits(out, (uint64_t)(month >= 10 ? month - 9 : month + 3), 2);
    text_append(out, "-");
    append_digits(out, (uint64_t)of_month, 2);
}

static void append_clock(struct buf *out, int64_t seconds, bool with_seconds)
{
    append_digits(out, (uint64_t)(seconds / 3600), 2);
    text_append(out, ":");
    append_digits(out, (uint64_t)(seconds / 60 % 60), 2);
    if (with_seconds) {
        text_append(out, ":");
        append_digits(out, (uint64_t)(seconds % 60), 2);
    }
}

void go_text_rfc3339(struct buf *out, int64_t seconds, int32_t zone)
{
    int64_t local = seconds + zone + INT64_C(719468) * DAY; /* since 1 March of the year 0 */
    append_date(out, local / DAY);
    text_append(out, "T");
    append_clock(out, local % DAY, true);
    if (zone == 0) {
        text_append(out, "Z");
        return;
    }
    buf_append(out, zone < 0 ? SPAN("-") : SPAN("+"));
    append_clock(out, zone < 0 ? -(int64_t)zone : zone, false);
}

/* --- doubles ---------------------------------------------------------------------------------- */

/* Returns the nearest number to v with zeros in place of its last digits, `scale` is a power of
 * ten. */
static uint64_t rounded(uint64_t v, uint64_t scale)
{
    uint64_t down = v - v % scale;
    return v % scale > scale / 2 ? down + scale : down;
}

void go_text_whole(struct buf *out, double number)
{
    double size = number < 0 ? -number : number;
    uint64_t v = (uint64_t)size;
    /* Only a number of 2^53 or more can have a shorter text than itself. */
    for (uint64_t scale = 1000; scale > 1 && v >= UINT64_C(1) << 53; scale /= 10) {
        if ((double)rounded(v, scale) == size) {
            v = rounded(v, scale);
            break;
        }
    }
    if (number < 0) {
        text_append(out, "-");
    }
    text_append_unsigned(out, v);
}

/* Appends a number with one decimal, as %.1f does. It is at least 1, so that its fraction has no
 * more than FRACTION_BITS bits. A tie goes to the even digit. */
static void append_one_decimal(struct buf *out, double number)
{
    uint64_t whole = (uint64_t)number;
    uint64_t one = UINT64_C(1) << FRACTION_BITS;
    uint64_t tenths = (uint64_t)((number - (double)whole) * (double)one) * 10;
    uint64_t digit = tenths / one;
    uint64_t rest = tenths % one;
    digit += rest > one / 2 || (rest == one / 2 && digit % 2 == 1) ? 1 : 0;
    text_append_unsigned(out, digit == 10 ? whole + 1 : whole);
    text_append(out, ".");
    text_append_unsigned(out, digit % 10);
}

void go_text_latency(struct buf *out, double ns)
{
    static const struct {
        double above;
        const char *unit;
    } units[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "us"}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (ns > units[i].above) {
            append_one_decimal(out, ns / units[i].above);
            buf_append(out, text_span(units[i].unit));
            return;
        }
    }
    text_append_decimal(out, (int64_t)ns);
    text_append(out, ".0ns");
}
