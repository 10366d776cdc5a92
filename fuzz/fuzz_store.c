/* SPDX-License-Identifier: MIT */
/*
 * Invariant: whatever the files of the log on disk contain, a log reads them back in a bounded
 * number of requests and events, and tells the same if it reads them in other slices. Then it can
 * be written to: a third log finds the same records, and what was written behind them.
 *
 * Input: a choice of slices and of the mode (a byte), then operations on a disk: a byte that
 * chooses the operation, and its parameters. 0  begin a segment, or go to it if it is there: its
 * number, the one before, where that one ends in units of 16 bytes, its size in units of 16 bytes
 * behind the head (2 bytes), its salt 1  write a frame: how far its number is ahead, up to where
 * the segment is safe in units of 16 bytes, the size of the payload, the payload 2  write bytes:
 * how many, the bytes 3  go to a place of the segment: in units of 8 bytes behind the head (2
 * bytes) 4  flip a bit: which byte (2 bytes), which bit 5  make the spare file
 */
#include "store/log.h"

#include <stdlib.h>

#include "fuzz.h"
#include "support/sim_disk.h"

const struct fuzz_shape fuzz_shape = {.header = 1, .body = FUZZ_BYTES};

#define SEGMENTS 6
#define STEPS_MAX 20000 /* requests and events of one start; inputs have about 1,000 bytes */

/* The disk that the input makes. */
struct maker {
    struct sim_disk *disk;
    char name[DISK_NAME_MAX + 1]; /* of the segment that is written; empty: none */
    size_t size;                  /* of that segment */
    size_t at;                    /* byte */
    uint64_t salt;
    uint64_t frame; /* the number of the next frame */
};

static struct span name_of(struct maker *m, unsigned number)
{
    static const char zeros[] = "000000000000000";
    memcpy(m->name, zeros, sizeof zeros - 1);
    m->name[15] = (char)('0' + number);
    memcpy(m->name + 16, ".log", 5);
    return span_make(m->name, 20);
}

static unsigned two_bytes(struct span *in)
{
    unsigned high = fuzz_byte(in);
    return high << 8 | fuzz_byte(in);
}

static void put(struct maker *m, struct span bytes)
{
    struct disk_op op = {.kind = DISK_APPEND,
                         .file = span_make(m->name, strlen(m->name)),
                         .offset = m->at,
                         .bytes = bytes,
                         .sync = true};
    if (op.file.n > 0 && sim_disk_do(m->disk, &op)->reason == DISK_DONE) {
        m->at += bytes.n;
    }
}

static void begin_segment(struct maker *m, struct span *in)
{
    unsigned number = 1 + fuzz_below(in, SEGMENTS);
    struct segment_head head = {.number = number,
                                .previous = fuzz_below(in, SEGMENTS + 1),
                                .previous_end = 16 * (uint64_t)fuzz_byte(in) + SEGMENT_HEAD_SIZE};
    size_t size = SEGMENT_HEAD_SIZE + 16 * (size_t)(two_bytes(in) % 256);
    head.salt = fuzz_byte(in);
    struct disk_op op = {.kind = DISK_CREATE, .file = name_of(m, number), .size = size};
    m->salt = head.salt;
    m->at = 0;
    m->size = size;
    if (sim_disk_do(m->disk, &op)->reason == DISK_DONE) {
        uint8_t bytes[SEGMENT_HEAD_SIZE];
        segment_head_write(&head, bytes);
        put(m, span_make(bytes, sizeof bytes));
    }
    m->at = SEGMENT_HEAD_SIZE;
    fuzz_say("segment %u of %zu bytes, behind %u, which ends at %u", number, size,
             (unsigned)head.previous, (unsigned)head.previous_end);
}

static void write_frame(struct maker *m, struct span *in)
{
    m->frame += fuzz_byte(in) % 4;
    uint64_t durable = 16 * (uint64_t)fuzz_byte(in) + SEGMENT_HEAD_SIZE;
    struct span payload = fuzz_take(in, fuzz_byte(in));
    uint8_t frame[FRAME_HEAD_SIZE + 256 + FRAME_ALIGN] = {0};
    if (payload.n > 0) {
        memcpy(frame + FRAME_HEAD_SIZE, payload.p, payload.n);
    }
    struct frame_head head = {
        .length = (uint32_t)payload.n, .number = m->frame, .durable = durable, .records = 1};
    frame_seal(frame, m->salt, &head);
    fuzz_say("%zu: frame %u, safe up to %u", m->at, (unsigned)m->frame, (unsigned)durable);
    fuzz_say_bytes("   ", payload);
    put(m, span_make(frame, frame_size(payload.n)));
    m->frame++;
}

static void flip(struct maker *m, struct span *in)
{
    size_t byte = two_bytes(in);
    unsigned bit = fuzz_below(in, 8);
    struct span name = span_make(m->name, strlen(m->name));
    if (byte < sim_disk_bytes(m->disk, name).n) {
        fuzz_say("byte %zu: bit %u flipped", byte, bit);
        sim_disk_flip(m->disk, name, byte, bit);
    }
}

static void make(struct maker *m, struct span *in)
{
    switch (fuzz_below(in, 6)) {
    case 0:
        begin_segment(m, in);
        break;
    case 1:
        write_frame(m, in);
        break;
    case 2:
        put(m, fuzz_take(in, fuzz_byte(in)));
        break;
    case 3:
        m->at = SEGMENT_HEAD_SIZE + 8 * (size_t)(two_bytes(in) % 512);
        break;
    case 4:
        flip(m, in);
        break;
    default: {
        struct disk_op op = {.kind = DISK_CREATE, .file = SPAN("spare-0.log"), .size = 8};
        sim_disk_do(m->disk, &op);
        break;
    }
    }
}

/* --- reading back ----------------------------------------------------------------------------- */

/* What one log has told. */
struct told {
    uint64_t records; /* a hash of the records */
    size_t count;     /* of records */
    uint64_t all;     /* a hash of records and damage */
    size_t steps;
    bool started;
    enum disk_reason reason;
    uint64_t settled; /* the last ticket */
};

static uint64_t hashed(uint64_t hash, struct span bytes)
{
    for (size_t i = 0; i < bytes.n; i++) {
        hash = (hash ^ bytes.p[i]) * 1099511628211u;
    }
    return (hash ^ bytes.n) * 1099511628211u;
}

static uint64_t hash_record(uint64_t hash, const struct record *record)
{
    uint8_t head[RECORD_HEAD_MAX];
    size_t n = record_write_head(record, head);
    return hashed(hashed(hash, span_make(head, n)), record->tail);
}

static void take(struct told *told, const struct store_event *event)
{
    const struct store_damage *d = &event->damage;
    switch (event->kind) {
    case STORE_RECORD:
        FUZZ_CHECK(!told->started);
        fuzz_say("   record %d", (int)event->record.type);
        told->records = hash_record(told->records, &event->record);
        told->all = hash_record(told->all, &event->record);
        told->count++;
        break;
    case STORE_DAMAGE: {
        uint8_t fields[5 * 8];
        be64_store(fields, d->kind);
        be64_store(fields + 8, d->why);
        be64_store(fields + 16, d->segment);
        be64_store(fields + 24, d->from);
        be64_store(fields + 32, d->to);
        FUZZ_CHECK(!told->started && d->from <= d->to && d->why < PARSED_COUNT);
        fuzz_say("   damage %d of segment %u: %u to %u", (int)d->kind, (unsigned)d->segment,
                 (unsigned)d->from, (unsigned)d->to);
        told->all = hashed(told->all, span_make(fields, sizeof fields));
        break;
    }
    case STORE_STARTED:
        FUZZ_CHECK(!told->started);
        told->started = true;
        told->reason = event->reason;
        break;
    case STORE_SETTLED:
        FUZZ_CHECK(event->reason == DISK_DONE);
        told->settled = event->ticket;
        break;
    case STORE_HEALTH:
        FUZZ_CHECK(false);
    }
}

/* Carries out all requests and takes all events. */
static void run(struct store_log *log, struct sim_disk *disk, struct told *told)
{
    const struct disk_op *op;
    struct store_event event;
    while ((op = store_log_next_op(log, 0, 0)) != NULL) {
        store_log_answer(log, sim_disk_do(disk, op), 0);
        FUZZ_CHECK(++told->steps < STEPS_MAX);
        while (store_log_next_event(log, &event)) {
            take(told, &event);
            FUZZ_CHECK(++told->steps < STEPS_MAX);
        }
    }
    FUZZ_CHECK(told->started);
}

static struct told read_back(const struct store_options *options, struct sim_disk *disk)
{
    struct told told = {0};
    struct store_log *log = store_log_new(options);
    run(log, disk, &told);
    store_log_free(log);
    return told;
}

/* Publishes one message to a new topic. */
static void write_behind(const struct store_options *options, struct sim_disk *disk,
                         struct told *expected)
{
    struct told told = {0};
    struct store_log *log = store_log_new(options);
    run(log, disk, &told);
    struct record topic = {.type = RECORD_TOPIC_NEW, .tail = SPAN("new")};
    if (!store_log_note(log, &topic, 1)) { /* the input has used the last number */
        store_log_free(log);
        return;
    }
    FUZZ_CHECK(topic.topic > 0);
    struct record_message message = {.id = 5, .body = SPAN("body")};
    FUZZ_CHECK(store_log_publish(log, topic.topic, &message, 1, 2));
    run(log, disk, &told);
    FUZZ_CHECK(told.settled == 2 && store_log_is_idle(log));
    store_log_free(log);

    uint8_t bytes[RECORD_MESSAGE_HEAD + 4];
    record_write_message(&message, bytes);
    memcpy(bytes + RECORD_MESSAGE_HEAD, "body", 4);
    struct record run = {.type = RECORD_PUB,
                         .topic = topic.topic,
                         .seq = 1,
                         .count = 1,
                         .tail = span_make(bytes, sizeof bytes)};
    expected->records = hash_record(hash_record(expected->records, &topic), &run);
    expected->count += 2;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_make(data, size);
    unsigned choice = fuzz_byte(&in);
    struct store_options options = {.mode = choice % 2 == 0 ? STORE_FSYNC : STORE_WRITE,
                                    .segment_size = 8192,
                                    .most_pending = 4096,
                                    .read_size = SEGMENT_HEAD_SIZE,
                                    .sync_every = 1,
                                    .seed = {{9, choice}}};
    struct maker maker = {.disk = sim_disk_new(), .frame = 1};
    while (in.n > 0) {
        make(&maker, &in);
    }
    struct told first = read_back(&options, maker.disk);
    bool talked = fuzz_talks;
    fuzz_talks = false;
    options.read_size = SEGMENT_HEAD_SIZE + 8 * choice + choice % 7;
    struct told second = read_back(&options, maker.disk);
    FUZZ_CHECK(first.all == second.all && first.count == second.count);
    FUZZ_CHECK(first.reason == second.reason);
    if (first.reason == DISK_DONE) {
        write_behind(&options, maker.disk, &first);
        options.seed.k[0]++;
        struct told third = read_back(&options, maker.disk);
        FUZZ_CHECK(third.count == first.count && third.records == first.records);
    }
    fuzz_talks = talked;
    sim_disk_free(maker.disk);
    return 0;
}
