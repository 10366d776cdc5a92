/* SPDX-License-Identifier: MIT */
/*
 * Measures the parser alone, on bytes that real clients sent, and memchr and memcpy over the same
 * bytes. Prints JSON.
 *
 *     parser FILE     commands of V2 clients, without the magic
 */
#include <nsq/command.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define RUNS 7
#define RUN_NS 100000000 /* the shortest run */
#define BYTES_MAX (1 << 22)

static const struct nsq_limits limits = {NSQ_LINE_MAX, 1048576, 5242880};
static uint8_t bytes[BYTES_MAX];
static uint8_t copy[BYTES_MAX];
static size_t commands; /* in one pass */

static int64_t now(void)
{
    struct timespec t = {0};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static size_t parse(struct span in)
{
    struct nsq_place place = {0};
    struct nsq_item item;
    size_t n = 0;
    while (nsq_command_parse(&place, &limits, in, &item) == NSQ_OK) {
        n += item.last;
        in = span_skip(in, item.consumed);
    }
    commands = n;
    return in.n;
}

static size_t find_lines(struct span in)
{
    const uint8_t *end;
    while (in.n > 0 && (end = memchr(in.p, '\n', in.n)) != NULL) {
        in = span_skip(in, (size_t)(end - in.p) + 1);
    }
    return in.n;
}

static size_t copy_all(struct span in)
{
    memcpy(copy, in.p, in.n);
    return copy[in.n / 2];
}

/* Bytes a second, of the fastest of several runs: other programs on the machine disturbed it
 * least. */
static double speed(size_t (*pass)(struct span), struct span in)
{
    static volatile size_t sink;
    double best = 0;
    for (int run = 0; run < RUNS; run++) {
        int64_t start = now();
        int64_t took = 0;
        double done = 0;
        while (took < RUN_NS) {
            sink = pass(in);
            done += (double)in.n;
            took = now() - start;
        }
        double rate = done * 1e9 / (double)took;
        best = rate > best ? rate : best;
    }
    (void)sink;
    return best;
}

int main(int argc, char **argv)
{
    FILE *f = argc > 1 ? fopen(argv[1], "rb") : NULL;
    size_t n = f == NULL ? 0 : fread(bytes, 1, sizeof bytes, f);
    struct span in = span_make(bytes, n);
    if (n == 0 || parse(in) != 0) {
        fputs("parser: no file of whole commands\n", stderr);
        return 1;
    }
    fclose(f);
    double parsed = speed(parse, in);
    printf("{\"bytes\":%zu,\"commands\":%zu,\"parse\":%.0f,\"commands_a_second\":%.0f,"
           "\"memchr\":%.0f,\"memcpy\":%.0f}\n",
           n, commands, parsed, parsed / (double)n * (double)commands, speed(find_lines, in),
           speed(copy_all, in));
    return 0;
}
