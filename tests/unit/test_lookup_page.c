/* SPDX-License-Identifier: MIT */
/* Tests of lookup/lookup_page.h: a page that is written in slices is the page that is written at
 * once, and it is well formed when the registry changes between two slices. */
#include "lookup/lookup_page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/text.h"
#include "base/time.h"
#include "json/json.h"

#define NOW (1000 * TIME_SECOND)
#define PRODUCERS 5
#define TOPICS 7

struct stage {
    struct registry r;
    struct budget budget;
    struct effort effort;
    struct log log;
    struct registry_producer *producers[PRODUCERS];
};

static void add(struct stage *s, size_t producer, size_t topic, const char *channel)
{
    char name[16];
    snprintf(name, sizeof name, "t%zu", topic);
    (void)registry_register(&s->r, s->producers[producer], text_span(name), text_span(channel));
}

/* Producer p is in each topic t with (p + t) % 3 > 0, and in two channels of it. */
static void begin(struct stage *s)
{
    const struct registry_config config = {.inactive_timeout = TIME_MINUTE,
                                           .tombstone_lifetime = TIME_MINUTE,
                                           .max_registrations = 1000,
                                           .seed = {{1, 2}}};
    *s = (struct stage){.budget = budget_of_cap(1 << 20)};
    log_init(&s->log, LOG_FATAL);
    registry_init(&s->r, &config, &s->budget, &s->effort, &s->log);
    for (size_t p = 0; p < PRODUCERS; p++) {
        char host[16];
        snprintf(host, sizeof host, "h%zu", p);
        const struct registry_peer peer = {.remote_address = text_span(host),
                                           .hostname = text_span(host),
                                           .broadcast_address = text_span(host),
                                           .version = SPAN("1"),
                                           .tcp_port = 1,
                                           .http_port = 2};
        s->producers[p] = registry_join(&s->r, &peer, NOW);
        for (size_t t = 0; t < TOPICS; t++) {
            if ((p + t) % 3 > 0) {
                add(s, p, t, "c");
                add(s, p, t, t % 2 == 0 ? "d" : "");
            }
        }
    }
}

static void end(struct stage *s)
{
    registry_free(&s->r);
    assert_int_equal(s->budget.used, 0);
    assert_int_equal(s->budget.held, 0);
    log_free(&s->log);
}

struct request {
    enum lookup_page_kind kind;
    const char *topic;
    const char *node;
};

static const struct request requests[] = {
    {LOOKUP_PAGE_TOPICS, "", ""},         {LOOKUP_PAGE_CHANNELS, "t1", ""},
    {LOOKUP_PAGE_CHANNELS, "*", ""},      {LOOKUP_PAGE_LOOKUP, "t1", ""},
    {LOOKUP_PAGE_LOOKUP, "*", ""},        {LOOKUP_PAGE_NODES, "", ""},
    {LOOKUP_PAGE_DEBUG, "", ""},          {LOOKUP_PAGE_TOMBSTONE, "t1", "h1:2"},
    {LOOKUP_PAGE_TOMBSTONE, "*", "h2:2"},
};

#define REQUESTS (sizeof requests / sizeof requests[0])

static void begin_page(struct stage *s, struct lookup_page *page, const struct request *q)
{
    lookup_page_begin(page, q->kind, &s->r, 0, text_span(q->topic), text_span(q->node));
}

/* Writes one slice with this effort. */
static bool slice(struct stage *s, struct lookup_page *page, struct buf *out, size_t effort)
{
    effort_allow(&s->effort, effort);
    return lookup_page_write(page, out, 100000, NOW);
}

/* Writes the page, and returns in how many slices. */
static size_t write_page(struct stage *s, const struct request *q, size_t effort, struct buf *out)
{
    struct lookup_page page;
    size_t slices = 1;
    begin_page(s, &page, q);
    while (!slice(s, &page, out, effort)) {
        slices++;
    }
    lookup_page_end(&page);
    return slices;
}

static void slices_make_the_same_page(void **state)
{
    (void)state;
    struct stage s;
    begin(&s);
    for (size_t i = 0; i < REQUESTS; i++) {
        struct buf whole = {0};
        struct buf pieces = {0};
        assert_int_equal(write_page(&s, &requests[i], 100000, &whole), 1);
        assert_true(write_page(&s, &requests[i], 1, &pieces) > 2);
        assert_true(span_equal(buf_span(&whole), buf_span(&pieces)));
        buf_free(&whole);
        buf_free(&pieces);
    }
    end(&s);
}

static void a_slice_ends_when_it_has_enough(void **state)
{
    (void)state;
    struct stage s;
    struct lookup_page page;
    struct buf out = {0};
    begin(&s);
    begin_page(&s, &page, &requests[6]);
    bool done;
    do {
        size_t before = out.n;
        effort_allow(&s.effort, 100000);
        done = lookup_page_write(&page, &out, 1, NOW);
        assert_true(out.n - before < 300);
    } while (!done);
    lookup_page_end(&page);
    buf_free(&out);
    end(&s);
}

/* --- changes between two slices --------------------------------------------------------------- */

/* Counts values of arrays below the keys "tombstones" and "topics" of /nodes. */
struct counts {
    bool in_topics;
    size_t tombstones;
    size_t topics;
};

static int on_bool(void *ctx, int value)
{
    (void)value;
    ((struct counts *)ctx)->tombstones++;
    return 1;
}

static int on_string(void *ctx, const unsigned char *text, size_t n)
{
    struct counts *counts = ctx;
    (void)text;
    (void)n;
    counts->topics += counts->in_topics ? 1 : 0;
    return 1;
}

static int on_key(void *ctx, const unsigned char *text, size_t n)
{
    struct counts *counts = ctx;
    counts->in_topics = span_equal(span_make(text, n), SPAN("topics"));
    return 1;
}

static int on_close(void *ctx)
{
    struct counts *counts = ctx;
    return counts->tombstones == counts->topics; /* 0 ends the reading with an error */
}

static const yajl_callbacks count_of_nodes = {.yajl_boolean = on_bool,
                                              .yajl_string = on_string,
                                              .yajl_map_key = on_key,
                                              .yajl_end_map = on_close};

static void check(const struct request *q, struct span page)
{
    struct counts counts = {.tombstones = 0};
    static const yajl_callbacks none = {.yajl_null = NULL};
    if (q->kind == LOOKUP_PAGE_TOMBSTONE) {
        assert_int_equal(page.n, 0);
    } else if (!json_read(page, q->kind == LOOKUP_PAGE_NODES ? &count_of_nodes : &none, &counts)) {
        fail_msg("%.*s", (int)page.n, (const char *)page.p);
    }
}

/* The changes that are tried: each happens once, after a number of slices. */
static void change(struct stage *s, size_t which)
{
    switch (which) {
    case 0:
        registry_leave(&s->r, s->producers[1]);
        break;
    case 1:
        assert_true(registry_delete_topic(&s->r, SPAN("t1")));
        break;
    case 2:
        assert_true(registry_delete_channel(&s->r, SPAN("t1"), SPAN("c")));
        break;
    case 3:
        add(s, 1, 9, "x");
        add(s, 1, 0, "x");
        break;
    case 4:
        effort_allow(&s->effort, 100000);
        assert_true(registry_unregister(&s->r, s->producers[1], SPAN("t1"), SPAN("")));
        break;
    default:
        for (size_t p = 0; p < PRODUCERS; p++) {
            registry_leave(&s->r, s->producers[p]);
        }
    }
    if (which % 2 == 0) {
        effort_allow(&s->effort, 100000);
        registry_collect(&s->r);
    }
}

/* Returns false if the page ended before the change. */
static bool change_after(const struct request *q, size_t which, size_t slices)
{
    struct stage s;
    struct lookup_page page;
    struct buf out = {0};
    begin(&s);
    begin_page(&s, &page, q);
    size_t n = 0;
    for (; n < 10000 && !slice(&s, &page, &out, 1); n++) {
        if (n == slices) {
            change(&s, which);
        }
    }
    assert_true(n < 10000);
    lookup_page_end(&page);
    check(q, buf_span(&out));
    buf_free(&out);
    end(&s);
    return n > slices;
}

static void a_page_stays_well_formed(void **state)
{
    (void)state;
    for (size_t i = 0; i < REQUESTS; i++) {
        for (size_t which = 0; which < 6; which++) {
            size_t slices = 0;
            while (change_after(&requests[i], which, slices)) {
                slices++;
            }
            assert_true(slices > 0);
        }
    }
}

static void a_page_may_be_given_up(void **state)
{
    (void)state;
    struct stage s;
    begin(&s);
    for (size_t i = 0; i < REQUESTS; i++) {
        struct lookup_page page;
        struct buf out = {0};
        begin_page(&s, &page, &requests[i]);
        for (size_t n = 0; n < 2; n++) {
            assert_false(slice(&s, &page, &out, 1));
        }
        lookup_page_end(&page);
        buf_free(&out);
    }
    end(&s);
}

/* Adds the first producer to 400 topics with the longest names. */
static void add_long_topics(struct stage *s)
{
    for (size_t t = 0; t < 400; t++) {
        char name[NSQ_NAME_MAX + 1];
        snprintf(name, sizeof name, "t%063zu", t);
        assert_int_equal(registry_register(&s->r, s->producers[0], text_span(name), SPAN("")),
                         REGISTRY_DONE);
    }
}

/* A slice ends after a long item, and long lists of names are copied in parts. */
static void long_items_cost_more_effort(void **state)
{
    (void)state;
    static char host[60001];
    struct stage s;
    struct buf out = {0};
    begin(&s);
    memset(host, 'h', sizeof host - 1);
    for (int i = 0; i < 8; i++) {
        const struct registry_peer peer = {.remote_address = SPAN("r"),
                                           .hostname = text_span(host),
                                           .broadcast_address = SPAN("b"),
                                           .version = SPAN("1")};
        assert_non_null(registry_join(&s.r, &peer, NOW));
    }
    assert_true(write_page(&s, &(struct request){LOOKUP_PAGE_NODES, "", ""}, 60, &out) >= 8);
    buf_free(&out);
    end(&s);

    begin(&s);
    add_long_topics(&s);
    struct lookup_page page;
    begin_page(&s, &page, &(struct request){LOOKUP_PAGE_NODES, "", ""});
    for (size_t before = 0; !slice(&s, &page, &out, 1); before = out.n) {
        assert_true(out.n - before < 5000);
    }
    lookup_page_end(&page);
    assert_true(out.n > 400 * NSQ_NAME_MAX);
    buf_free(&out);
    end(&s);
}

#define MANY 40

/* While all connections hold more than their share, a page does not keep more names. It fails, and
 * gives its memory back. */
static void pages_of_nodes_keep_names_within_the_share(void **state)
{
    (void)state;
    static const struct request nodes = {LOOKUP_PAGE_NODES, "", ""};
    struct stage s;
    struct lookup_page pages[MANY];
    struct buf out = {0};
    size_t failed = 0;
    begin(&s);
    add_long_topics(&s);
    for (size_t i = 0; i < MANY; i++) {
        begin_page(&s, &pages[i], &nodes);
        for (size_t n = 0; n < 300 && !slice(&s, &pages[i], &out, 1); n++) {
        }
        failed += pages[i].failed;
        assert_true(s.budget.held <= (1 << 20) / BUDGET_HELD_PART + 65536 + i * 8192);
    }
    assert_true(failed > MANY / 4 && failed < MANY);
    for (size_t i = 0; i < MANY; i++) {
        lookup_page_end(&pages[i]);
    }
    buf_free(&out);
    write_page(&s, &nodes, 1, &out); /* then there is room again */
    struct counts counts = {.tombstones = 0};
    assert_true(json_read(buf_span(&out), &count_of_nodes, &counts));
    assert_true(counts.topics > 400);
    buf_free(&out);
    end(&s);
}

/* A node that has left is not shown, even while its entries are not freed yet. */
static void lost_nodes_are_not_shown(void **state)
{
    (void)state;
    struct stage s;
    struct buf out = {0};
    begin(&s);
    for (size_t p = 0; p < PRODUCERS; p++) {
        registry_leave(&s.r, s.producers[p]);
    }
    write_page(&s, &(struct request){LOOKUP_PAGE_DEBUG, "", ""}, 1, &out);
    assert_true(span_equal(buf_span(&out), SPAN("{}")));
    buf_free(&out);
    write_page(&s, &(struct request){LOOKUP_PAGE_LOOKUP, "t1", ""}, 1, &out);
    assert_true(span_equal(buf_span(&out), SPAN("{\"channels\":[\"c\"],\"producers\":[]}")));
    buf_free(&out);
    end(&s);
}

/* A producer whose topics were deleted is in no topic, even while they are not freed yet. */
static void deleted_topics_are_not_shown(void **state)
{
    (void)state;
    struct stage s;
    struct buf out = {0};
    begin(&s);
    for (size_t t = 0; t < TOPICS; t++) {
        char name[16];
        snprintf(name, sizeof name, "t%zu", t);
        assert_true(registry_delete_topic(&s.r, text_span(name)));
    }
    write_page(&s, &(struct request){LOOKUP_PAGE_LOOKUP, "*", ""}, 1, &out);
    assert_true(span_equal(buf_span(&out), SPAN("{\"channels\":[],\"producers\":[]}")));
    buf_free(&out);
    registry_leave(&s.r, s.producers[0]);
    write_page(&s, &(struct request){LOOKUP_PAGE_NODES, "", ""}, 100000, &out);
    struct counts counts = {.tombstones = 0};
    assert_true(json_read(buf_span(&out), &count_of_nodes, &counts));
    assert_int_equal(counts.topics, 0);
    buf_free(&out);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slices_make_the_same_page),
        cmocka_unit_test(a_slice_ends_when_it_has_enough),
        cmocka_unit_test(a_page_stays_well_formed),
        cmocka_unit_test(a_page_may_be_given_up),
        cmocka_unit_test(long_items_cost_more_effort),
        cmocka_unit_test(pages_of_nodes_keep_names_within_the_share),
        cmocka_unit_test(lost_nodes_are_not_shown),
        cmocka_unit_test(deleted_topics_are_not_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
