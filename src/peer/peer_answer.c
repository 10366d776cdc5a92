/* SPDX-License-Identifier: MIT */
/* Reads the answer to GET /channels. Must not know which channels there are. */
#include "peer/peer_answer.h"

#include <nsq/name.h>

#include "json/json.h"

struct answer_reader {
    struct buf names;
    size_t count; /* of names, at most `most` */
    size_t most;
    unsigned depth;
    bool in_channels; /* the last key at depth 1 is "channels" */
    bool wrong;       /* a value has the wrong type */
};

/* Called for a value that is neither a string nor null. */
static int on_other(struct answer_reader *r)
{
    r->wrong = r->wrong || r->depth == 0 || (r->in_channels && r->depth <= 2);
    return 1;
}

/* A new list takes the place of an earlier one with the same key. */
static void begin_list(struct answer_reader *r)
{
    buf_free(&r->names);
    r->count = 0;
}

static int on_null(void *context)
{
    struct answer_reader *r = context;
    if (r->in_channels && r->depth == 1) {
        begin_list(r);
    }
    return 1;
}

static int on_bool(void *context, int value)
{
    (void)value;
    return on_other(context);
}

static int on_number(void *context, const char *text, size_t n)
{
    (void)text;
    (void)n;
    return on_other(context);
}

static int on_string(void *context, const unsigned char *text, size_t n)
{
    struct answer_reader *r = context;
    struct span name = span_make(text, n);
    if (!r->in_channels || r->depth != 2) {
        return on_other(r);
    }
    if (r->count < r->most && nsq_name_valid(name) && !nsq_name_ephemeral(name)) {
        uint8_t size = (uint8_t)n;
        buf_append(&r->names, span_make(&size, 1));
        buf_append(&r->names, name);
        r->count++;
    }
    return 1;
}

static int on_key(void *context, const unsigned char *key, size_t n)
{
    struct answer_reader *r = context;
    if (r->depth == 1) {
        r->in_channels = json_key_matches(span_make(key, n), SPAN("channels"));
    }
    return 1;
}

static int open_container(struct answer_reader *r, bool fits)
{
    if (!fits) {
        on_other(r);
    }
    return ++r->depth <= JSON_DEPTH_MAX;
}

static int on_start_map(void *context)
{
    struct answer_reader *r = context;
    return open_container(r, r->depth == 0);
}

static int on_start_array(void *context)
{
    struct answer_reader *r = context;
    if (r->in_channels && r->depth == 1) {
        begin_list(r);
    }
    return open_container(r, r->depth == 1);
}

static int on_end(void *context)
{
    struct answer_reader *r = context;
    r->depth--;
    return 1;
}

static const yajl_callbacks answer_callbacks = {.yajl_null = on_null,
                                                .yajl_boolean = on_bool,
                                                .yajl_number = on_number,
                                                .yajl_string = on_string,
                                                .yajl_start_map = on_start_map,
                                                .yajl_map_key = on_key,
                                                .yajl_end_map = on_end,
                                                .yajl_start_array = on_start_array,
                                                .yajl_end_array = on_end};

bool peer_answer_read(struct span answer, size_t most, struct buf *names)
{
    struct answer_reader reader = {.most = most};
    bool good = json_read(answer, &answer_callbacks, &reader) && !reader.wrong;
    if (good) {
        buf_append(names, buf_span(&reader.names));
    }
    buf_free(&reader.names);
    return good;
}
