/* SPDX-License-Identifier: MIT */
/* Tests of store/log.h: damage of files is reported, and costs no more than it must. */
#include "support/store_play.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/crc32c.h"
#include "support/stride.h"

#define FIRST SPAN("0000000000000001.log")
#define SECOND SPAN("0000000000000002.log")

/* A disk with three segments: 30 messages, each with a frame of its own, all safe. */
static struct sim_disk *three_segments(const struct store_options *options)
{
    struct store_play play;
    play_open_with_topic(&play, options);
    for (uint64_t id = 1; id <= 30; id++) {
        play_publish(&play, 1, id, 1);
        play_run(&play);
        if (id % 10 == 0) {
            play_reopen(&play);
            play_run(&play);
        }
    }
    struct sim_disk *disk = sim_disk_clone(play.disk);
    play_close(&play);
    return disk;
}

static bool frame_bytes(struct span bytes, size_t byte)
{
    struct segment_head head;
    bool damaged;
    assert_int_equal(segment_head_parse(bytes, &head, &damaged), PARSED_VALID);
    size_t end = SEGMENT_HEAD_SIZE;
    struct frame_head frame;
    struct span payload;
    while (frame_parse(span_skip(bytes, end), head.salt, &frame, &payload) == PARSED_VALID) {
        end += frame_size(frame.length);
    }
    return byte < SEGMENT_HEAD_USED || (byte >= SEGMENT_HEAD_SIZE && byte < end) ||
           (byte >= SEGMENT_HEAD_COPY && byte < SEGMENT_HEAD_COPY + SEGMENT_HEAD_USED);
}

/* Flips one bit of each byte: this is reported, and everything is there but one frame. The first
 * frame of the first segment has the topic, so it is left out here. */
static void a_flipped_bit_costs_one_frame(void **state)
{
    (void)state;
    struct store_options options = play_options(STORE_FSYNC);
    struct sim_disk *disk = three_segments(&options);
    static const struct span names[] = {SPAN_LITERAL("0000000000000001.log"),
                                        SPAN_LITERAL("0000000000000002.log"),
                                        SPAN_LITERAL("0000000000000003.log")};
    for (size_t name = 0; name < 3; name++) {
        struct span bytes = sim_disk_bytes(disk, names[name]);
        for (size_t byte = 0; byte < bytes.n; byte += stride(101)) {
            if ((name == 0 && byte >= SEGMENT_HEAD_SIZE && byte < SEGMENT_HEAD_SIZE + 400) ||
                !frame_bytes(bytes, byte)) {
                continue;
            }
            struct store_play play;
            play_open(&play, &options, sim_disk_clone(disk));
            sim_disk_flip(play.disk, names[name], byte, byte % 8);
            play_run(&play);
            assert_int_equal(play.start_reason, DISK_DONE);
            assert_int_equal(play_damages(&play), 1);
            struct store_damage damage = play_first_damage(&play);
            assert_int_equal(damage.segment, name + 1);
            bool in_head = byte < SEGMENT_HEAD_SIZE;
            assert_true(in_head == (damage.kind == DAMAGE_HEAD));
            assert_int_equal(play_messages(&play), in_head ? 30 : 29);
            assert_true(in_head || (damage.from <= byte && byte < damage.to));
            play_close(&play);
        }
    }
    sim_disk_free(disk);
}

/* Both heads of a segment are wrong, or its file is gone: the others are read. */
static void a_lost_segment_is_reported(void **state)
{
    (void)state;
    struct store_options options = play_options(STORE_FSYNC);
    for (int gone = 0; gone < 2; gone++) {
        struct store_play play;
        play_open(&play, &options, three_segments(&options));
        if (gone) {
            struct disk_op op = {.kind = DISK_DELETE, .file = SECOND};
            sim_disk_do(play.disk, &op);
        } else {
            sim_disk_flip(play.disk, SECOND, 20, 1);
            sim_disk_flip(play.disk, SECOND, SEGMENT_HEAD_COPY + 20, 1);
        }
        play_run(&play);
        assert_int_equal(play_damages(&play), 1);
        assert_int_equal(play_first_damage(&play).kind, DAMAGE_SEGMENT);
        assert_true(play_first_damage(&play).segment == 2);
        assert_int_equal(play_messages(&play), 20);
        play_check_there(&play, 30, 30);
        play_close(&play);
    }
}

/* The first segment is gone: it is named by the second one. */
static void a_lost_first_segment_is_reported(void **state)
{
    (void)state;
    struct store_options options = play_options(STORE_FSYNC);
    struct store_play play;
    play_open(&play, &options, three_segments(&options));
    struct disk_op op = {.kind = DISK_DELETE, .file = FIRST};
    sim_disk_do(play.disk, &op);
    play_run(&play);
    assert_int_equal(play_damages(&play), 1);
    assert_int_equal(play_first_damage(&play).kind, DAMAGE_SEGMENT);
    assert_true(play_first_damage(&play).segment == 1);
    assert_int_equal(play_messages(&play), 0); /* nobody knows the topic */
    play_close(&play);
}

/* A segment has become shorter: what is missing is rot. */
static void a_short_segment_is_reported(void **state)
{
    (void)state;
    struct store_options options = play_options(STORE_FSYNC);
    struct store_play play;
    play_open(&play, &options, three_segments(&options));
    uint8_t bytes[SEGMENT_HEAD_SIZE + 1000];
    memcpy(bytes, sim_disk_bytes(play.disk, SECOND).p, sizeof bytes);
    struct disk_op op = {.kind = DISK_DELETE, .file = SECOND};
    sim_disk_do(play.disk, &op);
    op = (struct disk_op){.kind = DISK_CREATE, .file = SECOND, .size = sizeof bytes};
    sim_disk_do(play.disk, &op);
    op = (struct disk_op){
        .kind = DISK_APPEND, .file = SECOND, .bytes = span_make(bytes, sizeof bytes), .sync = true};
    sim_disk_do(play.disk, &op);
    play_run(&play);
    assert_int_equal(play_damages(&play), 2); /* the frame that is cut, and what is missing */
    assert_int_equal(play_first_damage(&play).kind, DAMAGE_ROT);
    assert_true(play_first_damage(&play).to == sizeof bytes);
    assert_in_range(play_messages(&play), 21, 29);
    play_check_there(&play, 10, 10);
    play_check_there(&play, 30, 30);
    play_close(&play);
}

/* Writes a valid frame with this number and these records behind the first one of the log. */
static void plant_frame(struct sim_disk *disk, uint64_t number, struct span records)
{
    struct span bytes = sim_disk_bytes(disk, FIRST);
    struct segment_head segment;
    struct frame_head first;
    bool damaged;
    assert_int_equal(segment_head_parse(bytes, &segment, &damaged), PARSED_VALID);
    struct span frames = span_skip(bytes, SEGMENT_HEAD_SIZE);
    assert_int_equal(frame_head_parse(frames, segment.salt, &first), PARSED_VALID);
    uint8_t frame[FRAME_HEAD_SIZE + 64] = {0};
    assert_true(records.n <= 64);
    memcpy(frame + FRAME_HEAD_SIZE, records.p, records.n);
    struct frame_head head = {
        .length = (uint32_t)records.n, .number = number, .durable = SEGMENT_HEAD_SIZE};
    frame_seal(frame, segment.salt, &head);
    struct disk_op op = {.kind = DISK_APPEND,
                         .file = FIRST,
                         .offset = SEGMENT_HEAD_SIZE + frame_size(first.length),
                         .bytes = span_make(frame, frame_size(records.n)),
                         .sync = true};
    assert_int_equal(sim_disk_do(disk, &op)->reason, DISK_DONE);
}

#define DELETED "\0\5\0\0\0\0\0\4\0\0\0\7" /* a record TOPIC DELETED */

/* Frames without their numbers, and records that are none, are reported. Frames may be empty. */
static void odd_frames_are_reported(void **state)
{
    (void)state;
    static const struct {
        uint64_t number;
        struct span records;
        int kind; /* of the damage; -1: none */
        size_t others;
    } cases[] = {
        {2, SPAN_LITERAL(DELETED), -1, 2},
        {2, SPAN_LITERAL(""), -1, 1},
        {3, SPAN_LITERAL(DELETED), DAMAGE_HOLE, 2},
        {1, SPAN_LITERAL(DELETED), DAMAGE_HOLE, 2},
        {2, SPAN_LITERAL(DELETED "\0\x63\0\0\0\0\0\4\0\0\0\7"), DAMAGE_RECORD, 2},
        {2, SPAN_LITERAL(DELETED "\0\5"), DAMAGE_RECORD, 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct store_options options = play_options(STORE_FSYNC);
        struct store_play play;
        play_open_with_topic(&play, &options);
        play_run(&play);
        plant_frame(play.disk, cases[i].number, cases[i].records);
        play_reopen(&play);
        play_run(&play);
        assert_int_equal(play_damages(&play), cases[i].kind < 0 ? 0 : 1);
        assert_true(cases[i].kind < 0 || play_first_damage(&play).kind == (unsigned)cases[i].kind);
        /* TOPIC NEW and CHANNEL NEW have 12 and 24 bytes without their names. */
        assert_int_equal(play.others.n, 12 + 24 + 12 * (cases[i].others - 1));
        play_close(&play);
    }
}

/* Numbers are never used again, so there may be none left. */
static void numbers_may_be_used_up(void **state)
{
    (void)state;
    static const struct span last[] = {SPAN_LITERAL("\0\5\0\0\0\0\0\4\x7f\xff\xff\xff"),
                                       SPAN_LITERAL("\0\7\0\0\0\0\0\4\x7f\xff\xff\xff")};
    for (size_t i = 0; i < 2; i++) {
        struct store_options options = play_options(STORE_FSYNC);
        struct store_play play;
        play_open_with_topic(&play, &options);
        play_run(&play);
        plant_frame(play.disk, 2, last[i]);
        play_reopen(&play);
        play_run(&play);
        struct record topic = {.type = RECORD_TOPIC_NEW, .tail = SPAN("u")};
        struct record channel = {
            .type = RECORD_CHANNEL_NEW, .topic = 1, .seq = 1, .tail = SPAN("d")};
        assert_true(store_log_note(play.log, &topic, 0) == (i == 1));
        assert_true(store_log_note(play.log, &channel, 0) == (i == 0));
        play_close(&play);
    }
}

/* A PUB without messages and with the seq 0 is a valid record. It must not use up all seqs. */
static void a_publish_of_nothing_changes_no_seq(void **state)
{
    (void)state;
    struct store_options options = play_options(STORE_FSYNC);
    struct store_play play;
    play_open_with_topic(&play, &options);
    play_run(&play);
    plant_frame(play.disk, 2, SPAN("\0\1\0\0\0\0\0\x10\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0"));
    play_reopen(&play);
    play_run(&play);
    assert_int_equal(play_damages(&play), 0);
    play_publish(&play, 1, 7, 1);
    play_run(&play);
    play_reopen(&play);
    play_run(&play);
    play_check_there(&play, 7, 1);
    play_close(&play);
}

/* A torn frame at the end is cut off and said. The next start finds the same, also after a new
 * segment was begun behind it. */
static void a_torn_tail_is_cut_off(void **state)
{
    (void)state;
    struct store_options options = play_options(STORE_FSYNC);
    struct store_play play;
    play_open_with_topic(&play, &options);
    play_run(&play);
    play_publish(&play, 1, 1, 1);
    play_run(&play);
    play_publish(&play, 1, 2, 9);
    sim_disk_fault(play.disk, 0, SIM_SHORT, 700);
    assert_true(play_begin(&play));
    sim_disk_kill(play.disk, 0);
    play_reopen(&play);
    play_run(&play);
    assert_int_equal(play_damages(&play), 1);
    assert_int_equal(play_first_damage(&play).kind, DAMAGE_TAIL);
    assert_int_equal(play_messages(&play), 1);
    play_publish(&play, 1, 20, 1);
    play_run(&play);
    play_reopen(&play);
    play_run(&play);
    assert_int_equal(play_damages(&play), 0);
    assert_int_equal(play_messages(&play), 2);
    play_check_there(&play, 20, 2);
    play_close(&play);
}

static void a_later_version_is_refused(void **state)
{
    (void)state;
    struct store_options options = play_options(STORE_FSYNC);
    struct store_play play;
    play_open_with_topic(&play, &options);
    play_run(&play);
    play_reopen(&play);
    /* The version, and the checksum that belongs to it. */
    uint8_t head[SEGMENT_HEAD_USED];
    memcpy(head, sim_disk_bytes(play.disk, FIRST).p, sizeof head);
    be32_store(head + 8, 2);
    uint32_t crc = crc32c(span_make(head, 12));
    be32_store(head + 12, crc32c_more(crc, span_make(head + 16, sizeof head - 16)));
    struct disk_op op = {
        .kind = DISK_APPEND, .file = FIRST, .bytes = span_make(head, sizeof head), .sync = true};
    sim_disk_do(play.disk, &op);
    play_run(&play);
    assert_int_equal(play.start_reason, DISK_FAILED);
    assert_int_equal(play_first_damage(&play).why, WRONG_VERSION);
    play_close(&play);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flipped_bit_costs_one_frame),
        cmocka_unit_test(a_lost_segment_is_reported),
        cmocka_unit_test(a_lost_first_segment_is_reported),
        cmocka_unit_test(a_short_segment_is_reported),
        cmocka_unit_test(odd_frames_are_reported),
        cmocka_unit_test(numbers_may_be_used_up),
        cmocka_unit_test(a_publish_of_nothing_changes_no_seq),
        cmocka_unit_test(a_torn_tail_is_cut_off),
        cmocka_unit_test(a_later_version_is_refused),
    };
    return cmocka_run_group_tests_name("store_damage", tests, NULL, NULL);
}
