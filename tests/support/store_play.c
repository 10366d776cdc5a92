/* SPDX-License-Identifier: MIT */
#include "support/store_play.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/alloc.h"

#define BODY_MAX 300
#define STEPS_MAX 100000 /* of one play_run */

struct store_options play_options(enum store_mode mode)
{
    return (struct store_options){.mode = mode,
                                  .segment_size = 8192,
                                  .most_pending = 65536,
                                  .read_size = 4096,
                                  .sync_every = 8,
                                  .sync_timeout = TIME_SECOND,
                                  .seed = {{7, 11}}};
}

/* --- messages --------------------------------------------------------------------------------- */

static struct record_message message_of(uint64_t id, uint8_t body[BODY_MAX])
{
    uint64_t state = id;
    size_t n = (size_t)(sim_random(&state) % BODY_MAX);
    n = n % 4 == 0 ? n % 8 : n;
    for (size_t i = 0; i < n; i++) {
        body[i] = (uint8_t)(id * 31 + i * 7);
    }
    return (struct record_message){.id = id,
                                   .timestamp = (int64_t)(id * 1000),
                                   .delay = (int64_t)(id % 3),
                                   .body = span_make(body, n)};
}

bool play_publish(struct store_play *play, uint32_t topic, uint64_t id, uint32_t count)
{
    struct record_message *messages = alloc_zeroed(count * sizeof *messages);
    uint8_t *bodies = alloc_zeroed((size_t)count * BODY_MAX);
    for (uint32_t i = 0; i < count; i++) {
        messages[i] = message_of(id + i, bodies + (size_t)i * BODY_MAX);
    }
    bool waits = store_log_publish(play->log, topic, messages, count, id);
    alloc_free(messages);
    alloc_free(bodies);
    return waits;
}

static bool is_same(const struct record_message *got)
{
    uint8_t body[BODY_MAX];
    struct record_message expected = message_of(got->id, body);
    return got->timestamp == expected.timestamp && got->delay == expected.delay &&
           span_equal(got->body, expected.body);
}

/* --- events ----------------------------------------------------------------------------------- */

static void digest(struct store_play *play, struct span bytes)
{
    for (size_t i = 0; i < bytes.n; i++) {
        play->digest = (play->digest ^ bytes.p[i]) * 1099511628211u;
    }
    play->digest = (play->digest ^ bytes.n) * 1099511628211u;
}

static void take_record(struct store_play *play, const struct record *record)
{
    uint8_t head[RECORD_HEAD_MAX];
    size_t n = record_write_head(record, head);
    digest(play, span_make(head, n));
    digest(play, record->tail);
    struct span tail = record->tail;
    if (record->type == RECORD_PUB) {
        struct record_message message;
        for (uint64_t seq = record->seq; record_next_message(&tail, &message) == PARSED_VALID;
             seq++) {
            struct play_message got = {
                .topic = record->topic, .seq = seq, .id = message.id, .same = is_same(&message)};
            buf_append(&play->messages, span_make(&got, sizeof got));
        }
    } else if (record->type == RECORD_FIN) {
        for (; tail.n > 0; tail = span_skip(tail, RECORD_SEQ_SIZE)) {
            struct play_fin fin = {record->channel, be64_load(tail.p)};
            buf_append(&play->fins, span_make(&fin, sizeof fin));
        }
    } else {
        buf_append(&play->others, span_make(head, n));
        if (record->type == RECORD_TOPIC_NEW) {
            buf_append(&play->names, tail);
        }
    }
}

static void take_event(struct store_play *play, const struct store_event *event)
{
    switch (event->kind) {
    case STORE_RECORD:
        assert_false(play->started);
        take_record(play, &event->record);
        break;
    case STORE_DAMAGE: {
        assert_false(play->started);
        uint8_t fields[5 * 8];
        be64_store(fields, event->damage.kind);
        be64_store(fields + 8, event->damage.why);
        be64_store(fields + 16, event->damage.segment);
        be64_store(fields + 24, event->damage.from);
        be64_store(fields + 32, event->damage.to);
        digest(play, span_make(fields, sizeof fields));
        buf_append(&play->damage, span_make(&event->damage, sizeof event->damage));
        break;
    }
    case STORE_STARTED:
        assert_false(play->started);
        play->started = true;
        play->start_reason = event->reason;
        break;
    case STORE_SETTLED:
        buf_append(&play->settled, span_make(event, sizeof *event));
        break;
    case STORE_HEALTH:
        assert_true(event->reason != play->health);
        play->health = event->reason;
        break;
    }
}

static void take_events(struct store_play *play)
{
    struct store_event event;
    while (store_log_next_event(play->log, &event)) {
        take_event(play, &event);
    }
}

/* --- a play ---------------------------------------------------------------------------------- */

void play_open(struct store_play *play, const struct store_options *options, struct sim_disk *disk)
{
    *play = (struct store_play){.disk = disk == NULL ? sim_disk_new() : disk,
                                .log = store_log_new(options),
                                .options = *options,
                                .now = TIME_SECOND};
}

static void close_log(struct store_play *play)
{
    store_log_free(play->log);
    buf_free(&play->messages);
    buf_free(&play->fins);
    buf_free(&play->others);
    buf_free(&play->names);
    buf_free(&play->damage);
    buf_free(&play->settled);
}

void play_close(struct store_play *play)
{
    close_log(play);
    sim_disk_free(play->disk);
}

void play_reopen(struct store_play *play)
{
    close_log(play);
    int64_t now = play->now;
    play->options.seed.k[0]++;
    struct store_options options = play->options;
    play_open(play, &options, play->disk);
    play->now = now;
}

bool play_begin(struct store_play *play)
{
    assert_null(play->op);
    play->op = store_log_next_op(play->log, play->now, play->now + 1000);
    if (play->op == NULL) {
        return false;
    }
    assert_null(store_log_next_op(play->log, play->now, play->now));
    play->ops++;
    sim_disk_begin(play->disk, play->op);
    return true;
}

enum disk_reason play_end(struct store_play *play)
{
    assert_non_null(play->op);
    play->op = NULL;
    const struct disk_result *result = sim_disk_end(play->disk);
    store_log_answer(play->log, result, play->now);
    take_events(play);
    return result->reason;
}

void play_run(struct store_play *play)
{
    for (size_t i = 0; play_begin(play); i++) {
        assert_true(i < STEPS_MAX);
        play_end(play);
    }
    assert_true(play->started);
    assert_true(store_log_next_due(play->log) > play->now);
}

void play_wait(struct store_play *play, int64_t ns)
{
    play->now += ns;
    play_run(play);
}

const struct store_event *play_answer(const struct store_play *play, uint64_t ticket)
{
    const struct store_event *events = PLAY_ITEMS(play->settled, struct store_event);
    for (size_t i = 0; i < PLAY_COUNT(play->settled, struct store_event); i++) {
        if (events[i].ticket == ticket) {
            return &events[i];
        }
    }
    return NULL;
}

const struct play_message *play_find(const struct store_play *play, uint64_t id)
{
    const struct play_message *messages = PLAY_ITEMS(play->messages, struct play_message);
    for (size_t i = 0; i < PLAY_COUNT(play->messages, struct play_message); i++) {
        if (messages[i].id == id) {
            return &messages[i];
        }
    }
    return NULL;
}

/* --- checks ----------------------------------------------------------------------------------- */

void play_open_with_topic(struct store_play *play, const struct store_options *options)
{
    play_open(play, options, NULL);
    play_run(play);
    assert_int_equal(play->start_reason, DISK_DONE);
    struct record topic = {.type = RECORD_TOPIC_NEW, .tail = SPAN("t")};
    struct record channel = {.type = RECORD_CHANNEL_NEW, .topic = 1, .seq = 1, .tail = SPAN("c")};
    store_log_note(play->log, &topic, 1000000);
    store_log_note(play->log, &channel, 0);
    assert_int_equal(topic.topic, 1);
    assert_int_equal(channel.channel, 1);
}

size_t play_messages(const struct store_play *play)
{
    return PLAY_COUNT(play->messages, struct play_message);
}

size_t play_damages(const struct store_play *play)
{
    return PLAY_COUNT(play->damage, struct store_damage);
}

struct store_damage play_first_damage(const struct store_play *play)
{
    struct store_damage damage = {0};
    struct span bytes = buf_span(&play->damage);
    assert_non_null(bytes.p);
    if (bytes.p != NULL) {
        memcpy(&damage, bytes.p, sizeof damage);
    }
    return damage;
}

void play_check_settled(const struct store_play *play, uint64_t ticket, enum disk_reason reason)
{
    const struct store_event *answer = play_answer(play, ticket);
    assert_non_null(answer);
    assert_int_equal(answer->reason, reason);
}

void play_check_there(const struct store_play *play, uint64_t id, uint64_t seq)
{
    const struct play_message *message = play_find(play, id);
    assert_non_null(message);
    assert_true(message->same);
    assert_true(message->seq == seq);
    assert_int_equal(message->topic, 1);
}
