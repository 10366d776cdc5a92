/* SPDX-License-Identifier: MIT */
/* Tests of conform/stream.h. */
#include "conform/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Whether a command may begin after these bytes. Checks that cuts make no difference. */
static bool at_command_of(bool v1, struct span bytes)
{
    struct stream whole = {.v1 = v1};
    struct stream bytewise = {.v1 = v1};
    stream_add(&whole, bytes);
    for (size_t i = 0; i < bytes.n; i++) {
        stream_add(&bytewise, span_make(bytes.p + i, 1));
    }
    bool at = stream_at_command(&whole);
    assert_true(stream_at_command(&bytewise) == at);
    stream_free(&whole);
    stream_free(&bytewise);
    return at;
}

static bool at_command(struct span bytes)
{
    return at_command_of(false, bytes);
}

static void a_command_begins_behind_a_complete_one(void **state)
{
    (void)state;
    assert_true(at_command(SPAN("  V2")));
    assert_true(at_command(SPAN("  V2NOP\n")));
    assert_true(at_command(SPAN("  V2PUB t\n\0\0\0\2xy")));
    assert_true(at_command(SPAN("  V2MPUB t\n\0\0\0\11\0\0\0\1\0\0\0\1x\n")));
    assert_true(at_command(SPAN("  V2WHAT IS THAT\n")));
}

static void a_command_begins_nowhere_else(void **state)
{
    (void)state;
    assert_false(at_command(SPAN("")));
    assert_false(at_command(SPAN("  V")));
    assert_false(at_command(SPAN("  V1")));
    assert_false(at_command(SPAN("  V1NOP\n")));
    assert_false(at_command(SPAN("  V2NO")));
    assert_false(at_command(SPAN("  V2PUB t\n")));
    assert_false(at_command(SPAN("  V2PUB t\n\0\0")));
    assert_false(at_command(SPAN("  V2PUB t\n\0\0\0\2x")));
    assert_false(at_command(SPAN("  V2MPUB t\n\0\0\0\11\0\0\0\1")));
    assert_false(at_command(SPAN("  V2PUB t\n\0\0\0\0NOP\n")));
}

static void a_stream_may_be_of_v1(void **state)
{
    (void)state;
    assert_true(at_command_of(true, SPAN("  V1")));
    assert_true(at_command_of(true, SPAN("  V1PING\n")));
    assert_true(at_command_of(true, SPAN("  V1IDENTIFY\n\0\0\0\2{}REGISTER t c\n")));
    assert_false(at_command_of(true, SPAN("  V2")));
    assert_false(at_command_of(true, SPAN("  V1PING")));
    assert_false(at_command_of(true, SPAN("  V1IDENTIFY\n")));
    assert_false(at_command_of(true, SPAN("  V1IDENTIFY\n\0\0\0\2{")));
    assert_false(at_command_of(true, SPAN("  V1IDENTIFY\n\xff\xff\xff\xffPING\n")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_begins_behind_a_complete_one),
        cmocka_unit_test(a_command_begins_nowhere_else),
        cmocka_unit_test(a_stream_may_be_of_v1),
    };
    return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
