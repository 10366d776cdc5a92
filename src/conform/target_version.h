/* SPDX-License-Identifier: MIT */
/*
 * Owns: how a server is asked for its version. Must not know: cases.
 */
#ifndef CONFORM_TARGET_VERSION_H
#define CONFORM_TARGET_VERSION_H

#include "base/buf.h"
#include "conform/session_file.h"

/* Appends the version that the server at this address gives in its answer to IDENTIFY. Appends
 * nothing if the server does not give its version within a second. */
void target_version(const char *address, enum server_kind server, struct buf *out);

/* Appends the member "version" of this JSON object if the member is a string. */
void target_version_of(struct span json, struct buf *out);

#endif
