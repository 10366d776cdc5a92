/* SPDX-License-Identifier: MIT */
/*
 * The command line of nsqlookupd in one struct: every flag of upstream's nsqlookupd 1.3.0, and
 * flags of our own.
 *
 * Owns: the table of flags and the checks of their values. Every function here is pure. The order
 * of calls is:
 *
 *     lookupd_options_parse -> (process_read_config) -> lookupd_options_check -> run
 */
#ifndef NSQLOOKUPD_LOOKUPD_OPTIONS_H
#define NSQLOOKUPD_LOOKUPD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "program/start.h"

#define LOOKUPD_OPTIONS_PROGRAM "nsqlookupd"

/* Rows of the table: the 10 flags of upstream's nsqlookupd 1.3.0 and four flags of our own. */
#define LOOKUPD_OPTIONS_COUNT 14

/*
 * Durations are in nanoseconds. A duration may be any int64, because upstream's nsqlookupd does not
 * limit durations. So code that adds a duration to a time must saturate. Strings are never NULL.
 * They are borrowed from argv, from the configuration file (program/config_file.h) or from the
 * caller of lookupd_options_parse, or they are literals.
 */
struct lookupd_options {
    bool version;
    const char *config; /* path; "": none */
    int64_t log_level;  /* enum log_level (base/log.h) */
    const char *log_prefix;
    bool verbose; /* does nothing, as in upstream's nsqlookupd */

    const char *tcp_address; /* host:port; "": any port */
    const char *http_address;
    const char *broadcast_address;

    int64_t inactive_producer_timeout;
    int64_t tombstone_lifetime;

    /* Four flags of our own. Each one limits the resources that peers can use. */

    /* The largest number of registrations of one connection. Without this limit, one client could
     * use up the whole memory budget, and then no other client could register. */
    int64_t max_registrations;
    /* The largest number of connections at the same time. Without this limit, a flood of
     * connections could use up the file descriptors or the memory. 0: the limit of file descriptors
     * minus a reserve. */
    int64_t max_connections;
    /* ns; a client must send the first four bytes within this time. Without this limit, clients
     * that send nothing could keep all connections that --max-connections allows. */
    int64_t magic_timeout;
    /* The memory budget. Without this limit, many clients together could use up the memory of the
     * machine. 0: a quarter of the memory that the process may use. */
    int64_t memory_bytes;

    /* As in struct start_flags. */
    bool given[LOOKUPD_OPTIONS_COUNT];
    struct start_place place[LOOKUPD_OPTIONS_COUNT];
};

/* The table of flags. Its fields are those of struct lookupd_options. */
extern const struct goflag_table lookupd_options_table;

/* The table with the fields of `o`, for program/config_file.h. Borrows `o`. */
struct start_flags lookupd_options_flags(struct lookupd_options *o);

/* Sets all defaults, then reads the arguments from argv[1] on. *o and *text need not be
 * initialised. argv is borrowed, and so is `host`, which is the host's name: the default value of
 * --broadcast-address. Returns the result of start_parse. */
enum start_result lookupd_options_parse(struct lookupd_options *o, int argc, char *const *argv,
                                        const char *host, struct start_text *text);

/* Returns START_RUN when all values are good. Otherwise returns START_FATAL, with code 1 and
 * "failed to instantiate nsqlookupd - REASON" in `fatal`. If the value is from the file of
 * --config, its place follows: " (FILE: line L, column C: KEY)". */
enum start_result lookupd_options_check(const struct lookupd_options *o, struct start_text *text);

#endif
