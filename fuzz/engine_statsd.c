/* SPDX-License-Identifier: MIT */
/* Checks the reports to statsd of fuzzed engines. */
#include "engine_statsd.h"

#include "fuzz.h"

#define PACKET_SIZE 200
#define PREFIX "p."

struct statsd_config engine_statsd_config(void)
{
    return (struct statsd_config){.address = SPAN("stats:1"),
                                  .interval = 3 * TIME_SECOND,
                                  .prefix = SPAN("p"),
                                  .packet_size = PACKET_SIZE,
                                  .memory = true};
}

/* A line without its end is "p.NAME:NUMBER|c" or "..|g". */
static void check_line(struct span line)
{
    FUZZ_CHECK(line.n > sizeof PREFIX - 1 && memcmp(line.p, PREFIX, sizeof PREFIX - 1) == 0);
    const uint8_t *colon = memchr(line.p, ':', line.n);
    FUZZ_CHECK(colon != NULL);
    struct span value = span_skip(line, (size_t)(colon - line.p) + 1);
    value = value.n > 0 && value.p[0] == '-' ? span_skip(value, 1) : value;
    size_t digits = 0;
    while (digits < value.n && value.p[digits] >= '0' && value.p[digits] <= '9') {
        digits++;
    }
    struct span end = span_skip(value, digits);
    FUZZ_CHECK(digits > 0 && (span_equal(end, SPAN("|c")) || span_equal(end, SPAN("|g"))));
}

void engine_statsd_check(struct span datagram)
{
    size_t lines = 0;
    size_t n = datagram.n;
    fuzz_say_bytes("statsd", datagram);
    for (; datagram.n > 0; lines++) {
        const uint8_t *end = memchr(datagram.p, '\n', datagram.n);
        FUZZ_CHECK(end != NULL);
        size_t size = (size_t)(end - datagram.p);
        check_line(span_first(datagram, size));
        datagram = span_skip(datagram, size + 1);
    }
    FUZZ_CHECK(lines == 1 || (lines > 1 && n <= PACKET_SIZE));
}

size_t engine_statsd_cost(const struct statsd *statsd)
{
    size_t cost = 0;
    const struct list *rows = &statsd->rows.rows;
    for (const struct list *l = rows->next; l != rows; l = l->next) {
        cost += container_of(l, struct statsd_row, link)->cost;
    }
    return cost;
}
