/* SPDX-License-Identifier: MIT */
/* Tests of base/alloc.h: zeroed memory, resizing, and how the program ends without memory. */
#include "base/alloc.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define CAUGHT 42 /* the exit code of a child that was aborted */

/* Makes ASan return NULL for an impossible size, as malloc does. */
const char *__asan_default_options(void); /* NOLINT(bugprone-reserved-identifier) */
const char *__asan_default_options(void)  /* NOLINT(bugprone-reserved-identifier) */
{
    return "allocator_may_return_null=1";
}

static void memory_is_zeroed(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 4096; n *= 2) {
        uint8_t *p = alloc_zeroed(n);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(p[i], 0);
        }
        memset(p, 0xff, n); /* so that memory that is used again is not zero */
        alloc_free(p);
    }
}

static void no_bytes_are_a_place_too(void **state)
{
    (void)state;
    void *p = alloc_zeroed(0);
    assert_non_null(p);
    alloc_free(p);
    alloc_free(NULL);
}

static void resizing_keeps_the_bytes(void **state)
{
    (void)state;
    uint8_t *p = alloc_resize(NULL, 1);
    p[0] = 7;
    for (size_t n = 2; n <= 65536; n *= 2) {
        p = alloc_resize(p, n);
        assert_int_equal(p[0], 7);
        assert_true(n == 2 || p[n / 2 - 1] == 9);
        p[n - 1] = 9;
    }
    p = alloc_resize(p, 1);
    assert_int_equal(p[0], 7);
    alloc_free(p);
}

static void take_all_zeroed(size_t n)
{
    alloc_free(alloc_zeroed(n));
}

static void take_all_resized(size_t n)
{
    alloc_free(alloc_resize(NULL, n));
}

/* Calls exit, so that the child writes its coverage. */
static void caught(int number)
{
    (void)number;
    exit(CAUGHT); /* NOLINT(bugprone-signal-handler,cert-sig30-c): abort was called, not raised */
}

/* Runs take(SIZE_MAX / 4) in a child. Returns what the child writes to stderr; sets how it ended.
 */
static void in_child(void (*take)(size_t n), char *line, size_t size, int *status)
{
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    fflush(stdout);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(pipes[1], STDERR_FILENO);
        signal(SIGABRT, caught);
        take(SIZE_MAX / 4);
        _exit(EXIT_SUCCESS);
    }
    close(pipes[1]);
    size_t have = 0;
    ssize_t n;
    while (have < size - 1 && (n = read(pipes[0], line + have, size - 1 - have)) > 0) {
        have += (size_t)n;
    }
    line[have] = '\0';
    close(pipes[0]);
    assert_int_equal(waitpid(child, status, 0), child);
}

static void out_of_memory_says_one_line_and_aborts(void **state)
{
    (void)state;
    void (*const takes[])(size_t n) = {take_all_zeroed, take_all_resized};
    for (size_t i = 0; i < sizeof takes / sizeof takes[0]; i++) {
        char line[4096];
        int status = 0;
        in_child(takes[i], line, sizeof line, &status);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), CAUGHT);
        assert_non_null(strstr(line, "nsqref: out of memory\n"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed),
        cmocka_unit_test(no_bytes_are_a_place_too),
        cmocka_unit_test(resizing_keeps_the_bytes),
        cmocka_unit_test(out_of_memory_says_one_line_and_aborts),
    };
    return cmocka_run_group_tests_name("alloc", tests, NULL, NULL);
}
