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

/* Each test begins with an empty one (set_up), which has room for everything. */
static struct registry registry;
static struct budget budget;
static struct effort effort;
static struct log logged;

static int set_up(void **state)
{
    (void)state;
    const struct registry_config config = {.inactive_timeout = 300 * TIME_SECOND,
                                           .tombstone_lifetime = 45 * TIME_SECOND,
                                           .max_registrations = 100000,
                                           .seed = {{1, 2}}};
    budget = budget_of_cap(1 << 24);
    log_init(&logged, LOG_INFO);
    effort_allow(&effort, 1000000);
    registry_init(&registry, &config, &budget, &effort, &logged);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    registry_free(&registry);
    log_free(&logged);
    return budget.used == 0 && budget.names == 0 ? 0 : -1;
}

static struct registry_producer *join(const char *host)
{
    const struct registry_peer peer = {.remote_address = text_span(host),
                                       .hostname = SPAN(""),
                                       .broadcast_address = text_span(host),
                                       .version = SPAN("1.3.0"),
                                       .tcp_port = 4150,
                                       .http_port = 4151};
    return registry_join(&registry, &peer, START);
}

static void add(struct registry_producer *p, const char *topic, const char *channel)
{
    assert_int_equal(registry_register(&registry, p, text_span(topic), text_span(channel)),
                     REGISTRY_DONE);
}

static void drop(struct registry_producer *p, const char *topic, const char *channel)
{
    assert_true(registry_unregister(&registry, p, text_span(topic), text_span(channel)));
}

static void show_entries(const struct registry_key *key, struct buf *shown)
{
    struct registry_place place = {.n = 0};
    const struct registry_entry *entry;
    while ((entry = registry_next_entry(key, &place)) != NULL) {
        const struct registry_producer *p = registry_producer_of(entry);
        if (!registry_has_left(p)) {
            text_append(shown, " ");
            buf_append(shown, p->peer.broadcast_address);
        }
    }
    text_append(shown, "; ");
}

/* Everything, as "topic host host; topic/channel host; ". */
static void expect(const char *expected)
{
    struct buf shown = {0};
    struct registry_place place = {.n = 0};
    const struct registry_topic *topic;
    while ((topic = registry_next_topic(&registry, &place)) != NULL) {
        struct registry_place inner = {.n = 0};
        const struct registry_key *channel;
        if (topic->registered) {
            buf_append(&shown, registry_topic_name(topic));
            show_entries(&topic->key, &shown);
        }
        while ((channel = registry_next_channel(topic, &inner)) != NULL) {
            buf_append(&shown, registry_topic_name(topic));
            text_append(&shown, "/");
            buf_append(&shown, registry_channel_name(channel));
            show_entries(channel, &shown);
        }
    }
    buf_append(&shown, span_make("", 1));
    assert_string_equal((const char *)buf_span(&shown).p, expected);
    buf_free(&shown);
}

static void expect_log(const char *expected)
{
    struct buf text = {0};
    struct log_event *event;
    while ((event = log_next(&logged)) != NULL) {
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
    struct registry_producer *a = join("a");
    add(a, "t", "c");
    add(a, "t", "c");
    add(a, "t", "");
    expect("t a; t/c a; ");
    expect_log("DB: client(a) REGISTER category:client key: subkey:\n"
               "DB: client(a) REGISTER category:channel key:t subkey:c\n"
               "DB: client(a) REGISTER category:topic key:t subkey:\n");
    assert_int_equal(a->count, 2);
}

static void what_is_registered_stays_without_producers(void **state)
{
    (void)state;
    struct registry_producer *a = join("a");
    add(a, "t", "c");
    drop(a, "t", "c");
    expect("t a; t/c; ");
    drop(a, "t", "");
    expect("t; t/c; ");
    drop(a, "unknown", "");
    drop(a, "t", "unknown");
    expect("t; t/c; ");
}

/* Only UNREGISTER removes something ephemeral: the channels of an ephemeral topic stay, and so does
 * everything of a producer that is lost. */
static void what_is_ephemeral_goes_with_unregister(void **state)
{
    (void)state;
    struct registry_producer *a = join("a");
    struct registry_producer *b = join("b");
    add(a, "t", "c#ephemeral");
    add(b, "t", "c#ephemeral");
    drop(a, "t", "c#ephemeral");
    expect("t a b; t/c#ephemeral b; ");
    drop(b, "t", "c#ephemeral");
    expect("t a b; ");
    add(a, "e#ephemeral", "c");
    drop(a, "e#ephemeral", "");
    expect("e#ephemeral/c; t a b; ");
    add(a, "e#ephemeral", "x#ephemeral");
    registry_leave(&registry, a);
    expect("e#ephemeral; e#ephemeral/c; e#ephemeral/x#ephemeral; t b; ");
    drop(b, "e#ephemeral", "x#ephemeral"); /* it need not be registered there */
    drop(b, "e#ephemeral", "");
    expect("e#ephemeral/c; t b; ");
}

static void an_ephemeral_topic_goes_with_its_last_channel(void **state)
{
    (void)state;
    struct registry_producer *a = join("a");
    add(a, "e#ephemeral", "c");
    drop(a, "e#ephemeral", "");
    assert_non_null(registry_find_topic(&registry, SPAN("e#ephemeral")));
    assert_true(registry_delete_channel(&registry, SPAN("e#ephemeral"), SPAN("c")));
    assert_null(registry_find_topic(&registry, SPAN("e#ephemeral")));
}

static void unregister_of_a_topic_takes_its_channels(void **state)
{
    (void)state;
    struct registry_producer *a = join("a");
    struct registry_producer *b = join("b");
    add(a, "t", "c");
    add(a, "t", "d");
    add(b, "t", "d");
    log_free(&logged);
    drop(a, "t", "");
    expect("t b; t/c; t/d b; ");
    expect_log("client(a) unexpected UNREGISTER category:channel key:t subkey:c\n"
               "client(a) unexpected UNREGISTER category:channel key:t subkey:d\n"
               "DB: client(a) UNREGISTER category:topic key:t subkey:\n");
}

/* A channel that was deleted, and is not freed yet, is not told as one that must be unregistered.
 */
static void deleted_channels_are_not_unexpected(void **state)
{
    (void)state;
    struct registry_producer *a = join("a");
    struct registry_producer *b = join("b");
    add(a, "t", "c");
    add(a, "t", "d");
    add(b, "t", "c");
    assert_true(registry_delete_channel(&registry, SPAN("t"), SPAN("c")));
    log_free(&logged);
    drop(a, "t", "");
    expect("t b; t/d; ");
    expect_log("client(a) unexpected UNREGISTER category:channel key:t subkey:d\n"
               "DB: client(a) UNREGISTER category:topic key:t subkey:\n");
    registry_leave(&registry, b);
    assert_true(registry_delete_topic(&registry, SPAN("t")));
    log_free(&logged);
    registry_collect(&registry);
    expect_log("DB: removing channel(d) from topic(t)\n"
               "DB: removing topic(t)\n");
}

static void topics_are_in_the_order_of_debugs_keys(void **state)
{
    (void)state;
    assert_true(registry_create(&registry, SPAN("a"), SPAN("z")));
    assert_true(registry_create(&registry, SPAN("a-b"), SPAN("")));
    assert_true(registry_create(&registry, SPAN("ab"), SPAN("")));
    assert_true(registry_create(&registry, SPAN("a"), SPAN("b")));
    assert_true(registry_create(&registry, SPAN("a"), SPAN("b")));
    expect("a-b; a; a/b; a/z; ab; ");
    assert_null(registry_find_topic(&registry, SPAN("")));
    assert_null(registry_find_topic(&registry, SPAN("*")));
    assert_null(registry_find_topic(&registry, SPAN("a:")));
    uint8_t name[NSQ_NAME_MAX + 1];
    memset(name, 'n', sizeof name);
    assert_true(registry_create(&registry, span_make(name, NSQ_NAME_MAX), SPAN("")));
    assert_non_null(registry_find_topic(&registry, span_make(name, NSQ_NAME_MAX)));
    assert_null(registry_find_topic(&registry, span_make(name, NSQ_NAME_MAX + 1)));
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
    struct registry_producer *a = join("a");
    int64_t last = START + 300 * TIME_SECOND;
    assert_true(registry_is_active(&registry, a, last));
    assert_false(registry_is_active(&registry, a, last + 1));
    add(a, "t", "");
    assert_false(registry_is_active(&registry, a, last + 1));
    registry_ping(a, last);
    assert_true(registry_is_active(&registry, a, last + 300 * TIME_SECOND));
}

static void a_tombstone_expires(void **state)
{
    (void)state;
    struct registry_producer *a = join("a");
    add(a, "t", "");
    struct registry_topic_entry *entry = first_topic_of(a);
    assert_false(registry_is_tombstoned(&registry, entry, START));
    entry->tombstoned_at = START;
    add(a, "t", "c"); /* it stays after a REGISTER */
    assert_true(registry_is_tombstoned(&registry, entry, START + 45 * TIME_SECOND - 1));
    assert_false(registry_is_tombstoned(&registry, entry, START + 45 * TIME_SECOND));
    drop(a, "t", "");
    add(a, "t", "");
    assert_false(registry_is_tombstoned(&registry, first_topic_of(a), START));
}

/* --- limits ----------------------------------------------------------------------------------- */

static void a_producer_has_so_many_registrations(void **state)
{
    (void)state;
    registry.config.max_registrations = 3;
    struct registry_producer *a = join("a");
    add(a, "t", "c");
    assert_int_equal(registry_register(&registry, a, SPAN("u"), SPAN("c")), REGISTRY_TOO_MANY);
    expect("t a; t/c a; ");
    add(a, "t", "d");
    assert_int_equal(registry_register(&registry, a, SPAN("t"), SPAN("e")), REGISTRY_TOO_MANY);
    add(a, "t", "c"); /* it is registered already */
    drop(a, "t", "c");
    add(a, "t", "c");
    add(join("b"), "t", "e"); /* each has its own */
    expect("t a b; t/c a; t/d a; t/e b; ");
}

static void the_budget_bounds_names_and_producers(void **state)
{
    (void)state;
    char name[16];
    budget = budget_of_cap(16384);
    struct registry_producer *a = join("a");
    size_t n = 0;
    do {
        snprintf(name, sizeof name, "t%zu", n++);
    } while (n < 1000 &&
             registry_register(&registry, a, text_span(name), SPAN("")) == REGISTRY_DONE);
    assert_true(n > 10 && n < 100);
    assert_true(budget.names <= budget.names_most);
    assert_int_equal(registry_register(&registry, a, text_span(name), SPAN("")),
                     REGISTRY_NO_MEMORY);
    assert_null(registry_find_topic(&registry, text_span(name)));
    assert_false(registry_create(&registry, text_span(name), SPAN("")));
    assert_true(registry_create(&registry, SPAN("t0"), SPAN(""))); /* it is there */
    for (n = 0; n < 1000 && join("a") != NULL; n++) {
    }
    assert_true(n > 10 && n < 200);
}

/* The reserve is for those who connect: a full registry does not keep others away. */
static void registrations_do_not_use_the_reserve(void **state)
{
    (void)state;
    budget = budget_of_cap(16384);
    struct registry_producer *a;
    size_t n = 0;
    do {
        a = join("a");
        assert_non_null(a);
    } while (++n < 1000 && registry_register(&registry, a, SPAN("t"), SPAN("")) == REGISTRY_DONE);
    assert_true(n > 10 && n < 1000);
    assert_true(budget.used <= budget.cap + 500);
    assert_int_equal(registry_register(&registry, a, SPAN("t"), SPAN("c")), REGISTRY_NO_MEMORY);
    char name[16];
    n = 0;
    do {
        snprintf(name, sizeof name, "u%zu", n++);
    } while (n < 100 && registry_create(&registry, text_span(name), SPAN("")));
    assert_true(n < 10);
    assert_non_null(join("b"));
}

/* --- slices ----------------------------------------------------------------------------------- */

#define MANY 500

/* Fills a topic with two producers in many channels. */
static void fill(struct registry_producer *a, struct registry_producer *b)
{
    char name[16];
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "c%d", i);
        add(a, "t", name);
        add(b, "t", name);
    }
}

/* Counts the calls, each with little effort, until all is freed. */
static size_t collect(void)
{
    size_t calls = 0;
    while (registry_can_collect(&registry)) {
        effort_allow(&effort, 100);
        registry_collect(&registry);
        calls++;
    }
    effort_allow(&effort, 1000000);
    return calls;
}

static void a_producer_leaves_in_slices_but_at_once(void **state)
{
    (void)state;
    struct registry_producer *a = join("a");
    struct registry_producer *b = join("b");
    fill(a, b);
    size_t before = budget.used;
    registry_leave(&registry, a);
    struct registry_place place = {.n = 0};
    assert_ptr_equal(registry_next_producer(&registry, &place), b);
    assert_null(registry_next_producer(&registry, &place));
    assert_false(registry_is_active(&registry, a, START));
    assert_int_equal(budget.used, before);
    assert_true(collect() > MANY / 10);
    assert_true(budget.used < before);
    assert_int_equal(b->count, MANY + 1);
}

static void a_topic_is_deleted_in_slices_but_at_once(void **state)
{
    (void)state;
    struct registry_producer *a = join("a");
    struct registry_producer *b = join("b");
    fill(a, b);
    assert_true(registry_delete_topic(&registry, SPAN("t")));
    assert_false(registry_delete_topic(&registry, SPAN("t")));
    expect("");
    assert_true(registry_is_removed(first_topic_of(a)->entry.key));
    add(a, "t", "new"); /* a topic of the same name, beside the old one */
    expect("t a; t/new a; ");
    assert_true(collect() > MANY / 10);
    expect("t a; t/new a; ");
    assert_int_equal(a->count, 2);
    assert_int_equal(b->count, 0);
}

static void a_topic_is_unregistered_in_slices(void **state)
{
    (void)state;
    struct registry_producer *a = join("a");
    struct registry_producer *b = join("b");
    fill(a, b);
    size_t calls = 0;
    do {
        effort_allow(&effort, 1);
        calls++;
    } while (!registry_unregister(&registry, a, SPAN("t"), SPAN("")));
    assert_int_equal(calls, MANY);
    assert_int_equal(a->count, 0);
    assert_int_equal(b->count, MANY + 1);
    effort_allow(&effort, 1000000);
}

/* Each call costs effort, also one that changes nothing. Otherwise one piece of input could have
 * very many of them. */
static void each_call_costs_effort(void **state)
{
    (void)state;
    struct registry_producer *a = join("a");
    for (int i = 0; i < 2; i++) {
        effort_allow(&effort, 1);
        add(a, "t", "c");
        assert_false(effort_is_left(&effort));
        effort_allow(&effort, 1);
        drop(a, "t", "unknown");
        assert_false(effort_is_left(&effort));
        effort_allow(&effort, 1);
        drop(a, "unknown", "");
        assert_false(effort_is_left(&effort));
    }
}

/* A topic with a producer that has left, and whose entries are not freed yet, counts as empty. */
static void those_who_left_do_not_keep_what_is_ephemeral(void **state)
{
    (void)state;
    struct registry_producer *a = join("a");
    struct registry_producer *b = join("b");
    add(a, "e#ephemeral", "x#ephemeral");
    add(b, "e#ephemeral", "x#ephemeral");
    registry_leave(&registry, a);
    drop(b, "e#ephemeral", "x#ephemeral");
    expect("e#ephemeral b; ");
    drop(b, "e#ephemeral", "");
    expect("");
}

/* The same, with many who have left, in slices. */
static void those_who_left_are_freed_in_slices(void **state)
{
    (void)state;
    struct registry_producer *last = NULL;
    for (int i = 0; i < 50; i++) {
        struct registry_producer *p = join("a");
        add(p, "e#ephemeral", "x#ephemeral");
        add(p, "e#ephemeral", "y");
        if (i < 49) {
            registry_leave(&registry, p);
        }
        last = p;
    }
    const char *const channels[] = {"x#ephemeral", ""};
    for (size_t i = 0; i < 2; i++) {
        size_t calls = 0;
        do {
            effort_allow(&effort, 1);
            calls++;
        } while (
            !registry_unregister(&registry, last, SPAN("e#ephemeral"), text_span(channels[i])));
        assert_true(calls >= 49);
    }
    expect("e#ephemeral/y; ");
}

static void deleting_is_logged(void **state)
{
    (void)state;
    assert_true(registry_create(&registry, SPAN("t"), SPAN("c")));
    assert_false(registry_delete_channel(&registry, SPAN("t"), SPAN("d")));
    assert_false(registry_delete_channel(&registry, SPAN("u"), SPAN("c")));
    assert_true(registry_delete_topic(&registry, SPAN("t")));
    registry_collect(&registry);
    expect_log("DB: adding channel(c) in topic(t)\n"
               "DB: adding topic(t)\n"
               "DB: removing channel(c) from topic(t)\n"
               "DB: removing topic(t)\n");
    struct registry_producer *a = join("a");
    add(a, "t", "c");
    log_free(&logged);
    assert_true(registry_delete_channel(&registry, SPAN("t"), SPAN("c")));
    registry_leave(&registry, a);
    registry_collect(&registry);
    expect_log("DB: removing channel(c) from topic(t)\n"
               "DB: client(a) UNREGISTER category:client key: subkey:\n"
               "DB: client(a) UNREGISTER category:topic key:t subkey:\n");
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_channel_registers_its_topic_too),
        TEST(what_is_registered_stays_without_producers),
        TEST(what_is_ephemeral_goes_with_unregister),
        TEST(an_ephemeral_topic_goes_with_its_last_channel),
        TEST(unregister_of_a_topic_takes_its_channels),
        TEST(deleted_channels_are_not_unexpected),
        TEST(topics_are_in_the_order_of_debugs_keys),
        TEST(a_producer_is_active_after_a_ping),
        TEST(a_tombstone_expires),
        TEST(a_producer_has_so_many_registrations),
        TEST(the_budget_bounds_names_and_producers),
        TEST(registrations_do_not_use_the_reserve),
        TEST(a_producer_leaves_in_slices_but_at_once),
        TEST(a_topic_is_deleted_in_slices_but_at_once),
        TEST(a_topic_is_unregistered_in_slices),
        TEST(each_call_costs_effort),
        TEST(those_who_left_do_not_keep_what_is_ephemeral),
        TEST(those_who_left_are_freed_in_slices),
        TEST(deleting_is_logged),
        cmocka_unit_test(random_operations_agree_with_plain_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
