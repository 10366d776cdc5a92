/* SPDX-License-Identifier: MIT */
/* Tests of shell/machine.h: facts about the machine, and files. */
#include "shell/machine.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* --- about itself ----------------------------------------------------------------------------- */

static void a_reason_begins_in_lower_case(void **state)
{
    (void)state;
    char reason[MACHINE_REASON_MAX];
    machine_reason(ENOENT, reason);
    assert_string_equal(reason, "no such file or directory");
    machine_reason(EADDRINUSE, reason);
    assert_string_equal(reason, "address already in use");
    machine_reason(ENOTDIR, reason);
    assert_string_equal(reason, "not a directory");
}

static void the_host_has_a_name(void **state)
{
    (void)state;
    char name[MACHINE_HOST_MAX];
    char wanted[MACHINE_HOST_MAX];
    machine_host(name);
    assert_int_equal(gethostname(wanted, sizeof wanted), 0);
    assert_string_equal(name, wanted[0] == '\0' ? "localhost" : wanted);
}

static void the_machine_has_memory(void **state)
{
    (void)state;
    assert_true(machine_memory() >= (size_t)16 << 20);
}

static void descriptors_are_raised_to_the_hard_limit(void **state)
{
    (void)state;
    struct rlimit before;
    struct rlimit after;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    const struct rlimit low = {.rlim_cur = 64, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    size_t n = machine_descriptors();
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &after), 0);
    assert_true(after.rlim_cur == before.rlim_max);
    assert_true(n == after.rlim_cur || (n == (size_t)1 << 20 && after.rlim_cur > n));
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

static void random_bytes_differ(void **state)
{
    (void)state;
    uint8_t a[256] = {0};
    uint8_t b[256] = {0};
    assert_true(machine_random(a, sizeof a));
    assert_true(machine_random(b, sizeof b));
    assert_memory_not_equal(a, b, sizeof a);
    assert_memory_not_equal(a + 240, b + 240, 16); /* random up to the last byte */
}

static void without_a_descriptor_there_are_no_random_bytes(void **state)
{
    (void)state;
    struct rlimit limit;
    uint8_t bytes[16];
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    const struct rlimit none = {.rlim_cur = 0, .rlim_max = limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    bool ok = machine_random(bytes, sizeof bytes);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_false(ok);
}

/* --- files ------------------------------------------------------------------------------------ */

static int enter_folder(void **state)
{
    char *folder = strdup("/tmp/nsqref-test-XXXXXX");
    *state = folder;
    return folder != NULL && mkdtemp(folder) != NULL ? chdir(folder) : -1;
}

static int leave_folder(void **state)
{
    int failed = chdir("/") != 0 || rmdir(*state) != 0;
    free(*state);
    return failed;
}

static void write_file(const char *path, size_t size)
{
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
    assert_true(fd >= 0);
    for (size_t i = 0; i < size; i++) {
        char c = (char)('a' + i % 23);
        assert_int_equal(write(fd, &c, 1), 1);
    }
    close(fd);
}

static void expect_read(const char *path, size_t most, size_t wanted)
{
    char why[MACHINE_WHY_MAX];
    struct buf out = {0};
    buf_append(&out, SPAN("front:"));
    assert_true(machine_read_file(path, most, &out, why));
    assert_int_equal(out.n, 6 + wanted);
    struct span s = span_skip(buf_span(&out), 6);
    assert(s.p != NULL); /* for the analyzer */
    for (size_t i = 0; i < wanted; i++) {
        assert_int_equal(s.p[i], 'a' + i % 23);
    }
    buf_free(&out);
}

static void a_file_is_read_up_to_a_bound(void **state)
{
    (void)state;
    write_file("f", 40000); /* more than one read */
    expect_read("f", SIZE_MAX, 40000);
    expect_read("f", 40001, 40000);
    expect_read("f", 40000, 40000);
    expect_read("f", 39999, 39999);
    expect_read("f", 16384, 16384);
    expect_read("f", 1, 1);
    expect_read("f", 0, 0);
    write_file("f", 0);
    expect_read("f", SIZE_MAX, 0);
    assert_true(machine_read_file("/dev/zero", 100000, NULL, (char[MACHINE_WHY_MAX]){0}));
    assert_int_equal(unlink("f"), 0);
}

static void whether_a_file_is_readable_needs_no_buffer(void **state)
{
    (void)state;
    char why[MACHINE_WHY_MAX];
    write_file("f", 20000);
    assert_true(machine_read_file("f", SIZE_MAX, NULL, why));
    assert_int_equal(unlink("f"), 0);
    assert_false(machine_read_file("f", SIZE_MAX, NULL, why));
    assert_string_equal(why, "open f: no such file or directory");
    assert_false(machine_read_file(".", SIZE_MAX, NULL, why));
    assert_string_equal(why, "read .: is a directory");
}

static void a_long_reason_is_cut(void **state)
{
    (void)state;
    char path[4 * MACHINE_WHY_MAX];
    char why[MACHINE_WHY_MAX];
    memset(path, 'x', sizeof path);
    path[sizeof path - 1] = '\0';
    assert_false(machine_read_file(path, 1, NULL, why));
    assert_int_equal(strlen(why), MACHINE_WHY_MAX - 1);
    assert_int_equal(strncmp(why, "open xxx", 8), 0);
}

/* Starts a process that locks the folder, and ends without unlocking it when the test says so. */
static pid_t lock_elsewhere(const char *path, int *go_on)
{
    int ready[2];
    int end[2];
    char c = 'n';
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(end), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char why[MACHINE_WHY_MAX];
        close(end[1]);
        c = machine_lock_folder(path, why) ? 'y' : 'n';
        if (write(ready[1], &c, 1) == 1) {
            ssize_t ended = read(end[0], &c, 1);
            (void)ended;
        }
        _exit(0);
    }
    close(end[0]);
    close(ready[1]);
    assert_int_equal(read(ready[0], &c, 1), 1);
    assert_int_equal(c, 'y');
    close(ready[0]);
    *go_on = end[1];
    return child;
}

static int next_descriptor(void)
{
    int fd = dup(STDERR_FILENO);
    close(fd);
    return fd;
}

static void a_folder_is_locked_until_the_process_ends(void **state)
{
    (void)state;
    char why[MACHINE_WHY_MAX];
    int go_on;
    int next = next_descriptor();
    assert_int_equal(mkdir("a:b", 0700),
                     0); /* the name has a colon, where nsqd's text has a dash */
    pid_t child = lock_elsewhere("a:b", &go_on);
    assert_false(machine_lock_folder("a:b", why));
    assert_string_equal(why, "cannot flock directory a:b - resource temporarily unavailable "
                             "(possibly in use by another instance of nsqd)");
    close(go_on);
    assert_int_equal(next_descriptor(), next); /* none is left open */
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(machine_lock_folder("a:b", why));
    assert_false(
        machine_lock_folder("a:b", why)); /* a second lock fails, also within one process */
    assert_int_equal(rmdir("a:b"), 0);
}

static void a_folder_that_is_not_there_is_not_locked(void **state)
{
    (void)state;
    char why[MACHINE_WHY_MAX];
    assert_false(machine_lock_folder("nowhere", why));
    assert_string_equal(why, "open nowhere: no such file or directory");
}

/* --- standard descriptors --------------------------------------------------------------------- */

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

/* In a process of its own: closes the descriptors whose bits are in `closed`, then lets the machine
 * fill the gaps. Returns a number that says what is wrong; 0: nothing. */
static int fill_gaps(unsigned closed)
{
    for (int fd = 0; fd < 3; fd++) {
        if (closed & 1U << fd) {
            close(fd);
        }
    }
    machine_fill_standard();
    for (int fd = 0; fd < 3; fd++) {
        if (!is_open(fd)) {
            return 10 + fd;
        }
    }
    if ((closed & 4) && write(2, "x", 1) != 1) {
        return 20;
    }
    int next = open("/dev/null", O_RDONLY);
    return next >= 3 ? 0 : 30;
}

static void closed_standard_descriptors_are_filled(void **state)
{
    (void)state;
    for (unsigned closed = 0; closed < 8; closed++) {
        int status = 0;
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            _exit(fill_gaps(closed));
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reason_begins_in_lower_case),
        cmocka_unit_test(the_host_has_a_name),
        cmocka_unit_test(the_machine_has_memory),
        cmocka_unit_test(descriptors_are_raised_to_the_hard_limit),
        cmocka_unit_test(random_bytes_differ),
        cmocka_unit_test(without_a_descriptor_there_are_no_random_bytes),
        cmocka_unit_test(a_file_is_read_up_to_a_bound),
        cmocka_unit_test(whether_a_file_is_readable_needs_no_buffer),
        cmocka_unit_test(a_long_reason_is_cut),
        cmocka_unit_test(a_folder_is_locked_until_the_process_ends),
        cmocka_unit_test(a_folder_that_is_not_there_is_not_locked),
        cmocka_unit_test(closed_standard_descriptors_are_filled),
    };
    alarm(250);
    return cmocka_run_group_tests_name("machine", tests, enter_folder, leave_folder);
}
