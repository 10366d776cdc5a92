/* SPDX-License-Identifier: MIT */
/*
 * Connections that the handler asks for: first the look-up of the host name, then one address after
 * the other. Must not know what the connections are for.
 */
#include "shell/tcp_server.h"

#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "shell/socket.h"
#include "shell/tcp_server_parts.h"

/* --- connecting ------------------------------------------------------------------------------- */

/* Tells the handler the result: `why` is empty when the socket is connected. */
static void dialled(struct tcp_server *server, struct tcp_socket *s, const char *why, int64_t now)
{
    const struct tcp_handler *h = &server->handler;
    uint64_t conn = s->conn;
    if (why[0] == '\0') {
        alloc_free(s->dial);
        s->dial = NULL;
        s->state = TCP_OPEN;
        s->bits = 0;
        server->waiter.change(server->waiter.self, s->fd, 0);
        h->connected(h->self, conn, log_text(""), now);
        return;
    }
    char reason[SOCKET_WHY_MAX]; /* a copy, because `why` may be freed with the socket */
    size_t n = strlen(why);
    memcpy(reason, why, n);
    tcp_free_socket(server, s);
    h->connected(h->self, conn, span_make(reason, n), now);
}

/* Tries the addresses from number d->at on, until the waiter can wait for one of them. */
static void dial(struct tcp_server *server, struct tcp_socket *s, int64_t now)
{
    struct tcp_dial *d = s->dial;
    for (; d->at < d->addresses.count; d->at++) {
        s->fd = socket_start(&d->addresses, d->at, d->why);
        if (s->fd >= 0) {
            s->state = TCP_CONNECTING;
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

void tcp_dial_event(struct tcp_server *server, struct tcp_socket *s, int64_t now)
{
    struct tcp_dial *d = s->dial;
    if (socket_started(s->fd, &d->addresses, d->at, d->why)) {
        dialled(server, s, "", now);
        return;
    }
    tcp_release_fd(server, s);
    d->at++;
    dial(server, s, now);
}

static bool have_resolver(struct tcp_server *server)
{
    if (server->resolver == NULL) {
        server->resolver = resolver_new();
        if (server->resolver != NULL &&
            !server->waiter.add(server->waiter.self, resolver_fd(server->resolver),
                                TCP_RESOLVER_TOKEN, WAITER_READ)) {
            resolver_free(server->resolver);
            server->resolver = NULL;
        }
    }
    return server->resolver != NULL;
}

bool tcp_look_up(struct tcp_server *server, uint64_t ticket, const char *address)
{
    return have_resolver(server) && resolver_ask(server->resolver, ticket, address);
}

bool tcp_copy_address(char to[TCP_ADDRESS_MAX], struct span address)
{
    if (address.n >= TCP_ADDRESS_MAX ||
        (address.n > 0 && memchr(address.p, 0, address.n) != NULL)) {
        return false;
    }
    if (address.n > 0) {
        memcpy(to, address.p, address.n);
    }
    to[address.n] = '\0';
    return true;
}

/* Starts with an address in digits, which needs no look-up. For a name, asks the resolver. */
void tcp_start_dial(struct tcp_server *server, const struct ask *ask, int64_t now)
{
    const struct tcp_handler *h = &server->handler;
    struct tcp_socket *s = tcp_add_socket(server, ask->ticket, -1, now);
    char address[TCP_ADDRESS_MAX];
    s->dial = alloc_zeroed(sizeof *s->dial);
    if (h->want(h->self, s->conn) & WANT_CLOSE) { /* the handler has closed it meanwhile */
        tcp_close_socket(server, s, CLOSED_AS_WANTED, now);
        return;
    }
    if (!tcp_copy_address(address, ask->address)) {
        dialled(server, s, "dial tcp: invalid address", now);
        return;
    }
    socket_look_up(address, true, &s->dial->addresses, s->dial->why);
    if (s->dial->addresses.count > 0 || s->dial->why[0] != '\0') {
        dial(server, s, now);
    } else if (!tcp_look_up(server, s->conn, address)) {
        dialled(server, s, "dial tcp: too many look-ups", now);
    } /* otherwise tcp_take_addresses continues when there is an answer */
}

static void dial_looked_up(struct tcp_server *server, const struct resolver_answer *answer,
                           int64_t now)
{
    struct tcp_socket *s = tcp_find_socket(server, answer->ticket);
    if (s != NULL && s->state == TCP_LOOKING_UP) {
        s->dial->addresses = answer->addresses;
        memcpy(s->dial->why, answer->why, sizeof answer->why);
        dial(server, s, now);
    }
}

void tcp_take_addresses(struct tcp_server *server, int64_t now)
{
    struct resolver_answer answer;
    bool first = true; /* the others are reported again in the next wait */
    while ((first || !tcp_slice_is_over(server)) && resolver_next(server->resolver, &answer)) {
        first = false;
        if (answer.ticket == TCP_UDP_TICKET) {
            tcp_udp_looked_up(server, &answer, now);
        } else {
            dial_looked_up(server, &answer, now);
        }
    }
}
