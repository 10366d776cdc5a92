/* SPDX-License-Identifier: MIT */
/*
 * Reads the log back. First the heads of all segments, which say which segments count and where
 * they end. Then the frames of these segments, in slices. Must not know what the records are for.
 *
 * Where a segment ends is known if there is a later one. In the last one, each valid frame says up
 * to which byte the segment was safe when the frame was made. So when something in it is wrong, the
 * rest is read for such frames first (probing). Wrong bytes that were safe are rot: they are
 * reported, and the next valid frame is searched. Wrong bytes that were not safe are the end.
 */
#include "store/log.h"

#include "store/log_parts.h"

enum scan {
    SCAN_GO_ON,
    SCAN_EVENT, /* an event was found */
    SCAN_READ,  /* more bytes of the file are needed, or everything was read */
};

void log_recover_free(struct log_recovery *recovery)
{
    buf_free(&recovery->window);
    alloc_free(recovery->segments);
    *recovery = (struct log_recovery){0};
}

/* Ends the recovery. */
static void end_recovery(struct store_log *log, enum disk_reason reason)
{
    log->phase = reason == DISK_DONE ? PHASE_RUNNING : PHASE_FAILED;
    log->durable_frame = log->next_frame;
    log_recover_free(&log->recovery);
    log_add_event(log, &(struct store_event){.kind = STORE_STARTED, .reason = reason});
}

static struct store_event damage_of(enum store_damage_kind kind, enum parsed why, uint64_t segment)
{
    return (struct store_event){.kind = STORE_DAMAGE,
                                .damage = {.kind = kind, .why = why, .segment = segment}};
}

/* --- which segments there are ----------------------------------------------------------------- */

/* Reads the number of a segment from the name of its file. Returns false when it is another file.
 */
static bool parse_name(struct span name, uint64_t *number)
{
    char expected[DISK_NAME_MAX];
    *number = 0;
    if (name.n != 20) {
        return false;
    }
    for (size_t i = 0; i < 16; i++) {
        uint8_t c = name.p[i];
        uint8_t digit = (uint8_t)(c >= 'a' ? c - 'a' + 10 : c - '0');
        *number = *number << 4 | (digit & 15);
    }
    return *number > 0 && *number < UINT64_MAX &&
           span_equal(log_file_name(expected, *number), name);
}

/* Puts a segment at its place in the order of the numbers. */
static void insert(struct log_recovery *r, const struct log_segment *segment)
{
    size_t i = r->count++;
    for (; i > 0 && r->segments[i - 1].number > segment->number; i--) {
        r->segments[i] = r->segments[i - 1];
    }
    r->segments[i] = *segment;
}

static void take_list(struct store_log *log, const struct disk_result *result)
{
    struct log_recovery *r = &log->recovery;
    r->segments = alloc_zeroed((result->count + 1) * sizeof *r->segments);
    for (size_t i = 0; i < result->count; i++) {
        struct log_segment segment = {.size = result->files[i].size};
        if (parse_name(result->files[i].name, &segment.number)) {
            insert(r, &segment);
        }
        log->has_spare = log->has_spare || span_equal(result->files[i].name, SPAN(LOG_SPARE));
    }
    if (r->count == 0) {
        end_recovery(log, DISK_DONE);
        return;
    }
    log->next_number = r->segments[r->count - 1].number + 1;
    log->phase = PHASE_HEADS;
}

/* The segment with this number is missing. `later` names it. */
static void note_missing(struct store_log *log, uint64_t number, struct log_segment *later)
{
    struct store_event missing = damage_of(DAMAGE_SEGMENT, WRONG_MAGIC, number);
    log_add_event(log, &missing);
    later->gap = true;
}

/* Finds out which segments count, from the newest to the oldest: each one names the one before. */
static void follow_chain(struct store_log *log)
{
    struct log_recovery *r = &log->recovery;
    struct log_segment *later = &r->segments[r->count - 1];
    uint64_t wanted = later->number; /* 0: any number */
    uint64_t end = 0;
    for (size_t i = r->count; i-- > 0;) {
        struct log_segment *s = &r->segments[i];
        if (wanted != 0 && s->number > wanted) {
            continue; /* was replaced */
        }
        if (wanted != 0 && s->number < wanted) {
            note_missing(log, wanted, later);
            end = 0;
        }
        s->used = true;
        s->end = end;
        if (s->readable && s->head.previous == 0) {
            return;
        }
        later = s;
        wanted = s->readable ? s->head.previous : 0;
        end = s->readable ? s->head.previous_end : 0;
    }
    if (wanted != 0) {
        note_missing(log, wanted, later);
    }
}

/* Goes to the next segment that can be read. Its frames begin behind its head. */
static void enter_segment(struct store_log *log)
{
    struct log_recovery *r = &log->recovery;
    buf_free(&r->window);
    while (r->at < r->count && !(r->segments[r->at].used && r->segments[r->at].readable)) {
        r->hole_known = r->hole_known || r->segments[r->at].used;
        r->at++;
    }
    r->offset = SEGMENT_HEAD_SIZE;
    r->durable = SEGMENT_HEAD_SIZE;
    r->hole_known = r->hole_known || (r->at < r->count && r->segments[r->at].gap);
    log->phase = r->at < r->count ? PHASE_FRAMES : PHASE_SYNC;
}

static void take_head(struct store_log *log, const struct disk_result *result)
{
    struct log_recovery *r = &log->recovery;
    struct log_segment *s = &r->segments[r->at];
    bool damaged = false;
    enum parsed parsed = segment_head_parse(result->bytes, &s->head, &damaged);
    if (parsed == WRONG_VERSION) {
        struct store_event event = damage_of(DAMAGE_SEGMENT, parsed, s->number);
        log_add_event(log, &event);
        end_recovery(log, DISK_FAILED);
        return;
    }
    if (parsed == PARSED_VALID && s->head.number != s->number) {
        parsed = WRONG_FIELD;
    }
    s->readable = parsed == PARSED_VALID;
    if (!s->readable || damaged) {
        struct store_event event =
            damage_of(s->readable ? DAMAGE_HEAD : DAMAGE_SEGMENT, parsed, s->number);
        log_add_event(log, &event);
    }
    r->at++;
    if (r->at == r->count) {
        follow_chain(log);
        log->previous = r->segments[r->count - 1].number;
        r->at = 0;
        enter_segment(log);
    }
}

/* --- frames ----------------------------------------------------------------------------------- */

/* Returns where the bytes of the segment end that may be frames. */
static uint64_t limit_of(const struct log_segment *s)
{
    return s->end > 0 && s->end < s->size ? s->end : s->size;
}

static enum scan report(struct store_event *event, struct store_event found, uint64_t from,
                        uint64_t to)
{
    *event = found;
    event->damage.from = from;
    event->damage.to = to;
    return SCAN_EVENT;
}

/* Moves on by n bytes of the window. */
static enum scan skip(struct log_recovery *r, size_t n)
{
    n = n < r->window.n ? n : r->window.n;
    buf_drop(&r->window, n);
    r->offset += n;
    return SCAN_GO_ON;
}

/* The frames of the segment end at `end`. */
static void end_segment(struct store_log *log, uint64_t end)
{
    struct log_recovery *r = &log->recovery;
    if (r->at + 1 == r->count) {
        log->previous_end = end;
    }
    r->at++;
    enter_segment(log);
}

/* The frames end where something wrong was found. That is reported, unless there are only zeros. */
static enum scan cut(struct store_log *log, struct store_event *event)
{
    struct log_recovery *r = &log->recovery;
    const struct log_segment *s = &r->segments[r->at];
    struct store_event tail = damage_of(DAMAGE_TAIL, r->why, s->number);
    uint64_t bad = r->bad;
    uint64_t limit = limit_of(s);
    bool torn = r->other_bytes;
    end_segment(log, bad);
    return torn ? report(event, tail, bad, limit) : SCAN_GO_ON;
}

/* All bytes of the segment were looked at. */
static enum scan at_limit(struct store_log *log, struct store_event *event)
{
    struct log_recovery *r = &log->recovery;
    struct log_segment *s = &r->segments[r->at];
    if (r->probing) {
        r->probing = false;
        if (r->bad >= r->durable) {
            return cut(log, event);
        }
        r->offset = r->bad;
        buf_free(&r->window);
        return SCAN_GO_ON;
    }
    if (r->searching) {
        r->searching = false;
        r->hole_known = true;
        s->end = s->end > 0 ? s->end : r->durable;
        return report(event, damage_of(DAMAGE_ROT, r->why, s->number), r->bad, limit_of(s));
    }
    if (s->end > s->size) { /* the file has become shorter */
        uint64_t end = s->end;
        s->end = 0;
        r->hole_known = true;
        return report(event, damage_of(DAMAGE_ROT, WRONG_LENGTH, s->number), s->size, end);
    }
    end_segment(log, limit_of(s));
    return SCAN_GO_ON;
}

/* A valid frame. Its payload is in the window. */
static enum scan at_frame(struct store_log *log, const struct frame_head *head, struct span payload,
                          struct store_event *event)
{
    struct log_recovery *r = &log->recovery;
    uint64_t segment = r->segments[r->at].number;
    if (r->searching) {
        r->searching = false;
        r->hole_known = true;
        return report(event, damage_of(DAMAGE_ROT, r->why, segment), r->bad, r->offset);
    }
    if (head->number != log->next_frame && !r->hole_known) {
        r->hole_known = true;
        return report(event, damage_of(DAMAGE_HOLE, WRONG_FIELD, segment), r->offset, r->offset);
    }
    r->hole_known = false;
    log->next_frame = head->number + 1;
    r->records = payload;
    r->frame = frame_size(head->length);
    return SCAN_GO_ON;
}

/* Returns how many bytes of zeros are at the start, in words; at least one word. */
static size_t zero_words(struct span bytes)
{
    size_t n = FRAME_ALIGN;
    while (n + FRAME_ALIGN <= bytes.n && be64_load(bytes.p + n) == 0) {
        n += FRAME_ALIGN;
    }
    return n;
}

/* Something that is no valid frame. The next one may begin `step` bytes later. */
static enum scan at_wrong(struct log_recovery *r, enum parsed why, size_t step)
{
    const struct log_segment *s = &r->segments[r->at];
    if (r->probing || r->searching) {
        r->other_bytes = r->other_bytes || why != WRONG_ZEROS;
        return skip(r, step);
    }
    r->bad = r->offset;
    r->why = why;
    if (s->end > 0 || r->bad < r->durable) {
        r->searching = true;
        return skip(r, step);
    }
    r->probing = true;
    r->other_bytes = false;
    return SCAN_GO_ON;
}

static void note_safe(struct log_recovery *r, const struct frame_head *head)
{
    if (head->durable <= r->offset && head->durable > r->durable) {
        r->durable = head->durable;
    }
}

/* Looks at the bytes at the current place. */
static enum scan scan_place(struct store_log *log, struct store_event *event)
{
    struct log_recovery *r = &log->recovery;
    const struct log_segment *s = &r->segments[r->at];
    uint64_t limit = limit_of(s);
    if (r->offset >= limit) {
        return at_limit(log, event);
    }
    uint64_t left = limit - r->offset;
    struct span in = buf_span(&r->window);
    in = left < in.n ? span_first(in, (size_t)left) : in;
    struct frame_head head = {0};
    struct span payload = {0};
    enum parsed parsed = frame_parse(in, s->head.salt, &head, &payload);
    size_t size = frame_size(head.length);
    if (parsed == PARSED_CUT && in.n < left && (in.n < FRAME_HEAD_SIZE || size <= left)) {
        return SCAN_READ;
    }
    bool has_head = parsed == PARSED_VALID || parsed == WRONG_PAYLOAD;
    if (has_head) {
        note_safe(r, &head);
    }
    if (parsed == PARSED_VALID && !r->probing) {
        return at_frame(log, &head, payload, event);
    }
    size_t step = has_head ? size : parsed == WRONG_ZEROS ? zero_words(in) : FRAME_ALIGN;
    return at_wrong(r, parsed == PARSED_CUT ? WRONG_LENGTH : parsed, step);
}

/* Takes the next record of the frame in the window. */
static enum scan next_record(struct store_log *log, struct store_event *event)
{
    struct log_recovery *r = &log->recovery;
    struct record record;
    size_t n;
    enum parsed parsed = record_parse(r->records, &record, &n);
    if (parsed != PARSED_VALID) {
        r->records = span_make(NULL, 0);
        return report(event, damage_of(DAMAGE_RECORD, parsed, r->segments[r->at].number), r->offset,
                      r->offset + r->frame);
    }
    r->records = span_skip(r->records, n);
    log_note_numbers(log, &record);
    if (record.type == RECORD_TOPIC_NEW) {
        log_add_topic(log, record.topic);
    } else if (record.type == RECORD_TOPIC_DELETED) {
        log_remove_topic(log, record.topic);
    } else if (record.type == RECORD_PUB) {
        struct log_topic *topic = log_find_topic(log, record.topic);
        if (topic == NULL) {
            return SCAN_GO_ON; /* was deleted while the publish waited */
        }
        uint64_t behind = record.seq + record.count; /* may be 0 */
        topic->last = behind > topic->last + 1 ? behind - 1 : topic->last;
        topic->safe = topic->last;
    }
    *event = (struct store_event){.kind = STORE_RECORD, .record = record};
    return SCAN_EVENT;
}

bool log_recover_step(struct store_log *log, struct store_event *event)
{
    struct log_recovery *r = &log->recovery;
    enum scan scan = SCAN_GO_ON;
    while (log->phase == PHASE_FRAMES && log->step == STEP_NONE && scan == SCAN_GO_ON) {
        if (r->records.n > 0) {
            scan = next_record(log, event);
        } else if (r->frame > 0) {
            skip(r, r->frame);
            r->frame = 0;
        } else {
            scan = scan_place(log, event);
        }
    }
    return scan == SCAN_EVENT;
}

/* --- requests --------------------------------------------------------------------------------- */

bool log_recover_op(struct store_log *log)
{
    struct log_recovery *r = &log->recovery;
    size_t at = r->at;
    log->op = (struct disk_op){.kind = DISK_READ};
    switch (log->phase) {
    case PHASE_LIST:
        log->step = STEP_LIST;
        log->op.kind = DISK_LIST;
        return true;
    case PHASE_HEADS:
        log->step = STEP_HEAD;
        log->op.size = SEGMENT_HEAD_SIZE;
        break;
    case PHASE_FRAMES:
        log->step = STEP_READ;
        log->op.offset = r->offset + r->window.n;
        log->op.size = log->options.read_size;
        break;
    case PHASE_SYNC: /* what was read must be safe before anybody sees it */
        at = r->count - 1;
        log->step = STEP_SYNC_READ;
        log->op.kind = DISK_APPEND;
        log->op.sync = true;
        break;
    default:
        return false;
    }
    assert(at < r->count);
    log->op.file = log_file_name(log->file, r->segments[at].number);
    return true;
}

/* Adds the bytes that were read to the window. */
static void take_bytes(struct log_recovery *r, struct span bytes)
{
    struct log_segment *s = &r->segments[r->at];
    if (bytes.n == 0) { /* the file is shorter than it was said to be */
        s->size = r->offset + r->window.n;
    } else {
        buf_append(&r->window, bytes);
    }
}

void log_recover_answer(struct store_log *log, const struct disk_result *result)
{
    enum log_step step = log->step;
    log->step = STEP_NONE;
    if (result->reason != DISK_DONE) {
        end_recovery(log, result->reason);
    } else if (step == STEP_LIST) {
        take_list(log, result);
    } else if (step == STEP_HEAD) {
        take_head(log, result);
    } else if (step == STEP_READ) {
        take_bytes(&log->recovery, result->bytes);
    } else {
        end_recovery(log, DISK_DONE);
    }
}
