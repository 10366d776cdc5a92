/* SPDX-License-Identifier: MIT */
/*
 * Owns: hash tables. They are made with uthash. With this header, uthash uses the allocator of
 * base/alloc.h. The caller computes the hash of each key, and uses the macros of uthash whose names
 * end in _BYHASHVALUE. If a peer can choose the key, the caller must use hash_bytes (base/hash.h).
 */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include <assert.h>

#include "base/alloc.h"

#define uthash_malloc(size) alloc_zeroed(size)
#define uthash_free(p, size) alloc_free(p)
#define uthash_fatal(message) assert(0 && (message))    /* alloc_zeroed never fails */
#define HASH_FUNCTION(key, length, value) ((value) = 0) /* never used: see above */

#include <uthash.h>

/* Bytes that a table with 32 empty buckets needs. This number is added to the memory budget for
 * each table. */
#define TABLE_COST 640

#endif
