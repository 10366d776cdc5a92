/* SPDX-License-Identifier: MIT */
/*
 * Owns: the checksum CRC-32C (Castagnoli), the one of iSCSI and of snappy's chunks: reflected,
 * polynomial 0x1edc6f41, all ones before and after.
 */
#ifndef CODEC_CRC32C_H
#define CODEC_CRC32C_H

#include <nsq/span.h>

uint32_t crc32c(struct span bytes);

#endif
