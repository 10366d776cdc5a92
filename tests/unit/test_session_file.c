/* SPDX-License-Identifier: MIT */
/* Tests of conform/session_file.h: printing gives the bytes that were read, and an error has its
 * place.
 */
#include "conform/session_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/text.h"
#include "base/time.h"
#include "conform/files.h"

#define HEADER "id: a/b\ntitle: t\nreq: R-1 R-2\nlevel: MUST\nsource: spec\n\n"
#define HEADER_LINES 6
#define AFTER_ACTOR "connect, accept, upgrade, stop reading, start reading, > or <"
#define AFTER_LESS                                                                                 \
    "response, error, message, heartbeat, nothing, no message, end, raw, close, reset or a "       \
    "status "                                                                                      \
    "of HTTP"
#define DURATION "a duration such as 1500ms, and at most an hour"
#define ITEM_WORDS "a string, $name, u8( u16( i32( i64( fill( size{ or repeat("
#define FLIPS 6000
#define SEED 0x9e3779b97f4a7c15U

/* --- all that is committed -------------------------------------------------------------------- */

static struct files committed;

static int find_committed(void **state)
{
    (void)state;
    bool ok = files_add(&committed, "tests/conformance", ".session", stderr);
    if (files_is_folder("corpus/sessions")) {
        ok = files_add(&committed, "corpus/sessions", ".session", stderr) && ok;
    }
    return ok && committed.n > 0 ? 0 : -1;
}

static int forget_committed(void **state)
{
    (void)state;
    files_free(&committed);
    return 0;
}

static void print_is_parse(const char *path, struct span text)
{
    struct transcript file;
    struct transcript_error error;
    struct buf printed = {0};
    if (!transcript_parse(&file, text, &error)) {
        fail_msg("%s:%u:%u: expected %s", path, error.line, error.column, error.expected);
    }
    transcript_print(&file, &printed);
    if (!span_equal(buf_span(&printed), text)) {
        fail_msg("%s: printed otherwise:\n%.*s", path, (int)printed.n,
                 (const char *)buf_span(&printed).p);
    }
    buf_free(&printed);
    transcript_free(&file);
}

static void committed_files_are_canonical(void **state)
{
    (void)state;
    for (size_t i = 0; i < committed.n; i++) {
        struct buf text = {0};
        assert_true(files_read(committed.paths[i], TRANSCRIPT_SIZE_MAX, &text, stderr));
        print_is_parse(committed.paths[i], buf_span(&text));
        buf_free(&text);
    }
}

/* A file is accepted and printed unchanged, or refused with a place and a reason. */
static void check_any(struct span text)
{
    struct transcript file;
    struct transcript_error error;
    if (transcript_parse(&file, text, &error)) {
        transcript_free(&file);
        print_is_parse("changed", text);
        return;
    }
    assert_non_null(error.expected);
    assert_true(error.line >= 1 && error.column >= 1);
    assert_null(file.memory);
}

static void a_truncated_file_is_refused_or_canonical(void **state)
{
    (void)state;
    for (size_t i = 0; i < committed.n; i += 1 + committed.n / 24) {
        struct buf text = {0};
        assert_true(files_read(committed.paths[i], TRANSCRIPT_SIZE_MAX, &text, stderr));
        for (size_t n = 0; n < text.n; n++) {
            check_any(span_first(buf_span(&text), n));
        }
        buf_free(&text);
    }
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void a_changed_file_is_refused_or_canonical(void **state)
{
    (void)state;
    uint64_t random = SEED;
    for (int k = 0; k < FLIPS; k++) {
        static const char likely[] = "0123456789 -\n\"\\${}()<>*#abcx";
        struct buf text = {0};
        const char *path = committed.paths[next_random(&random) % committed.n];
        assert_true(files_read(path, TRANSCRIPT_SIZE_MAX, &text, stderr));
        uint8_t *byte = text.p + text.head + next_random(&random) % text.n;
        uint64_t r = next_random(&random);
        *byte = r % 4 == 0 ? (uint8_t)(r >> 8) : (uint8_t)likely[(r >> 8) % (sizeof likely - 1)];
        check_any(buf_span(&text));
        buf_free(&text);
    }
}

/* --- what a file says ------------------------------------------------------------------------- */

static void parse(struct transcript *file, const char *text)
{
    struct transcript_error error;
    if (!transcript_parse(file, span_make(text, strlen(text)), &error)) {
        fail_msg("%u:%u: expected %s", error.line, error.column, error.expected);
    }
}

static void assert_span(struct span s, const char *text)
{
    assert_true(span_equal(s, span_make(text, strlen(text))));
}

static void the_header_is_read(void **state)
{
    (void)state;
    struct transcript file;
    parse(&file, "id: pub/big-1.2\ntitle: a rule\nreq: R-1 R-2\nlevel: DEPARTURE\n"
                 "needs: tls snappy\nflags: --a=1 --b\neffect: loss\nsource: departure 7\n\n");
    assert_span(file.id, "pub/big-1.2");
    assert_span(file.title, "a rule");
    assert_span(file.reqs->text, "R-1");
    assert_span(file.reqs->next->text, "R-2");
    assert_null(file.reqs->next->next);
    assert_int_equal(file.level, LEVEL_DEPARTURE);
    assert_span(transcript_level_name(file.level), "DEPARTURE");
    assert_span(file.needs->next->text, "snappy");
    assert_span(file.flags, "--a=1 --b");
    assert_span(file.effect, "loss");
    assert_span(file.source, "departure 7");
    assert_int_equal(file.server, SERVER_NSQD);
    assert_null(file.steps);
    transcript_free(&file);
}

static void a_file_may_be_about_nsqlookupd(void **state)
{
    (void)state;
    static const char text[] = "id: a/b\ntitle: t\nreq: A\nlevel: MUST\nserver: nsqlookupd\n"
                               "needs: http fresh\nsource: spec\n\nc connect\n";
    struct transcript file;
    struct buf printed = {0};
    parse(&file, text);
    assert_int_equal(file.server, SERVER_NSQLOOKUPD);
    assert_true(transcript_needs(&file, SPAN("fresh")));
    assert_false(transcript_needs(&file, SPAN("tls")));
    transcript_print(&file, &printed);
    assert_true(span_equal(buf_span(&printed), SPAN(text)));
    buf_free(&printed);
    transcript_free(&file);
}

static void steps_are_read(void **state)
{
    (void)state;
    struct transcript file;
    parse(&file, HEADER "# why\nc connect\nc < message $m attempts 2 at $t body \"x\" $topic after "
                        "1000ms within 1500ms\nc < error E_FIN_FAILED \"no\"\nwait 20ms\n");
    const struct step *s = file.steps;
    assert_int_equal(s->kind, STEP_COMMENT);
    assert_int_equal(s->next->kind, STEP_CONNECT);
    s = s->next->next;
    assert_int_equal(s->kind, STEP_MESSAGE);
    assert_int_equal(s->line, HEADER_LINES + 3);
    assert_span(s->actor, "c");
    assert_span(s->var, "m");
    assert_span(s->at, "t");
    assert_int_equal(s->attempts, 2);
    assert_true(s->after == TIME_SECOND && s->within == 1500 * TIME_MS);
    assert_int_equal(s->items->kind, ITEM_BYTES);
    assert_int_equal(s->items->next->kind, ITEM_VAR);
    s = s->next;
    assert_int_equal(s->code, NSQ_E_FIN_FAILED);
    assert_true(s->next->after == 20 * TIME_MS);
    transcript_free(&file);
}

static void items_are_read(void **state)
{
    (void)state;
    struct transcript file;
    parse(&file, HEADER "c > \"\\n\\r\\\\\\\"\\x00\\xff\" u8(255) u16(65535) i32(-1) i64(-5) "
                        "size{\"a\" size{$b}} fill(10 \"xyz\")\n");
    const struct item *i = file.steps->items;
    assert_true(span_equal(i->bytes, SPAN("\n\r\\\"\0\xff")));
    assert_int_equal((i = i->next)->number, 255);
    assert_int_equal((i = i->next)->number, 65535);
    assert_int_equal((i = i->next)->number, -1);
    assert_int_equal((i = i->next)->number, -5);
    i = i->next;
    assert_int_equal(i->kind, ITEM_SIZE);
    assert_int_equal(i->inside->next->kind, ITEM_SIZE);
    i = i->next;
    assert_int_equal(i->kind, ITEM_FILL);
    assert_int_equal(i->number, 10);
    transcript_free(&file);
}

static void every_form_of_step_is_printed_as_it_was_read(void **state)
{
    (void)state;
    const char *text = HEADER "c connect\nc > end\nc > close\nc > reset\nc < response \"OK\"\n"
                              "c < response {\"a\":null}\nc < error E_INVALID\nc < heartbeat\n"
                              "c < nothing\nc < no message within 5ms\nc < end\nwait 1ms\n"
                              "c upgrade tls\nc upgrade tls 1.0\nc upgrade tls 1.3\n"
                              "c stop reading\nc start reading\nrestart\nrestart kill\n"
                              "restart with --a=1 --b\nrestart kill with --c\n"
                              "c upgrade snappy\nc upgrade deflate 9\nc > raw \"x\"\nc > raw end\n"
                              "\n# text\nany {\n    c < message $m attempts * body \"x\"\n\n"
                              "    # inside\n    c < end within 3ms\n}\n"
                              "repeat 10000 $i {\n    c$i connect\n\n    # why\n"
                              "    any 3 $k {\n        # deep\n"
                              "        c$i < message $m$i$k attempts $k at $t$k body *\n\n    }\n"
                              "    c$i > \"RDY \" $i repeat(3 $k size{$k \"x\"}) $i\n}\n"
                              "any {\n    c* < response \"OK\"\n}\n";
    print_is_parse("all", span_make(text, strlen(text)));
}

static void every_form_of_an_http_step_is_printed_as_it_was_read(void **state)
{
    (void)state;
    const char *text = HEADER
        "h connect http\nt connect https\nh > GET \"/ping\"\n"
        "h > POST \"/pub?topic=\" $topic header \"X: \" $topic header \"Y\" body \"a\" $b\n"
        "h > PUT \"/\" body \"\"\nh > DELETE $topic header \"A: b\"\n"
        "h < 200\nh < 100 within 5ms\nh < 404 header \"Allow: \" * without \"Date\"\n"
        "h < 200 without \"A\" header \"B: c\" body \"x\" * $topic * \"y\" after 1ms within 2ms\n"
        "h < 200 body *\nh < 405 header \"A: b\" no body after 1ms\nh < 503 no body\n"
        "h < 200 {\"a\":[null,{\"b\":1}]}\nh < 999 header \"A:\" {}\n";
    print_is_parse("http", span_make(text, strlen(text)));
}

static void every_form_of_a_scripted_step_is_printed_as_it_was_read(void **state)
{
    (void)state;
    const char *text =
        HEADER "l accept lookupd\nm accept lookupd2 after 1ms within 2ms\n"
               "h accept lookupd http within 1ms\nh > GET \"/\" header \"A: b\" after 1ms within "
               "2ms\nl > \"  V1\"\n"
               "l > identify {\"tcp_port\":null}\nl > \"PING\\n\" after 1ms within 2ms\n"
               "l > nothing within 5ms\nl > end after 1ms within 2ms\nl < raw i32(-1) \"x\"\n"
               "l < close\nl < reset\nany {\n    l > \"REGISTER \" $topic \"\\n\" within 1ms\n}\n";
    print_is_parse("scripted", span_make(text, strlen(text)));
}

static void scripted_steps_are_read(void **state)
{
    (void)state;
    struct transcript file;
    parse(&file, HEADER "l accept lookupd\nm accept lookupd2 within 2ms\nl > identify {\"a\":1}\n"
                        "l > nothing within 5ms\nl > \"x\" after 3ms\nl < raw \"y\"\n"
                        "l < close\nl < reset\nh accept lookupd http\nh > GET \"/\" within 4ms\n");
    const struct step *s = file.steps;
    assert_true(transcript_scripts_lookupd(&file));
    assert_true(s->kind == STEP_ACCEPT && s->listener == 0);
    s = s->next;
    assert_true(s->kind == STEP_ACCEPT && s->listener == 1 && s->within == 2 * TIME_MS);
    s = s->next;
    assert_int_equal(s->kind, STEP_IDENTIFY);
    assert_span(s->text, "{\"a\":1}");
    s = s->next;
    assert_true(s->kind == STEP_SILENCE && s->within == 5 * TIME_MS);
    s = s->next;
    assert_true(s->kind == STEP_SEND && s->after == 3 * TIME_MS);
    s = s->next;
    assert_int_equal(s->kind, STEP_REPLY_RAW);
    assert_span(s->items->bytes, "y");
    assert_int_equal((s = s->next)->kind, STEP_SERVER_CLOSE);
    assert_int_equal((s = s->next)->kind, STEP_SERVER_RESET);
    s = s->next;
    assert_true(s->kind == STEP_ACCEPT && s->listener == TRANSCRIPT_LISTENER_HTTP);
    s = s->next;
    assert_true(s->kind == STEP_REQUEST && s->within == 4 * TIME_MS);
    transcript_free(&file);
}

static void http_steps_are_read(void **state)
{
    (void)state;
    struct transcript file;
    parse(&file, HEADER "h connect https\nh > POST \"/a\" $topic header \"X: y\" body \"b\" \"c\"\n"
                        "h < 200 header \"A: \" * without \"Date\" body *\nh < 404 no body\n"
                        "h < 200 {\"a\":1}\nh < 200\n");
    const struct step *s = file.steps;
    assert_int_equal(s->connect, CONNECT_HTTPS);
    assert_true(transcript_upgrades(&file) && transcript_speaks_http(&file));
    s = s->next;
    assert_int_equal(s->kind, STEP_REQUEST);
    assert_span(s->method, "POST");
    assert_int_equal(s->items->next->kind, ITEM_VAR);
    assert_span(s->headers->items->bytes, "X: y");
    assert_int_equal(s->body_kind, BODY_ITEMS);
    assert_span(s->body->next->bytes, "c");
    s = s->next;
    assert_int_equal(s->kind, STEP_HTTP_RESPONSE);
    assert_int_equal(s->status, 200);
    assert_false(s->headers->absent);
    assert_int_equal(s->headers->items->next->kind, ITEM_ANY);
    assert_true(s->headers->next->absent);
    assert_span(s->headers->next->items->bytes, "Date");
    assert_int_equal(s->body->kind, ITEM_ANY);
    assert_int_equal((s = s->next)->body_kind, BODY_ABSENT);
    assert_int_equal((s = s->next)->body_kind, BODY_JSON);
    assert_span(s->text, "{\"a\":1}");
    assert_int_equal(s->next->body_kind, BODY_UNSAID);
    transcript_free(&file);
}

static void a_name_has_a_limit(void **state)
{
    (void)state;
    for (size_t n = TRANSCRIPT_NAME_MAX; n <= TRANSCRIPT_NAME_MAX + 1; n++) {
        struct transcript file;
        struct transcript_error error;
        struct buf text = {0};
        text_append(&text, HEADER);
        for (size_t i = 0; i < n; i++) {
            text_append(&text, "c");
        }
        text_append(&text, " connect\n");
        bool taken = transcript_parse(&file, buf_span(&text), &error);
        assert_true(taken == (n == TRANSCRIPT_NAME_MAX));
        if (taken) {
            transcript_free(&file);
        } else {
            assert_string_equal(error.expected, "a name of at most 64 characters");
        }
        buf_free(&text);
    }
}

/* --- bad files -------------------------------------------------------------------------------- */

static void an_error_has_its_line_and_column(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned line;
        unsigned column;
        const char *expected;
    } rows[] = {
        {"", 1, 1, "a header"},
        {"title: x\n", 1, 1, "id: area/slug"},
        {"id: a\n", 1, 6, "an id of the form area/slug"},
        {"id: a/B\n", 1, 7, "lower-case letters, digits, - . and one /"},
        {"id: a/b\ntitle: \n", 2, 8, "some text"},
        {"id: a/b\ntitle: t\nreq: A  B\n", 3, 8, "words with single spaces between them"},
        {"id: a/b\ntitle: t\nreq: A\nlevel: WISH\n", 4, 8, "MUST, SHOULD, QUIRK or DEPARTURE"},
        {"id: a/b\ntitle: t\nreq: A\nlevel: MUST\n", 4, 12, "a header"},
        {"id: a/b\ntitle: t\nreq: A\nlevel: MUST\nserver: nsqd\nsource: spec\n\n", 5, 9,
         "nsqlookupd"},
        {"id: a/b\ntitle: t\nreq: A\nlevel: MUST\nserver: nsqlookupd x\nsource: spec\n\n", 5, 19,
         "nsqlookupd"},
        {"id: a/b\ntitle: t\nreq: A\nlevel: MUST\nsource: spec\nx", 6, 1,
         "an empty line behind the header"},
        {"id: a/b\ntitle: t\nreq: A\nlevel: MUST\norder: partially\nsource: spec\n\n", 5, 15,
         "partial"},
        {"id: a/b\ntitle: \tt\n", 2, 8, "printable ASCII"},
        {HEADER "c connects\n", 7, 10, "the end of the line"},
        {HEADER "h connect ftp\n", 7, 10, "the end of the line"},
        {HEADER "h > GET\n", 7, 8, "a space and the target of the request"},
        {HEADER "h > GET body \"x\"\n", 7, 9, ITEM_WORDS},
        {HEADER "h > Get \"x\"\n", 7, 6, "a space and the target of the request"},
        {HEADER "h > GET *\n", 7, 9, ITEM_WORDS},
        {HEADER "h > GET \"/\" without \"A\"\n", 7, 12, "the end of the line"},
        {HEADER "h > GET \"/\" body \"x\" header \"A: b\"\n", 7, 21, "the end of the line"},
        {HEADER "h > GET \"/\" body *\n", 7, 18, ITEM_WORDS},
        {HEADER "h < 99\n", 7, 5, "a status from 100 to 999"},
        {HEADER "h < 1000\n", 7, 5, "a status from 100 to 999"},
        {HEADER "h < 200 header \"A\"\n", 7, 16, "a string with the name of a header and a colon"},
        {HEADER "h < 200 header \": b\"\n", 7, 16,
         "a string with the name of a header and a colon"},
        {HEADER "h < 200 header * \"A: b\"\n", 7, 16,
         "a string with the name of a header and a colon"},
        {HEADER "h < 200 without A\n", 7, 17, "a string in double quotes"},
        {HEADER "h < 200 body size{*}\n", 7, 19, ITEM_WORDS},
        {HEADER "h < 200 no body {}\n", 7, 16, "the end of the line"},
        {HEADER "any {\n    h < 200\n}\n", 8, 12,
         "a step of the server: in any { } nothing else may stand"},
        {HEADER "c upgrade gzip\n", 7, 11, "tls, snappy, or deflate and a level"},
        {HEADER "c upgrade deflate\n", 7, 11, "tls, snappy, or deflate and a level"},
        {HEADER "c upgrade deflate 10\n", 7, 21, "a deflate level from 1 to 9"},
        {HEADER "c upgrade deflate 0\n", 7, 20, "a deflate level from 1 to 9"},
        {HEADER "c upgrade tls 1.4\n", 7, 18, "a TLS version from 1.0 to 1.3"},
        {HEADER "c upgrade tls 1.03\n", 7, 17, "a decimal number"},
        {HEADER "c upgrade tls 2.0\n", 7, 14, "the end of the line"},
        {HEADER "c upgrade snappy 6\n", 7, 17, "the end of the line"},
        {HEADER "c > raw close\n", 7, 9, ITEM_WORDS},
        {HEADER "c ? x\n", 7, 2, AFTER_ACTOR},
        {HEADER "l accept\n", 7, 2, AFTER_ACTOR},
        {HEADER "l accept nsqd\n", 7, 10, "lookupd, lookupd2 or lookupd http"},
        {HEADER "l accept lookupd3\n", 7, 17, "the end of the line"},
        {HEADER "l > identify \n", 7, 14, "JSON"},
        {HEADER "l > nothing\n", 7, 12, "within and a duration such as 1500ms"},
        {HEADER "l < nonsense\n", 7, 5, AFTER_LESS},
        {HEADER "l < raw\n", 7, 5, AFTER_LESS},
        {HEADER "l < close fin\n", 7, 10, "the end of the line"},
        {HEADER "l > close within 1ms\n", 7, 10, "the end of the line"},
        {HEADER "l > raw \"x\" within 1ms\n", 7, 12, "the end of the line"},
        {HEADER "any {\n    l > identify {}\n}\n", 8, 20,
         "a step of the server: in any { } nothing else may stand"},
        {HEADER "restart now\n", 7, 8, "the end of the line"},
        {HEADER "restart kill 9\n", 7, 13, "the end of the line"},
        {HEADER "restart with \n", 7, 14, "some text"},
        {HEADER "c stop\n", 7, 2, AFTER_ACTOR},
        {HEADER "any {\n    restart\n}\n", 8, 12,
         "a step of the server: in any { } nothing else may stand"},
        {HEADER "c > \"x\n", 7, 7, "the closing quote"},
        {HEADER "c > \"\\q\"\n", 7, 7, "\\n, \\r, \\\\, \\\" or \\xNN with two lower-case digits"},
        {HEADER "c > \"\\x41\"\n", 7, 7, "a byte that has no shorter spelling than \\xNN"},
        {HEADER "c > u8(256)\n", 7, 11, "a number that fits the size of the item"},
        {HEADER "c > u8(01)\n", 7, 8, "a decimal number"},
        {HEADER "c > i32(-0)\n", 7, 9, "a decimal number"},
        {HEADER "c > fill(9999999 \"x\"\n", 7, 17, "at most 8388608 bytes"},
        {HEADER "c > fill(3 \"\")\n", 7, 14, "a string that is not empty"},
        {HEADER "c > size{\"x\"\n", 7, 13, "}"},
        {HEADER "c > $\n", 7, 6, "the name of a value"},
        {HEADER "c < error E_WHAT\n", 7, 17, "an error code of the protocol"},
        {HEADER "c < message $m attempts -2 body \"x\"\n", 7, 27,
         "a number of attempts, a counter, or *"},
        {HEADER "c < no message\n", 7, 15, "within and a duration such as 1500ms"},
        {HEADER "wait 5s\n", 7, 7, DURATION},
        {HEADER "wait 0ms\n", 7, 7, DURATION},
        {HEADER "wait 3600001ms\n", 7, 13, DURATION},
        {HEADER "any {\n}\n", 8, 2, "a step before }"},
        {HEADER "any {\nc < end\n", 8, 1, "four spaces and a step, or }"},
        {HEADER "any {\n    c connect\n}\n", 8, 14,
         "a step of the server: in any { } nothing else may stand"},
        {HEADER "any {\n    c < end\n", 8, 12, "}"},
        {HEADER "c connect", 7, 10, "a newline at the end of the file"},
        {HEADER "repeat 0 $i {\n", 7, 9, "a number of repetitions from 1 to 10000"},
        {HEADER "repeat 10001 $i {\n", 7, 13, "a number of repetitions from 1 to 10000"},
        {HEADER "repeat 2 i {\n", 7, 9, "$ and a name for the counter"},
        {HEADER "repeat 2 $i{\n", 7, 12, "a space and {"},
        {HEADER "repeat 2 $i { \n", 7, 14, "the end of the line"},
        {HEADER "repeat 2 $i {\n}\n", 8, 2, "a step before }"},
        {HEADER "repeat 2 $i {\n  wait 1ms\n}\n", 8, 1, "four spaces and a step, or }"},
        {HEADER "repeat 2 $i {\n    wait 1ms\n", 8, 13, "}"},
        {HEADER "repeat 2 $i {\n    repeat 2 $i {\n", 8, 16,
         "a name that no counter around this has"},
        {HEADER "repeat 2 $i {\n    repeat 2 $k {\n        repeat 2 $l {\n", 9, 22,
         "at most two blocks inside each other"},
        {HEADER "repeat 2 $i {\n    repeat 2 $k {\n    wait 1ms\n", 9, 5,
         "eight spaces and a step, or }"},
        {HEADER "any 2 $i {\n    wait 1ms\n}\n", 8, 13,
         "a step of the server: in any { } nothing else may stand"},
        {HEADER "c$i connect\n", 7, 4, "a counter of a repeat or any around this"},
        {HEADER "c* connect\n", 7, 11, "the name of one connection: c* may stand only in any { }"},
        {HEADER "c < message $m attempts $i body *\n", 7, 27,
         "a counter of a repeat or any around this"},
        {HEADER "any 2 $i {\n    c < message $i attempts 1 body *\n}\n", 8, 19,
         "a name that no counter has"},
        {HEADER "any 2 $i {\n    c$i* < end\n}\n", 8, 8, AFTER_ACTOR},
        {HEADER "c > repeat(2 $k)\n", 7, 16, "a space and items"},
        {HEADER "c > repeat(2 $k \"x\"}\n", 7, 20, ")"},
        {HEADER "c > repeat(2 $a repeat(2 $b repeat(2 $c repeat(2 $d repeat(2 $e $e)))))\n", 7, 64,
         "at most 4 repetitions inside each other"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct transcript file;
        struct transcript_error error;
        struct span text = span_make(rows[i].text, strlen(rows[i].text));
        if (transcript_parse(&file, text, &error)) {
            fail_msg("row %zu was taken", i);
        }
        if (error.line != rows[i].line || error.column != rows[i].column ||
            strcmp(error.expected, rows[i].expected) != 0) {
            fail_msg("row %zu: %u:%u: expected %s", i, error.line, error.column, error.expected);
        }
    }
}

static void sizes_and_depth_have_limits(void **state)
{
    (void)state;
    struct transcript file;
    struct transcript_error error;
    struct buf text = {0};
    text_append(&text, HEADER "c > ");
    for (int i = 0; i <= TRANSCRIPT_DEPTH_MAX; i++) {
        text_append(&text, "size{");
    }
    text_append(&text, "\"x\"\n");
    assert_false(transcript_parse(&file, buf_span(&text), &error));
    assert_string_equal(error.expected, "at most 8 size{ } or repeat( ) inside each other");
    while (text.n <= TRANSCRIPT_SIZE_MAX) {
        text_append(&text, "# a comment that makes the file longer than it may be\n");
    }
    assert_false(transcript_parse(&file, buf_span(&text), &error));
    assert_string_equal(error.expected, "at most 1 MiB");
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(committed_files_are_canonical),
        cmocka_unit_test(a_truncated_file_is_refused_or_canonical),
        cmocka_unit_test(a_changed_file_is_refused_or_canonical),
        cmocka_unit_test(the_header_is_read),
        cmocka_unit_test(a_file_may_be_about_nsqlookupd),
        cmocka_unit_test(steps_are_read),
        cmocka_unit_test(items_are_read),
        cmocka_unit_test(every_form_of_step_is_printed_as_it_was_read),
        cmocka_unit_test(every_form_of_an_http_step_is_printed_as_it_was_read),
        cmocka_unit_test(http_steps_are_read),
        cmocka_unit_test(every_form_of_a_scripted_step_is_printed_as_it_was_read),
        cmocka_unit_test(scripted_steps_are_read),
        cmocka_unit_test(a_name_has_a_limit),
        cmocka_unit_test(an_error_has_its_line_and_column),
        cmocka_unit_test(sizes_and_depth_have_limits),
    };
    return cmocka_run_group_tests_name("session_file", tests, find_committed, forget_committed);
}
