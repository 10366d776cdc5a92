/* SPDX-License-Identifier: MIT */
/*
 * Owns: the default value of --node-id, which is computed from the host's name. It is the CRC-32
 * (IEEE) of the name's MD5, modulo 1024. Source: nsqd/options.go.
 */
#ifndef NSQD_NODE_ID_H
#define NSQD_NODE_ID_H

#include <stdint.h>

/* Returns a number from 0 to 1023. */
int64_t node_id_of_host(const char *name);

#endif
