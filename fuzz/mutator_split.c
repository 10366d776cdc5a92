/* SPDX-License-Identifier: MIT */
/*
 * Splits inputs into pieces: commands of a client, or operations. Must not know: how they are
 * changed.
 */
#include "mutator.h"

#include <nsq/command.h>

#include "ops.h"

/* Whether `in` begins with the name of a known command, as a whole word. */
static bool begins_command(struct span in)
{
    size_t n = 0;
    while (n < in.n && in.p[n] >= 'A' && in.p[n] <= 'Z') {
        n++;
    }
    return n < in.n && (in.p[n] == ' ' || in.p[n] == '\n' || in.p[n] == '\r') &&
           nsq_command_find(span_first(in, n)) != NSQ_UNKNOWN;
}

/* How many bytes come before the next known command; all of them if there is none. */
static size_t up_to_command(struct span in)
{
    size_t n = 0;
    while (n < in.n && !begins_command(span_skip(in, n))) {
        n++;
    }
    return n;
}

static struct mutator_field *add_field(struct mutator_piece *piece, size_t at, size_t width)
{
    static struct mutator_field ignored;
    struct mutator_field *field =
        piece->fields < MUTATOR_FIELDS_MAX ? &piece->field[piece->fields++] : &ignored;
    *field = (struct mutator_field){.at = at, .width = width};
    return field;
}

/* Splits a size and its bytes at offset piece->n of `in`. False: there are no four bytes, or the
 * size is not positive or larger than the rest; then the command ends here. */
static bool split_sized(struct span in, struct mutator_piece *piece)
{
    struct span rest = span_skip(in, piece->n);
    if (rest.n < NSQ_SIZE_SIZE) {
        piece->n += up_to_command(rest);
        return false;
    }
    struct mutator_field *field = add_field(piece, piece->at + piece->n, NSQ_SIZE_SIZE);
    int32_t size = (int32_t)be32_load(rest.p);
    rest = span_skip(rest, NSQ_SIZE_SIZE);
    bool right = size > 0 && (size_t)size <= rest.n;
    size_t n = right ? (size_t)size : up_to_command(rest);
    field->right = (uint32_t)n;
    piece->n += NSQ_SIZE_SIZE + n;
    return right;
}

/* Splits MPUB's body at offset piece->n of `in`. */
static void split_messages(struct span in, struct mutator_piece *piece)
{
    struct span rest = span_skip(in, piece->n);
    if (rest.n < NSQ_SIZE_SIZE + NSQ_MPUB_OVERHEAD) {
        piece->n += up_to_command(rest);
        return;
    }
    struct mutator_field *size = add_field(piece, piece->at + piece->n, NSQ_SIZE_SIZE);
    struct mutator_field *count =
        add_field(piece, piece->at + piece->n + NSQ_SIZE_SIZE, NSQ_MPUB_OVERHEAD);
    count->counts = true;
    int32_t said = (int32_t)be32_load(rest.p + NSQ_SIZE_SIZE);
    size_t begin = piece->n + NSQ_SIZE_SIZE;
    piece->n = begin + NSQ_MPUB_OVERHEAD;
    uint32_t most = said > 0 && (size_t)said <= rest.n / NSQ_MPUB_SMALLEST ? (uint32_t)said : 1;
    for (bool right = true; right && count->right < most; count->right++) {
        right = split_sized(in, piece);
    }
    size->right = (uint32_t)(piece->n - begin);
}

/* Splits off the command, or the magic, at the start of `in`. */
static void split_command(struct span in, struct mutator_piece *piece)
{
    const uint8_t *end = memchr(in.p, '\n', in.n);
    if (piece->at == 0 && in.n >= 4 && memcmp(in.p, "  V2", 4) == 0) {
        piece->n = 4;
        return;
    }
    piece->n = end == NULL ? in.n : (size_t)(end - in.p) + 1;
    if (end == NULL) {
        return;
    }
    struct nsq_command command;
    nsq_command_split(span_first(in, piece->n - 1), &command);
    switch (nsq_command_row(command.id)->body) {
    case NSQ_BODY_DATA:
    case NSQ_BODY_MESSAGE:
        (void)split_sized(in, piece);
        break;
    case NSQ_BODY_MESSAGES:
        split_messages(in, piece);
        break;
    default:
        break;
    }
}

static void split_op(struct span in, struct mutator_piece *piece)
{
    struct span rest = in;
    struct op op = ops_next(&rest);
    piece->n = in.n - rest.n;
    if (op.kind == OP_SEND && in.n > 1) {
        add_field(piece, piece->at + 1, 1)->right = (uint32_t)op.bytes.n;
    }
}

size_t mutator_split(enum fuzz_body kind, struct span body, struct mutator_piece *pieces)
{
    size_t count = 0;
    for (size_t at = 0; at < body.n; at += pieces[count++].n) {
        struct mutator_piece *piece = &pieces[count];
        *piece = (struct mutator_piece){.at = at};
        if (count + 1 == MUTATOR_PIECES_MAX) {
            piece->n = body.n - at;
        } else if (kind == FUZZ_OPS) {
            split_op(span_skip(body, at), piece);
        } else {
            split_command(span_skip(body, at), piece);
        }
    }
    return count;
}
