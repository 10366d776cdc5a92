/* SPDX-License-Identifier: MIT */
/*
 * Owns: the JSON of an IDENTIFY body: which documents are accepted, and what they say.
 * Must not know: which values are valid (settings.h).
 *
 * The rules are those of Go's decoder, which nsqd uses: a key matches without regard to case, and
 * U+017F matches s. When a key occurs several times, the last one counts. null leaves a field as it
 * is. Unknown keys are ignored. A wrong type, a fraction, an exponent or an overflow makes the
 * whole document invalid.
 */
#ifndef SESSION_IDENTIFY_H
#define SESSION_IDENTIFY_H

#include <nsq/span.h>

/* Bytes that are kept of a string. Stops a client that sends megabytes from having them kept as
 * long as it stays. */
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

/* Reads a whole body, which is borrowed. Fields that it does not name are zero. False when nsqd's
 * decoder would refuse the body; *identify is then undefined. */
bool identify_parse(struct span body, struct identify *identify);

#endif
