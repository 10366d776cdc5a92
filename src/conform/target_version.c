/* SPDX-License-Identifier: MIT */
/* One connection, one IDENTIFY. Must not know: cases. */
#include "conform/target_version.h"

#include <nsq/frame.h>

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

/* Reads until a frame that is no heartbeat has arrived. Returns false if none arrives in time. */
static bool read_answer(int fd, struct buf *in, struct nsq_frame *frame)
{
    int64_t deadline = clock_now() + WAIT;
    while (in->n < ANSWER_MAX) {
        size_t size;
        enum nsq_parse result = nsq_frame_parse(buf_span(in), NSQ_FRAME_DATA_MAX, frame, &size);
        if (result == NSQ_OK && !nsq_frame_is_heartbeat(frame)) {
            return true;
        }
        if (result == NSQ_OK) {
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

void target_version(const char *address, struct buf *out)
{
    static const struct span identify =
        SPAN_LITERAL("  V2IDENTIFY\n\0\0\0\x1c{\"feature_negotiation\":true}");
    struct buf in = {0};
    struct nsq_frame frame;
    int fd = socket_connect(address);
    if (fd < 0) {
        return;
    }
    if (send(fd, identify.p, identify.n, MSG_NOSIGNAL) == (ssize_t)identify.n &&
        read_answer(fd, &in, &frame) && frame.type == NSQ_FRAME_RESPONSE) {
        target_version_of(frame.data, out);
    }
    close(fd);
    buf_free(&in);
}
