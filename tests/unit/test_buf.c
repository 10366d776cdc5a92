/* SPDX-License-Identifier: MIT */
/* Tests of base/buf.h: bytes appended at the end and taken from the front. */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define LEAST 64 /* bytes of a buffer's first allocation */

static void append_run(struct buf *b, uint8_t first, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t byte = (uint8_t)(first + i);
        buf_append(b, span_make(&byte, 1));
    }
}

static uint8_t byte_at(const struct buf *b, size_t i)
{
    struct span bytes = buf_span(b);
    assert_true(i < bytes.n);
    return bytes.p == NULL ? 0 : bytes.p[i];
}

static void all_zeros_is_empty(void **state)
{
    (void)state;
    struct buf b = {0};
    assert_int_equal(buf_span(&b).n, 0);
    assert_null(buf_span(&b).p);
    buf_drop(&b, 0);
    buf_append(&b, span_make(NULL, 0));
    assert_null(b.p);
    buf_free(&b);
}

static void bytes_come_out_as_they_went_in(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_append(&b, SPAN("one "));
    buf_append(&b, SPAN("two"));
    assert_true(span_equal(buf_span(&b), SPAN("one two")));
    buf_drop(&b, 4);
    assert_true(span_equal(buf_span(&b), SPAN("two")));
    buf_append(&b, SPAN(" three"));
    assert_true(span_equal(buf_span(&b), SPAN("two three")));
    buf_drop(&b, 9);
    assert_int_equal(buf_span(&b).n, 0);
    buf_free(&b);
}

static void room_is_what_was_asked_for(void **state)
{
    (void)state;
    struct buf b = {0};
    static const size_t sizes[] = {1, LEAST - 1, LEAST, LEAST + 1, 1000, 100000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        size_t before = b.n;
        uint8_t *room = buf_room(&b, sizes[i]);
        memset(room, (int)i, sizes[i]); /* ASan and valgrind check the bounds */
        assert_int_equal(b.n, before);
        buf_grew(&b, sizes[i]);
        assert_int_equal(b.n, before + sizes[i]);
        assert_ptr_equal(room, b.p + b.head + before);
    }
    buf_free(&b);
}

static void room_may_be_used_in_part(void **state)
{
    (void)state;
    struct buf b = {0};
    memcpy(buf_room(&b, 10), "0123456789", 10);
    buf_grew(&b, 3);
    memcpy(buf_room(&b, 10), "abcdefghij", 10);
    buf_grew(&b, 10);
    assert_true(span_equal(buf_span(&b), SPAN("012abcdefghij")));
    buf_free(&b);
}

static void the_first_allocation_is_filled_before_the_next(void **state)
{
    (void)state;
    struct buf b = {0};
    append_run(&b, 0, LEAST - 1);
    assert_int_equal(b.cap, LEAST);
    append_run(&b, LEAST - 1, 1);
    assert_int_equal(b.cap, LEAST);
    append_run(&b, LEAST, 1);
    assert_int_equal(b.cap, 2 * LEAST);
    for (size_t i = 0; i <= LEAST; i++) {
        assert_int_equal(byte_at(&b, i), i);
    }
    buf_free(&b);
}

static void room_in_front_is_used_again(void **state)
{
    (void)state;
    for (size_t dropped = 1; dropped < LEAST; dropped++) {
        struct buf b = {0};
        append_run(&b, 0, LEAST);
        buf_drop(&b, dropped);
        append_run(&b, LEAST, dropped);
        assert_int_equal(b.cap, dropped < LEAST / 4 ? 2 * LEAST : LEAST);
        assert_int_equal(b.n, LEAST);
        for (size_t i = 0; i < LEAST; i++) {
            assert_int_equal(byte_at(&b, i), dropped + i);
        }
        buf_free(&b);
    }
}

static void an_emptied_buffer_keeps_little(void **state)
{
    (void)state;
    static const struct {
        size_t bytes, kept;
    } rows[] = {
        {1, LEAST},
        {BUF_KEEP - 1, BUF_KEEP},
        {BUF_KEEP, BUF_KEEP},
        {BUF_KEEP + 1, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf b = {0};
        append_run(&b, 0, rows[i].bytes);
        buf_drop(&b, rows[i].bytes - 1);
        assert_true(b.cap >= rows[i].bytes);
        buf_drop(&b, 1);
        assert_int_equal(b.cap, rows[i].kept);
        assert_int_equal(b.head, 0);
        assert_true((b.p == NULL) == (rows[i].kept == 0));
        buf_append(&b, SPAN("again"));
        assert_true(span_equal(buf_span(&b), SPAN("again")));
        buf_free(&b);
    }
}

static void a_freed_buffer_may_be_used_again(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_append(&b, SPAN("once"));
    buf_free(&b);
    assert_null(b.p);
    assert_int_equal(b.n, 0);
    buf_append(&b, SPAN("twice"));
    assert_true(span_equal(buf_span(&b), SPAN("twice")));
    buf_free(&b);
}

/* When few bytes are dropped at a time, not all bytes may be moved each time. */
static void a_slow_reader_of_a_full_buffer_is_cheap(void **state)
{
    (void)state;
    enum { FULL = 1 << 16, TURNS = 1 << 14 };
    struct buf b = {0};
    memset(buf_room(&b, FULL), 1, FULL);
    buf_grew(&b, FULL);
    assert_int_equal(b.cap, FULL);
    size_t moved = 0; /* bytes */
    for (size_t i = 0; i < TURNS; i++) {
        buf_drop(&b, 1);
        const uint8_t *before = buf_span(&b).p;
        append_run(&b, 2, 1);
        moved += buf_span(&b).p == before ? 0 : b.n;
    }
    assert_true(moved <= 4 * (size_t)TURNS + FULL);
    assert_true(b.cap <= 2 * FULL);
    buf_free(&b);
}

static void random_use_is_a_queue_of_bytes(void **state)
{
    (void)state;
    unsigned seed = 1;
    struct buf b = {0};
    uint8_t in = 0;
    uint8_t out = 0;
    for (int i = 0; i < 20000; i++) {
        seed = seed * 1103515245U + 12345U;
        size_t n = seed >> 16 & 127;
        if (seed >> 30 < 2) {
            append_run(&b, in, n);
            in = (uint8_t)(in + n);
        } else {
            n = n * 2 < b.n ? n * 2 : b.n;
            for (size_t k = 0; k < n; k++) {
                assert_int_equal(byte_at(&b, k), (uint8_t)(out + k));
            }
            buf_drop(&b, n);
            out = (uint8_t)(out + n);
        }
        assert_int_equal((uint8_t)(in - out), (uint8_t)b.n);
        assert_true(b.head + b.n <= b.cap);
    }
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_zeros_is_empty),
        cmocka_unit_test(bytes_come_out_as_they_went_in),
        cmocka_unit_test(room_is_what_was_asked_for),
        cmocka_unit_test(room_may_be_used_in_part),
        cmocka_unit_test(the_first_allocation_is_filled_before_the_next),
        cmocka_unit_test(room_in_front_is_used_again),
        cmocka_unit_test(an_emptied_buffer_keeps_little),
        cmocka_unit_test(a_freed_buffer_may_be_used_again),
        cmocka_unit_test(a_slow_reader_of_a_full_buffer_is_cheap),
        cmocka_unit_test(random_use_is_a_queue_of_bytes),
    };
    return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
