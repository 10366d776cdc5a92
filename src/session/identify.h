/* SPDX-License-Identifier: MIT */
/*
 * Owns: reading the JSON document of an IDENTIFY body.
 * Must not know: which values are valid (settings.h).
 *
 * The rules are those of Go's JSON decoder, which nsqd uses (json/fields.h).
 */
#ifndef SESSION_IDENTIFY_H
#define SESSION_IDENTIFY_H

#include "json/fields.h"

/* Bytes: the session reads at most this much of a body in one piece. */
#define IDENTIFY_SLICE 8192

/* A session keeps the texts of this struct until the session is freed. The texts are short
 * (JSON_SHORT_MAX). Otherwise a client could fill the memory with long texts. */
struct identify {
    struct json_short client_id;
    struct json_short hostname;
    struct json_short user_agent;
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

/* Reads one body, while it arrives. A body may have several megabytes, and reading one megabyte may
 * take 10 ms. So the session reads the body in pieces, and handles other clients between two
 * pieces. How the body is cut into pieces has no effect on the result. */
struct identify_reader;

/* Begins a body. The caller frees the reader with identify_reader_free. */
struct identify_reader *identify_reader_new(void);

/* Reads the next bytes of the body, which are borrowed during the call. */
void identify_reader_add(struct identify_reader *reader, struct span part);

/* Must be called once, when the body is complete. Fields that the body does not name are set to
 * zero. Returns false when nsqd's decoder would refuse the body; *identify is then undefined. */
bool identify_reader_end(struct identify_reader *reader, struct identify *identify);

/* Returns how many bytes of memory the reader uses: at most 24 KiB. */
size_t identify_reader_memory(const struct identify_reader *reader);

void identify_reader_free(struct identify_reader *reader); /* NULL is allowed */

#endif
