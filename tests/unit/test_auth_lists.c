/* SPDX-License-Identifier: MIT */
/*
 * Tests of AUTH and IDENTIFY as a client sees them, member by member: addresses of peers, auth
 * servers in turn, reasons in the log, exact amounts of memory, and commands that wait twice.
 */
#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "auth/auth.h"
#include "base/text.h"
#include "codec/deflate.h"
#include "codec/snappy.h"
#include "support/auth_whole.h"
#include "support/certs.h"
#include "support/world.h"

#define GRANT(ttl)                                                                                 \
    "{\"ttl\":" ttl ",\"authorizations\":[{\"topic\":\"^t\",\"channels\":[\".*\"],"                \
    "\"permissions\":[\"publish\",\"subscribe\"]}]}"
#define GRANTED "R {\"identity\":\"\",\"identity_url\":\"\",\"permission_count\":1}"
#define FAILED "E E_AUTH_FAILED AUTH failed; SHUT"
#define LOGGED "WARNING PROTOCOL(V2): [10.0.0.1:4000] AUTH failed "

static const char *const three[] = {"a:1", "b:2", "c:3"};

static struct engine_config config_of(const char *const *servers, size_t count)
{
    struct engine_config config = world_config();
    config.auth.servers = servers;
    config.auth.server_count = count;
    config.log_level = LOG_DEBUG;
    return config;
}

static struct world *begin(const char *const *servers, size_t count)
{
    struct engine_config config = config_of(servers, count);
    return world_new(&config);
}

static void answer(struct client *server, const char *status, const char *body)
{
    client_sendf(server, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", status, strlen(body),
                 body);
}

static struct client *with_auth(struct world *w)
{
    struct client *c = world_connect(w);
    SEND(c, "AUTH\n\0\0\0\1x");
    return c;
}

static struct client *authorized(struct world *w, const char *body)
{
    struct client *c = with_auth(w);
    answer(world_accept(w), "200 OK", body);
    client_expect(c, GRANTED);
    return c;
}

/* --- peers ------------------------------------------------------------------------------------ */

/* The auth server is told an IP address without the port, and nothing for any other address. */
static void every_form_of_a_peer(void **state)
{
    (void)state;
    static const struct {
        const char *peer;
        const char *told;
    } cases[] = {
        {"127.0.0.1:1", "127.0.0.1"},
        {"255.255.255.255:65535", "255.255.255.255"},
        {"[::1]:4000", "%3A%3A1"},
        {"[::]:4000", "%3A%3A"},
        {"[2001:db8::abcd:ef01]:1", "2001%3Adb8%3A%3Aabcd%3Aef01"},
        {"[fe80::1]:1", "fe80%3A%3A1"},
        {"[::ffff:10.0.0.1]:1", "%3A%3Affff%3A10.0.0.1"},
        /* paths of unix sockets, some of which look like addresses */
        {"@", ""},
        {"@abc", ""},
        {"@1.2.3.4:1", ""},
        {"./1.2.3.4:1", ""},
        {"./[::1]:1", ""},
        {"/1.2.3.4:1", ""},
        {"/tmp/client", ""},
        {"/tmp/10.0.0.1:80", ""},
        {"1.2.3.4", ""}, /* no port */
        {"host:1", ""},
        {"[host]:1", ""},
        {"[]:1", ""},
        {"[:1", ""},
        {"]:1", ""},
        {"[::1:1", ""},
        {"::1]:1", ""},
        {"1.2.3.4g:1", ""},
        {"1.2.3.4/:1", ""},
        {"1.2.3.4;:1", ""},
        {"1.2.3.4 :1", ""},
        {"`1.2.3.4:1", ""},
        {"A.2.3.4:1", ""},
        {":1", ""},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char expected[128];
        struct world *w = begin(three, 1);
        struct client *c = world_connect_from(w, cases[i].peer);
        SEND(c, "AUTH\n\0\0\0\1x");
        int n = snprintf(expected, sizeof expected,
                         "GET /auth?common_name=&remote_ip=%s&secret=x&tls=false HTTP/1.1\r\n",
                         cases[i].told);
        const char *asked = client_bytes(world_accept(w));
        if (strncmp(asked, expected, (size_t)n) != 0) {
            fail_msg("%s: %.100s", cases[i].peer, asked);
        }
        world_free(w);
    }
}

/* --- servers in turn -------------------------------------------------------------------------- */

/* From a random one on, each is asked once, in the order of the command line. */
static void every_server_is_asked_once(void **state)
{
    (void)state;
    unsigned firsts = 0;
    for (int n = 0; n < 3; n++) {
        struct world *w = begin(three, 3);
        for (int i = 0; i < 16; i++) {
            struct client *c = with_auth(w);
            size_t first = (size_t)(world_dialled_to(w)[0] - 'a');
            firsts |= 1U << first;
            for (size_t k = 0; k < (size_t)n; k++) {
                assert_string_equal(world_dialled_to(w), three[(first + k) % 3]);
                world_refuse(w, "no");
                client_expect_nothing(c);
            }
            assert_string_equal(world_dialled_to(w), three[(first + (size_t)n) % 3]);
            answer(world_accept(w), "200 OK", GRANT("60"));
            client_expect(c, GRANTED);
            assert_int_equal(world_dialled(w), 0);
            client_drop(c);
        }
        world_free(w);
    }
    assert_int_equal(firsts, 7);
}

/* Each failure is in the log, in the order in which the servers were asked. */
static void every_failure_is_logged(void **state)
{
    (void)state;
    static const char *const servers[] = {"a:1", "a:1"};
    struct world *w = begin(servers, 2);
    struct client *c = with_auth(w);
    answer(world_accept(w), "500 No", "");
    answer(world_accept(w), "403 No", "{");
    client_expect(c, FAILED);
    assert_int_equal(world_dialled(w), 0);
    world_expect_log(w, LOGGED "failed to auth against http://a:1/auth - got response 500; "
                               "failed to auth against http://a:1/auth - got response 403");
    world_free(w);
}

static void every_kind_of_bad_answer_is_logged(void **state)
{
    (void)state;
    static const struct {
        const char *status;
        const char *body;
        const char *why;
    } cases[] = {
        {"200 OK", "{", "invalid JSON"},
        {"200 OK", "{}", "invalid TTL 0 (must be >0)"},
        {"200 OK", "{\"ttl\":-1}", "invalid TTL -1 (must be >0)"},
        {"200 OK", "{\"ttl\":1,\"authorizations\":[{\"topic\":\"(\"}]}",
         "unable to compile topic: missing closing )"},
        {"200 OK", "{\"ttl\":1,\"authorizations\":[{\"permissions\":[\"x\"]}]}",
         "unknown permission"},
        {"201 Made", GRANT("1"), "got response 201"},
        {"199 Low", GRANT("1"), "unexpected EOF"},
        {"299 OK", GRANT("1"), "got response 299"},
        {"402 No", "{\"https_port\":1}", "got response 402"},
        {"403 No", "", "got response 403"},
        {"403 No", "[]", "got response 403"},
        {"403 No", "{\"https_port\":-1}", "no port to ask again by https"},
        {"403 No", "{\"https_port\":65536}", "no port to ask again by https"},
        {"404 No", "{\"https_port\":1}", "got response 404"},
        {"500 No", GRANT("1"), "got response 500"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char line[256];
        struct world *w = begin(three, 1);
        struct client *c = with_auth(w);
        struct client *server = world_accept(w);
        answer(server, cases[i].status, cases[i].body);
        if (!server->closed) {
            client_eof(server);
        }
        client_expect(c, FAILED);
        snprintf(line, sizeof line, LOGGED "failed to auth against http://a:1/auth - %s",
                 cases[i].why);
        world_expect_log(w, line);
        world_free(w);
    }
}

static void every_kind_of_bad_server_is_logged(void **state)
{
    (void)state;
    static const struct {
        const char *server;
        const char *why;
    } cases[] = {
        {"ftp://a/", "unsupported protocol scheme"},
        {"http:///x", "no Host in request URL, or none that is valid"},
        {"a:x", "no Host in request URL, or none that is valid"},
        {"a:1\n", "invalid control character in URL"},
        {"http://%zz@a", "invalid userinfo"},
        {"http://a/%zz", "invalid URL escape"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *const servers[] = {cases[i].server, cases[i].server};
        struct world *w = begin(servers, 2);
        struct client *c = with_auth(w);
        client_expect(c, FAILED);
        assert_non_null(strstr((const char *)w->log.p, cases[i].why));
        assert_int_equal(world_dialled(w), 0);
        world_free(w);
    }
}

/* --- exact amounts ---------------------------------------------------------------------------- */

/* Lets this many bytes be used beyond those in use. */
static void leave_room(struct world *w, size_t n)
{
    struct budget *b = &w->engine->broker.core.budget;
    b->cap = 1;
    b->reserve = b->used + n - 1;
}

/* Bytes that are in use while an auth server is asked, beyond those in use before. */
static size_t need_of_a_query(void)
{
    struct world *w = begin(three, 1);
    struct client *c = world_connect(w);
    size_t before = world_used(w);
    SEND(c, "AUTH\n\0\0\0\1x");
    size_t need = world_used(w) - before;
    world_free(w);
    return need;
}

static void the_exact_room_for_a_query(void **state)
{
    (void)state;
    size_t need = need_of_a_query();
    for (size_t less = 0; less <= 1; less++) {
        struct world *w = begin(three, 1);
        struct client *c = world_connect(w);
        leave_room(w, need - less);
        SEND(c, "AUTH\n\0\0\0\1x");
        assert_int_equal(world_dialled(w), less == 0);
        if (less > 0) {
            client_expect(c, FAILED);
            world_expect_log(w, LOGGED
                             "failed to auth against http://a:1/auth - no room for the request");
        }
        world_free(w);
    }
}

/* With any less room the log says why, or the command is refused before. */
static void too_little_room_for_a_query(void **state)
{
    (void)state;
    size_t need = need_of_a_query();
    unsigned said = 0;
    for (size_t room = 0; room < need; room += 16) {
        struct world *w = begin(three, 1);
        struct client *c = world_connect(w);
        leave_room(w, room);
        SEND(c, "AUTH\n\0\0\0\1x");
        if (strstr(client_heard(c), "E_AUTH_FAILED") != NULL) {
            said++;
            world_expect_log(w, LOGGED
                             "failed to auth against http://a:1/auth - no room for the request");
        }
        world_free(w);
    }
    assert_true(said > 20);
}

static void the_exact_room_for_a_grant(void **state)
{
    (void)state;
    struct buf why = {0};
    struct auth_state *granted = whole_reply(SPAN(GRANT("60")), SIZE_MAX, &why);
    size_t need = strlen(GRANT("60")) + granted->cost; /* the body is there until it is read */
    auth_state_free(granted);
    for (size_t less = 0; less <= 1; less++) {
        struct world *w = begin(three, 1);
        struct client *c = world_connect(w);
        SEND(c, "AUTH\n\0\0\0\1x");
        struct client *server = world_accept(w);
        leave_room(w, need - less);
        answer(server, "200 OK", GRANT("60"));
        client_expect(c, less == 0 ? GRANTED : FAILED);
        if (less > 0) {
            world_expect_log(
                w, LOGGED "failed to auth against http://a:1/auth - no room for what was granted");
        }
        world_free(w);
    }
}

static void the_exact_size_of_a_secret(void **state)
{
    (void)state;
    for (size_t more = 0; more <= 1; more++) {
        struct world *w = begin(three, 1);
        struct client *c = world_connect(w);
        client_send_filled(c, "AUTH", 'x', AUTH_SECRET_MAX + more);
        assert_int_equal(world_dialled(w), more == 0);
        if (more > 0) {
            client_expect(c, FAILED);
            world_expect_log(w, LOGGED "secret too long");
        }
        world_free(w);
    }
}

/* Each codec apart, and two at a time. */
static void the_exact_room_for_each_codec(void **state)
{
    (void)state;
    static const struct {
        const char *asked;
        bool tls;
        size_t codecs;
    } cases[] = {
        {"{\"feature_negotiation\":true,\"snappy\":true}", false, SNAPPY_COST},
        {"{\"feature_negotiation\":true,\"deflate\":true}", false, DEFLATE_COST},
        {"{\"feature_negotiation\":true,\"tls_v1\":true}", true, 0},
        {"{\"feature_negotiation\":true,\"tls_v1\":true,\"snappy\":true}", true, SNAPPY_COST},
        {"{\"feature_negotiation\":true,\"tls_v1\":true,\"deflate\":true}", true, DEFLATE_COST},
    };
    struct tls *tls = cert_server(TLS_CLIENTS_ANY, TLS_1_2);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t less = 0; less <= 1; less++) {
            struct engine_config config = world_config();
            config.v2.tls = tls_server(tls);
            struct world *w = world_new(&config);
            struct client *c = world_connect(w);
            size_t need = cases[i].codecs + (cases[i].tls ? config.v2.tls.cost : 0);
            assert_true(need > 1000);
            client_identify(c, "{}"); /* what the session keeps of it is charged from now on */
            client_expect_ok(c);
            leave_room(w, need - less);
            client_identify(c, cases[i].asked);
            struct span heard = buf_span(&c->in);
            assert_true(heard.n > 8);
            assert(heard.p != NULL);  /* for the analyzer */
            if (heard.p[7] != less) { /* a response, or an error */
                fail_msg("%s, %zu bytes less: %.*s", cases[i].asked, less, (int)heard.n - 8,
                         (const char *)heard.p + 8);
            }
            world_free(w);
        }
    }
    tls_free(tls);
}

/* --- two waits in one command ----------------------------------------------------------------- */

static const struct {
    const char *bytes;
    size_t n;
} publishes[] = {
    {"PUB t\n\0\0\0\1m", 11},
    {"DPUB t 0\n\0\0\0\1m", 14},
    {"MPUB t\n\0\0\0\x9\0\0\0\1\0\0\0\1m", 20},
};

/* A publish waits for the auth server, then for the disk. Its client is there, or it leaves before
 * the first wait ends, or before the second one ends. MPUB waits for the auth server before its
 * body is read, so it does not outlive a client that leaves then. */
static void a_publish_may_wait_twice(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof publishes / sizeof publishes[0]; i++) {
        for (int leaves = 0; leaves <= 2; leaves++) {
            for (int well = 0; well <= 1; well++) {
                struct engine_config config = config_of(three, 1);
                config.broker.wait_publishes = true;
                struct world *w = world_new(&config);
                w->answers = ANSWER_WHEN_TOLD;
                struct client *consumer = authorized(w, GRANT("1000"));
                SEND(consumer, "SUB t c\nRDY 1\n");
                client_expect_ok(consumer);
                struct client *c = authorized(w, GRANT("1"));
                world_advance(w, 2 * TIME_SECOND);
                client_send(c, span_make(publishes[i].bytes, publishes[i].n));
                assert_int_equal(world_asked(w), 0);
                if (leaves == 1) {
                    client_drop(c);
                }
                bool lost = leaves == 1 && i == 2;
                assert_int_equal(world_dialled(w), !lost);
                if (!lost) {
                    answer(world_accept(w), "200 OK", GRANT("100"));
                    assert_int_equal(world_asked(w), 1);
                    if (leaves == 2) {
                        client_drop(c);
                    }
                    client_expect_nothing(consumer);
                    world_answer(w, well);
                    client_expect(consumer, well ? "M 1 m" : "");
                }
                if (leaves == 0 && well) {
                    client_expect(c, "R OK");
                }
                world_free(w);
            }
        }
    }
}

/* The same, and the auth server grants nothing any more, or does not answer. */
static void the_first_wait_may_fail(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof publishes / sizeof publishes[0]; i++) {
        for (int leaves = 0; leaves <= 1; leaves++) {
            for (int way = 0; way < 3; way++) {
                struct engine_config config = config_of(three, 1);
                config.broker.wait_publishes = true;
                struct world *w = world_new(&config);
                w->answers = ANSWER_WHEN_TOLD;
                struct client *c = authorized(w, GRANT("1"));
                size_t before = world_used(w);
                world_advance(w, 2 * TIME_SECOND);
                client_send(c, span_make(publishes[i].bytes, publishes[i].n));
                if (leaves) {
                    client_drop(c);
                }
                if (world_dialled(w) > 0 && way == 0) {
                    world_refuse(w, "no");
                } else if (world_dialled(w) > 0) {
                    answer(world_accept(w), "200 OK", way == 1 ? "{\"ttl\":1}" : "{");
                }
                assert_int_equal(world_asked(w), 0);
                assert_null(broker_find_topic(&w->engine->broker, SPAN("t")));
                if (leaves) {
                    assert_true(world_used(w) < before);
                } else {
                    assert_non_null(
                        strstr(client_heard(c), way == 1 ? "E E_UNAUTHORIZED" : "E E_AUTH_FAILED"));
                }
                world_free(w);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_of_a_peer),
        cmocka_unit_test(every_server_is_asked_once),
        cmocka_unit_test(every_failure_is_logged),
        cmocka_unit_test(every_kind_of_bad_answer_is_logged),
        cmocka_unit_test(every_kind_of_bad_server_is_logged),
        cmocka_unit_test(the_exact_room_for_a_query),
        cmocka_unit_test(too_little_room_for_a_query),
        cmocka_unit_test(the_exact_room_for_a_grant),
        cmocka_unit_test(the_exact_size_of_a_secret),
        cmocka_unit_test(the_exact_room_for_each_codec),
        cmocka_unit_test(a_publish_may_wait_twice),
        cmocka_unit_test(the_first_wait_may_fail),
    };
    return cmocka_run_group_tests_name("auth_lists", tests, certs_make_all, certs_free_all);
}
