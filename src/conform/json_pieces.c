/* SPDX-License-Identifier: MIT */
/* Splits a text at a separator and writes the pieces as a JSON array. Must not know what the
 * pieces mean. */
#include "conform/json_pieces.h"

static void write_pieces(struct json_writer *json, const char *key, struct span text,
                         char separator)
{
    json_member_array(json, key);
    while (text.n > 0) {
        const uint8_t *end = memchr(text.p, separator, text.n);
        size_t n = end == NULL ? text.n : (size_t)(end - text.p);
        json_write_string(json, span_first(text, n));
        text = span_skip(text, end == NULL ? n : n + 1);
    }
    json_close_array(json);
}

void json_member_words(struct json_writer *json, const char *key, struct span text)
{
    write_pieces(json, key, text, ' ');
}

void json_member_lines(struct json_writer *json, const char *key, struct span text)
{
    write_pieces(json, key, text, '\n');
}
