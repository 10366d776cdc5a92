// SPDX-License-Identifier: MIT
// Uses the protocol library from C++: encodes the commands of a client, parses them again, and
// parses a frame of a server. Exits with 0 when each result is right. ci/install compiles it with
// each standard from C++11 on.
#include <nsq/command.h>
#include <nsq/error.h>
#include <nsq/frame.h>
#include <nsq/lookup.h>
#include <nsq/magic.h>
#include <nsq/name.h>
#include <nsq/span.h>
#include <nsq/version.h>

#include <cstring>
#include <string>

static_assert(alignof(nsq_place) >= 1, "types of C are types of C++");

static const span heartbeat = SPAN_LITERAL("_heartbeat_");

static bool is(span s, const char *text)
{
    return span_equal(s, span_make(text, std::strlen(text)));
}

// Returns "PUB topic\n", then the size of the body and the body.
static std::string publish(const char *topic, const std::string &body)
{
    const span words[] = {SPAN("PUB"), span_make(topic, std::strlen(topic))};
    uint8_t line[64];
    uint8_t sized[64];
    const size_t n = nsq_line_encode(words, 2, line, sizeof line);
    const size_t m = nsq_body_encode(span_make(body.data(), body.size()), sized, sizeof sized);
    return std::string(line, line + n) + std::string(sized, sized + m);
}

static bool parses_command()
{
    const std::string bytes = publish("greetings", "hello");
    const nsq_limits limits = {NSQ_LINE_MAX, 1048576, 5242880};
    span rest = span_make(bytes.data(), bytes.size());
    nsq_place place = {};
    nsq_item item = {};
    bool named = false;
    bool body = false;
    while (nsq_command_parse(&place, &limits, rest, &item) == NSQ_OK) {
        named = named || (item.stage == NSQ_STAGE_LINE && item.command.id == NSQ_PUB &&
                          is(item.command.param[0], "greetings"));
        body = body || (item.stage == NSQ_STAGE_BODY && is(item.part, "hello"));
        rest = span_skip(rest, item.consumed);
    }
    return named && body && rest.n == 0;
}

static bool parses_frame()
{
    const uint8_t bytes[] = {0,   0,   0,   15,  0,   0,   0,   0,   '_', 'h',
                             'e', 'a', 'r', 't', 'b', 'e', 'a', 't', '_'};
    nsq_frame frame = {};
    size_t size = 0;
    return nsq_frame_parse(span_make(bytes, sizeof bytes), 1024, &frame, &size) == NSQ_OK &&
           nsq_frame_is_heartbeat(&frame) && span_equal(frame.data, heartbeat) &&
           be32_load(bytes) == 15;
}

// Encodes what an nsqd sends to an nsqlookupd, parses it, and encodes the reply to it.
static bool speaks_v1()
{
    uint8_t bytes[64];
    uint8_t text[64];
    const size_t n =
        nsq_lookup_line_encode(NSQ_LOOKUP_REGISTER, SPAN("a b"), SPAN("c"), bytes, sizeof bytes);
    const nsq_lookup_limits limits = {NSQ_LOOKUP_LINE_MAX, NSQ_LOOKUP_BODY_MAX};
    nsq_lookup_place place = {};
    nsq_lookup_item item = {};
    if (nsq_lookup_parse(&place, &limits, span_make(bytes, n), &item) != NSQ_OK ||
        item.command.params != 3 || !is(item.command.channel, "b")) {
        return false;
    }
    item.command.channel = SPAN("!");
    const nsq_lookup_error error = nsq_lookup_check(&item.command);
    const size_t m = nsq_lookup_error_encode(&error, text, sizeof text);
    return is(span_make(text, m), "E_BAD_CHANNEL REGISTER channel name '!' is not valid");
}

int main()
{
    nsq_protocol protocol;
    const bool magic =
        nsq_magic_parse(SPAN("  V2"), &protocol) == NSQ_OK && protocol == NSQ_PROTOCOL_V2;
    const bool names = nsq_name_valid(SPAN("greetings")) && !nsq_name_valid(SPAN("a b"));
    const bool version = std::string(nsq_version()) == NSQREF_VERSION;
    return parses_command() && parses_frame() && speaks_v1() && magic && names && version ? 0 : 1;
}
