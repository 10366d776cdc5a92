/* SPDX-License-Identifier: MIT */
/* Tests of auth/rfc3339.h. */
#include "auth/rfc3339.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static bool is_time(const char *text)
{
    return rfc3339_is_time(span_make(text, strlen(text)));
}

static void times_are_accepted(void **state)
{
    (void)state;
    static const char *const times[] = {
        "2006-01-02T15:04:05Z",           "2020-02-29T23:59:59.25+01:30",
        "2000-02-29T00:00:00,123456789Z", "0000-12-31T00:00:00-23:59",
        "9999-04-30T23:59:59.0Z",
    };
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        assert_true(is_time(times[i]));
    }
}

static void other_texts_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "2021-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2021-00-01T00:00:00Z",
        "2021-13-01T00:00:00Z",
        "2021-01-00T00:00:00Z",
        "2021-01-32T00:00:00Z",
        "2021-04-31T00:00:00Z",
        "2021-02-28T24:00:00Z",
        "2021-02-28T00:60:00Z",
        "2021-02-28T00:00:60Z",
        "2021-02-28T00:00:00",
        "2021-02-28T00:00:00.Z",
        "2021-02-28T00:00:00.1",
        "2021-02-28t00:00:00Z",
        "2021-02-28T00:00:00z",
        "2021-02-28T00:00:00+25:00",
        "2021-02-28T00:00:00+00:61",
        "2021-02-28T00:00:00+0000",
        "2021-02-28T00:00:00 00:00",
        "2021-02-28T00:00:00Zx",
        "2021-2-28T00:00:00.00Z",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(is_time(bad[i]));
    }
}

static void expect_time(const char *text, bool wanted)
{
    if (is_time(text) != wanted) {
        fail_msg("%s", text);
    }
}

/* The last day of each month, and the day behind it, in years of every kind. */
static void every_month_has_its_days(void **state)
{
    (void)state;
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    static const struct {
        int year;
        bool leap;
    } years[] = {{0, true},     {1, false},    {4, true},     {100, false},  {400, true},
                 {1900, false}, {1904, true},  {1996, true},  {2000, true},  {2001, false},
                 {2002, false}, {2003, false}, {2010, false}, {2014, false}, {2024, true},
                 {2040, true},  {2100, false}, {2200, false}, {2300, false}, {2400, true}};
    char text[64];
    for (size_t y = 0; y < sizeof years / sizeof years[0]; y++) {
        for (int month = 0; month <= 13; month++) {
            bool exists = month >= 1 && month <= 12;
            int last = !exists ? 28 : days[month - 1] + (month == 2 && years[y].leap);
            for (int day = last - 1; day <= last + 1; day++) {
                snprintf(text, sizeof text, "%04d-%02d-%02dT00:00:00Z", years[y].year, month, day);
                expect_time(text, exists && day <= last);
            }
            snprintf(text, sizeof text, "%04d-%02d-01T00:00:00Z", years[y].year, month);
            expect_time(text, exists);
            snprintf(text, sizeof text, "%04d-%02d-00T00:00:00Z", years[y].year, month);
            expect_time(text, false);
        }
    }
}

static void every_part_of_a_time_has_its_range(void **state)
{
    (void)state;
    static const struct {
        const char *format;
        int most;
    } parts[] = {
        {"2021-01-31T%02d:00:00Z", 23},      {"2021-01-31T00:%02d:00Z", 59},
        {"2021-01-31T00:00:%02dZ", 59},      {"2021-01-31T00:00:00+%02d:00", 24},
        {"2021-01-31T00:00:00-%02d:00", 24}, {"2021-01-31T00:00:00+00:%02d", 60},
        {"2021-01-31T00:00:00-00:%02d", 60},
    };
    char text[64];
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        for (int value = 0; value <= 99; value++) {
            int at = (int)(strchr(parts[i].format, '%') - parts[i].format);
            snprintf(text, sizeof text, "%.*s%02d%s", at, parts[i].format, value,
                     parts[i].format + at + 4);
            expect_time(text, value <= parts[i].most);
        }
    }
}

/* Each character is replaced by those that stand beside the digits, and by those of other places.
 */
static void every_character_is_checked(void **state)
{
    (void)state;
    static const char *const times[] = {
        "2011-11-11T11:11:11Z",      "2011-11-11T11:11:11.1Z",    "2011-11-11T11:11:11,1Z",
        "2011-11-11T11:11:11+11:11", "2011-11-11T11:11:11-11:11", "2011-11-11T11:11:11.11-11:11"};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        size_t n = strlen(times[i]);
        expect_time(times[i], true);
        for (size_t at = 0; at < n; at++) {
            for (const char *c = "/:;TtZz -+.,0"; *c != '\0'; c++) {
                char text[64];
                memcpy(text, times[i], n + 1);
                text[at] = *c;
                bool digit = times[i][at] == '1' || times[i][at] == '2' || times[i][at] == '0';
                bool sign = (times[i][at] == '+' || (times[i][at] == '-' && at > 10)) &&
                            (*c == '+' || *c == '-');
                bool point =
                    (times[i][at] == '.' || times[i][at] == ',') && (*c == '.' || *c == ',');
                bool end = at == 21 && n == 22 && *c == 'Z'; /* the fraction would be empty */
                expect_time(text,
                            *c == times[i][at] || (digit && *c == '0') || sign || (point && !end));
            }
        }
        for (size_t less = 1; less <= n; less++) { /* what begins a time is none */
            char text[64];
            memcpy(text, times[i], n - less);
            text[n - less] = '\0';
            expect_time(text, false);
        }
    }
}

static void every_form_of_a_zone(void **state)
{
    (void)state;
    static const struct {
        const char *zone;
        bool good;
    } zones[] = {{"Z", true},
                 {"+00:00", true},
                 {"-00:00", true},
                 {"+23:59", true},
                 {"-23:59", true},
                 {"", false},
                 {"z", false},
                 {"ZZ", false},
                 {"UTC", false},
                 {"+", false},
                 {"-", false},
                 {"+1", false},
                 {"+01", false},
                 {"+0100", false},
                 {"+01:", false},
                 {"+01:0", false},
                 {"+1:00", false},
                 {"+01:000", false},
                 {"+001:00", false},
                 {" +01:00", false},
                 {"+01:00Z", false},
                 {"Z+01:00", false},
                 {"+01-00", false},
                 {"+0x:00", false},
                 {"+01:0x", false},
                 {"+x1:00", false},
                 {"+01:x0", false},
                 {"*01:00", false},
                 {"++1:00", false},
                 {".5", false},
                 {".5z", false},
                 {".5+0100", false},
                 {".5Z", true},
                 {",5Z", true},
                 {".5+01:00", true},
                 {".Z", false},
                 {",+01:00", false},
                 {".5.5Z", false},
                 {".5,5Z", false},
                 {";5Z", false},
                 {".123456789012345678901234567890Z", true}};
    for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++) {
        char text[96];
        snprintf(text, sizeof text, "2021-02-28T00:00:00%s", zones[i].zone);
        expect_time(text, zones[i].good);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_accepted),
        cmocka_unit_test(other_texts_are_refused),
        cmocka_unit_test(every_month_has_its_days),
        cmocka_unit_test(every_part_of_a_time_has_its_range),
        cmocka_unit_test(every_character_is_checked),
        cmocka_unit_test(every_form_of_a_zone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
