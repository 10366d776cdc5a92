/* SPDX-License-Identifier: MIT */
/*
 * Owns: the translation of signals into a descriptor that can be polled. SIGINT and SIGTERM request
 * a graceful exit. SIGPIPE, SIGUSR1 and SIGUSR2 do nothing, as in upstream's nsqd.
 *
 * The process that starts this one may have ignored or blocked signals. As in upstream's nsqd this
 * has no effect, with one exception: a SIGHUP that is ignored at the start stays ignored.
 */
#ifndef SHELL_SIGNALS_H
#define SHELL_SIGNALS_H

/* Installs the signal handlers for the whole process. Must be called only once. Returns a
 * descriptor that becomes readable when a signal requests the exit. The descriptor stays open until
 * the process ends. Returns -1 with errno on failure. */
int signals_open(void);

#endif
