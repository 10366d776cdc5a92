/* SPDX-License-Identifier: MIT */
/* Tests of nsqlookupd/lookupd_options.h: every flag and its key in a configuration file, and which
 * values are refused. Names, kinds and defaults are those of the usage text of nsqlookupd 1.3.0. */
#include "nsqlookupd/lookupd_options.h"

#include <nsq/version.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "program/config_file.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define SECOND ((int64_t)1000000000)
#define AT(member) offsetof(struct lookupd_options, member)

static struct lookupd_options o;
static struct start_text text;
static struct toml_document *file;

/* Parses one argument, or none. */
static enum start_result parse(const char *flag)
{
    char *argv[] = {"nsqlookupd", (char *)(uintptr_t)flag};
    memset(&o, 0xAA, sizeof o);
    memset(&text, 0xAA, sizeof text);
    return lookupd_options_parse(&o, flag == NULL ? 1 : 2, argv, "this-host", &text);
}

/* Reads a file after the command line. The caller frees `file`. */
static void read_file(const char *toml)
{
    const struct start_flags flags = lookupd_options_flags(&o);
    if (config_file_read(&flags, "f.cfg", span_make(toml, strlen(toml)), &file, &text) !=
        START_RUN) {
        fail_msg("'%s': %s", toml, text.fatal);
    }
}

static const struct {
    size_t at;
    int64_t by_default;
    const char *flag, *key;
    int64_t then;
} numbers[] = {
    {AT(log_level), LOG_INFO, "-log-level=error", "log_level = 'error'", LOG_ERROR},
    {AT(inactive_producer_timeout), 300 * SECOND, "--inactive-producer-timeout=-1s",
     "inactive_producer_timeout = '-1s'", -SECOND},
    {AT(tombstone_lifetime), 45 * SECOND, "-tombstone-lifetime=2s", "tombstone_lifetime = 2000",
     2 * SECOND},
    {AT(max_registrations), 100000, "-max-registrations=3", "max_registrations = 3", 3},
    {AT(max_connections), 0, "-max-connections=4", "max_connections = 4", 4},
    {AT(magic_timeout), 60 * SECOND, "-magic-timeout=5s", "magic_timeout = '5s'", 5 * SECOND},
    {AT(memory_bytes), 0, "-memory-bytes=6", "memory_bytes = 6", 6},
};

static const struct {
    size_t at;
    const char *by_default;
    const char *flag, *key;
} strings[] = {
    {AT(log_prefix), "[nsqlookupd] ", "-log-prefix=x", "log_prefix = 'x'"},
    {AT(tcp_address), "0.0.0.0:4160", "-tcp-address=x", "tcp_address = 'x'"},
    {AT(http_address), "0.0.0.0:4161", "-http-address=x", "http_address = 'x'"},
    {AT(broadcast_address), "this-host", "-broadcast-address=x", "broadcast_address = 'x'"},
};

static int64_t number(size_t at)
{
    return *(const int64_t *)(const void *)((const char *)&o + at);
}

static const char *string(size_t at)
{
    return *(const char *const *)(const void *)((const char *)&o + at);
}

static void a_number_has_a_default_a_flag_and_a_key(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(numbers); i++) {
        assert_int_equal(parse(NULL), START_RUN);
        assert_int_equal(number(numbers[i].at), numbers[i].by_default);
        assert_int_equal(parse(numbers[i].flag), START_RUN);
        assert_int_equal(number(numbers[i].at), numbers[i].then);
        parse(NULL);
        read_file(numbers[i].key);
        assert_int_equal(number(numbers[i].at), numbers[i].then);
        toml_free(file);
    }
}

static void a_string_has_a_default_a_flag_and_a_key(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(strings); i++) {
        assert_int_equal(parse(NULL), START_RUN);
        assert_string_equal(string(strings[i].at), strings[i].by_default);
        assert_int_equal(parse(strings[i].flag), START_RUN);
        assert_string_equal(string(strings[i].at), "x");
        parse(NULL);
        read_file(strings[i].key);
        assert_string_equal(string(strings[i].at), "x");
        toml_free(file);
    }
}

static void three_flags_have_no_key(void **state)
{
    (void)state;
    assert_int_equal(COUNT(numbers) + COUNT(strings) + 3, LOOKUPD_OPTIONS_COUNT);
    assert_int_equal(parse("-config=g.cfg"), START_RUN);
    read_file("config = 5\nversion = 5\nverbose = 5");
    assert_string_equal(o.config, "g.cfg");
    assert_false(o.version);
    assert_false(o.verbose);
    toml_free(file);
    assert_int_equal(parse("-verbose"), START_RUN);
    assert_true(o.verbose);
}

static void some_flags_end_the_program(void **state)
{
    (void)state;
    assert_int_equal(parse("-version"), START_EXIT);
    assert_int_equal(text.code, 0);
    assert_string_equal(text.out, "nsqlookupd v1.3.0 (built w/c11-nsqref-" NSQREF_VERSION ")\n");
    assert_int_equal(parse("-h"), START_EXIT);
    assert_int_equal(text.code, 0);
    assert_non_null(strstr(text.out, "Usage of nsqlookupd:\n  -broadcast-address string\n"));
    assert_string_equal(text.err, "");
    assert_int_equal(parse("-lookupd-tcp-address=x"), START_EXIT);
    assert_int_equal(text.code, 2);
    assert_non_null(
        strstr(text.err, "flag provided but not defined: -lookupd-tcp-address\nUsage of nsqlookupd:"
                         "\n"));
    assert_int_equal(parse("-log-level=loud"), START_EXIT);
    assert_non_null(strstr(text.err, "invalid value \"loud\" for flag -log-level: invalid log level"
                                     " 'loud' (debug, info, warn, error, fatal)\n"));
}

/* Upstream's nsqlookupd takes any value of its own flags. */
static void only_values_of_our_own_flags_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *good, *bad, *why;
    } ends[] = {
        {"-max-registrations=1", "-max-registrations=0", "must be at least 1"},
        {"-max-connections=0", "-max-connections=-1", "must not be negative"},
        {"-magic-timeout=1ns", "-magic-timeout=0", "must be at least 1ns"},
        {"-memory-bytes=0", "-memory-bytes=-1", "must not be negative"},
    };
    static const char *const any[] = {"-inactive-producer-timeout=-2562047h",
                                      "-tombstone-lifetime=2562047h",
                                      "-tcp-address=", "-http-address=", "-broadcast-address="};
    for (size_t i = 0; i < COUNT(ends); i++) {
        char expected[256];
        assert_int_equal(parse(ends[i].good), START_RUN);
        assert_int_equal(lookupd_options_check(&o, &text), START_RUN);
        assert_int_equal(parse(ends[i].bad), START_RUN);
        assert_int_equal(lookupd_options_check(&o, &text), START_FATAL);
        snprintf(expected, sizeof expected, "failed to instantiate nsqlookupd - -%.*s %s",
                 (int)strcspn(ends[i].bad, "="), ends[i].bad, ends[i].why);
        assert_string_equal(text.fatal, expected);
        assert_int_equal(text.code, 1);
    }
    for (size_t i = 0; i < COUNT(any); i++) {
        assert_int_equal(parse(any[i]), START_RUN);
        assert_int_equal(lookupd_options_check(&o, &text), START_RUN);
    }
}

static void a_value_of_the_file_is_refused_with_its_place(void **state)
{
    (void)state;
    assert_int_equal(parse("-config=f.cfg"), START_RUN);
    read_file("\nmax_connections = -1");
    assert_int_equal(lookupd_options_check(&o, &text), START_FATAL);
    assert_string_equal(text.fatal, "failed to instantiate nsqlookupd - --max-connections must not "
                                    "be negative (f.cfg: line 2, column 19: max_connections)");
    toml_free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_has_a_default_a_flag_and_a_key),
        cmocka_unit_test(a_string_has_a_default_a_flag_and_a_key),
        cmocka_unit_test(three_flags_have_no_key),
        cmocka_unit_test(some_flags_end_the_program),
        cmocka_unit_test(only_values_of_our_own_flags_are_refused),
        cmocka_unit_test(a_value_of_the_file_is_refused_with_its_place),
    };
    return cmocka_run_group_tests_name("lookupd_options", tests, NULL, NULL);
}
