/* SPDX-License-Identifier: MIT */
/* Tests of conform/auth_server.h. */
#include "conform/auth_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define HEAD "\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: "

static void answers(const char *request, struct buf *seen, const char *wanted)
{
    struct buf out = {0};
    auth_server_answer(span_make(request, strlen(request)), seen, &out);
    if (!span_equal(buf_span(&out), span_make(wanted, strlen(wanted)))) {
        fail_msg("%.*s", (int)out.n, (const char *)buf_span(&out).p);
    }
    buf_free(&out);
}

static void a_secret_is_answered_with_itself_once(void **state)
{
    (void)state;
    struct buf seen = {0};
    answers("GET /auth?a=b&secret=%7B+%22%3a1%7d&tls=false HTTP/1.1\r\nHost: x\r\n\r\n", &seen,
            "HTTP/1.1 200 OK" HEAD "6\r\n\r\n{ \":1}");
    answers("GET /auth?secret=other HTTP/1.1\r\n\r\n", &seen,
            "HTTP/1.1 200 OK" HEAD "5\r\n\r\nother");
    answers("GET /auth?secret=other&x=y HTTP/1.1\r\n\r\n", &seen,
            "HTTP/1.1 500 Asked again" HEAD "5\r\n\r\nother");
    answers("GET /auth?secret=%4 HTTP/1.1\r\n\r\n", &seen, "HTTP/1.1 200 OK" HEAD "2\r\n\r\n%4");
    answers("GET /auth?secret=HTTP%2F1.0+404+No%0D%0A%0D%0A&x=y HTTP/1.1\r\n\r\n", &seen,
            "HTTP/1.0 404 No\r\n\r\n");
    answers("GET /auth?secret=HTTP%2F1.0+404+No%0D%0A%0D%0A&x=y HTTP/1.1\r\n\r\n", &seen,
            "HTTP/1.1 500 Asked again" HEAD "19\r\n\r\nHTTP/1.0 404 No\r\n\r\n");
    answers("GET / HTTP/1.1\r\n\r\n", &seen, "HTTP/1.1 200 OK" HEAD "0\r\n\r\n");
    buf_free(&seen);
}

static void it_answers_over_a_socket(void **state)
{
    (void)state;
    static const char request[] = "GET /auth?secret=x HTTP/1.1\r\n\r\n";
    char address[SOCKET_ADDRESS_MAX];
    uint8_t in[256];
    pid_t pid = auth_server_start(address);
    assert_true(pid > 0);
    int fd = socket_connect(address);
    assert_true(fd >= 0);
    assert_int_equal(send(fd, request, sizeof request - 1, MSG_NOSIGNAL), sizeof request - 1);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&p, 1, 5000), 1);
    assert_true(recv(fd, in, sizeof in, 0) > 15);
    assert_memory_equal(in, "HTTP/1.1 200 OK", 15);
    close(fd);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_is_answered_with_itself_once),
        cmocka_unit_test(it_answers_over_a_socket),
    };
    return cmocka_run_group_tests_name("auth_server", tests, NULL, NULL);
}
