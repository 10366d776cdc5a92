/* SPDX-License-Identifier: MIT */
/* One connection, one IDENTIFY. Must not know: cases. */
#include "conform/target_version.h"

#include <nsq/frame.h>
#include <nsq/lookup.h>

#include <yajl/yajl_tree.h>

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/time.h"
#include "shell/clock.h"
#include "shell/socket.h"

#define WAIT TIME_SECOND
#define ANSWER_MAX ((size_t)65536) /* bytes; a longer answer is not read */
#define READ_SIZE ((size_t)4096)
#define VERSION_MAX ((size_t)64) /* bytes of a version; a longer one is cut */

void target_version_of(struct span json, struct buf *out)
{
    static const char *const path[] = {"version", NULL};
    char *text = alloc_zeroed(json.n + 1);
    if (json.n > 0) {
        memcpy(text, json.p, json.n);
    }
    yajl_val tree = yajl_tree_parse(text, NULL, 0);
    const char *version = YAJL_GET_STRING(yajl_tree_get(tree, (const char **)path, yajl_t_string));
    if (version != NULL) {
        buf_append(out, span_first(span_make(version, strlen(version)), VERSION_MAX));
    }
    yajl_tree_free(tree);
    alloc_free(text);
}

static enum nsq_parse parse(struct span in, enum server_kind server, struct span *data,
                            size_t *size)
{
    struct nsq_frame frame;
    if (server == SERVER_NSQLOOKUPD) {
        return nsq_lookup_reply_parse(in, ANSWER_MAX, data, size);
    }
    enum nsq_parse result = nsq_frame_parse(in, NSQ_FRAME_DATA_MAX, &frame, size);
    *data = result == NSQ_OK ? frame.data : span_make(NULL, 0);
    return result;
}

/* Reads until an answer with JSON has arrived. Returns false if none arrives in time. */
static bool read_answer(int fd, enum server_kind server, struct buf *in, struct span *data)
{
    int64_t deadline = clock_now() + WAIT;
    while (in->n < ANSWER_MAX) {
        size_t size;
        enum nsq_parse result = parse(buf_span(in), server, data, &size);
        if (result == NSQ_OK && data->n > 0 && data->p[0] == '{') {
            return true;
        }
        if (result == NSQ_OK) { /* for example a heartbeat */
            buf_drop(in, size);
            continue;
        }
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        int64_t left = deadline - clock_now();
        if (result == NSQ_BAD || left <= 0 || poll(&ready, 1, (int)(left / TIME_MS) + 1) < 0) {
            return false;
        }
        ssize_t n = recv(fd, buf_room(in, READ_SIZE), READ_SIZE, 0);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
            return false;
        }
        buf_grew(in, n < 0 ? 0 : (size_t)n);
    }
    return false;
}

void target_version(const char *address, enum server_kind server, struct buf *out)
{
    static const struct span requests[] = {
        [SERVER_NSQD] = SPAN_LITERAL("  V2IDENTIFY\n\0\0\0\x1c{\"feature_negotiation\":true}"),
        [SERVER_NSQLOOKUPD] =
            SPAN_LITERAL("  V1IDENTIFY\n\0\0\0\x4c{\"broadcast_address\":\"nsq-conform\","
                         "\"tcp_port\":1,\"http_port\":1,\"version\":\"0\"}"),
    };
    struct span request = requests[server];
    struct buf in = {0};
    struct span data;
    int fd = socket_connect(address);
    if (fd < 0) {
        return;
    }
    if (send(fd, request.p, request.n, MSG_NOSIGNAL) == (ssize_t)request.n &&
        read_answer(fd, server, &in, &data)) {
        target_version_of(data, out);
    }
    close(fd);
    buf_free(&in);
}
