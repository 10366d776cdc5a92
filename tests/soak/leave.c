/* SPDX-License-Identifier: MIT */
/*
 * Owns: the scenario in which thousands of clients leave at the same moment. They are in a process
 * of their own, which is killed: the kernel then ends all their connections at once, and this costs
 * the measuring process nothing.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"
#include "bench/process.h"
#include "shell/clock.h"
#include "soak/scenarios.h"
#include "soak/scene.h"

#define LEAVING 5000
#define CONNECT_NS (TIME_MS / 10) /* between two connects, which are not measured */

static struct scene scene;

static void nap(int64_t ns)
{
    const struct timespec t = {.tv_nsec = ns};
    nanosleep(&t, NULL);
}

/* Connects all clients, reports that, and waits to be killed. */
static _Noreturn void be_a_crowd(const char *address, int ready)
{
    static struct peer crowd[LEAVING];
    struct peers peers = {0};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    bool all = peers_init(&peers);
    for (size_t i = 0; i < LEAVING && all; i++) {
        all = peer_open(&peers, &crowd[i], address, NULL);
        peer_transmit(&crowd[i]);
        nap(CONNECT_NS);
    }
    if (all && write(ready, "", 1) == 1) {
        for (;;) {
            pause();
        }
    }
    _exit(1);
}

static bool is_open(int64_t connections)
{
    return process_descriptors(scene.server.pid) - scene.server.descriptors >= connections;
}

/* Runs until the server has all connections (`full`) or only the probe's two. */
static void wait_for_crowd(bool full)
{
    int64_t end = clock_now() + SCENE_LIMIT;
    while (is_open(full ? LEAVING + 2 : 3) != full && scene.why[0] == '\0') {
        scene_run_ms(&scene, 20);
        if (clock_now() > end) {
            scene_fail(&scene, full ? "the server does not take them" : "the server keeps them");
        }
    }
}

/* All clients connect, then all leave. */
static void crowd_round(void)
{
    int ready[2];
    pid_t crowd = pipe(ready) == 0 ? fork() : -1;
    if (crowd < 0) {
        process_die("no crowd: %s", strerror(errno));
    }
    if (crowd == 0) {
        close(ready[0]);
        be_a_crowd(scene.server.address, ready[1]);
    }
    char byte;
    close(ready[1]);
    wait_for_crowd(true);
    if (scene.why[0] == '\0' && read(ready[0], &byte, 1) != 1) {
        scene_fail(&scene, "the crowd is gone");
    }
    close(ready[0]);
    kill(crowd, SIGKILL);
    wait_for_crowd(false);
    waitpid(crowd, NULL, 0);
}

/* As many clients as in soak_slow, and the same limit of memory. */
enum verdict soak_leave(const char *program, int64_t ns, uint64_t seed)
{
    char figures[100];
    unsigned rounds = 0;
    (void)seed;
    scene_begin(&scene, "leave");
    scene_start(&scene, program, NULL, 0, 0);
    scene_probe(&scene, ns, false);
    do {
        crowd_round();
        rounds++;
    } while (clock_now() < scene.end && scene.why[0] == '\0');
    snprintf(figures, sizeof figures, "%d clients left at once, %u times", LEAVING, rounds);
    return scene_finish(&scene, 24 * SCENE_MIB, figures);
}
