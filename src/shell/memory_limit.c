/* SPDX-License-Identifier: MIT */
/*
 * Reads the memory limits of the process from the files of the kernel. Must not know what the
 * memory is used for.
 */
#include "shell/memory_limit.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/buf.h"
#include "shell/machine.h"

#define PATH_SIZE 4096
#define FILE_SIZE 65536 /* bytes that are read of a file; the files of the kernel are shorter */

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Returns the text of a file, which the caller frees. The text is empty when the file cannot be
 * read. It ends with NUL. */
static struct buf read_text(const char *path)
{
    struct buf text = {0};
    char why[MACHINE_WHY_MAX];
    machine_read_file(path, FILE_SIZE, &text, why);
    buf_append(&text, span_make("", 1));
    return text;
}

/* Returns the number in the file, or SIZE_MAX when there is none. Version 2 writes "max" when there
 * is no limit. Version 1 writes a number that is larger than any machine's memory. */
static size_t read_limit(const char *path)
{
    struct buf text = read_text(path);
    const char *begin = (const char *)buf_span(&text).p;
    char *end;
    unsigned long long n = strtoull(begin, &end, 10);
    bool is_number = *begin >= '0' && *begin <= '9' && (*end == '\n' || *end == '\0');
    buf_free(&text);
    return is_number && n < SIZE_MAX ? (size_t)n : SIZE_MAX;
}

/* Returns the smallest limit of a group and of all groups above it. `group` is changed. A group
 * that does not exist below `mount` is left out: in a container, the mount may show only a part of
 * the groups that /proc/self/cgroup names. */
static size_t limit_of_path(const char *root, const char *mount, char *group, const char *file)
{
    char path[PATH_SIZE];
    size_t limit = SIZE_MAX;
    for (;;) {
        int n = snprintf(path, sizeof path, "%s/sys/fs/cgroup%s%s/%s", root, mount, group, file);
        if (n > 0 && (size_t)n < sizeof path) {
            limit = smaller(limit, read_limit(path));
        }
        char *slash = strrchr(group, '/');
        if (slash == NULL) {
            return limit;
        }
        *slash = '\0';
    }
}

/* Returns true when the comma-separated list has the word "memory". */
static bool names_memory(const char *list)
{
    const char word[] = "memory";
    for (const char *at = list; (at = strstr(at, word)) != NULL; at++) {
        char after = at[sizeof word - 1];
        if ((at == list || at[-1] == ',') && (after == '\0' || after == ',')) {
            return true;
        }
    }
    return false;
}

/* `line` is one line of /proc/self/cgroup: "number:controllers:group". Version 2 has the number 0
 * and no controllers. */
static size_t limit_of_line(const char *root, char *line)
{
    char *controllers = strchr(line, ':');
    char *group = controllers == NULL ? NULL : strchr(controllers + 1, ':');
    if (group == NULL) {
        return SIZE_MAX;
    }
    *controllers++ = '\0';
    *group++ = '\0';
    if (strcmp(group, "/") == 0) {
        group[0] = '\0';
    }
    if (*controllers == '\0') {
        return limit_of_path(root, "", group, "memory.max");
    }
    return names_memory(controllers)
               ? limit_of_path(root, "/memory", group, "memory.limit_in_bytes")
               : SIZE_MAX;
}

size_t memory_limit_of_groups(const char *root)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    struct buf text = read_text(path);
    size_t limit = SIZE_MAX;
    char *rest = NULL;
    for (char *line = strtok_r((char *)text.p, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        limit = smaller(limit, limit_of_line(root, line));
    }
    buf_free(&text);
    return limit;
}

size_t memory_limit(const char *root)
{
    size_t limit = smaller(machine_memory(), memory_limit_of_groups(root));
    struct rlimit space;
    if (getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur != RLIM_INFINITY) {
        limit = smaller(limit, (size_t)space.rlim_cur);
    }
    return limit;
}
