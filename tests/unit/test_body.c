/* SPDX-License-Identifier: MIT */
/* Tests of broker/body.h: bodies that are shared, and drafts of bodies that are still arriving. */
#include "broker/body.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define LEAST 4096 /* bytes of room that a draft which arrives in parts begins with */
#define MOST 100000

/* Each byte says at which place it belongs. */
static struct span sample(size_t n)
{
    static uint8_t bytes[MOST];
    for (size_t i = 0; i < n; i++) {
        bytes[i] = (uint8_t)(i * 7 + i / 256);
    }
    return span_make(bytes, n);
}

static void a_body_that_comes_at_once_takes_what_it_needs(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {1, 2, LEAST - 1, LEAST, LEAST + 1, MOST};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct budget budget = {.cap = body_cost(sizes[i])};
        struct draft draft;
        draft_begin(&draft, sizes[i]);
        assert_int_equal(budget.used, 0);
        assert_true(draft_add(&draft, &budget, BUDGET_QUEUE, sample(sizes[i])));
        assert_int_equal(budget.used, body_cost(sizes[i]));
        struct body *body = draft_finish(&draft);
        assert_null(draft.body);
        assert_int_equal(body->refs, 1);
        assert_int_equal(body->id, 0);
        assert_int_equal(body->timestamp, 0);
        assert_int_equal(body->deferred, 0);
        assert_true(span_equal(body_span(body), sample(sizes[i])));
        draft_drop(&draft, &budget); /* the draft has ended */
        assert_int_equal(budget.used, body_cost(sizes[i]));
        body_drop(body, &budget);
        assert_int_equal(budget.used, 0);
    }
}

/* The most that may be charged when `have` of `size` bytes have arrived. */
static size_t fair_cost(size_t have, size_t size)
{
    size_t room = have <= LEAST ? LEAST : 2 * have;
    return body_cost(room < size ? room : size);
}

static void a_body_in_pieces_grows_with_what_came(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {1,         2,         LEAST - 1,     LEAST,
                                     LEAST + 1, 2 * LEAST, 2 * LEAST + 1, MOST};
    static const size_t pieces[] = {1, 3, LEAST - 1, LEAST, LEAST + 1, 3 * LEAST, MOST - 1};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (size_t k = 0; k < sizeof pieces / sizeof pieces[0]; k++) {
            struct budget budget = {.cap = body_cost(sizes[i])};
            struct draft draft;
            struct span rest = sample(sizes[i]);
            draft_begin(&draft, sizes[i]);
            while (rest.n > 0) {
                struct span piece = span_first(rest, pieces[k]);
                assert_true(draft_add(&draft, &budget, BUDGET_QUEUE, piece));
                rest = span_skip(rest, piece.n);
                assert_int_equal(draft.have, sizes[i] - rest.n);
                assert_true(budget.used <= fair_cost(draft.have, sizes[i]));
                assert_int_equal(budget.used, body_cost(draft.cap));
            }
            assert_int_equal(budget.used, body_cost(sizes[i]));
            struct body *body = draft_finish(&draft);
            assert_true(span_equal(body_span(body), sample(sizes[i])));
            body_drop(body, &budget);
            assert_int_equal(budget.used, 0);
        }
    }
}

static void announcing_much_costs_little(void **state)
{
    (void)state;
    struct budget budget = {.cap = SIZE_MAX};
    struct draft draft;
    draft_begin(&draft, UINT32_MAX);
    assert_true(draft_add(&draft, &budget, BUDGET_QUEUE, sample(1)));
    assert_int_equal(budget.used, body_cost(LEAST));
    assert_true(draft_add(&draft, &budget, BUDGET_QUEUE, sample(LEAST)));
    assert_int_equal(budget.used, body_cost(2 * (LEAST + 1)));
    draft_drop(&draft, &budget);
    assert_int_equal(budget.used, 0);
    assert_null(draft.body);
}

/* So the memory of a body that comes in two pieces is not moved. */
static void a_body_of_which_half_has_come_has_all_its_room(void **state)
{
    (void)state;
    for (uint32_t n = MOST / 2 - 1; n <= MOST / 2 + 1; n++) {
        uint32_t room = n < MOST / 2 ? 2 * n : MOST;
        struct budget budget = {.cap = body_cost(room) - 1};
        struct draft draft;
        draft_begin(&draft, MOST);
        assert_false(draft_add(&draft, &budget, BUDGET_QUEUE, sample(n)));
        budget.cap = body_cost(room);
        assert_true(draft_add(&draft, &budget, BUDGET_QUEUE, sample(n)));
        assert_int_equal(budget.used, body_cost(room));
        struct span rest = span_skip(sample(MOST), n);
        assert_true(draft_add(&draft, &budget, BUDGET_QUEUE, span_first(rest, room - n)));
        assert_true(span_equal(span_make(draft.body->bytes, room), sample(room)));
        draft_drop(&draft, &budget);
    }
}

static void a_body_larger_than_the_room_is_refused(void **state)
{
    (void)state;
    for (uint32_t size = 99; size <= 101; size++) {
        struct budget budget = {.cap = body_cost(100)};
        struct draft draft;
        draft_begin(&draft, size);
        bool added = draft_add(&draft, &budget, BUDGET_QUEUE, sample(size));
        assert_true(added == (size <= 100));
        assert_int_equal(budget.used, added ? body_cost(size) : 0);
        assert_true((draft.body == NULL) == !added);
        draft_drop(&draft, &budget);
        assert_int_equal(budget.used, 0);
    }
}

static void a_refused_piece_leaves_the_draft_as_it_was(void **state)
{
    (void)state;
    struct budget budget = {.cap = body_cost(2 * (LEAST + 1)) - 1};
    struct draft draft;
    draft_begin(&draft, MOST);
    assert_true(draft_add(&draft, &budget, BUDGET_QUEUE, sample(LEAST)));
    struct draft before = draft;
    for (int i = 0; i < 2; i++) {
        assert_false(draft_add(&draft, &budget, BUDGET_QUEUE,
                               span_first(span_skip(sample(MOST), LEAST), 1)));
        assert_memory_equal(&draft, &before, sizeof draft);
        assert_int_equal(budget.used, body_cost(LEAST));
    }
    budget.cap = body_cost(MOST);
    assert_true(draft_add(&draft, &budget, BUDGET_QUEUE, span_skip(sample(MOST), LEAST)));
    struct body *body = draft_finish(&draft);
    assert_true(span_equal(body_span(body), sample(MOST)));
    body_drop(body, &budget);
    assert_int_equal(budget.used, 0);
}

static void a_piece_that_fits_in_the_room_asks_for_none(void **state)
{
    (void)state;
    struct budget budget = {.cap = SIZE_MAX};
    struct draft draft;
    draft_begin(&draft, LEAST);
    assert_true(draft_add(&draft, &budget, BUDGET_QUEUE, sample(1)));
    budget.cap = 0;
    assert_true(draft_add(&draft, &budget, BUDGET_QUEUE, span_skip(sample(LEAST), 1)));
    assert_true(span_equal(span_make(draft.body->bytes, LEAST), sample(LEAST)));
    draft_drop(&draft, &budget);
}

static void a_draft_can_be_given_up_at_any_time(void **state)
{
    (void)state;
    struct budget budget = {.cap = SIZE_MAX};
    struct draft draft = {0};
    draft_drop(&draft, &budget); /* no draft was begun */
    draft_begin(&draft, MOST);
    draft_drop(&draft, &budget); /* nothing has arrived */
    for (size_t n = 1; n <= MOST; n = n * 3 + 1) {
        draft_begin(&draft, MOST);
        assert_true(draft_add(&draft, &budget, BUDGET_QUEUE, sample(n)));
        draft_drop(&draft, &budget);
        assert_int_equal(budget.used, 0);
        assert_int_equal(draft.size, 0);
    }
}

static void the_last_reference_frees(void **state)
{
    (void)state;
    struct budget budget = {.cap = SIZE_MAX};
    struct draft draft;
    draft_begin(&draft, 3);
    assert_true(draft_add(&draft, &budget, BUDGET_QUEUE, SPAN("abc")));
    struct body *body = draft_finish(&draft);
    body->refs = 3;
    body_drop(body, &budget);
    body_drop(body, &budget);
    assert_int_equal(body->refs, 1);
    assert_int_equal(budget.used, body_cost(3));
    assert_true(span_equal(body_span(body), SPAN("abc")));
    body_drop(body, &budget);
    assert_int_equal(budget.used, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_that_comes_at_once_takes_what_it_needs),
        cmocka_unit_test(a_body_in_pieces_grows_with_what_came),
        cmocka_unit_test(announcing_much_costs_little),
        cmocka_unit_test(a_body_of_which_half_has_come_has_all_its_room),
        cmocka_unit_test(a_body_larger_than_the_room_is_refused),
        cmocka_unit_test(a_refused_piece_leaves_the_draft_as_it_was),
        cmocka_unit_test(a_piece_that_fits_in_the_room_asks_for_none),
        cmocka_unit_test(a_draft_can_be_given_up_at_any_time),
        cmocka_unit_test(the_last_reference_frees),
    };
    return cmocka_run_group_tests_name("body", tests, NULL, NULL);
}
