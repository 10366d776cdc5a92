/* SPDX-License-Identifier: MIT */
/* Tests of peer/peer_identity.h. The rules of reading are tested in test_json_fields.c. */
#include "peer/peer_identity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

static void expect_text(const struct buf *b, const char *text)
{
    assert_int_equal(b->n, strlen(text));
    assert_memory_equal(buf_span(b).p, text, b->n);
}

static void the_body_has_its_keys_in_order(void **state)
{
    (void)state;
    const struct peer_identity identity = {.broadcast_address = SPAN("b<"),
                                           .hostname = SPAN("h\"\xff"),
                                           .version = SPAN("1.3.0"),
                                           .tcp_port = 4150,
                                           .http_port = 0};
    struct buf body = {0};
    peer_identity_append(&identity, &body);
    expect_text(&body, "{\"broadcast_address\":\"b\\u003c\",\"hostname\":\"h\\\"\\ufffd\","
                       "\"http_port\":0,\"tcp_port\":4150,\"version\":\"1.3.0\"}");
    buf_free(&body);
}

struct row {
    const char *reply;
    const char *info; /* NULL: the reply is refused */
};

#define BEFORE "{TCPPort:1 HTTPPort:2 Version:v BroadcastAddress:b}"

static void replies_are_read_as_go_does(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{\"broadcast_address\":\"vm\",\"hostname\":\"vm\",\"http_port\":4161,\"tcp_port\":4160,"
         "\"version\":\"1.3.0\"}",
         "{TCPPort:4160 HTTPPort:4161 Version:1.3.0 BroadcastAddress:vm}"},
        {"{}", BEFORE},
        {"null", BEFORE},
        {"{\"tcp_port\":null,\"version\":null}", BEFORE},
        {"{\"TCP_Port\":-3}", "{TCPPort:-3 HTTPPort:2 Version:v BroadcastAddress:b}"},
        {"{\"version\":\"\",\"broadcast_address\":\"\\u00e9\"}",
         "{TCPPort:1 HTTPPort:2 Version: BroadcastAddress:\xc3\xa9}"},
        {"{\"version\":\"\\ud800?\"}",
         "{TCPPort:1 HTTPPort:2 Version:\xef\xbf\xbd? BroadcastAddress:b}"},
        {"{\"tcp_port\":\"4160\"}", NULL},
        {"{\"http_port\":true}", NULL},
        {"{\"version\":1}", NULL},
        {"{\"broadcast_address\":{}}", NULL},
        {"[]", NULL},
        {"OK", NULL},
        {"", NULL},
        {"{\"tcp_port\":7,\"version\":1}", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct peer_info info = {.tcp_port = 1, .http_port = 2};
        struct buf shown = {0};
        text_append(&info.version, "v");
        text_append(&info.broadcast_address, "b");
        assert_true(peer_info_read(&info, text_span(rows[i].reply)) == (rows[i].info != NULL));
        peer_info_show(&info, &shown);
        expect_text(&shown, rows[i].info != NULL ? rows[i].info : BEFORE);
        buf_free(&shown);
        peer_info_free(&info);
    }
}

/* Each byte that is no UTF-8 becomes three. */
static void the_memory_of_what_was_read_has_its_bound(void **state)
{
    (void)state;
    struct peer_info info = {.tcp_port = 1};
    for (int i = 0; i < 2; i++) {
        struct buf reply = {0};
        buf_append(&reply, i == 0 ? SPAN("{\"version\":\"") : SPAN("{\"broadcast_address\":\""));
        while (reply.n < 4096 - 2) {
            text_append(&reply, "\xff");
        }
        text_append(&reply, "\"}");
        assert_true(peer_info_read(&info, buf_span(&reply)));
        assert_true(info.version.n > 3 * 4000);
        assert_true(info.version.cap + info.broadcast_address.cap <= PEER_INFO_COST(4096));
        buf_free(&reply);
    }
    assert_true(info.broadcast_address.n > 3 * 4000);
    peer_info_free(&info);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_body_has_its_keys_in_order),
        cmocka_unit_test(replies_are_read_as_go_does),
        cmocka_unit_test(the_memory_of_what_was_read_has_its_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
