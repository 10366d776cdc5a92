/* SPDX-License-Identifier: MIT */
/*
 * Invariant: an auth server's answer gives the same result however it is cut. No body is larger and
 * no grant costs more than allowed. What is granted is valid: its ttl is positive, its patterns are
 * compiled, and they match or refuse every name. A document that is made from choices grants what
 * the model of auth_document.h says, and is refused with the model's reason.
 *
 * Input: five bytes, then the answer. The bytes are the limit of a body (in units of 16 bytes), the
 * limit of a grant's cost (256 bytes), two lengths of pieces, and what follows, by its rest when
 * divided by 4 (0: a whole HTTP answer; 1 and 3: the body alone; 2: choices for documents).
 */
#include "auth_document.h"
#include "fuzz.h"
#include "http/http_response.h"
#include "support/auth_whole.h"

const struct fuzz_shape fuzz_shape = {.header = 5, .body = FUZZ_BYTES};

struct outcome {
    enum http_response_state outcome;
    bool at_eof;
    int status;
    struct span bad;
    struct buf body;
    struct buf location;
};

static struct outcome read_cut(struct span in, size_t most, size_t one, size_t other)
{
    struct http_response http;
    struct outcome o = {.outcome = HTTP_RESPONSE_MORE};
    http_response_init(&http, most);
    while (in.n > 0 && o.outcome == HTTP_RESPONSE_MORE) {
        struct span piece = span_first(in, one);
        o.outcome = http_response_parse(&http, piece);
        in = span_skip(in, piece.n);
        size_t turn = one;
        one = other;
        other = turn;
    }
    if (o.outcome == HTTP_RESPONSE_MORE) {
        o.at_eof = true;
        o.outcome = http_response_eof(&http);
    }
    FUZZ_CHECK(o.outcome == HTTP_RESPONSE_WHOLE || o.outcome == HTTP_RESPONSE_BAD);
    FUZZ_CHECK((o.outcome == HTTP_RESPONSE_BAD) == (http.bad.n > 0));
    o.bad = http.bad;
    if (o.outcome == HTTP_RESPONSE_WHOLE) {
        FUZZ_CHECK(http.body.n <= most);
        o.status = http_response_status(&http);
        buf_append(&o.body, buf_span(&http.body));
        buf_append(&o.location, buf_span(&http.location));
    }
    http_response_free(&http);
    return o;
}

static void free_outcome(struct outcome *o)
{
    buf_free(&o->body);
    buf_free(&o->location);
}

static void same(const struct outcome *a, struct outcome b)
{
    FUZZ_CHECK(a->outcome == b.outcome && a->at_eof == b.at_eof && a->status == b.status);
    FUZZ_CHECK(span_equal(a->bad, b.bad));
    FUZZ_CHECK(span_equal(buf_span(&a->body), buf_span(&b.body)));
    FUZZ_CHECK(span_equal(buf_span(&a->location), buf_span(&b.location)));
    free_outcome(&b);
}

/* All rules together allow what any one of them allows alone. */
static void look_at_grants(struct auth_state *state)
{
    static const char *const names[] = {"", "a", "topic", "a.b-c_d#ephemeral"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct span name = span_make(names[i], strlen(names[i]));
        bool all = whole_check(state, SPAN("topic"), name);
        bool any = false;
        for (size_t r = 0; r < state->rule_count; r++) {
            struct auth_state one = {.rules = &state->rules[r], .rule_count = 1};
            FUZZ_CHECK(state->rules[r].topic != NULL);
            any = any || whole_check(&one, SPAN("topic"), name);
        }
        FUZZ_CHECK(all == any);
    }
}

static void grant(struct span body, size_t most)
{
    struct buf why = {0};
    int64_t port;
    struct auth_state *state = whole_reply(body, most, &why);
    FUZZ_CHECK((state == NULL) == (why.n > 0));
    if (fuzz_talks) {
        fuzz_say_bytes(state == NULL ? "refused: " : "granted", buf_span(&why));
    }
    if (state != NULL) {
        FUZZ_CHECK(state->ttl > 0 && state->cost <= most);
        look_at_grants(state);
    }
    fuzz_met(1, state == NULL ? 0 : 1, whole_forbidden(body, &port) ? 1 : 0);
    auth_state_free(state);
    buf_free(&why);
}

/* --- documents made from choices -------------------------------------------------------------- */

#define DOCUMENT_COST_MAX ((size_t)1 << 20)

static bool starts_with(struct span s, const char *text)
{
    return span_equal(span_first(s, strlen(text)), span_make(text, strlen(text)));
}

static bool same_text(const struct buf *b, const char *text)
{
    return span_equal(buf_span(b), span_make(text, strlen(text)));
}

static bool model_allows(const struct document *d, unsigned topic, unsigned channel)
{
    bool allowed = false;
    for (size_t i = 0; i < d->rule_count; i++) {
        const struct document_rule *r = &d->rules[i];
        allowed = allowed || ((channel == 0 ? r->publish : r->subscribe) &&
                              (r->topics >> topic & 1) && (r->channels >> channel & 1));
    }
    return allowed;
}

static void compare_grant(const struct document *d, struct auth_state *state)
{
    FUZZ_CHECK(state->ttl == d->ttl && state->rule_count == d->rule_count);
    FUZZ_CHECK(same_text(&state->identity, d->identity));
    FUZZ_CHECK(same_text(&state->identity_url, d->identity_url));
    for (unsigned t = 1; t < DOCUMENT_NAMES; t++) {
        for (unsigned c = 0; c < DOCUMENT_NAMES; c++) {
            struct span topic = span_make(document_names[t], strlen(document_names[t]));
            struct span channel = span_make(document_names[c], strlen(document_names[c]));
            FUZZ_CHECK(whole_check(state, topic, channel) == model_allows(d, t, c));
        }
    }
    struct buf why = {0};
    FUZZ_CHECK(whole_reply(buf_span(&d->text), state->cost - 1, &why) == NULL);
    FUZZ_CHECK(same_text(&why, "too many authorizations"));
    buf_free(&why);
}

/* The beginning of the reason why a document is refused; NULL: it is granted. */
static const char *refusal_of(const struct document *d)
{
    if (d->unknown) {
        return "unknown permission";
    }
    if (d->wrong) {
        return "invalid JSON";
    }
    for (size_t i = 0; i < d->rule_count; i++) {
        const struct document_rule *r = &d->rules[i];
        if (r->bad_topic || r->bad_channel) {
            return r->bad_topic ? "unable to compile topic: " : "unable to compile channel: ";
        }
    }
    return d->ttl > 0 ? NULL : "invalid TTL ";
}

static void compare(const struct document *d)
{
    const char *refusal = refusal_of(d);
    struct buf why = {0};
    int64_t port = 0;
    struct auth_state *state = whole_reply(buf_span(&d->text), DOCUMENT_COST_MAX, &why);
    if (fuzz_talks) {
        fuzz_say_bytes(state == NULL ? "refused " : "granted ", buf_span(&d->text));
    }
    FUZZ_CHECK((state != NULL) == (refusal == NULL));
    if (refusal == NULL) {
        compare_grant(d, state);
    } else {
        FUZZ_CHECK(starts_with(buf_span(&why), refusal));
    }
    FUZZ_CHECK(whole_forbidden(buf_span(&d->text), &port) == !d->port_wrong);
    FUZZ_CHECK(d->port_wrong || port == d->port);
    fuzz_met(2, refusal == NULL ? 1 : 0, d->unknown ? 1 : 0);
    auth_state_free(state);
    buf_free(&why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_make(data, size);
    size_t most = (size_t)16 * fuzz_byte(&in);
    size_t most_cost = (size_t)256 * fuzz_byte(&in);
    size_t one = 1 + (size_t)fuzz_below(&in, 64);
    size_t other = 1 + (size_t)fuzz_below(&in, 64);
    unsigned follows = fuzz_byte(&in) % 4;
    while (follows == 2 && in.n > 0) {
        struct document d;
        document_make(&d, &in);
        compare(&d);
        buf_free(&d.text);
    }
    if (follows % 2 == 1) {
        grant(in, most_cost);
    }
    if (follows > 0) {
        return 0;
    }
    struct outcome whole = read_cut(in, most, in.n + 1, 1);
    same(&whole, read_cut(in, most, 1, 1));
    same(&whole, read_cut(in, most, one, other));
    if (fuzz_talks) {
        fuzz_say("%s %d", whole.outcome == HTTP_RESPONSE_WHOLE ? "whole" : "bad", whole.status);
    }
    fuzz_met(0, whole.outcome == HTTP_RESPONSE_WHOLE ? 1 : 0, whole.at_eof ? 1 : 0);
    if (whole.outcome == HTTP_RESPONSE_WHOLE) {
        grant(buf_span(&whole.body), most_cost);
    }
    free_outcome(&whole);
    return 0;
}
