/* SPDX-License-Identifier: MIT */
/* Parses both directions of each connection and writes them as steps of a session file. Must not
 * know: sockets, codecs and the clock. */
#include "conform/record.h"

#include <nsq/frame.h>
#include <nsq/lookup.h>
#include <nsq/magic.h>
#include <nsq/name.h>

#include <stdio.h>

#include "base/text.h"
#include "base/time.h"
#include "conform/record_json.h"

static const struct nsq_limits limits = {
    .max_line = NSQ_LINE_MAX, .max_msg_size = INT32_MAX, .max_body_size = INT32_MAX};

static void broken(struct record *r, const char *why)
{
    if (r->broken == NULL) {
        r->broken = why;
    }
}

/* --- names ------------------------------------------------------------------------------------ */

static struct record_name *find_name(struct record *r, char kind, struct span key)
{
    for (size_t i = 0; i < r->name_count; i++) {
        struct record_name *n = &r->names[i];
        if (n->kind == kind && span_equal(span_make(n->key, n->key_size), key)) {
            return n;
        }
    }
    return NULL;
}

static struct record_name *name_of(struct record *r, char kind, struct span key)
{
    struct record_name *n = find_name(r, kind, key);
    if (n != NULL) {
        return n;
    }
    if (r->name_count == RECORD_NAMES_MAX || key.n > RECORD_KEY_MAX) {
        broken(r,
               "more than 256 names of topics, channels and messages, or a name that is too long");
        return &r->names[0];
    }
    unsigned number = 1;
    for (size_t i = 0; i < r->name_count; i++) {
        number += r->names[i].kind == kind;
    }
    n = &r->names[r->name_count++];
    *n = (struct record_name){.key_size = key.n, .kind = kind, .number = number};
    memcpy(n->key, key.p, key.n);
    return n;
}

static void append_name(struct record *r, char kind, struct span key)
{
    struct span word = kind == 't' ? SPAN("$topic") : kind == 'c' ? SPAN("$channel") : SPAN("$m");
    buf_append(&r->steps, word);
    text_append_decimal(&r->steps, name_of(r, kind, key)->number);
}

/* The key of a message id, which is unique only together with its topic. */
static struct span id_key(const struct record_conn *c, struct span id, uint8_t key[RECORD_KEY_MAX])
{
    memcpy(key, c->topic, c->topic_size);
    memcpy(key + c->topic_size, id.p, id.n);
    return span_make(key, c->topic_size + id.n);
}

/* The id of a message that the server sends. */
static void append_id(struct record *r, const struct record_conn *c, struct span id)
{
    uint8_t key[RECORD_KEY_MAX];
    append_name(r, 'm', id_key(c, id, key));
}

/* --- items ------------------------------------------------------------------------------------ */

/* Separates two items by a space. */
static void next_item(struct record *r)
{
    if (r->spaced) {
        text_append(&r->steps, " ");
    }
    r->spaced = true;
}

/* Writes the collected text as one string. */
static void end_literal(struct record *r)
{
    if (r->literal.n > 0) {
        next_item(r);
        text_append(&r->steps, "\"");
        transcript_escape(buf_span(&r->literal), &r->steps);
        text_append(&r->steps, "\"");
        buf_drop(&r->literal, r->literal.n);
    }
}

static void add_text(struct record *r, struct span s)
{
    buf_append(&r->literal, s);
}

static void add_name(struct record *r, char kind, struct span key)
{
    end_literal(r);
    next_item(r);
    append_name(r, kind, key);
}

#define FILL_LEAST 256 /* bytes of the shortest body that becomes a fill(), if all are equal */

static void add_body(struct record *r, struct span s)
{
    bool same = s.n >= FILL_LEAST && memcmp(s.p, s.p + 1, s.n - 1) == 0;
    if (!same) {
        add_text(r, s);
        return;
    }
    end_literal(r);
    next_item(r);
    text_append(&r->steps, "fill(");
    text_append_decimal(&r->steps, (int64_t)s.n);
    text_append(&r->steps, " \"");
    transcript_escape(span_first(s, 1), &r->steps);
    text_append(&r->steps, "\")");
}

static void begin_size(struct record *r)
{
    end_literal(r);
    next_item(r);
    text_append(&r->steps, "size{");
    r->spaced = false;
}

static void end_size(struct record *r)
{
    end_literal(r);
    text_append(&r->steps, "}");
    r->spaced = true;
}

static void add_count(struct record *r, uint32_t count)
{
    end_literal(r);
    next_item(r);
    text_append(&r->steps, "i32(");
    text_append_decimal(&r->steps, count);
    text_append(&r->steps, ")");
}

/* Begins a step: the name of its connection, then what the client or the server does. */
static void begin_step(struct record *r, size_t conn, struct span arrow)
{
    text_append(&r->steps, "c");
    text_append_decimal(&r->steps, (int64_t)conn + 1);
    buf_append(&r->steps, arrow);
    r->spaced = false;
}

static void end_step(struct record *r)
{
    end_literal(r);
    text_append(&r->steps, "\n");
}

/* --- what the client sends ---------------------------------------------------------------------
 */

/* A topic or channel name. "#ephemeral" stays as it is, and so does text that is not a name. */
static void add_named(struct record *r, char kind, struct span name)
{
    struct span suffix = SPAN(NSQ_EPHEMERAL);
    if (!nsq_name_valid(name)) {
        add_text(r, name);
        return;
    }
    bool ephemeral = nsq_name_ephemeral(name);
    add_name(r, kind, span_first(name, ephemeral ? name.n - suffix.n : name.n));
    if (ephemeral) {
        add_text(r, suffix);
    }
}

/* The id that a client answers. An id that the server never sent stays as it is. */
static void add_id(struct record *r, const struct record_conn *conn, struct span id)
{
    uint8_t key[RECORD_KEY_MAX];
    if (id.n == NSQ_MESSAGE_ID_SIZE && find_name(r, 'm', id_key(conn, id, key)) != NULL) {
        add_name(r, 'm', id_key(conn, id, key));
    } else {
        add_text(r, id);
    }
}

static void remember_topic(struct record_conn *conn, struct span topic)
{
    conn->topic_size = span_first(topic, sizeof conn->topic).n;
    memcpy(conn->topic, topic.p, conn->topic_size);
}

/* A parameter of a command: a name, an id, or other text. */
static void add_param(struct record *r, struct record_conn *conn, const struct nsq_command *c,
                      size_t i)
{
    struct span param = c->param[i];
    switch (c->id) {
    case NSQ_SUB:
        if (i == 0 && c->params > 1) {
            remember_topic(conn, param);
        }
        add_named(r, i == 0 ? 't' : 'c', param);
        break;
    case NSQ_PUB:
    case NSQ_MPUB:
    case NSQ_DPUB:
        add_named(r, 't', i == 0 ? param : SPAN(""));
        add_text(r, i == 0 ? SPAN("") : param);
        break;
    case NSQ_FIN:
    case NSQ_REQ:
    case NSQ_TOUCH:
        add_id(r, conn, i == 0 ? param : SPAN(""));
        add_text(r, i == 0 ? SPAN("") : param);
        break;
    default:
        add_text(r, param);
    }
}

/* `end` is what ends the line: "\n" or "\r\n". */
static void add_line(struct record *r, struct record_conn *conn, const struct nsq_command *c,
                     struct span end)
{
    if (c->params > NSQ_PARAMS_MAX) {
        add_text(r, c->line);
    } else {
        add_text(r, c->name);
        for (size_t i = 0; i < c->params; i++) {
            add_text(r, SPAN(" "));
            add_param(r, conn, c, i);
        }
    }
    add_text(r, end);
}

static void add_sized(struct record *r, enum nsq_command_id id, struct span body)
{
    begin_size(r);
    if (id == NSQ_IDENTIFY) {
        struct buf json = {0};
        record_json_identify(body, &json);
        add_text(r, buf_span(&json));
        buf_free(&json);
    } else {
        add_body(r, body);
    }
    end_size(r);
}

/* Writes a wait when the clients were silent for a while, because a timeout may depend on it. */
static void append_pause(struct record *r, int64_t now)
{
    int64_t rounded = (now - r->last + RECORD_ROUND / 2) / RECORD_ROUND * RECORD_ROUND;
    if (r->pause > 0 && r->last != 0 && now - r->last >= r->pause && rounded > 0) {
        text_append(&r->steps, "wait ");
        text_append_decimal(&r->steps, rounded / TIME_MS);
        text_append(&r->steps, "ms\n");
    }
    r->last = now;
}

static void begin_send(struct record *r, size_t conn, int64_t now)
{
    append_pause(r, now);
    begin_step(r, conn, SPAN(" > "));
}

/* The length of the command at the start of `in`; 0: it has not arrived completely. */
static size_t command_size(struct record *r, struct span in)
{
    struct nsq_place place = {0};
    struct nsq_item item = {0};
    size_t used = 0;
    while (!item.last) {
        enum nsq_parse outcome = nsq_command_parse(&place, &limits, span_skip(in, used), &item);
        if (outcome != NSQ_OK) {
            if (outcome == NSQ_BAD) {
                broken(r, "a client sent a command with a bad size or a line that is too long");
            }
            return 0;
        }
        used += item.consumed;
    }
    return used;
}

static void add_messages(struct record *r, struct span body, uint32_t count)
{
    begin_size(r);
    add_count(r, count);
    for (uint32_t i = 0; i < count; i++) {
        size_t n = be32_load(body.p);
        add_sized(r, NSQ_MPUB, span_first(span_skip(body, 4), n));
        body = span_skip(body, 4 + n);
    }
    end_size(r);
}

/* The body with its size. An MPUB whose sizes do not add up is written as plain bytes. */
static void add_whole_body(struct record *r, enum nsq_command_id id, struct span body)
{
    struct span data = span_skip(body, 4);
    if (data.n != be32_load(body.p)) {
        add_text(r, body);
    } else if (id == NSQ_MPUB) {
        add_messages(r, span_skip(data, 4), be32_load(data.p));
    } else {
        add_sized(r, id, data);
    }
}

/* Keeps the body of an IDENTIFY, which decides what of its answer is recorded. */
static void note_asked(struct record_conn *c, enum nsq_command_id id, struct span sized)
{
    struct span body = span_skip(sized, sized.n < 4 ? sized.n : 4);
    if (id == NSQ_IDENTIFY && record_json_negotiates(body)) {
        buf_drop(&c->asked, c->asked.n);
        buf_append(&c->asked, body);
    }
}

static void record_command(struct record *r, size_t conn, struct span bytes, int64_t now)
{
    struct record_conn *c = &r->conns[conn];
    struct nsq_place place = {0};
    struct nsq_item item;
    if (nsq_command_parse(&place, &limits, bytes, &item) != NSQ_OK) {
        return;
    }
    if (item.command.id == NSQ_NOP && c->heartbeat) {
        c->heartbeat = false;
        return;
    }
    begin_send(r, conn, now);
    add_line(r, c, &item.command, span_skip(span_first(bytes, item.consumed), item.command.line.n));
    if (item.consumed < bytes.n) {
        add_whole_body(r, item.command.id, span_skip(bytes, item.consumed));
        note_asked(c, item.command.id, span_skip(bytes, item.consumed));
    }
    end_step(r);
}

/* --- V1 --------------------------------------------------------------------------------------- */

static const struct nsq_lookup_limits lookup_limits = {.max_line = NSQ_LOOKUP_LINE_MAX,
                                                       .max_body = TRANSCRIPT_SIZE_MAX};

/* Parses the command at the start of `in`, and its body. Returns its length; 0: it has not arrived
 * completely. */
static size_t take_v1(struct record *r, struct span in, struct nsq_lookup_command *command,
                      struct span *body)
{
    struct nsq_lookup_place place = {0};
    struct nsq_lookup_item item;
    size_t used = 0;
    *body = span_make(NULL, 0);
    do {
        enum nsq_parse outcome =
            nsq_lookup_parse(&place, &lookup_limits, span_skip(in, used), &item);
        if (outcome == NSQ_BAD) {
            broken(r, "a client sent a command with a bad size or a line that is too long");
        }
        if (outcome != NSQ_OK) {
            return 0;
        }
        used += item.consumed;
        if (item.stage == NSQ_LOOKUP_STAGE_LINE) {
            *command = item.command;
        } else {
            *body = item.body;
        }
    } while (place.stage != NSQ_LOOKUP_STAGE_LINE);
    return used;
}

/* A line with the names of a topic and a channel. Any other line stays as it is. */
static void add_v1_line(struct record *r, const struct nsq_lookup_command *c)
{
    bool names = c->id == NSQ_LOOKUP_REGISTER || c->id == NSQ_LOOKUP_UNREGISTER;
    if (!names || c->params == 0 || c->params > 2) {
        add_text(r, c->line);
    } else {
        add_text(r, c->name);
        add_text(r, SPAN(" "));
        add_named(r, 't', c->topic);
        add_text(r, c->params > 1 ? SPAN(" ") : SPAN(""));
        add_named(r, 'c', c->channel);
    }
    add_text(r, SPAN("\n"));
}

/* Records all commands that have arrived completely. */
static void record_v1(struct record *r, size_t conn, int64_t now)
{
    struct buf *in = &r->conns[conn].from_client;
    struct nsq_lookup_command command = {.id = NSQ_LOOKUP_UNKNOWN};
    struct span body;
    size_t n;
    while ((n = take_v1(r, buf_span(in), &command, &body)) > 0) {
        begin_send(r, conn, now);
        add_v1_line(r, &command);
        if (command.id == NSQ_LOOKUP_IDENTIFY) {
            add_sized(r, NSQ_IDENTIFY, body);
        }
        end_step(r);
        buf_drop(in, n);
    }
}

void record_open(struct record *r, int64_t now)
{
    if (r->conn_count == RECORD_CONNS_MAX) {
        broken(r, "more connections than a session file may have");
        return;
    }
    append_pause(r, now);
    begin_step(r, r->conn_count++, SPAN(" connect\n"));
}

/* Returns whether a session file has room for more steps. */
static bool has_room(struct record *r)
{
    bool room = r->steps.n <= RECORD_STEPS_MAX;
    if (!room) {
        broken(r, "more than a session file may contain");
    }
    return room;
}

void record_from_client(struct record *r, size_t conn, struct span bytes, int64_t now)
{
    if (conn >= r->conn_count || !has_room(r)) {
        return;
    }
    struct record_conn *c = &r->conns[conn];
    buf_append(&c->from_client, bytes);
    if (!c->magic_seen) {
        if (c->from_client.n < NSQ_MAGIC_SIZE) {
            return;
        }
        c->magic_seen = true;
        begin_send(r, conn, now);
        add_text(r, span_first(buf_span(&c->from_client), NSQ_MAGIC_SIZE));
        end_step(r);
        c->v1 =
            span_equal(span_first(buf_span(&c->from_client), NSQ_MAGIC_SIZE), SPAN(NSQ_MAGIC_V1));
        r->lookup = r->lookup || c->v1;
        buf_drop(&c->from_client, NSQ_MAGIC_SIZE);
    }
    if (c->v1) {
        record_v1(r, conn, now);
        return;
    }
    size_t n;
    while ((n = command_size(r, buf_span(&c->from_client))) > 0) {
        record_command(r, conn, span_first(buf_span(&c->from_client), n), now);
        buf_drop(&c->from_client, n);
    }
}

/* It is known only later whether a client has closed only its output. Until then this byte and the
 * connection's number are in the place of the word "end" or "close". */
#define END_MARK '\1'

void record_client_end(struct record *r, size_t conn, int64_t now)
{
    const uint8_t mark[] = {END_MARK, (uint8_t)conn, '\n'};
    if (conn < r->conn_count && !r->conns[conn].ended && !r->conns[conn].client_ended) {
        r->conns[conn].client_ended = true;
        append_pause(r, now);
        begin_step(r, conn, SPAN(" > "));
        buf_append(&r->steps, span_make(mark, sizeof mark));
    }
}

void record_client_gone(struct record *r, size_t conn, int64_t now)
{
    record_client_end(r, conn, now);
    if (conn < r->conn_count) {
        r->conns[conn].ended = true;
    }
}

/* --- what the server sends ---------------------------------------------------------------------
 */

static void add_response(struct record *r, struct record_conn *c, struct span data)
{
    if (data.n > 0 && data.p[0] == '{' && c->asked.n > 0) {
        record_json_reply(data, buf_span(&c->asked), &r->steps);
        buf_free(&c->asked);
    } else if (data.n > 0 && data.p[0] == '{') {
        record_json_whole(data, &r->steps); /* the answer to AUTH */
    } else {
        add_text(r, data);
    }
}

/* The text of some errors contains a message id, which differs in every run. Then only the code is
 * written. */
static void add_error(struct record *r, struct span data)
{
    struct span text;
    enum nsq_error code = nsq_error_split(data, &text);
    buf_append(&r->steps, nsq_error_name(code));
    r->spaced = true;
    bool names_id =
        code == NSQ_E_FIN_FAILED || code == NSQ_E_REQ_FAILED || code == NSQ_E_TOUCH_FAILED;
    if (!names_id) {
        add_text(r, text);
    }
}

static void record_frame(struct record *r, size_t conn, const struct nsq_frame *frame, int64_t now)
{
    struct record_conn *c = &r->conns[conn];
    struct nsq_message m;
    if (nsq_frame_is_heartbeat(frame)) {
        c->heartbeat = true;
        return;
    }
    r->last = now;
    if (frame->type == NSQ_FRAME_RESPONSE) {
        begin_step(r, conn, SPAN(" < response "));
        add_response(r, c, frame->data);
    } else if (frame->type == NSQ_FRAME_ERROR) {
        begin_step(r, conn, SPAN(" < error "));
        add_error(r, frame->data);
    } else if (nsq_message_parse(frame->data, &m) == NSQ_OK) {
        begin_step(r, conn, SPAN(" < message "));
        append_id(r, c, span_make(m.id, NSQ_MESSAGE_ID_SIZE));
        text_append(&r->steps, " attempts ");
        text_append_decimal(&r->steps, m.attempts);
        text_append(&r->steps, " body ");
        add_body(r, m.body);
    } else {
        broken(r, "the server sent a message frame that is too short for a message");
        return;
    }
    end_step(r);
}

static void record_v1_reply(struct record *r, size_t conn, struct span data, int64_t now)
{
    struct span text;
    r->last = now;
    if (nsq_error_split(data, &text) != NSQ_E_NONE) {
        begin_step(r, conn, SPAN(" < error "));
        add_error(r, data);
    } else if (data.n > 0 && data.p[0] == '{') { /* all its values depend on the server alone */
        begin_step(r, conn, SPAN(" < response "));
        record_json_reply(data, SPAN("{}"), &r->steps);
    } else {
        begin_step(r, conn, SPAN(" < response "));
        add_text(r, data);
    }
    end_step(r);
}

static void record_v1_replies(struct record *r, size_t conn, int64_t now)
{
    struct buf *in = &r->conns[conn].from_server;
    struct span data;
    size_t size;
    enum nsq_parse outcome;
    while ((outcome = nsq_lookup_reply_parse(buf_span(in), NSQ_FRAME_DATA_MAX, &data, &size)) ==
           NSQ_OK) {
        record_v1_reply(r, conn, data, now);
        buf_drop(in, size);
    }
    if (outcome == NSQ_BAD) {
        broken(r, "the server sent bytes that are not a reply");
        buf_drop(in, in->n);
    }
}

static void record_frames(struct record *r, size_t conn, struct span bytes, int64_t now)
{
    struct record_conn *c = &r->conns[conn];
    buf_append(&c->from_server, bytes);
    if (c->v1) {
        record_v1_replies(r, conn, now);
        return;
    }
    struct nsq_frame frame;
    size_t size;
    enum nsq_parse outcome;
    while ((outcome = nsq_frame_parse(buf_span(&c->from_server), NSQ_FRAME_DATA_MAX, &frame,
                                      &size)) == NSQ_OK) {
        record_frame(r, conn, &frame, now);
        buf_drop(&c->from_server, size);
    }
    if (outcome == NSQ_BAD) {
        broken(r, "the server sent bytes that are not a frame");
        buf_drop(&c->from_server, c->from_server.n);
    }
}

void record_upgrade(struct record *r, size_t conn, const struct step *upgrade)
{
    char name[2 + TEXT_DECIMAL_MAX];
    if (conn >= r->conn_count || r->conns[conn].ended) {
        return;
    }
    struct step step = *upgrade;
    step.actor = span_make(name, (size_t)snprintf(name, sizeof name, "c%zu", conn + 1));
    transcript_step_print(&step, 0, &r->steps);
    r->needs[step.upgrade] = true;
}

void record_from_server(struct record *r, size_t conn, struct span bytes, int64_t now)
{
    if (conn >= r->conn_count || r->conns[conn].ended || !has_room(r)) {
        return;
    }
    if (r->conns[conn].client_ended) {
        buf_append(&r->conns[conn].late, bytes);
    } else {
        record_frames(r, conn, bytes, now);
    }
}

/* The client was not found to be gone, so it has read the bytes that came after it closed its
 * output. Writes these bytes. */
static void record_late(struct record *r, size_t conn, int64_t now)
{
    struct record_conn *c = &r->conns[conn];
    size_t before = r->steps.n;
    record_frames(r, conn, buf_span(&c->late), now);
    c->reads_on = r->steps.n > before;
    buf_drop(&c->late, c->late.n);
}

void record_server_end(struct record *r, size_t conn, int64_t now)
{
    if (conn >= r->conn_count || r->conns[conn].ended) {
        return;
    }
    struct record_conn *c = &r->conns[conn];
    record_late(r, conn, now);
    c->ended = true;
    if (!c->client_ended || c->reads_on) {
        begin_step(r, conn, SPAN(" < end\n"));
        r->last = now;
    }
}

void record_restart(struct record *r, int64_t now)
{
    for (size_t i = 0; i < r->conn_count; i++) {
        r->conns[i].ended = true;
    }
    append_pause(r, now);
    text_append(&r->steps, "restart\n");
}

/* --- the file --------------------------------------------------------------------------------- */

/* Appends the steps, and "end" or "close" for each client's end. */
static void print_steps(const struct record *r, struct buf *out)
{
    struct span rest = buf_span(&r->steps);
    const uint8_t *mark;
    while (rest.n > 0 && (mark = memchr(rest.p, END_MARK, rest.n)) != NULL) {
        size_t n = (size_t)(mark - rest.p);
        buf_append(out, span_first(rest, n));
        buf_append(out, r->conns[mark[1]].reads_on ? SPAN("end") : SPAN("close"));
        rest = span_skip(rest, n + 2);
    }
    buf_append(out, rest);
}

static bool has_auth(struct span flags)
{
    struct span word = SPAN("{auth}");
    while (flags.n >= word.n && !span_equal(span_first(flags, word.n), word)) {
        flags = span_skip(flags, 1);
    }
    return flags.n >= word.n;
}

static void print_needs(const struct record *r, struct span flags, struct buf *out)
{
    static const char *const words[] = {
        [UPGRADE_TLS] = " tls", [UPGRADE_SNAPPY] = " snappy", [UPGRADE_DEFLATE] = " deflate"};
    struct buf needs = {0};
    for (size_t i = 0; i < UPGRADE_KINDS; i++) {
        buf_append(&needs, r->needs[i] ? span_make(words[i], strlen(words[i])) : SPAN(""));
    }
    buf_append(&needs, has_auth(flags) ? SPAN(" auth") : SPAN(""));
    if (needs.n > 0) {
        text_append(out, "needs:");
        buf_append(out, buf_span(&needs));
        text_append(out, "\n");
    }
    buf_free(&needs);
}

bool record_print(struct record *r, const struct record_header *header, struct buf *out)
{
    for (size_t i = 0; i < r->conn_count; i++) {
        if (!r->conns[i].ended) {
            record_late(r, i, r->last);
        }
    }
    text_append(out, "id: ");
    buf_append(out, header->id);
    text_append(out, "\ntitle: ");
    buf_append(out, header->title);
    text_append(out, "\nreq: RECORDED\nlevel: ");
    buf_append(out, header->level);
    text_append(out, "\n");
    buf_append(out, r->lookup ? SPAN("server: nsqlookupd\n") : SPAN(""));
    print_needs(r, header->flags, out);
    if (header->flags.n > 0) {
        text_append(out, "flags: ");
        buf_append(out, header->flags);
        text_append(out, "\n");
    }
    text_append(out, "order: partial\nsource: ");
    buf_append(out, r->lookup ? SPAN("nsqlookupd 1.3.0\n\n") : SPAN("nsqd 1.3.0\n\n"));
    print_steps(r, out);
    for (size_t i = 0; i < r->conn_count; i++) {
        if (r->conns[i].from_client.n > 0) {
            broken(r, "a client sent a part of a command only");
        }
        if (r->conns[i].magic_seen && r->conns[i].v1 != r->lookup) {
            broken(r, "some connections speak V1 and some do not");
        }
    }
    if (out->n > TRANSCRIPT_SIZE_MAX) {
        broken(r, "more than a session file may contain");
    }
    return r->broken == NULL;
}

void record_free(struct record *r)
{
    for (size_t i = 0; i < RECORD_CONNS_MAX; i++) {
        buf_free(&r->conns[i].from_client);
        buf_free(&r->conns[i].from_server);
        buf_free(&r->conns[i].late);
        buf_free(&r->conns[i].asked);
    }
    buf_free(&r->steps);
    buf_free(&r->literal);
}
