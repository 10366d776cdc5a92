/* SPDX-License-Identifier: MIT */
/*
 * Implements nsq/name.h. Must not know which parameters of a command are names or numbers.
 */
#include <nsq/name.h>

static bool is_name_byte(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

bool nsq_name_ephemeral(struct span name)
{
    const struct span suffix = SPAN(NSQ_EPHEMERAL);
    return name.n >= suffix.n && span_equal(span_skip(name, name.n - suffix.n), suffix);
}

bool nsq_name_valid(struct span name)
{
    if (name.n > NSQ_NAME_MAX) {
        return false;
    }
    size_t stem = nsq_name_ephemeral(name) ? name.n - (sizeof(NSQ_EPHEMERAL) - 1) : name.n;
    if (stem == 0) {
        return false;
    }
    for (size_t i = 0; i < stem; i++) {
        if (!is_name_byte(name.p[i])) {
            return false;
        }
    }
    return true;
}

bool nsq_decimal_parse(struct span digits, uint64_t *value)
{
    uint64_t n = 0;
    *value = 0;
    for (size_t i = 0; i < digits.n; i++) {
        if (digits.p[i] < '0' || digits.p[i] > '9') {
            return false;
        }
        n = n * 10 + (uint64_t)(digits.p[i] - '0'); /* wraps: unsigned arithmetic */
    }
    *value = n;
    return true;
}
