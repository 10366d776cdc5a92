/* SPDX-License-Identifier: MIT */
/*
 * Reads inputs, reports failed checks, writes the event log, and counts states for libFuzzer. Must
 * not know: any target.
 */
#include "fuzz.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

bool fuzz_talks;

/* libFuzzer treats counters in a section of this name as edges of the program. */
#ifdef __linux__
__attribute__((section("__libfuzzer_extra_counters")))
#endif
static uint8_t met[FUZZ_STATES][FUZZ_COMMANDS][FUZZ_OUTCOMES];

uint8_t fuzz_byte(struct span *in)
{
    uint8_t byte = 0;
    if (in->n > 0) {
        byte = in->p[0];
        *in = span_skip(*in, 1);
    }
    return byte;
}

unsigned fuzz_below(struct span *in, unsigned count)
{
    return fuzz_byte(in) % count;
}

struct span fuzz_take(struct span *in, size_t n)
{
    struct span taken = span_first(*in, n);
    *in = span_skip(*in, taken.n);
    return taken;
}

void fuzz_fail(const char *file, int line, const char *claim)
{
    fflush(stdout);
    fprintf(stderr, "%s:%d: not true: %s\n", file, line, claim);
    abort();
}

void fuzz_say(const char *format, ...)
{
    if (fuzz_talks) {
        va_list args;
        va_start(args, format);
        vprintf(format, args);
        va_end(args);
        putchar('\n');
    }
}

void fuzz_say_bytes(const char *text, struct span bytes)
{
    if (fuzz_talks) {
        printf("%s \"", text);
        for (size_t i = 0; i < bytes.n; i++) {
            uint8_t c = bytes.p[i];
            printf(c == '\n'                                     ? "\\n"
                   : c < ' ' || c > '~' || c == '"' || c == '\\' ? "\\x%02x"
                                                                 : "%c",
                   c);
        }
        puts("\"");
    }
}

void fuzz_met(unsigned state, unsigned command, unsigned outcome)
{
    met[state][command][outcome]++;
}
