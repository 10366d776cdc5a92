/* SPDX-License-Identifier: MIT */
/*
 * Owns: the two version numbers. NSQREF_VERSION is the version of this project. NSQ_COMPATIBILITY
 * is the release of nsqd whose behaviour this project reproduces. The reply to IDENTIFY contains
 * NSQ_COMPATIBILITY.
 */
#ifndef NSQ_VERSION_H
#define NSQ_VERSION_H

#ifdef __cplusplus
extern "C" {
#endif

#define NSQREF_VERSION "0.1.0"
#define NSQ_COMPATIBILITY "1.3.0"

/* Returns the NSQREF_VERSION of the library that the program is linked with. The string is static
 * and ends with NUL. */
const char *nsq_version(void);

#ifdef __cplusplus
}
#endif

#endif
