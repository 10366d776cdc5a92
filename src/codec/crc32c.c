/* SPDX-License-Identifier: MIT */
#include "codec/crc32c.h"

/* What a byte i does to the rest: eight divisions by the polynomial. They are linear, so it is the
 * sum of what the bits of i do; the highest one's is the polynomial itself, its bits in reverse. */
#define ENTRY(i)                                                                                   \
    ((((i)&0x01) ? 0xf26b8303u : 0) ^ (((i)&0x02) ? 0xe13b70f7u : 0) ^                             \
     (((i)&0x04) ? 0xc79a971fu : 0) ^ (((i)&0x08) ? 0x8ad958cfu : 0) ^                             \
     (((i)&0x10) ? 0x105ec76fu : 0) ^ (((i)&0x20) ? 0x20bd8edeu : 0) ^                             \
     (((i)&0x40) ? 0x417b1dbcu : 0) ^ (((i)&0x80) ? 0x82f63b78u : 0))
#define ENTRIES_4(i) ENTRY(i), ENTRY((i) + 1), ENTRY((i) + 2), ENTRY((i) + 3)
#define ENTRIES_16(i) ENTRIES_4(i), ENTRIES_4((i) + 4), ENTRIES_4((i) + 8), ENTRIES_4((i) + 12)
#define ENTRIES_64(i)                                                                              \
    ENTRIES_16(i), ENTRIES_16((i) + 16), ENTRIES_16((i) + 32), ENTRIES_16((i) + 48)

static const uint32_t table[256] = {ENTRIES_64(0), ENTRIES_64(64), ENTRIES_64(128),
                                    ENTRIES_64(192)};

uint32_t crc32c(struct span bytes)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < bytes.n; i++) {
        crc = table[(crc ^ bytes.p[i]) & 0xff] ^ (crc >> 8);
    }
    return ~crc;
}
