/* SPDX-License-Identifier: MIT */
/* Tests of shell/standard_output.h. Each test runs in a process of its own, because standard output
 * is the process's. */
#include <assert.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "shell/standard_output.h"

enum { GOOD, FAILED };

/* Prints to `path`, in `times` parts of 64 KiB and a short one, and returns how it ended. */
static int ends(const char *path, int times)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        int fd = open(path, O_WRONLY);
        int null = open("/dev/null", O_WRONLY);
        dup2(fd, STDOUT_FILENO);
        dup2(null, STDERR_FILENO); /* the message */
        for (int i = 0; i < times; i++) {
            printf("%65536s", "");
        }
        printf("end\n");
        _exit(standard_output_end("test") ? GOOD : FAILED);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_all_written(void **state)
{
    (void)state;
    assert_int_equal(ends("/dev/null", 0), GOOD);
    assert_int_equal(ends("/dev/null", 3), GOOD);
}

/* The error of buffered output comes at the end, and that of much output earlier. */
static void test_not_written(void **state)
{
    (void)state;
    assert_int_equal(ends("/dev/full", 0), FAILED);
    assert_int_equal(ends("/dev/full", 3), FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_written),
        cmocka_unit_test(test_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
