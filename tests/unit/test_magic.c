/* SPDX-License-Identifier: MIT */
/* Tests of nsq/magic.h: which four bytes select which protocol, and after which byte this is known.
 */
#include <nsq/magic.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/exact.h"

#define UNTOUCHED ((enum nsq_protocol)0)

static const struct {
    const char *rule;
    struct span in;
    enum nsq_parse outcome;
    enum nsq_protocol protocol;
} rows[] = {
#define ROW(rule, in, ...)                                                                         \
    {                                                                                              \
        rule, SPAN_LITERAL(in), __VA_ARGS__                                                        \
    }
    ROW("nothing yet", "", NSQ_MORE, UNTOUCHED),
    ROW("1 byte", " ", NSQ_MORE, UNTOUCHED),
    ROW("2 bytes", "  ", NSQ_MORE, UNTOUCHED),
    ROW("3 bytes, V2 and V1 and V3 still possible", "  V", NSQ_MORE, UNTOUCHED),
    ROW("4 bytes: nsqd's", "  V2", NSQ_OK, NSQ_PROTOCOL_V2),
    ROW("4 bytes: nsqlookupd's", "  V1", NSQ_OK, NSQ_PROTOCOL_V1),
    ROW("what follows is not looked at", "  V2PUB t\n", NSQ_OK, NSQ_PROTOCOL_V2),
    ROW("what follows is not looked at", "  V1\0", NSQ_OK, NSQ_PROTOCOL_V1),
    ROW("a wrong first byte is not said before the fourth", "GET", NSQ_MORE, UNTOUCHED),
    ROW("a wrong first byte", "GET ", NSQ_BAD, UNTOUCHED),
    ROW("a version that does not exist", "  V3", NSQ_BAD, UNTOUCHED),
    ROW("a version that does not exist", "  V0", NSQ_BAD, UNTOUCHED),
    ROW("lower case", "  v2", NSQ_BAD, UNTOUCHED),
    ROW("spaces behind", "V2  ", NSQ_BAD, UNTOUCHED),
    ROW("one space too many", "   V2", NSQ_BAD, UNTOUCHED),
    ROW("one space too few", " V2\n", NSQ_BAD, UNTOUCHED),
    ROW("NULs for spaces", "\0\0V2", NSQ_BAD, UNTOUCHED),
    ROW("a TLS hello", "\x16\x03\x01\x02", NSQ_BAD, UNTOUCHED),
#undef ROW
};

static void four_bytes_select_the_protocol(void **state)
{
    const struct exact *wall = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum nsq_protocol protocol = UNTOUCHED;
        enum nsq_parse outcome = nsq_magic_parse(exact_at_end(wall, rows[i].in), &protocol);
        if (outcome != rows[i].outcome || protocol != rows[i].protocol) {
            fail_msg("%s: outcome %d, protocol %d", rows[i].rule, (int)outcome, (int)protocol);
        }
    }
}

/* "  V2" with any one byte changed to any other is bad, except "  V1". */
static void every_byte_counts(void **state)
{
    const struct exact *wall = *state;
    for (size_t at = 0; at < NSQ_MAGIC_SIZE; at++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            uint8_t magic[NSQ_MAGIC_SIZE + 1] = NSQ_MAGIC_V2;
            enum nsq_parse expected = NSQ_BAD;
            if (magic[at] == byte || (at == 3 && byte == '1')) {
                expected = NSQ_OK;
            }
            magic[at] = (uint8_t)byte;
            enum nsq_protocol protocol;
            struct span in = exact_at_end(wall, span_make(magic, NSQ_MAGIC_SIZE));
            assert_int_equal(nsq_magic_parse(in, &protocol), expected);
        }
    }
}

static void no_bytes_may_be_nowhere(void **state)
{
    (void)state;
    enum nsq_protocol protocol = UNTOUCHED;
    assert_int_equal(nsq_magic_parse(span_make(NULL, 0), &protocol), NSQ_MORE);
    assert_int_equal(protocol, UNTOUCHED);
}

int main(void)
{
    struct exact wall;
    exact_open(&wall, 16);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(four_bytes_select_the_protocol, &wall),
        cmocka_unit_test_prestate(every_byte_counts, &wall),
        cmocka_unit_test(no_bytes_may_be_nowhere),
    };
    int failed = cmocka_run_group_tests_name("magic", tests, NULL, NULL);
    exact_close(&wall);
    return failed;
}
