/* SPDX-License-Identifier: MIT */
/* Tests of support/sim_disk.h: the simulated disk loses what is not safe, and nothing else. */
#include "support/sim_disk.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SIZE 2048
#define SEEDS 200

static enum disk_reason create(struct sim_disk *disk, const char *name)
{
    struct disk_op op = {.kind = DISK_CREATE, .file = span_make(name, strlen(name)), .size = SIZE};
    return sim_disk_do(disk, &op)->reason;
}

static struct disk_op append(size_t offset, const char *text, bool sync)
{
    return (struct disk_op){.kind = DISK_APPEND,
                            .file = SPAN("a"),
                            .offset = offset,
                            .bytes = span_make(text, strlen(text)),
                            .sync = sync};
}

static enum disk_reason do_append(struct sim_disk *disk, size_t offset, const char *text, bool sync)
{
    struct disk_op op = append(offset, text, sync);
    return sim_disk_do(disk, &op)->reason;
}

static bool has(const struct sim_disk *disk, size_t offset, const char *text)
{
    struct span bytes = sim_disk_bytes(disk, SPAN("a"));
    assert_true(bytes.n >= offset + strlen(text));
    return memcmp(bytes.p + offset, text, strlen(text)) == 0;
}

static void files_are_made_read_renamed_and_deleted(void **state)
{
    (void)state;
    struct sim_disk *disk = sim_disk_new();
    assert_int_equal(create(disk, "a"), DISK_DONE);
    assert_int_equal(create(disk, "a"), DISK_FAILED);
    assert_int_equal(do_append(disk, 10, "hello", true), DISK_DONE);
    assert_int_equal(do_append(disk, SIZE - 4, "hello", true), DISK_FAILED);

    struct disk_op op = {.kind = DISK_READ, .file = SPAN("a"), .offset = 8, .size = 9};
    assert_true(span_equal(sim_disk_do(disk, &op)->bytes, SPAN("\0\0hello\0\0")));
    op.offset = SIZE - 3;
    assert_int_equal(sim_disk_do(disk, &op)->bytes.n, 3);
    op.offset = SIZE + 1;
    assert_int_equal(sim_disk_do(disk, &op)->bytes.n, 0);

    assert_int_equal(create(disk, "b"), DISK_DONE);
    op = (struct disk_op){.kind = DISK_RENAME, .file = SPAN("a"), .to = SPAN("b")};
    assert_int_equal(sim_disk_do(disk, &op)->reason, DISK_FAILED);
    op.to = SPAN("c");
    assert_int_equal(sim_disk_do(disk, &op)->reason, DISK_DONE);
    op = (struct disk_op){.kind = DISK_DELETE, .file = SPAN("b")};
    assert_int_equal(sim_disk_do(disk, &op)->reason, DISK_DONE);
    assert_int_equal(sim_disk_do(disk, &op)->reason, DISK_FAILED);
    op.kind = DISK_READ;
    assert_int_equal(sim_disk_do(disk, &op)->reason, DISK_FAILED);

    op = (struct disk_op){.kind = DISK_LIST};
    const struct disk_result *result = sim_disk_do(disk, &op);
    assert_int_equal(result->count, 1);
    assert_true(span_equal(result->files[0].name, SPAN("c")));
    assert_int_equal(result->files[0].size, SIZE);
    sim_disk_free(disk);
}

/* What was synced is there after every crash, and a write without a sync after some of them. Only
 * then are all sectors there in some crashes, and only some of them in others. */
static void crashes_lose_what_is_not_safe(void **state)
{
    (void)state;
    char text[3 * SIM_DISK_SECTOR + 1];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    size_t all = 0;
    size_t none = 0;
    size_t garbage = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct sim_disk *disk = sim_disk_new();
        create(disk, "a");
        do_append(disk, 0, "safe", true);
        do_append(disk, SIM_DISK_SECTOR - 2, text, false);
        assert_true(has(disk, SIM_DISK_SECTOR - 2, text));
        sim_disk_crash(disk, seed);
        assert_true(has(disk, 0, "safe"));
        struct span bytes = sim_disk_bytes(disk, SPAN("a"));
        size_t there = 0;
        for (size_t i = SIM_DISK_SECTOR - 2; i < SIM_DISK_SECTOR - 2 + sizeof text - 1; i++) {
            there += bytes.p[i] == 'x' ? 1 : 0;
            garbage += bytes.p[i] != 'x' && bytes.p[i] != 0 ? 1 : 0;
        }
        all += there == sizeof text - 1 ? 1 : 0;
        none += there == 0 ? 1 : 0;
        sim_disk_free(disk);
    }
    assert_true(all > 0 && none > 0 && garbage > 0);
    assert_true(all + none < SEEDS);
}

/* The later of two writes may be there without the earlier one. */
static void crashes_reorder_writes(void **state)
{
    (void)state;
    unsigned seen = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct sim_disk *disk = sim_disk_new();
        create(disk, "a");
        do_append(disk, 0, "one", false);
        do_append(disk, SIM_DISK_SECTOR, "two", false);
        sim_disk_crash(disk, seed);
        seen |= 1U << (2 * has(disk, 0, "one") + has(disk, SIM_DISK_SECTOR, "two"));
        sim_disk_free(disk);
    }
    assert_int_equal(seen, 15);
}

/* A name is safe when the request has ended. Before, a crash may lose it, and a new file may be
 * shorter. */
static void names_are_safe_at_the_end_of_a_request(void **state)
{
    (void)state;
    unsigned seen = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct sim_disk *disk = sim_disk_new();
        create(disk, "a");
        struct sim_disk *other = sim_disk_clone(disk);
        sim_disk_crash(other, seed);
        assert_int_equal(sim_disk_bytes(other, SPAN("a")).n, SIZE);
        struct disk_op op = {.kind = DISK_RENAME, .file = SPAN("a"), .to = SPAN("b")};
        sim_disk_begin(other, &op);
        sim_disk_crash(other, seed);
        seen |= sim_disk_bytes(other, SPAN("a")).n > 0 ? 1 : 2;
        sim_disk_free(other);

        op = (struct disk_op){.kind = DISK_CREATE, .file = SPAN("c"), .size = SIZE};
        sim_disk_begin(disk, &op);
        sim_disk_crash(disk, seed);
        size_t n = sim_disk_bytes(disk, SPAN("c")).n;
        seen |= n == 0 ? 4 : n < SIZE ? 8 : 0;
        sim_disk_free(disk);
    }
    assert_int_equal(seen, 15);
}

static void a_deleted_file_may_come_back_until_the_end(void **state)
{
    (void)state;
    unsigned seen = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct sim_disk *disk = sim_disk_new();
        create(disk, "a");
        struct disk_op op = {.kind = DISK_DELETE, .file = SPAN("a")};
        sim_disk_begin(disk, &op);
        sim_disk_crash(disk, seed);
        seen |= sim_disk_bytes(disk, SPAN("a")).n > 0 ? 1 : 2;
        sim_disk_free(disk);
    }
    assert_int_equal(seen, 3);
}

/* After a kill, names are not safe before they are listed. */
static void a_list_makes_names_safe(void **state)
{
    (void)state;
    unsigned seen = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct sim_disk *disk = sim_disk_new();
        struct disk_op op = {.kind = DISK_CREATE, .file = SPAN("a"), .size = SIZE};
        sim_disk_begin(disk, &op);
        sim_disk_kill(disk, seed);
        struct sim_disk *other = sim_disk_clone(disk);
        sim_disk_crash(other, seed);
        seen |= sim_disk_bytes(other, SPAN("a")).n > 0 ? 1 : 2;
        sim_disk_free(other);
        op.kind = DISK_LIST;
        assert_int_equal(sim_disk_do(disk, &op)->count, 1);
        sim_disk_crash(disk, seed);
        assert_int_equal(sim_disk_bytes(disk, SPAN("a")).n, SIZE);
        sim_disk_free(disk);
    }
    assert_int_equal(seen, 3);
}

static void a_kill_keeps_what_was_written(void **state)
{
    (void)state;
    unsigned seen = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct sim_disk *disk = sim_disk_new();
        create(disk, "a");
        do_append(disk, 0, "one", false);
        struct disk_op op = append(3, "two", false);
        sim_disk_begin(disk, &op);
        sim_disk_kill(disk, seed);
        assert_true(has(disk, 0, "one"));
        seen |= has(disk, 3, "two") ? 1 : has(disk, 3, "tw") ? 2 : has(disk, 3, "t") ? 4 : 8;
        sim_disk_free(disk);
    }
    assert_int_equal(seen, 15);
}

static void requests_fail_as_planned(void **state)
{
    (void)state;
    struct sim_disk *disk = sim_disk_new();
    create(disk, "a");
    sim_disk_fault(disk, 1, SIM_FAIL, 0);
    assert_int_equal(do_append(disk, 0, "one", true), DISK_DONE);
    assert_int_equal(do_append(disk, 0, "two", true), DISK_FAILED);
    assert_int_equal(do_append(disk, 3, "two", true), DISK_DONE);
    assert_true(has(disk, 0, "onetwo"));
    sim_disk_fault(disk, 0, SIM_NO_SPACE, 0);
    assert_int_equal(do_append(disk, 0, "six", true), DISK_NO_SPACE);
    sim_disk_fault(disk, 0, SIM_SHORT, 2);
    assert_int_equal(do_append(disk, 0, "six", true), DISK_FAILED);
    assert_true(has(disk, 0, "sietwo"));
    sim_disk_refuse(disk, DISK_CREATE, DISK_NO_SPACE);
    assert_int_equal(create(disk, "b"), DISK_NO_SPACE);
    assert_int_equal(create(disk, "b"), DISK_NO_SPACE);
    sim_disk_refuse(disk, DISK_CREATE, DISK_DONE);
    assert_int_equal(create(disk, "b"), DISK_DONE);
    assert_int_equal(sim_disk_count(disk), 9);
    sim_disk_free(disk);
}

/* After a sync that failed, a sync that succeeds does not bring the writes back. */
static void a_failed_sync_drops_writes(void **state)
{
    (void)state;
    size_t lost = 0;
    size_t kept = 0;
    for (size_t before = 0; before < 20; before++) {
        struct sim_disk *disk = sim_disk_new();
        create(disk, "a");
        for (size_t i = 0; i < before; i++) {
            do_append(disk, 0, "", true);
        }
        do_append(disk, SIM_DISK_SECTOR, "x", false);
        sim_disk_fault(disk, 0, SIM_SYNC, 0);
        assert_int_equal(do_append(disk, 1, "y", true), DISK_FAILED);
        assert_int_equal(do_append(disk, 1, "", true), DISK_DONE);
        sim_disk_crash(disk, 1);
        kept += has(disk, SIM_DISK_SECTOR, "x") ? 1 : 0;
        lost += has(disk, SIM_DISK_SECTOR, "x") ? 0 : 1;
        sim_disk_free(disk);
    }
    assert_true(lost > 0 && kept > 0);
}

static void a_flipped_bit_stays(void **state)
{
    (void)state;
    struct sim_disk *disk = sim_disk_new();
    create(disk, "a");
    do_append(disk, 0, "abc", true);
    sim_disk_flip(disk, SPAN("a"), 1, 0);
    assert_true(has(disk, 0, "acc"));
    sim_disk_crash(disk, 1);
    assert_true(has(disk, 0, "acc"));
    sim_disk_free(disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_made_read_renamed_and_deleted),
        cmocka_unit_test(crashes_lose_what_is_not_safe),
        cmocka_unit_test(crashes_reorder_writes),
        cmocka_unit_test(names_are_safe_at_the_end_of_a_request),
        cmocka_unit_test(a_deleted_file_may_come_back_until_the_end),
        cmocka_unit_test(a_list_makes_names_safe),
        cmocka_unit_test(a_kill_keeps_what_was_written),
        cmocka_unit_test(requests_fail_as_planned),
        cmocka_unit_test(a_failed_sync_drops_writes),
        cmocka_unit_test(a_flipped_bit_stays),
    };
    return cmocka_run_group_tests_name("sim_disk", tests, NULL, NULL);
}
