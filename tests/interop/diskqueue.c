/* SPDX-License-Identifier: MIT */
/*
 * Reads nsqd.dat (engine/metadata.h) and the disk queues of a data path of nsqd, as nsqd would, and
 * writes them to another folder (nsq/diskqueue.h):
 *
 *     diskqueue FROM TO MAX-BYTES-PER-FILE
 *
 * Prints a line for each record: queue, timestamp, attempts, id, and the body in hexadecimal. The
 * queues in TO begin with file 0. Ends with 1 at the first thing that is wrong.
 */
#include <nsq/diskqueue.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/metadata.h"

#define PATH_MOST 4096

struct queue {
    const char *from, *to; /* folders */
    int64_t max_bytes;     /* of a file */
    struct nsq_diskqueue_file file;
    struct nsq_diskqueue_meta written; /* how far the copy is */
    FILE *out;
};

_Noreturn static void fail(const char *what, const char *where)
{
    fprintf(stderr, "%s: %s\n", where, what);
    exit(1);
}

/* The path of a file of the queue; borrowed until the next call. */
static const char *path(const struct queue *q, const char *folder, enum nsq_diskqueue_kind kind,
                        int64_t number)
{
    static char text[PATH_MOST];
    char name[NSQ_DISKQUEUE_NAME_MAX];
    struct nsq_diskqueue_file file = q->file;
    file.kind = kind;
    file.number = number;
    size_t n = nsq_diskqueue_name_encode(&file, (uint8_t *)name, sizeof name);
    snprintf(text, sizeof text, "%s/%.*s", folder, (int)n, name);
    return text;
}

static FILE *must_open(const char *file, const char *mode)
{
    FILE *stream = fopen(file, mode);
    if (stream == NULL) {
        fail("cannot be opened", file);
    }
    return stream;
}

/* Reads a whole file. The caller frees the bytes. */
static struct span load(const char *file)
{
    FILE *in = must_open(file, "rb");
    if (fseek(in, 0, SEEK_END) != 0) {
        fail("cannot be read", file);
    }
    long size = ftell(in);
    rewind(in);
    uint8_t *bytes = size < 0 ? NULL : malloc((size_t)size + 1);
    if (bytes == NULL || fread(bytes, 1, (size_t)size, in) != (size_t)size) {
        fail("cannot be read", file);
    }
    fclose(in);
    return span_make(bytes, (size_t)size);
}

static void print_record(const struct queue *q, const struct nsq_message *m)
{
    struct span topic = q->file.topic, channel = q->file.channel;
    printf("%.*s%s%.*s %lld %u %.16s ", (int)topic.n, (const char *)topic.p,
           channel.n > 0 ? ":" : "", (int)channel.n, (const char *)channel.p,
           (long long)m->timestamp, (unsigned)m->attempts, (const char *)m->id);
    for (size_t i = 0; i < m->body.n; i++) {
        printf("%02x", m->body.p[i]);
    }
    putchar('\n');
}

static void write_record(struct queue *q, const struct nsq_message *message)
{
    struct nsq_diskqueue_meta *at = &q->written;
    size_t size = nsq_diskqueue_record_encode(message, NULL, 0);
    if (q->out != NULL && nsq_diskqueue_rolls(at->write_pos, size, q->max_bytes)) {
        fclose(q->out);
        q->out = NULL;
        at->write_file++;
        at->write_pos = 0;
    }
    if (q->out == NULL) {
        q->out = must_open(path(q, q->to, NSQ_DISKQUEUE_DATA, at->write_file), "wb");
    }
    uint8_t *bytes = malloc(size);
    if (bytes == NULL || nsq_diskqueue_record_encode(message, bytes, size) != size ||
        fwrite(bytes, 1, size, q->out) != size) {
        fail("cannot be written", q->to);
    }
    free(bytes);
    at->write_pos += (int64_t)size;
    at->depth++;
}

/* Copies the records of a file from an offset on. */
static void copy_file(struct queue *q, int64_t number, int64_t offset)
{
    const char *file = path(q, q->from, NSQ_DISKQUEUE_DATA, number);
    struct span all = load(file), rest = all;
    struct nsq_diskqueue_record record;
    if (offset < 0 || (size_t)offset > rest.n) {
        fail("is shorter than the meta file says", file);
    }
    rest = span_skip(rest, (size_t)offset);
    enum nsq_parse outcome;
    while ((outcome = nsq_diskqueue_record_parse(rest, NSQ_DISKQUEUE_BODY_MAX, &record)) ==
           NSQ_OK) {
        print_record(q, &record.message);
        write_record(q, &record.message);
        rest = span_skip(rest, record.consumed);
    }
    if (outcome == NSQ_BAD || rest.n > 0) {
        struct span why = nsq_diskqueue_why_text(record.why);
        fprintf(stderr, "record of %d bytes %.*s\n", (int)record.size, (int)why.n,
                why.n == 0 ? "" : (const char *)why.p);
        fail("bad record", path(q, q->from, NSQ_DISKQUEUE_DATA, number));
    }
    free((void *)all.p);
}

static void copy_queue(struct queue *q)
{
    const char *file = path(q, q->from, NSQ_DISKQUEUE_META, 0);
    struct span text = load(file);
    struct nsq_diskqueue_meta meta;
    struct nsq_diskqueue_meta_error error;
    if (nsq_diskqueue_meta_parse(text, &meta, &error) != NSQ_OK) {
        fail("bad meta file", file);
    }
    free((void *)text.p);
    for (int64_t n = meta.read_file; n <= meta.write_file; n++) {
        int64_t offset = n == meta.read_file ? meta.read_pos : 0;
        /* The writer's file is made when its first record is written. */
        if (n < meta.write_file || meta.write_pos > 0) {
            copy_file(q, n, offset);
        }
    }
    uint8_t bytes[NSQ_DISKQUEUE_META_MAX];
    size_t size = nsq_diskqueue_meta_encode(&q->written, bytes, sizeof bytes);
    FILE *out = must_open(path(q, q->to, NSQ_DISKQUEUE_META, 0), "wb");
    if (fwrite(bytes, 1, size, out) != size || fclose(out) != 0 ||
        (q->out != NULL && fclose(q->out) != 0)) {
        fail("cannot be written", q->to);
    }
}

static void copy_metadata(const char *from, const char *to)
{
    char path[PATH_MOST];
    struct metadata m = {.items = NULL};
    struct metadata_error error;
    struct buf out = {0};
    snprintf(path, sizeof path, "%s/nsqd.dat", from);
    struct span document = load(path);
    if (!metadata_read(document, &m, &error) || m.skipped > 0) {
        fail("bad topics or channels", path);
    }
    metadata_write(&m, SPAN("1.3.0"), &out);
    snprintf(path, sizeof path, "%s/nsqd.dat", to);
    FILE *file = must_open(path, "wb");
    if (fwrite(buf_span(&out).p, 1, out.n, file) != out.n || fclose(file) != 0) {
        fail("cannot be written", path);
    }
    free((void *)document.p);
    buf_free(&out);
    metadata_free(&m);
}

int main(int argc, char **argv)
{
    DIR *folder = argc == 4 ? opendir(argv[1]) : NULL;
    if (folder == NULL) {
        fail("usage: diskqueue FROM TO MAX-BYTES-PER-FILE", argc > 1 ? argv[1] : "");
    }
    copy_metadata(argv[1], argv[2]);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        struct queue q = {.from = argv[1], .to = argv[2], .max_bytes = strtoll(argv[3], NULL, 10)};
        struct span name = span_make(entry->d_name, strlen(entry->d_name));
        if (nsq_diskqueue_name_parse(name, &q.file) && q.file.kind == NSQ_DISKQUEUE_META) {
            copy_queue(&q);
        }
    }
    closedir(folder);
    return 0;
}
