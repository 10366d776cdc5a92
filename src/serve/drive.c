/* SPDX-License-Identifier: MIT */
/* The round that drive.h describes. This file decides the order of the calls and nothing else. */
#include "serve/drive.h"

/* Turn 1 of the round. */
static enum drive_turn begin_round(struct drive *d)
{
    d->rounds++;
    d->more_input = false;
    d->enough = d->left_over = d->look_again = d->look_no_more = false;
    return d->turn = DRIVE_INPUT;
}

bool drive_has_work_left(const struct drive *d, const struct tcp_handler *h, int64_t now)
{
    return d->more_input || d->left_over || h->next_deadline(h->self) <= now;
}

/* Turn 5 of the round. */
static enum drive_turn end_round(struct drive *d, const struct tcp_handler *h, int64_t now)
{
    if (d->rounds < d->rounds_max && drive_has_work_left(d, h, now)) {
        return begin_round(d);
    }
    return d->turn = DRIVE_OVER;
}

/* Returns true when the driver has ended the turn ASK early. When it has ended the turn CHANGED
 * early, the round goes on without changed connections. */
static bool end_turn_early(struct drive *d)
{
    bool enough = d->enough && d->turn != DRIVE_INPUT;
    d->enough = false;
    d->left_over = d->left_over || enough;
    d->look_no_more = d->look_no_more || (enough && d->turn == DRIVE_CHANGED);
    return enough && d->turn == DRIVE_ASK;
}

enum drive_turn drive_next(struct drive *d, const struct tcp_handler *h, int64_t now)
{
    if (d->turn == DRIVE_OVER) {
        return begin_round(d);
    }
    if (end_turn_early(d)) {
        return end_round(d, h, now);
    }
    if (d->turn == DRIVE_INPUT) {
        h->step(h->self, now, now - d->behind);
    }
    bool look_at_changes = d->turn != DRIVE_ASK;
    for (;;) {
        look_at_changes = look_at_changes && !d->look_no_more;
        if (look_at_changes && (d->conn = h->next_changed(h->self)) != 0) {
            return d->turn = DRIVE_CHANGED;
        }
        d->ask = h->next_ask(h->self);
        if (d->ask.kind != ASK_NONE) {
            d->look_again = d->look_again || d->ask.kind != ASK_LOG;
            return d->turn = DRIVE_ASK;
        }
        if (!d->look_again) {
            return end_round(d, h, now);
        }
        d->look_again = false;
        look_at_changes = true;
    }
}
