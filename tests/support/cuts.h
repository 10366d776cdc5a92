/* SPDX-License-Identifier: MIT */
/*
 * Owns: the proof that cuts do not matter: the same conversation is held with the input whole, byte
 * by byte and at random cuts, and every connection must receive the same bytes at the same times.
 *
 * Also the rule of the earliest byte: fed byte by byte, every reply comes after exactly the byte
 * that nsqd needs for it, neither earlier nor later.
 *
 * CUTS_SEED=n in the environment sets the random cuts; a failure prints the seed that it had.
 */
#ifndef TESTS_SUPPORT_CUTS_H
#define TESTS_SUPPORT_CUTS_H

#include "support/world.h"

#define CUTS_RANDOM 12 /* random ways in which each conversation is cut */

/* A conversation: any number of clients and verbs, and expectations if it likes. Whatever it
 * compares must not hang on how input arrives. */
typedef void cuts_play(struct world *world);

/* Plays it in worlds of this configuration (NULL: world_config()), cut in every way. */
void cuts_check(const struct engine_config *config, cuts_play *play);

enum cuts_flags {
    CASE_EOF = 1, /* behind the input the client ends its output */
    CASE_RAW = 2, /* the input begins with the magic; otherwise "  V2" was sent before it */
};

/* A conversation of one client that fits in a line. */
struct cuts_case {
    const char *rule;
    struct span in;  /* behind each byte that is answered stands a '|', which is not sent */
    const char *out; /* in the form of client_heard */
    unsigned flags;
    void (*configure)(struct engine_config *config); /* changes world_config(); NULL: nothing */
};

/* A row of a table of cases, from string literals; the second form sets further fields. */
#define CUTS_CASE(rule_, in_, out_) CUTS_CASE_WITH(rule_, in_, out_, .flags = 0)
#define CUTS_CASE_WITH(rule_, in_, out_, ...)                                                      \
    {                                                                                              \
        .rule = (rule_), .in = SPAN_LITERAL(in_), .out = (out_), __VA_ARGS__                       \
    }

/* Checks a case: what is received, that it is received after the bytes which are marked and no
 * others, and that cuts do not matter. */
void cuts_check_case(const struct cuts_case *c);
void cuts_check_cases(const struct cuts_case *cases, size_t count);

#endif
