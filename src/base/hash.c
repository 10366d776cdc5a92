/* SPDX-License-Identifier: MIT */
/*
 * Implements SipHash-2-4 (Aumasson and Bernstein, 2012): 2 rounds for each 8 bytes, and 4 rounds at
 * the end. Must not know what the hashed bytes mean.
 */
#include "base/hash.h"

static uint64_t rotate(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

static void mix(uint64_t v[4], unsigned rounds)
{
    while (rounds-- > 0) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] = rotate(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] = rotate(v[2], 32);
    }
}

/* Reads eight bytes as a little-endian number. Compilers turn the expression into one load. */
static uint64_t load_word(const uint8_t p[8])
{
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
           (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
           (uint64_t)p[7] << 56;
}

/* Reads fewer than eight bytes as a little-endian number. Missing bytes count as zeros. */
static uint64_t load_rest(struct span s)
{
    uint64_t word = 0;
    for (size_t i = 0; i < s.n; i++) {
        word |= (uint64_t)s.p[i] << (8 * i);
    }
    return word;
}

uint64_t hash_bytes(const struct hash_seed *seed, struct span s)
{
    /* SipHash defines the four constants: "somepseudorandomlygeneratedbytes" in ASCII. */
    uint64_t v[4] = {
        seed->k[0] ^ 0x736f6d6570736575U,
        seed->k[1] ^ 0x646f72616e646f6dU,
        seed->k[0] ^ 0x6c7967656e657261U,
        seed->k[1] ^ 0x7465646279746573U,
    };
    uint64_t length = (uint64_t)s.n << 56;
    for (; s.n >= 8; s = span_skip(s, 8)) {
        uint64_t word = load_word(s.p);
        v[3] ^= word;
        mix(v, 2);
        v[0] ^= word;
    }
    uint64_t last = length | load_rest(s);
    v[3] ^= last;
    mix(v, 2);
    v[0] ^= last;
    v[2] ^= 0xff;
    mix(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
