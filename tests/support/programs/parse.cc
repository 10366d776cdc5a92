// SPDX-License-Identifier: MIT
// Uses the protocol library from C++: encodes the commands of a client, parses them again, and
// parses a frame of a server. Exits with 0 when each result is right. ci/install compiles it with
// each standard from C++11 on.
#include <nsq/command.h>
#include <nsq/diskqueue.h>
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

// Encodes a record, the meta file and the names of a queue on disk, and parses them.
static bool knows_the_disk()
{
    const uint8_t *id = reinterpret_cast<const uint8_t *>("0123456789abcdef");
    const nsq_message message = {1, 2, id, SPAN("hello")};
    const nsq_diskqueue_meta meta = {1, 0, 0, 0, 35};
    nsq_diskqueue_file file = {NSQ_DISKQUEUE_DATA, SPAN("a"), SPAN("b"), 7};
    uint8_t bytes[64];
    size_t n = nsq_diskqueue_record_encode(&message, bytes, sizeof bytes);
    nsq_diskqueue_record record = {};
    if (nsq_diskqueue_record_parse(span_make(bytes, n), 5, &record) != NSQ_OK ||
        record.consumed != 35 || !is(record.message.body, "hello") ||
        !nsq_diskqueue_rolls(35, n, 69)) {
        return false;
    }
    n = nsq_diskqueue_meta_encode(&meta, bytes, sizeof bytes);
    nsq_diskqueue_meta read = {};
    nsq_diskqueue_meta_error error = {};
    if (!is(span_make(bytes, n), "1\n0,0\n0,35\n") ||
        nsq_diskqueue_meta_parse(span_make(bytes, n), &read, &error) != NSQ_OK ||
        read.write_pos != 35) {
        return false;
    }
    n = nsq_diskqueue_name_encode(&file, bytes, sizeof bytes);
    return is(span_make(bytes, n), "a:b.diskqueue.000007.dat") &&
           nsq_diskqueue_name_parse(span_make(bytes, n), &file) && is(file.channel, "b") &&
           is(nsq_diskqueue_why_text(NSQ_DISKQUEUE_BAD_ID), "bad id");
}

int main()
{
    nsq_protocol protocol;
    const bool magic =
        nsq_magic_parse(SPAN("  V2"), &protocol) == NSQ_OK && protocol == NSQ_PROTOCOL_V2;
    const bool names = nsq_name_valid(SPAN("greetings")) && !nsq_name_valid(SPAN("a b"));
    const bool version = std::string(nsq_version()) == NSQREF_VERSION;
    const bool works = parses_command() && parses_frame() && speaks_v1() && knows_the_disk();
    return works && magic && names && version ? 0 : 1;
}
