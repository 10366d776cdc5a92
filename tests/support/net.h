/* SPDX-License-Identifier: MIT */
/*
 * Owns: the client's end of a socket on loopback, as tests use it: what is awaited comes within
 * NET_PATIENCE_MS or the test fails, and nothing sleeps.
 * Must not know: who serves. A server in the same thread is given its turns by net_turn.
 */
#ifndef TESTS_SUPPORT_NET_H
#define TESTS_SUPPORT_NET_H

#include <nsq/span.h>

#define NET_PATIENCE_MS 20000 /* far more than anything takes, also under valgrind */

/* Called whenever a wait has found nothing for a millisecond. For a server
 * that lives in this thread; NULL: there is none. */
extern void (*net_turn)(void *context);
extern void *net_turn_context;

/* Connects to 127.0.0.1:port, or to a unix socket; the descriptor is nonblocking. */
int net_connect(unsigned port);
int net_connect_unix(const char *path);

/* As net_connect_unix, once somebody listens there. */
int net_await_unix(const char *path);

/* As net_connect, with these sizes of the kernel's buffers (0: as they are). */
int net_connect_small(unsigned port, int receive_buffer, int send_buffer);

/* Sends everything. */
void net_send(int fd, struct span bytes);

/* Sends what goes without waiting; returns how much. */
size_t net_send_some(int fd, struct span bytes);

/* Sends no more. */
void net_shut(int fd);

/* Closes with a reset in place of a FIN. */
void net_reset(int fd);

/* Reads exactly n bytes to p. */
void net_read(int fd, void *p, size_t n);

/* The next bytes are exactly these. */
void net_expect(int fd, struct span bytes);

/* Then nothing more comes, and that is said with a FIN, not with a reset. */
void net_expect_eof(int fd);

/* Whatever comes, the end of the connection does too: a FIN or a reset. */
void net_await_end(int fd);

/* Whether there is something to read, an end among it. Does not wait. */
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

/* The next frame is of this type and has this data. */
void net_expect_frame(int fd, uint32_t type, struct span data);

/* --- nsqd's commands -------------------------------------------------------------------------- */

/* "PUB topic" with this body; the reply is not read. */
void net_publish(int fd, const char *topic, struct span body);

/* "SUB topic channel", its OK, "RDY ready". */
void net_subscribe(int fd, const char *topic, const char *channel, unsigned ready);

#endif
