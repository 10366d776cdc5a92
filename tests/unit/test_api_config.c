/* SPDX-License-Identifier: MIT */
/*
 * Tests of GET and PUT /config on a whole engine. tests/interop/http/pages.py compares the answers
 * with those of upstream's nsqd 1.3.0. The name of a test marks a departure.
 */
#include "api/api.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "support/cuts.h"
#include "support/world.h"

#define DATE "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
#define LIST "nsqlookupd_tcp_addresses"

static const struct api_setting settings[] = {
    {SPAN_LITERAL("log_level"), SPAN_LITERAL("2"), true},
    {SPAN_LITERAL("tcp_address"), SPAN_LITERAL("a:1"), false},
    {SPAN_LITERAL("statsd_address"), SPAN_LITERAL(""), false},
    {SPAN_LITERAL("msg_timeout"), SPAN_LITERAL("60000000000"), true},
    {SPAN_LITERAL(LIST), SPAN_LITERAL("[\"first:1\"]"), true},
};

static struct engine_config config_of_test(void)
{
    struct engine_config config = world_config();
    config.about.settings = settings;
    config.about.setting_count = sizeof settings / sizeof settings[0];
    config.v2.limits.max_msg_size = 300;
    return config;
}

/* --- answers ---------------------------------------------------------------------------------- */

struct row {
    const char *method;
    const char *name;
    const char *body;
    int status;
    const char *text; /* of an error: its code */
};

static void expect_answer(struct client *c, const struct row *row)
{
    char expected[1000];
    char body[500];
    struct span words = http_status_words(row->status);
    bool plain = row->status == 200 && strcmp(row->name, "tcp_address") == 0;
    bool empty = row->text[0] == '\0';
    snprintf(body, sizeof body, row->status == 200 ? "%s" : "{\"message\":\"%s\"}", row->text);
    snprintf(expected, sizeof expected,
             "HTTP/1.1 %d %.*s\r\n%s" API_HEADERS DATE "Content-Length: %zu\r\n%s\r\n%s",
             row->status, (int)words.n, (const char *)words.p,
             plain || empty ? "" : "Content-Type: application/json; charset=utf-8\r\n",
             strlen(body), plain ? "Content-Type: text/plain; charset=utf-8\r\n" : "", body);
    assert_string_equal(client_bytes(c), expected);
}

static void ask(struct client *c, const struct row *row)
{
    client_sendf(c, "%s /config/%s HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n%s",
                 row->method, row->name, strlen(row->body), row->body);
}

#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X300 X50 X50 X50 X50 X50 X50

static void play_config(struct world *w)
{
    static const struct row rows[] = {
        {"GET", "tcp_address", "", 200, "a:1"},
        {"GET", "statsd_address", "", 200, ""},
        {"GET", "msg_timeout", "a body", 200, "60000000000"},
        {"GET", "msg-timeout", "", 400, "INVALID_OPTION"},
        {"GET", "MSG_TIMEOUT", "", 400, "INVALID_OPTION"},
        {"GET", "log_level", "", 200, "2"},
        {"GET", LIST, "", 200, "[\"first:1\"]"},
        {"PUT", "msg_timeout", "1", 400, "INVALID_OPTION"},
        {"PUT", "none", "1", 400, "INVALID_OPTION"},
        {"PUT", "none", "", 413, "INVALID_VALUE"},
        {"PUT", "none", X300, 400, "INVALID_OPTION"},
        {"PUT", "none", X300 "x", 413, "INVALID_VALUE"},
        {"PUT", "log_level", "", 413, "INVALID_VALUE"},
        {"PUT", "log_level", X300 "x", 413, "INVALID_VALUE"},
        {"PUT", "log_level", "warn\n", 400, "INVALID_VALUE"},
        {"PUT", "log_level", "warning", 400, "INVALID_VALUE"},
        {"PUT", "log_level", "3", 400, "INVALID_VALUE"},
        {"GET", "log_level", "", 200, "2"},
        {"PUT", "log_level", "WaRn", 200, "3"},
        {"GET", "log_level", "", 200, "3"},
        {"PUT", "log_level", "debug", 200, "1"},
        {"PUT", "log_level", "fatal", 200, "5"},
        {"PUT", "log_level", "error", 200, "4"},
        {"PUT", "log_level", "info", 200, "2"},
        {"PUT", LIST, "", 413, "INVALID_VALUE"},
        {"PUT", LIST, "[\"a:1\", null,\"b<\"] ", 200, "[\"a:1\",\"\",\"b\\u003c\"]"},
        {"GET", LIST, "", 200, "[\"a:1\",\"\",\"b\\u003c\"]"},
        {"PUT", LIST, "[\"" X50 "\",1]", 400, "INVALID_VALUE"},
        {"PUT", LIST, "[[]]", 400, "INVALID_VALUE"},
        {"PUT", LIST, "{}", 400, "INVALID_VALUE"},
        {"PUT", LIST, "\"a\"", 400, "INVALID_VALUE"},
        {"PUT", LIST, "[true]", 400, "INVALID_VALUE"},
        {"PUT", LIST, "[\"a\"] x", 400, "INVALID_VALUE"},
        {"PUT", LIST, "[\"a\"", 400, "INVALID_VALUE"},
        {"GET", LIST, "", 200, "[\"a:1\",\"\",\"b\\u003c\"]"}, /* nothing was changed */
        {"PUT", LIST, "null", 200, "null"},
        {"GET", LIST, "", 200, "null"},
        {"PUT", LIST, "[]", 200, "[]"},
        {"PUT", LIST, "[\"\\ud800\"]", 200, "[\"\xef\xbf\xbd\"]"},
    };
    struct client *c = world_open_http(w);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ask(c, &rows[i]);
        expect_answer(c, &rows[i]);
    }
}

static void options_are_told_and_two_are_changed(void **state)
{
    (void)state;
    struct engine_config config = config_of_test();
    struct world *w = world_new(&config);
    play_config(w);
    world_free(w);
    for (size_t cut = 1; cut < 30; cut += 7) {
        w = world_new(&config);
        w->cut = cut == 1 ? CUT_BYTES : CUT_RANDOM;
        w->random = cut;
        play_config(w);
        world_free(w);
    }
}

static void the_level_is_valid_at_once(void **state)
{
    (void)state;
    struct engine_config config = config_of_test();
    struct world *w = world_new(&config);
    struct client *c = world_open_http(w);
    ask(c, &(const struct row){"PUT", "log_level", "warn", 200, "3"});
    ask(c, &(const struct row){"GET", "log_level", "", 200, "3"});
    ask(c, &(const struct row){"PUT", "log_level", "info", 200, "2"});
    assert_int_equal(world_logged(w, "INFO 200 PUT /config/log_level (web:1)"), 1);
    assert_int_equal(world_logged(w, "INFO 200 GET /config/log_level (web:1)"), 0);
    world_free(w);
}

static void a_broken_body_changes_nothing(void **state)
{
    (void)state;
    struct engine_config config = config_of_test();
    struct world *w = world_new(&config);
    struct client *c = world_open_http(w);
    SEND(c, "PUT /config/log_level HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nwarn");
    client_eof(c);
    assert_non_null(strstr(client_bytes(c), "{\"message\":\"INTERNAL_ERROR\"}"));
    assert_int_equal(w->engine->log.least, LOG_INFO);
    world_free(w);
}

/* --- limits, departures ----------------------------------------------------------------------- */

static void a_value_has_at_most_64_kib(void **state)
{
    (void)state;
    static uint8_t body[API_CONFIG_MAX + 1];
    struct engine_config config = config_of_test();
    config.v2.limits.max_msg_size = 1 << 20;
    struct world *w = world_new(&config);
    struct client *c = world_open_http(w);
    memset(body, ' ', sizeof body);
    memcpy(body, "[\"a\"]", 5);
    client_sendf(c, "PUT /config/" LIST " HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n",
                 API_CONFIG_MAX);
    client_send(c, span_make(body, API_CONFIG_MAX));
    assert_non_null(strstr(client_bytes(c), "\r\n\r\n[\"a\"]"));
    client_sendf(c, "PUT /config/" LIST " HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n",
                 API_CONFIG_MAX + 1);
    client_send(c, span_make(body, sizeof body));
    assert_non_null(strstr(client_bytes(c), "413 Request Entity Too Large"));
    world_free(w);
}

static void values_are_charged_to_the_budget(void **state)
{
    (void)state;
    static uint8_t body[60000];
    struct engine_config config = config_of_test();
    config.v2.limits.max_msg_size = 1 << 20;
    config.broker.mem_queue_bytes = 100000;
    struct world *w = world_new(&config);
    memset(body, 'x', sizeof body);
    struct client *c = world_open_http(w);
    SEND(c, "PUT /config/log_level HTTP/1.1\r\nHost: h\r\nContent-Length: 60000\r\n\r\n");
    size_t before = world_used(w);
    client_send(c, span_make(body, 30000));
    assert_in_range(world_used(w) - before, 30000, 70000);
    client_send(c, span_make(body, 30000));
    assert_non_null(strstr(client_bytes(c), "{\"message\":\"NO_MEMORY\"}"));
    assert_true(world_used(w) < before);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_told_and_two_are_changed),
        cmocka_unit_test(the_level_is_valid_at_once),
        cmocka_unit_test(a_broken_body_changes_nothing),
        cmocka_unit_test(a_value_has_at_most_64_kib),
        cmocka_unit_test(values_are_charged_to_the_budget),
    };
    return cmocka_run_group_tests_name("api_config", tests, NULL, NULL);
}
