/* SPDX-License-Identifier: MIT */
/* A recursive descent parser for session files, as in tests/conformance/GRAMMAR.md; one function
 * for each of its rules. The steps of HTTP are in session_file_http.c. Must not know: whether the
 * steps can be played (session_file_check.h). */
#include "conform/session_file.h"

#include "codec/tls.h"
#include "conform/session_file_reader.h"

/* --- steps ------------------------------------------------------------------------------------ */

/* The name of a value that a message captures. */
static bool take_captured(struct reader *r, struct span *name, const char *what)
{
    return reader_take_name(r, name, what) &&
           (!reader_is_counter(r, *name) || reader_expected(r, "a name that no counter has"));
}

/* A number, a counter, or * for any number. */
static bool take_attempts(struct reader *r, struct step *step)
{
    step->attempts = -1;
    if (TAKE(r, "*")) {
        return true;
    }
    if (TAKE(r, "$")) {
        return reader_take_word(r, &step->attempts_of, "the name of a counter") &&
               (reader_is_counter(r, step->attempts_of) ||
                reader_expected(r, "a counter of a repeat or any around this"));
    }
    return (reader_take_number(r, &step->attempts) && step->attempts >= 0) ||
           reader_expected(r, "a number of attempts, a counter, or *");
}

static bool take_message(struct reader *r, struct step *step)
{
    step->kind = STEP_MESSAGE;
    if (!TAKE(r, "$") || !take_captured(r, &step->var, "a name for the message id")) {
        return reader_expected(r, "$ and a name for the message id");
    }
    if (!TAKE(r, " attempts ")) {
        return reader_expected(r, "attempts");
    }
    if (!take_attempts(r, step)) {
        return false;
    }
    if (TAKE(r, " at $") && !take_captured(r, &step->at, "a name for the timestamp")) {
        return false;
    }
    if (!TAKE(r, " body ")) {
        return reader_expected(r, "body");
    }
    step->any_body = TAKE(r, "*");
    return step->any_body || reader_take_items(r, &step->items);
}

static bool take_error(struct reader *r, struct step *step)
{
    struct span word;
    struct span rest;
    step->kind = STEP_ERROR;
    if (!reader_take_word(r, &word, "an error code")) {
        return false;
    }
    step->code = nsq_error_split(word, &rest);
    if (step->code == NSQ_E_NONE) {
        return reader_expected(r, "an error code of the protocol");
    }
    return !TAKE(r, " ") || reader_take_items(r, &step->items);
}

/* The JSON to the end of the line. */
static void take_json(struct reader *r, struct step *step)
{
    step->text = r->line;
    r->line = span_skip(r->line, r->line.n);
}

static bool take_response(struct reader *r, struct step *step)
{
    if (reader_at(r, SPAN("{"))) {
        step->kind = STEP_JSON;
        take_json(r, step);
        return true;
    }
    step->kind = STEP_RESPONSE;
    return reader_take_items(r, &step->items);
}

/* What only a scripted nsqlookupd does; " < " was taken. */
static bool take_scripted(struct reader *r, struct step *step)
{
    if (TAKE(r, "raw ")) {
        step->kind = STEP_REPLY_RAW;
        return reader_take_items(r, &step->items);
    }
    if (TAKE(r, "close")) {
        step->kind = STEP_SERVER_CLOSE;
        return true;
    }
    if (TAKE(r, "reset")) {
        step->kind = STEP_SERVER_RESET;
        return true;
    }
    return reader_expected(r, "response, error, message, heartbeat, nothing, no message, end, raw, "
                              "close, reset or a status of HTTP");
}

/* What the server does; " < " was taken. */
static bool take_server(struct reader *r, struct step *step)
{
    if (reader_at_status(r)) {
        return reader_take_reply(r, step);
    }
    if (TAKE(r, "response ")) {
        return take_response(r, step);
    }
    if (TAKE(r, "error ")) {
        return take_error(r, step);
    }
    if (TAKE(r, "message ")) {
        return take_message(r, step);
    }
    if (TAKE(r, "heartbeat")) {
        step->kind = STEP_HEARTBEAT;
        return true;
    }
    if (TAKE(r, "nothing")) {
        step->kind = STEP_NOTHING;
        return true;
    }
    if (TAKE(r, "no message")) {
        step->kind = STEP_NO_MESSAGE;
        return reader_at(r, SPAN(" within ")) ||
               reader_expected(r, "within and a duration such as 1500ms");
    }
    if (TAKE(r, "end")) {
        step->kind = STEP_SERVER_END;
        step->end = TAKE(r, " fin") ? END_FIN : TAKE(r, " rst") ? END_RST : END_NONE;
        return true;
    }
    return take_scripted(r, step);
}

/* What the client does; " > " was taken. */
static bool take_client(struct reader *r, struct step *step)
{
    step->raw = TAKE(r, "raw ");
    if (TAKE(r, "end")) {
        step->kind = STEP_CLIENT_END;
    } else if (!step->raw && TAKE(r, "close")) {
        step->kind = STEP_CLIENT_CLOSE;
    } else if (!step->raw && TAKE(r, "reset")) {
        step->kind = STEP_CLIENT_RESET;
    } else if (!step->raw && reader_at_method(r)) {
        return reader_take_request(r, step);
    } else {
        step->kind = STEP_SEND;
        return reader_take_items(r, &step->items);
    }
    return true;
}

/* What the client does, or what a server under test must do as the client of a scripted nsqlookupd;
 * " > " was taken. */
static bool take_client_or_peer(struct reader *r, struct step *step)
{
    if (TAKE(r, "identify ")) {
        step->kind = STEP_IDENTIFY;
        take_json(r, step);
        return step->text.n > 0 || reader_expected(r, "JSON");
    }
    if (TAKE(r, "nothing")) {
        step->kind = STEP_SILENCE;
        return reader_at(r, SPAN(" within ")) ||
               reader_expected(r, "within and a duration such as 1500ms");
    }
    return take_client(r, step);
}

/* A scripted nsqlookupd, or its HTTP side; " accept " was taken. */
static bool take_accept(struct reader *r, struct step *step)
{
    step->kind = STEP_ACCEPT;
    if (!TAKE(r, "lookupd")) {
        return reader_expected(r, "lookupd, lookupd2 or lookupd http");
    }
    step->listener = TAKE(r, "2") ? 1 : TAKE(r, " http") ? TRANSCRIPT_LISTENER_HTTP : 0;
    return true;
}

/* The codec that is enabled; " upgrade " was taken. */
static bool take_upgrade(struct reader *r, struct step *step)
{
    step->kind = STEP_UPGRADE;
    if (TAKE(r, "tls")) {
        step->upgrade = UPGRADE_TLS;
        int64_t minor = 0;
        if (!TAKE(r, " 1.")) {
            return true;
        }
        if (!reader_take_number(r, &minor) || minor < 0 || minor > 3) {
            return reader_expected(r, "a TLS version from 1.0 to 1.3");
        }
        step->upgrade_number = TLS_1_0 + minor;
        return true;
    }
    if (TAKE(r, "snappy")) {
        step->upgrade = UPGRADE_SNAPPY;
        return true;
    }
    if (!TAKE(r, "deflate ")) {
        return reader_expected(r, "tls, snappy, or deflate and a level");
    }
    step->upgrade = UPGRADE_DEFLATE;
    if (!reader_take_number(r, &step->upgrade_number) || step->upgrade_number < 1 ||
        step->upgrade_number > 9) {
        return reader_expected(r, "a deflate level from 1 to 9");
    }
    return true;
}

/* The name of a connection, or "c*": inside any { } any connection c1, c2 and so on. */
static bool take_actor(struct reader *r, struct step *step)
{
    struct span start = r->line;
    if (!reader_take_name(r, &step->actor,
                          "the name of a connection, wait, any, repeat or restart")) {
        return false;
    }
    if (memchr(step->actor.p, '$', step->actor.n) == NULL && TAKE(r, "*")) {
        step->actor = span_first(start, step->actor.n + 1);
    }
    return true;
}

/* How early and how late a step may happen. */
static bool take_times(struct reader *r, struct step *step)
{
    if (TAKE(r, " after ") && !reader_take_duration(r, &step->after)) {
        return false;
    }
    return !TAKE(r, " within ") || reader_take_duration(r, &step->within);
}

/* Whether a step with ">" may say when it happens, if it is what the server under test must do. */
static bool may_have_times(const struct step *step)
{
    return (step->kind == STEP_SEND && !step->raw) || step->kind == STEP_CLIENT_END ||
           step->kind == STEP_SILENCE || step->kind == STEP_REQUEST;
}

static bool take_actor_step(struct reader *r, struct step *step)
{
    if (!take_actor(r, step)) {
        return false;
    }
    if (TAKE(r, " connect")) {
        step->kind = STEP_CONNECT;
        step->connect = TAKE(r, " https")  ? CONNECT_HTTPS
                        : TAKE(r, " http") ? CONNECT_HTTP
                                           : CONNECT_NSQ;
        return true;
    }
    if (TAKE(r, " upgrade ")) {
        return take_upgrade(r, step);
    }
    if (TAKE(r, " stop reading")) {
        step->kind = STEP_STOP_READING;
        return true;
    }
    if (TAKE(r, " start reading")) {
        step->kind = STEP_START_READING;
        return true;
    }
    if (TAKE(r, " accept ")) {
        return take_accept(r, step) && take_times(r, step);
    }
    if (TAKE(r, " > ")) {
        return take_client_or_peer(r, step) && (!may_have_times(step) || take_times(r, step));
    }
    if (!TAKE(r, " < ")) {
        return reader_expected(r, "connect, accept, upgrade, stop reading, start reading, > or <");
    }
    return take_server(r, step) && take_times(r, step);
}

static bool take_block_steps(struct reader *r, struct step *block);

/* The braces of a repeat or any, and the steps between them. */
static bool take_block(struct reader *r, struct step *step)
{
    if (!TAKE(r, "{")) {
        return reader_expected(r, "{");
    }
    if (r->line.n > 0) {
        return reader_expected(r, "the end of the line");
    }
    if (r->blocks == TRANSCRIPT_BLOCKS_MAX) {
        return reader_expected(r, "at most two blocks inside each other");
    }
    r->blocks++;
    bool ok = take_block_steps(r, step);
    r->blocks--;
    return ok;
}

/* A block that is repeated, for example "repeat 300 $i {". */
static bool take_counted_block(struct reader *r, struct step *step)
{
    if (!reader_take_counter(r, &step->count, &step->counter)) {
        return false;
    }
    bool ok = (TAKE(r, " ") || reader_expected(r, "a space and {")) && take_block(r, step);
    reader_drop_counter(r);
    return ok;
}

static bool take_step(struct reader *r, struct step *step)
{
    if (TAKE(r, "wait ")) {
        step->kind = STEP_WAIT;
        return reader_take_duration(r, &step->after);
    }
    if (TAKE(r, "restart")) {
        step->kind = STEP_RESTART;
        step->killed = TAKE(r, " kill");
        return !TAKE(r, " with ") || reader_take_text(r, &step->text);
    }
    if (TAKE(r, "repeat ")) {
        step->kind = STEP_REPEAT;
        return take_counted_block(r, step);
    }
    if (TAKE(r, "any ")) {
        step->kind = STEP_ANY;
        return reader_at(r, SPAN("{")) ? take_block(r, step) : take_counted_block(r, step);
    }
    return take_actor_step(r, step);
}

static bool may_stand_in_any(enum step_kind kind)
{
    bool frame = kind >= STEP_RESPONSE && kind <= STEP_HEARTBEAT && kind != STEP_HTTP_RESPONSE;
    return kind == STEP_COMMENT || frame || kind == STEP_SERVER_END || kind == STEP_SEND;
}

static bool is_of_any_connection(const struct step *step)
{
    return step->actor.n > 0 && step->actor.p[step->actor.n - 1] == '*';
}

/* Whether a step may stand in this block. */
static bool is_in_place(struct reader *r, const struct step *step, enum step_kind block)
{
    if (block == STEP_ANY && !may_stand_in_any(step->kind)) {
        return reader_expected(r, "a step of the server: in any { } nothing else may stand");
    }
    return block == STEP_ANY || !is_of_any_connection(step) ||
           reader_expected(r, "the name of one connection: c* may stand only in any { }");
}

/* Reads the step of the current line, and of the lines that belong to it. */
static bool take_one(struct reader *r, struct step *step, enum step_kind block)
{
    step->line = r->number;
    if (r->line.n == 0 || reader_at(r, SPAN("#"))) {
        step->text = r->line;
        r->line = span_skip(r->line, r->line.n);
    } else if (!take_step(r, step)) {
        return false;
    }
    if (r->line.n > 0) {
        return reader_expected(r, "the end of the line");
    }
    return is_in_place(r, step, block);
}

/* Takes four spaces for each open block. */
static bool take_indent(struct reader *r, unsigned blocks)
{
    bool ok = true;
    for (unsigned i = 0; i < blocks && ok; i++) {
        ok = TAKE(r, "    ");
    }
    return ok;
}

/* Takes the "}" that closes the innermost block, if the line is this. */
static bool take_close(struct reader *r)
{
    struct span before = r->line;
    if (take_indent(r, r->blocks - 1) && r->line.n == 1 && TAKE(r, "}")) {
        return true;
    }
    r->line = before;
    return false;
}

/* Reads steps up to the "}" that closes their block. */
static bool take_block_steps(struct reader *r, struct step *block)
{
    struct step **last = &block->inside;
    while (reader_next_line(r)) {
        if (take_close(r)) {
            return block->inside != NULL || reader_expected(r, "a step before }");
        }
        if (r->line.n > 0 && (!take_indent(r, r->blocks) || r->line.n == 0)) {
            return reader_expected(r, r->blocks == 1 ? "four spaces and a step, or }"
                                                     : "eight spaces and a step, or }");
        }
        *last = reader_node(r->file, sizeof **last);
        if (!take_one(r, *last, block->kind)) {
            return false;
        }
        last = &(*last)->next;
    }
    return reader_expected(r, "}");
}

/* Reads steps up to the end of the file. */
static bool take_steps(struct reader *r)
{
    struct step **last = &r->file->steps;
    while (reader_next_line(r)) {
        *last = reader_node(r->file, sizeof **last);
        if (!take_one(r, *last, STEP_COMMENT)) {
            return false;
        }
        last = &(*last)->next;
    }
    return true;
}

static bool have(const struct step *step, enum step_kind kind)
{
    while (step != NULL && step->kind != kind && !have(step->inside, kind)) {
        step = step->next;
    }
    return step != NULL;
}

bool transcript_has(const struct transcript *file, enum step_kind kind)
{
    return have(file->steps, kind);
}

/* Whether a step opens a connection of this kind. */
static bool connects(const struct step *step, enum connect_kind kind)
{
    bool found = false;
    for (; step != NULL && !found; step = step->next) {
        found =
            (step->kind == STEP_CONNECT && step->connect == kind) || connects(step->inside, kind);
    }
    return found;
}

bool transcript_scripts_lookupd(const struct transcript *file)
{
    return transcript_has(file, STEP_ACCEPT);
}

bool transcript_speaks_http(const struct transcript *file)
{
    return connects(file->steps, CONNECT_HTTP) || connects(file->steps, CONNECT_HTTPS);
}

bool transcript_upgrades(const struct transcript *file)
{
    return transcript_has(file, STEP_UPGRADE) || connects(file->steps, CONNECT_HTTPS);
}

/* --- the file --------------------------------------------------------------------------------- */

/* Whether all lines are printable ASCII; the reader is at the end of the file then. */
static bool all_printable(struct reader *r)
{
    while (reader_next_line(r)) {
        for (; r->line.n > 0; r->line = span_skip(r->line, 1)) {
            if (r->line.p[0] < ' ' || r->line.p[0] > '~') {
                return reader_expected(r, "printable ASCII");
            }
        }
    }
    return true;
}

bool transcript_parse(struct transcript *file, struct span bytes, struct transcript_error *error)
{
    *file = (struct transcript){0};
    *error = (struct transcript_error){0};
    buf_append(&file->bytes, bytes);
    struct reader r = {.file = file, .error = error, .rest = buf_span(&file->bytes)};
    struct reader scan = r;
    bool ok = bytes.n <= TRANSCRIPT_SIZE_MAX || reader_expected(&r, "at most 1 MiB");
    ok = ok && all_printable(&scan);
    ok = ok && reader_take_header(&r) && take_steps(&r);
    if (ok && bytes.p[bytes.n - 1] != '\n') {
        ok = reader_expected(&r, "a newline at the end of the file");
    }
    if (!ok) {
        transcript_free(file);
    }
    return ok;
}
