/* SPDX-License-Identifier: MIT */
/*
 * Owns: the questions that a server is asked before any case is played: does it accept connections,
 * does it take the magic, does it answer a PUB, does it deliver a message? An nsqlookupd is asked
 * whether it answers a PING. If one answer is no, nearly all cases would fail for this one reason.
 * Then the report shows only this result, which is called the finding. Must not know: which cases
 * there are.
 */
#ifndef CONFORM_PREFLIGHT_H
#define CONFORM_PREFLIGHT_H

#include "conform/report.h"
#include "conform/run_case.h"

struct preflight {
    bool passed;
    struct span id; /* the id of the question with the answer no, for example "preflight/pub" */
    struct span title;
    struct case_result result; /* of this question */
    bool ignores_unknown;      /* the server does not answer commands that it does not know */
};

/* Asks the server at setting->target. If `whole` is false, asks only whether it accepts
 * connections. The caller frees the result with preflight_free. */
void preflight_run(const struct case_setting *setting, enum server_kind server, bool whole,
                   struct preflight *preflight);
void preflight_free(struct preflight *preflight);

/* Fills the finding for a server that was started and did not become ready. `why` is copied. */
void preflight_no_server(struct span why, struct preflight *preflight);

/* Frees all cases of the report. Then the finding is its only case. */
void preflight_report(const struct preflight *preflight, struct report *report);

/* Returns true if the case is such a finding. */
bool preflight_is_finding(const struct report_case *c);

#endif
