/* SPDX-License-Identifier: MIT */
/* Prints what an NSQ client sent, captured in a file or on standard input. README.md links here. */
#include <ctype.h>
#include <nsq/command.h>
#include <nsq/magic.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    static uint8_t bytes[2 * NSQ_LINE_MAX]; /* room for the longest line; a body comes in parts */
    const struct nsq_limits limits = {NSQ_LINE_MAX, 1048576, 5242880};
    struct nsq_place place = {0};
    struct nsq_item item;
    enum nsq_protocol protocol;
    enum nsq_parse outcome = NSQ_MORE;
    FILE *in = argc > 1 ? fopen(argv[1], "rb") : stdin;
    size_t kept = 0, got = in ? fread(bytes, 1, NSQ_MAGIC_SIZE, in) : 0;
    if (nsq_magic_parse(span_make(bytes, got), &protocol) || protocol != NSQ_PROTOCOL_V2) {
        return fputs("no stream of a V2 client\n", stderr), 1;
    }
    while (outcome == NSQ_MORE && (got = fread(bytes + kept, 1, sizeof bytes - kept, in)) > 0) {
        struct span rest = span_make(bytes, kept + got);
        while ((outcome = nsq_command_parse(&place, &limits, rest, &item)) == NSQ_OK) {
            for (size_t i = 0; i < item.command.line.n; i++) {
                putchar(isprint(item.command.line.p[i]) ? item.command.line.p[i] : '?');
            }
            if (item.stage == NSQ_STAGE_SIZE || item.stage == NSQ_STAGE_MESSAGE_SIZE) {
                printf(" [%d bytes]", (int)item.value);
            } else if (item.stage == NSQ_STAGE_COUNT) {
                printf(" %d messages:", (int)item.value);
            }
            fputs(item.last ? "\n" : "", stdout);
            rest = span_skip(rest, item.consumed);
        }
        memmove(bytes, rest.p, kept = rest.n);
    }
    if (outcome == NSQ_BAD || kept > 0 || place.stage != NSQ_STAGE_LINE) {
        return puts(outcome == NSQ_BAD ? " bad" : " cut off"), 1;
    }
}
