/* SPDX-License-Identifier: MIT */
/* Tests of lookup/registry.h on virtual time: what is shown, what stays, limits, and slices. */
#include "lookup/registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/text.h"
#include "base/time.h"
#include "registry_model.h"

#define START (1000 * TIME_SECOND)

/* --- a registry, and what it shows ------------------------------------------------------------ */

struct stage {
    struct registry r;
    struct budget budget;
    struct effort effort;
    struct log log;
    struct buf shown;
};

static void begin(struct stage *s, size_t most, size_t cap)
{
    const struct registry_config config = {.inactive_timeout = 300 * TIME_SECOND,
                                           .tombstone_lifetime = 45 * TIME_SECOND,
                                           .max_registrations = most,
                                           .seed = {{1, 2}}};
    *s = (struct stage){.budget = budget_of_cap(cap)};
    log_init(&s->log, LOG_INFO);
    effort_allow(&s->effort, 1000000);
    registry_init(&s->r, &config, &s->budget, &s->effort, &s->log);
}

static void end(struct stage *s)
{
    registry_free(&s->r);
    assert_int_equal(s->budget.used, 0);
    assert_int_equal(s->budget.names, 0);
    log_free(&s->log);
    buf_free(&s->shown);
}

static struct registry_producer *join(struct stage *s, const char *host)
{
    const struct registry_peer peer = {.remote_address = text_span(host),
                                       .hostname = SPAN(""),
                                       .broadcast_address = text_span(host),
                                       .version = SPAN("1.3.0"),
                                       .tcp_port = 4150,
                                       .http_port = 4151};
    return registry_join(&s->r, &peer, START);
}

static void add(struct stage *s, struct registry_producer *p, const char *topic,
                const char *channel)
{
    assert_int_equal(registry_register(&s->r, p, text_span(topic), text_span(channel)),
                     REGISTRY_DONE);
}

static void drop(struct stage *s, struct registry_producer *p, const char *topic,
                 const char *channel)
{
    assert_true(registry_unregister(&s->r, p, text_span(topic), text_span(channel)));
}

static void show_entries(struct stage *s, const struct registry_key *key)
{
    struct registry_place place = {.n = 0};
    const struct registry_entry *entry;
    while ((entry = registry_next_entry(key, &place)) != NULL) {
        const struct registry_producer *p = registry_producer_of(entry);
        if (!registry_has_left(p)) {
            text_append(&s->shown, " ");
            buf_append(&s->shown, p->peer.broadcast_address);
        }
    }
    text_append(&s->shown, "; ");
}

/* Everything, as "topic host host; topic/channel host; ". */
static void expect(struct stage *s, const char *expected)
{
    struct registry_place place = {.n = 0};
    const struct registry_topic *topic;
    buf_drop(&s->shown, s->shown.n);
    while ((topic = registry_next_topic(&s->r, &place)) != NULL) {
        struct registry_place inner = {.n = 0};
        const struct registry_key *channel;
        if (topic->registered) {
            buf_append(&s->shown, registry_topic_name(topic));
            show_entries(s, &topic->key);
        }
        while ((channel = registry_next_channel(topic, &inner)) != NULL) {
            buf_append(&s->shown, registry_topic_name(topic));
            text_append(&s->shown, "/");
            buf_append(&s->shown, registry_channel_name(channel));
            show_entries(s, channel);
        }
    }
    buf_append(&s->shown, span_make("", 1));
    assert_string_equal((const char *)buf_span(&s->shown).p, expected);
}

static void expect_log(struct stage *s, const char *expected)
{
    struct buf text = {0};
    struct log_event *event;
    while ((event = log_next(&s->log)) != NULL) {
        size_t next = 0;
        for (const char *at = event->form; *at != '\0'; at++) {
            buf_append(&text, *at == '%' ? event->args[next++] : span_make(at, 1));
        }
        buf_append(&text, SPAN("\n"));
        log_event_free(event);
    }
    buf_append(&text, span_make("", 1));
    assert_string_equal((const char *)buf_span(&text).p, expected);
    buf_free(&text);
}

/* --- what stays ------------------------------------------------------------------------------- */

static void a_channel_registers_its_topic_too(void **state)
{
    (void)state;
    struct stage s;
    begin(&s, 100, 1 << 20);
    struct registry_producer *a = join(&s, "a");
    add(&s, a, "t", "c");
    add(&s, a, "t", "c");
    add(&s, a, "t", "");
    expect(&s, "t a; t/c a; ");
    expect_log(&s, "DB: client(a) REGISTER category:client key: subkey:\n"
                   "DB: client(a) REGISTER category:channel key:t subkey:c\n"
                   "DB: client(a) REGISTER category:topic key:t subkey:\n");
    assert_int_equal(a->count, 2);
    end(&s);
}

static void what_is_registered_stays_without_producers(void **state)
{
    (void)state;
    struct stage s;
    begin(&s, 100, 1 << 20);
    struct registry_producer *a = join(&s, "a");
    add(&s, a, "t", "c");
    drop(&s, a, "t", "c");
    expect(&s, "t a; t/c; ");
    drop(&s, a, "t", "");
    expect(&s, "t; t/c; ");
    drop(&s, a, "unknown", "");
    drop(&s, a, "t", "unknown");
    expect(&s, "t; t/c; ");
    end(&s);
}

/* Only UNREGISTER removes something ephemeral: the channels of an ephemeral topic stay, and so does
 * everything of a producer that is lost. */
static void what_is_ephemeral_goes_with_unregister(void **state)
{
    (void)state;
    struct stage s;
    begin(&s, 100, 1 << 20);
    struct registry_producer *a = join(&s, "a");
    struct registry_producer *b = join(&s, "b");
    add(&s, a, "t", "c#ephemeral");
    add(&s, b, "t", "c#ephemeral");
    drop(&s, a, "t", "c#ephemeral");
    expect(&s, "t a b; t/c#ephemeral b; ");
    drop(&s, b, "t", "c#ephemeral");
    expect(&s, "t a b; ");
    add(&s, a, "e#ephemeral", "c");
    drop(&s, a, "e#ephemeral", "");
    expect(&s, "e#ephemeral/c; t a b; ");
    add(&s, a, "e#ephemeral", "x#ephemeral");
    registry_leave(&s.r, a);
    expect(&s, "e#ephemeral; e#ephemeral/c; e#ephemeral/x#ephemeral; t b; ");
    drop(&s, b, "e#ephemeral", "x#ephemeral"); /* it need not be registered there */
    drop(&s, b, "e#ephemeral", "");
    expect(&s, "e#ephemeral/c; t b; ");
    end(&s);
}

static void an_ephemeral_topic_goes_with_its_last_channel(void **state)
{
    (void)state;
    struct stage s;
    begin(&s, 100, 1 << 20);
    struct registry_producer *a = join(&s, "a");
    add(&s, a, "e#ephemeral", "c");
    drop(&s, a, "e#ephemeral", "");
    assert_non_null(registry_find_topic(&s.r, SPAN("e#ephemeral")));
    assert_true(registry_delete_channel(&s.r, SPAN("e#ephemeral"), SPAN("c")));
    assert_null(registry_find_topic(&s.r, SPAN("e#ephemeral")));
    registry_collect(&s.r);
    end(&s);
}

static void unregister_of_a_topic_takes_its_channels(void **state)
{
    (void)state;
    struct stage s;
    begin(&s, 100, 1 << 20);
    struct registry_producer *a = join(&s, "a");
    struct registry_producer *b = join(&s, "b");
    add(&s, a, "t", "c");
    add(&s, a, "t", "d");
    add(&s, b, "t", "d");
    log_free(&s.log);
    drop(&s, a, "t", "");
    expect(&s, "t b; t/c; t/d b; ");
    expect_log(&s, "client(a) unexpected UNREGISTER category:channel key:t subkey:c\n"
                   "client(a) unexpected UNREGISTER category:channel key:t subkey:d\n"
                   "DB: client(a) UNREGISTER category:topic key:t subkey:\n");
    end(&s);
}

static void topics_are_in_the_order_of_debugs_keys(void **state)
{
    (void)state;
    struct stage s;
    begin(&s, 100, 1 << 20);
    assert_true(registry_create(&s.r, SPAN("a"), SPAN("z")));
    assert_true(registry_create(&s.r, SPAN("a-b"), SPAN("")));
    assert_true(registry_create(&s.r, SPAN("ab"), SPAN("")));
    assert_true(registry_create(&s.r, SPAN("a"), SPAN("b")));
    assert_true(registry_create(&s.r, SPAN("a"), SPAN("b")));
    expect(&s, "a-b; a; a/b; a/z; ab; ");
    assert_null(registry_find_topic(&s.r, SPAN("")));
    assert_null(registry_find_topic(&s.r, SPAN("*")));
    assert_null(registry_find_topic(&s.r, SPAN("a:")));
    uint8_t name[NSQ_NAME_MAX + 1];
    memset(name, 'n', sizeof name);
    assert_true(registry_create(&s.r, span_make(name, NSQ_NAME_MAX), SPAN("")));
    assert_non_null(registry_find_topic(&s.r, span_make(name, NSQ_NAME_MAX)));
    assert_null(registry_find_topic(&s.r, span_make(name, NSQ_NAME_MAX + 1)));
    end(&s);
}

/* --- time ------------------------------------------------------------------------------------- */

static struct registry_topic_entry *first_topic_of(const struct registry_producer *p)
{
    struct registry_place place = {.n = 0};
    return registry_next_topic_of(p, &place);
}

static void a_producer_is_active_after_a_ping(void **state)
{
    (void)state;
    struct stage s;
    begin(&s, 100, 1 << 20);
    struct registry_producer *a = join(&s, "a");
    int64_t last = START + 300 * TIME_SECOND;
    assert_true(registry_is_active(&s.r, a, last));
    assert_false(registry_is_active(&s.r, a, last + 1));
    add(&s, a, "t", "");
    assert_false(registry_is_active(&s.r, a, last + 1));
    registry_ping(a, last);
    assert_true(registry_is_active(&s.r, a, last + 300 * TIME_SECOND));
    end(&s);
}

static void a_tombstone_expires(void **state)
{
    (void)state;
    struct stage s;
    begin(&s, 100, 1 << 20);
    struct registry_producer *a = join(&s, "a");
    add(&s, a, "t", "");
    struct registry_topic_entry *entry = first_topic_of(a);
    assert_false(registry_is_tombstoned(&s.r, entry, START));
    entry->tombstoned_at = START;
    add(&s, a, "t", "c"); /* it stays after a REGISTER */
    assert_true(registry_is_tombstoned(&s.r, entry, START + 45 * TIME_SECOND - 1));
    assert_false(registry_is_tombstoned(&s.r, entry, START + 45 * TIME_SECOND));
    drop(&s, a, "t", "");
    add(&s, a, "t", "");
    assert_false(registry_is_tombstoned(&s.r, first_topic_of(a), START));
    end(&s);
}

/* --- limits ----------------------------------------------------------------------------------- */

static void a_producer_has_so_many_registrations(void **state)
{
    (void)state;
    struct stage s;
    begin(&s, 3, 1 << 20);
    struct registry_producer *a = join(&s, "a");
    add(&s, a, "t", "c");
    assert_int_equal(registry_register(&s.r, a, SPAN("u"), SPAN("c")), REGISTRY_TOO_MANY);
    expect(&s, "t a; t/c a; ");
    add(&s, a, "t", "d");
    assert_int_equal(registry_register(&s.r, a, SPAN("t"), SPAN("e")), REGISTRY_TOO_MANY);
    add(&s, a, "t", "c"); /* it is registered already */
    drop(&s, a, "t", "c");
    add(&s, a, "t", "c");
    add(&s, join(&s, "b"), "t", "e"); /* each has its own */
    expect(&s, "t a b; t/c a; t/d a; t/e b; ");
    end(&s);
}

static void the_budget_bounds_names_and_producers(void **state)
{
    (void)state;
    struct stage s;
    char name[16];
    begin(&s, 100000, 16384);
    struct registry_producer *a = join(&s, "a");
    size_t n = 0;
    do {
        snprintf(name, sizeof name, "t%zu", n++);
    } while (n < 1000 && registry_register(&s.r, a, text_span(name), SPAN("")) == REGISTRY_DONE);
    assert_true(n > 10 && n < 100);
    assert_true(s.budget.names <= s.budget.names_most);
    assert_int_equal(registry_register(&s.r, a, text_span(name), SPAN("")), REGISTRY_NO_MEMORY);
    assert_null(registry_find_topic(&s.r, text_span(name)));
    assert_false(registry_create(&s.r, text_span(name), SPAN("")));
    assert_true(registry_create(&s.r, SPAN("t0"), SPAN(""))); /* it is there */
    for (n = 0; n < 1000 && join(&s, "a") != NULL; n++) {
    }
    assert_true(n > 10 && n < 200);
    end(&s);
}

/* The reserve is for those who connect: a full registry does not keep others away. */
static void registrations_do_not_use_the_reserve(void **state)
{
    (void)state;
    struct stage s;
    begin(&s, 100000, 16384);
    struct registry_producer *a;
    size_t n = 0;
    do {
        a = join(&s, "a");
        assert_non_null(a);
    } while (++n < 1000 && registry_register(&s.r, a, SPAN("t"), SPAN("")) == REGISTRY_DONE);
    assert_true(n > 10 && n < 1000);
    assert_true(s.budget.used <= s.budget.cap + 500);
    assert_int_equal(registry_register(&s.r, a, SPAN("t"), SPAN("c")), REGISTRY_NO_MEMORY);
    char name[16];
    n = 0;
    do {
        snprintf(name, sizeof name, "u%zu", n++);
    } while (n < 100 && registry_create(&s.r, text_span(name), SPAN("")));
    assert_true(n < 10);
    assert_non_null(join(&s, "b"));
    end(&s);
}

/* --- slices ----------------------------------------------------------------------------------- */

#define MANY 500

/* Fills a topic with two producers in many channels. */
static void fill(struct stage *s, struct registry_producer *a, struct registry_producer *b)
{
    char name[16];
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "c%d", i);
        add(s, a, "t", name);
        add(s, b, "t", name);
    }
}

/* Counts the calls, each with little effort, until all is freed. */
static size_t collect(struct stage *s)
{
    size_t calls = 0;
    while (registry_can_collect(&s->r)) {
        effort_allow(&s->effort, 100);
        registry_collect(&s->r);
        calls++;
    }
    effort_allow(&s->effort, 1000000);
    return calls;
}

static void a_producer_leaves_in_slices_but_at_once(void **state)
{
    (void)state;
    struct stage s;
    begin(&s, 100000, 1 << 24);
    struct registry_producer *a = join(&s, "a");
    struct registry_producer *b = join(&s, "b");
    fill(&s, a, b);
    size_t before = s.budget.used;
    registry_leave(&s.r, a);
    struct registry_place place = {.n = 0};
    assert_ptr_equal(registry_next_producer(&s.r, &place), b);
    assert_null(registry_next_producer(&s.r, &place));
    assert_false(registry_is_active(&s.r, a, START));
    assert_int_equal(s.budget.used, before);
    assert_true(collect(&s) > MANY / 10);
    assert_true(s.budget.used < before);
    assert_int_equal(b->count, MANY + 1);
    end(&s);
}

static void a_topic_is_deleted_in_slices_but_at_once(void **state)
{
    (void)state;
    struct stage s;
    begin(&s, 100000, 1 << 24);
    struct registry_producer *a = join(&s, "a");
    struct registry_producer *b = join(&s, "b");
    fill(&s, a, b);
    assert_true(registry_delete_topic(&s.r, SPAN("t")));
    assert_false(registry_delete_topic(&s.r, SPAN("t")));
    expect(&s, "");
    assert_true(registry_is_removed(first_topic_of(a)->entry.key));
    add(&s, a, "t", "new"); /* a topic of the same name, beside the old one */
    expect(&s, "t a; t/new a; ");
    assert_true(collect(&s) > MANY / 10);
    expect(&s, "t a; t/new a; ");
    assert_int_equal(a->count, 2);
    assert_int_equal(b->count, 0);
    end(&s);
}

static void a_topic_is_unregistered_in_slices(void **state)
{
    (void)state;
    struct stage s;
    begin(&s, 100000, 1 << 24);
    struct registry_producer *a = join(&s, "a");
    struct registry_producer *b = join(&s, "b");
    fill(&s, a, b);
    size_t calls = 0;
    do {
        effort_allow(&s.effort, 1);
        calls++;
    } while (!registry_unregister(&s.r, a, SPAN("t"), SPAN("")));
    assert_int_equal(calls, MANY);
    assert_int_equal(a->count, 0);
    assert_int_equal(b->count, MANY + 1);
    effort_allow(&s.effort, 1000000);
    end(&s);
}

/* A topic with a producer that has left, and whose entries are not freed yet, counts as empty. */
static void those_who_left_do_not_keep_what_is_ephemeral(void **state)
{
    (void)state;
    struct stage s;
    begin(&s, 100, 1 << 20);
    struct registry_producer *a = join(&s, "a");
    struct registry_producer *b = join(&s, "b");
    add(&s, a, "e#ephemeral", "x#ephemeral");
    add(&s, b, "e#ephemeral", "x#ephemeral");
    registry_leave(&s.r, a);
    drop(&s, b, "e#ephemeral", "x#ephemeral");
    expect(&s, "e#ephemeral b; ");
    drop(&s, b, "e#ephemeral", "");
    expect(&s, "");
    end(&s);
}

/* The same, with many who have left, in slices. */
static void those_who_left_are_freed_in_slices(void **state)
{
    (void)state;
    struct stage s;
    begin(&s, 100000, 1 << 24);
    struct registry_producer *last = NULL;
    for (int i = 0; i < 50; i++) {
        struct registry_producer *p = join(&s, "a");
        add(&s, p, "e#ephemeral", "x#ephemeral");
        add(&s, p, "e#ephemeral", "y");
        if (i < 49) {
            registry_leave(&s.r, p);
        }
        last = p;
    }
    const char *const channels[] = {"x#ephemeral", ""};
    for (size_t i = 0; i < 2; i++) {
        size_t calls = 0;
        do {
            effort_allow(&s.effort, 1);
            calls++;
        } while (!registry_unregister(&s.r, last, SPAN("e#ephemeral"), text_span(channels[i])));
        assert_true(calls >= 49);
    }
    expect(&s, "e#ephemeral/y; ");
    end(&s);
}

static void deleting_is_logged(void **state)
{
    (void)state;
    struct stage s;
    begin(&s, 100, 1 << 20);
    assert_true(registry_create(&s.r, SPAN("t"), SPAN("c")));
    assert_false(registry_delete_channel(&s.r, SPAN("t"), SPAN("d")));
    assert_false(registry_delete_channel(&s.r, SPAN("u"), SPAN("c")));
    assert_true(registry_delete_topic(&s.r, SPAN("t")));
    registry_collect(&s.r);
    expect_log(&s, "DB: adding channel(c) in topic(t)\n"
                   "DB: adding topic(t)\n"
                   "DB: removing channel(c) from topic(t)\n"
                   "DB: removing topic(t)\n");
    struct registry_producer *a = join(&s, "a");
    add(&s, a, "t", "c");
    log_free(&s.log);
    assert_true(registry_delete_channel(&s.r, SPAN("t"), SPAN("c")));
    registry_leave(&s.r, a);
    registry_collect(&s.r);
    expect_log(&s, "DB: removing channel(c) from topic(t)\n"
                   "DB: client(a) UNREGISTER category:client key: subkey:\n"
                   "DB: client(a) UNREGISTER category:topic key:t subkey:\n");
    end(&s);
}

/* --- random operations against plain tables --------------------------------------------------- */

#define ROUNDS 20
#define OPERATIONS 2000

static void random_operations_agree_with_plain_tables(void **state)
{
    (void)state;
    uint64_t random = 1;
    for (size_t round = 0; round < ROUNDS; round++) {
        struct registry_model m;
        registry_model_begin(&m, round % 4 == 0 ? 5 : 1000, round % 5 == 0 ? 8192 : 1 << 20);
        for (size_t i = 0; i < OPERATIONS; i++) {
            uint8_t op[4];
            random = random * 6364136223846793005U + 1442695040888963407U;
            be32_store(op, (uint32_t)(random >> 32));
            registry_model_do(&m, op);
            registry_model_check(&m);
        }
        registry_model_end(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_channel_registers_its_topic_too),
        cmocka_unit_test(what_is_registered_stays_without_producers),
        cmocka_unit_test(what_is_ephemeral_goes_with_unregister),
        cmocka_unit_test(an_ephemeral_topic_goes_with_its_last_channel),
        cmocka_unit_test(unregister_of_a_topic_takes_its_channels),
        cmocka_unit_test(topics_are_in_the_order_of_debugs_keys),
        cmocka_unit_test(a_producer_is_active_after_a_ping),
        cmocka_unit_test(a_tombstone_expires),
        cmocka_unit_test(a_producer_has_so_many_registrations),
        cmocka_unit_test(the_budget_bounds_names_and_producers),
        cmocka_unit_test(registrations_do_not_use_the_reserve),
        cmocka_unit_test(a_producer_leaves_in_slices_but_at_once),
        cmocka_unit_test(a_topic_is_deleted_in_slices_but_at_once),
        cmocka_unit_test(a_topic_is_unregistered_in_slices),
        cmocka_unit_test(those_who_left_do_not_keep_what_is_ephemeral),
        cmocka_unit_test(those_who_left_are_freed_in_slices),
        cmocka_unit_test(deleting_is_logged),
        cmocka_unit_test(random_operations_agree_with_plain_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
