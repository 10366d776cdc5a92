/* SPDX-License-Identifier: MIT */
/*
 * Decodes the server's output as a client does: follows the answers to IDENTIFY and enables the
 * codecs that they announce.
 */
#include "hearer.h"

#include "base/alloc.h"
#include "codec/deflate.h"
#include "codec/snappy.h"
#include "fuzz.h"
#include "toy_tls.h"

static bool contains(struct span text, struct span part)
{
    for (size_t i = 0; i + part.n <= text.n; i++) {
        if (text.p[i] == part.p[0] && text.p[i + 1] == part.p[1] &&
            span_equal(span_make(text.p + i, part.n), part)) {
            return true;
        }
    }
    return false;
}

bool hearer_looks(struct hearer *h, const struct nsq_frame *frame)
{
    if (frame->type != NSQ_FRAME_RESPONSE || frame->data.n == 0) {
        return false;
    }
    if (h->oks > 0 && span_equal(frame->data, SPAN("OK"))) {
        h->oks--;
        return true;
    }
    static const char answer[] = "{\"max_rdy_count\":";
    struct span begin = span_first(frame->data, sizeof answer - 1);
    if (!span_equal(begin, span_make(answer, sizeof answer - 1))) {
        return false;
    }
    FUZZ_CHECK(h->oks == 0); /* every codec that was announced before has sent its OK */
    h->handshaking = contains(frame->data, SPAN("\"tls_v1\":true"));
    h->tls = h->tls || h->handshaking;
    h->next = contains(frame->data, SPAN("\"snappy\":true"))    ? HEARER_SNAPPY
              : contains(frame->data, SPAN("\"deflate\":true")) ? HEARER_DEFLATE
                                                                : HEARER_NONE;
    h->announced = h->next;
    h->oks = (h->handshaking ? 1U : 0U) + (h->next != HEARER_NONE ? 1U : 0U);
    return false;
}

struct codec hearer_codec(enum hearer_codec which)
{
    return which == HEARER_SNAPPY ? snappy_codec() : deflate_codec(1);
}

/* Whether TLS is next: it is announced, and not enabled yet. */
static bool is_tls_next(const struct hearer *h)
{
    return h->handshaking && h->stack == NULL;
}

bool hearer_is_to_switch(const struct hearer *h)
{
    bool tls_said_ok = !h->tls || h->oks < 2;
    return is_tls_next(h) || (!h->handshaking && h->next != HEARER_NONE && tls_said_ok);
}

void hearer_switches(struct hearer *h)
{
    bool tls = is_tls_next(h);
    if (!hearer_is_to_switch(h)) {
        return;
    }
    if (h->stack == NULL) {
        h->stack = alloc_zeroed(sizeof *h->stack);
    }
    FUZZ_CHECK(h->stack->count < STACK_CODECS_MAX);
    stack_push(h->stack, tls ? toy_tls_client() : hearer_codec(h->next));
    h->next = tls ? h->next : HEARER_NONE;
}

/* Notes the end of the handshake. True: it has failed, and the stack is gone. */
static bool is_refused(struct hearer *h, enum codec_state state)
{
    if (!h->handshaking || state == CODEC_HANDSHAKING) {
        return false;
    }
    h->handshaking = false;
    if (state == CODEC_OPEN) {
        return false;
    }
    h->oks = 0;
    h->next = HEARER_NONE;
    stack_free(h->stack);
    h->stack = NULL;
    return true;
}

size_t hearer_takes(struct hearer *h, struct span in)
{
    size_t taken = 0;
    while (taken < in.n || stack_has_pending(h->stack)) {
        struct buf down = {0};
        struct span why = {NULL, 0};
        taken += stack_decode(h->stack, span_skip(in, taken), &down);
        FUZZ_CHECK(down.n == 0);
        if (is_refused(h, stack_state(h->stack, &why))) {
            break;
        }
    }
    return taken;
}

void hearer_free(struct hearer *h)
{
    stack_free(h->stack);
    h->stack = NULL;
}
