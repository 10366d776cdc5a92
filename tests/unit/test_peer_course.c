/* SPDX-License-Identifier: MIT */
/*
 * Tests of peer/peer_course.h on a broker. The last one plays thousands of random changes and
 * checks that an nsqlookupd that does what it is told knows the right set in the end.
 */
#include "peer/peer_course.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "broker/walk.h"

struct stage {
    struct log log;
    struct broker broker;
    struct peer_course course;
    char told[4000]; /* what next() returned: "R t c; U t; P" */
};

static struct stage *begin(void)
{
    struct stage *s = calloc(1, sizeof *s);
    const struct broker_config config = {
        .mem_queue_size = 10, .mem_queue_bytes = 1 << 30, .effort_a_call = 100000};
    log_init(&s->log, LOG_FATAL);
    broker_init(&s->broker, &config, &s->log);
    changes_begin(&s->broker.core.changes, &s->broker.core.budget);
    return s;
}

static void end(struct stage *s)
{
    broker_free(&s->broker);
    log_free(&s->log);
    free(s);
}

static void make(struct stage *s, const char *topic, const char *channel)
{
    struct topic *t = broker_topic(&s->broker, text_span(topic), BUDGET_CLIENT);
    if (channel[0] != '\0') {
        topic_channel(t, text_span(channel), 0);
    }
}

static void drop(struct stage *s, const char *topic, const char *channel)
{
    broker_begin_call(&s->broker);
    if (channel[0] != '\0') {
        broker_delete_channel(&s->broker, text_span(topic), text_span(channel));
    } else {
        broker_delete_topic(&s->broker, text_span(topic));
    }
}

static bool next(struct stage *s, struct peer_command *command)
{
    for (int i = 0; i < 1000 && peer_course_has_more(&s->course, &s->broker); i++) {
        if (peer_course_next(&s->course, &s->broker, command)) {
            return true;
        }
    }
    assert_false(peer_course_has_more(&s->course, &s->broker));
    return false;
}

/* The next `most` commands as text. */
static const char *tell(struct stage *s, int most)
{
    struct peer_command c;
    size_t n = 0;
    s->told[0] = '\0';
    for (int i = 0; i < most && next(s, &c); i++) {
        char kind = c.id == NSQ_LOOKUP_REGISTER ? 'R' : c.id == NSQ_LOOKUP_UNREGISTER ? 'U' : 'P';
        n += (size_t)snprintf(s->told + n, sizeof s->told - n, "%s%c%s%s%.*s%s%.*s",
                              i > 0 ? "; " : "", kind, c.is_change ? "!" : "",
                              c.topic.n > 0 ? " " : "", c.topic.n, (const char *)c.topic.bytes,
                              c.channel.n > 0 ? " " : "", c.channel.n,
                              (const char *)c.channel.bytes);
        assert_true(n < sizeof s->told - 200);
    }
    return s->told;
}
#define ALL 1000

static void a_conversation_begins_with_everything(void **state)
{
    (void)state;
    struct stage *s = begin();
    peer_course_begin(&s->course, &s->broker);
    assert_string_equal(tell(s, ALL), "");
    make(s, "b", "");
    make(s, "a", "d");
    make(s, "a", "c#ephemeral");
    make(s, "c", "x");
    peer_course_skip(&s->course, &s->broker);
    assert_string_equal(tell(s, ALL), "");
    s->course.ping = true;
    peer_course_begin(&s->course, &s->broker);
    assert_string_equal(tell(s, ALL), "R a c#ephemeral; R a d; R b; R c x; P");
    assert_string_equal(tell(s, ALL), "");
    end(s);
}

static void changes_are_told_as_they_are_now(void **state)
{
    (void)state;
    struct stage *s = begin();
    make(s, "t", "");
    make(s, "t", "c");
    assert_string_equal(tell(s, ALL), "R! t; R! t c");
    drop(s, "t", "c");
    drop(s, "t", "");
    assert_string_equal(tell(s, ALL), "U! t c; U! t");
    make(s, "t", "c");
    drop(s, "t", "");
    make(s, "t", "d");
    assert_string_equal(tell(s, ALL), "R! t; U! t c; U! t; U! t c; R! t; R! t d");
    end(s);
}

/* A call does not look at all changes, even if none of them need be told. */
static void changes_that_need_not_be_told_are_left_out_in_parts(void **state)
{
    (void)state;
    struct stage *s = begin();
    struct peer_command command;
    char name[16];
    peer_course_begin(&s->course, &s->broker); /* its walk will visit all topics */
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "t%03d", i);
        make(s, name, "");
    }
    for (uint64_t i = 1; i <= 3; i++) {
        assert_false(peer_course_next(&s->course, &s->broker, &command));
        assert_int_equal(s->course.read, i * PEER_SKIPS_A_CALL);
        assert_true(peer_course_has_more(&s->course, &s->broker));
    }
    assert_true(peer_course_next(&s->course, &s->broker, &command));
    assert_true(span_equal(name_span(&command.topic), SPAN("t000")));
    end(s);
}

/* The topic at the nsqlookupd may have a tombstone, which only UNREGISTER removes. A channel has
 * none. */
static void a_deleted_topic_is_unregistered_even_if_it_exists_again(void **state)
{
    (void)state;
    struct stage *s = begin();
    make(s, "t", "c");
    tell(s, ALL);
    drop(s, "t", "");
    make(s, "t", "");
    assert_string_equal(tell(s, ALL), "U! t; U! t c; R! t");
    drop(s, "t", "");
    make(s, "t", "");
    drop(s, "t", "");
    assert_string_equal(tell(s, ALL), "U! t; U! t; U! t");
    make(s, "t", "c");
    tell(s, ALL);
    drop(s, "t", "c");
    make(s, "t", "c");
    assert_string_equal(tell(s, ALL), "R! t c; R! t c");
    end(s);
}

/* The end of a channel of the first topic is noted when the second one has the channel already. */
static void the_late_end_of_a_channel_spares_its_successor(void **state)
{
    (void)state;
    struct stage *s = begin();
    make(s, "t", "c");
    tell(s, ALL);
    s->broker.core.effort.left = 0;
    broker_delete_topic(&s->broker, SPAN("t"));
    make(s, "t", "c");
    broker_begin_call(&s->broker);
    broker_collect(&s->broker);
    assert_string_equal(tell(s, ALL), "U! t; R! t; R! t c; R! t c");
    end(s);
}

/* As in nsqd, the change that has caused the connection is told after everything. */
static void the_first_change_is_told_again(void **state)
{
    (void)state;
    struct stage *s = begin();
    struct peer_command first;
    make(s, "t", "");
    peer_course_first(&s->course, &s->broker, &first);
    assert_int_equal(first.id, NSQ_LOOKUP_REGISTER);
    assert_true(first.is_change);
    make(s, "u", "");
    peer_course_begin(&s->course, &s->broker);
    assert_string_equal(tell(s, ALL), "R t; R u; R! t");
    s->course.ping = true;
    peer_course_first(&s->course, &s->broker, &first);
    assert_int_equal(first.id, NSQ_LOOKUP_PING);
    drop(s, "t", "");
    peer_course_begin(&s->course, &s->broker);
    make(s, "t", "");
    make(s, "t", "c");
    assert_string_equal(tell(s, ALL), "R t c; R u; R! t; P");
    end(s);
}

static void a_walk_and_the_changes_take_turns(void **state)
{
    (void)state;
    struct stage *s = begin();
    make(s, "b", "");
    make(s, "d", "m");
    make(s, "f", "");
    peer_course_skip(&s->course, &s->broker);
    peer_course_begin(&s->course, &s->broker);
    assert_string_equal(tell(s, 2), "R b; R d m");
    make(s, "a", ""); /* behind the walk */
    make(s, "e", ""); /* the walk will find these */
    make(s, "d", "n");
    make(s, "d", "l"); /* behind */
    drop(s, "b", "");  /* behind */
    drop(s, "f", "");  /* ahead, but deletions are always told */
    assert_string_equal(tell(s, ALL), "R! a; R d n; R! d n; R e; R! d l; U! b; U! f");
    end(s);
}

/* A channel of the topic that the walk has visited last. */
static void a_walk_sees_the_first_channel_of_its_topic(void **state)
{
    (void)state;
    struct stage *s = begin();
    make(s, "t", "");
    peer_course_skip(&s->course, &s->broker);
    peer_course_begin(&s->course, &s->broker);
    assert_string_equal(tell(s, 1), "R t");
    make(s, "t", "c");
    assert_string_equal(tell(s, ALL), "R t c");
    peer_course_begin(&s->course, &s->broker);
    assert_string_equal(tell(s, 1), "R t c");
    drop(s, "t", "");
    make(s, "t", "a");
    make(s, "t", "e");
    assert_string_equal(tell(s, ALL), "U! t; R t e; U! t c; R! t; R! t a; R! t e");
    end(s);
}

static void fill(struct stage *s, int count, bool deleted)
{
    for (int i = 0; i < count; i++) {
        changes_note(&s->broker.core.changes, SPAN("none"), SPAN(""), deleted);
    }
}

/* More changes than the broker remembers. */
static void a_new_walk_makes_up_for_lost_changes(void **state)
{
    (void)state;
    struct stage *s = begin();
    make(s, "a", "");
    fill(s, CHANGES_MAX, false);
    assert_string_equal(tell(s, 3), "U! none; R a; U! none");
    assert_false(s->course.missed);
    end(s);

    s = begin();
    drop(s, "a", "");
    make(s, "b", "c");
    drop(s, "b", "");
    fill(s, CHANGES_MAX, false);
    assert_string_equal(tell(s, 1), "U! none");
    assert_true(s->course.missed);
    peer_course_begin(&s->course, &s->broker);
    assert_false(s->course.missed);
    end(s);
}

/* The walk goes on to its end, and another one follows. */
static void changes_that_are_lost_in_a_walk(void **state)
{
    (void)state;
    struct stage *s = begin();
    make(s, "m", "");
    make(s, "z", "");
    peer_course_skip(&s->course, &s->broker);
    peer_course_begin(&s->course, &s->broker);
    assert_string_equal(tell(s, 1), "R m");
    make(s, "a", "");
    fill(s, CHANGES_MAX, false);
    assert_string_equal(tell(s, 9), "U! none; R z; U! none; R a; U! none; R m; U! none; R z; "
                                    "U! none");
    end(s);
}

/* --- a model of an nsqlookupd ----------------------------------------------------------------- */

#define NAMES 6
struct model {
    bool topic[NAMES];
    bool tombstone[NAMES]; /* someone has put it there before nsqd deleted its topic */
    bool channel[NAMES][NAMES];
};

static size_t number_of(const struct name *name)
{
    return (size_t)(name->bytes[0] - 'a');
}

static void obey(struct model *m, const struct peer_command *c)
{
    bool registers = c->id == NSQ_LOOKUP_REGISTER;
    if (c->id == NSQ_LOOKUP_PING) {
        return;
    }
    size_t t = number_of(&c->topic);
    if (c->channel.n > 0) {
        m->channel[t][number_of(&c->channel)] = registers;
        m->topic[t] = m->topic[t] || registers;
    } else {
        m->topic[t] = registers;
        m->tombstone[t] = m->tombstone[t] && registers;
        for (size_t i = 0; i < NAMES && !registers; i++) {
            m->channel[t][i] = false;
        }
    }
}

static void check_model(const struct stage *s, const struct model *m)
{
    for (int t = 0; t < NAMES; t++) {
        const char name = (char)('a' + t);
        const struct topic *topic = broker_find_topic(&s->broker, span_make(&name, 1));
        assert_true(m->topic[t] == (topic != NULL));
        assert_false(m->tombstone[t]);
        for (int c = 0; c < NAMES; c++) {
            const char channel = (char)('a' + c);
            bool there = topic != NULL && topic_find_channel(topic, span_make(&channel, 1)) != NULL;
            assert_true(m->channel[t][c] == there);
        }
    }
}

static void random_change(struct stage *s, struct model *m, unsigned *random)
{
    char topic[2] = {0};
    char channel[2] = {0};
    *random = *random * 1103515245 + 12345;
    unsigned r = *random >> 8;
    topic[0] = (char)('a' + r % NAMES);
    channel[0] = (char)('a' + r / NAMES % NAMES);
    switch (r / (NAMES * NAMES) % 4) {
    case 0:
        m->tombstone[r % NAMES] =
            m->topic[r % NAMES] && broker_find_topic(&s->broker, text_span(topic)) != NULL;
        drop(s, topic, "");
        break;
    case 1:
        drop(s, topic, channel);
        break;
    default:
        make(s, topic, channel);
    }
}

static void the_nsqlookupd_knows_the_right_set_in_the_end(void **state)
{
    (void)state;
    unsigned random = 1;
    for (int round = 0; round < 3000; round++) {
        struct stage *s = begin();
        struct model m = {.topic = {false}};
        struct peer_command c;
        for (int i = 0; i < round % 40; i++) {
            random_change(s, &m, &random);
        }
        peer_course_begin(&s->course, &s->broker);
        for (int i = 0; i < 60; i++) {
            unsigned r = random >> 20;
            if (r % 3 == 0) {
                random_change(s, &m, &random);
            } else if (next(s, &c)) {
                obey(&m, &c);
            }
            random = random * 1103515245 + 12345;
        }
        while (next(s, &c)) {
            obey(&m, &c);
        }
        check_model(s, &m);
        end(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_conversation_begins_with_everything),
        cmocka_unit_test(changes_are_told_as_they_are_now),
        cmocka_unit_test(a_deleted_topic_is_unregistered_even_if_it_exists_again),
        cmocka_unit_test(the_late_end_of_a_channel_spares_its_successor),
        cmocka_unit_test(the_first_change_is_told_again),
        cmocka_unit_test(changes_that_need_not_be_told_are_left_out_in_parts),
        cmocka_unit_test(a_walk_and_the_changes_take_turns),
        cmocka_unit_test(a_walk_sees_the_first_channel_of_its_topic),
        cmocka_unit_test(a_new_walk_makes_up_for_lost_changes),
        cmocka_unit_test(changes_that_are_lost_in_a_walk),
        cmocka_unit_test(the_nsqlookupd_knows_the_right_set_in_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
