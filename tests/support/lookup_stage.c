/* SPDX-License-Identifier: MIT */
#include "support/lookup_stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/text.h"
#include "base/time.h"
#include "serve/drive.h"
#include "shell/log_line.h"

#define START (1000 * TIME_SECOND)
#define WALL_START (INT64_C(1767225600) * TIME_SECOND)
#define ROUNDS_MAX 100000

struct lookup_config lookup_stage_config(void)
{
    struct lookup_config config = lookup_defaults();
    config.registry.seed = (struct hash_seed){{1, 2}};
    config.v1.hostname = SPAN("machine");
    config.v1.broadcast_address = SPAN("lookup.example");
    config.v1.tcp_port = 4160;
    config.v1.http_port = 4161;
    return config;
}

/* --- the shell's part ------------------------------------------------------------------------- */

static void offer(struct lookup_stage *s, struct lookup_stage_client *c)
{
    const struct tcp_handler *h = &s->handler;
    struct span rest = buf_span(&c->rest);
    bool reads = c->conn != 0 && (h->want(h->self, c->conn) & WANT_READ) != 0;
    if (reads && rest.n > 0) {
        struct span part = s->cut > 0 ? span_first(rest, s->cut) : rest;
        size_t used = h->recv(h->self, c->conn, part, s->now);
        assert_true(used <= part.n);
        buf_drop(&c->rest, used);
    } else if (c->conn != 0 && rest.n == 0 && c->ended && !c->eof_told) {
        c->eof_told = true;
        h->eof(h->self, c->conn, s->now);
    }
}

static bool has_more(const struct lookup_stage *s, const struct lookup_stage_client *c)
{
    const struct tcp_handler *h = &s->handler;
    return c->conn != 0 && (c->rest.n > 0 ? (h->want(h->self, c->conn) & WANT_READ) != 0
                                          : c->ended && !c->eof_told);
}

static void take(struct lookup_stage *s, struct lookup_stage_client *c)
{
    const struct tcp_handler *h = &s->handler;
    struct span span;
    while (!c->stalled && h->out(h->self, c->conn, &span, 1, s->now) > 0) {
        buf_append(&c->in, span);
        h->sent(h->self, c->conn, span.n, s->now);
    }
    unsigned want = h->want(h->self, c->conn);
    c->shut = c->shut || (want & (WANT_SHUT_WR | WANT_CLOSE)) != 0;
    if (want & WANT_CLOSE) {
        h->closed(h->self, c->conn, CLOSED_AS_WANTED, s->now);
        c->conn = 0;
    }
}

static void changed(struct lookup_stage *s, uint64_t conn)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->clients[i].conn == conn) {
            take(s, &s->clients[i]);
            return;
        }
    }
}

/* Notes the line that the shell would write, without its time. */
static void note_log(struct lookup_stage *s, const struct log_event *event)
{
    struct buf line = {0};
    log_line_append(&line, "", 0, event->level, event->form, event->args, LOG_ARGS_MAX);
    buf_append(&s->log, span_skip(buf_span(&line), sizeof "1970/01/01 00:00:00.000000"));
    buf_free(&line);
}

static void settle(struct lookup_stage *s)
{
    const struct tcp_handler *h = &s->handler;
    struct drive drive = {.rounds_max = ROUNDS_MAX};
    while (drive_next(&drive, h, s->now) != DRIVE_OVER) {
        drive.more_input = false;
        if (drive.turn == DRIVE_INPUT) {
            for (size_t i = 0; i < s->count; i++) {
                offer(s, &s->clients[i]);
            }
        } else if (drive.turn == DRIVE_CHANGED) {
            changed(s, drive.conn);
        } else if (drive.ask.kind == ASK_LOG) {
            note_log(s, drive.ask.event);
        }
        for (size_t i = 0; i < s->count; i++) {
            drive.more_input = drive.more_input || has_more(s, &s->clients[i]);
        }
    }
    assert_false(drive_has_work_left(&drive, h, s->now));
    s->rounds = drive.rounds;
}

/* --- what tests call -------------------------------------------------------------------------- */

struct lookup_stage *lookup_stage_begin(const struct lookup_config *config)
{
    struct lookup_config usual = lookup_stage_config();
    struct lookup_stage *s = alloc_zeroed(sizeof *s);
    s->service = lookup_new(config == NULL ? &usual : config);
    s->handler = lookup_handler(s->service);
    s->now = START;
    s->handler.wall(s->handler.self, WALL_START - START);
    return s;
}

void lookup_stage_end(struct lookup_stage *s)
{
    while (s->count > 0) {
        lookup_stage_forget(s);
    }
    lookup_free(s->service);
    buf_free(&s->log);
    buf_free(&s->text);
    alloc_free(s);
}

size_t lookup_stage_open(struct lookup_stage *s, unsigned listener)
{
    char peer[32];
    struct lookup_stage_client *c = &s->clients[s->count];
    assert_true(s->count < LOOKUP_STAGE_CLIENTS);
    snprintf(peer, sizeof peer, "10.0.0.1:%zu", s->count);
    c->conn = s->handler.open(s->handler.self, listener, text_span(peer), s->now);
    assert_true(c->conn != 0);
    s->count++;
    settle(s);
    return s->count - 1;
}

void lookup_stage_send(struct lookup_stage *s, size_t client, struct span bytes)
{
    buf_append(&s->clients[client].rest, bytes);
    settle(s);
}

void lookup_stage_eof(struct lookup_stage *s, size_t client)
{
    s->clients[client].ended = true;
    settle(s);
}

void lookup_stage_lose(struct lookup_stage *s, size_t client)
{
    struct lookup_stage_client *c = &s->clients[client];
    if (c->conn != 0) {
        s->handler.closed(s->handler.self, c->conn, CLOSED_BY_ERROR, s->now);
        c->conn = 0;
    }
    settle(s);
}

void lookup_stage_forget(struct lookup_stage *s)
{
    struct lookup_stage_client *c = &s->clients[s->count - 1];
    lookup_stage_lose(s, s->count - 1);
    buf_free(&c->rest);
    buf_free(&c->in);
    *c = (struct lookup_stage_client){.conn = 0};
    s->count--;
}

void lookup_stage_stall(struct lookup_stage *s, size_t client, bool stalled)
{
    struct lookup_stage_client *c = &s->clients[client];
    c->stalled = stalled;
    if (c->conn != 0) {
        take(s, c);
    }
    settle(s);
}

void lookup_stage_advance(struct lookup_stage *s, int64_t ns)
{
    int64_t until = s->now + ns;
    int64_t next;
    while ((next = s->handler.next_deadline(s->handler.self)) <= until) {
        s->now = next > s->now ? next : s->now;
        settle(s);
    }
    s->now = until;
    settle(s);
}

size_t lookup_stage_join(struct lookup_stage *s, const char *host)
{
    char text[256];
    size_t client = lookup_stage_open(s, LOOKUP_TCP);
    int n = snprintf(text, sizeof text,
                     "{\"broadcast_address\":\"%s\",\"hostname\":\"%s.local\",\"http_port\":4151,"
                     "\"tcp_port\":4150,\"version\":\"1.3.0\"}",
                     host, host);
    uint8_t size[4];
    be32_store(size, (uint32_t)n);
    lookup_stage_send(s, client, SPAN("  V1IDENTIFY\n"));
    lookup_stage_send(s, client, span_make(size, sizeof size));
    lookup_stage_send(s, client, text_span(text));
    lookup_stage_expect(s, client,
                        "{\"broadcast_address\":\"lookup.example\",\"hostname\":\"machine\","
                        "\"http_port\":4161,\"tcp_port\":4160,\"version\":\"1.3.0\"}; ");
    return client;
}

void lookup_stage_fill(struct lookup_stage *s, size_t client, int count)
{
    struct buf lines = {0};
    for (int i = 0; i < count; i++) {
        text_append(&lines, "REGISTER t c");
        text_append_decimal(&lines, i);
        text_append(&lines, "\n");
    }
    lookup_stage_send(s, client, buf_span(&lines));
    buf_free(&s->clients[client].in);
    buf_free(&lines);
}

static const char *string(struct buf *b)
{
    buf_append(b, span_make("", 1));
    return (const char *)buf_span(b).p;
}

void lookup_stage_expect(struct lookup_stage *s, size_t client, const char *expected)
{
    struct lookup_stage_client *c = &s->clients[client];
    struct span in = buf_span(&c->in);
    struct span data;
    size_t consumed;
    buf_free(&s->text);
    while (nsq_lookup_reply_parse(in, SIZE_MAX, &data, &consumed) == NSQ_OK) {
        buf_append(&s->text, data);
        text_append(&s->text, "; ");
        in = span_skip(in, consumed);
    }
    assert_int_equal(in.n, 0);
    buf_append(&s->text, c->shut ? SPAN("<") : SPAN(""));
    assert_string_equal(string(&s->text), expected);
    buf_free(&c->in);
}

const char *lookup_stage_bytes(struct lookup_stage *s, size_t client)
{
    struct lookup_stage_client *c = &s->clients[client];
    buf_free(&s->text);
    buf_append(&s->text, buf_span(&c->in));
    buf_free(&c->in);
    return string(&s->text);
}

const char *lookup_stage_log(struct lookup_stage *s)
{
    buf_free(&s->text);
    buf_append(&s->text, buf_span(&s->log));
    buf_free(&s->log);
    return string(&s->text);
}

void lookup_stage_expect_log(struct lookup_stage *s, const char *expected)
{
    assert_string_equal(lookup_stage_log(s), expected);
}

void lookup_stage_forget_log(struct lookup_stage *s)
{
    buf_free(&s->log);
}
