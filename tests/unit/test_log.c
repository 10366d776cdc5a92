/* SPDX-License-Identifier: MIT */
/* Tests of base/log.h: events, their copies of arguments, and their bound. */
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void events_come_out_as_they_went_in(void **state)
{
    (void)state;
    struct log log;
    log_init(&log, LOG_INFO);
    assert_null(log_next(&log));
    log_say(&log, LOG_INFO, "one %", SPAN("a"));
    log_say(&log, LOG_ERROR, "two % %", SPAN("b\0c"), SPAN(""));
    assert_int_equal(log.count, 2);

    struct log_event *event = log_next(&log);
    assert_int_equal(event->level, LOG_INFO);
    assert_string_equal(event->form, "one %");
    assert_true(span_equal(event->args[0], SPAN("a")));
    assert_int_equal(event->args[1].n, 0);
    log_event_free(event);
    assert_int_equal(log.count, 1);

    event = log_next(&log);
    assert_int_equal(event->level, LOG_ERROR);
    assert_string_equal(event->form, "two % %");
    assert_true(span_equal(event->args[0], SPAN("b\0c")));
    assert_int_equal(event->args[1].n, 0);
    log_event_free(event);

    assert_null(log_next(&log));
    assert_int_equal(log.count, 0);
    log_event_free(NULL);
    log_free(&log);
}

static void arguments_are_copies(void **state)
{
    (void)state;
    struct log log;
    log_init(&log, LOG_DEBUG);
    char first[] = "first";
    char second[] = "second";
    log_say(&log, LOG_DEBUG, "% %", span_make(first, 5), span_make(second, 6));
    memset(first, 'x', 5);
    memset(second, 'x', 6);
    struct log_event *event = log_next(&log);
    assert_true(span_equal(event->args[0], SPAN("first")));
    assert_true(span_equal(event->args[1], SPAN("second")));
    log_event_free(event);
    log_free(&log);
}

static void an_event_has_as_many_arguments_as_fit(void **state)
{
    (void)state;
    struct log log;
    log_init(&log, LOG_DEBUG);
    const struct span args[LOG_ARGS_MAX] = {SPAN("1"), span_make(NULL, 0), SPAN("3"), SPAN("4")};
    log_add(&log, LOG_DEBUG, "none", NULL, 0);
    log_add(&log, LOG_DEBUG, "all", args, LOG_ARGS_MAX);
    struct log_event *event = log_next(&log);
    for (size_t i = 0; i < LOG_ARGS_MAX; i++) {
        assert_int_equal(event->args[i].n, 0);
    }
    log_event_free(event);
    event = log_next(&log);
    for (size_t i = 0; i < LOG_ARGS_MAX; i++) {
        assert_true(span_equal(event->args[i], args[i]));
    }
    log_event_free(event);
    log_free(&log);
}

static void an_argument_is_cut_to_its_bound(void **state)
{
    (void)state;
    uint8_t bytes[LOG_ARG_MAX + 1];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)i;
    }
    for (size_t n = LOG_ARG_MAX - 1; n <= LOG_ARG_MAX + 1; n++) {
        struct log log;
        log_init(&log, LOG_DEBUG);
        log_say(&log, LOG_DEBUG, "% %", span_make(bytes, n), SPAN("behind it"));
        struct log_event *event = log_next(&log);
        size_t kept = n < LOG_ARG_MAX ? n : LOG_ARG_MAX;
        assert_true(span_equal(event->args[0], span_make(bytes, kept)));
        assert_true(span_equal(event->args[1], SPAN("behind it")));
        log_event_free(event);
        log_free(&log);
    }
}

static void events_below_the_least_level_are_not_made(void **state)
{
    (void)state;
    for (int least = LOG_DEBUG; least <= LOG_FATAL; least++) {
        struct log log;
        log_init(&log, (enum log_level)least);
        for (int level = LOG_DEBUG; level <= LOG_FATAL; level++) {
            bool wanted = level >= least;
            size_t before = log.count;
            assert_true(log_wants(&log, (enum log_level)level) == wanted);
            log_say(&log, (enum log_level)level, "said", SPAN(""));
            assert_int_equal(log.count, before + wanted);
            log_add(&log, (enum log_level)level, "added", NULL, 0);
            assert_int_equal(log.count, before + 2 * (size_t)wanted);
        }
        assert_int_equal(log.dropped, 0);
        log_free(&log); /* an event is still waiting */
        assert_int_equal(log.count, 0);
    }
}

static struct span counted(int *calls)
{
    ++*calls;
    return SPAN("x");
}

static void what_is_not_wanted_costs_nothing(void **state)
{
    (void)state;
    int calls = 0;
    struct log log;
    log_init(&log, LOG_INFO);
    log_say(&log, LOG_DEBUG, "%", counted(&calls));
    assert_int_equal(calls, 0);
    log_say(&log, LOG_INFO, "%", counted(&calls));
    assert_int_equal(calls, 1);
    log_free(&log);
}

static void more_than_may_wait_are_counted_and_dropped(void **state)
{
    (void)state;
    struct log log;
    log_init(&log, LOG_INFO);
    for (size_t i = 0; i < LOG_WAITING_MAX - 1; i++) {
        log_say(&log, LOG_INFO, "%", SPAN("early"));
    }
    assert_int_equal(log.dropped, 0);
    log_say(&log, LOG_INFO, "%", SPAN("last"));
    assert_int_equal(log.dropped, 0);
    assert_int_equal(log.count, LOG_WAITING_MAX);
    log_say(&log, LOG_INFO, "%", SPAN("late"));
    log_say(&log, LOG_DEBUG, "%", SPAN("not wanted"));
    assert_int_equal(log.dropped, 1);
    assert_int_equal(log.count, LOG_WAITING_MAX);

    log_event_free(log_next(&log));
    log_say(&log, LOG_INFO, "%", SPAN("there is room again"));
    assert_int_equal(log.dropped, 1);
    struct log_event *event;
    size_t n = 0;
    bool late = false;
    while ((event = log_next(&log)) != NULL) {
        late = late || span_equal(event->args[0], SPAN("late"));
        log_event_free(event);
        n++;
    }
    assert_int_equal(n, LOG_WAITING_MAX);
    assert_false(late);
    log_free(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_out_as_they_went_in),
        cmocka_unit_test(arguments_are_copies),
        cmocka_unit_test(an_event_has_as_many_arguments_as_fit),
        cmocka_unit_test(an_argument_is_cut_to_its_bound),
        cmocka_unit_test(events_below_the_least_level_are_not_made),
        cmocka_unit_test(what_is_not_wanted_costs_nothing),
        cmocka_unit_test(more_than_may_wait_are_counted_and_dropped),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
