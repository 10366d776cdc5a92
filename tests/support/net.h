/* SPDX-License-Identifier: MIT */
/*
 * Owns: the client's end of a socket on loopback, for tests. What a test waits for must arrive
 * within NET_PATIENCE_MS, or the test fails. Nothing sleeps.
 * Must not know: which server it is. A server in the same thread runs in net_turn.
 */
#ifndef TESTS_SUPPORT_NET_H
#define TESTS_SUPPORT_NET_H

#include <nsq/span.h>

#define NET_PATIENCE_MS 20000 /* far more than anything needs, also under valgrind */

/* Called whenever a wait has found nothing for a millisecond, for a server in this thread. NULL:
 * there is none. */
extern void (*net_turn)(void *context);
extern void *net_turn_context;

/* Connects to 127.0.0.1:port, or to a unix socket; the descriptor is nonblocking. */
int net_connect(unsigned port);
int net_connect_unix(const char *path);

/* Waits until a server listens there, then connects as net_connect_unix does. */
int net_await_unix(const char *path);

/* As net_connect, with these sizes of the kernel's buffers, in bytes (0: unchanged). */
int net_connect_small(unsigned port, int receive_buffer, int send_buffer);

/* Sends everything. */
void net_send(int fd, struct span bytes);

/* Sends as much as possible without waiting; returns how many bytes. */
size_t net_send_some(int fd, struct span bytes);

/* Shuts down the sending side. */
void net_shut(int fd);

/* Closes with a reset instead of a FIN. */
void net_reset(int fd);

/* Reads exactly n bytes to p. */
void net_read(int fd, void *p, size_t n);

/* Checks that the next bytes are exactly these. */
void net_expect(int fd, struct span bytes);

/* Checks that nothing more arrives and that the end is a FIN, not a reset. */
void net_expect_eof(int fd);

/* Skips any input up to the end of the connection: a FIN or a reset. */
void net_await_end(int fd);

/* Whether there is input, or the end of it. Does not wait. */
bool net_has_input(int fd);

/* --- nsqd's frames ---------------------------------------------------------------------------- */

#define NET_FRAME_MAX ((size_t)2 << 20)

struct net_frame {
    uint32_t type;
    size_t size; /* of the data */
    uint8_t *data;
};

/* The caller ends the frame with net_frame_free. */
struct net_frame net_read_frame(int fd);
void net_frame_free(struct net_frame *frame);

/* Checks that the next frame has this type and data. */
void net_expect_frame(int fd, uint32_t type, struct span data);

/* --- nsqd's commands -------------------------------------------------------------------------- */

/* Sends "PUB topic" with this body; does not read the reply. */
void net_publish(int fd, const char *topic, struct span body);

/* Sends "SUB topic channel", reads its OK, sends "RDY ready". */
void net_subscribe(int fd, const char *topic, const char *channel, unsigned ready);

#endif
