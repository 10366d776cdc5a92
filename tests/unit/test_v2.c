/* SPDX-License-Identifier: MIT */
/* Tests of session/v2.h. */
#include "session/v2.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/cuts.h"

static void publishes(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = world_connect(w);
    SEND(c, "PUB t\n\0\0\0\5hello");
    client_expect_ok(c);
    SEND(c, "SUB t c\n");
    client_expect_ok(c);
    SEND(c, "RDY 1\n");
    struct message_id id;
    client_expect_message(c, 1, "hello", &id);
    client_fin(c, &id);
    client_expect_nothing(c);
    world_advance(w, 30 * TIME_SECOND);
    client_expect_heartbeat(c);
    world_free(w);
}

static const struct cuts_case cases[] = {
    CUTS_CASE("self", "SUB t c\n|RDY 1\nPUB t\n\0\0\0\1x|RDY 0\nPUB t\n\0\0\0\0|",
              "R OK; R OK; M 1 x; E E_BAD_MESSAGE PUB invalid message body size 0; SHUT"),
};

static void cases_hold(void **state)
{
    (void)state;
    cuts_check_cases(cases, sizeof cases / sizeof cases[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(publishes),
        cmocka_unit_test(cases_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
