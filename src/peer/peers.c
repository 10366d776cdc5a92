/* SPDX-License-Identifier: MIT */
/* The list of nsqlookupds, and when each of them is told something. */
#include "peer/peers.h"

#include "base/text.h"

_Static_assert(PEERS_MAX <= PEER_REQUESTS_MAX, "each of them may have an open request");

void peers_init(struct peers *peers, const struct peers_config *config, struct serve *serve,
                struct broker *broker, struct log *log)
{
    *peers = (struct peers){.config = *config,
                            .context = {.identity = config->identity,
                                        .max_reply = config->max_reply,
                                        .serve = serve,
                                        .broker = broker,
                                        .log = log}};
    peer_channels_init(&peers->channels, &config->channels, serve, broker, log);
}

void peers_free(struct peers *peers)
{
    peer_channels_free(&peers->channels);
    for (size_t i = 0; i < peers->count; i++) {
        peer_free(peers->all[i]);
    }
    peers->count = 0;
}

/* Lets a PING be sent to every peer when it is due. When the server was behind, some PINGs are left
 * out. */
static void ping(struct peers *peers, int64_t now)
{
    if (now < peers->next_ping) {
        return;
    }
    int64_t late = (now - peers->next_ping) % PEERS_PING_INTERVAL;
    peers->next_ping = time_after(now, PEERS_PING_INTERVAL - late);
    for (size_t i = 0; i < peers->count; i++) {
        peer_ping(peers->all[i]);
    }
}

/* --- the list --------------------------------------------------------------------------------- */

static bool is_listed(const struct span *addresses, size_t count, struct span address)
{
    for (size_t i = 0; i < count; i++) {
        if (span_equal(addresses[i], address)) {
            return true;
        }
    }
    return false;
}

static bool is_known(const struct peers *peers, struct span address)
{
    for (size_t i = 0; i < peers->count; i++) {
        if (span_equal(buf_span(&peers->all[i]->address), address)) {
            return true;
        }
    }
    return false;
}

static void remove_others(struct peers *peers, const struct span *addresses, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < peers->count; i++) {
        struct peer *peer = peers->all[i];
        if (is_listed(addresses, count, buf_span(&peer->address))) {
            peers->all[kept++] = peer;
        } else {
            log_say(peers->context.log, LOG_INFO, "LOOKUP(%): removing peer",
                    buf_span(&peer->address));
            peer_channels_remove(&peers->channels, peer);
            peer_free(peer);
        }
    }
    peers->count = kept;
}

void peers_set(struct peers *peers, const struct span *addresses, size_t count, int64_t now)
{
    struct broker_core *core = &peers->context.broker->core;
    if (!peers->started) {
        peers->next_ping = time_after(now, PEERS_PING_INTERVAL);
        peers->started = true;
    }
    ping(peers, now); /* a new peer gets the next one */
    remove_others(peers, addresses, count);
    for (size_t i = 0; i < count; i++) {
        if (!is_known(peers, addresses[i])) {
            changes_begin(&core->changes, &core->budget);
            log_say(peers->context.log, LOG_INFO, "LOOKUP(%): adding peer", addresses[i]);
            peers->all[peers->count] = peer_new(&peers->context, addresses[i]);
            peer_channels_add(&peers->channels, peers->all[peers->count++]);
        }
    }
    core->start_topics_later = peers->count > 0;
}

/* --- steps ------------------------------------------------------------------------------------ */

/* Takes the list of the configuration. */
static void start(struct peers *peers, int64_t now)
{
    struct span addresses[PEERS_MAX];
    size_t count = peers->config.address_count;
    for (size_t i = 0; i < count; i++) {
        addresses[i] = text_span(peers->config.addresses[i]);
    }
    peers_set(peers, addresses, count, now);
}

void peers_step(struct peers *peers, int64_t now)
{
    if (!peers->started) {
        start(peers, now);
    }
    ping(peers, now);
    for (size_t i = 0; i < peers->count; i++) {
        peer_go_on(peers->all[i], now);
    }
    peer_channels_step(&peers->channels, now);
}

int64_t peers_deadline(const struct peers *peers)
{
    if (peers->context.serve->stopping) {
        return TIME_NEVER;
    }
    if (!peers->started) {
        return TIME_PAST;
    }
    for (size_t i = 0; i < peers->count; i++) {
        if (peer_has_work(peers->all[i])) {
            return TIME_PAST;
        }
    }
    return time_earlier(peer_channels_next_deadline(&peers->channels),
                        peers->count == 0 ? TIME_NEVER : peers->next_ping);
}

void peers_stop(struct peers *peers)
{
    log_say(peers->context.log, LOG_INFO, "LOOKUP: closing", SPAN(""));
}
