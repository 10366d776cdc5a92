/* SPDX-License-Identifier: MIT */
/* Tests of src/serve/drive.h, with a handler that notes in which order its functions are called. */
#include "serve/drive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/time.h"

#define MANY 1000 /* rounds, more than any test needs */

/* --- a handler that notes its calls ----------------------------------------------------------- */

struct noter {
    char calls[64]; /* s: step, c: next_changed gave one, a: next_ask gave one */
    size_t n;
    int changed; /* connections that next_changed still gives */
    int logs;    /* log lines that next_ask still gives; */
    int appends; /* then so many appends, each of which changes a connection */
    int64_t deadline;
    int64_t judged; /* of the last step */
};

static void note(struct noter *noter, char call)
{
    noter->calls[noter->n++] = call;
}

static void on_step(void *self, int64_t now, int64_t judged)
{
    ((struct noter *)self)->judged = judged;
    assert_true(now == 10 || now == 0);
    note(self, 's');
}

static int64_t on_next_deadline(void *self)
{
    return ((struct noter *)self)->deadline;
}

static uint64_t on_next_changed(void *self)
{
    struct noter *noter = self;
    if (noter->changed == 0) {
        return 0;
    }
    note(noter, 'c');
    return (uint64_t)noter->changed--;
}

static struct ask on_next_ask(void *self)
{
    struct noter *noter = self;
    struct ask ask = {.kind = ASK_NONE};
    if (noter->logs > 0) {
        noter->logs--;
        ask.kind = ASK_LOG;
    } else if (noter->appends > 0) {
        noter->appends--;
        noter->changed++;
        ask.kind = ASK_APPEND;
    }
    if (ask.kind != ASK_NONE) {
        note(noter, 'a');
    }
    return ask;
}

static struct tcp_handler handler_of(struct noter *noter)
{
    return (struct tcp_handler){.self = noter,
                                .step = on_step,
                                .next_deadline = on_next_deadline,
                                .next_changed = on_next_changed,
                                .next_ask = on_next_ask};
}

/* What the driver was told to do, and what was called, in one line: i c a are turns. */
static void expect_rounds(struct noter *noter, unsigned rounds_max, const char *calls)
{
    struct tcp_handler handler = handler_of(noter);
    struct drive drive = {.rounds_max = rounds_max};
    while (drive_next(&drive, &handler, 10) != DRIVE_OVER) {
        if (drive.turn == DRIVE_INPUT) {
            note(noter, 'i');
        }
    }
    assert_string_equal(noter->calls, calls);
}

static void a_round_has_one_order(void **state)
{
    (void)state;
    struct noter noter = {.changed = 2, .logs = 2, .deadline = TIME_NEVER};
    expect_rounds(&noter, MANY, "isccaa");
}

static void after_an_ask_that_is_no_log_line_changes_are_looked_at_again(void **state)
{
    (void)state;
    struct noter noter = {.changed = 1, .logs = 1, .appends = 2, .deadline = TIME_NEVER};
    expect_rounds(&noter, MANY, "iscaaacc");
}

static void another_round_comes_while_something_is_due(void **state)
{
    (void)state;
    struct noter due = {.deadline = 10};
    expect_rounds(&due, 3, "isisis");
    struct noter past = {.deadline = TIME_PAST};
    expect_rounds(&past, 2, "isis");
    struct noter later = {.deadline = 11};
    expect_rounds(&later, 3, "is");
}

static void another_round_comes_while_the_driver_has_input(void **state)
{
    (void)state;
    struct noter noter = {.deadline = TIME_NEVER};
    struct tcp_handler handler = handler_of(&noter);
    struct drive drive = {.rounds_max = MANY};
    while (drive_next(&drive, &handler, 0) != DRIVE_OVER) {
        drive.more_input = drive.rounds < 4;
    }
    assert_int_equal(drive.rounds, 4);
    assert_false(drive_has_work_left(&drive, &handler, 0));
}

static void the_number_of_rounds_is_bounded(void **state)
{
    (void)state;
    struct noter noter = {.deadline = 0};
    struct tcp_handler handler = handler_of(&noter);
    struct drive drive = {.rounds_max = 5};
    while (drive_next(&drive, &handler, 0) != DRIVE_OVER) {
    }
    assert_int_equal(drive.rounds, 5);
    assert_true(drive_has_work_left(&drive, &handler, 0));
}

/* Does one round that ends the turn `turn` after `most` connections or requests. */
static bool drive_early(struct noter *noter, enum drive_turn turn, int most)
{
    struct tcp_handler handler = handler_of(noter);
    struct drive drive = {.rounds_max = 1};
    while (drive_next(&drive, &handler, 10) != DRIVE_OVER) {
        drive.enough = drive.turn == turn && --most <= 0;
    }
    return drive_has_work_left(&drive, &handler, 10);
}

/* What was not handed out waits for the next round. The other turns still come. */
static void a_turn_can_be_ended_early(void **state)
{
    (void)state;
    struct noter noter = {.changed = 3, .logs = 3, .deadline = TIME_NEVER};
    assert_true(drive_early(&noter, DRIVE_CHANGED, 2));
    assert_string_equal(noter.calls, "sccaaa");
    noter.logs = 2;
    assert_true(drive_early(&noter, DRIVE_ASK, 1));
    assert_string_equal(noter.calls, "sccaaasca");
    assert_false(drive_early(&noter, DRIVE_INPUT, 1));
    assert_string_equal(noter.calls, "sccaaascasa");
    /* Requests change connections again, but these wait too. */
    struct noter asks = {.changed = 2, .appends = 2, .deadline = TIME_NEVER};
    assert_true(drive_early(&asks, DRIVE_CHANGED, 1));
    assert_string_equal(asks.calls, "scaa");
    assert_int_equal(asks.changed, 3);
}

static void the_driver_says_up_to_which_time_deadlines_are_judged(void **state)
{
    (void)state;
    struct noter noter = {.deadline = TIME_NEVER};
    struct tcp_handler handler = handler_of(&noter);
    for (int64_t behind = 0; behind < 4; behind += 3) {
        struct drive drive = {.rounds_max = 1, .behind = behind};
        while (drive_next(&drive, &handler, 10) != DRIVE_OVER) {
        }
        assert_true(noter.judged == 10 - behind);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_round_has_one_order),
        cmocka_unit_test(after_an_ask_that_is_no_log_line_changes_are_looked_at_again),
        cmocka_unit_test(another_round_comes_while_something_is_due),
        cmocka_unit_test(another_round_comes_while_the_driver_has_input),
        cmocka_unit_test(the_number_of_rounds_is_bounded),
        cmocka_unit_test(a_turn_can_be_ended_early),
        cmocka_unit_test(the_driver_says_up_to_which_time_deadlines_are_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
