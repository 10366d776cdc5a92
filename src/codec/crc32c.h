/* SPDX-License-Identifier: MIT */
/*
 * Owns: the checksum CRC-32C (Castagnoli), which iSCSI and snappy use. The checksum is reflected
 * and has the polynomial 0x1edc6f41. All bits of its initial value and of its final XOR are ones.
 */
#ifndef CODEC_CRC32C_H
#define CODEC_CRC32C_H

#include <nsq/span.h>

/* Returns the checksum of the bytes. */
uint32_t crc32c(struct span bytes);

#endif
