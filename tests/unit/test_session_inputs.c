/* SPDX-License-Identifier: MIT */
/*
 * Tests the parser on the input of every committed session file, cut in every way: the first
 * SEGMENTS_INPUT_MAX bytes that each connection sends go through the induction of
 * support/segments.h. A file in which the clients send more than FILE_INPUT_MAX bytes is left out,
 * because it would be played byte by byte first. Under valgrind only one of VALGRIND_STRIDE files
 * is tried.
 */
#include "conform/vectors_record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <nsq/magic.h>

#include "base/alloc.h"
#include "conform/run_case.h"
#include "conform/session_file_unroll.h"
#include "conform/suite.h"
#include "support/segments.h"
#include "support/stride.h"

#define VALGRIND_STRIDE 15
#define FILE_INPUT_MAX 8192 /* bytes, about */

struct totals {
    size_t inputs;
    size_t chunks;
    size_t too_long;
};

static void check_input(const char *id, const struct nsq_limits *limits, struct span in,
                        struct totals *totals)
{
    struct segments *s = alloc_zeroed(sizeof *s);
    struct exact wall;
    exact_open(&wall, SEGMENTS_INPUT_MAX);
    if (!segments_learn(s, &wall, *limits, in) || !segments_check_induction(s)) {
        fail_msg("%s: %s", id, s->why);
    }
    totals->inputs++;
    totals->chunks += s->checked;
    exact_close(&wall);
    alloc_free(s);
}

/* What one connection sent after its magic. */
static struct buf input_of(const struct vector_record *record, size_t conn)
{
    struct buf in = {0};
    for (size_t i = 0; i < vector_record_count(record); i++) {
        struct vector_event event = vector_record_event(record, i);
        if (event.kind == VECTOR_SEND && event.conn == conn) {
            buf_append(&in, vector_record_bytes(record, &event));
        }
    }
    buf_drop(&in, in.n < NSQ_MAGIC_SIZE ? in.n : NSQ_MAGIC_SIZE);
    return in;
}

/* About how many bytes these items are. A value or a number counts as 8. */
static size_t item_bytes(const struct item *items)
{
    size_t n = 0;
    for (const struct item *i = items; i != NULL; i = i->next) {
        n += i->kind == ITEM_BYTES  ? i->bytes.n
             : i->kind == ITEM_FILL ? (size_t)i->number
                                    : 8 + item_bytes(i->inside);
    }
    return n;
}

static size_t sent_bytes(const struct transcript *file)
{
    struct unrolled unrolled;
    size_t n = 0;
    transcript_unroll(file, &unrolled);
    for (const struct step *step = unrolled.steps; step != NULL; step = step->next) {
        n += step->kind == STEP_SEND ? item_bytes(step->items) : 0;
    }
    unrolled_free(&unrolled);
    return n;
}

static void check_case(const struct transcript *file, struct totals *totals)
{
    struct case_engine engine;
    struct buf why = {0};
    char id[128];
    /* its bytes are encrypted or compressed, or those of V1 (test_lookup.c) */
    if (transcript_upgrades(file) || file->server != SERVER_NSQD) {
        return;
    }
    if (sent_bytes(file) > FILE_INPUT_MAX) {
        totals->too_long++;
        return;
    }
    snprintf(id, sizeof id, "%.*s", (int)file->id.n, (const char *)file->id.p);
    if (!case_engine_open(&engine, SERVER_NSQD, file->flags, NULL, &why)) {
        assert_non_null(file->needs); /* it needs what the engine here does not have */
        buf_free(&why);
        return;
    }
    struct vector_record *record = alloc_zeroed(sizeof *record);
    vector_record_play(record, &engine.config, file, SPAN("n"));
    for (size_t conn = 0; conn < PLAYER_CONNS_MAX; conn++) {
        struct buf in = input_of(record, conn);
        if (in.n > SEGMENTS_INPUT_MAX) {
            totals->too_long++;
        } else if (in.n > 0) {
            check_input(id, &engine.config.nsqd.v2.limits, buf_span(&in), totals);
        }
        buf_free(&in);
    }
    vector_record_free(record);
    alloc_free(record);
    case_engine_close(&engine);
    buf_free(&why);
}

static void every_segmentation_of_every_session(void **state)
{
    (void)state;
    static const char *const folders[] = {"tests/conformance", "corpus/sessions"};
    struct suite suite = {0};
    struct totals totals = {0};
    assert_true(suite_load(&suite, folders, 2, stderr));
    size_t step = under_valgrind() ? VALGRIND_STRIDE : 1;
    for (size_t i = 0; i < suite.n; i += step) {
        check_case(&suite.cases[i].file, &totals);
    }
    print_message("%zu inputs, %zu chunks, %zu longer inputs or files left out\n", totals.inputs,
                  totals.chunks, totals.too_long);
    assert_true(totals.inputs > suite.n / step);
    suite_free(&suite);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_segmentation_of_every_session)};
    return cmocka_run_group_tests_name("session inputs", tests, NULL, NULL);
}
