/* SPDX-License-Identifier: MIT */
/* Tests of api/statsd_rows.h: rows by name, and how much counts have grown. */
#include "api/statsd_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/text.h"

struct world {
    struct budget budget;
    struct statsd_rows rows;
    int drops; /* rows that visits have dropped */
};

static void begin(struct world *w)
{
    *w = (struct world){.budget = budget_of_cap(1 << 20)};
    statsd_rows_init(&w->rows, &w->budget, 2);
}

static void end(struct world *w)
{
    statsd_rows_free(&w->rows);
    assert_int_equal(w->budget.used, 0);
}

/* Visits "t" (a topic), "-c" (a channel) or "*" (the memory), whose first count is `count`. Returns
 * what its first line tells. */
static int64_t visit(struct world *w, const char *name, uint64_t count)
{
    struct statsd_figures figures = {.kind = name[0] == '-'   ? STATSD_CHANNEL
                                             : name[0] == '*' ? STATSD_MEMORY
                                                              : STATSD_TOPIC};
    figures.values[figures.kind == STATSD_MEMORY ? 8 : 0] = count;
    if (figures.kind != STATSD_MEMORY) {
        figures.name = name_make(text_span(name));
    }
    const struct statsd_row *row;
    while ((row = statsd_rows_visit(&w->rows, &figures)) == NULL) {
        w->drops++;
    }
    return row->values[figures.kind == STATSD_MEMORY ? 8 : 0];
}

/* Ends a report. Returns how many rows it has dropped. */
static int finish(struct world *w)
{
    int drops = w->drops;
    while (statsd_rows_drop(&w->rows)) {
        drops++;
    }
    w->drops = 0;
    statsd_rows_begin(&w->rows);
    return drops;
}

static void counts_tell_how_much_they_have_grown(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    assert_int_equal(visit(&w, "a", 5), 5);
    assert_int_equal(visit(&w, "-c", 7), 7);
    assert_int_equal(visit(&w, "*", 9), 9);
    assert_int_equal(finish(&w), 0);
    assert_int_equal(visit(&w, "a", 6), 1);
    assert_int_equal(visit(&w, "-c", 7), 0);
    assert_int_equal(visit(&w, "*", 8), -1);
    assert_int_equal(finish(&w), 0);
    end(&w);
}

/* From every set of topics and channels to every other. */
static void rows_belong_to_names(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "-a", "-b", "b", "-a", "c", "*"};
    for (unsigned before = 0; before < 128; before++) {
        for (unsigned after = 0; after < 128; after++) {
            struct world w;
            int gone = 0;
            begin(&w);
            const unsigned sets[] = {before, after};
            for (unsigned s = 0; s < 2; s++) {
                unsigned topic = 99; /* the number of the last topic */
                for (unsigned i = 0; i < 7; i++) {
                    bool is_topic = names[i][0] != '-';
                    topic = is_topic ? i : topic;
                    bool was = before >> i & 1 && before >> topic & 1;
                    bool is = sets[s] >> i & 1 && sets[s] >> topic & 1;
                    gone += s == 1 && was && !is;
                    if (is) {
                        int64_t told = visit(&w, names[i], s == 0 ? 10 + i : 30);
                        assert_int_equal(told, s == 0 ? 10 + i : was ? 20 - i : 30);
                    }
                }
                assert_int_equal(finish(&w), gone);
            }
            end(&w);
        }
    }
}

/* A visit drops one row at most. */
static void many_rows_are_dropped_one_by_one(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    visit(&w, "a", 1);
    for (int i = 0; i < 100; i++) {
        char name[24];
        snprintf(name, sizeof name, "-c%02d", i);
        visit(&w, name, 1);
    }
    assert_int_equal(finish(&w), 0);
    size_t used = w.budget.used;
    assert_true(used > 101 * sizeof(struct statsd_row));
    visit(&w, "z", 1);
    assert_int_equal(w.drops, 101);
    assert_int_equal(finish(&w), 101);
    assert_int_equal(w.budget.used, used / 101);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_tell_how_much_they_have_grown),
        cmocka_unit_test(rows_belong_to_names),
        cmocka_unit_test(many_rows_are_dropped_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
