/* SPDX-License-Identifier: MIT */
/*
 * Owns: servers under test that this program starts and stops: their processes, folders and TCP
 * ports. Must not know: which cases use the servers.
 */
#ifndef CONFORM_SPAWN_H
#define CONFORM_SPAWN_H

#include <sys/types.h>

#include "base/buf.h"
#include "conform/files.h"
#include "shell/socket.h"

enum spawn_state {
    SPAWN_STARTING,
    SPAWN_READY,   /* the server accepts connections at `address` */
    SPAWN_REFUSED, /* the process ended, or was not ready in time; `why` has the reason */
};

struct spawn {
    enum spawn_state state;
    pid_t pid;      /* process id of the server; 0: not running */
    pid_t auth_pid; /* process id of the auth server for {auth} in the flags; 0: there is none */
    char folder[FILES_PATH_MAX];
    char log[FILES_PATH_MAX + 16]; /* the file with the server's stdout and stderr */
    char address[SOCKET_ADDRESS_MAX];
    struct buf why;
};

/* The texts that replace {port}, {dir}, {suite} and {auth} in a command and its flags. */
struct spawn_places {
    const char *port;
    const char *dir;
    const char *suite; /* the folder of the cases */
    const char *auth;  /* the address of an auth server; see conform/auth_server.h */
};

/* Starts a command. {flags} in the command is replaced by the flags. Then {port}, {dir}, {suite}
 * and {auth} are replaced. The command is split into words by the rules of a shell, but no shell
 * runs.
 */
void spawn_start(struct spawn *s, const char *command, struct span flags, const char *suite);

/* Waits until each server is ready or refused. If end_fd is not NULL, also stops waiting when
 * *end_fd becomes readable. */
void spawn_wait(struct spawn *servers, size_t n, const int *end_fd);

/* Returns true if the server still runs. Otherwise `why` says how the server ended. */
bool spawn_runs(struct spawn *s);

/* Stops all servers: sends SIGTERM, waits, kills the servers that still run, and removes their
 * folders. */
void spawn_stop(struct spawn *servers, size_t n);

/* Appends the command that spawn_start would run, as one text. */
void spawn_command(const char *command, struct span flags, const struct spawn_places *places,
                   struct buf *out);

#endif
