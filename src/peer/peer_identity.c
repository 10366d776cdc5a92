/* SPDX-License-Identifier: MIT */
/*
 * Writes the body of IDENTIFY, and reads the reply with the rules of Go's decoder. Must not know
 * which values are useful.
 */
#include "peer/peer_identity.h"

#include "base/text.h"
#include "json/json.h"
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

enum kind { KIND_INTEGER, KIND_TEXT };

struct field {
    struct span name;
    enum kind kind;
    size_t offset; /* in struct peer_info */
};

#define INTEGER(member)                                                                            \
    {                                                                                              \
        SPAN_LITERAL(#member), KIND_INTEGER, offsetof(struct peer_info, member)                    \
    }
#define TEXT(member)                                                                               \
    {                                                                                              \
        SPAN_LITERAL(#member), KIND_TEXT, offsetof(struct peer_info, member)                       \
    }

static const struct field fields[] = {INTEGER(tcp_port), INTEGER(http_port), TEXT(version),
                                      TEXT(broadcast_address)};

struct info_reader {
    struct peer_info info;
    const struct field *field; /* of the last key at depth 1; NULL: an unknown key */
    unsigned depth;
    bool wrong; /* a value has the wrong type */
};

static const struct field *find_field(struct span key)
{
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (json_key_matches(key, fields[i].name)) {
            return &fields[i];
        }
    }
    return NULL;
}

/* Called for a value that is none that a field may have. */
static int refuse(struct info_reader *r)
{
    r->wrong = r->wrong || r->depth == 0 || (r->depth == 1 && r->field != NULL);
    return 1;
}

/* Returns where to store a value of this kind, or NULL when it is not the value of a field. */
static void *place_for(struct info_reader *r, enum kind kind)
{
    if (r->depth == 1 && r->field != NULL && r->field->kind == kind) {
        return (char *)&r->info + r->field->offset;
    }
    refuse(r);
    return NULL;
}

static int on_null(void *context)
{
    (void)context;
    return 1;
}

static int on_bool(void *context, int value)
{
    (void)value;
    return refuse(context);
}

static int on_number(void *context, const char *text, size_t n)
{
    struct info_reader *r = context;
    int64_t *place = place_for(r, KIND_INTEGER);
    if (place != NULL && !json_integer(span_make(text, n), INT64_MIN, INT64_MAX, place)) {
        r->wrong = true;
    }
    return 1;
}

static int on_string(void *context, const unsigned char *text, size_t n)
{
    struct buf *place = place_for(context, KIND_TEXT);
    if (place != NULL) {
        buf_free(place);
        json_append_valid(place, span_make(text, n));
    }
    return 1;
}

static int on_key(void *context, const unsigned char *key, size_t n)
{
    struct info_reader *r = context;
    if (r->depth == 1) {
        r->field = find_field(span_make(key, n));
    }
    return 1;
}

static int open_container(struct info_reader *r, bool fits)
{
    if (!fits) {
        refuse(r);
    }
    return ++r->depth <= JSON_DEPTH_MAX;
}

static int on_start_map(void *context)
{
    struct info_reader *r = context;
    return open_container(r, r->depth == 0);
}

static int on_start_array(void *context)
{
    return open_container(context, false);
}

static int on_end(void *context)
{
    struct info_reader *r = context;
    r->depth--;
    return 1;
}

static const yajl_callbacks info_callbacks = {.yajl_null = on_null,
                                              .yajl_boolean = on_bool,
                                              .yajl_number = on_number,
                                              .yajl_string = on_string,
                                              .yajl_start_map = on_start_map,
                                              .yajl_map_key = on_key,
                                              .yajl_end_map = on_end,
                                              .yajl_start_array = on_start_array,
                                              .yajl_end_array = on_end};

bool peer_info_read(struct peer_info *info, struct span reply)
{
    if (reply.n == 0) {
        return false;
    }
    struct info_reader reader = {
        .info = {.tcp_port = info->tcp_port, .http_port = info->http_port}};
    buf_append(&reader.info.version, buf_span(&info->version));
    buf_append(&reader.info.broadcast_address, buf_span(&info->broadcast_address));
    struct buf document = {0};
    buf_append(&document, reply);
    (void)json_mend_surrogates(document.p + document.head, document.n, document.n);
    bool good = json_read(buf_span(&document), &info_callbacks, &reader) && !reader.wrong;
    buf_free(&document);
    if (good) {
        peer_info_free(info);
        *info = reader.info;
    } else {
        peer_info_free(&reader.info);
    }
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
