/* SPDX-License-Identifier: MIT */
/*
 * Changes inputs: repeats, swaps, drops and inserts their pieces, and changes lengths and words.
 * Must not know: any target or engine; the result depends only on the arguments.
 */
#include "mutator.h"

#include <nsq/command.h>

#include "ops.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SEND_MAX 255 /* the largest length that fits into SEND's length byte */

/* --- chance ----------------------------------------------------------------------------------- */

/* splitmix64, which works well with any seed. */
static uint64_t draw(uint64_t *chance)
{
    uint64_t z = *chance += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* A number below n; n is at least 1. */
static size_t below(uint64_t *chance, size_t n)
{
    return (size_t)(draw(chance) % n);
}

/* Where piece i begins. After the last piece: where the body ends. */
static size_t piece_at(const struct mutator_piece *pieces, size_t count, size_t i, struct span body)
{
    return i < count ? pieces[i].at : body.n;
}

/* --- changing --------------------------------------------------------------------------------- */

/* What a change works on. It writes a new body from start to end. */
struct work {
    enum fuzz_body kind;
    struct span body;
    struct mutator_piece pieces[MUTATOR_PIECES_MAX];
    size_t count;
    uint64_t *chance;
    uint8_t *out;
    size_t n;
    size_t room;
};

/* Appends as much as there is room for. */
static void add(struct work *work, struct span bytes)
{
    struct span taken = span_first(bytes, work->room - work->n);
    if (taken.n > 0) {
        memcpy(work->out + work->n, taken.p, taken.n);
        work->n += taken.n;
    }
}

/* Appends the body's bytes between two offsets. */
static void add_between(struct work *work, size_t from, size_t to)
{
    add(work, span_first(span_skip(work->body, from), to - from));
}

static void add_piece(struct work *work, const struct mutator_piece *piece)
{
    add_between(work, piece->at, piece->at + piece->n);
}

static void add_number(struct work *work, size_t width, uint32_t number)
{
    uint8_t bytes[NSQ_SIZE_SIZE];
    be32_store(bytes, number);
    add(work, span_make(bytes + NSQ_SIZE_SIZE - width, width));
}

/* Picks any piece; there is at least one. */
static struct mutator_piece *pick(struct work *work)
{
    return &work->pieces[below(work->chance, work->count)];
}

/* Picks a field: the search begins at a random piece. NULL: there is none. */
static const struct mutator_field *pick_field(struct work *work)
{
    size_t first = below(work->chance, work->count);
    for (size_t i = 0; i < work->count; i++) {
        const struct mutator_piece *piece = &work->pieces[(first + i) % work->count];
        if (piece->fields > 0) {
            return &piece->field[below(work->chance, piece->fields)];
        }
    }
    return NULL;
}

static bool duplicate(struct work *work)
{
    const struct mutator_piece *piece = pick(work), *before = pick(work);
    add_between(work, 0, before->at);
    add_piece(work, piece);
    add_between(work, before->at, work->body.n);
    return true;
}

static bool swap(struct work *work)
{
    const struct mutator_piece *a = pick(work), *b = pick(work);
    if (a == b) {
        return false;
    }
    const struct mutator_piece *first = a < b ? a : b, *second = a < b ? b : a;
    add_between(work, 0, first->at);
    add_piece(work, second);
    add_between(work, first->at + first->n, second->at);
    add_piece(work, first);
    add_between(work, second->at + second->n, work->body.n);
    return true;
}

static bool drop(struct work *work)
{
    const struct mutator_piece *piece = pick(work);
    add_between(work, 0, piece->at);
    add_between(work, piece->at + piece->n, work->body.n);
    return true;
}

/* Ends the body in the middle of a piece. */
static bool cut_off(struct work *work)
{
    const struct mutator_piece *piece = pick(work);
    add_between(work, 0, piece->at + below(work->chance, piece->n + 1));
    return true;
}

/* Corrects every length of one piece, or of all pieces. */
static bool fix(struct work *work)
{
    bool all = below(work->chance, 2) == 0;
    const struct mutator_piece *one = pick(work);
    size_t done = 0;
    for (size_t i = 0; i < work->count; i++) {
        const struct mutator_piece *piece = &work->pieces[i];
        for (size_t f = 0; (all || piece == one) && f < piece->fields; f++) {
            add_between(work, done, piece->field[f].at);
            add_number(work, piece->field[f].width, piece->field[f].right);
            done = piece->field[f].at + piece->field[f].width;
        }
    }
    add_between(work, done, work->body.n);
    return done > 0;
}

/* Sets one length to a wrong value or to a bound. */
static bool set_wrong(struct work *work)
{
    static const uint32_t bounds[] = {0,   1,          4,          5,          9,         255,
                                      256, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffffe};
    const struct mutator_field *field = pick_field(work);
    if (field == NULL) {
        return false;
    }
    uint32_t value = field->right;
    switch (below(work->chance, 4)) {
    case 0:
        value += 1;
        break;
    case 1:
        value -= 1;
        break;
    case 2:
        value = (uint32_t)below(work->chance, SEND_MAX + 1);
        break;
    default:
        value = bounds[below(work->chance, COUNT(bounds))];
        break;
    }
    add_between(work, 0, field->at);
    add_number(work, field->width, value);
    add_between(work, field->at + field->width, work->body.n);
    return true;
}

/* Changes how many bytes follow one length, and the length with them. */
static bool resize(struct work *work)
{
    const struct mutator_field *field = pick_field(work);
    if (field == NULL || field->counts) {
        return false;
    }
    size_t begin = field->at + field->width;
    size_t now = span_first(span_skip(work->body, begin), field->right).n;
    size_t n = below(work->chance, 2) == 0 ? now + 1 : below(work->chance, now + 2);
    add_between(work, 0, field->at);
    add_number(work, field->width, (uint32_t)n);
    add_between(work, begin, begin + (n < now ? n : now));
    for (size_t i = now; i < n; i++) {
        uint8_t byte = (uint8_t)draw(work->chance);
        add(work, span_make(&byte, 1));
    }
    add_between(work, begin + now, work->body.n);
    return true;
}

/* --- changing commands ------------------------------------------------------------------------ */

/* Picks a word for a line: a command's name, or a parameter at a bound. */
static struct span pick_word(uint64_t *chance, bool name)
{
    static const char *const words[] = {
        "",
        "0",
        "1",
        "2",
        "-1",
        "+1",
        "007",
        "9223372036854775807",
        "9223372036854775808",
        "a",
        "b",
        "a#ephemeral",
        "#ephemeral",
        "A!",
        "1000",
        "3600000",
        "3600001",
        "2500",
        "-",
        "2501",
        "0123456789abcdef",
        "0123456789abcde",
        "0123456789abcdefg",
        "4294967296",
    };
    if (name) {
        size_t id = NSQ_UNKNOWN + 1 + below(chance, NSQ_COMMAND_COUNT - NSQ_UNKNOWN - 1);
        return nsq_command_row((enum nsq_command_id)id)->name;
    }
    const char *word = words[below(chance, COUNT(words))];
    return span_make(word, strlen(word));
}

/* Changes, adds or removes one word of a line. */
static bool change_word(struct work *work)
{
    const struct mutator_piece *piece = pick(work);
    struct span all = span_first(span_skip(work->body, piece->at), piece->n);
    const uint8_t *end = memchr(all.p, '\n', all.n);
    size_t line = end == NULL ? all.n : (size_t)(end - all.p);
    size_t starts[1 + NSQ_PARAMS_MAX + 1] = {0};
    size_t words = 1;
    for (size_t i = 0; i < line && words < COUNT(starts); i++) {
        if (all.p[i] == ' ') {
            starts[words++] = i + 1;
        }
    }
    size_t which = below(work->chance, words);
    size_t from = piece->at + starts[which];
    const uint8_t *space = memchr(all.p + starts[which], ' ', line - starts[which]);
    size_t to = space == NULL ? piece->at + line : piece->at + (size_t)(space - all.p);
    size_t how = below(work->chance, 8);
    add_between(work, 0, how == 0 && from > piece->at ? from - 1 : from);
    if (how > 0) {
        add(work, pick_word(work->chance, which == 0));
    }
    if (how == 1) {
        add(work, SPAN(" "));
        add_between(work, from, to);
    }
    add_between(work, to, work->body.n);
    return true;
}

/* Inserts a new command before a piece or at the end. */
static bool insert_command(struct work *work)
{
    static const struct {
        const char *bytes;
        size_t n;
    } fresh[] = {
#define FRESH(literal) {literal, sizeof(literal) - 1}
        FRESH("  V2"),
        FRESH("IDENTIFY\n\0\0\0\2{}"),
        FRESH("AUTH\n\0\0\0\1x"),
        FRESH("SUB a b\n"),
        FRESH("PUB a\n\0\0\0\1x"),
        FRESH("MPUB a\n\0\0\0\16\0\0\0\2\0\0\0\1x\0\0\0\1y"),
        FRESH("DPUB a 1\n\0\0\0\1x"),
        FRESH("RDY 1\n"),
        FRESH("FIN 0123456789abcdef\n"),
        FRESH("REQ 0123456789abcdef 0\n"),
        FRESH("TOUCH 0123456789abcdef\n"),
        FRESH("CLS\n"),
        FRESH("NOP\r\n"),
#undef FRESH
    };
    size_t which = below(work->chance, COUNT(fresh)), at = below(work->chance, work->count + 1);
    size_t offset = piece_at(work->pieces, work->count, at, work->body);
    add_between(work, 0, offset);
    add(work, span_make(fresh[which].bytes, fresh[which].n));
    add_between(work, offset, work->body.n);
    return true;
}

/* --- changing operations ---------------------------------------------------------------------- */

/* Inserts a new operation before a piece or at the end. */
static bool insert_op(struct work *work)
{
    uint8_t op[1 + OP_ARGS_MAX] = {
        (uint8_t)(below(work->chance, 4) << 4 | below(work->chance, OP_KINDS))};
    for (size_t i = 1; i < sizeof op; i++) {
        op[i] =
            (uint8_t)(below(work->chance, 2) == 0 ? below(work->chance, 16) : draw(work->chance));
    }
    size_t at = below(work->chance, work->count + 1);
    size_t offset = piece_at(work->pieces, work->count, at, work->body);
    if ((op[0] & 15) == OP_SEND) {
        op[1] = 0;
    }
    add_between(work, 0, offset);
    add(work, span_make(op, ops_size(span_make(op, sizeof op))));
    add_between(work, offset, work->body.n);
    return true;
}

/* Gives an operation another connection or another argument. */
static bool change_op(struct work *work)
{
    const struct mutator_piece *piece = pick(work);
    add_between(work, 0, work->body.n);
    size_t at = piece->at;
    if (below(work->chance, 3) == 0) {
        work->out[at] = (uint8_t)((work->out[at] & 15) | below(work->chance, 4) << 4);
        return true;
    }
    at += piece->n < 2
              ? 0
              : 1 + below(work->chance, piece->n - 1 < OP_ARGS_MAX ? piece->n - 1 : OP_ARGS_MAX);
    switch (below(work->chance, 3)) {
    case 0:
        work->out[at]++;
        break;
    case 1:
        work->out[at]--;
        break;
    default:
        work->out[at] = (uint8_t)draw(work->chance);
        break;
    }
    return true;
}

static size_t change_body(enum fuzz_body kind, struct span body, uint8_t *out, size_t room,
                          uint64_t *chance);

/* Changes the bytes of a SEND as client bytes are changed, and its length with them. */
static bool change_sent(struct work *work)
{
    const struct mutator_piece *piece = pick(work);
    struct span rest = span_first(span_skip(work->body, piece->at), piece->n);
    if (rest.n < 2 || ops_next(&(struct span){rest.p, rest.n}).kind != OP_SEND) {
        return false;
    }
    uint8_t bytes[SEND_MAX];
    size_t n = change_body(FUZZ_CLIENT, span_skip(rest, 2), bytes, sizeof bytes, work->chance);
    add_between(work, 0, piece->at + 1);
    add_number(work, 1, (uint32_t)n);
    add(work, span_make(bytes, n));
    add_between(work, piece->at + piece->n, work->body.n);
    return true;
}

/* --- all together ----------------------------------------------------------------------------- */

typedef bool change_function(struct work *work);

/* The changes for each kind of input. One that is listed twice is picked twice as often. */
static change_function *const client_changes[] = {duplicate,   swap,        drop,          cut_off,
                                                  fix,         set_wrong,   set_wrong,     resize,
                                                  change_word, change_word, insert_command};
static change_function *const ops_changes[] = {duplicate, swap,        drop,       cut_off,
                                               set_wrong, insert_op,   insert_op,  change_op,
                                               change_op, change_sent, change_sent};

static void begin(struct work *work, enum fuzz_body kind, struct span body, uint8_t *out,
                  size_t room, uint64_t *chance)
{
    work->kind = kind;
    work->body = span_first(body, room);
    work->count = mutator_split(kind, work->body, work->pieces);
    work->chance = chance;
    work->out = out;
    work->n = 0;
    work->room = room;
}

/* Makes one change of a body. If the picked change is not possible, picks another at random. */
static size_t change_body(enum fuzz_body kind, struct span body, uint8_t *out, size_t room,
                          uint64_t *chance)
{
    struct work work;
    begin(&work, kind, body, out, room, chance);
    if (work.count == 0) {
        (void)(kind == FUZZ_OPS ? insert_op(&work) : insert_command(&work));
        return work.n;
    }
    for (int tries = 0; tries < 8; tries++) {
        change_function *change = kind == FUZZ_OPS
                                      ? ops_changes[below(chance, COUNT(ops_changes))]
                                      : client_changes[below(chance, COUNT(client_changes))];
        work.n = 0;
        if (change(&work)) {
            return work.n;
        }
    }
    return work.n;
}

/* Writes the header, sometimes with one byte changed. Returns how many of `max` bytes it took. */
static size_t write_header(struct span header, uint8_t *out, uint64_t *chance)
{
    if (header.n > 0) {
        memcpy(out, header.p, header.n);
        if (below(chance, 8) == 0) {
            uint8_t *byte = &out[below(chance, header.n)];
            const uint8_t values[] = {(uint8_t)draw(chance), (uint8_t)(*byte + 1),
                                      (uint8_t)(*byte - 1)};
            *byte = values[below(chance, COUNT(values))];
        }
    }
    return header.n;
}

size_t mutator_change(const struct fuzz_shape *shape, struct span in, uint8_t *out, size_t max,
                      uint32_t seed)
{
    uint64_t chance = seed;
    struct span header = span_first(in, shape->header);
    if (shape->body == FUZZ_BYTES || header.n > max) {
        return 0;
    }
    size_t n = write_header(header, out, &chance);
    return n + change_body(shape->body, span_skip(in, header.n), out + n, max - n, &chance);
}

size_t mutator_cross(const struct fuzz_shape *shape, struct span in, struct span other,
                     uint8_t *out, size_t max, uint32_t seed)
{
    uint64_t chance = seed;
    struct span header = span_first(in, shape->header);
    if (shape->body == FUZZ_BYTES || header.n > max) {
        return 0;
    }
    size_t n = write_header(header, out, &chance);
    struct span theirs = span_skip(other, span_first(other, shape->header).n);
    struct mutator_piece pieces[MUTATOR_PIECES_MAX];
    size_t count = mutator_split(shape->body, theirs, pieces);
    struct work work;
    begin(&work, shape->body, span_skip(in, header.n), out + n, max - n, &chance);

    size_t keep = below(&chance, work.count + 1);
    size_t go_on = keep + below(&chance, work.count - keep + 1);
    size_t from = below(&chance, count + 1);
    size_t to = from + below(&chance, count - from + 1);
    add_between(&work, 0, piece_at(work.pieces, work.count, keep, work.body));
    size_t begins = piece_at(pieces, count, from, theirs);
    add(&work, span_first(span_skip(theirs, begins), piece_at(pieces, count, to, theirs) - begins));
    add_between(&work, piece_at(work.pieces, work.count, go_on, work.body), work.body.n);
    return n + work.n;
}
