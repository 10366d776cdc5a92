/* SPDX-License-Identifier: MIT */
/* Tests of conform/relay.h: the tests play a client and a server, and the bytes between them and
 * the relay are cut into pieces. */
#include "conform/relay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/text.h"
#include "support/certs.h"

#define OK SPAN("\0\0\0\6\0\0\0\0OK")

/* A client, the relay and a server. */
struct scene {
    struct relay relay;
    struct tls *tls; /* for the relay and for the server */
    struct wire client;
    struct wire server;
    struct buf client_in; /* received and decoded */
    struct buf server_in;
    struct buf commands; /* what the relay has decoded from the client */
    struct buf said;
    size_t piece; /* bytes that arrive at a time */
};

static void set_up(struct scene *s, bool certificate, size_t piece)
{
    *s = (struct scene){.tls = cert_server(TLS_CLIENTS_ANY, TLS_1_2), .piece = piece};
    s->relay.tls = certificate ? s->tls : NULL;
}

static void tear_down(struct scene *s)
{
    relay_free(&s->relay);
    wire_free(&s->client);
    wire_free(&s->server);
    buf_free(&s->client_in);
    buf_free(&s->server_in);
    buf_free(&s->commands);
    buf_free(&s->said);
    tls_free(s->tls);
}

static void client_sends(struct scene *s, struct buf *bytes);
static void server_sends(struct scene *s, struct buf *bytes);

/* Delivers what the relay sends; the codecs of both ends answer. */
static void deliver(struct scene *s, struct relay_out *out)
{
    wire_decode(&s->server, buf_span(&out->server), SIZE_MAX, &s->server_in);
    wire_decode(&s->client, buf_span(&out->client), SIZE_MAX, &s->client_in);
    buf_free(&out->server);
    buf_free(&out->client);
    if (s->server.answer.n > 0) {
        server_sends(s, &s->server.answer);
    }
    if (s->client.answer.n > 0) {
        client_sends(s, &s->client.answer);
    }
}

static void client_sends(struct scene *s, struct buf *bytes)
{
    struct buf all = *bytes;
    struct relay_out out = {0};
    *bytes = (struct buf){0};
    while (all.n > 0) {
        struct span part = span_first(buf_span(&all), s->piece);
        relay_from_client(&s->relay, part, &s->commands, &out);
        buf_drop(&all, part.n);
        deliver(s, &out);
    }
    buf_free(&all);
}

static void server_sends(struct scene *s, struct buf *bytes)
{
    struct buf all = *bytes;
    struct relay_out out = {0};
    *bytes = (struct buf){0};
    while (all.n > 0) {
        struct span part = span_first(buf_span(&all), s->piece);
        relay_from_server(&s->relay, part, &out);
        buf_drop(&all, part.n);
        deliver(s, &out);
    }
    buf_free(&all);
}

static void client_says(struct scene *s, struct span words)
{
    struct buf bytes = {0};
    wire_encode(&s->client, words, &bytes);
    client_sends(s, &bytes);
}

static void server_says(struct scene *s, struct span words)
{
    struct buf bytes = {0};
    wire_encode(&s->server, words, &bytes);
    server_sends(s, &bytes);
}

static void frame(struct buf *out, const char *json)
{
    uint8_t header[8];
    be32_store(header, (uint32_t)strlen(json) + 4);
    be32_store(header + 4, 0);
    buf_append(out, span_make(header, sizeof header));
    buf_append(out, span_make(json, strlen(json)));
}

/* The server answers an IDENTIFY. */
static void server_announces(struct scene *s, const char *json)
{
    struct buf bytes = {0};
    frame(&bytes, json);
    server_sends(s, &bytes);
}

/* Passes the next part on, which must be these bytes. */
static void passes_bytes(struct scene *s, struct span wanted)
{
    const struct step *upgrade = NULL;
    struct relay_out out = {0};
    buf_drop(&s->said, s->said.n);
    assert_int_equal(relay_next(&s->relay, &s->said, &upgrade, &out), RELAY_BYTES);
    assert_true(span_equal(buf_span(&s->said), wanted));
    deliver(s, &out);
}

/* Passes the next part on, which must be this upgrade; the client enables it too. */
static void passes_upgrade(struct scene *s, enum upgrade_kind kind, int64_t number)
{
    const struct step *upgrade = NULL;
    struct relay_out out = {0};
    struct buf why = {0};
    buf_drop(&s->said, s->said.n);
    assert_int_equal(relay_next(&s->relay, &s->said, &upgrade, &out), RELAY_UPGRADE);
    assert_int_equal(upgrade->upgrade, kind);
    assert_int_equal(upgrade->upgrade_number, number);
    deliver(s, &out);
    wire_enable_codec(&s->client, wire_client_codec(upgrade, &why), SIZE_MAX, &s->client_in);
    client_sends(s, &s->client.answer);
}

static void passes_nothing(struct scene *s)
{
    const struct step *upgrade;
    struct relay_out out = {0};
    assert_int_equal(relay_next(&s->relay, &s->said, &upgrade, &out), RELAY_NOTHING);
}

static void server_puts_on(struct scene *s, enum upgrade_kind kind, int64_t number)
{
    const struct step step = {.kind = STEP_UPGRADE, .upgrade = kind, .upgrade_number = number};
    wire_enable_codec(&s->server, wire_server_codec(&step, s->tls), SIZE_MAX, &s->server_in);
    server_sends(s, &s->server.answer);
}

static void heard(struct buf *in, struct span wanted)
{
    assert_true(span_equal(buf_span(in), wanted));
    buf_drop(in, in->n);
}

static void talk(struct scene *s)
{
    buf_drop(&s->commands, s->commands.n);
    client_says(s, SPAN("PUB t\n\0\0\0\1x"));
    heard(&s->server_in, SPAN("PUB t\n\0\0\0\1x"));
    heard(&s->commands, SPAN("PUB t\n\0\0\0\1x"));
    server_says(s, OK);
    passes_bytes(s, OK);
    heard(&s->client_in, OK);
    passes_nothing(s);
    assert_null(s->relay.broken);
}

static const size_t pieces[] = {SIZE_MAX, 1, 7};

#define PIECES (sizeof pieces / sizeof pieces[0])

static void without_codecs_all_bytes_pass(void **state)
{
    (void)state;
    for (size_t i = 0; i < PIECES; i++) {
        struct scene s;
        set_up(&s, false, pieces[i]);
        talk(&s);
        server_announces(&s, "{\"tls_v1\":false}");
        passes_bytes(&s, SPAN("\0\0\0\x14\0\0\0\0{\"tls_v1\":false}"));
        buf_drop(&s.client_in, s.client_in.n);
        talk(&s);
        server_says(&s, SPAN("\0\0\0\0what"));
        relay_server_ended(&s.relay);
        passes_bytes(&s, SPAN("\0\0\0\0what"));
        heard(&s.client_in, SPAN("\0\0\0\0what"));
        tear_down(&s);
    }
}

static void converse(const char *answer, bool tls, bool compressed, enum upgrade_kind kind,
                     int64_t number, size_t piece)
{
    struct scene s;
    struct buf json = {0};
    set_up(&s, true, piece);
    client_says(&s, SPAN("  V2IDENTIFY\n\0\0\0\2{}"));
    buf_drop(&s.server_in, s.server_in.n);
    frame(&json, answer);
    server_announces(&s, answer);
    if (tls) {
        server_puts_on(&s, UPGRADE_TLS, 0);
        server_says(&s, OK);
    }
    if (compressed) {
        server_puts_on(&s, kind, number);
        server_says(&s, OK);
    }
    /* All of it was held; the client gets it part by part. */
    passes_bytes(&s, buf_span(&json));
    heard(&s.client_in, buf_span(&json));
    if (tls) {
        passes_upgrade(&s, UPGRADE_TLS, 0);
        passes_bytes(&s, OK);
        heard(&s.client_in, OK);
    }
    if (compressed) {
        passes_upgrade(&s, kind, number);
        passes_bytes(&s, OK);
        heard(&s.client_in, OK);
    }
    talk(&s);
    talk(&s);
    struct relay_out out = {0};
    relay_finish_client(&s.relay, &out);
    relay_finish_server(&s.relay, &out);
    assert_true(!tls || (out.client.n > 0 && out.server.n > 0)); /* close_notify */
    deliver(&s, &out);
    buf_free(&json);
    tear_down(&s);
}

static void announced_codecs_are_enabled_on_both_sides(void **state)
{
    (void)state;
    for (size_t i = 0; i < PIECES; i++) {
        converse("{\"snappy\":true}", false, true, UPGRADE_SNAPPY, 0, pieces[i]);
        converse("{\"deflate\":true,\"deflate_level\":3}", false, true, UPGRADE_DEFLATE, 3,
                 pieces[i]);
        converse("{\"tls_v1\":true}", true, false, UPGRADE_TLS, 0, pieces[i]);
        converse("{\"tls_v1\":true,\"snappy\":true}", true, true, UPGRADE_SNAPPY, 0, pieces[i]);
        converse("{\"tls_v1\":true,\"deflate\":true,\"deflate_level\":1}", true, true,
                 UPGRADE_DEFLATE, 1, pieces[i]);
    }
}

/* A client in its handshake is sent nothing else. Bytes for the server that come before its
 * handshake is done are sent when it is done. */
/* A reply of V1 has a size too, but is no frame. nsqlookupd sends the size first, and then the
 * data. */
static void replies_of_v1_pass_as_they_come(void **state)
{
    (void)state;
    for (size_t i = 0; i < PIECES; i++) {
        struct scene s;
        set_up(&s, false, pieces[i]);
        client_says(&s, SPAN("  V1PING\n"));
        server_says(&s, SPAN("\0\0\0\2OK"));
        passes_bytes(&s, SPAN("\0\0\0\2OK"));
        server_says(&s, SPAN("\0\0\0\2"));
        passes_bytes(&s, SPAN("\0\0\0\2"));
        server_says(&s, SPAN("OK"));
        passes_bytes(&s, SPAN("OK"));
        passes_nothing(&s);
        tear_down(&s);
    }
}

static void handshakes_are_waited_for(void **state)
{
    (void)state;
    struct scene s;
    const struct step *upgrade;
    struct relay_out out = {0};
    set_up(&s, true, SIZE_MAX);
    server_announces(&s, "{\"tls_v1\":true}");
    relay_next(&s.relay, &s.said, &upgrade, &out);
    deliver(&s, &out);
    buf_drop(&s.said, s.said.n);
    assert_int_equal(relay_next(&s.relay, &s.said, &upgrade, &out), RELAY_UPGRADE);
    client_says(&s, SPAN(""));
    passes_nothing(&s);
    tear_down(&s);
}

static void an_error_has_a_reason(void **state)
{
    (void)state;
    struct scene s;
    const struct step *upgrade;
    struct relay_out out = {0};
    set_up(&s, false, SIZE_MAX);
    server_announces(&s, "{\"tls_v1\":true}");
    relay_next(&s.relay, &s.said, &upgrade, &out);
    relay_next(&s.relay, &s.said, &upgrade, &out);
    assert_string_equal(s.relay.broken,
                        "a client asked for TLS, which needs --tls-cert and --tls-key");
    buf_free(&out.client);
    buf_free(&out.server);
    tear_down(&s);
    set_up(&s, true, SIZE_MAX);
    server_announces(&s, "{\"snappy\":true}");
    struct buf garbage = {0};
    text_append(&garbage, "garbage");
    server_sends(&s, &garbage);
    assert_string_equal(s.relay.broken, "the server sent bytes that cannot be decoded");
    tear_down(&s);
    set_up(&s, true, SIZE_MAX);
    server_announces(&s, "{\"snappy\":true}");
    passes_bytes(&s, SPAN("\0\0\0\x13\0\0\0\0{\"snappy\":true}"));
    passes_upgrade(&s, UPGRADE_SNAPPY, 0);
    text_append(&garbage, "garbage");
    client_sends(&s, &garbage);
    assert_true(s.relay.lost); /* as the client nsqjs does at its end */
    assert_null(s.relay.broken);
    assert_int_equal(s.server_in.n, 0);
    tear_down(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_codecs_all_bytes_pass),
        cmocka_unit_test(announced_codecs_are_enabled_on_both_sides),
        cmocka_unit_test(replies_of_v1_pass_as_they_come),
        cmocka_unit_test(handshakes_are_waited_for),
        cmocka_unit_test(an_error_has_a_reason),
    };
    return cmocka_run_group_tests_name("relay", tests, certs_make_all, certs_free_all);
}
