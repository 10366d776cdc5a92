/* SPDX-License-Identifier: MIT */
/* Decodes and encodes both sides of a proxied connection. Must not know: sockets, and what is
 * recorded. */
#include "conform/relay.h"

#include <nsq/frame.h>

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
    buf_free(&relay->unsaid);
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

static bool shakes_hands(const struct wire *wire)
{
    struct span why;
    return wire_state(wire, &why) == CODEC_HANDSHAKING;
}

/* --- from the client -------------------------------------------------------------------------- */

static void say_to_server(struct relay *relay, struct relay_out *out)
{
    if (!shakes_hands(&relay->server)) {
        wire_encode(&relay->server, buf_span(&relay->unsaid), &out->server);
        buf_free(&relay->unsaid);
    }
}

void relay_from_client(struct relay *relay, struct span bytes, struct buf *asked,
                       struct relay_out *out)
{
    struct buf said = {0};
    wire_decode(&relay->client, bytes, &said);
    take_answer(&relay->client, &out->client);
    relay->lost = failed(&relay->client);
    buf_append(asked, buf_span(&said));
    buf_append(&relay->unsaid, buf_span(&said));
    buf_free(&said);
    say_to_server(relay, out);
}

/* --- from the server -------------------------------------------------------------------------- */

static bool says(struct span answer, const char *member)
{
    return json_subset(span_make(member, strlen(member)), answer);
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
    } while (!says(answer, member) && --level > 1);
    return level;
}

/* The answer to an IDENTIFY announces which codecs will be enabled. */
static void hear_answer(struct relay *relay, struct span answer)
{
    if (says(answer, "{\"tls_v1\":true}")) {
        announce(relay, UPGRADE_TLS, 0);
    }
    if (says(answer, "{\"snappy\":true}")) {
        announce(relay, UPGRADE_SNAPPY, 0);
    }
    if (says(answer, "{\"deflate\":true}")) {
        announce(relay, UPGRADE_DEFLATE, deflate_level(answer));
    }
}

/* Enables the next codec towards the server. The frame before it was the answer to IDENTIFY, or the
 * OK that confirms the codec before. */
static void put_on_server(struct relay *relay, struct relay_out *out)
{
    struct buf why = {0};
    struct codec codec = wire_client_codec(&relay->upgrades[relay->put_on], &why);
    buf_free(&why);
    relay->marks[relay->put_on++] = relay->answered.n;
    if (codec.calls == NULL) {
        relay->broken = "TLS towards the server cannot be set up";
        return;
    }
    wire_enable_codec(&relay->server, codec, &relay->framed);
    take_answer(&relay->server, &out->server);
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
            hear_answer(relay, frame.data);
        }
        buf_append(&relay->answered, span_first(buf_span(&relay->framed), size));
        buf_drop(&relay->framed, size);
        if (response && relay->put_on < relay->announced) {
            put_on_server(relay, out);
        }
    }
    if (outcome == NSQ_BAD) {
        relay_server_over(relay);
    }
}

void relay_from_server(struct relay *relay, struct span bytes, struct relay_out *out)
{
    wire_decode(&relay->server, bytes, &relay->framed);
    take_answer(&relay->server, &out->server);
    take_frames(relay, out);
    if (failed(&relay->server)) {
        relay->broken = "the server sent bytes that cannot be decoded";
    }
    say_to_server(relay, out);
}

void relay_server_over(struct relay *relay)
{
    buf_append(&relay->answered, buf_span(&relay->framed));
    buf_drop(&relay->framed, relay->framed.n);
}

/* --- to the client ---------------------------------------------------------------------------- */

/* How many bytes may be passed on before the next codec is enabled. */
static size_t next_size(const struct relay *relay)
{
    return relay->passed_on < relay->put_on ? relay->marks[relay->passed_on] : relay->answered.n;
}

static void put_on_client(struct relay *relay, struct relay_out *out)
{
    const struct step *upgrade = &relay->upgrades[relay->passed_on++];
    struct buf none = {0};
    if (upgrade->upgrade == UPGRADE_TLS && relay->tls == NULL) {
        relay->broken = "a client asked for TLS, which needs --tls-cert and --tls-key";
        return;
    }
    wire_enable_codec(&relay->client, wire_server_codec(upgrade, relay->tls), &none);
    take_answer(&relay->client, &out->client);
}

enum relay_part relay_next(struct relay *relay, struct buf *said, const struct step **upgrade,
                           struct relay_out *out)
{
    size_t n = next_size(relay);
    if (shakes_hands(&relay->client)) {
        return RELAY_NOTHING;
    }
    if (n > 0) {
        buf_append(said, span_first(buf_span(&relay->answered), n));
        buf_drop(&relay->answered, n);
        for (size_t i = relay->passed_on; i < relay->put_on; i++) {
            relay->marks[i] -= n;
        }
        wire_encode(&relay->client, buf_span(said), &out->client);
        return RELAY_BYTES;
    }
    if (relay->passed_on < relay->put_on) {
        *upgrade = &relay->upgrades[relay->passed_on];
        put_on_client(relay, out);
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
