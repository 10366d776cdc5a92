/* SPDX-License-Identifier: MIT */
/*
 * What each client of the mixed load sends, and what it concludes from the answers.
 *
 * A server does not answer a FIN that succeeds. So a consumer sends a marker, which is a TOUCH of a
 * message that cannot exist. When its error arrives, all commands before it are handled, and their
 * errors have arrived.
 */
#include "soak/mixed_clients.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/time.h"
#include "shell/clock.h"

#define TOPIC "mixed"
#define ROUND 200                 /* ms: a server may read its clock only once a round */
#define CUT_MOST 1000000          /* bytes of a body that is never sent completely */
#define MARKER "marker-of-a-soak" /* as long as an id, but not an id */

struct mixed mix;

/* xorshift64* */
uint32_t mixed_below(uint32_t n)
{
    uint64_t x = mix.random;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    mix.random = x;
    return (uint32_t)((x * 0x2545f4914f6cdd1dU) >> 32) % n;
}

uint32_t mixed_now(void)
{
    return (uint32_t)((clock_now() - mix.start + TIME_SECOND) / TIME_MS);
}

bool mixed_failed(void)
{
    return mix.tally.why[0] != '\0';
}

/* --- publishers ------------------------------------------------------------------------------- */

static void say_size(struct mixed_client *c, size_t n)
{
    uint8_t four[4];
    be32_store(four, (uint32_t)n);
    buf_append(&c->peer.out, span_make(four, sizeof four));
}

/* Appends the body of a new message, after its size. */
static uint32_t say_message(struct mixed_client *c, uint32_t due)
{
    struct buf body = {0};
    size_t n;
    uint32_t number = tally_add(&mix.tally, due);
    tally_body(&mix.tally, number, &body, &n);
    say_size(c, n);
    buf_append(&c->peer.out, buf_span(&body));
    buf_free(&body);
    return number;
}

static void say_batch(struct mixed_client *c, uint32_t count)
{
    struct buf whole = c->peer.out;
    c->peer.out = (struct buf){0};
    for (uint32_t i = 0; i < count; i++) {
        say_message(c, mixed_now() - ROUND);
    }
    struct buf messages = c->peer.out;
    c->peer.out = whole;
    peer_say(&c->peer, "MPUB " TOPIC "\n");
    say_size(c, 4 + messages.n);
    say_size(c, count);
    buf_append(&c->peer.out, buf_span(&messages));
    buf_free(&messages);
}

void mixed_publish(struct mixed_client *c)
{
    char line[48];
    uint32_t first = mix.tally.count;
    uint32_t delay = 1 + mixed_below(DELAY);
    switch (mixed_below(4)) {
    case 0:
        peer_say(&c->peer, "PUB " TOPIC "\n");
        say_message(c, mixed_now() - ROUND);
        break;
    case 1:
        snprintf(line, sizeof line, "DPUB " TOPIC " %u\n", delay);
        peer_say(&c->peer, line);
        say_message(c, mixed_now() + delay - ROUND);
        break;
    default:
        say_batch(c, 1 + mixed_below(BATCH));
    }
    c->commands[c->command_count++] = (struct command){first, mix.tally.count - first};
    peer_transmit(&c->peer);
}

static void on_answer(struct mixed_client *c)
{
    if (c->command_count == 0) {
        tally_fail(&mix.tally, "a publisher got a response without a command");
        return;
    }
    tally_set_fate(&mix.tally, c->commands[0].first, c->commands[0].count, TALLY_OK);
    memmove(c->commands, c->commands + 1, --c->command_count * sizeof *c->commands);
}

/* Sends a PUB whose body is cut off. */
static void say_half(struct mixed_client *c)
{
    static const uint8_t nothing[CUT_MOST];
    uint32_t number = tally_add(&mix.tally, 0);
    uint32_t size =
        TALLY_BODY_MAX + mixed_below(mixed_below(2) == 0 ? 100 : CUT_MOST - TALLY_BODY_MAX);
    size_t n;
    tally_set_fate(&mix.tally, number, 1, TALLY_CUT);
    peer_say(&c->peer, "PUB " TOPIC "\n");
    say_size(c, size);
    tally_body(&mix.tally, number, &c->peer.out, &n);
    buf_append(&c->peer.out, span_make(nothing, mixed_below(size - (uint32_t)n)));
}

/* --- consumers -------------------------------------------------------------------------------- */

static void act(struct mixed_client *c, char verb, const char *id, struct tally_delivery d)
{
    char line[64];
    uint32_t delay = mixed_below(DELAY + 1);
    const char *name = verb == 'F' ? "FIN" : verb == 'R' ? "REQ" : "TOUCH";
    int n = snprintf(line, sizeof line, "%s %.*s", name, ID_SIZE, id);
    if (verb == 'R') {
        snprintf(line + n, sizeof line - (size_t)n, " %u", delay);
        tally_requeue(&mix.tally, c->channel, &d, mixed_now() + delay - ROUND);
    }
    peer_say(&c->peer, line);
    peer_say(&c->peer, "\n");
    struct action *a = &c->actions[c->action_count++];
    *a = (struct action){.delivery = d, .verb = verb};
    memcpy(a->id, id, ID_SIZE);
}

static void hold(struct mixed_client *c, const char *id, struct tally_delivery d, bool touch,
                 uint32_t ms)
{
    struct held *h = &c->held[c->held_count++];
    *h = (struct held){.delivery = d, .touch = touch, .due = mixed_now() + ms};
    memcpy(h->id, id, ID_SIZE);
}

/* A message was delivered again to a connection that had not answered it. A command that is on its
 * way may be handled for this delivery or for the one before. */
static void on_again(struct mixed_client *c, const char *id, struct tally_delivery *d)
{
    for (unsigned i = 0; i < c->held_count;) {
        if (memcmp(c->held[i].id, id, ID_SIZE) == 0) {
            c->held[i] = c->held[--c->held_count];
        } else {
            i++;
        }
    }
    for (unsigned i = 0; i < c->action_count; i++) {
        if (memcmp(c->actions[i].id, id, ID_SIZE) == 0) {
            tally_excuse(&mix.tally, c->channel, d);
        }
    }
}

static void on_message(struct mixed_client *c, struct span data)
{
    struct nsq_message m;
    if (nsq_message_parse(data, &m) != NSQ_OK) {
        tally_fail(&mix.tally, "a message has no header");
        return;
    }
    struct tally_delivery d = {.owner = c->serial, .attempts = m.attempts};
    if (!tally_deliver(&mix.tally, c->channel, m.body, mixed_now(), &d)) {
        return;
    }
    mix.heard = mixed_now();
    const char *id = (const char *)m.id;
    uint32_t of_100 = mix.draining ? 0 : mixed_below(100);
    if (d.attempts > 1) {
        on_again(c, id, &d);
    }
    if (d.late || c->action_count == ACTIONS || c->held_count == HELD) {
        return; /* never answered, so it times out */
    }
    if (of_100 < 84) {
        act(c, 'F', id, d);
    } else if (of_100 < 89) {
        act(c, 'R', id, d);
    } else if (of_100 < 93) {
        hold(c, id, d, true, MSG_TIMEOUT / 2 + mixed_below(MSG_TIMEOUT / 5));
    } else if (of_100 < 98) {
        hold(c, id, d, false, mixed_below(MSG_TIMEOUT * 13 / 10)); /* some answers come too late */
    }
}

/* Answers the held messages that are due. Then sends a marker, if none is on the way, to learn what
 * is handled. */
static void act_on_held(struct mixed_client *c)
{
    uint32_t now = mixed_now();
    for (unsigned i = 0; i < c->held_count && c->action_count < ACTIONS;) {
        struct held *h = &c->held[i];
        if (h->due > now) {
            i++;
        } else if (h->touch) {
            act(c, 'T', h->id, h->delivery);
            h->delivery.not_before = now - ROUND; /* TOUCH restarts the timeout */
            h->touch = false;
            h->due = now + MSG_TIMEOUT * 7 / 10;
        } else {
            act(c, 'F', h->id, h->delivery);
            *h = c->held[--c->held_count];
        }
    }
}

static void ask(struct mixed_client *c, const char *text)
{
    c->asked = true;
    c->covered = c->action_count;
    peer_say(&c->peer, text);
}

/* The marker's error has arrived: all commands before it are handled. */
static void on_marker(struct mixed_client *c)
{
    for (unsigned i = 0; i < c->covered; i++) {
        const struct action *a = &c->actions[i];
        if (a->verb == 'F' && !a->failed) {
            tally_finish(&mix.tally, c->channel, &a->delivery);
        }
    }
    c->action_count -= c->covered;
    memmove(c->actions, c->actions + c->covered, c->action_count * sizeof *c->actions);
    c->asked = false;
}

/* The server may have taken the message back meanwhile, so later commands for it may fail too. */
static void excuse(struct mixed_client *c, const char *id)
{
    for (unsigned i = 0; i < c->action_count; i++) {
        if (memcmp(c->actions[i].id, id, ID_SIZE) == 0) {
            c->actions[i].delivery.not_before = 0;
        }
    }
    for (unsigned i = 0; i < c->held_count; i++) {
        if (memcmp(c->held[i].id, id, ID_SIZE) == 0) {
            c->held[i].delivery.not_before = 0;
        }
    }
}

/* FIN, REQ or TOUCH failed. This is correct only if the command came after the timeout. */
static void on_refusal(struct mixed_client *c, char verb, const char *id)
{
    uint32_t now = mixed_now();
    mix.refused++;
    for (unsigned i = 0; i < (c->asked ? c->covered : c->action_count); i++) {
        struct action *a = &c->actions[i];
        if (a->verb == verb && !a->failed && memcmp(a->id, id, ID_SIZE) == 0) {
            a->failed = true;
            if (now < a->delivery.not_before + MSG_TIMEOUT) {
                tally_fail(&mix.tally, "%c of message %u failed, %u ms after it came or later",
                           verb, a->delivery.number, now - a->delivery.not_before);
            }
            excuse(c, id);
            return;
        }
    }
    tally_fail(&mix.tally, "%c of %.*s failed, but was not sent", verb, ID_SIZE, id);
}

/* "E_FIN_FAILED FIN 0123456789abcdef failed ..." */
static void on_error(struct mixed_client *c, struct span text)
{
    static const char *const heads[] = {"E_FIN_FAILED FIN ", "E_REQ_FAILED REQ ",
                                        "E_TOUCH_FAILED TOUCH "};
    for (size_t i = 0; i < sizeof heads / sizeof heads[0] && c->role == CONSUMER; i++) {
        size_t n = strlen(heads[i]);
        if (text.n >= n + ID_SIZE && memcmp(text.p, heads[i], n) == 0) {
            const char *id = (const char *)text.p + n;
            if (memcmp(id, MARKER, ID_SIZE) != 0) {
                on_refusal(c, heads[i][2], id);
            } else if (c->asked && c->stage == JOINED) {
                on_marker(c);
            }
            return;
        }
    }
    tally_fail(&mix.tally, "the server sent %.*s", (int)(text.n < 100 ? text.n : 100),
               (const char *)text.p);
}

/* --- connections ------------------------------------------------------------------------------ */

static bool says(const struct nsq_frame *frame, const char *text)
{
    return frame->data.n == strlen(text) && memcmp(frame->data.p, text, frame->data.n) == 0;
}

/* What a client says once its connection can be used. */
static void join(struct mixed_client *c)
{
    char line[64];
    c->stage = c->role == PUBLISHER ? JOINED : JOINING;
    if (c->role == CONSUMER) {
        snprintf(line, sizeof line, "SUB " TOPIC " c%u\nRDY %u\n", c->channel, c->ready);
        peer_say(&c->peer, line);
    }
}

static void on_response(struct mixed_client *c, const struct nsq_frame *frame)
{
    if (nsq_frame_is_heartbeat(frame)) {
        peer_say(&c->peer, "NOP\n");
    } else if (c->stage == GREETING && frame->data.n > 0 && frame->data.p[0] == '{') {
        peer_enable_codec(&c->peer, tls_connect(mix.tls, NULL));
        c->stage = SECURING;
    } else if (c->stage == SECURING && says(frame, "OK")) {
        join(c);
    } else if (c->stage == ENDING && says(frame, "CLOSE_WAIT")) {
        on_marker(c);
        c->stage = ENDED;
    } else if (!says(frame, "OK")) {
        tally_fail(&mix.tally, "the server answered %.*s", (int)frame->data.n,
                   (const char *)frame->data.p);
    } else if (c->role == PUBLISHER) {
        on_answer(c);
    } else {
        c->stage = JOINED;
    }
}

static void on_frame(struct peer *p, const struct nsq_frame *frame)
{
    struct mixed_client *c = p->user;
    c->served = true;
    if (frame->type == NSQ_FRAME_RESPONSE) {
        on_response(c, frame);
    } else if (frame->type == NSQ_FRAME_ERROR) {
        on_error(c, frame->data);
    } else {
        on_message(c, frame->data);
    }
}

static void on_closed(struct peer *p, const char *why)
{
    struct mixed_client *c = p->user;
    if (!mix.may_refuse || c->served) {
        tally_fail(&mix.tally, "%s", why);
        return;
    }
    mix.ended++;
    mixed_end(c);
    mixed_begin((unsigned)(c - mix.clients));
}

static void on_pause(struct peer *p)
{
    struct mixed_client *c = p->user;
    if (c->role == CONSUMER && c->stage == JOINED && !c->asked && c->action_count > 0) {
        ask(c, "TOUCH " MARKER "\n");
    }
}

void mixed_consume(struct mixed_client *c)
{
    act_on_held(c);
    on_pause(&c->peer);
    peer_transmit(&c->peer);
}

bool mixed_init(void)
{
    mix.peers = (struct peers){.on_frame = on_frame, .on_pause = on_pause, .on_closed = on_closed};
    return peers_init(&mix.peers);
}

void mixed_end(struct mixed_client *c)
{
    for (unsigned i = 0; i < c->command_count; i++) {
        tally_set_fate(&mix.tally, c->commands[i].first, c->commands[i].count, TALLY_UNKNOWN);
    }
    for (unsigned i = 0; i < c->action_count; i++) {
        if (c->actions[i].verb == 'F' && !c->actions[i].failed) {
            tally_doubt(&mix.tally, c->channel, &c->actions[i].delivery);
        }
    }
    c->command_count = c->action_count = c->held_count = 0;
    peer_close(&c->peer);
}

void mixed_begin(unsigned i)
{
    static const unsigned readies[] = {200, 20, 1};
    struct mixed_client *c = &mix.clients[i];
    c->role = i < CONSUMERS ? CONSUMER : PUBLISHER;
    c->channel = i % TALLY_CHANNELS;
    c->ready = mix.draining ? 200 : readies[i / TALLY_CHANNELS % 3];
    c->serial = ++mix.connections;
    c->served = false;
    c->asked = false;
    c->covered = 0;
    if (!peer_open(&mix.peers, &c->peer, mix.server.address, c)) {
        tally_fail(&mix.tally, "cannot connect to the server");
        return;
    }
    if (mix.tls != NULL && mixed_below(2) == 0) {
        c->stage = GREETING;
        peer_say_body(&c->peer, "IDENTIFY\n",
                      SPAN("{\"feature_negotiation\":true,\"tls_v1\":true}"));
    } else {
        join(c);
    }
    peer_transmit(&c->peer);
}

void mixed_kill(unsigned i)
{
    const struct linger reset = {.l_onoff = 1, .l_linger = 0};
    struct mixed_client *c = &mix.clients[i];
    uint32_t way = mixed_below(4);
    if (way == 3 && c->role == CONSUMER) {
        if (c->stage == JOINED && !c->asked) { /* it ends with CLS, and nothing is in doubt */
            ask(c, "CLS\n");
            c->stage = ENDING;
            peer_transmit(&c->peer);
        }
        return;
    }
    if (way == 1) {
        setsockopt(c->peer.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    } else if (way == 2 && c->role == PUBLISHER) {
        say_half(c);
    } else if (way == 2) {
        peer_say(&c->peer, "FIN 01234567");
    }
    if (way == 2 || mixed_below(2) == 0) {
        peer_transmit(&c->peer);
    }
    mix.kills++;
    mixed_end(c);
    mixed_begin(i);
}
