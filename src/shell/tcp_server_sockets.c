/* SPDX-License-Identifier: MIT */
/*
 * The sockets of connections. Input that was read is offered to the handler, output of the handler
 * is written, and the handler is told how a connection ends. Must not know what the bytes mean.
 */
#include "shell/tcp_server.h"

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "shell/tcp_server_parts.h"

#define SPANS_A_WRITE 64
#define ENDS_A_TURN 16 /* the kernel needs about 20 us to close a socket */

/* --- sockets ---------------------------------------------------------------------------------- */

/* Returns true when the socket is in server->ends, and so not in the waiter. */
static bool is_ending(const struct tcp_socket *s)
{
    return s->state == TCP_INPUT_ENDED || s->state == TCP_BROKEN;
}

struct tcp_socket *tcp_find_socket(struct tcp_server *server, uint64_t conn)
{
    size_t slot = (uint32_t)conn;
    struct tcp_socket *s = slot < server->socket_count ? &server->sockets[slot] : NULL;
    return s != NULL && s->conn == conn ? s : NULL;
}

struct tcp_socket *tcp_add_socket(struct tcp_server *server, uint64_t conn, int fd, int64_t now)
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
    server->sockets[slot] =
        (struct tcp_socket){.conn = conn, .fd = fd, .state = fd < 0 ? TCP_LOOKING_UP : TCP_OPEN};
    if (fd >= 0 && !server->waiter.add(server->waiter.self, fd, conn, 0)) {
        close(fd);
        server->sockets[slot] = (struct tcp_socket){.fd = -1};
        server->handler.closed(server->handler.self, conn, CLOSED_BY_ERROR, now);
    }
    return &server->sockets[slot];
}

void tcp_release_fd(struct tcp_server *server, struct tcp_socket *s)
{
    if (s->fd >= 0) {
        if (!is_ending(s)) {
            server->waiter.remove(server->waiter.self, s->fd);
        }
        close(s->fd);
        s->fd = -1;
    }
}

void tcp_free_socket(struct tcp_server *server, struct tcp_socket *s)
{
    tcp_release_fd(server, s);
    buf_free(&s->rest);
    if (s->state == TCP_LOOKING_UP && s->conn != 0 && server->resolver != NULL) {
        resolver_cancel(server->resolver, s->conn);
    }
    alloc_free(s->dial);
    *s = (struct tcp_socket){.fd = -1};
}

void tcp_close_socket(struct tcp_server *server, struct tcp_socket *s, enum closed_reason reason,
                      int64_t now)
{
    uint64_t conn = s->conn;
    tcp_free_socket(server, s);
    server->handler.closed(server->handler.self, conn, reason, now);
}

/* --- input ------------------------------------------------------------------------------------ */

bool tcp_would_block(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

static void append_slot(struct buf *slots, const struct tcp_socket *s)
{
    uint32_t slot = (uint32_t)s->conn;
    buf_append(slots, span_make(&slot, sizeof slot));
}

static struct tcp_socket *take_slot(struct tcp_server *server, struct buf *slots)
{
    uint32_t slot;
    assert(slots->n >= sizeof slot);
    memcpy(&slot, buf_span(slots).p, sizeof slot);
    buf_drop(slots, sizeof slot);
    return &server->sockets[slot];
}

static void offer_later(struct tcp_server *server, struct tcp_socket *s)
{
    if (!s->offering) {
        s->offering = true;
        append_slot(&server->offers, s);
    }
}

/* Notes that the peer sends nothing more (TCP_INPUT_ENDED) or that the socket broke (TCP_BROKEN).
 * The waiter does not watch the socket until the handler was told. */
static void end_later(struct tcp_server *server, struct tcp_socket *s, enum tcp_state state)
{
    if (!is_ending(s)) {
        server->waiter.remove(server->waiter.self, s->fd);
        append_slot(&server->ends, s);
    }
    s->state = state;
}

/* Makes the waiter wait for what a connection wants. While some input was not consumed, nothing is
 * read: that input is offered again first. So the end of input is found after all input. After the
 * end of input, the waiter does not wait for READ, because it would report the end repeatedly. When
 * the connection is not read, the waiter still reports that the peer sends nothing more: the server
 * does no work for a client that is gone. */
static void watch_socket(struct tcp_server *server, struct tcp_socket *s)
{
    unsigned want = server->handler.want(server->handler.self, s->conn);
    if ((want & WANT_READ) && s->rest.n > 0) {
        offer_later(server, s);
    }
    s->end_masked = s->end_masked && !(want & WANT_READ);
    bool read = (want & WANT_READ) && s->rest.n == 0 && s->state == TCP_OPEN;
    bool write = (want & WANT_WRITE) && !s->sending;
    bool end = !read && s->rest.n == 0 && s->state == TCP_OPEN && !s->end_masked;
    unsigned bits =
        (read ? WAITER_READ : 0U) | (write ? WAITER_WRITE : 0U) | (end ? WAITER_ENDED : 0U);
    if (bits != s->bits) {
        s->bits = bits;
        server->waiter.change(server->waiter.self, s->fd, bits);
    }
}

/* Returns how many bytes to read from the socket. */
static size_t read_most(const struct tcp_server *server, const struct tcp_socket *s)
{
    const struct tcp_handler *h = &server->handler;
    size_t most = h->read_most == NULL ? SIZE_MAX : h->read_most(h->self, s->conn);
    return most < sizeof server->input ? most : sizeof server->input;
}

/* Reads once. When the round ends, the shell does what the connection then wants. But if input is
 * left over, the waiter is changed at once, because the next read depends on it. */
static void read_socket(struct tcp_server *server, struct tcp_socket *s, int64_t now)
{
    const struct tcp_handler *h = &server->handler;
    ssize_t n = recv(s->fd, server->input, read_most(server, s), 0);
    if (n < 0) {
        if (!tcp_would_block(errno)) {
            end_later(server, s, TCP_BROKEN);
        }
        return;
    }
    if (n == 0) {
        end_later(server, s, TCP_INPUT_ENDED);
        return;
    }
    struct span in = span_make(server->input, (size_t)n);
    server->heap.input += in.n;
    size_t consumed = h->recv(h->self, s->conn, in, now);
    assert(consumed <= in.n);
    if (consumed < in.n) {
        buf_append(&s->rest, span_skip(in, consumed));
        buf_fit(&s->rest);
        watch_socket(server, s);
    }
}

/* --- output ----------------------------------------------------------------------------------- */

/* Does one gathered write. Returns what send(2) returns. */
static ssize_t send_spans(int fd, const struct span *spans, size_t count)
{
    if (count == 1) {
        return send(fd, spans[0].p, spans[0].n, MSG_NOSIGNAL);
    }
    struct iovec parts[SPANS_A_WRITE];
    for (size_t i = 0; i < count; i++) {
        parts[i].iov_len = spans[i].n;
        memcpy(&parts[i].iov_base, &spans[i].p, sizeof spans[i].p); /* iov_base is not const */
    }
    const struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};
    return sendmsg(fd, &message, MSG_NOSIGNAL);
}

/* Shortens the spans so that together they have at most `most` bytes. Returns how many spans are
 * left. */
static size_t cut_spans(struct span *spans, size_t count, size_t most)
{
    for (size_t i = 0; i < count; i++) {
        if (spans[i].n >= most) {
            spans[i].n = most;
            return i + 1;
        }
        most -= spans[i].n;
    }
    return count;
}

/* Sends as much output as the socket accepts, but at most `room` bytes. Then the waiter reports
 * that the socket is writable, and sending goes on in another pass. Returns false when the socket
 * broke. */
static bool write_socket(struct tcp_server *server, struct tcp_socket *s, size_t room, int64_t now)
{
    const struct tcp_handler *h = &server->handler;
    struct span spans[SPANS_A_WRITE];
    size_t count;
    while (room > 0 && (count = h->out(h->self, s->conn, spans, SPANS_A_WRITE, now)) > 0) {
        count = cut_spans(spans, count, room);
        ssize_t n = send_spans(s->fd, spans, count);
        if (n < 0 && tcp_would_block(errno)) {
            return true;
        }
        if (n < 0) {
            end_later(server, s, TCP_BROKEN);
            return false;
        }
        h->sent(h->self, s->conn, (size_t)n, now);
        if ((size_t)n < span_total(spans, count)) {
            return true; /* the socket is full */
        }
        room -= (size_t)n;
        if (tcp_slice_is_over(server) && !server->ending) {
            return true; /* the waiter will report that the socket has room */
        }
    }
    return true;
}

/* Sends at most `room` bytes. Does nothing with a socket that is in server->ends, because tell_end
 * handles it. */
static void settle_socket(struct tcp_server *server, struct tcp_socket *s, size_t room, int64_t now)
{
    const struct tcp_handler *h = &server->handler;
    if (s->dial != NULL) {
        if (h->want(h->self, s->conn) & WANT_CLOSE) {
            tcp_close_socket(server, s, CLOSED_AS_WANTED, now);
        }
        return;
    }
    if (is_ending(s) || !write_socket(server, s, room, now)) {
        return;
    }
    unsigned want = h->want(h->self, s->conn);
    if (want & WANT_CLOSE) {
        tcp_close_socket(server, s, CLOSED_AS_WANTED, now);
        return;
    }
    if ((want & WANT_SHUT_WR) && !(want & WANT_WRITE)) {
        shutdown(s->fd, SHUT_WR); /* does nothing when it was called before */
    }
    watch_socket(server, s);
}

void tcp_settle_socket(struct tcp_server *server, struct tcp_socket *s, int64_t now)
{
    size_t room = server->left_over ? TCP_SERVER_SEND_CROWDED : TCP_SERVER_SEND_SIZE;
    settle_socket(server, s, room, now);
}

/* Notes that a socket is writable. The waiter does not report this again before the output went
 * on. */
static void send_later(struct tcp_server *server, struct tcp_socket *s)
{
    if (!s->sending && !is_ending(s)) {
        s->sending = true;
        append_slot(&server->sends, s);
        watch_socket(server, s);
    }
}

void tcp_send_more(struct tcp_server *server, int64_t now)
{
    size_t count = server->sends.n / sizeof(uint32_t);
    for (size_t i = 0; i < count && (i == 0 || !tcp_slice_is_over(server)); i++) {
        struct tcp_socket *s = take_slot(server, &server->sends);
        bool sending = s->conn != 0 && s->sending;
        s->sending = false;
        if (sending) {
            settle_socket(server, s, TCP_SERVER_SEND_SIZE, now);
        }
    }
}

/* --- ends ------------------------------------------------------------------------------------- */

static void tell_end(struct tcp_server *server, struct tcp_socket *s, int64_t now)
{
    if (s->state == TCP_BROKEN || !server->waiter.add(server->waiter.self, s->fd, s->conn, 0)) {
        tcp_close_socket(server, s, CLOSED_BY_ERROR, now);
        return;
    }
    s->state = TCP_HALF_OPEN;
    s->bits = 0;
    server->handler.eof(server->handler.self, s->conn, now);
    tcp_settle_socket(server, s, now);
}

/* Handles a bounded number of ends in one call. Most of them mean that a socket is closed, which
 * takes long. So, when thousands of clients leave at once, the other clients do not wait until all
 * of these sockets are closed. */
void tcp_tell_ends(struct tcp_server *server, int64_t now)
{
    for (int i = 0; i < ENDS_A_TURN && server->ends.n > 0; i++) {
        tell_end(server, take_slot(server, &server->ends), now);
    }
}

/* --- events and rests ------------------------------------------------------------------------- */

/* Returns how many bytes of input the system has, but at most one more than `last` takes. */
static size_t unread(const struct tcp_socket *s)
{
    uint8_t bytes[HANDLER_LAST_MAX + 1];
    ssize_t n = recv(s->fd, bytes, sizeof bytes, MSG_PEEK);
    return n < 0 ? sizeof bytes : (size_t)n;
}

/* Reads the last bytes of a peer and offers them, although the connection does not want READ. What
 * is not consumed is kept as the rest of any other input. */
static void offer_last(struct tcp_server *server, struct tcp_socket *s, int64_t now)
{
    const struct tcp_handler *h = &server->handler;
    ssize_t n = recv(s->fd, server->input, HANDLER_LAST_MAX, 0);
    if (n > 0) {
        struct span in = span_make(server->input, (size_t)n);
        buf_append(&s->rest, span_skip(in, h->last(h->self, s->conn, in, now)));
    }
}

/* The peer of a connection that is not read sends nothing more. Input in front of that end may
 * contain whole commands, which count as if the client had stayed (departure 34). So the end is
 * found later, behind them. A few bytes may be for a codec only: the handler can tell. */
static void note_end(struct tcp_server *server, struct tcp_socket *s, int64_t now)
{
    assert(s->rest.n == 0);
    size_t n = unread(s);
    if (n > 0 && n <= HANDLER_LAST_MAX && server->handler.last != NULL) {
        offer_last(server, s, now);
        n = s->rest.n > 0 ? s->rest.n : unread(s);
    }
    if (n == 0) {
        end_later(server, s, TCP_INPUT_ENDED);
    } else {
        s->end_masked = true;
        watch_socket(server, s);
    }
}

void tcp_socket_event(struct tcp_server *server, struct tcp_socket *s, unsigned bits, int64_t now)
{
    if (s->dial != NULL) {
        tcp_dial_event(server, s, now);
        return;
    }
    if (is_ending(s)) {
        return; /* the socket has broken since the waiter has reported the event */
    }
    if (s->bits & WAITER_READ) {
        /* Input first: a hang-up may come with bytes that were not read yet. */
        if (bits & (WAITER_READ | WAITER_GONE)) {
            read_socket(server, s, now);
        }
    } else if ((bits & WAITER_GONE) && !s->offering) {
        end_later(server, s, TCP_BROKEN);
    } else if (bits & s->bits & WAITER_ENDED) {
        note_end(server, s, now);
    }
    if ((bits & WAITER_WRITE) && !is_ending(s)) {
        send_later(server, s);
    }
}

static void offer_rest(struct tcp_server *server, struct tcp_socket *s, int64_t now)
{
    const struct tcp_handler *h = &server->handler;
    bool offering = s->conn != 0 && s->offering;
    s->offering = false;
    if (offering && (h->want(h->self, s->conn) & WANT_READ)) {
        buf_drop(&s->rest, h->recv(h->self, s->conn, buf_span(&s->rest), now));
        if (s->rest.n < s->rest.cap / 2) {
            buf_fit(&s->rest); /* the handler counts the bytes, so the memory may not be far more */
        }
        tcp_settle_socket(server, s, now); /* reads again when no input is left over */
    }
}

void tcp_offer_rests(struct tcp_server *server, int64_t now)
{
    size_t count = server->offers.n / sizeof(uint32_t); /* this call may add others */
    for (size_t i = 0; i < count && (i == 0 || !tcp_slice_is_over(server)); i++) {
        offer_rest(server, take_slot(server, &server->offers), now);
    }
}
