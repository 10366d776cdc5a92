/* SPDX-License-Identifier: MIT */
/*
 * Owns: the scenario of failing system calls: the mixed load on a server into which a preloaded
 * library injects faults, with both waiters, in clear and with TLS. Must not know: what the faults
 * do in the server.
 *
 * The server may end a connection only if epoll_ctl did not add its socket. Nothing was served on
 * it then.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/process.h"
#include "soak/faults/inject.h"
#include "soak/mixed.h"
#include "soak/scenarios.h"

#define LIBRARY "faults.so" /* beside this program */
#define PATH_MOST 4096
#define LIFE_MS 20 /* ms between two kills, on average */

/* Of FAULT_ALL calls. EMFILE makes the server pause for up to 100 ms, and so does poll's ENOMEM. */
static const char rates[] = "2000,2000,20000,20000,30000,200,10000";

static const char *const names[FAULT_KINDS] = {
    "EINTR", "EAGAIN", "short reads", "short writes", "accept", "poll", "epoll_ctl",
};

/* The counts are in a file that the server inherits as a descriptor. */
static struct fault_counts *share_counts(int *shared_fd)
{
    char name[] = "/tmp/soak-counts-XXXXXX";
    char number[16];
    int fd = mkstemp(name);
    struct fault_counts *counts = MAP_FAILED;
    if (fd >= 0 && unlink(name) == 0 && ftruncate(fd, sizeof *counts) == 0) {
        counts = mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    if (counts == MAP_FAILED) {
        process_die("%s: %s", name, strerror(errno));
    }
    snprintf(number, sizeof number, "%d", fd);
    setenv("FAULTS_COUNTS", number, 1);
    *shared_fd = fd;
    return counts;
}

/* Makes the programs that this process starts load the library. */
static void preload(uint64_t seed)
{
    char path[PATH_MOST];
    char number[32];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - sizeof LIBRARY);
    while (n > 0 && path[n - 1] != '/') {
        n--;
    }
    strcpy(path + (n > 0 ? n : 0), LIBRARY);
    if (access(path, R_OK) != 0) {
        process_die("%s: %s", path, strerror(errno));
    }
    snprintf(number, sizeof number, "%" PRIu64, seed);
    setenv("LD_PRELOAD", path, 1);
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
                           "--http-address=127.0.0.1:0",
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
    int fd;
    struct fault_counts *counts = share_counts(&fd);
    preload(seed);
    bool good = mixed_run(&plan, program, ns, seed);
    unsetenv("LD_PRELOAD");
    good = check_counts(plan.name, counts, with_epoll) && good;
    munmap(counts, sizeof *counts);
    close(fd);
    return good;
}

bool soak_faults(const char *program, int64_t ns, uint64_t seed)
{
    bool good = run(program, ns / 2, seed, false);
    return run(program, ns / 2, seed, true) && good;
}
