/* SPDX-License-Identifier: MIT */
/*
 * Writes commands as bytes; ops.h says which operation stands for which command. Must not know: the
 * server. The caller names the message that a FIN, REQ or TOUCH is about.
 */
#include "command_writer.h"

#include <nsq/command.h>
#include <nsq/frame.h>

#include "base/time.h"

static void add(struct command_writer *w, struct span bytes)
{
    size_t room = sizeof w->bytes - w->n;
    bytes = span_first(bytes, room);
    memcpy(w->bytes + w->n, bytes.p, bytes.n);
    w->n += bytes.n;
}

static void add_size(struct command_writer *w, size_t size)
{
    uint8_t bytes[NSQ_SIZE_SIZE];
    be32_store(bytes, (uint32_t)size);
    add(w, span_make(bytes, sizeof bytes));
}

static void add_number(struct command_writer *w, uint64_t number)
{
    uint8_t digits[20];
    size_t n = 0;
    do {
        digits[sizeof digits - ++n] = (uint8_t)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    add(w, span_make(digits + sizeof digits - n, n));
}

static void add_hex(struct command_writer *w, uint64_t number, size_t digits)
{
    for (size_t i = digits; i-- > 0;) {
        add(w, span_make(&"0123456789abcdef"[number >> (4 * i) & 15], 1));
    }
}

static void add_body(struct command_writer *w, size_t more)
{
    add_size(w, 8 + more);
    add_hex(w, w->serial++, 8);
    for (size_t i = 0; i < more; i++) {
        add(w, SPAN("x"));
    }
}

struct span command_writer_topic(unsigned i)
{
    static const char *const names[] = {"a", "b", "c", "d#ephemeral"};
    return span_make(names[i % 4], strlen(names[i % 4]));
}

struct span command_writer_channel(unsigned i)
{
    static const char *const names[] = {"p", "q", "r", "s#ephemeral"};
    return span_make(names[i % 4], strlen(names[i % 4]));
}

static struct span settings(unsigned i)
{
    static const char *const all[] = {
        "{}",
        "{\"feature_negotiation\":true}",
        "{\"heartbeat_interval\":1000}",
        "{\"heartbeat_interval\":-1}",
        "{\"msg_timeout\":1000}",
        "{\"msg_timeout\":900000}",
        "{\"sample_rate\":1}",
        "{\"sample_rate\":50}",
        "{\"sample_rate\":99,\"feature_negotiation\":true}",
        "{\"sample_rate\":100}",
        "{\"output_buffer_size\":-1}",
        "{\"output_buffer_timeout\":-1}",
        "{\"feature_negotiation\":true,\"deflate\":true,\"snappy\":true}",
        "{\"client_id\":\"c\",\"hostname\":\"h\",\"user_agent\":\"u\"}",
        "{\"msg_timeout\":1}",
        "[",
    };
    return span_make(all[i % 16], strlen(all[i % 16]));
}

static void add_topic(struct command_writer *w, struct span command, unsigned topic)
{
    add(w, command);
    add(w, command_writer_topic(topic));
}

static void add_bodies(struct command_writer *w, unsigned count, size_t more)
{
    add_size(w, NSQ_MPUB_OVERHEAD + count * (NSQ_SIZE_SIZE + 8 + more));
    add_size(w, count);
    for (unsigned i = 0; i < count; i++) {
        add_body(w, more);
    }
}

static void add_command(struct command_writer *w, unsigned which, unsigned a, unsigned b)
{
    switch (which % 16) {
    case OP_MAGIC:
        add(w, SPAN("  V2"));
        break;
    case OP_IDENTIFY:
        add(w, SPAN("IDENTIFY\n"));
        add_size(w, settings(a).n);
        add(w, settings(a));
        break;
    case OP_SUB:
        add_topic(w, SPAN("SUB "), a);
        add(w, SPAN(" "));
        add(w, command_writer_channel(b));
        add(w, SPAN("\n"));
        break;
    case OP_PUB:
        add_topic(w, SPAN("PUB "), a);
        add(w, SPAN("\n"));
        add_body(w, b);
        break;
    case OP_MPUB:
        add_topic(w, SPAN("MPUB "), a);
        add(w, SPAN("\n"));
        add_bodies(w, (b & 7) + 1, b >> 3);
        break;
    case OP_DPUB:
        add_topic(w, SPAN("DPUB "), a & 3);
        add(w, SPAN(" "));
        add_number(w, (uint64_t)(a >> 2 & 15) << (4 * (a >> 6)));
        add(w, SPAN("\n"));
        add_body(w, b);
        break;
    case OP_RDY:
        add(w, SPAN("RDY "));
        add_number(w, a);
        add(w, SPAN("\n"));
        break;
    case OP_CLS:
        add(w, SPAN("CLS\n"));
        break;
    case OP_AUTH:
        add(w, SPAN("AUTH\n"));
        add_body(w, a);
        break;
    default:
        add(w, SPAN("NOP\n"));
        break;
    }
}

void command_writer_init(struct command_writer *w)
{
    w->serial = 0;
    w->n = 0;
}

static struct span written(const struct command_writer *w)
{
    return span_make(w->bytes, w->n);
}

struct span command_writer_command(struct command_writer *w, const uint8_t args[OP_ARGS_MAX])
{
    w->n = 0;
    add_command(w, args[0], args[1], args[2]);
    return written(w);
}

struct span command_writer_message(struct command_writer *w, const uint8_t args[OP_ARGS_MAX],
                                   uint64_t id)
{
    static const char *const names[] = {"FIN ", "REQ ", "TOUCH ", "FIN "};
    const char *name = names[args[0] & 3];
    w->n = 0;
    add(w, span_make(name, strlen(name)));
    add_hex(w, id, NSQ_MESSAGE_ID_SIZE);
    if ((args[0] & 3) == 1) {
        add(w, SPAN(" "));
        add_number(w, (uint64_t)(ops_time(args[2]) / TIME_MS));
    }
    add(w, SPAN("\n"));
    return written(w);
}
