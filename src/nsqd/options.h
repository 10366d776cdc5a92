/* SPDX-License-Identifier: MIT */
/*
 * The command line of nsqd as a value: every flag of nsqd 1.3.0 and three of our own.
 *
 * Owns the table of flags (name, kind, default, what is built), the usage text and the warnings.
 * Everything here is a function of its arguments: no I/O, no clock, no exit(), no memory of its
 * own. main.c prints, exits and turns `struct options` into the engine's configuration. The order:
 *
 *     options_parse -> (read --config, options_config_check) -> open and lock the data path
 *                   -> options_check -> options_warning until it returns false -> run
 */
#ifndef NSQREF_NSQD_OPTIONS_H
#define NSQREF_NSQD_OPTIONS_H

#include "goflag.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A list flag takes this many values; one more is a flag error (exit 2). */
#define OPTIONS_LIST_MAX 64

/* Rows of the flag table; options.c asserts that it has exactly so many. */
#define OPTIONS_FLAG_COUNT 58

/* The levels of --log-level, with nsqd's numbers: a line is written when its level is >= this. */
enum options_log_level {
    OPTIONS_LOG_DEBUG = 1,
    OPTIONS_LOG_INFO,
    OPTIONS_LOG_WARN,
    OPTIONS_LOG_ERROR,
    OPTIONS_LOG_FATAL
};

enum options_tls_required {
    OPTIONS_TLS_NOT_REQUIRED,
    OPTIONS_TLS_REQUIRED_EXCEPT_HTTP,
    OPTIONS_TLS_REQUIRED
};

/* Values of a flag that may be given more than once. The strings are borrowed from argv. */
struct options_strings {
    size_t n;
    const char *v[OPTIONS_LIST_MAX];
};

/* Kept in descending order, as nsqd reports them. */
struct options_doubles {
    size_t n;
    double v[OPTIONS_LIST_MAX];
};

/*
 * Durations are nanoseconds, sizes are bytes. Strings are never NULL and are borrowed: from argv,
 * from struct options_host, or literals.
 */
struct options {
    bool version;
    const char *config; /* path, "" = none */
    enum options_log_level log_level;
    const char *log_prefix;
    bool verbose;    /* does nothing, as in nsqd */
    bool worker_id;  /* does nothing, as in nsqd */
    int64_t node_id; /* 0..1023 once options_check has passed */

    const char *tcp_address; /* host:port, or a path for a unix socket */
    const char *http_address;
    const char *https_address;
    struct options_strings auth_http_address;
    const char *broadcast_address;
    int64_t broadcast_tcp_port;
    int64_t broadcast_http_port;
    struct options_strings lookupd_tcp_address;
    int64_t http_client_connect_timeout;
    int64_t http_client_request_timeout;

    const char *data_path;  /* "" = the working directory */
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
    int64_t max_channel_consumers; /* 0 = unlimited */

    const char *statsd_address;
    int64_t statsd_interval;
    bool statsd_mem_stats;
    const char *statsd_prefix;
    int64_t statsd_udp_packet_size;
    bool statsd_exclude_ephemeral;

    struct options_doubles e2e_processing_latency_percentile;
    int64_t e2e_processing_latency_window_time;

    const char *tls_cert;
    const char *tls_key;
    const char *tls_client_auth_policy;
    const char *tls_root_ca_file;
    enum options_tls_required tls_required;
    int64_t tls_min_version; /* the number on the wire: 0x0301 (TLS 1.0) .. 0x0304 (TLS 1.3) */

    bool deflate;
    int64_t max_deflate_level;
    bool snappy;

    /* Ours. 0 means that main.c puts the machine's own figure in its place. */
    int64_t mem_queue_bytes;   /* cap on all queued bytes; 0 = a quarter of the memory */
    int64_t max_connections;   /* 0 = the file descriptor limit less a reserve */
    int64_t output_high_water; /* unsent bytes at which a consumer counts as not ready */

    bool given[OPTIONS_FLAG_COUNT]; /* by row of the flag table: it was on the command line */
};

/* What differs from machine to machine: the defaults of --broadcast-address and --node-id. */
struct options_host {
    const char *name; /* the host's name, borrowed for as long as the options live */
    int64_t node_id;  /* derived from that name, 0..1023 */
};

enum options_result {
    OPTIONS_RUN,  /* go on */
    OPTIONS_EXIT, /* write out to stdout, err to stderr, exit with code */
    OPTIONS_FATAL /* log fatal as one FATAL line under the prefix "[nsqd] ", exit with code */
};

/* Room for the whole usage text behind one error line. A longer text is cut, never overrun. */
#define OPTIONS_ERR_MAX 16384
#define OPTIONS_LINE_MAX 1024

/* NUL-terminated texts, all "" unless the result says that they are to be used. */
struct options_text {
    int code;
    char out[128];
    char err[OPTIONS_ERR_MAX];
    char fatal[OPTIONS_LINE_MAX];
};

/*
 * Parses argv[1..argc-1]. *o starts from the defaults (nothing has to be set before).
 * OPTIONS_EXIT: --version, -h, or a command line that nsqd refuses. OPTIONS_FATAL: a percentile
 * that is no number. Borrows argv and host.
 */
enum options_result options_parse(struct options *o, int argc, char *const *argv,
                                  const struct options_host *host, struct options_text *text);

/*
 * Writes the next warning for this command line into line (borrowed buffer, NUL-terminated).
 * *at is 0 for the first call and is moved on; false when there are no more.
 */
bool options_warning(const struct options *o, size_t *at, char *line, size_t cap);

/* Row of a flag in struct options' given, by its name without dashes; -1 when there is none. */
int options_row(const char *name);

#endif
