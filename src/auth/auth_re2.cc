/* SPDX-License-Identifier: MIT */
/*
 * RE2's class behind the C functions of auth_re2.h. It must not know what an expression is for, nor
 * what Go takes differently.
 *
 * RE2 allocates by C++'s operator new and not by the one allocator (base/alloc.h); auth_match.c
 * charges for it by estimate. Nothing here or in RE2 throws, except operator new when memory is
 * out. This file is compiled without exceptions (-fno-exceptions), so that one finds no handler and
 * ends the program at once, as the one allocator does.
 */
#include "auth/auth_re2.h"

#include <re2/re2.h>

struct auth_re2 {
    auth_re2(re2::StringPiece pattern, const RE2::Options &options) : re(pattern, options)
    {
    }
    RE2 re;
};

/* The words of Go's regexp package for the same reasons. */
static const char *reason(RE2::ErrorCode code)
{
    switch (code) {
    case RE2::ErrorBadEscape:
        return "invalid escape sequence";
    case RE2::ErrorBadCharClass:
        return "invalid character class";
    case RE2::ErrorBadCharRange:
        return "invalid character class range";
    case RE2::ErrorMissingBracket:
        return "missing closing ]";
    case RE2::ErrorMissingParen:
        return "missing closing )";
    case RE2::ErrorUnexpectedParen:
        return "unexpected )";
    case RE2::ErrorTrailingBackslash:
        return "trailing backslash at end of expression";
    case RE2::ErrorRepeatArgument:
        return "missing argument to repetition operator";
    case RE2::ErrorRepeatSize:
        return "invalid repeat count";
    case RE2::ErrorRepeatOp:
        return "invalid nested repetition operator";
    case RE2::ErrorBadPerlOp:
        return "invalid or unsupported Perl syntax";
    case RE2::ErrorBadUTF8:
        return "invalid UTF-8";
    case RE2::ErrorBadNamedCapture:
        return "invalid named capture";
    case RE2::ErrorPatternTooLarge:
        return "expression too large";
    default:
        return "regexp/syntax: internal error";
    }
}

struct auth_re2 *auth_re2_new(const char *p, size_t n, size_t memory, const char **why,
                              bool *too_large)
{
    RE2::Options options;
    options.set_log_errors(false); /* it would write to stderr */
    options.set_never_capture(true);
    options.set_max_mem(static_cast<int64_t>(memory));
    auth_re2 *re = new auth_re2(re2::StringPiece(p, n), options);
    if (re->re.ok()) {
        return re;
    }
    *why = reason(re->re.error_code());
    *too_large = re->re.error_code() == RE2::ErrorPatternTooLarge;
    delete re;
    return nullptr;
}

void auth_re2_free(struct auth_re2 *re)
{
    delete re;
}

bool auth_re2_matches(const struct auth_re2 *re, const char *p, size_t n)
{
    return re->re.Match(re2::StringPiece(p, n), 0, n, RE2::UNANCHORED, nullptr, 0);
}
