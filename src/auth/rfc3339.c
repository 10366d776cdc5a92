/* SPDX-License-Identifier: MIT */
/*
 * Checks a time by RFC 3339, digit by digit, with the limits of Go's parser. Must not know what the
 * time is for.
 */
#include "auth/rfc3339.h"

#define SIZE_MIN 20 /* "2006-01-02T15:04:05Z" */

static bool are_digits(struct span s, size_t at, size_t n)
{
    for (size_t i = at; i < at + n; i++) {
        if (i >= s.n || s.p[i] < '0' || s.p[i] > '9') {
            return false;
        }
    }
    return true;
}

static unsigned two_digits(struct span s, size_t at)
{
    return (unsigned)(s.p[at] - '0') * 10 + (unsigned)(s.p[at + 1] - '0');
}

static bool is_day(unsigned year, unsigned month, unsigned day)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month >= 1 && month <= 12 && day >= 1 &&
           day <= days[month - 1] + (month == 2 && leap ? 1U : 0U);
}

/* "Z" or "+01:00". Go takes 24 hours and 60 minutes too. */
static bool is_zone(struct span s)
{
    if (span_equal(s, SPAN("Z"))) {
        return true;
    }
    return s.n == 6 && (s.p[0] == '+' || s.p[0] == '-') && s.p[3] == ':' && are_digits(s, 1, 2) &&
           are_digits(s, 4, 2) && two_digits(s, 1) <= 24 && two_digits(s, 4) <= 60;
}

bool rfc3339_is_time(struct span s)
{
    static const char layout[] = "dddd-dd-ddTdd:dd:dd";
    if (s.n < SIZE_MIN) {
        return false;
    }
    for (size_t i = 0; layout[i] != '\0'; i++) {
        if (layout[i] == 'd' ? !are_digits(s, i, 1) : s.p[i] != (uint8_t)layout[i]) {
            return false;
        }
    }
    unsigned year = two_digits(s, 0) * 100 + two_digits(s, 2);
    if (!is_day(year, two_digits(s, 5), two_digits(s, 8)) || two_digits(s, 11) > 23 ||
        two_digits(s, 14) > 59 || two_digits(s, 17) > 59) {
        return false;
    }
    struct span rest = span_skip(s, sizeof layout - 1);
    size_t fraction = 0;
    if (rest.p[0] == '.' || rest.p[0] == ',') {
        for (fraction = 1; are_digits(rest, fraction, 1); fraction++) {
        }
    }
    return fraction != 1 && is_zone(span_skip(rest, fraction));
}
