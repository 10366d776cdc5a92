/* SPDX-License-Identifier: MIT */
/*
 * Runs a fixed session with an engine in this process, on a time that stands still, so that every
 * run executes the same instructions. Each phase is a function of its own; `make bench-count`
 * counts its instructions with callgrind. Run by hand, it prints how long each phase takes.
 *
 *     count [MESSAGES]     messages in each phase (default: 20000)
 */
#include <nsq/span.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "engine/engine.h"
#include "serve/drive.h"

#define BATCH 200
#define SPANS_AT_ONCE 16
#define READ_SIZE 65536 /* bytes that the shell reads at once */
#define BODY 200
#define NOW 1000000000
#define MESSAGE_ID_AT 18 /* in a message frame: size, type, timestamp, attempts */

struct world {
    struct engine *engine;
    struct tcp_handler h;
    uint64_t publisher;
    uint64_t consumer;
    struct buf command; /* PUB */
    struct buf batch;   /* MPUB */
    struct buf fins;
    size_t received;
};

static void take_frames(struct world *w, struct span out)
{
    while (out.n > 0) {
        size_t size = 4 + (size_t)be32_load(out.p);
        if (be32_load(out.p + 4) == 2) {
            buf_append(&w->fins, SPAN("FIN "));
            buf_append(&w->fins, span_make(out.p + MESSAGE_ID_AT, 16));
            buf_append(&w->fins, SPAN("\n"));
            w->received++;
        }
        out = span_skip(out, size);
    }
}

/* Takes a connection's output, whose frames are each in one piece, and turns each message into a
 * FIN. */
static void take_output(struct world *w, uint64_t conn)
{
    struct span spans[SPANS_AT_ONCE];
    size_t count;
    while ((count = w->h.out(w->h.self, conn, spans, SPANS_AT_ONCE, NOW)) > 0) {
        size_t n = span_total(spans, count);
        for (size_t i = 0; i < count; i++) {
            take_frames(w, spans[i]);
        }
        w->h.sent(w->h.self, conn, n, NOW);
    }
}

/* What tcp_server does for one connection's input. */
static void input(struct world *w, uint64_t conn, struct span in)
{
    struct drive drive = {.rounds_max = UINT_MAX};
    while (drive_next(&drive, &w->h, NOW) != DRIVE_OVER) {
        switch (drive.turn) {
        case DRIVE_INPUT:
            if (in.n > 0) {
                in = span_skip(in, w->h.recv(w->h.self, conn, span_first(in, READ_SIZE), NOW));
            }
            drive.more_input = in.n > 0;
            break;
        case DRIVE_CHANGED:
            take_output(w, drive.conn);
            w->h.want(w->h.self, drive.conn);
            break;
        default:
            break;
        }
    }
}

/* --- the phases ------------------------------------------------------------------------------- */

__attribute__((noinline)) void phase_pub(struct world *w, size_t count);
__attribute__((noinline)) void phase_mpub(struct world *w, size_t count);
__attribute__((noinline)) void phase_consume(struct world *w, size_t count);

void phase_pub(struct world *w, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        input(w, w->publisher, buf_span(&w->command));
    }
}

void phase_mpub(struct world *w, size_t count)
{
    for (size_t i = 0; i < count; i += BATCH) {
        input(w, w->publisher, buf_span(&w->batch));
    }
}

/* From the first delivery to the last FIN. */
void phase_consume(struct world *w, size_t count)
{
    input(w, w->consumer, SPAN("RDY 2500\n"));
    while (w->received < count || w->fins.n > 0) {
        struct buf fins = w->fins;
        w->fins = (struct buf){0};
        input(w, w->consumer, buf_span(&fins));
        buf_free(&fins);
    }
}

/* --- around them ------------------------------------------------------------------------------ */

static void number(struct buf *b, uint32_t v)
{
    uint8_t bytes[4];
    be32_store(bytes, v);
    buf_append(b, span_make(bytes, sizeof bytes));
}

static void make_commands(struct world *w)
{
    static const uint8_t body[BODY];
    buf_append(&w->command, SPAN("PUB bench\n"));
    number(&w->command, BODY);
    buf_append(&w->command, span_make(body, BODY));
    buf_append(&w->batch, SPAN("MPUB bench\n"));
    number(&w->batch, 4 + BATCH * (4 + BODY));
    number(&w->batch, BATCH);
    for (int i = 0; i < BATCH; i++) {
        number(&w->batch, BODY);
        buf_append(&w->batch, span_make(body, BODY));
    }
}

static int64_t now_ns(void)
{
    struct timespec t = {0};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void run(struct world *w, const char *name, void (*phase)(struct world *, size_t),
                size_t count)
{
    int64_t start = now_ns();
    phase(w, count);
    printf("%s %.1f\n", name, (double)(now_ns() - start) / (double)count);
}

int main(int argc, char **argv)
{
    size_t count = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : 20000;
    struct engine_config config = engine_defaults();
    config.log_level = LOG_ERROR;
    struct world w = {.engine = engine_new(&config)};
    count = (count + BATCH - 1) / BATCH * BATCH;
    w.h = engine_handler(w.engine);
    w.h.wall(w.h.self, 1600000000 * (int64_t)NOW);
    make_commands(&w);
    w.publisher = w.h.open(w.h.self, 0, SPAN("publisher"), NOW);
    w.consumer = w.h.open(w.h.self, 0, SPAN("consumer"), NOW);
    input(&w, w.publisher, SPAN("  V2"));
    input(&w, w.consumer, SPAN("  V2SUB bench channel\n"));
    run(&w, "pub", phase_pub, count);
    run(&w, "mpub", phase_mpub, count);
    run(&w, "consume", phase_consume, 2 * count);
    engine_free(w.engine);
    buf_free(&w.command);
    buf_free(&w.batch);
    buf_free(&w.fins);
    return 0;
}
