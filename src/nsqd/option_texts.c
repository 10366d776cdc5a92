/* SPDX-License-Identifier: MIT */
/*
 * Writes the value of each option as Go's encoding/json does, or as a plain text when it is a
 * string. Must not know which options can be changed while the server runs.
 */
#include "nsqd/option_texts.h"

#include <stddef.h>
#include <string.h>

#include "api/statsd_packets.h"
#include "base/text.h"
#include "program/goconfig.h"
#include "program/gonum.h"
#include "json/writer.h"

/* Returns the next buffer that is not used. */
static struct buf *next_bytes(struct option_texts *texts)
{
    return &texts->bytes[texts->used++];
}

static const void *field_of(const struct options *o, const struct goflag *row)
{
    return (const char *)o + row->offset;
}

/* --- values ----------------------------------------------------------------------------------- */

static void append_strings(struct json_writer *w, const struct goflag_strings *list)
{
    json_open_array(w);
    for (size_t i = 0; i < list->n; i++) {
        json_write_string(w, text_span(list->v[i]));
    }
    json_close_array(w);
}

static void append_floats(struct json_writer *w, const struct goflag_floats *list)
{
    json_open_array(w);
    for (size_t i = 0; i < list->n; i++) {
        const struct gonum_text text = gonum_json(list->v[i]);
        json_write_raw(w, text_span(text.s));
    }
    json_close_array(w);
}

/* Appends a value as JSON. */
static void append_json(struct buf *out, const struct goflag *row, const void *field)
{
    struct json_writer w = json_writer(out, JSON_GO);
    switch (row->kind) {
    case GOFLAG_BOOL:
        json_write_bool(&w, *(const bool *)field);
        break;
    case GOFLAG_STRINGS:
        append_strings(&w, field);
        break;
    case GOFLAG_FLOATS:
        append_floats(&w, field);
        break;
    default: /* the enums are numbers too */
        json_write_integer(&w, *(const int64_t *)field);
    }
}

/* --- the values that depend on the start ------------------------------------------------------ */

/* The options of a server that runs, with the values that the start has replaced. */
static void replace_values(struct options *o, const struct option_texts_start *start)
{
    o->broadcast_tcp_port = options_port_or(o->broadcast_tcp_port, start->tcp_port);
    o->broadcast_http_port = options_port_or(o->broadcast_http_port, start->http_port);
    if (options_require_tls(o) && o->tls_required == OPTIONS_TLS_NOT_REQUIRED) {
        o->tls_required = OPTIONS_TLS_REQUIRED;
    }
}

/* --- all options ------------------------------------------------------------------------------ */

static void add_setting(struct option_texts *texts, const char *key, const struct goflag *row,
                        const struct options *o)
{
    struct buf *name = next_bytes(texts);
    struct buf *value = next_bytes(texts);
    const void *field = field_of(o, row);
    buf_append(name, text_span(key));
    if (row->offset == offsetof(struct options, statsd_prefix)) {
        statsd_prefix(value, text_span(o->statsd_prefix), text_span(o->broadcast_address),
                      o->broadcast_http_port);
    } else if (row->kind == GOFLAG_STRING) {
        buf_append(value, text_span(*(const char *const *)field));
    } else {
        append_json(value, row, field);
    }
    texts->settings[texts->count++] = (struct api_setting){
        .name = buf_span(name), .value = buf_span(value), .json = row->kind != GOFLAG_STRING};
}

void option_texts_init(struct option_texts *texts, const struct options *o,
                       const struct option_texts_start *start)
{
    struct options now = *o;
    const struct goflag_floats *percentiles = &o->e2e_processing_latency_percentile;
    *texts = (struct option_texts){.count = 0};
    replace_values(&now, start);
    for (size_t i = 0; i < options_table.n; i++) {
        char key[GOCONFIG_KEY_MAX];
        if (goconfig_key(&options_table, &options_table.rows[i], key)) {
            add_setting(texts, key, &options_table.rows[i], &now);
        }
    }
    for (size_t i = 0; i < percentiles->n; i++) {
        struct buf *bytes = next_bytes(texts);
        const struct gonum_text text = gonum_json(percentiles->v[i]);
        buf_append(bytes, text_span(text.s));
        texts->quantiles[i] = buf_span(bytes);
    }
}

void option_texts_free(struct option_texts *texts)
{
    for (size_t i = 0; i < texts->used; i++) {
        buf_free(&texts->bytes[i]);
    }
}
