/* SPDX-License-Identifier: MIT */
/*
 * Has the table of the fields of an IDENTIFY, and reads them as the body arrives. Must not know
 * which values are valid.
 */
#include "session/identify.h"

#include "base/alloc.h"

#define FIELD(member, kind) JSON_FIELD(struct identify, member, kind)

static const struct json_field fields[] = {
    FIELD(client_id, JSON_SHORT),
    FIELD(hostname, JSON_SHORT),
    FIELD(user_agent, JSON_SHORT),
    FIELD(heartbeat_interval, JSON_INT64),
    FIELD(output_buffer_size, JSON_INT64),
    FIELD(output_buffer_timeout, JSON_INT64),
    FIELD(sample_rate, JSON_INT32),
    FIELD(msg_timeout, JSON_INT64),
    FIELD(deflate_level, JSON_INT64),
    FIELD(feature_negotiation, JSON_BOOL),
    FIELD(tls_v1, JSON_BOOL),
    FIELD(deflate, JSON_BOOL),
    FIELD(snappy, JSON_BOOL),
};

struct identify_reader {
    struct json_reader *json;
    struct json_fields fields;
    struct identify identify;
};

struct identify_reader *identify_reader_new(void)
{
    struct identify_reader *r = alloc_zeroed(sizeof *r);
    r->fields = (struct json_fields){
        .rows = fields, .count = sizeof fields / sizeof fields[0], .into = &r->identify};
    r->json = json_reader_new(&json_fields_callbacks, &r->fields, JSON_SHORT_MAX);
    return r;
}

void identify_reader_add(struct identify_reader *r, struct span part)
{
    json_reader_add(r->json, part);
}

bool identify_reader_end(struct identify_reader *r, struct identify *identify)
{
    *identify = r->identify;
    return json_reader_end(r->json) && !r->fields.wrong_type;
}

size_t identify_reader_memory(const struct identify_reader *r)
{
    return sizeof *r + ALLOC_OVERHEAD + json_reader_memory(r->json);
}

void identify_reader_free(struct identify_reader *r)
{
    if (r != NULL) {
        json_reader_free(r->json);
        alloc_free(r);
    }
}
