/* SPDX-License-Identifier: MIT */
/*
 * Tests of http/http_client.h: one client on a serve without listeners, virtual time, and servers
 * that the tests play. The outcome of each fetch is shown as text: "STATUS BODY", or "- REASON".
 */
#include "http/http_client.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/text.h"
#include "base/time.h"
#include "serve/drive.h"
#include "support/certs.h"

#define START (1000 * TIME_SECOND)
#define BODY_MAX 1000
#define CONNECTIONS_MAX 4

/* --- the set-up ------------------------------------------------------------------------------- */

struct wanted {
    uint64_t conn;
    struct buf address;
};

struct stage {
    struct log log;
    struct budget budget;
    struct serve serve;
    struct tcp_handler handler;
    struct http_client client;
    int64_t now;
    struct wanted wanted[CONNECTIONS_MAX]; /* that the client asks for, the oldest first */
    size_t wanted_count;
    uint64_t conn;       /* the latest that was made; 0: it is closed */
    struct stack *stack; /* the server's codecs; NULL: none */
    struct buf heard;    /* what the server has received, decoded */
    struct buf outcome;
};

/* The owner's part, in every step: the outcome of each fetch that is done is added to s->outcome.
 */
static void take_done(void *self, int64_t now)
{
    struct stage *s = self;
    struct http_fetch *fetch;
    (void)now;
    while ((fetch = http_client_next_done(&s->client)) != NULL) {
        struct span failure = http_fetch_failure(fetch);
        assert_ptr_equal(http_fetch_owner(fetch), s);
        if (failure.n > 0) {
            text_append(&s->outcome, "- ");
            buf_append(&s->outcome, failure);
        } else {
            text_append_decimal(&s->outcome, http_fetch_status(fetch));
            text_append(&s->outcome, " ");
            buf_append(&s->outcome, http_fetch_body(fetch));
        }
        text_append(&s->outcome, "; ");
        http_fetch_drop(fetch);
    }
}

static int64_t next_deadline(void *self)
{
    return http_client_next_done(&((struct stage *)self)->client) == NULL ? TIME_NEVER : TIME_PAST;
}

static struct stage *begin_with(const struct http_client_config *config)
{
    struct stage *s = alloc_zeroed(sizeof *s);
    const struct serve_config serve = {.max_connections = CONNECTIONS_MAX, .high_water = 100000};
    const struct serve_hooks hooks = {.self = s, .step = take_done, .next_deadline = next_deadline};
    log_init(&s->log, LOG_DEBUG);
    s->budget = budget_of_cap(1000000);
    s->now = START;
    serve_init(&s->serve, &serve, NULL, 0, &s->log, &hooks);
    s->handler = serve_handler(&s->serve);
    http_client_init(&s->client, config, &s->serve, &s->budget);
    return s;
}

static struct http_client_config config(void)
{
    return (struct http_client_config){.connect_timeout = 2 * TIME_SECOND,
                                       .request_timeout = 5 * TIME_SECOND,
                                       .body_max = BODY_MAX,
                                       .accept = SPAN("text/x")};
}

static struct stage *begin(void)
{
    const struct http_client_config c = config();
    return begin_with(&c);
}

/* All memory was given back. */
static void end(struct stage *s)
{
    serve_free(&s->serve);
    assert_int_equal(s->budget.used, 0);
    log_free(&s->log);
    for (size_t i = 0; i < s->wanted_count; i++) {
        buf_free(&s->wanted[i].address);
    }
    buf_free(&s->heard);
    buf_free(&s->outcome);
    stack_free(s->stack);
    alloc_free(s);
}

/* --- the shell's part ------------------------------------------------------------------------- */

static void recv_from_server(struct stage *s, struct span in)
{
    while (in.n > 0 && s->conn != 0 && (serve_want(&s->serve, s->conn) & WANT_READ) != 0) {
        in = span_skip(in, serve_recv(&s->serve, s->conn, in, s->now));
    }
}

/* What the client has sent reaches the server, through its codecs. */
static void hear(struct stage *s)
{
    struct span out = {NULL, 0};
    if (serve_out(&s->serve, s->conn, &out, 1, s->now) == 0) {
        return;
    }
    if (s->stack == NULL) {
        buf_append(&s->heard, out);
        serve_sent(&s->serve, s->conn, out.n, s->now);
        return;
    }
    struct buf answer = {0};
    size_t n = out.n;
    while (out.n > 0 || stack_has_pending(s->stack)) {
        out = span_skip(out, stack_decode(s->stack, out, &answer));
    }
    serve_sent(&s->serve, s->conn, n, s->now);
    buf_append(&s->heard, buf_span(&s->stack->decoded));
    buf_free(&s->stack->decoded);
    recv_from_server(s, buf_span(&answer));
    buf_free(&answer);
}

static void forget_wanted(struct stage *s, size_t i)
{
    buf_free(&s->wanted[i].address);
    s->wanted_count--;
    memmove(&s->wanted[i], &s->wanted[i + 1], (s->wanted_count - i) * sizeof s->wanted[0]);
}

static void close_conn(struct stage *s, uint64_t conn)
{
    for (size_t i = s->wanted_count; i-- > 0;) {
        if (s->wanted[i].conn == conn) {
            forget_wanted(s, i);
        }
    }
    s->conn = s->conn == conn ? 0 : s->conn;
    serve_closed(&s->serve, conn, CLOSED_AS_WANTED, s->now);
}

static void do_ask(struct stage *s, const struct ask *ask)
{
    if (ask->kind == ASK_CONNECT) {
        assert_true(s->wanted_count < CONNECTIONS_MAX);
        struct wanted *w = &s->wanted[s->wanted_count++];
        *w = (struct wanted){.conn = ask->ticket};
        buf_append(&w->address, ask->address);
    }
}

/* Rounds until nothing is left to do. */
static void settle(struct stage *s)
{
    struct drive drive = {.rounds_max = 100};
    while (drive_next(&drive, &s->handler, s->now) != DRIVE_OVER) {
        if (drive.turn == DRIVE_ASK) {
            do_ask(s, &drive.ask);
        } else if (drive.turn == DRIVE_CHANGED) {
            if ((serve_want(&s->serve, drive.conn) & WANT_CLOSE) != 0) {
                close_conn(s, drive.conn);
            } else if (drive.conn == s->conn) {
                hear(s);
                drive.more_input = true; /* a server's handshake may have answered */
            }
        }
    }
    assert_false(drive_has_work_left(&drive, &s->handler, s->now));
}

static void advance(struct stage *s, int64_t ns)
{
    s->now += ns;
    settle(s);
}

/* --- what the tests say ----------------------------------------------------------------------- */

static struct http_fetch *fetch(struct stage *s, const char *text)
{
    struct http_url url = {0};
    struct span why = {NULL, 0};
    assert_true(http_url_parse(&url, span_make(text, strlen(text)), &why));
    struct http_fetch *f = http_fetch_begin(&s->client, &url, s, s->now);
    assert_int_equal(url.path.n, 0);
    settle(s);
    return f;
}

/* The oldest connection that the client asks for goes to this address. */
static void expect_dialled(struct stage *s, struct span address)
{
    assert_int_not_equal(s->wanted_count, 0);
    assert_true(span_equal(buf_span(&s->wanted[0].address), address));
}

/* The oldest connection that the client asks for is made, or fails for a reason. */
static void connected(struct stage *s, struct span why)
{
    assert_int_not_equal(s->wanted_count, 0);
    uint64_t conn = s->wanted[0].conn;
    forget_wanted(s, 0);
    s->conn = why.n > 0 ? 0 : conn;
    serve_connected(&s->serve, conn, why, s->now);
    settle(s);
}

static void accept_conn(struct stage *s)
{
    buf_free(&s->heard);
    connected(s, span_make(NULL, 0));
}

static void send_bytes(struct stage *s, struct span bytes)
{
    struct buf down = {0};
    if (s->stack == NULL) {
        buf_append(&down, bytes);
    } else {
        buf_append(&s->stack->plain, bytes);
        stack_encode(s->stack, &down);
    }
    recv_from_server(s, buf_span(&down));
    buf_free(&down);
    settle(s);
}

#define SEND(s, literal) send_bytes((s), SPAN(literal))

static void send_eof(struct stage *s)
{
    if (s->conn != 0) {
        serve_eof(&s->serve, s->conn, s->now);
        settle(s);
    }
}

static void lose(struct stage *s)
{
    serve_closed(&s->serve, s->conn, CLOSED_BY_ERROR, s->now);
    s->conn = 0;
    settle(s);
}

static void expect_heard(struct stage *s, struct span expected)
{
    assert_true(span_equal(buf_span(&s->heard), expected));
}

static void expect_outcome(struct stage *s, struct span expected)
{
    if (!span_equal(buf_span(&s->outcome), expected)) {
        fail_msg("%.*s", (int)s->outcome.n, (const char *)buf_span(&s->outcome).p);
    }
    buf_free(&s->outcome);
}

#define EXPECT_OUTCOME(s, literal) expect_outcome((s), SPAN(literal))
#define EXPECT_NOTHING(s) expect_outcome((s), SPAN(""))

#define OK_ABC "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"
#define REQUEST(target, host)                                                                      \
    "GET " target " HTTP/1.1\r\nHost: " host                                                       \
    "\r\nUser-Agent: Go-http-client/1.1\r\nAccept: text/x\r\nAccept-Encoding: gzip\r\n\r\n"

/* --- answers ---------------------------------------------------------------------------------- */

static void a_url_is_fetched(void **state)
{
    (void)state;
    struct stage *s = begin();
    fetch(s, "http://h:1/x?topic=t");
    expect_dialled(s, SPAN("h:1"));
    accept_conn(s);
    expect_heard(s, SPAN(REQUEST("/x?topic=t", "h:1")));
    EXPECT_NOTHING(s);
    SEND(s, OK_ABC);
    EXPECT_OUTCOME(s, "200 abc; ");
    assert_int_equal(s->conn, 0);
    end(s);
}

/* So is a redirect without a Location. */
static void every_status_is_an_answer(void **state)
{
    (void)state;
    static const struct {
        const char *sent;
        const char *outcome;
    } cases[] = {
        {"HTTP/1.1 404 No\r\nContent-Length: 1\r\n\r\nx", "404 x; "},
        {"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", "500 ; "},
        {"HTTP/1.1 302 Go\r\nContent-Length: 1\r\n\r\nx", "302 x; "},
        {"HTTP/1.1 304 Go\r\nLocation: /x\r\n\r\n", "304 ; "},
        {"garbage\r\n\r\n", "- malformed HTTP response; "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct stage *s = begin();
        fetch(s, "http://h");
        accept_conn(s);
        send_bytes(s, span_make(cases[i].sent, strlen(cases[i].sent)));
        expect_outcome(s, span_make(cases[i].outcome, strlen(cases[i].outcome)));
        assert_int_equal(s->conn, 0);
        end(s);
    }
}

/* The outcome of an answer that arrives in pieces of these sizes, and then ends. */
static void answer_in_pieces(struct span answer, size_t first, size_t piece, struct span expected)
{
    struct stage *s = begin();
    fetch(s, "http://h/");
    accept_conn(s);
    for (size_t n = first; answer.n > 0 && s->conn != 0; n = piece) {
        struct span part = span_first(answer, n);
        send_bytes(s, part);
        answer = span_skip(answer, part.n);
    }
    send_eof(s);
    expect_outcome(s, expected);
    end(s);
}

static void answers_may_be_cut_anywhere(void **state)
{
    (void)state;
    static const struct {
        struct span answer;
        struct span outcome;
    } cases[] = {
#define CASE(answer, outcome)                                                                      \
    {                                                                                              \
        {(const uint8_t *)(answer), sizeof(answer) - 1},                                           \
        {                                                                                          \
            (const uint8_t *)(outcome), sizeof(outcome) - 1                                        \
        }                                                                                          \
    }
        CASE(OK_ABC, "200 abc; "),
        CASE(OK_ABC "more", "200 abc; "),
        CASE("HTTP/1.0 200 OK\r\n\r\nabc", "200 abc; "),
        CASE("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n",
             "200 abc; "),
        CASE("HTTP/1.1 100 Go on\r\n\r\n" OK_ABC, "200 abc; "),
        CASE("HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\n{}", "403 {}; "),
        CASE("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc", "- unexpected EOF; "),
        CASE("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "- malformed HTTP response; "),
        CASE("HTTP/1.1 302 Go\r\nLocation: ftp://h\r\nContent-Length: 0\r\n\r\n",
             "- unsupported protocol scheme; "),
        CASE("", "- EOF; "),
#undef CASE
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t first = 0; first <= cases[i].answer.n; first++) {
            answer_in_pieces(cases[i].answer, first, SIZE_MAX, cases[i].outcome);
        }
        answer_in_pieces(cases[i].answer, 1, 1, cases[i].outcome);
    }
}

/* An answer that ends early, at any byte, is a failure. */
static void an_answer_that_stops_is_a_failure(void **state)
{
    (void)state;
    struct span answer = SPAN(OK_ABC);
    for (size_t n = 1; n < answer.n; n++) {
        answer_in_pieces(span_first(answer, n), n, 1, SPAN("- unexpected EOF; "));
        struct stage *s = begin();
        fetch(s, "http://h/");
        accept_conn(s);
        send_bytes(s, span_first(answer, n));
        EXPECT_NOTHING(s);
        lose(s);
        EXPECT_OUTCOME(s, "- connection lost; ");
        end(s);
    }
}

static void a_body_has_a_bound(void **state)
{
    (void)state;
    char body[BODY_MAX + 1];
    memset(body, 'x', sizeof body);
    struct stage *s = begin();
    fetch(s, "http://h");
    accept_conn(s);
    SEND(s, "HTTP/1.1 200 OK\r\n\r\n");
    send_bytes(s, span_make(body, BODY_MAX));
    EXPECT_NOTHING(s);
    SEND(s, "x");
    EXPECT_OUTCOME(s, "- body too large; ");
    assert_int_equal(s->conn, 0);
    end(s);
}

/* --- redirects -------------------------------------------------------------------------------- */

static void redirects_are_followed(void **state)
{
    (void)state;
    struct stage *s = begin();
    fetch(s, "http://h:1/");
    accept_conn(s);
    SEND(s, "HTTP/1.1 302 Go\r\nLocation: /else?x=1\r\nContent-Length: 2\r\n\r\nno");
    EXPECT_NOTHING(s);
    expect_dialled(s, SPAN("h:1"));
    accept_conn(s);
    expect_heard(s, SPAN(REQUEST("/else?x=1", "h:1")));
    SEND(s, "HTTP/1.1 307 Go\r\nLocation: http://c/x\r\nContent-Length: 0\r\n\r\n");
    expect_dialled(s, SPAN("c:80"));
    accept_conn(s);
    expect_heard(s, SPAN(REQUEST("/x", "c")));
    SEND(s, OK_ABC);
    EXPECT_OUTCOME(s, "200 abc; ");
    end(s);
}

static void redirects_have_an_end(void **state)
{
    (void)state;
    struct stage *s = begin();
    fetch(s, "http://h");
    for (int i = 0; i < HTTP_REDIRECTS_MAX; i++) {
        EXPECT_NOTHING(s);
        accept_conn(s);
        SEND(s, "HTTP/1.1 301 Go\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n");
    }
    EXPECT_OUTCOME(s, "- stopped after 10 redirects; ");
    assert_int_equal(s->wanted_count, 0);
    end(s);
}

/* --- time ------------------------------------------------------------------------------------- */

static void connecting_has_a_deadline(void **state)
{
    (void)state;
    struct stage *s = begin();
    fetch(s, "http://h");
    advance(s, 2 * TIME_SECOND - 1);
    EXPECT_NOTHING(s);
    advance(s, 1);
    EXPECT_OUTCOME(s, "- i/o timeout; ");
    end(s);
}

/* Each connection may take the connect timeout; the whole fetch may take the request timeout. */
static void a_fetch_has_a_deadline(void **state)
{
    (void)state;
    struct stage *s = begin();
    fetch(s, "http://h");
    for (int i = 0; i < 2; i++) {
        advance(s, 2 * TIME_SECOND - 1);
        accept_conn(s);
        SEND(s, "HTTP/1.1 302 Go\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n");
    }
    accept_conn(s);
    SEND(s, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    advance(s, TIME_SECOND + 1);
    EXPECT_NOTHING(s);
    advance(s, 1);
    EXPECT_OUTCOME(s, "- Client.Timeout exceeded; ");
    assert_int_equal(s->conn, 0);
    end(s);
}

static void zero_means_no_timeout(void **state)
{
    (void)state;
    struct http_client_config c = config();
    c.connect_timeout = c.request_timeout = 0;
    struct stage *s = begin_with(&c);
    fetch(s, "http://h");
    advance(s, 1000 * TIME_SECOND);
    EXPECT_NOTHING(s);
    accept_conn(s);
    advance(s, 1000 * TIME_SECOND);
    SEND(s, OK_ABC);
    EXPECT_OUTCOME(s, "200 abc; ");
    end(s);

    c.connect_timeout = -1; /* has always passed */
    s = begin_with(&c);
    fetch(s, "http://h");
    EXPECT_OUTCOME(s, "- i/o timeout; ");
    end(s);
}

/* --- failures of the connection --------------------------------------------------------------- */

static void a_refused_connection_is_a_failure(void **state)
{
    (void)state;
    struct stage *s = begin();
    fetch(s, "http://h");
    connected(s, SPAN("connection refused"));
    EXPECT_OUTCOME(s, "- connection refused; ");
    end(s);
}

static void connections_have_a_bound(void **state)
{
    (void)state;
    struct stage *s = begin();
    struct http_fetch *open[CONNECTIONS_MAX];
    for (int i = 0; i < CONNECTIONS_MAX; i++) {
        open[i] = fetch(s, "http://h");
        EXPECT_NOTHING(s);
    }
    fetch(s, "http://h");
    EXPECT_OUTCOME(s, "- too many connections; ");
    for (int i = 0; i < CONNECTIONS_MAX; i++) {
        http_fetch_drop(open[i]);
    }
    end(s);
}

static void serve_may_stop(void **state)
{
    (void)state;
    struct stage *s = begin();
    fetch(s, "http://h");
    accept_conn(s);
    serve_stop(&s->serve, s->now);
    settle(s);
    EXPECT_OUTCOME(s, "- connection lost; ");
    fetch(s, "http://h");
    EXPECT_OUTCOME(s, "- too many connections; ");
    end(s);
}

/* --- owners ----------------------------------------------------------------------------------- */

/* While connecting, before the answer, in the middle of it. */
static void a_fetch_may_be_dropped(void **state)
{
    (void)state;
    for (int stage = 0; stage < 3; stage++) {
        struct stage *s = begin();
        struct http_fetch *f = fetch(s, "http://h");
        if (stage > 0) {
            accept_conn(s);
        }
        if (stage > 1) {
            SEND(s, "HTTP/1.1 200 OK\r\n\r\nabc");
        }
        http_fetch_drop(f);
        settle(s);
        assert_int_equal(s->budget.used, 0);
        assert_int_equal(s->conn, 0);
        EXPECT_NOTHING(s);
        end(s);
    }
}

static void a_fetch_may_outlive_serve(void **state)
{
    (void)state;
    struct stage *s = begin();
    struct http_fetch *f = fetch(s, "http://h");
    accept_conn(s);
    serve_free(&s->serve);
    assert_ptr_equal(http_client_next_done(&s->client), f);
    http_fetch_drop(f);
    end(s);
}

static void fetches_are_done_in_the_order_of_their_ends(void **state)
{
    (void)state;
    struct stage *s = begin();
    struct http_fetch *first = fetch(s, "http://h");
    struct http_fetch *second = fetch(s, "http://i");
    accept_conn(s);
    uint64_t one = s->conn;
    accept_conn(s);
    struct span answer = SPAN(OK_ABC);
    serve_recv(&s->serve, s->conn, answer, s->now);
    serve_recv(&s->serve, one, answer, s->now);
    assert_ptr_equal(http_client_next_done(&s->client), second);
    http_fetch_drop(second);
    assert_ptr_equal(http_client_next_done(&s->client), first);
    settle(s);
    EXPECT_OUTCOME(s, "200 abc; ");
    end(s);
}

/* --- memory ----------------------------------------------------------------------------------- */

/* The body counts as it grows; when there is no room for it, the fetch fails. */
static void what_is_held_is_charged(void **state)
{
    (void)state;
    struct stage *s = begin();
    fetch(s, "http://h");
    size_t before = s->budget.used;
    assert_true(before > sizeof(struct conn));
    accept_conn(s);
    SEND(s, "HTTP/1.1 200 OK\r\n\r\nabc");
    assert_int_equal(s->budget.used, before + 3);
    s->budget = (struct budget){.used = s->budget.used, .cap = 1, .reserve = before + 3};
    SEND(s, "d");
    EXPECT_NOTHING(s);
    assert_int_equal(s->budget.used, before + 4);
    SEND(s, "e");
    EXPECT_OUTCOME(s, "- no room for the answer; ");
    fetch(s, "http://a-longer-name");
    EXPECT_OUTCOME(s, "- no room for the request; ");
    end(s);
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

static struct tls *trusting(const struct cert *authority)
{
    struct buf why = {0};
    const struct tls_client_settings settings = {
        .authorities = cert_pem(authority), .verify = true, .min_version = TLS_1_2};
    struct tls *tls = tls_client_new(&settings, &why);
    assert_non_null(tls);
    return tls;
}

static struct stage *begin_https(struct tls *tls)
{
    struct http_client_config c = config();
    c.tls = (struct http_tls){.connect = connect_tls, .self = tls, .cost = 100000};
    return begin_with(&c);
}

/* A server that has a certificate for localhost and 127.0.0.1. */
static void accept_tls(struct stage *s)
{
    struct tls *tls = cert_server(TLS_CLIENTS_ANY, TLS_1_2);
    struct codec_maker maker = tls_server(tls);
    stack_free(s->stack);
    s->stack = alloc_zeroed(sizeof *s->stack);
    stack_push(s->stack, maker.make(maker.self));
    tls_free(tls);
    accept_conn(s);
}

static void https_urls_use_tls(void **state)
{
    (void)state;
    struct tls *tls = trusting(&certs.authority);
    struct stage *s = begin_https(tls);
    fetch(s, "https://localhost/x");
    expect_dialled(s, SPAN("localhost:443"));
    assert_true(s->budget.used > 100000);
    accept_tls(s);
    expect_heard(s, SPAN(REQUEST("/x", "localhost")));
    SEND(s, OK_ABC);
    EXPECT_OUTCOME(s, "200 abc; ");
    end(s);
    tls_free(tls);
}

/* From http to https and back. */
static void redirects_may_change_the_scheme(void **state)
{
    (void)state;
    struct tls *tls = trusting(&certs.authority);
    struct stage *s = begin_https(tls);
    fetch(s, "http://h");
    size_t before = s->budget.used;
    accept_conn(s);
    SEND(s, "HTTP/1.1 302 Go\r\nLocation: https://localhost:9\r\nContent-Length: 0\r\n\r\n");
    expect_dialled(s, SPAN("localhost:9"));
    assert_true(s->budget.used > before + 100000 - 100);
    accept_tls(s);
    expect_heard(s, SPAN(REQUEST("/", "localhost:9")));
    SEND(s, "HTTP/1.1 302 Go\r\nLocation: http://h\r\nContent-Length: 0\r\n\r\n");
    stack_free(s->stack);
    s->stack = NULL;
    accept_conn(s);
    expect_heard(s, SPAN(REQUEST("/", "h")));
    assert_int_equal(s->budget.used, before);
    SEND(s, OK_ABC);
    EXPECT_OUTCOME(s, "200 abc; ");
    end(s);
    tls_free(tls);
}

static void certificates_are_verified(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        const struct cert *trusted;
    } cases[] = {{"https://example.org", &certs.authority},
                 {"https://localhost", &certs.other_authority}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tls *tls = trusting(cases[i].trusted);
        struct stage *s = begin_https(tls);
        fetch(s, cases[i].url);
        accept_tls(s);
        expect_heard(s, SPAN(""));
        assert_int_equal(s->conn, 0);
        assert_memory_equal(buf_span(&s->outcome).p, "- ", 2);
        end(s);
        tls_free(tls);
    }
}

/* It is 10 s, or earlier: the deadline of the fetch. */
static void a_handshake_has_a_deadline(void **state)
{
    (void)state;
    struct tls *tls = trusting(&certs.authority);
    for (int limited = 0; limited <= 1; limited++) {
        struct http_client_config c = config();
        c.tls = (struct http_tls){.connect = connect_tls, .self = tls};
        c.request_timeout = limited != 0 ? 5 * TIME_SECOND : 0;
        struct stage *s = begin_with(&c);
        fetch(s, "https://localhost");
        advance(s, TIME_SECOND);
        accept_conn(s); /* the server sends nothing */
        advance(s, (limited != 0 ? 4 : 10) * TIME_SECOND - 1);
        EXPECT_NOTHING(s);
        advance(s, 1);
        EXPECT_OUTCOME(s, "- i/o timeout; ");
        end(s);
    }
    tls_free(tls);
}

static void without_tls_there_is_no_https(void **state)
{
    (void)state;
    for (int i = 0; i <= 1; i++) {
        struct http_client_config c = config();
        c.tls.connect = i == 0 ? NULL : connect_to_nothing;
        struct stage *s = begin_with(&c);
        fetch(s, "https://localhost");
        accept_conn(s);
        EXPECT_OUTCOME(s, "- no TLS to be had; ");
        assert_int_equal(s->conn, 0);
        end(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_url_is_fetched),
        cmocka_unit_test(every_status_is_an_answer),
        cmocka_unit_test(answers_may_be_cut_anywhere),
        cmocka_unit_test(an_answer_that_stops_is_a_failure),
        cmocka_unit_test(a_body_has_a_bound),
        cmocka_unit_test(redirects_are_followed),
        cmocka_unit_test(redirects_have_an_end),
        cmocka_unit_test(connecting_has_a_deadline),
        cmocka_unit_test(a_fetch_has_a_deadline),
        cmocka_unit_test(zero_means_no_timeout),
        cmocka_unit_test(a_refused_connection_is_a_failure),
        cmocka_unit_test(connections_have_a_bound),
        cmocka_unit_test(serve_may_stop),
        cmocka_unit_test(a_fetch_may_be_dropped),
        cmocka_unit_test(a_fetch_may_outlive_serve),
        cmocka_unit_test(fetches_are_done_in_the_order_of_their_ends),
        cmocka_unit_test(what_is_held_is_charged),
        cmocka_unit_test(https_urls_use_tls),
        cmocka_unit_test(redirects_may_change_the_scheme),
        cmocka_unit_test(certificates_are_verified),
        cmocka_unit_test(a_handshake_has_a_deadline),
        cmocka_unit_test(without_tls_there_is_no_https),
    };
    return cmocka_run_group_tests(tests, certs_make_all, certs_free_all);
}
