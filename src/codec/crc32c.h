/* SPDX-License-Identifier: MIT */
/*
 * Owns: the checksum CRC-32C (Castagnoli), which iSCSI and snappy use: reflected, polynomial
 * 0x1edc6f41, initial value and final XOR all ones.
 */
#ifndef CODEC_CRC32C_H
#define CODEC_CRC32C_H

#include <nsq/span.h>

/* Returns the checksum of the bytes. */
uint32_t crc32c(struct span bytes);

#endif
