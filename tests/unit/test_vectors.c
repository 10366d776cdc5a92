/* SPDX-License-Identifier: MIT */
/* Vectors: bytes in pieces, what the parser makes of an input, and a whole document. */
#include "conform/vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "conform/vectors_diskqueue.h"
#include "conform/vectors_lookup.h"
#include "conform/vectors_parser.h"

/* JSON without its white space outside texts: here no text has any. */
static void squeeze(const struct buf *json, char *out, size_t room)
{
    size_t n = 0;
    for (size_t i = 0; i < json->n; i++) {
        char c = (char)buf_span(json).p[i];
        if (c != ' ' && c != '\n' && n + 1 < room) {
            out[n++] = c;
        }
    }
    out[n] = '\0';
}

static void expect_bytes(struct span bytes, const char *expected)
{
    struct buf out = {0};
    char text[512];
    struct json_writer json = json_writer(&out, JSON_INDENTED);
    vectors_write_bytes(&json, bytes);
    squeeze(&out, text, sizeof text);
    assert_string_equal(text, expected);
    buf_free(&out);
}

static void test_bytes(void **state)
{
    (void)state;
    uint8_t repeated[140];
    memset(repeated, 'x', sizeof repeated);
    expect_bytes(SPAN(""), "[]");
    expect_bytes(SPAN("a\nz"), "[\"610a7a\"]");
    expect_bytes(span_make(repeated, 64), "[{\"hex\":\"78\",\"times\":64}]");
    repeated[0] = 'a';
    repeated[139] = 'z';
    expect_bytes(span_make(repeated, 140), "[\"61\",{\"hex\":\"78\",\"times\":138},\"7a\"]");
    for (size_t i = 0; i < 130; i++) {
        repeated[i] = (uint8_t) "0123456789"[i % 10];
    }
    expect_bytes(span_make(repeated, 128),
                 "[{\"hex\":\"30313233343536373839\",\"times\":12},\"3031323334353637\"]");
}

static void expect_parser(struct span in, const char *expected)
{
    const struct nsq_limits limits = {.max_line = 32, .max_msg_size = 4, .max_body_size = 64};
    struct buf out = {0};
    char text[2048];
    struct json_writer json = json_writer(&out, JSON_INDENTED);
    json_open_object(&json);
    vectors_parser(&json, &limits, in);
    json_close_object(&json);
    squeeze(&out, text, sizeof text);
    const char *items = strstr(text, "\"items\"");
    assert_non_null(items);
    assert_string_equal(items, expected);
    buf_free(&out);
}

static void test_parser(void **state)
{
    (void)state;
    expect_parser(
        SPAN("NOP\r\nPU"),
        "\"items\":[{\"after\":5,\"stage\":\"line\",\"command\":\"NOP\",\"name\":[\"4e4f50\"],"
        "\"params\":0,\"param\":[],\"last\":true}],\"waits\":\"line\"}");
    expect_parser(
        SPAN("PUB t\n\0\0\0\2hi"),
        "\"items\":[{\"after\":6,\"stage\":\"line\",\"command\":\"PUB\",\"name\":[\"505542\"],"
        "\"params\":1,\"param\":[[\"74\"]],\"last\":false},"
        "{\"after\":10,\"stage\":\"size\",\"value\":2,\"last\":false},"
        "{\"after\":12,\"stage\":\"body\",\"body\":[\"6869\"],\"last\":true}],"
        "\"waits\":\"line\"}");
    expect_parser(SPAN("x\n\n"),
                  "\"items\":[{\"after\":2,\"stage\":\"line\",\"command\":\"\",\"name\":[\"78\"],"
                  "\"params\":0,\"param\":[],\"last\":true},"
                  "{\"after\":3,\"stage\":\"line\",\"command\":\"\",\"name\":[],"
                  "\"params\":0,\"param\":[],\"last\":true}],\"waits\":\"line\"}");
}

static void test_parser_bad(void **state)
{
    (void)state;
    expect_parser(
        SPAN("PUB t\n\0\0\0\5never"),
        "\"items\":[{\"after\":6,\"stage\":\"line\",\"command\":\"PUB\",\"name\":[\"505542\"],"
        "\"params\":1,\"param\":[[\"74\"]],\"last\":false},"
        "{\"after\":10,\"stage\":\"size\",\"bad\":\"too-big\",\"value\":5,\"last\":false}],"
        "\"waits\":\"nothing\"}");
    expect_parser(SPAN("a line of thirty-two bytes and more"),
                  "\"items\":[{\"after\":32,\"stage\":\"line\",\"bad\":\"line-too-long\","
                  "\"last\":false}],\"waits\":\"nothing\"}");
}

static void expect_lookup(struct span in, const char *expected)
{
    const struct nsq_lookup_limits limits = {.max_line = 32, .max_body = 4};
    struct buf out = {0};
    char text[2048];
    struct json_writer json = json_writer(&out, JSON_INDENTED);
    json_open_object(&json);
    vectors_lookup(&json, &limits, in);
    json_close_object(&json);
    squeeze(&out, text, sizeof text);
    assert_string_equal(text + strlen("{\"limits\":{\"line\":32,\"body\":4},"),
                        strstr(text, "\"bytes\""));
    assert_string_equal(strstr(text, "\"items\""), expected);
    buf_free(&out);
}

static void test_lookup_parser(void **state)
{
    (void)state;
    expect_lookup(SPAN("REGISTER t\r\nIDENTIFY\n\0\0\0\2{}PI"),
                  "\"items\":[{\"after\":12,\"stage\":\"line\",\"command\":\"REGISTER\",\"name\":["
                  "\"5245474953544552\"],\"params\":1,\"topic\":[\"74\"],\"channel\":[]},"
                  "{\"after\":21,\"stage\":\"line\",\"command\":\"IDENTIFY\",\"name\":["
                  "\"4944454e54494659\"],\"params\":0,\"topic\":[],\"channel\":[]},"
                  "{\"after\":27,\"stage\":\"body\",\"body\":[\"7b7d\"]}],\"waits\":\"line\"}");
    expect_lookup(SPAN("a line of thirty-two bytes and more"),
                  "\"items\":[{\"after\":32,\"stage\":\"line\",\"bad\":\"line-too-long\"}],"
                  "\"waits\":\"nothing\"}");
    expect_lookup(SPAN("IDENTIFY\n\0\0\0\5"),
                  "\"items\":[{\"after\":9,\"stage\":\"line\",\"command\":\"IDENTIFY\",\"name\":["
                  "\"4944454e54494659\"],\"params\":0,\"topic\":[],\"channel\":[]},"
                  "{\"after\":13,\"stage\":\"body\",\"bad\":\"too-big\"}],\"waits\":\"nothing\"}");
    expect_lookup(SPAN("IDENTIFY\n\xff"),
                  "\"items\":[{\"after\":9,\"stage\":\"line\",\"command\":\"IDENTIFY\",\"name\":["
                  "\"4944454e54494659\"],\"params\":0,\"topic\":[],\"channel\":[]}],"
                  "\"waits\":\"body\"}");
}

static void test_diskqueue(void **state)
{
    (void)state;
    /* What each part must contain: a good case, a wrong one that goes on, and one that ends. */
    static const char *const expected[] = {
        "{\"diskqueue_data\":[{\"id\":\"two-records\",\"max_body\":1048576,\"bytes\":[",
        "{\"after\":66,\"size\":29,\"timestamp\":\"1795988594411198069\",\"attempts\":0,"
        "\"message_id\":[\"31386164363533313236323639303030\"],\"body\":[\"74776f\"]}],\"left\":0}",
        "[{\"after\":31,\"bad\":\"badid\",\"size\":27,\"timestamp\":\"1795988594414602737\",",
        "{\"after\":62,\"size\":27,",
        "{\"after\":35,\"bad\":\"sizetoosmall\",\"size\":25}],\"left\":61}",
        "\"records\":[],\"left\":32}],\"diskqueue_meta\":[{\"bytes\":[\"340a302c300a312c39320a\"],"
        "\"depth\":\"4\",\"read_file\":\"0\",\"read_pos\":\"0\",\"write_file\":\"1\",\"write_pos\":"
        "\"92\"}",
        "{\"bytes\":[\"350a312c320a332c2d\"],\"bad\":\"cutoff\",\"field\":\"write_pos\",\"offset\":"
        "9}",
        "\"diskqueue_names\":[{\"name\":\"first.diskqueue.000000.dat\",\"kind\":\"data\","
        "\"topic\":\"first\",\"channel\":\"\",\"number\":\"0\"},",
        "{\"name\":\"first.diskqueue.meta.dat\",\"kind\":\"meta\",\"topic\":\"first\","
        "\"channel\":\"\"}",
        "{\"name\":\"nsqd.dat\",\"kind\":\"none\"}]}",
    };
    static char text[16384];
    struct buf out = {0};
    struct json_writer json = json_writer(&out, JSON_INDENTED);
    json_open_object(&json);
    vectors_diskqueue(&json);
    json_close_object(&json);
    squeeze(&out, text, sizeof text);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        if (strstr(text, expected[i]) == NULL) {
            fail_msg("%s is not in %s", expected[i], text);
        }
    }
    buf_free(&out);
}

static const char session[] = "id: test/one\n"
                              "title: one\n"
                              "req: R-1\n"
                              "level: MUST\n"
                              "source: spec\n"
                              "\n"
                              "c connect\n"
                              "c > \"  V2NOP\\nFOO\\n\"\n"
                              "c < error E_INVALID \"invalid command FOO\"\n"
                              "c < end\n";

static void write_one(const char *text, bool expected, const char *part)
{
    struct suite_case one = {0};
    struct suite suite = {.cases = &one, .n = 1};
    struct transcript_error error;
    struct buf out = {0};
    struct buf why = {0};
    char squeezed[2048];
    assert_true(transcript_parse(&one.file, span_make(text, strlen(text)), &error));
    assert_int_equal(vectors_write(&suite, &out, &why), expected);
    squeeze(expected ? &out : &why, squeezed, sizeof squeezed);
    assert_non_null(strstr(squeezed, part));
    transcript_free(&one.file);
    buf_free(&out);
    buf_free(&why);
}

static void test_session(void **state)
{
    (void)state;
    write_one(session, true,
              "\"input\":[{\"conn\":\"c\",\"after\":0,\"ms\":0,\"event\":\"connect\"},"
              "{\"conn\":\"c\",\"after\":0,\"ms\":0,\"event\":\"send\","
              "\"bytes\":[\"202056324e4f500a464f4f0a\"]},");
    /* The error is due after the last byte, and not before. */
    write_one(session, true,
              "\"output\":[{\"conn\":\"c\",\"after\":12,\"ms\":0,\"event\":\"error\","
              "\"code\":\"E_INVALID\",\"bytes\":");
    write_one(session, true, "{\"conn\":\"c\",\"after\":12,\"ms\":0,\"event\":\"closed\"}]");
    write_one(session, true, "\"parser\":[{\"id\":\"test/one:c\",");
}

static const char http_session[] =
    "id: test/http\ntitle: http\nreq: R-1\nlevel: MUST\nneeds: http\nsource: spec\n\n"
    "h connect http\n"
    "h > \"GET /ping HTTP/1.0\\r\\n\\r\\n\"\n"
    "h < 200 body \"OK\"\n"
    "h < end\n";

static void test_http(void **state)
{
    (void)state;
    write_one(http_session, true,
              "\"input\":[{\"conn\":\"h\",\"after\":0,\"ms\":0,\"event\":\"connect-http\"},"
              "{\"conn\":\"h\",\"after\":0,\"ms\":0,\"event\":\"send\",");
    /* Without the date and the framing: they are no rule. */
    write_one(http_session, true,
              "\"output\":[{\"conn\":\"h\",\"after\":22,\"ms\":0,\"event\":\"http-response\","
              "\"status\":200,\"headers\":[\"Content-Type:text/plain;charset=utf-8\"],"
              "\"bytes\":[\"4f4b\"]},"
              "{\"conn\":\"h\",\"after\":22,\"ms\":0,\"event\":\"closed\"}]");
    write_one(http_session, true, "\"parser\":[]");
}

/* How long the body of an answer to HEAD is, its bytes alone do not say. */
static void test_http_head(void **state)
{
    (void)state;
    write_one("id: test/head\ntitle: head\nreq: R-1\nlevel: MUST\nneeds: http\nsource: spec\n\n"
              "h connect http\nh > HEAD \"/ping\"\nh < 405 no body\n",
              true, "\"sessions\":[]");
}

/* A program that reads vectors is no nsqlookupd. */
static void test_scripted_lookupd(void **state)
{
    (void)state;
    write_one("id: test/peer\ntitle: peer\nreq: R-1\nlevel: MUST\n"
              "flags: --lookupd-tcp-address={lookupd}\nsource: spec\n\nl accept lookupd\n",
              true, "\"sessions\":[]");
}

static void test_lookup_session(void **state)
{
    (void)state;
    static const char text[] = "id: test/lookup\ntitle: lookup\nreq: R-1\nlevel: MUST\n"
                               "server: nsqlookupd\nsource: spec\n\nc connect\n"
                               "c > \"  V1PING\\nX\\n\"\nc < response \"OK\"\n"
                               "c < error E_INVALID \"invalid command X\"\nc < end\n";
    write_one(text, true,
              "\"sessions\":[],\"parser\":[],\"lookup_sessions\":[{\"id\":\"test/lookup\"");
    write_one(text, true,
              "\"output\":[{\"conn\":\"c\",\"after\":9,\"ms\":0,\"event\":\"response\","
              "\"bytes\":[\"000000024f4b\"]},{\"conn\":\"c\",\"after\":11,\"ms\":0,"
              "\"event\":\"error\",\"code\":\"E_INVALID\",\"bytes\":");
    write_one(text, true, "\"lookup_parser\":[{\"id\":\"test/lookup:c\",");
    write_one(session, true, "\"lookup_sessions\":[],\"lookup_parser\":[]");
}

static void test_session_fails(void **state)
{
    (void)state;
    write_one("id: test/two\ntitle: two\nreq: R-1\nlevel: MUST\nsource: spec\n\n"
              "c connect\nc > \"  V2NOP\\n\"\nc < response \"OK\"\n",
              false, "test/two:");
    write_one("id: test/three\ntitle: three\nreq: R-1\nlevel: MUST\nflags: --no-such-flag\n"
              "source: spec\n\nc connect\n",
              false, "test/three:");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_parser),
        cmocka_unit_test(test_parser_bad),
        cmocka_unit_test(test_session),
        cmocka_unit_test(test_http),
        cmocka_unit_test(test_http_head),
        cmocka_unit_test(test_session_fails),
        cmocka_unit_test(test_lookup_parser),
        cmocka_unit_test(test_diskqueue),
        cmocka_unit_test(test_lookup_session),
        cmocka_unit_test(test_scripted_lookupd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
