/* SPDX-License-Identifier: MIT */
/*
 * Owns: a simulated disk that carries out the requests of store/disk_op.h in memory. It knows which
 * bytes and names are safe, and loses the others in a crash. It fails as a test wants.
 * Must not know: what is in the files.
 *
 * Each file has safe bytes, and a list of writes that are not safe. Each file has a name now, and a
 * safe name. A request has two steps: sim_disk_begin does its effects, and sim_disk_end makes them
 * safe. A crash may come before, between and after them.
 *
 * In a crash, each sector of 512 bytes is as it was before some of the unsafe writes to it, chosen
 * for each sector alone. So writes are torn, and later ones may be there without earlier ones. In a
 * few sectors the bytes of unsafe writes become garbage. A name that is not safe may be the new or
 * the old one. A new file without a safe name may have any size up to its own.
 */
#ifndef TESTS_SUPPORT_SIM_DISK_H
#define TESTS_SUPPORT_SIM_DISK_H

#include "store/disk_op.h"

#define SIM_DISK_SECTOR 512
#define SIM_DISK_FILES 32 /* files at a time */

struct sim_disk;

/* An empty disk. */
struct sim_disk *sim_disk_new(void);
/* Another disk with the same contents and faults, and the same request begun. */
struct sim_disk *sim_disk_clone(const struct sim_disk *disk);
void sim_disk_free(struct sim_disk *disk);

/* Begins a request. One request at a time. What `op` points to is borrowed until the end. */
void sim_disk_begin(struct sim_disk *disk, const struct disk_op *op);

/* Ends the request that was begun. The result is borrowed until the next call. */
const struct disk_result *sim_disk_end(struct sim_disk *disk);

/* Both. */
const struct disk_result *sim_disk_do(struct sim_disk *disk, const struct disk_op *op);

/* Power is lost: only what is safe is still there for certain. A request that was begun is
 * forgotten. `seed` chooses what else is there. */
void sim_disk_crash(struct sim_disk *disk, uint64_t seed);

/* The process is killed: all effects are still there, and not safer than before. Of a write that
 * was begun, a part is there that `seed` chooses. */
void sim_disk_kill(struct sim_disk *disk, uint64_t seed);

enum sim_fault {
    SIM_FAIL,     /* DISK_FAILED; nothing is done */
    SIM_NO_SPACE, /* DISK_NO_SPACE; nothing is done */
    SIM_SHORT,    /* an APPEND writes `bytes` bytes only, and fails */
    SIM_SYNC,     /* an APPEND writes, but its sync fails. Of the unsafe writes of the file each
                   * sector may be lost, and a later sync does not know of them. All other requests
                   * fail after their effects */
};

/* The request after `skip` other ones will have this fault, once. */
void sim_disk_fault(struct sim_disk *disk, size_t skip, enum sim_fault fault, size_t bytes);

/* From now on all requests of this kind fail with this reason. DISK_DONE: they do not fail. */
void sim_disk_refuse(struct sim_disk *disk, enum disk_kind kind, enum disk_reason reason);

/* Flips one bit of a file: of its safe bytes and of what is read. */
void sim_disk_flip(struct sim_disk *disk, struct span file, size_t byte, unsigned bit);

/* The bytes of a file as they are read now; borrowed until the next call. NULL: no such file. */
struct span sim_disk_bytes(const struct sim_disk *disk, struct span file);

/* How many requests were begun. */
size_t sim_disk_count(const struct sim_disk *disk);

/* All files, as LIST would tell them; borrowed until the next call. */
size_t sim_disk_files(struct sim_disk *disk, const struct disk_file **files);

/* A number that depends on the state of a generator, which changes. */
uint64_t sim_random(uint64_t *state);

#endif
