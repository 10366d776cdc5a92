/* SPDX-License-Identifier: MIT */
/*
 * Owns: the default of --node-id: CRC-32 (IEEE) of the MD5 of the host's name, modulo 1024.
 * Source: nsqd/options.go.
 */
#ifndef NSQD_NODE_ID_H
#define NSQD_NODE_ID_H

#include <stdint.h>

/* Returns 0 to 1023. */
int64_t node_id_of_host(const char *name);

#endif
