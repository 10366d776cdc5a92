/* SPDX-License-Identifier: MIT */
/*
 * The checks that prevent a start with a bad value. Each row's comment says what upstream's nsqd
 * 1.3.0 does with the refused value. It was observed on a build with go1.26.8. In these comments,
 * nsqd means upstream's nsqd. Must not open a file or read the clock.
 */
#include "nsqd/options_check.h"

#include "auth/auth.h"
#include "program/bounds.h"
#include "program/config_file.h"
#include "program/gonum.h"

#include <math.h>
#include <string.h>

/* goflag_parse already refuses a longer list of --auth-http-address. */
_Static_assert(GOFLAG_LIST_MAX <= AUTH_SERVERS_MAX, "the list of auth servers must fit");

#define INSTANTIATE "failed to instantiate nsqd - "

/* A 64-bit process has 2^47 bytes of address space, so it can never allocate this much memory. */
#define ADDRESSES ((int64_t)1 << 47)

/* The largest body that the disk queue of upstream's nsqd accepts. It adds the 26 bytes of a
 * message's header in a signed 32-bit number. */
#define DISK_MESSAGE_MAX (INT32_MAX - 26)

#define SECOND ((int64_t)1000000000)

static bool with_statsd(const void *options)
{
    return ((const struct options *)options)->statsd_address[0] != '\0';
}

static bool with_percentiles(const void *options)
{
    return ((const struct options *)options)->e2e_processing_latency_percentile.n > 0;
}

#define ALWAYS NULL
#define AT(member) offsetof(struct options, member)

static const struct bound bounds[] = {
    /* nsqd panics with "non-positive interval for NewTicker" at the first client. */
    {"output-buffer-timeout", AT(output_buffer_timeout), ALWAYS, 1, INT64_MAX,
     "must be greater than 0"},
    /* For a negative value and from 2^45 on, nsqd panics with "makechan: size out of range" at the
     * first topic. For large values below that, it panics with "out of memory", because a topic
     * allocates 8 bytes for every message that it may hold. */
    {"mem-queue-size", AT(mem_queue_size), ALWAYS, 0, ADDRESSES / 8 - 1, "must be [0,2^44)"},
    /* nsqd panics with "non-positive interval for NewTicker" at the first topic that is not
     * ephemeral. */
    {"sync-timeout", AT(sync_timeout), ALWAYS, 1, INT64_MAX, "must be greater than 0"},
    /* nsqd panics with "makechan: size out of range" (or out of memory) as soon as it runs. */
    {"queue-scan-selection-count", AT(queue_scan_selection_count), ALWAYS, 0, ADDRESSES / 8 - 1,
     "must be [0,2^44)"},
    /* From the fourth channel on, messages do not time out any more, and nsqd never exits. */
    {"queue-scan-worker-pool-max", AT(queue_scan_worker_pool_max), ALWAYS, 1, INT64_MAX,
     "must be at least 1"},
    /* nsqd does not panic. It loses messages when it exits. With a value that is larger by one, it
     * writes no message to the disk. With 2^32, it writes no message that has a body. */
    {"max-msg-size", AT(max_msg_size), ALWAYS, INT64_MIN, DISK_MESSAGE_MAX,
     "must be at most 2147483621"},
    /* nsqd panics with "non-positive interval for NewTicker" at the first report, because it
     * spreads the packets of a report over the interval minus one second. (The same happens when a
     * report has more packets than that time has nanoseconds. This cannot be checked here.) */
    {"statsd-interval", AT(statsd_interval), with_statsd, SECOND + 1, INT64_MAX,
     "must be greater than 1s"},
    /* nsqd panics with "makeslice: len out of range" (or out of memory) at the first report. */
    {"statsd-udp-packet-size", AT(statsd_udp_packet_size), with_statsd, INT64_MIN, ADDRESSES - 1,
     "must be less than 2^47"},
    /* nsqd loops for ever at the first FIN of a channel, and never exits. It follows the clock in
     * steps of half the window, and half of 1 ns is 0. */
    {"e2e-processing-latency-window-time", AT(e2e_processing_latency_window_time), with_percentiles,
     2, INT64_MAX, "must be at least 2ns"},

    /* Flags of our own. */
    {"mem-queue-bytes", AT(mem_queue_bytes), ALWAYS, 0, INT64_MAX, "must not be negative"},
    {"max-connections", AT(max_connections), ALWAYS, 0, INT64_MAX, "must not be negative"},
    {"output-high-water", AT(output_high_water), ALWAYS, 1, INT64_MAX, "must be at least 1"},
    {"output-gather-timeout", AT(output_gather_timeout), ALWAYS, 0, INT64_MAX,
     "must not be negative"},
    {"magic-timeout", AT(magic_timeout), ALWAYS, 1, INT64_MAX, "must be at least 1ns"},
};

static enum start_result check_bounds(const struct options *o, struct start_text *text)
{
    const struct bound *broken = bounds_broken(bounds, sizeof bounds / sizeof bounds[0], o);
    return broken == NULL ? START_RUN
                          : start_fail(text, INSTANTIATE "--%s %s", broken->name, broken->rule);
}

/* Upstream's nsqd treats any other word as "no certificate". Then nobody notices that it requests
 * no certificate. */
static bool knows_policy(const char *policy)
{
    return policy[0] == '\0' || strcmp(policy, OPTIONS_TLS_REQUIRE) == 0 ||
           strcmp(policy, OPTIONS_TLS_REQUIRE_VERIFY) == 0;
}

/* Upstream's nsqd loads the certificate, the key and the authorities when a certificate or a key is
 * named. It loads the authorities once more for its own requests. */
static enum start_result check_tls(const struct options *o, const struct options_tls *tls,
                                   struct start_text *text)
{
    char buf[START_LINE_MAX];
    struct line why;
    line_start(&why, buf, sizeof buf);
    bool offered = options_offer_tls(o);
    if (offered && !tls->serve(tls->context, o, &why)) {
        return start_fail(text, INSTANTIATE "failed to build TLS config - %s", why.p);
    }
    if (!offered && options_require_tls(o)) {
        return start_fail(text, INSTANTIATE "cannot require TLS client connections without "
                                            "TLS key and cert");
    }
    if (!tls->request(tls->context, o, &why)) {
        return start_fail(text, INSTANTIATE "failed to build client TLS config - %s", why.p);
    }
    return START_RUN;
}

/* Adds to the reason where the value of a flag is in the file, if it is from there. */
static void add_place(const struct options *o, struct span flag, struct start_text *text)
{
    config_file_add_place(&options_table, o->place, o->config, flag, text);
}

/* Returns the flag that a reason names, or nothing. */
static struct span flag_of(const char *fatal)
{
    static const char before[] = INSTANTIATE "--";
    bool names = strncmp(fatal, before, sizeof before - 1) == 0;
    const char *name = names ? fatal + sizeof before - 1 : "";
    return span_make(name, strcspn(name, " "));
}

static enum start_result check_percentiles(const struct options *o, struct start_text *text)
{
    const struct goflag_floats *list = &o->e2e_processing_latency_percentile;
    for (size_t i = 0; i < list->n; i++) {
        /* Upstream's nsqd accepts NaN. JSON has no NaN, so its /stats?format=json then fails. */
        if (isnan(list->v[i]) || list->v[i] <= 0 || list->v[i] > 1) {
            enum start_result r =
                start_fail(text, INSTANTIATE "invalid E2E processing latency percentile: %s",
                           gonum_format(list->v[i]).s);
            add_place(o, SPAN("e2e-processing-latency-percentile"), text);
            return r;
        }
    }
    return START_RUN;
}

/* A server that ignored an unknown policy would accept clients that its owner wants to refuse. */
static enum start_result check_access(const struct options *o, struct start_text *text)
{
    if (!knows_policy(o->tls_client_auth_policy)) {
        char buf[START_LINE_MAX];
        struct line policy;
        line_start(&policy, buf, sizeof buf);
        line_add_quoted(&policy, o->tls_client_auth_policy);
        return start_fail(text,
                          INSTANTIATE
                          "--tls-client-auth-policy is %s: expected " OPTIONS_TLS_REQUIRE
                          ", " OPTIONS_TLS_REQUIRE_VERIFY " or nothing",
                          policy.p);
    }
    return START_RUN;
}

static enum start_result check(const struct options *o, const struct options_tls *tls,
                               struct start_text *text)
{
    if (o->max_deflate_level < 1 || o->max_deflate_level > 9) {
        return start_fail(text, INSTANTIATE "--max-deflate-level must be [1,9]");
    }
    if (o->node_id < 0 || o->node_id >= 1024) {
        return start_fail(text, INSTANTIATE "--node-id must be [0,1024)");
    }
    enum start_result r = check_tls(o, tls, text);
    r = r != START_RUN ? r : check_percentiles(o, text);
    r = r != START_RUN ? r : check_bounds(o, text);
    r = r != START_RUN ? r : check_access(o, text);
    return r;
}

enum start_result options_check(const struct options *o, const struct options_tls *tls,
                                struct start_text *text)
{
    enum start_result r = check(o, tls, text);
    if (r != START_RUN) {
        add_place(o, flag_of(text->fatal), text);
    }
    return r;
}
