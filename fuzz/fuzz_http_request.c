/* SPDX-License-Identifier: MIT */
/*
 * Invariant: the requests in a stream of bytes, and the answers of a server with a few routes,
 * depend on the bytes and on the time, not on how the bytes were cut. A request that is accepted
 * has one framing only: a second, strict reader (http_framing.h) finds the same method, target,
 * body and end. A request with two framings is never accepted. Answers are well formed, and there
 * is at most one for each request. A connection holds no more of a head than the limit says, and
 * gives everything back.
 *
 * Input: the eight bytes that desk_choose reads, then up to 1,024 bytes that a client sends.
 */
#include "fuzz.h"
#include "http_desk_run.h"
#include "http_framing.h"

#include "base/text.h"
#include "http/http_reader.h"

const struct fuzz_shape fuzz_shape = {.header = 8, .body = FUZZ_BYTES};

#define INPUT_MAX 1024
#define REQUESTS_MAX 64

/* --- the reader ------------------------------------------------------------------------------- */

struct request {
    struct buf method, target, body;
    size_t end; /* offset of the byte behind the request */
    bool head_only;
};

struct requests {
    struct request all[REQUESTS_MAX];
    size_t n;
    enum http_reader_state state; /* of the last one, which is not complete */
    enum http_refusal refusal;
    size_t taken;      /* bytes that the reader has taken */
    struct buf open;   /* the body of the last one so far */
    bool open_is_head; /* the last one is a HEAD */
};

static void free_requests(struct requests *r)
{
    for (size_t i = 0; i < r->n; i++) {
        buf_free(&r->all[i].method);
        buf_free(&r->all[i].target);
        buf_free(&r->all[i].body);
    }
    buf_free(&r->open);
}

static void note_request(struct requests *r, const struct http_reader *reader)
{
    struct request *q = &r->all[r->n++];
    *q = (struct request){.end = r->taken, .body = r->open};
    buf_append(&q->method, http_reader_method(reader));
    buf_append(&q->target, http_reader_target(reader));
    q->head_only = span_equal(buf_span(&q->method), SPAN("HEAD"));
    r->open = (struct buf){0};
}

/* Gives a piece to the reader, which may take a part of it. Returns how many bytes were taken. */
static size_t read_piece(struct requests *r, struct http_reader *reader, struct span in)
{
    struct span data = {NULL, 0};
    size_t n;
    if (reader->state == HTTP_READER_HEAD) {
        n = http_reader_head(reader, in);
        FUZZ_CHECK(reader->bytes.n <= reader->limits->head);
    } else {
        uint64_t left = http_reader_rest(reader);
        n = http_reader_body(reader, in, &data);
        FUZZ_CHECK(data.n <= n && (left == 0 || n == data.n));
        buf_append(&r->open, data);
    }
    FUZZ_CHECK(n <= in.n);
    FUZZ_CHECK(n > 0 || reader->state >= HTTP_READER_REFUSED);
    r->taken += n;
    return n;
}

/* Reads a stream in pieces of these sizes in turn. */
static void read_all(struct requests *r, struct span in, size_t one, size_t other)
{
    struct http_reader reader;
    *r = (struct requests){.n = 0};
    http_reader_init(&reader, &desk_choice.limits);
    while (in.n > 0 && reader.state < HTTP_READER_REFUSED && r->n < REQUESTS_MAX) {
        struct span piece = span_first(in, one);
        size_t swap = one;
        one = other;
        other = swap;
        while (piece.n > 0 && reader.state < HTTP_READER_REFUSED && r->n < REQUESTS_MAX) {
            size_t n = read_piece(r, &reader, piece);
            piece = span_skip(piece, n);
            in = span_skip(in, n);
            if (reader.state == HTTP_READER_WHOLE) {
                note_request(r, &reader);
                http_reader_next(&reader);
            }
        }
    }
    r->state = reader.state;
    r->refusal = reader.refusal;
    bool open = reader.state == HTTP_READER_BODY || reader.state == HTTP_READER_BROKEN;
    r->open_is_head = open && span_equal(http_reader_method(&reader), SPAN("HEAD"));
    http_reader_free(&reader);
}

static void compare(const struct requests *a, const struct requests *b)
{
    FUZZ_CHECK(a->n == b->n && a->state == b->state && a->refusal == b->refusal);
    /* When the body is broken, the reader may have taken some bytes behind the bad byte, if they
     * arrived together with it. */
    FUZZ_CHECK(a->taken == b->taken || a->state == HTTP_READER_BROKEN);
    FUZZ_CHECK(span_equal(buf_span(&a->open), buf_span(&b->open)));
    for (size_t i = 0; i < a->n; i++) {
        FUZZ_CHECK(span_equal(buf_span(&a->all[i].method), buf_span(&b->all[i].method)));
        FUZZ_CHECK(span_equal(buf_span(&a->all[i].target), buf_span(&b->all[i].target)));
        FUZZ_CHECK(span_equal(buf_span(&a->all[i].body), buf_span(&b->all[i].body)));
        FUZZ_CHECK(a->all[i].end == b->all[i].end);
    }
}

/* Compares each accepted request with the strict reader. */
static void check_framing(const struct requests *r, struct span in)
{
    size_t at = 0;
    bool after_post = false;
    for (size_t i = 0; i < r->n; i++) {
        struct http_framing f;
        const struct request *q = &r->all[i];
        FUZZ_CHECK(http_framing_read(&f, in, at, after_post));
        FUZZ_CHECK(span_equal(f.method, buf_span(&q->method)));
        FUZZ_CHECK(span_equal(f.target, buf_span(&q->target)));
        FUZZ_CHECK(f.whole && f.end == q->end);
        FUZZ_CHECK(span_equal(buf_span(&f.body), buf_span(&q->body)));
        after_post = span_equal(f.method, SPAN("POST"));
        at = f.end;
        http_framing_free(&f);
        if (fuzz_talks) {
            fuzz_say_bytes("request", buf_span(&q->target));
            fuzz_say_bytes("  body", buf_span(&q->body));
        }
    }
    if (r->state == HTTP_READER_BODY) { /* the head of the last one was accepted */
        struct http_framing f;
        FUZZ_CHECK(http_framing_read(&f, in, at, after_post) && !f.whole);
        FUZZ_CHECK(span_equal(buf_span(&f.body), buf_span(&r->open)));
        http_framing_free(&f);
    }
    fuzz_say("then state %d, refusal %d", (int)r->state, (int)r->refusal);
}

/* Returns the number of answers that the server may send. */
static unsigned check_reader(struct span in, struct requests *whole)
{
    struct requests cut;
    read_all(whole, in, SIZE_MAX, SIZE_MAX);
    check_framing(whole, in);
    read_all(&cut, in, 1, 1);
    compare(whole, &cut);
    free_requests(&cut);
    read_all(&cut, in, 1 + (size_t)desk_choice.one, 1 + (size_t)desk_choice.other);
    compare(whole, &cut);
    free_requests(&cut);
    fuzz_met(1, (unsigned)whole->state, whole->n > 2 ? 3 : (unsigned)whole->n);
    fuzz_met(2, (unsigned)whole->refusal, 0);
    return (unsigned)whole->n + (whole->state == HTTP_READER_REFUSED ? 1 : 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct requests whole;
    static bool heads[REQUESTS_MAX + 2];
    struct span in = span_make(data, size);
    desk_choose(&in);
    in = span_first(in, INPUT_MAX);
    if (in.n == 0) {
        return 0;
    }
    /* A body that is open is answered too. */
    unsigned most = check_reader(in, &whole) + 1;
    for (size_t i = 0; i < REQUESTS_MAX + 2; i++) {
        heads[i] = i < whole.n ? whole.all[i].head_only : i == whole.n && whole.open_is_head;
    }
    if (whole.n < REQUESTS_MAX) {
        desk_run(in, heads, most);
    }
    free_requests(&whole);
    return 0;
}
