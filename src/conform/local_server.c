/* SPDX-License-Identifier: MIT */
/* One branch for each program. Must not know: cases. */
#include "conform/local_server.h"

void local_server_start(struct local_server *s, const struct local_config *config,
                        int64_t start_time)
{
    struct engine_config nsqd = config->nsqd;
    *s = (struct local_server){.nsqd = NULL};
    if (config->kind == SERVER_NSQLOOKUPD) {
        s->nsqlookupd = lookup_new(&config->nsqlookupd);
        s->handler = lookup_handler(s->nsqlookupd);
        return;
    }
    nsqd.about.start_time = start_time;
    s->nsqd = engine_new(&nsqd);
    s->handler = engine_handler(s->nsqd);
}

void local_server_free(struct local_server *s)
{
    if (s->nsqd != NULL) {
        engine_free(s->nsqd);
    }
    if (s->nsqlookupd != NULL) {
        lookup_free(s->nsqlookupd);
    }
    *s = (struct local_server){.nsqd = NULL};
}

unsigned local_server_listener(const struct local_config *config, enum connect_kind kind)
{
    static const unsigned of_nsqd[] = {
        [CONNECT_NSQ] = ENGINE_TCP, [CONNECT_HTTP] = ENGINE_HTTP, [CONNECT_HTTPS] = ENGINE_HTTPS};
    static const unsigned of_nsqlookupd[] = {[CONNECT_NSQ] = LOOKUP_TCP,
                                             [CONNECT_HTTP] = LOOKUP_HTTP,
                                             [CONNECT_HTTPS] = LOCAL_SERVER_NONE};
    if (config->kind == SERVER_NSQLOOKUPD) {
        return of_nsqlookupd[kind];
    }
    bool refused = kind == CONNECT_HTTPS && config->nsqd.v2.tls.make == NULL;
    return refused ? LOCAL_SERVER_NONE : of_nsqd[kind];
}

void local_config_least_effort(struct local_config *config)
{
    config->nsqd.broker.effort_a_call = 1;
    config->nsqlookupd.v1.effort_a_call = 1;
}
