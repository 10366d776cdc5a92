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
#include "conform/ports.h"
#include "shell/socket.h"

/* If another process has taken the port of a server, the server is started again at another port.
 * This is the largest number of attempts to start it. */
#define SPAWN_TRIES_MAX 3

enum spawn_state {
    SPAWN_STARTING,
    SPAWN_READY,   /* the server accepts connections at `address` */
    SPAWN_REFUSED, /* the server itself ended with an exit code before it was ready, for example
                      because it does not know a flag; `why` has the reason */
    SPAWN_FAILED,  /* the server was not ready soon enough, or ended in another way; `why` has the
                    * reason */
};

struct spawn {
    enum spawn_state state;
    const char *command; /* this field and the next two are borrowed; they are needed for another
                          * start */
    struct span flags;
    const char *suite;
    const char *lookupds[2]; /* for {lookupd} and {lookupd2}; borrowed */
    unsigned tries;          /* how often this server was started */
    struct port port;        /* for {port} */
    struct port http_port;   /* for {http-port} */
    struct port https_port;  /* for {https-port} */
    pid_t pid;      /* id of the server's process and of its process group; 0: not running */
    pid_t auth_pid; /* process id of the auth server for {auth} in the flags; 0: there is none */
    char auth[SOCKET_ADDRESS_MAX]; /* the address of that auth server */
    char folder[FILES_PATH_MAX];
    char log[FILES_PATH_MAX + 16]; /* the file with the server's stdout and stderr */
    char address[SOCKET_ADDRESS_MAX];
    char http_address[SOCKET_ADDRESS_MAX]; /* empty: the server has none */
    char https_address[SOCKET_ADDRESS_MAX];
    struct buf why;
};

/* The texts that replace {port}, {http-port} and so on in a command and its flags. */
struct spawn_places {
    const char *port;
    const char *http_port;
    const char *https_port;
    const char *dir;
    const char *suite; /* the folder of the cases; spawn_start makes it absolute */
    const char *auth;  /* the address of an auth server; see conform/auth_server.h */
    const char *lookupd;
    const char *lookupd2; /* the addresses of scripted nsqlookupds */
};

/* Some servers play no case that has scripted nsqlookupds. In their flags, {lookupd} and {lookupd2}
 * become this address. Nobody listens there. */
#define SPAWN_NO_LOOKUPD "127.0.0.1:1"

/* Starts a command. {flags} in the command is replaced by the flags. Then {port}, {http-port},
 * {https-port}, {dir}, {suite}, {auth}, {lookupd} and {lookupd2} are replaced. The command is split
 * into words by the rules of a shell, but no shell runs. The server gets a process group of its
 * own. `command`, `flags` and `suite` must stay valid until spawn_stop. */
void spawn_start(struct spawn *s, const char *command, struct span flags, const char *suite);

/* Does the same as spawn_start, with the addresses of scripted nsqlookupds. They are borrowed. */
void spawn_start_scripted(struct spawn *s, const char *command, struct span flags,
                          const char *suite, const char *const lookupds[2]);

/* Waits until each server is ready, refused or failed. A server that loses one of its ports to
 * another process is started again at other ports, up to SPAWN_TRIES_MAX times. Then waits until
 * the addresses for HTTP and HTTPS are known, but only a short time, because a server may have no
 * HTTP. If the command has {http-port} or {https-port}, the address must also accept connections.
 * If end_fd is not NULL, also stops waiting when *end_fd becomes readable. */
void spawn_wait(struct spawn *servers, size_t n, const int *end_fd);

/* Ends a server that is ready, with SIGTERM or with SIGKILL. Returns false if it has ended before.
 */
bool spawn_end(struct spawn *s, bool killed);

/* Starts a server again that spawn_end has ended, with the same folder and {port}. If `flags` is
 * empty, the server gets the same flags as before. Waits until it is ready. Returns false if it
 * does not start; then `why` is the reason. */
bool spawn_again(struct spawn *s, struct span flags);

/* Returns true if the server still runs. Otherwise `why` says how the server ended. */
bool spawn_runs(struct spawn *s);

/* Stops all servers: sends SIGTERM, waits, kills the servers that still run, and removes their
 * folders. When a server has ended, the other processes of its process group are
 * killed too. */
void spawn_stop(struct spawn *servers, size_t n);

/* Appends the command that spawn_start would run, as one text. */
void spawn_command(const char *command, struct span flags, const struct spawn_places *places,
                   struct buf *out);

#endif
