/* SPDX-License-Identifier: MIT */
/*
 * Adds and removes messages in flight and deferred messages. Must not know: queues, and what
 * happens to a message when its timer is due.
 */
#include "broker/timed.h"

#include <assert.h>

/* --- beginning and end ------------------------------------------------------------------------ */

struct timed *timed_new(struct broker_core *core, struct channel *channel)
{
    struct timed *timed = alloc_zeroed(sizeof *timed);
    timed->core = core;
    timed->channel = channel;
    list_init(&timed->link);
    list_init(&timed->deferred);
    budget_charge_name(&core->budget, TIMED_COST);
    return timed;
}

static bool is_empty(const struct timed *timed)
{
    return timed->in_flight_count == 0 && timed->deferred_count == 0;
}

static void timed_free(struct timed *timed)
{
    list_remove(&timed->link);
    budget_release_name(&timed->core->budget, TIMED_COST);
    budget_release(&timed->core->budget, timed->tables == NULL ? 0 : TIMED_TABLES_COST);
    alloc_free(timed->tables);
    alloc_free(timed);
}

void timed_end(struct timed *timed)
{
    timed->channel = NULL;
    if (is_empty(timed)) {
        timed_free(timed);
    } else {
        list_push(&timed->core->ending, &timed->link);
    }
}

void timed_collect(struct timed *timed)
{
    struct broker_core *core = timed->core;
    struct message *message = NULL;
    if (timed->in_flight_count > 0) {
        message = timed_take_in_flight(timed_first(timed));
    } else if (timed->deferred_count > 0) {
        message = timed_take_deferred(container_of(timed->deferred.next, struct deferred, link));
    }
    if (message != NULL) {
        message_drop(message, &core->budget);
    }
    if (is_empty(timed)) {
        timed_free(timed);
    }
}

/* --- subscriptions ---------------------------------------------------------------------------- */

struct subscription *subscription_new(struct consumer *consumer)
{
    struct subscription *subscription = alloc_zeroed(sizeof *subscription);
    *subscription = (struct subscription){.refs = 1, .consumer = consumer};
    return subscription;
}

static void drop_subscription(struct subscription *subscription)
{
    if (--subscription->refs == 0) {
        alloc_free(subscription);
    }
}

void subscription_end(struct subscription *subscription)
{
    subscription->consumer = NULL;
    drop_subscription(subscription);
}

/* --- the tables of messages in flight --------------------------------------------------------- */

/* The hash uses the secret seed because a peer decides which ids stay in flight. Without the seed,
 * it could choose ids with equal hashes, which would make the table slow. */
static unsigned id_hash(const struct timed *timed, uint64_t id)
{
    return (unsigned)hash_number(&timed->core->config.seed, id);
}

/* The index of the table of a hash, when there are TIMED_TABLES. uthash uses the last bits of the
 * hash, so this function uses the first ones. */
static unsigned table_index(unsigned hash)
{
    return hash >> (32 - TIMED_TABLE_BITS);
}

/* Returns the place of the pointer to the table of a hash. */
static struct in_flight **table_of(struct timed *timed, unsigned hash)
{
    return timed->tables == NULL ? &timed->table : &timed->tables[table_index(hash)];
}

static void add_to_table(struct timed *timed, struct in_flight *f, unsigned hash)
{
    struct in_flight **table = table_of(timed, hash);
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, *table, &f->message->body->id, sizeof(uint64_t), hash, f);
}

/* Moves the entries of the one table to TIMED_TABLES tables. */
static void split(struct timed *timed)
{
    struct in_flight *f = timed->table;
    struct in_flight *next;
    HASH_CLEAR(hh, timed->table);
    timed->tables = alloc_zeroed(TIMED_TABLES * sizeof *timed->tables);
    budget_charge(&timed->core->budget, TIMED_TABLES_COST);
    for (; f != NULL; f = next) {
        next = f->hh.next;
        add_to_table(timed, f, f->hh.hashv);
    }
}

struct in_flight *timed_find(const struct timed *timed, uint64_t id)
{
    unsigned hash = id_hash(timed, id); /* not inside the macro, which would compute it twice */
    struct in_flight *table =
        timed->tables == NULL ? timed->table : timed->tables[table_index(hash)];
    struct in_flight *found = NULL;
    HASH_FIND_BYHASHVALUE(hh, table, &id, sizeof id, hash, found);
    return found;
}

static struct in_flight *first_from(const struct timed *timed, unsigned index)
{
    for (unsigned i = index; i < TIMED_TABLES; i++) {
        if (timed->tables[i] != NULL) {
            return timed->tables[i];
        }
    }
    return NULL;
}

struct in_flight *timed_first(const struct timed *timed)
{
    return timed->tables == NULL ? timed->table : first_from(timed, 0);
}

struct in_flight *timed_next(const struct in_flight *f)
{
    if (f->hh.next != NULL || f->timed->tables == NULL) {
        return f->hh.next;
    }
    return first_from(f->timed, table_index(f->hh.hashv) + 1);
}

/* --- in flight -------------------------------------------------------------------------------- */

void timed_add_in_flight(struct timed *timed, struct subscription *subscription,
                         struct message *message, int64_t now, int64_t due)
{
    struct in_flight *f = alloc_zeroed(sizeof *f);
    f->timed = timed;
    f->subscription = subscription;
    f->message = message;
    f->delivered_at = now;
    f->timer.kind = TIMER_IN_FLIGHT;
    subscription->refs++;
    if (timed->in_flight_count >= TIMED_ONE_TABLE && timed->tables == NULL) {
        split(timed);
    }
    add_to_table(timed, f, id_hash(timed, message->body->id));
    timed->in_flight_count++;
    heap_insert(&timed->core->timers, &f->timer.node, due);
    budget_charge(&timed->core->budget, IN_FLIGHT_COST);
}

struct message *timed_take_in_flight(struct in_flight *f)
{
    struct timed *timed = f->timed;
    struct message *message = f->message;
    struct in_flight **table = table_of(timed, f->hh.hashv);
    HASH_DELETE(hh, *table, f);
    timed->in_flight_count--;
    heap_remove(&timed->core->timers, &f->timer.node);
    drop_subscription(f->subscription);
    alloc_free(f);
    budget_release(&timed->core->budget, IN_FLIGHT_COST);
    return message;
}

/* --- deferred --------------------------------------------------------------------------------- */

void timed_add_deferred(struct timed *timed, struct message *message, int64_t due)
{
    struct deferred *d = alloc_zeroed(sizeof *d);
    d->timed = timed;
    d->message = message;
    d->timer.kind = TIMER_DEFERRED;
    list_push(&timed->deferred, &d->link);
    timed->deferred_count++;
    heap_insert(&timed->core->timers, &d->timer.node, due);
    budget_charge(&timed->core->budget, DEFERRED_COST);
}

struct message *timed_take_deferred(struct deferred *d)
{
    struct timed *timed = d->timed;
    struct message *message = d->message;
    heap_remove(&timed->core->timers, &d->timer.node);
    list_remove(&d->link);
    timed->deferred_count--;
    alloc_free(d);
    budget_release(&timed->core->budget, DEFERRED_COST);
    return message;
}
