/* SPDX-License-Identifier: MIT */
#include "support/sim_disk.h"

#include <assert.h>
#include <stdlib.h>

struct write {
    size_t offset;
    size_t n;
    uint8_t *bytes;
};

/* An entry of the folder. Without both names it is free. */
struct file {
    char name[DISK_NAME_MAX + 1]; /* empty: deleted */
    char safe[DISK_NAME_MAX + 1]; /* empty: not there after a crash */
    size_t size;
    uint8_t *now;  /* what is read */
    uint8_t *kept; /* what is safe */
    struct write *writes;
    size_t writes_n;
};

struct sim_disk {
    struct file files[SIM_DISK_FILES];
    struct disk_file listed[SIM_DISK_FILES];
    struct disk_result result;
    struct disk_op op;
    bool running;
    size_t count;
    bool has_fault;
    size_t fault_in; /* requests before it */
    enum sim_fault fault;
    size_t fault_bytes;
    bool strikes; /* the running request has the fault */
    enum disk_reason refused[DISK_DELETE + 1];
};

static void *copy_of(const void *bytes, size_t n)
{
    void *copy = calloc(1, n + 1);
    assert(copy != NULL);
    if (n > 0) {
        memcpy(copy, bytes, n);
    }
    return copy;
}

uint64_t sim_random(uint64_t *state)
{
    uint64_t x = *state += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static bool is_free(const struct file *f)
{
    return f->name[0] == '\0' && f->safe[0] == '\0';
}

static void drop_writes(struct file *f)
{
    for (size_t i = 0; i < f->writes_n; i++) {
        free(f->writes[i].bytes);
    }
    free(f->writes);
    f->writes = NULL;
    f->writes_n = 0;
}

static void forget(struct file *f)
{
    drop_writes(f);
    free(f->now);
    free(f->kept);
    memset(f, 0, sizeof *f);
}

struct sim_disk *sim_disk_new(void)
{
    struct sim_disk *disk = calloc(1, sizeof *disk);
    assert(disk != NULL);
    return disk;
}

struct sim_disk *sim_disk_clone(const struct sim_disk *disk)
{
    struct sim_disk *clone = copy_of(disk, sizeof *disk);
    for (struct file *f = clone->files; f < clone->files + SIM_DISK_FILES; f++) {
        if (is_free(f)) {
            continue;
        }
        f->now = copy_of(f->now, f->size);
        f->kept = copy_of(f->kept, f->size);
        f->writes = copy_of(f->writes, f->writes_n * sizeof *f->writes);
        for (size_t i = 0; i < f->writes_n; i++) {
            f->writes[i].bytes = copy_of(f->writes[i].bytes, f->writes[i].n);
        }
    }
    return clone;
}

void sim_disk_free(struct sim_disk *disk)
{
    for (size_t i = 0; i < SIM_DISK_FILES; i++) {
        forget(&disk->files[i]);
    }
    free(disk);
}

static struct file *find(const struct sim_disk *disk, struct span name)
{
    for (size_t i = 0; i < SIM_DISK_FILES; i++) {
        const struct file *f = &disk->files[i];
        if (name.n > 0 && span_equal(span_make(f->name, strlen(f->name)), name)) {
            return (struct file *)f;
        }
    }
    return NULL;
}

static void set_name(char name[DISK_NAME_MAX + 1], struct span to)
{
    assert(to.n > 0 && to.n <= DISK_NAME_MAX);
    memset(name, 0, DISK_NAME_MAX + 1);
    memcpy(name, to.p, to.n);
}

/* --- requests --------------------------------------------------------------------------------- */

static void write_bytes(struct file *f, size_t offset, struct span bytes)
{
    if (bytes.n == 0) {
        return;
    }
    f->writes = realloc(f->writes, (f->writes_n + 1) * sizeof *f->writes);
    assert(f->writes != NULL);
    f->writes[f->writes_n++] =
        (struct write){.offset = offset, .n = bytes.n, .bytes = copy_of(bytes.p, bytes.n)};
    memcpy(f->now + offset, bytes.p, bytes.n);
}

static enum disk_reason begin_append(struct sim_disk *disk, const struct disk_op *op)
{
    struct file *f = find(disk, op->file);
    if (f == NULL || op->offset > f->size || op->bytes.n > f->size - op->offset) {
        return DISK_FAILED;
    }
    bool is_short = disk->strikes && disk->fault == SIM_SHORT;
    write_bytes(f, op->offset, is_short ? span_first(op->bytes, disk->fault_bytes) : op->bytes);
    return is_short ? DISK_FAILED : DISK_DONE;
}

static enum disk_reason begin_create(struct sim_disk *disk, const struct disk_op *op)
{
    struct file *f = disk->files;
    while (f < disk->files + SIM_DISK_FILES && !is_free(f)) {
        f++;
    }
    assert(f < disk->files + SIM_DISK_FILES);
    if (find(disk, op->file) != NULL) {
        return DISK_FAILED;
    }
    f->size = (size_t)op->size;
    f->now = calloc(1, f->size + 1);
    f->kept = calloc(1, f->size + 1);
    assert(f->now != NULL && f->kept != NULL);
    set_name(f->name, op->file);
    return DISK_DONE;
}

static enum disk_reason begin_rename(struct sim_disk *disk, const struct disk_op *op)
{
    struct file *f = find(disk, op->file);
    if (f == NULL || find(disk, op->to) != NULL) {
        return DISK_FAILED;
    }
    set_name(f->name, op->to);
    return DISK_DONE;
}

static enum disk_reason begin_delete(struct sim_disk *disk, const struct disk_op *op)
{
    struct file *f = find(disk, op->file);
    if (f == NULL) {
        return DISK_FAILED;
    }
    f->name[0] = '\0';
    if (is_free(f)) {
        forget(f);
    }
    return DISK_DONE;
}

size_t sim_disk_files(struct sim_disk *disk, const struct disk_file **files)
{
    size_t n = 0;
    for (size_t i = 0; i < SIM_DISK_FILES; i++) {
        const struct file *f = &disk->files[i];
        if (f->name[0] != '\0') {
            disk->listed[n++] = (struct disk_file){span_make(f->name, strlen(f->name)), f->size};
        }
    }
    *files = disk->listed;
    return n;
}

static enum disk_reason read_file(struct sim_disk *disk, const struct disk_op *op)
{
    const struct file *f = find(disk, op->file);
    if (f == NULL) {
        return DISK_FAILED;
    }
    size_t from = op->offset < f->size ? (size_t)op->offset : f->size;
    disk->result.bytes = span_first(span_make(f->now + from, f->size - from), (size_t)op->size);
    return DISK_DONE;
}

static enum disk_reason carry_out(struct sim_disk *disk, const struct disk_op *op)
{
    switch (op->kind) {
    case DISK_LIST:
        disk->result.count = sim_disk_files(disk, &disk->result.files);
        return DISK_DONE;
    case DISK_READ:
        return read_file(disk, op);
    case DISK_APPEND:
        return begin_append(disk, op);
    case DISK_CREATE:
        return begin_create(disk, op);
    case DISK_RENAME:
        return begin_rename(disk, op);
    case DISK_DELETE:
        return begin_delete(disk, op);
    }
    return DISK_FAILED;
}

void sim_disk_begin(struct sim_disk *disk, const struct disk_op *op)
{
    assert(!disk->running);
    disk->running = true;
    disk->op = *op;
    disk->count++;
    disk->strikes = disk->has_fault && disk->fault_in == 0;
    disk->has_fault = disk->has_fault && !disk->strikes;
    disk->fault_in -= disk->has_fault ? 1 : 0;
    disk->result = (struct disk_result){.reason = disk->refused[op->kind]};
    if (disk->strikes && disk->fault == SIM_FAIL) {
        disk->result.reason = DISK_FAILED;
    } else if (disk->strikes && disk->fault == SIM_NO_SPACE) {
        disk->result.reason = DISK_NO_SPACE;
    } else if (disk->result.reason == DISK_DONE) {
        disk->result.reason = carry_out(disk, op);
    }
}

static void sync_folder(struct sim_disk *disk)
{
    for (struct file *f = disk->files; f < disk->files + SIM_DISK_FILES; f++) {
        memcpy(f->safe, f->name, sizeof f->safe);
        if (is_free(f)) {
            forget(f);
        }
    }
}

/* A sync that fails: the writes are no longer known to be unsafe, but some of them are lost. */
static void fail_sync(struct file *f, uint64_t seed)
{
    uint64_t state = seed;
    for (size_t at = 0; at < f->size; at += SIM_DISK_SECTOR) {
        size_t n = f->size - at < SIM_DISK_SECTOR ? f->size - at : SIM_DISK_SECTOR;
        if (sim_random(&state) % 2 == 0) {
            memcpy(f->kept + at, f->now + at, n);
        }
    }
    memcpy(f->now, f->kept, f->size);
    drop_writes(f);
}

const struct disk_result *sim_disk_end(struct sim_disk *disk)
{
    assert(disk->running);
    disk->running = false;
    struct disk_result *result = &disk->result;
    bool sync_fails = disk->strikes && disk->fault == SIM_SYNC;
    struct file *f = find(disk, disk->op.file);
    if (result->reason == DISK_DONE && disk->op.kind == DISK_APPEND && disk->op.sync) {
        if (sync_fails) {
            fail_sync(f, disk->count);
        } else {
            memcpy(f->kept, f->now, f->size);
            drop_writes(f);
        }
    } else if (result->reason == DISK_DONE && !sync_fails &&
               (disk->op.kind >= DISK_CREATE || disk->op.kind == DISK_LIST)) {
        sync_folder(disk);
    }
    if (sync_fails) {
        *result = (struct disk_result){.reason = DISK_FAILED};
    }
    return result;
}

const struct disk_result *sim_disk_do(struct sim_disk *disk, const struct disk_op *op)
{
    sim_disk_begin(disk, op);
    return sim_disk_end(disk);
}

/* --- crashes and faults ----------------------------------------------------------------------- */

/* Applies the part of a write that lies in the sector at `at`. */
static void apply(uint8_t *bytes, const struct write *w, size_t at, uint64_t *garbage)
{
    size_t from = w->offset > at ? w->offset : at;
    size_t to = w->offset + w->n < at + SIM_DISK_SECTOR ? w->offset + w->n : at + SIM_DISK_SECTOR;
    for (size_t i = from; i < to; i++) {
        bytes[i] = garbage == NULL ? w->bytes[i - w->offset] : (uint8_t)sim_random(garbage);
    }
}

static bool touches(const struct write *w, size_t at)
{
    return w->offset < at + SIM_DISK_SECTOR && w->offset + w->n > at;
}

static void crash_sector(struct file *f, size_t at, uint64_t *state)
{
    size_t touching = 0;
    for (size_t i = 0; i < f->writes_n; i++) {
        touching += touches(&f->writes[i], at) ? 1 : 0;
    }
    if (touching == 0) {
        return;
    }
    size_t applied = (size_t)(sim_random(state) % (touching + 1));
    bool garbage = sim_random(state) % 8 == 0;
    for (size_t i = 0; i < f->writes_n && (applied > 0 || garbage); i++) {
        if (touches(&f->writes[i], at)) {
            apply(f->kept, &f->writes[i], at, garbage ? state : NULL);
            applied -= applied > 0 ? 1 : 0;
        }
    }
}

void sim_disk_crash(struct sim_disk *disk, uint64_t seed)
{
    uint64_t state = seed;
    disk->running = false;
    for (struct file *f = disk->files; f < disk->files + SIM_DISK_FILES; f++) {
        if (is_free(f)) {
            continue;
        }
        bool is_new = f->safe[0] == '\0';
        if (strcmp(f->name, f->safe) != 0 && sim_random(&state) % 2 == 0) {
            memcpy(f->safe, f->name, sizeof f->safe);
        }
        memcpy(f->name, f->safe, sizeof f->name);
        for (size_t at = 0; f->writes_n > 0 && at < f->size; at += SIM_DISK_SECTOR) {
            crash_sector(f, at, &state);
        }
        drop_writes(f);
        memcpy(f->now, f->kept, f->size);
        if (is_free(f)) {
            forget(f);
        } else if (is_new) {
            f->size = (size_t)(sim_random(&state) % (f->size + 1));
        }
    }
}

void sim_disk_kill(struct sim_disk *disk, uint64_t seed)
{
    struct file *f = disk->running ? find(disk, disk->op.file) : NULL;
    bool written = f != NULL && disk->op.kind == DISK_APPEND && f->writes_n > 0 &&
                   disk->result.reason == DISK_DONE && disk->op.bytes.n > 0;
    disk->running = false;
    if (!written) {
        return;
    }
    struct write *last = &f->writes[f->writes_n - 1];
    uint64_t state = seed;
    last->n = (size_t)(sim_random(&state) % (last->n + 1));
    memcpy(f->now, f->kept, f->size);
    for (size_t i = 0; i < f->writes_n; i++) {
        memcpy(f->now + f->writes[i].offset, f->writes[i].bytes, f->writes[i].n);
    }
}

void sim_disk_fault(struct sim_disk *disk, size_t skip, enum sim_fault fault, size_t bytes)
{
    disk->has_fault = true;
    disk->fault_in = skip;
    disk->fault = fault;
    disk->fault_bytes = bytes;
}

void sim_disk_refuse(struct sim_disk *disk, enum disk_kind kind, enum disk_reason reason)
{
    disk->refused[kind] = reason;
}

void sim_disk_flip(struct sim_disk *disk, struct span file, size_t byte, unsigned bit)
{
    struct file *f = find(disk, file);
    assert(f != NULL && byte < f->size && bit < 8);
    f->now[byte] ^= (uint8_t)(1U << bit);
    f->kept[byte] ^= (uint8_t)(1U << bit);
}

struct span sim_disk_bytes(const struct sim_disk *disk, struct span file)
{
    const struct file *f = find(disk, file);
    return f == NULL ? span_make(NULL, 0) : span_make(f->now, f->size);
}

size_t sim_disk_count(const struct sim_disk *disk)
{
    return disk->count;
}
