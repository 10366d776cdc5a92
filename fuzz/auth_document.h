/* SPDX-License-Identifier: MIT */
/*
 * Owns: documents of an auth server that are made from choices, and what they grant by a model of
 * their own. The model knows the values that were chosen; it reads no JSON.
 * Must not know: how the documents are parsed.
 */
#ifndef AUTH_DOCUMENT_H
#define AUTH_DOCUMENT_H

#include "base/buf.h"

#define DOCUMENT_RULES_MAX 3
#define DOCUMENT_NAMES 4

/* The names of topics and channels with which a grant is compared. */
extern const char *const document_names[DOCUMENT_NAMES];

struct document_rule {
    unsigned topics;   /* bit n: the topic's pattern matches document_names[n] */
    unsigned channels; /* bit n: a channel's pattern does */
    bool publish, subscribe;
    bool bad_topic, bad_channel; /* the topic's pattern, or one of the channels, is refused.
                                  * Patterns are compiled when the whole document was read */
};

struct document {
    struct buf text;
    int64_t ttl;
    const char *identity, *identity_url;
    struct document_rule rules[DOCUMENT_RULES_MAX];
    size_t rule_count;
    int64_t port;    /* "https_port"; 0: not named */
    bool port_wrong; /* its value has a type that is refused */
    bool wrong;      /* a value has a type or a form that is refused */
    bool unknown;    /* there is an unknown permission. It is the reason, whatever else is wrong */
};

/* Takes choices from the input and makes a document. The caller frees `text`. */
void document_make(struct document *document, struct span *choices);

#endif
