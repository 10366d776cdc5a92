/* SPDX-License-Identifier: MIT */
/*
 * Owns: which values a start is refused for, once the command line has been read: nsqd's own checks
 * in nsqd's order, then the values that end or hang a running nsqd later, then the flags that
 * restrict access and are not built. Pure: what is in files the caller knows.
 */
#ifndef NSQD_OPTIONS_CHECK_H
#define NSQD_OPTIONS_CHECK_H

#include "nsqd/options.h"

/* What is built of the flags for TLS as part of the checks, in nsqd's order, because a file that is
 * no good refuses the start. */
struct options_tls {
    /* For clients: certificate, key, then authorities. If it cannot be built, why gets one line,
     * such as "open PATH: no such file or directory". */
    bool (*serve)(void *context, const struct options *o, struct line *why);
    /* For nsqd's own requests: the authorities. */
    bool (*request)(void *context, const struct options *o, struct line *why);
    void *context;
};

/*
 * OPTIONS_RUN, or OPTIONS_FATAL with code 1 and "failed to instantiate nsqd - REASON" in fatal.
 * nsqd makes these checks after it has locked the data path.
 */
enum options_result options_check(const struct options *o, const struct options_tls *tls,
                                  struct options_text *text);

#endif
