/* SPDX-License-Identifier: MIT */
/* Tests of nsqd/options.h: the table of flags, flags that end the program at once, warnings. Names,
 * kinds and defaults are those of nsqd 1.3.0's usage and of its Options. */
#include "nsqd/options.h"

#include <nsq/version.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"

#define MAX_WORDS 16

static const struct options_host host = {.name = "this-host", .node_id = 617};

struct run {
    struct options o;
    struct start_text text;
    enum start_result r;
};

/* Parses arguments in the given order, up to the first NULL. */
static void run(struct run *run, const char *const argv[MAX_WORDS])
{
    char *words[MAX_WORDS + 1] = {"nsqd"};
    int argc = 1;
    for (; argc < MAX_WORDS && argv[argc - 1] != NULL; argc++) {
        words[argc] = (char *)(uintptr_t)argv[argc - 1]; /* main's argv is not const */
    }
    memset(run, 0xAA, sizeof *run);
    run->r = options_parse(&run->o, argc, words, &host, &run->text);
}

#define RUN(at, ...) run((at), (const char *const[MAX_WORDS]){__VA_ARGS__})

/* Whether a flag was given. */
static bool was_given(const struct options *o, const char *name)
{
    size_t row = goflag_find(&options_table, name, strlen(name));
    assert_in_range(row, 0, OPTIONS_FLAG_COUNT - 1);
    return o->given[row];
}

#define AT(member) offsetof(struct options, member)
#define SECOND ((int64_t)1000000000)

static const struct {
    const char *name;
    size_t at;
    int64_t by_default;
    const char *value;
    int64_t then;
} numbers[] = {
    {"log-level", AT(log_level), LOG_INFO, "error", LOG_ERROR},
    {"node-id", AT(node_id), 617, "1023", 1023},
    {"broadcast-tcp-port", AT(broadcast_tcp_port), 0, "1", 1},
    {"broadcast-http-port", AT(broadcast_http_port), 0, "2", 2},
    {"http-client-connect-timeout", AT(http_client_connect_timeout), 2 * SECOND, "3s", 3 * SECOND},
    {"http-client-request-timeout", AT(http_client_request_timeout), 5 * SECOND, "4s", 4 * SECOND},
    {"mem-queue-size", AT(mem_queue_size), 10000, "5", 5},
    {"max-bytes-per-file", AT(max_bytes_per_file), 104857600, "6", 6},
    {"sync-every", AT(sync_every), 2500, "7", 7},
    {"sync-timeout", AT(sync_timeout), 2 * SECOND, "8s", 8 * SECOND},
    {"queue-scan-worker-pool-max", AT(queue_scan_worker_pool_max), 4, "9", 9},
    {"queue-scan-selection-count", AT(queue_scan_selection_count), 20, "10", 10},
    {"msg-timeout", AT(msg_timeout), 60 * SECOND, "11s", 11 * SECOND},
    {"max-msg-timeout", AT(max_msg_timeout), 900 * SECOND, "12s", 12 * SECOND},
    {"max-msg-size", AT(max_msg_size), 1048576, "13", 13},
    {"max-req-timeout", AT(max_req_timeout), 3600 * SECOND, "14s", 14 * SECOND},
    {"max-body-size", AT(max_body_size), 5242880, "15", 15},
    {"max-heartbeat-interval", AT(max_heartbeat_interval), 60 * SECOND, "16s", 16 * SECOND},
    {"max-rdy-count", AT(max_rdy_count), 2500, "17", 17},
    {"max-output-buffer-size", AT(max_output_buffer_size), 65536, "18", 18},
    {"max-output-buffer-timeout", AT(max_output_buffer_timeout), 30 * SECOND, "19s", 19 * SECOND},
    {"min-output-buffer-timeout", AT(min_output_buffer_timeout), 25000000, "20s", 20 * SECOND},
    {"output-buffer-timeout", AT(output_buffer_timeout), 250000000, "21s", 21 * SECOND},
    {"max-channel-consumers", AT(max_channel_consumers), 0, "22", 22},
    {"statsd-interval", AT(statsd_interval), 60 * SECOND, "23s", 23 * SECOND},
    {"statsd-udp-packet-size", AT(statsd_udp_packet_size), 508, "24", 24},
    {"e2e-processing-latency-window-time", AT(e2e_processing_latency_window_time), 600 * SECOND,
     "25s", 25 * SECOND},
    {"tls-required", AT(tls_required), OPTIONS_TLS_NOT_REQUIRED, "true", OPTIONS_TLS_REQUIRED},
    {"tls-min-version", AT(tls_min_version), 0x0301, "tls1.3", 0x0304},
    {"max-deflate-level", AT(max_deflate_level), 6, "26", 26},
    {"mem-queue-bytes", AT(mem_queue_bytes), 0, "27", 27},
    {"max-connections", AT(max_connections), 0, "28", 28},
    {"output-high-water", AT(output_high_water), 1048576, "29", 29},
    {"output-gather-timeout", AT(output_gather_timeout), 500000, "31s", 31 * SECOND},
    {"magic-timeout", AT(magic_timeout), 60 * SECOND, "30s", 30 * SECOND},
    {"waiter", AT(waiter), OPTIONS_WAITER_POLL, "epoll", OPTIONS_WAITER_EPOLL},
};

static const struct {
    const char *name;
    size_t at;
    bool by_default;
} switches[] = {
    {"version", AT(version), false},
    {"verbose", AT(verbose), false},
    {"worker-id", AT(worker_id), false},
    {"statsd-mem-stats", AT(statsd_mem_stats), true},
    {"statsd-exclude-ephemeral", AT(statsd_exclude_ephemeral), false},
    {"deflate", AT(deflate), true},
    {"snappy", AT(snappy), true},
    {"metrics-channels", AT(metrics_channels), false},
    {"metrics-clients", AT(metrics_clients), false},
};

static const struct {
    const char *name;
    size_t at;
    const char *by_default;
} strings[] = {
    {"config", AT(config), ""},
    {"log-prefix", AT(log_prefix), "[nsqd] "},
    {"tcp-address", AT(tcp_address), "0.0.0.0:4150"},
    {"http-address", AT(http_address), "0.0.0.0:4151"},
    {"https-address", AT(https_address), "0.0.0.0:4152"},
    {"broadcast-address", AT(broadcast_address), "this-host"},
    {"data-path", AT(data_path), ""},
    {"statsd-address", AT(statsd_address), ""},
    {"statsd-prefix", AT(statsd_prefix), "nsq.%s"},
    {"tls-cert", AT(tls_cert), ""},
    {"tls-key", AT(tls_key), ""},
    {"tls-client-auth-policy", AT(tls_client_auth_policy), ""},
    {"tls-root-ca-file", AT(tls_root_ca_file), ""},
};

static const struct {
    const char *name;
    size_t at;
} lists[] = {
    {"auth-http-address", AT(auth_http_address)},
    {"lookupd-tcp-address", AT(lookupd_tcp_address)},
    {"e2e-processing-latency-percentile", AT(e2e_processing_latency_percentile)},
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

_Static_assert(COUNT(numbers) + COUNT(switches) + COUNT(strings) + COUNT(lists) ==
                   OPTIONS_FLAG_COUNT,
               "every flag is tested");

static int64_t number(const struct options *o, size_t at)
{
    int64_t v;
    memcpy(&v, (const char *)o + at, sizeof v);
    return v;
}

static bool on(const struct options *o, size_t at)
{
    return *((const bool *)(const void *)((const char *)o + at));
}

static const char *string(const struct options *o, size_t at)
{
    const char *v;
    memcpy(&v, (const char *)o + at, sizeof v);
    return v;
}

static size_t length(const struct options *o, size_t at)
{
    size_t v;
    memcpy(&v, (const char *)o + at, sizeof v);
    return v;
}

/* Checks that all fields have their defaults, except the field at offset `except`. */
static void assert_defaults(const struct options *o, size_t except)
{
    for (size_t i = 0; i < COUNT(numbers); i++) {
        if (numbers[i].at != except && number(o, numbers[i].at) != numbers[i].by_default) {
            fail_msg("%s is %lld", numbers[i].name, (long long)number(o, numbers[i].at));
        }
    }
    for (size_t i = 0; i < COUNT(switches); i++) {
        if (switches[i].at != except && on(o, switches[i].at) != switches[i].by_default) {
            fail_msg("%s is %d", switches[i].name, on(o, switches[i].at));
        }
    }
    for (size_t i = 0; i < COUNT(strings); i++) {
        if (strings[i].at != except) {
            assert_string_equal(string(o, strings[i].at), strings[i].by_default);
        }
    }
    for (size_t i = 0; i < COUNT(lists); i++) {
        if (lists[i].at != except) {
            assert_int_equal(length(o, lists[i].at), 0);
        }
    }
}

static size_t given(const struct options *o)
{
    size_t n = 0;
    for (size_t i = 0; i < OPTIONS_FLAG_COUNT; i++) {
        n += o->given[i];
    }
    return n;
}

static void without_arguments_all_are_defaults(void **state)
{
    (void)state;
    struct run r;
    RUN(&r, NULL);
    assert_int_equal(r.r, START_RUN);
    assert_defaults(&r.o, SIZE_MAX);
    assert_int_equal(given(&r.o), 0);
    assert_string_equal(r.text.out, "");
    assert_string_equal(r.text.err, "");
    assert_string_equal(r.text.fatal, "");
    assert_int_equal(r.text.code, 0);
}

static void each_number_reaches_its_field_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(numbers); i++) {
        struct run r;
        char arg[80];
        snprintf(arg, sizeof arg, "-%s=%s", numbers[i].name, numbers[i].value);
        RUN(&r, arg);
        assert_int_equal(r.r, START_RUN);
        if (number(&r.o, numbers[i].at) != numbers[i].then) {
            fail_msg("%s: %lld", arg, (long long)number(&r.o, numbers[i].at));
        }
        assert_defaults(&r.o, numbers[i].at);
        assert_true(was_given(&r.o, numbers[i].name));
        assert_int_equal(given(&r.o), 1);
    }
}

static void each_switch_reaches_its_field_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(switches); i++) {
        struct run r;
        char arg[80];
        snprintf(arg, sizeof arg, "--%s=false", switches[i].name);
        RUN(&r, arg);
        assert_int_equal(r.r, START_RUN);
        assert_false(on(&r.o, switches[i].at));
        assert_defaults(&r.o, switches[i].at);
        snprintf(arg, sizeof arg, "--%s", switches[i].name);
        RUN(&r, arg);
        assert_true(on(&r.o, switches[i].at));
        assert_true(was_given(&r.o, switches[i].name));
        assert_defaults(&r.o, switches[i].at);
    }
}

static void each_string_reaches_its_field_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(strings); i++) {
        struct run r;
        char arg[80];
        snprintf(arg, sizeof arg, "--%s", strings[i].name);
        RUN(&r, arg, "-any thing");
        assert_int_equal(r.r, START_RUN);
        assert_string_equal(string(&r.o, strings[i].at), "-any thing");
        assert_true(was_given(&r.o, strings[i].name));
        assert_defaults(&r.o, strings[i].at);
    }
}

static void each_list_reaches_its_field_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(lists); i++) {
        struct run r;
        char arg[80];
        snprintf(arg, sizeof arg, "--%s", lists[i].name);
        RUN(&r, arg, "0.25", arg, "0.5");
        assert_int_equal(r.r, START_RUN);
        assert_int_equal(length(&r.o, lists[i].at), 2);
        assert_true(was_given(&r.o, lists[i].name));
        assert_defaults(&r.o, lists[i].at);
    }
}

static const struct {
    const char *arg;
    int64_t value;
} words[] = {
    {"-log-level=debug", LOG_DEBUG},
    {"-log-level=info", LOG_INFO},
    {"-log-level=WARN", LOG_WARNING},
    {"-log-level=Error", LOG_ERROR},
    {"-log-level=fAtAl", LOG_FATAL},
    {"-tls-required", OPTIONS_TLS_REQUIRED},
    {"-tls-required=1", OPTIONS_TLS_REQUIRED},
    {"-tls-required=T", OPTIONS_TLS_REQUIRED},
    {"-tls-required=tRUE", OPTIONS_TLS_REQUIRED},
    {"-tls-required=TCP-https", OPTIONS_TLS_REQUIRED_EXCEPT_HTTP},
    {"-tls-required=0", OPTIONS_TLS_NOT_REQUIRED},
    {"-tls-required=F", OPTIONS_TLS_NOT_REQUIRED},
    {"-tls-required=FALSE", OPTIONS_TLS_NOT_REQUIRED},
    {"-tls-min-version=tls1.0", 0x0301},
    {"-tls-min-version=TLS1.1", 0x0302},
    {"-tls-min-version=Tls1.2", 0x0303},
    {"-tls-min-version=tls1.3", 0x0304},
    {"-tls-min-version=", 0x0301},
    {"-waiter=POLL", OPTIONS_WAITER_POLL},
    {"-waiter=Epoll", OPTIONS_WAITER_EPOLL},
};

static void words_are_read_in_any_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(words); i++) {
        struct run r;
        RUN(&r, words[i].arg);
        int64_t v = strncmp(words[i].arg, "-log", 4) == 0      ? r.o.log_level
                    : strncmp(words[i].arg, "-tls-r", 6) == 0  ? r.o.tls_required
                    : strncmp(words[i].arg, "-waiter", 7) == 0 ? r.o.waiter
                                                               : r.o.tls_min_version;
        if (r.r != START_RUN || v != words[i].value) {
            fail_msg("%s: result %d, %lld", words[i].arg, r.r, (long long)v);
        }
    }
    struct run r;
    RUN(&r, "-tls-min-version=tls1.2", "-tls-min-version=");
    assert_int_equal(r.o.tls_min_version, 0x0303);
}

static const struct {
    const char *arg;
    const char *error; /* the first line of stderr */
} bad_words[] = {
    {"-log-level=warning", "invalid value \"warning\" for flag -log-level: invalid log level "
                           "'warning' (debug, info, warn, error, fatal)"},
    {"-log-level=", "invalid value \"\" for flag -log-level: invalid log level '' (debug, info, "
                    "warn, error, fatal)"},
    {"-log-level=inf", "invalid value \"inf\" for flag -log-level: invalid log level 'inf' (debug, "
                       "info, warn, error, fatal)"},
    {"-log-level=a\"b", "invalid value \"a\\\"b\" for flag -log-level: invalid log level 'a\"b' "
                        "(debug, info, warn, error, fatal)"},
    {"-tls-required=X", "invalid boolean value \"X\" for -tls-required: strconv.ParseBool: parsing "
                        "\"x\": invalid syntax"},
    {"-tls-required=", "invalid boolean value \"\" for -tls-required: strconv.ParseBool: parsing "
                       "\"\": invalid syntax"},
    {"-tls-required=A\tZ[`{", "invalid boolean value \"A\\tZ[`{\" for -tls-required: "
                              "strconv.ParseBool: parsing \"a\\tz[`{\": invalid syntax"},
    {"-tls-min-version=SSL3.0", "invalid value \"SSL3.0\" for flag -tls-min-version: unknown "
                                "tlsVersionOption \"ssl3.0\""},
    {"-tls-min-version=tls1.4", "invalid value \"tls1.4\" for flag -tls-min-version: unknown "
                                "tlsVersionOption \"tls1.4\""},
    {"-waiter=kqueue", "invalid value \"kqueue\" for flag -waiter: unknown waiter 'kqueue' (poll, "
                       "epoll)"},
    {"-worker-id=3", "invalid boolean value \"3\" for -worker-id: parse error"},
    {"-version=maybe", "invalid boolean value \"maybe\" for -version: parse error"},
    {"-nope", "flag provided but not defined: -nope"},
    {"-node-id", "flag needs an argument: -node-id"},
};

static const char usage[] = "Usage of nsqd:\n  -auth-http-address value\n";

static void a_bad_flag_ends_with_its_error_and_the_usage(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(bad_words); i++) {
        struct run r;
        RUN(&r, "-version", bad_words[i].arg);
        size_t n = strcspn(r.text.err, "\n");
        if (r.r != START_EXIT || r.text.code != 2 || strlen(bad_words[i].error) != n ||
            memcmp(r.text.err, bad_words[i].error, n) != 0) {
            fail_msg("%s: result %d, code %d, '%.*s'", bad_words[i].arg, r.r, r.text.code, (int)n,
                     r.text.err);
        }
        assert_memory_equal(r.text.err + n + 1, usage, sizeof usage - 1);
        assert_string_equal(r.text.out, "");
        assert_string_equal(r.text.fatal, "");
    }
}

static void help_is_the_usage_and_no_error(void **state)
{
    (void)state;
    static const char *const asks[] = {"-h", "--help", "-help=1"};
    for (size_t i = 0; i < COUNT(asks); i++) {
        struct run r;
        RUN(&r, "-version", asks[i], "-nope");
        assert_int_equal(r.r, START_EXIT);
        assert_int_equal(r.text.code, 0);
        assert_memory_equal(r.text.out, usage, sizeof usage - 1);
        assert_string_equal(r.text.err, "");
        assert_non_null(strstr(r.text.out, "\n  -worker-id\n"));
        assert_int_equal(r.text.out[strlen(r.text.out) - 1], '\n');
    }
}

static void the_longest_error_leaves_room_for_the_usage(void **state)
{
    (void)state;
    static char arg[20000];
    struct run r;
    memset(arg, 'x', sizeof arg - 1);
    arg[0] = '-';
    RUN(&r, arg);
    assert_int_equal(r.text.code, 2);
    const char *end = strchr(r.text.err, '\n');
    assert_int_equal(end - r.text.err, START_LINE_MAX - 1);
    assert_memory_equal(end - 3, "...", 3);
    assert_memory_equal(end + 1, usage, sizeof usage - 1);
    assert_non_null(strstr(r.text.err, "\n  -worker-id\n"));
}

static void version_is_printed_once_all_flags_are_read(void **state)
{
    (void)state;
    struct run r;
    RUN(&r, "-config=/none", "--version", "rest");
    assert_int_equal(r.r, START_EXIT);
    assert_int_equal(r.text.code, 0);
    assert_string_equal(r.text.out, "nsqd v1.3.0 (built w/c11-nsqref-" NSQREF_VERSION ")\n");
    assert_string_equal(r.text.err, "");
    RUN(&r, "-version", "-version=false");
    assert_int_equal(r.r, START_RUN);
    assert_string_equal(r.text.out, "");
}

static void a_percentile_that_is_no_number_is_fatal(void **state)
{
    (void)state;
    struct run r;
    RUN(&r, "-version", "-e2e-processing-latency-percentile=0.9,x", "-nope");
    assert_int_equal(r.r, START_FATAL);
    assert_int_equal(r.text.code, 1);
    assert_string_equal(r.text.fatal, "Could not parse: x");
    assert_string_equal(r.text.err, "");
    assert_string_equal(r.text.out, "");
}

static void a_fatal_line_is_bounded(void **state)
{
    (void)state;
    static const struct {
        size_t n;
        bool cut;
    } lines[] = {{START_LINE_MAX - 2, false},
                 {START_LINE_MAX - 1, false},
                 {START_LINE_MAX, true},
                 {2 * START_LINE_MAX, true}};
    static char path[2 * START_LINE_MAX + 1];
    for (size_t i = 0; i < COUNT(lines); i++) {
        struct start_text text;
        memset(path, 'p', lines[i].n);
        path[lines[i].n] = '\0';
        assert_int_equal(start_fail(&text, "%s", path), START_FATAL);
        size_t kept = lines[i].cut ? START_LINE_MAX - 4 : lines[i].n;
        assert_memory_equal(text.fatal, path, kept);
        assert_string_equal(text.fatal + kept, lines[i].cut ? "..." : "");
        assert_int_equal(text.code, 1);
    }
}

/* Flags that give no warning when they are set to a value other than their default: they work, or
 * they do nothing in nsqd either, or only their default is not implemented, or options_check
 * refuses them. */
static bool silent(const char *name)
{
    static const char *const names[] = {"version",
                                        "config",
                                        "log-level",
                                        "log-prefix",
                                        "verbose",
                                        "worker-id",
                                        "node-id",
                                        "tcp-address",
                                        "http-address",
                                        "https-address",
                                        "e2e-processing-latency-percentile",
                                        "e2e-processing-latency-window-time",
                                        "msg-timeout",
                                        "max-msg-timeout",
                                        "max-msg-size",
                                        "max-req-timeout",
                                        "max-body-size",
                                        "max-rdy-count",
                                        "deflate",
                                        "snappy",
                                        "max-deflate-level",
                                        "tls-cert",
                                        "tls-key",
                                        "tls-root-ca-file",
                                        "tls-required",
                                        "tls-min-version",
                                        "mem-queue-bytes",
                                        "max-connections",
                                        "output-high-water",
                                        "output-gather-timeout",
                                        "magic-timeout",
                                        "waiter",
                                        "metrics-channels",
                                        "metrics-clients",
                                        "auth-http-address",
                                        "http-client-connect-timeout",
                                        "http-client-request-timeout",
                                        "max-channel-consumers",
                                        "tls-client-auth-policy",
                                        "max-heartbeat-interval",
                                        "max-output-buffer-size",
                                        "max-output-buffer-timeout",
                                        "min-output-buffer-timeout",
                                        "output-buffer-timeout",
                                        "broadcast-address",
                                        "broadcast-tcp-port",
                                        "broadcast-http-port",
                                        "lookupd-tcp-address",
                                        "statsd-address",
                                        "statsd-interval",
                                        "statsd-mem-stats",
                                        "statsd-prefix",
                                        "statsd-udp-packet-size",
                                        "statsd-exclude-ephemeral"};
    for (size_t i = 0; i < COUNT(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void assert_warned(const char *name, const char *value)
{
    struct run r;
    char arg[128];
    char line[START_LINE_MAX];
    size_t at = 0;
    snprintf(arg, sizeof arg, "--%s=%s", name, value);
    RUN(&r, arg);
    bool warned = options_warning(&r.o, &at, line);
    if (warned == silent(name)) {
        fail_msg("%s: warned %d", arg, warned);
    }
    if (warned) {
        assert_memory_equal(line, arg, strlen(name) + 2);
        assert_int_equal(line[strlen(name) + 2], ' ');
        assert_false(options_warning(&r.o, &at, line));
    }
}

static void what_is_not_built_is_warned_of(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(numbers); i++) {
        assert_warned(numbers[i].name, numbers[i].value);
    }
    for (size_t i = 0; i < COUNT(switches); i++) {
        if (strcmp(switches[i].name, "version") != 0) {
            assert_warned(switches[i].name, switches[i].by_default ? "false" : "true");
        }
    }
    for (size_t i = 0; i < COUNT(strings); i++) {
        assert_warned(strings[i].name, "x");
    }
    for (size_t i = 0; i < COUNT(lists); i++) {
        assert_warned(lists[i].name, "0.5");
    }
}

static void defaults_and_empty_strings_are_not_warned_of(void **state)
{
    (void)state;
    struct run r;
    char line[START_LINE_MAX];
    size_t at = 0;
    RUN(&r, "-sync-every=2500", "-sync-timeout=2000ms",
        "-http-address=", "-data-path=", "-https-address=0.0.0.0:4152", "-statsd-mem-stats=1",
        "-tls-min-version=TLS1.0", "-broadcast-address=this-host2", "-broadcast-address=");
    assert_int_equal(r.r, START_RUN);
    assert_false(options_warning(&r.o, &at, line));
}

static void warnings_come_in_the_order_of_the_table(void **state)
{
    (void)state;
    struct run r;
    char line[START_LINE_MAX];
    size_t at = 0;
    RUN(&r, "-queue-scan-selection-count=1", "-sync-every=1", "-data-path=d", "-data-path=e");
    assert_true(options_warning(&r.o, &at, line));
    assert_string_equal(line,
                        "--data-path is only locked yet: no message is stored in that directory");
    assert_true(options_warning(&r.o, &at, line));
    assert_string_equal(line, "--sync-every has no effect yet: messages are not stored on disk");
    assert_true(options_warning(&r.o, &at, line));
    assert_string_equal(line, "--queue-scan-selection-count has no effect: timers fire when they "
                              "are due, nothing is scanned");
    assert_false(options_warning(&r.o, &at, line));
    assert_false(options_warning(&r.o, &at, line));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_arguments_all_are_defaults),
        cmocka_unit_test(each_number_reaches_its_field_alone),
        cmocka_unit_test(each_switch_reaches_its_field_alone),
        cmocka_unit_test(each_string_reaches_its_field_alone),
        cmocka_unit_test(each_list_reaches_its_field_alone),
        cmocka_unit_test(words_are_read_in_any_case),
        cmocka_unit_test(a_bad_flag_ends_with_its_error_and_the_usage),
        cmocka_unit_test(help_is_the_usage_and_no_error),
        cmocka_unit_test(the_longest_error_leaves_room_for_the_usage),
        cmocka_unit_test(version_is_printed_once_all_flags_are_read),
        cmocka_unit_test(a_percentile_that_is_no_number_is_fatal),
        cmocka_unit_test(a_fatal_line_is_bounded),
        cmocka_unit_test(what_is_not_built_is_warned_of),
        cmocka_unit_test(defaults_and_empty_strings_are_not_warned_of),
        cmocka_unit_test(warnings_come_in_the_order_of_the_table),
    };
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
