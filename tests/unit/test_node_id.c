/* SPDX-License-Identifier: MIT */
/* Tests of nsqd/node_id.h. The expected numbers were computed with another implementation of MD5
 * and CRC-32. On a host named "vm", nsqd 1.3.0 logs the number of "vm" as its ID. */
#include "nsqd/node_id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void the_id_follows_from_the_name(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t id;
    } rows[] = {
        {"", 812},
        {"vm", 617},
        {"localhost", 16},
        {"nsqd-1", 958},
        {"node.example.com", 0},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 310},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(node_id_of_host(rows[i].name), rows[i].id);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_id_follows_from_the_name),
    };
    return cmocka_run_group_tests_name("node_id", tests, NULL, NULL);
}
