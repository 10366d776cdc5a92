/* SPDX-License-Identifier: MIT */
/*
 * Owns: what the program does when a server ends during a run. The cases that the server was
 * playing, or had played just before, are suspects. The server is started again, and each suspect
 * is played alone. A suspect that ends the server again has the verdict DIED. Some cases were not
 * played at all, because the server had ended before. They are played last. A batch is the servers
 * that run at the same time (servers.h). Must not know: how a case is played.
 */
#ifndef CONFORM_DEATHS_H
#define CONFORM_DEATHS_H

#include "base/time.h"
#include "conform/report.h"
#include "conform/servers.h"

/* A server that ends repeatedly is started at most this number of times in a batch. After that, its
 * cases that were not played stay unreachable. */
#define DEATHS_MAX 100

/* Whether a server accepted connections when a case was played. */
enum presence {
    PRESENCE_UNKNOWN, /* the case was not played, or was played without a server */
    PRESENCE_THERE,
    PRESENCE_GONE_BEFORE, /* the server was gone when the case began, so it was not played */
    PRESENCE_GONE_AFTER,  /* the server was gone when the case ended */
};

/* When a process ends, it closes its sockets one after another. So a server may still accept
 * connections for a short time after a case has made it end. Therefore the cases that ended shortly
 * before the program noticed the end of the server are suspects too. "Shortly before" is at most
 * this time. */
#define DEATHS_WITHIN (500 * TIME_MS)

#define DEATHS_NONE SIZE_MAX

struct deaths {
    void *context;
    /* Plays these cases. Notes the verdict of each in the report, and calls deaths_note. */
    void (*play)(void *context, const size_t *cases, size_t n);
    struct servers *servers; /* borrowed; NULL: this program has not started the server and cannot
                              * restart it */
    struct report *report;   /* borrowed */
    FILE *err;               /* gets a line for each server that has ended */
    size_t n;
    enum presence *presence;  /* for each case */
    int64_t *ended;           /* for each case: ns since the run began */
    size_t last[SERVERS_MAX]; /* for each server: the case that ended last, or DEATHS_NONE */
};

void deaths_init(struct deaths *d, struct report *report, FILE *err);
void deaths_free(struct deaths *d);

/* Must be called when a batch of servers begins. */
void deaths_begin(struct deaths *d);

/* Case `i` ended at the time `ended`. Stores this time, and whether the server of the case was
 * there. Times count from the beginning of the run. */
void deaths_note(struct deaths *d, size_t i, enum presence presence, int64_t ended);

/* Must be called when all cases of a batch were played, before the servers are stopped. */
void deaths_settle(struct deaths *d);

#endif
