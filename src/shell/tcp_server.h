/* SPDX-License-Identifier: MIT */
/*
 * Owns: the loop that moves bytes between sockets and one tcp_handler. The loop accepts, connects,
 * reads, writes and closes sockets, passes the time to the handler, and writes the log. A pass of
 * the loop is one call of tcp_server_round. A pass has several parts, and each part must end after
 * a short time, its slice. Must not know: what the handler does. The loop works with any handler.
 */
#ifndef SHELL_TCP_SERVER_H
#define SHELL_TCP_SERVER_H

#include "serve/handler.h"
#include "shell/allocator.h"
#include "shell/log_line.h"
#include "shell/resolver.h"
#include "shell/waiter.h"

#define TCP_SERVER_LISTENERS_MAX 8
/* Bytes: at most this much is read from one connection before the other connections are read. */
#define TCP_SERVER_READ_SIZE 65536
/* Bytes: at most this much is sent on one connection before the other connections may send. */
#define TCP_SERVER_SEND_SIZE ((size_t)256 * 1024)
/* Bytes: at most this much is sent on a changed connection while other changed connections wait for
 * their first send. So a small output does not wait until thousands of large outputs are sent. */
#define TCP_SERVER_SEND_CROWDED ((size_t)4 * 1024)
/* The largest number of events that the server takes from the waiter in one call. */
#define TCP_SERVER_EVENTS 128

/* This struct computes the time `judged`. Only deadlines up to this time are handled (`step` in
 * serve/handler.h). So a peer is not late when its bytes have arrived in time, but were not read
 * yet.
 *
 * A sweep is a series of calls of the waiter's `wait`. Several calls may be necessary, because one
 * call reports a limited number of descriptors. A sweep ends in one of two ways:
 *   - The last call has reported all descriptors that were ready then, and their events were
 *     handled. Then `judged` is set to the time of that call (`looked`).
 *   - The sweep takes longer than SWEEP_NS. Then `judged` is set to the time when the sweep began
 *     (`begun`), although some input from before this time may be unread. Otherwise deadlines could
 *     wait for ever. A new sweep begins. */
struct tcp_sweep {
    int64_t judged; /* deadlines up to this time are handled */
    int64_t begun;  /* when the first wait of this sweep returned; 0: no sweep has begun */
    int64_t looked; /* when the last wait looked at the descriptors */
    bool whole;     /* the last wait has reported every descriptor that was ready */
};

/* One listening socket. */
struct tcp_listener {
    int fd;           /* -1: closed */
    unsigned number;  /* for the handler, see `open` in serve/handler.h */
    const char *name; /* "TCP", in log lines; borrowed */
};

/* The state of a connection to another server. The handler has requested the connection, and it is
 * not established yet. */
struct tcp_dial {
    struct socket_addresses addresses;
    size_t at;                /* the index of the address that is tried now */
    char why[SOCKET_WHY_MAX]; /* the reason why the previous address failed */
};

/* The life of a socket. A socket in the state INPUT_ENDED or BROKEN is in server->ends, and the
 * waiter does not watch it. */
enum tcp_state {
    TCP_LOOKING_UP,  /* the host name is looked up, and the socket has no descriptor yet */
    TCP_CONNECTING,  /* the socket connects to dial->addresses */
    TCP_OPEN,        /* bytes move in both directions */
    TCP_INPUT_ENDED, /* the peer sends nothing more, and the handler was not told yet */
    TCP_HALF_OPEN, /* the handler was told that the peer sends nothing more; output is still sent */
    TCP_BROKEN,    /* the socket had an error, and the handler was not told yet */
};

/* The socket of one of the handler's connections. A connection's number contains a slot, which is
 * the index of the socket in server->sockets. */
struct tcp_socket {
    uint64_t conn; /* the handler's number of the connection; 0: this slot is free */
    int fd;
    enum tcp_state state;
    unsigned bits;   /* the events that the waiter waits for (enum waiter_bit) */
    bool end_masked; /* the peer sends nothing more, but not all of its input was read; the waiter
                      * does not report this end again */
    bool offering;   /* the slot of this socket is in server->offers */
    bool sending;    /* the slot of this socket is in server->sends */
    struct tcp_dial *dial; /* only in the states LOOKING_UP and CONNECTING; otherwise NULL */
    struct buf rest;       /* bytes that were read and that the handler has not consumed yet */
};

struct tcp_server {
    struct tcp_handler handler;
    struct waiter waiter;
    struct log_writer *log;
    struct tcp_listener listeners[TCP_SERVER_LISTENERS_MAX];
    size_t listener_count;
    /* The time at which accepting starts again after a temporary error. 0: accepting was not
     * stopped. */
    int64_t accept_again;
    struct resolver *resolver; /* NULL: no name was looked up yet */
    int udp;                   /* the socket of ASK_UDP_OPEN; -1: none */
    uint64_t udp_ticket;       /* the ticket of the last ASK_UDP_OPEN */
    int end_fd; /* when it becomes readable, the server must exit gracefully; -1: none */
    struct tcp_socket *sockets;
    size_t socket_count;
    /* The events of the last wait. The events from index event_next on were not handled yet. The
     * server calls the waiter again only when all these events are handled. So no socket is left
     * out, even if other sockets always have new events. */
    struct waiter_event events[TCP_SERVER_EVENTS];
    size_t event_count;
    size_t event_next;
    struct tcp_sweep sweep;
    int64_t slice_end; /* the time at which the running part of a pass must end */
    bool left_over;    /* the last pass ended before all changed connections and requests were
                        * handled */
    struct heap_growth heap;
    struct buf offers;        /* slots (uint32_t) of sockets whose `rest` must be offered again */
    struct buf sends;         /* slots (uint32_t) of writable sockets that have more output */
    struct buf ends;          /* slots (uint32_t) of INPUT_ENDED and BROKEN sockets, in order */
    int64_t wall_offset;      /* the offset that the handler was told last */
    int64_t wall_checked;     /* the time at which the wall clock was read last */
    int64_t resident_checked; /* the time at which the memory of the process was read last */
    bool ending;              /* the server is stopping, and accepts no more connections */
    bool broken;              /* a listener failed permanently */
    uint8_t input[TCP_SERVER_READ_SIZE];
};

/* Returns a server. The caller frees it with tcp_server_free. The server owns the waiter afterwards
 * and borrows everything else. When end_fd becomes readable, the server exits gracefully. When
 * end_fd is -1, nothing requests an exit. Returns NULL, with errno, when the waiter cannot wait for
 * end_fd. Then the waiter is freed. */
struct tcp_server *tcp_server_new(struct tcp_handler handler, struct waiter waiter,
                                  struct log_writer *log, int end_fd);

/* Adds a listening descriptor. The server owns it afterwards. The handler gets `number` with each
 * connection of this listener (see `open` in serve/handler.h). Returns false, with errno, when the
 * waiter cannot wait for the descriptor. Then the descriptor is closed. */
bool tcp_server_listen(struct tcp_server *server, int fd, unsigned number, const char *name);

/* Runs until the exit was requested and the handler has stopped. Returns false when a listener
 * broke. */
bool tcp_server_run(struct tcp_server *server);

/* Waits until something is ready or due, at most max_wait_ns (negative: no limit). Then does one
 * round (serve/drive.h), which takes a few milliseconds at most. If work is left over, the next
 * call does not wait, and does this work first. Returns true when this function must be called
 * again. */
bool tcp_server_round(struct tcp_server *server, int64_t max_wait_ns);

/* Frees the server. Closes its listeners and its connections, and frees the waiter. */
void tcp_server_free(struct tcp_server *server);

#endif
