/* SPDX-License-Identifier: MIT */
/*
 * Owns: what is checked of the reports to statsd: the form of each datagram, and the memory of the
 * rows. Must not know: when reports are made, clients.
 */
#ifndef FUZZ_ENGINE_STATSD_H
#define FUZZ_ENGINE_STATSD_H

#include "api/statsd.h"

/* The reports of an engine: every 3 s, in small datagrams, with all lines. */
struct statsd_config engine_statsd_config(void);

/* A datagram has whole lines, and as many bytes as the packet size allows, or one line. */
void engine_statsd_check(struct span datagram);

/* Returns what the rows cost the memory budget. */
size_t engine_statsd_cost(const struct statsd *statsd);

#endif
