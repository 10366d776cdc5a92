/* SPDX-License-Identifier: MIT */
/*
 * Owns: the check that cuts do not matter: the same conversation runs with the input in one piece,
 * byte by byte and at random cuts, and every connection must receive the same bytes at the same
 * times.
 *
 * The same is checked with an allowance of one unit of effort for each call (base/effort.h): what a
 * client receives does not depend on how much the engine does in one call.
 *
 * It also checks the earliest-byte rule: byte by byte, every reply must come after exactly the byte
 * that decides it in nsqd, neither earlier nor later.
 *
 * CUTS_SEED=n in the environment sets the random cuts; a failure prints its seed.
 */
#ifndef TESTS_SUPPORT_CUTS_H
#define TESTS_SUPPORT_CUTS_H

#include "support/world.h"

#define CUTS_RANDOM 12 /* random ways in which each conversation is cut */

/* A conversation: any number of clients and verbs, also with expectations. What it compares must
 * not depend on how the input is cut. */
typedef void cuts_play(struct world *world);

/* Runs it in worlds of this configuration (NULL: world_config()), cut in every way. */
void cuts_check(const struct engine_config *config, cuts_play *play);

enum cuts_flags {
    CASE_EOF = 1, /* after the input the client sends nothing more */
    CASE_RAW = 2, /* the input begins with the magic; otherwise "  V2" was sent before it */
};

/* A conversation of one client that fits into one line. */
struct cuts_case {
    const char *rule;
    struct span in;  /* a '|', which is not sent, follows each byte that is answered */
    const char *out; /* in the form of client_heard */
    unsigned flags;
    void (*configure)(struct engine_config *config); /* changes world_config(); may be NULL */
};

/* A row of a table of cases, from string literals; the second form sets further fields. */
#define CUTS_CASE(rule_, in_, out_) CUTS_CASE_WITH(rule_, in_, out_, .flags = 0)
#define CUTS_CASE_WITH(rule_, in_, out_, ...)                                                      \
    {                                                                                              \
        .rule = (rule_), .in = SPAN_LITERAL(in_), .out = (out_), __VA_ARGS__                       \
    }

/* Checks what a case receives, that it arrives after the marked bytes and no others, and that cuts
 * do not matter. */
void cuts_check_case(const struct cuts_case *c);
void cuts_check_cases(const struct cuts_case *cases, size_t count);

#endif
