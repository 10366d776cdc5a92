/* SPDX-License-Identifier: MIT */
/* A port is locked with a UDP socket: UDP and TCP do not share their ports, a second bind fails on
 * every system, and the system releases the lock of a process that has ended. Must not know: which
 * servers use the ports. */
#include "conform/ports.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "conform/files.h"
#include "shell/machine.h"
#include "shell/socket.h"

#define LINUX_FIRST 32768 /* the defaults of Linux */
#define LINUX_LAST 60999
#define PORT_LEAST 10240 /* below are the ports of well-known services */
#define PORT_MOST 65535
#define PORTS_ENOUGH 1024
#define TRIES 1000
#define RANGE_FILE "/proc/sys/net/ipv4/ip_local_port_range"
#define RANGE_MAX 64 /* bytes of this file */

struct port_range port_range(struct span kernel)
{
    char text[RANGE_MAX] = "";
    unsigned long first = LINUX_FIRST;
    unsigned long last = LINUX_LAST;
    if (kernel.n > 0 && kernel.n < sizeof text) {
        char *end;
        memcpy(text, kernel.p, kernel.n);
        first = strtoul(text, &end, 10);
        last = strtoul(end, NULL, 10);
    }
    if (first == 0 || last < first || last > PORT_MOST) {
        first = LINUX_FIRST;
        last = LINUX_LAST;
    }
    if (first >= PORT_LEAST + PORTS_ENOUGH) {
        return (struct port_range){.first = PORT_LEAST, .last = (unsigned)first - 1};
    }
    if (last <= PORT_MOST - PORTS_ENOUGH) {
        return (struct port_range){.first = (unsigned)last + 1, .last = PORT_MOST};
    }
    return (struct port_range){.first = PORT_LEAST, .last = PORT_MOST};
}

static struct port_range range_here(void)
{
    char text[RANGE_MAX];
    FILE *file = fopen(RANGE_FILE, "r");
    size_t n = file == NULL ? 0 : fread(text, 1, sizeof text, file);
    if (file != NULL) {
        fclose(file);
    }
    return port_range(span_make(text, n));
}

/* Returns a socket that is bound at this port, or -1. */
static int bound(int type, in_addr_t host, unsigned number)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)number), .sin_addr = {htonl(host)}};
    int fd = socket(AF_INET, type, 0);
    if (fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* A server may listen at one address or at all. So the port must be free at all of them. */
static bool is_free(unsigned number)
{
    int fd = bound(SOCK_STREAM, INADDR_ANY, number);
    if (fd >= 0) {
        close(fd);
    }
    return fd >= 0;
}

bool port_take(struct port *port)
{
    struct port_range range = range_here();
    unsigned size = range.last - range.first + 1;
    for (unsigned i = 0; i < TRIES; i++) {
        uint32_t random = i;
        (void)machine_random(&random, sizeof random); /* without random bytes: one after another */
        unsigned number = range.first + random % size;
        int lock = bound(SOCK_DGRAM, INADDR_LOOPBACK, number);
        if (lock >= 0 && is_free(number)) {
            socket_set_flags(lock);
            *port = (struct port){.number = number, .lock = lock};
            return true;
        }
        if (lock >= 0) {
            close(lock);
        }
    }
    *port = (struct port){0};
    return false;
}

void port_release(struct port *port)
{
    if (port->number != 0) {
        close(port->lock);
    }
    *port = (struct port){0};
}
