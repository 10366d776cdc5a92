/* SPDX-License-Identifier: MIT */
/*
 * Tests of program/config_file.h with the flags of nsqd: every key of a configuration file reaches
 * the field of its flag, the command line wins, and a bad file is refused with one line. The keys
 * are those of nsqd 1.3.0, and five of our own.
 */
#include "program/config_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nsqd/options.h"
#include "nsqd/options_check.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void parse(struct options *o, const char *flag, struct start_text *text)
{
    static const struct options_host host = {.name = "h", .node_id = 1};
    char *argv[] = {"nsqd", "-config=f.cfg", (char *)(uintptr_t)flag};
    assert_int_equal(options_parse(o, flag == NULL ? 2 : 3, argv, &host, text), START_RUN);
}

struct run {
    struct options o;
    struct start_text text;
    struct toml_document *file;
};

/* Reads a file after the command line. Returns the error line, "" when there is none. ASan sees a
 * read past the end of the bytes, or after the call. The caller frees r->file. */
static const char *read_file(struct run *r, const char *bytes, size_t n, const char *flag)
{
    char *file = malloc(n > 0 ? n : 1);
    memcpy(file, bytes, n);
    parse(&r->o, flag, &r->text);
    const struct start_flags flags = options_flags(&r->o);
    enum start_result result =
        config_file_read(&flags, r->o.config, span_make(file, n), &r->file, &r->text);
    memset(file, 0xAA, n);
    free(file);
    assert_int_equal(result, r->text.fatal[0] == '\0' ? START_RUN : START_FATAL);
    assert_int_equal(r->text.code, result == START_RUN ? 0 : 1);
    return r->text.fatal;
}

static void accept(struct run *r, const char *text, const char *flag)
{
    const char *fatal = read_file(r, text, strlen(text), flag);
    if (fatal[0] != '\0') {
        fail_msg("'%s': %s", text, fatal);
    }
}

static bool same_field(const struct goflag *f, const struct options *a, const struct options *b)
{
    const void *x = (const char *)a + f->offset;
    const void *y = (const char *)b + f->offset;
    const struct goflag_strings *p = x;
    const struct goflag_strings *q = y;
    const struct goflag_floats *u = x;
    const struct goflag_floats *v = y;
    switch (f->kind) {
    case GOFLAG_BOOL:
        return *(const bool *)x == *(const bool *)y;
    case GOFLAG_STRING:
        return strcmp(*(const char *const *)x, *(const char *const *)y) == 0;
    case GOFLAG_STRINGS:
        return p->n == q->n && (p->n == 0 || strcmp(p->v[0], q->v[0]) == 0);
    case GOFLAG_FLOATS:
        return u->n == v->n && memcmp(u->v, v->v, u->n * sizeof u->v[0]) == 0;
    default:
        return *(const int64_t *)x == *(const int64_t *)y;
    }
}

static const struct {
    const char *line, *flag;
} settings[] = {
    {"log_level = 'warn'", "-log-level=warn"},
    {"log_prefix = 'p '", "-log-prefix=p "},
    {"id = 5", "-node-id=5"},
    {"tcp_address = 'a:1'", "-tcp-address=a:1"},
    {"http_address = 'a:2'", "-http-address=a:2"},
    {"https_address = 'a:3'", "-https-address=a:3"},
    {"auth_http_addresses = ['a:4']", "-auth-http-address=a:4"},
    {"broadcast_address = 'b'", "-broadcast-address=b"},
    {"broadcast_tcp_port = 1", "-broadcast-tcp-port=1"},
    {"broadcast_http_port = 2", "-broadcast-http-port=2"},
    {"nsqlookupd_tcp_addresses = ['a:5']", "-lookupd-tcp-address=a:5"},
    {"http_client_connect_timeout = '1s'", "-http-client-connect-timeout=1s"},
    {"http_client_request_timeout = '2s'", "-http-client-request-timeout=2s"},
    {"data_path = '/d'", "-data-path=/d"},
    {"mem_queue_size = 3", "-mem-queue-size=3"},
    {"max_bytes_per_file = 4", "-max-bytes-per-file=4"},
    {"sync_every = 5", "-sync-every=5"},
    {"sync_timeout = 6000", "-sync-timeout=6s"},
    {"queue_scan_worker_pool_max = 7", "-queue-scan-worker-pool-max=7"},
    {"queue_scan_selection_count = 8", "-queue-scan-selection-count=8"},
    {"msg_timeout = '9s'", "-msg-timeout=9s"},
    {"max_msg_timeout = '10s'", "-max-msg-timeout=10s"},
    {"max_msg_size = 11", "-max-msg-size=11"},
    {"max_req_timeout = '12s'", "-max-req-timeout=12s"},
    {"max_body_size = 13", "-max-body-size=13"},
    {"max_heartbeat_interval = '14s'", "-max-heartbeat-interval=14s"},
    {"max_rdy_count = 15", "-max-rdy-count=15"},
    {"max_output_buffer_size = 16", "-max-output-buffer-size=16"},
    {"max_output_buffer_timeout = '17s'", "-max-output-buffer-timeout=17s"},
    {"min_output_buffer_timeout = '18s'", "-min-output-buffer-timeout=18s"},
    {"output_buffer_timeout = '19s'", "-output-buffer-timeout=19s"},
    {"max_channel_consumers = 20", "-max-channel-consumers=20"},
    {"statsd_address = 'a:6'", "-statsd-address=a:6"},
    {"statsd_interval = '21s'", "-statsd-interval=21s"},
    {"statsd_mem_stats = false", "-statsd-mem-stats=false"},
    {"statsd_prefix = 's'", "-statsd-prefix=s"},
    {"statsd_udp_packet_size = 22", "-statsd-udp-packet-size=22"},
    {"statsd_exclude_ephemeral = true", "-statsd-exclude-ephemeral"},
    {"e2e_processing_latency_percentiles = [0.5]", "-e2e-processing-latency-percentile=0.5"},
    {"e2e_processing_latency_window_time = '23s'", "-e2e-processing-latency-window-time=23s"},
    {"tls_cert = 'c'", "-tls-cert=c"},
    {"tls_key = 'k'", "-tls-key=k"},
    {"tls_client_auth_policy = 'require'", "-tls-client-auth-policy=require"},
    {"tls_root_ca_file = 'r'", "-tls-root-ca-file=r"},
    {"tls_required = 'tcp-https'", "-tls-required=tcp-https"},
    {"tls_min_version = 'tls1.2'", "-tls-min-version=tls1.2"},
    {"deflate = false", "-deflate=false"},
    {"max_deflate_level = 1", "-max-deflate-level=1"},
    {"snappy = false", "-snappy=false"},
    {"mem_queue_bytes = 24", "-mem-queue-bytes=24"},
    {"max_connections = 25", "-max-connections=25"},
    {"output_high_water = 26", "-output-high-water=26"},
    {"output_gather_timeout = '28s'", "-output-gather-timeout=28s"},
    {"magic_timeout = '27s'", "-magic-timeout=27s"},
    {"waiter = 'epoll'", "-waiter=epoll"},
    {"metrics_channels = true", "-metrics-channels"},
    {"metrics_clients = true", "-metrics-clients"},
};

static void a_key_does_what_its_flag_does(void **state)
{
    (void)state;
    static struct run file, line, nothing;
    assert_int_equal(COUNT(settings), OPTIONS_FLAG_COUNT - 4); /* four have no key, see below */
    accept(&nothing, "", NULL);
    for (size_t i = 0; i < COUNT(settings); i++) {
        size_t changed = 0;
        accept(&file, settings[i].line, NULL);
        accept(&line, "", settings[i].flag);
        for (size_t row = 0; row < OPTIONS_FLAG_COUNT; row++) {
            const struct goflag *f = &options_table.rows[row];
            if (!same_field(f, &file.o, &line.o) || file.o.given[row] != line.o.given[row]) {
                fail_msg("'%s': %s", settings[i].line, f->name);
            }
            changed += !same_field(f, &file.o, &nothing.o);
        }
        if (changed != 1) {
            fail_msg("'%s' changes %zu options", settings[i].line, changed);
        }
        toml_free(file.file);
        toml_free(line.file);
    }
    toml_free(nothing.file);
}

static void some_flags_have_no_key(void **state)
{
    (void)state;
    static struct run r;
    accept(&r,
           "version = true\nconfig = 5\nverbose = 5\nworker_id = 5\nnode_id = 5\n"
           "auth_http_address = 5\nlookupd_tcp_address = 5\n"
           "e2e_processing_latency_percentile = 5\n",
           NULL);
    assert_false(r.o.version);
    assert_string_equal(r.o.config, "f.cfg");
    assert_int_equal(r.o.node_id, 1);
    toml_free(r.file);
}

static void the_command_line_wins(void **state)
{
    (void)state;
    static struct run r;
    accept(&r, "tls_required = true\nmsg_timeout = 5\nauth_http_addresses = 'a:1'\nid = 7",
           "-tls-required=false");
    assert_int_equal(r.o.tls_required, OPTIONS_TLS_NOT_REQUIRED);
    assert_int_equal(r.o.msg_timeout, 5000000);
    assert_string_equal(r.o.auth_http_address.v[0], "a:1");
    assert_int_equal(r.o.node_id, 7);
    toml_free(r.file);
    accept(&r, "id = 7\nmsg_timeout = 5", "-node-id=9");
    assert_int_equal(r.o.node_id, 9);
    assert_int_equal(r.o.msg_timeout, 5000000);
    toml_free(r.file);
}

/* What is not built is warned of, wherever it was set. */
static void settings_of_the_file_are_warned_of(void **state)
{
    (void)state;
    static struct run r;
    char line[START_LINE_MAX];
    size_t at = 0;
    accept(&r, "http_address = '0.0.0.0:4151'\nmax_bytes_per_file = 1\nsync_every = 2500", NULL);
    assert_true(options_warning(&r.o, &at, line));
    assert_non_null(strstr(line, "--max-bytes-per-file has no effect yet"));
    assert_false(options_warning(&r.o, &at, line));
    toml_free(r.file);
}

static void a_bad_file_is_refused_with_its_place(void **state)
{
    (void)state;
    enum { BROKEN = 5 }; /* the rows that are not valid TOML; how their reasons end, toml++ says */
    static const struct {
        const char *text, *why;
    } bad[] = {
        {"a = 1\na = 2", "line 2, column 5: a: "},
        {"# x\n\tmem_queue-size\t= = 5", "line 2, column 19: mem_queue-size: "},
        {"statsd = [1,\n2 2]", "line 2, column 3: Error "},
        {"= 5", "line 1, column 1: Error "},
        {"id", "line 1, column 3: Error "},
        {"id = 'five'", "line 1, column 6: id: expected an integer, found \"five\""},
        {"\n  tls_required = 'yes'",
         "line 2, column 18: tls_required: expected true, false, or tcp-https (plain HTTP stays), "
         "found \"yes\""},
        {"log_level = 1", "line 1, column 13: log_level: expected debug, info, warn, error, fatal, "
                          "found 1"},
        {"tls_min_version = 'ssl3.0'",
         "line 1, column 19: tls_min_version: expected tls1.0, tls1.1, tls1.2, tls1.3, found "
         "\"ssl3.0\""},
        {"log_prefix = \"\\n\\u0001\" # good\nid = \"a\\nb\"",
         "line 2, column 6: id: expected an integer, found \"a\\nb\""},
        {"id = '''\nx'''", "line 1, column 6: id: expected an integer, found \"x\""},
    };
    static struct run r;
    for (size_t i = 0; i < COUNT(bad); i++) {
        char expected[512];
        const char *fatal = read_file(&r, bad[i].text, strlen(bad[i].text), NULL);
        int n = snprintf(expected, sizeof expected, "failed to load config file f.cfg - %s",
                         bad[i].why);
        if (i < BROKEN ? strncmp(fatal, expected, (size_t)n) != 0 : strcmp(fatal, expected) != 0) {
            fail_msg("'%s': %s", bad[i].text, fatal);
        }
        assert_true((r.file == NULL) == (i < BROKEN));
        toml_free(r.file);
    }
}

static bool no_tls(void *context, const struct options *o, struct line *why)
{
    (void)context;
    (void)o;
    (void)why;
    return true;
}

/* A value of the right type that nsqd refuses later. */
static void a_value_out_of_range_is_refused_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *flag, *why;
    } bad[] = {
        {"\nid = 1024", NULL, "--node-id must be [0,1024) (f.cfg: line 2, column 6: id)"},
        {"id = 1", "-node-id=1024", "--node-id must be [0,1024)"},
        {"mem_queue_size = -1", NULL,
         "--mem-queue-size must be [0,2^44) (f.cfg: line 1, column 18: mem_queue_size)"},
        {"e2e_processing_latency_percentiles = [2.0]", NULL,
         "invalid E2E processing latency percentile: 2 (f.cfg: line 1, column 38: "
         "e2e_processing_latency_percentiles)"},
        {"tls_cert = 'c'\ntls_key = 'k'\ntls_client_auth_policy = 'all'", NULL,
         "--tls-client-auth-policy is \"all\": expected require, require-verify or nothing "
         "(f.cfg: line 3, column 26: tls_client_auth_policy)"},
    };
    const struct options_tls tls = {no_tls, no_tls, NULL};
    static struct run r;
    for (size_t i = 0; i < COUNT(bad); i++) {
        char expected[512];
        accept(&r, bad[i].text, bad[i].flag);
        snprintf(expected, sizeof expected, "failed to instantiate nsqd - %s", bad[i].why);
        assert_int_equal(options_check(&r.o, &tls, &r.text), START_FATAL);
        assert_string_equal(r.text.fatal, expected);
        toml_free(r.file);
    }
}

static void byte_order_marks_are_skipped(void **state)
{
    (void)state;
    static struct run r;
    static const char *const good[] = {"\xEF\xBB\xBFid = 5", "\xFF\xFEid = 5", "\xFE\xFFid = 5"};
    for (size_t i = 0; i < COUNT(good); i++) {
        accept(&r, good[i], NULL);
        assert_int_equal(r.o.node_id, 5);
        toml_free(r.file);
    }
    assert_string_not_equal(read_file(&r, "id = 5\n\xEF\xBB\xBF", 10, NULL), "");
    assert_string_not_equal(read_file(&r, "\xEF\xBBid = 5", 8, NULL), "");
    assert_string_not_equal(read_file(&r, "i\0d\0=\0005\0", 8, NULL), ""); /* UTF-16 */
    accept(&r, "", NULL);
    toml_free(r.file);
}

static void the_size_of_a_file_is_bounded(void **state)
{
    (void)state;
    static struct run r;
    char *bytes = malloc(CONFIG_FILE_MAX + 1);
    memset(bytes, '#', CONFIG_FILE_MAX + 1);
    assert_string_equal(read_file(&r, bytes, CONFIG_FILE_MAX - 1, NULL), "");
    toml_free(r.file);
    for (size_t n = CONFIG_FILE_MAX; n <= CONFIG_FILE_MAX + 1; n++) {
        assert_string_equal(read_file(&r, bytes, n, NULL),
                            "failed to load config file f.cfg - expected less than 1 MiB");
        assert_null(r.file);
    }
    memset(bytes, '.', CONFIG_FILE_MAX);
    assert_string_equal(read_file(&r, bytes, CONFIG_FILE_MAX - 1, NULL),
                        "failed to load config file f.cfg - expected at most 4096 dots in a file");
    free(bytes);
}

static void an_error_line_is_bounded(void **state)
{
    (void)state;
    static struct run r;
    char text[5000] = "id = \"";
    memset(text + 6, 'x', sizeof text - 7);
    memcpy(text + sizeof text - 2, "\"", 2);
    const char *fatal = read_file(&r, text, strlen(text), NULL);
    assert_int_equal(strlen(fatal), START_LINE_MAX - 1);
    assert_string_equal(fatal + START_LINE_MAX - 4, "...");
    toml_free(r.file);
}

static void a_file_that_cannot_be_read_is_fatal(void **state)
{
    (void)state;
    struct options o;
    struct start_text text;
    parse(&o, NULL, &text);
    assert_int_equal(
        config_file_unreadable(o.config, "open f.cfg: no such file or directory", &text),
        START_FATAL);
    assert_int_equal(text.code, 1);
    assert_string_equal(text.fatal, "failed to load config file f.cfg - open f.cfg: no such file "
                                    "or directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_does_what_its_flag_does),
        cmocka_unit_test(some_flags_have_no_key),
        cmocka_unit_test(the_command_line_wins),
        cmocka_unit_test(settings_of_the_file_are_warned_of),
        cmocka_unit_test(a_bad_file_is_refused_with_its_place),
        cmocka_unit_test(a_value_out_of_range_is_refused_with_its_place),
        cmocka_unit_test(byte_order_marks_are_skipped),
        cmocka_unit_test(the_size_of_a_file_is_bounded),
        cmocka_unit_test(an_error_line_is_bounded),
        cmocka_unit_test(a_file_that_cannot_be_read_is_fatal),
    };
    return cmocka_run_group_tests_name("config_file", tests, NULL, NULL);
}
