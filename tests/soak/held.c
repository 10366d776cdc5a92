/* SPDX-License-Identifier: MIT */
/*
 * Owns: the scenarios of connections that hold much: consumers that never read a large message, in
 * clear and through codecs, and clients that wait for an auth server that never answers. The server
 * has --mem-queue-bytes=N. It may use 1.5 * N + 16 MiB + 2 KiB for each connection.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/time.h"
#include "bench/process.h"
#include "codec/deflate.h"
#include "codec/snappy.h"
#include "codec/tls.h"
#include "shell/clock.h"
#include "soak/gate_tls.h"
#include "soak/scenarios.h"
#include "soak/scene.h"

#define N_MIB 32
#define MIB (1 << 20)

#define READERS 4 /* of the consumers begin to read at the end */

enum through { CLEAR, TLS, SNAPPY, DEFLATE };

/* A message that many consumers get and do not read. */
struct deaf {
    const char *name;
    enum through through;
    unsigned consumers;
    size_t size; /* bytes of the message */
};

static struct scene scene;
static struct tls *client_tls; /* NULL: no TLS */
static enum through through;

static int64_t most_kib(size_t connections)
{
    return (3 * N_MIB / 2 + 16) * (int64_t)SCENE_MIB + 2 * (int64_t)connections;
}

/* --- consumers that never read ---------------------------------------------------------------- */

/* The answer to IDENTIFY is a JSON text. The codec begins behind it. */
static void on_deaf_frame(struct peer *p, const struct nsq_frame *frame)
{
    if (frame->data.n > 0 && frame->data.p[0] == '{') {
        peer_enable_codec(p, through == TLS      ? tls_connect(client_tls, NULL)
                             : through == SNAPPY ? snappy_codec()
                                                 : deflate_codec(6));
    }
    scene_on_frame(p, frame);
}

/* Sets the size of the receive buffer. If it is small, output waits in the server. */
static void set_buffer(const struct client *c, int bytes)
{
    setsockopt(c->peer.fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

static void subscribe(struct client *c, unsigned number)
{
    static const char *const asks[] = {
        [TLS] = "{\"feature_negotiation\":true,\"tls_v1\":true}",
        [SNAPPY] = "{\"feature_negotiation\":true,\"snappy\":true}",
        [DEFLATE] = "{\"feature_negotiation\":true,\"deflate\":true}",
    };
    char text[64];
    if (!scene_open(&scene, c)) {
        return;
    }
    if (number >= READERS) {
        set_buffer(c, 4096);
    }
    if (through != CLEAR) {
        peer_say_body(&c->peer, "IDENTIFY\n", span_make(asks[through], strlen(asks[through])));
        peer_transmit(&c->peer);
        scene_wait(&scene, c, 2); /* the settings, and OK behind the codec */
    }
    snprintf(text, sizeof text, "SUB load deaf%u#ephemeral\nRDY 1\n", number);
    peer_say(&c->peer, text);
    peer_transmit(&c->peer);
    scene_wait(&scene, c, through == CLEAR ? 1 : 3);
    peer_pause_input(&c->peer, true);
}

static void publish(struct client *c, size_t size)
{
    struct buf body = {0};
    uint64_t random = 1;
    while (body.n < size) { /* bytes that cannot be compressed */
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        buf_append(&body, span_make(&random, sizeof random));
    }
    if (scene_open(&scene, c)) {
        peer_say_body(&c->peer, "PUB load\n", span_first(buf_span(&body), size));
        peer_transmit(&c->peer);
        scene_wait(&scene, c, 1);
    }
    buf_free(&body);
}

/* A few consumers begin to read. Each gets the message. */
static void some_read(void)
{
    int64_t limit = clock_now() + SCENE_LIMIT;
    for (unsigned i = 0; i < READERS; i++) {
        peer_pause_input(&scene.clients[i].peer, false);
    }
    for (unsigned i = 0; i < READERS; i++) {
        while (scene.clients[i].messages == 0 && scene.why[0] == '\0') {
            scene_turn(&scene);
            if (clock_now() > limit) {
                scene_fail(&scene, "consumer %u does not get its message", i);
            }
        }
    }
}

static enum verdict run_deaf(const char *program, int64_t ns, const struct deaf *deaf)
{
    char cap[48];
    char figures[100];
    char key[] = "/tmp/nsqref-held-XXXXXX";
    const char *flags[8] = {cap, "--max-msg-size=20000000", "--max-body-size=30000000"};
    char flag_cert[64];
    char flag_key[64];
    snprintf(cap, sizeof cap, "--mem-queue-bytes=%d", N_MIB * MIB);
    through = deaf->through;
    if (through == TLS) {
        const struct tls_client_settings any_server = {.min_version = TLS_1_2};
        struct buf why = {0};
        int fd = mkstemp(key);
        if (fd < 0 || close(fd) != 0 || (client_tls = tls_client_new(&any_server, &why)) == NULL) {
            process_die("there is no TLS");
        }
        gate_tls_key(key, 2048);
        snprintf(flag_cert, sizeof flag_cert, "--tls-cert=%s", key);
        snprintf(flag_key, sizeof flag_key, "--tls-key=%s", key);
        flags[3] = flag_cert;
        flags[4] = flag_key;
    }
    scene_begin(&scene, deaf->name);
    scene.peers.on_frame = on_deaf_frame;
    scene_start(&scene, program, flags, 0, deaf->consumers + 1);
    for (unsigned i = 0; i < deaf->consumers && scene.why[0] == '\0'; i++) {
        subscribe(&scene.clients[i], i);
    }
    scene_probe(&scene, ns, false);
    publish(&scene.clients[deaf->consumers], deaf->size);
    while (scene_turn(&scene)) {
    }
    some_read();
    snprintf(figures, sizeof figures, "%u did not read a message of %zu bytes", deaf->consumers,
             deaf->size);
    enum verdict verdict = scene_finish(&scene, most_kib(deaf->consumers), figures);
    if (through == TLS) {
        tls_free(client_tls);
        unlink(key);
    }
    return verdict;
}

/* A codec takes much of the memory of the budget, so there are fewer consumers with codecs. */
enum verdict soak_deaf(const char *program, int64_t ns, uint64_t seed)
{
    static const struct deaf deafs[] = {
        {"deaf", CLEAR, 2000, MIB},          {"deaf, 16 MiB", CLEAR, 200, 16 * MIB},
        {"deaf, TLS", TLS, 300, MIB},        {"deaf, snappy", SNAPPY, 100, MIB},
        {"deaf, deflate", DEFLATE, 40, MIB},
    };
    enum verdict verdict = CORRECT;
    (void)seed;
    for (size_t i = 0; i < sizeof deafs / sizeof deafs[0]; i++) {
        verdict = worse(run_deaf(program, ns, &deafs[i]), verdict);
        fflush(stdout);
    }
    return verdict;
}

/* --- clients that wait for an auth server ----------------------------------------------------- */

#define WAITING 1500
#define BEHIND 65536 /* bytes behind AUTH */

/* Returns a socket that accepts connections and never answers. */
static int silent_listener(char address[32])
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(fd, 4096) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &size) != 0) {
        process_die("listen: %s", strerror(errno));
    }
    snprintf(address, 32, "127.0.0.1:%d", ntohs(at.sin_port));
    return fd;
}

enum verdict soak_waiting(const char *program, int64_t ns, uint64_t seed)
{
    char cap[48];
    char address[32];
    char auth[64];
    char figures[100];
    const char *const flags[] = {cap, auth, NULL};
    (void)seed;
    snprintf(cap, sizeof cap, "--mem-queue-bytes=%d", N_MIB * MIB);
    int listener = silent_listener(address);
    snprintf(auth, sizeof auth, "--auth-http-address=%s", address);
    scene_begin(&scene, "waiting");
    scene_start(&scene, program, flags, 0, WAITING);
    struct buf behind = {0};
    while (behind.n < BEHIND) {
        buf_append(&behind, SPAN("NOP\n"));
    }
    for (size_t i = 0; i < WAITING && scene.why[0] == '\0'; i++) {
        struct client *c = &scene.clients[i];
        if (scene_open(&scene, c)) {
            peer_say_body(&c->peer, "AUTH\n", SPAN("secret"));
            buf_append(&c->peer.out, buf_span(&behind));
            peer_transmit(&c->peer);
        }
    }
    buf_free(&behind);
    scene.end = clock_now() + ns;
    while (scene_turn(&scene)) {
    }
    snprintf(figures, sizeof figures, "%d wait for an auth server, with %d bytes behind AUTH",
             WAITING, BEHIND);
    close(listener);
    return scene_finish(&scene, most_kib((size_t)2 * WAITING), figures);
}
