/* SPDX-License-Identifier: MIT */
/*
 * Owns: the scenario of a server that is stopped for longer than the message timeout and the time
 * for commands. Meanwhile the clients finish their messages. When the server runs again, it must
 * read this input before it looks at deadlines: no message is delivered again, no FIN fails, and no
 * client is closed. There are more clients than events in one turn of the server's loop.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/time.h"
#include "shell/clock.h"
#include "soak/scenarios.h"
#include "soak/scene.h"

#define CONSUMERS 600

static struct scene scene;
static char ids[CONSUMERS][NSQ_MESSAGE_ID_SIZE]; /* of the last message of each consumer */

static void on_frame(struct peer *p, const struct nsq_frame *frame)
{
    struct client *c = p->user;
    size_t number = (size_t)(c - scene.clients);
    struct nsq_message m;
    if (frame->type == NSQ_FRAME_MESSAGE && number < CONSUMERS &&
        nsq_message_parse(frame->data, &m) == NSQ_OK) {
        memcpy(ids[number], m.id, NSQ_MESSAGE_ID_SIZE);
        c->messages++;
    } else {
        scene_on_frame(p, frame);
    }
}

static void subscribe(struct client *c)
{
    if (scene_open(&scene, c)) {
        peer_say_body(&c->peer, "IDENTIFY\n", SPAN("{\"heartbeat_interval\":1000}"));
        peer_say(&c->peer, "SUB pause c\nRDY 1\n");
        peer_transmit(&c->peer);
        scene_wait(&scene, c, 2);
    }
}

static void publish(struct client *c)
{
    if (scene_open(&scene, c)) {
        for (int i = 0; i < CONSUMERS; i++) {
            peer_say_body(&c->peer, "PUB pause\n", SPAN("x"));
        }
        peer_transmit(&c->peer);
        scene_wait(&scene, c, CONSUMERS);
    }
}

/* Returns how many messages all consumers have got. */
static uint64_t delivered(void)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < CONSUMERS; i++) {
        sum += scene.clients[i].messages;
    }
    return sum;
}

static void finish_while_stopped(void)
{
    const struct timespec pause = {.tv_sec = 2, .tv_nsec = 500000000};
    kill(scene.server.pid, SIGSTOP);
    for (size_t i = 0; i < CONSUMERS; i++) {
        char text[NSQ_MESSAGE_ID_SIZE + 8];
        snprintf(text, sizeof text, "FIN %.*s\n", NSQ_MESSAGE_ID_SIZE, ids[i]);
        peer_say(&scene.clients[i].peer, text);
        peer_transmit(&scene.clients[i].peer);
    }
    nanosleep(&pause, NULL);
    kill(scene.server.pid, SIGCONT);
}

static enum verdict stop_and_go(const char *program, const char *name, const char *waiter)
{
    const char *const flags[] = {"--msg-timeout=1s", waiter, NULL};
    scene_begin(&scene, name);
    scene.peers.on_frame = on_frame;
    scene_start(&scene, program, flags, 0, CONSUMERS + 1);
    scene.end = clock_now() + SCENE_LIMIT;
    for (size_t i = 0; i < CONSUMERS; i++) {
        subscribe(&scene.clients[i]);
    }
    publish(&scene.clients[CONSUMERS]);
    while (delivered() < CONSUMERS && scene_turn(&scene)) {
    }
    finish_while_stopped();
    scene_run_ms(&scene, 1500);
    uint64_t errors = 0;
    for (size_t i = 0; i < CONSUMERS; i++) {
        errors += scene.clients[i].errors;
    }
    if (delivered() != CONSUMERS || errors != 0) {
        scene_fail(&scene, "%d messages were delivered %d times, and %d FINs failed", CONSUMERS,
                   (int)delivered(), (int)errors);
    }
    return scene_finish(&scene, 60 * SCENE_MIB,
                        "600 messages were finished during a pause of 2.5 s");
}

enum verdict soak_pause(const char *program, int64_t ns, uint64_t seed)
{
    (void)ns;
    (void)seed;
    enum verdict poll = stop_and_go(program, "pause, poll", "--waiter=poll");
    return worse(stop_and_go(program, "pause, epoll", "--waiter=epoll"), poll);
}
