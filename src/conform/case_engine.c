/* SPDX-License-Identifier: MIT */
/* Reads flags as the programs do. Must not know: how a case is played. */
#include "conform/case_engine.h"

#include "base/alloc.h"
#include "base/text.h"
#include "conform/spawn.h"
#include "conform/suite.h"
#include "conform/transport_engine.h"
#include "nsqd/configure.h"
#include "nsqd/options_check.h"
#include "nsqlookupd/lookupd_options.h"

#define FLAGS_MAX 32
#define HOST "conform"
#define LOOKUPD_MEMORY ((size_t)256 << 20)
#define LOOKUPD_CONNECTIONS ((size_t)1000)

/* Splits flags into words at spaces, and replaces the {names} in them, whose texts may contain
 * spaces. Each word ends with NUL. An empty word ends the list. */
static void write_words(struct case_engine *e, struct span flags, const char *suite)
{
    const struct spawn_places places = {.port = "",
                                        .http_port = "",
                                        .https_port = "",
                                        .dir = "",
                                        .suite = suite == NULL ? SUITE_CASES : suite,
                                        .auth = ENGINE_TRANSPORT_AUTH,
                                        .lookupd = ENGINE_TRANSPORT_LOOKUPD,
                                        .lookupd2 = ENGINE_TRANSPORT_LOOKUPD2};
    struct buf text = {0};
    while (flags.n > 0) {
        const uint8_t *space = memchr(flags.p, ' ', flags.n);
        size_t n = space == NULL ? flags.n : (size_t)(space - flags.p);
        spawn_command("{flags}", span_first(flags, n), &places, &text);
        buf_append(&text, span_make("", 1));
        flags = span_skip(flags, space == NULL ? n : n + 1);
    }
    e->words = alloc_zeroed(text.n + 1);
    if (text.n > 0) {
        memcpy(e->words, buf_span(&text).p, text.n);
    }
    buf_free(&text);
}

/* Makes argv of these words; argv[0] is empty. */
static int list_words(char *words, char *argv[FLAGS_MAX])
{
    static char none[] = "";
    int argc = 1;
    argv[0] = none;
    for (char *word = words; *word != '\0' && argc < FLAGS_MAX; word += strlen(word) + 1) {
        argv[argc++] = word;
    }
    return argc;
}

/* Says why a program refuses the flags. */
static void explain(const struct start_text *text, struct buf *why)
{
    buf_append(why, text_span(text->err));
    buf_append(why, text_span(text->fatal));
}

/* --- nsqd ------------------------------------------------------------------------------------- */

static bool options_good(struct case_engine *e, struct buf *why)
{
    static const struct options_host host = {.name = HOST, .node_id = 0};
    const struct options_tls tls = {
        .serve = tls_files_serve, .request = tls_files_request, .context = &e->tls};
    struct start_text *text = alloc_zeroed(sizeof *text);
    char *argv[FLAGS_MAX];
    int argc = list_words(e->words, argv);
    bool ok = options_parse(e->options, argc, argv, &host, text) == START_RUN &&
              options_check(e->options, &tls, text) == START_RUN;
    if (!ok) {
        explain(text, why);
    }
    alloc_free(text);
    return ok;
}

static void show_options(struct case_engine *e)
{
    static const struct option_texts_start start = {.tcp_port = 0};
    e->texts = alloc_zeroed(sizeof *e->texts);
    option_texts_init(e->texts, e->options, &start);
    e->config.nsqd.about.quantiles = e->texts->quantiles;
    e->config.nsqd.about.settings = e->texts->settings;
    e->config.nsqd.about.setting_count = e->texts->count;
}

static bool open_nsqd(struct case_engine *e, struct buf *why)
{
    static const struct configure_machine machine = {
        .memory = (size_t)4 << 30, .descriptors = 4096, .seed = {.k = {1, 2}}};
    e->options = alloc_zeroed(sizeof *e->options);
    if (!options_good(e, why)) {
        return false;
    }
    e->config.nsqd = configure(e->options, &machine);
    e->config.nsqd.log_level = LOG_FATAL;
    show_options(e);
    if (e->tls.server != NULL) {
        e->config.nsqd.v2.tls = tls_server(e->tls.server);
        e->config.nsqd.https_tls = tls_https_server(e->tls.server);
    }
    return true;
}

/* --- nsqlookupd ------------------------------------------------------------------------------- */

static bool read_lookupd_options(struct case_engine *e, struct lookupd_options *o, struct buf *why)
{
    struct start_text *text = alloc_zeroed(sizeof *text);
    char *argv[FLAGS_MAX];
    int argc = list_words(e->words, argv);
    bool ok = lookupd_options_parse(o, argc, argv, HOST, text) == START_RUN &&
              lookupd_options_check(o, text) == START_RUN;
    if (!ok) {
        explain(text, why);
    }
    alloc_free(text);
    return ok;
}

static bool open_nsqlookupd(struct case_engine *e, struct buf *why)
{
    struct lookupd_options o;
    struct lookup_config *config = &e->config.nsqlookupd;
    if (!read_lookupd_options(e, &o, why)) {
        return false;
    }
    *config = lookup_defaults();
    config->log_level = LOG_FATAL;
    config->memory = LOOKUPD_MEMORY;
    config->serve.max_connections = LOOKUPD_CONNECTIONS;
    config->magic_timeout = o.magic_timeout;
    config->registry.inactive_timeout = o.inactive_producer_timeout;
    config->registry.tombstone_lifetime = o.tombstone_lifetime;
    config->registry.max_registrations = (size_t)o.max_registrations;
    config->registry.seed = (struct hash_seed){.k = {1, 2}};
    config->v1.broadcast_address = text_span(o.broadcast_address);
    config->v1.hostname = SPAN(HOST);
    return true;
}

/* --- either ----------------------------------------------------------------------------------- */

bool case_engine_open(struct case_engine *e, enum server_kind server, struct span flags,
                      const char *suite, struct buf *why)
{
    *e = (struct case_engine){.config = {.kind = server}};
    write_words(e, flags, suite);
    bool ok = server == SERVER_NSQD ? open_nsqd(e, why) : open_nsqlookupd(e, why);
    if (!ok) {
        case_engine_close(e);
    }
    return ok;
}

void case_engine_close(struct case_engine *e)
{
    tls_files_free(&e->tls);
    if (e->texts != NULL) {
        option_texts_free(e->texts);
    }
    alloc_free(e->texts);
    alloc_free(e->options);
    alloc_free(e->words);
    *e = (struct case_engine){.options = NULL};
}
