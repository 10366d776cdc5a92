/* SPDX-License-Identifier: MIT */
/* Tests of base/crc32c.h. */
#include "base/crc32c.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void checksum_is_the_known_one(void **state)
{
    (void)state;
    uint8_t bytes[32] = {0};
    assert_int_equal(crc32c(SPAN("")), 0);
    assert_int_equal(crc32c(SPAN("123456789")), 0xe3069283); /* the usual check value */
    assert_int_equal(crc32c(span_make(bytes, 32)),
                     0x8a9136aa); /* this and the next two: RFC 3720, B.4 */
    memset(bytes, 0xff, 32);
    assert_int_equal(crc32c(span_make(bytes, 32)), 0x62a8ab43);
    for (uint8_t i = 0; i < 32; i++) {
        bytes[i] = i;
    }
    assert_int_equal(crc32c(span_make(bytes, 32)), 0x46dd794e);
}

/* CRC-32C by its definition: a division by the polynomial, bit by bit. */
static uint32_t divided(struct span bytes)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < 8 * bytes.n; i++) {
        uint32_t odd = (crc ^ (uint32_t)bytes.p[i / 8] >> i % 8) & 1;
        crc = crc >> 1 ^ (odd ? 0x82f63b78 : 0);
    }
    return ~crc;
}

/* Every value of a byte at every place: in a group of eight and alone, at any address. */
static void checksum_is_the_division(void **state)
{
    (void)state;
    uint8_t bytes[24] = {0};
    for (size_t n = 1; n <= sizeof bytes; n++) {
        for (size_t value = 0; value < 256; value++) {
            bytes[n - 1] = (uint8_t)value;
            for (size_t from = 0; from < n; from++) {
                struct span part = span_make(bytes + from, n - from);
                assert_int_equal(crc32c(part), divided(part));
            }
        }
        bytes[n - 1] = (uint8_t)(n * 41);
    }
}

/* The pieces of a text have the checksum of the whole text, wherever it is cut. */
static void checksum_of_pieces(void **state)
{
    (void)state;
    uint8_t bytes[40];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i * 37 + 1);
    }
    struct span whole = span_make(bytes, sizeof bytes);
    for (size_t cut = 0; cut <= whole.n; cut++) {
        uint32_t first = crc32c_more(0, span_first(whole, cut));
        assert_int_equal(crc32c_more(first, span_skip(whole, cut)), crc32c(whole));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checksum_is_the_known_one),
        cmocka_unit_test(checksum_is_the_division),
        cmocka_unit_test(checksum_of_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
