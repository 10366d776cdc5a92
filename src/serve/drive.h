/* SPDX-License-Identifier: MIT */
/*
 * Owns: the round, that is the order in which a driver calls a tcp_handler. The shell, the tests'
 * world, the conformance runner, the fuzz targets and the benchmarks are drivers, and all of them
 * use this. Must not know: how bytes move, or what any handler does.
 *
 * One round at one point in time, `now`:
 *
 *     1  INPUT     The driver hands over all that has arrived: open, connected, recv, eof, closed.
 *                  It also offers again what a connection did not consume before, when that
 *                  connection wants READ.
 *     2            step(now). Deadlines come behind the input that was there in time.
 *     3  CHANGED   For each connection that has changed, the driver sends its output (out, sent)
 *                  and does what it wants (want).
 *     4  ASK       The driver does one thing that the handler asks for. If it was more than a log
 *                  line, connections may have changed: 3 follows once all asks are done.
 *     5  OVER      The round ends. Another one follows at the same `now`, up to `rounds_max`, when
 *                  the driver has set `more_input`, or next_deadline() is not after `now`.
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

/* All zeros but rounds_max is a drive that has not begun. */
struct drive {
    enum drive_turn turn; /* what the driver has to do now */
    uint64_t conn;        /* CHANGED: the connection */
    struct ask ask;       /* ASK: what is asked; what it points to is borrowed until drive_next */
    bool more_input;      /* set by the driver at any time: there is input for a next round */
    bool look_again;      /* an ask of this pass was more than a log line */
    unsigned rounds;      /* begun so far */
    unsigned rounds_max;  /* bounds a handler that never comes to rest */
};

/* Goes on to the next turn and returns it. DRIVE_OVER: there is nothing left to do at `now`, or
 * rounds_max rounds are done. */
enum drive_turn drive_next(struct drive *drive, const struct tcp_handler *handler, int64_t now);

/* Whether the drive ended because of rounds_max, with work left. Asked behind DRIVE_OVER. */
bool drive_has_work_left(const struct drive *drive, const struct tcp_handler *handler, int64_t now);

#endif
