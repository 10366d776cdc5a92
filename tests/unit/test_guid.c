/* SPDX-License-Identifier: MIT */
/* Tests of broker/guid.h: message ids, their clock, their text. */
#include "broker/guid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/exact.h"

#define TICK ((int64_t)1 << 20) /* ns */
#define SEQUENCES 4096
#define EPOCH INT64_C(1288834974288) /* ticks; 2012-10-28 */
#define WALL (TICK * (EPOCH + 1000)) /* ns; the beginning of a tick some time after that */

static int64_t tick_of(uint64_t id)
{
    return (int64_t)(id >> 22) + EPOCH;
}

static unsigned node_of(uint64_t id)
{
    return (unsigned)(id >> 12) & (GUID_NODES - 1);
}

static unsigned sequence_of(uint64_t id)
{
    return (unsigned)id & (SEQUENCES - 1);
}

static void an_id_is_tick_node_and_sequence(void **state)
{
    (void)state;
    static const struct {
        int64_t wall;
        unsigned node;
        uint64_t id;
    } rows[] = {
        {1795398054536282017, 637, 0x18a500d20827d000}, /* seen on upstream's nsqd 1.3.0 */
        {TICK * EPOCH, 0, 0},
        {TICK * EPOCH + TICK - 1, 0, 0},
        {TICK * EPOCH + TICK, 0, 0x400000},
        {TICK * EPOCH, 1, 0x1000},
        {TICK * EPOCH, 1023, 0x3ff000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct guid_clock clock = {0};
        if (guid_next(&clock, rows[i].node, rows[i].wall) != rows[i].id) {
            fail_msg("row %zu", i);
        }
    }
}

static void a_tick_has_4096_ids_and_then_the_clock_runs_ahead(void **state)
{
    (void)state;
    struct guid_clock clock = {0};
    for (unsigned i = 0; i < 2 * SEQUENCES + 1; i++) {
        uint64_t id = guid_next(&clock, 5, WALL);
        assert_true(tick_of(id) == EPOCH + 1000 + i / SEQUENCES);
        assert_int_equal(sequence_of(id), i % SEQUENCES);
        assert_int_equal(node_of(id), 5);
    }
}

static void a_new_tick_begins_at_sequence_0(void **state)
{
    (void)state;
    struct guid_clock clock = {0};
    (void)guid_next(&clock, 0, WALL);
    assert_int_equal(sequence_of(guid_next(&clock, 0, WALL + TICK - 1)), 1);
    uint64_t id = guid_next(&clock, 0, WALL + TICK);
    assert_int_equal(sequence_of(id), 0);
    assert_true(tick_of(id) == EPOCH + 1001);
}

static void a_clock_that_ran_ahead_waits_for_the_wall(void **state)
{
    (void)state;
    struct guid_clock clock = {0};
    for (unsigned i = 0; i < SEQUENCES + 1; i++) {
        (void)guid_next(&clock, 0, WALL);
    }
    uint64_t id = guid_next(&clock, 0, WALL + TICK); /* the tick in which the clock is already */
    assert_true(tick_of(id) == EPOCH + 1001);
    assert_int_equal(sequence_of(id), 1);
    id = guid_next(&clock, 0, WALL + 2 * TICK);
    assert_true(tick_of(id) == EPOCH + 1002);
    assert_int_equal(sequence_of(id), 0);
}

static void ids_rise_when_the_wall_clock_goes_back(void **state)
{
    (void)state;
    static const int64_t walls[] = {WALL, WALL - 1,  WALL - TICK, WALL - 1000 * TICK, 0,
                                    -1,   INT64_MIN, WALL,        WALL + 1,           INT64_MIN};
    struct guid_clock clock = {0};
    for (unsigned i = 0; i < sizeof walls / sizeof walls[0]; i++) {
        uint64_t id = guid_next(&clock, 0, walls[i]);
        assert_true(tick_of(id) == EPOCH + 1000);
        assert_int_equal(sequence_of(id), i);
    }
}

/* Also as text, which is how clients compare them. nsqd's ids are negative before 2012, and as text
 * they fall when the clock is set right. */
static void ids_rise_through_2012(void **state)
{
    (void)state;
    static const int64_t walls[] = {
        INT64_MIN,           -TICK, -1, 0, 1, TICK, TICK * (EPOCH - 1), TICK * EPOCH,
        TICK * EPOCH + TICK, WALL,
    };
    enum { COUNT = sizeof walls / sizeof walls[0] };
    for (size_t start = 0; start < COUNT; start++) {
        struct guid_clock clock = {0};
        uint8_t last[NSQ_MESSAGE_ID_SIZE] = {0};
        for (size_t i = start; i < COUNT; i++) {
            uint8_t text[NSQ_MESSAGE_ID_SIZE];
            uint64_t id = guid_next(&clock, 1023, walls[i]);
            guid_print(id, text);
            assert_true(memcmp(text, last, sizeof text) > 0);
            assert_true((int64_t)id > 0);
            memcpy(last, text, sizeof last);
        }
    }
}

static void ids_rise_whatever_the_wall_clock_does(void **state)
{
    (void)state;
    unsigned random = 1;
    struct guid_clock clock = {0};
    uint64_t last = 0;
    int64_t wall = WALL;
    for (int i = 0; i < 100000; i++) {
        random = random * 1103515245U + 12345U;
        if (random >> 24 == 0) {
            wall += ((int64_t)(random >> 8 & 0xffff) - 0x6000) * 1000;
        }
        uint64_t id = guid_next(&clock, 77, wall);
        assert_true(id > last);
        assert_true(tick_of(id) >= wall / TICK);
        assert_int_equal(node_of(id), 77);
        last = id;
    }
}

/* --- text ------------------------------------------------------------------------------------- */

static const struct {
    uint64_t id;
    const char *text;
} texts[] = {
    {0, "0000000000000000"},
    {1, "0000000000000001"},
    {0x0123456789abcdef, "0123456789abcdef"},
    {0xfedcba9876543210, "fedcba9876543210"},
    {UINT64_MAX, "ffffffffffffffff"},
    {(uint64_t)1 << 63, "8000000000000000"},
};

static void ids_are_16_lowercase_digits(void **state)
{
    const struct exact *wall = *state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        uint8_t *out = exact_room(wall, NSQ_MESSAGE_ID_SIZE);
        guid_print(texts[i].id, out);
        assert_memory_equal(out, texts[i].text, NSQ_MESSAGE_ID_SIZE);
        assert_int_equal(out[-1], EXACT_CANARY);

        uint64_t id = ~texts[i].id;
        struct span text = span_make(texts[i].text, NSQ_MESSAGE_ID_SIZE);
        assert_true(guid_parse(exact_at_end(wall, text), &id));
        assert_true(id == texts[i].id);
    }
}

static void only_what_is_printed_is_read(void **state)
{
    const struct exact *wall = *state;
    for (size_t at = 0; at < NSQ_MESSAGE_ID_SIZE; at++) {
        for (unsigned c = 0; c < 256; c++) {
            uint8_t text[NSQ_MESSAGE_ID_SIZE];
            memset(text, '7', sizeof text);
            text[at] = (uint8_t)c;
            bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); /* not 'A' to 'F' */
            uint64_t id;
            if (guid_parse(exact_at_end(wall, span_make(text, sizeof text)), &id) != digit) {
                fail_msg("byte %02x at %zu", c, at);
            }
        }
    }
}

static void only_16_bytes_are_read(void **state)
{
    const struct exact *wall = *state;
    static const char digits[] = "0123456789abcdef0";
    for (size_t n = 0; n < sizeof digits; n++) {
        uint64_t id;
        struct span text = exact_at_end(wall, span_make(digits, n));
        assert_true(guid_parse(text, &id) == (n == NSQ_MESSAGE_ID_SIZE));
    }
}

int main(void)
{
    struct exact wall;
    exact_open(&wall, 64);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_is_tick_node_and_sequence),
        cmocka_unit_test(a_tick_has_4096_ids_and_then_the_clock_runs_ahead),
        cmocka_unit_test(a_new_tick_begins_at_sequence_0),
        cmocka_unit_test(a_clock_that_ran_ahead_waits_for_the_wall),
        cmocka_unit_test(ids_rise_when_the_wall_clock_goes_back),
        cmocka_unit_test(ids_rise_through_2012),
        cmocka_unit_test(ids_rise_whatever_the_wall_clock_does),
        cmocka_unit_test_prestate(ids_are_16_lowercase_digits, &wall),
        cmocka_unit_test_prestate(only_what_is_printed_is_read, &wall),
        cmocka_unit_test_prestate(only_16_bytes_are_read, &wall),
    };
    int failed = cmocka_run_group_tests_name("guid", tests, NULL, NULL);
    exact_close(&wall);
    return failed;
}
