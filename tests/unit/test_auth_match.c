/* SPDX-License-Identifier: MIT */
#include "auth/auth_match.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "auth/auth_syntax.h"
#include "base/buf.h"

/* What Go's regexp package says (go1.26; the same as that of nsqd 1.3.0's time): for each subject
 * whether it matches; NULL: it refuses the pattern. */
static const char *const subjects[] = {
    "",        "a",
    "b",       "aab",
    "A",       "K",
    "s",       "topic",
    "topic-1", "a.b",
    "x_y",     "t#ephemeral",
    "0",       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
#define SUBJECTS (sizeof subjects / sizeof subjects[0])

static const struct {
    const char *pattern;
    const char *matches;
} seen[] = {
    {"", "11111111111111"},
    {"a", "01010000010101"},
    {"^a$", "01000000000000"},
    {"a$", "01000000000001"},
    {"^", "11111111111111"},
    {"$", "11111111111111"},
    {"^$", "10000000000000"},
    {".", "01111111111111"},
    {"^.$", "01101110000010"},
    {"a|b", "01110000010101"},
    {"|", "11111111111111"},
    {"(a)", "01010000010101"},
    {"()", "11111111111111"},
    {"a*", "11111111111111"},
    {"a+b", "00010000000000"},
    {"^a?$", "11000000000000"},
    {"^a{2}b", "00010000000000"},
    {"^a{2,}", "00010000000001"},
    {"^a{64}$", "00000000000001"},
    {"^a{65}$", "00000000000000"},
    {"a{1000}", "00000000000000"},
    {"^(a|b){3}$", "00010000000000"},
    {"^a{0}$", "10000000000000"},
    {"x{,2}", "00000000000000"},
    {"a{", "00000000000000"},
    {"{", "00000000000000"},
    {"}", "00000000000000"},
    {"]", "00000000000000"},
    {"a{01}", "00000000000000"},
    {"a{1001}", NULL},
    {"a{2,1}", NULL},
    {"(a{100}){10}", "00000000000000"},
    {"(a{100}){11}", NULL},
    {"((a{100}){0}){11}", "11111111111111"},
    {"(a{30}b{30}){34}", NULL},
    {"a**", NULL},
    {"a*+", NULL},
    {"a++", NULL},
    {"a*?", "11111111111111"},
    {"a+?+", NULL},
    {"*", NULL},
    {"+a", NULL},
    {"?", NULL},
    {"(*a)", NULL},
    {"a|*", NULL},
    {"a(?i)*", "11111111111111"},
    {"\\Qa.b\\E", "00000000010000"},
    {"\\Qa.", "00000000010000"},
    {"\\Q\\E*", NULL},
    {"(?i)TOPIC", "00000001100000"},
    {"(?i:t)OPIC", "00000000000000"},
    {"^(?i:T)opic$", "00000001000000"},
    {"(?i)a(?-i)A", "00000000000000"},
    {"(?i)k", "00000100000000"},
    {"(?i)\342\204\252", "00000100000000"},
    {"(?i)\305\277", "00000010000000"},
    {"[\305\277]", "00000000000000"},
    {"(?i)[\305\277]", "00000010000000"},
    {"(?i)[^\305\277]", "01111101111111"},
    {"(?i)[a-c]", "01111001110101"},
    {"(?i-s)A", "01011000010101"},
    {"(?i-)A", NULL},
    {"(?-)A", NULL},
    {"(?)A", "00001000000000"},
    {"(?i:A", NULL},
    {"(?x)a", NULL},
    {"(?#c)a", NULL},
    {"(?s).", "01111111111111"},
    {"(?m)^a$", "01000000000000"},
    {"(?U)a+", "01010000010101"},
    {"(?P<n>a)", "01010000010101"},
    {"(?<n>a)", "01010000010101"},
    {"(?P<>a)", NULL},
    {"(?P<n-x>a)", NULL},
    {"(?P<1>a)", "01010000010101"},
    {"(?P<n", NULL},
    {"(?P=n)", NULL},
    {"(?P>n)", NULL},
    {"(?=a)", NULL},
    {"(?!a)", NULL},
    {"(?<=a)b", NULL},
    {"(?<!a)b", NULL},
    {"(?>a)", NULL},
    {"(?|a)", NULL},
    {"(?R)", NULL},
    {"(?1)", NULL},
    {"(?&n)", NULL},
    {"(?(1)a)", NULL},
    {"(?C)", NULL},
    {"(*FAIL)", NULL},
    {"(*UTF)a", NULL},
    {"\\1", NULL},
    {"(a)\\1", NULL},
    {"\\8", NULL},
    {"\\0", "00000000000000"},
    {"\\07", "00000000000000"},
    {"\\1411", "00000000000000"},
    {"\\141", "01010000010101"},
    {"\\x61", "01010000010101"},
    {"\\x{61}", "01010000010101"},
    {"\\x{0000061}", "01010000010101"},
    {"\\x{}", NULL},
    {"\\x{110000}", NULL},
    {"\\x6", NULL},
    {"\\x{6", NULL},
    {"\\xg", NULL},
    {"\\K", NULL},
    {"\\G", NULL},
    {"\\R", NULL},
    {"\\X", NULL},
    {"\\h", NULL},
    {"\\H", NULL},
    {"\\N", NULL},
    {"\\e", NULL},
    {"\\cA", NULL},
    {"\\C", NULL},
    {"\\Z", NULL},
    {"\\z", "11111111111111"},
    {"\\A", "11111111111111"},
    {"a\\z", "01000000000001"},
    {"\\Ab", "00100000000000"},
    {"\\b", "01111111111111"},
    {"\\B", "10010001101101"},
    {"\\ba", "01010000010001"},
    {"a\\b", "01000000010001"},
    {"^\\b*$", "10000000000000"},
    {"\\d", "00000000100010"},
    {"\\D", "01111111111101"},
    {"\\w", "01111111111111"},
    {"\\W", "00000000110100"},
    {"\\s", "00000000000000"},
    {"\\S", "01111111111111"},
    {"\\_", "00000000001000"},
    {"\\-", "00000000100000"},
    {"\\#", "00000000000100"},
    {"\\.", "00000000010000"},
    {"\\\303\251", NULL},
    {"\\", NULL},
    {"a\\", NULL},
    {"\\pL", "01111111111101"},
    {"\\PL", "00000000111110"},
    {"\\pN", "00000000100010"},
    {"\\p{Lu}", "00001100000000"},
    {"(?i)\\p{Lu}", "01111111111101"},
    {"(?i)^\\P{Lu}$", "00000000000010"},
    {"\\p{Nd}", "00000000100010"},
    {"\\p{Pc}", "00000000001000"},
    {"\\p{Po}", "00000000010100"},
    {"\\p{Latin}", "01111111111101"},
    {"^\\P{Latin}$", "00000000000010"},
    {"\\p{Common}", "00000000111110"},
    {"\\p{Greek}", "00000000000000"},
    {"\\p{^Lu}", "01110011111111"},
    {"\\P{^Lu}", "00001100000000"},
    {"\\p{Any}", "01111111111111"},
    {"\\p{Foo}", NULL},
    {"\\p{}", NULL},
    {"\\p", NULL},
    {"\\p{Lu", NULL},
    {"\\p{L&}", NULL},
    {"[a]", "01010000010101"},
    {"[^a]", "00111111111110"},
    {"[a-b]", "01110000010101"},
    {"[b-a]", NULL},
    {"[]a]", "01010000010101"},
    {"[^]a]", "00111111111110"},
    {"[a-]", "01010000110101"},
    {"[-a]", "01010000110101"},
    {"[a-\\d]", NULL},
    {"[\\d-z]", "00000000100010"},
    {"[\\w-]", "01111111111111"},
    {"[", NULL},
    {"[a", NULL},
    {"[]", NULL},
    {"[^]", NULL},
    {"[[]", "00000000000000"},
    {"[a[]", "01010000010101"},
    {"[[:alpha:]]", "01111111111101"},
    {"[[:^alpha:]]", "00000000111110"},
    {"[[:word:]]", "01111111111111"},
    {"[[:foo:]]", NULL},
    {"[[:alpha]", "01010001110101"},
    {"[[:alpha:", NULL},
    {"[:alpha:]", "01010001110101"},
    {"(?i)[[:upper:]]", "01111111111101"},
    {"[[:punct:]]", "00000000111100"},
    {"[[:xdigit:]]", "01111001110111"},
    {"[[:graph:]]", "01111111111111"},
    {"[[:cntrl:]]", "00000000000000"},
    {"[[:ascii:]]", "01111111111111"},
    {"[[:space:]]", "00000000000000"},
    {"[\\pL]", "01111111111101"},
    {"[^\\pL]", "00000000111110"},
    {"[\\p{Foo}]", NULL},
    {"[\\b]", NULL},
    {"[\\Q]", NULL},
    {"[\\x{0}-\\x{10FFFF}]", "01111111111111"},
    {"[^\\x{0}-\\x{10FFFF}]", "00000000000000"},
    {"[\\x61-c]", "01110001110101"},
    {"\303\251", "00000000000000"},
    {"[\303\251]", "00000000000000"},
    {"[^\303\251]", "01111111111111"},
    {"^[^a]$", "00101110000010"},
    {"(", NULL},
    {")", NULL},
    {"(a", NULL},
    {"a)", NULL},
    {"((a)", NULL},
    {"a||b", "11111111111111"},
    {"(|a)", "11111111111111"},
    {"(a*)*b", "00110000010000"},
    {"(a|aa)*$", "11111111111111"},
    {"(?:a?){30}a", "01010000010101"},
    {"\377", NULL},
    {"a\377b", NULL},
    {"[\377]", NULL},
};

/* With the whole effort. */
static bool matches(const struct auth_pattern *p, struct span name)
{
    unsigned effort = AUTH_MATCH_EFFORT;
    return auth_pattern_matches(p, name, &effort);
}

static struct auth_pattern *compile(const char *text, struct span *why)
{
    return auth_pattern_new(span_make(text, strlen(text)), why);
}

static void patterns_match_as_in_go(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof seen / sizeof seen[0]; i++) {
        struct span why = {NULL, 0};
        struct auth_pattern *p = compile(seen[i].pattern, &why);
        if ((p == NULL) != (seen[i].matches == NULL) || (p == NULL) != (why.n > 0)) {
            fail_msg("%s: %s", seen[i].pattern, p == NULL ? "refused" : "taken");
        }
        for (size_t s = 0; p != NULL && s < SUBJECTS; s++) {
            bool does = matches(p, span_make(subjects[s], strlen(subjects[s])));
            if (does != (seen[i].matches[s] == '1')) {
                fail_msg("%s on '%s': %d", seen[i].pattern, subjects[s], does);
            }
        }
        if (p != NULL) {
            assert_true(auth_pattern_size(p) > 0);
            auth_pattern_free(p);
        }
    }
}

/* What takes a backtracking matcher for ever: each of these on the longest name. */
static void no_pattern_takes_for_ever(void **state)
{
    (void)state;
    static const char *const patterns[] = {
        "(a*)*b",   "(a|a)*b", "(a|aa)+$x", "(a?){64}a{65}", "(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)b",
        "((a*)*)*b"};
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        struct span why;
        struct auth_pattern *p = compile(patterns[i], &why);
        assert_non_null(p);
        assert_false(matches(p, span_make(subjects[SUBJECTS - 1], 64)));
        auth_pattern_free(p);
    }
}

/* Many states at a time need the largest room. */
static void many_states_are_followed(void **state)
{
    (void)state;
    char text[602];
    for (size_t i = 0; i < sizeof text - 2; i += 2) {
        memcpy(text + i, "a?", 2);
    }
    memcpy(text + sizeof text - 2, "$", 2);
    struct span why;
    struct auth_pattern *p = compile(text, &why);
    assert_true(matches(p, SPAN("aaaaaaaa")));
    assert_true(matches(p, SPAN("b")));
    auth_pattern_free(p);
}

/* "a?" so many times: a pattern that is in many states at a time. */
static struct auth_pattern *wide(size_t n)
{
    char text[1001];
    struct span why;
    for (size_t i = 0; i < n; i++) {
        memcpy(text + 2 * i, "a?", 2);
    }
    memcpy(text + 2 * n, "$", 2);
    return compile(text, &why);
}

/* What is left for the next pattern of the same question. */
static void effort_has_a_bound(void **state)
{
    (void)state;
    static const struct {
        size_t states;
        unsigned effort, left;
        bool matches;
    } cases[] = {
        {5, 0, 0, true},      {50, 0, 0, false},  {50, 1, 0, true},    {50, 64, 63, true},
        {300, 15, 14, false}, {300, 16, 0, true}, {300, 64, 48, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct auth_pattern *p = wide(cases[i].states);
        unsigned effort = cases[i].effort;
        assert_int_equal(auth_pattern_matches(p, SPAN("aaaaaaaa"), &effort), cases[i].matches);
        assert_int_equal(effort, cases[i].left);
        auth_pattern_free(p);
    }
}

static void sizes_have_bounds(void **state)
{
    (void)state;
    char text[AUTH_PATTERN_MAX + 2];
    struct span why;
    memset(text, 'a', sizeof text);
    struct auth_pattern *p = auth_pattern_new(span_make(text, AUTH_PATTERN_MAX), &why);
    assert_non_null(p);
    assert_false(matches(p, SPAN("aaaa")));
    auth_pattern_free(p);
    assert_null(auth_pattern_new(span_make(text, AUTH_PATTERN_MAX + 1), &why));
    assert_true(span_equal(why, SPAN("expression too large")));
    /* Short, and large when compiled. */
    assert_null(compile("([^a][^b][^c][^d][^e][^f][^g][^h][^i][^j][^k][^l][^m][^n][^o][^p][^q][^r]"
                        "[^s][^t][^u][^v][^w][^x][^y][^z][^a][^b][^c][^d][^e][^f][^g]){1000}",
                        &why));
    assert_true(span_equal(why, SPAN("expression too large")));
}

static void nesting_has_a_bound(void **state)
{
    (void)state;
    char text[2 * AUTH_SYNTAX_DEPTH_MAX + 4];
    struct span why;
    size_t n = AUTH_SYNTAX_DEPTH_MAX;
    memset(text, '(', n + 1);
    memset(text + n, ')', n);
    struct auth_pattern *p = auth_pattern_new(span_make(text, 2 * n), &why);
    assert_non_null(p);
    assert_true(matches(p, SPAN("x")));
    auth_pattern_free(p);
    memset(text, '(', n + 1);
    memset(text + n + 1, ')', n + 1);
    assert_null(auth_pattern_new(span_make(text, 2 * n + 2), &why));
    assert_true(span_equal(why, SPAN("expression nests too deeply")));
}

static void longer_names_match_nothing(void **state)
{
    (void)state;
    struct span why;
    char text[AUTH_SYNTAX_SUBJECT_MAX + 1];
    memset(text, 'a', sizeof text);
    struct auth_pattern *p = compile("a", &why);
    assert_true(matches(p, span_make(text, sizeof text - 1)));
    assert_false(matches(p, span_make(text, sizeof text)));
    auth_pattern_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_match_as_in_go),    cmocka_unit_test(no_pattern_takes_for_ever),
        cmocka_unit_test(many_states_are_followed),   cmocka_unit_test(effort_has_a_bound),
        cmocka_unit_test(sizes_have_bounds),          cmocka_unit_test(nesting_has_a_bound),
        cmocka_unit_test(longer_names_match_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
