/* SPDX-License-Identifier: MIT */
/* Tests of shell/memory_limit.h, with files of the kernel that the tests make. */
#include "shell/memory_limit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "shell/machine.h"
#include "support/folder.h"

#define MIB ((size_t)1 << 20)

/* Makes all folders of the path in the test's folder, and writes the file. */
static void put(const char *path, const char *text)
{
    char part[FOLDER_PATH_MAX];
    for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        snprintf(part, sizeof part, "%.*s", (int)(slash - path), path);
        if (access(folder_path(part), F_OK) != 0) {
            folder_add(part);
        }
    }
    folder_write(path, text);
}

static size_t limit_in(const char *root)
{
    char path[FOLDER_PATH_MAX];
    snprintf(path, sizeof path, "%s", folder_path(root));
    return memory_limit_of_groups(path);
}

static void without_files_there_is_no_limit(void **state)
{
    (void)state;
    assert_true(limit_in("nothing") == SIZE_MAX);
    put("only-proc/proc/self/cgroup", "0::/a/b\n4:memory:/c\n");
    assert_true(limit_in("only-proc") == SIZE_MAX);
}

static void version_2_the_smallest_limit_on_the_path_counts(void **state)
{
    (void)state;
    put("v2/proc/self/cgroup", "0::/a/b/c\n");
    put("v2/sys/fs/cgroup/a/b/c/memory.max", "max\n");
    assert_true(limit_in("v2") == SIZE_MAX);
    put("v2/sys/fs/cgroup/a/memory.max", "400\n");
    assert_int_equal(limit_in("v2"), 400);
    put("v2/sys/fs/cgroup/a/b/memory.max", "300\n");
    assert_int_equal(limit_in("v2"), 300);
    put("v2/sys/fs/cgroup/a/b/c/memory.max", "350\n");
    assert_int_equal(limit_in("v2"), 300);
    put("v2/sys/fs/cgroup/a/b/c/memory.max", "200\n");
    assert_int_equal(limit_in("v2"), 200);
    put("v2/sys/fs/cgroup/memory.max", "100\n"); /* the mount of a container */
    assert_int_equal(limit_in("v2"), 100);
}

static void version_1_names_its_controllers(void **state)
{
    (void)state;
    put("v1/proc/self/cgroup", "9:name=memory:/x\n8:cpu,memory,pids:/d/e\n3:memory2:/x\n0::/\n");
    put("v1/sys/fs/cgroup/memory/x/memory.limit_in_bytes", "1\n"); /* of no memory controller */
    put("v1/sys/fs/cgroup/memory/d/memory.limit_in_bytes", "700\n");
    put("v1/sys/fs/cgroup/memory/d/e/memory.limit_in_bytes", "9223372036854771712\n");
    put("v1/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    assert_int_equal(limit_in("v1"), 700);
}

static void a_group_that_the_mount_does_not_show_is_left_out(void **state)
{
    (void)state;
    put("container/proc/self/cgroup", "4:memory:/docker/1234\n");
    put("container/sys/fs/cgroup/memory/memory.limit_in_bytes", "500\n");
    assert_int_equal(limit_in("container"), 500);
}

static void the_group_of_the_root_has_a_file_without_a_path(void **state)
{
    (void)state;
    put("root/proc/self/cgroup", "0::/\n");
    put("root/sys/fs/cgroup/memory.max", "600\n");
    assert_int_equal(limit_in("root"), 600);
}

static void odd_contents_are_no_limit(void **state)
{
    (void)state;
    static const char *const odd[] = {
        "",         "\n",     "-1\n",   "+5\n",
        " 5\n",     "5 MB\n", "0x10\n", "99999999999999999999999999\n",
        "maximum\n"};
    put("odd/proc/self/cgroup", "\n0\n0:\nrubbish\n0::/a\n");
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        put("odd/sys/fs/cgroup/a/memory.max", odd[i]);
        assert_true(limit_in("odd") == SIZE_MAX);
    }
    put("odd/sys/fs/cgroup/a/memory.max", "5"); /* no newline at the end */
    assert_int_equal(limit_in("odd"), 5);
    put("odd/sys/fs/cgroup/a/memory.max", "0\n");
    assert_int_equal(limit_in("odd"), 0);
}

/* The limit is set in a child, and only for the call: valgrind needs more memory at the end. */
static void the_address_space_counts_too(void **state)
{
    (void)state;
    assert_true(memory_limit("/nonexistent") <= machine_memory());
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct rlimit before;
        bool good = getrlimit(RLIMIT_AS, &before) == 0;
        const struct rlimit low = {.rlim_cur = 15 * MIB, .rlim_max = before.rlim_max};
        good = good && setrlimit(RLIMIT_AS, &low) == 0 && memory_limit("/nonexistent") == 15 * MIB;
        setrlimit(RLIMIT_AS, &before);
        _exit(good ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_files_there_is_no_limit),
        cmocka_unit_test(version_2_the_smallest_limit_on_the_path_counts),
        cmocka_unit_test(version_1_names_its_controllers),
        cmocka_unit_test(a_group_that_the_mount_does_not_show_is_left_out),
        cmocka_unit_test(the_group_of_the_root_has_a_file_without_a_path),
        cmocka_unit_test(odd_contents_are_no_limit),
        cmocka_unit_test(the_address_space_counts_too),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
