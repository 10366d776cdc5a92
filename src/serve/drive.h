/* SPDX-License-Identifier: MIT */
/*
 * Owns: the round. A round is the order in which a driver calls a tcp_handler. The drivers are the
 * shell, the unit tests' simulated world, the conformance runner, the fuzz targets and the
 * benchmarks. All of them use this file. Must not know: how bytes move, or what any handler does.
 *
 * One round happens at one point in time, `now`. INPUT, CHANGED, ASK and OVER are the turns of a
 * round (enum drive_turn):
 *
 *     1  INPUT     The driver tells the handler what has happened. It calls open, connected, recv,
 *                  eof and closed. If a connection wants READ and has not yet consumed all input
 *                  that was offered earlier, the driver offers the rest again.
 *     2            drive_next calls step(now, judged) (serve/handler.h). So deadlines are handled
 *                  after the input that has arrived before them.
 *     3  CHANGED   For each connection that has changed, the driver sends its output (out, sent)
 *                  and does what the connection wants (want).
 *     4  ASK       The driver does one request of the handler (struct ask). When all requests are
 *                  done and at least one of them was not ASK_LOG, connections may have changed.
 *                  Then the turn CHANGED follows again.
 *     5  OVER      The round is over. If work is left and fewer than `rounds_max` rounds were
 *                  done, drive_next does not return OVER: it begins the next round with the same
 *                  `now`, and returns INPUT. Work is left when the driver has set
 *                  `more_input`, or when next_deadline() is not after `now`.
 *
 *     6            The driver waits for input, at most until next_deadline().
 *
 * A driver may end the turns CHANGED and ASK early (`enough`), when they have taken long. The other
 * changed connections and requests are handled in the next round.
 *
 * A driver is a loop:
 *
 *     struct drive drive = {.rounds_max = 1};
 *     while (drive_next(&drive, &handler, now) != DRIVE_OVER) {
 *         switch (drive.turn) { ... }
 *     }
 */
#ifndef SERVE_DRIVE_H
#define SERVE_DRIVE_H

#include "serve/handler.h"

enum drive_turn { DRIVE_OVER = 0, DRIVE_INPUT, DRIVE_CHANGED, DRIVE_ASK };

/* At the start, all fields are zero except rounds_max. */
struct drive {
    enum drive_turn turn; /* what the driver has to do now */
    uint64_t conn;        /* CHANGED: the connection */
    struct ask ask;       /* ASK: what the driver must do; valid until the next drive_next */
    bool more_input;      /* the driver may set it at any time: there is input for another round */
    bool enough;          /* the driver may set it in CHANGED and in ASK: end this turn now */
    bool left_over;       /* a turn of the last round was ended early, so work may be left */
    bool look_again;      /* a request was not ASK_LOG, so connections may have changed */
    bool look_no_more;    /* the turn CHANGED was ended early in this round */
    int64_t behind;       /* ns; the `judged` of step is `now` minus this (serve/handler.h) */
    unsigned rounds;      /* number of rounds that have begun */
    unsigned rounds_max;  /* the largest number of rounds; needed because a handler may always have
                           * more work */
};

/* Moves to the next turn and returns it. Returns DRIVE_OVER when nothing is left to do at `now`, or
 * when rounds_max rounds are done. */
enum drive_turn drive_next(struct drive *drive, const struct tcp_handler *handler, int64_t now);

/* Returns true when drive_next has stopped because of rounds_max and work is left. Must be called
 * only after drive_next has returned DRIVE_OVER. */
bool drive_has_work_left(const struct drive *drive, const struct tcp_handler *handler, int64_t now);

#endif
