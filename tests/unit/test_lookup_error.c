/* SPDX-License-Identifier: MIT */
/* Tests of the errors of nsq/lookup.h: the text of each, and the room that it needs. */
#include <nsq/lookup.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/exact.h"

#define ROOM 256

static struct exact wall;

/* The texts up to NSQ_LOOKUP_MISSING_FIELDS are what nsqlookupd 1.3.0 sends. */
static const struct {
    enum nsq_lookup_why why;
    const char *text;
} rows[] = {
    {NSQ_LOOKUP_NO_ERROR, ""},
    {NSQ_LOOKUP_BAD_PROTOCOL, "E_BAD_PROTOCOL"},
    {NSQ_LOOKUP_BAD_COMMAND, "E_INVALID invalid command %t"},
    {NSQ_LOOKUP_NOT_IDENTIFIED, "E_INVALID client must IDENTIFY"},
    {NSQ_LOOKUP_IDENTIFIED_TWICE, "E_INVALID cannot IDENTIFY again"},
    {NSQ_LOOKUP_NO_TOPIC, "E_INVALID UNREGISTER insufficient number of params"},
    {NSQ_LOOKUP_BAD_TOPIC, "E_BAD_TOPIC UNREGISTER topic name '%t' is not valid"},
    {NSQ_LOOKUP_BAD_CHANNEL, "E_BAD_CHANNEL UNREGISTER channel name '%t' is not valid"},
    {NSQ_LOOKUP_SIZE_CUT_OFF, "E_BAD_BODY IDENTIFY failed to read body size"},
    {NSQ_LOOKUP_BODY_CUT_OFF, "E_BAD_BODY IDENTIFY failed to read body"},
    {NSQ_LOOKUP_BAD_JSON, "E_BAD_BODY IDENTIFY failed to decode JSON body"},
    {NSQ_LOOKUP_MISSING_FIELDS, "E_BAD_BODY IDENTIFY missing fields"},
    {NSQ_LOOKUP_LINE_TOO_LONG, "E_INVALID line has more than 9223372036854775807 bytes"},
    {NSQ_LOOKUP_BAD_SIZE, "E_BAD_BODY IDENTIFY invalid body size -9223372036854775808"},
    {NSQ_LOOKUP_BODY_TOO_BIG,
     "E_BAD_BODY IDENTIFY body too big -9223372036854775808 > 9223372036854775807"},
    {NSQ_LOOKUP_TOO_MANY,
     "E_INVALID REGISTER more than 9223372036854775807 registrations on one connection"},
};

/* Every field is set; the text of the error looks like a place for a field. */
static struct nsq_lookup_error example(enum nsq_lookup_why why)
{
    struct nsq_lookup_error error = {.why = why,
                                     .id = NSQ_LOOKUP_UNREGISTER,
                                     .text = SPAN("%t"),
                                     .value = INT64_MIN,
                                     .limit = INT64_MAX};
    return error;
}

static void each_error_has_its_text(void **state)
{
    (void)state;
    assert_int_equal(sizeof rows / sizeof rows[0], NSQ_LOOKUP_WHY_COUNT);
    for (size_t i = 0; i < NSQ_LOOKUP_WHY_COUNT; i++) {
        assert_int_equal(rows[i].why, i);
        struct nsq_lookup_error error = example(rows[i].why);
        size_t size = strlen(rows[i].text);
        for (size_t room = 0; room <= size + 1; room++) {
            uint8_t *out = room == 0 ? NULL : exact_room(&wall, room);
            assert_int_equal(nsq_lookup_error_encode(&error, out, room), size);
            if (room < size) {
                assert_true(room == 0 || out[0] == EXACT_CANARY);
            } else if (size > 0) {
                assert_memory_equal(out, rows[i].text, size);
            }
        }
    }
}

/* What a client finds before the first space is a code of nsq/error.h. */
static void each_text_begins_with_a_code(void **state)
{
    (void)state;
    for (size_t i = 1; i < NSQ_LOOKUP_WHY_COUNT; i++) {
        struct nsq_lookup_error error = example(rows[i].why);
        uint8_t out[ROOM];
        size_t size = nsq_lookup_error_encode(&error, out, sizeof out);
        struct span text;
        assert_int_not_equal(nsq_error_split(span_make(out, size), &text), NSQ_E_NONE);
    }
}

static void small_numbers_are_written(void **state)
{
    (void)state;
    struct nsq_lookup_error error = {.why = NSQ_LOOKUP_BODY_TOO_BIG, .value = 10, .limit = 0};
    uint8_t out[ROOM];
    size_t size = nsq_lookup_error_encode(&error, out, sizeof out);
    assert_true(span_equal(span_make(out, size), SPAN("E_BAD_BODY IDENTIFY body too big 10 > 0")));
}

static void an_empty_name_may_be_nowhere(void **state)
{
    (void)state;
    struct nsq_lookup_error error = {.why = NSQ_LOOKUP_BAD_TOPIC, .id = NSQ_LOOKUP_REGISTER};
    uint8_t out[ROOM];
    size_t size = nsq_lookup_error_encode(&error, out, sizeof out);
    assert_true(
        span_equal(span_make(out, size), SPAN("E_BAD_TOPIC REGISTER topic name '' is not valid")));
}

/* Such a text is not read: it is only measured or refused. */
static void a_text_that_fits_no_reply_is_refused(void **state)
{
    (void)state;
    struct nsq_lookup_error error = {.why = NSQ_LOOKUP_BAD_COMMAND};
    error.text = span_make(wall.end, INT32_MAX - 128);
    assert_int_equal(nsq_lookup_error_encode(&error, NULL, 0), INT32_MAX - 128 + 26);
    error.text.n++;
    uint8_t *out = exact_room(&wall, ROOM);
    assert_int_equal(nsq_lookup_error_encode(&error, out, SIZE_MAX), 0);
    error.text.n = SIZE_MAX;
    assert_int_equal(nsq_lookup_error_encode(&error, out, SIZE_MAX), 0);
    assert_int_equal(out[0], EXACT_CANARY);
}

int main(void)
{
    exact_open(&wall, ROOM);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_error_has_its_text),
        cmocka_unit_test(each_text_begins_with_a_code),
        cmocka_unit_test(small_numbers_are_written),
        cmocka_unit_test(an_empty_name_may_be_nowhere),
        cmocka_unit_test(a_text_that_fits_no_reply_is_refused),
    };
    int failed = cmocka_run_group_tests_name("lookup error", tests, NULL, NULL);
    exact_close(&wall);
    return failed;
}
