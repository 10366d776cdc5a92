/* SPDX-License-Identifier: MIT */
/*
 * Owns: what happens with the file of --config: its bytes become values of flags, or an error line
 * that names the file, the place and the key. Must not know: how the file is read.
 */
#ifndef PROGRAM_CONFIG_FILE_H
#define PROGRAM_CONFIG_FILE_H

#include "program/start.h"
#include "program/toml.h"

#include <nsq/span.h>

/* A file of this many bytes or more is refused. */
#define CONFIG_FILE_MAX ((size_t)1 << 20)
/* The largest number of flags of a program. */
#define CONFIG_FILE_FLAGS_MAX 128

/*
 * Sets the field of each flag that is in the file and not on the command line (program/goconfig.h),
 * and notes its place. `bytes` are the first CONFIG_FILE_MAX bytes of the file, borrowed for the
 * call. Returns START_FATAL, with code 1 and a line in text->fatal, in three cases: the file is not
 * valid TOML; a key has a value that its flag does not accept; or the file has CONFIG_FILE_MAX
 * bytes or more. After START_FATAL, the fields must not be used. Otherwise returns START_RUN.
 *
 * *file is the document that the fields borrow strings from, or NULL. The caller frees it with
 * toml_free when the fields are no longer used.
 */
enum start_result config_file_read(const struct start_flags *flags, const char *path,
                                   struct span bytes, struct toml_document **file,
                                   struct start_text *text);

/* Writes to text->fatal the line of upstream's nsqd for a configuration file that cannot be read.
 * `why` is the reason, for example "open PATH: permission denied". Returns START_FATAL. */
enum start_result config_file_unreadable(const char *path, const char *why,
                                         struct start_text *text);

/* If the value of a flag is from the file, adds its place to text->fatal: " (PATH: line L, column
 * C: KEY)". `flag` is the name of the flag without dashes. `place` is that of struct start_flags.
 */
void config_file_add_place(const struct goflag_table *table, const struct start_place *place,
                           const char *path, struct span flag, struct start_text *text);

#endif
