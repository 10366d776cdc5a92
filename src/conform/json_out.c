/* SPDX-License-Identifier: MIT */
#include "conform/json_out.h"

#include <yajl/yajl_gen.h>

static void print(void *out, const char *text, size_t n)
{
    buf_append(out, span_make(text, n));
}

void json_begin(struct json_out *json, struct buf *out)
{
    json->gen = yajl_gen_alloc(NULL);
    yajl_gen_config(json->gen, yajl_gen_print_callback, print, out);
    yajl_gen_config(json->gen, yajl_gen_beautify, 1);
    yajl_gen_config(json->gen, yajl_gen_indent_string, "  ");
}

void json_end(struct json_out *json)
{
    yajl_gen_free(json->gen); /* it has ended the document with a newline already */
    json->gen = NULL;
}

static void string(struct json_out *json, struct span text)
{
    yajl_gen_string(json->gen, text.n == 0 ? (const unsigned char *)"" : text.p, text.n);
}

static void key_of(struct json_out *json, const char *key)
{
    if (key != NULL) {
        string(json, span_make(key, strlen(key)));
    }
}

void json_open(struct json_out *json)
{
    yajl_gen_map_open(json->gen);
}

void json_open_member(struct json_out *json, const char *key)
{
    key_of(json, key);
    yajl_gen_map_open(json->gen);
}

void json_close(struct json_out *json)
{
    yajl_gen_map_close(json->gen);
}

void json_open_list(struct json_out *json, const char *key)
{
    key_of(json, key);
    yajl_gen_array_open(json->gen);
}

void json_close_list(struct json_out *json)
{
    yajl_gen_array_close(json->gen);
}

void json_text(struct json_out *json, const char *key, struct span text)
{
    key_of(json, key);
    string(json, text);
}

void json_number(struct json_out *json, const char *key, int64_t number)
{
    key_of(json, key);
    yajl_gen_integer(json->gen, number);
}

static void pieces(struct json_out *json, const char *key, struct span text, char between)
{
    json_open_list(json, key);
    while (text.n > 0) {
        const uint8_t *end = memchr(text.p, between, text.n);
        size_t n = end == NULL ? text.n : (size_t)(end - text.p);
        string(json, span_first(text, n));
        text = span_skip(text, end == NULL ? n : n + 1);
    }
    json_close_list(json);
}

void json_words(struct json_out *json, const char *key, struct span text)
{
    pieces(json, key, text, ' ');
}

void json_lines(struct json_out *json, const char *key, struct span text)
{
    pieces(json, key, text, '\n');
}
