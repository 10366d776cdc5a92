/* SPDX-License-Identifier: MIT */
/*
 * Owns: the handling of --config. This server has no TOML parser, so it does not use the settings
 * in the file. A file may restrict which clients can connect. If the server ignored the file,
 * clients could connect although the file's author has forbidden it. So the file is searched, line
 * by line, for the keys that restrict access. A doubtful line counts as a restriction.
 */
#ifndef NSQD_OPTIONS_CONFIG_H
#define NSQD_OPTIONS_CONFIG_H

#include "nsqd/options.h"

#include <nsq/span.h>

/* A file of this many bytes or more is refused, because its end is not searched. */
#define OPTIONS_CONFIG_MAX ((size_t)1 << 20)

/*
 * Checks the configuration file.
 *
 * A key is the first word of a line of the TOML file. Blanks and one '[' may stand before a key.
 * The key may be in quotes. A word is a key only if '=', '.' or ']' follows, perhaps after blanks.
 * The text after this character is the value. The start is refused in each of these cases:
 *   - The key is tls_required, tls_client_auth_policy, auth_http_addresses or tcp_address, its
 *     value restricts access, and its flag is not on the command line. (The flag would override the
 *     file. tcp_address is in this list because a server that listens on only one address restricts
 *     access too.) A value restricts access unless it is false, "", [] or "0.0.0.0:4150". A comment
 *     may follow the value.
 *   - The key is in quotes and contains a backslash. With escapes, such a key may mean any of these
 *     keys.
 *   - The file has OPTIONS_CONFIG_MAX bytes or more.
 * Lines inside a table, or inside a string of several lines, are handled like any other line.
 *
 * Returns OPTIONS_FATAL, with code 1 and a line in text->fatal, when the start is refused.
 * Otherwise returns OPTIONS_RUN. `bytes` are the first OPTIONS_CONFIG_MAX bytes of the file,
 * borrowed for the call.
 */
enum options_result options_config_check(const struct options *o, struct span bytes,
                                         struct options_text *text);

/* Writes to text->fatal the line of upstream's nsqd for a configuration file that cannot be read.
 * `why` is the reason, for example "open PATH: permission denied". Returns OPTIONS_FATAL. */
enum options_result options_config_unreadable(const struct options *o, const char *why,
                                              struct options_text *text);

#endif
