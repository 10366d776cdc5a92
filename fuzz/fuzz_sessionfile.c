/* SPDX-License-Identifier: MIT */
/*
 * Invariant: a session file that is accepted prints to exactly the bytes that were read, and these
 * parse to an equal value. Its steps can be written out, within a limit. For a file that is
 * refused, the parser gives a place within the file and what was expected there, and keeps no
 * memory.
 *
 * Input: the file.
 */
#include "conform/session_file.h"

#include "conform/session_file_check.h"
#include "conform/session_file_unroll.h"
#include "fuzz.h"

const struct fuzz_shape fuzz_shape = {.header = 0, .body = FUZZ_BYTES};

/* --- equal values ----------------------------------------------------------------------------- */

static bool words_equal(const struct word *a, const struct word *b)
{
    for (; a != NULL && b != NULL; a = a->next, b = b->next) {
        if (!span_equal(a->text, b->text)) {
            return false;
        }
    }
    return a == b;
}

/* Recurses at most TRANSCRIPT_DEPTH_MAX deep. */
static bool items_equal(const struct item *a, const struct item *b)
{
    for (; a != NULL && b != NULL; a = a->next, b = b->next) {
        if (a->kind != b->kind || a->number != b->number || !span_equal(a->bytes, b->bytes) ||
            !items_equal(a->inside, b->inside)) {
            return false;
        }
    }
    return a == b;
}

static bool headers_equal(const struct header_line *a, const struct header_line *b)
{
    for (; a != NULL && b != NULL; a = a->next, b = b->next) {
        if (a->absent != b->absent || !items_equal(a->items, b->items)) {
            return false;
        }
    }
    return a == b;
}

static bool http_equal(const struct step *a, const struct step *b)
{
    return a->connect == b->connect && span_equal(a->method, b->method) && a->status == b->status &&
           headers_equal(a->headers, b->headers) && a->body_kind == b->body_kind &&
           items_equal(a->body, b->body);
}

static bool step_equal(const struct step *a, const struct step *b)
{
    return http_equal(a, b) && a->kind == b->kind && a->line == b->line &&
           a->listener == b->listener && span_equal(a->actor, b->actor) &&
           items_equal(a->items, b->items) && span_equal(a->text, b->text) && a->end == b->end &&
           a->killed == b->killed && a->code == b->code && span_equal(a->var, b->var) &&
           span_equal(a->at, b->at) && a->attempts == b->attempts &&
           span_equal(a->attempts_of, b->attempts_of) && a->any_body == b->any_body &&
           a->count == b->count && span_equal(a->counter, b->counter) && a->after == b->after &&
           a->within == b->within;
}

static bool steps_equal(const struct step *a, const struct step *b)
{
    for (; a != NULL && b != NULL; a = a->next, b = b->next) {
        if (!step_equal(a, b) || !steps_equal(a->inside, b->inside)) {
            return false;
        }
    }
    return a == b;
}

static bool files_equal(const struct transcript *a, const struct transcript *b)
{
    return span_equal(a->id, b->id) && span_equal(a->title, b->title) &&
           words_equal(a->reqs, b->reqs) && a->level == b->level &&
           words_equal(a->needs, b->needs) && span_equal(a->flags, b->flags) &&
           a->partial_order == b->partial_order && span_equal(a->effect, b->effect) &&
           span_equal(a->source, b->source) && steps_equal(a->steps, b->steps);
}

/* --- places ----------------------------------------------------------------------------------- */

/* Whether the file has this line, and the column is in it or directly after it. */
static bool is_place(struct span text, unsigned line, unsigned column)
{
    unsigned present = 1;
    size_t length = 0; /* of the line so far */
    for (size_t i = 0; i < text.n && (present < line || text.p[i] != '\n'); i++) {
        length++;
        if (text.p[i] == '\n') {
            present++;
            length = 0;
        }
    }
    return present == line && column >= 1 && column <= length + 1;
}

static void check_error(const struct transcript_error *error, struct span text)
{
    FUZZ_CHECK(error->expected != NULL && error->expected[0] != 0);
    fuzz_say("%u:%u: expected %s", error->line, error->column, error->expected);
    FUZZ_CHECK(is_place(text, error->line, error->column));
}

/* Returns how many steps and items there are. No repetition and no counter may be left. */
static size_t count_items(const struct item *items)
{
    size_t n = 0;
    for (const struct item *i = items; i != NULL; i = i->next) {
        FUZZ_CHECK(i->kind != ITEM_REPEAT && i->kind != ITEM_COUNTER);
        FUZZ_CHECK(i->kind != ITEM_VAR || memchr(i->bytes.p, '$', i->bytes.n) == NULL);
        n += 1 + count_items(i->inside);
    }
    return n;
}

static size_t count_steps(const struct step *steps)
{
    size_t n = 0;
    for (const struct step *s = steps; s != NULL; s = s->next) {
        FUZZ_CHECK(s->kind != STEP_REPEAT && s->kind != STEP_COMMENT && s->count == 0);
        FUZZ_CHECK(s->origin != NULL && s->origin->line == s->line);
        n += 1 + count_items(s->items) + count_items(s->body) + count_steps(s->inside);
        for (const struct header_line *line = s->headers; line != NULL; line = line->next) {
            n += count_items(line->items);
        }
    }
    return n;
}

/* The steps that are written out are bounded, whatever the file says. */
static void check_unrolled(const struct transcript *file)
{
    struct unrolled steps;
    transcript_unroll(file, &steps);
    FUZZ_CHECK(count_steps(steps.steps) <= UNROLLED_MAX);
    unrolled_free(&steps);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_make(data, size);
    struct transcript file;
    struct transcript_error error;
    if (!transcript_parse(&file, in, &error)) {
        check_error(&error, in);
        FUZZ_CHECK(file.memory == NULL && file.bytes.p == NULL && file.steps == NULL);
        return 0;
    }
    struct transcript again;
    struct buf printed = {0};
    transcript_print(&file, &printed);
    FUZZ_CHECK(span_equal(buf_span(&printed), in));
    FUZZ_CHECK(transcript_parse(&again, buf_span(&printed), &error));
    buf_free(&printed); /* the value does not point into these bytes */
    FUZZ_CHECK(files_equal(&file, &again));
    transcript_print(&again, &printed);
    FUZZ_CHECK(span_equal(buf_span(&printed), in));
    check_unrolled(&file);
    if (!transcript_check(&file, &error)) {
        check_error(&error, in);
    } else {
        fuzz_say("can be played");
    }
    buf_free(&printed);
    transcript_free(&again);
    transcript_free(&file);
    return 0;
}
