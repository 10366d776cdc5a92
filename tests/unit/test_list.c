/* SPDX-License-Identifier: MIT */
/* Tests of base/list.h: the doubly linked list. */
#include "base/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

struct element {
    int value;
    struct list link; /* not the first field, so that container_of is tested */
};

#define COUNT 4

static void make(struct list *head, struct element elements[COUNT])
{
    list_init(head);
    for (int i = 0; i < COUNT; i++) {
        elements[i].value = i;
        list_init(&elements[i].link);
    }
}

/* The values of a list as the digits of a number, the first one in front. Also checks the links
 * back.
 */
static int digits(const struct list *head)
{
    int forward = 0;
    for (const struct list *l = head->next; l != head; l = l->next) {
        forward = forward * 10 + container_of(l, struct element, link)->value;
        assert_ptr_equal(l->next->prev, l);
        assert_ptr_equal(l->prev->next, l);
    }
    return forward;
}

static void a_new_head_and_a_new_element_are_empty(void **state)
{
    (void)state;
    struct list head;
    struct element elements[COUNT];
    make(&head, elements);
    assert_true(list_empty(&head));
    assert_true(list_empty(&elements[0].link));
    list_remove(&elements[0].link); /* it is in no list */
    assert_true(list_empty(&elements[0].link));
    assert_true(list_empty(&head));
}

static void pushed_elements_stand_in_order(void **state)
{
    (void)state;
    struct list head;
    struct element elements[COUNT];
    make(&head, elements);
    for (int i = COUNT - 1; i >= 0; i--) {
        list_push(&head, &elements[i].link);
        assert_false(list_empty(&head));
        assert_false(list_empty(&elements[i].link));
    }
    assert_int_equal(digits(&head), 3210);
    assert_ptr_equal(container_of(head.next, struct element, link), &elements[3]);
}

static void any_element_can_be_removed(void **state)
{
    (void)state;
    static const struct {
        int removed, left;
    } rows[] = {{0, 123}, {1, 23}, {2, 13}, {3, 12}}; /* a 0 in front is not visible */
    for (size_t i = 0; i < COUNT; i++) {
        struct list head;
        struct element elements[COUNT];
        make(&head, elements);
        for (int k = 0; k < COUNT; k++) {
            list_push(&head, &elements[k].link);
        }
        list_remove(&elements[rows[i].removed].link);
        assert_int_equal(digits(&head), rows[i].left);
        assert_true(list_empty(&elements[rows[i].removed].link));
        list_push(&head, &elements[rows[i].removed].link);
        assert_int_equal(digits(&head), rows[i].left * 10 + rows[i].removed);
    }
}

static void the_last_one_out_leaves_an_empty_list(void **state)
{
    (void)state;
    struct list head;
    struct element elements[COUNT];
    make(&head, elements);
    list_push(&head, &elements[0].link);
    list_remove(&elements[0].link);
    assert_true(list_empty(&head));
    assert_ptr_equal(head.prev, &head);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_head_and_a_new_element_are_empty),
        cmocka_unit_test(pushed_elements_stand_in_order),
        cmocka_unit_test(any_element_can_be_removed),
        cmocka_unit_test(the_last_one_out_leaves_an_empty_list),
    };
    return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}
