/* SPDX-License-Identifier: MIT */
/* Tests of nsqd/configure.h: what the flags of statsd become. */
#include "nsqd/configure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "base/time.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static struct options options;

/* The configuration for arguments, of a server whose HTTP listener has this port. */
static struct statsd_config configure_for(int64_t port, int argc, char *const *argv)
{
    static struct start_text text;
    const struct options_host host = {.name = "h.example", .node_id = 7};
    const struct configure_machine machine = {
        .memory = 1 << 30, .descriptors = 1024, .ports = {[ENGINE_HTTP] = port}};
    assert_int_equal(options_parse(&options, argc, argv, &host, &text), START_RUN);
    return configure(&options, &machine).statsd;
}
#define CONFIGURE(port, ...)                                                                       \
    configure_for(port, (int)COUNT(((char *[]){"nsqd", __VA_ARGS__})),                             \
                  (char *[]){"nsqd", __VA_ARGS__})

#define EXPECT_TEXT(span, text) assert_true(span_equal(span, SPAN(text)))

static void defaults_are_those_of_nsqd(void **state)
{
    (void)state;
    struct statsd_config s = CONFIGURE(4151, "--node-id=1");
    EXPECT_TEXT(s.address, "");
    assert_int_equal(s.interval, 60 * TIME_SECOND);
    EXPECT_TEXT(s.prefix, "nsq.%s");
    EXPECT_TEXT(s.host, "h.example");
    assert_int_equal(s.port, 4151);
    assert_int_equal(s.packet_size, 508);
    assert_true(s.memory);
    assert_false(s.exclude_ephemeral);
}

static void each_flag_reaches_its_field(void **state)
{
    (void)state;
    struct statsd_config s =
        CONFIGURE(4151, "--statsd-address=a:1", "--statsd-interval=2s", "--statsd-prefix=p",
                  "--broadcast-address=b", "--statsd-udp-packet-size=7", "--statsd-mem-stats=false",
                  "--statsd-exclude-ephemeral");
    EXPECT_TEXT(s.address, "a:1");
    assert_int_equal(s.interval, 2 * TIME_SECOND);
    EXPECT_TEXT(s.prefix, "p");
    EXPECT_TEXT(s.host, "b");
    assert_int_equal(s.packet_size, 7);
    assert_false(s.memory);
    assert_true(s.exclude_ephemeral);
}

static void the_port_is_the_one_that_is_told_to_others(void **state)
{
    (void)state;
    assert_int_equal(CONFIGURE(41, "--broadcast-http-port=42").port, 42);
    assert_int_equal(CONFIGURE(-1, "--node-id=1").port, 0); /* a unix socket */
    assert_int_equal(CONFIGURE(0, "--http-address=").port, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_those_of_nsqd),
        cmocka_unit_test(each_flag_reaches_its_field),
        cmocka_unit_test(the_port_is_the_one_that_is_told_to_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
