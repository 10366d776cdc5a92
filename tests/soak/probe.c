/* SPDX-License-Identifier: MIT */
/*
 * The probe: one client publishes every 5 ms, the other consumes, and each message's time is kept.
 * Must not know: what the load is.
 */
#include "soak/probe.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/time.h"
#include "bench/process.h"
#include "shell/clock.h"

#define EVERY_NS (5 * TIME_MS)
#define LIMIT_NS (10 * TIME_SECOND)

static void fail(struct probe *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void fail(struct probe *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (p->broken[0] == '\0') {
        vsnprintf(p->broken, sizeof p->broken, format, args);
    }
    va_end(args);
}

/* --- what the server says --------------------------------------------------------------------- */

static void on_message(struct probe *p, const struct nsq_frame *frame)
{
    struct nsq_message m;
    size_t number;
    if (nsq_message_parse(frame->data, &m) != NSQ_OK || m.body.n != sizeof number) {
        fail(p, "was sent a message that it did not publish");
        return;
    }
    memcpy(&number, m.body.p, sizeof number);
    number = p->circling ? p->sent - 1 : number;
    if (number >= p->sent || p->took[number] != 0) {
        fail(p, "was sent message %zu again, or never published it", number);
        return;
    }
    p->took[number] = clock_now() - p->sent_at[number];
    p->delivered++;
    memcpy(p->id, m.id, sizeof p->id);
    p->held = true;
    if (!p->circling) {
        char text[NSQ_MESSAGE_ID_SIZE + 6];
        snprintf(text, sizeof text, "FIN %.*s\n", NSQ_MESSAGE_ID_SIZE, p->id);
        peer_say(&p->consumer, text);
    }
}

static void on_frame(struct peer *peer, const struct nsq_frame *frame)
{
    struct probe *p = peer->user;
    if (frame->type == NSQ_FRAME_MESSAGE) {
        on_message(p, frame);
    } else if (frame->type == NSQ_FRAME_ERROR) {
        fail(p, "was answered %.*s", (int)frame->data.n, (const char *)frame->data.p);
    } else if (nsq_frame_is_heartbeat(frame)) {
        peer_say(peer, "NOP\n");
    } else {
        p->answers++;
    }
}

static void on_closed(struct peer *peer, const char *why)
{
    fail(peer->user, "%s", why);
}

/* --- publishing ------------------------------------------------------------------------------- */

static size_t new_message(struct probe *p)
{
    if (p->sent == p->room) {
        p->room = 2 * p->room + 1024;
        p->sent_at = alloc_resize(p->sent_at, p->room * sizeof *p->sent_at);
        p->took = alloc_resize(p->took, p->room * sizeof *p->took);
    }
    p->sent_at[p->sent] = clock_now();
    p->took[p->sent] = 0;
    return p->sent++;
}

static void publish(struct probe *p)
{
    size_t number = new_message(p);
    peer_say_body(&p->publisher, "PUB probe\n", span_make(&number, sizeof number));
    peer_transmit(&p->publisher);
}

static void requeue(struct probe *p)
{
    char text[NSQ_MESSAGE_ID_SIZE + 8];
    p->held = false;
    new_message(p);
    snprintf(text, sizeof text, "REQ %.*s 0\n", NSQ_MESSAGE_ID_SIZE, p->id);
    peer_say(&p->consumer, text);
    peer_transmit(&p->consumer);
}

void probe_turn(struct probe *p)
{
    peers_turn(&p->peers, 0);
    int64_t now = clock_now();
    if (now < p->due || p->broken[0] != '\0' || (p->circling && !p->held)) {
        return;
    }
    p->due = now + EVERY_NS;
    if (p->circling) {
        requeue(p);
    } else {
        publish(p);
    }
}

/* --- start and end ---------------------------------------------------------------------------- */

static void start(struct probe *p, const char *address)
{
    int64_t end = clock_now() + LIMIT_NS;
    p->peers = (struct peers){.on_frame = on_frame, .on_closed = on_closed};
    if (!peers_init(&p->peers) || !peer_open(&p->peers, &p->publisher, address, p) ||
        !peer_open(&p->peers, &p->consumer, address, p)) {
        process_die("the probe: %s", strerror(errno));
    }
    peer_say(&p->consumer, "SUB probe probe\nRDY 100\n");
    peer_transmit(&p->consumer);
    publish(p);
    while (p->answers < 2 || p->delivered < 1) {
        peers_turn(&p->peers, 100);
        if (clock_now() > end) {
            process_die("the probe's first message does not come %s", p->broken);
        }
    }
    p->due = clock_now();
}

void probe_start(struct probe *p, const char *address)
{
    *p = (struct probe){.circling = false};
    start(p, address);
}

void probe_start_circling(struct probe *p, const char *address)
{
    *p = (struct probe){.circling = true};
    start(p, address);
}

bool probe_end(struct probe *p)
{
    peer_close(&p->publisher);
    peer_close(&p->consumer);
    return p->broken[0] == '\0';
}

void probe_free(struct probe *p)
{
    close(p->peers.epoll);
    alloc_free(p->sent_at);
    alloc_free(p->took);
}

/* --- figures ---------------------------------------------------------------------------------- */

static int smaller(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t at(const struct probe *p, size_t of_1000)
{
    int64_t now = clock_now();
    int64_t *took = alloc_zeroed(p->sent * sizeof *took);
    for (size_t i = 0; i < p->sent; i++) {
        took[i] = p->took[i] != 0 ? p->took[i] : now - p->sent_at[i];
    }
    qsort(took, p->sent, sizeof *took, smaller);
    size_t i = p->sent * of_1000 / 1000;
    int64_t found = took[i < p->sent ? i : p->sent - 1];
    alloc_free(took);
    return found;
}

int64_t probe_p50(const struct probe *p)
{
    return at(p, 500);
}

int64_t probe_p99(const struct probe *p)
{
    return at(p, 990);
}

int64_t probe_max(const struct probe *p)
{
    return at(p, 1000);
}
