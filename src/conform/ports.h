/* SPDX-License-Identifier: MIT */
/*
 * Owns: TCP ports for servers that this program starts. Two programs that use this file never have
 * the same port at the same time. The ports are outside the range from which the system takes a
 * port for a program that binds to port 0. Must not know: what listens at a port.
 */
#ifndef CONFORM_PORTS_H
#define CONFORM_PORTS_H

#include <stdbool.h>

#include <nsq/span.h>

struct port {
    unsigned number; /* 0: no port */
    int lock;        /* a UDP socket at this port; no other socket can be bound there */
};

struct port_range {
    unsigned first;
    unsigned last;
};

/* Returns the ports to choose from. `kernel` is the text of Linux's
 * /proc/sys/net/ipv4/ip_local_port_range: the first and the last port that the system gives to a
 * program that asks for any. If the text is empty, Linux's default range is assumed. */
struct port_range port_range(struct span kernel);

/* Finds a port at which no program listens, and locks it. The lock ends with port_release, or when
 * this process ends. Returns false if no free port was found. */
bool port_take(struct port *port);
void port_release(struct port *port);

#endif
