/* SPDX-License-Identifier: MIT */
/*
 * Owns: two hash functions with a seed. hash_bytes (SipHash-2-4) is for names that peers choose.
 * The seed is secret, so a peer cannot find many topic names that go into the same bucket of a
 * table. hash_number is faster and is for numbers that this program chooses.
 * Must not know: how the seed is made, and what the hashed bytes mean.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <nsq/span.h>

/* A secret of 128 random bits. */
struct hash_seed {
    uint64_t k[2];
};

/* Returns the hash of bytes that a peer may choose. */
uint64_t hash_bytes(const struct hash_seed *seed, struct span s);

/* Returns the hash of a number that no peer chooses. Message ids are such numbers. (Clients choose
 * which messages they finish, but not the ids of messages.) The low bits of the result depend on
 * every bit of the number and on almost every bit of the seed. An attacker could use results to
 * find collisions, but the program never sends a result to a peer. */
static inline uint64_t hash_number(const struct hash_seed *seed, uint64_t n)
{
    uint64_t x = n ^ seed->k[0];
    x = (x ^ x >> 32) * (seed->k[1] | 1);
    x = (x ^ x >> 29) * 0x9e3779b97f4a7c15U; /* 2^64 divided by the golden ratio: odd, no pattern */
    return x ^ x >> 32;
}

#endif
