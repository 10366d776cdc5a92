/* SPDX-License-Identifier: MIT */
/*
 * A temporary folder for a test program, and a stream that collects error messages.
 */
#include "support/folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "conform/files.h"

char folder_name[] = "/tmp/nsqref-test-XXXXXX";
char *folder_said;

int folder_make(void **state)
{
    (void)state;
    return mkdtemp(folder_name) == NULL ? -1 : 0;
}

int folder_remove(void **state)
{
    (void)state;
    files_remove(folder_name);
    free(folder_said);
    return files_is_folder(folder_name) ? -1 : 0;
}

const char *folder_path(const char *name)
{
    static char path[FOLDER_PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder_name, name);
    return path;
}

void folder_write(const char *name, const char *text)
{
    assert_true(files_write(folder_path(name), span_make(text, strlen(text)), stderr));
}

void folder_add(const char *name)
{
    assert_int_equal(mkdir(folder_path(name), 0700), 0);
}

FILE *folder_listen(void)
{
    static size_t n;
    free(folder_said);
    folder_said = NULL;
    FILE *f = open_memstream(&folder_said, &n);
    assert_non_null(f);
    return f;
}
