/* SPDX-License-Identifier: MIT */
/* Tests of shell/socket.h: addresses as text, listening, accepting, on loopback and unix sockets.
 */
#include "shell/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/net.h"

#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

/* --- text ------------------------------------------------------------------------------------- */

/* Each was seen on nsqd 1.3.0. An address that cannot be split is the path of a unix socket. */
static const struct {
    const char *address;
    const char *host; /* NULL: it cannot be split */
    const char *port;
} splits[] = {
    {"127.0.0.1:4150", "127.0.0.1", "4150"},
    {"localhost:http", "localhost", "http"},
    {":4150", "", "4150"},
    {"[::]:4150", "::", "4150"},
    {"[::1%lo]:0", "::1%lo", "0"},
    {"[]:0", "", "0"},
    {"[127.0.0.1]:0", "127.0.0.1", "0"},
    {"127.0.0.1:", "127.0.0.1", ""},
    {":", "", ""},
    {"127.0.0.1", NULL, NULL},
    {"", NULL, NULL},
    {"./nsqd.sock", NULL, NULL},
    {"a:b:c", NULL, NULL},
    {"::1:0", NULL, NULL},
    {"[a]:b]", NULL, NULL},
    {"[a:0", NULL, NULL},
    {"[a]x:0", NULL, NULL},
    {"[a]", NULL, NULL},
    {"a[:0", NULL, NULL},
    {"a]:0", NULL, NULL},
    {"[[a]:0", NULL, NULL},
    {"a:[0", NULL, NULL},
};

static void an_address_splits_as_in_go(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof splits / sizeof splits[0]; i++) {
        char host[SOCKET_HOST_MAX];
        char port[SOCKET_HOST_MAX];
        bool split = socket_split_address(splits[i].address, host, port);
        if (split != (splits[i].host != NULL) ||
            (split && (strcmp(host, splits[i].host) != 0 || strcmp(port, splits[i].port) != 0))) {
            fail_msg("'%s': %s '%s' '%s'", splits[i].address, split ? "splits" : "does not split",
                     split ? host : "", split ? port : "");
        }
    }
}

static void parts_that_are_too_long_do_not_split(void **state)
{
    (void)state;
    char host[SOCKET_HOST_MAX];
    char port[SOCKET_HOST_MAX];
    char address[2 * SOCKET_HOST_MAX];
    memset(address, 'h', sizeof address);
    memcpy(address + SOCKET_HOST_MAX - 1, ":1", 3);
    assert_true(socket_split_address(address, host, port));
    assert_int_equal(strlen(host), SOCKET_HOST_MAX - 1);
    address[SOCKET_HOST_MAX - 1] = 'h';
    memcpy(address + SOCKET_HOST_MAX, ":1", 3);
    assert_false(socket_split_address(address, host, port));
    address[0] = ':';
    memset(address + 1, '1', SOCKET_HOST_MAX);
    address[SOCKET_HOST_MAX] = '\0';
    assert_true(socket_split_address(address, host, port));
    address[SOCKET_HOST_MAX] = '1';
    address[SOCKET_HOST_MAX + 1] = '\0';
    assert_false(socket_split_address(address, host, port));
}

/* --- listening -------------------------------------------------------------------------------- */

static int listen_well(const char *address)
{
    char why[SOCKET_WHY_MAX];
    int fd = socket_listen(address, why);
    if (fd < 0) {
        fail_msg("'%s': %s", address, why);
    }
    return fd;
}

static unsigned port_of(int fd)
{
    char text[SOCKET_ADDRESS_MAX];
    socket_local_address(fd, text);
    return (unsigned)atoi(strrchr(text, ':') + 1);
}

/* Checks the part before the port. */
static void expect_host(const char *address, const char *host)
{
    char text[SOCKET_ADDRESS_MAX];
    int fd = listen_well(address);
    socket_local_address(fd, text);
    size_t n = (size_t)(strrchr(text, ':') - text);
    if (strlen(host) != n || memcmp(text, host, n) != 0) {
        fail_msg("'%s': listens on %s", address, text);
    }
    assert_in_range(port_of(fd), 1, UINT16_MAX);
    close(fd);
}

static bool have_ipv6(void)
{
    char why[SOCKET_WHY_MAX];
    int fd = socket_listen("[::1]:0", why);
    close(fd);
    return fd >= 0;
}

static void the_real_address_is_told(void **state)
{
    (void)state;
    expect_host("127.0.0.1:0", "127.0.0.1");
    expect_host("127.0.0.1:", "127.0.0.1");
    expect_host("localhost:0", "127.0.0.1"); /* IPv4 before IPv6 */
    const char *any = have_ipv6() ? "[::]" : "0.0.0.0";
    expect_host("0.0.0.0:0", any);
    expect_host(":0", any);
    expect_host("[]:0", any);
    if (have_ipv6()) {
        expect_host("[::]:0", "[::]");
        expect_host("[::1]:0", "[::1]");
    }
    char text[SOCKET_ADDRESS_MAX];
    socket_local_address(-1, text);
    assert_string_equal(text, "?");
}

static void no_host_listens_on_ipv4_too(void **state)
{
    (void)state;
    char peer[SOCKET_ADDRESS_MAX];
    int listener = listen_well(":0");
    int client = net_connect(port_of(listener));
    int fd = socket_accept(listener, peer);
    assert_true(fd >= 0);
    assert_int_equal(strncmp(peer, "127.0.0.1:", 10), 0); /* not [::ffff:127.0.0.1] */
    close(fd);
    close(client);
    close(listener);
}

static void expect_refusal(const char *address, const char *why_wanted)
{
    char why[SOCKET_WHY_MAX];
    int fd = socket_listen(address, why);
    if (fd >= 0 || strcmp(why, why_wanted) != 0) {
        fail_msg("'%s': %s", address, fd >= 0 ? "listens" : why);
    }
}

static void a_refusal_has_a_reason_in_gos_words(void **state)
{
    (void)state;
    expect_refusal("127.0.0.1:99999", "listen tcp: address 99999: invalid port");
    expect_refusal("127.0.0.1:65536", "listen tcp: address 65536: invalid port");
    expect_refusal("127.0.0.1:-1", "listen tcp: address -1: invalid port");
    expect_refusal("127.0.0.1:0x50", "listen tcp: lookup tcp/0x50: unknown port");
    expect_refusal("127.0.0.1:no-such", "listen tcp: lookup tcp/no-such: unknown port");
    expect_refusal("203.0.113.1:4150",
                   "listen tcp 203.0.113.1:4150: bind: cannot assign requested address");
    expect_refusal("203.0.113.1:65535",
                   "listen tcp 203.0.113.1:65535: bind: cannot assign requested address");
    expect_refusal("/nowhere/x.sock",
                   "listen unix /nowhere/x.sock: bind: no such file or directory");
    char why[SOCKET_WHY_MAX];
    assert_int_equal(socket_listen("a..b:0", why), -1); /* such a name is not looked up */
    assert_int_equal(strncmp(why, "listen tcp: lookup a..b: ", 25), 0);
}

static int next_descriptor(void)
{
    int fd = dup(STDERR_FILENO);
    close(fd);
    return fd;
}

static void a_port_is_taken_once(void **state)
{
    (void)state;
    static const char *const hosts[][2] = {
        {"127.0.0.1", "127.0.0.1"}, {"", ""}, {"0.0.0.0", "0.0.0.0"}, {"[::]", "0.0.0.0"}};
    int listener = listen_well(":0");
    int next = next_descriptor();
    for (size_t i = 0; i < (have_ipv6() ? 4 : 3); i++) {
        char address[SOCKET_ADDRESS_MAX];
        char why[SOCKET_WHY_MAX];
        snprintf(address, sizeof address, "%s:%u", hosts[i][0], port_of(listener));
        snprintf(why, sizeof why, "listen tcp %s:%u: bind: address already in use", hosts[i][1],
                 port_of(listener));
        expect_refusal(address, why);
    }
    assert_int_equal(next_descriptor(), next); /* none is left open */
    close(listener);
}

static void a_listener_needs_a_descriptor(void **state)
{
    (void)state;
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    struct rlimit none = {.rlim_cur = 0, .rlim_max = limit.rlim_max};
    char why[SOCKET_WHY_MAX];
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    int fd = socket_listen("127.0.0.1:1", why);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(fd, -1);
    assert_string_equal(why, "listen tcp 127.0.0.1:1: socket: too many open files");
}

/* Removes the file that an address has now. */
static void clean_up(const char *address)
{
    struct socket_file file = socket_find_file(address);
    socket_clean_up(address, &file);
}

/* --- unix sockets ----------------------------------------------------------------------------- */

/* Makes a new folder the working directory, so that paths are short. */
static int enter_folder(void **state)
{
    char *folder = strdup("/tmp/nsqref-test-XXXXXX");
    *state = folder;
    return folder != NULL && mkdtemp(folder) != NULL ? chdir(folder) : -1;
}

static int leave_folder(void **state)
{
    int failed = chdir("/") != 0 || rmdir(*state) != 0;
    free(*state);
    return failed;
}

static void a_path_is_listened_on_and_cleaned_up(void **state)
{
    (void)state;
    char text[SOCKET_ADDRESS_MAX];
    int listener = listen_well("./nsqd.sock");
    socket_local_address(listener, text);
    assert_string_equal(text, "./nsqd.sock");
    expect_refusal("./nsqd.sock", "listen unix ./nsqd.sock: bind: address already in use");
    struct socket_file file = socket_find_file("./nsqd.sock");
    close(listener);
    struct socket_file none = socket_find_file("127.0.0.1:0");
    assert_false(none.exists);
    socket_clean_up("127.0.0.1:0", &none); /* not a path */
    assert_int_equal(access("nsqd.sock", F_OK), 0);
    socket_clean_up("./nsqd.sock", &file);
    assert_int_equal(access("nsqd.sock", F_OK), -1);
}

/* A server was killed, and its socket is still there. The next one takes the path over. The first
 * one, if it ends late, leaves the other's socket alone. */
static void a_path_where_nobody_listens_is_taken(void **state)
{
    (void)state;
    int first = listen_well("./nsqd.sock");
    struct socket_file file = socket_find_file("./nsqd.sock");
    close(first);
    int second = listen_well("./nsqd.sock");
    struct socket_file taken = socket_find_file("./nsqd.sock");
    socket_clean_up("./nsqd.sock", &file);
    assert_int_equal(access("nsqd.sock", F_OK), 0);
    expect_refusal("./nsqd.sock", "listen unix ./nsqd.sock: bind: address already in use");
    close(net_connect_unix("./nsqd.sock"));
    close(second);
    socket_clean_up("./nsqd.sock", &taken);
    assert_int_equal(access("nsqd.sock", F_OK), -1);
}

/* Only sockets are replaced. */
static void a_file_that_is_no_socket_is_kept(void **state)
{
    (void)state;
    FILE *f = fopen("nsqd.sock", "w");
    assert_non_null(f);
    fclose(f);
    expect_refusal("./nsqd.sock", "listen unix ./nsqd.sock: bind: address already in use");
    assert_int_equal(unlink("nsqd.sock"), 0);
}

static void a_path_has_at_most_107_bytes(void **state)
{
    (void)state;
    close(listen_well(HUNDRED "1234567"));
    clean_up(HUNDRED "1234567");
    assert_int_equal(access(HUNDRED "1234567", F_OK), -1);
    expect_refusal(HUNDRED "12345678", "listen unix " HUNDRED "12345678: bind: invalid argument");
}

static void a_name_needs_no_file(void **state)
{
    (void)state;
    char name[SOCKET_ADDRESS_MAX];
    char text[SOCKET_ADDRESS_MAX];
    char peer[SOCKET_ADDRESS_MAX];
    snprintf(name, sizeof name, "@nsqref-test-%d", (int)getpid());
    int listener = listen_well(name);
    socket_local_address(listener, text);
    assert_string_equal(text, name);
    assert_int_equal(access(name, F_OK), -1);
    int client = net_connect_unix(name);
    int fd = socket_accept(listener, peer);
    assert_true(fd >= 0);
    assert_string_equal(peer, "@");
    close(fd);
    close(client);
    close(listener);
    /* A file with that name belongs to somebody else. */
    close(open(name, O_CREAT | O_WRONLY, 0600));
    clean_up(name);
    assert_int_equal(unlink(name), 0);
    expect_refusal("@" HUNDRED "12345678",
                   "listen unix @" HUNDRED "12345678: bind: invalid argument");
}

static void no_address_is_a_name_of_the_kernels(void **state)
{
    (void)state;
    char text[SOCKET_ADDRESS_MAX];
    int listener = listen_well("");
    socket_local_address(listener, text);
    assert_int_equal(text[0], '@');
    assert_true(strlen(text) > 1);
    close(listener);
    clean_up("");
}

/* Checks the text of the address of a client that is bound to `own` ("": not bound). */
static void expect_peer(int listener, const char *own, size_t size, const char *text)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    socklen_t room = sizeof a;
    char peer[SOCKET_ADDRESS_MAX];
    int client = socket(AF_UNIX, SOCK_STREAM, 0);
    memcpy(a.sun_path, own, size);
    if (size > 0) {
        socklen_t n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
        assert_int_equal(bind(client, (const struct sockaddr *)&a, n), 0);
    }
    assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &room), 0);
    assert_int_equal(connect(client, (const struct sockaddr *)&a, room), 0);
    int fd = socket_accept(listener, peer);
    assert_true(fd >= 0);
    assert_string_equal(peer, text);
    close(fd);
    close(client);
}

static void a_unix_peer_has_a_path_or_a_name_or_neither(void **state)
{
    (void)state;
    int listener = listen_well("./nsqd.sock");
    expect_peer(listener, "", 0, "@");
    expect_peer(listener, "own.sock", 9, "./own.sock");
    expect_peer(listener, "10.9.8.7:42", 12, "./10.9.8.7:42"); /* not an IP address */
    unlink("10.9.8.7:42");
    expect_peer(listener, "\0own-name", 9, "@own-name");
    expect_peer(listener, "\0cut\0here", 9, "@cut"); /* as Go does */
    char longest[SOCKET_ADDRESS_MAX] = "@" HUNDRED "1234567";
    char own[SOCKET_ADDRESS_MAX];
    memcpy(own, longest, sizeof own);
    own[0] = '\0';
    expect_peer(listener, own, 108, longest);
    assert_int_equal(unlink("own.sock"), 0);
    close(listener);
    clean_up("./nsqd.sock");
}

/* --- accepting -------------------------------------------------------------------------------- */

static bool has_option(int fd, int level, int name)
{
    int value = 0;
    socklen_t size = sizeof value;
    assert_int_equal(getsockopt(fd, level, name, &value, &size), 0);
    return value != 0;
}

static void expect_flags(int fd)
{
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

static void an_accepted_socket_is_ready_for_the_loop(void **state)
{
    (void)state;
    char peer[SOCKET_ADDRESS_MAX];
    char text[SOCKET_ADDRESS_MAX];
    int listener = listen_well("127.0.0.1:0");
    expect_flags(listener);
    assert_true(has_option(listener, SOL_SOCKET, SO_REUSEADDR));
    assert_int_equal(socket_accept(listener, peer), -1);
    assert_int_equal(errno, EAGAIN); /* no connection waits */

    int client = net_connect(port_of(listener));
    int fd = socket_accept(listener, peer);
    assert_true(fd >= 0);
    expect_flags(fd);
    assert_true(has_option(fd, IPPROTO_TCP, TCP_NODELAY));
    assert_true(has_option(fd, SOL_SOCKET, SO_KEEPALIVE));
    socket_local_address(client, text);
    assert_string_equal(peer, text);
    close(fd);
    close(client);
    close(listener);
}

static void an_ipv6_peer_is_in_brackets(void **state)
{
    (void)state;
    if (!have_ipv6()) {
        skip();
    }
    char peer[SOCKET_ADDRESS_MAX];
    int listener = listen_well("[::1]:0");
    struct sockaddr_in6 a;
    socklen_t size = sizeof a;
    assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &size), 0);
    int client = socket(AF_INET6, SOCK_STREAM, 0);
    assert_int_equal(connect(client, (const struct sockaddr *)&a, size), 0);
    int fd = socket_accept(listener, peer);
    assert_int_equal(strncmp(peer, "[::1]:", 6), 0);
    close(fd);
    close(client);
    close(listener);
}

static void which_errors_of_accept_pass(void **state)
{
    (void)state;
    static const int passing[] = {ECONNABORTED, EMFILE, ENFILE, ENOBUFS, ENOMEM, EPROTO, EPERM};
    static const int lasting[] = {EBADF, EINVAL, ENOTSOCK, EFAULT, 0};
    for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++) {
        assert_true(socket_accept_is_temporary(passing[i]));
    }
    for (size_t i = 0; i < sizeof lasting / sizeof lasting[0]; i++) {
        assert_false(socket_accept_is_temporary(lasting[i]));
    }
}

/* --- connecting ------------------------------------------------------------------------------- */

static void connecting_is_listening_from_the_other_side(void **state)
{
    (void)state;
    static const char *const addresses[] = {"127.0.0.1:0", ":0", "./nsqd.sock"};
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        char address[SOCKET_ADDRESS_MAX];
        char peer[SOCKET_ADDRESS_MAX];
        int listener = listen_well(addresses[i]);
        socket_local_address(listener, address);
        if (address[0] == '[' || address[0] == '0') {
            snprintf(address, sizeof address, ":%u", port_of(listener));
        }
        int client = socket_connect(address);
        assert_true(client >= 0);
        expect_flags(client);
        int fd = socket_accept(listener, peer);
        assert_true(fd >= 0);
        close(fd);
        close(client);
        close(listener);
        assert_int_equal(socket_connect(address), -1); /* the listener is closed */
        assert_int_equal(errno, ECONNREFUSED);
        clean_up(addresses[i]);
    }
    assert_int_equal(socket_connect("127.0.0.1:no-such"), -1);
    assert_int_equal(socket_connect(HUNDRED TEN), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_splits_as_in_go),
        cmocka_unit_test(parts_that_are_too_long_do_not_split),
        cmocka_unit_test(the_real_address_is_told),
        cmocka_unit_test(no_host_listens_on_ipv4_too),
        cmocka_unit_test(a_refusal_has_a_reason_in_gos_words),
        cmocka_unit_test(a_port_is_taken_once),
        cmocka_unit_test(a_listener_needs_a_descriptor),
        cmocka_unit_test(a_path_is_listened_on_and_cleaned_up),
        cmocka_unit_test(a_path_where_nobody_listens_is_taken),
        cmocka_unit_test(a_file_that_is_no_socket_is_kept),
        cmocka_unit_test(a_path_has_at_most_107_bytes),
        cmocka_unit_test(a_name_needs_no_file),
        cmocka_unit_test(no_address_is_a_name_of_the_kernels),
        cmocka_unit_test(a_unix_peer_has_a_path_or_a_name_or_neither),
        cmocka_unit_test(an_accepted_socket_is_ready_for_the_loop),
        cmocka_unit_test(an_ipv6_peer_is_in_brackets),
        cmocka_unit_test(which_errors_of_accept_pass),
        cmocka_unit_test(connecting_is_listening_from_the_other_side),
    };
    alarm(250);
    return cmocka_run_group_tests_name("socket", tests, enter_folder, leave_folder);
}
