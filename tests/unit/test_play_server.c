/* SPDX-License-Identifier: MIT */
/* Tests of conform/play_server.h and of conform/transport_tcp.h: one file, both sides, over a
 * socket. */
#include "conform/play_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "conform/files.h"
#include "conform/run_case.h"
#include "conform/suite.h"
#include "conform/transport_tcp.h"
#include "support/certs.h"

#define HEADER "id: a/b\ntitle: t\nreq: R-1\nlevel: MUST\nsource: spec\n\n"
#define HELLO HEADER "c connect\nc > \"  V2NOP\\n\"\n"

static char folder[] = "/tmp/nsqref-test-XXXXXX";
static char file_path[64];
static char address[64];

static int make_all(void **state)
{
    if (certs_make_all(state) != 0) {
        return -1;
    }
    certs_warm_up();
    bool ok = mkdtemp(folder) != NULL;
    snprintf(file_path, sizeof file_path, "%s/f.session", folder);
    snprintf(address, sizeof address, "%s/socket", folder);
    return ok ? 0 : -1;
}

static int remove_all(void **state)
{
    files_remove(folder);
    return certs_free_all(state);
}

/* Plays the server's side of this file once, in another process. */
static pid_t serve(const char *text)
{
    const struct args args = {
        .serve = file_path, .listen = address, .names = "both", .cases = SUITE_CASES};
    assert_true(files_write(file_path, span_make(text, strlen(text)), stderr));
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        FILE *none = fopen("/dev/null", "w");
        _exit(none == NULL ? 9 : (int)serve_file(&args, none));
    }
    while (!tcp_transport_reachable(address)) {
    }
    return pid;
}

static int exit_code(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Plays the clients' side of this file. */
static void play(const char *text, struct case_result *result)
{
    struct transcript file;
    struct transcript_error error;
    char names[VALUES_NAMES_MAX];
    assert_true(transcript_parse(&file, span_make(text, strlen(text)), &error));
    const struct case_setting setting = {
        .target = address, .names = values_names("both", file.id, names), .time_scale = 100};
    run_case(&setting, &file, result);
    transcript_free(&file);
}

static void both_sides(const char *server, const char *client, int code, enum verdict verdict)
{
    struct case_result result;
    pid_t pid = serve(server);
    play(client, &result);
    if (result.verdict != verdict) {
        fail_msg("line %u: %.*s", result.failed_line, (int)result.why.n,
                 (const char *)buf_span(&result.why).p);
    }
    case_result_free(&result);
    assert_int_equal(exit_code(pid), code);
}

static void a_file_passes_against_itself(void **state)
{
    (void)state;
    static const char text[] = HEADER
        "c connect\nc > \"  V2IDENTIFY\\n\" size{\"{}\"}\nc < response {\"a\":1,\"b\":null}\n"
        "c > \"SUB \" $topic \" \" $channel \"\\n\" \"RDY 1\\n\"\nc < response \"OK\"\n"
        "p connect\np > \"  V2PUB \" $topic \"\\n\" size{\"x\"}\n"
        "any {\n    p < response \"OK\"\n    c < message $m attempts 1 at $t body \"x\"\n}\n"
        "c < heartbeat\nc > \"NOP\\n\"\nc > \"REQ \" $m \" 0\\n\"\n"
        "c < message $m attempts 2 at $t body \"x\" after 10ms\nc > \"FIN \" $m \"\\n\"\n"
        "c < nothing\nc < no message within 20ms\nwait 5ms\n"
        "p > \"PUB \" fill(70000 \"x\")\np < error E_INVALID \"too long\"\np < end\n"
        "c > end\nc < end\n";
    both_sides(text, text, EXIT_CONFORMS, VERDICT_PASS);
}

static void repetitions_pass_against_themselves(void **state)
{
    (void)state;
    static const char text[] =
        HEADER "repeat 40 $i {\n    c$i connect\n    c$i > \"  V2NOP\\n\"\n}\n"
               "any 40 $i {\n    c$i < message $m$i attempts $i body \"m\" $i\n}\n"
               "any 60 $i {\n    c* < message $n$i attempts 1 body \"n\" $i\n}\n"
               "c1 stop reading\nc1 > repeat(3 $k \"FIN \" $m$k \"\\n\")\nc1 start reading\n"
               "c1 < error E_FIN_FAILED\nc40 < message $x attempts * body *\n";
    both_sides(text, text, EXIT_CONFORMS, VERDICT_PASS);
}

static void http_cannot_be_served(void **state)
{
    (void)state;
    char text[256] = {0};
    FILE *err = fmemopen(text, sizeof text - 1, "w");
    const struct args args = {.serve = file_path, .listen = address, .cases = SUITE_CASES};
    assert_true(files_write(file_path,
                            SPAN("id: a/b\ntitle: t\nreq: R-1\nlevel: MUST\nneeds: http\n"
                                 "source: spec\n\nh connect http\n"),
                            stderr));
    assert_int_equal(serve_file(&args, err), EXIT_USAGE);
    fclose(err);
    assert_non_null(strstr(text, "--serve cannot play HTTP"));
}

static void a_file_about_nsqlookupd_cannot_be_served(void **state)
{
    (void)state;
    char text[256] = {0};
    FILE *err = fmemopen(text, sizeof text - 1, "w");
    const struct args args = {.serve = file_path, .listen = "?", .cases = SUITE_CASES};
    assert_true(files_write(file_path,
                            SPAN("id: a/b\ntitle: t\nreq: R-1\nlevel: MUST\nserver: nsqlookupd\n"
                                 "source: spec\n\nc connect\n"),
                            stderr));
    assert_int_equal(serve_file(&args, err), EXIT_USAGE);
    fclose(err);
    assert_non_null(strstr(text, "--serve cannot play nsqlookupd"));
}

static void a_scripted_nsqlookupd_cannot_be_served(void **state)
{
    (void)state;
    char text[256] = {0};
    FILE *err = fmemopen(text, sizeof text - 1, "w");
    const struct args args = {.serve = file_path, .listen = "?", .cases = SUITE_CASES};
    assert_true(files_write(file_path,
                            SPAN("id: a/b\ntitle: t\nreq: R-1\nlevel: MUST\nflags: -x={lookupd}\n"
                                 "source: spec\n\nl accept lookupd\n"),
                            stderr));
    assert_int_equal(serve_file(&args, err), EXIT_USAGE);
    fclose(err);
    assert_non_null(strstr(text, "--serve cannot play a scripted nsqlookupd"));
}

static void a_file_that_restarts_the_server_cannot_be_served(void **state)
{
    (void)state;
    char text[256] = {0};
    FILE *err = fmemopen(text, sizeof text - 1, "w");
    const struct args args = {.serve = file_path, .listen = address, .cases = SUITE_CASES};
    assert_true(files_write(file_path, SPAN(HELLO "restart\n"), stderr));
    assert_int_equal(serve_file(&args, err), EXIT_USAGE);
    fclose(err);
    assert_non_null(strstr(text, "--serve cannot play restart"));
    struct case_result result;
    play(HELLO "restart\n", &result);
    assert_int_equal(result.verdict, VERDICT_UNSUPPORTED);
    case_result_free(&result);
}

static void a_client_that_sends_something_else_fails(void **state)
{
    (void)state;
    both_sides(HELLO "c > \"ONE\\n\"\n", HELLO "c > \"TWO\\n\"\n", EXIT_DOES_NOT, VERDICT_PASS);
    both_sides(HELLO "c > \"LONGER\\n\"\n", HELLO "c > \"LO\"\nc > close\n", EXIT_DOES_NOT,
               VERDICT_PASS);
    both_sides(HELLO "c > end\n", HELLO "c > \"MORE\\n\"\nc > end\n", EXIT_DOES_NOT, VERDICT_PASS);
    both_sides(HELLO, HELLO "c > \"MORE\\n\"\n", EXIT_DOES_NOT, VERDICT_PASS);
    both_sides(HELLO "c > $unknown\n", HELLO, EXIT_DOES_NOT, VERDICT_PASS);
    both_sides(HELLO "d > \"x\"\n", HELLO, EXIT_DOES_NOT, VERDICT_PASS);
}

static void a_server_that_sends_something_else_fails(void **state)
{
    (void)state;
    both_sides(HELLO "c < response \"NO\"\n", HELLO "c < response \"OK\"\n", EXIT_CONFORMS,
               VERDICT_FAIL);
    both_sides(HELLO "c < error E_INVALID \"a\"\n", HELLO "c < error E_INVALID \"b\"\n",
               EXIT_CONFORMS, VERDICT_NON_STRICT);
    both_sides(HELLO "c < end\n", HELLO "c < response \"OK\"\n", EXIT_CONFORMS, VERDICT_FAIL);
}

/* The client's file ends at the first OK; the server sends a second one. */
static void a_reply_after_the_last_step_fails_the_case(void **state)
{
    (void)state;
    static const char one[] = HELLO "c < response \"OK\"\n";
    both_sides(HELLO "c < response \"OK\"\nwait 20ms\nc < response \"OK\"\n", one, EXIT_CONFORMS,
               VERDICT_FAIL);
    both_sides(HELLO "c < response \"OK\"\nwait 20ms\nc < error E_FIN_FAILED \"x\"\n", one,
               EXIT_CONFORMS, VERDICT_FAIL);
    both_sides(HELLO "c < response \"OK\"\nwait 20ms\nc < error E_BAD_TOPIC \"x\"\n", one,
               EXIT_CONFORMS, VERDICT_FAIL);
    both_sides(HELLO "c < response \"OK\"\nwait 20ms\n", one, EXIT_CONFORMS, VERDICT_PASS);
    both_sides(HELLO "c < response \"OK\"\nwait 20ms\nc < heartbeat\nc < end\n", one, EXIT_CONFORMS,
               VERDICT_PASS);
}

/* The second OK is taken for the answer to the PUB. Then the PUB's own answer is one too many. */
static void a_late_reply_after_nothing_fails_the_case(void **state)
{
    (void)state;
    both_sides(HELLO "wait 20ms\nc < response \"OK\"\nc < nothing\n", HELLO "c < nothing\n",
               EXIT_CONFORMS, VERDICT_FAIL);
}

/* A message that nobody asked for is a message that was doubled or misdirected. */
static void a_message_that_no_step_matches_fails_the_case(void **state)
{
    (void)state;
    static const char sent[] = HELLO "c < message $m attempts 1 body \"x\"\n";
    both_sides(sent, HELLO "wait 20ms\nc < nothing\n", EXIT_CONFORMS, VERDICT_FAIL);
    both_sides(sent, HELLO "wait 20ms\n", EXIT_CONFORMS, VERDICT_FAIL);
    both_sides(sent, HELLO "", EXIT_CONFORMS, VERDICT_FAIL);
}

/* No last command is sent where the server would not read it as a command. */
static void no_last_command_is_sent_where_none_is_allowed(void **state)
{
    (void)state;
    static const char *const texts[] = {
        /* The reply keeps the client there: a connection that ends at once is a mere check. */
        HEADER "c connect\nc < response \"OK\"\n",
        HEADER "c connect\nc > \"  V\"\n",
        HELLO "c > \"PUB \"\n",
        HELLO "c > \"PUB t\\n\" i32(5) \"x\"\n",
        HELLO "c > end\n",
        HELLO "c > \"IDENTIFY\\n\" size{\"{}\"}\nc < response {\"snappy\":true}\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        both_sides(texts[i], texts[i], EXIT_CONFORMS, VERDICT_PASS);
    }
}

static void both_sides_use_the_codecs(void **state)
{
    (void)state;
    static const char *const ups[] = {
        "c upgrade snappy\n",
        "c upgrade deflate 6\n",
        "c upgrade tls\n",
        "c upgrade tls 1.2\nc < response \"OK\"\nc upgrade snappy\n",
        "c upgrade tls\nc < response \"OK\"\nc upgrade deflate 1\n",
    };
    for (size_t i = 0; i < sizeof ups / sizeof ups[0]; i++) {
        char text[1024];
        snprintf(text, sizeof text,
                 HELLO
                 "c > \"IDENTIFY\\n\" size{\"{}\"}\nc < response {\"snappy\":true}\n%s"
                 "c < response \"OK\"\nc > \"PUB \" $topic \"\\n\" size{fill(100000 \"x\")}\n"
                 "c < message $m attempts 1 body fill(100000 \"y\")\nc > \"FIN \" $m \"\\n\"\n"
                 "c < nothing\nc > raw \"past\"\nc < error E_INVALID \"x\"\nc < end\n",
                 ups[i]);
        both_sides(text, text, EXIT_CONFORMS, VERDICT_PASS);
    }
    both_sides(HELLO "c < response {\"snappy\":true}\nc upgrade snappy\nc < response \"OK\"\n",
               HELLO "c < response {\"snappy\":true}\nc upgrade deflate 6\nc < response \"OK\"\n",
               EXIT_CONFORMS, VERDICT_FAIL);
    both_sides(HELLO "c upgrade tls\n", HELLO "c > \"NOP\\n\"\nc > end\n", EXIT_DOES_NOT,
               VERDICT_PASS);
}

static void a_reset_counts_as_an_end(void **state)
{
    (void)state;
    both_sides(HELLO "c > reset\n", HELLO "c > reset\n", EXIT_CONFORMS, VERDICT_PASS);
}

static void a_target_without_a_server_is_unreachable(void **state)
{
    (void)state;
    struct case_result result;
    assert_false(tcp_transport_reachable(address));
    play(HELLO, &result);
    assert_int_equal(result.verdict, VERDICT_UNREACHABLE);
    case_result_free(&result);
}

static void an_error_in_serving_is_printed(void **state)
{
    (void)state;
    struct args args = {.serve = "/no/such/file", .listen = address};
    char *said;
    size_t n;
    FILE *err = open_memstream(&said, &n);
    assert_non_null(err);
    assert_int_equal(serve_file(&args, err), EXIT_USAGE);
    assert_true(files_write(file_path, SPAN("x"), stderr));
    args.serve = file_path;
    assert_int_equal(serve_file(&args, err), EXIT_USAGE);
    assert_true(files_write(file_path, SPAN(HELLO), stderr));
    args.listen = "/no/such/folder/socket";
    assert_int_equal(serve_file(&args, err), EXIT_USAGE);
    fclose(err);
    assert_non_null(strstr(said, "no such file"));
    assert_non_null(strstr(said, ":1:1: expected id: area/slug"));
    free(said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_passes_against_itself),
        cmocka_unit_test(repetitions_pass_against_themselves),
        cmocka_unit_test(a_file_that_restarts_the_server_cannot_be_served),
        cmocka_unit_test(http_cannot_be_served),
        cmocka_unit_test(a_file_about_nsqlookupd_cannot_be_served),
        cmocka_unit_test(a_scripted_nsqlookupd_cannot_be_served),
        cmocka_unit_test(a_client_that_sends_something_else_fails),
        cmocka_unit_test(a_server_that_sends_something_else_fails),
        cmocka_unit_test(a_reply_after_the_last_step_fails_the_case),
        cmocka_unit_test(a_late_reply_after_nothing_fails_the_case),
        cmocka_unit_test(a_message_that_no_step_matches_fails_the_case),
        cmocka_unit_test(no_last_command_is_sent_where_none_is_allowed),
        cmocka_unit_test(both_sides_use_the_codecs),
        cmocka_unit_test(a_reset_counts_as_an_end),
        cmocka_unit_test(a_target_without_a_server_is_unreachable),
        cmocka_unit_test(an_error_in_serving_is_printed),
    };
    return cmocka_run_group_tests_name("play_server", tests, make_all, remove_all);
}
