/* SPDX-License-Identifier: MIT */
/* Tests of the times in conform/player.h, with a transport that notices frames late. */
#include "conform/player.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/time.h"

#define RESPONSE SPAN("\0\0\0\6\0\0\0\0OK")
#define HEARTBEAT SPAN("\0\0\0\x0f\0\0\0\0_heartbeat_")
#define HEAD "id: a/b\ntitle: t\nreq: R-1\nlevel: MUST\nsource: spec\n\nc connect\nc > \"  V2\"\n"
#define TWO HEAD "c < heartbeat after 900ms\nc < heartbeat after 900ms\n"
#define SILENCE HEAD "c < no message within 100ms\nc < response \"OK\"\n"

struct late {
    struct player player;
    int64_t now;
    const int64_t *noticed; /* ms: when each frame is noticed */
    size_t left;
    bool oversleeps; /* a wait may end after its deadline, and then a frame is there */
    struct span frame;
};

static int64_t on_now(void *self)
{
    return ((struct late *)self)->now;
}

static bool on_connect(void *self, size_t i, enum connect_kind kind)
{
    (void)self;
    (void)i;
    (void)kind;
    return true;
}

static void on_send(void *self, size_t i, struct span bytes)
{
    (void)self;
    (void)i;
    (void)bytes;
}

static void on_close(void *self, size_t i)
{
    (void)self;
    (void)i;
}

static void on_wait(void *self, int64_t deadline)
{
    struct late *l = self;
    int64_t next = l->left > 0 ? *l->noticed * TIME_MS : INT64_MAX;
    if (next > deadline && !(l->oversleeps && l->left > 0)) {
        l->now = deadline;
        return;
    }
    l->now = next;
    l->noticed++;
    l->left--;
    player_arrived(&l->player, 0, l->frame);
}

static enum verdict play_text(struct span text, struct late late, int64_t lag)
{
    struct late *l = calloc(1, sizeof *l);
    struct transcript file;
    struct transcript_error error;
    assert_non_null(l);
    assert_true(transcript_parse(&file, text, &error));
    *l = late;
    const struct player_config config = {.transport = {.self = l,
                                                       .now = on_now,
                                                       .connect = on_connect,
                                                       .send = on_send,
                                                       .end = on_close,
                                                       .close = on_close,
                                                       .reset = on_close,
                                                       .wait = on_wait},
                                         .names = SPAN("n"),
                                         .reply_timeout = 10 * TIME_SECOND,
                                         .lag = lag * TIME_MS,
                                         .time_scale = 100};
    player_init(&l->player, &config, &file);
    player_run(&l->player);
    enum verdict verdict = l->player.verdict;
    player_free(&l->player);
    transcript_free(&file);
    free(l);
    return verdict;
}

static enum verdict play(const int64_t *noticed, size_t n, int64_t lag)
{
    return play_text(SPAN(TWO), (struct late){.noticed = noticed, .left = n, .frame = HEARTBEAT},
                     lag);
}

/* Both heartbeats come in time, and the first is noticed 140 ms late. */
static void a_frame_that_was_noticed_late_does_not_make_the_next_one_early(void **state)
{
    (void)state;
    static const int64_t noticed[] = {1140, 2000};
    assert_int_equal(play(noticed, 2, 500), VERDICT_PASS);
    assert_int_equal(play(noticed, 2, 0), VERDICT_FAIL);
}

static void a_frame_that_comes_early_fails(void **state)
{
    (void)state;
    static const int64_t first[] = {899, 2000};
    static const int64_t second[] = {1000, 1799};
    static const int64_t late[] = {5000, 5399}; /* nothing is noticed that late */
    assert_int_equal(play(first, 2, 500), VERDICT_FAIL);
    assert_int_equal(play(second, 2, 500), VERDICT_FAIL);
    assert_int_equal(play(late, 2, 500), VERDICT_FAIL);
}

/* A wait of 100 ms ends after 105 ms, and there is a frame. Nobody knows when it came. */
static void a_frame_that_is_noticed_after_a_silence_does_not_break_it(void **state)
{
    (void)state;
    static const int64_t after[] = {105};
    static const int64_t before[] = {95};
    struct late late = {.noticed = after, .left = 1, .oversleeps = true, .frame = RESPONSE};
    assert_int_equal(play_text(SPAN(SILENCE), late, 500), VERDICT_PASS);
    assert_int_equal(play_text(SPAN(SILENCE), late, 0), VERDICT_FAIL);
    late.noticed = before;
    assert_int_equal(play_text(SPAN(SILENCE), late, 500), VERDICT_FAIL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_that_was_noticed_late_does_not_make_the_next_one_early),
        cmocka_unit_test(a_frame_that_comes_early_fails),
        cmocka_unit_test(a_frame_that_is_noticed_after_a_silence_does_not_break_it),
    };
    return cmocka_run_group_tests_name("player_times", tests, NULL, NULL);
}
