/* SPDX-License-Identifier: MIT */
/*
 * Tests of TLS in a session: IDENTIFY with tls_v1, in an engine that has a certificate. All replies
 * were seen on nsqd 1.3.0, except those of the numbered departures.
 */
#include "session/v2.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "codec/deflate.h"
#include "codec/snappy.h"
#include "codec/tls.h"
#include "session/session.h"
#include "support/certs.h"
#include "support/stride.h"
#include "support/world.h"

#define VALGRIND_STRIDE 97
#define ANSWER(tls, deflate, snappy)                                                               \
    "{\"max_rdy_count\":2500,\"version\":\"1.3.0\",\"max_msg_timeout\":900000,\"msg_timeout\":"    \
    "60000,\"tls_v1\":" tls ",\"deflate\":" deflate ",\"deflate_level\":6,\"max_deflate_level\":6" \
    ",\"snappy\":" snappy ",\"sample_rate\":0,\"auth_required\":false,\"output_buffer_size\":"     \
    "16384,\"output_buffer_timeout\":250}"
#define TLS_ANSWER ANSWER("true", "false", "false")
#define ASKED(rest) "{\"feature_negotiation\":true," rest "}"
#define IDENTIFY_TLS "IDENTIFY\n\0\0\0\x2a" ASKED("\"tls_v1\":true")
#define ERROR "E_IDENTIFY_FAILED IDENTIFY failed "
#define FAILED "E " ERROR

/* --- a world with a certificate --------------------------------------------------------------- */

static struct tls *server; /* belongs to the world of the current test */

static struct world *world_with(enum tls_clients clients, bool required)
{
    struct engine_config config = world_config();
    server = cert_server(clients, TLS_1_0);
    config.v2.tls = tls_server(server);
    config.v2.tls_required = required;
    return world_new(&config);
}

static void world_end(struct world *w)
{
    world_free(w);
    tls_free(server);
    server = NULL;
}

static struct codec client_end(const struct cert *cert, int version)
{
    struct tls *tls = cert_client(cert, version);
    struct codec codec = tls_connect(tls, "localhost");
    tls_free(tls);
    return codec;
}

/* A client that has asked for TLS and starts the handshake. */
static struct client *shaking(struct world *w, const struct cert *cert, int version)
{
    struct client *c = world_connect(w);
    client_identify(c, ASKED("\"tls_v1\":true"));
    client_expect_response(c, TLS_ANSWER);
    client_put_on(c, client_end(cert, version));
    return c;
}

static struct client *secured(struct world *w)
{
    struct client *c = shaking(w, NULL, TLS_1_3);
    client_expect_ok(c);
    return c;
}

static enum codec_state client_state(const struct client *c)
{
    struct span why;
    return stack_state(c->stack, &why);
}

/* --- it works --------------------------------------------------------------------------------- */

static void a_client_hears_in_tls_what_one_in_clear_does(void **state)
{
    (void)state;
    for (enum world_cut cut = CUT_WHOLE; cut <= CUT_RANDOM; cut++) {
        struct world *w = world_with(TLS_CLIENTS_ANY, false);
        w->cut = cut;
        for (int version = TLS_1_0; version <= TLS_1_3; version++) {
            struct client *c = shaking(w, NULL, version);
            client_expect_ok(c);
            client_sendf(c, "SUB t%d c\nRDY 1\n", version);
            client_expect_ok(c);
            client_sendf(c, "PUB t%d\n", version);
            SEND(c, "\0\0\0\5hello");
            client_expect_ok(c);
            client_expect_message(c, 1, "hello", NULL);
            world_advance(w, 30 * TIME_SECOND);
            client_expect_heartbeat(c);
            SEND(c, "oops\n");
            client_expect(c, "E E_INVALID invalid command oops; SHUT");
            assert_int_equal(client_state(c), CODEC_CLOSED); /* by close_notify */
        }
        world_end(w);
    }
}

static void a_big_body_passes_both_ways(void **state)
{
    (void)state;
    struct world *w = world_with(TLS_CLIENTS_ANY, false);
    struct client *c = secured(w);
    client_send_filled(c, "PUB t", 'x', 1 << 20);
    client_expect_ok(c);
    SEND(c, "SUB t c\nRDY 1\n");
    client_expect_ok(c);
    assert_non_null(strstr(client_heard(c), "(1048576 bytes)"));
    world_end(w);
}

static void compression_is_put_upon_it_with_an_ok_of_its_own(void **state)
{
    (void)state;
    for (enum world_cut cut = CUT_WHOLE; cut <= CUT_RANDOM; cut++) {
        for (int snappy = 0; snappy < 2; snappy++) {
            struct world *w = world_with(TLS_CLIENTS_ANY, true);
            w->cut = cut;
            struct client *c = world_connect(w);
            if (snappy) {
                client_identify(c, ASKED("\"tls_v1\":true,\"snappy\":true"));
                client_expect_response(c, ANSWER("true", "false", "true"));
            } else {
                client_identify(c, ASKED("\"tls_v1\":true,\"deflate\":true"));
                client_expect_response(c, ANSWER("true", "true", "false"));
            }
            client_put_on(c, client_end(NULL, TLS_1_3));
            client_expect_ok(c);
            client_put_on(c, snappy ? snappy_codec() : deflate_codec(6));
            client_expect_ok(c);
            SEND(c, "PUB t\n\0\0\0\1xNOP\nSUB t c\n");
            client_expect(c, "R OK; R OK");
            SEND(c, "oops\n");
            client_expect(c, "E E_INVALID invalid command oops; SHUT");
            world_end(w);
        }
    }
}

static void without_a_certificate_it_is_not_offered(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = world_connect(w);
    client_identify(c, ASKED("\"tls_v1\":true"));
    client_expect_response(c, ANSWER("false", "false", "false"));
    SEND(c, "PUB t\n\0\0\0\1x");
    client_expect_ok(c);
    world_free(w);
}

static void a_client_that_does_not_ask_gets_none(void **state)
{
    (void)state;
    struct world *w = world_with(TLS_CLIENTS_ANY, false);
    struct client *c = world_connect(w);
    client_identify(c, ASKED("\"tls_v1\":false"));
    client_expect_response(c, ANSWER("false", "false", "false"));
    client_identify(c, "{\"tls_v1\":true}"); /* without feature_negotiation */
    client_expect_ok(c);
    SEND(c, "PUB t\n\0\0\0\1x");
    client_expect_ok(c);
    world_end(w);
}

/* --- where it is required --------------------------------------------------------------------- */

static void where_it_is_required_a_client_in_clear_may_only_identify(void **state)
{
    (void)state;
    static const char *const commands[] = {"AUTH", "CLS", "DPUB", "FIN", "MPUB",  "NOP", "PUB",
                                           "RDY",  "REQ", "SUB",  "",    "TOUCH", "oops"};
    struct world *w = world_with(TLS_CLIENTS_ANY, true);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        char expected[128];
        struct client *c = world_connect(w);
        snprintf(expected, sizeof expected,
                 "E E_INVALID cannot %s in current state (TLS required); SHUT", commands[i]);
        client_sendf(c, "%s\n", commands[i]);
        client_expect(c, expected);
        c = world_connect(w);
        client_identify(c, "{}");
        client_expect_ok(c);
        client_sendf(c, "%s x y\n", commands[i]);
        client_expect(c, expected);
    }
    struct client *c = secured(w);
    SEND(c, "PUB t\n\0\0\0\1x");
    client_expect_ok(c);
    SEND(c, "oops\n");
    client_expect(c, "E E_INVALID invalid command oops; SHUT");
    world_end(w);
}

/* --- a second IDENTIFY ------------------------------------------------------------------------ */

/* After the second IDENTIFY nsqd would answer without TLS, because its new output buffer writes to
 * the bare socket. Here the answer still goes through TLS. */
static void a_new_output_buffer_stays_within_tls(void **state)
{
    (void)state;
    struct world *w = world_with(TLS_CLIENTS_ANY, true);
    struct client *c = secured(w);
    client_identify(c, "{\"output_buffer_size\":4096}");
    client_expect_ok(c);
    client_identify(c, ASKED("\"output_buffer_size\":-1"));
    assert_int_equal(client_events(c), 1);
    assert_non_null(strstr(client_heard(c), "\"tls_v1\":false"));
    SEND(c, "PUB t\n\0\0\0\1x");
    client_expect_ok(c);
    assert_int_equal(client_state(c), CODEC_OPEN);
    world_end(w);
}

static void tls_cannot_be_had_twice(void **state)
{
    (void)state;
    struct world *w = world_with(TLS_CLIENTS_ANY, false);
    struct client *c = secured(w);
    client_identify(c, ASKED("\"tls_v1\":true"));
    client_expect(c, FAILED "what was negotiated before cannot be negotiated again; SHUT");
    world_end(w);
}

/* --- input behind IDENTIFY -------------------------------------------------------------------- */

/* nsqd would lose these bytes in its read buffer, and the handshake would time out. Here they are
 * read.
 */
static void a_hello_sent_behind_identify_is_heard(void **state)
{
    (void)state;
    for (enum world_cut cut = CUT_WHOLE; cut <= CUT_RANDOM; cut++) {
        struct world *w = world_with(TLS_CLIENTS_ANY, false);
        w->cut = cut;
        struct client *c = world_connect(w);
        struct codec codec = client_end(NULL, TLS_1_3);
        struct buf bytes = {0};
        buf_append(&bytes, SPAN(IDENTIFY_TLS));
        codec.calls->decode(codec.self, span_make(NULL, 0), STACK_ROOM, &bytes, &bytes);
        client_send(c, buf_span(&bytes));
        client_expect_response(c, TLS_ANSWER);
        client_put_on(c, codec);
        client_expect_ok(c);
        SEND(c, "PUB t\n\0\0\0\1x");
        client_expect_ok(c);
        buf_free(&bytes);
        world_end(w);
    }
}

static void commands_sent_behind_identify_are_no_hello(void **state)
{
    (void)state;
    for (enum world_cut cut = CUT_WHOLE; cut <= CUT_RANDOM; cut++) {
        struct world *w = world_with(TLS_CLIENTS_ANY, false);
        w->cut = cut;
        struct client *c = world_connect(w);
        SEND(c, IDENTIFY_TLS "PUB t\n\0\0\0\1x");
        client_expect_response(c, TLS_ANSWER);
        client_expect(c, FAILED "tls: first record does not look like a TLS handshake; SHUT");
        assert_int_equal(w->engine->broker.core.budget.used > 0, true);
        world_expect_no_log(w, "INFO TOPIC(t): created");
        world_end(w);
    }
}

/* --- handshakes that fail --------------------------------------------------------------------- */

static void a_handshake_has_five_seconds(void **state)
{
    (void)state;
    struct world *w = world_with(TLS_CLIENTS_ANY, false);
    struct client *c = world_connect(w);
    SEND(c, IDENTIFY_TLS);
    client_expect_response(c, TLS_ANSWER);
    for (int i = 0; i < 4; i++) {
        world_advance(w, TIME_SECOND);
        SEND(c, "\x16"); /* bytes that arrive do not move the deadline */
        if (i == 0) {
            SEND(c, "\x03\x01\x3f"); /* a record that arrives slowly */
        }
    }
    world_advance(w, TIME_SECOND - 1);
    client_expect_nothing(c);
    world_advance(w, 1);
    client_expect(c, FAILED "i/o timeout; SHUT");
    world_end(w);
}

static void a_handshake_that_is_cut_is_answered(void **state)
{
    (void)state;
    struct world *w = world_with(TLS_CLIENTS_ANY, false);
    struct client *c = world_connect(w);
    SEND(c, IDENTIFY_TLS "\x16\x03\x01\0");
    client_expect_response(c, TLS_ANSWER);
    client_eof(c);
    client_expect(c, FAILED "EOF; CLOSED");
    world_end(w);
}

/* --- clients that leave ------------------------------------------------------------------------
 */

/* A client with TLS, and with deflate above it if that is asked for. */
static struct client *compressing(struct world *w, int version, bool deflate)
{
    struct client *c;
    if (!deflate) {
        c = shaking(w, NULL, version);
        client_expect_ok(c);
        return c;
    }
    c = world_connect(w);
    client_identify(c, ASKED("\"tls_v1\":true,\"deflate\":true"));
    client_expect_response(c, ANSWER("true", "true", "false"));
    client_put_on(c, client_end(NULL, version));
    client_expect_ok(c);
    client_put_on(c, deflate_codec(6));
    client_expect_ok(c);
    return c;
}

/* A client that is not read, because its output is full, ends its TLS stream and leaves. The server
 * notices it at once and delivers nothing more. But commands in front of the end count: they are
 * read first, so the end waits for them. */
static void the_end_of_a_client_that_is_not_read_is_noticed(void **state)
{
    (void)state;
    static const char leaves[] = "INFO PROTOCOL(V2): [10.0.0.1:4000] exiting ioloop";
    for (int i = 0; i < 8; i++) {
        struct world *w = world_with(TLS_CLIENTS_ANY, false);
        bool commands = i & 4;
        struct client *c = compressing(w, i & 1 ? TLS_1_3 : TLS_1_2, i & 2);
        SEND(c, "SUB t c\nRDY 10\n");
        client_expect_ok(c);
        client_stall(c, true);
        struct client *p = world_connect(w);
        client_send_filled(p, "PUB t", 'x', 1 << 19);
        client_send_filled(p, "PUB t", 'y', 1 << 20);
        client_expect(p, "R OK; R OK");
        assert_true(conn_is_full(client_conn(c)));
        if (commands) {
            SEND(c, "NOP\n");
        }
        client_end_stream(c);
        assert_int_equal(world_logged(w, leaves), !commands);
        client_stall(c, false);
        assert_int_equal(world_logged(w, leaves), 1);
        assert_true(c->closed);
        world_end(w);
    }
}

/* --- the account of memory -------------------------------------------------------------------- */

static void tls_is_charged_and_refused_where_there_is_no_room(void **state)
{
    (void)state;
    struct world *w = world_with(TLS_CLIENTS_ANY, false);
    size_t before = world_used(w);
    size_t cost = w->engine->v2.config.tls.cost;
    struct client *c = secured(w);
    assert_true(world_used(w) >= before + cost);
    client_drop(c);
    assert_int_equal(world_used(w), before);
    w->engine->broker.core.budget = (struct budget){.used = world_used(w), .cap = cost};
    c = world_connect(w);
    client_identify(c, ASKED("\"tls_v1\":true"));
    client_expect(c, FAILED "queued bytes would exceed the limit of 65536; SHUT");
    world_end(w);
}

/* --- streams that break ----------------------------------------------------------------------- */

/* A client of which one byte can be damaged, or whose output ends at that byte. */
struct broken {
    struct client *c;
    struct codec codec;
    struct buf in; /* received and not decoded; stays there when the codec has failed */
    struct buf up;
    size_t sent;
    size_t at;
    bool cut;
};

static void send_broken(struct broken *b, struct buf *bytes)
{
    struct span s = buf_span(bytes);
    if (b->c->closed || (b->cut && b->at < b->sent)) {
        s.n = 0;
    } else if (b->at >= b->sent && b->at < b->sent + s.n) {
        if (b->cut) {
            s = span_first(s, b->at - b->sent);
        } else {
            bytes->p[bytes->head + b->at - b->sent] ^= (uint8_t)(1U << b->at % 8);
        }
    }
    if (s.n > 0) {
        client_send(b->c, s);
    }
    b->sent += bytes->n;
    buf_free(bytes);
}

static void hear_broken(struct broken *b)
{
    const struct codec_calls *calls = b->codec.calls;
    struct buf down = {0};
    do {
        buf_append(&b->in, buf_span(&b->c->in));
        buf_free(&b->c->in);
        size_t taken = calls->decode(b->codec.self, buf_span(&b->in), STACK_ROOM, &b->up, &down);
        buf_drop(&b->in, taken);
        send_broken(b, &down);
    } while (calls->state(b->codec.self) <= CODEC_OPEN &&
             (b->in.n > 0 || b->c->in.n > 0 || calls->has_pending(b->codec.self)));
}

static void forget_broken(struct broken *b)
{
    b->codec.calls->free(b->codec.self);
    buf_free(&b->up);
    buf_free(&b->in);
    if (!b->c->closed) {
        client_drop(b->c);
    }
}

/* A client that is accepted gets OK. Another one gets the reason, without TLS, after the alert. */
static void policies_count(void **state)
{
    (void)state;
    static const struct {
        enum tls_clients clients;
        const struct cert *shows;
        const char *why; /* NULL: the client is accepted */
    } rows[] = {
        {TLS_CLIENTS_SHOWN, &certs.expired, NULL},
        {TLS_CLIENTS_SHOWN, NULL, "tls: client didn't provide a certificate"},
        {TLS_CLIENTS_VERIFIED, &certs.client, NULL},
        {TLS_CLIENTS_VERIFIED, &certs.stranger,
         "tls: failed to verify certificate: x509: certificate signed by unknown authority"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world *w = world_with(rows[i].clients, true);
        struct client *other = world_connect(w);
        struct tls *tls = cert_client(rows[i].shows, TLS_1_3);
        struct broken b = {.c = world_connect(w), .at = SIZE_MAX};
        b.codec = tls_connect(tls, "localhost");
        client_identify(b.c, ASKED("\"tls_v1\":true"));
        client_expect_response(b.c, TLS_ANSWER);
        hear_broken(&b);
        if (rows[i].why == NULL) {
            const char *name = rows[i].shows == &certs.client ? "client" : "expired";
            assert_true(span_equal(buf_span(&b.up), SPAN("\0\0\0\6\0\0\0\0OK")));
            assert_true(
                span_equal(conn_peer_name(client_session(b.c)->conn),
                           span_make(name, strlen(name)))); /* AUTH sends it to the auth server */
        } else {
            char line[256];
            struct span said = buf_span(&b.in);
            snprintf(line, sizeof line, "ERROR [10.0.0.2:4000] - %s%s", ERROR, rows[i].why);
            assert_int_equal(b.codec.calls->state(b.codec.self),
                             CODEC_FAILED); /* because of the alert */
            assert_int_equal(said.n, 8 + strlen(ERROR) + strlen(rows[i].why));
            assert_memory_equal(said.p + 8 + strlen(ERROR), rows[i].why, strlen(rows[i].why));
            assert_true(b.c->shut);
            world_expect_log(w, line);
        }
        client_identify(other, "{}");
        client_expect_ok(other);
        forget_broken(&b);
        tls_free(tls);
        world_end(w);
    }
}

/* IDENTIFY without TLS, a handshake, PUB. Returns how many bytes were sent through TLS. */
static size_t converse_broken(struct world *w, struct tls *client, size_t at, bool cut)
{
    struct broken b = {.c = world_connect(w), .at = at, .cut = cut};
    b.codec = tls_connect(client, "localhost");
    client_identify(b.c, ASKED("\"tls_v1\":true"));
    client_expect_response(b.c, TLS_ANSWER);
    hear_broken(&b);
    if (b.codec.calls->state(b.codec.self) == CODEC_OPEN) {
        struct buf down = {0};
        b.codec.calls->encode(b.codec.self, SPAN("PUB a\n\0\0\0\1x"), &down);
        send_broken(&b, &down);
        hear_broken(&b);
    }
    if (!b.c->closed && !b.c->shut) {
        client_eof(b.c);
    }
    assert_true(b.c->closed || b.c->shut);
    forget_broken(&b);
    return b.sent;
}

/* A damaged session ends, at the latest when its input ends. Other sessions are not affected. */
static void a_stream_that_breaks_ends_its_connection_alone(void **state)
{
    (void)state;
    for (int cut = 0; cut < 2; cut++) {
        for (int version = TLS_1_2; version <= TLS_1_3; version++) {
            struct world *w = world_with(TLS_CLIENTS_ANY, false);
            struct tls *client = cert_client(NULL, version);
            struct client *other = secured(w);
            SEND(other, "PUB b\n\0\0\0\1xPUB a\n\0\0\0\1x");
            client_expect(other, "R OK; R OK");
            size_t size = converse_broken(w, client, SIZE_MAX, false);
            size_t connected = w->engine->serve.conn_count;
            assert_int_equal(connected, 1);
            for (size_t at = 0; at < size;
                 at += stride(VALGRIND_STRIDE) * (version == TLS_1_2 ? 3 : 1)) {
                converse_broken(w, client, at, cut != 0);
                SEND(other, "NOP\nPUB b\n\0\0\0\1x");
                client_expect_ok(other);
                assert_int_equal(w->engine->serve.conn_count, connected);
            }
            tls_free(client);
            world_end(w);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_hears_in_tls_what_one_in_clear_does),
        cmocka_unit_test(a_big_body_passes_both_ways),
        cmocka_unit_test(compression_is_put_upon_it_with_an_ok_of_its_own),
        cmocka_unit_test(without_a_certificate_it_is_not_offered),
        cmocka_unit_test(a_client_that_does_not_ask_gets_none),
        cmocka_unit_test(where_it_is_required_a_client_in_clear_may_only_identify),
        cmocka_unit_test(a_new_output_buffer_stays_within_tls),
        cmocka_unit_test(tls_cannot_be_had_twice),
        cmocka_unit_test(a_hello_sent_behind_identify_is_heard),
        cmocka_unit_test(commands_sent_behind_identify_are_no_hello),
        cmocka_unit_test(a_handshake_has_five_seconds),
        cmocka_unit_test(a_handshake_that_is_cut_is_answered),
        cmocka_unit_test(policies_count),
        cmocka_unit_test(the_end_of_a_client_that_is_not_read_is_noticed),
        cmocka_unit_test(tls_is_charged_and_refused_where_there_is_no_room),
        cmocka_unit_test(a_stream_that_breaks_ends_its_connection_alone),
    };
    return cmocka_run_group_tests_name("tls_session", tests, certs_make_all, certs_free_all);
}
