/* SPDX-License-Identifier: MIT */
/*
 * Owns: two seeded hashes. One is for names that peers choose (SipHash-2-4): the seed is secret, so
 * a peer cannot find topic names that all fall into one bucket of a table. The other one is faster
 * and is for numbers that this program chooses.
 * Must not know: where the seed comes from, and what is hashed.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <nsq/span.h>

/* A secret of 128 random bits. */
struct hash_seed {
    uint64_t k[2];
};

/* The hash of bytes that a peer may choose. */
uint64_t hash_bytes(const struct hash_seed *seed, struct span s);

/* The hash of a number that no peer chooses. (A peer may choose which of the numbers stay in a
 * table.) Every bit of the number and of the seed has an effect on the low bits of the result. An
 * attacker that sees results could find collisions, but no result leaves the program. */
static inline uint64_t hash_number(const struct hash_seed *seed, uint64_t n)
{
    uint64_t x = n ^ seed->k[0];
    x = (x ^ x >> 32) * (seed->k[1] | 1);
    x = (x ^ x >> 29) * 0x9e3779b97f4a7c15U; /* 2^64 divided by the golden ratio: odd, no pattern */
    return x ^ x >> 32;
}

#endif
