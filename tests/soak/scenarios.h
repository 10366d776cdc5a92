/* SPDX-License-Identifier: MIT */
/*
 * The scenarios of `make soak`. Each starts a server of its own, loads it for `ns` while a probe
 * measures what its other clients notice, prints one line, and says whether all was as it must be.
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
bool soak_mixed(const char *program, int64_t ns, uint64_t seed);

#endif
