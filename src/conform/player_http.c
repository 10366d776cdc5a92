/* SPDX-License-Identifier: MIT */
/* Writes requests, and finds responses in the input with http_parse. Must not know: the steps
 * before and after them. */
#include "conform/player_http.h"

#include "base/text.h"
#include "conform/http_parse.h"
#include "conform/json_subset.h"
#include "conform/player_exchange.h"
#include "conform/player_frames.h"
#include "conform/player_io.h"
#include "conform/player_pieces.h"

/* --- requests --------------------------------------------------------------------------------- */

/* Appends the bytes of a request. Returns false if a value is not known. */
static bool write_request(struct player *p, const struct step *step, struct buf *out)
{
    struct buf body = {0};
    buf_append(out, step->method);
    text_append(out, " ");
    bool ok = values_render(&p->values, step->items, out);
    text_append(out, " HTTP/1.1\r\nHost: " PLAYER_HTTP_HOST "\r\n");
    for (const struct header_line *line = step->headers; line != NULL && ok; line = line->next) {
        ok = values_render(&p->values, line->items, out);
        text_append(out, "\r\n");
    }
    if (step->body_kind == BODY_ITEMS) {
        ok = ok && values_render(&p->values, step->body, &body);
        text_append(out, "Content-Length: ");
        text_append_decimal(out, (int64_t)body.n);
        text_append(out, "\r\n");
    }
    text_append(out, "\r\n");
    buf_append(out, buf_span(&body));
    buf_free(&body);
    return ok;
}

bool player_request(struct player *p, size_t i, const struct step *step)
{
    struct buf bytes = {0};
    bool known = write_request(p, step, &bytes);
    bool sent = player_send_rendered(p, i, step, buf_span(&bytes), known);
    buf_free(&bytes);
    return sent;
}

/* --- responses -------------------------------------------------------------------------------- */

/* Waits for a whole response. */
static enum nsq_parse await_response(struct player *p, const struct player_conn *c,
                                     const struct step *step, struct http_parsed *response)
{
    int64_t deadline = player_deadline(p, step);
    struct span why;
    for (;;) {
        bool ended = c->ended != END_NONE || c->flooded || player_undecoded(c, &why);
        const struct http_parse_end framing = {.no_body = step->body_kind == BODY_ABSENT,
                                               .ended = ended};
        enum nsq_parse result = http_parse(buf_span(&c->in), framing, response);
        if (result != NSQ_MORE || ended || player_now(p) >= deadline) {
            return result;
        }
        buf_free(&response->body);
        player_wait_until(p, deadline);
    }
}

static struct span name_of(const struct header_line *line)
{
    struct span first = line->items->bytes;
    const uint8_t *colon = line->absent ? NULL : memchr(first.p, ':', first.n);
    return colon == NULL ? first : span_first(first, (size_t)(colon - first.p));
}

/* Whether a header line of the response is this one. The name is compared without regard to case,
 * and spaces around the value do not count. */
static bool has_line(struct player *p, const struct header_line *line, struct span head)
{
    struct span name = name_of(line);
    struct span value;
    bool found = false;
    while (!found && http_parsed_next(&head, name, &value)) {
        struct buf same = {0};
        buf_append(&same, name);
        text_append(&same, ": ");
        buf_append(&same, value);
        found = line->absent || values_equal(&p->values, line->items, buf_span(&same));
        buf_free(&same);
    }
    return found != line->absent;
}

/* Whether all header lines of the step match. */
static bool headers_match(struct player *p, const struct step *step, struct span head)
{
    bool match = true;
    for (const struct header_line *line = step->headers; line != NULL && match; line = line->next) {
        match = has_line(p, line, head);
    }
    return match;
}

static bool body_matches(struct player *p, const struct step *step, struct span body)
{
    return step->body_kind == BODY_ITEMS  ? values_equal(&p->values, step->body, body)
           : step->body_kind == BODY_JSON ? json_subset(step->text, body, player_arrays(p))
                                          : true;
}

/* Shows a response: its status, then its head and its body as strings. */
static void show_response(const struct http_parsed *response, struct buf *out)
{
    text_append_decimal(out, response->status);
    text_append(out, " head ");
    player_show_bytes(response->head, out);
    text_append(out, " body ");
    player_show_bytes(buf_span(&response->body), out);
}

static bool fail_response(struct player *p, const struct step *step,
                          const struct http_parsed *response)
{
    struct buf *why = player_expected(p, step);
    show_response(response, why);
    if (step->body_kind == BODY_JSON) {
        text_append(why, "\n");
        json_differences(step->text, buf_span(&response->body), player_arrays(p), why);
    }
    return player_fail(p, step, VERDICT_FAIL);
}

/* What has come instead of a response. */
static bool fail_without_response(struct player *p, const struct player_conn *c,
                                  const struct step *step, enum nsq_parse result,
                                  const struct http_parsed *response)
{
    struct buf *why = player_expected(p, step);
    struct span undecoded;
    if (result == NSQ_BAD) {
        text_append(why, "bytes that are no HTTP response (");
        buf_append(why, text_span(response->why == NULL ? "" : response->why));
        text_append(why, "): ");
        player_show_bytes(buf_span(&c->in), why);
    } else if (c->in.n > 0) {
        text_append(why, "a part of a response: ");
        player_show_bytes(buf_span(&c->in), why);
    } else {
        player_show_arrival(c,
                            player_undecoded(c, &undecoded) ? UNDECODED
                            : c->ended != END_NONE          ? ENDED
                                                            : NOT_YET,
                            why);
    }
    if (c->ended == END_NONE && result == NSQ_MORE) {
        player_show_wait(p, why);
    }
    return player_fail(p, step, VERDICT_FAIL);
}

static void note_response(struct player *p, const struct player_conn *c,
                          const struct http_parsed *response)
{
    if (!p->config.no_exchange) {
        struct buf *line = player_line(p);
        buf_append(line, c->name);
        text_append(line, " < ");
        show_response(response, line);
        text_append(line, "\n");
    }
}

bool player_response(struct player *p, struct player_conn *c, const struct step *step)
{
    struct http_parsed response;
    enum nsq_parse result = await_response(p, c, step, &response);
    bool ok = false;
    if (result != NSQ_OK) {
        fail_without_response(p, c, step, result, &response);
    } else if (response.status != step->status || !headers_match(p, step, response.head) ||
               !body_matches(p, step, buf_span(&response.body))) {
        fail_response(p, step, &response);
    } else {
        note_response(p, c, &response);
        player_remove_bytes(c, 0, response.size);
        ok = player_in_time(p, step);
    }
    buf_free(&response.body);
    return ok;
}

/* --- a scripted nsqlookupd -------------------------------------------------------------------- */

bool player_request_matches(struct player *p, const struct step *step, struct span request)
{
    struct buf line = {0};
    buf_append(&line, step->method);
    text_append(&line, " ");
    bool known = values_render(&p->values, step->items, &line);
    text_append(&line, " HTTP/1.1\r\n");
    bool match = known && span_equal(span_first(request, line.n), buf_span(&line)) &&
                 headers_match(p, step, span_skip(request, line.n));
    buf_free(&line);
    return match;
}

/* Appends the bytes of a response. Returns false if a value is not known. */
static bool write_response(struct player *p, const struct step *step, struct buf *out)
{
    struct buf body = {0};
    text_append(out, "HTTP/1.1 ");
    text_append_decimal(out, step->status);
    text_append(out, " of a script\r\n");
    bool ok = true;
    for (const struct header_line *line = step->headers; line != NULL && ok; line = line->next) {
        ok = values_render(&p->values, line->items, out);
        text_append(out, "\r\n");
    }
    buf_append(&body, step->text);
    ok = ok && values_render(&p->values, step->body, &body);
    if (step->body_kind != BODY_ABSENT) {
        text_append(out, "Content-Length: ");
        text_append_decimal(out, (int64_t)body.n);
        text_append(out, "\r\n");
    }
    text_append(out, "\r\n");
    buf_append(out, buf_span(&body));
    buf_free(&body);
    return ok;
}

bool player_send_response(struct player *p, size_t i, const struct step *step)
{
    struct buf bytes = {0};
    bool ok = write_response(p, step, &bytes);
    if (ok) {
        player_note_bytes(p, p->conns[i].name, SPAN(" < "), buf_span(&bytes));
        player_send_raw(p, i, buf_span(&bytes));
    } else {
        text_append(player_expected(p, step), "a value that no earlier step captures");
        player_fail(p, step, VERDICT_UNREACHABLE);
    }
    buf_free(&bytes);
    return ok;
}
