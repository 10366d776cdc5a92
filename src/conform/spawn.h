/* SPDX-License-Identifier: MIT */
/*
 * Owns: servers under test that are started and stopped here: their processes, folders and ports.
 * Must not know: which cases they are for.
 */
#ifndef CONFORM_SPAWN_H
#define CONFORM_SPAWN_H

#include <sys/types.h>

#include "base/buf.h"
#include "conform/files.h"
#include "shell/socket.h"

enum spawn_state {
    SPAWN_STARTING,
    SPAWN_READY,   /* it accepts connections at `address` */
    SPAWN_REFUSED, /* it ended, or was not ready in time; see `why` */
};

struct spawn {
    enum spawn_state state;
    pid_t pid;      /* of the server; 0: not running */
    pid_t auth_pid; /* of the auth server for {auth} in its flags; 0: none */
    char folder[FILES_PATH_MAX];
    char log[FILES_PATH_MAX + 16]; /* the file with its stdout and stderr */
    char address[SOCKET_ADDRESS_MAX];
    struct buf why;
};

/* What replaces {port}, {dir}, {suite} and {auth} in a command and its flags. */
struct spawn_places {
    const char *port;
    const char *dir;
    const char *suite; /* the folder of the cases */
    const char *auth;  /* the address of an auth server; see conform/auth_server.h */
};

/* Starts a command. It is split into words as a shell would, but no shell runs it. {flags} becomes
 * the flags; then {port} and the others are replaced. */
void spawn_start(struct spawn *s, const char *command, struct span flags, const char *suite);

/* Waits until each server is ready or refused, or until *end_fd is readable (NULL: never). */
void spawn_wait(struct spawn *servers, size_t n, const int *end_fd);

/* Whether the server still runs. If not, `why` says how it ended. */
bool spawn_runs(struct spawn *s);

/* Asks all servers to end, waits, kills those that still run, and removes their folders. */
void spawn_stop(struct spawn *servers, size_t n);

/* Appends the command that would be run. */
void spawn_command(const char *command, struct span flags, const struct spawn_places *places,
                   struct buf *out);

#endif
