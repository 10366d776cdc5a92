/* SPDX-License-Identifier: MIT */
/*
 * Says after which byte a reply is due, by this target's own use of the parser, and checks the
 * replies after each byte.
 */
#include "client_parts.h"

static enum due due_for(const struct nsq_item *item)
{
    if (!item->last) {
        return DUE_ERROR;
    }
    switch (item->stage == NSQ_STAGE_LINE ? item->command.id : NSQ_PUB) {
    case NSQ_RDY:
    case NSQ_FIN:
    case NSQ_REQ:
    case NSQ_TOUCH:
    case NSQ_NOP:
        return DUE_ERROR;
    default:
        return DUE_REPLY;
    }
}

enum due client_next_due(struct reader *reader, struct span input, size_t given)
{
    struct nsq_item item;
    if (reader->bad) {
        return DUE_NOTHING;
    }
    if (reader->magic > 0) {
        reader->magic--;
        reader->parsed = given;
        bool wrong = reader->magic == 0 && memcmp(input.p, "  V2", MAGIC_SIZE) != 0;
        reader->bad = wrong;
        return wrong ? DUE_REPLY : DUE_NOTHING;
    }
    struct span in = span_make(input.p + reader->parsed, given - reader->parsed);
    switch (nsq_command_parse(&reader->place, &reader->limits, in, &item)) {
    case NSQ_OK:
        reader->parsed += item.consumed;
        FUZZ_CHECK(reader->parsed == given);
        return due_for(&item);
    case NSQ_BAD:
        reader->bad = true;
        return item.bad == NSQ_BAD_LINE_TOO_LONG ? DUE_SILENCE : DUE_REPLY;
    default:
        return DUE_NOTHING;
    }
}

static void check_due(struct run *run, enum due due, unsigned replies)
{
    switch (due) {
    case DUE_NOTHING:
    case DUE_SILENCE:
        FUZZ_CHECK(replies == 0);
        run->ended = run->ended || due == DUE_SILENCE;
        break;
    case DUE_ERROR:
        FUZZ_CHECK(replies == 0 || (replies == 1 && run->last_reply == NSQ_FRAME_ERROR));
        break;
    case DUE_REPLY:
        FUZZ_CHECK(replies == 1);
        break;
    }
}

const struct session *client_session(const struct run *run)
{
    const struct conn *conn =
        run->conn == 0 ? NULL : run->engine->serve.slots[(uint32_t)run->conn].conn;
    bool talks = conn != NULL && conn->state == CONN_OPEN && conn->protocol == &v2_protocol;
    return talks ? conn->session : NULL;
}

/* The state for fuzz_met: three states of a session, each with and without messages in flight. */
static unsigned state_of(const struct session *s)
{
    unsigned state = s->state == SESSION_INIT ? 0 : s->state == SESSION_SUBSCRIBED ? 1 : 2;
    return s->consumer.in_flight_count > 0 ? state + 3 : state;
}

struct before client_look_before(const struct run *run, const struct reader *reader)
{
    const struct session *s = client_session(run);
    return (struct before){.state = s == NULL ? 6 : state_of(s),
                           .replies = run->replies,
                           .ended = reader->magic == 0 && (s == NULL || s->ended)};
}

void client_look_after(struct run *run, const struct reader *reader, const struct before *before,
                       enum due due)
{
    unsigned replies = run->replies - before->replies;
    if (before->ended) {
        FUZZ_CHECK(replies == 0);
        return;
    }
    check_due(run, due, replies);
    if (due != DUE_NOTHING) {
        unsigned outcome = replies == 0                            ? 0
                           : run->last_reply == NSQ_FRAME_RESPONSE ? 1
                           : !run->ended                           ? 2
                                                                   : 3;
        fuzz_met(before->state, reader->place.id, outcome);
    }
}
