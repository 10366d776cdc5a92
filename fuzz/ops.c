/* SPDX-License-Identifier: MIT */
/*
 * Decodes operations and times from bytes, as ops.h describes them.
 */
#include "ops.h"

#include "fuzz.h"

#define NS_PER_MS 1000000

/* How many bytes of arguments each kind has. */
static const uint8_t arg_count[OP_KINDS] = {
    [OP_SEND] = 1,    [OP_ADVANCE] = 1, [OP_TAKE] = 1,     [OP_COMMAND] = 3,
    [OP_MESSAGE] = 3, [OP_ANSWER] = 1,  [OP_TOPOLOGY] = 1, [OP_WALL] = 1,
};

struct op ops_next(struct span *stream)
{
    uint8_t first = fuzz_byte(stream);
    struct op op = {.kind = first & 15, .conn = first >> 4};
    size_t args = op.kind < OP_KINDS ? arg_count[op.kind] : 0;
    for (size_t i = 0; i < args; i++) {
        op.args[i] = fuzz_byte(stream);
    }
    if (op.kind == OP_SEND) {
        op.bytes = fuzz_take(stream, op.args[0]);
    }
    return op;
}

size_t ops_size(struct span stream)
{
    struct span rest = stream;
    if (rest.n > 0) {
        (void)ops_next(&rest);
    }
    return stream.n - rest.n;
}

int64_t ops_time(uint8_t time)
{
    return ((int64_t)(time & 15) << (time >> 4)) * NS_PER_MS;
}

void ops_say(const struct op *op)
{
    static const char *const names[] = {"OPEN",    "SEND",     "EOF",     "CLOSE",
                                        "ADVANCE", "TAKE",     "COMMAND", "MESSAGE",
                                        "ANSWER",  "TOPOLOGY", "WALL",    "STOP"};
    if (fuzz_talks && op->kind < OP_KINDS) {
        fuzz_say("%u %s %u %u %u", op->conn, names[op->kind], op->args[0], op->args[1],
                 op->args[2]);
    }
}
