/* SPDX-License-Identifier: MIT */
/* A ring of changes. */
#include "broker/changes.h"

#include "base/alloc.h"

#define RING_BYTES (CHANGES_MAX * sizeof(struct change) + ALLOC_OVERHEAD)

void changes_begin(struct changes *changes, struct budget *budget)
{
    if (changes->ring == NULL) {
        changes->ring = alloc_zeroed(CHANGES_MAX * sizeof *changes->ring);
        budget_charge(budget, RING_BYTES);
    }
}

void changes_free(struct changes *changes, struct budget *budget)
{
    if (changes->ring != NULL) {
        budget_release(budget, RING_BYTES);
        alloc_free(changes->ring);
        changes->ring = NULL;
    }
}

void changes_note(struct changes *changes, struct span topic, struct span channel, bool deleted)
{
    if (changes->ring == NULL) {
        return;
    }
    uint64_t number = ++changes->last;
    struct change *place = &changes->ring[number % CHANGES_MAX];
    if (number > CHANGES_MAX && place->deleted) {
        changes->lost_deleted = number - CHANGES_MAX;
    }
    *place = (struct change){
        .topic = name_make(topic), .channel = name_make(channel), .deleted = deleted};
}

const struct change *changes_after(const struct changes *changes, uint64_t read, uint64_t *number)
{
    uint64_t forgotten = changes->last > CHANGES_MAX ? changes->last - CHANGES_MAX : 0;
    *number = (read > forgotten ? read : forgotten) + 1;
    return *number > changes->last ? NULL : &changes->ring[*number % CHANGES_MAX];
}
