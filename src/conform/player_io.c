/* SPDX-License-Identifier: MIT */
/* All input and output of the player goes through struct transport. Must not know: frames. */
#include "conform/player_io.h"

#include "base/text.h"
#include "base/time.h"
#include "conform/player_exchange.h"

size_t player_find_conn(const struct player *p, struct span name)
{
    for (size_t i = 0; i < p->conn_count; i++) {
        if (span_equal(p->conns[i].name, name)) {
            return i;
        }
    }
    return PLAYER_CONNS_MAX;
}

int64_t player_now(struct player *p)
{
    return p->config.transport.now(p->config.transport.self);
}

static int64_t scaled(const struct player *p, int64_t ns)
{
    return ns / 100 * p->config.time_scale;
}

int64_t player_deadline(struct player *p, const struct step *step)
{
    int64_t wait = step->within != 0 ? scaled(p, step->within)
                                     : scaled(p, p->config.reply_timeout) + step->after;
    int64_t now = player_now(p);
    int64_t deadline = time_earlier(now + wait, p->end_by);
    p->step_wait = deadline > now ? deadline - now : 0;
    return deadline;
}

bool player_in_time(struct player *p, const struct step *step)
{
    if (step->after == 0 || player_now(p) - p->last_step_end >= step->after - p->config.slack) {
        return true;
    }
    text_append(player_expected(p, step), "the same, but too early: after ");
    text_append_decimal(&p->why, (player_now(p) - p->last_step_end) / TIME_MS);
    text_append(&p->why, "ms");
    return player_fail(p, step, VERDICT_FAIL);
}

/* Sending may make a connection's codecs answer again, so each is asked until it is silent. */
void player_send_answers(struct player *p)
{
    for (size_t i = 0; i < p->conn_count; i++) {
        while (p->conns[i].wire.answer.n > 0) {
            struct buf answer = p->conns[i].wire.answer;
            p->conns[i].wire.answer = (struct buf){0};
            p->config.transport.send(p->config.transport.self, i, buf_span(&answer));
            buf_free(&answer);
        }
    }
}

void player_wait_until(struct player *p, int64_t deadline)
{
    p->config.transport.wait(p->config.transport.self, deadline);
    player_send_answers(p);
}

void player_send_raw(struct player *p, size_t i, struct span bytes)
{
    p->config.transport.send(p->config.transport.self, i, bytes);
    player_send_answers(p);
}

void player_send(struct player *p, size_t i, struct span bytes)
{
    struct buf out = {0};
    if (p->config.late_replies && !p->conns[i].http) {
        stream_add(&p->conns[i].sent, bytes);
    }
    wire_encode(&p->conns[i].wire, bytes, &out);
    player_send_raw(p, i, buf_span(&out));
    buf_free(&out);
}

void player_finish_output(struct player *p, size_t i)
{
    struct buf out = {0};
    wire_finish(&p->conns[i].wire, &out);
    if (out.n > 0) {
        player_send_raw(p, i, buf_span(&out));
    }
    buf_free(&out);
}
