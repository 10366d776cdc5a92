/* SPDX-License-Identifier: MIT */
/*
 * Owns: the loop that moves bytes between sockets and one tcp_handler: accept, connect, read,
 * write, close, time, log. Must not know: what the handler is; any handler will do.
 */
#ifndef SHELL_TCP_SERVER_H
#define SHELL_TCP_SERVER_H

#include "serve/handler.h"
#include "shell/log_line.h"
#include "shell/pacer.h"
#include "shell/resolver.h"
#include "shell/waiter.h"

#define TCP_SERVER_LISTENERS_MAX 8
#define TCP_SERVER_READ_SIZE 65536 /* bytes read from one connection before the others' turn */

/* One listening socket. */
struct tcp_listener {
    int fd;           /* -1: closed */
    const char *name; /* "TCP", in log lines; borrowed */
};

/* A connection that the handler has asked for. */
struct tcp_dial {
    struct socket_addresses addresses;
    size_t at;                /* the index of the address that is tried now */
    char why[SOCKET_WHY_MAX]; /* what was wrong with the previous one */
};

/* The life of a socket. */
enum tcp_state {
    TCP_LOOKING_UP,  /* it will connect; its name is looked up, and there is no descriptor yet */
    TCP_CONNECTING,  /* it connects to dial->addresses */
    TCP_OPEN,        /* both directions */
    TCP_INPUT_ENDED, /* the peer has ended the input: in server->ends, and not in the waiter */
    TCP_HALF_OPEN,   /* the handler was told so; output may go on */
    TCP_BROKEN,      /* an error: in server->ends, and not in the waiter */
};

/* A socket of the handler's. The handler's slot numbers are the indices of server->sockets. */
struct tcp_socket {
    uint64_t conn; /* the handler's number; 0: this slot is free */
    int fd;
    enum tcp_state state;
    unsigned bits;         /* what the waiter waits for */
    bool offering;         /* in server->offers */
    struct tcp_dial *dial; /* LOOKING_UP and CONNECTING; else NULL */
    struct buf rest;       /* bytes that were read and not consumed yet */
};

struct tcp_server {
    struct tcp_handler handler;
    struct waiter waiter;
    struct pacer pacer;
    struct log_writer *log;
    struct tcp_listener listeners[TCP_SERVER_LISTENERS_MAX];
    size_t listener_count;
    int64_t accept_again; /* when accepting goes on after a temporary error; 0: it does not wait */
    struct resolver *resolver; /* NULL: no name was looked up yet */
    int end_fd;                /* readable: end gracefully; -1: none */
    struct tcp_socket *sockets;
    size_t socket_count;
    struct buf offers;    /* uint32_t slots whose rest may be wanted again */
    struct buf ends;      /* uint32_t slots whose end the handler has to be told, in order */
    int64_t wall_offset;  /* what the handler was told last */
    int64_t wall_checked; /* when */
    bool ending;          /* no connection is accepted any more */
    bool broken;          /* a listener failed for good */
    uint8_t input[TCP_SERVER_READ_SIZE];
};

/* Returns a server that the caller ends with tcp_server_free. Takes the waiter; borrows the rest.
 * end_fd becomes readable when the server has to end; -1: it never does. */
struct tcp_server *tcp_server_new(struct tcp_handler handler, struct waiter waiter,
                                  struct log_writer *log, int end_fd);

/* Takes a listening descriptor. Its number for the handler counts from 0 in the order of the calls.
 */
void tcp_server_listen(struct tcp_server *server, int fd, const char *name);

/* Runs until the end was asked for and the handler has stopped. False: a listener broke. */
bool tcp_server_run(struct tcp_server *server);

/* One round: waits at most max_wait_ns (negative: as long as nothing is due), then does all there
 * is to do. True as long as there will be another. */
bool tcp_server_round(struct tcp_server *server, int64_t max_wait_ns);

/* Closes every descriptor that it has taken. */
void tcp_server_free(struct tcp_server *server);

#endif
