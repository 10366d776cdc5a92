/* SPDX-License-Identifier: MIT */
/*
 * Publishes and consumes one message at a time in a process of its own. Must not know: what the
 * load is.
 */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */ /* NOLINT(bugprone-reserved-identifier) */
#include "soak/bystander.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"
#include "bench/peer.h"
#include "bench/process.h"
#include "shell/clock.h"

#define WARM_UP 50               /* messages before the first that counts */
#define REST_NS TIME_MS          /* between two messages */
#define MESSAGES_MOST 1000000    /* that are measured */
#define LIMIT (30 * TIME_SECOND) /* ns; the longest wait for one message */

#define DESCRIPTORS_MOST 16384 /* that the load may have open */

struct bystander_figures {
    atomic_bool warm, stop;
    uint64_t messages;
    char why[128]; /* empty: nothing was wrong */
    int64_t took[MESSAGES_MOST];
};

/* Of the bystander's process. */
static struct {
    struct peers peers;
    struct peer publisher, consumer;
    struct bystander_figures *shared;
    bool answered; /* the last PUB or SUB */
    bool arrived;
} by;

static void nap(int64_t ns)
{
    const struct timespec t = {.tv_sec = ns / TIME_SECOND, .tv_nsec = ns % TIME_SECOND};
    nanosleep(&t, NULL);
}

static void fail(const char *why)
{
    if (by.shared->why[0] == '\0') {
        snprintf(by.shared->why, sizeof by.shared->why, "%s", why);
    }
}

/* --- the bystander's process ------------------------------------------------------------------ */

static void on_frame(struct peer *p, const struct nsq_frame *frame)
{
    struct nsq_message m;
    char text[NSQ_MESSAGE_ID_SIZE + 6];
    if (nsq_frame_is_heartbeat(frame)) {
        peer_say(p, "NOP\n");
    } else if (frame->type == NSQ_FRAME_RESPONSE) {
        by.answered = true;
    } else if (frame->type == NSQ_FRAME_MESSAGE && nsq_message_parse(frame->data, &m) == NSQ_OK &&
               !by.arrived) {
        by.arrived = true;
        snprintf(text, sizeof text, "FIN %.*s\n", NSQ_MESSAGE_ID_SIZE, (const char *)m.id);
        peer_say(p, text);
    } else {
        fail("was answered with an error, or was sent a message again");
    }
}

static void on_closed(struct peer *p, const char *why)
{
    (void)p;
    fail(why);
}

/* Waits for the answer, and if `message` for a message. */
static void wait_for(bool message)
{
    int64_t end = clock_now() + LIMIT;
    while ((!by.answered || (message && !by.arrived)) && by.shared->why[0] == '\0') {
        peers_turn(&by.peers, 1000);
        if (clock_now() > end) {
            fail("a message does not come");
        }
    }
}

/* Returns how long (ns) one message takes. */
static int64_t send_one(void)
{
    by.answered = false;
    by.arrived = false;
    int64_t start = clock_now();
    peer_say_body(&by.publisher, "PUB bystander\n", SPAN("x"));
    peer_transmit(&by.publisher);
    wait_for(true);
    return clock_now() - start;
}

static void authorize(struct peer *p, const char *secret)
{
    by.answered = false;
    peer_say_body(p, "AUTH\n", span_make(secret, strlen(secret)));
    peer_transmit(p);
    wait_for(false);
}

static _Noreturn void run(const char *address, const char *secret, struct bystander_figures *shared)
{
    by.shared = shared;
    by.peers = (struct peers){.on_frame = on_frame, .on_closed = on_closed};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* The clients of the load must be able to end their connections. */
    for (int fd = STDERR_FILENO + 1; fd < DESCRIPTORS_MOST; fd++) {
        close(fd);
    }
    if (!peers_init(&by.peers) || !peer_open(&by.peers, &by.publisher, address, NULL) ||
        !peer_open(&by.peers, &by.consumer, address, NULL)) {
        fail(strerror(errno));
        _exit(1);
    }
    if (secret != NULL) {
        authorize(&by.publisher, secret);
        authorize(&by.consumer, secret);
        by.answered = false;
    }
    peer_say(&by.consumer, "SUB bystander c\nRDY 1\n");
    peer_transmit(&by.consumer);
    wait_for(false);
    for (unsigned i = 0; i < WARM_UP && shared->why[0] == '\0'; i++) {
        send_one();
    }
    atomic_store(&shared->warm, true);
    while (!atomic_load(&shared->stop) && shared->why[0] == '\0' &&
           shared->messages < MESSAGES_MOST) {
        int64_t ns = send_one();
        shared->took[shared->messages++] = ns;
        nap(REST_NS);
    }
    _exit(0);
}

/* --- the process that started it -------------------------------------------------------------- */

void bystander_start(struct bystander *b, const char *address, const char *secret)
{
    int64_t end = clock_now() + LIMIT;
    void *shared =
        mmap(NULL, sizeof *b->shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        process_die("the bystander: %s", strerror(errno));
    }
    b->shared = shared;
    fflush(stdout);
    b->pid = fork();
    if (b->pid == 0) {
        run(address, secret, b->shared);
    }
    while (!atomic_load(&b->shared->warm)) {
        nap(TIME_MS);
        if (b->pid < 0 || clock_now() > end || waitpid(b->pid, NULL, WNOHANG) != 0) {
            process_die("the bystander: its first messages do not come; %s", b->shared->why);
        }
    }
}

static int smaller(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

const char *bystander_end(struct bystander *b, struct bystander_times *times)
{
    static char why[sizeof b->shared->why];
    struct bystander_figures *f = b->shared;
    atomic_store(&f->stop, true);
    waitpid(b->pid, NULL, 0);
    size_t n = (size_t)f->messages;
    qsort(f->took, n, sizeof f->took[0], smaller);
    *times = (struct bystander_times){.messages = n};
    if (n > 0) {
        times->p50 = f->took[n / 2];
        times->p99 = f->took[n * 99 / 100];
        times->longest = f->took[n - 1];
    } else if (f->why[0] == '\0') {
        snprintf(f->why, sizeof f->why, "it measured nothing");
    }
    memcpy(why, f->why, sizeof why);
    munmap(f, sizeof *f);
    return why[0] == '\0' ? NULL : why;
}
