/* SPDX-License-Identifier: MIT */
/*
 * Owns: the start and the end of the process: command line, data path, engine, server. Must not
 * know the protocol, or how the server waits.
 */
#include <nsq/version.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "base/time.h"
#include "engine/engine.h"
#include "nsqd/configure.h"
#include "nsqd/listeners.h"
#include "nsqd/node_id.h"
#include "nsqd/option_texts.h"
#include "nsqd/options.h"
#include "nsqd/options_check.h"
#include "nsqd/options_config.h"
#include "nsqd/tls_files.h"
#include "shell/allocator.h"
#include "shell/clock.h"
#include "shell/log_line.h"
#include "shell/machine.h"
#include "shell/memory_limit.h"
#include "shell/signals.h"
#include "shell/standard_output.h"
#include "shell/tcp_server.h"

/* Upstream's nsqd writes this line with the prefix "[nsqd] " even when --log-prefix differs. */
static int fatal(const char *reason)
{
    struct log_writer w = {.fd = STDERR_FILENO, .prefix = "[nsqd] ", .least = LOG_FATAL};
    /* The reason is the form itself, so that words of the user in it are not escaped. */
    log_writer_add(&w, LOG_FATAL, reason, NULL, 0);
    log_writer_free(&w);
    return EXIT_FAILURE;
}

static int fatal_start(const char *reason)
{
    char line[OPTIONS_LINE_MAX];
    snprintf(line, sizeof line, "failed to instantiate nsqd - %s", reason);
    return fatal(line);
}

/* Reads the file of --config. The options borrow strings from *file, which the caller frees. */
static enum options_result read_config(struct options *o, struct toml_document **file,
                                       struct options_text *text)
{
    *file = NULL;
    if (o->config[0] == '\0') {
        return OPTIONS_RUN;
    }
    char why[MACHINE_WHY_MAX];
    struct buf bytes = {0};
    enum options_result result = machine_read_file(o->config, OPTIONS_CONFIG_MAX, &bytes, why)
                                     ? options_config_read(o, buf_span(&bytes), file, text)
                                     : options_config_unreadable(o, why, text);
    buf_free(&bytes);
    return result;
}

/* Fills in the facts about the machine. `host` is a buffer for its name. Returns false when the
 * machine has no source of random bytes. */
static bool ask_machine(struct configure_machine *machine, char host[MACHINE_HOST_MAX])
{
    machine_host(host);
    machine->host = text_span(host);
    machine->started = clock_now();
    machine->start_time = (machine->started + clock_wall_offset()) / TIME_SECOND;
    machine->zone = clock_zone(machine->start_time);
    machine->memory = memory_limit("");
    machine->descriptors = machine_descriptors();
    return machine_random(&machine->seed, sizeof machine->seed);
}

static void log_start(struct log_writer *log, const struct options *o)
{
    char id[TEXT_DECIMAL_MAX];
    char line[OPTIONS_LINE_MAX];
    size_t at = 0;
    log_write(log, LOG_INFO, "nsqd v% (built w/c11-nsqref-%)", SPAN(NSQ_COMPATIBILITY),
              SPAN(NSQREF_VERSION));
    log_write(log, LOG_INFO, "ID: %", text_decimal(id, o->node_id));
    while (options_warning(o, &at, line)) {
        log_write(log, LOG_WARNING, "%", log_text(line));
    }
}

/* Returns a codec for TLS as a client, for requests to auth servers. */
static struct codec connect_tls(void *self, const char *server_name)
{
    return tls_connect(self, server_name);
}

static void configure_tls(struct engine_config *config, const struct tls_files *files)
{
    if (files->server != NULL) {
        config->v2.tls = tls_server(files->server);
        config->https_tls = tls_https_server(files->server);
    }
    if (files->client != NULL) {
        config->auth.tls = (struct http_tls){
            .connect = connect_tls, .self = files->client, .cost = tls_server(files->client).cost};
    }
}

/* The sanitizers look for memory that was not freed. */
#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
static const bool frees_at_end = true;
#else
static const bool frees_at_end = false;
#endif

/* Frees the engine, unless the process ends anyway. Then the kernel frees all memory at once. To
 * free millions of messages one by one would take seconds. */
static void end_engine(struct engine *engine)
{
    if (frees_at_end) {
        engine_free(engine);
    }
}

/* Returns a server that waits for connections and for the end, or NULL with the reason. */
static struct tcp_server *start_server(struct engine *engine, struct waiter waiter,
                                       struct log_writer *log, struct listeners *listeners,
                                       int end_fd, char why[MACHINE_REASON_MAX])
{
    struct tcp_server *server = tcp_server_new(engine_handler(engine), waiter, log, end_fd);
    if (server != NULL && listeners_hand_over(listeners, server)) {
        return server;
    }
    machine_reason(errno, why);
    if (server != NULL) {
        tcp_server_free(server);
    }
    return NULL;
}

/* The start has failed after the server has begun to listen. */
static int fail_to_wait(struct listeners *listeners, struct log_writer *log, const char *reason)
{
    log_writer_flush(log);
    listeners_clean_up(listeners);
    return fatal_start(reason);
}

/* Serves at the listeners until a signal requests the exit. */
static int serve_at(struct listeners *listeners, const struct options *o,
                    const struct engine_config *config, struct log_writer *log)
{
    char why[MACHINE_REASON_MAX];
    int end_fd = signals_open();
    if (end_fd < 0) {
        return fail_to_wait(listeners, log, "no file descriptor is left for signals");
    }
    struct waiter waiter = o->waiter == OPTIONS_WAITER_EPOLL ? waiter_epoll() : waiter_poll();
    if (waiter.self == NULL) {
        return fail_to_wait(listeners, log, "no file descriptor is left for epoll");
    }
    struct engine *engine = engine_new(config);
    struct tcp_server *server = start_server(engine, waiter, log, listeners, end_fd, why);
    if (server == NULL) {
        char line[OPTIONS_LINE_MAX];
        snprintf(line, sizeof line, "cannot wait for connections: %s", why);
        engine_free(engine);
        return fail_to_wait(listeners, log, line);
    }
    log_writer_flush(log);
    bool ended_well = tcp_server_run(server);
    tcp_server_free(server);
    end_engine(engine);
    listeners_clean_up(listeners);
    log_write(log, LOG_INFO, "NSQ: bye", SPAN(""));
    return ended_well ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Opens the listeners, and serves. */
static int serve(const struct options *o, const struct tls_files *files, struct log_writer *log)
{
    struct configure_machine machine;
    struct listeners listeners;
    char host[MACHINE_HOST_MAX];
    char why[OPTIONS_LINE_MAX];
    if (!ask_machine(&machine, host)) {
        return fatal_start("cannot read random bytes from /dev/urandom");
    }
    log_start(log, o);
    if (!listeners_open(&listeners, o, why)) {
        log_writer_flush(log);
        return fatal_start(why);
    }
    for (unsigned i = 0; i < ENGINE_LISTENERS; i++) {
        machine.ports[i] = listeners_port(&listeners, i);
    }
    struct option_texts texts;
    const struct option_texts_start start = {.tcp_port = machine.ports[ENGINE_TCP],
                                             .http_port = machine.ports[ENGINE_HTTP]};
    option_texts_init(&texts, o, &start);
    struct engine_config config = configure(o, &machine);
    config.about.quantiles = texts.quantiles;
    config.about.settings = texts.settings;
    config.about.setting_count = texts.count;
    configure_tls(&config, files);
    int code = serve_at(&listeners, o, &config, log);
    option_texts_free(&texts);
    return code;
}

/* Does the last checks of a start, then serves. */
static int check_and_serve(const struct options *o, struct tls_files *files,
                           struct options_text *text)
{
    const struct options_tls tls = {
        .serve = tls_files_serve, .request = tls_files_request, .context = files};
    if (options_check(o, &tls, text) != OPTIONS_RUN) {
        return fatal(text->fatal);
    }
    struct log_writer log = {
        .fd = STDERR_FILENO, .prefix = o->log_prefix, .least = (enum log_level)o->log_level};
    int code = serve(o, files, &log);
    log_writer_free(&log);
    return code;
}

/* Locks the data path, then starts. */
static int lock_and_serve(const struct options *o, struct options_text *text)
{
    char why[MACHINE_WHY_MAX];
    if (!machine_lock_folder(o->data_path[0] == '\0' ? "." : o->data_path, why)) {
        char line[OPTIONS_LINE_MAX];
        snprintf(line, sizeof line, "failed to lock data-path: %s", why);
        return fatal_start(line);
    }
    struct tls_files files = {NULL, NULL};
    int code = check_and_serve(o, &files, text);
    tls_files_free(&files);
    return code;
}

static int run(struct options *o, struct options_text *text)
{
    struct toml_document *file;
    int code =
        read_config(o, &file, text) == OPTIONS_RUN ? lock_and_serve(o, text) : fatal(text->fatal);
    toml_free(file);
    return code;
}

int main(int argc, char **argv)
{
    char host_name[MACHINE_HOST_MAX];
    machine_fill_standard();
    allocator_tune();
    machine_host(host_name);
    const struct options_host host = {.name = host_name, .node_id = node_id_of_host(host_name)};
    static struct options options;
    static struct options_text text;
    switch (options_parse(&options, argc, argv, &host, &text)) {
    case OPTIONS_RUN:
        return run(&options, &text);
    case OPTIONS_FATAL:
        return fatal(text.fatal);
    default:
        fputs(text.out, stdout);
        fputs(text.err, stderr);
        return standard_output_end("nsqd") ? text.code : EXIT_FAILURE;
    }
}
