/* SPDX-License-Identifier: MIT */
/* Decodes and encodes both sides of a proxied connection. Must not know: sockets, and what is
 * recorded. */
#include "conform/relay.h"

#include <nsq/frame.h>
#include <nsq/magic.h>

#include <stdio.h>

#include "conform/json_subset.h"
#include "conform/record_json.h"

#define DEFLATE_LEVELS 9

void relay_free(struct relay *relay)
{
    wire_free(&relay->client);
    wire_free(&relay->server);
    buf_free(&relay->framed);
    buf_free(&relay->answered);
    buf_free(&relay->unsent_to_server);
    *relay = (struct relay){0};
}

static void take_answer(struct wire *wire, struct buf *out)
{
    buf_append(out, buf_span(&wire->answer));
    buf_free(&wire->answer);
}

static bool failed(const struct wire *wire)
{
    struct span why;
    return wire_state(wire, &why) == CODEC_FAILED;
}

static bool handshaking(const struct wire *wire)
{
    struct span why;
    return wire_state(wire, &why) == CODEC_HANDSHAKING;
}

/* --- from the client -------------------------------------------------------------------------- */

static void send_to_server(struct relay *relay, struct relay_out *out)
{
    if (!handshaking(&relay->server)) {
        wire_encode(&relay->server, buf_span(&relay->unsent_to_server), &out->server);
        buf_free(&relay->unsent_to_server);
    }
}

static void read_magic(struct relay *relay, struct span bytes)
{
    struct span v1 = SPAN(NSQ_MAGIC_V1);
    for (size_t i = 0; i < bytes.n && relay->magic_size < v1.n; i++) {
        bool begins = relay->magic_size == 0 || relay->v1;
        relay->v1 = begins && bytes.p[i] == v1.p[relay->magic_size];
        relay->magic_size++;
    }
}

void relay_from_client(struct relay *relay, struct span bytes, struct buf *commands,
                       struct relay_out *out)
{
    struct buf decoded = {0};
    if (!wire_decode(&relay->client, bytes, RELAY_HELD_MAX, &decoded)) {
        relay->broken = "a client sent too many bytes at a time";
    }
    take_answer(&relay->client, &out->client);
    relay->lost = failed(&relay->client);
    read_magic(relay, buf_span(&decoded));
    buf_append(commands, buf_span(&decoded));
    buf_append(&relay->unsent_to_server, buf_span(&decoded));
    buf_free(&decoded);
    send_to_server(relay, out);
}

/* --- from the server -------------------------------------------------------------------------- */

static bool has_member(struct span answer, const char *member)
{
    return json_subset(span_make(member, strlen(member)), answer, JSON_ARRAYS_HAVE_ORDER);
}

static void announce(struct relay *relay, enum upgrade_kind kind, int64_t number)
{
    if (relay->announced < RELAY_UPGRADES_MAX) {
        relay->upgrades[relay->announced++] =
            (struct step){.kind = STEP_UPGRADE, .upgrade = kind, .upgrade_number = number};
    }
}

static int64_t deflate_level(struct span answer)
{
    char member[32];
    int64_t level = DEFLATE_LEVELS;
    do {
        snprintf(member, sizeof member, "{\"deflate_level\":%d}", (int)level);
    } while (!has_member(answer, member) && --level > 1);
    return level;
}

/* The answer to an IDENTIFY announces which codecs will be enabled. */
static void read_announcement(struct relay *relay, struct span answer)
{
    if (has_member(answer, "{\"tls_v1\":true}")) {
        announce(relay, UPGRADE_TLS, 0);
    }
    if (has_member(answer, "{\"snappy\":true}")) {
        announce(relay, UPGRADE_SNAPPY, 0);
    }
    if (has_member(answer, "{\"deflate\":true}")) {
        announce(relay, UPGRADE_DEFLATE, deflate_level(answer));
    }
}

/* Enables the next codec towards the server. The frame before it was the answer to IDENTIFY, or the
 * OK that confirms the codec before. */
static void enable_at_server(struct relay *relay, struct relay_out *out)
{
    struct buf why = {0};
    struct codec codec = wire_client_codec(&relay->upgrades[relay->enabled_at_server], &why);
    buf_free(&why);
    relay->upgrade_offsets[relay->enabled_at_server++] = relay->answered.n;
    if (codec.calls == NULL) {
        relay->broken = "TLS towards the server cannot be set up";
        return;
    }
    if (!wire_enable_codec(&relay->server, codec, RELAY_HELD_MAX, &relay->framed)) {
        relay->broken = "the server sent too many bytes behind its answer to IDENTIFY";
    }
    take_answer(&relay->server, &out->server);
}

/* Keeps everything that has arrived for the client. */
static void take_all(struct relay *relay)
{
    buf_append(&relay->answered, buf_span(&relay->framed));
    buf_drop(&relay->framed, relay->framed.n);
}

static void take_frames(struct relay *relay, struct relay_out *out)
{
    struct nsq_frame frame;
    size_t size;
    enum nsq_parse outcome;
    while ((outcome = nsq_frame_parse(buf_span(&relay->framed), NSQ_FRAME_DATA_MAX, &frame,
                                      &size)) == NSQ_OK) {
        bool response = frame.type == NSQ_FRAME_RESPONSE && !nsq_frame_is_heartbeat(&frame);
        if (response && relay->announced == 0 && frame.data.n > 0 && frame.data.p[0] == '{') {
            read_announcement(relay, frame.data);
        }
        buf_append(&relay->answered, span_first(buf_span(&relay->framed), size));
        buf_drop(&relay->framed, size);
        if (response && relay->enabled_at_server < relay->announced) {
            enable_at_server(relay, out);
        }
    }
    if (outcome == NSQ_BAD) {
        take_all(relay);
    }
}

void relay_from_server(struct relay *relay, struct span bytes, struct relay_out *out)
{
    size_t held = relay->framed.n + relay->answered.n;
    if (!wire_decode(&relay->server, bytes, RELAY_HELD_MAX - held, &relay->framed)) {
        relay->broken = "the server sent a frame that is too long, or more than its client reads";
        return;
    }
    take_answer(&relay->server, &out->server);
    if (relay->v1) {
        take_all(relay);
    } else {
        take_frames(relay, out);
    }
    if (failed(&relay->server)) {
        relay->broken = "the server sent bytes that cannot be decoded";
    }
    send_to_server(relay, out);
}

void relay_server_ended(struct relay *relay)
{
    take_all(relay);
}

/* --- to the client ---------------------------------------------------------------------------- */

/* How many bytes may be passed on before the next codec is enabled. */
static size_t next_size(const struct relay *relay)
{
    return relay->enabled_at_client < relay->enabled_at_server
               ? relay->upgrade_offsets[relay->enabled_at_client]
               : relay->answered.n;
}

static void enable_at_client(struct relay *relay, struct relay_out *out)
{
    const struct step *upgrade = &relay->upgrades[relay->enabled_at_client++];
    struct buf none = {0};
    if (upgrade->upgrade == UPGRADE_TLS && relay->tls == NULL) {
        relay->broken = "a client asked for TLS, which needs --tls-cert and --tls-key";
        return;
    }
    wire_enable_codec(&relay->client, wire_server_codec(upgrade, relay->tls), SIZE_MAX, &none);
    take_answer(&relay->client, &out->client);
}

enum relay_part relay_next(struct relay *relay, struct buf *decoded, const struct step **upgrade,
                           struct relay_out *out)
{
    size_t n = next_size(relay);
    if (handshaking(&relay->client)) {
        return RELAY_NOTHING;
    }
    if (n > 0) {
        buf_append(decoded, span_first(buf_span(&relay->answered), n));
        buf_drop(&relay->answered, n);
        for (size_t i = relay->enabled_at_client; i < relay->enabled_at_server; i++) {
            relay->upgrade_offsets[i] -= n;
        }
        wire_encode(&relay->client, buf_span(decoded), &out->client);
        return RELAY_BYTES;
    }
    if (relay->enabled_at_client < relay->enabled_at_server) {
        *upgrade = &relay->upgrades[relay->enabled_at_client];
        enable_at_client(relay, out);
        return RELAY_UPGRADE;
    }
    return RELAY_NOTHING;
}

void relay_finish_client(struct relay *relay, struct relay_out *out)
{
    wire_finish(&relay->client, &out->client);
}

void relay_finish_server(struct relay *relay, struct relay_out *out)
{
    wire_finish(&relay->server, &out->server);
}
