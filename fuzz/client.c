/* SPDX-License-Identifier: MIT */
/*
 * Runs one client against an engine on virtual time, byte by byte and then in pieces, and compares
 * what the server sent. Must not know: how the server reaches its results.
 */
#include "client.h"

#include "client_parts.h"

#define INPUT_MAX 1024

/* What the server had sent after each byte of the bytewise run. */
static struct {
    size_t output;
    uint64_t hash;
} trace[WIRE_MAX + 1];

struct client_asks client_asks;
struct choice client_choice;
bool client_negotiates;

static void give_byte(struct run *run, struct reader *reader)
{
    struct before before = client_look_before(run, reader);
    enum due due = client_next_due(reader, run->input, run->given + 1);
    client_give(run, 1);
    client_look_after(run, reader, &before, due);
}

/* Whether time passes after the first n bytes. */
static bool time_passes(size_t n)
{
    unsigned p = client_choice.time & 15;
    if (client_negotiates) {
        return client_wire.late[n];
    }
    return p != 0 && n > 0 && (n & (((size_t)1 << p) - 1)) == 0;
}

int64_t client_time_step(void)
{
    return client_negotiates ? TIME_SECOND : (25 * TIME_MS) << (client_choice.time >> 4);
}

void client_keep_trace(const struct run *run)
{
    const struct session *s = client_session(run);
    client_asks.subscribed = client_asks.subscribed || (s != NULL && s->state != SESSION_INIT);
    trace[run->given].output = run->output;
    trace[run->given].hash = run->hash;
}

void client_keep_rest(const struct run *run)
{
    for (size_t i = run->given + 1; i <= run->input.n; i++) {
        trace[i].output = run->output;
        trace[i].hash = run->hash;
    }
}

static void run_bytewise(struct span input)
{
    struct run run = client_start(input);
    struct reader reader = {.limits = run.engine->v2.config.limits,
                            .magic = client_choice.flags & WITHOUT_MAGIC ? 0 : MAGIC_SIZE};
    while (run.given < input.n && run.conn != 0) {
        if (time_passes(run.given)) {
            client_pass(&run, client_time_step());
        }
        if (run.conn != 0) {
            give_byte(&run, &reader);
        }
        client_keep_trace(&run);
    }
    client_keep_rest(&run);
    client_finish(&run);
}

/* Whether a piece must end after the first n bytes. */
static bool is_cut(size_t n)
{
    bool asked = client_asks.at[n] && !client_asks.ignored;
    return asked || time_passes(n) || (client_negotiates && n == client_wire.end);
}

/* Gives n bytes, with further cuts where time passes. */
static void give_piece(struct run *run, size_t n)
{
    size_t end = run->given + n;
    while (run->given < end && run->conn != 0) {
        size_t part = 1;
        if (time_passes(run->given)) {
            client_pass(run, client_time_step());
        }
        while (run->given + part < end && !is_cut(run->given + part)) {
            part++;
        }
        if (run->conn != 0) {
            client_give(run, part);
            FUZZ_CHECK(trace[run->given].output == run->output);
            FUZZ_CHECK(trace[run->given].hash == run->hash);
            client_check_told(run);
        }
    }
}

/* Runs the input in pieces whose lengths alternate between `one` and `other`, and with the least
 * effort a call. */
static void run_cut(struct span input, size_t one, size_t other)
{
    client_least_effort = true;
    struct run run = client_start(input);
    client_least_effort = false;
    while (run.given < input.n && run.conn != 0) {
        size_t left = input.n - run.given;
        give_piece(&run, one < left ? one : left);
        size_t turn = one;
        one = other;
        other = turn;
    }
    FUZZ_CHECK(trace[input.n].output == run.output && trace[input.n].hash == run.hash);
    client_finish(&run);
}

int client_run(struct span in, bool codecs)
{
    client_negotiates = codecs;
    uint8_t *const fields[] = {&client_choice.flags,         &client_choice.max_line,
                               &client_choice.max_msg_size,  &client_choice.max_body_size,
                               &client_choice.max_rdy_count, &client_choice.high_water,
                               &client_choice.memory,        &client_choice.time,
                               &client_choice.one,           &client_choice.other};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        *fields[i] = fuzz_byte(&in);
    }
    in = span_first(in, INPUT_MAX);
    if (in.n == 0) {
        return 0;
    }
    memset(&client_asks, 0, sizeof client_asks);
    client_asks.notes = true;
    if (client_negotiates) {
        client_run_encoded(in);
        in = span_make(client_wire.bytes, client_wire.n);
    } else {
        run_bytewise(in);
    }
    bool talked = fuzz_talks;
    fuzz_talks = client_asks.notes = false;
    run_cut(in, in.n, 1);
    run_cut(in, 2 + (size_t)client_choice.one, 2 + (size_t)client_choice.other);
    if ((client_choice.flags & PENDING) && !client_asks.subscribed && client_choice.memory == 0) {
        client_asks.ignored = true;
        run_cut(in, in.n, 1);
    }
    fuzz_talks = talked;
    return 0;
}
