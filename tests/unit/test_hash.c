/* SPDX-License-Identifier: MIT */
/* Tests of base/hash.h: SipHash-2-4 as its authors published it. */
#include "base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/exact.h"

#define VECTORS 64

/* The reference vectors of SipHash-2-4: key 00 01 .. 0f, message 00 01 .. of 0 to 63 bytes. */
static const uint64_t expected[VECTORS] = {
    0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a, 0x85676696d7fb7e2d,
    0xcf2794e0277187b7, 0x18765564cd99a68d, 0xcbc9466e58fee3ce, 0xab0200f58b01d137,
    0x93f5f5799a932462, 0x9e0082df0ba9e4b0, 0x7a5dbbc594ddb9f3, 0xf4b32f46226bada7,
    0x751e8fbc860ee5fb, 0x14ea5627c0843d90, 0xf723ca908e7af2ee, 0xa129ca6149be45e5,
    0x3f2acc7f57c29bdb, 0x699ae9f52cbe4794, 0x4bc1b3f0968dd39c, 0xbb6dc91da77961bd,
    0xbed65cf21aa2ee98, 0xd0f2cbb02e3b67c7, 0x93536795e3a33e88, 0xa80c038ccd5ccec8,
    0xb8ad50c6f649af94, 0xbce192de8a85b8ea, 0x17d835b85bbb15f3, 0x2f2e6163076bcfad,
    0xde4daaaca71dc9a5, 0xa6a2506687956571, 0xad87a3535c49ef28, 0x32d892fad841c342,
    0x7127512f72f27cce, 0xa7f32346f95978e3, 0x12e0b01abb051238, 0x15e034d40fa197ae,
    0x314dffbe0815a3b4, 0x027990f029623981, 0xcadcd4e59ef40c4d, 0x9abfd8766a33735c,
    0x0e3ea96b5304a7d0, 0xad0c42d6fc585992, 0x187306c89bc215a9, 0xd4a60abcf3792b95,
    0xf935451de4f21df2, 0xa9538f0419755787, 0xdb9acddff56ca510, 0xd06c98cd5c0975eb,
    0xe612a3cb9ecba951, 0xc766e62cfcadaf96, 0xee64435a9752fe72, 0xa192d576b245165a,
    0x0a8787bf8ecb74b2, 0x81b3e73d20b49b6f, 0x7fa8220ba3b2ecea, 0x245731c13ca42499,
    0xb78dbfaf3a8d83bd, 0xea1ad565322a1a0b, 0x60e61c23a3795013, 0x6606d7e446282b93,
    0x6ca4ecb15c5f91e1, 0x9f626da15c9625f3, 0xe51b38608ef25f57, 0x958a324ceb064572,
};

static const struct hash_seed seed = {{0x0706050403020100, 0x0f0e0d0c0b0a0908}};

static void the_reference_vectors_hold(void **state)
{
    const struct exact *wall = *state;
    uint8_t message[VECTORS];
    for (size_t n = 0; n < VECTORS; n++) {
        message[n] = (uint8_t)n;
        uint64_t got = hash_bytes(&seed, exact_at_end(wall, span_make(message, n)));
        if (got != expected[n]) {
            fail_msg("%zu bytes", n);
        }
    }
}

static void no_bytes_may_be_nowhere(void **state)
{
    (void)state;
    assert_true(hash_bytes(&seed, span_make(NULL, 0)) == expected[0]);
}

static void both_halves_of_the_seed_count(void **state)
{
    (void)state;
    struct hash_seed other = seed;
    other.k[0] ^= 1;
    assert_true(hash_bytes(&other, SPAN("topic")) != hash_bytes(&seed, SPAN("topic")));
    other.k[0] ^= 1;
    other.k[1] ^= (uint64_t)1 << 63;
    assert_true(hash_bytes(&other, SPAN("topic")) != hash_bytes(&seed, SPAN("topic")));
}

/* Only the lowest byte of the length is mixed in. Messages whose lengths differ by 256 still have
 * different hashes, because their bytes differ. */
static void trailing_zeros_change_the_hash(void **state)
{
    (void)state;
    static const uint8_t zeros[600] = {0};
    for (size_t n = 0; n < sizeof zeros; n++) {
        assert_true(hash_bytes(&seed, span_make(zeros, n)) !=
                    hash_bytes(&seed, span_make(zeros, n + 1 == sizeof zeros ? 0 : n + 1)));
    }
}

/* Numbers that differ only in high bits, or by a constant step, are spread evenly over buckets. */
static void numbers_spread(void **state)
{
    (void)state;
    static const struct hash_seed seeds[] = {{{0, 0}}, {{1, 2}}, {{UINT64_MAX, UINT64_MAX - 1}}};
    static const unsigned shifts[] = {0, 12, 22, 32, 48, 54};
    enum { BUCKETS = 64, EACH = 16, MOST = 3 * EACH };
    for (size_t s = 0; s < sizeof seeds / sizeof seeds[0]; s++) {
        for (size_t i = 0; i < sizeof shifts / sizeof shifts[0]; i++) {
            unsigned count[BUCKETS] = {0};
            for (uint64_t n = 0; n < (uint64_t)BUCKETS * EACH; n++) {
                count[hash_number(&seeds[s], n << shifts[i]) % BUCKETS]++;
            }
            for (size_t b = 0; b < BUCKETS; b++) {
                assert_in_range(count[b], 1, MOST);
            }
        }
    }
    assert_true(hash_number(&seeds[0], 7) != hash_number(&seeds[1], 7));
}

int main(void)
{
    struct exact wall;
    exact_open(&wall, VECTORS);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(the_reference_vectors_hold, &wall),
        cmocka_unit_test(no_bytes_may_be_nowhere),
        cmocka_unit_test(both_halves_of_the_seed_count),
        cmocka_unit_test(numbers_spread),
        cmocka_unit_test(trailing_zeros_change_the_hash),
    };
    int failed = cmocka_run_group_tests_name("hash", tests, NULL, NULL);
    exact_close(&wall);
    return failed;
}
