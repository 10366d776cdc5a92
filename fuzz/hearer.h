/* SPDX-License-Identifier: MIT */
/*
 * Owns: the codecs with which a client decodes the server's output. The server's answer to IDENTIFY
 * says which codecs follow. TLS is the toy of toy_tls.h.
 */
#ifndef FUZZ_HEARER_H
#define FUZZ_HEARER_H

#include <nsq/frame.h>

#include "serve/stack.h"

enum hearer_codec { HEARER_NONE, HEARER_SNAPPY, HEARER_DEFLATE };

struct hearer {
    struct stack *stack; /* NULL: no codec */
    bool handshaking;    /* TLS's handshake is not complete */
    bool tls;            /* announced */
    enum hearer_codec announced;
    enum hearer_codec next; /* to be enabled after the OK inside TLS */
    unsigned oks;           /* how many OKs of enabled codecs are still to come */
};

/* Looks at a response; an answer to IDENTIFY announces codecs. True: it is the OK of an enabled
 * codec, and so it answers no command. */
bool hearer_looks(struct hearer *hearer, const struct nsq_frame *frame);

/* Decodes what the server sent while there is a stack. A failed handshake removes the stack; bytes
 * after it are not taken. Returns the bytes taken; stack->decoded has the decoded bytes. */
size_t hearer_takes(struct hearer *hearer, struct span in);

/* Whether the next bytes belong to a codec that was announced and is not enabled yet. */
bool hearer_is_to_switch(const struct hearer *hearer);

/* Enables that codec. Bytes in stack->decoded become its input. */
void hearer_switches(struct hearer *hearer);

void hearer_free(struct hearer *hearer);

/* The same codec for the other direction; the caller owns it. */
struct codec hearer_codec(enum hearer_codec which);

#endif
