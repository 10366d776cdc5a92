/* SPDX-License-Identifier: MIT */
/*
 * Lowers the bound for publishing when the process has too much memory. Must not know how the
 * memory of a process is measured.
 */
#include "base/budget.h"

/* Returns a + b, or SIZE_MAX when the sum is larger. */
static size_t add(size_t a, size_t b)
{
    return a < SIZE_MAX - b ? a + b : SIZE_MAX;
}

void budget_note_resident(struct budget *b, size_t resident, size_t conns)
{
    size_t most = b->cap - b->cap / 4;
    size_t allowed = add(b->cap, b->cap / 2);
    allowed = add(allowed, BUDGET_RESIDENT_FIXED + conns * BUDGET_RESIDENT_A_CONN);
    size_t excess = resident > allowed ? resident - allowed : 0;
    b->resident = resident;
    b->lowered = excess < most ? excess : most;
}
