/* SPDX-License-Identifier: MIT */
/*
 * Owns: the requests of the store to a disk, and their results, as values. The disk is one folder
 * without subfolders. The shell carries the requests out; tests use a simulated disk
 * (tests/support/sim_disk.h).
 * Must not know: what is in the files.
 *
 * When a request is done, all its effects are safe: they survive a loss of power. There is one
 * exception: the effects of an APPEND without `sync` may be lost. When a request has failed, it may
 * have had all of its effects, a part of them, or none.
 *
 * After an APPEND with `sync` has failed, the system may have dropped all writes of this file that
 * were not safe before. A later sync that succeeds does not mean that they are safe. So the file
 * must not be written any more.
 */
#ifndef STORE_DISK_OP_H
#define STORE_DISK_OP_H

#include <nsq/span.h>

enum disk_kind {
    DISK_LIST,   /* make all names safe, then tell the names and sizes of all files, in any order.
                  * A process that was killed may have left names that are not safe */
    DISK_READ,   /* read `size` bytes at `offset`; fewer if the file ends before */
    DISK_APPEND, /* write `bytes` at `offset`. The file is already long enough, so its size does
                  * not change. With `sync`, all writes of this file are safe afterwards, the
                  * earlier writes too. If `bytes` is empty, there is only the sync */
    DISK_CREATE, /* make a new file with `size` bytes of zeros */
    DISK_RENAME, /* give a file the name `to`, which no other file has */
    DISK_DELETE, /* remove a file */
};

struct disk_op {
    enum disk_kind kind;
    struct span file;  /* all kinds except LIST: a name without '/', at most DISK_NAME_MAX bytes */
    struct span to;    /* RENAME: the new name */
    uint64_t offset;   /* READ, APPEND: byte in the file */
    uint64_t size;     /* READ: bytes to read; CREATE: bytes of the file */
    struct span bytes; /* APPEND. They stay where they are until the result is known */
    bool sync;         /* APPEND */
};

#define DISK_NAME_MAX 32 /* bytes */

enum disk_reason {
    DISK_DONE = 0,
    DISK_NO_SPACE, /* the disk is full, or a quota is used up */
    DISK_FAILED,   /* any other error: the disk, permissions, a file that is not there */
};

struct disk_file {
    struct span name;
    uint64_t size; /* bytes */
};

/* Borrowed: valid only while the result is passed on. */
struct disk_result {
    enum disk_reason reason;
    struct span bytes;             /* READ */
    const struct disk_file *files; /* LIST */
    size_t count;                  /* LIST: how many files */
};

#endif
