/* SPDX-License-Identifier: MIT */
/*
 * The UDP socket that the handler asks for: the look-up of its address, and the datagrams. Must not
 * know what the datagrams mean.
 */
#include "shell/tcp_server.h"

#include <stdio.h>
#include <unistd.h>

#include "shell/socket.h"
#include "shell/tcp_server_parts.h"

void tcp_close_udp(struct tcp_server *server)
{
    if (server->udp >= 0) {
        close(server->udp);
        server->udp = -1;
    }
    if (server->resolver != NULL) {
        resolver_cancel(server->resolver, TCP_UDP_TICKET);
    }
}

/* Opens the socket, and tells the handler the result. If there are no addresses, `why` is the
 * reason. */
static void open_udp(struct tcp_server *server, const struct socket_addresses *addresses,
                     char why[SOCKET_WHY_MAX], int64_t now)
{
    const struct tcp_handler *h = &server->handler;
    if (addresses->count > 0) {
        why[0] = '\0';
        server->udp = socket_open_udp(addresses, why);
    }
    const struct answer answer = {.why = log_text(why)};
    h->answer(h->self, server->udp_ticket, &answer, now);
}

/* An address without a host is this machine, as in Go: ":8125" is "127.0.0.1:8125". */
static bool copy_address(char to[TCP_ADDRESS_MAX], struct span address)
{
    char given[TCP_ADDRESS_MAX];
    if (!tcp_copy_address(given, address)) {
        return false;
    }
    int n = snprintf(to, TCP_ADDRESS_MAX, "%s%s", given[0] == ':' ? "127.0.0.1" : "", given);
    return n < TCP_ADDRESS_MAX;
}

void tcp_open_udp(struct tcp_server *server, const struct ask *ask, int64_t now)
{
    char address[TCP_ADDRESS_MAX];
    char why[SOCKET_WHY_MAX] = "dial udp: invalid address";
    struct socket_addresses addresses = {.count = 0};
    tcp_close_udp(server);
    server->udp_ticket = ask->ticket;
    if (!copy_address(address, ask->address)) {
        open_udp(server, &addresses, why, now);
        return;
    }
    socket_look_up(address, true, &addresses, why);
    if (addresses.count == 0 && why[0] == '\0') { /* it is a name */
        if (tcp_look_up(server, TCP_UDP_TICKET, address)) {
            return; /* tcp_udp_looked_up continues */
        }
        memcpy(why, "dial udp: too many look-ups", sizeof "dial udp: too many look-ups");
    }
    open_udp(server, &addresses, why, now);
}

void tcp_udp_looked_up(struct tcp_server *server, const struct resolver_answer *answer, int64_t now)
{
    char why[SOCKET_WHY_MAX];
    memcpy(why, answer->why, sizeof why);
    open_udp(server, &answer->addresses, why, now);
}

void tcp_send_udp(const struct tcp_server *server, struct span bytes)
{
    if (server->udp >= 0) {
        ssize_t sent = send(server->udp, bytes.p, bytes.n, 0);
        (void)sent; /* a datagram that cannot be sent is lost */
    }
}
