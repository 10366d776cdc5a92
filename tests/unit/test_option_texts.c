/* SPDX-License-Identifier: MIT */
/*
 * Tests of nsqd/option_texts.h. Each value was seen in GET /config of upstream's nsqd 1.3.0.
 */
#include "nsqd/option_texts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static struct options options;
static struct option_texts texts;

/* Parses arguments, and writes the texts of a server with the ports 41 and 42. */
static void write_texts(int argc, char *const *argv)
{
    static struct start_text text;
    const struct options_host host = {.name = "h.example", .node_id = 7};
    const struct option_texts_start start = {.tcp_port = 41, .http_port = 42};
    assert_int_equal(options_parse(&options, argc, argv, &host, &text), START_RUN);
    option_texts_init(&texts, &options, &start);
}
#define WRITE(...)                                                                                 \
    write_texts((int)COUNT(((char *[]){"nsqd", __VA_ARGS__})), (char *[]){"nsqd", __VA_ARGS__})

/* NULL: there is no such option. `json`: the value is not a plain text. */
static void expect(const char *name, const char *value, bool json)
{
    for (size_t i = 0; i < texts.count; i++) {
        if (span_equal(texts.settings[i].name, text_span(name))) {
            assert_non_null(value);
            assert_true(span_equal(texts.settings[i].value, text_span(value)));
            assert_int_equal(texts.settings[i].json, json);
            return;
        }
    }
    assert_null(value);
}

static void values_have_the_forms_of_go(void **state)
{
    (void)state;
    WRITE("--log-level=debug", "--tls-min-version=tls1.2", "--auth-http-address=a<b",
          "--auth-http-address=c", "--e2e-processing-latency-percentile=0.00001,1,0.95",
          "--log-prefix=<p>");
    expect("id", "7", true);
    expect("log_level", "1", true);
    expect("log_prefix", "<p>", false);
    expect("tcp_address", "0.0.0.0:4150", false);
    expect("broadcast_address", "h.example", false);
    expect("msg_timeout", "60000000000", true);
    expect("deflate", "true", true);
    expect("statsd_exclude_ephemeral", "false", true);
    expect("tls_min_version", "771", true);
    expect("tls_required", "0", true);
    expect("nsqlookupd_tcp_addresses", "[]", true);
    expect("auth_http_addresses", "[\"a\\u003cb\",\"c\"]", true);
    expect("e2e_processing_latency_percentiles", "[1,0.95,0.00001]", true);
    expect("tls_cert", "", false);
    static const char *const none[] = {"version",           "config",
                                       "verbose",           "worker_id",
                                       "node_id",           "lookupd_tcp_address",
                                       "auth_http_address", "e2e_processing_latency_percentile"};
    for (size_t i = 0; i < COUNT(none); i++) {
        expect(none[i], NULL, false);
    }
    assert_true(span_equal(texts.quantiles[0], SPAN("1")));
    assert_true(span_equal(texts.quantiles[1], SPAN("0.95")));
    assert_true(span_equal(texts.quantiles[2], SPAN("0.00001")));
    option_texts_free(&texts);
}

static void the_start_replaces_some_values(void **state)
{
    (void)state;
    WRITE("--tls-client-auth-policy=require");
    expect("broadcast_tcp_port", "41", true);
    expect("broadcast_http_port", "42", true);
    expect("statsd_prefix", "nsq.h_example_42.", false);
    expect("tls_required", "2", true);
    option_texts_free(&texts);
    WRITE("--broadcast-tcp-port=5", "--broadcast-http-port=6", "--broadcast-address=::1",
          "--statsd-prefix=a.%s.b.%s", "--tls-client-auth-policy=require",
          "--tls-required=tcp-https");
    expect("broadcast_tcp_port", "5", true);
    expect("broadcast_http_port", "6", true);
    expect("statsd_prefix", "a.[__1]_6.b.[__1]_6.", false);
    expect("tls_required", "1", true);
    option_texts_free(&texts);
    WRITE("--statsd-prefix=");
    expect("statsd_prefix", "", false);
    option_texts_free(&texts);
    WRITE("--statsd-prefix=x.");
    expect("statsd_prefix", "x.", false);
    option_texts_free(&texts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_have_the_forms_of_go),
        cmocka_unit_test(the_start_replaces_some_values),
    };
    return cmocka_run_group_tests_name("option_texts", tests, NULL, NULL);
}
