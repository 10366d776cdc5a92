/* SPDX-License-Identifier: MIT */
/*
 * Owns: the memory budget: the number of bytes in use, a cap, and a reserve above the cap. Without
 * the budget, peers could together queue more than the machine's memory. Code that needs memory for
 * a peer first checks the budget (budget_has_room). If there is no room, the peer gets an error.
 *
 * A command that publishes is refused when the cap is reached. Other commands may also use the
 * reserve. Without the reserve, publishers could keep the memory full. Then no consumer could
 * connect, and nobody could empty the queues. When the reserve is full too, other commands are also
 * refused.
 *
 * Must not know: what the bytes contain, and which code replies to the peer.
 */
#ifndef BASE_BUDGET_H
#define BASE_BUDGET_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum budget_use {
    BUDGET_QUEUE,  /* publishing: bodies, their entries in channels, new topics */
    BUDGET_CLIENT, /* other uses: IDENTIFY, AUTH, the topic and channel of a SUB, codecs */
};

#define BUDGET_RESERVE_PART 8 /* the reserve is the cap divided by this number */
/* All connections together have a share of the budget: the cap divided by this number (bytes).
 * While they hold more than their share, the server reads only small pieces
 * (budget_share_is_passed). */
#define BUDGET_HELD_PART 4
/* All topics and channels together may use at most the cap divided by this number (bytes). */
#define BUDGET_NAMES_PART 4

/* The process may have this much resident memory, in bytes: 1.5 * cap + BUDGET_RESIDENT_FIXED
 * + BUDGET_RESIDENT_A_CONN * (number of connections). */
#define BUDGET_RESIDENT_FIXED ((size_t)16 << 20)
#define BUDGET_RESIDENT_A_CONN ((size_t)2048)

struct budget {
    size_t used;  /* bytes in use. Some memory is added without a check, because the program cannot
                     refuse it. So this number may be above the bound for BUDGET_QUEUE, and even
                     above the bound for BUDGET_CLIENT. */
    size_t names; /* the part of `used` that topics and channels need. This memory stays in use
                   * until the topic or channel is deleted, so `names` has its own bound.
                   * Without this bound, one client could use up the whole budget by creating
                   * topics */
    size_t names_most; /* bytes: the bound for `names` */
    size_t cap;        /* bytes: the bound for BUDGET_QUEUE while `lowered` is 0 */
    size_t lowered;    /* bytes: the bound for BUDGET_QUEUE is the cap minus this number. Set by
                        * budget_note_resident */
    size_t reserve;    /* bytes: cap + reserve is the bound for BUDGET_CLIENT. The sum fits into a
                          size_t */
    size_t resident;   /* bytes: the resident memory of the process, when it was last noted */
    size_t held;       /* bytes of memory that connections hold: unsent output, input that is not
                        * consumed yet, commands that have arrived in part. These bytes are not in
                        * `used`, because they depend on how the input is cut into pieces. Whether a
                        * publish has room must not depend on these pieces. */
};

/* Returns a budget with this cap and its reserve, with no bytes in use. */
static inline struct budget budget_of_cap(size_t cap)
{
    size_t part = cap / BUDGET_RESERVE_PART;
    return (struct budget){.cap = cap,
                           .reserve = part < SIZE_MAX - cap ? part : SIZE_MAX - cap,
                           .names_most = cap / BUDGET_NAMES_PART};
}

/* Returns the bound for this use, in bytes. */
static inline size_t budget_bound(const struct budget *b, enum budget_use use)
{
    return use == BUDGET_QUEUE ? b->cap - b->lowered : b->cap + b->reserve;
}

/* Returns whether the budget has room for n more bytes of this use. Charges nothing. */
static inline bool budget_has_room(const struct budget *b, enum budget_use use, size_t n)
{
    size_t bound = budget_bound(b, use);
    return b->used <= bound && bound - b->used >= n;
}

/* Notes how much resident memory (bytes) the process has, and how many connections. The process has
 * more memory than the budget counts, because the allocator cannot return a page while some of its
 * bytes are in use. If the resident memory is above its limit (see BUDGET_RESIDENT_FIXED), the
 * bytes above the limit are subtracted from the bound for BUDGET_QUEUE, so publishes are refused
 * earlier. The bound never falls below a quarter of the cap. */
void budget_note_resident(struct budget *b, size_t resident, size_t conns);

/* Adds n bytes to the bytes in use, even if the budget has no room for them. */
static inline void budget_charge(struct budget *b, size_t n)
{
    b->used += n;
}

/* Notes that a connection, which has held `before` bytes, now holds `after` bytes. */
static inline void budget_hold(struct budget *b, size_t before, size_t after)
{
    assert(before <= b->held);
    b->held = b->held - before + after;
}

/* Returns whether all connections together hold more than their share, which is cap /
 * BUDGET_HELD_PART bytes. Then the server reads only small pieces, and adds no messages to the
 * output of a connection that has unsent output. */
static inline bool budget_share_is_passed(const struct budget *b)
{
    return b->held > b->cap / BUDGET_HELD_PART;
}

/* Subtracts n bytes from the bytes in use. These bytes must have been added before. */
static inline void budget_release(struct budget *b, size_t n)
{
    assert(n <= b->used);
    b->used -= n;
}

/* Returns whether the budget has room for a new topic or channel of n bytes. */
static inline bool budget_has_room_for_name(const struct budget *b, enum budget_use use, size_t n)
{
    return b->names <= b->names_most && b->names_most - b->names >= n && budget_has_room(b, use, n);
}

/* Adds the n bytes of a new topic or channel to the bytes in use. */
static inline void budget_charge_name(struct budget *b, size_t n)
{
    b->names += n;
    budget_charge(b, n);
}

/* Subtracts the n bytes of a topic or channel that was deleted. */
static inline void budget_release_name(struct budget *b, size_t n)
{
    assert(n <= b->names);
    b->names -= n;
    budget_release(b, n);
}

#endif
