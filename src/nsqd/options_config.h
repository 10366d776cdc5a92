/* SPDX-License-Identifier: MIT */
/*
 * Owns: what is done with --config as long as the file's settings are not read (there is no TOML
 * parser among the dependencies). A file may restrict who can connect; to start without that would
 * leave open what its owner believes closed. So the file is searched for the keys that restrict
 * access, by lines and on the safe side: what cannot be told is taken as a restriction.
 */
#ifndef NSQD_OPTIONS_CONFIG_H
#define NSQD_OPTIONS_CONFIG_H

#include "nsqd/options.h"

#include <nsq/span.h>

/* A file of this many bytes or more is refused: its end is not looked at. */
#define OPTIONS_CONFIG_MAX ((size_t)1 << 20)

/*
 * The rule. A key is the first thing of a line, behind blanks and the '[' of a table: bare letters,
 * or in quotes; '=', '.' or ']' follows, with blanks before it. The start is refused when
 *   - the key is tls_required, tls_client_auth_policy, auth_http_addresses or tcp_address (to
 *     listen on one address only restricts access too), its value is not the one that restricts
 *     nothing (false, "", [], "0.0.0.0:4150"; a comment may follow), and its flag is not on the
 *     command line, which would have gone before it;
 *   - the key is in quotes with a backslash in it, because it may spell any of these;
 *   - there are OPTIONS_CONFIG_MAX bytes or more.
 * Lines inside a table or a string of several lines are judged like any other.
 *
 * Returns OPTIONS_RUN, or OPTIONS_FATAL with code 1 and a line in text->fatal. Borrows bytes, the
 * file's contents or as much of them, for the call.
 */
enum options_result options_config_check(const struct options *o, struct span bytes,
                                         struct options_text *text);

/* nsqd's line for a file that cannot be read; why is as in struct options_files. */
enum options_result options_config_unreadable(const struct options *o, const char *why,
                                              struct options_text *text);

#endif
