/* SPDX-License-Identifier: MIT */
/*
 * Owns: uthash with this project's allocator. Keys are always hashed by the caller, with hash_bytes
 * where a peer chooses them, and passed to the ..._BYHASHVALUE macros.
 */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include <assert.h>

#include "base/alloc.h"

#define uthash_malloc(size) alloc_zeroed(size)
#define uthash_free(p, size) alloc_free(p)
#define uthash_fatal(message) assert(0 && (message))    /* alloc_zeroed never fails */
#define HASH_FUNCTION(key, length, value) ((value) = 0) /* not used: see above */

#include <uthash.h>

#endif
