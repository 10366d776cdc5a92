/* SPDX-License-Identifier: MIT */
/*
 * Owns: the start and the end of a server's process: the texts with which it ends, the file of
 * --config, and the loop that waits for connections. `program` is the name of the program, for
 * example "nsqd". Must not know: the flags, or the protocols.
 */
#ifndef PROGRAM_PROCESS_H
#define PROGRAM_PROCESS_H

#include "program/config_file.h"
#include "program/listeners.h"
#include "program/start.h"
#include "shell/log_line.h"
#include "shell/tcp_server.h"

/* True in a build with a sanitizer: the program frees all memory at its end, because the sanitizer
 * reports memory that was not freed. False in other builds: the kernel frees all memory at once. To
 * free millions of messages one by one would take seconds. */
extern const bool process_frees_at_end;

/* Logs a line of level FATAL. Returns the exit code. Upstream's programs write this line with the
 * prefix "[PROGRAM] " even when --log-prefix differs. */
int process_fatal(const char *program, const char *reason);

/* Does the same for a server that cannot start, with a line that says so. */
int process_fatal_start(const char *program, const char *reason);

/* Ends the program because start_parse has returned a result other than START_RUN. Prints the
 * texts. Returns the exit code. */
int process_end(const char *program, enum start_result result, const struct start_text *text);

/* Reads the file of --config, whose path is "" when there is none. The fields borrow strings from
 * *file, which the caller frees with toml_free. Returns START_RUN or START_FATAL. */
enum start_result process_read_config(const struct start_flags *flags, const char *path,
                                      struct toml_document **file, struct start_text *text);

/* Logs the first line of a server: its name and versions. */
void process_log_version(struct log_writer *log, const char *program);

/* Returns the value of --max-connections. If `wanted` is 0, it is the limit of file descriptors
 * minus a reserve for everything that is not a connection. */
size_t process_max_connections(int64_t wanted, size_t descriptors);

/* What a server needs to wait for connections. Everything is borrowed. */
struct process_service {
    const char *program;
    struct tcp_handler handler;
    struct waiter (*waiter)(void); /* waiter_poll or waiter_epoll */
    struct listeners *listeners;   /* which are open */
    struct log_writer *log;
    const char *bye; /* the last line of the log; NULL: there is none */
};

/* Serves at the listeners until a signal requests the exit, then closes them. When the server
 * cannot start, logs the reason. Returns the exit code. Must be called only once. */
int process_serve(const struct process_service *service);

#endif
