/* SPDX-License-Identifier: MIT */
/*
 * Owns: the result of a run, with one entry for each case, sorted by id. The result can be written
 * as JSON, TAP, JUnit's XML, HTML, and text for a terminal. Only JSON can be read again. Must not
 * know: how cases are played.
 *
 * The date, the durations and the command line of a run are unknown after report_init. If they stay
 * unknown (--reproducible), equal runs write equal bytes.
 */
#ifndef CONFORM_REPORT_H
#define CONFORM_REPORT_H

#include <stdio.h>

#include "conform/player.h"

/* A case is unsupported if the server was not started with the flags of the case. Then the reason
 * begins with these words, and the flags follow. */
#define REPORT_LACKS_FLAGS "the server must be started with "

struct report_case {
    /* These texts are borrowed from the session file, or from the JSON that was read. */
    struct span id;
    struct span title;
    struct span level;
    struct span reqs; /* words with a space between them */
    struct span needs;
    struct span flags;
    struct span effect;
    struct span source;
    struct span path;
    enum verdict verdict;
    unsigned line;        /* the line in the file where the case failed; 0: the case did not fail */
    struct span reason;   /* from the file of known failures; borrowed */
    struct buf rules;     /* text lines "ID: sentence" */
    struct buf exchange;  /* text lines */
    struct buf why;       /* text lines */
    struct buf unmatched; /* received bytes that no step matched, in hex */
    int64_t ms;           /* how long the case took; -1: unknown */
};

struct report {
    struct span target;        /* the target's name; borrowed */
    enum server_kind server;   /* the tested program; always SERVER_NSQD if the report was read */
    struct buf target_version; /* from the target's answer to IDENTIFY; empty: unknown */
    struct buf suite;          /* the version of the suite */
    struct buf date;           /* when the run began, like "2026-01-31T23:59:59Z"; empty: unknown */
    struct buf command;        /* the command line of the run; empty: unknown */
    struct buf again; /* the beginning of the command that plays one case again: command_line.h */
    int64_t ms;       /* how long the run took; -1: unknown */
    struct report_case *cases;
    size_t n;
    struct yajl_val_s *memory; /* has the strings of a report that was read; otherwise NULL */
};

/* The options that decide which verdicts are failures. */
struct report_rules {
    bool strict;
    bool allow_unsupported;
};

/* Makes a report with this number of empty cases. */
void report_init(struct report *report, struct span target, size_t cases);
void report_free(struct report *report);

/* Frees all cases. The report keeps its room for cases. */
void report_drop_cases(struct report *report);

/* Sets `counts` to the number of cases with each verdict. */
void report_count(const struct report *report, size_t counts[VERDICT_COUNT]);

/* Returns true if, under these rules, the case is not a failure of the run. A case of level MUST
 * whose verdict changes between repetitions is a failure of the run. For a case of another level,
 * the report only shows the change. */
bool report_good(const struct report_rules *rules, const struct report_case *c);

/* Returns the area of a case: its id before the '/'. */
struct span report_area(struct span id);

/* Returns the level of a case, as a value of enum transcript_level. In a report that was read from
 * JSON, the level may be an unknown word. Then returns LEVEL_COUNT. */
unsigned report_level(const struct report_case *c);

/* Appends the command that plays a case again, for a shell. */
void report_again(const struct report *report, const struct report_case *c, struct buf *out);

/* Returns true if the verdict is a failure under these rules, and the case was played. */
bool report_failed(const struct report_rules *rules, const struct report_case *c);

/* Appends the file of a case, and the line where it failed: "pub/one.session:12". A finding about
 * the server has no file. */
void report_place(const struct report_case *c, struct buf *out);

/* Appends bytes in hex, with a space between bytes. */
void report_hex(struct span bytes, struct buf *out);

/* Appends text in which the special characters of XML and HTML are escaped. */
void report_escape(struct span text, struct buf *out);

void report_json(const struct report *report, struct buf *out);
void report_tap(const struct report *report, const struct report_rules *rules, struct buf *out);
void report_junit(const struct report *report, const struct report_rules *rules, struct buf *out);

/* Appends one HTML page for one or more targets. */
void report_html(const struct report *reports, size_t n, const struct report_rules *rules,
                 struct buf *out);

/* Appends the first line about a case for a terminal: verdict, id, level, title. */
void report_heading(const struct report_case *c, struct buf *out);

/* Appends text for a terminal. Failures come first. For all failures with the same cause
 * (report_cause.h), one of them is shown as an example, and the others only with their ids.
 * Unsupported cases with the same reason share one line (report_unsupported.h). At the end there
 * are a table by area and level, and a line with the counts. If unsupported cases are the only
 * reason for the exit code 1, a sentence before this line says so. */
void report_text(const struct report *report, const struct report_rules *rules, struct buf *out);

/* Reads JSON that report_json has written. Returns false if the JSON is wrong. Then `why` is the
 * reason. */
bool report_read(struct report *report, struct span json, struct buf *why);

#endif
