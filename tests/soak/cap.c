/* SPDX-License-Identifier: MIT */
/*
 * Owns: the scenarios of a queue at its memory limit, which a flag or the address space sets.
 * Publishers send until nothing fits any more. Then new consumers replace the earlier ones and make
 * room. Every message is either answered OK and delivered once, or refused and never delivered.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/alloc.h"
#include "base/time.h"
#include "shell/clock.h"
#include "soak/scenarios.h"
#include "soak/scene.h"

#define PRESSING 8
#define DRAINING 2
#define VISITOR (PRESSING + DRAINING) /* subscribes to a channel of its own, and leaves */
#define PRESS_WINDOW 16
#define CAP_BYTES (16 * 1024 * 1024)
#define CAP_MESSAGES 4000000
#define CAP_PAD 1000       /* bytes of a message after its number */
#define CAP_PAD_MAX 216000 /* the most of them in the scenario `sizes` */
/* Bytes; the most memory of the server in `sizes`: twice the cap and a half, and 16 MiB. */
#define SIZES_MOST (CAP_BYTES * (int64_t)5 / 2 + 16 * SCENE_MIB)
#define KEPT 12 /* in `sizes`, one of this many messages is not finished */

/* A message was sent; answered OK; delivered. */
enum { SAID = 1, STORED = 2, DELIVERED = 4 };

static struct scene scene;

static struct {
    uint8_t *fate;
    uint32_t numbered;                       /* messages so far */
    uint32_t window[PRESSING][PRESS_WINDOW]; /* unanswered, in order */
    unsigned pending[PRESSING];
    size_t pad; /* bytes of the next message after its number */
    bool keeps; /* one of KEPT messages is not finished */
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
    if (cap.keeps && number % KEPT == 0) {
        return;
    }
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
        cap.pending[i] = 0; /* this message and those after it are not published */
        c->due = clock_now() + 20 * TIME_MS;
    } else {
        scene_on_frame(p, frame);
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
    static uint8_t body[sizeof(uint32_t) + CAP_PAD_MAX];
    struct client *c = &scene.clients[i];
    if (c->peer.fd < 0 && clock_now() >= c->due) {
        scene_open(&scene, c);
    }
    while (c->peer.fd >= 0 && clock_now() >= c->due && cap.pending[i] < PRESS_WINDOW &&
           cap.numbered < CAP_MESSAGES) {
        cap.fate[cap.numbered] = SAID;
        memcpy(body, &cap.numbered, sizeof cap.numbered);
        cap.window[i][cap.pending[i]++] = cap.numbered++;
        peer_say_body(&c->peer, "PUB cap\n", span_make(body, sizeof(uint32_t) + cap.pad));
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

/* Replaces a consumer with a new one. */
static void come(size_t i, const char *sub)
{
    struct client *c = &scene.clients[i];
    peer_close(&c->peer);
    if (scene_open(&scene, c)) {
        peer_say_body(&c->peer, "IDENTIFY\n", SPAN("{}"));
        peer_say(&c->peer, sub);
        peer_transmit(&c->peer);
        scene_wait(&scene, c, 2);
    }
}

/* A consumer finishes all its messages before it leaves, so that nothing is delivered again. */
static void newcomers(void)
{
    come(VISITOR, "SUB cap visit#ephemeral\n");
    peer_close(&scene.clients[VISITOR].peer);
    for (size_t i = PRESSING; i < PRESSING + DRAINING; i++) {
        come(i, "SUB cap cap\n");
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

/* Publishing ends. All messages that were answered OK are delivered, and no others. */
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
    scene_run_ms(&scene, 200); /* nothing may arrive after the last message */
    for (uint32_t i = 0; i < cap.numbered; i++) {
        if ((cap.fate[i] & STORED) / STORED != (cap.fate[i] & DELIVERED) / DELIVERED) {
            scene_fail(&scene, "message %u was %s", i,
                       cap.fate[i] & STORED ? "answered OK and is lost" : "refused and came");
        }
    }
}

/* Publishing is refused here, so the probe requeues one message again and again. */
static void press_and_drain(int64_t ns)
{
    newcomers();
    scene_probe(&scene, ns, true);
    while (clock_now() < scene.end && scene.why[0] == '\0') {
        set_ready(0);
        press_until(clock_now() + 500 * TIME_MS);
        newcomers();
        set_ready(500);
        press_until(clock_now() + 200 * TIME_MS);
    }
    drain();
    if (cap.refused == 0) {
        scene_fail(&scene, "nothing was refused");
    }
}

static void begin(const char *name)
{
    scene_begin(&scene, name);
    memset(&cap, 0, sizeof cap);
    cap.fate = alloc_zeroed(CAP_MESSAGES);
    cap.pad = CAP_PAD;
    scene.peers.on_frame = on_cap_frame;
    scene.peers.on_closed = on_cap_closed;
}

static enum verdict finish(int64_t most)
{
    char figures[120];
    snprintf(figures, sizeof figures,
             "%" PRIu64 " refused, %" PRIu64 " answered OK and delivered once", cap.refused,
             cap.stored);
    alloc_free(cap.fate);
    return scene_finish(&scene, most, figures);
}

enum verdict soak_cap(const char *program, int64_t ns, uint64_t seed)
{
    char flag[48];
    const char *const flags[] = {flag, NULL};
    (void)seed;
    snprintf(flag, sizeof flag, "--mem-queue-bytes=%d", CAP_BYTES);
    begin("cap");
    scene_start(&scene, program, flags, 0, VISITOR + 1);
    press_and_drain(ns);
    return finish(33 * SCENE_MIB);
}

/* The server's address space is limited to four times the cap. It chooses the cap by itself. */
enum verdict soak_space(const char *program, int64_t ns, uint64_t seed)
{
    struct rlimit before;
    (void)seed;
    begin("space");
    getrlimit(RLIMIT_AS, &before);
    const struct rlimit low = {.rlim_cur = (rlim_t)4 * CAP_BYTES, .rlim_max = before.rlim_max};
    setrlimit(RLIMIT_AS, &low); /* the server inherits it */
    scene_start(&scene, program, NULL, 0, VISITOR + 1);
    setrlimit(RLIMIT_AS, &before);
    press_and_drain(ns);
    return finish(33 * SCENE_MIB);
}

/* Messages of one size fill the queue, then most of them are finished, and messages of another size
 * follow. The allocator cannot return the memory between the messages that stay. */
enum verdict soak_sizes(const char *program, int64_t ns, uint64_t seed)
{
    static const size_t pads[] = {120, 1500, 18000, CAP_PAD_MAX};
    char flag[48];
    const char *const flags[] = {flag, "--max-rdy-count=100000", NULL};
    (void)seed;
    snprintf(flag, sizeof flag, "--mem-queue-bytes=%d", CAP_BYTES);
    begin("sizes");
    cap.keeps = true;
    scene_start(&scene, program, flags, 0, VISITOR + 1);
    newcomers();
    scene_probe(&scene, ns, true);
    for (size_t i = 0; clock_now() < scene.end && scene.why[0] == '\0'; i++) {
        cap.pad = pads[i % (sizeof pads / sizeof pads[0])];
        set_ready(0);
        press_until(clock_now() + 500 * TIME_MS);
        set_ready(100000);
        press_until(clock_now() + 200 * TIME_MS);
    }
    set_ready(100000);
    if (cap.refused == 0) {
        scene_fail(&scene, "nothing was refused");
    }
    return finish(SIZES_MOST);
}
