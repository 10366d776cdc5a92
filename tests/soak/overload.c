/* SPDX-License-Identifier: MIT */
/*
 * Owns: the scenarios with clients that do not read, are slow, are too many or send garbage. The
 * allowed peak of memory is the sum of the scenario's limits, half of that again for malloc's
 * fragments, and 6 MiB for an idle server.
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

static struct scene scene;

/* --- consumers that never read ---------------------------------------------------------------- */

/* Makes the receive buffer as small as the kernel allows, so that output waits in the server. */
static void shrink(const struct client *c)
{
    int bytes = 4096;
    setsockopt(c->peer.fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

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

/* With RDY 2500 alone, a consumer could have 40 MiB of messages. The server may keep 1 MiB of
 * output and one message for each consumer. The kernel takes up to 6 MiB more, which are in flight
 * too, and 100 messages wait in each channel: 4 * (1 + 6 + 2) MiB. */
enum verdict soak_consumers(const char *program, int64_t ns, uint64_t seed)
{
    static const char *const flags[] = {"--mem-queue-size=100", NULL};
    char figures[100];
    (void)seed;
    scene_begin(&scene, "consumers");
    scene_start(&scene, program, flags, 0, CONSUMERS + 1);
    for (unsigned i = 0; i < CONSUMERS; i++) {
        struct client *c = &scene.clients[i];
        char text[64];
        if (scene_open(&scene, c)) {
            shrink(c);
            snprintf(text, sizeof text, "SUB load deaf%u#ephemeral\nRDY 2500\n", i);
            peer_say(&c->peer, text);
            peer_transmit(&c->peer);
            scene_wait(&scene, c, 1);
            peer_pause_input(&c->peer, true);
        }
    }
    struct client *publisher = &scene.clients[CONSUMERS];
    scene_open(&scene, publisher);
    scene_probe(&scene, ns, false);
    int64_t start = clock_now();
    do {
        publish_load(publisher, start);
    } while (scene_turn(&scene));
    scene_wait(&scene, publisher, publisher->said);
    snprintf(figures, sizeof figures, "%d read nothing of %" PRIu64 " messages of %d bytes",
             CONSUMERS, publisher->said, LOAD_SIZE);
    if (publisher->said < (uint64_t)(ns / TIME_SECOND) * LOAD_RATE / 2) {
        scene_fail(&scene, "the load was not carried");
    }
    return scene_finish(&scene, 63 * SCENE_MIB, figures);
}

/* --- publishers that never read their OKs ----------------------------------------------------- */

#define PUBLISHERS 2
#define PIECE 500 /* PUBs that are sent at a time */

/* Adds one more piece when the last one is sent. True: something was sent now. */
static bool publish_piece(struct client *c)
{
    if (c->peer.out.n == 0) {
        for (unsigned n = 0; n < PIECE; n++) {
            peer_say_body(&c->peer, "PUB oks#ephemeral\n", SPAN("x"));
        }
        c->said += PIECE;
    }
    size_t before = c->peer.out.n;
    peer_transmit(&c->peer);
    return c->peer.out.n < before;
}

static void on_publisher_frame(struct peer *p, const struct nsq_frame *frame)
{
    if (!nsq_frame_is_heartbeat(frame) && !span_equal(frame->data, SPAN("OK"))) {
        scene_fail(&scene, "a publisher is answered %.*s", (int)frame->data.n,
                   (const char *)frame->data.p);
    }
    scene_on_frame(p, frame);
}

/* The publishers send the rest of what they began, and read: there must be one OK for each PUB, and
 * no more. */
static void read_all_oks(void)
{
    for (size_t i = 0; i < PUBLISHERS; i++) {
        peer_pause_input(&scene.clients[i].peer, false);
    }
    for (size_t i = 0; i < PUBLISHERS; i++) {
        struct client *c = &scene.clients[i];
        peer_transmit(&c->peer);
        scene_wait(&scene, c, c->said);
    }
    scene_run_ms(&scene, 200);
    for (size_t i = 0; i < PUBLISHERS; i++) {
        const struct client *c = &scene.clients[i];
        if (c->heard != c->said) {
            scene_fail(&scene, "%" PRIu64 " OKs for %" PRIu64 " PUBs", c->heard, c->said);
        }
    }
}

/* A server keeps 1 MiB of OKs for each publisher and stops reading. The sockets have their normal
 * buffers: with a small one, the kernel would resume sending only many seconds after the client
 * begins to read. */
enum verdict soak_publisher(const char *program, int64_t ns, uint64_t seed)
{
    static const char *const flags[] = {"--mem-queue-size=100", NULL};
    char figures[100];
    uint64_t pubs = 0;
    (void)seed;
    scene_begin(&scene, "publisher");
    scene.peers.on_frame = on_publisher_frame;
    scene_start(&scene, program, flags, 0, PUBLISHERS);
    for (size_t i = 0; i < PUBLISHERS; i++) {
        if (scene_open(&scene, &scene.clients[i])) {
            peer_transmit(&scene.clients[i].peer);
            peer_pause_input(&scene.clients[i].peer, true);
        }
    }
    scene_probe(&scene, ns, false);
    int64_t moved = clock_now();
    int64_t limit = moved + SCENE_LIMIT;
    /* If nothing moves for a second, the server has stopped reading. */
    while (scene_turn(&scene) || (clock_now() < moved + TIME_SECOND && clock_now() < limit)) {
        for (size_t i = 0; i < PUBLISHERS; i++) {
            moved = publish_piece(&scene.clients[i]) ? clock_now() : moved;
        }
    }
    if (clock_now() >= limit) {
        scene_fail(&scene, "the server goes on reading");
    }
    read_all_oks();
    for (size_t i = 0; i < PUBLISHERS; i++) {
        pubs += scene.clients[i].said;
    }
    snprintf(figures, sizeof figures, "%" PRIu64 " PUBs of %d were read, and their OKs in the end",
             pubs, PUBLISHERS);
    /* The unsent OKs, and what the heap keeps at its end (shell/allocator.h). */
    return scene_finish(&scene, 20 * SCENE_MIB, figures);
}

/* --- thousands of slow connections ------------------------------------------------------------ */

#define SLOW 5000

/* Sends the next byte of the magic, then of NOPs without end. */
static void say_byte(struct client *c, int64_t now)
{
    char byte = c->said < 4 ? "  V2"[c->said] : "NOP\n"[c->said % 4];
    buf_append(&c->peer.out, span_make(&byte, 1));
    c->said++;
    c->due = now + TIME_SECOND;
    peer_transmit(&c->peer);
}

/* All clients connect and send one byte a second for `ns`. Returns how many bytes were sent. */
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
    for (size_t i = 0; i < SLOW;
         i++) { /* evenly: a burst of work in this process must not count as the server's latency */
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

/* Not all at once (soak/leave.c does that): the kernel needs 20 us to end each connection, and the
 * probe runs in this process too. */
static void leave_slowly(void)
{
    for (size_t i = 0; i < SLOW; i++) {
        peer_close(&scene.clients[i].peer);
        if (i % 10 == 0) {
            scene_turn(&scene);
        }
    }
}

/* Less than 2 KiB for each client. Later clients must reuse the memory of earlier ones. */
enum verdict soak_slow(const char *program, int64_t ns, uint64_t seed)
{
    char figures[100];
    (void)seed;
    scene_begin(&scene, "slow");
    scene_start(&scene, program, NULL, 0, SLOW);
    scene_probe(&scene, ns, false);
    uint64_t said = trickle(ns / 2);
    int64_t resident = scene_resident(&scene);
    leave_slowly();
    said += trickle(ns / 2);
    scene_check_growth(&scene, resident, SCENE_MIB);
    leave_slowly();
    snprintf(figures, sizeof figures, "twice %d connections said %" PRIu64 " bytes", SLOW, said);
    return scene_finish(&scene, 24 * SCENE_MIB, figures);
}

/* --- out of descriptors ----------------------------------------------------------------------- */

#define KNOCKING 100
#define DESCRIPTORS 64
#define SPIN_MS 500 /* ms; a server that does not spin uses at most a tenth of it as CPU time */

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

/* 64 connections take almost no memory, so the limit is that of an idle server. */
enum verdict soak_descriptors(const char *program, int64_t ns, uint64_t seed)
{
    static const char *const flags[] = {"--max-connections=1000", NULL};
    char figures[100];
    uint64_t served = 0;
    size_t last = 0;
    (void)seed;
    scene_begin(&scene, "descriptors");
    scene_start(&scene, program, flags, DESCRIPTORS, KNOCKING);
    scene_probe(&scene, ns, false);
    for (size_t i = 0; i < KNOCKING; i++) {
        knock(&scene.clients[i]);
    }
    scene_run_ms(&scene, 500);
    size_t fit = count_served();
    if (fit < DESCRIPTORS / 2 || fit >= DESCRIPTORS) {
        scene_fail(&scene, "%zu clients are served with %d descriptors", fit, DESCRIPTORS);
    }
    int64_t cpu = process_cpu(scene.server.pid);
    scene_run_ms(&scene, SPIN_MS);
    cpu = process_cpu(scene.server.pid) - cpu;
    if (cpu > SPIN_MS * TIME_MS / 2) {
        scene_fail(&scene, "it takes %" PRId64 " ms of %d to wait for a descriptor", cpu / TIME_MS,
                   SPIN_MS);
    }
    do {
        for (unsigned n = 0; n < KNOCKING; n++) {
            struct client *c = &scene.clients[last++ % KNOCKING];
            if (c->heard > 0) { /* a client that was served leaves and connects again */
                peer_close(&c->peer);
                knock(c);
                served++;
                break;
            }
        }
        scene_run_ms(&scene, 5);
    } while (clock_now() < scene.end);
    int64_t limit = clock_now() + SCENE_LIMIT;
    while (scene.why[0] == '\0' &&
           clock_now() < limit) { /* every client that waits must be served in the end */
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
    return scene_finish(&scene, 9 * SCENE_MIB, figures);
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

/* Sends bytes that end the connection. */
static void say_bad(struct client *c, uint64_t *random)
{
    uint8_t noise[64];
    for (size_t i = 0; i < sizeof noise; i++) {
        noise[i] = (uint8_t)random_next(random);
    }
    noise[0] = 0xff; /* not a command */
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

/* A few connections at a time, with empty queues. */
enum verdict soak_rubbish(const char *program, int64_t ns, uint64_t seed)
{
    char figures[120];
    uint64_t opened = 0;
    scene_begin(&scene, "rubbish");
    ended = 0;
    scene.peers.on_closed = on_bad_closed;
    scene_start(&scene, program, NULL, 0, BAD + 1);
    struct client *wrong = &scene.clients[BAD];
    if (scene_open(&scene, wrong)) {
        peer_say(&wrong->peer, "SUB wrong wrong\n");
        peer_transmit(&wrong->peer);
        scene_wait(&scene, wrong, 1);
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
    scene_check_growth(&scene, resident, SCENE_MIB / 4);
    if (ended != opened || wrong->errors != wrong->said) {
        scene_fail(&scene, "%" PRIu64 " connections were not ended, %" PRIu64 " FINs not answered",
                   opened - ended, wrong->said - wrong->errors);
    }
    snprintf(figures, sizeof figures, "%" PRIu64 " bad connections, %" PRIu64 " errors on one",
             opened, wrong->errors);
    return scene_finish(&scene, 9 * SCENE_MIB, figures);
}
