/* SPDX-License-Identifier: MIT */
/*
 * Tests of nsq/lookup.h: the parser of V1's commands, the encoders, and replies. The expected items
 * of an input are written as a text with one line for each item. Each such input is also cut in
 * every way.
 */
#include <nsq/lookup.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/exact.h"

#define ROOM 512
#define TEXT_ROOM 2048

/* So small that the rows below can reach each bound exactly, exceed it by one, and stay one below.
 */
static const struct nsq_lookup_limits tiny = {.max_line = 16, .max_body = 4};
static const struct nsq_lookup_limits usual = {.max_line = NSQ_LOOKUP_LINE_MAX,
                                               .max_body = NSQ_LOOKUP_BODY_MAX};
static const struct span nothing = {NULL, 0};
static struct exact wall;

/* --- the items of an input as a text ---------------------------------------------------------- */

struct run {
    const struct nsq_lookup_limits *limits;
    struct nsq_lookup_place place;
    size_t offset; /* of the first byte that was not consumed */
    bool bad;
    char text[TEXT_ROOM];
    size_t n;
};

static void __attribute__((format(printf, 2, 3))) say(struct run *run, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(run->text + run->n, TEXT_ROOM - run->n, format, args);
    va_end(args);
    assert_true(n >= 0 && (size_t)n < TEXT_ROOM - run->n);
    run->n += (size_t)n;
}

/* Writes ' ', then the bytes in quotes. */
static void say_bytes(struct run *run, struct span bytes)
{
    say(run, " '");
    for (size_t i = 0; i < bytes.n; i++) {
        bool plain = bytes.p[i] >= ' ' && bytes.p[i] < 0x7f;
        say(run, plain ? "%c" : "<%02x>", bytes.p[i]);
    }
    say(run, "'");
}

static void say_error(struct run *run, struct nsq_lookup_error error)
{
    uint8_t text[ROOM];
    size_t n = nsq_lookup_error_encode(&error, text, sizeof text);
    assert_true(n <= sizeof text);
    if (n > 0) {
        say(run, " %.*s", (int)n, (const char *)text);
    }
}

static void assert_within(struct span part, struct span in)
{
    assert_true(part.n == 0 || (part.p >= in.p && part.p + part.n <= in.p + in.n));
}

/* Writes an item with the offset of the byte after which it was found. */
static void say_item(struct run *run, const struct nsq_lookup_item *item, struct span in)
{
    const struct nsq_lookup_command *command = &item->command;
    say(run, "%zu", run->offset + item->consumed);
    if (item->stage == NSQ_LOOKUP_STAGE_BODY) {
        assert_within(item->body, in);
        say(run, " body");
        say_bytes(run, item->body);
    } else {
        const struct span words[] = {command->name, command->topic, command->channel};
        struct span name = nsq_lookup_name(command->id);
        say(run, " %.*s", (int)name.n, name.n == 0 ? "" : (const char *)name.p);
        for (size_t i = 0; i < 3; i++) {
            assert_within(words[i], in);
            if (i == 0 ? command->id == NSQ_LOOKUP_UNKNOWN : i <= command->params) {
                say_bytes(run, words[i]);
            }
        }
        assert_within(command->line, in);
        say_error(run, nsq_lookup_check(command));
    }
    say(run, "\n");
}

/* Parses the bytes up to `end`. The bytes from `fed` on are new; an item that needs none of them
 * should have been found before. */
static void feed(struct run *run, struct span bytes, size_t fed, size_t end)
{
    enum nsq_parse outcome = NSQ_OK;
    while (outcome == NSQ_OK && !run->bad) {
        struct span rest = span_make(bytes.p + run->offset, end - run->offset);
        struct span in = exact_at_end(&wall, rest);
        struct nsq_lookup_item item;
        outcome = nsq_lookup_parse(&run->place, run->limits, in, &item);
        if (outcome == NSQ_BAD) {
            bool in_line = item.stage == NSQ_LOOKUP_STAGE_LINE;
            size_t due = run->offset + (in_line ? run->limits->max_line : 4);
            assert_true(due > fed);
            say(run, "%zu bad", due);
            say_error(run, item.error);
            say(run, "\n");
            run->bad = true;
        } else if (outcome == NSQ_OK) {
            assert_true(run->offset + item.consumed > fed);
            say_item(run, &item, in);
            run->offset += item.consumed;
        }
    }
}

/* Notes what a server does at the end of the input. */
static void end(struct run *run, struct span bytes)
{
    if (!run->bad) {
        struct span rest = span_skip(bytes, run->offset);
        say(run, "end");
        say_error(run, nsq_lookup_cut_off(&run->place, rest));
        say(run, "\n");
    }
}

static void compare(const char *rule, struct run *run, struct span bytes, const char *expected)
{
    end(run, bytes);
    if (strcmp(run->text, expected) != 0) {
        fail_msg("%s:\n%sexpected:\n%s", rule, run->text, expected);
    }
}

/* Parses the input whole, byte by byte, and in two pieces with the cut at each byte. */
static void check(const char *rule, const struct nsq_lookup_limits *limits, struct span bytes,
                  const char *expected)
{
    struct run bytewise = {.limits = limits};
    for (size_t i = 0; i < bytes.n; i++) {
        feed(&bytewise, bytes, i, i + 1);
    }
    compare(rule, &bytewise, bytes, expected);
    for (size_t cut = 0; cut <= bytes.n; cut++) {
        struct run run = {.limits = limits};
        feed(&run, bytes, 0, cut);
        feed(&run, bytes, cut, bytes.n);
        compare(rule, &run, bytes, expected);
    }
}

struct row {
    const char *rule;
    struct span in;
    const char *items;
};

#define ROW(rule, in, items)                                                                       \
    {                                                                                              \
        rule, SPAN_LITERAL(in), items                                                              \
    }

static void check_rows(const struct nsq_lookup_limits *limits, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        check(rows[i].rule, limits, rows[i].in, rows[i].items);
    }
}

/* --- commands --------------------------------------------------------------------------------- */

static const struct row commands[] = {
    ROW("nothing", "", "end\n"),
    ROW("a ping", "PING\n", "5 PING\nend\n"),
    ROW("a part of a line", "PING", "end\n"),
    ROW("two pings", "PING\nPING\n", "5 PING\n10 PING\nend\n"),
    ROW("a ping with parameters", "PING a b\n", "9 PING 'a' 'b'\nend\n"),
    ROW("identify", "IDENTIFY\n\0\0\0\2{}", "9 IDENTIFY\n15 body '{}'\nend\n"),
    ROW("identify with parameters", "IDENTIFY x y z\n\0\0\0\1{",
        "15 IDENTIFY 'x' 'y'\n20 body '{'\nend\n"),
    ROW("an empty body", "IDENTIFY\n\0\0\0\0PING\n", "9 IDENTIFY\n13 body ''\n18 PING\nend\n"),
    ROW("a body that looks like lines", "IDENTIFY\n\0\0\0\7PING\n\0\nPING\n",
        "9 IDENTIFY\n20 body 'PING<0a><00><0a>'\n25 PING\nend\n"),
    ROW("register a topic", "REGISTER t\n", "11 REGISTER 't'\nend\n"),
    ROW("register a channel", "REGISTER t c\n", "13 REGISTER 't' 'c'\nend\n"),
    ROW("unregister a topic", "UNREGISTER t\n", "13 UNREGISTER 't'\nend\n"),
    ROW("unregister a channel", "UNREGISTER t c\n", "15 UNREGISTER 't' 'c'\nend\n"),
    ROW("further parameters", "REGISTER t c !\n", "15 REGISTER 't' 'c'\nend\n"),
    ROW("ephemeral names", "REGISTER t#ephemeral c#ephemeral\n",
        "33 REGISTER 't#ephemeral' 'c#ephemeral'\nend\n"),
    ROW("an empty channel", "REGISTER t  c\n", "14 REGISTER 't' ''\nend\n"),
};

static void commands_are_parsed_at_their_last_byte(void **state)
{
    (void)state;
    check_rows(&usual, commands, sizeof commands / sizeof commands[0]);
}

static const struct row wrong[] = {
    ROW("an empty line", "\n", "1  '' E_INVALID invalid command \nend\n"),
    ROW("a line of spaces", "   \n", "4  '' E_INVALID invalid command \nend\n"),
    ROW("lower case", "ping\n", "5  'ping' E_INVALID invalid command ping\nend\n"),
    ROW("a beginning", "PIN\n", "4  'PIN' E_INVALID invalid command PIN\nend\n"),
    ROW("more than a name", "PINGS x\n", "8  'PINGS' 'x' E_INVALID invalid command PINGS\nend\n"),
    ROW("a NUL", "PING\0\n", "6  'PING<00>' E_INVALID invalid command PING\nend\n"),
    ROW("a tab is no separator", "REGISTER\tt\n",
        "11  'REGISTER<09>t' E_INVALID invalid command REGISTER\tt\nend\n"),
    ROW("no topic", "REGISTER\n",
        "9 REGISTER E_INVALID REGISTER insufficient number of params\nend\n"),
    ROW("spaces behind the name are not a topic", "UNREGISTER  \n",
        "13 UNREGISTER E_INVALID UNREGISTER insufficient number of params\nend\n"),
    ROW("an empty topic", "REGISTER  t\n",
        "12 REGISTER '' 't' E_BAD_TOPIC REGISTER topic name '' is not valid\nend\n"),
    ROW("a bad topic", "REGISTER t! c\n",
        "14 REGISTER 't!' 'c' E_BAD_TOPIC REGISTER topic name 't!' is not valid\nend\n"),
    ROW("a bad channel", "UNREGISTER t c'\n",
        "16 UNREGISTER 't' 'c'' E_BAD_CHANNEL UNREGISTER channel name 'c'' is not valid\nend\n"),
    ROW("both names are bad", "REGISTER ! ?\n",
        "13 REGISTER '!' '?' E_BAD_TOPIC REGISTER topic name '!' is not valid\nend\n"),
    ROW("no size", "IDENTIFY\n", "9 IDENTIFY\nend E_BAD_BODY IDENTIFY failed to read body size\n"),
    ROW("a part of a size", "IDENTIFY\n\0\0\0",
        "9 IDENTIFY\nend E_BAD_BODY IDENTIFY failed to read body size\n"),
    ROW("no body", "IDENTIFY\n\0\0\0\2",
        "9 IDENTIFY\nend E_BAD_BODY IDENTIFY failed to read body\n"),
    ROW("a part of a body", "IDENTIFY\n\0\0\0\2{",
        "9 IDENTIFY\nend E_BAD_BODY IDENTIFY failed to read body\n"),
};

static void wrong_commands_have_these_errors(void **state)
{
    (void)state;
    check_rows(&usual, wrong, sizeof wrong / sizeof wrong[0]);
}

static const struct row bounds[] = {
    ROW("max_line", "PING           \n", "16 PING\nend\n"),
    ROW("max_line and one byte", "PING            \n",
        "16 bad E_INVALID line has more than 16 bytes\n"),
    ROW("one byte less than max_line", "PING           ", "end\n"),
    ROW("max_line without a line end", "PING            ",
        "16 bad E_INVALID line has more than 16 bytes\n"),
    ROW("each line has its own limit", "PING      \nPING           \n", "11 PING\n27 PING\nend\n"),
    ROW("the second line is too long", "PING\nREGISTER t ccccc\n",
        "5 PING\n21 bad E_INVALID line has more than 16 bytes\n"),
    ROW("max_body", "IDENTIFY\n\0\0\0\4{  }", "9 IDENTIFY\n17 body '{  }'\nend\n"),
    ROW("max_body and one byte", "IDENTIFY\n\0\0\0\5{   }",
        "9 IDENTIFY\n13 bad E_BAD_BODY IDENTIFY body too big 5 > 4\n"),
    ROW("the largest size", "IDENTIFY\n\x7f\xff\xff\xff",
        "9 IDENTIFY\n13 bad E_BAD_BODY IDENTIFY body too big 2147483647 > 4\n"),
    ROW("-1", "IDENTIFY\n\xff\xff\xff\xff",
        "9 IDENTIFY\n13 bad E_BAD_BODY IDENTIFY invalid body size -1\n"),
    ROW("the smallest size", "IDENTIFY\n\x80\0\0\0",
        "9 IDENTIFY\n13 bad E_BAD_BODY IDENTIFY invalid body size -2147483648\n"),
};

static void everything_is_bounded(void **state)
{
    (void)state;
    check_rows(&tiny, bounds, sizeof bounds / sizeof bounds[0]);
}

static void the_smallest_limits_work(void **state)
{
    (void)state;
    const struct nsq_lookup_limits none = {.max_line = 0, .max_body = 0};
    const struct nsq_lookup_limits one = {.max_line = 1, .max_body = 0};
    const struct nsq_lookup_limits line = {.max_line = 9, .max_body = 0};
    struct nsq_lookup_place place = {NSQ_LOOKUP_STAGE_LINE, 0};
    struct nsq_lookup_item item;
    assert_int_equal(nsq_lookup_parse(&place, &none, nothing, &item), NSQ_BAD);
    assert_int_equal(item.error.why, NSQ_LOOKUP_LINE_TOO_LONG);
    check("a line of one byte", &one, SPAN("\n"), "1  '' E_INVALID invalid command \nend\n");
    check("a line of two bytes", &one, SPAN(" \n"), "1 bad E_INVALID line has more than 1 bytes\n");
    check("no body", &line, SPAN("IDENTIFY\n\0\0\0\0"), "9 IDENTIFY\n13 body ''\nend\n");
    check("a body of one byte", &line, SPAN("IDENTIFY\n\0\0\0\1"),
          "9 IDENTIFY\n13 bad E_BAD_BODY IDENTIFY body too big 1 > 0\n");
}

/* A caller may lower a limit below what the parser has already looked at. */
static void limits_may_become_smaller(void **state)
{
    (void)state;
    struct nsq_lookup_place place = {NSQ_LOOKUP_STAGE_LINE, 0};
    struct nsq_lookup_item item;
    struct span in = exact_at_end(&wall, SPAN("PING PING P"));
    assert_int_equal(nsq_lookup_parse(&place, &tiny, in, &item), NSQ_MORE);
    const struct nsq_lookup_limits smaller = {.max_line = 4, .max_body = 4};
    assert_int_equal(nsq_lookup_parse(&place, &smaller, in, &item), NSQ_BAD);
    assert_int_equal(item.error.why, NSQ_LOOKUP_LINE_TOO_LONG);
    assert_int_equal(item.error.limit, 4);
}

/* --- white space ------------------------------------------------------------------------------ */

/* Encodes a character of the first 65536 in UTF-8. */
static struct span utf8(unsigned c, uint8_t out[3])
{
    if (c < 0x80) {
        out[0] = (uint8_t)c;
        return span_make(out, 1);
    }
    if (c < 0x800) {
        out[0] = (uint8_t)(0xc0 | c >> 6);
        out[1] = (uint8_t)(0x80 | (c & 0x3f));
        return span_make(out, 2);
    }
    out[0] = (uint8_t)(0xe0 | c >> 12);
    out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
    out[2] = (uint8_t)(0x80 | (c & 0x3f));
    return span_make(out, 3);
}

/* Go's unicode.IsSpace, written as a condition. */
static bool is_space(unsigned c)
{
    return (c >= 9 && c <= 13) || c == ' ' || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
           c == 0x205f || c == 0x3000;
}

/* Puts each character of Unicode's first 65536 before and after a command. */
static void exactly_unicodes_white_space_is_removed(void **state)
{
    (void)state;
    for (unsigned c = 0; c < 0x10000; c++) {
        uint8_t bytes[16], encoded[3];
        struct span space = utf8(c, encoded);
        memcpy(bytes, space.p, space.n);
        memcpy(bytes + space.n, "PING", 4);
        memcpy(bytes + space.n + 4, space.p, space.n);
        size_t size = 2 * space.n + 4;
        struct nsq_lookup_command command;
        nsq_lookup_split(exact_at_end(&wall, span_make(bytes, size)), &command);
        if (command.line.n != (is_space(c) ? 4 : size)) {
            fail_msg("U+%04X: %zu bytes are left", c, command.line.n);
        }
        assert_int_equal(command.id == NSQ_LOOKUP_PING, is_space(c));
    }
}

static const struct row spaces[] = {
    ROW("several kinds", "\t \v\f\r\xc2\x85\xe3\x80\x80PING\xc2\xa0 \xe2\x80\x83\r\n",
        "22 PING\nend\n"),
    ROW("a space that is cut off at the end", "PING\xe2\x80\n",
        "7  'PING<e2><80>' E_INVALID invalid command PING\xe2\x80\nend\n"),
    ROW("the end of a space at the start", "\x80\x80PING\n",
        "7  '<80><80>PING' E_INVALID invalid command \x80\x80PING\nend\n"),
    ROW("a whole line of part of a space", "\xe1\n",
        "2  '<e1>' E_INVALID invalid command \xe1\nend\n"),
    ROW("NBSP in Latin-1", "PING\xa0\n", "6  'PING<a0>' E_INVALID invalid command PING\xa0\nend\n"),
    ROW("a space in an encoding that is too long", "PING\xc0\xa0\n",
        "7  'PING<c0><a0>' E_INVALID invalid command PING\xc0\xa0\nend\n"),
    ROW("white space within a line stays", "REGISTER t\xc2\xa0 c\n",
        "15 REGISTER 't<c2><a0>' 'c' E_BAD_TOPIC REGISTER topic name 't\xc2\xa0' is not valid\n"
        "end\n"),
    ROW("only white space", "\xe3\x80\x80\xe3\x80\x80\n",
        "7  '' E_INVALID invalid command \nend\n"),
};

static void white_space_is_removed_at_both_ends(void **state)
{
    (void)state;
    check_rows(&usual, spaces, sizeof spaces / sizeof spaces[0]);
}

static void a_line_without_its_end_is_split_too(void **state)
{
    (void)state;
    struct nsq_lookup_command command;
    nsq_lookup_split(exact_at_end(&wall, SPAN(" REGISTER t c d ")), &command);
    assert_int_equal(command.id, NSQ_LOOKUP_REGISTER);
    assert_int_equal(command.params, 3);
    assert_true(span_equal(command.line, SPAN("REGISTER t c d")));
    assert_true(span_equal(command.topic, SPAN("t")));
    assert_true(span_equal(command.channel, SPAN("c")));
    nsq_lookup_split(nothing, &command);
    assert_int_equal(command.id, NSQ_LOOKUP_UNKNOWN);
    assert_int_equal(command.params, 0);
    assert_int_equal(command.line.n + command.name.n + command.topic.n + command.channel.n, 0);
}

/* --- what a client encodes -------------------------------------------------------------------- */

static const struct {
    enum nsq_lookup_id id;
    struct span topic, channel, bytes;
} lines[] = {
    {NSQ_LOOKUP_PING, {NULL, 0}, {NULL, 0}, SPAN_LITERAL("PING\n")},
    {NSQ_LOOKUP_REGISTER, SPAN_LITERAL("t"), {NULL, 0}, SPAN_LITERAL("REGISTER t\n")},
    {NSQ_LOOKUP_REGISTER, SPAN_LITERAL("t"), SPAN_LITERAL("c"), SPAN_LITERAL("REGISTER t c\n")},
    {NSQ_LOOKUP_UNREGISTER, SPAN_LITERAL("t"), {NULL, 0}, SPAN_LITERAL("UNREGISTER t\n")},
    {NSQ_LOOKUP_UNREGISTER, SPAN_LITERAL("t"), SPAN_LITERAL("c"), SPAN_LITERAL("UNREGISTER t c\n")},
    {NSQ_LOOKUP_REGISTER, {NULL, 0}, SPAN_LITERAL("c"), SPAN_LITERAL("REGISTER\n")},
};

static void lines_are_written_when_there_is_room(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        size_t size = lines[i].bytes.n;
        for (size_t room = 0; room <= size + 1; room++) {
            uint8_t *out = room == 0 ? NULL : exact_room(&wall, room);
            size_t n =
                nsq_lookup_line_encode(lines[i].id, lines[i].topic, lines[i].channel, out, room);
            assert_int_equal(n, size);
            if (room < size) {
                assert_true(room == 0 || out[0] == EXACT_CANARY);
            } else {
                assert_memory_equal(out, lines[i].bytes.p, size);
            }
        }
    }
    struct span huge = span_make(wall.end, SIZE_MAX); /* not read */
    assert_int_equal(nsq_lookup_line_encode(NSQ_LOOKUP_REGISTER, huge, nothing, NULL, 0), 0);
}

static void identify_is_line_size_and_body(void **state)
{
    (void)state;
    const struct span bodies[] = {SPAN("{}"), SPAN(""), nothing};
    const struct span bytes[] = {SPAN("IDENTIFY\n\0\0\0\2{}"), SPAN("IDENTIFY\n\0\0\0\0"),
                                 SPAN("IDENTIFY\n\0\0\0\0")};
    for (size_t i = 0; i < 3; i++) {
        for (size_t room = 0; room <= bytes[i].n + 1; room++) {
            uint8_t *out = room == 0 ? NULL : exact_room(&wall, room);
            assert_int_equal(nsq_lookup_identify_encode(bodies[i], out, room), bytes[i].n);
            if (room < bytes[i].n) {
                assert_true(room == 0 || out[0] == EXACT_CANARY);
            } else {
                assert_memory_equal(out, bytes[i].p, bytes[i].n);
            }
        }
    }
    struct span most = span_make(wall.end, INT32_MAX); /* not read */
    struct span over = span_make(wall.end, (size_t)INT32_MAX + 1);
    assert_int_equal(nsq_lookup_identify_encode(most, NULL, 0), (size_t)INT32_MAX + 13);
    uint8_t *out = exact_room(&wall, 16);
    assert_int_equal(nsq_lookup_identify_encode(over, out, SIZE_MAX), 0);
    assert_int_equal(out[0], EXACT_CANARY);
}

/* --- replies ---------------------------------------------------------------------------------- */

#define ANY SIZE_MAX /* no limit */

static const struct {
    const char *rule;
    size_t max_data;
    struct span in;
    enum nsq_parse outcome;
    size_t decided; /* the number of bytes after which the outcome is known */
    size_t data;
} replies[] = {
#define REPLY(rule, max, in, ...)                                                                  \
    {                                                                                              \
        rule, max, SPAN_LITERAL(in), __VA_ARGS__                                                   \
    }
    REPLY("OK", ANY, "\0\0\0\2OK", NSQ_OK, 6, 2),
    REPLY("an empty reply", ANY, "\0\0\0\0", NSQ_OK, 4, 0),
    REPLY("what follows is not looked at", ANY, "\0\0\0\2OK\xff\xff\xff\xff", NSQ_OK, 6, 2),
    REPLY("-1", ANY, "\xff\xff\xff\xff", NSQ_BAD, 4, 0),
    REPLY("the smallest size", ANY, "\x80\0\0\0", NSQ_BAD, 4, 0),
    REPLY("the largest size", ANY, "\x7f\xff\xff\xff", NSQ_MORE, 4, 0),
    REPLY("at the limit", 2, "\0\0\0\2OK", NSQ_OK, 6, 2),
    REPLY("above the limit", 1, "\0\0\0\2OK", NSQ_BAD, 4, 0),
    REPLY("a limit of 0", 0, "\0\0\0\0", NSQ_OK, 4, 0),
    REPLY("1 above a limit of 0", 0, "\0\0\0\1x", NSQ_BAD, 4, 0),
    REPLY("big-endian", 258, "\0\0\1\2", NSQ_MORE, 4, 0),
    REPLY("big-endian, above the limit", 257, "\0\0\1\2", NSQ_BAD, 4, 0),
#undef REPLY
};

static void replies_are_said_at_the_byte_that_decides(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
        for (size_t n = 0; n <= replies[i].in.n; n++) {
            struct span in = exact_at_end(&wall, span_first(replies[i].in, n));
            struct span data = {NULL, 99};
            size_t consumed = 99;
            enum nsq_parse expected = n < replies[i].decided ? NSQ_MORE : replies[i].outcome;
            enum nsq_parse outcome =
                nsq_lookup_reply_parse(in, replies[i].max_data, &data, &consumed);
            if (outcome != expected) {
                fail_msg("%s, %zu bytes: outcome %d", replies[i].rule, n, (int)outcome);
            }
            if (outcome == NSQ_OK) {
                assert_ptr_equal(data.p, in.p + 4);
                assert_int_equal(data.n, replies[i].data);
                assert_int_equal(consumed, 4 + replies[i].data);
            } else {
                assert_null(data.p);
                assert_int_equal(data.n, 99);
                assert_int_equal(consumed, 99);
            }
        }
    }
}

static void replies_come_back_as_they_were(void **state)
{
    (void)state;
    for (size_t n = 0; n < ROOM - 4; n++) {
        uint8_t bytes[ROOM];
        memset(bytes, (int)n, sizeof bytes);
        struct span data = span_make(bytes, n), got;
        size_t consumed;
        uint8_t *out = exact_room(&wall, n + 4);
        assert_int_equal(nsq_lookup_reply_encode(data, out, n + 3), n + 4);
        assert_int_equal(out[0], EXACT_CANARY);
        assert_int_equal(nsq_lookup_reply_encode(data, out, n + 4), n + 4);
        assert_int_equal(nsq_lookup_reply_parse(span_make(out, n + 4), n, &got, &consumed), NSQ_OK);
        assert_true(span_equal(got, data));
        assert_int_equal(consumed, n + 4);
    }
    struct span over = span_make(wall.end, (size_t)INT32_MAX + 1);
    assert_int_equal(nsq_lookup_reply_encode(over, NULL, 0), 0);
    struct span data;
    size_t consumed;
    assert_int_equal(nsq_lookup_reply_parse(nothing, ANY, &data, &consumed), NSQ_MORE);
}

int main(void)
{
    exact_open(&wall, ROOM);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_are_parsed_at_their_last_byte),
        cmocka_unit_test(wrong_commands_have_these_errors),
        cmocka_unit_test(everything_is_bounded),
        cmocka_unit_test(the_smallest_limits_work),
        cmocka_unit_test(limits_may_become_smaller),
        cmocka_unit_test(exactly_unicodes_white_space_is_removed),
        cmocka_unit_test(white_space_is_removed_at_both_ends),
        cmocka_unit_test(a_line_without_its_end_is_split_too),
        cmocka_unit_test(lines_are_written_when_there_is_room),
        cmocka_unit_test(identify_is_line_size_and_body),
        cmocka_unit_test(replies_are_said_at_the_byte_that_decides),
        cmocka_unit_test(replies_come_back_as_they_were),
    };
    int failed = cmocka_run_group_tests_name("lookup", tests, NULL, NULL);
    exact_close(&wall);
    return failed;
}
