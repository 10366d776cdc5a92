/* SPDX-License-Identifier: MIT */
/*
 * Owns: the checks of values after the command line was read. The checks have three parts. The
 * first part is the checks of upstream's nsqd, in its order. The second part refuses values that
 * would crash or block upstream's nsqd later, while it runs. The third part refuses unknown values
 * of --tls-client-auth-policy. A server that ignored such a value would accept clients that its
 * owner wants to refuse. The functions are pure: the caller reads the files.
 */
#ifndef NSQD_OPTIONS_CHECK_H
#define NSQD_OPTIONS_CHECK_H

#include "nsqd/options.h"

/* Functions that make the TLS contexts. They are part of the checks, in the order of upstream's
 * nsqd, because the server must not start with a bad file. */
struct options_tls {
    /* Makes the context for clients from the certificate, the key and the authorities. Returns
     * false when that fails. Then `why` is one line, for example "open PATH: no such file or
     * directory". */
    bool (*serve)(void *context, const struct options *o, struct line *why);
    /* Uses the authorities to make the context for this server's own requests. Returns false when
     * that fails. Then `why` is one line. */
    bool (*request)(void *context, const struct options *o, struct line *why);
    void *context;
};

/*
 * Returns START_RUN when all checks pass. Otherwise returns START_FATAL, with code 1 and
 * "failed to instantiate nsqd - REASON" in `fatal`. If REASON is about one flag whose value is from
 * the file of --config, its place follows: " (FILE: line L, column C: KEY)". The caller must lock
 * the data path first, as upstream's nsqd does.
 */
enum start_result options_check(const struct options *o, const struct options_tls *tls,
                                struct start_text *text);

#endif
