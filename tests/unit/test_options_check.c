/* SPDX-License-Identifier: MIT */
/* Tests of nsqd/options_check.h: which values refuse the start, tried at the last good and the
 * first bad value, and in which order they are checked. */
#include "nsqd/options_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FAILED "failed to instantiate nsqd - "
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* A file is good if its name starts with '+'. */
static bool is_good(const char *path, struct line *why)
{
    if (path[0] != '+') {
        line_add(why, "open %s: no such file or directory", path);
    }
    return path[0] == '+';
}

static bool authorities(const struct options *o, struct line *why)
{
    return o->tls_root_ca_file[0] == '\0' || is_good(o->tls_root_ca_file, why);
}

static bool serve(void *context, const struct options *o, struct line *why)
{
    ++((int *)context)[0];
    return is_good(o->tls_cert, why) && is_good(o->tls_key, why) && authorities(o, why);
}

static bool request(void *context, const struct options *o, struct line *why)
{
    ++((int *)context)[1];
    return authorities(o, why);
}

/* How often the last check called serve and request. */
static int calls[2];

/* Parses the words of a command and checks the options. Returns why the start is refused; "" if it
 * is not. */
static const char *check(const char *command, struct start_text *text)
{
    static char copy[512];
    static const struct options_host host = {.name = "h", .node_id = 1};
    struct options o;
    char *argv[16] = {"nsqd"};
    int argc = 1;
    snprintf(copy, sizeof copy, "%s", command);
    for (char *w = strtok(copy, " "); w != NULL; w = strtok(NULL, " ")) {
        argv[argc++] = w;
    }
    if (options_parse(&o, argc, argv, &host, text) != START_RUN) {
        fail_msg("%s: %s", command, text->err);
    }
    const struct options_tls tls = {serve, request, calls};
    calls[0] = calls[1] = 0;
    enum start_result r = options_check(&o, &tls, text);
    assert_int_equal(r, text->fatal[0] == '\0' ? START_RUN : START_FATAL);
    assert_int_equal(text->code, r == START_RUN ? 0 : 1);
    assert_string_equal(text->err, "");
    return text->fatal;
}

static const struct {
    const char *command;
    const char *fatal; /* without FAILED; "": the start succeeds */
} cases[] = {
    {"", ""},

    {"-max-deflate-level=0", "--max-deflate-level must be [1,9]"},
    {"-max-deflate-level=1", ""},
    {"-max-deflate-level=2", ""},
    {"-max-deflate-level=8", ""},
    {"-max-deflate-level=9", ""},
    {"-max-deflate-level=10", "--max-deflate-level must be [1,9]"},
    {"-max-deflate-level=-1", "--max-deflate-level must be [1,9]"},
    {"-node-id=-1", "--node-id must be [0,1024)"},
    {"-node-id=0", ""},
    {"-node-id=1", ""},
    {"-node-id=1022", ""},
    {"-node-id=1023", ""},
    {"-node-id=1024", "--node-id must be [0,1024)"},

    /* TLS: the files, then what is required of them */
    {"-tls-cert=+c -tls-key=+k", ""},
    {"-tls-cert=+c", "failed to build TLS config - open : no such file or directory"},
    {"-tls-key=+k", "failed to build TLS config - open : no such file or directory"},
    {"-tls-cert=c -tls-key=k", "failed to build TLS config - open c: no such file or directory"},
    {"-tls-cert=+c -tls-key=k", "failed to build TLS config - open k: no such file or directory"},
    {"-tls-cert=+c -tls-key=+k -tls-root-ca-file=+r", ""},
    {"-tls-cert=+c -tls-key=+k -tls-root-ca-file=r",
     "failed to build TLS config - open r: no such file or directory"},
    {"-tls-cert=+c -tls-key=k -tls-root-ca-file=r",
     "failed to build TLS config - open k: no such file or directory"},
    {"-tls-root-ca-file=+r", ""},
    {"-tls-root-ca-file=r",
     "failed to build client TLS config - open r: no such file or directory"},
    {"-tls-required -tls-root-ca-file=r",
     "cannot require TLS client connections without TLS key and cert"},
    {"-tls-required", "cannot require TLS client connections without TLS key and cert"},
    {"-tls-required=tcp-https", "cannot require TLS client connections without TLS key and cert"},
    {"-tls-required=false", ""},
    {"-tls-client-auth-policy=x", "cannot require TLS client connections without TLS key and cert"},
    {"-tls-client-auth-policy=", ""},
    {"-tls-required -tls-cert=c", "failed to build TLS config - open c: no such file or directory"},

    {"-tls-required -tls-cert=+c -tls-key=+k", ""},
    {"-tls-required=tcp-https -tls-cert=+c -tls-key=+k", ""},
    {"-tls-client-auth-policy=require -tls-cert=+c -tls-key=+k", ""},
    {"-tls-client-auth-policy=require-verify -tls-required=false -tls-cert=+c -tls-key=+k", ""},

    /* nsqd treats these as "no certificate needed" */
    {"-tls-client-auth-policy=x -tls-cert=+c -tls-key=+k",
     "--tls-client-auth-policy is \"x\": expected require, require-verify or nothing"},
    {"-tls-client-auth-policy=Require -tls-cert=+c -tls-key=+k",
     "--tls-client-auth-policy is \"Require\": expected require, require-verify or nothing"},
    {"-tls-client-auth-policy=require\x01 -tls-cert=+c -tls-key=+k",
     "--tls-client-auth-policy is \"require\\x01\": expected require, require-verify or nothing"},

    /* restrictions that are not implemented */

    {"-e2e-processing-latency-percentile=1", ""},
    {"-e2e-processing-latency-percentile=0.5,0.000001", ""},
    {"-e2e-processing-latency-percentile=0", "invalid E2E processing latency percentile: 0"},
    {"-e2e-processing-latency-percentile=-0", "invalid E2E processing latency percentile: -0"},
    {"-e2e-processing-latency-percentile=1.0000000000000002",
     "invalid E2E processing latency percentile: 1.0000000000000002"},
    {"-e2e-processing-latency-percentile=0.5,2,1.5",
     "invalid E2E processing latency percentile: 2"},
    {"-e2e-processing-latency-percentile=0.5,-2,-inf",
     "invalid E2E processing latency percentile: -2"},
    {"-e2e-processing-latency-percentile=Inf", "invalid E2E processing latency percentile: +Inf"},
    {"-e2e-processing-latency-percentile=nan", "invalid E2E processing latency percentile: NaN"},

    /* values with which nsqd ends or hangs while it runs */
    {"-output-buffer-timeout=-1ns", "--output-buffer-timeout must be greater than 0"},
    {"-output-buffer-timeout=0", "--output-buffer-timeout must be greater than 0"},
    {"-output-buffer-timeout=1ns", ""},
    {"-mem-queue-size=-1", "--mem-queue-size must be [0,2^44)"},
    {"-mem-queue-size=0", ""},
    {"-mem-queue-size=1", ""},
    {"-mem-queue-size=0xfffffffffff", ""},
    {"-mem-queue-size=0x100000000000", "--mem-queue-size must be [0,2^44)"},
    {"-sync-timeout=-1ns", "--sync-timeout must be greater than 0"},
    {"-sync-timeout=0", "--sync-timeout must be greater than 0"},
    {"-sync-timeout=1ns", ""},
    {"-queue-scan-selection-count=-1", "--queue-scan-selection-count must be [0,2^44)"},
    {"-queue-scan-selection-count=0", ""},
    {"-queue-scan-selection-count=0xfffffffffff", ""},
    {"-queue-scan-selection-count=0x100000000000", "--queue-scan-selection-count must be [0,2^44)"},
    {"-queue-scan-worker-pool-max=-1", "--queue-scan-worker-pool-max must be at least 1"},
    {"-queue-scan-worker-pool-max=0", "--queue-scan-worker-pool-max must be at least 1"},
    {"-queue-scan-worker-pool-max=1", ""},
    {"-max-msg-size=2147483620", ""},
    {"-max-msg-size=2147483621", ""},
    {"-max-msg-size=2147483622", "--max-msg-size must be at most 2147483621"},
    {"-max-msg-size=0", ""},
    {"-max-msg-size=-1", ""},
    {"-statsd-interval=1s", ""},
    {"-statsd-interval=0", ""},
    {"-statsd-address=a:1 -statsd-interval=0", "--statsd-interval must be greater than 1s"},
    {"-statsd-address=a:1 -statsd-interval=1s", "--statsd-interval must be greater than 1s"},
    {"-statsd-address=a:1 -statsd-interval=1.000000001s", ""},
    {"-statsd-address= -statsd-interval=1s", ""},
    {"-statsd-address=a:1 -statsd-udp-packet-size=-1", ""},
    {"-statsd-address=a:1 -statsd-udp-packet-size=0x7fffffffffff", ""},
    {"-statsd-address=a:1 -statsd-udp-packet-size=0x800000000000",
     "--statsd-udp-packet-size must be less than 2^47"},
    {"-statsd-udp-packet-size=0x800000000000", ""},
    {"-e2e-processing-latency-window-time=0", ""},
    {"-e2e-processing-latency-percentile=1 -e2e-processing-latency-window-time=1ns",
     "--e2e-processing-latency-window-time must be at least 2ns"},
    {"-e2e-processing-latency-percentile=1 -e2e-processing-latency-window-time=-1s",
     "--e2e-processing-latency-window-time must be at least 2ns"},
    {"-e2e-processing-latency-percentile=1 -e2e-processing-latency-window-time=2ns", ""},
    {"-e2e-processing-latency-percentile=1 -e2e-processing-latency-window-time=3ns", ""},

    /* flags that only nsqref has */
    {"-mem-queue-bytes=-1", "--mem-queue-bytes must not be negative"},
    {"-mem-queue-bytes=0", ""},
    {"-mem-queue-bytes=1", ""},
    {"-max-connections=-1", "--max-connections must not be negative"},
    {"-max-connections=0", ""},
    {"-max-connections=1", ""},
    {"-output-high-water=0", "--output-high-water must be at least 1"},
    {"-output-high-water=1", ""},
    {"-output-gather-timeout=-1ns", "--output-gather-timeout must not be negative"},
    {"-output-gather-timeout=0", ""},
    {"-magic-timeout=0", "--magic-timeout must be at least 1ns"},
    {"-magic-timeout=1ns", ""},
    {"-output-high-water=2", ""},

    /* nsqd runs with these, useful or not */
    {"-msg-timeout=0 -max-msg-timeout=-1s -max-req-timeout=-1s", ""},
    {"-max-rdy-count=-1 -max-body-size=-1 -max-channel-consumers=-1", ""},
    {"-max-heartbeat-interval=0 -max-output-buffer-size=-1", ""},
    {"-min-output-buffer-timeout=1s -max-output-buffer-timeout=-1s", ""},
    {"-sync-every=-1 -max-bytes-per-file=-1 -broadcast-tcp-port=-1", ""},
};

static void a_start_is_refused_for_these(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct start_text text;
        char expected[256];
        snprintf(expected, sizeof expected, "%s%s", cases[i].fatal[0] != '\0' ? FAILED : "",
                 cases[i].fatal);
        if (strcmp(check(cases[i].command, &text), expected) != 0) {
            fail_msg("%s: '%s'", cases[i].command, text.fatal);
        }
    }
}

/* Each of these is checked before those that follow it. */
static const char *const order[] = {
    "-max-deflate-level=0",
    "-node-id=-1",
    "-tls-required",
    "-tls-root-ca-file=r",
    "-e2e-processing-latency-percentile=2",
    "-output-buffer-timeout=0",
    "-mem-queue-size=-1",
    "-output-high-water=0",
};

/* TLS is set up only if it is asked for, and only after the checks before it have passed. */
static void tls_is_built_in_its_place(void **state)
{
    (void)state;
    struct start_text text;
    check("", &text);
    assert_int_equal(calls[0], 0);
    assert_int_equal(calls[1], 1);
    check("-tls-cert=+c -tls-key=+k", &text);
    assert_int_equal(calls[0], 1);
    assert_int_equal(calls[1], 1);
    check("-tls-cert=c", &text);
    assert_int_equal(calls[1], 0);
    check("-tls-required", &text);
    assert_int_equal(calls[1], 0);
    check("-node-id=-1 -tls-cert=c", &text);
    assert_int_equal(calls[0], 0);
}

static void the_first_of_several_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i + 1 < COUNT(order); i++) {
        for (size_t j = i + 1; j < COUNT(order); j++) {
            struct start_text alone, both;
            char command[256];
            snprintf(command, sizeof command, "%s %s", order[j], order[i]);
            check(order[i], &alone);
            assert_string_equal(check(command, &both), alone.fatal);
            assert_string_not_equal(both.fatal, "");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_start_is_refused_for_these),
        cmocka_unit_test(tls_is_built_in_its_place),
        cmocka_unit_test(the_first_of_several_is_named),
    };
    return cmocka_run_group_tests_name("options_check", tests, NULL, NULL);
}
