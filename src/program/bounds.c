/* SPDX-License-Identifier: MIT */
/*
 * Compares values with a table. Must not write the error line.
 */
#include "program/bounds.h"

const struct bound *bounds_broken(const struct bound *rows, size_t n, const void *values)
{
    for (size_t i = 0; i < n; i++) {
        const struct bound *b = &rows[i];
        int64_t v = *(const int64_t *)(const void *)((const char *)values + b->offset);
        if ((b->applies == NULL || b->applies(values)) && (v < b->least || v > b->most)) {
            return b;
        }
    }
    return NULL;
}
