/* SPDX-License-Identifier: MIT */
/*
 * Prints what the pure parts of the start have decided, and joins the listeners, the signals and
 * the server. Must not call exit(): main() returns the exit code.
 */
#include "program/process.h"

#include <nsq/version.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "shell/machine.h"
#include "shell/signals.h"
#include "shell/standard_output.h"

#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
const bool process_frees_at_end = true;
#else
const bool process_frees_at_end = false;
#endif

/* Descriptors for listeners, files, pipes and everything else that is not a connection. */
#define DESCRIPTOR_RESERVE 64

int process_fatal(const char *program, const char *reason)
{
    char prefix[64];
    snprintf(prefix, sizeof prefix, "[%s] ", program);
    struct log_writer w = {.fd = STDERR_FILENO, .prefix = prefix, .least = LOG_FATAL};
    /* The reason is the form itself, so that words of the user in it are not escaped. */
    log_writer_add(&w, LOG_FATAL, reason, NULL, 0);
    log_writer_free(&w);
    return EXIT_FAILURE;
}

int process_fatal_start(const char *program, const char *reason)
{
    char buf[START_LINE_MAX];
    struct line line;
    line_start(&line, buf, sizeof buf);
    line_add(&line, "failed to instantiate %s - %s", program, reason);
    return process_fatal(program, line.p);
}

int process_end(const char *program, enum start_result result, const struct start_text *text)
{
    if (result == START_FATAL) {
        return process_fatal(program, text->fatal);
    }
    fputs(text->out, stdout);
    fputs(text->err, stderr);
    return standard_output_end(program) ? text->code : EXIT_FAILURE;
}

enum start_result process_read_config(const struct start_flags *flags, const char *path,
                                      struct toml_document **file, struct start_text *text)
{
    *file = NULL;
    if (path[0] == '\0') {
        return START_RUN;
    }
    char why[MACHINE_WHY_MAX];
    struct buf bytes = {0};
    enum start_result result = machine_read_file(path, CONFIG_FILE_MAX, &bytes, why)
                                   ? config_file_read(flags, path, buf_span(&bytes), file, text)
                                   : config_file_unreadable(path, why, text);
    buf_free(&bytes);
    return result;
}

void process_log_version(struct log_writer *log, const char *program)
{
    log_write(log, LOG_INFO, "% v% (built w/c11-nsqref-%)", log_text(program),
              SPAN(NSQ_COMPATIBILITY), SPAN(NSQREF_VERSION));
}

size_t process_max_connections(int64_t wanted, size_t descriptors)
{
    if (wanted > 0) {
        return (size_t)wanted;
    }
    return descriptors > 2 * DESCRIPTOR_RESERVE ? descriptors - DESCRIPTOR_RESERVE
                                                : descriptors / 2;
}

/* Returns the server, or NULL with the reason. */
static struct tcp_server *start(const struct process_service *s, char why[START_LINE_MAX])
{
    char reason[MACHINE_REASON_MAX];
    int end_fd = signals_open();
    if (end_fd < 0) {
        snprintf(why, START_LINE_MAX, "no file descriptor is left for signals");
        return NULL;
    }
    struct waiter waiter = s->waiter();
    if (waiter.self == NULL) {
        snprintf(why, START_LINE_MAX, "no file descriptor is left for epoll");
        return NULL;
    }
    struct tcp_server *server = tcp_server_new(s->handler, waiter, s->log, end_fd);
    if (server != NULL && listeners_hand_over(s->listeners, server)) {
        return server;
    }
    machine_reason(errno, reason);
    snprintf(why, START_LINE_MAX, "cannot wait for connections: %s", reason);
    if (server != NULL) {
        tcp_server_free(server);
    }
    return NULL;
}

int process_serve(const struct process_service *s)
{
    char why[START_LINE_MAX];
    struct tcp_server *server = start(s, why);
    log_writer_flush(s->log);
    if (server == NULL) {
        listeners_clean_up(s->listeners);
        return process_fatal_start(s->program, why);
    }
    bool ended_well = tcp_server_run(server);
    tcp_server_free(server);
    listeners_clean_up(s->listeners);
    if (s->bye != NULL) {
        log_write(s->log, LOG_INFO, s->bye, SPAN(""));
    }
    return ended_well ? EXIT_SUCCESS : EXIT_FAILURE;
}
