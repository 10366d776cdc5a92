/* SPDX-License-Identifier: MIT */
/* Tests of program/listeners.h: which addresses a listener takes, its port, and what is left of it.
 */
#include "program/listeners.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/folder.h"

static void a_port_is_known(void **state)
{
    (void)state;
    struct listeners l;
    char why[START_LINE_MAX];
    listeners_init(&l);
    assert_true(listeners_open(&l, 3, "TCP", "127.0.0.1:0", LISTENERS_TCP, why));
    assert_true(listeners_port(&l, 3) > 0);
    assert_int_equal(listeners_port(&l, 0), 0);
    listeners_clean_up(&l);
    assert_int_equal(listeners_port(&l, 3), 0);
}

static void a_path_is_a_unix_socket_or_refused(void **state)
{
    (void)state;
    struct listeners l;
    char why[START_LINE_MAX];
    char expected[START_LINE_MAX];
    const char *path = folder_path("socket");
    listeners_init(&l);
    snprintf(expected, sizeof expected,
             "listen (%s) failed - listen tcp: address %s: missing port in address", path, path);
    assert_false(listeners_open(&l, 0, "TCP", path, LISTENERS_TCP, why));
    assert_string_equal(why, expected);
    assert_int_equal(access(path, F_OK), -1);
    assert_true(listeners_open(&l, 0, "TCP", path, LISTENERS_ANY, why));
    assert_int_equal(listeners_port(&l, 0), -1);
    assert_int_equal(access(path, F_OK), 0);
    listeners_clean_up(&l);
    assert_int_equal(access(path, F_OK), -1);
}

/* The reasons are those of nsqlookupd 1.3.0. */
static void a_bad_address_is_refused_in_words_of_go(void **state)
{
    (void)state;
    static char long_host[400];
    memset(long_host, 'a', sizeof long_host - 3);
    memcpy(long_host + sizeof long_host - 3, ":0", 3);
    static const struct {
        const char *address, *why;
    } bad[] = {
        {"a", "missing port in address"},
        {"", "missing port in address"},
        {"a:b:c", "too many colons in address"},
        {"[::1", "missing ']' in address"},
        {"[::1]", "missing port in address"},
        {"[::1]x:1", "missing port in address"},
        {"[::1]:1:2", "too many colons in address"},
        {"a[:0", "unexpected '[' in address"},
        {"[[::1]:0", "unexpected '[' in address"},
        {"[::1]:0]", "unexpected ']' in address"},
        {"a]:0", "unexpected ']' in address"},
        {long_host, "host or port is too long"},
    };
    struct listeners l;
    char why[START_LINE_MAX];
    char expected[START_LINE_MAX];
    listeners_init(&l);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(expected, sizeof expected,
                 "listen (%.256s) failed - listen tcp: address %.256s: %s", bad[i].address,
                 bad[i].address, bad[i].why);
        assert_false(listeners_open(&l, 0, "TCP", bad[i].address, LISTENERS_TCP, why));
        assert_string_equal(why, expected);
    }
}

/* A program ends when one listener cannot be opened, so nothing may be left. */
static void one_that_fails_closes_all(void **state)
{
    (void)state;
    struct listeners l;
    char why[START_LINE_MAX];
    const char *path = folder_path("other");
    listeners_init(&l);
    assert_true(listeners_open(&l, 0, "TCP", path, LISTENERS_ANY, why));
    assert_false(listeners_open(&l, 1, "HTTP", "127.0.0.1:99999", LISTENERS_ANY, why));
    assert_string_equal(
        why, "listen (127.0.0.1:99999) failed - listen tcp: address 99999: invalid port");
    assert_int_equal(listeners_port(&l, 0), 0);
    assert_int_equal(access(path, F_OK), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_port_is_known),
        cmocka_unit_test(a_path_is_a_unix_socket_or_refused),
        cmocka_unit_test(a_bad_address_is_refused_in_words_of_go),
        cmocka_unit_test(one_that_fails_closes_all),
    };
    return cmocka_run_group_tests_name("listeners", tests, folder_make, folder_remove);
}
