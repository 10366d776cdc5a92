/* SPDX-License-Identifier: MIT */
/*
 * Invariant: the library agrees with a second implementation of the rule, which goes over the bytes
 * from left to right, about which names are valid and which are ephemeral. No byte outside the name
 * is read.
 *
 * Input: a number of letters to put in front (a byte), then the rest of the name. So a short input
 * reaches the limit of 64 bytes.
 */
#include <nsq/name.h>
#include <stdlib.h>

#include "fuzz.h"

const struct fuzz_shape fuzz_shape = {.header = 1, .body = FUZZ_BYTES};

#define LETTERS_MAX 80

static const char suffix[] = "#ephemeral";

/* Whether the suffix, and nothing else, begins at byte i. */
static bool suffix_at(const uint8_t *name, size_t n, size_t i)
{
    size_t k = 0;
    while (suffix[k] != 0 && i + k < n && name[i + k] == (uint8_t)suffix[k]) {
        k++;
    }
    return suffix[k] == 0 && i + k == n;
}

static bool is_name(const uint8_t *name, size_t n)
{
    static const char letters[] =
        ".-_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    size_t stem = 0;
    while (stem < n && name[stem] != 0 && strchr(letters, name[stem]) != NULL) {
        stem++;
    }
    return stem > 0 && n <= 64 && (stem == n || suffix_at(name, n, stem));
}

static bool is_ephemeral(const uint8_t *name, size_t n)
{
    bool found = false;
    for (size_t i = 0; i < n; i++) {
        found = found || suffix_at(name, n, i);
    }
    return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_make(data, size);
    size_t letters = fuzz_below(&in, LETTERS_MAX);
    size_t n = letters + in.n;
    /* Exactly as long as the name, so that ASan sees a read past its end. */
    uint8_t *name = malloc(n > 0 ? n : 1);
    FUZZ_CHECK(name != NULL);
    memset(name, 'n', letters);
    if (in.n > 0) {
        memcpy(name + letters, in.p, in.n);
    }
    struct span bytes = n > 0 ? span_make(name, n) : span_make(NULL, 0);
    bool valid = nsq_name_valid(bytes);
    bool ephemeral = nsq_name_ephemeral(bytes);
    fuzz_say_bytes(valid ? "valid" : "invalid", bytes);
    FUZZ_CHECK(valid == is_name(name, n));
    FUZZ_CHECK(ephemeral == is_ephemeral(name, n));
    free(name);
    return 0;
}
