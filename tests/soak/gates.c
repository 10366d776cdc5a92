/* SPDX-License-Identifier: MIT */
/*
 * Owns: the list of gates, their limits, and what is measured. Must not know: what the clients of a
 * load send.
 *
 * A run is good when every limit holds in it. Other programs on the machine, and a processor that
 * is slow for some milliseconds, can only make times longer, also the processor time of a turn. So
 * runs that are too slow are weighed against good ones (soak/verdict.h). The short form of a gate
 * needs one good run more than slow ones, the long form RUNS more.
 */
#include "soak/gates.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/time.h"
#include "bench/process.h"
#include "shell/clock.h"
#include "soak/bystander.h"
#include "soak/gate_auth.h"
#include "soak/gate_loads.h"
#include "soak/gate_tls.h"
#include "soak/preload.h"
#include "soak/turns/turns.h"
#include "soak/verdict.h"

#define LIBRARY "turns.so" /* beside this program */
#define P99_MOST (20 * TIME_MS)
#define LONGEST_MOST (100 * TIME_MS)
#define END_MOST TIME_SECOND
#define RUNS 3 /* how many more good runs than slow ones the long form of a gate needs */
#define LOADS_MOST 5
#define PATIENCE (120 * TIME_SECOND)
#define CALM_MS 100 /* the processor time of the server is looked at this often */
#define CALM_SLACK (20 * TIME_MS)
#define LEAST_MS 500 /* a run is measured at least as long */

struct gate {
    const char *name;
    bool quick;                         /* belongs to the short form; false: to the long form */
    bool auth;                          /* clients must send AUTH */
    unsigned rsa_bits;                  /* of the server's key; 0: no TLS */
    struct load_size loads[LOADS_MOST]; /* all happen at once */
};

static const struct gate gates[] = {
    {"gate-idle", true, false, 0, {{&load_none, 0, 0}}},
    {"gate-mpub-20", true, false, 0, {{&load_mpub, 200000, 20}}},
    {"gate-pubs-1000", true, false, 0, {{&load_pubs, 5957, 1000}}},
    {"gate-deferred", true, false, 0, {{&load_deferred, 500000, 1}}},
    {"gate-first", true, false, 0, {{&load_first, 2000000, 0}}},
    {"gate-tls-2048", true, false, 2048, {{&load_handshakes, 0, 200}}},
    {"gate-bodies", true, false, 0, {{&load_bodies, 0, 300}}},
    {"gate-identify", true, false, 0, {{&load_identify, 1 << 20, 0}}},
    {"gate-auth",
     true,
     true,
     0,
     {{&load_tokens, 0, 4}, {&load_classes, 0, 4}, {&load_matches, 3, 2}}},
    {"gate-posts", true, false, 0, {{&load_posts, 900, 50}}},
    {"gate-stats", true, false, 0, {{&load_stats, 10000, 100000}}},
    {"gate-term-4", true, false, 0, {{&load_shares, 1000000, 4}}},
    {"gate-five",
     true,
     false,
     2048,
     {{&load_mpub, 200000, 10},
      {&load_deferred, 200000, 1},
      {&load_first, 1000000, 0},
      {&load_handshakes, 0, 100},
      {&load_bodies, 0, 100}}},
    {"gate-idle", false, false, 0, {{&load_none, 0, 0}}},
    {"gate-mpub-5", false, false, 0, {{&load_mpub, 1000000, 5}}},
    {"gate-mpub-20", false, false, 0, {{&load_mpub, 1000000, 20}}},
    {"gate-mpub-60", false, false, 0, {{&load_mpub, 1000000, 60}}},
    {"gate-pubs-5000", false, false, 0, {{&load_pubs, 5957, 5000}}},
    {"gate-pubs-10000", false, false, 0, {{&load_pubs, 5957, 10000}}},
    {"gate-deferred", false, false, 0, {{&load_deferred, 3000000, 1}}},
    {"gate-first", false, false, 0, {{&load_first, 8000000, 0}}},
    {"gate-tls-2048", false, false, 2048, {{&load_handshakes, 0, 500}}},
    {"gate-tls-4096", false, false, 4096, {{&load_handshakes, 0, 500}}},
    {"gate-bodies", false, false, 0, {{&load_bodies, 0, 2000}}},
    {"gate-identify", false, false, 0, {{&load_identify, 5 << 20, 0}}},
    {"gate-auth",
     false,
     true,
     0,
     {{&load_tokens, 0, 20}, {&load_classes, 0, 20}, {&load_matches, 5, 10}}},
    {"gate-posts", false, false, 0, {{&load_posts, 900, 200}}},
    {"gate-stats", false, false, 0, {{&load_stats, 10000, 100000}}},
    {"gate-term-12", false, false, 0, {{&load_shares, 1000000, 12}}},
    {"gate-term-25", false, false, 0, {{&load_shares, 1000000, 25}}},
    {"gate-five",
     false,
     false,
     2048,
     {{&load_mpub, 1000000, 20},
      {&load_deferred, 2000000, 1},
      {&load_first, 4000000, 0},
      {&load_handshakes, 0, 500},
      {&load_bodies, 0, 1000}}},
};

/* What one run has measured. */
struct run {
    struct bystander_times times;
    uint64_t turns, too_long;
    int64_t prepare_ns; /* the longest turn before the load happened */
    int64_t turn_ns, handshake_ns, end_ns, acted_ns;
    int64_t peak_kib;
};

static struct scene scene;
static struct gate_auth auth_server; /* of a gate with `auth` */

/* --- one run ---------------------------------------------------------------------------------- */

static size_t count_loads(const struct gate *g)
{
    size_t n = 0;
    while (n < LOADS_MOST && g->loads[n].kind != NULL) {
        n++;
    }
    return n;
}

static void start_server(const struct gate *g, const char *program, const char *flag)
{
    char path[] = "/tmp/soak-key-XXXXXX";
    char cert[64];
    char key[64];
    char auth[64];
    const char *flags[6] = {NULL};
    size_t n = 0;
    if (flag != NULL) {
        flags[n++] = flag;
    }
    if (g->auth) {
        gate_auth_start(&auth_server);
        snprintf(auth, sizeof auth, "--auth-http-address=%s", auth_server.address);
        flags[n++] = auth;
    }
    if (g->rsa_bits > 0) {
        int fd = mkstemp(path);
        gate_tls_key(path, g->rsa_bits);
        close(fd);
        snprintf(cert, sizeof cert, "--tls-cert=%s", path);
        snprintf(key, sizeof key, "--tls-key=%s", path);
        flags[n++] = cert;
        flags[n++] = key;
    }
    scene_begin(&scene, g->name);
    scene_start(&scene, program, flags, 0, LOADS_MOST * GATE_CLIENTS);
    unlink(path);
}

static void turn(struct load *loads, size_t n)
{
    scene_turn(&scene);
    for (size_t i = 0; i < n; i++) {
        load_turn(&loads[i]);
    }
}

static void run_ms(struct load *loads, size_t n, int64_t ms)
{
    int64_t end = clock_now() + ms * TIME_MS;
    while (clock_now() < end) {
        turn(loads, n);
    }
}

/* Returns the processor time that the server uses in the next CALM_MS. */
static int64_t use_of(struct load *loads, size_t n)
{
    int64_t before = process_cpu(scene.server.pid);
    run_ms(loads, n, CALM_MS);
    return process_cpu(scene.server.pid) - before;
}

/* Runs until the server has nothing to do but to serve the bystander, which needs `idle` ns of each
 * CALM_MS. The server may have work left after its last answer. */
static void wait_until_calm(struct load *loads, size_t n, int64_t idle)
{
    int64_t end = clock_now() + PATIENCE;
    while (scene.why[0] == '\0' && server_lives(&scene.server) &&
           use_of(loads, n) > idle + CALM_SLACK) {
        if (clock_now() > end) {
            scene_fail(&scene, "the server does not become calm");
        }
    }
}

static bool are_over(const struct load *loads, size_t n)
{
    bool over = true;
    for (size_t i = 0; i < n; i++) {
        over = over && loads[i].size.kind->is_over(&loads[i]);
    }
    return over;
}

static void act(struct load *loads, size_t n, int64_t idle, struct run *run)
{
    int64_t start = clock_now();
    for (size_t i = 0; i < n; i++) {
        loads[i].size.kind->act(&loads[i]);
    }
    while (!are_over(loads, n) && scene.why[0] == '\0') {
        turn(loads, n);
        if (clock_now() > start + PATIENCE) {
            scene_fail(&scene, "the load is not answered");
        }
    }
    run->acted_ns = clock_now() - start;
    if (run->acted_ns < LEAST_MS * TIME_MS) {
        run_ms(loads, n, LEAST_MS);
    }
    wait_until_calm(loads, n, idle);
}

/* The turns so far do not count. The bystander causes turns, so the library notices this soon. */
static void begin_figures(struct load *loads, size_t n, struct turns *turns)
{
    int64_t end = clock_now() + PATIENCE;
    atomic_store(&turns->forget, 1);
    while (atomic_load(&turns->forget) != 0 && clock_now() < end) {
        turn(loads, n);
    }
}

static void take_turns(const struct turns *turns, struct run *run)
{
    run->turns = atomic_load(&turns->count);
    run->too_long = atomic_load(&turns->too_long);
    run->turn_ns = atomic_load(&turns->longest_ns);
    run->handshake_ns = atomic_load(&turns->handshake_ns);
}

/* Prints where the server was when turns became too long, as commands that tell it. */
static void print_stacks(const char *program, const struct turns *turns)
{
    for (unsigned i = 0; i < atomic_load(&turns->stacks); i++) {
        printf("  too long: addr2line -fspe %s", program);
        for (const uintptr_t *a = turns->stack[i]; *a != 0; a++) {
            if (*a >= turns->program && *a < turns->program + 0x1000000) {
                printf(" %" PRIxPTR, *a - turns->program - 1);
            }
        }
        printf("\n");
    }
}

static void run_once(const struct gate *g, const char *program, const char *flag, struct run *run)
{
    struct preload library;
    struct bystander bystander;
    struct load loads[LOADS_MOST];
    size_t n = count_loads(g);
    *run = (struct run){.turns = 0};
    preload_begin(&library, LIBRARY, "TURNS_COUNTS", sizeof(struct turns));
    struct turns *turns = library.shared;
    start_server(g, program, flag);
    preload_stop();
    for (size_t i = 0; i < n; i++) {
        load_begin(&loads[i], &g->loads[i], &scene, &scene.clients[i * GATE_CLIENTS]);
    }
    wait_until_calm(loads, n, 0);
    bystander_start(&bystander, scene.server.address, g->auth ? GATE_AUTH_PLAIN : NULL);
    int64_t idle = use_of(loads, n);
    run->prepare_ns = atomic_load(&turns->longest_ns);
    print_stacks(program, turns);
    begin_figures(loads, n, turns);
    act(loads, n, idle, run);
    take_turns(turns, run);
    print_stacks(program, turns);
    const char *why = bystander_end(&bystander, &run->times);
    if (why != NULL) {
        scene_fail(&scene, "the bystander: %s", why);
    }
    run->peak_kib = server_lives(&scene.server) ? process_memory(scene.server.pid, "VmHWM") : 0;
    int64_t start = clock_now();
    if (!server_end(&scene.server)) {
        scene_fail(&scene, "the server did not exit with 0");
    }
    run->end_ns = clock_now() - start;
    for (size_t i = 0; i < n; i++) {
        load_end(&loads[i]);
    }
    if (g->auth) {
        gate_auth_end(&auth_server);
    }
    close(scene.peers.epoll);
    alloc_free(scene.clients);
    preload_end(&library);
}

/* --- judgement -------------------------------------------------------------------------------- */

static double ms(int64_t ns)
{
    return (double)ns / (double)TIME_MS;
}

static void print_run(const struct gate *g, const struct run *r)
{
    double load[1] = {0};
    FILE *file = fopen("/proc/loadavg", "r");
    if (file == NULL || fscanf(file, "%lf", load) != 1) {
        load[0] = -1;
    }
    if (file != NULL) {
        fclose(file);
    }
    printf("  %-15s bystander %.2f / %.2f / %.1f ms of %" PRIu64 ", load done in %.0f ms, "
           "longest turn %.1f ms (before: %.1f), %" PRIu64 " of %" PRIu64
           " too long, handshake %.1f ms, "
           "SIGTERM %.0f ms, peak %" PRId64 " MiB, machine's load %.1f\n",
           g->name, ms(r->times.p50), ms(r->times.p99), ms(r->times.longest), r->times.messages,
           ms(r->acted_ns), ms(r->turn_ns), ms(r->prepare_ns), r->too_long, r->turns,
           ms(r->handshake_ns), ms(r->end_ns), r->peak_kib / SCENE_MIB, load[0]);
    fflush(stdout);
}

static bool is_good(const struct run *r)
{
    return r->too_long == 0 && r->prepare_ns <= TURNS_LIMIT_NS && r->times.p99 <= P99_MOST &&
           r->times.longest <= LONGEST_MOST && r->end_ns <= END_MOST;
}

static bool run_gate(const struct gate *g, const char *program, const char *flag)
{
    unsigned wanted = g->quick ? 1 : RUNS;
    unsigned good = 0;
    unsigned slow = 0;
    scene.why[0] = '\0';
    while (good < slow + wanted && slow < TOO_SLOW && scene.why[0] == '\0') {
        struct run run;
        run_once(g, program, flag, &run);
        print_run(g, &run);
        if (run.turns < run.times.messages / 2) { /* each message of the bystander needs one */
            scene_fail(&scene, "the library does not see the turns of the server");
        }
        good += is_good(&run);
        slow += !is_good(&run);
    }
    bool held = scene.why[0] == '\0' && slow < TOO_SLOW;
    printf("%s %s%s%s\n", held ? "ok  " : "FAIL", g->name, scene.why[0] != '\0' ? ": " : "",
           scene.why);
    fflush(stdout);
    return held;
}

void gates_run(const char *program, const char *only, bool quick, const char *flag,
               unsigned *passed, unsigned *failed)
{
    for (size_t i = 0; i < sizeof gates / sizeof gates[0]; i++) {
        if (gates[i].quick == quick && (only == NULL || fnmatch(only, gates[i].name, 0) == 0)) {
            bool good = run_gate(&gates[i], program, flag);
            *passed += good;
            *failed += !good;
        }
    }
}
