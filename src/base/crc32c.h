/* SPDX-License-Identifier: MIT */
/*
 * Owns: the checksum CRC-32C (Castagnoli), which iSCSI, snappy and the log on disk use. The
 * checksum is reflected and has the polynomial 0x1edc6f41. All bits of its initial value and of its
 * final XOR are ones.
 */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include <nsq/span.h>

/* Returns the checksum of the bytes. */
uint32_t crc32c(struct span bytes);

/* Returns the checksum of several pieces, one piece in each call. `crc` is the checksum of all
 * pieces before this one; it is 0 for the first piece. */
uint32_t crc32c_more(uint32_t crc, struct span piece);

#endif
