/* SPDX-License-Identifier: MIT */
/*
 * Owns: the values of the options as texts, as the HTTP API shows them: GET /config, and the
 * percentiles in /stats. Must not know: HTTP.
 */
#ifndef NSQD_OPTION_TEXTS_H
#define NSQD_OPTION_TEXTS_H

#include "api/api.h"
#include "nsqd/options.h"

struct option_texts {
    struct api_setting settings[OPTIONS_FLAG_COUNT]; /* `count` of them */
    size_t count;
    struct span quantiles[GOFLAG_LIST_MAX];                     /* one for each percentile */
    struct buf bytes[2 * OPTIONS_FLAG_COUNT + GOFLAG_LIST_MAX]; /* of all these spans */
    size_t used;                                                /* elements of `bytes` */
};

/* The ports of the listeners. As in upstream's nsqd, they are shown for --broadcast-tcp-port and
 * --broadcast-http-port, if these flags are 0. */
struct option_texts_start {
    int64_t tcp_port; /* 0 or less: the listener has no port */
    int64_t http_port;
};

/* Writes all texts. The names are the keys of a configuration file. Options without a key are left
 * out, as in upstream's nsqd. The caller frees the texts with option_texts_free. */
void option_texts_init(struct option_texts *texts, const struct options *o,
                       const struct option_texts_start *start);
void option_texts_free(struct option_texts *texts);

#endif
