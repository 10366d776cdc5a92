/* SPDX-License-Identifier: MIT */
/* Tests of api/statsd_packets.h: the prefix, the lines, and their division into datagrams. */
#include "api/statsd_packets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/text.h"

/* --- the prefix ------------------------------------------------------------------------------- */

static void the_prefix_is_made_as_in_nsqd(void **state)
{
    (void)state;
    static const struct {
        const char *form, *host;
        int64_t port;
        const char *prefix;
    } rows[] = {
        {"nsq.%s", "h.ost", 4151, "nsq.h_ost_4151."},
        {"nsq.%s.", "h.ost", 4151, "nsq.h_ost_4151."},
        {"", "h.ost", 4151, ""},
        {".", "h.ost", 4151, "."},
        {"x", "h.ost", 4151, "x."},
        {"%s%s", "a", 0, "a_0a_0."},
        {"%s", "", 4151, "_4151."},
        {"%s", "::1", 4151, "[__1]_4151."},
        {"%", "a", 1, "%."},
        {"%%s", "%s", 1, "%%s_1."},
        {"%d.%b", "a", 1, "%d.%b."},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf out = {0};
        statsd_prefix(&out, text_span(rows[i].form), text_span(rows[i].host), rows[i].port);
        buf_append(&out, span_make("", 1));
        assert_string_equal(buf_span(&out).p, rows[i].prefix);
        buf_free(&out);
    }
}

/* --- lines ------------------------------------------------------------------------------------ */

static const double percentiles[] = {0.5, 0.99, 0.999, 1.0, 0.005, 0.015, 0.025, 0.0001};

struct report {
    struct budget budget;
    struct statsd_rows rows;
    struct statsd_packets packets;
};

static void begin(struct report *r, const char *prefix, size_t size)
{
    r->budget = budget_of_cap(1 << 20);
    statsd_rows_init(&r->rows, &r->budget, sizeof percentiles / sizeof percentiles[0]);
    r->packets = (struct statsd_packets){
        .prefix = text_span(prefix), .percentiles = percentiles, .size = size};
    statsd_packets_begin(&r->packets);
}

static void end(struct report *r)
{
    statsd_packets_free(&r->packets);
    statsd_rows_free(&r->rows);
    assert_int_equal(r->budget.used, 0);
}

static size_t add(struct report *r, const struct statsd_figures *figures)
{
    const struct statsd_row *row = statsd_rows_visit(&r->rows, figures);
    assert_non_null(row);
    return statsd_packets_count(&r->packets, row);
}

static void expect(struct report *r, const char *const *datagrams, size_t n)
{
    assert_int_equal(r->packets.count, n);
    statsd_packets_rewind(&r->packets, &r->rows);
    for (size_t i = 0; i < n; i++) {
        struct span got = statsd_packets_next(&r->packets);
        assert_int_equal(got.n, strlen(datagrams[i]));
        assert_memory_equal(got.p, datagrams[i], got.n);
    }
}

static void each_kind_has_its_lines(void **state)
{
    (void)state;
    static const char *const expected[] = {
        "p.topic.t.message_count:1|c\np.topic.t.message_bytes:2|c\np.topic.t.depth:3|g\n"
        "p.topic.t.backend_depth:4|g\n"
        "p.topic.t.channel.c#ephemeral.message_count:1|c\n"
        "p.topic.t.channel.c#ephemeral.depth:2|g\n"
        "p.topic.t.channel.c#ephemeral.backend_depth:3|g\n"
        "p.topic.t.channel.c#ephemeral.in_flight_count:4|g\n"
        "p.topic.t.channel.c#ephemeral.deferred_count:5|g\n"
        "p.topic.t.channel.c#ephemeral.requeue_count:6|c\n"
        "p.topic.t.channel.c#ephemeral.timeout_count:7|c\n"
        "p.topic.t.channel.c#ephemeral.clients:8|g\n"
        "p.topic.u.message_count:9223372036854775807|c\n"
        "p.topic.u.message_bytes:-9223372036854775808|c\np.topic.u.depth:0|g\n"
        "p.topic.u.backend_depth:0|g\n"
        "p.mem.heap_objects:1|g\np.mem.heap_idle_bytes:2|g\np.mem.heap_in_use_bytes:3|g\n"
        "p.mem.heap_released_bytes:4|g\np.mem.gc_pause_usec_100:5|g\n"
        "p.mem.gc_pause_usec_99:6|g\np.mem.gc_pause_usec_95:7|g\np.mem.next_gc_bytes:8|g\n"
        "p.mem.gc_runs:9|c\n"};
    struct report r;
    begin(&r, "p.", 60000);
    size_t bytes =
        add(&r, &(struct statsd_figures){
                    .kind = STATSD_TOPIC, .name = name_make(SPAN("t")), .values = {1, 2, 3, 4}});
    assert_int_equal(bytes, 28 + 28 + 20 + 28);
    add(&r, &(struct statsd_figures){.kind = STATSD_CHANNEL,
                                     .name = name_make(SPAN("c#ephemeral")),
                                     .values = {1, 2, 3, 4, 5, 6, 7, 8}});
    add(&r, &(struct statsd_figures){.kind = STATSD_TOPIC,
                                     .name = name_make(SPAN("u")),
                                     .values = {INT64_MAX, (uint64_t)1 << 63}});
    add(&r, &(struct statsd_figures){.kind = STATSD_MEMORY, .values = {1, 2, 3, 4, 5, 6, 7, 8, 9}});
    expect(&r, expected, 1);
    end(&r);
}

/* As fmt's %.0f of 100 times the percentile. */
static void percentiles_are_rounded_to_even(void **state)
{
    (void)state;
    static const char *const expected[] = {
        "topic.t.message_count:0|c\ntopic.t.message_bytes:0|c\ntopic.t.depth:0|g\n"
        "topic.t.backend_depth:0|g\n"
        "topic.t.e2e_processing_latency_50:1|g\ntopic.t.e2e_processing_latency_99:-2|g\n"
        "topic.t.e2e_processing_latency_100:3|g\ntopic.t.e2e_processing_latency_100:4|g\n"
        "topic.t.e2e_processing_latency_0:5|g\ntopic.t.e2e_processing_latency_2:6|g\n"
        "topic.t.e2e_processing_latency_2:7|g\ntopic.t.e2e_processing_latency_0:8|g\n"};
    struct report r;
    begin(&r, "", 60000);
    add(&r, &(struct statsd_figures){.kind = STATSD_TOPIC,
                                     .name = name_make(SPAN("t")),
                                     .latency = {.n = 8, .values = {1, -2, 3, 4, 5, 6, 7, 8}}});
    expect(&r, expected, 1);
    end(&r);
}

/* The lines of a topic have 25, 25, 17 and 25 bytes. */
static void datagrams_have_whole_lines(void **state)
{
    (void)state;
#define A "topic.t.message_count:1|c\n"
#define B "topic.t.message_bytes:2|c\n"
#define C "topic.t.depth:3|g\n"
#define D "topic.t.backend_depth:4|g\n"
    static const struct {
        size_t size;
        size_t n;
        const char *datagrams[4];
    } rows[] = {
        {1, 4, {A, B, C, D}}, {25, 4, {A, B, C, D}}, {43, 4, {A, B, C, D}}, {44, 3, {A, B C, D}},
        {51, 3, {A, B C, D}}, {52, 2, {A B, C D}},   {69, 2, {A B, C D}},   {70, 2, {A B C, D}},
        {95, 2, {A B C, D}},  {96, 1, {A B C D}},    {60000, 1, {A B C D}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct report r;
        begin(&r, "", rows[i].size);
        add(&r, &(struct statsd_figures){
                    .kind = STATSD_TOPIC, .name = name_make(SPAN("t")), .values = {1, 2, 3, 4}});
        expect(&r, rows[i].datagrams, rows[i].n);
        expect(&r, rows[i].datagrams, rows[i].n); /* the same again */
        end(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_prefix_is_made_as_in_nsqd),
        cmocka_unit_test(each_kind_has_its_lines),
        cmocka_unit_test(percentiles_are_rounded_to_even),
        cmocka_unit_test(datagrams_have_whole_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
