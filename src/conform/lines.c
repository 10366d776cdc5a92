/* SPDX-License-Identifier: MIT */
/* Cuts text at newlines and tabs. Must not know: what the lines mean. */
#include "conform/lines.h"

#include <string.h>

struct span lines_take(struct span *rest)
{
    const uint8_t *end = rest->n == 0 ? NULL : memchr(rest->p, '\n', rest->n);
    size_t n = end == NULL ? rest->n : (size_t)(end - rest->p);
    struct span line = span_first(*rest, n);
    *rest = span_skip(*rest, end == NULL ? n : n + 1);
    return line;
}

bool lines_take_field(struct span *line, struct span *field)
{
    const uint8_t *tab = line->n == 0 ? NULL : memchr(line->p, '\t', line->n);
    if (tab == NULL || tab == line->p) {
        return false;
    }
    *field = span_first(*line, (size_t)(tab - line->p));
    *line = span_skip(*line, field->n + 1);
    return true;
}
