/* SPDX-License-Identifier: MIT */
/*
 * Owns: a client's codecs for what it hears: which ones the server's answer to IDENTIFY announces,
 * and what the bytes behind it mean. TLS is the toy of toy_tls.h.
 */
#ifndef FUZZ_HEARER_H
#define FUZZ_HEARER_H

#include <nsq/frame.h>

#include "serve/stack.h"

enum hearer_codec { HEARER_NONE, HEARER_SNAPPY, HEARER_DEFLATE };

struct hearer {
    struct stack *stack; /* NULL: no codec */
    bool shaking;        /* TLS's handshake goes on */
    bool tls;            /* announced */
    enum hearer_codec announced;
    enum hearer_codec next; /* to be put on when TLS has said OK */
    unsigned oks;           /* that are still to come from codecs */
};

/* Looks at a response. Whether a codec was announced, or answers for itself. */
bool hearer_looks(struct hearer *hearer, const struct nsq_frame *frame);

/* Takes what the server sent while there is a stack, up to where a handshake fails, which takes the
 * stack away. Returns how much that was; what it means is in stack->decoded. */
size_t hearer_takes(struct hearer *hearer, struct span in);

/* Whether what comes next is the input of a codec that was announced. */
bool hearer_is_to_switch(const struct hearer *hearer);

/* Puts that one on. What is decoded is its input. */
void hearer_switches(struct hearer *hearer);

void hearer_free(struct hearer *hearer);

/* The same codec for the other direction; the caller owns it. */
struct codec hearer_codec(enum hearer_codec which);

#endif
