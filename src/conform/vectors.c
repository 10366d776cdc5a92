/* SPDX-License-Identifier: MIT */
/*
 * Writes the document of vectors: its sessions, its parser cases, and how bytes look in it. Must
 * not know files, nor how a case is played.
 */
#include "conform/vectors.h"

#include <nsq/frame.h>
#include <nsq/magic.h>
#include <nsq/version.h>

#include "base/alloc.h"
#include "base/text.h"
#include "conform/http_parse.h"
#include "conform/player_frames.h"
#include "conform/target_needs.h"
#include "conform/vectors_diskqueue.h"
#include "conform/vectors_lookup.h"
#include "conform/vectors_parser.h"
#include "conform/vectors_record.h"

#define PERIOD_MAX 16   /* bytes: the longest sequence whose repetition is found */
#define REPEATED_MIN 64 /* bytes: a shorter repetition is written in full */

/* --- JSON ------------------------------------------------------------------------------------- */

void vectors_word(struct json_writer *json, const char *key, const char *text)
{
    json_member_string(json, key, span_make(text, strlen(text)));
}

static void write_hex(struct json_writer *json, struct span bytes)
{
    struct buf hex = {0};
    uint8_t *p = buf_room(&hex, 2 * bytes.n + 1);
    for (size_t i = 0; i < bytes.n; i++) {
        p[2 * i] = (uint8_t) "0123456789abcdef"[bytes.p[i] >> 4];
        p[2 * i + 1] = (uint8_t) "0123456789abcdef"[bytes.p[i] & 15];
    }
    buf_grew(&hex, 2 * bytes.n);
    json_write_string(json, buf_span(&hex));
    buf_free(&hex);
}

/* How many bytes at the start of `bytes` are repetitions of the first `period` bytes, these
 * included. */
static size_t repeated(struct span bytes, size_t period)
{
    size_t n = period;
    while (n < bytes.n && bytes.p[n] == bytes.p[n - period]) {
        n++;
    }
    return n - n % period;
}

/* The length of the shortest sequence that is repeated at the start of `bytes`, or 0 if there is
 * none.
 * `*size` is set to the number of bytes that the repetitions take. */
static size_t find_period(struct span bytes, size_t *size)
{
    for (size_t period = 1; period <= PERIOD_MAX && REPEATED_MIN <= bytes.n; period++) {
        *size = repeated(bytes, period);
        if (*size >= REPEATED_MIN) {
            return period;
        }
    }
    return 0;
}

void vectors_write_bytes(struct json_writer *json, struct span bytes)
{
    size_t plain = 0;
    json_open_array(json);
    while (plain < bytes.n) {
        size_t size;
        size_t period = find_period(span_skip(bytes, plain), &size);
        if (period == 0) {
            plain++;
            continue;
        }
        if (plain > 0) {
            write_hex(json, span_first(bytes, plain));
        }
        json_open_object(json);
        json_write_key(json, SPAN("hex"));
        write_hex(json, span_first(span_skip(bytes, plain), period));
        json_member_integer(json, "times", (int64_t)(size / period));
        json_close_object(json);
        bytes = span_skip(bytes, plain + size);
        plain = 0;
    }
    if (bytes.n > 0) {
        write_hex(json, bytes);
    }
    json_close_array(json);
}

void vectors_bytes(struct json_writer *json, const char *key, struct span bytes)
{
    json_write_key(json, span_make(key, strlen(key)));
    vectors_write_bytes(json, bytes);
}

/* --- sessions --------------------------------------------------------------------------------- */

static const char *const client_events[] = {
    [VECTOR_CONNECT] = "connect", [VECTOR_CONNECT_HTTP] = "connect-http",
    [VECTOR_SEND] = "send",       [VECTOR_END] = "end",
    [VECTOR_CLOSE] = "close",     [VECTOR_RESET] = "reset",
};

static bool is_client(const struct vector_event *event)
{
    return event->kind <= VECTOR_RESET;
}

static void open_event(struct json_writer *json, const struct vector_record *r,
                       const struct vector_event *event, const char *name)
{
    json_open_object(json);
    json_member_string(json, "conn", r->player.conns[event->conn].name);
    json_member_integer(json, "after", (int64_t)event->after);
    json_member_integer(json, "ms", event->ms);
    vectors_word(json, "event", name);
}

static void write_input(struct json_writer *json, const struct vector_record *r)
{
    json_member_array(json, "input");
    for (size_t i = 0; i < vector_record_count(r); i++) {
        struct vector_event event = vector_record_event(r, i);
        if (is_client(&event)) {
            open_event(json, r, &event, client_events[event.kind]);
            if (event.kind == VECTOR_SEND) {
                vectors_bytes(json, "bytes", vector_record_bytes(r, &event));
            }
            json_close_object(json);
        }
    }
    json_close_array(json);
}

static const char *name_of(const struct nsq_frame *frame)
{
    switch (frame->type) {
    case NSQ_FRAME_ERROR:
        return "error";
    case NSQ_FRAME_MESSAGE:
        return "message";
    default:
        return nsq_frame_is_heartbeat(frame) ? "heartbeat" : "response";
    }
}

static void write_frame(struct json_writer *json, const struct vector_record *r,
                        const struct vector_event *event)
{
    struct nsq_frame frame = {.type = NSQ_FRAME_RESPONSE};
    struct nsq_message m;
    struct span bytes = vector_record_bytes(r, event);
    struct span text;
    size_t size;
    bool whole = player_parse_frame(&r->player.conns[event->conn], bytes, &frame, &size) == NSQ_OK;
    open_event(json, r, event, name_of(&frame));
    if (whole && frame.type == NSQ_FRAME_ERROR) {
        json_member_string(json, "code", nsq_error_name(nsq_error_split(frame.data, &text)));
    }
    if (whole && frame.type == NSQ_FRAME_MESSAGE && nsq_message_parse(frame.data, &m) == NSQ_OK) {
        json_member_integer(json, "attempts", m.attempts);
        json_member_string(json, "id", span_make(m.id, NSQ_MESSAGE_ID_SIZE));
    }
    vectors_bytes(json, "bytes", bytes);
    json_close_object(json);
}

/* Headers that are no rule: the date, and how the end of the body is found. */
static bool is_example(struct span line)
{
    static const char *const names[] = {"Date:", "Content-Length:", "Transfer-Encoding:"};
    bool found = false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        found = found || span_equal(span_first(line, strlen(names[i])), text_span(names[i]));
    }
    return found;
}

static void write_headers(struct json_writer *json, struct span head)
{
    json_member_array(json, "headers");
    while (head.n > 0) {
        const uint8_t *end = memchr(head.p, '\r', head.n);
        size_t n = end == NULL ? head.n : (size_t)(end - head.p);
        struct span line = span_first(head, n);
        if (!is_example(line)) {
            json_write_string(json, line);
        }
        head = span_skip(head, end == NULL ? n : n + 2);
    }
    json_close_array(json);
}

static void write_response(struct json_writer *json, const struct vector_record *r,
                           const struct vector_event *event)
{
    const struct http_parse_end framing = {.ended = true};
    struct http_parsed response;
    http_parse(vector_record_bytes(r, event), framing, &response);
    open_event(json, r, event, "http-response");
    json_member_integer(json, "status", response.status);
    write_headers(json, response.head);
    vectors_bytes(json, "bytes", buf_span(&response.body));
    json_close_object(json);
    buf_free(&response.body);
}

static void write_output(struct json_writer *json, const struct vector_record *r)
{
    json_member_array(json, "output");
    for (size_t i = 0; i < vector_record_count(r); i++) {
        struct vector_event event = vector_record_event(r, i);
        if (event.kind == VECTOR_FRAME) {
            write_frame(json, r, &event);
        } else if (event.kind == VECTOR_HTTP) {
            write_response(json, r, &event);
        } else if (event.kind == VECTOR_CLOSED) {
            open_event(json, r, &event, "closed");
            json_close_object(json);
        }
    }
    json_close_array(json);
}

static void write_about(struct json_writer *json, const struct transcript *file)
{
    json_member_string(json, "id", file->id);
    json_member_string(json, "title", file->title);
    json_member_string(json, "level", transcript_level_name(file->level));
    json_member_words(json, "req", suite_words(file->reqs));
    json_member_words(json, "flags", file->flags);
    json_member_string(json, "effect", file->effect);
    json_member_string(json, "source", file->source);
}

/* --- parser cases ----------------------------------------------------------------------------- */

/* Collects all that one connection sent, without its magic. Nothing if it sent another magic. */
static void collect_input(const struct vector_record *r, size_t conn, struct buf *in)
{
    for (size_t i = 0; i < vector_record_count(r); i++) {
        struct vector_event event = vector_record_event(r, i);
        if (event.kind == VECTOR_SEND && event.conn == conn) {
            buf_append(in, vector_record_bytes(r, &event));
        }
    }
    struct span magic = r->player.conns[conn].v1 ? SPAN(NSQ_MAGIC_V1) : SPAN(NSQ_MAGIC_V2);
    bool selected = span_equal(span_first(buf_span(in), NSQ_MAGIC_SIZE), magic);
    buf_drop(in, selected ? NSQ_MAGIC_SIZE : in->n);
}

static void write_parser_cases(struct json_writer *json, const struct transcript *file,
                               const struct vector_record *r, const struct local_config *config)
{
    for (size_t i = 0; i < r->player.conn_count; i++) {
        struct buf in = {0};
        struct buf id = {0};
        collect_input(r, i, &in);
        if (in.n > 0) {
            buf_append(&id, file->id);
            text_append(&id, ":");
            buf_append(&id, r->player.conns[i].name);
            json_open_object(json);
            json_member_string(json, "id", buf_span(&id));
            if (config->kind == SERVER_NSQD) {
                vectors_parser(json, &config->nsqd.v2.limits, buf_span(&in));
            } else {
                vectors_lookup(json, &config->nsqlookupd.v1.limits, buf_span(&in));
            }
            json_close_object(json);
        }
        buf_free(&id);
        buf_free(&in);
    }
}

/* --- the document ----------------------------------------------------------------------------- */

/* The parts of the document. Each is about one program. */
struct part {
    const char *key;
    enum server_kind server;
    bool sessions; /* false: parser cases */
};

static const struct part parts[] = {
    {"sessions", SERVER_NSQD, true},
    {"parser", SERVER_NSQD, false},
    {"lookup_sessions", SERVER_NSQLOOKUPD, true},
    {"lookup_parser", SERVER_NSQLOOKUPD, false},
};

static void append_why(const struct transcript *file, const struct buf *because, struct buf *why)
{
    buf_append(why, file->id);
    text_append(why, ": ");
    buf_append(why, buf_span(because));
}

/* Plays the case and writes it for one part of the document. */
static bool write_played(struct json_writer *json, const struct transcript *file,
                         const struct local_config *config, const struct part *part,
                         struct buf *why)
{
    struct vector_record *r = alloc_zeroed(sizeof *r);
    /* At least 15 bytes with the rest of a name: shorter names have blanks behind them in /stats.
     */
    vector_record_play(r, config, file, SPAN("vectors-of-nsqref"));
    bool ok = r->player.verdict == VERDICT_PASS;
    if (!ok) {
        append_why(file, &r->player.why, why);
    } else if (part->sessions) {
        json_open_object(json);
        write_about(json, file);
        write_input(json, r);
        write_output(json, r);
        json_close_object(json);
    } else {
        write_parser_cases(json, file, r, config);
    }
    vector_record_free(r);
    alloc_free(r);
    return ok;
}

static bool write_case(struct json_writer *json, const struct suite *suite,
                       const struct transcript *file, const struct part *part, struct buf *why)
{
    struct case_engine engine;
    struct buf because = {0};
    bool ok = case_engine_open(&engine, file->server, file->flags, suite->folder, &because);
    if (ok) {
        ok = write_played(json, file, &engine.config, part, why);
        case_engine_close(&engine);
    } else {
        append_why(file, &because, why);
    }
    buf_free(&because);
    return ok;
}

static bool has_no_body(const struct step *step)
{
    while (step != NULL && step->body_kind != BODY_ABSENT && !has_no_body(step->inside)) {
        step = step->next;
    }
    return step != NULL;
}

/* A program that reads vectors may have no codecs, no sockets that it can stop reading, no server
 * that it can restart, and no nsqlookupd that follows a script. The bytes of an answer to HEAD do
 * not tell where it ends. */
static bool is_vector(const struct transcript *file)
{
    return !transcript_upgrades(file) && !transcript_has(file, STEP_STOP_READING) &&
           !transcript_has(file, STEP_RESTART) && !transcript_scripts_lookupd(file) &&
           !has_no_body(file->steps);
}

static bool write_part(struct json_writer *json, const struct suite *suite, const struct part *part,
                       struct buf *why)
{
    const struct case_setting here = {
        .names = SPAN("needs"), .time_scale = 100, .suite = suite->folder};
    bool ok = true;
    json_member_array(json, part->key);
    for (size_t i = 0; i < suite->n && ok; i++) {
        struct buf lacks = {0};
        const struct transcript *file = &suite->cases[i].file;
        if (file->server == part->server && is_vector(file) &&
            target_meets_needs(&here, file, NULL, &lacks)) {
            ok = write_case(json, suite, file, part, why);
        }
        buf_free(&lacks);
    }
    json_close_array(json);
    return ok;
}

bool vectors_write(const struct suite *suite, struct buf *out, struct buf *why)
{
    struct json_writer json = json_writer(out, JSON_INDENTED);
    json_open_object(&json);
    json_member_integer(&json, "version", 2);
    vectors_word(&json, "tool", "nsqref " NSQREF_VERSION);
    vectors_word(&json, "compatibility", NSQ_COMPATIBILITY);
    bool ok = true;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && ok; i++) {
        ok = write_part(&json, suite, &parts[i], why);
    }
    vectors_diskqueue(&json);
    json_close_object(&json);
    return ok;
}
