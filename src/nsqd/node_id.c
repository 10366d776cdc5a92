/* SPDX-License-Identifier: MIT */
/*
 * The hash of a host's name. Must not know where the name comes from.
 */
#include "nsqd/node_id.h"

#include <string.h>
#include <sys/types.h>

#include <md5.h>
#include <zlib.h>

int64_t node_id_of_host(const char *name)
{
    uint8_t digest[MD5_DIGEST_LENGTH];
    MD5_CTX md5;
    MD5Init(&md5);
    MD5Update(&md5, (const uint8_t *)name, strlen(name));
    MD5Final(digest, &md5);
    return (int64_t)(crc32(0, digest, sizeof digest) % 1024);
}
