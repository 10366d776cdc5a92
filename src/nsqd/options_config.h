/* SPDX-License-Identifier: MIT */
/*
 * Owns: the treatment of --config for as long as the settings in the file are not read (there is no
 * TOML parser among the dependencies). A file may restrict who can connect. A server that ignored
 * that would be open where its owner believes it to be closed. So the file is searched, line by
 * line, for the keys that restrict access; a doubtful line counts as a restriction.
 */
#ifndef NSQD_OPTIONS_CONFIG_H
#define NSQD_OPTIONS_CONFIG_H

#include "nsqd/options.h"

#include <nsq/span.h>

/* A file of this many bytes or more is refused, because its end is not searched. */
#define OPTIONS_CONFIG_MAX ((size_t)1 << 20)

/*
 * The rule. A key is the first word of a line, after blanks and the '[' of a table. It is bare or
 * in quotes, and '=', '.' or ']' follows, maybe after blanks. The start is refused when
 *   - the key is tls_required, tls_client_auth_policy, auth_http_addresses or tcp_address
 * (listening on one address only restricts access too), its value restricts access (it is not
 * false, "",
 *     [] or "0.0.0.0:4150"; a comment may follow), and its flag is not on the command line, which
 *     would override the file;
 *   - the key is in quotes and contains a backslash, because it may spell any of these keys;
 *   - the file has OPTIONS_CONFIG_MAX bytes or more.
 * Lines inside a table, or inside a string of several lines, are judged like any other line.
 *
 * Returns OPTIONS_RUN, or OPTIONS_FATAL with code 1 and a line in text->fatal. `bytes` are the
 * first OPTIONS_CONFIG_MAX bytes of the file, borrowed for the call.
 */
enum options_result options_config_check(const struct options *o, struct span bytes,
                                         struct options_text *text);

/* nsqd's line for a file that cannot be read; `why` is such as "open PATH: permission denied". */
enum options_result options_config_unreadable(const struct options *o, const char *why,
                                              struct options_text *text);

#endif
