/* SPDX-License-Identifier: MIT */
/*
 * Reads a document in slices by json_reader. Each slice is a copy, in which escapes that Go reads
 * in another way than yajl are replaced. Must not know what the document means.
 */
#include "auth/auth_document.h"

void auth_document_begin(struct auth_document *document, const yajl_callbacks *callbacks,
                         void *context, size_t text_most)
{
    document->json = json_reader_new(callbacks, context, text_most);
    document->at = 0;
}

bool auth_document_read(struct auth_document *document, struct span body, struct effort *effort)
{
    struct span rest = span_skip(body, document->at);
    struct buf slice = {0};
    /* A pair of escapes has 12 bytes. A pair that begins in the slice belongs to it. */
    buf_append(&slice, span_first(rest, AUTH_SLICE + 12));
    size_t n = json_mend_surrogates(slice.p, slice.n, AUTH_SLICE);
    json_reader_add(document->json, span_first(buf_span(&slice), n));
    buf_free(&slice);
    effort_use(effort, 1 + n / EFFORT_JSON_BYTES);
    document->at += n;
    return document->at == body.n;
}

bool auth_document_end(struct auth_document *document)
{
    return json_reader_end(document->json);
}

size_t auth_document_memory(const struct auth_document *document)
{
    return document->json == NULL ? 0 : json_reader_memory(document->json);
}

void auth_document_free(struct auth_document *document)
{
    json_reader_free(document->json);
    document->json = NULL;
}
