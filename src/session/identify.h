/* SPDX-License-Identifier: MIT */
/*
 * Owns: reading the JSON document of an IDENTIFY body.
 * Must not know: which values are valid (settings.h).
 *
 * The rules are the rules of Go's JSON decoder, which nsqd uses. Upper and lower case of a key are
 * the same, and U+017F is the same as s. When a key occurs several times, the last value is used.
 * The value null does not change a field. Unknown keys are ignored. A wrong type, a fraction, an
 * exponent or an overflow makes the whole document invalid.
 */
#ifndef SESSION_IDENTIFY_H
#define SESSION_IDENTIFY_H

#include <nsq/span.h>

/* How many bytes of a string are kept; the rest is dropped. The limit is needed because a session
 * keeps its strings until it is freed, and a client could send megabytes. */
#define IDENTIFY_TEXT_MAX 255

struct identify_text {
    uint8_t n;
    uint8_t bytes[IDENTIFY_TEXT_MAX];
};

struct identify {
    struct identify_text client_id;
    struct identify_text hostname;
    struct identify_text user_agent;
    int64_t heartbeat_interval;    /* ms */
    int64_t output_buffer_size;    /* bytes */
    int64_t output_buffer_timeout; /* ms */
    int64_t sample_rate;           /* percent; within int32 */
    int64_t msg_timeout;           /* ms */
    int64_t deflate_level;
    bool feature_negotiation;
    bool tls_v1;
    bool deflate;
    bool snappy;
};

/* Reads a complete body, which is borrowed during the call. Fields that the body does not name are
 * set to zero. Returns false when nsqd's decoder would refuse the body; *identify is then
 * undefined. */
bool identify_parse(struct span body, struct identify *identify);

#endif
