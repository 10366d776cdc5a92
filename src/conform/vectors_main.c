/* SPDX-License-Identifier: MIT */
/*
 * nsq-vectors: writes the cases as JSON for implementations in other languages.
 *
 *     nsq-vectors OUT.json [FILE|DIR]...     (default: the cases of the suite; OUT.json may be "-")
 */
#include "conform/vectors.h"

#include "conform/files.h"
#include "shell/standard_output.h"

static enum conform_exit write_vectors(const struct suite *suite, const char *path)
{
    struct buf out = {0};
    struct buf why = {0};
    enum conform_exit code = EXIT_CONFORMS;
    if (!vectors_write(suite, &out, &why)) {
        fprintf(stderr, "%.*s\n", (int)why.n, (const char *)buf_span(&why).p);
        code = EXIT_DOES_NOT;
    } else if (!files_write(path, buf_span(&out), stderr)) {
        code = EXIT_USAGE;
    }
    buf_free(&out);
    buf_free(&why);
    return code;
}

static enum conform_exit run(int argc, char **argv)
{
    char path[SUITE_PATH_MAX];
    const char *all = suite_folder(path);
    if (argc < 2 || (argv[1][0] == '-' && argv[1][1] != '\0')) {
        fputs("usage: nsq-vectors OUT.json [FILE|DIR]...\n", argc < 2 ? stderr : stdout);
        return argc < 2 ? EXIT_USAGE : EXIT_CONFORMS;
    }
    struct suite suite;
    bool given = argc > 2;
    enum conform_exit code = EXIT_USAGE;
    if (suite_load(&suite, given ? (const char *const *)argv + 2 : &all,
                   given ? (size_t)argc - 2 : 1, stderr)) {
        suite.folder = all;
        code = write_vectors(&suite, argv[1]);
    }
    suite_free(&suite);
    return code;
}

int main(int argc, char **argv)
{
    enum conform_exit code = run(argc, argv);
    return standard_output_end("nsq-vectors") ? (int)code : EXIT_USAGE;
}
