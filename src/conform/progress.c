/* SPDX-License-Identifier: MIT */
/* Estimates the time that is left from the weight of the cases that are done. Must not know: how
 * cases are played, and clocks. */
#include "conform/progress.h"

#include "base/text.h"
#include "base/time.h"

#define EVERY (5 * TIME_SECOND)          /* between two lines when there is no terminal */
#define ESTIMATE_AFTER (2 * TIME_SECOND) /* an earlier estimate says nothing */

static void add_last_cases(size_t n, struct buf *out)
{
    if (n == 1) {
        text_append(out, ", the last case is still being played");
        return;
    }
    text_append(out, ", the last ");
    text_append_decimal(out, (int64_t)n);
    text_append(out, " cases are still being played");
}

void progress_line(const struct progress *p, int64_t now, struct buf *out)
{
    int64_t elapsed = now - p->begun;
    int64_t left = p->weight - p->done_weight;
    text_append_decimal(out, (int64_t)p->done);
    text_append(out, " of ");
    text_append_decimal(out, (int64_t)p->n);
    buf_append(out, p->n == 1 ? SPAN(" case, ") : SPAN(" cases, "));
    text_append_decimal(out, (int64_t)p->failed);
    text_append(out, " failed");
    if (p->failed > 0) {
        text_append(out, " (last: ");
        buf_append(out, p->last_failed);
        text_append(out, ")");
    }
    if (p->done > 0 && p->done < p->n && p->n - p->done <= p->parallel) {
        add_last_cases(p->n - p->done, out);
    } else if (elapsed >= ESTIMATE_AFTER && p->done_weight > 0 && left > 0) {
        double seconds = (double)elapsed / (double)TIME_SECOND;
        text_append(out, ", about ");
        text_append_decimal(out, (int64_t)(seconds * (double)left / (double)p->done_weight) + 1);
        text_append(out, " s left");
    }
}

static void show(struct progress *p, int64_t now)
{
    struct buf line = {0};
    progress_line(p, now, &line);
    fprintf(p->out, p->terminal ? "\r\033[K%.*s " : "nsq-conform: %.*s\n", (int)line.n,
            (const char *)buf_span(&line).p);
    fflush(p->out);
    buf_free(&line);
    p->shown = now;
}

void progress_begin(struct progress *p, FILE *out, bool terminal, size_t n, size_t parallel,
                    int64_t weight, int64_t now)
{
    *p = (struct progress){.out = out,
                           .terminal = terminal,
                           .n = n,
                           .parallel = parallel,
                           .begun = now,
                           .shown = now,
                           .weight = weight};
    if (terminal) {
        show(p, now);
    }
}

void progress_done(struct progress *p, int64_t weight, int64_t now)
{
    p->done++;
    p->done_weight += weight;
    if (p->terminal) {
        show(p, now);
    } else {
        progress_tick(p, now);
    }
}

void progress_failed(struct progress *p, struct span id, struct span line)
{
    p->failed++;
    p->last_failed = id;
    if (p->terminal) {
        fprintf(p->out, "\r\033[K%.*s", (int)line.n, (const char *)line.p);
    }
}

void progress_tick(struct progress *p, int64_t now)
{
    if (now - p->shown >= (p->terminal ? TIME_SECOND : EVERY)) {
        show(p, now);
    }
}

void progress_end(struct progress *p)
{
    if (p->terminal) {
        fputs("\r\033[K", p->out);
        fflush(p->out);
    }
}
