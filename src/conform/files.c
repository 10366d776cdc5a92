/* SPDX-License-Identifier: MIT */
/* Reads, writes, lists and removes files with plain system calls. Must not know: what is in them.
 */
#include "conform/files.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "shell/machine.h"

bool files_is_folder(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

bool files_make_folder(const char *path)
{
    char part[FILES_PATH_MAX];
    int n = snprintf(part, sizeof part, "%s", path);
    for (int i = 1; n < FILES_PATH_MAX && i <= n; i++) {
        if (path[i] == '/' || path[i] == '\0') {
            part[i] = '\0';
            mkdir(part, 0700); /* often it is there already */
            part[i] = path[i];
        }
    }
    return n < FILES_PATH_MAX && access(path, W_OK | X_OK) == 0;
}

bool files_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static void add(struct files *files, const char *path)
{
    if (files->n == files->cap) {
        files->cap = files->cap == 0 ? 64 : 2 * files->cap;
        files->paths = alloc_resize(files->paths, files->cap * sizeof *files->paths);
    }
    size_t n = strlen(path) + 1;
    files->paths[files->n] = alloc_zeroed(n);
    memcpy(files->paths[files->n++], path, n);
}

static bool ends_in(const char *name, const char *ending)
{
    size_t n = strlen(name);
    size_t e = strlen(ending);
    return n > e && strcmp(name + n - e, ending) == 0;
}

/* "folder/name"; false: the path is too long, or a hidden file. */
static bool join(char out[FILES_PATH_MAX], const char *folder, const char *name)
{
    return name[0] != '.' && snprintf(out, FILES_PATH_MAX, "%s/%s", folder, name) < FILES_PATH_MAX;
}

static bool walk(struct files *files, const char *folder, const char *ending, int depth)
{
    char path[FILES_PATH_MAX];
    DIR *dir = opendir(folder);
    if (dir == NULL || depth > FILES_DEPTH_MAX) {
        if (dir != NULL) {
            closedir(dir);
        }
        return false;
    }
    const struct dirent *entry;
    bool ok = true;
    while ((entry = readdir(dir)) != NULL) {
        if (!join(path, folder, entry->d_name)) {
            continue;
        }
        if (files_is_folder(path)) {
            ok = walk(files, path, ending, depth + 1) && ok;
        } else if (ends_in(path, ending)) {
            add(files, path);
        }
    }
    closedir(dir);
    return ok;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool complain(const char *path, int error, FILE *err)
{
    char reason[MACHINE_REASON_MAX];
    machine_reason(error, reason);
    fprintf(err, "%s: %s\n", path, reason);
    return false;
}

bool files_add(struct files *files, const char *path, const char *ending, FILE *err)
{
    size_t before = files->n;
    if (!files_is_folder(path)) {
        if (access(path, R_OK) != 0) {
            return complain(path, errno, err);
        }
        add(files, path);
        return true;
    }
    if (!walk(files, path, ending, 0)) {
        return complain(path, errno, err);
    }
    if (files->n > before) {
        qsort(files->paths + before, files->n - before, sizeof *files->paths, by_path);
    }
    return true;
}

void files_free(struct files *files)
{
    for (size_t i = 0; i < files->n; i++) {
        alloc_free(files->paths[i]);
    }
    alloc_free(files->paths);
    *files = (struct files){0};
}

bool files_read(const char *path, size_t most, struct buf *out, FILE *err)
{
    char why[MACHINE_WHY_MAX];
    bool ok = machine_read_file(path, most, out, why);
    if (!ok) {
        fprintf(err, "nsq-conform: %s\n", why);
    }
    return ok;
}

bool files_write(const char *path, struct span bytes, FILE *err)
{
    bool standard = strcmp(path, "-") == 0;
    FILE *f = standard ? stdout : fopen(path, "wb");
    if (f == NULL) {
        return complain(path, errno, err);
    }
    bool ok = bytes.n == 0 || fwrite(bytes.p, 1, bytes.n, f) == bytes.n;
    ok = ok && fflush(f) == 0;
    int error = errno; /* the first error counts */
    if (!standard && fclose(f) != 0 && ok) {
        ok = false;
        error = errno;
    }
    return ok || complain(path, error, err);
}

bool files_can_write(const char *path, FILE *err)
{
    char folder[FILES_PATH_MAX];
    struct stat s;
    if (strcmp(path, "-") == 0) {
        return true;
    }
    if (stat(path, &s) == 0) {
        bool writable = access(path, W_OK) == 0;
        return (writable && !S_ISDIR(s.st_mode)) || complain(path, writable ? EISDIR : errno, err);
    }
    const char *slash = strrchr(path, '/');
    int n = slash == NULL ? snprintf(folder, sizeof folder, ".")
                          : snprintf(folder, sizeof folder, "%.*s/", (int)(slash - path), path);
    if (n >= (int)sizeof folder) {
        return complain(path, ENAMETOOLONG, err);
    }
    return (files_is_folder(folder) || complain(path, errno, err)) &&
           (access(folder, W_OK | X_OK) == 0 || complain(path, errno, err));
}

static void remove_at(const char *path, int depth)
{
    char inside[FILES_PATH_MAX];
    struct stat s;
    if (lstat(path, &s) != 0) {
        return;
    }
    DIR *dir = S_ISDIR(s.st_mode) && depth <= FILES_DEPTH_MAX ? opendir(path) : NULL;
    const struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        bool self = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        int n = snprintf(inside, sizeof inside, "%s/%s", path, entry->d_name);
        if (!self && n < (int)sizeof inside) {
            remove_at(inside, depth + 1);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    if (S_ISDIR(s.st_mode)) {
        rmdir(path);
    } else {
        unlink(path);
    }
}

void files_remove(const char *path)
{
    remove_at(path, 0);
}
