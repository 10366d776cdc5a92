/* SPDX-License-Identifier: MIT */
/*
 * Runs the parser of nsq/command.h over an input and writes its items. Must not know the session.
 */
#include "conform/vectors_parser.h"

static const char *const stages[] = {
    [NSQ_STAGE_LINE] = "line",
    [NSQ_STAGE_SIZE] = "size",
    [NSQ_STAGE_BODY] = "body",
    [NSQ_STAGE_COUNT] = "count",
    [NSQ_STAGE_MESSAGE_SIZE] = "message-size",
    [NSQ_STAGE_MESSAGE_BODY] = "message-body",
};

static const char *const reasons[] = {
    [NSQ_BAD_NOTHING] = "",
    [NSQ_BAD_LINE_TOO_LONG] = "line-too-long",
    [NSQ_BAD_SIZE_NOT_POSITIVE] = "not-positive",
    [NSQ_BAD_SIZE_TOO_BIG] = "too-big",
    [NSQ_BAD_COUNT] = "count",
};

struct walk {
    struct json_writer *json;
    const struct nsq_limits *limits;
    struct span in;
    struct nsq_place place;
    size_t start;    /* in `in`: the first byte that the parser has not consumed */
    size_t end;      /* in `in`: the end of the bytes that the parser has been given */
    struct buf body; /* the parts of the current body that have come */
};

static void write_line(struct json_writer *json, const struct nsq_command *command)
{
    json_member_string(json, "command", nsq_command_row(command->id)->name);
    vectors_bytes(json, "name", command->name);
    json_member_integer(json, "params", (int64_t)command->params);
    json_member_array(json, "param");
    for (size_t i = 0; i < command->params && i < NSQ_PARAMS_MAX; i++) {
        vectors_write_bytes(json, command->param[i]);
    }
    json_close_array(json);
}

static void write_item(struct walk *w, const struct nsq_item *item)
{
    json_open_object(w->json);
    json_member_integer(w->json, "after", (int64_t)w->end);
    vectors_word(w->json, "stage", stages[item->stage]);
    if (item->bad != NSQ_BAD_NOTHING) {
        vectors_word(w->json, "bad", reasons[item->bad]);
    }
    if (item->stage == NSQ_STAGE_BODY || item->stage == NSQ_STAGE_MESSAGE_BODY) {
        vectors_bytes(w->json, "body", buf_span(&w->body));
    } else if (item->stage != NSQ_STAGE_LINE) {
        json_member_integer(w->json, "value", item->value);
    } else if (item->bad == NSQ_BAD_NOTHING) {
        write_line(w->json, &item->command);
    }
    json_member_bool(w->json, "last", item->last);
    json_close_object(w->json);
}

static void take(struct walk *w, const struct nsq_item *item)
{
    w->start += item->consumed;
    buf_append(&w->body, item->part);
    if (item->part.n == 0 || item->whole) {
        write_item(w, item);
        buf_drop(&w->body, w->body.n);
    }
}

/* Reads all items in the bytes up to `end`. Returns false if the parser must stop. */
static bool parse_items(struct walk *w)
{
    while (w->start < w->end) {
        struct nsq_item item;
        struct span in = span_first(span_skip(w->in, w->start), w->end - w->start);
        switch (nsq_command_parse(&w->place, w->limits, in, &item)) {
        case NSQ_OK:
            take(w, &item);
            break;
        case NSQ_BAD:
            write_item(w, &item);
            return false;
        default:
            return true;
        }
    }
    return true;
}

static void write_limits(struct json_writer *json, const struct nsq_limits *limits)
{
    json_member_object(json, "limits");
    json_member_integer(json, "line", (int64_t)limits->max_line);
    json_member_integer(json, "message", limits->max_msg_size);
    json_member_integer(json, "body", limits->max_body_size);
    json_close_object(json);
}

void vectors_parser(struct json_writer *json, const struct nsq_limits *limits, struct span in)
{
    struct walk w = {.json = json, .limits = limits, .in = in};
    bool good = true;
    write_limits(json, limits);
    vectors_bytes(json, "bytes", in);
    json_member_array(json, "items");
    while (good && w.end < in.n) {
        w.end++;
        good = parse_items(&w);
    }
    json_close_array(json);
    vectors_word(json, "waits", good ? stages[w.place.stage] : "nothing");
    buf_free(&w.body);
}
