/* SPDX-License-Identifier: MIT */
/*
 * The main function of a fuzz target that is built without a fuzzing engine. It runs each file
 * once, and the files of a folder in the order of their names. So corpora replay with any compiler,
 * and coverage is counted. With -v it prints what a file does. --shape prints the two numbers of
 * the target's fuzz_shape.
 *
 *     TARGET [-v] FILE|FOLDER...
 *     TARGET --shape
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

#define INPUT_MAX ((size_t)1 << 20) /* bytes; fuzzers write far smaller inputs */
#define PATH_LENGTH_MAX 4096

static size_t count;

static bool fail(const char *path)
{
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    return false;
}

static bool run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return fail(path);
    }
    /* Exactly as long as the input, so that ASan sees a read past its end. */
    uint8_t *all = malloc(INPUT_MAX);
    size_t n = all == NULL ? 0 : fread(all, 1, INPUT_MAX, file);
    uint8_t *data = malloc(n > 0 ? n : 1);
    bool whole = all != NULL && data != NULL && !ferror(file) && n < INPUT_MAX;
    fclose(file);
    if (!whole) {
        free(all);
        free(data);
        fprintf(stderr, "%s: cannot be read, or has %zu bytes or more\n", path, INPUT_MAX);
        return false;
    }
    memcpy(data, all, n);
    free(all);
    if (fuzz_talks) {
        printf("# %s, %zu bytes\n", path, n);
    }
    LLVMFuzzerTestOneInput(data, n);
    free(data);
    count++;
    return true;
}

static bool run_folder(const char *folder)
{
    struct dirent **entries;
    int n = scandir(folder, &entries, NULL, alphasort);
    bool good = n >= 0 || fail(folder);
    for (int i = 0; i < n; i++) {
        char path[PATH_LENGTH_MAX];
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        good = (entries[i]->d_name[0] == '.' || run_file(path)) && good;
        free(entries[i]);
    }
    if (n >= 0) {
        free(entries);
    }
    return good;
}

int main(int argc, char **argv)
{
    int first = 1;
    if (argc == 2 && strcmp(argv[1], "--shape") == 0) {
        printf("%zu %d\n", fuzz_shape.header, (int)fuzz_shape.body);
        return 0;
    }
    if (argc > 1 && strcmp(argv[1], "-v") == 0) {
        fuzz_talks = true;
        first = 2;
    }
    if (first >= argc) {
        fprintf(stderr, "usage: %s [-v] FILE|FOLDER...\n", argv[0]);
        return 2;
    }
    bool good = true;
    for (int i = first; i < argc; i++) {
        struct stat about;
        bool folder = stat(argv[i], &about) == 0 && S_ISDIR(about.st_mode);
        good = (folder ? run_folder(argv[i]) : run_file(argv[i])) && good;
    }
    printf("%zu inputs\n", count);
    return good && count > 0 ? 0 : 1;
}
