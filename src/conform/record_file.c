/* SPDX-License-Identifier: MIT */
/* Writes the files of a recording. Must not know: where the recorded bytes come from. */
#include "conform/record_file.h"

#include <errno.h>
#include <string.h>

#include "conform/files.h"
#include "conform/session_file_check.h"

#define PART ".session.part"

/* Writes DIR/SLUG and the ending to `path`. Returns false when this is too long. */
static bool make_path(const struct record_file *file, const char *ending, char path[FILES_PATH_MAX])
{
    int n = snprintf(path, FILES_PATH_MAX, "%s/%s%s", file->dir, strchr(file->id, '/') + 1, ending);
    return n > 0 && n < FILES_PATH_MAX;
}

bool record_file_open(struct record_file *file)
{
    char path[FILES_PATH_MAX];
    if (!make_path(file, PART, path)) {
        fprintf(stderr, "nsq-record: the path %s... is too long\n", path);
        return false;
    }
    file->part = fopen(path, "wb");
    if (file->part == NULL) {
        fprintf(stderr, "nsq-record: cannot write %s: %s\n", path, strerror(errno));
    }
    return file->part != NULL;
}

void record_file_add(struct record_file *file, const struct record *record)
{
    struct span steps = span_skip(buf_span(&record->steps), file->part_size);
    if (steps.n > 0 && fwrite(steps.p, 1, steps.n, file->part) == steps.n) {
        fflush(file->part);
    }
    file->part_size += steps.n;
}

/* Returns true when nsq-conform can play the file. Otherwise prints what is wrong with it. */
static bool can_be_played(const char *path, struct span bytes)
{
    struct transcript file;
    struct transcript_error error;
    bool parsed = transcript_parse(&file, bytes, &error);
    bool good = parsed && transcript_check(&file, &error);
    if (!good) {
        fprintf(stderr, "nsq-record: %s:%u:%u: the file cannot be played: expected %s\n", path,
                error.line, error.column, error.expected);
    }
    if (parsed) {
        transcript_free(&file);
    }
    return good;
}

bool record_file_write(const struct record_file *file, struct record *record,
                       const struct record_header *header)
{
    char path[FILES_PATH_MAX];
    struct buf out = {0};
    bool whole = record_print(record, header, &out);
    if (!whole) {
        fprintf(stderr, "nsq-record: %s\n", record->broken);
    }
    make_path(file, ".session", path);
    FILE *f = fopen(path, "wb");
    bool written = f != NULL && fwrite(buf_span(&out).p, 1, out.n, f) == out.n;
    if ((f != NULL && fclose(f) != 0) || !written) {
        fprintf(stderr, "nsq-record: cannot write %s: %s\n", path, strerror(errno));
        written = false;
    }
    bool good = can_be_played(path, buf_span(&out));
    if (written) {
        fprintf(stderr, "nsq-record: wrote %s\n", path);
    }
    buf_free(&out);
    return whole && written && good;
}

void record_file_close(struct record_file *file, bool written)
{
    char path[FILES_PATH_MAX];
    fclose(file->part);
    if (written && make_path(file, PART, path)) {
        remove(path);
    }
}
