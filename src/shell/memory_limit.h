/* SPDX-License-Identifier: MIT */
/*
 * Owns: how much memory this process may use. The machine's memory is not the only limit: a
 * container has a control group with a smaller limit, and a service manager may set RLIMIT_AS. If
 * the process uses more than such a limit, it is killed, or an allocation fails. Must not know:
 * what the memory is used for.
 */
#ifndef SHELL_MEMORY_LIMIT_H
#define SHELL_MEMORY_LIMIT_H

#include <stddef.h>

/* Returns the smallest memory limit (bytes) of the control groups that this process is in: its own
 * groups and all groups above them, of version 1 and version 2. Returns SIZE_MAX when there is no
 * limit, or when the files do not exist. `root` is the folder that contains proc and sys/fs/cgroup;
 * it is "" except in tests. */
size_t memory_limit_of_groups(const char *root);

/* Returns how many bytes of memory this process may use: the smallest of the machine's memory, the
 * limit of its control groups, and RLIMIT_AS. */
size_t memory_limit(const char *root);

#endif
