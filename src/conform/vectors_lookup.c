/* SPDX-License-Identifier: MIT */
/*
 * Runs the parser of nsq/lookup.h over an input and writes its items. Must not know the session.
 */
#include "conform/vectors_lookup.h"

static const char *const stages[] = {
    [NSQ_LOOKUP_STAGE_LINE] = "line",
    [NSQ_LOOKUP_STAGE_BODY] = "body",
};

static const char *reason_of(enum nsq_lookup_why why)
{
    return why == NSQ_LOOKUP_LINE_TOO_LONG ? "line-too-long"
           : why == NSQ_LOOKUP_BAD_SIZE    ? "negative"
                                           : "too-big";
}

static void write_line(struct json_writer *json, const struct nsq_lookup_command *command)
{
    json_member_string(json, "command", nsq_lookup_name(command->id));
    vectors_bytes(json, "name", command->name);
    json_member_integer(json, "params", (int64_t)command->params);
    vectors_bytes(json, "topic", command->topic);
    vectors_bytes(json, "channel", command->channel);
}

/* The item is known after `end` bytes of the input. */
static void write_item(struct json_writer *json, size_t end, const struct nsq_lookup_item *item)
{
    json_open_object(json);
    json_member_integer(json, "after", (int64_t)end);
    vectors_word(json, "stage", stages[item->stage]);
    if (item->error.why != NSQ_LOOKUP_NO_ERROR) {
        vectors_word(json, "bad", reason_of(item->error.why));
    } else if (item->stage == NSQ_LOOKUP_STAGE_LINE) {
        write_line(json, &item->command);
    } else {
        vectors_bytes(json, "body", item->body);
    }
    json_close_object(json);
}

/* Gives the parser the input byte by byte. Returns false if it has found the input bad. */
static bool write_items(struct json_writer *json, const struct nsq_lookup_limits *limits,
                        struct span in, struct nsq_lookup_place *place)
{
    size_t start = 0;
    enum nsq_parse outcome = NSQ_MORE;
    for (size_t end = 1; end <= in.n && outcome != NSQ_BAD; end++) {
        struct nsq_lookup_item item;
        outcome =
            nsq_lookup_parse(place, limits, span_first(span_skip(in, start), end - start), &item);
        if (outcome != NSQ_MORE) {
            write_item(json, end, &item);
            start += item.consumed;
        }
    }
    return outcome != NSQ_BAD;
}

void vectors_lookup(struct json_writer *json, const struct nsq_lookup_limits *limits,
                    struct span in)
{
    struct nsq_lookup_place place = {0};
    json_member_object(json, "limits");
    json_member_integer(json, "line", (int64_t)limits->max_line);
    json_member_integer(json, "body", limits->max_body);
    json_close_object(json);
    vectors_bytes(json, "bytes", in);
    json_member_array(json, "items");
    bool good = write_items(json, limits, in, &place);
    json_close_array(json);
    vectors_word(json, "waits", good ? stages[place.stage] : "nothing");
}
