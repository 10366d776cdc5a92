/* SPDX-License-Identifier: MIT */
/*
 * Computes CRC-32C, eight bytes at a time. The compiler computes the tables. Must not know what the
 * bytes mean.
 */
#include "base/crc32c.h"

/*
 * One entry of a table: the effect of a byte i on the checksum. The checksum is linear, so the
 * effect of i is the XOR of the effects of its bits. b0 to b7 are the effects of the bits, and b0
 * belongs to the lowest bit. In the first table, b7 is the polynomial itself with its bits in
 * reverse order.
 */
#define ENTRY(i, b0, b1, b2, b3, b4, b5, b6, b7)                                                   \
    ((((i)&0x01) ? (b0) : 0) ^ (((i)&0x02) ? (b1) : 0) ^ (((i)&0x04) ? (b2) : 0) ^                 \
     (((i)&0x08) ? (b3) : 0) ^ (((i)&0x10) ? (b4) : 0) ^ (((i)&0x20) ? (b5) : 0) ^                 \
     (((i)&0x40) ? (b6) : 0) ^ (((i)&0x80) ? (b7) : 0))
#define ENTRIES_4(i, ...)                                                                          \
    ENTRY(i, __VA_ARGS__), ENTRY((i) + 1, __VA_ARGS__), ENTRY((i) + 2, __VA_ARGS__),               \
        ENTRY((i) + 3, __VA_ARGS__)
#define ENTRIES_16(i, ...)                                                                         \
    ENTRIES_4(i, __VA_ARGS__), ENTRIES_4((i) + 4, __VA_ARGS__), ENTRIES_4((i) + 8, __VA_ARGS__),   \
        ENTRIES_4((i) + 12, __VA_ARGS__)
#define ENTRIES_64(i, ...)                                                                         \
    ENTRIES_16(i, __VA_ARGS__), ENTRIES_16((i) + 16, __VA_ARGS__),                                 \
        ENTRIES_16((i) + 32, __VA_ARGS__), ENTRIES_16((i) + 48, __VA_ARGS__)
#define TABLE(...)                                                                                 \
    {                                                                                              \
        ENTRIES_64(0, __VA_ARGS__), ENTRIES_64(64, __VA_ARGS__), ENTRIES_64(128, __VA_ARGS__),     \
            ENTRIES_64(192, __VA_ARGS__)                                                           \
    }

/* table[k] contains the effects of a byte after which k bytes of zero follow. With these tables,
 * eight bytes need eight look-ups, and no look-up has to wait for another. This is about four times
 * as fast as a loop over single bytes. */
static const uint32_t table[8][256] = {
    TABLE(0xf26b8303u, 0xe13b70f7u, 0xc79a971fu, 0x8ad958cfu, 0x105ec76fu, 0x20bd8edeu, 0x417b1dbcu,
          0x82f63b78u),
    TABLE(0x13a29877u, 0x274530eeu, 0x4e8a61dcu, 0x9d14c3b8u, 0x3fc5f181u, 0x7f8be302u, 0xff17c604u,
          0xfbc3faf9u),
    TABLE(0xa541927eu, 0x4f6f520du, 0x9edea41au, 0x38513ec5u, 0x70a27d8au, 0xe144fb14u, 0xc76580d9u,
          0x8b277743u),
    TABLE(0xdd45aab8u, 0xbf672381u, 0x7b2231f3u, 0xf64463e6u, 0xe964b13du, 0xd725148bu, 0xaba65fe7u,
          0x52a0c93fu),
    TABLE(0x38116facu, 0x7022df58u, 0xe045beb0u, 0xc5670b91u, 0x8f2261d3u, 0x1ba8b557u, 0x37516aaeu,
          0x6ea2d55cu),
    TABLE(0xef306b19u, 0xdb8ca0c3u, 0xb2f53777u, 0x6006181fu, 0xc00c303eu, 0x85f4168du, 0x0e045bebu,
          0x1c08b7d6u),
    TABLE(0x68032cc8u, 0xd0065990u, 0xa5e0c5d1u, 0x4e2dfd53u, 0x9c5bfaa6u, 0x3d5b83bdu, 0x7ab7077au,
          0xf56e0ef4u),
    TABLE(0x493c7d27u, 0x9278fa4eu, 0x211d826du, 0x423b04dau, 0x847609b4u, 0x0d006599u, 0x1a00cb32u,
          0x34019664u),
};

uint32_t crc32c(struct span bytes)
{
    return crc32c_more(0, bytes);
}

uint32_t crc32c_more(uint32_t crc, struct span piece)
{
    const uint8_t *p = piece.p;
    size_t n = piece.n;
    crc = ~crc;
    for (; n >= 8; p += 8, n -= 8) {
        crc = table[7][(crc ^ p[0]) & 0xff] ^ table[6][(crc >> 8 ^ p[1]) & 0xff] ^
              table[5][(crc >> 16 ^ p[2]) & 0xff] ^ table[4][crc >> 24 ^ p[3]] ^ table[3][p[4]] ^
              table[2][p[5]] ^ table[1][p[6]] ^ table[0][p[7]];
    }
    for (; n > 0; p++, n--) {
        crc = table[0][(crc ^ *p) & 0xff] ^ (crc >> 8);
    }
    return ~crc;
}
