/* SPDX-License-Identifier: MIT */
/*
 * Go's number syntax. Integers and floats have the same rule for underscores: an underscore may be
 * between two digits, or between a base prefix and a digit. Must not know flags.
 */
#include "program/gonum.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Returns the lower-case letter. For ASCII only; independent of the locale. */
static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Returns the value of a digit of any base up to 36, or 36 when c is no digit. */
static unsigned digit_value(char c)
{
    c = lower(c);
    if (is_digit(c)) {
        return (unsigned)(c - '0');
    }
    return c >= 'a' && c <= 'z' ? (unsigned)(c - 'a' + 10) : 36;
}

/* Returns true when each underscore is at an allowed place. s has no sign. */
static bool underscores_ok(const char *s, size_t n)
{
    enum { START, DIGIT, UNDERSCORE, OTHER } saw = START;
    size_t i = 0;
    bool hex = false;
    if (n >= 2 && s[0] == '0' && memchr("box", lower(s[1]), 3) != NULL) {
        hex = lower(s[1]) == 'x';
        saw = DIGIT; /* the prefix counts as a digit */
        i = 2;
    }
    for (; i < n; i++) {
        if (is_digit(s[i]) || (hex && digit_value(s[i]) < 16)) {
            saw = DIGIT;
        } else if (s[i] == '_') {
            if (saw != DIGIT) {
                return false;
            }
            saw = UNDERSCORE;
        } else if (saw == UNDERSCORE) {
            return false;
        } else {
            saw = OTHER;
        }
    }
    return saw != UNDERSCORE;
}

/* Returns the base. Moves *s after the base prefix if anything follows the prefix. */
static unsigned take_base(const char **s)
{
    const char *p = *s;
    if (p[0] != '0') {
        return 10;
    }
    char mark = lower(p[1]);
    unsigned base = mark == 'b' ? 2 : mark == 'o' ? 8 : mark == 'x' ? 16 : 0;
    if (base == 0 || p[2] == '\0') {
        return 8; /* "0x" alone is read as an octal 0 with a wrong x after it */
    }
    *s = p + 2;
    return base;
}

/* Reads a number without a sign, in the base of its prefix or else in base 10. Only a number that
 * may have a prefix may have underscores. Returns GONUM_RANGE even if a bad digit follows later. */
static enum gonum parse_uint(const char *s, bool any_base, uint64_t *v)
{
    const char *whole = s;
    if (*s == '\0') {
        return GONUM_SYNTAX;
    }
    unsigned base = any_base ? take_base(&s) : 10;
    bool underscore = false;
    uint64_t n = 0;
    for (; *s != '\0'; s++) {
        if (*s == '_' && any_base) {
            underscore = true;
            continue;
        }
        unsigned d = digit_value(*s);
        if (d >= base) {
            return GONUM_SYNTAX;
        }
        if (n > (UINT64_MAX - d) / base) {
            return GONUM_RANGE;
        }
        n = n * base + d;
    }
    *v = n;
    return underscore && !underscores_ok(whole, strlen(whole)) ? GONUM_SYNTAX : GONUM_OK;
}

/* Gives n its sign. Returns GONUM_RANGE when the result is no int64_t. */
static enum gonum give_sign(bool negative, uint64_t n, int64_t *v)
{
    const uint64_t top = (uint64_t)1 << 63;
    if (n > top || (n == top && !negative)) {
        return GONUM_RANGE;
    }
    if (n == top) {
        *v = INT64_MIN;
    } else {
        *v = negative ? -(int64_t)n : (int64_t)n;
    }
    return GONUM_OK;
}

static enum gonum signed_int(const char *s, bool any_base, int64_t *v)
{
    bool negative = s[0] == '-';
    uint64_t n;
    if (s[0] == '-' || s[0] == '+') {
        s++;
    }
    enum gonum r = parse_uint(s, any_base, &n);
    return r == GONUM_OK ? give_sign(negative, n, v) : r;
}

enum gonum gonum_int(const char *s, int64_t *v)
{
    return signed_int(s, true, v);
}

enum gonum gonum_decimal(const char *s, int64_t *v)
{
    return signed_int(s, false, v);
}

bool gonum_bool(const char *s, bool *v)
{
    static const char *const words[2][6] = {
        {"0", "f", "F", "false", "FALSE", "False"},
        {"1", "t", "T", "true", "TRUE", "True"},
    };
    for (size_t i = 0; i < 12; i++) {
        if (strcmp(s, words[i / 6][i % 6]) == 0) {
            *v = i / 6 == 1;
            return true;
        }
    }
    return false;
}

/* Returns how many characters at the start of s are the same as in the lower-case word. */
static size_t common(const char *s, size_t n, const char *word)
{
    size_t i = 0;
    while (i < n && word[i] != '\0' && lower(s[i]) == word[i]) {
        i++;
    }
    return i;
}

/* Reads inf and infinity, which may have a sign, and nan, which may not have one. */
static bool special_float(const char *s, size_t n, double *v)
{
    bool sign = n > 0 && (s[0] == '+' || s[0] == '-');
    size_t rest = n - sign;
    if (!sign && n == 3 && common(s, n, "nan") == 3) {
        *v = (double)NAN;
        return true;
    }
    if ((rest == 3 || rest == 8) && common(s + sign, rest, "infinity") == rest) {
        *v = s[0] == '-' ? -(double)INFINITY : (double)INFINITY;
        return true;
    }
    return false;
}

/* Skips digits of the base from *i on. Also skips underscores, which are checked elsewhere. Returns
 * true if there was a digit. */
static bool skip_digits(const char *s, size_t n, size_t *i, unsigned base)
{
    bool any = false;
    for (; *i < n && (s[*i] == '_' || digit_value(s[*i]) < base); ++*i) {
        any = any || s[*i] != '_';
    }
    return any;
}

/* Returns true when s has the syntax of a float: at least one digit, at most one point and at most
 * one exponent. s has no sign. A hexadecimal number must have an exponent. */
static bool float_syntax(const char *s, size_t n)
{
    bool hex = n >= 2 && s[0] == '0' && lower(s[1]) == 'x';
    unsigned base = hex ? 16 : 10;
    size_t i = hex ? 2 : 0;
    bool digits = skip_digits(s, n, &i, base);
    if (i < n && s[i] == '.') {
        i++;
        bool more = skip_digits(s, n, &i, base);
        digits = digits || more;
    }
    if (!digits) {
        return false;
    }
    if (i < n && lower(s[i]) == (hex ? 'p' : 'e')) {
        i++;
        if (i < n && (s[i] == '+' || s[i] == '-')) {
            i++;
        }
        if (i >= n || !is_digit(s[i])) {
            return false;
        }
        skip_digits(s, n, &i, 10);
    } else if (hex) {
        return false;
    }
    return i == n && (memchr(s, '_', n) == NULL || underscores_ok(s, n));
}

enum gonum gonum_float(const char *s, size_t n, double *v)
{
    char plain[GONUM_FLOAT_MAX + 1]; /* for strtod: NUL-terminated, no underscores */
    if (special_float(s, n, v)) {
        return GONUM_OK;
    }
    size_t sign = n > 0 && (s[0] == '+' || s[0] == '-');
    if (n > GONUM_FLOAT_MAX || !float_syntax(s + sign, n - sign)) {
        return GONUM_SYNTAX;
    }
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        if (s[i] != '_') {
            plain[len++] = s[i];
        }
    }
    plain[len] = '\0';
    /* The program never calls setlocale, so strtod accepts "." as the point. A value that is too
     * small becomes 0, as in Go. */
    double d = strtod(plain, NULL);
    if (isinf(d)) {
        return GONUM_RANGE;
    }
    *v = d;
    return GONUM_OK;
}

/* Writes v with as few digits as possible. The text has no exponent when the exponent is at least
 * `least` and less than `end`. */
static struct gonum_text shortest(double v, int least, int end)
{
    struct gonum_text t;
    int digits = 0; /* digits after the first digit; 16 are always enough */
    do {
        snprintf(t.s, sizeof t.s, "%.*e", digits, v);
    } while (strtod(t.s, NULL) != v && ++digits <= 16);
    int exponent = atoi(strchr(t.s, 'e') + 1);
    if (exponent >= least && exponent < end) {
        int decimals = digits > exponent ? digits - exponent : 0;
        snprintf(t.s, sizeof t.s, "%.*f", decimals, v);
    }
    return t;
}

struct gonum_text gonum_format(double v)
{
    struct gonum_text t;
    if (!isfinite(v)) {
        snprintf(t.s, sizeof t.s, "%s", isnan(v) ? "NaN" : v > 0 ? "+Inf" : "-Inf");
        return t;
    }
    return shortest(v, -4, 6);
}

struct gonum_text gonum_json(double v)
{
    struct gonum_text t = shortest(v, -6, 21);
    char *zero = strstr(t.s, "e-0"); /* Go removes this zero */
    if (zero != NULL) {
        memmove(zero + 2, zero + 3, strlen(zero + 3) + 1);
    }
    return t;
}

/* Returns the nanoseconds of a unit, or 0 when s is no unit. */
static uint64_t unit_ns(const char *s, size_t n)
{
    static const struct {
        const char *name;
        uint64_t ns;
    } units[] = {
        {"ns", 1},           {"us", 1000},      {"\xC2\xB5s", 1000}, /* U+00B5, micro sign */
        {"\xCE\xBCs", 1000},                                         /* U+03BC, Greek mu */
        {"ms", 1000000},     {"s", 1000000000}, {"m", 60000000000},  {"h", 3600000000000},
    };
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strlen(units[i].name) == n && memcmp(units[i].name, s, n) == 0) {
            return units[i].ns;
        }
    }
    return 0;
}

/* The largest absolute value of a duration. It is that of INT64_MIN. */
#define DURATION_TOP ((uint64_t)1 << 63)

/* Reads the digits before the point. Returns false when the value is above DURATION_TOP. */
static bool take_whole(const char **s, uint64_t *v)
{
    uint64_t x = 0;
    for (; is_digit(**s); ++*s) {
        if (x > DURATION_TOP / 10) {
            return false;
        }
        x = x * 10 + (uint64_t)(**s - '0');
        if (x > DURATION_TOP) {
            return false;
        }
    }
    *v = x;
    return true;
}

/* Reads the digits after the point as the fraction *v / *scale, which is 0 / 1 at first. Digits
 * that do not fit into 64 bits are dropped. */
static void take_fraction(const char **s, uint64_t *v, double *scale)
{
    bool full = false;
    for (; is_digit(**s); ++*s) {
        uint64_t d = (uint64_t)(**s - '0');
        full = full || *v > (DURATION_TOP - 1) / 10 || *v * 10 + d > DURATION_TOP;
        if (!full) {
            *v = *v * 10 + d;
            *scale *= 10;
        }
    }
}

/* Reads one number with its unit and converts it to nanoseconds. */
static bool take_term(const char **s, uint64_t *ns)
{
    const char *start = *s;
    uint64_t v;
    uint64_t fraction = 0;
    double scale = 1;
    if (!take_whole(s, &v)) {
        return false;
    }
    size_t digits = (size_t)(*s - start);
    if (**s == '.') {
        const char *point = ++*s;
        take_fraction(s, &fraction, &scale);
        digits += (size_t)(*s - point);
    }
    size_t n = strcspn(*s, ".0123456789");
    uint64_t unit = digits > 0 ? unit_ns(*s, n) : 0;
    if (unit == 0 || v > DURATION_TOP / unit) {
        return false;
    }
    *s += n;
    v *= unit;
    v += (uint64_t)((double)fraction * ((double)unit / scale));
    *ns = v;
    return v <= DURATION_TOP;
}

bool gonum_duration(const char *s, int64_t *ns)
{
    uint64_t sum = 0;
    bool negative = s[0] == '-';
    if (s[0] == '-' || s[0] == '+') {
        s++;
    }
    if (strcmp(s, "0") == 0) {
        *ns = 0;
        return true;
    }
    if (*s == '\0') {
        return false;
    }
    while (*s != '\0') {
        uint64_t term;
        if (!take_term(&s, &term)) {
            return false;
        }
        sum += term; /* when both are 2^63, the sum wraps to 0, as in Go */
        if (sum > DURATION_TOP) {
            return false;
        }
    }
    if (sum == DURATION_TOP && !negative) {
        return false;
    }
    *ns = sum == DURATION_TOP ? INT64_MIN : negative ? -(int64_t)sum : (int64_t)sum;
    return true;
}
