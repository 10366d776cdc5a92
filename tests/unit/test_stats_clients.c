/* SPDX-License-Identifier: MIT */
/*
 * Tests of api/stats_values.h: the figures of clients that use TLS, compression and AUTH, and their
 * lines in the page. The forms were seen on upstream's nsqd 1.3.0.
 */
#include "api/stats_values.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "codec/deflate.h"
#include "codec/snappy.h"
#include "codec/tls.h"
#include "support/certs.h"
#include "support/stats_stage.h"

static const struct stats_filter as_json = {.json = true, .clients = true};
static const struct stats_filter as_text = {.clients = true};

/* The page has this part; ' stands for ". */
static void expect_part(struct stats_stage *s, const struct stats_filter *filter, const char *part)
{
    char text[1000];
    size_t n = strlen(part);
    assert_true(n < sizeof text);
    for (size_t i = 0; i <= n; i++) {
        text[i] = part[i];
        if (part[i] == '\'') {
            text[i] = '"';
        }
    }
    const char *page = stage_page(s, filter, 1, 1);
    if (strstr(page, text) == NULL) {
        fail_msg("%s is not in %s", text, page);
    }
}

static void expect_no_part(struct stats_stage *s, const struct stats_filter *filter,
                           const char *part)
{
    assert_null(strstr(stage_page(s, filter, 1, 1), part));
}

/* --- TLS -------------------------------------------------------------------------------------- */

static void tls_is_shown(void **state)
{
    (void)state;
    struct stats_stage s;
    struct engine_config config = world_config();
    struct tls *server = cert_server(TLS_CLIENTS_ANY, TLS_1_0);
    config.v2.tls = tls_server(server);
    stage_open(&s, &config);
    for (int version = TLS_1_2; version <= TLS_1_3; version++) {
        struct client *c = world_connect_from(s.world, "127.0.0.1:55448");
        client_identify(c, "{\"feature_negotiation\":true,\"tls_v1\":true,\"sample_rate\":50}");
        struct stats_client before = stats_of_client(client_session(c), SPAN(""));
        assert_false(before.tls); /* the handshake is not over */
        assert_int_equal(before.tls_parameters.version, 0);
        assert_int_equal(client_events(c), 1);
        client_heard(c);
        struct tls *tls = cert_client(NULL, version);
        client_put_on(c, tls_connect(tls, "localhost"));
        tls_free(tls);
        client_expect_ok(c);
        SEND(c, "SUB t c\n");
        client_expect_ok(c);
        struct stats_client figures = stats_of_client(client_session(c), SPAN(""));
        assert_true(figures.tls);
        assert_int_equal(figures.sample_rate, 50);
        assert_int_equal(figures.tls_parameters.version, version == TLS_1_2 ? 0x0303 : 0x0304);
        assert_int_not_equal(figures.tls_parameters.cipher, 0);
    }
    expect_part(&s, &as_json, "'tls':true,'tls_cipher_suite':'Unknown 49");
    expect_part(&s, &as_json,
                "','tls_version':'TLS1.2','tls_negotiated_protocol':'',"
                "'tls_negotiated_protocol_is_mutual':true}");
    expect_part(&s, &as_json, "'tls':true,'tls_cipher_suite':'Unknown 48");
    expect_part(&s, &as_json, "','tls_version':'TLS1.3','tls_negotiated_protocol':'',");
    stage_close(&s);
    tls_free(server);
}

static void expect_text(struct buf *out, const char *expected)
{
    assert_true(span_equal(buf_span(out), text_span(expected)));
    buf_free(out);
}

static void the_names_of_tls(void **state)
{
    (void)state;
    struct buf out = {0};
    stats_append_cipher(&out, 0);
    expect_text(&out, "");
    stats_append_cipher(&out, 0x0005);
    expect_text(&out, "TLS_RSA_WITH_RC4_128_SHA");
    stats_append_cipher(&out, 0xc02f);
    expect_text(&out, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256");
    stats_append_cipher(&out, 0xc030); /* nsqd has no names for suites with AES 256 GCM */
    expect_text(&out, "Unknown 49200");
    stats_append_cipher(&out, 0x1301);
    expect_text(&out, "Unknown 4865");
    stats_append_tls_version(&out, 0);
    expect_text(&out, "");
    stats_append_tls_version(&out, 0x0301);
    expect_text(&out, "TLS1.0");
    stats_append_tls_version(&out, 0x0304);
    expect_text(&out, "TLS1.3");
    stats_append_tls_version(&out, 0x0300);
    expect_text(&out, "Unknown 768");
    stats_append_tls_version(&out, 0x0305);
    expect_text(&out, "Unknown 773");
}

/* --- compression ------------------------------------------------------------------------------ */

/* A codec that is on stays on, also when a later IDENTIFY asks for none. */
static void compression_is_shown(void **state)
{
    (void)state;
    struct stats_stage s;
    stage_open(&s, NULL);
    for (int snappy = 0; snappy < 2; snappy++) {
        struct client *c = world_connect(s.world);
        client_identify(c, snappy ? "{\"feature_negotiation\":true,\"snappy\":true}"
                                  : "{\"feature_negotiation\":true,\"deflate\":true}");
        struct nsq_frame frame;
        struct nsq_message message;
        assert_true(client_next(c, &frame, &message));
        client_put_on(c, snappy ? snappy_codec() : deflate_codec(6));
        client_expect_ok(c);
        for (int again = 0; again < 2; again++) {
            struct stats_client figures = stats_of_client(client_session(c), SPAN(""));
            assert_int_equal(figures.snappy, snappy);
            assert_int_equal(figures.deflate, !snappy);
            client_identify(c, "{\"feature_negotiation\":true}");
        }
        client_heard(c);
        SEND(c, "SUB t c\n");
        client_expect_ok(c);
    }
    expect_part(&s, &as_json, "'deflate':true,'snappy':false,");
    expect_part(&s, &as_json, "'deflate':false,'snappy':true,");
    stage_close(&s);
}

/* --- AUTH ------------------------------------------------------------------------------------- */

static void authorizations_are_shown(void **state)
{
    (void)state;
    struct stats_stage s;
    struct auth_rule rule = {0};
    struct auth_state granted = {.rules = &rule, .rule_count = 1};
    buf_append(&granted.identity, SPAN("me <x>"));
    buf_append(&granted.identity_url, SPAN("http://id/"));
    stage_open(&s, NULL);
    struct client *c = world_connect(s.world);
    SEND(c, "SUB t c\n");
    client_expect_ok(c);
    expect_no_part(&s, &as_json, "auth");
    client_session(c)->granted = &granted;
    expect_part(&s, &as_json,
                "'user_agent':'','authed':true,'auth_identity':'me \\u003cx\\u003e',"
                "'auth_identity_url':'http://id/','tls':false,");
    granted.rule_count = 0; /* the server has granted nothing */
    buf_free(&granted.identity_url);
    expect_part(&s, &as_json, "'user_agent':'','auth_identity':'me \\u003cx\\u003e','tls':false,");
    client_session(c)->granted = NULL;
    buf_free(&granted.identity);
    stage_close(&s);
}

/* --- addresses and topics --------------------------------------------------------------------- */

/* Before IDENTIFY a client is named by its address. */
static void addresses(void **state)
{
    (void)state;
    static const struct {
        const char *peer;
        const char *host;
        const char *port;
    } rows[] = {
        {"127.0.0.1:80", "127.0.0.1", "80"},
        {"[2001:db8::1]:4150", "2001:db8::1", "4150"},
        {"@", "", ""},
        {"/tmp/socket", "", ""},
    };
    struct stats_stage s;
    stage_open(&s, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct client *c = world_connect_from(s.world, rows[i].peer);
        struct stats_client figures = stats_of_client(client_session(c), SPAN(""));
        assert_true(span_equal(figures.client_id, text_span(rows[i].host)));
        assert_true(span_equal(figures.hostname, text_span(rows[i].host)));
        assert_true(span_equal(figures.port, text_span(rows[i].port)));
        assert_true(span_equal(figures.remote_address, text_span(rows[i].peer)));
        assert_int_equal(figures.user_agent.n, 0);
    }
    stage_close(&s);
}

/* A consumer that has published is a producer too, and its line is that of a producer. */
static void a_client_that_does_both(void **state)
{
    (void)state;
    struct stats_stage s;
    stage_open(&s, NULL);
    struct client *c = world_connect_from(s.world, "127.0.0.1:9");
    SEND(c, "SUB a c\nPUB a\n\0\0\0\1xPUB b\n\0\0\0\1yPUB b\n\0\0\0\1z");
    client_expect(c, "R OK; R OK; R OK; R OK");
    expect_part(&s, &as_text,
                "        [V2 127.0.0.1:9          ] msgs: 2        topics: b=2 connected: 0s\n");
    expect_part(&s, &as_text,
                "\nProducers:\n   [V2 127.0.0.1:9          ] msgs: 2        topics: b=2 connected: "
                "0s\n");
    struct stats_client figures = stats_of_client(client_session(c), SPAN("a"));
    assert_true(span_equal(figures.pub_topic, SPAN("a")));
    assert_int_equal(figures.pub_count, 1);
    figures = stats_of_client(client_session(c), SPAN("c"));
    assert_int_equal(figures.pub_topic.n, 0);
    world_advance(s.world, 3661 * TIME_SECOND + TIME_SECOND / 2);
    stage_close(&s);
}

/* The longest identities that IDENTIFY keeps fit into the most bytes of an item. */
static void the_longest_client(void **state)
{
    (void)state;
    struct stats_stage s;
    char json[2000] = "{\"client_id\":\"";
    for (int i = 0; i < 3; i++) {
        if (i > 0) {
            strcat(json, i == 1 ? "\",\"hostname\":\"" : "\",\"user_agent\":\"");
        }
        for (int k = 0; k < 255; k++) {
            strcat(json, "<");
        }
    }
    strcat(json, "\"}");
    stage_open(&s, NULL);
    struct client *c = world_connect(s.world);
    client_identify(c, json);
    SEND(c, "SUB t c\n");
    client_expect(c, "R OK; R OK");
    const char *page = stage_page(&s, &as_json, 1, 1); /* checks the length of each part */
    assert_true(strlen(page) > 3 * 255 * strlen("\\u003c"));
    assert_true(strlen(page) < STATS_ITEM_MAX);
    stage_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_is_shown),
        cmocka_unit_test(the_names_of_tls),
        cmocka_unit_test(compression_is_shown),
        cmocka_unit_test(authorizations_are_shown),
        cmocka_unit_test(addresses),
        cmocka_unit_test(a_client_that_does_both),
        cmocka_unit_test(the_longest_client),
    };
    return cmocka_run_group_tests_name("stats_clients", tests, certs_make_all, certs_free_all);
}
