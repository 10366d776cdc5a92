/* SPDX-License-Identifier: MIT */
/* Tests of conform/files.h, in a folder of their own. */
#include "conform/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/folder.h"

#include <sys/stat.h>
#include <unistd.h>

static void folders_are_walked_in_order(void **state)
{
    (void)state;
    struct files files = {0};
    folder_add("walk");
    folder_add("walk/b");
    folder_add("walk/.hidden");
    folder_write("walk/z.txt", "");
    folder_write("walk/b/a.txt", "");
    folder_write("walk/b/a.c", "");
    folder_write("walk/.hidden/x.txt", "");
    assert_true(files_add(&files, folder_path("walk"), ".txt", stderr));
    assert_int_equal(files.n, 2);
    assert_non_null(strstr(files.paths[0], "walk/b/a.txt"));
    assert_non_null(strstr(files.paths[1], "walk/z.txt"));
    assert_true(files_add(&files, folder_path("walk/b/a.c"), ".txt",
                          stderr)); /* a file that is given by name may have any ending */
    assert_int_equal(files.n, 3);
    files_free(&files);
}

static void a_missing_file_is_reported(void **state)
{
    (void)state;
    struct files files = {0};
    struct buf bytes = {0};
    FILE *err = folder_listen();
    assert_false(files_add(&files, folder_path("none"), ".txt", err));
    assert_false(files_read(folder_path("none"), 10, &bytes, err));
    assert_false(files_write(folder_path("none/none"), SPAN("x"), err));
    fclose(err);
    assert_non_null(strstr(folder_said, "none: no such file or directory\nnsq-conform: open "));
    files_free(&files);
    buf_free(&bytes);
}

static void what_can_be_written_is_known_before(void **state)
{
    (void)state;
    folder_write("there", "old");
    FILE *err = folder_listen();
    assert_true(files_can_write("-", err));
    assert_true(files_can_write("/dev/null", err));
    assert_true(files_can_write(folder_path("there"), err));
    assert_true(files_can_write(folder_path("new"), err));
    assert_true(files_can_write("new-in-the-working-folder", err));
    fclose(err);
    assert_string_equal(folder_said, "");
    assert_int_not_equal(access(folder_path("new"), F_OK), 0); /* it was not made */

    err = folder_listen();
    assert_false(files_can_write(folder_path(""), err)); /* a folder */
    assert_false(files_can_write(folder_path("there/x"), err));
    assert_false(files_can_write(folder_path("none/x"), err));
    fclose(err);
    assert_non_null(strstr(folder_said, ": is a directory\n"));
    assert_non_null(strstr(folder_said, "none/x: no such file or directory\n"));
}

static void removing_does_not_follow_links(void **state)
{
    (void)state;
    char to[256];
    folder_write("kept", "x");
    snprintf(to, sizeof to, "%s", folder_path("kept"));
    folder_add("gone");
    folder_add("gone/deep");
    folder_write("gone/deep/file", "x");
    assert_int_equal(symlink(to, folder_path("gone/link")), 0);
    files_remove(folder_path("gone"));
    assert_int_equal(access(folder_path("gone"), F_OK), -1);
    assert_int_equal(access(folder_path("kept"), F_OK), 0);
    files_remove(folder_path("gone")); /* it does not exist */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folders_are_walked_in_order),
        cmocka_unit_test(a_missing_file_is_reported),
        cmocka_unit_test(what_can_be_written_is_known_before),
        cmocka_unit_test(removing_does_not_follow_links),
    };
    return cmocka_run_group_tests_name("files", tests, folder_make, folder_remove);
}
