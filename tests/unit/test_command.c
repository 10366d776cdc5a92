/* SPDX-License-Identifier: MIT */
/*
 * Tests of nsq/command.h: the command table, the parser in all its stages, the encoders.
 * The expected items of an input are written as the events of tests/support/segments.h. Each such
 * input is also cut in every way.
 */
#include <nsq/command.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/exact.h"
#include "support/segments.h"

/* So small that the rows below can reach each bound exactly, exceed it by one, and stay one below.
 */
static const struct nsq_limits tiny = {.max_line = 16, .max_msg_size = 4, .max_body_size = 14};
/* nsqd's defaults. */
static const struct nsq_limits usual = {
    .max_line = NSQ_LINE_MAX, .max_msg_size = 1048576, .max_body_size = 5242880};

static const struct span nothing = {NULL, 0};

/* What the tests need and what is too large for the stack. */
static struct {
    struct exact wall;
    struct segments segments;
    uint64_t seed;
} here;

/* --- the command table ------------------------------------------------------------------------ */

static const struct {
    enum nsq_command_id id;
    const char *name;
    unsigned least_params;
    enum nsq_body_kind body;
} commands[] = {
    {NSQ_UNKNOWN, "", 0, NSQ_BODY_NONE},     {NSQ_IDENTIFY, "IDENTIFY", 0, NSQ_BODY_DATA},
    {NSQ_AUTH, "AUTH", 0, NSQ_BODY_DATA},    {NSQ_SUB, "SUB", 2, NSQ_BODY_NONE},
    {NSQ_PUB, "PUB", 1, NSQ_BODY_MESSAGE},   {NSQ_MPUB, "MPUB", 1, NSQ_BODY_MESSAGES},
    {NSQ_DPUB, "DPUB", 2, NSQ_BODY_MESSAGE}, {NSQ_RDY, "RDY", 0, NSQ_BODY_NONE},
    {NSQ_FIN, "FIN", 1, NSQ_BODY_NONE},      {NSQ_REQ, "REQ", 2, NSQ_BODY_NONE},
    {NSQ_TOUCH, "TOUCH", 1, NSQ_BODY_NONE},  {NSQ_CLS, "CLS", 0, NSQ_BODY_NONE},
    {NSQ_NOP, "NOP", 0, NSQ_BODY_NONE},
};

#define COMMANDS (sizeof commands / sizeof commands[0])

static struct span string(const char *s)
{
    return span_make(s, strlen(s));
}

static void each_command_has_its_row(void **state)
{
    (void)state;
    assert_int_equal(COMMANDS, NSQ_COMMAND_COUNT);
    for (size_t i = 0; i < COMMANDS; i++) {
        assert_int_equal(commands[i].id, i);
        const struct nsq_command_row *row = nsq_command_row(commands[i].id);
        if (!span_equal(row->name, string(commands[i].name)) ||
            row->least_params != commands[i].least_params || row->body != commands[i].body) {
            fail_msg("%s", commands[i].name);
        }
    }
}

static void commands_are_found_by_their_exact_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < COMMANDS; i++) {
        struct span name = string(commands[i].name);
        struct span exact = exact_at_end(&here.wall, name);
        assert_int_equal(nsq_command_find(exact), commands[i].id);
        char longer[16];
        int n = snprintf(longer, sizeof longer, "%sS", commands[i].name);
        assert_int_equal(nsq_command_find(span_make(longer, (size_t)n)), NSQ_UNKNOWN);
        if (name.n > 0) {
            struct span shorter = exact_at_end(&here.wall, span_first(name, name.n - 1));
            assert_int_equal(nsq_command_find(shorter), NSQ_UNKNOWN);
            longer[0] = (char)(longer[0] | 0x20); /* lower case */
            assert_int_equal(nsq_command_find(span_make(longer, name.n)), NSQ_UNKNOWN);
        }
    }
    assert_int_equal(nsq_command_find(nothing), NSQ_UNKNOWN);
    assert_int_equal(nsq_command_find(SPAN("NOP\0")), NSQ_UNKNOWN);
    assert_int_equal(nsq_command_find(SPAN("ZAP")), NSQ_UNKNOWN);
}

/* --- splitting a line ------------------------------------------------------------------------- */

static void a_line_is_split_at_every_single_space(void **state)
{
    (void)state;
    const struct {
        struct span line;
        const char *name;
        size_t params;
        const char *param[NSQ_PARAMS_MAX];
    } rows[] = {
        {SPAN(""), "", 0, {NULL}},
        {SPAN("A"), "A", 0, {NULL}},
        {SPAN(" "), "", 1, {""}},
        {SPAN("A "), "A", 1, {""}},
        {SPAN(" A"), "", 1, {"A"}},
        {SPAN("A B"), "A", 1, {"B"}},
        {SPAN("A  B"), "A", 2, {"", "B"}},
        {SPAN("  "), "", 2, {"", ""}},
        {SPAN("A B C"), "A", 2, {"B", "C"}},
        {SPAN("A B C D"), "A", 3, {"B", "C", "D"}},
        {SPAN("A B C D E"), "A", 4, {"B", "C", "D"}},
        {SPAN("A B C D "), "A", 4, {"B", "C", "D"}},
        {SPAN("A     "), "A", 5, {"", "", ""}},
        {SPAN("A\tB\vC\nD"), "A\tB\vC\nD", 0, {NULL}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct span line = exact_at_end(&here.wall, rows[i].line);
        struct nsq_command command;
        nsq_command_split(line, &command);
        if (command.params != rows[i].params || !span_equal(command.name, string(rows[i].name))) {
            fail_msg("row %zu: %zu params", i, command.params);
        }
        assert_ptr_equal(command.line.p, line.p);
        assert_int_equal(command.line.n, line.n);
        for (size_t k = 0; k < NSQ_PARAMS_MAX; k++) {
            if (rows[i].param[k] == NULL) {
                assert_null(command.param[k].p);
                assert_int_equal(command.param[k].n, 0);
            } else {
                assert_true(span_equal(command.param[k], string(rows[i].param[k])));
                assert_true(command.param[k].p >= line.p);
                assert_true(command.param[k].p + command.param[k].n <= line.p + line.n);
            }
        }
    }
}

static void a_line_may_be_nowhere(void **state)
{
    (void)state;
    struct nsq_command command;
    nsq_command_split(nothing, &command);
    assert_int_equal(command.id, NSQ_UNKNOWN);
    assert_int_equal(command.name.n, 0);
    assert_int_equal(command.params, 0);
}

static void a_line_names_its_command(void **state)
{
    (void)state;
    struct nsq_command command;
    nsq_command_split(SPAN("REQ 0123456789abcdef 100"), &command);
    assert_int_equal(command.id, NSQ_REQ);
    nsq_command_split(SPAN("req 0123456789abcdef 100"), &command);
    assert_int_equal(command.id, NSQ_UNKNOWN);
}

/* --- the parser: one row, one rule ------------------------------------------------------------ */

/* What the parser waits for at the end of the input. */
#define LINE NSQ_STAGE_LINE
#define SIZE NSQ_STAGE_SIZE
#define BODY NSQ_STAGE_BODY
#define COUNT NSQ_STAGE_COUNT
#define M_SIZE NSQ_STAGE_MESSAGE_SIZE
#define M_BODY NSQ_STAGE_MESSAGE_BODY

/* Lines that several rows below use, and their events. */
/* clang-format off */
#define PUB           "PUB t\n"
#define PUB_OUT       "6 line PUB [t]\n"
#define DPUB          "DPUB t 1\n"
#define DPUB_OUT      "9 line DPUB [t] [1]\n"
#define IDENTIFY      "IDENTIFY\n"
#define IDENTIFY_OUT  "9 line IDENTIFY\n"
#define AUTH          "AUTH\n"
#define AUTH_OUT      "5 line AUTH\n"
#define MPUB_LINE     "MPUB t\n"
#define MPUB_LINE_OUT "7 line MPUB [t]\n"
#define MPUB          MPUB_LINE "\0\0\0\x0e"
#define MPUB_OUT      MPUB_LINE_OUT "11 size 14\n"
#define FIRST         "\0\0\0\2" "\0\0\0\1" "a"
#define FIRST_OUT     MPUB_OUT "15 count 2\n19 size 0: 1\n20 body 0: [a]\n"

static const struct {
    const char *rule;
    struct span in;
    const char *events; /* under the limits `tiny`: line 16, message 4, body 14 */
    enum nsq_stage ends;
} rows[] = {
#define ROW(rule, in, events, ends) {rule, SPAN_LITERAL(in), events, ends}
    ROW("nothing", "", "", LINE),

    /* The end of a line. */
    ROW("a line waits for its newline", "NOP", "", LINE),
    ROW("a newline ends it", "NOP\n", "4 line NOP last\n", LINE),
    ROW("one carriage return is stripped", "NOP\r\n", "5 line NOP last\n", LINE),
    ROW("a carriage return alone ends nothing", "NOP\r", "", LINE),
    ROW("a second one is not stripped", "NOP\r\r\n", "6 line ? [NOP\\x0d] last\n", LINE),
    ROW("nor one in the middle", "N\rP\n", "4 line ? [N\\x0dP] last\n", LINE),
    ROW("nor one in front", "\rNOP\n", "5 line ? [\\x0dNOP] last\n", LINE),
    ROW("one behind a parameter is", "FIN a\r\n", "7 line FIN [a] last\n", LINE),
    ROW("the empty line", "\n", "1 line ? [] last\n", LINE),
    ROW("the empty line with a carriage return", "\r\n", "2 line ? [] last\n", LINE),
    ROW("two carriage returns", "\r\r\n", "3 line ? [\\x0d] last\n", LINE),
    ROW("a line behind a line", "NOP\nCLS\n\n",
        "4 line NOP last\n8 line CLS last\n9 line ? [] last\n", LINE),
    ROW("the start of a line behind a line", "NOP\nCLS", "4 line NOP last\n", LINE),

    /* The length of a line, its end included: 15, 16, 17. */
    ROW("15 bytes", "NOP 5678901234" "\n", "15 line NOP [5678901234] last\n", LINE),
    ROW("16 bytes", "NOP 56789012345" "\n", "16 line NOP [56789012345] last\n", LINE),
    ROW("17 bytes", "NOP 567890123456" "\n", "16 line too long (16)\n", LINE),
    ROW("16 bytes with \\r\\n", "NOP 5678901234" "\r\n", "16 line NOP [5678901234] last\n", LINE),
    ROW("17 bytes with \\r\\n", "NOP 56789012345" "\r\n", "16 line too long (16)\n", LINE),
    ROW("15 bytes without an end", "NOP 56789012345", "", LINE),
    ROW("16 bytes without an end", "NOP 567890123456", "16 line too long (16)\n", LINE),
    ROW("the second line, 16 bytes", "\n" "NOP 56789012345" "\n",
        "1 line ? [] last\n17 line NOP [56789012345] last\n", LINE),
    ROW("the second line, 17 bytes", "\n" "NOP 567890123456" "\n",
        "1 line ? [] last\n17 line too long (16)\n", LINE),
    ROW("nothing is parsed behind a line too long", "0123456789abcdef" "\n" "NOP\n",
        "16 line too long (16)\n", LINE),
    ROW("16 bytes of many parameters", "               " "\n",
        "16 line ? [] [] [] [] of 15 last\n", LINE),

    /* Words. */
    ROW("one parameter", "FIN a\n", "6 line FIN [a] last\n", LINE),
    ROW("two", "SUB a b\n", "8 line SUB [a] [b] last\n", LINE),
    ROW("three, all that are handed out", "SUB a b c\n", "10 line SUB [a] [b] [c] last\n", LINE),
    ROW("four", "SUB a b c d\n", "12 line SUB [a] [b] [c] of 4 last\n", LINE),
    ROW("too few is for the session to say", "SUB\n", "4 line SUB last\n", LINE),
    ROW("a space at the end", "RDY \n", "5 line RDY [] last\n", LINE),
    ROW("a space before the carriage return", "RDY \r\n", "6 line RDY [] last\n", LINE),
    ROW("two spaces", "SUB  b\n", "7 line SUB [] [b] last\n", LINE),
    ROW("a space in front", " NOP\n", "5 line ? [] [NOP] last\n", LINE),
    ROW("a tab separates nothing", "SUB\ta\n", "6 line ? [SUB\\x09a] last\n", LINE),
    ROW("a NUL is a byte like others", "NOP\0\n", "5 line ? [NOP\\x00] last\n", LINE),
    ROW("and in a parameter", "FIN \0\xff\n", "7 line FIN [\\x00\\xff] last\n", LINE),
    ROW("lower case names nothing", "nop\n", "4 line ? [nop] last\n", LINE),
    ROW("a name that goes on", "NOPE\n", "5 line ? [NOPE] last\n", LINE),
    ROW("a name cut short", "NO\n", "3 line ? [NO] last\n", LINE),
    ROW("an unknown name keeps its parameters", "ZAP a b\n", "8 line ? [ZAP] [a] [b] last\n", LINE),

    /* The size of one message, PUB: positive, at most 4. */
    ROW("a size follows the line", PUB, PUB_OUT, SIZE),
    ROW("a size waits for all 4 bytes", PUB "\0\0\0", PUB_OUT, SIZE),
    ROW("-2^31", PUB "\x80\0\0\0", PUB_OUT "10 size -2147483648 not positive (4)\n", SIZE),
    ROW("-1", PUB "\xff\xff\xff\xff", PUB_OUT "10 size -1 not positive (4)\n", SIZE),
    ROW("0", PUB "\0\0\0\0", PUB_OUT "10 size 0 not positive (4)\n", SIZE),
    ROW("1", PUB "\0\0\0\1", PUB_OUT "10 size 1\n", BODY),
    ROW("3", PUB "\0\0\0\3", PUB_OUT "10 size 3\n", BODY),
    ROW("4", PUB "\0\0\0\4", PUB_OUT "10 size 4\n", BODY),
    ROW("5", PUB "\0\0\0\5", PUB_OUT "10 size 5 too big (4)\n", SIZE),
    ROW("2^31-1", PUB "\x7f\xff\xff\xff", PUB_OUT "10 size 2147483647 too big (4)\n", SIZE),
    ROW("each byte of a size counts", PUB "\0\1\0\1", PUB_OUT "10 size 65537 too big (4)\n", SIZE),
    ROW("nothing is parsed behind a bad size", PUB "\0\0\0\0" "NOP\n",
        PUB_OUT "10 size 0 not positive (4)\n", SIZE),
    ROW("PUB without a topic takes a size all the same", "PUB\n" "\0\0\0\1",
        "4 line PUB\n8 size 1\n", BODY),
    ROW("DPUB 4", DPUB "\0\0\0\4", DPUB_OUT "13 size 4\n", BODY),
    ROW("DPUB 5", DPUB "\0\0\0\5", DPUB_OUT "13 size 5 too big (4)\n", SIZE),
    ROW("DPUB 0", DPUB "\0\0\0\0", DPUB_OUT "13 size 0 not positive (4)\n", SIZE),

    /* The size of other bodies, IDENTIFY and AUTH: positive, at most 14. */
    ROW("IDENTIFY 13", IDENTIFY "\0\0\0\x0d", IDENTIFY_OUT "13 size 13\n", BODY),
    ROW("IDENTIFY 14", IDENTIFY "\0\0\0\x0e", IDENTIFY_OUT "13 size 14\n", BODY),
    ROW("IDENTIFY 15", IDENTIFY "\0\0\0\x0f", IDENTIFY_OUT "13 size 15 too big (14)\n", SIZE),
    ROW("IDENTIFY 0", IDENTIFY "\0\0\0\0", IDENTIFY_OUT "13 size 0 not positive (14)\n", SIZE),
    ROW("IDENTIFY -1", IDENTIFY "\xff\xff\xff\xff",
        IDENTIFY_OUT "13 size -1 not positive (14)\n", SIZE),
    ROW("IDENTIFY 1", IDENTIFY "\0\0\0\1", IDENTIFY_OUT "13 size 1\n", BODY),
    ROW("AUTH 14", AUTH "\0\0\0\x0e", AUTH_OUT "9 size 14\n", BODY),
    ROW("AUTH 15", AUTH "\0\0\0\x0f", AUTH_OUT "9 size 15 too big (14)\n", SIZE),
    ROW("AUTH 0", AUTH "\0\0\0\0", AUTH_OUT "9 size 0 not positive (14)\n", SIZE),

    /* Bodies. */
    ROW("a body waits for its last byte", PUB "\0\0\0\2" "a", PUB_OUT "10 size 2\n", BODY),
    ROW("and is complete with it", PUB "\0\0\0\2" "ab",
        PUB_OUT "10 size 2\n12 body [ab] last\n", LINE),
    ROW("a body of one byte", PUB "\0\0\0\1" "a", PUB_OUT "10 size 1\n11 body [a] last\n", LINE),
    ROW("a body may hold anything", PUB "\0\0\0\4" "\n\0\r ",
        PUB_OUT "10 size 4\n14 body [\\x0a\\x00\\x0d ] last\n", LINE),
    ROW("the next line starts right behind it", PUB "\0\0\0\1" "aNOP\n",
        PUB_OUT "10 size 1\n11 body [a] last\n15 line NOP last\n", LINE),
    ROW("a newline behind a body is an empty line", PUB "\0\0\0\1" "a\n",
        PUB_OUT "10 size 1\n11 body [a] last\n12 line ? [] last\n", LINE),
    ROW("DPUB's", DPUB "\0\0\0\1" "a", DPUB_OUT "13 size 1\n14 body [a] last\n", LINE),
    ROW("IDENTIFY's", IDENTIFY "\0\0\0\2" "{}",
        IDENTIFY_OUT "13 size 2\n15 body [{}] last\n", LINE),
    ROW("AUTH's", AUTH "\0\0\0\6" "secret", AUTH_OUT "9 size 6\n15 body [secret] last\n", LINE),

    /* MPUB: the size of all of it, positive, at most 14. */
    ROW("MPUB 0", MPUB_LINE "\0\0\0\0", MPUB_LINE_OUT "11 size 0 not positive (14)\n", SIZE),
    ROW("MPUB -1", MPUB_LINE "\xff\xff\xff\xff",
        MPUB_LINE_OUT "11 size -1 not positive (14)\n", SIZE),
    ROW("MPUB 1, less than a count takes", MPUB_LINE "\0\0\0\1",
        MPUB_LINE_OUT "11 size 1\n", COUNT),
    ROW("MPUB 13", MPUB_LINE "\0\0\0\x0d", MPUB_LINE_OUT "11 size 13\n", COUNT),
    ROW("MPUB 14", MPUB_LINE "\0\0\0\x0e", MPUB_LINE_OUT "11 size 14\n", COUNT),
    ROW("MPUB 15", MPUB_LINE "\0\0\0\x0f", MPUB_LINE_OUT "11 size 15 too big (14)\n", SIZE),

    /* MPUB: the count, 1 to (14 - 4) / 5 = 2. */
    ROW("a count waits for all 4 bytes", MPUB "\0\0\0", MPUB_OUT, COUNT),
    ROW("-2^31 messages", MPUB "\x80\0\0\0",
        MPUB_OUT "15 count -2147483648 bad count (2)\n", COUNT),
    ROW("-1 messages", MPUB "\xff\xff\xff\xff", MPUB_OUT "15 count -1 bad count (2)\n", COUNT),
    ROW("0 messages", MPUB "\0\0\0\0", MPUB_OUT "15 count 0 bad count (2)\n", COUNT),
    ROW("1 message", MPUB "\0\0\0\1", MPUB_OUT "15 count 1\n", M_SIZE),
    ROW("2 messages", MPUB "\0\0\0\2", MPUB_OUT "15 count 2\n", M_SIZE),
    ROW("3 messages", MPUB "\0\0\0\3", MPUB_OUT "15 count 3 bad count (2)\n", COUNT),
    ROW("2^31-1 messages", MPUB "\x7f\xff\xff\xff",
        MPUB_OUT "15 count 2147483647 bad count (2)\n", COUNT),

    /* MPUB: the size of a message, positive, at most 4. */
    ROW("a message of -1", MPUB "\0\0\0\1" "\xff\xff\xff\xff",
        MPUB_OUT "15 count 1\n19 size 0: -1 not positive (4)\n", M_SIZE),
    ROW("a message of 0", MPUB "\0\0\0\1" "\0\0\0\0",
        MPUB_OUT "15 count 1\n19 size 0: 0 not positive (4)\n", M_SIZE),
    ROW("a message of 1", MPUB "\0\0\0\1" "\0\0\0\1",
        MPUB_OUT "15 count 1\n19 size 0: 1\n", M_BODY),
    ROW("a message of 4", MPUB "\0\0\0\1" "\0\0\0\4",
        MPUB_OUT "15 count 1\n19 size 0: 4\n", M_BODY),
    ROW("a message of 5", MPUB "\0\0\0\1" "\0\0\0\5",
        MPUB_OUT "15 count 1\n19 size 0: 5 too big (4)\n", M_SIZE),
    ROW("a size of 3 bytes", MPUB "\0\0\0\1" "\0\0\0", MPUB_OUT "15 count 1\n", M_SIZE),

    /* MPUB: the messages. */
    ROW("one message", MPUB "\0\0\0\1" "\0\0\0\1" "a",
        MPUB_OUT "15 count 1\n19 size 0: 1\n20 body 0: [a] last\n", LINE),
    ROW("the first of two", MPUB FIRST, FIRST_OUT, M_SIZE),
    ROW("the second starts right behind it", MPUB FIRST "\0\0\0\2" "b",
        FIRST_OUT "24 size 1: 2\n", M_BODY),
    ROW("both", MPUB FIRST "\0\0\0\2" "bc", FIRST_OUT "24 size 1: 2\n26 body 1: [bc] last\n", LINE),
    ROW("the second too big", MPUB FIRST "\0\0\0\5",
        FIRST_OUT "24 size 1: 5 too big (4)\n", M_SIZE),
    ROW("the second not positive", MPUB FIRST "\0\0\0\0",
        FIRST_OUT "24 size 1: 0 not positive (4)\n", M_SIZE),
    ROW("a line behind them", MPUB FIRST "\0\0\0\2" "bc" "NOP\n",
        FIRST_OUT "24 size 1: 2\n26 body 1: [bc] last\n30 line NOP last\n", LINE),
    ROW("the size of all is not held against the parts", MPUB_LINE "\0\0\0\1" "\0\0\0\2"
        "\0\0\0\4" "abcd" "\0\0\0\4" "efgh" "NOP\n",
        MPUB_LINE_OUT "11 size 1\n15 count 2\n19 size 0: 4\n23 body 0: [abcd]\n"
        "27 size 1: 4\n31 body 1: [efgh] last\n35 line NOP last\n", LINE),

    /* A command has no effect on the next one. */
    ROW("MPUB behind MPUB counts from 0 again", MPUB "\0\0\0\1" "\0\0\0\1" "a"
        MPUB FIRST "\0\0\0\1" "b",
        MPUB_OUT "15 count 1\n19 size 0: 1\n20 body 0: [a] last\n"
        "27 line MPUB [t]\n31 size 14\n35 count 2\n39 size 0: 1\n40 body 0: [a]\n"
        "44 size 1: 1\n45 body 1: [b] last\n", LINE),
    ROW("MPUB behind PUB counts from 0", PUB "\0\0\0\1" "a" MPUB "\0\0\0\1" "\0\0\0\1" "b",
        PUB_OUT "10 size 1\n11 body [a] last\n"
        "18 line MPUB [t]\n22 size 14\n26 count 1\n30 size 0: 1\n31 body 0: [b] last\n", LINE),
    ROW("PUB behind MPUB has one body", MPUB "\0\0\0\1" "\0\0\0\1" "a" PUB "\0\0\0\1" "b" "NOP\n",
        MPUB_OUT "15 count 1\n19 size 0: 1\n20 body 0: [a] last\n"
        "26 line PUB [t]\n30 size 1\n31 body [b] last\n35 line NOP last\n", LINE),
#undef ROW
};
/* clang-format on */

static void learn(struct nsq_limits limits, struct span in)
{
    if (!segments_learn(&here.segments, &here.wall, limits, in)) {
        fail_msg("%s", here.segments.why);
    }
}

static void check_cuts(unsigned random)
{
    if (!segments_check_cuts(&here.segments, random, here.seed)) {
        fail_msg("%s", here.segments.why);
    }
}

static void check_induction(void)
{
    if (!segments_check_induction(&here.segments)) {
        fail_msg("%s", here.segments.why);
    }
}

static void expect(const char *rule, const char *events)
{
    char text[4096];
    size_t n = segments_transcript(&here.segments, text, sizeof text);
    assert_true(n < sizeof text);
    if (strcmp(text, events) != 0) {
        fail_msg("%s\nexpected:\n%sgot:\n%s", rule, events, text);
    }
}

static void each_rule_holds_at_its_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        learn(tiny, rows[i].in);
        expect(rows[i].rule, rows[i].events);
        if (segments_end(&here.segments)->place.stage != rows[i].ends) {
            fail_msg("%s: ends in another stage", rows[i].rule);
        }
    }
}

static void each_rule_holds_however_it_is_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        learn(tiny, rows[i].in);
        check_cuts(16);
        check_induction();
    }
}

/* Here the byte before the input must not be read: the parser does not look before a line. */
static void each_rule_holds_with_nothing_in_front(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        learn(tiny, rows[i].in);
        struct span in = exact_at_start(&here.wall, rows[i].in);
        struct nsq_place place = {0};
        struct nsq_item item;
        enum nsq_parse outcome = nsq_command_parse(&place, &tiny, in, &item);
        bool something = segments_end(&here.segments)->events > 0;
        assert_int_equal(outcome, something ? here.segments.event[0].outcome : NSQ_MORE);
    }
}

/* --- the parser: long inputs, cut ------------------------------------------------------------- */

/* Appends a random command of 1 to 80 bytes, as a client encodes it. False if it does not fit. */
static bool add_command(uint64_t *x, uint8_t *out, size_t room, size_t *n)
{
    static const char text[] = "#ephemeral-of-20-bytes";
    struct span words[4];
    struct span bodies[4];
    enum nsq_command_id id =
        (enum nsq_command_id)(1 + segments_random(x) % (NSQ_COMMAND_COUNT - 1));
    size_t params = (size_t)(segments_random(x) % 4);
    size_t messages = 1 + (size_t)(segments_random(x) % 4);
    words[0] = nsq_command_row(id)->name;
    for (size_t i = 0; i < 4; i++) {
        words[i] = i == 0 ? words[0] : span_make(text, (size_t)(segments_random(x) % 6));
        bodies[i] = span_make(text, 1 + (size_t)(segments_random(x) % 20));
    }
    size_t used = nsq_line_encode(words, 1 + params, out, room);
    if (used > room) {
        return false;
    }
    enum nsq_body_kind kind = nsq_command_row(id)->body;
    if (kind == NSQ_BODY_MESSAGES) {
        used += nsq_messages_encode(bodies, messages, out + used, room - used);
    } else if (kind != NSQ_BODY_NONE) {
        used += nsq_body_encode(bodies[0], out + used, room - used);
    }
    *n += used;
    return used <= room;
}

/* Parses as many random commands as fit. None of them is bad, because a client encoded them. */
static size_t learn_commands(uint64_t *x, uint8_t *bytes, size_t room)
{
    size_t n = 0;
    size_t whole = 0;
    while (add_command(x, bytes + n, room - n, &n)) {
        whole = n;
    }
    learn(usual, span_make(bytes, whole));
    const struct segments_state *end = segments_end(&here.segments);
    assert_int_equal(end->place.stage, NSQ_STAGE_LINE);
    assert_int_equal(end->taken, whole);
    assert_false(end->dead);
    return whole;
}

static void a_kibibyte_of_commands_is_the_same_however_it_is_cut(void **state)
{
    (void)state;
    uint64_t x = here.seed;
    uint8_t bytes[SEGMENTS_INPUT_MAX];
    for (unsigned i = 0; i < 2; i++) {
        learn_commands(&x, bytes, sizeof bytes);
        check_cuts(32);
    }
}

static void half_a_kibibyte_of_commands_is_the_same_by_induction(void **state)
{
    (void)state;
    uint64_t x = here.seed ^ 1;
    uint8_t bytes[SEGMENTS_INPUT_MAX / 2];
    size_t n = learn_commands(&x, bytes, sizeof bytes);
    check_induction();
    assert_int_equal(here.segments.checked, n * (n + 1) / 2);
}

/* Random bytes of a kind that has a meaning in every stage. The limits are small, so that all are
 * reached. */
static void nonsense_is_the_same_however_it_is_cut(void **state)
{
    (void)state;
    static const char *const pieces[] = {"PUB t\n", "MPUB t\n", "AUTH\n",   "NOP\n", "\n",
                                         "\r\n",    " ",        "\1\1\1\1", "x",     "IDENTIFY\n"};
    uint64_t x = here.seed ^ 2;
    for (unsigned i = 0; i < 100; i++) {
        uint8_t bytes[56];
        size_t n = 0;
        while (n < sizeof bytes - 10) {
            uint64_t pick = segments_random(&x) % 16;
            const char *piece = pick < 10 ? pieces[pick] : "\0\0\0\1";
            size_t size = pick < 10 ? strlen(piece) : 4;
            memcpy(bytes + n, piece, size);
            bytes[n + size - 1] = (uint8_t)(bytes[n + size - 1] + (pick >= 10 ? pick % 4 : 0));
            n += size;
        }
        learn(tiny, span_make(bytes, n));
        check_cuts(4);
        check_induction();
    }
}

/* --- the parser: what a transcript cannot say ------------------------------------------------- */

static void the_first_place_is_all_zeros(void **state)
{
    (void)state;
    struct nsq_place place;
    memset(&place, 0, sizeof place);
    struct nsq_item item;
    assert_int_equal(nsq_command_parse(&place, &usual, SPAN("NOP\n"), &item), NSQ_OK);
    assert_int_equal(item.stage, NSQ_STAGE_LINE);
    assert_int_equal(item.consumed, 4);
    assert_int_equal(item.command.id, NSQ_NOP);
    assert_true(item.last);
}

static void no_bytes_may_be_nowhere_in_any_stage(void **state)
{
    (void)state;
    for (int stage = NSQ_STAGE_LINE; stage <= NSQ_STAGE_MESSAGE_BODY; stage++) {
        struct nsq_place place = {
            .stage = (enum nsq_stage)stage, .id = NSQ_MPUB, .left = 1, .count = 3, .index = 2};
        struct nsq_item item;
        assert_int_equal(nsq_command_parse(&place, &usual, nothing, &item), NSQ_MORE);
        assert_int_equal(item.stage, stage);
        assert_int_equal(item.index, 2);
        assert_int_equal(item.consumed, 0);
        assert_false(item.last);
        assert_int_equal(place.stage, stage);
        assert_int_equal(place.left, 1);
    }
}

/* nsqd's own limit on a line, with lines of 16383, 16384 and 16385 bytes. */
static void a_line_of_16384_bytes_is_the_longest(void **state)
{
    (void)state;
    static uint8_t line[NSQ_LINE_MAX + 1];
    for (size_t n = NSQ_LINE_MAX - 1; n <= NSQ_LINE_MAX + 1; n++) {
        memset(line, 'a', sizeof line);
        line[n - 1] = '\n';
        struct span in = exact_at_end(&here.wall, span_make(line, n));
        struct nsq_place place = {0};
        struct nsq_item item;
        enum nsq_parse outcome = nsq_command_parse(&place, &usual, in, &item);
        if (n <= NSQ_LINE_MAX) {
            assert_int_equal(outcome, NSQ_OK);
            assert_int_equal(item.consumed, n);
            assert_int_equal(item.command.line.n, n - 1);
        } else {
            assert_int_equal(outcome, NSQ_BAD);
            assert_int_equal(item.bad, NSQ_BAD_LINE_TOO_LONG);
            assert_int_equal(item.limit, NSQ_LINE_MAX);
        }
    }
}

static void a_line_without_an_end_is_bad_at_its_16384th_byte(void **state)
{
    (void)state;
    static uint8_t line[NSQ_LINE_MAX];
    memset(line, 'a', sizeof line);
    struct nsq_place place = {0};
    struct nsq_item item;
    struct span in = span_make(line, NSQ_LINE_MAX - 1);
    assert_int_equal(nsq_command_parse(&place, &usual, in, &item), NSQ_MORE);
    assert_int_equal(place.scanned, NSQ_LINE_MAX - 1);
    in.n++;
    assert_int_equal(nsq_command_parse(&place, &usual, in, &item), NSQ_BAD);
    assert_int_equal(item.bad, NSQ_BAD_LINE_TOO_LONG);
}

static void a_line_may_be_bounded_at_one_byte(void **state)
{
    (void)state;
    const struct nsq_limits one = {.max_line = 1, .max_msg_size = 1, .max_body_size = 1};
    struct nsq_place place = {0};
    struct nsq_item item;
    assert_int_equal(nsq_command_parse(&place, &one, nothing, &item), NSQ_MORE);
    assert_int_equal(nsq_command_parse(&place, &one, SPAN("\n"), &item), NSQ_OK);
    assert_int_equal(nsq_command_parse(&place, &one, SPAN("a"), &item), NSQ_BAD);
}

/*
 * A peer that sends one byte at a time does not make the parser read a line again and again. Here
 * the bytes that the parser has searched cannot be read any more.
 */
static void a_line_in_pieces_is_looked_at_once(void **state)
{
    (void)state;
    size_t before = 1000;
    struct span fresh = exact_at_start(&here.wall, SPAN("abc"));
    struct nsq_place place = {.scanned = before};
    struct nsq_item item;
    struct span in = span_make(fresh.p - before, before + fresh.n);
    assert_int_equal(nsq_command_parse(&place, &usual, in, &item), NSQ_MORE);
    assert_int_equal(place.scanned, before + fresh.n);
    assert_int_equal(nsq_command_parse(&place, &usual, in, &item), NSQ_MORE);
    assert_int_equal(place.scanned, before + fresh.n);
}

/* No byte above the new limit is read. */
static void a_line_is_too_long_when_its_bound_falls(void **state)
{
    (void)state;
    struct nsq_place place = {0};
    struct nsq_item item;
    struct span in = exact_at_end(&here.wall, SPAN("NOP aaaaaaa"));
    assert_int_equal(nsq_command_parse(&place, &tiny, in, &item), NSQ_MORE);
    const struct nsq_limits lower = {.max_line = 8, .max_msg_size = 4, .max_body_size = 14};
    assert_int_equal(nsq_command_parse(&place, &lower, in, &item), NSQ_BAD);
    assert_int_equal(item.bad, NSQ_BAD_LINE_TOO_LONG);
    assert_int_equal(item.limit, 8);
}

static void a_body_is_handed_out_in_the_pieces_it_comes_in(void **state)
{
    (void)state;
    struct nsq_place place = {.stage = NSQ_STAGE_BODY, .id = NSQ_PUB, .left = 6};
    struct nsq_item item;
    struct span in = exact_at_end(&here.wall, SPAN("abc"));
    assert_int_equal(nsq_command_parse(&place, &usual, in, &item), NSQ_OK);
    assert_ptr_equal(item.part.p, in.p);
    assert_int_equal(item.part.n, 3);
    assert_int_equal(item.consumed, 3);
    assert_false(item.whole);
    assert_false(item.last);
    assert_int_equal(place.left, 3);
    assert_int_equal(nsq_command_parse(&place, &usual, nothing, &item), NSQ_MORE);

    in = exact_at_end(&here.wall, SPAN("defNOP\n"));
    assert_int_equal(nsq_command_parse(&place, &usual, in, &item), NSQ_OK);
    assert_true(span_equal(item.part, SPAN("def")));
    assert_int_equal(item.consumed, 3);
    assert_true(item.whole);
    assert_true(item.last);
    assert_int_equal(place.stage, NSQ_STAGE_LINE);
}

static void a_part_of_an_mpub_says_when_its_message_is_whole(void **state)
{
    (void)state;
    struct nsq_place place = {
        .stage = NSQ_STAGE_MESSAGE_BODY, .id = NSQ_MPUB, .left = 2, .count = 2, .index = 0};
    struct nsq_item item;
    assert_int_equal(nsq_command_parse(&place, &usual, SPAN("a"), &item), NSQ_OK);
    assert_false(item.whole);
    assert_false(item.last);
    assert_int_equal(item.index, 0);
    assert_int_equal(nsq_command_parse(&place, &usual, SPAN("bcd"), &item), NSQ_OK);
    assert_true(item.whole);
    assert_false(item.last);
    assert_int_equal(item.index, 0);
    assert_int_equal(item.consumed, 1);
    assert_int_equal(place.stage, NSQ_STAGE_MESSAGE_SIZE);
    assert_int_equal(place.index, 1);
}

/* The parser does not read a body, so one of 2 GiB needs no memory here. */
static void sizes_reach_to_the_end_of_int32(void **state)
{
    (void)state;
    const struct nsq_limits none = {
        .max_line = 64, .max_msg_size = INT64_MAX, .max_body_size = INT64_MAX};
    const size_t offered[] = {(size_t)INT32_MAX, (size_t)INT32_MAX + 1, SIZE_MAX};
    for (size_t i = 0; i < sizeof offered / sizeof offered[0]; i++) {
        struct nsq_place place = {.stage = NSQ_STAGE_SIZE, .id = NSQ_PUB};
        struct nsq_item item;
        assert_int_equal(nsq_command_parse(&place, &none, SPAN("\x7f\xff\xff\xff"), &item), NSQ_OK);
        assert_int_equal(item.value, INT32_MAX);
        assert_int_equal(place.left, INT32_MAX);
        struct span claimed = span_make(here.wall.start, offered[i]);
        assert_int_equal(nsq_command_parse(&place, &none, claimed, &item), NSQ_OK);
        assert_int_equal(item.consumed, INT32_MAX);
        assert_true(item.last);
    }
    struct nsq_place place = {.stage = NSQ_STAGE_BODY, .id = NSQ_PUB, .left = INT32_MAX};
    struct nsq_item item;
    struct span claimed = span_make(here.wall.start, (size_t)INT32_MAX - 1);
    assert_int_equal(nsq_command_parse(&place, &none, claimed, &item), NSQ_OK);
    assert_false(item.whole);
    assert_int_equal(place.left, 1);
}

/* nsqd's default limits, and how the limit of MPUB's count depends on max_body_size. */
static void numbers_are_held_against_their_limit(void **state)
{
    (void)state;
    const struct {
        enum nsq_stage stage;
        enum nsq_command_id id;
        struct nsq_limits limits;
        int32_t value;
        enum nsq_bad bad;
        int64_t limit;
    } numbers[] = {
#define BODY_OF(n) {.max_line = 64, .max_msg_size = 1048576, .max_body_size = (n)}
        {NSQ_STAGE_SIZE, NSQ_PUB, BODY_OF(5242880), 1048575, NSQ_BAD_NOTHING, 0},
        {NSQ_STAGE_SIZE, NSQ_PUB, BODY_OF(5242880), 1048576, NSQ_BAD_NOTHING, 0},
        {NSQ_STAGE_SIZE, NSQ_PUB, BODY_OF(5242880), 1048577, NSQ_BAD_SIZE_TOO_BIG, 1048576},
        {NSQ_STAGE_SIZE, NSQ_DPUB, BODY_OF(5242880), 1048576, NSQ_BAD_NOTHING, 0},
        {NSQ_STAGE_SIZE, NSQ_DPUB, BODY_OF(5242880), 1048577, NSQ_BAD_SIZE_TOO_BIG, 1048576},
        {NSQ_STAGE_SIZE, NSQ_IDENTIFY, BODY_OF(5242880), 5242879, NSQ_BAD_NOTHING, 0},
        {NSQ_STAGE_SIZE, NSQ_IDENTIFY, BODY_OF(5242880), 5242880, NSQ_BAD_NOTHING, 0},
        {NSQ_STAGE_SIZE, NSQ_IDENTIFY, BODY_OF(5242880), 5242881, NSQ_BAD_SIZE_TOO_BIG, 5242880},
        {NSQ_STAGE_SIZE, NSQ_AUTH, BODY_OF(5242880), 5242880, NSQ_BAD_NOTHING, 0},
        {NSQ_STAGE_SIZE, NSQ_AUTH, BODY_OF(5242880), 5242881, NSQ_BAD_SIZE_TOO_BIG, 5242880},
        {NSQ_STAGE_SIZE, NSQ_MPUB, BODY_OF(5242880), 5242880, NSQ_BAD_NOTHING, 0},
        {NSQ_STAGE_SIZE, NSQ_MPUB, BODY_OF(5242880), 5242881, NSQ_BAD_SIZE_TOO_BIG, 5242880},
        {NSQ_STAGE_MESSAGE_SIZE, NSQ_MPUB, BODY_OF(8), 1048576, NSQ_BAD_NOTHING, 0},
        {NSQ_STAGE_MESSAGE_SIZE, NSQ_MPUB, BODY_OF(8), 1048577, NSQ_BAD_SIZE_TOO_BIG, 1048576},
        {NSQ_STAGE_COUNT, NSQ_MPUB, BODY_OF(5242880), 1048574, NSQ_BAD_NOTHING, 0},
        {NSQ_STAGE_COUNT, NSQ_MPUB, BODY_OF(5242880), 1048575, NSQ_BAD_NOTHING, 0},
        {NSQ_STAGE_COUNT, NSQ_MPUB, BODY_OF(5242880), 1048576, NSQ_BAD_COUNT, 1048575},
        {NSQ_STAGE_COUNT, NSQ_MPUB, BODY_OF(0), 1, NSQ_BAD_COUNT, 0},
        {NSQ_STAGE_COUNT, NSQ_MPUB, BODY_OF(4), 1, NSQ_BAD_COUNT, 0},
        {NSQ_STAGE_COUNT, NSQ_MPUB, BODY_OF(8), 1, NSQ_BAD_COUNT, 0},
        {NSQ_STAGE_COUNT, NSQ_MPUB, BODY_OF(9), 1, NSQ_BAD_NOTHING, 0},
        {NSQ_STAGE_COUNT, NSQ_MPUB, BODY_OF(13), 2, NSQ_BAD_COUNT, 1},
        {NSQ_STAGE_COUNT, NSQ_MPUB, BODY_OF(14), 2, NSQ_BAD_NOTHING, 0},
        {NSQ_STAGE_COUNT, NSQ_MPUB, BODY_OF(INT64_MAX), INT32_MAX, NSQ_BAD_NOTHING, 0},
#undef BODY_OF
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        uint8_t bytes[4];
        be32_store(bytes, (uint32_t)numbers[i].value);
        struct nsq_place place = {.stage = numbers[i].stage, .id = numbers[i].id, .count = 1};
        struct nsq_item item;
        struct span in = span_make(bytes, 4);
        enum nsq_parse outcome = nsq_command_parse(&place, &numbers[i].limits, in, &item);
        enum nsq_parse expected = numbers[i].bad == NSQ_BAD_NOTHING ? NSQ_OK : NSQ_BAD;
        if (outcome != expected || item.bad != numbers[i].bad || item.limit != numbers[i].limit ||
            item.value != numbers[i].value) {
            fail_msg("row %zu: outcome %d, bad %d, limit %lld", i, (int)outcome, (int)item.bad,
                     (long long)item.limit);
        }
        if (outcome == NSQ_OK) {
            assert_int_equal(item.stage == NSQ_STAGE_COUNT ? place.count : place.left, item.value);
        }
    }
}

/* --- the encoders ----------------------------------------------------------------------------- */

enum encoder { LINE_OF, BODY_OF, MESSAGES_OF };

static size_t encode(enum encoder encoder, const struct span *spans, size_t count, uint8_t *out,
                     size_t room)
{
    switch (encoder) {
    case LINE_OF:
        return nsq_line_encode(spans, count, out, room);
    case BODY_OF:
        return nsq_body_encode(spans[0], out, room);
    default:
        return nsq_messages_encode(spans, count, out, room);
    }
}

/* clang-format off */
static const struct {
    enum encoder encoder;
    size_t count;
    struct span spans[3];
    struct span bytes;
} encoded[] = {
#define NONE {NULL, 0}
    {LINE_OF, 0, {NONE}, SPAN_LITERAL("\n")},
    {LINE_OF, 1, {NONE}, SPAN_LITERAL("\n")},
    {LINE_OF, 1, {SPAN_LITERAL("NOP")}, SPAN_LITERAL("NOP\n")},
    {LINE_OF, 2, {SPAN_LITERAL("RDY"), SPAN_LITERAL("1")}, SPAN_LITERAL("RDY 1\n")},
    {LINE_OF, 2, {SPAN_LITERAL("RDY"), NONE}, SPAN_LITERAL("RDY \n")},
    {LINE_OF, 2, {NONE, SPAN_LITERAL("a")}, SPAN_LITERAL(" a\n")},
    {LINE_OF, 3, {SPAN_LITERAL("SUB"), SPAN_LITERAL("t"), SPAN_LITERAL("c")}, SPAN_LITERAL("SUB t c\n")},
    {LINE_OF, 3, {SPAN_LITERAL("SUB"), NONE, SPAN_LITERAL("c")}, SPAN_LITERAL("SUB  c\n")},
    {LINE_OF, 3, {NONE, NONE, NONE}, SPAN_LITERAL("  \n")},
    {LINE_OF, 2, {SPAN_LITERAL("A B"), SPAN_LITERAL("\0\n")}, SPAN_LITERAL("A B \0\n\n")}, /* nothing is checked */
    /*                                   size        bytes */
    {BODY_OF, 1, {NONE},              SPAN_LITERAL("\0\0\0\0")},
    {BODY_OF, 1, {SPAN_LITERAL("a")},            SPAN_LITERAL("\0\0\0\1"   "a")},
    {BODY_OF, 1, {SPAN_LITERAL("a\0\n")},        SPAN_LITERAL("\0\0\0\3"   "a\0\n")},
    /*                                   size        count       size       bytes */
    {MESSAGES_OF, 0, {NONE},          SPAN_LITERAL("\0\0\0\4"   "\0\0\0\0")},
    {MESSAGES_OF, 1, {NONE},          SPAN_LITERAL("\0\0\0\x8"  "\0\0\0\1"  "\0\0\0\0")},
    {MESSAGES_OF, 1, {SPAN_LITERAL("a")},        SPAN_LITERAL("\0\0\0\x9"  "\0\0\0\1"  "\0\0\0\1" "a")},
    {MESSAGES_OF, 2, {SPAN_LITERAL("ab"), SPAN_LITERAL("")}, SPAN_LITERAL("\0\0\0\xe" "\0\0\0\2"  "\0\0\0\2" "ab" "\0\0\0\0")},
    {MESSAGES_OF, 3, {SPAN_LITERAL("a"), SPAN_LITERAL("bc"), SPAN_LITERAL("def")},
        SPAN_LITERAL("\0\0\0\x16" "\0\0\0\3" "\0\0\0\1" "a" "\0\0\0\2" "bc" "\0\0\0\3" "def")},
#undef NONE
};
/* clang-format on */

static void bytes_are_written_when_there_is_room(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof encoded / sizeof encoded[0]; i++) {
        size_t size = encoded[i].bytes.n;
        for (size_t room = size; room <= size + 1; room++) {
            uint8_t *out = exact_room(&here.wall, room);
            size_t got = encode(encoded[i].encoder, encoded[i].spans, encoded[i].count, out, room);
            if (got != size || memcmp(out, encoded[i].bytes.p, size) != 0) {
                fail_msg("row %zu: %zu bytes", i, got);
            }
            assert_int_equal(out[-1], EXACT_CANARY);
            assert_true(room == size || out[size] == EXACT_CANARY);
        }
    }
}

static void bytes_are_counted_when_there_is_none(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof encoded / sizeof encoded[0]; i++) {
        size_t size = encoded[i].bytes.n;
        assert_int_equal(encode(encoded[i].encoder, encoded[i].spans, encoded[i].count, NULL, 0),
                         size);
        uint8_t *out = exact_room(&here.wall, size - 1);
        size_t got = encode(encoded[i].encoder, encoded[i].spans, encoded[i].count, out, size - 1);
        assert_int_equal(got, size);
        for (size_t k = 0; k + 1 < size; k++) {
            assert_int_equal(out[k], EXACT_CANARY);
        }
    }
}

/* Sizes and counts that need three bytes of their four. */
static void large_sizes_and_counts_are_written_whole(void **state)
{
    (void)state;
    enum { LARGE = 0x012345 };
    static uint8_t body[LARGE];
    static struct span bodies[LARGE];
    static uint8_t out[4 + 4 + 4 * (size_t)LARGE];

    struct span one = span_make(body, LARGE);
    assert_int_equal(nsq_body_encode(one, out, sizeof out), 4 + LARGE);
    assert_memory_equal(out, "\0\x01\x23\x45", 4);

    /* An MPUB of so many empty messages: only their sizes. */
    assert_int_equal(nsq_messages_encode(bodies, LARGE, out, sizeof out), sizeof out);
    assert_int_equal(be32_load(out), 4 + 4 * LARGE);
    assert_memory_equal(out + 4, "\0\x01\x23\x45", 4);
}

/* Such bytes are never read: they are only counted or refused. */
static void what_no_int32_can_count_is_refused(void **state)
{
    (void)state;
    const size_t max = INT32_MAX;
    const struct {
        enum encoder encoder;
        size_t count;
        size_t n[3];
        size_t size;
    } huge[] = {
        {BODY_OF, 1, {max - 1}, max + 3},
        {BODY_OF, 1, {max}, max + 4},
        {BODY_OF, 1, {max + 1}, 0},
        {BODY_OF, 1, {SIZE_MAX}, 0},
        {BODY_OF, 1, {SIZE_MAX - 3}, 0},
        /* A count and a size take 8 bytes of MPUB's int32, each further size 4. */
        {MESSAGES_OF, 1, {max - 9}, max + 3},
        {MESSAGES_OF, 1, {max - 8}, max + 4},
        {MESSAGES_OF, 1, {max - 7}, 0},
        {MESSAGES_OF, 1, {max - 5}, 0},
        {MESSAGES_OF, 1, {max - 4}, 0},
        {MESSAGES_OF, 1, {max - 3}, 0},
        {MESSAGES_OF, 1, {max}, 0},
        {MESSAGES_OF, 1, {max + 1}, 0},
        {MESSAGES_OF, 1, {SIZE_MAX - 3}, 0},
        {MESSAGES_OF, 1, {SIZE_MAX}, 0},
        {MESSAGES_OF, 2, {max - 13, 0}, max + 3},
        {MESSAGES_OF, 2, {max - 12, 0}, max + 4},
        {MESSAGES_OF, 2, {max - 11, 0}, 0},
        {MESSAGES_OF, 2, {max - 8, 0}, 0},
        {MESSAGES_OF, 2, {1000, max - 1012}, max + 4},
        {MESSAGES_OF, 2, {1000, max - 1011}, 0},
        {MESSAGES_OF, 2, {1000, SIZE_MAX - 1000}, 0},
        {MESSAGES_OF, 3, {1000, 1000, max - 2016}, max + 4},
        {MESSAGES_OF, 3, {1000, 1000, max - 2015}, 0},
    };
    for (size_t i = 0; i < sizeof huge / sizeof huge[0]; i++) {
        struct span spans[3];
        for (size_t k = 0; k < 3; k++) {
            spans[k] = span_make(here.wall.end, huge[i].n[k]);
        }
        size_t size = encode(huge[i].encoder, spans, huge[i].count, NULL, 0);
        if (size != huge[i].size) {
            fail_msg("row %zu: %zu", i, size);
        }
        if (size == 0) { /* refused: it is more than too long for the room */
            assert_int_equal(encode(huge[i].encoder, spans, huge[i].count, NULL, SIZE_MAX), 0);
        }
    }
}

static void what_no_size_can_count_is_no_line(void **state)
{
    (void)state;
    const struct {
        size_t count;
        size_t n[3];
        size_t size;
    } huge[] = {
        {1, {SIZE_MAX - 2}, SIZE_MAX - 1},
        {1, {SIZE_MAX - 1}, SIZE_MAX},
        {1, {SIZE_MAX}, 0},
        {2, {SIZE_MAX - 2, 0}, SIZE_MAX},
        {2, {SIZE_MAX - 1, 0}, 0},
        {2, {0, SIZE_MAX - 1}, 0},
        {3, {SIZE_MAX / 2, SIZE_MAX / 2, 0}, 0},
    };
    for (size_t i = 0; i < sizeof huge / sizeof huge[0]; i++) {
        struct span spans[3];
        for (size_t k = 0; k < 3; k++) {
            spans[k] = span_make(here.wall.end, huge[i].n[k]);
        }
        size_t size = nsq_line_encode(spans, huge[i].count, NULL, 0);
        if (size != huge[i].size) {
            fail_msg("row %zu: %zu", i, size);
        }
    }
}

/* Encodes each command with 0 to 3 parameters, and each kind of body, and parses the result. */
static void commands_come_back_as_they_were(void **state)
{
    (void)state;
    const struct span params[3] = {SPAN("one"), SPAN("t#ephemeral"), SPAN("3")};
    const struct span bodies[2] = {SPAN("b\n\0"), SPAN("second")};
    for (size_t i = NSQ_UNKNOWN + 1; i < COMMANDS; i++) {
        for (size_t n = 0; n <= 3; n++) {
            uint8_t bytes[128];
            struct span words[4] = {string(commands[i].name), params[0], params[1], params[2]};
            size_t used = nsq_line_encode(words, 1 + n, bytes, sizeof bytes);
            size_t line = used;
            if (commands[i].body == NSQ_BODY_MESSAGES) {
                used += nsq_messages_encode(bodies, 2, bytes + used, sizeof bytes - used);
            } else if (commands[i].body != NSQ_BODY_NONE) {
                used += nsq_body_encode(bodies[0], bytes + used, sizeof bytes - used);
            }
            learn(usual, span_make(bytes, used));

            const struct segments_event *e = here.segments.event;
            size_t events = segments_end(&here.segments)->events;
            assert_int_equal(segments_end(&here.segments)->taken, used);
            assert_int_equal(e[0].item.command.id, commands[i].id);
            assert_int_equal(e[0].item.command.params, n);
            assert_int_equal(e[0].item.command.line.n, line - 1);
            for (size_t k = 0; k < n; k++) {
                assert_true(span_equal(e[0].item.command.param[k], params[k]));
            }
            assert_true(e[events - 1].item.last);
            if (commands[i].body == NSQ_BODY_NONE) {
                assert_int_equal(events, 1);
            } else if (commands[i].body == NSQ_BODY_MESSAGES) {
                assert_int_equal(events, 7); /* line, size, count, 2 x { size, body } */
                assert_int_equal(e[1].item.value, used - line - 4);
                assert_int_equal(e[2].item.value, 2);
                assert_true(span_equal(e[4].item.part, bodies[0]));
                assert_true(span_equal(e[6].item.part, bodies[1]));
            } else {
                assert_int_equal(events, 3); /* line, size, body */
                assert_int_equal(e[1].item.value, bodies[0].n);
                assert_true(span_equal(e[2].item.part, bodies[0]));
            }
        }
    }
}

int main(void)
{
    const char *seed = getenv("NSQ_TEST_SEED");
    here.seed = seed == NULL ? 20240229 : strtoull(seed, NULL, 0);
    here.seed = here.seed == 0 ? 1 : here.seed;
    print_message("command: NSQ_TEST_SEED=%llu\n", (unsigned long long)here.seed);
    exact_open(&here.wall, NSQ_LINE_MAX + 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_command_has_its_row),
        cmocka_unit_test(commands_are_found_by_their_exact_name),
        cmocka_unit_test(a_line_is_split_at_every_single_space),
        cmocka_unit_test(a_line_may_be_nowhere),
        cmocka_unit_test(a_line_names_its_command),
        cmocka_unit_test(each_rule_holds_at_its_byte),
        cmocka_unit_test(each_rule_holds_however_it_is_cut),
        cmocka_unit_test(each_rule_holds_with_nothing_in_front),
        cmocka_unit_test(a_kibibyte_of_commands_is_the_same_however_it_is_cut),
        cmocka_unit_test(half_a_kibibyte_of_commands_is_the_same_by_induction),
        cmocka_unit_test(nonsense_is_the_same_however_it_is_cut),
        cmocka_unit_test(the_first_place_is_all_zeros),
        cmocka_unit_test(no_bytes_may_be_nowhere_in_any_stage),
        cmocka_unit_test(a_line_of_16384_bytes_is_the_longest),
        cmocka_unit_test(a_line_without_an_end_is_bad_at_its_16384th_byte),
        cmocka_unit_test(a_line_may_be_bounded_at_one_byte),
        cmocka_unit_test(a_line_in_pieces_is_looked_at_once),
        cmocka_unit_test(a_line_is_too_long_when_its_bound_falls),
        cmocka_unit_test(a_body_is_handed_out_in_the_pieces_it_comes_in),
        cmocka_unit_test(a_part_of_an_mpub_says_when_its_message_is_whole),
        cmocka_unit_test(sizes_reach_to_the_end_of_int32),
        cmocka_unit_test(numbers_are_held_against_their_limit),
        cmocka_unit_test(bytes_are_written_when_there_is_room),
        cmocka_unit_test(bytes_are_counted_when_there_is_none),
        cmocka_unit_test(large_sizes_and_counts_are_written_whole),
        cmocka_unit_test(what_no_int32_can_count_is_refused),
        cmocka_unit_test(what_no_size_can_count_is_no_line),
        cmocka_unit_test(commands_come_back_as_they_were),
    };
    int failed = cmocka_run_group_tests_name("command", tests, NULL, NULL);
    exact_close(&here.wall);
    return failed;
}
