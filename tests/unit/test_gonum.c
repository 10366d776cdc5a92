/* SPDX-License-Identifier: MIT */
/* Tests of program/gonum.h. The expected results are those of Go's strconv and time packages. */
#include "program/gonum.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *s;
    enum gonum r;
    int64_t v;
} ints[] = {
    {"0", GONUM_OK, 0},
    {"-0", GONUM_OK, 0},
    {"7", GONUM_OK, 7},
    {"+7", GONUM_OK, 7},
    {"-7", GONUM_OK, -7},
    {"1234567890", GONUM_OK, 1234567890},

    /* the base */
    {"0x10", GONUM_OK, 16},
    {"0XfF", GONUM_OK, 255},
    {"0xA", GONUM_OK, 10},
    {"0xa", GONUM_OK, 10},
    {"0xg", GONUM_SYNTAX, 0},
    {"0o17", GONUM_OK, 15},
    {"0O17", GONUM_OK, 15},
    {"0o8", GONUM_SYNTAX, 0},
    {"017", GONUM_OK, 15},
    {"08", GONUM_SYNTAX, 0},
    {"00", GONUM_OK, 0},
    {"0b101", GONUM_OK, 5},
    {"0B11", GONUM_OK, 3},
    {"0b2", GONUM_SYNTAX, 0},
    {"-0x1F", GONUM_OK, -31},
    {"0x", GONUM_SYNTAX, 0},
    {"0b", GONUM_SYNTAX, 0},
    {"0o", GONUM_SYNTAX, 0},
    {"0d1", GONUM_SYNTAX, 0},
    {"1x0", GONUM_SYNTAX, 0},

    /* the largest, one more, one less */
    {"9223372036854775806", GONUM_OK, INT64_MAX - 1},
    {"9223372036854775807", GONUM_OK, INT64_MAX},
    {"9223372036854775808", GONUM_RANGE, 0},
    {"-9223372036854775807", GONUM_OK, INT64_MIN + 1},
    {"-9223372036854775808", GONUM_OK, INT64_MIN},
    {"-9223372036854775809", GONUM_RANGE, 0},
    {"0x7fffffffffffffff", GONUM_OK, INT64_MAX},
    {"0x8000000000000000", GONUM_RANGE, 0},
    {"-0x8000000000000000", GONUM_OK, INT64_MIN},
    {"18446744073709551615", GONUM_RANGE, 0},
    {"18446744073709551616", GONUM_RANGE, 0},
    {"0xffffffffffffffff", GONUM_RANGE, 0},
    {"0x10000000000000000", GONUM_RANGE, 0},
    {"100000000000000000000", GONUM_RANGE, 0},
    {"18446744073709551616x", GONUM_RANGE, 0}, /* it is too large before the x is read */
    {"18446744073709551615x", GONUM_SYNTAX, 0},

    /* underscores */
    {"1_000", GONUM_OK, 1000},
    {"0_7", GONUM_OK, 7},
    {"0x_1f", GONUM_OK, 31},
    {"0x1_f", GONUM_OK, 31},
    {"0x__1", GONUM_SYNTAX, 0},
    {"0b_1", GONUM_OK, 1},
    {"0o_7", GONUM_OK, 7},
    {"_1", GONUM_SYNTAX, 0},
    {"1_", GONUM_SYNTAX, 0},
    {"1__0", GONUM_SYNTAX, 0},
    {"0_x1", GONUM_SYNTAX, 0},
    {"0x1_", GONUM_SYNTAX, 0},
    {"-_1", GONUM_SYNTAX, 0},
    {"_", GONUM_SYNTAX, 0},
    {"-1_0", GONUM_OK, -10},

    {"", GONUM_SYNTAX, 0},
    {"-", GONUM_SYNTAX, 0},
    {"+", GONUM_SYNTAX, 0},
    {"--1", GONUM_SYNTAX, 0},
    {"+-1", GONUM_SYNTAX, 0},
    {" 1", GONUM_SYNTAX, 0},
    {"1 ", GONUM_SYNTAX, 0},
    {"1.0", GONUM_SYNTAX, 0},
    {"1e3", GONUM_SYNTAX, 0},
    {"a", GONUM_SYNTAX, 0},
    {"/", GONUM_SYNTAX, 0},
    {":", GONUM_SYNTAX, 0},
    {"0x@", GONUM_SYNTAX, 0},
    {"0x`", GONUM_SYNTAX, 0},
};

static void integers_are_read_as_in_go(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ints / sizeof ints[0]; i++) {
        int64_t v = 4711;
        enum gonum r = gonum_int(ints[i].s, &v);
        if (r != ints[i].r || (r == GONUM_OK && v != ints[i].v)) {
            fail_msg("'%s': result %d, value %lld", ints[i].s, r, (long long)v);
        }
        if (r != GONUM_OK) {
            assert_int_equal(v, 4711);
        }
    }
}

static void decimals_are_read_as_in_go(void **state)
{
    (void)state;
    static const struct {
        const char *s;
        enum gonum r;
        int64_t v;
    } rows[] = {
        {"0", GONUM_OK, 0},
        {"007", GONUM_OK, 7}, /* not octal */
        {"08", GONUM_OK, 8},
        {"+5", GONUM_OK, 5},
        {"-5", GONUM_OK, -5},
        {"-9223372036854775808", GONUM_OK, INT64_MIN},
        {"9223372036854775807", GONUM_OK, INT64_MAX},
        {"9223372036854775808", GONUM_RANGE, 0},
        {"-9223372036854775809", GONUM_RANGE, 0},
        {"99999999999999999999x", GONUM_RANGE, 0},
        {"", GONUM_SYNTAX, 0},
        {"-", GONUM_SYNTAX, 0},
        {"+-5", GONUM_SYNTAX, 0},
        {"0x5", GONUM_SYNTAX, 0},
        {"0b1", GONUM_SYNTAX, 0},
        {"1_0", GONUM_SYNTAX, 0},
        {"1.0", GONUM_SYNTAX, 0},
        {" 1", GONUM_SYNTAX, 0},
        {"a", GONUM_SYNTAX, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t v = 4711;
        enum gonum r = gonum_decimal(rows[i].s, &v);
        if (r != rows[i].r || v != (r == GONUM_OK ? rows[i].v : 4711)) {
            fail_msg("'%s': result %d, value %lld", rows[i].s, r, (long long)v);
        }
    }
}

static void booleans_are_these_words(void **state)
{
    (void)state;
    static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"};
    static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False"};
    static const char *const bad[] = {"",   "2",  "tRUE", "yes", "on", "true ", " true",
                                      "tr", "00", "10",   "nil", "y",  "TrUe",  "falsee"};
    bool v;
    for (size_t i = 0; i < 6; i++) {
        v = false;
        assert_true(gonum_bool(yes[i], &v));
        assert_true(v);
        assert_true(gonum_bool(no[i], &v));
        assert_false(v);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        v = true;
        assert_false(gonum_bool(bad[i], &v));
        assert_true(v);
    }
}

static const struct {
    const char *s;
    enum gonum r;
    double v;
} floats[] = {
    {"0", GONUM_OK, 0},
    {"1", GONUM_OK, 1},
    {"0.99", GONUM_OK, 0.99},
    {"+5", GONUM_OK, 5},
    {"-0.5", GONUM_OK, -0.5},
    {".5", GONUM_OK, 0.5},
    {"5.", GONUM_OK, 5},
    {"010", GONUM_OK, 10},
    {"1e2", GONUM_OK, 100},
    {"1E+2", GONUM_OK, 100},
    {"15e-1", GONUM_OK, 1.5},
    {".", GONUM_SYNTAX, 0},
    {"", GONUM_SYNTAX, 0},
    {"-", GONUM_SYNTAX, 0},
    {"1e", GONUM_SYNTAX, 0},
    {"1e+", GONUM_SYNTAX, 0},
    {"1e+-2", GONUM_SYNTAX, 0},
    {"e1", GONUM_SYNTAX, 0},
    {"1.2.3", GONUM_SYNTAX, 0},
    {"+-5", GONUM_SYNTAX, 0},
    {" 1", GONUM_SYNTAX, 0},
    {"1 ", GONUM_SYNTAX, 0},
    {"1x", GONUM_SYNTAX, 0},
    {"1a", GONUM_SYNTAX, 0},
    {"1e1a", GONUM_SYNTAX, 0},
    {"0b1", GONUM_SYNTAX, 0},
    {"1p1", GONUM_SYNTAX, 0},

    /* hexadecimal: the exponent is required */
    {"0x1p1", GONUM_OK, 2},
    {"0X1.8P0", GONUM_OK, 1.5},
    {"0x.8p1", GONUM_OK, 1},
    {"-0xfp-1", GONUM_OK, -7.5},
    {"0x1", GONUM_SYNTAX, 0},
    {"0x1p", GONUM_SYNTAX, 0},
    {"0xp1", GONUM_SYNTAX, 0},
    {"0x.p1", GONUM_SYNTAX, 0},
    {"0x1e1", GONUM_SYNTAX, 0},
    {"0xg.8p1", GONUM_SYNTAX, 0},

    /* underscores */
    {"1_0", GONUM_OK, 10},
    {"1e1_0", GONUM_OK, 1e10},
    {"0x_1p0", GONUM_OK, 1},
    {"0x1_0p0", GONUM_OK, 16},
    {"_1", GONUM_SYNTAX, 0},
    {"1_", GONUM_SYNTAX, 0},
    {"1_.5", GONUM_SYNTAX, 0},
    {"1._5", GONUM_SYNTAX, 0},
    {"1_e5", GONUM_SYNTAX, 0},
    {"1__0", GONUM_SYNTAX, 0},
    {"_", GONUM_SYNTAX, 0},
    {"0x_p0", GONUM_SYNTAX, 0},
    {"1e_5", GONUM_SYNTAX, 0},

    /* too small is 0, too large is an error */
    {"1e-400", GONUM_OK, 0},
    {"0x1p-2000", GONUM_OK, 0},
    {"1.7976931348623157e308", GONUM_OK, DBL_MAX},
    {"1.7976931348623158e308", GONUM_OK, DBL_MAX},
    {"1.7976931348623159e308", GONUM_RANGE, 0},
    {"-1e309", GONUM_RANGE, 0},
    {"0x1p1024", GONUM_RANGE, 0},

    {"inf", GONUM_OK, (double)INFINITY},
    {"+Inf", GONUM_OK, (double)INFINITY},
    {"-INF", GONUM_OK, -(double)INFINITY},
    {"infinity", GONUM_OK, (double)INFINITY},
    {"-Infinity", GONUM_OK, -(double)INFINITY},
    {"in", GONUM_SYNTAX, 0},
    {"infi", GONUM_SYNTAX, 0},
    {"infinit", GONUM_SYNTAX, 0},
    {"infinityx", GONUM_SYNTAX, 0},
    {"inx", GONUM_SYNTAX, 0},
    {"xnf", GONUM_SYNTAX, 0},
    {"xan", GONUM_SYNTAX, 0},
    {"inf_", GONUM_SYNTAX, 0},
    {"nan", GONUM_OK, (double)NAN},
    {"NaN", GONUM_OK, (double)NAN},
    {"+nan", GONUM_SYNTAX, 0},
    {"nax", GONUM_SYNTAX, 0},
    {"nan(1)", GONUM_SYNTAX, 0},
};

/* A float may be a part of a list, so it is read from bytes without a terminator. */
static void floats_are_read_as_in_go(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof floats / sizeof floats[0]; i++) {
        double v = 4711;
        size_t n = strlen(floats[i].s);
        char *block = malloc(n + 1);
        char *bytes = memcpy(block + 1, floats[i].s, n); /* ASan sees a read of the byte after it */
        enum gonum r = gonum_float(bytes, n, &v);
        free(block);
        bool same = v == floats[i].v || (isnan(v) && isnan(floats[i].v));
        if (r != floats[i].r || (r == GONUM_OK && !same)) {
            fail_msg("'%s': result %d, value %g", floats[i].s, r, v);
        }
        if (r != GONUM_OK) {
            assert_true(v == 4711);
        }
    }
}

static void a_float_has_a_longest(void **state)
{
    (void)state;
    char s[GONUM_FLOAT_MAX + 1];
    double v = 4711;
    memset(s, '0', sizeof s);
    s[1] = '.';
    s[GONUM_FLOAT_MAX - 2] = '1';
    assert_int_equal(gonum_float(s, GONUM_FLOAT_MAX - 1, &v), GONUM_OK);
    s[GONUM_FLOAT_MAX - 2] = '0';
    s[0] = '1';
    assert_int_equal(gonum_float(s, GONUM_FLOAT_MAX, &v), GONUM_OK);
    assert_true(v == 1);
    assert_int_equal(gonum_float(s, GONUM_FLOAT_MAX + 1, &v), GONUM_SYNTAX);
}

static const struct {
    double v;
    const char *s;
} written[] = {
    {0, "0"},
    {-0.0, "-0"},
    {1, "1"},
    {2, "2"},
    {1.5, "1.5"},
    {-0.5, "-0.5"},
    {100, "100"},
    {0.1, "0.1"},
    {1.0000000000000002, "1.0000000000000002"},
    {1.0 / 3, "0.3333333333333333"},
    {-0.0001, "-0.0001"},
    {-0.00021, "-0.00021"},
    {-0.00001, "-1e-05"},
    {-1.5e-5, "-1.5e-05"},
    {100000, "100000"},
    {999999, "999999"},
    {123456.5, "123456.5"},
    {1000000, "1e+06"},
    {1234567.5, "1.2345675e+06"},
    {1e21, "1e+21"},
    {123456789012345678901234.0, "1.2345678901234569e+23"},
    {DBL_MAX, "1.7976931348623157e+308"},
    {-DBL_MAX, "-1.7976931348623157e+308"},
    {(double)INFINITY, "+Inf"},
    {-(double)INFINITY, "-Inf"},
    {(double)NAN, "NaN"},
};

static void floats_are_written_as_in_go(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof written / sizeof written[0]; i++) {
        assert_string_equal(gonum_format(written[i].v).s, written[i].s);
    }
}

/* Seen in GET /config of upstream's nsqd, or in the source of encoding/json. */
static const struct {
    double v;
    const char *s;
} as_json[] = {
    {0, "0"},
    {1, "1"},
    {0.99, "0.99"},
    {0.1, "0.1"},
    {0.00005, "0.00005"},
    {1e-6, "0.000001"},
    {1e-7, "1e-7"},
    {2.5e-9, "2.5e-9"},
    {1e-10, "1e-10"},
    {1e20, "100000000000000000000"},
    {1e21, "1e+21"},
    {1e-300, "1e-300"},
};

static void floats_are_written_as_in_json(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof as_json / sizeof as_json[0]; i++) {
        assert_string_equal(gonum_json(as_json[i].v).s, as_json[i].s);
    }
}

#define MS ((int64_t)1000000)
#define SECOND (1000 * MS)
#define HOUR (3600 * SECOND)

static const struct {
    const char *s;
    bool ok;
    int64_t ns;
} durations[] = {
    {"0", true, 0},
    {"-0", true, 0},
    {"+0", true, 0},
    {"0s", true, 0},
    {"00", false, 0},
    {"1ns", true, 1},
    {"1us", true, 1000},
    {"1\xC2\xB5s", true, 1000},
    {"1\xCE\xBCs", true, 1000},
    {"1ms", true, MS},
    {"1s", true, SECOND},
    {"1m", true, 60 * SECOND},
    {"1h", true, HOUR},
    {"1h2m", true, HOUR + 120 * SECOND},
    {"1h2m3s4ms5us6ns", true, HOUR + 123 * SECOND + 4005006},
    {"1s1s", true, 2 * SECOND},
    {"1m1h", true, HOUR + 60 * SECOND},
    {"-1s", true, -SECOND},
    {"+1s", true, SECOND},
    {"-1h30m", true, -(HOUR + 1800 * SECOND)},

    /* fractions */
    {"1.5s", true, 1500 * MS},
    {".5s", true, 500 * MS},
    {"1.s", true, SECOND},
    {"-.5h", true, -HOUR / 2},
    {"0.1ns", true, 0},
    {"0.9999999999s", true, 999999999},
    {"1.0000000000000000000000001s", true, SECOND},
    {"0.9223372036854775807h", true, 3320413933267},
    {"0.9223372036854775808h", true, 3320413933267},
    {"0.9223372036854775809h", true, 3320413933267}, /* digits beyond the precision are dropped */
    {"0.92233720368547758079h", true, 3320413933267},
    {"0.3333333333333333333h", true, 1200000000000},
    {".s", false, 0},
    {".", false, 0},
    {"-.s", false, 0},
    {"1..5s", false, 0},

    /* units */
    {"60", false, 0},
    {"1", false, 0},
    {"1.5", false, 0},
    {"1h2", false, 0},
    {"1S", false, 0},
    {"1d", false, 0},
    {"1 s", false, 0},
    {"1s ", false, 0},
    {" 1s", false, 0},
    {"1mss", false, 0},
    {"1\xC2s", false, 0},
    {"1\xC2\xB5", false, 0},
    {"1e3s", false, 0},
    {"s", false, 0},
    {"1s-1s", false, 0},
    {"--1s", false, 0},
    {"1_0s", false, 0},
    {"", false, 0},
    {"-", false, 0},
    {"+", false, 0},
    {"a", false, 0},

    /* the longest, one more, one less */
    {"9223372036854775806ns", true, INT64_MAX - 1},
    {"9223372036854775807ns", true, INT64_MAX},
    {"9223372036854775808ns", false, 0},
    {"-9223372036854775807ns", true, INT64_MIN + 1},
    {"-9223372036854775808ns", true, INT64_MIN},
    {"-9223372036854775809ns", false, 0},
    {"9223372036854775806ns1ns", true, INT64_MAX},
    {"9223372036854775807ns1ns", false, 0},
    {"-9223372036854775807ns1ns", true, INT64_MIN},
    {"-9223372036854775807ns2ns", false, 0},
    {"92233720368547758070ns", false, 0},
    {"922337203685477580700ns", false, 0},
    {"9223372036854775us", true, 9223372036854775000},
    {"9223372036854776us", false, 0},
    {"9223372036854775.807us", true, INT64_MAX},
    {"9223372036854775.808us", false, 0},
    {"-9223372036854775.808us", true, INT64_MIN},
    {"-9223372036854775.809us", false, 0},
    {"2562047h47m16.854775807s", true, INT64_MAX},
    {"2562047h47m16.854775808s", false, 0},
    {"2562048h", false, 0},
    /* the sum wraps to 0, in Go too */
    {"9223372036854775808ns9223372036854775808ns", true, 0},
    {"-9223372036854775808ns9223372036854775808ns", true, 0},
};

static void durations_are_read_as_in_go(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++) {
        int64_t ns = 4711;
        bool ok = gonum_duration(durations[i].s, &ns);
        if (ok != durations[i].ok || (ok && ns != durations[i].ns)) {
            fail_msg("'%s': ok %d, %lld ns", durations[i].s, ok, (long long)ns);
        }
        if (!ok) {
            assert_int_equal(ns, 4711);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_read_as_in_go),
        cmocka_unit_test(decimals_are_read_as_in_go),
        cmocka_unit_test(booleans_are_these_words),
        cmocka_unit_test(floats_are_read_as_in_go),
        cmocka_unit_test(a_float_has_a_longest),
        cmocka_unit_test(floats_are_written_as_in_go),
        cmocka_unit_test(floats_are_written_as_in_json),
        cmocka_unit_test(durations_are_read_as_in_go),
    };
    return cmocka_run_group_tests_name("gonum", tests, NULL, NULL);
}
