/* SPDX-License-Identifier: MIT */
/* Tests of store/log.h: what is written when, what is read back, and what happens when the disk
 * fails. test_store_crash.c does random things, and crashes between them. */
#include "support/store_play.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define FIRST SPAN("0000000000000001.log")
#define SECOND SPAN("0000000000000002.log")

/* --- writing ---------------------------------------------------------------------------------- */

static void nothing_is_made_before_there_is_something_to_write(void **state)
{
    (void)state;
    struct store_play play;
    struct store_options options = play_options(STORE_FSYNC);
    play_open(&play, &options, NULL);
    assert_false(play_publish(&play, 1, 1, 1)); /* not started */
    assert_false(store_log_finish(play.log, 1, 1, play.now));
    assert_true(store_log_next_due(play.log) <= play.now);
    play_run(&play);
    assert_int_equal(play.start_reason, DISK_DONE);
    assert_int_equal(play.ops, 1);
    assert_false(play_publish(&play, 1, 1, 1)); /* no such topic */
    play_wait(&play, TIME_MINUTE);
    const struct disk_file *files;
    assert_int_equal(sim_disk_files(play.disk, &files), 0);
    assert_true(store_log_is_idle(play.log));
    play_close(&play);
}

/* The answer comes after the sync, and what comes meanwhile shares the next one. */
static void publishes_share_a_sync(void **state)
{
    (void)state;
    struct store_play play;
    struct store_options options = play_options(STORE_FSYNC);
    play_open_with_topic(&play, &options);
    play_run(&play);
    play_check_settled(&play, 1000000, DISK_DONE);

    assert_true(play_publish(&play, 1, 1, 1));
    assert_true(play_begin(&play));
    assert_int_equal(play.op->kind, DISK_APPEND);
    assert_true(play.op->sync);
    assert_true(play_publish(&play, 1, 2, 1));
    assert_true(play_publish(&play, 1, 3, 2));
    assert_null(play_answer(&play, 1));
    play_end(&play);
    play_check_settled(&play, 1, DISK_DONE);
    assert_null(play_answer(&play, 2));
    assert_false(store_log_is_idle(play.log));
    size_t before = play.ops;
    play_run(&play);
    assert_int_equal(play.ops, before + 1);
    play_check_settled(&play, 2, DISK_DONE);
    assert_true(play_answer(&play, 3)->first == 3);
    assert_true(store_log_is_idle(play.log));

    play_reopen(&play);
    play_run(&play);
    assert_int_equal(play_messages(&play), 4);
    for (uint64_t id = 1; id <= 4; id++) {
        play_check_there(&play, id, id);
    }
    assert_true(span_equal(buf_span(&play.names), SPAN("t")));
    assert_int_equal(play_damages(&play), 0);
    play_close(&play);
}

/* What was read is synced before STARTED. */
static void what_was_read_is_synced_before_it_is_served(void **state)
{
    (void)state;
    struct store_play play;
    struct store_options options = play_options(STORE_WRITE);
    play_open_with_topic(&play, &options);
    play_run(&play);
    play_publish(&play, 1, 1, 1);
    play_run(&play);
    play_check_settled(&play, 1, DISK_DONE);
    sim_disk_kill(play.disk, 1);
    play_reopen(&play);
    bool synced = false;
    while (play_begin(&play)) {
        synced = play.op->kind == DISK_APPEND && play.op->sync && play.op->bytes.n == 0 &&
                 span_equal(play.op->file, FIRST);
        assert_false(play.started);
        play_end(&play);
    }
    assert_true(synced && play.started);
    sim_disk_crash(play.disk, 3);
    play_reopen(&play);
    play_run(&play);
    play_check_there(&play, 1, 1);
    play_close(&play);
}

/* A start goes on in a new segment, which says where the old one ends. Seqs and numbers go on. */
static void a_start_goes_on_in_a_new_segment(void **state)
{
    (void)state;
    struct store_play play;
    struct store_options options = play_options(STORE_FSYNC);
    play_open_with_topic(&play, &options);
    play_publish(&play, 1, 1, 3);
    play_run(&play);
    play_reopen(&play);
    play_run(&play);
    play_publish(&play, 1, 10, 1);
    struct record topic = {.type = RECORD_TOPIC_NEW, .tail = SPAN("u")};
    struct record channel = {.type = RECORD_CHANNEL_NEW, .topic = 1, .seq = 1, .tail = SPAN("d")};
    store_log_note(play.log, &topic, 0);
    store_log_note(play.log, &channel, 0);
    assert_int_equal(topic.topic, 2);
    assert_int_equal(channel.channel, 2);
    play_run(&play);
    struct segment_head head;
    bool damaged;
    assert_int_equal(segment_head_parse(sim_disk_bytes(play.disk, SECOND), &head, &damaged),
                     PARSED_VALID);
    assert_true(head.number == 2 && head.previous == 1 && head.previous_end > SEGMENT_HEAD_SIZE);
    assert_true(head.wall == play.now + 1000);
    assert_true(play_answer(&play, 10)->first == 4);
    play_reopen(&play);
    play_run(&play);
    assert_int_equal(play_messages(&play), 4);
    play_check_there(&play, 10, 4);
    assert_int_equal(play_damages(&play), 0);
    play_close(&play);
}

static void full_segments_are_followed_by_others(void **state)
{
    (void)state;
    struct store_play play;
    struct store_options options = play_options(STORE_WRITE);
    options.sync_every = 0;
    play_open_with_topic(&play, &options);
    for (uint64_t id = 1; id <= 60; id++) {
        assert_true(play_publish(&play, 1, id, 1));
        play_run(&play);
    }
    const struct disk_file *files;
    assert_in_range(sim_disk_files(play.disk, &files), 3, 5);
    assert_int_equal(files[0].size, options.segment_size);
    play_reopen(&play);
    play_run(&play);
    assert_int_equal(play_messages(&play), 60);
    assert_int_equal(play_damages(&play), 0);
    play_close(&play);
}

/* What waits while a new segment is made fits into it, however many publishers there are. So no
 * segment is left without a frame. */
static void a_new_segment_has_room_for_what_waits(void **state)
{
    (void)state;
    struct store_play play;
    struct store_options options = play_options(STORE_WRITE);
    play_open_with_topic(&play, &options);
    play_run(&play);
    uint64_t id = 1;
    for (size_t step = 0; step < 60; step++) {
        if (play.op != NULL) {
            play_end(&play);
        }
        for (size_t i = 0; i < 5; i++) {
            id += play_publish(&play, 1, id, 1) ? 1 : 0;
        }
        assert_true(play_begin(&play));
    }
    play_end(&play);
    play_run(&play);
    const struct disk_file *files;
    size_t n = sim_disk_files(play.disk, &files);
    assert_true(n > 3);
    for (size_t i = 0; i < n; i++) {
        struct span bytes = sim_disk_bytes(play.disk, files[i].name);
        struct segment_head segment;
        bool damaged;
        struct frame_head frame;
        assert_int_equal(segment_head_parse(bytes, &segment, &damaged), PARSED_VALID);
        bytes = span_skip(bytes, SEGMENT_HEAD_SIZE);
        assert_int_equal(frame_head_parse(bytes, segment.salt, &frame), PARSED_VALID);
    }
    play_close(&play);
}

/* A frame that is larger than a segment gets a segment of its own size. */
static void a_large_frame_gets_a_large_segment(void **state)
{
    (void)state;
    struct store_play play;
    struct store_options options = play_options(STORE_FSYNC);
    play_open_with_topic(&play, &options);
    play_run(&play);
    assert_true(play_publish(&play, 1, 1, 200));
    play_run(&play);
    play_check_settled(&play, 1, DISK_DONE);
    assert_true(sim_disk_bytes(play.disk, SECOND).n > options.segment_size);
    play_reopen(&play);
    play_run(&play);
    assert_int_equal(play_messages(&play), 200);
    play_close(&play);
}

/* The bytes that wait are bounded. A publish that is larger waits alone. */
static void publishes_that_are_too_many_are_refused(void **state)
{
    (void)state;
    struct store_play play;
    struct store_options options = play_options(STORE_FSYNC);
    options.most_pending = 1000;
    play_open_with_topic(&play, &options);
    play_run(&play);
    assert_true(play_publish(&play, 1, 1, 50));
    assert_false(play_publish(&play, 1, 100, 1));
    assert_false(play_publish(&play, 1, 100, 0));
    play_run(&play);
    assert_true(play_publish(&play, 1, 100, 1));
    play_run(&play);
    assert_true(play_answer(&play, 100)->first == 51);
    play_close(&play);
}

/* A finished message waits for another record, or 100 ms. Those of one channel share a record. */
static void finished_messages_ride_along(void **state)
{
    (void)state;
    struct store_play play;
    struct store_options options = play_options(STORE_FSYNC);
    play_open_with_topic(&play, &options);
    play_publish(&play, 1, 1, 5);
    play_run(&play);
    size_t before = play.ops;
    for (uint64_t seq = 1; seq <= 3; seq++) {
        store_log_finish(play.log, 1, seq, play.now);
    }
    store_log_finish(play.log, 2, 9, play.now);
    play_run(&play);
    assert_int_equal(play.ops, before);
    assert_true(store_log_next_due(play.log) == play.now + STORE_FIN_DELAY);
    play_wait(&play, STORE_FIN_DELAY - 1);
    assert_int_equal(play.ops, before);
    play.now++;
    assert_true(play_begin(&play));
    assert_int_equal(play.op->bytes.n, FRAME_HEAD_SIZE + 16 + 24 + 16 + 8);
    play_end(&play);
    store_log_finish(play.log, 1, 4, play.now);
    play_publish(&play, 1, 6, 1);
    play_run(&play);
    play_reopen(&play);
    play_run(&play);
    const struct play_fin *fins = PLAY_ITEMS(play.fins, struct play_fin);
    assert_int_equal(PLAY_COUNT(play.fins, struct play_fin), 5);
    assert_true(fins[2].channel == 1 && fins[2].seq == 3);
    assert_true(fins[3].channel == 2 && fins[3].seq == 9);
    assert_true(fins[4].channel == 1 && fins[4].seq == 4);
    play_close(&play);
}

static void many_finished_messages_do_not_wait(void **state)
{
    (void)state;
    struct store_play play;
    struct store_options options = play_options(STORE_FSYNC);
    options.most_pending = 3 * STORE_FIN_BYTES;
    play_open_with_topic(&play, &options);
    play_run(&play);
    for (uint64_t seq = 1; seq <= STORE_FIN_BYTES / RECORD_SEQ_SIZE; seq++) {
        store_log_finish(play.log, 1, seq, play.now);
    }
    assert_true(store_log_next_due(play.log) <= play.now);
    assert_true(play_begin(&play));
    play_end(&play);
    play_close(&play);
}

/* In the mode `write` the answer comes before the sync, which comes after some messages, after
 * some time, or with the record CLEAN. */
static void the_mode_write_syncs_later(void **state)
{
    (void)state;
    struct store_play play;
    struct store_options options = play_options(STORE_WRITE);
    play_open_with_topic(&play, &options);
    play_run(&play);
    for (uint64_t id = 1; id <= 9; id++) {
        play_publish(&play, 1, id, 1);
        assert_true(play_begin(&play));
        assert_true(play.op->sync == (id == 8));
        play_end(&play);
        play_check_settled(&play, id, DISK_DONE);
    }
    assert_false(store_log_is_idle(play.log));
    assert_true(store_log_next_due(play.log) == play.now + options.sync_timeout);
    play_wait(&play, options.sync_timeout - 1);
    assert_false(store_log_is_idle(play.log));
    play_wait(&play, 1);
    assert_true(store_log_is_idle(play.log));
    assert_true(store_log_next_due(play.log) == TIME_NEVER);

    struct record clean = {.type = RECORD_CLEAN, .clock = 5};
    store_log_note(play.log, &clean, 77);
    assert_true(play_begin(&play));
    assert_true(play.op->sync);
    play_end(&play);
    play_check_settled(&play, 77, DISK_DONE);
    play_close(&play);
}

/* What waits for a topic that is deleted meanwhile is written, and not read back. */
static void a_topic_may_be_deleted_meanwhile(void **state)
{
    (void)state;
    struct store_play play;
    struct store_options options = play_options(STORE_FSYNC);
    play_open_with_topic(&play, &options);
    play_run(&play);
    play_publish(&play, 1, 1, 1);
    struct record deleted = {.type = RECORD_TOPIC_DELETED, .topic = 1};
    store_log_note(play.log, &deleted, 0);
    assert_false(play_publish(&play, 1, 2, 1));
    play_run(&play);
    play_check_settled(&play, 1, DISK_DONE);
    play_reopen(&play);
    play_run(&play);
    assert_int_equal(play_damages(&play), 0);
    assert_false(play_publish(&play, 1, 2, 1));
    struct record topic = {.type = RECORD_TOPIC_NEW, .tail = SPAN("t")};
    store_log_note(play.log, &topic, 0);
    assert_int_equal(topic.topic, 2);
    play_close(&play);
}

/* --- a disk that fails ------------------------------------------------------------------------ */

/* The publishes that wait fail, and also those behind them. The segment is not written again. What
 * was settled is still there, also if it was not synced. Seqs of failed publishes are used again.
 * The record of another type is written again. */
static void check_failed_append(enum store_mode mode, enum sim_fault fault, size_t bytes)
{
    struct store_play play;
    struct store_options options = play_options(mode);
    play_open_with_topic(&play, &options);
    play_run(&play);
    play_publish(&play, 1, 1, 1);
    play_run(&play);
    struct record paused = {.type = RECORD_PAUSED, .topic = 1, .flag = 1};
    play_publish(&play, 1, 20, 8);
    store_log_note(play.log, &paused, 55);
    store_log_finish(play.log, 1, 1, play.now);
    sim_disk_fault(play.disk, 0, fault, bytes);
    assert_true(play_begin(&play));
    play_publish(&play, 1, 30, 1);
    play_end(&play);
    play_check_settled(&play, 20, DISK_FAILED);
    play_check_settled(&play, 30, DISK_FAILED);
    play_check_settled(&play, 55, DISK_FAILED);
    assert_int_equal(play.health, DISK_FAILED);
    assert_false(play_publish(&play, 1, 40, 1));
    while (play_begin(&play)) {
        assert_false(span_equal(play.op->file, FIRST));
        play_end(&play);
    }
    assert_int_equal(play.health, DISK_DONE);
    play_publish(&play, 1, 50, 1);
    play_run(&play);
    play_check_settled(&play, 50, DISK_DONE);
    assert_true(play_answer(&play, 50)->first == 2);
    play_wait(&play, options.sync_timeout);
    sim_disk_crash(play.disk, 5);
    play_reopen(&play);
    play_run(&play);
    assert_int_equal(play_damages(&play), 0);
    assert_int_equal(play_messages(&play), 2);
    play_check_there(&play, 1, 1);
    play_check_there(&play, 50, 2);
    assert_int_equal(PLAY_COUNT(play.fins, struct play_fin), 1);
    assert_true(play.others.n > 0 && buf_span(&play.others).p[play.others.n - 25] == 9);
    play_close(&play);
}

static void a_failed_append_fails_its_publishes(void **state)
{
    (void)state;
    for (int mode = STORE_FSYNC; mode <= STORE_WRITE; mode++) {
        check_failed_append((enum store_mode)mode, SIM_FAIL, 0);
        check_failed_append((enum store_mode)mode, SIM_SYNC, 0);
        for (size_t bytes = 0; bytes < 300; bytes += 9) {
            check_failed_append((enum store_mode)mode, SIM_SHORT, bytes);
        }
    }
}

/* A full disk: publishes fail at once, and work again when there is room. */
static void a_full_disk_is_tried_again(void **state)
{
    (void)state;
    struct store_play play;
    struct store_options options = play_options(STORE_FSYNC);
    options.most_pending = 2400;
    play_open_with_topic(&play, &options);
    sim_disk_refuse(play.disk, DISK_CREATE, DISK_NO_SPACE);
    play_publish(&play, 1, 1, 1);
    play_run(&play);
    play_check_settled(&play, 1, DISK_NO_SPACE);
    assert_int_equal(play.health, DISK_NO_SPACE);
    assert_false(play_publish(&play, 1, 2, 1));
    assert_true(store_log_next_due(play.log) == play.now + options.sync_timeout);
    size_t before = play.ops;
    play_wait(&play, options.sync_timeout - 1);
    assert_int_equal(play.ops, before);
    play_wait(&play, 1);
    assert_true(play.ops > before);
    assert_int_equal(play.health, DISK_NO_SPACE);
    size_t notes = 0;
    while (store_log_finish(play.log, 1 + notes % 2, 1, play.now)) {
        notes++;
    }
    assert_in_range(notes, options.most_pending / 24 - 10, options.most_pending / 24);
    sim_disk_refuse(play.disk, DISK_CREATE, DISK_DONE);
    play_wait(&play, options.sync_timeout);
    assert_int_equal(play.health, DISK_DONE);
    assert_true(play_publish(&play, 1, 2, 1));
    play_run(&play);
    play_check_settled(&play, 2, DISK_DONE);
    play_reopen(&play);
    play_run(&play);
    assert_int_equal(play_messages(&play), 1);
    play_check_there(&play, 2, 1);
    play_close(&play);
}

/* A new segment fails in any of its steps, before or after the step was done. */
static void each_step_of_a_new_segment_may_fail(void **state)
{
    (void)state;
    for (size_t step = 0; step < 4; step++) {
        for (int after = 0; after < 2; after++) {
            struct store_play play;
            struct store_options options = play_options(STORE_WRITE);
            play_open_with_topic(&play, &options);
            play_run(&play);
            play_publish(&play, 1, 1, 3);
            play_run(&play);
            play_check_settled(&play, 1, DISK_DONE);
            sim_disk_fault(play.disk, 0, SIM_FAIL, 0);
            play_publish(&play, 1, 10, 1);
            assert_true(play_begin(&play));
            play_end(&play);
            sim_disk_fault(play.disk, step, after ? SIM_SYNC : SIM_FAIL, 0);
            play_run(&play);
            play_wait(&play, options.sync_timeout);
            assert_int_equal(play.health, DISK_DONE);
            play_publish(&play, 1, 20, 1);
            play_run(&play);
            play_wait(&play, options.sync_timeout);
            play_check_settled(&play, 20, DISK_DONE);
            sim_disk_crash(play.disk, step);
            play_reopen(&play);
            play_run(&play);
            assert_int_equal(play_damages(&play), 0);
            assert_int_equal(play_messages(&play), 4);
            play_check_there(&play, 1, 1);
            play_check_there(&play, 20, 4);
            play_close(&play);
        }
    }
}

static void a_log_that_cannot_be_read_does_not_start(void **state)
{
    (void)state;
    for (size_t op = 0; op < 5; op++) {
        struct store_play play;
        struct store_options options = play_options(STORE_FSYNC);
        play_open_with_topic(&play, &options);
        play_run(&play);
        play_reopen(&play);
        sim_disk_fault(play.disk, op, SIM_FAIL, 0);
        play_run(&play);
        assert_int_equal(play.ops, op < 4 ? op + 1 : 4);
        assert_int_equal(play.start_reason, op < 4 ? DISK_FAILED : DISK_DONE);
        assert_true(store_log_next_due(play.log) == TIME_NEVER);
        assert_true(store_log_is_idle(play.log) == (op == 4));
        play_close(&play);
    }
}

/* Files with other names are left alone, and an old spare file is replaced. */
static void other_files_are_left_alone(void **state)
{
    (void)state;
    struct store_options options = play_options(STORE_FSYNC);
    struct store_play play;
    play_open(&play, &options, NULL);
    static const char *const names[] = {"nsqd.dat",
                                        "0000000000000000.log",
                                        "000000000000000A.log",
                                        "0000000000000001.dat",
                                        "ffffffffffffffff.log",
                                        "spare-0.log"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct disk_op op = {
            .kind = DISK_CREATE, .file = span_make(names[i], strlen(names[i])), .size = 10};
        sim_disk_do(play.disk, &op);
    }
    play_run(&play);
    assert_int_equal(play.start_reason, DISK_DONE);
    struct record topic = {.type = RECORD_TOPIC_NEW, .tail = SPAN("t")};
    store_log_note(play.log, &topic, 5);
    play_run(&play);
    play_check_settled(&play, 5, DISK_DONE);
    const struct disk_file *files;
    assert_int_equal(sim_disk_files(play.disk, &files), 6);
    assert_int_equal(sim_disk_bytes(play.disk, SPAN("nsqd.dat")).n, 10);
    assert_int_equal(sim_disk_bytes(play.disk, SPAN("spare-0.log")).n, 0);
    assert_true(sim_disk_bytes(play.disk, FIRST).n > 10);
    play_close(&play);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_made_before_there_is_something_to_write),
        cmocka_unit_test(publishes_share_a_sync),
        cmocka_unit_test(what_was_read_is_synced_before_it_is_served),
        cmocka_unit_test(a_start_goes_on_in_a_new_segment),
        cmocka_unit_test(full_segments_are_followed_by_others),
        cmocka_unit_test(a_new_segment_has_room_for_what_waits),
        cmocka_unit_test(a_large_frame_gets_a_large_segment),
        cmocka_unit_test(publishes_that_are_too_many_are_refused),
        cmocka_unit_test(finished_messages_ride_along),
        cmocka_unit_test(many_finished_messages_do_not_wait),
        cmocka_unit_test(the_mode_write_syncs_later),
        cmocka_unit_test(a_topic_may_be_deleted_meanwhile),
        cmocka_unit_test(a_failed_append_fails_its_publishes),
        cmocka_unit_test(a_full_disk_is_tried_again),
        cmocka_unit_test(each_step_of_a_new_segment_may_fail),
        cmocka_unit_test(a_log_that_cannot_be_read_does_not_start),
        cmocka_unit_test(other_files_are_left_alone),
    };
    return cmocka_run_group_tests_name("store_log", tests, NULL, NULL);
}
