/* SPDX-License-Identifier: MIT */
/* Tests of shell/log_line.h: the form of a line, what is escaped in it, where it goes. */
#include "shell/log_line.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/time.h"
#include "shell/clock.h"

#define SECOND INT64_C(1000000000)
#define NOON (INT64_C(1795348800) * SECOND) /* 2026/11/22 12:00:00 UTC */

static void set_zone(const char *zone)
{
    setenv("TZ", zone, 1);
    tzset();
}

static int utc(void **state)
{
    (void)state;
    set_zone("UTC");
    return 0;
}

static void expect_line(const struct buf *line, const char *wanted)
{
    struct span s = buf_span(line);
    if (!span_equal(s, log_text(wanted))) {
        fail_msg("'%.*s', not '%s'", (int)s.n, (const char *)s.p, wanted);
    }
}

/* --- one line --------------------------------------------------------------------------------- */

static void a_line_has_nsqds_form(void **state)
{
    (void)state;
    static const struct {
        enum log_level level;
        int64_t wall;
        const char *line;
    } rows[] = {
        {LOG_DEBUG, NOON, "[nsqd] 2026/11/22 12:00:00.000000 DEBUG: x\n"},
        {LOG_INFO, NOON + 999, "[nsqd] 2026/11/22 12:00:00.000000 INFO: x\n"},
        {LOG_WARNING, NOON + 1000, "[nsqd] 2026/11/22 12:00:00.000001 WARNING: x\n"},
        {LOG_ERROR, NOON + SECOND - 1, "[nsqd] 2026/11/22 12:00:00.999999 ERROR: x\n"},
        {LOG_FATAL, NOON + SECOND, "[nsqd] 2026/11/22 12:00:01.000000 FATAL: x\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf line = {0};
        log_line_append(&line, "[nsqd] ", rows[i].wall, rows[i].level, "x", NULL, 0);
        expect_line(&line, rows[i].line);
        buf_free(&line);
    }
}

static void the_time_is_local(void **state)
{
    (void)state;
    struct buf line = {0};
    set_zone("TST-5:30");
    log_line_append(&line, "", NOON, LOG_INFO, "x", NULL, 0);
    set_zone("UTC");
    expect_line(&line, "2026/11/22 17:30:00.000000 INFO: x\n");
    buf_free(&line);
}

static void arguments_take_the_place_of_percent_signs(void **state)
{
    (void)state;
    static const struct {
        const char *form;
        size_t count;
        const char *text;
    } rows[] = {
        {"none", 3, "none"},
        {"%", 1, "a"},
        {"%%%", 3, "a bc"}, /* the second is empty */
        {"[%] <%> %!", 3, "[a] <> bc!"},
        {"% %", 1, "a %"}, /* no more arguments */
        {"100%", 0, "100%"},
        {"%", 3, "a"},
    };
    const struct span args[] = {SPAN("a"), {NULL, 0}, SPAN(" bc")};
    const struct span spaced[] = {SPAN("a"), {NULL, 0}, SPAN("bc")};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf line = {0};
        char wanted[64];
        snprintf(wanted, sizeof wanted, "1970/01/01 00:00:00.000000 INFO: %s\n", rows[i].text);
        log_line_append(&line, "", 0, LOG_INFO, rows[i].form, i == 2 ? args : spaced,
                        rows[i].count);
        expect_line(&line, wanted);
        buf_free(&line);
    }
}

/* Every byte: printable ASCII is written unchanged, all other bytes are escaped. So a peer's bytes
 * can neither end a line nor control a terminal, and cannot imitate escaped bytes. */
static void arguments_are_escaped(void **state)
{
    (void)state;
    for (unsigned c = 0; c <= 0xff; c++) {
        uint8_t byte = (uint8_t)c;
        char wanted[64];
        struct span arg = span_make(&byte, 1);
        struct buf line = {0};
        int n = snprintf(wanted, sizeof wanted, "1970/01/01 00:00:00.000000 INFO: ");
        if (c == '\\') {
            snprintf(wanted + n, sizeof wanted - (size_t)n, "\\\\\n");
        } else if (c >= 0x20 && c <= 0x7e) {
            snprintf(wanted + n, sizeof wanted - (size_t)n, "%c\n", (int)c);
        } else {
            snprintf(wanted + n, sizeof wanted - (size_t)n, "\\x%02x\n", c);
        }
        log_line_append(&line, "", 0, LOG_INFO, "%", &arg, 1);
        expect_line(&line, wanted);
        buf_free(&line);
    }
}

static void the_prefix_stands_as_it_is(void **state)
{
    (void)state;
    struct buf line = {0};
    log_line_append(&line, "\xc3\xa9%\\n ", 0, LOG_INFO, "x", NULL, 0);
    expect_line(&line, "\xc3\xa9%\\n 1970/01/01 00:00:00.000000 INFO: x\n");
    buf_free(&line);
}

/* --- the writer ------------------------------------------------------------------------------- */

struct pipe_ends {
    int read;
    int write;
};

static struct pipe_ends open_pipe(void)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    return (struct pipe_ends){fds[0], fds[1]};
}

static void close_pipe(struct pipe_ends ends)
{
    close(ends.read);
    close(ends.write);
}

/* Reads what is in a pipe now, as a string. */
static void read_pipe(int fd, char *text, size_t size)
{
    fcntl(fd, F_SETFL, O_NONBLOCK);
    ssize_t n = read(fd, text, size - 1);
    text[n > 0 ? n : 0] = '\0';
}

static void lines_wait_for_the_flush_and_leave_in_order(void **state)
{
    (void)state;
    char text[512];
    struct pipe_ends ends = open_pipe();
    struct log_writer w = {.fd = ends.write, .prefix = "p ", .least = LOG_INFO};
    log_write(&w, LOG_INFO, "first %", SPAN("a\nb"));
    log_write(&w, LOG_ERROR, "second", SPAN(""));
    read_pipe(ends.read, text, sizeof text);
    assert_string_equal(text, "");
    log_writer_flush(&w);
    read_pipe(ends.read, text, sizeof text);
    char *first = strstr(text, "INFO: first a\\x0ab\np ");
    assert_non_null(first);
    assert_non_null(strstr(first, "ERROR: second\n"));
    log_writer_flush(&w);
    read_pipe(ends.read, text, sizeof text);
    assert_string_equal(text, ""); /* reported only once */
    log_writer_free(&w);
    close_pipe(ends);
}

static void a_line_has_the_present_time(void **state)
{
    (void)state;
    char text[128];
    char before[32];
    char after[32];
    struct pipe_ends ends = open_pipe();
    struct log_writer w = {.fd = ends.write, .prefix = "", .least = LOG_INFO};
    time_t t = time(NULL) - 1; /* time()'s clock may be a tick behind the other clock */
    struct tm tm;
    strftime(before, sizeof before, "%Y/%m/%d %H:%M:%S", localtime_r(&t, &tm));
    log_write(&w, LOG_INFO, "x", SPAN(""));
    t += 61;
    strftime(after, sizeof after, "%Y/%m/%d %H:%M:%S", localtime_r(&t, &tm));
    log_writer_free(&w);
    read_pipe(ends.read, text, sizeof text);
    assert_true(strncmp(before, text, 19) <= 0 && strncmp(text, after, 19) <= 0);
    close_pipe(ends);
}

static void levels_below_the_least_are_left_out(void **state)
{
    (void)state;
    int null = open("/dev/null", O_WRONLY);
    for (enum log_level least = LOG_DEBUG; least <= LOG_FATAL; least++) {
        struct log_writer w = {.fd = null, .prefix = "", .least = least};
        for (enum log_level level = LOG_DEBUG; level <= LOG_FATAL; level++) {
            log_write(&w, level, "x", SPAN(""));
            assert_int_equal(w.waiting.n > 0, level >= least);
            log_writer_flush(&w);
        }
        log_writer_free(&w);
    }
    close(null);
}

static void freeing_flushes(void **state)
{
    (void)state;
    char text[128];
    struct pipe_ends ends = open_pipe();
    struct log_writer w = {.fd = ends.write, .prefix = "", .least = LOG_INFO};
    log_write(&w, LOG_INFO, "bye", SPAN(""));
    log_writer_free(&w);
    read_pipe(ends.read, text, sizeof text);
    assert_non_null(strstr(text, "INFO: bye\n"));
    close_pipe(ends);
}

static void what_cannot_be_written_is_dropped(void **state)
{
    (void)state;
    struct pipe_ends ends = open_pipe();
    close(ends.read);
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignore, NULL);
    struct log_writer broken = {.fd = ends.write, .prefix = "", .least = LOG_INFO};
    log_write(&broken, LOG_INFO, "x", SPAN(""));
    log_writer_flush(&broken);
    assert_int_equal(broken.waiting.n, 0);
    log_writer_free(&broken);
    close(ends.write);
    struct log_writer closed = {.fd = ends.write, .prefix = "", .least = LOG_INFO};
    log_write(&closed, LOG_INFO, "x", SPAN(""));
    log_writer_flush(&closed);
    assert_int_equal(closed.waiting.n, 0);
    log_writer_free(&closed);
}

/* --- a log that nobody reads ------------------------------------------------------------------ */

/* A pipe that is full to the last byte. */
static struct pipe_ends open_full_pipe(void)
{
    static uint8_t filling[4096];
    struct pipe_ends ends = open_pipe();
    fcntl(ends.write, F_SETFL, O_NONBLOCK);
    while (write(ends.write, filling, sizeof filling) > 0) {
    }
    assert_int_equal(errno, EAGAIN);
    fcntl(ends.write, F_SETFL, 0);
    fcntl(ends.read, F_SETFL, O_NONBLOCK);
    return ends;
}

/* Reads the bytes that fill the pipe, and what follows them as a string. */
static void empty_pipe(int fd, char *text, size_t size)
{
    char bytes[4096];
    size_t n = 0;
    ssize_t got;
    while ((got = read(fd, bytes, sizeof bytes)) > 0) {
        for (ssize_t i = 0; i < got; i++) {
            if (bytes[i] != '\0' && n + 1 < size) {
                text[n++] = bytes[i];
            }
        }
    }
    text[n] = '\0';
}

static void writing_never_waits(void **state)
{
    (void)state;
    char text[256];
    struct pipe_ends ends = open_full_pipe();
    struct log_writer w = {.fd = ends.write, .prefix = "", .least = LOG_INFO};
    log_write(&w, LOG_INFO, "first", SPAN(""));
    log_writer_flush(&w);
    log_write(&w, LOG_INFO, "second", SPAN(""));
    log_writer_flush(&w);
    assert_true(log_writer_waits(&w));
    empty_pipe(ends.read, text, sizeof text);
    assert_string_equal(text, "");
    log_writer_flush(&w);
    assert_false(log_writer_waits(&w));
    empty_pipe(ends.read, text, sizeof text);
    char *first = strstr(text, "INFO: first\n");
    assert_non_null(first);
    assert_non_null(strstr(first, "INFO: second\n"));
    log_writer_free(&w);
    close_pipe(ends);
}

/* Also if the descriptor is nonblocking, as some parent processes make it. */
static void lines_wait_for_a_nonblocking_log_too(void **state)
{
    (void)state;
    char text[256];
    struct pipe_ends ends = open_full_pipe();
    fcntl(ends.write, F_SETFL, O_NONBLOCK);
    struct log_writer w = {.fd = ends.write, .prefix = "", .least = LOG_INFO};
    log_write(&w, LOG_INFO, "kept", SPAN(""));
    log_writer_flush(&w);
    assert_true(log_writer_waits(&w));
    empty_pipe(ends.read, text, sizeof text);
    log_writer_flush(&w);
    empty_pipe(ends.read, text, sizeof text);
    assert_non_null(strstr(text, "INFO: kept\n"));
    log_writer_free(&w);
    close_pipe(ends);
}

/* Only whole lines are written, as many as there is room for, because other processes may write to
 * the same pipe. */
static void lines_leave_whole(void **state)
{
    (void)state;
    static char text[1 << 20];
    char middle[512];
    struct pipe_ends ends = open_pipe();
    struct log_writer w = {.fd = ends.write, .prefix = "", .least = LOG_INFO};
    memset(middle, 'm', sizeof middle);
    for (int i = 0; i < 1000; i++) { /* more than a pipe holds, with many different lengths */
        log_write(&w, LOG_INFO, "<%>", span_make(middle, (size_t)i % sizeof middle));
    }
    size_t total = w.waiting.n;
    size_t have = 0;
    while (log_writer_waits(&w)) {
        log_writer_flush(&w);
        assert_true(!log_writer_waits(&w) || buf_span(&w.waiting).p[0] == '1' ||
                    buf_span(&w.waiting).p[0] == '2'); /* the first digit of a year */
        read_pipe(ends.read, text + have, sizeof text - have);
        have += strlen(text + have);
    }
    assert_int_equal(have, total);
    log_writer_free(&w);
    close_pipe(ends);
}

/* A line longer than a pipe takes at once is written in pieces. */
static void a_long_line_leaves_too(void **state)
{
    (void)state;
    static uint8_t bytes[20000]; /* NULs, which are four bytes each when escaped */
    static char text[4 * sizeof bytes + 128];
    struct pipe_ends ends = open_pipe();
    struct log_writer w = {.fd = ends.write, .prefix = "", .least = LOG_INFO};
    log_write(&w, LOG_INFO, "%", span_make(bytes, sizeof bytes));
    size_t total = w.waiting.n;
    size_t have = 0;
    while (log_writer_waits(&w)) {
        log_writer_flush(&w);
        read_pipe(ends.read, text + have, sizeof text - have);
        have += strlen(text + have);
    }
    assert_int_equal(have, total);
    assert_string_equal(text + total - 5, "\\x00\n");
    log_writer_free(&w);
    close_pipe(ends);
}

static void lines_that_wait_are_bounded_and_the_rest_is_counted(void **state)
{
    (void)state;
    static char text[2 * LOG_WAITING_BYTES];
    static uint8_t kilo[1024];
    struct pipe_ends ends = open_full_pipe();
    struct log_writer w = {.fd = ends.write, .prefix = "", .least = LOG_INFO};
    memset(kilo, 'k', sizeof kilo);
    while (w.waiting.n <= LOG_WAITING_BYTES) {
        log_write(&w, LOG_INFO, "%", span_make(kilo, sizeof kilo));
        log_writer_flush(&w);
    }
    assert_int_equal(w.dropped, 0);
    size_t most = w.waiting.n;
    for (int i = 0; i < 3; i++) {
        log_write(&w, LOG_INFO, "left off", SPAN(""));
        log_write(&w, LOG_DEBUG, "not wanted anyway", SPAN(""));
        log_writer_flush(&w);
    }
    assert_int_equal(w.waiting.n, most);
    assert_int_equal(w.dropped, 3);
    size_t have = 0;
    while (log_writer_waits(&w)) {
        empty_pipe(ends.read, text + have, sizeof text - have);
        have += strlen(text + have);
        log_writer_flush(&w);
    }
    empty_pipe(ends.read, text + have, sizeof text - have);
    assert_null(strstr(text, "left off"));
    assert_non_null(strstr(text, " WARNING: 3 log lines were dropped because nobody read them\n"));
    log_writer_flush(&w);
    empty_pipe(ends.read, text, sizeof text);
    assert_string_equal(text, ""); /* reported only once */
    log_writer_free(&w);
    close_pipe(ends);
}

static void the_end_does_not_wait_for_ever(void **state)
{
    (void)state;
    struct pipe_ends ends = open_full_pipe();
    struct log_writer w = {.fd = ends.write, .prefix = "", .least = LOG_INFO};
    log_write(&w, LOG_INFO, "lost", SPAN(""));
    int64_t start = clock_now();
    log_writer_free(&w);
    int64_t took = clock_now() - start;
    assert_in_range(took, LOG_PATIENCE_MS * TIME_MS, 4 * LOG_PATIENCE_MS * TIME_MS);
    close_pipe(ends);
}

static int interrupted; /* the end of a pipe that the signal handler reads from */

static void on_alarm(int signal)
{
    static uint8_t bytes[65536];
    (void)signal;
    ssize_t n = read(interrupted, bytes, sizeof bytes);
    (void)n;
}

/* At the end, the last lines wait for a reader for a while, also across a signal without
 * SA_RESTART. */
static void the_end_waits_a_little(void **state)
{
    (void)state;
    char text[128] = "";
    struct pipe_ends ends = open_full_pipe();
    interrupted = ends.read;
    struct sigaction act = {.sa_handler = on_alarm};
    struct sigaction before;
    sigaction(SIGALRM, &act, &before);
    const struct itimerval soon = {.it_value.tv_usec = 20000};
    unsigned rest = alarm(0);
    setitimer(ITIMER_REAL, &soon, NULL);
    struct log_writer w = {.fd = ends.write, .prefix = "", .least = LOG_INFO};
    log_write(&w, LOG_INFO, "bye", SPAN(""));
    log_writer_free(&w);
    sigaction(SIGALRM, &before, NULL);
    alarm(rest);
    read_pipe(ends.read, text, sizeof text);
    assert_non_null(strstr(text, "INFO: bye\n"));
    close_pipe(ends);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_nsqds_form),
        cmocka_unit_test(the_time_is_local),
        cmocka_unit_test(arguments_take_the_place_of_percent_signs),
        cmocka_unit_test(arguments_are_escaped),
        cmocka_unit_test(the_prefix_stands_as_it_is),
        cmocka_unit_test(lines_wait_for_the_flush_and_leave_in_order),
        cmocka_unit_test(a_line_has_the_present_time),
        cmocka_unit_test(levels_below_the_least_are_left_out),
        cmocka_unit_test(freeing_flushes),
        cmocka_unit_test(what_cannot_be_written_is_dropped),
        cmocka_unit_test(writing_never_waits),
        cmocka_unit_test(lines_wait_for_a_nonblocking_log_too),
        cmocka_unit_test(lines_leave_whole),
        cmocka_unit_test(a_long_line_leaves_too),
        cmocka_unit_test(lines_that_wait_are_bounded_and_the_rest_is_counted),
        cmocka_unit_test(the_end_does_not_wait_for_ever),
        cmocka_unit_test(the_end_waits_a_little),
    };
    alarm(250);
    return cmocka_run_group_tests_name("log_line", tests, utc, NULL);
}
