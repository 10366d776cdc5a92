/* SPDX-License-Identifier: MIT */
/*
 * Owns: the two version numbers. NSQREF_VERSION is this project's own; NSQ_COMPATIBILITY is the
 * release of nsqd whose behaviour is reproduced, and what IDENTIFY reports to clients.
 */
#ifndef NSQ_VERSION_H
#define NSQ_VERSION_H

#define NSQREF_VERSION "0.1.0"
#define NSQ_COMPATIBILITY "1.3.0"

/* Returns NSQREF_VERSION of the library that is linked, as a static string. */
const char *nsq_version(void);

#endif
