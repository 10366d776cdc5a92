/* SPDX-License-Identifier: MIT */
/*
 * Owns: the scenario of failing system calls: the mixed load on a server into which a preloaded
 * library injects faults, with both waiters, in clear and with TLS. Must not know: what the faults
 * do in the server.
 *
 * The server may end a connection only if epoll_ctl did not add its socket. Nothing was served on
 * it then.
 */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "soak/faults/inject.h"
#include "soak/mixed.h"
#include "soak/preload.h"
#include "soak/scenarios.h"

#define LIBRARY "faults.so" /* beside this program */
#define LIFE_MS 20          /* ms between two kills, on average */

/* Of FAULT_ALL calls. EMFILE makes the server pause for up to 100 ms, and so does poll's ENOMEM. */
static const char rates[] = "2000,2000,20000,20000,30000,200,10000";

static const char *const names[FAULT_KINDS] = {
    "EINTR", "EAGAIN", "short reads", "short writes", "accept", "poll", "epoll_ctl",
};

/* Makes the programs that this process starts load the library. */
static void preload(struct preload *p, uint64_t seed)
{
    char number[32];
    preload_begin(p, LIBRARY, "FAULTS_COUNTS", sizeof(struct fault_counts));
    snprintf(number, sizeof number, "%" PRIu64, seed);
    setenv("FAULTS_SEED", number, 1);
    setenv("FAULTS_RATES", rates, 1);
}

static bool check_counts(const char *name, const struct fault_counts *counts, bool with_epoll)
{
    bool good = true;
    printf("%s: injected", name);
    for (int i = 0; i < FAULT_KINDS; i++) {
        uint64_t n = atomic_load(&counts->of[i]);
        printf("%s %" PRIu64 " %s", i > 0 ? "," : "", n, names[i]);
        good = good && (n > 0 || i == (with_epoll ? FAULT_POLL : FAULT_EPOLL_ADD));
    }
    printf("; %" PRId64 " connections refused\n", mixed_ended());
    if (!good) {
        printf("%s: FAILED: one kind of fault was never injected\n", name);
    }
    if (mixed_ended() > (int64_t)atomic_load(&counts->of[FAULT_EPOLL_ADD])) {
        printf("%s: FAILED: the server ended more connections than epoll_ctl refused\n", name);
        good = false;
    }
    return good;
}

static bool run(const char *program, int64_t ns, uint64_t seed, bool with_epoll)
{
    const char *flags[] = {"--msg-timeout=1s",
                           "--log-level=fatal",
                           "--tls-cert=tests/conformance/tls/cert.pem",
                           "--tls-key=tests/conformance/tls/key.pem",
                           with_epoll ? "--waiter=epoll" : "--waiter=poll",
                           NULL};
    const struct mixed_plan plan = {.name = with_epoll ? "faults, epoll" : "faults, poll",
                                    .flags = flags,
                                    .life_ms = LIFE_MS,
                                    .tls = true,
                                    .disturbed = true};
    struct preload library;
    preload(&library, seed);
    bool good = mixed_run(&plan, program, ns, seed);
    preload_stop();
    good = check_counts(plan.name, library.shared, with_epoll) && good;
    preload_end(&library);
    return good;
}

enum verdict soak_faults(const char *program, int64_t ns, uint64_t seed)
{
    bool good = run(program, ns / 2, seed, false);
    return run(program, ns / 2, seed, true) && good ? CORRECT : WRONG;
}
