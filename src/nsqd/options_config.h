/* SPDX-License-Identifier: MIT */
/*
 * Owns: what happens with the file of --config: its bytes become options, or an error line that
 * names the file, the place and the key. Must not know: how the file is read.
 */
#ifndef NSQD_OPTIONS_CONFIG_H
#define NSQD_OPTIONS_CONFIG_H

#include "nsqd/options.h"
#include "program/toml.h"

#include <nsq/span.h>

/* A file of this many bytes or more is refused. */
#define OPTIONS_CONFIG_MAX ((size_t)1 << 20)

/*
 * Sets each option that is in the file and not on the command line (program/goconfig.h). `bytes`
 * are the first OPTIONS_CONFIG_MAX bytes of the file, borrowed for the call. Returns OPTIONS_FATAL,
 * with code 1 and a line in text->fatal, in three cases: the file is not valid TOML; a key has a
 * value that its flag does not accept; or the file has OPTIONS_CONFIG_MAX bytes or more. After
 * OPTIONS_FATAL, the options must not be used. Otherwise returns OPTIONS_RUN.
 *
 * *file is the document that the options borrow strings from, or NULL. The caller frees it with
 * toml_free when the options are no longer used.
 */
enum options_result options_config_read(struct options *o, struct span bytes,
                                        struct toml_document **file, struct options_text *text);

/* Writes to text->fatal the line of upstream's nsqd for a configuration file that cannot be read.
 * `why` is the reason, for example "open PATH: permission denied". Returns OPTIONS_FATAL. */
enum options_result options_config_unreadable(const struct options *o, const char *why,
                                              struct options_text *text);

#endif
