/* SPDX-License-Identifier: MIT */
/* Tests of conform/servers.h. The command that should start a server only ends. */
#include "conform/servers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { CASES = 3 * SERVER_CASES_MAX + 1, OTHERS = SERVERS_MAX };

static struct suite_case cases[CASES + OTHERS];
static const struct suite_case *pointers[CASES + OTHERS];
static char flags[OTHERS][16];

static void fill(void)
{
    for (size_t i = 0; i < CASES + OTHERS; i++) {
        pointers[i] = &cases[i];
        if (i >= CASES) {
            int n = snprintf(flags[i - CASES], sizeof flags[0], "--x=%zu", i);
            cases[i].file.flags = span_make(flags[i - CASES], (size_t)n);
        }
    }
}

/* Each batch has up to SERVERS_MAX servers. No server has too many cases, or cases of other flags.
 */
static void cases_are_dealt_out_by_their_flags(void **state)
{
    (void)state;
    static struct servers s;
    size_t played = 0;
    size_t batches = 0;
    fill();
    servers_init(&s, "false", "", NULL, pointers, CASES + OTHERS);
    while (servers_next(&s)) {
        size_t on[SERVERS_MAX] = {0};
        batches++;
        for (size_t i = 0; i < CASES + OTHERS; i++) {
            size_t k = s.of[i];
            if (k < SERVERS_MAX) {
                assert_true(span_equal(s.flags[k], cases[i].file.flags));
                assert_int_equal(s.list[k].state, SPAWN_REFUSED);
                on[k]++;
                played++;
            }
        }
        for (size_t k = 0; k < s.count; k++) {
            assert_in_range(on[k], 1, SERVER_CASES_MAX);
        }
        servers_stop(&s);
    }
    assert_int_equal(played, CASES + OTHERS);
    assert_int_equal(batches, 2);
    servers_free(&s);
}

static void a_restart_starts_the_command_again(void **state)
{
    (void)state;
    static struct servers s;
    servers_init(&s, "false", "", NULL, pointers, 1);
    assert_true(servers_next(&s));
    assert_false(servers_restart(&s, 0));
    assert_int_equal(s.list[0].state, SPAWN_REFUSED);
    servers_stop(&s);
    servers_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cases_are_dealt_out_by_their_flags),
        cmocka_unit_test(a_restart_starts_the_command_again),
    };
    return cmocka_run_group_tests_name("servers", tests, NULL, NULL);
}
