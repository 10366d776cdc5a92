/* SPDX-License-Identifier: MIT */
#include <nsq/version.h>

const char *nsq_version(void)
{
    return NSQREF_VERSION;
}
