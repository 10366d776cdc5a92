/* SPDX-License-Identifier: MIT */
/* Has the table of the fields of an nsqd's IDENTIFY. Must not know which fields are required. */
#include "lookup/producer_json.h"

#include "json/fields.h"

#define FIELD(member, kind) JSON_FIELD(struct producer_json, member, kind)

static const struct json_field fields[] = {
    FIELD(remote_address, JSON_TEXT),    FIELD(hostname, JSON_TEXT),
    FIELD(broadcast_address, JSON_TEXT), FIELD(version, JSON_TEXT),
    FIELD(tcp_port, JSON_INT64),         FIELD(http_port, JSON_INT64),
};

bool producer_json_read(struct producer_json *p, struct span body)
{
    struct json_fields reader = {
        .rows = fields, .count = sizeof fields / sizeof fields[0], .into = p};
    return json_fields_read(&reader, body);
}

void producer_json_free(struct producer_json *p)
{
    buf_free(&p->remote_address);
    buf_free(&p->hostname);
    buf_free(&p->broadcast_address);
    buf_free(&p->version);
}
