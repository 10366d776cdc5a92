/* SPDX-License-Identifier: MIT */
/* Finds the user's folder for the state of programs. Must not know: what a report says. */
#include "conform/last_report.h"

#include <stdlib.h>
#include <unistd.h>

#define FOLDER "nsq-conform"
#define NAME "last.json"

/* Returns the folder of the file, or NULL. The XDG rules ignore a path that is not absolute. */
static const char *folder_of(char path[FILES_PATH_MAX])
{
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    int n = FILES_PATH_MAX;
    if (state != NULL && state[0] == '/') {
        n = snprintf(path, FILES_PATH_MAX, "%s/" FOLDER, state);
    } else if (home != NULL && home[0] == '/') {
        n = snprintf(path, FILES_PATH_MAX, "%s/.local/state/" FOLDER, home);
    }
    return n < FILES_PATH_MAX ? path : NULL;
}

const char *last_report_path(char path[FILES_PATH_MAX])
{
    char folder[FILES_PATH_MAX];
    if (folder_of(folder) == NULL) {
        return NULL;
    }
    return snprintf(path, FILES_PATH_MAX, "%s/" NAME, folder) < FILES_PATH_MAX ? path : NULL;
}

void last_report_write(struct span json)
{
    char folder[FILES_PATH_MAX];
    char path[FILES_PATH_MAX];
    char new[FILES_PATH_MAX];
    if (last_report_path(path) == NULL || !files_make_folder(folder_of(folder)) ||
        snprintf(new, sizeof new, "%s.%ld", path, (long)getpid()) >= FILES_PATH_MAX) {
        return;
    }
    FILE *file = fopen(new, "w");
    if (file == NULL) {
        return;
    }
    bool ok = fwrite(json.p, 1, json.n, file) == json.n;
    if (fclose(file) != 0 || !ok || rename(new, path) != 0) {
        unlink(new);
    }
}
