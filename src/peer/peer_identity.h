/* SPDX-License-Identifier: MIT */
/*
 * Owns: what nsqd and an nsqlookupd tell each other about themselves: the body of IDENTIFY, and the
 * reply to it. Must not know: connections, when they tell it.
 */
#ifndef PEER_PEER_IDENTITY_H
#define PEER_PEER_IDENTITY_H

#include "base/buf.h"

/* What nsqd tells. The spans are borrowed. */
struct peer_identity {
    struct span broadcast_address;
    struct span hostname;
    struct span version;
    int64_t tcp_port; /* 0: there is none */
    int64_t http_port;
};

/* Appends the body of an IDENTIFY, with its keys in the order of the alphabet. */
void peer_identity_append(const struct peer_identity *identity, struct buf *body);

/* What an nsqlookupd tells. A struct of zeros is an nsqlookupd that has told nothing. */
struct peer_info {
    int64_t tcp_port;
    int64_t http_port;
    struct buf version;
    struct buf broadcast_address; /* empty: none; this nsqlookupd cannot be asked for channels */
};

/* The largest number of bytes of memory that the texts of an info use, if each reply has at most
 * `reply_most` bytes. Factor 2: there are two texts. They may come from two different
 * replies, because a text stays when a later reply leaves it out. Factor 3:
 * each byte may become the three bytes of U+FFFD. Factor 2: an allocation is at most twice as large
 * as its content. */
#define PEER_INFO_COST(reply_most) ((size_t)2 * 3 * 2 * (reply_most))

/* Reads the reply to an IDENTIFY. Accepts the same documents as Go's decoder, and reads the same
 * values from them. A field that the reply leaves out keeps its value. Returns true if the reply is
 * null, or an object with values of the right types. Otherwise returns false, and nothing is
 * changed. (Go keeps the fields of such a reply that have the right types.) */
bool peer_info_read(struct peer_info *info, struct span reply);
void peer_info_free(struct peer_info *info);

/* Appends the info in the form in which nsqd logs it: "{TCPPort:4160 ..}". */
void peer_info_show(const struct peer_info *info, struct buf *out);

#endif
