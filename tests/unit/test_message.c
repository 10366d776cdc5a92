/* SPDX-License-Identifier: MIT */
/* Tests of broker/message.h: messages of a body, and queues of them. */
#include "broker/body.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct body *body_of(struct budget *budget, struct span bytes)
{
    struct draft draft;
    draft_begin(&draft, (uint32_t)bytes.n);
    assert_true(draft_add(&draft, budget, BUDGET_QUEUE, bytes));
    return draft_finish(&draft);
}

static void a_message_is_charged_until_it_ends(void **state)
{
    (void)state;
    struct budget budget = {.cap = SIZE_MAX};
    struct body *body = body_of(&budget, SPAN("body"));
    struct message *message = message_first(body);
    assert_int_equal(budget.used, body_cost(4)); /* the first message is inside the body */
    assert_ptr_equal(message->body, body);
    assert_int_equal(message->attempts, 0);
    assert_int_equal(body->refs, 1); /* it took the reference of the test */
    message_drop(message, &budget);
    assert_int_equal(budget.used, 0);
}

static void messages_share_a_body(void **state)
{
    (void)state;
    struct budget budget = {.cap = SIZE_MAX};
    struct body *body = body_of(&budget, SPAN("body"));
    struct message *first = message_first(body);
    struct message *second = message_share(body, &budget);
    struct message *third = message_share(body, &budget);
    assert_int_equal(body->refs, 3);
    assert_int_equal(budget.used, body_cost(4) + 2 * MESSAGE_COST);
    message_drop(second, &budget);
    assert_int_equal(budget.used, body_cost(4) + MESSAGE_COST);
    message_drop(first, &budget); /* its memory is freed with the body */
    assert_int_equal(budget.used, body_cost(4) + MESSAGE_COST);
    assert_true(span_equal(body_span(third->body), SPAN("body")));
    assert_int_equal(third->attempts, 0);
    message_drop(third, &budget);
    assert_int_equal(budget.used, 0);
}

static void the_first_in_is_the_first_out(void **state)
{
    (void)state;
    struct budget budget = {.cap = SIZE_MAX};
    struct queue q = {0};
    struct message *m[4];
    assert_null(queue_pop(&q));
    for (size_t i = 0; i < 4; i++) {
        m[i] = message_first(body_of(&budget, SPAN("b")));
    }
    queue_push(&q, m[0]);
    assert_int_equal(q.n, 1);
    assert_ptr_equal(queue_pop(&q), m[0]); /* the only one */
    assert_int_equal(q.n, 0);
    assert_null(q.first);
    assert_null(q.last);
    assert_null(queue_pop(&q));

    queue_push(&q, m[1]);
    queue_push(&q, m[0]);
    queue_push(&q, m[3]);
    assert_ptr_equal(queue_pop(&q), m[1]);
    queue_push(&q, m[2]);
    queue_push(&q, m[1]); /* again, at the end */
    assert_int_equal(q.n, 4);
    assert_ptr_equal(queue_pop(&q), m[0]);
    assert_ptr_equal(queue_pop(&q), m[3]);
    assert_ptr_equal(queue_pop(&q), m[2]);
    assert_ptr_equal(queue_pop(&q), m[1]);
    assert_null(queue_pop(&q));
    for (size_t i = 0; i < 4; i++) {
        message_drop(m[i], &budget);
    }
    assert_int_equal(budget.used, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_charged_until_it_ends),
        cmocka_unit_test(messages_share_a_body),
        cmocka_unit_test(the_first_in_is_the_first_out),
    };
    return cmocka_run_group_tests_name("message", tests, NULL, NULL);
}
