/* SPDX-License-Identifier: MIT */
/* Finds the places in the items of a step. Must not know: what the server answers. */
#include "conform/player_pieces.h"

#include <nsq/magic.h>

#include "base/text.h"
#include "conform/player_exchange.h"
#include "conform/player_io.h"

#define SIZE_BYTES 4 /* of an i32 */

struct places {
    size_t list[PLAYER_SPLITS_MAX]; /* each once, in rising order */
    size_t n;
    size_t most;
};

static void add(struct places *places, size_t offset)
{
    size_t i = places->n;
    while (i > 0 && places->list[i - 1] > offset) {
        i--;
    }
    bool known = i > 0 && places->list[i - 1] == offset;
    if (places->n == places->most || known || offset == 0) {
        return;
    }
    memmove(&places->list[i + 1], &places->list[i], (places->n - i) * sizeof *places->list);
    places->list[i] = offset;
    places->n++;
}

static size_t length_of(struct values *v, const struct item *item)
{
    const struct item alone = {
        .kind = item->kind, .bytes = item->bytes, .number = item->number, .inside = item->inside};
    struct buf bytes = {0};
    values_render(v, &alone, &bytes);
    size_t n = bytes.n;
    buf_free(&bytes);
    return n;
}

/* Recurses at most TRANSCRIPT_DEPTH_MAX deep. */
static void add_items(struct values *v, const struct item *items, size_t offset,
                      struct places *places)
{
    for (const struct item *item = items; item != NULL && places->n < places->most;
         item = item->next) {
        size_t n = length_of(v, item);
        if (item->kind == ITEM_SIZE) {
            add(places, offset + SIZE_BYTES / 2);
            add(places, offset + SIZE_BYTES + (n - SIZE_BYTES) / 2);
            add_items(v, item->inside, offset + SIZE_BYTES, places);
        }
        offset += n;
    }
}

/* Finds bytes in others. Returns `in.n` if they are not there. */
static size_t find(struct span in, struct span what)
{
    size_t at = 0;
    while (at + what.n <= in.n && memcmp(in.p + at, what.p, what.n) != 0) {
        at++;
    }
    return at + what.n <= in.n ? at : in.n;
}

static void add_request(struct span bytes, struct places *places)
{
    size_t head = find(bytes, SPAN("\r\n\r\n"));
    add(places, find(bytes, SPAN("\r\n")) / 2);
    add(places, head + 2);
    add(places, head + 4 + (bytes.n - head - 4) / 2);
}

static void pause_for(struct player *p, int64_t ns)
{
    int64_t deadline = player_now(p) + ns;
    while (player_now(p) < deadline) {
        player_wait_until(p, deadline);
    }
}

static void send_pieces(struct player *p, size_t i, const struct step *step, struct span bytes)
{
    struct places places = {.most = p->config.splits};
    size_t sent = 0;
    if (p->splits < places.most) { /* of the whole case */
        places.most = p->splits;
    }
    if (p->conns[i].fresh) {
        add(&places, NSQ_MAGIC_SIZE / 2);
        p->conns[i].fresh = false;
    }
    if (step->kind == STEP_REQUEST) {
        add_request(bytes, &places);
    } else {
        add_items(&p->values, step->items, 0, &places);
    }
    if (places.n == 0) {
        add(&places, bytes.n / 2);
    }
    for (size_t k = 0; k < places.n && places.list[k] < bytes.n; k++) {
        player_send(p, i, span_first(span_skip(bytes, sent), places.list[k] - sent));
        pause_for(p, PLAYER_SPLIT_PAUSE);
        sent = places.list[k];
        p->splits--;
    }
    player_send(p, i, span_skip(bytes, sent));
}

static void send_step(struct player *p, size_t i, const struct step *step, struct span bytes)
{
    if (step->raw) {
        player_send_raw(p, i, bytes);
    } else if (p->splits == 0) {
        player_send(p, i, bytes);
    } else {
        send_pieces(p, i, step, bytes);
    }
}

bool player_send_rendered(struct player *p, size_t i, const struct step *step, struct span bytes,
                          bool known)
{
    if (!known) {
        text_append(player_expected(p, step), "a value that no step has captured");
        return player_fail(p, step, VERDICT_UNREACHABLE);
    }
    player_note_bytes(p, step->actor, step->raw ? SPAN(" > raw ") : SPAN(" > "), bytes);
    send_step(p, i, step, bytes);
    return true;
}
