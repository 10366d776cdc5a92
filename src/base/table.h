/* SPDX-License-Identifier: MIT */
/*
 * Owns: hash tables: uthash with this project's allocator. The caller hashes each key itself, with
 * hash_bytes (base/hash.h) if a peer can choose it, and calls uthash's macros that end in
 * _BYHASHVALUE.
 */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include <assert.h>

#include "base/alloc.h"

#define uthash_malloc(size) alloc_zeroed(size)
#define uthash_free(p, size) alloc_free(p)
#define uthash_fatal(message) assert(0 && (message))    /* alloc_zeroed never fails */
#define HASH_FUNCTION(key, length, value) ((value) = 0) /* never called: see above */

#include <uthash.h>

#endif
