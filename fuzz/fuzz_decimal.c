/* SPDX-License-Identifier: MIT */
/*
 * Invariant: the value of a decimal parameter is the sum of its digits times their places, modulo
 * 2^64. This target adds it up from the right. Any byte that is not a digit makes the parameter
 * bad, and then the value is 0. A number prints as the C library prints it, and parses back to
 * itself.
 *
 * Input: a number of nines to put in front (a byte), then the digits.
 */
#include <inttypes.h>
#include <nsq/name.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "fuzz.h"

const struct fuzz_shape fuzz_shape = {.header = 1, .body = FUZZ_BYTES};

#define NINES_MAX 24

/* Digits beyond the 64th place add nothing: 10^64 is a multiple of 2^64. */
static bool sum_of_digits(const uint8_t *text, size_t n, uint64_t *sum)
{
    static const char digits[] = "0123456789";
    uint64_t place = 1;
    *sum = 0;
    for (size_t i = n; i > 0; i--) {
        const char *digit = text[i - 1] == 0 ? NULL : strchr(digits, text[i - 1]);
        if (digit == NULL) {
            *sum = 0;
            return false;
        }
        for (int d = 0; d < digit - digits; d++) {
            *sum += place;
        }
        place = n - i < 64 ? place * 10 : 0;
    }
    return true;
}

static void check_written(uint64_t value)
{
    char text[32];
    char array[TEXT_DECIMAL_MAX];
    struct buf out = {0};
    uint64_t back = ~value;
    int n = snprintf(text, sizeof text, "%" PRIu64, value);
    text_append_unsigned(&out, value);
    FUZZ_CHECK(span_equal(buf_span(&out), span_make(text, (size_t)n)));
    FUZZ_CHECK(nsq_decimal_parse(buf_span(&out), &back) && back == value);
    buf_free(&out);
    n = snprintf(text, sizeof text, "%" PRId64, (int64_t)value);
    FUZZ_CHECK(span_equal(text_decimal(array, (int64_t)value), span_make(text, (size_t)n)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_make(data, size);
    size_t nines = fuzz_below(&in, NINES_MAX);
    size_t n = nines + in.n;
    /* Exactly as long as the digits, so that ASan sees a read past their end. */
    uint8_t *text = malloc(n > 0 ? n : 1);
    FUZZ_CHECK(text != NULL);
    memset(text, '9', nines);
    if (in.n > 0) {
        memcpy(text + nines, in.p, in.n);
    }
    uint64_t value = 1;
    uint64_t sum;
    bool good = nsq_decimal_parse(n > 0 ? span_make(text, n) : span_make(NULL, 0), &value);
    FUZZ_CHECK(good == sum_of_digits(text, n, &sum));
    fuzz_say_bytes(good ? "a number" : "no number", span_make(text, n));
    fuzz_say("%" PRIu64, value);
    FUZZ_CHECK(value == sum);
    check_written(value);
    free(text);
    return 0;
}
