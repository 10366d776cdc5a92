/* SPDX-License-Identifier: MIT */
/* Copies steps, with the numbers of the counters in them. Must not know: how a step is played. */
#include "conform/session_file_unroll.h"

#include "base/alloc.h"
#include "base/text.h"

#define BLOCK_SIZE ((size_t)64 << 10)

/* All memory is in one chain of blocks, and is freed together. */
struct block {
    struct block *next;
    size_t used;
    max_align_t bytes[BLOCK_SIZE / sizeof(max_align_t)];
};

struct counter {
    struct span name;
    int64_t value;
};

struct unroller {
    struct unrolled *out;
    struct counter counters[TRANSCRIPT_COUNTERS_MAX];
    size_t counter_count;
    size_t nodes; /* steps and items so far */
};

void unrolled_free(struct unrolled *u)
{
    struct block *block = u->memory;
    while (block != NULL) {
        struct block *next = block->next;
        alloc_free(block);
        block = next;
    }
    *u = (struct unrolled){0};
}

static void *take_memory(struct unroller *u, size_t n)
{
    struct block *block = u->out->memory;
    size_t rounded = (n + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    if (block == NULL || BLOCK_SIZE - block->used < rounded) {
        block = alloc_zeroed(sizeof *block);
        block->next = u->out->memory;
        u->out->memory = block;
    }
    void *memory = (uint8_t *)block->bytes + block->used;
    block->used += rounded;
    return memory;
}

/* --- names ------------------------------------------------------------------------------------ */

static int64_t value_of(const struct unroller *u, struct span name)
{
    size_t i = 0;
    while (i + 1 < u->counter_count && !span_equal(u->counters[i].name, name)) {
        i++;
    }
    return u->counters[i].value;
}

static struct span copy(struct unroller *u, const struct buf *text)
{
    uint8_t *memory = take_memory(u, text->n + 1);
    memcpy(memory, text->n == 0 ? (const uint8_t *)"" : buf_span(text).p, text->n);
    return span_make(memory, text->n);
}

static struct span up_to_dollar(struct span s)
{
    const uint8_t *dollar = s.n == 0 ? NULL : memchr(s.p, '$', s.n);
    return dollar == NULL ? s : span_first(s, (size_t)(dollar - s.p));
}

/* "m$i" is "m3", and "m$i$k" is "m3_11". */
static struct span resolve(struct unroller *u, struct span name)
{
    struct span word = up_to_dollar(name);
    struct span rest = span_skip(name, word.n);
    struct buf text = {0};
    if (rest.n == 0) {
        return name;
    }
    buf_append(&text, word);
    for (bool first = true; rest.n > 0; first = false) {
        struct span counter = up_to_dollar(span_skip(rest, 1));
        buf_append(&text, first ? SPAN("") : SPAN("_"));
        text_append_decimal(&text, value_of(u, counter));
        rest = span_skip(rest, 1 + counter.n);
    }
    struct span resolved = copy(u, &text);
    buf_free(&text);
    return resolved;
}

/* --- items ------------------------------------------------------------------------------------ */

static bool has_room(struct unroller *u)
{
    return u->nodes < UNROLLED_MAX;
}

static struct item **add_items(struct unroller *u, const struct item *items, struct item **last);

static struct item **add_repeated(struct unroller *u, const struct item *item, struct item **last)
{
    struct counter *counter = &u->counters[u->counter_count++];
    counter->name = item->bytes;
    for (counter->value = 1; counter->value <= item->number && has_room(u); counter->value++) {
        last = add_items(u, item->inside, last);
    }
    u->counter_count--;
    return last;
}

static struct item *add_item(struct unroller *u, const struct item *item)
{
    struct item *added = take_memory(u, sizeof *added);
    struct buf digits = {0};
    *added = *item;
    added->next = NULL;
    if (item->kind == ITEM_COUNTER) {
        text_append_decimal(&digits, value_of(u, item->bytes));
        added->kind = ITEM_BYTES;
        added->bytes = copy(u, &digits);
        buf_free(&digits);
    } else if (item->kind == ITEM_VAR) {
        added->bytes = resolve(u, item->bytes);
    } else if (item->kind == ITEM_SIZE) {
        added->inside = NULL;
        add_items(u, item->inside, &added->inside);
    }
    return added;
}

/* Returns the place for what follows. */
static struct item **add_items(struct unroller *u, const struct item *items, struct item **last)
{
    for (const struct item *item = items; item != NULL && has_room(u); item = item->next) {
        u->nodes++;
        if (item->kind == ITEM_REPEAT) {
            last = add_repeated(u, item, last);
        } else {
            *last = add_item(u, item);
            last = &(*last)->next;
        }
    }
    return last;
}

/* --- steps ------------------------------------------------------------------------------------ */

static struct step **add_steps(struct unroller *u, const struct step *steps, struct step **last);

/* Adds what is inside a block, as often as the block says. */
static struct step **add_inside(struct unroller *u, const struct step *block, struct step **last)
{
    if (block->count == 0) {
        return add_steps(u, block->inside, last);
    }
    struct counter *counter = &u->counters[u->counter_count++];
    counter->name = block->counter;
    for (counter->value = 1; counter->value <= block->count && has_room(u); counter->value++) {
        last = add_steps(u, block->inside, last);
    }
    u->counter_count--;
    return last;
}

static void add_headers(struct unroller *u, const struct header_line *lines, struct step *to)
{
    struct header_line **last = &to->headers;
    *last = NULL;
    for (const struct header_line *line = lines; line != NULL; line = line->next) {
        struct header_line *added = take_memory(u, sizeof *added);
        *added = (struct header_line){.absent = line->absent};
        add_items(u, line->items, &added->items);
        *last = added;
        last = &added->next;
    }
}

static struct step *add_step(struct unroller *u, const struct step *step)
{
    struct step *added = take_memory(u, sizeof *added);
    *added = *step;
    added->next = NULL;
    added->origin = step;
    added->actor = resolve(u, step->actor);
    added->var = resolve(u, step->var);
    added->at = resolve(u, step->at);
    added->items = added->body = NULL;
    add_items(u, step->items, &added->items);
    add_headers(u, step->headers, added);
    add_items(u, step->body, &added->body);
    if (step->attempts_of.n > 0) {
        added->attempts = value_of(u, step->attempts_of);
        added->attempts_of = span_make(NULL, 0);
    }
    added->inside = NULL;
    added->count = 0;
    add_inside(u, step, &added->inside);
    return added;
}

/* Returns the place for what follows. */
static struct step **add_steps(struct unroller *u, const struct step *steps, struct step **last)
{
    const struct step *step = steps;
    for (; step != NULL && has_room(u); step = step->next) {
        if (step->kind == STEP_COMMENT) {
            continue;
        }
        u->nodes++;
        if (step->kind == STEP_REPEAT) {
            last = add_inside(u, step, last);
        } else {
            *last = add_step(u, step);
            last = &(*last)->next;
        }
        if (!has_room(u) && u->out->too_long == NULL) {
            u->out->too_long = step;
        }
    }
    return last;
}

void transcript_unroll(const struct transcript *file, struct unrolled *out)
{
    struct unroller u = {.out = out};
    struct step *steps = NULL;
    *out = (struct unrolled){0};
    add_steps(&u, file->steps, &steps);
    out->steps = steps;
}

bool actor_is_of(struct span actor, struct span name)
{
    bool numbered = actor.n > 0 && actor.p[actor.n - 1] == '*';
    size_t n = actor.n - numbered;
    if (!numbered) {
        return span_equal(actor, name);
    }
    bool digits = name.n > n && memcmp(actor.p, name.p, n) == 0;
    for (size_t i = n; i < name.n && digits; i++) {
        digits = name.p[i] >= '0' && name.p[i] <= '9';
    }
    return digits;
}
