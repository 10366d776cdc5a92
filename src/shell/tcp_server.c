/* SPDX-License-Identifier: MIT */
/*
 * The loop. It waits for events, accepts connections, and drives the handler in the rounds of
 * serve/drive.h. Must not know what the bytes of a connection mean.
 */
#include "shell/tcp_server.h"

#include <assert.h>
#include <errno.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/time.h"
#include "serve/drive.h"
#include "shell/clock.h"
#include "shell/machine.h"
#include "shell/socket.h"
#include "shell/tcp_server_parts.h"

/* ns; the most time that one round uses for each of its parts. A single piece of work may pass this
 * time; it is bounded too: one call of recv or step, or one send. Together with one such piece for
 * each part, a round stays below 10 ms. */
#define EVENTS_NS (2 * TIME_MS)
#define OFFERS_NS TIME_MS
#define CHANGED_NS (2 * TIME_MS)
#define ASKS_NS (TIME_MS / 2)
#define SENDS_NS TIME_MS
/* ns; deadlines do not wait longer than this for the end of a sweep. A flood could put them off for
 * ever otherwise. */
#define SWEEP_NS (50 * TIME_MS)
#define ACCEPTS_A_ROUND 64
#define ACCEPT_PAUSE (100 * TIME_MS) /* after a temporary error: no busy loop */
#define LOG_PAUSE (100 * TIME_MS)    /* between attempts to write to a log that accepts no lines */
#define OFFSET_SLACK TIME_MS         /* a smaller change of the wall clock is a measuring error */
#define RESIDENT_CHECK                                                                             \
    TIME_SECOND                   /* the memory of the process is not read more often than this    \
                                   */
#define WALL_CHECK (10 * TIME_MS) /* the wall clock is not read more often than this */
#define END_TOKEN UINT32_MAX      /* tokens of listeners: 0, 1, ..; of connections: > 2^32 */

/* --- events ----------------------------------------------------------------------------------- */

static void wait_for_listeners(struct tcp_server *server, unsigned bits)
{
    for (size_t i = 0; i < server->listener_count; i++) {
        if (server->listeners[i].fd >= 0) {
            server->waiter.change(server->waiter.self, server->listeners[i].fd, bits);
        }
    }
}

static void close_listeners(struct tcp_server *server)
{
    for (size_t i = 0; i < server->listener_count; i++) {
        struct tcp_listener *l = &server->listeners[i];
        if (l->fd >= 0) {
            char address[SOCKET_ADDRESS_MAX];
            socket_local_address(l->fd, address);
            log_write(server->log, LOG_INFO, "%: closing %", log_text(l->name), log_text(address));
            server->waiter.remove(server->waiter.self, l->fd);
            close(l->fd);
            l->fd = -1;
        }
    }
}

static void start_ending(struct tcp_server *server, int64_t now)
{
    if (!server->ending) {
        server->ending = true;
        close_listeners(server);
        server->handler.stop(server->handler.self, now);
    }
}

static void accept_failed(struct tcp_server *server, int error, int64_t now)
{
    char reason[MACHINE_REASON_MAX];
    machine_reason(error, reason);
    if (tcp_would_block(error)) {
        return;
    }
    if (socket_accept_is_temporary(error)) {
        log_write(server->log, LOG_WARNING, "temporary Accept() failure - %", log_text(reason));
        server->accept_again = now + ACCEPT_PAUSE;
        wait_for_listeners(server, 0);
        return;
    }
    log_write(server->log, LOG_FATAL, "listener.Accept() error - %", log_text(reason));
    server->broken = true;
    start_ending(server, now);
}

static void accept_sockets(struct tcp_server *server, const struct tcp_listener *listener,
                           int64_t now)
{
    const struct tcp_handler *h = &server->handler;
    for (int i = 0; i < ACCEPTS_A_ROUND && (i == 0 || !tcp_slice_is_over(server)); i++) {
        char peer[SOCKET_ADDRESS_MAX];
        int fd = socket_accept(listener->fd, peer);
        if (fd < 0 && errno == ECONNABORTED) {
            continue; /* this connection is gone already; another one may wait */
        }
        if (fd < 0) {
            accept_failed(server, errno, now);
            return;
        }
        uint64_t conn = h->open(h->self, listener->number, log_text(peer), now);
        if (conn == 0) {
            close(fd);
        } else {
            tcp_add_socket(server, conn, fd, now);
        }
    }
}

static void handle_event(struct tcp_server *server, struct waiter_event event, int64_t now)
{
    if (event.token == END_TOKEN) {
        server->waiter.remove(server->waiter.self, server->end_fd);
        server->end_fd = -1;
        start_ending(server, now);
    } else if (event.token == TCP_RESOLVER_TOKEN) {
        tcp_take_addresses(server, now);
    } else if (event.token < TCP_SERVER_LISTENERS_MAX) {
        const struct tcp_listener *listener = &server->listeners[event.token];
        if (listener->fd >= 0) {
            accept_sockets(server, listener, now);
        }
    } else {
        struct tcp_socket *s = tcp_find_socket(server, event.token);
        if (s != NULL) {
            tcp_socket_event(server, s, event.bits, now);
        }
    }
}

/* --- the parts of a pass ---------------------------------------------------------------------- */

static void begin_slice(struct tcp_server *server, int64_t ns)
{
    server->slice_end = clock_now() + ns;
}

bool tcp_slice_is_over(const struct tcp_server *server)
{
    return clock_now() >= server->slice_end;
}

static bool has_events(const struct tcp_server *server)
{
    return server->event_next < server->event_count;
}

static void handle_events(struct tcp_server *server, int64_t now)
{
    server->slice_end = now + EVENTS_NS;
    while (has_events(server)) {
        handle_event(server, server->events[server->event_next++], now);
        if (has_events(server) && tcp_slice_is_over(server)) {
            break;
        }
    }
}

/* --- what deadlines wait for ------------------------------------------------------------------ */

/* Notes a wait that has begun at `start` and is over now. The system looks at all descriptors when
 * a wait begins, and once more when its timeout has passed. */
static void note_wait(struct tcp_server *server, int64_t start, int64_t timeout, int64_t now)
{
    struct tcp_sweep *sweep = &server->sweep;
    bool timed_out = server->event_count == 0 && timeout > 0;
    sweep->looked = timed_out ? time_earlier(start + timeout, now) : start;
    sweep->whole = server->event_count < TCP_SERVER_EVENTS;
    sweep->begun = sweep->begun == 0 ? now : sweep->begun;
}

/* Returns the time up to which deadlines may be handled. After a stop of the process, or when the
 * server is behind, that is not `now`. */
static int64_t judge(struct tcp_server *server, int64_t now)
{
    struct tcp_sweep *sweep = &server->sweep;
    if (sweep->whole && !has_events(server)) {
        sweep->judged = sweep->looked;
        sweep->begun = 0;
    } else if (now - sweep->begun >= SWEEP_NS) {
        sweep->judged = sweep->begun;
        sweep->begun = now;
    }
    return sweep->judged;
}

/* --- the loop --------------------------------------------------------------------------------- */

/* Turn INPUT of the round, after the events of the waiter: hands over input and ends of input that
 * were left from before. */
static void hand_over_rests(struct tcp_server *server, int64_t now)
{
    begin_slice(server, OFFERS_NS);
    tcp_offer_rests(server, now);
    tcp_tell_ends(server, now);
}

static void settle_changed(struct tcp_server *server, uint64_t conn, int64_t now)
{
    struct tcp_socket *s = tcp_find_socket(server, conn);
    if (s != NULL) {
        tcp_settle_socket(server, s, now);
    }
}

/* ASK_APPEND: nothing is written to a disk yet, so the answer is always "done". */
static void do_ask(struct tcp_server *server, const struct ask *ask, int64_t now)
{
    const struct tcp_handler *h = &server->handler;
    const struct answer done = {{NULL, 0}, {NULL, 0}};
    switch (ask->kind) {
    case ASK_NONE:
        break;
    case ASK_LOG:
        log_writer_add(server->log, ask->event->level, ask->event->form, ask->event->args,
                       LOG_ARGS_MAX);
        break;
    case ASK_LOG_LEVEL:
        server->log->least = ask->level;
        break;
    case ASK_CONNECT:
        tcp_start_dial(server, ask, now);
        break;
    case ASK_APPEND:
        h->answer(h->self, ask->ticket, &done, now);
        break;
    case ASK_UDP_OPEN:
        tcp_open_udp(server, ask, now);
        break;
    case ASK_UDP_SEND:
        tcp_send_udp(server, ask->bytes);
        break;
    case ASK_UDP_CLOSE:
        tcp_close_udp(server);
        break;
    }
}

/* Runs one round of serve/drive.h. The next round begins after the other sockets were looked at. */
static void do_round(struct tcp_server *server, int64_t now)
{
    struct drive drive = {.rounds_max = 1, .behind = now - judge(server, now)};
    enum drive_turn before = DRIVE_INPUT;
    while (drive_next(&drive, &server->handler, now) != DRIVE_OVER) {
        if (drive.turn != before) {
            begin_slice(server, drive.turn == DRIVE_CHANGED ? CHANGED_NS : ASKS_NS);
            before = drive.turn;
        }
        switch (drive.turn) {
        case DRIVE_INPUT:
            hand_over_rests(server, now);
            break;
        case DRIVE_CHANGED:
            settle_changed(server, drive.conn, now);
            break;
        case DRIVE_ASK:
            do_ask(server, &drive.ask, now);
            break;
        case DRIVE_OVER:
            break;
        }
        drive.enough = tcp_slice_is_over(server);
    }
    server->left_over = drive.left_over;
    log_writer_flush(server->log);
}

static void tell_wall_clock(struct tcp_server *server, int64_t offset)
{
    server->wall_offset = offset;
    server->handler.wall(server->handler.self, offset);
}

static void check_wall_clock(struct tcp_server *server, int64_t now)
{
    if (now - server->wall_checked < WALL_CHECK) {
        return;
    }
    server->wall_checked = now;
    int64_t offset = clock_wall_offset();
    int64_t change = offset - server->wall_offset;
    if (change > OFFSET_SLACK || change < -OFFSET_SLACK) {
        tell_wall_clock(server, offset);
    }
}

static void check_resident(struct tcp_server *server, int64_t now)
{
    if (now - server->resident_checked >= RESIDENT_CHECK) {
        server->resident_checked = now;
        server->handler.resident(server->handler.self, machine_resident());
    }
}

/* Returns how long (ns) the next wait may last. Negative: there is no limit. */
static int64_t wait_at_most(const struct tcp_server *server, int64_t now, int64_t max_wait_ns)
{
    if (server->offers.n > 0 || server->sends.n > 0 || server->ends.n > 0 || server->left_over) {
        return 0;
    }
    int64_t due = max_wait_ns >= 0 ? time_after(now, max_wait_ns) : TIME_NEVER;
    if (server->accept_again != 0) {
        due = time_earlier(due, server->accept_again);
    }
    if (log_writer_waits(server->log)) {
        due = time_earlier(due, now + LOG_PAUSE);
    }
    due = time_earlier(due, server->handler.next_deadline(server->handler.self));
    if (due == TIME_NEVER) {
        return -1;
    }
    return due > now ? due - now : 0;
}

static int64_t wait_for_events(struct tcp_server *server, int64_t max_wait_ns)
{
    int64_t start = clock_now();
    int64_t timeout = wait_at_most(server, start, max_wait_ns);
    server->event_next = 0;
    server->event_count =
        server->waiter.wait(server->waiter.self, timeout, server->events, TCP_SERVER_EVENTS);
    int64_t now = clock_now();
    note_wait(server, start, timeout, now);
    if (server->handler.crowd != NULL) {
        server->handler.crowd(server->handler.self, server->event_count);
    }
    return now;
}

bool tcp_server_round(struct tcp_server *server, int64_t max_wait_ns)
{
    const struct tcp_handler *h = &server->handler;
    int64_t now = has_events(server) ? clock_now() : wait_for_events(server, max_wait_ns);
    check_wall_clock(server, now);
    check_resident(server, now);
    if (server->accept_again != 0 && now >= server->accept_again) {
        server->accept_again = 0;
        wait_for_listeners(server, WAITER_READ);
    }
    handle_events(server, now);
    do_round(server, now);
    allocator_follow(&server->heap);
    if (server->sends.n > 0) {
        begin_slice(server, SENDS_NS);
        tcp_send_more(server, now);
    }
    return !h->stopped(h->self) || server->left_over;
}

bool tcp_server_run(struct tcp_server *server)
{
    while (tcp_server_round(server, -1)) {
    }
    return !server->broken;
}

struct tcp_server *tcp_server_new(struct tcp_handler handler, struct waiter waiter,
                                  struct log_writer *log, int end_fd)
{
    struct tcp_server *server = alloc_zeroed(sizeof *server);
    server->handler = handler;
    server->waiter = waiter;
    server->log = log;
    server->end_fd = end_fd;
    server->udp = -1;
    if (end_fd >= 0 && !waiter.add(waiter.self, end_fd, END_TOKEN, WAITER_READ)) {
        int error = errno;
        tcp_server_free(server);
        errno = error;
        return NULL;
    }
    tell_wall_clock(server, clock_wall_offset());
    return server;
}

bool tcp_server_listen(struct tcp_server *server, int fd, unsigned number, const char *name)
{
    assert(server->listener_count < TCP_SERVER_LISTENERS_MAX);
    char address[SOCKET_ADDRESS_MAX];
    size_t token = server->listener_count;
    if (!server->waiter.add(server->waiter.self, fd, token, WAITER_READ)) {
        int error = errno;
        close(fd);
        errno = error;
        return false;
    }
    server->listeners[server->listener_count++] =
        (struct tcp_listener){.fd = fd, .number = number, .name = name};
    socket_local_address(fd, address);
    log_write(server->log, LOG_INFO, "%: listening on %", log_text(name), log_text(address));
    return true;
}

void tcp_server_free(struct tcp_server *server)
{
    for (size_t i = 0; i < server->listener_count; i++) {
        if (server->listeners[i].fd >= 0) {
            close(server->listeners[i].fd);
        }
    }
    for (size_t i = 0; i < server->socket_count; i++) {
        if (server->sockets[i].conn != 0) {
            tcp_free_socket(server, &server->sockets[i]);
        }
    }
    tcp_close_udp(server);
    resolver_free(server->resolver);
    server->waiter.close(server->waiter.self);
    buf_free(&server->offers);
    buf_free(&server->sends);
    buf_free(&server->ends);
    alloc_free(server->sockets);
    alloc_free(server);
}
