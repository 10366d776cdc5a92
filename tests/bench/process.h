/* SPDX-License-Identifier: MIT */
/*
 * Owns: what the kernel reports about a process, mostly a server under load: CPU time, memory, file
 * descriptors, wake-ups; and how a client of such a server gives up. Must not know: sockets, NSQ.
 */
#ifndef TESTS_BENCH_PROCESS_H
#define TESTS_BENCH_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

/* Ends this process with a line on standard error. All functions below do so if the process does
 * not exist. */
_Noreturn void process_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* CPU time of all threads since the process began, in ns. */
int64_t process_cpu(pid_t pid);

/* The value of a line of /proc/PID/status, in KiB: "VmRSS", or "VmHWM" for the peak. */
int64_t process_memory(pid_t pid, const char *name);

/* Open descriptors. */
int64_t process_descriptors(pid_t pid);

/* How often its threads went to sleep and were woken: the voluntary context switches of the threads
 * that exist now. */
int64_t process_wakeups(pid_t pid);

#endif
