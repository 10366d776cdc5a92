/* SPDX-License-Identifier: MIT */
/* The steps of HTTP: one function for each rule of the grammar. Must not know: how requests and
 * responses look on the wire. */
#include "conform/session_file.h"

#include "conform/session_file_reader.h"

#define STATUS_MIN 100
#define STATUS_MAX 999

static bool at_byte(const struct reader *r, uint8_t least, uint8_t most)
{
    return r->line.n > 0 && r->line.p[0] >= least && r->line.p[0] <= most;
}

bool reader_at_method(const struct reader *r)
{
    return at_byte(r, 'A', 'Z');
}

bool reader_at_status(const struct reader *r)
{
    return at_byte(r, '0', '9');
}

static struct header_line *add_line(struct reader *r, struct header_line ***last)
{
    struct header_line *line = reader_node(r->file, sizeof *line);
    **last = line;
    *last = &line->next;
    return line;
}

/* Whether the first item has the whole name of the header, so that it can be found in a response.
 */
static bool has_name(const struct item *items)
{
    const uint8_t *colon = items->kind == ITEM_BYTES && items->bytes.n > 0
                               ? memchr(items->bytes.p, ':', items->bytes.n)
                               : NULL;
    return colon != NULL && colon > items->bytes.p;
}

/* Takes all headers of a request, or those that a response must have or must not have. */
static bool take_headers(struct reader *r, struct step *step)
{
    struct header_line **last = &step->headers;
    bool response = step->kind == STEP_HTTP_RESPONSE;
    while (reader_at(r, SPAN(" header ")) || (response && reader_at(r, SPAN(" without ")))) {
        struct header_line *line = add_line(r, &last);
        line->absent = !TAKE(r, " header ");
        if (line->absent) {
            TAKE(r, " without ");
            line->items = reader_node(r->file, sizeof *line->items);
            line->items->kind = ITEM_BYTES;
            if (!reader_take_string(r, &line->items->bytes)) {
                return false;
            }
            continue;
        }
        struct span before = r->line;
        if (!reader_take_items(r, &line->items)) {
            return false;
        }
        if (response && !has_name(line->items)) {
            r->line = before;
            return reader_expected(r, "a string with the name of a header and a colon");
        }
    }
    return true;
}

static bool take_body(struct reader *r, struct step *step)
{
    if (!TAKE(r, " body ")) {
        return true;
    }
    step->body_kind = BODY_ITEMS;
    return reader_take_items(r, &step->body);
}

/* The headers and the body of a response, which may contain * for any bytes. */
static bool take_response_parts(struct reader *r, struct step *step)
{
    if (!take_headers(r, step) || !take_body(r, step)) {
        return false;
    }
    if (step->body_kind == BODY_UNSAID && TAKE(r, " no body")) {
        step->body_kind = BODY_ABSENT;
    }
    if (step->body_kind == BODY_UNSAID && reader_at(r, SPAN(" {"))) {
        step->body_kind = BODY_JSON;
        step->text = span_skip(r->line, 1);
        r->line = span_skip(r->line, r->line.n);
    }
    return true;
}

bool reader_take_request(struct reader *r, struct step *step)
{
    size_t n = 0;
    step->kind = STEP_REQUEST;
    while (n < r->line.n && r->line.p[n] >= 'A' && r->line.p[n] <= 'Z') {
        n++;
    }
    step->method = span_first(r->line, n);
    r->line = span_skip(r->line, n);
    if (!TAKE(r, " ")) {
        return reader_expected(r, "a space and the target of the request");
    }
    return reader_take_items(r, &step->items) && take_headers(r, step) && take_body(r, step);
}

bool reader_take_reply(struct reader *r, struct step *step)
{
    struct span before = r->line;
    step->kind = STEP_HTTP_RESPONSE;
    if (!reader_take_number(r, &step->status) || step->status < STATUS_MIN ||
        step->status > STATUS_MAX) {
        r->line = before;
        return reader_expected(r, "a status from 100 to 999");
    }
    r->patterns = true;
    bool ok = take_response_parts(r, step);
    r->patterns = false;
    return ok;
}
