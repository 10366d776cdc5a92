/* SPDX-License-Identifier: MIT */
/* Tests of nsq/version.h: the library that is linked has the version of the headers. */
#include <nsq/version.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void the_library_says_the_version_of_its_header(void **state)
{
    (void)state;
    assert_string_equal(nsq_version(), NSQREF_VERSION);
}

static void the_version_has_three_numbers(void **state)
{
    (void)state;
    unsigned major, minor, patch;
    char behind;
    assert_int_equal(sscanf(nsq_version(), "%u.%u.%u%c", &major, &minor, &patch, &behind), 3);
}

/* Clients compare the version in the reply to IDENTIFY with the first version that has a feature.
 */
static void the_compatibility_level_is_that_of_nsqd(void **state)
{
    (void)state;
    assert_string_equal(NSQ_COMPATIBILITY, "1.3.0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_library_says_the_version_of_its_header),
        cmocka_unit_test(the_version_has_three_numbers),
        cmocka_unit_test(the_compatibility_level_is_that_of_nsqd),
    };
    return cmocka_run_group_tests_name("version", tests, NULL, NULL);
}
