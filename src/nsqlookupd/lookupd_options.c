/* SPDX-License-Identifier: MIT */
/*
 * The flag table of upstream's nsqlookupd 1.3.0, in the order of its struct, and our own flags.
 * Names, kinds and defaults are those of upstream's nsqlookupd. Must not print or exit.
 */
#include "nsqlookupd/lookupd_options.h"

#include <string.h>

#include "program/bounds.h"
#include "program/config_file.h"

#define AT(member) offsetof(struct lookupd_options, member)
#define NO_WARNING NULL

/* The columns are: name, kind, field, default, warning, function that reads a WORD, help. */
static const struct goflag flags[] = {
    {"version", GOFLAG_BOOL, AT(version), "false", NO_WARNING, NULL, "print the version and exit"},
    {"config", GOFLAG_STRING, AT(config), "", NO_WARNING, NULL, "TOML file with settings"},
    {"log-level", GOFLAG_WORD, AT(log_level), "info", NO_WARNING, start_log_level,
     "lowest level to log: debug, info, warn, error, fatal"},
    {"log-prefix", GOFLAG_STRING, AT(log_prefix), "[nsqlookupd] ", NO_WARNING, NULL,
     "text at the start of every log line"},
    {"verbose", GOFLAG_BOOL, AT(verbose), "false", NO_WARNING, NULL,
     "does nothing (an old flag): see -log-level"},

    {"tcp-address", GOFLAG_STRING, AT(tcp_address), "0.0.0.0:4160", NO_WARNING, NULL,
     "address for nsqd and other producers: HOST:PORT"},
    {"http-address", GOFLAG_STRING, AT(http_address), "0.0.0.0:4161", NO_WARNING, NULL,
     "address for HTTP clients: HOST:PORT"},
    {"broadcast-address", GOFLAG_STRING, AT(broadcast_address), NULL, NO_WARNING, NULL,
     "host name of this nsqlookupd, which it tells to nsqd (default: this host's)"},

    {"inactive-producer-timeout", GOFLAG_DURATION, AT(inactive_producer_timeout), "5m0s",
     NO_WARNING, NULL, "time after its last PING at which a producer is no longer shown"},
    {"tombstone-lifetime", GOFLAG_DURATION, AT(tombstone_lifetime), "45s", NO_WARNING, NULL,
     "how long a tombstone hides a producer of a topic"},

    {"max-registrations", GOFLAG_INT, AT(max_registrations), "100000", NO_WARNING, NULL,
     "most topics and channels that one connection may register"},
    {"max-connections", GOFLAG_INT, AT(max_connections), "0", NO_WARNING, NULL,
     "most connections at a time; 0: as many as the descriptor limit allows"},
    {"magic-timeout", GOFLAG_DURATION, AT(magic_timeout), "1m", NO_WARNING, NULL,
     "how long a client may take to send its first four bytes, then its first IDENTIFY, then each "
     "command, and to take replies"},
    {"memory-bytes", GOFLAG_INT, AT(memory_bytes), "0", NO_WARNING, NULL,
     "memory budget in bytes for registrations and clients; 0: a quarter of the memory that this "
     "process may use: of the machine, of its control group, or of RLIMIT_AS, whichever is "
     "smallest"},
};
_Static_assert(sizeof flags / sizeof flags[0] == LOOKUPD_OPTIONS_COUNT, "one row for each flag");

static const struct goflag_key keys[] = {
    {"version", NULL},
    {"config", NULL},
    {"verbose", NULL},
};

const struct goflag_table lookupd_options_table = {.program = LOOKUPD_OPTIONS_PROGRAM,
                                                   .rows = flags,
                                                   .n = LOOKUPD_OPTIONS_COUNT,
                                                   .keys = keys,
                                                   .key_count = sizeof keys / sizeof keys[0]};

/* Only flags of our own: upstream's nsqlookupd checks nothing. */
static const struct bound bounds[] = {
    {"max-registrations", AT(max_registrations), NULL, 1, INT64_MAX, "must be at least 1"},
    {"max-connections", AT(max_connections), NULL, 0, INT64_MAX, "must not be negative"},
    {"magic-timeout", AT(magic_timeout), NULL, 1, INT64_MAX, "must be at least 1ns"},
    {"memory-bytes", AT(memory_bytes), NULL, 0, INT64_MAX, "must not be negative"},
};

struct start_flags lookupd_options_flags(struct lookupd_options *o)
{
    return (struct start_flags){.table = &lookupd_options_table,
                                .into = o,
                                .given = o->given,
                                .place = o->place,
                                .version = &o->version};
}

enum start_result lookupd_options_parse(struct lookupd_options *o, int argc, char *const *argv,
                                        const char *host, struct start_text *text)
{
    const struct start_flags fields = lookupd_options_flags(o);
    memset(o, 0, sizeof *o);
    goflag_defaults(&lookupd_options_table, o);
    o->broadcast_address = host;
    return start_parse(&fields, argc, argv, text);
}

enum start_result lookupd_options_check(const struct lookupd_options *o, struct start_text *text)
{
    const struct bound *broken = bounds_broken(bounds, sizeof bounds / sizeof bounds[0], o);
    if (broken == NULL) {
        return START_RUN;
    }
    enum start_result result =
        start_fail(text, "failed to instantiate " LOOKUPD_OPTIONS_PROGRAM " - --%s %s",
                   broken->name, broken->rule);
    config_file_add_place(&lookupd_options_table, o->place, o->config,
                          span_make(broken->name, strlen(broken->name)), text);
    return result;
}
