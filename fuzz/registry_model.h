/* SPDX-License-Identifier: MIT */
/*
 * Owns: a second record of what is in a registry of nsqlookupd, as plain tables that have every
 * topic, channel and producer there can be. Operations change the registry and the tables, and each
 * check compares all that the registry shows. Must not know: how the registry stores anything, and
 * that it frees memory in slices.
 */
#ifndef FUZZ_REGISTRY_MODEL_H
#define FUZZ_REGISTRY_MODEL_H

#include "lookup/registry.h"

#define REGISTRY_MODEL_TOPICS 6
#define REGISTRY_MODEL_CHANNELS 4
#define REGISTRY_MODEL_PRODUCERS 5

struct registry_model {
    struct registry registry;
    struct budget budget;
    struct effort effort;
    struct log log;
    int64_t now;
    size_t allowance; /* units of effort of each call */
    struct registry_producer *producers[REGISTRY_MODEL_PRODUCERS]; /* NULL: it has left */
    uint64_t joined[REGISTRY_MODEL_PRODUCERS];                     /* the first one has 1 */
    uint64_t joins;
    int64_t last_update[REGISTRY_MODEL_PRODUCERS];
    bool topics[REGISTRY_MODEL_TOPICS]; /* registered */
    bool channels[REGISTRY_MODEL_TOPICS][REGISTRY_MODEL_CHANNELS];
    bool in_topic[REGISTRY_MODEL_TOPICS][REGISTRY_MODEL_PRODUCERS];
    bool in_channel[REGISTRY_MODEL_TOPICS][REGISTRY_MODEL_CHANNELS][REGISTRY_MODEL_PRODUCERS];
    int64_t tombstoned_at[REGISTRY_MODEL_TOPICS][REGISTRY_MODEL_PRODUCERS]; /* -1: it is not */
};

/* Begins with an empty registry. Each producer may have `most` entries. `cap`: of the memory
 * budget. The caller ends it with registry_model_end, which checks that all memory was given
 * back. */
void registry_model_begin(struct registry_model *m, size_t most, size_t cap);
void registry_model_end(struct registry_model *m);

/* Does one operation. It is encoded in four bytes: what (modulo 12), and three operands. */
void registry_model_do(struct registry_model *m, const uint8_t op[4]);

/* Compares the registry with the tables. */
void registry_model_check(const struct registry_model *m);

#endif
