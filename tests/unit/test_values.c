/* SPDX-License-Identifier: MIT */
/* Tests of conform/values.h. */
#include "conform/values.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct value *put(struct values *v, struct span name, struct span bytes)
{
    struct value *value = values_add(v, name);
    assert_non_null(value);
    buf_append(&value->bytes, bytes);
    return value;
}

static void names_of_topics_and_channels_are_made_up(void **state)
{
    (void)state;
    struct values v = {.names = SPAN("me")};
    assert_true(span_equal(buf_span(&values_get(&v, SPAN("topic2"))->bytes), SPAN("me.topic2")));
    assert_true(span_equal(buf_span(&values_get(&v, SPAN("channel"))->bytes), SPAN("me.channel")));
    assert_ptr_equal(values_get(&v, SPAN("topic2")), values_find(&v, SPAN("topic2")));
    assert_null(values_get(&v, SPAN("m")));
    put(&v, SPAN("m"), SPAN("0123"));
    assert_non_null(values_get(&v, SPAN("m")));
    values_free(&v);
}

static void items_are_rendered_to_bytes(void **state)
{
    (void)state;
    struct values v = {.names = SPAN("me")};
    struct item fill = {.kind = ITEM_FILL, .number = 5, .bytes = SPAN("ab")};
    struct item i64 = {.kind = ITEM_I64, .number = -2, .next = &fill};
    struct item i32 = {.kind = ITEM_I32, .number = -1, .next = &i64};
    struct item u16 = {.kind = ITEM_U16, .number = 258, .next = &i32};
    struct item u8 = {.kind = ITEM_U8, .number = 7, .next = &u16};
    struct item text = {.kind = ITEM_BYTES, .bytes = SPAN("hi")};
    struct item size = {.kind = ITEM_SIZE, .inside = &text, .next = &u8};
    struct item name = {.kind = ITEM_VAR, .bytes = SPAN("topic"), .next = &size};
    struct span wanted = SPAN("me.topic\0\0\0\2hi\7\1\2\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
                              "\xfe"
                              "ababa");
    assert_true(values_equal(&v, &name, wanted));
    assert_false(values_equal(&v, &name, SPAN("me.topic")));
    struct item unknown = {.kind = ITEM_VAR, .bytes = SPAN("m")};
    struct item outer = {.kind = ITEM_SIZE, .inside = &unknown};
    assert_false(values_equal(&v, &unknown, SPAN("")));
    assert_false(values_equal(&v, &outer, SPAN("\0\0\0\0")));
    values_free(&v);
}

static void a_star_is_any_bytes(void **state)
{
    (void)state;
    struct values v = {.names = SPAN("me")};
    struct item last = {.kind = ITEM_BYTES, .bytes = SPAN("ab")};
    struct item star2 = {.kind = ITEM_ANY, .next = &last};
    struct item middle = {.kind = ITEM_VAR, .bytes = SPAN("topic"), .next = &star2};
    struct item star = {.kind = ITEM_ANY, .next = &middle};
    struct item first = {.kind = ITEM_BYTES, .bytes = SPAN("<"), .next = &star};
    assert_true(values_equal(&v, &first, SPAN("<me.topicab")));
    assert_true(values_equal(&v, &first, SPAN("<me.tome.topic--me.topic--aab")));
    assert_false(values_equal(&v, &first, SPAN("me.topicab")));
    assert_false(values_equal(&v, &first, SPAN("<me.topia--ab")));
    assert_false(values_equal(&v, &first, SPAN("<me.topic--aba")));
    assert_false(values_equal(&v, &first, SPAN("<me.topica")));
    star2.next = NULL;
    assert_true(values_equal(&v, &first, SPAN("<me.topic")));
    assert_true(values_equal(&v, &first, SPAN("<\0me.topic\0")));
    assert_true(values_equal(&v, &star2, SPAN("")));
    values_free(&v);
}

static void a_text_is_repeated_to_any_length(void **state)
{
    (void)state;
    struct values v = {.names = SPAN("me")};
    for (int64_t n = 0; n < 50; n++) {
        struct item fill = {.kind = ITEM_FILL, .number = n, .bytes = SPAN("abc")};
        struct buf out = {0};
        assert_true(values_render(&v, &fill, &out));
        assert_int_equal(out.n, n);
        for (size_t i = 0; i < out.n; i++) {
            assert_int_equal(buf_span(&out).p[i], "abc"[i % 3]);
        }
        buf_free(&out);
    }
    values_free(&v);
}

static void values_have_a_limit(void **state)
{
    (void)state;
    struct values v = {.n = 0};
    for (size_t i = 0; i < VALUES_MAX; i++) {
        put(&v, SPAN("x"), SPAN("y"));
    }
    assert_null(values_add(&v, SPAN("z")));
    assert_null(values_get(&v, SPAN("topic")));
    values_free(&v);
}

static void each_case_has_its_own_prefix(void **state)
{
    (void)state;
    char a[VALUES_NAMES_MAX];
    char b[VALUES_NAMES_MAX];
    struct span first = values_names("run", SPAN("a/b"), a);
    assert_true(span_equal(first, values_names("run", SPAN("a/b"), b)));
    assert_false(span_equal(first, values_names("run", SPAN("a/c"), b)));
    assert_memory_equal(first.p, "run-", 4);
    struct span cut = values_names("a prefix of more than thirty characters", SPAN("a/b"), b);
    assert_int_equal(cut.n, VALUES_NAMES_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_topics_and_channels_are_made_up),
        cmocka_unit_test(items_are_rendered_to_bytes),
        cmocka_unit_test(a_star_is_any_bytes),
        cmocka_unit_test(a_text_is_repeated_to_any_length),
        cmocka_unit_test(values_have_a_limit),
        cmocka_unit_test(each_case_has_its_own_prefix),
    };
    return cmocka_run_group_tests_name("values", tests, NULL, NULL);
}
