/* SPDX-License-Identifier: MIT */
/*
 * The flag table of upstream's nsqd 1.3.0, in the order of its struct, and our own flags. Names,
 * kinds and defaults are those of upstream's nsqd. A row has a warning when its feature is missing
 * or incomplete. No flag is refused, only values: the functions that read a WORD or a BOOL_WORD
 * refuse words that they do not know, and options_check.c refuses other values. Must not print or
 * exit.
 */
#include "nsqd/options.h"

#include <string.h>

#include "base/text.h"

/* Upper and lower case are equal. */
static bool same_word(const char *a, const char *b)
{
    return text_equal_any_case(text_span(a), text_span(b));
}

/* Upstream's nsqd changes these words to lower case before it reads them. So its errors show lower
 * case too. */
static void add_lower_quoted(struct line *out, const char *value)
{
    char buf[256];
    struct line low;
    line_start(&low, buf, sizeof buf);
    for (; *value != '\0'; value++) {
        line_add(&low, "%c", text_lower((uint8_t)*value));
    }
    line_add_quoted(out, low.p);
}

static bool set_tls_required(int64_t *field, const char *value, struct line *why)
{
    static const struct {
        const char *word;
        enum options_tls_required means;
    } words[] = {
        {"tcp-https", OPTIONS_TLS_REQUIRED_EXCEPT_HTTP},
        {"1", OPTIONS_TLS_REQUIRED},
        {"t", OPTIONS_TLS_REQUIRED},
        {"true", OPTIONS_TLS_REQUIRED},
        {"0", OPTIONS_TLS_NOT_REQUIRED},
        {"f", OPTIONS_TLS_NOT_REQUIRED},
        {"false", OPTIONS_TLS_NOT_REQUIRED},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (same_word(value, words[i].word)) {
            *field = words[i].means;
            return true;
        }
    }
    line_add(why, "strconv.ParseBool: parsing ");
    add_lower_quoted(why, value);
    line_add(why, ": invalid syntax");
    return false;
}

/* Sets the lowest TLS version. "" does not change it. */
static bool set_tls_min_version(int64_t *field, const char *value, struct line *why)
{
    static const char *const names[] = {"tls1.0", "tls1.1", "tls1.2", "tls1.3"};
    if (value[0] == '\0') {
        return true;
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (same_word(value, names[i])) {
            *field = 0x0301 + (int64_t)i;
            return true;
        }
    }
    line_add(why, "unknown tlsVersionOption ");
    add_lower_quoted(why, value);
    return false;
}

static bool set_waiter(int64_t *field, const char *value, struct line *why)
{
    static const char *const names[] = {"poll", "epoll"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (same_word(value, names[i])) {
            *field = (int64_t)i;
            return true;
        }
    }
    line_add(why, "unknown waiter '%s' (poll, epoll)", value);
    return false;
}

#define NO_DISK "has no effect yet: messages are not stored on disk"
#define NO_SCAN "has no effect: timers fire when they are due, nothing is scanned"

#define MEMORY_ONLY                                                                                \
    "limits only ephemeral topics and channels yet: without a disk, all others keep every "        \
    "message "                                                                                     \
    "in memory and drop none (see --mem-queue-bytes)"
#define BUILT NULL

#define AT(member) offsetof(struct options, member)

/* The columns are: name, kind, field, default, warning, function that reads a WORD, help. */
static const struct goflag flags[] = {
    {"version", GOFLAG_BOOL, AT(version), "false", BUILT, NULL, "print the version and exit"},
    {"config", GOFLAG_STRING, AT(config), "", BUILT, NULL, "TOML file with settings"},
    {"log-level", GOFLAG_WORD, AT(log_level), "info", BUILT, start_log_level,
     "lowest level to log: debug, info, warn, error, fatal"},
    {"log-prefix", GOFLAG_STRING, AT(log_prefix), "[nsqd] ", BUILT, NULL,
     "text at the start of every log line"},
    {"verbose", GOFLAG_BOOL, AT(verbose), "false", BUILT, NULL,
     "does nothing (an old flag): see -log-level"},
    {"worker-id", GOFLAG_BOOL, AT(worker_id), "false", BUILT, NULL,
     "does nothing (an old flag): see -node-id"},
    {"node-id", GOFLAG_INT, AT(node_id), NULL, BUILT, NULL,
     "makes message ids differ from other nsqd's, 0 to 1023 (default: from the host name)"},

    {"tcp-address", GOFLAG_STRING, AT(tcp_address), "0.0.0.0:4150", BUILT, NULL,
     "address for V2 clients: HOST:PORT, or the path of a unix socket"},
    {"http-address", GOFLAG_STRING, AT(http_address), "0.0.0.0:4151", BUILT, NULL,
     "address for HTTP clients: HOST:PORT, or the path of a unix socket; empty: no HTTP"},
    {"https-address", GOFLAG_STRING, AT(https_address), "0.0.0.0:4152", BUILT, NULL,
     "address for HTTPS clients, HOST:PORT"},
    {"auth-http-address", GOFLAG_STRINGS, AT(auth_http_address), "", BUILT, NULL,
     "server that decides what clients may do: HOST:PORT or a URL; may be repeated"},
    {"broadcast-address", GOFLAG_STRING, AT(broadcast_address), NULL, BUILT, NULL,
     "host name to register with nsqlookupd (default: this host's)"},
    {"broadcast-tcp-port", GOFLAG_INT, AT(broadcast_tcp_port), "0", BUILT, NULL,
     "TCP port to register with nsqlookupd; 0: the port of -tcp-address"},
    {"broadcast-http-port", GOFLAG_INT, AT(broadcast_http_port), "0", BUILT, NULL,
     "HTTP port to register with nsqlookupd; 0: the port of -http-address"},
    {"lookupd-tcp-address", GOFLAG_STRINGS, AT(lookupd_tcp_address), "", BUILT, NULL,
     "an nsqlookupd to register with, HOST:PORT; may be repeated"},
    {"http-client-connect-timeout", GOFLAG_DURATION, AT(http_client_connect_timeout), "2s", BUILT,
     NULL, "how long an HTTP request may take to connect"},
    {"http-client-request-timeout", GOFLAG_DURATION, AT(http_client_request_timeout), "5s", BUILT,
     NULL, "how long an HTTP request may take in total"},

    {"data-path", GOFLAG_STRING, AT(data_path), "",
     "is only locked yet: no message is stored in that directory", NULL,
     "directory for data on disk; empty: the working directory"},
    {"mem-queue-size", GOFLAG_INT, AT(mem_queue_size), "10000", MEMORY_ONLY, NULL,
     "messages that a topic or a channel keeps in memory"},
    {"max-bytes-per-file", GOFLAG_INT, AT(max_bytes_per_file), "104857600", NO_DISK, NULL,
     "size in bytes at which a queue starts a new file"},
    {"sync-every", GOFLAG_INT, AT(sync_every), "2500", NO_DISK, NULL,
     "messages between two fsyncs of a queue"},
    {"sync-timeout", GOFLAG_DURATION, AT(sync_timeout), "2s", NO_DISK, NULL,
     "time between two fsyncs of a queue"},
    {"queue-scan-worker-pool-max", GOFLAG_INT, AT(queue_scan_worker_pool_max), "4", NO_SCAN, NULL,
     "accepted and not needed: nothing is scanned"},
    {"queue-scan-selection-count", GOFLAG_INT, AT(queue_scan_selection_count), "20", NO_SCAN, NULL,
     "accepted and not needed: nothing is scanned"},

    {"msg-timeout", GOFLAG_DURATION, AT(msg_timeout), "60s", BUILT, NULL,
     "time a consumer has for a message before it is delivered again"},
    {"max-msg-timeout", GOFLAG_DURATION, AT(max_msg_timeout), "15m", BUILT, NULL,
     "longest time a message may stay with a consumer"},
    {"max-msg-size", GOFLAG_INT, AT(max_msg_size), "1048576", BUILT, NULL,
     "largest message in bytes"},
    {"max-req-timeout", GOFLAG_DURATION, AT(max_req_timeout), "1h", BUILT, NULL,
     "longest delay of a requeued or deferred message"},
    {"max-body-size", GOFLAG_INT, AT(max_body_size), "5242880", BUILT, NULL,
     "largest body of a command in bytes"},

    {"max-heartbeat-interval", GOFLAG_DURATION, AT(max_heartbeat_interval), "60s", BUILT, NULL,
     "longest time between heartbeats that a client may ask for"},
    {"max-rdy-count", GOFLAG_INT, AT(max_rdy_count), "2500", BUILT, NULL,
     "highest RDY count of a client"},
    {"max-output-buffer-size", GOFLAG_INT, AT(max_output_buffer_size), "65536", BUILT, NULL,
     "largest output buffer in bytes that a client may ask for"},
    {"max-output-buffer-timeout", GOFLAG_DURATION, AT(max_output_buffer_timeout), "30s", BUILT,
     NULL, "longest output buffer timeout that a client may ask for"},
    {"min-output-buffer-timeout", GOFLAG_DURATION, AT(min_output_buffer_timeout), "25ms", BUILT,
     NULL, "shortest output buffer timeout that a client may ask for"},
    {"output-buffer-timeout", GOFLAG_DURATION, AT(output_buffer_timeout), "250ms", BUILT, NULL,
     "the output buffer timeout of a client that asks for none; only reported, output never waits"},
    {"max-channel-consumers", GOFLAG_INT, AT(max_channel_consumers), "0", BUILT, NULL,
     "most consumers on one channel; 0: any number"},

    {"statsd-address", GOFLAG_STRING, AT(statsd_address), "", BUILT, NULL,
     "statsd server to send statistics to, HOST:PORT (UDP)"},
    {"statsd-interval", GOFLAG_DURATION, AT(statsd_interval), "60s", BUILT, NULL,
     "time between two reports to statsd"},
    {"statsd-mem-stats", GOFLAG_BOOL, AT(statsd_mem_stats), "true", BUILT, NULL,
     "also report memory figures to statsd"},
    {"statsd-prefix", GOFLAG_STRING, AT(statsd_prefix), "nsq.%s", BUILT, NULL,
     "text at the start of every statsd key (%s: the host)"},
    {"statsd-udp-packet-size", GOFLAG_INT, AT(statsd_udp_packet_size), "508", BUILT, NULL,
     "largest packet to statsd in bytes"},
    {"statsd-exclude-ephemeral", GOFLAG_BOOL, AT(statsd_exclude_ephemeral), "false", BUILT, NULL,
     "do not report ephemeral topics and channels to statsd"},

    {"e2e-processing-latency-percentile", GOFLAG_FLOATS, AT(e2e_processing_latency_percentile), "",
     BUILT, NULL,
     "processing latencies to report, as 0.99,0.95: above 0, up to 1; may be repeated"},
    {"e2e-processing-latency-window-time", GOFLAG_DURATION, AT(e2e_processing_latency_window_time),
     "10m", BUILT, NULL, "length of the time window of those latencies"},

    {"tls-cert", GOFLAG_STRING, AT(tls_cert), "", BUILT, NULL, "file with the certificate (PEM)"},
    {"tls-key", GOFLAG_STRING, AT(tls_key), "", BUILT, NULL,
     "file with the certificate's key (PEM)"},
    {"tls-client-auth-policy", GOFLAG_STRING, AT(tls_client_auth_policy), "", BUILT, NULL,
     "what clients must present: 'require' (a certificate), 'require-verify' (a valid one)"},
    {"tls-root-ca-file", GOFLAG_STRING, AT(tls_root_ca_file), "", BUILT, NULL,
     "file with the authorities that client certificates are checked against (PEM)"},
    {"tls-required", GOFLAG_BOOL_WORD, AT(tls_required), "false", BUILT, set_tls_required,
     "refuse clients without TLS: true, false, or tcp-https (plain HTTP stays)"},
    {"tls-min-version", GOFLAG_WORD, AT(tls_min_version), "tls1.0", BUILT, set_tls_min_version,
     "lowest version of TLS: tls1.0, tls1.1, tls1.2, tls1.3"},

    {"deflate", GOFLAG_BOOL, AT(deflate), "true", BUILT, NULL, "offer deflate to clients"},
    {"max-deflate-level", GOFLAG_INT, AT(max_deflate_level), "6", BUILT, NULL,
     "highest deflate level that a client may ask for, 1 to 9"},
    {"snappy", GOFLAG_BOOL, AT(snappy), "true", BUILT, NULL, "offer snappy to clients"},

    {"mem-queue-bytes", GOFLAG_INT, AT(mem_queue_bytes), "0", BUILT, NULL,
     "memory budget in bytes for queues and clients; 0: a quarter of the memory that this process "
     "may "
     "use: of the machine, of its control group, or of RLIMIT_AS, whichever is smallest"},
    {"max-connections", GOFLAG_INT, AT(max_connections), "0", BUILT, NULL,
     "most connections at a time; 0: as many as the descriptor limit allows"},
    {"output-high-water", GOFLAG_INT, AT(output_high_water), "1048576", BUILT, NULL,
     "unsent bytes at which a consumer gets no more messages"},
    {"output-gather-timeout", GOFLAG_DURATION, AT(output_gather_timeout), "500us", BUILT, NULL,
     "a consumer that gets messages more often than this gets them together; 0: never"},
    {"magic-timeout", GOFLAG_DURATION, AT(magic_timeout), "1m", BUILT, NULL,
     "how long a client may take to send its first four bytes"},
    {"waiter", GOFLAG_WORD, AT(waiter), "poll", BUILT, set_waiter,
     "how to wait for input: poll, or epoll for thousands of idle connections"},
    {"metrics-channels", GOFLAG_BOOL, AT(metrics_channels), "false", BUILT, NULL,
     "also show each channel in GET /metrics (for Prometheus): 8 series a channel, and one for "
     "each percentile"},
    {"metrics-clients", GOFLAG_BOOL, AT(metrics_clients), "false", BUILT, NULL,
     "also show each client in GET /metrics: 8 series a client, new ones whenever it connects"},
};
_Static_assert(sizeof flags / sizeof flags[0] == OPTIONS_FLAG_COUNT, "one row for each flag");

static const struct goflag_key keys[] = {
    {"version", NULL},
    {"config", NULL},
    {"verbose", NULL},
    {"worker-id", NULL},
    {"node-id", "id"},
    {"auth-http-address", "auth_http_addresses"},
    {"lookupd-tcp-address", "nsqlookupd_tcp_addresses"},
    {"e2e-processing-latency-percentile", "e2e_processing_latency_percentiles"},
};

const struct goflag_table options_table = {.program = "nsqd",
                                           .rows = flags,
                                           .n = OPTIONS_FLAG_COUNT,
                                           .keys = keys,
                                           .key_count = sizeof keys / sizeof keys[0]};

struct start_flags options_flags(struct options *o)
{
    return (struct start_flags){.table = &options_table,
                                .into = o,
                                .given = o->given,
                                .place = o->place,
                                .version = &o->version};
}

enum start_result options_parse(struct options *o, int argc, char *const *argv,
                                const struct options_host *host, struct start_text *text)
{
    const struct start_flags fields = options_flags(o);
    memset(o, 0, sizeof *o);
    goflag_defaults(&options_table, o);
    o->broadcast_address = host->name;
    o->node_id = host->node_id;
    return start_parse(&fields, argc, argv, text);
}

bool options_warning(const struct options *o, size_t *at, char line[START_LINE_MAX])
{
    struct line out;
    line_start(&out, line, START_LINE_MAX);
    return goflag_next_warning(&options_table, o, o->given, at, &out);
}

bool options_offer_tls(const struct options *o)
{
    return o->tls_cert[0] != '\0' || o->tls_key[0] != '\0';
}

bool options_require_tls(const struct options *o)
{
    return o->tls_required != OPTIONS_TLS_NOT_REQUIRED || o->tls_client_auth_policy[0] != '\0';
}

int64_t options_port_or(int64_t given, int64_t listener)
{
    return given != 0 ? given : listener > 0 ? listener : 0;
}
