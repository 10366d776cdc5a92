/* SPDX-License-Identifier: MIT */
/*
 * Owns: a server under test that is started and stopped here: its process, its folder, its port.
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
    SPAWN_REFUSED, /* it ended before that, or never came so far; `why` */
};

struct spawn {
    enum spawn_state state;
    pid_t pid;      /* 0: not running */
    pid_t auth_pid; /* of the auth server that its flags name; 0: none */
    char folder[FILES_PATH_MAX];
    char log[FILES_PATH_MAX + 16]; /* what it says on stdout and stderr */
    char address[SOCKET_ADDRESS_MAX];
    struct buf why;
};

/* What the places {port}, {dir}, {suite} and {auth} of a command and its flags stand for. */
struct spawn_places {
    const char *port;
    const char *dir;
    const char *suite; /* the folder of the cases */
    const char *auth;  /* the address of an auth server; see conform/auth_server.h */
};

/* Starts a command: words as a shell splits them, without a shell. {flags} becomes the flags, then
 * the places are filled. */
void spawn_start(struct spawn *s, const char *command, struct span flags, const char *suite);

/* Waits until all of them are ready or refused, or *end_fd is readable (NULL: never). */
void spawn_wait(struct spawn *servers, size_t n, const int *end_fd);

/* Whether it still runs; if not, `why` says how it ended. */
bool spawn_runs(struct spawn *s);

/* Asks all of them to end, waits, ends them, and removes their folders. */
void spawn_stop(struct spawn *servers, size_t n);

/* Appends the command that would be run. */
void spawn_command(const char *command, struct span flags, const struct spawn_places *places,
                   struct buf *out);

#endif
