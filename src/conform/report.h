/* SPDX-License-Identifier: MIT */
/*
 * Owns: the result of a run, one entry for each case in order of ids, and its forms: JSON (written
 * and read back), TAP, JUnit's XML, HTML, and text for a terminal. Must not know: how cases are
 * played. No form contains a time of day, a process id or an absolute path: equal runs give equal
 * bytes.
 */
#ifndef CONFORM_REPORT_H
#define CONFORM_REPORT_H

#include <stdio.h>

#include "conform/player.h"

struct report_case {
    /* Borrowed, from the session file or from the JSON that was read. */
    struct span id;
    struct span title;
    struct span level;
    struct span reqs; /* words */
    struct span needs;
    struct span flags;
    struct span effect;
    struct span source;
    struct span path;
    enum verdict verdict;
    unsigned line;        /* of the file, where it failed; 0: none */
    struct span reason;   /* from the file of known failures; borrowed */
    struct buf rules;     /* lines "ID: sentence" */
    struct buf exchange;  /* lines */
    struct buf why;       /* lines */
    struct buf unmatched; /* received bytes that no step matched, in hex */
};

struct report {
    struct span target; /* its name; borrowed */
    struct report_case *cases;
    size_t n;
    struct yajl_val_s *memory; /* holds the strings of a report that was read; NULL otherwise */
};

/* Which verdicts are failures. */
struct report_rules {
    bool strict;
    bool allow_unsupported;
};

void report_init(struct report *report, struct span target, size_t cases);
void report_free(struct report *report);

/* How many cases have each verdict. */
void report_count(const struct report *report, size_t counts[VERDICT_COUNT]);

/* Whether a verdict is not a failure. */
bool report_good(const struct report_rules *rules, enum verdict verdict);

/* Appends bytes in hex, with a space between bytes. */
void report_hex(struct span bytes, struct buf *out);

/* Appends text, and escapes the characters that XML and HTML treat as markup. */
void report_escape(struct span text, struct buf *out);

void report_json(const struct report *report, struct buf *out);
void report_tap(const struct report *report, const struct report_rules *rules, struct buf *out);
void report_junit(const struct report *report, const struct report_rules *rules, struct buf *out);

/* One page for one or more targets. */
void report_html(const struct report *reports, size_t n, struct buf *out);

/* The first line about a case on a terminal: verdict, id, level, title. */
void report_heading(const struct report_case *c, struct buf *out);

/* Text for a terminal: each case with a verdict other than pass, one line for all cases that are
 * unsupported for the same reason, and a line with the counts. */
void report_text(const struct report *report, const struct report_rules *rules, struct buf *out);

/* Reads what report_json wrote. False: `why` says what is wrong. */
bool report_read(struct report *report, struct span json, struct buf *why);

#endif
