/* SPDX-License-Identifier: MIT */
/* Goes through the steps in order and keeps the state of each connection and the names of all
 * values. Must not know: how a step is played. */
#include "conform/session_file_check.h"

#include "conform/player.h"
#include "conform/values.h"

struct conn {
    struct span name;
    bool ended;  /* the client has ended its output */
    bool closed; /* the client has closed */
    bool tls;    /* is enabled */
    bool compressed;
};

struct check {
    const struct transcript *file;
    struct transcript_error *error;
    struct conn conns[PLAYER_CONNS_MAX];
    size_t conn_count;
    struct values values;      /* only their names */
    const struct step *before; /* the last step that is no comment and not "nothing" */
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

static bool capture(struct check *c, struct span name)
{
    return name.n == 0 || values_find(&c->values, name) != NULL ||
           values_add(&c->values, name) != NULL || expected(c, name, "at most 64 values");
}

static bool captures(const struct step *s, struct span name)
{
    return s->kind == STEP_MESSAGE && (span_equal(s->var, name) || span_equal(s->at, name));
}

/* Whether another step of the same "any" captures the value: it may be matched before. */
static bool captured_beside(const struct step *step, const struct step *any, struct span name)
{
    bool found = false;
    for (const struct step *s = any == NULL ? NULL : any->inside; s != NULL && !found;
         s = s->next) {
        found = s != step && captures(s, name);
    }
    return found;
}

/* `any` is the step around this one, or NULL. */
static bool items_known(struct check *c, const struct step *step, const struct item *items,
                        const struct step *any)
{
    bool ok = true;
    for (const struct item *i = items; i != NULL && ok; i = i->next) {
        if (i->kind == ITEM_SIZE) {
            ok = items_known(c, step, i->inside, any);
        } else if (i->kind == ITEM_VAR && values_made(i->bytes)) {
            ok = capture(c, i->bytes);
        } else if (i->kind == ITEM_VAR && values_find(&c->values, i->bytes) == NULL &&
                   !captured_beside(step, any, i->bytes)) {
            ok = expected(c, i->bytes, "a value that an earlier message captures");
        }
    }
    return ok;
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

static bool connect(struct check *c, struct span name)
{
    if (find(c, name) != NULL) {
        return expected(c, name, "a name that no earlier connection has");
    }
    if (c->conn_count == PLAYER_CONNS_MAX) {
        return expected(c, name, "at most 16 connections");
    }
    c->conns[c->conn_count++] = (struct conn){.name = name};
    return true;
}

/* TLS comes first, then at most one compression. */
static bool may_upgrade(struct check *c, const struct step *step, struct conn *conn)
{
    if (conn->compressed) {
        return expected(c, step->actor, "a connection without compression");
    }
    if (step->upgrade == UPGRADE_TLS && conn->tls) {
        return expected(c, step->actor, "a connection without TLS");
    }
    conn->tls = conn->tls || step->upgrade == UPGRADE_TLS;
    conn->compressed = step->upgrade != UPGRADE_TLS;
    return true;
}

static bool may_act(struct check *c, const struct step *step)
{
    struct conn *conn = find(c, step->actor);
    if (conn == NULL) {
        return expected(c, step->actor, "the name of a connection that an earlier step opens");
    }
    if (conn->closed) {
        return expected(c, step->actor, "a connection that the client has not closed");
    }
    bool sends =
        step->kind == STEP_SEND || step->kind == STEP_CLIENT_END || step->kind == STEP_UPGRADE;
    if (conn->ended && sends) {
        return expected(c, step->actor, "a connection whose output the client has not ended");
    }
    if (step->raw && !conn->tls && !conn->compressed) {
        return expected(c, step->actor, "a connection with a codec, which raw bypasses");
    }
    if (step->kind == STEP_UPGRADE && !may_upgrade(c, step, conn)) {
        return false;
    }
    conn->closed = step->kind == STEP_CLIENT_CLOSE || step->kind == STEP_CLIENT_RESET;
    conn->ended = conn->ended || step->kind == STEP_CLIENT_END;
    return true;
}

/* --- negatives -------------------------------------------------------------------------------- */

/* Whether the step is one of this connection, or waits long enough for what others have caused. */
static bool settles(const struct step *step, struct span actor)
{
    bool own = span_equal(step->actor, actor);
    for (const struct step *s = step->inside; s != NULL && !own; s = s->next) {
        own = s->kind != STEP_COMMENT && span_equal(s->actor, actor);
    }
    return own || step->kind == STEP_WAIT || step->kind == STEP_NO_MESSAGE;
}

/* "nothing" proves that the server did not reply to this connection's own input. What another
 * connection causes may come after the answer to the PUB, so directly behind it "nothing" would
 * also pass with a server that is wrong. */
static bool nothing_is_proof(struct check *c, const struct step *step)
{
    return (c->before != NULL && settles(c->before, step->actor)) ||
           expected(c, step->actor,
                    "behind a step of this connection, a wait, or no message within");
}

/* --- steps ------------------------------------------------------------------------------------ */

static bool actor_step(struct check *c, const struct step *step, const struct step *any)
{
    return may_act(c, step) && items_known(c, step, step->items, any) &&
           (step->kind != STEP_MESSAGE || (capture(c, step->var) && capture(c, step->at)));
}

static bool any_step(struct check *c, const struct step *any)
{
    size_t n = 0;
    bool ok = true;
    for (const struct step *s = any->inside; s != NULL && ok; s = s->next) {
        if (s->kind != STEP_COMMENT) {
            ok = n++ < PLAYER_ANY_MAX ? actor_step(c, s, any)
                                      : expected(c, s->actor, "at most 256 steps in one any");
        }
    }
    return ok;
}

static bool check_step(struct check *c, const struct step *step)
{
    switch (step->kind) {
    case STEP_COMMENT:
    case STEP_WAIT:
        return true;
    case STEP_CONNECT:
        return connect(c, step->actor);
    case STEP_ANY:
        return any_step(c, step);
    case STEP_NOTHING:
        return actor_step(c, step, NULL) && nothing_is_proof(c, step);
    default:
        return actor_step(c, step, NULL);
    }
}

bool transcript_check(const struct transcript *file, struct transcript_error *error)
{
    struct check c = {.file = file, .error = error};
    bool ok = true;
    for (const struct step *s = file->steps; s != NULL && ok; s = s->next) {
        ok = check_step(&c, s);
        c.before = s->kind == STEP_COMMENT || s->kind == STEP_NOTHING ? c.before : s;
    }
    values_free(&c.values);
    return ok;
}
