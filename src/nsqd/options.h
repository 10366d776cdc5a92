/* SPDX-License-Identifier: MIT */
/*
 * The command line of nsqd in one struct: every flag of upstream's nsqd 1.3.0, and flags of our
 * own.
 *
 * Owns: the table of flags (name, kind, default, which features are missing), the usage text and
 * the warnings. Every function here is pure: it does no I/O, reads no clock, never calls exit() and
 * allocates no memory. main.c prints and exits. configure.c turns `struct options` into the
 * engine's configuration. The order of calls is:
 *
 *     options_parse -> (read --config, config_file_read) -> open and lock the data path
 *                   -> options_check -> options_warning until it returns false -> run
 */
#ifndef NSQD_OPTIONS_H
#define NSQD_OPTIONS_H

#include "program/start.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Rows of the table: the 53 flags of upstream's nsqd 1.3.0 and eight flags of our own. */
#define OPTIONS_FLAG_COUNT 61

/* The values of --waiter. */
enum options_waiter { OPTIONS_WAITER_POLL, OPTIONS_WAITER_EPOLL };

/* The values of --tls-required. The numbers are those of upstream's nsqd. */
enum options_tls_required {
    OPTIONS_TLS_NOT_REQUIRED,
    OPTIONS_TLS_REQUIRED_EXCEPT_HTTP,
    OPTIONS_TLS_REQUIRED
};

/* The values of --tls-client-auth-policy. */
#define OPTIONS_TLS_REQUIRE "require"
#define OPTIONS_TLS_REQUIRE_VERIFY "require-verify"

/*
 * Durations are in nanoseconds, sizes in bytes. A duration may be any int64, because upstream's
 * nsqd does not limit durations. So code that adds a duration to a time must saturate. Strings are
 * never NULL. They are borrowed from argv, from the configuration file (program/config_file.h) or
 * from struct options_host, or they are literals.
 */
struct options {
    bool version;
    const char *config; /* path; "": none */
    int64_t log_level;  /* enum log_level (base/log.h); its numbers are upstream's */
    const char *log_prefix;
    bool verbose;    /* does nothing, as in upstream's nsqd */
    bool worker_id;  /* does nothing, as in upstream's nsqd */
    int64_t node_id; /* 0 to 1023 after options_check has passed */

    const char *tcp_address; /* host:port, or the path of a unix socket */
    const char *http_address;
    const char *https_address;
    struct goflag_strings auth_http_address;
    const char *broadcast_address;
    int64_t broadcast_tcp_port;
    int64_t broadcast_http_port;
    struct goflag_strings lookupd_tcp_address;
    int64_t http_client_connect_timeout;
    int64_t http_client_request_timeout;

    const char *data_path;  /* "": the working directory */
    int64_t mem_queue_size; /* messages, for each topic and each channel */
    int64_t max_bytes_per_file;
    int64_t sync_every;
    int64_t sync_timeout;
    int64_t queue_scan_worker_pool_max;
    int64_t queue_scan_selection_count;

    int64_t msg_timeout;
    int64_t max_msg_timeout;
    int64_t max_msg_size;
    int64_t max_req_timeout;
    int64_t max_body_size;

    int64_t max_heartbeat_interval;
    int64_t max_rdy_count;
    int64_t max_output_buffer_size;
    int64_t max_output_buffer_timeout;
    int64_t min_output_buffer_timeout;
    int64_t output_buffer_timeout;
    int64_t max_channel_consumers; /* 0: unlimited */

    const char *statsd_address; /* "": none */
    int64_t statsd_interval;
    bool statsd_mem_stats;
    const char *statsd_prefix;
    int64_t statsd_udp_packet_size;
    bool statsd_exclude_ephemeral;

    struct goflag_floats e2e_processing_latency_percentile;
    int64_t e2e_processing_latency_window_time;

    const char *tls_cert;
    const char *tls_key;
    const char *tls_client_auth_policy;
    const char *tls_root_ca_file;
    int64_t tls_required;    /* enum options_tls_required */
    int64_t tls_min_version; /* the number on the wire: 0x0301 (TLS 1.0) to 0x0304 (TLS 1.3) */

    bool deflate;
    int64_t max_deflate_level;
    bool snappy;

    /* A flag of our own: how to wait for descriptors (enum options_waiter). */
    int64_t waiter;

    /* Five more flags of our own. Each one limits what peers can use of the machine: its memory,
     * its connections or its processor time. */

    /* The memory budget. Without this limit, a publisher could fill queues that no consumer reads.
     * Then the machine would swap. 0: configure.c uses a quarter of the memory that the process may
     * use. */
    int64_t mem_queue_bytes;
    /* The largest number of connections at the same time. Without this limit, a flood of
     * connections could use up the file descriptors or the memory. 0: configure.c uses the limit of
     * file descriptors minus a reserve. */
    int64_t max_connections;
    /* The high-water mark. A consumer whose connection has more unsent bytes is treated as not
     * ready. Without this limit, many messages could be in the output buffer of a consumer that
     * sends RDY 2500 and never reads. */
    int64_t output_high_water;
    /* ns; if a consumer was sent a message less than this time ago, the next messages wait until
     * the time is over, and are sent together. 0: no message waits. Without this, each message
     * would cost one call of the system to send it, and one to wake up its consumer. */
    int64_t output_gather_timeout;
    /* ns; a client must send the first four bytes within this time. Without this limit, clients
     * that send nothing could keep all connections that --max-connections allows. */
    int64_t magic_timeout;

    /* Two more flags of our own: what GET /metrics shows in addition (api/metrics.h). */
    bool metrics_channels;
    bool metrics_clients;

    /* One for each flag: true when it was on the command line or in the file. */
    bool given[OPTIONS_FLAG_COUNT];
    /* One for each flag: where its value is in the file. Zeros: the value is not from the file. */
    struct start_place place[OPTIONS_FLAG_COUNT];
};

/* The table of flags. Its fields are those of struct options. */
extern const struct goflag_table options_table;

/* The default values of --broadcast-address and --node-id, which depend on the machine. */
struct options_host {
    const char *name; /* the host's name; borrowed as long as the options are used */
    int64_t node_id;  /* computed from that name, 0 to 1023 */
};

/* The table with the fields of `o`, for program/config_file.h. Borrows `o`. */
struct start_flags options_flags(struct options *o);

/*
 * Sets all defaults, then reads the arguments from argv[1] on. *o and *text need not be
 * initialised. argv and host->name are borrowed. Returns the result of start_parse.
 */
enum start_result options_parse(struct options *o, int argc, char *const *argv,
                                const struct options_host *host, struct start_text *text);

/*
 * Writes the next warning into `line`. A flag has a warning if two things are true. First, this
 * server does not support the flag, or supports only a part of it. Second, the flag is on the
 * command line or in the file of --config, and its value is not the default. *at must be 0 for the
 * first call. Returns false when there are no more warnings.
 */
bool options_warning(const struct options *o, size_t *at, char line[START_LINE_MAX]);

/* Returns true when --tls-cert or --tls-key is given. With both flags, clients can use TLS. With
 * only one of them, the program reports an error when it starts. */
bool options_offer_tls(const struct options *o);

/* Returns true when V2 clients must use TLS. A server can request a client's certificate only
 * within TLS. So --tls-client-auth-policy makes TLS required, even if --tls-required does not. */
bool options_require_tls(const struct options *o);

/* Returns the port that the server tells others: `given` (--broadcast-tcp-port or
 * --broadcast-http-port), or if it is 0, the port of the listener. `listener` is 0 or less when the
 * listener has no port. Then the result is 0. */
int64_t options_port_or(int64_t given, int64_t listener);

#endif
