/* SPDX-License-Identifier: MIT */
/*
 * Owns: which values a start is refused for, once the command line has been read: nsqd's own checks
 * in nsqd's order, then the values that end or hang a running nsqd later, then the flags that
 * restrict access and are not built. Pure: what it has to know about files it asks of the caller.
 */
#ifndef NSQD_OPTIONS_CHECK_H
#define NSQD_OPTIONS_CHECK_H

#include "nsqd/options.h"

/* The caller's eyes. */
struct options_files {
    /* Can this file be read from start to end? If not, why gets the reason in Go's words, as
     * "open PATH: no such file or directory" or "read PATH: is a directory". PATH may be "". */
    bool (*readable)(void *context, const char *path, struct line *why);
    void *context;
};

/*
 * OPTIONS_RUN, or OPTIONS_FATAL with code 1 and "failed to instantiate nsqd - REASON" in fatal.
 * nsqd makes these checks after it has locked the data path.
 */
enum options_result options_check(const struct options *o, const struct options_files *files,
                                  struct options_text *text);

#endif
