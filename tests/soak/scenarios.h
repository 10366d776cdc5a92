/* SPDX-License-Identifier: MIT */
/*
 * The scenarios of `make soak`. Each starts its own server and loads it for `ns`, while a probe
 * measures what other clients notice. It prints one line, and returns whether everything was
 * correct.
 */
#ifndef TESTS_SOAK_SCENARIOS_H
#define TESTS_SOAK_SCENARIOS_H

#include <stdbool.h>
#include <stdint.h>

bool soak_consumers(const char *program, int64_t ns, uint64_t seed);
bool soak_publisher(const char *program, int64_t ns, uint64_t seed);
bool soak_slow(const char *program, int64_t ns, uint64_t seed);
bool soak_leave(const char *program, int64_t ns, uint64_t seed);
bool soak_descriptors(const char *program, int64_t ns, uint64_t seed);
bool soak_rubbish(const char *program, int64_t ns, uint64_t seed);
bool soak_cap(const char *program, int64_t ns, uint64_t seed);
bool soak_space(const char *program, int64_t ns, uint64_t seed);
bool soak_sizes(const char *program, int64_t ns, uint64_t seed);
bool soak_deaf(const char *program, int64_t ns, uint64_t seed);
bool soak_waiting(const char *program, int64_t ns, uint64_t seed);
bool soak_pause(const char *program, int64_t ns, uint64_t seed);
bool soak_faults(const char *program, int64_t ns, uint64_t seed);
bool soak_mixed(const char *program, int64_t ns, uint64_t seed);

#endif
