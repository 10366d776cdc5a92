/* SPDX-License-Identifier: MIT */
/* Over TCP a reply may still be on its way when the last step ends. So each connection that can
 * take a command sends one more, and the answer to it must be the next frame. Must not know: how
 * the steps before went. */
#include "conform/player_end.h"

#include "conform/player_exchange.h"
#include "conform/player_frames.h"
#include "conform/player_io.h"

/* Whether the client can send a command now: it is between two commands, and every codec that the
 * answer to IDENTIFY announced is enabled. */
static bool takes_commands(const struct player_conn *c)
{
    struct span why;
    return c->open && !c->half_closed && c->ended == END_NONE &&
           c->announced <= wire_count(&c->wire) && wire_state(&c->wire, &why) == CODEC_OPEN &&
           stream_at_command(&c->sent);
}

/* Whether this is an answer to an unknown command. A code that is not NSQ's counts too: a server
 * that has its own code must fail the case about unknown commands, and no other case. */
static bool answers_last_command(const struct nsq_frame *frame)
{
    struct span text;
    enum nsq_error code =
        frame->type == NSQ_FRAME_ERROR ? nsq_error_split(frame->data, &text) : NSQ_E_NONE;
    return frame->type == NSQ_FRAME_ERROR && (code == NSQ_E_INVALID || code == NSQ_E_NONE);
}

/* Waits a short time. No reply may come. */
static void wait_for_late_reply(struct player *p, struct player_conn *c, const struct step *nothing)
{
    struct nsq_frame frame;
    size_t offset;
    size_t size;
    int64_t deadline = player_now(p) + PLAYER_LATE_WAIT / 100 * p->config.time_scale;
    if (player_await_reply(p, c, deadline, &offset, &frame, &size) == ARRIVED) {
        player_show_frame(player_expected(p, nothing), &frame);
        player_fail(p, nothing, VERDICT_FAIL);
    }
}

/* Sends the last command. Its answer must be the next frame. A server that does not answer has sent
 * no other frame either, so this is not a failure. */
static void play_last_command(struct player *p, size_t i, const struct step *nothing)
{
    struct player_conn *c = &p->conns[i];
    struct nsq_frame frame;
    size_t offset;
    size_t size;
    player_note(p, c->name, SPAN(" > \"END_OF_CASE\\n\" (no such command)"));
    player_send(p, i, SPAN(PLAYER_LAST_COMMAND));
    if (player_await_reply(p, c, player_deadline(p, nothing), &offset, &frame, &size) != ARRIVED) {
        return;
    }
    if (answers_last_command(&frame)) {
        player_note_frame(p, c, &frame);
    } else {
        player_show_frame(player_expected(p, nothing), &frame);
        player_fail(p, nothing, VERDICT_FAIL);
    }
}

void player_end(struct player *p, unsigned line)
{
    for (size_t i = 0; i < p->conn_count && p->failed_line == 0; i++) {
        struct player_conn *c = &p->conns[i];
        const struct step nothing = {
            .kind = c->accepted ? STEP_SILENCE : STEP_NOTHING, .line = line, .actor = c->name};
        if (c->stopped) {
            continue; /* nobody knows what the server has sent */
        }
        if (!player_no_reply(p, c, &nothing) || !p->config.late_replies || !takes_commands(c)) {
            continue;
        }
        if (p->config.ignores_unknown) {
            wait_for_late_reply(p, c, &nothing);
        } else {
            play_last_command(p, i, &nothing);
        }
    }
}
