/* SPDX-License-Identifier: MIT */
/* The first frame of each connection is compared with the remaining steps, in the order of the
 * file. When a step matches, the frame is taken out, and the next frame is compared. Must not know:
 * steps that send. */
#include "conform/player_any.h"

#include "base/alloc.h"
#include "base/text.h"
#include "conform/json_subset.h"
#include "conform/player_exchange.h"
#include "conform/player_frames.h"
#include "conform/player_io.h"
#include "conform/player_lookupd.h"
#include "conform/session_file_unroll.h"

#define SHOWN_MAX 20 /* steps and connections that an explanation shows */

/* The steps that no frame has matched yet, in the order of the file. */
struct rest {
    const struct step **steps;
    size_t n;
    size_t heartbeats; /* how many of them wait for a heartbeat */
};

static void remove_step(struct rest *rest, size_t i)
{
    rest->n--;
    rest->heartbeats -= rest->steps[i]->kind == STEP_HEARTBEAT;
    memmove(&rest->steps[i], &rest->steps[i + 1], (rest->n - i) * sizeof(const struct step *));
}

/* Whether the end of the connection matches a step. */
static bool end_matches(const struct player_conn *c, const struct step *step)
{
    return step->kind == STEP_SERVER_END && (step->end == END_NONE || step->end == c->ended);
}

static bool frame_matches(struct player *p, const struct step *step, const struct nsq_frame *frame)
{
    enum verdict before = p->verdict;
    if (step->kind != STEP_SERVER_END && player_matches(p, step, frame)) {
        return true;
    }
    p->verdict = before;
    return false;
}

/* Returns the number of the first step that the arrival on connection `c` matches, or rest->n. */
static size_t find_match(struct player *p, const struct player_conn *c, const struct rest *rest,
                         enum arrival arrival, const struct nsq_frame *frame)
{
    size_t i = 0;
    while (i < rest->n && !(actor_is_of(rest->steps[i]->actor, c->name) &&
                            (arrival == ARRIVED ? frame_matches(p, rest->steps[i], frame)
                                                : end_matches(c, rest->steps[i])))) {
        i++;
    }
    return i;
}

/* Whether a remaining step waits for a heartbeat on this connection. */
static bool wants_heartbeat(const struct player_conn *c, const struct rest *rest)
{
    bool wants = false;
    for (size_t i = 0; i < rest->n && rest->heartbeats > 0 && !wants; i++) {
        wants =
            rest->steps[i]->kind == STEP_HEARTBEAT && actor_is_of(rest->steps[i]->actor, c->name);
    }
    return wants;
}

/* Whether a remaining step is one of this connection. If not, its frames are for later steps. */
static bool is_used(const struct player_conn *c, const struct rest *rest)
{
    size_t i = 0;
    while (i < rest->n && !actor_is_of(rest->steps[i]->actor, c->name)) {
        i++;
    }
    return i < rest->n;
}

/* Matches the frames of one connection until one does not match. Returns true if any matched. */
static bool try_conn(struct player *p, struct player_conn *c, struct rest *rest)
{
    bool progress = false;
    bool heartbeats = wants_heartbeat(c, rest);
    while (p->failed_line == 0 && is_used(c, rest)) {
        struct nsq_frame frame = {.type = NSQ_FRAME_RESPONSE};
        size_t size = 0;
        enum arrival arrival = player_peek_frame(p, c, heartbeats, &frame, &size);
        bool end = arrival == ENDED && c->in.n == 0;
        size_t i = arrival == ARRIVED || end ? find_match(p, c, rest, arrival, &frame) : rest->n;
        if (i == rest->n) {
            break;
        }
        if (arrival == ARRIVED) {
            player_accept_frame(p, c, &frame, size);
            player_in_time(p, rest->steps[i]);
            if (c->accepted) { /* nsqd sends the next command after the reply to this one */
                player_reply_ok(p, c);
            }
        }
        remove_step(rest, i);
        progress = true;
        heartbeats = heartbeats && wants_heartbeat(c, rest);
    }
    return progress;
}

static bool try_all(struct player *p, struct rest *rest)
{
    bool progress = false;
    for (size_t i = 0; i < p->conn_count && rest->n > 0; i++) {
        progress = try_conn(p, &p->conns[i], rest) || progress;
    }
    return progress;
}

/* Says how many more steps or connections there are than are shown. */
static void show_more(struct player *p, size_t n)
{
    if (n > SHOWN_MAX) {
        text_append(&p->why, "          and ");
        text_append_decimal(&p->why, (int64_t)(n - SHOWN_MAX));
        text_append(&p->why, " more\n");
    }
}

/* Of a step with JSON, names the members in which the first frame of its connection differs. */
static void show_differences(struct player *p, const struct step *step)
{
    size_t i = player_find_conn(p, step->actor);
    struct nsq_frame frame;
    size_t size;
    if (step->kind == STEP_JSON && i != PLAYER_CONNS_MAX &&
        player_peek(&p->conns[i], 0, &frame, &size) == ARRIVED) {
        json_differences(step->text, frame.data, player_arrays(p), &p->why);
    }
}

/* Explains a failure: the steps that no frame has matched, and each connection's first frame. */
static void show_rest(struct player *p, const struct rest *rest)
{
    struct nsq_frame frame;
    size_t size;
    text_append(&p->why, "no frame");
    player_show_wait(p, &p->why);
    text_append(&p->why, " for these steps:\n");
    for (size_t i = 0; i < rest->n && i < SHOWN_MAX; i++) {
        player_show_step(p, rest->steps[i], 1, &p->why);
        show_differences(p, rest->steps[i]);
    }
    show_more(p, rest->n);
    for (size_t i = 0; i < p->conn_count && i < SHOWN_MAX; i++) {
        enum arrival arrival = player_peek(&p->conns[i], 0, &frame, &size);
        text_append(&p->why, "          ");
        buf_append(&p->why, p->conns[i].name);
        buf_append(&p->why, p->conns[i].accepted ? SPAN(" > ") : SPAN(" < "));
        if (arrival == ARRIVED) {
            player_show_arrived(&p->conns[i], &frame, &p->why);
        } else {
            player_show_arrival(&p->conns[i], arrival, &p->why);
        }
        text_append(&p->why, "\n");
    }
    show_more(p, p->conn_count);
}

static void collect(const struct step *any, struct rest *rest)
{
    size_t n = 0;
    for (const struct step *s = any->inside; s != NULL; s = s->next) {
        n++;
    }
    rest->steps = alloc_zeroed((n + 1) * sizeof(const struct step *));
    for (const struct step *s = any->inside; s != NULL; s = s->next) {
        rest->steps[rest->n++] = s;
        rest->heartbeats += s->kind == STEP_HEARTBEAT;
    }
}

/* The latest deadline of all steps. */
static int64_t deadline_of(struct player *p, const struct rest *rest)
{
    int64_t now = player_now(p);
    int64_t latest = now;
    for (size_t i = 0; i < rest->n; i++) {
        int64_t deadline = player_deadline(p, rest->steps[i]);
        latest = deadline > latest ? deadline : latest;
    }
    p->step_wait = latest - now;
    return latest;
}

bool player_any(struct player *p, const struct step *step)
{
    struct rest rest = {0};
    collect(step, &rest);
    int64_t deadline = deadline_of(p, &rest);
    while (rest.n > 0 && p->failed_line == 0) {
        if (try_all(p, &rest)) {
            continue;
        }
        if (player_now(p) >= deadline) {
            player_expected(p, step->origin);
            show_rest(p, &rest);
            player_fail(p, step, VERDICT_FAIL);
        } else {
            player_wait_until(p, deadline);
        }
    }
    alloc_free(rest.steps);
    return p->failed_line == 0;
}
