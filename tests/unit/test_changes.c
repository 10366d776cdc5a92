/* SPDX-License-Identifier: MIT */
/* Tests of broker/changes.h, alone and as the broker notes its changes. */
#include "broker/changes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/text.h"
#include "broker/broker.h"

/* Expects that the change after number `read` has this number and is "+topic", "-topic:channel" and
 * so on; "" when there is none. */
static void expect(const struct changes *changes, uint64_t read, uint64_t number, const char *text)
{
    char found[200] = "";
    uint64_t its_number;
    const struct change *c = changes_after(changes, read, &its_number);
    if (c != NULL) {
        assert_int_equal(its_number, number);
        snprintf(found, sizeof found, "%c%.*s%s%.*s", c->deleted ? '-' : '+', c->topic.n,
                 (const char *)c->topic.bytes, c->channel.n > 0 ? ":" : "", c->channel.n,
                 (const char *)c->channel.bytes);
    }
    assert_string_equal(found, text);
}

static void note(struct changes *changes, unsigned topic, bool deleted)
{
    char name[20];
    snprintf(name, sizeof name, "t%u", topic);
    changes_note(changes, text_span(name), SPAN(""), deleted);
}

static void readers_find_the_changes_in_order(void **state)
{
    (void)state;
    struct budget budget = budget_of_cap(1 << 30);
    struct changes changes = {.ring = NULL};
    changes_note(&changes, SPAN("before"), SPAN(""), false); /* nothing is noted yet */
    changes_begin(&changes, &budget);
    changes_begin(&changes, &budget);
    expect(&changes, 0, 0, "");
    changes_note(&changes, SPAN("t"), SPAN(""), false);
    changes_note(&changes, SPAN("t"), SPAN("c"), true);
    expect(&changes, 0, 1, "+t");
    expect(&changes, 1, 2, "-t:c");
    expect(&changes, 2, 0, "");
    changes_free(&changes, &budget);
    changes_free(&changes, &budget);
    assert_int_equal(budget.used, 0);
}

static void old_changes_are_forgotten(void **state)
{
    (void)state;
    struct budget budget = budget_of_cap(1 << 30);
    struct changes changes = {.ring = NULL};
    changes_begin(&changes, &budget);
    for (unsigned i = 1; i <= CHANGES_MAX; i++) {
        note(&changes, i, i == 2);
    }
    expect(&changes, 0, 1, "+t1");
    assert_int_equal(changes.lost_deleted, 0);
    note(&changes, 7777, false);
    expect(&changes, 0, 2, "-t2");
    expect(&changes, 1, 2, "-t2");
    assert_int_equal(changes.lost_deleted, 0);
    note(&changes, 8888, false);
    expect(&changes, 1, 3, "+t3");
    expect(&changes, CHANGES_MAX, CHANGES_MAX + 1, "+t7777");
    expect(&changes, CHANGES_MAX + 1, CHANGES_MAX + 2, "+t8888");
    expect(&changes, CHANGES_MAX + 2, 0, "");
    assert_int_equal(changes.lost_deleted, 2);
    changes_free(&changes, &budget);
}

static void the_broker_notes_what_it_makes_and_deletes(void **state)
{
    (void)state;
    struct log log;
    struct broker broker;
    const struct broker_config config = {
        .mem_queue_size = 10, .mem_queue_bytes = 1 << 30, .effort_a_call = 1000};
    log_init(&log, LOG_FATAL);
    broker_init(&broker, &config, &log);
    struct changes *changes = &broker.core.changes;
    changes_begin(changes, &broker.core.budget);
    struct topic *t = broker_topic(&broker, SPAN("t"), BUDGET_CLIENT);
    broker_topic(&broker, SPAN("t"), BUDGET_CLIENT);
    topic_channel(t, SPAN("c"), 0);
    topic_channel(t, SPAN("c"), 0);
    topic_channel(t, SPAN("d"), 0);
    broker_delete_channel(&broker, SPAN("t"), SPAN("c"));
    broker_delete_topic(&broker, SPAN("t"));
    expect(changes, 0, 1, "+t");
    expect(changes, 1, 2, "+t:c");
    expect(changes, 2, 3, "+t:d");
    expect(changes, 3, 4, "-t:c");
    expect(changes, 4, 5, "-t");
    expect(changes, 5, 6, "-t:d");
    expect(changes, 6, 0, "");
    topic_channel(broker_topic(&broker, SPAN("e#ephemeral"), BUDGET_CLIENT), SPAN("c"), 0);
    broker_delete_channel(&broker, SPAN("e#ephemeral"), SPAN("c"));
    expect(changes, 8, 9, "-e#ephemeral:c");
    expect(changes, 9, 10, "-e#ephemeral");
    broker_free(&broker);
    assert_int_equal(broker.core.budget.used, 0);
    log_free(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_find_the_changes_in_order),
        cmocka_unit_test(old_changes_are_forgotten),
        cmocka_unit_test(the_broker_notes_what_it_makes_and_deletes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
