/* SPDX-License-Identifier: MIT */
/*
 * Owns: the seeded hash of names that peers choose (SipHash-2-4). With a secret seed nobody can
 * make up topic names that all fall into one bucket. And a faster one of numbers that we choose.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <nsq/span.h>

struct hash_seed {
    uint64_t k[2];
};

uint64_t hash_bytes(const struct hash_seed *seed, struct span s);

/* For numbers that no peer makes, even if peers choose which of them stay in a table: every bit of
 * the number and of the seed reaches the low bits. No match for who sees hashes; nobody does. */
static inline uint64_t hash_number(const struct hash_seed *seed, uint64_t n)
{
    uint64_t x = n ^ seed->k[0];
    x = (x ^ x >> 32) * (seed->k[1] | 1);
    x = (x ^ x >> 29) * 0x9e3779b97f4a7c15U; /* an odd number without pattern: the golden ratio */
    return x ^ x >> 32;
}

#endif
