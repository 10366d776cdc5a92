/* SPDX-License-Identifier: MIT */
/*
 * Tests of session/commands.h: which command is allowed in which state, every error text, both
 * sides of every bound, and the byte after which each reply is sent. test_settings.c tests
 * IDENTIFY's settings, test_v2.c messages and time.
 */
#include "session/commands.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/text.h"
#include "support/cuts.h"

#define CHECK(table) cuts_check_cases((table), sizeof(table) / sizeof(table)[0])

/* The commands that bring a connection into a state. */
#define SUBSCRIBED "SUB t c\n|"
#define CLOSING "SUB t c\n|CLS\n|"
#define ID "0123456789abcdef"

/* --- states ----------------------------------------------------------------------------------- */

static const struct cuts_case states[] = {
    CUTS_CASE("IDENTIFY, init", "IDENTIFY\n\0\0\0\2{}|", "R OK"),
    CUTS_CASE("IDENTIFY, subscribed", SUBSCRIBED "IDENTIFY\n|",
              "R OK; E E_INVALID cannot IDENTIFY in current state; SHUT"),
    CUTS_CASE("IDENTIFY, closing", CLOSING "IDENTIFY\n|",
              "R OK; R CLOSE_WAIT; E E_INVALID cannot IDENTIFY in current state; SHUT"),
    CUTS_CASE("AUTH, init", "AUTH\n\0\0\0\1x|", "E E_AUTH_DISABLED AUTH disabled; SHUT"),
    CUTS_CASE("AUTH, subscribed", SUBSCRIBED "AUTH\n|",
              "R OK; E E_INVALID cannot AUTH in current state; SHUT"),
    CUTS_CASE("AUTH, closing", CLOSING "AUTH\n|",
              "R OK; R CLOSE_WAIT; E E_INVALID cannot AUTH in current state; SHUT"),
    CUTS_CASE("SUB, init", "SUB t c\n|", "R OK"),
    CUTS_CASE("SUB, subscribed", SUBSCRIBED "SUB t c\n|",
              "R OK; E E_INVALID cannot SUB in current state; SHUT"),
    CUTS_CASE("SUB, closing", CLOSING "SUB t c\n|",
              "R OK; R CLOSE_WAIT; E E_INVALID cannot SUB in current state; SHUT"),
    CUTS_CASE("PUB, init", "PUB t\n\0\0\0\1x|", "R OK"),
    CUTS_CASE("PUB, subscribed", SUBSCRIBED "PUB t\n\0\0\0\1x|", "R OK; R OK"),
    CUTS_CASE("PUB, closing", CLOSING "PUB t\n\0\0\0\1x|", "R OK; R CLOSE_WAIT; R OK"),
    CUTS_CASE("MPUB, init", "MPUB t\n\0\0\0\x9\0\0\0\1\0\0\0\1x|", "R OK"),
    CUTS_CASE("MPUB, subscribed", SUBSCRIBED "MPUB t\n\0\0\0\x9\0\0\0\1\0\0\0\1x|", "R OK; R OK"),
    CUTS_CASE("MPUB, closing", CLOSING "MPUB t\n\0\0\0\x9\0\0\0\1\0\0\0\1x|",
              "R OK; R CLOSE_WAIT; R OK"),
    CUTS_CASE("DPUB, init", "DPUB t 9\n\0\0\0\1x|", "R OK"),
    CUTS_CASE("DPUB, subscribed", SUBSCRIBED "DPUB t 9\n\0\0\0\1x|", "R OK; R OK"),
    CUTS_CASE("DPUB, closing", CLOSING "DPUB t 9\n\0\0\0\1x|", "R OK; R CLOSE_WAIT; R OK"),
    CUTS_CASE("RDY, init", "RDY 1\n|", "E E_INVALID cannot RDY in current state; SHUT"),
    CUTS_CASE("RDY, subscribed", "PUB t\n\0\0\0\1x|SUB t c\n|RDY 1\n|", "R OK; R OK; M 1 x"),
    CUTS_CASE("RDY, closing: ignored, whatever it says",
              "PUB t\n\0\0\0\1x|SUB t c\n|CLS\n|RDY 1\nRDY x\nRDY 9999\n",
              "R OK; R OK; R CLOSE_WAIT"),
    CUTS_CASE("FIN, init", "FIN " ID "\n|", "E E_INVALID cannot FIN in current state; SHUT"),
    CUTS_CASE("FIN, subscribed", SUBSCRIBED "FIN " ID "\n|",
              "R OK; E E_FIN_FAILED FIN " ID " failed ID not in flight"),
    CUTS_CASE("FIN, closing", CLOSING "FIN " ID "\n|",
              "R OK; R CLOSE_WAIT; E E_FIN_FAILED FIN " ID " failed ID not in flight"),
    CUTS_CASE("REQ, init", "REQ " ID " 0\n|", "E E_INVALID cannot REQ in current state; SHUT"),
    CUTS_CASE("REQ, subscribed", SUBSCRIBED "REQ " ID " 0\n|",
              "R OK; E E_REQ_FAILED REQ " ID " failed ID not in flight"),
    CUTS_CASE("REQ, closing", CLOSING "REQ " ID " 0\n|",
              "R OK; R CLOSE_WAIT; E E_REQ_FAILED REQ " ID " failed ID not in flight"),
    CUTS_CASE("TOUCH, init", "TOUCH " ID "\n|", "E E_INVALID cannot TOUCH in current state; SHUT"),
    CUTS_CASE("TOUCH, subscribed", SUBSCRIBED "TOUCH " ID "\n|",
              "R OK; E E_TOUCH_FAILED TOUCH " ID " failed ID not in flight"),
    CUTS_CASE("TOUCH, closing", CLOSING "TOUCH " ID "\n|",
              "R OK; R CLOSE_WAIT; E E_TOUCH_FAILED TOUCH " ID " failed ID not in flight"),
    CUTS_CASE("CLS, init", "CLS\n|", "E E_INVALID cannot CLS in current state; SHUT"),
    CUTS_CASE("CLS, subscribed", SUBSCRIBED "CLS\n|", "R OK; R CLOSE_WAIT"),
    CUTS_CASE("CLS, closing", CLOSING "CLS\n|",
              "R OK; R CLOSE_WAIT; E E_INVALID cannot CLS in current state; SHUT"),
    CUTS_CASE("NOP, init", "NOP\n", ""),
    CUTS_CASE("NOP, subscribed", SUBSCRIBED "NOP\n", "R OK"),
    CUTS_CASE("NOP, closing", CLOSING "NOP\n", "R OK; R CLOSE_WAIT"),
    CUTS_CASE("unknown, init", "FOO\n|", "E E_INVALID invalid command FOO; SHUT"),
    CUTS_CASE("unknown, subscribed", SUBSCRIBED "FOO\n|",
              "R OK; E E_INVALID invalid command FOO; SHUT"),
    CUTS_CASE("unknown, closing", CLOSING "FOO\n|",
              "R OK; R CLOSE_WAIT; E E_INVALID invalid command FOO; SHUT"),

    CUTS_CASE("the state is checked before the parameters", "FIN\n|",
              "E E_INVALID cannot FIN in current state; SHUT"),
    CUTS_CASE("a command that fails but is not fatal ends nothing",
              SUBSCRIBED "FIN " ID "\n|FIN " ID "\n|CLS\n|",
              "R OK; E E_FIN_FAILED FIN " ID " failed ID not in flight; "
              "E E_FIN_FAILED FIN " ID " failed ID not in flight; R CLOSE_WAIT"),
    CUTS_CASE("nothing is parsed after a fatal error", "FOO\n|PUB t\n\0\0\0\1xBAR\n",
              "E E_INVALID invalid command FOO; SHUT"),
};

static void each_command_in_each_state(void **state)
{
    (void)state;
    CHECK(states);
}

/* --- lines ------------------------------------------------------------------------------------ */

static const struct cuts_case lines[] = {
    CUTS_CASE("the empty line", "\n|", "E E_INVALID invalid command ; SHUT"),
    CUTS_CASE("a carriage return alone", "\r\n|", "E E_INVALID invalid command ; SHUT"),
    CUTS_CASE("one carriage return is stripped", "PUB t\r\n\0\0\0\1x|", "R OK"),
    CUTS_CASE("a second one is not", "NOP\r\r\n|", "E E_INVALID invalid command NOP\\x0d; SHUT"),
    CUTS_CASE("one inside is not", "N\rOP\n|", "E E_INVALID invalid command N\\x0dOP; SHUT"),
    CUTS_CASE("small letters", "nop\n|", "E E_INVALID invalid command nop; SHUT"),
    CUTS_CASE("only the name is said", "FOO bar baz\n|", "E E_INVALID invalid command FOO; SHUT"),
    CUTS_CASE("a name begins another", "NO\n|", "E E_INVALID invalid command NO; SHUT"),
    CUTS_CASE("a name with more behind it", "NOPE\n|", "E E_INVALID invalid command NOPE; SHUT"),
    CUTS_CASE("a space in front", " NOP\n|", "E E_INVALID invalid command ; SHUT"),
    CUTS_CASE("a tab is no separator", "SUB\tt\tc\n|",
              "E E_INVALID invalid command SUB\\x09t\\x09c; SHUT"),
    CUTS_CASE("any bytes are said as they are", "\0\xff\x01\n|",
              "E E_INVALID invalid command \\x00\\xff\\x01; SHUT"),
    CUTS_CASE("two spaces make an empty name", "PUB  t\n|",
              "E E_BAD_TOPIC PUB topic name \"\" is not valid; SHUT"),
    CUTS_CASE("parameters too many are ignored", "PUB t x y z\n\0\0\0\1x|NOP x\n", "R OK"),
    CUTS_CASE("an empty one too many is as well", "PUB t \n\0\0\0\1x|", "R OK"),
    CUTS_CASE("pipelined", "NOP\nPUB t\n\0\0\0\1x|PUB t\n\0\0\0\1y|NOP\nSUB t c\n|RDY 2\n|",
              "R OK; R OK; R OK; M 1 x; M 1 y"),
};

static void lines_are_split_as_nsqd_does(void **state)
{
    (void)state;
    CHECK(lines);
}

/* Checks PUB with a line of `size` bytes, '\n' included. */
static void check_line(size_t size, bool fits)
{
    struct buf in = {0};
    text_append(&in, "PUB t ");
    memset(buf_room(&in, size), 'x', size);
    buf_grew(&in, size);
    in.p[size - 1] = '\n';
    in.n = size;
    if (fits) {
        buf_append(&in, SPAN("\0\0\0\1x|"));
    } else {
        in.n = NSQ_LINE_MAX;
        in.p[NSQ_LINE_MAX - 1] = 'x';
        buf_append(&in, SPAN("|"));
    }
    const struct cuts_case c = {
        .rule = "a long line", .in = buf_span(&in), .out = fits ? "R OK" : "SHUT"};
    cuts_check_case(&c);
    buf_free(&in);
}

static void a_line_has_16384_bytes_at_most(void **state)
{
    (void)state;
    check_line(NSQ_LINE_MAX - 1, true);
    check_line(NSQ_LINE_MAX, true);
    check_line(NSQ_LINE_MAX + 1, false);
}

/* --- IDENTIFY and AUTH: bodies ---------------------------------------------------------------- */

static void small(struct engine_config *config)
{
    config->v2.limits.max_msg_size = 10;
    config->v2.limits.max_body_size = 29; /* so MPUB may have (29 - 4) / 5 = 5 messages */
}

static const struct cuts_case data_bodies[] = {
    CUTS_CASE_WITH("IDENTIFY, no size", "IDENTIFY\n",
                   "E E_BAD_BODY IDENTIFY failed to read body size; CLOSED", .flags = CASE_EOF),
    CUTS_CASE_WITH("IDENTIFY, 1 byte of a size", "IDENTIFY\n\0",
                   "E E_BAD_BODY IDENTIFY failed to read body size; CLOSED", .flags = CASE_EOF),
    CUTS_CASE_WITH("IDENTIFY, 3 bytes of a size", "IDENTIFY\n\0\0\0",
                   "E E_BAD_BODY IDENTIFY failed to read body size; CLOSED", .flags = CASE_EOF),
    CUTS_CASE_WITH("IDENTIFY, no body", "IDENTIFY\n\0\0\0\2",
                   "E E_BAD_BODY IDENTIFY failed to read body; CLOSED", .flags = CASE_EOF),
    CUTS_CASE_WITH("IDENTIFY, a byte of a body", "IDENTIFY\n\0\0\0\2{",
                   "E E_BAD_BODY IDENTIFY failed to read body; CLOSED", .flags = CASE_EOF),
    CUTS_CASE_WITH("IDENTIFY, a document and a byte missing", "IDENTIFY\n\0\0\0\3{}",
                   "E E_BAD_BODY IDENTIFY failed to read body; CLOSED", .flags = CASE_EOF),
    CUTS_CASE_WITH("IDENTIFY, whole", "IDENTIFY\n\0\0\0\2{}|", "R OK; CLOSED", .flags = CASE_EOF),
    CUTS_CASE("IDENTIFY, size 0", "IDENTIFY\n\0\0\0\0|",
              "E E_BAD_BODY IDENTIFY invalid body size 0; SHUT"),
    CUTS_CASE("IDENTIFY, size -1", "IDENTIFY\n\xff\xff\xff\xff|",
              "E E_BAD_BODY IDENTIFY invalid body size -1; SHUT"),
    CUTS_CASE("IDENTIFY, size -65536", "IDENTIFY\n\xff\xff\0\0|",
              "E E_BAD_BODY IDENTIFY invalid body size -65536; SHUT"),
    CUTS_CASE("IDENTIFY, size -2^31", "IDENTIFY\n\x80\0\0\0|",
              "E E_BAD_BODY IDENTIFY invalid body size -2147483648; SHUT"),
    CUTS_CASE("IDENTIFY, size 2^31 - 1", "IDENTIFY\n\x7f\xff\xff\xff|",
              "E E_BAD_BODY IDENTIFY body too big 2147483647 > 5242880; SHUT"),
    CUTS_CASE("IDENTIFY, a byte more than the default", "IDENTIFY\n\0\x50\0\1|",
              "E E_BAD_BODY IDENTIFY body too big 5242881 > 5242880; SHUT"),
    CUTS_CASE_WITH("IDENTIFY, a byte less than fits",
                   "IDENTIFY\n\0\0\0\x1c{                          }|", "R OK", .configure = small),
    CUTS_CASE_WITH("IDENTIFY, just what fits", "IDENTIFY\n\0\0\0\x1d{                           }|",
                   "R OK", .configure = small),
    CUTS_CASE_WITH("IDENTIFY, a byte more than fits", "IDENTIFY\n\0\0\0\x1e|",
                   "E E_BAD_BODY IDENTIFY body too big 30 > 29; SHUT", .configure = small),
    CUTS_CASE("IDENTIFY, no JSON, said when the body is whole", "IDENTIFY\n\0\0\0\3xxx|",
              "E E_BAD_BODY IDENTIFY failed to decode JSON body; SHUT"),
    CUTS_CASE("IDENTIFY, parameters are ignored", "IDENTIFY a b\n\0\0\0\2{}|", "R OK"),
    CUTS_CASE("IDENTIFY, an empty parameter", "IDENTIFY \n\0\0\0\2{}|", "R OK"),
    CUTS_CASE("IDENTIFY, a carriage return", "IDENTIFY\r\n\0\0\0\2{}|", "R OK"),
    CUTS_CASE(
        "IDENTIFY, both codecs",
        "IDENTIFY\n\0\0\0\x3b{\"feature_negotiation\":true,\"snappy\":true,\"deflate\":true}  |",
        "E E_IDENTIFY_FAILED cannot enable both deflate and snappy compression; SHUT"),

    CUTS_CASE("AUTH, a parameter", "AUTH x\n|",
              "E E_INVALID AUTH invalid number of parameters; SHUT"),
    CUTS_CASE("AUTH, an empty parameter", "AUTH \n|",
              "E E_INVALID AUTH invalid number of parameters; SHUT"),
    CUTS_CASE_WITH("AUTH, no size", "AUTH\n", "E E_BAD_BODY AUTH failed to read body size; CLOSED",
                   .flags = CASE_EOF),
    CUTS_CASE_WITH("AUTH, no body", "AUTH\n\0\0\0\2",
                   "E E_BAD_BODY AUTH failed to read body; CLOSED", .flags = CASE_EOF),
    CUTS_CASE("AUTH, size 0", "AUTH\n\0\0\0\0|", "E E_BAD_BODY AUTH invalid body size 0; SHUT"),
    CUTS_CASE("AUTH, size -1", "AUTH\n\xff\xff\xff\xff|",
              "E E_BAD_BODY AUTH invalid body size -1; SHUT"),
    CUTS_CASE_WITH("AUTH, just what fits", "AUTH\n\0\0\0\x1dxxxxxxxxxxxxxxxxxxxxxxxxxxxxx|",
                   "E E_AUTH_DISABLED AUTH disabled; SHUT", .configure = small),
    CUTS_CASE_WITH("AUTH, a byte more than fits", "AUTH\n\0\0\0\x1e|",
                   "E E_BAD_BODY AUTH body too big 30 > 29; SHUT", .configure = small),
};

static void bodies_of_identify_and_auth(void **state)
{
    (void)state;
    CHECK(data_bodies);
}

/* --- SUB -------------------------------------------------------------------------------------- */

static const struct cuts_case subs[] = {
    CUTS_CASE("no parameters", "SUB\n|", "E E_INVALID SUB insufficient number of parameters; SHUT"),
    CUTS_CASE("one parameter", "SUB t\n|",
              "E E_INVALID SUB insufficient number of parameters; SHUT"),
    CUTS_CASE("one too many", "SUB t c x\n|", "R OK"),
    CUTS_CASE("a bad topic", "SUB t$ c\n|",
              "E E_BAD_TOPIC SUB topic name \"t$\" is not valid; SHUT"),
    CUTS_CASE("an empty topic", "SUB  c\n|",
              "E E_BAD_TOPIC SUB topic name \"\" is not valid; SHUT"),
    CUTS_CASE("a bad channel", "SUB t c$\n|",
              "E E_BAD_CHANNEL SUB channel name \"c$\" is not valid; SHUT"),
    CUTS_CASE("an empty channel", "SUB t \n|",
              "E E_BAD_CHANNEL SUB channel name \"\" is not valid; SHUT"),
    CUTS_CASE("both bad: the topic is said", "SUB $ $\n|",
              "E E_BAD_TOPIC SUB topic name \"$\" is not valid; SHUT"),
    CUTS_CASE("names are quoted", "SUB \"\\\x01\xff c\n|",
              "E E_BAD_TOPIC SUB topic name \"\\\"\\\\\\x01\\xff\" is not valid; SHUT"),
    CUTS_CASE("ephemeral names", "SUB t#ephemeral c#ephemeral\n|", "R OK"),
    CUTS_CASE("heartbeats disabled", "IDENTIFY\n\0\0\0\x19{\"heartbeat_interval\":-1}|SUB t c\n|",
              "R OK; E E_INVALID cannot SUB with heartbeats disabled; SHUT"),
    CUTS_CASE("which is said before the parameters",
              "IDENTIFY\n\0\0\0\x19{\"heartbeat_interval\":-1}|SUB\n|",
              "R OK; E E_INVALID cannot SUB with heartbeats disabled; SHUT"),
    CUTS_CASE("heartbeats disabled and enabled again",
              "IDENTIFY\n\0\0\0\x19{\"heartbeat_interval\":-1}|"
              "IDENTIFY\n\0\0\0\x1b{\"heartbeat_interval\":1000}|SUB t c\n|",
              "R OK; R OK; R OK"),
    CUTS_CASE("0 leaves them disabled",
              "IDENTIFY\n\0\0\0\x19{\"heartbeat_interval\":-1}|"
              "IDENTIFY\n\0\0\0\x18{\"heartbeat_interval\":0}|SUB t c\n|",
              "R OK; R OK; E E_INVALID cannot SUB with heartbeats disabled; SHUT"),
};

static void sub(void **state)
{
    (void)state;
    CHECK(subs);
}

static void a_channel_has_so_many_consumers(void **state)
{
    (void)state;
    struct engine_config config = world_config();
    config.broker.max_consumers = 2;
    struct world *w = world_new(&config);
    struct client *a = world_connect(w);
    struct client *b = world_connect(w);
    struct client *c = world_connect(w);
    struct client *other = world_connect(w);
    SEND(a, "SUB t c\n");
    SEND(b, "SUB t c\n");
    SEND(c, "SUB t c\n");
    SEND(other, "SUB t d\n");
    client_expect(a, "R OK");
    client_expect(b, "R OK");
    client_expect(c, "E E_SUB_FAILED SUB failed consumers for t:c exceeds limit of 2; SHUT");
    client_expect(other, "R OK");
    client_eof(a);
    client_expect_closed(a);
    struct client *d = world_connect(w);
    SEND(d, "SUB t c\n");
    client_expect_ok(d);
    world_free(w);
}

/* --- PUB, DPUB, MPUB -------------------------------------------------------------------------- */

static const struct cuts_case pubs[] = {
    CUTS_CASE("PUB, no topic", "PUB\n|", "E E_INVALID PUB insufficient number of parameters; SHUT"),
    CUTS_CASE("PUB, a bad topic", "PUB t$\n|",
              "E E_BAD_TOPIC PUB topic name \"t$\" is not valid; SHUT"),
    CUTS_CASE_WITH("PUB, no size", "PUB t\n",
                   "E E_BAD_MESSAGE PUB failed to read message body size; CLOSED",
                   .flags = CASE_EOF),
    CUTS_CASE_WITH("PUB, 3 bytes of a size", "PUB t\n\0\0\0",
                   "E E_BAD_MESSAGE PUB failed to read message body size; CLOSED",
                   .flags = CASE_EOF),
    CUTS_CASE_WITH("PUB, no body", "PUB t\n\0\0\0\2",
                   "E E_BAD_MESSAGE PUB failed to read message body; CLOSED", .flags = CASE_EOF),
    CUTS_CASE_WITH("PUB, a part of a body", "PUB t\n\0\0\0\2x",
                   "E E_BAD_MESSAGE PUB failed to read message body; CLOSED", .flags = CASE_EOF),
    CUTS_CASE_WITH("PUB, whole", "PUB t\n\0\0\0\2xy|", "R OK; CLOSED", .flags = CASE_EOF),
    CUTS_CASE("PUB, size 0", "PUB t\n\0\0\0\0|",
              "E E_BAD_MESSAGE PUB invalid message body size 0; SHUT"),
    CUTS_CASE("PUB, size -1", "PUB t\n\xff\xff\xff\xff|",
              "E E_BAD_MESSAGE PUB invalid message body size -1; SHUT"),
    CUTS_CASE("PUB, size -2^31", "PUB t\n\x80\0\0\0|",
              "E E_BAD_MESSAGE PUB invalid message body size -2147483648; SHUT"),
    CUTS_CASE("PUB, size 1", "PUB t\n\0\0\0\1x|", "R OK"),
    CUTS_CASE_WITH("PUB, just what fits", "PUB t\n\0\0\0\xaxxxxxxxxxx|", "R OK",
                   .configure = small),
    CUTS_CASE_WITH("PUB, a byte more than fits", "PUB t\n\0\0\0\xb|",
                   "E E_BAD_MESSAGE PUB message too big 11 > 10; SHUT", .configure = small),
    CUTS_CASE("PUB, a byte more than the default", "PUB t\n\0\x10\0\1|",
              "E E_BAD_MESSAGE PUB message too big 1048577 > 1048576; SHUT"),

    CUTS_CASE("DPUB, no parameters", "DPUB\n|",
              "E E_INVALID DPUB insufficient number of parameters; SHUT"),
    CUTS_CASE("DPUB, no timeout", "DPUB t\n|",
              "E E_INVALID DPUB insufficient number of parameters; SHUT"),
    CUTS_CASE("DPUB, a bad topic, said before the timeout", "DPUB t$ x\n|",
              "E E_BAD_TOPIC DPUB topic name \"t$\" is not valid; SHUT"),
    CUTS_CASE("DPUB, no number", "DPUB t x\n|", "E E_INVALID DPUB could not parse timeout x; SHUT"),
    CUTS_CASE("DPUB, a sign", "DPUB t -1\n|", "E E_INVALID DPUB could not parse timeout -1; SHUT"),
    CUTS_CASE("DPUB, digits and more", "DPUB t 1s\n|",
              "E E_INVALID DPUB could not parse timeout 1s; SHUT"),
    CUTS_CASE("DPUB, an empty timeout is 0", "DPUB t \n\0\0\0\1x|SUB t c\n|RDY 1\n|",
              "R OK; R OK; M 1 x"),
    CUTS_CASE("DPUB, the longest", "DPUB t 3600000\n\0\0\0\1x|", "R OK"),
    CUTS_CASE("DPUB, a millisecond more", "DPUB t 3600001\n|",
              "E E_INVALID DPUB timeout 3600001 out of range 0-3600000; SHUT"),
    CUTS_CASE("DPUB, 2^63 ms: the product is 0 in 64 bits",
              "DPUB t 9223372036854775808\n\0\0\0\1x|SUB t c\n|RDY 1\n|", "R OK; R OK; M 1 x"),
    CUTS_CASE("DPUB, 2^64 - 1 ms: the product is negative", "DPUB t 18446744073709551615\n|",
              "E E_INVALID DPUB timeout 18446744073709551615 out of range 0-3600000; SHUT"),
    CUTS_CASE("DPUB, 2^64 + 1 is 1", "DPUB t 18446744073709551617\n\0\0\0\1x|", "R OK"),
    CUTS_CASE("DPUB, 2^64 + 3600001 is too much", "DPUB t 18446744073713151617\n|",
              "E E_INVALID DPUB timeout 3600001 out of range 0-3600000; SHUT"),
    CUTS_CASE_WITH("DPUB, no size", "DPUB t 1\n",
                   "E E_BAD_MESSAGE DPUB failed to read message body size; CLOSED",
                   .flags = CASE_EOF),
    CUTS_CASE_WITH("DPUB, no body", "DPUB t 1\n\0\0\0\1",
                   "E E_BAD_MESSAGE DPUB failed to read message body; CLOSED", .flags = CASE_EOF),
    CUTS_CASE("DPUB, size 0", "DPUB t 1\n\0\0\0\0|",
              "E E_BAD_MESSAGE DPUB invalid message body size 0; SHUT"),
    CUTS_CASE("DPUB, size -1", "DPUB t 1\n\xff\xff\xff\xff|",
              "E E_BAD_MESSAGE DPUB invalid message body size -1; SHUT"),
    CUTS_CASE_WITH("DPUB, just what fits", "DPUB t 1\n\0\0\0\xaxxxxxxxxxx|", "R OK",
                   .configure = small),
    CUTS_CASE_WITH("DPUB, a byte more than fits", "DPUB t 1\n\0\0\0\xb|",
                   "E E_BAD_MESSAGE DPUB message too big 11 > 10; SHUT", .configure = small),
};

static void pub_and_dpub(void **state)
{
    (void)state;
    CHECK(pubs);
}

static const struct cuts_case mpubs[] = {
    CUTS_CASE("no topic", "MPUB\n|", "E E_INVALID MPUB insufficient number of parameters; SHUT"),
    CUTS_CASE("a bad topic: nsqd says the code twice", "MPUB t$\n|",
              "E E_BAD_TOPIC E_BAD_TOPIC MPUB topic name \"t$\" is not valid; SHUT"),
    CUTS_CASE_WITH("no size", "MPUB t\n", "E E_BAD_BODY MPUB failed to read body size; CLOSED",
                   .flags = CASE_EOF),
    CUTS_CASE_WITH("3 bytes of a size", "MPUB t\n\0\0\0",
                   "E E_BAD_BODY MPUB failed to read body size; CLOSED", .flags = CASE_EOF),
    CUTS_CASE_WITH("no count", "MPUB t\n\0\0\0\x9",
                   "E E_BAD_BODY MPUB failed to read message count; CLOSED", .flags = CASE_EOF),
    CUTS_CASE_WITH("3 bytes of a count", "MPUB t\n\0\0\0\x9\0\0\0",
                   "E E_BAD_BODY MPUB failed to read message count; CLOSED", .flags = CASE_EOF),
    CUTS_CASE_WITH("no first size", "MPUB t\n\0\0\0\xe\0\0\0\2",
                   "E E_BAD_MESSAGE MPUB failed to read message(0) body size; CLOSED",
                   .flags = CASE_EOF),
    CUTS_CASE_WITH("a part of the second size", "MPUB t\n\0\0\0\xe\0\0\0\2\0\0\0\1x\0\0",
                   "E E_BAD_MESSAGE MPUB failed to read message(1) body size; CLOSED",
                   .flags = CASE_EOF),
    CUTS_CASE_WITH("no second body", "MPUB t\n\0\0\0\xe\0\0\0\2\0\0\0\1x\0\0\0\2",
                   "E E_BAD_MESSAGE MPUB failed to read message body; CLOSED", .flags = CASE_EOF),
    CUTS_CASE_WITH("a part of the second body", "MPUB t\n\0\0\0\xe\0\0\0\2\0\0\0\1x\0\0\0\2y",
                   "E E_BAD_MESSAGE MPUB failed to read message body; CLOSED", .flags = CASE_EOF),
    CUTS_CASE("size 0", "MPUB t\n\0\0\0\0|", "E E_BAD_BODY MPUB invalid body size 0; SHUT"),
    CUTS_CASE("size -1", "MPUB t\n\xff\xff\xff\xff|",
              "E E_BAD_BODY MPUB invalid body size -1; SHUT"),
    CUTS_CASE("a byte more than the default", "MPUB t\n\0\x50\0\1|",
              "E E_BAD_BODY MPUB body too big 5242881 > 5242880; SHUT"),
    CUTS_CASE_WITH("a byte more than fits", "MPUB t\n\0\0\0\x1e|",
                   "E E_BAD_BODY MPUB body too big 30 > 29; SHUT", .configure = small),
    CUTS_CASE("count 0", "MPUB t\n\0\0\0\x9\0\0\0\0|",
              "E E_BAD_BODY MPUB invalid message count 0; SHUT"),
    CUTS_CASE("count -1", "MPUB t\n\0\0\0\x9\xff\xff\xff\xff|",
              "E E_BAD_BODY MPUB invalid message count -1; SHUT"),
    CUTS_CASE("count, one more than the default", "MPUB t\n\0\0\0\x9\0\x10\0\0|",
              "E E_BAD_BODY MPUB invalid message count 1048576; SHUT"),
    CUTS_CASE("count, the most of the default, waits for the first size",
              "MPUB t\n\0\0\0\x9\0\xf\xff\xff\0\0\0\0|",
              "E E_BAD_MESSAGE MPUB invalid message(0) body size 0; SHUT"),
    CUTS_CASE_WITH("count, the most",
                   "MPUB t\n\0\0\0\x1d\0\0\0\5\0\0\0\1a\0\0\0\1b\0\0\0\1c\0\0\0\1d\0\0\0\1e|"
                   "SUB t c\n|RDY 5\n|",
                   "R OK; R OK; M 1 a; M 1 b; M 1 c; M 1 d; M 1 e", .configure = small),
    CUTS_CASE_WITH("count, one more", "MPUB t\n\0\0\0\x1d\0\0\0\6|",
                   "E E_BAD_BODY MPUB invalid message count 6; SHUT", .configure = small),
    CUTS_CASE("first message, size 0", "MPUB t\n\0\0\0\x9\0\0\0\1\0\0\0\0|",
              "E E_BAD_MESSAGE MPUB invalid message(0) body size 0; SHUT"),
    CUTS_CASE("second message, size -1", "MPUB t\n\0\0\0\x9\0\0\0\2\0\0\0\1x\xff\xff\xff\xff|",
              "E E_BAD_MESSAGE MPUB invalid message(1) body size -1; SHUT"),
    CUTS_CASE_WITH("a message that just fits", "MPUB t\n\0\0\0\x12\0\0\0\1\0\0\0\xaxxxxxxxxxx|",
                   "R OK", .configure = small),
    CUTS_CASE_WITH("a message that is a byte too big",
                   "MPUB t\n\0\0\0\x12\0\0\0\2\0\0\0\1x\0\0\0\xb|",
                   "E E_BAD_MESSAGE MPUB message too big 11 > 10; SHUT", .configure = small),
    CUTS_CASE("the size is not held against the messages",
              "MPUB t\n\0\0\0\1\0\0\0\2\0\0\0\1x\0\0\0\1y|PUB t\n\0\0\0\1z|SUB t c\n|RDY 3\n|",
              "R OK; R OK; R OK; M 1 x; M 1 y; M 1 z"),
    CUTS_CASE_WITH("together they may be larger than a body may be",
                   "MPUB t\n\0\0\0\1\0\0\0\3\0\0\0\xaxxxxxxxxxx\0\0\0\xaxxxxxxxxxx"
                   "\0\0\0\xaxxxxxxxxxx|",
                   "R OK", .configure = small),
};

static void mpub(void **state)
{
    (void)state;
    CHECK(mpubs);
}

static void the_largest_bodies_are_taken(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = world_connect(w);
    client_send_filled(c, "PUB t", 'x', 1048576);
    client_expect_ok(c);
    client_send_filled(c, "IDENTIFY", ' ', 5242880);
    client_expect(c, "E E_BAD_BODY IDENTIFY failed to decode JSON body; SHUT");
    world_free(w);
}

/* MPUB creates its topic before its body arrives, PUB and DPUB after it. */
static void a_failed_mpub_leaves_a_topic_behind(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *a = world_connect(w);
    struct client *b = world_connect(w);
    struct client *c = world_connect(w);
    SEND(a, "MPUB m\n\0\0\0\0");
    SEND(b, "PUB p\n\0\0\0\0");
    SEND(c, "DPUB d 1\n\0\0\0\0");
    world_expect_log(w, "INFO TOPIC(m): created");
    world_expect_no_log(w, "INFO TOPIC(p): created");
    world_expect_no_log(w, "INFO TOPIC(d): created");
    world_free(w);
}

/* --- RDY, FIN, REQ, TOUCH --------------------------------------------------------------------- */

#define TWO "MPUB t\n\0\0\0\xe\0\0\0\2\0\0\0\1x\0\0\0\1y|" SUBSCRIBED

static const struct cuts_case rdys[] = {
    CUTS_CASE("none: 1", TWO "RDY\n|", "R OK; R OK; M 1 x"),
    CUTS_CASE("an empty one: 0", TWO "RDY \n", "R OK; R OK"),
    CUTS_CASE("0", TWO "RDY 0\n", "R OK; R OK"),
    CUTS_CASE("1", TWO "RDY 1\n|", "R OK; R OK; M 1 x"),
    CUTS_CASE("2, by steps", TWO "RDY 1\n|RDY 2\n|", "R OK; R OK; M 1 x; M 1 y"),
    CUTS_CASE("zeros in front", TWO "RDY 0002\n|", "R OK; R OK; M 1 x; M 1 y"),
    CUTS_CASE("more parameters are ignored", TWO "RDY 1 x\n|", "R OK; R OK; M 1 x"),
    CUTS_CASE("the most but one", TWO "RDY 2499\n|", "R OK; R OK; M 1 x; M 1 y"),
    CUTS_CASE("the most", TWO "RDY 2500\n|", "R OK; R OK; M 1 x; M 1 y"),
    CUTS_CASE("one more", TWO "RDY 2501\n|",
              "R OK; R OK; E E_INVALID RDY count 2501 out of range 0-2500; SHUT"),
    CUTS_CASE("2^64 - 1 is -1", TWO "RDY 18446744073709551615\n|",
              "R OK; R OK; E E_INVALID RDY count -1 out of range 0-2500; SHUT"),
    CUTS_CASE("2^63 is -2^63", TWO "RDY 9223372036854775808\n|",
              "R OK; R OK; E E_INVALID RDY count -9223372036854775808 out of range 0-2500; SHUT"),
    CUTS_CASE("2^64 + 1 is 1", TWO "RDY 18446744073709551617\n|", "R OK; R OK; M 1 x"),
    CUTS_CASE("no number", TWO "RDY x\n|",
              "R OK; R OK; E E_INVALID RDY could not parse count x; SHUT"),
    CUTS_CASE("a sign", TWO "RDY -1\n|",
              "R OK; R OK; E E_INVALID RDY could not parse count -1; SHUT"),
    CUTS_CASE("any bytes are said as they are", TWO "RDY 1\xff\n|",
              "R OK; R OK; E E_INVALID RDY could not parse count 1\\xff; SHUT"),
    CUTS_CASE("a connection that publishes to itself",
              SUBSCRIBED "RDY 1\nPUB t\n\0\0\0\1x|RDY 0\nPUB t\n\0\0\0\1y|RDY 2\n|",
              "R OK; R OK; M 1 x; R OK; M 1 y"),
};

static void rdy(void **state)
{
    (void)state;
    CHECK(rdys);
}

static const struct cuts_case ids[] = {
    CUTS_CASE("FIN, no id", SUBSCRIBED "FIN\n|",
              "R OK; E E_INVALID FIN insufficient number of params; SHUT"),
    CUTS_CASE("FIN, an empty id", SUBSCRIBED "FIN \n|",
              "R OK; E E_INVALID invalid message ID; SHUT"),
    CUTS_CASE("FIN, 15 bytes", SUBSCRIBED "FIN 0123456789abcde\n|",
              "R OK; E E_INVALID invalid message ID; SHUT"),
    CUTS_CASE("FIN, 17 bytes", SUBSCRIBED "FIN 0123456789abcdef0\n|",
              "R OK; E E_INVALID invalid message ID; SHUT"),
    CUTS_CASE("FIN, any 16 bytes are an id", SUBSCRIBED "FIN \0\xffZZZZZZZZZZZZZZ\n|",
              "R OK; E E_FIN_FAILED FIN \\x00\\xffZZZZZZZZZZZZZZ failed ID not in flight"),
    CUTS_CASE("FIN, more parameters are ignored", SUBSCRIBED "FIN " ID " x\n|",
              "R OK; E E_FIN_FAILED FIN " ID " failed ID not in flight"),
    CUTS_CASE("REQ, no id", SUBSCRIBED "REQ\n|",
              "R OK; E E_INVALID REQ insufficient number of params; SHUT"),
    CUTS_CASE("REQ, no timeout", SUBSCRIBED "REQ " ID "\n|",
              "R OK; E E_INVALID REQ insufficient number of params; SHUT"),
    CUTS_CASE("REQ, a bad id, said before the timeout", SUBSCRIBED "REQ x y\n|",
              "R OK; E E_INVALID invalid message ID; SHUT"),
    CUTS_CASE("REQ, no number", SUBSCRIBED "REQ " ID " y\n|",
              "R OK; E E_INVALID REQ could not parse timeout y; SHUT"),
    CUTS_CASE("REQ, a sign", SUBSCRIBED "REQ " ID " -1\n|",
              "R OK; E E_INVALID REQ could not parse timeout -1; SHUT"),
    CUTS_CASE("REQ, an empty timeout is 0", SUBSCRIBED "REQ " ID " \n|",
              "R OK; E E_REQ_FAILED REQ " ID " failed ID not in flight"),
    CUTS_CASE("REQ, a timeout out of range is no error", SUBSCRIBED "REQ " ID " 99999999999\n|",
              "R OK; E E_REQ_FAILED REQ " ID " failed ID not in flight"),
    CUTS_CASE("TOUCH, no id", SUBSCRIBED "TOUCH\n|",
              "R OK; E E_INVALID TOUCH insufficient number of params; SHUT"),
    CUTS_CASE("TOUCH, 15 bytes", SUBSCRIBED "TOUCH 0123456789abcde\n|",
              "R OK; E E_INVALID invalid message ID; SHUT"),
    CUTS_CASE("TOUCH, 17 bytes", SUBSCRIBED "TOUCH 0123456789abcdef0\n|",
              "R OK; E E_INVALID invalid message ID; SHUT"),
};

static void fin_req_and_touch(void **state)
{
    (void)state;
    CHECK(ids);
}

/* FIN, REQ and TOUCH of a message that another consumer of the channel has. */
static void a_message_is_its_receivers(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *a = world_connect(w);
    struct client *b = world_connect(w);
    SEND(a, "SUB t c\nRDY 1\nPUB t\n\0\0\0\1x");
    client_expect_ok(a);
    client_expect_ok(a);
    struct message_id id;
    client_expect_message(a, 1, "x", &id);
    SEND(b, "SUB t c\n");
    client_expect_ok(b);
    client_fin(b, &id);
    client_req(b, &id, 0);
    client_touch(b, &id);
    char expected[512];
    snprintf(expected, sizeof expected,
             "E E_FIN_FAILED FIN %s failed client does not own message; "
             "E E_REQ_FAILED REQ %s failed client does not own message; "
             "E E_TOUCH_FAILED TOUCH %s failed client does not own message",
             id.text, id.text, id.text);
    client_expect(b, expected);
    client_fin(a, &id);
    client_expect_nothing(a);
    client_fin(a, &id);
    snprintf(expected, sizeof expected, "E E_FIN_FAILED FIN %s failed ID not in flight", id.text);
    client_expect(a, expected);
    world_free(w);
}

/* Checks REQ's delay, which is clamped to [0, max_req_timeout], and the log line about that. */
static void check_req(const char *ms, int64_t delay, const char *log)
{
    struct engine_config config = world_config();
    config.v2.max_req_timeout = 5 * TIME_SECOND;
    struct world *w = world_new(&config);
    struct client *c = world_connect(w);
    SEND(c, "SUB t c\nRDY 1\nPUB t\n\0\0\0\1x");
    client_expect_ok(c);
    client_expect_ok(c);
    struct message_id id;
    client_expect_message(c, 1, "x", &id);
    client_sendf(c, "REQ %s %s\n", id.text, ms);
    if (delay > 0) {
        world_advance(w, delay - 1);
        client_expect_nothing(c);
        world_advance(w, 1);
    }
    client_expect_message(c, 2, "x", NULL);
    if (log != NULL) {
        world_expect_log(w, log);
    }
    assert_int_equal(client_session(c)->consumer.requeue_count, 1);
    assert_int_equal(world_logged(w, "INFO x"), 0);
    world_free(w);
}

#define CLAMPED(from, to)                                                                          \
    "INFO PROTOCOL(V2): [10.0.0.1:4000] REQ timeout " from " out of range 0-5000000000. "          \
    "Setting to " to

static void a_delay_out_of_range_is_clamped(void **state)
{
    (void)state;
    check_req("0", 0, NULL);
    check_req("", 0, NULL);
    check_req("1", TIME_MS, NULL);
    check_req("4999", 4999 * TIME_MS, NULL);
    check_req("5000", 5000 * TIME_MS, NULL);
    check_req("5001", 5000 * TIME_MS, CLAMPED("5001000000", "5000000000"));
    check_req("18446744073709551615", 0, CLAMPED("-1000000", "0"));
    check_req("18446744073709551617", TIME_MS, NULL);
}

/* One published message becomes one message for each channel of its topic, and all of them need
 * room. */
static void a_batch_for_many_channels_needs_room_for_all(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = world_connect(w);
    for (int i = 0; i < 20; i++) {
        struct client *consumer = world_connect(w);
        client_sendf(consumer, "SUB t c%d\n", i);
        client_expect_ok(consumer);
    }
    struct buf body = {0};
    buf_append(&body, SPAN("\0\0\0\xC8")); /* 200 messages */
    for (int i = 0; i < 200; i++) {
        buf_append(&body, SPAN("\0\0\0\1x"));
    }
    struct topic *t = broker_find_topic(&w->engine->broker, SPAN("t"));
    w->engine->broker.core.budget.cap = world_used(w) + 60000;
    client_send_body(c, "MPUB t", buf_span(&body));
    const char *heard = client_heard(c);
    assert_non_null(strstr(heard, "E E_MPUB_FAILED MPUB failed queued bytes would exceed "));
    assert_int_equal(t->message_count, 0);
    buf_free(&body);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_command_in_each_state),
        cmocka_unit_test(lines_are_split_as_nsqd_does),
        cmocka_unit_test(a_line_has_16384_bytes_at_most),
        cmocka_unit_test(bodies_of_identify_and_auth),
        cmocka_unit_test(sub),
        cmocka_unit_test(a_channel_has_so_many_consumers),
        cmocka_unit_test(pub_and_dpub),
        cmocka_unit_test(mpub),
        cmocka_unit_test(the_largest_bodies_are_taken),
        cmocka_unit_test(a_failed_mpub_leaves_a_topic_behind),
        cmocka_unit_test(rdy),
        cmocka_unit_test(fin_req_and_touch),
        cmocka_unit_test(a_message_is_its_receivers),
        cmocka_unit_test(a_delay_out_of_range_is_clamped),
        cmocka_unit_test(a_batch_for_many_channels_needs_room_for_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
