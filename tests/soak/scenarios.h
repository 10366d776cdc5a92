/* SPDX-License-Identifier: MIT */
/*
 * The scenarios of `make soak`. Each starts its own server and loads it for `ns`, while a probe
 * measures what other clients notice, and prints one line.
 */
#ifndef TESTS_SOAK_SCENARIOS_H
#define TESTS_SOAK_SCENARIOS_H

#include <stdint.h>

#include "soak/verdict.h"

enum verdict soak_consumers(const char *program, int64_t ns, uint64_t seed);
enum verdict soak_publisher(const char *program, int64_t ns, uint64_t seed);
enum verdict soak_slow(const char *program, int64_t ns, uint64_t seed);
enum verdict soak_leave(const char *program, int64_t ns, uint64_t seed);
enum verdict soak_descriptors(const char *program, int64_t ns, uint64_t seed);
enum verdict soak_rubbish(const char *program, int64_t ns, uint64_t seed);
enum verdict soak_cap(const char *program, int64_t ns, uint64_t seed);
enum verdict soak_space(const char *program, int64_t ns, uint64_t seed);
enum verdict soak_sizes(const char *program, int64_t ns, uint64_t seed);
enum verdict soak_deaf(const char *program, int64_t ns, uint64_t seed);
enum verdict soak_waiting(const char *program, int64_t ns, uint64_t seed);
enum verdict soak_pause(const char *program, int64_t ns, uint64_t seed);
enum verdict soak_faults(const char *program, int64_t ns, uint64_t seed);
enum verdict soak_mixed(const char *program, int64_t ns, uint64_t seed);

#endif
