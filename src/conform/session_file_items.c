/* SPDX-License-Identifier: MIT */
/* Items and names: one function for each rule of the grammar. Must not know: steps. */
#include "conform/session_file.h"

#include "conform/session_file_reader.h"

/* --- names and counters ----------------------------------------------------------------------- */

bool reader_is_counter(const struct reader *r, struct span word)
{
    bool found = false;
    for (size_t i = 0; i < r->counter_count && !found; i++) {
        found = span_equal(r->counters[i], word);
    }
    return found;
}

bool reader_take_name(struct reader *r, struct span *name, const char *what)
{
    struct span start = r->line;
    struct span word;
    if (!reader_take_word(r, &word, what)) {
        return false;
    }
    while (reader_at(r, SPAN("$"))) {
        r->line = span_skip(r->line, 1);
        if (!reader_take_word(r, &word, "the name of a counter")) {
            return false;
        }
        if (!reader_is_counter(r, word)) {
            return reader_expected(r, "a counter of a repeat or any around this");
        }
    }
    *name = span_first(start, start.n - r->line.n);
    return name->n <= TRANSCRIPT_NAME_MAX || reader_expected(r, "a name of at most 64 characters");
}

bool reader_take_counter(struct reader *r, int64_t *count, struct span *counter)
{
    if (!reader_take_number(r, count)) {
        return false;
    }
    if (*count < 1 || *count > TRANSCRIPT_REPEAT_MAX) {
        return reader_expected(r, "a number of repetitions from 1 to 10000");
    }
    if (!TAKE(r, " $")) {
        return reader_expected(r, "$ and a name for the counter");
    }
    if (!reader_take_word(r, counter, "a name for the counter")) {
        return false;
    }
    if (reader_is_counter(r, *counter)) {
        return reader_expected(r, "a name that no counter around this has");
    }
    if (r->counter_count == TRANSCRIPT_COUNTERS_MAX) {
        return reader_expected(r, "at most 4 repetitions inside each other");
    }
    r->counters[r->counter_count++] = *counter;
    return true;
}

void reader_drop_counter(struct reader *r)
{
    r->counter_count--;
}

/* --- items ------------------------------------------------------------------------------------ */

struct number_word {
    struct span word;
    enum item_kind kind;
    int64_t least;
    int64_t most;
};

static const struct number_word number_words[] = {
    {SPAN_LITERAL("u8("), ITEM_U8, 0, UINT8_MAX},
    {SPAN_LITERAL("u16("), ITEM_U16, 0, UINT16_MAX},
    {SPAN_LITERAL("i32("), ITEM_I32, INT32_MIN, INT32_MAX},
    {SPAN_LITERAL("i64("), ITEM_I64, -999999999999999999, 999999999999999999},
};

#define NUMBER_WORDS (sizeof number_words / sizeof number_words[0])

static bool take_number_item(struct reader *r, const struct number_word *w, struct item *item)
{
    item->kind = w->kind;
    if (!reader_take_number(r, &item->number)) {
        return false;
    }
    if (item->number < w->least || item->number > w->most) {
        return reader_expected(r, "a number that fits the size of the item");
    }
    return TAKE(r, ")") || reader_expected(r, ")");
}

static bool take_fill(struct reader *r, struct item *item)
{
    item->kind = ITEM_FILL;
    if (!reader_take_number(r, &item->number)) {
        return false;
    }
    if (item->number < 0 || item->number > TRANSCRIPT_VALUE_MAX) {
        return reader_expected(r, "at most 8388608 bytes");
    }
    if (!TAKE(r, " ")) {
        return reader_expected(r, "a space and a string");
    }
    if (!reader_take_string(r, &item->bytes)) {
        return false;
    }
    if (item->bytes.n == 0) {
        return reader_expected(r, "a string that is not empty");
    }
    return TAKE(r, ")") || reader_expected(r, ")");
}

/* The items inside size{ } or repeat( ). */
static bool take_inside(struct reader *r, struct item *item)
{
    if (++r->depth > TRANSCRIPT_DEPTH_MAX) {
        return reader_expected(r, "at most 8 size{ } or repeat( ) inside each other");
    }
    if (!reader_take_items(r, &item->inside)) {
        return false;
    }
    r->depth--;
    return true;
}

static bool take_size(struct reader *r, struct item *item)
{
    item->kind = ITEM_SIZE;
    return take_inside(r, item) && (TAKE(r, "}") || reader_expected(r, "}"));
}

static bool take_repeat(struct reader *r, struct item *item)
{
    item->kind = ITEM_REPEAT;
    if (!reader_take_counter(r, &item->number, &item->bytes)) {
        return false;
    }
    if (!TAKE(r, " ")) {
        return reader_expected(r, "a space and items");
    }
    if (!take_inside(r, item)) {
        return false;
    }
    reader_drop_counter(r);
    return TAKE(r, ")") || reader_expected(r, ")");
}

/* $i is a counter if one has this name here. Otherwise it is a value, whose name may be numbered by
 * counters. */
static bool take_variable(struct reader *r, struct item *item)
{
    struct span before = r->line;
    item->place = before.p;
    item->kind = ITEM_COUNTER;
    if (!reader_take_word(r, &item->bytes, "the name of a value")) {
        return false;
    }
    if (reader_is_counter(r, item->bytes)) {
        return true;
    }
    r->line = before;
    item->kind = ITEM_VAR;
    return reader_take_name(r, &item->bytes, "the name of a value");
}

static bool take_item(struct reader *r, struct item *item)
{
    if (reader_at(r, SPAN("\""))) {
        item->kind = ITEM_BYTES;
        return reader_take_string(r, &item->bytes);
    }
    if (TAKE(r, "$")) {
        return take_variable(r, item);
    }
    if (r->patterns && r->depth == 0 && TAKE(r, "*")) {
        item->kind = ITEM_ANY;
        return true;
    }
    for (size_t i = 0; i < NUMBER_WORDS; i++) {
        if (reader_take(r, number_words[i].word)) {
            return take_number_item(r, &number_words[i], item);
        }
    }
    if (TAKE(r, "fill(")) {
        return take_fill(r, item);
    }
    if (TAKE(r, "size{")) {
        return take_size(r, item);
    }
    if (TAKE(r, "repeat(")) {
        return take_repeat(r, item);
    }
    return reader_expected(r, "a string, $name, u8( u16( i32( i64( fill( size{ or repeat(");
}

/* Whether items end here, because a word follows that is no item. */
static bool at_next_part(const struct reader *r)
{
    static const struct span parts[] = {
        SPAN_LITERAL(" after "),   SPAN_LITERAL(" within "), SPAN_LITERAL(" header "),
        SPAN_LITERAL(" without "), SPAN_LITERAL(" body "),   SPAN_LITERAL(" no body"),
        SPAN_LITERAL(" {"),
    };
    bool found = false;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && !found; i++) {
        found = reader_at(r, parts[i]);
    }
    return found;
}

/* One or more items with single spaces between them. */
bool reader_take_items(struct reader *r, struct item **items)
{
    struct item **last = items;
    do {
        *last = reader_node(r->file, sizeof **last);
        if (!take_item(r, *last)) {
            return false;
        }
        last = &(*last)->next;
    } while (!at_next_part(r) && TAKE(r, " "));
    return true;
}
