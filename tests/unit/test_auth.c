/* SPDX-License-Identifier: MIT */
/* Tests of auth/auth.h and of AUTH as a client sees it, with scripted auth servers, on virtual
 * time.
 */
#include "auth/auth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/text.h"
#include "support/certs.h"
#include "support/world.h"

#define REQUEST(secret)                                                                            \
    "GET /auth?common_name=&remote_ip=10.0.0.1&secret=" secret "&tls=false HTTP/1.1\r\n"           \
    "Host: a:1\r\nUser-Agent: Go-http-client/1.1\r\nAccept: application/vnd.nsq; version=1.0\r\n"  \
    "Accept-Encoding: gzip\r\n\r\n"

#define ALL "\"permissions\":[\"publish\",\"subscribe\"]"
#define GRANT(ttl)                                                                                 \
    "{\"ttl\":" ttl ",\"identity\":\"me\",\"identity_url\":\"u\","                                 \
    "\"authorizations\":[{\"topic\":\"^t\",\"channels\":[\".*\"]," ALL "}]}"
#define GRANTED "R {\"identity\":\"me\",\"identity_url\":\"u\",\"permission_count\":1}"
#define PUB_T "PUB t\n\0\0\0\1m"

static const char *const one[] = {"a:1"};
static const char *const two[] = {"a:1", "b:2"};

/* Every test runs with each of them, and with the least effort a call: the result must not depend
 * on how bytes arrive, nor on how much a call does. */
static enum world_cut cut;
static size_t effort_a_call; /* 0: the usual */

static struct world *begin(const char *const *servers, size_t count)
{
    struct engine_config config = world_config();
    config.auth.servers = servers;
    config.auth.server_count = count;
    config.log_level = LOG_DEBUG;
    if (effort_a_call > 0) {
        config.broker.effort_a_call = effort_a_call;
    }
    struct world *w = world_new(&config);
    w->cut = cut;
    return w;
}

/* No log line contains the secret. */
static void end(struct world *w)
{
    struct span log = buf_span(&w->log);
    for (size_t i = 0; i + 6 <= log.n; i++) {
        assert_memory_not_equal(log.p + i, "s3cret", 6);
    }
    world_free(w);
}

static void answer(struct client *server, const char *status, const char *body)
{
    client_sendf(server, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", status, strlen(body),
                 body);
}

/* A client that has sent AUTH. */
static struct client *with_auth(struct world *w)
{
    struct client *c = world_connect(w);
    SEND(c, "AUTH\n\0\0\0\6s3cret");
    client_expect_nothing(c);
    return c;
}

/* A client that was granted what `body` says. */
static struct client *authorized(struct world *w, const char *body)
{
    struct client *c = with_auth(w);
    answer(world_accept(w), "200 OK", body);
    client_expect(c, GRANTED);
    return c;
}

/* --- AUTH itself ------------------------------------------------------------------------------ */

static void auth_asks_and_answers(void **state)
{
    (void)state;
    struct world *w = begin(one, 1);
    struct client *c = with_auth(w);
    assert_string_equal(world_dialled_to(w), "a:1");
    struct client *server = world_accept(w);
    assert_string_equal(client_bytes(server), REQUEST("s3cret"));
    answer(server, "200 OK", GRANT("60"));
    assert_true(server->closed);
    client_expect(c, GRANTED);
    SEND(c, PUB_T "SUB t c\n");
    client_expect(c, "R OK; R OK");
    end(w);
}

static void identify_tells_that_auth_is_required(void **state)
{
    (void)state;
    struct world *w = begin(one, 1);
    struct client *c = world_connect(w);
    client_identify(c, "{\"feature_negotiation\":true}");
    assert_non_null(strstr(client_heard(c), "\"auth_required\":true"));
    end(w);
}

/* Commands that are pipelined behind AUTH wait for its answer. */
static void what_is_pipelined_waits(void **state)
{
    (void)state;
    struct world *w = begin(one, 1);
    struct client *c = world_connect(w);
    SEND(c, "AUTH\n\0\0\0\6s3cretNOP\n" PUB_T "SUB t c\nRDY 1\n");
    client_expect_nothing(c);
    assert_int_equal(world_dialled(w), 1);
    answer(world_accept(w), "200 OK", GRANT("60"));
    client_expect(c, GRANTED "; R OK; R OK; M 1 m");
    end(w);
}

static void commands_need_auth_first(void **state)
{
    (void)state;
    static const struct {
        struct span sent;
        const char *heard;
    } cases[] = {
        {SPAN_LITERAL("SUB t c\n"), "E E_AUTH_FIRST AUTH required before SUB; SHUT"},
        {SPAN_LITERAL("PUB t\n\0\0\0\1m"), "E E_AUTH_FIRST AUTH required before PUB; SHUT"},
        {SPAN_LITERAL("MPUB t\n"), "E E_AUTH_FIRST AUTH required before MPUB; SHUT"},
        {SPAN_LITERAL("DPUB t 1\n\0\0\0\1m"), "E E_AUTH_FIRST AUTH required before DPUB; SHUT"},
        {SPAN_LITERAL("PUB t\n\0\0\0\1"), ""}, /* not before the body is complete */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world *w = begin(one, 1);
        struct client *c = world_connect(w);
        client_send(c, cases[i].sent);
        client_expect(c, cases[i].heard);
        assert_int_equal(world_dialled(w), 0);
        end(w);
    }
}

static void other_topics_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *sent;
        size_t n;
        const char *heard;
    } cases[] = {
        {"SUB x c\n", 8, "E E_UNAUTHORIZED AUTH failed for SUB on \"x\" \"c\"; SHUT"},
        {"PUB x\n\0\0\0\1m", 11, "E E_UNAUTHORIZED AUTH failed for PUB on \"x\" \"\"; SHUT"},
        {"MPUB x\n", 7, "E E_UNAUTHORIZED AUTH failed for MPUB on \"x\" \"\"; SHUT"},
        {"DPUB x 1\n\0\0\0\1m", 14, "E E_UNAUTHORIZED AUTH failed for DPUB on \"x\" \"\"; SHUT"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world *w = begin(one, 1);
        struct client *c = authorized(w, GRANT("60"));
        client_send(c, span_make(cases[i].sent, cases[i].n));
        client_expect(c, cases[i].heard);
        end(w);
    }
}

static void auth_twice_is_refused(void **state)
{
    (void)state;
    struct world *w = begin(one, 1);
    struct client *c = authorized(w, GRANT("60"));
    SEND(c, "AUTH\n\0\0\0\6s3cret");
    client_expect(c, "E E_INVALID AUTH already set; SHUT");
    end(w);
}

static void nothing_granted_is_an_error(void **state)
{
    (void)state;
    struct world *w = begin(one, 1);
    struct client *c = with_auth(w);
    answer(world_accept(w), "200 OK", "{\"ttl\":1,\"authorizations\":[]}");
    client_expect(c, "E E_UNAUTHORIZED AUTH no authorizations found; SHUT");
    end(w);
}

/* A secret in the wrong place is not logged either. */
static void a_secret_as_a_parameter_is_not_logged(void **state)
{
    (void)state;
    struct world *w = begin(one, 1);
    struct client *c = world_connect(w);
    SEND(c, "AUTH s3cret\n");
    client_expect(c, "E E_INVALID AUTH invalid number of parameters; SHUT");
    end(w);
}

static void a_secret_has_a_bound(void **state)
{
    (void)state;
    struct world *w = begin(one, 1);
    struct client *c = world_connect(w);
    client_send_filled(c, "AUTH", 'x', AUTH_SECRET_MAX + 1);
    client_expect(c, "E E_AUTH_FAILED AUTH failed; SHUT");
    end(w);
}

/* --- servers that fail ------------------------------------------------------------------------ */

static void the_next_server_is_asked(void **state)
{
    (void)state;
    struct world *w = begin(two, 2);
    struct client *c = with_auth(w);
    bool a_first = strcmp(world_dialled_to(w), "a:1") == 0;
    world_refuse(w, "connection refused");
    assert_string_equal(world_dialled_to(w), a_first ? "b:2" : "a:1");
    answer(world_accept(w), "200 OK", GRANT("60"));
    client_expect(c, GRANTED);
    end(w);
}

static void the_first_server_is_random(void **state)
{
    (void)state;
    unsigned firsts = 0;
    struct world *w = begin(two, 2);
    for (int i = 0; i < 32; i++) {
        with_auth(w);
        firsts |= strcmp(world_dialled_to(w), "a:1") == 0 ? 1U : 2U;
        world_refuse(w, "no");
        world_refuse(w, "no");
    }
    assert_int_equal(firsts, 3);
    end(w);
}

static void a_client_is_not_told_what_failed(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "HTTP/1.1 500 Oops\r\nContent-Length: 6\r\n\r\ns3cret",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"ttl\":0}",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 403 No\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 302 Go\r\nLocation: ftp://x\r\nContent-Length: 0\r\n\r\n",
        "garbage\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct world *w = begin(one, 1);
        struct client *c = with_auth(w);
        struct client *server = world_accept(w);
        client_send(server, span_make(answers[i], strlen(answers[i])));
        client_expect(c, "E E_AUTH_FAILED AUTH failed; SHUT");
        assert_true(server->closed);
        end(w);
    }
}

static void bad_addresses_fail_at_once(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "ftp://a", "http://", "a b:1", "http://a:x/"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct world *w = begin(&bad[i], 1);
        struct client *c = world_connect(w);
        SEND(c, "AUTH\n\0\0\0\6s3cret");
        client_expect(c, "E E_AUTH_FAILED AUTH failed; SHUT");
        end(w);
    }
}

static void connecting_has_a_deadline(void **state)
{
    (void)state;
    struct world *w = begin(one, 1);
    struct client *c = with_auth(w);
    world_advance(w, 2 * TIME_SECOND - 1);
    client_expect_nothing(c);
    world_advance(w, 1);
    client_expect(c, "E E_AUTH_FAILED AUTH failed; SHUT");
    assert_int_equal(world_dialled(w), 0);
    end(w);
}

static void a_request_has_a_deadline(void **state)
{
    (void)state;
    struct world *w = begin(one, 1);
    struct client *c = with_auth(w);
    world_advance(w, TIME_SECOND);
    struct client *server = world_accept(w);
    SEND(server, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    for (int i = 0; i < 3; i++) {
        world_advance(w, TIME_SECOND); /* a slow answer does not move the deadline */
        SEND(server, " ");
    }
    world_advance(w, TIME_SECOND - 1);
    client_expect_nothing(c);
    world_advance(w, 1);
    client_expect(c, "E E_AUTH_FAILED AUTH failed; SHUT");
    assert_true(server->closed);
    end(w);
}

static void a_server_that_leaves_has_failed(void **state)
{
    (void)state;
    struct world *w = begin(one, 1);
    struct client *c = with_auth(w);
    client_drop(world_accept(w));
    client_expect(c, "E E_AUTH_FAILED AUTH failed; SHUT");
    c = world_connect(w);
    SEND(c, "AUTH\n\0\0\0\6s3cret");
    client_eof(world_accept(w));
    client_expect(c, "E E_AUTH_FAILED AUTH failed; SHUT");
    end(w);
}

/* A body without length ends where the connection does. */
static void a_body_may_end_with_the_connection(void **state)
{
    (void)state;
    struct world *w = begin(one, 1);
    struct client *c = with_auth(w);
    struct client *server = world_accept(w);
    SEND(server, "HTTP/1.0 200 OK\r\n\r\n" GRANT("60"));
    client_expect_nothing(c);
    client_eof(server);
    client_expect(c, GRANTED);
    end(w);
}

static void redirects_are_followed(void **state)
{
    (void)state;
    struct world *w = begin(one, 1);
    struct client *c = with_auth(w);
    SEND(world_accept(w), "HTTP/1.1 302 Go\r\nLocation: /else?x=1\r\nContent-Length: 0\r\n\r\n");
    assert_string_equal(world_dialled_to(w), "a:1");
    struct client *server = world_accept(w);
    assert_memory_equal(client_bytes(server), "GET /else?x=1 HTTP/1.1\r\nHost: a:1\r\n", 35);
    SEND(server, "HTTP/1.1 307 Go\r\nLocation: http://c/x\r\nContent-Length: 0\r\n\r\n");
    assert_string_equal(world_dialled_to(w), "c:80");
    answer(world_accept(w), "200 OK", GRANT("60"));
    client_expect(c, GRANTED);
    end(w);
}

/* The URL that a redirect leads to may repeat the secret. */
static void a_location_is_not_logged(void **state)
{
    (void)state;
    struct world *w = begin(one, 1);
    struct client *c = with_auth(w);
    SEND(world_accept(w), "HTTP/1.1 302 Go\r\nLocation: /x/s3cret\r\nContent-Length: 0\r\n\r\n");
    answer(world_accept(w), "500 No", "");
    client_expect(c, "E E_AUTH_FAILED AUTH failed; SHUT");
    world_expect_log(w, "WARNING PROTOCOL(V2): [10.0.0.1:4000] AUTH failed failed to auth against "
                        "http://a:1/auth - got response 500");
    end(w);
}

static void redirects_have_an_end(void **state)
{
    (void)state;
    struct world *w = begin(one, 1);
    struct client *c = with_auth(w);
    for (int i = 0; i < HTTP_REDIRECTS_MAX; i++) {
        client_expect_nothing(c);
        SEND(world_accept(w), "HTTP/1.1 302 Go\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n");
    }
    client_expect(c, "E E_AUTH_FAILED AUTH failed; SHUT");
    end(w);
}

/* When a 403 names a port, nsqd asks again there, by https. Here TLS is not available. */
static void a_403_turns_to_https(void **state)
{
    (void)state;
    struct world *w = begin(one, 1);
    struct client *c = with_auth(w);
    answer(world_accept(w), "403 Forbidden", "{\"https_port\":444}");
    assert_string_equal(world_dialled_to(w), "a:444");
    world_accept(w);
    client_expect(c, "E E_AUTH_FAILED AUTH failed; SHUT");
    end(w);
}

/* nsqd replaces the port of the server's own URL, and fails when that names none. */
static void a_403_needs_a_port_to_replace(void **state)
{
    (void)state;
    static const char *const servers[] = {"http://a/x"};
    struct world *w = begin(servers, 1);
    struct client *c = with_auth(w);
    answer(world_accept(w), "403 Forbidden", "{\"https_port\":444}");
    client_expect(c, "E E_AUTH_FAILED AUTH failed; SHUT");
    world_expect_log(w, "WARNING PROTOCOL(V2): [10.0.0.1:4000] AUTH failed failed to auth against "
                        "http://a/x - no port to ask again by https");
    end(w);
}

/* --- https ------------------------------------------------------------------------------------ */

static struct codec connect_tls(void *self, const char *name)
{
    return tls_connect(self, name);
}

static struct codec connect_to_nothing(void *self, const char *name)
{
    (void)self;
    (void)name;
    return (struct codec){NULL, NULL};
}

static struct world *begin_https(const char *const *servers, struct tls *tls)
{
    struct engine_config config = world_config();
    config.auth.servers = servers;
    config.auth.server_count = 1;
    config.auth.tls = (struct http_tls){.connect = connect_tls, .self = tls, .cost = 100000};
    config.log_level = LOG_DEBUG;
    if (effort_a_call > 0) {
        config.broker.effort_a_call = effort_a_call;
    }
    struct world *w = world_new(&config);
    w->cut = cut;
    return w;
}

static struct tls *trusting(const struct cert *authority)
{
    struct buf why = {0};
    const struct tls_client_settings settings = {
        .authorities = cert_pem(authority), .verify = true, .min_version = TLS_1_2};
    struct tls *tls = tls_client_new(&settings, &why);
    assert_non_null(tls);
    return tls;
}

/* A server that has a certificate for localhost and 127.0.0.1. */
static struct client *accept_tls(struct world *w)
{
    struct tls *tls = cert_server(TLS_CLIENTS_ANY, TLS_1_2);
    struct codec_maker maker = tls_server(tls);
    struct client *server = world_accept(w);
    client_put_on(server, maker.make(maker.self));
    tls_free(tls);
    return server;
}

static void https_urls_use_tls(void **state)
{
    (void)state;
    static const char *const servers[] = {"https://localhost/x"};
    struct tls *tls = trusting(&certs.authority);
    struct world *w = begin_https(servers, tls);
    size_t before = world_used(w);
    struct client *c = with_auth(w);
    assert_string_equal(world_dialled_to(w), "localhost:443");
    assert_true(world_used(w) > before + 100000);
    struct client *server = accept_tls(w);
    assert_memory_equal(client_bytes(server), "GET /x?common_name=&remote_ip=10.0.0.1", 38);
    answer(server, "200 OK", GRANT("60"));
    client_expect(c, GRANTED);
    end(w);
    tls_free(tls);
}

/* A certificate of another host, or of an authority that is not trusted. */
static void certificates_are_verified(void **state)
{
    (void)state;
    static const struct {
        const char *server;
        const struct cert *trusted;
    } cases[] = {{"https://example.org", &certs.authority},
                 {"https://localhost", &certs.other_authority}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tls *tls = trusting(cases[i].trusted);
        struct world *w = begin_https(&cases[i].server, tls);
        struct client *c = with_auth(w);
        struct tls *served = cert_server(TLS_CLIENTS_ANY, TLS_1_2);
        struct codec_maker maker = tls_server(served);
        struct codec codec = maker.make(maker.self);
        struct client *server = world_accept(w);
        struct buf up = {0};
        struct buf down = {0};
        codec.calls->decode(codec.self, buf_span(&server->in), STACK_ROOM, &up, &down);
        client_send(server, buf_span(&down));
        client_expect(c, "E E_AUTH_FAILED AUTH failed; SHUT");
        assert_int_equal(up.n, 0);
        buf_free(&down);
        codec.calls->free(codec.self);
        tls_free(served);
        end(w);
        tls_free(tls);
    }
}

/* It is 10 s, or earlier: the deadline of the request. */
static void a_handshake_has_a_deadline(void **state)
{
    (void)state;
    static const char *const servers[] = {"https://localhost"};
    struct tls *tls = trusting(&certs.authority);
    struct world *w = begin_https(servers, tls);
    struct client *c = with_auth(w);
    world_advance(w, TIME_SECOND);
    world_accept(w);
    world_advance(w, 4 * TIME_SECOND - 1);
    client_expect_nothing(c);
    world_advance(w, 1);
    client_expect(c, "E E_AUTH_FAILED AUTH failed; SHUT");
    end(w);
    tls_free(tls);
}

/* nsqd changes the URL of its own configuration, not the one that a redirect led to. */
static void a_403_after_a_redirect_turns_to_the_server_itself(void **state)
{
    (void)state;
    static const char *const servers[] = {"localhost:1"};
    static const char *const places[] = {"http://c:9/x", "https://localhost:9/x"};
    struct tls *tls = trusting(&certs.authority);
    for (size_t i = 0; i < 2; i++) {
        struct world *w = begin_https(servers, tls);
        struct client *c = with_auth(w);
        struct buf go = {0};
        text_append(&go, "HTTP/1.1 302 Go\r\nLocation: ");
        buf_append(&go, span_make(places[i], strlen(places[i])));
        text_append(&go, "\r\nContent-Length: 0\r\n\r\n");
        client_send(world_accept(w), buf_span(&go));
        buf_free(&go);
        answer(i == 0 ? world_accept(w) : accept_tls(w), "403 Forbidden", "{\"https_port\":444}");
        assert_string_equal(world_dialled_to(w), "localhost:444");
        struct client *server = accept_tls(w);
        assert_memory_equal(client_bytes(server), "GET /auth?common_name=", 22);
        answer(server, "403 Forbidden", "{\"https_port\":445}"); /* nsqd turns to https once */
        client_expect(c, "E E_AUTH_FAILED AUTH failed; SHUT");
        end(w);
    }
    tls_free(tls);
}

static void without_tls_there_is_no_https(void **state)
{
    (void)state;
    static const char *const servers[] = {"https://localhost"};
    struct engine_config config = world_config();
    config.auth.servers = servers;
    config.auth.server_count = 1;
    config.auth.tls.connect = connect_to_nothing;
    struct world *w = world_new(&config);
    struct client *c = with_auth(w);
    world_accept(w);
    client_expect(c, "E E_AUTH_FAILED AUTH failed; SHUT");
    end(w);
}

/* No memory for a request, or for the grant. */
static void memory_has_a_bound(void **state)
{
    (void)state;
    struct engine_config config = world_config();
    config.auth.servers = one;
    config.auth.server_count = 1;
    for (config.broker.mem_queue_bytes = 1000; config.broker.mem_queue_bytes < 9000;
         config.broker.mem_queue_bytes += 500) {
        struct world *w = world_new(&config);
        struct client *c = world_connect(w);
        SEND(c, "AUTH\n\0\0\0\6s3cret");
        if (world_dialled(w) > 0) {
            answer(world_accept(w), "200 OK", GRANT("60"));
        }
        const char *heard = client_heard(c);
        assert_true(strstr(heard, "E_A") != NULL || strcmp(heard, GRANTED) == 0);
        end(w);
    }
}

/* A consumer that would empty full queues must authorize first. */
static void auth_does_not_need_room_in_the_queues(void **state)
{
    (void)state;
    struct world *w = begin(one, 1);
    struct client *p = authorized(w, GRANT("60"));
    w->engine->broker.core.budget.cap = world_used(w);
    struct client *c = authorized(w, GRANT("60"));
    SEND(c, "SUB t c\n");
    client_expect_ok(c);
    SEND(p, PUB_T);
    assert_non_null(strstr(client_heard(p), "E E_PUB_FAILED PUB failed queued bytes"));
    end(w);
}

static void connections_have_a_bound(void **state)
{
    (void)state;
    struct engine_config config = world_config();
    config.auth.servers = one;
    config.auth.server_count = 1;
    config.serve.max_connections = 1;
    struct world *w = world_new(&config);
    struct client *c = world_connect(w);
    SEND(c, "AUTH\n\0\0\0\6s3cret");
    client_expect(c, "E E_AUTH_FAILED AUTH failed; SHUT");
    end(w);
}

/* --- time ------------------------------------------------------------------------------------- */

static void a_grant_expires(void **state)
{
    (void)state;
    struct world *w = begin(one, 1);
    struct client *c = authorized(w, GRANT("2"));
    world_advance(w, 2 * TIME_SECOND);
    SEND(c, PUB_T);
    client_expect(c, "R OK");
    world_advance(w, 1);
    SEND(c, PUB_T PUB_T "SUB t c\n");
    client_expect_nothing(c);
    struct client *server = world_accept(w);
    assert_string_equal(client_bytes(server), REQUEST("s3cret"));
    answer(server, "200 OK", GRANT("1"));
    client_expect(c, "R OK; R OK; R OK");
    end(w);
}

/* Each kind of command continues where it waited. */
static void every_command_asks_again(void **state)
{
    (void)state;
    static const struct {
        const char *sent;
        size_t n;
    } cases[] = {
        {"SUB t c\n", 8},
        {"PUB t\n\0\0\0\1m", 11},
        {"DPUB t 1\n\0\0\0\1m", 14},
        {"MPUB t\n\0\0\0\x9\0\0\0\1\0\0\0\1m", 20},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world *w = begin(one, 1);
        struct client *c = authorized(w, GRANT("1"));
        world_advance(w, 2 * TIME_SECOND);
        client_send(c, span_make(cases[i].sent, cases[i].n));
        SEND(c, "NOP\nAUTH x\n");
        client_expect_nothing(c);
        answer(world_accept(w), "200 OK", GRANT("1"));
        const char *after = i == 0 ? "R OK; E E_INVALID cannot AUTH in current state; SHUT"
                                   : "R OK; E E_INVALID AUTH invalid number of parameters; SHUT";
        client_expect(c, after);
        end(w);
    }
}

/* MPUB is authorized before its body is read. */
static void mpub_waits_before_its_body(void **state)
{
    (void)state;
    struct world *w = begin(one, 1);
    struct client *c = authorized(w, GRANT("1"));
    world_advance(w, 2 * TIME_SECOND);
    SEND(c, "MPUB t\n");
    assert_int_equal(world_dialled(w), 1);
    answer(world_accept(w), "200 OK", GRANT("9"));
    client_expect_nothing(c);
    SEND(c, "\0\0\0\x9\0\0\0\1\0\0\0\1m");
    client_expect(c, "R OK");
    end(w);
}

static void a_grant_may_be_revoked(void **state)
{
    (void)state;
    struct world *w = begin(one, 1);
    struct client *c = authorized(w, GRANT("1"));
    world_advance(w, 2 * TIME_SECOND);
    SEND(c, PUB_T);
    answer(world_accept(w), "200 OK", "{\"ttl\":1}");
    client_expect(c, "E E_UNAUTHORIZED AUTH failed for PUB on \"t\" \"\"; SHUT");
    end(w);
}

static void asking_again_may_fail(void **state)
{
    (void)state;
    struct world *w = begin(one, 1);
    struct client *c = authorized(w, GRANT("1"));
    world_advance(w, 2 * TIME_SECOND);
    SEND(c, "SUB t c\n");
    world_refuse(w, "connection refused");
    client_expect(c, "E E_AUTH_FAILED AUTH failed; SHUT");
    world_expect_log(w, "WARNING PROTOCOL(V2): [10.0.0.1:4000] AUTH failed failed to auth against "
                        "http://a:1/auth - connection refused");
    end(w);
}

/* --- clients that leave ----------------------------------------------------------------------- */

static void the_query_of_a_client_that_leaves_is_dropped(void **state)
{
    (void)state;
    struct world *w = begin(one, 1);
    size_t before = world_used(w);
    client_drop(with_auth(w));
    assert_int_equal(world_dialled(w), 0);
    struct client *c = with_auth(w);
    struct client *server = world_accept(w);
    client_drop(c);
    assert_true(server->closed);
    assert_int_equal(world_used(w), before);
    end(w);
}

/* A message that has arrived completely is published even when its sender has left. */
static void a_whole_message_outlives_its_client(void **state)
{
    (void)state;
    struct world *w = begin(one, 1);
    struct client *c = authorized(w, GRANT("1"));
    struct client *consumer = world_connect(w);
    SEND(consumer, "AUTH\n\0\0\0\1x");
    answer(world_accept(w), "200 OK", GRANT("9"));
    SEND(consumer, "SUB t c\nRDY 1\n");
    client_heard(consumer);
    world_advance(w, 2 * TIME_SECOND);
    SEND(c, PUB_T);
    client_drop(c);
    answer(world_accept(w), "200 OK", GRANT("1"));
    client_expect(consumer, "M 1 m");
    end(w);
}

/* The server ends while such a message waits for its auth server. It is not published, and its
 * session is freed. */
static void a_message_that_waits_at_the_end_is_freed(void **state)
{
    (void)state;
    struct world *w = begin(one, 1);
    struct client *c = authorized(w, GRANT("1"));
    world_advance(w, 2 * TIME_SECOND);
    SEND(c, PUB_T);
    client_drop(c);
    assert_int_equal(world_dialled(w), 1);
    world_free_at_once(w);
}

/* The end of input is handled after the command that waits. */
static void end_of_input_waits(void **state)
{
    (void)state;
    struct world *w = begin(one, 1);
    struct client *c = with_auth(w);
    client_eof(c);
    client_expect_nothing(c);
    answer(world_accept(w), "200 OK", GRANT("1"));
    client_expect(c, GRANTED "; CLOSED");
    end(w);
}

static void the_end_does_not_wait_for_servers(void **state)
{
    (void)state;
    struct world *w = begin(two, 2);
    with_auth(w);
    struct client *c = with_auth(w);
    world_accept(w);
    (void)c;
    world_stop(w);
    assert_true(w->handler.stopped(w->handler.self));
    end(w);
}

/* --- memory ----------------------------------------------------------------------------------- */

static void a_grant_is_charged(void **state)
{
    (void)state;
    struct world *w = begin(one, 1);
    size_t before = world_used(w);
    struct client *c = authorized(w, GRANT("60"));
    assert_true(world_used(w) > before + sizeof(struct auth_state));
    client_drop(c);
    assert_int_equal(world_used(w), before);
    end(w);
}

static void an_endless_answer_is_abandoned(void **state)
{
    (void)state;
    struct world *w = begin(one, 1);
    struct client *c = with_auth(w);
    struct client *server = world_accept(w);
    struct buf spaces = {0};
    memset(buf_room(&spaces, 65536), ' ', 65536);
    buf_grew(&spaces, 65536);
    SEND(server, "HTTP/1.1 200 OK\r\n\r\n");
    for (int i = 0; i < 17 && !server->closed; i++) {
        client_send(server, buf_span(&spaces));
    }
    buf_free(&spaces);
    assert_true(server->closed);
    client_expect(c, "E E_AUTH_FAILED AUTH failed; SHUT");
    end(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(auth_asks_and_answers),
        cmocka_unit_test(identify_tells_that_auth_is_required),
        cmocka_unit_test(what_is_pipelined_waits),
        cmocka_unit_test(commands_need_auth_first),
        cmocka_unit_test(other_topics_are_refused),
        cmocka_unit_test(auth_twice_is_refused),
        cmocka_unit_test(nothing_granted_is_an_error),
        cmocka_unit_test(a_secret_as_a_parameter_is_not_logged),
        cmocka_unit_test(a_secret_has_a_bound),
        cmocka_unit_test(the_next_server_is_asked),
        cmocka_unit_test(the_first_server_is_random),
        cmocka_unit_test(a_client_is_not_told_what_failed),
        cmocka_unit_test(bad_addresses_fail_at_once),
        cmocka_unit_test(connecting_has_a_deadline),
        cmocka_unit_test(a_request_has_a_deadline),
        cmocka_unit_test(a_server_that_leaves_has_failed),
        cmocka_unit_test(a_body_may_end_with_the_connection),
        cmocka_unit_test(redirects_are_followed),
        cmocka_unit_test(redirects_have_an_end),
        cmocka_unit_test(a_location_is_not_logged),
        cmocka_unit_test(a_403_after_a_redirect_turns_to_the_server_itself),
        cmocka_unit_test(a_403_turns_to_https),
        cmocka_unit_test(a_403_needs_a_port_to_replace),
        cmocka_unit_test(https_urls_use_tls),
        cmocka_unit_test(certificates_are_verified),
        cmocka_unit_test(a_handshake_has_a_deadline),
        cmocka_unit_test(without_tls_there_is_no_https),
        cmocka_unit_test(memory_has_a_bound),
        cmocka_unit_test(auth_does_not_need_room_in_the_queues),
        cmocka_unit_test(connections_have_a_bound),
        cmocka_unit_test(a_grant_expires),
        cmocka_unit_test(every_command_asks_again),
        cmocka_unit_test(mpub_waits_before_its_body),
        cmocka_unit_test(a_grant_may_be_revoked),
        cmocka_unit_test(asking_again_may_fail),
        cmocka_unit_test(the_query_of_a_client_that_leaves_is_dropped),
        cmocka_unit_test(a_whole_message_outlives_its_client),
        cmocka_unit_test(a_message_that_waits_at_the_end_is_freed),
        cmocka_unit_test(end_of_input_waits),
        cmocka_unit_test(the_end_does_not_wait_for_servers),
        cmocka_unit_test(a_grant_is_charged),
        cmocka_unit_test(an_endless_answer_is_abandoned),
    };
    int failed = 0;
    for (cut = CUT_WHOLE; cut <= CUT_RANDOM; cut++) {
        failed += cmocka_run_group_tests(tests, certs_make_all, certs_free_all);
    }
    cut = CUT_WHOLE;
    effort_a_call = 1;
    failed += cmocka_run_group_tests(tests, certs_make_all, certs_free_all);
    return failed;
}
