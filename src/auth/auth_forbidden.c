/* SPDX-License-Identifier: MIT */
/*
 * Reads the body of a 403 answer as Go's decoder does. Must not know which server has answered.
 */
#include "auth/auth_forbidden.h"

/* No text is read, and the one key below is shorter. */
#define TEXT_MOST 64

static const struct json_field fields[] = {
    JSON_FIELD(struct auth_forbidden, https_port, JSON_INT64)};

void auth_forbidden_begin(struct auth_forbidden *f)
{
    *f = (struct auth_forbidden){.https_port = 0};
    f->fields = (struct json_fields){.rows = fields, .count = 1, .into = f};
    auth_document_begin(&f->document, &json_fields_callbacks, &f->fields, TEXT_MOST);
}

bool auth_forbidden_read(struct auth_forbidden *f, struct span body, struct effort *effort)
{
    return auth_document_read(&f->document, body, effort);
}

bool auth_forbidden_port(struct auth_forbidden *f, int64_t *port)
{
    *port = f->https_port;
    return auth_document_end(&f->document) && !f->fields.wrong_type;
}

void auth_forbidden_free(struct auth_forbidden *f)
{
    auth_document_free(&f->document);
}
