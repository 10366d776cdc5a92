/* SPDX-License-Identifier: MIT */
/*
 * Owns: reading the JSON document in the body of an IDENTIFY to nsqlookupd. The rules are those of
 * Go's decoder (json/fields.h). Must not know: which fields are required.
 */
#ifndef LOOKUP_PRODUCER_JSON_H
#define LOOKUP_PRODUCER_JSON_H

#include "base/buf.h"

/* A struct of zeros is empty. The texts are valid UTF-8. */
struct producer_json {
    struct buf remote_address; /* read because its type matters; upstream overwrites it */
    struct buf hostname;
    struct buf broadcast_address;
    struct buf version;
    int64_t tcp_port; /* any integer */
    int64_t http_port;
};

/* Reads a body. Returns false if upstream's decoder refuses it. The caller frees the result in both
 * cases. */
bool producer_json_read(struct producer_json *p, struct span body);
void producer_json_free(struct producer_json *p);

#endif
