/* SPDX-License-Identifier: MIT */
/*
 * Owns: the translation of signals into a descriptor to poll. SIGINT and SIGTERM ask for a graceful
 * end; SIGPIPE, SIGUSR1 and SIGUSR2 do nothing, as in nsqd.
 */
#ifndef SHELL_SIGNALS_H
#define SHELL_SIGNALS_H

/* Installs the handlers for the whole process; call it once. Returns a descriptor that becomes
 * readable when a signal asks for the end, or -1 with errno. It stays open until the process ends.
 */
int signals_open(void);

#endif
