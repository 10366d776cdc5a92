/* SPDX-License-Identifier: MIT */
/* Takes the figures from the broker and the sessions. Must not know: how they are printed. */
#include "api/stats_values.h"

#include <assert.h>

#include "base/text.h"

struct stats_topic stats_of_topic(const struct topic *topic)
{
    return (struct stats_topic){.name = topic->name,
                                .depth = topic->queue.n,
                                .message_count = topic->message_count,
                                .message_bytes = topic->message_bytes,
                                .channel_count = topic->table.count,
                                .paused = topic->paused};
}

struct stats_channel stats_of_channel(const struct channel *channel)
{
    size_t moves = topic_moves_to(channel->topic, channel);
    size_t delayed = topic_delayed_moves_to(channel->topic, channel);
    return (struct stats_channel){.name = channel->name,
                                  .depth = channel->queue.n + moves - delayed,
                                  .in_flight_count = channel_in_flight_count(channel),
                                  .deferred_count = channel->timed->deferred_count + delayed,
                                  .message_count = channel->message_count + moves,
                                  .requeue_count = channel->requeue_count,
                                  .timeout_count = channel->timeout_count,
                                  .client_count = channel->consumer_count,
                                  .paused = channel->paused};
}

struct stats_memory stats_of_memory(const struct budget *budget)
{
    return (struct stats_memory){.heap_in_use_bytes = budget->resident};
}

void stats_read_latency(struct latency *latency, struct stats_latency *figures, int64_t now)
{
    figures->count = 0;
    figures->n = 0;
    if (latency != NULL) {
        figures->n = latency->setting->quantile.target_count;
        assert(figures->n <= STATS_PERCENTILES_MAX);
        figures->count = latency_read(latency, figures->values, now);
    }
}

/* --- clients ---------------------------------------------------------------------------------- */

/* Divides an address as Go's net.SplitHostPort does. Both parts are empty when it has no port, as
 * that of a unix socket. */
static void split_address(struct span address, struct span *host, struct span *port)
{
    size_t colon = address.n;
    *host = *port = span_make(NULL, 0);
    for (size_t i = 0; i < address.n; i++) {
        colon = address.p[i] == ':' ? i : colon;
    }
    if (colon == address.n) {
        return;
    }
    *host = span_first(address, colon);
    *port = span_skip(address, colon + 1);
    if (host->n >= 2 && host->p[0] == '[' && host->p[host->n - 1] == ']') {
        *host = span_make(host->p + 1, host->n - 2);
    }
}

/* Returns how many messages the client has published to this topic, or NULL. When `topic` is empty,
 * it is the topic that the client has published to last. */
static const struct pub_count *published_to(const struct session *session, struct span topic)
{
    if (topic.n == 0) {
        return session->last_count;
    }
    unsigned hash = (unsigned)hash_bytes(&session->v2->broker->core.config.seed, topic);
    const struct pub_count *found = NULL;
    HASH_FIND_BYHASHVALUE(hh, session->pub_counts, topic.p, topic.n, hash, found);
    return found;
}

static void set_identity(struct stats_client *figures, const struct session *session)
{
    const struct identity *identity = session->identity;
    struct span host;
    split_address(figures->remote_address, &host, &figures->port);
    figures->client_id = identity != NULL ? identity->client_id : host;
    figures->hostname = identity != NULL ? identity->hostname : host;
    figures->user_agent = identity != NULL ? identity->user_agent : span_make(NULL, 0);
}

static void set_subscription(struct stats_client *figures, const struct consumer *consumer)
{
    const struct channel *channel = consumer->channel;
    if (channel != NULL && channel->topic != NULL) {
        figures->topic = name_span(&channel->topic->name);
        figures->channel = name_span(&channel->name);
    }
}

struct stats_client stats_of_client(const struct session *session, struct span topic)
{
    const struct consumer *consumer = &session->consumer;
    const struct auth_state *granted = session->granted;
    const struct pub_count *published = published_to(session, topic);
    struct stats_client figures = {.connection = session->conn->id,
                                   .remote_address = conn_peer(session->conn),
                                   .state = session->state,
                                   .ready_count = consumer->ready_count,
                                   .in_flight_count = consumer->in_flight_count,
                                   .message_count = consumer->message_count,
                                   .finish_count = consumer->finish_count,
                                   .requeue_count = consumer->requeue_count,
                                   .connected = session->connected / TIME_SECOND,
                                   .sample_rate = session->sample_rate,
                                   .deflate = session->compressed && !session->compressed_snappy,
                                   .snappy = session->compressed && session->compressed_snappy,
                                   .published = session->published,
                                   .tls = session->tls == SESSION_TLS_ENABLED};
    set_subscription(&figures, consumer);
    set_identity(&figures, session);
    if (granted != NULL) {
        figures.authed = granted->rule_count > 0;
        figures.auth_identity = buf_span(&granted->identity);
        figures.auth_identity_url = buf_span(&granted->identity_url);
    }
    if (published != NULL) {
        figures.pub_topic = name_span(&published->topic);
        figures.pub_count = published->count;
    }
    if (figures.tls) {
        figures.tls_parameters = conn_parameters(session->conn);
    }
    return figures;
}

/* --- TLS -------------------------------------------------------------------------------------- */

void stats_append_cipher(struct buf *out, unsigned cipher)
{
    static const struct {
        unsigned number;
        const char *name;
    } names[] = {
        {0x0005, "TLS_RSA_WITH_RC4_128_SHA"},
        {0x000a, "TLS_RSA_WITH_3DES_EDE_CBC_SHA"},
        {0x002f, "TLS_RSA_WITH_AES_128_CBC_SHA"},
        {0x0035, "TLS_RSA_WITH_AES_256_CBC_SHA"},
        {0xc007, "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA"},
        {0xc009, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"},
        {0xc00a, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA"},
        {0xc011, "TLS_ECDHE_RSA_WITH_RC4_128_SHA"},
        {0xc012, "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA"},
        {0xc013, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"},
        {0xc014, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"},
        {0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"},
        {0xc02f, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].number == cipher) {
            buf_append(out, text_span(names[i].name));
            return;
        }
    }
    if (cipher != 0) {
        text_append(out, "Unknown ");
        text_append_unsigned(out, cipher);
    }
}

void stats_append_tls_version(struct buf *out, unsigned version)
{
    if (version == 0) {
        return;
    }
    if (version < 0x0301 || version > 0x0304) {
        text_append(out, "Unknown ");
        text_append_unsigned(out, version);
        return;
    }
    text_append(out, "TLS1.");
    text_append_unsigned(out, version - 0x0301);
}
