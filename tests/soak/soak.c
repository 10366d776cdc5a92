/* SPDX-License-Identifier: MIT */
/*
 * Runs the scenarios one after another, through real sockets. The last line is "N passed, N
 * failed".
 *
 *     soak PROGRAM [--only=NAME] [--seconds=N] [--seed=N] [--gates=PATTERN] [--quick | --large]
 *          [--flag=FLAG]
 *
 * --seconds: the time of each scenario, in place of its own default. --gates: only the gates of
 * soak/gates.h whose names match. --quick, --large (the default): with smaller loads or with all.
 * --flag: a further flag of the servers of gates.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/time.h"
#include "bench/process.h"
#include "soak/gates.h"
#include "soak/scenarios.h"

typedef enum verdict scenario(const char *program, int64_t ns, uint64_t seed);

static const struct {
    const char *name;
    scenario *run;
    int64_t seconds;
} scenarios[] = {
    {"consumers", soak_consumers, 10},
    {"publisher", soak_publisher, 10},
    {"slow", soak_slow, 10},
    {"leave", soak_leave, 10},
    {"descriptors", soak_descriptors, 10},
    {"rubbish", soak_rubbish, 10},
    {"cap", soak_cap, 10},
    {"space", soak_space, 10},
    {"sizes", soak_sizes, 10},
    {"deaf", soak_deaf, 10},
    {"waiting", soak_waiting, 10},
    {"pause", soak_pause, 10},
    {"faults", soak_faults, 240},
    {"mixed", soak_mixed, 600},
};

/* The server inherits this limit. */
static void raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* The value if arg is "--NAME=VALUE", else NULL. */
static const char *value_of(const char *arg, const char *name)
{
    size_t n = strlen(name);
    return strncmp(arg, name, n) == 0 ? arg + n : NULL;
}

/* Plays a scenario until it is judged (soak/verdict.h). */
static bool is_correct(scenario *run, const char *program, int64_t ns, uint64_t seed)
{
    unsigned good = 0;
    unsigned slow = 0;
    while (good <= slow && slow < TOO_SLOW) {
        enum verdict verdict = run(program, ns, seed);
        if (verdict == WRONG) {
            return false;
        }
        good += verdict == CORRECT;
        slow += verdict == SLOW;
        if (slow > 0) {
            printf(
                "     good runs: %u, runs that were too slow, perhaps because of other programs: "
                "%u\n",
                good, slow);
        }
        fflush(stdout);
    }
    return slow < TOO_SLOW;
}

int main(int argc, char **argv)
{
    const char *only = NULL;
    const char *gates = NULL;
    const char *flag = NULL;
    bool quick = false;
    int64_t seconds = 0;
    uint64_t seed = 1;
    unsigned passed = 0;
    unsigned failed = 0;
    for (int i = 2; i < argc; i++) {
        const char *value;
        if ((value = value_of(argv[i], "--only=")) != NULL) {
            only = value;
        } else if ((value = value_of(argv[i], "--gates=")) != NULL) {
            gates = value;
        } else if ((value = value_of(argv[i], "--flag=")) != NULL) {
            flag = value;
        } else if (strcmp(argv[i], "--quick") == 0 || strcmp(argv[i], "--large") == 0) {
            quick = strcmp(argv[i], "--quick") == 0;
        } else if ((value = value_of(argv[i], "--seconds=")) != NULL) {
            seconds = strtoll(value, NULL, 10);
        } else if ((value = value_of(argv[i], "--seed=")) != NULL) {
            seed = strtoull(value, NULL, 10);
        } else {
            process_die("see the head of tests/soak/soak.c");
        }
    }
    if (argc < 2) {
        process_die("see the head of tests/soak/soak.c");
    }
    signal(SIGPIPE, SIG_IGN);
    raise_descriptors();
    for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++) {
        if (gates == NULL && (only == NULL || strcmp(only, scenarios[i].name) == 0)) {
            int64_t s = seconds > 0 ? seconds : scenarios[i].seconds;
            bool good =
                is_correct(scenarios[i].run, argv[1], s * TIME_SECOND, seed == 0 ? 1 : seed);
            passed += good;
            failed += !good;
        }
    }
    if (only == NULL) {
        gates_run(argv[1], gates, quick, flag, &passed, &failed);
    }
    if (passed + failed == 0) {
        process_die("there is no scenario or gate '%s'", only != NULL ? only : gates);
    }
    printf("%u passed, %u failed\n", passed, failed);
    return failed > 0;
}
