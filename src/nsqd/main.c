/* SPDX-License-Identifier: MIT */
/*
 * Owns: the start and the end of the process: command line, data path, engine, server. Must not
 * know the protocol, or how the server waits.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "base/time.h"
#include "engine/engine.h"
#include "nsqd/configure.h"
#include "nsqd/node_id.h"
#include "nsqd/option_texts.h"
#include "nsqd/options.h"
#include "nsqd/options_check.h"
#include "nsqd/tls_files.h"
#include "program/listeners.h"
#include "program/process.h"
#include "shell/allocator.h"
#include "shell/clock.h"
#include "shell/log_line.h"
#include "shell/machine.h"
#include "shell/memory_limit.h"

#define PROGRAM "nsqd"

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
    char line[START_LINE_MAX];
    size_t at = 0;
    process_log_version(log, PROGRAM);
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
        config->peers.channels.tls = config->auth.tls;
    }
}

/* Serves at the listeners until a signal requests the exit. */
static int serve_at(struct listeners *listeners, const struct options *o,
                    const struct engine_config *config, struct log_writer *log)
{
    struct engine *engine = engine_new(config);
    const struct process_service service = {
        .program = PROGRAM,
        .handler = engine_handler(engine),
        .waiter = o->waiter == OPTIONS_WAITER_EPOLL ? waiter_epoll : waiter_poll,
        .listeners = listeners,
        .log = log,
        .bye = "NSQ: bye"};
    int code = process_serve(&service);
    if (process_frees_at_end) {
        engine_free(engine);
    }
    return code;
}

/* Opens the listeners in the order of upstream's nsqd: TCP, HTTP, HTTPS. HTTP is not served when
 * --http-address is empty. HTTPS is served only when the server has a certificate and
 * --https-address is not empty. HTTPS does not use unix sockets, as in upstream's nsqd. */
static bool open_listeners(struct listeners *l, const struct options *o, char why[START_LINE_MAX])
{
    bool http = o->http_address[0] != '\0';
    bool https = options_offer_tls(o) && o->https_address[0] != '\0';
    listeners_init(l);
    return listeners_open(l, ENGINE_TCP, "TCP", o->tcp_address, LISTENERS_ANY, why) &&
           (!http || listeners_open(l, ENGINE_HTTP, "HTTP", o->http_address, LISTENERS_ANY, why)) &&
           (!https ||
            listeners_open(l, ENGINE_HTTPS, "HTTPS", o->https_address, LISTENERS_TCP, why));
}

/* Opens the listeners, and serves. */
static int serve(const struct options *o, const struct tls_files *files, struct log_writer *log)
{
    struct configure_machine machine;
    struct listeners listeners;
    char host[MACHINE_HOST_MAX];
    char why[START_LINE_MAX];
    if (!ask_machine(&machine, host)) {
        return process_fatal_start(PROGRAM, "cannot read random bytes from /dev/urandom");
    }
    log_start(log, o);
    if (!open_listeners(&listeners, o, why)) {
        log_writer_flush(log);
        return process_fatal_start(PROGRAM, why);
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
                           struct start_text *text)
{
    const struct options_tls tls = {
        .serve = tls_files_serve, .request = tls_files_request, .context = files};
    if (options_check(o, &tls, text) != START_RUN) {
        return process_fatal(PROGRAM, text->fatal);
    }
    struct log_writer log = {
        .fd = STDERR_FILENO, .prefix = o->log_prefix, .least = (enum log_level)o->log_level};
    int code = serve(o, files, &log);
    log_writer_free(&log);
    return code;
}

/* Locks the data path, then starts. */
static int lock_and_serve(const struct options *o, struct start_text *text)
{
    char why[MACHINE_WHY_MAX];
    if (!machine_lock_folder(o->data_path[0] == '\0' ? "." : o->data_path, why)) {
        char line[START_LINE_MAX];
        snprintf(line, sizeof line, "failed to lock data-path: %s", why);
        return process_fatal_start(PROGRAM, line);
    }
    struct tls_files files = {NULL, NULL};
    int code = check_and_serve(o, &files, text);
    tls_files_free(&files);
    return code;
}

static int run(struct options *o, struct start_text *text)
{
    struct toml_document *file;
    const struct start_flags flags = options_flags(o);
    int code = process_read_config(&flags, o->config, &file, text) == START_RUN
                   ? lock_and_serve(o, text)
                   : process_fatal(PROGRAM, text->fatal);
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
    static struct start_text text;
    enum start_result result = options_parse(&options, argc, argv, &host, &text);
    return result == START_RUN ? run(&options, &text) : process_end(PROGRAM, result, &text);
}
