/* SPDX-License-Identifier: MIT */
/*
 * Tests of fuzz/mutator.h: inputs are split into pieces that cover them completely; changes stay
 * within the given room and are the same for the same seed; corrected lengths are correct.
 */
#include "mutator.h"

#include <nsq/command.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define ROOM 300
#define SEEDS 20000

static const struct fuzz_shape client = {.header = 5, .body = FUZZ_CLIENT};
static const struct fuzz_shape ops = {.header = 2, .body = FUZZ_OPS};
static const struct fuzz_shape bytes = {.header = 1, .body = FUZZ_BYTES};

static const struct nsq_limits limits = {.max_line = 64, .max_msg_size = 255, .max_body_size = 255};

/* A complete conversation in which every length is right. */
#define TALK                                                                                       \
    "  V2IDENTIFY\n\0\0\0\2{}SUB a b\nRDY 1\nPUB a\n\0\0\0\3xyzDPUB a 1\r\n\0\0\0\1z"              \
    "MPUB a\n\0\0\0\17\0\0\0\2\0\0\0\1x\0\0\0\2yzFIN 0123456789abcdef\nNOP\n"

/* How many commands the parser finds. -1: one is bad or cut off. */
static int parsed(struct span in)
{
    struct nsq_place place = {0};
    struct nsq_item item;
    int commands = 0;
    while (in.n > 0) {
        if (nsq_command_parse(&place, &limits, in, &item) != NSQ_OK) {
            return -1;
        }
        commands += item.last;
        in = span_skip(in, item.consumed);
    }
    return place.stage == NSQ_STAGE_LINE ? commands : -1;
}

/* Splits, and checks that the pieces cover the bytes completely and that fields lie within their
 * pieces. */
static size_t split(enum fuzz_body kind, struct span in, struct mutator_piece *pieces)
{
    size_t count = mutator_split(kind, in, pieces), at = 0;
    assert_true(count <= MUTATOR_PIECES_MAX);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(pieces[i].at, at);
        assert_true(pieces[i].n > 0);
        at += pieces[i].n;
        assert_true(pieces[i].fields <= MUTATOR_FIELDS_MAX);
        for (size_t f = 0; f < pieces[i].fields; f++) {
            const struct mutator_field *field = &pieces[i].field[f];
            assert_true(field->at >= pieces[i].at && field->at + field->width <= at);
            assert_true(field->counts || field->at + field->width + field->right <= at);
        }
    }
    assert_int_equal(at, in.n);
    return count;
}

static uint32_t value(struct span in, const struct mutator_field *field)
{
    return field->width == 1 ? in.p[field->at] : be32_load(in.p + field->at);
}

static void a_conversation_is_split_at_its_commands(void **state)
{
    (void)state;
    static const size_t sizes[] = {4, 15, 8, 6, 13, 15, 26, 21, 4};
    static const size_t fields[] = {0, 1, 0, 0, 1, 1, 4, 0, 0};
    struct mutator_piece pieces[MUTATOR_PIECES_MAX];
    struct span talk = SPAN(TALK);
    size_t count = split(FUZZ_CLIENT, talk, pieces);
    assert_int_equal(count, sizeof sizes / sizeof sizes[0]);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(pieces[i].n, sizes[i]);
        assert_int_equal(pieces[i].fields, fields[i]);
        for (size_t f = 0; f < pieces[i].fields; f++) {
            assert_int_equal(value(talk, &pieces[i].field[f]), pieces[i].field[f].right);
        }
    }
}

/* If a length is too long or missing, the bytes end at the next known command. */
static void a_wrong_length_ends_where_a_command_begins(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        size_t first;
        uint32_t right;
    } cases[] = {
        {"PUB a\n\0\0\0\x7fxyzNOP\n", 17, 13, 3},   {"PUB a\n\0\0\0\0xyNOP\n", 16, 12, 2},
        {"PUB a\n\xff\xff\xff\xffNOP", 13, 13, 3},  {"PUB a\n\0\0\0\1", 10, 10, 0},
        {"PUB a\n\0\0\0\1xNOP\n", 15, 11, 1},       {"PUB a\n\0\0\0\x09NOPENOP\n", 18, 14, 4},
        {"PUB a\n\0\0\0\x0axSUB a b\n", 19, 11, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mutator_piece pieces[MUTATOR_PIECES_MAX];
        split(FUZZ_CLIENT, span_make(cases[i].bytes, cases[i].n), pieces);
        assert_int_equal(pieces[0].n, cases[i].first);
        assert_int_equal(pieces[0].field[0].right, cases[i].right);
    }
}

static void operations_are_pieces(void **state)
{
    (void)state;
    struct mutator_piece pieces[MUTATOR_PIECES_MAX];
    struct span in =
        SPAN("\0\1\4abcd\x14\x10\6\0\0\0\1\7xy"); /* OPEN, SEND, ADVANCE, COMMAND, SEND cut off */
    assert_int_equal(split(FUZZ_OPS, in, pieces), 5);
    assert_int_equal(pieces[1].n, 6);
    assert_int_equal(pieces[1].field[0].right, 4);
    assert_int_equal(pieces[4].field[0].right, 2);
}

/* Changes and mixes inputs, again and again. Every result can be split, and fits into the room. */
static void changes_keep_within_their_room(void **state)
{
    (void)state;
    static const struct fuzz_shape *const shapes[] = {&client, &ops};
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
        uint8_t in[ROOM], out[ROOM + 1], again[ROOM + 1], other[ROOM];
        size_t n = sizeof TALK - 1, changed = 0, others = 0;
        memcpy(in, TALK, n);
        for (uint32_t seed = 0; seed < SEEDS; seed++) {
            size_t max = 1 + seed % ROOM;
            struct span from = span_make(in, n < max ? n : max), with = span_make(other, others);
            memset(out, 0xa5, sizeof out);
            memset(again, 0xa5, sizeof again);
            size_t size = seed % 3 == 0 ? mutator_cross(shapes[s], from, with, out, max, seed)
                                        : mutator_change(shapes[s], from, out, max, seed);
            size_t same = seed % 3 == 0 ? mutator_cross(shapes[s], from, with, again, max, seed)
                                        : mutator_change(shapes[s], from, again, max, seed);
            assert_true(size <= max);
            assert_int_equal(out[max], 0xa5);
            assert_int_equal(size, same);
            assert_memory_equal(out, again, sizeof out);
            changed += size != from.n || memcmp(in, out, size) != 0;
            if (size > shapes[s]->header) {
                struct mutator_piece pieces[MUTATOR_PIECES_MAX];
                (void)split(shapes[s]->body, span_skip(span_make(out, size), shapes[s]->header),
                            pieces);
            }
            memcpy(other, in, others = n);
            memcpy(in, out, n = size);
            if (seed % 64 == 0) {
                memcpy(in, TALK, n = sizeof TALK - 1);
            }
        }
        assert_true(changed > SEEDS / 2);
    }
}

/* fix() corrects all lengths: with some seed the broken conversation becomes a complete one. */
static void lengths_are_made_right(void **state)
{
    (void)state;
    static const char broken[] =
        "12345"
        "PUB a\n\0\0\0\x7fxyzMPUB a\n\0\0\1\0\0\0\0\2\0\0\0\1x\0\0\0\x55yzNOP\n";
    struct span in = SPAN(broken);
    size_t whole = 0;
    assert_int_equal(parsed(span_skip(in, 5)), -1);
    for (uint32_t seed = 0; seed < SEEDS; seed++) {
        uint8_t out[ROOM];
        size_t n = mutator_change(&client, in, out, sizeof out, seed);
        whole += n == in.n && parsed(span_make(out + 5, n - 5)) == 3;
    }
    assert_true(whole > 0);
}

static void a_length_is_made_wrong(void **state)
{
    (void)state;
    struct span in = SPAN("12345PUB a\n\0\0\0\3xyzNOP\n");
    size_t wrong = 0, resized = 0;
    for (uint32_t seed = 0; seed < SEEDS; seed++) {
        uint8_t out[ROOM];
        size_t n = mutator_change(&client, in, out, sizeof out, seed);
        wrong += n == in.n && memcmp(out + 5, in.p + 5, 6) == 0 && be32_load(out + 11) == 4;
        resized +=
            n == in.n + 1 && be32_load(out + 11) == 4 && parsed(span_make(out + 5, n - 5)) == 2;
    }
    assert_true(wrong > 0);
    assert_true(resized > 0);
}

/* Inputs of unknown structure are left to the engine. */
static void plain_bytes_are_not_changed(void **state)
{
    (void)state;
    uint8_t out[ROOM];
    assert_int_equal(mutator_change(&bytes, SPAN(TALK), out, sizeof out, 1), 0);
    assert_int_equal(mutator_cross(&bytes, SPAN(TALK), SPAN(TALK), out, sizeof out, 1), 0);
}

static void nothing_becomes_something(void **state)
{
    (void)state;
    uint8_t out[ROOM];
    struct span none = {NULL, 0};
    assert_true(mutator_change(&client, none, out, sizeof out, 1) > 0);
    assert_true(mutator_change(&ops, none, out, sizeof out, 1) > 0);
    assert_int_equal(mutator_cross(&client, none, none, out, sizeof out, 1), 0);
    assert_int_equal(mutator_change(&client, SPAN(TALK), out, 4, 1),
                     0); /* no room for the header */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_conversation_is_split_at_its_commands),
        cmocka_unit_test(a_wrong_length_ends_where_a_command_begins),
        cmocka_unit_test(operations_are_pieces),
        cmocka_unit_test(changes_keep_within_their_room),
        cmocka_unit_test(lengths_are_made_right),
        cmocka_unit_test(a_length_is_made_wrong),
        cmocka_unit_test(plain_bytes_are_not_changed),
        cmocka_unit_test(nothing_becomes_something),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
