/* SPDX-License-Identifier: MIT */
/*
 * Owns: the start and the end of nsqlookupd: command line, listeners, service, server. Must not
 * know the protocols, or how the server waits.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "lookup/lookup_service.h"
#include "nsqlookupd/lookupd_options.h"
#include "program/listeners.h"
#include "program/process.h"
#include "shell/allocator.h"
#include "shell/log_line.h"
#include "shell/machine.h"
#include "shell/memory_limit.h"

#define PROGRAM LOOKUPD_OPTIONS_PROGRAM

/* Go listens at any port when an address is empty. */
static const char *address_or_any(const char *address)
{
    return address[0] == '\0' ? ":0" : address;
}

/* Opens the listeners in the order of upstream's nsqlookupd, which does not use unix sockets. */
static bool open_listeners(struct listeners *l, const struct lookupd_options *o,
                           char why[START_LINE_MAX])
{
    listeners_init(l);
    return listeners_open(l, LOOKUP_TCP, "TCP", address_or_any(o->tcp_address), LISTENERS_TCP,
                          why) &&
           listeners_open(l, LOOKUP_HTTP, "HTTP", address_or_any(o->http_address), LISTENERS_TCP,
                          why);
}

/* Copies the options into the configuration of the service. */
static struct lookup_config configure(const struct lookupd_options *o,
                                      const struct listeners *listeners, const char *host)
{
    struct lookup_config config = lookup_defaults();
    config.log_level = (enum log_level)o->log_level;
    config.magic_timeout = o->magic_timeout;
    config.serve.max_connections =
        process_max_connections(o->max_connections, machine_descriptors());
    config.memory = o->memory_bytes > 0 ? (size_t)o->memory_bytes : memory_limit("") / 4;
    config.registry.inactive_timeout = o->inactive_producer_timeout;
    config.registry.tombstone_lifetime = o->tombstone_lifetime;
    config.registry.max_registrations = (size_t)o->max_registrations;
    config.v1.broadcast_address = text_span(o->broadcast_address);
    config.v1.hostname = text_span(host);
    config.v1.tcp_port = listeners_port(listeners, LOOKUP_TCP);
    config.v1.http_port = listeners_port(listeners, LOOKUP_HTTP);
    return config;
}

/* Serves at the listeners until a signal requests the exit. */
static int serve_at(struct listeners *listeners, const struct lookup_config *config,
                    struct log_writer *log)
{
    struct lookup_service *lookup = lookup_new(config);
    /* epoll: most connections are nsqds, which send a PING every 15 s. poll() would look at all of
     * them for each request. */
    const struct process_service service = {.program = PROGRAM,
                                            .handler = lookup_handler(lookup),
                                            .waiter = waiter_epoll,
                                            .listeners = listeners,
                                            .log = log};
    int code = process_serve(&service);
    if (process_frees_at_end) {
        lookup_free(lookup);
    }
    return code;
}

/* Opens the listeners, and serves. */
static int serve(const struct lookupd_options *o, const char *host, struct log_writer *log)
{
    struct listeners listeners;
    struct hash_seed seed;
    char why[START_LINE_MAX];
    if (!machine_random(&seed, sizeof seed)) {
        return process_fatal_start(PROGRAM, "cannot read random bytes from /dev/urandom");
    }
    process_log_version(log, PROGRAM);
    if (!open_listeners(&listeners, o, why)) {
        log_writer_flush(log);
        return process_fatal_start(PROGRAM, why);
    }
    struct lookup_config config = configure(o, &listeners, host);
    config.registry.seed = seed;
    return serve_at(&listeners, &config, log);
}

/* Reads the file of --config, then serves. */
static int run(struct lookupd_options *o, const char *host, struct start_text *text)
{
    struct toml_document *file;
    const struct start_flags flags = lookupd_options_flags(o);
    int code = EXIT_FAILURE;
    if (process_read_config(&flags, o->config, &file, text) != START_RUN ||
        lookupd_options_check(o, text) != START_RUN) {
        process_fatal(PROGRAM, text->fatal);
    } else {
        struct log_writer log = {
            .fd = STDERR_FILENO, .prefix = o->log_prefix, .least = (enum log_level)o->log_level};
        code = serve(o, host, &log);
        log_writer_free(&log);
    }
    toml_free(file);
    return code;
}

int main(int argc, char **argv)
{
    char host[MACHINE_HOST_MAX];
    machine_fill_standard();
    allocator_tune();
    machine_host(host);
    static struct lookupd_options options;
    static struct start_text text;
    enum start_result result = lookupd_options_parse(&options, argc, argv, host, &text);
    return result == START_RUN ? run(&options, host, &text) : process_end(PROGRAM, result, &text);
}
