/* SPDX-License-Identifier: MIT */
#include "shell/tcp_server.h"

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/time.h"
#include "serve/drive.h"
#include "shell/clock.h"
#include "shell/machine.h"
#include "shell/socket.h"

#define EVENTS_A_ROUND 256
#define SPANS_A_WRITE 64
#define ACCEPTS_A_ROUND 64
#define ENDS_A_ROUND 16              /* the kernel needs some 20 us to close each */
#define ACCEPT_PAUSE (100 * TIME_MS) /* after a temporary error, so that the loop does not spin */
#define LOG_PAUSE (100 * TIME_MS)    /* before a log that takes no lines is tried again */
#define OFFSET_SLACK TIME_MS         /* a smaller change of the wall clock is measuring noise */
#define WALL_LOOK (10 * TIME_MS)     /* how often, under load, it is looked for one */
#define AWAKE_MAX (TIME_MS / 10)     /* a sleep and being woken take up to 80 us */
#define AWAKE_AFTER 8                /* short waits that make the next one begin awake */
#define AWAKE_KEPT 16                /* more of them are not remembered */
#define END_TOKEN UINT32_MAX         /* listeners have 0, 1, ..; connections are above 2^32 */
#define RESOLVER_TOKEN (UINT32_MAX - 1)
#define DIAL_ADDRESS_MAX (2 * SOCKET_HOST_MAX)

/* --- sockets ---------------------------------------------------------------------------------- */

static struct tcp_socket *socket_of(struct tcp_server *server, uint64_t conn)
{
    size_t slot = (uint32_t)conn;
    struct tcp_socket *s = slot < server->socket_count ? &server->sockets[slot] : NULL;
    return s != NULL && s->conn == conn ? s : NULL;
}

/* fd: -1, and nothing is waited for yet. A connection that the system will not watch is closed. */
static struct tcp_socket *add_socket(struct tcp_server *server, uint64_t conn, int fd, int64_t now)
{
    size_t slot = (uint32_t)conn;
    if (slot >= server->socket_count) {
        size_t count = 2 * slot + 16;
        server->sockets = alloc_resize(server->sockets, count * sizeof *server->sockets);
        memset(server->sockets + server->socket_count, 0,
               (count - server->socket_count) * sizeof *server->sockets);
        server->socket_count = count;
    }
    assert(server->sockets[slot].conn == 0);
    server->sockets[slot] = (struct tcp_socket){.conn = conn, .fd = fd};
    if (fd >= 0 && !server->waiter.add(server->waiter.self, fd, conn, 0)) {
        close(fd);
        server->sockets[slot] = (struct tcp_socket){.fd = -1};
        server->handler.closed(server->handler.self, conn, CLOSED_BY_ERROR, now);
    }
    return &server->sockets[slot];
}

static void release_fd(struct tcp_server *server, struct tcp_socket *s)
{
    if (s->fd >= 0) {
        if (!s->ending) {
            server->waiter.remove(server->waiter.self, s->fd);
        }
        close(s->fd);
        s->fd = -1;
    }
}

static void free_socket(struct tcp_server *server, struct tcp_socket *s)
{
    release_fd(server, s);
    buf_free(&s->rest);
    if (s->dial != NULL && s->dial->looking_up) {
        resolver_cancel(server->resolver, s->conn);
    }
    alloc_free(s->dial);
    *s = (struct tcp_socket){.fd = -1};
}

static void close_socket(struct tcp_server *server, struct tcp_socket *s, enum closed_reason reason,
                         int64_t now)
{
    uint64_t conn = s->conn;
    free_socket(server, s);
    server->handler.closed(server->handler.self, conn, reason, now);
}

/* --- input ------------------------------------------------------------------------------------ */

static bool would_block(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

static void offer_later(struct tcp_server *server, struct tcp_socket *s)
{
    if (!s->offering) {
        uint32_t slot = (uint32_t)s->conn;
        s->offering = true;
        buf_append(&server->offers, span_make(&slot, sizeof slot));
    }
}

/* The peer sends no more, or the socket broke: nothing is waited for until the handler is told. */
static void end_later(struct tcp_server *server, struct tcp_socket *s, bool broken)
{
    s->broken = s->broken || broken;
    if (!s->ending) {
        uint32_t slot = (uint32_t)s->conn;
        server->waiter.remove(server->waiter.self, s->fd);
        s->ending = true;
        buf_append(&server->ends, span_make(&slot, sizeof slot));
    }
}

/* Waits for what a connection wants. Nothing is read while what was read before is left over: that
 * is offered again first, and so the end of input is found behind all of it. Behind the end nothing
 * is waited for: it would come again and again. */
static void watch_socket(struct tcp_server *server, struct tcp_socket *s)
{
    unsigned want = server->handler.want(server->handler.self, s->conn);
    if ((want & WANT_READ) && s->rest.n > 0) {
        offer_later(server, s);
    }
    bool read = (want & WANT_READ) && s->rest.n == 0 && !s->input_ended;
    unsigned bits = (read ? WAITER_READ : 0U) | (want & WANT_WRITE ? WAITER_WRITE : 0U);
    if (bits != s->bits) {
        s->bits = bits;
        server->waiter.change(server->waiter.self, s->fd, bits);
    }
}

/* Reads once. What the handler has changed by it is seen to when the round ends, but what concerns
 * the next read is the shell's. */
static void read_socket(struct tcp_server *server, struct tcp_socket *s, int64_t now)
{
    const struct tcp_handler *h = &server->handler;
    ssize_t n = recv(s->fd, server->input, sizeof server->input, 0);
    if (n < 0) {
        if (!would_block(errno)) {
            end_later(server, s, true);
        }
        return;
    }
    if (n == 0) {
        s->input_ended = true;
        end_later(server, s, false);
        return;
    }
    struct span in = span_make(server->input, (size_t)n);
    size_t consumed = h->recv(h->self, s->conn, in, now);
    assert(consumed <= in.n);
    if (consumed < in.n) {
        buf_append(&s->rest, span_skip(in, consumed));
        watch_socket(server, s);
    }
}

/* --- output ----------------------------------------------------------------------------------- */

/* One gathered write. As send(2). */
static ssize_t send_spans(int fd, const struct span *spans, size_t count)
{
    if (count == 1) {
        return send(fd, spans[0].p, spans[0].n, MSG_NOSIGNAL);
    }
    struct iovec parts[SPANS_A_WRITE];
    for (size_t i = 0; i < count; i++) {
        parts[i].iov_len = spans[i].n;
        memcpy(&parts[i].iov_base, &spans[i].p, sizeof spans[i].p); /* it is not const there */
    }
    const struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};
    return sendmsg(fd, &message, MSG_NOSIGNAL);
}

/* Sends what there is. False when the socket broke. */
static bool write_socket(struct tcp_server *server, struct tcp_socket *s, int64_t now)
{
    const struct tcp_handler *h = &server->handler;
    struct span spans[SPANS_A_WRITE];
    size_t count;
    while ((count = h->out(h->self, s->conn, spans, SPANS_A_WRITE, now)) > 0) {
        ssize_t n = send_spans(s->fd, spans, count);
        if (n < 0 && would_block(errno)) {
            return true;
        }
        if (n < 0) {
            end_later(server, s, true);
            return false;
        }
        h->sent(h->self, s->conn, (size_t)n, now);
        if ((size_t)n < span_total(spans, count)) {
            return true; /* the socket is full */
        }
    }
    return true;
}

/* Does what a connection that has changed wants; when its end is to be told, only after that. */
static void settle_socket(struct tcp_server *server, struct tcp_socket *s, int64_t now)
{
    const struct tcp_handler *h = &server->handler;
    if (s->dial != NULL) {
        if (h->want(h->self, s->conn) & WANT_CLOSE) {
            close_socket(server, s, CLOSED_AS_WANTED, now);
        }
        return;
    }
    if (s->ending || !write_socket(server, s, now)) {
        return;
    }
    unsigned want = h->want(h->self, s->conn);
    if (want & WANT_CLOSE) {
        close_socket(server, s, CLOSED_AS_WANTED, now);
        return;
    }
    if ((want & WANT_SHUT_WR) && !(want & WANT_WRITE) && !s->shut) {
        s->shut = true;
        shutdown(s->fd, SHUT_WR);
    }
    watch_socket(server, s);
}

/* --- ends ------------------------------------------------------------------------------------- */

static void tell_end(struct tcp_server *server, struct tcp_socket *s, int64_t now)
{
    if (s->broken || !server->waiter.add(server->waiter.self, s->fd, s->conn, 0)) {
        close_socket(server, s, CLOSED_BY_ERROR, now);
        return;
    }
    s->ending = false;
    s->bits = 0;
    server->handler.eof(server->handler.self, s->conn, now);
    settle_socket(server, s, now);
}

/* A bounded number of them, as most mean that a socket is closed: when thousands of clients leave
 * at once, those who stay do not wait until all are. */
static void tell_ends(struct tcp_server *server, int64_t now)
{
    for (int i = 0; i < ENDS_A_ROUND && server->ends.n > 0; i++) {
        uint32_t slot;
        memcpy(&slot, buf_span(&server->ends).p, sizeof slot);
        buf_drop(&server->ends, sizeof slot);
        tell_end(server, &server->sockets[slot], now);
    }
}

/* --- connecting ------------------------------------------------------------------------------- */

/* Says how it went: `why` is empty when the socket is connected. */
static void dialled(struct tcp_server *server, struct tcp_socket *s, const char *why, int64_t now)
{
    const struct tcp_handler *h = &server->handler;
    uint64_t conn = s->conn;
    if (why[0] == '\0') {
        alloc_free(s->dial);
        s->dial = NULL;
        s->bits = 0;
        server->waiter.change(server->waiter.self, s->fd, 0);
        h->connected(h->self, conn, log_text(""), now);
        return;
    }
    char reason[SOCKET_WHY_MAX]; /* which goes with the socket */
    size_t n = strlen(why);
    memcpy(reason, why, n);
    free_socket(server, s);
    h->connected(h->self, conn, span_make(reason, n), now);
}

/* Tries the addresses from the present one on, until one can be waited for. */
static void dial(struct tcp_server *server, struct tcp_socket *s, int64_t now)
{
    struct tcp_dial *d = s->dial;
    for (; d->at < d->addresses.count; d->at++) {
        s->fd = socket_start(&d->addresses, d->at, d->why);
        if (s->fd >= 0) {
            s->bits = WAITER_WRITE;
            if (server->waiter.add(server->waiter.self, s->fd, s->conn, WAITER_WRITE)) {
                return;
            }
            close(s->fd);
            s->fd = -1;
            snprintf(d->why, sizeof d->why, "the system cannot watch the socket");
        }
    }
    dialled(server, s, d->why, now);
}

static void dial_event(struct tcp_server *server, struct tcp_socket *s, int64_t now)
{
    struct tcp_dial *d = s->dial;
    if (socket_started(s->fd, &d->addresses, d->at, d->why)) {
        dialled(server, s, "", now);
        return;
    }
    release_fd(server, s);
    d->at++;
    dial(server, s, now);
}

static bool have_resolver(struct tcp_server *server)
{
    if (server->resolver == NULL) {
        server->resolver = resolver_new();
        if (server->resolver != NULL) {
            server->waiter.add(server->waiter.self, resolver_fd(server->resolver), RESOLVER_TOKEN,
                               WAITER_READ);
        }
    }
    return server->resolver != NULL;
}

/* The handler wants a connection. */
static void start_dial(struct tcp_server *server, const struct ask *ask, int64_t now)
{
    const struct tcp_handler *h = &server->handler;
    struct tcp_socket *s = add_socket(server, ask->ticket, -1, now);
    char address[DIAL_ADDRESS_MAX];
    s->dial = alloc_zeroed(sizeof *s->dial);
    if (h->want(h->self, s->conn) & WANT_CLOSE) { /* not any more */
        close_socket(server, s, CLOSED_AS_WANTED, now);
        return;
    }
    if (ask->address.n >= sizeof address || memchr(ask->address.p, 0, ask->address.n) != NULL) {
        dialled(server, s, "dial tcp: invalid address", now);
        return;
    }
    memcpy(address, ask->address.p, ask->address.n);
    address[ask->address.n] = '\0';
    socket_look_up(address, true, &s->dial->addresses, s->dial->why);
    if (s->dial->addresses.count > 0 || s->dial->why[0] != '\0') {
        dial(server, s, now);
    } else if (have_resolver(server) && resolver_ask(server->resolver, s->conn, address)) {
        s->dial->looking_up = true;
    } else {
        dialled(server, s, "dial tcp: too many look-ups", now);
    }
}

static void take_answers(struct tcp_server *server, int64_t now)
{
    struct resolver_answer answer;
    while (resolver_next(server->resolver, &answer)) {
        struct tcp_socket *s = socket_of(server, answer.ticket);
        if (s != NULL && s->dial != NULL && s->dial->looking_up) {
            s->dial->looking_up = false;
            s->dial->addresses = answer.addresses;
            memcpy(s->dial->why, answer.why, sizeof answer.why);
            dial(server, s, now);
        }
    }
}

/* --- events ----------------------------------------------------------------------------------- */

static void socket_event(struct tcp_server *server, struct tcp_socket *s, unsigned bits,
                         int64_t now)
{
    if (s->dial != NULL) {
        dial_event(server, s, now);
        return;
    }
    if (s->bits & WAITER_READ) {
        /* Input first: a hang-up may come with bytes that were not read yet. */
        if (bits & (WAITER_READ | WAITER_GONE)) {
            read_socket(server, s, now);
        }
    } else if ((bits & WAITER_GONE) && !s->offering) {
        end_later(server, s, true);
    }
    if (bits & WAITER_WRITE) {
        settle_socket(server, s, now);
    }
}

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
    if (would_block(error)) {
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

static void accept_sockets(struct tcp_server *server, unsigned number, int64_t now)
{
    const struct tcp_handler *h = &server->handler;
    for (int i = 0; i < ACCEPTS_A_ROUND; i++) {
        char peer[SOCKET_ADDRESS_MAX];
        int fd = socket_accept(server->listeners[number].fd, peer);
        if (fd < 0 && errno == ECONNABORTED) {
            continue; /* that one is gone; the next may be there */
        }
        if (fd < 0) {
            accept_failed(server, errno, now);
            return;
        }
        uint64_t conn = h->open(h->self, number, log_text(peer), now);
        if (conn == 0) {
            close(fd);
        } else {
            add_socket(server, conn, fd, now);
        }
    }
}

static void handle_event(struct tcp_server *server, struct waiter_event event, int64_t now)
{
    if (event.token == END_TOKEN) {
        server->waiter.remove(server->waiter.self, server->end_fd);
        server->end_fd = -1;
        start_ending(server, now);
    } else if (event.token == RESOLVER_TOKEN) {
        take_answers(server, now);
    } else if (event.token < TCP_SERVER_LISTENERS_MAX) {
        if (server->listeners[event.token].fd >= 0) {
            accept_sockets(server, (unsigned)event.token, now);
        }
    } else {
        struct tcp_socket *s = socket_of(server, event.token);
        if (s != NULL) {
            socket_event(server, s, event.bits, now);
        }
    }
}

/* --- the loop --------------------------------------------------------------------------------- */

/* Offers the input that was left over to those who want to read again. */
static void offer_rests(struct tcp_server *server, int64_t now)
{
    const struct tcp_handler *h = &server->handler;
    struct buf slots = server->offers;
    server->offers = (struct buf){0};
    for (struct span rest = buf_span(&slots); rest.n > 0;
         rest = span_skip(rest, sizeof(uint32_t))) {
        uint32_t slot;
        memcpy(&slot, rest.p, sizeof slot);
        struct tcp_socket *s = &server->sockets[slot];
        bool offering = s->conn != 0 && s->offering;
        s->offering = false;
        if (offering && (h->want(h->self, s->conn) & WANT_READ)) {
            buf_drop(&s->rest, h->recv(h->self, s->conn, buf_span(&s->rest), now));
            settle_socket(server, s, now); /* it is read again when nothing is left over */
        }
    }
    buf_free(&slots);
}

/* Turn INPUT of the round, behind what the waiter has reported: input and ends from before. */
static void hand_over_rests(struct tcp_server *server, int64_t now)
{
    offer_rests(server, now);
    tell_ends(server, now);
}

static void settle_changed(struct tcp_server *server, uint64_t conn, int64_t now)
{
    struct tcp_socket *s = socket_of(server, conn);
    if (s != NULL) {
        settle_socket(server, s, now);
    }
}

/* Nothing is kept on disk yet, so what must be made safe is as safe as it will be. */
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
    case ASK_CONNECT:
        start_dial(server, ask, now);
        break;
    case ASK_APPEND:
        h->answer(h->self, ask->ticket, &done, now);
        break;
    }
}

/* One round of serve/drive.h; the next one follows when other sockets have been looked at. */
static void do_round(struct tcp_server *server, int64_t now)
{
    struct drive drive = {.rounds_max = 1};
    while (drive_next(&drive, &server->handler, now) != DRIVE_OVER) {
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
    }
    log_writer_flush(server->log);
}

static void tell_wall_clock(struct tcp_server *server, int64_t offset)
{
    server->wall_offset = offset;
    server->handler.wall(server->handler.self, offset);
}

static void look_at_wall_clock(struct tcp_server *server, int64_t now)
{
    if (now - server->wall_looked < WALL_LOOK) {
        return;
    }
    server->wall_looked = now;
    int64_t offset = clock_wall_offset();
    int64_t change = offset - server->wall_offset;
    if (change > OFFSET_SLACK || change < -OFFSET_SLACK) {
        tell_wall_clock(server, offset);
    }
}

/* Until when the next wait may last. */
static int64_t wait_until(const struct tcp_server *server, int64_t now, int64_t max_wait_ns)
{
    if (server->offers.n > 0 || server->ends.n > 0) {
        return now;
    }
    int64_t due = max_wait_ns >= 0 ? time_after(now, max_wait_ns) : TIME_NEVER;
    if (server->accept_again != 0) {
        due = time_earlier(due, server->accept_again);
    }
    if (log_writer_waits(server->log)) {
        due = time_earlier(due, now + LOG_PAUSE);
    }
    return time_earlier(due, server->handler.next_deadline(server->handler.self));
}

/* Waits without sleeping, and lets others have the processor meanwhile. */
static size_t wait_awake(struct tcp_server *server, int64_t until, struct waiter_event *events)
{
    size_t n;
    while ((n = server->waiter.wait(server->waiter.self, 0, events, EVENTS_A_ROUND)) == 0 &&
           clock_now() < until) {
        sched_yield();
    }
    return n;
}

static size_t wait_asleep(struct tcp_server *server, int64_t until, struct waiter_event *events)
{
    int64_t timeout = -1;
    if (until != TIME_NEVER) {
        int64_t now = clock_now();
        timeout = until > now ? until - now : 0;
    }
    return server->waiter.wait(server->waiter.self, timeout, events, EVENTS_A_ROUND);
}

/* While peers send again as soon as they are answered, waits are short, and to sleep and be woken
 * costs more than what they ask for: then a wait begins awake. */
static size_t wait_for_events(struct tcp_server *server, int64_t start, int64_t until,
                              struct waiter_event *events)
{
    size_t n = 0;
    if (server->short_waits >= AWAKE_AFTER && until > start) {
        n = wait_awake(server, time_earlier(until, start + AWAKE_MAX), events);
    }
    return n > 0 ? n : wait_asleep(server, until, events);
}

/* One long wait outweighs several short ones, so that peers who pace themselves cost no more. */
static void remember_wait(struct tcp_server *server, int64_t lasted)
{
    if (lasted >= AWAKE_MAX) {
        server->short_waits -=
            server->short_waits < AWAKE_AFTER ? server->short_waits : AWAKE_AFTER;
    } else if (server->short_waits < AWAKE_KEPT) {
        server->short_waits++;
    }
}

bool tcp_server_round(struct tcp_server *server, int64_t max_wait_ns)
{
    const struct tcp_handler *h = &server->handler;
    struct waiter_event events[EVENTS_A_ROUND];
    int64_t start = clock_now();
    int64_t until = wait_until(server, start, max_wait_ns);
    size_t n = wait_for_events(server, start, until, events);
    int64_t now = clock_now();
    if (until > start) {
        remember_wait(server, now - start);
    }
    look_at_wall_clock(server, now);
    if (server->accept_again != 0 && now >= server->accept_again) {
        server->accept_again = 0;
        wait_for_listeners(server, WAITER_READ);
    }
    for (size_t i = 0; i < n; i++) {
        handle_event(server, events[i], now);
    }
    do_round(server, now);
    return !h->stopped(h->self);
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
    if (end_fd >= 0) {
        waiter.add(waiter.self, end_fd, END_TOKEN, WAITER_READ);
    }
    tell_wall_clock(server, clock_wall_offset());
    return server;
}

void tcp_server_listen(struct tcp_server *server, int fd, const char *name)
{
    assert(server->listener_count < TCP_SERVER_LISTENERS_MAX);
    char address[SOCKET_ADDRESS_MAX];
    socket_local_address(fd, address);
    log_write(server->log, LOG_INFO, "%: listening on %", log_text(name), log_text(address));
    size_t number = server->listener_count++;
    server->listeners[number] = (struct tcp_listener){.fd = fd, .name = name};
    server->waiter.add(server->waiter.self, fd, number, WAITER_READ);
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
            free_socket(server, &server->sockets[i]);
        }
    }
    resolver_free(server->resolver);
    server->waiter.close(server->waiter.self);
    buf_free(&server->offers);
    buf_free(&server->ends);
    alloc_free(server->sockets);
    alloc_free(server);
}
