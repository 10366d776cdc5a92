/* SPDX-License-Identifier: MIT */
/*
 * Implements nsq/version.h: the version with which the library was compiled.
 */
#include <nsq/version.h>

const char *nsq_version(void)
{
    return NSQREF_VERSION;
}
