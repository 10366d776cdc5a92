/* SPDX-License-Identifier: MIT */
/*
 * What the overload scenarios share: it starts the server, the probe and the load's connections,
 * and makes the checks at the end. Must not know: the load.
 */
#include "soak/scene.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/list.h"
#include "base/time.h"
#include "bench/process.h"
#include "shell/clock.h"

#define P99_MOST (50 * TIME_MS)

void scene_on_frame(struct peer *p, const struct nsq_frame *frame)
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
    scene_fail(container_of(p->all, struct scene, peers), "%s", why);
}

void scene_begin(struct scene *s, const char *name)
{
    *s =
        (struct scene){.name = name, .peers = {.on_frame = scene_on_frame, .on_closed = on_closed}};
}

void scene_start(struct scene *s, const char *program, const char *const *flags,
                 unsigned descriptors, size_t count)
{
    if (!peers_init(&s->peers)) {
        process_die("epoll: %s", strerror(errno));
    }
    s->clients = alloc_zeroed(count * sizeof *s->clients);
    s->count = count;
    for (size_t i = 0; i < count; i++) {
        s->clients[i].peer.fd = -1;
    }
    server_start(&s->server, program, flags, descriptors);
}

void scene_probe(struct scene *s, int64_t ns, bool circling)
{
    struct epoll_event wakes = {.events = EPOLLIN, .data = {.ptr = NULL}};
    if (circling) {
        probe_start_circling(&s->probe, s->server.address);
    } else {
        probe_start(&s->probe, s->server.address);
    }
    epoll_ctl(s->peers.epoll, EPOLL_CTL_ADD, s->probe.peers.epoll, &wakes);
    s->probing = true;
    s->end = clock_now() + ns;
}

bool scene_open(struct scene *s, struct client *c)
{
    *c = (struct client){.due = c->due};
    if (!peer_open(&s->peers, &c->peer, s->server.address, c)) {
        scene_fail(s, "connect: %s", strerror(errno));
        return false;
    }
    return true;
}

bool scene_turn(struct scene *s)
{
    peers_turn(&s->peers, 1);
    if (s->probing) {
        probe_turn(&s->probe);
    }
    return clock_now() < s->end;
}

void scene_wait(struct scene *s, const struct client *c, uint64_t heard)
{
    int64_t end = clock_now() + SCENE_LIMIT;
    while (c->heard < heard && s->why[0] == '\0') {
        scene_turn(s);
        if (clock_now() > end) {
            scene_fail(s, "a client is not answered");
        }
    }
}

void scene_run_ms(struct scene *s, int64_t ms)
{
    int64_t end = clock_now() + ms * TIME_MS;
    while (clock_now() < end) {
        scene_turn(s);
    }
}

void scene_fail(struct scene *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (s->why[0] == '\0') {
        vsnprintf(s->why, sizeof s->why, format, args);
    }
    va_end(args);
}

int64_t scene_resident(const struct scene *s)
{
    return server_lives(&s->server) ? process_memory(s->server.pid, "VmRSS") : 0;
}

void scene_check_growth(struct scene *s, int64_t before, int64_t slack)
{
    int64_t now = scene_resident(s);
    if (now > before + slack) {
        scene_fail(s, "%lld KiB resident, and %lld before as much", (long long)now,
                   (long long)before);
    }
}

enum verdict scene_finish(struct scene *s, int64_t most_kib, const char *figures)
{
    double ms = (double)TIME_MS;
    if (!server_lives(&s->server)) {
        printf("FAIL %s: the server is gone; %s\n", s->name, s->why);
        return WRONG;
    }
    double p50 = (double)probe_p50(&s->probe) / ms;
    double p99 = (double)probe_p99(&s->probe) / ms;
    double most = (double)probe_max(&s->probe) / ms;
    int64_t peak = process_memory(s->server.pid, "VmHWM");
    if (peak > most_kib) {
        scene_fail(s, "%lld KiB resident, of %lld", (long long)peak, (long long)most_kib);
    }
    if (!server_answers(&s->server)) {
        scene_fail(s, "the server does not answer a new client");
    }
    if (!probe_end(&s->probe)) {
        scene_fail(s, "the probe: %s", s->probe.broken);
    }
    probe_free(&s->probe);
    for (size_t i = 0; i < s->count; i++) {
        peer_close(&s->clients[i].peer);
    }
    if (!server_is_left(&s->server)) {
        scene_fail(s, "%lld descriptors left open",
                   (long long)(process_descriptors(s->server.pid) - s->server.descriptors));
    }
    if (!server_end(&s->server)) {
        scene_fail(s, "the server did not exit with 0");
    }
    close(s->peers.epoll);
    alloc_free(s->clients);
    bool correct = s->why[0] == '\0';
    if (p99 >= (double)P99_MOST / ms) {
        scene_fail(s, "99%% of the probe's messages take %.1f ms", p99);
    }
    printf("%s %-12s probe %.2f / %.2f / %.2f ms, peak %lld KiB, %s%s%s\n",
           s->why[0] == '\0' ? "ok  " : "FAIL", s->name, p50, p99, most, (long long)peak, figures,
           s->why[0] == '\0' ? "" : ": ", s->why);
    return !correct ? WRONG : s->why[0] != '\0' ? SLOW : CORRECT;
}
