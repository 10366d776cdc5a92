/* SPDX-License-Identifier: MIT */
/* Plays a session file from its first step to its end. Must not know: what a single step does
 * (player_steps.c does). */
#include "conform/player.h"

#include "conform/player_end.h"
#include "conform/player_exchange.h"
#include "conform/player_io.h"
#include "conform/player_lookupd.h"
#include "conform/player_steps.h"

const char *verdict_name(enum verdict verdict)
{
    static const char *const names[] = {
        [VERDICT_PASS] = "pass",
        [VERDICT_FAIL] = "fail",
        [VERDICT_NON_STRICT] = "non-strict",
        [VERDICT_UNSUPPORTED] = "unsupported",
        [VERDICT_XFAIL] = "xfail",
        [VERDICT_XPASS] = "xpass",
        [VERDICT_UNREACHABLE] = "unreachable",
        [VERDICT_DIED] = "died",
        [VERDICT_FLAKY] = "flaky",
    };
    return names[verdict];
}

void player_arrived(struct player *p, size_t i, struct span bytes)
{
    struct player_conn *c = &p->conns[i];
    size_t before = c->in.n;
    size_t room = PLAYER_RECEIVED_MAX - c->received;
    size_t room_of_all = PLAYER_RECEIVED_ALL_MAX - p->received;
    room = room < room_of_all ? room : room_of_all;
    c->flooded = c->flooded || !wire_decode(&c->wire, bytes, room, &c->in);
    c->received += c->in.n - before;
    p->received += c->in.n - before;
}

/* Returns the time at which the whole case must be over. */
static int64_t end_of_case(struct player *p)
{
    int64_t most = PLAYER_REPLY_TIMEOUTS_A_CASE * p->config.reply_timeout;
    for (const struct step *step = p->steps.steps; step != NULL; step = step->next) {
        most += step->within + step->after;
        most += step->kind == STEP_RESTART ? PLAYER_RESTART_TIMEOUT : 0;
        for (const struct step *inner = step->inside; inner != NULL; inner = inner->next) {
            most += inner->within + inner->after;
        }
    }
    return player_now(p) + most / 100 * p->config.time_scale;
}

void player_init(struct player *p, const struct player_config *config,
                 const struct transcript *file)
{
    *p = (struct player){.config = *config,
                         .file = file,
                         .values = {.names = config->names},
                         .splits = config->splits * PLAYER_SPLIT_STEPS,
                         .verdict = VERDICT_PASS};
    player_lookupd_init(p);
    transcript_unroll(file, &p->steps);
}

/* Whether a step with ">" is what the server must do: on a connection that the server has opened.
 */
static bool is_received(const struct player *p, const struct step *step)
{
    size_t i = player_find_conn(p, step->actor);
    return i < PLAYER_CONNS_MAX && p->conns[i].accepted &&
           (step->kind == STEP_SEND || step->kind == STEP_IDENTIFY || step->kind == STEP_REQUEST);
}

/* Returns the time from which the "after" of the next step counts.
 *   - After a step that sends, this is the time at which the step began, because the server may
 * have the bytes long before the step ends.
 *   - After a step that waits for a frame, this is the time at which the frame was noticed, minus
 *     config.lag, because the frame may have come that much earlier. It is not earlier than the
 *     step's own "after" allows, unless the frame came too early by config.slack.
 *   - After any other step, this is the end of the step. */
static int64_t step_end(struct player *p, const struct step *step, int64_t begun)
{
    int64_t now = player_now(p);
    int64_t earliest = p->last_step_end + step->after;
    bool received = is_received(p, step);
    if ((step->kind == STEP_SEND || step->kind == STEP_REQUEST) && !received) {
        return begun;
    }
    bool frame = step->kind >= STEP_RESPONSE && step->kind <= STEP_HEARTBEAT;
    if (!(frame || received) || earliest > now) {
        return now;
    }
    return earliest > now - p->config.lag ? earliest : now - p->config.lag;
}

void player_run(struct player *p)
{
    struct transport *t = &p->config.transport;
    unsigned line = 0;
    int64_t begun = player_now(p);
    p->last_step_end = begun;
    p->end_by = end_of_case(p);
    for (const struct step *step = p->steps.steps; step != NULL && player_step(p, step);
         step = step->next) {
        p->last_step_end = step_end(p, step, begun);
        begun = player_now(p);
        line = step->line;
    }
    if (!p->file->partial_order) {
        player_end(p, line);
    }
    player_end_exchange(p);
    for (size_t i = 0; i < p->conn_count; i++) {
        if (p->conns[i].open) {
            p->conns[i].open = false;
            t->close(t->self, i);
        }
    }
}

void player_free(struct player *p)
{
    for (size_t i = 0; i < PLAYER_CONNS_MAX; i++) {
        buf_free(&p->conns[i].in);
        wire_free(&p->conns[i].wire);
        stream_free(&p->conns[i].sent);
    }
    values_free(&p->values);
    unrolled_free(&p->steps);
    buf_free(&p->unmatched);
    buf_free(&p->exchange);
    buf_free(&p->tail);
    buf_free(&p->why);
}
