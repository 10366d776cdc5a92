/* SPDX-License-Identifier: MIT */
/*
 * Owns: reading a JSON object into a struct, by a table of the struct's fields. The rules are those
 * of Go's encoding/json. Upper and lower case of a key are the same (json_key_matches). When a key
 * occurs several times, the last value counts. The value null changes nothing. Unknown keys are
 * ignored. A value of a wrong type makes the whole document invalid, and so does a number that is
 * no integer or does not fit.
 * Must not know: which fields there are, and which values are good.
 */
#ifndef JSON_FIELDS_H
#define JSON_FIELDS_H

#include "json/json.h"

/* The first bytes of a text, as they are in the document. It is possible that they are not valid
 * UTF-8. */
#define JSON_SHORT_MAX 255
struct json_short {
    uint8_t n;
    uint8_t bytes[JSON_SHORT_MAX];
};

enum json_kind {
    JSON_INT64, /* an int64_t */
    JSON_INT32, /* an int64_t too; a number that does not fit into an int32 is refused */
    JSON_BOOL,  /* a bool */
    JSON_TEXT,  /* a struct buf with valid UTF-8 (json_append_valid) */
    JSON_SHORT, /* a struct json_short */
};

struct json_field {
    struct span name; /* the key, in lower case */
    enum json_kind kind;
    size_t offset; /* of the field in the struct */
};

/* A row of the table. The key is the name of the member. */
#define JSON_FIELD(type, member, kind_)                                                            \
    {                                                                                              \
        .name = SPAN_LITERAL(#member), .kind = (kind_), .offset = offsetof(type, member)           \
    }

/* The reader. To begin, set the first three members, and the others to zero. */
struct json_fields {
    const struct json_field *rows;
    size_t count;
    void *into;                     /* the struct. A field whose key is not found is not changed */
    const struct json_field *field; /* of the last key at depth 1; NULL: an unknown key */
    unsigned depth;                 /* above 1: inside an object or array that is skipped */
    bool wrong_type; /* a value has a wrong type. Reading continues; a later syntax error has the
                      * same result */
};

/* For json_reader_new, with a struct json_fields as the context. The document is good if
 * json_reader_end returns true and no wrong type was found. */
extern const yajl_callbacks json_fields_callbacks;

/* Reads a whole document. Returns false if it is not valid. Then some fields may have changed. */
bool json_fields_read(struct json_fields *fields, struct span document);

#endif
