/* SPDX-License-Identifier: MIT */
/*
 * Owns: the scenarios in which clients want more than a server has, or behave badly. Each peak of
 * memory is what the limits of the scenario add up to, above 6 MiB of a server at rest, and
 * half of that again for malloc's fragments.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/time.h"
#include "bench/process.h"
#include "shell/clock.h"
#include "soak/scenarios.h"
#include "soak/scene.h"

#define MIB 1024 /* KiB */

static struct scene scene;

/* --- what all clients do ---------------------------------------------------------------------- */

static void on_frame(struct peer *p, const struct nsq_frame *frame)
{
    struct client *c = p->user;
    if (nsq_frame_is_heartbeat(frame)) {
        peer_say(p, "NOP\n");
    } else if (frame->type == NSQ_FRAME_RESPONSE) {
        c->heard++;
    } else if (frame->type == NSQ_FRAME_ERROR) {
        c->errors++;
    } else {
        c->messages++;
    }
}

static void on_closed(struct peer *p, const char *why)
{
    (void)p;
    scene_fail(&scene, "%s", why);
}

static void begin(const char *name)
{
    scene = (struct scene){.name = name, .peers = {.on_frame = on_frame, .on_closed = on_closed}};
}

/* Until a client has heard so many responses. */
static void wait_for(const struct client *c, uint64_t heard)
{
    int64_t end = clock_now() + SCENE_LIMIT;
    while (c->heard < heard && scene.why[0] == '\0') {
        scene_turn(&scene);
        if (clock_now() > end) {
            scene_fail(&scene, "a client is not answered");
        }
    }
}

/* As small as the kernel lets it be: what a server sends waits with the server. */
static void shrink(const struct client *c)
{
    int bytes = 4096;
    setsockopt(c->peer.fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

/* --- consumers that never read ---------------------------------------------------------------- */

#define CONSUMERS 4
#define LOAD_SIZE 16384 /* bytes */
#define LOAD_RATE 1500  /* a second */

static void publish_load(struct client *c, int64_t start)
{
    static const uint8_t body[LOAD_SIZE];
    uint64_t due = (uint64_t)((clock_now() - start) * LOAD_RATE / TIME_SECOND);
    for (; c->said < due && c->peer.out.n < 16 * LOAD_SIZE; c->said++) {
        peer_say_body(&c->peer, "PUB load\n", span_make(body, sizeof body));
    }
    peer_transmit(&c->peer);
}

/* 2,500 messages that a ready count lets through are 40 MiB a consumer. A server may keep 1 MiB of
 * output and a message for each; the kernel takes some MiB more, which are in flight all the same,
 * and 100 wait in each channel: 4 * (1 + 6 + 2) MiB. */
bool soak_consumers(const char *program, int64_t ns, uint64_t seed)
{
    static const char *const flags[] = {"--mem-queue-size=100", NULL};
    char figures[100];
    (void)seed;
    begin("consumers");
    scene_start(&scene, program, flags, 0, CONSUMERS + 1);
    for (unsigned i = 0; i < CONSUMERS; i++) {
        struct client *c = &scene.clients[i];
        char text[64];
        if (scene_open(&scene, c)) {
            shrink(c);
            snprintf(text, sizeof text, "SUB load deaf%u#ephemeral\nRDY 2500\n", i);
            peer_say(&c->peer, text);
            peer_transmit(&c->peer);
            wait_for(c, 1);
            peer_set_deaf(&c->peer, true);
        }
    }
    struct client *publisher = &scene.clients[CONSUMERS];
    scene_open(&scene, publisher);
    scene_probe(&scene, ns, false);
    int64_t start = clock_now();
    do {
        publish_load(publisher, start);
    } while (scene_turn(&scene));
    wait_for(publisher, publisher->said);
    snprintf(figures, sizeof figures, "%d read nothing of %" PRIu64 " messages of %d bytes",
             CONSUMERS, publisher->said, LOAD_SIZE);
    if (publisher->said < (uint64_t)(ns / TIME_SECOND) * LOAD_RATE / 2) {
        scene_fail(&scene, "the load was not carried");
    }
    return scene_finish(&scene, 63 * MIB, figures);
}

/* --- publishers that never read their OKs ----------------------------------------------------- */

#define PUBLISHERS 2
#define PIECE 500 /* PUBs that are said at a time */

/* Says a piece more when the last one has left; returns how many bytes have left so far. */
static uint64_t publish_piece(struct client *c, uint64_t *pubs)
{
    size_t before = c->peer.out.n;
    if (before == 0) {
        for (unsigned n = 0; n < PIECE; n++) {
            peer_say_body(&c->peer, "PUB oks#ephemeral\n", SPAN("x"));
        }
        *pubs += PIECE;
        c->said += c->peer.out.n;
    }
    peer_transmit(&c->peer);
    return c->said - c->peer.out.n;
}

/* A server keeps 1 MiB of OKs for each and stops reading. */
bool soak_publisher(const char *program, int64_t ns, uint64_t seed)
{
    static const char *const flags[] = {"--mem-queue-size=100", NULL};
    char figures[100];
    uint64_t pubs = 0;
    uint64_t left[PUBLISHERS] = {0};
    (void)seed;
    begin("publisher");
    scene_start(&scene, program, flags, 0, PUBLISHERS);
    for (size_t i = 0; i < PUBLISHERS; i++) {
        if (scene_open(&scene, &scene.clients[i])) {
            shrink(&scene.clients[i]);
            peer_transmit(&scene.clients[i].peer);
            peer_set_deaf(&scene.clients[i].peer, true);
        }
    }
    scene_probe(&scene, ns, false);
    int64_t moved = clock_now();
    int64_t limit = moved + SCENE_LIMIT;
    /* Nothing moves for a second when it has stopped reading. */
    while (scene_turn(&scene) || (clock_now() < moved + TIME_SECOND && clock_now() < limit)) {
        for (size_t i = 0; i < PUBLISHERS; i++) {
            uint64_t now_left = publish_piece(&scene.clients[i], &pubs);
            moved = now_left != left[i] ? clock_now() : moved;
            left[i] = now_left;
        }
    }
    if (clock_now() >= limit) {
        scene_fail(&scene, "the server goes on reading");
    }
    snprintf(figures, sizeof figures, "%" PRIu64 " PUBs of %d were read, and no more", pubs,
             PUBLISHERS);
    return scene_finish(&scene, 12 * MIB, figures);
}

/* --- thousands of slow connections ------------------------------------------------------------ */

#define SLOW 5000

/* The magic, then NOPs without end. */
static void say_byte(struct client *c, int64_t now)
{
    char byte = c->said < 4 ? "  V2"[c->said] : "NOP\n"[c->said % 4];
    buf_append(&c->peer.out, span_make(&byte, 1));
    c->said++;
    c->due = now + TIME_SECOND;
    peer_transmit(&c->peer);
}

/* All of them connect and say a byte a second for `ns`; returns how many. */
static uint64_t trickle(int64_t ns)
{
    uint64_t said = 0;
    for (size_t i = 0; i < SLOW && scene.why[0] == '\0'; i++) {
        struct client *c = &scene.clients[i];
        if (scene_open(&scene, c)) {
            buf_drop(&c->peer.out, c->peer.out.n);
        }
        if (i % 20 == 0) {
            scene_turn(&scene);
        }
    }
    int64_t start = clock_now();
    for (size_t i = 0; i < SLOW; i++) { /* evenly: bursts of this process are not the server's */
        scene.clients[i].due = start + (int64_t)i * (TIME_SECOND / SLOW);
    }
    scene.end = start + ns;
    do {
        int64_t now = clock_now();
        for (size_t i = 0; i < SLOW; i++) {
            if (scene.clients[i].due <= now) {
                say_byte(&scene.clients[i], now);
                said++;
            }
        }
    } while (scene_turn(&scene));
    return said;
}

/* Not all at once: the kernel needs 20 us for each end, and the probe would wait for all. */
static void leave_slowly(void)
{
    for (size_t i = 0; i < SLOW; i++) {
        peer_close(&scene.clients[i].peer);
        if (i % 10 == 0) {
            scene_turn(&scene);
        }
    }
}

/* Less than 2 KiB for each. Who comes after them takes what they left. */
bool soak_slow(const char *program, int64_t ns, uint64_t seed)
{
    char figures[100];
    (void)seed;
    begin("slow");
    scene_start(&scene, program, NULL, 0, SLOW);
    scene_probe(&scene, ns, false);
    uint64_t said = trickle(ns / 2);
    int64_t resident = scene_resident(&scene);
    leave_slowly();
    said += trickle(ns / 2);
    scene_check_growth(&scene, resident, MIB);
    leave_slowly();
    snprintf(figures, sizeof figures, "twice %d connections said %" PRIu64 " bytes", SLOW, said);
    return scene_finish(&scene, 24 * MIB, figures);
}

/* --- out of descriptors ----------------------------------------------------------------------- */

#define KNOCKING 100
#define DESCRIPTORS 64
#define SPIN_MS 500 /* of which a server that does not spin needs a tenth */

static void knock(struct client *c)
{
    if (scene_open(&scene, c)) {
        peer_say_body(&c->peer, "NOP\nPUB knock#ephemeral\n", SPAN("x"));
        peer_transmit(&c->peer);
        c->due = clock_now();
    }
}

static size_t count_served(void)
{
    size_t n = 0;
    for (size_t i = 0; i < scene.count; i++) {
        n += scene.clients[i].heard > 0;
    }
    return n;
}

static void run_ms(int64_t ms)
{
    int64_t end = clock_now() + ms * TIME_MS;
    while (clock_now() < end) {
        scene_turn(&scene);
    }
}

/* 64 connections are nothing, so it is the server at rest. */
bool soak_descriptors(const char *program, int64_t ns, uint64_t seed)
{
    static const char *const flags[] = {"--max-connections=1000", NULL};
    char figures[100];
    uint64_t served = 0;
    size_t last = 0;
    (void)seed;
    begin("descriptors");
    scene_start(&scene, program, flags, DESCRIPTORS, KNOCKING);
    scene_probe(&scene, ns, false);
    for (size_t i = 0; i < KNOCKING; i++) {
        knock(&scene.clients[i]);
    }
    run_ms(500);
    size_t fit = count_served();
    if (fit < DESCRIPTORS / 2 || fit >= DESCRIPTORS) {
        scene_fail(&scene, "%zu clients are served with %d descriptors", fit, DESCRIPTORS);
    }
    int64_t cpu = process_cpu(scene.server.pid);
    run_ms(SPIN_MS);
    cpu = process_cpu(scene.server.pid) - cpu;
    if (cpu > SPIN_MS * TIME_MS / 2) {
        scene_fail(&scene, "it takes %" PRId64 " ms of %d to wait for a descriptor", cpu / TIME_MS,
                   SPIN_MS);
    }
    do {
        for (unsigned n = 0; n < KNOCKING; n++) {
            struct client *c = &scene.clients[last++ % KNOCKING];
            if (c->heard > 0) { /* one that was served makes room, and waits again */
                peer_close(&c->peer);
                knock(c);
                served++;
                break;
            }
        }
        run_ms(5);
    } while (clock_now() < scene.end);
    int64_t limit = clock_now() + SCENE_LIMIT;
    while (scene.why[0] == '\0' && clock_now() < limit) { /* all who wait, to the last */
        size_t waiting = 0;
        for (size_t i = 0; i < KNOCKING; i++) {
            struct client *c = &scene.clients[i];
            if (c->peer.fd >= 0 && c->heard > 0) {
                peer_close(&c->peer);
                served++;
            }
            waiting += c->peer.fd >= 0;
        }
        if (waiting == 0) {
            break;
        }
        scene_turn(&scene);
    }
    for (size_t i = 0; i < KNOCKING; i++) {
        if (scene.clients[i].peer.fd >= 0) {
            scene_fail(&scene, "a client that waited is never served");
        }
    }
    snprintf(figures, sizeof figures, "%zu of %d fit, %" PRIu64 " were served", fit, KNOCKING,
             served);
    return scene_finish(&scene, 9 * MIB, figures);
}

/* --- bad commands ----------------------------------------------------------------------------- */

#define BAD 20
#define BAD_RATE 1000 /* connections a second: each leaves a port in TIME_WAIT */
#define WRONG_WINDOW 100

static uint64_t ended;

static void on_bad_closed(struct peer *p, const char *why)
{
    const struct client *c = p->user;
    ended++;
    if (c == &scene.clients[BAD]) {
        scene_fail(&scene, "FIN of an unknown message: %s", why);
    }
}

/* xorshift64 */
static uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Each ends its connection. */
static void say_bad(struct client *c, uint64_t *random)
{
    uint8_t noise[64];
    for (size_t i = 0; i < sizeof noise; i++) {
        noise[i] = (uint8_t)random_next(random);
    }
    noise[0] = 0xff; /* no command */
    noise[sizeof noise - 1] = '\n';
    switch (random_next(random) % 4) {
    case 0: /* no magic */
        buf_drop(&c->peer.out, c->peer.out.n);
        buf_append(&c->peer.out, span_make(noise, sizeof noise));
        break;
    case 1: /* E_INVALID */
        buf_append(&c->peer.out, span_make(noise, sizeof noise));
        break;
    case 2: /* E_BAD_TOPIC */
        peer_say_body(&c->peer, "PUB not/a/topic\n", SPAN("x"));
        break;
    default: /* E_BAD_BODY */
        peer_say_body(&c->peer, "IDENTIFY\n", span_make(noise, sizeof noise));
    }
    peer_transmit(&c->peer);
}

/* A few connections at a time, with nothing queued. */
bool soak_rubbish(const char *program, int64_t ns, uint64_t seed)
{
    char figures[120];
    uint64_t opened = 0;
    begin("rubbish");
    ended = 0;
    scene.peers.on_closed = on_bad_closed;
    scene_start(&scene, program, NULL, 0, BAD + 1);
    struct client *wrong = &scene.clients[BAD];
    if (scene_open(&scene, wrong)) {
        peer_say(&wrong->peer, "SUB wrong wrong\n");
        peer_transmit(&wrong->peer);
        wait_for(wrong, 1);
    }
    scene_probe(&scene, ns, false);
    int64_t start = clock_now();
    int64_t resident = 0;
    do {
        if (resident == 0 && clock_now() >= start + ns / 2) {
            resident = scene_resident(&scene);
        }
        uint64_t due = (uint64_t)((clock_now() - start) * BAD_RATE / TIME_SECOND);
        for (size_t i = 0; i < BAD && opened < due; i++) {
            struct client *c = &scene.clients[i];
            if (c->peer.fd < 0 && scene_open(&scene, c)) {
                say_bad(c, &seed);
                opened++;
            }
        }
        for (; wrong->said < wrong->errors + WRONG_WINDOW; wrong->said++) {
            peer_say(&wrong->peer, "FIN 0123456789abcdef\n");
        }
        peer_transmit(&wrong->peer);
    } while (scene_turn(&scene) && scene.why[0] == '\0');
    int64_t limit = clock_now() + SCENE_LIMIT;
    while ((ended < opened || wrong->errors < wrong->said) && clock_now() < limit) {
        scene_turn(&scene);
    }
    scene_check_growth(&scene, resident, MIB / 4);
    if (ended != opened || wrong->errors != wrong->said) {
        scene_fail(&scene, "%" PRIu64 " connections were not ended, %" PRIu64 " FINs not answered",
                   opened - ended, wrong->said - wrong->errors);
    }
    snprintf(figures, sizeof figures, "%" PRIu64 " bad connections, %" PRIu64 " errors on one",
             opened, wrong->errors);
    return scene_finish(&scene, 9 * MIB, figures);
}

/* --- a queue at its cap ----------------------------------------------------------------------- */

#define PRESSING 8
#define DRAINING 2
#define PRESS_WINDOW 16
#define CAP_BYTES (16 * 1024 * 1024)
#define CAP_MESSAGES 4000000
#define CAP_PAD 1000 /* bytes of a message behind its number */

/* A message's fate: said; answered OK; delivered. */
enum { SAID = 1, STORED = 2, DELIVERED = 4 };

static struct {
    uint8_t *fate;
    uint32_t numbered;                       /* messages so far */
    uint32_t window[PRESSING][PRESS_WINDOW]; /* unanswered, in order */
    unsigned pending[PRESSING];
    uint64_t stored, delivered, refused;
} cap;

static size_t index_of(const struct client *c)
{
    return (size_t)(c - scene.clients);
}

static void on_cap_message(struct client *c, const struct nsq_frame *frame)
{
    struct nsq_message m;
    uint32_t number;
    char text[NSQ_MESSAGE_ID_SIZE + 6];
    if (nsq_message_parse(frame->data, &m) != NSQ_OK || m.body.n < sizeof number) {
        scene_fail(&scene, "a message that nobody published");
        return;
    }
    memcpy(&number, m.body.p, sizeof number);
    if (number >= cap.numbered || (cap.fate[number] & DELIVERED) != 0) {
        scene_fail(&scene, "message %u is delivered again, or nobody published it", number);
        return;
    }
    cap.fate[number] |= DELIVERED;
    cap.delivered++;
    snprintf(text, sizeof text, "FIN %.*s\n", NSQ_MESSAGE_ID_SIZE, (const char *)m.id);
    peer_say(&c->peer, text);
}

static void on_cap_frame(struct peer *p, const struct nsq_frame *frame)
{
    struct client *c = p->user;
    size_t i = index_of(c);
    bool response = frame->type == NSQ_FRAME_RESPONSE && !nsq_frame_is_heartbeat(frame);
    if (frame->type == NSQ_FRAME_MESSAGE) {
        on_cap_message(c, frame);
    } else if (i < PRESSING && response && cap.pending[i] > 0) {
        cap.fate[cap.window[i][0]] |= STORED;
        cap.stored++;
        memmove(cap.window[i], cap.window[i] + 1, --cap.pending[i] * sizeof cap.window[i][0]);
    } else if (i < PRESSING && frame->type == NSQ_FRAME_ERROR) {
        if (frame->data.n < 12 || memcmp(frame->data.p, "E_PUB_FAILED", 12) != 0) {
            scene_fail(&scene, "a publisher is answered %.*s", (int)frame->data.n,
                       (const char *)frame->data.p);
        }
        cap.refused++;
        cap.pending[i] = 0; /* this one and those behind it are not published */
        c->due = clock_now() + 20 * TIME_MS;
    } else {
        on_frame(p, frame);
    }
}

static void on_cap_closed(struct peer *p, const char *why)
{
    const struct client *c = p->user;
    if (index_of(c) >= PRESSING || cap.pending[index_of(c)] > 0) {
        scene_fail(&scene, "not refused, and %s", why);
    }
}

static void press(size_t i)
{
    uint8_t body[sizeof(uint32_t) + CAP_PAD] = {0};
    struct client *c = &scene.clients[i];
    if (c->peer.fd < 0 && clock_now() >= c->due) {
        scene_open(&scene, c);
    }
    while (c->peer.fd >= 0 && clock_now() >= c->due && cap.pending[i] < PRESS_WINDOW &&
           cap.numbered < CAP_MESSAGES) {
        cap.fate[cap.numbered] = SAID;
        memcpy(body, &cap.numbered, sizeof cap.numbered);
        cap.window[i][cap.pending[i]++] = cap.numbered++;
        peer_say_body(&c->peer, "PUB cap\n", span_make(body, sizeof body));
    }
    peer_transmit(&c->peer);
}

static void set_ready(unsigned n)
{
    char text[32];
    snprintf(text, sizeof text, "RDY %u\n", n);
    for (size_t i = PRESSING; i < PRESSING + DRAINING; i++) {
        peer_say(&scene.clients[i].peer, text);
        peer_transmit(&scene.clients[i].peer);
    }
}

static void join_draining(void)
{
    for (size_t i = PRESSING; i < PRESSING + DRAINING; i++) {
        if (scene_open(&scene, &scene.clients[i])) {
            peer_say(&scene.clients[i].peer, "SUB cap cap\n");
            peer_transmit(&scene.clients[i].peer);
            wait_for(&scene.clients[i], 1);
        }
    }
}

static void press_until(int64_t end)
{
    while (clock_now() < end && scene.why[0] == '\0') {
        for (size_t i = 0; i < PRESSING; i++) {
            press(i);
        }
        scene_turn(&scene);
    }
}

/* Publishers end; what they were answered OK comes, and nothing else. */
static void drain(void)
{
    int64_t limit = clock_now() + SCENE_LIMIT;
    unsigned waiting = 1;
    set_ready(500);
    while ((waiting > 0 || cap.delivered < cap.stored) && clock_now() < limit &&
           scene.why[0] == '\0') {
        waiting = 0;
        for (size_t i = 0; i < PRESSING; i++) {
            waiting += cap.pending[i];
        }
        scene_turn(&scene);
    }
    run_ms(200); /* nothing comes after the last */
    for (uint32_t i = 0; i < cap.numbered; i++) {
        if ((cap.fate[i] & STORED) / STORED != (cap.fate[i] & DELIVERED) / DELIVERED) {
            scene_fail(&scene, "message %u was %s", i,
                       cap.fate[i] & STORED ? "answered OK and is lost" : "refused and came");
        }
    }
}

/* The cap is 16 MiB. The probe's message goes round, as publishing is what is refused here. */
bool soak_cap(const char *program, int64_t ns, uint64_t seed)
{
    char flag[48];
    char figures[120];
    const char *const flags[] = {flag, NULL};
    (void)seed;
    snprintf(flag, sizeof flag, "--mem-queue-bytes=%d", CAP_BYTES);
    begin("cap");
    memset(&cap, 0, sizeof cap);
    cap.fate = alloc_zeroed(CAP_MESSAGES);
    scene.peers.on_frame = on_cap_frame;
    scene.peers.on_closed = on_cap_closed;
    scene_start(&scene, program, flags, 0, PRESSING + DRAINING);
    join_draining();
    scene_probe(&scene, ns, true);
    while (clock_now() < scene.end && scene.why[0] == '\0') {
        set_ready(0);
        press_until(clock_now() + 500 * TIME_MS);
        set_ready(500);
        press_until(clock_now() + 200 * TIME_MS);
    }
    drain();
    if (cap.refused == 0) {
        scene_fail(&scene, "nothing was refused");
    }
    snprintf(figures, sizeof figures,
             "%" PRIu64 " refused, %" PRIu64 " answered OK and delivered once", cap.refused,
             cap.stored);
    alloc_free(cap.fate);
    return scene_finish(&scene, 33 * MIB, figures);
}
