/* SPDX-License-Identifier: MIT */
/*
 * Owns: the checks of values after the command line has been read: first nsqd's own checks in
 * nsqd's order, then values that would crash or hang a running nsqd later, then flags that restrict
 * access and cannot be followed. Pure: the caller reads the files.
 */
#ifndef NSQD_OPTIONS_CHECK_H
#define NSQD_OPTIONS_CHECK_H

#include "nsqd/options.h"

/* Makes the TLS contexts. This is part of the checks, in nsqd's order, because a bad file refuses
 * the start. */
struct options_tls {
    /* For clients: certificate, key, then authorities. False: it cannot be made, and `why` got one
     * line, such as "open PATH: no such file or directory". */
    bool (*serve)(void *context, const struct options *o, struct line *why);
    /* For nsqd's own requests: the authorities. */
    bool (*request)(void *context, const struct options *o, struct line *why);
    void *context;
};

/*
 * OPTIONS_RUN, or OPTIONS_FATAL with code 1 and "failed to instantiate nsqd - REASON" in fatal.
 * The caller locks the data path first, as nsqd does.
 */
enum options_result options_check(const struct options *o, const struct options_tls *tls,
                                  struct options_text *text);

#endif
