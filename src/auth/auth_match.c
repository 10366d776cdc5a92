/* SPDX-License-Identifier: MIT */
#include "auth/auth_match.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "auth/auth_syntax.h"
#include "base/alloc.h"
#include "base/text.h"

/* What the matcher may spend on one name: calls of itself (one for each assertion or group that it
 * looks into) and kilobytes. */
#define MATCH_LIMIT 10000
#define HEAP_LIMIT_KIB 1024

/* Ints of room for the states that it is in at a time, three each in two lists: each is tried when
 * the one before was too small. It compares states with each other, so that they bound its time
 * too: 15 us in the first, which is always had (there is room for thousands of patterns in what may
 * be granted) and takes some 30 names side by side; 0.4 ms in the second, which takes 170; 5 ms in
 * the last, which takes most of what can be compiled. */
static const struct {
    size_t room;
    unsigned effort;
} tries[] = {{192, 0}, {1024, 1}, {4096, AUTH_MATCH_EFFORT / 4 - 1}};

/* A name may match anywhere, and is looked at once: the pattern begins with whatever comes first.
 */
#define PREFIX "[\\x00-\\x7f]*(?:"

struct auth_pattern {
    pcre2_code *code;
};

static void *take(PCRE2_SIZE n, void *context)
{
    (void)context;
    return alloc_zeroed(n);
}

static void give(void *p, void *context)
{
    (void)context;
    alloc_free(p);
}

static pcre2_code *compile(struct span pattern)
{
    int error;
    PCRE2_SIZE offset;
    pcre2_general_context *memory = pcre2_general_context_create(take, give, NULL);
    pcre2_compile_context *context = pcre2_compile_context_create(memory);
    pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    pcre2_set_parens_nest_limit(context, 2 * AUTH_SYNTAX_DEPTH_MAX + 2);
    pcre2_code *code = pcre2_compile(pattern.p, pattern.n,
                                     PCRE2_ANCHORED | PCRE2_ALT_CIRCUMFLEX | PCRE2_NO_AUTO_CAPTURE,
                                     &error, &offset, context);
    pcre2_compile_context_free(context);
    pcre2_general_context_free(memory);
    return code;
}

struct auth_pattern *auth_pattern_new(struct span source, struct span *why)
{
    if (source.n > AUTH_PATTERN_MAX) {
        *why = SPAN("expression too large");
        return NULL;
    }
    struct buf pattern = {0};
    text_append(&pattern, PREFIX);
    bool ok = auth_syntax_translate(source, &pattern, why);
    text_append(&pattern, ")");
    pcre2_code *code = ok ? compile(buf_span(&pattern)) : NULL;
    buf_free(&pattern);
    if (ok && code == NULL) {
        *why = SPAN("expression too large");
    }
    if (code == NULL) {
        return NULL;
    }
    struct auth_pattern *p = alloc_zeroed(sizeof *p);
    p->code = code;
    return p;
}

void auth_pattern_free(struct auth_pattern *pattern)
{
    pcre2_code_free(pattern->code);
    alloc_free(pattern);
}

size_t auth_pattern_size(const struct auth_pattern *pattern)
{
    size_t n = 0;
    pcre2_pattern_info(pattern->code, PCRE2_INFO_SIZE, &n);
    return n + sizeof *pattern + (size_t)2 * ALLOC_OVERHEAD;
}

static int match(const struct auth_pattern *pattern, struct span name, size_t room)
{
    pcre2_general_context *memory = pcre2_general_context_create(take, give, NULL);
    pcre2_match_context *context = pcre2_match_context_create(memory);
    pcre2_match_data *data = pcre2_match_data_create(1, memory);
    int *workspace = alloc_zeroed(room * sizeof *workspace);
    pcre2_set_match_limit(context, MATCH_LIMIT);
    pcre2_set_depth_limit(context, AUTH_SYNTAX_DEPTH_MAX);
    pcre2_set_heap_limit(context, HEAP_LIMIT_KIB);
    const uint8_t *p = name.n == 0 ? (const uint8_t *)"" : name.p;
    int result = pcre2_dfa_match(pattern->code, p, name.n, 0, PCRE2_DFA_SHORTEST, data, context,
                                 workspace, room);
    alloc_free(workspace);
    pcre2_match_data_free(data);
    pcre2_match_context_free(context);
    pcre2_general_context_free(memory);
    return result;
}

bool auth_pattern_matches(const struct auth_pattern *pattern, struct span name, unsigned *effort)
{
    int result = PCRE2_ERROR_DFA_WSSIZE;
    if (name.n > AUTH_SYNTAX_SUBJECT_MAX) {
        return false;
    }
    for (size_t i = 0; i < sizeof tries / sizeof tries[0] && result == PCRE2_ERROR_DFA_WSSIZE &&
                       tries[i].effort <= *effort;
         i++) {
        *effort -= tries[i].effort;
        result = match(pattern, name, tries[i].room);
    }
    return result >= 0;
}
