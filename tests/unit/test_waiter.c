/* SPDX-License-Identifier: MIT */
/*
 * Tests of shell/waiter.h on pipes and socket pairs, with the machine's clock. The waiters with
 * poll() and epoll must behave alike, except where only poll() can fail.
 */
#include "shell/waiter.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "shell/clock.h"

#define MS INT64_C(1000000)
#define ROOM 64

static struct waiter waiter;

static int open_poll(void **state)
{
    waiter = waiter_poll();
    *state = &waiter;
    return 0;
}

static int open_epoll(void **state)
{
    waiter = waiter_epoll();
    *state = &waiter;
    return waiter.self == NULL;
}

static int close_waiter(void **state)
{
    struct waiter *w = *state;
    w->close(w->self);
    return 0;
}

struct pair {
    int here;
    int there;
};

static struct pair open_pair(void)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    return (struct pair){fds[0], fds[1]};
}

static void close_pair(struct pair p)
{
    close(p.here);
    close(p.there);
}

static void put_byte(int fd)
{
    assert_int_equal(write(fd, "x", 1), 1);
}

/* Checks that exactly this event is there at once. bits 0: no event. */
static void expect(const struct waiter *w, uint64_t token, unsigned bits)
{
    struct waiter_event events[ROOM];
    size_t n = w->wait(w->self, 0, events, ROOM);
    assert_int_equal(n, bits != 0);
    if (n > 0) {
        assert_true(events[0].token == token);
        assert_int_equal(events[0].bits, bits);
    }
}

static void only_what_is_waited_for_comes(void **state)
{
    struct waiter *w = *state;
    struct pair p = open_pair();
    put_byte(p.there);
    assert_true(w->add(w->self, p.here, 7, 0));
    expect(w, 7, 0);
    w->change(w->self, p.here, WAITER_READ);
    expect(w, 7, WAITER_READ);
    w->change(w->self, p.here, WAITER_WRITE);
    expect(w, 7, WAITER_WRITE);
    w->change(w->self, p.here, WAITER_READ | WAITER_WRITE);
    expect(w, 7, WAITER_READ | WAITER_WRITE);
    w->change(w->self, p.here, 0);
    expect(w, 7, 0);
    w->remove(w->self, p.here);
    expect(w, 7, 0);
    w->add(w->self, p.here, UINT64_MAX, WAITER_READ);
    expect(w, UINT64_MAX, WAITER_READ);
    close_pair(p);
}

static void a_hang_up_comes_unasked_and_with_input(void **state)
{
    struct waiter *w = *state;
    struct pair p = open_pair();
    put_byte(p.there);
    close(p.there);
    w->add(w->self, p.here, 1, 0);
    expect(w, 1, WAITER_GONE);
    w->change(w->self, p.here, WAITER_READ);
    expect(w, 1, WAITER_READ | WAITER_GONE);
    w->remove(w->self, p.here);
    close(p.here);
}

static void the_end_of_a_peer_comes_when_it_is_asked_for(void **state)
{
    struct waiter *w = *state;
    struct pair p = open_pair();
    w->add(w->self, p.here, 1, WAITER_ENDED);
    expect(w, 1, 0);
    put_byte(p.there);
    expect(w, 1, 0); /* input is not the end */
    shutdown(p.there, SHUT_WR);
    expect(w, 1, WAITER_ENDED);
    w->change(w->self, p.here, WAITER_READ);
    expect(w, 1, WAITER_READ);
    w->change(w->self, p.here, 0);
    expect(w, 1, 0);
    close_pair(p);
}

/* poll() knows descriptors only by their numbers. For epoll_wait(), the kernel forgets a file when
 * its last descriptor is closed. */
static void a_closed_descriptor_is_gone(void **state)
{
    struct waiter *w = *state;
    struct pair p = open_pair();
    w->add(w->self, p.here, 1, WAITER_READ);
    close_pair(p);
    expect(w, 1, WAITER_GONE);
}

/* Descriptors are removed in an order different from that in which they were added. */
static void removing_one_keeps_the_others(void **state)
{
    struct waiter *w = *state;
    struct pair p[20];
    for (size_t i = 0; i < 20; i++) {
        p[i] = open_pair();
        w->add(w->self, p[i].here, i, WAITER_READ);
    }
    static const size_t order[] = {0, 19, 7, 8, 18, 1};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        put_byte(p[order[i]].there);
        expect(w, order[i], WAITER_READ);
        w->remove(w->self, p[order[i]].here);
        expect(w, 0, 0);
    }
    for (size_t i = 0; i < 20; i++) {
        put_byte(p[i].there);
    }
    struct waiter_event events[ROOM];
    assert_int_equal(w->wait(w->self, 0, events, ROOM), 14);
    w->add(w->self, p[0].here, 100, WAITER_READ); /* its number is used again */
    assert_int_equal(w->wait(w->self, 0, events, ROOM), 15);
    for (size_t i = 0; i < 20; i++) {
        close_pair(p[i]);
    }
}

static void descriptors_may_have_high_numbers(void **state)
{
    struct waiter *w = *state;
    struct pair p = open_pair();
    static const int least[] = {15, 16, 17, 500};
    for (size_t i = 0; i < sizeof least / sizeof least[0]; i++) {
        int fd = fcntl(p.here, F_DUPFD, least[i]);
        assert_true(fd >= least[i]);
        w->add(w->self, fd, i, 0);
        w->change(w->self, fd, WAITER_WRITE);
        expect(w, i, WAITER_WRITE);
        w->remove(w->self, fd);
        close(fd);
    }
    close_pair(p);
}

/* With room for fewer events than there are, each event is reported in turn. */
static void nobody_starves(void **state)
{
    struct waiter *w = *state;
    enum { COUNT = 10, SHARE = 3 };
    struct pair p[COUNT];
    unsigned turns[COUNT] = {0};
    for (size_t i = 0; i < COUNT; i++) {
        p[i] = open_pair();
        w->add(w->self, p[i].here, i, i % 2 == 0 ? WAITER_READ : WAITER_WRITE);
        put_byte(p[i].there);
    }
    for (size_t round = 0; round < COUNT; round++) {
        struct waiter_event events[SHARE];
        assert_int_equal(w->wait(w->self, -1, events, SHARE), SHARE);
        for (size_t i = 0; i < SHARE; i++) {
            turns[events[i].token]++;
        }
    }
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(turns[i], SHARE);
        close_pair(p[i]);
    }
}

/* --- time ------------------------------------------------------------------------------------- */

static int64_t time_of_wait(const struct waiter *w, int64_t timeout, size_t events_wanted)
{
    struct waiter_event events[ROOM];
    int64_t start = clock_now();
    size_t n = w->wait(w->self, timeout, events, ROOM);
    assert_int_equal(n, events_wanted);
    return clock_now() - start;
}

/* A wait never ends early: a caller that is woken before a deadline has nothing to do and would
 * wait again at once. */
static void a_wait_is_never_too_short(void **state)
{
    struct waiter *w = *state;
    static const int64_t waits[] = {1, MS - 1, MS, MS + 1, 3 * MS / 2, 2 * MS - 1, 5 * MS + 1};
    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        int64_t took = time_of_wait(w, waits[i], 0);
        if (took < waits[i]) {
            fail_msg("%lld ns in place of %lld", (long long)took, (long long)waits[i]);
        }
    }
    assert_true(time_of_wait(w, 0, 0) < 500 * MS);
}

/* Output that gathers waits for half a millisecond. A timeout in whole milliseconds would be twice
 * as long. Many tries, because another process may have the processor when a wait is over. */
static void a_short_wait_is_shorter_than_a_millisecond(void **state)
{
    struct waiter *w = *state;
    struct pair p = open_pair();
    int64_t shortest = INT64_MAX;
    w->add(w->self, p.here, 1, WAITER_READ);
    for (int i = 0; i < 2000 && shortest >= MS; i++) {
        int64_t took = time_of_wait(w, MS / 2, 0);
        shortest = took < shortest ? took : shortest;
    }
    assert_true(shortest >= MS / 2);
    assert_true(shortest < MS);
    put_byte(p.there);
    time_of_wait(w, MS / 2, 1);
    close_pair(p);
}

/* Far deadlines must not overflow into near or past ones. A byte ends the wait. */
static void an_event_ends_the_longest_wait(void **state)
{
    struct waiter *w = *state;
    struct pair p = open_pair();
    put_byte(p.there);
    w->add(w->self, p.here, 1, WAITER_READ);
    static const int64_t waits[] = {-1,
                                    INT64_MIN,
                                    INT64_MAX,
                                    INT64_C(2147483647) * MS,
                                    INT64_C(2147483648) * MS,
                                    INT64_C(4294967296) * MS};
    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        time_of_wait(w, waits[i], 1);
    }
    close_pair(p);
}

static int wake_fd;

static void on_alarm(int signal)
{
    (void)signal;
    ssize_t n = write(wake_fd, "x", 1);
    (void)n;
}

static void start_timer(int ms)
{
    const struct itimerval soon = {.it_value.tv_usec = ms * 1000};
    setitimer(ITIMER_REAL, &soon, NULL);
}

/* Deadlines up to 2^32 ms away: a timeout that overflowed would end at once. */
static void a_far_deadline_is_far(void **state)
{
    struct waiter *w = *state;
    struct pair p = open_pair();
    static const int64_t waits[] = {INT64_C(2147483648) * MS, INT64_C(4294967296) * MS, INT64_MAX};
    int64_t fastest = INT64_MAX;
    struct sigaction act = {.sa_handler = on_alarm};
    struct sigaction before;
    unsigned rest = alarm(0);
    sigaction(SIGALRM, &act, &before);
    w->add(w->self, p.here, 1, WAITER_READ);
    wake_fd = p.there;
    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        struct waiter_event events[ROOM];
        char byte;
        start_timer(10);
        int64_t start = clock_now();
        size_t n = w->wait(w->self, waits[i], events, ROOM); /* the signal makes it readable */
        assert_int_equal(n, 1);
        int64_t took = clock_now() - start;
        assert_true(took >= 5 * MS);
        fastest = took < fastest ? took : fastest;
        time_of_wait(w, waits[i], 1);
        assert_int_equal(read(p.here, &byte, 1), 1);
    }
    assert_true(fastest < 80 * MS); /* the event ends the wait at once */
    sigaction(SIGALRM, &before, NULL);
    alarm(rest);
    close_pair(p);
}

static void on_silent_alarm(int signal)
{
    (void)signal;
}

/* A wait that a signal interrupts would report that nothing was ready, although nobody has looked
 * since: after a stop of the process all timers would speak before any input was read. */
static void a_signal_ends_no_wait(void **state)
{
    struct waiter *w = *state;
    struct pair p = open_pair();
    struct sigaction act = {.sa_handler = on_silent_alarm};
    struct sigaction before;
    struct waiter_event events[ROOM];
    unsigned rest = alarm(0);
    sigaction(SIGALRM, &act, &before);
    w->add(w->self, p.here, 1, WAITER_READ);
    int64_t start = clock_now();
    start_timer(5);
    assert_int_equal(w->wait(w->self, 40 * MS, events, ROOM), 0);
    assert_true(clock_now() - start >= 40 * MS);
    assert_true(clock_now() - start < 400 * MS); /* it does not begin again */
    sigaction(SIGALRM, &before, NULL);
    alarm(rest);
    close_pair(p);
}

/* poll() fails for more rows than the process's limit of descriptors, and the limit can be lowered
 * while they are open. A loop that waits must not spin then. */
static void a_wait_that_fails_takes_its_time(void **state)
{
    struct waiter *w = *state;
    struct pair p = open_pair();
    struct rlimit limit;
    w->add(w->self, p.here, 1, WAITER_WRITE);
    w->add(w->self, p.there, 2, WAITER_WRITE);
    time_of_wait(w, -1, 2); /* takes the event, so that it is not reported again */
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    const struct rlimit one = {.rlim_cur = 1, .rlim_max = limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &one), 0);
    struct pollfd rows[2] = {{.fd = p.here}, {.fd = p.there}};
    if (poll(rows, 2, 0) >= 0) {
        setrlimit(RLIMIT_NOFILE, &limit);
        close_pair(p);
        skip(); /* valgrind does not pass such limits on to the kernel */
    }
    int64_t short_wait = time_of_wait(w, 5 * MS, 0);
    int64_t long_wait = time_of_wait(w, -1, 0); /* and the wait ends */
    int64_t no_wait = time_of_wait(w, 0, 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_true(short_wait >= 5 * MS);
    assert_true(long_wait >= 5 * MS);
    assert_true(no_wait < 500 * MS);
    time_of_wait(w, -1, 2);
    close_pair(p);
}

/* A file on disk is always ready, so epoll refuses it. */
static void what_cannot_be_waited_for_is_refused(void **state)
{
    struct waiter *w = *state;
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_false(w->add(w->self, fileno(file), 1, WAITER_READ));
    expect(w, 1, 0);
    fclose(file);
}

static void there_may_be_no_descriptor_for_a_waiter(void **state)
{
    struct rlimit limit;
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    const struct rlimit none = {.rlim_cur = 0, .rlim_max = limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    struct waiter w = waiter_epoll();
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    if (w.self != NULL) {
        w.close(w.self);
        skip(); /* valgrind does not pass such limits on to the kernel */
    }
}

int main(void)
{
#define POLL(name) cmocka_unit_test_setup_teardown(name, open_poll, close_waiter)
#define EPOLL(name) cmocka_unit_test_setup_teardown(name, open_epoll, close_waiter)
#define TEST(name) POLL(name), EPOLL(name)
    const struct CMUnitTest tests[] = {
        TEST(only_what_is_waited_for_comes),
        TEST(a_hang_up_comes_unasked_and_with_input),
        TEST(the_end_of_a_peer_comes_when_it_is_asked_for),
        POLL(a_closed_descriptor_is_gone),
        TEST(removing_one_keeps_the_others),
        TEST(descriptors_may_have_high_numbers),
        TEST(nobody_starves),
        TEST(a_wait_is_never_too_short),
        TEST(a_short_wait_is_shorter_than_a_millisecond),
        TEST(an_event_ends_the_longest_wait),
        TEST(a_far_deadline_is_far),
        TEST(a_signal_ends_no_wait),
        POLL(a_wait_that_fails_takes_its_time),
        EPOLL(what_cannot_be_waited_for_is_refused),
        cmocka_unit_test(there_may_be_no_descriptor_for_a_waiter),
    };
    alarm(250);
    return cmocka_run_group_tests_name("waiter", tests, NULL, NULL);
}
