/* SPDX-License-Identifier: MIT */
/*
 * Owns: the scenario of a mixed load: publishers and consumers on two channels, of which one or
 * another dies at any moment, and a ledger that says what became of every message.
 *
 * A server does not answer FIN. What a consumer knows of it comes from a mark, a TOUCH of a message
 * that cannot exist: its error is behind the errors of all that was said before it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/time.h"
#include "bench/peer.h"
#include "bench/process.h"
#include "shell/clock.h"
#include "soak/ledger.h"
#include "soak/probe.h"
#include "soak/scenarios.h"
#include "soak/server.h"

#define TOPIC "mixed"
#define PUBLISHERS 16
#define CONSUMERS 32
#define DRAINERS 4
#define CLIENTS (PUBLISHERS + CONSUMERS)
#define WINDOW 8                           /* unanswered commands of a publisher */
#define ACTIONS 1024                       /* of a consumer, of which nothing is known yet */
#define HELD 512                           /* messages that a consumer answers later */
#define RATE 2500                          /* messages a second */
#define BATCH 20                           /* most messages of an MPUB */
#define MSG_TIMEOUT 1000                   /* ms, as the server is told */
#define DELAY 500                          /* ms, the longest of DPUB and REQ */
#define ROUND 200                          /* ms: a server may read its clock but once a round */
#define QUIET (MSG_TIMEOUT + DELAY + 2000) /* ms: nothing comes after it */
#define LIFE_MS 60                         /* between two kills, on average */
#define CUT_MOST 1000000                   /* bytes of a body that never comes whole */
#define PATIENCE (30 * TIME_SECOND)        /* for what must end by itself */
#define DRAIN_MOST (2 * TIME_MINUTE)
#define WARM_UP (5 * TIME_SECOND) /* after which memory should stay as it is */
#define PROBE_P99 (50 * TIME_MS)
/* KiB that may be resident at the end above what was after the warm-up: malloc's fragments and the
 * peak of a backlog, 1 MiB where it was looked at. A message that leaked 3 bytes would show in ten
 * minutes. */
#define RSS_SLACK 4096
#define MARK "marker-of-a-soak" /* the length of an id, and none */
#define ID_SIZE NSQ_MESSAGE_ID_SIZE

enum role { PUBLISHER, CONSUMER };

/* Of a consumer: SUB is not answered; it is; CLS was said; it was answered. */
enum stage { JOINING, JOINED, ENDING, ENDED };

struct command {
    uint32_t first;
    uint32_t count;
};

struct action {
    struct ledger_delivery delivery;
    char id[ID_SIZE];
    char verb; /* 'F', 'R' or 'T' */
    bool failed;
};

struct held {
    struct ledger_delivery delivery;
    char id[ID_SIZE];
    bool touch; /* first, and finish later */
    uint32_t due;
};

struct client {
    struct peer peer;
    enum role role;
    unsigned channel;
    unsigned ready;  /* RDY */
    uint32_t serial; /* of the connection */
    enum stage stage;
    bool asked;             /* a mark or CLS is not answered */
    unsigned covered;       /* actions before it */
    unsigned command_count; /* unanswered, in order */
    unsigned action_count;  /* in order */
    unsigned held_count;    /* in no order */
    struct command commands[WINDOW];
    struct action actions[ACTIONS];
    struct held held[HELD];
};

static struct {
    struct peers peers;
    struct server server;
    struct probe probe;
    struct ledger ledger;
    struct client clients[CLIENTS];
    uint64_t random;
    int64_t start;
    uint32_t heard;       /* ms, when the last message came */
    bool draining;        /* consumers do nothing but finish */
    uint32_t connections; /* so far */
    int64_t kills;
    int64_t refused; /* FIN, REQ and TOUCH that came too late */
    int64_t next_kill;
    int64_t paced; /* messages that were due so far */
} mix;

/* xorshift64*: a number below n. */
static uint32_t below(uint32_t n)
{
    uint64_t x = mix.random;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    mix.random = x;
    return (uint32_t)((x * 0x2545f4914f6cdd1dU) >> 32) % n;
}

/* ms since a second before the start, so that a little less is no less than 0; a run is shorter
 * than 49 days. */
static uint32_t now_ms(void)
{
    return (uint32_t)((clock_now() - mix.start + TIME_SECOND) / TIME_MS);
}

static bool failed(void)
{
    return mix.ledger.why[0] != '\0';
}

/* --- publishers ------------------------------------------------------------------------------- */

static void say_size(struct client *c, size_t n)
{
    uint8_t four[4];
    be32_store(four, (uint32_t)n);
    buf_append(&c->peer.out, span_make(four, sizeof four));
}

/* The body of a new message, with its size. */
static uint32_t say_message(struct client *c, uint32_t due)
{
    struct buf body = {0};
    size_t n;
    uint32_t number = ledger_add(&mix.ledger, due);
    ledger_body(&mix.ledger, number, &body, &n);
    say_size(c, n);
    buf_append(&c->peer.out, buf_span(&body));
    buf_free(&body);
    return number;
}

static void say_batch(struct client *c, uint32_t count)
{
    struct buf whole = c->peer.out;
    c->peer.out = (struct buf){0};
    for (uint32_t i = 0; i < count; i++) {
        say_message(c, now_ms() - ROUND);
    }
    struct buf messages = c->peer.out;
    c->peer.out = whole;
    peer_say(&c->peer, "MPUB " TOPIC "\n");
    say_size(c, 4 + messages.n);
    say_size(c, count);
    buf_append(&c->peer.out, buf_span(&messages));
    buf_free(&messages);
}

static void publish(struct client *c)
{
    char line[48];
    uint32_t first = mix.ledger.count;
    uint32_t delay = 1 + below(DELAY);
    switch (below(4)) {
    case 0:
        peer_say(&c->peer, "PUB " TOPIC "\n");
        say_message(c, now_ms() - ROUND);
        break;
    case 1:
        snprintf(line, sizeof line, "DPUB " TOPIC " %u\n", delay);
        peer_say(&c->peer, line);
        say_message(c, now_ms() + delay - ROUND);
        break;
    default:
        say_batch(c, 1 + below(BATCH));
    }
    c->commands[c->command_count++] = (struct command){first, mix.ledger.count - first};
    peer_transmit(&c->peer);
}

static void on_answer(struct client *c)
{
    if (c->command_count == 0) {
        ledger_fail(&mix.ledger, "a publisher was answered what it did not ask");
        return;
    }
    ledger_set_fate(&mix.ledger, c->commands[0].first, c->commands[0].count, LEDGER_OK);
    memmove(c->commands, c->commands + 1, --c->command_count * sizeof *c->commands);
}

/* A PUB that ends before its body does. */
static void say_half(struct client *c)
{
    static const uint8_t nothing[CUT_MOST];
    uint32_t number = ledger_add(&mix.ledger, 0);
    uint32_t size = LEDGER_BODY_MAX + below(below(2) == 0 ? 100 : CUT_MOST - LEDGER_BODY_MAX);
    size_t n;
    ledger_set_fate(&mix.ledger, number, 1, LEDGER_CUT);
    peer_say(&c->peer, "PUB " TOPIC "\n");
    say_size(c, size);
    ledger_body(&mix.ledger, number, &c->peer.out, &n);
    buf_append(&c->peer.out, span_make(nothing, below(size - (uint32_t)n)));
}

/* --- consumers -------------------------------------------------------------------------------- */

static void act(struct client *c, char verb, const char *id, struct ledger_delivery d)
{
    char line[64];
    uint32_t delay = below(DELAY + 1);
    const char *name = verb == 'F' ? "FIN" : verb == 'R' ? "REQ" : "TOUCH";
    int n = snprintf(line, sizeof line, "%s %.*s", name, ID_SIZE, id);
    if (verb == 'R') {
        snprintf(line + n, sizeof line - (size_t)n, " %u", delay);
        ledger_requeue(&mix.ledger, c->channel, &d, now_ms() + delay - ROUND);
    }
    peer_say(&c->peer, line);
    peer_say(&c->peer, "\n");
    struct action *a = &c->actions[c->action_count++];
    *a = (struct action){.delivery = d, .verb = verb};
    memcpy(a->id, id, ID_SIZE);
}

static void hold(struct client *c, const char *id, struct ledger_delivery d, bool touch,
                 uint32_t ms)
{
    struct held *h = &c->held[c->held_count++];
    *h = (struct held){.delivery = d, .touch = touch, .due = now_ms() + ms};
    memcpy(h->id, id, ID_SIZE);
}

/* A message came again to the connection that did not answer the first time. What it may have said
 * meanwhile can be of this delivery or of the one before. */
static void on_again(struct client *c, const char *id, struct ledger_delivery *d)
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
            ledger_excuse(&mix.ledger, c->channel, d);
        }
    }
}

static void on_message(struct client *c, struct span data)
{
    struct nsq_message m;
    if (nsq_message_parse(data, &m) != NSQ_OK) {
        ledger_fail(&mix.ledger, "a message has no header");
        return;
    }
    struct ledger_delivery d = {.owner = c->serial, .attempts = m.attempts};
    if (!ledger_deliver(&mix.ledger, c->channel, m.body, now_ms(), &d)) {
        return;
    }
    mix.heard = now_ms();
    const char *id = (const char *)m.id;
    uint32_t of_100 = mix.draining ? 0 : below(100);
    if (d.attempts > 1) {
        on_again(c, id, &d);
    }
    if (d.late || c->action_count == ACTIONS || c->held_count == HELD) {
        return; /* times out */
    }
    if (of_100 < 84) {
        act(c, 'F', id, d);
    } else if (of_100 < 89) {
        act(c, 'R', id, d);
    } else if (of_100 < 93) {
        hold(c, id, d, true, MSG_TIMEOUT / 2 + below(MSG_TIMEOUT / 5));
    } else if (of_100 < 98) {
        hold(c, id, d, false, below(MSG_TIMEOUT * 13 / 10)); /* some too late */
    }
}

/* What is due of what was held. A mark, when none is on the way, says what is handled. */
static void act_on_held(struct client *c)
{
    uint32_t now = now_ms();
    for (unsigned i = 0; i < c->held_count && c->action_count < ACTIONS;) {
        struct held *h = &c->held[i];
        if (h->due > now) {
            i++;
        } else if (h->touch) {
            act(c, 'T', h->id, h->delivery);
            h->delivery.not_before = now - ROUND; /* has its whole time again */
            h->touch = false;
            h->due = now + MSG_TIMEOUT * 7 / 10;
        } else {
            act(c, 'F', h->id, h->delivery);
            *h = c->held[--c->held_count];
        }
    }
}

static void ask(struct client *c, const char *text)
{
    c->asked = true;
    c->covered = c->action_count;
    peer_say(&c->peer, text);
}

/* All that was said before the mark is handled. */
static void on_mark(struct client *c)
{
    for (unsigned i = 0; i < c->covered; i++) {
        const struct action *a = &c->actions[i];
        if (a->verb == 'F' && !a->failed) {
            ledger_finish(&mix.ledger, c->channel, &a->delivery);
        }
    }
    c->action_count -= c->covered;
    memmove(c->actions, c->actions + c->covered, c->action_count * sizeof *c->actions);
    c->asked = false;
}

/* The server may have it taken back meanwhile: what follows may fail too. */
static void excuse(struct client *c, const char *id)
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

/* FIN, REQ or TOUCH failed, which only one that came too late may. */
static void on_refusal(struct client *c, char verb, const char *id)
{
    uint32_t now = now_ms();
    mix.refused++;
    for (unsigned i = 0; i < (c->asked ? c->covered : c->action_count); i++) {
        struct action *a = &c->actions[i];
        if (a->verb == verb && !a->failed && memcmp(a->id, id, ID_SIZE) == 0) {
            a->failed = true;
            if (now < a->delivery.not_before + MSG_TIMEOUT) {
                ledger_fail(&mix.ledger, "%c of message %u failed, %u ms after it came or later",
                            verb, a->delivery.number, now - a->delivery.not_before);
            }
            excuse(c, id);
            return;
        }
    }
    ledger_fail(&mix.ledger, "%c of %.*s failed, and was not said", verb, ID_SIZE, id);
}

/* "E_FIN_FAILED FIN 0123456789abcdef failed ..." */
static void on_error(struct client *c, struct span text)
{
    static const char *const heads[] = {"E_FIN_FAILED FIN ", "E_REQ_FAILED REQ ",
                                        "E_TOUCH_FAILED TOUCH "};
    for (size_t i = 0; i < sizeof heads / sizeof heads[0] && c->role == CONSUMER; i++) {
        size_t n = strlen(heads[i]);
        if (text.n >= n + ID_SIZE && memcmp(text.p, heads[i], n) == 0) {
            const char *id = (const char *)text.p + n;
            if (memcmp(id, MARK, ID_SIZE) != 0) {
                on_refusal(c, heads[i][2], id);
            } else if (c->asked && c->stage == JOINED) {
                on_mark(c);
            }
            return;
        }
    }
    ledger_fail(&mix.ledger, "the server says %.*s", (int)(text.n < 100 ? text.n : 100),
                (const char *)text.p);
}

/* --- connections ------------------------------------------------------------------------------ */

static bool says(const struct nsq_frame *frame, const char *text)
{
    return frame->data.n == strlen(text) && memcmp(frame->data.p, text, frame->data.n) == 0;
}

static void on_response(struct client *c, const struct nsq_frame *frame)
{
    if (nsq_frame_is_heartbeat(frame)) {
        peer_say(&c->peer, "NOP\n");
    } else if (c->stage == ENDING && says(frame, "CLOSE_WAIT")) {
        on_mark(c);
        c->stage = ENDED;
    } else if (!says(frame, "OK")) {
        ledger_fail(&mix.ledger, "the server answers %.*s", (int)frame->data.n,
                    (const char *)frame->data.p);
    } else if (c->role == PUBLISHER) {
        on_answer(c);
    } else {
        c->stage = JOINED;
    }
}

static void on_frame(struct peer *p, const struct nsq_frame *frame)
{
    if (frame->type == NSQ_FRAME_RESPONSE) {
        on_response(p->user, frame);
    } else if (frame->type == NSQ_FRAME_ERROR) {
        on_error(p->user, frame->data);
    } else {
        on_message(p->user, frame->data);
    }
}

static void on_closed(struct peer *p, const char *why)
{
    (void)p;
    ledger_fail(&mix.ledger, "%s", why);
}

static void on_pause(struct peer *p)
{
    struct client *c = p->user;
    if (c->role == CONSUMER && c->stage == JOINED && !c->asked && c->action_count > 0) {
        ask(c, "TOUCH " MARK "\n");
    }
}

/* What was on the way is in doubt. */
static void end(struct client *c)
{
    for (unsigned i = 0; i < c->command_count; i++) {
        ledger_set_fate(&mix.ledger, c->commands[i].first, c->commands[i].count, LEDGER_UNKNOWN);
    }
    for (unsigned i = 0; i < c->action_count; i++) {
        if (c->actions[i].verb == 'F' && !c->actions[i].failed) {
            ledger_doubt(&mix.ledger, c->channel, &c->actions[i].delivery);
        }
    }
    c->command_count = c->action_count = c->held_count = 0;
    peer_close(&c->peer);
}

/* The i-th client takes its place anew. */
static void begin(unsigned i)
{
    static const unsigned readies[] = {200, 20, 1};
    char line[64];
    struct client *c = &mix.clients[i];
    c->role = i < CONSUMERS ? CONSUMER : PUBLISHER;
    c->channel = i % LEDGER_CHANNELS;
    c->ready = mix.draining ? 200 : readies[i / LEDGER_CHANNELS % 3];
    c->stage = c->role == PUBLISHER ? JOINED : JOINING;
    c->serial = ++mix.connections;
    c->asked = false;
    c->covered = 0;
    if (!peer_open(&mix.peers, &c->peer, mix.server.address, c)) {
        ledger_fail(&mix.ledger, "cannot connect to the server");
        return;
    }
    if (c->role == CONSUMER) {
        snprintf(line, sizeof line, "SUB " TOPIC " c%u\nRDY %u\n", c->channel, c->ready);
        peer_say(&c->peer, line);
    }
    peer_transmit(&c->peer);
}

static void kill_one(unsigned i)
{
    const struct linger reset = {.l_onoff = 1, .l_linger = 0};
    struct client *c = &mix.clients[i];
    uint32_t way = below(4);
    if (way == 3 && c->role == CONSUMER) {
        if (c->stage == JOINED && !c->asked) { /* it ends by itself, and does not lose a thing */
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
    if (way == 2 || below(2) == 0) {
        peer_transmit(&c->peer);
    }
    mix.kills++;
    end(c);
    begin(i);
}

/* --- the run ---------------------------------------------------------------------------------- */

static void turn(void)
{
    peers_turn(&mix.peers, 2);
    probe_turn(&mix.probe);
    for (unsigned i = 0; i < CONSUMERS; i++) {
        struct client *c = &mix.clients[i];
        if (c->peer.fd < 0) {
            continue;
        }
        act_on_held(c);
        on_pause(&c->peer);
        peer_transmit(&c->peer);
    }
}

/* Consumers that have said CLS and know all, are replaced. */
static void replace_ended(void)
{
    for (unsigned i = 0; i < CONSUMERS; i++) {
        if (mix.clients[i].stage == ENDED) {
            end(&mix.clients[i]);
            begin(i);
        }
    }
}

static void publish_due(void)
{
    int64_t due = (clock_now() - mix.start) * RATE / TIME_SECOND;
    for (unsigned tries = 0; tries < PUBLISHERS && mix.paced < due; tries++) {
        struct client *c = &mix.clients[CONSUMERS + below(PUBLISHERS)];
        if (c->command_count < WINDOW && mix.ledger.count < LEDGER_MOST - BATCH) {
            uint32_t before = mix.ledger.count;
            publish(c);
            mix.paced += mix.ledger.count - before;
        }
    }
}

static void kill_due(void)
{
    if (clock_now() >= mix.next_kill) {
        mix.next_kill = clock_now() + below(2 * LIFE_MS) * TIME_MS;
        kill_one(below(CLIENTS));
    }
}

/* Until `done`; false when it takes too long. */
static bool turn_until(bool (*done)(void), int64_t most, const char *what)
{
    int64_t end_at = clock_now() + most;
    while (!failed() && !done()) {
        turn();
        if (clock_now() > end_at) {
            ledger_fail(&mix.ledger, "stuck: %s", what);
        }
    }
    return !failed();
}

static bool all_joined(void)
{
    for (unsigned i = 0; i < CLIENTS; i++) {
        if (mix.clients[i].peer.fd >= 0 && mix.clients[i].stage == JOINING) {
            return false;
        }
    }
    return true;
}

static bool all_answered(void)
{
    for (unsigned i = CONSUMERS; i < CLIENTS; i++) {
        if (mix.clients[i].command_count > 0) {
            return false;
        }
    }
    return true;
}

static bool all_quiet(void)
{
    for (unsigned i = 0; i < DRAINERS; i++) {
        if (mix.clients[i].action_count > 0) {
            return false;
        }
    }
    return now_ms() - mix.heard > QUIET;
}

/* Both channels exist before anything is published. */
static bool join_all(void)
{
    for (unsigned i = 0; i < CLIENTS; i++) {
        mix.clients[i].peer.fd = -1;
    }
    for (unsigned i = 0; i < CLIENTS && !failed(); i++) {
        begin(i);
    }
    return turn_until(all_joined, PATIENCE, "SUB");
}

/* Returns the resident KiB after the warm-up. */
static int64_t load_for(int64_t ns)
{
    int64_t resident = 0;
    int64_t warm = mix.start + time_earlier(WARM_UP, ns / 2);
    while (!failed() && clock_now() < mix.start + ns) {
        turn();
        replace_ended();
        publish_due();
        kill_due();
        if (resident == 0 && clock_now() >= warm) {
            resident = process_memory(mix.server.pid, "VmRSS");
        }
    }
    return resident;
}

static void end_all(void)
{
    for (unsigned i = 0; i < CLIENTS; i++) {
        if (mix.clients[i].peer.fd >= 0) {
            end(&mix.clients[i]);
        }
    }
}

/* Returns how many FINs were in doubt to the end. */
static int64_t drain(void)
{
    if (!turn_until(all_answered, PATIENCE, "publishers wait for answers")) {
        return 0;
    }
    end_all();
    mix.draining = true;
    mix.heard = now_ms();
    for (unsigned i = 0; i < DRAINERS; i++) {
        begin(i);
    }
    return turn_until(all_quiet, DRAIN_MOST, "messages come and come") ? ledger_settle(&mix.ledger)
                                                                       : 0;
}

static bool descriptors_gone(int64_t wanted)
{
    int64_t end_at = clock_now() + 5 * TIME_SECOND;
    while (process_descriptors(mix.server.pid) != wanted && clock_now() < end_at) {
        peers_turn(&mix.peers, 50);
    }
    return process_descriptors(mix.server.pid) == wanted;
}

struct books {
    int64_t descriptors;
    int64_t resident; /* KiB, after the warm-up */
    int64_t resident_end;
    int64_t resident_peak;
    int64_t doubts;
};

/* What is left in the server, once all clients are gone. */
static void check_books(struct books *b)
{
    if (!server_lives(&mix.server)) {
        ledger_fail(&mix.ledger, "the server is gone");
        return;
    }
    if (!descriptors_gone(b->descriptors)) {
        ledger_fail(&mix.ledger, "%" PRId64 " descriptors are open, %" PRId64 " were at the start",
                    process_descriptors(mix.server.pid), b->descriptors);
    }
    b->resident_end = process_memory(mix.server.pid, "VmRSS");
    b->resident_peak = process_memory(mix.server.pid, "VmHWM");
    if (b->resident_end > b->resident + RSS_SLACK) {
        ledger_fail(&mix.ledger, "%" PRId64 " KiB resident, %" PRId64 " after the warm-up",
                    b->resident_end, b->resident);
    }
}

static void check_probe(void)
{
    if (!probe_end(&mix.probe)) {
        ledger_fail(&mix.ledger, "the probe: %s", mix.probe.broken);
    }
    if (probe_p99(&mix.probe) >= PROBE_P99) {
        ledger_fail(&mix.ledger, "p99 of the probe is %.1f ms",
                    (double)probe_p99(&mix.probe) / (double)TIME_MS);
    }
}

static void print_line(const struct books *b, uint64_t seed)
{
    const struct ledger *l = &mix.ledger;
    const double ms = (double)TIME_MS;
    printf("mixed: %u messages, %" PRId64 " deliveries, %" PRId64 " kills, %" PRId64
           " requeues, %" PRId64 " time-outs, %" PRId64 " too late, %" PRId64
           " in doubt; probe p50 %.2f p99 %.2f max %.2f ms; RSS %" PRId64 " -> %" PRId64
           " (peak %" PRId64 ") KiB\n",
           l->count, l->deliveries, mix.kills, l->requeues, l->timeouts, mix.refused, b->doubts,
           (double)probe_p50(&mix.probe) / ms, (double)probe_p99(&mix.probe) / ms,
           (double)probe_max(&mix.probe) / ms, b->resident, b->resident_end, b->resident_peak);
    if (failed()) {
        printf("mixed: FAILED, seed %" PRIu64 ": %s\n", seed, l->why);
    }
}

bool soak_mixed(const char *program, int64_t ns, uint64_t seed)
{
    /* A body that were charged for ever would fill the queue in a minute or two. */
    static const char *const flags[] = {"--msg-timeout=1s", "--mem-queue-bytes=16777216",
                                        "--http-address=127.0.0.1:0", "--log-level=fatal", NULL};
    struct books books = {0};
    memset(&mix, 0, sizeof mix);
    mix.peers = (struct peers){.on_frame = on_frame, .on_pause = on_pause, .on_closed = on_closed};
    mix.random = seed | 1; /* xorshift never leaves 0 */
    mix.ledger.timeout = MSG_TIMEOUT;
    mix.ledger.seed = seed;
    if (!peers_init(&mix.peers)) {
        process_die("there is no epoll to be had");
    }
    server_start(&mix.server, program, flags, 0);
    peers_turn(&mix.peers, 200); /* whoever asked whether it answers has left by then */
    books.descriptors = process_descriptors(mix.server.pid);
    mix.start = clock_now();
    probe_start(&mix.probe, mix.server.address);
    if (join_all()) {
        mix.start = clock_now();
        books.resident = load_for(ns);
        books.doubts = drain();
    }
    end_all();
    check_probe();
    check_books(&books);
    if (!server_end(&mix.server)) {
        ledger_fail(&mix.ledger, "the server did not end well");
    }
    print_line(&books, seed);
    close(mix.peers.epoll);
    probe_free(&mix.probe);
    bool good = !failed();
    ledger_free(&mix.ledger);
    return good;
}
