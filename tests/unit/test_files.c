/* SPDX-License-Identifier: MIT */
/* Tests of conform/files.h, in a folder of their own. */
#include "conform/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

/* --- a folder of the test --------------------------------------------------------------------- */

static char folder[] = "/tmp/nsqref-test-XXXXXX";
static char path[256];
static char *said; /* what was complained about */

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int remove_folder(void **state)
{
    (void)state;
    files_remove(folder);
    free(said);
    return files_is_folder(folder) ? -1 : 0;
}

/* A path in it, until the next call. */
static const char *in_folder(const char *name)
{
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *text)
{
    assert_true(files_write(in_folder(name), span_make(text, strlen(text)), stderr));
}

static FILE *listen_to(void)
{
    static size_t n;
    free(said);
    said = NULL;
    FILE *f = open_memstream(&said, &n);
    assert_non_null(f);
    return f;
}

static void make(const char *name)
{
    assert_int_equal(mkdir(in_folder(name), 0700), 0);
}

static void folders_are_walked_in_order(void **state)
{
    (void)state;
    struct files files = {0};
    make("walk");
    make("walk/b");
    make("walk/.hidden");
    write_file("walk/z.txt", "");
    write_file("walk/b/a.txt", "");
    write_file("walk/b/a.c", "");
    write_file("walk/.hidden/x.txt", "");
    assert_true(files_add(&files, in_folder("walk"), ".txt", stderr));
    assert_int_equal(files.n, 2);
    assert_non_null(strstr(files.paths[0], "walk/b/a.txt"));
    assert_non_null(strstr(files.paths[1], "walk/z.txt"));
    assert_true(files_add(&files, in_folder("walk/b/a.c"), ".txt", stderr)); /* by name: any */
    assert_int_equal(files.n, 3);
    files_free(&files);
}

static void what_is_not_there_is_said(void **state)
{
    (void)state;
    struct files files = {0};
    struct buf bytes = {0};
    FILE *err = listen_to();
    assert_false(files_add(&files, in_folder("none"), ".txt", err));
    assert_false(files_read(in_folder("none"), 10, &bytes, err));
    assert_false(files_write(in_folder("none/none"), SPAN("x"), err));
    fclose(err);
    assert_non_null(strstr(said, "none: no such file or directory\nnsq-conform: open "));
    files_free(&files);
    buf_free(&bytes);
}

static void removing_follows_no_links(void **state)
{
    (void)state;
    char to[256];
    write_file("kept", "x");
    snprintf(to, sizeof to, "%s", in_folder("kept"));
    make("gone");
    make("gone/deep");
    write_file("gone/deep/file", "x");
    assert_int_equal(symlink(to, in_folder("gone/link")), 0);
    files_remove(in_folder("gone"));
    assert_int_equal(access(in_folder("gone"), F_OK), -1);
    assert_int_equal(access(in_folder("kept"), F_OK), 0);
    files_remove(in_folder("gone")); /* there is nothing */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folders_are_walked_in_order),
        cmocka_unit_test(what_is_not_there_is_said),
        cmocka_unit_test(removing_follows_no_links),
    };
    return cmocka_run_group_tests_name("files", tests, make_folder, remove_folder);
}
