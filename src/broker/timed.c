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
    return timed->in_flight.count == 0 && timed->deferred_count == 0;
}

static void timed_free(struct timed *timed)
{
    list_remove(&timed->link);
    budget_release_name(&timed->core->budget, TIMED_COST);
    budget_release(&timed->core->budget, split_table_cost(&timed->in_flight));
    split_table_free(&timed->in_flight);
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
    if (timed->in_flight.count > 0) {
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

/* --- the table of messages in flight --------------------------------------------------------- */

/* The hash uses the secret seed because a peer decides which ids stay in flight. Without the seed,
 * it could choose ids with equal hashes, which would make the table slow. */
static unsigned id_hash(const struct timed *timed, uint64_t id)
{
    return (unsigned)hash_number(&timed->core->config.seed, id);
}

static struct in_flight *in_flight_of(struct table_entry *entry)
{
    return entry == NULL ? NULL : container_of(entry, struct in_flight, entry);
}

struct in_flight *timed_find(const struct timed *timed, uint64_t id)
{
    return in_flight_of(
        split_table_find(&timed->in_flight, span_make(&id, sizeof id), id_hash(timed, id)));
}

struct in_flight *timed_first(const struct timed *timed)
{
    return in_flight_of(split_table_first(&timed->in_flight));
}

struct in_flight *timed_next(const struct in_flight *f)
{
    return in_flight_of(split_table_next(&f->timed->in_flight, &f->entry));
}

/* --- in flight -------------------------------------------------------------------------------- */

static void add_to_table(struct timed *timed, struct in_flight *f)
{
    struct budget *budget = &timed->core->budget;
    const uint64_t *id = &f->message->body->id;
    size_t before = split_table_cost(&timed->in_flight);
    split_table_add(&timed->in_flight, &f->entry, span_make(id, sizeof *id), id_hash(timed, *id));
    budget_charge(budget, split_table_cost(&timed->in_flight) - before);
}

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
    add_to_table(timed, f);
    heap_insert(&timed->core->timers, &f->timer.node, due);
    budget_charge(&timed->core->budget, IN_FLIGHT_COST);
}

struct message *timed_take_in_flight(struct in_flight *f)
{
    struct timed *timed = f->timed;
    struct message *message = f->message;
    split_table_remove(&timed->in_flight, &f->entry);
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
