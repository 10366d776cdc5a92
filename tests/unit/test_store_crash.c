/* SPDX-License-Identifier: MIT */
/*
 * Crashes of the log (store/log.h): random publishes and finished messages on a disk that fails now
 * and then. At the beginning and at the end of each request, a copy of the disk loses its power or
 * its process. A new log reads the copy, and a ledger of everything that was published says what it
 * must find:
 *
 *   (1) every message that was acknowledged, if the mode promises it for this kind of crash;
 *   (2) no other message than those that were published, each once, with its own bytes and seq;
 *   (3) every finished message whose note was safe, and no note for another message;
 *   (4) all messages of a publish or none;
 *   (5) the same if it is read again;
 *   (6) no damage but torn tails; and if a bit was flipped, damage, and all other frames.
 *
 * STORE_SEED=n in the environment plays one case; a failure prints its seed.
 */
#include "support/store_play.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/stride.h"

#define CASES 3000
#define ACTIONS 70
#define RUNS_MAX 128
#define MESSAGES_MAX 768
#define TOPICS 2
#define PIECE_MAX 8 /* messages of a publish */

/* How safe something is. */
enum level {
    UNWRITTEN, /* may be lost */
    WRITTEN,   /* survives the end of the process */
    SAFE,      /* survives a loss of power */
};

enum state { POSTED, ACKED, GONE };

/* A publish. */
struct run {
    uint32_t topic;
    uint64_t id; /* of its first message */
    uint32_t count;
    uint64_t first; /* seq; known if ACKED */
    enum state state;
    enum level level;
    size_t frame; /* the number of the request that wrote it; 0: none did */
};

struct message {
    size_t run;
    bool finished;
    bool riding; /* the note is in the frame that is being written */
    enum level level;
};

struct ledger {
    struct store_play play;
    uint64_t random;
    uint64_t seed;
    struct run runs[RUNS_MAX];
    size_t runs_n;
    struct message messages[MESSAGES_MAX]; /* by id; 0 is not used */
    uint64_t ids;                          /* the next id */
    size_t answers;                        /* of the play, that were taken */
    bool shaky;                            /* a request has failed, and the log has not recovered */
    bool writes; /* the request that was begun writes a frame into a segment */
    bool syncs;  /* the same: makes everything safe that was written */
};

#define CHECK(ledger, claim)                                                                       \
    do {                                                                                           \
        if (!(claim)) {                                                                            \
            fail_msg("STORE_SEED=%lu: %s", (unsigned long)(ledger)->seed, #claim);                 \
        }                                                                                          \
    } while (0)

static size_t below(struct ledger *l, size_t bound)
{
    return (size_t)(sim_random(&l->random) % bound);
}

/* --- what a log must have found --------------------------------------------------------------- */

/* What a log has read back, in tables. */
struct found {
    uint64_t seq[MESSAGES_MAX];              /* by id; 0: not there */
    bool finished[TOPICS + 1][MESSAGES_MAX]; /* by topic and seq */
    uint64_t at[TOPICS + 1][MESSAGES_MAX];   /* the id, by topic and seq */
};

/* Check (2). */
static void collect(const struct ledger *l, const struct store_play *play, struct found *found)
{
    memset(found, 0, sizeof *found);
    const struct play_message *messages = PLAY_ITEMS(play->messages, struct play_message);
    for (size_t i = 0; i < PLAY_COUNT(play->messages, struct play_message); i++) {
        const struct play_message *m = &messages[i];
        CHECK(l, m->same && m->id > 0 && m->id < l->ids);
        CHECK(l, m->topic == l->runs[l->messages[m->id].run].topic);
        CHECK(l, m->seq > 0 && m->seq < MESSAGES_MAX);
        CHECK(l, found->seq[m->id] == 0 && found->at[m->topic][m->seq] == 0);
        found->seq[m->id] = m->seq;
        found->at[m->topic][m->seq] = m->id;
    }
    const struct play_fin *fins = PLAY_ITEMS(play->fins, struct play_fin);
    for (size_t i = 0; i < PLAY_COUNT(play->fins, struct play_fin); i++) {
        CHECK(l, fins[i].channel >= 1 && fins[i].channel <= TOPICS);
        CHECK(l, fins[i].seq > 0 && fins[i].seq < MESSAGES_MAX);
        found->finished[fins[i].channel][fins[i].seq] = true;
    }
}

/* Checks (1) and (4) for one run. */
static void check_run(const struct ledger *l, const struct run *run, const struct found *found,
                      enum level promised)
{
    size_t there = 0;
    for (uint64_t i = 0; i < run->count; i++) {
        uint64_t seq = found->seq[run->id + i];
        there += seq > 0 ? 1 : 0;
        CHECK(l, seq == 0 || seq == found->seq[run->id] + i);
        CHECK(l, seq == 0 || run->state != ACKED || seq == run->first + i);
    }
    CHECK(l, there == 0 || there == run->count);
    CHECK(l, there > 0 || run->state != ACKED || run->level < promised);
}

/* Check (3): topic n has channel n. */
static void check_fins(const struct ledger *l, const struct found *found, enum level promised)
{
    for (uint32_t topic = 1; topic <= TOPICS; topic++) {
        for (uint64_t seq = 1; seq < MESSAGES_MAX; seq++) {
            uint64_t id = found->at[topic][seq];
            CHECK(l, id == 0 || !found->finished[topic][seq] || l->messages[id].finished);
        }
    }
    for (uint64_t id = 1; id < l->ids; id++) {
        const struct message *m = &l->messages[id];
        bool must = m->finished && m->level >= promised && found->seq[id] > 0;
        CHECK(l, !must || found->finished[l->runs[m->run].topic][found->seq[id]]);
    }
}

/* Everything about a log that was opened on a disk after a crash. */
static void check_recovered(const struct ledger *l, const struct store_play *play,
                            enum level promised, struct found *found)
{
    CHECK(l, play->started && play->start_reason == DISK_DONE);
    CHECK(l, span_equal(buf_span(&play->names), SPAN("t1t2")));
    const struct store_damage *damage = PLAY_ITEMS(play->damage, struct store_damage);
    for (size_t i = 0; i < PLAY_COUNT(play->damage, struct store_damage); i++) {
        CHECK(l, damage[i].kind == DAMAGE_TAIL);
    }
    collect(l, play, found);
    for (size_t i = 0; i < l->runs_n; i++) {
        check_run(l, &l->runs[i], found, promised);
    }
    check_fins(l, found, promised);
}

/* --- crashes ---------------------------------------------------------------------------------- */

/* Makes the disk crash, and returns what level of safety is promised. */
static enum level crash(struct ledger *l, struct sim_disk *disk)
{
    bool killed = below(l, 3) == 0;
    uint64_t seed = sim_random(&l->random);
    if (killed) {
        sim_disk_kill(disk, seed);
    } else {
        sim_disk_crash(disk, seed);
    }
    return killed && !l->shaky ? WRITTEN : SAFE;
}

/* Check (5): what was read is safe, so it is there after another crash. */
static void check_again(struct ledger *l, struct store_play *play)
{
    uint64_t digest = play->digest;
    sim_disk_crash(play->disk, sim_random(&l->random));
    play_reopen(play);
    play_run(play);
    CHECK(l, play->digest == digest);
}

/* The disk crashes again while a log reads it. Returns what level of safety is promised now. */
static enum level crash_reader(struct ledger *l, struct store_play *play, enum level promised)
{
    for (size_t i = below(l, 8); i > 0 && play_begin(play); i--) {
        play_end(play);
    }
    if (below(l, 2) == 0) {
        play_begin(play);
    }
    enum level again = crash(l, play->disk);
    promised = again == WRITTEN || play->started ? promised : SAFE;
    play_reopen(play);
    return promised;
}

/* A copy of the disk crashes. */
static void crash_copy(struct ledger *l)
{
    struct store_play play;
    struct found found;
    struct sim_disk *disk = sim_disk_clone(l->play.disk);
    enum level promised = crash(l, disk);
    sim_disk_fault(disk, SIZE_MAX, SIM_FAIL, 0);
    play_open(&play, &l->play.options, disk);
    if (below(l, 2) == 0) {
        promised = crash_reader(l, &play, promised);
    }
    play_run(&play);
    check_recovered(l, &play, promised, &found);
    check_again(l, &play);
    play_close(&play);
}

/* The disk itself crashes, and the log goes on. What it has found counts from now on. */
static void crash_all(struct ledger *l)
{
    struct found found;
    enum level promised = crash(l, l->play.disk);
    sim_disk_fault(l->play.disk, SIZE_MAX, SIM_FAIL, 0);
    play_reopen(&l->play);
    play_run(&l->play);
    check_recovered(l, &l->play, promised, &found);
    for (size_t i = 0; i < l->runs_n; i++) {
        struct run *run = &l->runs[i];
        bool there = found.seq[run->id] > 0;
        run->state = there ? ACKED : GONE;
        run->level = there ? SAFE : UNWRITTEN;
        run->first = found.seq[run->id];
    }
    for (uint64_t id = 1; id < l->ids; id++) {
        struct message *m = &l->messages[id];
        m->finished = found.seq[id] > 0 && found.finished[l->runs[m->run].topic][found.seq[id]];
        m->riding = false;
        m->level = m->finished ? SAFE : UNWRITTEN;
    }
    l->answers = 0;
    l->shaky = false;
}

/* --- the ledger ------------------------------------------------------------------------------- */

static void publish(struct ledger *l)
{
    uint32_t count = below(l, 3) == 0 ? 1 + (uint32_t)below(l, PIECE_MAX) : 1;
    uint32_t topic = 1 + (uint32_t)below(l, TOPICS);
    if (l->runs_n == RUNS_MAX || l->ids + count > MESSAGES_MAX ||
        !play_publish(&l->play, topic, l->ids, count)) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        l->messages[l->ids + i] = (struct message){.run = l->runs_n};
    }
    l->runs[l->runs_n++] = (struct run){.topic = topic, .id = l->ids, .count = count};
    l->ids += count;
}

/* A message that was acknowledged, and that the log still has, is finished. */
static void finish(struct ledger *l)
{
    if (l->ids == 1) {
        return;
    }
    uint64_t id = 1 + below(l, (size_t)l->ids - 1);
    struct message *m = &l->messages[id];
    const struct run *run = &l->runs[m->run];
    if (run->state == ACKED && !m->finished &&
        store_log_finish(l->play.log, run->topic, run->first + (id - run->id), l->play.now)) {
        *m = (struct message){.run = m->run, .finished = true};
    }
}

static void begin(struct ledger *l)
{
    struct store_play *play = &l->play;
    if (!play_begin(play)) {
        play->now += (int64_t)below(l, 300) * TIME_MS;
        return;
    }
    const struct disk_op *op = play->op;
    bool to_segment = op->kind == DISK_APPEND && !span_equal(op->file, SPAN("spare-0.log"));
    l->writes = to_segment && op->bytes.n > 0;
    l->syncs = (to_segment && op->sync) || op->kind == DISK_RENAME;
    for (size_t i = 0; l->writes && i < l->runs_n; i++) {
        struct run *run = &l->runs[i];
        run->frame = run->state == POSTED && run->frame == 0 ? play->ops : run->frame;
    }
    for (uint64_t id = 1; l->writes && id < l->ids; id++) {
        struct message *m = &l->messages[id];
        m->riding = m->finished && m->level == UNWRITTEN;
    }
}

static void take_answers(struct ledger *l)
{
    const struct store_event *events = PLAY_ITEMS(l->play.settled, struct store_event);
    for (; l->answers < PLAY_COUNT(l->play.settled, struct store_event); l->answers++) {
        const struct store_event *event = &events[l->answers];
        struct run *run = &l->runs[l->messages[event->ticket].run];
        CHECK(l, run->id == event->ticket && run->state == POSTED);
        run->state = event->reason == DISK_DONE ? ACKED : GONE;
        run->level = event->reason != DISK_DONE            ? UNWRITTEN
                     : l->play.options.mode == STORE_FSYNC ? SAFE
                                                           : WRITTEN;
        run->first = event->first;
    }
}

static void end(struct ledger *l)
{
    bool done = play_end(&l->play) == DISK_DONE;
    take_answers(l);
    l->shaky = (l->shaky || !done) && l->play.health != DISK_DONE;
    for (uint64_t id = 1; id < l->ids; id++) {
        struct message *m = &l->messages[id];
        m->level = m->riding && done ? WRITTEN : m->level;
        m->riding = false;
        m->level = done && l->syncs && m->level == WRITTEN ? SAFE : m->level;
    }
    for (size_t i = 0; done && l->syncs && i < l->runs_n; i++) {
        struct run *run = &l->runs[i];
        run->level = run->level == WRITTEN ? SAFE : run->level;
    }
}

/* --- cases ------------------------------------------------------------------------------------ */

static void start(struct ledger *l, uint64_t seed)
{
    *l = (struct ledger){.random = seed, .seed = seed, .ids = 1};
    struct store_options options = play_options(seed % 2 == 0 ? STORE_FSYNC : STORE_WRITE);
    options.segment_size = 6144 + 512 * below(l, 6);
    options.most_pending = 2048 + below(l, 8192);
    options.sync_every = below(l, 20);
    options.seed.k[0] = seed;
    play_open(&l->play, &options, NULL);
    play_run(&l->play);
    for (uint32_t i = 1; i <= TOPICS; i++) {
        struct record topic = {.type = RECORD_TOPIC_NEW, .tail = i == 1 ? SPAN("t1") : SPAN("t2")};
        struct record channel = {
            .type = RECORD_CHANNEL_NEW, .topic = i, .seq = 1, .tail = SPAN("c")};
        store_log_note(l->play.log, &topic, 0);
        store_log_note(l->play.log, &channel, 0);
    }
    play_run(&l->play);
    play_wait(&l->play, options.sync_timeout);
    CHECK(l, store_log_is_idle(l->play.log));
}

static void act(struct ledger *l)
{
    size_t choice = below(l, 100);
    if (choice < 45) {
        publish(l);
    } else if (choice < 75) {
        finish(l);
    } else if (choice < 78) {
        static const enum sim_fault faults[] = {SIM_FAIL, SIM_NO_SPACE, SIM_SHORT, SIM_SYNC};
        sim_disk_fault(l->play.disk, below(l, 6), faults[below(l, 4)], below(l, 600));
    } else if (choice < 80) {
        crash_all(l);
    } else if (l->play.op == NULL) {
        begin(l);
    } else {
        end(l);
    }
}

static void play_case(uint64_t seed, struct ledger *l)
{
    start(l, seed);
    for (size_t i = 0; i < ACTIONS; i++) {
        size_t ops = l->play.ops;
        bool running = l->play.op != NULL;
        act(l);
        if (ops != l->play.ops || running != (l->play.op != NULL)) {
            crash_copy(l);
        }
    }
}

static void crashes_lose_nothing_that_was_promised(void **state)
{
    (void)state;
    const char *one = getenv("STORE_SEED");
    uint64_t from = one == NULL ? 0 : strtoull(one, NULL, 10);
    uint64_t to = one == NULL ? CASES : from + 1;
    static struct ledger ledger;
    for (uint64_t seed = from; seed < to; seed += stride(17)) {
        play_case(seed, &ledger);
        play_close(&ledger.play);
    }
}

/* --- rot -------------------------------------------------------------------------------------- */

/* Returns the end of the frames of a segment. */
static size_t frames_end(struct span bytes)
{
    struct segment_head head;
    bool damaged;
    struct frame_head frame;
    struct span payload;
    size_t at = SEGMENT_HEAD_SIZE;
    assert_int_equal(segment_head_parse(bytes, &head, &damaged), PARSED_VALID);
    while (frame_parse(span_skip(bytes, at), head.salt, &frame, &payload) == PARSED_VALID) {
        at += frame_size(frame.length);
    }
    return at;
}

/* Flips a bit of a frame, but not of the first one of the log, which has the topics. */
static bool flip(struct ledger *l)
{
    const struct disk_file *files;
    size_t n = sim_disk_files(l->play.disk, &files);
    const struct disk_file *file = &files[below(l, n)];
    struct span bytes = sim_disk_bytes(l->play.disk, file->name);
    size_t from = SEGMENT_HEAD_SIZE;
    if (span_equal(file->name, SPAN("0000000000000001.log"))) {
        struct segment_head head;
        bool damaged;
        struct frame_head frame;
        segment_head_parse(bytes, &head, &damaged);
        frame_head_parse(span_skip(bytes, from), head.salt, &frame);
        from += frame_size(frame.length);
    }
    size_t to = frames_end(bytes);
    if (to <= from) {
        return false;
    }
    size_t byte = from + below(l, to - from);
    sim_disk_flip(l->play.disk, file->name, byte, (unsigned)below(l, 8));
    return true;
}

/* Check (6). Rot costs one frame. If no later frame says that the frame was safe, it looks like a
 * torn tail, and the frames behind it are lost too. */
static void check_lost(const struct ledger *l, const struct found *found)
{
    const struct store_damage *damage = PLAY_ITEMS(l->play.damage, struct store_damage);
    bool tail = damage != NULL && damage->kind == DAMAGE_TAIL;
    size_t frame = SIZE_MAX;
    for (size_t i = 0; i < l->runs_n; i++) {
        bool there = found->seq[l->runs[i].id] > 0;
        frame = !there && l->runs[i].frame < frame ? l->runs[i].frame : frame;
    }
    for (size_t i = 0; i < l->runs_n; i++) {
        const struct run *run = &l->runs[i];
        bool there = found->seq[run->id] > 0;
        CHECK(l, there == (found->seq[run->id + run->count - 1] > 0));
        CHECK(l, there == (tail ? run->frame < frame : run->frame != frame));
    }
}

static void check_rot(struct ledger *l)
{
    struct found found;
    if (l->play.op != NULL) {
        end(l);
    }
    for (begin(l); l->play.op != NULL; begin(l)) {
        end(l);
    }
    play_wait(&l->play, TIME_MINUTE);
    if (!flip(l)) {
        return;
    }
    play_reopen(&l->play);
    play_run(&l->play);
    CHECK(l, l->play.start_reason == DISK_DONE && l->play.damage.n > 0);
    collect(l, &l->play, &found);
    check_lost(l, &found);
}

static void rot_is_never_silent(void **state)
{
    (void)state;
    static struct ledger ledger;
    for (uint64_t seed = 0; seed < CASES; seed += stride(17)) {
        start(&ledger, seed);
        for (size_t i = 0; i < ACTIONS; i++) {
            size_t choice = below(&ledger, 4);
            if (choice < 3) {
                publish(&ledger);
            } else if (ledger.play.op == NULL) {
                begin(&ledger);
            } else {
                end(&ledger);
            }
        }
        check_rot(&ledger);
        play_close(&ledger.play);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crashes_lose_nothing_that_was_promised),
        cmocka_unit_test(rot_is_never_silent),
    };
    return cmocka_run_group_tests_name("store_crash", tests, NULL, NULL);
}
