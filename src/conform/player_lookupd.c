/* SPDX-License-Identifier: MIT */
/* The transport accepts the connections. Must not know: which command should come. */
#include "conform/player_lookupd.h"

#include <string.h>

#include <nsq/lookup.h>
#include <nsq/magic.h>

#include "base/text.h"
#include "conform/player_exchange.h"
#include "conform/player_http.h"
#include "conform/player_io.h"

#define IDENTIFY_LINE "IDENTIFY\n"
#define SIZE_BYTES 4

void player_lookupd_init(struct player *p)
{
    static const struct span names[TRANSCRIPT_LISTENERS] = {
        SPAN_LITERAL(VALUES_LOOKUPD), SPAN_LITERAL(VALUES_LOOKUPD2),
        [TRANSCRIPT_LISTENER_HTTP] = SPAN_LITERAL(VALUES_LOOKUPD_HTTP_PORT)};
    for (size_t i = 0; i < TRANSCRIPT_LISTENERS && p->config.listeners[i] != NULL; i++) {
        const char *address = p->config.listeners[i];
        const char *colon = strrchr(address, ':');
        bool port = i == TRANSCRIPT_LISTENER_HTTP && colon != NULL;
        values_set(&p->values, names[i], text_span(port ? colon + 1 : address));
    }
}

/* --- the connection --------------------------------------------------------------------------- */

static bool await_connection(struct player *p, size_t i, const struct step *step)
{
    const struct transport *t = &p->config.transport;
    int64_t deadline = player_deadline(p, step);
    while (!t->accept(t->self, i, step->listener)) {
        if (player_now(p) >= deadline) {
            text_append(player_expected(p, step), "no connection");
            player_show_wait(p, &p->why);
            return player_fail(p, step, VERDICT_FAIL);
        }
        player_wait_until(p, deadline);
    }
    return true;
}

bool player_accept(struct player *p, const struct step *step)
{
    if (p->config.transport.accept == NULL) {
        text_append(player_expected(p, step),
                    "a server that cannot be told the address of a scripted nsqlookupd");
        return player_fail(p, step, VERDICT_UNSUPPORTED);
    }
    size_t i = p->conn_count++;
    p->conns[i].name = step->actor;
    p->conns[i].accepted = true;
    p->conns[i].requests = step->listener == TRANSCRIPT_LISTENER_HTTP;
    if (!await_connection(p, i, step)) {
        p->conn_count--;
        return false;
    }
    p->conns[i].open = true;
    player_note(p, step->actor, p->conns[i].requests ? SPAN(" accept http") : SPAN(" accept"));
    return player_in_time(p, step);
}

/* --- commands --------------------------------------------------------------------------------- */

static enum nsq_parse whole(struct span in, size_t n, struct nsq_frame *frame, size_t *size)
{
    if (in.n < n) {
        return NSQ_MORE;
    }
    *frame = (struct nsq_frame){.type = NSQ_FRAME_RESPONSE, .data = span_first(in, n)};
    *size = n;
    return NSQ_OK;
}

/* The head of a request: nsqd sends no bodies. */
static enum nsq_parse parse_request(struct span in, struct nsq_frame *frame, size_t *size)
{
    struct span end = SPAN("\r\n\r\n");
    size_t n = end.n;
    while (n <= in.n && !span_equal(span_first(span_skip(in, n - end.n), end.n), end)) {
        n++;
    }
    return whole(in, n, frame, size);
}

enum nsq_parse player_command_parse(const struct player_conn *c, struct span in,
                                    struct nsq_frame *frame, size_t *size)
{
    if (c->requests) {
        return parse_request(in, frame, size);
    }
    struct span identify = SPAN(IDENTIFY_LINE);
    if (!c->magic) {
        return whole(in, NSQ_MAGIC_SIZE, frame, size);
    }
    const uint8_t *end = in.n == 0 ? NULL : memchr(in.p, '\n', in.n);
    if (end == NULL) {
        return NSQ_MORE;
    }
    size_t n = (size_t)(end - in.p) + 1;
    if (!span_equal(span_first(in, n), identify)) {
        return whole(in, n, frame, size);
    }
    if (in.n < n + SIZE_BYTES) {
        return NSQ_MORE;
    }
    uint32_t body = be32_load(in.p + n);
    return body > INT32_MAX ? NSQ_BAD : whole(in, n + SIZE_BYTES + body, frame, size);
}

bool player_command_is_identify(struct span command, struct span *json)
{
    struct span identify = SPAN(IDENTIFY_LINE);
    *json = span_skip(command, identify.n + SIZE_BYTES);
    return span_equal(span_first(command, identify.n), identify);
}

/* --- replies ---------------------------------------------------------------------------------- */

static void send_reply(struct player *p, size_t i, struct span data)
{
    struct buf out = {0};
    size_t n = nsq_lookup_reply_encode(data, NULL, 0);
    nsq_lookup_reply_encode(data, buf_room(&out, n), n);
    buf_grew(&out, n);
    player_send_raw(p, i, buf_span(&out));
    buf_free(&out);
}

void player_reply_ok(struct player *p, const struct player_conn *c)
{
    player_note(p, c->name, SPAN(" < response \"OK\""));
    send_reply(p, (size_t)(c - p->conns), SPAN("OK"));
}

/* Appends the data of a reply, or raw bytes. Returns false if an item names an unknown value. */
static bool render(struct player *p, const struct step *step, struct buf *data)
{
    if (step->kind == STEP_ERROR) {
        buf_append(data, nsq_error_name(step->code));
        buf_append(data, step->items != NULL ? SPAN(" ") : SPAN(""));
    }
    buf_append(data, step->text); /* of STEP_JSON */
    return values_render(&p->values, step->items, data);
}

static bool send_data(struct player *p, size_t i, const struct step *step)
{
    struct buf data = {0};
    bool raw = step->kind == STEP_REPLY_RAW;
    bool ok = render(p, step, &data);
    if (ok) {
        player_note_bytes(p, p->conns[i].name, raw ? SPAN(" < raw ") : SPAN(" < response "),
                          buf_span(&data));
        (raw ? player_send_raw : send_reply)(p, i, buf_span(&data));
    } else {
        text_append(player_expected(p, step), "a value that no earlier step captures");
        player_fail(p, step, VERDICT_UNREACHABLE);
    }
    buf_free(&data);
    return ok;
}

/* What has come before is not looked at any more. */
static bool close_connection(struct player *p, size_t i, bool reset)
{
    const struct transport *t = &p->config.transport;
    player_note(p, p->conns[i].name, reset ? SPAN(" < reset") : SPAN(" < close"));
    p->conns[i].open = false;
    (reset ? t->reset : t->close)(t->self, i);
    buf_free(&p->conns[i].in);
    return true;
}

bool player_reply(struct player *p, size_t i, const struct step *step)
{
    switch (step->kind) {
    case STEP_SERVER_CLOSE:
    case STEP_SERVER_RESET:
        return close_connection(p, i, step->kind == STEP_SERVER_RESET);
    case STEP_SERVER_END:
        player_note(p, p->conns[i].name, SPAN(" < end"));
        p->config.transport.end(p->config.transport.self, i);
        return true;
    case STEP_HTTP_RESPONSE:
        return player_send_response(p, i, step);
    default:
        return send_data(p, i, step);
    }
}
