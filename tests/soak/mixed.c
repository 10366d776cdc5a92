/* SPDX-License-Identifier: MIT */
/*
 * Owns: the mixed load: publishers and consumers on two channels are killed at random moments, and
 * a tally says what became of every message. This file decides when they publish and die, how the
 * run ends, and what it is judged by. Must not know: what a client sends.
 */
#include "soak/mixed.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/time.h"
#include "bench/process.h"
#include "shell/clock.h"
#include "soak/mixed_clients.h"
#include "soak/scenarios.h"

#define DRAINERS 4
#define RATE 2500 /* messages a second */
#define QUIET                                                                                      \
    (MSG_TIMEOUT + DELAY + 2000)    /* ms without a message, after which no more can arrive */
#define LIFE_MS 60                  /* ms between two kills, on average */
#define PATIENCE (30 * TIME_SECOND) /* the longest wait for something that must end by itself */
#define DRAIN_MOST (2 * TIME_MINUTE)
#define WARM_UP (5 * TIME_SECOND) /* after this, memory must not grow */
#define PROBE_P99 (50 * TIME_MS)
/* KiB by which the resident memory may be larger at the end than after the warm-up: malloc's
 * fragments and the peak of a backlog, which was 1 MiB when measured. A leak of 3 bytes for each
 * message exceeds this in ten minutes. */
#define RSS_SLACK 4096

static bool probing;

static void turn(void)
{
    peers_turn(&mix.peers, 2);
    if (probing) {
        probe_turn(&mix.probe);
    }
    for (unsigned i = 0; i < CONSUMERS; i++) {
        if (mix.clients[i].peer.fd >= 0) {
            mixed_consume(&mix.clients[i]);
        }
    }
}

/* Replaces consumers that have sent CLS and know what became of all their messages. */
static void replace_ended(void)
{
    for (unsigned i = 0; i < CONSUMERS; i++) {
        if (mix.clients[i].stage == ENDED) {
            mixed_end(&mix.clients[i]);
            mixed_begin(i);
        }
    }
}

static void publish_due(void)
{
    int64_t due = (clock_now() - mix.start) * RATE / TIME_SECOND;
    for (unsigned tries = 0; tries < PUBLISHERS && mix.paced < due; tries++) {
        struct mixed_client *c = &mix.clients[CONSUMERS + mixed_below(PUBLISHERS)];
        if (c->stage == JOINED && c->command_count < WINDOW &&
            mix.tally.count < TALLY_MOST - BATCH) {
            uint32_t before = mix.tally.count;
            mixed_publish(c);
            mix.paced += mix.tally.count - before;
        }
    }
}

static void kill_due(unsigned life_ms)
{
    if (clock_now() >= mix.next_kill) {
        mix.next_kill = clock_now() + mixed_below(2 * life_ms) * TIME_MS;
        mixed_kill(mixed_below(CLIENTS));
    }
}

/* Runs until `done`. False: it took too long, or something failed. */
static bool turn_until(bool (*done)(void), int64_t most, const char *what)
{
    int64_t end_at = clock_now() + most;
    while (!mixed_failed() && !done()) {
        turn();
        if (clock_now() > end_at) {
            tally_fail(&mix.tally, "stuck: %s", what);
        }
    }
    return !mixed_failed();
}

static bool all_joined(void)
{
    for (unsigned i = 0; i < CLIENTS; i++) {
        if (mix.clients[i].peer.fd >= 0 && mix.clients[i].stage < JOINED) {
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
        if (mix.clients[i].stage < JOINED || mix.clients[i].action_count > 0) {
            return false;
        }
    }
    return mixed_now() - mix.heard > QUIET;
}

/* All clients connect. Both channels must exist before anything is published. */
static bool join_all(void)
{
    for (unsigned i = 0; i < CLIENTS; i++) {
        mix.clients[i].peer.fd = -1;
    }
    for (unsigned i = 0; i < CLIENTS && !mixed_failed(); i++) {
        mixed_begin(i);
    }
    return turn_until(all_joined, PATIENCE, "SUB");
}

/* Loads the server for `ns`. Returns the resident KiB after the warm-up. */
static int64_t load_for(int64_t ns, unsigned life_ms)
{
    int64_t resident = 0;
    int64_t warm = mix.start + time_earlier(WARM_UP, ns / 2);
    while (!mixed_failed() && clock_now() < mix.start + ns) {
        turn();
        replace_ended();
        publish_due();
        kill_due(life_ms);
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
            mixed_end(&mix.clients[i]);
        }
    }
}

/* Ends publishing and consumes what is left. Returns how many FINs remained in doubt. */
static int64_t drain(void)
{
    if (!turn_until(all_answered, PATIENCE, "publishers wait for answers")) {
        return 0;
    }
    end_all();
    mix.draining = true;
    mix.heard = mixed_now();
    for (unsigned i = 0; i < DRAINERS; i++) {
        mixed_begin(i);
    }
    return turn_until(all_quiet, DRAIN_MOST, "messages do not stop arriving")
               ? tally_settle(&mix.tally)
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

struct resources {
    int64_t descriptors;
    int64_t resident; /* KiB, after the warm-up */
    int64_t resident_end;
    int64_t resident_peak;
    int64_t doubts;
};

/* Checks descriptors and memory of the server after all clients have left. */
static void check_resources(struct resources *b)
{
    if (!server_lives(&mix.server)) {
        tally_fail(&mix.tally, "the server is gone");
        return;
    }
    if (!descriptors_gone(b->descriptors)) {
        tally_fail(&mix.tally, "%" PRId64 " descriptors are open, %" PRId64 " were at the start",
                   process_descriptors(mix.server.pid), b->descriptors);
    }
    b->resident_end = process_memory(mix.server.pid, "VmRSS");
    b->resident_peak = process_memory(mix.server.pid, "VmHWM");
    if (probing && b->resident_end > b->resident + RSS_SLACK) {
        tally_fail(&mix.tally, "%" PRId64 " KiB resident, %" PRId64 " after the warm-up",
                   b->resident_end, b->resident);
    }
}

static void check_probe(void)
{
    if (!probe_end(&mix.probe)) {
        tally_fail(&mix.tally, "the probe: %s", mix.probe.broken);
    }
    if (probe_p99(&mix.probe) >= PROBE_P99) {
        tally_fail(&mix.tally, "p99 of the probe is %.1f ms",
                   (double)probe_p99(&mix.probe) / (double)TIME_MS);
    }
}

static void print_line(const char *name, const struct resources *b, uint64_t seed)
{
    const struct tally *t = &mix.tally;
    const double ms = (double)TIME_MS;
    printf("%s: %u messages, %" PRId64 " deliveries, %" PRId64 " kills, %" PRId64
           " requeues, %" PRId64 " time-outs, %" PRId64 " too late, %" PRId64 " in doubt; ",
           name, t->count, t->deliveries, mix.kills, t->requeues, t->timeouts, mix.refused,
           b->doubts);
    if (probing) {
        printf("probe p50 %.2f p99 %.2f max %.2f ms; ", (double)probe_p50(&mix.probe) / ms,
               (double)probe_p99(&mix.probe) / ms, (double)probe_max(&mix.probe) / ms);
    }
    printf("RSS %" PRId64 " -> %" PRId64 " (peak %" PRId64 ") KiB\n", b->resident, b->resident_end,
           b->resident_peak);
    if (mixed_failed()) {
        printf("%s: FAILED, seed %" PRIu64 ": %s\n", name, seed, t->why);
    }
}

static void begin(const struct mixed_plan *plan, uint64_t seed)
{
    const struct tls_client_settings any_server = {.min_version = TLS_1_2};
    struct buf why = {0};
    memset(&mix, 0, sizeof mix);
    mix.random = seed | 1; /* xorshift cannot leave 0 */
    mix.may_refuse = plan->disturbed;
    mix.tally.timeout = MSG_TIMEOUT;
    mix.tally.seed = seed;
    if (!mixed_init()) {
        process_die("the system has no epoll");
    }
    if (plan->tls && (mix.tls = tls_client_new(&any_server, &why)) == NULL) {
        process_die("%.*s", (int)why.n, (const char *)buf_span(&why).p);
    }
    probing = !plan->disturbed;
}

bool mixed_run(const struct mixed_plan *plan, const char *program, int64_t ns, uint64_t seed)
{
    struct resources resources = {0};
    begin(plan, seed);
    server_start(&mix.server, program, plan->flags, 0);
    peers_turn(&mix.peers, 200); /* by then the connection that tested the start is closed */
    resources.descriptors = process_descriptors(mix.server.pid);
    mix.start = clock_now();
    if (probing) {
        probe_start(&mix.probe, mix.server.address);
    }
    if (join_all()) {
        mix.start = clock_now();
        resources.resident = load_for(ns, plan->life_ms);
        resources.doubts = drain();
    }
    end_all();
    if (probing) {
        check_probe();
    }
    check_resources(&resources);
    if (!server_end(&mix.server)) {
        tally_fail(&mix.tally, "the server did not exit with 0 in time");
    }
    print_line(plan->name, &resources, seed);
    if (probing) {
        probe_free(&mix.probe);
    }
    close(mix.peers.epoll);
    tls_free(mix.tls);
    bool good = !mixed_failed();
    tally_free(&mix.tally);
    return good;
}

int64_t mixed_ended(void)
{
    return mix.ended;
}

enum verdict soak_mixed(const char *program, int64_t ns, uint64_t seed)
{
    /* The limit is small: bodies whose memory were never released would fill it in a minute or two.
     */
    static const char *const flags[] = {"--msg-timeout=1s", "--mem-queue-bytes=16777216",
                                        "--log-level=fatal", NULL};
    const struct mixed_plan plan = {.name = "mixed", .flags = flags, .life_ms = LIFE_MS};
    return mixed_run(&plan, program, ns, seed) ? CORRECT : WRONG;
}
