/* SPDX-License-Identifier: MIT */
#include "support/auth_whole.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
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
    {"(?<>a)", NULL},
    {"(?<n-x>a)", NULL},
    {"(?<n", NULL},
    {"(?<1>a)", "01010000010101"},
    {"(?P<\303\251>a)", NULL},
    {"(?<\303\251>a)", NULL},
    {"(?P<n>a)(?P<n>b)", "00010000000000"},
    {"(?P<n>a)(?<n>b)", "00010000000000"},
    {"(?<n>a)(?<m>b)", "00010000000000"},
    {"[(?<n>]", "00000000000000"},
    {"^[(?<a>]+$", "01000000000001"},
    {"[]P(?<a>]", "01010000010101"},
    {"^[^(?<a>]$", "00101110000010"},
    {"[(?<\303\251>a]", "01010000010101"},
    {"[[:digit:](?<n>]", "00000000100010"},
    {"[[:(?<n>]", "00000000000000"},
    {"[[:(?<a>]:]", NULL},
    {"[[:alpha:](?<n>]", "01111111111101"},
    {"[[:alpha:]](?<n>a)", "00010000000101"},
    {"(?<n>", NULL},
    {"\\pL(?<n>a)", "00010000000101"},
    {"[\\](?<n>]", "00000000000000"},
    {"\\Q(?<n>\\E", "00000000000000"},
    {"\\Q[\\E(?<n>a)", "00000000000000"},
    {"\\(?<n>a)", NULL},
    {"\\[(?<n>a)", "00000000000000"},
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
    {"a\\C", NULL},
    {"(?:\\C)", NULL},
    {"[\\C]", NULL},
    {"\\\\C", "00000000000000"},
    {"\\Q\\C\\E", "00000000000000"},
    {"[^a]\\C", NULL},
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

static struct auth_pattern *compile(const char *text, struct span *why)
{
    return whole_pattern(span_make(text, strlen(text)), why);
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
            bool does = whole_matches(p, span_make(subjects[s], strlen(subjects[s])));
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

/* Patterns that keep a backtracking matcher busy for ever, each with the longest name. */
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
        assert_false(whole_matches(p, span_make(subjects[SUBJECTS - 1], 64)));
        auth_pattern_free(p);
    }
}

static void sizes_have_bounds(void **state)
{
    (void)state;
    char text[AUTH_PATTERN_MAX + 2];
    struct span why;
    memset(text, 'a', sizeof text);
    struct auth_pattern *p = whole_pattern(span_make(text, AUTH_PATTERN_MAX), &why);
    assert_non_null(p);
    assert_false(whole_matches(p, SPAN("aaaa")));
    auth_pattern_free(p);
    assert_null(whole_pattern(span_make(text, AUTH_PATTERN_MAX + 1), &why));
    assert_true(span_equal(why, SPAN("expression too large")));
    /* Short, and large when compiled. */
    assert_null(compile("([^a][^b][^c][^d][^e][^f][^g][^h][^i][^j][^k][^l][^m][^n][^o][^p][^q][^r]"
                        "[^s][^t][^u][^v][^w][^x][^y][^z][^a][^b][^c][^d][^e][^f][^g]){1000}",
                        &why));
    assert_true(span_equal(why, SPAN("expression too large")));
}

static void append(struct buf *b, const char *text)
{
    buf_append(b, span_make(text, strlen(text)));
}

static struct auth_pattern *compile_repeated(const char *before, const char *piece, size_t n,
                                             const char *after, struct span *why)
{
    struct buf text = {0};
    append(&text, before);
    for (size_t i = 0; i < n; i++) {
        append(&text, piece);
    }
    append(&text, after);
    struct auth_pattern *p = whole_pattern(buf_span(&text), why);
    buf_free(&text);
    return p;
}

/* RE2 keeps each class as a list of ranges, several kilobytes of it for a class of Unicode, also
 * where nothing is compiled from it. */
static void classes_of_unicode_have_a_bound(void **state)
{
    (void)state;
    static const char *const pieces[] = {"\\pL", "[^\\PL]", "(?i:\\pL)"};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct span why = {NULL, 0};
        assert_null(compile_repeated("(", pieces[i], 400, "){0}", &why));
        assert_true(span_equal(why, SPAN("expression too large")));
        struct auth_pattern *p = compile_repeated("(", pieces[i], 20, "){0}", &why);
        assert_non_null(p);
        assert_true(auth_pattern_size(p) > (size_t)20 * 5000);
        auth_pattern_free(p);
    }
}

/* Each limit of a pattern: what is just allowed, and one more. */
static void every_limit_is_exact(void **state)
{
    (void)state;
    static const struct {
        const char *before, *piece;
        size_t n;
        const char *after;
        const char *one_more; /* stands before `after` */
    } cases[] = {
        {"(", "\\pL", 20, "){0}", "\\pL"},
        {"(", "\\PN[a\\PL]", 10, "){0}", "[\\pL]"},
        {"", "b?", 1024, "", "b?"},
        {"", "a{0,256}", 4, "", "b?"},
        {"", "(ab){256}", 4, "", "b{1}"},
        {"", "a{256,}", 4, "", "b{0,1}"},
        {"", "[?{9}]\\?\\{9}", 200, "", "b{1001}"}, /* these are characters */
        {"", ".", 256, "", ".{1000}"},              /* memory: 64 and 256 KiB */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct span why = {NULL, 0};
        struct buf more = {0};
        struct auth_pattern *p =
            compile_repeated(cases[i].before, cases[i].piece, cases[i].n, cases[i].after, &why);
        if (p == NULL) {
            fail_msg("%s: %.*s", cases[i].piece, (int)why.n, (const char *)why.p);
        }
        auth_pattern_free(p);
        append(&more, cases[i].one_more);
        append(&more, cases[i].after);
        buf_append(&more, SPAN("\0"));
        assert_null(compile_repeated(cases[i].before, cases[i].piece, cases[i].n,
                                     (const char *)buf_span(&more).p, &why));
        buf_free(&more);
    }
}

static size_t in_use(void)
{
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

static void match_many_names(const struct auth_pattern *p)
{
    for (unsigned n = 0; n < 500; n++) {
        uint8_t name[AUTH_NAME_MAX];
        for (size_t i = 0; i < sizeof name; i++) {
            name[i] = (uint8_t)("abckKxyz"[(n * 2654435761U >> (i % 29)) % 8]);
        }
        whole_matches(p, span_make(name, 1 + n % sizeof name));
    }
}

/* What RE2 allocates, as malloc counts it, is at most what is charged, also after many names. */
static void a_pattern_costs_no_more_than_its_size(void **state)
{
    (void)state;
    static const struct {
        const char *before, *piece;
        size_t n;
        const char *after;
    } cases[] = {
        {"", "a", 1, ""},           {"", ".*", 1, ""},          {"^", "a{64}", 1, "$"},
        {"", "(?i)topic", 1, ""},   {"", "a{100}", 1, ""},      {"", "[a-c]{100}", 1, "x$"},
        {"", "a?", 300, "$"},       {"(", ".", 4000, "){0}"},   {"(?i)(", "k", 4000, "){0}"},
        {"", "\\pL", 4, "$"},       {"(", "\\W", 2000, "){0}"}, {"", "(.*a){30}", 1, ""},
        {"", "(a?){1000}", 1, "b"}, {"(", "\\pL", 20, "){0}"},  {"", ".{400}", 1, ""},
        {"(?i)", "k?", 1000, "b"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t took = 0;
        /* Twice: the first round fills what malloc and RE2 keep for later. */
        for (int round = 0; round < 2; round++) {
            struct span why = {NULL, 0};
            size_t before = in_use();
            struct auth_pattern *p =
                compile_repeated(cases[i].before, cases[i].piece, cases[i].n, cases[i].after, &why);
            assert_non_null(p);
            match_many_names(p);
            took = in_use() - before;
            if (round > 0 && took > auth_pattern_size(p)) {
                fail_msg("%s: took %zu, charged %zu", cases[i].piece, took, auth_pattern_size(p));
            }
            auth_pattern_free(p);
        }
    }
}

/* The same between two attempts to compile it. */
static void a_pattern_that_is_compiled_holds_no_more_than_it_tells(void **state)
{
    (void)state;
    for (int round = 0; round < 2; round++) {
        struct effort effort = {.left = 0};
        struct span why;
        size_t before = in_use();
        size_t most = 0;
        struct auth_pattern *p = auth_pattern_new(SPAN("x(a?){500}"));
        assert_int_equal(auth_pattern_held(p), 0);
        while (auth_pattern_compile(p, &effort, &why) == AUTH_COMPILING) {
            size_t told = auth_pattern_held(p);
            most = told > most ? told : most;
            assert_true(round == 0 || in_use() - before <= auth_pattern_size(p) + told);
        }
        assert_in_range(most, (size_t)127 * 1024, (size_t)129 * 1024);
        assert_int_equal(auth_pattern_held(p), 0);
        auth_pattern_free(p);
    }
}

static void nesting_has_a_bound(void **state)
{
    (void)state;
    struct span why = {NULL, 0};
    char text[2 * AUTH_PATTERN_DEPTH_MAX + 4];
    size_t n = AUTH_PATTERN_DEPTH_MAX;
    memset(text, '(', n + 1);
    memset(text + n, ')', n);
    struct auth_pattern *p = whole_pattern(span_make(text, 2 * n), &why);
    assert_non_null(p);
    assert_true(whole_matches(p, SPAN("x")));
    auth_pattern_free(p);
    memset(text, '(', n + 1);
    memset(text + n + 1, ')', n + 1);
    assert_null(whole_pattern(span_make(text, 2 * n + 2), &why));
    assert_true(span_equal(why, SPAN("expression nests too deeply")));
    /* Groups side by side do not count. */
    p = compile_repeated("", "(a)", n + 1, "", &why);
    assert_non_null(p);
    auth_pattern_free(p);
}

static void longer_names_match_nothing(void **state)
{
    (void)state;
    struct span why;
    char text[AUTH_NAME_MAX + 1];
    memset(text, 'a', sizeof text);
    struct auth_pattern *p = compile("a", &why);
    assert_true(whole_matches(p, span_make(text, sizeof text - 1)));
    assert_false(whole_matches(p, span_make(text, sizeof text)));
    auth_pattern_free(p);
}

/* What Go 1.26 takes and this refuses: see the table of departures. */
static void departures(void **state)
{
    (void)state;
    static const char *const refused[] = {"\\p{Letter}", "\\p{lu}", "\\pc", "((a{100}){0}){11}"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct span why = {NULL, 0};
        assert_null(compile(refused[i], &why));
        assert_true(why.n > 0);
    }
}

/* Each reason, in Go's words. */
static void every_reason_is_gos(void **state)
{
    (void)state;
    static const struct {
        const char *pattern;
        const char *why;
    } cases[] = {
        {"\\8", "invalid escape sequence"},
        {"[[:foo:]]", "invalid character class range"},
        {"\\p{Foo}", "invalid character class range"},
        {"[b-a]", "invalid character class range"},
        {"[a", "missing closing ]"},
        {"(a", "missing closing )"},
        {"a)", "unexpected )"},
        {"))(", "unexpected )"},
        {"a\\", "trailing backslash at end of expression"},
        {"*", "missing argument to repetition operator"},
        {"a{1001}", "invalid repeat count"},
        {"a{2,1}", "invalid repeat count"},
        {"a**", "invalid nested repetition operator"},
        {"(?=a)", "invalid or unsupported Perl syntax"},
        {"(?P<n t)", "invalid named capture"},
        {"(?P<n\xc3\xa9>t)", "invalid named capture"},
        {"(?<\xc3\xa9>t)", "invalid named capture"},
        {"\\C", "invalid escape sequence"},
        {"[\\C]", "invalid escape sequence"},
        {"((a{100}){100}){100}", "invalid repeat count"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct span why = {NULL, 0};
        assert_null(compile(cases[i].pattern, &why));
        if (!span_equal(why, span_make(cases[i].why, strlen(cases[i].why)))) {
            fail_msg("%s: %.*s", cases[i].pattern, (int)why.n, (const char *)why.p);
        }
    }
}

/* A group that has ended does not count, also not in front of others. */
static void groups_that_have_ended_do_not_count(void **state)
{
    (void)state;
    struct span why = {NULL, 0};
    char text[2 * AUTH_PATTERN_DEPTH_MAX + 8];
    size_t n = AUTH_PATTERN_DEPTH_MAX;
    memcpy(text, "()()", 4);
    memset(text + 4, '(', n);
    memset(text + 4 + n, ')', n);
    struct auth_pattern *p = whole_pattern(span_make(text, 2 * n + 4), &why);
    assert_non_null(p);
    auth_pattern_free(p);
}

/* The least of 1, 2, 4 .. KiB that is enough, and the estimate of what RE2 adds. */
static void sizes_are_exact(void **state)
{
    (void)state;
    static const struct {
        const char *pattern;
        size_t bytes, classes; /* of the pattern */
        size_t kib;            /* that RE2 needs */
    } cases[] = {{"", 0, 0, 1}, {"a", 1, 0, 1}, {"^t$", 3, 0, 1}, {"\\pL", 3, 1, 32}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct span why = {NULL, 0};
        struct auth_pattern *p = compile(cases[i].pattern, &why);
        assert_non_null(p);
        size_t expected = 4 * sizeof(void *) + ALLOC_OVERHEAD + (cases[i].kib + 3) * 1024 +
                          128 * cases[i].bytes + 6 * 1024 * cases[i].classes;
        if (auth_pattern_size(p) != expected) {
            fail_msg("%s: %zu, not %zu", cases[i].pattern, auth_pattern_size(p), expected);
        }
        auth_pattern_free(p);
    }
}

/* What looks like a group is none inside a class, also behind its first character. */
static void classes_are_left_alone(void **state)
{
    (void)state;
    struct span why = {NULL, 0};
    struct auth_pattern *p = compile("^[ab(?<n>]$", &why);
    assert_non_null(p);
    assert_true(whole_matches(p, SPAN("<")));
    assert_false(whole_matches(p, SPAN("P")));
    auth_pattern_free(p);
    p = compile_repeated("", "[b(]", AUTH_PATTERN_DEPTH_MAX + 1, "", &why);
    assert_non_null(p);
    auth_pattern_free(p);
}

/* RE2 would write the pattern, which may contain a secret, to standard error. */
static void a_bad_pattern_is_not_shown(void **state)
{
    (void)state;
    struct span why = {NULL, 0};
    int before = dup(STDERR_FILENO);
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(dup2(fileno(file), STDERR_FILENO), STDERR_FILENO);
    struct auth_pattern *p = compile("s3cret(", &why);
    fflush(stderr);
    assert_int_equal(dup2(before, STDERR_FILENO), STDERR_FILENO);
    close(before);
    assert_null(p);
    assert_int_equal(lseek(fileno(file), 0, SEEK_END), 0);
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_match_as_in_go),
        cmocka_unit_test(no_pattern_takes_for_ever),
        cmocka_unit_test(sizes_have_bounds),
        cmocka_unit_test(classes_of_unicode_have_a_bound),
        cmocka_unit_test(every_limit_is_exact),
        cmocka_unit_test(a_pattern_costs_no_more_than_its_size),
        cmocka_unit_test(a_pattern_that_is_compiled_holds_no_more_than_it_tells),
        cmocka_unit_test(nesting_has_a_bound),
        cmocka_unit_test(longer_names_match_nothing),
        cmocka_unit_test(departures),
        cmocka_unit_test(every_reason_is_gos),
        cmocka_unit_test(groups_that_have_ended_do_not_count),
        cmocka_unit_test(sizes_are_exact),
        cmocka_unit_test(classes_are_left_alone),
        cmocka_unit_test(a_bad_pattern_is_not_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
