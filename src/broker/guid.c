/* SPDX-License-Identifier: MIT */
/*
 * Creates, prints and reads message ids. Must not know: clocks. The wall time is an argument.
 */
#include "broker/guid.h"

#define TICK_SHIFT 20             /* 1,048,576 ns */
#define EPOCH_TICKS 1288834974288 /* subtracted from the tick, as nsqd does */
#define SEQUENCE_BITS 12
#define NODE_BITS 10

uint64_t guid_next(struct guid_clock *clock, unsigned node_id, int64_t wall_ns)
{
    int64_t tick = wall_ns / (1 << TICK_SHIFT);
    if (tick < EPOCH_TICKS) {
        tick = EPOCH_TICKS; /* the clock is wrong; smaller ticks would make very large ids */
    }
    if (tick > clock->tick) {
        clock->tick = tick;
        clock->sequence = 0;
    } else if (++clock->sequence == 1U << SEQUENCE_BITS) {
        clock->tick++;
        clock->sequence = 0;
    }
    uint64_t since = (uint64_t)clock->tick - (uint64_t)EPOCH_TICKS;
    return since << (SEQUENCE_BITS + NODE_BITS) | (uint64_t)node_id << SEQUENCE_BITS |
           clock->sequence;
}

void guid_print(uint64_t id, uint8_t out[NSQ_MESSAGE_ID_SIZE])
{
    for (size_t i = NSQ_MESSAGE_ID_SIZE; i-- > 0; id >>= 4) {
        out[i] = (uint8_t) "0123456789abcdef"[id & 15];
    }
}

/* The value of each hexadecimal digit plus 1; 0 for every other byte. */
static const uint8_t digits[256] = {
    ['0'] = 1, ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9, ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};

bool guid_parse(struct span text, uint64_t *id)
{
    if (text.n != NSQ_MESSAGE_ID_SIZE) {
        return false;
    }
    *id = 0;
    for (size_t i = 0; i < NSQ_MESSAGE_ID_SIZE; i++) {
        unsigned digit = digits[text.p[i]];
        if (digit == 0) {
            return false;
        }
        *id = *id << 4 | (digit - 1);
    }
    return true;
}
