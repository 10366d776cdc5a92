/* SPDX-License-Identifier: MIT */
/*
 * Finds the route of a request, and sends its answer: at once, when the body has arrived, or piece
 * by piece. Must not know how requests are read (http_server.c), what routes do.
 */
#include "http/http_server.h"

#include <assert.h>

#include "base/text.h"
#include "http/http_session.h"

/* The functions for handlers get the call, which is the first field of its session. */
static struct http_session *session_of(struct http_call *call)
{
    return (struct http_session *)call;
}

/* The handler must still answer. */
#define ASSERT_OPEN(s) assert((s)->phase == HTTP_IN_BODY || (s)->phase == HTTP_IS_HELD)

void http_session_drop_call(struct http_session *s)
{
    struct http_call *call = &s->call;
    list_remove(&s->streaming);
    if (s->stream.end != NULL) {
        s->stream.end(s->stream.self);
    }
    if (call->state != NULL) {
        call->route->drop(call->server->config.service, call);
    }
    *call = (struct http_call){.server = call->server};
    s->stream = (struct http_stream){0};
    buf_free(&s->headers);
    buf_free(&s->body);
}

/* --- sending ---------------------------------------------------------------------------------- */

static void append_answer(const struct http_session *s, struct buf *out, enum http_framing framing,
                          int64_t now)
{
    struct http_answer answer = s->answer;
    const struct http_head *head = &s->reader.head;
    answer.headers = buf_span(&s->headers);
    answer.body = buf_span(&s->body);
    const struct http_reply_to to = {
        .minor = head->minor,
        .head_only = span_equal(http_reader_method(&s->reader), SPAN("HEAD")),
        .closes = s->must_close,
        .keeps_alive = http_head_announces_keep(head),
        .wall = now + s->call.server->wall_offset,
        .framing = framing,
    };
    http_answer_append(out, &answer, &to);
}

/* Sends the answer, which is complete. */
static void send_answer(struct http_session *s, int64_t now)
{
    struct buf out = {0};
    append_answer(s, &out, HTTP_WITH_LENGTH, now);
    conn_send(s->conn, buf_span(&out), now);
    buf_free(&out);
    http_session_answered(s, now);
}

static void keep_answer(struct http_session *s, const struct http_answer *answer)
{
    s->answer = *answer;
    buf_append(&s->headers, answer->headers);
    buf_append(&s->body, answer->body);
    s->answer.headers = s->answer.body = span_make(NULL, 0);
}

static void log_answer(const struct http_session *s, int status)
{
    const struct http_server_config *config = &s->call.server->config;
    char digits[TEXT_DECIMAL_MAX];
    if (config->log_form != NULL && (s->call.route == NULL || s->call.route->logged)) {
        log_say(config->log, LOG_INFO, config->log_form, text_decimal(digits, status),
                http_reader_method(&s->reader), http_reader_target(&s->reader), conn_peer(s->conn));
    }
}

/* Returns whether a part of the body was not needed for the answer. */
static bool has_rest(const struct http_session *s)
{
    return !s->cut_off && (s->reader.state == HTTP_READER_BODY || s->call.unused > 0);
}

/* Returns whether the rest of the body must not be read, as in Go. A client that waits for
 * "100 Continue" may never send it. */
static bool leaves_body(const struct http_session *s)
{
    return s->must_close || s->eof || s->reader.head.expects ||
           http_reader_rest(&s->reader) + s->call.unused >= s->reader.limits->discard;
}

/* Sends the answer now, or when the body has arrived. */
static void answer_call(struct http_session *s, const struct http_answer *answer, int64_t now)
{
    keep_answer(s, answer);
    bool leaves = has_rest(s) && leaves_body(s);
    if (s->reader.state == HTTP_READER_BODY && !s->cut_off && !leaves) {
        http_session_discard(s, now);
        return;
    }
    bool is_whole = s->cut_off || s->reader.state == HTTP_READER_WHOLE;
    s->must_close = s->must_close || leaves || !is_whole;
    send_answer(s, now);
}

/* --- for handlers ----------------------------------------------------------------------------- */

void http_call_answer(struct http_call *call, const struct http_answer *answer, int64_t now)
{
    struct http_session *s = session_of(call);
    ASSERT_OPEN(s);
    log_answer(s, answer->status);
    answer_call(s, answer, now);
}

void http_call_message(struct http_call *call, int status, struct span text, int64_t now)
{
    struct buf body = {0};
    text_append(&body, "{\"message\":\"");
    buf_append(&body, text);
    text_append(&body, "\"}");
    const struct http_answer answer = {
        .status = status, .headers = call->server->config.message_headers, .body = buf_span(&body)};
    http_call_answer(call, &answer, now);
    buf_free(&body);
}

void http_call_hold(struct http_call *call)
{
    struct http_session *s = session_of(call);
    ASSERT_OPEN(s);
    s->phase = HTTP_IS_HELD;
    http_session_pause_or_resume(s);
}

/* --- streams ---------------------------------------------------------------------------------- */

void http_call_stream(struct http_call *call, const struct http_answer *answer,
                      struct http_stream stream, int64_t now)
{
    struct http_session *s = session_of(call);
    ASSERT_OPEN(s);
    assert(s->reader.state != HTTP_READER_BODY);
    assert(answer->body.n == 0);
    log_answer(s, answer->status);
    keep_answer(s, answer);
    s->must_close = s->must_close || s->reader.state != HTTP_READER_WHOLE;
    s->stream = stream;
    s->stream_begun = false;
    s->phase = HTTP_IN_STREAM;
    http_session_pause_or_resume(s);
    list_push(&call->server->streaming, &s->streaming);
    (void)now;
}

/* Sends the head of a stream that is too long for a Content-Length. */
static void begin_stream(struct http_session *s, struct buf *out, int64_t now)
{
    bool chunks = s->reader.head.minor > 0;
    s->must_close = s->must_close || !chunks;
    s->stream_begun = true;
    append_answer(s, out, chunks ? HTTP_CHUNKED : HTTP_UNTIL_CLOSE, now);
}

/* Sends the pieces of a stream that are there. */
static void send_pieces(struct http_session *s, bool whole, int64_t now)
{
    struct buf out = {0};
    if (!s->stream_begun) {
        begin_stream(s, &out, now);
    }
    if (s->reader.head.minor == 0) {
        buf_append(&out, buf_span(&s->body));
    } else if (s->body.n > 0) {
        http_answer_append_chunk(&out, buf_span(&s->body));
    }
    if (whole && s->reader.head.minor > 0) {
        text_append(&out, "0\r\n\r\n");
    }
    buf_drop(&s->body, s->body.n);
    conn_send(s->conn, buf_span(&out), now);
    buf_free(&out);
}

void http_session_pull(struct http_session *s, int64_t now)
{
    const struct http_limits *limits = s->reader.limits;
    bool little = budget_share_is_passed(s->call.server->config.budget);
    size_t most = little ? limits->piece_little : limits->whole;
    list_remove(&s->streaming);
    bool whole = s->stream.more(s->stream.self, &s->body,
                                little ? limits->piece_little : limits->piece, now);
    if (whole && s->stream.failed != NULL && s->stream.failed(s->stream.self)) {
        s->must_close = true;
        http_session_answered(s, now);
        return;
    }
    if (whole && !s->stream_begun && s->body.n <= most) {
        send_answer(s, now);
        return;
    }
    if (s->stream_begun || s->body.n > most) {
        send_pieces(s, whole, now);
    }
    if (whole) {
        http_session_answered(s, now);
    } else if (!conn_is_full(s->conn)) {
        list_push(&s->call.server->streaming, &s->streaming);
    }
}

/* --- requests that no handler gets ------------------------------------------------------------ */

/* As in Go, such an answer has its Connection header in front. */
static void refuse_expectation(struct http_session *s, int64_t now)
{
    struct buf out = {0};
    s->must_close = false;
    keep_answer(s, &(struct http_answer){.status = 417, .headers = SPAN("Connection: close\r\n")});
    append_answer(s, &out, HTTP_WITH_LENGTH, now);
    conn_send(s->conn, buf_span(&out), now);
    buf_free(&out);
    s->must_close = true;
    http_session_answered(s, now);
}

/* Only an answer to GET has a body: Go's page for browsers that follow no redirects. */
static void redirect(struct http_session *s, struct span path, int64_t now)
{
    bool get = span_equal(http_reader_method(&s->reader), SPAN("GET"));
    struct http_answer answer = {.status = get ? 301 : 307};
    struct buf location = {0};
    struct buf headers = {0};
    struct buf body = {0};
    http_target_location(&location, &s->reader.target, path);
    if (get) {
        text_append(&headers, "Content-Type: text/html; charset=utf-8\r\n");
        text_append(&body, "<a href=\"");
        http_answer_append_html(&body, buf_span(&location));
        text_append(&body, "\">Moved Permanently</a>.\n\n");
    }
    text_append(&headers, "Location: ");
    buf_append(&headers, buf_span(&location));
    text_append(&headers, "\r\n");
    answer.headers = buf_span(&headers);
    answer.body = buf_span(&body);
    answer_call(s, &answer, now);
    buf_free(&location);
    buf_free(&headers);
    buf_free(&body);
}

/* Answers with the methods of a path. The answer to OPTIONS has no body. */
static void tell_methods(struct http_session *s, struct span methods, bool options, int64_t now)
{
    struct buf headers = {0};
    text_append(&headers, "Allow: ");
    buf_append(&headers, methods);
    text_append(&headers, "\r\n");
    struct http_answer answer = {.status = options ? 200 : 405};
    if (!options) {
        buf_append(&headers, s->call.server->config.message_headers);
        answer.body = SPAN("{\"message\":\"METHOD_NOT_ALLOWED\"}");
        log_answer(s, answer.status);
    }
    answer.headers = buf_span(&headers);
    answer_call(s, &answer, now);
    buf_free(&headers);
}

/* --- routes ----------------------------------------------------------------------------------- */

/* Calls the handler of the route that was found. */
static void begin_call(struct http_session *s, int64_t now)
{
    struct http_call *call = &s->call;
    const struct http_route *route = call->route;
    if (route->begin != NULL) {
        route->begin(call->server->config.service, call, now);
    }
    if (s->phase != HTTP_IN_BODY) {
        return;
    }
    if (route->body == HTTP_BODY_UNREAD) {
        http_call_hold(call);
    } else if (s->reader.state == HTTP_READER_WHOLE) {
        http_session_end_body(s, false, now);
    } else if (s->reader.head.expects) {
        conn_send(s->conn, SPAN("HTTP/1.1 100 Continue\r\n\r\n"), now);
    }
}

static void route_call(struct http_session *s, int64_t now)
{
    struct http_found found;
    struct span path = buf_span(&s->reader.target.path);
    switch (http_routes_find(&s->call.server->config.routes, http_reader_method(&s->reader), path,
                             &found)) {
    case HTTP_MATCH_FOUND:
        s->call.route = found.route;
        s->call.param = found.param;
        begin_call(s, now);
        break;
    case HTTP_MATCH_REDIRECT:
        redirect(s, buf_span(&found.text), now);
        break;
    case HTTP_MATCH_OPTIONS:
        tell_methods(s, buf_span(&found.text), true, now);
        break;
    case HTTP_MATCH_NOT_ALLOWED:
        tell_methods(s, buf_span(&found.text), false, now);
        break;
    default:
        http_call_message(&s->call, 404, SPAN("NOT_FOUND"), now);
    }
    buf_free(&found.text);
}

void http_session_dispatch(struct http_session *s, int64_t now)
{
    struct http_head *head = &s->reader.head;
    const struct http_answer *refusal = s->call.server->config.refusal;
    bool is_for_server = span_equal(http_reader_target(&s->reader), SPAN("*")) &&
                         span_equal(http_reader_method(&s->reader), SPAN("OPTIONS"));
    s->phase = HTTP_IN_BODY;
    s->must_close = http_head_closes(head);
    s->call.query = s->reader.target.query;
    s->call.has_length = !head->chunked;
    s->call.length = head->length;
    if (head->has_expect && !head->expects) {
        refuse_expectation(s, now);
        return;
    }
    /* HTTP/1.0 has no "100 Continue". */
    head->expects = head->expects && head->minor > 0 && s->reader.state == HTTP_READER_BODY;
    if (is_for_server) {
        answer_call(s,
                    &(struct http_answer){.status = 200,
                                          .headers = SPAN("Content-Length: 0\r\n"),
                                          .has_length = true},
                    now);
    } else if (refusal != NULL) {
        http_call_answer(&s->call, refusal, now);
    } else {
        route_call(s, now);
    }
}

void http_session_end_body(struct http_session *s, bool broken, int64_t now)
{
    struct http_call *call = &s->call;
    s->cut_off = broken && s->eof && s->phase == HTTP_IN_BODY && !s->reader.head.chunked;
    s->must_close = s->must_close || (broken && !s->cut_off);
    if (s->phase == HTTP_IN_DISCARD) {
        send_answer(s, now);
        return;
    }
    call->unused = 0;
    if (call->route->body != HTTP_BODY_UNREAD) {
        call->route->end(call->server->config.service, call, broken, now);
    }
    if (s->phase == HTTP_IN_BODY) {
        http_call_hold(call);
    }
}
