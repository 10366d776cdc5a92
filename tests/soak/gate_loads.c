/* SPDX-License-Identifier: MIT */
/*
 * The loads of the gates. All topics and channels have names of their own, so that several loads
 * fit on one server. Must not know: what is measured.
 */
#include "soak/gate_loads.h"

#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/time.h"
#include "shell/clock.h"
#include "soak/gate_auth.h"
#include "soak/gate_http.h"
#include "soak/gate_tls.h"

#define MPUB_MOST                                                                                  \
    1000000         /* one-byte messages in one MPUB: 5 bytes each, and max-body-size is 5 MiB */
#define DPUBS 20000 /* that are sent together */
#define DELAY "3000000" /* ms; longer than a run */
#define BODY_SIZE 1048576
#define OK_SIZE 10 /* bytes of the frame */
#define AUTH_REPLY_LEAST 40
#define READERS 4         /* clients that ask for /stats at the same time */
#define POSTED_SIZE 156   /* bytes of the answer to a POST /pub */
#define CHANNEL_LEAST 200 /* bytes of a channel in /stats?format=json */

static void say_mpub(struct client *c, const char *topic, uint64_t messages)
{
    char line[64];
    struct buf body = {0};
    size_t n = 4 + 5 * (size_t)messages;
    uint8_t *p = buf_room(&body, n);
    be32_store(p, (uint32_t)messages);
    for (size_t i = 4; i < n; i += 5) {
        be32_store(p + i, 1);
        p[i + 4] = 'x';
    }
    buf_grew(&body, n);
    snprintf(line, sizeof line, "MPUB %s\n", topic);
    peer_say_body(&c->peer, line, buf_span(&body));
    peer_transmit(&c->peer);
    c->said++;
    buf_free(&body);
}

static void wait_for_all(struct load *l, const struct client *c)
{
    scene_wait(l->scene, c, c->said);
    if (c->errors > 0) {
        scene_fail(l->scene, "a load was refused");
    }
}

static void make_channels(const struct load *l, const char *topic)
{
    char text[64];
    for (unsigned i = 0; i < l->size.channels; i++) {
        snprintf(text, sizeof text, "  V2SUB %s c%u\n", topic, i);
        crowd_visit(l->scene->server.address, span_make(text, strlen(text)));
    }
}

static bool all_heard(const struct load *l)
{
    return l->clients[0].heard + l->clients[0].errors >= l->clients[0].said;
}

/* --- nothing ---------------------------------------------------------------------------------- */

static void do_nothing(struct load *l)
{
    (void)l;
}

const struct load_kind load_none = {do_nothing, do_nothing, all_heard};

/* --- publishing to many channels -------------------------------------------------------------- */

static void prepare_mpub(struct load *l)
{
    make_channels(l, "mpub");
    scene_open(l->scene, &l->clients[0]);
}

static void act_mpub(struct load *l)
{
    say_mpub(&l->clients[0], "mpub", l->size.messages);
}

const struct load_kind load_mpub = {prepare_mpub, act_mpub, all_heard};

static void prepare_pubs(struct load *l)
{
    make_channels(l, "p");
    scene_open(l->scene, &l->clients[0]);
}

static void act_pubs(struct load *l)
{
    struct client *c = &l->clients[0];
    for (; c->said < l->size.messages; c->said++) {
        peer_say_body(&c->peer, "PUB p\n", SPAN("x"));
    }
    peer_transmit(&c->peer);
}

const struct load_kind load_pubs = {prepare_pubs, act_pubs, all_heard};

static void prepare_shares(struct load *l)
{
    struct client *c = &l->clients[0];
    make_channels(l, "shares");
    scene_open(l->scene, c);
    for (uint64_t n = 0; n < l->size.messages; n += MPUB_MOST) {
        uint64_t left = l->size.messages - n;
        say_mpub(c, "shares", left < MPUB_MOST ? left : MPUB_MOST);
        wait_for_all(l, c);
    }
}

const struct load_kind load_shares = {prepare_shares, do_nothing, all_heard};

/* --- containers that end or move as a whole --------------------------------------------------- */

static void prepare_deferred(struct load *l)
{
    struct client *consumer = &l->clients[0];
    struct client *publisher = &l->clients[1];
    scene_open(l->scene, consumer);
    scene_open(l->scene, publisher);
    peer_say(&consumer->peer, "SUB deferred gate#ephemeral\n");
    peer_transmit(&consumer->peer);
    consumer->said = 1;
    wait_for_all(l, consumer);
    while (publisher->said < l->size.messages && l->scene->why[0] == '\0') {
        for (unsigned i = 0; i < DPUBS; i++) {
            peer_say_body(&publisher->peer, "DPUB deferred " DELAY "\n", SPAN("x"));
        }
        publisher->said += DPUBS;
        peer_transmit(&publisher->peer);
        wait_for_all(l, publisher);
    }
}

static void act_deferred(struct load *l)
{
    peer_close(&l->clients[0].peer);
}

const struct load_kind load_deferred = {prepare_deferred, act_deferred, all_heard};

static void prepare_first(struct load *l)
{
    struct client *publisher = &l->clients[1];
    scene_open(l->scene, &l->clients[0]);
    scene_open(l->scene, publisher);
    for (uint64_t n = 0; n < l->size.messages; n += MPUB_MOST) {
        say_mpub(publisher, "first", MPUB_MOST);
        wait_for_all(l, publisher);
    }
}

static void act_first(struct load *l)
{
    struct client *c = &l->clients[0];
    peer_say(&c->peer, "SUB first c\n");
    peer_transmit(&c->peer);
    c->said = 1;
}

const struct load_kind load_first = {prepare_first, act_first, all_heard};

/* --- handshakes ------------------------------------------------------------------------------- */

static void watch_crowd(struct load *l)
{
    struct epoll_event wakes = {.events = EPOLLIN, .data = {.ptr = NULL}};
    crowd_watch(&l->crowd);
    epoll_ctl(l->scene->peers.epoll, EPOLL_CTL_ADD, l->crowd.epoll, &wakes);
}

static void prepare_handshakes(struct load *l)
{
    struct span json = SPAN("{\"feature_negotiation\":true,\"tls_v1\":true}");
    struct buf text = {0};
    uint8_t size[4];
    be32_store(size, (uint32_t)json.n);
    buf_append(&text, SPAN("  V2IDENTIFY\n"));
    buf_append(&text, span_make(size, sizeof size));
    buf_append(&text, json);
    for (unsigned i = 0; i < l->size.channels; i++) {
        crowd_join(&l->crowd, l->scene->server.address, buf_span(&text));
    }
    buf_free(&text);
    l->crowd.may_end = true; /* a handshake has a deadline */
    watch_crowd(l);
}

static void act_handshakes(struct load *l)
{
    struct buf hello = {0};
    gate_tls_hello(&hello);
    crowd_say(&l->crowd, buf_span(&hello));
    buf_free(&hello);
}

static bool is_greeted(const struct load *l)
{
    return l->crowd.heard_count == l->crowd.n;
}

const struct load_kind load_handshakes = {prepare_handshakes, act_handshakes, is_greeted};

/* --- long IDENTIFY bodies --------------------------------------------------------------------- */

static void prepare_identify(struct load *l)
{
    for (size_t i = 0; i < GATE_CLIENTS; i++) {
        scene_open(l->scene, &l->clients[i]);
    }
}

/* Almost every byte is a token: this takes a JSON parser longest. */
static void act_identify(struct load *l)
{
    struct buf body = {0};
    size_t n = (size_t)l->size.messages;
    memset(buf_room(&body, n), ' ', n);
    buf_grew(&body, n);
    memcpy(body.p, "{\"x\":[1", 7);
    for (size_t i = 7; i + 4 <= n; i += 2) {
        memcpy(body.p + i, ",1", 2);
    }
    memcpy(body.p + n - 2, "]}", 2);
    for (size_t i = 0; i < GATE_CLIENTS; i++) {
        peer_say_body(&l->clients[i].peer, "IDENTIFY\n", buf_span(&body));
        peer_transmit(&l->clients[i].peer);
        l->clients[i].said = 1;
    }
    buf_free(&body);
}

static bool are_identified(const struct load *l)
{
    bool heard = true;
    for (size_t i = 0; i < GATE_CLIENTS; i++) {
        const struct client *c = &l->clients[i];
        heard = heard && c->heard + c->errors >= c->said;
        if (c->errors > 0) {
            scene_fail(l->scene, "an IDENTIFY was refused");
        }
    }
    return heard;
}

const struct load_kind load_identify = {prepare_identify, act_identify, are_identified};

/* --- answers of an auth server ---------------------------------------------------------------- */

static void prepare_answers(struct load *l)
{
    for (unsigned i = 0; i < l->size.channels; i++) {
        crowd_join(&l->crowd, l->scene->server.address, SPAN("  V2IDENTIFY\n\0\0\0\2{}"));
    }
    watch_crowd(l);
}

static void append_body(struct buf *out, struct span body)
{
    uint8_t size[4];
    be32_store(size, (uint32_t)body.n);
    buf_append(out, span_make(size, sizeof size));
    buf_append(out, body);
}

static void act_answers(struct load *l, struct span secret)
{
    struct buf out = {0};
    buf_append(&out, SPAN("AUTH\n"));
    append_body(&out, secret);
    for (unsigned i = 0; i < l->size.messages; i++) {
        char name[GATE_AUTH_NAME_SIZE + 1];
        gate_auth_topic(name, i);
        buf_append(&out, SPAN("PUB "));
        buf_append(&out, span_make(name, GATE_AUTH_NAME_SIZE));
        buf_append(&out, SPAN("\n"));
        append_body(&out, SPAN("x"));
    }
    crowd_say(&l->crowd, buf_span(&out));
    buf_free(&out);
}

static void act_tokens(struct load *l)
{
    act_answers(l, SPAN(GATE_AUTH_TOKENS));
}

static void act_classes(struct load *l)
{
    act_answers(l, SPAN(GATE_AUTH_CLASSES));
}

static void act_matches(struct load *l)
{
    act_answers(l, SPAN(GATE_AUTH_MATCHES));
}

/* Each client has got the reply to AUTH, which is larger than that to a PUB, and those to all PUBs.
 */
static bool are_authorized(const struct load *l)
{
    uint64_t least = AUTH_REPLY_LEAST + l->size.messages * OK_SIZE;
    return l->crowd.heard_count == l->crowd.n && l->crowd.bytes >= l->crowd.n * least;
}

const struct load_kind load_tokens = {prepare_answers, act_tokens, are_authorized};
const struct load_kind load_classes = {prepare_answers, act_classes, are_authorized};
const struct load_kind load_matches = {prepare_answers, act_matches, are_authorized};

/* --- one body to many consumers --------------------------------------------------------------- */

static void prepare_bodies(struct load *l)
{
    char text[64];
    for (unsigned i = 0; i < l->size.channels; i++) {
        snprintf(text, sizeof text, "  V2SUB bodies c%u\nRDY 1\n", i);
        crowd_join(&l->crowd, l->scene->server.address, span_make(text, strlen(text)));
    }
    watch_crowd(l);
    scene_open(l->scene, &l->clients[0]);
}

static void act_bodies(struct load *l)
{
    static const uint8_t body[BODY_SIZE];
    struct client *c = &l->clients[0];
    peer_say_body(&c->peer, "PUB bodies\n", span_make(body, sizeof body));
    peer_transmit(&c->peer);
    c->said = 1;
}

static bool all_got_body(const struct load *l)
{
    return all_heard(l) && l->crowd.bytes >= (uint64_t)l->crowd.n * BODY_SIZE;
}

const struct load_kind load_bodies = {prepare_bodies, act_bodies, all_got_body};

/* --- publishing over HTTP --------------------------------------------------------------------- */

static void prepare_posts(struct load *l)
{
    for (unsigned i = 0; i < l->size.channels; i++) {
        crowd_add(&l->crowd, l->scene->server.http);
    }
    watch_crowd(l);
}

/* All requests of a connection at once. */
static void act_posts(struct load *l)
{
    struct buf requests = {0};
    for (uint64_t i = 0; i < l->size.messages; i++) {
        buf_append(&requests, SPAN("POST /pub?topic=posts HTTP/1.1\r\nHost: x\r\n"
                                   "Content-Length: 1\r\n\r\nx"));
    }
    crowd_say(&l->crowd, buf_span(&requests));
    buf_free(&requests);
}

static bool are_all_posted(const struct load *l)
{
    return l->crowd.bytes >= l->crowd.n * l->size.messages * POSTED_SIZE;
}

const struct load_kind load_posts = {prepare_posts, act_posts, are_all_posted};

/* --- statistics ------------------------------------------------------------------------------- */

static void prepare_stats(struct load *l)
{
    gate_http_make(l->scene->server.http, l->size.messages, l->size.channels);
    for (int i = 0; i < READERS; i++) {
        crowd_add(&l->crowd, l->scene->server.http);
    }
    l->crowd.may_end = true; /* in HTTP/1.0 a long page ends with the connection */
    watch_crowd(l);
}

static void act_stats(struct load *l)
{
    crowd_say(&l->crowd, SPAN("GET /stats?format=json HTTP/1.0\r\n\r\n"));
}

static bool are_pages_whole(const struct load *l)
{
    uint64_t least = (uint64_t)l->size.channels * CHANNEL_LEAST;
    bool ended = l->crowd.ended_count == l->crowd.n;
    if (ended && l->crowd.bytes < l->crowd.n * least) {
        scene_fail(l->scene, "a page of /stats is too short");
    }
    return ended;
}

const struct load_kind load_stats = {prepare_stats, act_stats, are_pages_whole};

/* ---------------------------------------------------------------------------------------------- */

void load_begin(struct load *l, const struct load_size *size, struct scene *scene,
                struct client *clients)
{
    *l = (struct load){.size = *size, .scene = scene, .clients = clients};
    size->kind->prepare(l);
}

void load_turn(struct load *l)
{
    crowd_turn(&l->crowd);
    if (l->crowd.broken) {
        scene_fail(l->scene, "the server ended the connection of one of many clients");
    }
}

void load_end(struct load *l)
{
    crowd_free(&l->crowd);
    for (size_t i = 0; i < GATE_CLIENTS; i++) {
        peer_close(&l->clients[i].peer);
    }
}
