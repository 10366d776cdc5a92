/* SPDX-License-Identifier: MIT */
/*
 * Tests of shell/resolver.h. This file replaces getaddrinfo(): "none" has no address, look-ups of
 * names that begin with "slow" return only when the test opens the gate, and all other names have
 * ten addresses.
 *
 * A thread may outlive its test, because its look-up does. So each test counts only look-ups of a
 * name of its own, and a test that fails opens the gate for the next.
 */
#include "shell/resolver.h"

#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER; /* locked: the gate is shut */
static bool shut;
/* Look-ups of names that begin with this are counted; set before the first of them. */
static const char *counted;
static size_t calls;

int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
                struct addrinfo **list)
{
    (void)port;
    (void)hints;
    const char *name = __atomic_load_n(&counted, __ATOMIC_SEQ_CST);
    if (name != NULL && strncmp(host, name, strlen(name)) == 0) {
        __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST);
    }
    if (strncmp(host, "slow", 4) == 0) {
        pthread_mutex_lock(&gate);
        pthread_mutex_unlock(&gate);
    }
    if (strcmp(host, "none") == 0) {
        return EAI_NONAME;
    }
    struct addrinfo *all = alloc_zeroed(10 * sizeof *all);
    struct sockaddr_in *address = alloc_zeroed(sizeof *address);
    address->sin_family = AF_INET;
    for (size_t i = 0; i < 10; i++) {
        all[i] = (struct addrinfo){.ai_addr = (struct sockaddr *)(void *)address,
                                   .ai_addrlen = sizeof *address,
                                   .ai_next = i < 9 ? &all[i + 1] : NULL};
    }
    *list = all;
    return 0;
}

void freeaddrinfo(struct addrinfo *list)
{
    alloc_free(list->ai_addr);
    alloc_free(list);
}

static void gate_shut(void)
{
    pthread_mutex_lock(&gate);
    shut = true;
}

static void gate_open(void)
{
    if (shut) {
        shut = false;
        pthread_mutex_unlock(&gate);
    }
}

static int after_each(void **state)
{
    (void)state;
    gate_open();
    return 0;
}

/* Waits for an answer. The descriptor may still be readable because of answers that were taken
 * already. */
static struct resolver_answer next(struct resolver *r)
{
    static struct resolver_answer answer;
    struct pollfd p = {.fd = resolver_fd(r), .events = POLLIN};
    do {
        assert_int_equal(poll(&p, 1, 10000), 1);
    } while (!resolver_next(r, &answer));
    return answer;
}

static void names_are_looked_up(void **state)
{
    (void)state;
    struct resolver *r = resolver_new();
    assert_true(resolver_ask(r, 1, "many:80"));
    struct resolver_answer a = next(r);
    assert_int_equal(a.ticket, 1);
    assert_int_equal(a.addresses.count, SOCKET_ADDRESSES_MAX);
    assert_true(resolver_ask(r, 2, "none:80"));
    a = next(r);
    assert_int_equal(a.ticket, 2);
    assert_int_equal(a.addresses.count, 0);
    assert_string_equal(a.why, "dial tcp: lookup none: no such host");
    assert_true(resolver_ask(r, 3, "no address"));
    a = next(r);
    assert_int_equal(a.ticket, 3);
    assert_int_equal(a.addresses.count, 0);
    assert_string_equal(a.why, "dial tcp: invalid address");
    assert_false(resolver_next(r, &a));
    struct pollfd p = {.fd = resolver_fd(r), .events = POLLIN};
    assert_int_equal(poll(&p, 1, 0), 0); /* there is no other answer */
    resolver_free(r);
}

static void what_is_cancelled_is_not_answered(void **state)
{
    (void)state;
    struct resolver *r = resolver_new();
    gate_shut();
    assert_true(resolver_ask(r, 1, "slow:80"));
    assert_true(resolver_ask(r, 2, "many:80"));
    assert_true(resolver_ask(r, 3, "many:80"));
    resolver_cancel(r, 1);
    resolver_cancel(r, 2);
    gate_open();
    assert_int_equal(next(r).ticket, 3);
    resolver_free(r);
}

static void count_look_ups_of(const char *name)
{
    __atomic_store_n(&calls, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&counted, name, __ATOMIC_SEQ_CST);
}

/* Waits until n look-ups of the counted name have begun. */
static void begun(size_t n)
{
    for (int ms = 0; ms < 10000 && __atomic_load_n(&calls, __ATOMIC_SEQ_CST) < n; ms++) {
        poll(NULL, 0, 1);
    }
    assert_int_equal(__atomic_load_n(&calls, __ATOMIC_SEQ_CST), n);
}

/* Asks for a name of its own: `prefix`, the ticket and a port. */
static bool ask_number(struct resolver *r, uint64_t ticket, const char *prefix)
{
    char address[64];
    snprintf(address, sizeof address, "%s%u:80", prefix, (unsigned)ticket);
    return resolver_ask(r, ticket, address);
}

/* Another name is found although a look-up takes long. Nothing is cancelled, so the slow look-ups
 * are answered as well. */
static void a_slow_look_up_blocks_no_other(void **state)
{
    (void)state;
    struct resolver *r = resolver_new();
    gate_shut();
    for (uint64_t i = 1; i < 6; i++) {
        assert_true(ask_number(r, i, "slow"));
        assert_true(resolver_ask(r, 100 + i, "many:80"));
        assert_int_equal(next(r).ticket, 100 + i);
    }
    gate_open();
    uint64_t sum = 0;
    for (uint64_t i = 1; i < 6; i++) {
        sum += next(r).ticket;
    }
    assert_int_equal(sum, 1 + 2 + 3 + 4 + 5);
    resolver_free(r);
}

/* A name that no server answers is asked for again and again, and each look-up is cancelled after a
 * timeout. All of them together block one thread. */
static void a_name_blocks_one_thread(void **state)
{
    (void)state;
    struct resolver *r = resolver_new();
    struct resolver_answer a;
    count_look_ups_of("slow-names");
    gate_shut();
    for (uint64_t i = 1; i < 2 * RESOLVER_THREADS_MAX; i++) {
        assert_true(resolver_ask(r, i, i % 2 == 0 ? "slow-names:80" : "slow-names:81"));
        begun(1);
        assert_true(resolver_ask(r, 100 + i, "many:80"));
        assert_int_equal(next(r).ticket, 100 + i);
        resolver_cancel(r, i);
        resolver_cancel(r, i); /* a second cancel does nothing */
    }
    begun(1);
    assert_true(resolver_ask(r, 1, "slow-names:80"));
    gate_open();
    assert_int_equal(next(r).ticket, 1);
    assert_false(resolver_next(r, &a)); /* what was cancelled has no answer */
    begun(2);                           /* the first was of the other port */
    resolver_free(r);
}

/* One look-up answers all that wait for the same address. */
static void a_look_up_answers_all_of_its_address(void **state)
{
    (void)state;
    struct resolver *r = resolver_new();
    count_look_ups_of("slow-shared");
    gate_shut();
    assert_true(resolver_ask(r, 1, "slow-shared:80"));
    begun(1);
    assert_true(resolver_ask(r, 2, "slow-shared:80"));
    assert_true(resolver_ask(r, 4, "slow-shared:80"));
    assert_true(resolver_ask(r, 8, "slow-shared:81"));
    resolver_cancel(r, 1); /* the look-up itself goes on, for the others */
    gate_open();
    uint64_t sum = 0;
    for (int i = 0; i < 3; i++) {
        struct resolver_answer a = next(r);
        assert_int_equal(a.addresses.count, SOCKET_ADDRESSES_MAX);
        sum += a.ticket;
    }
    assert_int_equal(sum, 2 + 4 + 8);
    begun(2);
    resolver_free(r);
}

/* When all threads are blocked, the next look-up waits for the first of them. */
static void threads_have_a_bound(void **state)
{
    (void)state;
    struct resolver *r = resolver_new();
    count_look_ups_of("slow-thread");
    gate_shut();
    for (uint64_t i = 1; i <= RESOLVER_THREADS_MAX; i++) {
        assert_true(ask_number(r, i, "slow-thread"));
    }
    begun(RESOLVER_THREADS_MAX);
    for (uint64_t i = 1; i <= RESOLVER_THREADS_MAX; i++) {
        resolver_cancel(r, i);
    }
    assert_true(resolver_ask(r, 100, "many:80"));
    assert_true(ask_number(r, 101, "slow-thread"));
    struct pollfd p = {.fd = resolver_fd(r), .events = POLLIN};
    assert_int_equal(poll(&p, 1, 100), 0);
    gate_open();
    uint64_t sum = next(r).ticket;
    assert_int_equal(sum + next(r).ticket, 100 + 101);
    begun(RESOLVER_THREADS_MAX + 1);
    assert_true(resolver_ask(r, 102, "many:80"));
    assert_int_equal(next(r).ticket, 102);
    resolver_free(r);
}

/* One name leaves places for other names. When these are taken too, a look-up is refused. */
static void look_ups_have_a_bound(void **state)
{
    (void)state;
    struct resolver *r = resolver_new();
    gate_shut();
    for (uint64_t i = 0; i < RESOLVER_JOBS_OF_NAME_MAX; i++) {
        assert_true(resolver_ask(r, i, i % 2 == 0 ? "slow:80" : "slow:81"));
    }
    assert_false(resolver_ask(r, 1000, "slow:82"));
    for (uint64_t i = RESOLVER_JOBS_OF_NAME_MAX; i < RESOLVER_JOBS_MAX; i++) {
        assert_true(ask_number(r, i, "slow"));
    }
    assert_false(ask_number(r, 1000, "slow"));
    char address[2 * SOCKET_HOST_MAX + 1];
    memset(address, 'x', sizeof address - 1);
    address[sizeof address - 1] = '\0';
    resolver_cancel(r, 5);
    assert_false(resolver_ask(r, 1000, address));
    assert_true(ask_number(r, 1000, "slow"));
    gate_open();
    resolver_free(r);
}

/* resolver_free does not wait for a look-up that hangs. When that look-up ends, its memory is
 * freed. */
static void the_end_does_not_wait(void **state)
{
    (void)state;
    struct resolver *r = resolver_new();
    count_look_ups_of("slow-end");
    gate_shut();
    assert_true(resolver_ask(r, 1, "slow-end:80"));
    begun(1);
    resolver_free(r);
    gate_open();
    resolver_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(names_are_looked_up, after_each),
        cmocka_unit_test_teardown(what_is_cancelled_is_not_answered, after_each),
        cmocka_unit_test_teardown(look_ups_have_a_bound, after_each),
        cmocka_unit_test_teardown(a_slow_look_up_blocks_no_other, after_each),
        cmocka_unit_test_teardown(a_name_blocks_one_thread, after_each),
        cmocka_unit_test_teardown(a_look_up_answers_all_of_its_address, after_each),
        cmocka_unit_test_teardown(threads_have_a_bound, after_each),
        cmocka_unit_test_teardown(the_end_does_not_wait, after_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
