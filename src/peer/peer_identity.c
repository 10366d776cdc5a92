/* SPDX-License-Identifier: MIT */
/*
 * Writes the body of IDENTIFY, and reads the reply with the rules of Go's decoder. Must not know
 * which values are useful.
 */
#include "peer/peer_identity.h"

#include "base/text.h"
#include "json/fields.h"
#include "json/writer.h"

void peer_identity_append(const struct peer_identity *identity, struct buf *body)
{
    struct json_writer w = json_writer(body, JSON_GO);
    json_open_object(&w);
    json_member_string(&w, "broadcast_address", identity->broadcast_address);
    json_member_string(&w, "hostname", identity->hostname);
    json_member_integer(&w, "http_port", identity->http_port);
    json_member_integer(&w, "tcp_port", identity->tcp_port);
    json_member_string(&w, "version", identity->version);
    json_close_object(&w);
}

/* --- the reply -------------------------------------------------------------------------------- */

#define FIELD(member, kind) JSON_FIELD(struct peer_info, member, kind)

static const struct json_field fields[] = {
    FIELD(tcp_port, JSON_INT64),
    FIELD(http_port, JSON_INT64),
    FIELD(version, JSON_TEXT),
    FIELD(broadcast_address, JSON_TEXT),
};

bool peer_info_read(struct peer_info *info, struct span reply)
{
    struct peer_info next = {.tcp_port = info->tcp_port, .http_port = info->http_port};
    struct json_fields reader = {
        .rows = fields, .count = sizeof fields / sizeof fields[0], .into = &next};
    buf_append(&next.version, buf_span(&info->version));
    buf_append(&next.broadcast_address, buf_span(&info->broadcast_address));
    bool good = json_fields_read(&reader, reply);
    if (good) {
        struct peer_info old = *info;
        *info = next;
        next = old;
    }
    peer_info_free(&next);
    return good;
}

void peer_info_free(struct peer_info *info)
{
    buf_free(&info->version);
    buf_free(&info->broadcast_address);
}

void peer_info_show(const struct peer_info *info, struct buf *out)
{
    text_append(out, "{TCPPort:");
    text_append_decimal(out, info->tcp_port);
    text_append(out, " HTTPPort:");
    text_append_decimal(out, info->http_port);
    text_append(out, " Version:");
    buf_append(out, buf_span(&info->version));
    text_append(out, " BroadcastAddress:");
    buf_append(out, buf_span(&info->broadcast_address));
    text_append(out, "}");
}
