/* SPDX-License-Identifier: MIT */
/*
 * Tests of codec/tls.h: a server's side and a client's side, which are connected in memory, without
 * a socket.
 */
#include "codec/tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/pem.h>

#include "base/alloc.h"
#include "support/certs.h"
#include "support/stride.h"

#define VALGRIND_STRIDE 151
#define WHOLE SIZE_MAX
#define ROOM 16384

/* --- two ends, joined ------------------------------------------------------------------------- */

struct end {
    struct codec codec;
    struct buf wire; /* what the other end has sent and this end has not consumed */
    struct buf up;   /* what this end has decoded */
    size_t sent;     /* how many bytes this end has sent in all */
};

struct pair {
    struct tls *contexts[2];
    struct end server, client;
    size_t piece;          /* how many bytes arrive at one time */
    const struct end *odd; /* the end whose output is damaged, or NULL */
    size_t odd_at;         /* which byte of its output is damaged */
    uint8_t odd_bits;      /* these bits of the byte are flipped */
    bool cut;              /* or the byte and all that follow are lost */
};

static enum codec_state state_of(const struct end *e)
{
    return e->codec.calls->state(e->codec.self);
}

#define assert_why(end, literal) check_why(end, literal, __FILE__, __LINE__)
static void check_why(const struct end *e, const char *expected, const char *file, int line)
{
    struct span why = e->codec.calls->why(e->codec.self);
    if (state_of(e) != CODEC_FAILED || !span_equal(why, span_make(expected, strlen(expected)))) {
        print_error("%s:%d: state %d, why '%.*s', expected '%s'\n", file, line, (int)state_of(e),
                    (int)why.n, (const char *)why.p, expected);
        fail();
    }
}

/* The pair owns the contexts. The client does not know the server's name. */
static struct pair *pair_new(struct tls *server, struct tls *client, const char *name)
{
    struct pair *p = alloc_zeroed(sizeof *p);
    struct codec_maker maker = tls_server(server);
    p->contexts[0] = server;
    p->contexts[1] = client;
    p->server.codec = maker.make(maker.self);
    p->client.codec = tls_connect(client, name);
    p->piece = WHOLE;
    return p;
}

static void end_free(struct end *e)
{
    e->codec.calls->free(e->codec.self);
    buf_free(&e->wire);
    buf_free(&e->up);
}

static void pair_free(struct pair *p)
{
    tls_free(p->contexts[0]); /* codecs stay valid */
    tls_free(p->contexts[1]);
    end_free(&p->server);
    end_free(&p->client);
    alloc_free(p);
}

static struct pair *ordinary(int version)
{
    return pair_new(cert_server(TLS_CLIENTS_ANY, TLS_1_0), cert_client(NULL, version), "localhost");
}

/* Moves what one end has sent to the other end, with the damage that the pair asks for. */
static void carry(struct pair *p, struct end *from, struct end *to, struct buf *down)
{
    bool here = p->odd == from && p->odd_at >= from->sent && p->odd_at < from->sent + down->n;
    bool gone = p->odd == from && p->cut && p->odd_at < from->sent;
    struct span bytes = buf_span(down);
    if (here && !p->cut) {
        down->p[down->head + p->odd_at - from->sent] ^= p->odd_bits;
    } else if (here) {
        bytes = span_first(bytes, p->odd_at - from->sent);
    }
    if (!gone) {
        buf_append(&to->wire, bytes);
    }
    from->sent += down->n;
    buf_free(down);
}

/* Calls decode once and checks the codec's contract. Returns whether anything happened. */
static bool decode(struct pair *p, struct end *e, struct end *other, size_t room)
{
    const struct codec_calls *calls = e->codec.calls;
    enum codec_state before = state_of(e);
    bool pending = calls->has_pending(e->codec.self);
    struct span in = span_first(buf_span(&e->wire), p->piece);
    struct buf down = {0};
    size_t had = e->up.n;
    if (before > CODEC_OPEN || (in.n == 0 && !pending && (before == CODEC_OPEN || e->sent > 0))) {
        return false;
    }
    size_t taken = calls->decode(e->codec.self, in, room, &e->up, &down);
    assert_true(taken <= in.n && (taken > 0 || in.n == 0 || pending));
    assert_true(e->up.n - had <= room);
    buf_drop(&e->wire, taken);
    bool moved = taken > 0 || down.n > 0 || e->up.n > had || state_of(e) != before;
    carry(p, e, other, &down);
    return moved;
}

/* Goes on until nothing happens any more. */
static void settle(struct pair *p)
{
    bool moved = true;
    while (moved) {
        moved = decode(p, &p->client, &p->server, ROOM);
        moved = decode(p, &p->server, &p->client, ROOM) || moved;
    }
}

static void say(struct pair *p, struct end *e, struct span text)
{
    struct buf down = {0};
    e->codec.calls->encode(e->codec.self, text, &down);
    e->codec.calls->flush(e->codec.self, &down);
    carry(p, e, e == &p->server ? &p->client : &p->server, &down);
}

static void finish(struct pair *p, struct end *e)
{
    struct buf down = {0};
    e->codec.calls->finish(e->codec.self, &down);
    carry(p, e, e == &p->server ? &p->client : &p->server, &down);
}

static void assert_heard(struct end *e, struct span text)
{
    assert_int_equal(e->up.n, text.n);
    assert_true(span_equal(buf_span(&e->up), text));
    buf_free(&e->up);
}

static void expect_open(struct pair *p)
{
    settle(p);
    if (state_of(&p->server) != CODEC_OPEN || state_of(&p->client) != CODEC_OPEN) {
        struct span s = p->server.codec.calls->why(p->server.codec.self);
        struct span c = p->client.codec.calls->why(p->client.codec.self);
        fail_msg("server '%.*s', client '%.*s'", (int)s.n, (const char *)s.p, (int)c.n,
                 (const char *)c.p);
    }
}

static void converse(struct pair *p)
{
    expect_open(p);
    say(p, &p->client, SPAN("hello"));
    say(p, &p->server, SPAN("world"));
    settle(p);
    assert_heard(&p->server, SPAN("hello"));
    assert_heard(&p->client, SPAN("world"));
    finish(p, &p->client);
    settle(p);
    assert_int_equal(state_of(&p->server), CODEC_CLOSED);
    finish(p, &p->server);
    settle(p);
    assert_int_equal(state_of(&p->client), CODEC_CLOSED);
}

/* --- conversations ---------------------------------------------------------------------------- */

static void two_ends_converse_in_every_version(void **state)
{
    (void)state;
    for (int version = TLS_1_0; version <= TLS_1_3; version++) {
        struct pair *p = ordinary(version);
        converse(p);
        pair_free(p);
    }
}

static void pieces_do_not_matter(void **state)
{
    (void)state;
    for (int version = TLS_1_2; version <= TLS_1_3; version++) {
        for (size_t piece = 1; piece <= 7; piece += 2) {
            struct pair *p = ordinary(version);
            p->piece = piece;
            converse(p);
            pair_free(p);
        }
    }
}

/* Bytes that follow the handshake are left for the next call, so that the caller sees its end
 * first.
 */
static void an_end_right_behind_the_handshake_is_heard_after_it(void **state)
{
    (void)state;
    struct pair *p = ordinary(TLS_1_3);
    while (state_of(&p->client) == CODEC_HANDSHAKING) {
        decode(p, &p->client, &p->server, ROOM);
        if (state_of(&p->client) == CODEC_HANDSHAKING) {
            decode(p, &p->server, &p->client, ROOM);
        }
    }
    say(p, &p->client, SPAN("bye"));
    finish(p, &p->client);
    assert_int_equal(state_of(&p->server), CODEC_HANDSHAKING);
    assert_true(decode(p, &p->server, &p->client, ROOM));
    assert_int_equal(state_of(&p->server), CODEC_OPEN);
    assert_int_equal(p->server.up.n, 0);
    settle(p);
    assert_int_equal(state_of(&p->server), CODEC_CLOSED);
    assert_heard(&p->server, SPAN("bye"));
    pair_free(p);
}

static void big_bodies_pass_both_ways(void **state)
{
    (void)state;
    size_t size = under_valgrind() ? 100000 : (size_t)5 << 20;
    uint8_t *bytes = alloc_zeroed(size);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(i ^ i >> 8 ^ i >> 16);
    }
    for (int version = TLS_1_2; version <= TLS_1_3; version++) {
        struct pair *p = ordinary(version);
        expect_open(p);
        say(p, &p->client, span_make(bytes, size));
        say(p, &p->server, span_make(bytes, size));
        settle(p);
        assert_heard(&p->server, span_make(bytes, size));
        assert_heard(&p->client, span_make(bytes, size));
        pair_free(p);
    }
    alloc_free(bytes);
}

/* A record is larger than the room: the rest of it is pending, and needs no more input. */
static void room_is_kept_to(void **state)
{
    (void)state;
    static const uint8_t bytes[20000] = {1, 2, 3};
    struct pair *p = ordinary(TLS_1_3);
    expect_open(p);
    say(p, &p->client, span_make(bytes, sizeof bytes));
    size_t times = 0;
    while (decode(p, &p->server, &p->client, 1000)) {
        times++;
        assert_true(p->server.up.n <= times * 1000);
        if (p->server.up.n == 1000) {
            assert_true(p->server.codec.calls->has_pending(p->server.codec.self));
            assert_true(p->server.wire.n > 0); /* the second record was not read */
        }
    }
    assert_int_equal(times, 20);
    assert_false(p->server.codec.calls->has_pending(p->server.codec.self));
    assert_heard(&p->server, span_make(bytes, sizeof bytes));
    pair_free(p);
}

static void nothing_to_say_is_no_record(void **state)
{
    (void)state;
    struct pair *p = ordinary(TLS_1_3);
    expect_open(p);
    size_t sent = p->server.sent;
    say(p, &p->server, span_make(NULL, 0));
    assert_int_equal(p->server.sent, sent);
    pair_free(p);
}

/* --- the end ---------------------------------------------------------------------------------- */

static void an_end_that_is_closed_takes_nothing_and_may_still_speak(void **state)
{
    (void)state;
    for (int version = TLS_1_2; version <= TLS_1_3; version++) {
        struct pair *p = ordinary(version);
        expect_open(p);
        finish(p, &p->client);
        settle(p);
        assert_int_equal(state_of(&p->server), CODEC_CLOSED);
        struct buf up = {0};
        assert_int_equal(
            p->server.codec.calls->decode(p->server.codec.self, SPAN("more"), ROOM, &up, &up), 0);
        assert_int_equal(up.n, 0);
        say(p, &p->server, SPAN("last words"));
        finish(p, &p->server);
        settle(p);
        assert_heard(&p->client, SPAN("last words"));
        assert_int_equal(state_of(&p->client), CODEC_CLOSED);
        pair_free(p);
    }
}

/* Without a finished handshake no close_notify is sent. */
static void an_end_that_is_not_open_sends_no_close_notify(void **state)
{
    (void)state;
    struct pair *p = ordinary(TLS_1_3);
    finish(p, &p->server);
    assert_int_equal(p->server.sent, 0);
    buf_append(&p->server.wire, SPAN("nonsense"));
    decode(p, &p->server, &p->client, ROOM);
    assert_int_equal(state_of(&p->server), CODEC_FAILED);
    finish(p, &p->server);
    say(p, &p->server, SPAN("x"));
    assert_int_equal(p->server.sent, 0);
    pair_free(p);
}

/* --- handshakes that fail --------------------------------------------------------------------- */

/* As in Go: no alert is sent, because the client does not use TLS. */
static void what_is_no_tls_is_said_to_be_none(void **state)
{
    (void)state;
    static const char *const garbage[] = {
        "NOP\nNOP\n",
        "PUB t\n",
        "GET / HTTP/1.1\r\n",
        "CONNECT a:1 HTTP/1.1\r\n",
        "  V2IDENTIFY\n",
        "\x17\x03\x03\x7f\x7f",
        "\x16\x4f\x01\x02\x02\x01",
    };
    for (size_t i = 0; i < sizeof garbage / sizeof garbage[0]; i++) {
        struct pair *p = ordinary(TLS_1_3);
        buf_append(&p->server.wire, span_make(garbage[i], strlen(garbage[i])));
        p->piece = i % 2 == 0 ? WHOLE : 1;
        while (decode(p, &p->server, &p->client, ROOM)) {
        }
        assert_why(&p->server, "tls: first record does not look like a TLS handshake");
        assert_int_equal(p->server.sent, 0);
        pair_free(p);
    }
}

/* Go's text for each input, and the alert that Go sends. */
static void a_first_record_that_cannot_be_is_refused(void **state)
{
    (void)state;
    static const struct {
        struct span bytes;
        struct span alert;
        const char *why;
    } rows[] = {
        {SPAN_LITERAL("\x80\x2e\x01\0\2"), SPAN_LITERAL("\x15\3\1\0\2\2\x46"),
         "tls: unsupported SSLv2 handshake received"},
        {SPAN_LITERAL("\x16\3\1\x48\1"), SPAN_LITERAL("\x15\3\1\0\2\2\x16"),
         "tls: oversized record received with length 18433"},
        {SPAN_LITERAL("\x16\3\1\0\5\1\0\0\1x"), SPAN_LITERAL("\x15\3\3\0\2\2\x32"),
         "local error: tls: error decoding message"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pair *p = ordinary(TLS_1_3);
        buf_append(&p->server.wire, rows[i].bytes);
        p->piece = 1;
        while (decode(p, &p->server, &p->client, ROOM)) {
        }
        assert_why(&p->server, rows[i].why);
        assert_true(span_equal(buf_span(&p->client.wire), rows[i].alert));
        pair_free(p);
    }
}

static void old_versions_are_refused_below_the_least(void **state)
{
    (void)state;
    for (int least = TLS_1_1; least <= TLS_1_3; least++) {
        for (int version = TLS_1_0; version <= TLS_1_3; version++) {
            struct pair *p = pair_new(cert_server(TLS_CLIENTS_ANY, least),
                                      cert_client(NULL, version), "localhost");
            settle(p);
            if (version < least) {
                assert_why(&p->server, "tls: client offered only unsupported versions");
                assert_why(&p->client, "remote error: tls: protocol version not supported");
            } else {
                assert_int_equal(state_of(&p->server), CODEC_OPEN);
            }
            pair_free(p);
        }
    }
}

#define UNVERIFIED "tls: failed to verify certificate: x509: "

static void policies_let_in_whom_nsqd_lets_in(void **state)
{
    (void)state;
    static const struct {
        enum tls_clients clients;
        const struct cert *shows;
        const char *why;  /* NULL: the client is accepted */
        const char *name; /* the client's common name */
    } rows[] = {
        {TLS_CLIENTS_ANY, NULL, NULL, ""},
        {TLS_CLIENTS_ANY, &certs.client, NULL, ""},
        {TLS_CLIENTS_SHOWN, NULL, "tls: client didn't provide a certificate", ""},
        {TLS_CLIENTS_SHOWN, &certs.client, NULL, "client"},
        {TLS_CLIENTS_SHOWN, &certs.expired, NULL, "expired"},
        {TLS_CLIENTS_SHOWN, &certs.stranger, NULL, "stranger"},
        {TLS_CLIENTS_SHOWN, &certs.self_signed, NULL, "self"},
        {TLS_CLIENTS_VERIFIED, NULL, "tls: client didn't provide a certificate", ""},
        {TLS_CLIENTS_VERIFIED, &certs.client, NULL, "client"},
        {TLS_CLIENTS_VERIFIED, &certs.expired,
         UNVERIFIED "certificate has expired or is not yet valid", ""},
        {TLS_CLIENTS_VERIFIED, &certs.stranger,
         UNVERIFIED "certificate signed by unknown authority", ""},
        {TLS_CLIENTS_VERIFIED, &certs.self_signed,
         UNVERIFIED "certificate signed by unknown authority", ""},
    };
    for (int version = under_valgrind() ? TLS_1_3 : TLS_1_2; version <= TLS_1_3; version++) {
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            struct pair *p = pair_new(cert_server(rows[i].clients, TLS_1_0),
                                      cert_client(rows[i].shows, version), "localhost");
            settle(p);
            struct span name = p->server.codec.calls->peer_name(p->server.codec.self);
            assert_true(span_equal(name, span_make(rows[i].name, strlen(rows[i].name))));
            if (rows[i].why == NULL) {
                converse(p);
            } else {
                assert_why(&p->server, rows[i].why);
                assert_int_equal(state_of(&p->client), CODEC_FAILED); /* because of the alert */
            }
            pair_free(p);
        }
    }
}

/* A client with this certificate connects to a server that trusts this authority. */
static struct pair *by_authority(const struct cert *authority, const struct cert *client)
{
    struct buf why = {0};
    const struct tls_server_settings settings = {
        .certificates = cert_pem(&certs.server),
        .key = cert_key_pem(&certs.server),
        .authorities = cert_pem(authority),
        .clients = TLS_CLIENTS_VERIFIED,
    };
    struct tls *server = tls_server_new(&settings, &why);
    assert_non_null(server);
    struct pair *p = pair_new(server, cert_client(client, TLS_1_2), "localhost");
    settle(p);
    return p;
}

/* Small RSA keys are accepted; signatures with SHA-1 are not. */
static void small_keys_count_and_weak_digests_do_not(void **state)
{
    (void)state;
    struct cert small =
        cert_make(&(struct cert_wish){.name = "small", .authority = true, .rsa_bits = 1024});
    struct cert client = cert_make(&(struct cert_wish){.name = "c", .signer = &small});
    struct cert weak = cert_make(&(struct cert_wish){.name = "w", .signer = &small, .sha1 = true});
    struct pair *p = by_authority(&small, &client);
    assert_int_equal(state_of(&p->server), CODEC_OPEN);
    pair_free(p);
    p = by_authority(&small, &weak);
    assert_why(&p->server, UNVERIFIED "CA signature digest algorithm too weak");
    pair_free(p);
    p = by_authority(&weak, &weak); /* a certificate in the file itself is trusted */
    assert_int_equal(state_of(&p->server), CODEC_OPEN);
    pair_free(p);
    cert_free(&weak);
    cert_free(&client);
    cert_free(&small);
}

/* Without a file of authorities the system's are used. They did not sign our certificates. */
static void without_authorities_the_system_s_count(void **state)
{
    (void)state;
    struct pair *p = by_authority(NULL, &certs.client);
    assert_why(&p->server, UNVERIFIED "certificate signed by unknown authority");
    pair_free(p);
}

static struct pair *serve_with(const struct cert *cert, bool verify, const char *name)
{
    struct buf why = {0};
    const struct tls_server_settings server = {.certificates = cert_pem(cert),
                                               .key = cert_key_pem(cert)};
    const struct tls_client_settings client = {.authorities = cert_pem(&certs.authority),
                                               .verify = verify};
    struct pair *p = pair_new(tls_server_new(&server, &why), tls_client_new(&client, &why), name);
    settle(p);
    return p;
}

static void a_client_verifies_whom_it_reached(void **state)
{
    (void)state;
    struct cert partial = cert_make(&(struct cert_wish){
        .name = "partial", .alternatives = "DNS:a*.example.com", .signer = &certs.authority});
    const struct {
        const struct cert *cert;
        const char *name;
        const char *why; /* NULL: the server is accepted */
    } rows[] = {
        {&certs.server, "localhost", NULL},
        {&certs.server, "localhost.", NULL}, /* with the final dot of DNS */
        {&partial, "auth.example.com", UNVERIFIED "hostname mismatch"},
        {&certs.server, "127.0.0.1", NULL},
        {&certs.server, NULL, NULL},
        {&certs.server, "server", UNVERIFIED "hostname mismatch"}, /* it is only the common name */
        {&certs.server, "127.0.0.2", UNVERIFIED "IP address mismatch"},
        {&certs.stranger, NULL, UNVERIFIED "certificate signed by unknown authority"},
        {&certs.self_signed, NULL, UNVERIFIED "certificate signed by unknown authority"},
        {&certs.expired, NULL, UNVERIFIED "certificate has expired or is not yet valid"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pair *p = serve_with(rows[i].cert, true, rows[i].name);
        if (rows[i].why != NULL) {
            assert_why(&p->client, rows[i].why);
            assert_int_equal(state_of(&p->server), CODEC_FAILED); /* because of the alert */
        } else {
            assert_int_equal(state_of(&p->client), CODEC_OPEN);
        }
        pair_free(p);
    }
    cert_free(&partial);
}

/* The file contains the certificates between the server's and its authority. */
static void a_chain_is_served(void **state)
{
    (void)state;
    struct cert middle = cert_make(
        &(struct cert_wish){.name = "middle", .authority = true, .signer = &certs.authority});
    struct cert leaf = cert_make(&(struct cert_wish){.name = "leaf", .signer = &middle});
    struct pair *p = serve_with(&leaf, true, NULL);
    assert_why(&p->client, UNVERIFIED "certificate signed by unknown authority");
    pair_free(p);
    buf_append(&leaf.certificates, buf_span(&middle.certificates));
    p = serve_with(&leaf, true, NULL);
    converse(p);
    pair_free(p);
    cert_free(&leaf);
    cert_free(&middle);
}

/* Like nsqd, a server uses any certificate. */
static void any_certificate_is_served_as_it_is(void **state)
{
    (void)state;
    struct cert odd[] = {
        cert_make(&(struct cert_wish){.name = "rsa", .rsa_bits = 1024, .sha1 = true}),
        cert_make(&(struct cert_wish){.name = "ec", .sha1 = true, .expired = true}),
    };
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        struct pair *p = serve_with(&odd[i], false, "any");
        converse(p);
        pair_free(p);
        cert_free(&odd[i]);
    }
}

static void a_name_is_what_the_certificate_says_last(void **state)
{
    (void)state;
    struct cert none = cert_make(&(struct cert_wish){.alternatives = "DNS:a"});
    struct cert wide = cert_make(&(struct cert_wish){.name = "\xc3\xa9\xe2\x82\xac"});
    struct pair *p = pair_new(cert_server(TLS_CLIENTS_SHOWN, 0), cert_client(&none, 0), NULL);
    expect_open(p);
    assert_int_equal(p->server.codec.calls->peer_name(p->server.codec.self).n, 0);
    pair_free(p);
    p = pair_new(cert_server(TLS_CLIENTS_SHOWN, 0), cert_client(&wide, 0), NULL);
    expect_open(p);
    assert_true(span_equal(p->server.codec.calls->peer_name(p->server.codec.self),
                           SPAN("\xc3\xa9\xe2\x82\xac")));
    assert_true(span_equal(p->client.codec.calls->peer_name(p->client.codec.self), SPAN("server")));
    pair_free(p);
    cert_free(&none);
    cert_free(&wide);
}

/* --- streams that break ----------------------------------------------------------------------- */

/* A conversation with damage. What is decoded is what was sent, or the beginning of it. */
static void converse_badly(struct pair *p)
{
    static const struct span text = SPAN_LITERAL("PUB t\n\0\0\0\5hello");
    settle(p);
    for (int i = 0; i < 2; i++) {
        struct end *e = i == 0 ? &p->client : &p->server;
        if (state_of(e) == CODEC_OPEN) {
            say(p, e, text);
        }
    }
    settle(p);
    for (int i = 0; i < 2; i++) {
        struct end *e = i == 0 ? &p->client : &p->server;
        finish(p, e);
        settle(p);
        assert_true(e->up.n == 0 || span_equal(buf_span(&e->up), text));
    }
}

/* Damages every `step`th byte that this end sends, one in each conversation. Each damage must
 * prevent that all is decoded. Returns how many conversations there were. */
static size_t with_bytes(int version, bool mutual, bool server, bool cut, size_t step)
{
    struct tls *contexts[2] = {cert_server(mutual ? TLS_CLIENTS_SHOWN : TLS_CLIENTS_ANY, TLS_1_0),
                               cert_client(mutual ? &certs.client : NULL, version)};
    size_t tried = 0;
    size_t harmless = 0;
    for (size_t at = 0;; at += step * stride(VALGRIND_STRIDE)) {
        struct pair *p = alloc_zeroed(sizeof *p);
        struct codec_maker maker = tls_server(contexts[0]);
        p->server.codec = maker.make(maker.self);
        p->client.codec = tls_connect(contexts[1], "localhost");
        p->piece = WHOLE;
        p->odd = server ? &p->server : &p->client;
        p->odd_at = at;
        p->odd_bits = (uint8_t)(1U << at % 8);
        p->cut = cut;
        converse_badly(p);
        bool over = at >= p->odd->sent;
        bool ended = state_of(&p->server) != CODEC_CLOSED || state_of(&p->client) != CODEC_CLOSED;
        harmless += !over && !ended;
        tried++;
        pair_free(p);
        if (over) {
            break;
        }
    }
    tls_free(contexts[0]);
    tls_free(contexts[1]);
    /* In some records the version has no meaning (RFC 8446, 5.1), nor has the part of TLS 1.3 that
     * is only for compatibility. */
    assert_true(harmless * 10 <= tried + 10);
    return tried;
}

static void with_all_bytes(bool cut)
{
    for (int server = 0; server < 2; server++) {
        assert_true(with_bytes(TLS_1_3, false, server, cut, 1) > 300 / stride(VALGRIND_STRIDE));
        assert_true(with_bytes(TLS_1_2, false, server, cut, 5) > 60 / stride(VALGRIND_STRIDE));
        assert_true(with_bytes(TLS_1_3, true, server, cut, 7) > 60 / stride(VALGRIND_STRIDE));
    }
}

static void a_stream_may_be_cut_at_each_byte(void **state)
{
    (void)state;
    with_all_bytes(true);
}

static void a_stream_may_be_damaged_at_each_byte(void **state)
{
    (void)state;
    with_all_bytes(false);
}

/* --- contexts --------------------------------------------------------------------------------- */

static struct tls_pem text_pem(const char *text, const char *file)
{
    return (struct tls_pem){span_make(text, strlen(text)), file};
}

static void check_refused(const struct tls_server_settings *settings, const char *expected)
{
    struct buf why = {0};
    assert_null(tls_server_new(settings, &why));
    buf_append(&why, span_make("", 1));
    assert_string_equal((const char *)buf_span(&why).p, expected);
    buf_free(&why);
}

#define EMPTY_BLOCK(name) "-----BEGIN " name "-----\nAAAA\n-----END " name "-----\n"

static void what_is_wrong_with_a_file_is_said_in_one_line(void **state)
{
    (void)state;
    const struct tls_pem cert = cert_pem(&certs.server);
    const struct tls_pem key = cert_key_pem(&certs.server);
    const struct {
        struct tls_pem certificates, key, authorities;
        const char *why;
    } rows[] = {
        {text_pem("", "c"),
         key,
         {.file = NULL},
         "tls: failed to find any PEM data in certificate input (c: expected \"-----BEGIN "
         "CERTIFICATE-----\")"},
        {text_pem("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", "c"),
         key,
         {.file = NULL},
         "tls: failed to find any PEM data in certificate input (c: expected \"-----BEGIN "
         "CERTIFICATE-----\")"},
        {text_pem(EMPTY_BLOCK("CERTIFICATE"), "c"),
         key,
         {.file = NULL},
         "x509: malformed certificate (c: expected certificates in PEM)"},
        {key,
         key,
         {.file = NULL},
         "tls: failed to find certificate PEM data in certificate input, but did find a private "
         "key; PEM inputs may have been switched (key.pem: expected \"-----BEGIN "
         "CERTIFICATE-----\")"},
        {text_pem(EMPTY_BLOCK("X"), "c"),
         key,
         {.file = NULL},
         "tls: failed to find \"CERTIFICATE\" PEM block in certificate input after skipping PEM "
         "blocks of the following types: [X] (c: expected \"-----BEGIN CERTIFICATE-----\")"},
        {cert,
         text_pem("no key", "k"),
         {.file = NULL},
         "tls: failed to find any PEM data in key input (k: expected a private key in PEM, without "
         "a passphrase)"},
        {cert,
         cert,
         {.file = NULL},
         "tls: found a certificate rather than a key in the PEM for the private key (cert.pem: "
         "expected a private key in PEM, without a passphrase)"},
        {cert,
         text_pem(EMPTY_BLOCK("X"), "k"),
         {.file = NULL},
         "tls: failed to find PEM block with type ending in \"PRIVATE KEY\" in key input (k: "
         "expected a private key in PEM, without a passphrase)"},
        {cert,
         text_pem(EMPTY_BLOCK("EC PRIVATE KEY"), "k"),
         {.file = NULL},
         "tls: failed to parse private key (k: expected a private key in PEM, without a "
         "passphrase)"},
        {cert,
         cert_key_pem(&certs.client),
         {.file = NULL},
         "tls: private key does not match public key (key.pem: expected the key of cert.pem)"},
        {cert, key, text_pem("", "r"),
         "failed to append certificate to pool (r: expected \"-----BEGIN CERTIFICATE-----\")"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct tls_server_settings settings = {.certificates = rows[i].certificates,
                                                     .key = rows[i].key,
                                                     .authorities = rows[i].authorities};
        check_refused(&settings, rows[i].why);
    }
}

/* OpenSSL does not ask for the passphrase. */
static void a_locked_key_is_refused(void **state)
{
    (void)state;
    char *bytes;
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PrivateKey(bio, certs.server.pkey, EVP_aes_128_cbc(), NULL, 0,
                                              NULL, "secret"),
                     1);
    long n = BIO_get_mem_data(bio, &bytes);
    const struct tls_server_settings settings = {
        .certificates = cert_pem(&certs.server),
        .key = {span_make(bytes, (size_t)n), "k"},
    };
    check_refused(&settings, "tls: failed to parse private key (k: expected a private key in PEM, "
                             "without a passphrase)");
    BIO_free(bio);
}

static void a_version_that_is_none_is_refused(void **state)
{
    (void)state;
    const struct tls_server_settings settings = {.certificates = cert_pem(&certs.server),
                                                 .key = cert_key_pem(&certs.server),
                                                 .min_version = 0x0210};
    check_refused(&settings, "tls: internal error");
}

static void check_client_refused(const struct tls_client_settings *settings, const char *expected)
{
    struct buf why = {0};
    assert_null(tls_client_new(settings, &why));
    buf_append(&why, span_make("", 1));
    assert_string_equal((const char *)buf_span(&why).p, expected);
    buf_free(&why);
}

static void a_client_s_files_are_looked_at_too(void **state)
{
    (void)state;
    const struct tls_client_settings no_pair = {.certificates = cert_pem(&certs.client),
                                                .key = cert_key_pem(&certs.server)};
    check_client_refused(&no_pair, "tls: private key does not match public key (key.pem: expected "
                                   "the key of cert.pem)");
    const struct tls_client_settings no_authority = {.authorities = text_pem("", "r")};
    check_client_refused(
        &no_authority,
        "failed to append certificate to pool (r: expected \"-----BEGIN CERTIFICATE-----\")");
    const struct tls_client_settings no_version = {.max_version = 0x0210};
    check_client_refused(&no_version, "tls: internal error");
}

/* With such a name no codec can be made; decode reports this. */
static void a_server_s_name_may_be_no_name(void **state)
{
    (void)state;
    char name[300];
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    struct pair *p = pair_new(cert_server(TLS_CLIENTS_ANY, 0), cert_client(NULL, 0), name);
    settle(p);
    assert_int_equal(state_of(&p->client), CODEC_FAILED);
    assert_int_equal(p->client.sent, 0);
    pair_free(p);
}

static void a_key_of_another_kind_is_said_to_be(void **state)
{
    (void)state;
    struct cert rsa = cert_make(&(struct cert_wish){.name = "rsa", .rsa_bits = 1024});
    const struct tls_server_settings settings = {.certificates = cert_pem(&certs.server),
                                                 .key = cert_key_pem(&rsa)};
    check_refused(&settings, "tls: private key type does not match public key type (key.pem: "
                             "expected the key of cert.pem)");
    cert_free(&rsa);
}

/* The file may contain everything, with other text in between. */
static void a_file_may_hold_more_than_its_part(void **state)
{
    (void)state;
    struct buf all = {0};
    buf_append(&all, SPAN("a comment\n"));
    buf_append(&all, buf_span(&certs.server.key));
    buf_append(&all, buf_span(&certs.server.certificates));
    buf_append(&all, buf_span(&certs.authority.certificates));
    struct buf why = {0};
    const struct tls_pem pem = {buf_span(&all), "all"};
    const struct tls_server_settings settings = {.certificates = pem, .key = pem};
    struct pair *p = pair_new(tls_server_new(&settings, &why), cert_client(NULL, 0), "localhost");
    converse(p);
    pair_free(p);
    buf_free(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_ends_converse_in_every_version),
        cmocka_unit_test(pieces_do_not_matter),
        cmocka_unit_test(an_end_right_behind_the_handshake_is_heard_after_it),
        cmocka_unit_test(big_bodies_pass_both_ways),
        cmocka_unit_test(room_is_kept_to),
        cmocka_unit_test(nothing_to_say_is_no_record),
        cmocka_unit_test(an_end_that_is_closed_takes_nothing_and_may_still_speak),
        cmocka_unit_test(an_end_that_is_not_open_sends_no_close_notify),
        cmocka_unit_test(what_is_no_tls_is_said_to_be_none),
        cmocka_unit_test(a_first_record_that_cannot_be_is_refused),
        cmocka_unit_test(old_versions_are_refused_below_the_least),
        cmocka_unit_test(policies_let_in_whom_nsqd_lets_in),
        cmocka_unit_test(small_keys_count_and_weak_digests_do_not),
        cmocka_unit_test(without_authorities_the_system_s_count),
        cmocka_unit_test(a_client_verifies_whom_it_reached),
        cmocka_unit_test(a_chain_is_served),
        cmocka_unit_test(any_certificate_is_served_as_it_is),
        cmocka_unit_test(a_name_is_what_the_certificate_says_last),
        cmocka_unit_test(a_stream_may_be_cut_at_each_byte),
        cmocka_unit_test(a_stream_may_be_damaged_at_each_byte),
        cmocka_unit_test(what_is_wrong_with_a_file_is_said_in_one_line),
        cmocka_unit_test(a_locked_key_is_refused),
        cmocka_unit_test(a_version_that_is_none_is_refused),
        cmocka_unit_test(a_client_s_files_are_looked_at_too),
        cmocka_unit_test(a_server_s_name_may_be_no_name),
        cmocka_unit_test(a_key_of_another_kind_is_said_to_be),
        cmocka_unit_test(a_file_may_hold_more_than_its_part),
    };
    return cmocka_run_group_tests_name("tls", tests, certs_make_all, certs_free_all);
}
