/* SPDX-License-Identifier: MIT */
/*
 * Holds the patterns of auth servers (src/auth/auth_match.h) against Go's regexp package: reads
 * what tests/interop/regexp/main.go wrote, and asks the same of ours. What is known to differ (row
 * 33 of the table of departures) is counted; every other difference is shown and fails. Ends with
 * "N passed, N failed": a pattern and a name, or a pattern that Go refuses, is one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/auth_whole.h"

#define LINE_MAX (1 << 20)

struct counts {
    unsigned long passed, failed, limits;
};

/* Turns hexadecimal into bytes, in place. */
static struct span decode(char *hex)
{
    size_t n = strlen(hex) / 2;
    for (size_t i = 0; i < n; i++) {
        char digits[] = {hex[2 * i], hex[2 * i + 1], '\0'};
        hex[i] = (char)strtoul(digits, NULL, 16);
    }
    return span_make(hex, n);
}

static void fail(struct counts *counts, struct span pattern, const char *what, struct span name)
{
    counts->failed++;
    printf("%.*s: %s '%.*s'\n", (int)pattern.n, (const char *)pattern.p, what, (int)name.n,
           (const char *)name.p);
}

/* Row 33: a limit; a count within a group that is itself repeated {0} times; a name of \p that is
 * written in one of the ways that Go knows since 1.25. */
static bool is_departure(struct span why)
{
    return span_equal(why, SPAN("expression too large")) ||
           span_equal(why, SPAN("invalid repeat count")) ||
           span_equal(why, SPAN("invalid character class range"));
}

static void compare_names(struct counts *counts, const struct auth_pattern *p, struct span pattern)
{
    for (char *word; (word = strtok(NULL, " \n")) != NULL;) {
        char *answer = strchr(word, '=');
        *answer = '\0';
        struct span name = decode(word);
        if (whole_matches(p, name) == (answer[1] == '1')) {
            counts->passed++;
        } else {
            fail(counts, pattern, answer[1] == '1' ? "only Go matches" : "Go does not match", name);
        }
    }
}

static void compare(struct counts *counts, char *line)
{
    bool refused = strstr(line, " -\n") != NULL;
    struct span pattern = decode(strtok(line, " ") + 1);
    struct span why = {NULL, 0};
    struct auth_pattern *p = whole_pattern(pattern, &why);
    if (p == NULL && refused) {
        counts->passed++;
    } else if (p == NULL && is_departure(why)) {
        counts->limits++;
    } else if (p == NULL) {
        fail(counts, pattern, "only Go takes it", why);
    } else if (refused) {
        fail(counts, pattern, "Go refuses it", why);
    } else {
        compare_names(counts, p, pattern);
    }
    if (p != NULL) {
        auth_pattern_free(p);
    }
}

int main(void)
{
    static char line[LINE_MAX];
    struct counts counts = {0};
    while (fgets(line, sizeof line, stdin) != NULL) {
        compare(&counts, line);
    }
    printf("%lu patterns that Go takes are refused, see rows 33 and 37\n", counts.limits);
    printf("%lu passed, %lu failed\n", counts.passed, counts.failed);
    return counts.failed > 0 || counts.passed == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
