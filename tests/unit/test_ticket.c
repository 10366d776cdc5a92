/* SPDX-License-Identifier: MIT */
/* Tests of serve/ticket.h: what waits for an answer, by the number of its ask. */
#include "serve/ticket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/list.h"

struct waiter {
    int answers;
    char why[16];
    int64_t now;
    struct tickets *tickets;
    struct ticket ticket; /* not first, so that container_of has something to do */
    struct ticket *other; /* forgotten by the answer, when there is one */
};

static void note_answer(struct ticket *ticket, struct span why, int64_t now)
{
    struct waiter *w = container_of(ticket, struct waiter, ticket);
    w->answers++;
    w->now = now;
    memcpy(w->why, why.n == 0 ? "" : (const char *)why.p, why.n);
    assert_int_equal(ticket->number, 0);
    if (w->other != NULL) {
        tickets_forget(w->tickets, w->other);
    }
}

static void wait_for(struct tickets *tickets, struct waiter *w, uint64_t number)
{
    w->tickets = tickets;
    tickets_wait(tickets, &w->ticket, number, note_answer);
}

static void answers_find_who_waits_in_any_order(void **state)
{
    (void)state;
    struct tickets tickets = {0};
    struct waiter w[100] = {0};
    for (uint64_t i = 0; i < 100; i++) {
        wait_for(&tickets, &w[i], (i + 1) << (i % 40)); /* the same low bits, too */
    }
    for (size_t i = 100; i-- > 0;) {
        tickets_answer(&tickets, w[i].ticket.number, SPAN(""), (int64_t)i);
    }
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(w[i].answers, 1);
        assert_int_equal(w[i].now, i);
        assert_string_equal(w[i].why, "");
    }
    assert_null(tickets.table);
}

static void an_answer_says_why_not(void **state)
{
    (void)state;
    struct tickets tickets = {0};
    struct waiter w = {0};
    wait_for(&tickets, &w, 7);
    tickets_answer(&tickets, 7, SPAN("disk is full"), 5);
    assert_string_equal(w.why, "disk is full");
}

static void an_answer_that_nobody_waits_for_is_ignored(void **state)
{
    (void)state;
    struct tickets tickets = {0};
    struct waiter w = {0};
    tickets_answer(&tickets, 7, SPAN(""), 0);
    wait_for(&tickets, &w, 7);
    tickets_answer(&tickets, 8, SPAN(""), 0);
    tickets_answer(&tickets, 0, SPAN(""), 0);
    assert_int_equal(w.answers, 0);
    tickets_answer(&tickets, 7, SPAN(""), 0);
    tickets_answer(&tickets, 7, SPAN(""), 0); /* a second time */
    assert_int_equal(w.answers, 1);
}

static void what_is_forgotten_is_not_answered(void **state)
{
    (void)state;
    struct tickets tickets = {0};
    struct waiter a = {0};
    struct waiter b = {0};
    tickets_forget(&tickets, &a.ticket); /* it never waited */
    wait_for(&tickets, &a, 1);
    wait_for(&tickets, &b, 2);
    tickets_forget(&tickets, &a.ticket);
    tickets_forget(&tickets, &a.ticket);
    tickets_answer(&tickets, 1, SPAN(""), 0);
    tickets_answer(&tickets, 2, SPAN(""), 0);
    assert_int_equal(a.answers, 0);
    assert_int_equal(b.answers, 1);
    assert_null(tickets.table);
}

static void an_answer_may_forget_and_wait_again(void **state)
{
    (void)state;
    struct tickets tickets = {0};
    struct waiter a = {0};
    struct waiter b = {0};
    wait_for(&tickets, &a, 1);
    wait_for(&tickets, &b, 2);
    a.other = &b.ticket;
    tickets_answer(&tickets, 1, SPAN(""), 0);
    assert_null(tickets.table);
    wait_for(&tickets, &a, 3);
    tickets_answer(&tickets, 3, SPAN(""), 0);
    assert_int_equal(a.answers, 2);
    assert_int_equal(b.answers, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_find_who_waits_in_any_order),
        cmocka_unit_test(an_answer_says_why_not),
        cmocka_unit_test(an_answer_that_nobody_waits_for_is_ignored),
        cmocka_unit_test(what_is_forgotten_is_not_answered),
        cmocka_unit_test(an_answer_may_forget_and_wait_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
