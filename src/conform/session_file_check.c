/* SPDX-License-Identifier: MIT */
/* Goes through the steps in order and keeps the state of each connection and the names of all
 * values. Must not know: how a step is played. */
#include "conform/session_file_check.h"

#include "conform/session_file_unroll.h"
#include "conform/values.h"

struct conn {
    struct span name;
    bool accepted; /* the server under test has opened it, to a scripted nsqlookupd */
    bool ended;    /* the client has ended its output */
    bool closed;   /* the client has closed, or the server was restarted */
    bool
        stopped; /* the client has stopped reading; accepted: the nsqlookupd has ended its output */
    enum connect_kind speaks;
    bool tls; /* is enabled */
    bool compressed;
};

struct check {
    const struct transcript *file;
    struct transcript_error *error;
    struct conn conns[TRANSCRIPT_CONNS_MAX];
    size_t conn_count;
    struct values values;      /* only their names */
    const struct step *before; /* the last step that is not "nothing" */
};

/* Reports what was expected at this part of the file. Always returns false. */
static bool expected(struct check *c, struct span part, const char *what)
{
    struct span bytes = buf_span(&c->file->bytes);
    *c->error = (struct transcript_error){.line = 1, .column = 1, .expected = what};
    for (size_t i = 0; i < bytes.n && bytes.p + i < part.p; i++) {
        bool newline = bytes.p[i] == '\n';
        c->error->line += newline;
        c->error->column = newline ? 1 : c->error->column + 1;
    }
    return false;
}

/* --- values ----------------------------------------------------------------------------------- */

/* `name` is the name of a value, `place` is where it stands in the file. */
static bool capture(struct check *c, struct span name, struct span place)
{
    return name.n == 0 || values_find(&c->values, name) != NULL ||
           values_add(&c->values, name) != NULL || expected(c, place, "at most 20000 values");
}

/* The steps of an "any" are matched in any order. So a step may use what another one captures. If
 * only one step captures a value, it is the owner and cannot use the value itself. */
static bool capture_in_any(struct check *c, const struct step *step, struct span name,
                           struct span place)
{
    struct value *value = values_find(&c->values, name);
    if (name.n > 0 && value != NULL) {
        value->owner = NULL;
        return true;
    }
    if (!capture(c, name, place)) {
        return false;
    }
    if (name.n > 0) {
        values_find(&c->values, name)->owner = step;
    }
    return true;
}

static bool items_known(struct check *c, const struct step *step, const struct item *items)
{
    bool ok = true;
    for (const struct item *i = items; i != NULL && ok; i = i->next) {
        struct span place = span_make(i->place, 0);
        const struct value *value = i->kind == ITEM_VAR ? values_find(&c->values, i->bytes) : NULL;
        if (i->kind == ITEM_SIZE) {
            ok = items_known(c, step, i->inside);
        } else if (i->kind == ITEM_VAR && values_made(i->bytes)) {
            ok = capture(c, i->bytes, place);
        } else if (i->kind == ITEM_VAR && (value == NULL || value->owner == step)) {
            ok = expected(c, place, "a value that an earlier message captures");
        }
    }
    return ok;
}

/* Checks all items of a step. */
static bool all_known(struct check *c, const struct step *step)
{
    bool ok = items_known(c, step, step->items);
    for (const struct header_line *line = step->headers; line != NULL && ok; line = line->next) {
        ok = items_known(c, step, line->items);
    }
    return ok && items_known(c, step, step->body);
}

/* --- connections ------------------------------------------------------------------------------ */

static struct conn *find(struct check *c, struct span name)
{
    for (size_t i = 0; i < c->conn_count; i++) {
        if (span_equal(c->conns[i].name, name)) {
            return &c->conns[i];
        }
    }
    return NULL;
}

/* Whether a step may open one more connection with this name. */
static bool may_open(struct check *c, const struct step *step)
{
    struct span place = step->origin->actor;
    if (find(c, step->actor) != NULL) {
        return expected(c, place, "a name that no earlier connection has");
    }
    return c->conn_count < TRANSCRIPT_CONNS_MAX || expected(c, place, "at most 64 connections");
}

static bool connect(struct check *c, const struct step *step)
{
    struct span place = step->origin->actor;
    if (!may_open(c, step)) {
        return false;
    }
    if (step->connect != CONNECT_NSQ && !transcript_needs(c->file, SPAN("http"))) {
        return expected(c, place, "needs: http in the header of this file");
    }
    if (step->connect == CONNECT_HTTPS && c->file->server == SERVER_NSQLOOKUPD) {
        return expected(c, place, "connect or connect http: nsqlookupd has no HTTPS");
    }
    c->conns[c->conn_count++] = (struct conn){
        .name = step->actor, .speaks = step->connect, .tls = step->connect == CONNECT_HTTPS};
    return true;
}

/* Whether these bytes contain the word. */
static bool contains(struct span bytes, struct span word)
{
    while (bytes.n >= word.n && !span_equal(span_first(bytes, word.n), word)) {
        bytes = span_skip(bytes, 1);
    }
    return bytes.n >= word.n;
}

/* The server under test must be an nsqd that was told the address when it started. */
static bool accept(struct check *c, const struct step *step)
{
    struct span place = step->origin->actor;
    if (!may_open(c, step)) {
        return false;
    }
    if (c->file->server != SERVER_NSQD) {
        return expected(c, place, "a file about nsqd: nsqlookupd has no nsqlookupds");
    }
    if (!contains(c->file->flags, SPAN("{lookupd}"))) {
        return expected(c, place, "{lookupd} in the flags in the header of this file");
    }
    c->conns[c->conn_count++] = (struct conn){
        .name = step->actor,
        .accepted = true,
        .speaks = step->listener == TRANSCRIPT_LISTENER_HTTP ? CONNECT_HTTP : CONNECT_NSQ};
    return true;
}

/* TLS comes first, then at most one compression. */
static bool may_upgrade(struct check *c, const struct step *step, struct conn *conn)
{
    if (conn->compressed) {
        return expected(c, step->origin->actor, "a connection without compression");
    }
    if (step->upgrade == UPGRADE_TLS && conn->tls) {
        return expected(c, step->origin->actor, "a connection without TLS");
    }
    conn->tls = conn->tls || step->upgrade == UPGRADE_TLS;
    conn->compressed = step->upgrade != UPGRADE_TLS;
    return true;
}

/* Whether a step needs what the server sends. */
static bool reads(const struct step *step)
{
    return (step->kind >= STEP_RESPONSE && step->kind <= STEP_SERVER_END) ||
           step->kind == STEP_UPGRADE || step->kind == STEP_STOP_READING;
}

/* Whether a step may stand only on a connection that speaks HTTP, or only on one that does not. */
static bool is_http(const struct step *step)
{
    return step->kind == STEP_REQUEST || step->kind == STEP_HTTP_RESPONSE;
}

static bool is_nsq(const struct step *step)
{
    return step->kind == STEP_UPGRADE || step->kind == STEP_NOTHING ||
           (step->kind >= STEP_RESPONSE && step->kind <= STEP_HEARTBEAT && !is_http(step));
}

/* Whether a step is about what V2 has and V1 has not: codecs, messages, heartbeats, and a command
 * that proves that no reply came. */
static bool is_v2(const struct step *step)
{
    return step->kind == STEP_UPGRADE || step->kind == STEP_NOTHING || step->kind == STEP_MESSAGE ||
           step->kind == STEP_HEARTBEAT;
}

/* Whether only a connection to a scripted nsqlookupd may have this step. */
static bool is_scripted(const struct step *step)
{
    bool timed = step->kind < STEP_RESPONSE && (step->after > 0 || step->within > 0);
    return (step->kind >= STEP_IDENTIFY && step->kind <= STEP_SERVER_RESET) || timed;
}

/* Whether the bytes of a response are known: it has no * and no header that must be absent. */
static bool can_be_sent(const struct step *step)
{
    bool known = true;
    for (const struct header_line *line = step->headers; line != NULL; line = line->next) {
        known = known && !line->absent;
        for (const struct item *i = line->items; i != NULL; i = i->next) {
            known = known && i->kind != ITEM_ANY;
        }
    }
    for (const struct item *i = step->body; i != NULL; i = i->next) {
        known = known && i->kind != ITEM_ANY;
    }
    return known;
}

/* Whether a connection to a scripted nsqlookupd, or to its HTTP side, may have this step. */
static bool may_be_scripted(const struct step *step, bool http)
{
    bool untimed = step->after == 0 && step->within == 0;
    switch (step->kind) {
    case STEP_SEND:
        return !step->raw && !http;
    case STEP_IDENTIFY:
        return !http;
    case STEP_REQUEST:
        return http && step->body_kind == BODY_UNSAID;
    case STEP_CLIENT_END:
        return !step->raw;
    case STEP_SILENCE:
        return true;
    case STEP_RESPONSE:
    case STEP_JSON:
    case STEP_ERROR:
        return untimed && !http;
    case STEP_HTTP_RESPONSE:
        return untimed && http && can_be_sent(step);
    case STEP_SERVER_END:
        return untimed && step->end == END_NONE;
    default:
        return untimed && is_scripted(step);
    }
}

/* Who closes a connection to a scripted nsqlookupd, and in which order. */
static bool may_script(struct check *c, const struct step *step, struct conn *conn)
{
    struct span place = step->origin->actor;
    bool sends =
        step->kind >= STEP_RESPONSE && step->kind != STEP_IDENTIFY && step->kind != STEP_SILENCE;
    bool closes = step->kind == STEP_SERVER_CLOSE || step->kind == STEP_SERVER_RESET;
    if (!may_be_scripted(step, conn->speaks == CONNECT_HTTP)) {
        return expected(c, place,
                        conn->speaks == CONNECT_HTTP
                            ? "a step of the HTTP side of a scripted nsqlookupd: > with a request "
                              "without a body, nothing or end; < with a status and what is sent, "
                              "raw, end, close or reset"
                            : "a step of a scripted nsqlookupd: > with items, identify, nothing or "
                              "end; < with response, error, raw, end, close or reset");
    }
    if (conn->closed) {
        return expected(c, place, "a connection that neither side has closed");
    }
    if (conn->stopped && sends && !closes) {
        return expected(c, place, "a connection whose output the nsqlookupd has not ended");
    }
    conn->stopped = conn->stopped || step->kind == STEP_SERVER_END;
    conn->closed = closes || step->kind == STEP_CLIENT_END;
    return true;
}

static bool speaks(struct check *c, const struct step *step, const struct conn *conn)
{
    struct span place = step->origin->actor;
    if (is_http(step) && conn->speaks == CONNECT_NSQ) {
        return expected(c, place, "a connection that speaks HTTP");
    }
    if (is_v2(step) && c->file->server == SERVER_NSQLOOKUPD) {
        return expected(c, place, "a step that V1 has: no upgrade, nothing, message or heartbeat");
    }
    return !is_nsq(step) || conn->speaks == CONNECT_NSQ ||
           expected(c, place, "a connection that speaks NSQ's own protocol");
}

/* Checks one connection that a step uses. */
static bool may_use(struct check *c, const struct step *step, struct conn *conn)
{
    struct span place = step->origin->actor;
    if (conn->accepted) {
        return may_script(c, step, conn);
    }
    if (is_scripted(step)) {
        return expected(c, place, "a connection to a scripted nsqlookupd");
    }
    if (conn->closed) {
        return expected(c, place, "a connection that the client has not closed");
    }
    if (!speaks(c, step, conn)) {
        return false;
    }
    bool sends = step->kind == STEP_SEND || step->kind == STEP_REQUEST ||
                 step->kind == STEP_CLIENT_END || step->kind == STEP_UPGRADE;
    if (conn->ended && sends) {
        return expected(c, place, "a connection whose output the client has not ended");
    }
    if (step->raw && !conn->tls && !conn->compressed) {
        return expected(c, place, "a connection with a codec, which raw bypasses");
    }
    if (conn->stopped && reads(step)) {
        return expected(c, place, "a connection from which the client reads");
    }
    if (!conn->stopped && step->kind == STEP_START_READING) {
        return expected(c, place, "a connection from which the client has stopped reading");
    }
    return step->kind != STEP_UPGRADE || may_upgrade(c, step, conn);
}

/* "c*" needs one open connection c1, c2 and so on. */
static bool has_numbered(const struct check *c, struct span actor)
{
    bool found = false;
    for (size_t i = 0; i < c->conn_count && !found; i++) {
        found = !c->conns[i].accepted && !c->conns[i].closed && !c->conns[i].stopped &&
                actor_is_of(actor, c->conns[i].name);
    }
    return found;
}

static bool may_act(struct check *c, const struct step *step)
{
    struct conn *conn = find(c, step->actor);
    if (conn == NULL && has_numbered(c, step->actor)) {
        return true;
    }
    if (conn == NULL) {
        return expected(c, step->origin->actor,
                        "the name of a connection that an earlier step opens");
    }
    if (!may_use(c, step, conn)) {
        return false;
    }
    if (conn->accepted) {
        return true;
    }
    conn->closed = step->kind == STEP_CLIENT_CLOSE || step->kind == STEP_CLIENT_RESET;
    conn->ended = conn->ended || step->kind == STEP_CLIENT_END;
    conn->stopped =
        step->kind == STEP_STOP_READING || (conn->stopped && step->kind != STEP_START_READING);
    return true;
}

/* --- negatives -------------------------------------------------------------------------------- */

/* Whether the step is one of this connection, or waits long enough for what others have caused. */
static bool settles(const struct step *step, struct span actor)
{
    bool own = span_equal(step->actor, actor);
    for (const struct step *s = step->inside; s != NULL && !own; s = s->next) {
        own = actor_is_of(s->actor, actor);
    }
    return own || step->kind == STEP_WAIT || step->kind == STEP_NO_MESSAGE;
}

/* "nothing" proves that the server did not reply to this connection's own input. What another
 * connection causes may come after the answer to the PUB, so directly behind it "nothing" would
 * also pass with a server that is wrong. */
static bool nothing_is_proof(struct check *c, const struct step *step)
{
    return (c->before != NULL && settles(c->before, step->actor)) ||
           expected(c, step->origin->actor,
                    "behind a step of this connection, a wait, or no message within");
}

/* --- steps ------------------------------------------------------------------------------------ */

static bool captures(struct check *c, const struct step *step)
{
    return step->kind != STEP_MESSAGE ||
           (capture(c, step->var, step->origin->var) && capture(c, step->at, step->origin->at));
}

static bool actor_step(struct check *c, const struct step *step)
{
    return may_act(c, step) && all_known(c, step) && captures(c, step);
}

/* What stands in an "any" is received. On a connection to a scripted nsqlookupd this is ">". */
static bool is_received(struct check *c, const struct step *step)
{
    const struct conn *conn = find(c, step->actor);
    bool accepted = conn != NULL && conn->accepted;
    return accepted == (step->kind == STEP_SEND) ||
           expected(c, step->origin->actor,
                    "a step that receives: in any { } nothing else may stand");
}

static bool any_step(struct check *c, const struct step *any)
{
    bool ok = true;
    for (const struct step *s = any->inside; s != NULL && ok; s = s->next) {
        ok = s->kind != STEP_MESSAGE || (capture_in_any(c, s, s->var, s->origin->var) &&
                                         capture_in_any(c, s, s->at, s->origin->at));
    }
    for (const struct step *s = any->inside; s != NULL && ok; s = s->next) {
        ok = may_act(c, s) && is_received(c, s) && items_known(c, s, s->items);
    }
    return ok;
}

static bool check_step(struct check *c, const struct step *step)
{
    switch (step->kind) {
    case STEP_WAIT:
        return true;
    case STEP_RESTART:
        for (size_t i = 0; i < c->conn_count; i++) {
            c->conns[i].closed = true;
        }
        return true;
    case STEP_CONNECT:
        return connect(c, step);
    case STEP_ACCEPT:
        return accept(c, step);
    case STEP_ANY:
        return any_step(c, step);
    case STEP_NOTHING:
        return actor_step(c, step) && nothing_is_proof(c, step);
    default:
        return actor_step(c, step);
    }
}

/* The place of a step that has no actor is its line. */
static bool too_long(struct check *c, const struct step *step)
{
    *c->error = (struct transcript_error){
        .line = step->line,
        .column = 1,
        .expected = "fewer repetitions: at most 200000 steps and items, all written out"};
    return false;
}

bool transcript_check(const struct transcript *file, struct transcript_error *error)
{
    struct check c = {.file = file, .error = error};
    struct unrolled steps;
    transcript_unroll(file, &steps);
    bool ok = steps.too_long == NULL || too_long(&c, steps.too_long);
    for (const struct step *s = steps.steps; s != NULL && ok; s = s->next) {
        ok = check_step(&c, s);
        c.before = s->kind == STEP_NOTHING ? c.before : s;
    }
    values_free(&c.values);
    unrolled_free(&steps);
    return ok;
}
