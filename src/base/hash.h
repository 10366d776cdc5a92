/* SPDX-License-Identifier: MIT */
/*
 * Owns: the seeded hash of names that peers choose (SipHash-2-4). With a secret seed nobody can
 * make up topic names that all fall into one bucket.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <nsq/span.h>

struct hash_seed {
    uint64_t k[2];
};

uint64_t hash_bytes(const struct hash_seed *seed, struct span s);

#endif
