/* SPDX-License-Identifier: MIT */
/* Estimates the time that is left from the weight of the cases that are done. Must not know: how
 * cases are played, and clocks. */
#include "conform/progress.h"

#include "base/text.h"
#include "base/time.h"

#define EVERY (5 * TIME_SECOND)          /* between two lines when there is no terminal */
#define ESTIMATE_AFTER (2 * TIME_SECOND) /* an earlier estimate says nothing */

void progress_line(const struct progress *p, int64_t now, struct buf *out)
{
    int64_t elapsed = now - p->begun;
    int64_t left = p->weight - p->done_weight;
    text_append_decimal(out, (int64_t)p->done);
    text_append(out, " of ");
    text_append_decimal(out, (int64_t)p->n);
    text_append(out, " cases, ");
    text_append_decimal(out, (int64_t)p->failed);
    text_append(out, " failed");
    if (elapsed >= ESTIMATE_AFTER && p->done_weight > 0 && left > 0) {
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

void progress_begin(struct progress *p, FILE *out, bool terminal, size_t n, int64_t weight,
                    int64_t now)
{
    *p = (struct progress){
        .out = out, .terminal = terminal, .n = n, .begun = now, .shown = now, .weight = weight};
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

void progress_failed(struct progress *p, struct span line)
{
    p->failed++;
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
