/* SPDX-License-Identifier: MIT */
/* Each remaining step is compared with the first frame of its connection. When one matches, the
 * frame is taken out and the remaining steps are compared again. Must not know: steps that send. */
#include "conform/player_any.h"

#include "base/text.h"
#include "conform/json_subset.h"
#include "conform/player_exchange.h"
#include "conform/player_frames.h"
#include "conform/player_io.h"

/* Compares a step with the first frame of its connection. Returns true if the frame matches; then
 * it was removed from the input. A step that does not match is tried again with the next frame. */
static bool try_any(struct player *p, const struct step *step)
{
    size_t i = player_find_conn(p, step->actor);
    struct nsq_frame frame;
    size_t size;
    if (i == PLAYER_CONNS_MAX) {
        return false;
    }
    struct player_conn *c = &p->conns[i];
    enum arrival arrival = player_peek_frame(p, c, step->kind == STEP_HEARTBEAT, &frame, &size);
    if (step->kind == STEP_SERVER_END) {
        return arrival == ENDED && c->in.n == 0 && (step->end == END_NONE || step->end == c->ended);
    }
    enum verdict before = p->verdict;
    if (arrival != ARRIVED || !player_matches(p, step, &frame)) {
        p->verdict = before;
        return false;
    }
    player_accept_frame(p, c, &frame, size);
    return player_in_time(p, step);
}

/* Tries all steps that are not done. Returns true if at least one matched. */
static bool try_all(struct player *p, const struct step *first, bool done[PLAYER_ANY_MAX],
                    size_t *left)
{
    bool progress = false;
    size_t i = 0;
    for (const struct step *s = first; s != NULL && i < PLAYER_ANY_MAX; s = s->next, i++) {
        if (!done[i] && try_any(p, s)) {
            done[i] = progress = true;
            (*left)--;
        }
    }
    return progress;
}

/* Of a step with JSON, names the members in which the first frame of its connection differs. */
static void show_differences(struct player *p, const struct step *step)
{
    size_t i = player_find_conn(p, step->actor);
    struct nsq_frame frame;
    size_t size;
    if (step->kind == STEP_JSON && i != PLAYER_CONNS_MAX &&
        player_peek(&p->conns[i], 0, &frame, &size) == ARRIVED) {
        json_differences(step->text, frame.data, &p->why);
    }
}

/* Explains a failure: the steps that no frame has matched, and each connection's first frame. */
static void show_rest(struct player *p, const struct step *first, const bool done[PLAYER_ANY_MAX])
{
    size_t i = 0;
    struct nsq_frame frame;
    size_t size;
    text_append(&p->why, "no frame for these steps:\n");
    for (const struct step *s = first; s != NULL && i < PLAYER_ANY_MAX; s = s->next, i++) {
        if (!done[i]) {
            transcript_step_print(s, 1, &p->why);
            show_differences(p, s);
        }
    }
    for (i = 0; i < p->conn_count; i++) {
        enum arrival arrival = player_peek(&p->conns[i], 0, &frame, &size);
        text_append(&p->why, "          ");
        buf_append(&p->why, p->conns[i].name);
        text_append(&p->why, " < ");
        if (arrival == ARRIVED) {
            player_show_frame(&p->why, &frame);
        } else {
            player_show_arrival(&p->conns[i], arrival, &p->why);
        }
        text_append(&p->why, "\n");
    }
}

bool player_any(struct player *p, const struct step *step)
{
    bool done[PLAYER_ANY_MAX] = {false};
    size_t left = 0;
    size_t i = 0;
    for (const struct step *s = step->inside; s != NULL && i < PLAYER_ANY_MAX; s = s->next, i++) {
        done[i] = s->kind == STEP_COMMENT;
        left += !done[i];
    }
    int64_t deadline = player_deadline(p, step);
    while (left > 0 && p->failed_line == 0) {
        if (try_all(p, step->inside, done, &left)) {
            continue;
        }
        if (player_now(p) >= deadline) {
            player_expected(p, step);
            show_rest(p, step->inside, done);
            return player_fail(p, step, VERDICT_FAIL);
        }
        player_wait_until(p, deadline);
    }
    return p->failed_line == 0;
}
